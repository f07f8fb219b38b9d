import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { describe, test } from "node:test";
import { account, asReader, askAs, useBrowser } from "../drivers/browser.mjs";

// Where SCREENSHOTS names a folder, what is seen is kept there.
const screenshots = process.env.SCREENSHOTS;

async function keep(reader, name) {
  if (screenshots === undefined) return;
  mkdirSync(screenshots, { recursive: true });
  await reader.page.waitForTimeout(500);
  await reader.page.screenshot({ path: `${screenshots}/${name}.png` });
}

const demo = (role) => ({ username: `demo-${role}`, password: account.password });
const run = Math.floor(Math.random() * 8_900) + 1_000;
const pdf = Buffer.from("%PDF-1.7\n1 0 obj <</Type /Catalog>> endobj\n%%EOF\n");

async function send(who, method, address, body, headers = {}) {
  const response = await askAs(who, address, {
    method,
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID(), ...headers },
    body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({}));
  assert.ok(response.ok, `${address}: ${JSON.stringify(answer)}`);
  return answer;
}

/** A district of its own with four buildings. */
async function district(code, beside = 0) {
  await send(account.username, "POST", "/api/v1/regions", { code, name: `盘点区${code}`, level: "county", valid_from: "2010-01-01" });
  const ids = [];
  for (const [at, name] of ["档案楼", "老车库", "附楼", "综合楼"].entries()) {
    const place = run + beside;
    const west = 113.2 + (place % 300) * 0.01 + at * 0.002;
    const south = 27.4 + Math.floor(place / 300) * 0.002;
    const ring = [[west, south], [west + 0.001, south], [west + 0.001, south + 0.001], [west, south + 0.001], [west, south]];
    const { id } = await send("demo-asset-manager", "POST", "/api/v1/buildings", {
      name, valid_from: "2020-01-01", region_code: code, occupancy: "in_use", usage: "administrative_office", admin_level: "city", registered_area_m2: 300,
      geometry: { type: "Polygon", coordinates: [ring] },
    });
    ids.push(id);
  }
  return ids;
}

async function fills(reader, name, value) {
  const part = reader.part(name);
  const tag = await part.evaluate((element) => element.tagName);
  await (["INPUT", "TEXTAREA"].includes(tag) ? part : part.locator("input, textarea")).fill(value);
}

async function steps(reader, transition, said = {}) {
  await reader.part(`step-${transition}`).click();
  for (const [name, value] of Object.entries(said)) await fills(reader, `step-${name}`, value);
  await reader.part("step-confirm").click();
  await reader.part("step-confirm").waitFor({ state: "hidden" });
}

async function brings(reader, kind, name) {
  await reader.part(`paper-${kind}`).click();
  await fills(reader, "paper-name", name);
  await reader.part("paper-save").click();
  await reader.part("paper-save").waitFor({ state: "hidden" });
}

const row = (reader, name) => reader.page.locator('[data-testid="line-row"]', { hasText: name });
async function opens(reader, name) {
  await row(reader, name).locator('[data-testid="line-open"]').click();
  await reader.part("line-dialog").waitFor();
}
async function saves(reader) {
  await reader.part("line-save").click();
  await reader.part("line-save").waitFor({ state: "hidden" });
}

