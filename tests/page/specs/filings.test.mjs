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

const run = Math.floor(Math.random() * 90_000);

async function unit() {
  const response = await askAs(account.username, "/api/v1/units", {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify({ code: `F-${run}`, name: `备案局${run}`, level: "city", kind: "government_organ", valid_from: "2020-01-01", headcount: { "正局(处)级": 1, "局(处)级以下": 20 } }),
  });
  assert.equal(response.status, 201);
  return (await response.json()).id;
}

describe("yearly filings of a unit", () => {
  useBrowser();

  test("a filing is entered, refused a second time, corrected and withdrawn", async (t) => {
    const id = await unit();
    const lastYear = new Date().getFullYear() - 1;
    await asReader(t, async (reader) => {
      await reader.opens(`/?panel=space&unit=${id}&lang=zh`);
      const section = reader.part("unit-filings");
      await section.scrollIntoViewIfNeeded();
      await section.getByText("还没有登记").waitFor();
      await reader.part("filing-enter").click();
      await reader.part("filing-save").click();
      await reader.part("filing-dialog").getByText("必填").waitFor();
      await reader.part("filing-document").fill("机管备〔2026〕7号");
      await keep(reader, "filing-dialog-zh");
      await reader.part("filing-save").click();
      const line = reader.part("filing");
      await line.first().waitFor();
      assert.match(await line.first().innerText(), new RegExp(`${lastYear} 年度 领导干部办公用房备案[^]*机管备〔2026〕7号`));
      assert.match(await reader.part("filings-missing").innerText(), new RegExp(`${lastYear} 年度没有登记：内部公示`));
      // The same again is refused, in words.
      await reader.part("filing-enter").click();
      await reader.part("filing-document").fill("又一份");
      await reader.part("filing-save").click();
      await reader.part("filing-dialog").getByText("这一年度的此项已登记").waitFor();
      await reader.part("filing-kind").click();
      await reader.page.locator(".el-select-dropdown__item", { hasText: "内部公示" }).click();
      await reader.part("filing-save").click();
      await reader.part("filings-missing").waitFor({ state: "detached" });
      assert.equal(await line.count(), 2);
      await keep(reader, "filings-zh");
      await line.filter({ hasText: "机管备" }).getByTestId("filing-correct").click();
      await reader.part("filing-document").fill("机管备〔2026〕8号");
      await reader.part("filing-save").click();
      await reader.part("filing-dialog").getByText("必填").waitFor();
      await reader.part("filing-reason").fill("文号录错");
      await reader.part("filing-save").click();
      await line.filter({ hasText: "8号" }).waitFor();
      await line.filter({ hasText: "又一份" }).getByTestId("filing-withdraw").click();
      const question = reader.page.getByRole("dialog").filter({ hasText: "撤销" });
      await question.locator("input").fill("录错");
      await question.getByRole("button", { name: "撤销" }).click();
      await reader.part("filings-missing").waitFor();
      assert.equal(await line.count(), 1);
    }, { forgive: [/status of (409|422)/] });
  });

  test("who only looks is offered nothing to write", async (t) => {
    const id = await unit().catch(() => null);
    const units = await (await askAs(account.username, `/api/v1/units?q=备案局${run}`)).json();
    await asReader(t, async (reader) => {
      await reader.opens(`/?panel=space&unit=${id ?? units.items[0].id}&lang=en`);
      await reader.part("unit-filings").scrollIntoViewIfNeeded();
      await reader.part("unit-filings").getByText("Yearly filing and publication").waitFor();
      assert.equal(await reader.part("filing-enter").count(), 0);
    }, { as: { username: "demo-viewer", password: account.password } });
  });
});
