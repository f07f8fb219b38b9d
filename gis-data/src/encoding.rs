//! Text encodings: what a table declares, what its bytes are, and decoding without losing a row.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, EUC_KR, Encoding, GB18030, GBK, SHIFT_JIS, UTF_8, WINDOWS_1252};

use crate::report::{Warning, WarningCode};

/// The encoding of a label as people write it in `.cpg` files and on command lines: `UTF-8`,
/// `65001`, `GBK`, `CP936`, `ANSI 936`, `gb18030`, `ISO 88591`.
pub fn by_label(label: &str) -> Option<&'static Encoding> {
    let label = label.trim().trim_start_matches('\u{feff}').trim();
    if let Some(encoding) = Encoding::for_label_no_replacement(label.as_bytes()) {
        // GB18030 reads all that GBK does, and the characters outside it as well.
        return Some(if encoding == GBK { GB18030 } else { encoding });
    }
    let upper = label.to_ascii_uppercase();
    let page: String = upper
        .trim_start_matches("WINDOWS")
        .trim_start_matches("ANSI")
        .trim_start_matches("OEM")
        .trim_start_matches("CP")
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    if upper.starts_with("ISO") || upper.starts_with("8859") {
        let part = page.strip_prefix("8859").unwrap_or(&page);
        return Encoding::for_label(format!("iso-8859-{part}").as_bytes());
    }
    match page.as_str() {
        "65001" => Some(UTF_8),
        "936" | "54936" | "20936" => Some(GB18030),
        "950" => Some(BIG5),
        "932" => Some(SHIFT_JIS),
        "949" => Some(EUC_KR),
        "" => None,
        number => Encoding::for_label(format!("windows-{number}").as_bytes()),
    }
}

/// The encoding of the language driver byte in a dBASE header; nothing where the byte is unset or
/// says no more than "the machine's own code page", which is no information.
pub fn by_language_driver(byte: u8) -> Option<&'static Encoding> {
    match byte {
        0x4D | 0x7A => Some(GB18030),
        0x4F | 0x78 => Some(BIG5),
        0x13 | 0x7B => Some(SHIFT_JIS),
        0x4E | 0x79 => Some(EUC_KR),
        0x26 | 0x65 => Some(encoding_rs::IBM866),
        0x64 | 0xC8 => Some(encoding_rs::WINDOWS_1250),
        0xC9 => Some(encoding_rs::WINDOWS_1251),
        0xCA => Some(encoding_rs::WINDOWS_1254),
        0xCB => Some(encoding_rs::WINDOWS_1253),
        _ => None,
    }
}

/// Where a declaration comes from, for the words of a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declared {
    /// The `.cpg` file.
    CodePageFile,
    /// The header of the `.dbf`.
    LanguageDriver,
}

impl Declared {
    fn name(self) -> &'static str {
        match self {
            Declared::CodePageFile => ".cpg",
            Declared::LanguageDriver => ".dbf",
        }
    }
}

/// What was decided for a table.
#[derive(Debug, Clone)]
pub struct Decision {
    /// To be used.
    pub encoding: &'static Encoding,
    /// Set when a declaration was found to be wrong.
    pub warning: Option<Warning>,
}

/// Decides on the encoding of a table from an override, a declaration and samples of its text
/// (one field value or name each, undecoded).
///
/// A declaration is overruled when the bytes contradict it: not UTF-8 though declared so, or
/// UTF-8 though declared otherwise, or Chinese though declared western (many programs write the
/// latter without knowing).
pub fn decide(
    asked_for: Option<&'static Encoding>,
    declared: Option<(&'static Encoding, Declared)>,
    samples: &[&[u8]],
) -> Decision {
    if let Some(encoding) = asked_for {
        return Decision {
            encoding,
            warning: None,
        };
    }
    let is_ascii = samples.iter().all(|sample| sample.is_ascii());
    let detected = if is_ascii { None } else { Some(detect(samples)) };
    let Some((encoding, origin)) = declared else {
        return Decision {
            encoding: detected.unwrap_or(UTF_8),
            warning: None,
        };
    };
    let Some(detected) = detected.filter(|detected| *detected != encoding) else {
        return Decision {
            encoding,
            warning: None,
        };
    };
    let is_wrong = if encoding == UTF_8 || detected == UTF_8 {
        true
    } else if encoding.is_single_byte() {
        !detected.is_single_byte() && is_mostly_high(samples)
    } else {
        samples.iter().any(|sample| !decodes(encoding, sample))
            && samples.iter().all(|sample| decodes(detected, sample))
    };
    if !is_wrong {
        return Decision {
            encoding,
            warning: None,
        };
    }
    let (was, is, file) = (encoding.name(), detected.name(), origin.name());
    Decision {
        encoding: detected,
        warning: Some(Warning::new(
            WarningCode::WrongEncodingDeclared,
            format!("{file} 声明的编码是 {was}，但内容是 {is}；已按 {is} 读取"),
            format!("{file} declares {was}, but the text is {is}; read as {is}"),
        )),
    }
}

/// Tells UTF-8 from GB18030 and others by content.
fn detect(samples: &[&[u8]]) -> &'static Encoding {
    if samples.iter().all(|sample| is_utf8_maybe_cut(sample)) {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    for sample in samples {
        detector.feed(sample, false);
        detector.feed(b"\n", false);
    }
    detector.feed(b"", true);
    // The hint decides between encodings that the bytes leave open, in favour of Chinese.
    let guess = detector.guess(Some(b"cn"), Utf8Detection::Deny);
    if guess == GBK || samples.iter().all(|sample| decodes(GB18030, sample)) {
        GB18030
    } else if guess.is_single_byte() {
        WINDOWS_1252
    } else {
        guess
    }
}

/// Whether the bytes beyond ASCII come in pairs, as those of East Asian text mostly do. An accent
/// before a letter (`ê` and `t`) is a character of GB18030 as well, but one beyond GB 2312, rare in
/// Chinese text.
fn is_mostly_high(samples: &[&[u8]]) -> bool {
    let (mut high, mut low) = (0_usize, 0_usize);
    for sample in samples {
        let mut bytes = sample.iter();
        while let Some(byte) = bytes.next() {
            if !byte.is_ascii() {
                match bytes.next() {
                    Some(next) if !next.is_ascii() => high += 1,
                    _ => low += 1,
                }
            }
        }
    }
    high > low
}

/// Valid UTF-8, but for a last character cut by the width of the field.
fn is_utf8_maybe_cut(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    }
}

