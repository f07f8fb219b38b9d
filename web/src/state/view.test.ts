import { createPinia, setActivePinia } from "pinia";
import { beforeEach, describe, expect, it } from "vitest";
import { useViewStore } from "@/state/view";
import { valuesOf } from "@/vocabulary";

beforeEach(() => setActivePinia(createPinia()));

describe("filtering by the legend", () => {
  it("hides and shows one value at a time", () => {
    const view = useViewStore();
    view.toggleValue("unified");
    expect(view.hiddenValues).toEqual(["unified"]);
    expect(view.filter).toEqual({ title_status: valuesOf("title_status").filter((value) => value !== "unified") });
    view.toggleValue("unified");
    expect(view.filter).toEqual({});
  });
  it("shows all again when the last value would be hidden", () => {
    const view = useViewStore();
    for (const value of valuesOf("title_status")) view.toggleValue(value);
    expect(view.hiddenValues).toEqual([]);
  });
  it("isolates one value, and all again the second time", () => {
    const view = useViewStore();
    view.isolateValue("usage", "technical");
    expect(view.theme).toBe("usage");
    expect(view.filter).toEqual({ usage: ["technical"] });
    view.isolateValue("usage", "technical");
    expect(view.filter).toEqual({});
  });
  it("forgets the filter with the theme", () => {
    const view = useViewStore();
    view.toggleValue("unified");
    view.setTheme("usage");
    expect(view.hiddenValues).toEqual([]);
  });
});

it("keeps layers in their order and names the one that is counted", () => {
  const view = useViewStore();
  view.toggleLayer("parcels");
  expect(view.shownLayers).toEqual(["buildings", "sites"]);
  expect(view.subjectLayer).toBe("buildings");
  view.toggleLayer("parcels");
  expect(view.shownLayers).toEqual(["parcels", "buildings", "sites"]);
});

it("leaves the map where it is when an address names no position", () => {
  const view = useViewStore();
  view.setCamera({ longitude: 1, latitude: 2, zoom: 3, bearing: 0 });
  view.applyQuery({ theme: "usage" });
  expect(view.camera?.zoom).toBe(3);
  expect(view.theme).toBe("usage");
});
