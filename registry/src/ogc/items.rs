//! `GET /ogc/collections/{collection}/items`: features, page by page.
//!
//! The `next` link carries the day and the instant of the first page, and continues behind the last id that was seen:
//! whatever is changed in between, the pages together are what was known when the first one was asked for.

use std::time::Duration;

use axum::extract::Path;
use axum::http::{HeaderName, header};
use axum::response::Response;
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use sqlx::{Postgres, QueryBuilder, Transaction};
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::asked::{Asked, collection, link, unknown, weak_tag};
use super::crs::{Box2, Crs};
use super::feature::{FeatureRow, Joined, push_source, select_features};
use super::filter::{self, Condition};
use super::held_at::HeldAt;
use super::properties::{Beside, properties_of};
use crate::request::{Context, Cursor, Problem, ProblemKind, note_restricted_read};
use crate::spatial_units::Kind;

/// The most features of one page; who asks for more gets these.
pub(super) const MAX_LIMIT: u32 = 10_000;
/// The features of a page unless told.
pub(super) const DEFAULT_LIMIT: u32 = 100;

/// How long the database may work on one question.
const PATIENCE: Duration = Duration::from_secs(15);

/// The parameters beside those that are named as properties.
pub(super) const PARAMETERS: [&str; 11] = [
    "f",
    "limit",
    "bbox",
    "bbox-crs",
    "datetime",
    "crs",
    "filter",
    "filter-lang",
    "filter-crs",
    "known_at",
    "cursor",
];

/// What was asked for, understood.
struct Question {
    held_at: HeldAt,
    crs: Crs,
    bbox: Option<Box2>,
    conditions: Vec<Condition>,
    limit: u32,
    /// Behind this id, and how many there are in all, from the page before.
    after: Option<(Uuid, i64)>,
}

/// What belongs to the address of a list, for its cursor: everything but where the page stands and how it is shown.
fn identity(asked: &Asked) -> String {
    asked.with(&["cursor", "limit", "f", "datetime", "known_at"], &[])
}

impl Question {
    async fn read(asked: &Asked, kind: Kind, context: &Context) -> Result<Self, Problem> {
        let mut known = PARAMETERS.to_vec();
        known.extend(properties_of(kind).map(|property| property.name));
        let mut conditions = Vec::new();
        for (name, value) in asked.parameters() {
            if PARAMETERS.contains(&name.as_str()) {
                continue;
            }
            let property = properties_of(kind)
                .find(|property| property.name == name)
                .ok_or_else(|| unknown(name, &known))?;
            conditions.push(filter::equals(property, value)?);
        }
        let crs = |name: &str| asked.get(name).map_or(Ok(Crs::Crs84), |text| Crs::parse(name, text));
        let bbox_crs = crs("bbox-crs")?;
        let bbox = asked.get("bbox").map(|text| Box2::parse(text, bbox_crs)).transpose()?;
        let filter_crs = crs("filter-crs")?;
        let language = filter::Language::parse(asked.get("filter-lang"))?;
        if let Some(text) = asked.get("filter") {
            conditions.push(filter::parse(text, language, kind, filter_crs).await?);
        }
        let limit = match asked.get("limit") {
            None => DEFAULT_LIMIT,
            // More digits than a number has room for are more than the most.
            Some(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse().unwrap_or(u32::MAX).min(MAX_LIMIT)
            }
            Some(_) => 0,
        };
        if limit == 0 {
            return Err(Problem::bad(
                "limit",
                format!("{:?} is no number of features", asked.get("limit").unwrap_or_default()),
            )
            .remedy(format!("write a whole number from 1 to {MAX_LIMIT}")));
        }
        let after = asked
            .get("cursor")
            .map(|cursor| Cursor::decode(cursor, &identity(asked)))
            .transpose()?;
        Ok(Self {
            held_at: HeldAt::parse(asked, &context.clock)?,
            crs: crs("crs")?,
            bbox,
            conditions,
            limit,
            after,
        })
    }

    fn narrow(&self, select: &mut QueryBuilder<Postgres>) {
        if let Some(bbox) = self.bbox {
            select.push(" and (");
            for (index, [west, south, east, north]) in bbox.parts().into_iter().enumerate() {
                if index > 0 {
                    select.push(" or ");
                }
                let envelope = |select: &mut QueryBuilder<Postgres>| {
                    if bbox.crs.is_plane() {
                        select.push("st_transform(");
                    }
                    select.push("st_makeenvelope(").push_bind(west);
                    for side in [south, east, north] {
                        select.push(", ").push_bind(side);
                    }
                    select.push(", ").push(bbox.crs.srid()).push(")");
                    if bbox.crs.is_plane() {
                        select.push(", ").push(crate::geometry::STORAGE_SRID).push(")");
                    }
                };
                // The boxes are what the index knows.
                select.push("(box(v.geometry) && box(");
                envelope(select);
                select.push(") and st_intersects(v.geometry, ");
                envelope(select);
                select.push("))");
            }
            select.push(")");
        }
        for condition in &self.conditions {
            select.push(" and ");
            condition.push(select);
        }
    }

    fn uses(&self, beside: Beside) -> bool {
        self.conditions.iter().any(|condition| condition.uses(beside))
    }
}

/// A transaction whose questions end when they take too long.
pub(super) async fn begin(context: &Context) -> Result<Transaction<'static, Postgres>, Problem> {
    let mut transaction = context.database.begin_snapshot().await?;
    sqlx::query("select set_config('statement_timeout', $1, true)")
        .bind(PATIENCE.as_millis().to_string())
        .execute(&mut *transaction)
        .await?;
    Ok(transaction)
}

