//! 不动产单元代码: the 28-character code of GB/T 37346-2019, level by level, with a precise word for each defect.

use std::fmt;

use serde::{Serialize, Serializer};

/// What is wrong with a text that is to be a code, in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema, thiserror::Error)]
#[error("{en}")]
pub struct CodeRefused {
    /// A stable word for the kind of defect.
    pub defect: &'static str,
    /// What is wrong, in Chinese.
    pub zh: String,
    /// What is wrong, in English.
    pub en: String,
    /// The code that was probably meant, where it is right in form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub did_you_mean: Option<String>,
}

impl CodeRefused {
    pub(crate) fn new(defect: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            defect,
            zh: zh.into(),
            en: en.into(),
            did_you_mean: None,
        }
    }

    /// As the problem of a field.
    #[must_use]
    pub fn problem(self, field: &str) -> crate::request::Problem {
        let remedy = self.did_you_mean.as_ref().map_or_else(
            || "correct the code as the certificate prints it".to_owned(),
            |meant| format!("did you mean {meant}?"),
        );
        // The page shows the half that its reader asks for.
        let detail = format!("{} / {}", self.zh, self.en);
        let problem = crate::request::Problem::invalid(field, detail)
            .remedy(remedy)
            .code(self.defect);
        match self.did_you_mean {
            None => problem,
            Some(meant) => problem.offers(vec![serde_json::json!({
                "set": {field: meant},
                "zh": format!("改为 {meant}"),
                "en": format!("use {meant}"),
            })]),
        }
    }

    /// As the problem of a field that holds a unit code: the rule is kept at the door.
    #[must_use]
    pub fn unit_code_problem(self, field: &str, said: &str) -> crate::request::Problem {
        let evidence = serde_json::json!({"unit_code": said, "defect": self.defect});
        self.problem(field)
            .breaks(crate::request::DoorRule::UnitCodeForm, evidence)
    }
}

