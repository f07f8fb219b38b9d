// Lines of longitude and latitude for views without other ground: a step that gives a handful of lines.
import type { FeatureCollection, LineString } from "geojson";

const steps_degrees = [30, 15, 10, 5, 2, 1, 0.5, 0.25];

function label(degrees: number, positive: string, negative: string): string {
  const rounded = Math.abs(Math.round(degrees * 60));
  const whole = Math.floor(rounded / 60);
  const minutes = rounded % 60;
  return `${whole}°${minutes === 0 ? "" : `${String(minutes).padStart(2, "0")}′`}${degrees === 0 ? "" : degrees > 0 ? positive : negative}`;
}

export function graticule(west: number, south: number, east: number, north: number): FeatureCollection<LineString, { label: string }> {
  const width = east - west;
  const step = steps_degrees.find((one) => width / one >= 5) ?? 0.25;
  const features: FeatureCollection<LineString, { label: string }>["features"] = [];
  const add = (text: string, coordinates: number[][]) =>
    features.push({ type: "Feature", properties: { label: text }, geometry: { type: "LineString", coordinates } });
  const [bottom, top] = [Math.max(south, -85), Math.min(north, 85)];
  for (let lon = Math.ceil(west / step) * step; lon <= east; lon += step) {
    add(label(lon, "E", "W"), [[lon, bottom], [lon, top]]);
  }
  for (let lat = Math.ceil(bottom / step) * step; lat <= top; lat += step) {
    add(label(lat, "N", "S"), [[west, lat], [east, lat]]);
  }
  return { type: "FeatureCollection", features };
}
