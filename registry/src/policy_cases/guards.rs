//! What must hold before a case takes a step. Pure: what is asked of the world is read before.

use serde::Serialize;
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::allocation_guards::{self, AllocationFacts};
use super::content::{CaseContent, Decided};
use super::facts::Fact;
use super::housing::{self, HousingFacts};
use super::procedure::{Guard, Procedure};
use super::{receiving, repair_guards, sale_guards};
use crate::approval_thresholds::{AssetClass, Mode, Office, ThresholdContent};
use crate::ids::{PolicyCaseId, SpatialUnitId, TitleId};
use crate::money::Money;
use crate::request::{Fault, Problem, Times};
use crate::title_cases::{DisposalObstacle, disposal_obstacles};
use crate::titles::TitleContent;
use crate::titles::encumbrances::Effect as Strength;
use crate::working_days::WorkingCalendar;

const R19: &str = "行政事业性国有资产管理条例 art. 19";
const R25: &str = "行政事业性国有资产管理条例 art. 25";
const R36: &str = "行政事业性国有资产管理条例 art. 36";
const OFFICE_25: &str = "党政机关办公用房管理办法 art. 25";
const OFFICE_27: &str = "党政机关办公用房管理办法 art. 27";

/// The routes on which an asset goes to others, or goes altogether.
const DISPOSING: [&str; 7] = [
    "transfer_down",
    "swap",
    "lease",
    "auction",
    "develop",
    "demolish",
    "land_return",
];
/// The routes that want another use.
const CONVERTING: [&str; 3] = ["convert_public", "convert_housing", "convert_technical"];

/// The mode that thresholds know a route by; none where nothing is disposed of and one approval is enough.
fn mode_of(route: &str) -> Option<Mode> {
    Some(match route {
        "auction" => Mode::Sell,
        "swap" => Mode::Swap,
        "lease" => Mode::Lease,
        "demolish" => Mode::Scrap,
        "transfer_down" | "reassign_cross" | "land_return" => Mode::TransferFree,
        "convert_public" | "convert_housing" | "convert_technical" => Mode::Convert,
        _ => return None,
    })
}

/// The mode that thresholds know a case by: that of its route, or of what its procedure does.
pub(super) fn mode_for(case: &CaseContent, route: Option<&str>) -> Option<Mode> {
    match case.procedure {
        Procedure::TurnoverHousing => Some(Mode::Convert),
        _ => route.and_then(mode_of),
    }
}

/// What is known of a case's surroundings.
#[derive(Debug)]
pub(super) struct Surroundings {
    pub today: Date,
    /// The working days as they are known now.
    pub calendar: WorkingCalendar,
    pub obstacles: Vec<DisposalObstacle>,
    /// The titles that cover the asset.
    pub titles: Vec<(TitleId, TitleContent)>,
    /// The row that says who approves, for the route that the case is on, or is to take.
    pub threshold: Option<ThresholdContent>,
    /// What is known of the unit that asks.
    pub allocation: Option<AllocationFacts>,
    /// What is known of a house that is to be homes.
    pub housing: Option<HousingFacts>,
}

impl Surroundings {
    pub async fn read(
        connection: &mut PgConnection,
        (id, case): (PolicyCaseId, &CaseContent),
        route: Option<&str>,
        times: Times,
    ) -> Result<Self, Problem> {
        let titles = match case.asset_id {
            None => Vec::new(),
            Some(asset) => titles_in(connection, asset, times.as_of).await?,
        };
        let kind = sqlx::query_scalar!("select kind from spatial_unit where id = $1", case.asset_id)
            .fetch_optional(&mut *connection)
            .await?;
        let class = match kind.as_deref() {
            Some("parcel") => AssetClass::Land,
            _ => AssetClass::Building,
        };
        let threshold = match (mode_for(case, route), &case.region_code, case.details.verification()) {
            (Some(mode), Some(region), Some(found)) => {
                let value = found.book_value.yuan();
                crate::approval_thresholds::find(connection, region, mode, class, value, times.as_of).await?
            }
            _ => None,
        };
        Ok(Self {
            today: times.as_of,
            calendar: WorkingCalendar::in_force(connection).await?,
            obstacles: match case.asset_id {
                None => Vec::new(),
                Some(asset) => disposal_obstacles(connection, SpatialUnitId(asset), times).await?,
            },
            titles,
            threshold,
            allocation: AllocationFacts::read(connection, id, case, times).await?,
            housing: HousingFacts::read(connection, case, route, times.as_of).await?,
        })
    }
}

