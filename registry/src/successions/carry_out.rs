//! Carrying a split or merge out: the old ones end, the new ones begin, what they belonged to follows.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::content::SuccessionContent;
use super::follow::{follow, require_undivided};
use super::measure::{Measure, measure};
use super::plan::{Piece, Plan};
use super::rooms::{lock_rooms, move_rooms, rooms_to_move};
use crate::geometry;
use crate::ids::{SpatialUnitId, VersionId};
use crate::ledger::Action;
use crate::period::{Held, ValidPeriod, revise};
use crate::request::{DoorRule, Problem, ProblemKind};
use crate::spatial_units::{Content, Kind, begin_relation, end_relations, held_versions, known_versions};
use crate::versioned::{Occasion, write_revision};

/// What a split or merge rests on.
#[derive(Debug, Clone)]
pub struct Papers {
    /// The survey (权籍调查成果).
    pub survey: String,
    /// The consent of the natural-resources department.
    pub consent: Option<String>,
    /// The title case that brings it about.
    pub case_id: Option<Uuid>,
}

/// What was carried out.
#[derive(Debug)]
pub struct Carried {
    /// The record.
    pub id: Uuid,
    /// Its version.
    pub version: Option<VersionId>,
    /// The new ones, in the order of the plan.
    pub new_ids: Vec<Uuid>,
    /// What was compared.
    pub measure: Measure,
}

/// The old ones on the day before, and what the new ones would be.
#[derive(Debug)]
pub struct OldOnes {
    /// Parcels or buildings.
    pub kind: Kind,
    /// What each of them says, in the order of the plan.
    pub contents: Vec<Content>,
    /// The shapes of the new ones, EWKB, in the order of the plan.
    pub shapes: Vec<Vec<u8>>,
    /// The comparison of the two.
    pub measure: Measure,
}

/// Looks at what a plan speaks of on a day, and compares.
///
/// # Errors
/// A problem where something of it isn't registered then, or has no shape.
pub async fn old_ones(connection: &mut PgConnection, plan: &Plan, on: Date) -> Result<OldOnes, Problem> {
    let words = sqlx::query_scalar!("select kind from spatial_unit where id = any($1)", &plan.from_ids)
        .fetch_all(&mut *connection)
        .await?;
    let kind = words.first().and_then(|word| Kind::from_word(word));
    let (Some(kind), true) = (
        kind.filter(|kind| *kind != Kind::Site),
        words.len() == plan.from_ids.len() && words.iter().all(|word| Some(word) == words.first()),
    ) else {
        return Err(Problem::invalid(
            "from_ids",
            "they are not all parcels, or all buildings, that are registered",
        )
        .remedy("name parcels alone or buildings alone"));
    };
    let mut contents = Vec::with_capacity(plan.from_ids.len());
    for id in &plan.from_ids {
        let held = known_versions(connection, *id, kind).await?;
        contents.push(standing(&held, *id, on)?.content.clone());
    }
    let mut shapes = Vec::with_capacity(plan.pieces.len());
    for (index, piece) in plan.pieces.iter().enumerate() {
        shapes.push(match (piece.id, &piece.geometry) {
            (Some(id), _) => shape_of_existing(connection, (id, kind), (index, on)).await?,
            (None, Some(shape)) => geometry::ewkb(&geometry::from_geojson(shape)?)?,
            (None, None) => Vec::new(),
        });
    }
    let old: Vec<Vec<u8>> = contents.iter().filter_map(|content| content.geometry.clone()).collect();
    if old.len() < contents.len() {
        return Err(Problem::invalid(
            "from_ids",
            "one of them has no shape: whether the new ones cover it can't be compared",
        )
        .code("shape_missing")
        .remedy("enter its shape first"));
    }
    let measure = measure(connection, &old, &shapes).await?;
    Ok(OldOnes {
        kind,
        contents,
        shapes,
        measure,
    })
}

async fn shape_of_existing(
    connection: &mut PgConnection,
    (id, kind): (Uuid, Kind),
    (index, on): (usize, Date),
) -> Result<Vec<u8>, Problem> {
    let field = format!("pieces[{index}].id");
    let held = known_versions(connection, id, kind).await?;
    let standing = held.iter().find(|version| version.valid.contains(on));
    standing
        .and_then(|version| version.content.geometry.clone())
        .ok_or_else(|| {
            Problem::invalid(
                &field,
                format!("no {} with a shape is registered under it on {on}", kind.word()),
            )
            .remedy("register it first, or send its shape")
        })
}

