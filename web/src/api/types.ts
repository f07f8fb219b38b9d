// The answers of the server, by hand in the shapes of its contract. They are meant to be replaced by what
// openapi-typescript makes from /openapi.json; nothing else in the page describes an answer.
import type { Plan } from "@/api/lineage";
import type { Geometry } from "geojson";
import type { AssetKey, FieldTheme, ImportLayer, ImportOutcome, LayerName } from "@/vocabulary";

export type BoundingBox = [west: number, south: number, east: number, north: number];

/** RFC 9457, with the field at fault and what to do about it. */
export type Problem = {
  type: string;
  title: string;
  status: number;
  detail?: string;
  field?: string | null;
  remedy?: string | null;
  code?: string | null;
  /** The rule that is kept by refusing, where the law says so, and the values it compared. */
  rule?: { id: string; source: string; evidence: Record<string, unknown> } | null;
  /** How long to wait before trying again, seconds. */
  retry_after_s?: number | null;
  /** Ways out, the likeliest first. */
  offers?: Offer[] | null;
};

/** Settings that would make a refused file fit, and why. */
export type Offer = { set: { crs?: string; swap_axes?: string }; arguments: string; zh: string; en: string };

export type Page<Item> = { items: Item[]; next: string | null; total?: number | null };

/** What an asset is called and how it stands, the same in lists, versions and the asset itself. */
type AssetContent = {
  code: string | null;
  name: string | null;
  address: string | null;
  title_status: string | null;
  usage: string | null;
  occupancy: string | null;
  area_m2: number | null;
  registered_area_m2: number | null;
};

/** When a version is true in law and when it was known. */
type Periods = { valid_from: string; valid_to: string | null; recorded_from: string; recorded_to: string | null };

/** A row of a list. */
export type AssetRow = AssetContent & {
  id: string;
  feature_id: number;
  region_code: string | null;
  unit_id: string | null;
  unit_name: string | null;
  /** The open case about it and its state, as `idle_disposal.approved`, and the phase that it is at. */
  case_stage: string | null;
  case_phase: string | null;
  bbox: BoundingBox | null;
};

export type RelatedObject = { id: string; code: string | null; name: string | null };

export type Repair = { reason: string; original: Geometry | null; area_before_m2: number | null; area_after_m2: number | null };

export type Asset = AssetContent &
  Periods & {
  id: string;
  feature_id: number;
  layer: LayerName;
  region: { code: string; name: string | null; name_en?: string | null } | null;
  unit: { id: string; code: string | null; name: string | null } | null;
  admin_level?: string | null;
  secrecy?: string | null;
  idle_since: string | null;
  gk_zone: { central_meridian: number; epsg: number | null } | null;
  unit_code?: string | null;
  land_use_scheme?: string | null;
  land_use_code?: string | null;
  floors_above?: number | null;
  floors_below?: number | null;
  structure?: string | null;
  completed_year?: number | null;
  version_id: string;
  bbox: BoundingBox | null;
  source: { dataset: string | null; key: string | null; row: number | null; attributes: Record<string, unknown> | null } | null;
  repaired: Repair | null;
  geometry: Geometry | null;
  sites?: RelatedObject[] | null;
  parcels?: RelatedObject[] | null;
  buildings?: RelatedObject[] | null;
};

export type AssetVersion = AssetContent &
  Periods & {
  version_id: string;
  ledger_seq: number | null;
  changed: string[] | null;
  reason: string | null;
  actor: string | null;
};

export type SearchHit = {
  layer: LayerName | "units" | "rooms" | "regions";
  id: string;
  code: string | null;
  name: string | null;
  address: string | null;
  matched: "code" | "name" | "address";
  bbox: BoundingBox | null;
  point: [longitude: number, latitude: number] | null;
};

export type CountAndArea = { count: number; area_m2: number };
export type LayerTotals = CountAndArea & Partial<Record<FieldTheme, Record<string, CountAndArea>>>;
/** Registered floor area of all buildings; an outline's area stands in where none is registered. */
export type FloorArea = { area_m2: number; registered: number; outlines: number };
export type Totals = Partial<Record<LayerName, LayerTotals>> & { units?: { count: number }; rooms?: { count: number }; floor_area?: FloorArea };

