//! `GET /api/v1/{layer}/{id}/rights`: what lists tell of the rights in a parcel or building.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Path, Query};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Postgres, QueryBuilder};
use time::Date;
use uuid::Uuid;

use crate::period::day;
use crate::request::{Context, Listed, Listing, Page, Problem, SortColumn, Times};
use crate::spatial_units::Kind;

/// What an export of rights may be narrowed by.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ListQuery {
    /// The id of the asset they are in.
    asset: Option<Uuid>,
    /// Data set.
    dataset: Option<String>,
}

/// Appends the conditions of a list at a date. `v` is the version.
pub(crate) fn narrow(select: &mut QueryBuilder<Postgres>, times: Times, query: &ListQuery) {
    select.push(" where v.valid @> ").push_bind(times.as_of);
    select.push(" and v.recorded @> ").push_bind(times.known_at);
    if let Some(asset) = query.asset {
        select.push(" and v.asset_id = ").push_bind(asset);
    }
    if let Some(dataset) = query.dataset.clone().filter(|dataset| !dataset.is_empty()) {
        select
            .push(" and v.dataset = ")
            .push_bind(dataset.replace('\0', "\u{FFFD}"));
    }
}

/// How a list of rights is read.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RightsQuery {
    /// Data set.
    dataset: Option<String>,
    /// `row` (the order of the file), `key`, `holder` or `registered_area_m2`; a minus in front turns it round.
    sort: Option<String>,
    /// Rows a page, 1 to 1000.
    limit: Option<u32>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// Count all rows too.
    #[serde(default)]
    count: bool,
}

/// A right as a list tells it.
#[derive(Debug, Serialize, FromRow, utoipa::ToSchema)]
pub struct Right {
    /// Its id.
    pub id: Uuid,
    /// 权利人
    pub holder: Option<String>,
    /// 部位、房号
    pub part: Option<String>,
    /// 坐落
    pub address: Option<String>,
    /// 不动产权证号
    pub certificate: Option<String>,
    /// The use in the list's own words.
    pub stated_use: Option<String>,
    /// Which of our usages that stands for, where somebody said so.
    pub usage: Option<String>,
    /// Area by the list, m².
    pub registered_area_m2: Option<f64>,
    /// The data set it came with.
    pub dataset: String,
    /// Its key there.
    pub source_key: String,
    /// The row of the file it was read from.
    pub source_row: Option<i64>,
    /// The import that read it.
    pub import_id: Option<Uuid>,
    /// What the list said beside all this, in its own words.
    #[schema(value_type = Option<Object>)]
    pub attributes: Option<serde_json::Value>,
    /// True in law from this day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub valid_from: Date,
    /// Until before this day; null while it goes on.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub valid_to: Option<Date>,
}

const SORT: [SortColumn; 4] = [
    SortColumn {
        name: "row",
        expression: "coalesce(v.source_row, 0)::float8",
        is_number: true,
    },
    SortColumn {
        name: "key",
        expression: "v.source_key",
        is_number: false,
    },
    SortColumn {
        name: "holder",
        expression: "coalesce(v.holder, '')",
        is_number: false,
    },
    SortColumn {
        name: "registered_area_m2",
        expression: "coalesce(v.registered_area_m2::float8, -1)",
        is_number: true,
    },
];

/// The rights that lists tell of in a parcel or building, at a date.
#[utoipa::path(get, path = "/api/v1/{layer}/{id}/rights", operation_id = "list_rights", tag = "rights",
    params(("layer" = String, Path, description = "parcels or buildings"), ("id" = Uuid, Path), RightsQuery,
           ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Page<Right>), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn list_rights(
    context: Context,
    times: Times,
    Path((layer, id)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<RightsQuery>, QueryRejection>,
) -> Result<Json<Page<Right>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let kind = Kind::of_path(&layer)?;
    let id = Uuid::parse_str(&id).map_err(|_| Problem::not_found("this asset"))?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let is_there = sqlx::query_scalar!(
        r#"select exists (select from spatial_unit where id = $1 and kind = $2) as "there!""#,
        id,
        kind.word(),
    )
    .fetch_one(&mut *snapshot)
    .await?;
    if !is_there {
        return Err(Problem::not_found("this asset"));
    }
    let listing = Listing::new(&uri, &SORT, query.sort.as_deref(), query.limit, query.cursor.as_deref())?;
    let mut select = QueryBuilder::new(
        "select v.object_id as id, v.holder, v.part, v.address, v.certificate, v.stated_use, v.usage,
                v.registered_area_m2::float8 as registered_area_m2, v.dataset, v.source_key, v.source_row, v.import_id,
                v.source_attributes as attributes, lower(v.valid) as valid_from, upper(v.valid) as valid_to,",
    );
    listing.push_columns(&mut select);
    let narrowed = ListQuery {
        asset: Some(id),
        dataset: query.dataset,
    };
    select.push(" from listed_right_version v");
    narrow(&mut select, times, &narrowed);
    listing.push_page(&mut select);
    let rows: Vec<Listed<Right>> = select.build_query_as().fetch_all(&mut *snapshot).await?;
    let total = if query.count {
        let mut count = QueryBuilder::new("select count(*) from listed_right_version v");
        narrow(&mut count, times, &narrowed);
        Some(count.build_query_scalar().fetch_one(&mut *snapshot).await?)
    } else {
        None
    };
    drop(snapshot);
    let page = listing.page(rows, total);
    context
        .note_read_behind("right", page.items.iter().map(|row| row.id).collect())
        .await?;
    Ok(Json(page))
}
