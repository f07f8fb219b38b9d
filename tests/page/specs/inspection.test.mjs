import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { describe, test } from "node:test";
import { account, asReader, askAs, useBrowser } from "../drivers/browser.mjs";
import { brings, takes } from "../drivers/cases.mjs";

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
/** A county of its own, so that nothing else stands in the stock. */
const county = `4399${String(10 + (run % 89))}`;

async function send(who, address, body, headers = {}) {
  const response = await askAs(`demo-${who}`, `/api/v1/${address}`, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID(), ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

async function made(who, address, body) {
  const answer = await send(who, address, body);
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer.body.id;
}

/** Sends something to an inspection or a finding as it is now, past the page. */
async function change(who, at, to, body) {
  const tag = (await askAs(`demo-${who}`, `/api/v1/${at}`)).headers.get("etag");
  const answer = await send(who, `${at}/${to}`, body, { "if-match": tag });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

/** Three office buildings of a county; the first lacks nothing but its agreements. */
async function stock() {
  await made("administrator", "regions", { code: county, name: `巡检区${run}`, level: "county", valid_from: "2010-01-01" });
  const [west, south] = [112.4 + (run % 300) * 0.01, 26.9 + Math.floor(run / 300) * 0.002];
  for (const [at, area] of [1000, 600, 400].entries()) {
    const x = west + at * 0.002;
    const ring = [[x, south], [x + 0.001, south], [x + 0.001, south + 0.001], [x, south + 0.001], [x, south]];
    await made("asset-manager", "buildings", {
      name: `巡检楼${run}-${at + 1}`, code: `J-${run}-${at}`, region_code: county, admin_level: "county", valid_from: "2015-01-01", usage: "administrative_office",
      occupancy: at === 2 ? "idle" : "in_use", title_status: at === 0 ? "unified" : "none_handed", registered_area_m2: area, geometry: { type: "Polygon", coordinates: [ring] },
    });
  }
}

describe("inspections", () => {
  useBrowser();
  let id = "";

  test("a county is planned, sampled, visited, and what is found goes out with a notice", async (t) => {
    await stock();
    await asReader(t, async (reader) => {
      await reader.opens("/?panel=checks&lang=zh");
      await reader.part("checks-places").getByText("巡检考核").click();
      await reader.part("inspection-new").click();
      await reader.writes("inspection-title", `巡检${run}`);
      await reader.writes("inspection-region", "439999");
      await reader.part("inspection-save").click();
      // A region that there isn't: told in the dialog, and what was written stays.
      await reader.part("inspection-new-trouble").waitFor();
      await reader.writes("inspection-region", county);
      await reader.part("inspection-save").click();
      await reader.part("inspection-state").getByText("拟定方案").waitFor();
      id = new URL(reader.page.url()).searchParams.get("inspection");
      await brings(reader, "inspection_plan");
      await takes(reader, "plan");
      await reader.part("inspection-draw").click();
      await reader.writes("sample-amount", "4");
      await reader.part("sample-confirm").click();
      await reader.part("sample-trouble").getByText("要抽 4 处，而可抽的只有 3 处").waitFor();
      await keep(reader, "inspection-sample-refused");
      await reader.writes("sample-amount", "2");
      await reader.writes("sample-seed", "摇号 0417");
      await reader.part("sample-confirm").click();
      await reader.part("inspection-how").getByText("从 3 处中抽取 2 处").waitFor();
      assert.equal(await reader.part("inspection-sample").locator("li").count(), 2);
      await takes(reader, "sample");
      await keep(reader, "inspection-sampled");

      // The self-check is another person's.
      const at = `inspections/${id}`;
      await change("unit-contact", at, "records", { record: "self_check", statement: "自查无问题", problems: 0 });
      await change("unit-contact", at, "records", { record: "document", kind: "self_check_report", name: "自查报告" });
      await change("unit-contact", at, "transitions", { transition: "self_check" });
      await reader.opens(`/?panel=checks&inspection=${id}&lang=zh`);
      for (const left of [2, 1]) {
        await reader.part("inspection-visit").nth(2 - left).click();
        await reader.writes("record-people", "王、李");
        await reader.writes("record-summary", "逐间查看");
        await reader.part("record-confirm").click();
        await reader.part("record-confirm").waitFor({ state: "hidden" });
      }
      // A visit that was wrong stays to be read, struck through, and its building is to be visited again.
      const { details } = await (await askAs("demo-asset-manager", `/api/v1/inspections/${id}`)).json();
      const wrong = details.records.at(-1).no;
      await reader.part(`inspection-void-${wrong}`).click();
      assert.equal(await reader.part("record-confirm").isDisabled(), true, "not without a reason");
      await reader.writes("record-void-reason", "走错了楼");
      await keep(reader, "inspection-void");
      await reader.part("record-confirm").click();
      await reader.part("record-confirm").waitFor({ state: "hidden" });
      await reader.part(`inspection-record-${wrong}`).locator("del").waitFor();
      await reader.part(`inspection-record-${wrong}`).getByText("已作废：走错了楼").waitFor();
      assert.equal(await reader.part(`inspection-void-${wrong}`).count(), 0, "it is void once");
      assert.equal(await reader.part("inspection-sample").getByText("未查", { exact: true }).count(), 1);
      await reader.part(`inspection-record-${wrong}`).scrollIntoViewIfNeeded();
      await keep(reader, "inspection-voided");
      await reader.part("inspection-visit").nth(1).click();
      await reader.writes("record-people", "王、李");
      await reader.writes("record-summary", "再次查看");
      await reader.part("record-confirm").click();
      await reader.part("record-confirm").waitFor({ state: "hidden" });
      await brings(reader, "on_site_record");
      await takes(reader, "visit");
      const note = async (says) => {
        await reader.part("finding-note").click();
        await reader.part("note-building").click();
        await reader.page.locator(".el-select-dropdown__item:visible").first().click();
        await reader.part("note-rule").click();
        await reader.page.locator(".el-select-dropdown__item:visible", { hasText: "USE-01" }).click();
        await reader.writes("note-says", says);
        await reader.part("note-confirm").click();
        await reader.part("note-confirm").waitFor({ state: "hidden" });
      };
      await note("看错了房间");
      const finding = reader.part("inspection-finding");
      await finding.getByTestId("finding-void").click();
      await reader.writes("finding-text", "这间已签协议");
      await reader.part("finding-confirm-act").click();
      await finding.locator("del").getByText("看错了房间").waitFor();
      await finding.getByText("已作废", { exact: true }).waitFor();
      assert.equal(await reader.part("inspection-findings-count").count(), 0, "it counts no longer");
      await note("未签使用协议");
      await finding.getByText("待整改").waitFor();
      assert.equal(await reader.part("inspection-findings-count").innerText(), "1");
      await finding.first().scrollIntoViewIfNeeded();
      await keep(reader, "inspection-finding-void");
      await brings(reader, "rectification_notice");
      await takes(reader, "issue", { "decision-no": "永管巡〔2026〕1号" });
      await reader.part("inspection-state").getByText("整改中").waitFor();
      await keep(reader, "inspection-rectifying");
    }, { as: demo("asset-manager"), forgive: [/422/] });
  });

  test("it is put right, looked at again by another person, scored and published", async (t) => {
    const at = `inspections/${id}`;
    const [finding] = (await (await askAs("demo-unit-contact", `/api/v1/inspection-findings?inspection=${id}`)).json()).items;
    await asReader(t, async (reader) => {
      await reader.opens("/?panel=checks&lang=zh");
      await reader.part("checks-places").getByText("巡检考核").click();
      await reader.part("inspection-places").getByText("问题整改").click();
      const line = reader.part("inspection-finding").filter({ hasText: "未签使用协议" });
      await line.getByTestId("finding-rectify").click();
      await reader.writes("finding-text", "已补签协议");
      await reader.part("finding-file").setInputFiles({ name: "补签协议.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.7\n%%EOF\n") });
      await reader.part("finding-confirm-act").click();
      await line.getByText("待复查").waitFor();
      await line.getByText("补签协议.pdf").waitFor();
      assert.equal(await line.getByTestId("finding-confirm").count(), 0, "not by whoever put it right");
      await keep(reader, "inspection-mine");
    }, { as: demo("unit-contact") });

    await asReader(t, async (reader) => {
      await reader.opens(`/?panel=checks&inspection=${id}&lang=zh`);
      const line = reader.part("inspection-finding");
      await line.getByTestId("finding-send_back").click();
      await reader.writes("finding-text", "协议没有盖章");
      await reader.part("finding-confirm-act").click();
      await line.getByText("待整改").waitFor();
      await change("unit-contact", `inspection-findings/${finding.id}`, "steps", { step: "rectify", text: "已盖章" });
      await reader.opens(`/?panel=checks&inspection=${id}&lang=zh`);
      await line.getByTestId("finding-confirm").click();
      await reader.part("finding-confirm-act").click();
      await line.getByText("已销号").waitFor();
      await brings(reader, "recheck_record");
      await takes(reader, "recheck");
      await takes(reader, "score");
      // 1 000 of 2 000 m² are registered to the bureau: 50 % of 15 points.
      const row = reader.part("indicator-unified_registration");
      await row.click();
      assert.match(await row.innerText(), /50%[\s\S]*7\.5 \/ 15[\s\S]*1,000 ÷ 2,000 ㎡ = 50%/);
      assert.match(await reader.part("indicator-lawful_letting").innerText(), /—[\s\S]*不计/);
      await reader.page.getByText("本产品默认值").waitFor();
      await row.scrollIntoViewIfNeeded();
      await keep(reader, "inspection-indicators");
      await brings(reader, "inspection_report");
      assert.equal(await reader.part("step-publish").isDisabled(), true, "another person publishes");
      const download = reader.page.waitForEvent("download");
      await reader.part("inspection-export").click();
      assert.match((await download).suggestedFilename(), /\.xlsx$/);
    }, { as: demo("asset-manager") });

    await change("approver", at, "transitions", { transition: "publish", decision_no: "永管巡〔2026〕2号" });
    await asReader(t, async (reader) => {
      await reader.opens(`/?panel=checks&inspection=${id}&lang=en`);
      await reader.part("inspection-state").getByText("Published").waitFor();
      assert.match(await reader.part("inspection-score").innerText(), /points/);
      await keep(reader, "inspection-published-en");
      await reader.part("inspection-indicators").scrollIntoViewIfNeeded();
      await keep(reader, "inspection-indicators-en");
    }, { as: demo("auditor"), width: 1024, height: 768 });
  });

  test("the administrator sets a region's own weights, which are 100 together", (t) =>
    asReader(t, async (reader) => {
      await reader.opens("/?panel=checks&lang=zh");
      await reader.part("checks-places").getByText("巡检考核").click();
      await reader.part("inspection-places").getByText("考核标准").click();
      await reader.part("scheme-source").getByText("本产品默认值").waitFor();
      await reader.part("scheme-new").click();
      await reader.writes("scheme-region", county);
      await reader.writes("scheme-source-field", "永管〔2026〕2号");
      await reader.writes("scheme-reason", "本地标准");
      await reader.writes("weight-filing", "0");
      await reader.part("scheme-sum").getByText("权重合计 95").waitFor();
      assert.equal(await reader.part("scheme-save").isDisabled(), true);
      await keep(reader, "inspection-scheme");
      await reader.writes("weight-unified_registration", "20");
      await reader.part("scheme-save").click();
      await reader.part("scheme-own").filter({ hasText: county }).waitFor();
      await keep(reader, "inspection-schemes");
      // Ended, that of the region above or the defaults hold again.
      const own = reader.part("scheme-own").filter({ hasText: county });
      await own.getByTestId("scheme-end").click();
      assert.equal(await reader.part("scheme-end-confirm").isDisabled(), true, "not without a reason");
      await reader.writes("scheme-end-reason", "省里统一标准");
      await keep(reader, "inspection-scheme-end");
      await reader.part("scheme-end-confirm").click();
      await own.waitFor({ state: "detached" });
      const held = await (await askAs("demo-administrator", `/api/v1/inspection-schemes/in-force?region=${county}`)).json();
      assert.equal(held.is_default, true);
    }, { as: demo("administrator") }));
});
