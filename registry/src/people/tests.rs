//! People through the router, over a real PostGIS, under the application's role.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Duration;
use tower::ServiceExt;
use uuid::Uuid;

use super::permissions::Role;
use super::secret;
use super::{DEMO_PASSWORD, demo_accounts, first_administrator_link};
use crate::http::AppState;
use crate::ids::PersonId;
use crate::request::{Acting, Actor, Permission, Reach, Scope};
use crate::spatial_units::tests::{ANONYMOUS, app, ask, ask_as};

/// A person who holds roles over a part of the registry (`all` for the whole), with a token; written straight into the
/// tables, so that the ledger of a test holds what the test did.
pub(crate) async fn person_with(pool: &PgPool, username: &str, roles: &[Role], region: &str) -> String {
    let id: Uuid = sqlx::query_scalar(
        "insert into person (id, username, display_name, state, must_change_password, version_id, created_at, password_changed_at)
         values ($1, $2, $2, 'active', false, $1, '2026-01-01', '2026-01-01')
         on conflict (username) do update set display_name = excluded.display_name returning id",
    )
    .bind(Uuid::now_v7())
    .bind(username)
    .fetch_one(pool)
    .await
    .unwrap();
    for role in roles {
        sqlx::query(
            "insert into person_grant (id, person_id, role, region_code, since, granted_at, granted_by)
             values ($1, $2, $3, $4, '2000-01-01', '2026-01-01', 'test') on conflict do nothing",
        )
        .bind(Uuid::now_v7())
        .bind(id)
        .bind(role.as_str())
        .bind(region)
        .execute(pool)
        .await
        .unwrap();
    }
    let token = secret::fresh_token().unwrap();
    sqlx::query(
        "insert into person_token (id, person_id, name, token_sha256, created_at, created_by, expires_at)
         values ($1, $2, 'test', $3, '2026-01-01', 'test', '2100-01-01')",
    )
    .bind(Uuid::now_v7())
    .bind(id)
    .bind(&secret::sha256(&token)[..])
    .execute(pool)
    .await
    .unwrap();
    token
}

/// The person that tests are unless they say otherwise: every role, over the whole registry.
pub(crate) async fn whole_person(pool: &PgPool) -> String {
    person_with(pool, "local", Role::ALL, "all").await
}

pub(super) struct Raw {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Raw {
    /// The session's secret that the answer sets.
    fn cookie(&self) -> String {
        let cookie = self.headers[header::SET_COOKIE].to_str().unwrap();
        cookie.split(';').next().unwrap().split_once('=').unwrap().1.to_owned()
    }
}

/// A request that shows nothing but what it is given.
pub(super) async fn raw(app: &Router, method: &str, uri: &str, headers: &[(&str, &str)], body: Option<Value>) -> Raw {
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .header(header::HOST, "127.0.0.1")
        .header(ANONYMOUS, "yes");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = match body {
        None => request.body(Body::empty()),
        Some(body) => request
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string())),
    };
    let response = app.clone().oneshot(request.unwrap()).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    Raw {
        status,
        headers,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    }
}

const PASSWORD: &str = "三年行动方案提质增效";

pub(super) async fn sign_in(app: &Router, username: &str, password: &str, headers: &[(&str, &str)]) -> Raw {
    let body = json!({"username": username, "password": password});
    raw(app, "POST", "/api/v1/session", headers, Some(body)).await
}

pub(super) async fn with_cookie(app: &Router, secret: &str, method: &str, uri: &str, body: Option<Value>) -> Raw {
    let cookie = format!("yice_session={secret}");
    let key = uuid::Uuid::now_v7().to_string();
    raw(
        app,
        method,
        uri,
        &[("cookie", &cookie), ("Idempotency-Key", &key)],
        body,
    )
    .await
}

/// Makes an account by the API and gives its id and first password.
async fn make(app: &Router, username: &str) -> (String, String) {
    let body = json!({"username": username, "display_name": username});
    let made = ask(
        app,
        "POST",
        "/api/v1/people",
        &[("Idempotency-Key", username)],
        Some(body),
    )
    .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let text = |name: &str| made.body[name].as_str().unwrap().to_owned();
    (text("id"), text("initial_password"))
}

