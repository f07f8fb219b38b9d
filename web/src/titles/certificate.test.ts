import { describe, expect, it } from "vitest";
import { addHolder, amount, certificateOf, emptyCertificate, sharesMakeUpAWhole, statementOf, troublesOf } from "@/titles/certificate";

const terms = {
  evidence: "both", unit_code: "431103001002GB00015F00010001", cert_no: "湘(2021)冷水滩区不动产权第0000001号", holders: [{ name: "永州市机关事务管理局", kind: "bureau" }],
  co_ownership: "0", right_type: "4", right_nature_land: "101", land_area_m2: 10000.5, recorded_on: "2021-03-10",
};

describe("a certificate as a form", () => {
  it("says back what it was read from", () => {
    expect(statementOf(certificateOf(terms), null)).toEqual(terms);
  });
  it("says only what was changed, and empties what was emptied", () => {
    const read = certificateOf(terms);
    const form = { ...certificateOf(terms), land_area_m2: "10,000.50", cert_no: "", remark: " 补记 " };
    expect(statementOf(form, read)).toEqual({ cert_no: null, remark: "补记" });
    expect(statementOf(form, read, ["remark"])).toEqual({ cert_no: null });
  });
  it("keeps the unit that a holder is", () => {
    const held = { ...terms, holders: [{ name: "某局", kind: "unit", unit_id: "018f", id_number: "11431100" }] };
    expect(statementOf(certificateOf(held), null)["holders"]).toEqual(held.holders);
  });
  it("sends no share where there is none to have", () => {
    const form = certificateOf(terms);
    form.holders = [{ name: "某局", kind: "unit", id_number: "", share: "1/2" }];
    expect(statementOf(form, null)["holders"]).toEqual([{ name: "某局", kind: "unit" }]);
  });
  it("adds shares exactly", () => {
    expect(sharesMakeUpAWhole(["1/3", "1/3", "1/3"])).toBe(true);
    expect(sharesMakeUpAWhole(["50%", "0.5"])).toBe(true);
    expect(sharesMakeUpAWhole(["0.33", "0.33", "0.33"])).toBe(false);
    expect(sharesMakeUpAWhole(["50%", "49%"])).toBe(false);
    expect(sharesMakeUpAWhole(["半", "1/2"])).toBe(null);
    expect(sharesMakeUpAWhole(["1/0", "1/2"])).toBe(null);
  });
  it("tells what the book would refuse", () => {
    const form = certificateOf({ ...terms, co_ownership: "2", holders: [{ name: "甲", kind: "unit", share: "50%" }] });
    expect(troublesOf(form, "2026-11-21").holders).toBe("several_holders");
    addHolder(form);
    Object.assign(form.holders[1] ?? {}, { name: "乙", share: "49%" });
    expect(troublesOf(form, "2026-11-21").holders).toBe("shares_not_whole");
    Object.assign(form, { issued_on: "2021-03-09", land_area_m2: "约一亩", land_use_scheme: "GB21010-2017", land_use_code: "081", term_from: "2071-01-01", term_to: "2001-01-01" });
    expect(troublesOf(form, "2026-11-21")).toMatchObject({ issued_on: "out_of_order", land_area_m2: "no_figure", land_use_code: "class_length", term_to: "out_of_order" });
    Object.assign(form, { recorded_on: "2026-11-22", issued_on: "", land_use_scheme: "GB21010-2007" });
    expect(troublesOf(form, "2026-11-21").recorded_on).toBe("in_future");
    expect(troublesOf(form, "2026-11-21").land_use_code).toBeUndefined();
    expect(troublesOf(emptyCertificate(), "2026-11-21")).toEqual({});
  });
  it("reads figures as people type them", () => {
    expect([amount("10 000.5"), amount("1,000"), amount("-1"), amount("1e3"), amount("")]).toEqual([10000.5, 1000, null, null, null]);
  });
});
