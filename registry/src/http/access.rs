//! Who may ask for what: the one place that decides, before any handler runs.
//!
//! Every route stands in the table with what it needs. One that doesn't is refused, whoever asks.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::AppState;
use crate::request::Permission::{
    ApprovePolicies, BringDocuments, ConfirmMoney, DecideFindings, EditAssets, EditDirectory, ExportRegistry,
    ImportFiles, KeepFilings, KeepThresholds, ManagePeople, ReadImports, ReadMetrics, ReadPeople, ReadRegistry,
    StepInspections, StepPolicyCases, StepTitleCases, TakeStock, WorkOnTitles,
};
use crate::request::{Acting, Caller, Permission, Problem, ProblemKind};

#[cfg(test)]
mod matrix;
#[cfg(test)]
mod tests;

/// From where the server may be asked.
#[derive(Debug, Clone, Default)]
pub struct AccessSettings {
    /// Names and addresses, beside those of this machine, under which it may be asked.
    pub hosts: Vec<String>,
    /// The counters are read from this machine without signing in.
    pub metrics_on_loopback: bool,
}

/// What a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing: whoever asks.
    Nothing,
    /// Somebody signed in, be it with a password that is to be changed first.
    Myself,
    /// Somebody signed in.
    Account,
    /// A permission, be it for a part of the registry: the handler sees and writes that part alone.
    May(Permission),
    /// A permission over the whole registry: what is done there is about all of it.
    Everywhere(Permission),
}

use Need::{Account, Everywhere, May, Myself, Nothing};

const READ: Need = May(ReadRegistry);
const EXPORT: Need = May(ExportRegistry);

