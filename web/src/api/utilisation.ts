// How far something is used (利用状况): in use, in low use, idle in part, idle, or not to be told.
import { getJson, withQuery } from "@/api/http";
import type { Moment } from "@/api/registry";
import type { LayerName } from "@/vocabulary";

const momentQuery = ({ asOf, knownAt }: Moment) => ({ as_of: asOf, known_at: knownAt });

export const utilisationStates = ["in_use", "low_use", "idle_in_part", "idle", "unknown"] as const;
export type UtilisationState = (typeof utilisationStates)[number];
export type BothLanguages = { zh: string; en: string };

export type UnitFill = {
  unit: { id: string; code: string | null; name: string | null } | null;
  area_m2: number;
  area_everywhere_m2: number | null;
  entitled_m2: number | null;
  filled_m2: number | null;
  why_none: BothLanguages | null;
};

export type Weighing = {
  area_m2: number;
  filled_m2: number;
  unknown_m2: number;
  spare_m2: number;
  share_at_least: number;
  share_at_most: number;
  low_use_share: number;
  units: UnitFill[];
};

export type Utilisation = {
  state: UtilisationState;
  reason: string | null;
  rooms: number;
  idle_rooms: number;
  use_area_m2: number;
  idle_m2: number;
  rooms_lacking_area: number;
  is_low_use: boolean | null;
  weighing: Weighing | null;
};

export type StateTotal = { state: UtilisationState; buildings: number; building_area_m2: number; idle_m2: number; spare_m2: number };

export type UtilisationOnDay = {
  as_of: string;
  total: Utilisation;
  buildings: (Utilisation & { id: string; code: string | null; name: string | null })[];
  by_state: StateTotal[];
};

export type RegionUtilisation = {
  as_of: string;
  by_state: StateTotal[];
  groups: { id: string; code: string; name: string; by_state: StateTotal[] }[];
};

export function fetchUtilisation(layer: LayerName | "units", id: string, at: Moment, signal?: AbortSignal): Promise<UtilisationOnDay> {
  return getJson(withQuery(`/api/v1/${layer}/${encodeURIComponent(id)}/utilisation`, momentQuery(at)), signal);
}

export function fetchUtilisationOfAll(at: Moment, signal?: AbortSignal): Promise<RegionUtilisation> {
  return getJson(withQuery("/api/v1/utilisation", momentQuery(at)), signal);
}