/// What the database says of a question that a client wrote: too much of it, or nothing it can work out.
pub(super) fn refused(error: sqlx::Error) -> Problem {
    let Some(said) = error.as_database_error() else {
        return error.into();
    };
    match said.code().as_deref() {
        Some("57014") => Problem::new(
            ProblemKind::Unavailable,
            format!(
                "the question took the database more than {} seconds",
                PATIENCE.as_secs()
            ),
        )
        .field("filter")
        .remedy("narrow it with bbox or by properties, or ask for fewer features at once"),
        // What PostGIS and PROJ can't work out comes as an internal error, with their words.
        Some("XX000") => Problem::new(
            ProblemKind::BadRequest,
            format!("the geometries can't be worked out so: {}", said.message()),
        )
        .remedy("ask in a coordinate system that reaches the place, and with sound geometries"),
        // Class 22: numbers out of range and the like; 54001: too deep.
        Some(code) if code.starts_with("22") || code == "54001" => {
            Problem::bad("filter", format!("the filter can't be worked out: {}", said.message()))
        }
        _ => error.into(),
    }
}

/// `GET /ogc/collections/{collection}/items`
pub(super) async fn get_items(context: Context, Path(name): Path<String>, asked: Asked) -> Result<Response, Problem> {
    let kind = collection(&name)?;
    asked.form(&[
        ("json", "application/geo+json application/json"),
        ("geojson", "application/geo+json"),
    ])?;
    let question = Question::read(&asked, kind, &context).await?;
    let mut transaction = begin(&context).await?;

    let mut select = select_features(kind, question.held_at, question.crs, &context.clock);
    question.narrow(&mut select);
    if let Some((after, _)) = question.after {
        // Of the identities as well: a merge would begin with the first of them on every page.
        select.push(" and v.object_id > ").push_bind(after);
        select.push(" and u.id > ").push_bind(after);
    }
    // One more than the page tells whether there is a next one.
    select
        .push(" order by v.object_id limit ")
        .push_bind(i64::from(question.limit) + 1);
    let mut features = Vec::new();
    let mut returned = 0_u32;
    let mut last = None;
    let mut more = false;
    let mut restricted = Vec::new();
    {
        let mut rows = select
            .build_query_as::<FeatureRow>()
            .persistent(false)
            .fetch(&mut *transaction);
        while let Some(row) = rows.try_next().await.map_err(refused)? {
            if returned == question.limit {
                more = true;
                continue;
            }
            if returned > 0 {
                features.push(b',');
            }
            row.write(&mut features, "")?;
            if row.is_restricted() {
                restricted.push(row.object_id);
            }
            last = Some(row.object_id);
            returned += 1;
        }
    }
    let matched = match question.after {
        Some((_, matched)) => matched,
        None if !more => i64::from(returned),
        None => {
            let mut count = QueryBuilder::new("select count(*)");
            let joined = Joined {
                identity: question.uses(Beside::Identity),
                unit: question.uses(Beside::Unit),
            };
            push_source(&mut count, kind, question.held_at, joined, &context.clock);
            question.narrow(&mut count);
            count
                .build_query_scalar()
                .persistent(false)
                .fetch_one(&mut *transaction)
                .await
                .map_err(refused)?
        }
    };
    transaction.rollback().await?;
    note_restricted_read(&context, &asked.with(&[], &[]), &restricted).await?;

    let mut links: Vec<Value> = vec![
        link(&asked.with(&[], &[]), "self", GEOJSON, "This page"),
        link(
            &asked.address(&format!("/ogc/collections/{}", kind.layer())),
            "collection",
            "application/json",
            super::collections::title(kind),
        ),
    ];
    if let Some(last) = last.filter(|_| more) {
        let cursor = Cursor::new(&identity(&asked), (last, matched)).encode();
        let [(datetime, days), (known_at, instant)] = question.held_at.as_parameters();
        let next = asked.with(
            &["cursor", "datetime", "known_at"],
            &[(datetime, &days), (known_at, &instant), ("cursor", &cursor)],
        );
        links.push(link(&next, "next", GEOJSON, "The next page"));
    }
    let stamp = context.clock.now().format(&Rfc3339).unwrap_or_default();
    let tag = weak_tag(&[asked.with(&["f"], &[]).as_bytes(), &features, &matched.to_le_bytes()]);
    let mut body = Vec::with_capacity(features.len() + 1024);
    body.extend_from_slice(b"{\"type\":\"FeatureCollection\",\"features\":[");
    body.append(&mut features);
    body.extend_from_slice(
        format!(
            "],\"numberMatched\":{matched},\"numberReturned\":{returned},\"timeStamp\":{},\"links\":{}}}",
            json!(stamp),
            Value::Array(links)
        )
        .as_bytes(),
    );
    Ok(asked.answer(GEOJSON, body, &tag, &[content_crs(question.crs)]))
}

/// The media type of features.
pub(super) const GEOJSON: &str = "application/geo+json";

/// The header that names the coordinate system of the answer (Part 2).
pub(super) fn content_crs(crs: Crs) -> (header::HeaderName, String) {
    (HeaderName::from_static("content-crs"), format!("<{}>", crs.uri()))
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    #[sqlx::test(migrations = "../migrations")]
    async fn a_question_that_takes_too_long_ends_with_words(pool: PgPool) {
        let mut connection = pool.acquire().await.unwrap();
        sqlx::query("set statement_timeout = 20")
            .execute(&mut *connection)
            .await
            .unwrap();
        let slow = sqlx::query("select pg_sleep(5)")
            .execute(&mut *connection)
            .await
            .unwrap_err();
        let problem = super::refused(slow);
        assert_eq!(problem.status, 503);
        assert!(
            problem.detail.contains("seconds") && problem.remedy.is_some(),
            "{problem:?}"
        );
    }
}
