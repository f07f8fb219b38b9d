//! Filters: CQL2 as text and JSON, and properties named in the address, into conditions on the version `v`.
//!
//! The crate `cql2` reads the words; [`read`] gives them types and refuses what is not supported, by name; [`sql`]
//! writes the condition, in which every value of the client's is a bound parameter.

mod read;
mod scalar;
mod spatial;
mod sql;
mod temporal;

use std::num::NonZeroUsize;
use std::sync::Once;

use super::crs::Crs;
use super::properties::{Beside, Property};
use crate::request::{Fault, Problem};
use crate::spatial_units::Kind;

pub(super) use read::equals;
use scalar::{Comparison, Scalar};

/// The longest filter, in bytes.
const LONGEST: usize = 32 << 10;

/// How many brackets may stand within each other.
const DEEPEST: usize = 24;

/// The steps that the grammar may take over one text: bracketed nonsense makes it try again and again.
const MOST_STEPS: usize = 4_000_000;

/// Reading goes as deep as the text is nested, in the crate's own recursion: a stack that no text of the longest
/// length can use up.
const STACK: usize = 128 << 20;

/// How a filter is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// `cql2-text`
    Text,
    /// `cql2-json`
    Json,
}

impl Language {
    /// Reads `filter-lang`; text unless told.
    ///
    /// # Errors
    /// A problem on `filter-lang`.
    pub fn parse(text: Option<&str>) -> Result<Self, Problem> {
        match text {
            None | Some("cql2-text") => Ok(Self::Text),
            Some("cql2-json") => Ok(Self::Json),
            Some(other) => Err(
                Problem::bad("filter-lang", format!("{other:?} is no language of filters here"))
                    .remedy("write cql2-text or cql2-json"),
            ),
        }
    }
}

/// What must hold of a version.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    /// True or false by itself.
    Always(bool),
    /// All of them.
    All(Vec<Condition>),
    /// One of them.
    Any(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// The property is yes.
    Flag(&'static Property),
    /// Two values compared.
    Compare(Comparison, Scalar, Scalar),
    /// From the second to the third, both included.
    Between(Scalar, Scalar, Scalar),
    /// By a pattern with `%`, `_` and `\`.
    Like(Scalar, Scalar),
    /// One of a list.
    OneOf(Scalar, Vec<Scalar>),
    /// Nothing is there.
    Missing(Scalar),
    /// No geometry is there.
    MissingGeometry,
    /// Two geometries and how they lie.
    Spatial(Relation, Place, Place),
}

/// How two geometries may lie to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Intersects,
    Disjoint,
    Within,
    Contains,
    Equals,
    Touches,
    Overlaps,
    Crosses,
}

/// A geometry in a condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    /// The version's.
    Geometry,
    /// One that the client wrote: EWKB, and whether it must be brought from a zone to degrees.
    Drawn { ewkb: Vec<u8>, is_plane: bool },
}

impl Condition {
    /// Does it need a table beside the version?
    pub fn uses(&self, beside: Beside) -> bool {
        let scalar = |scalar: &Scalar| scalar.uses(beside);
        match self {
            Self::Always(_) | Self::MissingGeometry | Self::Spatial(..) => false,
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.uses(beside)),
            Self::Not(part) => part.uses(beside),
            Self::Flag(property) => property.beside == beside,
            Self::Compare(_, left, right) | Self::Like(left, right) => scalar(left) || scalar(right),
            Self::Between(value, low, high) => scalar(value) || scalar(low) || scalar(high),
            Self::OneOf(value, list) => scalar(value) || list.iter().any(scalar),
            Self::Missing(value) => scalar(value),
        }
    }
}

