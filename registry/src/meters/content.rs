//! What a reading says, and its rows. A meter is one object; each of its readings holds for the days it was read for.

use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ids::SpatialUnitId;
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::request::Fault;
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};

/// A reading.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeterContent {
    /// The building.
    pub building_id: SpatialUnitId,
    /// What was consumed: one of [`super::UTILITIES`].
    pub utility: String,
    /// How much in those days: kWh, m³ or GJ.
    pub quantity: Decimal,
    /// The bill, the list or the system it comes from.
    pub source: String,
}

impl VersionContent for MeterContent {
    const OBJECT: ObjectKind = ObjectKind::Meter;
    const STATEMENTS: VersionStatements = version_statements!("meter", "building_id, utility, quantity, source");

    fn push_columns(&self, rows: &mut CopyRows) {
        rows.value(Some(self.building_id))
            .text(Some(&self.utility))
            .value(Some(self.quantity))
            .text(Some(&self.source));
    }
}

pub(super) struct MeterRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub building_id: Uuid,
    pub utility: String,
    pub quantity: Decimal,
    pub source: String,
}

macro_rules! select_meters {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::meters::content::MeterRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.building_id, v.utility, v.quantity, v.source
                 from meter_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_meters;

impl MeterRow {
    pub(super) fn stored(self) -> StoredVersion<MeterContent> {
        let content = MeterContent {
            building_id: SpatialUnitId(self.building_id),
            utility: self.utility,
            quantity: self.quantity.normalize(),
            source: self.source,
        };
        StoredVersion::new(
            self.version_id,
            self.object_id,
            &self.valid,
            &self.recorded,
            Ok(content),
        )
    }
}

/// Holds every version row of meters against what the ledger says of it.
///
/// # Errors
/// The database's. A row that is not what it was is no error of this function: it is noted in `expected`.
pub async fn verify_versions(connection: &mut PgConnection, expected: &mut ExpectedVersions) -> Result<(), Fault> {
    let mut rows = select_meters!("").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        expected.check(&row.stored().found());
    }
    Ok(())
}
