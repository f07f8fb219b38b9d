//! What must hold before a unit is given space: what is read of the world, and what guards make of it.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::allocation::{BuildingFund, Construction, LeaderRoom};
use super::content::{CaseContent, Decided};
use super::facts::{Fact, StockSearch, Works};
use super::guards::misplaced;
use super::procedure::{Guard, Procedure};
use crate::idle_space::{SuitableSpace, suitable_space};
use crate::ids::PolicyCaseId;
use crate::request::{Fault, Problem, Times};
use crate::space::{BothLanguages, UnitSpace, rank_limit_m2, unit_space};

/// Words in Chinese and in English.
type Words = (String, String);

/// A room that is to be given.
#[derive(Debug)]
pub(super) struct Target {
    pub number: String,
    pub use_area_m2: Option<Decimal>,
    pub occupancy: Option<String>,
}

/// What is known of a leader's room and of where else they sit.
#[derive(Debug)]
pub(super) struct LeaderFacts {
    /// The room with its rest room and washroom, m² of use area.
    pub area_m2: Option<Decimal>,
    pub limit_m2: Result<Decimal, BothLanguages>,
    /// The rooms in which they sit otherwise, with their areas.
    pub others: Vec<(String, Option<Decimal>)>,
}

/// What is known of a unit that asks for space.
#[derive(Debug)]
pub(super) struct AllocationFacts {
    pub space: UnitSpace,
    /// What is asked for, m² of use area.
    pub asks_m2: Result<Decimal, BothLanguages>,
    /// What the unit has, and will keep.
    pub keeps_m2: Decimal,
    /// Idle space of the same city that would do, while nothing is approved.
    pub suitable: Vec<SuitableSpace>,
    pub targets: Vec<Target>,
    /// Another case that gives away one of them.
    pub promised: Option<Uuid>,
    pub leader: Option<LeaderFacts>,
}

impl AllocationFacts {
    /// Reads what there is to know; none for a case that is about an asset.
    pub async fn read(
        connection: &mut PgConnection,
        id: PolicyCaseId,
        case: &CaseContent,
        times: Times,
    ) -> Result<Option<Self>, Problem> {
        let Some(unit) = case.unit_id else {
            return Ok(None);
        };
        let Some(space) = unit_space(connection, unit, times).await? else {
            return Ok(None);
        };
        let targets = targets(connection, case, times).await?;
        let asks_m2 = asked(case, &space, &targets)?;
        let need = case.details.need.clone().unwrap_or_default();
        let keeps = |building: &Uuid| {
            !need.vacates && (case.procedure != Procedure::SwapPremises || case.asset_id != Some(*building))
        };
        let keeps_m2 = space
            .has
            .iter()
            .filter(|(building, _)| keeps(building))
            .map(|(_, area)| *area)
            .sum::<Decimal>()
            + if need.vacates {
                Decimal::ZERO
            } else {
                rented_elsewhere(connection, (id, unit), times).await?
            };
        let is_asking = case.is_open && case.details.decisions(Decided::Approval).next().is_none();
        let suitable = match (&asks_m2, &case.region_code) {
            (Ok(_), Some(region)) if is_asking && case.procedure != Procedure::LeaderOffice => {
                let wanted = wanted_m2(case, &space)?.unwrap_or_default();
                suitable_space(connection, city_of(region), wanted, times).await?
            }
            _ => Vec::new(),
        };
        let promised = promised(connection, id, case).await?;
        let leader = match case.details.leader_room() {
            None => None,
            Some(room) => Some(leader(connection, case, room, &space, times).await?),
        };
        Ok(Some(Self {
            space,
            asks_m2,
            keeps_m2,
            suitable,
            targets,
            promised,
            leader,
        }))
    }
}

/// What the unit rents beside this case that stands in no register of buildings, m²: no room of it is counted.
async fn rented_elsewhere(
    connection: &mut PgConnection,
    (case, unit): (PolicyCaseId, Uuid),
    times: Times,
) -> Result<Decimal, Fault> {
    Ok(sqlx::query_scalar!(
        r#"select coalesce(sum(area_m2), 0) as "area_m2!" from lease_version
            where unit_id = $1 and case_id is distinct from $2 and valid @> $3::date and upper_inf(recorded)"#,
        unit,
        case.0,
        times.as_of,
    )
    .fetch_one(connection)
    .await?)
}

/// The city that a region is part of: the first four digits of its code.
fn city_of(region: &str) -> &str {
    region.get(..4).unwrap_or(region)
}

