import { describe, expect, it } from "vitest";
import { defaultView, readQuery, writeQuery, type View } from "@/state/address";

const full: View = {
  camera: { longitude: -71.11, latitude: 42.37, zoom: 15.5, bearing: 30 },
  shownLayers: ["parcels", "sites"],
  theme: "occupancy",
  hiddenValues: ["let", "none"],
  selection: { layer: "parcels", id: "0190c9c1-0000-7000-8000-000000000001" },
  cardTab: "history",
  asOf: "2024-06-30",
  knownAt: "2024-07-01T08:00:00.000Z",
  panel: "imports",
  importId: "job-1",
  caseId: "case-1",
  unitId: "0190-unit",
  idleQuestion: null,
  policyId: "case-1",
  leaseId: "l-1",
  stocktakingId: "s-1",
  inspectionId: "i-1",
  table: "buildings",
};

describe("address bar", () => {
  it("keeps what a planner looks for while that panel is open", () => {
    const asked = { ...full, panel: "idle" as const, idleQuestion: "people=120&near=119.97%2C31.81" };
    expect(readQuery(writeQuery(asked))).toEqual(asked);
    expect(writeQuery({ ...asked, panel: "checks" })["find"]).toBeUndefined();
  });
  it("restores exactly the view it was made from", () => {
    expect(readQuery(writeQuery(full))).toEqual(full);
  });
  it("leaves no trace of defaults", () => {
    expect(writeQuery({ ...defaultView, shownLayers: [...defaultView.shownLayers], hiddenValues: [] })).toEqual({});
    expect(readQuery({})).toEqual(defaultView);
  });
  it("keeps a closed panel closed and no layers none", () => {
    const view = readQuery(writeQuery({ ...full, panel: null, shownLayers: [] }));
    expect(view.panel).toBeNull();
    expect(view.shownLayers).toEqual([]);
  });
  it.each([
    ["at", "x/1/2"],
    ["at", "99/10/10"],
    ["at", "5/89/10"],
    ["as_of", "2024-02-30"],
    ["as_of", "yesterday"],
    ["known_at", "2024-06-30"],
    ["asset", "titles/7"],
    ["asset", "parcels/"],
    ["theme", "colour"],
    ["hide", "nonsense"],
    ["panel", "nonsense"],
    ["table", "rooms"],
  ])("falls back to the default for %s=%s", (name, value) => {
    expect(readQuery({ [name]: value })).toEqual(defaultView);
  });
  it("drops values of another theme from the filter", () => {
    expect(readQuery({ theme: "usage", hide: "unified,technical" }).hiddenValues).toEqual(["technical"]);
  });
});
