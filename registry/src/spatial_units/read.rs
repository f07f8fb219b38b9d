//! `GET /api/v1/{layer}/{id}`: one asset as it was, and everything that was ever said of it.

use axum::Json;
use axum::extract::{OriginalUri, Path};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::Kind;
use super::queries::select_versions;
use crate::ids::{SpatialUnitId, VersionId};
use crate::period::{day, recorded_ends, valid_period};
use crate::request::{Context, Page, Problem, Times, etag, note_restricted_read};

/// The region an asset lies in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RegionOf {
    /// 行政区划代码
    pub code: String,
    /// Its name on that day.
    pub name: Option<String>,
    /// Its English name.
    pub name_en: Option<String>,
}

/// The unit that uses an asset.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UnitOf {
    /// Its id.
    pub id: Uuid,
    /// Its code.
    pub code: Option<String>,
    /// Its name on that day.
    pub name: Option<String>,
}

/// The 3-degree Gauss–Kruger zone in which an area was computed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct GaussKrugerZone {
    /// Degrees east.
    pub central_meridian: i32,
    /// CGCS2000 without zone prefix, where EPSG has a code for the zone (75°E to 135°E).
    pub epsg: Option<u32>,
}

/// Where an asset came from.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SourceOf {
    /// The data set.
    pub dataset: String,
    /// The key in it.
    pub key: String,
    /// The row of the file this version was read from.
    pub row: Option<i64>,
    /// The import that read it.
    pub import_id: Option<Uuid>,
    /// What the file said, word for word.
    #[schema(value_type = Option<Object>)]
    pub attributes: Option<Box<RawValue>>,
}

/// A shape that was mended when it was read.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Repaired {
    /// What was wrong.
    pub reason: String,
    /// m²
    pub area_before_m2: f64,
    /// m²
    pub area_after_m2: f64,
    /// The shape as it came, GeoJSON.
    #[schema(value_type = Option<Object>)]
    pub original: Option<Box<RawValue>>,
}

/// An asset that is connected with this one.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Related {
    /// Its id.
    pub id: Uuid,
    /// Its code.
    pub code: Option<String>,
    /// Its name.
    pub name: Option<String>,
}

/// A parcel, building or site at a date.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SpatialUnit {
    /// Its id, for ever.
    pub id: Uuid,
    /// The number tiles carry.
    pub feature_id: i64,
    /// `parcels`, `buildings` or `sites`.
    pub layer: String,
    /// Parcel code (宗地代码), building or site code.
    pub code: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// 坐落
    pub address: Option<String>,
    /// Where it lies.
    pub region: Option<RegionOf>,
    /// Who sits in it.
    pub unit: Option<UnitOf>,
    /// 权属登记情况
    pub title_status: Option<String>,
    /// 用途
    pub usage: Option<String>,
    /// 使用状态
    pub occupancy: Option<String>,
    /// Whose it is (本级): `national`, `province`, `city`, `county`, `township`.
    pub admin_level: Option<String>,
    /// 密级: `public`, `internal`, `classified`.
    pub secrecy: Option<String>,
    /// 闲置起始
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub idle_since: Option<Date>,
    /// Plane area in its own 3-degree zone, m².
    pub area_m2: Option<f64>,
    /// Area by certificate or source, m².
    pub registered_area_m2: Option<f64>,
    /// The zone of `area_m2`.
    pub gk_zone: Option<GaussKrugerZone>,
    /// 不动产单元号
    pub unit_code: Option<String>,
    /// Edition of the land-use classes.
    pub land_use_scheme: Option<String>,
    /// 地类编码
    pub land_use_code: Option<String>,
    /// Storeys above ground.
    pub floors_above: Option<i16>,
    /// Storeys below ground.
    pub floors_below: Option<i16>,
    /// 房屋结构
    pub structure: Option<String>,
    /// 竣工年份
    pub completed_year: Option<i16>,
    /// The version that holds.
    pub version_id: Uuid,
    /// True in law from this day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub valid_from: Date,
    /// Until before this day; null while it goes on.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub valid_to: Option<Date>,
    /// Known from this instant.
    #[serde(with = "time::serde::rfc3339")]
    pub recorded_from: OffsetDateTime,
    /// Until this instant; null while it is what is known.
    #[serde(with = "time::serde::rfc3339::option")]
    pub recorded_to: Option<OffsetDateTime>,
    /// Where it came from; null where it was keyed in.
    pub source: Option<SourceOf>,
    /// What was mended in its shape.
    pub repaired: Option<Repaired>,
    /// GeoJSON, longitude and latitude (EPSG:4490).
    #[schema(value_type = Option<Object>)]
    pub geometry: Option<Box<RawValue>>,
    /// West, south, east, north.
    pub bbox: Option<[f64; 4]>,
    /// Sites it belongs to or, of a site, none.
    pub sites: Vec<Related>,
    /// Parcels it stands on or holds.
    pub parcels: Vec<Related>,
    /// Buildings on it.
    pub buildings: Vec<Related>,
}

