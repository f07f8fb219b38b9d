import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { account, asReader, useBrowser } from "../drivers/browser.mjs";

const administrator = { username: "demo-administrator", password: account.password };
const newcomer = `li.na-${Date.now().toString(36)}`;
const chosen = "三年行动方案提质增效";
// A refused sign-in is told by the browser's console too.
const forgive = [/status of (401|422|429)/];

async function signsIn(page, { username, password }) {
  await page.locator("[data-testid=sign-in-username]").fill(username);
  await page.locator("[data-testid=sign-in-password]").fill(password);
  await page.keyboard.press("Enter");
}

describe("signing in", () => {
  useBrowser();

  test("the way in comes before everything, and leads to the address that was asked for", (t) =>
    asReader(t, async (clerk) => {
      const { page } = clerk;
      await page.goto(`${clerk.server}/?lang=zh&panel=layers&table=parcels`);
      await clerk.part("sign-in").waitFor();
      assert.equal(await clerk.part("legend").count(), 0);
      // The first field has the keyboard already.
      await page.keyboard.type("demo-asset-manager");
      await page.keyboard.press("Tab");
      await page.keyboard.type("not the password");
      await page.keyboard.press("Enter");
      await clerk.part("sign-in-trouble").waitFor();
      assert.match(await clerk.part("sign-in-trouble").innerText(), /用户名或密码错误/);
      await clerk.part("sign-in-language").click();
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
      await clerk.part("sign-in-language").click();
      await signsIn(page, account);
      await clerk.part("legend").waitFor();
      await clerk.part("table").waitFor();
      assert.equal(clerk.address().get("panel"), "layers");
      await clerk.part("rail-account").click();
      assert.match(await clerk.part("account-menu").innerText(), /资产管理员/);
      await clerk.part("account-sign-out").click();
      await clerk.part("sign-in").waitFor();
      assert.equal((await page.context().cookies()).length, 0);
    }, { as: null, forgive }));

  test("whoever signs out while the page is still asking is led to a fresh way in once", (t) =>
    asReader(t, async (clerk) => {
      const { page } = clerk;
      await clerk.opens("/?lang=zh");
      // The server has ended the session, and its answer is slow to come back.
      let comesBack;
      const isEnded = new Promise((resolve) => {
        page.route("**/api/v1/session", async (route) => {
          if (route.request().method() !== "DELETE") return route.continue();
          const response = await route.fetch();
          const held = new Promise((release) => (comesBack = release));
          resolve();
          await held;
          await route.fulfill({ response });
        });
      });
      await clerk.part("rail-account").click();
      await clerk.part("account-sign-out").click();
      await isEnded;
      const refused = page.waitForResponse((response) => response.status() === 401);
      await clerk.part("rail-table").click();
      await refused;
      await page.evaluate(() => new Promise((settled) => requestAnimationFrame(() => requestAnimationFrame(settled))));
      assert.equal(await clerk.part("sign-in").count(), 0);
      comesBack();
      await clerk.part("sign-in").waitFor();
      await signsIn(page, account);
      await clerk.part("legend").waitFor();
    }, { forgive }));

  test("a session that ended in the middle of work leads back to it", (t) =>
    asReader(t, async (clerk) => {
      const { page } = clerk;
      await clerk.opens("/?lang=zh&panel=layers");
      await page.context().clearCookies();
      // What the page asks by itself may have laid the way in over the rail before the click.
      await clerk.part("rail-table").evaluate((entry) => entry.click());
      await clerk.part("session-ended").waitFor();
      const before = page.url();
      await signsIn(page, account);
      await clerk.part("sign-in").waitFor({ state: "detached" });
      assert.equal(page.url(), before);
      await clerk.part("legend").waitFor();
    }, { forgive }));

  test("who guesses is told to wait, and how long", (t) =>
    asReader(t, async (guest) => {
      const { page } = guest;
      await page.goto(`${guest.server}/?lang=zh`);
      for (let attempt = 0; attempt < 6; attempt += 1) {
        const answered = page.waitForResponse((response) => response.request().method() === "POST");
        await signsIn(page, { username: `nobody-${newcomer}`, password: "not the password" });
        await answered;
      }
      await guest.part("locked").waitFor();
      assert.match(await guest.part("locked").innerText(), /约 1[45] 分钟后再试/);
    }, { as: null, forgive }));
});

