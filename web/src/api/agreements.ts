// Use agreements and use certificates (使用协议、使用权证).
import { create, getJson, send, withQuery } from "@/api/http";
import type { Moment } from "@/api/registry";
import type { Page } from "@/api/types";

export const agreementSteps = ["sign", "certify", "change", "transfer", "correct", "replace", "renew", "cancel"] as const;
export type AgreementStep = (typeof agreementSteps)[number];
export type AgreementStatus = "draft" | "signed" | "certified" | "cancelled";

/** A row of the list. */
export type AgreementLine = {
  id: string;
  version_id: string;
  unit_id: string;
  unit_name: string | null;
  buildings: string[];
  rooms: number;
  use_area_m2: number | null;
  approved_area_m2: number | null;
  purpose: string;
  starts_on: string;
  ends_on: string | null;
  status: AgreementStatus;
  agreement_no: string | null;
  certificate_no: string | null;
  registration: string | null;
};

/** One agreement as it is held. */
export type Agreement = Omit<AgreementLine, "unit_name" | "buildings" | "rooms" | "use_area_m2"> & { room_ids: string[]; steps: AgreementStep[] };

/** What a use certificate says, whole. */
export type UseCertificate = {
  id: string;
  certificate_no: string;
  certified_on: string | null;
  registration: string | null;
  unit: { id: string; code: string | null; name: string | null };
  purpose: string;
  approved_area_m2: number | null;
  starts_on: string;
  ends_on: string | null;
  agreement_no: string | null;
  signed_on: string | null;
  transfer_slip_no: string | null;
  addresses: string[];
  rooms: {
    id: string;
    building: string | null;
    floor: number;
    number: string;
    name: string | null;
    room_type: string | null;
    use_area_m2: number | null;
    building_area_m2: number | null;
  }[];
  use_area_m2: number;
  building_area_m2: number;
  rooms_lacking_area: number;
  made_up: boolean;
  as_of: string;
};

export type AgreementDraft = {
  unit_id: string;
  room_ids: string[];
  purpose: string;
  approved_area_m2: number | null;
  starts_on: string;
  ends_on: string | null;
  documents: string[];
};

export type AgreementStatement = {
  step: AgreementStep;
  on: string;
  agreement_no?: string;
  certificate_no?: string;
  transfer_slip_no?: string;
  unit_id?: string;
  room_ids?: string[];
  purpose?: string;
  approved_area_m2?: number | null;
  ends_on?: string | null;
  documents: string[];
  reason?: string;
};

/** Where the agreements of a building begin; those that hold stand before those that are cancelled. */
export function agreementsOf(building: string, at: Moment): string {
  return withQuery("/api/v1/use-agreements", { building, sort: "unit", limit: 20, count: true, as_of: at.asOf, known_at: at.knownAt });
}

export function fetchAgreements(address: string, signal?: AbortSignal): Promise<Page<AgreementLine>> {
  return getJson(address, signal);
}

export function fetchAgreement(id: string): Promise<Agreement> {
  return getJson(`/api/v1/use-agreements/${id}`);
}

export function fetchUseCertificate(id: string, at: Moment): Promise<UseCertificate> {
  return getJson(withQuery(`/api/v1/use-agreements/${id}/certificate`, { as_of: at.asOf, known_at: at.knownAt }));
}

export function draftAgreement(draft: AgreementDraft): Promise<string> {
  return create("/api/v1/use-agreements", draft);
}

export async function stepAgreement(held: Agreement, said: AgreementStatement): Promise<void> {
  await send(`/api/v1/use-agreements/${held.id}/steps`, {
    method: "POST",
    headers: { "content-type": "application/json", "if-match": `"${held.version_id}"` },
    body: JSON.stringify(said),
  });
}
