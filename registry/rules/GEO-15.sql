/*
id = "GEO-15"
severity = "error"
blocks = true
zh = "涉密图形入库"
en = "Classified, and a shape all the same"
finding_zh = "涉密资产带有图形"
finding_en = "what is classified has a shape"
remedy_zh = "去掉图形，按涉密规定书面报送；密级填错的，改为公开或内部"
remedy_en = "leave the shape out and report it on paper; or say that it is public or internal, where it is"
source = "DB53/T 1358.9"
subject = "spatial_unit"
*/
