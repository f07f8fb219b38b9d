//! Taking an agreement further: signing, certifying, and the registrations of the use register.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::content::{AgreementContent, Registration, Status, held_versions};
use super::draft::{approved_area, in_order, papers, purpose, require_rooms, require_unit};
use super::read::{UseAgreement, WHAT, load, parse_id};
use crate::ids::UnitId;
use crate::ledger::Action;
use crate::period::{day, reach, revise};
use crate::request::fields::{optional_reason, plain_text, said, sane_day};
use crate::request::{Body, Context, Permission, Problem, ProblemKind, Times};
use crate::spatial_units::require_edit;
use crate::versioned::{Occasion, answer, version_to_change, write_revision};

/// What is done with an agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// 签订协议
    Sign,
    /// 首次登记、发证
    Certify,
    /// 变更登记
    Change,
    /// 转移登记, by a transfer slip (调拨单)
    Transfer,
    /// 更正登记
    Correct,
    /// 补证
    Replace,
    /// 换证
    Renew,
    /// 注销登记
    Cancel,
}

/// A step; what it does not need may not be sent.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AgreementStep {
    /// What is done.
    step: Step,
    /// On which day; today unless told.
    #[serde(default, with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    on: Option<Date>,
    /// The number of the agreement: to sign, and to transfer.
    #[serde(default)]
    agreement_no: Option<String>,
    /// 证号: to certify, transfer, replace and renew.
    #[serde(default)]
    certificate_no: Option<String>,
    /// 调拨单号: to transfer.
    #[serde(default)]
    transfer_slip_no: Option<String>,
    /// The unit that uses the rooms from then on: to transfer.
    #[serde(default)]
    unit_id: Option<Uuid>,
    /// 房间清单: to change and correct.
    #[serde(default)]
    room_ids: Option<Vec<Uuid>>,
    /// 用途: to change and correct.
    #[serde(default)]
    purpose: Option<String>,
    /// 核定面积, m² of use area: to change, transfer and correct; null for none.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<f64>)]
    approved_area_m2: Option<Option<f64>>,
    /// The first day on which it is over: to change, correct and renew; null for no term.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>, format = Date)]
    ends_on: Option<Option<Day>>,
    /// Further papers, by name.
    #[serde(default)]
    documents: Vec<String>,
    /// Why; needed to change, correct, replace and cancel.
    #[serde(default)]
    reason: Option<String>,
}

/// A day inside a body.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Day(#[serde(with = "day")] Date);

impl Step {
    fn word(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::Certify => "certify",
            Self::Change => "change",
            Self::Transfer => "transfer",
            Self::Correct => "correct",
            Self::Replace => "replace",
            Self::Renew => "renew",
            Self::Cancel => "cancel",
        }
    }

    /// The states it begins from.
    fn from(self) -> &'static [Status] {
        match self {
            Self::Sign => &[Status::Draft],
            Self::Certify => &[Status::Signed],
            Self::Change | Self::Correct => &[Status::Draft, Status::Signed, Status::Certified],
            Self::Transfer | Self::Replace | Self::Renew => &[Status::Certified],
            Self::Cancel => &[Status::Draft, Status::Signed, Status::Certified],
        }
    }

    fn registration(self) -> Option<Registration> {
        match self {
            Self::Sign => None,
            Self::Certify => Some(Registration::First),
            Self::Change => Some(Registration::Change),
            Self::Transfer => Some(Registration::Transfer),
            Self::Correct => Some(Registration::Correction),
            Self::Replace => Some(Registration::Replacement),
            Self::Renew => Some(Registration::Renewal),
            Self::Cancel => Some(Registration::Cancellation),
        }
    }

    fn needs_reason(self) -> bool {
        matches!(self, Self::Change | Self::Correct | Self::Replace | Self::Cancel)
    }

    /// The fields that mean something to it.
    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Sign => &["agreement_no"],
            Self::Certify | Self::Replace => &["certificate_no"],
            Self::Change | Self::Correct => &["room_ids", "purpose", "approved_area_m2", "ends_on"],
            Self::Transfer => &[
                "agreement_no",
                "certificate_no",
                "transfer_slip_no",
                "unit_id",
                "approved_area_m2",
            ],
            Self::Renew => &["certificate_no", "ends_on"],
            Self::Cancel => &[],
        }
    }
}

