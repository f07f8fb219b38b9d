// Stocktakings (清查盘点): the ledger as it was on a day against what is there, units' own ledgers and certificates.
import { create, getFresh, getJson, send, withQuery } from "@/api/http";
import type { Page, RelatedObject, StoredDocument } from "@/api/types";

export const kinds = ["parcel", "building", "room"] as const;
export const founds = ["in_place", "moved", "altered", "missing"] as const;
export const decisions = ["correct_book", "correct_own", "book_stands"] as const;
export const lefts = ["unanswered", "differences", "unchecked", "unexplained", "undecided", "unsettled", "settled"] as const;
export const usages = ["administrative_office", "housing_security", "technical", "public_service", "commercial", "idle_land", "other"] as const;
export const roomTypes = ["office", "service", "equipment", "ancillary", "technical", "shop", "public"] as const;

export type Kind = (typeof kinds)[number];
export type Found = (typeof founds)[number] | "extra";
export type Decision = (typeof decisions)[number];
export type Left = (typeof lefts)[number];

export type StocktakingRow = {
  id: string;
  version_id: string;
  name: string;
  region_code: string;
  region_name: string | null;
  admin_level: string | null;
  unit_id: string | null;
  unit_name: string | null;
  as_of: string;
  state: string;
  is_open: boolean;
  opened_by: string;
  lines: number | null;
  differences: number;
};

export type Progress = {
  lines: number;
  answered: number;
  in_place: number;
  moved: number;
  altered: number;
  shortfall: number;
  surplus: number;
  facts_differ: number;
  differences: number;
  unchecked: number;
  unexplained: number;
  undecided: number;
  unsettled: number;
  settled: number;
};

export type StocktakingStep = {
  transition: string;
  zh: string;
  en: string;
  to: string;
  roles: string[];
  four_eyes: boolean;
  decision: boolean;
  asks_reason: boolean;
  documents: { kind: string; zh: string; en: string; here: boolean }[];
  unmet: { guard: string; zh: string; en: string; lines: number | null; rule: string | null; article: string | null }[];
  source: string | null;
};

export type Stocktaking = {
  id: string;
  version_id: string;
  name: string;
  region_code: string;
  region_name: string | null;
  admin_level: string | null;
  unit: RelatedObject | null;
  as_of: string;
  with_rooms: boolean;
  state: string;
  state_zh: string;
  state_en: string;
  is_open: boolean;
  is_finished: boolean;
  track: { id: string; zh: string; en: string; done: boolean; here: boolean }[];
  opened_by: string;
  put_forward_by: string | null;
  decided_by: string | null;
  lines: number | null;
  lines_sha256: string | null;
  progress: Progress;
  records_taken: string[];
  steps: StocktakingStep[];
  details: {
    papers?: { kind: string; name: string; document_id?: string; by: string; on: string }[];
    taken?: { transition: string; by: string; on: string; decision_no?: string; reason?: string }[];
  };
};

export type Line = {
  id: string;
  tag: string;
  no: number;
  is_extra: boolean;
  kind: Kind;
  asset_id: string | null;
  building_id: string | null;
  near_id: string | null;
  book_unit_name: string | null;
  code: string | null;
  name: string | null;
  address: string | null;
  floor: number | null;
  area_m2: number | null;
  usage: string | null;
  title_number: string | null;
  title_area_m2: number | null;
  lon: number | null;
  lat: number | null;
  found: Found | null;
  difference: "surplus" | "shortfall" | "facts_differ" | null;
  differs: string[];
  found_area_m2: number | null;
  found_usage: string | null;
  found_unit_name: string | null;
  own_area_m2: number | null;
  own_title_number: string | null;
  answered_by: string | null;
  checked_by: string | null;
  explained_by: string | null;
  decision: Decision | null;
  decided_by: string | null;
  settled_object_id: string | null;
  settled_version_id: string | null;
  settled_on: string | null;
  details: {
    place?: string;
    note?: string;
    check?: { position: [number, number]; documents?: string[]; on: string; note?: string; answered: Found };
    explanation?: string;
    decision_note?: string;
    settled_entry_id?: string;
    settlement_note?: string;
  };
  papers: StoredDocument[];
};

export type Agreements = {
  kind: Kind;
  book: number;
  book_area_m2: number;
  own_agrees: number;
  own_differs: number;
  own_untold: number;
  own_area_m2: number;
  found_agrees: number;
  found_differs: number;
  shortfall: number;
  shortfall_area_m2: number;
  surplus: number;
  surplus_area_m2: number;
  unanswered: number;
  title_agrees: number;
  title_differs: number;
  title_none: number;
  title_area_m2: number;
};

/** A row of a form that isn't taken over. */
export type RowRefused = { row: number; field: string | null; code: string | null; detail: string; remedy: string | null };

