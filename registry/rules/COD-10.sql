/*
id = "COD-10"
severity = "warning"
zh = "证号格式"
en = "Form of the certificate number"
finding_zh = "证号 {cert_no} 不符合“省简称(年度)市县不动产权第0000000号”的格式"
finding_en = "the certificate number {cert_no} does not have the form of 苏(2019)常州市不动产权第0012345号"
remedy_zh = "对照证书改正证号；格式无误而证书如此的，向登记机构核验真伪"
remedy_en = "compare with the certificate; where it reads so, ask the registry whether it is genuine"
source = "《不动产登记暂行条例》（国务院令第656号）第三十一条"
subject = "spatial_unit"
reads = ["title", "right"]
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
)
select p.id as object_id, null::uuid as other_id, p.id as at_id,
       jsonb_build_object('cert_no', string_agg(p.cert_no, '、' order by p.cert_no)) as evidence
  from paper p
 -- Old land and house certificates keep their own forms.
 where p.cert_no like '%不动产权%'
   and translate(regexp_replace(p.cert_no, '\s', '', 'g'), '（）〔〕［］【】[]０１２３４５６７８９', '()()()()()0123456789')
       !~ '^[京津沪渝冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新]\((201[5-9]|20[2-9]\d)\)[^[:punct:]]{2,20}不动产权第\d{7}号$'
 group by p.id
