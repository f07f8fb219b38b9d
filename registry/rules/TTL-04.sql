/*
id = "TTL-04"
severity = "warning"
zh = "备案到期未复核"
en = "Filing not reviewed in time"
finding_zh = "权属备案应在 {review_on} 前复核"
finding_en = "the filing was to be looked at again by {review_on}"
remedy_zh = "复核障碍是否消除：能登记的转登记，不能的续备案"
remedy_en = "see whether the obstacle is gone: register it, or file it again"
source = "产品规则：备案默认十二个月复核一次"
subject = "spatial_unit"
reads = ["title_case"]
*/
select c.asset_id as object_id, c.object_id as other_id, c.asset_id as at_id,
       jsonb_build_object('review_on', c.review_on) as evidence
  from title_case_version c
 where c.state = 'filed' and c.review_on < $1::date
   and upper_inf(c.recorded) and c.valid @> $1::date and ($2::uuid[] is null or c.asset_id = any($2))
