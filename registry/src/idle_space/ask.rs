//! `GET /api/v1/idle-space`.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Serialize;
use time::Date;

use super::index::IdleIndex;
use super::load::load;
use super::low_use::{LowUse, low_use};
use super::question::{Asked, FoundSpace, PER_HEAD_M2, Question};
use crate::period::day;
use crate::request::{Context, Permission, Problem, Times};

/// What was found, all of it together.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(super) struct FoundTotals {
    /// Buildings.
    pub buildings: usize,
    /// Idle rooms in them.
    pub rooms: usize,
    /// 使用面积, m²
    pub use_area_m2: f64,
    /// 建筑面积, m²
    pub building_area_m2: f64,
    /// People.
    pub capacity: u64,
}

/// Both languages.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = IdleSpaceSaid)]
pub(super) struct Said {
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

/// The answer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct IdleSpace {
    /// On this day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    as_of: Date,
    /// The buildings, in the order asked for.
    items: Vec<FoundSpace>,
    /// Of everything that was found, listed or not.
    totals: FoundTotals,
    /// Buildings in low use, where they were asked for; none of them is among the items.
    low_use: Option<LowUse>,
    /// 使用面积 a person that capacities are reckoned with, m².
    per_head_m2: f64,
    /// Where the figure comes from, where the planner set none.
    per_head_source: Option<Said>,
    /// How rooms are judged to be side by side.
    contiguity: Said,
}

/// How rooms are judged to be side by side.
pub(super) const CONTIGUITY: Said = Said {
    zh: "同一楼层按房号顺序相邻且全部闲置，中间没有在用房间",
    en: "rooms of one floor that follow each other by number, all idle, none in use between them",
};

const PER_HEAD_SOURCE: Said = Said {
    zh: "发改投资〔2014〕2674号：各级最低一档办公室使用面积每人 9 ㎡；不含服务用房",
    en: "NDRC 2674/2014: 9 m² of use area a person, the lowest grade at every level; without service rooms",
};

/// Which buildings have idle space that fits: by people, contiguous area, duration, cause, floor, usage, title and place.
///
/// For now and for whoever sees the whole registry it is answered from memory, a moment behind the last change.
#[utoipa::path(get, path = "/api/v1/idle-space", operation_id = "find_idle_space", tag = "idle space",
    params(Asked, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = IdleSpace), (status = 400, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn find_idle_space(
    context: Context,
    times: Times,
    State(index): State<IdleIndex>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<IdleSpace>, Problem> {
    let Query(asked) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let question = asked.question(times.as_of)?;
    let mut items = answer(&context, times, &index, &question).await?;
    let totals = add_up(&items);
    items.truncate(question.limit);
    let mut low_use = low_use(&context, times, &question).await?;
    if let Some(low_use) = &mut low_use {
        low_use.items.truncate(question.limit);
    }
    let little_used = low_use.iter().flat_map(|found| &found.items).map(|space| space.id);
    let told: Vec<_> = items.iter().map(|space| space.id).chain(little_used).collect();
    context.note_read_of(&told).await?;
    Ok(Json(IdleSpace {
        as_of: times.as_of,
        items,
        totals,
        low_use,
        per_head_m2: question.per_head_m2,
        per_head_source: ((question.per_head_m2 - PER_HEAD_M2).abs() < f64::EPSILON).then_some(PER_HEAD_SOURCE),
        contiguity: CONTIGUITY,
    }))
}

/// Everything that answers: from memory where that holds what the caller may see on that day, else from the database.
pub(super) async fn answer(
    context: &Context,
    times: Times,
    index: &IdleIndex,
    question: &Question,
) -> Result<Vec<FoundSpace>, Problem> {
    if times.is_now && context.caller.scope.holds_everywhere(Permission::ReadRegistry) {
        let found = index
            .on(times.as_of, |held| question.answer_all(held.spaces.values()))
            .await;
        if let Some(found) = found {
            return Ok(found);
        }
    }
    let mut transaction = context.database.begin_snapshot().await?;
    let spaces = load(&mut transaction, None, times).await?;
    transaction.commit().await?;
    Ok(question.answer_all(&spaces))
}

fn add_up(found: &[FoundSpace]) -> FoundTotals {
    let sum = |area: fn(&FoundSpace) -> Option<f64>| {
        // Adding up nothing begins with a negative zero.
        let sum: f64 = found.iter().filter_map(area).fold(0.0, |sum, area| sum + area);
        (sum * 1e4).round() / 1e4
    };
    FoundTotals {
        buildings: found.len(),
        rooms: found.iter().map(|space| space.rooms).sum(),
        use_area_m2: sum(|space| space.use_area_m2),
        building_area_m2: sum(|space| space.building_area_m2),
        capacity: found.iter().filter_map(|space| space.capacity).map(u64::from).sum(),
    }
}
