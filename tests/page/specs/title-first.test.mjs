import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { useBrowser } from "../drivers/browser.mjs";
import { asTwo, certificate, code, get, parcel, register, words } from "../drivers/office.mjs";

describe("a first registration", () => {
  useBrowser();

  for (const language of ["zh", "en"]) {
    const word = words[language];
    const column = (place) => place + (language === "zh" ? 0 : 1);

    test(`what nobody registered is registered by two people (${language})`, (t) =>
      asTwo(t, async (first, second) => {
        const land = await parcel("九嶷大道办公区", column(2));
        await first.seesAsset("parcels", land, language);
        const id = await first.opensCase();
        await first.takes("classify", { "step-policy": word.first }, "collect");
        await first.takes("collect");
        assert.ok((await first.isRefused("prepare")).length > 2, "nothing is put forward without its papers");
        // A code typed in a hurry is understood and not taken as it is.
        await first.types({ "unit-code": code(column(2)).toLowerCase() });
        await first.part("did-you-mean").waitFor();
        await first.keeps(`case-collecting-${language}`);
        assert.ok(await first.part("case-save").isDisabled());
        await first.part("did-you-mean").click();
        await first.part("unit-code-parts").waitFor();
        await first.types({ "holder-name-0": "永州市机关事务管理局", "cert-evidence": word.both, "cert-right_type": word.use, "case-surveyed": "11000" });
        // What is typed stays while papers are noted, which reads the case again each time.
        await first.brings("application");
        assert.equal(await first.part("holder-name-0").inputValue(), "永州市机关事务管理局");
        await first.saves();
        await first.part("case-differences").waitFor();
        await first.bringsAllPapers();
        await register(first, second, id, language, column(2));
        await first.seesAsset("parcels", land, language);
        assert.match(await first.part("card-title-of-register").innerText(), new RegExp(certificate(2026, column(2)).replaceAll(/[()]/g, "\\$&")));
        assert.equal((await get(`/api/v1/parcels/${land}`)).body.title_status, "unified");
      }));
  }
});
