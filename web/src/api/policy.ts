// Policy cases (一资一策, 大中修) and the rows that say who approves what.
import { create, getJson, send, withQuery } from "@/api/http";
import type { CaseVersion, Page, RelatedObject } from "@/api/types";

export const procedures = ["idle_disposal", "repair"] as const;
export type Procedure = (typeof procedures)[number];

export const idleReasons = ["surplus", "unsuitable", "planning", "dangerous", "vacated", "reorganised", "unclear_title", "other"] as const;
export type IdleReason = (typeof idleReasons)[number];

export const offices = ["bureau", "supervising_dept", "finance", "deputy_leader", "leader", "government"] as const;
export type Office = (typeof offices)[number];

export const modes = ["transfer_free", "donate", "sell", "swap", "scrap", "loss", "lease", "convert"] as const;
export type Mode = (typeof modes)[number];

export type Named = { id: string; zh: string; en: string };

export type PolicyWorkflow = {
  id: string;
  states: (Named & { end: boolean; aside: boolean; records: string[] })[];
  routes: (Named & { documents: string[]; source: string | null })[];
  document_kinds: Record<string, { zh: string; en: string }>;
};

export type PolicyCaseRow = {
  id: string;
  procedure: Procedure;
  state: string;
  is_open: boolean;
  route: string | null;
  asset_id: string;
  asset_name: string | null;
  opened_by: string;
  opened_on: string;
  due_on: string | null;
  overdue: boolean;
  deal_price: string | null;
};

export type Fact = { record: string } & Record<string, string | number | boolean>;
export type PolicyRecord = { no: number; by: string; at: string; state: string; fact: Fact };

export type PolicyStep = {
  transition: string;
  zh: string;
  en: string;
  to: string;
  roles: string[];
  four_eyes: boolean;
  decision: boolean;
  chooses_route: boolean;
  asks: string[];
  documents: { kind: string; zh: string; en: string; here: boolean }[];
  unmet: { guard: string; rule: string | null; article: string | null; zh: string; en: string }[];
  source: string | null;
};

export type PolicyCase = {
  id: string;
  version_id: string;
  procedure: Procedure;
  asset: RelatedObject;
  asset_kind: "parcel" | "building";
  rooms: number;
  rooms_area_m2: string | null;
  state: string;
  state_zh: string;
  state_en: string;
  is_open: boolean;
  route: string | null;
  track: (Named & { done: boolean; here: boolean })[];
  opened_by: string;
  put_forward_by: string | null;
  decided_by: string | null;
  chain: Office[];
  clock: {
    started_on: string;
    days: number;
    count: "working" | "calendar";
    rests_because: string | null;
    due_on: string | null;
    not_before: string | null;
    left: number | null;
    overdue: boolean;
    escalated_to: string[];
  } | null;
  money: {
    book_value: string | null;
    appraised: string | null;
    appraisal_until: string | null;
    reserve: string | null;
    approved_price: string | null;
    price: string | null;
    paid: string;
    remitted: string;
  };
  records_taken: string[];
  details: {
    idle_reason?: IdleReason;
    records?: PolicyRecord[];
    decisions?: { what: string; office?: Office; number: string; on: string; by: string; price?: string; void?: boolean }[];
  };
  steps: PolicyStep[];
};

export type Threshold = {
  id: string;
  version_id: string;
  region_code: string;
  mode: Mode;
  asset_class: "land" | "building";
  value_from: string;
  value_to: string | null;
  chain: Office[];
  appraisal: boolean;
  exchange: boolean;
  notice_days: number;
  floor_percent: string;
  source: string;
  is_example: boolean;
  valid_from: string;
};

export type ThresholdStatement = {
  region_code: string;
  mode: Mode;
  asset_class: "land" | "building";
  value_from: string;
  value_to: string;
  chain: Office[];
  appraisal: boolean;
  exchange: boolean;
  notice_days: number;
  floor_percent: string;
  source: string;
};

export function fetchPolicyWorkflow(procedure: Procedure): Promise<PolicyWorkflow> {
  return getJson(`/api/v1/workflows/${procedure}`);
}

/** Where the queue begins; what is due first stands first. */
export function policyQueueAddress(filter: { procedure: string; state: string; route: string; q: string; overdue: boolean; closed: boolean }): string {
  return withQuery("/api/v1/policy-cases", { ...filter, sort: "due", limit: 50, count: true });
}

export function fetchPolicyQueue(address: string, signal?: AbortSignal): Promise<Page<PolicyCaseRow>> {
  return getJson(address, signal);
}

export async function fetchPolicyCasesOf(asset: string, signal?: AbortSignal): Promise<PolicyCaseRow[]> {
  return (await getJson<Page<PolicyCaseRow>>(withQuery("/api/v1/policy-cases", { asset, closed: true, sort: "-opened", limit: 20 }), signal)).items;
}

export function fetchPolicyCase(id: string, signal?: AbortSignal): Promise<PolicyCase> {
  return getJson(`/api/v1/policy-cases/${encodeURIComponent(id)}`, signal);
}

export async function fetchPolicyVersions(id: string): Promise<CaseVersion[]> {
  return (await getJson<Page<CaseVersion>>(`/api/v1/policy-cases/${encodeURIComponent(id)}/versions`)).items;
}

export function openPolicyCase(procedure: Procedure, asset: string, idleReason: IdleReason | null): Promise<string> {
  return create("/api/v1/policy-cases", { procedure, asset_id: asset, ...(idleReason === null ? {} : { idle_reason: idleReason }) });
}

async function change(held: PolicyCase, what: "records" | "transitions", body: object): Promise<PolicyCase> {
  const response = await send(`/api/v1/policy-cases/${held.id}/${what}`, {
    method: "POST",
    headers: { "content-type": "application/json", "if-match": `"${held.version_id}"` },
    body: JSON.stringify(body),
  });
  return (await response.json()) as PolicyCase;
}

/** Records a fact in a case as it was read. */
export function recordInCase(held: PolicyCase, fact: Fact): Promise<PolicyCase> {
  return change(held, "records", fact);
}

/** Takes a case as it was read one step further. */
export function stepPolicyCase(held: PolicyCase, step: object): Promise<PolicyCase> {
  return change(held, "transitions", step);
}

export async function fetchThresholds(): Promise<Threshold[]> {
  return (await getJson<Page<Threshold>>("/api/v1/approval-thresholds")).items;
}

export function fetchThresholdExamples(): Promise<ThresholdStatement[]> {
  return getJson("/api/v1/approval-thresholds/examples");
}

export function createThreshold(said: ThresholdStatement & { reason: string; is_example?: boolean }): Promise<string> {
  return create("/api/v1/approval-thresholds", said);
}

export async function changeThreshold(held: Threshold, said: Partial<ThresholdStatement> & { reason: string }): Promise<void> {
  await send(`/api/v1/approval-thresholds/${held.id}`, {
    method: "PATCH",
    headers: { "content-type": "application/json", "if-match": `"${held.version_id}"` },
    body: JSON.stringify(said),
  });
}

export async function endThreshold(held: Threshold, validTo: string, reason: string): Promise<void> {
  await send(`/api/v1/approval-thresholds/${held.id}/closures`, {
    method: "POST",
    headers: { "content-type": "application/json", "if-match": `"${held.version_id}"` },
    body: JSON.stringify({ valid_to: validTo, reason }),
  });
}
