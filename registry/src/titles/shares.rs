//! Shares in a co-owned title: exact fractions that make up the whole, or none at all.

use std::fmt;

use super::dictionaries::CoOwnership;
use crate::unit_code::CodeRefused;

/// A part of a whole, in lowest terms; more than nothing and no more than all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    numerator: u64,
    denominator: u64,
}

/// The largest denominator: nobody holds less than a millionth of a millionth, and sums stay exact in 128 bits.
const MOST: u64 = 1_000_000_000_000;

fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl fmt::Display for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.numerator, self.denominator)
    }
}

impl Share {
    /// Reads `1/3`, `50%`, `33.3%`, `0.25` or `1`.
    ///
    /// # Errors
    /// Where it is no such thing, nothing, or more than the whole.
    pub fn parse(text: &str) -> Result<Self, CodeRefused> {
        let refuse = || {
            CodeRefused::new(
                "share_form",
                format!("“{text}”不是份额，请写成1/3、50%或0.25"),
                format!("{text:?} is no share; write 1/3, 50% or 0.25"),
            )
        };
        let plain = text.trim().replace('％', "%").replace('／', "/");
        let (numerator, denominator) = if let Some((above, below)) = plain.split_once('/') {
            (whole(above).ok_or_else(refuse)?, whole(below).ok_or_else(refuse)?)
        } else {
            let (number, hundred) = match plain.strip_suffix('%') {
                Some(number) => (number.trim(), 100),
                None => (plain.as_str(), 1),
            };
            let (integer, decimals) = number.split_once('.').unwrap_or((number, ""));
            if decimals.len() > 9 || (number.contains('.') && decimals.is_empty()) {
                return Err(refuse());
            }
            let scale = 10_u64.pow(u32::try_from(decimals.len()).map_err(|_| refuse())?);
            let decimals = if decimals.is_empty() { Some(0) } else { whole(decimals) };
            let integer = whole(integer).filter(|integer| *integer <= 100).ok_or_else(refuse)?;
            (integer * scale + decimals.ok_or_else(refuse)?, scale * hundred)
        };
        if numerator == 0 || numerator > denominator || denominator > MOST {
            return Err(refuse());
        }
        let divisor = greatest_common_divisor(u128::from(numerator), u128::from(denominator));
        let divisor = u64::try_from(divisor).map_err(|_| refuse())?;
        Ok(Self {
            numerator: numerator / divisor,
            denominator: denominator / divisor,
        })
    }
}

