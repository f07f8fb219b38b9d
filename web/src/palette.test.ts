import { describe, expect, it } from "vitest";
import { colourOf, hatchOf } from "@/palette";
import { notFilled, themes, valuesOf, type Theme } from "@/vocabulary";

/** How a colour is seen (Machado, Oliveira and Fernandes 2009, severity 1), in linear light. */
const eyes: Record<string, number[][]> = {
  all: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  "without red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  "without green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
};

function lab(colour: string, eye: number[][]): number[] {
  const linear = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  const [red = 0, green = 0, blue = 0] = eye.map((row) => Math.min(1, Math.max(0, row.reduce((sum, weight, at) => sum + weight * (linear[at] ?? 0), 0))));
  const curve = (part: number) => (part > 0.008856 ? Math.cbrt(part) : 7.787 * part + 16 / 116);
  const [x = 0, y = 0, z = 0] = [
    (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047,
    0.2126 * red + 0.7152 * green + 0.0722 * blue,
    (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883,
  ].map(curve);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

function nearest(theme: Theme, eye: number[][]): number {
  const seen = valuesOf(theme).map((value) => lab(colourOf(theme, value), eye));
  return Math.min(...seen.flatMap((one, at) => seen.slice(at + 1).map((other) => Math.hypot(...one.map((part, axis) => part - (other[axis] ?? 0))))));
}

describe("colours of cases", () => {
  it.each(Object.entries(eyes))("stay apart for eyes: %s", (_name, eye) => {
    expect(nearest("case_phase", eye)).toBeGreaterThan(20);
  });
  it("leave an asset without a case plain, and hatch what nobody has filled in", () => {
    for (const theme of themes) expect([theme, hatchOf(theme, notFilled)]).toEqual([theme, theme === "case_phase" ? null : "unknown"]);
  });
});
