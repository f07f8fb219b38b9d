//! Ranks (职级) and the office each may have. A rank is one of its level: 正处级 is 18 m² in a province and 24 m² in a city.

use rust_decimal::Decimal;

use crate::level::Level;
use crate::parameters::Parameters;
use crate::step::{Words, words};

/// What the limit of a rank is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    /// m² of use area.
    Fixed(i64),
    /// What the province sets for its townships.
    TownshipChief,
    TownshipDeputy,
    TownshipBelow,
}

/// A rank of a level, with its limit of office space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grade {
    /// The level it belongs to.
    pub level: Level,
    /// The word for programs; one of its level.
    pub code: &'static str,
    /// What the standard calls it.
    pub name: Words,
    /// A private washroom is theirs to have (within the limit).
    pub may_have_washroom: bool,
    /// One of the leaders: their rooms are looked at as one office.
    pub is_leader: bool,
    limit: Limit,
    /// What lists call it beside that.
    words: &'static [&'static str],
}

/// Why a rank was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RankRefused {
    /// It belongs to another level's table (SPC-10).
    #[error("{rank} is no rank of a {level}; it belongs to: {}", levels(.of))]
    OfAnotherLevel {
        /// What was said.
        rank: String,
        /// The level it was said for.
        level: Level,
        /// The levels that have it.
        of: Vec<Level>,
    },
    /// It stands for persons whose rank is not told.
    #[error("{rank} says no rank")]
    Unranked {
        /// What was said.
        rank: String,
    },
    /// It is no rank.
    #[error("{rank} is no rank of the standard")]
    Unknown {
        /// What was said.
        rank: String,
    },
}

fn levels(of: &[Level]) -> String {
    of.iter().map(|level| level.code()).collect::<Vec<_>>().join(", ")
}

/// What lists write where they tell no rank.
const UNRANKED: [&str; 12] = [
    "合计",
    "总数",
    "总计",
    "领导职数",
    "其他",
    "其它",
    "工勤人员",
    "工勤",
    "other",
    "total",
    "leaders",
    "support_staff",
];

const SECTION: [&str; 17] = [
    "正科级",
    "副科级",
    "科级",
    "科级及以下",
    "科级以下",
    "科员",
    "科员级",
    "办事员",
    "办事员级",
    "乡科级",
    "乡科级正职",
    "乡科级副职",
    "section_chief",
    "section_deputy",
    "section_and_below",
    "staff",
    "clerk",
];

const fn grade(
    level: Level,
    code: &'static str,
    name: Words,
    limit: i64,
    (is_leader, may_have_washroom): (bool, bool),
    words: &'static [&'static str],
) -> Grade {
    Grade {
        level,
        code,
        name,
        may_have_washroom,
        is_leader,
        limit: Limit::Fixed(limit),
        words,
    }
}

const fn township(
    code: &'static str,
    name: Words,
    limit: Limit,
    is_leader: bool,
    words: &'static [&'static str],
) -> Grade {
    Grade {
        level: Level::Township,
        code,
        name,
        may_have_washroom: false,
        is_leader,
        limit,
        words,
    }
}

/// A washroom of their own: heads of ministries and provinces; in cities and counties the chiefs alone.
const CHIEF: (bool, bool) = (true, true);
const LEADER: (bool, bool) = (true, false);
const STAFF: (bool, bool) = (false, false);

use Level::{Central, City, County, Province};

