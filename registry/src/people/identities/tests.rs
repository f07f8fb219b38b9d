//! What needs no provider: links, accounts without a password, and everything that is refused before one is asked. The
//! whole way is driven by `tests/page/specs/oidc.test.mjs` against a provider.

use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Duration;

use super::callback::{Found, link_by_name, linked};
use super::provider::Told;
use super::{Provider, link, unlink};
use crate::http::AppState;
use crate::ids::PersonId;
use crate::people::permissions::Role;
use crate::people::session::open_session;
use crate::people::tests::{Raw, person_with, raw, sign_in, whole_person, with_cookie};
use crate::people::{People, PeopleSettings, secret};
use crate::request::{Actor, OpenedBy};
use crate::settings::OidcSettings;
use crate::spatial_units::tests::{app, ask, signed_in};

/// Nobody listens on port 1.
const ISSUER: &str = "http://127.0.0.1:1";

fn settings(more: Value) -> OidcSettings {
    let mut settings =
        json!({"issuer": ISSUER, "client_id": "yice", "client_secret": "hush", "public_url": "http://127.0.0.1:8080"});
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    serde_json::from_value(settings).unwrap()
}

/// A registry with a provider set that is away.
async fn with_provider(pool: &PgPool, more: Value) -> (Router, AppState) {
    let (_, state) = app(pool).await;
    let people = People::new(PeopleSettings {
        provider: Some(Arc::new(Provider::new(settings(more)).unwrap())),
        ..Default::default()
    });
    let state = AppState { people, ..state };
    let token = whole_person(pool).await;
    (signed_in(crate::http::router(state.clone()), token), state)
}

async fn id_of(pool: &PgPool, username: &str) -> PersonId {
    PersonId(
        sqlx::query_scalar("select id from person where username = $1")
            .bind(username)
            .fetch_one(pool)
            .await
            .unwrap(),
    )
}

fn coded(answer: &Raw) -> (u16, &str) {
    (answer.status.as_u16(), answer.body["code"].as_str().unwrap_or_default())
}

