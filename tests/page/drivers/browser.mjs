// Starts Chromium and watches what no reader should ever see: outside requests and errors.
import { mkdirSync } from "node:fs";
import { after, before } from "node:test";
import { chromium } from "playwright-core";
import { Reader } from "./reader.mjs";

export const server = process.env.YICE_URL?.replace(/\/$/, "");
if (!server) throw new Error("YICE_URL must name a served registry, such as http://127.0.0.1:8080");

/** Whom stories are about unless they say otherwise, and the token with which tests look past the page. */
export const account = { username: process.env.YICE_USER, password: process.env.YICE_PASSWORD };
if (!account.username || !account.password || !process.env.YICE_TOKEN) {
  throw new Error("YICE_USER, YICE_PASSWORD and YICE_TOKEN must say who the tests are, as scripts/with-server does");
}

/** Asks the server itself, past the page. */
export function ask(path, init = {}) {
  return fetch(server + path, { ...init, headers: { authorization: `Bearer ${process.env.YICE_TOKEN}`, ...init.headers } });
}

const cookies = new Map();

/** Asks the server itself, past the page, as one of the demo's people. */
export async function askAs(username, path, init = {}) {
  if (!cookies.has(username)) {
    const answer = await fetch(`${server}/api/v1/session`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ username, password: account.password }),
    });
    if (!answer.ok) throw new Error(`signing in as ${username}: ${answer.status}`);
    cookies.set(username, answer.headers.get("set-cookie").split(";")[0]);
  }
  return fetch(server + path, { ...init, headers: { cookie: cookies.get(username), ...init.headers } });
}

const flags = [
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  // Shared memory is small in containers; Chromium falls over when it is full.
  "--disable-dev-shm-usage",
  // WebGL in software, for machines without a graphics card.
  "--use-gl=angle",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
  "--ignore-gpu-blocklist",
];

let browser;

/** Shares one browser among the tests of a file. */
export function useBrowser() {
  before(async () => {
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags });
  });
  after(() => browser?.close());
}

/**
 * Gives `story` a reader with a fresh page, and fails for outside requests and errors.
 * `forgive` takes console texts that the story causes on purpose; `as` is who is signed in, null for nobody; `beside` are
 * sites that the story leads to on purpose.
 */
export async function asReader(test, story, { width = 1440, height = 900, forgive = [], as = account, beside = [] } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, locale: "zh-CN", timezoneId: "Asia/Shanghai", acceptDownloads: true });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  if (as !== null) {
    const answer = await context.request.post(`${server}/api/v1/session`, { data: as });
    if (!answer.ok()) throw new Error(`signing in: ${answer.status()} ${await answer.text()}`);
  }
  const page = await context.newPage();
  page.setDefaultTimeout(45_000);
  const complaints = [];
  page.on("request", (request) => {
    const url = request.url();
    if (![server, ...beside].some((site) => url.startsWith(site)) && !/^(data|blob|about):/.test(url)) complaints.push(`asked an outside host: ${url}`);
  });
  page.on("console", (message) => {
    if (message.type() !== "error") return;
    const text = `${message.text()} (${message.location().url})`;
    if (!forgive.some((pattern) => pattern.test(text))) complaints.push(`console error: ${text}`);
  });
  page.on("pageerror", (error) => complaints.push(`uncaught: ${error.stack}`));
  try {
    await story(new Reader(page, server));
    if (complaints.length > 0) throw new Error(complaints.join("\n"));
  } catch (error) {
    const results = new URL("../results/", import.meta.url).pathname;
    mkdirSync(results, { recursive: true });
    await page.screenshot({ path: `${results}${test.name.replaceAll(/[^\w]+/g, "-")}.png` }).catch(() => undefined);
    throw error;
  } finally {
    await context.close();
  }
}
