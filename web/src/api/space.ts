// The space standard and the people in the rooms: every address the page uses, one function each.
import { getJson, send, withQuery } from "@/api/http";
import type { Moment } from "@/api/registry";
import type { Page } from "@/api/types";

export type BothLanguages = { zh: string; en: string };

export type Step = {
  key: string;
  name: BothLanguages;
  formula: BothLanguages;
  values: string;
  result: number;
  measure: "persons" | "use_area_per_person" | "use_area" | "building_area";
  source: BothLanguages;
  is_confirmed: boolean;
};

export type Calculation = {
  level: string;
  persons: number;
  unranked: number;
  office_m2: number;
  service_m2: number;
  equipment_m2: number;
  use_area_m2: number;
  basic_building_m2: number;
  ancillary_m2: number;
  total_m2: number;
  basic_building_per_head_m2: number;
  steps: Step[];
};

export type Comparison = { key: string; entitled_m2: number; actual_m2: number; excess_m2: number };

export type CalculationAnswer = Calculation & {
  excess: Comparison | null;
  estimated_use_area_m2: number | null;
  notices: ({ rule: string } & BothLanguages)[];
};

export type SpaceOrder = {
  level: string;
  headcount: Record<string, number>;
  height_class: string;
  ancillary: { canteen: boolean; cars: number; bicycles: number; electric_bicycles: number; guards: number };
  actual_building_m2?: number;
  told_limits?: Record<string, number>;
};

export type SpaceStandard = {
  levels: { code: string; name: BothLanguages; ranks: { code: string; name: BothLanguages; limit_m2: number }[] }[];
};

export type Named = { id: string; code: string | null; name: string | null };

export type RoomCheck = {
  limit_m2: number;
  use_area_m2: number;
  over_m2: number;
  verdict: "within" | "slightly_over" | "over";
  washroom_over_m2: number;
  washroom_not_allowed: boolean;
  steps: Step[];
};

export type RoomEntitlement = {
  id: string;
  building: Named;
  floor: number;
  number: string;
  name: string | null;
  occupants: { id: string; person: string; rank: string; limit_m2: number | null }[];
  check: RoomCheck | null;
  why_none: BothLanguages | null;
};

export type UnitEntitlement = {
  unit: Named;
  level: string;
  as_of: string;
  entitled: Calculation | null;
  why_none: BothLanguages | null;
  buildings: { building: Named; height_class: string; is_assumed: boolean; coefficient: number; share: number }[];
  actual: { room_type: string | null; rooms: number; use_area_m2: number; building_area_m2: number; estimated: number }[];
  use_area_per_head_m2: number | null;
  comparison: Comparison[];
  rooms: RoomEntitlement[];
  rooms_with_occupants: number;
  rooms_over: number;
};

export type RoomRow = {
  id: string;
  floor: number;
  number: string;
  name: string | null;
  use_area_m2: number | null;
  unit_id: string | null;
  unit_name: string | null;
  room_type: string | null;
  purpose: string | null;
};

export type OccupantRow = {
  id: string;
  room_id: string;
  person: string;
  staff_number: string | null;
  unit_name: string | null;
  rank: string;
  post: "main" | "part_time";
  post_ends: string | null;
  left_on: string | null;
  version_id: string;
};

const moment = ({ asOf, knownAt }: Moment) => ({ as_of: asOf, known_at: knownAt });

export function fetchSpaceStandard(): Promise<SpaceStandard> {
  return getJson("/api/v1/space-standard");
}

async function write<Answer>(method: string, address: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await send(address, { method, body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } });
  return (await response.json()) as Answer;
}

export function calculateSpace(order: SpaceOrder): Promise<CalculationAnswer> {
  return write("POST", "/api/v1/space-calculations", order);
}

export function fetchEntitlement(unit: string, at: Moment, signal?: AbortSignal): Promise<UnitEntitlement> {
  return getJson(withQuery(`/api/v1/units/${encodeURIComponent(unit)}/entitlement`, moment(at)), signal);
}

export function fetchRoomEntitlement(room: string, at: Moment): Promise<RoomEntitlement> {
  return getJson(withQuery(`/api/v1/rooms/${encodeURIComponent(room)}/entitlement`, moment(at)));
}

export function fetchRooms(building: string, q: string, at: Moment, signal?: AbortSignal): Promise<Page<RoomRow>> {
  return getJson(withQuery("/api/v1/rooms", { building, q, limit: 30, count: true, ...moment(at) }), signal);
}

export async function fetchRoomOccupants(room: string, at: Moment): Promise<OccupantRow[]> {
  const page = await getJson<Page<OccupantRow>>(withQuery("/api/v1/occupants", { room, limit: 200, ...moment(at) }));
  return page.items;
}

export type OccupantStatement = {
  room_id: string;
  person: string;
  rank: string;
  staff_number?: string;
  post?: string;
  post_ends?: string;
  left_on?: string;
};

export function addOccupant(statement: OccupantStatement): Promise<{ id: string }> {
  return write("POST", "/api/v1/occupants", statement, { "idempotency-key": crypto.randomUUID() });
}

export function closeOccupant(occupant: OccupantRow, validTo: string, reason: string): Promise<unknown> {
  return write("POST", `/api/v1/occupants/${occupant.id}/closures`, { valid_to: validTo, reason }, { "if-match": `"${occupant.version_id}"` });
}

/** Says what a room is for. The version that is there is read first. */
export async function setRoomType(room: string, roomType: string | null): Promise<void> {
  const held = await getJson<{ version_id: string }>(`/api/v1/rooms/${room}`);
  await write("PATCH", `/api/v1/rooms/${room}`, { room_type: roomType }, { "if-match": `"${held.version_id}"` });
}
