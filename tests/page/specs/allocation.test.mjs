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

async function made(who, address, body) {
  const response = await askAs(`demo-${who}`, address, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  assert.equal(response.status, 201, JSON.stringify(answer));
  return answer.id;
}

/** A city of its own, a unit that asks, and an idle house with four rooms of 30 m². */
async function city(column) {
  // A region of its own for every run, so that no other idle space stands in the same city.
  const region = `${45 + (run % 8)}${String(10 + ((run + 11 * column) % 80)).padStart(2, "0")}${String(10 + column).padStart(2, "0")}`;
  const answer = await askAs("demo-administrator", "/api/v1/regions", {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify({ code: region, name: `试验区${run}`, level: "county", valid_from: "2020-01-01" }),
  });
  assert.ok([201, 409].includes(answer.status), JSON.stringify(await answer.json()));
  const name = `审计局${run}-${column}`;
  const unit = await made("administrator", "/api/v1/units", {
    code: `SJ-${run}-${column}`, name, level: "city", kind: "government_organ", region_code: region, valid_from: "2020-01-01",
    headcount: { "正局(处)级": 1, "副局(处)级": 4, "局(处)级以下": 75 },
  });
  const west = 108.2 + (run % 300) * 0.01 + column * 0.002;
  const ring = [[west, 24.7], [west + 0.001, 24.7], [west + 0.001, 24.701], [west, 24.701], [west, 24.7]];
  const building = await made("asset-manager", "/api/v1/buildings", {
    name: `闲置楼${run}-${column}`, code: `XZ-${run}-${column}`, region_code: region, valid_from: "2020-01-01", usage: "administrative_office",
    occupancy: "idle", idle_since: "2025-03-01", geometry: { type: "Polygon", coordinates: [ring] },
  });
  for (let number = 1; number <= 4; number++) {
    await made("asset-manager", "/api/v1/rooms", {
      building_id: building, floor: 2, number: `20${number}`, use_area_m2: 30, room_type: "office", occupancy: "idle", valid_from: "2020-01-01",
    });
  }
  return { unit, name, building, region };
}

/** Opens a case on the page, by area. */
async function opens(reader, procedure, name, area) {
  await reader.opens("/?panel=policies&lang=zh");
  await reader.part("policy-new").click();
  await reader.part(`new-${procedure}`).click();
  await reader.looksUp("new-unit", name);
  await reader.writes("new-area", area);
  await reader.writes("new-purpose", "新设处室");
  await keep(reader, `new-case-${procedure}-zh`);
  await reader.part("new-open").click();
  await reader.part("policy-stepper").waitFor();
  assert.equal(await reader.part("policy-unit").innerText(), name);
  const id = new URL(reader.page.url()).searchParams.get("policy");
  return `/?policy=${id}&panel=policies&lang=zh`;
}

describe("what units ask for", () => {
  useBrowser();

  test("a unit that would rent is shown the idle house of its city, and moves into it, by people with a role each", async (t) => {
    const { name, building } = await city(0);
    const as = (role, story, options = {}) => asReader(t, story, { as: demo(role), ...options });
    let renting = "";
    let moving = "";
    await as("unit-contact", async (reader) => {
      renting = await opens(reader, "rent_in", name, "60");
      assert.equal(await reader.part("space-entitled").innerText(), "1537.99 平方米");
      for (const paper of ["application", "staffing_document", "space_situation"]) await brings(reader, paper);
      await takes(reader, "apply");
      await arrives(reader, "applied");
      assert.match(await reader.part("suitable-space").innerText(), /闲置 120 平方米.*201、202/s);
    });
    await as("planner", async (reader) => {
      await reader.opens(renting);
      await reader.part("suitable-space").waitFor();
      assert.ok(await reader.part("step-search").isDisabled(), "nothing is rented before the stock is searched");
      assert.match(await reader.part("policy-case").innerText(), /ALC-01/);
      await keep(reader, "rent-suitable-zh");
      await reader.writes("search-finding", "同城有一处");
      assert.ok(await reader.part("search-record").isDisabled(), "each space wants its reason");
      await reader.writes("suitable-reason", "距服务对象较远");
      await reader.part("search-record").click();
      await reader.page.locator('[data-testid="policy-records"]').getByText("同城有一处").waitFor();
      await takes(reader, "search");
      await arrives(reader, "searched");
      await keep(reader, "rent-searched-zh");
    });
    await as("approver", async (reader) => {
      await reader.opens(renting);
      // The house will do after all.
      await takes(reader, "refuse", { "decision-no": "永管租〔2026〕2号", reason: "同城存量可用，改为调剂" });
      await reader.page.locator('[data-testid="policy-state"]').getByText("不予批准").waitFor();
    });
    await as("unit-contact", async (reader) => {
      moving = await opens(reader, "reassign", name, "60");
      for (const paper of ["application", "staffing_document", "space_situation"]) await brings(reader, paper);
      await takes(reader, "apply");
      await arrives(reader, "applied");
    });
    await as("asset-manager", async (reader) => {
      await reader.opens(moving);
      await writes(reader, "write-site_visit", { on: "2026-11-20", defects: "现有用房不足" });
      await takes(reader, "check");
      await arrives(reader, "checked");
    });
    await as("planner", async (reader) => {
      await reader.opens(moving);
      await reader.part("suitable-choose").click();
      await reader.part("policy-asset").waitFor();
      await takes(reader, "match");
      await arrives(reader, "matched");
      await keep(reader, "reassign-matched-zh");
    });
    await as("approver", async (reader) => {
      await reader.opens(moving);
      await takes(reader, "approve", { office: { words: "机关事务管理部门" }, "decision-no": "永管房〔2026〕12号" });
      await arrives(reader, "approved");
    });
    await as("asset-manager", async (reader) => {
      await reader.opens(moving.replace("lang=zh", "lang=en"));
      for (const paper of ["transfer_slip", "use_agreement", "handover_record"]) await brings(reader, paper);
      await takes(reader, "move_in");
      await arrives(reader, "moved_in");
      await keep(reader, "reassign-moved-en");
      await brings(reader, "use_certificate");
      await takes(reader, "archive");
      await reader.page.locator('[data-testid="at-archived"].done').waitFor();
    });
    const rooms = await (await askAs("demo-asset-manager", `/api/v1/rooms?building=${building}&sort=place`)).json();
    assert.deepEqual(rooms.items.map((room) => room.occupancy), ["in_use", "in_use", "idle", "idle"]);
    assert.equal(rooms.items[0].unit_name, name);
  });

  for (const [language, column] of [["zh", 2], ["en", 3]]) {
    test(`the contract that is filed makes the lease, and the two lead to each other (${language})`, async (t) => {
      const { name, unit, building } = await city(column);
      const id = await made("unit-contact", "/api/v1/policy-cases", { procedure: "rent_in", unit_id: unit, need: { use_area_m2: "60", purpose: "办事窗口" } });
      const says = async (who, what, body) => {
        const at = `/api/v1/policy-cases/${id}`;
        const { version_id: version } = await (await askAs(`demo-${who}`, at)).json();
        const answer = await askAs(`demo-${who}`, `${at}/${what}`, {
          method: "POST", headers: { "content-type": "application/json", "if-match": `"${version}"` }, body: JSON.stringify(body),
        });
        assert.equal(answer.status, 200, JSON.stringify(await answer.json()));
      };
      const paper = (kind) => says("unit-contact", "records", { record: "document", kind, name: `${kind} 1号` });
      for (const kind of ["application", "staffing_document", "space_situation"]) await paper(kind);
      await says("unit-contact", "transitions", { transition: "apply" });
      await says("planner", "records", { record: "stock_search", on: "2026-01-05", finding: "同城一处", rejected: [{ asset_id: building, reason: "距服务对象较远" }] });
      await says("planner", "transitions", { transition: "search" });
      await says("approver", "transitions", { transition: "approve", office: "bureau", decision_no: "永管租〔2026〕9号" });
      for (const kind of ["lease_contract", "rent_comparison"]) await paper(kind);
      const address = `某路${run}号`;
      const kindOfLandlord = language === "zh" ? "国有企业" : "state-owned company";
      await asReader(t, async (reader) => {
        await reader.opens(`/?policy=${id}&panel=policies&lang=${language}`);
        await writes(reader, "write-lease_in", {
          number: "租〔2026〕1号", landlord: "某某资产经营公司", landlord_kind: { words: kindOfLandlord }, address, use_area_m2: "60", from: "2026-01-01", to: "2028-12-31",
          rent_year: "36000.00", market_rent_year: "36000.00",
        });
        await takes(reader, "contract");
        await arrives(reader, "renting");
        await keep(reader, `rent-filed-${language}`);
        await reader.part("policy-lease").click();
        await reader.part("lease-premises").waitFor();
        assert.equal(await reader.part("lease-premises").innerText(), address);
        assert.match(await reader.part("lease-view").innerText(), /3,000\.00/);
        assert.equal(await reader.part("lease-end").count(), 0, "the case gives it back");
        await keep(reader, `rent-lease-${language}`);
        await reader.page.setViewportSize({ width: 1024, height: 768 });
        await keep(reader, `rent-lease-${language}-1024`);
        await reader.part("lease-case").click();
        await reader.page.waitForURL(new RegExp(`policy=${id}`));
        assert.equal(await reader.part("policy-unit").innerText(), name);
      }, { as: demo("unit-contact"), width: 1440, height: 900 });
    });
  }

  for (const [width, height, language] of [[1024, 768, "zh"], [1440, 900, "en"]]) {
    test(`every procedure has its guide in five parts, ${width}×${height}`, (t) =>
      asReader(t, async (reader) => {
        await reader.opens(`/?panel=policies&lang=${language}`);
        await reader.part("policy-new").click();
        for (const procedure of ["idle_disposal", "repair", "reassign", "swap_premises", "rent_in", "build", "leader_office", "hand_down"]) {
          await reader.part(`new-${procedure}`).click();
          const guide = reader.part("policy-guide");
          await guide.waitFor();
          assert.equal(await guide.locator("h4").count(), 5, procedure);
          assert.ok((await guide.locator("ol li").count()) >= 5, `${procedure} tells its steps`);
        }
        // What is about an asset is opened on the asset's card.
        await reader.part("new-repair").click();
        await reader.part("new-on-the-map").waitFor();
        await reader.part("new-build").click();
        const overflow = await reader.part("new-case-dialog").evaluate((one) => one.scrollWidth - one.clientWidth);
        assert.ok(overflow <= 0, `${overflow} px too wide`);
        await keep(reader, `new-case-${width}-${language}`);
      }, { as: demo("asset-manager"), width, height }));
  }
});
