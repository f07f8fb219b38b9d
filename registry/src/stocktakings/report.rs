//! `GET /api/v1/stocktakings/{id}/report`: the three agreements (账账、账实、账证相符), kind by kind.

use axum::Json;
use axum::extract::Path;
use serde::Serialize;
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::content::select_stocktakings;
use super::progress::{Progress, progress};
use super::read::{WHAT, parse_id};
use crate::ids::StocktakingId;
use crate::period::day;
use crate::request::{Context, Fault, Problem};

/// The three agreements of one kind of asset.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = StocktakingAgreements)]
pub struct Agreements {
    /// `parcel`, `building` or `room`.
    pub kind: String,
    /// Lines of the ledger.
    pub book: i64,
    /// Their area, m².
    pub book_area_m2: f64,
    /// 账账: the unit's own ledger says the same.
    pub own_agrees: i64,
    /// It says something else.
    pub own_differs: i64,
    /// The unit gave no figure of its own ledger.
    pub own_untold: i64,
    /// Its area, where it was told, m².
    pub own_area_m2: f64,
    /// 账实: it was found as the ledger says.
    pub found_agrees: i64,
    /// It was found, and differs.
    pub found_differs: i64,
    /// 盘亏
    pub shortfall: i64,
    /// Their area in the ledger, m².
    pub shortfall_area_m2: f64,
    /// 盘盈
    pub surplus: i64,
    /// Their area, m².
    pub surplus_area_m2: f64,
    /// Nobody has answered.
    pub unanswered: i64,
    /// 账证: the certificate says the same area, or covers several and says nothing of this alone.
    pub title_agrees: i64,
    /// It says another area.
    pub title_differs: i64,
    /// There is no certificate.
    pub title_none: i64,
    /// The certificates' area, where one covers a thing alone, m².
    pub title_area_m2: f64,
}

/// The report.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct StocktakingReport {
    /// The stocktaking.
    id: Uuid,
    /// What it is called.
    name: String,
    /// The day whose ledger is compared.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    as_of: Date,
    /// Its state.
    state: String,
    /// The digest of the frozen list, which stands in the ledger.
    lines_sha256: Option<String>,
    /// Kind by kind.
    agreements: Vec<Agreements>,
    /// How far it is.
    progress: Progress,
}

pub(super) async fn agreements(connection: &mut PgConnection, id: StocktakingId) -> Result<Vec<Agreements>, Fault> {
    Ok(sqlx::query_as!(
        Agreements,
        r#"select l.kind, count(*) filter (where not l.is_extra) as "book!",
                  coalesce(sum(l.area_m2), 0)::float8 as "book_area_m2!",
                  count(*) filter (where told.own and not a.differs && '{own_area,own_title}') as "own_agrees!",
                  count(*) filter (where told.own and a.differs && '{own_area,own_title}') as "own_differs!",
                  count(*) filter (where not l.is_extra and not told.own) as "own_untold!",
                  coalesce(sum(a.own_area_m2) filter (where not l.is_extra), 0)::float8 as "own_area_m2!",
                  count(*) filter (where a.found = 'in_place' and not a.differs && '{area,usage,unit}') as "found_agrees!",
                  count(*) filter (where a.found in ('moved', 'altered')
                                      or a.found = 'in_place' and a.differs && '{area,usage,unit}') as "found_differs!",
                  count(*) filter (where a.found = 'missing') as "shortfall!",
                  coalesce(sum(l.area_m2) filter (where a.found = 'missing'), 0)::float8 as "shortfall_area_m2!",
                  count(*) filter (where a.found = 'extra') as "surplus!",
                  coalesce(sum(a.found_area_m2) filter (where a.found = 'extra'), 0)::float8 as "surplus_area_m2!",
                  count(*) filter (where a.version_id is null) as "unanswered!",
                  count(*) filter (where l.title_id is not null and not paper.differs) as "title_agrees!",
                  count(*) filter (where paper.differs) as "title_differs!",
                  count(*) filter (where not l.is_extra and l.kind <> 'room' and l.title_id is null) as "title_none!",
                  coalesce(sum(l.title_area_m2), 0)::float8 as "title_area_m2!"
             from stocktaking_line l
             left join stocktaking_line_version a on a.object_id = l.id and upper_inf(a.recorded)
            cross join lateral (
                  select not l.is_extra and (a.own_area_m2 is not null or a.own_title_number is not null) as own) told
            cross join lateral (
                  select coalesce(abs(l.title_area_m2 - l.area_m2) > 0.01, false) as differs) paper
            where l.stocktaking_id = $1
            group by l.kind
            order by array_position(array['parcel', 'building', 'room'], l.kind)"#,
        id.0,
    )
    .fetch_all(connection)
    .await?)
}

/// How the ledger agrees with the units' own ledgers, with what is there and with the certificates.
#[utoipa::path(get, path = "/api/v1/stocktakings/{id}/report", operation_id = "get_stocktaking_report", tag = "stocktakings",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = StocktakingReport), (status = 404, body = Problem)))]
pub(super) async fn get_report(context: Context, Path(id): Path<String>) -> Result<Json<StocktakingReport>, Problem> {
    let id = parse_id(&id)?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let content = select_stocktakings!("where v.object_id = $1 and upper_inf(v.recorded)", id.0)
        .fetch_optional(&mut *snapshot)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?
        .content()?;
    Ok(Json(StocktakingReport {
        id: id.0,
        agreements: agreements(&mut snapshot, id).await?,
        progress: progress(&mut snapshot, id).await?,
        name: content.name,
        as_of: content.as_of,
        state: content.state,
        lines_sha256: content.lines_sha256,
    }))
}
