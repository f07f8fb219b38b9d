//! What lists call the levels and kinds of units.

use super::{KINDS, LEVELS};

/// Words for the levels, in the order of [`LEVELS`].
const LEVEL_WORDS: [&[&str]; LEVELS.len()] = [
    &["国家", "国家级", "中央", "中央级", "central"],
    &["省", "省级", "省直", "自治区", "直辖市", "provincial"],
    &["市", "市级", "市直", "地市级", "地级", "州", "州级", "municipal"],
    &[
        "县",
        "县级",
        "区",
        "区级",
        "区县",
        "区县级",
        "县区级",
        "县市区",
        "district",
    ],
    &["乡", "乡级", "镇", "镇级", "乡镇", "乡镇级", "街道", "乡镇街道", "town"],
];

/// Words for the kinds, in the order of [`KINDS`].
const KIND_WORDS: [&[&str]; KINDS.len()] = [
    &["机关事务管理部门", "机关事务管理局", "机关事务", "机关事务管理机构"],
    &["党委", "党委机关", "党的机关", "党委部门", "党委工作部门"],
    &["政府", "政府机关", "行政机关", "政府部门", "政府工作部门", "行政单位"],
    &["人大", "人大机关", "人大常委会机关"],
    &["政协", "政协机关"],
    &["监察", "监察机关", "纪检监察", "纪检监察机关", "监委"],
    &["法院", "审判机关", "人民法院"],
    &["检察院", "检察机关", "人民检察院"],
    &["民主党派", "民主党派机关", "民主党派和工商联"],
    &["群团", "群团机关", "群团组织", "人民团体", "群众团体"],
    &["事业单位", "事业", "参公事业单位", "公益一类", "公益二类"],
    &["平台公司", "国有企业", "企业"],
    &["其他", "其它"],
];

/// The level a list's word means.
pub(super) fn level_of_word(word: &str) -> Option<&'static str> {
    meant(word, &LEVELS, &LEVEL_WORDS)
}

/// The kind a list's word means.
pub(super) fn kind_of_word(word: &str) -> Option<&'static str> {
    meant(word, &KINDS, &KIND_WORDS)
}

fn meant(word: &str, codes: &[&'static str], words: &[&[&str]]) -> Option<&'static str> {
    let word: String = word
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect();
    codes
        .iter()
        .zip(words)
        .find(|(code, words)| **code == word || words.contains(&word.as_str()))
        .map(|(code, _)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_lists_are_understood() {
        assert_eq!(level_of_word(" 市级 "), Some("city"));
        assert_eq!(level_of_word("City"), Some("city"));
        assert_eq!(level_of_word("处级"), None);
        assert_eq!(kind_of_word("事业单位"), Some("public_institution"));
        assert_eq!(kind_of_word("court"), Some("court"));
        assert_eq!(kind_of_word("公司"), None);
    }
}
