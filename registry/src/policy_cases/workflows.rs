//! The procedures as clients read them: `GET /api/v1/workflows/{procedure}`, one route each, so that each is told of.

use axum::Json;

use super::procedure::Procedure;
use crate::procedures::Workflow;
use crate::request::{Fault, Problem};

fn told(procedure: Procedure) -> Result<Json<Workflow>, Problem> {
    let definition = procedure.definition().map_err(|refused| Fault::Impossible {
        what: refused.to_string(),
    })?;
    Ok(Json(Workflow::of(definition)))
}

/// The procedure of idle assets: its states, routes, transitions and documents, as the page and the documentation show them.
#[utoipa::path(get, path = "/api/v1/workflows/idle_disposal", operation_id = "get_idle_disposal_workflow", tag = "policy cases",
    responses((status = 200, body = Workflow)))]
pub(super) async fn get_idle_disposal_workflow() -> Result<Json<Workflow>, Problem> {
    told(Procedure::IdleDisposal)
}

/// The procedure of repairs.
#[utoipa::path(get, path = "/api/v1/workflows/repair", operation_id = "get_repair_workflow", tag = "policy cases",
    responses((status = 200, body = Workflow)))]
pub(super) async fn get_repair_workflow() -> Result<Json<Workflow>, Problem> {
    told(Procedure::Repair)
}

/// The procedure of reassignment (调剂).
#[utoipa::path(get, path = "/api/v1/workflows/reassign", operation_id = "get_reassign_workflow", tag = "policy cases",
    responses((status = 200, body = Workflow)))]
pub(super) async fn get_reassign_workflow() -> Result<Json<Workflow>, Problem> {
    told(Procedure::Reassign)
}

/// The procedure of swaps (置换).
#[utoipa::path(get, path = "/api/v1/workflows/swap_premises", operation_id = "get_swap_premises_workflow", tag = "policy cases",
    responses((status = 200, body = Workflow)))]
pub(super) async fn get_swap_premises_workflow() -> Result<Json<Workflow>, Problem> {
    told(Procedure::SwapPremises)
}

/// The procedure of renting (租用).
#[utoipa::path(get, path = "/api/v1/workflows/rent_in", operation_id = "get_rent_in_workflow", tag = "policy cases",
    responses((status = 200, body = Workflow)))]
pub(super) async fn get_rent_in_workflow() -> Result<Json<Workflow>, Problem> {
    told(Procedure::RentIn)
}

/// The procedure of building (建设).
#[utoipa::path(get, path = "/api/v1/workflows/build", operation_id = "get_build_workflow", tag = "policy cases",
    responses((status = 200, body = Workflow)))]
pub(super) async fn get_build_workflow() -> Result<Json<Workflow>, Problem> {
    told(Procedure::Build)
}

/// The procedure of leaders' offices (领导干部办公用房配置).
#[utoipa::path(get, path = "/api/v1/workflows/leader_office", operation_id = "get_leader_office_workflow", tag = "policy cases",
    responses((status = 200, body = Workflow)))]
pub(super) async fn get_leader_office_workflow() -> Result<Json<Workflow>, Problem> {
    told(Procedure::LeaderOffice)
}

/// The procedure of transfers to another level (划转下沉).
#[utoipa::path(get, path = "/api/v1/workflows/hand_down", operation_id = "get_hand_down_workflow", tag = "policy cases",
    responses((status = 200, body = Workflow)))]
pub(super) async fn get_hand_down_workflow() -> Result<Json<Workflow>, Problem> {
    told(Procedure::HandDown)
}

/// The procedure by which a house becomes turnover housing (周转住房).
#[utoipa::path(get, path = "/api/v1/workflows/turnover_housing", operation_id = "get_turnover_housing_workflow", tag = "policy cases",
    responses((status = 200, body = Workflow)))]
pub(super) async fn get_turnover_housing_workflow() -> Result<Json<Workflow>, Problem> {
    told(Procedure::TurnoverHousing)
}
