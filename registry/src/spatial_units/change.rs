//! Registering, changing and ending a parcel, building or site.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};
use time::Date;
use uuid::Uuid;

use super::queries::{Occasion, held_versions, write_revision};
use super::read::{SpatialUnit, load, parse_id};
use super::{Content, Kind};
use crate::geometry;
use crate::ids::{SpatialUnitId, UnitId, VersionId};
use crate::ledger::Action;
use crate::period::{Held, ValidPeriod, day, reach, revise};
use crate::request::{Body, Context, DoorRule, Idempotency, Problem, ProblemKind, Times, etag, require_match};
use crate::unit_code::UnitCode;

/// What can be said of an asset. In a change, a field that is absent stays and one that is null is emptied.
#[derive(Debug, Default, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Statement {
    /// True in law from this day; today unless told.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    valid_from: Option<Date>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    code: Option<Option<String>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    name: Option<Option<String>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    address: Option<Option<String>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    region_code: Option<Option<String>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    unit_id: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    title_status: Option<Option<String>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    usage: Option<Option<String>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    occupancy: Option<Option<String>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    idle_since: Option<Option<Day>>,
    /// m²
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    registered_area_m2: Option<Option<f64>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    unit_code: Option<Option<String>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    land_use_scheme: Option<Option<String>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    land_use_code: Option<Option<String>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i16>)]
    floors_above: Option<Option<i16>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i16>)]
    floors_below: Option<Option<i16>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    structure: Option<Option<String>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i16>)]
    completed_year: Option<Option<i16>>,
    /// Whose it is (本级): `national`, `province`, `city`, `county`, `township`.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    admin_level: Option<Option<String>>,
    /// 密级: `public`, `internal`, `classified`; what is classified has no shape.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    secrecy: Option<Option<String>>,
    /// GeoJSON, longitude and latitude (EPSG:4490).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    geometry: Option<serde_json::Value>,
}

/// A day inside a body.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Day(#[serde(with = "day")] Date);

fn said<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Statement {
    /// Applies what is said to a content.
    fn apply(&self, content: &mut Content) -> Result<(), Problem> {
        let texts = [
            ("code", &self.code, &mut content.code, 64),
            ("name", &self.name, &mut content.name, 200),
            ("address", &self.address, &mut content.address, 400),
            ("region_code", &self.region_code, &mut content.region_code, 24),
            ("title_status", &self.title_status, &mut content.title_status, 40),
            ("usage", &self.usage, &mut content.usage, 40),
            ("occupancy", &self.occupancy, &mut content.occupancy, 40),
            ("admin_level", &self.admin_level, &mut content.admin_level, 40),
            ("secrecy", &self.secrecy, &mut content.secrecy, 40),
            ("unit_code", &self.unit_code, &mut content.unit_code, 28),
            (
                "land_use_scheme",
                &self.land_use_scheme,
                &mut content.land_use_scheme,
                40,
            ),
            ("land_use_code", &self.land_use_code, &mut content.land_use_code, 8),
            ("structure", &self.structure, &mut content.structure, 40),
        ];
        for (field, value, target, longest) in texts {
            let Some(value) = value else { continue };
            let value = value.as_deref().map(str::trim).filter(|value| !value.is_empty());
            if value.is_some_and(|value| value.chars().count() > longest) {
                return Err(Problem::invalid(
                    field,
                    format!("it is longer than {longest} characters"),
                ));
            }
            if value.is_some_and(|value| value.contains('\0')) {
                return Err(Problem::invalid(field, "it contains the character U+0000"));
            }
            *target = value.map(ToOwned::to_owned);
        }
        // Of other kinds the database says that they have none.
        if let (Some(Some(said)), Kind::Parcel) = (&self.unit_code, content.kind)
            && let Some(code) = &content.unit_code
        {
            let parsed = UnitCode::parse(code).map_err(|refused| refused.unit_code_problem("unit_code", said))?;
            content.unit_code = Some(parsed.as_str().to_owned());
        }
        if let Some(unit_id) = self.unit_id {
            content.unit_id = unit_id.map(UnitId);
        }
        if let Some(idle_since) = self.idle_since {
            content.idle_since = idle_since.map(|Day(date)| date);
        }
        // What is idle no more is idle since no day; said outright, the contradiction is the database's to refuse.
        if content.occupancy.as_deref() != Some("idle") && self.idle_since.is_none() {
            content.idle_since = None;
        }
        if let Some(area) = self.registered_area_m2 {
            content.registered_area_m2 = match area {
                None => None,
                Some(area) => Some(
                    Decimal::try_from(area)
                        .ok()
                        .filter(|_| (0.0..1e11).contains(&area))
                        .map(|area| area.round_dp(4).normalize())
                        .ok_or_else(|| Problem::invalid("registered_area_m2", "an area is 0 or more, in m²"))?,
                ),
            };
        }
        for (value, target) in [
            (self.floors_above, &mut content.floors_above),
            (self.floors_below, &mut content.floors_below),
            (self.completed_year, &mut content.completed_year),
        ] {
            if let Some(value) = value {
                *target = value;
            }
        }
        if let Some(value) = &self.geometry {
            let shape = geometry::from_geojson(value)?;
            content.geometry = Some(geometry::ewkb(&shape)?);
            content.area_m2 = geometry::area_m2(&shape);
            content.tile_shape = Some(geometry::tile_shape(&shape)?);
            content.repair = None;
            content.original_geometry = None;
        }
        Ok(())
    }
}