export type MapSettings = {
  center: [longitude: number, latitude: number];
  zoom: number;
  bounds: BoundingBox | null;
  credits: { text: string; href?: string | null }[];
  base_map: { kind: "bundled" } | { kind: "raster"; tiles: string[]; attribution?: string | null };
  datasets: { name: string; title?: string | null; licence: string | null; credit: string | null; made_up?: boolean }[];
  today: string;
  ready: boolean;
};

export type TileJson = { tiles: string[]; minzoom?: number; maxzoom?: number };

export type Readiness = { ready: boolean; stages?: { name: string; percent: number }[] };

export type ImportCounts = { read: number; inserted: number; unchanged: number; new_version: number; quarantined: number };

export type ImportReport = {
  format: string;
  encoding: string | null;
  crs: { declared: string | null; used: string | null };
  dataset: string;
  valid_from: string;
  counts: ImportCounts;
  repaired: number;
  missing: number;
  closed: number;
  reasons?: Record<string, number>;
  warnings: Record<string, number>;
  /** Words for the codes of reasons and warnings: Chinese, English. */
  words?: Record<string, [zh: string, en: string]>;
  mapping: Record<string, string>;
  bbox: BoundingBox | null;
  dry_run?: boolean;
  seconds?: number;
};

export type ImportJob = {
  id: string;
  file_name: string;
  layer: ImportLayer;
  state: "reading" | "writing" | "done" | "failed" | "cancelled";
  progress: {
    bytes_read: number;
    bytes_total: number | null;
    rows: number;
    rate_rows_per_s: number | null;
    seconds_left: number | null;
  } | null;
  problem: Problem | null;
  report: ImportReport | null;
  started_at?: string | null;
  dry_run?: boolean;
  /** Its workbook can be had with every fault marked in its cell. */
  has_marked_file?: boolean;
};

/** Our field and the column of a file. */
export type FieldPair = { target: string; source: string };

/** A word of a file, and the value of a field of ours that it stands for. */
export type ValueWord = { target: string; word: string; value: string };

export type SavedMapping = { layer: ImportLayer; name: string; map: Record<string, string>; version_id: string };

/** Where header and shapes stand in a table; empty for what is to be found by itself. */
export type TableOptions = { member: string; header_row: string; shape_column: string; x_column: string; y_column: string };

export type ImportReason = { code: string; zh: string; en: string };

export type ImportRow = {
  row: number | null;
  source_key: string | null;
  outcome: ImportOutcome;
  repaired?: boolean;
  reason: ImportReason | null;
  warnings: ImportReason[] | null;
  asset: { id: string } | null;
  geometry: Geometry | null;
  original: Geometry | null;
};

/** A right in a parcel or building, as a list tells it. */
export type Right = {
  id: string;
  holder: string | null;
  part: string | null;
  address: string | null;
  certificate: string | null;
  stated_use: string | null;
  usage: string | null;
  registered_area_m2: number | null;
  dataset: string;
  source_key: string;
};

export type Bilingual = { zh: string; en: string };
export type Severity = "error" | "warning" | "information";
export type FindingState = "new" | "in_progress" | "excepted" | "resolved";

/** A region's own value of what rules compare with. */
export type RegionValue = {
  id: string;
  version_id: string;
  name: string;
  /** Empty: everywhere. */
  region_code: string;
  value: number;
  source: string;
  valid_from: string;
};

/** What rules compare with. */
export type RuleParameter = {
  name: string;
  default: number;
  unit: string;
  least: number;
  most: number | null;
  zh: string;
  en: string;
  rules: string[];
  of_regions: RegionValue[];
};

/** A rule of the checks, and how many findings it has in each state. */
export type Rule = {
  id: string;
  severity: Severity;
  /** What breaks it is refused at the door. */
  blocks: boolean;
  title: Bilingual;
  remedy: Bilingual;
  source: string;
  subject: string;
  parameters: { name: string; value: number; unit: string; zh: string; en: string; of_regions: RegionValue[] }[];
  findings: Record<FindingState, number>;
};

/** What a rule found at fault. */
export type Finding = {
  id: string;
  rule: string;
  severity: Severity | null;
  title: Bilingual | null;
  says: Bilingual | null;
  object_kind: string;
  object_id: string;
  object_code: string | null;
  object_name: string | null;
  other_id: string | null;
  other_code: string | null;
  at_id: string | null;
  at_kind: "parcel" | "building" | "site" | null;
  lon: number | null;
  lat: number | null;
  state: FindingState;
  first_seen: string;
  resolved_at: string | null;
  owner: string | null;
  deadline: string | null;
  exception_reason: string | null;
  exception_by: string | null;
  exception_until: string | null;
  revision: number;
};