describe("stocktaking", () => {
  useBrowser();

  test("a stocktaking goes from its plan to its report through five people's hands", async (t) => {
    const code = `66${run}`;
    const [, shed] = await district(code);
    let address = "";
    await asReader(t, async (manager) => {
      await manager.opens("/?panel=stocktakings&lang=zh");
      await manager.part("stocktaking-new").click();
      await manager.part("plan-region").locator("input").fill(code);
      await manager.page.locator(".el-select-dropdown__item:visible", { hasText: code }).click();
      await fills(manager, "plan-name", `盘点${run}`);
      await keep(manager, "stocktaking-plan");
      await manager.part("plan-save").click();
      await manager.part("stocktaking-view").waitFor();
      // Nothing is frozen before the plan's paper is there.
      assert.ok(await manager.part("step-freeze").isDisabled());
      await brings(manager, "plan", "盘点方案 1号");
      await steps(manager, "freeze");
      await manager.part("stocktaking-lines").waitFor();
      await row(manager, "综合楼").waitFor();
      address = new URL(manager.page.url()).search;
    }, { as: demo("asset-manager") });

    await asReader(t, async (contact) => {
      await contact.opens(`/${address}`);
      await row(contact, "档案楼").waitFor();
      await keep(contact, "stocktaking-answering");
      // The keyboard alone: in place, then the next one is missing.
      await row(contact, "档案楼").focus();
      await contact.page.keyboard.press("1");
      await contact.page.locator('[data-testid="line-row"][data-found="in_place"]', { hasText: "档案楼" }).waitFor();
      await row(contact, "老车库").focus();
      await contact.page.keyboard.press("4");
      await contact.page.locator('[data-testid="line-row"][data-found="missing"]', { hasText: "老车库" }).waitFor();
      await opens(contact, "附楼");
      await fills(contact, "line-own-area", "310");
      await keep(contact, "stocktaking-line");
      await saves(contact);
      await row(contact, "附楼").locator('[data-testid="line-state"]', { hasText: "信息不符" }).waitFor();
      await row(contact, "综合楼").locator('[data-testid="line-in-place"]').click();
      await contact.page.locator('[data-testid="line-row"][data-found="in_place"]', { hasText: "综合楼" }).waitFor();
      await contact.page.locator('[data-testid="stocktaking-progress"]', { hasText: "4 / 4" }).waitFor();
      // A click on the name shows where it lies.
      await row(contact, "附楼").locator('[data-testid="line-locate"]').click();
      await contact.page.waitForURL(/asset=buildings/);
      // What is the manager's isn't the contact's.
      assert.ok(await contact.part("step-begin_check").isDisabled());
    }, { as: demo("unit-contact") });

    await asReader(t, async (manager) => {
      await manager.opens(`/${address}`);
      await steps(manager, "begin_check");
      assert.ok(await manager.part("step-end_check").isDisabled());
      await row(manager, "老车库").waitFor();
      await opens(manager, "老车库");
      await manager.part("line-photos").setInputFiles([{ name: "现场.pdf", mimeType: "application/pdf", buffer: pdf }]);
      await keep(manager, "stocktaking-check");
      await saves(manager);
      await steps(manager, "end_check");
      for (const name of ["老车库", "附楼"]) {
        await row(manager, name).waitFor();
        await opens(manager, name);
        await fills(manager, "line-explanation", "历史遗留，已核实");
        await saves(manager);
      }
      await steps(manager, "put_forward");
    }, { as: demo("asset-manager") });

    await asReader(t, async (approver) => {
      await approver.opens(`/${address}`);
      await row(approver, "老车库").waitFor();
      await opens(approver, "老车库");
      // What is missing isn't decided away.
      assert.ok(await approver.part("decide-book_stands").locator("input").isDisabled());
      await approver.part("decide-correct_book").click();
      await keep(approver, "stocktaking-decision");
      await saves(approver);
      await opens(approver, "附楼");
      await approver.part("decide-correct_own").click();
      await saves(approver);
      await steps(approver, "approve", { "decision-no": "机管盘〔2026〕1号" });
      await approver.page.locator('[data-testid="stocktaking-state"]', { hasText: "台账更正" }).waitFor();
    }, { as: demo("approver") });

    await asReader(t, async (manager) => {
      await manager.opens(`/${address}`);
      await row(manager, "老车库").waitFor();
      // Said before it is done: the refusal says so, and nothing is lost.
      await opens(manager, "老车库");
      await manager.part("line-save").click();
      await manager.part("line-dialog-trouble").waitFor();
      assert.match(await manager.part("line-dialog-trouble").innerText(), /仍在台账中/);
      const held = await askAs("demo-asset-manager", `/api/v1/buildings/${shed}`);
      await send("demo-asset-manager", "POST", `/api/v1/buildings/${shed}/closures`, { valid_to: new Date().toISOString().slice(0, 10), reason: "盘亏核销" }, { "if-match": held.headers.get("etag") });
      await saves(manager);
      await opens(manager, "附楼");
      await fills(manager, "line-own-area", "300");
      await saves(manager);
      await steps(manager, "report");
      await brings(manager, "report", "盘点报告 1号");
    }, { as: demo("asset-manager"), forgive: [/status of 409 .*\/records\)/] });

    await asReader(t, async (approver) => {
      await approver.opens(`/${address}`);
      await steps(approver, "close");
      await approver.page.locator('[data-testid="stocktaking-state"]', { hasText: "已办结归档" }).waitFor();
    }, { as: demo("approver") });

    for (const [language, width, height] of [["zh", 1440, 900], ["en", 1024, 768]]) {
      await asReader(t, async (auditor) => {
        await auditor.opens(`/?panel=stocktakings&lang=${language}`);
        await auditor.page.locator('[data-testid="stocktaking-row"]', { hasText: `盘点${run}` }).waitFor();
        await keep(auditor, `stocktaking-list-${language}`);
        await auditor.page.locator('[data-testid="stocktaking-row"]', { hasText: `盘点${run}` }).click();
        await row(auditor, "附楼").waitFor();
        await keep(auditor, `stocktaking-closed-${language}`);
        const [download] = await Promise.all([auditor.page.waitForEvent("download"), auditor.part("line-export").click()]);
        assert.match(download.suggestedFilename(), /\.xlsx$/);
        await auditor.part("stocktaking-places").getByText(language === "zh" ? "三相符报告" : "Three agreements").click();
        await auditor.part("stocktaking-report").waitFor();
        assert.equal((await auditor.part("shortfall-building").innerText()).trim(), "1");
        assert.equal((await auditor.part("own_differs-building").innerText()).trim(), "1");
        assert.equal((await auditor.part("found_agrees-building").innerText()).trim(), "3");
        await auditor.part("stocktaking-report").scrollIntoViewIfNeeded();
        await keep(auditor, `stocktaking-report-${language}`);
        // Whoever looks changes nothing.
        for (const action of ["stocktaking-new", "line-in-place", "line-extra", "paper-report"]) assert.equal(await auditor.part(action).count(), 0, action);
      }, { as: demo("auditor"), width, height });
    }
  });

  test("a unit's own figures come by a form: shown first, then taken over", async (t) => {
    const code = `67${run}`;
    await district(code, 13_000);
    const plan = await send("demo-asset-manager", "POST", "/api/v1/stocktakings", { name: `填报${run}`, region_code: code, admin_level: "city" });
    const at = `/api/v1/stocktakings/${plan.id}`;
    const tagged = async (what, body) => {
      const held = await askAs("demo-asset-manager", at);
      await send("demo-asset-manager", "POST", `${at}/${what}`, body, { "if-match": held.headers.get("etag") });
    };
    await tagged("papers", { kind: "plan", name: "盘点方案" });
    await tagged("transitions", { transition: "freeze" });
    const { items } = await (await askAs("demo-unit-contact", `${at}/lines?limit=100`)).json();
    const keys = (name) => {
      const line = items.find((one) => one.name === name);
      return `${line.id},${line.tag}`;
    };
    // As a spreadsheet saves the form's columns that matter, with a row that says nothing and one that says nonsense.
    const table = (lodge) =>
      Buffer.from(`\uFEFF标识,版本,盘点情况,分台账面积（㎡）,备注\r\n${keys("档案楼")},在位相符,300,\r\n${keys("附楼")},在位相符,310,\r\n${keys("老车库")},,,\r\n${keys("综合楼")},${lodge},,\r\n`);
    const csv = (content) => ({ name: "分台账.csv", mimeType: "text/csv", buffer: content });

    await asReader(t, async (contact) => {
      await contact.opens(`/?panel=stocktakings&lang=zh`);
      await contact.page.locator('[data-testid="stocktaking-row"]', { hasText: `填报${run}` }).click();
      await row(contact, "档案楼").waitFor();
      await keep(contact, "figures-buttons");
      const [form] = await Promise.all([contact.page.waitForEvent("download"), contact.part("figures-form").click()]);
      assert.match(form.suggestedFilename(), /填报表\.xlsx$/);
      // The form as it came has nothing to be written.
      await contact.part("figures-upload").click();
      await contact.part("figures-file").setInputFiles(await form.path());
      await contact.part("figures-summary").waitFor();
      assert.equal((await contact.part("figures-summary").innerText()).trim(), "没有可写入的行");
      assert.equal((await contact.part("figures-empty").innerText()).trim(), "未填 4 行");
      assert.ok(await contact.part("figures-take").isDisabled());
      // Nonsense is told by its row and column; what is no form at all as well.
      await contact.part("figures-file").setInputFiles(csv(Buffer.from("名称,面积\r\n档案楼,300\r\n附楼,310\r\n")));
      await contact.part("figures-trouble").waitFor();
      assert.match(await contact.part("figures-trouble").innerText(), /这不是盘点填报表.*请下载填报表/s);
      await contact.part("figures-file").setInputFiles(csv(table("不知道")));
      await contact.page.locator('[data-testid="figures-summary"]', { hasText: "将确认 2 条" }).waitFor();
      assert.equal(await contact.part("figures-trouble").count(), 0);
      assert.match(await contact.part("figures-refused-row").innerText(), /5[\s\S]*盘点情况[\s\S]*不知道[\s\S]*在位相符/);
      await keep(contact, "figures-preview-zh");
      assert.equal((await (await askAs("demo-unit-contact", at)).json()).progress.answered, 0);
      // By the keyboard: the button that writes has the focus.
      await contact.page.waitForFunction(() => document.activeElement?.getAttribute("data-testid") === "figures-take");
      await contact.page.keyboard.press("Enter");
      await contact.page.locator('[data-testid="figures-summary"]', { hasText: "已确认 2 条" }).waitFor();
      await keep(contact, "figures-taken-zh");
      await contact.page.waitForFunction(() => document.activeElement?.getAttribute("data-testid") === "figures-close");
      await contact.page.keyboard.press("Enter");
      await contact.part("figures-dialog").waitFor({ state: "hidden" });
      await contact.page.locator('[data-testid="stocktaking-progress"]', { hasText: "2 / 4" }).waitFor();
    }, { as: demo("unit-contact"), forgive: [/status of 422 .*\/figures\?preview=true\)/] });

    await asReader(t, async (contact) => {
      await contact.opens(`/?panel=stocktakings&lang=en`);
      await contact.page.locator('[data-testid="stocktaking-row"]', { hasText: `填报${run}` }).click();
      await row(contact, "老车库").waitFor();
      await contact.part("figures-upload").click();
      // Put right and sent again: what was written is told as known.
      await contact.part("figures-file").setInputFiles(csv(table("变动")));
      await contact.page.locator('[data-testid="figures-unchanged"]', { hasText: "2" }).waitFor();
      await contact.part("figures-refused-row").waitFor();
      await keep(contact, "figures-preview-en");
      await contact.part("figures-file").setInputFiles(csv(table("In place")));
      await contact.page.locator('[data-testid="figures-summary"]', { hasText: "1 lines would be answered" }).waitFor();
      await contact.part("figures-take").click();
      await contact.part("figures-close").click();
      await contact.part("line-left").click();
      await contact.page.locator(".el-select-dropdown__item:visible", { hasText: "All lines" }).click();
      await row(contact, "附楼").locator('[data-testid="line-state"]', { hasText: "Facts differ" }).waitFor();
      await contact.page.locator('[data-testid="line-row"][data-found="in_place"]', { hasText: "综合楼" }).waitFor();
      await contact.page.locator('[data-testid="line-row"][data-found="unanswered"]', { hasText: "老车库" }).waitFor();
      await keep(contact, "figures-after-en");
    }, { as: demo("unit-contact"), width: 1024, height: 768 });
  });
});
