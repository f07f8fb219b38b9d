/*
id = "DSP-11"
severity = "error"
blocks = true
zh = "划拨地转让未批未补价款"
en = "Allocated land sold without its formalities"
finding_zh = "划拨土地转让没有政府批准和出让手续"
finding_en = "allocated land would be sold without the approval and the grant"
remedy_zh = "报政府批准，办理出让手续"
remedy_en = "have it approved, and settle the grant"
source = "《城市房地产管理法》第四十条；《城镇国有土地使用权出让和转让暂行条例》第四十四条"
subject = "spatial_unit"
*/
