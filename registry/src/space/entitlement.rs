//! What is due to a unit and to a room, what they have, and what is above it: at a date, with the arithmetic.

use std::collections::{BTreeMap, HashMap};

use axum::Json;
use axum::extract::{Path, Query};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};
use space_standard::{
    Ancillary, Calculation, CalculationRefused, Estimate, Grade, HeightClass, Level, Occupant, Order, Parameters,
    RankRefused, Verdict, check_room, excess,
};
use time::Date;
use uuid::Uuid;

use super::book::{self, BuildingInBook, OccupantInBook, RoomInBook, UnitInBook};
use super::settings;
use super::shown::{BothLanguages, ShownCalculation, ShownExcess, ShownRoomCheck, shown};
use crate::period::day;
use crate::request::{Context, Fault, Problem, Times};
use crate::versioned::Named;

/// Rooms that are told one by one unless more are asked for.
const ROOMS: usize = 200;
/// The most that are.
const MOST_ROOMS: usize = 5_000;

/// What a room is counted as.
const BASIC: [&str; 3] = ["office", "service", "equipment"];

/// How many rooms are told.
#[derive(Debug, Default, Deserialize)]
pub(super) struct RoomsQuery {
    rooms: Option<usize>,
}

/// A building that the unit sits in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct SeatedBuilding {
    /// The building.
    building: Named,
    /// `multi_storey` or `high_rise`, from its floors.
    #[schema(value_type = String)]
    height_class: HeightClass,
    /// The floors are not known: it was taken for several storeys.
    is_assumed: bool,
    /// Its least use coefficient K.
    coefficient: f64,
    /// The share of the unit's basic use area that is in it.
    share: f64,
}

/// What the unit has of one type of room.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct TypeTotal {
    /// 房间类型; null for rooms whose type is not told yet.
    room_type: Option<String>,
    /// How many.
    rooms: u64,
    /// Use area, m².
    use_area_m2: f64,
    /// Building area, m².
    building_area_m2: f64,
    /// Rooms of which one of both areas was estimated with K.
    estimated: u64,
}

/// Who sits in a room, with their limit.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct SeatedPerson {
    /// The occupant.
    id: Uuid,
    /// Name.
    person: String,
    /// 职级
    rank: String,
    /// Their limit, m²; null where the rank is none of the level.
    limit_m2: Option<f64>,
}

/// An office with its occupants.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct RoomEntitlement {
    /// The room.
    id: Uuid,
    /// The building it is in.
    building: Named,
    /// Floor.
    floor: i16,
    /// 房间号
    number: String,
    /// Name.
    name: Option<String>,
    /// Who sits there.
    occupants: Vec<SeatedPerson>,
    /// Against their limits; null where nobody sits there, the area is unknown or a rank is none of its level.
    check: Option<ShownRoomCheck>,
    /// Why there is no check.
    why_none: Option<BothLanguages>,
}

/// What is due to a unit, and what it has.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct UnitEntitlement {
    /// The unit.
    unit: Named,
    /// Its level.
    level: String,
    /// The day this holds on.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    as_of: Date,
    /// What is due by headcount; null where it can't be worked out.
    entitled: Option<ShownCalculation>,
    /// Why not.
    why_none: Option<BothLanguages>,
    /// The buildings it sits in.
    buildings: Vec<SeatedBuilding>,
    /// What it has by type of room.
    actual: Vec<TypeTotal>,
    /// Basic office space a head, m² of use area; what the standard has no limit for.
    use_area_per_head_m2: Option<f64>,
    /// What is there against what is due.
    comparison: Vec<ShownExcess>,
    /// Offices with occupants, those furthest above their limit first.
    rooms: Vec<RoomEntitlement>,
    /// How many offices have occupants.
    rooms_with_occupants: u64,
    /// Of them above the limit by more than is tolerated.
    rooms_over: u64,
}

/// What is due to a unit on `as_of`, by headcount, and what it has.
#[utoipa::path(get, path = "/api/v1/units/{id}/entitlement", operation_id = "get_unit_entitlement", tag = "space",
    params(("id" = Uuid, Path), ("rooms" = Option<usize>, Query, description = "so many rooms are told, 200 unless told"),
           ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = UnitEntitlement), (status = 404, body = Problem)))]