/// What the need says, m² of use area.
fn wanted_m2(case: &CaseContent, space: &UnitSpace) -> Result<Result<Decimal, BothLanguages>, Fault> {
    let need = case.details.need.clone().unwrap_or_default();
    if let Some(area) = need.use_area_m2 {
        return Ok(Ok(area));
    }
    let mut sum = Decimal::ZERO;
    for (rank, people) in &need.people {
        match rank_limit_m2(&space.level, space.region_code.as_deref(), rank)? {
            Ok(limit) => sum += limit * Decimal::from(*people),
            Err(why) => return Ok(Err(why)),
        }
    }
    Ok(Ok(sum))
}

/// What is asked for: what is to be given or built where that is on record, else what the need says.
fn asked(case: &CaseContent, space: &UnitSpace, targets: &[Target]) -> Result<Result<Decimal, BothLanguages>, Fault> {
    let construction: Option<&Construction> = case.details.last(|fact| match fact {
        Fact::Construction(construction) => Some(construction),
        _ => None,
    });
    if let Some(construction) = construction {
        return Ok(Ok(construction.use_area_m2));
    }
    if case.details.allotment().is_some() {
        return Ok(Ok(targets.iter().filter_map(|room| room.use_area_m2).sum()));
    }
    wanted_m2(case, space)
}

/// The rooms that the case is to give: those of the allotment, or all of its building.
async fn targets(connection: &mut PgConnection, case: &CaseContent, times: Times) -> Result<Vec<Target>, Fault> {
    let Some(allotment) = case.details.allotment() else {
        return Ok(Vec::new());
    };
    Ok(sqlx::query_as!(
        Target,
        "select number, use_area_m2, occupancy from room_version
          where building_id = $1 and (cardinality($2::uuid[]) = 0 or object_id = any($2)) and valid @> $3::date
            and upper_inf(recorded)
          order by floor, number",
        allotment.asset_id,
        allotment.room_ids.as_slice(),
        times.as_of,
    )
    .fetch_all(connection)
    .await?)
}

/// Another open case to which some of the space was promised.
async fn promised(connection: &mut PgConnection, id: PolicyCaseId, case: &CaseContent) -> Result<Option<Uuid>, Fault> {
    let Some(allotment) = case.details.allotment() else {
        return Ok(None);
    };
    Ok(sqlx::query_scalar!(
        "select object_id from policy_case_version
          where asset_id = $1 and object_id <> $2 and procedure = 'reassign' and state in ('matched', 'approved')
            and upper_inf(recorded)
            and (cardinality($3::uuid[]) = 0 or details -> 'room_ids' is null
                 or exists (select from json_array_elements_text(details -> 'room_ids') room where room::uuid = any($3)))
          order by object_id
          limit 1",
        allotment.asset_id,
        id.0,
        allotment.room_ids.as_slice(),
    )
    .fetch_optional(connection)
    .await?)
}

async fn leader(
    connection: &mut PgConnection,
    case: &CaseContent,
    room: &LeaderRoom,
    space: &UnitSpace,
    times: Times,
) -> Result<LeaderFacts, Fault> {
    let area_m2 = sqlx::query_scalar!(
        "select sum(use_area_m2) from room_version
          where (object_id = $1 or part_of_id = $1) and valid @> $2::date and upper_inf(recorded)",
        room.room_id,
        times.as_of,
    )
    .fetch_one(&mut *connection)
    .await?;
    // By the staff number where it is known; else by the name within the unit.
    let others = sqlx::query!(
        r#"select distinct on (r.object_id) r.number, r.use_area_m2
             from occupant_version o
             join room_version r on r.object_id = o.room_id and r.valid @> $4::date and upper_inf(r.recorded)
            where o.room_id <> $1 and o.object_id is distinct from $6 and o.valid @> $4::date and upper_inf(o.recorded)
              and (o.staff_number = $2
                   or ($2::text is null and o.person = $3 and coalesce(o.unit_id, r.unit_id) = $5))
            order by r.object_id"#,
        room.room_id,
        room.staff_number,
        room.person,
        times.as_of,
        case.unit_id,
        case.details.occupant_id,
    )
    .fetch_all(connection)
    .await?;
    Ok(LeaderFacts {
        area_m2,
        limit_m2: rank_limit_m2(&space.level, space.region_code.as_deref(), &room.rank)?,
        others: others
            .into_iter()
            .map(|other| (other.number, other.use_area_m2))
            .collect(),
    })
}

fn missing(is_missing: bool, zh: &str, en: &str) -> Option<Words> {
    is_missing.then(|| (zh.to_owned(), en.to_owned()))
}

fn has(case: &CaseContent, kind: &str) -> bool {
    case.details.facts().any(|(_, fact)| fact.kind() == kind)
}

