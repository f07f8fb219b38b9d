import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { describe, test } from "node:test";
import { asReader, ask, useBrowser } from "../../drivers/browser.mjs";

// Where SCREENSHOTS names a folder, what is seen is kept there.
const screenshots = process.env.SCREENSHOTS;

async function keep(reader, name) {
  if (screenshots === undefined) return;
  mkdirSync(screenshots, { recursive: true });
  await reader.page.screenshot({ path: `${screenshots}/${name}.png` });
}

async function read(address) {
  const answer = await ask(address);
  assert.equal(answer.status, 200, address);
  return answer.json();
}

describe("how far the demo city's buildings are used", () => {
  useBrowser();

  test("low use is told on the card with its arithmetic, in the overview and in find space", async (t) => {
    const found = (await read("/api/v1/idle-space?also_low_use=true&limit=5")).low_use;
    assert.ok(found.buildings > 0, "the city has buildings in low use");
    const [first] = found.items;
    await asReader(t, async (reader) => {
      await reader.opens(`/?lang=zh&asset=buildings/${first.id}`);
      const section = reader.part("card-utilisation");
      await section.filter({ hasText: "低效利用" }).waitFor();
      await section.scrollIntoViewIfNeeded();
      const arithmetic = await reader.part("card-utilisation-arithmetic").innerText();
      assert.match(arithmetic, /按编制应配 .+，占在用办公用房 .+ 的 \d+\s%（低于 60\s% 为低效利用），富余/);
      await section.locator("summary").click();
      await section.filter({ hasText: "国家未规定低效利用的比例" }).waitFor();
      await keep(reader, "utilisation-card-zh");

      await reader.opens("/?lang=zh");
      await reader.part("overview-utilisation").locator("summary").click();
      const states = await read("/api/v1/utilisation");
      for (const total of states.by_state) {
        const row = reader.part(`utilisation-${total.state}`);
        await row.waitFor();
        assert.equal((await row.locator("td").nth(1).innerText()).replaceAll(/\D/g, ""), String(total.buildings));
      }
      assert.equal(states.by_state.reduce((sum, total) => sum + total.buildings, 0), 1500);
      await reader.part("overview-utilisation").scrollIntoViewIfNeeded();
      await keep(reader, "utilisation-overview-zh");

      await reader.opens("/?lang=zh&panel=idle");
      await reader.part("find-totals").waitFor();
      assert.equal(await reader.part("find-low-use-totals").count(), 0);
      await reader.part("find-low-use").click();
      await reader.part("find-ask").click();
      await reader.part("find-low-use-totals").filter({ hasText: "低效利用" }).waitFor();
      await reader.part("find-low-use-result").first().scrollIntoViewIfNeeded();
      await keep(reader, "utilisation-find-zh");
      await reader.part("find-low-use-result").first().click();
      await reader.part("card-utilisation").filter({ hasText: "低效利用" }).waitFor();
      await reader.switchesLanguage();
      await reader.part("card-utilisation").filter({ hasText: "In low use" }).waitFor();
      await reader.part("card-utilisation").scrollIntoViewIfNeeded();
      await keep(reader, "utilisation-find-en");
    });
  });

  test("a certificate and a lease are shown as sheets of paper that say they are made up", async (t) => {
    const [agreement] = (await read("/api/v1/use-agreements?status=certified&limit=1")).items;
    const certificate = await read(`/api/v1/use-agreements/${agreement.id}/certificate`);
    const { building_ids: [building] } = await read(`/api/v1/use-agreements/${agreement.id}`);
    await asReader(t, async (reader) => {
      await reader.opens(`/?lang=zh&asset=buildings/${building}`);
      const line = reader.part("agreement").filter({ hasText: agreement.certificate_no });
      await line.waitFor();
      await line.locator("[data-testid=agreement-certificate]").click();
      const paper = reader.part("sheet-paper");
      await paper.filter({ hasText: `证号：${agreement.certificate_no}` }).waitFor();
      const text = await paper.locator(".sheet").innerText();
      assert.match(text, /办公用房分配使用凭证/);
      assert.match(text, /演示数据/);
      assert.ok(text.includes(certificate.unit.name), "whose it is");
      assert.equal(await paper.locator("table").nth(1).locator("tbody tr").count(), certificate.rooms.length);
      await keep(reader, "certificate-zh");
      await reader.page.keyboard.press("Escape");

      const [lease] = (await read("/api/v1/leases?limit=1")).items;
      await reader.opens(`/?lang=zh&panel=leases&lease=${lease.id}`);
      await reader.part("lease-print").click();
      await paper.filter({ hasText: "租约登记表" }).waitFor();
      assert.match(await paper.locator(".sheet").innerText(), /演示数据/);
      await keep(reader, "lease-sheet-zh");
    });
  });
});
