//! What a step brings about beyond the case itself: the asset, its rooms and its title, in the same transaction.

use sqlx::PgConnection;
use time::{Date, OffsetDateTime};

use super::content::CaseContent;
use super::guards::{Surroundings, only_title, titles_in};
use crate::ids::{PolicyCaseId, RoomId, SpatialUnitId};
use crate::ledger::Action;
use crate::period::{Held, ValidPeriod, reach, revise};
use crate::request::{Actor, Fault, Problem, ProblemKind};
use crate::rooms::RoomContent;
use crate::spatial_units::{Content, Kind};
use crate::titles::TitleStatement;
use crate::titles::asset_status::{AssetChange, assets_of, change_assets, status_of};
use crate::versioned::Occasion;

/// By whom, when and why.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made<'a> {
    pub case: PolicyCaseId,
    pub actor: &'a Actor,
    pub step: &'a str,
    pub now: OffsetDateTime,
    pub on: Date,
}

impl Made<'_> {
    fn reason(&self) -> String {
        format!("一资一策 {} ({})", self.step, self.case)
    }

    fn occasion(&self) -> Occasion {
        Occasion::by(self.actor, Some(self.reason()))
    }
}

/// The occasion of what a step brings about.
pub(super) fn occasion_of(made: Made<'_>) -> Occasion {
    made.occasion()
}

/// What an asset's occupancy is after a route.
pub(super) fn occupancy_after(route: &str) -> Option<&'static str> {
    Some(match route {
        "keep_use" | "reassign" | "reassign_cross" | "convert_public" | "convert_housing" | "convert_technical" => {
            "in_use"
        }
        "lease" => "let",
        "auction" | "swap" | "land_return" => "vacating",
        "demolish" => "demolished",
        _ => return None,
    })
}

/// What an asset's usage is after a route.
pub(super) fn usage_after(route: &str) -> Option<&'static str> {
    Some(match route {
        "convert_public" => "public_service",
        "convert_housing" => "housing_security",
        "convert_technical" => "technical",
        _ => return None,
    })
}

/// Changes what is said of the asset from a day on.
///
/// # Errors
/// The database's, or that nothing is registered for the day.
pub(super) async fn change_asset(
    connection: &mut PgConnection,
    case: &CaseContent,
    made: Made<'_>,
    change: impl FnOnce(&mut Content),
) -> Result<Content, Problem> {
    let asset = case.asset()?;
    let mut held = crate::spatial_units::held_versions(connection, &[asset]).await?;
    let unit = held
        .remove(&asset)
        .ok_or_else(|| Problem::not_found("the asset of this case"))?;
    let before = unit
        .versions
        .iter()
        .find(|version| version.valid.contains(made.on))
        .ok_or_else(|| gone(made.on))?
        .content
        .clone();
    let mut content = before.clone();
    change(&mut content);
    // Only what is idle is idle since a day.
    if content.occupancy.as_deref() != Some("idle") {
        content.idle_since = None;
    }
    if content.changed_fields(&before).is_empty() {
        return Ok(before);
    }
    content.source_row = None;
    content.import_id = None;
    let kind: Kind = content.kind;
    let revision = revise(&unit.versions, reach(&unit.versions, made.on), Some(content), made.now);
    let occasion = crate::spatial_units::Occasion {
        actor: made.actor.clone(),
        reason: Some(made.reason()),
        import_id: None,
    };
    crate::spatial_units::write_revision(
        connection,
        unit.id,
        kind,
        Action::Change,
        revision,
        Some(&before),
        &occasion,
    )
    .await?;
    Ok(before)
}

fn gone(on: Date) -> Problem {
    Problem::new(
        ProblemKind::Conflict,
        format!("资产在{on}已不在册 / the asset is not registered on {on}"),
    )
    .code("asset_gone")
    .remedy("choose a day on which it is registered")
}

/// The rooms that the case is about: those it names, else all of the building.
pub(super) async fn rooms_of(connection: &mut PgConnection, case: &CaseContent) -> Result<Vec<RoomId>, Fault> {
    if !case.details.room_ids.is_empty() {
        return Ok(case.details.room_ids.iter().copied().map(RoomId).collect());
    }
    let ids = sqlx::query_scalar!(
        "select distinct object_id from room_version where building_id = $1 and upper_inf(recorded) and upper_inf(valid)
          order by object_id",
        case.asset_id,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(RoomId).collect())
}

