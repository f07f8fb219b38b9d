import type { DaysOff } from "@/api/calendar";

const day_ms = 86_400_000;

/** Monday to Friday? */
function isWeekday(at_ms: number): boolean {
  const day = new Date(at_ms).getUTCDay();
  return day !== 0 && day !== 6;
}

/** Days from Monday to Friday that are off, less the weekend days that are worked; null while a day isn't said yet. */
export function netDaysOff(off: DaysOff[], worked: string[]): number | null {
  const days = new Set<number>();
  for (const { from, to } of off) {
    const [first, last] = [Date.parse(from), Date.parse(to)];
    if (Number.isNaN(first) || Number.isNaN(last) || last - first > 366 * day_ms) return null;
    for (let at = first; at <= last; at += day_ms) if (isWeekday(at)) days.add(at);
  }
  return days.size - new Set(worked.filter((day) => day !== "")).size;
}

/** Days off that the law gives a year (全国年节及纪念日放假办法 art. 2): 11, and 13 since 2025. */
export function statutoryDaysOff(year: number): number {
  return year < 2025 ? 11 : 13;
}

/** The years whose notice ought to be there by a day and isn't: the year itself, and from November on the next one. */
export function missingYears(known: number[], today: string): number[] {
  const year = Number(today.slice(0, 4));
  const wanted = today.slice(5, 7) >= "11" ? [year, year + 1] : [year];
  return wanted.filter((one) => !known.includes(one));
}
