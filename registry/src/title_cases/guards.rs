//! What must hold before a case takes a step. Pure: the facts are read before.

use std::collections::BTreeSet;

use serde::Serialize;
use sqlx::PgConnection;
use time::Date;

use super::content::{CaseContent, RETURN_CHECKS};
use super::procedure::{Definition, Guard};
use crate::ids::TitleId;
use crate::request::{Fault, Problem, Times};
use crate::titles::TitleStatement;
use crate::titles::dictionaries::{PolicyAction, RegistrationType, RightNature};
use crate::titles::encumbrances::{Act, Effect, Encumbrance, encumbrances_of, obstacles};
use crate::unit_code::{LandOwnership, ParcelKind, UnitCode};

/// Certificate and survey may differ by this share before somebody has to say why (TTL-07).
const AREA_TOLERANCE: f64 = 0.03;

/// What is known of a case's surroundings.
#[derive(Debug)]
pub(super) struct Facts {
    pub today: Date,
    pub asset_is_building: bool,
    pub shape_known: bool,
    pub encumbrances: Vec<Encumbrance>,
}

impl Facts {
    pub async fn read(connection: &mut PgConnection, case: &CaseContent, times: Times) -> Result<Self, Fault> {
        let asset = sqlx::query!(
            r#"select u.kind, exists (select from spatial_unit_version v
                                       where v.object_id = u.id and v.valid @> $2::date and upper_inf(v.recorded)
                                         and v.geometry is not null) as "shape_known!"
                 from spatial_unit u where u.id = $1"#,
            case.asset_id,
            times.as_of,
        )
        .fetch_optional(&mut *connection)
        .await?;
        let encumbrances = match case.title_id {
            None => Vec::new(),
            Some(title) => encumbrances_of(connection, TitleId(title), times).await?,
        };
        Ok(Self {
            today: times.as_of,
            asset_is_building: asset.as_ref().is_some_and(|asset| asset.kind == "building"),
            shape_known: asset.is_some_and(|asset| asset.shape_known),
            encumbrances,
        })
    }
}

/// What a step says of itself.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said {
    pub reason: bool,
    pub on: Option<Date>,
    pub refusal_ground: bool,
    pub certificate: bool,
}

/// A guard that doesn't hold, in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Unmet {
    /// Which.
    pub guard: Guard,
    /// What is missing, in Chinese.
    pub zh: String,
    /// What is missing, in English.
    pub en: String,
}

/// A document of the list and whether it is there.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Wanted {
    /// Its kind.
    pub kind: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// Is it there?
    pub here: bool,
}

/// The documents of a registration type (or `file`) for a case.
pub(super) fn wanted_documents(definition: &Definition, case: &CaseContent, facts: &Facts, of: &str) -> Vec<Wanted> {
    let Some(list) = definition.documents.iter().find(|list| list.registration_type == of) else {
        return Vec::new();
    };
    let draft = |field: &str| case.details.draft.get(field);
    let with_building = facts.asset_is_building
        || draft("building_ids")
            .and_then(|ids| ids.as_array())
            .is_some_and(|ids| !ids.is_empty());
    let allocated =
        draft("right_nature_land").and_then(|nature| nature.as_str()) == Some(RightNature::Allocated.code());
    let here: BTreeSet<&str> = case
        .details
        .documents
        .iter()
        .map(|document| document.kind.as_str())
        .collect();
    let mut kinds: Vec<&String> = list.required.iter().collect();
    if with_building {
        kinds.extend(&list.with_building);
    }
    if allocated {
        kinds.extend(&list.allocated);
    }
    kinds
        .into_iter()
        .map(|kind| {
            let label = definition.document_kinds.get(kind);
            Wanted {
                kind: kind.clone(),
                zh: label.map(|label| label.zh.clone()).unwrap_or_default(),
                en: label.map(|label| label.en.clone()).unwrap_or_default(),
                here: here.contains(kind.as_str()),
            }
        })
        .collect()
}

/// What the title is to say once it is recorded on a day.
///
/// # Errors
/// The first rule that is broken, by its field.
pub(super) fn title_terms(case: &CaseContent, recorded_on: Date) -> Result<TitleStatement, Problem> {
    let mut statement = TitleStatement::read(serde_json::Value::Object(case.details.draft.clone()))?;
    statement.unit_code = case.unit_code.clone();
    statement.policy_action = case.details.policy_action;
    statement.registration_type = case.details.registration_type;
    statement.accepted_on = case.details.clock.as_ref().map(|clock| clock.accepted_on);
    statement.recorded_on = Some(recorded_on);
    statement.issued_on = None;
    statement.valid_from = Some(recorded_on);
    Ok(statement)
}

