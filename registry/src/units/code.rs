//! 统一社会信用代码: the check digit of GB 32100-2015.

use serde::Serialize;

/// The 31 characters of a code: digits and capital letters without I, O, S, V and Z.
const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// What the check digit says. A warning, never a refusal: codes were issued wrongly, and bureaus have codes of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodeCheck {
    /// Eighteen characters, and the last one fits the others.
    Ok,
    /// Eighteen characters that are no code: a wrong check digit, or a character that codes don't have.
    Mismatch,
    /// A code of another form.
    OtherForm,
}

/// Checks a unit's code by GB 32100-2015: the values of the first 17 characters weighted with 3^0, 3^1, … modulo 31.
#[must_use]
pub fn check_code(code: &str) -> CodeCheck {
    let bytes = code.as_bytes();
    if bytes.len() != 18 || !bytes.iter().all(u8::is_ascii_alphanumeric) {
        return CodeCheck::OtherForm;
    }
    let mut values = [0; 18];
    for (value, byte) in values.iter_mut().zip(bytes) {
        match ALPHABET.iter().position(|character| character == byte) {
            Some(position) => *value = position,
            None => return CodeCheck::Mismatch,
        }
    }
    let mut weight = 1;
    let mut sum = 0;
    for value in &values[..17] {
        sum += value * weight;
        weight = weight * 3 % 31;
    }
    if (sum + values[17]) % 31 == 0 {
        CodeCheck::Ok
    } else {
        CodeCheck::Mismatch
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_check_digit_is_that_of_the_standard() {
        // The standard's example, and codes of well-known companies as they print them.
        for code in [
            "91350100M000100Y43",
            "91440300708461136T",
            "91110000802100433B",
            "914403001922038216",
        ] {
            assert_eq!(check_code(code), CodeCheck::Ok, "{code}");
        }
        assert_eq!(check_code("91350100M000100Y44"), CodeCheck::Mismatch);
        assert_eq!(check_code("91350100MOOO1OOY43"), CodeCheck::Mismatch);
        assert_eq!(check_code("91350100m000100y43"), CodeCheck::Mismatch);
        for code in [
            "YZ-0137",
            "",
            "91350100M000100Y4",
            "单位代码单位代码单位代码单位代码单位",
        ] {
            assert_eq!(check_code(code), CodeCheck::OtherForm, "{code}");
        }
    }

    proptest! {
        /// Any one character that is mistyped is noticed, because 31 is a prime.
        #[test]
        fn one_wrong_character_is_noticed(place in 0usize..18, other in 0usize..31) {
            let mut code = b"91350100M000100Y43".to_vec();
            let was = code[place];
            code[place] = ALPHABET[other];
            let expected = if code[place] == was { CodeCheck::Ok } else { CodeCheck::Mismatch };
            prop_assert_eq!(check_code(std::str::from_utf8(&code).unwrap()), expected);
        }
    }
}
