//! Registering, changing and closing a region.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use geo_types::{Geometry, MultiPolygon};
use serde::{Deserialize, Serialize};
use time::Date;
use uuid::Uuid;

use super::content::{RegionContent, held_versions};
use super::level::{CODE_REMEDY, GB2260, LEVELS, code_has_form};
use super::read::{Region, WHAT, load, parse_id};
use crate::geometry;
use crate::ids::{RegionId, VersionId};
use crate::ledger::Action;
use crate::period::{Held, ValidPeriod, day, reach, revise};
use crate::request::fields::{
    optional_reason, required_reason, said, sane_day, take_required_text, take_text, take_word,
};
use crate::request::{Body, Context, Idempotency, Problem, Times};
use crate::tree::Tree;
use crate::versioned::{Created, Occasion, answer, answer_created, changed_fields, version_to_change, write_revision};

/// What can be said of a region. In a change, a field that is absent stays and one that is null is emptied.
#[derive(Debug, Default, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RegionStatement {
    /// True in law from this day; today unless told.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    valid_from: Option<Date>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Whose codes; `GB2260` unless told.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    scheme: Option<Option<String>>,
    /// 行政区划代码; needed to register.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    code: Option<Option<String>>,
    /// Needed to register.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    name: Option<Option<String>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    name_en: Option<Option<String>>,
    /// `nation`, `province`, `city`, `county`, `township` or `village`; needed to register.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    level: Option<Option<String>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    parent_id: Option<Option<Uuid>>,
    /// GeoJSON Polygon or MultiPolygon, longitude and latitude (EPSG:4490).
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    geometry: Option<Option<serde_json::Value>>,
}

impl RegionStatement {
    /// Applies what is said to a content.
    fn apply(&self, content: &mut RegionContent) -> Result<(), Problem> {
        take_required_text("scheme", &self.scheme, 24, &mut content.scheme)?;
        take_required_text("code", &self.code, 64, &mut content.code)?;
        if !code_has_form(&content.scheme, &content.code) {
            return Err(
                Problem::invalid("code", format!("{:?} is no code of {}", content.code, content.scheme))
                    .remedy(CODE_REMEDY),
            );
        }
        take_required_text("name", &self.name, 200, &mut content.name)?;
        take_text("name_en", &self.name_en, 200, &mut content.name_en)?;
        take_word("level", &self.level, &LEVELS, &mut content.level)?;
        if let Some(parent_id) = self.parent_id {
            content.parent_id = parent_id.map(RegionId);
        }
        if let Some(shape) = &self.geometry {
            content.geometry = shape.as_ref().map(read_shape).transpose()?;
            content.repair = None;
            content.original_geometry = None;
        }
        Ok(())
    }
}

/// Reads GeoJSON as the multipolygon that the table takes.
fn read_shape(value: &serde_json::Value) -> Result<Vec<u8>, Problem> {
    let shape = as_multipolygon(geometry::from_geojson(value)?).ok_or_else(|| {
        Problem::invalid("geometry", "a region is no point and no line")
            .remedy("send a GeoJSON Polygon or MultiPolygon")
    })?;
    Ok(geometry::ewkb(&shape)?)
}

/// The shape as a multipolygon, where it is an area.
pub(super) fn as_multipolygon(shape: Geometry<f64>) -> Option<Geometry<f64>> {
    match shape {
        Geometry::Polygon(polygon) => Some(Geometry::MultiPolygon(MultiPolygon(vec![polygon]))),
        Geometry::MultiPolygon(_) => Some(shape),
        _ => None,
    }
}

