//! What must hold before a case takes a step. Pure: what is asked of the world is read before.

use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgConnection;
use time::{Date, Month};
use uuid::Uuid;

use super::allocation_guards::{self, AllocationFacts};
use super::content::{CaseContent, Decided};
use super::facts::{
    Assessment, Completion, CostReview, Emergency, Fact, Necessity, PlanEntry, Publication, Side, Works,
};
use super::housing::{self, HousingFacts};
use super::procedure::{Guard, Procedure};
use crate::approval_thresholds::{AssetClass, Mode, Office, ThresholdContent};
use crate::ids::{PolicyCaseId, SpatialUnitId, TitleId};
use crate::money::Money;
use crate::request::{Fault, Problem, Times};
use crate::title_cases::{DisposalObstacle, disposal_obstacles};
use crate::titles::TitleContent;
use crate::titles::dictionaries::{CoOwnership, RightNature};
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
        Guard::HandOverListed => (Some("DSP-20"), Some("行政事业性国有资产管理条例 art. 22")),
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

fn missing(is_missing: bool, zh: &str, en: &str) -> Option<(String, String)> {
    is_missing.then(|| (zh.to_owned(), en.to_owned()))
}

/// The last day on which a repair is applied for, for the plan of a year: 1 August of the year before.
pub(super) fn repair_deadline(for_year: i32) -> Option<Date> {
    Date::from_calendar_date(for_year - 1, Month::August, 1).ok()
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
fn is_swap(case: &CaseContent) -> bool {
    case.route.as_deref() == Some("swap") || case.procedure == Procedure::SwapPremises
}

fn appraisals_missing(case: &CaseContent) -> Option<(String, String)> {
    missing(
        case.details.appraisal(Side::Own).is_none(),
        "未评估：转让、拍卖、置换、出租前须评估",
        "it is not appraised; a sale, swap or letting needs an appraisal",
    )
    .or_else(|| {
        missing(
            is_swap(case) && case.details.appraisal(Side::Other).is_none(),
            "置换的另一方资产未评估",
            "the other side of the swap is not appraised",
        )
    })
}

fn appraisals_expired(case: &CaseContent, on: Date) -> Option<(String, String)> {
    let sides = [Side::Own, Side::Other];
    let expired = sides
        .iter()
        .filter_map(|side| case.details.appraisal(*side))
        .find(|appraisal| appraisal.last_day() < on)?;
    Some((
        format!(
            "评估报告{}已于{}过期，成交日{on}须有效",
            expired.report_no,
            expired.last_day()
        ),
        format!(
            "the appraisal {} held until {}, and must hold on {on}, the day of the deal",
            expired.report_no,
            expired.last_day()
        ),
    ))
}

fn price_words(case: &CaseContent, around: &Surroundings) -> Option<(String, String)> {
    let details = &case.details;
    let (Some(award), Some((_, round)), Some(appraisal)) =
        (details.award(), details.round(), details.appraisal(Side::Own))
    else {
        return missing(
            true,
            "没有评估、底价或成交记录",
            "appraisal, reserve or award is missing",
        );
    };
    // A price that was approved in this round's case holds from that price on.
    let approved = details
        .decisions(Decided::Price)
        .filter_map(|decision| decision.price)
        .min();
    if approved.is_some_and(|approved| award.price >= approved) {
        return None;
    }
    let floor = around
        .threshold
        .as_ref()
        .map_or(Decimal::ONE_HUNDRED, |threshold| threshold.floor_percent);
    let share = if appraisal.value == Money::NOTHING {
        Decimal::ONE_HUNDRED
    } else {
        award.price.yuan() * Decimal::ONE_HUNDRED / appraisal.value.yuan()
    };
    if !award.price.reaches(floor, appraisal.value) {
        return Some((
            format!(
                "成交价{}元为评估价{}元的{:.1}%，低于{}%，须暂停并重新报批",
                award.price,
                appraisal.value,
                share,
                floor.normalize()
            ),
            format!(
                "the price {} is {share:.1} % of the appraised {}, below {} %: it pauses and is approved anew",
                award.price,
                appraisal.value,
                floor.normalize()
            ),
        ));
    }
    missing(
        award.price < round.reserve,
        &format!("成交价{}元低于底价{}元", award.price, round.reserve),
        &format!("the price {} is below the reserve {}", award.price, round.reserve),
    )
}

/// Do those who consented hold two thirds of the shares, or all of a joint ownership?
fn co_owners_missing(case: &CaseContent, title: &TitleContent) -> Option<(String, String)> {
    let consented = |holder: &str| case.details.words("co_owner_consent").any(|word| word == holder);
    let open: Vec<&str> = title
        .holders
        .iter()
        .map(|holder| holder.name.as_str())
        .filter(|name| !consented(name))
        .collect();
    let agrees = match title.co_ownership {
        CoOwnership::Sole => true,
        CoOwnership::ByShares => {
            let mut sum = (0_i128, 1_i128);
            for holder in title.holders.iter().filter(|holder| consented(&holder.name)) {
                let share = holder.share.as_deref().unwrap_or("0/1");
                let (above, below) = share.split_once('/').unwrap_or((share, "1"));
                let (above, below) = (above.parse().unwrap_or(0), below.parse().unwrap_or(1_i128).max(1));
                let added = sum.0.checked_mul(below).zip(sum.1.checked_mul(above));
                // What can't be said exactly isn't counted.
                if let (Some((left, right)), Some(under)) = (added, sum.1.checked_mul(below)) {
                    sum = (left.saturating_add(right), under);
                }
            }
            sum.0.saturating_mul(3) >= sum.1.saturating_mul(2)
        }
        _ => open.is_empty(),
    };
    missing(
        !agrees,
        &format!("共有资产须经共有人同意，尚缺：{}", open.join("、")),
        &format!("it is co-owned, and these have not consented: {}", open.join(", ")),
    )
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

/// What is on record of the works' cost.
fn cost_words(case: &CaseContent) -> Option<(String, String)> {
    let review: Option<&CostReview> = case.details.last(|fact| match fact {
        Fact::CostReview(review) => Some(review),
        _ => None,
    });
    match review {
        None => missing(
            true,
            "没有造价审核记录",
            "the review of the cost is missing (cost_review)",
        ),
        Some(review) => missing(
            review.cost > review.standard,
            &format!("审核造价{}元超过财政资金标准{}元", review.cost, review.standard),
            &format!(
                "the cost {} is above the fiscal standard {}",
                review.cost, review.standard
            ),
        ),
    }
}

fn has(case: &CaseContent, kind: &str) -> bool {
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
        Guard::AppraisalPresent => appraisals_missing(case),
        Guard::AppraisalCurrent => {
            let on = details.award().map_or(today, |award| award.on);
            appraisals_missing(case).or_else(|| appraisals_expired(case, on))
        }
        Guard::RoundRecorded => {
            let announced = details.taken.iter().rev().find(|taken| taken.transition == "announce");
            let rounds = details
                .facts()
                .filter(|(_, fact)| matches!(fact, Fact::Round(_)))
                .count();
            let announces = details
                .taken
                .iter()
                .filter(|taken| taken.transition == "announce")
                .count();
            missing(
                rounds == 0 || (announced.is_some() && rounds <= announces),
                "没有本轮公告和底价",
                "the round with its notice and reserve is missing (round)",
            )
        }
        Guard::ThroughExchange => {
            let must = around.threshold.as_ref().is_none_or(|threshold| threshold.exchange);
            let is_exempt = details.documents().contains("exchange_exemption");
            missing(
                must && !is_exempt && details.round().is_some_and(|(_, round)| !round.is_exchange),
                "拍卖、招租须进公共资源交易平台，或有不进场批准",
                "a sale or letting goes through the public exchange, or is exempt (document exchange_exemption)",
            )
        }
        Guard::NoticeOver => {
            let days = around
                .threshold
                .as_ref()
                .map_or(0, |threshold| i64::from(threshold.notice_days));
            match details.round() {
                None => missing(true, "没有公告", "there is no notice (round)"),
                Some((_, round)) => missing(
                    round.notice_to >= today || (round.notice_to - round.notice_from).whole_days() + 1 < days,
                    &format!("公告须满{days}日且已期满（{}至{}）", round.notice_from, round.notice_to),
                    &format!(
                        "the notice lasts {days} days and must be over ({} to {})",
                        round.notice_from, round.notice_to
                    ),
                ),
            }
        }
        Guard::AwardRecorded => {
            let Some(award) = details.award() else {
                return missing(true, "没有成交记录", "who gets it is not on record (award)");
            };
            let is_bid = details.since_round().any(|fact| match fact {
                Fact::Bid(bid) => bid.bidder == award.bidder && bid.price == award.price,
                _ => false,
            });
            missing(
                !is_bid,
                "成交人和成交价与竞价记录不符",
                "nobody bid that: the award must be one of the bids (bid)",
            )
        }
        Guard::PriceAboveFloor => price_words(case, around),
        Guard::PriceGiven => missing(
            said.price.is_none(),
            "请填写同意的价格",
            "say the price that is approved (price)",
        ),
        Guard::ResultNoticeOver => match details.award() {
            None => missing(true, "没有成交记录", "who gets it is not on record (award)"),
            Some(award) => missing(
                award.notice_to >= today,
                &format!("成交公示至{}，尚未期满", award.notice_to),
                &format!("the notice of the result lasts to {}", award.notice_to),
            ),
        },
        Guard::ContractRecorded => match (details.award(), details.contract()) {
            (Some(award), Some(contract)) => missing(
                contract.price != award.price || contract.counterparty != award.bidder,
                "合同相对人或价款与成交结果不符",
                "the contract says another price or buyer than the award",
            ),
            _ => missing(true, "没有合同记录", "the contract is missing (contract)"),
        },
        Guard::AllocatedLandSettled => {
            let is_allocated = around
                .titles
                .iter()
                .any(|(_, title)| title.right_nature_land == Some(RightNature::Allocated));
            let is_sale = is_swap(case) || case.route.as_deref() == Some("auction");
            let documents = details.documents();
            missing(
                is_sale && is_allocated && !(documents.contains("land_approval") && documents.contains("land_grant")),
                "划拨土地转让须经政府批准并办理出让手续、补缴价款",
                "allocated land is sold with the government's approval and the formalities of a grant (documents land_approval, land_grant)",
            )
        }
        Guard::CoOwnersAgree => around
            .titles
            .iter()
            .find_map(|(_, title)| co_owners_missing(case, title)),
        Guard::NothingPaid => missing(
            details.paid() > Money::NOTHING,
            "已有收款，不能重新组织",
            "something was paid already",
        ),
        Guard::PaidInFull => match details.contract() {
            None => missing(true, "没有合同记录", "the contract is missing (contract)"),
            Some(contract) => missing(
                details.paid() != contract.price,
                &format!("合同价{}元，已收{}元", contract.price, details.paid()),
                &format!("the price is {}, and {} was paid", contract.price, details.paid()),
            ),
        },
        Guard::RemittedInFull => missing(
            details.remitted() != details.paid(),
            &format!(
                "收入{}元须全额缴库，已缴{}元（收支两条线）",
                details.paid(),
                details.remitted()
            ),
            &format!(
                "of {} that came in {} was remitted to the treasury; all of it is",
                details.paid(),
                details.remitted()
            ),
        ),
        Guard::ApplicationRecorded => missing(
            !has(case, "repair_application"),
            "没有申报内容",
            "what is to be repaired is missing (repair_application)",
        ),
        Guard::RepairWindow => {
            let application = details.last(|fact| match fact {
                Fact::RepairApplication(application) => Some(application),
                _ => None,
            })?;
            let last = repair_deadline(application.for_year)?;
            missing(
                today > last,
                &format!(
                    "{}年度大中修应在{last}前申报，今天{today}已逾期，请申报下一年度",
                    application.for_year
                ),
                &format!(
                    "repairs of {} are applied for by {last}, and today is {today}: too late; apply for the year after",
                    application.for_year
                ),
            )
        }
        Guard::SiteVisited => missing(
            !has(case, "site_visit"),
            "没有现场勘查记录",
            "the visit to the site is missing (site_visit)",
        ),
        Guard::WithinStandard => {
            let assessment: Option<&Assessment> = details.last(|fact| match fact {
                Fact::Assessment(assessment) => Some(assessment),
                _ => None,
            });
            let for_user = details.facts().any(|(_, fact)| {
                matches!(fact, Fact::RepairApplication(application) if application.necessity == Necessity::ChangeOfUser)
            });
            match assessment {
                None => missing(true, "没有评估论证记录", "the assessment is missing (assessment)"),
                Some(assessment) => missing(
                    !assessment.within_standard || assessment.enlarges_percent > Decimal::from(15),
                    "超标准，或扩建超过建筑面积的15%",
                    "it is above the standard, or enlarges the floor area by more than 15 %",
                )
                .or_else(|| {
                    missing(
                        for_user,
                        "不得因人员、单位变动重新装修（MNT-07）",
                        "a new user is no reason for a new fit-out (MNT-07)",
                    )
                }),
            }
        }
        Guard::CostWithinStandard => cost_words(case),
        Guard::PublicationOver => {
            let publication: Option<&Publication> = details.last(|fact| match fact {
                Fact::Publication(publication) => Some(publication),
                _ => None,
            });
            match publication {
                None => missing(true, "没有批前公示记录", "the notice is missing (publication)"),
                Some(publication) => missing(
                    publication.to >= today || (publication.objections > 0 && !publication.answered),
                    "公示未期满，或异议未答复",
                    "the notice is not over, or objections are not answered",
                ),
            }
        }
        Guard::StagesComplete => {
            let stages = [
                ("site_visit", "现场勘查", "site visit"),
                ("assessment", "评估论证", "assessment"),
                ("cost_review", "造价审核", "review of the cost"),
                ("publication", "批前公示", "notice"),
            ];
            let open: Vec<_> = stages.iter().filter(|(kind, _, _)| !has(case, kind)).collect();
            (!open.is_empty()).then(|| {
                (
                    format!(
                        "缺少阶段：{}",
                        open.iter().map(|(_, zh, _)| *zh).collect::<Vec<_>>().join("、")
                    ),
                    format!(
                        "stages are missing: {}",
                        open.iter().map(|(_, _, en)| *en).collect::<Vec<_>>().join(", ")
                    ),
                )
            })
        }
        Guard::PlanEntryRecorded => {
            let entry: Option<&PlanEntry> = details.last(|fact| match fact {
                Fact::PlanEntry(entry) => Some(entry),
                _ => None,
            });
            let year = details.last(|fact| match fact {
                Fact::RepairApplication(application) => Some(&application.for_year),
                _ => None,
            });
            match entry {
                None => missing(
                    true,
                    "没有年度计划条目",
                    "the entry in the plan is missing (plan_entry)",
                ),
                Some(entry) => missing(
                    year.is_some_and(|year| *year != entry.year),
                    "计划年度与申报年度不一致",
                    "the plan is of another year than the application",
                ),
            }
        }
        Guard::WorksRecorded => {
            let works: Option<&Works> = details.last(|fact| match fact {
                Fact::Works(works) => Some(works),
                _ => None,
            });
            let approved = details.decisions(Decided::Approval).map(|decision| decision.on).max();
            match works {
                None => missing(true, "没有开工记录", "the beginning of the works is missing (works)"),
                Some(works) => missing(
                    approved.is_none_or(|approved| works.started_on < approved),
                    "开工早于批准，属未批先修",
                    "the works began before the approval",
                ),
            }
        }
        Guard::CompletionRecorded => {
            let completion: Option<&Completion> = details.last(|fact| match fact {
                Fact::Completion(completion) => Some(completion),
                _ => None,
            });
            missing(
                completion.is_none(),
                "没有竣工记录",
                "the end of the works is missing (completion)",
            )
        }
        Guard::EmergencyRecorded => {
            let emergency: Option<&Emergency> = details.last(|fact| match fact {
                Fact::Emergency(emergency) => Some(emergency),
                _ => None,
            });
            missing(emergency.is_none(), "没有险情记录", "the danger is missing (emergency)")
        }
        Guard::HandOverListed => missing(
            details.hand_over().is_none(),
            "没有移交清单（资料、钥匙、租约）",
            "the hand-over list is missing (hand_over: papers, keys, leases)",
        ),
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
