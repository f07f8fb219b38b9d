//! `POST /api/v1/stocktakings/{id}/confirmations`: many lines are in place at once. What was answered stays as it is.

use axum::Json;
use axum::extract::Path;
use serde::{Deserialize, Serialize};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::content::shared_stocktaking;
use super::line::{Found, LineContent};
use super::permission::require_recording;
use super::read::{WHAT, parse_id};
use super::record::{ANSWERED, revise_line};
use crate::ids::{StocktakingLineId, UnitId};
use crate::request::{Body, Context, Place, Problem};
use crate::versioned::VersionWriter;

/// The most lines of one confirmation: a large compound.
const MOST_LINES: usize = 5_000;

/// Which lines are in place.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = StocktakingConfirmation)]
pub(super) struct Confirmation {
    /// These lines.
    line_ids: Vec<Uuid>,
    /// Every room of this building, and the building itself.
    building_id: Option<Uuid>,
}

/// What came of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = StocktakingConfirmed)]
pub(super) struct Confirmed {
    /// So many lines are answered by this.
    confirmed: usize,
}

#[derive(sqlx::FromRow)]
struct Open {
    id: Uuid,
    region_code: Option<String>,
    admin_level: Option<String>,
    unit_id: Option<Uuid>,
}

/// Says of every line that was asked for and isn't answered that it is in place.
#[utoipa::path(post, path = "/api/v1/stocktakings/{id}/confirmations", operation_id = "confirm_stocktaking_lines", tag = "stocktakings",
    params(("id" = Uuid, Path)), request_body = Confirmation,
    responses((status = 200, body = Confirmed), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn confirm_lines(
    context: Context,
    Path(id): Path<String>,
    Body(sent): Body<Confirmation>,
) -> Result<Json<Confirmed>, Problem> {
    let id = parse_id(&id)?;
    if sent.line_ids.is_empty() == sent.building_id.is_none() {
        return Err(
            Problem::invalid("line_ids", "请选择若干条，或一栋楼 / name some lines, or one building")
                .remedy("send line_ids or building_id"),
        );
    }
    if sent.line_ids.len() > MOST_LINES {
        return Err(Problem::invalid("line_ids", "more than 5000 lines").remedy("confirm fewer at once"));
    }
    let mut transaction = context.database.begin().await?;
    let stocktaking = shared_stocktaking(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?
        .content;
    let definition = super::definition_of(&mut transaction, &stocktaking).await?;
    super::require_open_for(&definition, &stocktaking, "answer")?;
    let mut select: QueryBuilder<Postgres> = QueryBuilder::new(
        "select l.id, l.region_code, l.admin_level, l.unit_id from stocktaking_line l
          where not l.is_extra and l.stocktaking_id = ",
    );
    select.push_bind(id.0);
    if let Some(building) = sent.building_id {
        select.push(" and (l.building_id = ").push_bind(building);
        select.push(" or l.asset_id = ").push_bind(building).push(")");
    } else {
        select
            .push(" and l.id = any(")
            .push_bind(sent.line_ids.clone())
            .push(")");
    }
    select.push(
        " and not exists (select from stocktaking_line_version a where a.object_id = l.id and upper_inf(a.recorded))
          order by l.no limit ",
    );
    select.push_bind(i64::try_from(MOST_LINES).unwrap_or(i64::MAX));
    let open: Vec<Open> = select.build_query_as().fetch_all(&mut *transaction).await?;
    let mut writer = VersionWriter::default();
    for line in &open {
        let place = Place {
            region_code: line.region_code.clone(),
            admin_level: line.admin_level.clone(),
            unit_id: line.unit_id.map(UnitId),
        };
        require_recording(&context.caller, "answer", &place)?;
        let content = LineContent::answered(id, Found::InPlace, &context.actor.0);
        revise_line(
            &mut writer,
            &context,
            StocktakingLineId(line.id),
            None,
            content,
            ANSWERED,
        )?;
    }
    writer.flush(&mut transaction).await?;
    transaction.commit().await?;
    Ok(Json(Confirmed { confirmed: open.len() }))
}