/// The titles that cover an asset on a day.
///
/// # Errors
/// The database's.
pub(super) async fn titles_in(
    connection: &mut PgConnection,
    asset: Uuid,
    on: Date,
) -> Result<Vec<(TitleId, TitleContent)>, Fault> {
    let ids = sqlx::query_scalar!(
        "select object_id from title_version
              where (parcel_ids @> array[$1::uuid] or building_ids @> array[$1::uuid]) and book_state = '1'
                and valid @> $2::date and upper_inf(recorded)
              order by object_id",
        asset,
        on,
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut titles = Vec::with_capacity(ids.len());
    for id in ids {
        let id = TitleId(id);
        if let Some(content) = crate::titles::current(connection, id).await? {
            titles.push((id, content));
        }
    }
    Ok(titles)
}

/// What a step says of itself.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said<'a> {
    pub reason: bool,
    pub on: Option<Date>,
    pub office: Option<Office>,
    pub price: Option<Money>,
    /// The route that the case is on then.
    pub route: Option<&'a str>,
    /// Who takes it.
    pub actor: Option<&'a str>,
}

/// A guard that doesn't hold: which rule, by which article, in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PolicyUnmet)]
pub struct Unmet {
    /// Which.
    pub guard: Guard,
    /// The rule's number.
    pub rule: Option<&'static str>,
    /// Where the law says so.
    pub article: Option<&'static str>,
    /// What is missing, in Chinese.
    pub zh: String,
    /// What is missing, in English.
    pub en: String,
}

/// Which of the guards don't hold.
pub(super) fn unmet(guards: &[Guard], case: &CaseContent, around: &Surroundings, said: Said<'_>) -> Vec<Unmet> {
    guards
        .iter()
        .filter_map(|guard| {
            let (zh, en) = check(*guard, case, around, said)?;
            let (rule, article) = rule_of(*guard);
            Some(Unmet {
                guard: *guard,
                rule,
                article,
                zh,
                en,
            })
        })
        .collect()
}

/// The rules that guards keep, and DSP-21, which the database keeps.
#[cfg(test)]
pub(crate) fn guarded_rules() -> impl Iterator<Item = &'static str> {
    let guards: std::collections::BTreeSet<Guard> = Procedure::ALL
        .iter()
        .filter_map(|procedure| procedure.definition().ok())
        .flat_map(|definition| {
            definition
                .transitions
                .iter()
                .flat_map(|transition| transition.guards.clone())
        })
        .collect();
    guards
        .into_iter()
        .filter_map(|guard| rule_of(guard).0)
        .chain(["DSP-21"])
}