/// What holds on the day before and goes on.
fn standing(held: &[Held<Content>], id: Uuid, on: Date) -> Result<&Held<Content>, Problem> {
    let before = on.previous_day().unwrap_or(on);
    held.iter()
        .find(|version| version.valid.contains(before) && version.valid.to.is_none())
        .ok_or_else(|| {
            Problem::invalid(
                "on",
                format!("{id} doesn't stand unchanged on the books from the day before {on} on"),
            )
            .code("not_standing")
            .remedy("choose a day after its last change; what is known of later days would be lost")
        })
}

/// What of the old ones holds for each new one: what they all say.
fn inherited(contents: &[Content], kind: Kind) -> Content {
    let Some(first) = contents.first() else {
        return Content::empty(kind);
    };
    let mut heir = first.clone();
    macro_rules! unless_agreed {
        ($($field:ident),+) => {$(
            if contents.iter().any(|content| content.$field != first.$field) {
                heir.$field = None;
            }
        )+};
    }
    unless_agreed!(
        address,
        unit_id,
        title_status,
        usage,
        land_use_scheme,
        land_use_code,
        floors_above,
        floors_below,
        structure,
        completed_year
    );
    if contents
        .iter()
        .any(|content| content.occupancy != first.occupancy || content.land_use_scheme != first.land_use_scheme)
    {
        heir.occupancy = None;
    }
    if contents
        .iter()
        .any(|content| content.secrecy.as_deref() == Some("internal"))
    {
        heir.secrecy = Some("internal".to_owned());
    }
    // What belongs to the old one alone.
    heir.idle_since = None;
    if heir.occupancy.as_deref() == Some("idle") {
        heir.occupancy = None;
    }
    (heir.code, heir.name, heir.unit_code, heir.registered_area_m2) = (None, None, None, None);
    (heir.source_attributes, heir.source_row, heir.import_id) = (None, None, None);
    (heir.repair, heir.original_geometry) = (None, None);
    heir
}

fn content_of(piece: &Piece, heir: &Content, shape: &[u8]) -> Result<Content, Problem> {
    let mut content = heir.clone();
    content.code.clone_from(&piece.code);
    content.name.clone_from(&piece.name);
    content.unit_code.clone_from(&piece.unit_code);
    content.registered_area_m2 = piece
        .registered_area_m2
        .and_then(|area| Decimal::try_from(area).ok())
        .map(|area| area.round_dp(4).normalize());
    let outline = geometry::from_ewkb(shape)?;
    content.geometry = Some(shape.to_vec());
    content.area_m2 = geometry::area_m2(&outline);
    content.tile_shape = Some(geometry::tile_shape(&outline)?);
    Ok(content)
}

/// A code that somebody has or had is never given again (GB/T 37346: the old one becomes historic).
async fn require_fresh_codes(connection: &mut PgConnection, plan: &Plan, contents: &[Content]) -> Result<(), Problem> {
    for (index, piece) in plan.pieces.iter().enumerate() {
        if let Some(code) = &piece.unit_code {
            sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 37))", code)
                .execute(&mut *connection)
                .await?;
            let other = sqlx::query_scalar!(
                "select object_id from spatial_unit_version
                  where upper(unit_code) = upper($1) and title_firm_code(unit_code) is not null
                  limit 1",
                code,
            )
            .fetch_optional(&mut *connection)
            .await?;
            if let Some(other) = other {
                return Err(Problem::new(
                    ProblemKind::Conflict,
                    format!("the unit code {code} is or was another's; a code is never used again"),
                )
                .field(format!("pieces[{index}].unit_code"))
                .code("unit_code_taken")
                .remedy("ask the registry office for a new serial")
                .breaks(
                    DoorRule::UnitCodeOnce,
                    serde_json::json!({"unit_code": code, "other_id": other}),
                ));
            }
        }
        let is_old = |code: &String| contents.iter().any(|content| content.code.as_ref() == Some(code));
        let twice = plan
            .pieces
            .iter()
            .filter(|other| other.code.is_some() && other.code == piece.code)
            .count()
            > 1
            || plan
                .pieces
                .iter()
                .filter(|other| other.unit_code.is_some() && other.unit_code == piece.unit_code)
                .count()
                > 1;
        if piece.code.as_ref().is_some_and(is_old) || twice {
            return Err(Problem::invalid(
                &format!("pieces[{index}].code"),
                "it is the old one's, or two of the new ones have it",
            )
            .code("code_taken")
            .remedy("give each new one a code of its own"));
        }
    }
    Ok(())
}

