//! Saved mappings: which column of a table is which field of ours, per layer and under a name.
//!
//! A mapping has no periods, for nothing is true by it; every change of one is a ledger entry in the same transaction.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gis_data::{Layer, Target};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::database::{Database, refusal_of};
use crate::ids::VersionId;
use crate::ledger::{Action, EntryId, NewEntry, Object, ObjectKind};
use crate::request::{Body, Context, Fault, Page, Problem, etag, require_match};

/// Fields that one mapping may speak of.
const MOST_FIELDS: usize = 100;
/// Letters of a column's name.
const LONGEST_COLUMN: usize = 500;

/// Which column of a table is which field of ours.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MappingStatement {
    /// Our field and the column: `{"code": "宗地代码"}`; a unit may follow an area's column, `面积@mu`.
    map: BTreeMap<String, String>,
}

/// A saved mapping.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct SavedMapping {
    layer: String,
    name: String,
    /// Our field and the column.
    map: BTreeMap<String, String>,
    version_id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    changed_at: OffsetDateTime,
    changed_by: String,
}

/// What the ledger keeps of one.
#[derive(Serialize)]
struct Told<'a> {
    layer: &'a str,
    name: &'a str,
    map: &'a BTreeMap<String, String>,
}

struct Held {
    id: Uuid,
    version_id: Uuid,
    map: BTreeMap<String, String>,
}

fn impossible(error: impl std::fmt::Display) -> Fault {
    Fault::Impossible {
        what: error.to_string(),
    }
}

fn layer_of(text: &str) -> Result<Layer, Problem> {
    Layer::parse(text).ok_or_else(|| Problem::not_found("this layer"))
}

/// The mapping of that name as an order takes it.
///
/// # Errors
/// A problem naming the field `mapping` where there is none, or the database's.
pub async fn saved_mapping(database: &Database, layer: Layer, name: &str) -> Result<Vec<(String, String)>, Problem> {
    let found = sqlx::query_scalar!(
        "select map from import_mapping where layer = $1 and name = $2",
        layer.as_str(),
        name,
    )
    .fetch_optional(database.pool())
    .await?;
    let map = found.ok_or_else(|| {
        Problem::invalid(
            "mapping",
            format!("no mapping {name:?} of {} has been saved", layer.as_str()),
        )
        .remedy(format!(
            "choose one of those at /api/v1/import-mappings/{}, or leave it out",
            layer.as_str()
        ))
    })?;
    let map: BTreeMap<String, String> = serde_json::from_value(map).map_err(impossible)?;
    Ok(map.into_iter().collect())
}

/// The mappings saved for a layer, by name.
#[utoipa::path(get, path = "/api/v1/import-mappings/{layer}", operation_id = "list_import_mappings", tag = "imports",
    params(("layer" = String, Path)), responses((status = 200, body = Page<SavedMapping>), (status = 404, body = Problem)))]
pub(super) async fn list_import_mappings(
    context: Context,
    Path(layer): Path<String>,
) -> Result<Json<Page<SavedMapping>>, Problem> {
    let layer = layer_of(&layer)?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = sqlx::query!(
        "select name, map, version_id, changed_at, changed_by from import_mapping where layer = $1 order by name",
        layer.as_str(),
    )
    .fetch_all(&mut *snapshot)
    .await?;
    let items = rows
        .into_iter()
        .map(|row| {
            Ok(SavedMapping {
                layer: layer.as_str().to_owned(),
                name: row.name,
                map: serde_json::from_value(row.map).map_err(impossible)?,
                version_id: row.version_id,
                changed_at: row.changed_at,
                changed_by: row.changed_by,
            })
        })
        .collect::<Result<Vec<_>, Fault>>()?;
    Ok(Json(Page {
        items,
        next: None,
        total: None,
    }))
}

/// A saved mapping.
#[utoipa::path(get, path = "/api/v1/import-mappings/{layer}/{name}", operation_id = "get_import_mapping", tag = "imports",
    params(("layer" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = SavedMapping), (status = 404, body = Problem)))]
