// Homes for staff (周转住房) and who lives in them.
import { create, getJson, send, withQuery } from "@/api/http";
import type { Moment } from "@/api/registry";
import type { Page } from "@/api/types";

export type HomeStatus = "not_ready" | "free" | "let" | "overdue";

/** A home, with whoever lives there. */
export type Home = {
  id: string;
  building_id: string;
  building_name: string | null;
  floor: number;
  number: string;
  use_area_m2: number | null;
  building_area_m2: number | null;
  status: HomeStatus;
  tenancy_id: string | null;
  tenancy_version_id: string | null;
  tenant_name: string | null;
  unit_name: string | null;
  is_leader: boolean | null;
  filing_number: string | null;
  starts_on: string | null;
  ends_on: string | null;
  monthly_rent: string | null;
  lease_id: string | null;
};

export type TenancyStatement = {
  room_id: string;
  tenant_name: string;
  unit_id: string;
  is_leader: boolean;
  filing_number?: string;
  filed_on?: string;
  eligibility: string;
  eligibility_document: string;
  starts_on: string;
  ends_on: string;
  monthly_rent: string;
  rent_ground: string;
  agreement_number?: string;
};

/** Where the homes of a building begin. */
export function homesOf(building: string, at: Moment): string {
  return withQuery("/api/v1/homes", { building, sort: "place", limit: 1000, count: true, as_of: at.asOf, known_at: at.knownAt });
}

export function fetchHomes(address: string, signal?: AbortSignal): Promise<Page<Home>> {
  return getJson(address, signal);
}

export function beginTenancy(said: TenancyStatement): Promise<string> {
  return create("/api/v1/housing-tenancies", said);
}

async function write(home: Home, method: "PATCH" | "POST", what: string, body: object): Promise<void> {
  await send(`/api/v1/housing-tenancies/${home.tenancy_id ?? ""}${what}`, {
    method,
    headers: { "content-type": "application/json", "if-match": `"${home.tenancy_version_id ?? ""}"` },
    body: JSON.stringify(body),
  });
}

/** Records the filing (备案) of a leader's home. */
export function fileTenancy(home: Home, filing: { filing_number: string; filed_on: string }): Promise<void> {
  return write(home, "PATCH", "", filing);
}

/** The tenant leaves. */
export function endTenancy(home: Home, exit: { on: string; reason: string }): Promise<void> {
  return write(home, "POST", "/exits", exit);
}
