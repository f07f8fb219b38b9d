//! Grants (授权): a role on a region's subtree, on what belongs to one administrative level, on one unit.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::People;
use super::accounts::{note_of, parse_id};
use super::permissions::Role;
use crate::clock::{Clock, legal_date};
use crate::ids::{GrantId, PersonId, UnitId};
use crate::ledger::{Action, Object, ObjectKind};
use crate::period::day;
use crate::request::fields::{require_word, sane_day};
use crate::request::{Actor, Body, Context, Idempotency, Problem, ProblemKind};

/// The region code of a grant on the whole registry.
pub(super) const WHOLE: &str = "all";
const LEVELS: [&str; 5] = ["national", "province", "city", "county", "township"];

/// A grant as it stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct GrantHeld {
    id: GrantId,
    /// What somebody is by it.
    pub role: String,
    /// The code that every region of its subtree begins with; `all` is the whole registry.
    pub region_code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    region_name: Option<String>,
    /// Whose assets may be edited: `national`, `province`, `city`, `county`, `township`; every level's where null.
    level: Option<String>,
    /// The one unit it is about; every unit where null.
    unit_id: Option<UnitId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit_name: Option<String>,
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    since: Date,
    /// The first day on which it no longer holds.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    until: Option<Date>,
    #[serde(with = "time::serde::rfc3339")]
    granted_at: OffsetDateTime,
    granted_by: String,
}

/// The grants of people that are not revoked; with a day those that hold on it.
pub(super) async fn grants_of(
    connection: &mut PgConnection,
    people: &[Uuid],
    on: Option<Date>,
) -> Result<Vec<(Uuid, GrantHeld)>, Problem> {
    let rows = sqlx::query!(
        r#"select g.id, g.person_id, g.role, g.region_code, g.level, g.unit_id, g.since, g.until, g.granted_at, g.granted_by,
                  (select v.name from region_version v
                    where v.code = g.region_code and upper_inf(v.recorded)
                    order by lower(v.valid) desc limit 1) as "region_name?",
                  (select v.name from unit_version v
                    where v.object_id = g.unit_id and upper_inf(v.recorded)
                    order by lower(v.valid) desc limit 1) as "unit_name?"
             from person_grant g
            where g.person_id = any($1) and g.revoked_at is null
              and ($2::date is null or (g.since <= $2 and (g.until is null or $2 < g.until)))
            order by g.person_id, g.role, g.region_code, g.id"#,
        people,
        on,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let grant = GrantHeld {
                id: GrantId(row.id),
                role: row.role,
                region_code: row.region_code,
                region_name: row.region_name,
                level: row.level,
                unit_id: row.unit_id.map(UnitId),
                unit_name: row.unit_name,
                since: row.since,
                until: row.until,
                granted_at: row.granted_at,
                granted_by: row.granted_by,
            };
            (row.person_id, grant)
        })
        .collect())
}

/// A role that is to be granted.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantOrder {
    /// What somebody is to be.
    pub role: Role,
    /// The region whose subtree it reaches over; `all`, the whole registry, unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_code: Option<String>,
    /// Whose assets may be edited; every level's unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// The one unit it is about; every unit unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_id: Option<UnitId>,
    /// From this day; today unless told.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub since: Option<Date>,
    /// The first day on which it no longer holds; none unless told.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub until: Option<Date>,
}

impl GrantOrder {
    /// A role on the whole registry.
    #[must_use]
    pub fn whole(role: Role) -> Self {
        Self {
            role,
            region_code: None,
            level: None,
            unit_id: None,
            since: None,
            until: None,
        }
    }
}

