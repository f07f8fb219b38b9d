//! How far a stocktaking is, and what stands in the way of its next step.

use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::procedure::Guard;
use crate::ids::{StocktakingId, UnitId};
use crate::request::{Fault, Place};

/// How many lines there are, and what is to be done with how many of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = StocktakingProgress)]
pub struct Progress {
    /// Lines, extra ones included.
    pub lines: i64,
    /// Those answered.
    pub answered: i64,
    /// Found in place.
    pub in_place: i64,
    /// Found elsewhere.
    pub moved: i64,
    /// Found altered.
    pub altered: i64,
    /// 盘亏
    pub shortfall: i64,
    /// 盘盈
    pub surplus: i64,
    /// 信息不符
    pub facts_differ: i64,
    /// All three together.
    pub differences: i64,
    /// Differences that have to be looked at on the site, and weren't.
    pub unchecked: i64,
    /// Differences that nobody has explained.
    pub unexplained: i64,
    /// Differences that nobody has decided.
    pub undecided: i64,
    /// Corrections that were decided and aren't made.
    pub unsettled: i64,
    /// Corrections that are made.
    pub settled: i64,
}

impl std::ops::AddAssign for Progress {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        self.answered += other.answered;
        self.in_place += other.in_place;
        self.moved += other.moved;
        self.altered += other.altered;
        self.shortfall += other.shortfall;
        self.surplus += other.surplus;
        self.facts_differ += other.facts_differ;
        self.differences += other.differences;
        self.unchecked += other.unchecked;
        self.unexplained += other.unexplained;
        self.undecided += other.undecided;
        self.unsettled += other.unsettled;
        self.settled += other.settled;
    }
}

/// How far the lines of one place are.
#[derive(Debug)]
pub(super) struct ProgressThere {
    /// Of which stocktaking.
    pub stocktaking_id: Uuid,
    /// Whose part of the registry they are.
    pub place: Place,
    /// How far they are.
    pub progress: Progress,
}

/// Counts what the caller may see of it.
pub(super) async fn progress(connection: &mut PgConnection, id: StocktakingId) -> Result<Progress, Fault> {
    let mut sum = Progress::default();
    for there in progress_by_place(connection, &[id.0]).await? {
        sum += there.progress;
    }
    Ok(sum)
}

/// Counts what the caller may see of several, place by place.
pub(super) async fn progress_by_place(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<ProgressThere>, Fault> {
    let rows = sqlx::query!(
        r#"select l.stocktaking_id, l.region_code, l.admin_level, l.unit_id, count(*) as "lines!",
                  count(a.version_id) as "answered!",
                  count(*) filter (where a.found = 'in_place') as "in_place!",
                  count(*) filter (where a.found = 'moved') as "moved!",
                  count(*) filter (where a.found = 'altered') as "altered!",
                  count(*) filter (where a.difference = 'shortfall') as "shortfall!",
                  count(*) filter (where a.difference = 'surplus') as "surplus!",
                  count(*) filter (where a.difference = 'facts_differ') as "facts_differ!",
                  count(a.difference) as "differences!",
                  count(*) filter (where a.difference is not null and a.checked_by is null
                                     and (a.found <> 'in_place' or a.differs && '{area,usage,unit}')) as "unchecked!",
                  count(*) filter (where a.difference is not null and a.explained_by is null) as "unexplained!",
                  count(*) filter (where a.difference is not null and a.decision is null) as "undecided!",
                  count(*) filter (where a.decision in ('correct_book', 'correct_own') and a.settled_on is null) as "unsettled!",
                  count(a.settled_on) as "settled!"
             from stocktaking_line l
             left join stocktaking_line_version a on a.object_id = l.id and upper_inf(a.recorded)
            where l.stocktaking_id = any($1)
            group by l.stocktaking_id, l.region_code, l.admin_level, l.unit_id"#,
        ids,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ProgressThere {
            stocktaking_id: row.stocktaking_id,
            place: Place {
                region_code: row.region_code,
                admin_level: row.admin_level,
                unit_id: row.unit_id.map(UnitId),
            },
            progress: Progress {
                lines: row.lines,
                answered: row.answered,
                in_place: row.in_place,
                moved: row.moved,
                altered: row.altered,
                shortfall: row.shortfall,
                surplus: row.surplus,
                facts_differ: row.facts_differ,
                differences: row.differences,
                unchecked: row.unchecked,
                unexplained: row.unexplained,
                undecided: row.undecided,
                unsettled: row.unsettled,
                settled: row.settled,
            },
        })
        .collect())
}

