import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { describe, test } from "node:test";
import { account, asReader, askAs, useBrowser } from "../drivers/browser.mjs";
import { arrives, brings, takes, writes } from "../drivers/cases.mjs";

// Where SCREENSHOTS names a folder, what is seen is kept there.
const screenshots = process.env.SCREENSHOTS;

async function keep(reader, name) {
  if (screenshots === undefined) return;
  mkdirSync(screenshots, { recursive: true });
  await reader.page.waitForTimeout(400);
  await reader.page.screenshot({ path: `${screenshots}/${name}.png` });
}

const demo = (role) => ({ username: `demo-${role}`, password: account.password });
const run = Math.floor(Math.random() * 90_000);
const region = "431129";

async function post(who, address, body, headers = {}) {
  const response = await askAs(`demo-${who}`, address, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID(), ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

async function made(who, address, body) {
  const answer = await post(who, address, body);
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer.body.id;
}

/** A day so many days ago. */
const ago = (days) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

/** An old house with two flats of 46 m² and its title, who approves, and a unit. */
async function compound(name) {
  const there = await post("administrator", "/api/v1/regions", { code: region, name: "江华瑶族自治县", level: "county", valid_from: "2020-01-01" });
  assert.ok([201, 409].includes(there.status), JSON.stringify(there.body));
  const row = await post("administrator", "/api/v1/approval-thresholds", {
    region_code: region, mode: "convert", asset_class: "building", value_from: "0", value_to: "5000000", chain: ["bureau"], appraisal: false, exchange: false,
    notice_days: 0, floor_percent: "90", source: "江府办〔2025〕1号", reason: "县政府文件",
  });
  assert.ok([201, 409].includes(row.status), JSON.stringify(row.body));
  const west = 111.5 + (run % 300) * 0.001;
  const south = 25.1 + Math.floor(run / 300) * 0.0005;
  const ring = [[west, south], [west + 0.0004, south], [west + 0.0004, south + 0.0003], [west, south + 0.0003], [west, south]];
  const shape = { region_code: region, valid_from: "2020-01-01", geometry: { type: "Polygon", coordinates: [ring] } };
  const land = await made("asset-manager", "/api/v1/parcels", { ...shape, name, code: `Y-${run}` });
  const building = await made("asset-manager", "/api/v1/buildings", {
    ...shape, name, code: `Y-${run}`, usage: "administrative_office", occupancy: "idle", idle_since: "2025-03-01",
  });
  for (const number of ["301", "302"]) {
    await made("asset-manager", "/api/v1/rooms", {
      building_id: building, floor: 3, number, use_area_m2: 46, building_area_m2: 60.5, room_type: "office", occupancy: "idle", valid_from: "2020-01-01",
    });
  }
  const serial = String(1 + (run % 99_998)).padStart(5, "0");
  await made("title-clerk", "/api/v1/titles", {
    evidence: "both", unit_code: `431129001002GB${serial}F00010001`, cert_no: `湘(2022)江华县不动产权第${String(1_000_000 + run).slice(-7)}号`, right_type: "4",
    right_nature_land: "102", house_area_m2: 605, location: "江华老院", holders: [{ name: "江华县机关事务服务中心", kind: "bureau" }],
    registry: "江华县不动产登记中心", recorded_on: "2022-03-10", issued_on: "2022-03-12", parcel_ids: [land], building_ids: [building],
  });
  const unit = `统计局${run}`;
  await made("administrator", "/api/v1/units", {
    code: `TJ-${run}`, name: unit, level: "county", kind: "government_organ", region_code: region, valid_from: "2020-01-01",
  });
  return { building, unit };
}

describe("homes for staff", () => {
  useBrowser();

  test("an old compound becomes homes, and a tenant moves in and out, by people with a role each", async (t) => {
    const name = `老院${run}`;
    const { building, unit } = await compound(name);
    const as = (role, story, options = {}) => asReader(t, story, { as: demo(role), ...options });
    let address = "";
    await as("asset-manager", async (reader) => {
      await reader.opens(`/?asset=buildings/${building}&lang=zh`);
      await reader.part("card-open-housing").click();
      await reader.part("policy-stepper").waitFor();
      address = `/?policy=${new URL(reader.page.url()).searchParams.get("policy")}&panel=policies&lang=zh`;
      assert.ok(await reader.part("step-select").isDisabled(), "nothing is selected without its reasons");
      await writes(reader, "write-verification", { measured_m2: "605", book_value: "900000", safe: { words: "是" }, title_note: "产权清晰" });
      await writes(reader, "write-housing_choice", { source: { words: "闲置院落、老楼" }, place: "县城中心", surroundings: "学校、公园步行可达", demand: "乡镇干部周转" });
      await brings(reader, "site_survey");
      await takes(reader, "select");
      await arrives(reader, "selected");
      await keep(reader, "housing-selected-zh");
    });
    await as("planner", async (reader) => {
      await reader.opens(address);
      await writes(reader, "write-housing_plan", { homes: "2", estimate: "38,000.00", works: "水电、门窗", rent_ground: "收入和市场租金" });
      await brings(reader, "conversion_plan");
      await reader.part("policy-case").filter({ hasText: /转换用途须有规划意见.*DSP-13/s }).waitFor();
      await writes(reader, "write-document", { kind: { words: "规划意见" }, name: "规划意见 3号" });
      await takes(reader, "plan");
      await arrives(reader, "planned");
    });
    await as("asset-manager", async (reader) => {
      await reader.opens(address);
      await brings(reader, "meeting_minutes");
      await takes(reader, "decide", { "decision-no": "局党组纪要〔2026〕9号" });
      await arrives(reader, "collective");
    });
    await as("approver", async (reader) => {
      await reader.opens(address);
      await takes(reader, "approve", { "decision-no": "江资用〔2026〕9号" });
      await arrives(reader, "approved");
    });
    await as("asset-manager", async (reader) => {
      await reader.opens(address);
      await reader.part("policy-case").filter({ hasText: /没有批复后完成的大中修案件.*MNT-03/s }).waitFor();
      await writes(reader, "write-no_refit", { reason: "2024年已整修" });
      await takes(reader, "refit");
      await arrives(reader, "refitted");
      await reader.part("write-homes").click();
      await reader.chooses("record-room_ids", "301");
      await reader.page.getByRole("option", { name: "302" }).click();
      await reader.page.keyboard.press("Escape");
      await keep(reader, "housing-homes-dialog-zh");
      await reader.part("record-confirm").click();
      await reader.part("record-confirm").waitFor({ state: "hidden" });
    });
    // The homes were set up a while ago, so that somebody can have moved in and out by today.
    const id = new URL(address, "http://x").searchParams.get("policy");
    const held = await (await askAs("demo-asset-manager", `/api/v1/policy-cases/${id}`)).json();
    const setUp = await post("asset-manager", `/api/v1/policy-cases/${id}/transitions`, { transition: "set_up", on: ago(60) }, { "if-match": `"${held.version_id}"` });
    assert.equal(setUp.status, 200, JSON.stringify(setUp.body));
    await as("asset-manager", async (reader) => {
      await reader.opens(address);
      await brings(reader, "conversion_record");
      await takes(reader, "put_to_use");
      await arrives(reader, "in_use");
      await keep(reader, "housing-in-use-zh");

      // The card: two free homes, one of which somebody moves into.
      await reader.opens(`/?asset=buildings/${building}&lang=zh`);
      await reader.part("homes-counts").waitFor();
      await reader.part("homes-counts").filter({ hasText: "共 2 套：空闲 2，在租 0，超期 0" }).waitFor();
      await reader.part("home-begin").first().click();
      await reader.part("tenancy-save").click();
      await reader.part("tenancy-dialog").getByText("必填").first().waitFor();
      await reader.writes("tenancy-name", "钱守正");
      await reader.looksUp("tenancy-unit", unit, `${unit} · TJ-${run}`);
      await reader.writes("tenancy-eligibility", "乡镇交流干部，县城无房");
      await reader.writes("tenancy-document", "周转住房申请表 12号");
      const [begins, ends] = [reader.part("tenancy-dialog").locator(".el-date-editor input").nth(0), reader.part("tenancy-dialog").locator(".el-date-editor input").nth(1)];
      await begins.fill(ago(40));
      await begins.press("Enter");
      await ends.fill(ago(3));
      await ends.press("Enter");
      await reader.writes("tenancy-rent", "612.505");
      await reader.writes("tenancy-ground", "收入两成、市场租金六折");
      await reader.part("tenancy-leader").click();
      await keep(reader, "tenancy-dialog-zh");
      await reader.part("tenancy-save").click();
      await reader.page.getByText("最多两位小数").waitFor();
      await reader.writes("tenancy-rent", "612.50");
      await reader.part("tenancy-save").click();
      await reader.part("tenancy-save").waitFor({ state: "hidden" });
      await reader.page.getByText("钱守正").waitFor();
      await reader.part("homes-counts").filter({ hasText: "共 2 套：空闲 1，在租 0，超期 1" }).waitFor();
      const home = reader.part("home").first();
      await home.filter({ hasText: /301.*超期未退.*612\.50 元\/月.*领导干部周转住房 · 未备案/s }).waitFor();
      await home.scrollIntoViewIfNeeded();
      await keep(reader, "homes-zh");

      // Its filing; the account of its lease, which names nobody and can't be ended by itself.
      await reader.part("home-file").click();
      await reader.writes("home-end-words", "湘机管备〔2026〕1号");
      await reader.part("home-end-save").click();
      await reader.part("home-end-save").waitFor({ state: "hidden" });
      await reader.page.getByText("已备案 湘机管备〔2026〕1号").waitFor();
      await reader.part("home-account").first().click();
      await reader.part("lease-of-home").waitFor();
      assert.ok(!(await reader.part("lease-view").innerText()).includes("钱守正"));
      assert.equal(await reader.part("lease-end").count(), 0);
      await keep(reader, "lease-of-home-zh");

      // From the keyboard: the exit.
      await reader.part("home-exit").first().focus();
      await reader.page.keyboard.press("Enter");
      await reader.writes("home-end-words", "已在县城购房，腾退");
      await keep(reader, "home-exit-zh");
      await reader.part("home-end-words").press("Control+Enter");
      await reader.part("home-end-save").waitFor({ state: "hidden" });
      await reader.page.getByText("共 2 套：空闲 2，在租 0，超期 0").waitFor();
      await reader.opens(`/?asset=buildings/${building}&lang=en`);
      await reader.part("homes-counts").waitFor();
      await reader.part("homes-counts").filter({ hasText: "2 homes: 2 free, 0 let, 0 overdue" }).waitFor();
      await reader.part("card-homes").scrollIntoViewIfNeeded();
      await keep(reader, "homes-en");
    }, { forgive: [/422/] });
    // Whoever only reads sees the homes and has nothing to press.
    await as("viewer", async (reader) => {
      await reader.opens(`/?asset=buildings/${building}&lang=zh`);
      await reader.part("homes-counts").waitFor();
      assert.equal(await reader.part("home-begin").count(), 0);
    });
  });
});
