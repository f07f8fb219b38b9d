/*
id = "DSP-03"
severity = "error"
blocks = true
zh = "权属不清即处置"
en = "Disposed of with the title unclear"
finding_zh = "未登记、备案、争议或查封的资产进入处置"
finding_en = "an asset that is unregistered, filed, disputed or sealed would be disposed of"
remedy_zh = "先解决权属"
remedy_en = "settle the title first"
source = "《城市房地产管理法》第三十八条；《党政机关办公用房管理办法》第五条"
subject = "spatial_unit"
*/