/// Registers a region.
#[utoipa::path(post, path = "/api/v1/regions", operation_id = "create_region", tag = "regions",
    params(("Idempotency-Key" = String, Header)), request_body = RegionStatement,
    responses((status = 201, body = Created), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn create_region(
    context: Context,
    headers: HeaderMap,
    Body(statement): Body<RegionStatement>,
) -> Result<Response, Problem> {
    let idempotency = Idempotency::read(&headers, &("regions", &statement))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    Tree::Regions.lock(&mut transaction).await?;
    let now = context.clock.now();
    let from = sane_day(
        "valid_from",
        statement.valid_from.unwrap_or_else(|| context.clock.today()),
    )?;
    let mut content = RegionContent {
        scheme: GB2260.to_owned(),
        ..RegionContent::default()
    };
    statement.apply(&mut content)?;
    let id = RegionId::fresh();
    let period = ValidPeriod::since(from);
    if let Some(parent_id) = content.parent_id {
        Tree::Regions
            .require_parent(&mut transaction, id.0, parent_id.0, period)
            .await?;
    }
    let revision = revise(&[], period, Some(content), now);
    let occasion = Occasion::by(&context.actor, optional_reason(statement.reason.as_deref())?);
    let version = write_revision(&mut transaction, id.0, Action::Create, &revision, None, &occasion).await?;
    let location = format!("/api/v1/regions/{id}");
    let created = answer_created(&mut transaction, &context, &idempotency, now, &location, id.0, version).await?;
    transaction.commit().await?;
    Ok(created)
}

async fn held(connection: &mut sqlx::PgConnection, id: RegionId) -> Result<Vec<Held<RegionContent>>, Problem> {
    held_versions(connection, &[id.0])
        .await?
        .remove(&id.0)
        .ok_or_else(|| Problem::not_found(WHAT))
}

/// Changes what is said of a region from a day on.
#[utoipa::path(patch, path = "/api/v1/regions/{id}", operation_id = "change_region", tag = "regions",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = RegionStatement,
    responses((status = 200, body = Region), (status = 404, body = Problem), (status = 412, body = Problem),
              (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn change_region(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(statement): Body<RegionStatement>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let today = context.clock.today();
    let from = sane_day("valid_from", statement.valid_from.unwrap_or(today))?;
    let mut transaction = context.database.begin().await?;
    Tree::Regions.lock(&mut transaction).await?;
    let versions = held(&mut transaction, id).await?;
    let before = version_to_change(&versions, &headers, today, ("valid_from", from), WHAT)?;
    let mut content = before.content.clone();
    statement.apply(&mut content)?;
    if changed_fields(&before.content, &content).is_empty() {
        let seen = Times {
            as_of: from,
            ..Times::now(&context.clock)
        };
        let region = load(&context, id, seen).await?;
        return Ok(answer(StatusCode::OK, None, Some(before.version_id), Json(region)));
    }
    let period = reach(&versions, from);
    if let Some(parent_id) = content.parent_id
        && before.content.parent_id != content.parent_id
    {
        Tree::Regions
            .require_parent(&mut transaction, id.0, parent_id.0, period)
            .await?;
    }
    let revision = revise(&versions, period, Some(content), context.clock.now());
    let occasion = Occasion::by(&context.actor, optional_reason(statement.reason.as_deref())?);
    write_revision(
        &mut transaction,
        id.0,
        Action::Change,
        &revision,
        Some(&before.content),
        &occasion,
    )
    .await?;
    transaction.commit().await?;
    let seen = Times {
        as_of: from,
        known_at: revision.at,
        ..Times::now(&context.clock)
    };
    let region = load(&context, id, seen).await?;
    Ok(answer(
        StatusCode::OK,
        None,
        Some(VersionId(region.version.version_id)),
        Json(region),
    ))
}

/// The day a region ends, and what takes its place.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RegionClosure {
    /// The first day on which it is no more.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    valid_to: Date,
    /// Why; an ending is never without a reason.
    reason: String,
    /// The regions that take its place (合并、撤销、更名).
    #[serde(default)]
    successor_ids: Vec<Uuid>,
}

/// Closes a region on a day and names its successors. Its history stays.
#[utoipa::path(post, path = "/api/v1/regions/{id}/closures", operation_id = "close_region", tag = "regions",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = RegionClosure,
    responses((status = 200), (status = 404, body = Problem), (status = 412, body = Problem),
              (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn close_region(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(closure): Body<RegionClosure>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let reason = required_reason(&closure.reason)?;
    let valid_to = sane_day("valid_to", closure.valid_to)?;
    let mut transaction = context.database.begin().await?;
    Tree::Regions.lock(&mut transaction).await?;
    let versions = held(&mut transaction, id).await?;
    let last_day = valid_to.previous_day().unwrap_or(valid_to);
    let before = version_to_change(&versions, &headers, context.clock.today(), ("valid_to", last_day), WHAT)?;
    require_successors(&mut transaction, id, &closure.successor_ids, valid_to).await?;
    // The last version says what comes after it, so it is written anew even where it ends on that day already.
    let content = RegionContent {
        successor_ids: closure.successor_ids.iter().copied().map(RegionId).collect(),
        ..before.content.clone()
    };
    let ends_here = before.valid.to == Some(valid_to) && versions.iter().all(|version| version.valid.from < valid_to);
    if ends_here && content.successor_ids == before.content.successor_ids {
        return Err(Problem::invalid("valid_to", "it has ended by then already").remedy("choose an earlier day"));
    }
    Tree::Regions
        .require_no_children(&mut transaction, id.0, valid_to)
        .await?;
    let mut revision = revise(
        &versions,
        ValidPeriod::since(before.valid.from),
        None,
        context.clock.now(),
    );
    revision.write.push((
        ValidPeriod {
            from: before.valid.from,
            to: Some(valid_to),
        },
        content,
    ));
    let occasion = Occasion::by(&context.actor, Some(reason));
    let version = write_revision(
        &mut transaction,
        id.0,
        Action::Close,
        &revision,
        Some(&before.content),
        &occasion,
    )
    .await?;
    transaction.commit().await?;
    let body = serde_json::json!({
        "id": id.0, "valid_to": valid_to.to_string(), "successor_ids": closure.successor_ids,
    });
    Ok(answer(StatusCode::OK, None, version, Json(body)))
}

/// What takes a region's place is registered on the day the region is no more.
async fn require_successors(
    connection: &mut sqlx::PgConnection,
    id: RegionId,
    successors: &[Uuid],
    on: Date,
) -> Result<(), Problem> {
    let refuse = |detail: String| {
        Err(Problem::invalid("successor_ids", detail)
            .remedy("name each region that takes the place once, and register it first"))
    };
    for (index, successor) in successors.iter().enumerate() {
        if *successor == id.0 {
            return refuse("a region is not its own successor".to_owned());
        }
        if successors[..index].contains(successor) {
            return refuse(format!("{successor} is named twice"));
        }
    }
    let known = sqlx::query_scalar!(
        "select object_id from region_version
          where object_id = any($1) and valid @> $2::date and upper_inf(recorded)",
        successors,
        on,
    )
    .fetch_all(connection)
    .await?;
    match successors.iter().find(|successor| !known.contains(successor)) {
        Some(unknown) => refuse(format!("no region {unknown} is registered on {on}")),
        None => Ok(()),
    }
}
