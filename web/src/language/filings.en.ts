// The words of yearly filings in English.
export const filings = {
  heading: "Yearly filing and publication",
  none: "Nothing is entered. Leaders' offices are filed every year, and the use of offices is published inside the unit.",
  of_year: "{year}",
  missing_last_year: "Not entered for {year}: {kinds}",
  kind: { leader_offices: "filing of leaders' offices", internal_publication: "publication inside the unit" },
  enter: "Enter a filing",
  enter_title: "Filing or publication: {name}",
  correct: "Correct",
  correct_title: "Correct: {name}",
  withdraw: "Withdraw",
  withdraw_title: "Withdraw the {kind} of {year} ({document})? Say why; its history stays.",
  field: { kind: "What", year: "Year", filed_on: "Filed or published on", document: "Number or paper", note: "Note", reason: "Why it is corrected" },
  document_hint: "e.g. a document's number, a photograph of the notice",
  required: "required",
  save: "Save",
  saved: "Entered",
  withdrawn: "Withdrawn",
  stale: "Somebody changed this meanwhile; it was read again",
  owed: "Owed",
  owed_title: "Units that owe the {kind} of {year}",
  owed_none: "All of them are entered.",
  owed_count: "{n} unit | {n} units",
  owed_due: "due {date}",
  owed_over: "was due {date}",
  more: "Show more",
};

export const filingRefusals = {
  use_filing_version_one_a_year: "This unit's filing of that year is entered already; correct that one.",
};
