//! Somebody moves into a home: `POST /api/v1/housing-tenancies`.

use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use time::{Date, Duration};
use uuid::Uuid;

use super::by_the_plan;
use super::content::TenancyContent;
use crate::ids::{HousingTenancyId, LeaseId, RoomId, UnitId};
use crate::leases::{HomeLease, LONGEST_YEARS, let_home};
use crate::ledger::Action;
use crate::period::{ValidPeriod, day, revise};
use crate::request::fields::{money, optional_reason, plain_text, sane_day};
use crate::request::{Body, Context, Fault, Idempotency, Permission, Problem, ProblemKind};
use crate::rooms::{HOME, RoomContent};
use crate::spatial_units::require_edit;
use crate::versioned::{Created, Occasion, answer_created, write_revision};

/// A tenancy as it is to be.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HousingTenancyStatement)]
pub(super) struct TenancyStatement {
    /// The home: a room of the type `turnover_housing` of a house whose case is done.
    room_id: Uuid,
    /// Name; nothing more is kept of the person.
    tenant_name: String,
    /// Whose staff.
    unit_id: Uuid,
    /// Is it a leader's (领导干部周转住房), which is filed (备案)?
    #[serde(default)]
    is_leader: bool,
    /// 备案号
    #[serde(default)]
    filing_number: Option<String>,
    /// When it was filed.
    #[serde(default, with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    filed_on: Option<Date>,
    /// Why they are eligible.
    eligibility: String,
    /// By which document.
    eligibility_document: String,
    /// The first day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    starts_on: Date,
    /// The last day of the term.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    ends_on: Date,
    /// Yuan a month, as a text.
    #[schema(value_type = String)]
    monthly_rent: Value,
    /// By what the rent was set: income, market.
    rent_ground: String,
    /// 协议编号
    #[serde(default)]
    agreement_number: Option<String>,
    /// Why.
    #[serde(default)]
    reason: Option<String>,
}

/// A text that may not be empty.
pub(super) fn words(field: &str, text: &str, longest: usize) -> Result<String, Problem> {
    let text = plain_text(field, text, longest)?;
    match text.is_empty() {
        true => Err(Problem::invalid(field, "必填 / it is missing").remedy(format!("send {field}"))),
        false => Ok(text),
    }
}

/// The filing of a leader's home: number and day together, and of nobody else's.
pub(super) fn filing(
    is_leader: bool,
    (number, on): (Option<&str>, Option<Date>),
    today: Date,
) -> Result<(Option<String>, Option<Date>), Problem> {
    let number = number
        .map(|number| plain_text("filing_number", number, 100))
        .transpose()?
        .filter(|number| !number.is_empty());
    let refused = |field: &str, words: &str| Err(Problem::invalid(field, words).code("filing_form"));
    match (&number, on) {
        (None, None) => Ok((None, None)),
        (Some(_), Some(_)) if !is_leader => refused(
            "filing_number",
            "只有领导干部周转住房须备案 / only a leader's home is filed",
        ),
        (Some(_), Some(day)) if sane_day("filed_on", day)? > today => {
            refused("filed_on", "日期在将来 / that day is still to come")
        }
        (Some(_), Some(_)) => Ok((number, on)),
        _ => refused(
            "filed_on",
            "备案号和备案日期须同时填写 / a filing has a number and a day",
        ),
    }
}

/// The unit must be there on the day.
pub(super) async fn require_unit(connection: &mut PgConnection, unit: UnitId, on: Date) -> Result<(), Problem> {
    match crate::units::is_registered(connection, unit, on).await? {
        true => Ok(()),
        false => Err(Problem::invalid(
            "unit_id",
            format!("{on} 没有登记这个单位 / no unit {unit} is registered on {on}"),
        )
        .remedy("register the unit first")),
    }
}

/// The home on the first day, locked; a room that is no home then, or one whose house isn't put to use, can't be let as one.
async fn require_home(
    connection: &mut PgConnection,
    context: &Context,
    (room, on): (RoomId, Date),
) -> Result<(RoomContent, Decimal), Problem> {
    let versions = crate::rooms::held_versions(connection, room).await?;
    let last = versions
        .last()
        .ok_or_else(|| Problem::invalid("room_id", "没有这个房间 / no room is registered under this id"))?;
    let building = last.content.building_id.0;
    require_edit(connection, context, &[Permission::EditAssets], &[building], None).await?;
    let home = versions
        .into_iter()
        .find(|version| version.valid.contains(on))
        .map(|version| version.content)
        .filter(|room| room.room_type.as_deref() == Some(HOME));
    let Some(home) = home else {
        return Err(by_the_plan(
            Problem::invalid(
                "room_id",
                format!("该房间在 {on} 还不是周转住房 / on {on} this room is no home (room type {HOME})"),
            )
            .code("not_a_home"),
        )
        .remedy("let the house's case set its homes up first, or choose a later first day"));
    };
    let is_put_to_use = sqlx::query_scalar!(
        r#"select exists (
               select from policy_case_version c, json_array_elements_text(c.details -> 'room_ids') home
                where c.asset_id in (select m.building_id from room_version m
                                      where m.object_id = $1 and upper_inf(m.recorded))
                  and c.procedure = 'turnover_housing' and c.state in ('in_use', 'closed')
                  and upper_inf(c.recorded) and home::uuid = $1) as "is!""#,
        room.0,
    )
    .fetch_one(&mut *connection)
    .await?;
    if !is_put_to_use {
        return Err(by_the_plan(
            Problem::new(
                ProblemKind::Conflict,
                "该楼栋的“转化为周转住房”案件尚未投入使用，或房源清单没有这套房 / the case that makes the house turnover housing is not in use yet, or doesn't list this home",
            )
            .field("room_id")
            .code("housing_case_open"),
        )
        .remedy("finish the case first: its homes are let once it is in use"));
    }
    let area = home
        .building_area_m2
        .max(home.use_area_m2)
        .filter(|area| *area > Decimal::ZERO)
        .ok_or_else(|| {
            Problem::invalid("room_id", "该房源没有面积 / nobody knows how large this home is")
                .remedy("say its area first")
        })?;
    Ok((home, area))
}

