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

const planner = { username: "demo-planner", password: account.password };

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

/** A building of its own with two floors: three rooms below, one of them in use, two above. */
async function building(name, column) {
  const west = 111.6 + (run % 300) * 0.01 + column * 0.002;
  const south = 26.6 + Math.floor(run / 300) * 0.002;
  const ring = [[west, south], [west + 0.001, south], [west + 0.001, south + 0.001], [west, south + 0.001], [west, south]];
  const id = await post("/api/v1/buildings", {
    name, valid_from: "2020-01-01", occupancy: "in_use", usage: "administrative_office", title_status: "unified",
    geometry: { type: "Polygon", coordinates: [ring] },
  });
  for (const [floor, number] of [[1, "101"], [1, "102"], [1, "103"], [2, "201"], [2, "202"]]) {
    await post("/api/v1/rooms", { building_id: id, floor, number, use_area_m2: 540, building_area_m2: 800, occupancy: "in_use", valid_from: "2020-01-01" });
  }
  return { id, point: [west + 0.0005, south + 0.0005] };
}

describe("use and idleness", () => {
  useBrowser();

  for (const language of ["zh", "en"]) {
    test(`a floor is recorded idle, shown as a part, and used again (${language})`, (t) =>
      asReader(t, async (manager) => {
        const { id } = await building(`闲置楼${language}`, language === "zh" ? 0 : 1);
        await manager.opens(`/?asset=buildings/${id}&lang=${language}`);
        await manager.part("card-occupancy-rooms").waitFor();
        await manager.part("idle-open").click();
        await manager.part("idle-dialog").waitFor();
        // Nothing is sent before it is complete.
        await manager.part("idle-save").click();
        await manager.page.getByText(language === "zh" ? "请填写" : "Please fill in").first().waitFor();
        await manager.part("idle-floor").click();
        await manager.part("idle-floor-select").click();
        await manager.page.getByRole("option", { name: language === "zh" ? "2 层" : "Floor 2", exact: true }).click();
        await manager.page.locator(".idle-dialog .el-date-editor input").fill("2025-08-21");
        await manager.page.keyboard.press("Enter");
        await manager.part("idle-cause").click();
        await manager.page.getByRole("option", { name: language === "zh" ? "重新配置后腾空" : "vacated by reallocation", exact: true }).click();
        await manager.part("idle-evidence").locator("textarea").or(manager.page.locator("textarea[data-testid=idle-evidence]")).first().fill("巡查：二层无人办公");
        await keep(manager, `idle-dialog-${language}`);
        await manager.part("idle-save").click();
        await manager.part("idle-record").waitFor();
        const part = await manager.part("card-partly-idle").innerText();
        assert.match(part.replaceAll(/\s/g, " "), /1 600 (㎡|m²).*40 %/);
        const record = await manager.part("idle-record").innerText();
        assert.match(record, language === "zh" ? /闲置 \d+ 年/ : /idle for \d+ year/);
        await manager.part("card-idleness").scrollIntoViewIfNeeded();
        await keep(manager, `idle-record-${language}`);
        await manager.part("idle-end").click();
        await manager.part("idle-end-dialog").waitFor();
        await manager.part("idle-end-reason").locator("textarea").or(manager.page.locator("textarea[data-testid=idle-end-reason]")).first().fill("调剂给财政局");
        await manager.part("idle-end-save").click();
        await manager.part("card-partly-idle").waitFor({ state: "detached" });
        await manager.part("idle-record").filter({ hasText: "调剂给财政局" }).waitFor();
      }));

    test(`readings of meters are pasted, and speak of idleness (${language})`, (t) =>
      asReader(t, async (manager) => {
        const { id } = await building(`读数楼${language}`, language === "zh" ? 6 : 7);
        await manager.opens(`/?asset=buildings/${id}&lang=${language}`);
        await manager.part("meters-open").click();
        await manager.part("meters-dialog").waitFor();
        const field = (name) => manager.part(name).locator("input, textarea").or(manager.page.locator(`input[data-testid=${name}], textarea[data-testid=${name}]`)).first();
        await field("meters-source").fill("供电公司账单");
        // The last month with all its days behind it, and nine before it, the last four of them still.
        const first = new Date();
        first.setUTCDate(1);
        const months = Array.from({ length: 10 }, (_, back) => {
          const from = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() - 10 + back, 1));
          const to = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() - 9 + back, 0));
          return `${from.toISOString().slice(0, 10)}\t${to.toISOString().slice(0, 10)}\t${back < 6 ? "1,000.5" : "3"}`;
        });
        await field("meters-lines").fill(`${months.join("\n")}\n合计 9`);
        await manager.part("meters-save").click();
        await manager.part("meters-dialog").getByText(language === "zh" ? "第 11 行不是" : "Line 11 is not").first().waitFor();
        await field("meters-lines").fill(months.join("\n"));
        await keep(manager, `meters-dialog-${language}`);
        await manager.part("meters-save").click();
        await manager.part("meters-dialog").waitFor({ state: "hidden" });
        await manager.part("meter-reading").nth(5).waitFor();
        const told = await manager.part("idle-proposal").innerText();
        assert.match(told, language === "zh" ? /不到常年的 10%/ : /a tenth at most of what is usual/);
        await manager.part("card-meters").scrollIntoViewIfNeeded();
        await keep(manager, `meters-${language}`);
      }));

    test(`an asset's own fields are edited, and two at once meet (${language})`, (t) =>
      asReader(t, async (manager) => {
        const { id } = await building(`改名楼${language}`, language === "zh" ? 4 : 5);
        await manager.opens(`/?asset=buildings/${id}&lang=${language}`);
        await manager.part("card-edit").click();
        await manager.part("edit-dialog").waitFor();
        const field = (name) => manager.page.locator(`input[data-testid=${name}]`).or(manager.part(name).locator("input")).first();
        await field("edit-name").fill(`甲楼${run}`);
        // Somebody else is quicker.
        const held = await askAs(account.username, `/api/v1/buildings/${id}`);
        const other = await askAs(account.username, `/api/v1/buildings/${id}`, {
          method: "PATCH", headers: { "content-type": "application/json", "if-match": held.headers.get("etag") },
          body: JSON.stringify({ address: "湘江西路 9 号" }),
        });
        assert.equal(other.status, 200);
        await manager.part("edit-save").click();
        await manager.part("edit-conflict").waitFor();
        assert.match(await manager.part("edit-conflict").innerText(), language === "zh" ? /坐落/ : /Address/);
        assert.equal(await field("edit-name").inputValue(), `甲楼${run}`);
        assert.equal(await field("edit-address").inputValue(), "湘江西路 9 号");
        await keep(manager, `edit-conflict-${language}`);
        await manager.part("edit-save").click();
        await manager.part("edit-dialog").waitFor({ state: "hidden" });
        await manager.page.waitForFunction((name) => document.querySelector("[data-testid=card-title]")?.textContent === name, `甲楼${run}`);
        const kept = await (await askAs(account.username, `/api/v1/buildings/${id}`)).json();
        assert.deepEqual([kept.name, kept.address], [`甲楼${run}`, "湘江西路 9 号"]);
      }, { forgive: [/412/] }));

    test(`which idle buildings could take 120 people within 3 km (${language})`, (t) =>
      asReader(t, async (reader) => {
        // A name of this run: earlier runs left theirs, and all of them are listed before a place is asked for.
        const name = `空楼${language}${run}`;
        const { id, point } = await building(name, language === "zh" ? 2 : 3);
        await post("/api/v1/idle-records", { asset_id: id, idle_since: "2025-01-01", cause: "surplus", evidence: "巡查" });
        await reader.opens(`/?panel=idle&lang=${language}&at=15/${point[1]}/${point[0]}`);
        await reader.part("find-people").locator("input").or(reader.page.locator("input[data-testid=find-people]")).first().fill("120");
        await reader.part("find-place").click();
        await reader.page.getByRole("option", { name: language === "zh" ? "某点周围" : "Around a point", exact: true }).click();
        await reader.part("find-at-map").click();
        await reader.part("find-ask").click();
        const found = reader.part("find-result").filter({ hasText: name });
        await found.waitFor();
        assert.match(await found.innerText(), /300/);
        await keep(reader, `find-${language}`);
        // The address asks the same again.
        const address = new URL(reader.page.url());
        assert.match(address.searchParams.get("find") ?? "", /people=120/);
        await reader.opens(address.pathname + address.search);
        await reader.part("find-result").filter({ hasText: name }).waitFor();
        const [download] = await Promise.all([reader.page.waitForEvent("download"), reader.part("find-export").click()]);
        assert.match(download.suggestedFilename(), /\.xlsx$/);
        // More people than fit: nothing, said in words.
        await reader.part("find-people").locator("input").or(reader.page.locator("input[data-testid=find-people]")).first().fill("5000");
        await reader.part("find-ask").click();
        await reader.part("find-result").first().waitFor({ state: "detached" });
      }, { as: planner }));

    test(`idle space is looked for in a shape that is drawn on the map (${language})`, (t) =>
      asReader(t, async (reader) => {
        const [inside, outside] = [`圈内${language}${run}`, `圈外${language}${run}`];
        const column = language === "zh" ? 6 : 8;
        const within = await building(inside, column);
        const without = await building(outside, column + 1);
        for (const { id } of [within, without]) await post("/api/v1/idle-records", { asset_id: id, idle_since: "2025-01-01", cause: "surplus", evidence: "巡查" });
        const [x, y] = within.point;
        await reader.opens(`/?panel=idle&lang=${language}&at=17/${y}/${x}`);
        const choose = async (words) => {
          await reader.part("find-place").click();
          await reader.page.getByRole("option", { name: words, exact: true }).click();
        };
        const inShape = language === "zh" ? "在地图上画出范围" : "In a drawn shape";
        await choose(inShape);
        const map = await reader.page.locator(".maplibregl-canvas").boundingBox();
        assert.ok(map);
        const [middleX, middleY] = [map.x + map.width / 2, map.y + map.height / 2];
        const corner = (dx, dy, how = {}) => reader.page.mouse.click(middleX + dx, middleY + dy, how);
        const corners = (n) => reader.page.locator('[data-testid="find-corners"]', { hasText: new RegExp(`\\b${n}\\b`) }).waitFor();

        // A corner taken back, and all given up.
        await corner(-60, -60);
        await corner(60, -70);
        await corners(2);
        await reader.presses("Backspace");
        await corners(1);
        await reader.presses("Escape");
        await reader.part("find-shape").waitFor({ state: "detached" });
        assert.equal(reader.address().get("asset"), null, "a corner picks nothing");
        assert.equal(reader.address().get("panel"), "idle", "Escape gave up the shape, not the panel");

        // Lines that cross are not taken.
        await choose(inShape);
        for (const [dx, dy] of [[-60, -60], [60, 60], [60, -70], [-70, 60]]) await corner(dx, dy);
        await corners(4);
        await reader.page.locator('[data-testid="find-corners"] .crossed').waitFor();
        assert.ok(await reader.part("find-finish").isDisabled());
        for (let step = 0; step < 3; step++) await reader.presses("Backspace");
        await corners(1);
        await corner(60, -70);
        await corner(60, 60);
        await corners(3);
        assert.ok(await reader.part("find-finish").isEnabled());
        await keep(reader, `find-drawing-${language}`);
        // A double click is the last corner and the end.
        await corner(-70, 60, { clickCount: 2 });
        await reader.part("find-drawn").waitFor();
        assert.match(await reader.part("find-drawn").innerText(), /4/);
        await reader.part("find-ask").click();
        const found = (name) => reader.part("find-result").filter({ hasText: name });
        // Both were there before anything was asked.
        await found(outside).waitFor({ state: "detached" });
        await found(inside).waitFor();
        await keep(reader, `find-drawn-${language}`);

        // The link carries the shape.
        const link = new URL(reader.page.url());
        const shape = JSON.parse(new URLSearchParams(link.searchParams.get("find")).get("inside"));
        assert.equal(shape.coordinates[0].length, 5);
        await reader.opens(link.pathname + link.search);
        await found(inside).waitFor();
        assert.equal(await found(outside).count(), 0);
        assert.match(await reader.part("find-drawn").innerText(), /4/);

        // Without a mouse: corners in the middle of a map that the arrow keys move, and Enter.
        await reader.part("find-redraw").click();
        const canvas = reader.page.locator(".maplibregl-canvas");
        for (const key of ["ArrowLeft", "ArrowDown", "ArrowRight"]) {
          await reader.part("find-corner").focus();
          await reader.presses("Enter");
          const before = reader.address().get("at");
          await canvas.focus();
          await reader.presses(key);
          await reader.page.waitForFunction((old) => new URLSearchParams(window.location.search).get("at") !== old, before);
        }
        await corners(3);
        await canvas.focus();
        await reader.presses("Enter");
        await reader.part("find-drawn").waitFor();
        assert.match(await reader.part("find-drawn").innerText(), /3/);
      }, { as: planner }));
  }
});
