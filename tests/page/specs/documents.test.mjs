import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { account, asReader, askAs, useBrowser } from "../drivers/browser.mjs";

// Where SCREENSHOTS names a folder, what is seen is kept there.
const screenshots = process.env.SCREENSHOTS;

async function keep(reader, name) {
  if (screenshots === undefined) return;
  mkdirSync(screenshots, { recursive: true });
  await reader.part("document-files").scrollIntoViewIfNeeded();
  await reader.page.screenshot({ path: `${screenshots}/${name}.png` });
}

const clerk = { username: "demo-title-clerk", password: account.password };
const reviewer = { username: "demo-title-reviewer", password: account.password };
const pdf = Buffer.from("%PDF-1.7\n1 0 obj <</Type /Catalog>> endobj\n%%EOF\n");
const run = Math.floor(Math.random() * 90_000);

async function post(address, body, who) {
  const response = await askAs(who, address, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  assert.ok(response.ok, JSON.stringify(answer));
  return { ...answer, tag: response.headers.get("etag") };
}

/** A case that collects its papers. */
async function collecting(column) {
  const west = 112.1 + (run % 300) * 0.01 + column * 0.002;
  const south = 26.4 + Math.floor(run / 300) * 0.002;
  const ring = [[west, south], [west + 0.001, south], [west + 0.001, south + 0.001], [west, south + 0.001], [west, south]];
  const shape = { type: "Polygon", coordinates: [ring] };
  const land = await post("/api/v1/parcels", { name: "零陵中路办公区", code: `D-${run}-${column}`, valid_from: "2020-01-01", geometry: shape }, account.username);
  const opened = await post("/api/v1/title-cases", { asset_id: land.id }, clerk.username);
  let tag = opened.tag;
  for (const step of [{ transition: "classify", policy_action: "first_register" }, { transition: "collect" }]) {
    const response = await askAs(clerk.username, `/api/v1/title-cases/${opened.id}/transitions`, {
      method: "POST",
      headers: { "content-type": "application/json", "if-match": tag },
      body: JSON.stringify(step),
    });
    assert.equal(response.status, 200, await response.clone().text());
    tag = response.headers.get("etag");
  }
  return { land: land.id, id: opened.id };
}

describe("papers as files", () => {
  useBrowser();

  for (const [language, width, height] of [["zh", 1440, 900], ["en", 1024, 768]]) {
    test(`a clerk brings the papers of a case, and a reviewer reads them (${language})`, async (t) => {
      const held = await collecting(language === "zh" ? 0 : 1);
      const at = `/?panel=titles&case=${held.id}&lang=${language}`;
      await asReader(
        t,
        async (person) => {
          await person.opens(at);
          await person.part("document-drop").waitFor();
          await keep(person, `documents-empty-${language}`);
          await person.part("document-input").setInputFiles([
            { name: "登记申请书.pdf", mimeType: "application/pdf", buffer: pdf },
            { name: "授权委托书.pdf", mimeType: "application/pdf", buffer: Buffer.concat([pdf, Buffer.from("2")]) },
          ]);
          await person.part("document-file").nth(1).waitFor();
          const rows = await person.part("document-file").allInnerTexts();
          assert.match(rows[0], /登记申请书[\s\S]*49 B[\s\S]*demo-title-clerk/);

          // What is dropped lands on the case and not in the imports.
          const dropped = await person.page.evaluateHandle((text) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([text], "现场照片.pdf", { type: "application/pdf" }));
            return transfer;
          }, `${pdf}3`);
          await person.part("document-drop").dispatchEvent("drop", { dataTransfer: dropped });
          await person.part("document-file").nth(2).waitFor();

          // By its bytes it is no PDF.
          await person.part("document-input").setInputFiles([{ name: "假.pdf", mimeType: "application/pdf", buffer: Buffer.from("<script>alert(1)</script>") }]);
          await person.part("document-trouble").waitFor();
          assert.match(await person.part("document-trouble").innerText(), /PDF, OFD, JPEG|假\.pdf/);
          assert.equal(await person.part("document-file").count(), 3);
          await keep(person, `documents-${language}`);

          // Before the step, what was brought in error is put down.
          await person.part("document-remove").nth(2).click();
          await person.page.locator(".el-message-box__btns .el-button--primary").click();
          await person.part("document-file").nth(2).waitFor({ state: "detached" });
        },
        { as: clerk, width, height, forgive: [/422.*documents/] },
      );
      await asReader(
        t,
        async (person) => {
          await person.opens(at);
          const [download] = await Promise.all([person.page.waitForEvent("download"), person.part("document-download").first().click()]);
          assert.equal(download.suggestedFilename(), "登记申请书.pdf");
          const read = readFileSync(await download.path());
          assert.equal(createHash("sha256").update(read).digest("hex"), createHash("sha256").update(pdf).digest("hex"));
          assert.equal(await person.part("document-drop").count(), 0, "whoever reviews brings nothing");
          assert.equal(await person.part("document-remove").count(), 0);
          await keep(person, `documents-reviewer-${language}`);
        },
        { as: reviewer, width, height },
      );
    });
  }
});
