import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { account, asReader, askAs, useBrowser } from "../drivers/browser.mjs";
import { Desk } from "../drivers/desk.mjs";
import { clerk, get, parcel, post, run, words } from "../drivers/office.mjs";

/** A site with two parcels and a building, of which the second parcel has a case already. */
async function compound(column) {
  const west = 111.6 + (run % 300) * 0.03 + column * 0.002;
  const ring = [[west, 26.3], [west + 0.003, 26.3], [west + 0.003, 26.301], [west, 26.301], [west, 26.3]];
  const shaped = (name, code) => ({ name, code: `${code}-${run}-${column}`, valid_from: "2020-01-01", geometry: { type: "Polygon", coordinates: [ring] } });
  const site = await post("/api/v1/sites", shaped(`批量大院${column}`, "BS"), account.username);
  const first = await parcel(`北地块${column}`, column);
  const second = await parcel(`南地块${column}`, column + 1);
  const building = await post("/api/v1/buildings", shaped(`综合楼${column}`, "BB"), account.username);
  for (const related_id of [first, second, building]) {
    const response = await askAs(account.username, `/api/v1/sites/${site}/relations`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
      body: JSON.stringify({ related_id, valid_from: "2020-02-01" }),
    });
    assert.equal(response.status, 201);
  }
  await post("/api/v1/title-cases", { asset_id: second });
  return { site, first, second, building };
}

const seen = {
  zh: { summary: "2 处可以立案，1 处不能", pending: "正在办理", done: "已立 2 件，1 处未立案", unknown: "没有登记这个宗地或楼栋", nothing: "没有一处可以立案" },
  en: { summary: "2 can have a case, 1 can't", pending: "is pending", done: "2 opened, 1 left out", unknown: "no parcel or building is registered", nothing: "None of them can have a case" },
};

describe("cases for many at once", () => {
  useBrowser();

  for (const [language, width, height] of [["zh", 1440, 900], ["en", 1024, 768]]) {
    const word = seen[language];

    test(`a clerk looks first, opens those that can be and is told why not of the rest (${language})`, (t) =>
      asReader(
        t,
        async (reader) => {
          const desk = new Desk(reader);
          const { site, first, building } = await compound(language === "zh" ? 20 : 30);
          await reader.opens(`/?asset=sites/${site}&lang=${language}`);
          await reader.part("card-site-cases").scrollIntoViewIfNeeded();
          await desk.keeps(`title-batch-card-${language}`);
          await reader.part("card-open-cases").click();
          const lines = reader.part("batch-line");
          await reader.part("batch-summary").filter({ hasText: word.summary }).waitFor();
          await lines.filter({ hasText: word.pending }).waitFor();
          assert.equal(await lines.count(), 3);
          // What is only looked at opens nothing.
          const before = (await get(`/api/v1/title-cases?asset=${first}`)).body.items;
          assert.equal(before.length, 0);
          await desk.chooses(reader.part("batch-policy"), words[language].first);
          await reader.part("batch-reason").fill("集中补办登记");
          await reader.part("batch-add-paper").click();
          await desk.chooses(reader.part("batch-paper-kind"), language === "zh" ? "登记申请书" : "application");
          await reader.part("batch-paper-name").fill("批量登记的批复");
          await desk.keeps(`title-batch-${language}`);
          await reader.part("batch-open").click();
          await reader.part("batch-summary").filter({ hasText: word.done }).waitFor();
          await desk.keeps(`title-batch-done-${language}`);
          for (const asset of [first, building]) {
            const [row] = (await get(`/api/v1/title-cases?asset=${asset}`)).body.items;
            assert.equal(row.policy_action, "first_register");
            const held = (await get(`/api/v1/title-cases/${row.id}`)).body;
            assert.equal(held.details.documents[0].name, "批量登记的批复");
          }
          await lines.filter({ hasText: "北地块" }).getByTestId("batch-go").click();
          await reader.part("case-state").waitFor();
        },
        { as: clerk, width, height },
      ));
  }

  test("codes are pasted a line each; what isn't registered is told", (t) =>
    asReader(
      t,
      async (reader) => {
        const desk = new Desk(reader);
        await parcel("粘贴地块", 40);
        await reader.opens("/?panel=titles&lang=zh");
        await reader.part("cases-open-many").click();
        await reader.part("batch-codes").fill("T-nowhere");
        await reader.part("batch-summary").filter({ hasText: seen.zh.nothing }).waitFor();
        assert.ok(await reader.part("batch-open").isDisabled());
        await reader.part("batch-codes").fill(`T-${run}-40\nT-nowhere`);
        await reader.part("batch-line").filter({ hasText: "粘贴地块" }).waitFor();
        await reader.part("batch-line").filter({ hasText: seen.zh.unknown }).waitFor();
        await desk.keeps("title-batch-codes-zh");
        await reader.part("batch-open").filter({ hasText: "立案 1 件" }).click();
        await reader.part("batch-summary").filter({ hasText: "已立 1 件，1 处未立案" }).waitFor();
        await reader.part("batch-close").click();
        await reader.part("case-row").filter({ hasText: "粘贴地块" }).waitFor();
      },
      { as: clerk },
    ));
});
