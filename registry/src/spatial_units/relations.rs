//! Which parcels a site stands on, which buildings a parcel holds: many-to-many, with both times.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::Kind;
use super::place::require_edit;
use super::queries::Occasion;
use super::read::parse_id;
use crate::digest::{VersionHead, version_digest};
use crate::ids::VersionId;
use crate::ledger::{Action, EntryId, NewEntry, Object, ObjectKind};
use crate::period::{ValidPeriod, day, recorded_since, valid_period};
use crate::request::fields::{required_reason, sane_day};
use crate::request::{Body, Context, Fault, Idempotency, Problem};

/// Two assets that belong together.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Relation {
    /// The other one: a parcel or building of a site, a building of a parcel.
    related_id: Uuid,
    /// True in law from this day; today unless told.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    valid_from: Option<Date>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Connects a site with a parcel or building, or a parcel with a building.
#[utoipa::path(post, path = "/api/v1/{layer}/{id}/relations", operation_id = "relate_spatial_units", tag = "assets",
    params(("layer" = String, Path), ("id" = Uuid, Path), ("Idempotency-Key" = String, Header)), request_body = Relation,
    responses((status = 201), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn relate_spatial_units(
    context: Context,
    Path((layer, id)): Path<(String, String)>,
    headers: HeaderMap,
    Body(relation): Body<Relation>,
) -> Result<Response, Problem> {
    let kind = Kind::of_path(&layer)?;
    let id = parse_id(&id)?;
    let idempotency = Idempotency::read(&headers, &(id, &relation))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let kinds = sqlx::query!(
        "select id, kind from spatial_unit where id = any($1)",
        &[id.0, relation.related_id][..]
    )
    .fetch_all(&mut *transaction)
    .await?;
    let kind_of = |id: Uuid| {
        kinds
            .iter()
            .find(|row| row.id == id)
            .and_then(|row| Kind::from_word(&row.kind))
    };
    if kind_of(id.0) != Some(kind) {
        return Err(Problem::not_found("this asset"));
    }
    let word = match (kind, kind_of(relation.related_id)) {
        (Kind::Site, Some(Kind::Parcel)) => "site_parcel",
        (Kind::Site, Some(Kind::Building)) => "site_building",
        (Kind::Parcel, Some(Kind::Building)) => "parcel_building",
        (_, None) => {
            return Err(Problem::invalid(
                "related_id",
                "the object to connect with is not registered",
            ));
        }
        _ => {
            return Err(
                Problem::invalid("related_id", "these two kinds do not belong together in this direction")
                    .remedy("connect a site with its parcels and buildings, and a parcel with its buildings"),
            );
        }
    };
    let now = context.clock.now();
    let valid = ValidPeriod::since(relation.valid_from.unwrap_or_else(|| context.clock.today()));
    let both = [id.0, relation.related_id];
    require_edit(
        &mut transaction,
        &context,
        &[context.writes_under()],
        &both,
        Some(valid),
    )
    .await?;
    let version = VersionId::fresh();
    let head = VersionHead {
        version_id: version.0,
        object_id: id.0,
        valid,
        recorded_from: now,
    };
    let digest = relation_digest(&head, word, relation.related_id);
    let said = serde_json::json!({
        "versions": [{"id": version.0, "sha256": hex::encode(digest), "valid_from": valid.from.to_string()}],
        "kind": word, "upper_id": id.0, "lower_id": relation.related_id,
    });
    sqlx::query!(
        "insert into spatial_unit_relation (version_id, kind, upper_id, lower_id, valid, recorded)
         values ($1, $2, $3, $4, $5, $6)",
        version.0,
        word,
        id.0,
        relation.related_id,
        sqlx::postgres::types::PgRange::from(valid),
        recorded_since(now),
    )
    .execute(&mut *transaction)
    .await?;
    let after = serde_json::value::to_raw_value(&said).map_err(|error| Fault::Impossible {
        what: error.to_string(),
    })?;
    let entry = NewEntry {
        id: EntryId::fresh(),
        recorded_at: now,
        actor: &context.actor.0,
        action: Action::Relate,
        object: Object {
            kind: ObjectKind::Relation,
            id: id.0,
        },
        before: None,
        after: Some(&after),
        reason: relation.reason.as_deref(),
        case_id: None,
        import_id: None,
    };
    crate::ledger::append(&mut transaction, &entry).await?;
    let location = format!("/api/v1/{}/{id}", kind.layer());
    idempotency
        .keep(&mut transaction, &context.actor, now, &location, "", &said)
        .await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, Json(said)).into_response())
}

/// The end of a connection.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RelationEnd {
    /// The other one.
    related_id: Uuid,
    /// From this day on they do not belong together. The day from which they did, or an earlier one: they never have,
    /// and the connection was a mistake.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    valid_to: Date,
    /// Why.
    reason: String,
}

