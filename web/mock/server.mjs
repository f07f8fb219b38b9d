// A stand-in for the server while the page is developed: it answers in the contract's shapes from GeoJSON files held in
// memory. It invents registration, usage and occupancy words (by a hash of the key), so nothing shown by it is a fact.
// Usage: node mock/server.mjs [--listen 8090] [--plain] parcels=FILE.geojson [buildings=FILE.geojson]
//   --plain  leave the invented words out, as in a file that carries none
import { createHash, randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { gzipSync } from "node:zlib";
import { GeoJSONVT } from "@maplibre/geojson-vt";
import { fromGeojsonVt } from "@maplibre/vt-pbf";

const argumentsGiven = process.argv.slice(2);
const plain = argumentsGiven.includes("--plain");
const port = Number(argumentsGiven[argumentsGiven.indexOf("--listen") + 1] || 8090);
const today = "2026-11-21";
const started = Date.now();
const dist = new URL("../dist/", import.meta.url).pathname;

const words = {
  title_status: ["unified", "unified", "unified", "other_handed", "other_not_handed", "none_handed", "none_not_handed", "other", null],
  usage: ["administrative_office", "administrative_office", "housing_security", "technical", "public_service", "commercial", "idle_land", "other", null],
  occupancy: ["in_use", "in_use", "in_use", "in_use", "idle", "let", "lent", "rented_in", "under_repair", "vacating", "dangerous", null],
};
const layers = { parcels: new Map(), buildings: new Map(), sites: new Map() }; // key → { id, feature_id, versions }
const byId = new Map();
const imports = new Map();
let position = 1;
let nextFeatureId = 1;

const hash = (text) => createHash("sha256").update(text).digest().readUInt32LE(0);
const uuidOf = (text) => createHash("sha256").update(text).digest("hex").replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, "$1-$2-7$3-8$4-$5");
const positions = (geometry) => geometry.coordinates.flat(geometry.type === "Point" ? 0 : geometry.type === "Polygon" ? 1 : 2);
function bboxOf(geometry) {
  const all = geometry.type === "Point" ? [geometry.coordinates] : positions(geometry);
  return all.reduce(([w, s, e, n], [x, y]) => [Math.min(w, x), Math.min(s, y), Math.max(e, x), Math.max(n, y)], [180, 90, -180, -90]);
}
function areaOf(geometry) {
  if (geometry.type === "Point") return 0;
  const ring = (points) => {
    const scale = Math.cos((points[0][1] * Math.PI) / 180) * 111320 * 110574;
    let sum = 0;
    for (let i = 1; i < points.length; i++) sum += points[i - 1][0] * points[i][1] - points[i][0] * points[i - 1][1];
    return Math.abs(sum / 2) * scale;
  };
  const polygon = (rings) => rings.reduce((sum, one, i) => sum + (i === 0 ? 1 : -1) * ring(one), 0);
  return geometry.type === "Polygon" ? polygon(geometry.coordinates) : geometry.coordinates.reduce((sum, one) => sum + polygon(one), 0);
}

function candidate(layer, row, feature, dataset) {
  const key = String(feature.properties.ML ?? feature.id ?? feature.properties.id ?? row);
  const seed = hash(`${layer}${key}`);
  const pick = (field, shift) => (field in feature.properties ? feature.properties[field] : plain ? null : words[field][(seed >>> shift) % words[field].length]);
  const area = areaOf(feature.geometry);
  return {
    key, row, code: key, name: feature.properties.name ?? feature.properties.NAME ?? null, address: feature.properties.address ?? feature.properties.Location ?? `${(seed % 300) + 1} ${["MASSACHUSETTS AVE", "BROADWAY", "HARVARD ST", "CONCORD AVE"][seed % 4]}`,
    title_status: pick("title_status", 0), usage: pick("usage", 5), occupancy: pick("occupancy", 9),
    area_m2: Math.round(area * 100) / 100, registered_area_m2: "registered_area_m2" in feature.properties ? feature.properties.registered_area_m2 : seed % 3 === 0 ? Math.round(area * (seed % 2 ? 1.02 : 1)) : null,
    geometry: feature.geometry, bbox: bboxOf(feature.geometry), dataset, attributes: feature.properties, repaired: null,
  };
}

