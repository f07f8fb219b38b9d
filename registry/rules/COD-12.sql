/*
id = "COD-12"
severity = "warning"
zh = "证载区县与坐落不符"
en = "Place in the certificate number"
finding_zh = "证号 {cert_no} 所载的{place}不是所在的行政区（{regions}）"
finding_en = "the certificate number {cert_no} names {place}, but it lies in {regions}"
remedy_zh = "核对证书与坐落；区划调整前核发的，登记该区划的前身"
remedy_en = "compare certificate and address; where the region was another then, register it as the predecessor"
source = "不动产权证书证号编制规则"
subject = "spatial_unit"
reads = ["title", "right", "region"]
*/
-- Certificates as the book, a list of rights or the file they came from gives them.
with paper as (
    select asset.id, t.cert_no as cert_no
      from title_version t
     cross join lateral unnest(t.parcel_ids || t.building_ids) as asset (id)
     where t.book_state = '1' and t.cert_no is not null and upper_inf(t.recorded) and t.valid @> $1::date
       and ($2::uuid[] is null or asset.id = any($2))
    union
    select r.asset_id, r.certificate
      from listed_right_version r
     where r.certificate is not null and upper_inf(r.recorded) and r.valid @> $1::date
       and ($2::uuid[] is null or r.asset_id = any($2))
    union
    select v.object_id, v.source_attributes ->> '不动产权证号'
      from spatial_unit_version v
     where v.source_attributes ->> '不动产权证号' is not null and upper_inf(v.recorded) and v.valid @> $1::date
       and ($2::uuid[] is null or v.object_id = any($2))
),
held as materialized (
    select p.id, p.cert_no, v.region_code, substring(p.cert_no from '[)）〕］】](.+?)不动产权第') as place
      from paper p
      join spatial_unit_version v on v.object_id = p.id and upper_inf(v.recorded) and v.valid @> $1::date
),
-- The region, those above it, and those they came from; once for each region.
home as materialized (
    select h.region_code, array_agg(distinct r.name) as names
      from (select distinct region_code from held where place is not null and region_code is not null) h
      join region_version r
        on upper_inf(r.recorded) and length(r.code) >= 4
       and ((r.valid @> $1::date and r.code in (h.region_code, left(h.region_code, 9), left(h.region_code, 6), left(h.region_code, 4),
                                                  left(h.region_code, 4) || '00'))
            or exists (select from region_version latter
                        where latter.object_id = any(r.successor_ids) and upper_inf(latter.recorded)
                          and latter.code in (left(h.region_code, 6), left(h.region_code, 4), left(h.region_code, 4) || '00')))
     group by h.region_code
)
select p.id as object_id, null::uuid as other_id, p.id as at_id,
       jsonb_build_object('cert_no', p.cert_no, 'place', p.place, 'regions', array_to_string(home.names, '、')) as evidence
  from held p
  join home on home.region_code = p.region_code
 where p.place is not null
   and not exists (select from unnest(home.names) name where p.place like '%' || name)