/// Every route there is: its methods (`GET` stands for `HEAD` as well), its path, and what it needs.
pub(super) const ROUTES: &[(&str, &str, Need)] = &[
    ("GET", "/healthz", Nothing),
    ("GET", "/readyz", Nothing),
    ("GET", "/metrics", Everywhere(ReadMetrics)),
    ("GET", "/openapi.json", Account),
    ("GET", "/docs", Account),
    ("GET", "/docs/", Account),
    ("GET", "/docs/{*rest}", Account),
    // Signing in.
    ("POST", "/api/v1/session", Nothing),
    ("GET", "/api/v1/session", Myself),
    ("DELETE", "/api/v1/session", Myself),
    ("PUT", "/api/v1/session/password", Myself),
    ("GET", "/api/v1/session/ways", Nothing),
    // The way to the provider and back: who comes shows themselves there.
    ("GET", "/api/v1/session/oidc", Nothing),
    ("GET", "/api/v1/session/oidc/callback", Nothing),
    // Its link is its own proof.
    ("POST", "/api/v1/first-administrator", Nothing),
    ("GET", "/api/v1/session/tokens", Account),
    ("POST", "/api/v1/session/tokens", Account),
    ("DELETE", "/api/v1/session/tokens/{id}", Account),
    ("GET", "/api/v1/session/sign-ins", Account),
    ("GET", "/api/v1/roles", Account),
    // Accounts and grants.
    ("GET", "/api/v1/people", Everywhere(ReadPeople)),
    ("POST", "/api/v1/people", Everywhere(ManagePeople)),
    ("GET", "/api/v1/people/{id}", Everywhere(ReadPeople)),
    ("PATCH", "/api/v1/people/{id}", Everywhere(ManagePeople)),
    ("POST", "/api/v1/people/{id}/password-resets", Everywhere(ManagePeople)),
    ("GET", "/api/v1/people/{id}/tokens", Everywhere(ReadPeople)),
    ("DELETE", "/api/v1/people/{id}/tokens/{token}", Everywhere(ManagePeople)),
    ("POST", "/api/v1/people/{id}/grants", Everywhere(ManagePeople)),
    ("DELETE", "/api/v1/people/{id}/grants/{grant}", Everywhere(ManagePeople)),
    ("POST", "/api/v1/people/{id}/identities", Everywhere(ManagePeople)),
    (
        "DELETE",
        "/api/v1/people/{id}/identities/{identity}",
        Everywhere(ManagePeople),
    ),
    ("GET", "/api/v1/sign-ins", Everywhere(ReadPeople)),
    ("GET", "/api/v1/restricted-reads", Everywhere(ReadPeople)),
    // Places and organisations.
    ("GET", "/api/v1/regions", READ),
    ("POST", "/api/v1/regions", Everywhere(EditDirectory)),
    ("GET", "/api/v1/regions/{id}", READ),
    ("PATCH", "/api/v1/regions/{id}", Everywhere(EditDirectory)),
    ("GET", "/api/v1/regions/{id}/versions", READ),
    ("POST", "/api/v1/regions/{id}/closures", Everywhere(EditDirectory)),
    ("GET", "/api/v1/regions/export", EXPORT),
    ("GET", "/api/v1/units", READ),
    ("POST", "/api/v1/units", Everywhere(EditDirectory)),
    ("GET", "/api/v1/units/{id}", READ),
    ("PATCH", "/api/v1/units/{id}", Everywhere(EditDirectory)),
    ("GET", "/api/v1/units/{id}/versions", READ),
    ("POST", "/api/v1/units/{id}/closures", Everywhere(EditDirectory)),
    ("GET", "/api/v1/units/export", EXPORT),
    // What is held.
    ("GET", "/api/v1/rooms", READ),
    ("POST", "/api/v1/rooms", May(EditAssets)),
    ("GET", "/api/v1/rooms/{id}", READ),
    ("PATCH", "/api/v1/rooms/{id}", May(EditAssets)),
    ("GET", "/api/v1/rooms/{id}/versions", READ),
    ("POST", "/api/v1/rooms/{id}/closures", May(EditAssets)),
    ("GET", "/api/v1/rooms/export", EXPORT),
    ("GET", "/api/v1/occupants", READ),
    ("POST", "/api/v1/occupants", May(EditAssets)),
    ("GET", "/api/v1/occupants/{id}", READ),
    ("PATCH", "/api/v1/occupants/{id}", May(EditAssets)),
    ("GET", "/api/v1/occupants/{id}/versions", READ),
    ("POST", "/api/v1/occupants/{id}/closures", May(EditAssets)),
    // A calculation stores nothing.
    ("POST", "/api/v1/space-calculations", READ),
    ("GET", "/api/v1/space-standard", READ),
    ("GET", "/api/v1/units/{id}/entitlement", READ),
    ("GET", "/api/v1/rooms/{id}/entitlement", READ),
    ("GET", "/api/v1/rights/export", EXPORT),
    ("GET", "/api/v1/{layer}", READ),
    ("POST", "/api/v1/{layer}", May(EditAssets)),
    ("GET", "/api/v1/{layer}/{id}", READ),
    ("PATCH", "/api/v1/{layer}/{id}", May(EditAssets)),
    ("GET", "/api/v1/{layer}/{id}/versions", READ),
    ("POST", "/api/v1/{layer}/{id}/closures", May(EditAssets)),
    ("POST", "/api/v1/{layer}/{id}/relations", May(EditAssets)),
    ("POST", "/api/v1/{layer}/{id}/relations/closures", May(EditAssets)),
    ("GET", "/api/v1/{layer}/{id}/rights", READ),
    // What became of what; a preview stores nothing.
    ("GET", "/api/v1/successions", READ),
    ("POST", "/api/v1/successions", May(EditAssets)),
    ("POST", "/api/v1/succession-previews", READ),
    ("GET", "/api/v1/{layer}/export", EXPORT),
    // How it is used.
    ("GET", "/api/v1/units/{id}/occupancy", READ),
    ("GET", "/api/v1/regions/{id}/occupancy", READ),
    ("GET", "/api/v1/{layer}/{id}/occupancy", READ),
    ("GET", "/api/v1/utilisation", READ),
    ("GET", "/api/v1/units/{id}/utilisation", READ),
    ("GET", "/api/v1/regions/{id}/utilisation", READ),
    ("GET", "/api/v1/{layer}/{id}/utilisation", READ),
    ("GET", "/api/v1/{layer}/{id}/idle-proposal", READ),
    ("GET", "/api/v1/idle-space", READ),
    ("GET", "/api/v1/idle-space/export", EXPORT),
    ("GET", "/api/v1/idle-records", READ),
    ("POST", "/api/v1/idle-records", May(EditAssets)),
    ("GET", "/api/v1/idle-records/{id}", READ),
    ("GET", "/api/v1/idle-records/{id}/versions", READ),
    ("POST", "/api/v1/idle-records/{id}/closures", May(EditAssets)),
    // Leases, their rent, and what of it is waived.
    ("GET", "/api/v1/leases", READ),
    ("POST", "/api/v1/leases", May(EditAssets)),
    ("GET", "/api/v1/leases/export", EXPORT),
    ("GET", "/api/v1/lease-totals", READ),
    ("GET", "/api/v1/leases/{id}", READ),
    ("PATCH", "/api/v1/leases/{id}", May(EditAssets)),
    ("GET", "/api/v1/leases/{id}/versions", READ),
    ("POST", "/api/v1/leases/{id}/closures", May(EditAssets)),
    ("GET", "/api/v1/leases/{id}/account", READ),
    ("POST", "/api/v1/leases/{id}/movements", May(ConfirmMoney)),
    (
        "POST",
        "/api/v1/leases/{id}/movements/{movement}/reversals",
        May(ConfirmMoney),
    ),
    // Homes for staff, and who lives in them.
    ("GET", "/api/v1/homes", READ),
    ("GET", "/api/v1/housing-tenancies", READ),
    ("POST", "/api/v1/housing-tenancies", May(EditAssets)),
    ("GET", "/api/v1/housing-tenancies/{id}", READ),
    ("PATCH", "/api/v1/housing-tenancies/{id}", May(EditAssets)),
    ("GET", "/api/v1/housing-tenancies/{id}/versions", READ),
    ("POST", "/api/v1/housing-tenancies/{id}/exits", May(EditAssets)),
    ("GET", "/api/v1/relief-policies", READ),
    ("POST", "/api/v1/relief-policies", Everywhere(EditAssets)),
    ("GET", "/api/v1/relief-policies/{id}", READ),
    ("GET", "/api/v1/relief-policies/{id}/candidates", READ),
    ("GET", "/api/v1/relief-policies/{id}/reliefs", READ),
    ("POST", "/api/v1/relief-policies/{id}/reliefs", May(EditAssets)),
    ("POST", "/api/v1/relief-policies/{id}/decisions", May(ApprovePolicies)),
    ("GET", "/api/v1/search", READ),
    ("GET", "/api/v1/totals", READ),
    ("GET", "/api/v1/map", READ),
    // Entries about people are left out of it for whoever may not see people.
    ("GET", "/api/v1/ledger", READ),
    ("GET", "/api/v1/ledger/head", READ),
    ("GET", "/api/v1/ledger/{seq}/proof", READ),
    // What waits for whoever asks.
    ("GET", "/api/v1/tasks", READ),
    ("GET", "/api/v1/tasks/summary", READ),
    // Titles.
    ("GET", "/api/v1/dictionaries", READ),
    ("GET", "/api/v1/unit-codes/{code}", READ),
    ("GET", "/api/v1/titles", READ),
    ("POST", "/api/v1/titles", May(WorkOnTitles)),
    ("GET", "/api/v1/title-totals", READ),
    ("GET", "/api/v1/titles/{id}", READ),
    ("PATCH", "/api/v1/titles/{id}", May(WorkOnTitles)),
    ("GET", "/api/v1/titles/{id}/versions", READ),
    ("POST", "/api/v1/titles/{id}/closures", May(WorkOnTitles)),
    ("POST", "/api/v1/titles/{id}/encumbrances", May(WorkOnTitles)),
    ("POST", "/api/v1/encumbrances/{id}/closures", May(WorkOnTitles)),
    ("GET", "/api/v1/workflows/title_case", READ),
    ("GET", "/api/v1/title-cases", READ),
    ("POST", "/api/v1/title-cases", May(WorkOnTitles)),
    // Many at once; a preview stores nothing.
    ("POST", "/api/v1/title-case-previews", May(WorkOnTitles)),
    ("POST", "/api/v1/title-case-batches", May(WorkOnTitles)),
    ("GET", "/api/v1/title-cases/{id}", READ),
    ("PATCH", "/api/v1/title-cases/{id}", May(WorkOnTitles)),
    ("GET", "/api/v1/title-cases/{id}/versions", READ),
    // Whose a step is the procedure says, and the case asks.
    ("POST", "/api/v1/title-cases/{id}/transitions", May(StepTitleCases)),
    ("GET", "/api/v1/disposal-obstacles/{asset}", READ),
    // Policy cases: whose a step or a record is the procedure says, and the case asks.
    ("GET", "/api/v1/workflows/idle_disposal", READ),
    ("GET", "/api/v1/workflows/repair", READ),
    ("GET", "/api/v1/workflows/reassign", READ),
    ("GET", "/api/v1/workflows/swap_premises", READ),
    ("GET", "/api/v1/workflows/rent_in", READ),
    ("GET", "/api/v1/workflows/build", READ),
    ("GET", "/api/v1/workflows/leader_office", READ),
    ("GET", "/api/v1/workflows/hand_down", READ),
    ("GET", "/api/v1/workflows/turnover_housing", READ),
    ("GET", "/api/v1/policy-cases", READ),
    ("POST", "/api/v1/policy-cases", May(StepPolicyCases)),
    ("GET", "/api/v1/policy-cases/{id}", READ),
    ("GET", "/api/v1/policy-cases/{id}/versions", READ),
    ("GET", "/api/v1/policy-cases/{id}/movables.xlsx", EXPORT),
    ("POST", "/api/v1/policy-cases/{id}/records", May(StepPolicyCases)),
    ("POST", "/api/v1/policy-cases/{id}/transitions", May(StepPolicyCases)),
    // Inspections: whose a step is the procedure says, and the inspection asks.
    ("GET", "/api/v1/workflows/inspection", READ),
    ("GET", "/api/v1/inspections", READ),
    ("POST", "/api/v1/inspections", May(StepInspections)),
    ("GET", "/api/v1/inspections/{id}", READ),
    ("GET", "/api/v1/inspections/{id}/versions", READ),
    ("GET", "/api/v1/inspections/{id}/indicators", READ),
    ("GET", "/api/v1/inspections/{id}/export", READ),
    ("POST", "/api/v1/inspections/{id}/samples", May(StepInspections)),
    ("POST", "/api/v1/inspections/{id}/records", May(StepInspections)),
    ("POST", "/api/v1/inspections/{id}/transitions", May(StepInspections)),
    ("POST", "/api/v1/inspections/{id}/findings", May(StepInspections)),
    ("GET", "/api/v1/inspection-findings", READ),
    ("GET", "/api/v1/inspection-findings/{id}", READ),
    ("POST", "/api/v1/inspection-findings/{id}/steps", May(StepInspections)),
    ("GET", "/api/v1/inspection-schemes", READ),
    ("POST", "/api/v1/inspection-schemes", Everywhere(KeepThresholds)),
    ("GET", "/api/v1/inspection-schemes/in-force", READ),
    ("GET", "/api/v1/inspection-schemes/{id}", READ),
    ("PATCH", "/api/v1/inspection-schemes/{id}", Everywhere(KeepThresholds)),
    (
        "POST",
        "/api/v1/inspection-schemes/{id}/closures",
        Everywhere(KeepThresholds),
    ),
    ("GET", "/api/v1/calendar-notices", READ),
    ("POST", "/api/v1/calendar-notices", Everywhere(KeepThresholds)),
    ("GET", "/api/v1/calendar-notices/{id}", READ),
    ("PATCH", "/api/v1/calendar-notices/{id}", Everywhere(KeepThresholds)),
    (
        "POST",
        "/api/v1/calendar-notices/{id}/withdrawals",
        Everywhere(KeepThresholds),
    ),
    ("GET", "/api/v1/approval-thresholds", READ),
    ("POST", "/api/v1/approval-thresholds", Everywhere(KeepThresholds)),
    ("GET", "/api/v1/approval-thresholds/examples", READ),
    ("GET", "/api/v1/approval-thresholds/{id}", READ),
    ("PATCH", "/api/v1/approval-thresholds/{id}", Everywhere(KeepThresholds)),
    (
        "POST",
        "/api/v1/approval-thresholds/{id}/closures",
        Everywhere(KeepThresholds),
    ),
    ("GET", "/api/v1/use-agreements", READ),
    ("POST", "/api/v1/use-agreements", May(EditAssets)),
    ("GET", "/api/v1/use-agreements/{id}", READ),
    ("GET", "/api/v1/use-agreements/{id}/certificate", READ),
    ("GET", "/api/v1/use-agreements/{id}/versions", READ),
    ("POST", "/api/v1/use-agreements/{id}/steps", May(EditAssets)),
    ("GET", "/api/v1/meter-readings", READ),
    ("POST", "/api/v1/meter-readings", May(EditAssets)),
    // Stocktakings: whose a step or a record is the procedure says, and the stocktaking asks.
    ("GET", "/api/v1/workflows/stocktaking", READ),
    ("GET", "/api/v1/stocktakings", READ),
    ("POST", "/api/v1/stocktakings", May(TakeStock)),
    ("GET", "/api/v1/stocktakings/{id}", READ),
    ("GET", "/api/v1/stocktakings/{id}/versions", READ),
    ("POST", "/api/v1/stocktakings/{id}/transitions", May(TakeStock)),
    ("POST", "/api/v1/stocktakings/{id}/papers", May(TakeStock)),
    ("GET", "/api/v1/stocktakings/{id}/lines", READ),
    ("POST", "/api/v1/stocktakings/{id}/lines", May(TakeStock)),
    ("GET", "/api/v1/stocktakings/{id}/lines/{line}", READ),
    ("GET", "/api/v1/stocktakings/{id}/lines/{line}/versions", READ),
    ("POST", "/api/v1/stocktakings/{id}/lines/{line}/records", May(TakeStock)),
    ("POST", "/api/v1/stocktakings/{id}/confirmations", May(TakeStock)),
    ("GET", "/api/v1/stocktakings/{id}/report", READ),
    ("GET", "/api/v1/stocktakings/{id}/export", EXPORT),
    ("GET", "/api/v1/stocktakings/{id}/form.xlsx", May(TakeStock)),
    ("POST", "/api/v1/stocktakings/{id}/figures", May(TakeStock)),
    ("POST", "/api/v1/stocktakings/{id}/figures/marked", May(TakeStock)),
    ("GET", "/api/v1/owed-filings", READ),
    ("GET", "/api/v1/use-filings", READ),
    ("POST", "/api/v1/use-filings", May(KeepFilings)),
    ("GET", "/api/v1/use-filings/{id}", READ),
    ("PATCH", "/api/v1/use-filings/{id}", May(KeepFilings)),
    ("GET", "/api/v1/use-filings/{id}/versions", READ),
    ("POST", "/api/v1/use-filings/{id}/withdrawals", May(KeepFilings)),
    ("GET", "/api/v1/rule-parameters", READ),
    ("POST", "/api/v1/rule-parameters", Everywhere(KeepThresholds)),
    ("GET", "/api/v1/rule-parameters/{id}", READ),
    ("PATCH", "/api/v1/rule-parameters/{id}", Everywhere(KeepThresholds)),
    (
        "POST",
        "/api/v1/rule-parameters/{id}/closures",
        Everywhere(KeepThresholds),
    ),
    // Papers as files; whose each is its own handler asks.
    ("POST", "/api/v1/documents", May(BringDocuments)),
    ("GET", "/api/v1/documents/{id}", READ),
    ("GET", "/api/v1/documents/{id}/content", READ),
    // Checks.
    ("GET", "/api/v1/rules", READ),
    ("GET", "/api/v1/findings", READ),
    ("GET", "/api/v1/findings/{id}", READ),
    ("PATCH", "/api/v1/findings/{id}", May(DecideFindings)),
    ("GET", "/api/v1/checks", READ),
    ("POST", "/api/v1/checks", Everywhere(DecideFindings)),
    ("GET", "/api/v1/checks/{id}", READ),
    // Imports.
    ("GET", "/api/v1/imports", May(ReadImports)),
    ("POST", "/api/v1/imports", May(ImportFiles)),
    ("GET", "/api/v1/imports/{id}", May(ReadImports)),
    ("DELETE", "/api/v1/imports/{id}", May(ImportFiles)),
    ("GET", "/api/v1/imports/{id}/rows", May(ReadImports)),
    ("GET", "/api/v1/imports/{id}/report.csv", May(ReadImports)),
    ("GET", "/api/v1/imports/{id}/marked.xlsx", May(ReadImports)),
    ("GET", "/api/v1/imports/templates/{file}", May(ReadImports)),
    ("GET", "/api/v1/import-mappings/{layer}", May(ReadImports)),
    ("GET", "/api/v1/import-mappings/{layer}/{name}", May(ReadImports)),
    ("PUT", "/api/v1/import-mappings/{layer}/{name}", Everywhere(ImportFiles)),
    (
        "DELETE",
        "/api/v1/import-mappings/{layer}/{name}",
        Everywhere(ImportFiles),
    ),
    // Tiles.
    ("GET", "/tiles/{layers}", READ),
    ("GET", "/tiles/{layers}/{z}/{x}/{y}", READ),
    ("GET", "/styles/{name}", READ),
    // OGC API.
    ("GET", "/ogc", READ),
    ("GET", "/ogc/", READ),
    ("GET", "/ogc/conformance", READ),
    ("GET", "/ogc/api", READ),
    ("GET", "/ogc/collections", READ),
    ("GET", "/ogc/collections/{collection}", READ),
    ("GET", "/ogc/collections/{collection}/queryables", READ),
    ("GET", "/ogc/collections/{collection}/schema", READ),
    ("GET", "/ogc/collections/{collection}/items", READ),
    ("GET", "/ogc/collections/{collection}/items/{feature}", READ),
    ("GET", "/ogc/tileMatrixSets", READ),
    ("GET", "/ogc/tileMatrixSets/{set}", READ),
    ("GET", "/ogc/collections/{collection}/tiles", READ),
    ("GET", "/ogc/collections/{collection}/tiles/{set}", READ),
    (
        "GET",
        "/ogc/collections/{collection}/tiles/{set}/{matrix}/{row}/{column}",
        READ,
    ),
];