function write(layer, one, validFrom, ledgerSeq) {
  const existing = layers[layer].get(one.key);
  if (existing === undefined) {
    const id = uuidOf(`${layer}${one.key}`);
    const asset = { id, feature_id: nextFeatureId++, layer, key: one.key, versions: [{ ...one, version: 1, valid_from: validFrom, valid_to: null, recorded_from: new Date().toISOString(), recorded_to: null, changed: [], ledger_seq: ledgerSeq }] };
    layers[layer].set(one.key, asset);
    byId.set(id, asset);
    return ["inserted", asset];
  }
  const last = existing.versions.at(-1);
  if (JSON.stringify(last.geometry) === JSON.stringify(one.geometry)) return ["unchanged", existing];
  last.valid_to = validFrom;
  existing.versions.push({ ...one, version: last.version + 1, valid_from: validFrom, valid_to: null, recorded_from: new Date().toISOString(), recorded_to: null, changed: ["geometry", "area_m2"], ledger_seq: ledgerSeq });
  return ["new_version", existing];
}

const at = (asset, asOf) => asset.versions.findLast((one) => one.valid_from <= asOf && (one.valid_to === null || asOf < one.valid_to));
function current(layer, asOf) {
  const found = [];
  for (const asset of layers[layer].values()) {
    const version = at(asset, asOf ?? today);
    if (version !== undefined) found.push([asset, version]);
  }
  return found;
}

function present([asset, version], full) {
  const region = { code: "250170", name: "Cambridge" };
  const answer = {
    id: asset.id, feature_id: asset.feature_id, layer: asset.layer, code: version.code, name: version.name, address: version.address, region,
    unit: hash(version.key) % 4 === 0 ? { id: uuidOf("unit"), code: "U-001", name: "市机关事务管理局" } : null,
    title_status: version.title_status, usage: version.usage, occupancy: version.occupancy,
    idle_since: version.occupancy === "idle" ? "2025-08-01" : null, area_m2: version.area_m2, registered_area_m2: version.registered_area_m2,
    gk_zone: { central_meridian: Math.round(version.bbox[0] / 3) * 3, epsg: null }, valid_from: version.valid_from, valid_to: version.valid_to,
    recorded_from: version.recorded_from, recorded_to: version.recorded_to, version_id: uuidOf(asset.id + version.version), region_code: region.code, unit_name: null, bbox: version.bbox,
  };
  if (!full) return answer;
  return { ...answer, source: { dataset: version.dataset, key: version.key, row: version.row, attributes: version.attributes }, repaired: version.repaired, geometry: version.geometry, sites: [], parcels: [], buildings: [] };
}

let tileCache = { position: 0, entries: new Map() };
function tileOf(layer, asOf) {
  if (tileCache.position !== position) tileCache = { position, entries: new Map() };
  const name = `${layer}@${asOf ?? ""}`;
  if (!tileCache.entries.has(name)) {
    const features = current(layer, asOf).map(([asset, v]) => ({
      type: "Feature", id: asset.feature_id, geometry: v.geometry,
      properties: Object.fromEntries(Object.entries({ id: asset.id, code: v.code, name: v.name, title_status: v.title_status, usage: v.usage, occupancy: v.occupancy, idle: v.occupancy === "idle", area_m2: v.area_m2 }).filter(([, value]) => value !== null)),
    }));
    const index = new GeoJSONVT({ type: "FeatureCollection", features }, { maxZoom: 18, tolerance: 2, buffer: 64, indexMaxZoom: 12 });
    tileCache.entries.set(name, { index, features });
  }
  return tileCache.entries.get(name);
}

const world = (lon, lat) => [(lon + 180) / 360, 0.5 - Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / (2 * Math.PI)];
function totalsTile(layer, z, x, y, asOf) {
  const across = 2 ** z * 8;
  const cells = new Map();
  for (const [, v] of current(layer, asOf)) {
    const [wx, wy] = world((v.bbox[0] + v.bbox[2]) / 2, (v.bbox[1] + v.bbox[3]) / 2);
    const [cx, cy] = [Math.floor(wx * across), Math.floor(wy * across)];
    if (Math.floor(cx / 8) !== x || Math.floor(cy / 8) !== y) continue;
    const cell = cells.get(`${cx},${cy}`) ?? { kind: "cell", count: 0, area_m2: 0, x: 0, y: 0 };
    cell.count += 1;
    cell.area_m2 += v.area_m2;
    cell.x += wx;
    cell.y += wy;
    for (const field of Object.keys(words)) if (v[field] !== null) cell[`${field}:${v[field]}`] = (cell[`${field}:${v[field]}`] ?? 0) + 1;
    cells.set(`${cx},${cy}`, cell);
  }
  const features = [...cells.values()].map(({ x: sx, y: sy, ...tags }) => ({
    id: undefined, type: 1, tags, geometry: [[Math.round((sx / tags.count * 2 ** z - x) * 4096), Math.round((sy / tags.count * 2 ** z - y) * 4096)]],
  }));
  return { features };
}

