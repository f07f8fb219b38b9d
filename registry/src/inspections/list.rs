//! `GET /api/v1/inspections`: those that the caller sees, by what is due first.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Query};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Postgres, QueryBuilder};
use time::Date;
use uuid::Uuid;

use crate::period::day;
use crate::request::fields::plain_text;
use crate::request::{Context, Listed, Listing, Page, Problem, SortColumn, Times, contains_pattern};

/// What the list may be narrowed by.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// One or several states, comma-separated.
    state: Option<String>,
    /// What lies in this region, by its code.
    region: Option<String>,
    /// Part of its title, or of the region's or unit's name.
    q: Option<String>,
    /// Those that have ended too.
    #[serde(default)]
    closed: bool,
    /// `due` (what is due first), `opened`, `title` or `score`; a minus in front turns it round.
    sort: Option<String>,
    /// Rows a page, 1 to 1000.
    limit: Option<u32>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// Count all rows too.
    #[serde(default)]
    count: bool,
}

/// A row of the list.
#[derive(Debug, Serialize, FromRow, utoipa::ToSchema)]
#[schema(as = InspectionRow)]
pub struct InspectionLine {
    /// Its id.
    pub id: Uuid,
    /// What it is called.
    pub title: String,
    /// Where.
    pub region_code: String,
    /// What the region is called.
    pub region_name: Option<String>,
    /// Of which level.
    pub admin_level: String,
    /// `own_level` or `lower_bureau`.
    pub target: String,
    /// The one unit, where it is about one.
    pub unit_id: Option<Uuid>,
    /// Its name.
    pub unit_name: Option<String>,
    /// 考核期: its first day,
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub period_from: Date,
    /// and its last.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub period_to: Date,
    /// Its state.
    pub state: String,
    /// Has it not ended?
    pub is_open: bool,
    /// The last day of its state's deadline.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub due_on: Option<Date>,
    /// Is that day over?
    pub overdue: bool,
    /// 得分
    #[schema(value_type = Option<String>)]
    pub score: Option<Decimal>,
    /// 等次
    pub grade: Option<String>,
    /// What was found.
    pub findings: i64,
    /// What of it is not settled yet.
    pub unsettled: i64,
}

const SORT: [SortColumn; 4] = [
    SortColumn {
        name: "due",
        expression: "coalesce(v.due_on, '9999-12-31')::text",
        is_number: false,
    },
    SortColumn {
        name: "opened",
        expression: "lower(v.valid)::text",
        is_number: false,
    },
    SortColumn {
        name: "title",
        expression: "v.title",
        is_number: false,
    },
    SortColumn {
        name: "score",
        expression: "coalesce(v.score, -1)::float8",
        is_number: true,
    },
];

/// The inspections that the caller sees.
#[utoipa::path(get, path = "/api/v1/inspections", operation_id = "list_inspections", tag = "inspections",
    params(ListQuery), responses((status = 200, body = Page<InspectionLine>), (status = 400, body = Problem)))]
pub(super) async fn list_inspections(
    context: Context,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Page<InspectionLine>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let times = Times::now(&context.clock);
    let listing = Listing::new(&uri, &SORT, query.sort.as_deref(), query.limit, query.cursor.as_deref())?;
    let mut select = QueryBuilder::new(
        "select v.object_id as id, v.title, v.region_code, r.name as region_name, v.admin_level, v.target, v.unit_id,
                w.name as unit_name, v.period_from, v.period_to, v.state, v.is_open, v.due_on,
                v.is_open and coalesce(v.due_on < ",
    );
    select
        .push_bind(times.as_of)
        .push(", false) as overdue, v.score, v.grade, f.findings, f.unsettled,");
    listing.push_columns(&mut select);
    push_from(&mut select);
    narrow(&mut select, &query)?;
    listing.push_page(&mut select);
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows: Vec<Listed<InspectionLine>> = select.build_query_as().fetch_all(&mut *snapshot).await?;
    let total = if query.count {
        let mut count = QueryBuilder::new("select count(*)");
        push_from(&mut count);
        narrow(&mut count, &query)?;
        Some(count.build_query_scalar().fetch_one(&mut *snapshot).await?)
    } else {
        None
    };
    Ok(Json(listing.page(rows, total)))
}

fn push_from(select: &mut QueryBuilder<Postgres>) {
    select.push(
        " from inspection_version v
          left join lateral (
               select name from region_version u
                where u.code = v.region_code and upper_inf(u.recorded) order by lower(u.valid) desc limit 1) r on true
          left join lateral (
               select name from unit_version u
                where u.object_id = v.unit_id and upper_inf(u.recorded) order by lower(u.valid) desc limit 1) w on true
         cross join lateral (
               select count(*) as findings, count(*) filter (where state <> 'confirmed' and deferred_until is null) as unsettled
                 from inspection_finding_version u
                where u.inspection_id = v.object_id and u.state <> 'void' and upper_inf(u.recorded)) f",
    );
}

fn narrow(select: &mut QueryBuilder<Postgres>, query: &ListQuery) -> Result<(), Problem> {
    let given = |field: &str, value: &Option<String>| match value.as_deref() {
        None | Some("") => Ok(None),
        Some(value) => plain_text(field, value, 400).map(Some),
    };
    select.push(" where upper_inf(v.recorded)");
    let states = given("state", &query.state)?;
    if !query.closed && states.is_none() {
        select.push(" and v.is_open");
    }
    if let Some(states) = states {
        let states: Vec<String> = states.split(',').map(|word| word.trim().to_owned()).collect();
        select.push(" and v.state = any(").push_bind(states).push(")");
    }
    if let Some(region) = given("region", &query.region)? {
        select
            .push(" and starts_with(v.region_code, ")
            .push_bind(crate::regions::subtree(&region).to_owned())
            .push(")");
    }
    if let Some(q) = given("q", &query.q)? {
        let pattern = contains_pattern(&q);
        select.push(" and (v.title ilike ").push_bind(pattern.clone());
        select.push(" or r.name ilike ").push_bind(pattern.clone());
        select.push(" or w.name ilike ").push_bind(pattern).push(")");
    }
    Ok(())
}