/// Ends a connection, or takes back one that was a mistake. What was known before stays on record.
#[utoipa::path(post, path = "/api/v1/{layer}/{id}/relations/closures", operation_id = "unrelate_spatial_units", tag = "assets",
    params(("layer" = String, Path), ("id" = Uuid, Path)), request_body = RelationEnd,
    responses((status = 200), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn unrelate_spatial_units(
    context: Context,
    Path((layer, id)): Path<(String, String)>,
    Body(end): Body<RelationEnd>,
) -> Result<Response, Problem> {
    let kind = Kind::of_path(&layer)?;
    let id = parse_id(&id)?;
    let reason = required_reason(&end.reason)?;
    let valid_to = sane_day("valid_to", end.valid_to)?;
    let mut transaction = context.database.begin().await?;
    let held = sqlx::query!(
        r#"select r.version_id, r.kind, r.valid
             from spatial_unit_relation r
             join spatial_unit u on u.id = r.upper_id and u.kind = $4
            where r.upper_id = $1 and r.lower_id = $2 and upper_inf(r.recorded)
              and (upper_inf(r.valid) or upper(r.valid) > $3)
            order by lower(r.valid) desc
            limit 1
              for update of r"#,
        id.0,
        end.related_id,
        valid_to,
        kind.word(),
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or_else(|| Problem::not_found("a connection of these two that lasts beyond that day"))?;
    let now = context.clock.now();
    let was = valid_period(&held.valid);
    let both = [id.0, end.related_id];
    require_edit(&mut transaction, &context, &[context.writes_under()], &both, Some(was)).await?;
    sqlx::query!(
        "update spatial_unit_relation set recorded = tstzrange(lower(recorded), $2) where version_id = $1",
        held.version_id,
        now,
    )
    .execute(&mut *transaction)
    .await?;
    let mut versions = Vec::new();
    if valid_to > was.from {
        let valid = ValidPeriod {
            from: was.from,
            to: Some(valid_to),
        };
        let head = VersionHead {
            version_id: VersionId::fresh().0,
            object_id: id.0,
            valid,
            recorded_from: now,
        };
        let digest = relation_digest(&head, &held.kind, end.related_id);
        versions.push(serde_json::json!({
            "id": head.version_id, "sha256": hex::encode(digest),
            "valid_from": valid.from.to_string(), "valid_to": valid_to.to_string(),
        }));
        sqlx::query!(
            "insert into spatial_unit_relation (version_id, kind, upper_id, lower_id, valid, recorded)
             values ($1, $2, $3, $4, $5, $6)",
            head.version_id,
            held.kind,
            id.0,
            end.related_id,
            sqlx::postgres::types::PgRange::from(valid),
            recorded_since(now),
        )
        .execute(&mut *transaction)
        .await?;
    }
    let raw = |value: &serde_json::Value| {
        serde_json::value::to_raw_value(value).map_err(|error| Fault::Impossible {
            what: error.to_string(),
        })
    };
    let said = serde_json::json!({
        "versions": versions, "kind": held.kind, "upper_id": id.0, "lower_id": end.related_id,
    });
    let (before, after) = (
        raw(&serde_json::json!({"versions": [{"id": held.version_id}]}))?,
        raw(&said)?,
    );
    let entry = NewEntry {
        id: EntryId::fresh(),
        recorded_at: now,
        actor: &context.actor.0,
        action: Action::Unrelate,
        object: Object {
            kind: ObjectKind::Relation,
            id: id.0,
        },
        before: Some(&before),
        after: Some(&after),
        reason: Some(&reason),
        case_id: None,
        import_id: None,
    };
    crate::ledger::append(&mut transaction, &entry).await?;
    transaction.commit().await?;
    Ok(Json(said).into_response())
}

/// A connection that was ended.
#[derive(Debug)]
pub struct EndedRelation {
    /// Its kind.
    pub kind: String,
    /// The site or parcel.
    pub upper_id: Uuid,
    /// The parcel or building.
    pub lower_id: Uuid,
}

/// Connects two assets from a day on; a connection that is there already stays as it is.
///
/// # Errors
/// The database's.
pub async fn begin_relation(
    connection: &mut PgConnection,
    (kind, upper_id, lower_id): (&str, Uuid, Uuid),
    (on, now): (Date, OffsetDateTime),
    occasion: &Occasion,
) -> Result<(), Fault> {
    let valid = ValidPeriod::since(on);
    let is_there = sqlx::query_scalar!(
        r#"select exists (
               select from spatial_unit_relation
                where upper_id = $1 and lower_id = $2 and upper_inf(recorded) and valid && $3) as "there!""#,
        upper_id,
        lower_id,
        PgRange::from(valid),
    )
    .fetch_one(&mut *connection)
    .await?;
    if is_there {
        return Ok(());
    }
    let versions = vec![write_relation(connection, (kind, upper_id, lower_id), valid, now).await?];
    note(
        connection,
        Action::Relate,
        (kind, upper_id, lower_id),
        (&[], &versions),
        now,
        occasion,
    )
    .await
}

/// Ends every connection of some assets on a day, and tells which they were.
///
/// # Errors
/// The database's.
pub async fn end_relations(
    connection: &mut PgConnection,
    assets: &[Uuid],
    (on, now): (Date, OffsetDateTime),
    occasion: &Occasion,
) -> Result<Vec<EndedRelation>, Fault> {
    let held = sqlx::query!(
        "select version_id, kind, upper_id, lower_id, valid
           from spatial_unit_relation
          where (upper_id = any($1) or lower_id = any($1)) and upper_inf(recorded)
            and (upper_inf(valid) or upper(valid) > $2)
          order by version_id
            for update",
        assets,
        on,
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut ended = Vec::with_capacity(held.len());
    for row in held {
        let was = valid_period(&row.valid);
        sqlx::query!(
            "update spatial_unit_relation set recorded = tstzrange(lower(recorded), $2) where version_id = $1",
            row.version_id,
            now,
        )
        .execute(&mut *connection)
        .await?;
        let ends = (row.kind.as_str(), row.upper_id, row.lower_id);
        let mut versions = Vec::new();
        if on > was.from {
            let valid = ValidPeriod {
                from: was.from,
                to: Some(on),
            };
            versions.push(write_relation(connection, ends, valid, now).await?);
        }
        note(
            connection,
            Action::Unrelate,
            ends,
            (&[row.version_id], &versions),
            now,
            occasion,
        )
        .await?;
        ended.push(EndedRelation {
            kind: row.kind,
            upper_id: row.upper_id,
            lower_id: row.lower_id,
        });
    }
    Ok(ended)
}

async fn write_relation(
    connection: &mut PgConnection,
    (kind, upper_id, lower_id): (&str, Uuid, Uuid),
    valid: ValidPeriod,
    now: OffsetDateTime,
) -> Result<serde_json::Value, Fault> {
    let head = VersionHead {
        version_id: VersionId::fresh().0,
        object_id: upper_id,
        valid,
        recorded_from: now,
    };
    let digest = relation_digest(&head, kind, lower_id);
    sqlx::query!(
        "insert into spatial_unit_relation (version_id, kind, upper_id, lower_id, valid, recorded)
         values ($1, $2, $3, $4, $5, $6)",
        head.version_id,
        kind,
        upper_id,
        lower_id,
        PgRange::from(valid),
        recorded_since(now),
    )
    .execute(connection)
    .await?;
    Ok(serde_json::json!({
        "id": head.version_id, "sha256": hex::encode(digest), "valid_from": valid.from.to_string(),
        "valid_to": valid.to.map(|to| to.to_string()),
    }))
}

async fn note(
    connection: &mut PgConnection,
    action: Action,
    (kind, upper_id, lower_id): (&str, Uuid, Uuid),
    (closed, written): (&[Uuid], &[serde_json::Value]),
    now: OffsetDateTime,
    occasion: &Occasion,
) -> Result<(), Fault> {
    let raw = |value: &serde_json::Value| {
        serde_json::value::to_raw_value(value).map_err(|error| Fault::Impossible {
            what: error.to_string(),
        })
    };
    let closed: Vec<_> = closed.iter().map(|id| serde_json::json!({"id": id})).collect();
    let before = (!closed.is_empty())
        .then(|| raw(&serde_json::json!({"versions": closed})))
        .transpose()?;
    let after = raw(&serde_json::json!({
        "versions": written, "kind": kind, "upper_id": upper_id, "lower_id": lower_id,
    }))?;
    let entry = NewEntry {
        id: EntryId::fresh(),
        recorded_at: now,
        actor: &occasion.actor.0,
        action,
        object: Object {
            kind: ObjectKind::Relation,
            id: upper_id,
        },
        before: before.as_deref(),
        after: Some(&after),
        reason: occasion.reason.as_deref(),
        case_id: None,
        import_id: None,
    };
    crate::ledger::append(connection, &entry).await?;
    Ok(())
}

/// The digest of a relation's row; the upper end is the object of the head.
pub(super) fn relation_digest(head: &VersionHead, kind: &str, lower_id: Uuid) -> [u8; 32] {
    version_digest(
        "spatial_unit_relation",
        head,
        kind.as_bytes(),
        &[Some(lower_id.as_bytes())],
    )
}