/// One parcel, building or site.
///
/// As it was on `as_of`, as the registry knew it at `known_at`.
#[utoipa::path(get, path = "/api/v1/{layer}/{id}", operation_id = "get_spatial_unit", tag = "assets",
    params(("layer" = String, Path, description = "parcels, buildings or sites"), ("id" = Uuid, Path),
           ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = SpatialUnit, headers(("ETag" = String))), (status = 304), (status = 404, body = Problem)))]
pub(super) async fn get_spatial_unit(
    context: Context,
    times: Times,
    Path((layer, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let kind = Kind::of_path(&layer)?;
    let id = parse_id(&id)?;
    let unit = load(&context, kind, id, times)
        .await?
        .ok_or_else(|| Problem::not_found("this asset"))?;
    // The card names what it stands on and what stands on it.
    let beside = unit.sites.iter().chain(&unit.parcels).chain(&unit.buildings);
    let mut told: Vec<Uuid> = beside.map(|related| related.id).collect();
    told.extend((unit.secrecy.as_deref() == Some(RESTRICTED)).then_some(id.0));
    context.note_read_of(&told).await?;
    let tag = etag(VersionId(unit.version_id));
    let tag_value = HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
    let seen = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if seen.split(',').any(|seen| seen.trim().trim_start_matches("W/") == tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag_value)]).into_response());
    }
    Ok((
        [
            (header::ETAG, tag_value),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        ],
        Json(unit),
    )
        .into_response())
}

/// The secrecy of what may be read and is kept account of.
pub(crate) const RESTRICTED: &str = "internal";

pub(super) fn parse_id(text: &str) -> Result<SpatialUnitId, Problem> {
    Uuid::parse_str(text)
        .map(SpatialUnitId)
        .map_err(|_| Problem::not_found("this asset"))
}

