// What is known about the server: is it there, is it ready, what does the map start from, has anything changed.
import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { listenToConnection, ProblemError } from "@/api/http";
import { fetchLedgerMark, fetchMapSettings, fetchReadiness } from "@/api/registry";
import type { MapSettings, Readiness } from "@/api/types";
import { useSessionStore } from "@/state/session";

type Connection = "connecting" | "loading" | "ready" | "lost";

const pollWhileAway_ms = 1500;
const pollForChanges_ms = 10_000;

export const useServerStore = defineStore("server", () => {
  const connection = ref<Connection>("connecting");
  const stages = ref<NonNullable<Readiness["stages"]>>([]);
  const settings = ref<MapSettings | null>(null);
  /** Grows whenever what is shown may have changed; tiles, totals, lists and cards follow it. */
  const revision = ref(0);
  const today = computed(() => settings.value?.today ?? new Date().toISOString().slice(0, 10));

  const session = useSessionStore();
  let ledgerMark: string | null = null;
  let isLedgerFollowed = true;
  let isChecking = false;

  function somethingChanged(): void {
    revision.value += 1;
  }

  async function check(): Promise<void> {
    if (isChecking) return;
    isChecking = true;
    try {
      const readiness = await fetchReadiness();
      stages.value = readiness.stages ?? [];
      if (!readiness.ready) {
        connection.value = "loading";
      } else {
        const wasAway = connection.value !== "ready";
        if (settings.value === null || wasAway) {
          // Before anything is read: what changes from here on shows.
          ledgerMark = await askLedger();
          settings.value = await fetchMapSettings();
        }
        connection.value = "ready";
        if (wasAway) somethingChanged();
      }
    } catch (error) {
      // Somebody has to sign in first; the server is there.
      if (error instanceof ProblemError && error.problem.status === 401) return;
      connection.value = settings.value === null && connection.value === "connecting" ? "connecting" : "lost";
      if (settings.value === null) connection.value = "lost";
    } finally {
      isChecking = false;
    }
    if (connection.value !== "ready") setTimeout(() => void check(), pollWhileAway_ms);
  }

  /** How far the ledger is; null where the server doesn't tell. One without a ledger head isn't asked again. */
  async function askLedger(): Promise<string | null> {
    if (!isLedgerFollowed) return null;
    try {
      return await fetchLedgerMark();
    } catch (error) {
      if (!(error instanceof ProblemError) || error.problem.status === 401) throw error;
      if (error.problem.status === 404) isLedgerFollowed = false;
      return null;
    }
  }

  async function followLedger(): Promise<void> {
    if (connection.value === "ready" && session.mayEnter && session.isInUse() && document.visibilityState === "visible") {
      try {
        const mark = await askLedger();
        if (mark !== null && ledgerMark !== null && mark !== ledgerMark) {
          // What was brought in may have a credit to show, or be made up.
          settings.value = await fetchMapSettings();
          somethingChanged();
        }
        ledgerMark = mark ?? ledgerMark;
      } catch {
        // A server that is gone is noticed by the connection itself, and a session that has ended by the session.
      }
    }
    setTimeout(() => void followLedger(), pollForChanges_ms);
  }

  function start(): void {
    listenToConnection((reached) => {
      if (!reached && connection.value === "ready") {
        connection.value = "lost";
        void check();
      }
    });
    void check();
    void followLedger();
  }

  return { connection, stages, settings, revision, today, start, somethingChanged };
});
