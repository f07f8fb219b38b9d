//! Is it used, little used, idle in part or idle? What is registered goes in, the state comes out with its arithmetic.
//! Where something is missing that could turn the answer, there is none, and it says what is missing (ADR 30).

use std::collections::HashMap;

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;
use uuid::Uuid;

use crate::space::BothLanguages;
use crate::versioned::Named;

/// How far something is used (利用状况).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = UtilisationState)]
pub enum State {
    /// 在用
    InUse,
    /// 低效利用: nothing of it is idle, and who sits there would fill less than the region's share of it.
    LowUse,
    /// 部分闲置
    IdleInPart,
    /// 闲置
    Idle,
    /// 无法判断: something is missing that could turn the answer.
    Unknown,
}

impl State {
    /// All of them, in the order in which they are told.
    pub(super) const ALL: [Self; 5] = [Self::InUse, Self::LowUse, Self::IdleInPart, Self::Idle, Self::Unknown];
}

/// Why there is no answer, or why low use wasn't looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = UtilisationReason)]
pub enum Reason {
    /// Neither a room nor a building is registered.
    NothingRegistered,
    /// Under repair, being vacated, sealed or pulled down: neither used nor idle.
    OutOfUse,
    /// Of some rooms the use (使用状况) isn't known.
    OccupancyMissing,
    /// It is in use, but no rooms are registered.
    NoRooms,
    /// Of rooms in use the type isn't known.
    TypesMissing,
    /// Of office space in use the 使用面积 isn't known.
    AreasMissing,
    /// In use, but none of it is basic office space, which alone can be held against headcounts.
    NoOfficeSpace,
    /// Of units that sit there it isn't known what is due to them, and it depends on them.
    HeadcountMissing,
}

/// A room's kind as far as it can be held against headcounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoomKind {
    /// 基本办公用房: office, service or equipment.
    Basic,
    Other,
    Unknown,
}

/// Rooms of one building, user, use and kind, added up.
#[derive(Debug, Clone)]
pub(super) struct RoomSum {
    pub unit: Option<Uuid>,
    /// 使用状况; none where it isn't known.
    pub occupancy: Option<String>,
    pub kind: RoomKind,
    pub rooms: i64,
    pub use_area_m2: Decimal,
    /// Rooms whose 使用面积 isn't known.
    pub lacking: i64,
}

/// A unit that sits somewhere.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub unit: Named,
    /// Its basic office space in use, everywhere, m² of use area; none where some of it has no area.
    pub has_m2: Option<Decimal>,
    /// What is due to it, m² of use area, or why that can't be said.
    pub entitled_m2: Result<Decimal, BothLanguages>,
}

/// What a unit has here, and how much of it its people would fill.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct UnitFill {
    /// The unit; null where rooms in use have none.
    pub unit: Option<Named>,
    /// Its basic office space in use here, m² of use area.
    pub area_m2: f64,
    /// The same everywhere: what is due to it is divided by where it sits.
    pub area_everywhere_m2: Option<f64>,
    /// What is due to it by headcount, everywhere, m² of use area.
    pub entitled_m2: Option<f64>,
    /// What of it falls to this place, at most what it has here, m²; null where it can't be said.
    pub filled_m2: Option<f64>,
    /// Why it can't be said.
    pub why_none: Option<BothLanguages>,
}

/// Basic office space in use, held against what is due to who sits there.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Weighing {
    /// Basic office space in use, m² of use area.
    pub area_m2: f64,
    /// What of it is due to who sits there, m².
    pub filled_m2: f64,
    /// What is of units of which that can't be said, m².
    pub unknown_m2: f64,
    /// What is not filled, m²: what is of unknown units doesn't count.
    pub spare_m2: f64,
    /// Filled of all, 0 to 1: at least so much is.
    pub share_at_least: f64,
    /// At most so much is: the same where everything is known.
    pub share_at_most: f64,
    /// Below this share it is low use (`low_use_share` of the region).
    pub low_use_share: f64,
    /// Unit by unit, the largest first.
    pub units: Vec<UnitFill>,
}

/// How far something is used, with its arithmetic.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Utilisation {
    /// The state.
    pub state: State,
    /// Why there is no answer, or why low use wasn't looked for.
    pub reason: Option<Reason>,
    /// Rooms.
    pub rooms: i64,
    /// Of them idle.
    pub idle_rooms: i64,
    /// 使用面积 of all rooms, m².
    pub use_area_m2: f64,
    /// 使用面积 of the idle ones, m².
    pub idle_m2: f64,
    /// Rooms without 使用面积: the sums are without theirs.
    pub rooms_lacking_area: i64,
    /// Is what is in use of it little used? Told beside what is idle in part, too; null where it can't be said.
    pub is_low_use: Option<bool>,
    /// What that was found by.
    pub weighing: Option<Weighing>,
}

