//! The statements that more than one action needs: the versions known now, and writing what changes them.

use std::collections::HashMap;

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::{Content, Kind, Repair};
use crate::database::CopyRows;
use crate::digest::{VersionHead, version_digest};
use crate::ids::{ImportId, SpatialUnitId, UnitId, VersionId};
use crate::ledger::{Action, EntryId, NewEntry, Object, ObjectKind};
use crate::period::{Held, Revision, ValidPeriod, recorded_ends, valid_period};
use crate::request::{Actor, Fault};

/// A version row as the table holds it.
pub(super) struct VersionRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub kind: String,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub code: Option<String>,
    pub name: Option<String>,
    pub address: Option<String>,
    pub region_code: Option<String>,
    pub unit_id: Option<Uuid>,
    pub title_status: Option<String>,
    pub usage: Option<String>,
    pub occupancy: Option<String>,
    pub idle_since: Option<Date>,
    pub area_m2: Option<f64>,
    pub registered_area_m2: Option<Decimal>,
    pub unit_code: Option<String>,
    pub land_use_scheme: Option<String>,
    pub land_use_code: Option<String>,
    pub floors_above: Option<i16>,
    pub floors_below: Option<i16>,
    pub structure: Option<String>,
    pub completed_year: Option<i16>,
    pub geometry: Option<Vec<u8>>,
    pub tile_shape: Option<Vec<u8>>,
    pub source_attributes: Option<String>,
    pub source_row: Option<i64>,
    pub import_id: Option<Uuid>,
    pub repair: Option<String>,
    pub original_geometry: Option<Vec<u8>>,
    pub admin_level: Option<String>,
    pub secrecy: Option<String>,
}

