// What is written down in a policy case: the fields of each kind of record, and whose it is to write.
import type { Permission } from "@/api/session";

export type RecordField = {
  name: string;
  kind: "text" | "date" | "money" | "decimal" | "whole" | "yes" | "route" | "document" | "choice" | "room" | "rooms" | "unit" | "pieces" | "file";
  options?: string[];
  optional?: boolean;
};

const text = (name: string): RecordField => ({ name, kind: "text" });
const date = (name: string): RecordField => ({ name, kind: "date" });
const money = (name: string): RecordField => ({ name, kind: "money" });
const yes = (name: string): RecordField => ({ name, kind: "yes" });

export const recordFields = {
  document: [{ name: "kind", kind: "document" }, text("name"), { name: "date", kind: "date", optional: true }, { name: "file", kind: "file", optional: true }],
  verification: [date("on"), { name: "measured_m2", kind: "decimal" }, money("book_value"), yes("safe"), text("title_note")],
  score: [{ name: "route", kind: "route" }, { name: "points", kind: "whole" }, text("why")],
  stock_search: [date("on"), text("finding")],
  consent: [text("holder"), text("document")],
  told: [text("holder"), text("document")],
  co_owner_consent: [text("holder"), text("document")],
  appraisal: [{ name: "of", kind: "choice", options: ["own", "other"] }, text("appraiser"), text("report_no"), date("base_date"), { name: "valid_until", kind: "date", optional: true }, money("value")],
  round: [text("venue"), yes("is_exchange"), date("notice_from"), date("notice_to"), money("reserve")],
  bid: [text("bidder"), money("price"), date("on")],
  award: [text("bidder"), money("price"), date("on"), date("notice_to")],
  contract: [text("number"), text("counterparty"), money("price"), date("on")],
  payment: [date("on"), money("amount"), text("voucher")],
  remittance: [date("on"), money("amount"), text("voucher")],
  repair_application: [{ name: "for_year", kind: "whole" }, text("condition"), { name: "necessity", kind: "choice", options: ["wear", "safety", "installations", "change_of_user"] }, money("estimate")],
  site_visit: [date("on"), text("defects")],
  assessment: [date("on"), yes("within_standard"), { name: "enlarges_percent", kind: "decimal" }, text("opinion")],
  cost_review: [date("on"), text("reviewer"), money("cost"), money("standard")],
  publication: [date("from"), date("to"), { name: "objections", kind: "whole" }, yes("answered")],
  plan_entry: [{ name: "year", kind: "whole" }, text("number"), money("budget")],
  works: [date("started_on"), text("contractor")],
  completion: [date("completed_on"), money("settled")],
  emergency: [date("on"), text("danger")],
  // Which space it is and which won't do is chosen from what was found.
  allotment: [text("why")],
  lease_in: [text("number"), text("landlord"), { name: "landlord_kind", kind: "choice", options: ["bureau", "using_unit", "state_company", "private"], optional: true }, text("address"), { name: "use_area_m2", kind: "decimal" }, date("from"), date("to"), money("rent_year"), money("market_rent_year")],
  construction: [{ name: "way", kind: "choice", options: ["new", "extension", "rebuilding", "purchase"] }, text("site"), { name: "use_area_m2", kind: "decimal" }, money("investment"), { name: "fund", kind: "choice", options: ["budget", "own_income", "loan", "donation"] }],
  final_accounts: [date("on"), money("amount")],
  movables: [date("on"), { name: "items", kind: "whole" }, text("list"), { name: "handed_by", kind: "text", optional: true }, text("received_by"), { name: "pieces", kind: "pieces", optional: true }],
  hand_over: [date("on"), { name: "receiver_id", kind: "unit" }, text("list"), { name: "papers", kind: "whole" }, { name: "keys", kind: "whole" }, { name: "leases", kind: "whole" }],
  leader_room: [
    text("person"), { name: "staff_number", kind: "text", optional: true }, text("rank"), { name: "room_id", kind: "room" }, { name: "post", kind: "choice", options: ["main", "part_time"] },
    { name: "post_ends", kind: "date", optional: true }, { name: "second_office_approval", kind: "text", optional: true },
  ],
  housing_choice: [{ name: "source", kind: "choice", options: ["public_housing", "idle_compound"] }, text("place"), text("surroundings"), text("demand")],
  housing_plan: [{ name: "homes", kind: "whole" }, money("estimate"), text("works"), text("rent_ground")],
  no_refit: [text("reason")],
  homes: [{ name: "room_ids", kind: "rooms" }],
  transfer_proposal: [{ name: "receiver_id", kind: "unit" }, text("why")],
  // Its own form stands with what is offered.
  acceptance: [yes("accepted"), date("on"), { name: "document", kind: "text", optional: true }, { name: "note", kind: "text", optional: true }],
  void: [{ name: "no", kind: "whole" }, text("reason")],
} satisfies Record<string, RecordField[]>;

export type RecordKind = keyof typeof recordFields;
export const recordKinds = Object.keys(recordFields) as RecordKind[];

export function fieldsOf(kind: string): RecordField[] {
  return (recordFields as Record<string, RecordField[]>)[kind] ?? [];
}

const recorders: Partial<Record<RecordKind, Permission[]>> = {
  score: ["propose_policies"],
  stock_search: ["propose_policies"],
  assessment: ["propose_policies"],
  housing_plan: ["propose_policies"],
  cost_review: ["confirm_money"],
  repair_application: ["work_on_cases", "apply_for_repairs"],
  allotment: ["work_on_cases", "propose_policies"],
  transfer_proposal: ["work_on_cases", "propose_policies"],
  lease_in: ["work_on_cases", "apply_for_repairs"],
  construction: ["work_on_cases", "apply_for_repairs"],
  final_accounts: ["work_on_cases", "confirm_money"],
  movables: ["work_on_cases", "apply_for_repairs"],
  leader_room: ["work_on_cases", "apply_for_repairs"],
  works: ["work_on_cases", "apply_for_repairs"],
  completion: ["work_on_cases", "apply_for_repairs"],
  document: ["work_on_cases", "propose_policies", "confirm_money", "work_on_titles", "apply_for_repairs"],
  void: ["work_on_cases", "propose_policies", "confirm_money", "work_on_titles", "apply_for_repairs"],
};

/** Any of these may write it down. */
export function recordersOf(kind: string): Permission[] {
  return recorders[kind as RecordKind] ?? ["work_on_cases"];
}

/** What a role of the procedures may be known by. */
export const stepNeeds: Record<string, Permission> = {
  asset_manager: "work_on_cases",
  planner: "propose_policies",
  approver: "approve_policies",
  finance_reviewer: "confirm_money",
  title_clerk: "work_on_titles",
  unit_contact: "apply_for_repairs",
};

/** Yuan as people read them: 4,405,100.00. */
export function formatYuan(amount: string): string {
  const [whole = "", cents = "00"] = amount.split(".");
  return `${whole.replace(/\B(?=(\d{3})+$)/g, ",")}.${cents.padEnd(2, "0")}`;
}
