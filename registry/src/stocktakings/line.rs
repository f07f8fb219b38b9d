//! A line of a stocktaking: what the ledger said at the freeze, what was found, and in what they differ.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ids::{DocumentId, StocktakingId, StocktakingLineId, UnitId};
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::period::{Held, day};
use crate::request::{Fault, Place};
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident as $schema:ident { $($(#[$variant_doc:meta])* $variant:ident => $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[schema(as = $schema)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// The word in the database and in the API.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// Every word.
            pub(super) const WORDS: &'static [&'static str] = &[$($word,)+];

            pub(super) fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// What was found of a line.
    Found as StocktakingFound {
        /// 在位相符
        InPlace => "in_place",
        /// 移位: used elsewhere, or by somebody else.
        Moved => "moved",
        /// 变动: it is there, and another than the ledger says.
        Altered => "altered",
        /// 未找到
        Missing => "missing",
        /// 账外: it is there, and the ledger doesn't know it.
        Extra => "extra",
    }
}

words! {
    /// The kinds of difference.
    Difference as StocktakingDifference {
        /// 盘盈
        Surplus => "surplus",
        /// 盘亏
        Shortfall => "shortfall",
        /// 信息不符
        FactsDiffer => "facts_differ",
    }
}

words! {
    /// What becomes of a difference.
    Decision as StocktakingDecision {
        /// 更正台账, by a normal change.
        CorrectBook => "correct_book",
        /// 单位更正分台账
        CorrectOwn => "correct_own",
        /// 台账无误
        BookStands => "book_stands",
    }
}

/// What a look on the site brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = StocktakingFieldCheck)]
pub struct FieldCheck {
    /// Where, longitude and latitude (CGCS2000).
    pub position: [f64; 2],
    /// Photographs and papers as files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DocumentId>,
    /// The day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// What was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What the answer was before it.
    pub answered: Found,
}

/// What is said of a line beside its columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = StocktakingLineDetails)]
pub struct LineDetails {
    /// Of something that moved: where it is, or who has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What else whoever answered says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The look on the site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<FieldCheck>,
    /// 差异说明
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// 审核意见
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_note: Option<String>,
    /// The ledger's entry of the change that corrected it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_entry_id: Option<Uuid>,
    /// What was said with the correction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settlement_note: Option<String>,
}

/// Of something extra: what it is, and next to what it was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExtraSaid {
    /// `parcel`, `building` or `room`.
    pub kind: String,
    /// What it is called.
    pub name: String,
    /// 坐落
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The parcel or building it is on or next to.
    pub near_id: Uuid,
}

/// Everything a version of a line says; what the ledger said stands in the line itself. New fields go to the end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LineContent {
    /// The stocktaking.
    pub stocktaking_id: StocktakingId,
    /// Of something extra: what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<ExtraSaid>,
    /// What was found.
    pub found: Found,
    /// What kind of difference that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
    /// In what: `place`, `area`, `usage`, `unit`, `own_area`, `own_title`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differs: Vec<String>,
    /// The area that was found, m².
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found_area_m2: Option<Decimal>,
    /// The use that was found; of a room its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found_usage: Option<String>,
    /// The unit that was found there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found_unit_id: Option<UnitId>,
    /// The area in the unit's own ledger, m².
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_area_m2: Option<Decimal>,
    /// The certificate's number in the unit's own ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_title_number: Option<String>,
    /// Who answered.
    pub answered_by: String,
    /// Who looked on the site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked_by: Option<String>,
    /// Who explained the difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explained_by: Option<String>,
    /// What becomes of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Who decided that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// The object that was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_object_id: Option<Uuid>,
    /// The version that the change wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_version_id: Option<Uuid>,
    /// The day on which the correction was named.
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub settled_on: Option<Date>,
    /// All the rest.
    pub details: LineDetails,
}

impl LineContent {
    /// A line about which nothing is said but what was found.
    pub(super) fn answered(stocktaking: StocktakingId, found: Found, by: &str) -> Self {
        Self {
            stocktaking_id: stocktaking,
            extra: None,
            found,
            difference: None,
            differs: Vec::new(),
            found_area_m2: None,
            found_usage: None,
            found_unit_id: None,
            own_area_m2: None,
            own_title_number: None,
            answered_by: by.to_owned(),
            checked_by: None,
            explained_by: None,
            decision: None,
            decided_by: None,
            settled_object_id: None,
            settled_version_id: None,
            settled_on: None,
            details: LineDetails::default(),
        }
    }

