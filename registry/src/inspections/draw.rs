//! `POST /api/v1/inspections/{id}/samples`: draws the sample, and takes what is chosen by hand beside it.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::content::{InspectionContent, held_inspection};
use super::permission::{Inspected, require_reading_all, require_role};
use super::plan::write_step;
use super::read::{Inspection, WHAT, load, parse_id};
use super::record::require_taken;
use super::sample::{ChosenBuilding, Drawable, Sample, Weighting, draw, stock_digest};
use crate::request::fields::{optional_reason, plain_text};
use crate::request::{Body, Context, Fault, Problem, etag, require_match};
use crate::versioned::answer;

/// The most buildings that are chosen by hand.
const MOST_CHOSEN: usize = 200;

/// How the sample is to be drawn: a number or a share, or neither where all of it is chosen by hand.
#[derive(Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = InspectionDrawing)]
pub(super) struct Drawing {
    /// So many buildings.
    number: Option<u32>,
    /// This share of them, per cent as a text; rounded up.
    share: Option<String>,
    /// How likely each building is.
    weighting: Weighting,
    /// What the numbers are to follow from: a number drawn in public, say; a fresh one unless told.
    seed: Option<String>,
    /// What is chosen by hand, each with its reason.
    chosen: Vec<ChosenBuilding>,
    /// Why; needed where the sample was drawn before.
    reason: Option<String>,
}

/// What can be drawn, by id.
pub(super) async fn stock(
    connection: &mut PgConnection,
    inspection: &InspectionContent,
    known_at: OffsetDateTime,
) -> Result<Vec<Drawable>, Fault> {
    let rows = sqlx::query!(
        r#"select s.object_id as "object_id!", s.area_m2::float8 as area_m2
             from inspected_buildings($1::date, $2::timestamptz, $3::text, $4::text, $5::uuid) s
            order by s.object_id"#,
        inspection.as_of,
        known_at,
        crate::regions::subtree(&inspection.region_code),
        inspection.admin_level,
        inspection.unit_id,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Drawable {
            id: row.object_id,
            area_m2: row.area_m2,
        })
        .collect())
}

impl Drawing {
    /// How many are to be drawn of so many, and by which share.
    fn number_of(&self, stock: usize) -> Result<(usize, Option<Decimal>), Problem> {
        let too_many = |field: &str, asked: usize| {
            Problem::invalid(
                field,
                format!("要抽 {asked} 处，而可抽的只有 {stock} 处 / {asked} are to be drawn, and there are {stock}"),
            )
            .code("sample_too_large")
            .remedy(format!("draw {stock} at most"))
        };
        match (self.number, self.share.as_deref()) {
            (Some(_), Some(_)) => Err(Problem::invalid(
                "share",
                "数量与比例只能填一个 / a number and a share are both said",
            )
            .remedy("send one of the two")),
            (Some(number), None) => {
                let number = number as usize;
                if number > stock {
                    return Err(too_many("number", number));
                }
                Ok((number, None))
            }
            (None, Some(text)) => {
                let share = text
                    .trim()
                    .parse::<Decimal>()
                    .ok()
                    .filter(|share| *share > Decimal::ZERO && *share <= Decimal::ONE_HUNDRED && share.scale() <= 4)
                    .ok_or_else(|| {
                        Problem::invalid(
                            "share",
                            format!("{text:?}：比例应大于 0 且不超过 100 / it is no share, per cent"),
                        )
                        .remedy("send per cent as a text, more than 0 and 100 at most: \"12.5\"")
                    })?;
                let number = (Decimal::from(stock) * share / Decimal::ONE_HUNDRED)
                    .ceil()
                    .to_usize()
                    .unwrap_or(stock);
                Ok((number, Some(share.normalize())))
            }
            (None, None) => Ok((0, None)),
        }
    }
}

