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

async function post(who, address, body) {
  const response = await askAs(`demo-${who}`, address, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

async function made(who, address, body) {
  const answer = await post(who, address, body);
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer.body.id;
}

/** A house with thirty homes of 80.42 m² and its title. */
async function homes(name, column) {
  // Another test of this run may have made the region.
  const region = await post("administrator", "/api/v1/regions", { code: "431103", name: "冷水滩区", level: "county", valid_from: "2020-01-01" });
  assert.ok([201, 409].includes(region.status), JSON.stringify(region.body));
  const west = 111.4 + (run % 300) * 0.01 + column * 0.002;
  const south = 26.7 + Math.floor(run / 300) * 0.002;
  const ring = [[west, south], [west + 0.001, south], [west + 0.001, south + 0.001], [west, south + 0.001], [west, south]];
  const land = await made("asset-manager", "/api/v1/parcels", {
    name, code: `H-${run}-${column}`, region_code: "431103", valid_from: "2020-01-01", geometry: { type: "Polygon", coordinates: [ring] },
  });
  const building = await made("asset-manager", "/api/v1/buildings", {
    name, code: `H-${run}-${column}`, region_code: "431103", valid_from: "2020-01-01", usage: "housing_security", occupancy: "idle",
    geometry: { type: "Polygon", coordinates: [ring] },
  });
  for (let home = 0; home < 30; home++) {
    await made("asset-manager", "/api/v1/rooms", {
      building_id: building, floor: Math.floor(home / 6) + 1, number: `${Math.floor(home / 6) + 1}0${(home % 6) + 1}`, building_area_m2: 80.42, occupancy: "idle", valid_from: "2020-01-01",
    });
  }
  const serial = String(1 + ((run + column) % 99_998)).padStart(5, "0");
  await made("title-clerk", "/api/v1/titles", {
    evidence: "both", unit_code: `431103001003GB${serial}F00010001`, cert_no: `湘(2022)冷水滩区不动产权第${String(2_000_000 + run * 2 + column).slice(-7)}号`, right_type: "4",
    right_nature_land: "102", house_area_m2: 2412.6, location: "冷水滩区周转房", holders: [{ name: "永州市机关事务管理局", kind: "bureau" }],
    registry: "永州市不动产登记中心", recorded_on: "2022-03-10", issued_on: "2022-03-12", parcel_ids: [land], building_ids: [building],
  });
  return building;
}

describe("one asset, one policy", () => {
  useBrowser();

  test("thirty idle homes go from the card to the auction, by people with a role each", async (t) => {
    const building = await homes(`周转房${run}`, 0);
    const as = (role, story, options = {}) => asReader(t, story, { as: demo(role), ...options });
    let address = "";
    await as("administrator", async (reader) => {
      await reader.opens("/?panel=policies&lang=zh");
      await reader.page.locator('[data-testid="policy-places"]').getByText("审批权限").click();
      await reader.part("thresholds").waitFor();
      if ((await reader.page.getByText("4311", { exact: true }).count()) === 0) {
        await reader.part("threshold-add").click();
        await reader.writes("threshold-region", "431100");
        await reader.writes("threshold-from", "0.005");
        await reader.writes("threshold-to", "5000000");
        await reader.chooses("threshold-chain", "机关事务管理部门");
        await reader.page.getByRole("option", { name: "财政部门" }).click();
        await reader.page.keyboard.press("Escape");
        await reader.writes("threshold-source", "永府办〔2025〕1号");
        await reader.writes("threshold-reason", "市政府文件");
        await reader.part("threshold-save").click();
        assert.match(await reader.part("threshold-refused").innerText(), /最多两位小数/);
        await reader.writes("threshold-from", "0");
        await reader.part("threshold-save").click();
        await reader.part("threshold-save").waitFor({ state: "hidden" });
      }
      await reader.part("threshold-row").first().waitFor();
      await keep(reader, "thresholds-zh");
    }, { forgive: [/422/] });
    await as("asset-manager", async (reader) => {
      await reader.opens(`/?asset=buildings/${building}&lang=zh`);
      await reader.part("card-policies").scrollIntoViewIfNeeded();
      await reader.chooses("card-idle-reason", "总量有余");
      await keep(reader, "policy-card-zh");
      await reader.part("card-open-policy").click();
      await reader.part("policy-stepper").waitFor();
      assert.match(await reader.part("policy-rooms").innerText(), /30 间.*2\s412\.60/);
      assert.ok(await reader.part("step-verify").isDisabled(), "nothing is verified without the visit");
      await writes(reader, "write-verification", { on: "2026-11-01", measured_m2: "2412.60", book_value: "4800000.00", safe: { words: "是" }, title_note: "产权清晰" });
      // A paper comes with its file; what is none of the kinds that are kept is refused in words.
      await reader.part("bring-site_survey").first().click();
      await reader.part("record-file-input").setInputFiles([{ name: "假.pdf", mimeType: "application/pdf", buffer: Buffer.from("<script>1</script>") }]);
      await reader.part("record-file-trouble").waitFor();
      await reader.part("record-file-input").setInputFiles([{ name: "现场勘查记录.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.7\n%%EOF\n") }]);
      await reader.part("record-file").waitFor();
      await keep(reader, "policy-file-zh");
      await reader.part("record-confirm").click();
      await reader.part("record-confirm").waitFor({ state: "hidden" });
      const [download] = await Promise.all([reader.page.waitForEvent("download"), reader.part("policy-file").first().click()]);
      assert.equal(download.suggestedFilename(), "现场勘查记录.pdf");
      await takes(reader, "verify");
      await arrives(reader, "verified");
      assert.match(await reader.part("whose-score").innerText(), /由规划员办理/);
      const url = new URL(reader.page.url());
      address = `/?policy=${url.searchParams.get("policy")}&panel=policies&lang=zh`;
    }, { forgive: [/422/] });
    await as("planner", async (reader) => {
      await reader.opens(address);
      await writes(reader, "write-score", { route: { words: "公开拍卖" }, points: "88", why: "地段成熟" });
      await writes(reader, "write-score", { route: { words: "出租" }, points: "70", why: "租金偏低" });
      await takes(reader, "score");
      await arrives(reader, "scored");
      await brings(reader, "proposal");
      await writes(reader, "write-document", { kind: { words: "拍卖方案" }, name: "拍卖方案 1号" });
      await takes(reader, "propose", { route: { words: "公开拍卖 · 88" } });
      await arrives(reader, "proposed");
      await keep(reader, "policy-proposed-zh");
    });
    await as("asset-manager", async (reader) => {
      await reader.opens(address);
      await brings(reader, "meeting_minutes");
      await takes(reader, "decide", { "decision-no": "局党组纪要〔2026〕7号" });
      await arrives(reader, "collective");
      assert.ok(await reader.part("step-approve").isDisabled(), "who works on it doesn't approve it");
    });
    await as("approver", async (reader) => {
      await reader.opens(address);
      assert.ok(await reader.part("step-approve").isDisabled(), "finance comes after the bureau");
      await takes(reader, "countersign", { "decision-no": "永机管〔2026〕1号" });
      await reader.part("policy-decisions").getByText("永机管〔2026〕1号").waitFor();
      await takes(reader, "approve", { "decision-no": "永财资〔2026〕2号" });
      await arrives(reader, "approved");
    });
    await as("asset-manager", async (reader) => {
      await reader.opens(address);
      await writes(reader, "write-appraisal", { of: { words: "本资产" }, appraiser: "某评估公司", report_no: "评报〔2026〕12号", base_date: "2026-10-01", value: "4900000.00" });
      await brings(reader, "appraisal_report");
      await takes(reader, "commission");
      await arrives(reader, "appraised");
      await writes(reader, "write-round", { venue: "永州市公共资源交易中心", is_exchange: { words: "是" }, notice_from: "2026-11-01", notice_to: "2026-11-25", reserve: "4400000" });
      await brings(reader, "public_notice");
      await takes(reader, "announce");
      await takes(reader, "open_bidding");
      await arrives(reader, "bidding");
      // Three decimals are refused in plain words, with rule and article, and the dialog keeps what was written.
      await reader.part("write-bid").click();
      await reader.writes("record-bidder", "张三");
      await reader.writes("record-price", "4405100.001");
      await reader.writes("record-on", "2026-11-26");
      await reader.part("record-confirm").click();
      const refused = await reader.part("record-trouble").innerText();
      assert.match(refused, /最多两位小数.*中国人民银行法第17条/s);
      await keep(reader, "policy-money-refused-zh");
      await reader.writes("record-price", "4405100");
      await reader.part("record-confirm").click();
      await reader.part("record-confirm").waitFor({ state: "hidden" });
      await writes(reader, "write-award", { bidder: "张三", price: "4405100", on: "2026-11-26", notice_to: "2026-11-28" });
      await brings(reader, "bidding_record");
      // 89.9 % of the appraisal.
      assert.ok(await reader.part("step-award").isDisabled());
      const page = await reader.part("policy-case").innerText();
      assert.match(page, /89\.9%.*DSP-07/s);
      await takes(reader, "hold_low_bid", { reason: "最高报价低于评估价90%" });
      await reader.part("policy-clock").getByText("期限暂停").waitFor();
      await keep(reader, "policy-below-floor-zh");
    }, { forgive: [/422/] });
    await as("approver", async (reader) => {
      await reader.opens(address);
      await takes(reader, "approve_price", { "decision-no": "永机管〔2026〕9号", price: "4405100" });
      await arrives(reader, "bidding");
    });
    await as("asset-manager", async (reader) => {
      await reader.opens(address);
      await takes(reader, "award");
      await arrives(reader, "awarded");
      await writes(reader, "write-contract", { number: "拍2026-1", counterparty: "张三", price: "4405100", on: "2026-11-29" });
      await brings(reader, "contract");
      await takes(reader, "contract");
      await arrives(reader, "contracted");
      await writes(reader, "write-payment", { on: "2026-11-29", amount: "4405100.00", voucher: "收1" });
    });
    await as("finance-reviewer", async (reader) => {
      await reader.opens(address);
      await brings(reader, "handover_record");
      await takes(reader, "hand_over");
      await arrives(reader, "executed");
      assert.match(await reader.part("policy-money").innerText(), /4,405,100\.00 元/);
      await keep(reader, "policy-executed-zh");
    });
    await as("asset-manager", async (reader) => {
      await reader.opens(address.replace("lang=zh", "lang=en"));
      await writes(reader, "write-remittance", { on: "2026-11-30", amount: "4405100.00", voucher: "缴1" });
      await brings(reader, "treasury_receipt");
      await keep(reader, "policy-executed-en");
    });
    await as("finance-reviewer", async (reader) => {
      await reader.opens(address);
      await takes(reader, "settle");
      await arrives(reader, "settled");
    });
    await as("title-clerk", async (reader) => {
      await reader.opens(address);
      await brings(reader, "registration_proof");
      await takes(reader, "end_title");
      await arrives(reader, "title_done");
    });
    await as("asset-manager", async (reader) => {
      await reader.opens(address);
      await brings(reader, "writeoff_voucher");
      await takes(reader, "write_off");
      await reader.page.locator('[data-testid="at-closed"].done').waitFor();
      await keep(reader, "policy-closed-zh");
      await reader.part("policy-all").click();
      await reader.part("policy-closed").click();
      await reader.writes("policy-q", `周转房${run}`);
      await reader.part("policy-row").first().waitFor();
      await keep(reader, "policy-queue-zh");
    });
    const gone = await askAs("demo-asset-manager", `/api/v1/buildings/${building}`);
    assert.equal(gone.status, 404, "what is written off is no longer on the books");
  });

  for (const [width, height, language] of [[1024, 768, "en"], [1440, 900, "en"]]) {
    test(`the queue, a case and the thresholds fit ${width}×${height}`, (t) =>
      asReader(t, async (reader) => {
        const building = await homes(`周转房${run}-${width}`, width === 1024 ? 1 : 2);
        const id = await made("asset-manager", "/api/v1/policy-cases", { procedure: "repair", asset_id: building });
        await reader.opens(`/?panel=policies&lang=${language}`);
        await reader.part("policy-row").first().waitFor();
        await keep(reader, `policy-queue-${width}-${language}`);
        await reader.opens(`/?panel=policies&policy=${id}&lang=${language}`);
        await reader.part("policy-stepper").waitFor();
        const overflow = await reader.part("policy-case").evaluate((one) => one.scrollWidth - one.clientWidth);
        assert.ok(overflow <= 0, `${overflow} px too wide`);
        await keep(reader, `policy-case-${width}-${language}`);
      }, { as: demo("asset-manager"), width, height }));
  }
});
