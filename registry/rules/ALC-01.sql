/*
id = "ALC-01"
severity = "error"
blocks = true
zh = "未先调剂"
en = "The stock was not searched"
finding_zh = "置换、租用、建设前没有查找存量，或适合的闲置用房没有说明不适用的理由"
finding_en = "a swap, a rent or a building without a search of the stock, or without the reason why suitable space will not do"
remedy_zh = "查找存量并登记结果"
remedy_en = "search the stock and record its answer"
source = "《行政事业性国有资产管理条例》第十一条"
subject = "unit"
*/
