// What somebody sees whose grant is for a part of the city: its map, lists and totals, and no word of the rest.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { account, asReader, askAs, server, useBrowser } from "../../drivers/browser.mjs";

useBrowser();

const county = "320402";
const keeper = { username: "county-keeper", password: "天宁区机关事务管理中心" };

async function post(path, body) {
  const answer = await askAs("demo-administrator", path, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
}

describe("a grant on one county", () => {
  before(async () => {
    const made = await post("/api/v1/people", { username: keeper.username, display_name: "天宁区资产管理员" });
    await post(`/api/v1/people/${made.id}/grants`, { role: "asset_manager", region_code: county, level: "county" });
    const opened = await fetch(`${server}/api/v1/session`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ username: keeper.username, password: made.initial_password }),
    });
    const changed = await fetch(`${server}/api/v1/session/password`, {
      method: "PUT",
      headers: { "content-type": "application/json", cookie: opened.headers.get("set-cookie").split(";")[0] },
      body: JSON.stringify({ current_password: made.initial_password, new_password: keeper.password }),
    });
    assert.ok(changed.ok, await changed.text());
  });

  for (const [width, height, lang] of [
    [1440, 900, "zh"],
    [1024, 768, "en"],
  ]) {
    test(`shows that county alone at ${width} in ${lang}`, (t) =>
      asReader(
        t,
        async (reader) => {
          const { page } = reader;
          await page.goto(`${reader.server}/?lang=${lang}`);
          await reader.part("legend").waitFor();
          const whole = await (await askAs(account.username, "/api/v1/totals")).json();
          const own = await page.evaluate(async () => (await fetch("/api/v1/totals")).json());
          assert.ok(own.parcels.count > 0 && own.parcels.count < whole.parcels.count, `${own.parcels.count} of ${whole.parcels.count}`);
          await page.waitForTimeout(2500);
          await page.screenshot({ path: new URL(`../../results/part-${width}-${lang}.png`, import.meta.url).pathname });
          await page.goto(`${reader.server}/?lang=${lang}&table=parcels`);
          await page.waitForTimeout(2500);
          await page.screenshot({ path: new URL(`../../results/part-table-${width}-${lang}.png`, import.meta.url).pathname });
          for (const panel of ["checks", "titles", "imports"]) {
            await page.goto(`${reader.server}/?lang=${lang}&panel=${panel}`);
            await page.waitForTimeout(1500);
            await page.screenshot({ path: new URL(`../../results/part-${panel}-${width}-${lang}.png`, import.meta.url).pathname });
            assert.equal(await page.locator(".el-message--error, .el-notification").count(), 0, panel);
          }
          assert.equal(await reader.part("rail-people").count(), 0);
        },
        { as: keeper, width, height, forgive: [/404 \(Not Found\).*\/api\/v1\/checks/] },
      ));
  }
});
