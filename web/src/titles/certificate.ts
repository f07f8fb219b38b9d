// A certificate as a form of texts, and back: every field of its body (不动产权证书), each rule told while it is typed.
import type { Holder, TitleTerms } from "@/api/types";
import { isSame } from "@/titles/rebase";

export type HolderForm = { name: string; kind: string; id_number: string; share: string; unit_id?: string };

export type Certificate = {
  unit_code: string;
  cert_no: string;
  print_serial: string;
  evidence: string;
  old_land_certificate: string;
  old_house_certificate: string;
  holders: HolderForm[];
  co_ownership: string;
  location: string;
  right_type: string;
  right_nature_land: string;
  right_nature_house: string;
  land_use_scheme: string;
  land_use_code: string;
  house_use: string;
  land_area_m2: string;
  house_area_m2: string;
  term_from: string;
  term_to: string;
  other_state: string;
  remark: string;
  registry: string;
  accepted_on: string;
  recorded_on: string;
  issued_on: string;
  /** What it covers. */
  parcel_ids: string[];
  building_ids: string[];
};

const areas = ["land_area_m2", "house_area_m2"] as const;
export const dates = ["term_from", "term_to", "accepted_on", "recorded_on", "issued_on"] as const;

const noHolder: HolderForm = { name: "", kind: "bureau", id_number: "", share: "" };

export function emptyCertificate(): Certificate {
  return {
    unit_code: "", cert_no: "", print_serial: "", evidence: "", old_land_certificate: "", old_house_certificate: "", holders: [{ ...noHolder }], co_ownership: "0",
    location: "", right_type: "", right_nature_land: "", right_nature_house: "", land_use_scheme: "", land_use_code: "", house_use: "", land_area_m2: "",
    house_area_m2: "", term_from: "", term_to: "", other_state: "", remark: "", registry: "", accepted_on: "", recorded_on: "", issued_on: "", parcel_ids: [], building_ids: [],
  };
}

export function addHolder(form: Certificate): void {
  form.holders.push({ ...noHolder, kind: "unit" });
}

export function certificateOf(terms: TitleTerms): Certificate {
  const form = emptyCertificate();
  for (const field of Object.keys(form) as (keyof Certificate)[]) {
    if (field === "holders") continue;
    if (field === "parcel_ids" || field === "building_ids") {
      form[field] = [...(terms[field] ?? [])].sort();
      continue;
    }
    const value = terms[field];
    if (value !== undefined && value !== null) form[field] = String(value);
  }
  if (terms.holders !== undefined && terms.holders.length > 0) {
    form.holders = terms.holders.map((holder) => ({
      name: holder.name,
      kind: holder.kind,
      id_number: holder.id_number ?? "",
      share: holder.share ?? "",
      ...(holder.unit_id == null ? {} : { unit_id: holder.unit_id }),
    }));
  }
  return form;
}

function holdersOf(form: Certificate): Holder[] | null {
  const named = form.holders.filter(({ name }) => name.trim() !== "");
  if (named.length === 0) return null;
  return named.map(({ name, kind, id_number, share, unit_id }) => ({
    name: name.trim(),
    kind,
    ...(unit_id === undefined ? {} : { unit_id }),
    ...(id_number.trim() === "" ? {} : { id_number: id_number.trim() }),
    ...(share.trim() === "" || form.co_ownership === "0" || form.co_ownership === "1" ? {} : { share: share.trim() }),
  }));
}

function valueOf(form: Certificate, field: keyof Certificate): unknown {
  if (field === "holders") return holdersOf(form);
  if (field === "parcel_ids" || field === "building_ids") return form[field].length === 0 ? null : [...form[field]].sort();
  const text = form[field].trim();
  if (text === "") return null;
  return (areas as readonly string[]).includes(field) ? (amount(text) ?? text) : text;
}

/** A figure as people type it, with blanks or commas between its thousands; none where it is no figure. */
export function amount(text: string): number | null {
  const plain = text.replaceAll(/[\s\u00a0\u202f,，]/g, "");
  return /^\d+(\.\d+)?$/.test(plain) ? Number(plain) : null;
}

/** What the form says, as the interface takes it. With `than`, only what differs from it; null empties a field. */
export function statementOf(form: Certificate, than: Certificate | null, without: readonly (keyof Certificate)[] = []): Record<string, unknown> {
  const said: Record<string, unknown> = {};
  for (const field of Object.keys(form) as (keyof Certificate)[]) {
    if (without.includes(field)) continue;
    const value = valueOf(form, field);
    if (than === null ? value !== null : !isSame(value, valueOf(than, field))) said[field] = value;
  }
  return said;
}

type Fraction = { above: bigint; below: bigint };

function fraction(share: string): Fraction | null {
  const text = share.trim().replace("％", "%").replace("／", "/");
  const parts = /^(\d{1,9})\/(\d{1,9})$/.exec(text);
  if (parts !== null) {
    const below = BigInt(parts[2] ?? "0");
    return below === 0n ? null : { above: BigInt(parts[1] ?? "0"), below };
  }
  const decimal = /^(\d{1,3})(?:\.(\d{1,9}))?(%?)$/.exec(text);
  if (decimal === null) return null;
  const [, whole = "0", part = "", percent = ""] = decimal;
  return { above: BigInt(whole + part), below: 10n ** BigInt(part.length) * (percent === "" ? 1n : 100n) };
}

/** Do the shares make up the whole, exactly? Null while one of them is no share. */
export function sharesMakeUpAWhole(shares: string[]): boolean | null {
  let [above, below] = [0n, 1n];
  for (const share of shares) {
    const one = fraction(share);
    if (one === null) return null;
    above = above * one.below + one.above * below;
    below *= one.below;
  }
  return above === below;
}

export type Trouble = "in_future" | "out_of_order" | "shares_not_whole" | "share_form" | "one_holder" | "several_holders" | "no_figure" | "class_without_edition" | "class_length";

/** What the book would refuse, by field. The server has the last word; this says it before anything is sent. */
export function troublesOf(form: Certificate, today: string): Partial<Record<keyof Certificate, Trouble>> {
  const found: Partial<Record<keyof Certificate, Trouble>> = {};
  let last = "";
  for (const field of ["accepted_on", "recorded_on", "issued_on"] as const) {
    const date = form[field];
    if (date === "") continue;
    if (date > today) found[field] = "in_future";
    else if (date < last) found[field] = "out_of_order";
    last = date;
  }
  if (form.term_from !== "" && form.term_to !== "" && form.term_from >= form.term_to) found.term_to = "out_of_order";
  for (const field of areas) if (form[field].trim() !== "" && amount(form[field]) === null) found[field] = "no_figure";
  const named = form.holders.filter(({ name }) => name.trim() !== "");
  if (form.co_ownership === "0" && named.length > 1) found.holders = "one_holder";
  if ((form.co_ownership === "1" || form.co_ownership === "2") && named.length === 1) found.holders = "several_holders";
  if (form.co_ownership === "2" && named.length > 1) {
    const whole = sharesMakeUpAWhole(named.map(({ share }) => share));
    if (whole !== true) found.holders = whole === null ? "share_form" : "shares_not_whole";
  }
  const code = form.land_use_code.trim();
  if (code !== "") {
    const lengths: Record<string, number[]> = { "GB21010-2017": [2, 4], "GB21010-2007": [2, 3], "YDYH-2023": [2, 4, 6] };
    const fits = lengths[form.land_use_scheme];
    if (fits === undefined) found.land_use_code = "class_without_edition";
    else if (!/^\d+$/.test(code) || !fits.includes(code.length)) found.land_use_code = "class_length";
  }
  return found;
}
