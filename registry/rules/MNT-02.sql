/*
id = "MNT-02"
severity = "error"
blocks = true
zh = "缺阶段"
en = "A stage is missing"
finding_zh = "没有勘查、论证、造价审核或公示即列入计划"
finding_en = "planned without survey, assessment, cost review or notice"
remedy_zh = "补齐阶段"
remedy_en = "go through the stage"
source = "《党政机关办公用房管理办法》第二十五条"
subject = "building"
*/