function list(layer, query) {
  let found = current(layer, query.get("as_of"));
  for (const field of Object.keys(words)) {
    const wanted = query.get(field)?.split(",");
    if (wanted) found = found.filter(([, v]) => wanted.includes(v[field] ?? "none"));
  }
  const q = query.get("q")?.toLowerCase();
  if (q) found = found.filter(([, v]) => [v.code, v.name, v.address].some((text) => text?.toLowerCase().includes(q)));
  const bbox = query.get("bbox")?.split(",").map(Number);
  if (bbox) found = found.filter(([, v]) => v.bbox[0] <= bbox[2] && v.bbox[2] >= bbox[0] && v.bbox[1] <= bbox[3] && v.bbox[3] >= bbox[1]);
  const sort = query.get("sort") ?? "code";
  const field = sort.replace(/^-/, "");
  found.sort(([, a], [, b]) => (a[field] < b[field] ? -1 : a[field] > b[field] ? 1 : 0) * (sort.startsWith("-") ? -1 : 1));
  return page(found.map((one) => present(one, false)), query);
}
function page(items, query) {
  const from = Number(query.get("cursor") ?? 0);
  const limit = Number(query.get("limit") ?? 50);
  const next = new URLSearchParams(query);
  next.set("cursor", String(from + limit));
  return { items: items.slice(from, from + limit), next: from + limit < items.length ? `?${next}` : null, total: query.get("count") ? items.length : null };
}

async function startImport(form) {
  const id = randomUUID();
  const file = form.get("file");
  const job = { id, file_name: file.name, layer: form.get("layer"), state: "reading", started_at: new Date().toISOString(), progress: { bytes_read: 0, bytes_total: file.size, rows: 0, rate_rows_per_s: 0, seconds_left: null }, problem: null, report: null, rows: [] };
  imports.set(id, job);
  const fail = (problem) => Object.assign(job, { state: "failed", problem: { status: 422, ...problem } });
  let parsed;
  try {
    parsed = JSON.parse(await file.text());
  } catch (error) {
    fail({ type: "/problems/unreadable-file", title: "File can't be read", detail: String(error.message) });
    return job;
  }
  if (file.name.includes("nocrs") && !form.get("crs")) {
    fail({ type: "urn:yice:problem:file_refused", title: "The file can't be used", detail: "数据没有声明坐标系 / the data declare no coordinate system", field: "crs", code: "crs_missing", remedy: "请指明坐标系，例如 EPSG:4490。 / Name it, for example EPSG:4490." });
    return job;
  }
  const features = parsed.features;
  const outcomes = [];
  const seen = new Map();
  const validFrom = form.get("valid_from") || today;
  let i = 0;
  const step = () => {
    if (job.state === "cancelled") return;
    const until = Math.min(i + Math.ceil(features.length / 8), features.length);
    for (; i < until; i++) {
      const feature = features[i];
      const row = i + 1;
      const key = String(feature.properties?.ML ?? feature.id ?? feature.properties?.id ?? row);
      if (feature.geometry === null || seen.has(key)) {
        const reason = feature.geometry === null ? { code: "no_geometry", zh: "没有几何图形", en: "no geometry" } : { code: "duplicate_key", zh: `与第 ${seen.get(key)} 行的键重复`, en: `same key as row ${seen.get(key)}` };
        outcomes.push({ row, source_key: key, outcome: "quarantined", reason, warnings: [], asset: null, geometry: feature.geometry, original: null });
        continue;
      }
      seen.set(key, row);
      const one = candidate(job.layer, row, feature, form.get("dataset") || file.name);
      if (file.name.includes("knotted") || (i % 500 === 7 && feature.geometry.type === "MultiPolygon")) one.repaired = { reason: "self_intersection", original: feature.geometry, area_before_m2: one.area_m2 + 0.4, area_after_m2: one.area_m2 };
      const [outcome, asset] = form.get("dry_run") === "true" ? [layers[job.layer].has(key) ? "unchanged" : "inserted", null] : write(job.layer, one, validFrom, row);
      outcomes.push({ row, source_key: key, outcome, reason: null, warnings: [], asset: asset && { id: asset.id }, geometry: feature.geometry, original: one.repaired?.original ?? null });
    }
    job.progress = { bytes_read: Math.round((i / features.length) * file.size), bytes_total: file.size, rows: i, rate_rows_per_s: features.length / 4, seconds_left: ((features.length - i) / features.length) * 4 };
    if (i < features.length) return void setTimeout(step, 500);
    position += 1;
    job.rows = outcomes;
    const count = (outcome) => outcomes.filter((one) => one.outcome === outcome).length;
    const boxes = outcomes.filter((one) => one.geometry).map((one) => bboxOf(one.geometry));
    job.report = {
      format: "GeoJSON", encoding: "UTF-8", crs: { declared: "OGC:CRS84", used: form.get("crs") || "OGC:CRS84" }, dataset: form.get("dataset") || file.name, valid_from: validFrom,
      counts: { read: features.length, inserted: count("inserted"), unchanged: count("unchanged"), new_version: count("new_version"), quarantined: count("quarantined") },
      repaired: outcomes.filter((one) => one.original).length, missing: 0, closed: 0, warnings: { no_source_key: 3 }, mapping: { code: "ML", address: "Location" },
      bbox: boxes.reduce(([w, s, e, n], b) => [Math.min(w, b[0]), Math.min(s, b[1]), Math.max(e, b[2]), Math.max(n, b[3])], [180, 90, -180, -90]), dry_run: form.get("dry_run") === "true", words: { no_source_key: ["没有编号", "no key"] },
    };
    job.state = "done";
  };
  setTimeout(step, 300);
  return job;
}

