/*
id = "MNT-01"
severity = "warning"
blocks = true
zh = "申报逾期"
en = "Applied for too late"
finding_zh = "大中修申报晚于上一年8月1日"
finding_en = "applied for after 1 August of the year before"
remedy_zh = "申报下一年度"
remedy_en = "apply for the year after"
source = "《党政机关办公用房管理办法》第二十五条"
subject = "building"
*/
