//! The two times. *Valid*: true in law, from one day until another. *Recorded*: known to the registry, from one
//! instant until another. A change never alters what was known: it ends the recorded period of the versions it
//! contradicts and writes what is known from now on.

use std::collections::BTreeSet;
use std::ops::Bound;

use serde::Serialize;
use sqlx::postgres::types::PgRange;
use time::{Date, Duration, OffsetDateTime};

use crate::ids::VersionId;

time::serde::format_description!(pub(crate) day, Date, "[year]-[month]-[day]");

/// A span of days, the first included, the last not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct ValidPeriod {
    /// The first day.
    #[serde(with = "day", rename = "valid_from")]
    pub from: Date,
    /// The day after the last one; none while it goes on.
    #[serde(with = "day::option", rename = "valid_to", skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
}

impl ValidPeriod {
    /// From a day on, without end.
    #[must_use]
    pub fn since(from: Date) -> Self {
        Self { from, to: None }
    }

    /// Does the period hold on that day?
    #[must_use]
    pub fn contains(&self, day: Date) -> bool {
        self.from <= day && self.to.is_none_or(|to| day < to)
    }

    /// Do the two share a day?
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        other.to.is_none_or(|to| self.from < to) && self.to.is_none_or(|to| other.from < to)
    }
}

impl From<ValidPeriod> for PgRange<Date> {
    fn from(period: ValidPeriod) -> Self {
        Self {
            start: Bound::Included(period.from),
            end: period.to.map_or(Bound::Unbounded, Bound::Excluded),
        }
    }
}

/// A range of days as PostgreSQL gives it back (it always does so as `[from,to)`).
#[must_use]
pub fn valid_period(range: &PgRange<Date>) -> ValidPeriod {
    let from = match range.start {
        Bound::Included(from) => from,
        Bound::Excluded(from) => from.next_day().unwrap_or(from),
        Bound::Unbounded => Date::MIN,
    };
    let to = match range.end {
        Bound::Included(to) => to.next_day(),
        Bound::Excluded(to) => Some(to),
        Bound::Unbounded => None,
    };
    ValidPeriod { from, to }
}

/// The ends of a recorded range: from when, and until when if it has ended.
#[must_use]
pub fn recorded_ends(range: &PgRange<OffsetDateTime>) -> (OffsetDateTime, Option<OffsetDateTime>) {
    let from = match range.start {
        Bound::Included(from) | Bound::Excluded(from) => from,
        Bound::Unbounded => OffsetDateTime::UNIX_EPOCH,
    };
    let to = match range.end {
        Bound::Included(to) | Bound::Excluded(to) => Some(to),
        Bound::Unbounded => None,
    };
    (from, to)
}

/// Known from an instant on.
#[must_use]
pub fn recorded_since(from: OffsetDateTime) -> PgRange<OffsetDateTime> {
    PgRange {
        start: Bound::Included(from),
        end: Bound::Unbounded,
    }
}

/// A version that is known now.
#[derive(Debug, Clone, PartialEq)]
pub struct Held<C> {
    /// Its row.
    pub version_id: VersionId,
    /// When it holds.
    pub valid: ValidPeriod,
    /// Since when it is known.
    pub recorded_from: OffsetDateTime,
    /// What holds.
    pub content: C,
}

/// What a change does to the versions known now.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision<C> {
    /// Versions that are no longer what is known.
    pub close: Vec<VersionId>,
    /// Versions known from now on: the new content, and what is left of the closed ones beside it.
    pub write: Vec<(ValidPeriod, C)>,
    /// The instant, later than every version that is closed.
    pub at: OffsetDateTime,
}

