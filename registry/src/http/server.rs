//! The server: state, routes, and the layers around them.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::{DefaultOnFailure, TraceLayer};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use super::{
    AccessSettings, MapSettings, access, cross_origin, description, guard, health, ledger, map, page, refusal,
};
use crate::clock::Clock;
use crate::database::Database;
use crate::documents::DocumentStore;
use crate::idle_space::IdleIndex;
use crate::imports::ImportJobs;
use crate::map_layers::{HistoricalLayers, MapLayers};
use crate::people::People;
use crate::request::{Problem, ProblemKind};

/// What requests are answered from.
#[derive(Debug, Clone, FromRef)]
pub struct AppState {
    /// The database.
    pub database: Database,
    /// The clock.
    pub clock: Clock,
    /// The layers in memory.
    pub map: MapLayers,
    /// Layers of the past.
    pub history: HistoricalLayers,
    /// Idle space in memory.
    pub idle_space: IdleIndex,
    /// Imports under way.
    pub jobs: ImportJobs,
    /// What the page's map is set to.
    pub map_settings: MapSettings,
    /// Papers as files.
    pub documents: DocumentStore,
    /// What signing in needs.
    pub people: People,
    /// From where the server may be asked.
    pub access: AccessSettings,
}

#[derive(OpenApi)]
#[openapi(info(
    title = "一策 Yice",
    description = "Registry of a government's land and buildings: what is held, where, by which title, who sits in it, what stands idle.",
    license(name = "Apache-2.0 OR MIT")
))]
struct ApiDocument;

fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(ApiDocument::openapi())
        .merge(crate::regions::router())
        .merge(crate::units::router())
        .merge(crate::rooms::router())
        .merge(crate::occupants::router())
        .merge(crate::space::router())
        .merge(crate::rights::router())
        .merge(crate::titles::router())
        .merge(crate::title_cases::router())
        .merge(crate::successions::router())
        .merge(crate::idle_records::router())
        .merge(crate::leases::router())
        .merge(crate::housing_tenancies::router())
        .merge(crate::rent_relief::router())
        .merge(crate::policy_cases::router())
        .merge(crate::inspections::router())
        .merge(crate::tasks::router())
        .merge(crate::approval_thresholds::router())
        .merge(crate::calendar_notices::router())
        .merge(crate::use_agreements::router())
        .merge(crate::meters::router())
        .merge(crate::stocktakings::router())
        .merge(crate::use_filings::router())
        .merge(crate::documents::router())
        .merge(crate::spatial_units::router())
        .merge(crate::occupancies::router())
        .merge(crate::utilisation::router())
        .merge(crate::idle_space::router())
        .merge(crate::checks::router())
        .merge(crate::search::router())
        .merge(crate::totals::router())
        .merge(crate::imports::router())
        .merge(crate::exports::router())
        .merge(crate::map_layers::router())
        .merge(crate::people::router())
        .merge(ledger::router())
        .merge(map::router())
        .merge(health::router())
}

/// The OpenAPI 3.1 document of everything that is served.
#[must_use]
pub fn openapi() -> serde_json::Value {
    described(&api().split_for_parts().1)
}

fn described(document: &utoipa::openapi::OpenApi) -> serde_json::Value {
    // The document is plain data, it always has JSON.
    description::complete(serde_json::to_value(document).unwrap_or_default())
}

/// Every route, with what stands around them.
pub fn router(state: AppState) -> Router {
    let (routes, document) = api().split_for_parts();
    let decide = axum::middleware::from_fn_with_state(state.clone(), access::decide);
    let refuse_foreign = axum::middleware::from_fn_with_state(state.access.clone(), guard::refuse_foreign);
    let open_to_clients =
        axum::middleware::from_fn_with_state(state.map_settings.clone(), cross_origin::open_to_clients);
    let compress = CompressionLayer::new().gzip(true).compress_when(
        SizeAbove::new(1024)
            .and(NotForContentType::const_new("application/vnd.mapbox-vector-tile"))
            .and(NotForContentType::IMAGES)
            .and(NotForContentType::const_new("application/pdf"))
            .and(NotForContentType::const_new("application/ofd"))
            // Exports that are packed already.
            .and(NotForContentType::const_new("application/zip"))
            .and(NotForContentType::const_new(
                "application/vnd.openxmlformats-officedocument",
            )),
    );
    routes
        .merge(crate::ogc::router())
        .merge(SwaggerUi::new("/docs").external_url_unchecked("/openapi.json", described(&document)))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(page::page)
        .with_state(state)
        // Innermost: nothing below it is reached but by its leave.
        .layer(decide)
        .layer(axum::middleware::from_fn(refusal::as_problem))
        .layer(compress)
        .layer(open_to_clients)
        .layer(refuse_foreign)
        .layer(SetResponseHeaderLayer::if_not_present(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .layer(SetResponseHeaderLayer::if_not_present(header::REFERRER_POLICY, HeaderValue::from_static("same-origin")))
        .layer(SetResponseHeaderLayer::if_not_present(
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("same-origin"),
        ))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(axum::middleware::from_fn(health::measure))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(|request: &Request| {
                    tracing::info_span!("request", method = %request.method(), path = %request.uri().path())
                })
                // What failed and why is logged where it fails; here it is only said which request met it.
                .on_failure(DefaultOnFailure::new().level(tracing::Level::DEBUG)),
        )
}

async fn method_not_allowed() -> Problem {
    Problem::new(
        ProblemKind::MethodNotAllowed,
        "this method is not offered at this address",
    )
    .remedy("see /docs")
}

fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    tracing::error!("a request panicked");
    let mut response = Problem::new(
        ProblemKind::Internal,
        "the server met a state it did not expect; it has been logged",
    )
    .into_response();
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// Answers requests until `stop` is ready; requests under way get ten seconds to end.
///
/// # Errors
/// Where the listener fails.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    let graceful = async move {
        stop.await;
        let _ = ended.send(());
    };
    let server = axum::serve(
        listener,
        router(state).into_make_service_with_connect_info::<SocketAddr>(),
    )
    .with_graceful_shutdown(graceful);
    tokio::select! {
        outcome = server => outcome,
        () = async {
            let _ = end.await;
            tokio::time::sleep(Duration::from_secs(10)).await;
        } => Ok(()),
    }
}