/// Reads a filter.
///
/// # Errors
/// A problem on `filter` that says what is not understood or not supported.
pub(super) async fn parse(text: &str, language: Language, kind: Kind, crs: Crs) -> Result<Condition, Problem> {
    if text.len() > LONGEST {
        return Err(
            Problem::bad("filter", format!("the filter is longer than {LONGEST} bytes"))
                .remedy("write a shorter one; a box or a coarser outline often does"),
        );
    }
    if language == Language::Text {
        refuse_deep(text)?;
    }
    limit_grammar();
    let text = text.to_owned();
    let (done, outcome) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("filter".to_owned())
        .stack_size(STACK)
        .spawn(move || {
            let _ = done.send(read::filter(&text, language, kind, crs));
        })
        .map_err(|error| Fault::Impossible {
            what: format!("no thread for a filter: {error}"),
        })?;
    // The sender is lost only where the crate panics over the text.
    outcome
        .await
        .unwrap_or_else(|_| Err(Problem::bad("filter", "the filter is not understood")))
}

/// Reads a filter of parcels as a request's would be read, in the language it looks like, and writes its condition: a
/// door for fuzzing. Where the crate `cql2` panics over the text, a request is refused, and so it is here; a panic of
/// ours is passed on.
///
/// # Errors
/// As in [`parse`].
pub(super) fn understand(text: &str) -> Result<String, Problem> {
    let not_understood = || Problem::bad("filter", "the filter is not understood");
    let language = if text.trim_start().starts_with('{') {
        Language::Json
    } else {
        Language::Text
    };
    if text.len() > LONGEST {
        return Err(not_understood());
    }
    if language == Language::Text {
        refuse_deep(text)?;
    }
    limit_grammar();
    let text = text.to_owned();
    let reading = std::thread::Builder::new().stack_size(STACK).spawn(move || {
        let parsed = std::panic::catch_unwind(|| match language {
            Language::Text => cql2::parse_text(&text).is_ok(),
            Language::Json => cql2::parse_json(&text).is_ok(),
        });
        parsed.map_err(|_| not_understood())?;
        let condition = read::filter(&text, language, Kind::Parcel, Crs::Crs84)?;
        let mut select = sqlx::QueryBuilder::new("");
        condition.push(&mut select);
        Ok(select.sql().as_str().to_owned())
    });
    let reading = reading.map_err(|error| Fault::Impossible {
        what: format!("no thread for a filter: {error}"),
    })?;
    match reading.join() {
        Ok(read) => read,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Refuses brackets within brackets beyond what a person writes, and before the grammar sees them.
fn refuse_deep(text: &str) -> Result<(), Problem> {
    let mut depth = 0_usize;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '(') => {
                depth += 1;
                if depth > DEEPEST {
                    return Err(Problem::bad(
                        "filter",
                        format!("more than {DEEPEST} brackets stand within each other"),
                    ));
                }
            }
            (None, ')') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

fn limit_grammar() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| pest::set_call_limit(NonZeroUsize::new(MOST_STEPS)));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In half of the stack, and with the frames of a build that is not optimised.
    #[test]
    fn no_text_of_the_longest_length_uses_up_the_stack() {
        limit_grammar();
        let fill = |begin: &str, part: &str, end: &str| {
            let room = LONGEST - begin.len() - end.len();
            format!("{begin}{}{end}", part.repeat(room / part.len()))
        };
        for text in [
            fill("", "not ", "true"),
            fill("area_m2 > ", "-", "1"),
            fill("area_m2 > ", "- ", "1"),
            fill("", "a=", "a"),
            fill("", "a<a=", "a"),
            fill("area_m2 > ", "1+", "1"),
            fill("area_m2 > ", "1^", "1"),
            fill("", "idle and ", "idle"),
            fill("", "idle and idle or ", "idle"),
            fill("", "not idle = not ", "idle"),
            fill("a in (", "1,", "1)"),
            fill("", "a in (1) in ", "(1)"),
            fill("a", " is null", ""),
            fill("", "a between 1 and ", "2"),
            fill("", "'", ""),
            fill("", "\"", ""),
            fill("a = ", "1", ""),
            fill("s_intersects(geometry, POINT(1", " ", "1))"),
        ] {
            let shown: String = text.chars().take(40).collect();
            let read = std::thread::Builder::new()
                .stack_size(STACK / 2)
                .spawn(move || read::filter(&text, Language::Text, Kind::Parcel, Crs::Crs84).err())
                .unwrap()
                .join();
            // Nobody means anything by them: what counts is that they come back.
            assert!(read.is_ok(), "{shown}");
        }
    }
}
