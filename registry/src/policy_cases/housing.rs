//! A house that becomes homes for staff for a time (周转住房): what is recorded, what must hold, and what it brings about.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::content::{CaseContent, Decided};
use super::effects::{Made, occasion_of};
use super::facts::Fact;
use super::guards::misplaced;
use super::procedure::{Guard, Procedure};
use crate::ids::RoomId;
use crate::ledger::Action;
use crate::money::Money;
use crate::period::{reach, revise};
use crate::request::{Fault, Problem};
use crate::rooms::HOME;
use crate::versioned::write_revision;

/// The most homes of one house.
const MOST_HOMES: usize = 1_000;

/// What a house was before it is homes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HousingSource {
    /// 存量公有住房
    PublicHousing,
    /// 闲置院落、老楼
    IdleCompound,
}

/// Why this house is to be homes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HousingChoice {
    /// What it was.
    pub source: HousingSource,
    /// 位置
    pub place: String,
    /// 环境、配套
    pub surroundings: String,
    /// Who wants homes there.
    pub demand: String,
}

/// How many homes it is to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HousingPlan {
    /// How many.
    pub homes: u32,
    /// What is done to the house.
    pub works: String,
    /// 概算, yuan; nothing where nothing is done.
    #[schema(value_type = String)]
    pub estimate: Money,
    /// By what the rent is set: income, market.
    pub rent_ground: String,
}

impl HousingPlan {
    pub(super) fn check(&self) -> Result<(), Problem> {
        match (1..=1_000).contains(&self.homes) {
            true => Ok(()),
            false => {
                Err(Problem::invalid("homes", "房源套数为 1–1000 / 1 to 1000 homes").remedy("send a number of homes"))
            }
        }
    }
}

/// Why no refit is needed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoRefit {
    /// Why.
    pub reason: String,
}

/// The rooms that are homes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HomesListed)]
pub struct Homes {
    /// One room a home.
    pub room_ids: Vec<Uuid>,
}

impl Homes {
    pub(super) fn check(&self) -> Result<(), Problem> {
        let mut rooms = self.room_ids.clone();
        rooms.sort_unstable();
        rooms.dedup();
        match !rooms.is_empty() && rooms.len() == self.room_ids.len() && rooms.len() <= MOST_HOMES {
            true => Ok(()),
            false => Err(Problem::invalid(
                "room_ids",
                "请逐套列出房源，每套一次 / no home is named, one is there twice, or there are too many",
            )
            .remedy("send each home once")),
        }
    }
}

/// Turnover housing is one building a case: a compound goes house by house, and land has no homes.
pub(super) async fn require_building(
    connection: &mut PgConnection,
    (asset, rooms): (Uuid, &[Uuid]),
) -> Result<(), Problem> {
    if !rooms.is_empty() {
        return Err(Problem::invalid(
            "room_ids",
            "房源在办理中登记 / which rooms are homes is said in the case",
        )
        .remedy("leave room_ids out"));
    }
    let kind = sqlx::query_scalar!("select kind from spatial_unit where id = $1", asset)
        .fetch_optional(connection)
        .await?;
    match kind.as_deref() {
        Some("building") => Ok(()),
        _ => Err(Problem::invalid(
            "asset_id",
            "周转住房逐栋立案，请选择楼栋 / turnover housing is one building a case",
        )
        .code("not_a_building")
        .remedy("choose a building; of a compound, one after the other")),
    }
}

/// Does the case make housing of what is none yet?
pub(super) fn changes_use(case: &CaseContent) -> bool {
    case.procedure == Procedure::TurnoverHousing
        && choice(case).is_none_or(|choice| choice.source == HousingSource::IdleCompound)
}

fn choice(case: &CaseContent) -> Option<&HousingChoice> {
    case.details.last(|fact| match fact {
        Fact::HousingChoice(choice) => Some(choice),
        _ => None,
    })
}

/// A repair case about the house.
#[derive(Debug)]
struct Refit {
    state: String,
    completed_on: Option<Date>,
}