/// Two decimals, as areas are written on paper.
pub(super) fn shown(area_m2: Decimal) -> f64 {
    area_m2
        .round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
        .to_f64()
        .unwrap_or_default()
}

fn is_used(occupancy: Option<&str>) -> bool {
    matches!(occupancy, Some("in_use" | "rented_in" | "borrowed_in"))
}

fn is_out_of_use(occupancy: Option<&str>) -> bool {
    matches!(
        occupancy,
        Some("under_repair" | "vacating" | "dangerous" | "demolished")
    )
}

/// Judges rooms, and buildings of which no rooms are registered by their own use.
pub(super) fn judge(
    rooms: &[RoomSum],
    bare: &[Option<String>],
    users: &HashMap<Uuid, User>,
    low_use_share: f64,
) -> Utilisation {
    let count = |of: &dyn Fn(Option<&str>) -> bool| -> i64 {
        let rooms: i64 = rooms
            .iter()
            .filter(|sum| of(sum.occupancy.as_deref()))
            .map(|sum| sum.rooms)
            .sum();
        rooms + i64::try_from(bare.iter().filter(|word| of(word.as_deref())).count()).unwrap_or_default()
    };
    let (all, idle) = (count(&|_| true), count(&|word| word == Some("idle")));
    let weighed = weigh(rooms, bare, users, low_use_share);
    let (is_low_use, weighing, why_not) = match weighed {
        Ok(weighing) => {
            let is_low = verdict(&weighing);
            let why_not = is_low.is_none().then_some(Reason::HeadcountMissing);
            (is_low, Some(weighing.told), why_not)
        }
        Err(reason) => (None, None, Some(reason)),
    };
    let (state, reason) = if all == 0 {
        (State::Unknown, Some(Reason::NothingRegistered))
    } else if idle == all {
        (State::Idle, None)
    } else if idle > 0 {
        (State::IdleInPart, why_not)
    } else if count(&|word| is_out_of_use(word)) == all {
        (State::Unknown, Some(Reason::OutOfUse))
    } else {
        match (is_low_use, why_not) {
            (Some(true), _) => (State::LowUse, None),
            (Some(false), _) => (State::InUse, None),
            // Let, lent, a shop, a home: used, and no headcount says how much space it needs.
            (None, Some(Reason::NoOfficeSpace)) => (State::InUse, why_not),
            (None, _) => (State::Unknown, why_not),
        }
    };
    let area = |of: &dyn Fn(&RoomSum) -> bool| -> Decimal {
        rooms.iter().filter(|sum| of(sum)).map(|sum| sum.use_area_m2).sum()
    };
    Utilisation {
        state,
        reason,
        rooms: rooms.iter().map(|sum| sum.rooms).sum(),
        idle_rooms: rooms
            .iter()
            .filter(|sum| sum.occupancy.as_deref() == Some("idle"))
            .map(|sum| sum.rooms)
            .sum(),
        use_area_m2: shown(area(&|_| true)),
        idle_m2: shown(area(&|sum| sum.occupancy.as_deref() == Some("idle"))),
        rooms_lacking_area: rooms.iter().map(|sum| sum.lacking).sum(),
        is_low_use,
        weighing,
    }
}

/// The weighing as it is told, and exactly.
struct Weighed {
    told: Weighing,
    area: Decimal,
    filled: Decimal,
    unknown: Decimal,
}

/// Low use, whatever holds of what isn't known; not low use, whatever holds; or it depends.
fn verdict(weighed: &Weighed) -> Option<bool> {
    let least = Decimal::try_from(weighed.told.low_use_share).unwrap_or_default() * weighed.area;
    if weighed.filled >= least {
        Some(false)
    } else if weighed.filled + weighed.unknown < least {
        Some(true)
    } else {
        None
    }
}

