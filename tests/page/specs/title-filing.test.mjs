import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { useBrowser } from "../drivers/browser.mjs";
import { asTwo, code, get, parcel, register, words } from "../drivers/office.mjs";

describe("a filing", () => {
  useBrowser();

  test("what can't be registered is filed, can't be disposed of, and is cured", (t) =>
    asTwo(t, async (first, second) => {
      const word = words.zh;
      const land = await parcel("资料缺失的院落用地", 7);
      const obstacles = async () => (await get(`/api/v1/disposal-obstacles/${land}`)).body.map((one) => one.kind);
      await first.seesAsset("parcels", land, "zh");
      const id = await first.opensCase();
      await first.takes("classify", { "step-policy": word.file }, "collect");
      await first.takes("collect");
      await first.takes("draft_filing");
      await first.isRefused("put_filing_forward");
      await first.types({ "case-filing_reasons": [word.lost], "case-filing_evidence": "档案馆查无" });
      await first.saves();
      await first.bringsAllPapers();
      await first.takes("put_filing_forward");
      await first.isNotOffered("file");
      await second.seesCase(id, "zh");
      await second.keeps("case-filing-zh");
      await second.takes("file");
      await second.part("case-frozen").waitFor();
      assert.ok((await obstacles()).includes("filed"));
      await first.seesCase(id, "zh");
      await first.keeps("case-filed-zh");
      await first.takes("collect_again", { "step-reason": "资料已找到" });
      await first.takes("reclassify", { "step-policy": word.first, "step-reason": "资料已找到" }, "collect");
      await first.takes("collect");
      assert.ok((await obstacles()).includes("filed"), "frozen until the title is recorded");
      await first.types({ "unit-code": code(7), "holder-name-0": "永州市机关事务管理局", "cert-evidence": word.both, "cert-right_type": word.use, "case-surveyed": "11000" });
      await first.saves();
      await first.bringsAllPapers();
      await register(first, second, id, "zh", 7);
      assert.deepEqual(await obstacles(), []);
    }));
});
