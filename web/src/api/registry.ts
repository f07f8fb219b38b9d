// Every address of the server that the page uses, one function each.
import { getFresh, getJson, ProblemError, send, withQuery } from "@/api/http";
import type {
  Asset,
  AssetRow,
  AssetVersion,
  Check,
  Finding,
  FindingDecision,
  CaseVersion,
  Dictionaries,
  ImportJob,
  ImportRequest,
  ImportRow,
  MapSettings,
  Page,
  Readiness,
  Right,
  Rule,
  SavedMapping,
  SearchHit,
  TileJson,
  Title,
  TitleCase,
  TitleCaseBatch,
  TitleCaseBatchOutcome,
  TitleCaseRow,
  TitleRow,
  UnificationTotal,
  Encumbrance,
  TitleVersion,
  Totals,
  UnitCodeCheck,
  Workflow,
  ValueWord,
} from "@/api/types";
import { hasOutlines, isListLayer, type ExportFormat, type ExportLabels, type ImportLayer, type ImportOutcome, type LayerName, type Theme } from "@/vocabulary";

/** The two dates of a reading; null means now. */
export type Moment = { asOf: string | null; knownAt: string | null };

const moment = ({ asOf, knownAt }: Moment) => ({ as_of: asOf, known_at: knownAt });

export function fetchMapSettings(): Promise<MapSettings> {
  return getJson("/api/v1/map");
}

export function fetchTileJson(layers: readonly LayerName[]): Promise<TileJson> {
  return getJson(`/tiles/${layers.join(",")}`);
}

/** How far the server is with loading. It answers 503 with the same body while it isn't ready. */
export async function fetchReadiness(): Promise<Readiness> {
  const response = await fetch("/readyz", { headers: { accept: "application/json" }, cache: "no-store" });
  if (response.status !== 200 && response.status !== 503) throw new Error(`unexpected status ${response.status}`);
  const text = await response.text();
  try {
    const body = JSON.parse(text) as Partial<Readiness>;
    return { ready: response.status === 200, stages: body.stages ?? [] };
  } catch {
    return { ready: response.status === 200, stages: [] };
  }
}

export function fetchTotals(at: Moment, signal?: AbortSignal): Promise<Totals> {
  return getJson(withQuery("/api/v1/totals", moment(at)), signal);
}

export function fetchAsset(layer: LayerName, id: string, at: Moment, signal?: AbortSignal): Promise<Asset> {
  return getJson(withQuery(`/api/v1/${layer}/${encodeURIComponent(id)}`, moment(at)), signal);
}

export async function fetchVersions(layer: LayerName, id: string, signal?: AbortSignal): Promise<AssetVersion[]> {
  const page = await getJson<Page<AssetVersion>>(`/api/v1/${layer}/${encodeURIComponent(id)}/versions`, signal);
  return page.items;
}

export async function search(text: string, at: Moment, signal?: AbortSignal): Promise<SearchHit[]> {
  const page = await getJson<Page<SearchHit>>(withQuery("/api/v1/search", { q: text, limit: 12, ...moment(at) }), signal);
  return page.items;
}

export type AssetQuery = Moment & {
  q: string;
  filter: Partial<Record<Theme, string[]>>;
  bbox: string | null;
  sort: string;
  limit: number;
};

/** What narrows a list; filters are comma-separated words, `none` for what nobody has filled in. */
function narrowing(query: AssetQuery): Record<string, string | null | undefined> {
  const filters = Object.fromEntries(Object.entries(query.filter).map(([field, values]) => [field, values?.join(",")]));
  return { ...moment(query), q: query.q, bbox: query.bbox, sort: query.sort, ...filters };
}

/** The address of a list. */
export function assetListAddress(layer: LayerName, query: AssetQuery): string {
  return withQuery(`/api/v1/${layer}`, { ...narrowing(query), limit: query.limit, count: true });
}

export type ExportOptions = { format: ExportFormat; crs: string; labels: ExportLabels };

/** The address of the file with all rows of a list. */
export function exportAddress(layer: LayerName, query: AssetQuery, options: ExportOptions): string {
  return withQuery(`/api/v1/${layer}/export`, { ...narrowing(query), ...options });
}

export type ExportedFile = { content: Blob; names: { full: string; ascii: string }; rows: number; warnings: { code: string; count: number }[] };

/** `field_name_cut=3, text_cut=1` as the server counts what a format can't hold. */
export function exportWarningsOf(text: string): ExportedFile["warnings"] {
  return text
    .split(",")
    .map((part) => part.trim().split("="))
    .flatMap(([code = "", count = ""]) => (code === "" ? [] : [{ code, count: Number(count) }]));
}

