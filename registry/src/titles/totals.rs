//! `GET /api/v1/title-totals`: how far the unification of titles is: current titles by who holds them.

use std::collections::BTreeMap;

use axum::Json;
use serde::Serialize;

use super::dictionaries::HolderKind;
use super::holder::Unification;
use crate::request::{Context, Fault, Problem, Times};

/// The current titles that are held in one way.
#[derive(Debug, Clone, Default, Serialize, utoipa::ToSchema)]
pub struct TitleTotal {
    /// How many.
    pub titles: i64,
    /// Their land, m².
    pub land_area_m2: f64,
    /// Their buildings, m².
    pub house_area_m2: f64,
}

/// The current titles of one kind.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UnificationTotal {
    /// How they are held.
    pub unification: Unification,
    /// How many they are, and how large.
    #[serde(flatten)]
    pub total: TitleTotal,
}

/// Current titles at a date, by who holds them.
#[utoipa::path(get, path = "/api/v1/title-totals", operation_id = "get_title_totals", tag = "titles",
    params(("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Vec<UnificationTotal>), (status = 400, body = Problem)))]
pub(super) async fn get_title_totals(context: Context, times: Times) -> Result<Json<Vec<UnificationTotal>>, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = sqlx::query!(
        r#"select k.kinds as "kinds!", count(*) as "titles!", coalesce(sum(v.land_area_m2), 0)::float8 as "land!",
                  coalesce(sum(v.house_area_m2), 0)::float8 as "house!"
             from title_version v
            cross join lateral (
                  select array_agg(distinct h ->> 'kind') as kinds from json_array_elements(v.holders) h) k
            where v.book_state = '1' and v.valid @> $1::date and v.recorded @> $2::timestamptz
            group by k.kinds"#,
        times.as_of,
        times.known_at,
    )
    .fetch_all(&mut *snapshot)
    .await?;
    let mut totals: BTreeMap<Unification, TitleTotal> = BTreeMap::new();
    for row in rows {
        let kinds: Option<Vec<HolderKind>> = row.kinds.iter().map(|kind| HolderKind::of(kind)).collect();
        let kinds = kinds.ok_or_else(|| Fault::Impossible {
            what: format!("a title is held by {:?}", row.kinds),
        })?;
        let total = totals.entry(Unification::of_kinds(&kinds)).or_default();
        total.titles += row.titles;
        total.land_area_m2 += row.land;
        total.house_area_m2 += row.house;
    }
    let told = Unification::ALL
        .into_iter()
        .map(|unification| UnificationTotal {
            unification,
            total: totals.remove(&unification).unwrap_or_default(),
        })
        .collect();
    Ok(Json(told))
}
