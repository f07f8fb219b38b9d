import { describe, expect, it } from "vitest";
import { readingsOf } from "./meters";

describe("readings as they are pasted", () => {
  it("takes what spreadsheets and bills write", () => {
    expect(readingsOf("2026-01-01\t2026-01-31\t1,000.5\n\n2026/2/1, 2026/2/28, 900\r\n2026年3月1日 2026年3月31日 0\n")).toEqual([
      { from: "2026-01-01", to: "2026-01-31", quantity: "1000.5" },
      { from: "2026-02-01", to: "2026-02-28", quantity: "900" },
      { from: "2026-03-01", to: "2026-03-31", quantity: "0" },
    ]);
    expect(readingsOf(" \n")).toEqual([]);
  });

  it("names the line that it can't read", () => {
    expect(readingsOf("2026-01-01\t2026-01-31\t5\n起\t止\t用量")).toBe(2);
    expect(readingsOf("2026-01-01\t2026-01-31\t-5")).toBe(1);
    expect(readingsOf("2026-01-01\t5")).toBe(1);
  });
});
