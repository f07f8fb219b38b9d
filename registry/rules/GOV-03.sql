/*
id = "GOV-03"
severity = "error"
zh = "历史被改写"
en = "History rewritten"
finding_zh = "台账第 {entry} 条与封存时不符：{wrong}"
finding_en = "entry {entry} of the ledger is not as it was sealed: {wrong}"
remedy_zh = "保持数据库现状，用 yice ledger verify 核验，与备份比对，查明谁在程序之外写入"
remedy_en = "keep the database as it is, run yice ledger verify, compare with a backup, and find out who wrote to it past the program"
source = "内部控制：审计"
subject = "ledger_entry"
proof = true
*/
