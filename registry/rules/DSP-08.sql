/*
id = "DSP-08"
severity = "error"
blocks = true
zh = "未进场交易"
en = "Not through the exchange"
finding_zh = "拍卖、招租没有进入公共资源交易平台"
finding_en = "a sale or letting outside of the public exchange"
remedy_zh = "进场交易，或取得不进场批准"
remedy_en = "go through the exchange, or have the exemption approved"
source = "《行政事业性国有资产管理条例》第三十六条"
subject = "spatial_unit"
*/