/// Sets the occupancy of the asset and its rooms from a day on (of the asset also since when it is idle); gives what the
/// asset was.
///
/// # Errors
/// The database's, or that nothing is registered for the day.
pub(super) async fn set_occupancy(
    connection: &mut PgConnection,
    case: &CaseContent,
    (occupancy, idle_since): (&str, Option<Date>),
    made: Made<'_>,
) -> Result<Content, Problem> {
    let before = change_asset(connection, case, made, |content| {
        content.occupancy = Some(occupancy.to_owned());
        content.idle_since = idle_since;
    })
    .await?;
    set_rooms(connection, case, made, |_, _| Some(occupancy.to_owned())).await?;
    Ok(before)
}

/// The works are over: the asset is what it was before them, and so is each of its rooms, which need not be the same.
///
/// # Errors
/// The database's, or that nothing is registered for the day.
pub(super) async fn end_works(
    connection: &mut PgConnection,
    case: &CaseContent,
    (occupancy, idle_since): (&str, Option<Date>),
    made: Made<'_>,
) -> Result<(), Problem> {
    const WORKS: &str = "under_repair";
    change_asset(connection, case, made, |content| {
        content.occupancy = Some(occupancy.to_owned());
        content.idle_since = idle_since;
    })
    .await?;
    set_rooms(connection, case, made, |held, now| {
        if now.content.occupancy.as_deref() != Some(WORKS) {
            return now.content.occupancy.clone();
        }
        held.iter()
            .rev()
            .filter(|version| version.valid.from < now.valid.from)
            .find(|version| version.content.occupancy.as_deref() != Some(WORKS))
            // One that was registered on the day of the works has no day before them.
            .map_or_else(
                || Some(occupancy.to_owned()),
                |version| version.content.occupancy.clone(),
            )
    })
    .await
}

/// Sets the occupancy of each room that the case is about from a day on, by the versions of the room and the one of the day.
async fn set_rooms(
    connection: &mut PgConnection,
    case: &CaseContent,
    made: Made<'_>,
    occupancy: impl Fn(&[Held<RoomContent>], &Held<RoomContent>) -> Option<String>,
) -> Result<(), Problem> {
    for room in rooms_of(connection, case).await? {
        let held = crate::rooms::held_versions(connection, room).await?;
        let Some(version) = held.iter().find(|version| version.valid.contains(made.on)) else {
            continue;
        };
        let next = occupancy(&held, version);
        if version.content.occupancy == next {
            continue;
        }
        let mut content = version.content.clone();
        content.occupancy = next;
        let revision = revise(&held, reach(&held, made.on), Some(content), made.now);
        crate::versioned::write_revision(
            connection,
            room.0,
            Action::Change,
            &revision,
            Some(&version.content),
            &made.occasion(),
        )
        .await?;
    }
    Ok(())
}

fn other_things() -> Problem {
    Problem::new(
        ProblemKind::Conflict,
        "该资产的权利还涵盖其他房屋，或不止一个权利；请先分割登记 / its title covers other buildings too, or there are several: split the title first",
    )
    .code("title_covers_more")
    .rule("DSP-10", "行政事业性国有资产管理条例 art. 35")
    .remedy("let the title be split by a title case, then take the step again")
}

/// Ends the title that covers the asset and nothing else.
///
/// # Errors
/// Where it covers more, or lies under something.
pub(super) async fn end_title(
    connection: &mut PgConnection,
    case: &CaseContent,
    around: &Surroundings,
    made: Made<'_>,
) -> Result<(), Problem> {
    let (id, before) = only_title(around, case.asset()?).ok_or_else(other_things)?;
    let held = crate::titles::held_versions(connection, *id).await?;
    let revision = revise(&held, ValidPeriod::since(made.on), None, made.now);
    if revision.close.is_empty() {
        return Err(
            Problem::invalid("on", format!("权利在{} 已终止 / the title has ended by then", made.on))
                .remedy("choose an earlier day"),
        );
    }
    crate::versioned::write_revision(
        connection,
        id.0,
        Action::Close,
        &revision,
        Some(before),
        &made.occasion(),
    )
    .await
    .map_err(crate::titles::refused)?;
    // What it covered says so no longer: the land under a building stays on the books.
    for asset in assets_of(before) {
        let others = titles_in(connection, asset, made.on).await?;
        let change = AssetChange {
            title_status: others
                .last()
                .map_or("none_handed", |(_, title)| status_of(&title.holders)),
            usage: None,
        };
        change_assets(connection, vec![asset], made.on, change, (made.now, &made.occasion())).await?;
    }
    Ok(())
}

