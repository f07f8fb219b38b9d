import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { describe, test } from "node:test";
import { account, asReader, askAs, useBrowser } from "../drivers/browser.mjs";

// Where SCREENSHOTS names a folder, what is seen is kept there.
const screenshots = process.env.SCREENSHOTS;

async function keep(reader, name) {
  if (screenshots === undefined) return;
  mkdirSync(screenshots, { recursive: true });
  await reader.page.screenshot({ path: `${screenshots}/${name}.png` });
}

const clerk = { username: "demo-title-clerk", password: account.password };
const reviewer = { username: "demo-title-reviewer", password: account.password };

async function post(address, body, who = clerk.username) {
  const response = await askAs(who, address, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  assert.equal(response.status, 201, JSON.stringify(answer));
  return answer.id;
}

const run = Math.floor(Math.random() * 90_000);
const code = (serial) => `431103001002GB${String(1 + ((run + serial) % 99_998)).padStart(5, "0")}W00000000`;

/** A parcel of its own in Yongzhou. */
function parcel(name, column) {
  const west = 111.6 + (run % 300) * 0.01 + column * 0.002;
  const south = 26.4 + Math.floor(run / 300) * 0.002;
  const ring = [[west, south], [west + 0.001, south], [west + 0.001, south + 0.001], [west, south + 0.001], [west, south]];
  return post("/api/v1/parcels", { name, code: `T-${run}-${column}`, valid_from: "2020-01-01", geometry: { type: "Polygon", coordinates: [ring] } }, account.username);
}

describe("titles and their cases", () => {
  useBrowser();

  for (const language of ["zh", "en"]) {
    test(`the card shows a certificate and what lies on it (${language})`, (t) =>
      asReader(t, async (clerk) => {
        const column = language === "zh" ? 0 : 1;
        const land = await parcel("湘江西路办公区", column);
        const title = await post("/api/v1/titles", {
          evidence: "both", unit_code: code(column), cert_no: `湘(2021)冷水滩区不动产权第${String(1_000_000 + run * 2 + column).slice(-7)}号`, right_type: "3",
          right_nature_land: "101", land_use_scheme: "GB21010-2017", land_use_code: "0801", land_area_m2: 11_000, location: "冷水滩区湘江西路1号",
          holders: [{ name: "永州市某局", kind: "unit" }], registry: "永州市不动产登记中心", recorded_on: "2021-03-10", issued_on: "2021-03-12", parcel_ids: [land],
        });
        await post(`/api/v1/titles/${title}/encumbrances`, { kind: "seizure", holder: "永州市中级人民法院", document: "(2026)湘11执1号" });
        await clerk.opens(`/?asset=parcels/${land}&lang=${language}`);
        await clerk.part("card-title-of-register").waitFor();
        const shown = await clerk.part("card-title-of-register").innerText();
        for (const words of ["湘(2021)", "永州市某局", code(column).slice(12, 19), "永州市中级人民法院", language === "zh" ? "国有建设用地使用权" : "use of state-owned construction land"]) {
          assert.ok(shown.includes(words), `${words}: ${shown}`);
        }
        await clerk.part("card-title-of-register").scrollIntoViewIfNeeded();
        await keep(clerk, `title-card-${language}`);
      }));

    test(`a case goes from the survey to the second person, and no further by the first (${language})`, (t) =>
      asReader(
        t,
        async (clerk) => {
          const column = language === "zh" ? 2 : 3;
          const land = await parcel("九嶷大道办公区", column);
          await clerk.opens(`/?asset=parcels/${land}&lang=${language}`);
          await clerk.part("card-open-case").click();
          await clerk.part("step-classify").click();
          await clerk.chooses("step-policy", language === "zh" ? "补办登记" : "register what is unregistered");
          await clerk.part("step-confirm").click();
          await clerk.part("step-collect").click();
          await clerk.part("step-confirm").click();
          await clerk.part("step-prepare").waitFor();
          assert.ok(await clerk.part("step-prepare").isDisabled(), "nothing is put forward without its papers");

          // A code typed in a hurry is understood and not taken as it is.
          await clerk.types("case-unit-code", code(column).toLowerCase());
          await clerk.part("case-did-you-mean").waitFor();
          await keep(clerk, `case-collecting-${language}`);
          assert.ok(await clerk.part("case-save").isDisabled());
          await clerk.part("case-did-you-mean").click();
          await clerk.types("case-holder", "永州市机关事务管理局");
          await clerk.chooses("case-evidence", language === "zh" ? "两证齐全" : "both certificates");
          await clerk.chooses("case-right_type", language === "zh" ? "国有建设用地使用权" : "use of state-owned construction land");
          await clerk.types("case-surveyed", "11000");
          await clerk.part("case-save").click();
          await clerk.part("case-differences").waitFor();
          for (const kind of ["application", "identity", "title_source", "cadastral_survey"]) {
            await clerk.part(`bring-${kind}`).click();
            await clerk.page.locator(".el-message-box__input input").fill(`${kind} 1号`);
            await clerk.page.locator(".el-message-box__btns .el-button--primary").click();
            await clerk.part(`bring-${kind}`).waitFor({ state: "detached" });
          }
          await clerk.part("step-prepare").click();
          await clerk.part("step-confirm").click();
          await clerk.part("step-submit").waitFor();
          await keep(clerk, `case-ready-${language}`);
          // Whose step it is next the page says, and offers it to nobody else.
          assert.ok(await clerk.part("step-submit").isDisabled());
          assert.match(await clerk.part("whose-submit").innerText(), language === "zh" ? /由权属复核办理/ : /for: /);
          const address = new URL(clerk.page.url());
          await asReader(
            t,
            async (second) => {
              await second.opens(`${address.pathname}${address.search}`);
              await second.part("case-differences").waitFor();
              assert.equal(await second.part("case-save").count(), 0, "who judges a case doesn't work on it");
              await keep(second, `case-review-${language}`);
              await second.part("step-submit").click();
              await second.part("step-confirm").click();
              await second.part("whose-accept").waitFor();
            },
            { as: reviewer },
          );
          await clerk.part("rail-titles").click();
          await clerk.part("rail-titles").click();
          await clerk.part("case-row").first().waitFor();
          await keep(clerk, `case-queue-${language}`);
        },
        { as: clerk },
      ));
  }
});
