//! Floors as lists write them.

/// The floors a room may be on.
const FLOORS: std::ops::RangeInclusive<i32> = -30..=300;

/// The floor a list's text means: `3`, `-1`, `B1`, `3F`, `1层`, `负一层`, `地下一层`, `首层`; German `2. OG`, `EG` (0), `UG`.
/// An id of a floor that ends in one of these behind a hyphen means that one.
pub(super) fn floor_of(text: &str) -> Option<i16> {
    // Spreadsheets write whole numbers as 3.0.
    if let Ok(number) = text.trim().parse::<f64>() {
        let is_floor =
            number.fract() == 0.0 && (f64::from(*FLOORS.start())..=f64::from(*FLOORS.end())).contains(&number);
        return is_floor.then_some(number as i16);
    }
    let plain: String = text
        .chars()
        .filter(|letter| !letter.is_whitespace() && !matches!(letter, '.' | '/' | '_' | '第'))
        .flat_map(char::to_lowercase)
        .collect();
    let floor = whole(&plain).or_else(|| {
        let (_, last) = plain.rsplit_once('-')?;
        // A bare number there may be anything.
        (!last.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| whole(last))
            .flatten()
    })?;
    i16::try_from(floor).ok().filter(|_| FLOORS.contains(&floor))
}

fn whole(plain: &str) -> Option<i32> {
    match plain {
        "首层" | "底层" | "一楼" => return Some(1),
        "eg" => return Some(0),
        "ug" | "地下室" | "地下" | "地下层" | "basement" => return Some(-1),
        _ => {}
    }
    if let Some(number) = plain.strip_suffix("og").or_else(|| plain.strip_suffix("obergeschoss")) {
        return ascii(number);
    }
    if let Some(number) = plain.strip_suffix("ug").or_else(|| plain.strip_suffix("untergeschoss")) {
        return ascii(number).map(|number| -number);
    }
    let (plain, is_storey) = match plain.strip_suffix(['层', '楼', 'f']) {
        Some(rest) => (rest, true),
        None => (plain, false),
    };
    for below in ["地下", "负", "basement", "b", "-", "−"] {
        if let Some(number) = plain.strip_prefix(below) {
            return counted(number).map(|number| -number);
        }
    }
    for above in ["地上", "floor", "level", "f", "l"] {
        if let Some(number) = plain.strip_prefix(above) {
            return counted(number);
        }
    }
    if is_storey { counted(plain) } else { ascii(plain) }
}

fn ascii(digits: &str) -> Option<i32> {
    let is_number = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// A number in digits, or in Chinese up to ninety-nine.
fn counted(text: &str) -> Option<i32> {
    if let Some(number) = ascii(text) {
        return Some(number);
    }
    let digit = |letter: char| {
        "零一二三四五六七八九"
            .chars()
            .position(|known| known == letter || (letter == '两' && known == '二'))
            .and_then(|digit| i32::try_from(digit).ok())
    };
    let letters: Vec<char> = text.chars().collect();
    match letters.as_slice() {
        ['十'] => Some(10),
        [one] => digit(*one),
        ['十', ones] => Some(10 + digit(*ones)?),
        [tens, '十'] => Some(10 * digit(*tens)?),
        [tens, '十', ones] => Some(10 * digit(*tens)? + digit(*ones)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::floor_of;

    #[test]
    fn floors_are_read_as_people_write_them() {
        for (text, floor) in [
            ("3", 3),
            ("-1", -1),
            ("B1", -1),
            ("b2层", -2),
            ("1层", 1),
            ("第12层", 12),
            ("三楼", 3),
            ("二十一层", 21),
            ("负一层", -1),
            ("地下一层", -1),
            ("地下2层", -2),
            ("地上3层", 3),
            ("首层", 1),
            ("F3", 3),
            ("5F", 5),
            ("2. OG", 2),
            ("EG", 0),
            ("1. UG", -1),
            ("UG", -1),
            ("1080-4850-AG-2og", 2),
            ("1080-4840-AF-eg", 0),
        ] {
            assert_eq!(floor_of(text), Some(floor), "{text}");
        }
        for text in ["", "夹层", "A", "1080-4850-12", "1000", "-31", "三百层", "屋面", "3.5"] {
            assert_eq!(floor_of(text), None, "{text}");
        }
    }
}
