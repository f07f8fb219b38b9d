/*
id = "DSP-03"
severity = "error"
blocks = true
zh = "权属不清即处置"
en = "Disposed of with the title unclear"
finding_zh = "处置案件办理中，资产{why_zh}"
finding_en = "it is being disposed of, and is {why}"
remedy_zh = "中止处置，先解决权属"
remedy_en = "halt the disposal, and settle the title first"
source = "《城市房地产管理法》第三十八条；《党政机关办公用房管理办法》第五条"
subject = "spatial_unit"
reads = ["policy_case", "title", "encumbrance", "title_case"]
*/
-- The steps refuse it; what came up afterwards is found.
with disposed as (
     select c.asset_id, c.object_id as case_id
       from policy_case_version c
      where c.is_open and upper_inf(c.recorded) and ($2::uuid[] is null or c.asset_id = any($2))
        and ((c.procedure = 'idle_disposal' and c.route in ('auction', 'lease', 'swap', 'develop', 'transfer_down', 'land_return', 'demolish')
              and c.state in ('proposed', 'collective', 'approved', 'appraised', 'announced', 'bidding', 'awarded', 'contracted'))
             or (c.procedure = 'hand_down' and c.state in ('agreed', 'approved')))),
titled as (
     select d.asset_id, d.case_id, t.object_id as title_id, t.unit_code
       from disposed d
       join title_version t
         on (t.parcel_ids @> array[d.asset_id] or t.building_ids @> array[d.asset_id]) and t.book_state = '1'
        and upper_inf(t.recorded) and t.valid @> $1::date),
obstacle as (
     select d.asset_id, d.case_id, 'filed' as why
       from disposed d
       join title_case_version c on c.asset_id = d.asset_id and c.disposal_frozen and upper_inf(c.recorded)
     union all
     select d.asset_id, d.case_id, 'unregistered' from disposed d where d.asset_id not in (select asset_id from titled)
     union all
     -- W: the land's own ownership or use is disputed.
     select t.asset_id, t.case_id, 'disputed' from titled t where substr(t.unit_code, 14, 1) = 'W'
     union all
     select t.asset_id, t.case_id, e.kind
       from titled t
       join encumbrance_version e
         on e.title_id = t.title_id and e.kind in ('seizure', 'objection', 'dispute') and coalesce(e.expires_on >= $1::date, true)
        and upper_inf(e.recorded) and e.valid @> $1::date)
select distinct on (o.asset_id) o.asset_id as object_id, o.case_id as other_id, o.asset_id as at_id,
       jsonb_build_object('why', o.why, 'why_zh', case o.why
           when 'filed' then '仅权属备案' when 'unregistered' then '未办理权属登记' when 'seizure' then '被查封'
           when 'objection' then '有异议登记' else '权属有争议' end) as evidence
  from obstacle o
 order by o.asset_id, o.why
