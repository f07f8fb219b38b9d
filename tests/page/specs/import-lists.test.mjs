import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { asReader, ask, useBrowser } from "../drivers/browser.mjs";
import { estate, importOnce } from "../fixtures.mjs";

const here = estate("lists");

describe("importing lists without shapes", () => {
  useBrowser();
  test("the estate is imported", () => importOnce(here));

  test("many rights in one parcel stand on its card, and a right in nothing is set aside", (t) =>
    asReader(t, async (clerk) => {
      await clerk.opensAt(here.middleOf(7));
      await clerk.dropsFile({
        name: `${here.prefix}-rights.csv`,
        text: [
          "资产代码,权利人,部位,登记用途,登记面积（㎡）",
          `${here.keyOf(7)},甲局,一层,办公,120.5`,
          `${here.keyOf(7)},乙中心,二层,业务,80`,
          `${here.keyOf(8)},甲局,全部,办公,300`,
          `${here.prefix}-nowhere,丙处,全部,办公,1`,
        ].join("\n"),
      });
      await clerk.choosesImportLayer("权利（产权、税务等清单）");
      await clerk.namesDataset(`${here.dataset}-rights`);
      for (const shapely of ["import-crs", "import-swap-axes", "import-region"]) assert.equal(await clerk.part(shapely).count(), 0, shapely);
      await clerk.part("import-table-options").click();
      assert.equal(await clerk.part("import-shape_column").count(), 0);
      await clerk.startsTheImport();
      await clerk.waitsForTheReport();
      const counts = await clerk.reportedCounts();
      assert.deepEqual([counts.read, counts.inserted, counts.quarantined], [4, 3, 1]);

      const { items } = await (await ask(`/api/v1/parcels?q=${here.keyOf(7)}`)).json();
      assert.equal(items.length, 1);
      await clerk.opensAt(here.middleOf(7), 17, `&asset=parcels/${items[0].id}`);
      const card = await clerk.readsTheCard();
      assert.equal(card.code, here.keyOf(7));
      const toggle = clerk.part("card-rights-toggle");
      await toggle.waitFor();
      assert.equal(await toggle.innerText(), "权利 2 条");
      assert.equal(await toggle.getAttribute("aria-expanded"), "false");
      await toggle.click();
      const rights = await clerk.part("card-right").allInnerTexts();
      assert.equal(rights.length, 2);
      assert.match(rights.join("\n"), /甲局 · 一层/);
      assert.match(rights.join("\n"), /乙中心 · 二层/);
    }));
});
