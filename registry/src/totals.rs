//! `GET /api/v1/totals`: how much there is, by layer and status, on a day. The numbers equal the map's and the lists',
//! but that buildings count here with their floors and there with their outlines.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::FromRef;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;
use crate::request::{Context, Problem, Times};
use crate::spatial_units::Kind;

/// A number of assets and their area together.
#[derive(Debug, Clone, Copy, Default, Serialize, utoipa::ToSchema)]
pub struct Total {
    /// How many.
    pub count: i64,
    /// m²: of parcels and sites that of their shapes, of buildings that of their floors (see `floor_area`).
    pub area_m2: f64,
}

impl Total {
    fn add(&mut self, count: i64, area_m2: f64) {
        self.count += count;
        // Registered areas have four decimals; adding doubles must not leave a hair on the sum of a whole city.
        self.area_m2 = ((self.area_m2 + area_m2) * 1e4).round() / 1e4;
    }
}

/// The totals of one layer. The key `none` stands for assets of which it is not known.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub struct LayerTotals {
    /// All of them.
    #[serde(flatten)]
    pub all: Total,
    /// By 权属登记情况.
    pub title_status: BTreeMap<String, Total>,
    /// By 用途.
    pub usage: BTreeMap<String, Total>,
    /// By 使用状态.
    pub occupancy: BTreeMap<String, Total>,
}

/// How much there is.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub struct Totals {
    /// 宗地
    pub parcels: LayerTotals,
    /// 楼栋
    pub buildings: LayerTotals,
    /// 院落
    pub sites: LayerTotals,
    /// 单位
    pub units: Number,
    /// 房间
    pub rooms: Number,
    /// 建筑面积
    pub floor_area: FloorArea,
}

/// How many there are.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub struct Number {
    /// How many.
    pub count: i64,
}

/// The floor area of all buildings: the registered area (建筑面积) of each; where a building has none, the area of its
/// outline stands in, which is one storey of it. The two are never mixed unsaid: both numbers of buildings are given.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub struct FloorArea {
    /// m²; summed exactly, as decimals.
    pub area_m2: f64,
    /// Buildings that count with their registered area.
    pub registered: i64,
    /// Buildings that have none and count with the area of their outline.
    pub outlines: i64,
}

/// How much there is, by layer and status.
#[utoipa::path(get, path = "/api/v1/totals", operation_id = "get_totals", tag = "assets",
    params(("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Totals), (status = 400, body = Problem)))]
async fn get_totals(context: Context, times: Times) -> Result<Json<Totals>, Problem> {
    let mut totals = Totals::default();
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = sqlx::query!(
        r#"select kind, coalesce(title_status, 'none') as "title_status!", coalesce(usage, 'none') as "usage!",
                  coalesce(occupancy, 'none') as "occupancy!", count(*) as "count!",
                  coalesce(sum(case kind when 'building' then coalesce(registered_area_m2, area_m2::numeric)
                                         else area_m2::numeric end), 0)::double precision as "area_m2!"
             from spatial_unit_version
            where valid @> $1::date and recorded @> $2::timestamptz
            group by kind, title_status, usage, occupancy"#,
        times.as_of,
        times.known_at,
    )
    .fetch_all(&mut *snapshot)
    .await?;
    for row in rows {
        let layer = match Kind::from_word(&row.kind) {
            Some(Kind::Parcel) => &mut totals.parcels,
            Some(Kind::Building) => &mut totals.buildings,
            _ => &mut totals.sites,
        };
        layer.all.add(row.count, row.area_m2);
        layer
            .title_status
            .entry(row.title_status)
            .or_default()
            .add(row.count, row.area_m2);
        layer.usage.entry(row.usage).or_default().add(row.count, row.area_m2);
        layer
            .occupancy
            .entry(row.occupancy)
            .or_default()
            .add(row.count, row.area_m2);
    }
    totals.units.count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from unit_version where valid @> $1::date and recorded @> $2::timestamptz"#,
        times.as_of,
        times.known_at,
    )
    .fetch_one(&mut *snapshot)
    .await?;
    totals.rooms.count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from room_version where valid @> $1::date and recorded @> $2::timestamptz"#,
        times.as_of,
        times.known_at,
    )
    .fetch_one(&mut *snapshot)
    .await?;
    let floor_area = sqlx::query!(
        r#"select coalesce(sum(coalesce(registered_area_m2, area_m2::numeric)), 0)::double precision as "area_m2!",
                  count(registered_area_m2) as "registered!",
                  count(*) filter (where registered_area_m2 is null and area_m2 is not null) as "outlines!"
             from spatial_unit_version
            where kind = 'building' and valid @> $1::date and recorded @> $2::timestamptz"#,
        times.as_of,
        times.known_at,
    )
    .fetch_one(&mut *snapshot)
    .await?;
    totals.floor_area = FloorArea {
        area_m2: floor_area.area_m2,
        registered: floor_area.registered,
        outlines: floor_area.outlines,
    };
    Ok(Json(totals))
}

/// The route of the totals.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(get_totals))
}
