//! Running rules: everything at once, or what a change may have touched.

use std::collections::HashMap;
use std::time::Instant;

use futures_util::TryStreamExt;
use geozero::wkb::{FromWkb, WkbDialect};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{PgConnection, Row};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::parameters::{Profile, ValuesInForce, held_for};
use super::rule::{Catalogue, Rule};
use crate::database::Database;
use crate::ids::FindingId;
use crate::ledger::{TrustedKeys, Unproven, Witness, verify_log};
use crate::request::Fault;

/// What is looked at.
#[derive(Debug, Clone)]
pub(super) enum Scope {
    /// Everything.
    All,
    /// These objects.
    Objects(Vec<Uuid>),
}

/// What a rule found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RuleOutcome {
    /// How many findings there are now among what was looked at, exceptions included.
    pub found: u64,
    /// How many of them were not there before.
    pub new: u64,
    /// How many were there before and are put right.
    pub resolved: u64,
    /// How long it took.
    pub seconds: f64,
}

pub(super) struct Found {
    pub(super) object_id: Uuid,
    other_id: Option<Uuid>,
    at_id: Option<Uuid>,
    evidence: Value,
}

/// Runs one rule in a transaction of its own and brings the findings up to date.
pub(super) async fn run_rule(
    database: &Database,
    catalogue: &Catalogue,
    rule: &Rule,
    (day, now): (Date, OffsetDateTime),
    scope: &Scope,
) -> Result<RuleOutcome, Fault> {
    let begun = Instant::now();
    let mut transaction = database.begin().await?;
    // One at a time, so that what an older state gave never comes after what a newer one gave.
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 23))", rule.id)
        .execute(&mut *transaction)
        .await?;
    // The plan for everything and the plan for a few objects have nothing in common.
    sqlx::query!("set local plan_cache_mode = force_custom_plan")
        .execute(&mut *transaction)
        .await?;
    sqlx::query!("set local jit = off").execute(&mut *transaction).await?;
    let objects = match scope {
        Scope::All => None,
        Scope::Objects(objects) => Some(around(&mut transaction, rule, objects).await?),
    };
    let found = if rule.proof {
        not_as_sealed(database).await?
    } else {
        let profiles = ValuesInForce::on(&mut transaction, rule, day)
            .await?
            .profiles(catalogue);
        by_places(&mut transaction, &profiles, rule, day, objects.as_deref()).await?
    };
    let (new, resolved) = keep(&mut transaction, rule, (day, now), objects.as_deref(), &found).await?;
    transaction.commit().await?;
    Ok(RuleOutcome {
        found: found.len() as u64,
        new,
        resolved,
        seconds: begun.elapsed().as_secs_f64(),
    })
}

/// The changed objects and what hangs on them: the assets of rights, titles and cases, the units that ask, the buildings, units and offices of rooms, the rooms of occupants, what they are connected
/// with, and, where the rule asks for neighbours, what lies where they lie or lay.
async fn around(connection: &mut PgConnection, rule: &Rule, objects: &[Uuid]) -> Result<Vec<Uuid>, Fault> {
    let around = sqlx::query_scalar!(
        r#"with near as (
           select unnest($1::uuid[]) as id
           union
           select asset_id from listed_right_version where object_id = any($1)
           union
           select building_id from room_version where object_id = any($1)
           union
           select unit_id from room_version where object_id = any($1) and unit_id is not null
           union
           select part_of_id from room_version where object_id = any($1) and part_of_id is not null
           union
           select room_id from occupant_version where object_id = any($1)
           union
           -- Who sits in a room is their unit's, or the room's.
           select coalesce(o.unit_id, r.unit_id)
             from occupant_version o join room_version r on r.object_id = o.room_id
            where o.object_id = any($1) and coalesce(o.unit_id, r.unit_id) is not null
           union
           select unit_id from use_filing_version where object_id = any($1)
           union
           select unnest(parcel_ids || building_ids) from title_version where object_id = any($1)
           union
           select unnest(t.parcel_ids || t.building_ids)
             from encumbrance_version e join title_version t on t.object_id = e.title_id
            where e.object_id = any($1)
           union
           select asset_id from title_case_version where object_id = any($1)
           union
           select unnest(building_ids || room_ids) from use_agreement_version where object_id = any($1)
           union
           select asset_id from policy_case_version where object_id = any($1) and asset_id is not null
           union
           select unit_id from policy_case_version where object_id = any($1) and unit_id is not null
           union
           -- Rent is known by its lease.
           select coalesce(asset_id, unit_id) from lease_version where object_id = any($1)
           union
           select l.asset_id
             from rent_relief_version r join lease_version l on l.object_id = r.lease_id
            where r.object_id = any($1)
           union
           -- What is found of a line is shown at its asset, or next to what was extra; a stocktaking is its units'.
           select coalesce(building_id, asset_id, near_id) from stocktaking_line where id = any($1)
           union
           select unit_id from stocktaking_line where stocktaking_id = any($1) and unit_id is not null
           union
           select lower_id from spatial_unit_relation where upper_id = any($1)
           union
           select upper_id from spatial_unit_relation where lower_id = any($1)
           union
           select near.object_id
             from spatial_unit_version asked
             join spatial_unit_version near on box(near.geometry) && box(asked.geometry)
            where $2 and asked.object_id = any($1))
           select id as "id!" from near
           union
           -- What is said of land reaches the buildings on it.
           select r.lower_id from spatial_unit_relation r join near on near.id = r.upper_id"#,
        objects,
        rule.neighbours,
    )
    .fetch_all(connection)
    .await?;
    Ok(around)
}

