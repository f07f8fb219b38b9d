// Transfers to another level: the bureau that gives and the one that receives.
export default {
  receiving: {
    heading: "Bureau that receives",
    offered: "Proposed by {who} at {at}: {why}",
    waiting: "Waits for its answer",
    waiting_for: "Somebody of {name} ({level}) who works on cases answers; the other steps stay with the bureau that gives.",
    accepted: "Accepted",
    declined: "Declined",
    changed: "Changed since: to be answered anew",
    answered: "{who}, {on}",
    yours: "Answer for the bureau that receives",
    accept: "Accept",
    decline: "Decline",
    document: "Number of its letter",
    note: "Note",
    why_not: "Why it is declined",
    on: "Day",
    send: "Send the answer",
    again: "Answer otherwise",
    only_word: "In this case you only accept or decline; all other steps are the giving bureau's.",
  },
};
