/*
id = "DSP-05"
severity = "error"
blocks = true
zh = "评估过期"
en = "The appraisal has run out"
finding_zh = "成交日评估报告已过期"
finding_en = "the appraisal does not hold on the day of the deal"
remedy_zh = "重新评估"
remedy_en = "have it appraised anew"
source = "《行政事业性国有资产管理条例》第三十六条"
subject = "spatial_unit"
*/
