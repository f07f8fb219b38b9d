/*
id = "GOV-01"
severity = "error"
blocks = true
zh = "自己审批自己"
en = "Approving one's own"
finding_zh = "提交人与审核人是同一人"
finding_en = "whoever put it forward would review it"
remedy_zh = "由另一人审核"
remedy_en = "let a second person look at it"
source = "内部控制：四眼原则"
subject = "spatial_unit"
*/