/// The region must be one that is registered (GB/T 2260).
async fn require_region(connection: &mut sqlx::PgConnection, content: &Content, on: Date) -> Result<(), Problem> {
    let Some(code) = &content.region_code else {
        return Ok(());
    };
    let known = sqlx::query_scalar!(
        r#"select exists (select from region_version where code = $1 and valid @> $2::date and upper_inf(recorded)) as "known!""#,
        code,
        on,
    )
    .fetch_one(connection)
    .await?;
    if known {
        Ok(())
    } else {
        Err(
            Problem::invalid("region_code", format!("no region {code} is registered on {on}"))
                .remedy("register the region first, or leave the field out"),
        )
    }
}

/// What is classified (涉密) is reported on paper: its shape is refused at the door (GEO-15).
fn require_no_classified_shape(content: &Content) -> Result<(), Problem> {
    if !content.is_classified_with_shape() {
        return Ok(());
    }
    Err(
        Problem::invalid("geometry", "what is classified has no shape in this registry (GEO-15)")
            .code("classified_shape")
            .breaks(
                DoorRule::ClassifiedUndrawn,
                serde_json::json!({"secrecy": "classified", "geometry": true}),
            )
            .remedy("leave the shape out, and report it on paper; or say that it is public or internal, where it is"),
    )
}

/// Nothing that was known is overwritten: an asset whose shape is on record can't become classified and keep it there.
async fn require_never_drawn(connection: &mut sqlx::PgConnection, id: SpatialUnitId) -> Result<(), Problem> {
    let drawn = sqlx::query_scalar!(
        r#"select exists (
               select from spatial_unit_version
                where object_id = $1 and (geometry is not null or original_geometry is not null)) as "drawn!""#,
        id.0,
    )
    .fetch_one(connection)
    .await?;
    if !drawn {
        return Ok(());
    }
    Err(Problem::invalid(
        "secrecy",
        "its shape is on record and stays there: it can't become classified (GEO-15)",
    )
    .code("classified_shape")
    .breaks(
        DoorRule::ClassifiedUndrawn,
        serde_json::json!({"secrecy": "classified", "was_drawn": true}),
    )
    .remedy("tell whoever answers for secrecy in your office; what was made public can't be taken back here"))
}

/// No second parcel takes a unit code that is another's (COD-02); those that a file brought along are found by the rule.
/// Whoever gives a code waits for whoever gives the same one.
async fn require_own_unit_code(
    connection: &mut sqlx::PgConnection,
    statement: &Statement,
    content: &Content,
    (id, from): (SpatialUnitId, Date),
) -> Result<(), Problem> {
    let (Some(Some(_)), Some(code)) = (&statement.unit_code, &content.unit_code) else {
        return Ok(());
    };
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 37))", code)
        .execute(&mut *connection)
        .await?;
    let other = sqlx::query_scalar!(
        "select v.object_id from spatial_unit_version v
          where upper(v.unit_code) = upper($1) and v.kind = 'parcel' and v.object_id <> $2
            and upper_inf(v.recorded) and v.valid && daterange($3, null)
            -- Provisional codes are no one's own.
            and title_firm_code(v.unit_code) is not null
          limit 1",
        code,
        id.0,
        from,
    )
    .fetch_optional(connection)
    .await?;
    match other {
        None => Ok(()),
        Some(other) => Err(Problem::new(
            ProblemKind::Conflict,
            format!("another parcel has the unit code {code} already"),
        )
        .field("unit_code")
        .code("unit_code_taken")
        .remedy(format!(
            "ask the registry office whose it is; the other one is /api/v1/parcels/{other}"
        ))
        .breaks(
            DoorRule::UnitCodeOnce,
            serde_json::json!({"unit_code": code, "other_id": other}),
        )),
    }
}

