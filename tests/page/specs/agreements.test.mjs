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

async function post(address, body) {
  const response = await askAs(account.username, address, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  assert.equal(response.status, 201, JSON.stringify(answer));
  return answer.id;
}

const run = Math.floor(Math.random() * 90_000);

/** An office building with three rooms of a bureau. */
async function office() {
  const [west, south] = [112.9 + (run % 300) * 0.01, 26.6 + Math.floor(run / 300) * 0.002];
  const ring = [[west, south], [west + 0.0005, south], [west + 0.0005, south + 0.0005], [west, south + 0.0005], [west, south]];
  const building = await post("/api/v1/buildings", {
    name: `协议楼${run}`, code: `A-${run}`, valid_from: "2020-01-01", usage: "administrative_office", geometry: { type: "Polygon", coordinates: [ring] },
  });
  const unit = await post("/api/v1/units", { code: `A-${run}`, name: `协议局${run}`, level: "city", kind: "government_organ", valid_from: "2020-01-01" });
  for (const number of ["101", "102", "103"]) {
    await post("/api/v1/rooms", { building_id: building, floor: 1, number, use_area_m2: 20, building_area_m2: 30, unit_id: unit, occupancy: "in_use", valid_from: "2020-01-01" });
  }
  return building;
}

describe("use agreements and certificates", () => {
  useBrowser();

  test("an agreement is drafted, signed, certified, refused a second number, and cancelled", async (t) => {
    const building = await office();
    await asReader(t, async (reader) => {
      await reader.opens(`/?asset=buildings/${building}&lang=zh`);
      const section = reader.part("card-agreements");
      await section.scrollIntoViewIfNeeded();
      await section.getByText("没有使用协议").waitFor();
      await reader.part("agreement-draft").click();
      await reader.part("agreement-save").click();
      await reader.part("agreement-dialog").getByText("必填").waitFor();
      await reader.part("agreement-unit").locator("input").fill(`协议局${run}`);
      await reader.page.locator(".el-select-dropdown__item", { hasText: `协议局${run}` }).click();
      await reader.part("agreement-rooms-of-unit").click();
      await reader.part("agreement-purpose").fill("行政办公");
      await keep(reader, "agreement-draft-zh");
      await reader.part("agreement-save").click();
      const line = section.getByTestId("agreement");
      await line.getByText("拟定").waitFor();
      assert.match(await line.innerText(), /3 间 · 使用面积 60/);
      const take = async (step) => {
        await reader.part("agreement-open").click();
        await reader.part(`agreement-${step}`).click();
      };
      await take("sign");
      await reader.part("agreement-step-save").click();
      await reader.part("agreement-step-dialog").getByText("必填").waitFor();
      await reader.part("agreement-no").fill(`使协〔2026〕${run}号`);
      await reader.part("agreement-step-save").click();
      await line.getByText("协议已签").waitFor();
      await take("certify");
      await reader.part("agreement-certificate").fill(`用证第${run}号`);
      await keep(reader, "agreement-certify-zh");
      await reader.part("agreement-step-save").click();
      await line.getByText("已发证").waitFor();
      assert.match(await line.innerText(), new RegExp(`权证 用证第${run}号 · 首次登记`));
      await section.scrollIntoViewIfNeeded();
      await keep(reader, "agreement-zh");
      await take("cancel");
      await reader.part("agreement-reason").fill("腾退");
      await reader.part("agreement-step-save").click();
      await line.getByText("已注销").waitFor();
      assert.equal(await section.getByTestId("agreement-open").count(), 0);
    }, { forgive: [/422/] });
  });

  test("whoever only looks is offered nothing to do", async (t) => {
    const [building] = (await (await askAs(account.username, `/api/v1/buildings?q=A-${run}`)).json()).items;
    await asReader(t, async (reader) => {
      await reader.opens(`/?asset=buildings/${building.id}&lang=en`);
      const section = reader.part("card-agreements");
      await section.getByTestId("agreement").waitFor();
      assert.match(await section.innerText(), /Cancelled/);
      assert.equal(await section.getByTestId("agreement-draft").count(), 0);
      await section.scrollIntoViewIfNeeded();
      await keep(reader, "agreement-en");
    }, { width: 1024, height: 768, as: { ...account, username: "demo-viewer" } });
  });
});
