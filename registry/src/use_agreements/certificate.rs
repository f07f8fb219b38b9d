//! `GET /api/v1/use-agreements/{id}/certificate`: what the use certificate (办公用房分配使用凭证) says, whole, so that it can be
//! printed: 证号、使用单位、房间清单、面积、核定面积、用途、起止 (党政机关办公用房管理办法 art. 18).

use axum::Json;
use axum::extract::Path;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::content::{Registration, Status, select_versions};
use super::read::{WHAT, parse_id};
use crate::period::day;
use crate::request::{Context, Fault, Problem, ProblemKind, Times};
use crate::versioned::Named;

/// A room that the certificate names.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = UseCertificateRoom)]
pub(super) struct CertifiedRoom {
    /// The room.
    id: Uuid,
    /// The building it is in.
    building: Option<String>,
    /// The floor; below ground negative.
    floor: i16,
    /// 房间号
    number: String,
    /// Its name.
    name: Option<String>,
    /// 房间类型
    room_type: Option<String>,
    /// 使用面积, m²
    use_area_m2: Option<f64>,
    /// 建筑面积, m²
    building_area_m2: Option<f64>,
}

/// What the certificate says.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct UseCertificate {
    /// The agreement it was issued by.
    id: Uuid,
    /// 证号
    certificate_no: String,
    /// When it was issued.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    certified_on: Option<Date>,
    /// The latest registration.
    registration: Option<Registration>,
    /// 使用单位
    unit: Named,
    /// 用途
    purpose: String,
    /// 核定面积, m² of use area.
    approved_area_m2: Option<f64>,
    /// The first day of use.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    starts_on: Date,
    /// The first day on which it is over; null without a term.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    ends_on: Option<Date>,
    /// The number of the signed agreement.
    agreement_no: Option<String>,
    /// When it was signed.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    signed_on: Option<Date>,
    /// 调拨单号
    transfer_slip_no: Option<String>,
    /// 坐落: the addresses of the buildings.
    addresses: Vec<String>,
    /// 房间清单, building by building, floor by floor.
    rooms: Vec<CertifiedRoom>,
    /// 使用面积 of all rooms, m².
    use_area_m2: f64,
    /// 建筑面积 of all rooms, m².
    building_area_m2: f64,
    /// Rooms that lack one of the areas: the sums are without theirs.
    rooms_lacking_area: usize,
    /// It stands on made-up data, and says so on paper.
    made_up: bool,
    /// As it stood on this day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    as_of: Date,
}

/// The certificate of an agreement at a date, as it is printed.
#[utoipa::path(get, path = "/api/v1/use-agreements/{id}/certificate", operation_id = "get_use_certificate", tag = "use agreements",
    params(("id" = Uuid, Path), ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = UseCertificate), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn get_use_certificate(
    context: Context,
    times: Times,
    Path(id): Path<String>,
) -> Result<Json<UseCertificate>, Problem> {
    let id = parse_id(&id)?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let content = select_versions!(
        "where v.object_id = $1 and v.valid @> $2::date and v.recorded @> $3::timestamptz",
        id.0,
        times.as_of,
        times.known_at,
    )
    .fetch_optional(&mut *snapshot)
    .await?
    .ok_or_else(|| Problem::not_found(WHAT))?
    .content()?;
    let certificate_no = content
        .certificate_no
        .clone()
        .filter(|_| content.status == Status::Certified)
        .ok_or_else(|| {
            Problem::new(
                ProblemKind::Conflict,
                "没有现行的使用凭证 / there is no certificate that holds",
            )
            .code("no_certificate")
            .rule("USE-02", "党政机关办公用房管理办法 art. 18")
            .remedy("sign the agreement and issue the certificate first")
        })?;
    let (unit, made_up) = unit_of(&mut snapshot, content.unit_id.0, times).await?;
    let rooms = rooms_of(&mut snapshot, &content.room_ids, times).await?;
    let addresses = addresses_of(&mut snapshot, &content.building_ids, times).await?;
    drop(snapshot);
    context.note_read_behind("use_agreement", vec![id.0]).await?;
    let sum = |area: fn(&RoomRow) -> Option<Decimal>| {
        let whole: Decimal = rooms.iter().filter_map(area).sum();
        whole.to_f64().unwrap_or_default()
    };
    Ok(Json(UseCertificate {
        id: id.0,
        certificate_no,
        certified_on: content.certified_on,
        registration: content.registration,
        unit,
        purpose: content.purpose,
        approved_area_m2: content.approved_area_m2.as_ref().and_then(Decimal::to_f64),
        starts_on: content.starts_on,
        ends_on: content.ends_on,
        agreement_no: content.agreement_no,
        signed_on: content.signed_on,
        transfer_slip_no: content.transfer_slip_no,
        addresses,
        use_area_m2: sum(|room| room.use_area_m2),
        building_area_m2: sum(|room| room.building_area_m2),
        rooms_lacking_area: rooms
            .iter()
            .filter(|room| room.use_area_m2.is_none() || room.building_area_m2.is_none())
            .count(),
        rooms: rooms.into_iter().map(Into::into).collect(),
        made_up,
        as_of: times.as_of,
    }))
}

