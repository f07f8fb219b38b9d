// Transfers to another level: the bureau that gives and the one that receives.
export default {
  receiving: {
    heading: "接收方",
    offered: "{who}于{at}提出：{why}",
    waiting: "等待接收方答复",
    waiting_for: "待{name}一级（{level}）的资产管理员答复；移交方其他步骤照常办理。",
    accepted: "同意接收",
    declined: "不同意接收",
    changed: "方案有变动，待重新答复",
    answered: "{who}，{on}",
    yours: "请代表接收方答复",
    accept: "同意接收",
    decline: "不同意",
    document: "接收意见文号",
    note: "说明",
    why_not: "不接收的理由",
    on: "日期",
    send: "提交答复",
    again: "改为另一答复",
    only_word: "您只能在本案中答复是否接收，其他步骤由移交方办理。",
  },
};
