import { describe, expect, it } from "vitest";
import { exportAddress, exportWarningsOf, offeredNames, valuesToSend } from "@/api/registry";

describe("an export", () => {
  it("asks for what the table shows, without its pages", () => {
    const query = { asOf: "2024-12-31", knownAt: null, q: "东院", filter: { usage: ["technical", "none"] }, bbox: null, sort: "-area_m2", limit: 50 };
    const address = new URL(exportAddress("parcels", query, { format: "gpkg", crs: "EPSG:4549", labels: "codes" }), "http://here");
    expect(address.pathname).toBe("/api/v1/parcels/export");
    expect(Object.fromEntries(address.searchParams)).toEqual({
      as_of: "2024-12-31",
      q: "东院",
      usage: "technical,none",
      sort: "-area_m2",
      format: "gpkg",
      crs: "EPSG:4549",
      labels: "codes",
    });
  });
  it("is named and warned of by its headers", () => {
    expect(offeredNames("attachment; filename=\"parcels.csv\"; filename*=UTF-8''%E5%AE%97%E5%9C%B0.csv")).toEqual({ full: "宗地.csv", ascii: "parcels.csv" });
    expect(offeredNames("")).toEqual({ full: "export", ascii: "export" });
    expect(exportWarningsOf("field_name_cut=3, text_cut=1")).toEqual([
      { code: "field_name_cut", count: 3 },
      { code: "text_cut", count: 1 },
    ]);
    expect(exportWarningsOf("")).toEqual([]);
  });
});

describe("an import", () => {
  it("sends words for values by field, and leaves out what is half said", () => {
    const words = [
      { target: "usage", word: " Vacant City ", value: "idle_land" },
      { target: "usage", word: "GEN-OFFICE", value: "administrative_office" },
      { target: "holder", word: "CITY", value: "某市" },
      { target: "usage", word: "", value: "other" },
      { target: "occupancy", word: "EMPTY", value: "" },
    ];
    expect(valuesToSend(words)).toEqual({ usage: { "Vacant City": "idle_land", "GEN-OFFICE": "administrative_office" }, holder: { CITY: "某市" } });
    expect(valuesToSend([])).toBeNull();
  });
});