/// What a described operation needs. The description names a tile's file `{y}.mvt`, the table `{y}`.
pub(super) fn need_of(method: &Method, path: &str) -> Option<Need> {
    match declared(method, path.trim_end_matches(".mvt")) {
        Declared::Need(need) => Some(need),
        Declared::Methods(_) | Declared::Nothing => None,
    }
}

/// What the table says of a request.
enum Declared {
    /// Its need.
    Need(Need),
    /// Only other methods are offered there: these.
    Methods(String),
    /// Nothing.
    Nothing,
}

fn declared(method: &Method, path: &str) -> Declared {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    let mut methods = Vec::new();
    for (offered, at, need) in ROUTES {
        if *at != path {
            continue;
        }
        if *offered == method {
            return Declared::Need(*need);
        }
        methods.push(*offered);
        if *offered == "GET" {
            methods.push("HEAD");
        }
    }
    if methods.is_empty() {
        Declared::Nothing
    } else {
        Declared::Methods(methods.join(","))
    }
}

/// Lets a request through to its handler, with who asks, or refuses it.
pub(super) async fn decide(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let Some(path) = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned())
    else {
        // No route: the page's files, which hold nothing that is registered, or nothing at all.
        return next.run(request).await;
    };
    match judge(&state, &path, request).await {
        Ok(request) => next.run(request).await,
        Err(refused) => *refused,
    }
}

