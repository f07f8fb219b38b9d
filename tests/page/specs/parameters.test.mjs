import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { describe, test } from "node:test";
import { account, asReader, useBrowser } from "../drivers/browser.mjs";

// Where SCREENSHOTS names a folder, what is seen is kept there.
const screenshots = process.env.SCREENSHOTS;

async function keep(reader, name) {
  if (screenshots === undefined) return;
  mkdirSync(screenshots, { recursive: true });
  await reader.page.screenshot({ path: `${screenshots}/${name}.png` });
}

const administrator = { ...account, username: "demo-administrator" };

describe("what the rules compare with", () => {
  useBrowser();

  test("the administrator sets a value for a region, changes and ends it", (t) =>
    asReader(t, async (reader) => {
      await reader.opens("/?panel=checks&lang=zh");
      await reader.part("checks-parameters").click();
      const parameter = reader.part("parameter-handover_days");
      await parameter.getByTestId("parameter-set").click();
      await reader.part("parameter-region").fill("3204");
      await reader.part("parameter-value").locator("input").fill("-5");
      await reader.part("parameter-source").fill("常机管〔2026〕3号");
      await reader.part("parameter-reason").fill("本市标准");
      await reader.part("parameter-save").click();
      // Out of bounds: told at the field, in the reader's language, and nothing is kept.
      await reader.page.getByText("允许范围 ≥ 0").waitFor();
      await keep(reader, "parameters-refused");
      await reader.part("parameter-value").locator("input").fill("120");
      await reader.part("parameter-save").click();
      const own = parameter.getByTestId("region-value");
      await own.waitFor();
      assert.match(await own.innerText(), /3204：120 天/);
      await reader.page.getByText("已保存").waitFor();
      await keep(reader, "parameters");
      await own.getByTestId("parameter-change").click();
      assert.equal(await reader.part("parameter-region").isDisabled(), true);
      await reader.part("parameter-value").locator("input").fill("150");
      await reader.part("parameter-reason").fill("更正");
      await reader.part("parameter-save").click();
      await own.getByText("3204：150 天").waitFor();
      await reader.part("parameters-own").click();
      assert.equal(await reader.page.locator('[data-testid^="parameter-"][data-testid$="_m2"]').count(), 0);
      await own.getByTestId("parameter-end").click();
      await reader.page.locator(".el-message-box input").fill("废止");
      await reader.page.locator(".el-message-box__btns .el-button--primary").click();
      await own.waitFor({ state: "detached" });
    }, { as: administrator, forgive: [/422/] }));

  test("whoever doesn't keep them reads them, in English too", (t) =>
    asReader(t, async (reader) => {
      await reader.opens("/?panel=checks&lang=en");
      await reader.part("checks-parameters").click();
      const parameter = reader.part("parameter-title_area_tol");
      await parameter.waitFor();
      assert.match(await parameter.innerText(), /default 0\.03 \(share of the certificate's area\)/);
      assert.equal(await reader.part("parameter-set").count(), 0);
      await keep(reader, "parameters-en");
    }, { width: 1024, height: 768 }));
});
