import { describe, expect, it } from "vitest";
import { isSame, rebase, touched } from "@/titles/rebase";

const read = { location: "湘江西路1号", remark: "", holders: [{ name: "某局", share: "" }] };

describe("a form that is read again while somebody types", () => {
  it("keeps what was typed and takes what was changed elsewhere", () => {
    const typed = { ...read, remark: "附记" };
    const again = { ...read, location: "湘江西路2号" };
    expect(rebase(read, typed, again)).toEqual({ form: { ...again, remark: "附记" }, clashes: [] });
  });
  it("keeps what was typed where both changed it, and says so", () => {
    const typed = { ...read, remark: "甲" };
    expect(rebase(read, typed, { ...read, remark: "乙" })).toEqual({ form: typed, clashes: ["remark"] });
  });
  it("sees no clash where both say the same", () => {
    const typed = { ...read, remark: "甲" };
    expect(rebase(read, typed, { ...read, remark: "甲" }).clashes).toEqual([]);
  });
  it("takes an emptied field for typed", () => {
    expect(rebase(read, { ...read, location: "" }, { ...read, remark: "新" }).form).toEqual({ ...read, location: "", remark: "新" });
  });
  it("compares lists of holders by what they say", () => {
    const typed = { ...read, holders: [{ name: "机关事务管理局", share: "" }] };
    expect(rebase(read, typed, { ...read, holders: [{ share: "", name: "某局" }] })).toEqual({ form: typed, clashes: [] });
    expect(touched(read, typed)).toEqual(["holders"]);
    expect(touched(read, { ...read, holders: [{ share: "", name: "某局" }] })).toEqual([]);
  });
  it("is settled by being done twice", () => {
    const typed = { ...read, remark: "甲" };
    const again = { ...read, location: "湘江西路2号" };
    const once = rebase(read, typed, again).form;
    expect(rebase(again, once, again)).toEqual({ form: once, clashes: [] });
  });
  it("knows lists from objects", () => {
    expect(isSame([], {})).toBe(false);
    expect(isSame(["a", "b"], ["b", "a"])).toBe(false);
    expect(isSame(null, {})).toBe(false);
  });
});