async fn judge(state: &AppState, path: &str, mut request: Request) -> Result<Request, Box<Response>> {
    let need = match declared(request.method(), path) {
        Declared::Need(Nothing) => return Ok(request),
        Declared::Need(need) => Some(need),
        Declared::Methods(methods) => {
            // Which methods there are is told to whoever is signed in, or where nobody needs to be.
            let is_open = ROUTES.iter().any(|(_, at, need)| *at == path && *need == Nothing);
            if !is_open {
                signed_in(state, path, request.headers()).await?;
            }
            let mut response = Problem::new(
                ProblemKind::MethodNotAllowed,
                "this method is not offered at this address",
            )
            .remedy("see /docs")
            .into_response();
            if let Ok(methods) = HeaderValue::from_str(&methods) {
                response.headers_mut().insert(header::ALLOW, methods);
            }
            return Err(Box::new(response));
        }
        Declared::Nothing => {
            tracing::error!(path, "a route says nowhere what it needs; it is refused");
            None
        }
    };
    if need == Some(Everywhere(ReadMetrics)) && state.access.metrics_on_loopback && is_from_this_machine(&request) {
        return Ok(request);
    }
    let caller = signed_in(state, path, request.headers()).await?;
    if let Some(problem) = refusal(need, &caller) {
        return Err(Box::new(problem.into_response()));
    }
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(match need {
        Some(May(permission) | Everywhere(permission)) => Acting::under(permission),
        _ => Acting::reading(),
    });
    Ok(request)
}