impl AgreementStep {
    /// A field that the step has no use for is a mistake of whoever sends it.
    fn require_fields(&self) -> Result<(), Problem> {
        let sent = [
            ("agreement_no", self.agreement_no.is_some()),
            ("certificate_no", self.certificate_no.is_some()),
            ("transfer_slip_no", self.transfer_slip_no.is_some()),
            ("unit_id", self.unit_id.is_some()),
            ("room_ids", self.room_ids.is_some()),
            ("purpose", self.purpose.is_some()),
            ("approved_area_m2", self.approved_area_m2.is_some()),
            ("ends_on", self.ends_on.is_some()),
        ];
        match sent
            .iter()
            .find(|(field, is_sent)| *is_sent && !self.step.fields().contains(field))
        {
            None => Ok(()),
            Some((field, _)) => Err(Problem::invalid(
                field,
                format!("此步骤不用这一项 / the step {} takes no {field}", self.step.word()),
            )
            .remedy("leave it out, or choose the step that changes it")),
        }
    }

    fn number(&self, field: &str, value: Option<&String>) -> Result<String, Problem> {
        let number = plain_text(field, value.map_or("", String::as_str), 60)?;
        if number.is_empty() {
            return Err(Problem::invalid(field, "必填 / it is missing").remedy(format!("send {field}")));
        }
        Ok(number)
    }

    /// What the agreement says after the step.
    async fn after(
        &self,
        connection: &mut PgConnection,
        context: &Context,
        before: &AgreementContent,
        on: Date,
    ) -> Result<AgreementContent, Problem> {
        self.require_fields()?;
        let mut after = before.clone();
        let certified = |after: &mut AgreementContent| -> Result<(), Problem> {
            after.certificate_no = Some(self.number("certificate_no", self.certificate_no.as_ref())?);
            after.certified_on = Some(on);
            after.status = Status::Certified;
            Ok(())
        };
        match self.step {
            Step::Sign => {
                after.agreement_no = Some(self.number("agreement_no", self.agreement_no.as_ref())?);
                after.signed_on = Some(on);
                after.status = Status::Signed;
            }
            Step::Certify => certified(&mut after)?,
            Step::Replace | Step::Renew => {
                let held = before.certificate_no.clone();
                certified(&mut after)?;
                if after.certificate_no == held {
                    return Err(Problem::invalid(
                        "certificate_no",
                        "新证须有新证号 / the new certificate bears the number of the old one",
                    )
                    .remedy("send the number of the new certificate"));
                }
            }
            Step::Transfer => {
                let unit = self
                    .unit_id
                    .map(UnitId)
                    .ok_or_else(|| Problem::invalid("unit_id", "必填 / it is missing").remedy("name the new unit"))?;
                if unit == before.unit_id {
                    return Err(Problem::invalid(
                        "unit_id",
                        "调入单位就是现使用单位 / this unit uses the rooms already",
                    )
                    .remedy("name the unit that takes them over"));
                }
                require_unit(connection, unit, on).await?;
                after.unit_id = unit;
                after.transfer_slip_no = Some(self.number("transfer_slip_no", self.transfer_slip_no.as_ref())?);
                after.agreement_no = Some(self.number("agreement_no", self.agreement_no.as_ref())?);
                after.signed_on = Some(on);
                certified(&mut after)?;
            }
            Step::Change | Step::Correct => {}
            Step::Cancel => after.status = Status::Cancelled,
        }
        if let Some(rooms) = &self.room_ids {
            (after.room_ids, after.building_ids) = require_rooms(connection, context, rooms, on).await?;
        }
        if let Some(text) = &self.purpose {
            after.purpose = purpose(text)?;
        }
        if let Some(area) = self.approved_area_m2 {
            after.approved_area_m2 = approved_area(area)?;
        }
        if let Some(ends_on) = self.ends_on {
            after.ends_on = ends_on.map(|Day(day)| sane_day("ends_on", day)).transpose()?;
        }
        in_order(after.starts_on, after.ends_on)?;
        after.documents.extend(papers(&self.documents)?);
        if matches!(self.step, Step::Change | Step::Correct) && after == *before {
            return Err(
                Problem::invalid("step", "没有任何改动 / nothing is another than before")
                    .remedy("say what is to be another"),
            );
        }
        // Before it is certified it stands in no register yet: a change is one of the draft.
        if !matches!(self.step, Step::Change | Step::Correct) || before.status == Status::Certified {
            after.registration = self.step.registration().or(after.registration);
        }
        Ok(after)
    }
}

