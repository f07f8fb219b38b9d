import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { asReader, useBrowser } from "../drivers/browser.mjs";
import { estate } from "../fixtures.mjs";

describe("importing a file", () => {
  useBrowser();

  test("a dropped file is accounted for row by row and its parcels are on the map at once", (t) =>
    asReader(t, async (clerk) => {
      const here = estate("drop");
      await clerk.opensAt(here.middleOf(7));
      await clerk.imports(here.firstYear, { dataset: here.dataset, validFrom: "2023-01-01" });

      const counts = await clerk.reportedCounts();
      assert.deepEqual(counts, { read: 22, inserted: 20, new_version: 0, unchanged: 0, quarantined: 2 });
      const setAside = await clerk.looksAtRows("quarantined");
      assert.equal(setAside.length, 2);
      assert.ok(setAside.some((row) => row.includes(`${here.prefix}-empty`)), setAside.join("\n"));
      assert.ok(setAside.every((row) => /\p{Script=Han}/u.test(row)), "each row says why");

      await clerk.seesInView(20);
      await clerk.seesLegendCount("unified", 4);
    }));

  test("a second year makes versions of what changed, and both dates can be seen on the map and the card", (t) =>
    asReader(t, async (manager) => {
      const here = estate("years");
      await manager.opensAt(here.middleOf(7));
      await manager.imports(here.firstYear, { dataset: here.dataset, validFrom: "2023-01-01" });
      await manager.imports(here.secondYear, { dataset: here.dataset, validFrom: "2024-01-01" });
      assert.deepEqual(await manager.reportedCounts(), { read: 20, inserted: 1, new_version: 1, unchanged: 18, quarantined: 0 });

      await manager.closesThePanel();
      await manager.opensAt(here.middleOf(7));
      await manager.seesInView(21);
      await manager.clicksTheMiddleOfTheMap();
      const now = await manager.readsTheCard();
      assert.equal(now.code, here.keyOf(7));
      await manager.opensHistory();
      assert.equal((await manager.versions()).length, 2);

      await manager.looksAtVersion(1);
      await manager.waitsForAddress("as_of", "2023-01-01");
      await manager.seesInView(20);
      assert.match(await manager.part("away-words").innerText(), /2023-01-01/);
      await manager.part("card").locator("#tab-facts").click();
      const then = await manager.readsTheCard();
      assert.equal(then.code, now.code);
      assert.notEqual(then.area, now.area);

      await manager.returnsToNow();
      await manager.seesInView(21);
    }));

  test("what is brought in far away is shown", (t) =>
    asReader(t, async (clerk) => {
      const here = estate("far");
      await clerk.opensAt({ longitude: 121.5, latitude: 30.2 });
      await clerk.imports(here.firstYear, { dataset: here.dataset, validFrom: "2023-01-01" });
      await clerk.seesInView(20);
    }));

  test("the same file again changes nothing", (t) =>
    asReader(t, async (clerk) => {
      const here = estate("again");
      await clerk.opensAt(here.middleOf(7));
      await clerk.imports(here.firstYear, { dataset: here.dataset, validFrom: "2023-01-01" });
      await clerk.imports(here.firstYear, { dataset: here.dataset, validFrom: "2023-01-01" });
      assert.deepEqual(await clerk.reportedCounts(), { read: 22, inserted: 0, new_version: 0, unchanged: 20, quarantined: 2 });
    }));

  test("a dry run reports everything and writes nothing", (t) =>
    asReader(t, async (clerk) => {
      const here = estate("dry");
      await clerk.opensAt(here.middleOf(7));
      const before = await clerk.total("parcels");
      await clerk.imports(here.firstYear, { dataset: here.dataset, dryRun: true });
      assert.equal((await clerk.reportedCounts()).inserted, 20);
      await clerk.opensAt(here.middleOf(7));
      await clerk.seesInView(0);
      assert.equal(await clerk.total("parcels"), before);
    }));

  test("a broken file says why, names no success and leaves the map alone", (t) =>
    asReader(t, async (clerk) => {
      const here = estate("broken");
      await clerk.opensAt(here.middleOf(7));
      await clerk.dropsFile(here.broken);
      await clerk.startsTheImport();
      await clerk.part("import-problem").waitFor();
      assert.match(await clerk.part("import-problem").innerText(), /没有写入任何内容/);
      await clerk.seesInView(0);
    }));

  test("a mended shape is shown together with the shape that came", (t) =>
    asReader(t, async (clerk) => {
      const here = estate("knot");
      await clerk.opensAt(here.middleOf(0));
      await clerk.imports(here.knotted, { dataset: here.dataset });
      const counts = await clerk.reportedCounts();
      assert.equal(counts.inserted, 1);
      const mended = await clerk.looksAtRows("repaired");
      assert.equal(mended.length, 1);
      await clerk.locatesFirstRow();
      await clerk.part("import-rows").locator("tr.is-selected").waitFor();
      await clerk.part("import-rows").locator("tbody .link-button").first().click();
      await clerk.part("card-repaired").waitFor();
    }));
});