fn weigh(
    rooms: &[RoomSum],
    bare: &[Option<String>],
    users: &HashMap<Uuid, User>,
    low_use_share: f64,
) -> Result<Weighed, Reason> {
    let used: Vec<&RoomSum> = rooms.iter().filter(|sum| is_used(sum.occupancy.as_deref())).collect();
    if rooms.iter().any(|sum| sum.occupancy.is_none()) || bare.iter().any(Option::is_none) {
        return Err(Reason::OccupancyMissing);
    }
    if bare.iter().any(|word| is_used(word.as_deref())) {
        return Err(Reason::NoRooms);
    }
    if used.iter().any(|sum| sum.kind == RoomKind::Unknown) {
        return Err(Reason::TypesMissing);
    }
    let basic: Vec<&RoomSum> = used.into_iter().filter(|sum| sum.kind == RoomKind::Basic).collect();
    if basic.iter().any(|sum| sum.lacking > 0) {
        return Err(Reason::AreasMissing);
    }
    let mut here: Vec<(Option<Uuid>, Decimal)> = Vec::new();
    for sum in basic {
        match here.iter_mut().find(|(unit, _)| *unit == sum.unit) {
            Some((_, area)) => *area += sum.use_area_m2,
            None => here.push((sum.unit, sum.use_area_m2)),
        }
    }
    here.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let area: Decimal = here.iter().map(|(_, area)| *area).sum();
    if area.is_zero() {
        return Err(Reason::NoOfficeSpace);
    }
    let (mut filled, mut unknown) = (Decimal::ZERO, Decimal::ZERO);
    let mut units = Vec::with_capacity(here.len());
    for (unit, area_here) in here {
        let user = unit.and_then(|unit| users.get(&unit));
        let fill = fill(user, area_here);
        match &fill {
            Ok(fill) => filled += *fill,
            Err(_) => unknown += area_here,
        }
        units.push(UnitFill {
            unit: user.map(|user| user.unit.clone()),
            area_m2: shown(area_here),
            area_everywhere_m2: user.and_then(|user| user.has_m2).map(shown),
            entitled_m2: user.and_then(|user| user.entitled_m2.as_ref().ok().copied()).map(shown),
            filled_m2: fill.as_ref().ok().copied().map(shown),
            why_none: fill.err(),
        });
    }
    let share = |part: Decimal| (part / area).round_dp(4).to_f64().unwrap_or_default();
    Ok(Weighed {
        told: Weighing {
            area_m2: shown(area),
            filled_m2: shown(filled),
            unknown_m2: shown(unknown),
            spare_m2: shown(area - filled - unknown),
            share_at_least: share(filled),
            share_at_most: share(filled + unknown),
            low_use_share,
            units,
        },
        area,
        filled,
        unknown,
    })
}