static GRADES: [Grade; 26] = [
    grade(
        Central,
        "ministerial_chief",
        words("部级正职", "head of a ministry"),
        54,
        CHIEF,
        &["正部级", "省部级正职", "正省部级", "minister"],
    ),
    grade(
        Central,
        "ministerial_deputy",
        words("部级副职", "deputy head of a ministry"),
        42,
        CHIEF,
        &["副部级", "省部级副职", "副省部级", "vice_minister"],
    ),
    grade(
        Central,
        "department_chief",
        words("正司(局)级", "head of a department"),
        24,
        LEADER,
        &[
            "正司级",
            "正局级",
            "司局级正职",
            "正厅(局)级",
            "厅局级正职",
            "正厅级",
            "director_general",
        ],
    ),
    grade(
        Central,
        "department_deputy",
        words("副司(局)级", "deputy head of a department"),
        18,
        LEADER,
        &[
            "副司级",
            "副局级",
            "司局级副职",
            "副厅(局)级",
            "厅局级副职",
            "副厅级",
            "deputy_director_general",
        ],
    ),
    grade(
        Central,
        "division",
        words("处级", "division level"),
        12,
        STAFF,
        &[
            "正处级",
            "副处级",
            "县处级",
            "县处级正职",
            "县处级副职",
            "division_chief",
            "division_deputy",
        ],
    ),
    grade(
        Central,
        "below_division",
        words("处级以下", "below division level"),
        9,
        STAFF,
        &SECTION,
    ),
    grade(
        Province,
        "provincial_chief",
        words("省级正职", "head of the province"),
        54,
        CHIEF,
        &["正省级", "省部级正职", "正省部级"],
    ),
    grade(
        Province,
        "provincial_deputy",
        words("省级副职", "deputy head of the province"),
        42,
        CHIEF,
        &["副省级", "省部级副职", "副省部级"],
    ),
    grade(
        Province,
        "department_chief",
        words("正厅(局)级", "head of a department"),
        30,
        LEADER,
        &["正厅级", "厅局级正职", "正司(局)级", "bureau_chief"],
    ),
    grade(
        Province,
        "department_deputy",
        words("副厅(局)级", "deputy head of a department"),
        24,
        LEADER,
        &["副厅级", "厅局级副职", "副司(局)级", "bureau_deputy"],
    ),
    grade(
        Province,
        "division_chief",
        words("正处级", "head of a division"),
        18,
        STAFF,
        &["县处级正职", "division_head"],
    ),
    grade(
        Province,
        "division_deputy",
        words("副处级", "deputy head of a division"),
        12,
        STAFF,
        &["县处级副职"],
    ),
    grade(
        Province,
        "below_division",
        words("处级以下", "below division level"),
        9,
        STAFF,
        &SECTION,
    ),
    grade(
        City,
        "city_chief",
        words("市级正职", "head of the city"),
        42,
        CHIEF,
        &["地市级正职"],
    ),
    grade(
        City,
        "city_deputy",
        words("市级副职", "deputy head of the city"),
        30,
        LEADER,
        &["地市级副职"],
    ),
    grade(
        City,
        "bureau_chief",
        words("正局(处)级", "head of a bureau"),
        24,
        LEADER,
        &[
            "正局级",
            "正处级",
            "局处级正职",
            "县处级正职",
            "division_chief",
            "division_head",
        ],
    ),
    grade(
        City,
        "bureau_deputy",
        words("副局(处)级", "deputy head of a bureau"),
        18,
        LEADER,
        &["副局级", "副处级", "局处级副职", "县处级副职", "division_deputy"],
    ),
    grade(
        City,
        "below_bureau",
        words("局(处)级以下", "below bureau level"),
        9,
        STAFF,
        &[
            "处级以下",
            "局级以下",
            "below_division",
            "正科级",
            "副科级",
            "科级",
            "科级及以下",
            "科级以下",
            "科员",
            "科员级",
            "办事员",
            "办事员级",
            "乡科级",
            "乡科级正职",
            "乡科级副职",
            "section_chief",
            "section_deputy",
            "section_and_below",
            "staff",
            "clerk",
        ],
    ),
    grade(
        County,
        "county_chief",
        words("县级正职", "head of the county"),
        30,
        CHIEF,
        &["区级正职", "县(区)级正职"],
    ),
    grade(
        County,
        "county_deputy",
        words("县级副职", "deputy head of the county"),
        24,
        LEADER,
        &["区级副职", "县(区)级副职"],
    ),
    grade(
        County,
        "section_chief",
        words("正科级", "head of a section"),
        18,
        LEADER,
        &["乡科级正职", "科级正职", "section_head"],
    ),
    grade(
        County,
        "section_deputy",
        words("副科级", "deputy head of a section"),
        12,
        LEADER,
        &["乡科级副职", "科级副职"],
    ),
    grade(
        County,
        "below_section",
        words("科级以下", "below section level"),
        9,
        STAFF,
        &["科员", "科员级", "办事员", "办事员级", "staff", "clerk"],
    ),
    township(
        "township_chief",
        words("乡级正职", "head of the township"),
        Limit::TownshipChief,
        true,
        &["乡(镇)级正职", "镇级正职", "乡镇正职", "正职"],
    ),
    township(
        "township_deputy",
        words("乡级副职", "deputy head of the township"),
        Limit::TownshipDeputy,
        true,
        &["乡(镇)级副职", "镇级副职", "乡镇副职", "副职"],
    ),
    township(
        "below_township",
        words("乡级以下", "other staff of the township"),
        Limit::TownshipBelow,
        false,
        &[
            "乡(镇)级以下",
            "科级以下",
            "科员",
            "科员级",
            "办事员",
            "办事员级",
            "staff",
            "clerk",
        ],
    ),
];

