//! The idle office space of a city that would do for what a unit asks: what must be thought of before anything is rented,
//! built or swapped (行政事业性国有资产管理条例 art. 11).

use std::collections::HashMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::load::load;
use super::question::Asked;
use crate::request::{Problem, Times};

/// A room that would be part of it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SuitableRoom {
    /// Its id.
    pub id: Uuid,
    /// The floor; below ground negative.
    pub floor: i16,
    /// 房间号
    pub number: String,
    /// 使用面积, m²
    #[schema(value_type = String)]
    pub use_area_m2: Decimal,
}

/// A building with enough idle space.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SuitableSpace {
    /// The building.
    pub id: Uuid,
    /// Its code.
    pub code: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// 坐落
    pub address: Option<String>,
    /// All of its idle 使用面积, m².
    #[schema(value_type = String)]
    pub idle_m2: Decimal,
    /// Rooms that together would do, side by side where that is enough.
    pub rooms: Vec<SuitableRoom>,
    /// Their 使用面积, m².
    #[schema(value_type = String)]
    pub use_area_m2: Decimal,
}

/// The buildings for offices in a city (region codes that begin so) with that much idle space.
///
/// # Errors
/// The database's.
pub async fn suitable_space(
    connection: &mut PgConnection,
    city: &str,
    area_m2: Decimal,
    times: Times,
) -> Result<Vec<SuitableSpace>, Problem> {
    let ids = sqlx::query_scalar!(
        "select v.object_id from spatial_unit_version v
          where v.kind = 'building' and starts_with(v.region_code, $1) and coalesce(v.usage, 'administrative_office') = 'administrative_office'
            and v.valid @> $2::date and upper_inf(v.recorded)
            and exists (select from room_version r
                         where r.building_id = v.object_id and r.occupancy = 'idle' and r.valid @> $2::date
                           and upper_inf(r.recorded))",
        city,
        times.as_of,
    )
    .fetch_all(&mut *connection)
    .await?;
    let asked = Asked::of_area(area_m2.to_f64().unwrap_or_default());
    let spaces = load(connection, Some(&ids), times).await?;
    let found = asked.question(times.as_of)?.answer_all(&spaces);
    let ids: Vec<Uuid> = found.iter().map(|space| space.id).collect();
    let rows = sqlx::query!(
        r#"select object_id, building_id, floor, number, use_area_m2 as "use_area_m2!" from room_version
            where building_id = any($1) and occupancy = 'idle' and use_area_m2 is not null and valid @> $2::date
              and upper_inf(recorded)
            order by building_id, floor, number"#,
        &ids,
        times.as_of,
    )
    .fetch_all(connection)
    .await?;
    let mut idle: HashMap<Uuid, Vec<SuitableRoom>> = HashMap::new();
    for row in rows {
        idle.entry(row.building_id).or_default().push(SuitableRoom {
            id: row.object_id,
            floor: row.floor,
            number: row.number,
            use_area_m2: row.use_area_m2.normalize(),
        });
    }
    Ok(found
        .into_iter()
        .filter_map(|space| {
            let all = idle.remove(&space.id)?;
            let idle_m2: Decimal = all.iter().map(|room| room.use_area_m2).sum();
            // In one piece where there is such a piece.
            let run = space.largest_run.as_ref().map(|run| {
                let is_of_it = |room: &&SuitableRoom| room.floor == run.floor && run.rooms.contains(&room.number);
                all.iter().filter(is_of_it).cloned().collect::<Vec<_>>()
            });
            let rooms = run
                .filter(|run| run.iter().map(|room| room.use_area_m2).sum::<Decimal>() >= area_m2)
                .unwrap_or(all);
            let mut taken = Vec::new();
            let mut use_area_m2 = Decimal::ZERO;
            for room in rooms {
                if use_area_m2 >= area_m2 {
                    break;
                }
                use_area_m2 += room.use_area_m2;
                taken.push(room);
            }
            Some(SuitableSpace {
                id: space.id,
                code: space.code,
                name: space.name,
                address: space.address,
                idle_m2,
                rooms: taken,
                use_area_m2,
            })
        })
        .collect())
}
