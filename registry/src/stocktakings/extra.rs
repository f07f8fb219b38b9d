//! `POST /api/v1/stocktakings/{id}/lines`: something is there that the ledger doesn't know (账外资产、盘盈).

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::content::held_stocktaking;
use super::line::{ExtraSaid, Found, book_line};
use super::permission::require_recording;
use super::read::{WHAT, parse_id};
use super::record::{AnswerSent, write_line};
use crate::ids::{StocktakingLineId, UnitId};
use crate::request::fields::{plain_text, require_word};
use crate::request::{Body, Context, Fault, Idempotency, Place, Problem, etag};
use crate::versioned::{Created, answer};

/// Something extra.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StocktakingExtra)]
pub(super) struct ExtraSent {
    /// `parcel`, `building` or `room`.
    kind: String,
    /// What it is called.
    name: String,
    /// The parcel or building of the list that it is on or next to; of a room its building.
    near_id: Uuid,
    /// 坐落
    #[serde(default)]
    address: Option<String>,
    /// m².
    #[serde(default)]
    area_m2: Option<f64>,
    /// What it is used for; of a room its type.
    #[serde(default)]
    usage: Option<String>,
    /// The unit that uses it.
    #[serde(default)]
    unit_id: Option<Uuid>,
    /// Its area in the unit's own ledger, m².
    #[serde(default)]
    own_area_m2: Option<f64>,
    /// Its certificate's number in the unit's own ledger.
    #[serde(default)]
    own_title_number: Option<String>,
    /// Anything else.
    #[serde(default)]
    note: Option<String>,
}

/// Adds what the ledger doesn't know. It is a surplus from then on, and never taken out again.
#[utoipa::path(post, path = "/api/v1/stocktakings/{id}/lines", operation_id = "add_stocktaking_line", tag = "stocktakings",
    params(("id" = Uuid, Path), ("Idempotency-Key" = String, Header)), request_body = ExtraSent,
    responses((status = 201, body = Created), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn add_extra_line(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(sent): Body<ExtraSent>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let idempotency = Idempotency::read(&headers, &("stocktaking-lines", id.0, &sent))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    // One at a time: the line gets the next number.
    let stocktaking = held_stocktaking(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?
        .content;
    require_word("kind", &sent.kind, &["parcel", "building", "room"])?;
    let name = plain_text("name", &sent.name, 200)?;
    if name.is_empty() {
        return Err(Problem::invalid("name", "必填 / it is missing").remedy("say what it is called"));
    }
    let near = sqlx::query!(
        "select kind, region_code, admin_level, unit_id, lon, lat from stocktaking_line
          where stocktaking_id = $1 and asset_id = $2 and kind <> 'room'",
        id.0,
        sent.near_id,
    )
    .fetch_optional(&mut *transaction)
    .await?
    .filter(|near| sent.kind != "room" || near.kind == "building")
    .ok_or_else(|| {
        Problem::invalid(
            "near_id",
            "请选择清单中相邻或所在的宗地、楼栋 / name the parcel or building of the list that it is on or next to",
        )
        .code("near_unknown")
        .remedy("send the id of a parcel or building of this list; of a room that of its building")
    })?;
    let unit_id = stocktaking.unit_id.map(|unit| unit.0).or(sent.unit_id).or(near.unit_id);
    let place = Place {
        region_code: near.region_code.clone(),
        admin_level: near.admin_level.clone(),
        unit_id: unit_id.map(UnitId),
    };
    require_recording(&context.caller, "extra", &place)?;
    let definition = super::definition_of(&mut transaction, &stocktaking).await?;
    super::require_open_for(&definition, &stocktaking, "extra")?;
    let said = AnswerSent {
        found: Found::Extra,
        area_m2: sent.area_m2,
        usage: sent.usage.clone(),
        unit_id: sent.unit_id,
        place: None,
        own_area_m2: sent.own_area_m2,
        own_title_number: sent.own_title_number.clone(),
        note: sent.note.clone(),
    };
    let mut content = said.line(&mut transaction, &context, id, (&sent.kind, true)).await?;
    let address = super::record::optional("address", sent.address.as_deref(), 300)?;
    content.extra = Some(ExtraSaid {
        kind: sent.kind.clone(),
        name: name.clone(),
        address: address.clone(),
        near_id: sent.near_id,
    });
    let line = StocktakingLineId::fresh();
    sqlx::query!(
        "insert into stocktaking_line (id, stocktaking_id, no, is_extra, kind, building_id, near_id, region_code,
                admin_level, unit_id, name, address, lon, lat)
         select $1, $2, coalesce(max(no), 0) + 1, true, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
           from stocktaking_line where stocktaking_id = $2",
        line.0,
        id.0,
        sent.kind,
        (sent.kind == "room").then_some(sent.near_id),
        sent.near_id,
        near.region_code,
        near.admin_level,
        unit_id,
        name,
        address,
        near.lon,
        near.lat,
    )
    .execute(&mut *transaction)
    .await?;
    let book = book_line(&mut transaction, id, line)
        .await?
        .ok_or_else(|| Fault::Impossible {
            what: format!("the line {line} is gone"),
        })?;
    content.compare(&book);
    let version = write_line(&mut transaction, &context, line, None, content, "账外资产").await?;
    let location = format!("/api/v1/stocktakings/{id}/lines/{line}");
    let body = serde_json::json!(Created {
        id: line.0,
        version_id: version.map(|version| version.0)
    });
    let tag = version.map(etag).unwrap_or_default();
    idempotency
        .keep(
            &mut transaction,
            &context.actor,
            context.clock.now(),
            &location,
            &tag,
            &body,
        )
        .await?;
    transaction.commit().await?;
    Ok(answer(StatusCode::CREATED, Some(&location), version, Json(body)))
}
