//! Rights from a list or register: many rows to one parcel or building, all of them kept.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use gis_data::Target;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::content::{RightContent, held_versions_of};
use crate::clock::Clock;
use crate::database::Database;
use crate::ids::{ImportId, RightId, SpatialUnitId};
use crate::imports::{
    Account, AssetBy, CompareAttributes, ImportFailed, ImportOrder, ImportProgress, ListRow, Outcome, ReadyRow,
    Refusal, Report, finish, lock_import, start_reading, warning,
};
use crate::ledger::Action;
use crate::period::{ValidPeriod, reach, revise};
use crate::request::Problem;
use crate::versioned::{Occasion, VersionWriter};

/// So many rights are ended together.
const CHUNK: usize = 2_000;

/// No area is larger than the land of a country: more than this, in m², is a mistake in the list.
const MOST_AREA_M2: f64 = 1e11;

/// Imports a list of rights.
///
/// # Errors
/// [`ImportFailed`]; then nothing was written.
pub async fn import_rights(
    database: &Database,
    clock: &Clock,
    id: ImportId,
    order: &ImportOrder,
    progress: &ImportProgress,
    valid_from: Date,
) -> Result<Report, ImportFailed> {
    let begun = Instant::now();
    let (source, pipeline, mut batches) = start_reading(database, order, progress).await?;
    let mut transaction = order.begin(database).await?;
    lock_import(&mut transaction, id, &order.dataset, clock).await?;
    let account = Account::new(id, &pipeline);
    if !account.speaks_of(Target::AssetCode) {
        return Err(
            Problem::invalid("map", "no field of the list names the asset that a right is in")
                .remedy(
                    "say asset_code=field, with the field that holds the code or source key of the parcel or building",
                )
                .code("asset_code_missing")
                .into(),
        );
    }
    let mut import = RightImport::prepare(&mut transaction, clock, id, order, valid_from, account).await?;
    while let Some(batch) = batches.recv().await {
        if progress.is_cancelled() {
            return Err(ImportFailed::Cancelled);
        }
        import.take(&mut transaction, batch?).await?;
        progress.set_rows(import.account.tally.counts.read);
    }
    progress.set_writing();
    import.look_for_missing(&mut transaction).await?;
    if progress.is_cancelled() {
        return Err(ImportFailed::Cancelled);
    }
    let report = import.account.report(source, &pipeline, order, valid_from, begun);
    finish(transaction, clock, id, order, report).await
}

/// What a word for an asset means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    One(Uuid),
    Several,
    None,
}

struct RightImport<'a> {
    clock: &'a Clock,
    id: ImportId,
    order: &'a ImportOrder,
    valid_from: Date,
    asset_by: AssetBy,
    /// Every key the data set ever had.
    by_key: HashMap<String, Uuid>,
    /// Assets, as far as the list has asked for them.
    assets: HashMap<String, Found>,
    /// Objects of which the list speaks.
    seen: HashSet<Uuid>,
    occasion: Occasion,
    writer: VersionWriter<RightContent>,
    account: Account,
}

impl<'a> RightImport<'a> {
    async fn prepare(
        connection: &mut PgConnection,
        clock: &'a Clock,
        id: ImportId,
        order: &'a ImportOrder,
        valid_from: Date,
        account: Account,
    ) -> Result<Self, ImportFailed> {
        let asset_by = match (order.asset_by, &order.of_dataset) {
            (None, Some(_)) => AssetBy::SourceKey,
            (None, None) => AssetBy::Code,
            (Some(AssetBy::SourceKey), None) => {
                return Err(
                    Problem::invalid("of", "the data set whose source keys are meant is not named")
                        .remedy("name it, or find the assets by their code")
                        .into(),
                );
            }
            (Some(asset_by), _) => asset_by,
        };
        if let Some(dataset) = &order.of_dataset {
            let is_known = sqlx::query_scalar!(
                r#"select exists (select from dataset where name = $1) as "known!""#,
                dataset
            )
            .fetch_one(&mut *connection)
            .await?;
            if !is_known {
                return Err(Problem::invalid("of", format!("there is no data set {dataset:?}"))
                    .remedy("import the parcels or buildings first, or correct the name")
                    .into());
            }
        }
        let by_key = sqlx::query!(
            "select distinct on (source_key) source_key, object_id from listed_right_version
              where dataset = $1 and upper_inf(recorded)
              order by source_key, upper(valid) desc nulls first",
            order.dataset,
        )
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(|known| (known.source_key, known.object_id))
        .collect();
        Ok(Self {
            clock,
            id,
            order,
            valid_from,
            asset_by,
            by_key,
            assets: HashMap::new(),
            seen: HashSet::new(),
            occasion: Occasion {
                actor: order.actor.clone(),
                reason: None,
                import_id: Some(id),
            },
            writer: VersionWriter::default(),
            account,
        })
    }

