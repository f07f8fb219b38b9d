//! The first administrator: by a link that the program prints where nobody can keep the accounts yet.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use time::Duration;

use super::accounts::insert_account;
use super::grants::has_administrator;
use super::permissions::Role;
use super::{GrantOrder, People, check_new_password, grant, secret};
use crate::clock::Clock;
use crate::database::Database;
use crate::ids::PersonId;
use crate::request::{Actor, Body, Problem, ProblemKind};

/// How long the link holds.
const LIFE: Duration = Duration::hours(1);

/// The secret of a fresh link, where nobody keeps the accounts; those made before hold no longer.
///
/// # Errors
/// The database's.
pub async fn first_administrator_link(database: &Database, clock: &Clock) -> Result<Option<String>, Problem> {
    let mut transaction = database.begin().await?;
    if has_administrator(&mut transaction, clock.today()).await? {
        return Ok(None);
    }
    let secret = secret::fresh()?;
    sqlx::query!("delete from first_administrator_link")
        .execute(&mut *transaction)
        .await?;
    sqlx::query!(
        "insert into first_administrator_link (token_sha256, expires_at) values ($1, $2)",
        &secret::sha256(&secret)[..],
        clock.now() + LIFE,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Some(secret))
}

/// Who is to keep the accounts.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FirstAdministrator {
    /// What stands behind `#first=` in the link.
    token: String,
    username: String,
    display_name: String,
    /// Ten characters or more.
    password: String,
}

/// The account that was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct FirstMade {
    id: PersonId,
    username: String,
}

fn link_is_over() -> Problem {
    Problem::new(ProblemKind::NotSignedIn, "this link holds no longer")
        .code("link_is_over")
        .remedy("start the server again for a fresh one, or run `yice user add NAME --role administrator`")
}

/// Makes the first administrator's account, once, by the link that the server printed.
#[utoipa::path(post, path = "/api/v1/first-administrator", operation_id = "create_first_administrator", tag = "session",
    request_body = FirstAdministrator,
    responses((status = 201, body = FirstMade), (status = 401, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn create_first_administrator(
    State(database): State<Database>,
    State(clock): State<Clock>,
    State(people): State<People>,
    Body(asked): Body<FirstAdministrator>,
) -> Result<(StatusCode, Json<FirstMade>), Problem> {
    let now = clock.now();
    let hash = secret::sha256(&asked.token);
    // Looked at before anything that costs: the secret is too long to be guessed.
    let holds = sqlx::query_scalar!(
        r#"select exists (select from first_administrator_link where token_sha256 = $1 and expires_at > $2) as "holds!""#,
        &hash[..],
        now,
    )
    .fetch_one(database.pool())
    .await?;
    if !holds {
        return Err(link_is_over());
    }
    check_new_password("password", &asked.password, &asked.username.trim().to_lowercase())?;
    let password = people.hash(&asked.password).await?;
    let mut transaction = database.begin().await?;
    let used = sqlx::query!(
        "delete from first_administrator_link where token_sha256 = $1",
        &hash[..]
    )
    .execute(&mut *transaction)
    .await?;
    if used.rows_affected() != 1 || has_administrator(&mut transaction, clock.today()).await? {
        return Err(link_is_over());
    }
    let actor = Actor("system:first-administrator".to_owned());
    let made = insert_account(
        &mut transaction,
        &actor,
        &asked.username,
        &asked.display_name,
        Some(&password),
        false,
        false,
        now,
    )
    .await?;
    let order = GrantOrder::whole(Role::Administrator);
    grant(&mut transaction, &actor, None, made.id, &order, &clock).await?;
    transaction.commit().await?;
    people.forget();
    let made = FirstMade {
        id: made.id,
        username: made.username,
    };
    Ok((StatusCode::CREATED, Json(made)))
}
