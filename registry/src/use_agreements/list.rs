//! `GET /api/v1/use-agreements`: who may use what, until when.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Query};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Postgres, QueryBuilder};
use time::Date;
use uuid::Uuid;

use crate::period::day;
use crate::request::fields::{plain_text, require_word};
use crate::request::{Context, Listed, Listing, Page, Problem, SortColumn, Times};

/// What the list may be narrowed by.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// The id of a building.
    building: Option<Uuid>,
    /// The id of a room.
    room: Option<Uuid>,
    /// The id of the unit that uses the rooms.
    unit: Option<Uuid>,
    /// One or several of `draft`, `signed`, `certified`, `cancelled`, comma-separated.
    status: Option<String>,
    /// Only what ends before this day, and is not cancelled.
    #[serde(default, with = "day::option")]
    #[param(value_type = Option<String>, format = Date)]
    ends_before: Option<Date>,
    /// Part of the unit's name, or of the number of agreement or certificate.
    q: Option<String>,
    /// `unit`, `starts_on` or `ends_on`; a minus in front turns it round.
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
pub struct UseAgreementLine {
    /// Its id.
    pub id: Uuid,
    /// The version that holds; its ETag.
    pub version_id: Uuid,
    /// 使用单位
    pub unit_id: Uuid,
    /// Its name.
    pub unit_name: Option<String>,
    /// The buildings, by name, else address or code.
    pub buildings: Vec<String>,
    /// How many rooms.
    pub rooms: i32,
    /// Their 使用面积 together, m²; rooms without one are left out.
    pub use_area_m2: Option<f64>,
    /// 核定面积, m²
    pub approved_area_m2: Option<f64>,
    /// 用途
    pub purpose: String,
    /// The first day of use.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub starts_on: Date,
    /// The first day on which it is over; null without a term.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub ends_on: Option<Date>,
    /// How far it is.
    pub status: String,
    /// The number of the signed agreement.
    pub agreement_no: Option<String>,
    /// 证号
    pub certificate_no: Option<String>,
    /// The latest registration.
    pub registration: Option<String>,
}

const SORT: [SortColumn; 3] = [
    SortColumn {
        name: "unit",
        expression: "coalesce(u.name, '')",
        is_number: false,
    },
    SortColumn {
        name: "starts_on",
        expression: "v.starts_on::text",
        is_number: false,
    },
    SortColumn {
        name: "ends_on",
        expression: "coalesce(v.ends_on::text, '9999')",
        is_number: false,
    },
];

/// Use agreements at a date.
#[utoipa::path(get, path = "/api/v1/use-agreements", operation_id = "list_use_agreements", tag = "use agreements",
    params(ListQuery, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Page<UseAgreementLine>), (status = 400, body = Problem)))]
pub(super) async fn list_use_agreements(
    context: Context,
    times: Times,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Page<UseAgreementLine>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let listing = Listing::new(&uri, &SORT, query.sort.as_deref(), query.limit, query.cursor.as_deref())?;
    let mut select = QueryBuilder::new(
        "select v.object_id as id, v.version_id, v.unit_id, u.name as unit_name, coalesce(b.names, '{}') as buildings,
                cardinality(v.room_ids) as rooms, r.use_area_m2, v.approved_area_m2::float8 as approved_area_m2, v.purpose,
                v.starts_on, v.ends_on, v.status, v.agreement_no, v.certificate_no, v.registration,",
    );
    listing.push_columns(&mut select);
    push_from(&mut select, times);
    narrow(&mut select, times, &query)?;
    listing.push_page(&mut select);
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows: Vec<Listed<UseAgreementLine>> = select.build_query_as().fetch_all(&mut *snapshot).await?;
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
    context
        .note_read_behind("use_agreement", page.items.iter().map(|row| row.id).collect())
        .await?;
    Ok(Json(page))
}

/// Names and areas are those that the caller may see.
fn push_from(select: &mut QueryBuilder<Postgres>, times: Times) {
    let at = |select: &mut QueryBuilder<Postgres>, alias: &str| {
        select
            .push(format!("{alias}.valid @> "))
            .push_bind(times.as_of)
            .push(format!(" and {alias}.recorded @> "))
            .push_bind(times.known_at);
    };
    select.push(" from use_agreement_version v left join unit_version u on u.object_id = v.unit_id and ");
    at(select, "u");
    select.push(
        " left join lateral (
               select array_agg(coalesce(a.name, a.address, a.code, '') order by a.name, a.code) as names
                 from spatial_unit_version a where a.object_id = any(v.building_ids) and ",
    );
    at(select, "a");
    select.push(
        ") b on true left join lateral (
               select sum(m.use_area_m2)::float8 as use_area_m2
                 from room_version m where m.object_id = any(v.room_ids) and ",
    );
    at(select, "m");
    select.push(") r on true");
}

fn narrow(select: &mut QueryBuilder<Postgres>, times: Times, query: &ListQuery) -> Result<(), Problem> {
    select.push(" where v.valid @> ").push_bind(times.as_of);
    select.push(" and v.recorded @> ").push_bind(times.known_at);
    if let Some(building) = query.building {
        select.push(" and v.building_ids @> ").push_bind(vec![building]);
    }
    if let Some(room) = query.room {
        select.push(" and v.room_ids @> ").push_bind(vec![room]);
    }
    if let Some(unit) = query.unit {
        select.push(" and v.unit_id = ").push_bind(unit);
    }
    if let Some(words) = query.status.as_deref().filter(|words| !words.is_empty()) {
        let words: Vec<String> = words.split(',').map(|word| word.trim().to_owned()).collect();
        for word in &words {
            require_word("status", word, &["draft", "signed", "certified", "cancelled"])?;
        }
        select.push(" and v.status = any(").push_bind(words).push(")");
    }
    if let Some(day) = query.ends_before {
        select
            .push(" and v.status <> 'cancelled' and v.ends_on < ")
            .push_bind(day);
    }
    if let Some(q) = query.q.as_deref().filter(|q| !q.is_empty()) {
        let pattern = crate::request::contains_pattern(&plain_text("q", q, 400)?);
        select.push(" and (u.name ilike ").push_bind(pattern.clone());
        select.push(" or v.agreement_no ilike ").push_bind(pattern.clone());
        select.push(" or v.certificate_no ilike ").push_bind(pattern).push(")");
    }
    Ok(())
}
