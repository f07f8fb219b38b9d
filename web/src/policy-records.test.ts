import { describe, expect, it } from "vitest";
import { fieldsOf, formatYuan, recordKinds } from "@/policy-records";

describe("records of policy cases", () => {
  it("write yuan with their cents, whatever their size", () => {
    expect(["0", "4405100.00", "1234.5", "999"].map(formatYuan)).toEqual(["0.00", "4,405,100.00", "1,234.50", "999.00"]);
  });
  it("have fields for every kind, and none for what is no kind", () => {
    expect(recordKinds.every((kind) => fieldsOf(kind).length > 0)).toBe(true);
    expect(fieldsOf("gold")).toEqual([]);
  });
});