    /// Takes a batch of rows over.
    async fn take(&mut self, connection: &mut PgConnection, batch: Vec<ReadyRow>) -> Result<(), ImportFailed> {
        let mut rows = Vec::with_capacity(batch.len());
        for row in batch {
            self.account.tally.counts.read += 1;
            match row {
                ReadyRow::Quarantined(quarantine) => {
                    let key = quarantine.source_key.as_ref();
                    let object = key.and_then(|key| self.by_key.get(key)).copied();
                    self.seen.extend(object);
                    self.account.keep_quarantined(&quarantine, object)?;
                }
                ReadyRow::Accepted(accepted) => rows.push(ListRow::from(*accepted)),
            }
        }
        self.find_assets(connection, &rows).await?;
        let held_ids: Vec<Uuid> = rows
            .iter()
            .filter_map(|row| self.by_key.get(&row.key))
            .copied()
            .collect();
        let held = held_versions_of(connection, &held_ids).await?;
        let now = self.clock.now();
        for mut row in rows {
            let object = self.by_key.get(&row.key).copied();
            self.seen.extend(object);
            let asset = match self.asset(&row) {
                Ok(asset) => asset,
                Err(refusal) => {
                    self.account.quarantine(&row, &refusal, object);
                    continue;
                }
            };
            let versions = object.and_then(|id| held.get(&id)).map_or(&[][..], Vec::as_slice);
            let before = versions.iter().find(|version| version.valid.contains(self.valid_from));
            let content = self.content(&mut row, asset, before.map(|version| &version.content));
            let outcome = match before {
                None if object.is_some() => Outcome::NewVersion,
                None => Outcome::Inserted,
                Some(before) if before.content.says_the_same(&content) => Outcome::Unchanged,
                Some(_) => Outcome::NewVersion,
            };
            let id = object.unwrap_or_else(|| RightId::fresh().0);
            if outcome != Outcome::Unchanged && !self.order.dry_run {
                if object.is_none() {
                    self.writer.register(id, now);
                }
                let revision = revise(versions, reach(versions, self.valid_from), Some(content), now);
                self.writer.take_over(id, &revision, self.id, &self.occasion)?;
            }
            let is_registered = object.is_some() || !self.order.dry_run;
            self.account.settle(&row, outcome, is_registered.then_some(id));
        }
        self.writer.flush(connection).await?;
        self.account.flush(connection).await
    }

    /// Looks up the assets that a batch names and none before it did.
    async fn find_assets(&mut self, connection: &mut PgConnection, rows: &[ListRow]) -> Result<(), ImportFailed> {
        let words: HashSet<String> = rows
            .iter()
            .filter_map(|row| row.text(Target::AssetCode))
            .filter(|word| !self.assets.contains_key(word))
            .collect();
        if words.is_empty() {
            return Ok(());
        }
        let asked: Vec<String> = words.iter().cloned().collect();
        let found: Vec<(String, Uuid)> = match self.asset_by {
            AssetBy::SourceKey => sqlx::query!(
                r#"select u.source_key as "word!", u.id from spatial_unit u
                    where u.dataset = $1 and u.source_key = any($2) and u.kind in ('parcel', 'building')
                      and exists (select from spatial_unit_version v
                                   where v.object_id = u.id and v.valid @> $3::date and upper_inf(v.recorded))"#,
                self.order.of_dataset,
                &asked,
                self.valid_from,
            )
            .fetch_all(connection)
            .await?
            .into_iter()
            .map(|found| (found.word, found.id))
            .collect(),
            AssetBy::Code => sqlx::query!(
                r#"select v.code as "word!", v.object_id from spatial_unit_version v
                     join spatial_unit u on u.id = v.object_id
                    where v.code = any($1) and v.kind in ('parcel', 'building') and v.valid @> $2::date
                      and upper_inf(v.recorded) and ($3::text is null or u.dataset = $3)"#,
                &asked,
                self.valid_from,
                self.order.of_dataset,
            )
            .fetch_all(connection)
            .await?
            .into_iter()
            .map(|found| (found.word, found.object_id))
            .collect(),
            AssetBy::UnitCode => sqlx::query!(
                r#"select v.unit_code as "word!", v.object_id from spatial_unit_version v
                     join spatial_unit u on u.id = v.object_id
                    where v.unit_code = any($1) and v.valid @> $2::date and upper_inf(v.recorded)
                      and ($3::text is null or u.dataset = $3)"#,
                &asked,
                self.valid_from,
                self.order.of_dataset,
            )
            .fetch_all(connection)
            .await?
            .into_iter()
            .map(|found| (found.word, found.object_id))
            .collect(),
        };
        let mut meant: HashMap<String, Found> = HashMap::new();
        for (word, asset) in found {
            meant
                .entry(word)
                .and_modify(|known| {
                    if *known != Found::One(asset) {
                        *known = Found::Several;
                    }
                })
                .or_insert(Found::One(asset));
        }
        for word in words {
            let found = meant.get(&word).copied().unwrap_or(Found::None);
            self.assets.insert(word, found);
        }
        Ok(())
    }