/// The rule that a guard keeps, and its article.
fn rule_of(guard: Guard) -> (Option<&'static str>, Option<&'static str>) {
    match guard {
        Guard::StockSearched => (Some("ALC-01"), Some("行政事业性国有资产管理条例 art. 11")),
        Guard::DisposalUnobstructed => (
            Some("DSP-03"),
            Some("城市房地产管理法 art. 38; 党政机关办公用房管理办法 art. 5"),
        ),
        Guard::PlanningAgreed => (Some("DSP-13"), Some("土地管理法 art. 56")),
        Guard::DemolitionProven => (Some("DSP-19"), Some(OFFICE_27)),
        Guard::ThresholdKnown
        | Guard::CollectiveDecided
        | Guard::ApprovalInOrder
        | Guard::ApprovalsFollow
        | Guard::ChainComplete => (Some("DSP-06"), Some(R19)),
        Guard::AppraisalPresent => (Some("DSP-04"), Some(R36)),
        Guard::AppraisalCurrent => (Some("DSP-05"), Some(R36)),
        Guard::ThroughExchange => (Some("DSP-08"), Some(R36)),
        Guard::NoticeOver | Guard::ResultNoticeOver => (Some("DSP-22"), Some("机关事务工作“十四五”规划 专栏2")),
        Guard::PriceAboveFloor => (Some("DSP-07"), Some(R36)),
        Guard::AllocatedLandSettled => (
            Some("DSP-11"),
            Some("城市房地产管理法 art. 40; 城镇国有土地使用权出让和转让暂行条例 art. 44"),
        ),
        Guard::CoOwnersAgree => (Some("DSP-23"), Some("民法典 art. 301; 城市房地产管理法 art. 38")),
        Guard::PaidInFull | Guard::RemittedInFull => (Some("DSP-09"), Some(R25)),
        Guard::RepairWindow => (Some("MNT-01"), Some(OFFICE_25)),
        Guard::StagesComplete => (Some("MNT-02"), Some(OFFICE_25)),
        Guard::WorksRecorded => (Some("MNT-03"), Some("机关团体建设楼堂馆所管理条例 art. 28")),
        Guard::WithinStandard => (Some("MNT-05"), Some("机关团体建设楼堂馆所管理条例 art. 28")),
        Guard::StockAnswered => (Some("ALC-01"), Some("行政事业性国有资产管理条例 art. 11")),
        Guard::WithinEntitlement => (Some("SPC-04"), Some("党政机关办公用房建设标准 (2674) art. 3")),
        Guard::LeaseWithinApproval => (Some("ALC-05"), Some("党政机关办公用房建设标准 (2674) art. 3")),
        Guard::BudgetFunded => (Some("ALC-08"), Some("机关团体建设楼堂馆所管理条例 art. 13")),
        Guard::BuildingApproved => (Some("ALC-07"), Some("机关团体建设楼堂馆所管理条例 art. 10")),
        Guard::AccountsRecorded => (Some("ALC-09"), Some("行政事业性国有资产管理条例 art. 31")),
        Guard::OldPremisesHandedOver => (Some("ALC-10"), Some("党政机关办公用房管理办法 art. 17")),
        Guard::HandOverListed | Guard::ReceiverNamed | Guard::AcceptedByReceiver => {
            (Some("DSP-20"), Some("行政事业性国有资产管理条例 art. 22"))
        }
        Guard::RefitDone => (Some("MNT-03"), Some("机关团体建设楼堂馆所管理条例 art. 28")),
        Guard::HousingChosen | Guard::HousingPlanned | Guard::HomesListed | Guard::HousingCaseOpened => {
            (None, Some("方案 2.3 存量公房转化利用"))
        }
        Guard::LeaderWithinLimit => (Some("SPC-01"), Some("党政机关办公用房建设标准 (2674) art. 9")),
        Guard::LeaderOneRoom => (Some("USE-06"), Some("党政机关办公用房管理办法 art. 19")),
        Guard::AllotmentRecorded | Guard::AllotmentFree => (None, Some("党政机关办公用房管理办法 art. 11")),
        Guard::VerificationRecorded | Guard::RoutesScored | Guard::RouteScored => (None, Some(OFFICE_27)),
        Guard::ApplicationRecorded
        | Guard::SiteVisited
        | Guard::CostWithinStandard
        | Guard::PublicationOver
        | Guard::PlanEntryRecorded
        | Guard::CompletionRecorded => (None, Some(OFFICE_25)),
        Guard::ReasonGiven
        | Guard::DateGiven
        | Guard::RoundRecorded
        | Guard::AwardRecorded
        | Guard::PriceGiven
        | Guard::ContractRecorded
        | Guard::NothingPaid
        | Guard::ConstructionRecorded
        | Guard::MovablesListed
        | Guard::LeaderRoomRecorded
        | Guard::EmergencyRecorded => (None, None),
    }
}

/// What is missing, in both languages.
pub(super) fn missing(is_missing: bool, zh: &str, en: &str) -> Option<(String, String)> {
    is_missing.then(|| (zh.to_owned(), en.to_owned()))
}

/// The offices that must approve, in their order: those of the row, or any one where nothing is disposed of.
pub(super) fn chain(around: &Surroundings) -> &[Office] {
    around
        .threshold
        .as_ref()
        .map_or(&[], |threshold| threshold.chain.as_slice())
}

fn obstacle_words(case: &CaseContent, around: &Surroundings) -> Option<(String, String)> {
    let has_word = |kind: &str, holder: &str| case.details.words(kind).any(|word| word == holder);
    let open = around.obstacles.iter().find(|obstacle| match obstacle.effect {
        Strength::Blocks => true,
        Strength::NeedsConsent => !has_word("consent", &obstacle.by),
        Strength::MustTell => !has_word("told", &obstacle.by) && !has_word("consent", &obstacle.by),
        Strength::Warns => false,
    })?;
    let what = match open.kind.as_str() {
        "filed" => "仅权属备案",
        "unregistered" => "未办理权属登记",
        "disputed" | "dispute" => "权属有争议",
        "seizure" => "被查封",
        "mortgage" => "有抵押",
        "objection" => "有异议登记",
        "pre_notice" => "有预告登记",
        other => other,
    };
    let wants = match open.effect {
        Strength::NeedsConsent => ("，须经其同意", ", whose consent is needed"),
        Strength::MustTell => ("，须通知其", ", who must be told"),
        _ => ("，不得处置", ", so it can't be disposed of"),
    };
    let by = match open.kind.as_str() {
        "filed" | "unregistered" | "disputed" => String::new(),
        _ => format!("（{}）", open.by),
    };
    Some((
        format!("资产{what}{by}{}（{}）", wants.0, open.source),
        format!("the asset is {} ({}){} ({})", open.kind, open.by, wants.1, open.source),
    ))
}

