/*
id = "GEO-09"
severity = "error"
blocks = true
zh = "疑似坐标轴颠倒或带号错误"
en = "Axes exchanged or wrong zone"
finding_zh = "坐标轴次序或带号不对"
finding_en = "the axes are exchanged, or the zone is another"
remedy_zh = "按导入时给出的建议改正坐标轴次序或带号"
remedy_en = "take the way out that the import offers: exchange the axes, or name the zone"
source = "领域规则：坐标轴次序与带号的识别"
subject = "spatial_unit"
*/