/// Reads one asset at a date.
pub(super) async fn load(
    context: &Context,
    kind: Kind,
    id: SpatialUnitId,
    times: Times,
) -> Result<Option<SpatialUnit>, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let Some(row) = sqlx::query!(
        r#"select u.id, u.feature_id, u.dataset, u.source_key,
                  v.version_id, v.valid, v.recorded, v.code, v.name, v.address, v.region_code, v.unit_id,
                  v.title_status, v.usage, v.occupancy, v.admin_level, v.secrecy, v.idle_since, v.area_m2,
                  v.registered_area_m2::float8 as registered_area_m2, v.unit_code, v.land_use_scheme, v.land_use_code,
                  v.floors_above, v.floors_below, v.structure, v.completed_year,
                  v.source_attributes::text as source_attributes, v.source_row, v.import_id,
                  v.repair::text as repair,
                  st_asgeojson(v.geometry, 9, 0) as geometry, v.original_geometry as original,
                  st_xmin(v.geometry) as west, st_ymin(v.geometry) as south,
                  st_xmax(v.geometry) as east, st_ymax(v.geometry) as north,
                  r.name as "region_name?", r.name_en as "region_name_en?", w.code as "unit_code_of?", w.name as "unit_name?"
             from spatial_unit u
             join spatial_unit_version v on v.object_id = u.id
             left join lateral (
                  select name, name_en from region_version
                   where code = v.region_code and valid @> $3::date and recorded @> $4::timestamptz limit 1) r on true
             left join lateral (
                  select code, name from unit_version
                   where object_id = v.unit_id and valid @> $3::date and recorded @> $4::timestamptz limit 1) w on true
            where u.id = $1 and u.kind = $2 and v.valid @> $3::date and v.recorded @> $4::timestamptz"#,
        id.0,
        kind.word(),
        times.as_of,
        times.known_at,
    )
    .fetch_optional(&mut *snapshot)
    .await?
    else {
        return Ok(None);
    };
    let related = sqlx::query!(
        r#"select r.kind, r.upper_id = $1 as "below!", v.object_id, v.code, v.name
             from spatial_unit_relation r
             join spatial_unit_version v
               on v.object_id = case when r.upper_id = $1 then r.lower_id else r.upper_id end
              and v.valid @> $2::date and v.recorded @> $3::timestamptz
            where $1 in (r.upper_id, r.lower_id) and r.valid @> $2::date and r.recorded @> $3::timestamptz
            order by v.code, v.object_id"#,
        id.0,
        times.as_of,
        times.known_at,
    )
    .fetch_all(&mut *snapshot)
    .await?;
    let (mut sites, mut parcels, mut buildings) = (Vec::new(), Vec::new(), Vec::new());
    for other in related {
        let entry = Related {
            id: other.object_id,
            code: other.code,
            name: other.name,
        };
        match (other.kind.as_str(), other.below) {
            ("site_parcel", true) => parcels.push(entry),
            ("site_building" | "parcel_building", true) => buildings.push(entry),
            ("parcel_building", false) => parcels.push(entry),
            _ => sites.push(entry),
        }
    }
    let valid = valid_period(&row.valid);
    let (recorded_from, recorded_to) = recorded_ends(&row.recorded);
    let original = row.original.as_deref().and_then(crate::geometry::ewkb_as_geojson);
    let repaired = row
        .repair
        .and_then(|text| serde_json::from_str::<super::Repair>(&text).ok())
        .map(|repair| Repaired {
            reason: repair.reason,
            area_before_m2: repair.area_before_m2,
            area_after_m2: repair.area_after_m2,
            original,
        });
    let bbox = match (row.west, row.south, row.east, row.north) {
        (Some(west), Some(south), Some(east), Some(north)) => Some([west, south, east, north]),
        _ => None,
    };
    Ok(Some(SpatialUnit {
        id: row.id,
        feature_id: row.feature_id,
        layer: kind.layer().to_owned(),
        code: row.code,
        name: row.name,
        address: row.address,
        region: row.region_code.map(|code| RegionOf {
            code,
            name: row.region_name,
            name_en: row.region_name_en,
        }),
        unit: row.unit_id.map(|id| UnitOf {
            id,
            code: row.unit_code_of,
            name: row.unit_name,
        }),
        title_status: row.title_status,
        usage: row.usage,
        occupancy: row.occupancy,
        admin_level: row.admin_level,
        secrecy: row.secrecy,
        idle_since: row.idle_since,
        area_m2: row.area_m2,
        registered_area_m2: row.registered_area_m2,
        gk_zone: bbox.map(|[west, _, east, _]| zone_of((west + east) / 2.0)),
        unit_code: row.unit_code,
        land_use_scheme: row.land_use_scheme,
        land_use_code: row.land_use_code,
        floors_above: row.floors_above,
        floors_below: row.floors_below,
        structure: row.structure,
        completed_year: row.completed_year,
        version_id: row.version_id,
        valid_from: valid.from,
        valid_to: valid.to,
        recorded_from,
        recorded_to,
        source: match (row.dataset, row.source_key) {
            (Some(dataset), Some(key)) => Some(SourceOf {
                dataset,
                key,
                row: row.source_row,
                import_id: row.import_id,
                attributes: raw(row.source_attributes),
            }),
            _ => None,
        },
        repaired,
        geometry: raw(row.geometry),
        bbox,
        sites,
        parcels,
        buildings,
    }))
}

fn raw(text: Option<String>) -> Option<Box<RawValue>> {
    text.and_then(|text| RawValue::from_string(text).ok())
}

fn zone_of(longitude: f64) -> GaussKrugerZone {
    let zone = gis_data::area::zone_of(longitude);
    GaussKrugerZone {
        central_meridian: zone.central_meridian.into(),
        epsg: zone.epsg,
    }
}