    /// The asset a row's right is in, or why there is none.
    fn asset(&self, row: &ListRow) -> Result<Uuid, Refusal> {
        let word = row
            .text(Target::AssetCode)
            .ok_or_else(|| Refusal::missing_field("asset_code"))?;
        match self.assets.get(&word) {
            Some(Found::One(asset)) => Ok(*asset),
            Some(Found::Several) => Err(Refusal {
                code: "ambiguous_asset",
                field: "asset_code",
                zh: format!("有多个在册宗地或楼栋对应 {word}"),
                en: format!("several registered parcels or buildings are meant by {word}"),
            }),
            Some(Found::None) | None => Err(Refusal {
                code: "no_such_asset",
                field: "asset_code",
                zh: format!("没有在册的宗地或楼栋 {word}"),
                en: format!("no parcel or building {word} is registered"),
            }),
        }
    }

    /// What the row says, over what is held: a field that the list does not speak of stays as it is.
    fn content(&self, row: &mut ListRow, asset: Uuid, held: Option<&RightContent>) -> RightContent {
        let mut content = held.cloned().unwrap_or_else(|| RightContent {
            asset_id: SpatialUnitId(asset),
            holder: None,
            part: None,
            address: None,
            certificate: None,
            stated_use: None,
            usage: None,
            registered_area_m2: None,
            dataset: self.order.dataset.clone(),
            source_key: row.key.clone(),
            source_attributes: None,
            source_row: None,
            import_id: None,
        });
        content.asset_id = SpatialUnitId(asset);
        for (target, field) in [
            (Target::Holder, &mut content.holder),
            (Target::Part, &mut content.part),
            (Target::Address, &mut content.address),
            (Target::Certificate, &mut content.certificate),
            (Target::StatedUse, &mut content.stated_use),
            (Target::Usage, &mut content.usage),
        ] {
            if self.account.speaks_of(target) {
                *field = row.text(target);
            }
        }
        if self.account.speaks_of(Target::RegisteredAreaM2) {
            let area = row.number(Target::RegisteredAreaM2);
            content.registered_area_m2 = area
                .filter(|area| (0.0..MOST_AREA_M2).contains(area))
                .and_then(|area| Decimal::try_from(area).ok())
                .map(|area| area.round_dp(4).normalize());
            if let (Some(area), None) = (area, content.registered_area_m2) {
                row.warnings.push(warning(
                    "value_out_of_bounds",
                    format!("registered_area_m2 的值 {area} 超出范围，未采用"),
                    format!("the value {area} of registered_area_m2 is out of bounds; left out"),
                ));
            }
        }
        if self.order.compare_attributes == CompareAttributes::All || held.is_none() {
            content.source_attributes.clone_from(&row.attributes);
        }
        content.source_row = Some(row.row);
        content.import_id = Some(self.id.0);
        content
    }

    /// What the data set holds on that day and the list does not have: reported, and ended only where that was asked.
    async fn look_for_missing(&mut self, connection: &mut PgConnection) -> Result<(), ImportFailed> {
        if self.by_key.is_empty() {
            return Ok(());
        }
        let missing: Vec<(String, Uuid)> = sqlx::query!(
            "select object_id, source_key from listed_right_version
              where dataset = $1 and valid @> $2::date and upper_inf(recorded) and import_id is distinct from $3
              order by source_key",
            self.order.dataset,
            self.valid_from,
            self.id.0,
        )
        .fetch_all(&mut *connection)
        .await?
        .into_iter()
        .filter(|held| !self.seen.contains(&held.object_id))
        .map(|held| (held.source_key, held.object_id))
        .collect();
        let now = self.clock.now();
        for chunk in missing.chunks(CHUNK) {
            if self.order.close_missing && !self.order.dry_run {
                let ids: Vec<Uuid> = chunk.iter().map(|(_, id)| *id).collect();
                let held = held_versions_of(connection, &ids).await?;
                for id in &ids {
                    let Some(versions) = held.get(id) else { continue };
                    let before = versions.iter().find(|version| version.valid.contains(self.valid_from));
                    let before = before.map(|before| &before.content);
                    let revision = revise(versions, ValidPeriod::since(self.valid_from), None, now);
                    self.writer
                        .revise(*id, Action::Close, &revision, before, &self.occasion)?;
                }
                self.writer.flush(connection).await?;
            }
            for (key, id) in chunk {
                self.account.note_absent(key, *id, self.order.close_missing);
            }
            self.account.flush(connection).await?;
        }
        Ok(())
    }
}
