import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { account, asReader, askAs, useBrowser } from "../drivers/browser.mjs";
import { Desk } from "../drivers/desk.mjs";

const clerk = { username: "demo-title-clerk", password: account.password };
const reviewer = { username: "demo-title-reviewer", password: account.password };
const approver = { username: "demo-approver", password: account.password };

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

async function get(address, who = clerk.username) {
  const response = await askAs(who, address);
  return { status: response.status, etag: response.headers.get("etag"), body: await response.json() };
}

const run = Math.floor(Math.random() * 90_000);
const code = (serial) => `431103001002GB${String(1 + ((run + serial) % 99_998)).padStart(5, "0")}W00000000`;
const certificate = (year, serial) => `湘(${year})冷水滩区不动产权第${String(1_000_000 + run * 20 + serial).slice(-7)}号`;

/** A parcel of its own in Yongzhou, as the asset manager registers it. */
function parcel(name, column, more = {}) {
  const west = 111.6 + (run % 300) * 0.03 + column * 0.002;
  const south = 26.4 + Math.floor(run / 300) * 0.002;
  const ring = [[west, south], [west + 0.001, south], [west + 0.001, south + 0.001], [west, south + 0.001], [west, south]];
  return post("/api/v1/parcels", { name, code: `T-${run}-${column}`, valid_from: "2020-01-01", geometry: { type: "Polygon", coordinates: [ring] }, ...more }, account.username);
}

/** Two people at two desks, each signed in as nobody but themselves. */
function asTwo(t, story, other = reviewer) {
  return asReader(t, (first) => asReader(t, (second) => story(new Desk(first), new Desk(second)), { as: other }), { as: clerk });
}

const words = {
  zh: {
    first: "补办登记", transfer: "变更到机关事务管理部门名下", file: "权属备案", back: "平台公司划转", keep: "保留在单位名下", correct: "更正登记", unit: "使用单位", company: "平台公司", government: "人民政府", bureau: "机关事务管理部门",
    both: "两证齐全", use: "国有建设用地使用权", allocated: "划拨", lost: "历史资料缺失", edition: "土地利用现状分类(2007)", organs: "081",
  },
  en: {
    first: "register what is unregistered", transfer: "bring into the bureau's name", file: "file what can't be registered", back: "return from a platform company", keep: "keep in the unit's name", correct: "correct the book", unit: "a using unit",
    company: "a platform company", government: "a people's government", bureau: "the government-offices bureau", both: "both certificates", use: "use of state-owned construction land", allocated: "allocated", lost: "papers of the past are missing",
    edition: "land-use classes of 2007", organs: "081",
  },
};

/** An existing certificate of land, field by field. */
const held = (word, column, holder, kind) => ({
  "unit-code": code(column), "cert-cert_no": certificate(2018, column), "cert-print_serial": `J${String(run).padStart(11, "0")}`, "cert-evidence": word.both,
  "holder-name-0": holder, "holder-kind-0": kind, "cert-location": "冷水滩区湘江西路1号", "cert-right_type": word.use, "cert-right_nature_land": word.allocated,
  "cert-land_use_scheme": word.edition, "cert-land_use_code": word.organs, "cert-land_area_m2": "11 000", "cert-registry": "永州市不动产登记中心",
  "cert-accepted_on": "2018-04-20", "cert-recorded_on": "2018-05-01", "cert-issued_on": "2018-05-03",
});

/** From the papers to the archive, by two people; the case is `id`. */
async function register(first, second, id, language, column) {
  await first.takes("prepare");
  await first.isNotOffered("submit");
  await second.seesCase(id, language);
  assert.equal(await second.part("case-save").count(), 0, "who judges a case doesn't work on it");
  await second.part("case-differences").waitFor();
  await second.takes("submit");
  await second.isNotOffered("accept");
  await first.seesCase(id, language);
  await first.takes("accept", { "step-receipt": `冷不动产受〔2026〕${run}` });
  await first.part("case-due").waitFor();
  await first.takes("review");
  await first.isNotOffered("record");
  await second.seesCase(id, language);
  await second.takes("record");
  await first.seesCase(id, language);
  await first.takes("certify", { "step-cert-no": certificate(2026, column) });
  await first.takes("archive");
}

describe("titles and their cases", () => {
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
        await desk.fills("encumbrance-form", { "encumbrance-kind": "seizure", "encumbrance-holder": "永州市中级人民法院", "encumbrance-document": "(2026)湘11执1号" });
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
        await desk.fills("end-form", { "end-reason": "(2026)湘11执1号之一解除" });
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
        await desk.keeps("title-book-zh");
        await reader.page.setViewportSize({ width: 1024, height: 768 });
        await desk.keeps("title-book-zh-small");
        await desk.part("title-row").click();
        await desk.part("title-unification").getByText("已统一（人民政府）").waitFor();
      },
      { as: clerk },
    ));

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
