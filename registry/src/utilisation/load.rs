//! What the book says on a day: buildings, their rooms added up, who uses them and what is due to those.

use std::collections::{BTreeSet, HashMap};

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::judge::{RoomKind, RoomSum, User, Utilisation, judge};
use crate::checks::default_of;
use crate::occupancies::{Building, Scope, buildings_of};
use crate::request::{Fault, Times};
use crate::space::entitled_areas;

/// The parameter that low use is told by.
pub(crate) const PARAMETER: &str = "low_use_share";

/// What was read.
#[derive(Debug)]
pub(super) struct Book {
    pub buildings: Vec<Building>,
    rooms: HashMap<Uuid, Vec<RoomSum>>,
    users: HashMap<Uuid, User>,
    shares: HashMap<String, f64>,
}

impl Book {
    /// Reads what a scope has; `place` is where the thing itself lies, whose share holds for all of it.
    pub(super) async fn read(
        connection: &mut PgConnection,
        scope: &Scope,
        place: Option<&str>,
        times: Times,
    ) -> Result<Self, Fault> {
        let buildings = buildings_of(connection, scope, times).await?;
        let ids: Vec<Uuid> = buildings.iter().map(|building| building.id).collect();
        let rooms = rooms_of(connection, &ids, times).await?;
        let users: BTreeSet<Uuid> = rooms.values().flatten().filter_map(|sum| sum.unit).collect();
        let users = users_of(connection, &users.into_iter().collect::<Vec<_>>(), times).await?;
        let places: BTreeSet<&str> = buildings
            .iter()
            .map(|building| building.region_code.as_deref().unwrap_or_default())
            .chain([place.unwrap_or_default()])
            .collect();
        let places: Vec<String> = places.into_iter().map(ToOwned::to_owned).collect();
        let shares = shares_at(connection, &places, times).await?;
        Ok(Self {
            buildings,
            rooms,
            users,
            shares,
        })
    }

    /// The share below which use is low in a place.
    pub(super) fn share(&self, place: Option<&str>) -> f64 {
        self.shares.get(place.unwrap_or_default()).copied().unwrap_or_default()
    }

    /// How far a building is used.
    pub(super) fn of_building(&self, building: &Building) -> Utilisation {
        let rooms = self.rooms.get(&building.id).map_or(&[][..], Vec::as_slice);
        let bare = match rooms {
            [] => vec![building.occupancy.clone()],
            _ => Vec::new(),
        };
        judge(rooms, &bare, &self.users, self.share(building.region_code.as_deref()))
    }

    /// How far all of it is used, or what a unit has of it: the rooms that it uses, and those without a user in the
    /// buildings that it uses.
    pub(super) fn of_all(&self, place: Option<&str>, unit: Option<Uuid>) -> Utilisation {
        let (mut rooms, mut bare) = (Vec::new(), Vec::new());
        for building in &self.buildings {
            let is_units = unit.is_none() || building.unit_id == unit;
            match self.rooms.get(&building.id) {
                Some(sums) => rooms.extend(
                    sums.iter()
                        .filter(|sum| unit.is_none() || sum.unit == unit || (sum.unit.is_none() && is_units))
                        .cloned(),
                ),
                None if is_units => bare.push(building.occupancy.clone()),
                None => {}
            }
        }
        judge(&rooms, &bare, &self.users, self.share(place))
    }
}

async fn rooms_of(
    connection: &mut PgConnection,
    buildings: &[Uuid],
    times: Times,
) -> Result<HashMap<Uuid, Vec<RoomSum>>, Fault> {
    let rows = sqlx::query!(
        r#"select building_id, unit_id, occupancy, room_type in ('office', 'service', 'equipment') as is_basic,
                  count(*) as "rooms!", coalesce(sum(use_area_m2), 0) as "use_area!",
                  count(*) filter (where use_area_m2 is null) as "lacking!"
             from room_version
            where building_id = any($1) and valid @> $2::date and recorded @> $3::timestamptz
            group by 1, 2, 3, 4"#,
        buildings,
        times.as_of,
        times.known_at,
    )
    .fetch_all(connection)
    .await?;
    let mut rooms: HashMap<Uuid, Vec<RoomSum>> = HashMap::new();
    for row in rows {
        rooms.entry(row.building_id).or_default().push(RoomSum {
            unit: row.unit_id,
            occupancy: row.occupancy,
            kind: match row.is_basic {
                Some(true) => RoomKind::Basic,
                Some(false) => RoomKind::Other,
                None => RoomKind::Unknown,
            },
            rooms: row.rooms,
            use_area_m2: row.use_area,
            lacking: row.lacking,
        });
    }
    Ok(rooms)
}

/// Units with their basic office space in use and what is due to them.
async fn users_of(connection: &mut PgConnection, units: &[Uuid], times: Times) -> Result<HashMap<Uuid, User>, Fault> {
    let rows = sqlx::query!(
        r#"select unit_id as "unit_id!", coalesce(sum(use_area_m2), 0) as "use_area!",
                  count(*) filter (where use_area_m2 is null) as "lacking!"
             from room_version
            where unit_id = any($1) and valid @> $2::date and recorded @> $3::timestamptz
              and room_type in ('office', 'service', 'equipment') and occupancy in ('in_use', 'rented_in', 'borrowed_in')
            group by unit_id"#,
        units,
        times.as_of,
        times.known_at,
    )
    .fetch_all(&mut *connection)
    .await?;
    let has: HashMap<Uuid, Option<Decimal>> = rows
        .into_iter()
        .map(|row| (row.unit_id, (row.lacking == 0).then_some(row.use_area)))
        .collect();
    Ok(entitled_areas(connection, units, times)
        .await?
        .into_iter()
        .map(|(unit, entitled_m2)| {
            let has_m2 = has.get(&unit.id).copied().flatten();
            let user = User {
                unit,
                has_m2,
                entitled_m2,
            };
            (user.unit.id, user)
        })
        .collect())
}

/// The share in each of some places.
async fn shares_at(
    connection: &mut PgConnection,
    places: &[String],
    times: Times,
) -> Result<HashMap<String, f64>, Fault> {
    let rows = sqlx::query!(
        r#"select place as "place!", rule_parameter_at($2, place, $3, $4, $5) as "share!"
             from unnest($1::text[]) as places (place)"#,
        places,
        PARAMETER,
        times.as_of,
        times.known_at,
        default_of(PARAMETER)?,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.place, row.share)).collect())
}
