//! The fields of a body: what was said, what was left out, and what no field may hold.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use time::Date;
use time::macros::date;

use super::Problem;
use crate::money::{Money, MoneyRefused};

/// Of a field in a change: absent stays (`None`), null empties (`Some(None)`), anything else is said.
///
/// # Errors
/// The format's.
pub fn said<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A text without blanks around it, no longer than `longest` characters.
///
/// # Errors
/// A problem naming the field.
pub fn plain_text(field: &str, text: &str, longest: usize) -> Result<String, Problem> {
    let text = text.trim();
    let characters = text.chars().count();
    if characters > longest {
        return Err(
            Problem::invalid(field, format!("it has {characters} characters, {longest} is the most"))
                .remedy(format!("shorten it to {longest} characters")),
        );
    }
    if text.contains('\0') {
        return Err(Problem::invalid(field, "it contains the character U+0000").remedy("leave that character out"));
    }
    Ok(text.to_owned())
}

/// Takes over a text that may be left empty.
///
/// # Errors
/// A problem naming the field.
pub fn take_text(
    field: &str,
    said: &Option<Option<String>>,
    longest: usize,
    target: &mut Option<String>,
) -> Result<(), Problem> {
    if let Some(text) = said {
        *target = text
            .as_deref()
            .map(|text| plain_text(field, text, longest))
            .transpose()?
            .filter(|text| !text.is_empty());
    }
    Ok(())
}

/// Takes over a text that must be there.
///
/// # Errors
/// A problem naming the field.
pub fn take_required_text(
    field: &str,
    said: &Option<Option<String>>,
    longest: usize,
    target: &mut String,
) -> Result<(), Problem> {
    if let Some(text) = said {
        *target = plain_text(field, text.as_deref().unwrap_or_default(), longest)?;
    }
    require_given(field, target)
}

/// Takes over a word of a closed list that must be there.
///
/// # Errors
/// A problem naming the field and the list.
pub fn take_word(
    field: &str,
    said: &Option<Option<String>>,
    list: &[&str],
    target: &mut String,
) -> Result<(), Problem> {
    if let Some(word) = said {
        word.as_deref().unwrap_or_default().trim().clone_into(target);
    }
    require_given(field, target)?;
    require_word(field, target, list)
}

/// Is it a word of the list?
///
/// # Errors
/// A problem naming the field and the list.
pub fn require_word(field: &str, word: &str, list: &[&str]) -> Result<(), Problem> {
    if list.contains(&word) {
        Ok(())
    } else {
        Err(Problem::invalid(field, format!("{word:?} is not one of the list"))
            .remedy(format!("choose one of {}", list.join(", "))))
    }
}

fn require_given(field: &str, text: &str) -> Result<(), Problem> {
    if text.is_empty() {
        Err(Problem::invalid(field, "it is missing").remedy(format!("send {field} with a value that is not empty")))
    } else {
        Ok(())
    }
}

/// Takes over an area, m², kept to four decimals; `most` is the first value that is too large.
///
/// # Errors
/// A problem naming the field.
pub fn take_area(
    field: &str,
    said: Option<Option<f64>>,
    most: f64,
    target: &mut Option<Decimal>,
) -> Result<(), Problem> {
    match said {
        None => {}
        Some(None) => *target = None,
        Some(Some(area)) => {
            let kept = Decimal::try_from(area).ok().filter(|_| (0.0..most).contains(&area));
            let kept = kept.ok_or_else(|| {
                Problem::invalid(field, format!("{area} is no area"))
                    .remedy(format!("send a number of square metres, 0 or more and below {most}"))
            })?;
            *target = Some(kept.round_dp(4).normalize());
        }
    }
    Ok(())
}

/// A day that can be kept: what lies far outside of written history is a slip of the keyboard.
///
/// # Errors
/// A problem naming the field.
pub fn sane_day(field: &str, day: Date) -> Result<Date, Problem> {
    if (date!(1000 - 01 - 01)..date!(9000 - 01 - 01)).contains(&day) {
        Ok(day)
    } else {
        Err(
            Problem::invalid(field, format!("{day} is no day of this registry's time"))
                .remedy("write the day as 2024-06-30, in the years 1000 to 8999"),
        )
    }
}

/// An amount that a client sent, refused by its field.
///
/// # Errors
/// Why it is no amount.
pub fn money(field: &str, value: &Value) -> Result<Money, Problem> {
    let refuse = |refused: MoneyRefused| {
        let (code, zh) = match refused {
            MoneyRefused::Form => ("money_form", "金额请写成文本，如 \"1234.50\""),
            MoneyRefused::TooFine => ("money_scale", "金额最多两位小数，最小单位是分"),
            MoneyRefused::TooLarge => ("money_large", "金额过大"),
        };
        let problem = Problem::invalid(field, format!("{zh} / {refused}"))
            .code(code)
            .remedy("send yuan as a text with two decimals at most: \"1234.50\"");
        match refused {
            MoneyRefused::TooFine => problem.rule("money", "中国人民银行法 art. 17"),
            _ => problem,
        }
    };
    match value {
        Value::String(text) => Money::parse(text).map_err(refuse),
        _ => Err(refuse(MoneyRefused::Form)),
    }
}

/// Why a change is made, where that was said.
///
/// # Errors
/// A problem naming the field.
pub fn optional_reason(reason: Option<&str>) -> Result<Option<String>, Problem> {
    Ok(reason
        .map(|reason| plain_text("reason", reason, 2_000))
        .transpose()?
        .filter(|reason| !reason.is_empty()))
}

/// Why a change is made, where it must be said.
///
/// # Errors
/// A problem naming the field.
pub fn required_reason(reason: &str) -> Result<String, Problem> {
    optional_reason(Some(reason))?
        .ok_or_else(|| Problem::invalid("reason", "it is missing").remedy("say why, in a few words"))
}