struct RoomRow {
    id: Uuid,
    building: Option<String>,
    floor: i16,
    number: String,
    name: Option<String>,
    room_type: Option<String>,
    use_area_m2: Option<Decimal>,
    building_area_m2: Option<Decimal>,
}

impl From<RoomRow> for CertifiedRoom {
    fn from(row: RoomRow) -> Self {
        Self {
            id: row.id,
            building: row.building,
            floor: row.floor,
            number: row.number,
            name: row.name,
            room_type: row.room_type,
            use_area_m2: row.use_area_m2.and_then(|area| area.to_f64()),
            building_area_m2: row.building_area_m2.and_then(|area| area.to_f64()),
        }
    }
}

async fn unit_of(connection: &mut PgConnection, unit: Uuid, times: Times) -> Result<(Named, bool), Fault> {
    let held = sqlx::query!(
        r#"select u.code as "code?", u.name as "name?", coalesce(d.made_up, false) as "made_up!"
             from unit_version u
             left join dataset d on d.name = u.dataset
            where u.object_id = $1 and u.recorded @> $3::timestamptz
            order by u.valid @> $2::date desc, lower(u.valid) desc
            limit 1"#,
        unit,
        times.as_of,
        times.known_at,
    )
    .fetch_optional(connection)
    .await?;
    let made_up = held.as_ref().is_some_and(|held| held.made_up);
    let (code, name) = held.map(|held| (held.code, held.name)).unwrap_or_default();
    Ok((Named { id: unit, code, name }, made_up))
}

/// The rooms as they are on the day, or as they were last where they are no more.
async fn rooms_of(connection: &mut PgConnection, rooms: &[Uuid], times: Times) -> Result<Vec<RoomRow>, Fault> {
    let mut rows = sqlx::query_as!(
        RoomRow,
        r#"select distinct on (r.object_id) r.object_id as id, coalesce(b.name, b.address, b.code) as building, r.floor,
                  r.number, r.name, r.room_type, r.use_area_m2, r.building_area_m2
             from room_version r
             left join spatial_unit_version b
               on b.object_id = r.building_id and b.valid @> $2::date and b.recorded @> $3::timestamptz
            where r.object_id = any($1) and r.recorded @> $3::timestamptz
            order by r.object_id, r.valid @> $2::date desc, lower(r.valid) desc"#,
        rooms,
        times.as_of,
        times.known_at,
    )
    .fetch_all(connection)
    .await?;
    rows.sort_by(|one, other| {
        (&one.building, one.floor, &one.number, one.id).cmp(&(&other.building, other.floor, &other.number, other.id))
    });
    Ok(rows)
}

async fn addresses_of(connection: &mut PgConnection, buildings: &[Uuid], times: Times) -> Result<Vec<String>, Fault> {
    Ok(sqlx::query_scalar!(
        r#"select distinct coalesce(address, name, code) as "address!" from spatial_unit_version
            where object_id = any($1) and valid @> $2::date and recorded @> $3::timestamptz
              and coalesce(address, name, code) is not null
            order by 1"#,
        buildings,
        times.as_of,
        times.known_at,
    )
    .fetch_all(connection)
    .await?)
}
