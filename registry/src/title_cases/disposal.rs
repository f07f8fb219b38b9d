//! What stands in the way of disposing of an asset: asked by whoever decides on its use, answered in one place.

use axum::Json;
use axum::extract::Path;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::{SpatialUnitId, TitleId};
use crate::request::{Context, Fault, Problem, Times};
use crate::titles::encumbrances::{Act, Effect, encumbrances_of, obstacles};

/// One thing that stands in the way (DSP-03).
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct DisposalObstacle {
    /// `filed`, `unregistered`, `disputed` or the kind of an encumbrance.
    pub kind: String,
    /// How strongly.
    pub effect: Effect,
    /// Whose it is, or which case.
    pub by: String,
    /// Where the law says so.
    pub source: &'static str,
}

/// What stands in the way of disposing of an asset on a day, the strongest first.
///
/// # Errors
/// The database's.
pub async fn disposal_obstacles(
    connection: &mut PgConnection,
    asset: SpatialUnitId,
    times: Times,
) -> Result<Vec<DisposalObstacle>, Fault> {
    const OFFICE_5: &str = "党政机关办公用房管理办法 art. 5";
    const REL_38: &str = "城市房地产管理法 art. 38";
    let mut found = Vec::new();
    let frozen = sqlx::query!(
        "select object_id from title_case_version where asset_id = $1 and upper_inf(recorded) and disposal_frozen",
        asset.0,
    )
    .fetch_all(&mut *connection)
    .await?;
    found.extend(frozen.into_iter().map(|case| DisposalObstacle {
        kind: "filed".to_owned(),
        effect: Effect::Blocks,
        by: case.object_id.to_string(),
        source: OFFICE_5,
    }));
    let titles = sqlx::query!(
        r#"select object_id, unit_code from title_version
            where (parcel_ids @> array[$1::uuid] or building_ids @> array[$1::uuid]) and book_state = '1'
              and valid @> $2::date and recorded @> $3::timestamptz"#,
        asset.0,
        times.as_of,
        times.known_at,
    )
    .fetch_all(&mut *connection)
    .await?;
    if titles.is_empty() {
        found.push(DisposalObstacle {
            kind: "unregistered".to_owned(),
            effect: Effect::Blocks,
            by: asset.to_string(),
            source: REL_38,
        });
    }
    for title in titles {
        let code = title
            .unit_code
            .as_deref()
            .and_then(|code| crate::unit_code::UnitCode::parse(code).ok());
        if code.is_some_and(|code| code.parcel_kind() == crate::unit_code::ParcelKind::Disputed) {
            found.push(DisposalObstacle {
                kind: "disputed".to_owned(),
                effect: Effect::Blocks,
                by: title.object_id.to_string(),
                source: REL_38,
            });
        }
        let encumbrances = encumbrances_of(connection, TitleId(title.object_id), times).await?;
        found.extend(
            obstacles(&encumbrances, Act::Disposal)
                .into_iter()
                .map(|obstacle| DisposalObstacle {
                    kind: obstacle.kind.code().to_owned(),
                    effect: obstacle.effect,
                    by: obstacle.holder,
                    source: obstacle.source,
                }),
        );
    }
    found.sort_by_key(|obstacle| std::cmp::Reverse(obstacle.effect));
    Ok(found)
}

/// What stands in the way of disposing of an asset.
#[utoipa::path(get, path = "/api/v1/disposal-obstacles/{asset}", operation_id = "get_disposal_obstacles", tag = "title cases",
    params(("asset" = Uuid, Path), ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Vec<DisposalObstacle>), (status = 404, body = Problem)))]
pub(super) async fn get_disposal_obstacles(
    context: Context,
    times: Times,
    Path(asset): Path<String>,
) -> Result<Json<Vec<DisposalObstacle>>, Problem> {
    let not_found = || Problem::not_found("this asset");
    let asset = Uuid::parse_str(&asset).map(SpatialUnitId).map_err(|_| not_found())?;
    let mut connection = context.database.begin_snapshot().await?;
    let registered = sqlx::query_scalar!("select id from spatial_unit where id = $1", asset.0)
        .fetch_optional(&mut *connection)
        .await?;
    registered.ok_or_else(not_found)?;
    let obstacles = disposal_obstacles(&mut connection, asset, times).await?;
    drop(connection);
    context.note_read_of(&[asset.0]).await?;
    Ok(Json(obstacles))
}
