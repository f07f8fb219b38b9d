//! Approved staffing (编制) by rank, from the columns of a list.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

/// Ranks, and what lists call them beside that. A rank of the limits for office space stands under its own name.
const RANKS: [(&str, &[&str]); 33] = [
    (
        "省部级正职",
        &["正省部级", "provincial_chief", "ministerial_chief", "minister"],
    ),
    (
        "省部级副职",
        &["副省部级", "provincial_deputy", "ministerial_deputy", "vice_minister"],
    ),
    ("部级正职", &["正部级"]),
    ("部级副职", &["副部级"]),
    ("省级正职", &["正省级"]),
    ("省级副职", &["副省级"]),
    ("正司(局)级", &["司局级正职"]),
    ("副司(局)级", &["司局级副职"]),
    (
        "正厅(局)级",
        &["厅局级正职", "正厅级", "bureau_chief", "director_general"],
    ),
    (
        "副厅(局)级",
        &["厅局级副职", "副厅级", "bureau_deputy", "deputy_director_general"],
    ),
    ("市级正职", &[]),
    ("市级副职", &[]),
    ("正局(处)级", &["局处级正职"]),
    ("副局(处)级", &["局处级副职"]),
    ("局(处)级以下", &[]),
    ("县级正职", &[]),
    ("县级副职", &[]),
    ("正处级", &["县处级正职", "division_chief", "division_head", "director"]),
    ("副处级", &["县处级副职", "division_deputy", "deputy_director"]),
    ("处级", &["县处级"]),
    ("处级以下", &["below_division"]),
    ("正科级", &["乡科级正职", "section_chief", "section_head"]),
    ("副科级", &["乡科级副职", "section_deputy"]),
    ("科级", &["乡科级"]),
    ("科级及以下", &["section_and_below"]),
    ("科级以下", &["below_section"]),
    ("乡级正职", &[]),
    ("乡级副职", &[]),
    ("科员", &["科员级", "staff"]),
    ("办事员", &["办事员级", "clerk"]),
    ("工勤人员", &["工勤", "support_staff"]),
    ("领导职数", &["leaders"]),
    ("其他", &["其它", "other"]),
];

/// What stands around a rank in a header.
const AROUND: [&str; 15] = [
    "核定编制人数",
    "核定编制数",
    "核定编制",
    "编制人数",
    "编制数",
    "编制",
    "定编人数",
    "定编",
    "人数",
    "approvedheadcount",
    "approvedstaffing",
    "headcount",
    "staffing",
    "posts",
    "按级别",
];

/// Who is there, as opposed to who may be.
const NOT_APPROVED: [&str; 6] = ["实有", "在编", "在岗", "现有", "actual", "空编"];

/// The rank of a number of which only the sum is told.
const ALL_RANKS: &str = "合计";

/// The most persons a rank has.
const MOST_PERSONS: f64 = 1e7;

/// What a column says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Column {
    /// The number of persons of a rank.
    Rank(String),
    /// Of all ranks together.
    Sum,
}

/// The columns of a list that tell the staffing.
#[derive(Debug, Default)]
pub(super) struct HeadcountColumns {
    /// What was asked for, by the column's name.
    asked: HashMap<String, String>,
    /// What the columns met so far are.
    known: HashMap<String, Option<Column>>,
}

/// What a row says of its staffing.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    /// Persons by rank; none where the row says nothing of it.
    pub headcount: Option<BTreeMap<String, u32>>,
    /// Columns whose value is no number of persons.
    pub unreadable: Vec<(String, String)>,
}

impl HeadcountColumns {
    /// With ranks and their columns as they were asked for.
    pub(super) fn new(asked: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            asked: asked.into_iter().map(|(rank, column)| (column, rank)).collect(),
            known: HashMap::new(),
        }
    }

    /// A column that was asked for and that no row has had.
    pub(super) fn never_met(&self) -> Option<&str> {
        self.asked
            .keys()
            .find(|column| !self.known.contains_key(*column))
            .map(String::as_str)
    }

    /// Rank and column of everything found, for the report.
    pub(super) fn found(&self) -> impl Iterator<Item = (String, String)> {
        self.known.iter().filter_map(|(name, column)| {
            let rank = match column.as_ref()? {
                Column::Rank(rank) => rank.as_str(),
                Column::Sum => ALL_RANKS,
            };
            Some((format!("headcount:{rank}"), name.clone()))
        })
    }

    /// Takes the staffing out of what a row says beside our fields. What can't be read stays there.
    pub(super) fn take(&mut self, attributes: &mut Map<String, Value>) -> Told {
        let mut told = Told::default();
        let mut sum = None;
        let mut taken = Vec::new();
        for (name, value) in attributes.iter() {
            let column = self.known.entry(name.clone()).or_insert_with(|| {
                self.asked
                    .get(name)
                    .map(|rank| Column::Rank(rank.clone()))
                    .or_else(|| column_of(name))
            });
            let Some(column) = column else { continue };
            if let (Column::Sum, Some(ranks)) = (&*column, by_rank(value)) {
                told.headcount.get_or_insert_default().extend(ranks);
                taken.push(name.clone());
                continue;
            }
            let persons = match persons(value) {
                Ok(persons) => persons,
                Err(text) => {
                    told.unreadable.push((name.clone(), text));
                    continue;
                }
            };
            match (column, persons) {
                (Column::Sum, Some(persons)) => sum = Some((name.clone(), persons)),
                (Column::Sum, None) => {}
                (Column::Rank(rank), persons) => {
                    let headcount = told.headcount.get_or_insert_default();
                    if let Some(persons) = persons.filter(|persons| *persons > 0) {
                        let entry = headcount.entry(rank.clone()).or_default();
                        *entry = entry.saturating_add(persons);
                    }
                    taken.push(name.clone());
                }
            }
        }
        // The sum says something only where nothing is said by rank.
        if let (None, Some((name, persons))) = (&told.headcount, sum) {
            told.headcount = Some(BTreeMap::from([(ALL_RANKS.to_owned(), persons)]));
            taken.push(name);
        }
        for name in taken {
            attributes.remove(&name);
        }
        told
    }
}

