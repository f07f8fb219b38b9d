/*
id = "MNT-05"
severity = "error"
blocks = true
zh = "超面积扩建"
en = "Enlarged beyond the standard"
finding_zh = "大中修扩建超过建筑面积的15%，或超标准"
finding_en = "the repair enlarges the floor area by more than 15 %, or is above the standard"
remedy_zh = "按标准修改方案，或按建设报批"
remedy_en = "change the design, or apply for a building"
source = "《机关团体建设楼堂馆所管理条例》第二十八条"
subject = "building"
*/
