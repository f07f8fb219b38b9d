import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { describe, test } from "node:test";
import { account, asReader, askAs, useBrowser } from "../drivers/browser.mjs";
import { arrives, brings, takes, writes } from "../drivers/cases.mjs";

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
/** A day so many days from today, as the bureau's calendar has it. */
const day = (from_now) => new Date(Date.now() + (8 + 24 * from_now) * 3_600_000).toISOString().slice(0, 10);
const year = Number(day(0).slice(0, 4));

async function building() {
  const west = 111.9 + (run % 300) * 0.01;
  const south = 26.5 + Math.floor(run / 300) * 0.002;
  const ring = [[west, south], [west + 0.001, south], [west + 0.001, south + 0.001], [west, south + 0.001], [west, south]];
  const response = await askAs("demo-asset-manager", "/api/v1/buildings", {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify({
      name: `漏雨楼${run}`, code: `DX-${run}`, valid_from: "2020-01-01", usage: "administrative_office", occupancy: "in_use", completed_year: 1995,
      geometry: { type: "Polygon", coordinates: [ring] },
    }),
  });
  const answer = await response.json();
  assert.equal(response.status, 201, JSON.stringify(answer));
  return answer.id;
}

describe("a major repair", () => {
  useBrowser();

  test("is refused as late for this year, and goes through its six stages for the next, by people with a role each", async (t) => {
    const house = await building();
    const as = (role, story, options = {}) => asReader(t, story, { as: demo(role), ...options });
    let address = "";
    await as("unit-contact", async (contact) => {
      await contact.opens(`/?asset=buildings/${house}&lang=zh`);
      await contact.part("card-open-repair").click();
      await contact.part("policy-stepper").waitFor();
      for (const paper of ["application_form", "cost_estimate"]) await brings(contact, paper);
      // What is wanted for this year was to be applied for by 1 August of the last.
      const application = { condition: "屋面渗漏，墙面返潮", necessity: { words: "老化损坏" }, estimate: "1200000.00" };
      await writes(contact, "write-repair_application", { for_year: String(year), ...application });
      await contact.part("policy-case").getByText(`应在${year - 1}-08-01前申报`).waitFor();
      assert.ok(await contact.part("step-apply").isDisabled());
      assert.match(await contact.part("policy-case").innerText(), /MNT-01/);
      await keep(contact, "repair-late-zh");
      await writes(contact, "write-repair_application", { for_year: String(year + 2), ...application });
      await takes(contact, "apply");
      await arrives(contact, "applied");
      const url = new URL(contact.page.url());
      address = `/?policy=${url.searchParams.get("policy")}&panel=policies&lang=zh`;
    });
    await as("asset-manager", async (manager) => {
      await manager.opens(address);
      await brings(manager, "survey_record");
      await writes(manager, "write-site_visit", { on: day(0), defects: "防水层老化" });
      await takes(manager, "survey");
      await arrives(manager, "surveyed");
    });
    await as("planner", async (planner) => {
      await planner.opens(address);
      await brings(planner, "feasibility_report");
      await writes(planner, "write-assessment", { on: day(0), within_standard: { words: "是" }, enlarges_percent: "15.1", opinion: "可行" });
      await planner.part("policy-case").getByText("扩建超过建筑面积的15%").waitFor();
      assert.ok(await planner.part("step-assess").isDisabled());
      await writes(planner, "write-assessment", { on: day(0), within_standard: { words: "是" }, enlarges_percent: "0", opinion: "可行" });
      await takes(planner, "assess");
      await arrives(planner, "assessed");
    });
    await as("finance-reviewer", async (finance) => {
      await finance.opens(address);
      await brings(finance, "cost_review_report");
      await writes(finance, "write-cost_review", { on: day(0), reviewer: "某造价咨询", cost: "1100000.01", standard: "1100000.00" });
      await finance.part("policy-case").getByText("超过财政资金标准").waitFor();
      assert.ok(await finance.part("step-review_cost").isDisabled());
      await writes(finance, "write-cost_review", { on: day(0), reviewer: "某造价咨询", cost: "1100000.00", standard: "1100000.00" });
      await takes(finance, "review_cost");
      await arrives(finance, "cost_reviewed");
      await keep(finance, "repair-cost-zh");
    });
    await as("asset-manager", async (manager) => {
      await manager.opens(address);
      await brings(manager, "publication_notice");
      await writes(manager, "write-publication", { from: day(-8), to: day(-1), objections: "1", answered: { words: "是" } });
      await takes(manager, "publish");
      await arrives(manager, "published");
      await writes(manager, "write-plan_entry", { year: String(year + 2), number: `计划${run}`, budget: "1100000.00" });
    });
    await as("approver", async (approver) => {
      await approver.opens(address);
      await takes(approver, "plan", { "decision-no": `永机管〔${year}〕${run}号` });
      await arrives(approver, "planned");
    });
    await as("unit-contact", async (contact) => {
      await contact.opens(address.replace("lang=zh", "lang=en"));
      await brings(contact, "works_contract");
      await writes(contact, "write-works", { started_on: day(0), contractor: "某建筑公司" });
      await takes(contact, "start");
      await arrives(contact, "working");
      await keep(contact, "repair-working-en");
    }, { width: 1024, height: 768 });
    const asked = async () => (await (await askAs("demo-auditor", `/api/v1/buildings/${house}`)).json()).occupancy;
    assert.equal(await asked(), "under_repair");
    await as("asset-manager", async (manager) => {
      await manager.opens(address);
      for (const paper of ["completion_report", "drawings"]) await brings(manager, paper);
      await writes(manager, "write-completion", { completed_on: day(0), settled: "1090000.00" });
      await takes(manager, "inspect");
      await arrives(manager, "inspected");
      await takes(manager, "archive");
      await manager.page.locator('[data-testid="at-archived"].done').waitFor();
      await keep(manager, "repair-archived-zh");
    });
    assert.equal(await asked(), "in_use", "it is what it was before");
  });
});
