import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { forgetAnswers, getJson, listenToConnection, listenToRefusals, LostServerError, nextPage, ProblemError, send, withQuery } from "@/api/http";

const fetched = vi.fn<typeof fetch>();
const reached: boolean[] = [];

beforeEach(() => {
  fetched.mockReset();
  reached.length = 0;
  vi.stubGlobal("fetch", fetched);
  vi.stubGlobal("window", { location: { origin: "http://localhost" } });
  listenToConnection((is) => reached.push(is));
});
afterEach(() => vi.unstubAllGlobals());

const json = (body: unknown, init: ResponseInit = {}) =>
  new Response(JSON.stringify(body), { ...init, headers: { "content-type": "application/json", ...(init.headers as Record<string, string>) } });

describe("answers", () => {
  it("keep the ETag and give the remembered body for 304", async () => {
    fetched.mockResolvedValueOnce(json({ n: 1 }, { headers: { etag: '"7"' } })).mockResolvedValueOnce(new Response(null, { status: 304 }));
    expect(await getJson("/api/v1/a")).toEqual({ n: 1 });
    expect(await getJson("/api/v1/a")).toEqual({ n: 1 });
    const headers = fetched.mock.calls[1]?.[1]?.headers as Record<string, string>;
    expect(headers["if-none-match"]).toBe('"7"');
  });
  it("walk pages by the link they name, relative or whole", async () => {
    fetched.mockImplementation(() => Promise.resolve(json({ items: [2], next: null })));
    await nextPage("/api/v1/parcels?limit=1", { items: [1], next: "/api/v1/parcels?cursor=x" });
    await nextPage("/api/v1/parcels?limit=1", { items: [1], next: "?cursor=y" });
    expect(fetched.mock.calls.map(([address]) => address)).toEqual(["/api/v1/parcels?cursor=x", "/api/v1/parcels?cursor=y"]);
    expect(await nextPage("/api/v1/parcels", { items: [], next: null })).toBeNull();
  });
});

describe("refusals", () => {
  it("carry the problem with field and remedy", async () => {
    const body = { type: "/problems/crs-missing", title: "No CRS", status: 422, detail: "say which", field: "crs", remedy: "crs=EPSG:4490" };
    fetched.mockResolvedValueOnce(json(body, { status: 422, headers: { "content-type": "application/problem+json" } }));
    const error = await send("/api/v1/imports").catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ProblemError);
    expect((error as ProblemError).problem).toEqual(body);
    expect(reached).toEqual([true]);
  });
  it("are told to whoever keeps the session, and what was remembered of somebody can be forgotten", async () => {
    const heard: unknown[] = [];
    listenToRefusals((status, code) => heard.push([status, code]));
    fetched.mockResolvedValueOnce(json({ n: 1 }, { headers: { etag: '"8"' } }));
    await getJson("/api/v1/b");
    fetched.mockResolvedValueOnce(json({ title: "Sign in first", status: 401, code: "session_ended" }, { status: 401 }));
    await expect(getJson("/api/v1/b")).rejects.toBeInstanceOf(ProblemError);
    expect(heard).toEqual([[401, "session_ended"]]);
    forgetAnswers();
    fetched.mockResolvedValueOnce(json({ n: 2 }));
    expect(await getJson("/api/v1/b")).toEqual({ n: 2 });
    expect(fetched.mock.calls[2]?.[1]?.headers).not.toHaveProperty("if-none-match");
    listenToRefusals(() => undefined);
  });
  it("stay readable when the answer is no problem document", async () => {
    fetched.mockResolvedValueOnce(new Response("<h1>oops</h1>", { status: 500, statusText: "Internal Server Error", headers: { "content-type": "text/html" } }));
    const error = (await send("/x").catch((caught: unknown) => caught)) as ProblemError;
    expect(error.problem).toMatchObject({ status: 500, title: "Internal Server Error" });
  });
  it("tell a lost server from a refusal, and an abort from both", async () => {
    fetched.mockRejectedValueOnce(new TypeError("failed to fetch"));
    await expect(send("/x")).rejects.toBeInstanceOf(LostServerError);
    fetched.mockResolvedValueOnce(new Response("", { status: 502 }));
    await expect(send("/x")).rejects.toBeInstanceOf(LostServerError);
    expect(reached).toEqual([false, false]);
    fetched.mockRejectedValueOnce(new DOMException("aborted", "AbortError"));
    await expect(send("/x")).rejects.toBeInstanceOf(DOMException);
    expect(reached).toEqual([false, false]);
  });
});

it("leaves empty parts out of a query", () => {
  expect(withQuery("/a", { q: "", as_of: null, limit: 5, count: true, dry: false, name: "西 湖" })).toBe("/a?limit=5&count=true&name=%E8%A5%BF+%E6%B9%96");
});
