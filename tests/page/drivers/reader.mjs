// What a person does with the page, and what they read there.
import assert from "node:assert/strict";

/** Spaces that keep a figure together, as ordinary ones. */
export const plain = (text) => text.replaceAll(/[\u00a0\u202f\u2009]/g, " ").trim();
const asNumber = (text) => Number(plain(text).replaceAll(" ", ""));

export class Reader {
  constructor(page, server) {
    this.page = page;
    this.server = server;
  }

  part(name) {
    return this.page.locator(`[data-testid="${name}"]`);
  }

  // Coming and going

  async opens(address = "/") {
    await this.page.goto(this.server + address);
    await this.part("legend").waitFor();
    await this.seesTheMap();
  }

  async opensAt({ longitude, latitude }, zoom = 17, rest = "") {
    await this.opens(`/?at=${zoom}/${latitude.toFixed(6)}/${longitude.toFixed(6)}${rest}`);
  }

  async goesBack() {
    await this.page.goBack();
  }

  address() {
    return new URL(this.page.url()).searchParams;
  }

  async waitsForAddress(name, value) {
    await this.page.waitForFunction(
      ([wanted, text]) => new URLSearchParams(window.location.search).get(wanted) === text,
      [name, value],
    );
  }

  async presses(...keys) {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  // The map

  async seesTheMap() {
    // The first drawing takes a busy machine its time.
    await this.page.locator(".maplibregl-canvas").waitFor({ timeout: 90_000 });
  }

  /** Waits until the legend has counted `count` assets in view. */
  async seesInView(count) {
    await this.page.waitForFunction(
      (wanted) => {
        const text = document.querySelector("[data-testid=legend] footer span")?.textContent ?? "";
        return Number((/([\d\s\u00a0\u202f]+)\D*$/.exec(text)?.[1] ?? "").replaceAll(/\s/g, "")) === wanted;
      },
      count,
      { timeout: 60_000 },
    );
  }

  /** Waits until the legend counts `count` for a value of the theme. */
  async seesLegendCount(value, count) {
    await this.part("legend").locator(`[data-value="${value}"] .count`).getByText(String(count), { exact: true }).waitFor();
  }

  /** Clicks the middle of the free part of the map: what the address bar calls `at`. */
  async clicksTheMiddleOfTheMap() {
    const box = await this.page.locator(".maplibregl-canvas").boundingBox();
    assert.ok(box);
    await this.page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  }

  /** Clicks until nothing is selected by it: a filter reaches the tiles a moment after the legend. */
  async findsNothingInTheMiddle() {
    for (let attempt = 0; attempt < 20; attempt++) {
      await this.clicksTheMiddleOfTheMap();
      await this.page.waitForTimeout(400);
      if (this.address().get("asset") === null) return;
    }
    assert.fail("something is still selected by a click in the middle of the map");
  }

  async choosesTheme(theme) {
    await this.part("theme-select").selectOption(theme);
  }

  async clicksLegend(value, { shift = false } = {}) {
    await this.part("legend").locator(`[data-value="${value}"]`).click({ modifiers: shift ? ["Shift"] : [] });
  }

  async closesThePanel() {
    await this.page.locator(".context-panel header button").click();
  }

  async switchesLanguage() {
    await this.part("rail-language").click();
  }

  // Import

  /** Drops a file onto the page, as from a folder of the desktop. */
  async dropsFile({ name, text }) {
    const data = await this.page.evaluateHandle(
      ([fileName, content]) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([content], fileName, { type: "application/geo+json" }));
        return transfer;
      },
      [name, text],
    );
    await this.page.dispatchEvent("body", "dragenter", { dataTransfer: data });
    await this.part("drop-zone").waitFor();
    await this.page.dispatchEvent("body", "dragover", { dataTransfer: data });
    await this.page.dispatchEvent("body", "drop", { dataTransfer: data });
    await this.part("import-dialog").waitFor();
  }

  async saysValidFrom(date) {
    const input = this.page.locator(".import-dialog .el-date-editor input");
    await input.fill(date);
    await input.press("Enter");
  }

  async namesDataset(name) {
    if ((await this.part("import-more").getAttribute("aria-expanded")) === "false") await this.part("import-more").click();
    await this.part("import-dataset").fill(name);
  }

  /** Puts another file in the place of the one that was dropped. */
  async choosesFile(name, buffer) {
    await this.part("import-file").setInputFiles({ name, mimeType: "application/octet-stream", buffer });
  }

  /** Types into a field: the input itself, or what stands around it. A day is confirmed, as whoever types one does. */
  async writes(field, text) {
    const part = typeof field === "string" ? this.part(field) : field;
    const input = (await part.evaluate((element) => element.matches("input, textarea"))) ? part : part.locator("input, textarea").first();
    await input.fill(text);
    if (await input.evaluate((element) => element.closest(".el-date-editor") !== null)) await input.press("Enter");
  }

  /** The options of a list, and of no other: one that was open a moment ago may still be fading away. */
  async optionsOf(list) {
    const id = await list.evaluate((element) => {
      const select = element.closest(".el-select") ?? element;
      return select.querySelector("[aria-controls]")?.getAttribute("aria-controls");
    });
    assert.ok(id, "the list says what it opens");
    return this.page.locator(`[id="${id}"] .el-select-dropdown__item`);
  }

  /** Chooses from a list the word that is exactly so. */
  async choosesFrom(list, words) {
    await list.click();
    await (await this.optionsOf(list)).getByText(words, { exact: true }).click();
  }

  /** Chooses the word of a list that begins so. */
  async chooses(list, words) {
    await this.part(list).click();
    await (await this.optionsOf(this.part(list))).getByText(words).first().click();
  }

  /** Looks something up in a list by what is typed, and chooses what is exactly so, or exactly what is said. */
  async looksUp(list, typed, words = typed) {
    const part = this.part(list);
    await part.click();
    await part.locator("input").fill(typed);
    await (await this.optionsOf(part)).getByText(words, { exact: true }).click();
  }

  async types(field, text) {
    await this.writes(field, text);
  }

  async choosesImportLayer(words) {
    await this.choosesFrom(this.part("import-layer"), words);
  }

  async choosesSavedMapping(name) {
    await this.choosesFrom(this.part("import-saved-mapping"), name);
  }

  /** Says of one field which column it is. */
  async mapsField(field, column) {
    await this.part("import-mapping-add").click();
    const pair = this.part("import-dialog").locator(".mapping").last();
    await this.choosesFrom(pair.locator(".el-select"), field);
    await pair.locator(".el-input input").fill(column);
  }

  async asksForDryRun() {
    await this.part("import-dry-run").click();
  }

  /** Starts it and waits until the page shows this import, not one before. */
  async startsTheImport() {
    const before = this.address().get("import");
    await this.part("import-submit").click();
    await this.page.waitForFunction((old) => {
      const now = new URLSearchParams(window.location.search).get("import");
      return now !== null && now !== old;
    }, before);
  }

  async waitsForTheReport() {
    await this.page.locator('[data-testid="import-report"][data-state="done"] [data-testid="import-counts"]').waitFor({ timeout: 90_000 });
  }

  /** Drops a file, sets what is given and waits for the report. */
  async imports(file, { dataset, validFrom, dryRun = false } = {}) {
    await this.dropsFile(file);
    if (validFrom !== undefined) await this.saysValidFrom(validFrom);
    if (dataset !== undefined) await this.namesDataset(dataset);
    if (dryRun) await this.asksForDryRun();
    await this.startsTheImport();
    await this.waitsForTheReport();
  }

  async reportedCounts() {
    const read = async (name) => asNumber(await this.part(`count-${name}`).innerText());
    return {
      read: await read("read"),
      inserted: await read("inserted"),
      new_version: await read("new_version"),
      unchanged: await read("unchanged"),
      quarantined: await read("quarantined"),
    };
  }

  async looksAtRows(outcome) {
    await this.part(`rows-${outcome}`).click();
    await this.page.locator(`[data-testid="rows-${outcome}"][aria-selected="true"]`).waitFor();
    const rows = this.part("import-rows").locator("tbody tr");
    await rows.first().waitFor();
    return (await rows.allInnerTexts()).map(plain);
  }

  async locatesFirstRow() {
    await this.part("import-rows").locator("tbody tr .icon-button").first().click();
  }

  // The card

  async readsTheCard() {
    await this.page.locator('[data-testid="card-title"]:not(:empty)').waitFor();
    const text = async (name) => plain(await this.part(name).innerText());
    return { title: await text("card-title"), code: await text("card-code"), area: await text("card-area"), title_status: await text("card-title_status") };
  }

  async opensHistory() {
    await this.part("card").locator("#tab-history").click();
    await this.part("history").waitFor();
  }

  async versions() {
    return (await this.part("history").locator("li button").allInnerTexts()).map(plain);
  }

  async looksAtVersion(index) {
    await this.part("history").locator("li button").nth(index).click();
  }

  async closesTheCard() {
    await this.part("card-close").click();
  }

  // Search, time, table

  async searches(text) {
    await this.presses("/");
    await this.part("search").fill(text);
    await this.part("search-hits").locator('[role="option"]').first().waitFor();
  }

  async hits() {
    return (await this.part("search-hits").locator('[role="option"]').allInnerTexts()).map(plain);
  }

  async looksAtDate(date) {
    const input = this.page.locator(".map-foot .date input");
    await input.fill(date);
    await input.press("Enter");
    await this.waitsForAddress("as_of", date);
  }

  async returnsToNow() {
    await this.part("return-to-now").click();
    await this.part("away-words").waitFor({ state: "detached" });
  }

  /** Types into the table's filter and waits until so many rows are left. */
  async narrowsTheTable(text, rows) {
    await this.part("table").locator("header input[type=text]").fill(text);
    await this.page.waitForFunction((wanted) => document.querySelectorAll("[data-testid=table] tbody tr").length === wanted, rows);
  }

  // Export

  async opensExport() {
    await this.part("table-export").click();
    await this.part("export-dialog").waitFor();
  }

  async choosesExportSystem(code) {
    await this.part("export-crs").click();
    await this.part("export-crs").locator("input").fill(code);
    await (await this.optionsOf(this.part("export-crs"))).filter({ hasText: code }).click();
  }

  /** Exports in a format; gives the name offered and where the browser keeps the file. */
  async exports(format) {
    await this.part(`export-${format}`).click();
    const [download] = await Promise.all([this.page.waitForEvent("download"), this.part("export-submit").click()]);
    await this.part("export-done").waitFor();
    return { name: download.suggestedFilename(), path: await download.path() };
  }

  /** A dialog stands whole inside the window, its buttons too. */
  async fitsTheWindow(dialog) {
    const box = await this.page.locator(dialog).boundingBox();
    const window = this.page.viewportSize();
    assert.ok(box && window);
    const reach = [box.x, box.y, window.width - box.x - box.width, window.height - box.y - box.height];
    assert.ok(reach.every((room) => room >= 0), `${dialog} reaches out of the window: ${reach}`);
  }

  async total(layer) {
    await this.part(`total-${layer}`).waitFor();
    return asNumber(await this.part(`total-${layer}`).innerText());
  }
}