const withoutRows = ({ rows: _rows, ...job }) => job;
function totals(asOf) {
  const answer = { units: { count: 1 }, rooms: { count: 0 }, floor_area: { area_m2: 0, registered: 0, outlines: 0 } };
  for (const layer of Object.keys(layers)) {
    const sum = { count: 0, area_m2: 0, title_status: {}, usage: {}, occupancy: {} };
    for (const [, v] of current(layer, asOf)) {
      sum.count += 1;
      sum.area_m2 += v.area_m2;
      for (const field of Object.keys(words)) {
        const cell = (sum[field][v[field] ?? "none"] ??= { count: 0, area_m2: 0 });
        cell.count += 1;
        cell.area_m2 += v.area_m2;
      }
    }
    answer[layer] = sum;
  }
  return answer;
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://mock");
  const query = url.searchParams;
  const asOf = query.get("as_of");
  const json = (body, status = 200, headers = {}) => response.writeHead(status, { "content-type": status >= 400 ? "application/problem+json" : "application/json", ...headers }).end(JSON.stringify(body));
  const problem = (status, title, detail) => json({ type: "/problems/mock", title, status, detail }, status);
  try {
    const parts = url.pathname.split("/").filter(Boolean).map(decodeURIComponent);
    if (url.pathname === "/healthz") return response.writeHead(200).end("ok");
    if (url.pathname === "/readyz") return Date.now() - started < Number(process.env.MOCK_LOADING_MS ?? 0) ? json({ ready: false, stages: [{ name: "database", done: 1, total: 1 }, { name: "index:parcels", done: Math.round((Date.now() - started) / 3), total: 13159 }] }, 503) : json({ ready: true, stages: [] });
    if (url.pathname === "/api/v1/session") {
      const permissions = ["read_registry", "export_registry", "edit_assets", "edit_directory", "read_imports", "import_files"];
      const grants = [{ id: "1", role: "asset_manager", region_code: "all", level: null, unit_id: null, since: "2026-01-01", until: null, granted_by: "mock" }];
      return json({ person_id: "1", username: "mock", display_name: "Mock", must_change_password: false, grants, permissions, permissions_everywhere: permissions, expires_at: null, idle_s: null });
    }
    if (parts[0] === "tiles") {
      const names = parts[1].split(",");
      if (parts.length === 2) return json({ tilejson: "3.0.0", tiles: [`/tiles/${parts[1]}/{z}/{x}/{y}`], minzoom: 0, maxzoom: 18, vector_layers: names.map((id) => ({ id, fields: {} })) });
      const [z, x, y] = parts.slice(2).map((part) => parseInt(part, 10));
      const answer = {};
      for (const name of names) {
        if (layers[name].size === 0) continue;
        if (z < 13) answer[`${name}_totals`] = totalsTile(name, z, x, y, asOf);
        else {
          const tile = tileOf(name, asOf).index.getTile(z, x, y);
          if (tile) answer[name] = tile;
        }
      }
      const bytes = gzipSync(fromGeojsonVt(answer, { version: 2, extent: 4096 }));
      return Object.values(answer).every((one) => one.features.length === 0) ? response.writeHead(204).end() : response.writeHead(200, { "content-type": "application/vnd.mapbox-vector-tile", "content-encoding": "gzip", "cache-control": "no-cache" }).end(bytes);
    }
    if (parts[0] === "api") {
      const [, , noun, id, sub] = parts;
      if (noun === "map") {
        const all = current("parcels").map(([, v]) => v.bbox);
        const bounds = all.length ? all.reduce(([w, s, e, n], b) => [Math.min(w, b[0]), Math.min(s, b[1]), Math.max(e, b[2]), Math.max(n, b[3])], [180, 90, -180, -90]) : null;
        return json({ center: [119.95, 31.78], zoom: 8, bounds, credits: [{ text: "City of Cambridge (PDDL)", href: null }], base_map: { kind: "bundled" }, datasets: [{ name: "cambridge-parcels", licence: "PDDL 1.0", credit: "City of Cambridge, Massachusetts" }], today, ready: true });
      }
      if (noun === "totals") return json(totals(asOf));
      if (noun === "ledger") return json({ tree_size: position, root_hash: String(position), signed_at: null });
      if (noun === "search") {
        const q = (query.get("q") ?? "").toLowerCase();
        const items = [];
        for (const layer of Object.keys(layers)) for (const [asset, v] of current(layer, asOf)) {
          const matched = ["code", "name", "address"].find((field) => v[field]?.toLowerCase().includes(q));
          if (matched && items.length < Number(query.get("limit") ?? 10)) items.push({ layer, id: asset.id, code: v.code, name: v.name, address: v.address, matched, bbox: v.bbox, point: [(v.bbox[0] + v.bbox[2]) / 2, (v.bbox[1] + v.bbox[3]) / 2] });
        }
        return json({ items });
      }
      if (noun === "imports" && request.method === "POST") {
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        const form = await new Response(Buffer.concat(chunks), { headers: { "content-type": request.headers["content-type"] } }).formData();
        const job = await startImport(form);
        return json({ id: job.id }, 202, { location: `/api/v1/imports/${job.id}` });
      }
      if (noun === "imports") {
        if (id === undefined) return json({ items: [...imports.values()].reverse().map(withoutRows).map((job) => ({ ...job, report: null })), next: null });
        const job = imports.get(id);
        if (!job) return problem(404, "No such import", id);
        if (request.method === "DELETE") return Object.assign(job, { state: "cancelled" }), response.writeHead(204).end();
        if (sub === "rows") return json(page(job.rows.filter((one) => (query.get("outcome") === "repaired" ? one.original : one.outcome === query.get("outcome"))), query));
        if (sub === "report.csv") return response.writeHead(200, { "content-type": "text/csv" }).end("row,outcome\n" + job.rows.map((one) => `${one.row},${one.outcome}`).join("\n"));
        return json(withoutRows(job));
      }
      if (layers[noun]) {
        if (id === undefined) return json(list(noun, query));
        const asset = byId.get(id);
        if (!asset) return problem(404, "No such asset", id);
        if (sub === "versions") return json({ items: asset.versions.toReversed().map((v) => ({ ...present([asset, v], false), ledger_seq: v.ledger_seq, changed: v.changed, reason: v.version === 1 ? null : "import", actor: "local" })) });
        const version = at(asset, asOf ?? today);
        return version ? json(present([asset, version], true), 200, { etag: `"${version.version}"` }) : problem(404, "Not valid at this date", id);
      }
      return problem(404, "Not found", url.pathname);
    }
    const file = join(dist, normalize(url.pathname));
    const served = extname(file) && existsSync(file) ? file : extname(file) ? null : join(dist, "index.html");
    if (served === null) return response.writeHead(404).end();
    const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".geojson": "application/geo+json", ".pbf": "application/x-protobuf" };
    response.writeHead(200, { "content-type": types[extname(served)] ?? "application/octet-stream", "content-security-policy": "default-src 'self'; script-src 'self'; worker-src 'self' blob:; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; connect-src 'self'; font-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'" }).end(readFileSync(served));
  } catch (error) {
    problem(500, "The mock failed", String(error.stack));
  }
});

for (const given of argumentsGiven.filter((one) => one.includes("="))) {
  const [layer, path] = given.split("=");
  JSON.parse(readFileSync(path, "utf8")).features.forEach((feature, i) => {
    if (feature.geometry !== null && !layers[layer].has(String(feature.properties.ML ?? feature.properties.id ?? i + 1))) write(layer, candidate(layer, i + 1, feature, path.split("/").at(-1)), "2012-07-01", i + 1);
  });
}
server.listen(port, "127.0.0.1", () => console.log(`mock server on http://127.0.0.1:${port}`));