describe("keeping accounts", () => {
  useBrowser();
  let first;

  test("an administrator makes an account and grants a role", (t) =>
    asReader(t, async (keeper) => {
      const { page } = keeper;
      await keeper.opens("/?lang=zh");
      // What the role may not do isn't offered.
      assert.equal(await keeper.part("rail-upload").count(), 0);
      await keeper.part("rail-people").click();
      await keeper.part("person-add").click();
      await keeper.part("person-username").fill("demo viewer");
      await keeper.part("person-display-name").fill("李娜");
      await keeper.part("person-submit").click();
      assert.match(await keeper.part("people-trouble").innerText(), /用户名不符合要求/);
      await keeper.part("person-username").fill(newcomer);
      await keeper.part("person-submit").click();
      first = await keeper.part("fresh-password").innerText();
      assert.match(await keeper.part("person-account").innerText(), /未授予任何角色/);
      await keeper.part("grant-role").click();
      await page.getByRole("option", { name: "浏览", exact: true }).click();
      await keeper.part("grant-submit").click();
      await keeper.part("grants").getByText("浏览").waitFor();
      assert.match(await keeper.part("grants").innerText(), /整个登记库/);
      assert.equal(keeper.address().get("panel"), "people");
    }, { as: administrator, forgive }));

  test("the newcomer chooses a password before anything else, and is offered what they may do", (t) =>
    asReader(t, async (reader) => {
      const { page } = reader;
      await page.goto(`${reader.server}/?lang=zh`);
      await signsIn(page, { username: newcomer, password: first });
      await reader.part("password-form").waitFor();
      assert.equal(await reader.part("legend").count(), 0);
      await reader.part("password-current").fill(first);
      await reader.part("password-next").fill("short");
      await reader.part("password-again").fill("short");
      await reader.part("password-submit").click();
      assert.match(await reader.part("password-trouble").innerText(), /至少要 10 个字符/);
      await reader.part("password-next").fill(chosen);
      await reader.part("password-again").fill(chosen);
      await reader.part("password-submit").click();
      await reader.part("legend").waitFor();
      for (const part of ["rail-upload", "rail-imports", "rail-people"]) assert.equal(await reader.part(part).count(), 0, part);
      await reader.part("rail-account").click();
      await reader.part("account-tokens").click();
      await reader.part("token-name").fill("QGIS");
      await reader.part("token-make").click();
      const token = await reader.part("token-secret").innerText();
      const answer = await fetch(`${reader.server}/ogc/collections`, { headers: { authorization: `Bearer ${token}` } });
      assert.equal(answer.status, 200);
    }, { as: null, forgive }));

  test("who came and who was refused is there to read", (t) =>
    asReader(t, async (reader) => {
      const { page } = reader;
      await page.goto(`${reader.server}/?lang=zh`);
      await signsIn(page, { username: newcomer, password: "not the password" });
      await reader.part("sign-in-trouble").waitFor();
      await signsIn(page, { username: newcomer, password: chosen });
      await reader.part("legend").waitFor();
      await reader.part("rail-account").click();
      await reader.part("account-sign-ins").click();
      const events = reader.part("sign-ins").locator("li");
      const says = (at, words) => events.nth(at).filter({ hasText: words }).waitFor();
      await says(0, /^\s*登录/);
      await says(1, "密码错误");
      await page.keyboard.press("Escape");
      await reader.part("rail-account").click();
      await reader.part("account-sign-out").click();
      await reader.part("sign-in").waitFor();
      // The administrator sees it of everybody, and of the newcomer on their account.
      await signsIn(page, administrator);
      await reader.part("legend").waitFor();
      await reader.opens("/?lang=zh&panel=people");
      await reader.part("sign-ins-open").click();
      await says(0, "demo-administrator");
      await says(1, new RegExp(`退出[^]*${newcomer}`));
      await page.locator(".people-panel .back").click();
      await reader.part("people-find").fill(newcomer);
      await page.locator(`[data-person="${newcomer}"]`).click();
      await reader.part("person-sign-ins").click();
      await says(0, /^\s*退出/);
      await says(2, "密码错误");
    }, { as: null, forgive }));

  test("a role is revoked only after the question, and then nothing is left to see", (t) =>
    asReader(t, async (keeper) => {
      const { page } = keeper;
      await keeper.opens("/?lang=zh&panel=people");
      await keeper.part("people-find").fill(newcomer);
      await page.locator(`[data-person="${newcomer}"]`).click();
      await keeper.part("revoke-viewer").click();
      await page.getByRole("dialog").getByText("收回 李娜 的").waitFor();
      await page.getByRole("dialog").getByRole("button", { name: "收回" }).click();
      await keeper.part("person-account").getByText("未授予任何角色").waitFor();
    }, { as: administrator }));

  test("who holds nothing is told so", (t) =>
    asReader(t, async (reader) => {
      await reader.page.goto(`${reader.server}/?lang=zh`);
      await reader.part("outside").waitFor();
      assert.equal(await reader.part("legend").count(), 0);
    }, { as: { username: newcomer, password: chosen } }));
});
