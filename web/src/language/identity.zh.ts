// Signing in through the organisation's own provider, and linking accounts to it.
export const identity = {
  or: "或",
  none_other: "本系统只接受统一身份认证登录。",
  title: "统一身份认证",
  subject: "身份标识（sub）",
  subject_about: "向身份提供方查询此人的 sub，原样填写；姓名、手机号都不是。",
  link: "关联",
  linked: "{date} 由 {name} 关联",
  last: "最近登录 {date}",
  never: "尚未由此登录",
  not_linked: "未关联，只能用密码登录。",
  not_linked_nor_password: "未关联，也没有密码：此人无法登录。",
  unlink: "解除关联",
  unlink_sure: "解除 {name} 与统一身份“{subject}”的关联？由此建立的登录立即结束。",
  no_password: "没有密码，只能通过统一身份认证登录。",
  set_password: "设置密码",
  subject_optional: "身份标识（sub，选填）",
  subject_optional_about: "填写后账户直接关联统一身份认证，不设密码。",
};

export const identityRefusals = {
  provider_unavailable: "身份提供方没有响应，请稍后再试；持续不能登录请告知其管理人员。",
  provider_refused: "身份提供方未确认您的身份。请重新登录。",
  sign_in_unknown: "这次登录不是在此浏览器中发起的、用时过长或已经用过。请重新登录。",
  identity_not_accepted: "身份提供方的答复未通过校验。请重新登录；持续出现请联系系统管理员。",
  account_unknown: "您的身份已确认，但本系统没有与之关联的账户。请联系系统管理员建立账户并关联。",
  password_sign_in_off: "本系统不接受密码登录，请使用统一身份认证。",
  oidc_off: "没有设置身份提供方。",
  sign_in_failed: "登录没有成功，请再试一次。",
  no_password: "此账户没有密码，通过统一身份认证登录。",
  person_identity_one_person: "这个身份标识已关联到另一个账户。",
  person_identity_one_subject: "此账户已关联，请先解除。",
};
