//! `GET /api/v1/policy-cases/{id}`: one case with its stepper, its money, and the steps from here.

use axum::Json;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use rust_decimal::Decimal;
use serde::Serialize;
use time::Date;
use uuid::Uuid;

use super::allocation_guards::AllocationFacts;
use super::content::{CaseContent, CaseDetails, select_cases};
use super::facts::Side;
use super::guards::{Said, Surroundings, Unmet, chain, unmet};
use super::open::place_of;
use super::permission::works_at;
use super::procedure::{Definition, Guard, Procedure};
use super::receiving::TransferTold;
use super::transition::price_of;
use crate::approval_thresholds::Office;
use crate::documents::{Document, documents_of};
use crate::idle_space::SuitableSpace;
use crate::ids::{PolicyCaseId, VersionId};
use crate::money::Money;
use crate::period::day;
use crate::procedures::state_term;
use crate::request::{Context, Page, Problem, Times};
use crate::space::BothLanguages;
use crate::versioned::{HistoryFacts, Named, VersionFacts, answer_read, history};

pub(super) const WHAT: &str = "this case";

pub(super) fn parse_id(text: &str) -> Result<PolicyCaseId, Problem> {
    Uuid::parse_str(text)
        .map(PolicyCaseId)
        .map_err(|_| Problem::not_found(WHAT))
}

/// A document that a step needs.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = PolicyDocumentWanted)]
pub struct Wanted {
    /// Its kind.
    pub kind: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// Is it there?
    pub here: bool,
}

/// A step that can be taken from here.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PolicyOpenStep)]
pub struct OpenStep {
    /// The transition.
    pub transition: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// The state it leads to.
    pub to: String,
    /// Whose step it is: any of these roles.
    pub roles: Vec<String>,
    /// Does it take another person than the one who put the case forward?
    pub four_eyes: bool,
    /// Does it want the number of a document (文号)?
    pub decision: bool,
    /// Does the case choose its route with it?
    pub chooses_route: bool,
    /// What has to be said with it.
    pub asks: Vec<Guard>,
    /// The documents that it needs.
    pub documents: Vec<Wanted>,
    /// What still stands in its way.
    pub unmet: Vec<Unmet>,
    /// Where the law says so.
    pub source: Option<String>,
}

/// A state of the straight way.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PolicyTrackState)]
pub struct TrackState {
    /// The state.
    pub id: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// Is it behind the case?
    pub done: bool,
    /// Is the case there?
    pub here: bool,
}

/// How long the case may still stay where it is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PolicyCaseClock)]
pub struct ClockTold {
    /// Day 0.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub started_on: Date,
    /// So many days,
    pub days: u32,
    /// `working` or `calendar`.
    pub count: String,
    /// Does it rest, and why?
    pub rests_because: Option<String>,
    /// The last day, where it is known.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub due_on: Option<Date>,
    /// The earliest it can be, where a year's working days aren't published yet.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub not_before: Option<Date>,
    /// The days left while it rests.
    pub left: Option<u32>,
    /// Is it over?
    pub overdue: bool,
    /// The roles to which it has gone by now.
    pub escalated_to: Vec<String>,
}

/// The money of a case, yuan.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PolicyCaseMoney)]
pub struct MoneyTold {
    /// 账面价值
    #[schema(value_type = Option<String>)]
    pub book_value: Option<Money>,
    /// 评估价值
    #[schema(value_type = Option<String>)]
    pub appraised: Option<Money>,
    /// The last day on which the appraisal holds.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub appraisal_until: Option<Date>,
    /// 底价
    #[schema(value_type = Option<String>)]
    pub reserve: Option<Money>,
    /// A price that was approved.
    #[schema(value_type = Option<String>)]
    pub approved_price: Option<Money>,
    /// 成交价
    #[schema(value_type = Option<String>)]
    pub price: Option<Money>,
    /// What was paid.
    #[schema(value_type = String)]
    pub paid: Money,
    /// What was remitted to the treasury.
    #[schema(value_type = String)]
    pub remitted: Money,
}

/// What is due to the unit that asks, what it has and what it asks for: basic office space, m² of use area.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PolicyCaseSpace)]
pub struct SpaceTold {
    /// Its level.
    pub level: String,
    /// What is due; null where that can't be said.
    #[schema(value_type = Option<String>)]
    pub entitled_m2: Option<Decimal>,
    /// What it has and keeps.
    #[schema(value_type = String)]
    pub keeps_m2: Decimal,
    /// What it asks for.
    #[schema(value_type = Option<String>)]
    pub asks_m2: Option<Decimal>,
    /// Why something can't be said.
    pub why_none: Option<BothLanguages>,
    /// Idle space of the same city that would do: it comes first (行政事业性国有资产管理条例 art. 11).
    pub suitable: Vec<SuitableSpace>,
    /// The rule that says so.
    pub rule: &'static str,
    /// Its article.
    pub article: &'static str,
}

