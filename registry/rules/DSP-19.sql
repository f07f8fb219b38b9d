/*
id = "DSP-19"
severity = "error"
blocks = true
zh = "拆除无鉴定"
en = "Demolished without a report"
finding_zh = "拆除没有房屋安全鉴定报告"
finding_en = "a demolition without the report on the safety"
remedy_zh = "委托鉴定"
remedy_en = "have it examined"
source = "《党政机关办公用房管理办法》第二十七条"
subject = "building"
*/
