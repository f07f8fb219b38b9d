/*
id = "DSP-06"
severity = "error"
blocks = true
zh = "未集体决策或越权审批"
en = "No collective decision, or the wrong approver"
finding_zh = "没有集体决策，或审批层级不符"
finding_en = "no collective decision is on record, or an office approves out of its turn"
remedy_zh = "按权限逐级报批"
remedy_en = "have it approved by the chain"
source = "《行政事业性国有资产管理条例》第十九条"
subject = "spatial_unit"
*/