/// A character of a closed list of the standard.
macro_rules! letters {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $letter:literal $zh:literal $en:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All of them, in the standard's order.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The letter in the code.
            #[must_use]
            pub fn letter(self) -> char {
                match self {
                    $(Self::$variant => $letter,)+
                }
            }

            /// What it means, in Chinese.
            #[must_use]
            pub fn zh(self) -> &'static str {
                match self {
                    $(Self::$variant => $zh,)+
                }
            }

            /// What it means, in English.
            #[must_use]
            pub fn en(self) -> &'static str {
                match self {
                    $(Self::$variant => $en,)+
                }
            }

            fn of(letter: char) -> Option<Self> {
                match letter {
                    $($letter => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

letters! {
    /// Position 13: who owns the land.
    LandOwnership {
        /// 国家土地所有权
        State = 'G' "国家土地所有权" "owned by the state",
        /// 集体土地所有权
        Collective = 'J' "集体土地所有权" "owned by a collective",
        /// 土地所有权未确定或有争议
        Undetermined = 'Z' "土地所有权未确定或有争议" "ownership undetermined or disputed",
    }
}

letters! {
    /// Position 14: what kind of parcel it is.
    ParcelKind {
        /// 集体土地所有权宗地
        CollectiveLand = 'A' "集体土地所有权宗地" "land owned by a collective",
        /// 建设用地使用权宗地(地表)
        Surface = 'B' "建设用地使用权宗地(地表)" "construction land, surface",
        /// 建设用地使用权宗地(地上)
        Above = 'S' "建设用地使用权宗地(地上)" "construction land, above ground",
        /// 建设用地使用权宗地(地下)
        Below = 'X' "建设用地使用权宗地(地下)" "construction land, underground",
        /// 宅基地使用权宗地
        Homestead = 'C' "宅基地使用权宗地" "rural homestead",
        /// 土地承包经营权宗地(耕地)
        ContractedField = 'D' "土地承包经营权宗地(耕地)" "contracted farmland",
        /// 土地承包经营权宗地(林地)
        ContractedForest = 'E' "土地承包经营权宗地(林地)" "contracted forest land",
        /// 土地承包经营权宗地(草地)
        ContractedGrassland = 'F' "土地承包经营权宗地(草地)" "contracted grassland",
        /// 林地使用权(承包经营以外的)
        ForestUse = 'L' "林地使用权宗地(承包经营以外)" "forest use other than by contract",
        /// 农用地使用权(承包经营以外的)
        FarmUse = 'N' "农用地使用权宗地(承包经营以外)" "farm use other than by contract",
        /// 海域使用权宗海
        Sea = 'H' "海域使用权宗海" "use of a sea area",
        /// 无居民海岛使用权
        Island = 'G' "无居民海岛使用权海岛" "use of an uninhabited island",
        /// 使用权未确定或有争议的土地
        Disputed = 'W' "使用权未确定或有争议的土地" "use undetermined or disputed",
        /// 其它使用权
        Other = 'Y' "其他使用权" "another right of use",
    }
}

letters! {
    /// Position 20: what is fixed to the land.
    Fixture {
        /// 房屋等建筑物、构筑物
        Building = 'F' "房屋等建筑物、构筑物" "buildings and structures",
        /// 森林或林木
        Forest = 'L' "森林或林木" "forest or trees",
        /// 其他类型的定着物
        Other = 'Q' "其他类型的定着物" "another fixture",
        /// 无定着物
        None = 'W' "无定着物" "no fixture",
    }
}

/// The first two digits that provinces have (GB/T 2260).
const PROVINCES: [&str; 33] = [
    "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43", "44",
    "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71", "81",
];

/// A code that is right in form: upper case, 28 characters, no blanks. Whether it agrees with its surroundings (the
/// parcel, the region) is a question to the registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnitCode(String);

impl fmt::Display for UnitCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for UnitCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl UnitCode {
    /// Reads a code exactly as it is stored.
    ///
    /// # Errors
    /// The first defect from the left, and the code that was probably meant where blanks, lower case or look-alike
    /// characters are all that is wrong.
    pub fn parse(text: &str) -> Result<Self, CodeRefused> {
        let refused = match strict(text) {
            Ok(()) => return Ok(Self(text.to_owned())),
            Err(refused) => refused,
        };
        let (tidy, habit) = tidied(text);
        if tidy != text {
            return Err(match strict(&tidy) {
                Ok(()) => CodeRefused {
                    did_you_mean: Some(tidy),
                    ..habit.unwrap_or(refused)
                },
                // What is left once the habits of typing are out of the way is what is really wrong.
                Err(deeper) => deeper,
            });
        }
        Err(refused)
    }

    /// The code itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn part(&self, from: usize, to: usize) -> &str {
        // All characters are ASCII and there are 28 of them.
        self.0.get(from - 1..to).unwrap_or_default()
    }

    fn letter(&self, position: usize) -> char {
        self.part(position, position).chars().next().unwrap_or(' ')
    }

    /// 县级行政区划代码, 6 digits.
    #[must_use]
    pub fn region(&self) -> &str {
        self.part(1, 6)
    }

    /// 地籍区, 3 digits.
    #[must_use]
    pub fn cadastral_district(&self) -> &str {
        self.part(7, 9)
    }

    /// 地籍子区, 3 digits.
    #[must_use]
    pub fn cadastral_subdistrict(&self) -> &str {
        self.part(10, 12)
    }

    /// Who owns the land.
    #[must_use]
    pub fn ownership(&self) -> LandOwnership {
        LandOwnership::of(self.letter(13)).unwrap_or(LandOwnership::Undetermined)
    }

    /// What kind of parcel it is.
    #[must_use]
    pub fn parcel_kind(&self) -> ParcelKind {
        ParcelKind::of(self.letter(14)).unwrap_or(ParcelKind::Other)
    }

    /// 宗地顺序号, 5 digits.
    #[must_use]
    pub fn serial(&self) -> &str {
        self.part(15, 19)
    }

    /// What is fixed to the land.
    #[must_use]
    pub fn fixture(&self) -> Fixture {
        Fixture::of(self.letter(20)).unwrap_or(Fixture::None)
    }

    /// 幢号: the building's number where the fixture is one; 9999 stands for several registered as one.
    #[must_use]
    pub fn building(&self) -> Option<&str> {
        (self.fixture() == Fixture::Building).then(|| self.part(21, 24))
    }

    /// 户号: the number of the unit in the building.
    #[must_use]
    pub fn unit(&self) -> Option<&str> {
        (self.fixture() == Fixture::Building).then(|| self.part(25, 28))
    }

    /// 宗地代码: the first 19 characters.
    #[must_use]
    pub fn parcel_code(&self) -> &str {
        self.part(1, 19)
    }

    /// 自然幢号: the first 24 characters, where the fixture is a building.
    #[must_use]
    pub fn building_code(&self) -> Option<&str> {
        (self.fixture() == Fixture::Building).then(|| self.part(1, 24))
    }

    /// Does it stand for several or all buildings of the parcel registered as one?
    #[must_use]
    pub fn is_whole_parcel(&self) -> bool {
        self.building() == Some("9999")
    }

    /// A code given before the cadastral survey: right in form, but never unique.
    #[must_use]
    pub fn is_provisional(&self) -> bool {
        matches!(self.part(7, 12), "000000" | "999999") || self.serial() == "99999"
    }

    /// As certificates print it: 6-6-7-9.
    #[must_use]
    pub fn grouped(&self) -> String {
        [self.part(1, 6), self.part(7, 12), self.part(13, 19), self.part(20, 28)].join(" ")
    }

    /// What is allowed but unusual, in Chinese and English.
    #[must_use]
    pub fn warnings(&self) -> Vec<(&'static str, &'static str)> {
        let mut warnings = Vec::new();
        if self.is_provisional() {
            warnings.push((
                "临时代码：地籍区、地籍子区或顺序号为占位值，不作唯一标识",
                "provisional: the cadastral zones or the serial stand in for real ones, so it is not unique",
            ));
        }
        if matches!(self.parcel_kind(), ParcelKind::ForestUse | ParcelKind::FarmUse) {
            warnings.push((
                "特征码L、N少见，请与证书核对",
                "kinds L and N are rare; compare with the certificate",
            ));
        }
        if self.parcel_kind() == ParcelKind::Disputed || self.ownership() == LandOwnership::Undetermined {
            warnings.push((
                "权属未确定或有争议，不得处置",
                "undetermined or disputed: it can't be disposed of",
            ));
        }
        warnings
    }
}

/// What people type instead of a code: the code without it, and what to say of the first such habit.
fn tidied(text: &str) -> (String, Option<CodeRefused>) {
    let mut habit = None;
    let mut note = |defect: &'static str, zh: String, en: String| {
        habit.get_or_insert_with(|| CodeRefused::new(defect, zh, en));
    };
    let mut tidy = String::with_capacity(text.len());
    for character in text.chars() {
        // Full-width forms of ASCII lie at a fixed distance.
        let narrow = match u32::from(character) {
            wide @ 0xFF01..=0xFF5E => char::from_u32(wide - 0xFEE0).unwrap_or(character),
            0x3000 => ' ',
            _ => character,
        };
        if narrow.is_whitespace() || matches!(narrow, '-' | '_' | '\u{200B}') {
            note(
                "unit_code_blank",
                "含有空格或分隔符，存储时不带空格".to_owned(),
                "it contains blanks or separators; a code is kept without".to_owned(),
            );
            continue;
        }
        if narrow != character {
            note(
                "unit_code_full_width",
                format!("含有全角字符“{character}”"),
                format!("it contains the full-width character {character}"),
            );
        }
        if narrow.is_ascii_lowercase() {
            note(
                "unit_code_lower_case",
                "含有小写字母，代码用大写字母".to_owned(),
                "it contains lower-case letters; a code has capitals".to_owned(),
            );
        }
        tidy.push(narrow.to_ascii_uppercase());
    }
    let likeness = |position: usize, character: char| {
        let wants_digit = !matches!(position, 13 | 14 | 20);
        match character {
            'O' | 'Q' if wants_digit => '0',
            'I' | 'L' if wants_digit => '1',
            other => other,
        }
    };
    let looks: String = tidy
        .chars()
        .enumerate()
        .map(|(index, character)| likeness(index + 1, character))
        .collect();
    if looks != tidy {
        let first = tidy
            .chars()
            .zip(looks.chars())
            .enumerate()
            .find(|(_, (was, is))| was != is);
        if let Some((index, (was, is))) = first {
            note(
                "unit_code_look_alike",
                format!("第{}位是字母{was},应为数字{is}", index + 1),
                format!("position {} is the letter {was}, the digit {is} was meant", index + 1),
            );
        }
    }
    (looks, habit)
}

fn strict(text: &str) -> Result<(), CodeRefused> {
    let characters: Vec<char> = text.chars().collect();
    let count = characters.len();
    if count != 28 {
        return Err(wrong_length(&characters));
    }
    let part = |from: usize, to: usize| characters.get(from - 1..to).unwrap_or_default();
    let said = |from: usize, to: usize| part(from, to).iter().collect::<String>();
    let letter = |position: usize| part(position, position).first().copied().unwrap_or(' ');
    let digits = |from: usize, to: usize, zh: &str, en: &str| match part(from, to)
        .iter()
        .position(|character| !character.is_ascii_digit())
    {
        None => Ok(()),
        Some(index) => {
            let position = from + index;
            let found = letter(position);
            Err(CodeRefused::new(
                "unit_code_digit",
                format!("第{position}位是“{found}”，{zh}只能是数字"),
                format!("position {position} is {found:?}; {en} has digits only"),
            ))
        }
    };
    digits(1, 6, "县级行政区划代码", "the county's code")?;
    let region = said(1, 6);
    if !PROVINCES.iter().any(|province| region.starts_with(province)) && !region.starts_with("82") {
        return Err(CodeRefused::new(
            "unit_code_province",
            format!("{}不是省级行政区划代码", said(1, 2)),
            format!("{} is no province's code", said(1, 2)),
        ));
    }
    if region.ends_with("00") {
        return Err(CodeRefused::new(
            "unit_code_region_level",
            format!("{region}是市级代码，应为县级行政区划代码"),
            format!("{region} is the code of a city or province; that of a county is expected"),
        ));
    }
    digits(7, 9, "地籍区", "the cadastral district")?;
    digits(10, 12, "地籍子区", "the cadastral sub-district")?;
    let Some(ownership) = LandOwnership::of(letter(13)) else {
        return Err(CodeRefused::new(
            "unit_code_ownership",
            format!("第13位“{}”不是土地所有权类型，应为G、J或Z", letter(13)),
            format!("position 13: {} is no ownership; G, J or Z is expected", letter(13)),
        ));
    };
    let Some(kind) = ParcelKind::of(letter(14)) else {
        return Err(CodeRefused::new(
            "unit_code_kind",
            format!("第14位“{}”不是宗地特征码", letter(14)),
            format!(
                "position 14: {} is not a kind of parcel; A B S X C D E F L N H G W Y are",
                letter(14)
            ),
        ));
    };
    let goes_with: &[LandOwnership] = match kind {
        ParcelKind::CollectiveLand | ParcelKind::Homestead => &[LandOwnership::Collective],
        ParcelKind::Surface | ParcelKind::Above | ParcelKind::Below => {
            &[LandOwnership::State, LandOwnership::Collective]
        }
        ParcelKind::Sea | ParcelKind::Island => &[LandOwnership::State],
        _ => LandOwnership::ALL,
    };
    if !goes_with.contains(&ownership) {
        let allowed: Vec<String> = goes_with.iter().map(|with| with.letter().to_string()).collect();
        return Err(CodeRefused::new(
            "unit_code_kind_and_ownership",
            format!("特征码{}({})只能与{}组合", kind.letter(), kind.zh(), allowed.join("、")),
            format!(
                "{} ({}) goes only with {}",
                kind.letter(),
                kind.en(),
                allowed.join(" or ")
            ),
        ));
    }
    digits(15, 19, "宗地顺序号", "the parcel's serial")?;
    if said(15, 19) == "00000" {
        return Err(CodeRefused::new(
            "unit_code_serial_zero",
            "宗地顺序号不能为00000",
            "the serial is 00000; it counts from 00001",
        ));
    }
    let Some(fixture) = Fixture::of(letter(20)) else {
        return Err(CodeRefused::new(
            "unit_code_fixture",
            format!("第20位“{}”不是定着物特征码，应为F、L、Q或W", letter(20)),
            format!("position 20: {} is no fixture; F, L, Q or W is expected", letter(20)),
        ));
    };
    digits(21, 28, "定着物单元号", "the fixture's number")?;
    match fixture {
        Fixture::None if said(21, 28) != "00000000" => Err(CodeRefused::new(
            "unit_code_no_fixture",
            "W(无定着物)后八位必须全为0",
            "W (no fixture) must end in eight zeros",
        )),
        Fixture::Building if said(21, 24) == "0000" => Err(CodeRefused::new(
            "unit_code_building_zero",
            format!("幢号为0000,户号却为{}", said(25, 28)),
            format!(
                "building 0000 with house number {}; buildings count from 0001",
                said(25, 28)
            ),
        )),
        _ => Ok(()),
    }
}

/// A code of another length: which of its levels is too short or too long.
fn wrong_length(characters: &[char]) -> CodeRefused {
    let count = characters.len();
    let plain = |zh: String, en: String| {
        CodeRefused::new(
            "unit_code_length",
            format!("共{count}个字符，应为28个{zh}"),
            format!("{count} characters, 28 are needed{en}"),
        )
    };
    let run = |from: usize| {
        let rest = characters.get(from..).unwrap_or_default();
        rest.iter().take_while(|character| character.is_ascii_digit()).count()
    };
    let front = run(0);
    if front != 12 {
        return plain(
            format!("；特征码之前应有12位数字，现有{front}位"),
            format!("; 12 digits stand in front of the letters, here {front}"),
        );
    }
    let serial = run(14);
    if serial != 5 && characters.len() > 14 {
        return plain(
            format!("；宗地顺序号有{serial}位，应为5位"),
            format!("; the serial has {serial} digits, not 5"),
        );
    }
    let fixture = run(20);
    if characters.len() > 20 {
        return plain(
            format!(";定着物单元号有{fixture}位，应为8位"),
            format!("; the fixture's number has {fixture} digits, not 8"),
        );
    }
    plain(String::new(), String::new())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn valid_codes_are_taken_apart() {
        let code = UnitCode::parse("431103001002GB00015F00010001").unwrap();
        assert_eq!(
            (
                code.region(),
                code.cadastral_district(),
                code.cadastral_subdistrict(),
                code.serial()
            ),
            ("431103", "001", "002", "00015")
        );
        assert_eq!(
            (code.ownership(), code.parcel_kind(), code.fixture()),
            (LandOwnership::State, ParcelKind::Surface, Fixture::Building)
        );
        assert_eq!((code.building(), code.unit()), (Some("0001"), Some("0001")));
        assert_eq!(code.parcel_code(), "431103001002GB00015");
        assert_eq!(code.building_code(), Some("431103001002GB00015F0001"));
        assert_eq!(code.grouped(), "431103 001002 GB00015 F00010001");
        assert!(!code.is_provisional() && code.warnings().is_empty());

        let land = UnitCode::parse("431103001002GB00015W00000000").unwrap();
        assert_eq!(
            (land.fixture(), land.building(), land.building_code()),
            (Fixture::None, None, None)
        );
        assert!(
            UnitCode::parse("431103001002GB00015F99990001")
                .unwrap()
                .is_whole_parcel()
        );
        assert_eq!(
            UnitCode::parse("320404003007GX00003F00010001").unwrap().parcel_kind(),
            ParcelKind::Below
        );
        let disputed = UnitCode::parse("530102005011GW00002W00000000").unwrap();
        assert_eq!(disputed.parcel_kind(), ParcelKind::Disputed);
        assert_eq!(disputed.warnings().len(), 1);
        let provisional = UnitCode::parse("320282999999GB99999F00232555").unwrap();
        assert!(provisional.is_provisional());
    }

    #[test]
    fn each_defect_is_named() {
        for (text, defect, words, meant) in [
            (
                "431103001002GB0015F00010001",
                "unit_code_length",
                "27 characters, 28 are needed; the serial has 4 digits, not 5",
                None,
            ),
            (
                "431103001002GK00015F00010001",
                "unit_code_kind",
                "K is not a kind",
                None,
            ),
            (
                "431103001002GB00015W00000001",
                "unit_code_no_fixture",
                "W (no fixture) must end in eight zeros",
                None,
            ),
            (
                "431103001002gb00015F00010001",
                "unit_code_lower_case",
                "lower-case",
                Some("431103001002GB00015F00010001"),
            ),
            (
                "431103001002GA00015W00000000",
                "unit_code_kind_and_ownership",
                "goes only with J",
                None,
            ),
            (
                "431100001002GB00015F00010001",
                "unit_code_region_level",
                "that of a county is expected",
                None,
            ),
            (
                "431103001002GB00000W00000000",
                "unit_code_serial_zero",
                "the serial is 00000",
                None,
            ),
            (
                "431103001002GBO0015F00010001",
                "unit_code_look_alike",
                "position 15 is the letter O",
                Some("431103001002GB00015F00010001"),
            ),
            (
                "431103001002GB00015F00000001",
                "unit_code_building_zero",
                "building 0000",
                None,
            ),
            (
                "431103 001002 GB00015 F00010001",
                "unit_code_blank",
                "blanks",
                Some("431103001002GB00015F00010001"),
            ),
            (
                "43110300I002GB00015F00010001",
                "unit_code_look_alike",
                "position 9 is the letter I",
                Some("431103001002GB00015F00010001"),
            ),
            (
                "４31103001002GB00015F00010001",
                "unit_code_full_width",
                "full-width",
                Some("431103001002GB00015F00010001"),
            ),
            (
                "431103001002ZB00015F00010001",
                "unit_code_kind_and_ownership",
                "goes only with G or J",
                None,
            ),
            (
                "431103001002KB00015F00010001",
                "unit_code_ownership",
                "no ownership",
                None,
            ),
            ("431103001002GB00015K00010001", "unit_code_fixture", "no fixture", None),
            (
                "991103001002GB00015F00010001",
                "unit_code_province",
                "no province",
                None,
            ),
            (
                "431103001002GB00015F000100",
                "unit_code_length",
                "26 characters, 28 are needed; the fixture's number has 6 digits, not 8",
                None,
            ),
            (
                "43110300102GB00015F00010001",
                "unit_code_length",
                "12 digits stand in front of the letters, here 11",
                None,
            ),
            (
                "431103001002gk00015F00010001",
                "unit_code_kind",
                "K is not a kind",
                None,
            ),
            ("", "unit_code_length", "0 characters", None),
            ("<script>alert(1)</script>abcd", "unit_code_length", "characters", None),
            ("'; drop table title; --     ", "unit_code_length", "characters", None),
        ] {
            let refused = UnitCode::parse(text).unwrap_err();
            assert_eq!(refused.defect, defect, "{text}: {refused:?}");
            assert!(refused.en.contains(words), "{text}: {}", refused.en);
            assert!(!refused.zh.is_empty());
            assert_eq!(refused.did_you_mean.as_deref(), meant, "{text}");
        }
    }

    fn any_code() -> impl Strategy<Value = String> {
        (
            "(43|11|32|53)[0-9]{2}(0[1-9]|[1-9][0-9])[0-9]{6}",
            prop::sample::select(vec!["GB", "JB", "GS", "GX", "JA", "JC", "GW", "ZW", "GY"]),
            1u32..100_000,
            prop_oneof!["F[1-9][0-9]{7}", "L[0-9]{8}", "Q[0-9]{8}", Just("W00000000".to_owned())],
        )
            .prop_map(|(front, kind, serial, fixture)| format!("{front}{kind}{serial:05}{fixture}"))
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(text in any_code()) {
            let code = UnitCode::parse(&text).unwrap();
            prop_assert_eq!(code.as_str(), &text);
            let parts = [code.region(), code.cadastral_district(), code.cadastral_subdistrict()].concat();
            let again = format!("{parts}{}{}{}{}{}", code.ownership().letter(), code.parcel_kind().letter(), code.serial(), code.fixture().letter(), &text[20..]);
            prop_assert_eq!(&again, &text);
            // As printed, as typed in a hurry: the same code is meant.
            for typed in [code.grouped(), text.to_lowercase()] {
                if typed != text {
                    prop_assert_eq!(UnitCode::parse(&typed).unwrap_err().did_you_mean, Some(text.clone()));
                }
            }
        }

        #[test]
        fn nothing_makes_it_panic(text in ".{0,40}") {
            if let Ok(code) = UnitCode::parse(&text) {
                prop_assert_eq!(code.as_str(), text);
            }
        }

        /// What passes here passes the form that the database checks, and the other way round where length is right.
        #[test]
        fn the_form_of_the_standard_holds(text in any_code()) {
            prop_assert!(text.len() == 28 && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()));
        }
    }
}
