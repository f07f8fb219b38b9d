//! `GET /api/v1/title-cases`: the queue, by what is due first.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Query};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Postgres, QueryBuilder};
use time::Date;
use uuid::Uuid;

use crate::period::day;
use crate::request::fields::plain_text;
use crate::request::{Context, Listed, Listing, Page, Problem, SortColumn, Times};
use crate::working_days::WorkingCalendar;

/// What the queue may be narrowed by.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// One or several states, comma-separated; all but the archived ones unless told.
    state: Option<String>,
    /// The id of the parcel or building.
    asset: Option<Uuid>,
    /// Part of a unit code or of the asset's name or code.
    q: Option<String>,
    /// The plan's word.
    policy_action: Option<String>,
    /// The law's word.
    registration_type: Option<String>,
    /// Who opened it.
    opened_by: Option<String>,
    /// Only those whose day is over.
    #[serde(default)]
    overdue: bool,
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
pub struct CaseRow {
    /// Its id.
    pub id: Uuid,
    /// Its number; what is received first has the lower one.
    pub number: i64,
    /// 受理号: the registry's own number of the application.
    pub receipt_no: Option<String>,
    /// Its state.
    pub state: String,
    /// The parcel or building.
    pub asset_id: Uuid,
    /// Its name, else its code.
    pub asset_name: Option<String>,
    /// 不动产单元号
    pub unit_code: Option<String>,
    /// The plan's word.
    pub policy_action: Option<String>,
    /// The law's word.
    pub registration_type: Option<String>,
    /// Who opened it.
    pub opened_by: String,
    /// Since when.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub opened_on: Date,
    /// Until when the registry has to finish, or when the filing comes back.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub due_on: Option<Date>,
    /// Is that day over?
    pub overdue: bool,
    /// Working days left until then; negative once it is over, null where no calendar is published.
    #[sqlx(skip)]
    pub working_days_left: Option<i64>,
    /// The kinds of what lies on its title today.
    pub encumbrances: Vec<String>,
    /// May it not be disposed of?
    pub disposal_frozen: bool,
}

const SORT: [SortColumn; 3] = [
    SortColumn {
        name: "due",
        expression: "coalesce(v.due_on, v.review_on, '9999-12-31')::text",
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

/// The queue of cases.
#[utoipa::path(get, path = "/api/v1/title-cases", operation_id = "list_title_cases", tag = "title cases",
    params(ListQuery), responses((status = 200, body = Page<CaseRow>), (status = 400, body = Problem)))]
pub(super) async fn list_title_cases(
    context: Context,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Page<CaseRow>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let times = Times::now(&context.clock);
    let listing = Listing::new(&uri, &SORT, query.sort.as_deref(), query.limit, query.cursor.as_deref())?;
    let mut select = QueryBuilder::new(
        "select v.object_id as id, c.number, v.details ->> 'receipt_no' as receipt_no, v.state, v.asset_id, coalesce(a.name, a.code) as asset_name, v.unit_code,
                v.details ->> 'policy_action' as policy_action, v.details ->> 'registration_type' as registration_type,
                v.opened_by, lower(v.valid) as opened_on, coalesce(v.due_on, v.review_on) as due_on,
                coalesce(coalesce(v.due_on, v.review_on) < ",
    );
    select
        .push_bind(times.as_of)
        .push(
            ", false) as overdue, v.disposal_frozen,
                array(select distinct e.kind from encumbrance_version e
                       where e.title_id = v.title_id and upper_inf(e.recorded) and e.valid @> ",
        )
        .push_bind(times.as_of)
        .push(" and (e.expires_on is null or e.expires_on >= ")
        .push_bind(times.as_of)
        .push(") order by e.kind) as encumbrances,");
    listing.push_columns(&mut select);
    push_from(&mut select, times);
    narrow(&mut select, times, &query)?;
    listing.push_page(&mut select);
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows: Vec<Listed<CaseRow>> = select.build_query_as().fetch_all(&mut *snapshot).await?;
    let total = if query.count {
        let mut count = QueryBuilder::new("select count(*)");
        push_from(&mut count, times);
        narrow(&mut count, times, &query)?;
        Some(count.build_query_scalar().fetch_one(&mut *snapshot).await?)
    } else {
        None
    };
    let calendar = WorkingCalendar::in_force(&mut snapshot).await?;
    drop(snapshot);
    let mut page = listing.page(rows, total);
    context
        .note_read_behind("title_case", page.items.iter().map(|row| row.id).collect())
        .await?;
    for row in &mut page.items {
        row.working_days_left = row
            .due_on
            .and_then(|due_on| calendar.working_days_between(times.as_of, due_on));
    }
    Ok(Json(page))
}

fn push_from(select: &mut QueryBuilder<Postgres>, times: Times) {
    select.push(
        " from title_case_version v
          join title_case c on c.id = v.object_id
          left join lateral (
               select name, code from spatial_unit_version s
                where s.object_id = v.asset_id and upper_inf(s.recorded) and s.valid @> ",
    );
    select.push_bind(times.as_of).push(" limit 1) a on true");
}

fn narrow(select: &mut QueryBuilder<Postgres>, times: Times, query: &ListQuery) -> Result<(), Problem> {
    let given = |field: &str, value: &Option<String>| match value.as_deref() {
        None | Some("") => Ok(None),
        Some(value) => plain_text(field, value, 400).map(Some),
    };
    select.push(" where upper_inf(v.recorded)");
    match given("state", &query.state)? {
        None => {
            select.push(" and v.state <> 'archived'");
        }
        Some(states) => {
            let states: Vec<String> = states.split(',').map(|state| state.trim().to_owned()).collect();
            select.push(" and v.state = any(").push_bind(states).push(")");
        }
    }
    if let Some(asset) = query.asset {
        select.push(" and v.asset_id = ").push_bind(asset);
    }
    for (field, column, value) in [
        ("policy_action", "v.details ->> 'policy_action'", &query.policy_action),
        (
            "registration_type",
            "v.details ->> 'registration_type'",
            &query.registration_type,
        ),
        ("opened_by", "v.opened_by", &query.opened_by),
    ] {
        if let Some(value) = given(field, value)? {
            select.push(" and ").push(column).push(" = ").push_bind(value);
        }
    }
    if let Some(q) = given("q", &query.q)? {
        let pattern = crate::request::contains_pattern(&q);
        select.push(" and (v.unit_code ilike ").push_bind(pattern.clone());
        select.push(" or a.name ilike ").push_bind(pattern.clone());
        select.push(" or a.code ilike ").push_bind(pattern).push(")");
    }
    if query.overdue {
        select
            .push(" and coalesce(v.due_on, v.review_on) < ")
            .push_bind(times.as_of);
    }
    Ok(())
}