/** The names a file is offered under: in UTF-8 and in ASCII, as RFC 6266 has them. */
export function offeredNames(disposition: string): { full: string; ascii: string } {
  const [, ascii = "export"] = /filename="([^"]+)"/.exec(disposition) ?? [];
  const [, encoded] = /filename\*=UTF-8''([^;]+)/.exec(disposition) ?? [];
  return { full: encoded === undefined ? ascii : decodeURIComponent(encoded), ascii };
}

export async function fetchExport(address: string, signal: AbortSignal): Promise<ExportedFile> {
  const response = await send(address, { signal, cache: "no-store" });
  return {
    content: await response.blob(),
    names: offeredNames(response.headers.get("content-disposition") ?? ""),
    rows: Number(response.headers.get("yice-rows") ?? 0),
    warnings: exportWarningsOf(response.headers.get("yice-warnings") ?? ""),
  };
}

export function fetchAssetList(address: string, signal?: AbortSignal): Promise<Page<AssetRow>> {
  return getJson(address, signal);
}

/** The address of the rights that lists tell of in a parcel or building. */
export function rightListAddress(layer: LayerName, id: string, at: Moment, limit: number): string {
  return withQuery(`/api/v1/${layer}/${encodeURIComponent(id)}/rights`, { ...moment(at), limit, count: true });
}

export function fetchRightList(address: string, signal?: AbortSignal): Promise<Page<Right>> {
  return getJson(address, signal);
}

export function fetchDictionaries(): Promise<Dictionaries> {
  return getJson("/api/v1/dictionaries");
}

export function fetchTitleWorkflow(): Promise<Workflow> {
  return getJson("/api/v1/workflows/title_case");
}

/** The ids of the titles that cover an asset. */
export async function fetchTitlesOf(asset: string, at: Moment, signal?: AbortSignal): Promise<Title[]> {
  const page = await getJson<Page<{ id: string }>>(withQuery("/api/v1/titles", { asset, ...moment(at) }), signal);
  return Promise.all(page.items.map(({ id }) => getFresh<Title>(withQuery(`/api/v1/titles/${id}`, moment(at)), signal)));
}

export function fetchTitle(id: string): Promise<Title> {
  return getFresh(`/api/v1/titles/${encodeURIComponent(id)}`);
}

export async function fetchTitleVersions(id: string): Promise<TitleVersion[]> {
  return (await getJson<Page<TitleVersion>>(`/api/v1/titles/${encodeURIComponent(id)}/versions`)).items;
}

export function checkUnitCode(code: string, signal?: AbortSignal): Promise<UnitCodeCheck> {
  return getJson(`/api/v1/unit-codes/${encodeURIComponent(code)}`, signal);
}

/** What the queue of cases may be narrowed by. */
export type CaseFilter = { asset?: string; q?: string; state?: string; policy_action?: string; registration_type?: string; opened_by?: string; overdue?: boolean };

/** The queue of cases that aren't archived, what is due first before the others. */
export function fetchTitleCases(filter: CaseFilter, signal?: AbortSignal): Promise<Page<TitleCaseRow>> {
  return getJson(withQuery("/api/v1/title-cases", { ...filter, sort: "due", limit: 200, count: true }), signal);
}

export function fetchTitleTotals(at: Moment, signal?: AbortSignal): Promise<UnificationTotal[]> {
  return getJson(withQuery("/api/v1/title-totals", moment(at)), signal);
}

/** The book's current titles. */
export function fetchTitleList(filter: { q?: string; unification?: string }, at: Moment, signal?: AbortSignal): Promise<Page<TitleRow>> {
  return getJson(withQuery("/api/v1/titles", { ...filter, book_state: "1", ...moment(at), sort: "cert_no", limit: 100, count: true }), signal);
}

const json = { "content-type": "application/json" };

/** Brings a title that the registry has recorded into the book. The key stays the same while one form is sent again. */
export async function registerTitle(statement: object, key: string): Promise<string> {
  const response = await send("/api/v1/titles", { method: "POST", headers: { ...json, "idempotency-key": key }, body: JSON.stringify(statement) });
  return ((await response.json()) as { id: string }).id;
}

export async function correctTitle(held: Title, change: object): Promise<void> {
  await send(`/api/v1/titles/${held.id}`, { method: "PATCH", headers: { ...json, "if-match": `"${held.version_id}"` }, body: JSON.stringify(change) });
}

export async function endTitle(held: Title, end: object): Promise<void> {
  await send(`/api/v1/titles/${held.id}/closures`, { method: "POST", headers: { ...json, "if-match": `"${held.version_id}"` }, body: JSON.stringify(end) });
}

