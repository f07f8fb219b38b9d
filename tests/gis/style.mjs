// The ready styles, held against MapLibre's own specification of styles.
import { validateStyleMin } from "../../web/node_modules/@maplibre/maplibre-gl-style-spec/dist/index.mjs";

for (const name of ["title_status", "usage", "occupancy"]) {
  const answer = await fetch(`${process.env.YICE_URL}/styles/${name}.json`, {
    headers: { authorization: `Bearer ${process.env.YICE_TOKEN}` },
  });
  const faults = validateStyleMin(await answer.json());
  if (answer.ok && faults.length === 0) console.log(`ok the style ${name} is sound`);
  else console.log(`not ok the style ${name}: ${answer.status} ${faults.map((fault) => fault.message).join("; ")}`);
}