pub(super) async fn get_unit_entitlement(
    context: Context,
    times: Times,
    Path(id): Path<String>,
    Query(query): Query<RoomsQuery>,
) -> Result<Json<UnitEntitlement>, Problem> {
    let id = Uuid::parse_str(&id).map_err(|_| Problem::not_found("this unit"))?;
    let mut connection = context.database.begin().await?;
    let unit = book::unit(&mut connection, id, times)
        .await?
        .ok_or_else(|| Problem::not_found("this unit"))?;
    let parameters = settings().map_err(Fault::from)?.of_region(unit.region_code.as_deref());
    let rooms = book::rooms(&mut connection, (Some(id), None), times).await?;
    let mut building_ids: Vec<Uuid> = rooms.iter().map(|room| room.building_id).collect();
    building_ids.sort_unstable();
    building_ids.dedup();
    let buildings = book::buildings(&mut connection, &building_ids, times).await?;
    let room_ids: Vec<Uuid> = rooms.iter().map(|room| room.id).collect();
    let occupants = book::occupants(&mut connection, &room_ids, times).await?;
    let measured: Vec<Measured<'_>> = rooms
        .iter()
        .map(|room| Measured::of(room, buildings.get(&room.building_id), &parameters))
        .collect();
    let seated = seated_buildings(&measured, &buildings, &parameters);
    let calculated = calculate(&unit, &seated, &parameters);
    let mut checked = check_rooms(&rooms, &buildings, occupants, &parameters);
    let rooms_with_occupants = checked.len() as u64;
    let is_over = |room: &RoomEntitlement| {
        let verdict = room.check.as_ref().map(|check| check.verdict);
        verdict.is_some_and(|verdict| verdict != Verdict::Within)
    };
    let rooms_over = checked.iter().filter(|room| is_over(room)).count() as u64;
    checked.truncate(query.rooms.unwrap_or(ROOMS).min(MOST_ROOMS));
    let basic_use_area: Decimal = measured
        .iter()
        .filter(|room| room.is_basic())
        .map(|room| room.use_area_m2)
        .sum();
    let (entitled, why_none) = match calculated {
        Ok(calculation) => (Some(calculation), None),
        Err(why) => (None, Some(why)),
    };
    let persons = entitled.as_ref().map(|entitled| entitled.persons);
    drop(connection);
    context.note_read_of(&building_ids).await?;
    Ok(Json(UnitEntitlement {
        comparison: entitled
            .as_ref()
            .map(|entitled| compare(entitled, &measured))
            .unwrap_or_default(),
        unit: Named {
            id: unit.id,
            code: Some(unit.code),
            name: Some(unit.name),
        },
        level: unit.level,
        as_of: times.as_of,
        use_area_per_head_m2: persons.map(|persons| shown(basic_use_area / Decimal::from(persons.max(1)))),
        entitled: entitled.map(Into::into),
        why_none,
        buildings: seated,
        actual: by_type(&measured),
        rooms: checked,
        rooms_with_occupants,
        rooms_over,
    }))
}

/// One room on `as_of` against the limits of who sits there, with its rest room and washroom.
#[utoipa::path(get, path = "/api/v1/rooms/{id}/entitlement", operation_id = "get_room_entitlement", tag = "space",
    params(("id" = Uuid, Path), ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = RoomEntitlement), (status = 404, body = Problem)))]