/// Which of the guards don't hold.
pub(super) fn unmet(
    guards: &[Guard],
    definition: &Definition,
    case: &CaseContent,
    facts: &Facts,
    said: Said,
) -> Vec<Unmet> {
    guards
        .iter()
        .filter_map(|guard| {
            check(*guard, definition, case, facts, said).map(|(zh, en)| Unmet { guard: *guard, zh, en })
        })
        .collect()
}

/// What a field of a title is called on the certificate.
fn field_zh(field: &str) -> &str {
    match field.split(['[', '.']).next().unwrap_or(field) {
        "evidence" => "证照情况",
        "unit_code" => "不动产单元号",
        "cert_no" => "不动产权证号",
        "holders" => "权利人",
        "co_ownership" => "共有情况",
        "right_type" => "权利类型",
        "right_nature_land" | "right_nature_house" => "权利性质",
        "land_use_scheme" | "land_use_code" | "house_use" => "用途",
        "land_area_m2" | "house_area_m2" => "面积",
        "term_from" | "term_to" => "使用期限",
        "parcel_ids" | "building_ids" => "宗地或楼栋",
        "old_land_certificate" => "国有土地使用证号",
        "old_house_certificate" => "房屋所有权证号",
        _ => field,
    }
}

fn check(
    guard: Guard,
    definition: &Definition,
    case: &CaseContent,
    facts: &Facts,
    said: Said,
) -> Option<(String, String)> {
    let details = &case.details;
    let missing = |is_missing: bool, zh: &str, en: &str| is_missing.then(|| (zh.to_owned(), en.to_owned()));
    let papers = |of: &str| {
        let lacking: Vec<Wanted> = wanted_documents(definition, case, facts, of)
            .into_iter()
            .filter(|wanted| !wanted.here)
            .collect();
        let names = |name: fn(&Wanted) -> &str| lacking.iter().map(name).collect::<Vec<_>>();
        (!lacking.is_empty()).then(|| {
            (
                format!("缺少材料：{}", names(|wanted| &wanted.zh).join("、")),
                format!("missing documents: {}", names(|wanted| &wanted.en).join(", ")),
            )
        })
    };
    match guard {
        Guard::PolicyActionGiven => {
            let needs_type = matches!(
                details.policy_action,
                Some(PolicyAction::ReRegister | PolicyAction::FirstRegister | PolicyAction::Return)
            );
            missing(
                details.policy_action.is_none() || (needs_type && details.registration_type.is_none()),
                "请选择措施和登记类型",
                "choose the policy action and the registration type",
            )
            .or_else(|| {
                missing(
                    details.policy_action == Some(PolicyAction::ReRegister)
                        && details.registration_type != Some(RegistrationType::Transfer)
                        && details.choice_reason.is_none(),
                    "权利人改变一般为转移登记；选择其他类型请说明理由",
                    "another holder is normally a transfer: say why it is another registration type (choice_reason)",
                )
            })
        }
        Guard::ReasonGiven => missing(!said.reason, "请说明理由", "say why (reason)"),
        Guard::ApprovalGiven => missing(
            details.approval.is_none(),
            "缺少核准文件",
            "the document of approval is missing (approval)",
        ),
        Guard::ConsentGiven => missing(
            details.approval.is_none(),
            "缺少书面同意或决定",
            "the written consent or decision is missing (approval)",
        ),
        Guard::ReturnChecksDone => {
            let done: BTreeSet<&str> = details.return_checks.iter().map(|check| check.check.as_str()).collect();
            let open: Vec<_> = RETURN_CHECKS
                .iter()
                .filter(|(name, _, _)| !done.contains(name))
                .collect();
            (!open.is_empty()).then(|| {
                let zh: Vec<_> = open.iter().map(|(_, zh, _)| *zh).collect();
                let en: Vec<_> = open.iter().map(|(name, _, _)| *name).collect();
                (
                    format!("尚未核查：{}", zh.join("、")),
                    format!("not checked yet: {}", en.join(", ")),
                )
            })
        }
        Guard::EncumbrancesHandled => {
            let act = match details.registration_type {
                Some(RegistrationType::First) => Act::FirstRegistration,
                Some(RegistrationType::Cancel) => Act::Cancel,
                Some(RegistrationType::Change | RegistrationType::Correct) => Act::Change,
                _ => Act::Transfer,
            };
            let open = obstacles(&facts.encumbrances, act)
                .into_iter()
                .find(|obstacle| match obstacle.effect {
                    Effect::Blocks => true,
                    Effect::NeedsConsent => !details.consents.contains(&obstacle.holder),
                    Effect::MustTell => {
                        !details.told.contains(&obstacle.holder) && !details.consents.contains(&obstacle.holder)
                    }
                    Effect::Warns => false,
                });
            open.map(|obstacle| {
                (
                    format!(
                        "权利负担未处理：{}({},{})",
                        obstacle.kind.zh(),
                        obstacle.holder,
                        obstacle.source
                    ),
                    format!(
                        "{} of {} is in the way ({})",
                        obstacle.kind.en(),
                        obstacle.holder,
                        obstacle.source
                    ),
                )
            })
        }
        Guard::DocumentsComplete => match details.registration_type {
            Some(registration) => papers(registration.code()),
            None => missing(true, "未选择登记类型", "no registration type is chosen"),
        },
        Guard::FilingDocumentsComplete => papers("file"),
        Guard::UnitCodeFirm => {
            let code = case.unit_code.as_deref().map(UnitCode::parse);
            match code {
                Some(Ok(code)) if !code.is_provisional() => None,
                Some(Ok(_)) => missing(true, "不动产单元代码为临时代码", "the unit code is a provisional one"),
                Some(Err(refused)) => Some((refused.zh, refused.en)),
                None => missing(true, "缺少不动产单元代码", "the unit code is missing"),
            }
        }
        Guard::ShapeKnown => missing(!facts.shape_known, "资产没有图形", "the asset has no shape"),
        Guard::AreaChecked => match &details.area {
            None => missing(true, "未核对面积", "the areas are not compared (area)"),
            Some(area) => {
                let differs = area
                    .certificate_m2
                    .is_some_and(|certificate| (area.surveyed_m2 - certificate).abs() > AREA_TOLERANCE * certificate);
                missing(
                    area.surveyed_m2 <= 0.0 || (differs && area.accepted_because.is_none()),
                    "实测与证载面积相差超过3%,请说明理由",
                    "survey and certificate differ by more than 3 %: say why that is right (accepted_because)",
                )
            }
        },
        Guard::NoOpenDispute => {
            let disputed_code = case
                .unit_code
                .as_deref()
                .and_then(|code| UnitCode::parse(code).ok())
                .is_some_and(|code| {
                    code.parcel_kind() == ParcelKind::Disputed || code.ownership() == LandOwnership::Undetermined
                });
            let dispute = facts.encumbrances.iter().any(|encumbrance| {
                !encumbrance.lapsed && encumbrance.kind == crate::titles::dictionaries::EncumbranceKind::Dispute
            });
            missing(
                disputed_code || dispute,
                "存在尚未解决的权属争议",
                "a dispute of ownership is open",
            )
        }
        Guard::TitleTermsGiven => {
            let terms = title_terms(case, facts.today).and_then(|mut statement| {
                statement.accepted_on = None;
                statement.content(facts.today, None)
            });
            terms.err().map(|problem| {
                let field = problem.field.unwrap_or_default();
                (
                    format!("登记内容不完整或有误：{}", field_zh(&field)),
                    format!("what the title is to say is not complete: {field}: {}", problem.detail),
                )
            })
        }
        Guard::DateGiven => match said.on {
            None => missing(true, "请填写日期", "the day is missing (on)"),
            Some(on) => {
                let earliest = details
                    .recorded_on
                    .or(details.clock.as_ref().map(|clock| clock.accepted_on));
                missing(
                    on > facts.today || earliest.is_some_and(|earliest| on < earliest),
                    "日期在将来，或早于上一步",
                    "the day is in the future, or before that of the step before it",
                )
            }
        },
        Guard::SupplementNotUsed => missing(
            details.supplement.is_some(),
            "补正只能一次性告知",
            "a supplement is asked for once, and was",
        ),
        Guard::RefusalGroundGiven => missing(
            !said.refusal_ground,
            "请选择不予登记的情形",
            "name the ground of refusal (refusal_ground)",
        ),
        Guard::CertificateGiven => missing(
            !said.certificate,
            "请填写证号",
            "the certificate's number is missing (cert_no)",
        ),
        Guard::FilingReasonGiven => missing(
            details.filing_reasons.is_empty() || details.filing_evidence.is_none(),
            "请选择备案原因并说明依据",
            "choose the reasons for filing and give the evidence (filing_reasons, filing_evidence)",
        ),
    }
}
