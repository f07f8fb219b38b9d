//! Loading the demo city (`gis_data::demo_city`): through the nouns' own writers, with a ledger entry for everything, in
//! one transaction. An interrupted load leaves nothing behind.

mod content;
#[cfg(test)]
pub(crate) mod tests;
mod yearly;

use std::collections::HashMap;

use gis_data::Layer;
use gis_data::demo_city::{DemoAgreement, DemoCity, DemoCityFailed, DemoOccupant, DemoRoom, SINCE};
use serde_json::json;
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::format_description::well_known::Iso8601;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::clock::Clock;
use crate::database::{CopyRows, Database};
use crate::digest::{VersionHead, version_digest};
use crate::ids::{
    LeaseId, OccupantId, PolicyCaseId, RegionId, ReliefPolicyId, RoomId, SpatialUnitId, TitleCaseId, TitleId, UnitId,
    UseAgreementId, UseFilingId, VersionId,
};
use crate::leases::write_rows;
use crate::ledger::{Action, EntryId, NewEntry, Object, ObjectKind};
use crate::occupants::OccupantContent;
use crate::period::{Revision, ValidPeriod, recorded_since};
use crate::regions::{GB2260, RegionContent};
use crate::request::{Actor, Fault};
use crate::rooms::RoomContent;
use crate::spatial_units::{Content, Kind, VersionWriter as AssetWriter};
use crate::tree::Tree;
use crate::use_agreements::AgreementContent;
use crate::use_filings::FilingContent;
use crate::versioned::{Occasion, VersionContent, VersionWriter};

/// The data set everything made up belongs to.
pub const DATASET: &str = "demo-city";
/// The data set of the division codes, which are real.
const DIVISIONS: &str = "china-division-codes";

/// Rooms that are written together.
const ROOMS_AT_ONCE: usize = 10_000;

/// What became of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DemoLoaded {
    /// It is there now.
    Loaded,
    /// It was there before; nothing was written.
    AlreadyThere,
}

/// Why the demo city could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum DemoRefused {
    /// The registry is in use.
    #[error("the registry holds other data; the demo city goes into an empty one")]
    HoldsOtherData,
    /// The generator is broken.
    #[error(transparent)]
    Generator(#[from] DemoCityFailed),
    /// The system failed.
    #[error("the demo city could not be written; nothing of it was kept")]
    Fault(#[from] Fault),
}

impl From<sqlx::Error> for DemoRefused {
    fn from(source: sqlx::Error) -> Self {
        Self::Fault(source.into())
    }
}

/// Loads the city into an empty registry.
///
/// # Errors
/// [`DemoRefused`]; then nothing was written.
pub async fn load(database: &Database, clock: &Clock, city: DemoCity) -> Result<DemoLoaded, DemoRefused> {
    let mut transaction = database.begin().await?;
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 19))", DATASET)
        .execute(&mut *transaction)
        .await?;
    let held = sqlx::query!(
        r#"select exists (select from dataset where name = $1) as "demo!",
                  exists (select from spatial_unit) or exists (select from unit) as "other!""#,
        DATASET
    )
    .fetch_one(&mut *transaction)
    .await?;
    if held.demo {
        return Ok(DemoLoaded::AlreadyThere);
    }
    if held.other {
        return Err(DemoRefused::HoldsOtherData);
    }
    Tree::Regions.lock(&mut transaction).await?;
    Tree::Units.lock(&mut transaction).await?;
    let mut loading = Loading {
        now: clock.now(),
        since: day(SINCE)?,
        occasion: Occasion {
            actor: Actor("system:demo-city".to_owned()),
            reason: Some("演示数据，纯属虚构 / made-up demo data".to_owned()),
            import_id: None,
        },
        units: Vec::new(),
        assets: HashMap::new(),
        room_ids: HashMap::new(),
    };
    loading.datasets(&mut transaction).await?;
    loading.regions(&mut transaction).await?;
    loading.units(&mut transaction, &city).await?;
    loading.assets(&mut transaction, &city).await?;
    loading.relations(&mut transaction, &city).await?;
    loading.titles(&mut transaction, &city).await?;
    loading.filings(&mut transaction, &city, clock.today()).await?;
    loading.cases(&mut transaction, &city, clock.today()).await?;
    loading.leases(&mut transaction, &city, clock.today()).await?;
    loading.use_filings(&mut transaction, &city, clock.today()).await?;
    loading.thresholds(&mut transaction).await?;
    loading.stocktakings(&mut transaction, clock.today()).await?;
    loading.inspection(&mut transaction, &city, clock.today()).await?;
    loading
        .rooms(&mut transaction, city.rooms, &city.occupants, &city.agreements)
        .await?;
    transaction.commit().await?;
    Ok(DemoLoaded::Loaded)
}

