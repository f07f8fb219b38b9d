//! What must hold before a case takes a step. Pure: the facts are read before.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::content::{CaseContent, CaseDetails, RETURN_CHECKS};
use super::procedure::{Definition, Guard};
use crate::ids::TitleId;
use crate::request::{Fault, Problem, Times};
use crate::successions::{old_ones, require_rooms_assigned};
use crate::titles::dictionaries::{HolderKind, PolicyAction, RegistrationType, RightNature};
use crate::titles::encumbrances::{Act, Effect, Encumbrance, encumbrances_of, obstacles};
use crate::titles::{TitleContent, TitleStatement};
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
    /// What the book says of the title that is dealt with.
    pub title: Option<TitleContent>,
    /// The titles that a split or merge touches.
    pub touched: Vec<(TitleId, TitleContent)>,
    /// Why the plan of a split or merge can't be carried out as things are; none where it can, or where there is none.
    pub plan_trouble: Option<Problem>,
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
        let mut encumbrances = match case.title_id {
            None => Vec::new(),
            Some(title) => encumbrances_of(&mut *connection, TitleId(title), times).await?,
        };
        let (mut touched, mut plan_trouble) = (Vec::new(), None);
        let is_planned = !matches!(case.state.as_str(), "recorded" | "certified" | "archived");
        if let Some(plan) = case.details.succession.as_ref().filter(|_| is_planned) {
            touched = titles_of(connection, &plan.from_ids, times.as_of).await?;
            for (title, _) in touched.iter().filter(|(title, _)| Some(title.0) != case.title_id) {
                encumbrances.extend(encumbrances_of(&mut *connection, *title, times).await?);
            }
            plan_trouble = match old_ones(connection, plan, times.as_of).await {
                Ok(old) => match old.measure.require_conserved() {
                    Ok(()) => require_rooms_assigned(connection, plan, times.as_of).await.err(),
                    Err(problem) => Some(problem),
                },
                Err(problem) => Some(problem),
            };
        }
        let title = match case.title_id {
            None => None,
            Some(title) => crate::titles::current(connection, TitleId(title)).await?,
        };
        Ok(Self {
            today: times.as_of,
            asset_is_building: asset.as_ref().is_some_and(|asset| asset.kind == "building"),
            shape_known: asset.is_some_and(|asset| asset.shape_known),
            encumbrances,
            title,
            touched,
            plan_trouble,
        })
    }
}

