// Who looked at what is internal.
export const restricted = {
  title: "Reads of internal assets",
  about: "Who looked at assets that are internal, and when. It only grows: nobody can change or delete it.",
  none: "Nothing was read yet.",
  objects: "{n} assets",
  more: "Earlier",
  open: "Reads of internal assets",
};
