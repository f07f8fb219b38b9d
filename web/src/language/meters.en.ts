// Words of meters. The keys are those of meters.zh.ts; a test sees to it.
export default {
  meters: {
    heading: "Consumption",
    none: "No readings of meters. From bills that are entered it is told whether it likely stands idle.",
    bring: "Enter readings",
    more: "and {n} earlier ones",
    utility: { electricity: "Electricity", water: "Water", gas: "Gas", heat: "Heat" },
    unit: { electricity: "kWh", water: "m³", gas: "m³", heat: "GJ" },
    title: "Readings of {name}",
    kind: "What",
    source: "Source",
    source_hint: "the bill, the list or the system",
    lines: "Readings",
    lines_hint: "A line each: first day, last day, amount ({unit}). They can be pasted from a table.",
    bad_line: "Line {n} is not first day, last day, amount",
    missing: "It is missing",
    count: "{n} in all",
    save: "Enter",
    saved: "{new} new, {corrected} corrected, {unchanged} as before",
  },
};
