// Inspections and assessments (巡检考核), what they found, and how they are judged.
import { create, getFresh, getJson, send, withQuery } from "@/api/http";
import type { CaseVersion, Page, StoredDocument } from "@/api/types";

export const indicators = [
  "unified_registration", "filing", "use_agreement", "use_certificate", "excess_area", "idle_rate", "idle_disposal", "rented_area",
  "lawful_letting", "repair_plan", "completeness", "book_and_title", "rectification",
] as const;
export type Indicator = (typeof indicators)[number];

export const targets = ["own_level", "lower_bureau"] as const;
export type Target = (typeof targets)[number];

type Both = { zh: string; en: string };

export type InspectionRow = {
  id: string;
  title: string;
  region_code: string;
  region_name: string | null;
  admin_level: string;
  target: Target;
  unit_name: string | null;
  period_from: string;
  period_to: string;
  state: string;
  is_open: boolean;
  due_on: string | null;
  overdue: boolean;
  score: string | null;
  grade: string | null;
  findings: number;
  unsettled: number;
};

export type ScoreLine = {
  indicator: Indicator;
  numerator: string | null;
  denominator: string | null;
  rate: string | null;
  left_out: number;
  why_zh?: string;
  why_en?: string;
  weight: string;
  full: string | null;
  zero: string | null;
  points: string | null;
};

export type Scoring = {
  as_of: string;
  known_at: string;
  scheme_version: string | null;
  source: string;
  lines: ScoreLine[];
  weight: string;
  score: string | null;
  grade: string | null;
  grade_en: string | null;
  by?: string;
};

export type InspectionFact =
  | { record: "document"; kind: string; name: string; file?: string }
  | { record: "self_check"; statement: string; problems: number }
  | { record: "visit"; asset_id: string; on: string; people: string; summary: string; file?: string }
  | { record: "void"; no: number; reason: string };

export type InspectionStep = Both & {
  transition: string;
  to: string;
  roles: string[];
  mine: boolean;
  decision: boolean;
  asks: string[];
  documents: (Both & { kind: string; here: boolean })[];
  unmet: (Both & { guard: string })[];
};

export type Sampled = { id: string; name: string | null; address: string | null; chosen_because: string | null; visited: boolean; lon: number | null; lat: number | null };

export type Inspection = {
  id: string;
  title: string;
  region_code: string;
  region_name: string | null;
  admin_level: string;
  target: Target;
  unit: { id: string; name: string | null } | null;
  period_from: string;
  period_to: string;
  as_of: string;
  state: string;
  state_zh: string;
  state_en: string;
  is_open: boolean;
  track: (Both & { id: string; done: boolean; here: boolean })[];
  opened_by: string;
  put_forward_by: string | null;
  decided_by: string | null;
  due_on: string | null;
  due_not_before: string | null;
  overdue: boolean;
  score: string | null;
  grade: string | null;
  sampled: Sampled[];
  findings: { all: number; open: number; rectified: number; confirmed: number; deferred: number; unsettled: number };
  records_taken: string[];
  my_roles: string[];
  details: {
    records?: { no: number; by: string; at: string; fact: InspectionFact }[];
    taken?: { transition: string; by: string; on: string; number?: string }[];
    sample?: { seed: string; weighting: "plain" | "area"; share?: string; number: number; stock: number; stock_sha256: string; as_of: string; drawn: string[]; by: string };
    scoring?: Scoring;
  };
  papers: StoredDocument[];
  steps: InspectionStep[];
  version_id: string;
};

export type InspectionFinding = {
  id: string;
  version_id: string;
  inspection_id: string;
  inspection_title: string | null;
  rule: string;
  rule_zh: string;
  rule_en: string;
  rule_source: string;
  object_kind: string;
  object_id: string;
  object_name: string | null;
  at_id: string | null;
  at_kind: "parcel" | "building" | "site" | null;
  lon: number | null;
  lat: number | null;
  unit_id: string | null;
  unit_name: string | null;
  finding_id: string | null;
  finding_state: string | null;
  says: string;
  state: "open" | "rectified" | "confirmed" | "void";
  days: number;
  issued_on: string | null;
  due_on: string | null;
  overdue: boolean;
  found_by: string;
  rectified_by: string | null;
  rechecked_by: string | null;
  deferred_until: string | null;
  details: { steps?: { step: string; by: string; on: string; text?: string; until?: string }[] };
  papers: StoredDocument[];
};

