// Policy cases (一资一策, 大中修) and the rows that say who approves what.
import { create, getJson, send, withQuery } from "@/api/http";
import type { CaseVersion, Page, RelatedObject, StoredDocument } from "@/api/types";

export const procedures = ["idle_disposal", "repair", "reassign", "swap_premises", "rent_in", "build", "leader_office", "hand_down", "turnover_housing"] as const;
export type Procedure = (typeof procedures)[number];

export const idleReasons = ["surplus", "unsuitable", "planning", "dangerous", "vacated", "reorganised", "unclear_title", "other"] as const;
export type IdleReason = (typeof idleReasons)[number];

export const offices = ["bureau", "supervising_dept", "finance", "deputy_leader", "leader", "government"] as const;
export type Office = (typeof offices)[number];

export const modes = ["transfer_free", "donate", "sell", "swap", "scrap", "loss", "lease", "convert"] as const;
export type Mode = (typeof modes)[number];

export type Named = { id: string; zh: string; en: string };

/** What applicants are told (办事指南), in its five parts. */
export type PolicyGuide = {
  scope: { zh: string; en: string };
  basis: { zh: string; en: string }[];
  conditions: { zh: string; en: string }[];
  materials: { kind: string; zh: string; en: string; required: boolean }[];
  steps: (Named & { roles: string[]; days: number | null; count: "working" | "calendar" | null; source: string | null })[];
};

export type PolicyWorkflow = {
  id: string;
  zh: string;
  en: string;
  subject: "asset" | "unit";
  guide: PolicyGuide | null;
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
  asset_id: string | null;
  asset_name: string | null;
  site_name: string | null;
  asset_address: string | null;
  unit_id: string | null;
  unit_name: string | null;
  opened_by: string;
  opened_on: string;
  due_on: string | null;
  overdue: boolean;
  deal_price: string | null;
};

export type FactValue = string | number | boolean | string[] | Record<string, string | number>[];
export type Fact = { record: string } & Record<string, FactValue>;
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

/** A line of a hand-over list for the shared store (公物仓), as it is typed. */
export const pieceStates = ["good", "usable", "to_mend", "to_scrap"] as const;
export type MovablePiece = { name: string; number: string; count: string; state: (typeof pieceStates)[number]; note: string };

/** The hand-over list of a case as a workbook. */
export function movablesAddress(id: string): string {
  return `/api/v1/policy-cases/${encodeURIComponent(id)}/movables.xlsx`;
}

/** What a unit asks for. */
export type SpaceNeed = { people?: Record<string, number>; use_area_m2?: string; purpose: string; vacates: boolean };

export type SuitableSpace = {
  id: string;
  code: string | null;
  name: string | null;
  address: string | null;
  idle_m2: string;
  rooms: { id: string; floor: number; number: string; use_area_m2: string }[];
  use_area_m2: string;
};

export type CaseSpace = {
  level: string;
  entitled_m2: string | null;
  keeps_m2: string;
  asks_m2: string | null;
  why_none: { zh: string; en: string } | null;
  suitable: SuitableSpace[];
  rule: string;
  article: string;
};

/** To which bureau of another level an asset is to go, and what that says. */
export type CaseTransfer = {
  receiver: RelatedObject;
  level: string | null;
  why: string;
  offered_by: string;
  offered_at: string;
  answer: "waiting" | "accepted" | "declined" | "changed";
  answered_by: string | null;
  answered_on: string | null;
  document: string | null;
  note: string | null;
  takes_answer: boolean;
  may_answer: boolean;
};

export type PolicyCase = {
  id: string;
  version_id: string;
  procedure: Procedure;
  asset: RelatedObject | null;
  asset_kind: "parcel" | "building" | null;
  unit: RelatedObject | null;
  space: CaseSpace | null;
  watched_until: string | null;
  /** The lease that it made. */
  lease_id: string | null;
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
  transfer: CaseTransfer | null;
  /** Do the reader's grants reach where the case is? */
  within_reach: boolean;
  records_taken: string[];
  files: StoredDocument[];
  details: {
    idle_reason?: IdleReason;
    need?: SpaceNeed;
    room_ids?: string[];
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

/** Bureaus and other units whose name or code holds a text. */
export async function searchReceivers(text: string): Promise<{ value: string; label: string }[]> {
  const page = await getJson<Page<{ id: string; name: string }>>(withQuery("/api/v1/units", { q: text.trim(), limit: 12 }));
  return page.items.map((one) => ({ value: one.id, label: one.name }));
}

export function openPolicyCase(procedure: Procedure, asset: string, idleReason: IdleReason | null): Promise<string> {
  return create("/api/v1/policy-cases", { procedure, asset_id: asset, ...(idleReason === null ? {} : { idle_reason: idleReason }) });
}

/** Opens a case of a unit that asks for space; of a swap with the asset that is given. */
export function openUnitCase(procedure: Procedure, unit: string, need: SpaceNeed | null, asset: string | null): Promise<string> {
  return create("/api/v1/policy-cases", { procedure, unit_id: unit, ...(need === null ? {} : { need }), ...(asset === null ? {} : { asset_id: asset }) });
}

/** Buildings whose name or code holds a text. */
export async function searchBuildings(text: string): Promise<{ id: string; code: string | null; name: string | null }[]> {
  return (await getJson<Page<{ id: string; code: string | null; name: string | null }>>(withQuery("/api/v1/buildings", { q: text.trim(), limit: 12 }))).items;
}

/** The offices of a unit, for a leader's room. */
export async function fetchOfficesOf(unit: string): Promise<{ id: string; number: string; building_name: string | null; use_area_m2: number | null }[]> {
  type Row = { id: string; number: string; building_name: string | null; use_area_m2: number | null };
  return (await getJson<Page<Row>>(withQuery("/api/v1/rooms", { unit, room_type: "office", sort: "place", limit: 1000 }))).items;
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
