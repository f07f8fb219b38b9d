import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { useBrowser } from "../drivers/browser.mjs";
import { asTwo, certificate, code, get, held, parcel, words } from "../drivers/office.mjs";

describe("a transfer to the bureau", () => {
  useBrowser();

  test("what a unit holds comes into the bureau's name, from its old certificate to the new one", (t) =>
    asTwo(t, async (first, second) => {
      const word = words.zh;
      const land = await parcel("梅湾路老办公楼用地", 6);
      await first.seesAsset("parcels", land, "zh");
      await first.part("card-register-title").click();
      await first.fills("title-form", held(word, 6, "永州市某局", word.unit));
      // An old edition of the land-use classes keeps its code, and says what it is called now.
      assert.match(await first.part("land-use-successors").innerText(), /0801/);
      await first.keeps("title-dialog-zh");
      await first.page.setViewportSize({ width: 1024, height: 768 });
      await first.keeps("title-dialog-zh-small");
      await first.page.setViewportSize({ width: 1440, height: 900 });
      await first.part("title-save").click();
      await first.part("card-title-of-register").waitFor();
      assert.match(await first.part("title-unification").innerText(), /未统一/);
      assert.equal((await get(`/api/v1/parcels/${land}`)).body.title_status, "other_handed");
      const id = await first.opensCase();
      await first.takes("classify", { "step-policy": word.transfer }, "collect");
      await first.takes("collect");
      // The form begins with what the book says.
      assert.equal(await first.part("holder-name-0").inputValue(), "永州市某局");
      await first.types({ "holder-name-0": "永州市机关事务管理局", "holder-kind-0": word.bureau, "case-surveyed": "11500", "case-certificate_m2": "11000" });
      await first.part("case-accepted_because").waitFor();
      await first.types({ "case-accepted_because": "界址未变，重新测绘" });
      await first.saves();
      await first.bringsAllPapers();
      await first.takes("prepare");
      // Sent back once: what was changed since is what the reviewer sees.
      await second.seesCase(id, "zh");
      assert.match(await second.part("case-differences").innerText(), /永州市某局[\s\S]*永州市机关事务管理局/);
      await second.keeps("case-review-zh");
      await second.takes("send_back", { "step-reason": "坐落不全" });
      await first.seesCase(id, "zh");
      await first.types({ "cert-location": "冷水滩区梅湾路8号" });
      await first.saves();
      await first.takes("prepare");
      await second.seesCase(id, "zh");
      const since = await second.part("case-since-submission").innerText();
      assert.ok(since.includes("冷水滩区梅湾路8号") && !since.includes("永州市某局"), since);
      await second.keeps("case-since-submission-zh");
      await second.takes("submit");
      await first.seesCase(id, "zh");
      await first.takes("accept", { "step-receipt": "冷不动产受〔2026〕6" });
      await first.takes("review");
      await second.seesCase(id, "zh");
      await second.takes("record");
      await first.seesCase(id, "zh");
      await first.takes("certify", { "step-cert-no": certificate(2026, 6) });
      await first.takes("archive");
      await first.seesAsset("parcels", land, "zh");
      assert.match(await first.part("title-unification").innerText(), /已统一（机关事务管理部门）/);
      const title = (await get(`/api/v1/titles?asset=${land}`)).body.items[0];
      assert.deepEqual([title.cert_no, title.location, title.land_area_m2], [certificate(2026, 6), "冷水滩区梅湾路8号", 11000], "what the case didn't change is still there");
    }));
});
