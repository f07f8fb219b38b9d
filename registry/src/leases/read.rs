//! `GET /api/v1/leases/{id}`: one lease, and everything that was ever said of it.

use axum::Json;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use time::Date;
use uuid::Uuid;

use super::content::{EndUser, LeaseContent, select_versions};
use super::statement::LeasedRoom;
use crate::ids::{LeaseId, VersionId};
use crate::money::Money;
use crate::period::{ValidPeriod, day};
use crate::request::{Context, Page, Problem, Times};
use crate::versioned::{HistoryFacts, VersionFacts, answer_read, history};

pub(super) const WHAT: &str = "this lease";

pub(super) fn parse_id(text: &str) -> Result<LeaseId, Problem> {
    Uuid::parse_str(text).map(LeaseId).map_err(|_| Problem::not_found(WHAT))
}

/// Where a lease stands on a day.
pub(super) fn status(valid: ValidPeriod, ends_on: Date, on: Date) -> &'static str {
    if on < valid.from {
        "planned"
    } else if valid.to.is_some_and(|to| to <= on) {
        "ended"
    } else if ends_on < on {
        "expired"
    } else {
        "running"
    }
}

/// What a lease says.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = LeaseSaid)]
pub(super) struct Said {
    /// The parcel or building; none where what is rented in stands in no register.
    pub asset_id: Option<Uuid>,
    /// 坐落, as the contract says it.
    pub address: Option<String>,
    /// The case that made it (租用).
    pub case_id: Option<Uuid>,
    /// `out` or `in`.
    pub direction: String,
    /// Some of its rooms.
    pub rooms: Vec<LeasedRoom>,
    /// How much of the asset, m².
    pub area_m2: Option<f64>,
    /// Who lets.
    pub lessor_kind: String,
    /// Name.
    pub lessor_name: String,
    /// The unit that lets.
    pub lessor_unit_id: Option<Uuid>,
    /// Who rents.
    pub lessee_kind: String,
    /// How large an enterprise it is.
    pub lessee_size: Option<String>,
    /// In which trade.
    pub lessee_sector: Option<String>,
    /// Name.
    pub lessee_name: String,
    /// 统一社会信用代码
    pub lessee_code: Option<String>,
    /// The unit that rents.
    pub lessee_unit_id: Option<Uuid>,
    /// Does the lessee let on?
    pub is_sublet: bool,
    /// Who sits there at last.
    pub end_users: Vec<EndUser>,
    /// What it is used for.
    pub purpose: Option<String>,
    /// The last day of the term.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub ends_on: Date,
    /// `month` or `m2_month`.
    pub rent_basis: String,
    /// Yuan, by that basis.
    #[schema(value_type = String)]
    pub rent: Money,
    /// Yuan a month.
    #[schema(value_type = String)]
    pub monthly_rent: Money,
    /// How often it is paid.
    pub rhythm: String,
    /// So many days after the beginning of a stretch it is due.
    pub due_days: i32,
    /// 押金
    #[schema(value_type = Option<String>)]
    pub deposit: Option<Money>,
    /// How the price came about.
    pub price_basis: String,
    /// 交易机构
    pub exchange: Option<String>,
    /// The number under which it was let there.
    pub exchange_record: Option<String>,
    /// 租金评估报告
    pub appraisal_report: Option<String>,
    /// The last day on which it holds.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub appraisal_valid_to: Option<Date>,
    /// 批准文号
    pub approval_number: Option<String>,
    /// 合同编号
    pub contract_number: Option<String>,
    /// Of what is rented in: how much was approved, m².
    pub approved_area_m2: Option<f64>,
    /// 土地收益, yuan a year.
    #[schema(value_type = Option<String>)]
    pub land_income: Option<Money>,
    /// By which document it goes to the state.
    pub land_income_document: Option<String>,
    /// The lease that it goes on from.
    pub renews_id: Option<Uuid>,
    /// Why it was handed back.
    pub end_reason: Option<String>,
    /// Anything else.
    pub note: Option<String>,
    /// Is it the lease of a home for staff (周转住房), which its tenancy ends?
    pub is_housing: bool,
}

impl From<LeaseContent> for Said {
    fn from(content: LeaseContent) -> Self {
        let details = content.details;
        Self {
            asset_id: content.asset_id.map(|asset| asset.0),
            address: content.address,
            case_id: content.case_id,
            direction: content.direction,
            rooms: content
                .room_ids
                .into_iter()
                .zip(content.room_areas_m2)
                .map(|(room_id, area_m2)| LeasedRoom {
                    room_id,
                    area_m2: area_m2.to_f64(),
                })
                .collect(),
            area_m2: content.area_m2.to_f64(),
            lessor_kind: content.lessor_kind,
            lessor_name: content.lessor_name,
            lessor_unit_id: details.lessor_unit_id,
            lessee_kind: content.lessee_kind,
            lessee_size: content.lessee_size,
            lessee_sector: content.lessee_sector,
            lessee_name: content.lessee_name,
            lessee_code: details.lessee_code,
            lessee_unit_id: details.lessee_unit_id,
            is_sublet: content.is_sublet,
            end_users: details.end_users,
            purpose: details.purpose,
            ends_on: content.ends_on,
            rent_basis: details.rent_basis,
            rent: details.rent,
            monthly_rent: content.monthly_rent,
            rhythm: details.rhythm,
            due_days: details.due_days,
            deposit: details.deposit,
            price_basis: details.price_basis,
            exchange: details.exchange,
            exchange_record: details.exchange_record,
            appraisal_report: details.appraisal_report,
            appraisal_valid_to: details.appraisal_valid_to,
            approval_number: content.approval_number,
            contract_number: content.contract_number,
            approved_area_m2: details.approved_area_m2.and_then(|area| area.to_f64()),
            land_income: details.land_income,
            land_income_document: details.land_income_document,
            renews_id: content.renews_id,
            end_reason: content.end_reason,
            note: details.note,
            is_housing: details.is_housing,
        }
    }
}

