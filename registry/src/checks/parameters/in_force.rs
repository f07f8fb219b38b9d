//! Which values hold where on a day.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::super::rule::{Catalogue, GAP_LEAST, Rule};
use crate::request::Fault;

/// What regions have of their own on a day, over the defaults.
#[derive(Debug, Default)]
pub(in crate::checks) struct ValuesInForce {
    /// Where, by what its codes begin with, and what.
    own: BTreeMap<String, BTreeMap<String, f64>>,
    /// Where the space standard has figures of its own.
    standards: Vec<String>,
}

/// One set of values, and where it holds: in the region whose codes begin with `region_code`, but where another set has
/// more of an object's code.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::checks) struct Profile {
    /// Empty: everywhere.
    pub region_code: String,
    values: BTreeMap<String, f64>,
}

impl ValuesInForce {
    /// What holds on a day, as far as it is something to the rule.
    pub(in crate::checks) async fn on(connection: &mut PgConnection, rule: &Rule, day: Date) -> Result<Self, Fault> {
        let mut own: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
        let rows = sqlx::query!(
            "select region_code, name, value
               from rule_parameter_version
              where upper_inf(recorded) and valid @> $1::date and name = any($2)",
            day,
            &rule.parameters
        )
        .fetch_all(&mut *connection)
        .await?;
        for row in rows {
            own.entry(row.region_code).or_default().insert(row.name, row.value);
        }
        // Figures of places that are none of this registry's cost a run of their own, for nothing.
        let standards = if rule.reads_space_standard() {
            let codes: Vec<String> = crate::space::settings()?.codes().map(ToOwned::to_owned).collect();
            sqlx::query_scalar!(
                r#"select code as "code!" from unnest($1::text[]) code
                    where exists (select from region_version v where starts_with(v.code, code) and upper_inf(v.recorded))"#,
                &codes
            )
            .fetch_all(connection)
            .await?
        } else {
            Vec::new()
        };
        Ok(Self { own, standards })
    }

    /// The value of a parameter in a region: of the nearest above it that has one, or the default.
    fn value(&self, catalogue: &Catalogue, name: &str, region_code: &str) -> Option<f64> {
        self.own
            .iter()
            .filter(|(prefix, own)| region_code.starts_with(prefix.as_str()) && own.contains_key(name))
            .max_by_key(|(prefix, _)| prefix.len())
            .and_then(|(_, own)| own.get(name).copied())
            .or_else(|| catalogue.parameters.get(name).map(|held| held.value))
    }

    /// The sets of values that the rule is to be run with: one where no region has any of its own. The first holds
    /// everywhere else.
    pub(in crate::checks) fn profiles(&self, catalogue: &Catalogue) -> Vec<Profile> {
        let own = self.own.keys().map(String::as_str);
        let standards = self.standards.iter().map(String::as_str);
        let mut places: Vec<&str> = own.chain(standards).chain([""]).collect();
        places.sort_unstable();
        places.dedup();
        places
            .into_iter()
            .map(|place| Profile {
                region_code: place.to_owned(),
                values: catalogue
                    .parameters
                    .keys()
                    .filter_map(|name| Some((name.clone(), self.value(catalogue, name, place)?)))
                    .collect(),
            })
            .collect()
    }
}

impl Profile {
    /// The value of a parameter.
    pub(in crate::checks) fn value(&self, name: &str) -> f64 {
        self.values.get(name).copied().unwrap_or_default()
    }

    /// How long a gap is at least.
    pub(in crate::checks) fn least_gap(&self) -> f64 {
        self.value(GAP_LEAST)
    }

    /// The values as a query takes them, the tables of the space standard among them.
    pub(in crate::checks) fn for_queries(&self) -> Result<Value, Fault> {
        let standard = crate::space::settings()?.of_region(Some(&self.region_code));
        let standard = serde_json::to_value(standard.for_queries()).map_err(|error| Fault::Impossible {
            what: format!("the space standard can't be told to a query: {error}"),
        })?;
        Ok(self
            .values
            .iter()
            .map(|(name, value)| (name.clone(), Value::from(*value)))
            .chain([("space_standard".to_owned(), standard)])
            .collect::<serde_json::Map<_, _>>()
            .into())
    }
}

/// For each object, which of the sets holds for it, by its place among them.
pub(in crate::checks) async fn held_for(
    connection: &mut PgConnection,
    profiles: &[Profile],
    objects: &[Uuid],
    day: Date,
) -> Result<BTreeMap<Uuid, usize>, Fault> {
    let rows = sqlx::query!(
        r#"select asked.id as "id!", coalesce(placed.region_code, around.region_code, unit.region_code) as region_code
             from unnest($1::uuid[]) asked (id)
             left join spatial_unit_version placed
                    on placed.object_id = asked.id and upper_inf(placed.recorded) and placed.valid @> $2::date
             left join room_version room
                    on room.object_id = asked.id and upper_inf(room.recorded) and room.valid @> $2::date
             left join spatial_unit_version around
                    on around.object_id = room.building_id and upper_inf(around.recorded) and around.valid @> $2::date
             left join unit_version unit
                    on unit.object_id = asked.id and upper_inf(unit.recorded) and unit.valid @> $2::date"#,
        objects,
        day
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, nearest(profiles, &row.region_code.unwrap_or_default())))
        .collect())
}

fn nearest(profiles: &[Profile], region_code: &str) -> usize {
    profiles
        .iter()
        .enumerate()
        .filter(|(_, profile)| region_code.starts_with(&profile.region_code))
        .max_by_key(|(_, profile)| profile.region_code.len())
        .map_or(0, |(at, _)| at)
}
