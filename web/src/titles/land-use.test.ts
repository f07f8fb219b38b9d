import { describe, expect, it } from "vitest";
import en from "@/language/titles.en";
import zh from "@/language/titles.zh";
import { landUseCodes, landUseWord, successorsOf } from "@/titles/land-use";

describe("land-use classes", () => {
  it("have a word in both languages", () => {
    expect(landUseCodes("GB21010-2017")).toEqual(expect.arrayContaining(Object.keys(zh.land_use_2017)));
    expect(Object.keys(en.land_use_2007).sort()).toEqual([...landUseCodes("GB21010-2007")].sort());
    expect(landUseWord("GB21010-2007", "081")).toBe("land_use_2007.081");
    expect(landUseWord("GB21010-2017", "081")).toBe(null);
  });
  it("name what an old class may be now, and only classes there are", () => {
    for (const code of landUseCodes("GB21010-2007")) for (const now of successorsOf("GB21010-2007", code)) expect(landUseCodes("GB21010-2017")).toContain(now);
    expect(successorsOf("GB21010-2007", "083")).toEqual(["0803", "0804"]);
    expect(successorsOf("GB21010-2017", "0801")).toEqual([]);
  });
});