export type FindingDecision = {
  state?: FindingState;
  owner?: string | null;
  deadline?: string | null;
  until?: string;
  reason?: string;
};

/** A check of everything. */
export type Check = {
  id: string;
  actor: string;
  day: string;
  started_at: string;
  finished_at: string | null;
  state: "running" | "done" | "failed" | "interrupted";
  rules: string[];
  outcomes: Record<string, { found: number; new: number; resolved: number; seconds: number }>;
};

export type ImportRequest = {
  file: File;
  layer: ImportLayer;
  crs: string;
  /** x is the northing or latitude. */
  swap_axes: boolean;
  /** Four or seven parameters from an old datum, as the server reads them. */
  datum_parameters: string;
  /** Control points instead: the text of a table. */
  control_points: string;
  parameters_to: string;
  /** Who gave them. */
  parameters_from: string;
  encoding: string;
  dataset: string;
  valid_from: string;
  /** Code of the region everything lies in. */
  region: string;
  table: TableOptions;
  map: FieldPair[];
  /** Words of the file that stand for values of ours. */
  values: ValueWord[];
  /** Take parcels and buildings of which no outline is known. */
  without_shapes: boolean;
  close_missing: boolean;
  /** Take rows with a key that was there before under the key with a number. */
  number_duplicates: boolean;
  /** Shapes that overlap by 95 % and more are the same. */
  same_shape_95: boolean;
  /** Attributes without a field of ours make no new version. */
  mapped_attributes_only: boolean;
  dry_run: boolean;
  /** Of a list of rights: what names the parcels and buildings, and whose source keys. */
  asset_by: AssetKey;
  of: string;
};

/** A word of a closed list in both languages. */
export type DictionaryEntry = { code: string; zh: string; en: string };
export type Dictionaries = Record<string, DictionaryEntry[]>;

export type Holder = { name: string; kind: string; share?: string | null; unit_id?: string | null; id_number?: string | null };

export type Encumbrance = {
  id: string;
  kind: string;
  holder: string;
  version_id: string;
  document: string;
  document_date: string | null;
  expires_on: string | null;
  mortgage_kind: string | null;
  amount: number | null;
  transfer_barred: boolean;
  remark: string | null;
  valid_from: string;
  lapsed: boolean;
  seizure_kind: string | null;
  queue_no: number | null;
};

export type Obstacle = { act: string; effect: "blocks" | "needs_consent" | "must_tell" | "warns"; kind: string; holder: string; document: string; expires_on: string | null; source: string };

/** What a certificate says. Fields that are empty are left out. */
export type TitleTerms = {
  evidence?: string;
  book_state?: string;
  unit_code?: string;
  cert_no?: string;
  print_serial?: string;
  old_land_certificate?: string;
  old_house_certificate?: string;
  holders?: Holder[];
  co_ownership?: string;
  location?: string;
  right_type?: string;
  right_nature_land?: string;
  right_nature_house?: string;
  land_use_scheme?: string;
  land_use_code?: string;
  house_use?: string;
  land_area_m2?: number;
  house_area_m2?: number;
  term_from?: string;
  term_to?: string;
  other_state?: string;
  remark?: string;
  registry?: string;
  accepted_on?: string;
  recorded_on?: string;
  issued_on?: string;
  parcel_ids?: string[];
  building_ids?: string[];
};

export type Title = TitleTerms &
  Periods & {
    id: string;
    version_id: string;
    case_id: string | null;
    unit_code_grouped: string | null;
    provisional: boolean;
    unification: string;
    encumbrances: Encumbrance[];
    obstacles: Obstacle[];
  };

export type TitleVersion = TitleTerms & Periods & { version_id: string; changed: string[]; actor: string | null; reason: string | null };

export type UnitCodeCheck = {
  valid: boolean;
  refused?: { defect: string; zh: string; en: string; did_you_mean?: string };
  parts?: { grouped: string; region: string; region_name: string | null; provisional: boolean };
  registered_title: string | null;
  warnings: { zh: string; en: string }[];
};

