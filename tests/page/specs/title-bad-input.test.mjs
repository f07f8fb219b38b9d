import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { asReader, askAs, useBrowser } from "../drivers/browser.mjs";
import { Desk } from "../drivers/desk.mjs";
import { certificate, clerk, get, held, parcel, words } from "../drivers/office.mjs";

describe("bad input about titles", () => {
  useBrowser();

  test("bad input is told and nothing is written", (t) =>
    asReader(
      t,
      async (reader) => {
        const desk = new Desk(reader);
        const word = words.zh;
        const [one, other] = [await parcel("甲院", 12), await parcel("乙院", 14)];
        await desk.seesAsset("parcels", one, "zh");
        await desk.part("card-register-title").click();
        await desk.fills("title-form", held(word, 12, "甲单位", word.unit));
        const wrong = async (fields, text) => {
          await desk.fills("title-form", fields);
          await desk.part("title-form").getByText(text).first().waitFor();
          assert.ok(await desk.part("title-save").isDisabled(), text);
        };
        await wrong({ "cert-issued_on": "2018-04-30" }, "日期先后颠倒（TTL-20）");
        await wrong({ "cert-issued_on": "2999-01-01" }, "日期在将来（TTL-20）");
        await desk.fills("title-form", { "cert-issued_on": "2018-05-03", "cert-co_ownership": "按份共有" });
        await desk.part("add-holder").click();
        await wrong({ "holder-name-1": "乙单位", "holder-share-0": "50%", "holder-share-1": "0.49" }, "份额之和不等于 1");
        await desk.keeps("title-trouble-zh");
        await desk.fills("title-form", { "holder-share-1": "1/2" });
        await desk.part("title-save").click();
        await desk.part("card-title-of-register").waitFor();
        // The same certificate for other land is refused by the book.
        await desk.seesAsset("parcels", other, "zh");
        await desk.entersCertificate({ ...held(word, 14, "乙单位", word.unit), "cert-cert_no": certificate(2018, 12) });
        assert.match(await desk.part("title-trouble").innerText(), /这个证号在此期间已登记在另一项现势权利上.*COD-10/);
        assert.equal(await desk.part("title-form").locator('[data-testid="holder-name-0"]').inputValue(), "乙单位", "what was typed is still there");
        assert.deepEqual((await get(`/api/v1/titles?asset=${other}`)).body.items, []);
        await desk.fills("title-form", { "cert-cert_no": certificate(2018, 14) });
        await desk.part("title-save").click();
        await desk.part("card-title-of-register").waitFor();
        // Somebody was faster: nothing is overwritten.
        await desk.part("title-correct").click();
        await desk.fills("title-form", { "cert-remark": "甲的更正", "title-reason": "证书附记" });
        const id = (await get(`/api/v1/titles?asset=${other}`)).body.items[0].id;
        const read = await get(`/api/v1/titles/${id}`);
        const faster = await askAs(clerk.username, `/api/v1/titles/${id}`, {
          method: "PATCH",
          headers: { "content-type": "application/json", "if-match": read.etag },
          body: JSON.stringify({ remark: "乙的更正", reason: "证书附记", valid_from: "2018-05-01" }),
        });
        assert.equal(faster.status, 200);
        await desk.part("title-save").click();
        assert.match(await desk.part("title-trouble").innerText(), /他人已经修改/);
        assert.equal((await get(`/api/v1/titles/${id}`)).body.remark, "乙的更正");
      },
      { as: clerk, forgive: [/status of 409/, /status of 412/] },
    ));
});
