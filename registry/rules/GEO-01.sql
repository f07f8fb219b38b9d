/*
id = "GEO-01"
severity = "error"
blocks = true
zh = "图形无效"
en = "Shape that can't be"
finding_zh = "图形自交、未闭合、有重复点或没有面积"
finding_en = "the shape crosses itself, is not closed, repeats points or has no area"
remedy_zh = "改正图形后再提交；文件导入会自动修复小错误并保留前后图形"
remedy_en = "correct the shape and send it again; a file import mends small faults and keeps both shapes"
source = "测绘成果质量要求：图形须闭合、不自交、有面积"
subject = "spatial_unit"
*/
