//! What must hold while an asset is sold, swapped or let: appraisal, exchange, notices, price, contract and money.

use rust_decimal::Decimal;
use time::Date;

use super::content::{CaseContent, Decided};
use super::facts::{Fact, Side};
use super::guards::{Surroundings, is_swap, misplaced, missing};
use super::procedure::Guard;
use crate::money::Money;
use crate::titles::TitleContent;
use crate::titles::dictionaries::{CoOwnership, RightNature};

/// Words in Chinese and in English.
type Words = (String, String);

fn appraisals_missing(case: &CaseContent) -> Option<Words> {
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

fn appraisals_expired(case: &CaseContent, on: Date) -> Option<Words> {
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

fn price_words(case: &CaseContent, around: &Surroundings) -> Option<Words> {
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
fn co_owners_missing(case: &CaseContent, title: &TitleContent) -> Option<Words> {
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

/// Why the guard doesn't hold; none where it does.
pub(super) fn check(guard: Guard, case: &CaseContent, around: &Surroundings) -> Option<Words> {
    let details = &case.details;
    let today = around.today;
    match guard {
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
        _ => misplaced(guard),
    }
}