/// An account that has chosen its password.
async fn settled(app: &Router, username: &str) -> String {
    let (id, first) = make(app, username).await;
    let session = sign_in(app, username, &first, &[]).await;
    assert_eq!(session.status, StatusCode::OK, "{}", session.body);
    let change = json!({"current_password": first, "new_password": PASSWORD});
    let changed = with_cookie(app, &session.cookie(), "PUT", "/api/v1/session/password", Some(change)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    id
}

async fn grant_by(
    app: &Router,
    token: Option<&str>,
    person: &str,
    order: Value,
) -> crate::spatial_units::tests::Answer {
    let key = uuid::Uuid::now_v7().to_string();
    let (uri, headers) = (
        format!("/api/v1/people/{person}/grants"),
        [("Idempotency-Key", key.as_str())],
    );
    match token {
        Some(token) => ask_as(app, Some(token), "POST", &uri, &headers, Some(order)).await,
        None => ask(app, "POST", &uri, &headers, Some(order)).await,
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn somebody_signs_in_is_known_and_signs_out(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let id = settled(&app, "wang.fang").await;
    let granted = grant_by(&app, None, &id, json!({"role": "viewer"})).await;
    assert_eq!(granted.status, StatusCode::CREATED, "{}", granted.body);

    let session = sign_in(&app, " Wang.Fang ", PASSWORD, &[]).await;
    assert_eq!(session.status, StatusCode::OK, "{}", session.body);
    let cookie = session.headers[header::SET_COOKIE].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "{cookie}");
    assert_eq!(session.body["username"], "wang.fang");
    assert_eq!(session.body["permissions"], json!(["read_registry"]));
    assert_eq!(session.body["grants"][0]["role"], "viewer");
    assert_eq!(session.body["grants"][0]["granted_by"], "local");

    let secret = session.cookie();
    let seen = with_cookie(&app, &secret, "GET", "/api/v1/session", None).await;
    assert_eq!(seen.body, session.body);
    let stored: Vec<Vec<u8>> = sqlx::query_scalar("select token_sha256 from person_session")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert!(stored.contains(&secret::sha256(&secret).to_vec()) && !stored.contains(&secret.as_bytes().to_vec()));

    let out = with_cookie(&app, &secret, "DELETE", "/api/v1/session", None).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert!(out.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    let after = with_cookie(&app, &secret, "GET", "/api/v1/session", None).await;
    assert_eq!(
        (after.status, &after.body["code"]),
        (StatusCode::UNAUTHORIZED, &json!("session_ended"))
    );
    // Over https the cookie goes over nothing else.
    let settings = super::PeopleSettings {
        https: true,
        ..Default::default()
    };
    let safe = crate::http::router(AppState {
        people: super::People::new(settings),
        ..state
    });
    let session = sign_in(&safe, "wang.fang", PASSWORD, &[]).await;
    assert!(
        session.headers[header::SET_COOKIE]
            .to_str()
            .unwrap()
            .ends_with("; Secure")
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_session_ends_unused_and_in_any_case(pool: PgPool) {
    let (app, state) = app(&pool).await;
    settled(&app, "wang.fang").await;
    let secret = sign_in(&app, "wang.fang", PASSWORD, &[]).await.cookie();
    let is_open = async |secret: &str| with_cookie(&app, secret, "GET", "/api/v1/session", None).await.status == 200;
    // In use every 29 minutes it lasts twelve hours.
    for turn in 0..24 {
        state.clock.advance(Duration::minutes(29));
        assert!(is_open(&secret).await, "{turn}");
    }
    state.clock.advance(Duration::minutes(25));
    assert!(!is_open(&secret).await);
    let secret = sign_in(&app, "wang.fang", PASSWORD, &[]).await.cookie();
    state.clock.advance(Duration::minutes(30));
    assert!(!is_open(&secret).await);
    let left: i64 = sqlx::query_scalar("select count(*) from person_session where token_sha256 = $1")
        .bind(&secret::sha256(&secret)[..])
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn no_session_is_planted_and_a_new_password_ends_the_others(pool: PgPool) {
    let (app, _) = app(&pool).await;
    settled(&app, "wang.fang").await;
    // A secret of the attacker's own is not taken over.
    let planted = secret::fresh().unwrap();
    let cookie = format!("yice_session={planted}");
    let first = sign_in(&app, "wang.fang", PASSWORD, &[("cookie", &cookie)])
        .await
        .cookie();
    assert_ne!(first, planted);
    assert_eq!(
        with_cookie(&app, &planted, "GET", "/api/v1/session", None).await.status,
        401
    );
    // Signing in again in the same browser ends what was there.
    let cookie = format!("yice_session={first}");
    let second = sign_in(&app, "wang.fang", PASSWORD, &[("cookie", &cookie)])
        .await
        .cookie();
    assert_eq!(
        with_cookie(&app, &first, "GET", "/api/v1/session", None).await.status,
        401
    );

    let elsewhere = sign_in(&app, "wang.fang", PASSWORD, &[]).await.cookie();
    for (change, field) in [
        (
            json!({"current_password": "不是这个密码", "new_password": "新的密码一二三四五六七"}),
            "current_password",
        ),
        (
            json!({"current_password": PASSWORD, "new_password": "short"}),
            "new_password",
        ),
        (
            json!({"current_password": PASSWORD, "new_password": PASSWORD}),
            "new_password",
        ),
        (
            json!({"current_password": PASSWORD, "new_password": "wang.fang.wang.fang"}),
            "new_password",
        ),
    ] {
        let refused = with_cookie(&app, &second, "PUT", "/api/v1/session/password", Some(change)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
        assert_eq!(refused.body["field"], field, "{}", refused.body);
    }
    let change = json!({"current_password": PASSWORD, "new_password": "新的密码一二三四五六七"});
    let changed = with_cookie(&app, &second, "PUT", "/api/v1/session/password", Some(change)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    for old in [&second, &elsewhere] {
        assert_eq!(with_cookie(&app, old, "GET", "/api/v1/session", None).await.status, 401);
    }
    assert_eq!(
        with_cookie(&app, &changed.cookie(), "GET", "/api/v1/session", None)
            .await
            .status,
        200
    );
    assert_eq!(sign_in(&app, "wang.fang", PASSWORD, &[]).await.status, 401);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_first_password_opens_nothing_but_its_change(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let (id, first) = make(&app, "wang.fang").await;
    grant_by(&app, None, &id, json!({"role": "administrator"})).await;
    let session = sign_in(&app, "wang.fang", &first, &[]).await;
    assert_eq!(session.body["must_change_password"], true);
    let secret = session.cookie();
    for uri in [
        "/api/v1/people",
        "/api/v1/units",
        "/tiles/parcels",
        "/openapi.json",
        "/api/v1/session/tokens",
    ] {
        let refused = with_cookie(&app, &secret, "GET", uri, None).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{uri}");
        assert_eq!(refused.body["code"], "password_change_required", "{uri}");
    }
    let change = json!({"current_password": first, "new_password": PASSWORD});
    let changed = with_cookie(&app, &secret, "PUT", "/api/v1/session/password", Some(change)).await;
    assert_eq!(changed.body["must_change_password"], false);
    let secret = changed.cookie();
    assert_eq!(
        with_cookie(&app, &secret, "GET", "/api/v1/people", None).await.status,
        200
    );
    // The first password is in no answer that is kept.
    let body = json!({"username": "wang.fang", "display_name": "wang.fang"});
    let again = ask(
        &app,
        "POST",
        "/api/v1/people",
        &[("Idempotency-Key", "wang.fang")],
        Some(body),
    )
    .await;
    assert_eq!((again.status, &again.body["id"]), (StatusCode::CREATED, &json!(id)));
    assert!(again.body.get("initial_password").is_none(), "{}", again.body);
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_guesses_is_locked_out_and_learns_nothing(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let id = settled(&app, "wang.fang").await;
    let mut of_known = Vec::new();
    for username in ["wang.fang", "nobody", "' or 1=1 --", "<script>alert(1)</script>"] {
        let mut answers = Vec::new();
        for attempt in 0..7 {
            let refused = sign_in(&app, username, "wrong wrong wrong", &[]).await;
            let status = if attempt < 5 { 401 } else { 429 };
            assert_eq!(refused.status, status, "{username} {attempt}: {}", refused.body);
            answers.push(refused.body);
        }
        if of_known.is_empty() {
            of_known = answers;
        } else {
            assert_eq!(answers, of_known, "{username}");
        }
    }
    assert_eq!(of_known[0]["code"], "wrong_credentials");
    assert_eq!(of_known[6]["code"], "account_locked");
    // Not even the right one helps now, and it is said how long.
    let locked = sign_in(&app, "wang.fang", PASSWORD, &[]).await;
    assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS);
    let wait_s: i64 = locked.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert_eq!(locked.body["retry_after_s"], wait_s);
    assert!((1..=900).contains(&wait_s));
    let listed = ask(&app, "GET", "/api/v1/people?q=wang", &[], None).await;
    assert!(listed.body["items"][0]["locked_until"].is_string(), "{}", listed.body);
    state.clock.advance(Duration::seconds(wait_s));
    assert_eq!(sign_in(&app, "wang.fang", PASSWORD, &[]).await.status, 200);
    // What was wrong before somebody signed in is forgotten.
    for _ in 0..3 {
        assert_eq!(sign_in(&app, "wang.fang", "wrong wrong wrong", &[]).await.status, 401);
    }
    assert_eq!(sign_in(&app, "wang.fang", PASSWORD, &[]).await.status, 200);
    for _ in 0..6 {
        sign_in(&app, "wang.fang", "wrong wrong wrong", &[]).await;
    }
    // An administrator opens it at once.
    let reset = ask(&app, "POST", &format!("/api/v1/people/{id}/password-resets"), &[], None).await;
    let fresh = reset.body["password"].as_str().unwrap();
    let session = sign_in(&app, "wang.fang", fresh, &[]).await;
    assert_eq!(
        (session.status, &session.body["must_change_password"]),
        (StatusCode::OK, &json!(true))
    );
}

/// Ten thousand attempts under ten thousand names, many at once: no name is written down once the address is refused, the
/// rest of the server goes on answering, and nothing fails.
#[sqlx::test(migrations = "../migrations")]
async fn ten_thousand_attempts_fill_nothing_and_block_nobody(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..20 {
        let app = app.clone();
        tasks.spawn(async move {
            let mut statuses = std::collections::BTreeMap::new();
            for attempt in 0..500 {
                let answer = sign_in(&app, &format!("name-{worker}-{attempt}"), "wrong wrong wrong", &[]).await;
                *statuses.entry(answer.status.as_u16()).or_insert(0) += 1;
            }
            statuses
        });
    }
    let mut slowest = std::time::Duration::ZERO;
    for _ in 0..10 {
        let begun = std::time::Instant::now();
        assert_eq!(ask(&app, "GET", "/api/v1/units", &[], None).await.status, 200);
        slowest = slowest.max(begun.elapsed());
    }
    assert!(slowest < std::time::Duration::from_secs(5), "{slowest:?}");
    let mut statuses = std::collections::BTreeMap::new();
    while let Some(done) = tasks.join_next().await {
        for (status, count) in done.unwrap() {
            *statuses.entry(status).or_insert(0) += count;
        }
    }
    assert_eq!(statuses, std::collections::BTreeMap::from([(401, 50), (429, 9_950)]));
    let rows: i64 = sqlx::query_scalar("select count(*) from sign_in_attempt")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(rows, 51);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_name_that_nobody_has_is_as_much_work_to_refuse(pool: PgPool) {
    let (app, state) = app(&pool).await;
    settled(&app, "wang.fang").await;
    // How long it takes is the machine's; what Argon2 is made to do for it is ours.
    let work = async |username: &str| {
        let before = state.people.work_kib();
        let refused = sign_in(&app, username, "wrong wrong wrong", &[]).await;
        assert_eq!(refused.status, 401);
        (state.people.work_kib() - before, refused.body)
    };
    let (known, said_of_known) = work("wang.fang").await;
    assert!(known >= 19 * 1024, "{known}");
    for nobody in ["nobody-0", "nobody-1", "wang.fan"] {
        let (unknown, said) = work(nobody).await;
        assert_eq!(unknown, known, "{nobody}");
        assert_eq!(said, said_of_known, "{nobody}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn tokens_are_made_used_and_revoked(pool: PgPool) {
    use base64::Engine;
    let (app, state) = app(&pool).await;
    let id = settled(&app, "wang.fang").await;
    grant_by(&app, None, &id, json!({"role": "viewer"})).await;
    let secret = sign_in(&app, "wang.fang", PASSWORD, &[]).await.cookie();
    let create = async |body: Value| with_cookie(&app, &secret, "POST", "/api/v1/session/tokens", Some(body)).await;
    for (body, field) in [
        (json!({"name": ""}), "name"),
        (json!({"name": "x", "expires_in_days": 0}), "expires_in_days"),
        (json!({"name": "x", "expires_in_days": 731}), "expires_in_days"),
        (json!({"name": "x".repeat(101)}), "name"),
    ] {
        let refused = create(body).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["field"]),
            (422, &json!(field)),
            "{}",
            refused.body
        );
    }
    let made = create(json!({"name": "QGIS", "expires_in_days": 30})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let token = made.body["token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("anything:{token}"));
    let basic = format!("Basic {pair}");
    for value in [&bearer, &basic] {
        let seen = raw(&app, "GET", "/api/v1/session", &[("authorization", value)], None).await;
        assert_eq!(
            (seen.status, &seen.body["username"]),
            (StatusCode::OK, &json!("wang.fang"))
        );
        assert_eq!(seen.body["expires_at"], Value::Null);
        assert_eq!(
            raw(&app, "GET", "/ogc/collections", &[("authorization", value)], None)
                .await
                .status,
            200
        );
    }
    // A token makes no token and changes no password.
    for (method, uri, body) in [
        ("POST", "/api/v1/session/tokens", json!({"name": "another"})),
        (
            "PUT",
            "/api/v1/session/password",
            json!({"current_password": PASSWORD, "new_password": "新的密码一二三四五六七"}),
        ),
    ] {
        let refused = raw(
            &app,
            method,
            uri,
            &[("authorization", &bearer), ("Idempotency-Key", "k")],
            Some(body),
        )
        .await;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["code"]),
            (403, &json!("session_required")),
            "{uri}"
        );
    }
    let listed = with_cookie(&app, &secret, "GET", "/api/v1/session/tokens", None).await;
    assert_eq!(listed.body[0]["name"], "QGIS");
    assert!(listed.body[0]["last_used_at"].is_string(), "{}", listed.body);
    assert!(!listed.body.to_string().contains(&token));

    let forged = format!("{}x", &token[..token.len() - 1]);
    let expired = crate::people::tests::person_with(&pool, "old", &[Role::Viewer], "all").await;
    sqlx::query("update person_token set expires_at = '2026-06-01' where token_sha256 = $1")
        .bind(&secret::sha256(&expired)[..])
        .execute(&pool)
        .await
        .unwrap();
    for (token, code) in [
        (forged, "token_unknown"),
        (expired, "token_expired"),
        ("nonsense".to_owned(), "token_unknown"),
    ] {
        let refused = raw(
            &app,
            "GET",
            "/ogc",
            &[("authorization", &format!("Bearer {token}"))],
            None,
        )
        .await;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["code"]),
            (401, &json!(code)),
            "{token}"
        );
        let challenges: Vec<_> = refused.headers.get_all(header::WWW_AUTHENTICATE).iter().collect();
        assert!(
            challenges
                .iter()
                .any(|value| value.to_str().unwrap().starts_with("Bearer"))
        );
        assert!(
            challenges
                .iter()
                .any(|value| value.to_str().unwrap().starts_with("Basic"))
        );
    }
    // The page's own requests open no window of the browser's.
    let refused = raw(&app, "GET", "/tiles/parcels", &[("sec-fetch-mode", "cors")], None).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.headers.get_all(header::WWW_AUTHENTICATE).iter().count(), 1);

    // Somebody else's token is nobody's business.
    let other = person_with(&pool, "other", &[Role::AssetManager], "all").await;
    let at = format!("/api/v1/session/tokens/{}", made.body["id"].as_str().unwrap());
    assert_eq!(ask_as(&app, Some(&other), "DELETE", &at, &[], None).await.status, 404);
    assert_eq!(with_cookie(&app, &secret, "DELETE", &at, None).await.status, 204);
    let refused = raw(&app, "GET", "/api/v1/session", &[("authorization", &bearer)], None).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["code"]),
        (401, &json!("token_revoked"))
    );

    // Thirty days later one that was made for thirty days is over, to the second.
    let made = create(json!({"name": "script", "expires_in_days": 30})).await;
    let bearer = format!("Bearer {}", made.body["token"].as_str().unwrap());
    state.clock.advance(Duration::days(30) - Duration::seconds(1));
    assert_eq!(
        raw(&app, "GET", "/api/v1/session", &[("authorization", &bearer)], None)
            .await
            .status,
        200
    );
    state.clock.advance(Duration::seconds(1));
    assert_eq!(
        raw(&app, "GET", "/api/v1/session", &[("authorization", &bearer)], None)
            .await
            .status,
        401
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_disabled_account_is_out_at_once(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let id = settled(&app, "wang.fang").await;
    grant_by(&app, None, &id, json!({"role": "viewer"})).await;
    let secret = sign_in(&app, "wang.fang", PASSWORD, &[]).await.cookie();
    let token = with_cookie(
        &app,
        &secret,
        "POST",
        "/api/v1/session/tokens",
        Some(json!({"name": "QGIS"})),
    )
    .await;
    let bearer = format!("Bearer {}", token.body["token"].as_str().unwrap());
    assert_eq!(
        raw(&app, "GET", "/api/v1/units", &[("authorization", &bearer)], None)
            .await
            .status,
        200
    );
    let at = format!("/api/v1/people/{id}");
    let tag = ask(&app, "GET", &at, &[], None).await.etag.unwrap();
    let disable = json!({"state": "disabled", "reason": "调离"});
    assert_eq!(ask(&app, "PATCH", &at, &[], Some(disable.clone())).await.status, 428);
    let disabled = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(disable.clone())).await;
    assert_eq!(
        (disabled.status, &disabled.body["state"]),
        (StatusCode::OK, &json!("disabled"))
    );
    assert_eq!(
        ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(disable))
            .await
            .status,
        412
    );
    assert_eq!(
        with_cookie(&app, &secret, "GET", "/api/v1/session", None).await.status,
        401
    );
    assert_eq!(
        raw(&app, "GET", "/api/v1/units", &[("authorization", &bearer)], None)
            .await
            .status,
        401
    );
    let refused = sign_in(&app, "wang.fang", PASSWORD, &[]).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["code"]),
        (403, &json!("account_disabled"))
    );
    // Who doesn't know the password learns nothing of it.
    let refused = sign_in(&app, "wang.fang", "wrong wrong wrong", &[]).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["code"]),
        (401, &json!("wrong_credentials"))
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_grants_to_themselves_and_the_last_administrator_stays(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let local: Value = ask(&app, "GET", "/api/v1/people?q=local", &[], None).await.body["items"][0].clone();
    let own = local["id"].as_str().unwrap();
    let refused = grant_by(
        &app,
        None,
        own,
        json!({"role": "auditor", "region_code": "all", "level": "city"}),
    )
    .await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["code"]),
        (403, &json!("own_grant"))
    );
    let past_the_program = sqlx::query(
        "insert into person_grant (id, person_id, role, region_code, since, granted_at, granted_by, granted_by_id)
         values ($1, $2, 'viewer', '43', '2026-01-01', '2026-01-01', 'local', $2)",
    )
    .bind(Uuid::now_v7())
    .bind(own.parse::<Uuid>().unwrap())
    .execute(&pool)
    .await
    .unwrap_err();
    assert!(
        past_the_program.to_string().contains("person_grant_not_to_oneself"),
        "{past_the_program}"
    );

    let grant_id = local["grants"]
        .as_array()
        .unwrap()
        .iter()
        .find(|grant| grant["role"] == "administrator")
        .unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let refused = ask(
        &app,
        "DELETE",
        &format!("/api/v1/people/{own}/grants/{grant_id}"),
        &[],
        None,
    )
    .await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["code"]),
        (409, &json!("last_administrator"))
    );
    let tag = ask(&app, "GET", &format!("/api/v1/people/{own}"), &[], None)
        .await
        .etag
        .unwrap();
    let disable = Some(json!({"state": "disabled"}));
    let refused = ask(
        &app,
        "PATCH",
        &format!("/api/v1/people/{own}"),
        &[("If-Match", &tag)],
        disable.clone(),
    )
    .await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["code"]),
        (409, &json!("last_administrator"))
    );

    // Two administrators who put each other out at the same moment: one stays.
    let other = person_with(&pool, "other", &[Role::Administrator], "all").await;
    let others: Value = ask(&app, "GET", "/api/v1/people?q=other", &[], None).await.body["items"][0].clone();
    let (person, grant) = (
        others["id"].as_str().unwrap(),
        others["grants"][0]["id"].as_str().unwrap(),
    );
    let (mine, theirs) = (
        format!("/api/v1/people/{own}/grants/{grant_id}"),
        format!("/api/v1/people/{person}/grants/{grant}"),
    );
    let (one, two) = tokio::join!(
        ask(&app, "DELETE", &theirs, &[], None),
        ask_as(&app, Some(&other), "DELETE", &mine, &[], None),
    );
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert!(statuses == [204, 409] || statuses == [204, 403], "{statuses:?}");
    let mut connection = pool.acquire().await.unwrap();
    assert!(
        super::grants::has_administrator(&mut connection, state.clock.today())
            .await
            .unwrap()
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn grants_have_their_form_and_their_time(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let id = settled(&app, "wang.fang").await;
    for (order, field) in [
        (json!({"role": "root"}), "role"),
        (json!({"role": "viewer", "region_code": "431102"}), "region_code"),
        (json!({"role": "viewer", "level": "galaxy"}), "level"),
        (json!({"role": "viewer", "unit_id": Uuid::now_v7()}), "unit_id"),
        (json!({"role": "viewer", "until": "2026-11-21"}), "until"),
        (
            json!({"role": "viewer", "since": "2027-01-01", "until": "2026-12-31"}),
            "until",
        ),
    ] {
        let refused = grant_by(&app, None, &id, order.clone()).await;
        assert_eq!(refused.status.as_u16(), 422, "{order}: {}", refused.body);
        assert_eq!(refused.body["field"], field, "{order}: {}", refused.body);
    }
    assert_eq!(
        grant_by(&app, None, &Uuid::now_v7().to_string(), json!({"role": "viewer"}))
            .await
            .status,
        404
    );
    let order = json!({"role": "viewer", "since": "2026-11-22", "until": "2026-11-24"});
    assert_eq!(grant_by(&app, None, &id, order.clone()).await.status, 201);
    let twice = grant_by(&app, None, &id, order).await;
    assert_eq!(
        (twice.status.as_u16(), &twice.body["code"]),
        (409, &json!("person_grant_once"))
    );
    let mut reads = Vec::new();
    for _ in 0..5 {
        let secret = sign_in(&app, "wang.fang", PASSWORD, &[]).await.cookie();
        reads.push(
            with_cookie(&app, &secret, "GET", "/api/v1/units", None)
                .await
                .status
                .as_u16(),
        );
        state.clock.advance(Duration::days(1));
    }
    assert_eq!(reads, [403, 200, 200, 403, 403]);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_done_to_people_stands_in_the_ledger_for_those_who_may_see_people(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let id = settled(&app, "wang.fang").await;
    let granted = grant_by(&app, None, &id, json!({"role": "viewer"})).await;
    let grant = granted.body["id"].as_str().unwrap().to_owned();
    ask(&app, "POST", &format!("/api/v1/people/{id}/password-resets"), &[], None).await;
    ask(
        &app,
        "DELETE",
        &format!("/api/v1/people/{id}/grants/{grant}"),
        &[],
        None,
    )
    .await;
    let region = json!({"code": "43", "name": "湖南省", "level": "province"});
    let key = [("Idempotency-Key", "r")];
    let editor = person_with(&pool, "editor", &[Role::AssetManager], "all").await;
    assert_eq!(
        ask_as(&app, Some(&editor), "POST", "/api/v1/regions", &key, Some(region))
            .await
            .status,
        201
    );
    let entries: Vec<(String, String, String)> =
        sqlx::query_as("select actor, action, object_kind from ledger_entry order by recorded_at, id")
            .fetch_all(&pool)
            .await
            .unwrap();
    let entries: Vec<String> = entries
        .into_iter()
        .map(|(who, what, kind)| format!("{who} {what} {kind}"))
        .collect();
    assert_eq!(
        entries,
        [
            "local create person",
            "wang.fang change person",
            "local create grant",
            "local change person",
            "local close grant",
            "editor create region",
        ]
    );
    let words: String = sqlx::query_scalar("select string_agg(after::text, '') from ledger_entry")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(!words.contains("argon2"), "{words}");

    let key = crate::ledger::SigningKey::from_seed([7; 32]);
    crate::ledger::Sealer::new(pool.clone(), key, state.clock.clone())
        .seal_all()
        .await
        .unwrap();
    let kinds = async |token: &str| {
        let list = ask_as(&app, Some(token), "GET", "/api/v1/ledger", &[], None).await;
        let items = list.body["items"].as_array().unwrap().clone();
        items
            .into_iter()
            .map(|item| item["object_kind"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let (viewer, auditor) = (
        person_with(&pool, "viewer", &[Role::Viewer], "all").await,
        person_with(&pool, "auditor", &[Role::Auditor], "all").await,
    );
    assert_eq!(kinds(&viewer).await, ["region"]);
    assert_eq!(kinds(&auditor).await.len(), 6);
    let proof = async |token: &str| {
        ask_as(&app, Some(token), "GET", "/api/v1/ledger/1/proof", &[], None)
            .await
            .status
    };
    assert_eq!(
        (proof(&viewer).await.as_u16(), proof(&auditor).await.as_u16()),
        (404, 200)
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn the_first_administrator_comes_by_a_link_once(pool: PgPool) {
    let (app, state) = app(&pool).await;
    // Somebody keeps the accounts already.
    assert_eq!(
        first_administrator_link(&state.database, &state.clock).await.unwrap(),
        None
    );
    sqlx::query("update person set state = 'disabled'")
        .execute(&pool)
        .await
        .unwrap();
    let replaced = first_administrator_link(&state.database, &state.clock)
        .await
        .unwrap()
        .unwrap();
    let link = first_administrator_link(&state.database, &state.clock)
        .await
        .unwrap()
        .unwrap();
    let ask_for = async |token: &str, username: &str, password: &str| {
        let body = json!({"token": token, "username": username, "display_name": "管理员", "password": password});
        raw(&app, "POST", "/api/v1/first-administrator", &[], Some(body)).await
    };
    for token in ["", "nonsense", &replaced] {
        let refused = ask_for(token, "admin", PASSWORD).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["code"]),
            (401, &json!("link_is_over"))
        );
    }
    assert_eq!(ask_for(&link, "admin", "short").await.body["field"], "password");
    assert_eq!(ask_for(&link, "a b", PASSWORD).await.body["field"], "username");
    // An hour, and no longer.
    state.clock.advance(Duration::hours(1));
    assert_eq!(ask_for(&link, "admin", PASSWORD).await.status, 401);
    let link = first_administrator_link(&state.database, &state.clock)
        .await
        .unwrap()
        .unwrap();
    let (one, two) = tokio::join!(ask_for(&link, "admin", PASSWORD), ask_for(&link, "admin2", PASSWORD));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 401]);
    let username = if one.status == 201 { "admin" } else { "admin2" };
    let secret = sign_in(&app, username, PASSWORD, &[]).await.cookie();
    assert_eq!(
        with_cookie(&app, &secret, "GET", "/api/v1/people", None).await.status,
        200
    );
    assert_eq!(
        first_administrator_link(&state.database, &state.clock).await.unwrap(),
        None
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn demo_accounts_are_made_in_the_demo_alone(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let datasets = ["demo-city".to_owned()];
    let demo = || demo_accounts(&state.database, &state.clock, &datasets);
    // Somebody has an account of their own.
    assert!(demo().await.unwrap().is_none());
    for table in ["person_token", "person_grant", "person"] {
        sqlx::query(sqlx::AssertSqlSafe(format!("delete from {table}")))
            .execute(&pool)
            .await
            .unwrap();
    }
    sqlx::query("insert into spatial_unit (id, kind, created_at) values ($1, 'parcel', '2026-01-01')")
        .bind(Uuid::now_v7())
        .execute(&pool)
        .await
        .unwrap();
    assert!(demo().await.unwrap().is_none());
    sqlx::query("delete from spatial_unit").execute(&pool).await.unwrap();
    let accounts = demo().await.unwrap().unwrap();
    assert_eq!(accounts.len(), Role::ALL.len());
    assert_eq!(demo().await.unwrap().unwrap(), accounts);
    for (username, role) in accounts {
        let session = sign_in(&app, &username, DEMO_PASSWORD, &[]).await;
        assert_eq!(
            (session.status, &session.body["grants"][0]["role"]),
            (StatusCode::OK, &json!(role.as_str()))
        );
        if role == Role::Viewer {
            let change = json!({"current_password": DEMO_PASSWORD, "new_password": PASSWORD});
            let refused = with_cookie(&app, &session.cookie(), "PUT", "/api/v1/session/password", Some(change)).await;
            assert_eq!(
                (refused.status.as_u16(), &refused.body["code"]),
                (403, &json!("demo_account"))
            );
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_scope_travels_in_its_transaction_and_no_further(pool: PgPool) {
    let (_, state) = app(&pool).await;
    let reach = Reach {
        region: Some("4311".to_owned()),
        level: Some("city".to_owned()),
        unit: None,
    };
    let scope = Scope::new(vec![
        (Permission::ReadRegistry, reach.clone()),
        (Permission::EditAssets, reach),
    ]);
    assert!(scope.holds(Permission::EditAssets) && !scope.holds_everywhere(Permission::EditAssets));
    // What is read is narrowed by the region alone.
    let level = Reach {
        region: None,
        level: Some("city".to_owned()),
        unit: None,
    };
    let own_level = Scope::new(vec![
        (Permission::ReadRegistry, level.clone()),
        (Permission::EditAssets, level),
    ]);
    assert!(
        own_level.holds_everywhere(Permission::ReadRegistry) && !own_level.holds_everywhere(Permission::EditAssets)
    );
    let person = PersonId::fresh();
    let acting = Acting::under(Permission::EditAssets);
    let setting = scope.setting(person, &Actor("somebody".to_owned()), acting);
    let database = state.database.scoped(setting, false);
    let asked = "select nullif(current_setting('yice.scope', true), '')";
    for begun in [
        database.begin().await.unwrap(),
        database.begin_snapshot().await.unwrap(),
    ] {
        let mut begun = begun;
        let carried: Option<String> = sqlx::query_scalar(asked).fetch_one(&mut *begun).await.unwrap();
        let carried: Value = serde_json::from_str(&carried.unwrap()).unwrap();
        let reach = json!([{"region": "4311", "level": "city", "unit": null}]);
        assert_eq!(
            carried,
            json!({"person": person, "actor": "somebody", "reads": "read_registry", "writes": "edit_assets",
                   "reaches": {"read_registry": reach, "edit_assets": reach}})
        );
        begun.commit().await.unwrap();
    }
    let mut transaction = state.database.begin().await.unwrap();
    let after: Option<String> = sqlx::query_scalar(asked).fetch_one(&mut *transaction).await.unwrap();
    assert_eq!(after.as_deref(), Some(r#"{"system": true}"#));
}

#[sqlx::test(migrations = "../migrations")]
async fn bad_input_about_people_changes_nothing(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let entries = async || -> i64 {
        sqlx::query_scalar("select count(*) from ledger_entry")
            .fetch_one(&pool)
            .await
            .unwrap()
    };
    let before = entries().await;
    for (body, status) in [
        (json!({}), 422),
        (json!({"username": "x"}), 422),
        (json!({"username": "x y", "display_name": "x"}), 422),
        (
            json!({"username": "'; drop table person; --", "display_name": "x"}),
            422,
        ),
        (json!({"username": "<script>", "display_name": "x"}), 422),
        (json!({"username": "good", "display_name": " "}), 422),
        (json!({"username": "good", "display_name": "a\u{0}b"}), 422),
        (json!({"username": "good", "display_name": "x".repeat(101)}), 422),
        (json!({"username": "good", "display_name": "x", "state": "active"}), 422),
        (json!({"username": "local", "display_name": "taken"}), 409),
        (json!({"username": "LOCAL", "display_name": "taken"}), 409),
    ] {
        let key = Uuid::now_v7().to_string();
        let refused = ask(
            &app,
            "POST",
            "/api/v1/people",
            &[("Idempotency-Key", &key)],
            Some(body.clone()),
        )
        .await;
        assert_eq!(refused.status.as_u16(), status, "{body}: {}", refused.body);
    }
    let good = Some(json!({"username": "good", "display_name": "x"}));
    assert_eq!(ask(&app, "POST", "/api/v1/people", &[], good).await.status, 400);
    for (body, status) in [
        (json!({"username": "a\u{0}b", "password": "x"}), 401),
        (json!({"username": "x".repeat(100_000), "password": "x"}), 401),
        (json!({"username": "local", "password": "x".repeat(100_000)}), 401),
        (json!({"username": "local"}), 422),
        (json!({"username": 7, "password": null}), 422),
        (json!([]), 422),
    ] {
        let refused = raw(&app, "POST", "/api/v1/session", &[], Some(body)).await;
        assert_eq!(refused.status.as_u16(), status, "{}", refused.body);
    }
    for uri in [
        "/api/v1/people/nonsense",
        "/api/v1/people?cursor=nonsense",
        "/api/v1/people?limit=0",
    ] {
        assert_eq!(ask(&app, "GET", uri, &[], None).await.status, 400, "{uri}");
    }
    assert_eq!(
        ask(&app, "GET", &format!("/api/v1/people/{}", Uuid::now_v7()), &[], None)
            .await
            .status,
        404
    );
    assert_eq!(entries().await, before);
    // Script and SQL in a name that others see are words like others.
    let name = "<img src=x onerror=alert(1)> '; drop table person; --";
    let body = Some(json!({"username": "bobby", "display_name": name}));
    let made = ask(&app, "POST", "/api/v1/people", &[("Idempotency-Key", "b")], body).await;
    let read = ask(&app, "GET", &made.location.unwrap(), &[], None).await;
    assert_eq!(read.body["display_name"], name);
    // Page by page.
    let first = ask(&app, "GET", "/api/v1/people?limit=1", &[], None).await;
    let second = ask(&app, "GET", first.body["next"].as_str().unwrap(), &[], None).await;
    assert_eq!(first.body["items"][0]["username"], "bobby");
    assert_eq!(second.body["items"][0]["username"], "local");
    assert_eq!(second.body["next"], Value::Null);
}

async fn events_of(app: &Router, query: &str) -> Vec<Value> {
    let listed = ask(app, "GET", &format!("/api/v1/sign-ins{query}"), &[], None).await;
    assert_eq!(listed.status, StatusCode::OK, "{}", listed.body);
    listed.body["items"].as_array().unwrap().clone()
}

/// What of an event says what happened.
fn told(event: &Value) -> (&str, &str, &str) {
    let text = |name: &str| event[name].as_str().unwrap_or_default();
    (text("kind"), text("why"), text("username"))
}

#[sqlx::test(migrations = "../migrations")]
async fn who_comes_in_is_refused_and_leaves_is_kept_and_the_ledger_vouches_for_it(pool: PgPool) {
    let (app, state) = app(&pool).await;
    settled(&app, "wang.fang").await;
    let before = events_of(&app, "").await.len();
    assert_eq!(sign_in(&app, "wang.fang", "wrong wrong wrong", &[]).await.status, 401);
    let secret = sign_in(&app, "wang.fang", PASSWORD, &[]).await.cookie();
    // Somebody types the password where the name belongs.
    for _ in 0..3 {
        assert_eq!(sign_in(&app, PASSWORD, PASSWORD, &[]).await.status, 401);
    }
    let own = with_cookie(&app, &secret, "GET", "/api/v1/session/sign-ins", None).await;
    assert_eq!(told(&own.body[0]), ("sign_in", "", "wang.fang"));
    assert_eq!(told(&own.body[1]), ("refused", "wrong_password", "wang.fang"));
    assert_eq!(
        with_cookie(&app, &secret, "GET", "/api/v1/sign-ins", None).await.status,
        403
    );
    with_cookie(&app, &secret, "DELETE", "/api/v1/session", None).await;
    let events = events_of(&app, "").await;
    assert_eq!(events.len(), before + 3, "{events:?}");
    assert_eq!(told(&events[0]), ("sign_out", "", "wang.fang"));
    assert_eq!(
        (&events[1]["by"], &events[1]["address"]),
        (&json!("password"), &json!("unknown"))
    );
    assert!(events.iter().all(|event| event["is_vouched_for"] == false));
    for table in ["sign_in_event", "unknown_name_attempt"] {
        let leaked: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "select count(*) from {table} e where e::text like '%' || $1 || '%'"
        )))
        .bind(PASSWORD)
        .fetch_one(&pool)
        .await
        .unwrap();
        assert_eq!(leaked, 0, "{table}");
    }

    // A quarter of an hour later what was counted is over, and the ledger is told once of it all.
    state.clock.advance(Duration::minutes(31));
    let vouched = super::vouch_for_sign_ins(&state.database, &state.clock).await.unwrap();
    assert_eq!(usize::try_from(vouched).unwrap(), before + 4);
    assert_eq!(
        super::vouch_for_sign_ins(&state.database, &state.clock).await.unwrap(),
        0
    );
    let events = events_of(&app, "").await;
    assert_eq!(
        (told(&events[0]), &events[0]["attempts"]),
        (("unknown_names", "", ""), &json!(3))
    );
    assert!(events.iter().all(|event| event["is_vouched_for"] == true));
    let entries: Vec<(String, Value)> =
        sqlx::query_as("select actor, after::jsonb from ledger_entry where object_kind = 'sign_in_batch'")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (entries[0].0.as_str(), &entries[0].1["events"]),
        ("system:sign-ins", &json!(vouched))
    );
    let verified = super::verify_sign_ins(&state.database).await.unwrap();
    assert_eq!(
        (verified.events, verified.pending, verified.bad.len()),
        (vouched, 0, 0),
        "{verified:?}"
    );

    // Nobody alters it by the door, and whoever has the database is found out.
    for statement in [
        "update sign_in_event set username = 'li.na'",
        "update sign_in_event set batch_id = null",
        "delete from sign_in_event",
        "truncate sign_in_event",
    ] {
        for (who, pool) in [("owner", &pool), ("program", state.database.pool())] {
            assert!(
                sqlx::query(statement).execute(pool).await.is_err(),
                "{statement} by the {who}"
            );
        }
    }
    for statement in [
        "update sign_in_event set username = 'li.na' where kind = 'sign_in'",
        "delete from sign_in_event where kind = 'refused'",
        "update sign_in_event set batch_id = gen_random_uuid() where kind = 'sign_out'",
    ] {
        let mut connection = pool.acquire().await.unwrap();
        sqlx::query("set session_replication_role = replica")
            .execute(&mut *connection)
            .await
            .unwrap();
        sqlx::query("begin").execute(&mut *connection).await.unwrap();
        assert!(
            sqlx::query(statement)
                .execute(&mut *connection)
                .await
                .unwrap()
                .rows_affected()
                > 0,
            "{statement}"
        );
        sqlx::query("commit").execute(&mut *connection).await.unwrap();
        sqlx::query("reset session_replication_role")
            .execute(&mut *connection)
            .await
            .unwrap();
        let verified = super::verify_sign_ins(&state.database).await.unwrap();
        assert!(!verified.bad.is_empty(), "{statement}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn attempts_under_names_that_are_nobodys_are_counted_and_not_listed(pool: PgPool) {
    let (app, state) = app(&pool).await;
    settled(&app, "wang.fang").await;
    let before = events_of(&app, "").await.len();
    for attempt in 0..80 {
        sign_in(&app, &format!("name-{attempt}"), "wrong wrong wrong", &[]).await;
    }
    // One event says that the address is locked; the rest is one row.
    let events = events_of(&app, "").await;
    assert_eq!(events.len(), before + 1);
    assert_eq!(told(&events[0]), ("locked", "address_locked", ""));
    let counted: Vec<i32> = sqlx::query_scalar("select attempts from unknown_name_attempt")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(counted.len(), 1, "{counted:?}");
    assert!(counted[0] < 80);
    state.clock.advance(Duration::minutes(16));
    for _ in 0..7 {
        sign_in(&app, "wang.fang", "wrong wrong wrong", &[]).await;
    }
    let events = events_of(&app, "?username=wang.fang").await;
    assert_eq!(told(&events[0]), ("locked", "account_locked", "wang.fang"));
    assert_eq!(events.iter().filter(|event| event["kind"] == "locked").count(), 1);
    assert_eq!(
        events.iter().filter(|event| event["why"] == "wrong_password").count(),
        5
    );
    // Page by page it is the same list.
    let (mut walked, mut next) = (
        Vec::new(),
        Some("/api/v1/sign-ins?username=wang.fang&limit=2".to_owned()),
    );
    while let Some(address) = next {
        let page = ask(&app, "GET", &address, &[], None).await.body;
        walked.extend(page["items"].as_array().unwrap().clone());
        next = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(walked, events);
}
