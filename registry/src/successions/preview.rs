//! `POST /api/v1/succession-previews`: what a split or merge would come to. Nothing is written.

use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use time::Date;

use super::carry_out::old_ones;
use super::measure::Measure;
use super::plan::{Piece, Plan, RoomGoes};
use super::rooms::{RoomToMove, require_rooms_assigned, rooms_of};
use crate::geometry;
use crate::period::day;
use crate::request::{Body, Context, Problem};

/// What is to be looked at.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = SuccessionQuestion)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    /// The first day of the new ones; today unless told.
    #[serde(default, with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    on: Option<Date>,
    /// The old ones.
    from_ids: Vec<uuid::Uuid>,
    /// The new ones; none where the old one is cut.
    #[serde(default)]
    pieces: Vec<Piece>,
    /// Of buildings: into which of the new ones each room goes. It is looked at once it is said.
    #[serde(default)]
    rooms: Vec<RoomGoes>,
    /// Lines (GeoJSON `LineString` or `MultiLineString`, longitude and latitude) that cut the one old one.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    cut: Option<Value>,
}

/// One of the new ones.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SuccessionPieceShape)]
pub struct PieceShape {
    /// GeoJSON, longitude and latitude.
    #[schema(value_type = Object)]
    pub geometry: Value,
    /// Plane area in its own 3-degree zone, m².
    pub area_m2: f64,
}

/// What it would come to.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SuccessionPreview)]
pub struct Preview {
    /// `split` or `merge`.
    pub kind: String,
    /// The new ones, in their order.
    pub pieces: Vec<PieceShape>,
    /// What was there against what is to be there.
    pub measure: Measure,
    /// Is what was there still there, once (GEO-14)?
    pub is_conserved: bool,
    /// Of buildings: the rooms that go into the new ones.
    pub rooms: Vec<RoomToMove>,
}

/// Compares what is there with what is to become of it, or cuts it along a line. Nothing is written.
#[utoipa::path(post, path = "/api/v1/succession-previews", operation_id = "preview_succession", tag = "assets",
    request_body = Question,
    responses((status = 200, body = Preview), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn preview_succession(
    context: Context,
    Body(question): Body<Question>,
) -> Result<Json<Preview>, Problem> {
    let on = question.on.unwrap_or_else(|| context.clock.today());
    let mut connection = context.database.begin_snapshot().await?;
    let pieces = match &question.cut {
        None => question.pieces,
        Some(line) => cut(&mut connection, &question.from_ids, line, on).await?,
    };
    let plan = Plan {
        from_ids: question.from_ids,
        pieces,
        rooms: question.rooms,
    }
    .settled()?;
    let old = old_ones(&mut connection, &plan, on).await?;
    if !plan.rooms.is_empty() || plan.pieces.len() == 1 {
        require_rooms_assigned(&mut connection, &plan, on).await?;
    }
    let rooms = rooms_of(&mut connection, &plan, on).await?;
    drop(connection);
    if !rooms.is_empty() {
        context.note_read_of(&plan.from_ids).await?;
    }
    let mut shapes = Vec::with_capacity(old.shapes.len());
    for shape in &old.shapes {
        let outline = geometry::from_ewkb(shape)?;
        shapes.push(PieceShape {
            geometry: serde_json::to_value(geojson::Geometry::from(&outline)).unwrap_or_default(),
            area_m2: (geometry::area_m2(&outline).unwrap_or_default() * 100.0).round() / 100.0,
        });
    }
    Ok(Json(Preview {
        kind: plan.kind().to_owned(),
        pieces: shapes,
        is_conserved: old.measure.is_conserved(),
        measure: old.measure,
        rooms,
    }))
}

/// The pieces into which a line cuts the old one, from west to east.
async fn cut(
    connection: &mut PgConnection,
    from_ids: &[uuid::Uuid],
    line: &Value,
    on: Date,
) -> Result<Vec<Piece>, Problem> {
    let refused = |words: &str| {
        Problem::invalid("cut", words.to_owned())
            .code("cut_divides_nothing")
            .remedy("draw a line that enters and leaves the outline of one parcel or building")
    };
    let [from] = from_ids else {
        return Err(refused("one is cut at a time"));
    };
    let line = geometry::from_geojson(line).map_err(|problem| Problem {
        field: Some("cut".to_owned()),
        ..problem
    })?;
    if !matches!(
        line,
        geo_types::Geometry::LineString(_) | geo_types::Geometry::MultiLineString(_)
    ) {
        return Err(refused("it is no line"));
    }
    let parts = sqlx::query_scalar!(
        r#"select st_asgeojson(part.geom, 15) as "part!"
             from spatial_unit_version v
            cross join lateral st_dump(st_split(v.geometry, st_unaryunion(st_geomfromewkb($3)))) part
            where v.object_id = $1 and v.geometry is not null and upper_inf(v.recorded) and v.valid @> $2::date
              and st_dimension(v.geometry) = 2 and st_dimension(part.geom) = 2
            order by st_xmin(part.geom), st_ymin(part.geom)"#,
        from,
        on.previous_day().unwrap_or(on),
        geometry::ewkb(&line)?,
    )
    .fetch_all(connection)
    .await?;
    if parts.len() < 2 {
        return Err(refused("the line doesn't cut it in two"));
    }
    Ok(parts
        .iter()
        .map(|part| Piece {
            geometry: serde_json::from_str(part).ok(),
            ..Piece::default()
        })
        .collect())
}
