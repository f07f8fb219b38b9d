//! Who holds a title.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::dictionaries::{CoOwnership, HolderKind};
use super::shares::{Share, check_shares};
use crate::request::Problem;
use crate::request::fields::plain_text;

/// A holder (权利人) as the book names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The name on the certificate.
    pub name: String,
    /// 权利人类别
    pub kind: HolderKind,
    /// The unit it is, where it is registered: a bureau's own name changes, its identity doesn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_id: Option<Uuid>,
    /// 证件号码 (统一社会信用代码 …)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_number: Option<String>,
    /// Its share, where there are shares: `1/3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<String>,
}

/// How the title is held, as the unification of titles counts it. Titles in a people's government's name count as unified
/// only where that was so decided, so they are a kind of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unification {
    /// In the bureau's name.
    UnifiedBureau,
    /// In a people's government's name.
    UnifiedGovernment,
    /// In the name of a platform company, from which it has to come back.
    PlatformCompany,
    /// In another's name.
    NotUnified,
}

impl Unification {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::UnifiedBureau,
        Self::UnifiedGovernment,
        Self::PlatformCompany,
        Self::NotUnified,
    ];

    /// By all of the holders: one who is neither bureau nor government and the title is not unified.
    #[must_use]
    pub fn of(holders: &[Holder]) -> Self {
        let kinds: Vec<HolderKind> = holders.iter().map(|holder| holder.kind).collect();
        Self::of_kinds(&kinds)
    }

    /// By the kinds of all holders.
    #[must_use]
    pub fn of_kinds(holders: &[HolderKind]) -> Self {
        let all = |kinds: &[HolderKind]| !holders.is_empty() && holders.iter().all(|kind| kinds.contains(kind));
        if all(&[HolderKind::Bureau]) {
            Self::UnifiedBureau
        } else if all(&[HolderKind::Bureau, HolderKind::Government]) {
            Self::UnifiedGovernment
        } else if holders.contains(&HolderKind::PlatformCompany) {
            Self::PlatformCompany
        } else {
            Self::NotUnified
        }
    }
}

/// Puts names and shares in order and checks that the shares make up the whole.
///
/// # Errors
/// A problem naming the field.
pub fn settled(holders: &[Holder], co_ownership: CoOwnership) -> Result<Vec<Holder>, Problem> {
    if holders.len() > 1000 {
        return Err(Problem::invalid("holders", "more than 1000 holders").remedy("split the title"));
    }
    let mut shares = Vec::with_capacity(holders.len());
    let mut settled = Vec::with_capacity(holders.len());
    for (index, holder) in holders.iter().enumerate() {
        let field = |name: &str| format!("holders[{index}].{name}");
        let name = plain_text(&field("name"), &holder.name, 200)?;
        if name.is_empty() {
            return Err(Problem::invalid(&field("name"), "the holder's name is missing")
                .remedy("write the name as the certificate has it"));
        }
        let share = holder
            .share
            .as_deref()
            .map(Share::parse)
            .transpose()
            .map_err(|refused| refused.problem(&field("share")))?;
        shares.push(share);
        settled.push(Holder {
            name,
            kind: holder.kind,
            unit_id: holder.unit_id,
            id_number: holder
                .id_number
                .as_deref()
                .map(|number| plain_text(&field("id_number"), number, 40))
                .transpose()?
                .filter(|number| !number.is_empty()),
            share: share.map(|share| share.to_string()),
        });
    }
    check_shares(co_ownership, &shares).map_err(|refused| refused.problem("holders"))?;
    Ok(settled)
}