/// What of a place a unit's people would fill: what is due to the unit, divided by where it sits, and never more than it has
/// here, for one unit's narrowness makes no use of another's space.
fn fill(user: Option<&User>, area_here: Decimal) -> Result<Decimal, BothLanguages> {
    let Some(user) = user else {
        return Err(BothLanguages::new(
            "在用但没有登记使用单位",
            "in use, and no unit is registered as its user",
        ));
    };
    let entitled = user.entitled_m2.clone()?;
    let Some(everywhere) = user.has_m2.filter(|area| !area.is_zero()) else {
        return Err(BothLanguages::new(
            "该单位有办公用房缺使用面积，应配面积无法分摊",
            "some of the unit's office space has no use area, so what is due can't be divided",
        ));
    };
    Ok((entitled * area_here / everywhere).min(area_here))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(unit: Option<u128>, occupancy: &str, kind: RoomKind, area: i64) -> RoomSum {
        RoomSum {
            unit: unit.map(Uuid::from_u128),
            occupancy: (occupancy != "none").then(|| occupancy.to_owned()),
            kind,
            rooms: 1,
            use_area_m2: Decimal::from(area),
            lacking: 0,
        }
    }

    fn users(given: &[(u128, i64, Option<i64>)]) -> HashMap<Uuid, User> {
        given
            .iter()
            .map(|(unit, has, entitled)| {
                let id = Uuid::from_u128(*unit);
                let unit = Named {
                    id,
                    code: None,
                    name: None,
                };
                let entitled_m2 = entitled
                    .map(Decimal::from)
                    .ok_or_else(|| BothLanguages::new("无编制", "none"));
                (
                    id,
                    User {
                        unit,
                        has_m2: Some(Decimal::from(*has)),
                        entitled_m2,
                    },
                )
            })
            .collect()
    }

    fn state(rooms: &[RoomSum], bare: &[Option<String>], users: &HashMap<Uuid, User>) -> (State, Option<Reason>) {
        let found = judge(rooms, bare, users, 0.6);
        (found.state, found.reason)
    }

    #[test]
    fn each_state_has_its_facts_and_what_is_missing_is_said() {
        use RoomKind::{Basic, Other, Unknown};
        let of = |word: &str| vec![Some(word.to_owned())];
        let one = |kind| sum(Some(1), "in_use", kind, 100);
        let full = users(&[(1, 100, Some(60))]);
        let half = users(&[(1, 100, Some(59))]);
        let nobody = users(&[(1, 100, None)]);
        let idle = sum(None, "idle", Basic, 50);
        for (rooms, bare, users, expected) in [
            (vec![one(Basic)], vec![], &full, (State::InUse, None)),
            (vec![one(Basic)], vec![], &half, (State::LowUse, None)),
            (vec![one(Basic), idle.clone()], vec![], &half, (State::IdleInPart, None)),
            (vec![idle.clone()], vec![], &full, (State::Idle, None)),
            (vec![], of("idle"), &full, (State::Idle, None)),
            (vec![], vec![], &full, (State::Unknown, Some(Reason::NothingRegistered))),
            (vec![], of("in_use"), &full, (State::Unknown, Some(Reason::NoRooms))),
            (
                vec![],
                vec![None],
                &full,
                (State::Unknown, Some(Reason::OccupancyMissing)),
            ),
            (
                vec![one(Unknown)],
                vec![],
                &full,
                (State::Unknown, Some(Reason::TypesMissing)),
            ),
            (
                vec![one(Other)],
                vec![],
                &full,
                (State::InUse, Some(Reason::NoOfficeSpace)),
            ),
            (
                vec![sum(None, "let", Unknown, 9)],
                vec![],
                &full,
                (State::InUse, Some(Reason::NoOfficeSpace)),
            ),
            (
                vec![sum(None, "under_repair", Basic, 9)],
                vec![],
                &full,
                (State::Unknown, Some(Reason::OutOfUse)),
            ),
            (
                vec![one(Basic)],
                vec![],
                &nobody,
                (State::Unknown, Some(Reason::HeadcountMissing)),
            ),
            (
                vec![RoomSum {
                    lacking: 1,
                    ..one(Basic)
                }],
                vec![],
                &half,
                (State::Unknown, Some(Reason::AreasMissing)),
            ),
        ] {
            assert_eq!(state(&rooms, &bare, users), expected, "{rooms:?} {bare:?}");
        }
        // Beside what is idle the rest is told of, too.
        assert_eq!(judge(&[one(Basic), idle], &[], &half, 0.6).is_low_use, Some(true));
    }

    #[test]
    fn what_is_due_to_a_unit_is_divided_by_where_it_sits_and_narrowness_fills_nobody_else_s_rooms() {
        use RoomKind::Basic;
        // One has a quarter of its 400 m² here: a quarter of its 200 m² falls here. The other is cramped: 100 of 100.
        let users = users(&[(1, 400, Some(200)), (2, 100, Some(500))]);
        let rooms = [sum(Some(1), "in_use", Basic, 100), sum(Some(2), "in_use", Basic, 100)];
        let weighing = judge(&rooms, &[], &users, 0.6).weighing.unwrap();
        let told = (
            weighing.area_m2,
            weighing.filled_m2,
            weighing.spare_m2,
            weighing.share_at_least,
        );
        assert_eq!(told, (200.0, 150.0, 50.0, 0.75));
    }

    proptest! {
        /// What isn't known turns no answer: whatever is due to the unit of which nothing is known, a state that was told
        /// stays what it was; and more people never make less use.
        #[test]
        fn what_is_not_known_turns_no_answer(
            areas in prop::array::uniform3(1i64..500),
            due in prop::array::uniform3(0i64..900),
            elsewhere in 0i64..400,
        ) {
            let rooms: Vec<RoomSum> = areas.iter().zip(1u128..)
                .map(|(area, unit)| sum(Some(unit), "in_use", RoomKind::Basic, *area)).collect();
            let with = |third: Option<i64>| users(&[
                (1, areas[0] + elsewhere, Some(due[0])), (2, areas[1], Some(due[1])), (3, areas[2], third)]);
            let told = judge(&rooms, &[], &with(None), 0.6);
            let known = judge(&rooms, &[], &with(Some(due[2])), 0.6);
            if told.state != State::Unknown {
                prop_assert_eq!(told.state, known.state);
            }
            prop_assert_ne!(known.state, State::Unknown);
            let more = judge(&rooms, &[], &with(Some(due[2] + 50)), 0.6);
            prop_assert!(!(known.state == State::InUse && more.state == State::LowUse));
            let weighing = known.weighing.unwrap();
            let whole = weighing.filled_m2 + weighing.spare_m2;
            prop_assert!((whole - weighing.area_m2).abs() < 0.02);
            prop_assert!((0.0..=1.0).contains(&weighing.share_at_least));
        }
    }
}
