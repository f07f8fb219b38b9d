// The working calendar: the notices of each year's days off.
import { create, getFresh, send } from "@/api/http";
import type { Page } from "@/api/types";

const address = "/api/v1/calendar-notices";

export interface DaysOff {
  from: string;
  to: string;
}

/** What a notice says of its year: days off, and weekend days that are worked. */
export interface NoticeStatement {
  year: number;
  source: string;
  off: DaysOff[];
  worked: string[];
}

/** A year whose working days are known; with an id where its notice was recorded, else the program carries it. */
export interface CalendarYear extends NoticeStatement {
  id?: string;
  version_id?: string;
  net_days_off: number;
}

export async function fetchCalendarYears(): Promise<CalendarYear[]> {
  return (await getFresh<Page<CalendarYear>>(address)).items;
}

export async function recordNotice(said: NoticeStatement & { reason: string }): Promise<void> {
  await create(address, said);
}

function change(method: string, path: string, held: CalendarYear, body: object): Promise<Response> {
  return send(`${address}/${held.id}${path}`, {
    method,
    headers: { "content-type": "application/json", "if-match": `"${held.version_id}"` },
    body: JSON.stringify(body),
  });
}

export async function correctNotice(held: CalendarYear, said: NoticeStatement & { reason: string }): Promise<void> {
  await change("PATCH", "", held, said);
}

export async function withdrawNotice(held: CalendarYear, reason: string): Promise<void> {
  await change("POST", "/withdrawals", held, { reason });
}
