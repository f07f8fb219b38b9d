/*
id = "TTL-20"
severity = "error"
blocks = true
zh = "登簿与发证日期颠倒"
en = "Dates out of order"
finding_zh = "受理 {accepted_on}、登簿 {recorded_on}、发证 {issued_on}：顺序颠倒或在将来"
finding_en = "accepted {accepted_on}, recorded {recorded_on}, issued {issued_on}: out of order or in the future"
remedy_zh = "对照登记簿与证书改正日期"
remedy_en = "compare with the book and the certificate and correct the dates"
source = "《不动产登记暂行条例》（国务院令第656号）"
subject = "spatial_unit"
reads = ["title"]
*/
select asset.id as object_id, t.object_id as other_id, asset.id as at_id,
       jsonb_build_object('accepted_on', coalesce(t.accepted_on::text, '—'), 'recorded_on', coalesce(t.recorded_on::text, '—'),
                          'issued_on', coalesce(t.issued_on::text, '—')) as evidence
  from title_version t
 cross join lateral unnest(t.parcel_ids || t.building_ids) as asset (id)
 where t.book_state = '1' and upper_inf(t.recorded) and t.valid @> $1::date
   and ($2::uuid[] is null or asset.id = any($2))
   and (greatest(t.accepted_on, t.recorded_on, t.issued_on) > $1::date
        or t.accepted_on > t.recorded_on or t.recorded_on > t.issued_on or t.accepted_on > t.issued_on)
