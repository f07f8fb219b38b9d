import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { asReader, useBrowser } from "../drivers/browser.mjs";
import { estate, importOnce } from "../fixtures.mjs";

const here = estate("look");

describe("looking at the map", () => {
  useBrowser();
  test("the estate is imported", () => importOnce(here));

  test("a parcel is found from the keyboard by code and its card says what it is", (t) =>
    asReader(t, async (manager) => {
      await manager.opens("/");
      await manager.searches(here.keyOf(2));
      assert.match((await manager.hits())[0], new RegExp(here.keyOf(2)));
      await manager.presses("ArrowDown", "ArrowUp", "Enter");
      const card = await manager.readsTheCard();
      assert.equal(card.code, here.keyOf(2));
      assert.match(card.area, /^\d[\d ]* ㎡$/);
      assert.equal(card.title_status, "登记在其他单位名下、未移交资料");
      // The map has flown there: the parcel and those around it are in view, and no longer all.
      await manager.page.waitForFunction(() => {
        const inView = Number(document.querySelector("[data-testid=legend] footer span")?.textContent?.replaceAll(/[^\d]/g, "") ?? "0");
        return inView >= 1 && inView < 1000;
      });
      await manager.presses("Escape");
      await manager.part("card").waitFor({ state: "detached" });
    }));

  test("a parcel is found by its address", (t) =>
    asReader(t, async (manager) => {
      await manager.opens("/");
      await manager.searches(`${here.prefix} road 13`);
      assert.match((await manager.hits())[0], /road 13/);
    }));

  test("the card marks a registered area that differs from the computed one", (t) =>
    asReader(t, async (manager) => {
      await manager.opens("/");
      await manager.searches(here.keyOf(0));
      await manager.presses("Enter");
      await manager.readsTheCard();
      assert.match(await manager.part("card").innerText(), /图形面积与登记面积相差/);
    }));

  test("the legend filters by a click and isolates with Shift", (t) =>
    asReader(t, async (manager) => {
      await manager.opensAt(here.middleOf(7));
      await manager.seesInView(20);
      await manager.clicksLegend("unified");
      await manager.waitsForAddress("hide", "unified");
      await manager.clicksLegend("unified");
      await manager.waitsForAddress("hide", null);
      await manager.clicksLegend("none_handed", { shift: true });
      await manager.waitsForAddress("hide", "unified,other_handed,other_not_handed,none_not_handed,other,none");
      // Filtered out, a parcel can't be clicked: the middle one is other_not_handed.
      await manager.findsNothingInTheMiddle();
      await manager.choosesTheme("usage");
      await manager.waitsForAddress("theme", "usage");
      await manager.waitsForAddress("hide", null);
      await manager.seesInView(20);
      await manager.seesLegendCount("technical", 4);
    }));

  test("a link opens the very same view, and back undoes a choice", (t) =>
    asReader(t, async (manager) => {
      await manager.opensAt(here.middleOf(7), 17.5, "&theme=occupancy&hide=let&as_of=2024-06-30&panel=layers&table=parcels&lang=en");
      await manager.part("table").waitFor();
      assert.match(await manager.part("away-words").innerText(), /You are looking at 2024-06-30/);
      assert.equal(await manager.part("theme-select").inputValue(), "occupancy");
      assert.equal(await manager.part("legend").locator('[data-value="let"]').getAttribute("aria-pressed"), "false");
      await manager.part("layer-sites").waitFor();
      const query = manager.address();
      assert.equal(query.get("as_of"), "2024-06-30");
      assert.match(query.get("at"), /^17\.50\//);

      await manager.choosesTheme("usage");
      await manager.waitsForAddress("theme", "usage");
      await manager.goesBack();
      await manager.waitsForAddress("theme", "occupancy");
      assert.equal(await manager.part("theme-select").inputValue(), "occupancy");
    }));

  test("a date before the first record shows nothing, and now shows all", (t) =>
    asReader(t, async (manager) => {
      await manager.opensAt(here.middleOf(7));
      await manager.seesInView(20);
      await manager.looksAtDate("2022-06-30");
      assert.match(await manager.part("away-words").innerText(), /正在查看 2022-06-30 的状态/);
      await manager.seesInView(0);
      await manager.returnsToNow();
      await manager.seesInView(20);
    }));

  test("every word changes with the language, and the choice is kept", (t) =>
    asReader(t, async (manager) => {
      await manager.opens("/");
      assert.match(await manager.page.title(), /一策/);
      await manager.switchesLanguage();
      await manager.page.waitForFunction(() => document.documentElement.lang === "en");
      assert.match(await manager.page.title(), /^Yice/);
      const words = await manager.page.locator(".side-rail, .context-panel, .map-legend, .map-foot").allInnerTexts();
      const chinese = words.join("\n").split("\n").filter((line) => /\p{Script=Han}/u.test(line));
      // Whoever is signed in is called the same in every language.
      const name = (await manager.part("rail-account").innerText()).trim();
      assert.deepEqual(chinese.filter((line) => !["中", "中文", name].includes(line)), []);
      await manager.page.reload();
      await manager.part("legend").waitFor();
      assert.match(await manager.part("legend").innerText(), /Registered to/);
    }));

  test("rows of the table and the map belong together", (t) =>
    asReader(t, async (manager) => {
      await manager.opensAt(here.middleOf(7), 17, "&table=parcels");
      await manager.part("table").locator("header input[type=text]").fill(here.prefix);
      await manager.page.waitForFunction(() => document.querySelectorAll("[data-testid=table] tbody tr").length === 20);
      await manager.part("table").locator("tbody .link-button").nth(4).click();
      assert.equal((await manager.readsTheCard()).code, here.keyOf(4));
      await manager.part("table").locator("tr.is-selected").waitFor();
    }));

  test("all of it fits a small window", (t) =>
    asReader(
      t,
      async (manager) => {
        await manager.opens("/?lang=en");
        const wide = await manager.page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= 1024, `the page is ${wide} px wide`);
        for (const name of ["search", "as-of", "show-all", "rail-upload"]) {
          const box = await manager.page.locator(`[data-testid="${name}"], .map-foot .date`).first().boundingBox();
          assert.ok(box !== null && box.x >= 0 && box.x + box.width <= 1024 && box.y + box.height <= 768, name);
        }
      },
      { width: 1024, height: 768 },
    ));

  test("a lost server is said and recovered from without a reload", (t) =>
    asReader(
      t,
      async (manager) => {
        await manager.opens("/");
        await manager.total("parcels");
        await manager.page.context().setOffline(true);
        await manager.looksAtDate("2024-01-01");
        await manager.part("server-lost").waitFor();
        await manager.page.context().setOffline(false);
        await manager.part("server-lost").waitFor({ state: "detached" });
      },
      { forgive: [/ERR_INTERNET_DISCONNECTED/, /Failed to fetch|AJAXError/] },
    ));
});