/** What a form does, or would do. */
export type Figures = {
  is_preview: boolean;
  answered: number;
  differing: number;
  unchanged: number;
  empty: number;
  refused: number;
  refusals: RowRefused[];
  can_be_marked: boolean;
};

export type LineQuestion = { q: string; kind: string; left: string };

const at = (id: string) => `/api/v1/stocktakings/${encodeURIComponent(id)}`;

export function fetchStateNames(): Promise<{ states: { id: string; zh: string; en: string }[]; document_kinds: Record<string, { zh: string; en: string }> }> {
  return getJson("/api/v1/workflows/stocktaking");
}

export function stocktakingsAddress(question: { q: string; open: string }): string {
  const open = question.open === "" ? null : question.open;
  return withQuery("/api/v1/stocktakings", { q: question.q.trim(), open, limit: 50, count: true });
}

export function openStocktaking(plan: object): Promise<string> {
  return create("/api/v1/stocktakings", plan);
}

/** Read anew each time: how far it is changes without a step. */
export function fetchStocktaking(id: string, signal?: AbortSignal): Promise<Stocktaking> {
  return getFresh(at(id), signal);
}

async function change(held: Stocktaking, what: "transitions" | "papers", body: object): Promise<Stocktaking> {
  const response = await send(`${at(held.id)}/${what}`, {
    method: "POST",
    headers: { "content-type": "application/json", "if-match": `"${held.version_id}"` },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Stocktaking;
}

export function stepStocktaking(held: Stocktaking, step: object): Promise<Stocktaking> {
  return change(held, "transitions", step);
}

export function recordPaper(held: Stocktaking, paper: object): Promise<Stocktaking> {
  return change(held, "papers", paper);
}

export function linesAddress(id: string, question: LineQuestion): string {
  return withQuery(`${at(id)}/lines`, { q: question.q.trim(), kind: question.kind, left: question.left, limit: 100, count: true });
}

export function linesExportAddress(id: string, question: LineQuestion, format: "xlsx" | "csv", language: string): string {
  return withQuery(`${at(id)}/export`, { q: question.q.trim(), kind: question.kind, left: question.left, format, labels: language });
}

/** The lines that whoever asks answers for, as a workbook to be filled in. */
export async function downloadForm(id: string, question: LineQuestion, language: string): Promise<Blob> {
  const address = withQuery(`${at(id)}/form.xlsx`, { q: question.q.trim(), kind: question.kind, left: question.left, labels: language });
  return (await send(address, { cache: "no-store" })).blob();
}

function formOf(file: File): FormData {
  const form = new FormData();
  form.append("file", file);
  return form;
}

/** Brings a form that was filled in; a preview writes nothing. */
export async function bringFigures(id: string, file: File, isPreview: boolean, signal: AbortSignal): Promise<Figures> {
  const response = await send(withQuery(`${at(id)}/figures`, { preview: isPreview }), { method: "POST", body: formOf(file), signal });
  return (await response.json()) as Figures;
}

/** The workbook with every row marked that would be refused. */
export async function markFigures(id: string, file: File): Promise<Blob> {
  return (await send(`${at(id)}/figures/marked`, { method: "POST", body: formOf(file) })).blob();
}

export function fetchLine(id: string, line: string, signal?: AbortSignal): Promise<Line> {
  return getFresh(`${at(id)}/lines/${encodeURIComponent(line)}`, signal);
}

/** Records something of a line as it was read. */
export async function recordLine(id: string, held: Line, record: object): Promise<Line> {
  const response = await send(`${at(id)}/lines/${held.id}/records`, {
    method: "POST",
    headers: { "content-type": "application/json", "if-match": `"${held.tag}"` },
    body: JSON.stringify(record),
  });
  return (await response.json()) as Line;
}

export function addExtra(id: string, extra: object): Promise<string> {
  return create(`${at(id)}/lines`, extra);
}

/** Everything of a building that isn't answered is in place; tells how many lines that were. */
export async function confirmBuilding(id: string, building: string): Promise<number> {
  const response = await send(`${at(id)}/confirmations`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ building_id: building }),
  });
  return ((await response.json()) as { confirmed: number }).confirmed;
}

export function fetchReport(id: string, signal?: AbortSignal): Promise<{ agreements: Agreements[]; lines_sha256: string | null; as_of: string }> {
  return getFresh(`${at(id)}/report`, signal);
}

/** The parcels and buildings of a list, for something extra that is on or next to one. */
export async function searchLines(id: string, text: string): Promise<Line[]> {
  return (await getFresh<Page<Line>>(withQuery(`${at(id)}/lines`, { q: text.trim(), kind: "building,parcel", limit: 12 }))).items;
}

export async function searchRegions(text: string): Promise<{ code: string; name: string }[]> {
  return (await getJson<Page<{ code: string; name: string }>>(withQuery("/api/v1/regions", { q: text.trim(), limit: 12 }))).items;
}