/// Selects whole version rows; what follows the columns is the caller's.
macro_rules! select_versions {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::spatial_units::queries::VersionRow,
            r#"select v.version_id, v.object_id, v.kind, v.valid, v.recorded, v.code, v.name, v.address, v.region_code,
                      v.unit_id, v.title_status, v.usage, v.occupancy, v.idle_since, v.area_m2, v.registered_area_m2,
                      v.unit_code, v.land_use_scheme, v.land_use_code, v.floors_above, v.floors_below, v.structure,
                      v.completed_year, st_asewkb(v.geometry) as geometry, v.tile_shape,
                      v.source_attributes::text as source_attributes, v.source_row, v.import_id,
                      v.repair::text as repair, v.original_geometry, v.admin_level, v.secrecy
                 from spatial_unit_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_versions;

impl VersionRow {
    /// The row's own content.
    pub(super) fn content(self) -> Result<Content, Fault> {
        let impossible = |what: &str| Fault::Impossible {
            what: format!("version {}: {what}", self.version_id),
        };
        Ok(Content {
            kind: Kind::from_word(&self.kind).ok_or_else(|| impossible("unknown kind"))?,
            source_attributes: self
                .source_attributes
                .map(RawValue::from_string)
                .transpose()
                .map_err(|_| Fault::Impossible {
                    what: format!("version {}: attributes are no JSON", self.version_id),
                })?,
            repair: self
                .repair
                .map(|text| serde_json::from_str::<Repair>(&text))
                .transpose()
                .map_err(|_| Fault::Impossible {
                    what: format!("version {}: repair is not understood", self.version_id),
                })?,
            code: self.code,
            name: self.name,
            address: self.address,
            region_code: self.region_code,
            unit_id: self.unit_id.map(UnitId),
            title_status: self.title_status,
            usage: self.usage,
            occupancy: self.occupancy,
            idle_since: self.idle_since,
            area_m2: self.area_m2,
            registered_area_m2: self.registered_area_m2.map(|area| area.normalize()),
            unit_code: self.unit_code,
            land_use_scheme: self.land_use_scheme,
            land_use_code: self.land_use_code,
            floors_above: self.floors_above,
            floors_below: self.floors_below,
            structure: self.structure,
            completed_year: self.completed_year,
            geometry: self.geometry,
            tile_shape: self.tile_shape,
            source_row: self.source_row,
            import_id: self.import_id,
            original_geometry: self.original_geometry,
            admin_level: self.admin_level,
            secrecy: self.secrecy,
        })
    }

    pub(super) fn held(self) -> Result<Held<Content>, Fault> {
        Ok(Held {
            version_id: VersionId(self.version_id),
            valid: valid_period(&self.valid),
            recorded_from: recorded_ends(&self.recorded).0,
            content: self.content()?,
        })
    }
}

/// An object with the versions known now.
#[derive(Debug)]
pub struct HeldUnit {
    /// The object.
    pub id: SpatialUnitId,
    /// Its versions that are known now, by the days they hold.
    pub versions: Vec<Held<Content>>,
}

/// Locks objects in the order of their ids and reads the versions known now.
///
/// # Errors
/// The database's.
pub async fn held_versions(connection: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, HeldUnit>, Fault> {
    sqlx::query!(
        "select id from spatial_unit where id = any($1) order by id for update",
        ids
    )
    .fetch_all(&mut *connection)
    .await?;
    let rows = select_versions!(
        "where v.object_id = any($1) and upper_inf(v.recorded) order by v.object_id, lower(v.valid)",
        ids
    )
    .fetch_all(connection)
    .await?;
    let mut held: HashMap<Uuid, HeldUnit> = HashMap::new();
    for row in rows {
        let object_id = row.object_id;
        let unit = held.entry(object_id).or_insert_with(|| HeldUnit {
            id: SpatialUnitId(object_id),
            versions: Vec::new(),
        });
        unit.versions.push(row.held()?);
    }
    Ok(held)
}

/// Why and by whom something is written.
#[derive(Debug, Clone)]
pub struct Occasion {
    /// Who.
    pub actor: Actor,
    /// Why.
    pub reason: Option<String>,
    /// The import, if one wrote it.
    pub import_id: Option<Uuid>,
}

/// Changes of spatial units that wait to be written together: identities, versions, ends of versions, ledger entries.
#[derive(Debug, Default)]
pub struct VersionWriter {
    identities: CopyRows,
    versions: CopyRows,
    closed: Vec<Uuid>,
    closed_of: Vec<Uuid>,
    closed_at: Vec<OffsetDateTime>,
    entries: Vec<WaitingEntry>,
    gathered: Option<Gathered>,
}

/// What one entry of an import says of many objects (docs/adr/0008).
#[derive(Debug)]
struct Gathered {
    recorded_at: OffsetDateTime,
    kind: ObjectKind,
    import_id: Uuid,
    occasion: Occasion,
    /// JSON in the making: the versions written, and those that ended.
    after: Vec<u8>,
    before: Vec<u8>,
}

#[derive(Serialize)]
struct GatheredVersion {
    id: Uuid,
    object_id: Uuid,
    #[serde(serialize_with = "as_hex")]
    sha256: [u8; 32],
}

#[derive(Serialize)]
struct GatheredEnd {
    id: Uuid,
    object_id: Uuid,
}

impl Gathered {
    fn say(list: &mut Vec<u8>, item: &impl Serialize) -> Result<(), Fault> {
        if !list.is_empty() {
            list.push(b',');
        }
        serde_json::to_writer(list, item).map_err(unsayable)
    }

    fn entry(self) -> Result<WaitingEntry, Fault> {
        let kind = self.kind;
        let text = |list: Vec<u8>| {
            let list = String::from_utf8_lossy(&list);
            RawValue::from_string(format!("{{\"kind\":\"{kind}\",\"versions\":[{list}]}}")).map_err(unsayable)
        };
        Ok(WaitingEntry {
            recorded_at: self.recorded_at,
            action: Action::Import,
            object: Object {
                kind: ObjectKind::Import,
                id: self.import_id,
            },
            before: if self.before.is_empty() {
                None
            } else {
                Some(text(self.before)?)
            },
            after: text(self.after)?,
            occasion: self.occasion,
        })
    }
}

fn as_hex<S: serde::Serializer>(digest: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    let mut text = [0; 64];
    hex::encode_to_slice(digest, &mut text).map_err(serde::ser::Error::custom)?;
    serializer.serialize_str(str::from_utf8(&text).map_err(serde::ser::Error::custom)?)
}

fn unsayable(error: serde_json::Error) -> Fault {
    Fault::Impossible {
        what: error.to_string(),
    }
}

/// A ledger entry until the flush.
#[derive(Debug)]
struct WaitingEntry {
    recorded_at: OffsetDateTime,
    action: Action,
    object: Object,
    before: Option<Box<RawValue>>,
    after: Box<RawValue>,
    occasion: Occasion,
}

impl<'a> From<&'a WaitingEntry> for NewEntry<'a> {
    fn from(entry: &'a WaitingEntry) -> Self {
        Self {
            id: EntryId::fresh(),
            recorded_at: entry.recorded_at,
            actor: &entry.occasion.actor.0,
            action: entry.action,
            object: entry.object,
            before: entry.before.as_deref(),
            after: Some(&entry.after),
            reason: entry.occasion.reason.as_deref(),
            case_id: None,
            import_id: entry.occasion.import_id.map(ImportId),
        }
    }
}

impl VersionWriter {
    /// Registers a new object.
    pub fn register(
        &mut self,
        id: SpatialUnitId,
        kind: Kind,
        source: Option<(&str, &str)>,
        created_at: OffsetDateTime,
    ) {
        self.identities
            .value(Some(id))
            .text(Some(kind.word()))
            .text(source.map(|(dataset, _)| dataset))
            .text(source.map(|(_, key)| key))
            .value(Some(created_at))
            .end_row();
    }

    /// Writes what a revision closes and adds, and its ledger entry; the newest version's id is returned.
    ///
    /// # Errors
    /// Where the content can't be said in JSON.
    pub fn revise(
        &mut self,
        id: SpatialUnitId,
        kind: Kind,
        action: Action,
        revision: Revision<Content>,
        before: Option<&Content>,
        occasion: &Occasion,
    ) -> Result<Option<VersionId>, Fault> {
        let mut written = Vec::with_capacity(revision.write.len());
        let mut after = None;
        for (valid, content) in &revision.write {
            let (version_id, digest, json) = self.write_version(id, *valid, revision.at, content)?;
            written.push(serde_json::json!({
                "id": version_id.0, "sha256": hex::encode(digest),
                "valid_from": valid.from.to_string(), "valid_to": valid.to.map(|to| to.to_string()),
            }));
            after = Some((version_id, content, json));
        }
        self.end_versions(id, &revision);
        let closed: Vec<_> = revision
            .close
            .iter()
            .map(|version| serde_json::json!({"id": version.0}))
            .collect();
        let before = match before {
            None if closed.is_empty() => None,
            None => Some(said(&closed, None)?),
            Some(before) => Some(said(&closed, Some((before, content_json(before)?)))?),
        };
        let newest = after.as_ref().map(|(version_id, _, _)| *version_id);
        self.entries.push(WaitingEntry {
            recorded_at: revision.at,
            action,
            object: Object {
                kind: kind.object_kind(),
                id: id.0,
            },
            before,
            after: said(&written, after.map(|(_, content, json)| (content, json)))?,
            occasion: occasion.clone(),
        });
        Ok(newest)
    }

    /// Writes what a revision by an import closes and adds. One ledger entry speaks for all objects until the flush:
    /// it names their versions with the digests, and the version rows, which nobody can alter unseen, say the rest.
    ///
    /// # Errors
    /// Where the content can't be said in JSON.
    pub fn take_over(
        &mut self,
        id: SpatialUnitId,
        kind: Kind,
        revision: Revision<Content>,
        import_id: ImportId,
        occasion: &Occasion,
    ) -> Result<(), Fault> {
        let gathered = self.gathered.get_or_insert_with(|| Gathered {
            recorded_at: revision.at,
            kind: kind.object_kind(),
            import_id: import_id.0,
            occasion: occasion.clone(),
            after: Vec::new(),
            before: Vec::new(),
        });
        // The instant of an entry is that of every version it writes or ends: an object that was changed within the
        // same microsecond has one of its own.
        if gathered.recorded_at != revision.at || gathered.kind != kind.object_kind() {
            let action = if revision.close.is_empty() {
                Action::Create
            } else {
                Action::Change
            };
            return self.revise(id, kind, action, revision, None, occasion).map(|_| ());
        }
        for (valid, content) in &revision.write {
            let (version_id, sha256, _) = self.write_version(id, *valid, revision.at, content)?;
            let version = GatheredVersion {
                id: version_id.0,
                object_id: id.0,
                sha256,
            };
            if let Some(gathered) = &mut self.gathered {
                Gathered::say(&mut gathered.after, &version)?;
            }
        }
        self.end_versions(id, &revision);
        for version in &revision.close {
            let end = GatheredEnd {
                id: version.0,
                object_id: id.0,
            };
            if let Some(gathered) = &mut self.gathered {
                Gathered::say(&mut gathered.before, &end)?;
            }
        }
        Ok(())
    }

    fn write_version(
        &mut self,
        id: SpatialUnitId,
        valid: ValidPeriod,
        recorded_from: OffsetDateTime,
        content: &Content,
    ) -> Result<(VersionId, [u8; 32], String), Fault> {
        let version_id = VersionId::fresh();
        let json = content_json(content)?;
        let head = VersionHead {
            version_id: version_id.0,
            object_id: id.0,
            valid,
            recorded_from,
        };
        let digest = content_digest(&head, content, &json);
        self.push_version(&head, content)?;
        Ok((version_id, digest, json))
    }

    fn end_versions(&mut self, id: SpatialUnitId, revision: &Revision<Content>) {
        for version in &revision.close {
            self.closed.push(version.0);
            self.closed_of.push(id.0);
            self.closed_at.push(revision.at);
        }
    }

    fn push_version(&mut self, head: &VersionHead, content: &Content) -> Result<(), Fault> {
        let repair = content
            .repair
            .as_ref()
            .map(serde_json::to_string)
            .transpose()
            .map_err(|error| Fault::Impossible {
                what: error.to_string(),
            })?;
        self.versions
            .value(Some(head.version_id))
            .value(Some(head.object_id))
            .text(Some(content.kind.word()))
            .value(Some(PgRange::<Date>::from(head.valid)))
            .value(Some(PgRange::from(head.recorded_from..)))
            .text(content.code.as_deref())
            .text(content.name.as_deref())
            .text(content.address.as_deref())
            .text(content.region_code.as_deref())
            .value(content.unit_id)
            .text(content.title_status.as_deref())
            .text(content.usage.as_deref())
            .text(content.occupancy.as_deref())
            .value(content.idle_since)
            .value(content.area_m2)
            .value(content.registered_area_m2)
            .text(content.unit_code.as_deref())
            .text(content.land_use_scheme.as_deref())
            .text(content.land_use_code.as_deref())
            .value(content.floors_above)
            .value(content.floors_below)
            .text(content.structure.as_deref())
            .value(content.completed_year)
            .bytes(content.geometry.as_deref())
            .bytes(content.tile_shape.as_deref())
            .text(content.source_attributes.as_ref().map(|text| text.get()))
            .value(content.source_row)
            .value(content.import_id)
            .text(repair.as_deref())
            .bytes(content.original_geometry.as_deref())
            .text(content.admin_level.as_deref())
            .text(content.secrecy.as_deref())
            .end_row();
        Ok(())
    }

    /// Writes everything that waits. Versions end before others begin, or both would be known for a moment.
    ///
    /// # Errors
    /// The database's.
    pub async fn flush(&mut self, connection: &mut PgConnection) -> Result<(), Fault> {
        if !self.closed.is_empty() {
            let ended = sqlx::query!(
                "update spatial_unit_version v
                    set recorded = tstzrange(lower(v.recorded), c.at)
                   from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as c (object_id, version_id, at)
                  where v.object_id = c.object_id and v.version_id = c.version_id and upper_inf(v.recorded)",
                &self.closed_of,
                &self.closed,
                &self.closed_at,
            )
            .execute(&mut *connection)
            .await?
            .rows_affected();
            if ended != self.closed.len() as u64 {
                return Err(Fault::Impossible {
                    what: format!("{} versions were to end, {ended} did", self.closed.len()),
                });
            }
            self.closed.clear();
            self.closed_of.clear();
            self.closed_at.clear();
        }
        self.identities
            .send(
                connection,
                "copy spatial_unit (id, kind, dataset, source_key, created_at) from stdin (format binary)",
            )
            .await?;
        self.versions
            .send(
                connection,
                "copy spatial_unit_version (version_id, object_id, kind, valid, recorded, code, name, address, region_code,
                     unit_id, title_status, usage, occupancy, idle_since, area_m2, registered_area_m2, unit_code,
                     land_use_scheme, land_use_code, floors_above, floors_below, structure, completed_year, geometry,
                     tile_shape, source_attributes, source_row, import_id, repair, original_geometry, admin_level, secrecy)
                 from stdin (format binary)",
            )
            .await?;
        if let Some(gathered) = self.gathered.take() {
            self.entries.push(gathered.entry()?);
        }
        let entries: Vec<NewEntry<'_>> = self.entries.iter().map(NewEntry::from).collect();
        crate::ledger::append_copy(connection, entries).await?;
        self.entries.clear();
        Ok(())
    }
}