#[sqlx::test(migrations = "../migrations")]
async fn without_a_provider_there_is_one_way_in(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let ways = raw(&app, "GET", "/api/v1/session/ways", &[], None).await;
    assert_eq!(ways.body, json!({"password": true, "provider": null}));
    for path in ["/api/v1/session/oidc", "/api/v1/session/oidc/callback?code=x&state=y"] {
        let answer = raw(&app, "GET", path, &[], None).await;
        assert_eq!(coded(&answer), (404, "oidc_off"), "{path}");
    }
    let body = json!({"username": "wang.fang", "display_name": "王芳", "subject": "42"});
    let made = ask(&app, "POST", "/api/v1/people", &[("Idempotency-Key", "a")], Some(body)).await;
    assert_eq!((made.status.as_u16(), &made.body["code"]), (404, &json!("oidc_off")));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_provider_that_is_away_is_a_clear_problem_and_leaves_nothing_behind(pool: PgPool) {
    let (app, _) = with_provider(&pool, json!({"label_zh": "粤政易登录"})).await;
    let ways = raw(&app, "GET", "/api/v1/session/ways", &[], None).await;
    assert_eq!(ways.body["provider"]["label_zh"], "粤政易登录");
    assert_eq!(ways.body["provider"]["address"], "/api/v1/session/oidc");
    let begun = raw(&app, "GET", "/api/v1/session/oidc", &[], None).await;
    assert_eq!(coded(&begun), (503, "provider_unavailable"));
    assert!(begun.headers.contains_key(header::RETRY_AFTER));
    // A browser is led back to the page, which says it in words.
    for (asked, to) in [
        (
            "/?lang=zh&panel=layers",
            "/?lang=zh&panel=layers#refused=provider_unavailable",
        ),
        ("//evil.example/", "/#refused=provider_unavailable"),
    ] {
        let asked = asked.replace('&', "%26").replace('?', "%3F");
        let path = format!("/api/v1/session/oidc?return_to={asked}");
        let led = raw(&app, "GET", &path, &[("accept", "text/html,*/*;q=0.8")], None).await;
        assert_eq!(led.status, StatusCode::SEE_OTHER);
        assert_eq!(led.headers[header::LOCATION], to);
    }
    let kept: i64 = sqlx::query_scalar("select count(*) from identity_sign_in")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(kept, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_sign_in_is_used_once_in_time_and_by_the_browser_that_began_it(pool: PgPool) {
    let (app, state) = with_provider(&pool, json!({})).await;
    let begin = async |name: &str| {
        let (state_sha256, browser) = (secret::sha256(name), secret::fresh().unwrap());
        sqlx::query(
            "insert into identity_sign_in (state_sha256, browser_sha256, nonce, pkce_verifier, return_to, expires_at)
             values ($1, $2, 'n', 'v', '/?lang=zh', $3)",
        )
        .bind(&state_sha256[..])
        .bind(&secret::sha256(&browser)[..])
        .bind(state.clock.now() + super::LIFE)
        .execute(&pool)
        .await
        .unwrap();
        format!("{}={browser}", super::cookie_name(&state_sha256))
    };
    let back = async |query: &str, cookie: &str| {
        let path = format!("/api/v1/session/oidc/callback?{query}");
        raw(&app, "GET", &path, &[("cookie", cookie)], None).await
    };
    let unknown = (401, "sign_in_unknown");
    let (one, two) = (begin("one").await, begin("two").await);
    assert_eq!(coded(&back("code=x", &one).await), unknown);
    assert_eq!(coded(&back("code=x&state=three", &one).await), unknown);
    // Another browser's, with its own cookie or none.
    assert_eq!(coded(&back("code=x&state=one", &two).await), unknown);
    assert_eq!(coded(&back("code=x&state=one", "").await), unknown);
    // The provider said no; that is an end, too.
    let refused = back("error=access_denied&state=one", &one).await;
    assert_eq!(coded(&refused), (401, "provider_refused"));
    assert!(
        refused.headers[header::SET_COOKIE]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    assert_eq!(coded(&back("error=access_denied&state=one", &one).await), unknown);
    assert_eq!(
        coded(&back("code=x&state=two&iss=https%3A%2F%2Fevil.example", &two).await),
        unknown
    );
    // In time the provider is asked, and it is away.
    let three = begin("three").await;
    assert_eq!(
        coded(&back("code=x&state=three", &three).await),
        (503, "provider_unavailable")
    );
    let four = begin("four").await;
    state.clock.advance(Duration::minutes(10));
    assert_eq!(coded(&back("code=x&state=four", &four).await), unknown);
    let sessions: i64 = sqlx::query_scalar("select count(*) from person_session")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(sessions, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_fills_the_table_of_sign_ins_under_way(pool: PgPool) {
    let (app, state) = with_provider(&pool, json!({})).await;
    for _ in 0..200 {
        let begun = raw(&app, "GET", "/api/v1/session/oidc", &[], None).await;
        assert_eq!(begun.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    let begun = raw(&app, "GET", "/api/v1/session/oidc", &[], None).await;
    assert_eq!(coded(&begun), (429, "address_locked"));
    // It has nothing to do with passwords, whose own count stands.
    assert_eq!(coded(&sign_in(&app, "nobody", "not the password", &[]).await).0, 401);
    state.clock.advance(Duration::minutes(16));
    let begun = raw(&app, "GET", "/api/v1/session/oidc", &[], None).await;
    assert_eq!(begun.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_administrator_links_and_unlinks_and_the_ledger_says_so(pool: PgPool) {
    let (app, state) = with_provider(&pool, json!({})).await;
    let body = json!({"username": "wang.fang", "display_name": "王芳", "subject": "f:1:42"});
    let made = ask(&app, "POST", "/api/v1/people", &[("Idempotency-Key", "a")], Some(body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    // Who is linked has no password, and is given none.
    assert_eq!(made.body["initial_password"], Value::Null);
    let wang = made.body["id"].as_str().unwrap().to_owned();
    let person = async |id: &str| ask(&app, "GET", &format!("/api/v1/people/{id}"), &[], None).await.body;
    let seen = person(&wang).await;
    assert_eq!(
        (
            &seen["has_password"],
            &seen["must_change_password"],
            &seen["identities"][0]["subject"]
        ),
        (&json!(false), &json!(false), &json!("f:1:42"))
    );
    let link_to = async |id: &str, key: &str, subject: &str| {
        let body = json!({"subject": subject, "reason": "调入"});
        let path = format!("/api/v1/people/{id}/identities");
        ask(&app, "POST", &path, &[("Idempotency-Key", key)], Some(body)).await
    };
    person_with(&pool, "li.na", &[], "all").await;
    let li = id_of(&pool, "li.na").await.to_string();
    let clash = link_to(&li, "b", "f:1:42").await;
    assert_eq!(
        (clash.status.as_u16(), &clash.body["code"]),
        (409, &json!("person_identity_one_person"))
    );
    let clash = link_to(&wang, "c", "43").await;
    assert_eq!(
        (clash.status.as_u16(), &clash.body["code"]),
        (409, &json!("person_identity_one_subject"))
    );
    for wrong in ["", "  ", "王芳", "a\nb", &"x".repeat(256)] {
        assert_eq!(
            link_to(&li, "wrong", wrong).await.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{wrong:?}"
        );
    }

    // A session that came by the link ends with it; one that came by a password would not.
    let now = state.clock.now();
    let mut connection = pool.acquire().await.unwrap();
    let id = id_of(&pool, "wang.fang").await;
    let by_identity = open_session(&mut connection, &state.people, id.0, OpenedBy::Identity, now)
        .await
        .unwrap();
    let by_password = open_session(&mut connection, &state.people, id.0, OpenedBy::Password, now)
        .await
        .unwrap();
    let session = with_cookie(&app, &by_identity, "GET", "/api/v1/session", None).await;
    assert_eq!(session.body["opened_by"], "identity");
    let identity = seen["identities"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/people/{wang}/identities/{identity}");
    assert_eq!(
        ask(&app, "DELETE", &path, &[], None).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        ask(&app, "DELETE", &path, &[], None).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        with_cookie(&app, &by_identity, "GET", "/api/v1/session", None)
            .await
            .status,
        401
    );
    assert_eq!(
        with_cookie(&app, &by_password, "GET", "/api/v1/session", None)
            .await
            .status,
        200
    );
    // The subject is free for another.
    assert_eq!(link_to(&li, "d", "f:1:42").await.status, StatusCode::CREATED);

    let entries: Vec<(Option<Value>, Option<Value>, Option<String>)> = sqlx::query_as(
        "select before, after, reason from ledger_entry where object_id = $1 or object_id = $2 order by id",
    )
    .bind(id.0)
    .bind(id_of(&pool, "li.na").await.0)
    .fetch_all(&pool)
    .await
    .unwrap();
    let identity = json!({"identity": {"issuer": ISSUER, "subject": "f:1:42"}});
    let none = json!({"identity": null});
    assert_eq!(entries.len(), 4, "{entries:?}");
    assert_eq!(
        (entries[1].0.as_ref(), entries[1].1.as_ref()),
        (Some(&none), Some(&identity))
    );
    assert_eq!(
        (entries[2].0.as_ref(), entries[2].1.as_ref()),
        (Some(&identity), Some(&none))
    );
    assert_eq!(
        (entries[3].1.as_ref(), entries[3].2.as_deref()),
        (Some(&identity), Some("调入"))
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn who_has_no_password_is_never_asked_to_change_one(pool: PgPool) {
    let (app, state) = with_provider(&pool, json!({})).await;
    person_with(&pool, "wang.fang", &[Role::Viewer], "all").await;
    let id = id_of(&pool, "wang.fang").await;
    // Even where an administrator set one meanwhile.
    sqlx::query("update person set must_change_password = true where id = $1")
        .bind(id.0)
        .execute(&pool)
        .await
        .unwrap();
    let mut connection = pool.acquire().await.unwrap();
    let now = state.clock.now();
    let secret = open_session(&mut connection, &state.people, id.0, OpenedBy::Identity, now)
        .await
        .unwrap();
    let session = with_cookie(&app, &secret, "GET", "/api/v1/session", None).await;
    assert_eq!(
        (session.status.as_u16(), &session.body["must_change_password"]),
        (200, &json!(false))
    );
    assert_eq!(
        with_cookie(&app, &secret, "GET", "/api/v1/regions", None).await.status,
        200
    );
    let change = json!({"current_password": "", "new_password": "三年行动方案提质增效"});
    let refused = with_cookie(&app, &secret, "PUT", "/api/v1/session/password", Some(change)).await;
    assert_eq!(coded(&refused), (409, "no_password"));
    // Nor is there any password that would open the account.
    for guess in ["", "wang.fang", "$argon2id$"] {
        assert_eq!(
            coded(&sign_in(&app, "wang.fang", guess, &[]).await),
            (401, "wrong_credentials")
        );
    }
    let secret = open_session(&mut connection, &state.people, id.0, OpenedBy::Password, now)
        .await
        .unwrap();
    let session = with_cookie(&app, &secret, "GET", "/api/v1/session", None).await;
    assert_eq!(session.body["must_change_password"], true);
}

#[sqlx::test(migrations = "../migrations")]
async fn passwords_can_be_switched_off_and_tokens_stay(pool: PgPool) {
    let (app, _) = with_provider(&pool, json!({"password_sign_in": false})).await;
    assert_eq!(
        raw(&app, "GET", "/api/v1/session/ways", &[], None).await.body["password"],
        false
    );
    let refused = sign_in(&app, "local", "anything", &[]).await;
    assert_eq!(coded(&refused), (403, "password_sign_in_off"));
    assert_eq!(
        ask(&app, "GET", "/api/v1/people", &[], None).await.status,
        StatusCode::OK
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_name_links_no_administrator_and_nobody_whose_link_was_taken_away(pool: PgPool) {
    let (_, state) = with_provider(&pool, json!({"link_by_name": true})).await;
    let settings = settings(json!({"link_by_name": true}));
    let actor = Actor("test".to_owned());
    let now = state.clock.now();
    for (name, roles) in [
        ("wang.fang", &[Role::Viewer][..]),
        ("keeper", &[Role::Administrator]),
        ("off", &[]),
        ("demo", &[]),
        ("left", &[]),
    ] {
        person_with(&pool, name, roles, "all").await;
    }
    sqlx::query("update person set state = 'disabled' where username = 'off'")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query("update person set is_demo = true where username = 'demo'")
        .execute(&pool)
        .await
        .unwrap();
    let mut transaction = state.database.begin().await.unwrap();
    let left = id_of(&pool, "left").await;
    link(&mut transaction, &actor, left, ISSUER, "90", now).await.unwrap();
    assert!(unlink(&mut transaction, &actor, left, ISSUER, now).await.unwrap());
    let told = |subject: &str, name: Option<&str>| Told {
        subject: subject.to_owned(),
        name: name.map(str::to_owned),
    };
    for name in [
        Some("keeper"),
        Some("off"),
        Some("demo"),
        Some("left"),
        Some("nobody"),
        None,
    ] {
        let found = link_by_name(&mut transaction, &settings, &told("1", name), now)
            .await
            .unwrap();
        assert_eq!(found, Found::Nobody, "{name:?}");
    }
    let wang = id_of(&pool, "wang.fang").await;
    let found = link_by_name(&mut transaction, &settings, &told("7", Some(" Wang.Fang")), now)
        .await
        .unwrap();
    assert_eq!(found, Found::Account(wang.0));
    assert_eq!(
        linked(&mut transaction, ISSUER, "7", now).await.unwrap(),
        Found::Account(wang.0)
    );
    // The name passes to somebody else at the provider: the account doesn't.
    let found = link_by_name(&mut transaction, &settings, &told("8", Some("wang.fang")), now)
        .await
        .unwrap();
    assert_eq!(found, Found::Nobody);
    // Another provider's subject is another person.
    assert_eq!(
        linked(&mut transaction, "http://127.0.0.1:2", "7", now).await.unwrap(),
        Found::Nobody
    );
    sqlx::query("update person set state = 'disabled' where id = $1")
        .bind(wang.0)
        .execute(&mut *transaction)
        .await
        .unwrap();
    assert_eq!(
        linked(&mut transaction, ISSUER, "7", now).await.unwrap(),
        Found::Disabled(wang.0)
    );
}
