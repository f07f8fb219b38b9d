//! Levels and codes of regions.

/// The code scheme of GB/T 2260 and the statistical codes below it.
pub const GB2260: &str = "GB2260";

/// The levels, the widest first.
pub const LEVELS: [&str; 6] = ["nation", "province", "city", "county", "township", "village"];

/// Words that files use for the levels.
const WORDS: [(&str, &[&str]); 6] = [
    ("nation", &["国家", "全国", "国家级", "country"]),
    ("province", &["省", "省级", "自治区", "直辖市", "特别行政区", "region"]),
    (
        "city",
        &["市", "市级", "地级", "地级市", "地区", "自治州", "盟", "prefecture"],
    ),
    (
        "county",
        &[
            "县",
            "区",
            "县级",
            "区县",
            "市辖区",
            "县级市",
            "自治县",
            "旗",
            "自治旗",
            "district",
            "municipality",
        ],
    ),
    ("township", &["乡", "镇", "乡级", "乡镇", "街道", "town"]),
    ("village", &["村", "村级", "社区", "居委会", "村委会"]),
];

/// The level a file's word means.
pub(super) fn level_of_word(word: &str) -> Option<&'static str> {
    let word = word.trim();
    WORDS
        .iter()
        .find(|(level, words)| {
            level.eq_ignore_ascii_case(word) || words.iter().any(|known| known.eq_ignore_ascii_case(word))
        })
        .map(|(level, _)| *level)
}

/// The level a code tells by its length and its zeros (GB/T 2260), or a county where it tells none.
pub(super) fn level_of_code(scheme: &str, code: &str) -> &'static str {
    match code.len() {
        _ if scheme != GB2260 => "county",
        2 => "province",
        4 => "city",
        6 if code.ends_with("0000") => "province",
        6 if code.ends_with("00") => "city",
        9 => "township",
        12 => "village",
        _ => "county",
    }
}

/// Has a code the form of its scheme? GB/T 2260: 2, 4 or 6 digits, statistical codes below it 9 or 12, the first not 0;
/// other schemes: 1 to 24 letters, digits, points and hyphens.
#[must_use]
pub fn code_has_form(scheme: &str, code: &str) -> bool {
    if scheme == GB2260 {
        matches!(code.len(), 2 | 4 | 6 | 9 | 12)
            && code.bytes().all(|byte| byte.is_ascii_digit())
            && !code.starts_with('0')
    } else {
        (1..=24).contains(&code.len())
            && code
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-')
    }
}

/// What to do about a code without the form of its scheme.
pub(super) const CODE_REMEDY: &str = "GB/T 2260 codes have 2, 4 or 6 digits, statistical codes below them 9 or 12; codes of another \
scheme have 1 to 24 letters, digits, points and hyphens and come with the name of the scheme";

/// What the codes of a region's subtree begin with. A province or city is also written with six digits, the missing ones
/// as zeros (GB/T 2260): 431100 is 4311, and 43110201 lies in it.
#[must_use]
pub fn subtree(code: &str) -> &str {
    if code.len() != 6 || !code.bytes().all(|digit| digit.is_ascii_digit()) {
        return code;
    }
    let shorter = code.strip_suffix("00").unwrap_or(code);
    if shorter.len() == 4 {
        shorter.strip_suffix("00").unwrap_or(shorter)
    } else {
        shorter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_written_with_zeros_reaches_over_its_subtree() {
        for (code, prefix) in [
            ("430000", "43"),
            ("431100", "4311"),
            ("431102", "431102"),
            ("4311", "4311"),
            ("431102100", "431102100"),
            ("E07000008", "E07000008"),
        ] {
            assert_eq!(subtree(code), prefix);
        }
    }

    #[test]
    fn codes_have_the_form_of_their_scheme() {
        for code in ["43", "4311", "431103", "371326101", "371326101000"] {
            assert!(code_has_form(GB2260, code), "{code}");
        }
        for code in ["", "4", "431", "43110", "4311031", "0431", "4311O3", "４３"] {
            assert!(!code_has_form(GB2260, code), "{code}");
        }
        assert!(code_has_form("ISTAT", "007001"));
        assert!(!code_has_form("ISTAT", "007 001"));
        assert!(!code_has_form("ISTAT", &"1".repeat(25)));
    }

    #[test]
    fn levels_are_read_from_words_and_codes() {
        assert_eq!(level_of_word(" 地级市 "), Some("city"));
        assert_eq!(level_of_word("County"), Some("county"));
        assert_eq!(level_of_word("3"), None);
        assert_eq!(level_of_code(GB2260, "430000"), "province");
        assert_eq!(level_of_code(GB2260, "431100"), "city");
        assert_eq!(level_of_code(GB2260, "431103"), "county");
        assert_eq!(level_of_code(GB2260, "371326101000"), "village");
        assert_eq!(level_of_code("ISTAT", "02"), "county");
    }
}
