//! `GET /api/v1/titles`: a page of titles at a date.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Query};
use serde::{Deserialize, Serialize};
use sqlx::types::Json as StoredJson;
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use super::holder::{Holder, Unification};
use crate::request::fields::plain_text;
use crate::request::{Context, Listed, Listing, Page, Problem, SortColumn, Times};

/// What a list may be narrowed by.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Part of a unit code, certificate number, holder or location.
    q: Option<String>,
    /// The id of a parcel or building that it covers.
    asset: Option<Uuid>,
    /// 权属状态; the current ones with `1`.
    book_state: Option<String>,
    /// The kind of one of its holders.
    holder_kind: Option<String>,
    /// How the unification of titles counts it.
    #[param(inline)]
    unification: Option<Unification>,
    /// `unit_code`, `cert_no` or `location`; a minus in front turns it round.
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
pub struct TitleRow {
    /// Its id.
    pub id: Uuid,
    /// 不动产单元号
    pub unit_code: Option<String>,
    /// 不动产权证号
    pub cert_no: Option<String>,
    /// 国有土地使用证号
    pub old_land_certificate: Option<String>,
    /// 房屋所有权证号
    pub old_house_certificate: Option<String>,
    /// 权利人
    #[schema(value_type = Vec<Holder>)]
    pub holders: StoredJson<Vec<Holder>>,
    /// 坐落
    pub location: Option<String>,
    /// 权利类型
    pub right_type: String,
    /// 权属状态
    pub book_state: String,
    /// 证照情况
    pub evidence: String,
    /// 土地使用权面积, m²
    pub land_area_m2: Option<f64>,
    /// 房屋所有权面积, m²
    pub house_area_m2: Option<f64>,
    /// Does something lie on it that hasn't lapsed?
    pub encumbered: bool,
    /// How the unification of titles counts it.
    #[sqlx(skip)]
    pub unification: Option<Unification>,
    /// The parcels it covers.
    pub parcel_ids: Vec<Uuid>,
    /// The buildings it covers.
    pub building_ids: Vec<Uuid>,
}

const SORT: [SortColumn; 3] = [
    SortColumn {
        name: "unit_code",
        expression: "coalesce(v.unit_code, '')",
        is_number: false,
    },
    SortColumn {
        name: "cert_no",
        expression: "coalesce(v.cert_no, '')",
        is_number: false,
    },
    SortColumn {
        name: "location",
        expression: "coalesce(v.location, '')",
        is_number: false,
    },
];

/// Titles at a date.
#[utoipa::path(get, path = "/api/v1/titles", operation_id = "list_titles", tag = "titles",
    params(ListQuery, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Page<TitleRow>), (status = 400, body = Problem)))]
pub(super) async fn list_titles(
    context: Context,
    times: Times,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Page<TitleRow>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let listing = Listing::new(&uri, &SORT, query.sort.as_deref(), query.limit, query.cursor.as_deref())?;
    let mut select = QueryBuilder::new(
        "select v.object_id as id, v.unit_code, v.cert_no, v.old_land_certificate, v.old_house_certificate, v.holders,
                v.location, v.right_type, v.book_state, v.evidence, v.land_area_m2::float8 as land_area_m2,
                v.house_area_m2::float8 as house_area_m2, v.parcel_ids, v.building_ids,
                exists (select from encumbrance_version e
                         where e.title_id = v.object_id and e.valid @> ",
    );
    select
        .push_bind(times.as_of)
        .push(" and e.recorded @> ")
        .push_bind(times.known_at);
    select
        .push(" and (e.expires_on is null or e.expires_on >= ")
        .push_bind(times.as_of)
        .push(")) as encumbered,");
    listing.push_columns(&mut select);
    select.push(" from title_version v");
    narrow(&mut select, times, &query)?;
    listing.push_page(&mut select);
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows: Vec<Listed<TitleRow>> = select.build_query_as().fetch_all(&mut *snapshot).await?;
    let total = if query.count {
        let mut count = QueryBuilder::new("select count(*) from title_version v");
        narrow(&mut count, times, &query)?;
        Some(count.build_query_scalar().fetch_one(&mut *snapshot).await?)
    } else {
        None
    };
    drop(snapshot);
    let mut page = listing.page(rows, total);
    context
        .note_read_behind("title", page.items.iter().map(|row| row.id).collect())
        .await?;
    for row in &mut page.items {
        row.unification = Some(Unification::of(&row.holders));
    }
    Ok(Json(page))
}

fn narrow(select: &mut QueryBuilder<Postgres>, times: Times, query: &ListQuery) -> Result<(), Problem> {
    let given = |field: &str, value: &Option<String>| match value.as_deref() {
        None | Some("") => Ok(None),
        Some(value) => plain_text(field, value, 400).map(Some),
    };
    select.push(" where v.valid @> ").push_bind(times.as_of);
    select.push(" and v.recorded @> ").push_bind(times.known_at);
    if let Some(q) = given("q", &query.q)?.filter(|q| !q.is_empty()) {
        let pattern = crate::request::contains_pattern(&q);
        for (index, column) in [
            "v.unit_code",
            "v.cert_no",
            "v.old_land_certificate",
            "v.old_house_certificate",
            "v.location",
            "v.holders::text",
        ]
        .into_iter()
        .enumerate()
        {
            select.push(if index == 0 { " and (" } else { " or " }).push(column);
            select.push(" ilike ").push_bind(pattern.clone());
        }
        select.push(")");
    }
    if let Some(asset) = query.asset {
        select.push(" and (v.parcel_ids @> array[").push_bind(asset);
        select.push("] or v.building_ids @> array[").push_bind(asset).push("])");
    }
    if let Some(state) = given("book_state", &query.book_state)? {
        select.push(" and v.book_state = ").push_bind(state);
    }
    if let Some(kind) = given("holder_kind", &query.holder_kind)? {
        select
            .push(" and exists (select from json_array_elements(v.holders) h where h ->> 'kind' = ")
            .push_bind(kind)
            .push(")");
    }
    if let Some(unification) = query.unification {
        // The same rule as `Unification::of_kinds`; a test holds the two against each other.
        const OTHERS: &str = "exists (select from json_array_elements(v.holders) h
                                       where h ->> 'kind' not in ('bureau', 'government'))";
        const COMPANY: &str =
            "exists (select from json_array_elements(v.holders) h where h ->> 'kind' = 'platform_company')";
        const GOVERNMENT: &str =
            "exists (select from json_array_elements(v.holders) h where h ->> 'kind' = 'government')";
        match unification {
            Unification::UnifiedBureau => select.push(format!(" and not {OTHERS} and not {GOVERNMENT}")),
            Unification::UnifiedGovernment => select.push(format!(" and not {OTHERS} and {GOVERNMENT}")),
            Unification::PlatformCompany => select.push(format!(" and {COMPANY}")),
            Unification::NotUnified => select.push(format!(" and {OTHERS} and not {COMPANY}")),
        };
    }
    Ok(())
}