/** A row of the queue of cases. */
export type TitleCaseRow = {
  id: string;
  number: number;
  receipt_no: string | null;
  state: string;
  asset_id: string;
  asset_name: string | null;
  unit_code: string | null;
  policy_action: string | null;
  registration_type: string | null;
  opened_by: string;
  opened_on: string;
  due_on: string | null;
  overdue: boolean;
  working_days_left: number | null;
  encumbrances: string[];
  disposal_frozen: boolean;
};

/** What cases for many assets are to say, and for which. */
export type TitleCaseBatch = {
  asset_ids?: string[];
  codes?: string[];
  site_id?: string;
  policy_action?: string;
  documents?: CaseDocument[];
  reason?: string;
};

/** One of them: its case, or what stands in the way. */
export type TitleCaseBatchLine = {
  asset_id: string | null;
  kind: "parcel" | "building" | null;
  code: string | null;
  name: string | null;
  title_id: string | null;
  unit_code: string | null;
  obstacle: { code: string; zh: string; en: string } | null;
  case_id: string | null;
};

export type TitleCaseBatchOutcome = { items: TitleCaseBatchLine[]; opened: number; left_out: number };

/** A row of the book. */
export type TitleRow = {
  id: string;
  unit_code: string | null;
  cert_no: string | null;
  old_land_certificate: string | null;
  old_house_certificate: string | null;
  holders: Holder[];
  location: string | null;
  right_type: string;
  book_state: string;
  land_area_m2: number | null;
  house_area_m2: number | null;
  encumbered: boolean;
  unification: string;
  parcel_ids: string[];
  building_ids: string[];
};

export type UnificationTotal = { unification: string; titles: number; land_area_m2: number; house_area_m2: number };

export type Difference = { field: string; before: unknown; after: unknown };
export type ReturnCheck = { check: string; finding: string; paper?: string };
export type CaseDocument = { kind: string; name: string; date?: string; shared?: boolean; file?: string };
/** What the server knows of a paper. */
export type StoredDocument = { id: string; name: string; media_type: string; bytes: number; sha256: string; brought_at: string; brought_by: string };

export type CaseStep = {
  transition: string;
  zh: string;
  en: string;
  to: string;
  roles: string[];
  four_eyes: boolean;
  asks: string[];
  unmet: { guard: string; zh: string; en: string }[];
};

export type TitleCase = {
  id: string;
  number: number;
  version_id: string;
  asset: RelatedObject;
  asset_kind: "parcel" | "building";
  unit_code: string | null;
  title_id: string | null;
  state: string;
  state_zh: string;
  state_en: string;
  opened_by: string;
  submitted_by: string | null;
  reviewed_by: string | null;
  due_on: string | null;
  working_days_left: number | null;
  review_on: string | null;
  disposal_frozen: boolean;
  details: {
    policy_action?: string;
    registration_type?: string;
    documents?: CaseDocument[];
    choice_reason?: string;
    receipt_no?: string;
    approval?: string;
    supplement?: string;
    refusal_ground?: string;
    consents?: string[];
    told?: string[];
    return_checks?: ReturnCheck[];
    area?: { surveyed_m2: number; certificate_m2?: number; accepted_because?: string };
    draft?: TitleTerms;
    clock?: { accepted_on: string; deadline: { known: string; due_on?: string; year?: number; not_before?: string } };
    filing_reasons?: string[];
    filing_evidence?: string;
    succession?: Plan;
    end_cause?: string;
    asset_status?: string;
    entry?: { kind: string; holder: string; document: string; document_date?: string; expires_on?: string; registrable_on?: string; advance?: boolean };
    title_ids?: string[];
  };
  files: StoredDocument[];
  documents_wanted: { kind: string; zh: string; en: string; here: boolean }[];
  terms: TitleTerms;
  differences: Difference[];
  since_submission: Difference[] | null;
  encumbrances: Encumbrance[];
  obstacles: Obstacle[];
  checks_wanted: { check: string; zh: string; en: string; done: boolean; paper_zh: string | null; paper_en: string | null }[];
  steps: CaseStep[];
};

export type CaseVersion = { version_id: string; state: string; recorded_from: string; actor: string | null; reason: string | null };
export type Workflow = {
  states: { id: string; zh: string; en: string }[];
  transitions: { id: string; from: string[]; roles: string[] }[];
  document_kinds: Record<string, { zh: string; en: string }>;
};