/// What of the suitable space nobody has given a reason against.
fn stock_unanswered(case: &CaseContent, facts: &AllocationFacts) -> Option<Words> {
    let search: Option<&StockSearch> = case.details.last(|fact| match fact {
        Fact::StockSearch(search) => Some(search),
        _ => None,
    });
    let Some(search) = search else {
        return missing(
            true,
            "须先查找存量并登记结果（先调剂，后置换、租用、建设）",
            "the stock must be searched first, with its answer on record (stock_search)",
        );
    };
    let open: Vec<&SuitableSpace> = facts
        .suitable
        .iter()
        .filter(|space| !search.rejected.iter().any(|rejected| rejected.asset_id == space.id))
        .collect();
    if open.is_empty() {
        return None;
    }
    let names: Vec<&str> = open
        .iter()
        .filter_map(|space| space.name.as_deref().or(space.code.as_deref()))
        .collect();
    Some((
        format!(
            "同城有{}处适合的闲置办公用房：{}；应先调剂，不适用的须逐处说明理由",
            open.len(),
            names.join("、")
        ),
        format!(
            "{} suitable idle spaces stand in the same city: {}; they come first, and why one won't do is said for each",
            open.len(),
            names.join(", ")
        ),
    ))
}

fn beyond_entitlement(case: &CaseContent, facts: &AllocationFacts) -> Option<Words> {
    let both = |why: &BothLanguages| Some((why.zh.clone(), why.en.clone()));
    let entitled = match &facts.space.entitled_m2 {
        Ok(entitled) => *entitled,
        Err(why) => return both(why),
    };
    let asks = match &facts.asks_m2 {
        Ok(asks) => *asks,
        Err(why) => return both(why),
    };
    if facts.keeps_m2 + asks <= entitled {
        return None;
    }
    let (keeps, asks, entitled) = (facts.keeps_m2.round_dp(2), asks.round_dp(2), entitled.round_dp(2));
    let kept = match case.details.need.as_ref().is_some_and(|need| need.vacates) {
        true => ("腾退后保留", "keeps"),
        false => ("现有", "has"),
    };
    Some((
        format!("{}{keeps}㎡，申请{asks}㎡，合计超过核定的{entitled}㎡", kept.0),
        format!(
            "the unit {} {keeps} m² and asks for {asks} m², together more than the {entitled} m² that are due to it",
            kept.1
        ),
    ))
}

fn not_free(facts: &AllocationFacts) -> Option<Words> {
    if let Some(other) = facts.promised {
        return Some((
            format!("部分房间已拟调剂给其他单位（案件{other}）"),
            format!("some of it was promised by the case {other}"),
        ));
    }
    let used: Vec<&str> = facts
        .targets
        .iter()
        .filter(|room| room.occupancy.as_deref() != Some("idle"))
        .map(|room| room.number.as_str())
        .collect();
    match used.is_empty() {
        true => None,
        false => Some((
            format!("房间{}并非闲置", used.join("、")),
            format!("these rooms are not idle: {}", used.join(", ")),
        )),
    }
}

fn lease_beyond(case: &CaseContent, facts: &AllocationFacts) -> Option<Words> {
    let Some(lease) = case.details.lease_in() else {
        return missing(true, "没有租赁合同记录", "the lease is missing (lease_in)");
    };
    if let Ok(asks) = &facts.asks_m2
        && lease.use_area_m2 > *asks
    {
        return Some((
            format!("租用面积{}㎡超过核准的{}㎡", lease.use_area_m2, asks.round_dp(2)),
            format!(
                "the lease is of {} m², and {} m² were approved",
                lease.use_area_m2,
                asks.round_dp(2)
            ),
        ));
    }
    missing(
        lease.rent_year > lease.market_rent_year,
        &format!("年租金{}元高于市场水平{}元", lease.rent_year, lease.market_rent_year),
        &format!(
            "the rent of {} a year is above the market's {}",
            lease.rent_year, lease.market_rent_year
        ),
    )
}

fn funded_otherwise(case: &CaseContent) -> Option<Words> {
    let construction: Option<&Construction> = case.details.last(|fact| match fact {
        Fact::Construction(construction) => Some(construction),
        _ => None,
    });
    missing(
        construction.is_none_or(|construction| construction.fund != BuildingFund::Budget),
        "资金须由预算安排，不得使用其他来源",
        "the money must come from the budget, and from nowhere else",
    )
}

fn begun_unapproved(case: &CaseContent) -> Option<Words> {
    let works: Option<&Works> = case.details.last(|fact| match fact {
        Fact::Works(works) => Some(works),
        _ => None,
    });
    let approved = case
        .details
        .decisions(Decided::Approval)
        .map(|decision| decision.on)
        .max();
    match works {
        None => missing(true, "没有开工记录", "the beginning of the works is missing (works)"),
        Some(works) => missing(
            approved.is_none_or(|approved| works.started_on < approved),
            "开工早于项目批复，属无批准文号建设",
            "the works began before the project was approved",
        ),
    }
}

