//! Invented names of streets and parks.

use std::collections::HashSet;

use super::sequence::Sequence;

/// Characters with their sounds; names are made of two of them.
const FIRST: [(&str, &str); 38] = [
    ("文", "Wen"),
    ("和", "He"),
    ("清", "Qing"),
    ("景", "Jing"),
    ("云", "Yun"),
    ("嘉", "Jia"),
    ("瑞", "Rui"),
    ("锦", "Jin"),
    ("芳", "Fang"),
    ("晨", "Chen"),
    ("枫", "Feng"),
    ("竹", "Zhu"),
    ("松", "Song"),
    ("荷", "He"),
    ("桂", "Gui"),
    ("望", "Wang"),
    ("听", "Ting"),
    ("怀", "Huai"),
    ("澄", "Cheng"),
    ("碧", "Bi"),
    ("翠", "Cui"),
    ("泽", "Ze"),
    ("慧", "Hui"),
    ("丰", "Feng"),
    ("安", "An"),
    ("永", "Yong"),
    ("宁", "Ning"),
    ("兰", "Lan"),
    ("梅", "Mei"),
    ("秋", "Qiu"),
    ("朝", "Zhao"),
    ("星", "Xing"),
    ("明", "Ming"),
    ("白", "Bai"),
    ("青", "Qing"),
    ("金", "Jin"),
    ("玉", "Yu"),
    ("春", "Chun"),
];
const SECOND: [(&str, &str); 20] = [
    ("澜", "lan"),
    ("顺", "shun"),
    ("源", "yuan"),
    ("泰", "tai"),
    ("霞", "xia"),
    ("苑", "yuan"),
    ("台", "tai"),
    ("林", "lin"),
    ("湖", "hu"),
    ("桥", "qiao"),
    ("亭", "ting"),
    ("溪", "xi"),
    ("岸", "an"),
    ("岭", "ling"),
    ("舟", "zhou"),
    ("泉", "quan"),
    ("庭", "ting"),
    ("华", "hua"),
    ("塘", "tang"),
    ("墩", "dun"),
];

fn two(sequence: &mut Sequence) -> (String, String) {
    let (first, second) = (sequence.pick(&FIRST), sequence.pick(&SECOND));
    (format!("{}{}", first.0, second.0), format!("{}{}", first.1, second.1))
}

/// A park's name, Chinese and English, without the word for park.
pub(super) fn park(sequence: &mut Sequence) -> (String, String) {
    two(sequence)
}

/// Names of streets, each once while there are enough.
#[derive(Debug)]
pub(super) struct StreetNames {
    sequence: Sequence,
    given: HashSet<String>,
}

impl StreetNames {
    pub fn new(sequence: Sequence) -> Self {
        Self {
            sequence,
            given: HashSet::new(),
        }
    }

    /// `class` 1 is the widest; streets that run north and south have other endings than those that run east and west.
    pub fn next(&mut self, across: bool, class: u8) -> String {
        for _ in 0..200 {
            let ending = match (class, across) {
                (1, _) => "大道",
                (2, true) => "北路",
                (2, false) => "路",
                (_, true) => "街",
                (_, false) => "巷",
            };
            let name = format!("{}{ending}", two(&mut self.sequence).0);
            if self.given.insert(name.clone()) {
                return name;
            }
        }
        format!("第{}路", self.given.len())
    }
}

/// A street's name in English; the quays' names stay as they are.
pub(super) fn english(street: &str) -> String {
    let mut characters = street.chars();
    let mut sound = |table: &[(&str, &'static str)]| {
        let character = characters.next()?.to_string();
        table
            .iter()
            .find(|(known, _)| *known == character)
            .map(|(_, sound)| *sound)
    };
    let (first, second) = (sound(&FIRST), sound(&SECOND));
    let ending = match characters.as_str() {
        "大道" => "Avenue",
        "北路" => "North Road",
        "路" => "Road",
        "街" => "Street",
        _ => "Lane",
    };
    match (first, second) {
        (Some(first), Some(second)) => format!("{first}{second} {ending}"),
        _ => street.to_owned(),
    }
}
