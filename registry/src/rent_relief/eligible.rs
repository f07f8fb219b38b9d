//! Who is eligible by a policy, and which rent months are waived: from the policy, the lease and its schedule alone.

use serde::Serialize;

use super::content::PolicyContent;
use crate::leases::{InstalmentContent, LeaseContent};
use crate::money::Money;
use crate::period::Held;

/// Why a lease is not eligible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum NotEligible {
    /// The premises are not the state's.
    NotStateOwned,
    /// Who would have the benefit is no enterprise of these sizes and not self-employed.
    WrongSize,
    /// Who would have the benefit is of another trade.
    WrongSector,
    /// No rent month of the policy's days is owed.
    NothingOwed,
}

impl NotEligible {
    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::NotStateOwned => "出租方不是国有 / the premises are not the state's",
            Self::WrongSize => "受益人的类别或规模不在政策范围内 / whoever would benefit is of another kind or size",
            Self::WrongSector => "受益人的行业不在政策范围内 / whoever would benefit is of another trade",
            Self::NothingOwed => "政策期间内没有应收租金 / no rent of these months is owed",
        }
    }
}

/// Who has the benefit must be eligible: the lessee, or, where the lessee lets on, everybody who sits there at last.
pub(super) fn judge(policy: &PolicyContent, lease: &LeaseContent) -> Result<(), NotEligible> {
    if lease.lessor_kind == "private" {
        return Err(NotEligible::NotStateOwned);
    }
    let is_eligible = |kind: &str, size: Option<&str>, sector: Option<&str>| {
        let is_of_size = match kind {
            "enterprise" => size.is_some_and(|size| policy.sizes.iter().any(|held| held == size)),
            "self_employed" => policy.self_employed,
            _ => false,
        };
        if !is_of_size {
            return Err(NotEligible::WrongSize);
        }
        let is_of_sector =
            policy.sectors.is_empty() || sector.is_some_and(|sector| policy.sectors.iter().any(|held| held == sector));
        if is_of_sector {
            Ok(())
        } else {
            Err(NotEligible::WrongSector)
        }
    };
    if lease.is_sublet {
        return lease
            .details
            .end_users
            .iter()
            .try_for_each(|user| is_eligible(&user.kind, user.size.as_deref(), user.sector.as_deref()));
    }
    is_eligible(
        &lease.lessee_kind,
        lease.lessee_size.as_deref(),
        lease.lessee_sector.as_deref(),
    )
}

/// The rent months that are waived: the first that begin in the policy's days and are owed, as many as it says.
pub(super) fn months<'a>(
    policy: &PolicyContent,
    rows: &'a [Held<InstalmentContent>],
) -> Result<Vec<&'a Held<InstalmentContent>>, NotEligible> {
    let waived: Vec<_> = rows
        .iter()
        .filter(|row| (policy.months_from..=policy.months_to).contains(&row.valid.from))
        .filter(|row| row.content.relief_id.is_none() && row.content.amount_due > Money::NOTHING)
        .take(usize::try_from(policy.months).unwrap_or_default())
        .collect();
    if waived.is_empty() {
        Err(NotEligible::NothingOwed)
    } else {
        Ok(waived)
    }
}
