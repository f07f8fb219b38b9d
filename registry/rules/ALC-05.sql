/*
id = "ALC-05"
severity = "error"
blocks = true
zh = "租用面积超核定"
en = "Rented above what is due"
finding_zh = "租用面积或租金超过核准"
finding_en = "the area or the rent is above what was approved"
remedy_zh = "按核准面积和市场租金签订合同"
remedy_en = "sign for what was approved"
source = "《党政机关办公用房建设标准》（发改投资〔2014〕2674号）第三条"
subject = "unit"
*/
