// What a clerk and whoever reviews do with titles and their cases.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";

// Where SCREENSHOTS names a folder, what is seen is kept there.
const screenshots = process.env.SCREENSHOTS;

export class Desk {
  constructor(reader) {
    this.reader = reader;
    this.page = reader.page;
  }

  part(name) {
    return this.reader.part(name);
  }

  async keeps(name) {
    if (screenshots === undefined) return;
    mkdirSync(screenshots, { recursive: true });
    await this.page.screenshot({ path: `${screenshots}/${name}.png` });
  }

  /** Fills the fields of a form: texts, days and words of lists. */
  async fills(form, fields) {
    for (const [name, value] of Object.entries(fields)) {
      const field = this.part(form).locator(`[data-testid="${name}"]`);
      const kind = await field.evaluate((element) => (element.matches("input, textarea") ? "text" : element.matches(".el-select") || element.querySelector(".el-select__wrapper") !== null ? "list" : "around"));
      if (kind === "list") await this.chooses(field, value);
      else await this.reader.writes(field, value);
    }
  }

  async chooses(field, words) {
    for (const one of [words].flat()) {
      await field.click();
      await (await this.reader.optionsOf(field)).filter({ hasText: one }).first().click();
    }
    if (Array.isArray(words)) await this.page.keyboard.press("Escape");
  }

  // The card

  async seesAsset(layer, id, language) {
    await this.reader.opens(`/?asset=${layer}/${id}&lang=${language}`);
    await this.part("card-titles").waitFor();
  }

  async entersCertificate(fields) {
    await this.part("card-register-title").click();
    await this.fills("title-form", fields);
    await this.part("title-save").click();
  }

  async opensCase() {
    await this.part("card-open-case").click();
    await this.part("case-state").waitFor();
    return this.reader.address().get("case");
  }

  // The case

  async seesCase(id, language) {
    await this.reader.opens(`/?panel=titles&case=${id}&lang=${language}`);
    await this.part("case-state").waitFor();
  }

  /** Takes a step, says what it asks for, and waits until the case offers `next`, or the step is no longer offered. */
  async takes(step, said = {}, next = null) {
    await this.part(`step-${step}`).click();
    await this.part("step-form").waitFor();
    await this.fills("step-form", said);
    await this.part("step-confirm").click();
    await this.part("step-form").waitFor({ state: "detached" });
    if (next === null) await this.part(`step-${step}`).waitFor({ state: "detached" });
    else await this.part(`step-${next}`).waitFor();
    assert.equal(await this.part("case-trouble").count(), 0, step);
  }

  async types(fields) {
    await this.fills("case-papers", fields);
  }

  async saves() {
    await this.part("case-save").click();
    // While it is under way the button can't be pressed either.
    await this.page.locator('[data-testid="case-save"][disabled]:not(.is-loading)').waitFor();
    assert.equal(await this.part("case-trouble").count(), 0);
  }

  /** Notes one paper after another until none is missing. */
  async bringsAllPapers() {
    const missing = this.page.locator('[data-testid^="bring-"]');
    for (let left = await missing.count(); left > 0; left = await missing.count()) {
      const name = await missing.first().getAttribute("data-testid");
      await this.brings(name.slice("bring-".length));
    }
  }

  async brings(kind) {
    await this.part(`bring-${kind}`).click();
    await this.page.locator(".el-message-box__input input").fill(`${kind} 1号`);
    await this.page.locator(".el-message-box__btns .el-button--primary").click();
    await this.part(`bring-${kind}`).waitFor({ state: "detached" });
    await this.page.locator(".el-message-box").waitFor({ state: "hidden" });
  }

  async isRefused(step) {
    assert.ok(await this.part(`step-${step}`).isDisabled(), step);
    return this.page.locator(`[data-testid^="unmet-${step}-"]`).allInnerTexts();
  }

  /** Whose step it is the page says, and offers it to nobody else. */
  async isNotOffered(step) {
    await this.part(`whose-${step}`).waitFor();
    assert.ok(await this.part(`step-${step}`).isDisabled(), step);
  }
}
