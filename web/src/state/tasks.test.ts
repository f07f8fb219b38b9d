import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Task } from "@/api/tasks";
import type { useServerStore as UseServer } from "@/state/server";
import type { useSessionStore as UseSession } from "@/state/session";
import type { useTasksStore as UseTasks } from "@/state/tasks";
import type { useViewStore as UseView } from "@/state/view";

const fetched = vi.fn<typeof fetch>();
let useTasksStore: typeof UseTasks;
let useServerStore: typeof UseServer;
let useSessionStore: typeof UseSession;
let useViewStore: typeof UseView;
let countAgainAfter_ms: number;

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
const counted = (total: number) => json({ total, escalated: 0, overdue: 1, soon: 0, kinds: {} });
const broken = () => json({ title: "Something is wrong", status: 500, type: "urn:yice:problem:internal" }, 500);

beforeEach(async () => {
  vi.resetModules();
  fetched.mockReset();
  vi.useFakeTimers();
  vi.stubGlobal("fetch", fetched);
  vi.stubGlobal("window", { location: { origin: "http://localhost", hash: "", pathname: "/", search: "" }, addEventListener: vi.fn() });
  ({ useTasksStore, countAgainAfter_ms } = await import("@/state/tasks"));
  ({ useServerStore } = await import("@/state/server"));
  ({ useSessionStore } = await import("@/state/session"));
  ({ useViewStore } = await import("@/state/view"));
  setActivePinia(createPinia());
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A page on which somebody is signed in who only reads, and for whom so much waits. */
async function opened(first: Response) {
  fetched.mockResolvedValueOnce(json({ person_id: "p", must_change_password: false, permissions: ["read_registry"], permissions_everywhere: [] }));
  await useSessionStore().check();
  fetched.mockReset();
  fetched.mockResolvedValueOnce(first);
  const server = useServerStore();
  server.connection = "ready";
  const tasks = useTasksStore();
  await vi.waitFor(() => expect(tasks.summary !== null || tasks.failed !== null).toBe(true));
  return { server, tasks };
}

describe("the count of tasks", () => {
  it("is told no longer once it can't be had, and told again after the next success", async () => {
    const { tasks } = await opened(counted(3));
    expect([tasks.summary?.total, tasks.pressing, tasks.failed]).toEqual([3, 1, null]);
    fetched.mockResolvedValueOnce(broken());
    await tasks.refresh();
    expect([tasks.summary, tasks.pressing]).toEqual([null, 0]);
    expect(tasks.failed?.error).toMatchObject({ problem: { status: 500 } });
    // The way there stays.
    expect(tasks.isOffered).toBe(true);
    fetched.mockResolvedValueOnce(counted(2));
    await tasks.refresh();
    expect([tasks.summary?.total, tasks.failed]).toEqual([2, null]);
  });
  it("is tried again by itself, once a while and not in a storm", async () => {
    const { tasks } = await opened(broken());
    expect(tasks.failed).not.toBeNull();
    await vi.advanceTimersByTimeAsync(countAgainAfter_ms - 5_000);
    expect(fetched).toHaveBeenCalledTimes(1);
    fetched.mockResolvedValueOnce(broken());
    await vi.advanceTimersByTimeAsync(5_000);
    expect(fetched).toHaveBeenCalledTimes(2);
    fetched.mockResolvedValueOnce(counted(1));
    await vi.advanceTimersByTimeAsync(countAgainAfter_ms);
    expect([tasks.summary?.total, tasks.failed]).toEqual([1, null]);
    await vi.advanceTimersByTimeAsync(countAgainAfter_ms * 3);
    expect(fetched).toHaveBeenCalledTimes(3);
  });
  it("is unknown while the server is gone", async () => {
    const { server, tasks } = await opened(counted(3));
    server.connection = "lost";
    await vi.waitFor(() => expect(tasks.failed).not.toBeNull());
    expect(tasks.summary).toBeNull();
    fetched.mockResolvedValueOnce(counted(4));
    server.connection = "ready";
    await vi.waitFor(() => expect(tasks.summary?.total).toBe(4));
  });
  it("is what the last question was answered with, though an earlier one comes later", async () => {
    const { tasks } = await opened(counted(3));
    let late = (_: Response): void => undefined;
    fetched.mockReturnValueOnce(new Promise((resolve) => (late = resolve)));
    const early = tasks.refresh();
    fetched.mockResolvedValueOnce(counted(5));
    await tasks.refresh();
    late(broken());
    await early;
    expect([tasks.summary?.total, tasks.failed]).toEqual([5, null]);
  });
});

describe("a task of filings", () => {
  const task = { kind: "use_filing", id: null, about: null, link: "/api/v1/owed-filings?kind=internal_publication&year=2025" } as unknown as Task;
  it("of many units opens their list, once", async () => {
    const { tasks } = await opened(counted(1));
    const view = useViewStore();
    tasks.open(task);
    expect([view.panel, view.unitId]).toEqual(["space", null]);
    expect(tasks.take("space")).toEqual({ kind: "internal_publication", year: 2025 });
    expect(tasks.take("space")).toBeNull();
  });
  it("of one unit opens that unit", async () => {
    const { tasks } = await opened(counted(1));
    const view = useViewStore();
    tasks.open({ ...task, id: "u", link: null });
    expect([view.panel, view.unitId, tasks.take("space")]).toEqual(["space", "u", null]);
  });
});