/// Strikes the building from its title; the land stays. A title of nothing but the building ends.
///
/// # Errors
/// Where there is no title, or more than one.
pub(super) async fn strike_building(
    connection: &mut PgConnection,
    case: &CaseContent,
    around: &Surroundings,
    made: Made<'_>,
) -> Result<(), Problem> {
    let [(id, before)] = around.titles.as_slice() else {
        return Err(other_things());
    };
    let asset = case.asset()?;
    if before.parcel_ids.is_empty() && before.building_ids.iter().all(|building| *building == asset) {
        return end_title(connection, case, around, made).await;
    }
    let held = crate::titles::held_versions(connection, *id).await?;
    let mut statement = TitleStatement::of(before);
    statement.building_ids.retain(|building| *building != asset);
    if statement.building_ids.is_empty() {
        // The right to the land outlives the house: what is left has the unit code and the right of the land.
        statement.leave_the_land();
    }
    let content = statement.content(made.on, before.case_id)?;
    crate::titles::write_change(
        connection,
        *id,
        &held,
        (made.on, content),
        (Action::Change, made.now),
        &made.occasion(),
    )
    .await?;
    Ok(())
}

/// Takes the asset and its rooms off the books (核销): they end on a day, their history stays.
///
/// # Errors
/// The database's, or that it has ended already.
pub(super) async fn write_off(
    connection: &mut PgConnection,
    case: &CaseContent,
    made: Made<'_>,
) -> Result<(), Problem> {
    for room in rooms_of(connection, case).await? {
        let held = crate::rooms::held_versions(connection, room).await?;
        let revision = revise(&held, ValidPeriod::since(made.on), None, made.now);
        let before = held
            .iter()
            .find(|version| version.valid.contains(made.on))
            .or(held.last());
        let (false, Some(before)) = (revision.close.is_empty(), before) else {
            continue;
        };
        crate::versioned::write_revision(
            connection,
            room.0,
            Action::Close,
            &revision,
            Some(&before.content),
            &made.occasion(),
        )
        .await?;
    }
    // Some rooms of a building were sold: the building stays.
    if !case.details.room_ids.is_empty() && !is_empty_now(connection, case).await? {
        return Ok(());
    }
    let asset = case.asset()?;
    let mut held = crate::spatial_units::held_versions(connection, &[asset]).await?;
    let unit = held.remove(&asset).ok_or_else(|| gone(made.on))?;
    let before = unit
        .versions
        .iter()
        .find(|version| version.valid.contains(made.on))
        .ok_or_else(|| gone(made.on))?
        .content
        .clone();
    let revision = revise(&unit.versions, ValidPeriod::since(made.on), None, made.now);
    let occasion = crate::spatial_units::Occasion {
        actor: made.actor.clone(),
        reason: Some(made.reason()),
        import_id: None,
    };
    let (id, kind): (SpatialUnitId, Kind) = (unit.id, before.kind);
    crate::spatial_units::write_revision(connection, id, kind, Action::Close, revision, Some(&before), &occasion)
        .await?;
    Ok(())
}

/// Is no room of the building left on the books?
async fn is_empty_now(connection: &mut PgConnection, case: &CaseContent) -> Result<bool, Fault> {
    let left = sqlx::query_scalar!(
        r#"select exists (select from room_version where building_id = $1 and upper_inf(recorded) and upper_inf(valid)) as "left!""#,
        case.asset_id,
    )
    .fetch_one(connection)
    .await?;
    Ok(!left)
}