/// Says that within `period` the content is `content` (`None`: the thing does not exist).
///
/// Versions outside the period stay; those that reach into it are closed and what is left of them is written anew.
#[must_use]
pub fn revise<C: Clone>(held: &[Held<C>], period: ValidPeriod, content: Option<C>, now: OffsetDateTime) -> Revision<C> {
    let mut revision = Revision {
        close: Vec::new(),
        write: Vec::new(),
        at: now,
    };
    for version in held.iter().filter(|version| version.valid.overlaps(&period)) {
        revision.close.push(version.version_id);
        // Two changes within one microsecond, or a clock set back, must not give a recorded period without length.
        revision.at = revision.at.max(version.recorded_from + Duration::MICROSECOND);
        if version.valid.from < period.from {
            revision.write.push((
                ValidPeriod {
                    from: version.valid.from,
                    to: Some(period.from),
                },
                version.content.clone(),
            ));
        }
        if let Some(to) = period.to
            && version.valid.to.is_none_or(|end| to < end)
        {
            revision.write.push((
                ValidPeriod {
                    from: to,
                    to: version.valid.to,
                },
                version.content.clone(),
            ));
        }
    }
    if let Some(content) = content {
        revision.write.push((period, content));
    }
    revision.write.sort_by_key(|(valid, _)| valid.from);
    revision
}

/// Changes what is said for the days of `period`, each version in its own way; where nothing is registered, nothing is
/// said. A version for which `change` gives nothing stays as it is.
#[must_use]
pub fn revise_each<C: Clone>(
    held: &[Held<C>],
    period: ValidPeriod,
    change: impl Fn(&C) -> Option<C>,
    now: OffsetDateTime,
) -> Revision<C> {
    let mut revision = Revision {
        close: Vec::new(),
        write: Vec::new(),
        at: now,
    };
    for version in held.iter().filter(|version| version.valid.overlaps(&period)) {
        let Some(content) = change(&version.content) else {
            continue;
        };
        let within = ValidPeriod {
            from: version.valid.from.max(period.from),
            to: match (version.valid.to, period.to) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            },
        };
        let part = revise(std::slice::from_ref(version), within, Some(content), now);
        revision.close.extend(part.close);
        revision.write.extend(part.write);
        revision.at = revision.at.max(part.at);
    }
    revision.write.sort_by_key(|(valid, _)| valid.from);
    revision
}

/// Changes what is said piece by piece: each version is cut at these days, `change` tells what is said of the piece that begins
/// on a day, and `put` says it. Where it tells nothing, the piece stays as it is; a version of which every piece does is not
/// touched.
#[must_use]
pub fn revise_pieces<C: Clone, K: PartialEq>(
    held: &[Held<C>],
    cuts: &BTreeSet<Date>,
    change: impl Fn(Date, &C) -> Option<K>,
    put: impl Fn(&C, K) -> C,
    now: OffsetDateTime,
) -> Revision<C> {
    let mut revision = Revision {
        close: Vec::new(),
        write: Vec::new(),
        at: now,
    };
    for version in held {
        let mut pieces: Vec<(ValidPeriod, Option<K>)> = Vec::new();
        let mut from = version.valid.from;
        let within = cuts
            .iter()
            .copied()
            .filter(|cut| *cut > version.valid.from && version.valid.contains(*cut));
        for to in within.map(Some).chain([version.valid.to]) {
            let changed = change(from, &version.content);
            match pieces.last_mut() {
                // Neighbours of which the same is said are one piece.
                Some((valid, before)) if *before == changed => valid.to = to,
                _ => pieces.push((ValidPeriod { from, to }, changed)),
            }
            from = to.unwrap_or(from);
        }
        if pieces.iter().all(|(_, changed)| changed.is_none()) {
            continue;
        }
        revision.close.push(version.version_id);
        revision.at = revision.at.max(version.recorded_from + Duration::MICROSECOND);
        for (valid, changed) in pieces {
            let content = match changed {
                Some(changed) => put(&version.content, changed),
                None => version.content.clone(),
            };
            revision.write.push((valid, content));
        }
    }
    revision
}