/// What holds the old ones: a case, idleness of the whole.
async fn require_free(
    connection: &mut PgConnection,
    plan: &Plan,
    on: Date,
    case_id: Option<Uuid>,
) -> Result<(), Problem> {
    let busy = |code: &str, words: String, remedy: &str| {
        Err(Problem::new(ProblemKind::Conflict, words).code(code).remedy(remedy))
    };
    if case_id.is_none() {
        let title = sqlx::query_scalar!(
            "select coalesce(cert_no, unit_code, object_id::text) from title_version
              where (parcel_ids && $1 or building_ids && $1) and book_state = '1' and upper_inf(recorded)
                and (upper_inf(valid) or upper(valid) > $2)
              limit 1",
            &plan.from_ids,
            on,
        )
        .fetch_optional(&mut *connection)
        .await?
        .flatten();
        if let Some(title) = title {
            return busy(
                "title_case_needed",
                format!(
                    "{title} 是现势权利，分割合并须经登记案件办理 / the current title {title} lies on it: it is split or merged by a title case (不动产登记暂行条例实施细则 art. 26, 27)"
                ),
                "open a title case with the policy action split_merge",
            );
        }
    }
    let case = sqlx::query!(
        "select c.number, v.opened_by
           from title_case_version v
           join title_case c on c.id = v.object_id
          where v.asset_id = any($1) and upper_inf(v.recorded) and v.state <> 'archived'
            and v.object_id is distinct from $2
            and coalesce(v.details ->> 'policy_action', '') not in ('objection', 'pre_notice', 'seizure')
          limit 1",
        &plan.from_ids,
        case_id,
    )
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(case) = case {
        return busy(
            "case_pending",
            format!(
                "{}的第 {} 号登记案件尚未办结 / title case {} of {} is pending on one of them",
                case.opened_by, case.number, case.number, case.opened_by
            ),
            "close that case first",
        );
    }
    let policy = sqlx::query_scalar!(
        "select opened_by from policy_case_version
          where asset_id = any($1) and upper_inf(recorded) and is_open
          limit 1",
        &plan.from_ids,
    )
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(by) = policy {
        return busy(
            "policy_case_pending",
            format!("{by}的处置或维修案件尚未办结 / a policy case of {by} is open on one of them"),
            "close that case first",
        );
    }
    let idle = sqlx::query_scalar!(
        "select cause from idle_record_version
          where asset_id = any($1) and whole and upper_inf(recorded) and (upper_inf(valid) or upper(valid) > $2)
          limit 1",
        &plan.from_ids,
        on,
    )
    .fetch_optional(connection)
    .await?;
    if idle.is_some() {
        return busy(
            "idle_record_open",
            "其中有未结束的闲置记录 / an idle record of one of them goes on".to_owned(),
            "end the idle record on the day of the change, and open one for each new one that stands idle",
        );
    }
    Ok(())
}

