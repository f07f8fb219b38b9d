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

/** An idle building at an address, in a site, with its case. */
async function idle(name, column, stands = {}) {
  const west = 111.4 + (run % 300) * 0.01 + column * 0.002;
  const south = 27.2 + Math.floor(run / 300) * 0.002;
  const ring = [[west, south], [west + 0.001, south], [west + 0.001, south + 0.001], [west, south + 0.001], [west, south]];
  const building = await post("asset-manager", "/api/v1/buildings", {
    name, valid_from: "2020-01-01", occupancy: "idle", idle_since: "2025-03-01", usage: "administrative_office", geometry: { type: "Polygon", coordinates: [ring] },
    ...(stands.address === undefined ? {} : { address: stands.address }),
  });
  if (stands.site !== undefined) {
    const site = await post("asset-manager", "/api/v1/sites", { name: stands.site, valid_from: "2020-01-01", geometry: { type: "Polygon", coordinates: [ring] } });
    const related = await askAs("demo-asset-manager", `/api/v1/sites/${site}/relations`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
      body: JSON.stringify({ related_id: building, valid_from: "2020-01-01" }),
    });
    assert.equal(related.status, 201);
  }
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

  for (const [column, language] of [[4, "zh"], [6, "en"]]) {
    test(`two buildings of one name are told apart by where they stand (${language})`, async (t) => {
      const name = `1号教学楼${run}${language}`;
      const first = await idle(name, column, { site: `东校区${run}${language}`, address: `东风路${run}号` });
      const second = await idle(name, column + 1, { address: `西环路${run}号` });
      await asReader(t, async (manager) => {
        await manager.opens(`/?panel=tasks&lang=${language}`);
        await manager.part("task-list").waitFor();
        const named = manager.page.locator('[data-testid="task-policy_case"]').filter({ hasText: name });
        while ((await named.count()) < 2 && (await manager.part("task-more").count()) > 0) {
          const shown = await manager.page.locator("button.task").count();
          await manager.part("task-more").click();
          await manager.page.waitForFunction((before) => document.querySelectorAll("button.task").length > before, shown);
        }
        assert.deepEqual((await named.locator('[data-testid="task-where"]').allInnerTexts()).sort(), [`东校区${run}${language} · 东风路${run}号`, `西环路${run}号`].sort());
        await named.first().scrollIntoViewIfNeeded();
        await keep(manager, `tasks-where-${language}`);
        await named.filter({ hasText: `西环路${run}号` }).click();
        await manager.page.waitForURL(new RegExp(`policy=${second}`));

        await manager.part("policy-all").click();
        await manager.types("policy-q", name);
        const rows = manager.page.locator('[data-testid="policy-row"]').filter({ hasText: name });
        await manager.page.waitForFunction(() => document.querySelectorAll("[data-testid=policy-row]").length === 2);
        assert.deepEqual((await rows.locator('[data-testid="policy-where"]').allInnerTexts()).sort(), [`东校区${run}${language} · 东风路${run}号`, `西环路${run}号`].sort());
        await keep(manager, `policies-where-${language}`);
        await rows.filter({ hasText: `东校区${run}${language}` }).click();
        await manager.page.waitForURL(new RegExp(`policy=${first}`));
      }, { as: demo("asset-manager") });
    });

    test(`a count that can't be had is told as unknown, and told again by the next (${language})`, async (t) => {
      await idle(`待办楼${run}${language}计数`, column + 4);
      await asReader(t, async (manager) => {
        await manager.opens(`/?lang=${language}`);
        await manager.part("task-badge").waitFor();
        const summary = "**/api/v1/tasks/summary";
        await manager.page.route(summary, (route) => route.fulfill({ status: 500, contentType: "application/problem+json", body: JSON.stringify({ type: "urn:yice:problem:internal", title: "Something is wrong here", status: 500 }) }));
        await manager.part("rail-tasks").click();
        const unknown = manager.part("task-badge-unknown");
        await unknown.waitFor();
        assert.equal(await manager.part("task-badge").count(), 0);
        assert.match(await unknown.getAttribute("title"), { zh: /^待办数未知：/, en: /^How much waits isn't known: / }[language]);
        assert.equal(await manager.page.locator(".el-message").count(), 0);
        await keep(manager, `tasks-unknown-${language}`);
        await manager.page.unroute(summary);
        // Closed and opened again, the list asks anew.
        await manager.part("rail-tasks").click();
        await manager.part("rail-tasks").click();
        await manager.part("task-badge").waitFor();
        assert.equal(await unknown.count(), 0);
      }, { as: demo("asset-manager"), forgive: [/500/] });
    });
  }

  for (const [column, language] of [[2, "zh"], [3, "en"]]) {
    test(`what ends, what is filed and the next calendar lead to where they are done (${language})`, async (t) => {
      const west = 112.4 + (run % 300) * 0.01 + column * 0.002;
      const south = 27.6 + Math.floor(run / 300) * 0.002;
      const ring = [[west, south], [west + 0.001, south], [west + 0.001, south + 0.001], [west, south + 0.001], [west, south]];
      const name = `协议楼${run}${language}`;
      const unitName = `办事局${run}${language}`;
      const unit = await post("administrator", "/api/v1/units", { code: `BS-${run}-${language}`, name: unitName, level: "city", kind: "government_organ", valid_from: "2020-01-01" });
      const neighbour = await post("administrator", "/api/v1/units", { code: `BN-${run}-${language}`, name: `邻局${run}${language}`, level: "city", kind: "government_organ", valid_from: "2020-01-01" });
      const building = await post("asset-manager", "/api/v1/buildings", {
        name, valid_from: "2020-01-01", occupancy: "in_use", usage: "administrative_office", geometry: { type: "Polygon", coordinates: [ring] },
      });
      const room = await post("asset-manager", "/api/v1/rooms", {
        building_id: building, floor: 1, number: "101", use_area_m2: 20, building_area_m2: 30, unit_id: unit, occupancy: "in_use", room_type: "office", valid_from: "2020-01-01",
      });
      await post("asset-manager", "/api/v1/rooms", {
        building_id: building, floor: 1, number: "102", use_area_m2: 20, building_area_m2: 30, unit_id: neighbour, occupancy: "in_use", room_type: "office", valid_from: "2020-01-01",
      });
      const agreement = await post("asset-manager", "/api/v1/use-agreements", { unit_id: unit, room_ids: [room], purpose: "行政办公", starts_on: "2021-01-01", ends_on: "2026-01-01" });
      const at = `/api/v1/use-agreements/${agreement}`;
      const { version_id: version } = await (await askAs("demo-asset-manager", at)).json();
      const signed = await askAs("demo-asset-manager", `${at}/steps`, {
        method: "POST", headers: { "content-type": "application/json", "if-match": `"${version}"` },
        body: JSON.stringify({ step: "sign", on: "2021-01-05", agreement_no: `使协〔2021〕${run}号` }),
      });
      assert.equal(signed.status, 200, JSON.stringify(await signed.json()));

      /** The task of a kind that names something, by that kind alone. */
      async function finds(reader, kind, text) {
        await reader.opens(`/?panel=tasks&lang=${language}`);
        await reader.part("task-list").waitFor();
        await reader.chooses("task-kind", { zh: { use_agreement: "使用协议到期", use_filing: "年度备案公示" }, en: { use_agreement: "Use agreement", use_filing: "Yearly filing" } }[language][kind]);
        const task = reader.page.locator(`[data-testid="task-${kind}"]`).filter({ hasText: text }).first();
        while ((await task.count()) === 0 && (await reader.part("task-more").count()) > 0) {
          const shown = await reader.page.locator("button.task").count();
          await reader.part("task-more").click();
          await reader.page.waitForFunction((before) => document.querySelectorAll("button.task").length > before, shown);
        }
        await task.waitFor();
        return task;
      }
      await asReader(t, async (manager) => {
        const ending = await finds(manager, "use_agreement", name);
        await keep(manager, `tasks-agreement-${language}`);
        await ending.click();
        await manager.page.waitForURL(new RegExp(`asset=buildings(/|%2F)${building}`));
        // Of many units one task, which leads to their list, and that to the unit.
        const missing = await finds(manager, "use_filing", { zh: "年度内部公示", en: "publication inside the unit" }[language]);
        assert.match(await missing.innerText(), { zh: /督促 \d+ 个单位报送或公示/, en: /See that \d+ units file or publish/ }[language]);
        await keep(manager, `tasks-filing-${language}`);
        await missing.click();
        await manager.part("owed-filings").waitFor();
        const owing = manager.page.locator('[data-testid="owed-unit"]').filter({ hasText: unitName });
        await manager.page.locator('[data-testid="owed-unit"]').first().waitFor();
        while ((await owing.count()) === 0 && (await manager.part("owed-more").count()) > 0) {
          const shown = await manager.page.locator('[data-testid="owed-unit"]').count();
          await manager.part("owed-more").click();
          await manager.page.waitForFunction((before) => document.querySelectorAll("[data-testid=owed-unit]").length > before, shown);
        }
        await keep(manager, `tasks-owed-${language}`);
        await owing.click();
        await manager.page.waitForURL(new RegExp(`unit=${unit}`));
      }, { as: demo("asset-manager") });
      // Whether a year is missing hangs on the day: what the list says is what the page shows.
      const waiting = (await (await askAs("demo-administrator", "/api/v1/tasks?kind=working_calendar")).json()).items;
      await asReader(t, async (administrator) => {
        await administrator.opens(`/?panel=tasks&lang=${language}`);
        const task = administrator.part("task-working_calendar");
        if (waiting.length === 0) {
          await administrator.part("task-none").waitFor();
          return;
        }
        await task.first().waitFor();
        assert.match(await task.first().innerText(), new RegExp(waiting[0].procedure));
        await keep(administrator, `tasks-calendar-${language}`);
        await task.first().click();
        await administrator.part("calendar").waitFor();
      }, { as: demo("administrator") });
    });
  }
});