/// Registers or changes one object at once.
///
/// # Errors
/// The database's.
pub async fn write_revision(
    connection: &mut PgConnection,
    id: SpatialUnitId,
    kind: Kind,
    action: Action,
    revision: Revision<Content>,
    before: Option<&Content>,
    occasion: &Occasion,
) -> Result<Option<VersionId>, Fault> {
    let mut writer = VersionWriter::default();
    if action == Action::Create {
        writer.register(id, kind, None, revision.at);
    }
    let newest = writer.revise(id, kind, action, revision, before, occasion)?;
    writer.flush(connection).await?;
    Ok(newest)
}

pub(super) fn content_json(content: &Content) -> Result<String, Fault> {
    serde_json::to_string(content).map_err(unsayable)
}

pub(super) fn content_digest(head: &VersionHead, content: &Content, json: &str) -> [u8; 32] {
    version_digest(
        "spatial_unit_version",
        head,
        json.as_bytes(),
        &[
            content.geometry.as_deref(),
            content.tile_shape.as_deref(),
            content.original_geometry.as_deref(),
        ],
    )
}

/// What an entry says: the version rows, the content, and the geometry by its hash.
fn said(versions: &[serde_json::Value], content: Option<(&Content, String)>) -> Result<Box<RawValue>, Fault> {
    use sha2::{Digest, Sha256};
    let versions = serde_json::to_string(versions).map_err(unsayable)?;
    let text = match content {
        None => format!("{{\"versions\":{versions}}}"),
        Some((content, json)) => match &content.geometry {
            None => format!("{{\"versions\":{versions},\"content\":{json}}}"),
            Some(geometry) => format!(
                "{{\"versions\":{versions},\"content\":{json},\"geometry_sha256\":\"{}\"}}",
                hex::encode(Sha256::digest(geometry))
            ),
        },
    };
    RawValue::from_string(text).map_err(unsayable)
}
