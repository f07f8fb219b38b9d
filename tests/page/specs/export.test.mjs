import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { asReader, useBrowser } from "../drivers/browser.mjs";
import { estate, importOnce } from "../fixtures.mjs";

const here = estate("export");

describe("exporting what the table shows", () => {
  useBrowser();
  test("the estate is imported", () => importOnce(here));

  for (const { width, height } of [
    { width: 1440, height: 900 },
    { width: 1024, height: 768 },
  ]) {
    test(`the rows the table is narrowed to come as a file, at ${width} by ${height}`, (t) =>
      asReader(
        t,
        async (manager) => {
          await manager.opensAt(here.middleOf(7), 17, "&table=parcels");
          await manager.narrowsTheTable(`${here.prefix} road 1`, 11);
          await manager.opensExport();
          assert.match(await manager.part("export-about").innerText(), /^列表中筛选出的 11 条，\d{4}-\d{2}-\d{2} 的状态。$/);
          await manager.fitsTheWindow(".export-dialog");
          const file = await manager.exports("geojson");
          assert.match(file.name, /^宗地_\d{4}-\d{2}-\d{2}_EPSG4490\.geojson$/);
          const { features } = JSON.parse(await readFile(file.path, "utf8"));
          assert.equal(features.length, 11);
          assert.deepEqual(features.map((feature) => feature.properties.code).toSorted(), [0, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18].map(here.keyOf));
          assert.match(await manager.part("export-done").innerText(), /已导出 11 条：宗地_/);
        },
        { width, height },
      ));
  }

  test("a shapefile in the zone in view says which of its names were cut", (t) =>
    asReader(t, async (manager) => {
      await manager.opensAt(here.middleOf(7), 17, "&table=parcels");
      await manager.narrowsTheTable(here.prefix, 20);
      await manager.opensExport();
      await manager.choosesExportSystem("EPSG:4549");
      const file = await manager.exports("shp");
      assert.match(file.name, /_EPSG4549\.shp\.zip$/);
      assert.deepEqual([...(await readFile(file.path)).subarray(0, 2)], [0x50, 0x4b]);
      assert.match(await manager.part("export-done").innerText(), /字段名超过 10 字节，已截短/);
    }));

  test("a zone on the other side of the country is refused with what to do", (t) =>
    asReader(
      t,
      async (manager) => {
        await manager.opensAt(here.middleOf(7), 17, "&table=parcels&lang=en");
        await manager.narrowsTheTable(here.prefix, 20);
        await manager.opensExport();
        await manager.choosesExportSystem("EPSG:4513");
        await manager.part("export-gpkg").click();
        await manager.part("export-submit").click();
        await manager.part("export-refusal").waitFor();
        assert.match(await manager.part("export-refusal").innerText(), /too far from the central meridian[\s\S]*choose the zone the shapes lie in/);
        // Done as told, it works, and the file has a name this reader can read.
        await manager.choosesExportSystem("EPSG:4549");
        const file = await manager.exports("gpkg");
        assert.match(file.name, /^parcels_\d{4}-\d{2}-\d{2}_EPSG4549\.gpkg$/);
      },
      { forgive: [/422/] },
    ));
});
