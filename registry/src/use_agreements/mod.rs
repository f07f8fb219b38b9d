//! Use agreements and use certificates (使用协议、使用权证): which unit may use which rooms, for what and how long, by agreement
//! with the bureau (党政机关办公用房管理办法 art. 18). It is a register of its own with its own registrations (首次、变更、转移、
//! 注销、更正、补证、换证: DB3204/T 1010-2020), and says nothing of ownership.

mod certificate;
mod content;
mod draft;
mod follow;
mod list;
mod read;
mod step;
#[cfg(test)]
mod tests;
mod waiting;

pub use content::{AgreementContent, Registration, Status, verify_versions};
pub use follow::follow_rooms;
pub use waiting::waiting_agreements;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// The routes of use agreements.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list::list_use_agreements, draft::draft_use_agreement))
        .routes(routes!(read::get_use_agreement))
        .routes(routes!(certificate::get_use_certificate))
        .routes(routes!(read::list_use_agreement_versions))
        .routes(routes!(step::step_use_agreement))
}
