import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { askAs, useBrowser } from "../drivers/browser.mjs";
import { asTwo, clerk, get, held, parcel, register, words } from "../drivers/office.mjs";

describe("a return from a platform company", () => {
  useBrowser();

  test("what a platform company holds comes back after eight checks, and nothing typed is lost meanwhile", (t) =>
    asTwo(t, async (first, second) => {
      const word = words.zh;
      const land = await parcel("城投名下办公区", 8, { usage: "commercial" });
      await first.seesAsset("parcels", land, "zh");
      await first.entersCertificate(held(word, 8, "永州市城投公司", word.company));
      await first.part("card-title-of-register").waitFor();
      await first.part("title-encumber").click();
      await first.fills("encumbrance-form", { "encumbrance-holder": "某银行永州分行", "encumbrance-document": "抵押合同2020-1" });
      await first.keeps("encumbrance-dialog-zh");
      await first.part("encumbrance-save").click();
      await first.part("encumbrances").getByText("某银行永州分行").waitFor();
      assert.match(await first.part("encumbrances").innerText(), /须告知：转移/);
      const id = await first.opensCase();
      await first.takes("classify", { "step-policy": word.back }, "begin_return");
      await first.takes("begin_return");
      await first.takes("clear");
      const names = ["origin", "encumbrances", "financing", "books", "approval", "transfer", "restore", "accounts"];
      await first.types(Object.fromEntries(names.slice(0, 7).flatMap((name) => [[`check-${name}-finding`, `${name}已核查`], [`check-${name}-paper`, `永函〔2026〕${names.indexOf(name)}号`]])));
      await first.saves();
      const missing = (await first.isRefused("approve_return")).join();
      assert.match(missing, /公司核销、机关入账/);
      assert.doesNotMatch(missing, /取得方式/);
      assert.match(missing, /某银行永州分行/);
      await first.part("return-checks").scrollIntoViewIfNeeded();
      await first.keeps("case-return-zh");
      // While the last finding is being typed, somebody else notes another: both stay.
      await first.types({ "check-accounts-finding": "公司已核销，机关已入账" });
      const read = await get(`/api/v1/title-cases/${id}`);
      const changed = await askAs(clerk.username, `/api/v1/title-cases/${id}`, {
        method: "PATCH",
        headers: { "content-type": "application/json", "if-match": read.etag },
        body: JSON.stringify({ draft: { remark: "另一人补记" } }),
      });
      assert.equal(changed.status, 200);
      // The page notices by itself.
      await first.page.waitForFunction(() => document.querySelector('[data-testid="cert-remark"]')?.value === "另一人补记");
      assert.equal(await first.part("check-accounts-finding").inputValue(), "公司已核销，机关已入账");
      await first.part("case-told").click();
      await first.saves();
      await first.takes("approve_return", { "step-approval": "永政函〔2026〕1号" });
      await first.types({ "holder-name-0": "永州市机关事务管理局", "holder-kind-0": word.bureau, "case-surveyed": "11000" });
      await first.saves();
      await first.bringsAllPapers();
      await register(first, second, id, "zh", 8);
      await first.seesAsset("parcels", land, "zh");
      assert.match(await first.part("title-unification").innerText(), /已统一/);
      const asset = (await get(`/api/v1/parcels/${land}`)).body;
      assert.deepEqual([asset.title_status, asset.usage], ["unified", "administrative_office"]);
    }));
});
