/*
id = "DSP-21"
severity = "error"
blocks = true
zh = "一资多策"
en = "Two cases on one asset"
finding_zh = "一项资产有两个未办结案件"
finding_en = "two cases about one asset would be open"
remedy_zh = "在原案件中办理"
remedy_en = "go on with the case that is open"
source = "一资一策（方案 2.3）"
subject = "spatial_unit"
*/
