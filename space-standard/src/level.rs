//! The level of an organ (机关层级).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::step::{Words, words};

/// The five levels of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// 中央机关
    Central,
    /// 省级机关
    Province,
    /// 市级机关
    City,
    /// 县级机关
    County,
    /// 乡级机关
    Township,
}

impl Level {
    /// All, the highest first.
    pub const ALL: [Self; 5] = [Self::Central, Self::Province, Self::City, Self::County, Self::Township];

    /// The word for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Central => "central",
            Self::Province => "province",
            Self::City => "city",
            Self::County => "county",
            Self::Township => "township",
        }
    }

    /// What people call it.
    #[must_use]
    pub fn name(self) -> Words {
        match self {
            Self::Central => words("中央机关", "central organ"),
            Self::Province => words("省级机关", "provincial organ"),
            Self::City => words("市级机关", "city organ"),
            Self::County => words("县级机关", "county organ"),
            Self::Township => words("乡级机关", "township organ"),
        }
    }

    /// Reads a code or a Chinese word; none where it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let bare = text.trim_end_matches("机关").trim_end_matches('级');
        match bare {
            "central" | "national" | "中央" | "国家" => Some(Self::Central),
            "province" | "省" | "自治区" | "直辖市" => Some(Self::Province),
            "city" | "市" | "地市" | "州" => Some(Self::City),
            "county" | "县" | "区" | "区县" | "县区" => Some(Self::County),
            "township" | "乡" | "镇" | "乡镇" | "街道" => Some(Self::Township),
            _ => None,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_read_from_its_code_and_from_what_people_call_it() {
        for level in Level::ALL {
            assert_eq!(Level::parse(level.code()), Some(level));
            assert_eq!(Level::parse(level.name().zh), Some(level));
        }
        assert_eq!(Level::parse("national"), Some(Level::Central));
        assert_eq!(Level::parse(" 市级 "), Some(Level::City));
        assert_eq!(Level::parse("村级"), None);
    }
}