async fn signed_in(state: &AppState, path: &str, headers: &HeaderMap) -> Result<std::sync::Arc<Caller>, Box<Response>> {
    let refused = |problem: Problem| {
        let mut response = problem.into_response();
        if response.status() == axum::http::StatusCode::UNAUTHORIZED && offers_basic(path, headers) {
            response.headers_mut().append(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"yice\", charset=\"UTF-8\""),
            );
        }
        Box::new(response)
    };
    match crate::people::identify(&state.people, &state.database, &state.clock, headers).await {
        Ok(Some(caller)) => Ok(caller),
        Ok(None) => Err(refused(
            Problem::new(ProblemKind::NotSignedIn, "nobody is signed in").remedy(
                "sign in on the page, or send a token as `Authorization: Bearer …` or as the password of HTTP Basic",
            ),
        )),
        Err(problem) => Err(refused(problem)),
    }
}

/// GIS clients ask for a password where Basic is offered. So does a browser, in a window of its own that knows nothing of
/// our page: not where the page itself asks.
fn offers_basic(path: &str, headers: &HeaderMap) -> bool {
    let is_for_clients = ["/ogc", "/tiles/", "/styles/"]
        .iter()
        .any(|first| path.starts_with(first));
    let mode = headers.get("sec-fetch-mode").and_then(|mode| mode.to_str().ok());
    is_for_clients && mode.is_none_or(|mode| mode == "navigate")
}

