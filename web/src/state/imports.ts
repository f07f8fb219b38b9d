// Imports of this server: the list, the one being looked at, and the file waiting in the dialog.
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { cancelImport, fetchImport, fetchImports, startImport } from "@/api/registry";
import type { ImportJob, ImportRequest, Problem } from "@/api/types";
import { useFocusStore } from "@/state/focus";
import { useMapReadoutStore } from "@/state/map-readout";
import { useServerStore } from "@/state/server";

const pollRunning_ms = 500;

export function isRunning(job: ImportJob): boolean {
  return job.state === "reading" || job.state === "writing";
}

export const useImportsStore = defineStore("imports", () => {
  const server = useServerStore();
  const focus = useFocusStore();
  const readout = useMapReadoutStore();
  const jobs = ref<ImportJob[]>([]);
  const isListLoaded = ref(false);
  const isDialogOpen = ref(false);
  const waitingFile = shallowRef<File | null>(null);
  /** What was asked for, so that a refused import can be tried again with one thing changed. */
  const requests = new Map<string, ImportRequest>();
  /** A refusal that the dialog shows beside the field it names. */
  const refusal = shallowRef<{ request: ImportRequest; problem: Problem | null } | null>(null);
  const running = computed(() => jobs.value.filter(isRunning));

  function keep(given: ImportJob): void {
    // Accepted a moment ago, an import is not yet recorded with its name.
    const request = requests.get(given.id);
    const job = given.file_name !== "" || request === undefined ? given : { ...given, file_name: request.file.name, layer: request.layer };
    const at = jobs.value.findIndex((one) => one.id === job.id);
    if (at === -1) jobs.value.unshift(job);
    else jobs.value[at] = job;
  }

  const followed = new Set<string>();

  async function follow(id: string): Promise<void> {
    if (followed.has(id)) return;
    followed.add(id);
    try {
      await followToTheEnd(id);
    } finally {
      followed.delete(id);
    }
  }

  async function followToTheEnd(id: string): Promise<void> {
    for (;;) {
      try {
        const job = await fetchImport(id);
        keep(job);
        if (!isRunning(job)) {
          if (job.state === "done") server.somethingChanged();
          if (job.state === "done" && requests.get(id)?.dry_run === false) showWhere(job);
          if (job.state === "failed" && job.problem?.field != null) offerAgain(id, job.problem);
          return;
        }
      } catch {
        // The server went away or the import is gone: the list, read again on recovery, says which.
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, pollRunning_ms));
    }
  }

  /** What somebody has just brought in is shown, unless some of it is in view already. */
  function showWhere(job: ImportJob): void {
    const box = job.report?.bbox ?? null;
    const view = readout.bounds;
    if (box === null) return;
    const isInView = view !== null && box[0] <= view[2] && view[0] <= box[2] && box[1] <= view[3] && view[1] <= box[3];
    if (!isInView) focus.moveTo(box);
  }

  async function refresh(): Promise<void> {
    const page = await fetchImports();
    // The list leaves reports out; those that are here already stay.
    const reports = new Map(jobs.value.map((job) => [job.id, job.report]));
    jobs.value = page.items.map((job) => ({ ...job, report: job.report ?? reports.get(job.id) ?? null }));
    isListLoaded.value = true;
    for (const job of running.value) void follow(job.id);
  }

  async function start(request: ImportRequest): Promise<string> {
    const id = await startImport(request);
    requests.set(id, request);
    keep(await fetchImport(id));
    void follow(id);
    return id;
  }

  async function load(id: string): Promise<void> {
    const job = await fetchImport(id);
    keep(job);
    if (isRunning(job)) void follow(id);
  }

  async function cancel(id: string): Promise<void> {
    await cancelImport(id);
    keep(await fetchImport(id));
  }

  function offer(file: File | null): void {
    refusal.value = null;
    waitingFile.value = file;
    isDialogOpen.value = true;
  }

  function offerAgain(id: string, problem: Problem): void {
    const request = requests.get(id);
    if (request === undefined) return;
    refusal.value = { request, problem };
    waitingFile.value = request.file;
    isDialogOpen.value = true;
  }

  /** After a dry run: the same file for good, with the mapping that was guessed open to correction. */
  function offerForGood(id: string, mapping: Record<string, string>): void {
    const request = requests.get(id);
    if (request === undefined) return;
    const map = Object.entries(mapping).map(([target, source]) => ({ target, source }));
    refusal.value = { request: { ...request, map, dry_run: false }, problem: null };
    waitingFile.value = request.file;
    isDialogOpen.value = true;
  }

  function canTryAgain(id: string): boolean {
    return requests.has(id);
  }

  return { jobs, isListLoaded, running, isDialogOpen, waitingFile, refusal, refresh, load, start, cancel, offer, offerAgain, offerForGood, canTryAgain };
});
