// Pictures drawn in code for the map: hatchings that tile without a seam, and rings of shares for totals.
import { darker, unknownColour, type Hatch } from "@/palette";
import { colourOf } from "@/palette";
import { valuesOf, type Theme } from "@/vocabulary";

type Pixels = { width: number; height: number; data: Uint8ClampedArray };

function channels(colour: string): [number, number, number] {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)) as [number, number, number];
}

const hatchColours: Record<Hatch, string> = { unknown: "#6B7480", idle: "#7A1C0B", dangerous: "#5C0F0B" };

/** Diagonal lines (crossed for danger) at twice the resolution of the screen. */
export function hatchPixels(hatch: Hatch): Pixels {
  const size = hatch === "unknown" ? 20 : 14;
  const thickness = hatch === "unknown" ? 2 : 3;
  const [red, green, blue] = channels(hatchColours[hatch]);
  const data = new Uint8ClampedArray(size * size * 4);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const isOnLine = (x + y) % size < thickness || (hatch === "dangerous" && (x - y + size) % size < thickness);
      if (isOnLine) data.set([red, green, blue, 200], (y * size + x) * 4);
    }
  }
  return { width: size, height: size, data };
}

export const hatchNames: Record<Hatch, string> = { unknown: "hatch-unknown", idle: "hatch-idle", dangerous: "hatch-dangerous" };

/** How many parts a ring is cut into; shares are rounded to these. */
export const ringParts = 24;
export const smallestRing_px = 13;
// A tile shows totals in cells of 64 px at least: a ring of a hundred thousand still fits into one.
export const ringStep_px = 0.85;

export function ringRadius(size: number): number {
  return smallestRing_px + size * ringStep_px;
}

/** Reads `ring/<theme>/<appearance>/<size>/<parts,…>`, the name the style gives to a ring, or nothing. */
export function parseRingName(name: string): { theme: Theme; isDark: boolean; size: number; parts: number[] } | null {
  const [kind, theme, appearance, size, parts] = name.split("/");
  if (kind !== "ring" || theme === undefined || parts === undefined) return null;
  return { theme: theme as Theme, isDark: appearance === "dark", size: Number(size), parts: parts.split(",").map(Number) };
}

/** A ring whose arcs show the shares of a theme's values, on a plate that carries the count. */
export function drawRing(name: string, pixelRatio: number): Pixels | null {
  const ring = parseRingName(name);
  if (ring === null) return null;
  const radius = ringRadius(ring.size);
  const edge = Math.ceil((radius + 3) * 2 * pixelRatio);
  const canvas = document.createElement("canvas");
  canvas.width = edge;
  canvas.height = edge;
  const context = canvas.getContext("2d");
  if (context === null) return null;
  context.scale(pixelRatio, pixelRatio);
  const centre = edge / pixelRatio / 2;
  const width = 4.5 + ring.size * 0.12;

  context.beginPath();
  context.arc(centre, centre, radius + 1.5, 0, Math.PI * 2);
  context.fillStyle = ring.isDark ? "#10161E" : "#FFFFFF";
  context.globalAlpha = 0.94;
  context.fill();
  context.globalAlpha = 1;

  const values = valuesOf(ring.theme);
  const total = ring.parts.reduce((sum, part) => sum + part, 0);
  let from = -Math.PI / 2;
  context.lineWidth = width;
  ring.parts.forEach((part, index) => {
    const value = values[index];
    if (part === 0 || total === 0 || value === undefined) return;
    const to = from + (part / total) * Math.PI * 2;
    context.beginPath();
    context.arc(centre, centre, radius - width / 2, from, to);
    context.strokeStyle = colourOf(ring.theme, value);
    context.stroke();
    from = to;
  });
  context.beginPath();
  context.arc(centre, centre, radius + 0.5, 0, Math.PI * 2);
  context.lineWidth = 1;
  context.strokeStyle = darker(unknownColour, 0.3);
  context.stroke();
  const image = context.getImageData(0, 0, edge, edge);
  return { width: edge, height: edge, data: image.data };
}
