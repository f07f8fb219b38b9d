// What became of what: splits and merges of parcels and buildings.
import type { Geometry } from "geojson";
import { getFresh, send, withQuery } from "@/api/http";
import type { LayerName } from "@/vocabulary";

export type LineageEnd = { id: string; code: string | null; name: string | null; area_m2: number | null };
export type Succession = {
  id: string;
  kind: "split" | "merge";
  layer: LayerName;
  on: string;
  from: LineageEnd[];
  to: LineageEnd[];
  survey: string;
  consent: string | null;
  case_id: string | null;
  area_before_m2: number;
  area_after_m2: number;
};

/** One of the new ones: drawn here, or registered already. */
export type Piece = { id?: string; geometry?: Geometry; code?: string; name?: string; unit_code?: string; registered_area_m2?: number };
/** Into which of the new ones a room goes, by its place. */
export type RoomGoes = { room_id: string; piece: number };
export type Plan = { from_ids: string[]; pieces: Piece[]; rooms?: RoomGoes[] };
/** A room of a building that is split or merged. */
export type RoomToMove = { id: string; building_id: string; floor: number; number: string; name: string | null; use_area_m2: number | null; building_area_m2: number | null; part_of_id: string | null };
export type Measure = { area_before_m2: number; area_after_m2: number; missing_m2: number; outside_m2: number; overlap_m2: number; tolerance_m2: number };
export type Preview = { kind: "split" | "merge"; pieces: { geometry: Geometry; area_m2: number }[]; measure: Measure; is_conserved: boolean; rooms: RoomToMove[] };

export function fetchSuccessions(asset: string, knownAt: string | null, signal?: AbortSignal): Promise<Succession[]> {
  return getFresh(withQuery("/api/v1/successions", { asset, known_at: knownAt }), signal);
}

const json = { "content-type": "application/json" };

/** What a split or merge would come to; a line cuts the one old one. Nothing is written. */
export async function previewSuccession(question: { from_ids: string[]; pieces?: Piece[]; cut?: Geometry; on?: string }): Promise<Preview> {
  const response = await send("/api/v1/succession-previews", { method: "POST", headers: json, body: JSON.stringify(question) });
  return (await response.json()) as Preview;
}

export async function recordSuccession(statement: object, key: string): Promise<{ id: string; to_ids: string[] }> {
  const response = await send("/api/v1/successions", { method: "POST", headers: { ...json, "idempotency-key": key }, body: JSON.stringify(statement) });
  return (await response.json()) as { id: string; to_ids: string[] };
}