/// A case.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PolicyCase {
    /// Its id, for ever.
    pub id: Uuid,
    /// By which procedure.
    pub procedure: Procedure,
    /// The digest of the definition that it began with.
    pub definition: String,
    /// The parcel or building; of a unit's case once it is known which.
    pub asset: Option<Named>,
    /// Which of the two.
    pub asset_kind: Option<String>,
    /// The unit that asks.
    pub unit: Option<Named>,
    /// What is due to it, what it has, and what there is.
    pub space: Option<SpaceTold>,
    /// The day that is watched where no deadline runs: the end of a lease.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub watched_until: Option<Date>,
    /// The lease that it made, in the register of leases (租用).
    pub lease_id: Option<Uuid>,
    /// How many rooms it is about, and their building area, m².
    pub rooms: i64,
    /// That area, m².
    #[schema(value_type = Option<String>)]
    pub rooms_area_m2: Option<rust_decimal::Decimal>,
    /// The region in which the asset lay when the case began.
    pub region_code: Option<String>,
    /// Its state.
    pub state: String,
    /// The state in Chinese.
    pub state_zh: String,
    /// The state in English.
    pub state_en: String,
    /// Has it not ended?
    pub is_open: bool,
    /// The route that is chosen.
    pub route: Option<String>,
    /// The straight way on that route.
    pub track: Vec<TrackState>,
    /// Who opened it.
    pub opened_by: String,
    /// Who put it forward.
    pub put_forward_by: Option<String>,
    /// Who judged it.
    pub decided_by: Option<String>,
    /// Who approves, in this order; empty where one approval is enough.
    pub chain: Vec<Office>,
    /// How long it may still stay where it is.
    pub clock: Option<ClockTold>,
    /// The money.
    pub money: MoneyTold,
    /// To which bureau it is to go, and what that says.
    pub transfer: Option<TransferTold>,
    /// Is some of its work the reader's: do their grants reach where the case is?
    pub within_reach: bool,
    /// What may be recorded here.
    pub records_taken: Vec<String>,
    /// All that was said.
    pub details: CaseDetails,
    /// What is known of the papers that came as files.
    pub files: Vec<Document>,
    /// The steps from here.
    pub steps: Vec<OpenStep>,
    /// The version that is known.
    #[serde(flatten)]
    pub version: VersionFacts,
}

/// One case, with the steps from here.
#[utoipa::path(get, path = "/api/v1/policy-cases/{id}", operation_id = "get_policy_case", tag = "policy cases",
    params(("id" = Uuid, Path), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = PolicyCase, headers(("ETag" = String))), (status = 304), (status = 404, body = Problem)))]
pub(super) async fn get_policy_case(
    context: Context,
    times: Times,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let case = load(&context, id, times).await?;
    context.note_read_behind("policy_case", vec![id.0]).await?;
    Ok(answer_read(&headers, VersionId(case.version.version_id), case))
}

/// What is said with the step itself is no obstacle beforehand; nor is what depends on the route that it chooses.
const ASKED: [Guard; 5] = [
    Guard::ReasonGiven,
    Guard::DateGiven,
    Guard::PriceGiven,
    Guard::ApprovalInOrder,
    Guard::RouteScored,
];