/// A room that is to be a home.
#[derive(Debug)]
struct Home {
    number: String,
    use_area_m2: Option<Decimal>,
    occupancy: Option<String>,
    is_taken: bool,
}

/// What is known of a house that is to be homes.
#[derive(Debug)]
pub(super) struct HousingFacts {
    refits: Vec<Refit>,
    homes: Vec<Home>,
    /// A case that makes it turnover housing is open, or came to its end.
    has_case: bool,
}

impl HousingFacts {
    /// Reads what there is to know; none for a case that makes no homes.
    pub async fn read(
        connection: &mut PgConnection,
        case: &CaseContent,
        route: Option<&str>,
        today: Date,
    ) -> Result<Option<Self>, Fault> {
        if case.procedure != Procedure::TurnoverHousing && route != Some("convert_housing") {
            return Ok(None);
        }
        let refits = sqlx::query_as!(
            Refit,
            r#"select c.state,
                      (select max((works ->> 'completed_on')::date)
                         from policy_case_facts(c.details, 'completion') works) as completed_on
                 from policy_case_version c
                where c.asset_id = $1 and c.procedure = 'repair' and c.state not in ('refused', 'withdrawn')
                  and upper_inf(c.recorded)"#,
            case.asset_id,
        )
        .fetch_all(&mut *connection)
        .await?;
        // A home is taken by whoever sits in it, has agreed to use it, rents it, or was promised it.
        let homes = sqlx::query_as!(
            Home,
            r#"select r.number, r.use_area_m2, r.occupancy,
                      exists (select from occupant_version o
                               where o.room_id = r.object_id and o.valid @> $2::date and upper_inf(o.recorded))
                      or exists (select from use_agreement_version a
                                  where a.room_ids @> array[r.object_id] and a.status in ('signed', 'certified')
                                    and (a.ends_on is null or a.ends_on > $2) and a.valid @> $2::date and upper_inf(a.recorded))
                      or exists (select from lease_version l
                                  where l.room_ids @> array[r.object_id] and l.valid @> $2::date and upper_inf(l.recorded))
                      as "is_taken!"
                 from room_version r
                where r.object_id = any($3) and r.building_id = $1 and r.valid @> $2::date and upper_inf(r.recorded)
                order by r.floor, r.number"#,
            case.asset_id,
            today,
            case.details.homes(),
        )
        .fetch_all(&mut *connection)
        .await?;
        let has_case = sqlx::query_scalar!(
            r#"select exists (
                   select from policy_case_version
                    where asset_id = $1 and procedure = 'turnover_housing' and state not in ('refused', 'withdrawn')
                      and upper_inf(recorded)) as "has!""#,
            case.asset_id,
        )
        .fetch_one(connection)
        .await?;
        Ok(Some(Self {
            refits,
            homes,
            has_case,
        }))
    }
}

/// Words in Chinese and in English.
type Words = (String, String);

fn missing(is_missing: bool, zh: &str, en: &str) -> Option<Words> {
    is_missing.then(|| (zh.to_owned(), en.to_owned()))
}

fn refit_open(case: &CaseContent, facts: &HousingFacts) -> Option<Words> {
    let no_refit = case.details.facts().any(|(_, fact)| matches!(fact, Fact::NoRefit(_)));
    let approved = case
        .details
        .decisions(Decided::Approval)
        .map(|decision| decision.on)
        .max();
    // What was repaired before the plan was approved is another story.
    let is_done = |refit: &Refit| {
        matches!(refit.state.as_str(), "inspected" | "archived")
            && refit
                .completed_on
                .zip(approved)
                .is_some_and(|(done, approved)| done >= approved)
    };
    let is_under_way = |refit: &Refit| !matches!(refit.state.as_str(), "inspected" | "archived");
    if facts.refits.iter().any(is_under_way) {
        return missing(
            true,
            "该楼栋的大中修案件尚未竣工核查",
            "a repair case about this house is not finished",
        );
    }
    missing(
        !no_refit && !facts.refits.iter().any(is_done),
        "没有批复后完成的大中修案件，也没有说明不需整修的理由",
        "no repair case was finished since the approval, and why none is needed is not on record (no_refit)",
    )
}