export async function encumberTitle(title: string, statement: object, key: string): Promise<void> {
  await send(`/api/v1/titles/${title}/encumbrances`, { method: "POST", headers: { ...json, "idempotency-key": key }, body: JSON.stringify(statement) });
}

export async function releaseEncumbrance(held: Encumbrance, release: object): Promise<void> {
  await send(`/api/v1/encumbrances/${held.id}/closures`, { method: "POST", headers: { ...json, "if-match": `"${held.version_id}"` }, body: JSON.stringify(release) });
}

export function fetchTitleCase(id: string, signal?: AbortSignal): Promise<TitleCase> {
  return getFresh(`/api/v1/title-cases/${encodeURIComponent(id)}`, signal);
}

export async function fetchCaseVersions(id: string): Promise<CaseVersion[]> {
  return (await getJson<Page<CaseVersion>>(`/api/v1/title-cases/${encodeURIComponent(id)}/versions`)).items;
}

export async function openTitleCase(asset: string, title: string | null, unitCode: string | null, policy: string | null = null): Promise<string> {
  const response = await send("/api/v1/title-cases", {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify({ asset_id: asset, title_id: title, unit_code: unitCode, ...(policy === null ? {} : { policy_action: policy }) }),
  });
  return ((await response.json()) as { id: string }).id;
}

/** For which of many assets a case can be opened, and what stands in the way of the others. */
export async function previewTitleCases(batch: TitleCaseBatch, signal?: AbortSignal): Promise<TitleCaseBatchOutcome> {
  const response = await send("/api/v1/title-case-previews", { method: "POST", headers: json, body: JSON.stringify(batch), signal: signal ?? null });
  return (await response.json()) as TitleCaseBatchOutcome;
}

/** Opens cases for those that can have one. The key stays the same while one form is sent again. */
export async function openTitleCases(batch: TitleCaseBatch, key: string): Promise<TitleCaseBatchOutcome> {
  const response = await send("/api/v1/title-case-batches", { method: "POST", headers: { ...json, "idempotency-key": key }, body: JSON.stringify(batch) });
  return (await response.json()) as TitleCaseBatchOutcome;
}

/** Works on the papers of a case as it was read. */
export async function workOnTitleCase(held: TitleCase, papers: object): Promise<TitleCase> {
  const response = await send(`/api/v1/title-cases/${held.id}`, {
    method: "PATCH",
    headers: { "content-type": "application/json", "if-match": `"${held.version_id}"` },
    body: JSON.stringify(papers),
  });
  return (await response.json()) as TitleCase;
}

/** Takes a case as it was read one step further. */
export async function stepTitleCase(held: TitleCase, step: object): Promise<TitleCase> {
  const response = await send(`/api/v1/title-cases/${held.id}/transitions`, {
    method: "POST",
    headers: { "content-type": "application/json", "if-match": `"${held.version_id}"` },
    body: JSON.stringify(step),
  });
  return (await response.json()) as TitleCase;
}

export function fetchImports(): Promise<Page<ImportJob>> {
  return getJson("/api/v1/imports");
}

export function fetchImport(id: string): Promise<ImportJob> {
  return getJson(`/api/v1/imports/${encodeURIComponent(id)}`);
}

/** Words for values as the server reads them, by field; what is half said is left out. */
export function valuesToSend(words: ValueWord[]): Record<string, Record<string, string>> | null {
  const said: Record<string, Record<string, string>> = {};
  for (const { target, word, value } of words) {
    if (target === "" || word.trim() === "" || value.trim() === "") continue;
    said[target] = { ...said[target], [word.trim()]: value.trim() };
  }
  return Object.keys(said).length === 0 ? null : said;
}