    /// Does it differ in the unit's own ledger alone? Then nothing has to be looked at on the site.
    pub(super) fn is_on_paper_alone(&self) -> bool {
        self.found == Found::InPlace && self.differs.iter().all(|differs| differs.starts_with("own_"))
    }

    /// Says anew in what the line differs from the ledger.
    pub(super) fn compare(&mut self, book: &BookLine) {
        self.differs.clear();
        self.difference = match self.found {
            Found::Missing => Some(Difference::Shortfall),
            Found::Extra => Some(Difference::Surplus),
            _ => {
                let mut differs = |name: &str, is: bool| {
                    if is {
                        self.differs.push(name.to_owned());
                    }
                };
                differs("place", self.found == Found::Moved);
                differs("area", areas_differ(self.found_area_m2, book.area_m2));
                differs("usage", self.found_usage.is_some() && self.found_usage != book.usage);
                differs(
                    "unit",
                    self.found_unit_id.is_some_and(|unit| Some(unit.0) != book.book_unit_id),
                );
                differs("own_area", areas_differ(self.own_area_m2, book.area_m2));
                differs(
                    "own_title",
                    self.own_title_number
                        .as_deref()
                        .is_some_and(|number| !same_number(Some(number), book.title_number.as_deref())),
                );
                // What somebody calls altered is a difference, even where they give no figure for it.
                (!self.differs.is_empty() || self.found == Found::Altered).then_some(Difference::FactsDiffer)
            }
        };
    }
}

/// Is the area that is told another than the ledger's? Areas are kept to a hundredth.
pub(super) fn areas_differ(told: Option<Decimal>, book: Option<Decimal>) -> bool {
    told.is_some_and(|told| book.is_none_or(|book| (told - book).abs() > Decimal::new(1, 2)))
}

/// Are these one certificate's number, however brackets and blanks are written?
pub(super) fn same_number(one: Option<&str>, other: Option<&str>) -> bool {
    let plain = |number: &str| -> String {
        number
            .chars()
            .filter_map(|letter| match letter {
                '（' => Some('('),
                '）' => Some(')'),
                letter if letter.is_whitespace() => None,
                letter => Some(letter),
            })
            .collect()
    };
    match (one, other) {
        (Some(one), Some(other)) => plain(one) == plain(other),
        (None, None) => true,
        _ => false,
    }
}

/// What the ledger said of a line at the freeze.
#[derive(Debug, Clone)]
pub(super) struct BookLine {
    pub id: Uuid,
    pub is_extra: bool,
    pub kind: String,
    pub asset_id: Option<Uuid>,
    pub region_code: Option<String>,
    pub admin_level: Option<String>,
    pub unit_id: Option<Uuid>,
    pub book_unit_id: Option<Uuid>,
    pub area_m2: Option<Decimal>,
    pub usage: Option<String>,
    pub title_number: Option<String>,
}

impl BookLine {
    /// Whose part of the registry it is.
    pub(super) fn place(&self) -> Place {
        Place {
            region_code: self.region_code.clone(),
            admin_level: self.admin_level.clone(),
            unit_id: self.unit_id.map(UnitId),
        }
    }
}

/// A line of the stocktaking, as the ledger was.
pub(super) async fn book_line(
    connection: &mut PgConnection,
    stocktaking: StocktakingId,
    line: StocktakingLineId,
) -> Result<Option<BookLine>, Fault> {
    Ok(book_lines(connection, stocktaking, &[line.0]).await?.pop())
}

/// Those of the lines that are of the stocktaking, as the ledger was.
pub(super) async fn book_lines(
    connection: &mut PgConnection,
    stocktaking: StocktakingId,
    lines: &[Uuid],
) -> Result<Vec<BookLine>, Fault> {
    Ok(sqlx::query_as!(
        BookLine,
        "select id, is_extra, kind, asset_id, region_code, admin_level, unit_id, book_unit_id, area_m2, usage,
                title_number
           from stocktaking_line where id = any($1) and stocktaking_id = $2",
        lines,
        stocktaking.0,
    )
    .fetch_all(connection)
    .await?)
}

