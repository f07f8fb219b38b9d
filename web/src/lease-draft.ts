// A lease while it is being written or changed: the texts of the form, and what they say to the server.
import type { EndUser, Lease } from "@/api/leases";

const texts = [
  "direction", "area_m2", "purpose", "lessor_kind", "lessor_name", "lessee_kind", "lessee_size", "lessee_sector", "lessee_name", "lessee_code",
  "starts_on", "ends_on", "rent_basis", "rent", "rhythm", "due_days", "deposit", "price_basis", "exchange", "exchange_record", "appraisal_report",
  "appraisal_valid_to", "approval_number", "contract_number", "approved_area_m2", "land_income", "land_income_document", "note",
] as const;
export type LeaseText = (typeof texts)[number];

export type LeaseDraft = Record<LeaseText, string> & { is_sublet: boolean; end_users: EndUser[]; rooms: string[] };
export type LeaseStatement = Record<string, unknown>;

/** Everything that the form asks for, in its order. */
export const leaseFields: readonly string[] = [...texts, "is_sublet", "end_users", "rooms"];

export function emptyDraft(): LeaseDraft {
  const nothing = Object.fromEntries(texts.map((name) => [name, ""])) as Record<LeaseText, string>;
  return {
    ...nothing,
    direction: "out", lessor_kind: "bureau", lessee_kind: "enterprise", lessee_size: "small", lessee_sector: "services", rent_basis: "month",
    rhythm: "monthly", due_days: "0", price_basis: "public_letting",
    is_sublet: false, end_users: [], rooms: [],
  };
}

export function draftOf(lease: Lease): LeaseDraft {
  const held: Record<string, unknown> = { ...lease, starts_on: lease.valid_from };
  const said = texts.map((name) => [name, held[name] === null || held[name] === undefined ? "" : String(held[name])]);
  return {
    ...(Object.fromEntries(said) as Record<LeaseText, string>),
    is_sublet: lease.is_sublet,
    end_users: lease.end_users.map((user) => ({ ...user })),
    rooms: lease.rooms.map(({ room_id }) => room_id),
  };
}

/** The lease that goes on from another: its terms, a term of its own, and papers that are still to come. */
export function draftAfter(lease: Lease): LeaseDraft {
  const next = new Date(`${lease.ends_on}T00:00:00Z`);
  next.setUTCDate(next.getUTCDate() + 1);
  return { ...draftOf(lease), starts_on: next.toISOString().slice(0, 10), ends_on: "", contract_number: "", approval_number: "", exchange_record: "" };
}

/** Money as the server writes it, so that `9387` is no other rent than `9387.00`. */
function money(text: string): string {
  const plain = text.replaceAll(/[,\s]/g, "");
  const [, whole, fraction = ""] = /^(\d+)(?:\.(\d{0,2}))?$/.exec(plain) ?? [];
  return whole === undefined ? plain : `${whole}.${fraction.padEnd(2, "0")}`;
}

/** A figure that is none is not sent as one. */
export function figureWithoutNumber(draft: LeaseDraft): LeaseText | undefined {
  return (["area_m2", "approved_area_m2", "due_days"] as const).find((name) => Number.isNaN(Number(draft[name])));
}

/** What the form doesn't ask for, as the draft stands, isn't said. */
function outOfSight(draft: LeaseDraft): LeaseText[] {
  return [
    ...(draft.lessee_kind === "enterprise" ? [] : (["lessee_size"] as const)),
    ...(draft.price_basis === "public_letting" ? [] : (["exchange", "exchange_record"] as const)),
    ...(draft.price_basis === "appraisal" ? [] : (["appraisal_report", "appraisal_valid_to"] as const)),
    ...(draft.direction === "in" ? (["land_income", "land_income_document"] as const) : (["approved_area_m2"] as const)),
  ];
}

/** What a draft says; how large rooms are that were let in part is taken from `before`. */
export function statementOf(draft: LeaseDraft, before: Lease | null): LeaseStatement {
  const said: LeaseStatement = { is_sublet: draft.is_sublet };
  const unseen = outOfSight(draft);
  for (const name of texts) {
    const text = draft[name].trim();
    if (text !== "" && !unseen.includes(name)) said[name] = text;
  }
  for (const name of ["area_m2", "approved_area_m2", "due_days"]) if (name in said) said[name] = Number(said[name]);
  // Money stays a text: a binary fraction can't say most of it.
  for (const name of ["rent", "deposit", "land_income"]) if (typeof said[name] === "string") said[name] = money(said[name]);
  if (draft.rooms.length > 0) {
    const sizes = new Map((before?.rooms ?? []).map((room) => [room.room_id, room.area_m2]));
    said["rooms"] = draft.rooms.map((room_id) => ({ room_id, ...(sizes.has(room_id) ? { area_m2: sizes.get(room_id) } : {}) }));
  }
  if (draft.is_sublet) {
    said["end_users"] = draft.end_users
      .filter(({ name }) => name.trim() !== "")
      .map(({ name, kind, size, sector }) => ({
        name: name.trim(),
        kind,
        ...(kind === "enterprise" && size ? { size } : {}),
        ...(sector ? { sector } : {}),
      }));
  }
  return said;
}

/** Fields of a lease that a draft says otherwise, as the server takes a change: what is absent stays, null empties. */
export function changeOf(before: Lease, draft: LeaseDraft): LeaseStatement {
  const [was, is] = [statementOf(draftOf(before), before), statementOf(draft, before)];
  const change: LeaseStatement = {};
  for (const name of leaseFields) {
    if (JSON.stringify(was[name] ?? null) !== JSON.stringify(is[name] ?? null)) change[name] = is[name] ?? null;
  }
  // Without rooms nobody else says how large it is.
  if (change["rooms"] === null) change["area_m2"] = is["area_m2"];
  // A unit of the directory is no longer meant once the party is said to be something else.
  if ("lessor_kind" in change && before.lessor_unit_id !== null) change["lessor_unit_id"] = null;
  if ("lessee_kind" in change && before.lessee_unit_id !== null) change["lessee_unit_id"] = null;
  return change;
}

/** Somebody else was quicker: their lease with what was typed here put on it, and the fields that are theirs. */
export function meet(before: Lease, theirs: Lease, mine: LeaseDraft): { draft: LeaseDraft; changed: string[] } {
  const [was, now] = [draftOf(before), draftOf(theirs)];
  const isSame = (one: LeaseDraft, other: LeaseDraft, name: string) => JSON.stringify(one[name as LeaseText]) === JSON.stringify(other[name as LeaseText]);
  const draft = { ...now };
  for (const name of leaseFields) if (!isSame(mine, was, name)) Object.assign(draft, { [name]: mine[name as LeaseText] });
  return { draft, changed: leaseFields.filter((name) => !isSame(now, was, name)) };
}