export async function startImport(request: ImportRequest): Promise<string> {
  const form = new FormData();
  // Settings go before the file, so that the server knows them when the bytes arrive.
  form.set("layer", request.layer);
  const isList = isListLayer(request.layer);
  const ofShapes = ["crs", "datum_parameters", "control_points", "parameters_to", "parameters_from", "region"] as const;
  for (const name of [...(isList ? [] : ofShapes), "encoding", "dataset", "valid_from"] as const) {
    if (request[name] !== "") form.set(name, request[name]);
  }
  for (const [name, value] of Object.entries(request.table)) {
    // A list has no shape to look for, whatever was filled in for another layer.
    if (value.trim() !== "" && !(isList && name.endsWith("_column"))) form.set(name, value.trim());
  }
  for (const { target, source } of request.map) {
    if (target !== "" && source !== "") form.append("map", `${target}=${source}`);
  }
  const values = valuesToSend(request.values);
  if (values !== null) form.set("values", JSON.stringify(values));
  if (request.without_shapes && hasOutlines(request.layer)) form.set("without_shapes", "true");
  if (request.layer === "titles") {
    form.set("asset_by", request.asset_by);
    if (request.of !== "") form.set("of", request.of);
  }
  if (request.swap_axes && !isList) form.set("swap_axes", "true");
  if (request.close_missing) form.set("close_missing", "true");
  if (request.number_duplicates) form.set("duplicate_keys", "number");
  if (request.same_shape_95 && !isList) form.set("same_shape", "0.95");
  if (request.mapped_attributes_only) form.set("compare_attributes", "mapped");
  if (request.dry_run) form.set("dry_run", "true");
  form.set("file", request.file, request.file.name);
  const response = await send("/api/v1/imports", { method: "POST", body: form });
  const { id } = (await response.json()) as { id: string };
  return id;
}

export async function cancelImport(id: string): Promise<void> {
  await send(`/api/v1/imports/${encodeURIComponent(id)}`, { method: "DELETE" });
}

export function importRowsAddress(id: string, outcome: ImportOutcome, limit: number): string {
  return withQuery(`/api/v1/imports/${encodeURIComponent(id)}/rows`, { outcome, limit });
}

export function fetchImportRows(address: string, signal?: AbortSignal): Promise<Page<ImportRow>> {
  return getJson(address, signal);
}

export function importCsvAddress(id: string): string {
  return `/api/v1/imports/${encodeURIComponent(id)}/report.csv`;
}

/** The workbook that was brought, with every fault marked in its cell. */
export function importMarkedAddress(id: string): string {
  return `/api/v1/imports/${encodeURIComponent(id)}/marked.xlsx`;
}

/** A workbook of a layer to be filled in. */
export function importTemplateAddress(layer: ImportLayer): string {
  return `/api/v1/imports/templates/${layer}.xlsx`;
}

export async function fetchMappings(layer: ImportLayer): Promise<SavedMapping[]> {
  const page = await getJson<Page<SavedMapping>>(`/api/v1/import-mappings/${layer}`);
  return page.items;
}

/** Saves a mapping under a name; `seen` is the version that was read, where there is one. */
export async function saveMapping(layer: ImportLayer, name: string, map: Record<string, string>, seen: string | null): Promise<void> {
  await send(`/api/v1/import-mappings/${layer}/${encodeURIComponent(name)}`, {
    method: "PUT",
    headers: { "content-type": "application/json", ...(seen === null ? {} : { "if-match": `"${seen}"` }) },
    body: JSON.stringify({ map }),
  });
}

/** Regions whose name or code holds a text. */
export async function searchRegions(text: string): Promise<{ code: string; name: string | null }[]> {
  const page = await getJson<Page<{ code: string; name: string | null }>>(withQuery("/api/v1/regions", { q: text.trim(), limit: 12 }));
  return page.items;
}

export function importJsonAddress(id: string): string {
  return `/api/v1/imports/${encodeURIComponent(id)}`;
}

export function fetchRules(): Promise<Rule[]> {
  return getJson("/api/v1/rules");
}

export type FindingQuery = { rule?: string; state?: string; severity?: string; object?: string; limit: number };

/** The address of a list of findings. */
export function findingListAddress(query: FindingQuery): string {
  return withQuery("/api/v1/findings", { ...query, count: true });
}

export function fetchFindings(address: string, signal?: AbortSignal): Promise<Page<Finding>> {
  return getJson(address, signal);
}

/** Sends what was decided about the finding as it was read. */
export async function decideFinding(finding: Finding, decision: FindingDecision): Promise<Finding> {
  const response = await send(`/api/v1/findings/${encodeURIComponent(finding.id)}`, {
    method: "PATCH",
    headers: { "content-type": "application/json", "if-match": `"${finding.revision}"` },
    body: JSON.stringify(decision),
  });
  return (await response.json()) as Finding;
}

/** The latest check of everything, where there was one. */
export async function fetchLatestCheck(): Promise<Check | null> {
  try {
    return await getJson<Check>("/api/v1/checks");
  } catch (error) {
    if (error instanceof ProblemError && error.problem.status === 404) return null;
    throw error;
  }
}

export async function startCheck(): Promise<Check> {
  const response = await send("/api/v1/checks", {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: "{}",
  });
  return (await response.json()) as Check;
}

/** A text that changes whenever the ledger grows; used to notice what others have changed. */
export async function fetchLedgerMark(): Promise<string> {
  return JSON.stringify(await getJson<unknown>("/api/v1/ledger/head"));
}
