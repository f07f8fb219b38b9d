// Numbers, areas and dates as the page writes them. Pure: the language is an argument.

export type Language = "zh" | "en";

/** Keeps a figure and its unit on one line; wide enough to be seen at arm's length in every font met. */
const fixedSpace = "\u00a0";

/** `7915` → `7 915`, with a space that doesn't break. */
export function formatCount(count: number): string {
  return formatNumber(count, 0);
}

export function formatNumber(value: number, decimals: number): string {
  const [whole = "0", fraction] = Math.abs(value).toFixed(decimals).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, fixedSpace);
  const sign = value < 0 && Number(value.toFixed(decimals)) !== 0 ? "−" : "";
  return sign + grouped + (fraction === undefined ? "" : `.${fraction}`);
}

function squareMetre(language: Language): string {
  return language === "zh" ? "㎡" : "m²";
}

/** `7 915 ㎡`; two decimals below 100 m². */
export function formatArea(area_m2: number, language: Language): string {
  const decimals = Math.abs(area_m2) < 100 && !Number.isInteger(area_m2) ? 2 : 0;
  return `${formatNumber(area_m2, decimals)}${fixedSpace}${squareMetre(language)}`;
}

const squareMetresPerMu = 2000 / 3;

/** The second way to say an area: 亩 for land, 万㎡ (hectares in English) from 100 000 m² up; both where both apply. */
export function formatAreaBeside(area_m2: number, isLand: boolean, language: Language): string[] {
  const beside: string[] = [];
  if (Math.abs(area_m2) >= 100_000) {
    beside.push(`${formatNumber(area_m2 / 10_000, 2)}${fixedSpace}${language === "zh" ? "万㎡" : "ha"}`);
  }
  if (isLand) beside.push(`${formatNumber(area_m2 / squareMetresPerMu, 2)}${fixedSpace}${language === "zh" ? "亩" : "mu"}`);
  return beside;
}

/** An area in a summary: 万㎡ / ha from 100 000 m² up, else m². */
export function formatAreaShort(area_m2: number, language: Language): string {
  return area_m2 >= 100_000 ? (formatAreaBeside(area_m2, false, language)[0] ?? "") : formatArea(area_m2, language);
}

/** Whether the registered and the computed area differ so much that it must be marked: over 0.5 % and over 1 m². */
export function isAreaDifferenceMarked(registered_m2: number, computed_m2: number): boolean {
  const difference = Math.abs(registered_m2 - computed_m2);
  return difference > Math.max(registered_m2 * 0.005, 1);
}

/** `+1.25 %` of computed over registered. */
export function formatDifferencePercent(registered_m2: number, computed_m2: number): string {
  const percent = ((computed_m2 - registered_m2) / registered_m2) * 100;
  return `${percent > 0 ? "+" : ""}${formatNumber(percent, 2)}${fixedSpace}%`;
}

/** `120°E`, `72°W`. */
export function formatMeridian(degrees: number): string {
  return `${Math.abs(degrees)}°${degrees < 0 ? "W" : "E"}`;
}

/** A moment as local `2026-11-21 09:30`. */
export function formatMoment(rfc3339: string): string {
  const moment = new Date(rfc3339);
  if (Number.isNaN(moment.getTime())) return rfc3339;
  const two = (value: number) => String(value).padStart(2, "0");
  return `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())} ${two(moment.getHours())}:${two(moment.getMinutes())}`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KB", "MB", "GB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit] ?? ""}`;
}

export type Duration = { years: number; months: number; days: number };

/** Whole years and months between two dates (`YYYY-MM-DD`); days when under one month. */
export function durationBetween(from: string, to: string): Duration {
  const [fromYear = 0, fromMonth = 0, fromDay = 0] = from.split("-").map(Number);
  const [toYear = 0, toMonth = 0, toDay = 0] = to.split("-").map(Number);
  const months = Math.max(0, (toYear - fromYear) * 12 + (toMonth - fromMonth) - (toDay < fromDay ? 1 : 0));
  const days = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000));
  return { years: Math.floor(months / 12), months: months % 12, days: months === 0 ? days : 0 };
}
