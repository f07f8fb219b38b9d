// Signing in through the organisation's own provider, and linking accounts to it.
export const identity = {
  or: "or",
  none_other: "People sign in here through their organisation alone.",
  title: "Organisation's sign-in",
  subject: "Subject (sub)",
  subject_about: "Ask the identity provider for the person's sub and copy it as it is. A name or a number is none.",
  link: "Link",
  linked: "Linked on {date} by {name}",
  last: "last sign-in {date}",
  never: "never signed in by it",
  not_linked: "Not linked: a password is the only way in.",
  not_linked_nor_password: "Not linked, and no password: this person can't sign in.",
  unlink: "Unlink",
  unlink_sure: "Unlink {name} from the subject “{subject}”? Sessions that were opened by it end at once.",
  no_password: "No password: signs in through the organisation alone.",
  set_password: "Set a password",
  subject_optional: "Subject (sub), optional",
  subject_optional_about: "With it the account is linked at once and gets no password.",
};

export const identityRefusals = {
  provider_unavailable: "The identity provider does not answer. Try again in a moment; if it lasts, tell whoever keeps it.",
  provider_refused: "The identity provider did not confirm who you are. Sign in again.",
  sign_in_unknown: "This sign-in was not begun in this browser, took too long or was used already. Sign in again.",
  identity_not_accepted: "What the identity provider answered did not pass the check. Sign in again; if it lasts, ask your administrator.",
  account_unknown: "It is known who you are, but no account here is linked to you. Ask your administrator for an account and its link.",
  password_sign_in_off: "Passwords are not accepted here. Sign in through your organisation.",
  oidc_off: "No identity provider is set.",
  sign_in_failed: "The sign-in did not succeed. Try again.",
  no_password: "This account has no password; it signs in through the organisation.",
  person_identity_one_person: "This subject is linked to another account.",
  person_identity_one_subject: "The account is linked already; unlink it first.",
};