/// The term and what is paid in it.
fn terms(statement: &TenancyStatement) -> Result<(Date, Date), Problem> {
    let starts_on = sane_day("starts_on", statement.starts_on)?;
    let ends_on = sane_day("ends_on", statement.ends_on)?;
    let longest = starts_on
        .replace_year(starts_on.year() + LONGEST_YEARS)
        .unwrap_or(starts_on + Duration::days(i64::from(LONGEST_YEARS) * 365));
    if ends_on < starts_on {
        return Err(
            Problem::invalid("ends_on", "期限早于起租日 / the term would end before it begins")
                .remedy("write the last day of the term"),
        );
    }
    if ends_on >= longest {
        return Err(Problem::invalid(
            "ends_on",
            format!("租期不得超过二十年 / no term is longer than {LONGEST_YEARS} years"),
        )
        .code("term_too_long")
        .rule("term", "民法典 art. 705")
        .remedy("write the term of the agreement"));
    }
    Ok((starts_on, ends_on))
}

/// Somebody moves in: the tenancy, and the lease by which they pay.
#[utoipa::path(post, path = "/api/v1/housing-tenancies", operation_id = "begin_housing_tenancy", tag = "housing",
    params(("Idempotency-Key" = String, Header)), request_body = TenancyStatement,
    responses((status = 201, body = Created), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn begin_housing_tenancy(
    context: Context,
    headers: HeaderMap,
    Body(statement): Body<TenancyStatement>,
) -> Result<Response, Problem> {
    let idempotency = Idempotency::read(&headers, &("housing-tenancies", &statement))?;
    let (now, today) = (context.clock.now(), context.clock.today());
    let (starts_on, ends_on) = terms(&statement)?;
    let monthly_rent = money("monthly_rent", &statement.monthly_rent)?;
    let (filing_number, filed_on) = filing(
        statement.is_leader,
        (statement.filing_number.as_deref(), statement.filed_on),
        today,
    )?;
    let contract_number = statement
        .agreement_number
        .as_deref()
        .map(|number| plain_text("agreement_number", number, 100))
        .transpose()?
        .filter(|number| !number.is_empty());
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let room_id = RoomId(statement.room_id);
    let (home, area_m2) = require_home(&mut transaction, &context, (room_id, starts_on)).await?;
    require_unit(&mut transaction, UnitId(statement.unit_id), starts_on).await?;
    let (id, lease_id) = (HousingTenancyId::fresh(), LeaseId::fresh());
    let content = TenancyContent {
        room_id,
        building_id: home.building_id,
        lease_id,
        tenant_name: words("tenant_name", &statement.tenant_name, 50)?,
        unit_id: UnitId(statement.unit_id),
        is_leader: statement.is_leader,
        filing_number,
        filed_on,
        eligibility: words("eligibility", &statement.eligibility, 400)?,
        eligibility_document: words("eligibility_document", &statement.eligibility_document, 200)?,
        rent_ground: words("rent_ground", &statement.rent_ground, 400)?,
        ends_on,
        exit_reason: None,
    };
    let occasion = Occasion::by(&context.actor, optional_reason(statement.reason.as_deref())?);
    let revision = revise(&[], ValidPeriod::since(starts_on), Some(content), now);
    let version = write_revision(&mut transaction, id.0, Action::Create, &revision, None, &occasion)
        .await
        .map_err(two_in_one_home)?;
    let lease = HomeLease {
        building_id: home.building_id,
        room_id: room_id.0,
        area_m2,
        starts_on,
        ends_on,
        monthly_rent,
        contract_number,
    };
    // Leases are told of more widely than tenants are.
    let let_out = Occasion {
        reason: Some("周转住房租住".to_owned()),
        ..occasion
    };
    let_home(&mut transaction, lease_id, lease, now, &let_out).await?;
    let location = format!("/api/v1/housing-tenancies/{id}");
    let created = answer_created(&mut transaction, &context, &idempotency, now, &location, id.0, version).await?;
    transaction.commit().await?;
    Ok(created)
}

/// One home, one tenant: the database says so, the plan why.
fn two_in_one_home(fault: Fault) -> Problem {
    let problem = Problem::from(fault);
    match problem.code.as_deref() {
        Some("housing_tenancy_version_one_per_home") => {
            by_the_plan(problem).remedy("let the tenant that is there exit first, or choose another home")
        }
        _ => problem,
    }
}