fn above_rank(facts: &AllocationFacts) -> Option<Words> {
    let leader = facts.leader.as_ref()?;
    let limit = match &leader.limit_m2 {
        Ok(limit) => *limit,
        Err(why) => return Some((why.zh.clone(), why.en.clone())),
    };
    let Some(area) = leader.area_m2 else {
        return missing(
            true,
            "房间没有使用面积，无法核对限额",
            "the room's use area is not known, so it can't be held against the limit",
        );
    };
    (area > limit).then(|| {
        let over = (area - limit).normalize();
        (
            format!(
                "办公室{}㎡超过职级限额{}㎡，超{over}㎡",
                area.normalize(),
                limit.normalize()
            ),
            format!(
                "the office of {} m² is above the limit of {} m² by {over} m²",
                area.normalize(),
                limit.normalize()
            ),
        )
    })
}

fn sits_elsewhere(case: &CaseContent, facts: &AllocationFacts) -> Option<Words> {
    let (leader, room) = (facts.leader.as_ref()?, case.details.leader_room()?);
    if leader.others.is_empty() {
        return None;
    }
    let names: Vec<&str> = leader.others.iter().map(|(number, _)| number.as_str()).collect();
    let smallest = leader.others.iter().filter_map(|(_, area)| *area).min();
    let is_smaller = leader
        .area_m2
        .zip(smallest)
        .is_some_and(|(area, smallest)| area < smallest);
    let is_allowed = room.post == "part_time" && room.post_ends.is_some() && room.second_office_approval.is_some();
    missing(
        !(is_allowed && is_smaller),
        &format!(
            "其已在{}有办公室；只有兼职、另经批准、写明兼职期限且面积较小的方可配置第二处",
            names.join("、")
        ),
        &format!(
            "they have an office already ({}); a second one is only for a part-time post whose end is said, approved apart, and smaller",
            names.join(", ")
        ),
    )
}

/// Does one of the guards of units' cases hold? Why not, in both languages.
pub(super) fn check(guard: Guard, case: &CaseContent, facts: Option<&AllocationFacts>, today: Date) -> Option<Words> {
    let Some(facts) = facts else {
        return missing(
            true,
            "案件没有申请单位",
            "the case has no unit that asks, or the unit is not registered any more",
        );
    };
    let vacates = case.details.need.as_ref().is_some_and(|need| need.vacates);
    match guard {
        Guard::StockAnswered => stock_unanswered(case, facts),
        Guard::WithinEntitlement => beyond_entitlement(case, facts),
        Guard::AllotmentRecorded => missing(
            case.details.allotment().is_none() || facts.targets.is_empty(),
            "没有拟定的调剂房源",
            "the space that is to be given is missing (allotment)",
        ),
        Guard::AllotmentFree => not_free(facts),
        Guard::LeaseWithinApproval => lease_beyond(case, facts),
        Guard::ConstructionRecorded => missing(
            !has(case, "construction"),
            "没有建设内容",
            "what is to be built is missing (construction)",
        ),
        Guard::BudgetFunded => funded_otherwise(case),
        Guard::BuildingApproved => begun_unapproved(case),
        Guard::AccountsRecorded => missing(
            !has(case, "final_accounts"),
            "没有竣工决算记录",
            "the final accounts are missing (final_accounts)",
        ),
        Guard::OldPremisesHandedOver => missing(
            vacates && !case.details.documents().contains("old_premises_handover"),
            "旧房尚未移交",
            "the old premises are not handed over (document old_premises_handover)",
        ),
        Guard::MovablesListed => missing(
            (vacates || case.procedure == Procedure::SwapPremises) && !has(case, "movables"),
            "腾退房间的家具设备清单尚未移交公物仓",
            "the list of what is movable in the rooms that are left did not go to the shared store (movables)",
        ),
        Guard::LeaderRoomRecorded => missing(
            case.details.leader_room().is_none(),
            "没有人员和房间",
            "who is to sit where is missing (leader_room)",
        ),
        Guard::LeaderWithinLimit => above_rank(facts),
        Guard::LeaderOneRoom => sits_elsewhere(case, facts).or_else(|| {
            let room = case.details.leader_room()?;
            missing(
                room.post_ends.is_some_and(|ends| ends < today),
                "兼职已结束",
                "the part-time post has ended already",
            )
        }),
        _ => misplaced(guard),
    }
}
