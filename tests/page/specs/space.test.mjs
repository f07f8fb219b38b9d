import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { describe, test } from "node:test";
import { account, asReader, askAs, useBrowser } from "../drivers/browser.mjs";

// Where SCREENSHOTS names a folder, what is seen is kept there.
const screenshots = process.env.SCREENSHOTS;

async function keep(reader, name) {
  if (screenshots === undefined) return;
  mkdirSync(screenshots, { recursive: true });
  await reader.page.screenshot({ path: `${screenshots}/${name}.png` });
}

async function post(address, body) {
  const response = await askAs(account.username, address, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  assert.equal(response.status, 201, JSON.stringify(answer));
  return answer.id;
}

const run = Math.floor(Math.random() * 90_000);

/** A city bureau of eighty with one office of 24.6 m² on the third floor of a building of its own. */
async function bureau(column) {
  const west = 111.9 + (run % 300) * 0.01 + column * 0.002;
  const south = 26.6 + Math.floor(run / 300) * 0.002;
  const ring = [[west, south], [west + 0.0005, south], [west + 0.0005, south + 0.0005], [west, south + 0.0005], [west, south]];
  const building = await post("/api/v1/buildings", { name: `测算楼${run}-${column}`, code: `S-${run}-${column}`, valid_from: "2020-01-01", floors_above: 5, geometry: { type: "Polygon", coordinates: [ring] } });
  const unit = await post("/api/v1/units", {
    code: `S-${run}-${column}`, name: `测算局${run}-${column}`, level: "city", kind: "government_organ", valid_from: "2020-01-01",
    headcount: { "正局(处)级": 1, "副局(处)级": 4, "局(处)级以下": 75 },
  });
  await post("/api/v1/rooms", { building_id: building, floor: 3, number: "301", use_area_m2: 24.6, building_area_m2: 36, unit_id: unit, room_type: "office", valid_from: "2020-01-01" });
  return { building, unit };
}

describe("the space standard", () => {
  useBrowser();

  for (const language of ["zh", "en"]) {
    test(`the calculator shows the third example with every step (${language})`, (t) =>
      asReader(t, async (reader) => {
        await reader.opens(`/?panel=space&lang=${language}`);
        const form = reader.part("space-form");
        await form.waitFor();
        for (const [rank, persons] of [["bureau_chief", 1], ["bureau_deputy", 4], ["below_bureau", 75]]) {
          await form.locator(`[data-rank="${rank}"] input`).fill(String(persons));
        }
        for (const [what, count] of [["cars", 40], ["bicycles", 50], ["electric_bicycles", 20]]) {
          await form.locator(`[data-count="${what}"] input`).fill(String(count));
        }
        await reader.part("space-actual").fill("4301.08");
        await reader.part("space-actual").press("Enter");
        await reader.part("space-result").waitFor();
        assert.match(await reader.part("space-total").innerText(), /^4\s402\.14/);
        const steps = await reader.part("arithmetic").innerText();
        // Every rank times its limit, from the highest limit down, and nothing else.
        const offices = steps.split("\n").find((line) => line.includes("75 × 9")) ?? "";
        assert.deepEqual(offices.replace("=", "").split("+").map((term) => term.trim()), ["1 × 24", "4 × 18", "75 × 9"], steps);
        for (const words of ["(771 + 640) × 0.09", "1537.99 ÷ 0.65", "40 × 40", "2674"]) assert.ok(steps.includes(words), `${words}: ${steps}`);
        // 4 301.08 m² against 2 366.14 m².
        assert.match(await reader.part("space-excess").innerText(), /1\s934\.94/);
        await keep(reader, `space-calculator-${language}`);
      }));
  }

  test("nobody counted is refused where it is, and a level has its own ranks", (t) =>
    asReader(t, async (reader) => {
      await reader.opens("/?panel=space&lang=zh");
      await reader.part("space-form").waitFor();
      await reader.part("space-calculate").click();
      await reader.part("space-trouble").waitFor();
      assert.equal(await reader.page.locator('[data-rank="city_chief"]').count(), 1);
      assert.equal(await reader.page.locator('[data-rank="county_chief"]').count(), 0);
    }, { forgive: [/422/] }));

  for (const language of ["zh", "en"]) {
    test(`who sits in a room is registered on the card, and the unit shows it above its limit (${language})`, (t) =>
      asReader(t, async (reader) => {
        const { building, unit } = await bureau(language === "zh" ? 0 : 1);
        await reader.opens(`/?asset=buildings/${building}&lang=${language}`);
        const room = reader.part("building-room").first();
        await room.getByRole("button", { name: "301" }).click();
        await reader.part("occupant-add").click();
        await reader.part("occupant-person").fill("王芳");
        await reader.part("occupant-rank").fill("县级正职");
        await reader.part("occupant-save").click();
        // A rank of another level is refused.
        await reader.part("room-occupants").locator(".notice.danger").waitFor();
        await reader.part("occupant-rank").fill("副局(处)级");
        await reader.part("occupant-save").click();
        await reader.part("room-verdict").waitFor();
        assert.match(await reader.part("room-verdict").innerText(), /6\.60/);
        await reader.part("room-occupants").scrollIntoViewIfNeeded();
        await keep(reader, `space-occupants-${language}`);

        await reader.opens(`/?panel=space&unit=${unit}&lang=${language}`);
        await reader.part("comparison").waitFor();
        const compared = await reader.page.locator('[data-compared="use_area"]').innerText();
        assert.match(compared, /1\s537\.99/);
        const check = await reader.part("room-check").first().innerText();
        assert.ok(check.includes("王芳") && check.includes("6.60"), check);
        await keep(reader, `space-unit-${language}`);
      }, { forgive: [/422/] }));
  }
});
