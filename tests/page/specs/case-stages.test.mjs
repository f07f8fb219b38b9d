// What is being done about an asset, seen on the map (处置进度): coloured, counted, filtered, at every zoom.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { describe, test } from "node:test";
import { account, asReader, askAs, useBrowser } from "../drivers/browser.mjs";

// Where SCREENSHOTS names a folder, what is seen is kept there.
const screenshots = process.env.SCREENSHOTS;

async function keep(reader, name) {
  if (screenshots === undefined) return;
  mkdirSync(screenshots, { recursive: true });
  await reader.page.waitForTimeout(800);
  await reader.page.screenshot({ path: `${screenshots}/${name}.png` });
}

const demo = (role) => ({ username: `demo-${role}`, password: account.password });
const run = Math.floor(Math.random() * 90_000);

async function made(who, address, body) {
  const response = await askAs(`demo-${who}`, address, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  assert.equal(response.status, 201, `${address}: ${JSON.stringify(answer)}`);
  return answer.id;
}

async function step(who, id, transition, extra = {}) {
  const at = `/api/v1/policy-cases/${id}`;
  const { version_id: version } = await (await askAs(`demo-${who}`, at)).json();
  const answer = await askAs(`demo-${who}`, `${at}/transitions`, {
    method: "POST", headers: { "content-type": "application/json", "if-match": `"${version}"` }, body: JSON.stringify({ transition, ...extra }),
  });
  assert.equal(answer.status, 200, JSON.stringify(await answer.json()));
}

/** Five parcels in a row, from west to east; the third is in the middle. */
async function row(south, named) {
  const west = 111.2 + (run % 300) * 0.01;
  const ids = [];
  for (let column = 0; column < 5; column++) {
    const x = west + column * 0.001;
    const ring = [[x, south], [x + 0.0009, south], [x + 0.0009, south + 0.0009], [x, south + 0.0009], [x, south]];
    ids.push(await made("asset-manager", "/api/v1/parcels", {
      code: `CS-${run}-${Math.round(south * 1e4)}-${column}`, name: `${named}-${column}`, valid_from: "2020-01-01", geometry: { type: "Polygon", coordinates: [ring] },
    }));
  }
  return { ids, middle: { longitude: west + 0.00245, latitude: south + 0.00045 } };
}

describe("the stage of cases on the map", () => {
  useBrowser();

  for (const [offset, language, words] of [
    [0, "zh", { theme: "处置进度", phase: "研究拟定", none: "无在办案件" }],
    [0.01, "en", { theme: "Case stage", phase: "Being prepared", none: "No open case" }],
  ]) {
    test(`is coloured, counted, followed and filtered (${language})`, async (t) => {
      const named = `处置地${run}${language}`;
      const { ids, middle } = await row(28.1 + Math.floor(run / 300) * 0.002 + offset, named);
      // Nothing is done about the first and the fourth; the two between are looked at, the title of the last is worked on.
      await made("asset-manager", "/api/v1/policy-cases", { procedure: "idle_disposal", asset_id: ids[1], idle_reason: "surplus" });
      const second = await made("asset-manager", "/api/v1/policy-cases", { procedure: "idle_disposal", asset_id: ids[2], idle_reason: "surplus" });
      await made("title-clerk", "/api/v1/title-cases", { asset_id: ids[4] });
      const small = language === "en" ? { width: 1024, height: 768 } : {};
      await asReader(t, async (manager) => {
        await manager.opensAt(middle, 17, `&theme=case_phase&panel=none&lang=${language}`);
        await manager.seesInView(5);
        assert.equal(await manager.part("theme-select").locator("option:checked").innerText(), words.theme);
        for (const [value, count] of [["preparing", 2], ["deciding", 0], ["titling", 1], ["none", 2]]) await manager.seesLegendCount(value, count);
        assert.match(await manager.part("legend").innerText(), new RegExp(words.phase));
        await keep(manager, `stages-${language}-light`);

        // Filtered by a click, on the map and in the table alike.
        await manager.clicksLegend("none");
        await manager.waitsForAddress("hide", "none");
        await manager.part("rail-table").click();
        await manager.part("table").locator("header input[type=text]").fill(named);
        await manager.page.waitForFunction((wanted) => document.querySelectorAll("[data-testid=table] tbody tr").length === wanted, 3);
        assert.match(await manager.part("table").innerText(), new RegExp(words.phase));
        await keep(manager, `stages-table-${language}-light`);
        await manager.part("rail-table").click();
        await manager.clicksLegend("preparing");
        await manager.waitsForAddress("hide", "preparing,none");
        await manager.findsNothingInTheMiddle();
        await manager.clicksLegend("preparing");
        await manager.clicksLegend("none");
        await manager.waitsForAddress("hide", null);

        // A step that somebody takes meanwhile is seen without asking.
        await step("asset-manager", second, "drop", { reason: "误立" });
        await manager.seesLegendCount("none", 3);
        await manager.seesLegendCount("preparing", 1);

        // In the dark, and from far above as totals.
        await manager.page.locator(".side-rail .foot .entry").first().click();
        await manager.page.waitForFunction(() => document.documentElement.classList.contains("dark"));
        await keep(manager, `stages-${language}-dark`);
        await manager.opensAt(middle, 9, `&theme=case_phase&panel=none&lang=${language}`);
        await manager.page.waitForFunction(() => {
          const count = document.querySelector('[data-testid=legend] [data-value="preparing"] .count')?.textContent ?? "";
          return Number(count.replaceAll(/\s/g, "")) >= 1;
        });
        await keep(manager, `stages-far-${language}-dark`);
      }, { as: demo("asset-manager"), ...small });
    });
  }
});
