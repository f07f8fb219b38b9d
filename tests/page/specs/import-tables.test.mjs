import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { asReader, ask, useBrowser } from "../drivers/browser.mjs";
import { estate, importOnce } from "../fixtures.mjs";

describe("importing tables", () => {
  useBrowser();

  test("header and coordinates are named where they aren't found, and the setting at fault stands open", (t) =>
    asReader(t, async (clerk) => {
      const here = estate("table");
      const { longitude, latitude } = here.middleOf(7);
      await clerk.opensAt({ longitude, latitude });
      await clerk.dropsFile({
        name: `${here.prefix}.csv`,
        text: `台账,,\n2024 年,,\n院落,,\n代码,东,北\n${here.prefix}-1,${longitude},${latitude}\n${here.prefix}-2,${longitude + 0.0002},${latitude}\n`,
      });
      await clerk.choosesImportLayer("院落");
      await clerk.namesDataset(here.dataset);
      await clerk.part("import-crs").fill("EPSG:4490");
      await clerk.part("import-table-options").click();
      await clerk.part("import-header_row").fill("4");
      await clerk.part("import-x_column").fill("东");
      await clerk.startsTheImport();
      const refusal = clerk.part("import-refusal");
      await refusal.waitFor();
      assert.match(await refusal.innerText(), /没有指定 y_column/);
      await clerk.part("import-y_column").fill("北");
      await clerk.startsTheImport();
      await clerk.waitsForTheReport();
      assert.equal((await clerk.reportedCounts()).inserted, 2);
    }));

  test("settings of tables are offered for tables alone", (t) =>
    asReader(t, async (clerk) => {
      const here = estate("notable");
      await clerk.opensAt(here.middleOf(7));
      await clerk.dropsFile(here.secondYear);
      assert.equal(await clerk.part("import-table-options").count(), 0);
    }));

  test("the template of the chosen layer is a workbook that holds no row yet", (t) =>
    asReader(t, async (clerk) => {
      const here = estate("template");
      await clerk.opensAt(here.middleOf(7));
      await clerk.dropsFile(here.secondYear);
      await clerk.choosesImportLayer("楼栋");
      const [download] = await Promise.all([clerk.page.waitForEvent("download"), clerk.part("import-template").click()]);
      assert.equal(download.suggestedFilename(), "buildings.xlsx");
      const buffer = readFileSync(await download.path());
      await clerk.choosesFile("empty.xlsx", buffer);
      await clerk.namesDataset(here.dataset);
      await clerk.asksForDryRun();
      await clerk.startsTheImport();
      await clerk.waitsForTheReport();
      assert.equal((await clerk.reportedCounts()).read, 0);
    }));

  test("a corrected mapping is saved and chosen by its name the next time", (t) =>
    asReader(t, async (clerk) => {
      const here = estate("mapping");
      await clerk.opensAt(here.middleOf(7));
      await clerk.imports(here.secondYear, { dataset: here.dataset, dryRun: true });
      await clerk.part("import-for-good").click();
      await clerk.part("import-mapping-name").fill(here.prefix);
      await clerk.part("import-mapping-save").click();
      await clerk.part("import-mapping-said").waitFor();
      const saved = await (await ask(`/api/v1/import-mappings/parcels/${here.prefix}`)).json();
      assert.equal(saved.map.address, "address");

      await clerk.opensAt(here.middleOf(7));
      await clerk.dropsFile(here.secondYear);
      await clerk.namesDataset(here.dataset);
      await clerk.choosesSavedMapping(here.prefix);
      const columns = await clerk.part("import-dialog").locator(".mapping .el-input input").evaluateAll((inputs) => inputs.map((input) => input.value));
      assert.ok(columns.includes("address"), columns.join(", "));
      await clerk.startsTheImport();
      await clerk.waitsForTheReport();
      assert.equal((await clerk.reportedCounts()).inserted, 20);
    }));

  test("a workbook with faults can be had back with every fault marked", (t) =>
    asReader(t, async (clerk) => {
      const here = estate("marked");
      await importOnce(here);
      const exported = await ask(`/api/v1/parcels/export?format=xlsx&dataset=${encodeURIComponent(here.dataset)}`);
      const book = Buffer.from(await exported.arrayBuffer());
      await clerk.opensAt(here.middleOf(7));
      await clerk.dropsFile(here.secondYear);
      await clerk.choosesFile(`${here.prefix}-again.xlsx`, book);
      await clerk.namesDataset(`${here.dataset}-again`);
      // A column that says the same in all rows is no key.
      await clerk.mapsField("原始编号（主键）", "数据集 dataset");
      await clerk.asksForDryRun();
      await clerk.startsTheImport();
      await clerk.waitsForTheReport();
      assert.deepEqual(await clerk.reportedCounts(), { read: 20, inserted: 1, new_version: 0, unchanged: 0, quarantined: 19 });
      const [download] = await Promise.all([clerk.page.waitForEvent("download"), clerk.part("import-marked").click()]);
      assert.equal(download.suggestedFilename(), `${here.prefix}-again-错误标注.xlsx`);
      assert.equal(readFileSync(await download.path()).subarray(0, 2).toString(), "PK");
      // Opened by its address, the report shows its rows, too.
      await clerk.opens(`/?panel=imports&import=${clerk.address().get("import")}`);
      await clerk.waitsForTheReport();
      await clerk.page.locator('[data-testid="rows-quarantined"][aria-selected="true"]').waitFor();
      await clerk.part("import-rows").locator("tbody tr").first().waitFor();
    }));
});