pub(super) async fn load(context: &Context, id: PolicyCaseId, times: Times) -> Result<PolicyCase, Problem> {
    let mut connection = context.database.begin_snapshot().await?;
    let row = if times.known_at_asked {
        select_cases!(
            "where v.object_id = $1 and v.recorded @> $2::timestamptz",
            id.0,
            times.known_at
        )
        .fetch_optional(&mut *connection)
        .await?
    } else {
        select_cases!("where v.object_id = $1 and upper_inf(v.recorded)", id.0)
            .fetch_optional(&mut *connection)
            .await?
    };
    let row = row.ok_or_else(|| Problem::not_found(WHAT))?;
    let version = VersionFacts::new(row.version_id, &row.valid, &row.recorded);
    let case = row.content()?;
    let (asset, asset_kind) = match case.asset_id {
        None => (None, None),
        Some(asset) => {
            let found = sqlx::query!(
                r#"select u.kind, v.code as "code?", v.name as "name?"
                     from spatial_unit u
                     left join lateral (
                          select code, name from spatial_unit_version
                           where object_id = u.id and upper_inf(recorded) order by lower(valid) desc limit 1) v on true
                    where u.id = $1"#,
                asset,
            )
            .fetch_optional(&mut *connection)
            .await?;
            let named = |code, name| Named { id: asset, code, name };
            match found {
                // Who sees the unit need not see what it was given.
                None => (Some(named(None, None)), None),
                Some(found) => (Some(named(found.code, found.name)), Some(found.kind)),
            }
        }
    };
    let unit = match case.unit_id {
        None => None,
        Some(unit) => sqlx::query!(
            "select code, name from unit_version where object_id = $1 and upper_inf(recorded) order by lower(valid) desc limit 1",
            unit,
        )
        .fetch_optional(&mut *connection)
        .await?
        .map(|found| Named {
            id: unit,
            code: Some(found.code),
            name: Some(found.name),
        }),
    };
    let rooms = sqlx::query!(
        r#"select count(*) as "count!", sum(building_area_m2) as area
             from (select distinct on (object_id) object_id, building_area_m2 from room_version
                    where building_id = $1 and upper_inf(recorded)
                      and (cardinality($2::uuid[]) = 0 or object_id = any($2))
                    order by object_id, lower(valid) desc) rooms"#,
        case.asset_id,
        case.details.room_ids.as_slice(),
    )
    .fetch_one(&mut *connection)
    .await?;
    let lease_id = sqlx::query_scalar!(
        "select object_id from lease_version where case_id = $1 and recorded @> $2::timestamptz limit 1",
        id.0,
        times.known_at,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let definition = super::definition_of(&mut connection, &case).await?;
    let around = Surroundings::read(
        &mut connection,
        (id, &case),
        case.route.as_deref(),
        Times::now(&context.clock),
    )
    .await?;
    let state = definition.state(&case.state);
    let files = documents_of(&mut connection, &case.details.files()).await?;
    let transfer = super::receiving::told(&mut connection, &context.caller, (&case, &definition)).await?;
    let place = place_of(&mut connection, &case).await?;
    Ok(PolicyCase {
        id: id.0,
        procedure: case.procedure,
        asset,
        asset_kind,
        unit,
        space: around.allocation.as_ref().map(told_space),
        watched_until: case.due_on.filter(|_| case.is_open && case.details.clock.is_none()),
        lease_id,
        rooms: rooms.count,
        rooms_area_m2: rooms.area.map(|area| area.normalize()),
        state_zh: state.map(|state| state.zh.clone()).unwrap_or_default(),
        state_en: state.map(|state| state.en.clone()).unwrap_or_default(),
        records_taken: state.map(|state| state.records.clone()).unwrap_or_default(),
        track: track(&definition, &case),
        chain: chain(&around).to_vec(),
        clock: clock_of(&definition, &case, &around),
        money: money_of(&case),
        steps: open_steps(&definition, &case, &around),
        within_reach: works_at(&context.caller, place.as_ref()),
        transfer,
        definition: case.definition,
        region_code: case.region_code,
        state: case.state,
        is_open: case.is_open,
        route: case.route,
        opened_by: case.opened_by,
        put_forward_by: case.put_forward_by,
        decided_by: case.decided_by,
        details: case.details,
        files,
        version,
    })
}

fn told_space(facts: &AllocationFacts) -> SpaceTold {
    let (entitled, asks) = (&facts.space.entitled_m2, &facts.asks_m2);
    SpaceTold {
        level: facts.space.level.clone(),
        entitled_m2: entitled.as_ref().ok().map(|area| area.round_dp(2).normalize()),
        keeps_m2: facts.keeps_m2.round_dp(2).normalize(),
        asks_m2: asks.as_ref().ok().map(|area| area.round_dp(2).normalize()),
        why_none: entitled.as_ref().err().or(asks.as_ref().err()).cloned(),
        suitable: facts.suitable.clone(),
        rule: "ALC-01",
        article: "行政事业性国有资产管理条例 art. 11",
    }
}

fn track(definition: &Definition, case: &CaseContent) -> Vec<TrackState> {
    let states: Vec<_> = definition.track(case.route.as_deref()).collect();
    // A case that stands aside came from the last state that it left on the straight way.
    let here = states.iter().position(|state| state.id == case.state).or_else(|| {
        case.details.taken.iter().rev().find_map(|taken| {
            let to = &definition.transition(&taken.transition)?.to;
            states.iter().position(|state| state.id == *to)
        })
    });
    let here = here.unwrap_or(0);
    states
        .iter()
        .enumerate()
        .map(|(at, state)| TrackState {
            id: state.id.clone(),
            zh: state.zh.clone(),
            en: state.en.clone(),
            done: at < here || (at == here && state.end),
            here: state.id == case.state,
        })
        .collect()
}

fn clock_of(definition: &Definition, case: &CaseContent, around: &Surroundings) -> Option<ClockTold> {
    let clock = case.details.clock.as_ref().filter(|_| case.is_open)?;
    let today = around.today;
    let term = state_term(definition, (&case.state, clock), &around.calendar, today);
    Some(ClockTold {
        started_on: clock.started_on,
        days: clock.days,
        count: match clock.count {
            workflow::Count::Working => "working".to_owned(),
            workflow::Count::Calendar => "calendar".to_owned(),
        },
        rests_because: clock
            .pauses
            .last()
            .filter(|pause| pause.to.is_none())
            .map(|pause| pause.reason.clone()),
        due_on: term.due_on,
        not_before: term.not_before,
        left: term.left,
        overdue: term.due_on.is_some_and(|due_on| due_on < today),
        escalated_to: term.escalated_to,
    })
}

fn money_of(case: &CaseContent) -> MoneyTold {
    let details = &case.details;
    let appraisal = details.appraisal(Side::Own);
    MoneyTold {
        book_value: details.verification().map(|found| found.book_value),
        appraised: appraisal.map(|appraisal| appraisal.value),
        appraisal_until: appraisal.map(super::facts::Appraisal::last_day),
        reserve: details.round().map(|(_, round)| round.reserve),
        approved_price: price_of(&details.decisions),
        price: details
            .contract()
            .map(|contract| contract.price)
            .or(details.award().map(|award| award.price)),
        paid: details.paid(),
        remitted: details.remitted(),
    }
}

fn open_steps(definition: &Definition, case: &CaseContent, around: &Surroundings) -> Vec<OpenStep> {
    let here = case.details.documents();
    definition
        .leaving(&case.state, case.route.as_deref())
        .map(|transition| {
            let (asks, holds): (Vec<Guard>, Vec<Guard>) = transition
                .guards
                .iter()
                .copied()
                .partition(|guard| ASKED.contains(guard));
            let route = case.route.as_deref().filter(|_| !transition.chooses_route);
            let said = Said {
                route,
                ..Said::default()
            };
            let documents = workflow::step::documents_for(definition, transition, route)
                .into_iter()
                .map(|kind| {
                    let label = definition.document_kinds.get(kind);
                    Wanted {
                        kind: kind.to_owned(),
                        zh: label.map(|label| label.zh.clone()).unwrap_or_default(),
                        en: label.map(|label| label.en.clone()).unwrap_or_default(),
                        here: here.contains(kind),
                    }
                })
                .collect();
            OpenStep {
                transition: transition.id.clone(),
                zh: transition.zh.clone(),
                en: transition.en.clone(),
                to: transition.to.clone(),
                roles: transition.roles.clone(),
                four_eyes: transition.four_eyes,
                decision: transition.decision,
                chooses_route: transition.chooses_route,
                asks,
                documents,
                unmet: unmet(&holds, case, around, said),
                source: transition.source.clone(),
            }
        })
        .collect()
}

/// One step of a case's history.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PolicyCaseVersion)]
pub struct CaseVersion {
    /// When, by whom and why.
    #[serde(flatten)]
    pub history: HistoryFacts,
    /// The state it came to.
    pub state: String,
}

/// Every version of a case, the latest first.
#[utoipa::path(get, path = "/api/v1/policy-cases/{id}/versions", operation_id = "list_policy_case_versions", tag = "policy cases",
    params(("id" = Uuid, Path)), responses((status = 200, body = Page<CaseVersion>), (status = 404, body = Problem)))]
pub(super) async fn list_policy_case_versions(
    context: Context,
    Path(id): Path<String>,
) -> Result<Json<Page<CaseVersion>>, Problem> {
    let id = parse_id(&id)?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = select_cases!("where v.object_id = $1 order by lower(v.recorded), v.version_id", id.0)
        .fetch_all(&mut *snapshot)
        .await?;
    if rows.is_empty() {
        return Err(Problem::not_found(WHAT));
    }
    let told = history::<CaseContent>(&mut snapshot, id.0, rows.into_iter().map(|row| row.stored())).await?;
    let items = told
        .into_iter()
        .map(|(history, content)| CaseVersion {
            history,
            state: content.state,
        })
        .collect();
    drop(snapshot);
    context.note_read_behind("policy_case", vec![id.0]).await?;
    Ok(Json(Page {
        items,
        next: None,
        total: None,
    }))
}
