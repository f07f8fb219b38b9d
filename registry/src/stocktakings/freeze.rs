//! Freezing the list: one line for each parcel, building and room of the part, as the ledger was on the day.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::content::StocktakingContent;
use crate::ids::StocktakingId;
use crate::request::{Fault, Problem, ProblemKind};

/// Writes the list, and holds its assets against other stocktakings.
pub(super) async fn freeze_list(
    connection: &mut PgConnection,
    id: StocktakingId,
    content: &mut StocktakingContent,
    now: OffsetDateTime,
) -> Result<(), Problem> {
    let lines = write_lines(connection, id, content).await?;
    if lines == 0 {
        return Err(Problem::new(
            ProblemKind::Conflict,
            "基准日在该范围内没有台账资产 / the ledger held nothing of this part on that day",
        )
        .code("list_empty")
        .remedy("plan it for another region, level, unit or day"));
    }
    // The database refuses an asset that another open stocktaking counts.
    sqlx::query!(
        "insert into stocktaking_hold (asset_id, stocktaking_id)
         select asset_id, stocktaking_id from stocktaking_line where stocktaking_id = $1",
        id.0,
    )
    .execute(&mut *connection)
    .await?;
    let sha256 = sqlx::query_scalar!(r#"select stocktaking_lines_sha256($1) as "sha256!""#, id.0)
        .fetch_one(&mut *connection)
        .await?;
    content.lines = Some(i32::try_from(lines).unwrap_or(i32::MAX));
    content.lines_sha256 = Some(sha256);
    content.details.frozen_at = Some(now);
    Ok(())
}

/// Its assets are free for others.
pub(super) async fn release_assets(connection: &mut PgConnection, id: StocktakingId) -> Result<(), Fault> {
    sqlx::query!("delete from stocktaking_hold where stocktaking_id = $1", id.0)
        .execute(connection)
        .await?;
    Ok(())
}

async fn write_lines(
    connection: &mut PgConnection,
    id: StocktakingId,
    content: &StocktakingContent,
) -> Result<u64, Fault> {
    let written = sqlx::query!(
        r#"with held as materialized (
           select v.object_id, v.version_id, v.kind, v.region_code, v.admin_level, v.unit_id, v.code, v.name, v.address,
                  v.registered_area_m2, v.usage, st_pointonsurface(v.geometry) as point
             from spatial_unit_version v
            where v.kind in ('parcel', 'building') and upper_inf(v.recorded) and v.valid @> $2::date
              and starts_with(v.region_code, $3) and ($4::text is null or v.admin_level = $4)
              and v.occupancy is distinct from 'demolished'),
           titled as materialized (
           select distinct on (asset.id) asset.id, t.object_id as title_id, t.cert_no,
                  case
                      when asset.id = any (t.parcel_ids) then case when cardinality(t.parcel_ids) = 1 then t.land_area_m2 end
                      else case when cardinality(t.building_ids) = 1 then t.house_area_m2 end
                  end as area_m2
             from title_version t
            cross join lateral unnest(t.parcel_ids || t.building_ids) as asset (id)
            where t.book_state = '1' and upper_inf(t.recorded) and t.valid @> $2::date
            order by asset.id, lower(t.valid) desc, t.version_id),
           rows as (
           select h.kind, h.object_id as asset_id, h.version_id, null::uuid as building_id, h.region_code, h.admin_level,
                  coalesce($5, h.unit_id) as unit_id, h.unit_id as book_unit_id, h.code, h.name, h.address,
                  null::smallint as floor, h.registered_area_m2 as area_m2, h.usage, t.title_id,
                  t.cert_no as title_number, t.area_m2 as title_area_m2, h.point,
                  coalesce(h.name, h.address, h.code, '') as place, h.object_id as place_id
             from held h
             left join titled t on t.id = h.object_id
            where $5::uuid is null or h.unit_id = $5
            union all
           select 'room', r.object_id, r.version_id, h.object_id, h.region_code, h.admin_level,
                  coalesce($5, r.unit_id, h.unit_id), r.unit_id, r.number, r.name, coalesce(h.name, h.address, h.code),
                  r.floor, coalesce(r.use_area_m2, r.building_area_m2), r.room_type, null, null, null, h.point,
                  coalesce(h.name, h.address, h.code, ''), h.object_id
             from room_version r
             join held h on h.object_id = r.building_id and h.kind = 'building'
            where $6 and upper_inf(r.recorded) and r.valid @> $2::date
              and ($5::uuid is null or h.unit_id = $5 or r.unit_id = $5))
           insert into stocktaking_line (id, stocktaking_id, no, is_extra, kind, asset_id, book_version_id, building_id,
                  region_code, admin_level, unit_id, book_unit_id, code, name, address, floor, area_m2, usage, title_id,
                  title_number, title_area_m2, lon, lat)
           select md5($1::uuid::text || asset_id::text)::uuid, $1::uuid, row_number() over (
                      order by kind = 'parcel' desc, place, place_id, kind = 'room', floor, code, asset_id),
                  false, kind, asset_id, version_id, building_id, region_code, admin_level, unit_id, book_unit_id, code,
                  name, address, floor, area_m2, usage, title_id, title_number, title_area_m2, st_x(point), st_y(point)
             from rows"#,
        id.0,
        content.as_of,
        content.region_prefix(),
        content.admin_level,
        content.unit_id.map(|unit| unit.0),
        content.with_rooms,
    )
    .execute(connection)
    .await?;
    Ok(written.rows_affected())
}
