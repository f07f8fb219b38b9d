import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { describe, test } from "node:test";
import { asReader, ask, useBrowser } from "../drivers/browser.mjs";
import { estate } from "../fixtures.mjs";

// Where SCREENSHOTS names a folder, what is seen is kept there.
const screenshots = process.env.SCREENSHOTS;

async function keep(reader, name) {
  if (screenshots === undefined) return;
  mkdirSync(screenshots, { recursive: true });
  await reader.page.screenshot({ path: `${screenshots}/${name}.png` });
}

describe("putting an import right", () => {
  useBrowser();

  test("a file with latitude first is led to the right place by one button", (t) =>
    asReader(t, async (clerk) => {
      const here = estate("axes");
      await clerk.opensAt(here.middleOf(7));
      await clerk.dropsFile(withLatitudeFirst(here.secondYear));
      await clerk.namesDataset(here.dataset);
      await clerk.startsTheImport();
      const refusal = clerk.part("import-refusal");
      await refusal.waitFor();
      const words = await refusal.innerText();
      assert.match(words, /坐标轴颠倒/);
      assert.match(words, /没有写入任何内容/);
      const offers = clerk.part("import-offer");
      assert.equal(await offers.count(), 1);
      assert.match(await offers.innerText(), /采用 交换 x 与 y 并重试/);
      await offers.getByRole("button").click();
      await clerk.waitsForTheReport();
      assert.equal((await clerk.reportedCounts()).inserted, 20);
      await clerk.seesInView(20);
    }));

  test("a zone's number in the easting is told, and the zone is offered by name", (t) =>
    asReader(t, async (clerk) => {
      await clerk.opensAt({ longitude: 119.79, latitude: 31.8 });
      await clerk.dropsFile(inPlane("EPSG:4549", 40_480_000, 3_520_000));
      await clerk.namesDataset(`zone-${Date.now()}`);
      await clerk.startsTheImport();
      const offers = clerk.part("import-offer");
      await offers.waitFor();
      assert.match(await clerk.part("import-refusal").innerText(), /不带带号/);
      assert.match(await offers.innerText(), /采用 EPSG:4528 并重试/);
      await offers.getByRole("button").click();
      await clerk.waitsForTheReport();
      assert.equal((await clerk.reportedCounts()).inserted, 3);
    }));

  test("an old datum asks for parameters and for whose they are", (t) =>
    asReader(t, async (clerk) => {
      await clerk.opensAt({ longitude: 119.79, latitude: 31.8 });
      await clerk.dropsFile(inPlane("EPSG:2385", 480_000, 3_530_000));
      await clerk.namesDataset(`datum-${Date.now()}`);
      await clerk.startsTheImport();
      await clerk.part("import-refusal").waitFor();
      assert.match(await clerk.part("import-refusal").innerText(), /西安 1980.*缺少转换参数/s);
      assert.equal(await clerk.part("import-offer").count(), 0);
      const rows = [[478000, 3529000], [482000, 3529000], [480000, 3533000]]
        .map(([east, north], at) => `P${at},${east},${north},${east + 50},${north - 10}`);
      const table = ["点名,源东坐标,源北坐标,目标东坐标,目标北坐标", ...rows].join("\n");
      await clerk.part("import-points").setInputFiles({ name: "points.csv", mimeType: "text/csv", buffer: Buffer.from(table) });
      await clerk.startsTheImport();
      await clerk.part("import-refusal").getByText("没有写明转换参数的来源").waitFor();
      const from = clerk.page.locator('[data-testid="import-parameters-from"]');
      await from.fill("常州市测绘院 2019 年第 12 号");
      await clerk.startsTheImport();
      await clerk.waitsForTheReport();
      assert.equal((await clerk.reportedCounts()).inserted, 3);
      assert.match(await clerk.part("import-report").innerText(), /常州市测绘院 2019 年第 12 号；控制点 3 个，中误差 0\.000 m/);
    }));

  test("a register without a map is taken, and its own words stand for values of ours", (t) =>
    asReader(t, async (clerk) => {
      const here = estate("words");
      const table = `代码,名称,用途,地址\n${here.prefix}-1,一号地,VACANT,路一\n${here.prefix}-2,二号地,GEN-OFFICE,路二\n`;
      await clerk.opensAt(here.middleOf(7));
      await clerk.dropsFile({ name: `${here.prefix}.csv`, text: table });
      await clerk.namesDataset(here.dataset);
      await clerk.mapsField("用途", "用途");
      const add = clerk.part("import-value-add");
      await add.scrollIntoViewIfNeeded();
      for (const [index, [word, value]] of [["VACANT", "闲置土地"], ["GEN-OFFICE", "行政办公"]].entries()) {
        await add.click();
        const row = clerk.part("import-value").nth(index);
        await row.locator('[data-testid="import-value-word"]').fill(word);
        await clerk.choosesFrom(row.locator('[data-testid="import-value-ours"]'), value);
      }
      await clerk.part("import-without-shapes").click();
      await keep(clerk, "import-words");
      await clerk.startsTheImport();
      await clerk.waitsForTheReport();
      assert.deepEqual(await clerk.reportedCounts(), { read: 2, inserted: 2, new_version: 0, unchanged: 0, quarantined: 0 });
      const { items } = await (await ask(`/api/v1/parcels?dataset=${encodeURIComponent(here.dataset)}&limit=10`)).json();
      const usages = Object.fromEntries(items.map(({ code, usage }) => [code, usage]));
      assert.deepEqual(usages, { [`${here.prefix}-1`]: "idle_land", [`${here.prefix}-2`]: "administrative_office" });
    }));

  test("after a dry run the guessed fields stand open to correction, and the file is taken for good", (t) =>
    asReader(t, async (clerk) => {
      const here = estate("good");
      await clerk.opensAt(here.middleOf(7));
      await clerk.imports(here.secondYear, { dataset: here.dataset, dryRun: true });
      await clerk.part("import-for-good").click();
      await clerk.part("import-dialog").waitFor();
      const sources = clerk.part("import-dialog").locator(".mapping .el-input input");
      const guessed = await sources.evaluateAll((inputs) => inputs.map((input) => input.value));
      assert.ok(guessed.includes("address"), guessed.join(", "));
      await clerk.startsTheImport();
      await clerk.waitsForTheReport();
      assert.equal((await clerk.reportedCounts()).inserted, 20);
      await clerk.seesInView(20);
    }));
});

function withLatitudeFirst({ name, text }) {
  const file = JSON.parse(text);
  for (const { geometry } of file.features) {
    geometry.coordinates = geometry.coordinates.map((ring) => ring.map(([x, y]) => [y, x]));
  }
  return { name, text: JSON.stringify(file) };
}

/** Three plots of 50 m in metres, under a coordinate system of their own. */
function inPlane(crs, east, north) {
  const features = [0, 1, 2].map((number) => {
    const [x, y] = [east + number * 100, north];
    const ring = [[x, y], [x + 50, y], [x + 50, y + 50], [x, y + 50], [x, y]];
    return { type: "Feature", id: `plot-${number}`, properties: {}, geometry: { type: "Polygon", coordinates: [ring] } };
  });
  const text = JSON.stringify({ type: "FeatureCollection", crs: { type: "name", properties: { name: crs } }, features });
  return { name: "plane.geojson", text };
}
