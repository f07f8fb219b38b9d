// Signing in, what is one's own, and the accounts that administrators keep.
import { getJson, send, withQuery } from "@/api/http";
import type { Page } from "@/api/types";

export const roles = [
  "asset_manager",
  "title_clerk",
  "title_reviewer",
  "planner",
  "approver",
  "unit_contact",
  "finance_reviewer",
  "surveyor",
  "auditor",
  "administrator",
  "viewer",
] as const;
export type Role = (typeof roles)[number];

export const levels = ["national", "province", "city", "county", "township"] as const;
export type Level = (typeof levels)[number];

export type Permission =
  | "read_registry"
  | "export_registry"
  | "edit_assets"
  | "edit_directory"
  | "decide_findings"
  | "work_on_titles"
  | "review_titles"
  | "approve_titles"
  | "step_title_cases"
  | "work_on_cases"
  | "propose_policies"
  | "approve_policies"
  | "confirm_money"
  | "apply_for_repairs"
  | "step_policy_cases"
  | "take_stock"
  | "inspect"
  | "answer_inspections"
  | "step_inspections"
  | "keep_thresholds"
  | "keep_filings"
  | "bring_documents"
  | "read_imports"
  | "import_files"
  | "read_people"
  | "manage_people"
  | "read_metrics";

export type Grant = {
  id: string;
  role: Role;
  region_code: string;
  region_name?: string;
  level: Level | null;
  unit_id: string | null;
  unit_name?: string;
  since: string;
  until: string | null;
  granted_by: string;
};

export type Session = {
  person_id: string;
  username: string;
  display_name: string;
  must_change_password: boolean;
  grants: Grant[];
  permissions: Permission[];
  permissions_everywhere: Permission[];
  /** How the session came to be; null for a token. */
  opened_by: "password" | "identity" | null;
  expires_at: string | null;
  idle_s: number | null;
};

export type Token = { id: string; name: string; created_at: string; expires_at: string; last_used_at: string | null };

/** How somebody may sign in here. */
export type Ways = { password: boolean; provider: { address: string; label_zh: string; label_en: string } | null };

/** Who a person is at a provider. */
export type Identity = { id: string; issuer: string; subject: string; linked_at: string; linked_by: string; last_sign_in_at: string | null };

export type Person = {
  id: string;
  username: string;
  display_name: string;
  state: "active" | "disabled";
  must_change_password: boolean;
  is_demo: boolean;
  has_password: boolean;
  identities: Identity[];
  last_sign_in_at: string | null;
  locked_until: string | null;
  grants: Grant[];
};

export type GrantOrder = {
  role: Role;
  region_code?: string;
  level?: Level;
  unit_id?: string;
  since?: string;
  until?: string;
};

/** One key for each thing that is made, so that a repeated request makes nothing twice. */
function freshKey(): string {
  // Not randomUUID: it is missing where the page isn't served over https.
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function write(method: string, address: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return send(address, {
    method,
    headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function make<Answer>(address: string, body: unknown): Promise<Answer> {
  return (await (await write("POST", address, body, { "idempotency-key": freshKey() })).json()) as Answer;
}

export function fetchSession(): Promise<Session> {
  return getJson("/api/v1/session");
}

export async function signIn(username: string, password: string): Promise<Session> {
  return (await (await write("POST", "/api/v1/session", { username, password })).json()) as Session;
}

export async function signOut(): Promise<void> {
  await write("DELETE", "/api/v1/session");
}

export async function changePassword(current: string, next: string): Promise<Session> {
  const change = { current_password: current, new_password: next };
  return (await (await write("PUT", "/api/v1/session/password", change)).json()) as Session;
}

export async function makeFirstAdministrator(token: string, username: string, displayName: string, password: string): Promise<void> {
  await write("POST", "/api/v1/first-administrator", { token, username, display_name: displayName, password });
}

export function fetchTokens(): Promise<Token[]> {
  return getJson("/api/v1/session/tokens");
}

export async function makeToken(name: string, days: number): Promise<string> {
  const made = await make<{ token?: string }>("/api/v1/session/tokens", { name, expires_in_days: days });
  return made.token ?? "";
}

export async function revokeToken(id: string): Promise<void> {
  await write("DELETE", `/api/v1/session/tokens/${encodeURIComponent(id)}`);
}

export function fetchPeople(part: string, signal?: AbortSignal): Promise<Page<Person>> {
  return getJson(withQuery("/api/v1/people", { q: part, limit: 200 }), signal);
}

export function makePerson(username: string, displayName: string, subject?: string): Promise<{ id: string; initial_password?: string }> {
  return make("/api/v1/people", { username, display_name: displayName, ...(subject === undefined ? {} : { subject }) });
}

/** Disables or enables an account as it stands now. */
export async function setPersonState(id: string, state: Person["state"]): Promise<void> {
  const address = `/api/v1/people/${encodeURIComponent(id)}`;
  const tag = (await send(address, { cache: "no-store" })).headers.get("etag") ?? "";
  await write("PATCH", address, { state }, { "if-match": tag });
}

export async function resetPassword(id: string): Promise<string> {
  const answer = await write("POST", `/api/v1/people/${encodeURIComponent(id)}/password-resets`);
  return ((await answer.json()) as { password: string }).password;
}

export async function grantRole(person: string, order: GrantOrder): Promise<void> {
  await make(`/api/v1/people/${encodeURIComponent(person)}/grants`, order);
}

export async function revokeGrant(person: string, grant: string): Promise<void> {
  await write("DELETE", `/api/v1/people/${encodeURIComponent(person)}/grants/${encodeURIComponent(grant)}`);
}

export function fetchWays(): Promise<Ways> {
  return getJson("/api/v1/session/ways");
}

export async function linkIdentity(person: string, subject: string): Promise<void> {
  await make(`/api/v1/people/${encodeURIComponent(person)}/identities`, { subject });
}

export async function unlinkIdentity(person: string, identity: string): Promise<void> {
  await write("DELETE", `/api/v1/people/${encodeURIComponent(person)}/identities/${encodeURIComponent(identity)}`);
}

export async function findUnits(text: string): Promise<{ id: string; name: string }[]> {
  const page = await getJson<Page<{ id: string; name: string }>>(withQuery("/api/v1/units", { q: text.trim(), limit: 12 }));
  return page.items;
}

/** What happened at the door: somebody came in, was refused or left. */
export type SignInEvent = {
  id: string;
  happened_at: string;
  kind: "sign_in" | "refused" | "locked" | "unknown_names" | "sign_out";
  why: "wrong_password" | "account_disabled" | "account_unknown" | "account_locked" | "address_locked" | null;
  username: string | null;
  by: "password" | "identity" | null;
  subject: string | null;
  address: string | null;
  attempts: number;
};

export const fetchSignIns = (username?: string) => getJson<Page<SignInEvent>>(withQuery("/api/v1/sign-ins", { username, limit: "50" }));
export const fetchOwnSignIns = () => getJson<SignInEvent[]>("/api/v1/session/sign-ins");

/** An answer that held assets that are internal (内部). */
export type RestrictedRead = { id: string; read_at: string; username: string; display_name: string; asked: string; objects: number };

export const fetchRestrictedReads = () => getJson<Page<RestrictedRead>>(withQuery("/api/v1/restricted-reads", { limit: "50" }));
