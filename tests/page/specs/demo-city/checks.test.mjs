import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { asReader, ask, useBrowser } from "../../drivers/browser.mjs";

const planted = readFileSync(new URL("../../../../gis-data/samples/demo_city/faults.csv", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("GEO-02"));

/** The first check of everything runs by itself soon after the start. */
async function findingsAreThere() {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const answer = await ask("/api/v1/checks");
    if (answer.ok && (await answer.json()).state === "done") return;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  throw new Error("nothing was checked");
}

describe("the checks of the demo city", () => {
  useBrowser();
  test("everything has been checked", findingsAreThere);

  test("a manager sees what is at fault, goes there, and gives it to somebody", (t) =>
    asReader(t, async (manager) => {
      await manager.opens("/?lang=zh&panel=checks");
      const rule = manager.part("rule-GEO-02");
      await rule.waitFor();
      assert.match(await rule.innerText(), new RegExp(`宗地重叠\\s+${planted.length}`));
      await rule.click();
      const findings = manager.part("finding");
      await findings.first().waitFor();
      assert.equal(await findings.count(), planted.length);
      assert.match(await findings.first().innerText(), /与另一宗地重叠 [\d.]+ m²/);

      await findings.first().locator("button").first().click();
      const card = await manager.readsTheCard();
      assert.match(card.code, /^3204/);
      await manager.part("card-findings").waitFor();
      assert.match(await manager.part("card-findings").innerText(), /检查发现 \d+ 个问题/);

      await findings.first().locator("[data-testid=finding-decide]").click();
      await manager.part("finding-owner").fill("钟楼区机关事务管理局");
      await manager.part("finding-save").click();
      await manager.page.waitForFunction(() => document.querySelector("[data-testid=finding]")?.innerText.includes("整改中"));
      assert.match(await findings.first().innerText(), /责任人 钟楼区机关事务管理局/);

      // An exception wants its reason, and its day.
      await findings.nth(1).locator("[data-testid=finding-decide]").click();
      await manager.page.getByText("认可例外", { exact: true }).click();
      await manager.part("finding-save").click();
      await manager.page.getByText("请写明理由").waitFor();
      await manager.part("finding-reason").fill("相邻两宗正在并宗");
      await manager.part("finding-save").click();
      await manager.page.getByText("请选择例外的有效期").waitFor();
      await manager.page.keyboard.press("Escape");
    }));

  test("everything is checked again, with its progress and its end", (t) =>
    asReader(t, async (manager) => {
      await manager.opens("/?lang=en&panel=checks");
      await manager.part("rule-COD-01").waitFor();
      const before = (await (await ask("/api/v1/checks")).json()).id;
      await manager.part("checks-run").click();
      for (;;) {
        const check = await (await ask("/api/v1/checks")).json();
        if (check.id !== before && check.state === "done") break;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      await manager.page.waitForFunction(() => /Last full check/.test(document.querySelector("[data-testid=checks-last]")?.textContent ?? ""));
      assert.match(await manager.part("rule-COD-01").innerText(), /Form of the unit code\s+6/);
    }));
});
