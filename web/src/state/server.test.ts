import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ProblemError } from "@/api/http";
import { useServerStore } from "@/state/server";

const api = vi.hoisted(() => ({ fetchReadiness: vi.fn(), fetchMapSettings: vi.fn(), fetchLedgerMark: vi.fn() }));
vi.mock("@/api/registry", () => api);
vi.mock("@/state/session", () => ({ useSessionStore: () => ({ mayEnter: true, isInUse: () => true }) }));

const untilItAsksAgain_ms = 10_000;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("document", { visibilityState: "visible" });
  for (const ask of Object.values(api)) ask.mockReset();
  api.fetchReadiness.mockResolvedValue({ ready: true });
  api.fetchMapSettings.mockResolvedValue({ today: "2026-12-01" });
  setActivePinia(createPinia());
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function opened() {
  const server = useServerStore();
  server.start();
  await vi.waitFor(() => expect(server.connection).toBe("ready"));
  return { server, atFirst: server.revision };
}

describe("what changes on the server", () => {
  it("shows also where it changed between the opening of the page and the first look for changes", async () => {
    api.fetchLedgerMark.mockResolvedValueOnce("7").mockResolvedValue("8");
    const { server, atFirst } = await opened();
    await vi.advanceTimersByTimeAsync(untilItAsksAgain_ms);
    expect(server.revision).toBe(atFirst + 1);
    await vi.advanceTimersByTimeAsync(3 * untilItAsksAgain_ms);
    expect(server.revision).toBe(atFirst + 1);
  });

  it("is asked no longer where there is no ledger to be followed", async () => {
    api.fetchLedgerMark.mockRejectedValue(new ProblemError({ type: "urn:yice:problem:not-found", title: "Not found", status: 404 }));
    const { server } = await opened();
    await vi.advanceTimersByTimeAsync(3 * untilItAsksAgain_ms);
    expect(server.connection).toBe("ready");
    expect(api.fetchLedgerMark).toHaveBeenCalledOnce();
  });

  it("is looked for again where the server could not tell at first", async () => {
    const broken = new ProblemError({ type: "urn:yice:problem:internal", title: "Something is wrong", status: 500 });
    api.fetchLedgerMark.mockRejectedValueOnce(broken).mockResolvedValueOnce("7").mockResolvedValue("8");
    const { server, atFirst } = await opened();
    await vi.advanceTimersByTimeAsync(2 * untilItAsksAgain_ms);
    expect(server.revision).toBe(atFirst + 1);
  });
});
