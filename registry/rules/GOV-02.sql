/*
id = "GOV-02"
severity = "error"
blocks = true
zh = "越级越区操作"
en = "A write outside of one's scope"
finding_zh = "要修改的内容属于其他区域、层级或单位"
finding_en = "what would be changed is another region's, another level's or another unit's"
remedy_zh = "由该部分的管理人办理，或请管理员授权"
remedy_en = "let whoever keeps that part do it, or ask an administrator for a grant that reaches there"
source = "《机关事务管理条例》第四条：分级授权，主管本级、指导下级"
subject = "spatial_unit"
*/
