//! Every address with everybody: what is refused, and that nothing is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::routing::get;
use sqlx::PgPool;

use super::*;
use crate::people::Role;
use crate::people::tests::person_with;
use crate::request::Permission::{
    AnswerInspections, ApplyForRepairs, ApprovePolicies, ApproveTitles, ConfirmMoney, Inspect, ProposePolicies,
    ReviewTitles, WorkOnCases,
};
use crate::spatial_units::tests::{app, ask_as, signed_in};

fn described() -> BTreeSet<(String, String)> {
    let document = crate::http::openapi();
    let mut operations = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            operations.insert((method.to_uppercase(), path.clone()));
        }
    }
    operations
}

#[test]
fn every_address_says_what_it_needs() {
    let declared: BTreeSet<(String, String)> = ROUTES
        .iter()
        .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    assert_eq!(declared.len(), ROUTES.len(), "an address stands in the table twice");
    let described = described();
    let forgotten: Vec<_> = described.difference(&declared).collect();
    assert!(forgotten.is_empty(), "not in the table: {forgotten:?}");
    // What is served without standing in the description: its own pages, OGC and styles.
    for (method, path) in declared.difference(&described) {
        let is_known = ["/docs", "/openapi.json", "/ogc", "/styles/"]
            .iter()
            .any(|first| path.starts_with(first));
        assert!(
            is_known && method == "GET",
            "in the table and not in the description: {method} {path}"
        );
    }
    let open: Vec<&str> = ROUTES
        .iter()
        .filter(|(_, _, need)| *need == Need::Nothing)
        .map(|(_, path, _)| *path)
        .collect();
    assert_eq!(
        open,
        [
            "/healthz",
            "/readyz",
            "/api/v1/session",
            "/api/v1/session/ways",
            "/api/v1/session/oidc",
            "/api/v1/session/oidc/callback",
            "/api/v1/first-administrator"
        ]
    );
}

/// Who may what, written down a second time and by the words of the field.
fn expected(permission: Permission) -> &'static [&'static str] {
    match permission {
        ReadRegistry => &[
            "asset_manager",
            "title_clerk",
            "title_reviewer",
            "planner",
            "approver",
            "unit_contact",
            "finance_reviewer",
            "surveyor",
            "auditor",
            "administrator",
            "viewer",
        ],
        ExportRegistry => &[
            "asset_manager",
            "title_clerk",
            "title_reviewer",
            "planner",
            "approver",
            "finance_reviewer",
            "surveyor",
            "auditor",
        ],
        EditAssets | ImportFiles => &["asset_manager"],
        EditDirectory => &["asset_manager", "administrator"],
        ReadImports => &[
            "asset_manager",
            "title_clerk",
            "title_reviewer",
            "surveyor",
            "auditor",
            "administrator",
        ],
        WorkOnTitles => &["title_clerk"],
        ReviewTitles => &["title_reviewer"],
        ApproveTitles => &["approver"],
        StepTitleCases => &["title_clerk", "title_reviewer", "approver"],
        WorkOnCases => &["asset_manager"],
        ProposePolicies => &["planner"],
        ApprovePolicies => &["approver"],
        ConfirmMoney => &["finance_reviewer"],
        ApplyForRepairs => &["unit_contact"],
        StepPolicyCases => &[
            "asset_manager",
            "title_clerk",
            "planner",
            "approver",
            "unit_contact",
            "finance_reviewer",
        ],
        TakeStock => &["asset_manager", "approver", "unit_contact"],
        KeepThresholds => &["administrator"],
        Inspect => &["asset_manager", "finance_reviewer"],
        AnswerInspections => &["asset_manager", "unit_contact"],
        StepInspections => &["asset_manager", "approver", "unit_contact", "finance_reviewer"],
        BringDocuments => &[
            "asset_manager",
            "title_clerk",
            "title_reviewer",
            "planner",
            "approver",
            "unit_contact",
            "finance_reviewer",
        ],
        KeepFilings => &["asset_manager", "unit_contact"],
        DecideFindings => &["asset_manager", "title_clerk", "title_reviewer", "approver"],
        ReadPeople => &["auditor", "administrator"],
        ManagePeople | ReadMetrics => &["administrator"],
    }
}

fn address(path: &str) -> String {
    path.replace("{layers}", "parcels")
        .replace("{layer}", "parcels")
        .replace("{collection}", "parcels")
        .replace("{set}", "WebMercatorQuad")
        .replace("{*rest}", "index.html")
        .replace("{id}", "018f0000-0000-7000-8000-000000000000")
        .replace(['{', '}'], "1")
}

