// Comma-separated values as RFC 4180 writes them.

function cell(value: string | number | null): string {
  const text = value === null ? "" : String(value);
  // A text that a spreadsheet would run as a formula is kept a text.
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function toCsv(rows: (string | number | null)[][]): string {
  return rows.map((row) => row.map(cell).join(",")).join("\r\n");
}
