/*
id = "SPC-10"
severity = "error"
zh = "编制与职级不一致"
en = "Rank of another level"
finding_zh = "{name} 的编制中有本层级没有的职级：{ranks}"
finding_en = "the staffing of {name} has ranks that its level does not: {ranks}"
remedy_zh = "按本层级的职级更正编制数"
remedy_en = "correct the staffing by the ranks of its level"
source = "《党政机关办公用房建设标准》发改投资〔2014〕2674号，各级工作人员办公室使用面积"
subject = "unit"
*/
-- The interface refuses such a rank; what came in a list, or before, is found here.
select u.object_id, null::uuid as other_id, null::uuid as at_id,
       jsonb_build_object('name', u.name, 'ranks', wrong.ranks) as evidence
  from unit_version u
 cross join lateral (
       select string_agg(rank, '、' order by rank) as ranks
         from jsonb_object_keys(u.headcount) as rank
        where not $3::jsonb -> 'space_standard' -> 'office' -> space_level(u.level) ? plain_rank(rank)
          and not $3::jsonb -> 'space_standard' -> 'unranked' ? plain_rank(rank)) wrong
 where wrong.ranks is not null
   and upper_inf(u.recorded) and u.valid @> $1::date and ($2::uuid[] is null or u.object_id = any($2))
