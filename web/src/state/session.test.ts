import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { useSessionStore as Use } from "@/state/session";

const fetched = vi.fn<typeof fetch>();
const reload = vi.fn();
let useSessionStore: typeof Use;

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
const person = { person_id: "p", must_change_password: false, permissions: ["read_registry"], permissions_everywhere: [] };
const refusal = () => json({ title: "Sign in first", status: 401, code: "session_ended" }, 401);

beforeEach(async () => {
  vi.resetModules();
  fetched.mockReset();
  reload.mockReset();
  vi.useFakeTimers();
  vi.stubGlobal("fetch", fetched);
  vi.stubGlobal("window", { location: { origin: "http://localhost", hash: "", pathname: "/", search: "", reload }, addEventListener: vi.fn() });
  ({ useSessionStore } = await import("@/state/session"));
  setActivePinia(createPinia());
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A page on which somebody is signed in. */
async function opened() {
  fetched.mockResolvedValueOnce(json(person));
  const session = useSessionStore();
  session.start();
  await vi.waitFor(() => expect(session.isKnown).toBe(true));
  return session;
}

describe("signing out", () => {
  it("keeps the page as it is until it is loaded afresh, whatever is refused in between", async () => {
    const session = await opened();
    let farewell = (_: Response): void => undefined;
    fetched.mockReturnValueOnce(new Promise((resolve) => (farewell = resolve)));
    const out = session.signOut();
    fetched.mockResolvedValueOnce(refusal());
    await session.check();
    expect(session.isIn).toBe(true);
    expect(session.hasEnded).toBe(false);
    farewell(new Response(null, { status: 204 }));
    await out;
    expect(reload).toHaveBeenCalledOnce();
  });
  it("is done where the session is over already", async () => {
    const session = await opened();
    fetched.mockResolvedValueOnce(refusal());
    await session.signOut();
    expect(reload).toHaveBeenCalledOnce();
  });
  it("leaves everything as it was where the server can't be reached", async () => {
    const session = await opened();
    fetched.mockRejectedValueOnce(new TypeError("Failed to fetch"));
    await expect(session.signOut()).rejects.toThrow();
    expect(reload).not.toHaveBeenCalled();
    fetched.mockResolvedValueOnce(refusal());
    await session.check();
    expect(session.hasEnded).toBe(true);
  });
});
