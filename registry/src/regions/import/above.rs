//! The regions above the rows, which columns of each row name: provinces and cities in a file of counties. Each is
//! registered once; its shape is what the regions below it cover together.

use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::RegionImport;
use crate::ids::RegionId;
use crate::imports::ImportFailed;
use crate::ledger::Action;
use crate::period::{reach, revise};
use crate::regions::content::{RegionContent, held_versions};
use crate::regions::level::{LEVELS, level_of_word};
use crate::request::Problem;
use crate::versioned::changed_fields;

/// The columns that name the region above on one level.
#[derive(Debug)]
pub(super) struct AncestorColumn {
    pub level: &'static str,
    pub code_field: String,
    pub name_field: String,
}

/// A region above.
#[derive(Debug)]
pub(super) struct Above {
    pub id: Uuid,
    pub name: String,
    pub parent: Option<Uuid>,
    /// The next one above: column and code.
    next: Option<(usize, String)>,
    /// Does this data set keep it? A region of another source is stood under and left alone.
    pub is_ours: bool,
    /// Is it registered already?
    pub is_held: bool,
}

impl AncestorColumn {
    pub(super) fn read(ancestors: &[(String, String, String)]) -> Result<Vec<Self>, Problem> {
        ancestors
            .iter()
            .map(|(level, code_field, name_field)| {
                let level = level_of_word(level).ok_or_else(|| {
                    Problem::invalid("ancestor", format!("no level of regions is called {level:?}"))
                        .remedy(format!("choose one of {}", LEVELS.join(", ")))
                })?;
                Ok(Self {
                    level,
                    code_field: code_field.clone(),
                    name_field: name_field.clone(),
                })
            })
            .collect()
    }

    /// The key under which the data set keeps a region of this column.
    fn key(&self, code: &str) -> String {
        format!("{}:{code}", self.level)
    }
}

