// How much waits for whoever is signed in, for the badge; and which list a task was opened for.
import { defineStore } from "pinia";
import { computed, ref, shallowRef, watch } from "vue";
import { filingKinds, type FilingKind } from "@/api/filings";
import { LostServerError } from "@/api/http";
import type { Permission } from "@/api/session";
import { fetchTaskSummary, type Task, type TaskSummary } from "@/api/tasks";
import { useServerStore } from "@/state/server";
import { useSessionStore } from "@/state/session";
import { useViewStore } from "@/state/view";

/** Whoever holds none of these has nothing to do here but to look. */
const works: Permission[] = ["edit_assets", "decide_findings", "step_title_cases", "step_policy_cases", "take_stock", "step_inspections", "confirm_money", "keep_filings"];

/** How long after a count that failed it is tried again, if nothing else asks for it. */
export const countAgainAfter_ms = 60_000;

/** The filings that a task counts, as the list that it links to is asked for. */
export function owedAsked(link: string | null): { kind: FilingKind; year: number } | null {
  const asked = new URLSearchParams(link?.split("?")[1]);
  const kind = filingKinds.find((one) => one === asked.get("kind"));
  const year = Number(asked.get("year"));
  return kind === undefined || !Number.isInteger(year) || year === 0 ? null : { kind, year };
}

/** The list that a task counts, opened with what it is narrowed by. */
export type ListAsked = { space?: { kind: FilingKind; year: number }; checks?: { rule: string; state: "open" | "excepted" }; leases?: "expiring" | "arrears"; inspections?: "mine"; policies?: "calendar" };

export const useTasksStore = defineStore("tasks", () => {
  const server = useServerStore();
  const session = useSessionStore();
  const view = useViewStore();
  const summary = ref<TaskSummary | null>(null);
  /** What kept it from being counted; a number from before is no longer told then. */
  const failed = shallowRef<{ error: unknown } | null>(null);
  /** Something waited when it was last counted: the way there stays while the number is unknown. */
  const hasWaited = ref(false);
  const isOffered = computed(() => works.some((permission) => session.may(permission)) || hasWaited.value);
  /** What presses; nothing of it is red otherwise. */
  const pressing = computed(() => (summary.value?.escalated ?? 0) + (summary.value?.overdue ?? 0));
  let asked: ListAsked = {};

  let counting = 0;
  let again: ReturnType<typeof setTimeout> | undefined;

  async function refresh(): Promise<void> {
    clearTimeout(again);
    if (server.connection !== "ready" || !session.mayEnter) return;
    counting += 1;
    const mine = counting;
    try {
      const counted = await fetchTaskSummary();
      // A later count says it better.
      if (mine !== counting) return;
      summary.value = counted;
      failed.value = null;
      hasWaited.value = counted.total > 0;
    } catch (error) {
      if (mine !== counting) return;
      forget(error);
      again = setTimeout(() => void refresh(), countAgainAfter_ms);
    }
  }

  function forget(error: unknown): void {
    summary.value = null;
    failed.value = { error };
  }
  watch(
    [() => server.revision, () => server.connection],
    () => {
      // It is counted again when the server is back; until then nobody knows.
      if (server.connection === "lost") forget(new LostServerError());
      else void refresh();
    },
    { immediate: true },
  );

  /** Opens what a task is about. */
  function open(task: Task): void {
    if (task.kind === "title_case") view.showCase(task.id);
    else if (task.kind === "policy_case") view.showPolicy(task.id);
    else if (task.kind === "stocktaking") view.showStocktaking(task.id);
    else if (task.kind === "lease" || task.kind === "rent") {
      asked = { leases: task.kind === "lease" ? "expiring" : "arrears" };
      view.showLease(null);
    } else if (task.kind === "finding" || task.kind === "exception") {
      asked = { checks: { rule: task.procedure ?? "", state: task.kind === "finding" ? "open" : "excepted" } };
      view.showPanel("checks");
    } else if (task.kind === "use_agreement" || task.kind === "housing_tenancy") {
      // They stand on the building's card.
      if (task.object?.id != null) view.select({ layer: "buildings", id: task.object.id });
    } else if (task.kind === "use_filing") {
      const owed = task.id === null ? owedAsked(task.link) : null;
      if (owed !== null) asked = { space: owed };
      view.showUnit(task.id);
    } else if (task.kind === "working_calendar") {
      asked = { policies: "calendar" };
      view.showPolicy(null);
    } else if (task.about === null) {
      // What was found is theirs, and the inspection as a whole is not.
      asked = { inspections: "mine" };
      view.showPanel("checks");
    } else view.showInspection(task.id);
  }

  /** What a list was opened for, once. */
  function take<List extends keyof ListAsked>(list: List): ListAsked[List] | null {
    const taken = asked[list] ?? null;
    asked = { ...asked, [list]: undefined };
    return taken;
  }

  return { summary, failed, isOffered, pressing, refresh, open, take };
});