/// Grants a role, in the caller's transaction. `by` is the person who grants; none at the command line.
///
/// # Errors
/// A problem naming the field. Nobody grants to themselves.
pub async fn grant(
    connection: &mut PgConnection,
    actor: &Actor,
    by: Option<PersonId>,
    person: PersonId,
    order: &GrantOrder,
    clock: &Clock,
) -> Result<GrantId, Problem> {
    if by == Some(person) {
        return Err(
            Problem::new(ProblemKind::Forbidden, "nobody grants a role to themselves")
                .code("own_grant")
                .remedy("ask another administrator"),
        );
    }
    let (now, today) = (clock.now(), clock.today());
    let username = sqlx::query_scalar!("select username from person where id = $1", person.0)
        .fetch_optional(&mut *connection)
        .await?
        .ok_or_else(|| Problem::not_found("this person"))?;
    let region = order.region_code.as_deref().map_or(WHOLE, str::trim);
    if region != WHOLE {
        crate::regions::require_registered(connection, "region_code", region, today).await?;
    }
    if let Some(level) = &order.level {
        require_word("level", level, &LEVELS)?;
    }
    let since = sane_day("since", order.since.unwrap_or(today))?;
    let until = order.until.map(|until| sane_day("until", until)).transpose()?;
    if until.is_some_and(|until| until <= since || until <= today) {
        return Err(Problem::invalid("until", "the grant would have ended already").remedy("choose a day to come"));
    }
    let id = GrantId::fresh();
    sqlx::query!(
        "insert into person_grant
             (id, person_id, role, region_code, level, unit_id, since, until, granted_at, granted_by, granted_by_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        id.0,
        person.0,
        order.role.as_str(),
        region,
        order.level,
        order.unit_id.map(|unit| unit.0),
        since,
        until,
        now,
        actor.0,
        by.map(|by| by.0),
    )
    .execute(&mut *connection)
    .await?;
    let after = serde_json::json!({
        "person_id": person, "username": username, "role": order.role, "region_code": region, "level": order.level,
        "unit_id": order.unit_id, "since": since.to_string(), "until": until.map(|until| until.to_string()),
    });
    let object = Object {
        kind: ObjectKind::Grant,
        id: id.0,
    };
    note_of(
        connection,
        actor,
        Action::Create,
        object,
        now,
        [None, Some(&after)],
        None,
    )
    .await?;
    Ok(id)
}

/// Fails where nobody would be left to keep the accounts. Two that are disabled at the same moment wait for each other.
pub(super) async fn require_an_administrator(
    connection: &mut PgConnection,
    now: OffsetDateTime,
) -> Result<(), Problem> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('the last administrator', 23))")
        .execute(&mut *connection)
        .await?;
    if has_administrator(connection, legal_date(now)).await? {
        return Ok(());
    }
    Err(
        Problem::new(ProblemKind::Conflict, "this is the last administrator of the registry")
            .code("last_administrator")
            .remedy("make somebody else an administrator first"),
    )
}

/// Is there anybody to keep the accounts?
pub(super) async fn has_administrator(connection: &mut PgConnection, today: Date) -> Result<bool, Problem> {
    Ok(sqlx::query_scalar!(
        r#"select exists (
               select from person_grant g join person p on p.id = g.person_id
                where g.role = 'administrator' and g.region_code = 'all' and g.unit_id is null and g.revoked_at is null
                  and g.since <= $1 and (g.until is null or $1 < g.until) and p.state = 'active') as "exists!""#,
        today,
    )
    .fetch_one(connection)
    .await?)
}

/// A grant that was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct GrantMade {
    id: GrantId,
}

/// Grants a role to somebody; never to oneself.
#[utoipa::path(post, path = "/api/v1/people/{id}/grants", operation_id = "grant_role", tag = "people",
    params(("id" = Uuid, Path), ("Idempotency-Key" = String, Header)), request_body = GrantOrder,
    responses((status = 201, body = GrantMade), (status = 403, body = Problem), (status = 404, body = Problem),
              (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn grant_role(
    context: Context,
    State(people): State<People>,
    Path(person): Path<String>,
    headers: HeaderMap,
    Body(order): Body<GrantOrder>,
) -> Result<Response, Problem> {
    let person = parse_id(&person)?;
    let idempotency = Idempotency::read(&headers, &("grants", person, &order))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let by = Some(context.caller.person_id);
    let id = grant(&mut transaction, &context.actor, by, person, &order, &context.clock).await?;
    let location = format!("/api/v1/people/{person}/grants/{id}");
    let made = GrantMade { id };
    let kept = serde_json::json!(made);
    idempotency
        .keep(
            &mut transaction,
            &context.actor,
            context.clock.now(),
            &location,
            "",
            &kept,
        )
        .await?;
    transaction.commit().await?;
    people.forget();
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(made)).into_response())
}

/// Revokes a grant. What it allowed is refused at once, what was done under it stays.
#[utoipa::path(delete, path = "/api/v1/people/{id}/grants/{grant}", operation_id = "revoke_grant", tag = "people",
    params(("id" = Uuid, Path), ("grant" = Uuid, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn revoke_grant(
    context: Context,
    State(people): State<People>,
    Path((person, grant)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let person = parse_id(&person)?;
    let grant = parse_id(&grant)?.0;
    let now = context.clock.now();
    let mut transaction = context.database.begin().await?;
    let row = sqlx::query!(
        "update person_grant set revoked_at = $3, revoked_by = $4
          where id = $1 and person_id = $2 and revoked_at is null
         returning role, region_code, level, unit_id",
        grant,
        person.0,
        now,
        context.actor.0,
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or_else(|| Problem::not_found("this grant"))?;
    if row.role == Role::Administrator.as_str() {
        require_an_administrator(&mut transaction, now).await?;
    }
    let before = serde_json::json!({
        "person_id": person, "role": row.role, "region_code": row.region_code, "level": row.level, "unit_id": row.unit_id,
    });
    let object = Object {
        kind: ObjectKind::Grant,
        id: grant,
    };
    note_of(
        &mut transaction,
        &context.actor,
        Action::Close,
        object,
        now,
        [Some(&before), None],
        None,
    )
    .await?;
    transaction.commit().await?;
    people.forget();
    Ok(StatusCode::NO_CONTENT)
}
