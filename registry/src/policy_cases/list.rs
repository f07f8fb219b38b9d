//! `GET /api/v1/policy-cases`: the queue, by what is due first.

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
use crate::request::{Context, Listed, Listing, Page, Problem, SortColumn, Times};

/// What the queue may be narrowed by.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// One of the procedures; all unless told.
    procedure: Option<String>,
    /// One or several states, comma-separated.
    state: Option<String>,
    /// One or several routes, comma-separated.
    route: Option<String>,
    /// The id of the parcel or building.
    asset: Option<Uuid>,
    /// The id of the unit that asks.
    unit: Option<Uuid>,
    /// Part of the asset's or the unit's name or code.
    q: Option<String>,
    /// Only those whose day is over.
    #[serde(default)]
    overdue: bool,
    /// Closed ones too.
    #[serde(default)]
    closed: bool,
    /// `due` (what is due first), `opened` or `state`; a minus in front turns it round.
    sort: Option<String>,
    /// Rows a page, 1 to 1000.
    limit: Option<u32>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// Count all rows too.
    #[serde(default)]
    count: bool,
}

/// A row of the queue.
#[derive(Debug, Serialize, FromRow, utoipa::ToSchema)]
#[schema(as = PolicyCaseRow)]
pub struct CaseRow {
    /// Its id.
    pub id: Uuid,
    /// By which procedure.
    pub procedure: String,
    /// Its state.
    pub state: String,
    /// Has it not ended?
    pub is_open: bool,
    /// The route that is chosen.
    pub route: Option<String>,
    /// The parcel or building; of a unit's case once it is known which.
    pub asset_id: Option<Uuid>,
    /// Its name, else its code.
    pub asset_name: Option<String>,
    /// The site that it belongs to.
    #[sqlx(skip)]
    pub site_name: Option<String>,
    /// Its address (坐落).
    #[sqlx(skip)]
    pub asset_address: Option<String>,
    /// The unit that asks.
    pub unit_id: Option<Uuid>,
    /// Its name.
    pub unit_name: Option<String>,
    /// Who opened it.
    pub opened_by: String,
    /// Since when.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub opened_on: Date,
    /// The last day of its state's deadline.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub due_on: Option<Date>,
    /// Is that day over?
    pub overdue: bool,
    /// The price of the deal, yuan.
    #[schema(value_type = Option<String>)]
    pub deal_price: Option<Decimal>,
}

const SORT: [SortColumn; 3] = [
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
        name: "state",
        expression: "v.state",
        is_number: false,
    },
];

/// The queue of policy cases.
#[utoipa::path(get, path = "/api/v1/policy-cases", operation_id = "list_policy_cases", tag = "policy cases",
    params(ListQuery), responses((status = 200, body = Page<CaseRow>), (status = 400, body = Problem)))]
pub(super) async fn list_policy_cases(
    context: Context,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Page<CaseRow>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let times = Times::now(&context.clock);
    let listing = Listing::new(&uri, &SORT, query.sort.as_deref(), query.limit, query.cursor.as_deref())?;
    let mut select = QueryBuilder::new(
        "select v.object_id as id, v.procedure, v.state, v.is_open, v.route, v.asset_id, coalesce(a.name, a.code) as asset_name,
                v.unit_id, w.name as unit_name, v.opened_by, lower(v.valid) as opened_on, v.due_on, v.deal_price, v.is_open and coalesce(v.due_on < ",
    );
    select.push_bind(times.as_of).push(", false) as overdue,");
    listing.push_columns(&mut select);
    push_from(&mut select);
    narrow(&mut select, times, &query)?;
    listing.push_page(&mut select);
    let mut snapshot = context.database.begin_snapshot().await?;
    let mut rows: Vec<Listed<CaseRow>> = select.build_query_as().fetch_all(&mut *snapshot).await?;
    let assets: Vec<Uuid> = rows.iter_mut().filter_map(|row| row.row_mut().asset_id).collect();
    let stands = crate::spatial_units::whereabouts_now(&mut snapshot, &assets).await?;
    for row in &mut rows {
        let row = row.row_mut();
        if let Some(there) = row.asset_id.and_then(|id| stands.get(&id).cloned()) {
            (row.site_name, row.asset_address) = (there.site_name, there.address);
        }
    }
    let total = if query.count {
        let mut count = QueryBuilder::new("select count(*)");
        push_from(&mut count);
        narrow(&mut count, times, &query)?;
        Some(count.build_query_scalar().fetch_one(&mut *snapshot).await?)
    } else {
        None
    };
    drop(snapshot);
    let page = listing.page(rows, total);
    let sites: Vec<Uuid> = stands.values().filter_map(|there| there.site_id).collect();
    context.note_read_of(&sites).await?;
    context
        .note_read_behind("policy_case", page.items.iter().map(|row| row.id).collect())
        .await?;
    Ok(Json(page))
}

/// An asset that left the books keeps the name that it had.
fn push_from(select: &mut QueryBuilder<Postgres>) {
    select.push(
        " from policy_case_version v
          left join lateral (
               select name, code from spatial_unit_version s
                where s.object_id = v.asset_id and upper_inf(s.recorded) order by lower(s.valid) desc limit 1) a on true
          left join lateral (
               select name, code from unit_version u
                where u.object_id = v.unit_id and upper_inf(u.recorded) order by lower(u.valid) desc limit 1) w on true",
    );
}

fn narrow(select: &mut QueryBuilder<Postgres>, times: Times, query: &ListQuery) -> Result<(), Problem> {
    let given = |field: &str, value: &Option<String>| match value.as_deref() {
        None | Some("") => Ok(None),
        Some(value) => plain_text(field, value, 400).map(Some),
    };
    let several = |words: &str| -> Vec<String> { words.split(',').map(|word| word.trim().to_owned()).collect() };
    select.push(" where upper_inf(v.recorded)");
    let states = given("state", &query.state)?;
    if !query.closed && states.is_none() {
        select.push(" and v.is_open");
    }
    if let Some(states) = states {
        select.push(" and v.state = any(").push_bind(several(&states)).push(")");
    }
    if let Some(procedure) = given("procedure", &query.procedure)? {
        select.push(" and v.procedure = ").push_bind(procedure);
    }
    if let Some(routes) = given("route", &query.route)? {
        select.push(" and v.route = any(").push_bind(several(&routes)).push(")");
    }
    if let Some(asset) = query.asset {
        select.push(" and v.asset_id = ").push_bind(asset);
    }
    if let Some(unit) = query.unit {
        select.push(" and v.unit_id = ").push_bind(unit);
    }
    if let Some(q) = given("q", &query.q)? {
        let pattern = crate::request::contains_pattern(&q);
        select.push(" and (a.name ilike ").push_bind(pattern.clone());
        select.push(" or w.name ilike ").push_bind(pattern.clone());
        select.push(" or a.code ilike ").push_bind(pattern).push(")");
    }
    if query.overdue {
        select.push(" and v.is_open and v.due_on < ").push_bind(times.as_of);
    }
    Ok(())
}