/// What the rule finds with the values that hold for each object.
async fn by_places(
    connection: &mut PgConnection,
    profiles: &[Profile],
    rule: &Rule,
    day: Date,
    objects: Option<&[Uuid]>,
) -> Result<Vec<Found>, Fault> {
    let mut found = Vec::new();
    for (at, profile) in profiles.iter().enumerate() {
        let question = match (&rule.overlap, &rule.gap) {
            (Some(parameter), _) => Some(Neighbourly::Overlap {
                least_m2: profile.value(parameter),
            }),
            (_, Some(parameter)) => Some(Neighbourly::Gap {
                narrower_m: profile.value(parameter),
                least_m: profile.least_gap(),
            }),
            (None, None) => None,
        };
        let mut with_these = match question {
            None => ask(connection, profile, rule, day, objects).await?,
            Some(question) => among_neighbours(connection, profile, rule, day, objects, question).await?,
        };
        if profiles.len() > 1 {
            let asked: Vec<Uuid> = with_these.iter().map(|one| one.object_id).collect();
            let held = held_for(connection, profiles, &asked, day).await?;
            with_these.retain(|one| held.get(&one.object_id) == Some(&at));
        }
        found.extend(with_these);
    }
    Ok(found)
}

/// What the query of a rule finds with one set of values.
pub(super) async fn ask(
    connection: &mut PgConnection,
    profile: &Profile,
    rule: &Rule,
    day: Date,
    objects: Option<&[Uuid]>,
) -> Result<Vec<Found>, Fault> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(rule.statement.as_str()))
        .bind(day)
        .bind(objects)
        .bind(profile.for_queries()?)
        .fetch_all(connection)
        .await?;
    let mut found: HashMap<(Uuid, Option<Uuid>), Found> = HashMap::with_capacity(rows.len());
    for row in rows {
        let one = Found {
            object_id: row.try_get("object_id")?,
            other_id: row.try_get("other_id")?,
            at_id: row.try_get("at_id")?,
            evidence: row.try_get("evidence")?,
        };
        // A pair that is asked about from both its ends is found twice.
        found.entry((one.object_id, one.other_id)).or_insert(one);
    }
    Ok(found.into_values().collect())
}

/// The first entry of the ledger that is not as it was sealed, by the keys that the database lists: `yice ledger verify`
/// proves more, with the key of this machine and every version row.
async fn not_as_sealed(database: &Database) -> Result<Vec<Found>, Fault> {
    let keys = {
        let mut connection = database.pool().acquire().await?;
        TrustedKeys::recorded(&mut connection).await?
    };
    let bad = match verify_log(database.pool(), &Witness::from(keys)).await {
        Ok(_) => return Ok(Vec::new()),
        Err(Unproven::Database { source }) => return Err(source.into()),
        Err(Unproven::Bad(bad)) => bad,
    };
    tracing::error!(%bad, "the ledger is not as it was sealed");
    Ok(vec![Found {
        object_id: bad.entry_id.unwrap_or_default(),
        other_id: None,
        at_id: None,
        evidence: serde_json::json!({"entry": bad.seq, "wrong": bad.wrong.to_string()}),
    }])
}

/// What is asked of neighbours.
#[derive(Debug, Clone, Copy)]
enum Neighbourly {
    Overlap { least_m2: f64 },
    Gap { narrower_m: f64, least_m: f64 },
}

impl Neighbourly {
    /// The pairs, with what was found of them.
    fn answer(
        self,
        shapes: &[geo_types::Geometry<f64>],
        may_meet: impl Fn(usize, usize) -> bool + Sync,
    ) -> Vec<(usize, usize, Value)> {
        let hundredths = |value: f64| (value * 100.0).round() / 100.0;
        match self {
            Self::Overlap { least_m2 } => gis_data::overlap::overlaps(shapes, least_m2, may_meet)
                .into_iter()
                .map(|found| {
                    let evidence = serde_json::json!({"overlap_m2": hundredths(found.area_m2)});
                    (found.one, found.other, evidence)
                })
                .collect(),
            Self::Gap { narrower_m, least_m } => gis_data::gap::gaps(shapes, narrower_m, least_m, may_meet)
                .into_iter()
                .map(|found| {
                    let evidence = serde_json::json!({
                        "width_m": hundredths(found.width_m), "length_m": (found.length_m * 10.0).round() / 10.0,
                    });
                    (found.one, found.other, evidence)
                })
                .collect(),
        }
    }
}

