//! What a version of a right says, and its rows.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ids::SpatialUnitId;
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::period::Held;
use crate::request::Fault;
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, stored_attributes, version_statements};

/// Everything a version says; the periods and ids stand beside it.
#[derive(Debug, Clone, Serialize)]
pub struct RightContent {
    /// The parcel or building it is in.
    pub asset_id: SpatialUnitId,
    /// 权利人
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// 部位、房号
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// 坐落
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// 不动产权证号
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The use in the list's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stated_use: Option<String>,
    /// Which of our usages that stands for, where somebody said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
    /// Area by the list, m², four decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registered_area_m2: Option<Decimal>,
    /// The data set it came with.
    pub dataset: String,
    /// Its key there.
    pub source_key: String,
    /// What the list said beside all this, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_attributes: Option<Box<RawValue>>,
    /// The row of the file this version was read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_row: Option<i64>,
    /// The import that read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import_id: Option<Uuid>,
}

impl RightContent {
    /// Does the other one say the same, whichever file said it?
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        let text = |content: &Self| content.source_attributes.as_ref().map(|text| text.get().to_owned());
        self.asset_id == other.asset_id
            && self.holder == other.holder
            && self.part == other.part
            && self.address == other.address
            && self.certificate == other.certificate
            && self.stated_use == other.stated_use
            && self.usage == other.usage
            && self.registered_area_m2 == other.registered_area_m2
            && self.dataset == other.dataset
            && self.source_key == other.source_key
            && text(self) == text(other)
    }
}

impl VersionContent for RightContent {
    const OBJECT: ObjectKind = ObjectKind::Right;
    const STATEMENTS: VersionStatements = version_statements!(
        "listed_right",
        "asset_id, holder, part, address, certificate, stated_use, usage, registered_area_m2, dataset, source_key, \
         source_attributes, source_row, import_id"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        rows.value(Some(self.asset_id))
            .text(self.holder.as_deref())
            .text(self.part.as_deref())
            .text(self.address.as_deref())
            .text(self.certificate.as_deref())
            .text(self.stated_use.as_deref())
            .text(self.usage.as_deref())
            .value(self.registered_area_m2)
            .text(Some(&self.dataset))
            .text(Some(&self.source_key))
            .text(self.source_attributes.as_ref().map(|text| text.get()))
            .value(self.source_row)
            .value(self.import_id);
    }
}

/// A version row as the table holds it.
struct RightVersionRow {
    version_id: Uuid,
    object_id: Uuid,
    valid: PgRange<Date>,
    recorded: PgRange<OffsetDateTime>,
    asset_id: Uuid,
    holder: Option<String>,
    part: Option<String>,
    address: Option<String>,
    certificate: Option<String>,
    stated_use: Option<String>,
    usage: Option<String>,
    registered_area_m2: Option<Decimal>,
    dataset: String,
    source_key: String,
    source_attributes: Option<String>,
    source_row: Option<i64>,
    import_id: Option<Uuid>,
}

/// Selects whole version rows; what follows the columns is the caller's.
macro_rules! select_versions {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            RightVersionRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.asset_id, v.holder, v.part, v.address,
                      v.certificate, v.stated_use, v.usage, v.registered_area_m2, v.dataset, v.source_key,
                      v.source_attributes::text as source_attributes, v.source_row, v.import_id
                 from listed_right_version v "# + $rest
            $(, $argument)*
        )
    };
}

impl RightVersionRow {
    fn stored(self) -> StoredVersion<RightContent> {
        let content = stored_attributes(self.source_attributes).map(|source_attributes| RightContent {
            asset_id: SpatialUnitId(self.asset_id),
            holder: self.holder,
            part: self.part,
            address: self.address,
            certificate: self.certificate,
            stated_use: self.stated_use,
            usage: self.usage,
            registered_area_m2: self.registered_area_m2.map(|area| area.normalize()),
            dataset: self.dataset,
            source_key: self.source_key,
            source_attributes,
            source_row: self.source_row,
            import_id: self.import_id,
        });
        StoredVersion::new(self.version_id, self.object_id, &self.valid, &self.recorded, content)
    }
}

/// Locks rights in the order of their ids and reads the versions known now.
///
/// # Errors
/// The database's.
pub(super) async fn held_versions_of(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Held<RightContent>>>, Fault> {
    sqlx::query!(
        "select id from listed_right where id = any($1) order by id for update",
        ids
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut held: HashMap<Uuid, Vec<Held<RightContent>>> = HashMap::new();
    for row in select_versions!(
        "where v.object_id = any($1) and upper_inf(v.recorded) order by v.object_id, lower(v.valid)",
        ids
    )
    .fetch_all(connection)
    .await?
    {
        held.entry(row.object_id).or_default().push(row.stored().held()?);
    }
    Ok(held)
}

/// Holds every version row of rights against what the ledger says of it.
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
