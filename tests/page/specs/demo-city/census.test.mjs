import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { asReader, ask, useBrowser } from "../../drivers/browser.mjs";

describe("the demo city", () => {
  useBrowser();

  test("its totals are those of the census, in words of the page's language", (t) =>
    asReader(t, async (manager) => {
      await manager.opens("/?lang=zh");
      assert.equal(await manager.total("units"), 238);
      assert.equal(await manager.total("sites"), 624);
      assert.equal(await manager.total("buildings"), 1500);
      assert.equal(await manager.total("rooms"), 160_000);
      const floorArea = () => manager.part("total-floor-area").innerText();
      assert.equal((await floorArea()).replaceAll("\u00a0", " "), "493.91 万㎡");
      await manager.switchesLanguage();
      await manager.page.waitForFunction(() => document.documentElement.lang === "en");
      assert.equal((await floorArea()).replaceAll("\u00a0", " "), "493.91 ha");
    }));

  test("it is labelled as made up wherever the map is looked at", (t) =>
    asReader(t, async (manager) => {
      for (const address of ["/?lang=zh", "/?lang=zh&panel=layers", "/?lang=zh&table=sites"]) {
        await manager.opens(address);
        await manager.part("made-up").waitFor();
        assert.match(await manager.part("made-up").innerText(), /演示数据，纯属虚构/);
        const label = await manager.part("made-up").boundingBox();
        const canvas = await manager.page.locator(".maplibregl-canvas").boundingBox();
        assert.ok(label.x + label.width <= canvas.x + canvas.width && label.y + label.height <= canvas.y + canvas.height);
      }
      await manager.opens("/?lang=zh&panel=layers");
      await manager.page.getByText("演示数据，并非真实情况").waitFor();
    }));

  test("a site shows its parcels and buildings on its card", (t) =>
    asReader(t, async (manager) => {
      const answer = await ask(`/api/v1/sites?q=YL320402&limit=1`);
      const [site] = (await answer.json()).items;
      await manager.opens(`/?lang=zh&asset=sites/${site.id}`);
      const card = await manager.readsTheCard();
      assert.equal(card.code, site.code);
    }));
});
