import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { describe, test } from "node:test";
import { account, asReader, askAs, useBrowser } from "../drivers/browser.mjs";

// Where SCREENSHOTS names a folder, what is seen is kept there.
const screenshots = process.env.SCREENSHOTS;

async function keep(reader, name) {
  if (screenshots === undefined) return;
  mkdirSync(screenshots, { recursive: true });
  await reader.page.waitForTimeout(400);
  await reader.page.screenshot({ path: `${screenshots}/${name}.png` });
}

const demo = (role) => ({ username: `demo-${role}`, password: account.password });
const run = Math.floor(Math.random() * 90_000);
const year = new Date().getUTCFullYear();
const dashes = /[\s\u00a0\u202f]/g;

async function post(who, address, body) {
  const response = await askAs(`demo-${who}`, address, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  assert.equal(response.status, 201, JSON.stringify(answer));
  return answer.id;
}

/** A row of shops of its own. */
function shops(name, column) {
  const west = 111.2 + (run % 300) * 0.01 + column * 0.002;
  const south = 26.9 + Math.floor(run / 300) * 0.002;
  const ring = [[west, south], [west + 0.001, south], [west + 0.001, south + 0.001], [west, south + 0.001], [west, south]];
  return post("asset-manager", "/api/v1/buildings", {
    name, valid_from: "2020-01-01", occupancy: "let", usage: "commercial", registered_area_m2: 300, geometry: { type: "Polygon", coordinates: [ring] },
  });
}

async function records(reader, opener, said) {
  await reader.part(opener).first().click();
  for (const [name, value] of Object.entries(said)) await reader.writes(`rent-${name}`, value);
  await keep(reader, `lease-${opener}`);
  await reader.part("rent-save").click();
  await reader.part("rent-save").waitFor({ state: "hidden" });
}

const amountOf = async (reader, name) => (await reader.part(`sum-${name}`).innerText()).replaceAll(dashes, "");
const becomes = (reader, name, amount) => reader.page.locator(`[data-testid="sum-${name}"]`, { hasText: amount }).waitFor();

describe("leases", () => {
  useBrowser();

  for (const language of ["zh", "en"]) {
    test(`a shop is let on its card, paid and remitted by finance, and handed back (${language})`, async (t) => {
      const building = await shops(`沿街门面${run}${language}`, language === "zh" ? 0 : 1);
      const tenant = `餐饮店${run}${language}`;
      let address = "";
      await asReader(t, async (manager) => {
        await manager.opens(`/?asset=buildings/${building}&lang=${language}`);
        await manager.part("lease-new").click();
        await manager.part("lease-dialog").waitFor();
        // Nothing is sent before it is complete.
        await manager.part("lease-save").click();
        await manager.page.getByText(language === "zh" ? "请填写" : "Please fill this in").first().waitFor();
        for (const [name, value] of [
          ["area", "301"], ["purpose", "餐饮"], ["lessor", "市机关事务管理局"], ["lessee", tenant], ["starts", `${year}-01-01`],
          ["ends", `${year}-12-31`], ["rent", "9387.00"], ["exchange-record", "ZL-118"], ["contract", `C-${run}-${language}`],
        ]) await manager.writes(`lease-${name}`, value);
        // More than there is: the refusal says so, and what was typed stays.
        await manager.part("lease-save").click();
        await manager.part("lease-trouble").waitFor();
        if (language === "zh") assert.match(await manager.part("lease-trouble").innerText(), /这段时间内租出的面积会超过实有面积/);
        await manager.page.waitForFunction(() => {
          const { top, bottom } = document.querySelector('[data-testid="lease-trouble"]').getBoundingClientRect();
          return top > 0 && bottom < innerHeight && document.elementFromPoint(innerWidth / 2, (top + bottom) / 2)?.closest('[data-testid="lease-trouble"]') !== null;
        });
        await keep(manager, `lease-dialog-${language}`);
        await manager.writes("lease-area", "100");
        await manager.part("lease-save").click();
        await manager.part("lease-view").waitFor();
        await manager.part("lease-sums").waitFor();
        assert.match(await amountOf(manager, "agreed"), /112,644\.00/);
        // Money is not the manager's.
        assert.equal(await manager.part("record-payment").count(), 0);
        await manager.part("card-lease").waitFor();
        await keep(manager, `lease-new-${language}`);
        address = new URL(manager.page.url()).search;
        // The area that isn't there was refused on purpose.
      }, { as: demo("asset-manager"), forgive: [/status of 409 .*\/api\/v1\/leases\)/] });

      await asReader(t, async (finance) => {
        await finance.opens(`/${address}`);
        await finance.part("lease-sums").waitFor();
        await records(finance, "record-payment", { amount: "9387.00", on: `${year}-01-05`, document: "票0001" });
        await becomes(finance, "paid", "9,387.00");
        await records(finance, "record-payment", { amount: "99.00", on: `${year}-01-06`, document: "票0002" });
        await becomes(finance, "paid", "9,486.00");
        // Typed wrong: both rows stay, neither counts.
        await finance.page.locator('[data-testid="lease-movements"] li', { hasText: "票0002" }).getByRole("button").click();
        await finance.writes("rent-document", "冲0001");
        await finance.writes("rent-reason", "录错");
        await finance.part("rent-save").click();
        await becomes(finance, "paid", "9,387.00");
        assert.equal(await finance.page.locator('[data-testid="lease-movements"] li').count(), 3);
        await records(finance, "record-remittance", { amount: "9387.00", on: `${year}-01-06`, document: "缴款书88" });
        await becomes(finance, "remitted", "9,387.00");
        assert.equal(await finance.part("sum-remittance_late").count(), 0);
        // What finance may not do isn't offered.
        assert.equal(await finance.part("lease-end").count(), 0);
        await finance.part("lease-schedule").scrollIntoViewIfNeeded();
        await keep(finance, `lease-account-${language}`);
      }, { as: demo("finance-reviewer") });

      await asReader(t, async (auditor) => {
        await auditor.opens(`/?panel=leases&lang=${language}`);
        await auditor.writes("lease-q", tenant);
        const row = auditor.page.locator('[data-testid="lease-row"]', { hasText: tenant });
        await row.waitFor();
        await auditor.page.locator('[data-testid="lease-count"]', { hasText: /^1 / }).waitFor();
        await keep(auditor, `lease-list-${language}`);
        const [download] = await Promise.all([auditor.page.waitForEvent("download"), auditor.part("lease-export").click()]);
        assert.match(download.suggestedFilename(), /\.xlsx$/);
        await row.click();
        await auditor.part("lease-view").waitFor();
        for (const action of ["record-payment", "record-remittance", "lease-end", "lease-renew", "movement-reverse"]) {
          assert.equal(await auditor.part(action).count(), 0, action);
        }
      }, { as: demo("auditor"), width: 1024, height: 768 });

      await asReader(t, async (manager) => {
        await manager.opens(`/${address}`);
        await manager.part("lease-end").click();
        await manager.part("lease-end-dialog").waitFor();
        await manager.writes("lease-end-reason", "提前退租");
        await keep(manager, `lease-end-${language}`);
        await manager.part("lease-end-save").click();
        await manager.page.locator('[data-testid="lease-status"]', { hasText: language === "zh" ? "已收回" : "Handed back" }).waitFor();
      }, { as: demo("asset-manager") });
    });
  }

  for (const language of ["zh", "en"]) {
    test(`a lease is changed, its end users are told apart, and two at once meet (${language})`, async (t) => {
      const building = await shops(`改租门面${run}${language}`, language === "zh" ? 3 : 4);
      const id = await post("asset-manager", "/api/v1/leases", {
        asset_id: building, direction: "out", area_m2: 50, lessor_kind: "bureau", lessor_name: "市机关事务管理局", lessee_kind: "enterprise", lessee_size: "large",
        lessee_name: `商管公司${run}`, starts_on: `${year}-01-01`, ends_on: `${year}-12-31`, rent: "1000.00", price_basis: "public_letting", exchange_record: "ZL-9",
        purpose: "零售",
      });
      const address = `/api/v1/leases/${id}`;
      await asReader(t, async (auditor) => {
        await auditor.opens(`/?panel=leases&lease=${id}&lang=${language}`);
        await auditor.part("lease-sums").waitFor();
        assert.equal(await auditor.part("lease-edit").count(), 0, "who may not change it isn't asked to");
      }, { as: demo("auditor") });
      await asReader(t, async (manager) => {
        await manager.opens(`/?panel=leases&lease=${id}&lang=${language}`);
        await manager.part("lease-edit").click();
        await manager.part("lease-dialog").waitFor();
        assert.ok(await manager.part("lease-save").isDisabled(), "nothing is changed yet");
        await manager.writes("lease-rent", "1,200");
        await manager.writes("lease-ends", `${year + 1}-12-31`);
        await manager.part("lease-sublet").click();
        const names = manager.part("end-user-name");
        await names.first().fill("早餐店");
        await manager.part("end-user-add").click();
        await names.nth(1).fill("早餐店");
        await manager.choosesFrom(manager.part("end-user-kind").nth(1), language === "zh" ? "企业" : "Enterprise");
        await manager.choosesFrom(manager.part("end-user-size").nth(1), language === "zh" ? "微型" : "Micro");
        const changes = manager.part("lease-differences").locator("tbody tr");
        const fields = await changes.evaluateAll((rows) => rows.map((row) => row.dataset.field));
        assert.deepEqual(fields.toSorted(), ["end_users", "ends_on", "is_sublet", "rent"]);
        assert.match(await manager.part("lease-differences").locator('[data-field="rent"]').innerText(), /1,000\.00\s+1,200\.00/);
        await manager.part("lease-differences").scrollIntoViewIfNeeded();
        await keep(manager, `lease-change-${language}`);
        // Somebody else is quicker.
        const held = await askAs("demo-asset-manager", address);
        const other = await askAs("demo-asset-manager", address, {
          method: "PATCH", headers: { "content-type": "application/json", "if-match": held.headers.get("etag") }, body: JSON.stringify({ purpose: "仓储" }),
        });
        assert.equal(other.status, 200, await other.text());
        await manager.part("lease-save").click();
        await manager.part("lease-conflict").waitFor();
        assert.match(await manager.part("lease-conflict").innerText(), language === "zh" ? /用途/ : /Use/);
        assert.equal(await manager.part("lease-purpose").inputValue(), "仓储");
        assert.equal(await manager.part("lease-rent").inputValue(), "1,200");
        await keep(manager, `lease-change-met-${language}`);
        await manager.writes("lease-reason", "补充协议");
        await manager.part("lease-save").click();
        await manager.part("lease-dialog").waitFor({ state: "hidden" });
        await manager.page.locator('[data-testid="sum-agreed"]', { hasText: "28,800.00" }).waitFor();
        const said = await manager.part("lease-view").innerText();
        assert.match(said, language === "zh" ? /早餐店（个体工商户）\n早餐店（企业 · 微型）/ : /早餐店 \(Self-employed\)\n早餐店 \(Enterprise · Micro\)/);
        await keep(manager, `lease-changed-${language}`);
      }, { as: demo("asset-manager"), forgive: [/status of 412 /] });
      const kept = await (await askAs("demo-auditor", address)).json();
      assert.deepEqual(
        [kept.rent, kept.purpose, kept.ends_on, kept.end_users],
        ["1200.00", "仓储", `${year + 1}-12-31`, [{ name: "早餐店", kind: "self_employed" }, { name: "早餐店", kind: "enterprise", size: "micro" }]],
      );
    });
  }

  test("rent is waived by a policy: the manager applies, the approver decides, the rows are owed no more", async (t) => {
    const building = await shops(`减免门面${run}`, 2);
    const tenant = `小微企业${run}`;
    const landlord = `二房东${run}`;
    const lease = (name, more) => post("asset-manager", "/api/v1/leases", {
      asset_id: building, direction: "out", area_m2: 50, lessor_kind: "bureau", lessor_name: "市机关事务管理局", lessee_kind: "enterprise", lessee_size: "small",
      lessee_sector: "services", lessee_name: name, starts_on: "2020-01-01", ends_on: "2020-12-31", rent: "9386.67", price_basis: "public_letting",
      exchange_record: "ZL-1", ...more,
    });
    const waived = await lease(tenant, {});
    await lease(landlord, { is_sublet: true, lessee_size: "large", end_users: [{ name: "早餐店", kind: "self_employed" }] });
    const policy = `免租${run}`;
    await asReader(t, async (manager) => {
      await manager.opens("/?panel=leases&lang=zh");
      await manager.part("lease-places").getByText("房租减免").click();
      await manager.part("relief-new").click();
      for (const [name, value] of [["name", policy], ["document", `常政发〔2020〕${run}号`], ["from", "2020-02-01"], ["to", "2020-06-30"]]) await manager.writes(`policy-${name}`, value);
      await keep(manager, "relief-policy");
      await manager.part("policy-save").click();
      await manager.part("relief-eligible").waitFor();
      // Let on, the benefit must be proved to reach the end user.
      await manager.page.getByText(`${landlord} 转租，需证明减免惠及最终承租人`).waitFor();
      for (const proof of await manager.page.locator('[data-testid="relief-proof"]').all()) {
        await (await proof.evaluate((element) => element.tagName) === "INPUT" ? proof : proof.locator("input")).fill("免租协议与收据");
      }
      await manager.writes("relief-evidence", "上门走访");
      await keep(manager, "relief-apply");
      await manager.part("relief-apply").click();
      await manager.page.locator('[data-testid="relief-figures"]', { hasText: "待审批" }).waitFor();
      // Who applied is not asked to decide.
      assert.equal(await manager.part("relief-approve").count(), 0);
    }, { as: demo("asset-manager") });

    await asReader(t, async (approver) => {
      await approver.opens("/?panel=leases&lang=zh");
      await approver.part("lease-places").getByText("房租减免").click();
      await approver.page.locator('[data-testid="relief-policy"]', { hasText: policy }).click();
      await approver.part("relief-approve").click();
      await approver.writes("relief-document", `常机管〔2020〕${run}号`);
      await keep(approver, "relief-decision");
      await approver.part("relief-confirm").click();
      await approver.page.locator('[data-testid="relief-list"] .approved').first().waitFor();
      await keep(approver, "relief-approved");
      // Somebody else's leases of that year may be in it too; ours is.
      await approver.page.locator('[data-testid="relief-list"]').getByText(tenant).click();
      await approver.part("lease-sums").waitFor();
      assert.match(await amountOf(approver, "waived"), /28,160\.01/);
      assert.equal(await approver.page.locator('[data-testid="lease-schedule"] tr.waived').count(), 3);
      await keep(approver, "relief-lease");
    }, { as: demo("approver") });
    const response = await askAs("demo-auditor", `/api/v1/leases/${waived}/account`);
    assert.equal((await response.json()).sums.waived, "28160.01");
  });
});
