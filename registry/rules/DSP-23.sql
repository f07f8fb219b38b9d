/*
id = "DSP-23"
severity = "error"
blocks = true
zh = "共有未经同意"
en = "Co-owned, and not all agree"
finding_zh = "共有资产处置没有共有人同意"
finding_en = "a co-owned asset without the consent that is needed"
remedy_zh = "取得共有人同意"
remedy_en = "get their consent"
source = "《民法典》第三百零一条；《城市房地产管理法》第三十八条"
subject = "spatial_unit"
*/
