//! `GET /api/v1/session/ways`: how somebody may sign in here, for the page that shows it.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::{PATH, People};

/// How somebody may sign in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::people) struct Ways {
    /// With name and password.
    password: bool,
    /// Through the organisation's own provider, where one is set.
    provider: Option<ProviderWay>,
}

/// The way through the provider.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::people) struct ProviderWay {
    /// Where it begins: the browser is led there, with `?return_to=` an address of the page.
    address: &'static str,
    label_zh: String,
    label_en: String,
}

/// How somebody may sign in here. Nobody needs to be signed in to ask.
#[utoipa::path(get, path = "/api/v1/session/ways", operation_id = "list_sign_in_ways", tag = "session",
    responses((status = 200, body = Ways)))]
pub(in crate::people) async fn list_sign_in_ways(State(people): State<People>) -> Response {
    let provider = people.settings().provider.as_ref().map(|provider| ProviderWay {
        address: PATH,
        label_zh: provider.settings().label_zh.clone(),
        label_en: provider.settings().label_en.clone(),
    });
    let ways = Ways {
        password: people.takes_passwords(),
        provider,
    };
    ([(header::CACHE_CONTROL, "no-cache")], Json(ways)).into_response()
}
