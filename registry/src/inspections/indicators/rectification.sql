-- 整改完成率: of what this inspection found, what is put right and was looked at again.
select count(*) filter (where f.state = 'confirmed')::numeric as numerator,
       count(*)::numeric as denominator,
       0::bigint as "left_out!"
  from inspection_finding_version f
 where f.inspection_id = $2::uuid and f.state <> 'void' and f.recorded @> $1::timestamptz