pub(super) async fn get_room_entitlement(
    context: Context,
    times: Times,
    Path(id): Path<String>,
) -> Result<Json<RoomEntitlement>, Problem> {
    let id = crate::rooms::parse_id(&id)?.0;
    let mut connection = context.database.begin().await?;
    let rooms = book::rooms(&mut connection, (None, Some(id)), times).await?;
    let room = rooms
        .iter()
        .find(|room| room.id == id)
        .ok_or_else(|| Problem::not_found("this room"))?;
    let unit = match room.unit_id {
        None => None,
        Some(unit) => book::unit(&mut connection, unit, times).await?,
    };
    let region = unit.and_then(|unit| unit.region_code);
    let parameters = settings().map_err(Fault::from)?.of_region(region.as_deref());
    let buildings = book::buildings(&mut connection, &[room.building_id], times).await?;
    let occupants = book::occupants(&mut connection, &[id], times).await?;
    let parts: Vec<&RoomInBook> = rooms.iter().filter(|part| part.part_of_id == Some(id)).collect();
    drop(connection);
    context.note_read_of(&[room.building_id]).await?;
    Ok(Json(check(room, &parts, &buildings, occupants, &parameters)))
}

/// A room with both its areas, measured or estimated.
pub(super) struct Measured<'a> {
    pub room: &'a RoomInBook,
    pub use_area_m2: Decimal,
    building_area_m2: Decimal,
    is_estimated: bool,
}

impl<'a> Measured<'a> {
    pub fn of(room: &'a RoomInBook, building: Option<&BuildingInBook>, parameters: &Parameters) -> Self {
        let (height_class, _) = height_class(building, parameters);
        let (use_area_m2, building_area_m2, is_estimated) = match (room.use_area_m2, room.building_area_m2) {
            (Some(use_area), Some(building_area)) => (use_area, building_area, false),
            (Some(use_area), None) => (use_area, use_area / height_class.coefficient(parameters), true),
            (None, Some(building_area)) => {
                let estimate = Estimate::of(building_area, height_class, parameters);
                (estimate.use_area_m2, building_area, true)
            }
            (None, None) => (Decimal::ZERO, Decimal::ZERO, false),
        };
        Self {
            room,
            use_area_m2,
            building_area_m2,
            is_estimated,
        }
    }

    pub fn is_basic(&self) -> bool {
        self.room
            .room_type
            .as_deref()
            .is_some_and(|room_type| BASIC.contains(&room_type))
    }
}

/// The height class by the floors; several storeys, assumed, where they are not known.
fn height_class(building: Option<&BuildingInBook>, parameters: &Parameters) -> (HeightClass, bool) {
    building
        .and_then(|building| building.floors_above)
        .map_or((HeightClass::MultiStorey, true), |floors| {
            let floors = u32::try_from(floors).unwrap_or_default();
            (HeightClass::of_floors(floors, parameters), false)
        })
}

fn named(id: Uuid, building: Option<&BuildingInBook>) -> Named {
    Named {
        id,
        code: building.and_then(|building| building.code.clone()),
        name: building.and_then(|building| building.name.clone()),
    }
}

