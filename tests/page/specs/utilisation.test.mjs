import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { before, describe, test } from "node:test";
import { account, asReader, askAs, useBrowser } from "../drivers/browser.mjs";

// Where SCREENSHOTS names a folder, what is seen is kept there.
const screenshots = process.env.SCREENSHOTS;

async function keep(reader, name) {
  if (screenshots === undefined) return;
  mkdirSync(screenshots, { recursive: true });
  await reader.page.screenshot({ path: `${screenshots}/${name}.png` });
}

async function send(address, body, headers) {
  const response = await askAs(account.username, address, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });
  const answer = await response.json();
  assert.ok(response.ok, JSON.stringify(answer));
  return { answer, etag: response.headers.get("etag") };
}
const post = async (address, body) => (await send(address, body, { "idempotency-key": crypto.randomUUID() })).answer.id;

const run = Math.floor(Math.random() * 90_000);

/** A building of 400 m² of offices for ten people, to whom 185.30 m² are due. */
async function office() {
  const [west, south] = [112.9 + (run % 300) * 0.01, 26.9 + Math.floor(run / 300) * 0.002];
  const ring = [[west, south], [west + 0.0005, south], [west + 0.0005, south + 0.0005], [west, south + 0.0005], [west, south]];
  const building = await post("/api/v1/buildings", {
    name: `低效楼${run}`, code: `U-${run}`, address: `试验路${run}号`, valid_from: "2020-01-01", usage: "administrative_office", occupancy: "in_use", geometry: { type: "Polygon", coordinates: [ring] },
  });
  const unit = await post("/api/v1/units", { code: `U-${run}`, name: `宽敞局${run}`, level: "city", kind: "government_organ", headcount: { "局(处)级以下": 10 }, valid_from: "2020-01-01" });
  const rooms = [];
  for (const number of ["101", "102"]) {
    rooms.push(await post("/api/v1/rooms", { building_id: building, floor: 1, number, use_area_m2: 200, building_area_m2: 280, room_type: "office", unit_id: unit, occupancy: "in_use", valid_from: "2020-01-01" }));
  }
  return { building, unit, rooms };
}

describe("how far buildings are used", () => {
  useBrowser();
  let offices;
  before(async () => {
    offices = await office();
  });

  test("low use is told on the card with its arithmetic, and in find space apart from what is idle", async (t) => {
    const { building } = offices;
    await asReader(t, async (reader) => {
      await reader.opens(`/?lang=zh&asset=buildings/${building}`);
      const section = reader.part("card-utilisation");
      await section.filter({ hasText: "低效利用" }).waitFor();
      const arithmetic = (await reader.part("card-utilisation-arithmetic").innerText()).replaceAll("\u00a0", " ");
      assert.match(arithmetic, /占在用办公用房 400.* 的 46 %（低于 60 % 为低效利用）/);
      await section.locator("summary").click();
      await section.filter({ hasText: "国家未规定低效利用的比例" }).waitFor();
      await section.scrollIntoViewIfNeeded();
      await keep(reader, "utilisation-card-zh");

      await reader.opens("/?lang=zh&panel=idle");
      await reader.part("find-totals").waitFor();
      assert.equal(await reader.part("find-low-use-totals").count(), 0);
      await reader.part("find-low-use").click();
      await reader.part("find-ask").click();
      await reader.part("find-low-use-totals").waitFor();
      const found = reader.part("find-low-use-result").filter({ hasText: `低效楼${run}` });
      await found.waitFor();
      await found.scrollIntoViewIfNeeded();
      await keep(reader, "utilisation-find-zh");
      await found.click();
      await section.filter({ hasText: `宽敞局${run}` }).waitFor({ state: "attached" });

      await reader.opens("/?lang=en");
      await reader.part("overview-utilisation").locator("summary").click();
      await reader.part("utilisation-low_use").waitFor();
      await reader.part("overview-utilisation").scrollIntoViewIfNeeded();
      await keep(reader, "utilisation-overview-en");
    });
  });

  test("a certificate is shown as a sheet of paper", async (t) => {
    const { building, unit, rooms } = offices;
    const drafted = await send(
      "/api/v1/use-agreements",
      { unit_id: unit, room_ids: rooms, purpose: "行政办公", approved_area_m2: 185.3, starts_on: "2026-01-01", ends_on: "2029-01-01", documents: ["使用协议"] },
      { "idempotency-key": crypto.randomUUID() },
    );
    const steps = `/api/v1/use-agreements/${drafted.answer.id}/steps`;
    const signed = await send(steps, { step: "sign", on: "2026-02-01", agreement_no: `协${run}号` }, { "if-match": drafted.etag });
    await send(steps, { step: "certify", on: "2026-02-10", certificate_no: `用证${run}号` }, { "if-match": signed.etag });
    await asReader(t, async (reader) => {
      await reader.opens(`/?lang=zh&asset=buildings/${building}`);
      const line = reader.part("agreement").filter({ hasText: `用证${run}号` });
      await line.waitFor();
      await line.locator("[data-testid=agreement-certificate]").click();
      const paper = reader.part("sheet-paper");
      await paper.getByText(`证号：用证${run}号`).waitFor();
      const text = await paper.locator(".sheet").innerText();
      assert.match(text, /办公用房分配使用凭证/);
      assert.match(text, /2026年1月1日至2028年12月31日/);
      assert.ok(text.includes(`宽敞局${run}`), "whose it is");
      assert.equal(await paper.locator("table").nth(1).locator("tbody tr").count(), 2);
      // Once it has come in.
      await reader.page.waitForTimeout(400);
      await keep(reader, "certificate-zh");
    });
  });
});
