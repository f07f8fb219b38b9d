// What rules compare with, and what regions have of their own.
import { create, getJson, send } from "@/api/http";
import type { RegionValue, RuleParameter } from "@/api/types";

const address = "/api/v1/rule-parameters";

function change(path: string, method: string, held: RegionValue, body: unknown): Promise<unknown> {
  return send(path, { method, headers: { "content-type": "application/json", "if-match": `"${held.version_id}"` }, body: JSON.stringify(body) });
}

export function fetchRuleParameters(): Promise<RuleParameter[]> {
  return getJson(address);
}

export function setRegionValue(said: { name: string; region_code: string; value: number; source: string; valid_from: string; reason: string }): Promise<string> {
  return create(address, said);
}

export async function changeRegionValue(held: RegionValue, said: { value: number; source: string; valid_from: string; reason: string }): Promise<void> {
  await change(`${address}/${held.id}`, "PATCH", held, said);
}

export async function endRegionValue(held: RegionValue, validTo: string, reason: string): Promise<void> {
  await change(`${address}/${held.id}/closures`, "POST", held, { valid_to: validTo, reason });
}