pub(super) async fn get_import_mapping(
    context: Context,
    Path((layer, name)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let layer = layer_of(&layer)?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let row = sqlx::query!(
        "select map, version_id, changed_at, changed_by from import_mapping where layer = $1 and name = $2",
        layer.as_str(),
        name,
    )
    .fetch_optional(&mut *snapshot)
    .await?
    .ok_or_else(|| Problem::not_found("this mapping"))?;
    let saved = SavedMapping {
        layer: layer.as_str().to_owned(),
        name,
        map: serde_json::from_value(row.map).map_err(impossible)?,
        version_id: row.version_id,
        changed_at: row.changed_at,
        changed_by: row.changed_by,
    };
    Ok(tagged(StatusCode::OK, saved))
}

fn tagged(status: StatusCode, saved: SavedMapping) -> Response {
    let mut headers = HeaderMap::new();
    if let Ok(tag) = HeaderValue::from_str(&etag(VersionId(saved.version_id))) {
        headers.insert(header::ETAG, tag);
    }
    (status, headers, Json(saved)).into_response()
}

/// Every field is one of the layer's, and every column has a name.
fn check(layer: Layer, statement: &MappingStatement) -> Result<(), Problem> {
    if statement.map.is_empty() || statement.map.len() > MOST_FIELDS {
        return Err(
            Problem::invalid("map", format!("a mapping has 1 to {MOST_FIELDS} fields"))
                .remedy("name our field and the column, as {\"code\": \"宗地代码\"}"),
        );
    }
    let known = Target::of_layer(layer);
    for (field, column) in &statement.map {
        if !Target::parse(field).is_some_and(|target| known.contains(&target)) {
            let names: Vec<&str> = known.iter().map(|target| target.as_str()).collect();
            return Err(Problem::invalid(
                &format!("map.{field}"),
                format!("{} have no field {field:?}", layer.as_str()),
            )
            .remedy(format!("choose one of {}", names.join(", "))));
        }
        let letters = column.chars().count();
        if column.trim().is_empty() || letters > LONGEST_COLUMN || column.contains('\0') {
            return Err(Problem::invalid(
                &format!("map.{field}"),
                format!("a column's name has 1 to {LONGEST_COLUMN} letters"),
            )
            .remedy("name the column, or leave the field out"));
        }
    }
    Ok(())
}

/// Locks the mapping of that name, where there is one.
async fn held(connection: &mut PgConnection, layer: Layer, name: &str) -> Result<Option<Held>, Problem> {
    let row = sqlx::query!(
        "select id, version_id, map from import_mapping where layer = $1 and name = $2 for update",
        layer.as_str(),
        name,
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Held {
            id: row.id,
            version_id: row.version_id,
            map: serde_json::from_value(row.map).map_err(impossible)?,
        })
    })
    .transpose()
}

fn told(layer: Layer, name: &str, map: &BTreeMap<String, String>) -> Result<Box<RawValue>, Fault> {
    let layer = layer.as_str();
    serde_json::value::to_raw_value(&Told { layer, name, map }).map_err(impossible)
}

async fn record(
    connection: &mut PgConnection,
    context: &Context,
    action: Action,
    id: Uuid,
    now: OffsetDateTime,
    [before, after]: [Option<&RawValue>; 2],
) -> Result<(), Problem> {
    let entry = NewEntry {
        id: EntryId::fresh(),
        recorded_at: now,
        actor: &context.actor.0,
        action,
        object: Object {
            kind: ObjectKind::ImportMapping,
            id,
        },
        before,
        after,
        reason: None,
        case_id: None,
        import_id: None,
    };
    Ok(crate::ledger::append(connection, &entry).await?)
}

