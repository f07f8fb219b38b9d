//! `GET /api/v1/housing-tenancies`: who lives where, whose term is over, which leader's home isn't filed.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Query};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Postgres, QueryBuilder};
use time::Date;
use uuid::Uuid;

use super::STATUSES;
use crate::period::day;
use crate::request::fields::require_word;
use crate::request::{Context, Listed, Listing, Page, Problem, SortColumn, Times};

/// What the list may be narrowed by. Nobody is looked for by name.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// The id of a building.
    building: Option<Uuid>,
    /// The id of a home.
    room: Option<Uuid>,
    /// The id of the unit whose staff they are.
    unit: Option<Uuid>,
    /// One or several of `planned`, `running`, `overdue`, `ended`, comma-separated.
    status: Option<String>,
    /// Only leaders' homes that are not filed.
    #[serde(default)]
    unfiled: bool,
    /// `place` or `ends_on`; a minus in front turns it round.
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
pub(super) struct HousingTenancyLine {
    /// Its id.
    id: Uuid,
    /// The version that holds; its ETag.
    version_id: Uuid,
    /// Where it stands on the day.
    status: String,
    /// The home.
    room_id: Uuid,
    /// Its number.
    room_number: Option<String>,
    /// Its building.
    building_id: Uuid,
    /// The building's name.
    building_name: Option<String>,
    /// Name.
    tenant_name: String,
    /// Whose staff.
    unit_id: Uuid,
    /// The unit's name.
    unit_name: Option<String>,
    /// Is it a leader's?
    is_leader: bool,
    /// 备案号
    filing_number: Option<String>,
    /// The first day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    starts_on: Date,
    /// The last day of the term.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    ends_on: Date,
    /// The day on which the home was handed back.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    left_on: Option<Date>,
    /// Yuan a month, as a text.
    monthly_rent: Option<String>,
    /// The lease.
    lease_id: Uuid,
}

const SORT: [SortColumn; 2] = [
    SortColumn {
        name: "place",
        expression: "coalesce(b.name, '') || ' ' || coalesce(lpad((r.floor + 100)::text, 3, '0') || ' ' || r.number, '')",
        is_number: false,
    },
    SortColumn {
        name: "ends_on",
        expression: "v.ends_on::text",
        is_number: false,
    },
];

/// Tenancies as they stand on a day.
#[utoipa::path(get, path = "/api/v1/housing-tenancies", operation_id = "list_housing_tenancies", tag = "housing",
    params(ListQuery, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Page<HousingTenancyLine>), (status = 400, body = Problem)))]
pub(super) async fn list_housing_tenancies(
    context: Context,
    times: Times,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Page<HousingTenancyLine>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let listing = Listing::new(&uri, &SORT, query.sort.as_deref(), query.limit, query.cursor.as_deref())?;
    let mut select = QueryBuilder::new("select v.object_id as id, v.version_id, ");
    push_status(&mut select, times);
    select.push(
        " as status, v.room_id, r.number as room_number, v.building_id, coalesce(b.name, b.address, b.code) as building_name,
          v.tenant_name, v.unit_id, u.name as unit_name, v.is_leader, v.filing_number, lower(v.valid) as starts_on, v.ends_on,
          upper(v.valid) as left_on, l.monthly_rent::text as monthly_rent, v.lease_id,",
    );
    listing.push_columns(&mut select);
    push_from(&mut select, times);
    narrow(&mut select, times, &query)?;
    listing.push_page(&mut select);
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows: Vec<Listed<HousingTenancyLine>> = select.build_query_as().fetch_all(&mut *snapshot).await?;
    let total = if query.count {
        let mut count = QueryBuilder::new("select count(*)");
        push_from(&mut count, times);
        narrow(&mut count, times, &query)?;
        Some(count.build_query_scalar().fetch_one(&mut *snapshot).await?)
    } else {
        None
    };
    drop(snapshot);
    let page = listing.page(rows, total);
    let tenancies = page.items.iter().map(|tenancy| tenancy.id).collect();
    context.note_read_behind("housing_tenancy", tenancies).await?;
    Ok(Json(page))
}

fn push_status(select: &mut QueryBuilder<Postgres>, times: Times) {
    select.push("case when lower(v.valid) > ").push_bind(times.as_of);
    select
        .push(" then 'planned' when upper(v.valid) <= ")
        .push_bind(times.as_of);
    select.push(" then 'ended' when v.ends_on < ").push_bind(times.as_of);
    select.push(" then 'overdue' else 'running' end");
}

/// Names are those of the latest day that is known: a tenancy that ended is told with its home as well.
fn push_from(select: &mut QueryBuilder<Postgres>, times: Times) {
    select.push(" from housing_tenancy_version v");
    for (alias, table, key) in [
        ("r", "room_version", "room_id"),
        ("b", "spatial_unit_version", "building_id"),
        ("u", "unit_version", "unit_id"),
        ("l", "lease_version", "lease_id"),
    ] {
        select.push(format!(
            " left join lateral (select * from {table} x where x.object_id = v.{key} and x.recorded @> "
        ));
        select.push_bind(times.known_at);
        select.push(format!(" order by lower(x.valid) desc limit 1) {alias} on true"));
    }
}

fn narrow(select: &mut QueryBuilder<Postgres>, times: Times, query: &ListQuery) -> Result<(), Problem> {
    select.push(" where v.recorded @> ").push_bind(times.known_at);
    for (column, id) in [
        ("v.building_id", query.building),
        ("v.room_id", query.room),
        ("v.unit_id", query.unit),
    ] {
        if let Some(id) = id {
            select.push(format!(" and {column} = ")).push_bind(id);
        }
    }
    if let Some(words) = query.status.as_deref().filter(|words| !words.is_empty()) {
        let words: Vec<String> = words.split(',').map(|word| word.trim().to_owned()).collect();
        for word in &words {
            require_word("status", word, &STATUSES).map_err(|problem| Problem::bad("status", problem.detail))?;
        }
        select.push(" and ");
        push_status(select, times);
        select.push(" = any(").push_bind(words).push(")");
    }
    if query.unfiled {
        select.push(" and v.is_leader and v.filing_number is null");
    }
    Ok(())
}
