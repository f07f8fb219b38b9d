import { expect, it } from "vitest";
import { toCsv } from "@/csv";

it("quotes what needs it and defuses formulas", () => {
  expect(toCsv([["a", 1, null], ['say "x"', -5, "b,c"], ["=1+1", 2.5, "-"]])).toBe('a,1,\r\n"say ""x""",-5,"b,c"\r\n\'=1+1,2.5,\'-');
});
