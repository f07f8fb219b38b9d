import { mkdirSync } from "node:fs";
import { describe, test } from "node:test";
import { account, asReader, useBrowser } from "../drivers/browser.mjs";

// Where SCREENSHOTS names a folder, what is seen is kept there.
const screenshots = process.env.SCREENSHOTS;

async function keep(reader, name) {
  if (screenshots === undefined) return;
  mkdirSync(screenshots, { recursive: true });
  await reader.page.screenshot({ path: `${screenshots}/${name}.png` });
}

const administrator = { ...account, username: "demo-administrator" };

async function opensCalendar(reader, language) {
  await reader.opens(`/?panel=policies&lang=${language}`);
  await reader.part("policy-places").getByText(language === "zh" ? "工作日历" : "Working days").click();
  await reader.part("calendar-2026").waitFor();
}

async function types(field, day) {
  await field.locator("input").fill(day);
  await field.locator("input").press("Enter");
}

describe("the working calendar", () => {
  useBrowser();

  test("the administrator records the notice of a year, corrects and withdraws it", (t) =>
    asReader(t, async (reader) => {
      await opensCalendar(reader, "zh");
      await reader.part("calendar-record").click();
      await reader.part("calendar-year").locator("input").fill("2031");
      await reader.part("calendar-year").locator("input").press("Tab");
      await reader.part("calendar-source").fill("测试用的2031年放假安排");
      const off = reader.part("calendar-off");
      await types(off.nth(0).getByTestId("off-from"), "2031-01-03");
      await types(off.nth(0).getByTestId("off-to"), "2031-01-01");
      await reader.part("calendar-reason").fill("按通知登记");
      await reader.part("calendar-save").click();
      // Told at the field, and nothing is kept.
      await reader.page.getByText("起止日期颠倒").waitFor();
      await keep(reader, "calendar-refused");
      await types(off.nth(0).getByTestId("off-from"), "2031-01-01");
      await types(off.nth(0).getByTestId("off-to"), "2031-01-03");
      await reader.part("calendar-add-worked").click();
      await types(reader.part("calendar-worked").nth(0), "2031-01-04");
      // Three days off, one Saturday worked: not what the law gives.
      await reader.part("calendar-net").filter({ hasText: "净减少 2 天，法定节假日为 13 天" }).waitFor();
      await keep(reader, "calendar-form");
      await reader.part("calendar-save").click();
      const year = reader.part("calendar-2031");
      await year.filter({ hasText: "01-01 – 01-03" }).filter({ hasText: "01-04" }).waitFor();
      await keep(reader, "calendar");
      await year.getByTestId("calendar-correct").click();
      await reader.part("calendar-add-off").click();
      await types(reader.part("calendar-off").nth(1).getByTestId("off-from"), "2031-10-01");
      await types(reader.part("calendar-off").nth(1).getByTestId("off-to"), "2031-10-07");
      await reader.part("calendar-reason").fill("补充国庆节");
      await reader.part("calendar-save").click();
      await year.filter({ hasText: "10-01 – 10-07" }).waitFor();
      await year.getByTestId("calendar-withdraw").click();
      await reader.page.locator(".el-message-box input").fill("年份登记错误");
      await reader.page.locator(".el-message-box__btns .el-button--primary").click();
      await year.waitFor({ state: "detached" });
    }, { as: administrator, forgive: [/422/] }));

  test("whoever doesn't keep it reads it, in English too", (t) =>
    asReader(t, async (reader) => {
      await opensCalendar(reader, "en");
      await reader.part("calendar-2026").filter({ hasText: "13 working days fewer" }).waitFor();
      await reader.part("calendar-record").waitFor({ state: "detached" });
      await keep(reader, "calendar-en");
    }, { width: 1024, height: 768 }));
});
