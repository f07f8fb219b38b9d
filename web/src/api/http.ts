// The one place that talks to the server: turns failures into problems, keeps ETags, walks pages.
import type { Page, Problem } from "@/api/types";

/** The server answered with a refusal or a fault. */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
    this.name = "ProblemError";
  }
}

/** The server could not be reached at all. */
export class LostServerError extends Error {
  constructor() {
    super("the server did not answer");
    this.name = "LostServerError";
  }
}

type ConnectionListener = (reached: boolean) => void;
let onConnection: ConnectionListener = () => undefined;

/** Names the one listener that hears, after every request, whether the server was reached. */
export function listenToConnection(listener: ConnectionListener): void {
  onConnection = listener;
}

type RefusalListener = (status: number, code: string | null) => void;
let onRefusal: RefusalListener = () => undefined;

/** Names the one listener that hears of every refusal: that nobody is signed in any more is no panel's own affair. */
export function listenToRefusals(listener: RefusalListener): void {
  onRefusal = listener;
}

const rememberedAnswers = new Map<string, { etag: string; body: unknown }>();
const rememberedAnswersKept = 200;

function remember(address: string, etag: string, body: unknown): void {
  rememberedAnswers.delete(address);
  rememberedAnswers.set(address, { etag, body });
  const oldest = rememberedAnswers.keys().next().value;
  if (rememberedAnswers.size > rememberedAnswersKept && oldest !== undefined) rememberedAnswers.delete(oldest);
}

/** Forgets every answer: they were somebody's who is no longer signed in. */
export function forgetAnswers(): void {
  rememberedAnswers.clear();
}

async function problemFrom(response: Response): Promise<Problem> {
  const fallback: Problem = { type: "about:blank", title: response.statusText || String(response.status), status: response.status };
  if (!(response.headers.get("content-type") ?? "").includes("json")) return fallback;
  try {
    const body = (await response.json()) as Partial<Problem>;
    return { ...fallback, ...body };
  } catch {
    return fallback;
  }
}

/** Sends a request and gives the answer back; throws `ProblemError`, `LostServerError` or an abort. */
export async function send(address: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, { ...init, headers: { accept: "application/json", ...init.headers } });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    onConnection(false);
    throw new LostServerError();
  }
  // 502 and 504 come from a proxy in front of a server that is gone.
  const reached = response.status !== 502 && response.status !== 504;
  onConnection(reached);
  if (!reached) throw new LostServerError();
  if (!response.ok && response.status !== 304) {
    const problem = await problemFrom(response);
    onRefusal(response.status, problem.code ?? null);
    throw new ProblemError(problem);
  }
  return response;
}

/**
 * Sends a form and tells how much of it is on its way, from 0 to 1, which `fetch` can't. Throws as `send` does.
 */
export function sendForm(address: string, form: FormData, onProgress: (share: number) => void, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const lost = () => {
      onConnection(false);
      reject(new LostServerError());
    };
    signal.addEventListener("abort", abort);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("abort", () => reject(new DOMException("given up", "AbortError")));
    request.addEventListener("error", lost);
    request.addEventListener("loadend", () => signal.removeEventListener("abort", abort));
    request.addEventListener("load", () => {
      if (request.status === 502 || request.status === 504) return lost();
      onConnection(true);
      const kind = request.getResponseHeader("content-type") ?? "";
      const response = new Response(request.responseText, { status: request.status, statusText: request.statusText, headers: { "content-type": kind } });
      if (response.ok) return void response.json().then(resolve, reject);
      void problemFrom(response).then((problem) => {
        onRefusal(response.status, problem.code ?? null);
        reject(new ProblemError(problem));
      });
    });
    request.open("POST", address);
    request.setRequestHeader("accept", "application/json");
    request.send(form);
  });
}

/** Has the browser keep a file. */
export function saveFile(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** Reads a JSON answer; an unchanged one (304) comes from memory. */
export async function getJson<Answer>(address: string, signal?: AbortSignal): Promise<Answer> {
  const remembered = rememberedAnswers.get(address);
  const response = await send(address, {
    ...(signal === undefined ? {} : { signal }),
    ...(remembered === undefined ? {} : { headers: { "if-none-match": remembered.etag } }),
    cache: "no-store",
  });
  if (response.status === 304 && remembered !== undefined) return remembered.body as Answer;
  const body = (await response.json()) as Answer;
  const etag = response.headers.get("etag");
  if (etag !== null) remember(address, etag, body);
  return body;
}

/** Reads what is put together of more than its own version, so that no remembered answer stands for it. */
export async function getFresh<Answer>(address: string, signal?: AbortSignal): Promise<Answer> {
  const response = await send(address, { ...(signal === undefined ? {} : { signal }), cache: "no-store" });
  return (await response.json()) as Answer;
}

/** An address with its query; empty values are left out. */
export function withQuery(path: string, query: Record<string, string | number | boolean | null | undefined>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "" || value === false) continue;
    parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** The page after `page`, or nothing when it was the last. `path` is where the list began. */
export async function nextPage<Item>(path: string, page: Page<Item>, signal?: AbortSignal): Promise<Page<Item> | null> {
  if (page.next === null) return null;
  const base = new URL(path, window.location.origin);
  const address = new URL(page.next, base);
  return getJson<Page<Item>>(address.pathname + address.search, signal);
}

/** Makes something; tells its id. Said twice by a nervous finger, it is made once. */
export async function create(address: string, body: object): Promise<string> {
  const response = await send(address, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify(body),
  });
  return ((await response.json()) as { id: string }).id;
}