impl VersionContent for LineContent {
    const OBJECT: ObjectKind = ObjectKind::StocktakingLine;
    const STATEMENTS: VersionStatements = version_statements!(
        "stocktaking_line",
        "stocktaking_id, found, difference, differs, found_area_m2, found_usage, found_unit_id, own_area_m2, own_title_number, answered_by, checked_by, explained_by, decision, decided_by, settled_object_id, settled_version_id, settled_on, details"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        // Details are plain data, they always have JSON.
        let details = serde_json::to_string(&self.details).unwrap_or_default();
        rows.value(Some(self.stocktaking_id))
            .text(Some(self.found.as_str()))
            .text(self.difference.map(Difference::as_str))
            .value(Some(self.differs.clone()))
            .value(self.found_area_m2)
            .text(self.found_usage.as_deref())
            .value(self.found_unit_id)
            .value(self.own_area_m2)
            .text(self.own_title_number.as_deref())
            .text(Some(&self.answered_by))
            .text(self.checked_by.as_deref())
            .text(self.explained_by.as_deref())
            .text(self.decision.map(Decision::as_str))
            .text(self.decided_by.as_deref())
            .value(self.settled_object_id)
            .value(self.settled_version_id)
            .value(self.settled_on)
            .text(Some(&details));
    }
}

pub(super) struct LineRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub stocktaking_id: Uuid,
    pub found: String,
    pub difference: Option<String>,
    pub differs: Vec<String>,
    pub found_area_m2: Option<Decimal>,
    pub found_usage: Option<String>,
    pub found_unit_id: Option<Uuid>,
    pub own_area_m2: Option<Decimal>,
    pub own_title_number: Option<String>,
    pub answered_by: String,
    pub checked_by: Option<String>,
    pub explained_by: Option<String>,
    pub decision: Option<String>,
    pub decided_by: Option<String>,
    pub settled_object_id: Option<Uuid>,
    pub settled_version_id: Option<Uuid>,
    pub settled_on: Option<Date>,
    pub details: String,
    pub is_extra: bool,
    pub kind: String,
    pub name: Option<String>,
    pub address: Option<String>,
    pub near_id: Option<Uuid>,
}

