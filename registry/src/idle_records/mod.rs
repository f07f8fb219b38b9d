//! Idle records (闲置记录): since when something stands idle, why, on what evidence, who confirmed it, and how it ended.
//!
//! A record is of a whole parcel or building, or of rooms of a building. The asset's and the rooms' occupancy (使用状态)
//! follow it in the same transaction, when it is opened and when it ends.

mod consumption;
mod content;
mod end;
mod evidence;
mod follow;
mod let_out;
mod list;
mod open;
mod proposal;
mod read;
#[cfg(test)]
mod tests;

pub use content::{IdleRecordContent, verify_versions};
pub use follow::follow_rooms;
pub use let_out::{end_where_let, idle_by_record};
pub use open::rooms_of;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// Why something stands idle (闲置原因: Office Measures art. 27 and what provinces' rules add).
pub const CAUSES: [&str; 8] = [
    // 总量有余
    "surplus",
    // 位置环境结构不适合
    "unsuitable",
    // 规划拆迁
    "planned_demolition",
    // 危房无加固价值
    "dangerous",
    // 重新配置后腾空
    "vacated_by_reallocation",
    // 机构撤并
    "unit_abolished",
    // 权属不清
    "title_unclear",
    // 其他
    "other",
];

/// What may become of something idle: every use but idleness itself.
pub const OCCUPANCIES_AFTER: [&str; 9] = [
    "in_use",
    "let",
    "lent",
    "rented_in",
    "borrowed_in",
    "under_repair",
    "vacating",
    "dangerous",
    "demolished",
];

/// May something be called idle that is used like this, by what the registry holds?
pub(crate) fn may_fall_idle(occupancy: Option<&str>) -> bool {
    matches!(occupancy, None | Some("in_use" | "vacating" | "idle"))
}

/// The routes of idle records.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list::list_idle_records, open::open_idle_record))
        .routes(routes!(read::get_idle_record))
        .routes(routes!(read::list_idle_record_versions))
        .routes(routes!(end::end_idle_record))
        .routes(routes!(proposal::propose_idleness))
}