fn is_from_this_machine(request: &Request) -> bool {
    request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .is_some_and(|ConnectInfo(address)| address.ip().to_canonical().is_loopback())
}

/// Why a caller may not, where they may not.
fn refusal(need: Option<Need>, caller: &Caller) -> Option<Problem> {
    if need != Some(Myself) && caller.must_change_password {
        return Some(
            Problem::new(ProblemKind::Forbidden, "the password must be changed first")
                .code("password_change_required")
                .remedy("choose a password of your own: PUT /api/v1/session/password"),
        );
    }
    match need {
        Some(Nothing | Myself | Account) => None,
        Some(May(permission)) if caller.scope.holds(permission) => None,
        Some(Everywhere(permission)) if caller.scope.holds_everywhere(permission) => None,
        Some(Everywhere(permission)) if caller.scope.holds(permission) => Some(
            Problem::new(
                ProblemKind::Forbidden,
                format!(
                    "{} is granted to you for a part of the registry, and this is about all of it",
                    permission.as_str()
                ),
            )
            .code("part_of_the_registry")
            .remedy("ask an administrator to do it, or for a grant on the whole registry"),
        ),
        Some(May(permission) | Everywhere(permission)) => Some(
            Problem::new(
                ProblemKind::Forbidden,
                format!("none of your roles has the permission {}", permission.as_str()),
            )
            .code("not_granted")
            .remedy("ask an administrator for a role that has it (GET /api/v1/roles lists them)"),
        ),
        None => Some(
            Problem::new(ProblemKind::Forbidden, "nobody has said who may use this address")
                .code("not_declared")
                .remedy("tell whoever keeps this server"),
        ),
    }
}
