//! `GET /ogc/collections/{collection}/items/{feature}`: one feature.

use axum::extract::Path;
use axum::response::Response;
use serde_json::Value;
use uuid::Uuid;

use super::asked::{Asked, collection, link, weak_tag};
use super::crs::Crs;
use super::feature::{FeatureRow, select_features};
use super::held_at::HeldAt;
use super::items::{GEOJSON, begin, content_crs, refused};
use crate::request::{Context, Problem, ProblemKind, note_restricted_read};

/// `GET /ogc/collections/{collection}/items/{feature}`
pub(super) async fn get_item(
    context: Context,
    Path((name, feature)): Path<(String, String)>,
    asked: Asked,
) -> Result<Response, Problem> {
    let kind = collection(&name)?;
    asked.refuse_all_but(&["f", "crs", "datetime", "known_at"])?;
    asked.form(&[
        ("json", "application/geo+json application/json"),
        ("geojson", "application/geo+json"),
    ])?;
    let crs = asked
        .get("crs")
        .map_or(Ok(Crs::Crs84), |text| Crs::parse("crs", text))?;
    let held_at = HeldAt::parse(&asked, &context.clock)?;
    let missing = || {
        Problem::new(
            ProblemKind::NotFound,
            format!("the collection {name} has no feature {feature:?} at that time"),
        )
    };
    let id = Uuid::parse_str(&feature).map_err(|_| missing())?;
    let mut select = select_features(kind, held_at, crs, &context.clock);
    select.push(" and v.object_id = ").push_bind(id);
    let mut transaction = begin(&context).await?;
    let row: FeatureRow = select
        .build_query_as()
        .fetch_optional(&mut *transaction)
        .await
        .map_err(refused)?
        .ok_or_else(missing)?;
    transaction.rollback().await?;
    if row.is_restricted() {
        note_restricted_read(&context, &asked.with(&[], &[]), &[id]).await?;
    }
    let collection = asked.address(&format!("/ogc/collections/{}", kind.layer()));
    let links = Value::Array(vec![
        link(&asked.with(&[], &[]), "self", GEOJSON, "This feature"),
        link(
            &collection,
            "collection",
            "application/json",
            super::collections::title(kind),
        ),
        link(
            &asked.address(&format!("/api/v1/{}/{id}", kind.layer())),
            "alternate",
            "application/json",
            "Everything the registry holds of it",
        ),
    ]);
    let mut body = Vec::new();
    row.write(&mut body, &format!(",\"links\":{links}"))?;
    let tag = weak_tag(&[&body]);
    Ok(asked.answer(GEOJSON, body, &tag, &[content_crs(crs)]))
}
