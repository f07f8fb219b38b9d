// Meters of buildings: what was consumed, by the days it was read for.
import { getJson, send, withQuery } from "@/api/http";

export const utilities = ["electricity", "water", "gas", "heat"] as const;
export type Utility = (typeof utilities)[number];

export type MeterReading = { meter_id: string; utility: Utility; from: string; to: string; quantity: string; source: string };
export type ReadingStatement = { building_id: string; utility: Utility; from: string; to: string; quantity: string };
export type Brought = { new: number; corrected: number; unchanged: number };

export const fetchReadings = (building: string, signal?: AbortSignal) =>
  getJson<MeterReading[]>(withQuery("/api/v1/meter-readings", { building }), signal);

/**
 * Lines as they come from a table: first day, last day, amount, with tabs, blanks, commas or semicolons between.
 * Gives the number of the first line that is none of these, from 1, instead of guessing.
 */
export function readingsOf(text: string): { from: string; to: string; quantity: string }[] | number {
  const found: { from: string; to: string; quantity: string }[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const parts = /^\s*(\d{4})[-/.\u5e74](\d{1,2})[-/.\u6708](\d{1,2})\u65e5?[\s,;]+(\d{4})[-/.\u5e74](\d{1,2})[-/.\u6708](\d{1,2})\u65e5?[\s,;]+([\d ,]*\d(?:\.\d+)?)\s*$/.exec(line);
    if (parts === null) return index + 1;
    const [, fromYear, fromMonth, fromDay, toYear, toMonth, toDay, amount] = parts as unknown as string[];
    const day = (year?: string, month?: string, date?: string) => `${year}-${(month ?? "").padStart(2, "0")}-${(date ?? "").padStart(2, "0")}`;
    found.push({ from: day(fromYear, fromMonth, fromDay), to: day(toYear, toMonth, toDay), quantity: (amount ?? "").replaceAll(/[ ,]/g, "") });
  }
  return found;
}

export async function bringReadings(readings: ReadingStatement[], source: string): Promise<Brought> {
  const response = await send("/api/v1/meter-readings", {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify({ readings, source }),
  });
  return (await response.json()) as Brought;
}