/// The buildings chosen by hand are of what is inspected, and each has a reason.
async fn require_chosen(
    connection: &mut PgConnection,
    inspection: &InspectionContent,
    chosen: &[ChosenBuilding],
) -> Result<Vec<ChosenBuilding>, Problem> {
    if chosen.len() > MOST_CHOSEN {
        return Err(Problem::invalid("chosen", format!("more than {MOST_CHOSEN} buildings"))
            .remedy("draw some of them instead"));
    }
    let ids: Vec<Uuid> = chosen.iter().map(|one| one.asset_id).collect();
    let there = sqlx::query_scalar!(
        r#"select object_id from spatial_unit_version
            where object_id = any($1) and kind = 'building' and valid @> $2::date and upper_inf(recorded)
              and starts_with(region_code, $3::text)"#,
        &ids,
        inspection.as_of,
        crate::regions::subtree(&inspection.region_code),
    )
    .fetch_all(connection)
    .await?;
    let mut taken: Vec<ChosenBuilding> = Vec::new();
    for (at, one) in chosen.iter().enumerate() {
        let field = format!("chosen[{at}]");
        if !there.contains(&one.asset_id) {
            return Err(Problem::invalid(
                &field,
                "被检查范围内没有这个楼栋 / no building of what is inspected has this id",
            )
            .code("building_elsewhere")
            .remedy("choose a building of the region that is inspected"));
        }
        let reason = plain_text(&field, &one.reason, 500)?;
        if reason.is_empty() {
            return Err(
                Problem::invalid(&field, "指定检查须说明理由 / what is chosen by hand has a reason")
                    .code("reason_missing")
                    .remedy("say why this building is chosen"),
            );
        }
        if taken.iter().all(|before| before.asset_id != one.asset_id) {
            taken.push(ChosenBuilding {
                asset_id: one.asset_id,
                reason,
            });
        }
    }
    Ok(taken)
}

/// Draws the sample. A sample that was drawn before stays in the history.
#[utoipa::path(post, path = "/api/v1/inspections/{id}/samples", operation_id = "draw_inspection_sample", tag = "inspections",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = Drawing,
    responses((status = 200, body = Inspection), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn draw_inspection_sample(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(drawing): Body<Drawing>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let reason = optional_reason(drawing.reason.as_deref())?;
    let mut transaction = context.database.begin().await?;
    let held = held_inspection(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    require_match(&headers, &etag(held.version_id))?;
    let definition = super::definition_of(&mut transaction, &held.content).await?;
    let inspected = Inspected::from(&held.content);
    require_role(&context.caller, "inspector", inspected)?;
    require_reading_all(&context.caller, inspected)?;
    require_taken(&definition, &held.content, "sample")?;
    if held.content.details.sample.is_some() && reason.is_none() {
        return Err(Problem::invalid(
            "reason",
            "重新抽样须说明理由 / a sample that is drawn anew has a reason",
        )
        .code("reason_missing")
        .remedy("say why it is drawn anew"));
    }
    let seed = match drawing.seed.as_deref().map(str::trim).filter(|seed| !seed.is_empty()) {
        Some(seed) => plain_text("seed", seed, 100)?,
        None => hex::encode(Uuid::now_v7().as_bytes()),
    };
    let known_at = context.clock.now();
    let stock = stock(&mut transaction, &held.content, known_at).await?;
    let (number, share) = drawing.number_of(stock.len())?;
    let chosen = require_chosen(&mut transaction, &held.content, &drawing.chosen).await?;
    if number == 0 && chosen.is_empty() {
        return Err(Problem::invalid("number", "样本为空 / the sample is empty")
            .code("sample_empty")
            .remedy("draw a number or a share of the buildings, or choose some by hand"));
    }
    let drawn = draw(&seed, &stock, number, drawing.weighting);
    let count = |many: usize| u32::try_from(many).unwrap_or(u32::MAX);
    let mut content = held.content.clone();
    content.details.sample = Some(Sample {
        weighting: drawing.weighting,
        share,
        number: count(number),
        stock: count(stock.len()),
        stock_sha256: stock_digest(&stock),
        as_of: content.as_of,
        known_at,
        chosen: chosen
            .into_iter()
            .filter(|one| !drawn.contains(&one.asset_id))
            .collect(),
        drawn,
        by: context.actor.0.clone(),
        seed,
    });
    let why = reason.unwrap_or_else(|| "抽样 / sample".to_owned());
    let version = write_step(&mut transaction, &context, id, &held, content, why).await?;
    transaction.commit().await?;
    Ok(answer(
        StatusCode::OK,
        None,
        version,
        Json(load(&context, id, None).await?),
    ))
}