/// Decodes without errors, but for a last character cut by the width of the field.
fn decodes(encoding: &'static Encoding, bytes: &[u8]) -> bool {
    let cut = bytes.len().saturating_sub(1);
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .is_some()
        || encoding
            .decode_without_bom_handling_and_without_replacement(bytes.get(..cut).unwrap_or(&[]))
            .is_some()
}

/// Decodes the value of a fixed-width field. The flag is true when bytes had to be replaced.
///
/// A character cut in two by the end of the field is dropped without a flag: the writer lost it,
/// and every such field would be flagged otherwise.
pub fn decode_field(encoding: &'static Encoding, bytes: &[u8], is_full_width: bool) -> (String, bool) {
    if bytes.is_ascii() {
        // Every encoding accepted here keeps ASCII as it is.
        return (bytes.iter().map(|byte| char::from(*byte)).collect(), false);
    }
    let (text, had_errors) = encoding.decode_without_bom_handling(bytes);
    if had_errors && is_full_width {
        for cut in 1..=3.min(bytes.len()) {
            let shorter = bytes.get(..bytes.len() - cut).unwrap_or(&[]);
            if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(shorter) {
                return (text.into_owned(), false);
            }
        }
    }
    (text.into_owned(), had_errors)
}

/// The encoding of a text document that isn't valid UTF-8: GB18030 where all of the sample is
/// valid in it, else UTF-8 with the bad bytes replaced.
pub(crate) fn of_document(sample: &[u8]) -> &'static Encoding {
    if is_utf8_maybe_cut(sample) || !decodes(GB18030, sample) {
        UTF_8
    } else {
        GB18030
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_as_people_write_them() {
        for (label, name) in [
            ("UTF-8", "UTF-8"),
            ("65001", "UTF-8"),
            ("\u{feff}utf8", "UTF-8"),
            ("GBK", "gb18030"),
            ("CP936", "gb18030"),
            ("ANSI 936", "gb18030"),
            ("936", "gb18030"),
            ("GB2312", "gb18030"),
            ("ISO 88591", "windows-1252"),
            ("ISO-8859-2", "ISO-8859-2"),
            ("8859_15", "ISO-8859-15"),
            ("1252", "windows-1252"),
            ("Big5", "Big5"),
        ] {
            assert_eq!(by_label(label).map(Encoding::name), Some(name), "{label}");
        }
        assert_eq!(by_label("no such thing"), None);
    }

    #[test]
    fn a_wrong_declaration_is_noticed() {
        let (gbk, _, _) = GB18030.encode("常州市机关事务管理局");
        let decision = decide(None, Some((UTF_8, Declared::CodePageFile)), &[&gbk]);
        assert_eq!(decision.encoding, GB18030);
        assert_eq!(
            decision.warning.map(|warning| warning.code),
            Some(WarningCode::WrongEncodingDeclared)
        );
        let utf8 = "常州市机关事务管理局".as_bytes();
        let decision = decide(None, Some((GB18030, Declared::LanguageDriver)), &[utf8]);
        assert_eq!(decision.encoding, UTF_8);
        let decision = decide(None, Some((WINDOWS_1252, Declared::CodePageFile)), &[&gbk]);
        assert_eq!(decision.encoding, GB18030);
        // What was asked for is never overruled.
        let decision = decide(Some(UTF_8), Some((GB18030, Declared::LanguageDriver)), &[&gbk]);
        assert_eq!(decision.encoding, UTF_8);
    }

    #[test]
    fn western_text_declared_western_stays_so() {
        let (latin, _, _) = WINDOWS_1252.encode("Forêt de Fontainebleau, propriété privée");
        let decision = decide(None, Some((WINDOWS_1252, Declared::CodePageFile)), &[&latin]);
        assert_eq!(decision.encoding, WINDOWS_1252);
        assert_eq!(decision.warning, None);
    }

    #[test]
    fn a_character_cut_by_the_field_is_dropped() {
        let text = "地块编号".as_bytes();
        assert_eq!(decode_field(UTF_8, &text[..10], true), ("地块编".to_owned(), false));
        let (_, had_errors) = decode_field(UTF_8, b"\xff\xfe text", false);
        assert!(had_errors);
    }
}
