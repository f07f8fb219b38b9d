/*
id = "DSP-07"
severity = "error"
blocks = true
zh = "成交价低于底线"
en = "The price is below the floor"
finding_zh = "成交价低于评估价的规定比例"
finding_en = "the price is below the share of the appraisal that is set"
remedy_zh = "暂停并重新报批"
remedy_en = "pause, and have the price approved"
source = "地方资产处置规定；《行政事业性国有资产管理条例》第三十六条"
subject = "spatial_unit"
*/
