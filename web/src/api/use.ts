// How assets are used: occupancies added up by area, idle records, what stands idle.
import { getJson, send, withQuery } from "@/api/http";
import type { Moment } from "@/api/registry";
import type { Asset, Page } from "@/api/types";
import type { LayerName } from "@/vocabulary";

const momentQuery = ({ asOf, knownAt }: Moment) => ({ as_of: asOf, known_at: knownAt });

export type Measure = "building_area" | "use_area" | "rooms";
export type Used = { occupancy: string; rooms: number; use_area_m2: number; building_area_m2: number; share: number };
export type OccupancyPart = {
  rooms: number;
  use_area_m2: number;
  building_area_m2: number;
  rooms_lacking_area: number;
  measure: Measure;
  by_occupancy: Used[];
  partly_idle: boolean;
};
export type OccupancyGroup = OccupancyPart & { floor?: number; id?: string; code?: string; name?: string; occupancy?: string };
export type Occupancy = {
  as_of: string;
  total: OccupancyPart;
  groups: OccupancyGroup[];
  without_rooms: { occupancy: string; buildings: number; building_area_m2: number }[];
};

export function fetchOccupancy(layer: LayerName | "units" | "regions", id: string, at: Moment, signal?: AbortSignal): Promise<Occupancy> {
  return getJson(withQuery(`/api/v1/${layer}/${encodeURIComponent(id)}/occupancy`, momentQuery(at)), signal);
}

/** 闲置原因, the closed list. */
export const idleCauses = [
  "surplus",
  "unsuitable",
  "planned_demolition",
  "dangerous",
  "vacated_by_reallocation",
  "unit_abolished",
  "title_unclear",
  "other",
] as const;
export type IdleCause = (typeof idleCauses)[number];

export type IdleRecord = {
  id: string;
  version_id: string;
  asset_id: string;
  asset_kind: "parcel" | "building" | null;
  asset_name: string | null;
  region_code: string | null;
  whole: boolean;
  floor: number | null;
  rooms: string[];
  use_area_m2: number | null;
  area_m2: number | null;
  cause: IdleCause;
  cause_note: string | null;
  evidence: string;
  documents: string[];
  confirmed_by: string;
  confirmed_on: string;
  idle_since: string;
  idle_to: string | null;
  days: number;
  end_reason: string | null;
  occupancy_after: string | null;
  contradicted_by: string | null;
};

export async function fetchIdleRecords(asset: string, at: Moment, signal?: AbortSignal): Promise<IdleRecord[]> {
  const address = withQuery("/api/v1/idle-records", { asset, sort: "-since", limit: 100, ...momentQuery(at) });
  return (await getJson<Page<IdleRecord>>(address, signal)).items;
}

export type IdleReason = { kind: string; since: string; weight: number; count?: number; share?: number; unit?: string; occupancy?: string };
export type IdleProposal = {
  asset_id: string;
  idle_since: string | null;
  weight: number;
  threshold: number;
  cause: IdleCause | null;
  reasons: IdleReason[];
  record_id: string | null;
};

export function fetchIdleProposal(layer: LayerName, id: string, signal?: AbortSignal): Promise<IdleProposal> {
  return getJson(`/api/v1/${layer}/${encodeURIComponent(id)}/idle-proposal`, signal);
}

export type IdleStatement = {
  asset_id: string;
  floor?: number;
  room_ids?: string[];
  idle_since: string;
  cause: IdleCause;
  cause_note?: string;
  evidence: string;
  documents: string[];
};

export async function openIdleRecord(statement: IdleStatement): Promise<void> {
  await send("/api/v1/idle-records", {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify(statement),
  });
}

export async function endIdleRecord(
  record: IdleRecord,
  end: { valid_to: string; occupancy: string; unit_id: string | null; reason: string },
): Promise<void> {
  await send(`/api/v1/idle-records/${record.id}/closures`, {
    method: "POST",
    headers: { "content-type": "application/json", "if-match": `"${record.version_id}"` },
    body: JSON.stringify(end),
  });
}

export type RoomLine = { id: string; floor: number; number: string; name: string | null; occupancy: string | null; use_area_m2: number | null; unit_id: string | null };

export async function fetchRoomsOf(building: string): Promise<RoomLine[]> {
  return (await getJson<Page<RoomLine>>(withQuery("/api/v1/rooms", { building, sort: "place", limit: 1000 }))).items;
}

