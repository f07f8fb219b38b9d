// What a unit files and publishes every year of its offices (年度备案、内部公示).
import { create, getFresh, getJson, send, withQuery } from "@/api/http";
import type { Moment } from "@/api/registry";
import type { Page } from "@/api/types";

export const filingKinds = ["leader_offices", "internal_publication"] as const;
export type FilingKind = (typeof filingKinds)[number];

export type UseFiling = {
  id: string;
  version_id: string;
  unit_id: string;
  kind: FilingKind;
  year: number;
  filed_on: string;
  document: string;
  note: string | null;
};

export type FilingStatement = { kind: FilingKind; year: number; filed_on: string; document: string; note: string | null };

/** A unit that owes a filing of a year. */
export type OwedFiling = { unit_id: string; unit_code: string; unit_name: string; kind: FilingKind; year: number; due_on: string; overdue: boolean };

export function owedFilingsAddress(kind: FilingKind, year: number): string {
  return withQuery("/api/v1/owed-filings", { kind, year, limit: 50, count: true });
}

export function fetchOwedFilings(address: string, signal?: AbortSignal): Promise<Page<OwedFiling>> {
  return getFresh(address, signal);
}

export async function fetchFilings(unit: string, at: Moment, signal?: AbortSignal): Promise<UseFiling[]> {
  const page = await getJson<Page<UseFiling>>(withQuery("/api/v1/use-filings", { unit, as_of: at.asOf, known_at: at.knownAt }), signal);
  return page.items;
}

export function enterFiling(unit: string, said: FilingStatement): Promise<string> {
  return create("/api/v1/use-filings", { unit_id: unit, ...said });
}

function change(held: UseFiling, method: string, to: string, body: object): Promise<Response> {
  return send(`/api/v1/use-filings/${held.id}${to}`, {
    method,
    headers: { "content-type": "application/json", "if-match": `"${held.version_id}"` },
    body: JSON.stringify(body),
  });
}

export async function correctFiling(held: UseFiling, said: FilingStatement, reason: string): Promise<void> {
  await change(held, "PATCH", "", { ...said, reason });
}

export async function withdrawFiling(held: UseFiling, reason: string): Promise<void> {
  await change(held, "POST", "/withdrawals", { reason });
}
