/*
id = "ALC-07"
severity = "error"
blocks = true
zh = "无批准文号的建设项目"
en = "Built without an approval"
finding_zh = "开工早于项目批复"
finding_en = "the works began before the project was approved"
remedy_zh = "停工，报批"
remedy_en = "stop the works and have them approved"
source = "《机关团体建设楼堂馆所管理条例》第三条、第十条"
subject = "unit"
*/
