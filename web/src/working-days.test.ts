import { expect, it } from "vitest";
import { missingYears, netDaysOff, statutoryDaysOff } from "@/working-days";

it("the notice of 2026 has thirteen days off", () => {
  const off = [["2026-01-01", "2026-01-03"], ["2026-02-15", "2026-02-23"], ["2026-04-04", "2026-04-06"], ["2026-05-01", "2026-05-05"], ["2026-06-19", "2026-06-21"], ["2026-09-25", "2026-09-27"], ["2026-10-01", "2026-10-07"]];
  const worked = ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"];
  const periods = off.map(([from = "", to = ""]) => ({ from, to }));
  expect(netDaysOff(periods, worked)).toEqual(13);
  expect(netDaysOff([...periods, { from: "2026-01-02", to: "2026-01-02" }], worked)).toEqual(13);
  expect(netDaysOff(periods, [])).toEqual(19);
  expect(netDaysOff([{ from: "2026-01-01", to: "" }], [])).toEqual(null);
  expect([2024, 2025, 2027].map(statutoryDaysOff)).toEqual([11, 13, 13]);
});

it("the next year is missed from November on", () => {
  expect(missingYears([2025, 2026], "2026-10-31")).toEqual([]);
  expect(missingYears([2025, 2026], "2026-11-01")).toEqual([2027]);
  expect(missingYears([2025], "2026-12-01")).toEqual([2026, 2027]);
});