impl RegionImport<'_> {
    /// Finds the regions that the rows' columns name, and who is above whom.
    pub(super) fn gather_above(&mut self) {
        let mut above: Vec<BTreeMap<String, Above>> = self.columns.iter().map(|_| BTreeMap::new()).collect();
        let mut differing: HashSet<(usize, String)> = HashSet::new();
        let in_file: HashMap<&str, Uuid> = self.rows.iter().map(|row| (row.code.as_str(), row.id)).collect();
        for row in &self.rows {
            let mut chain = row.above_it().peekable();
            while let Some((column, code, name)) = chain.next() {
                let next = chain.peek().map(|(column, code, _)| (*column, code.clone()));
                if let Some(known) = above[*column].get(code) {
                    if known.name != *name || known.next != next {
                        differing.insert((*column, code.clone()));
                    }
                    continue;
                }
                let key = self.columns[*column].key(code);
                let in_file = in_file.get(code.as_str()).copied();
                let on_the_day = self.by_code.get(code).copied();
                let ended = self.by_key.get(&key).copied();
                let is_ours = match (in_file, on_the_day) {
                    (Some(_), _) => false,
                    (None, Some(id)) => self
                        .registered
                        .get(&id)
                        .is_some_and(|held| held.key.as_ref() == Some(&key)),
                    (None, None) => true,
                };
                let held = in_file.or(on_the_day).or(ended);
                above[*column].insert(
                    code.clone(),
                    Above {
                        id: held.unwrap_or_else(|| RegionId::fresh().0),
                        name: name.clone(),
                        parent: None,
                        next,
                        is_ours,
                        is_held: held.is_some(),
                    },
                );
            }
        }
        for column in 0..above.len() {
            let parents: Vec<Option<Uuid>> = above[column]
                .values()
                .map(|region| {
                    region
                        .next
                        .as_ref()
                        .and_then(|(column, code)| above[*column].get(code))
                        .map(|above| above.id)
                })
                .collect();
            for (region, parent) in above[column].values_mut().zip(parents) {
                region.parent = parent;
            }
        }
        self.above = above;
        self.differing = differing.len() as u64;
    }

    /// Writes the regions above, the nearest first: each one's shape is made of those below it.
    pub(super) async fn write_above(&mut self, connection: &mut PgConnection) -> Result<(), ImportFailed> {
        let (mut created, mut changed) = (0, 0);
        let now = self.clock.now();
        let above = std::mem::take(&mut self.above);
        for (column, regions) in self.columns.iter().zip(&above) {
            let mut ours: BTreeMap<Uuid, Option<(&str, &Above)>> = regions
                .iter()
                .filter(|(_, region)| region.is_ours)
                .map(|(code, region)| (region.id, Some((code.as_str(), region))))
                .collect();
            // Some lost all their rows to others, and their shape with them.
            let prefix = column.key("");
            for id in &self.touched {
                let is_kept = self
                    .registered
                    .get(id)
                    .and_then(|held| held.key.as_ref())
                    .is_some_and(|key| key.starts_with(&prefix));
                if is_kept && !self.ended.contains(id) {
                    ours.entry(*id).or_default();
                }
            }
            created += ours.values().flatten().filter(|(_, region)| !region.is_held).count() as u64;
            if self.order.dry_run {
                continue;
            }
            let ids: Vec<Uuid> = ours.keys().copied().collect();
            let held = held_versions(connection, &ids).await?;
            let touched: Vec<Uuid> = ids.iter().copied().filter(|id| self.touched.contains(id)).collect();
            let mut shapes: HashMap<Uuid, Option<Vec<u8>>> = sqlx::query!(
                r#"select parent_id as "parent_id!", st_asewkb(st_multi(st_union(geometry order by code, object_id))) as shape
                     from region_version
                    where parent_id = any($1) and valid @> $2::date and upper_inf(recorded) and geometry is not null
                    group by parent_id"#,
                &touched,
                self.valid_from,
            )
            .fetch_all(&mut *connection)
            .await?
            .into_iter()
            .map(|region| (region.parent_id, region.shape))
            .collect();
            for (id, named) in ours {
                let versions = held.get(&id).map_or(&[][..], Vec::as_slice);
                let before = versions.iter().find(|version| version.valid.contains(self.valid_from));
                let mut content = before.map(|before| before.content.clone()).unwrap_or_default();
                if let Some((code, region)) = named {
                    content = RegionContent {
                        scheme: self.scheme.to_owned(),
                        code: code.to_owned(),
                        name: region.name.clone(),
                        level: column.level.to_owned(),
                        parent_id: region.parent.map(RegionId),
                        dataset: Some(self.order.dataset.clone()),
                        source_key: Some(column.key(code)),
                        ..content
                    };
                }
                if self.touched.contains(&id) {
                    content.geometry = shapes.remove(&id).flatten();
                }
                let differs = before.map(|before| changed_fields(&before.content, &content));
                if differs.as_ref().is_some_and(Vec::is_empty) {
                    continue;
                }
                changed += u64::from(!versions.is_empty());
                self.touched.extend(content.parent_id.map(|parent| parent.0));
                self.touched.extend(
                    before
                        .and_then(|before| before.content.parent_id)
                        .map(|parent| parent.0),
                );
                let action = if versions.is_empty() {
                    Action::Create
                } else {
                    Action::Change
                };
                let revision = revise(versions, reach(versions, self.valid_from), Some(content), now);
                self.writer.revise(
                    id,
                    action,
                    &revision,
                    before.map(|before| &before.content),
                    &self.occasion,
                )?;
            }
            self.writer.flush(connection).await?;
        }
        self.above = above;
        self.tally.note_warnings(
            "regions_above_created",
            created,
            "按各行的上级列新建的上级区划",
            "regions above, registered from the rows' columns",
        );
        self.tally.note_warnings(
            "regions_above_changed",
            changed,
            "名称、隶属或图形随各行变化的上级区划",
            "regions above whose name, place or shape changed with the rows",
        );
        self.tally.note_warnings(
            "regions_above_differ",
            self.differing,
            "各行对同一上级区划的说法不一，以第一行为准",
            "regions above of which the rows say different things; the first row counts",
        );
        Ok(())
    }
}
