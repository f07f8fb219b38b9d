// Leases (租约): what is let and rented in, its rent month by month, what was paid and remitted, and what is waived.
import { getFresh, getJson, send, withQuery } from "@/api/http";
import type { Page } from "@/api/types";

export const directions = ["out", "in"] as const;
export const leaseStatuses = ["planned", "running", "expired", "ended"] as const;
export const lessorKinds = ["bureau", "using_unit", "state_company", "private"] as const;
export const lesseeKinds = ["enterprise", "self_employed", "unit", "person"] as const;
export const sizes = ["large", "medium", "small", "micro"] as const;
export const sectors = ["agriculture", "industry", "construction", "services"] as const;
export const rentBases = ["month", "m2_month"] as const;
export const rhythms = ["monthly", "quarterly", "half_yearly", "yearly", "once"] as const;
export const priceBases = ["public_letting", "appraisal", "negotiated"] as const;

export type LeaseLine = {
  id: string;
  version_id: string;
  status: (typeof leaseStatuses)[number];
  direction: (typeof directions)[number];
  asset_id: string | null;
  asset_kind: "parcel" | "building" | null;
  asset_name: string | null;
  rooms: number;
  area_m2: number;
  lessor_kind: string;
  lessor_name: string;
  lessee_kind: string;
  lessee_name: string;
  is_sublet: boolean;
  starts_on: string;
  ends_on: string;
  handed_back_on: string | null;
  days_left: number;
  monthly_rent: string;
  contract_number: string | null;
  due: string;
  paid: string;
  arrears: string;
  waived: string;
  remitted: string;
  remittance_late: string;
};

export type LeaseTotals = {
  count: number;
  planned: number;
  running: number;
  expired: number;
  ended: number;
  expiring: number;
  in_arrears: number;
  area_m2: number;
  monthly_rent: string;
  due: string;
  paid: string;
  arrears: string;
  waived: string;
  remitted: string;
  remittance_late: string;
};

export type LeasedRoom = { room_id: string; area_m2: number | null };

export type EndUser = { name: string; kind: string; size?: string | null; sector?: string | null };

export type Lease = {
  id: string;
  version_id: string;
  status: (typeof leaseStatuses)[number];
  direction: (typeof directions)[number];
  asset_id: string | null;
  asset_kind: "parcel" | "building" | null;
  asset_name: string | null;
  room_numbers: string[];
  rooms: LeasedRoom[];
  area_m2: number;
  lessor_kind: string;
  lessor_name: string;
  /** 坐落, as the contract says it. */
  address: string | null;
  /** The case that made it. */
  case_id: string | null;
  lessor_unit_id: string | null;
  lessee_kind: string;
  lessee_size: string | null;
  lessee_sector: string | null;
  lessee_name: string;
  lessee_code: string | null;
  lessee_unit_id: string | null;
  is_sublet: boolean;
  end_users: EndUser[];
  purpose: string | null;
  valid_from: string;
  valid_to: string | null;
  ends_on: string;
  rent_basis: string;
  rent: string;
  monthly_rent: string;
  rhythm: string;
  due_days: number;
  deposit: string | null;
  price_basis: string;
  exchange: string | null;
  exchange_record: string | null;
  appraisal_report: string | null;
  appraisal_valid_to: string | null;
  approval_number: string | null;
  contract_number: string | null;
  approved_area_m2: number | null;
  land_income: string | null;
  land_income_document: string | null;
  renews_id: string | null;
  renewed_by_id: string | null;
  end_reason: string | null;
  note: string | null;
  is_housing: boolean;
};

export type AccountRow = {
  number: number;
  from: string;
  to: string;
  due_on: string;
  amount: string;
  amount_due: string;
  paid: string;
  state: "waived" | "paid" | "overdue" | "open";
  relief_id: string | null;
};

export type Movement = {
  id: string;
  kind: "payment" | "remittance" | "reversal";
  amount: string;
  on: string;
  document: string;
  note: string | null;
  reverses_id: string | null;
  reversed_by_id: string | null;
  recorded_at: string;
};

export type LeaseAccount = {
  lease_id: string;
  as_of: string;
  rows: AccountRow[];
  movements: Movement[];
  sums: {
    agreed: string;
    waived: string;
    due: string;
    paid: string;
    arrears: string;
    arrears_since: string | null;
    credit: string;
    remitted: string;
    unremitted: string;
    remittance_late: string;
    remit_by: string | null;
  };
};

export type LeaseQuestion = { q: string; direction: string; status: string; watch: string; sort: string };

type Moment = { asOf: string | null; knownAt: string | null };

function asked(question: LeaseQuestion, at: Moment): Record<string, string | number | boolean | null> {
  return {
    q: question.q.trim(),
    direction: question.direction,
    status: question.status,
    expires_within: question.watch === "expiring" ? 90 : null,
    arrears: question.watch === "arrears",
    remittance_late: question.watch === "remittance",
    as_of: at.asOf,
    known_at: at.knownAt,
  };
}

export function leasesAddress(question: LeaseQuestion, at: Moment): string {
  return withQuery("/api/v1/leases", { ...asked(question, at), sort: question.sort, limit: 50, count: true });
}