/// Saves a mapping under a name: a new one, or with `If-Match` in place of the one that was read.
#[utoipa::path(put, path = "/api/v1/import-mappings/{layer}/{name}", operation_id = "put_import_mapping", tag = "imports",
    params(("layer" = String, Path), ("name" = String, Path), ("If-Match" = Option<String>, Header, description = "Needed to change one that is there")),
    request_body = MappingStatement,
    responses((status = 200, body = SavedMapping), (status = 201, body = SavedMapping), (status = 404, body = Problem),
              (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn put_import_mapping(
    context: Context,
    Path((layer, name)): Path<(String, String)>,
    headers: HeaderMap,
    Body(statement): Body<MappingStatement>,
) -> Result<Response, Problem> {
    let layer = layer_of(&layer)?;
    check(layer, &statement)?;
    let mut transaction = context.database.begin().await?;
    let before = held(&mut transaction, layer, &name).await?;
    // Whoever names a version has read one: where it is gone, somebody removed it meanwhile.
    let seen = before.as_ref().map(|held| etag(VersionId(held.version_id)));
    if before.is_some() || headers.contains_key(header::IF_MATCH) {
        require_match(&headers, seen.as_deref().unwrap_or_default())?;
    }
    let now = context.clock.now();
    let id = before.as_ref().map_or_else(Uuid::now_v7, |held| held.id);
    let version_id = Uuid::now_v7();
    sqlx::query!(
        "insert into import_mapping (id, layer, name, map, version_id, changed_at, changed_by)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (id) do update
            set map = excluded.map, version_id = excluded.version_id,
                changed_at = excluded.changed_at, changed_by = excluded.changed_by",
        id,
        layer.as_str(),
        name,
        serde_json::to_value(&statement.map).map_err(impossible)?,
        version_id,
        now,
        context.actor.0,
    )
    .execute(&mut *transaction)
    .await
    .map_err(|error| refusal_of(&error).unwrap_or_else(|| error.into()))?;
    let old = before.as_ref().map(|held| told(layer, &name, &held.map)).transpose()?;
    let new = told(layer, &name, &statement.map)?;
    let action = if before.is_some() {
        Action::Change
    } else {
        Action::Create
    };
    record(
        &mut transaction,
        &context,
        action,
        id,
        now,
        [old.as_deref(), Some(&new)],
    )
    .await?;
    transaction.commit().await?;
    let status = if before.is_some() {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let saved = SavedMapping {
        layer: layer.as_str().to_owned(),
        name,
        map: statement.map,
        version_id,
        changed_at: now,
        changed_by: context.actor.0,
    };
    Ok(tagged(status, saved))
}

/// Removes a mapping. What was imported by it stays.
#[utoipa::path(delete, path = "/api/v1/import-mappings/{layer}/{name}", operation_id = "delete_import_mapping", tag = "imports",
    params(("layer" = String, Path), ("name" = String, Path), ("If-Match" = String, Header)),
    responses((status = 204), (status = 404, body = Problem), (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn delete_import_mapping(
    context: Context,
    Path((layer, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let layer = layer_of(&layer)?;
    let mut transaction = context.database.begin().await?;
    let before = held(&mut transaction, layer, &name)
        .await?
        .ok_or_else(|| Problem::not_found("this mapping"))?;
    require_match(&headers, &etag(VersionId(before.version_id)))?;
    let removed = sqlx::query!("delete from import_mapping where id = $1", before.id)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
    if removed != 1 {
        return Err(impossible(format!("{removed} mappings were removed in place of one")).into());
    }
    let old = told(layer, &name, &before.map)?;
    let now = context.clock.now();
    record(
        &mut transaction,
        &context,
        Action::Close,
        before.id,
        now,
        [Some(&old), None],
    )
    .await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;
    use sqlx::PgPool;

    use crate::imports::coordinates::tests::upload;
    use crate::spatial_units::tests::{app, ask};
    use crate::versioned::tests::{entries, prove};

    const AT: &str = "/api/v1/import-mappings/buildings/%E5%8F%B0%E8%B4%A6";

    #[sqlx::test(migrations = "../migrations")]
    async fn every_change_is_one_entry_and_only_what_was_read_is_changed(pool: PgPool) {
        let (app, _) = app(&pool).await;
        let body = json!({"map": {"code": "楼号", "name": "楼名"}});
        assert_eq!(ask(&app, "GET", AT, &[], None).await.status, StatusCode::NOT_FOUND);
        let made = ask(&app, "PUT", AT, &[], Some(body.clone())).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        let first = made.etag.unwrap();
        assert_eq!(
            ask(&app, "PUT", AT, &[], Some(body.clone())).await.status,
            StatusCode::PRECONDITION_REQUIRED
        );
        let other = json!({"map": {"code": "编号"}});
        let changed = ask(&app, "PUT", AT, &[("if-match", &first)], Some(other.clone())).await;
        assert_eq!(changed.status, StatusCode::OK);
        assert_eq!(
            ask(&app, "PUT", AT, &[("if-match", &first)], Some(other)).await.status,
            StatusCode::PRECONDITION_FAILED
        );
        let read = ask(&app, "GET", AT, &[], None).await;
        assert_eq!(
            (&read.etag, &read.body["map"]),
            (&changed.etag, &json!({"code": "编号"}))
        );
        assert_eq!(read.body["name"], "台账");
        let listed = ask(&app, "GET", "/api/v1/import-mappings/buildings", &[], None).await;
        assert_eq!(listed.body["items"].as_array().map(Vec::len), Some(1));
        let none = ask(&app, "GET", "/api/v1/import-mappings/sites", &[], None).await;
        assert_eq!(none.body["items"], json!([]));
        assert_eq!(
            ask(&app, "DELETE", AT, &[], None).await.status,
            StatusCode::PRECONDITION_REQUIRED
        );
        let tag = read.etag.unwrap();
        assert_eq!(
            ask(&app, "DELETE", AT, &[("if-match", &tag)], None).await.status,
            StatusCode::NO_CONTENT
        );
        assert_eq!(ask(&app, "GET", AT, &[], None).await.status, StatusCode::NOT_FOUND);
        // Somebody removed what was read: it is not made anew unawares.
        assert_eq!(
            ask(&app, "PUT", AT, &[("if-match", &tag)], Some(body)).await.status,
            StatusCode::PRECONDITION_FAILED
        );
        assert_eq!(entries(&pool).await, 3);
        let told: Vec<(String, Option<String>, Option<String>)> = sqlx::query_as(
            "select action, before ->> 'name', after -> 'map' ->> 'code' from ledger_entry
              where object_kind = 'import_mapping' order by id",
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            told,
            [
                ("create".to_owned(), None, some("楼号")),
                ("change".to_owned(), some("台账"), some("编号")),
                ("close".to_owned(), some("台账"), None),
            ]
        );
        prove(&pool).await.unwrap();
    }

    #[sqlx::test(migrations = "../migrations")]
    async fn a_mapping_that_can_not_be_used_is_not_saved(pool: PgPool) {
        let (app, _) = app(&pool).await;
        let put = async |uri: &str, body| ask(&app, "PUT", uri, &[], Some(body)).await;
        for (body, field) in [
            (json!({"map": {}}), "map"),
            (json!({"map": {"colour": "颜色"}}), "map.colour"),
            (json!({"map": {"floor": "楼层"}}), "map.floor"),
            (json!({"map": {"code": " "}}), "map.code"),
            (json!({"map": {"code": "x".repeat(501)}}), "map.code"),
            (json!({"map": {"code": 7}}), "map.code"),
        ] {
            let refused = put(AT, body).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
            assert_eq!(refused.body["field"], field, "{}", refused.body);
            assert!(refused.body["remedy"].is_string());
        }
        let good = json!({"map": {"code": "楼号"}});
        let long = format!("/api/v1/import-mappings/buildings/{}", "x".repeat(81));
        let refused = put(&long, good.clone()).await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("name"))
        );
        assert_eq!(
            put("/api/v1/import-mappings/persons/x", good).await.status,
            StatusCode::NOT_FOUND
        );
        assert_eq!(entries(&pool).await, 0);
    }

    #[sqlx::test(migrations = "../migrations")]
    async fn what_is_said_with_the_import_wins_over_what_was_saved_and_that_over_a_guess(pool: PgPool) {
        let (app, _) = app(&pool).await;
        let saved = json!({"map": {"code": "栋", "name": "旧名"}});
        assert_eq!(ask(&app, "PUT", AT, &[], Some(saved)).await.status, StatusCode::CREATED);
        let table = "编号,栋,名称,旧名,新名,坐落,wkt\n1,L1,甲,乙,丙,路,\"POLYGON((119.95 31.78,119.951 31.78,119.951 31.781,119.95 31.78))\"\n";
        let fields = [
            ("layer", "buildings"),
            ("crs", "EPSG:4490"),
            ("mapping", "台账"),
            ("map", "name=新名"),
        ];
        let done = upload(&app, "a.csv", table.as_bytes(), &fields).await;
        let mapping = &done["report"]["mapping"];
        assert_eq!(
            (&mapping["code"], &mapping["name"], &mapping["address"]),
            (&json!("栋"), &json!("新名"), &json!("坐落")),
            "{done}"
        );
        let unknown = upload(
            &app,
            "a.csv",
            table.as_bytes(),
            &[("layer", "buildings"), ("mapping", "无")],
        )
        .await;
        assert_eq!(unknown["field"], "mapping", "{unknown}");
        assert!(unknown["remedy"].is_string());
    }
}
