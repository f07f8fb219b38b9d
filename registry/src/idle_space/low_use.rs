//! Buildings in low use (低效利用) beside the idle ones: nothing of them stands empty, but their people would fill less than
//! the region's share of them. What could be gained by moving together is their spare area; no rooms can be named for it.
//!
//! It depends on headcounts, on where else units sit and on the region's parameter, so it is read from the database.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::question::{Order, Question};
use super::space::Space;
use crate::request::{Context, Fault, Problem, Times};
use crate::utilisation::{Utilisation, low_use_buildings};

/// A building in low use.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct FoundLowUse {
    /// The building.
    pub id: Uuid,
    /// Its code.
    pub code: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// 坐落
    pub address: Option<String>,
    /// Where it lies.
    pub region_code: Option<String>,
    /// 用途
    pub usage: Option<String>,
    /// 权属登记情况
    pub title_status: Option<String>,
    /// 使用状态 of the building.
    pub occupancy: Option<String>,
    /// Basic office space in use, m² of use area.
    pub use_area_m2: f64,
    /// What of it is due to who sits there, m².
    pub filled_m2: f64,
    /// What is to spare, m².
    pub spare_m2: f64,
    /// Filled of all, at most, 0 to 1.
    pub share: f64,
    /// The region's share below which use is low.
    pub low_use_share: f64,
    /// How many more people the spare area would hold.
    pub capacity: u32,
    /// m from the middle of the circle, on the ellipsoid.
    pub distance_m: Option<f64>,
    /// A point on it.
    pub lon: Option<f64>,
    /// A point on it.
    pub lat: Option<f64>,
}

/// What was found in low use.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct LowUse {
    /// The buildings, the most to spare first (or the nearest, where that was asked for).
    pub items: Vec<FoundLowUse>,
    /// All of them.
    pub buildings: usize,
    /// What they have to spare, m² of use area.
    pub spare_m2: f64,
    /// More people that this would hold.
    pub capacity: u64,
}

/// The buildings in low use that answer a question; nothing where it isn't asked for.
pub(super) async fn low_use(context: &Context, times: Times, question: &Question) -> Result<Option<LowUse>, Problem> {
    if !question.also_low_use {
        return Ok(None);
    }
    let mut transaction = context.database.begin_snapshot().await?;
    let found = low_use_buildings(&mut transaction, question.region.as_deref(), times).await?;
    let ids: Vec<Uuid> = found.iter().map(|(id, _)| *id).collect();
    let mut spaces = described(&mut transaction, &ids, times).await?;
    transaction.commit().await?;
    let mut items: Vec<FoundLowUse> = found
        .iter()
        .filter_map(|(id, found)| answer(question, &spaces.remove(id)?, found))
        .collect();
    items.sort_by(|one, other| {
        let nearest = |space: &FoundLowUse| space.distance_m.unwrap_or(f64::MAX);
        let order = match question.order {
            Order::Distance => nearest(one).total_cmp(&nearest(other)),
            _ => other.spare_m2.total_cmp(&one.spare_m2),
        };
        order.then_with(|| one.id.cmp(&other.id))
    });
    let spare: f64 = items.iter().fold(0.0, |sum, space| sum + space.spare_m2);
    Ok(Some(LowUse {
        buildings: items.len(),
        spare_m2: (spare * 100.0).round() / 100.0,
        capacity: items.iter().map(|space| u64::from(space.capacity)).sum(),
        items,
    }))
}

/// Where it lies and what it is; what was asked of idleness or of single rooms is answered by no building in low use.
fn answer(question: &Question, space: &Space, found: &Utilisation) -> Option<FoundLowUse> {
    let weighing = found.weighing.as_ref()?;
    let asks_for_idleness = question.until.is_some()
        || question.causes.is_some()
        || question.whole == Some(true)
        || question.contiguous_m2 > 0.0
        || question.floors != (i16::MIN, i16::MAX);
    if asks_for_idleness {
        return None;
    }
    let distance_m = question.is_of(space)?;
    let capacity = question.capacity(weighing.spare_m2);
    if capacity < question.people || weighing.spare_m2 < question.area_m2 {
        return None;
    }
    Some(FoundLowUse {
        id: space.id,
        code: space.code.clone(),
        name: space.name.clone(),
        address: space.address.clone(),
        region_code: space.region_code.clone(),
        usage: space.usage.clone(),
        title_status: space.title_status.clone(),
        occupancy: space.occupancy.clone(),
        use_area_m2: weighing.area_m2,
        filled_m2: weighing.filled_m2,
        spare_m2: weighing.spare_m2,
        share: weighing.share_at_most,
        low_use_share: weighing.low_use_share,
        capacity,
        distance_m,
        lon: space.point.map(|(longitude, _)| longitude),
        lat: space.point.map(|(_, latitude)| latitude),
    })
}

async fn described(connection: &mut PgConnection, ids: &[Uuid], times: Times) -> Result<HashMap<Uuid, Space>, Fault> {
    let rows = sqlx::query!(
        r#"select v.object_id, v.code, v.name, v.address, v.region_code, v.usage, v.title_status, v.occupancy,
                  st_x(p.point) as longitude, st_y(p.point) as latitude
             from spatial_unit_version v
             left join lateral (select st_pointonsurface(v.geometry) as point) p on true
            where v.object_id = any($1) and v.valid @> $2::date and v.recorded @> $3::timestamptz"#,
        ids,
        times.as_of,
        times.known_at,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let space = Space {
                id: row.object_id,
                code: row.code,
                name: row.name,
                address: row.address,
                region_code: row.region_code,
                usage: row.usage,
                title_status: row.title_status,
                occupancy: row.occupancy,
                idle_since: None,
                registered_area_m2: None,
                point: row.longitude.zip(row.latitude),
                rooms: 0,
                floors: BTreeMap::new(),
                causes: Vec::new(),
            };
            (space.id, space)
        })
        .collect())
}