fn whole(text: &str) -> Option<u64> {
    let text = text.trim();
    (!text.is_empty() && text.len() <= 13 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// Is the sum of the shares exactly one? Where it can't be said in 128 bits it isn't.
fn make_up_the_whole(shares: &[Share]) -> bool {
    let mut sum = (0_u128, 1_u128);
    for share in shares {
        let (n, d) = (u128::from(share.numerator), u128::from(share.denominator));
        let common = greatest_common_divisor(sum.1, d);
        let (left, right) = (d / common, sum.1 / common);
        let added = (|| {
            let above = sum.0.checked_mul(left)?.checked_add(n.checked_mul(right)?)?;
            Some((above, sum.1.checked_mul(left)?))
        })();
        let Some((above, below)) = added else {
            return false;
        };
        let common = greatest_common_divisor(above, below).max(1);
        sum = (above / common, below / common);
    }
    sum == (1, 1)
}

/// Do the shares agree with the kind of co-ownership?
///
/// # Errors
/// What contradicts what.
pub fn check_shares(co_ownership: CoOwnership, shares: &[Option<Share>]) -> Result<(), CodeRefused> {
    let refuse = |defect, zh: &str, en: &str| Err(CodeRefused::new(defect, zh, en));
    let given: Vec<Share> = shares.iter().copied().flatten().collect();
    match co_ownership {
        CoOwnership::Sole if shares.len() != 1 => {
            refuse("holders_sole", "单独所有只有一个权利人", "a sole title has one holder")
        }
        CoOwnership::Joint | CoOwnership::ByShares if shares.len() < 2 => refuse(
            "holders_several",
            "共有至少有两个权利人",
            "a co-owned title has two holders or more",
        ),
        CoOwnership::Joint if !given.is_empty() => refuse(
            "shares_joint",
            "共同共有不分份额",
            "joint ownership has no shares (Civil Code art. 299)",
        ),
        CoOwnership::ByShares if given.len() != shares.len() => refuse(
            "shares_missing",
            "按份共有的每个权利人都要有份额",
            "ownership by shares needs a share for each holder",
        ),
        CoOwnership::Sole | CoOwnership::ByShares | CoOwnership::Other
            if !given.is_empty() && !make_up_the_whole(&given) =>
        {
            refuse(
                "shares_sum",
                "份额之和不等于1",
                "the shares don't make up the whole: their sum must be exactly 1",
            )
        }
        _ if shares.is_empty() => refuse("holders_missing", "缺少权利人", "a title needs a holder"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shares(texts: &[&str]) -> Vec<Option<Share>> {
        texts.iter().map(|text| Some(Share::parse(text).unwrap())).collect()
    }

    #[test]
    fn sums_are_exact() {
        for whole in [
            &["1/3", "1/3", "1/3"][..],
            &["50%", "0.5"],
            &["99%", "1%"],
            &["33.3%", "33.3%", "33.4%"],
            &["1/7", "2/7", "4/7"],
        ] {
            assert_eq!(check_shares(CoOwnership::ByShares, &shares(whole)), Ok(()), "{whole:?}");
        }
        for part in [
            &["0.33", "0.33", "0.33"][..],
            &["50%", "49%"],
            &["2/3", "2/3"],
            &["1/3", "0.333333333", "1/3"],
        ] {
            let refused = check_shares(CoOwnership::ByShares, &shares(part)).unwrap_err();
            assert_eq!(refused.defect, "shares_sum", "{part:?}");
        }
    }

    #[test]
    fn co_ownership_and_shares_agree() {
        let half = Share::parse("1/2").ok();
        for (kind, shares, defect) in [
            (CoOwnership::Sole, vec![None, None], "holders_sole"),
            (CoOwnership::Sole, vec![], "holders_sole"),
            (CoOwnership::Sole, vec![half], "shares_sum"),
            (CoOwnership::Joint, vec![None], "holders_several"),
            (CoOwnership::Joint, vec![half, half], "shares_joint"),
            (CoOwnership::ByShares, vec![half, None], "shares_missing"),
            (CoOwnership::Other, vec![], "holders_missing"),
        ] {
            assert_eq!(check_shares(kind, &shares).unwrap_err().defect, defect, "{kind:?}");
        }
        assert_eq!(check_shares(CoOwnership::Sole, &[None]), Ok(()));
        assert_eq!(check_shares(CoOwnership::Joint, &[None, None]), Ok(()));
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for text in [
            "",
            "0",
            "0/1",
            "1/0",
            "3/2",
            "101%",
            "-1/2",
            "1/2/3",
            "a",
            "1.",
            "0.0000000001",
            "∞",
            "1e-1",
        ] {
            assert!(Share::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        /// A whole cut into pieces at random is whole again, and is not once a piece is a little smaller.
        #[test]
        fn pieces_of_a_whole_make_it_up(cuts in prop::collection::btree_set(1u64..10_000, 1..8)) {
            let mut edges: Vec<u64> = cuts.into_iter().collect();
            edges.insert(0, 0);
            edges.push(10_000);
            let pieces: Vec<u64> = edges.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let say = |piece: u64| Share::parse(&format!("{piece}/10000")).ok();
            let shares: Vec<Option<Share>> = pieces.iter().copied().map(say).collect();
            prop_assert_eq!(check_shares(CoOwnership::ByShares, &shares), Ok(()));
            let mut less = shares.clone();
            less[0] = Share::parse(&format!("{}/100000", pieces[0] * 10 - 1)).ok();
            prop_assert_eq!(check_shares(CoOwnership::ByShares, &less).unwrap_err().defect, "shares_sum");
        }
    }
}
