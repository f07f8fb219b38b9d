import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { describe, test } from "node:test";
import { account, asReader, askAs, useBrowser } from "../drivers/browser.mjs";

// Where SCREENSHOTS names a folder, what is seen is kept there.
const screenshots = process.env.SCREENSHOTS;

async function keep(reader, name) {
  if (screenshots === undefined) return;
  mkdirSync(screenshots, { recursive: true });
  for (const [width, height] of [[1440, 900], [1024, 768]]) {
    await reader.page.setViewportSize({ width, height });
    await reader.page.waitForTimeout(400);
    await reader.page.screenshot({ path: `${screenshots}/${name}-${width}.png` });
  }
}

const demo = (role) => ({ username: `demo-${role}`, password: account.password });
const run = Math.floor(Math.random() * 90_000);

async function post(who, address, body) {
  const response = await askAs(`demo-${who}`, address, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  assert.equal(response.status, 201, JSON.stringify(answer));
  return answer.id;
}

/** An idle building with its case. */
async function idle(name, column) {
  const west = 111.4 + (run % 300) * 0.01 + column * 0.002;
  const south = 27.2 + Math.floor(run / 300) * 0.002;
  const ring = [[west, south], [west + 0.001, south], [west + 0.001, south + 0.001], [west, south + 0.001], [west, south]];
  const building = await post("asset-manager", "/api/v1/buildings", {
    name, valid_from: "2020-01-01", occupancy: "idle", idle_since: "2025-03-01", usage: "administrative_office", geometry: { type: "Polygon", coordinates: [ring] },
  });
  return post("asset-manager", "/api/v1/policy-cases", { procedure: "idle_disposal", asset_id: building, idle_reason: "surplus" });
}

describe("worklist", () => {
  useBrowser();

  for (const [column, language, words] of [
    [0, "zh", { kind: "一资一策", step: "核实" }],
    [1, "en", { kind: "Policy case", step: "Verify" }],
  ]) {
    test(`what waits is counted, listed, narrowed by kind and opened (${language})`, async (t) => {
      const name = `待办楼${run}${language}`;
      const id = await idle(name, column);
      await asReader(t, async (manager) => {
        await manager.opens(`/?panel=tasks&lang=${language}`);
        const task = manager.page.locator('[data-testid="task-policy_case"]').filter({ hasText: name });
        await manager.part("task-badge").waitFor();
        await manager.part("task-list").waitFor();
        // The newest of many may be on a later page.
        while ((await task.count()) === 0 && (await manager.part("task-more").count()) > 0) {
          const shown = await manager.page.locator("button.task").count();
          await manager.part("task-more").click();
          await manager.page.waitForFunction((before) => document.querySelectorAll("button.task").length > before, shown);
        }
        await task.waitFor();
        await task.filter({ hasText: words.kind }).waitFor();
        await keep(manager, `tasks-${language}`);

        // By the keyboard: from one to the next, and in.
        const rows = manager.page.locator('[data-testid="task-list"] button.task');
        await rows.first().focus();
        if ((await rows.count()) > 1) {
          await manager.page.keyboard.press("ArrowDown");
          await manager.page.waitForFunction(() => document.activeElement === document.querySelectorAll('[data-testid="task-list"] button.task')[1]);
        }
        await task.focus();
        await manager.page.keyboard.press("Enter");
        await manager.page.waitForURL(new RegExp(`policy=${id}`));
        await manager.page.locator(".context-panel").filter({ hasText: name }).waitFor();
      }, { as: demo("asset-manager") });

      // Whoever only looks has nothing to do, and isn't offered a list of it.
      await asReader(t, async (viewer) => {
        await viewer.opens(`/?lang=${language}`);
        await viewer.part("rail-layers").waitFor();
        assert.equal(await viewer.part("rail-tasks").count(), 0);
        await viewer.opens(`/?panel=tasks&lang=${language}`);
        await viewer.part("task-none").waitFor();
        await keep(viewer, `tasks-none-${language}`);
      }, { as: demo("viewer") });
    });
  }
});
