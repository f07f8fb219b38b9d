/*
id = "DSP-17"
severity = "error"
zh = "减免无依据"
en = "Relief without ground"
finding_zh = "{lessee}的租金减免 {amount} 元无依据：{why_zh}"
finding_en = "the relief of {amount} yuan for {lessee} rests on nothing: {why_en}"
remedy_zh = "补齐政策、资格或最终承租人受益的证明；没有的，恢复应收"
remedy_en = "register the policy, the eligibility or the proof that the benefit was passed on; where there is none, the rent is owed"
source = "2020年阶段性减免房租政策；减免须有依据、惠及最终承租人"
subject = "spatial_unit"
reads = ["lease", "rent_relief"]
*/
select l.asset_id as object_id, l.object_id as other_id, l.asset_id as at_id,
       jsonb_build_object('lessee', l.lessee_name, 'amount', sum(v.amount)::text, 'why_zh', string_agg(distinct why.zh, '、'),
           'why_en', string_agg(distinct why.en, ', ')) as evidence
  from rent_relief_version v
  join lease_version l on l.object_id = v.lease_id and upper_inf(l.recorded)
  left join relief_policy_version p on p.object_id = v.policy_id and upper_inf(p.recorded) and upper_inf(p.valid)
 cross join lateral (
       values (v.policy_id is null, '没有政策文件', 'no policy'),
              (l.is_sublet and v.end_user_proof is null, '转租而没有惠及最终承租人的证明', 'it is let on without proof that the benefit was passed on'),
              (l.lessor_kind = 'private', '出租方不是国有', 'the premises are not the state''s'),
              (v.policy_id is not null and exists (
                   select from (
                       select l.lessee_kind as kind, l.lessee_size as size, l.lessee_sector as sector where not l.is_sublet
                       union all
                       select e ->> 'kind', e ->> 'size', e ->> 'sector'
                         from json_array_elements(l.details -> 'end_users') e where l.is_sublet) who
                    where not case who.kind
                                  when 'enterprise' then coalesce(who.size = any(p.sizes), false)
                                  when 'self_employed' then p.self_employed
                                  else false
                              end
                       or not (cardinality(p.sectors) = 0 or coalesce(who.sector = any(p.sectors), false))),
               '不符合政策资格', 'not eligible by the policy')) why (holds, zh, en)
 where v.state = 'approved' and upper_inf(v.recorded) and upper_inf(v.valid) and lower(v.valid) <= $1::date
   and why.holds and ($2::uuid[] is null or l.asset_id = any($2))
 group by l.asset_id, l.object_id, l.lessee_name
