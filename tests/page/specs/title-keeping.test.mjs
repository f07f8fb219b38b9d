import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { useBrowser } from "../drivers/browser.mjs";
import { approver, asTwo, get, held, parcel, register, words } from "../drivers/office.mjs";

describe("keeping and correcting", () => {
  useBrowser();

  test("what stays with its unit takes an approval by somebody else", (t) =>
    asTwo(
      t,
      async (first, second) => {
        const land = await parcel("涉密单位办公区", 9);
        await first.seesAsset("parcels", land, "zh");
        const id = await first.opensCase();
        await first.takes("classify", { "step-policy": words.zh.keep }, "keep");
        await first.isNotOffered("keep");
        await second.seesCase(id, "zh");
        await second.part("step-keep").click();
        assert.ok(await second.part("step-confirm").isDisabled(), "no keeping without its paper");
        await second.fills("step-form", { "step-approval": "永办函〔2026〕3号" });
        await second.part("step-confirm").click();
        await second.part("whose-archive").waitFor();
        await first.seesCase(id, "zh");
        assert.match(await first.part("case-said").innerText(), /永办函〔2026〕3号/);
        await first.takes("archive");
      },
      approver,
    ));

  test("an error of the book is put right by a case of its own", (t) =>
    asTwo(t, async (first, second) => {
      const land = await parcel("登记有误的办公区", 16);
      await first.seesAsset("parcels", land, "zh");
      await first.entersCertificate(held(words.zh, 16, "永州市机关事务管理局", words.zh.bureau));
      await first.part("card-title-of-register").waitFor();
      const id = await first.opensCase();
      await first.takes("classify", { "step-policy": words.zh.correct }, "collect");
      await first.takes("collect");
      await first.types({ "cert-land_area_m2": "11 050", "case-surveyed": "11050" });
      await first.saves();
      await first.bringsAllPapers();
      await register(first, second, id, "zh", 16);
      const title = (await get(`/api/v1/titles/${(await get(`/api/v1/title-cases/${id}`)).body.title_id}`)).body;
      assert.deepEqual([title.land_area_m2, title.registration_type, title.holders[0].name], [11050, "500", "永州市机关事务管理局"]);
    }));
});
