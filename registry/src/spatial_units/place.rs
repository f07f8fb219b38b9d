//! Whose part of the registry an asset is, and who may write about it.

use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::Date;
use uuid::Uuid;

use crate::ids::UnitId;
use crate::period::ValidPeriod;
use crate::request::{Context, Permission, Place, Problem, out_of_scope};

/// May the caller write something about these assets, under one of the permissions? Each must be within reach all
/// through the days it is about; where no days are given, in its last ones. Assets that the caller may not even read are
/// looked for before, and not found.
///
/// # Errors
/// `out_of_scope`, or the database's.
pub async fn require_edit(
    connection: &mut PgConnection,
    context: &Context,
    permissions: &[Permission],
    assets: &[Uuid],
    days: Option<ValidPeriod>,
) -> Result<(), Problem> {
    let scope = &context.caller.scope;
    if permissions.iter().any(|permission| scope.holds_everywhere(*permission)) {
        return Ok(());
    }
    let rows = sqlx::query!(
        r#"select v.object_id, v.region_code, v.admin_level, v.unit_id
             from spatial_unit_version v
            where v.object_id = any($1) and upper_inf(v.recorded)
              and case
                      when $2::daterange is not null then v.valid && $2
                      else lower(v.valid) = (select max(lower(l.valid)) from spatial_unit_version l
                                              where l.object_id = v.object_id and upper_inf(l.recorded))
                  end"#,
        assets,
        days.map(PgRange::<Date>::from) as Option<PgRange<Date>>,
    )
    .fetch_all(connection)
    .await?;
    let places: Vec<(Uuid, Place)> = rows
        .into_iter()
        .map(|row| {
            let place = Place {
                region_code: row.region_code,
                admin_level: row.admin_level,
                unit_id: row.unit_id.map(UnitId),
            };
            (row.object_id, place)
        })
        .collect();
    let is_within = |place: &Place| permissions.iter().any(|permission| scope.holds_at(*permission, place));
    let is_every_asset_within = assets.iter().all(|asset| {
        let mut known = places.iter().filter(|(id, _)| id == asset).peekable();
        known.peek().is_some() && known.all(|(_, place)| is_within(place))
    });
    if is_every_asset_within && !assets.is_empty() {
        Ok(())
    } else {
        Err(out_of_scope())
    }
}