macro_rules! select_lines {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::stocktakings::line::LineRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.stocktaking_id, v.found, v.difference, v.differs,
                      v.found_area_m2, v.found_usage, v.found_unit_id, v.own_area_m2, v.own_title_number, v.answered_by,
                      v.checked_by, v.explained_by, v.decision, v.decided_by, v.settled_object_id, v.settled_version_id,
                      v.settled_on, v.details::text as "details!", l.is_extra, l.kind, l.name, l.address, l.near_id
                 from stocktaking_line_version v
                 join stocktaking_line l on l.id = v.object_id "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_lines;

impl LineRow {
    pub(super) fn content(self) -> Result<LineContent, Fault> {
        let impossible = |what: String| Fault::Impossible {
            what: format!("stocktaking line version {}: {what}", self.version_id),
        };
        let unknown = |what: &str| impossible(format!("{what} is not of the list"));
        Ok(LineContent {
            stocktaking_id: StocktakingId(self.stocktaking_id),
            extra: self.near_id.filter(|_| self.is_extra).map(|near_id| ExtraSaid {
                kind: self.kind.clone(),
                name: self.name.clone().unwrap_or_default(),
                address: self.address.clone(),
                near_id,
            }),
            found: Found::parse(&self.found).ok_or_else(|| unknown("found"))?,
            difference: self
                .difference
                .as_deref()
                .map(|word| Difference::parse(word).ok_or_else(|| unknown("difference")))
                .transpose()?,
            decision: self
                .decision
                .as_deref()
                .map(|word| Decision::parse(word).ok_or_else(|| unknown("decision")))
                .transpose()?,
            details: serde_json::from_str(&self.details).map_err(|error| impossible(error.to_string()))?,
            differs: self.differs,
            found_area_m2: self.found_area_m2.map(|area| area.normalize()),
            found_usage: self.found_usage,
            found_unit_id: self.found_unit_id.map(UnitId),
            own_area_m2: self.own_area_m2.map(|area| area.normalize()),
            own_title_number: self.own_title_number,
            answered_by: self.answered_by,
            checked_by: self.checked_by,
            explained_by: self.explained_by,
            decided_by: self.decided_by,
            settled_object_id: self.settled_object_id,
            settled_version_id: self.settled_version_id,
            settled_on: self.settled_on,
        })
    }

    pub(super) fn stored(self) -> StoredVersion<LineContent> {
        let (version_id, object_id) = (self.version_id, self.object_id);
        let (valid, recorded) = (self.valid, self.recorded);
        StoredVersion::new(version_id, object_id, &valid, &recorded, self.content())
    }
}

/// Locks what is known of a line and reads it; none where nobody has answered. Whoever wrote it in the same moment is
/// read by nobody here: the caller's tag then doesn't match.
pub(super) async fn held_line(
    connection: &mut PgConnection,
    line: StocktakingLineId,
) -> Result<Option<Held<LineContent>>, Fault> {
    Ok(held_lines(connection, &[line.0]).await?.remove(&line.0))
}

/// Locks what is known of lines and reads it, always in the same order, so that two who write many don't wait for each
/// other; without those that nobody has answered.
pub(super) async fn held_lines(
    connection: &mut PgConnection,
    lines: &[Uuid],
) -> Result<HashMap<Uuid, Held<LineContent>>, Fault> {
    select_lines!(
        "where v.object_id = any($1) and upper_inf(v.recorded) order by v.object_id for update of v",
        lines
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| Ok((row.object_id, row.stored().held()?)))
    .collect()
}

/// Holds every version row of lines against what the ledger says of it.
pub(super) async fn verify_versions(
    connection: &mut PgConnection,
    expected: &mut ExpectedVersions,
) -> Result<(), Fault> {
    let mut rows = select_lines!("").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        expected.check(&row.stored().found());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> BookLine {
        BookLine {
            id: Uuid::nil(),
            is_extra: false,
            kind: "building".to_owned(),
            asset_id: Some(Uuid::nil()),
            region_code: None,
            admin_level: None,
            unit_id: None,
            book_unit_id: None,
            area_m2: Some(Decimal::new(100, 0)),
            usage: Some("technical".to_owned()),
            title_number: Some("苏(2020)常州不动产权第0000001号".to_owned()),
        }
    }

    fn compared(found: Found, say: impl FnOnce(&mut LineContent)) -> (Option<Difference>, String) {
        let mut line = LineContent::answered(StocktakingId(Uuid::nil()), found, "a");
        say(&mut line);
        line.compare(&book());
        (line.difference, line.differs.join(" "))
    }

    #[test]
    fn what_differs_is_told_and_what_agrees_is_not() {
        let differ = Some(Difference::FactsDiffer);
        assert_eq!(compared(Found::InPlace, |_| {}), (None, String::new()));
        assert_eq!(compared(Found::Missing, |_| {}).0, Some(Difference::Shortfall));
        assert_eq!(compared(Found::Extra, |_| {}).0, Some(Difference::Surplus));
        assert_eq!(compared(Found::Moved, |_| {}), (differ, "place".to_owned()));
        assert_eq!(compared(Found::Altered, |_| {}), (differ, String::new()));
        for (hundredths, differs) in [(10_000, ""), (10_001, ""), (10_002, "area"), (9_998, "area")] {
            let (difference, said) = compared(Found::InPlace, |line| {
                line.found_area_m2 = Some(Decimal::new(hundredths, 2));
            });
            assert_eq!((difference.is_some(), said.as_str()), (!differs.is_empty(), differs));
        }
        let own = compared(Found::InPlace, |line| {
            line.own_area_m2 = Some(Decimal::new(99, 0));
            line.own_title_number = Some("苏（2020） 常州不动产权第0000001号".to_owned());
        });
        assert_eq!(own, (differ, "own_area".to_owned()));
        let other = compared(Found::Altered, |line| {
            line.found_usage = Some("other".to_owned());
            line.own_title_number = Some("x".to_owned());
        });
        assert_eq!(other, (differ, "usage own_title".to_owned()));
    }
}
