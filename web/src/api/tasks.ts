// The worklist (待办事项): what waits for whoever is signed in.
import { getFresh, withQuery } from "@/api/http";
import type { Page } from "@/api/types";

export const taskKinds = ["title_case", "policy_case", "inspection", "inspection_finding", "stocktaking", "finding", "exception", "lease", "rent", "use_agreement", "housing_tenancy", "use_filing", "working_calendar"] as const;
export type TaskKind = (typeof taskKinds)[number];

export const taskUrgencies = ["escalated", "overdue", "soon", "other"] as const;
export type TaskUrgency = (typeof taskUrgencies)[number];

/** What is to be done beside a step of a procedure, which has its own name. */
export const taskErrands = ["rectify", "recheck", "answer", "check", "explain", "decide", "settle", "put_right", "review", "end_or_renew", "collect", "accept", "renew_or_cancel", "exit_or_renew", "file", "record_year"] as const;
export type TaskAwaited = "step" | "press" | (typeof taskErrands)[number];

type Both = { zh: string; en: string };

export type Task = {
  urgency: TaskUrgency;
  kind: TaskKind;
  id: string | null;
  awaited: TaskAwaited;
  count: number;
  /** The procedure, or the rule; of a filing its kind, of a working calendar its year. */
  procedure: string | null;
  about: Both | null;
  state: Both | null;
  steps: (Both & { transition: string })[];
  roles: string[];
  /** What it is about; of a parcel or building with its site, of these and sites with the address. */
  object: { kind: string; id: string | null; code: string | null; name: string | null; site_name: string | null; address: string | null } | null;
  due_on: string | null;
  not_before: string | null;
  overdue: boolean;
  days_over: number | null;
  escalated: boolean;
  since: string | null;
  link: string | null;
};

export type TaskSummary = {
  total: number;
  escalated: number;
  overdue: number;
  soon: number;
  kinds: Partial<Record<TaskKind, number>>;
};

export function tasksAddress(kind: TaskKind | ""): string {
  return withQuery("/api/v1/tasks", { kind, limit: 50, count: true });
}

export function fetchTasks(address: string, signal?: AbortSignal): Promise<Page<Task>> {
  return getFresh(address, signal);
}

export function fetchTaskSummary(): Promise<TaskSummary> {
  return getFresh("/api/v1/tasks/summary");
}
