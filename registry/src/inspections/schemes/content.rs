//! What a scheme says, its rows, and which of them holds where.

use std::sync::LazyLock;

use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ids::InspectionSchemeId;
use crate::inspections::indicators::Indicator;
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::period::Held;
use crate::request::Fault;
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};

/// What an indicator weighs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InspectionWeight)]
pub struct Weighed {
    /// Which.
    pub indicator: Indicator,
    /// Of 100.
    #[schema(value_type = String)]
    pub weight: Decimal,
    /// Full marks at this rate, per cent,
    #[schema(value_type = String)]
    pub full: Decimal,
    /// and none at this one.
    #[schema(value_type = String)]
    pub zero: Decimal,
}

/// 等次: from so many points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InspectionGrade)]
pub struct Grade {
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
    /// From so many points.
    #[schema(value_type = String)]
    pub from: Decimal,
}

/// Everything a version says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SchemeContent {
    /// It holds in this region and below, where nothing nearer is said; everywhere where it is empty.
    pub region_code: String,
    /// The weights, 100 together.
    pub weights: Vec<Weighed>,
    /// The grades, the best first.
    pub grades: Vec<Grade>,
    /// Where it is said.
    pub source: String,
}

impl VersionContent for SchemeContent {
    const OBJECT: ObjectKind = ObjectKind::InspectionScheme;
    const STATEMENTS: VersionStatements =
        version_statements!("inspection_scheme", "region_code, weights, grades, source");

    fn push_columns(&self, rows: &mut CopyRows) {
        // Both are plain data, they always have JSON.
        let weights = serde_json::to_string(&self.weights).unwrap_or_default();
        let grades = serde_json::to_string(&self.grades).unwrap_or_default();
        rows.text(Some(&self.region_code))
            .text(Some(&weights))
            .text(Some(&grades))
            .text(Some(&self.source));
    }
}

pub(super) struct SchemeRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub region_code: String,
    pub weights: String,
    pub grades: String,
    pub source: String,
}

macro_rules! select_schemes {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::inspections::schemes::content::SchemeRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.region_code, v.weights::text as "weights!",
                      v.grades::text as "grades!", v.source
                 from inspection_scheme_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_schemes;

impl SchemeRow {
    pub(super) fn content(self) -> Result<SchemeContent, Fault> {
        let impossible = |error: serde_json::Error| Fault::Impossible {
            what: format!("inspection scheme version {}: {error}", self.version_id),
        };
        Ok(SchemeContent {
            weights: serde_json::from_str(&self.weights).map_err(impossible)?,
            grades: serde_json::from_str(&self.grades).map_err(impossible)?,
            region_code: self.region_code,
            source: self.source,
        })
    }

    pub(super) fn stored(self) -> StoredVersion<SchemeContent> {
        let (version_id, object_id) = (self.version_id, self.object_id);
        let (valid, recorded) = (self.valid, self.recorded);
        StoredVersion::new(version_id, object_id, &valid, &recorded, self.content())
    }
}

/// Locks a scheme and reads the versions known now, by the days they hold.
pub(super) async fn held_versions(
    connection: &mut PgConnection,
    id: InspectionSchemeId,
) -> Result<Vec<Held<SchemeContent>>, Fault> {
    sqlx::query!("select id from inspection_scheme where id = $1 for update", id.0)
        .fetch_optional(&mut *connection)
        .await?;
    select_schemes!(
        "where v.object_id = $1 and upper_inf(v.recorded) order by lower(v.valid)",
        id.0
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| row.stored().held())
    .collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DefaultFile {
    weights: Vec<Weighed>,
    grades: Vec<Grade>,
}

/// This product's defaults.
///
/// # Errors
/// Where the file is wrong; the program then doesn't start.
pub(in crate::inspections) fn default_scheme() -> Result<&'static SchemeContent, Fault> {
    static CARRIED: LazyLock<Result<SchemeContent, String>> = LazyLock::new(|| {
        let text = include_str!("../../../inspections/default.toml");
        let file: DefaultFile = toml::from_str(text).map_err(|error| error.to_string())?;
        let scheme = SchemeContent {
            region_code: String::new(),
            weights: file.weights,
            grades: file.grades,
            source: "本产品的默认值，非法定标准".to_owned(),
        };
        super::change::sound(&scheme).map_err(|problem| problem.detail)?;
        Ok(scheme)
    });
    CARRIED.as_ref().map_err(|reason| Fault::Impossible {
        what: format!("registry/inspections/default.toml: {reason}"),
    })
}

/// The scheme that holds in a region on a day, and its version: that of the nearest region above that has one, else the
/// defaults, which have no version.
pub(in crate::inspections) async fn in_force(
    connection: &mut PgConnection,
    region_code: &str,
    on: Date,
) -> Result<(Option<Uuid>, SchemeContent), Fault> {
    let held = select_schemes!(
        "where upper_inf(v.recorded) and v.valid @> $2::date and starts_with($1, v.region_code)
         order by length(v.region_code) desc
         limit 1",
        region_code,
        on,
    )
    .fetch_optional(connection)
    .await?;
    match held {
        Some(row) => Ok((Some(row.version_id), row.content()?)),
        None => Ok((None, default_scheme()?.clone())),
    }
}

/// Holds every version row of schemes against what the ledger says of it.
pub(in crate::inspections) async fn verify_versions(
    connection: &mut PgConnection,
    expected: &mut ExpectedVersions,
) -> Result<(), Fault> {
    let mut rows = select_schemes!("").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        expected.check(&row.stored().found());
    }
    Ok(())
}