fn homes_open(case: &CaseContent, facts: &HousingFacts) -> Option<Words> {
    let listed = case.details.homes().len();
    if listed == 0 || facts.homes.len() != listed {
        return missing(
            true,
            "没有房源清单，或有房源已不在该楼栋",
            "the list of homes is missing, or one of them is no room of this house any more (homes)",
        );
    }
    let numbers = |is_wrong: &dyn Fn(&Home) -> bool| {
        facts
            .homes
            .iter()
            .filter(|home| is_wrong(home))
            .map(|home| home.number.as_str())
            .collect::<Vec<_>>()
    };
    let unmeasured = numbers(&|home| home.use_area_m2.is_none_or(|area| area <= Decimal::ZERO));
    if !unmeasured.is_empty() {
        return Some((
            format!("房源{}没有使用面积", unmeasured.join("、")),
            format!("the use area of these homes is not known: {}", unmeasured.join(", ")),
        ));
    }
    let taken = numbers(&|home| home.is_taken || matches!(home.occupancy.as_deref(), Some("let" | "lent")));
    (!taken.is_empty()).then(|| {
        (
            format!("房源{}已有人使用、租用或借用", taken.join("、")),
            format!("these homes are used, let or lent: {}", taken.join(", ")),
        )
    })
}

/// Does one of the guards of turnover housing hold? Why not, in both languages.
pub(super) fn check(guard: Guard, case: &CaseContent, facts: Option<&HousingFacts>) -> Option<Words> {
    let details = &case.details;
    let Some(facts) = facts else {
        return missing(true, "案件没有楼栋", "the case has no house");
    };
    match guard {
        Guard::HousingChosen => missing(
            choice(case).is_none(),
            "没有遴选理由(位置、环境、需求)",
            "why this house is chosen is missing (housing_choice: place, surroundings, demand)",
        )
        .or_else(|| {
            missing(
                details.verification().is_some_and(|found| !found.safe)
                    && !details.documents().contains("structural_appraisal"),
                "房屋不安全，须有可加固使用的鉴定报告",
                "the house is not safe, and no expert says that it can be made so (document structural_appraisal)",
            )
        }),
        Guard::HousingPlanned => missing(
            !details.facts().any(|(_, fact)| matches!(fact, Fact::HousingPlan(_))),
            "没有改造方案(套数、概算、租金依据)",
            "the plan is missing (housing_plan: homes, works, estimate, ground of the rent)",
        ),
        Guard::RefitDone => refit_open(case, facts),
        Guard::HomesListed => homes_open(case, facts),
        Guard::HousingCaseOpened => missing(
            !facts.has_case,
            "请先为该楼栋开立“转化为周转住房”案件",
            "open the case that makes it turnover housing first (procedure turnover_housing)",
        ),
        _ => misplaced(guard),
    }
}

/// The rooms on the list are homes from the day of the step on: no office any more, and no unit's.
///
/// # Errors
/// The database's.
pub(super) async fn set_up_homes(
    connection: &mut PgConnection,
    case: &CaseContent,
    made: Made<'_>,
) -> Result<(), Problem> {
    for home in case.details.homes() {
        let held = crate::rooms::held_versions(connection, RoomId(*home)).await?;
        let Some(version) = held.iter().find(|version| version.valid.contains(made.on)) else {
            continue;
        };
        let mut content = version.content.clone();
        content.room_type = Some(HOME.to_owned());
        (content.purpose, content.part_of_id, content.type_basis, content.unit_id) = (None, None, None, None);
        if content.room_type == version.content.room_type && content.unit_id == version.content.unit_id {
            continue;
        }
        let revision = revise(&held, reach(&held, made.on), Some(content), made.now);
        write_revision(
            connection,
            *home,
            Action::Change,
            &revision,
            Some(&version.content),
            &occasion_of(made),
        )
        .await?;
    }
    Ok(())
}
