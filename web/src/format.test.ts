import { describe, expect, it } from "vitest";
import {
  durationBetween,
  formatArea,
  formatAreaBeside,
  formatAreaShort,
  formatBytes,
  formatDifferencePercent,
  formatMeridian,
  formatNumber,
  isAreaDifferenceMarked,
} from "@/format";

const plain = (text: string) => text.replaceAll("\u00a0", " ");

describe("areas", () => {
  it("groups by three and carries the unit", () => {
    expect(plain(formatArea(7915.4, "zh"))).toBe("7 915 ㎡");
    expect(plain(formatArea(1234567, "en"))).toBe("1 234 567 m²");
    expect(plain(formatArea(12.345, "zh"))).toBe("12.35 ㎡");
  });
  it("says land in 亩 and large areas in 万㎡", () => {
    expect(formatAreaBeside(99_999, false, "zh")).toEqual([]);
    expect(formatAreaBeside(100_000, false, "zh").map(plain)).toEqual(["10.00 万㎡"]);
    expect(formatAreaBeside(6666.67, true, "zh").map(plain)).toEqual(["10.00 亩"]);
    expect(formatAreaBeside(200_000, true, "en").map(plain)).toEqual(["20.00 ha", "300.00 mu"]);
    expect(plain(formatAreaShort(13_966_855, "zh"))).toBe("1 396.69 万㎡");
    expect(plain(formatAreaShort(850, "zh"))).toBe("850 ㎡");
  });
  it("marks a difference only over half a percent and over one square metre", () => {
    expect(isAreaDifferenceMarked(1000, 1005)).toBe(false);
    expect(isAreaDifferenceMarked(1000, 1005.1)).toBe(true);
    expect(isAreaDifferenceMarked(50, 50.9)).toBe(false);
    expect(isAreaDifferenceMarked(50, 48.9)).toBe(true);
    expect(plain(formatDifferencePercent(1000, 1012.5))).toBe("+1.25 %");
    expect(plain(formatDifferencePercent(1000, 980))).toBe("−2.00 %");
  });
});

describe("other figures", () => {
  it("never writes a negative zero", () => {
    expect(formatNumber(-0.001, 2)).toBe("0.00");
    expect(formatNumber(-5, 0)).toBe("−5");
  });
  it("names meridians on both sides", () => {
    expect(formatMeridian(120)).toBe("120°E");
    expect(formatMeridian(-72)).toBe("72°W");
  });
  it("counts whole years and months", () => {
    expect(durationBetween("2025-08-01", "2026-11-21")).toEqual({ years: 1, months: 3, days: 0 });
    expect(durationBetween("2025-12-31", "2026-01-30")).toEqual({ years: 0, months: 0, days: 30 });
    expect(durationBetween("2026-11-21", "2026-11-20")).toEqual({ years: 0, months: 0, days: 0 });
  });
  it("says sizes of files", () => {
    expect(formatBytes(512)).toBe("512 B");
    expect(formatBytes(1_500_000)).toBe("1.4 MB");
  });
});
