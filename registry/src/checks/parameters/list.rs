//! `GET /api/v1/rule-parameters`: the parameters, their defaults and what regions have of their own, as of a day.

use axum::Json;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::super::rule::catalogue;
use super::change::parse_id;
use super::content::{ParameterRow, select_parameters};
use crate::ids::{RuleParameterId, VersionId};
use crate::request::{Context, Fault, Problem, Times};
use crate::versioned::{VersionFacts, answer_read};

pub(super) const WHAT: &str = "this region's value";

/// A region's own value of a parameter.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(in crate::checks) struct RegionValue {
    /// Its id.
    pub id: Uuid,
    /// The parameter.
    pub name: String,
    /// It holds in this region and below, where nothing nearer is said; everywhere where it is empty.
    pub region_code: String,
    /// The value, in the parameter's unit.
    pub value: f64,
    /// Where it is said.
    pub source: String,
    /// The version that holds.
    #[serde(flatten)]
    pub version: VersionFacts,
}

/// A parameter of the rules.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct RuleParameter {
    /// Its name.
    name: String,
    /// What holds where no region says anything.
    default: f64,
    /// Its unit.
    unit: String,
    /// No value below this one is taken.
    least: f64,
    /// No value above this one is taken; null where any is.
    most: Option<f64>,
    /// What it means, in Chinese.
    zh: String,
    /// What it means, in English.
    en: String,
    /// The rules that compare with it.
    rules: Vec<String>,
    /// What regions have of their own, the widest first.
    of_regions: Vec<RegionValue>,
}

impl From<ParameterRow> for RegionValue {
    fn from(row: ParameterRow) -> Self {
        Self {
            id: row.object_id,
            version: VersionFacts::new(row.version_id, &row.valid, &row.recorded),
            name: row.name,
            region_code: row.region_code,
            value: row.value,
            source: row.source,
        }
    }
}

pub(super) async fn load(context: &Context, id: RuleParameterId, times: Times) -> Result<RegionValue, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let row = select_parameters!(
        "where v.object_id = $1 and upper_inf(v.recorded) and v.valid @> $2::date",
        id.0,
        times.as_of,
    )
    .fetch_optional(&mut *snapshot)
    .await?
    .ok_or_else(|| Problem::not_found(WHAT))?;
    Ok(row.into())
}

/// What regions have of their own on a day, the widest first.
pub(in crate::checks) async fn values_of_regions(
    connection: &mut PgConnection,
    day: Date,
) -> Result<Vec<RegionValue>, Fault> {
    let rows = select_parameters!(
        "where upper_inf(v.recorded) and v.valid @> $1::date order by length(v.region_code), v.region_code",
        day
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(RegionValue::from).collect())
}

/// What the rules compare with, and what regions have of their own, on a day.
#[utoipa::path(get, path = "/api/v1/rule-parameters", operation_id = "list_rule_parameters", tag = "checks",
    params(("as_of" = Option<String>, Query)),
    responses((status = 200, body = Vec<RuleParameter>), (status = 400, body = Problem)))]
pub(super) async fn list_rule_parameters(context: Context, times: Times) -> Result<Json<Vec<RuleParameter>>, Problem> {
    let catalogue = catalogue().map_err(Fault::from)?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let own = values_of_regions(&mut snapshot, times.as_of).await?;
    let told = catalogue.parameters.iter().map(|(name, held)| RuleParameter {
        name: name.clone(),
        default: held.value,
        unit: held.unit.clone(),
        least: held.least,
        most: held.most,
        zh: held.zh.clone(),
        en: held.en.clone(),
        rules: catalogue
            .rules
            .values()
            .filter(|rule| rule.parameters.contains(name))
            .map(|rule| rule.id.clone())
            .collect(),
        of_regions: own.iter().filter(|value| value.name == *name).cloned().collect(),
    });
    Ok(Json(told.collect()))
}

/// A region's own value.
#[utoipa::path(get, path = "/api/v1/rule-parameters/{id}", operation_id = "get_rule_parameter", tag = "checks",
    params(("id" = Uuid, Path), ("as_of" = Option<String>, Query)),
    responses((status = 200, body = RegionValue, headers(("ETag" = String))), (status = 304), (status = 404, body = Problem)))]
pub(super) async fn get_rule_parameter(
    context: Context,
    times: Times,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let value = load(&context, parse_id(&id)?, times).await?;
    Ok(answer_read(&headers, VersionId(value.version.version_id), value))
}
