/*
id = "COD-10E"
severity = "error"
zh = "证号重复"
en = "Certificate number twice"
finding_zh = "证号 {cert_no} 也在另一处"
finding_en = "another place has the certificate number {cert_no}, too"
remedy_zh = "向登记机构核实证号归属；有伪造嫌疑的，依法处理"
remedy_en = "ask the registry office whose it is; where it may be forged, follow the law"
source = "《不动产登记暂行条例》（国务院令第656号）第三十一条"
subject = "spatial_unit"
reads = ["title", "right"]
*/
-- One certificate may cover a parcel and its buildings: those are one place. Each place is known by its land.
-- Certificates as the book, a list of rights or the file they came from gives them.
with paper as (
    select asset.id, t.cert_no as cert_no
      from title_version t
     cross join lateral unnest(t.parcel_ids || t.building_ids) as asset (id)
     where t.book_state = '1' and t.cert_no is not null and upper_inf(t.recorded) and t.valid @> $1::date
       
    union
    select r.asset_id, r.certificate
      from listed_right_version r
     where r.certificate is not null and upper_inf(r.recorded) and r.valid @> $1::date
       
    union
    select v.object_id, v.source_attributes ->> '不动产权证号'
      from spatial_unit_version v
     where v.source_attributes ->> '不动产权证号' is not null and upper_inf(v.recorded) and v.valid @> $1::date
       
),
place as (
    select distinct p.id, regexp_replace(p.cert_no, '\s', '', 'g') as cert_no,
           coalesce((select min(r.upper_id::text)::uuid from spatial_unit_relation r
                      where r.lower_id = p.id and r.kind = 'parcel_building' and upper_inf(r.recorded) and r.valid @> $1::date), p.id) as land
      from paper p
     where p.cert_no <> ''
),
-- What one title or one row of a list says is one certificate, wherever its land lies.
one_title as (
    select t.cert_no, t.parcel_ids || t.building_ids as assets from title_version t
     where t.book_state = '1' and t.cert_no is not null and upper_inf(t.recorded) and t.valid @> $1::date
)
select distinct on (least(a.land, b.land), greatest(a.land, b.land))
       least(a.id, b.id) as object_id, greatest(a.id, b.id) as other_id, least(a.id, b.id) as at_id,
       jsonb_build_object('cert_no', a.cert_no) as evidence
  from place a
  join place b on b.cert_no = a.cert_no and b.land <> a.land and ($2::uuid[] is not null or b.land > a.land)
 where ($2::uuid[] is null or a.id = any($2))
   and not exists (select from one_title t where t.cert_no = a.cert_no and a.id = any(t.assets) and b.id = any(t.assets))
 order by least(a.land, b.land), greatest(a.land, b.land), a.id, b.id