export function leasesExportAddress(question: LeaseQuestion, at: Moment, format: "xlsx" | "csv", language: string): string {
  return withQuery("/api/v1/leases/export", { ...asked(question, at), format, labels: language });
}

export function fetchLeaseTotals(question: LeaseQuestion, at: Moment, signal?: AbortSignal): Promise<LeaseTotals> {
  return getFresh(withQuery("/api/v1/lease-totals", asked(question, at)), signal);
}

export async function fetchLeasesOf(asset: string, at: Moment, signal?: AbortSignal): Promise<LeaseLine[]> {
  const address = withQuery("/api/v1/leases", { asset, sort: "-starts_on", limit: 200, as_of: at.asOf, known_at: at.knownAt });
  return (await getJson<Page<LeaseLine>>(address, signal)).items;
}

/** Read anew each time: what it says beside its own version hangs on the day and on other leases. */
export function fetchLease(id: string, at: Moment, signal?: AbortSignal): Promise<Lease> {
  return getFresh(withQuery(`/api/v1/leases/${encodeURIComponent(id)}`, { as_of: at.asOf, known_at: at.knownAt }), signal);
}

export function fetchLeaseAccount(id: string, at: Moment, signal?: AbortSignal): Promise<LeaseAccount> {
  return getFresh(withQuery(`/api/v1/leases/${encodeURIComponent(id)}/account`, { as_of: at.asOf, known_at: at.knownAt }), signal);
}

async function post(address: string, body: unknown, more: Record<string, string> = {}): Promise<Response> {
  return send(address, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID(), ...more },
    body: JSON.stringify(body),
  });
}

export async function registerLease(statement: Record<string, unknown>): Promise<string> {
  return ((await (await post("/api/v1/leases", statement)).json()) as { id: string }).id;
}

/** Changes a lease as it was read: what is absent stays, null empties. */
export async function changeLease(held: Lease, change: Record<string, unknown>): Promise<void> {
  await send(`/api/v1/leases/${held.id}`, {
    method: "PATCH",
    headers: { "content-type": "application/json", "if-match": `"${held.version_id}"` },
    body: JSON.stringify(change),
  });
}

export async function handBackLease(lease: Lease, end: { valid_to: string; reason: string }): Promise<void> {
  await post(`/api/v1/leases/${lease.id}/closures`, end, { "if-match": `"${lease.version_id}"` });
}

export async function recordMovement(lease: string, movement: { kind: string; amount: string; on: string; document: string; note?: string }): Promise<void> {
  await post(`/api/v1/leases/${lease}/movements`, movement);
}

export async function reverseMovement(lease: string, movement: string, reversal: { document: string; reason: string }): Promise<void> {
  await post(`/api/v1/leases/${lease}/movements/${movement}/reversals`, reversal);
}

export type ReliefPolicy = {
  id: string;
  name: string;
  document: string;
  region_code: string | null;
  months_from: string;
  months_to: string;
  months: number;
  sizes: string[];
  self_employed: boolean;
  sectors: string[];
  figures: { applied: number; approved: number; lessees: number; months: number; amount: string; refused: number; passed_on: number };
};

export type Candidate = {
  lease_id: string;
  lessee_name: string;
  lessee_kind: string;
  lessee_size: string | null;
  monthly_rent: string;
  is_sublet: boolean;
  eligible: boolean;
  reason: string | null;
  instalments: number[];
  amount: string;
  relief_state: "applied" | "approved" | null;
};

export type Relief = {
  id: string;
  lease_id: string;
  lessee_name: string;
  is_sublet: boolean;
  state: "applied" | "approved" | "refused";
  instalments: number[];
  amount: string;
  evidence: string | null;
  end_user_proof: string | null;
  applied_by: string;
  decided_by: string | null;
  decision_document: string | null;
  decision_reason: string | null;
};

export function fetchReliefPolicies(signal?: AbortSignal): Promise<ReliefPolicy[]> {
  return getFresh("/api/v1/relief-policies", signal);
}

export function fetchCandidates(policy: string, signal?: AbortSignal): Promise<Candidate[]> {
  return getFresh(`/api/v1/relief-policies/${policy}/candidates`, signal);
}

export async function fetchReliefs(policy: string, signal?: AbortSignal): Promise<Relief[]> {
  return (await getFresh<Page<Relief>>(`/api/v1/relief-policies/${policy}/reliefs`, signal)).items;
}

export async function makeReliefPolicy(statement: Record<string, unknown>): Promise<string> {
  return ((await (await post("/api/v1/relief-policies", statement)).json()) as { id: string }).id;
}

export async function applyForRelief(policy: string, applications: { lease_id: string; evidence?: string; end_user_proof?: string }[]): Promise<void> {
  await post(`/api/v1/relief-policies/${policy}/reliefs`, { applications });
}

export async function decideReliefs(policy: string, decision: { relief_ids: string[]; decision: "approve" | "refuse"; document?: string; reason?: string }): Promise<void> {
  await post(`/api/v1/relief-policies/${policy}/decisions`, decision);
}
