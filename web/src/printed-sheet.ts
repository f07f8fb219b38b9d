// A sheet of paper: built apart from the page, shown in a shadow root and printed from a frame of its own, so that paper gets
// the sheet and nothing of the page around it.

export type SheetTable = {
  heading: string;
  head: string[];
  rows: string[][];
  foot?: string[];
  /** The columns whose figures stand to the right, from nought. */
  figures: number[];
};

export type Sheet = {
  /** What the browser calls the document. */
  name: string;
  /** The issuer, above the title. */
  issuer?: string;
  title: string;
  number?: string;
  /** Across the sheet, where it stands on made-up data. */
  watermark?: string;
  facts: [string, string][];
  tables: SheetTable[];
  notes: string[];
  /** Where it is signed and sealed. */
  signatures: string[];
};

const style = `
  .sheet { position: relative; box-sizing: border-box; max-width: 180mm; margin: 0 auto; padding: 8mm; background: #fff; color: #000; font: 12px/1.6 "Songti SC", SimSun, "Noto Serif CJK SC", serif; }
  .sheet h1 { margin: 0 0 4px; font-size: 22px; letter-spacing: 2px; text-align: center; }
  .sheet .issuer, .sheet .number { margin: 0 0 6px; text-align: center; }
  .sheet h2 { margin: 14px 0 4px; font-size: 13px; }
  .sheet table { width: 100%; border-collapse: collapse; }
  .sheet th, .sheet td { padding: 3px 6px; border: 1px solid #444; font-weight: 400; text-align: left; vertical-align: top; white-space: pre-line; }
  .sheet .facts th { width: 24%; background: #f2f2f2; }
  .sheet thead th, .sheet tfoot td { background: #f2f2f2; font-weight: 600; }
  .sheet .number-cell { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
  .sheet ol { margin: 12px 0 0; padding-left: 18px; }
  .sheet .signatures { display: flex; gap: 20mm; margin-top: 14mm; }
  .sheet .signatures span { flex: 1; padding-top: 4px; border-top: 1px solid #444; }
  .sheet .watermark { position: absolute; inset: 0; display: flex; align-items: center; justify-content: center; color: rgb(180 0 0 / 14%); font: 700 64px/1.2 sans-serif; pointer-events: none; text-align: center; transform: rotate(-24deg); }
  @page { size: A4; margin: 12mm; }
  @media print {
    .sheet { padding: 0; }
    .sheet tr, .sheet .signatures { break-inside: avoid; }
    .sheet thead { display: table-header-group; }
    .sheet .watermark { position: fixed; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  }
`;

/** The sheet as elements of a document, with its style. */
export function buildSheet(page: Document, sheet: Sheet): DocumentFragment {
  const make = <Tag extends keyof HTMLElementTagNameMap>(tag: Tag, text?: string, name?: string) => {
    const element = page.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (name !== undefined) element.className = name;
    return element;
  };
  const paper = make("article", undefined, "sheet");
  if (sheet.watermark !== undefined) paper.append(make("div", sheet.watermark, "watermark"));
  if (sheet.issuer !== undefined) paper.append(make("p", sheet.issuer, "issuer"));
  paper.append(make("h1", sheet.title));
  if (sheet.number !== undefined) paper.append(make("p", sheet.number, "number"));
  const facts = make("table", undefined, "facts");
  for (const [label, value] of sheet.facts) {
    const row = facts.insertRow();
    const head = make("th", label);
    head.scope = "row";
    row.append(head, make("td", value));
  }
  paper.append(facts);
  for (const { heading, head, rows, foot, figures } of sheet.tables) {
    const cellOf = (cell: string, column: number) => make("td", cell, figures.includes(column) ? "number-cell" : undefined);
    paper.append(make("h2", heading));
    const table = make("table");
    const first = table.createTHead().insertRow();
    for (const cell of head) first.append(make("th", cell));
    const body = table.createTBody();
    for (const cells of rows) {
      const row = body.insertRow();
      row.append(...cells.map(cellOf));
    }
    if (foot !== undefined) {
      const last = table.createTFoot().insertRow();
      last.append(...foot.map(cellOf));
    }
    paper.append(table);
  }
  if (sheet.notes.length > 0) {
    const notes = make("ol");
    for (const note of sheet.notes) notes.append(make("li", note));
    paper.append(notes);
  }
  if (sheet.signatures.length > 0) {
    const signatures = make("div", undefined, "signatures");
    for (const signature of sheet.signatures) signatures.append(make("span", signature));
    paper.append(signatures);
  }
  const fragment = page.createDocumentFragment();
  fragment.append(make("style", style), paper);
  return fragment;
}

/** Prints a sheet from a frame that goes away afterwards. */
export function printSheet(sheet: Sheet): void {
  const frame = document.createElement("iframe");
  frame.style.cssText = "position:fixed;width:0;height:0;border:0";
  document.body.append(frame);
  const page = frame.contentDocument;
  if (page === null || frame.contentWindow === null) return;
  page.title = sheet.name;
  page.body.append(buildSheet(page, sheet));
  frame.contentWindow.addEventListener("afterprint", () => frame.remove());
  frame.contentWindow.print();
}