/// Is something given for something else?
pub(super) fn is_swap(case: &CaseContent) -> bool {
    case.route.as_deref() == Some("swap") || case.procedure == Procedure::SwapPremises
}

fn approvals_words(
    guard: Guard,
    case: &CaseContent,
    around: &Surroundings,
    said: Said<'_>,
) -> Option<(String, String)> {
    let done = case.details.decisions(Decided::Approval).count();
    let chain = chain(around);
    let needs_row = mode_for(case, case.route.as_deref()).is_some();
    if needs_row && around.threshold.is_none() {
        return threshold_missing(case);
    }
    let names: Vec<&str> = chain.iter().map(|office| office.zh()).collect();
    let order = names.join(" → ");
    match guard {
        Guard::ApprovalInOrder => {
            // Where nothing is disposed of, one approval by any office is enough.
            if !needs_row {
                return missing(
                    said.office.is_none(),
                    "请填写审批部门",
                    "say which office approves (office)",
                );
            }
            let next = chain.get(done);
            missing(
                said.office.is_none() || said.office != next.copied(),
                &format!(
                    "审批权限为{order}，现应由{}审批",
                    next.map_or("（无）", |office| office.zh())
                ),
                &format!(
                    "the chain is {}, and the next is {}",
                    chain
                        .iter()
                        .map(|office| office.as_str())
                        .collect::<Vec<_>>()
                        .join(" → "),
                    next.map_or("nobody", |office| office.as_str())
                ),
            )
        }
        Guard::ApprovalsFollow => missing(
            !needs_row || done + 1 >= chain.len(),
            "这是最后一级审批，请直接批复",
            "this is the last of the chain: approve it",
        ),
        _ => missing(
            needs_row && done + 1 != chain.len(),
            &format!("越权审批：审批权限为{order}，还有后续审批"),
            &format!(
                "others of the chain come after it: {}",
                chain
                    .iter()
                    .map(|office| office.as_str())
                    .collect::<Vec<_>>()
                    .join(" → ")
            ),
        ),
    }
}

fn threshold_missing(case: &CaseContent) -> Option<(String, String)> {
    let region = case.region_code.as_deref().unwrap_or("—");
    let value = case
        .details
        .verification()
        .map_or_else(|| "—".to_owned(), |found| found.book_value.to_string());
    missing(
        true,
        &format!("行政区划{region}没有规定账面价值{value}元的审批权限，请系统管理员先设定"),
        &format!(
            "no row of thresholds covers the region {region} and the book value {value}: an administrator sets it"
        ),
    )
}

/// A guard that was sent to the wrong place holds nowhere: nothing gets by unasked.
pub(super) fn misplaced(guard: Guard) -> Option<(String, String)> {
    let name = workflow::word(&guard);
    missing(
        true,
        &format!("程序没有实现检查项 {name}"),
        &format!("nothing looks at the guard {name}"),
    )
}

/// Is a fact of that kind on record?
pub(super) fn has(case: &CaseContent, kind: &str) -> bool {
    case.details.facts().any(|(_, fact)| fact.kind() == kind)
}