export const findingActs = ["rectify", "confirm", "send_back", "defer", "void"] as const;
export type FindingAct = (typeof findingActs)[number];

export type Weighed = { indicator: Indicator; weight: string; full: string; zero: string };
export type Grade = Both & { from: string };
export type SchemeInForce = { is_default: boolean; region_code: string; weights: Weighed[]; grades: Grade[]; source: string };
export type Scheme = { id: string; version_id: string; region_code: string; weights: Weighed[]; grades: Grade[]; source: string; valid_from: string };

export function inspectionsAddress(filter: { q: string; closed: boolean }): string {
  return withQuery("/api/v1/inspections", { ...filter, sort: "due", limit: 50, count: true });
}

export function fetchInspections(address: string, signal?: AbortSignal): Promise<Page<InspectionRow>> {
  return getFresh(address, signal);
}

export function fetchInspection(id: string, signal?: AbortSignal): Promise<Inspection> {
  // What it found isn't part of its version, and is told with it.
  return getFresh(`/api/v1/inspections/${encodeURIComponent(id)}`, signal);
}

export async function fetchInspectionVersions(id: string): Promise<CaseVersion[]> {
  return (await getJson<Page<CaseVersion>>(`/api/v1/inspections/${encodeURIComponent(id)}/versions`)).items;
}

export function fetchIndicators(id: string, signal?: AbortSignal): Promise<Scoring> {
  return getFresh(`/api/v1/inspections/${encodeURIComponent(id)}/indicators`, signal);
}

export async function fetchInspectionFindings(inspection: string | null, signal?: AbortSignal): Promise<InspectionFinding[]> {
  return (await getFresh<Page<InspectionFinding>>(withQuery("/api/v1/inspection-findings", { inspection }), signal)).items;
}

export function reportAddress(id: string, language: string): string {
  return withQuery(`/api/v1/inspections/${encodeURIComponent(id)}/export`, { labels: language });
}

export function planInspection(plan: object): Promise<string> {
  return create("/api/v1/inspections", plan);
}

async function change(address: string, version: string, body: object, method = "POST"): Promise<unknown> {
  const response = await send(address, { method, headers: { "content-type": "application/json", "if-match": `"${version}"` }, body: JSON.stringify(body) });
  return response.json();
}

/** Draws, records or takes a step in an inspection as it was read. */
export async function changeInspection(held: Inspection, what: "samples" | "records" | "transitions", body: object): Promise<Inspection> {
  return (await change(`/api/v1/inspections/${held.id}/${what}`, held.version_id, body)) as Inspection;
}

export function noteFinding(inspection: string, note: object): Promise<string> {
  return create(`/api/v1/inspections/${encodeURIComponent(inspection)}/findings`, note);
}

export async function stepFinding(held: InspectionFinding, body: object): Promise<InspectionFinding> {
  return (await change(`/api/v1/inspection-findings/${held.id}/steps`, held.version_id, body)) as InspectionFinding;
}

export function fetchSchemeInForce(region: string): Promise<SchemeInForce> {
  return getFresh(withQuery("/api/v1/inspection-schemes/in-force", { region }));
}

export async function fetchSchemes(): Promise<Scheme[]> {
  return (await getFresh<Page<Scheme>>("/api/v1/inspection-schemes")).items;
}

/** Sets a region's scheme; one that is there is changed from that day on. */
export async function saveScheme(held: Scheme | null, scheme: object): Promise<void> {
  if (held === null) await create("/api/v1/inspection-schemes", scheme);
  else await change(`/api/v1/inspection-schemes/${held.id}`, held.version_id, scheme, "PATCH");
}

/** Ends a scheme: from that day on that of the region above holds, or the defaults. */
export async function endScheme(held: Scheme, said: { valid_to: string; reason: string }): Promise<void> {
  await change(`/api/v1/inspection-schemes/${held.id}/closures`, held.version_id, said);
}
