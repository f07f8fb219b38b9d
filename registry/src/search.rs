//! `GET /api/v1/search`: assets by name, address or code, the best match first.

use axum::Json;
use axum::extract::{FromRef, OriginalUri, Query};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::clock::Clock;
use crate::database::Database;
use crate::request::{Context, Page, Problem, Times, contains_pattern, escape_pattern, note_restricted_read};
use crate::spatial_units::Kind;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct SearchQuery {
    /// What to look for.
    #[serde(default)]
    q: String,
    /// 1 to 50; 10 unless told.
    limit: Option<u32>,
}

/// An asset that was found.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Found {
    /// `parcels`, `buildings` or `sites`.
    pub layer: String,
    /// Its id.
    pub id: Uuid,
    /// Code.
    pub code: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// 坐落
    pub address: Option<String>,
    /// Which of the three matched best: `code`, `name` or `address`.
    pub matched: String,
    /// West, south, east, north.
    pub bbox: Option<[f64; 4]>,
    /// A point on it: longitude, latitude.
    pub point: Option<[f64; 2]>,
}

/// Finds assets by name, address or code.
#[utoipa::path(get, path = "/api/v1/search", operation_id = "search_assets", tag = "assets",
    params(SearchQuery, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Page<Found>), (status = 400, body = Problem)))]
async fn search(
    context: Context,
    times: Times,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<SearchQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Page<Found>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let limit = query.limit.unwrap_or(10);
    if !(1..=50).contains(&limit) {
        return Err(Problem::bad("limit", format!("{limit} is outside 1 to 50")));
    }
    let words = query.q.trim();
    if words.is_empty() {
        return Ok(Json(Page {
            items: Vec::new(),
            next: None,
            total: None,
        }));
    }
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = sqlx::query!(
        r#"with found as (
               select v.kind, v.object_id, v.code, v.name, v.address, v.geometry, v.secrecy,
                      case when lower(v.code) = lower($1) then 0
                           when v.code ilike $2 then 1
                           when v.name ilike $2 then 2
                           when v.name ilike $3 then 3
                           when v.address ilike $2 then 4
                           when v.address ilike $3 then 5
                           else 6 end as rank
                 from spatial_unit_version v
                where v.valid @> $4::date and v.recorded @> $5::timestamptz
                  and (v.code ilike $3 or v.name ilike $3 or v.address ilike $3)
                order by rank, char_length(coalesce(v.code, '')), v.code, v.object_id
                limit $6)
           select kind, object_id, code, name, address, secrecy, rank as "rank!",
                  st_xmin(geometry) as west, st_ymin(geometry) as south,
                  st_xmax(geometry) as east, st_ymax(geometry) as north,
                  st_x(st_pointonsurface(geometry)) as x, st_y(st_pointonsurface(geometry)) as y
             from found
            order by rank, char_length(coalesce(code, '')), code, object_id"#,
        words,
        format!("{}%", escape_pattern(words)),
        contains_pattern(words),
        times.as_of,
        times.known_at,
        i64::from(limit),
    )
    .fetch_all(&mut *snapshot)
    .await?;
    drop(snapshot);
    let restricted: Vec<Uuid> = rows
        .iter()
        .filter(|row| row.secrecy.as_deref() == Some(crate::spatial_units::RESTRICTED))
        .map(|row| row.object_id)
        .collect();
    note_restricted_read(&context, &uri.to_string(), &restricted).await?;
    let items = rows
        .into_iter()
        .map(|row| Found {
            layer: Kind::from_word(&row.kind).map_or("", Kind::layer).to_owned(),
            id: row.object_id,
            matched: match row.rank {
                0 | 1 | 6 => "code",
                2 | 3 => "name",
                _ => "address",
            }
            .to_owned(),
            code: row.code,
            name: row.name,
            address: row.address,
            bbox: match (row.west, row.south, row.east, row.north) {
                (Some(west), Some(south), Some(east), Some(north)) => Some([west, south, east, north]),
                _ => None,
            },
            point: row.x.zip(row.y).map(|(x, y)| [x, y]),
        })
        .collect();
    Ok(Json(Page {
        items,
        next: None,
        total: None,
    }))
}

/// The route of the search.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(search))
}
