//! What speaks for idleness and what against it, and the small rule that weighs it. ADR 22 says why these weights.

use serde::Serialize;
use time::Date;
use uuid::Uuid;

use crate::period::day;

/// From this sum of weights on a day is proposed.
pub(super) const THRESHOLD: f64 = 1.0;

/// A kind of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// Nine tenths of its rooms by area, or all of its buildings, are idle.
    PartsIdle,
    /// Rooms that had a user have none any more.
    RoomsVacated,
    /// The unit that used it was taken off it.
    UnitLeft,
    /// The unit that uses it is dissolved.
    UnitDissolved,
    /// It was let or lent, and is no more.
    LetEnded,
    /// What was let by a lease was handed back, and no lease of it runs.
    LeaseEnded,
    /// The use agreements about it have ended, and none runs.
    AgreementEnded,
    /// For a quarter or longer it consumed a tenth at most of what was usual.
    ConsumptionFell,
    /// It is being vacated for longer than half a year.
    VacatingLong,
    /// Land granted or allocated more than a year ago, without any building.
    Unbuilt,
    /// Its use is named idle land (闲置土地).
    CalledIdle,
    /// Most of its rooms are in use.
    RoomsInUse,
    /// It is recorded as let, lent, under repair, sealed as dangerous or demolished.
    OtherUse,
    /// A lease of it runs.
    LeaseRunning,
    /// It consumes half of what was usual, or more.
    ConsumptionUsual,
    /// A use agreement or certificate about a tenth of it or more runs.
    CertificateCurrent,
}

impl ReasonKind {
    /// How much it weighs; what speaks against idleness weighs negative.
    pub(super) fn weight(self) -> f64 {
        match self {
            Self::PartsIdle => 1.0,
            Self::RoomsVacated | Self::UnitLeft | Self::UnitDissolved | Self::Unbuilt | Self::ConsumptionFell => 0.6,
            Self::LetEnded | Self::LeaseEnded | Self::AgreementEnded | Self::CalledIdle => 0.5,
            Self::VacatingLong => 0.4,
            // Papers outlast their use now and then.
            Self::CertificateCurrent | Self::ConsumptionUsual => -1.0,
            Self::RoomsInUse | Self::OtherUse | Self::LeaseRunning => -2.0,
        }
    }

    /// The cause of the closed list that it suggests.
    fn cause(self) -> Option<&'static str> {
        match self {
            Self::RoomsVacated | Self::UnitLeft | Self::VacatingLong | Self::AgreementEnded => {
                Some("vacated_by_reallocation")
            }
            Self::UnitDissolved => Some("unit_abolished"),
            _ => None,
        }
    }
}

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Reason {
    /// What it is.
    pub kind: ReasonKind,
    /// Since when it speaks.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub since: Date,
    /// How much it weighs.
    pub weight: f64,
    /// How many rooms or buildings it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// The share of the area it is about, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// The unit it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The occupancy it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occupancy: Option<String>,
}

impl Reason {
    pub(super) fn new(kind: ReasonKind, since: Date) -> Self {
        Self {
            kind,
            since,
            weight: kind.weight(),
            count: None,
            share: None,
            unit: None,
            occupancy: None,
        }
    }
}

/// What is proposed, or that the evidence is too thin.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Proposal {
    /// The parcel or building.
    pub asset_id: Uuid,
    /// Likely idle since this day; null where the evidence is too thin to say so.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub idle_since: Option<Date>,
    /// The sum of the weights.
    pub weight: f64,
    /// From this sum on a day is proposed.
    pub threshold: f64,
    /// The cause that the evidence suggests.
    pub cause: Option<&'static str>,
    /// Everything that speaks for it or against it, by day.
    pub reasons: Vec<Reason>,
    /// The record that holds it idle already.
    pub record_id: Option<Uuid>,
}

