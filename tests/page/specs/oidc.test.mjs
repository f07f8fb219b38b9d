import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { account, asReader, askAs, server, useBrowser } from "../drivers/browser.mjs";
import { issuer, startProvider } from "../drivers/provider.mjs";

const administrator = { username: "demo-administrator", password: account.password };
const run = Date.now().toString(36);
const subject = `f:${run}:4711`;
const newcomer = `zhao.min-${run}`;
// That nobody is signed in is told by the browser's console too.
const asGuest = { as: null, forgive: [/status of 401/], beside: [issuer] };

let stopProvider = null;
async function provide() {
  await stopProvider?.();
  stopProvider = await startProvider();
}
async function takeAway() {
  await stopProvider?.();
  stopProvider = null;
}

/** Signs in at the provider as whoever has the subject. */
async function comesFromProvider(page, who) {
  await page.getByTestId("sign-in-provider").click();
  await page.locator("#subject").fill(who);
  await page.locator("#login").click();
}

/** A browser as plain HTTP has it: follows one redirect at a time and keeps cookies by host. */
function browser() {
  const jar = new Map();
  const cookiesOf = (address) => jar.get(new URL(address).origin) ?? new Map();
  return {
    cookiesOf,
    async asks(address, init = {}) {
      const cookies = cookiesOf(address);
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const answer = await fetch(address, { redirect: "manual", ...init, headers: { cookie, ...init.headers } });
      for (const set of answer.headers.getSetCookie()) {
        const [name, value] = set.split(";")[0].split(/=(.*)/s);
        cookies.set(name, value);
      }
      jar.set(new URL(address).origin, cookies);
      const location = answer.headers.get("location");
      return { status: answer.status, headers: answer.headers, to: location === null ? null : new URL(location, address).href, answer };
    },
    /** Goes to the provider and back, as far as the address with the code, which is not asked for. */
    async fetchesCode(who) {
      const begun = await this.asks(`${server}/api/v1/session/oidc`);
      assert.equal(begun.status, 303);
      let { to } = await this.asks(begun.to);
      const body = new URLSearchParams({ subject: who, act: "login" });
      ({ to } = await this.asks(to, { method: "POST", body }));
      ({ to } = await this.asks(to));
      assert.ok(to.startsWith(`${server}/api/v1/session/oidc/callback?`), to);
      return { begun, callback: to };
    },
  };
}
const codeOf = async ({ answer }) => (await answer.json()).code;