/// The current titles in some assets on a day.
///
/// # Errors
/// The database's.
pub(super) async fn titles_of(
    connection: &mut PgConnection,
    assets: &[Uuid],
    on: Date,
) -> Result<Vec<(TitleId, TitleContent)>, Fault> {
    let ids = sqlx::query_scalar!(
        "select object_id from title_version
          where (parcel_ids && $1 or building_ids && $1) and book_state = '1' and valid @> $2::date and upper_inf(recorded)
          order by object_id",
        assets,
        on,
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut titles = Vec::with_capacity(ids.len());
    for id in ids {
        if let Some(content) = crate::titles::current(connection, TitleId(id)).await? {
            titles.push((TitleId(id), content));
        }
    }
    Ok(titles)
}

/// What a step says of itself.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said {
    pub reason: bool,
    pub on: Option<Date>,
    pub refusal_ground: bool,
    /// So many certificates.
    pub certificates: usize,
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
    let terms = terms(case, facts.title.as_ref());
    let draft = |field: &str| terms.get(field);
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
    if case.details.policy_action == Some(PolicyAction::SplitMerge) {
        kinds.extend(&list.with_split);
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

/// What belongs to one certificate and not to the next.
pub(super) const OF_THE_CERTIFICATE: [&str; 3] = ["cert_no", "print_serial", "issued_on"];

/// What the title is to say: what the book says of it, and the draft laid over it; null empties a field.
pub(super) fn terms(case: &CaseContent, book: Option<&TitleContent>) -> Map<String, Value> {
    let mut terms = book.map(|title| TitleStatement::of(title).fields()).unwrap_or_default();
    for field in OF_THE_CERTIFICATE {
        terms.remove(field);
    }
    for (field, value) in &case.details.draft {
        if value.is_null() {
            terms.remove(field);
        } else {
            terms.insert(field.clone(), value.clone());
        }
    }
    terms
}

/// What the title is to say once it is recorded on a day.
///
/// # Errors
/// The first rule that is broken, by its field.
pub(super) fn title_terms(
    case: &CaseContent,
    book: Option<&TitleContent>,
    recorded_on: Date,
) -> Result<TitleStatement, Problem> {
    let mut statement = TitleStatement::read(Value::Object(terms(case, book)))?;
    statement.unit_code = case.unit_code.clone();
    statement.policy_action = case.details.policy_action;
    statement.registration_type = case.details.registration_type;
    statement.accepted_on = case.details.clock.as_ref().map(|clock| clock.accepted_on);
    statement.recorded_on = Some(recorded_on);
    statement.issued_on = None;
    statement.valid_from = Some(recorded_on);
    Ok(statement)
}

/// What a case is to bring about, as encumbrances look at it.
pub(super) fn act_of(case: &CaseContent) -> Act {
    if case.details.policy_action == Some(PolicyAction::SplitMerge) {
        return Act::Split;
    }
    match case.details.registration_type {
        Some(RegistrationType::First) => Act::FirstRegistration,
        Some(RegistrationType::Cancel) => Act::Cancel,
        Some(RegistrationType::Change | RegistrationType::Correct) => Act::Change,
        _ => Act::Transfer,
    }
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

/// Is a check said to be done without the paper it rests on?
pub(super) fn is_without_paper(details: &CaseDetails, check: &str) -> bool {
    let mut said = details
        .return_checks
        .iter()
        .filter(|done| done.check == check)
        .peekable();
    said.peek().is_some() && said.all(|done| done.paper.as_deref().is_none_or(|paper| paper.trim().is_empty()))
}

/// Is a platform company no longer to hold what the book says that it holds?
fn leaves_company(case: &CaseContent, book: Option<&TitleContent>) -> bool {
    let is_company = |kind: &str| kind == HolderKind::PlatformCompany.code();
    let held = book.is_some_and(|title| title.holders.iter().any(|holder| is_company(holder.kind.code())));
    let stays = terms(case, book)
        .get("holders")
        .and_then(Value::as_array)
        .is_some_and(|holders| {
            holders
                .iter()
                .any(|holder| holder["kind"].as_str().is_some_and(is_company))
        });
    held && !stays
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

/// What the case entered on its title, where it still lies there.
fn entered<'a>(details: &CaseDetails, facts: &'a Facts) -> Option<&'a Encumbrance> {
    facts
        .encumbrances
        .iter()
        .find(|encumbrance| Some(encumbrance.id) == details.encumbrance_id)
}

/// Why a split or merge can't be put forward as it is planned.
fn succession_trouble(case: &CaseContent, facts: &Facts) -> Option<(String, String)> {
    let details = &case.details;
    let trouble = |zh: &str, en: &str| Some((zh.to_owned(), en.to_owned()));
    let Some(plan) = &details.succession else {
        return trouble("请填写分割合并方案", "say what is to become of what (succession)");
    };
    if let Some(problem) = &facts.plan_trouble {
        return Some((
            format!("分割合并方案与现状不符：{}", problem.detail),
            format!("the plan doesn't fit what is registered: {}", problem.detail),
        ));
    }
    let is_firm = |code: &str| UnitCode::parse(code).is_ok_and(|code| !code.is_provisional());
    let lacks_code = plan
        .pieces
        .iter()
        .any(|piece| piece.id.is_none() && !piece.unit_code.as_deref().is_some_and(is_firm));
    if lacks_code && !facts.asset_is_building {
        return trouble(
            "新的宗地缺少正式的不动产单元代码",
            "a new parcel has no firm unit code of its own",
        );
    }
    let covers_more = facts.touched.iter().any(|(_, title)| {
        !facts.asset_is_building && title.parcel_ids.iter().any(|parcel| !plan.from_ids.contains(parcel))
    });
    if covers_more {
        return trouble(
            "原权利还涵盖其他宗地，请先办理变更",
            "the old title covers other parcels, too: let them be taken out of it by a change first",
        );
    }
    let holders = |title: &TitleContent| TitleStatement::of(title).fields().remove("holders");
    let book = facts.title.as_ref().and_then(holders);
    let differ = facts.touched.iter().any(|(_, title)| holders(title) != book);
    let moves = differ
        || plan.pieces.iter().any(|piece| piece.holders.is_some())
        || terms(case, facts.title.as_ref()).get("holders") != book.as_ref();
    if moves && details.registration_type != Some(RegistrationType::Transfer) {
        return trouble(
            "权利人改变的分割合并为转移登记(200)",
            "where the holders change, a split or merge is a transfer (registration type 200)",
        );
    }
    let is_company = facts
        .touched
        .iter()
        .flat_map(|(_, title)| &title.holders)
        .any(|holder| holder.kind == HolderKind::PlatformCompany);
    if moves && is_company {
        return trouble(
            "登记在平台公司名下的权利，权利人的改变须按规范划转办理",
            "what a platform company holds passes to another by a return alone",
        );
    }
    None
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
                Some(
                    PolicyAction::ReRegister
                        | PolicyAction::FirstRegister
                        | PolicyAction::Return
                        | PolicyAction::Change
                        | PolicyAction::Correct
                        | PolicyAction::SplitMerge
                        | PolicyAction::Cancel
                        | PolicyAction::Objection
                        | PolicyAction::PreNotice
                        | PolicyAction::Seizure
                )
            );
            let own_type = match details.policy_action {
                Some(PolicyAction::Change) => Some(RegistrationType::Change),
                Some(PolicyAction::Correct) => Some(RegistrationType::Correct),
                // The same holder, or rights that move.
                Some(PolicyAction::SplitMerge) => details
                    .registration_type
                    .filter(|registration| *registration == RegistrationType::Transfer)
                    .or(Some(RegistrationType::Change)),
                Some(PolicyAction::Cancel) => Some(RegistrationType::Cancel),
                Some(PolicyAction::Objection) => Some(RegistrationType::Objection),
                Some(PolicyAction::PreNotice) => Some(RegistrationType::PreNotice),
                Some(PolicyAction::Seizure) => Some(RegistrationType::Seizure),
                _ => None,
            };
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
            .or_else(|| {
                missing(
                    own_type.is_some() && case.title_id.is_none(),
                    "此项登记须针对登记簿中已有的权利",
                    "this is about a title that is in the book: name it (title_id)",
                )
            })
            .or_else(|| {
                missing(
                    own_type.is_some() && details.registration_type != own_type,
                    "登记类型与所选措施不符",
                    "the registration type is not that of the policy action",
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
                .filter(|check| !done.contains(check.name))
                .collect();
            (!open.is_empty()).then(|| {
                let zh: Vec<_> = open.iter().map(|check| check.zh).collect();
                let en: Vec<_> = open.iter().map(|check| check.name).collect();
                (
                    format!("尚未核查：{}", zh.join("、")),
                    format!("not checked yet: {}", en.join(", ")),
                )
            })
        }
        Guard::ReturnPapersGiven => {
            let open: Vec<_> = RETURN_CHECKS
                .iter()
                .filter_map(|check| Some((check, check.paper?)))
                .filter(|(check, _)| is_without_paper(details, check.name))
                .collect();
            (!open.is_empty()).then(|| {
                let zh: Vec<_> = open
                    .iter()
                    .map(|(check, (zh, _))| format!("{}：{zh}", check.zh))
                    .collect();
                let en: Vec<_> = open
                    .iter()
                    .map(|(check, (_, en))| format!("{}: {en}", check.name))
                    .collect();
                (
                    format!("核查缺少依据文件：{}", zh.join("；")),
                    format!("checks without their paper: {}", en.join("; ")),
                )
            })
        }
        Guard::CompanyReturns => {
            let may = matches!(
                details.policy_action,
                Some(PolicyAction::Return | PolicyAction::Correct)
            );
            missing(
                !may && leaves_company(case, facts.title.as_ref()),
                "登记在平台公司名下的权利，权利人的改变须按规范划转办理",
                "what a platform company holds passes to another by a return alone: classify the case anew",
            )
        }
        Guard::EncumbrancesHandled => {
            // Where rights move with a split, what bars a transfer bars it, too.
            let moves = act_of(case) == Act::Split && details.registration_type == Some(RegistrationType::Transfer);
            let of_transfer = obstacles(&facts.encumbrances, Act::Transfer);
            let open = obstacles(&facts.encumbrances, act_of(case))
                .into_iter()
                .chain(of_transfer.into_iter().filter(|_| moves))
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
            let terms = title_terms(case, facts.title.as_ref(), facts.today).and_then(|mut statement| {
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
                    "日期在将来，或早于上一步(TTL-20)",
                    "the day is in the future, or before that of the step before it (TTL-20)",
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
            said.certificates != details.title_ids.len().max(1),
            "请填写证号；分割后的每项权利各一个",
            "the certificate's number is missing (cert_no); of a split one for each new title, in its order (cert_nos)",
        ),
        Guard::SuccessionGiven => succession_trouble(case, facts),
        Guard::EndGiven => missing(
            case.title_id.is_none() || details.end_cause.is_none(),
            "请选择注销事由",
            "say why the title ends (end_cause)",
        ),
        Guard::EntryGiven => {
            let kind = details.entry.as_ref().map(|entry| entry.kind.code());
            let policy = details.policy_action.map(PolicyAction::code);
            missing(
                case.title_id.is_none() || kind.is_none() || kind != policy,
                "请填写拟记载的异议、预告或查封",
                "say what is to be entered on the title (entry), of the kind that the case is about",
            )
        }
        Guard::SuitInTime => {
            let last = entered(details, facts).and_then(|entered| entered.expires_on);
            missing(
                said.on.is_some_and(|on| last.is_none_or(|last| on > last)),
                "异议登记已失效，或已记载起诉(民法典第220条)",
                "the objection had lapsed by then, or its suit is noted already (Civil Code art. 220)",
            )
        }
        Guard::EntryLapsed => missing(
            entered(details, facts).is_some_and(|entered| !entered.lapsed),
            "尚未失效",
            "it has not lapsed yet",
        ),
        Guard::FilingReasonGiven => missing(
            details.filing_reasons.is_empty() || details.filing_evidence.is_none(),
            "请选择备案原因并说明依据",
            "choose the reasons for filing and give the evidence (filing_reasons, filing_evidence)",
        ),
    }
}
