import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { asReader, askAs, useBrowser } from "../drivers/browser.mjs";
import { Desk } from "../drivers/desk.mjs";
import { asTwo, certificate, clerk, code, get, held, parcel, post, run, words } from "../drivers/office.mjs";

describe("the book of titles and the queue of cases", () => {
  useBrowser();

  for (const language of ["zh", "en"]) {
    const word = words[language];
    const column = (place) => place + (language === "zh" ? 0 : 1);

    test(`the card shows a certificate and what lies on it (${language})`, (t) =>
      asReader(t, async (reader) => {
        const desk = new Desk(reader);
        const land = await parcel("湘江西路办公区", column(0));
        const title = await post("/api/v1/titles", {
          evidence: "both", unit_code: code(column(0)), cert_no: certificate(2021, column(0)), right_type: "3",
          right_nature_land: "101", land_use_scheme: "GB21010-2017", land_use_code: "0801", land_area_m2: 11_000, location: "冷水滩区湘江西路1号",
          holders: [{ name: "永州市某局", kind: "unit" }], registry: "永州市不动产登记中心", recorded_on: "2021-03-10", issued_on: "2021-03-12", parcel_ids: [land],
        });
        await post(`/api/v1/titles/${title}/encumbrances`, { kind: "seizure", holder: "永州市中级人民法院", document: "(2026)湘11执1号" });
        await desk.seesAsset("parcels", land, language);
        const shown = await desk.part("card-title-of-register").innerText();
        for (const text of ["湘(2021)", "永州市某局", code(column(0)).slice(12, 19), "永州市中级人民法院", word.use]) assert.ok(shown.includes(text), `${text}: ${shown}`);
        await desk.part("encumbrance-limit").first().scrollIntoViewIfNeeded();
        await desk.keeps(`title-card-${language}`);
      }));

    test(`the queue says whose turn it is and what is late, and a pending case holds its asset (${language})`, (t) =>
      asTwo(t, async (first, second) => {
        const land = await parcel("队列办公区", column(4));
        await first.seesAsset("parcels", land, language);
        const id = await first.opensCase();
        const number = (await get(`/api/v1/title-cases/${id}`)).body.number;
        await first.part("card-pending-case").waitFor();
        assert.match(await first.part("card-pending-case").innerText(), new RegExp(`${number}.*demo-title-clerk`, "s"));
        const again = await askAs(clerk.username, "/api/v1/title-cases", { method: "POST", headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() }, body: JSON.stringify({ asset_id: land }) });
        assert.equal(again.status, 409);
        await second.reader.opens(`/?panel=titles&lang=${language}`);
        await second.part("case-search").waitFor();
        await second.reader.types("case-search", `T-${run}-${column(4)}`);
        await second.part("case-count").getByText(/(^|\D)1(\D|$)/).waitFor();
        await second.keeps(`case-queue-${language}`);
        await second.chooses(second.part("case-filter-whose"), language === "zh" ? "待我办理" : "waiting for me");
        await second.part("case-row").waitFor({ state: "detached" });
      }));
  }

  test("a seizure blocks, is lifted, and a title ends with the consents it takes", (t) =>
    asReader(
      t,
      async (reader) => {
        const desk = new Desk(reader);
        const land = await parcel("拟拆除办公区", 10);
        await desk.seesAsset("parcels", land, "en");
        await desk.entersCertificate(held(words.en, 10, "永州市人民政府", words.en.government));
        await desk.part("card-title-of-register").waitFor();
        assert.match(await desk.part("title-unification").innerText(), /a people's government/);
        assert.equal((await get(`/api/v1/parcels/${land}`)).body.title_status, "unified");
        await desk.part("title-encumber").click();
        await desk.fills("encumbrance-form", { "encumbrance-kind": "seizure", "encumbrance-holder": "永州市中级人民法院", "encumbrance-document": "(2026)湘11执1号", "encumbrance-from": "2020-01-05" });
        await desk.part("encumbrance-save").click();
        await desk.part("encumbrance-limit").first().waitFor();
        assert.match(await desk.part("encumbrances").innerText(), /blocks: transfer/);
        await desk.part("title-end").click();
        await desk.fills("end-form", { "end-reason": "拆除，拆除证明1号" });
        assert.ok(await desk.part("end-confirm").isDisabled(), "the court has to agree");
        await desk.keeps("title-end-en");
        await reader.presses("Escape");
        await desk.part("end-form").waitFor({ state: "detached" });
        await desk.part("encumbrance-lift").click();
        await desk.fills("end-form", { "end-reason": "(2026)湘11执1号之一解除", "end-day": "2020-01-05" });
        await desk.part("end-form").getByText("can be lifted from 2020-01-06 on").waitFor();
        assert.ok(await desk.part("end-confirm").isDisabled(), "it lies on the title for a day");
        await desk.fills("end-form", { "end-day": "2020-01-06" });
        await desk.part("end-confirm").click();
        await desk.part("encumbrance-limit").first().waitFor({ state: "detached" });
        await reader.page.setViewportSize({ width: 1024, height: 768 });
        await desk.part("title-end").click();
        await desk.fills("end-form", { "end-reason": "拆除，拆除证明1号", "end-status": "papers not" });
        await desk.part("end-confirm").click();
        await desk.part("card-title-of-register").waitFor({ state: "detached" });
        assert.equal((await get(`/api/v1/parcels/${land}`)).body.title_status, "none_not_handed");
      },
      { as: clerk },
    ));

  test("the book counts titles in a government's name as a kind of their own", (t) =>
    asReader(
      t,
      async (reader) => {
        const desk = new Desk(reader);
        const land = await parcel("省政府名下办公区", 11);
        await post("/api/v1/titles", {
          evidence: "both", unit_code: code(11), cert_no: certificate(2020, 11), right_type: "3", holders: [{ name: "云南省人民政府", kind: "government" }], recorded_on: "2020-03-10", land_area_m2: 9_000, parcel_ids: [land],
        });
        await reader.opens("/?panel=titles&lang=zh");
        await desk.part("titles-book").click();
        await desk.part("title-totals").locator('[data-unification="unified_government"]').click();
        await reader.types("title-search", certificate(2020, 11));
        await desk.part("title-row").getByText("云南省人民政府").waitFor();
        // The others stand there until the search has its answer.
        await desk.part("title-row").nth(1).waitFor({ state: "detached" });
        await desk.keeps("title-book-zh");
        await reader.page.setViewportSize({ width: 1024, height: 768 });
        await desk.keeps("title-book-zh-small");
        await desk.part("title-row").click();
        await desk.part("title-unification").getByText("已统一（人民政府）").waitFor();
      },
      { as: clerk },
    ));
});