/// The buildings in which the unit has basic office space, each with its share of it.
pub(super) fn seated_buildings(
    measured: &[Measured<'_>],
    buildings: &HashMap<Uuid, BuildingInBook>,
    parameters: &Parameters,
) -> Vec<SeatedBuilding> {
    let mut areas: BTreeMap<Uuid, Decimal> = BTreeMap::new();
    for room in measured.iter().filter(|room| room.is_basic()) {
        *areas.entry(room.room.building_id).or_default() += room.use_area_m2;
    }
    let whole: Decimal = areas.values().sum();
    areas
        .into_iter()
        .filter(|(_, area)| !area.is_zero())
        .map(|(id, area)| {
            let building = buildings.get(&id);
            let (height_class, is_assumed) = height_class(building, parameters);
            SeatedBuilding {
                building: named(id, building),
                height_class,
                is_assumed,
                coefficient: height_class.coefficient(parameters).to_f64().unwrap_or_default(),
                share: (area / whole).to_f64().unwrap_or_default(),
            }
        })
        .collect()
}

/// What is due by headcount, or why that can't be said.
pub(super) fn calculate(
    unit: &UnitInBook,
    seated: &[SeatedBuilding],
    parameters: &Parameters,
) -> Result<Calculation, BothLanguages> {
    let level = Level::parse(&unit.level)
        .ok_or_else(|| BothLanguages::new("单位的层级不在标准之内", "the unit's level is none of the standard"))?;
    let ranks: BTreeMap<String, u32> = serde_json::from_value(unit.headcount.clone())
        .map_err(|_| BothLanguages::new("编制数无法识别", "the headcount is not understood"))?;
    let (mut headcount, mut unranked) = (Vec::new(), 0_u32);
    for (rank, persons) in &ranks {
        match Grade::parse(level, rank) {
            Ok(grade) => headcount.push((grade, *persons)),
            Err(RankRefused::Unranked { .. }) => unranked = unranked.saturating_add(*persons),
            Err(refused) => {
                return Err(BothLanguages::new(
                    format!("职级“{rank}”不在{}的限额表内，请先更正编制（SPC-10）", level.name().zh),
                    format!("{refused}; correct the staffing first (SPC-10)"),
                ));
            }
        }
    }
    headcount.sort_by_key(|(grade, _)| std::cmp::Reverse(grade.limit_m2(parameters)));
    let shares: Vec<(HeightClass, Decimal)> = HeightClass::ALL
        .into_iter()
        .map(|height_class| {
            let of_class = seated.iter().filter(|building| building.height_class == height_class);
            let share: f64 = of_class.map(|building| building.share).sum();
            (height_class, Decimal::try_from(share).unwrap_or_default())
        })
        .filter(|(_, share)| !share.is_zero())
        .collect();
    let buildings = match shares.as_slice() {
        // Where it has no room yet, as if it sat in several storeys.
        [] => vec![(HeightClass::MultiStorey, Decimal::ONE)],
        [(height_class, _)] => vec![(*height_class, Decimal::ONE)],
        [(one, share), (other, _), ..] => vec![(*one, *share), (*other, Decimal::ONE - *share)],
    };
    let order = Order {
        level,
        headcount,
        unranked,
        buildings,
        ancillary: Ancillary::default(),
    };
    Calculation::work_out(&order, parameters).map_err(|refused| match refused {
        CalculationRefused::NoPersons => BothLanguages::new(
            "没有编制数，无法核定面积（SPC-09）",
            "there is no approved staffing, so nothing can be worked out (SPC-09)",
        ),
        other => BothLanguages::new(format!("无法测算：{other}"), other.to_string()),
    })
}

fn compare(entitled: &Calculation, measured: &[Measured<'_>]) -> Vec<ShownExcess> {
    let use_area = |room_type: &str| -> Decimal {
        let of_type = |room: &&Measured<'_>| room.room.room_type.as_deref() == Some(room_type);
        measured.iter().filter(of_type).map(|room| room.use_area_m2).sum()
    };
    let basic = |area: fn(&Measured<'_>) -> Decimal| -> Decimal {
        measured.iter().filter(|room| room.is_basic()).map(area).sum()
    };
    let canteen: Decimal = measured
        .iter()
        .filter(|room| room.room.purpose.as_deref() == Some("canteen"))
        .map(|room| room.building_area_m2)
        .sum();
    [
        ("office", entitled.office_m2, use_area("office")),
        ("service", entitled.service_m2, use_area("service")),
        ("equipment", entitled.equipment_m2, use_area("equipment")),
        ("use_area", entitled.use_area_m2, basic(|room| room.use_area_m2)),
        (
            "basic_building_area",
            entitled.basic_building_m2,
            basic(|room| room.building_area_m2),
        ),
        ("canteen", entitled.canteen_m2, canteen),
    ]
    .into_iter()
    .map(|(key, entitled, actual)| ShownExcess::new(key, excess(entitled, actual)))
    .collect()
}

fn by_type(measured: &[Measured<'_>]) -> Vec<TypeTotal> {
    let types = crate::rooms::ROOM_TYPES.into_iter().map(Some).chain([None]);
    types
        .filter_map(|room_type| {
            let of_type: Vec<&Measured<'_>> = measured
                .iter()
                .filter(|room| room.room.room_type.as_deref() == room_type)
                .collect();
            (!of_type.is_empty()).then(|| TypeTotal {
                room_type: room_type.map(ToOwned::to_owned),
                rooms: of_type.len() as u64,
                use_area_m2: shown(of_type.iter().map(|room| room.use_area_m2).sum()),
                building_area_m2: shown(of_type.iter().map(|room| room.building_area_m2).sum()),
                estimated: of_type.iter().filter(|room| room.is_estimated).count() as u64,
            })
        })
        .collect()
}

/// Offices with occupants, those furthest above their limit first.
fn check_rooms(
    rooms: &[RoomInBook],
    buildings: &HashMap<Uuid, BuildingInBook>,
    occupants: Vec<OccupantInBook>,
    parameters: &Parameters,
) -> Vec<RoomEntitlement> {
    let mut seated: HashMap<Uuid, Vec<OccupantInBook>> = HashMap::new();
    for occupant in occupants {
        seated.entry(occupant.room_id).or_default().push(occupant);
    }
    let mut parts: HashMap<Uuid, Vec<&RoomInBook>> = HashMap::new();
    for room in rooms {
        if let Some(office) = room.part_of_id {
            parts.entry(office).or_default().push(room);
        }
    }
    let mut checked: Vec<RoomEntitlement> = rooms
        .iter()
        .filter_map(|room| {
            let seated = seated.remove(&room.id)?;
            let parts = parts.get(&room.id).map_or(&[][..], Vec::as_slice);
            Some(check(room, parts, buildings, seated, parameters))
        })
        .collect();
    let over = |room: &RoomEntitlement| room.check.as_ref().map_or(-1.0, |check| check.over_m2);
    checked.sort_by(|one, other| {
        over(other)
            .total_cmp(&over(one))
            .then_with(|| (one.floor, &one.number).cmp(&(other.floor, &other.number)))
    });
    checked
}

/// One office with its parts against its occupants' limits.
fn check(
    room: &RoomInBook,
    parts: &[&RoomInBook],
    buildings: &HashMap<Uuid, BuildingInBook>,
    occupants: Vec<OccupantInBook>,
    parameters: &Parameters,
) -> RoomEntitlement {
    let mut grades = Vec::new();
    let mut wrong_rank = None;
    let persons: Vec<SeatedPerson> = occupants
        .into_iter()
        .map(|occupant| {
            let level = occupant.level.as_deref().and_then(Level::parse);
            let grade = level.and_then(|level| Grade::parse(level, &occupant.rank).ok());
            match grade {
                Some(grade) => grades.push(Occupant { grade }),
                None => wrong_rank = Some(occupant.rank.clone()),
            }
            SeatedPerson {
                id: occupant.id,
                person: occupant.person,
                rank: occupant.rank,
                limit_m2: grade.map(|grade| shown(grade.limit_m2(parameters))),
            }
        })
        .collect();
    let is_washroom = |part: &&&RoomInBook| part.purpose.as_deref() == Some("private_washroom");
    let area_of = |part: &&RoomInBook| part.use_area_m2;
    let washroom: Option<Decimal> = parts.iter().filter(is_washroom).map(area_of).sum::<Option<Decimal>>();
    let washroom = washroom.filter(|_| parts.iter().any(|part| is_washroom(&part)));
    let others: Vec<Decimal> = parts
        .iter()
        .filter(|part| !is_washroom(part))
        .filter_map(area_of)
        .collect();
    let why_none = if persons.is_empty() {
        Some(BothLanguages::new(
            "没有登记使用人",
            "nobody is registered as sitting there",
        ))
    } else if let Some(rank) = wrong_rank {
        Some(BothLanguages::new(
            format!("职级“{rank}”不在本单位层级的限额表内（SPC-10）"),
            format!("the rank {rank:?} is none of the unit's level (SPC-10)"),
        ))
    } else if room.use_area_m2.is_none() {
        Some(BothLanguages::new("没有使用面积", "its use area is not known"))
    } else {
        None
    };
    let check = match (room.use_area_m2, &why_none) {
        (Some(area), None) => Some(check_room(area, &others, washroom, &grades, parameters).into()),
        _ => None,
    };
    RoomEntitlement {
        id: room.id,
        building: named(room.building_id, buildings.get(&room.building_id)),
        floor: room.floor,
        number: room.number.clone(),
        name: room.name.clone(),
        occupants: persons,
        check,
        why_none,
    }
}