fn column_of(header: &str) -> Option<Column> {
    let plain = plain(header);
    if NOT_APPROVED.iter().any(|word| plain.contains(word)) {
        return None;
    }
    let mut rank = plain.as_str();
    let mut speaks_of_staffing = false;
    loop {
        let bare = AROUND.iter().find_map(|around| {
            rank.strip_prefix(around)
                .or_else(|| rank.strip_suffix(around))
                .filter(|bare| bare.len() < rank.len())
        });
        match bare {
            Some(bare) => {
                rank = bare;
                speaks_of_staffing = true;
            }
            None => break,
        }
    }
    if rank.is_empty() {
        return speaks_of_staffing.then_some(Column::Sum);
    }
    let (name, _) = RANKS.iter().find(|(name, words)| {
        let is_rank = |word: &str| self::plain(word) == rank;
        is_rank(name) || words.iter().any(|word| is_rank(word))
    })?;
    // A word that may mean anything is a rank only where the header speaks of staffing.
    let is_plain_word = matches!(*name, "其他" | "科员" | "办事员" | "工勤人员" | "领导职数") || rank.is_ascii();
    (speaks_of_staffing || !is_plain_word).then(|| Column::Rank((*name).to_owned()))
}

/// A header without anything but its letters, in lower case.
fn plain(header: &str) -> String {
    header
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// A number of persons; none for an empty cell, the text for what is no such number.
fn persons(value: &Value) -> Result<Option<u32>, String> {
    let number = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => {
            let text = text.trim().trim_end_matches(['人', '名']);
            if text.is_empty() || matches!(text, "-" | "—" | "/") {
                return Ok(None);
            }
            text.replace([',', '，'], "").parse().ok()
        }
        _ => None,
    };
    match number.filter(|number| (0.0..=MOST_PERSONS).contains(number) && number.fract() == 0.0) {
        Some(number) => Ok(Some(number as u32)),
        None => Err(match value {
            Value::String(text) => text.chars().take(60).collect(),
            other => other.to_string().chars().take(60).collect(),
        }),
    }
}

/// Ranks and persons in one cell, as our own exports have them.
fn by_rank(value: &Value) -> Option<BTreeMap<String, u32>> {
    match value {
        Value::Object(_) => serde_json::from_value(value.clone()).ok(),
        Value::String(text) if text.trim_start().starts_with('{') => serde_json::from_str(text).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn take(mut attributes: Value) -> (Told, Value) {
        let told = HeadcountColumns::default().take(attributes.as_object_mut().unwrap());
        (told, attributes)
    }

    #[test]
    fn columns_of_ranks_are_read_and_all_else_stays() {
        let (told, rest) = take(json!({
            "正处级编制": 3, "编制人数（副处级）": "5 ", "编制数_正科级": "12人", "科级及以下": "", "Headcount: section deputy": 7,
            "实有人数_正处级": 2, "编制人数": 40, "备注": "三定", "其他": "1"
        }));
        let ranks = [("正处级", 3), ("副处级", 5), ("正科级", 12), ("副科级", 7)];
        let ranks = ranks.map(|(rank, persons)| (rank.to_owned(), persons));
        assert_eq!(told.headcount, Some(BTreeMap::from(ranks)));
        assert_eq!(told.unreadable, []);
        assert_eq!(
            rest,
            json!({"实有人数_正处级": 2, "编制人数": 40, "备注": "三定", "其他": "1"})
        );
    }

    #[test]
    fn a_sum_alone_is_kept_as_one_and_what_is_no_number_stays() {
        let (told, rest) = take(json!({"核定编制": 45}));
        assert_eq!(told.headcount, Some(BTreeMap::from([("合计".to_owned(), 45)])));
        assert_eq!(rest, json!({}));
        let (told, rest) = take(json!({"正处级": "若干", "副处级": 2.5, "正科级": -1}));
        assert_eq!((told.headcount, told.unreadable.len()), (None, 3));
        assert_eq!(rest.as_object().unwrap().len(), 3);
        let (told, _) = take(json!({"headcount": "{\"正处级\": 3}"}));
        assert_eq!(told.headcount, Some(BTreeMap::from([("正处级".to_owned(), 3)])));
        assert_eq!(take(json!({"名称": "甲"})).0, Told::default());
    }
}
