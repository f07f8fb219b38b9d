/*
id = "DSP-22"
severity = "warning"
blocks = true
zh = "处置信息未公开"
en = "Offered without a notice"
finding_zh = "公开处置没有公告，或公告未满期"
finding_en = "a public offer without its notice, or before the notice is over"
remedy_zh = "公告期满后再进行"
remedy_en = "wait until the notice is over"
source = "机关事务工作“十四五”规划 专栏2"
subject = "spatial_unit"
*/
