//! `GET /api/v1/successions`: where something came from, and what became of it (来源、去向).

use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use serde::{Deserialize, Serialize};
use time::Date;
use uuid::Uuid;

use crate::period::{day, valid_period};
use crate::request::{Context, Problem, Times};

/// Of what.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// The id of a parcel or building, old or new.
    asset: Uuid,
}

/// One of the old or new ones.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SuccessionEnd)]
pub struct End {
    /// Its id.
    pub id: Uuid,
    /// Its code, as it was last known.
    pub code: Option<String>,
    /// Its name, likewise.
    pub name: Option<String>,
    /// Its plane area, m².
    pub area_m2: Option<f64>,
}

/// A split or merge that something was part of.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Succession {
    /// Its id.
    pub id: Uuid,
    /// `split` (分割) or `merge` (合并).
    pub kind: String,
    /// `parcels` or `buildings`.
    pub layer: String,
    /// The first day of the new ones.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// The old ones.
    pub from: Vec<End>,
    /// The new ones.
    pub to: Vec<End>,
    /// The survey it rests on.
    pub survey: String,
    /// The consent of the natural-resources department.
    pub consent: Option<String>,
    /// The title case that brought it about.
    pub case_id: Option<Uuid>,
    /// Plane area before, m².
    pub area_before_m2: f64,
    /// Plane area after, m².
    pub area_after_m2: f64,
}

/// The splits and merges that a parcel or building came out of or went into, the latest first. Of what the caller may not
/// see the id alone is told.
#[utoipa::path(get, path = "/api/v1/successions", operation_id = "list_successions", tag = "assets",
    params(ListQuery, ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Vec<Succession>), (status = 400, body = Problem)))]
pub(super) async fn list_successions(
    context: Context,
    times: Times,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Vec<Succession>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = sqlx::query!(
        "select object_id, valid, kind, object_kind, from_ids, to_ids, survey, consent, case_id, area_before_m2, area_after_m2
           from succession_version
          where (from_ids @> array[$1::uuid] or to_ids @> array[$1::uuid]) and recorded @> $2::timestamptz
          order by lower(valid) desc, object_id",
        query.asset,
        times.known_at,
    )
    .fetch_all(&mut *snapshot)
    .await?;
    let every: Vec<Uuid> = rows
        .iter()
        .flat_map(|row| row.from_ids.iter().chain(&row.to_ids).copied())
        .collect();
    let known = sqlx::query!(
        "select distinct on (object_id) object_id, code, name, area_m2
           from spatial_unit_version
          where object_id = any($1) and recorded @> $2::timestamptz
          order by object_id, lower(valid) desc",
        &every,
        times.known_at,
    )
    .fetch_all(&mut *snapshot)
    .await?;
    drop(snapshot);
    context.note_read_of(&every).await?;
    let ends = |ids: &[Uuid]| {
        ids.iter()
            .map(|id| {
                let known = known.iter().find(|row| row.object_id == *id);
                End {
                    id: *id,
                    code: known.and_then(|row| row.code.clone()),
                    name: known.and_then(|row| row.name.clone()),
                    area_m2: known.and_then(|row| row.area_m2),
                }
            })
            .collect()
    };
    let told = rows
        .into_iter()
        .map(|row| Succession {
            id: row.object_id,
            on: valid_period(&row.valid).from,
            layer: format!("{}s", row.object_kind),
            from: ends(&row.from_ids),
            to: ends(&row.to_ids),
            kind: row.kind,
            survey: row.survey,
            consent: row.consent,
            case_id: row.case_id,
            area_before_m2: row.area_before_m2,
            area_after_m2: row.area_after_m2,
        })
        .collect();
    Ok(Json(told))
}