fn impossible(error: impl std::fmt::Display) -> Fault {
    Fault::Impossible {
        what: error.to_string(),
    }
}

fn day(text: &str) -> Result<Date, Fault> {
    Date::parse(text, &Iso8601::DATE).map_err(impossible)
}

/// What is known while the city is written.
struct Loading {
    now: OffsetDateTime,
    since: Date,
    occasion: Occasion,
    units: Vec<UnitId>,
    assets: HashMap<Layer, Vec<SpatialUnitId>>,
    /// The rooms by key, each with its building: an index into the buildings.
    room_ids: HashMap<String, (RoomId, usize)>,
}

impl Loading {
    async fn datasets(&self, connection: &mut PgConnection) -> Result<(), Fault> {
        for (name, title, licence, credit, made_up) in [
            (
                DATASET,
                "演示城市（虚构） / Demo city (made up)",
                "Apache-2.0 OR MIT",
                "演示数据，纯属虚构 / Made-up demo data",
                true,
            ),
            (
                DIVISIONS,
                "行政区划代码 / Division codes",
                "WTFPL",
                "区划代码：国家统计局，经 modood 整理 / Division codes: National Bureau of Statistics, by way of modood",
                false,
            ),
        ] {
            sqlx::query!(
                "insert into dataset (name, title, licence, credit, made_up, created_at) values ($1, $2, $3, $4, $5, $6)
                 on conflict (name) do nothing",
                name,
                title,
                licence,
                credit,
                made_up,
                self.now,
            )
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }

    /// What holds since the city's first day, and what held before it fell idle, where that was later.
    fn revision<C: Clone>(
        &self,
        idle_since: Option<&str>,
        content: C,
        before: impl FnOnce(&mut C),
    ) -> Result<Revision<C>, Fault> {
        let idle_since = idle_since.map(day).transpose()?.filter(|day| *day > self.since);
        let write = match idle_since {
            None => vec![(ValidPeriod::since(self.since), content)],
            Some(idle_since) => {
                let mut earlier = content.clone();
                before(&mut earlier);
                let until = ValidPeriod {
                    from: self.since,
                    to: Some(idle_since),
                };
                vec![(until, earlier), (ValidPeriod::since(idle_since), content)]
            }
        };
        Ok(Revision {
            close: Vec::new(),
            write,
            at: self.now,
        })
    }

    fn write<C: VersionContent>(
        &self,
        writer: &mut VersionWriter<C>,
        id: Uuid,
        revision: &Revision<C>,
    ) -> Result<(), Fault> {
        writer.register(id, self.now);
        writer.revise(id, Action::Create, revision, None, &self.occasion)?;
        Ok(())
    }

    /// The divisions that nobody has registered yet.
    async fn regions(&self, connection: &mut PgConnection) -> Result<(), Fault> {
        let mut ids: HashMap<String, RegionId> = sqlx::query!(
            "select code, object_id from region_version
              where scheme = $1 and valid @> $2::date and upper_inf(recorded)",
            GB2260,
            self.since,
        )
        .fetch_all(&mut *connection)
        .await?
        .into_iter()
        .map(|row| (row.code, RegionId(row.object_id)))
        .collect();
        let mut writer = VersionWriter::<RegionContent>::default();
        for division in DemoCity::divisions() {
            if ids.contains_key(division.code) {
                continue;
            }
            let id = RegionId::fresh();
            let content = RegionContent {
                scheme: GB2260.to_owned(),
                code: division.code.to_owned(),
                name: division.name.to_owned(),
                name_en: division.name_en.map(ToOwned::to_owned),
                level: division.level.to_owned(),
                parent_id: division.parent.and_then(|parent| ids.get(parent)).copied(),
                dataset: Some(DIVISIONS.to_owned()),
                source_key: Some(division.code.to_owned()),
                ..RegionContent::default()
            };
            self.write(&mut writer, id.0, &self.revision(None, content, |_| ())?)?;
            ids.insert(division.code.to_owned(), id);
        }
        writer.flush(connection).await
    }

    async fn units(&mut self, connection: &mut PgConnection, city: &DemoCity) -> Result<(), Fault> {
        let mut writer = VersionWriter::default();
        for unit in &city.units {
            let id = UnitId::fresh();
            let content = content::unit(unit, &self.units);
            self.write(&mut writer, id.0, &self.revision(None, content, |_| ())?)?;
            self.units.push(id);
        }
        writer.flush(connection).await
    }

    async fn assets(&mut self, connection: &mut PgConnection, city: &DemoCity) -> Result<(), Fault> {
        let occasion = crate::spatial_units::Occasion {
            actor: self.occasion.actor.clone(),
            reason: self.occasion.reason.clone(),
            import_id: None,
        };
        for (kind, assets) in [
            (Kind::Parcel, &city.parcels),
            (Kind::Site, &city.sites),
            (Kind::Building, &city.buildings),
        ] {
            let mut writer = AssetWriter::default();
            let mut ids = Vec::with_capacity(assets.len());
            for asset in assets {
                let id = SpatialUnitId::fresh();
                let content = content::asset(asset, kind, &self.units)?;
                let revision = self.revision(asset.idle_since.as_deref(), content, |earlier: &mut Content| {
                    earlier.occupancy = Some("in_use".to_owned());
                    earlier.idle_since = None;
                })?;
                writer.register(id, kind, Some((DATASET, &asset.key)), self.now);
                writer.revise(id, kind, Action::Create, revision, None, &occasion)?;
                ids.push(id);
            }
            writer.flush(connection).await?;
            if let Some(asset) = assets.first() {
                self.assets.insert(asset.layer, ids);
            }
        }
        Ok(())
    }

    fn asset(&self, layer: Layer, index: usize) -> Result<SpatialUnitId, Fault> {
        self.assets
            .get(&layer)
            .and_then(|ids| ids.get(index))
            .copied()
            .ok_or_else(|| impossible(format!("the demo city has no {} {index}", layer.as_str())))
    }

    async fn relations(&self, connection: &mut PgConnection, city: &DemoCity) -> Result<(), Fault> {
        let valid = ValidPeriod::since(self.since);
        let mut rows = CopyRows::default();
        let mut said = Vec::with_capacity(city.relations.len());
        for relation in &city.relations {
            let word = match (relation.upper.0, relation.lower.0) {
                (Layer::Sites, Layer::Parcels) => "site_parcel",
                (Layer::Sites, _) => "site_building",
                _ => "parcel_building",
            };
            let upper = self.asset(relation.upper.0, relation.upper.1)?;
            let lower = self.asset(relation.lower.0, relation.lower.1)?;
            let head = VersionHead {
                version_id: VersionId::fresh().0,
                object_id: upper.0,
                valid,
                recorded_from: self.now,
            };
            let digest = version_digest(
                "spatial_unit_relation",
                &head,
                word.as_bytes(),
                &[Some(lower.0.as_bytes())],
            );
            rows.value(Some(head.version_id))
                .text(Some(word))
                .value(Some(upper))
                .value(Some(lower))
                .value(Some(PgRange::<Date>::from(valid)))
                .value(Some(recorded_since(self.now)))
                .end_row();
            let after = serde_json::value::to_raw_value(&json!({
                "versions": [{"id": head.version_id, "sha256": hex::encode(digest), "valid_from": valid.from.to_string()}],
                "kind": word, "upper_id": upper, "lower_id": lower,
            }))
            .map_err(impossible)?;
            said.push((upper, after));
        }
        rows.send(
            connection,
            "copy spatial_unit_relation (version_id, kind, upper_id, lower_id, valid, recorded) from stdin (format binary)",
        )
        .await?;
        let entries: Vec<NewEntry<'_>> = said
            .iter()
            .map(|(upper, after)| NewEntry {
                id: EntryId::fresh(),
                recorded_at: self.now,
                actor: &self.occasion.actor.0,
                action: Action::Relate,
                object: Object {
                    kind: ObjectKind::Relation,
                    id: upper.0,
                },
                before: None,
                after: Some(after),
                reason: self.occasion.reason.as_deref(),
                case_id: None,
                import_id: None,
            })
            .collect();
        crate::ledger::append_copy(connection, entries).await?;
        Ok(())
    }

    fn of_layer(&self, layer: Layer, indices: &[usize]) -> Result<Vec<SpatialUnitId>, Fault> {
        indices.iter().map(|index| self.asset(layer, *index)).collect()
    }

    async fn titles(&self, connection: &mut PgConnection, city: &DemoCity) -> Result<(), Fault> {
        let mut writer = VersionWriter::default();
        for title in &city.titles {
            let parcels = self.of_layer(Layer::Parcels, &title.parcels)?;
            let buildings = self.of_layer(Layer::Buildings, &title.buildings)?;
            let content = content::title(title, parcels, buildings, &self.units)?;
            let write = match title.nature_before {
                None => vec![(ValidPeriod::since(self.since), content)],
                Some((nature, until)) => {
                    let until = day(until)?;
                    let before = content::title_before(&content, nature)?;
                    let earlier = ValidPeriod {
                        from: self.since,
                        to: Some(until),
                    };
                    vec![(earlier, before), (ValidPeriod::since(until), content)]
                }
            };
            let revision = Revision {
                close: Vec::new(),
                write,
                at: self.now,
            };
            self.write(&mut writer, TitleId::fresh().0, &revision)?;
        }
        writer.flush(connection).await
    }

    /// Filings come back after a year: they were looked at last when the city was loaded.
    async fn filings(&self, connection: &mut PgConnection, city: &DemoCity, today: Date) -> Result<(), Fault> {
        let review_on = today.saturating_add(time::Duration::days(365));
        let definition = crate::title_cases::keep_definition(connection, self.now).await?;
        let mut writer = VersionWriter::default();
        for filing in &city.filings {
            let asset = self.asset(filing.asset.0, filing.asset.1)?;
            let content = content::filing(filing, asset, review_on, definition.clone())?;
            self.write(
                &mut writer,
                TitleCaseId::fresh().0,
                &self.revision(None, content, |_| ())?,
            )?;
        }
        writer.flush(connection).await
    }

    /// What is open about what is idle, under repair or rented in; each came to its state some days ago.
    async fn cases(&self, connection: &mut PgConnection, city: &DemoCity, today: Date) -> Result<(), Fault> {
        for procedure in crate::policy_cases::Procedure::ALL {
            let definition = procedure.definition().map_err(impossible)?;
            crate::procedures::keep(connection, definition, self.now).await?;
        }
        let mut writer = VersionWriter::default();
        for case in &city.cases {
            let asset = self.asset(case.asset.0, case.asset.1)?;
            let unit = case.unit.and_then(|unit| self.units.get(unit)).copied();
            let since = today.saturating_sub(time::Duration::days(case.days_ago));
            let rejected = self.of_layer(Layer::Buildings, &case.rejected)?;
            let content = content::case(case, asset, unit, &rejected, since)?;
            let revision = Revision {
                close: Vec::new(),
                write: vec![(ValidPeriod::since(since), content)],
                at: self.now,
            };
            self.write(&mut writer, PolicyCaseId::fresh().0, &revision)?;
        }
        writer.flush(connection).await
    }

    /// Leases with their rent; what fell due by today is paid and remitted, but for some.
    async fn leases(&self, connection: &mut PgConnection, city: &DemoCity, today: Date) -> Result<(), Fault> {
        let mut policies = VersionWriter::default();
        let policy = ReliefPolicyId::fresh();
        self.write(
            &mut policies,
            policy.0,
            &self.revision(None, content::relief_policy()?, |_| ())?,
        )?;
        policies.flush(connection).await?;
        let (mut leases, mut rows) = (VersionWriter::default(), VersionWriter::default());
        let (mut reliefs, mut movements) = (VersionWriter::default(), VersionWriter::default());
        for lease in &city.leases {
            let asset = self.asset(Layer::Buildings, lease.index)?;
            let id = LeaseId::fresh();
            let (valid, content) = content::lease(lease, asset, city, &self.units)?;
            let mut schedule = content::rent(&content, valid);
            if let Some(relief) = content::relief(lease, id, policy, &mut schedule)? {
                let (relief_id, relief) = relief;
                self.write(&mut reliefs, relief_id.0, &self.revision(None, relief, |_| ())?)?;
            }
            let paid = content::movements(lease, &content, &schedule, today)?;
            let said = |write| Revision {
                close: Vec::new(),
                write,
                at: self.now,
            };
            self.write(&mut leases, id.0, &said(vec![(valid, content)]))?;
            write_rows(
                &mut rows,
                id,
                &Revision {
                    close: Vec::new(),
                    write: schedule,
                    at: self.now,
                },
                &self.occasion,
            )?;
            if !paid.is_empty() {
                let paid = Revision {
                    close: Vec::new(),
                    write: paid,
                    at: self.now,
                };
                movements.revise(id.0, Action::Create, &paid, None, &self.occasion)?;
            }
        }
        leases.flush(connection).await?;
        reliefs.flush(connection).await?;
        rows.flush(connection).await?;
        movements.flush(connection).await
    }

    /// What units filed and published of the last full year, in December; of this year where that has come.
    async fn use_filings(&self, connection: &mut PgConnection, city: &DemoCity, today: Date) -> Result<(), Fault> {
        let mut writer = VersionWriter::<FilingContent>::default();
        for year in [today.year() - 1, today.year()] {
            let filed_on = Date::from_calendar_date(year, time::Month::December, 20).map_err(impossible)?;
            if filed_on > today {
                continue;
            }
            for (number, filing) in city.use_filings.iter().enumerate() {
                let content = content::use_filing(filing, (year, number + 1), &self.units)?;
                let revision = Revision {
                    close: Vec::new(),
                    write: vec![(ValidPeriod::since(filed_on), content)],
                    at: self.now,
                };
                self.write(&mut writer, UseFilingId::fresh().0, &revision)?;
            }
        }
        writer.flush(connection).await
    }

    /// While the database takes some rooms in, the next are built: two cores do what one would do in turn.
    async fn rooms(
        mut self,
        connection: &mut PgConnection,
        rooms: Vec<DemoRoom>,
        occupants: &[DemoOccupant],
        agreements: &[DemoAgreement],
    ) -> Result<(), Fault> {
        // What hangs on rooms must know their ids, and the rooms are built beside each other: ids are settled beforehand.
        self.room_ids = rooms
            .iter()
            .map(|room| (room.key.clone(), (RoomId::fresh(), room.building)))
            .collect();
        let loading = std::sync::Arc::new(self);
        let mut waiting = VersionWriter::<RoomContent>::default();
        let mut rooms = rooms.into_iter();
        loop {
            let batch: Vec<DemoRoom> = rooms.by_ref().take(ROOMS_AT_ONCE).collect();
            if batch.is_empty() {
                break;
            }
            let building = {
                let loading = std::sync::Arc::clone(&loading);
                tokio::task::spawn_blocking(move || loading.build_rooms(&batch))
            };
            waiting.flush(connection).await?;
            waiting = building.await.map_err(impossible)??;
        }
        waiting.flush(connection).await?;
        let mut writer = VersionWriter::<OccupantContent>::default();
        for occupant in occupants {
            let room = loading
                .room_ids
                .get(&occupant.room)
                .map(|(id, _)| *id)
                .ok_or_else(|| impossible(format!("the demo city has no room {}", occupant.room)))?;
            let content = content::occupant(occupant, room)?;
            let revision = loading.revision(None, content, |_| ())?;
            loading.write(&mut writer, OccupantId::fresh().0, &revision)?;
        }
        writer.flush(connection).await?;
        let mut writer = VersionWriter::<AgreementContent>::default();
        for agreement in agreements {
            let held: Vec<(RoomId, SpatialUnitId)> = agreement
                .rooms
                .iter()
                .filter_map(|room| loading.room_ids.get(room))
                .map(|(id, building)| Ok((*id, loading.asset(Layer::Buildings, *building)?)))
                .collect::<Result<_, Fault>>()?;
            if held.is_empty() {
                continue;
            }
            let content = content::agreement(agreement, &held, &loading.units)?;
            let revision = loading.revision(None, content, |_| ())?;
            loading.write(&mut writer, UseAgreementId::fresh().0, &revision)?;
        }
        writer.flush(connection).await
    }

    fn build_rooms(&self, rooms: &[DemoRoom]) -> Result<VersionWriter<RoomContent>, Fault> {
        let mut writer = VersionWriter::default();
        for room in rooms {
            let building = self.asset(Layer::Buildings, room.building)?;
            let content = content::room(room, building, &self.units);
            let revision = self.revision(room.idle_since.as_deref(), content, |earlier: &mut RoomContent| {
                earlier.occupancy = Some("in_use".to_owned());
            })?;
            let id = self.room_ids.get(&room.key).map_or_else(RoomId::fresh, |(id, _)| *id);
            self.write(&mut writer, id.0, &revision)?;
        }
        Ok(writer)
    }
}
