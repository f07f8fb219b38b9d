import { describe, expect, it } from "vitest";
import type { TitleCase } from "@/api/types";
import { caseForm, papersOf } from "@/titles/case-form";
import { rebase } from "@/titles/rebase";

const held = {
  unit_code: "431103001002GB00015W00000000",
  terms: { evidence: "both", right_type: "3", holders: [{ name: "永州城投", kind: "platform_company" }], parcel_ids: ["b", "a"], location: "湘江西路1号" },
  details: { return_checks: [{ check: "origin", finding: "划转", paper: "永政函〔2015〕3号" }], area: { surveyed_m2: 11000 }, told: [] },
  checks_wanted: [{ check: "origin" }, { check: "books" }],
} as unknown as TitleCase;

describe("the papers of a case as a form", () => {
  it("sends nothing while nothing is typed", () => {
    expect(papersOf(caseForm(held, null), caseForm(held, null), held)).toEqual({});
  });
  it("sends what is typed and nothing else", () => {
    const form = { ...caseForm(held, null), location: "湘江西路2号", check_books: { finding: "已减资", paper: "" }, certificate_m2: "11 050", told: ["某银行"] };
    expect(papersOf(form, caseForm(held, null), held)).toEqual({
      draft: { location: "湘江西路2号" },
      return_checks: [{ check: "origin", finding: "划转", paper: "永政函〔2015〕3号" }, { check: "books", finding: "已减资" }],
      area: { surveyed_m2: 11000, certificate_m2: 11050 },
      told: ["某银行"],
    });
  });
  it("keeps a finding that is being typed when another check is noted elsewhere", () => {
    const read = caseForm(held, null);
    const typed = { ...read, check_books: { finding: "账面", paper: "" } };
    const again = caseForm({ ...held, details: { ...held.details, return_checks: [{ check: "origin", finding: "作价出资" }] } } as TitleCase, null);
    const { form, clashes } = rebase(read, typed, again);
    expect(clashes).toEqual([]);
    expect([form["check_origin"]?.finding, form["check_books"]?.finding]).toEqual(["作价出资", "账面"]);
    expect(papersOf(form, again, held)["return_checks"]).toEqual([{ check: "origin", finding: "作价出资" }, { check: "books", finding: "账面" }]);
  });
  it("says what it covers with the first that is said", () => {
    const building = { ...held, asset_kind: "building", asset: { id: "h" }, terms: {} } as unknown as TitleCase;
    const read = caseForm(building, { parcels: [{ id: "p" }] } as never);
    expect(papersOf(read, read, building)).toEqual({});
    expect(papersOf({ ...read, location: "湘江西路1号" }, read, building)).toEqual({ draft: { parcel_ids: ["p"], building_ids: ["h"], location: "湘江西路1号" } });
  });
  it("empties what is emptied", () => {
    expect(papersOf({ ...caseForm(held, null), location: "", unit_code: " " }, caseForm(held, null), held)).toEqual({ unit_code: null, draft: { location: null } });
  });
});
