/*
id = "GEO-10"
severity = "error"
blocks = true
zh = "坐标系未声明或非CGCS2000无参数"
en = "Coordinate system unknown or without parameters"
finding_zh = "坐标系未声明，或旧坐标系没有转换参数"
finding_en = "the coordinate system is not declared, or is an old one without parameters"
remedy_zh = "声明坐标系；旧坐标系由测绘单位提供转换参数及来源"
remedy_en = "declare the system; for an old one give the parameters and whose they are"
source = "国土资发〔2017〕30号"
subject = "spatial_unit"
*/
