/*
id = "DSP-13"
severity = "error"
blocks = true
zh = "改变用途未经规划同意"
en = "Another use without planning"
finding_zh = "转换用途没有规划意见"
finding_en = "another use without the opinion of planning"
remedy_zh = "取得规划意见"
remedy_en = "get the opinion"
source = "《土地管理法》第五十六条"
subject = "spatial_unit"
*/