/// Weighs the evidence. The proposed day is the one on which enough of it had come together, what speaks against it
/// counted in full from the first: rather too late than too early.
pub(super) fn weigh(asset_id: Uuid, mut reasons: Vec<Reason>, record_id: Option<Uuid>) -> Proposal {
    reasons.sort_by_key(|reason| reason.since);
    let total: f64 = reasons.iter().map(|reason| reason.weight).sum();
    let against: f64 = reasons.iter().map(|reason| reason.weight.min(0.0)).sum();
    let mut sum = against;
    let idle_since = reasons.iter().filter(|reason| reason.weight > 0.0).find_map(|reason| {
        sum += reason.weight;
        (sum >= THRESHOLD - 1e-9).then_some(reason.since)
    });
    let cause = idle_since.and(reasons.iter().find_map(|reason| reason.kind.cause()));
    Proposal {
        asset_id,
        idle_since: idle_since.filter(|_| record_id.is_none()),
        weight: (total * 100.0).round() / 100.0,
        threshold: THRESHOLD,
        cause,
        reasons,
        record_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::Duration;
    use time::macros::date;

    const KINDS: [ReasonKind; 16] = [
        ReasonKind::PartsIdle,
        ReasonKind::RoomsVacated,
        ReasonKind::UnitLeft,
        ReasonKind::UnitDissolved,
        ReasonKind::LetEnded,
        ReasonKind::VacatingLong,
        ReasonKind::Unbuilt,
        ReasonKind::CalledIdle,
        ReasonKind::RoomsInUse,
        ReasonKind::OtherUse,
        ReasonKind::LeaseEnded,
        ReasonKind::LeaseRunning,
        ReasonKind::AgreementEnded,
        ReasonKind::CertificateCurrent,
        ReasonKind::ConsumptionFell,
        ReasonKind::ConsumptionUsual,
    ];

    fn reasons() -> impl Strategy<Value = Vec<Reason>> {
        prop::collection::vec((0usize..KINDS.len(), 0i64..1000), 0..6).prop_map(|drawn| {
            drawn
                .into_iter()
                .map(|(kind, days)| Reason::new(KINDS[kind], date!(2024 - 01 - 01) + Duration::days(days)))
                .collect()
        })
    }

    #[test]
    fn one_weak_sign_is_too_thin_and_two_are_dated_by_the_later() {
        let left = Reason::new(ReasonKind::UnitLeft, date!(2025 - 03 - 01));
        let ended = Reason::new(ReasonKind::LetEnded, date!(2025 - 07 - 01));
        assert_eq!(weigh(Uuid::nil(), vec![left.clone()], None).idle_since, None);
        let both = weigh(Uuid::nil(), vec![ended, left], None);
        assert_eq!(both.idle_since, Some(date!(2025 - 07 - 01)));
        assert_eq!(both.cause, Some("vacated_by_reallocation"));
    }

    proptest! {
        /// What speaks against idleness never makes it likelier, and what is proposed follows from the reasons given.
        #[test]
        fn the_reasons_given_reproduce_the_day(reasons in reasons(), days in 0i64..1000) {
            let proposal = weigh(Uuid::nil(), reasons.clone(), None);
            if let Some(day) = proposal.idle_since {
                let by_then: f64 = reasons.iter().filter(|reason| reason.weight < 0.0 || reason.since <= day)
                    .map(|reason| reason.weight).sum();
                prop_assert!(by_then >= THRESHOLD - 1e-9);
                prop_assert!(reasons.iter().any(|reason| reason.since == day && reason.weight > 0.0));
            } else {
                prop_assert!(proposal.weight < THRESHOLD);
            }
            let mut more = reasons.clone();
            more.push(Reason::new(ReasonKind::RoomsInUse, date!(2024-01-01) + Duration::days(days)));
            let less_likely = weigh(Uuid::nil(), more, None);
            match (proposal.idle_since, less_likely.idle_since) {
                (None, later) => prop_assert_eq!(later, None),
                (Some(day), Some(later)) => prop_assert!(later >= day),
                (Some(_), None) => {}
            }
            prop_assert_eq!(weigh(Uuid::nil(), reasons, Some(Uuid::max())).idle_since, None);
        }
    }
}