#[sqlx::test(migrations = "../migrations")]
async fn every_address_refuses_whom_it_should_and_nobody_else(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let mut tokens = BTreeMap::new();
    for role in Role::ALL {
        let name = role.as_str();
        tokens.insert(name, person_with(&pool, name, &[*role], "all").await);
    }
    // Every role, but over one province; and an account without any.
    let part = person_with(&pool, "part", Role::ALL, "43").await;
    let nobody = person_with(&pool, "nobody", &[], "all").await;
    let mut faults = Vec::new();
    for (method, path, need) in ROUTES {
        let uri = address(path);
        let mut check = async |who: &str, token: Option<&str>, wanted: Option<(u16, &str)>| {
            let key = [("Idempotency-Key", who)];
            let answer = ask_as(&app, token, method, &uri, &key, None).await;
            let status = answer.status.as_u16();
            let is_right = match wanted {
                Some((wanted, code)) => status == wanted && (code.is_empty() || answer.body["code"] == code),
                // Past the door: what is said then is the handler's affair, except that it knows who asks.
                None => {
                    ![401, 405, 500].contains(&status)
                        && !["not_granted", "part_of_the_registry", "not_declared"]
                            .iter()
                            .any(|code| answer.body["code"] == *code)
                }
            };
            if !is_right {
                faults.push(format!("{who}: {method} {uri}: {status} {}", answer.body));
            }
        };
        if *need == Need::Nothing {
            continue;
        }
        check("anonymous", None, Some((401, ""))).await;
        check(
            "forged",
            Some("yice_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            Some((401, "token_unknown")),
        )
        .await;
        let (without, partly) = match need {
            Need::May(_) => (Some((403, "not_granted")), None),
            Need::Everywhere(_) => (Some((403, "not_granted")), Some((403, "part_of_the_registry"))),
            _ => (None, None),
        };
        check("nobody", Some(&nobody), without).await;
        check("part", Some(&part), partly).await;
        for (role, token) in &tokens {
            let may = match need {
                Need::May(permission) | Need::Everywhere(permission) => expected(*permission).contains(role),
                _ => true,
            };
            check(role, Some(token), (!may).then_some((403, "not_granted"))).await;
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_route_that_says_nothing_is_refused_to_everybody(pool: PgPool) {
    let (_, state) = app(&pool).await;
    let token = crate::people::tests::whole_person(&pool).await;
    let forgotten = Router::new()
        .route("/api/v1/forgotten", get(async || "everything"))
        .layer(axum::middleware::from_fn_with_state(state, decide));
    let forgotten = signed_in(forgotten, token);
    let refused = ask_as(&forgotten, None, "GET", "/api/v1/forgotten", &[], None).await;
    assert_eq!(refused.status, 401);
    let refused = crate::spatial_units::tests::ask(&forgotten, "GET", "/api/v1/forgotten", &[], None).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["code"]),
        (403, &serde_json::json!("not_declared"))
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn anonymous_callers_learn_no_methods_and_see_the_page_alone(pool: PgPool) {
    let (app, _) = app(&pool).await;
    for (method, uri, status) in [
        ("DELETE", "/api/v1/units", 401),
        ("BREW", "/ogc", 401),
        ("OPTIONS", "/api/v1/people", 401),
        ("POST", "/healthz", 405),
        ("GET", "/api/v1/first-administrator", 405),
        ("HEAD", "/api/v1/units", 401),
        ("HEAD", "/healthz", 200),
        ("GET", "/api/v1/rivers", 401),
        ("GET", "/api/v2/units", 404),
    ] {
        let answer = ask_as(&app, None, method, uri, &[], None).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {uri}: {}", answer.body);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_counters_are_open_to_this_machine_where_that_is_set(pool: PgPool) {
    let (closed, state) = app(&pool).await;
    let open = super::super::router(AppState {
        access: AccessSettings {
            metrics_on_loopback: true,
            ..AccessSettings::default()
        },
        ..state
    });
    let from = async |app: &Router, address: &str| {
        let mut request = Request::builder()
            .uri("/metrics")
            .header(header::HOST, "127.0.0.1")
            .header(crate::spatial_units::tests::ANONYMOUS, "yes")
            .body(axum::body::Body::empty())
            .unwrap();
        let address: SocketAddr = address.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(address));
        tower::ServiceExt::oneshot(app.clone(), request)
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(from(&open, "127.0.0.1:5000").await, 200);
    assert_eq!(from(&open, "[::1]:5000").await, 200);
    assert_eq!(from(&open, "10.0.0.7:5000").await, 401);
    assert_eq!(from(&closed, "127.0.0.1:5000").await, 401);
}
