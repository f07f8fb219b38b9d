import { expect, test } from "vitest";
import { certificateSheet, dayOnPaper } from "@/use-certificate";
import type { UseCertificate } from "@/api/agreements";

const said: UseCertificate = {
  id: "1",
  certificate_no: "常用证1号",
  certified_on: "2026-02-10",
  registration: "first",
  unit: { id: "2", code: "U1", name: "市财政局" },
  purpose: "行政办公",
  approved_area_m2: 45.5,
  starts_on: "2026-01-01",
  ends_on: "2029-01-01",
  agreement_no: "协1号",
  signed_on: "2026-02-01",
  transfer_slip_no: null,
  addresses: ["演示路1号"],
  rooms: [
    { id: "3", building: "一号楼", floor: 1, number: "101", name: null, room_type: "office", use_area_m2: 1020, building_area_m2: 1530 },
    { id: "4", building: "一号楼", floor: -1, number: "B01", name: "档案室", room_type: "service", use_area_m2: null, building_area_m2: 30 },
  ],
  use_area_m2: 1020,
  building_area_m2: 1560,
  rooms_lacking_area: 1,
  made_up: true,
  as_of: "2026-11-21",
};

test("the certificate says what the regulation asks for", () => {
  const sheet = certificateSheet(said);
  const facts = Object.fromEntries(sheet.facts);
  expect(sheet.number).toBe("证号：常用证1号");
  expect(facts["使用单位"]).toBe("市财政局");
  expect(facts["核定使用面积"]).toBe("45.50 ㎡");
  // The term is kept by the first day on which it is over; paper names the last one on which it holds.
  expect(facts["使用期限"]).toBe("2026年1月1日至2028年12月31日");
  expect(facts["登记类型"]).toBe("首次登记");
  expect(facts).not.toHaveProperty("调拨单号");
  expect(sheet.tables[0]?.rows).toHaveLength(2);
  expect(sheet.tables[0]?.rows[1]?.slice(0, 2)).toEqual(["一号楼", "地下1层"]);
  expect(sheet.tables[0]?.foot?.at(-1)).toBe("1,560.00");
  expect(sheet.notes.at(-1)).toContain("1 间缺面积");
});

test("what stands on made-up data says so across the sheet", () => {
  expect(certificateSheet(said).watermark).toContain("演示数据");
  expect(certificateSheet({ ...said, made_up: false }).watermark).toBeUndefined();
  expect(certificateSheet({ ...said, ends_on: null }).facts.find(([label]) => label === "使用期限")?.[1]).toContain("未约定期限");
  expect(dayOnPaper("2026-11-02")).toBe("2026年11月2日");
});