/// What stands in the way of a step.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = StocktakingUnmet)]
pub struct Unmet {
    /// The guard.
    pub guard: Guard,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// How many lines.
    pub lines: Option<i64>,
    /// The rule that asks for it.
    pub rule: Option<&'static str>,
    /// Its article.
    pub article: Option<&'static str>,
}

/// The guards that don't hold.
pub(super) fn unmet(guards: &[Guard], progress: &Progress, has_reason: bool) -> Vec<Unmet> {
    guards
        .iter()
        .filter_map(|guard| {
            let left = match guard {
                Guard::ReasonGiven => i64::from(!has_reason),
                Guard::AllAnswered => progress.lines - progress.answered,
                Guard::DifferencesChecked => progress.unchecked,
                Guard::AllExplained => progress.unexplained,
                Guard::AllDecided => progress.undecided,
                Guard::AllSettled => progress.unsettled,
                Guard::NothingFound => progress.differences,
            };
            (left > 0).then(|| told(*guard, left))
        })
        .collect()
}

fn told(guard: Guard, left: i64) -> Unmet {
    const OFFICE_6: &str = "党政机关办公用房管理办法 art. 6";
    const STATE_39: &str = "行政事业性国有资产管理条例 art. 39";
    let (zh, en, rule, article) = match guard {
        Guard::ReasonGiven => ("请说明理由".to_owned(), "the reason is missing".to_owned(), None, None),
        Guard::AllAnswered => (
            format!("还有 {left} 条未确认"),
            format!("{left} lines aren't answered"),
            Some("ACC-01"),
            Some(OFFICE_6),
        ),
        Guard::DifferencesChecked => (
            format!("还有 {left} 条差异未实地核查"),
            format!("{left} differences weren't looked at on the site"),
            Some("ACC-02"),
            Some(STATE_39),
        ),
        Guard::AllExplained => (
            format!("还有 {left} 条差异未说明"),
            format!("{left} differences aren't explained"),
            Some("ACC-02"),
            Some(STATE_39),
        ),
        Guard::AllDecided => (
            format!("还有 {left} 条差异未审核"),
            format!("{left} differences aren't decided"),
            Some("ACC-02"),
            Some(STATE_39),
        ),
        Guard::AllSettled => (
            format!("还有 {left} 条差异未更正"),
            format!("{left} corrections aren't made"),
            Some("ACC-02"),
            Some(STATE_39),
        ),
        Guard::NothingFound => (
            format!("已发现 {left} 条差异，不能取消盘点"),
            format!("{left} differences were found; they can't be dropped with the stocktaking"),
            Some("ACC-02"),
            Some(STATE_39),
        ),
    };
    Unmet {
        guard,
        zh,
        en,
        lines: (guard != Guard::ReasonGiven).then_some(left),
        rule,
        article,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_holds_once_nothing_is_left() {
        let all = [
            Guard::ReasonGiven,
            Guard::AllAnswered,
            Guard::DifferencesChecked,
            Guard::AllExplained,
            Guard::AllDecided,
            Guard::AllSettled,
            Guard::NothingFound,
        ];
        let done = Progress {
            lines: 3,
            answered: 3,
            ..Progress::default()
        };
        assert!(unmet(&all, &done, true).is_empty());
        let open = Progress {
            lines: 3,
            answered: 2,
            differences: 1,
            unchecked: 1,
            unexplained: 1,
            undecided: 1,
            unsettled: 1,
            ..Progress::default()
        };
        let names: Vec<Guard> = unmet(&all, &open, false).iter().map(|unmet| unmet.guard).collect();
        assert_eq!(names, all);
    }
}