/// A lease. Its valid period is from its first day until it is handed back.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Lease {
    /// Its id.
    id: Uuid,
    /// `planned`, `running`, `expired` or `ended`, on the day that is asked for.
    status: &'static str,
    /// `parcel` or `building`.
    asset_kind: Option<String>,
    /// The asset's name, else its address or code; the premises where no asset is registered.
    asset_name: Option<String>,
    /// The numbers of the rooms.
    room_numbers: Vec<String>,
    /// The lease that goes on from it.
    renewed_by_id: Option<Uuid>,
    #[serde(flatten)]
    said: Said,
    /// The version that holds.
    #[serde(flatten)]
    version: VersionFacts,
}

/// One lease, handed back or not, as the registry knew it at `known_at`.
#[utoipa::path(get, path = "/api/v1/leases/{id}", operation_id = "get_lease", tag = "leases",
    params(("id" = Uuid, Path), ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Lease, headers(("ETag" = String))), (status = 304), (status = 404, body = Problem)))]
pub(super) async fn get_lease(
    context: Context,
    times: Times,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let mut transaction = context.database.begin_snapshot().await?;
    let row = select_versions!(
        "where v.object_id = $1 and v.recorded @> $2::timestamptz order by lower(v.valid) desc limit 1",
        id.0,
        times.known_at,
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or_else(|| Problem::not_found(WHAT))?;
    let beside = sqlx::query!(
        r#"select a.kind as "kind?", coalesce(a.name, a.address, a.code) as name,
                  coalesce((select array_agg(m.number order by m.floor, m.number)
                              from room_version m
                             where m.object_id = any($2) and upper_inf(m.recorded) and upper_inf(m.valid)), '{}')
                      as "rooms!",
                  (select l.object_id from lease_version l
                    where l.renews_id = $3 and l.recorded @> $4::timestamptz limit 1) as renewed_by_id
             from (select 1) one
             left join lateral (
                  select kind, name, address, code from spatial_unit_version s
                   where s.object_id = $1 and upper_inf(s.recorded) order by lower(s.valid) desc limit 1) a on true"#,
        row.asset_id,
        &row.room_ids,
        id.0,
        times.known_at,
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    context.note_read_of(row.asset_id.as_slice()).await?;
    let version = VersionFacts::new(row.version_id, &row.valid, &row.recorded);
    let valid = crate::period::valid_period(&row.valid);
    let content = row.content()?;
    let lease = Lease {
        id: id.0,
        status: status(valid, content.ends_on, times.as_of),
        asset_kind: beside.kind,
        asset_name: beside.name.or_else(|| content.address.clone()),
        room_numbers: beside.rooms,
        renewed_by_id: beside.renewed_by_id,
        said: content.into(),
        version,
    };
    Ok(answer_read(&headers, VersionId(lease.version.version_id), lease))
}

/// One version of a lease.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct LeaseVersion {
    /// When, by whom and why.
    #[serde(flatten)]
    history: HistoryFacts,
    #[serde(flatten)]
    said: Said,
}

/// Every version of a lease, the latest known first.
#[utoipa::path(get, path = "/api/v1/leases/{id}/versions", operation_id = "list_lease_versions", tag = "leases",
    params(("id" = Uuid, Path)), responses((status = 200, body = Page<LeaseVersion>), (status = 404, body = Problem)))]
pub(super) async fn list_lease_versions(
    context: Context,
    Path(id): Path<String>,
) -> Result<Json<Page<LeaseVersion>>, Problem> {
    let id = parse_id(&id)?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = select_versions!(
        "where v.object_id = $1 order by lower(v.recorded), lower(v.valid), v.version_id",
        id.0
    )
    .fetch_all(&mut *snapshot)
    .await?;
    if rows.is_empty() {
        return Err(Problem::not_found(WHAT));
    }
    let told = history(&mut snapshot, id.0, rows.into_iter().map(|row| row.stored())).await?;
    drop(snapshot);
    context.note_read_behind("lease", vec![id.0]).await?;
    Ok(Json(Page {
        items: told
            .into_iter()
            .map(|(history, content)| LeaseVersion {
                history,
                said: content.into(),
            })
            .collect(),
        next: None,
        total: None,
    }))
}
