// Takes the pictures of the README of the registry that YICE_URL names: screenshots.mjs FOLDER
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

const { chromium } = createRequire(new URL("../tests/page/package.json", import.meta.url))("playwright-core");

const server = process.env.YICE_URL;
const folder = process.argv[2];
const account = { username: process.env.YICE_USER, password: process.env.YICE_PASSWORD };
if (!server || !folder || !account.username || !account.password || !process.env.YICE_TOKEN) {
  console.error("usage: scripts/with-server node scripts/screenshots.mjs FOLDER");
  process.exit(2);
}

const sizes = [
  { suffix: "", width: 1440, height: 900 },
  { suffix: "-small", width: 1024, height: 768 },
];

async function json(path) {
  const answer = await fetch(server + path, { headers: { authorization: `Bearer ${process.env.YICE_TOKEN}` } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** A parcel worth showing: a large one near the middle of the data, with its outline in view. */
async function parcelToShow() {
  const { bounds } = await json("/api/v1/map");
  if (!bounds) throw new Error("the registry is empty: there is nothing to take a picture of");
  const [west, south, east, north] = bounds;
  const middle = [0.4, 0.6].map((part) => [west + (east - west) * part, south + (north - south) * part]);
  const bbox = [...middle[0], ...middle[1]].join(",");
  const { items } = await json(`/api/v1/parcels?bbox=${bbox}&limit=200`);
  if (items.length === 0) throw new Error(`no parcel in ${bbox}`);
  const byArea = items.toSorted((one, other) => one.area_m2 - other.area_m2);
  const chosen = byArea[Math.floor(byArea.length * 0.95)];
  return json(`/api/v1/parcels/${chosen.id}`);
}

/** Names are placed once the map rests, which takes a busy machine its time: the picture is taken when it changes no more. */
async function stillPicture(page) {
  let before = await page.screenshot();
  for (let attempt = 0; attempt < 10; attempt++) {
    await page.waitForTimeout(3000);
    const now = await page.screenshot();
    if (now.equals(before)) return now;
    before = now;
  }
  return before;
}

const parcel = await parcelToShow();
const [west, south, east, north] = parcel.bbox;
const at = (zoom) => [zoom, ((south + north) / 2).toFixed(5), ((west + east) / 2).toFixed(5)].join("/");
const pictures = [
  { name: "map", query: { at: at(16.4), asset: `parcels/${parcel.id}` } },
  { name: "overview", query: { at: at(13.2) } },
];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  // The flags keep Chromium from asking its maker's hosts; WebGL runs in software.
  args: [
    ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
  ],
});
try {
  for (const { suffix, width, height } of sizes) {
    for (const language of ["zh", "en"]) {
      for (const { name, query } of pictures) {
        const context = await browser.newContext({
          viewport: { width, height },
          locale: language === "zh" ? "zh-CN" : "en-GB",
        });
        const signedIn = await context.request.post(`${server}/api/v1/session`, { data: account });
        if (!signedIn.ok()) throw new Error(`signing in: ${signedIn.status()}`);
        const page = await context.newPage();
        page.on("pageerror", (error) => {
          throw error;
        });
        const address = new URL("/", server);
        address.search = new URLSearchParams({ lang: language, ...query }).toString();
        await page.goto(address.href, { waitUntil: "networkidle" });
        // The legend counts what is drawn: then the tiles have come, and fade in. In a small window it is folded up.
        const isCounted = () => /[1-9]/.test(document.querySelector("[data-testid=legend] footer span")?.textContent ?? "");
        await page.waitForFunction(isCounted, null, { timeout: suffix === "" ? 120_000 : 6_000 }).catch((error) => {
          if (suffix === "") throw error;
        });
        const file = join(folder, `${name}-${language}${suffix}.png`);
        await writeFile(file, await stillPicture(page));
        console.log(file);
        await context.close();
      }
    }
  }
} finally {
  await browser.close();
}
