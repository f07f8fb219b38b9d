import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { describe, test } from "node:test";
import { account, asReader, askAs, server, useBrowser } from "../drivers/browser.mjs";
import { arrives, brings, takes, writes } from "../drivers/cases.mjs";

// Where SCREENSHOTS names a folder, what is seen is kept there.
const screenshots = process.env.SCREENSHOTS;

async function keep(reader, name) {
  if (screenshots === undefined) return;
  mkdirSync(screenshots, { recursive: true });
  await reader.part("policy-transfer").scrollIntoViewIfNeeded();
  await reader.page.waitForTimeout(400);
  await reader.page.screenshot({ path: `${screenshots}/${name}.png` });
}

const run = Math.floor(Math.random() * 90_000);
const region = `${45 + (run % 8)}${String(10 + (run % 80)).padStart(2, "0")}51`;

async function made(who, address, body) {
  const response = await askAs(`demo-${who}`, address, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  assert.ok([201, 409].includes(response.status), JSON.stringify(answer));
  return answer;
}

/** Somebody of one region and one level, with a password of their own. */
async function joins(username, role, [region_code, level]) {
  const person = await made("administrator", "/api/v1/people", { username, display_name: username });
  const signIn = await fetch(`${server}/api/v1/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username, password: person.initial_password }),
  });
  assert.ok(signIn.ok, username);
  const changed = await fetch(`${server}/api/v1/session/password`, {
    method: "PUT",
    headers: { "content-type": "application/json", cookie: signIn.headers.get("set-cookie").split(";")[0] },
    body: JSON.stringify({ current_password: person.initial_password, new_password: account.password }),
  });
  assert.ok(changed.ok, await changed.text());
  await made("administrator", `/api/v1/people/${person.id}/grants`, { role, region_code, level });
  return { username, password: account.password };
}

async function reads(reader, answer) {
  await reader.page.locator(`[data-testid="transfer-answer"][data-answer="${answer}"]`).waitFor();
}

describe("a transfer to another level", { concurrency: 1 }, () => {
  useBrowser();

  test("is accepted by somebody of the bureau that receives, who writes nothing else", async (t) => {
    const bureau = `试验区机关事务服务中心${run}`;
    await made("administrator", "/api/v1/regions", { code: region, name: `试验区${run}`, level: "county", valid_from: "2020-01-01" });
    await made("administrator", "/api/v1/regions", { code: region.slice(0, 4), name: `试验市${run}`, level: "city", valid_from: "2020-01-01" });
    await made("administrator", "/api/v1/units", { code: `JS-${run}`, name: bureau, level: "county", kind: "bureau", region_code: region, valid_from: "2020-01-01" });
    const west = 107.2 + (run % 300) * 0.01;
    const ring = [[west, 24.7], [west + 0.001, 24.7], [west + 0.001, 24.701], [west, 24.701], [west, 24.7]];
    const { id: house } = await made("asset-manager", "/api/v1/buildings", {
      name: `划转楼${run}`, code: `HZ-${run}`, region_code: region, admin_level: "city", valid_from: "2020-01-01",
      usage: "administrative_office", occupancy: "in_use", geometry: { type: "Polygon", coordinates: [ring] },
    });
    const giver = await joins(`giver-${run}`, "asset_manager", [region.slice(0, 4), "city"]);
    const receiver = await joins(`receiver-${run}`, "asset_manager", [region, "county"]);
    let address = "";

    await asReader(t, async (reader) => {
      await reader.opens(`/?asset=buildings/${house}&lang=zh`);
      await reader.part("card-open-hand-down").click();
      await reader.part("policy-case").waitFor();
      await writes(reader, "write-transfer_proposal", { receiver_id: { sought: bureau }, why: "由属地管理" });
      await reads(reader, "waiting");
      assert.match(await reader.part("transfer-waits").innerText(), /县级/);
      // Who gives has no form for the other's word.
      assert.equal(await reader.part("transfer-send").count(), 0);
      assert.equal(await reader.part("write-acceptance").count(), 0);
      for (const paper of ["proposal", "giving_consent", "receiving_consent"]) await brings(reader, paper);
      assert.ok(await reader.part("step-agree").isDisabled());
      assert.match(await reader.part("policy-case").innerText(), /接收方尚未同意接收/);
      address = new URL(reader.page.url()).search;
      await keep(reader, "transfer-giver-waits-zh");
    }, { as: giver });

    await asReader(t, async (reader) => {
      // It is found among what waits.
      await reader.opens("/?panel=tasks&lang=zh");
      await reader.part("task-policy_case").filter({ hasText: "答复是否接收" }).first().click();
      await reader.part("transfer-yours").waitFor();
      assert.equal(await reader.page.locator('[data-testid^="write-"]').count(), 0, "nothing else is theirs to write");
      assert.ok(await reader.part("step-withdraw").isDisabled());
      await keep(reader, "transfer-receiver-form-zh");
      await reader.page.locator("label").filter({ has: reader.part("transfer-decline") }).or(reader.part("transfer-decline")).first().click();
      assert.ok(await reader.part("transfer-send").isDisabled(), "a reason is wanted");
      await reader.writes("transfer-note", "屋面须先修缮");
      await reader.part("transfer-send").click();
      await reads(reader, "declined");
      await keep(reader, "transfer-receiver-declined-zh");
    }, { as: receiver, width: 1024, height: 768 });

    await asReader(t, async (reader) => {
      await reader.opens(`/${address}`);
      await reads(reader, "declined");
      assert.match(await reader.part("transfer-answer").innerText(), /屋面须先修缮/);
      // Mended, and proposed again.
      await writes(reader, "write-transfer_proposal", { receiver_id: { sought: bureau }, why: "屋面已修缮" });
      await reads(reader, "waiting");
    }, { as: giver });

    await asReader(t, async (reader) => {
      await reader.opens(`/${address.replace("lang=zh", "lang=en")}`);
      await keep(reader, "transfer-receiver-form-en");
      await reader.writes("transfer-document", "区机管函〔2026〕8号");
      await reader.part("transfer-send").click();
      await reads(reader, "accepted");
      await keep(reader, "transfer-receiver-accepted-en");
    }, { as: receiver });

    await asReader(t, async (reader) => {
      // Where the page is narrow, the asset's card would lie over the case.
      await reader.opens(`/${address.replace(/asset=[^&]*&?/, "")}`);
      await reads(reader, "accepted");
      await takes(reader, "agree");
      await arrives(reader, "agreed");
      await keep(reader, "transfer-giver-agreed-zh");
    }, { as: giver, width: 1024, height: 768 });
  });
});