fn not_from_here(step: Step, status: Status) -> Problem {
    Problem::new(
        ProblemKind::Conflict,
        format!(
            "状态为{}，不能办理 / it is {}: {} can't be done",
            zh(status),
            status.as_str(),
            step.word()
        ),
    )
    .code("step_not_from_here")
    .remedy("read the agreement again; `steps` lists what can be done")
}

fn zh(status: Status) -> &'static str {
    match status {
        Status::Draft => "拟定",
        Status::Signed => "协议已签",
        Status::Certified => "已发证",
        Status::Cancelled => "已注销",
    }
}

/// What can be done with an agreement in a state.
pub(super) fn steps_from(status: Status) -> Vec<Step> {
    [
        Step::Sign,
        Step::Certify,
        Step::Change,
        Step::Transfer,
        Step::Correct,
        Step::Replace,
        Step::Renew,
        Step::Cancel,
    ]
    .into_iter()
    .filter(|step| step.from().contains(&status))
    .collect()
}

/// Takes an agreement further.
#[utoipa::path(post, path = "/api/v1/use-agreements/{id}/steps", operation_id = "step_use_agreement", tag = "use agreements",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = AgreementStep,
    responses((status = 200, body = UseAgreement), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn step_use_agreement(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(step): Body<AgreementStep>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let today = context.clock.today();
    let on = sane_day("on", step.on.unwrap_or(today))?;
    if on > today {
        return Err(Problem::invalid("on", "日期在将来 / that day is still to come").remedy("register it on the day"));
    }
    let mut transaction = context.database.begin().await?;
    let versions = held_versions(&mut transaction, id).await?;
    let before = version_to_change(&versions, &headers, today, ("on", on), WHAT)?;
    if versions.last().is_some_and(|last| last.version_id != before.version_id) {
        return Err(
            Problem::invalid("on", "此后已有登记 / something was registered after that day already")
                .remedy("choose a day after the latest registration"),
        );
    }
    require_edit(
        &mut transaction,
        &context,
        &[Permission::EditAssets],
        &before.content.building_ids,
        None,
    )
    .await?;
    if !step.step.from().contains(&before.content.status) {
        return Err(not_from_here(step.step, before.content.status));
    }
    let reason = optional_reason(step.reason.as_deref())?;
    if reason.is_none() && step.step.needs_reason() {
        return Err(Problem::invalid("reason", "必填 / it is missing").remedy("say why, in a few words"));
    }
    let after = step.after(&mut transaction, &context, &before.content, on).await?;
    let revision = revise(&versions, reach(&versions, on), Some(after), context.clock.now());
    let occasion = Occasion::by(&context.actor, reason);
    let action = if step.step == Step::Cancel {
        Action::Close
    } else {
        Action::Change
    };
    let version = write_revision(
        &mut transaction,
        id.0,
        action,
        &revision,
        Some(&before.content),
        &occasion,
    )
    .await?;
    transaction.commit().await?;
    let agreement = load(&context, id, Times::now(&context.clock)).await?;
    Ok(answer(StatusCode::OK, None, version, Json(agreement)))
}