describe("signing in through the organisation's provider", () => {
  useBrowser();
  after(takeAway);
  let id;

  test("a provider that is away is told in words, and the password stays", (t) =>
    asReader(t, async (guest) => {
      const { page } = guest;
      await page.goto(`${guest.server}/?lang=zh&panel=layers`);
      assert.equal(await guest.part("sign-in-provider").innerText(), "统一身份认证登录");
      await guest.part("sign-in-provider").click();
      await guest.part("sign-in-trouble").getByText("身份提供方没有响应").waitFor();
      assert.equal(guest.address().get("panel"), "layers");
      assert.equal(new URL(page.url()).hash, "");
      await guest.part("sign-in-username").fill(account.username);
      await guest.part("sign-in-password").fill(account.password);
      await page.keyboard.press("Enter");
      await guest.part("legend").waitFor();
    }, asGuest));

  test("whom the provider knows and nobody here does is refused", async (t) => {
    // Whoever asked a moment ago and had no answer is left alone for three seconds.
    await provide();
    const begun = async () => (await browser().asks(`${server}/api/v1/session/oidc`)).status;
    while ((await begun()) !== 303) await new Promise((resolve) => setTimeout(resolve, 200));
    await asReader(t, async (guest) => {
      const { page } = guest;
      await page.goto(`${guest.server}/?lang=en&panel=layers`);
      await comesFromProvider(page, subject);
      await guest.part("sign-in-trouble").getByText("no account here is linked to you").waitFor();
      assert.equal(guest.address().get("panel"), "layers");
      assert.equal((await page.context().cookies(server)).length, 0);
    }, asGuest);
  });

  test("an administrator makes an account that is linked and has no password", (t) =>
    asReader(t, async (keeper) => {
      const { page } = keeper;
      await keeper.opens("/?lang=zh&panel=people");
      await keeper.part("person-add").click();
      await keeper.part("person-username").fill(newcomer);
      await keeper.part("person-display-name").fill("赵敏");
      await keeper.part("person-subject").fill(subject);
      await keeper.part("person-submit").click();
      await keeper.part("identities").getByText(subject).waitFor();
      assert.equal(await keeper.part("fresh-password").count(), 0);
      assert.match(await keeper.part("person-account").innerText(), /没有密码，只能通过统一身份认证登录/);
      await keeper.part("grant-role").click();
      await page.getByRole("option", { name: "浏览", exact: true }).click();
      await keeper.part("grant-submit").click();
      await keeper.part("grants").getByText("浏览").waitFor();
      const people = await (await askAs(administrator.username, `/api/v1/people?q=${newcomer}`)).json();
      ({ id } = people.items[0]);
    }, { as: administrator }));

  test("its owner comes through the provider to what they wanted to see, and is asked for no password", (t) =>
    asReader(t, async (owner) => {
      const { page } = owner;
      await page.goto(`${owner.server}/?lang=zh&panel=layers`);
      await comesFromProvider(page, subject);
      await owner.part("legend").waitFor();
      assert.equal(owner.address().get("panel"), "layers");
      assert.equal(await owner.part("password-form").count(), 0);
      const cookies = await page.context().cookies(server);
      assert.deepEqual(cookies.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite })), [
        { name: "yice_session", httpOnly: true, sameSite: "Strict" },
      ]);
      const session = await page.evaluate(async () => (await fetch("/api/v1/session")).json());
      assert.deepEqual([session.username, session.opened_by, session.must_change_password], [newcomer, "identity", false]);
      await owner.part("rail-account").click();
      await owner.part("account-sign-out").click();
      await owner.part("sign-in").waitFor();
    }, asGuest));

  test("who says no at the provider is back at the page", (t) =>
    asReader(t, async (guest) => {
      const { page } = guest;
      await page.goto(`${guest.server}/?lang=zh`);
      await guest.part("sign-in-provider").click();
      await page.locator("#abort").click();
      await guest.part("sign-in-trouble").getByText("身份提供方未确认您的身份").waitFor();
    }, asGuest));

  test("a code counts once, with its state, and in the browser that began", async () => {
    const own = browser();
    const { begun, callback } = await own.fetchesCode(subject);
    const asked = new URL(begun.to).searchParams;
    for (const name of ["state", "nonce", "code_challenge"]) assert.ok(asked.get(name).length >= 43, name);
    assert.equal(asked.get("code_challenge_method"), "S256");
    assert.match(begun.headers.get("set-cookie"), /HttpOnly; SameSite=Lax; Max-Age=600$/);

    const another = await browser().fetchesCode(subject);
    const swapped = new URL(callback);
    swapped.searchParams.set("state", new URL(another.callback).searchParams.get("state"));
    const stranger = browser();
    for (const attempt of [await stranger.asks(callback), await own.asks(swapped.href), await own.asks(`${server}/api/v1/session/oidc/callback?code=x`)]) {
      assert.deepEqual([attempt.status, await codeOf(attempt)], [401, "sign_in_unknown"]);
      assert.ok(!attempt.headers.getSetCookie().some((cookie) => cookie.startsWith("yice_session=")));
    }
    const entered = await own.asks(callback);
    assert.deepEqual([entered.status, entered.to], [303, `${server}/`]);
    const first = own.cookiesOf(server).get("yice_session");
    assert.equal((await own.asks(`${server}/api/v1/session`)).status, 200);
    // The same address again, with the code that was used.
    const replayed = await own.asks(callback);
    assert.deepEqual([replayed.status, await codeOf(replayed)], [401, "sign_in_unknown"]);
    assert.equal(own.cookiesOf(server).get("yice_session"), first);

    // Somebody else's code put into a sign-in of one's own: the verifier and the nonce don't belong to it.
    const victim = await browser().fetchesCode(subject);
    const attacker = browser();
    const mixed = new URL((await attacker.fetchesCode("somebody-else")).callback);
    mixed.searchParams.set("code", new URL(victim.callback).searchParams.get("code"));
    const refused = await attacker.asks(mixed.href);
    assert.deepEqual([refused.status, await codeOf(refused)], [401, "identity_not_accepted"]);
  });

  test("a provider that changed its keys is asked for them", async () => {
    await provide();
    const own = browser();
    const { callback } = await own.fetchesCode(subject);
    assert.deepEqual((await own.asks(callback)).to, `${server}/`);
  });

  test("a disabled account is refused as it is for a password", (t) =>
    asReader(t, async (owner) => {
      const found = await askAs(administrator.username, `/api/v1/people/${id}`);
      const body = JSON.stringify({ state: "disabled" });
      const headers = { "content-type": "application/json", "if-match": found.headers.get("etag") };
      assert.equal((await askAs(administrator.username, `/api/v1/people/${id}`, { method: "PATCH", headers, body })).status, 200);
      await owner.page.goto(`${owner.server}/?lang=zh`);
      await comesFromProvider(owner.page, subject);
      await owner.part("sign-in-trouble").getByText("此账户已停用，请联系系统管理员").waitFor();
    }, asGuest));

  test("a link is taken away only after the question", (t) =>
    asReader(t, async (keeper) => {
      const { page } = keeper;
      await keeper.opens("/?lang=zh&panel=people");
      await keeper.part("people-find").fill(newcomer);
      await page.locator(`[data-person="${newcomer}"]`).click();
      await keeper.part("identity-unlink").click();
      await page.getByRole("dialog").getByText("解除 赵敏 与统一身份").waitFor();
      await page.getByRole("dialog").getByRole("button", { name: "解除关联" }).click();
      await keeper.part("person-account").getByText("未关联，也没有密码").waitFor();
      await keeper.part("identity-subject").fill(`${subject}-2`);
      await keeper.part("identity-link").click();
      await keeper.part("identities").getByText(`${subject}-2`).waitFor();
    }, { as: administrator }));

  test("a provider that goes away in between is a clear problem", async () => {
    const own = browser();
    const { callback } = await own.fetchesCode(subject);
    await takeAway();
    const answer = await own.asks(callback);
    assert.deepEqual([answer.status, await codeOf(answer)], [503, "provider_unavailable"]);
  });
});