/// One version of an asset.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SpatialUnitVersion {
    /// The version's id.
    pub version_id: Uuid,
    /// True in law from this day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub valid_from: Date,
    /// Until before this day.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub valid_to: Option<Date>,
    /// Known from this instant.
    #[serde(with = "time::serde::rfc3339")]
    pub recorded_from: OffsetDateTime,
    /// Until this instant; null while it is what is known.
    #[serde(with = "time::serde::rfc3339::option")]
    pub recorded_to: Option<OffsetDateTime>,
    /// The fields in which it differs from the version before it in law; empty for the first.
    pub changed: Vec<String>,
    /// Code.
    pub code: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// 坐落
    pub address: Option<String>,
    /// 权属登记情况
    pub title_status: Option<String>,
    /// 用途
    pub usage: Option<String>,
    /// 使用状态
    pub occupancy: Option<String>,
    /// Plane area, m².
    pub area_m2: Option<f64>,
    /// Area by certificate or source, m².
    pub registered_area_m2: Option<f64>,
    /// The import that wrote it.
    pub import_id: Option<Uuid>,
    /// The place of its entry in the ledger; null until it is sealed.
    pub ledger_seq: Option<i64>,
    /// Who wrote it.
    pub actor: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// Every version of an asset, the latest known and valid first.
#[utoipa::path(get, path = "/api/v1/{layer}/{id}/versions", operation_id = "list_spatial_unit_versions", tag = "assets",
    params(("layer" = String, Path), ("id" = Uuid, Path)),
    responses((status = 200, body = Page<SpatialUnitVersion>), (status = 404, body = Problem)))]
pub(super) async fn list_spatial_unit_versions(
    context: Context,
    Path((layer, id)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Page<SpatialUnitVersion>>, Problem> {
    let kind = Kind::of_path(&layer)?;
    let id = parse_id(&id)?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = select_versions!(
        "where v.object_id = $1 and v.kind = $2 order by lower(v.valid), lower(v.recorded), v.version_id",
        id.0,
        kind.word()
    )
    .fetch_all(&mut *snapshot)
    .await?;
    if rows.is_empty() {
        return Err(Problem::not_found("this asset"));
    }
    if rows.iter().any(|row| row.secrecy.as_deref() == Some(RESTRICTED)) {
        note_restricted_read(&context, &uri.to_string(), &[id.0]).await?;
    }
    // Versions that an import wrote are spoken of by the import's entries, at the instant they are known from.
    let imports: Vec<Uuid> = rows.iter().filter_map(|row| row.import_id).collect();
    let known_from: Vec<OffsetDateTime> = rows.iter().map(|row| recorded_ends(&row.recorded).0).collect();
    let entries = sqlx::query!(
        r#"select e.recorded_at, e.actor, e.reason, l.seq as "seq?"
             from ledger_entry e
             left join ledger_leaf l on l.entry_id = e.id
            where e.object_id = $1
               or (e.object_id = any($2) and e.recorded_at = any($3) and e.after -> 'versions' is not null)
            order by e.object_id = $1 desc, e.recorded_at"#,
        id.0,
        &imports,
        &known_from,
    )
    .fetch_all(&mut *snapshot)
    .await?;
    let mut items = Vec::with_capacity(rows.len());
    let mut before: Option<super::Content> = None;
    for row in rows {
        let valid = valid_period(&row.valid);
        let (recorded_from, recorded_to) = recorded_ends(&row.recorded);
        let version_id = row.version_id;
        let content = row.content()?;
        let changed = before
            .as_ref()
            .map(|before| {
                content
                    .changed_fields(before)
                    .into_iter()
                    .map(ToOwned::to_owned)
                    .collect()
            })
            .unwrap_or_default();
        let entry = entries.iter().find(|entry| entry.recorded_at == recorded_from);
        items.push(SpatialUnitVersion {
            version_id,
            valid_from: valid.from,
            valid_to: valid.to,
            recorded_from,
            recorded_to,
            changed,
            code: content.code.clone(),
            name: content.name.clone(),
            address: content.address.clone(),
            title_status: content.title_status.clone(),
            usage: content.usage.clone(),
            occupancy: content.occupancy.clone(),
            area_m2: content.area_m2,
            registered_area_m2: content.registered_area_m2.and_then(|area| area.try_into().ok()),
            import_id: content.import_id,
            ledger_seq: entry.and_then(|entry| entry.seq),
            actor: entry.map(|entry| entry.actor.clone()),
            reason: entry.and_then(|entry| entry.reason.clone()),
        });
        // What was superseded is no step of the history that is known now.
        if recorded_to.is_none() {
            before = Some(content);
        }
    }
    items.reverse();
    Ok(Json(Page {
        items,
        next: None,
        total: None,
    }))
}
