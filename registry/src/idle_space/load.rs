//! The spaces as the database has them at a date.

use std::collections::HashMap;

use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::space::{IdleRoom, Space, by_number};
use crate::request::{Fault, Times};

/// Reads the buildings with idle space at a date: all of them, or those among `ids`.
pub(super) async fn load(
    connection: &mut PgConnection,
    ids: Option<&[Uuid]>,
    times: Times,
) -> Result<Vec<Space>, Fault> {
    let rows = sqlx::query!(
        r#"select v.object_id, v.code, v.name, v.address, v.region_code, v.usage, v.title_status, v.occupancy,
                  v.idle_since, lower(v.valid) as "from!", v.registered_area_m2::float8 as registered_area_m2,
                  st_x(p.point) as longitude, st_y(p.point) as latitude
             from spatial_unit_version v
             left join lateral (select st_pointonsurface(v.geometry) as point) p on true
            where v.kind = 'building' and v.valid @> $1::date and v.recorded @> $2::timestamptz
              and ($3::uuid[] is null or v.object_id = any($3))
              and (v.occupancy = 'idle'
                   or v.object_id in (select r.building_id from room_version r
                                       where r.occupancy = 'idle' and r.valid @> $1::date and r.recorded @> $2::timestamptz
                                         and ($3::uuid[] is null or r.building_id = any($3))))
            order by v.object_id"#,
        times.as_of,
        times.known_at,
        ids,
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut spaces: HashMap<Uuid, Space> = HashMap::with_capacity(rows.len());
    let mut order = Vec::with_capacity(rows.len());
    for row in rows {
        order.push(row.object_id);
        let is_idle = row.occupancy.as_deref() == Some("idle");
        spaces.insert(
            row.object_id,
            Space {
                id: row.object_id,
                code: row.code,
                name: row.name,
                address: row.address,
                region_code: row.region_code,
                usage: row.usage,
                title_status: row.title_status,
                occupancy: row.occupancy,
                idle_since: is_idle.then(|| row.idle_since.unwrap_or(row.from)),
                registered_area_m2: row.registered_area_m2,
                point: row.longitude.zip(row.latitude),
                rooms: 0,
                floors: Default::default(),
                causes: Vec::new(),
            },
        );
    }
    rooms(connection, &mut spaces, &order, times).await?;
    let records = sqlx::query!(
        "select asset_id, cause from idle_record_version
          where asset_id = any($3) and valid @> $1::date and recorded @> $2::timestamptz
          order by cause",
        times.as_of,
        times.known_at,
        &order,
    )
    .fetch_all(connection)
    .await?;
    for record in records {
        if let Some(space) = spaces.get_mut(&record.asset_id)
            && space.causes.last() != Some(&record.cause)
        {
            space.causes.push(record.cause);
        }
    }
    Ok(order.iter().filter_map(|id| spaces.remove(id)).collect())
}

struct Room {
    floor: i16,
    number: String,
    idle: Option<IdleRoom>,
}

/// All rooms of these buildings in the order of their numbers; of the idle ones, what counts.
async fn rooms(
    connection: &mut PgConnection,
    spaces: &mut HashMap<Uuid, Space>,
    ids: &[Uuid],
    times: Times,
) -> Result<(), Fault> {
    // Idle since the last day on which it was anything else, or since it is registered.
    let rows = sqlx::query!(
        r#"select r.building_id, r.floor, r.number, r.use_area_m2::float8 as use_area_m2,
                  r.building_area_m2::float8 as building_area_m2,
                  case when r.occupancy = 'idle' then
                      coalesce((select max(upper(o.valid)) from room_version o
                                 where o.object_id = r.object_id and o.recorded @> $2::timestamptz
                                   and upper(o.valid) <= $1 and o.occupancy is distinct from 'idle'),
                               (select min(lower(o.valid)) from room_version o
                                 where o.object_id = r.object_id and o.recorded @> $2::timestamptz)) end as since
             from room_version r
            where r.building_id = any($3) and r.valid @> $1::date and r.recorded @> $2::timestamptz"#,
        times.as_of,
        times.known_at,
        ids,
    )
    .fetch_all(connection)
    .await?;
    let mut of_building: HashMap<Uuid, Vec<Room>> = HashMap::new();
    for row in rows {
        let since: Option<Date> = row.since;
        of_building.entry(row.building_id).or_default().push(Room {
            floor: row.floor,
            idle: since.map(|since| IdleRoom {
                number: row.number.clone(),
                place: 0,
                use_area_m2: row.use_area_m2,
                building_area_m2: row.building_area_m2,
                since,
            }),
            number: row.number,
        });
    }
    for (building, mut rooms) in of_building {
        let Some(space) = spaces.get_mut(&building) else {
            continue;
        };
        space.rooms = rooms.len();
        rooms.sort_by(|one, other| {
            one.floor
                .cmp(&other.floor)
                .then_with(|| by_number(&one.number, &other.number))
        });
        for (place, room) in rooms.into_iter().enumerate() {
            if let Some(idle) = room.idle {
                space
                    .floors
                    .entry(room.floor)
                    .or_default()
                    .push(IdleRoom { place, ..idle });
            }
        }
    }
    Ok(())
}
