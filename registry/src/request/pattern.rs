//! Patterns of `like` and `ilike` from what people type.

/// The pattern of `ilike` that finds a text anywhere; the text's own wildcards are taken literally.
#[must_use]
pub fn contains_pattern(text: &str) -> String {
    format!("%{}%", escape_pattern(text))
}

/// A text whose wildcards `like` takes literally.
#[must_use]
pub fn escape_pattern(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
        .replace('\0', "")
}

#[cfg(test)]
mod tests {
    use super::contains_pattern;

    #[test]
    fn wildcards_are_taken_literally() {
        assert_eq!(contains_pattern("50%_\\"), "%50\\%\\_\\\\%");
    }
}
