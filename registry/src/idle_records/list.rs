//! `GET /api/v1/idle-records`: what stands idle, since when and why.

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

/// What the list may be narrowed by.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// The id of the parcel or building.
    asset: Option<Uuid>,
    /// Only what is idle on the day (`true`), or only what has ended by then (`false`).
    open: Option<bool>,
    /// One or several causes, comma-separated.
    cause: Option<String>,
    /// Region code; places below it are included.
    region: Option<String>,
    /// Part of the asset's name, address or code.
    q: Option<String>,
    /// `since` (the longest idle first) or `name`; a minus in front turns it round.
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
pub struct IdleRecordLine {
    /// Its id.
    pub id: Uuid,
    /// The version that is known; its ETag.
    pub version_id: Uuid,
    /// The parcel or building.
    pub asset_id: Uuid,
    /// `parcel` or `building`.
    pub asset_kind: Option<String>,
    /// Its name, else its address or code.
    pub asset_name: Option<String>,
    /// The region it lies in.
    pub region_code: Option<String>,
    /// Is all of it idle?
    pub whole: bool,
    /// The floor, where it is one.
    pub floor: Option<i16>,
    /// The numbers of the rooms that are idle by this record.
    pub rooms: Vec<String>,
    /// Their 使用面积 together, m².
    pub use_area_m2: Option<f64>,
    /// Their 建筑面积 together, m²; of a whole building without rooms its own, of a parcel the land's.
    pub area_m2: Option<f64>,
    /// 闲置原因
    pub cause: String,
    /// The cause in words.
    pub cause_note: Option<String>,
    /// What shows it.
    pub evidence: String,
    /// The names of the documents that show it.
    pub documents: Vec<String>,
    /// Who confirmed it.
    pub confirmed_by: String,
    /// On which day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub confirmed_on: Date,
    /// The first day of idleness.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub idle_since: Date,
    /// The first day on which it is idle no more.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub idle_to: Option<Date>,
    /// How many days it stood idle, up to the day that is asked for.
    pub days: i32,
    /// How it ended.
    pub end_reason: Option<String>,
    /// What the use is from then on.
    pub occupancy_after: Option<String>,
    /// What the register says of its use on the day, where that contradicts the record.
    pub contradicted_by: Option<String>,
}

const SORT: [SortColumn; 2] = [
    SortColumn {
        name: "since",
        expression: "lower(v.valid)::text",
        is_number: false,
    },
    SortColumn {
        name: "name",
        expression: "coalesce(a.name, a.address, a.code, '')",
        is_number: false,
    },
];

/// Idle records at a date.
#[utoipa::path(get, path = "/api/v1/idle-records", operation_id = "list_idle_records", tag = "idle records",
    params(ListQuery, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Page<IdleRecordLine>), (status = 400, body = Problem)))]
pub(super) async fn list_idle_records(
    context: Context,
    times: Times,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Page<IdleRecordLine>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let listing = Listing::new(&uri, &SORT, query.sort.as_deref(), query.limit, query.cursor.as_deref())?;
    let mut select = QueryBuilder::new(
        "select v.object_id as id, v.version_id, v.asset_id, a.kind as asset_kind,
                coalesce(a.name, a.address, a.code) as asset_name, a.region_code, v.whole, v.floor,
                coalesce(r.numbers, '{}') as rooms, r.use_area_m2,
                coalesce(r.building_area_m2, case when v.whole then coalesce(a.registered_area_m2::float8, a.area_m2) end)
                    as area_m2,
                v.cause, v.cause_note, v.evidence, v.documents, v.confirmed_by, v.confirmed_on,
                lower(v.valid) as idle_since, upper(v.valid) as idle_to,
                least(coalesce(upper(v.valid), ",
    );
    select.push_bind(times.as_of).push("), ").push_bind(times.as_of).push(
        ") - lower(v.valid) as days, v.end_reason, v.occupancy_after,
                case when upper_inf(v.valid) then
                     case when v.whole and a.occupancy is distinct from 'idle' then coalesce(a.occupancy, 'none')
                          else r.other_use end end as contradicted_by,",
    );
    listing.push_columns(&mut select);
    push_from(&mut select, times);
    narrow(&mut select, times, &query)?;
    listing.push_page(&mut select);
    let mut transaction = context.database.begin_snapshot().await?;
    let rows: Vec<Listed<IdleRecordLine>> = select.build_query_as().fetch_all(&mut *transaction).await?;
    let total = if query.count {
        let mut count = QueryBuilder::new("select count(*)");
        push_from(&mut count, times);
        narrow(&mut count, times, &query)?;
        Some(count.build_query_scalar().fetch_one(&mut *transaction).await?)
    } else {
        None
    };
    transaction.commit().await?;
    let page = listing.page(rows, total);
    context
        .note_read_behind("idle_record", page.items.iter().map(|row| row.id).collect())
        .await?;
    Ok(Json(page))
}

fn push_from(select: &mut QueryBuilder<Postgres>, times: Times) {
    select.push(
        " from idle_record_version v
          left join lateral (
               select kind, name, address, code, region_code, occupancy, registered_area_m2, area_m2
                 from spatial_unit_version s
                where s.object_id = v.asset_id and s.valid @> ",
    );
    select
        .push_bind(times.as_of)
        .push(" and s.recorded @> ")
        .push_bind(times.known_at);
    select.push(
        " limit 1) a on true
          left join lateral (
               select array_agg(m.number order by m.floor, m.number) as numbers,
                      sum(m.use_area_m2)::float8 as use_area_m2, sum(m.building_area_m2)::float8 as building_area_m2,
                      min(coalesce(m.occupancy, 'none')) filter (where m.occupancy is distinct from 'idle') as other_use
                 from room_version m
                where m.object_id = any(v.room_ids) and m.valid @> ",
    );
    select
        .push_bind(times.as_of)
        .push(" and m.recorded @> ")
        .push_bind(times.known_at);
    select.push(") r on true");
}

fn narrow(select: &mut QueryBuilder<Postgres>, times: Times, query: &ListQuery) -> Result<(), Problem> {
    let given = |field: &str, value: &Option<String>| match value.as_deref() {
        None | Some("") => Ok(None),
        Some(value) => plain_text(field, value, 400).map(Some),
    };
    select.push(" where v.recorded @> ").push_bind(times.known_at);
    select.push(" and lower(v.valid) <= ").push_bind(times.as_of);
    if let Some(open) = query.open {
        select.push(if open {
            " and v.valid @> "
        } else {
            " and not v.valid @> "
        });
        select.push_bind(times.as_of);
    }
    if let Some(asset) = query.asset {
        select.push(" and v.asset_id = ").push_bind(asset);
    }
    if let Some(causes) = given("cause", &query.cause)? {
        let causes: Vec<String> = causes.split(',').map(|cause| cause.trim().to_owned()).collect();
        select.push(" and v.cause = any(").push_bind(causes).push(")");
    }
    if let Some(region) = given("region", &query.region)? {
        // The region and everything below it: codes grow to the right.
        select
            .push(" and starts_with(a.region_code, ")
            .push_bind(crate::regions::subtree(&region).to_owned())
            .push(")");
    }
    if let Some(q) = given("q", &query.q)? {
        let pattern = crate::request::contains_pattern(&q);
        select.push(" and (a.name ilike ").push_bind(pattern.clone());
        select.push(" or a.address ilike ").push_bind(pattern.clone());
        select.push(" or a.code ilike ").push_bind(pattern).push(")");
    }
    Ok(())
}