fn check(guard: Guard, case: &CaseContent, around: &Surroundings, said: Said<'_>) -> Option<(String, String)> {
    let details = &case.details;
    let today = around.today;
    match guard {
        Guard::ReasonGiven => missing(!said.reason, "请说明理由", "say why (reason)"),
        Guard::DateGiven => missing(
            said.on.is_none_or(|on| on > today),
            "请填写日期，不得在将来",
            "the day is missing, or lies in the future (on)",
        ),
        Guard::VerificationRecorded => missing(
            details.verification().is_none(),
            "没有现场核实记录(测量、权属、安全、账面价值)",
            "the record of the site visit is missing (verification)",
        ),
        Guard::RoutesScored => {
            let routes: std::collections::BTreeSet<&str> = details
                .facts()
                .filter_map(|(_, fact)| match fact {
                    Fact::Score(score) => Some(score.route.as_str()),
                    _ => None,
                })
                .collect();
            missing(
                routes.len() < 2,
                "至少比选两个方案",
                "compare two routes at least (score)",
            )
        }
        Guard::RouteScored => {
            let is_scored = details.facts().any(|(_, fact)| match fact {
                Fact::Score(score) => Some(score.route.as_str()) == said.route,
                _ => false,
            });
            missing(
                !is_scored,
                "所选方案未经比选",
                "the route that is chosen was not compared (score)",
            )
        }
        Guard::StockSearched => missing(
            matches!(said.route, Some("swap" | "develop")) && !has(case, "stock_search"),
            "置换、建设前须先查找存量（调剂优先）",
            "before a swap or a development the stock is searched (stock_search)",
        ),
        Guard::DisposalUnobstructed => {
            let route = said.route.or(case.route.as_deref());
            if is_swap(case)
                || matches!(case.procedure, Procedure::HandDown | Procedure::TurnoverHousing)
                || route.is_some_and(|route| DISPOSING.contains(&route))
            {
                obstacle_words(case, around)
            } else {
                None
            }
        }
        Guard::PlanningAgreed => missing(
            (said.route.is_some_and(|route| CONVERTING.contains(&route)) || housing::changes_use(case))
                && !details.documents().contains("planning_opinion"),
            "转换用途须有规划意见",
            "another use needs the planning opinion (document planning_opinion)",
        ),
        Guard::DemolitionProven => missing(
            said.route == Some("demolish") && !details.documents().contains("safety_appraisal"),
            "拆除须有房屋安全鉴定报告",
            "a demolition needs the report on the building's safety (document safety_appraisal)",
        ),
        Guard::ThresholdKnown => match mode_for(case, said.route) {
            Some(_) if around.threshold.is_none() => threshold_missing(case),
            _ => None,
        },
        Guard::CollectiveDecided => missing(
            details.decisions(Decided::Collective).next().is_none(),
            "没有集体决策记录",
            "no collective decision is on record",
        ),
        Guard::ApprovalInOrder | Guard::ApprovalsFollow | Guard::ChainComplete => {
            approvals_words(guard, case, around, said)
        }
        Guard::PriceGiven => missing(
            said.price.is_none(),
            "请填写同意的价格",
            "say the price that is approved (price)",
        ),
        Guard::HandOverListed => missing(
            details.hand_over().is_none(),
            "没有移交清单（资料、钥匙、租约）",
            "the hand-over list is missing (hand_over: papers, keys, leases)",
        ),
        Guard::ReceiverNamed => receiving::receiver_named(case, said.route),
        Guard::AcceptedByReceiver => receiving::accepted(case, said.actor),
        Guard::MovablesListed if case.procedure == Procedure::IdleDisposal => missing(
            !has(case, "movables"),
            "移交公物仓的清单尚未登记",
            "the list of what goes to the shared store is missing (movables)",
        ),
        Guard::StockAnswered
        | Guard::WithinEntitlement
        | Guard::AllotmentRecorded
        | Guard::AllotmentFree
        | Guard::LeaseWithinApproval
        | Guard::ConstructionRecorded
        | Guard::BudgetFunded
        | Guard::BuildingApproved
        | Guard::AccountsRecorded
        | Guard::OldPremisesHandedOver
        | Guard::MovablesListed
        | Guard::LeaderRoomRecorded
        | Guard::LeaderWithinLimit
        | Guard::LeaderOneRoom => allocation_guards::check(guard, case, around.allocation.as_ref(), today),
        Guard::HousingChosen
        | Guard::HousingPlanned
        | Guard::RefitDone
        | Guard::HomesListed
        | Guard::HousingCaseOpened => housing::check(guard, case, around.housing.as_ref()),
        Guard::AppraisalPresent
        | Guard::AppraisalCurrent
        | Guard::RoundRecorded
        | Guard::ThroughExchange
        | Guard::NoticeOver
        | Guard::AwardRecorded
        | Guard::PriceAboveFloor
        | Guard::ResultNoticeOver
        | Guard::ContractRecorded
        | Guard::AllocatedLandSettled
        | Guard::CoOwnersAgree
        | Guard::NothingPaid
        | Guard::PaidInFull
        | Guard::RemittedInFull => sale_guards::check(guard, case, around),
        Guard::ApplicationRecorded
        | Guard::RepairWindow
        | Guard::SiteVisited
        | Guard::WithinStandard
        | Guard::CostWithinStandard
        | Guard::PublicationOver
        | Guard::StagesComplete
        | Guard::PlanEntryRecorded
        | Guard::WorksRecorded
        | Guard::CompletionRecorded
        | Guard::EmergencyRecorded => repair_guards::check(guard, case, today),
    }
}

/// The title that covers an asset and nothing else, where there is exactly one.
pub(super) fn only_title(around: &Surroundings, asset: Uuid) -> Option<&(TitleId, TitleContent)> {
    match around.titles.as_slice() {
        [one]
            if one.1.building_ids.iter().all(|id| *id == asset)
                && (!one.1.building_ids.is_empty() || one.1.parcel_ids.iter().all(|id| *id == asset)) =>
        {
            Some(one)
        }
        _ => None,
    }
}