/// Registers a parcel, building or site.
#[utoipa::path(post, path = "/api/v1/{layer}", operation_id = "create_spatial_unit", tag = "assets",
    params(("layer" = String, Path), ("Idempotency-Key" = String, Header)), request_body = Statement,
    responses((status = 201, body = SpatialUnit), (status = 422, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn create_spatial_unit(
    context: Context,
    Path(layer): Path<String>,
    headers: HeaderMap,
    Body(statement): Body<Statement>,
) -> Result<Response, Problem> {
    let kind = Kind::of_path(&layer)?;
    let idempotency = Idempotency::read(&headers, &(kind, &statement))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let now = context.clock.now();
    let from = statement.valid_from.unwrap_or_else(|| context.clock.today());
    let mut content = Content::empty(kind);
    statement.apply(&mut content)?;
    require_no_classified_shape(&content)?;
    let is_classified = content.secrecy.as_deref() == Some("classified");
    if content.geometry.is_none() && kind != Kind::Site && !is_classified {
        return Err(Problem::invalid("geometry", "a parcel or building needs its shape"));
    }
    require_region(&mut transaction, &content, from).await?;
    context.caller.require_at(context.writes_under(), &content.place())?;
    let id = SpatialUnitId::fresh();
    require_own_unit_code(&mut transaction, &statement, &content, (id, from)).await?;
    let revision = revise(&[], ValidPeriod::since(from), Some(content), now);
    let occasion = Occasion {
        actor: context.actor.clone(),
        reason: statement.reason.clone(),
        import_id: None,
    };
    let version = write_revision(&mut transaction, id, kind, Action::Create, revision, None, &occasion).await?;
    let location = format!("/api/v1/{}/{id}", kind.layer());
    let tag = version.map(etag).unwrap_or_default();
    let body = serde_json::json!({"id": id.0, "version_id": version.map(|version| version.0)});
    idempotency
        .keep(&mut transaction, &context.actor, now, &location, &tag, &body)
        .await?;
    transaction.commit().await?;
    Ok(answer(StatusCode::CREATED, Some(&location), version, Json(body)))
}

/// Changes what is said of an asset from a day on.
#[utoipa::path(patch, path = "/api/v1/{layer}/{id}", operation_id = "change_spatial_unit", tag = "assets",
    params(("layer" = String, Path), ("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = Statement,
    responses((status = 200, body = SpatialUnit), (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn change_spatial_unit(
    context: Context,
    Path((layer, id)): Path<(String, String)>,
    headers: HeaderMap,
    Body(statement): Body<Statement>,
) -> Result<Response, Problem> {
    let kind = Kind::of_path(&layer)?;
    let id = parse_id(&id)?;
    let mut transaction = context.database.begin().await?;
    let from = statement.valid_from.unwrap_or_else(|| context.clock.today());
    let (versions, before) = current(&context, &mut transaction, kind, id, &headers, from).await?;
    let period = reach(&versions, from);
    let mut content = before.content.clone();
    statement.apply(&mut content)?;
    if content.changed_fields(&before.content).is_empty() {
        let unit = load(&context, kind, id, Times::now(&context.clock)).await?;
        return Ok(answer(StatusCode::OK, None, Some(before.version_id), Json(unit)));
    }
    content.source_row = None;
    content.import_id = None;
    require_no_classified_shape(&content)?;
    if content.secrecy.as_deref() == Some("classified") {
        require_never_drawn(&mut transaction, id).await?;
    }
    require_region(&mut transaction, &content, from).await?;
    context.caller.require_at(context.writes_under(), &content.place())?;
    require_own_unit_code(&mut transaction, &statement, &content, (id, from)).await?;
    let revision = revise(&versions, period, Some(content), context.clock.now());
    let occasion = Occasion {
        actor: context.actor.clone(),
        reason: statement.reason.clone(),
        import_id: None,
    };
    let version = write_revision(
        &mut transaction,
        id,
        kind,
        Action::Change,
        revision,
        Some(&before.content),
        &occasion,
    )
    .await?;
    transaction.commit().await?;
    let seen = Times {
        as_of: from,
        ..Times::now(&context.clock)
    };
    Ok(answer(
        StatusCode::OK,
        None,
        version,
        Json(load(&context, kind, id, seen).await?),
    ))
}

/// The day an asset ends.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Closure {
    /// The first day on which it is no more.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    valid_to: Date,
    /// Why; an ending is never without a reason.
    reason: String,
}

/// Ends an asset on a day. Its history stays.
#[utoipa::path(post, path = "/api/v1/{layer}/{id}/closures", operation_id = "close_spatial_unit", tag = "assets",
    params(("layer" = String, Path), ("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = Closure,
    responses((status = 200), (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn close_spatial_unit(
    context: Context,
    Path((layer, id)): Path<(String, String)>,
    headers: HeaderMap,
    Body(closure): Body<Closure>,
) -> Result<Response, Problem> {
    let kind = Kind::of_path(&layer)?;
    let id = parse_id(&id)?;
    if closure.reason.trim().is_empty() {
        return Err(Problem::invalid("reason", "say why it ends"));
    }
    let mut transaction = context.database.begin().await?;
    let last_day = closure.valid_to.previous_day().unwrap_or(closure.valid_to);
    let (versions, before) = current(&context, &mut transaction, kind, id, &headers, last_day).await?;
    let revision = revise(
        &versions,
        ValidPeriod::since(closure.valid_to),
        None,
        context.clock.now(),
    );
    if revision.close.is_empty() {
        return Err(Problem::invalid("valid_to", "it has ended by then already"));
    }
    let occasion = Occasion {
        actor: context.actor.clone(),
        reason: Some(closure.reason),
        import_id: None,
    };
    let version = write_revision(
        &mut transaction,
        id,
        kind,
        Action::Close,
        revision,
        Some(&before.content),
        &occasion,
    )
    .await?;
    transaction.commit().await?;
    Ok(answer(
        StatusCode::OK,
        None,
        version,
        Json(serde_json::json!({"id": id.0, "valid_to": closure.valid_to.to_string()})),
    ))
}

/// Locks the asset, checks the version that was read, and gives the versions known now and the one that holds on a day.
async fn current(
    context: &Context,
    transaction: &mut sqlx::PgConnection,
    kind: Kind,
    id: SpatialUnitId,
    headers: &HeaderMap,
    on: Date,
) -> Result<(Vec<Held<Content>>, Held<Content>), Problem> {
    let unit = held_versions(transaction, &[id.0])
        .await?
        .remove(&id.0)
        .filter(|unit| unit.versions.iter().all(|version| version.content.kind == kind))
        .ok_or_else(|| Problem::not_found("this asset"))?;
    let today = context.clock.today();
    let holds = |date: Date| unit.versions.iter().find(move |version| version.valid.contains(date));
    // What a client read is the state of today, or of the day it changes.
    let read = holds(today)
        .or_else(|| holds(on))
        .ok_or_else(|| Problem::not_found("this asset"))?;
    let other = holds(on).map(|version| etag(version.version_id));
    if require_match(headers, &etag(read.version_id)).is_err() {
        require_match(headers, other.as_deref().unwrap_or_default())?;
    }
    let before = holds(on)
        .cloned()
        .ok_or_else(|| Problem::invalid("valid_from", format!("it is not registered for {on}")))?;
    context
        .caller
        .require_at(context.writes_under(), &before.content.place())?;
    Ok((unit.versions, before))
}

fn answer(status: StatusCode, location: Option<&str>, version: Option<VersionId>, body: impl IntoResponse) -> Response {
    let mut response = (status, body).into_response();
    if let Some(location) = location.and_then(|location| HeaderValue::from_str(location).ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    if let Some(tag) = version.and_then(|version| HeaderValue::from_str(&etag(version)).ok()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
