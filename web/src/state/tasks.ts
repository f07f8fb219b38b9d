// How much waits for whoever is signed in, for the badge; and which list a task was opened for.
import { defineStore } from "pinia";
import { computed, ref, watch } from "vue";
import type { Permission } from "@/api/session";
import { fetchTaskSummary, type Task, type TaskSummary } from "@/api/tasks";
import { useServerStore } from "@/state/server";
import { useSessionStore } from "@/state/session";
import { useViewStore } from "@/state/view";

/** Whoever holds none of these has nothing to do here but to look. */
const works: Permission[] = ["edit_assets", "decide_findings", "step_title_cases", "step_policy_cases", "take_stock", "step_inspections", "confirm_money", "keep_filings"];

/** The list that a task counts, opened with what it is narrowed by. */
export type ListAsked = { checks?: { rule: string; state: "open" | "excepted" }; leases?: "expiring" | "arrears"; inspections?: "mine"; policies?: "calendar" };

export const useTasksStore = defineStore("tasks", () => {
  const server = useServerStore();
  const session = useSessionStore();
  const view = useViewStore();
  const summary = ref<TaskSummary | null>(null);
  const isOffered = computed(() => works.some((permission) => session.may(permission)) || (summary.value?.total ?? 0) > 0);
  /** What presses; nothing of it is red otherwise. */
  const pressing = computed(() => (summary.value?.escalated ?? 0) + (summary.value?.overdue ?? 0));
  let asked: ListAsked = {};

  async function refresh(): Promise<void> {
    if (server.connection !== "ready" || !session.mayEnter) return;
    try {
      summary.value = await fetchTaskSummary();
    } catch {
      // The banner says that the server is gone; the badge is counted again when it is back.
    }
  }
  watch([() => server.revision, () => server.connection], () => void refresh(), { immediate: true });

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
    } else if (task.kind === "use_filing") view.showUnit(task.id);
    else if (task.kind === "working_calendar") {
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

  return { summary, isOffered, pressing, refresh, open, take };
});