/// Ends the old ones and begins the new ones on a day. Who may is for the caller to ask.
///
/// # Errors
/// What stands in the way.
pub async fn carry_out(
    connection: &mut PgConnection,
    plan: &Plan,
    (on, now): (Date, OffsetDateTime),
    papers: Papers,
    occasion: &Occasion,
) -> Result<Carried, Problem> {
    // Locks the rooms as whoever changes one does: before their building. Then them all in the order of their ids.
    lock_rooms(connection, &plan.from_ids).await?;
    let every: Vec<Uuid> = plan
        .from_ids
        .iter()
        .copied()
        .chain(plan.pieces.iter().filter_map(|piece| piece.id))
        .collect();
    let mut held = held_versions(connection, &every).await?;
    let old = old_ones(connection, plan, on).await?;
    old.measure.require_conserved()?;
    require_fresh_codes(connection, plan, &old.contents).await?;
    require_free(connection, plan, on, papers.case_id).await?;
    let moving = rooms_to_move(connection, plan, on).await?;
    if old.kind == Kind::Building {
        require_undivided(connection, plan, on, &moving).await?;
    }
    let said = crate::spatial_units::Occasion {
        actor: occasion.actor.clone(),
        reason: occasion.reason.clone(),
        import_id: None,
    };
    let kind = old.kind;
    for id in &plan.from_ids {
        let unit = held.remove(id).ok_or_else(|| Problem::not_found("this asset"))?;
        let before = standing(&unit.versions, *id, on)?.content.clone();
        let revision = revise(&unit.versions, ValidPeriod::since(on), None, now);
        crate::spatial_units::write_revision(connection, unit.id, kind, Action::Close, revision, Some(&before), &said)
            .await?;
    }
    let heir = inherited(&old.contents, kind);
    let mut new_ids = Vec::with_capacity(plan.pieces.len());
    for (piece, shape) in plan.pieces.iter().zip(&old.shapes) {
        if let Some(id) = piece.id {
            new_ids.push(id);
            continue;
        }
        let id = SpatialUnitId::fresh();
        let content = content_of(piece, &heir, shape)?;
        let revision = revise(&[], ValidPeriod::since(on), Some(content), now);
        crate::spatial_units::write_revision(connection, id, kind, Action::Create, revision, None, &said).await?;
        new_ids.push(id.0);
    }
    if kind == Kind::Building {
        let moved = move_rooms(connection, &moving, (&plan.from_ids, &new_ids), (on, now), occasion).await?;
        follow(connection, &moved, occasion).await?;
    }
    let ended = end_relations(connection, &plan.from_ids, (on, now), &said).await?;
    for relation in ended {
        let (upper, lower) = (relation.upper_id, relation.lower_id);
        let pairs: Vec<(Uuid, Uuid)> = if plan.from_ids.contains(&upper) {
            let on_it = piece_under(connection, &old.shapes, lower, on).await?;
            on_it
                .and_then(|index| new_ids.get(index))
                .map(|id| (*id, lower))
                .into_iter()
                .collect()
        } else {
            new_ids.iter().map(|id| (upper, *id)).collect()
        };
        for (upper, lower) in pairs {
            begin_relation(connection, (&relation.kind, upper, lower), (on, now), &said).await?;
        }
    }
    let content = SuccessionContent {
        kind: plan.kind().to_owned(),
        object_kind: kind.word().to_owned(),
        from_ids: plan.from_ids.clone(),
        to_ids: new_ids.clone(),
        survey: papers.survey,
        consent: papers.consent,
        case_id: papers.case_id,
        area_before_m2: old.measure.area_before_m2,
        area_after_m2: old.measure.area_after_m2,
        missing_m2: old.measure.missing_m2,
        outside_m2: old.measure.outside_m2,
        overlap_m2: old.measure.overlap_m2,
    };
    let id = Uuid::now_v7();
    let revision = revise(&[], ValidPeriod::since(on), Some(content), now);
    let version = write_revision(connection, id, Action::Create, &revision, None, occasion).await?;
    Ok(Carried {
        id,
        version,
        new_ids,
        measure: old.measure,
    })
}

/// On which of the new ones does a building stand?
pub async fn piece_under(
    connection: &mut PgConnection,
    shapes: &[Vec<u8>],
    building: Uuid,
    on: Date,
) -> Result<Option<usize>, Problem> {
    let ordinal = sqlx::query_scalar!(
        r#"select ordinal as "ordinal!"
             from unnest($1::bytea[]) with ordinality as piece (shape, ordinal)
             join spatial_unit_version b
               on b.object_id = $2 and b.geometry is not null and upper_inf(b.recorded) and b.valid @> $3::date
            order by st_area(st_intersection(st_geomfromewkb(shape), b.geometry)) desc
            limit 1"#,
        shapes,
        building,
        on,
    )
    .fetch_optional(connection)
    .await?;
    Ok(ordinal.and_then(|ordinal| usize::try_from(ordinal - 1).ok()))
}
