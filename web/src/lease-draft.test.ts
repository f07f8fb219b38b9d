import { describe, expect, test } from "vitest";
import type { Lease } from "@/api/leases";
import { changeOf, draftAfter, draftOf, figureWithoutNumber, meet, statementOf } from "@/lease-draft";

const lease: Lease = {
  id: "l", version_id: "v", status: "running", is_housing: false, direction: "out", asset_id: "a", address: null, case_id: null, asset_kind: "building", asset_name: "商业楼", room_numbers: ["101", "102"],
  rooms: [{ room_id: "r1", area_m2: 12.5 }, { room_id: "r2", area_m2: 40 }], area_m2: 52.5, lessor_kind: "bureau", lessor_name: "市机关事务管理局",
  lessor_unit_id: "u", lessee_kind: "enterprise", lessee_size: "small", lessee_sector: "services", lessee_name: "某公司", lessee_code: null, lessee_unit_id: null,
  is_sublet: true, end_users: [{ name: "早餐店", kind: "self_employed", sector: "services" }, { name: "早餐店", kind: "enterprise", size: "micro" }],
  purpose: "餐饮", valid_from: "2026-01-01", valid_to: null, ends_on: "2026-12-31", rent_basis: "month", rent: "9387.00", monthly_rent: "9387.00",
  rhythm: "monthly", due_days: 5, deposit: null, price_basis: "public_letting", exchange: "交易中心", exchange_record: "ZL-1", appraisal_report: null,
  appraisal_valid_to: null, approval_number: "批1", contract_number: "C-1", approved_area_m2: null, land_income: null, land_income_document: null,
  renews_id: null, renewed_by_id: null, end_reason: null, note: null,
};

describe("a lease that is changed", () => {
  test("says nothing where nothing differs, however it is typed", () => {
    expect(changeOf(lease, draftOf(lease))).toEqual({});
    expect(changeOf(lease, { ...draftOf(lease), rent: "9,387", purpose: " 餐饮 ", area_m2: "52.50" })).toEqual({});
  });

  test("says what differs and nothing else, and null for what is emptied", () => {
    expect(changeOf(lease, { ...draftOf(lease), rent: "9500", purpose: "", ends_on: "2027-12-31" })).toEqual({ rent: "9500.00", purpose: null, ends_on: "2027-12-31" });
  });

  test("keeps how large a room is that was let in part, and leaves the sum to the server", () => {
    expect(changeOf(lease, { ...draftOf(lease), rooms: ["r1", "r3"] })).toEqual({ rooms: [{ room_id: "r1", area_m2: 12.5 }, { room_id: "r3" }] });
  });

  test("says the area where no rooms are left to say it", () => {
    expect(changeOf(lease, { ...draftOf(lease), rooms: [] })).toEqual({ rooms: null, area_m2: 52.5 });
  });

  test("empties what the new ground of the price has no place for", () => {
    expect(changeOf(lease, { ...draftOf(lease), price_basis: "appraisal", appraisal_report: "评1" })).toEqual({
      price_basis: "appraisal", exchange: null, exchange_record: null, appraisal_report: "评1",
    });
  });

  test("lets go of a unit of the directory when the party becomes something else", () => {
    expect(changeOf(lease, { ...draftOf(lease), lessor_kind: "state_company" })).toEqual({ lessor_kind: "state_company", lessor_unit_id: null });
  });

  test("tells end users of one name apart", () => {
    const draft = draftOf(lease);
    const [shop, firm] = draft.end_users;
    if (shop === undefined || firm === undefined) throw new Error("two end users");
    expect(changeOf(lease, { ...draft, end_users: [shop, { ...firm, size: "medium" }, { name: " ", kind: "person" }] })).toEqual({
      end_users: [{ name: "早餐店", kind: "self_employed", sector: "services" }, { name: "早餐店", kind: "enterprise", size: "medium" }],
    });
    expect(changeOf(lease, { ...draft, is_sublet: false })).toEqual({ is_sublet: false, end_users: null });
  });

  test("finds a figure that is none before anything is sent", () => {
    expect(figureWithoutNumber({ ...draftOf(lease), area_m2: "很大" })).toBe("area_m2");
    expect(figureWithoutNumber(draftOf(lease))).toBeUndefined();
  });

  test("meets another's change: theirs is taken over, what was typed stays", () => {
    const mine = { ...draftOf(lease), rent: "9500", purpose: "零售" };
    const theirs: Lease = { ...lease, version_id: "w", purpose: "仓储", contract_number: "C-2" };
    const met = meet(lease, theirs, mine);
    expect([...met.changed].sort()).toEqual(["contract_number", "purpose"]);
    expect([met.draft.rent, met.draft.purpose, met.draft.contract_number]).toEqual(["9500", "零售", "C-2"]);
    expect(changeOf(theirs, met.draft)).toEqual({ purpose: "零售", rent: "9500.00" });
  });
});

describe("a lease that goes on from another", () => {
  test("begins when that one ends, with papers of its own", () => {
    const draft = draftAfter(lease);
    expect([draft.starts_on, draft.ends_on, draft.contract_number, draft.lessee_name]).toEqual(["2027-01-01", "", "", "某公司"]);
    expect(statementOf({ ...draft, ends_on: "2027-12-31" }, lease)["rooms"]).toEqual([{ room_id: "r1", area_m2: 12.5 }, { room_id: "r2", area_m2: 40 }]);
  });
});
