/*
id = "DSP-04"
severity = "error"
blocks = true
zh = "未评估"
en = "Not appraised"
finding_zh = "转让、拍卖、置换、出租前没有评估"
finding_en = "a sale, swap or letting without an appraisal"
remedy_zh = "委托评估"
remedy_en = "have it appraised"
source = "《行政事业性国有资产管理条例》第三十六条"
subject = "spatial_unit"
*/