/// The ranks of a level, the highest first.
pub fn grades(level: Level) -> impl Iterator<Item = &'static Grade> {
    GRADES.iter().filter(move |grade| grade.level == level)
}

/// A word as it is compared: no spaces, plain brackets, lower case.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_whitespace())
        .map(|letter| match letter {
            '（' => '(',
            '）' => ')',
            other => other,
        })
        .flat_map(char::to_lowercase)
        .collect()
}

impl Grade {
    /// Reads the rank of a level from its code or from what lists call it.
    ///
    /// # Errors
    /// [`RankRefused`]: it belongs to another level, tells no rank, or is none.
    pub fn parse(level: Level, text: &str) -> Result<&'static Self, RankRefused> {
        let wanted = plain(text);
        if let Some(grade) = grades(level).find(|grade| grade.is_called(&wanted)) {
            return Ok(grade);
        }
        let rank = text.trim().to_owned();
        if UNRANKED.contains(&wanted.as_str()) {
            return Err(RankRefused::Unranked { rank });
        }
        let mut of: Vec<Level> = GRADES
            .iter()
            .filter(|grade| grade.is_called(&wanted))
            .map(|grade| grade.level)
            .collect();
        of.dedup();
        Err(if of.is_empty() {
            RankRefused::Unknown { rank }
        } else {
            RankRefused::OfAnotherLevel { rank, level, of }
        })
    }

    fn is_called(&self, plain_word: &str) -> bool {
        self.words().any(|word| plain(word) == plain_word)
    }

    /// Every word it is read from: its code, its name, what lists call it.
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        [self.code, self.name.zh].into_iter().chain(self.words.iter().copied())
    }

    /// The most office space of one person, m² of use area.
    #[must_use]
    pub fn limit_m2(&self, parameters: &Parameters) -> Decimal {
        match self.limit {
            Limit::Fixed(limit) => Decimal::from(limit),
            Limit::TownshipChief => parameters.township.chief_m2,
            Limit::TownshipDeputy => parameters.township.deputy_m2,
            Limit::TownshipBelow => parameters.township.below_m2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(level: Level) -> Vec<String> {
        grades(level)
            .map(|grade| grade.limit_m2(&Parameters::default()).to_string())
            .collect()
    }

    #[test]
    fn the_limits_are_those_of_2014() {
        assert_eq!(limits(Level::Central), ["54", "42", "24", "18", "12", "9"]);
        assert_eq!(limits(Level::Province), ["54", "42", "30", "24", "18", "12", "9"]);
        assert_eq!(limits(Level::City), ["42", "30", "24", "18", "9"]);
        assert_eq!(limits(Level::County), ["30", "24", "18", "12", "9"]);
        assert_eq!(limits(Level::Township), ["24", "18", "9"]);
    }

    #[test]
    fn one_word_means_what_it_means_at_its_level() {
        let limit = |level, word| {
            Grade::parse(level, word)
                .unwrap()
                .limit_m2(&Parameters::default())
                .to_string()
        };
        assert_eq!(limit(Level::Central, "正处级"), "12");
        assert_eq!(limit(Level::Province, "正处级"), "18");
        assert_eq!(limit(Level::City, "正处级"), "24");
        assert_eq!(limit(Level::City, "正局（处）级"), "24");
        assert_eq!(limit(Level::City, "正科级"), "9");
        assert_eq!(limit(Level::County, "正科级"), "18");
        assert_eq!(limit(Level::County, "Section_Chief"), "18");
    }

    #[test]
    fn every_word_of_a_level_means_one_rank_of_it() {
        for level in Level::ALL {
            for grade in grades(level) {
                for word in grade.words() {
                    assert_eq!(
                        Grade::parse(level, word).map(|found| found.code),
                        Ok(grade.code),
                        "{level} {word}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_rank_of_another_level_is_told_from_no_rank() {
        assert_eq!(
            Grade::parse(Level::County, "正处级"),
            Err(RankRefused::OfAnotherLevel {
                rank: "正处级".to_owned(),
                level: Level::County,
                of: vec![Level::Central, Level::Province, Level::City],
            })
        );
        assert!(matches!(
            Grade::parse(Level::City, "合计"),
            Err(RankRefused::Unranked { .. })
        ));
        assert!(matches!(
            Grade::parse(Level::City, "大校"),
            Err(RankRefused::Unknown { .. })
        ));
    }
}