/** Units whose name or code holds a text. */
export async function searchUnits(text: string): Promise<{ id: string; code: string; name: string; level: string }[]> {
  const page = await getJson<Page<{ id: string; code: string; name: string; level: string }>>(withQuery("/api/v1/units", { q: text.trim(), limit: 12 }));
  return page.items;
}

/** What a planner asks; texts as they are typed, so that the address bar keeps exactly that. */
export type IdleQuestion = {
  people: string;
  per_head_m2: string;
  contiguous_m2: string;
  months: string;
  cause: string;
  floor_from: string;
  floor_to: string;
  usage: string;
  title_status: string;
  whole: string;
  also_low_use: string;
  near: string;
  within_m: string;
  inside: string;
  sort: string;
};

export const emptyQuestion: Readonly<IdleQuestion> = {
  people: "",
  per_head_m2: "",
  contiguous_m2: "",
  months: "",
  cause: "",
  floor_from: "",
  floor_to: "",
  usage: "",
  title_status: "",
  whole: "",
  also_low_use: "",
  near: "",
  within_m: "",
  inside: "",
  sort: "",
};

export type FoundSpace = {
  id: string;
  code: string | null;
  name: string | null;
  address: string | null;
  usage: string | null;
  title_status: string | null;
  occupancy: string | null;
  whole: boolean;
  causes: IdleCause[];
  idle_since: string;
  rooms: number;
  all_rooms: number;
  use_area_m2: number | null;
  building_area_m2: number | null;
  capacity: number | null;
  floors: number[];
  largest_run: { floor: number; rooms: string[]; use_area_m2: number; building_area_m2: number; capacity: number; idle_since: string } | null;
  distance_m: number | null;
  lon: number | null;
  lat: number | null;
};

/** A building in low use: nothing of it is idle, but its people would fill less than the region's share of it. */
export type FoundLowUse = {
  id: string;
  code: string | null;
  name: string | null;
  address: string | null;
  usage: string | null;
  title_status: string | null;
  use_area_m2: number;
  filled_m2: number;
  spare_m2: number;
  share: number;
  low_use_share: number;
  capacity: number;
  distance_m: number | null;
};

export type IdleSpace = {
  as_of: string;
  items: FoundSpace[];
  totals: { buildings: number; rooms: number; use_area_m2: number; building_area_m2: number; capacity: number };
  low_use: { items: FoundLowUse[]; buildings: number; spare_m2: number; capacity: number } | null;
  per_head_m2: number;
  per_head_source: { zh: string; en: string } | null;
  contiguity: { zh: string; en: string };
};

export function findIdleSpace(question: IdleQuestion, at: Moment, signal?: AbortSignal): Promise<IdleSpace> {
  return getJson(withQuery("/api/v1/idle-space", { ...question, ...momentQuery(at) }), signal);
}

/** The address of the workbook with the same answer. */
export function idleSpaceExportAddress(question: IdleQuestion, at: Moment, labels: "zh" | "en"): string {
  return withQuery("/api/v1/idle-space/export", { ...question, ...momentQuery(at), labels });
}

/** A question as it stands in the address bar. */
export function writeQuestion(question: IdleQuestion): string {
  const given = Object.entries(question).filter(([, value]) => value !== "");
  return new URLSearchParams(given).toString();
}

export function readQuestion(text: string): IdleQuestion {
  const given = new URLSearchParams(text);
  const read = Object.keys(emptyQuestion).map((name) => [name, given.get(name) ?? ""]);
  return Object.fromEntries(read) as IdleQuestion;
}

/** Fields of an asset that are to change; what is absent stays, what is null is emptied. */
export type AssetChange = Partial<
  Record<"name" | "address" | "code" | "usage" | "title_status" | "occupancy" | "unit_id" | "region_code" | "registered_area_m2" | "valid_from" | "reason", string | number | null>
>;

/** Changes an asset as it was read. */
export async function changeAsset(held: Asset, change: AssetChange): Promise<void> {
  await send(`/api/v1/${held.layer}/${held.id}`, {
    method: "PATCH",
    headers: { "content-type": "application/json", "if-match": `"${held.version_id}"` },
    body: JSON.stringify(change),
  });
}