/// How far a change that begins on `from` reaches: to the end of the version that holds on that day, or to the start
/// of the next one, so that what is already known about later days stays.
#[must_use]
pub fn reach<C>(held: &[Held<C>], from: Date) -> ValidPeriod {
    let containing = held
        .iter()
        .find(|version| version.valid.contains(from))
        .map(|version| version.valid.to);
    let next = held
        .iter()
        .map(|version| version.valid.from)
        .filter(|start| *start > from)
        .min();
    ValidPeriod {
        from,
        to: containing.unwrap_or(next),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::{date, datetime};

    /// The naive model: a table of what is said for each day, copied whole at each change.
    #[derive(Default)]
    struct Diary {
        days: std::collections::BTreeMap<Date, u8>,
    }

    impl Diary {
        fn say(&mut self, period: ValidPeriod, content: Option<u8>, last: Date) {
            let mut day = period.from;
            while day <= last && period.to.is_none_or(|to| day < to) {
                match content {
                    Some(content) => self.days.insert(day, content),
                    None => self.days.remove(&day),
                };
                day = day.next_day().unwrap();
            }
        }
    }

    proptest! {
        #[test]
        fn any_history_answers_like_a_diary(changes in prop::collection::vec((0i64..40, prop::option::of(1i64..20), prop::option::of(0u8..5)), 1..25)) {
            let first = date!(2024 - 01 - 01);
            let last = first + Duration::days(80);
            let mut now = datetime!(2024-06-01 0:00 UTC);
            // (valid, recorded from, recorded to, content): what the table would hold.
            let mut rows: Vec<(VersionId, ValidPeriod, OffsetDateTime, Option<OffsetDateTime>, u8)> = Vec::new();
            let mut diary = Diary::default();
            let mut snapshots = Vec::new();
            for (start, length, content) in changes {
                // The clock now and then stands still.
                if start % 3 != 0 { now += Duration::seconds(1); }
                let from = first + Duration::days(start);
                let period = ValidPeriod { from, to: length.map(|days| from + Duration::days(days)) };
                let held: Vec<Held<u8>> = rows.iter().filter(|row| row.3.is_none())
                    .map(|row| Held { version_id: row.0, valid: row.1, recorded_from: row.2, content: row.4 }).collect();
                let revision = revise(&held, period, content, now);
                now = revision.at;
                for row in &mut rows {
                    if revision.close.contains(&row.0) { row.3 = Some(revision.at); prop_assert!(row.2 < revision.at); }
                }
                for (valid, content) in revision.write {
                    rows.push((VersionId::fresh(), valid, revision.at, None, content));
                }
                diary.say(period, content, last);
                snapshots.push((now, diary.days.clone()));
            }
            for (index, (known_at, days)) in snapshots.iter().enumerate() {
                // Where the clock stood still, the last word of that instant is what is known.
                if snapshots.get(index + 1).is_some_and(|next| next.0 == *known_at) { continue; }
                let mut day = first;
                while day <= last {
                    let said: Vec<u8> = rows.iter().filter(|row| row.1.contains(day) && row.2 <= *known_at && row.3.is_none_or(|to| *known_at < to)).map(|row| row.4).collect();
                    prop_assert!(said.len() <= 1);
                    prop_assert_eq!(said.first().copied(), days.get(&day).copied());
                    day = day.next_day().unwrap();
                }
            }
        }
    }

    proptest! {
        /// Day by day: within the period each version's own content is changed, outside of it and in gaps nothing is.
        #[test]
        fn each_version_is_changed_within_the_period_alone(
            versions in prop::collection::vec((1i64..10, 0i64..6, 0u8..6), 0..6),
            start in 0i64..60, length in prop::option::of(1i64..40),
        ) {
            let first = date!(2024 - 01 - 01);
            let mut held = Vec::new();
            let mut next = first;
            for (gap, days, content) in versions {
                let from = next + Duration::days(gap);
                let to = from + Duration::days(days + 1);
                held.push(Held { version_id: VersionId::fresh(), valid: ValidPeriod { from, to: Some(to) },
                    recorded_from: datetime!(2024-01-01 0:00 UTC), content });
                next = to;
            }
            if let Some(last) = held.last_mut() { last.valid.to = None; }
            let from = first + Duration::days(start);
            let period = ValidPeriod { from, to: length.map(|days| from + Duration::days(days)) };
            // An even content is changed, an odd one stays.
            let change = |content: &u8| content.is_multiple_of(2).then_some(content + 100);
            let revision = revise_each(&held, period, change, datetime!(2024-06-01 0:00 UTC));
            let mut rows: Vec<(ValidPeriod, u8)> = held.iter().filter(|version| !revision.close.contains(&version.version_id))
                .map(|version| (version.valid, version.content)).collect();
            rows.extend(revision.write);
            for day in (0..140).map(|days| first + Duration::days(days)) {
                let before = held.iter().find(|version| version.valid.contains(day)).map(|version| version.content);
                let wanted = before.map(|content| if period.contains(day) { change(&content).unwrap_or(content) } else { content });
                let said: Vec<u8> = rows.iter().filter(|(valid, _)| valid.contains(day)).map(|(_, content)| *content).collect();
                prop_assert_eq!(said, wanted.into_iter().collect::<Vec<u8>>());
            }
        }
    }

    #[test]
    fn a_change_reaches_to_the_next_known_version() {
        let version = |from, to| Held {
            version_id: VersionId::fresh(),
            valid: ValidPeriod { from, to },
            recorded_from: datetime!(2024-01-01 0:00 UTC),
            content: (),
        };
        let held = [
            version(date!(2013 - 01 - 01), Some(date!(2014 - 01 - 01))),
            version(date!(2014 - 01 - 01), None),
        ];
        assert_eq!(reach(&held, date!(2012 - 01 - 01)).to, Some(date!(2013 - 01 - 01)));
        assert_eq!(reach(&held, date!(2013 - 06 - 01)).to, Some(date!(2014 - 01 - 01)));
        assert_eq!(reach(&held, date!(2015 - 01 - 01)).to, None);
    }

    #[test]
    fn versions_are_changed_piece_by_piece_and_the_rest_stays() {
        let held = [
            (date!(2020 - 01 - 01), Some(date!(2024 - 01 - 01)), "a"),
            (date!(2024 - 01 - 01), None, "b"),
        ]
        .map(|(from, to, content)| Held {
            version_id: VersionId::fresh(),
            valid: ValidPeriod { from, to },
            recorded_from: datetime!(2024-06-01 0:00 UTC),
            content,
        });
        let cuts = BTreeSet::from([
            date!(2022 - 01 - 01),
            date!(2023 - 01 - 01),
            date!(2025 - 01 - 01),
            date!(2019 - 01 - 01),
        ]);
        let said = |day: Date, _: &&str| (day == date!(2022 - 01 - 01)).then_some("let");
        let put = |_: &&str, said: &'static str| said;
        let revision = revise_pieces(&held, &cuts, said, put, held[0].recorded_from + Duration::DAY);
        assert_eq!(
            revision.close,
            [held[0].version_id],
            "the second version has no piece that changes"
        );
        let period = |from, to| ValidPeriod { from, to: Some(to) };
        assert_eq!(
            revision.write,
            [
                (period(date!(2020 - 01 - 01), date!(2022 - 01 - 01)), "a"),
                (period(date!(2022 - 01 - 01), date!(2023 - 01 - 01)), "let"),
                (period(date!(2023 - 01 - 01), date!(2024 - 01 - 01)), "a"),
            ]
        );
        let nothing = revise_pieces(&held, &cuts, |_, _: &&str| None, put, held[0].recorded_from);
        assert!(nothing.close.is_empty() && nothing.write.is_empty());
    }
}
