//! 不动产权证号: the number of a certificate. Those of the unified registration have one form; old land and house
//! certificates keep theirs, whatever it is.

use serde::Serialize;

use crate::unit_code::CodeRefused;

/// 省、自治区、直辖市简称
const PROVINCES: &str = "京津沪渝冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新";

/// A number of the unified form: `省简称(年度)市县全称不动产权第7位顺序号号`, half-width brackets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CertificateNumber {
    text: String,
    province: char,
    year: u16,
    region: String,
    serial: String,
}

impl CertificateNumber {
    /// Reads a number. Brackets and blanks are put in order: printers differ in them, and they say nothing.
    ///
    /// # Errors
    /// What part of the form is broken.
    pub fn parse(text: &str) -> Result<Self, CodeRefused> {
        let text = normalised(text);
        let refuse = |defect, zh: &str, en: &str| Err(CodeRefused::new(defect, zh, en));
        let mut characters = text.chars();
        let Some(province) = characters.next().filter(|province| PROVINCES.contains(*province)) else {
            return refuse(
                "certificate_province",
                "证号应以省、自治区、直辖市简称开头，如“浙(2020)余杭区不动产权第0130664号”",
                "it begins with a province's one-character name, as in 浙(2020)余杭区不动产权第0130664号",
            );
        };
        let rest = characters.as_str();
        let Some((year, rest)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) else {
            return refuse(
                "certificate_year",
                "省简称之后应为括号内的年度，如(2020)",
                "the year stands in brackets after the province, as in (2020)",
            );
        };
        let Some(year) = Some(year)
            .filter(|year| year.len() == 4)
            .and_then(|year| year.parse::<u16>().ok())
            .filter(|year| (2015..2100).contains(year))
        else {
            return refuse(
                "certificate_year",
                "年度应为2015年以后的四位数字：统一登记自2015年开始",
                "the year has four digits and is 2015 or later: unified registration began in 2015",
            );
        };
        let Some((region, serial)) = rest.split_once("不动产权第") else {
            return refuse(
                "certificate_words",
                "缺少“不动产权第”",
                "the words 不动产权第 are missing",
            );
        };
        if !(2..=20).contains(&region.chars().count()) || region.chars().any(|c| c.is_ascii_punctuation()) {
            return refuse(
                "certificate_region",
                "市县名称应为2至20个字",
                "the name of the city or county has 2 to 20 characters",
            );
        }
        let Some(serial) = serial
            .strip_suffix('号')
            .filter(|serial| serial.len() == 7 && serial.bytes().all(|byte| byte.is_ascii_digit()))
        else {
            return refuse(
                "certificate_serial",
                "顺序号应为7位数字，并以“号”结尾",
                "the serial has seven digits and 号 behind it",
            );
        };
        Ok(Self {
            province,
            year,
            region: region.to_owned(),
            serial: serial.to_owned(),
            text,
        })
    }

    /// The number as it is kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The place in it: 余杭区 of 浙(2020)余杭区不动产权第0130664号.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The year in it.
    #[must_use]
    pub fn year(&self) -> u16 {
        self.year
    }
}

/// Half-width brackets and digits, no blanks.
#[must_use]
pub fn normalised(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_whitespace())
        .map(|character| match character {
            '（' | '〔' | '［' | '【' | '[' => '(',
            '）' | '〕' | '］' | '】' | ']' => ')',
            '０'..='９' => char::from_u32(u32::from(character) - 0xFEE0).unwrap_or(character),
            other => other,
        })
        .collect()
}

/// 编号: the serial that the printer gave the paper, a letter and 11 digits.
///
/// # Errors
/// Where it has another form.
pub fn print_serial(text: &str) -> Result<String, CodeRefused> {
    let text = normalised(text).to_ascii_uppercase();
    let rest = text.strip_prefix(|first: char| first.is_ascii_uppercase());
    if rest.is_some_and(|rest| rest.len() == 11 && rest.bytes().all(|byte| byte.is_ascii_digit())) {
        Ok(text)
    } else {
        Err(CodeRefused::new(
            "print_serial_form",
            "印制流水号应为1个字母加11位数字",
            "a printer's serial is a letter and 11 digits",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_put_in_order_and_parts_are_told() {
        for text in [
            "浙(2020)余杭区不动产权第0130664号",
            "浙（2020）余杭区不动产权第0130664号",
            "浙〔２０２０〕余杭区 不动产权第0130664号",
        ] {
            let number = CertificateNumber::parse(text).unwrap();
            assert_eq!(number.as_str(), "浙(2020)余杭区不动产权第0130664号");
            assert_eq!((number.region(), number.year()), ("余杭区", 2020));
        }
    }

    #[test]
    fn other_forms_are_refused_by_part() {
        for (text, defect) in [
            ("永国用(2005)第001234号", "certificate_province"),
            ("", "certificate_province"),
            ("浙2020余杭区不动产权第0130664号", "certificate_year"),
            ("浙(20)余杭区不动产权第0130664号", "certificate_year"),
            ("浙(1998)余杭区不动产权第0130664号", "certificate_year"),
            ("浙(2020)余杭区房权第0130664号", "certificate_words"),
            ("浙(2020)余不动产权第0130664号", "certificate_region"),
            ("浙(2020)<script>不动产权第0130664号", "certificate_region"),
            ("浙(2020)余杭区不动产权第130664号", "certificate_serial"),
            ("浙(2020)余杭区不动产权第0130664", "certificate_serial"),
        ] {
            assert_eq!(CertificateNumber::parse(text).unwrap_err().defect, defect, "{text}");
        }
        assert_eq!(print_serial("j 01234567890").unwrap(), "J01234567890");
        assert_eq!(print_serial("J0123456789").unwrap_err().defect, "print_serial_form");
    }
}
