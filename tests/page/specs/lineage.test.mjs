import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { describe, test } from "node:test";
import { account, asReader, askAs, useBrowser } from "../drivers/browser.mjs";
import { plain } from "../drivers/reader.mjs";

/** The day it is in China. */
const today = () => new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10);

// Where SCREENSHOTS names a folder, what is seen is kept there.
const screenshots = process.env.SCREENSHOTS;

async function keep(reader, name) {
  if (screenshots === undefined) return;
  mkdirSync(screenshots, { recursive: true });
  await reader.page.waitForTimeout(400);
  await reader.page.screenshot({ path: `${screenshots}/${name}.png` });
}

const run = Math.floor(Math.random() * 90_000);
const west = 111.6 + (run % 300) * 0.03;
const south = 26.4 + Math.floor(run / 300) * 0.002;
const ring = (from, to) => [[from, south], [to, south], [to, south + 0.001], [from, south + 0.001], [from, south]].map(([x, y]) => [Number(x.toFixed(6)), Number(y.toFixed(6))]);
const wkt = (from, to) => `POLYGON((${ring(from, to).map((corner) => corner.join(" ")).join(", ")}))`;

async function post(address, body) {
  const response = await askAs(account.username, address, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

/** A parcel of a thousandth of a degree each way, or as wide as is said, so many thousandths to the east. */
async function parcel(name, code, column, width = 1) {
  const from = west + column * 0.001;
  const made = await post("/api/v1/parcels", { name, code, valid_from: "2020-01-01", geometry: { type: "Polygon", coordinates: [ring(from, from + width * 0.001)] } });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return made.body.id;
}

async function read(id, asOf) {
  const answer = await askAs(account.username, `/api/v1/parcels/${id}${asOf === undefined ? "" : `?as_of=${asOf}`}`);
  return { status: answer.status, body: await answer.json() };
}

/** Area in m² of words such as “11 040.25 m²”. */
const square = (words) => Number(plain(words).replaceAll(/[^\d.]/g, ""));

async function seesParcel(reader, id, language) {
  await reader.opens(`/?asset=parcels/${id}&lang=${language}`);
  await reader.page.locator('[data-testid="card-title"]:not(:empty)').waitFor();
}

const isCalled = (reader, name) => reader.page.locator('[data-testid="card-title"]').getByText(name, { exact: true }).waitFor();

describe("what became of what", () => {
  useBrowser();

  test("a parcel is cut along a line, its pieces conserve the ground, and each tells of the other", (t) =>
    asReader(t, async (reader) => {
      const id = await parcel(`老院${run}`, `FG-${run}`, 0);
      await seesParcel(reader, id, "zh");
      await reader.part("card-split").click();
      await reader.part("split-dialog").waitFor();
      await reader.fitsTheWindow(".el-dialog:has([data-testid='split-text'])");

      // What is no shape, and a line that only touches, divide nothing.
      await reader.part("split-text").fill("从东到西");
      await reader.part("split-preview").click();
      await reader.part("split-trouble").getByText("既不是 WKT，也不是 GeoJSON").waitFor();
      await reader.part("split-text").fill(`LINESTRING(${west + 0.0002} ${south + 0.0002}, ${west + 0.0004} ${south + 0.0008})`);
      await reader.part("split-preview").click();
      await reader.part("split-trouble").getByText("分割线没有把它分成两块").waitFor();

      // Two shapes with a strip between them aren't what was there: nothing of it can be saved.
      await reader.part("split-way-shapes").click();
      await reader.part("split-text").fill(`${wkt(west, west + 0.0004)}\n${wkt(west + 0.0005, west + 0.001)}`);
      await reader.part("split-preview").click();
      await reader.part("split-verdict").getByText("GEO-14").waitFor();
      assert.match(await reader.part("split-verdict").innerText(), /不守恒.*不能保存/);
      const missing = reader.part("split-measure").locator("dd.bad");
      assert.equal(await missing.count(), 1, "the strip is told, and nothing else");
      assert.ok(Math.abs(square(await missing.innerText()) - 1105) < 20, await missing.innerText());
      await reader.types("split-survey", "权籍调查〔2026〕1号");
      await reader.types("split-reason", "分割");
      assert.ok(await reader.part("split-record").isDisabled(), "what doesn't conserve the ground can't be recorded");
      await keep(reader, "split-refused-1440-zh");
      const version = (await read(id)).body.version_id;
      const pieces = [ring(west, west + 0.0004), ring(west + 0.0005, west + 0.001)].map((one) => ({ geometry: { type: "Polygon", coordinates: [one] } }));
      const refused = await post("/api/v1/successions", { on: today(), from: [{ id, version_id: version }], pieces, survey: "无", reason: "绕过页面" });
      assert.equal(refused.status, 422, JSON.stringify(refused.body));
      assert.equal(refused.body.rule.id, "GEO-14", JSON.stringify(refused.body));

      // A line right through.
      await reader.part("split-way-cut").click();
      await reader.part("split-text").fill(`LINESTRING(${west + 0.0004} ${south - 0.0005}, ${west + 0.0004} ${south + 0.0015})`);
      await reader.part("split-preview").click();
      await reader.part("split-verdict").getByText("面积守恒").waitFor();
      const areas = (await reader.part("split-measure").locator("tbody td.figures").allInnerTexts()).map(square);
      assert.equal(areas.length, 2);
      const [before, after] = (await reader.part("split-measure").locator("dl dd").allInnerTexts()).map(square);
      assert.ok(Math.abs(before - after) < before / 1000, `${before} and ${after}`);
      assert.ok(Math.abs(areas[0] + areas[1] - after) < 0.1 && Math.abs(areas[0] / after - 0.4) < 0.001, `${areas}`);
      assert.equal(await reader.part("split-measure").locator("svg path").count(), 2, "the pieces are drawn");
      await reader.types("split-survey", "");
      assert.ok(await reader.part("split-record").isDisabled(), "the survey must be named");
      await reader.types("split-survey", "权籍调查〔2026〕2号");
      await reader.types("piece-0-code", `FG-${run}-西`);
      await reader.types("piece-0-name", `西院${run}`);
      await reader.types("piece-1-code", `FG-${run}-东`);
      await reader.types("piece-1-name", `东院${run}`);
      await keep(reader, "split-plan-1440-zh");
      await reader.part("split-record").click();
      await reader.part("split-dialog").waitFor({ state: "hidden" });

      // The first of the new ones is shown, and where it came from.
      await isCalled(reader, `西院${run}`);
      const came = reader.part("lineage-from");
      await came.waitFor();
      assert.match(plain(await came.innerText()), new RegExp(`\\d{4}-\\d\\d-\\d\\d 分割\\s*老院${run}`));
      await reader.part("card-lineage").scrollIntoViewIfNeeded();
      await keep(reader, "split-result-1440-zh");
      await came.locator('[data-testid="lineage-link"]').click();
      await isCalled(reader, `老院${run}`);
      assert.notEqual(reader.address().get("as_of"), null, "what is gone is shown as of its last day");
      const links = reader.part("lineage-to").locator('[data-testid="lineage-link"]');
      await links.nth(1).waitFor();
      assert.deepEqual((await links.allInnerTexts()).map((one) => plain(one).split(" ")[0]).toSorted(), [`东院${run}`, `西院${run}`].toSorted());
      assert.equal(await reader.part("card-split").count(), 0, "the past isn't split");
      await reader.part("card-lineage").scrollIntoViewIfNeeded();
      await keep(reader, "split-old-1440-zh");
      await links.filter({ hasText: `东院${run}` }).click();
      await isCalled(reader, `东院${run}`);
      assert.equal(reader.address().get("as_of"), null, "the new ones are of today");
      await reader.part("lineage-from").getByText(`老院${run}`).waitFor();
      const old = await read(id);
      assert.equal(old.status, 404, `the old one has ended: ${JSON.stringify(old.body)}`);
    }, { forgive: [/422/] }));

  test("two parcels become one, in a small window", (t) =>
    asReader(t, async (reader) => {
      const first = await parcel(`Left yard ${run}`, `HB-${run}-1`, 4);
      await parcel(`Right yard ${run}`, `HB-${run}-2`, 5);
      await seesParcel(reader, first, "en");
      await reader.part("card-split").click();
      await reader.part("split-way-merge").click();
      await reader.part("split-preview").click();
      await reader.part("split-trouble").getByText("choose what it is merged with").waitFor();
      await reader.part("split-others").click();
      await reader.part("split-others").locator("input").pressSequentially(`Right yard ${run}`, { delay: 20 });
      await reader.page.getByRole("option", { name: `Right yard ${run}`, exact: true }).click();
      await reader.page.keyboard.press("Tab");
      await reader.part("split-text").fill(wkt(west + 0.004, west + 0.006));
      await reader.part("split-preview").click();
      await reader.part("split-verdict").getByText("once and wholly").waitFor();
      await keep(reader, "merge-top-1024-en");
      await reader.types("piece-0-name", `Whole yard ${run}`);
      await reader.types("piece-0-code", `HB-${run}`);
      await reader.types("split-survey", "Survey 3 of 2026");
      await reader.types("split-consent", "Letter 7 of 2026");
      await reader.types("split-reason", "one yard, one wall");
      await reader.part("split-record").scrollIntoViewIfNeeded();
      await keep(reader, "merge-plan-1024-en");
      await reader.part("split-record").click();
      await isCalled(reader, `Whole yard ${run}`);
      const links = reader.part("lineage-from").locator('[data-testid="lineage-link"]');
      await links.nth(1).waitFor();
      assert.match(plain(await reader.part("lineage-from").innerText()), /merged on/);
      await reader.part("card-lineage").scrollIntoViewIfNeeded();
      await keep(reader, "merge-result-1024-en");
    }, { width: 1024, height: 768 }));

  test("a house is split with its rooms: whole floors, one by one, and a rest room with its office", (t) =>
    asReader(t, async (reader) => {
      const day = today();
      const make = async (address, body) => {
        const made = await post(address, body);
        assert.equal(made.status, 201, JSON.stringify(made.body));
        return made.body.id;
      };
      const from = west + 0.016;
      const house = await make("/api/v1/buildings", { name: `联体楼${run}`, code: `LT-${run}`, valid_from: "2020-01-01", geometry: { type: "Polygon", coordinates: [ring(from, from + 0.001)] } });
      const room = (floor, number, more = {}) => make("/api/v1/rooms", { building_id: house, floor, number, use_area_m2: 20.5, building_area_m2: 30.25, room_type: "office", valid_from: "2020-01-01", ...more });
      const rooms = [await room(1, "101"), await room(1, "102"), await room(2, "201")];
      const rest = await room(2, "201A", { part_of_id: rooms[2], room_type: "service" });
      const shop = await room(1, "103", { room_type: "shop" });
      await reader.opens(`/?asset=buildings/${house}&lang=zh`);
      await isCalled(reader, `联体楼${run}`);
      await reader.part("card-split").click();
      await reader.part("split-text").fill(`LINESTRING(${from + 0.0005} ${south - 0.0005}, ${from + 0.0005} ${south + 0.0015})`);
      await reader.part("split-preview").click();
      await reader.part("split-rooms").waitFor();
      await reader.types("piece-0-name", `西楼${run}`);
      await reader.types("piece-0-code", `LT-${run}-1`);
      await reader.types("piece-1-name", `东楼${run}`);
      await reader.types("piece-1-code", `LT-${run}-2`);
      await reader.types("split-survey", "权籍调查〔2026〕9号");
      await reader.types("split-reason", "分隔使用");
      assert.match(await reader.part("split-rooms-left").innerText(), /还有 5 间/);
      assert.ok(await reader.part("split-record").isDisabled(), "nothing is recorded while a room is in none of them");
      await reader.part("split-rooms").scrollIntoViewIfNeeded();
      await keep(reader, "split-rooms-open-1440-zh");

      // The first floor as a whole, but for the shop; the rest room of the second goes with its office.
      await reader.part("floor-1-piece").selectOption("0");
      await reader.part("room-103-piece").selectOption("1");
      assert.equal(await reader.part("floor-1-piece").inputValue(), "", "the floor is divided");
      assert.match(await reader.part("split-rooms-left").innerText(), /还有 2 间/);
      await reader.part("room-201A-piece").selectOption("1");
      assert.equal(await reader.part("room-201-piece").inputValue(), "1", "office and rest room stay together");
      assert.match(await reader.part("split-rooms-left").innerText(), /每间房都已说明/);
      const sum = async (place) => (await reader.part(`split-sum-${place}`).locator("td.figures").allInnerTexts()).map(square);
      assert.deepEqual([await sum(0), await sum(1)], [[2, 41, 60.5], [3, 61.5, 90.75]]);
      await reader.types("piece-1-area", "80");
      await reader.part("split-rooms-too-much").getByText("SPC-11").waitFor();
      await reader.types("piece-1-area", "95.5");
      await reader.part("split-rooms-too-much").waitFor({ state: "detached" });
      await reader.part("split-rooms").scrollIntoViewIfNeeded();
      await keep(reader, "split-rooms-1440-zh");
      await reader.part("split-record").click();
      await reader.part("split-dialog").waitFor({ state: "hidden" });
      await isCalled(reader, `西楼${run}`);
      const numbers = async (building, asOf) => {
        const answer = await askAs(account.username, `/api/v1/rooms?building=${building}&sort=place&as_of=${asOf}`);
        return (await answer.json()).items.map(({ number }) => number);
      };
      const told = await (await askAs(account.username, `/api/v1/successions?asset=${house}`)).json();
      const [first, second] = told[0].to.map(({ id }) => id);
      assert.deepEqual([await numbers(first, day), await numbers(second, day), await numbers(house, "2026-01-01")], [["101", "102"], ["103", "201", "201A"], ["101", "102", "103", "201", "201A"]]);
      const moved = await (await askAs(account.username, `/api/v1/rooms/${shop}`)).json();
      assert.equal(moved.building.id, second, "the same room, in its new house");
      assert.equal((await (await askAs(account.username, `/api/v1/rooms/${rest}`)).json()).part_of_id, rooms[2]);
      await keep(reader, "split-rooms-result-1440-zh");
    }));

  test("two houses become one in English: a number that both have is named, then all rooms are in it", (t) =>
    asReader(t, async (reader) => {
      const house = async (name, column) => {
        const from = west + 0.02 + column * 0.001;
        const made = await post("/api/v1/buildings", { name, code: `MH-${run}-${column}`, valid_from: "2020-01-01", geometry: { type: "Polygon", coordinates: [ring(from, from + 0.001)] } });
        assert.equal(made.status, 201, JSON.stringify(made.body));
        return made.body.id;
      };
      const left = await house(`Left house ${run}`, 0);
      const right = await house(`Right house ${run}`, 1);
      const room = async (building_id, number) => {
        const made = await post("/api/v1/rooms", { building_id, floor: 1, number, building_area_m2: 30, valid_from: "2020-01-01" });
        assert.equal(made.status, 201, JSON.stringify(made.body));
        return made.body.id;
      };
      await room(left, "101");
      const twin = await room(right, "101");
      await reader.opens(`/?asset=buildings/${left}&lang=en`);
      await isCalled(reader, `Left house ${run}`);
      await reader.part("card-split").click();
      await reader.part("split-way-merge").click();
      await reader.part("split-others").click();
      await reader.part("split-others").locator("input").pressSequentially(`Right house ${run}`, { delay: 20 });
      await reader.page.getByRole("option", { name: `Right house ${run}`, exact: true }).click();
      await reader.page.keyboard.press("Tab");
      await reader.part("split-text").fill(wkt(west + 0.02, west + 0.022));
      await reader.part("split-preview").click();
      await reader.part("split-trouble").getByText("1层 101").waitFor();
      await keep(reader, "merge-rooms-collide-1024-en");
      const tag = (await askAs(account.username, `/api/v1/rooms/${twin}`)).headers.get("etag");
      const renumbered = await askAs(account.username, `/api/v1/rooms/${twin}`, { method: "PATCH", headers: { "content-type": "application/json", "if-match": tag }, body: JSON.stringify({ number: "101E", valid_from: "2021-01-01" }) });
      assert.equal(renumbered.status, 200);
      await reader.part("split-preview").click();
      await reader.part("split-rooms").waitFor();
      assert.equal(await reader.part("split-rooms-left").count(), 0, "there is nothing to choose");
      await reader.types("piece-0-name", `Whole house ${run}`);
      await reader.types("split-survey", "Survey 5 of 2026");
      await reader.types("split-reason", "one house");
      await reader.part("split-rooms").scrollIntoViewIfNeeded();
      await keep(reader, "merge-rooms-1024-en");
      await reader.part("split-record").click();
      await isCalled(reader, `Whole house ${run}`);
      const told = await (await askAs(account.username, `/api/v1/successions?asset=${left}`)).json();
      const rooms = await (await askAs(account.username, `/api/v1/rooms?building=${told[0].to[0].id}&sort=place`)).json();
      assert.deepEqual(rooms.items.map(({ number }) => number), ["101", "101E"]);
    }, { width: 1024, height: 768, forgive: [/409/] }));

  test("who only looks is told of a split and offered none", (t) =>
    asReader(t, async (reader) => {
      // Nothing became of a parcel of its own: there is nothing to tell.
      await seesParcel(reader, await parcel(`静院${run}`, `JY-${run}`, 10), "zh");
      await reader.part("card-policies").or(reader.part("card-titles")).first().waitFor();
      assert.equal(await reader.part("card-split").count(), 0);
      assert.equal(await reader.part("card-lineage").count(), 0);
      const old = await parcel(`旧院${run}`, `JY-${run}-0`, 12);
      const pieces = [ring(west + 0.012, west + 0.0125), ring(west + 0.0125, west + 0.013)].map((one, place) => ({ geometry: { type: "Polygon", coordinates: [one] }, name: `新院${run}-${place}`, code: `JY-${run}-${place + 1}` }));
      const cut = { on: today(), from: [{ id: old, version_id: (await read(old)).body.version_id }], pieces, survey: "权籍调查〔2026〕4号", reason: "分割" };
      const done = await post("/api/v1/successions", cut);
      assert.equal(done.status, 201, JSON.stringify(done.body));
      await seesParcel(reader, done.body.to_ids[0], "zh");
      await reader.part("lineage-from").getByText(`旧院${run}`).waitFor();
      assert.equal(await reader.part("card-split").count(), 0, "and can't split it");
      const refused = await askAs("demo-viewer", "/api/v1/successions", {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
        body: JSON.stringify({ ...cut, from: [{ id: done.body.to_ids[0], version_id: done.body.id }] }),
      });
      assert.equal(refused.status, 403, "nor past the page");
    }, { as: { username: "demo-viewer", password: account.password } }));
});
