/*
id = "ALC-08"
severity = "error"
blocks = true
zh = "资金来源违规"
en = "Paid by something else than the budget"
finding_zh = "建设资金不由预算安排"
finding_en = "the money does not come from the budget"
remedy_zh = "由预算安排资金"
remedy_en = "pay by the budget"
source = "《机关团体建设楼堂馆所管理条例》第十三条"
subject = "unit"
*/
