/*
id = "DSP-20"
severity = "warning"
blocks = true
zh = "无偿划转资料不全"
en = "Transferred without its list"
finding_zh = "划转没有移交清单"
finding_en = "a transfer without the hand-over list"
remedy_zh = "登记资料、钥匙、租约的移交清单"
remedy_en = "record what was handed over: papers, keys, leases"
source = "《行政事业性国有资产管理条例》第二十二条"
subject = "spatial_unit"
*/
