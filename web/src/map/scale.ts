// The length of the scale bar: a round number of metres that fits the room there is.

const earthCircumference_m = 40_075_016.686;
const tileSize_px = 512;

export function metresPerPixel(latitude: number, zoom: number): number {
  return (earthCircumference_m * Math.cos((latitude * Math.PI) / 180)) / (tileSize_px * 2 ** zoom);
}

export function scaleBar(latitude: number, zoom: number, room_px: number): { metres: number; pixels: number } {
  const perPixel = metresPerPixel(latitude, zoom);
  const most = perPixel * room_px;
  const power = 10 ** Math.floor(Math.log10(most));
  const metres = [5, 2, 1].map((step) => step * power).find((length) => length <= most) ?? power;
  return { metres, pixels: metres / perPixel };
}