async fn among_neighbours(
    connection: &mut PgConnection,
    profile: &Profile,
    rule: &Rule,
    day: Date,
    objects: Option<&[Uuid]>,
    question: Neighbourly,
) -> Result<Vec<Found>, Fault> {
    struct Participant {
        id: Uuid,
        worlds: String,
        is_asked: bool,
    }
    let (mut participants, mut shapes) = (Vec::new(), Vec::new());
    let mut rows = sqlx::query(sqlx::AssertSqlSafe(rule.statement.as_str()))
        .bind(day)
        .bind(objects)
        .bind(profile.for_queries()?)
        .fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let mut shape: &[u8] = row.try_get("shape")?;
        let shape = geo_types::Geometry::from_wkb(&mut shape, WkbDialect::Wkb).map_err(|error| Fault::Impossible {
            what: format!("a stored shape can't be read: {error}"),
        })?;
        shapes.push(shape);
        participants.push(Participant {
            id: row.try_get("object_id")?,
            worlds: row.try_get("worlds")?,
            is_asked: row.try_get("is_asked")?,
        });
    }
    drop(rows);
    let work = move || {
        let may_meet = |one: usize, other: usize| match (participants.get(one), participants.get(other)) {
            (Some(one), Some(other)) => {
                (one.is_asked || other.is_asked)
                    && one.id != other.id
                    && one.worlds.chars().any(|world| other.worlds.contains(world))
            }
            _ => false,
        };
        question
            .answer(&shapes, may_meet)
            .into_iter()
            .filter_map(|(one, other, evidence)| {
                let (one, other) = (participants.get(one)?.id, participants.get(other)?.id);
                let (one, other) = (one.min(other), one.max(other));
                Some(Found {
                    object_id: one,
                    other_id: Some(other),
                    at_id: Some(one),
                    evidence,
                })
            })
            .collect()
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Fault::Impossible {
            what: format!("the search among neighbours ended unexpectedly: {error}"),
        })
}

/// Writes what is new or different and marks what is no longer found as put right.
async fn keep(
    connection: &mut PgConnection,
    rule: &Rule,
    (day, now): (Date, OffsetDateTime),
    objects: Option<&[Uuid]>,
    found: &[Found],
) -> Result<(u64, u64), Fault> {
    let kind = serde_json::to_value(rule.subject).map_err(|error| Fault::Impossible {
        what: error.to_string(),
    })?;
    let ids: Vec<Uuid> = found.iter().map(|_| FindingId::fresh().0).collect();
    let subjects: Vec<Uuid> = found.iter().map(|one| one.object_id).collect();
    let others: Vec<Option<Uuid>> = found.iter().map(|one| one.other_id).collect();
    let places: Vec<Option<Uuid>> = found.iter().map(|one| one.at_id).collect();
    let evidence: Vec<Value> = found.iter().map(|one| one.evidence.clone()).collect();
    // What was put right and is found again begins anew; an exception ends with its last day.
    let written = sqlx::query_scalar!(
        r#"insert into finding (id, rule, object_kind, object_id, other_id, at_id, evidence, state, first_seen)
           select f.id, $1,
                  case when $2 = 'spatial_unit' then coalesce(u.kind, renting.kind, $2) else $2 end, f.object_id, f.other_id,
                  f.at_id, f.evidence, 'new', $3
             from unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::jsonb[])
                  as f (id, object_id, other_id, at_id, evidence)
             left join spatial_unit u on $2 = 'spatial_unit' and u.id = f.object_id
             -- What is rented may stand in no register: it is found at its unit.
             left join lateral (select 'unit' as kind from unit where id = f.object_id) renting on $2 = 'spatial_unit'
           on conflict on constraint finding_once do update
              set evidence = excluded.evidence, at_id = excluded.at_id, revision = finding.revision + 1,
                  first_seen = case when finding.state = 'resolved' then excluded.first_seen else finding.first_seen end,
                  state = case when finding.state = 'resolved' then 'new'
                               when finding.state = 'excepted' and finding.exception_until < $9 then 'new'
                               else finding.state end,
                  resolved_at = null
            where finding.evidence <> excluded.evidence or finding.at_id is distinct from excluded.at_id
               or finding.state = 'resolved' or (finding.state = 'excepted' and finding.exception_until < $9)
           returning first_seen = $3 as "is_new!""#,
        rule.id,
        kind.as_str(),
        now,
        &ids,
        &subjects,
        &others as &[Option<Uuid>],
        &places as &[Option<Uuid>],
        &evidence,
        day,
    )
    .fetch_all(&mut *connection)
    .await?;
    let resolved = sqlx::query!(
        "update finding f
            set state = 'resolved', resolved_at = $2, revision = revision + 1
          where f.rule = $1 and f.state <> 'resolved'
            and ($5::uuid[] is null or f.object_id = any($5) or f.other_id = any($5))
            and (f.object_id, coalesce(f.other_id, f.object_id)) not in (
                select object_id, coalesce(other_id, object_id)
                  from unnest($3::uuid[], $4::uuid[]) as t (object_id, other_id))",
        rule.id,
        now,
        &subjects,
        &others as &[Option<Uuid>],
        objects,
    )
    .execute(connection)
    .await?
    .rows_affected();
    let new = written.iter().filter(|is_new| **is_new).count() as u64;
    Ok((new, resolved))
}
