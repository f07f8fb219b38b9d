//! What a version of a region says, and its rows.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ids::RegionId;
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::period::Held;
use crate::request::{Fault, Problem};
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};

/// Everything a version says; the periods and ids stand beside it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RegionContent {
    /// Whose codes: [`GB2260`](super::GB2260), or another country's in sample data.
    pub scheme: String,
    /// 行政区划代码
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its English name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// One of [`LEVELS`](super::LEVELS).
    pub level: String,
    /// The region above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<RegionId>,
    /// The regions that took its place when it ended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub successor_ids: Vec<RegionId>,
    /// The data set it came with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Its key there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_key: Option<String>,
    /// What was mended in its shape: `reason`, `area_before_m2`, `area_after_m2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repair: Option<Box<RawValue>>,
    /// A multipolygon as EWKB, longitude and latitude, EPSG:4490. In the digest as bytes, in the ledger as its SHA-256.
    #[serde(skip)]
    pub geometry: Option<Vec<u8>>,
    /// The geometry before it was mended, EWKB.
    #[serde(skip)]
    pub original_geometry: Option<Vec<u8>>,
}

impl VersionContent for RegionContent {
    const OBJECT: ObjectKind = ObjectKind::Region;
    const STATEMENTS: VersionStatements = version_statements!(
        "region",
        "scheme, code, name, name_en, level, parent_id, successor_ids, dataset, source_key, repair, geometry, \
         original_geometry"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        rows.text(Some(&self.scheme))
            .text(Some(&self.code))
            .text(Some(&self.name))
            .text(self.name_en.as_deref())
            .text(Some(&self.level))
            .value(self.parent_id)
            .value(Some(self.successor_ids.clone()))
            .text(self.dataset.as_deref())
            .text(self.source_key.as_deref())
            .text(self.repair.as_ref().map(|repair| repair.get()))
            .bytes(self.geometry.as_deref())
            .bytes(self.original_geometry.as_deref());
    }

    fn blobs(&self) -> Vec<Option<&[u8]>> {
        vec![self.geometry.as_deref(), self.original_geometry.as_deref()]
    }
}

/// A version row as the table holds it.
pub(super) struct RegionVersionRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub scheme: String,
    pub code: String,
    pub name: String,
    pub name_en: Option<String>,
    pub level: String,
    pub parent_id: Option<Uuid>,
    pub successor_ids: Vec<Uuid>,
    pub dataset: Option<String>,
    pub source_key: Option<String>,
    pub repair: Option<String>,
    pub geometry: Option<Vec<u8>>,
    pub original_geometry: Option<Vec<u8>>,
}

/// Selects whole version rows; what follows the columns is the caller's.
macro_rules! select_versions {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::regions::content::RegionVersionRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.scheme, v.code, v.name, v.name_en, v.level,
                      v.parent_id, v.successor_ids, v.dataset, v.source_key, v.repair::text as repair,
                      st_asewkb(v.geometry) as geometry, v.original_geometry
                 from region_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_versions;

impl RegionVersionRow {
    pub(super) fn stored(self) -> StoredVersion<RegionContent> {
        let repair = self.repair.map(RawValue::from_string).transpose();
        let content = repair
            .map_err(|_| Fault::Impossible {
                what: format!("version {}: its repair is no JSON", self.version_id),
            })
            .map(|repair| RegionContent {
                scheme: self.scheme,
                code: self.code,
                name: self.name,
                name_en: self.name_en,
                level: self.level,
                parent_id: self.parent_id.map(RegionId),
                successor_ids: self.successor_ids.into_iter().map(RegionId).collect(),
                dataset: self.dataset,
                source_key: self.source_key,
                repair,
                geometry: self.geometry,
                original_geometry: self.original_geometry,
            });
        StoredVersion::new(self.version_id, self.object_id, &self.valid, &self.recorded, content)
    }
}

/// Locks regions in the order of their ids and reads the versions known now, by the days they hold.
///
/// # Errors
/// The database's.
pub async fn held_versions(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Held<RegionContent>>>, Fault> {
    sqlx::query!("select id from region where id = any($1) order by id for update", ids)
        .fetch_all(&mut *connection)
        .await?;
    let rows = select_versions!(
        "where v.object_id = any($1) and upper_inf(v.recorded) order by v.object_id, lower(v.valid)",
        ids
    )
    .fetch_all(connection)
    .await?;
    let mut held: HashMap<Uuid, Vec<Held<RegionContent>>> = HashMap::new();
    for row in rows {
        held.entry(row.object_id).or_default().push(row.stored().held()?);
    }
    Ok(held)
}

/// A region that something names by its code must be registered on the day, by what is known now.
///
/// # Errors
/// A problem on `field`.
pub async fn require_registered(
    connection: &mut PgConnection,
    field: &str,
    code: &str,
    on: Date,
) -> Result<(), Problem> {
    let registered = sqlx::query_scalar!(
        r#"select exists (select from region_version
                           where code = $1 and valid @> $2::date and upper_inf(recorded)) as "registered!""#,
        code,
        on,
    )
    .fetch_one(connection)
    .await?;
    if registered {
        Ok(())
    } else {
        Err(
            Problem::invalid(field, format!("no region {code} is registered on {on}"))
                .remedy("register the region first, or leave the field out"),
        )
    }
}

/// Holds every version row of regions against what the ledger says of it.
///
/// # Errors
/// The database's. A row that is not what it was is no error of this function: it is noted in `expected`.
pub async fn verify_versions(connection: &mut PgConnection, expected: &mut ExpectedVersions) -> Result<(), Fault> {
    let mut rows = select_versions!("").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        expected.check(&row.stored().found());
    }
    Ok(())
}
