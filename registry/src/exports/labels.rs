//! The page's words for the codes of closed lists, for tables that people read.

use gis_data::write::Header;

use crate::request::Problem;

/// What stands in the cells of closed lists, and in a CSV's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Labels {
    /// The stable codes.
    #[default]
    Codes,
    /// The page's Chinese.
    Chinese,
    /// The page's English.
    English,
}

impl Labels {
    /// Reads `codes`, `zh` or `en`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "codes" => Some(Self::Codes),
            "zh" => Some(Self::Chinese),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// What is asked for; codes unless told.
    ///
    /// # Errors
    /// A problem with what is no kind of label.
    pub(crate) fn asked(text: Option<&str>) -> Result<Self, Problem> {
        match text {
            None | Some("") => Ok(Self::Codes),
            Some(text) => Self::parse(text).ok_or_else(|| {
                Problem::bad("labels", format!("{text:?} is no kind of label")).remedy("choose codes, zh or en")
            }),
        }
    }

    pub(super) fn header(self) -> Header {
        match self {
            Self::Codes => Header::Names,
            Self::Chinese => Header::Chinese,
            Self::English => Header::English,
        }
    }

    /// The cell's text for a code. A code without words stays as it is.
    pub(crate) fn of(self, list: ClosedList, code: &str) -> &str {
        let words = list.iter().find(|(known, _, _)| *known == code);
        match (self, words) {
            (Self::Chinese, Some((_, zh, _))) => zh,
            (Self::English, Some((_, _, en))) => en,
            _ => code,
        }
    }
}

/// Code, Chinese, English.
pub(crate) type ClosedList = &'static [(&'static str, &'static str, &'static str)];

/// 权属登记情况
pub(crate) const TITLE_STATUS: ClosedList = &[
    (
        "unified",
        "已统一登记到机关事务管理部门名下",
        "Registered to the government offices administration",
    ),
    (
        "other_handed",
        "登记在其他单位名下、已移交资料",
        "Registered to another unit, papers handed over",
    ),
    (
        "other_not_handed",
        "登记在其他单位名下、未移交资料",
        "Registered to another unit, papers not handed over",
    ),
    (
        "none_handed",
        "未登记、已移交资料",
        "Not registered, papers handed over",
    ),
    (
        "none_not_handed",
        "未登记、未移交资料",
        "Not registered, papers not handed over",
    ),
    ("other", "其他情况", "Other"),
];

/// 用途
pub(crate) const USAGE: ClosedList = &[
    ("administrative_office", "行政办公", "Administrative office"),
    ("housing_security", "住房保障", "Housing"),
    ("technical", "技术业务", "Technical services"),
    ("public_service", "公共服务", "Public service"),
    ("commercial", "经营性", "Commercial"),
    ("idle_land", "闲置土地", "Idle land"),
    ("other", "其他", "Other"),
];

/// 使用状况
pub(crate) const OCCUPANCY: ClosedList = &[
    ("in_use", "在用", "In use"),
    ("idle", "闲置", "Idle"),
    ("let", "出租", "Let"),
    ("lent", "出借", "Lent"),
    ("rented_in", "租入", "Rented in"),
    ("borrowed_in", "借入", "Borrowed in"),
    ("under_repair", "维修中", "Under repair"),
    ("vacating", "腾退中", "Being vacated"),
    ("dangerous", "危房封存", "Sealed as dangerous"),
    ("demolished", "已拆除", "Demolished"),
];

/// 本级
pub(super) const ADMIN_LEVEL: ClosedList = &[
    ("national", "国家级", "National"),
    ("province", "省级", "Province"),
    ("city", "市级", "City"),
    ("county", "县级", "County"),
    ("township", "乡镇级", "Township"),
];

/// 密级
pub(super) const SECRECY: ClosedList = &[
    ("public", "公开", "Public"),
    ("internal", "内部", "Internal"),
    ("classified", "涉密", "Classified"),
];

#[cfg(test)]
mod tests {
    use super::{ADMIN_LEVEL, ClosedList, Labels, OCCUPANCY, SECRECY, TITLE_STATUS, USAGE};

    /// The words of a group in one of the page's language files.
    fn page_words(file: &str, group: &str) -> Vec<(String, String)> {
        file.lines()
            .skip_while(|line| line.trim() != format!("{group}: {{"))
            .skip(1)
            .take_while(|line| line.trim() != "},")
            .map(|line| {
                let (code, words) = line.trim().trim_end_matches(',').split_once(": ").unwrap();
                (code.to_owned(), words.trim_matches('"').to_owned())
            })
            .filter(|(code, _)| code != "none")
            .collect()
    }

    #[test]
    fn the_words_are_the_pages() {
        let (zh, en) = (
            include_str!("../../../web/src/language/zh.ts"),
            include_str!("../../../web/src/language/en.ts"),
        );
        let lists: [(&str, ClosedList); 5] = [
            ("admin_level", ADMIN_LEVEL),
            ("secrecy", SECRECY),
            ("title_status", TITLE_STATUS),
            ("usage", USAGE),
            ("occupancy", OCCUPANCY),
        ];
        for (group, list) in lists {
            for (file, labels) in [(zh, Labels::Chinese), (en, Labels::English)] {
                let words = page_words(file, group);
                assert_eq!(words.len(), list.len(), "{group}");
                for (code, words) in words {
                    assert_eq!(labels.of(list, &code), words, "{group} {code}");
                    assert_eq!(Labels::Codes.of(list, &code), code);
                }
            }
        }
        assert_eq!(Labels::Chinese.of(USAGE, "new code"), "new code");
    }
}
