// The papers of a case as one form: read from it, kept while it is re-read, and what of it is to be sent.
import type { Asset, TitleCase } from "@/api/types";
import { amount, certificateOf, statementOf, type Certificate } from "@/titles/certificate";
import { isSame } from "@/titles/rebase";

export type CheckForm = { finding: string; paper: string };

/** Flat, so that two people's changes meet field by field; the certificate's fields stand among the others. */
export type CaseForm = Certificate & {
  surveyed_m2: string;
  certificate_m2: string;
  accepted_because: string;
  filing_reasons: string[];
  filing_evidence: string;
  approval: string;
  told: string[];
  consents: string[];
  end_cause: string;
  asset_status: string;
  entry_holder: string;
  entry_document: string;
  entry_document_date: string;
  entry_expires_on: string;
  entry_registrable_on: string;
  entry_advance: boolean;
} & Record<`check_${string}`, CheckForm>;

export const ofTheCase = ["cert_no", "print_serial", "accepted_on", "recorded_on", "issued_on"] as const;

function coversNothing(held: TitleCase): boolean {
  return (held.terms.parcel_ids ?? []).length + (held.terms.building_ids ?? []).length === 0;
}

/** Until something is said, a title covers the asset that the case is about; a building stands on its parcels. */
function whatItMayCover(held: TitleCase, asset: Asset | null): { parcel_ids: string[]; building_ids: string[] } {
  const isParcel = held.asset_kind === "parcel";
  const parcels = isParcel ? [held.asset.id] : (asset?.parcels ?? []).map(({ id }) => id);
  return { parcel_ids: parcels.sort(), building_ids: isParcel ? [] : [held.asset.id] };
}

export function caseForm(held: TitleCase, asset: Asset | null): CaseForm {
  const { details } = held;
  const checks: Record<`check_${string}`, CheckForm> = {};
  for (const { check } of held.checks_wanted) {
    const done = details.return_checks?.find((one) => one.check === check);
    checks[`check_${check}`] = { finding: done?.finding ?? "", paper: done?.paper ?? "" };
  }
  const figure = (value: number | undefined) => (value === undefined ? "" : String(value));
  return {
    ...certificateOf({ ...held.terms, unit_code: held.unit_code ?? "" }),
    ...(coversNothing(held) ? whatItMayCover(held, asset) : {}),
    surveyed_m2: figure(details.area?.surveyed_m2),
    certificate_m2: figure(details.area?.certificate_m2),
    accepted_because: details.area?.accepted_because ?? "",
    filing_reasons: details.filing_reasons ?? [],
    filing_evidence: details.filing_evidence ?? "",
    approval: details.approval ?? "",
    told: details.told ?? [],
    consents: details.consents ?? [],
    end_cause: details.end_cause ?? "",
    asset_status: details.asset_status ?? "",
    entry_holder: details.entry?.holder ?? "",
    entry_document: details.entry?.document ?? "",
    entry_document_date: details.entry?.document_date ?? "",
    entry_expires_on: details.entry?.expires_on ?? "",
    entry_registrable_on: details.entry?.registrable_on ?? "",
    entry_advance: details.entry?.advance ?? false,
    ...checks,
  };
}

/** What is to be sent: the fields that differ from what was read, as the interface groups them. */
export function papersOf(form: CaseForm, read: CaseForm, held: TitleCase): Record<string, unknown> {
  const papers: Record<string, unknown> = {};
  const differs = (...fields: (keyof CaseForm)[]) => fields.some((field) => !isSame(form[field], read[field]));
  if (differs("unit_code")) papers["unit_code"] = form.unit_code.trim() === "" ? null : form.unit_code.trim();
  const bare = (one: CaseForm): Certificate => {
    const certificate = certificateOf({});
    for (const field of Object.keys(certificate) as (keyof Certificate)[]) Object.assign(certificate, { [field]: one[field] });
    return certificate;
  };
  const draft = statementOf(bare(form), bare(read), [...ofTheCase, "unit_code"]);
  if (Object.keys(draft).length > 0) papers["draft"] = draft;
  if (differs("surveyed_m2", "certificate_m2", "accepted_because")) {
    const surveyed = amount(form.surveyed_m2);
    const certificate = amount(form.certificate_m2);
    if (surveyed !== null) {
      papers["area"] = {
        surveyed_m2: surveyed,
        ...(certificate === null ? {} : { certificate_m2: certificate }),
        ...(form.accepted_because.trim() === "" ? {} : { accepted_because: form.accepted_because.trim() }),
      };
    }
  }
  if (differs("filing_reasons")) papers["filing_reasons"] = form.filing_reasons;
  if (differs("filing_evidence")) papers["filing_evidence"] = form.filing_evidence;
  if (differs("approval")) papers["approval"] = form.approval;
  if (differs("told")) papers["told"] = form.told;
  if (differs("consents")) papers["consents"] = form.consents;
  if (differs("end_cause") && form.end_cause !== "") papers["end_cause"] = form.end_cause;
  if (differs("asset_status") && form.asset_status !== "") papers["asset_status"] = form.asset_status;
  if (differs("entry_holder", "entry_document", "entry_document_date", "entry_expires_on", "entry_registrable_on", "entry_advance") && form.entry_holder.trim() !== "" && form.entry_document.trim() !== "") {
    const day = (name: string, value: string) => (value === "" ? {} : { [name]: value });
    papers["entry"] = {
      kind: held.details.policy_action,
      holder: form.entry_holder.trim(),
      document: form.entry_document.trim(),
      ...day("document_date", form.entry_document_date),
      ...day("expires_on", form.entry_expires_on),
      ...day("registrable_on", form.entry_registrable_on),
      ...(form.entry_advance ? { advance: true } : {}),
    };
  }
  const checks = Object.keys(form).filter((field): field is `check_${string}` => field.startsWith("check_"));
  if (differs(...checks)) {
    papers["return_checks"] = checks
      .map((field) => ({ check: field.slice("check_".length), finding: form[field]?.finding.trim() ?? "", paper: form[field]?.paper.trim() ?? "" }))
      .filter(({ finding }) => finding !== "")
      .map(({ paper, ...check }) => (paper === "" ? check : { ...check, paper }));
  }
  // What it covers is said with the first that is said of it.
  const makesTitle = !["split_merge", "cancel", "objection", "pre_notice", "seizure"].includes(held.details.policy_action ?? "");
  if (Object.keys(papers).length > 0 && coversNothing(held) && makesTitle) {
    const covers = Object.fromEntries((["parcel_ids", "building_ids"] as const).filter((field) => form[field].length > 0).map((field) => [field, form[field]]));
    papers["draft"] = { ...covers, ...draft };
  }
  return papers;
}

/** A figure that is none, so that it isn't left out without a word. */
export function areaTrouble(form: CaseForm): boolean {
  return [form.surveyed_m2, form.certificate_m2].some((text) => text.trim() !== "" && amount(text) === null);
}
