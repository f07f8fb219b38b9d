// Papers as files.
export default {
  documents: {
    heading: "Files",
    none: "No document has been brought yet.",
    no_file: "no file",
    drop: "Drop files here, or",
    choose: "choose files",
    choose_one: "Choose a file",
    choose_another: "Choose another",
    formats: "PDF, OFD, JPG, PNG, TIFF, DOCX, XLSX, up to 128 MB each",
    kind: "Kind of document",
    add_file: "Add its file",
    save_as: "Download {name}",
    remove: "Remove",
    remove_asked: "Remove “{name}” from this case? The file that was brought stays on record.",
    give_up: "Give up",
    sending: "Sending {name}",
    failed: "“{name}” was not taken: {reason}",
    refused: {
      file_kind: "by its content it is none of the formats that are kept",
      file_macros: "it holds macros; save it without them or as PDF",
      file_empty: "the file is empty",
    },
  },
};
