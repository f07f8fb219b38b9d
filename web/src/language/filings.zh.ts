// 年度备案与内部公示的文字（中文）。
export const filings = {
  heading: "年度备案与内部公示",
  none: "还没有登记。领导干部办公用房配备情况应按年度备案，办公用房使用情况应在单位内部公示。",
  of_year: "{year} 年度",
  missing_last_year: "{year} 年度没有登记：{kinds}",
  kind: { leader_offices: "领导干部办公用房备案", internal_publication: "内部公示" },
  enter: "登记备案、公示",
  enter_title: "登记年度备案、公示：{name}",
  correct: "更正",
  correct_title: "更正：{name}",
  withdraw: "撤销",
  withdraw_title: "撤销 {year} 年度{kind}（{document}）？请写明原因；历史仍然保留。",
  field: { kind: "事项", year: "年度", filed_on: "备案或公示日期", document: "文号或材料", note: "备注", reason: "更正原因" },
  document_hint: "如 机管备〔2026〕7号、公示照片",
  required: "必填",
  save: "保存",
  saved: "已登记",
  withdrawn: "已撤销",
  stale: "此记录刚被他人修改，已重新读取",
  owed: "应报未报",
  owed_title: "{year} 年度{kind}：应报未报的单位",
  owed_none: "都已登记。",
  owed_count: "共 {n} 个单位",
  owed_due: "{date} 到期",
  owed_over: "{date} 到期，已逾期",
  more: "再显示一些",
};

export const filingRefusals = {
  use_filing_version_one_a_year: "该单位这一年度的此项已登记，请更正那一条。",
};
