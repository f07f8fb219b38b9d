// 计量读数的界面文字。键与 meters.en.ts 完全一致,由测试保证。
export default {
  meters: {
    heading: "用电用水",
    none: "没有计量读数。录入账单后，可据此推定是否闲置。",
    bring: "录入读数",
    more: "另有 {n} 条更早的读数",
    utility: { electricity: "用电", water: "用水", gas: "用气", heat: "供热" },
    unit: { electricity: "kWh", water: "m³", gas: "m³", heat: "GJ" },
    title: "录入读数：{name}",
    kind: "种类",
    source: "来源",
    source_hint: "账单、台账或系统的名称",
    lines: "读数",
    lines_hint: "每行：起始日 截止日 用量（{unit}）。可从表格复制粘贴。",
    bad_line: "第 {n} 行不是“起始日 截止日 用量”",
    missing: "必填",
    count: "共 {n} 条",
    save: "录入",
    saved: "新增 {new} 条，更正 {corrected} 条，{unchanged} 条未变",
  },
};
