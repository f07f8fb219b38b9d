//! What the recording of a split or merge brings about: the old titles and their parcels or buildings end, the new ones
//! begin, and what lay on the old ones lies on the new.

use serde_json::{Value, json};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::content::CaseContent;
use super::effects::{Made, close_title};
use super::guards::{terms, titles_of};
use crate::geometry;
use crate::ids::TitleId;
use crate::ledger::Action;
use crate::request::{Problem, ProblemKind};
use crate::spatial_units::Kind;
use crate::successions::{OldOnes, Papers, Plan, carry_out, old_ones, piece_under};
use crate::titles::asset_status::{AssetChange, assets_of, change_assets, status_of};
use crate::titles::dictionaries::Evidence;
use crate::titles::encumbrances::pass_on;
use crate::titles::{TitleContent, TitleStatement, held_versions, write_change, write_new};

fn paper(case: &CaseContent, kind: &str) -> Option<String> {
    case.details
        .documents
        .iter()
        .find(|document| document.kind == kind)
        .map(|document| document.name.clone())
}

/// Carries the plan of the case out.
///
/// # Errors
/// What stands in the way, or what a new title clashes with.
pub(super) async fn carry_out_succession(
    connection: &mut PgConnection,
    case: &mut CaseContent,
    on: Date,
    made: Made<'_>,
) -> Result<(), Problem> {
    let plan = case.details.succession.clone().ok_or_else(|| {
        Problem::new(ProblemKind::Conflict, "the case says not what is to become of what")
            .code("no_plan")
            .remedy("say it (succession)")
    })?;
    case.details.recorded_on = Some(on);
    let occasion = made.occasion("登簿");
    let papers = Papers {
        survey: paper(case, "cadastral_survey").unwrap_or_default(),
        consent: paper(case, "resources_consent"),
        case_id: Some(made.case.0),
    };
    let titles = titles_of(connection, &plan.from_ids, on).await?;
    let old = old_ones(connection, &plan, on).await?;
    // Land is never under two current titles: the old ones end before the new ones begin.
    if old.kind == Kind::Parcel {
        for (title, _) in &titles {
            close_title(connection, *title, on, made.now, &occasion).await?;
        }
    }
    let carried = carry_out(connection, &plan, (on, made.now), papers, &occasion).await?;
    if old.kind == Kind::Building {
        return put_in_place(connection, case, (&titles, &plan, &carried.new_ids), on, made).await;
    }
    let book = titles
        .iter()
        .find(|(title, _)| Some(title.0) == case.title_id)
        .or(titles.first())
        .map(|(_, content)| content.clone());
    let mut buildings: Vec<Uuid> = titles
        .iter()
        .flat_map(|(_, title)| title.building_ids.clone())
        .collect();
    buildings.sort_unstable();
    buildings.dedup();
    let mut standing: Vec<Vec<Uuid>> = vec![Vec::new(); plan.pieces.len()];
    for building in buildings {
        let index = piece_under(connection, &old.shapes, building, on)
            .await?
            .unwrap_or_default();
        if let Some(piece) = standing.get_mut(index) {
            piece.push(building);
        }
    }
    let mut new = Vec::with_capacity(carried.new_ids.len());
    for (index, (parcel, standing)) in carried.new_ids.iter().zip(standing).enumerate() {
        let from = (&*case, book.as_ref(), &plan, &old);
        let content = title_of_piece(connection, from, (index, *parcel), standing, (on, made)).await?;
        let assets = assets_of(&content);
        let change = AssetChange {
            title_status: status_of(&content.holders),
            usage: None,
        };
        let (title, _) = write_new(connection, content, on, made.now, &occasion).await?;
        new.push(title);
        change_assets(connection, assets, on, change, (made.now, &occasion)).await?;
    }
    for (title, _) in &titles {
        pass_on(connection, *title, &new, (on, made.now), &occasion).await?;
    }
    case.details.title_ids = new.iter().map(|title| title.0).collect();
    case.title_id = case.details.title_ids.first().copied();
    Ok(())
}

/// The title of one of the new parcels: what the book said of the old one, the draft laid over it, and its own land.
async fn title_of_piece(
    connection: &mut PgConnection,
    (case, book, plan, old): (&CaseContent, Option<&TitleContent>, &Plan, &OldOnes),
    (index, parcel): (usize, Uuid),
    standing: Vec<Uuid>,
    (on, made): (Date, Made<'_>),
) -> Result<TitleContent, Problem> {
    let Some((piece, shape)) = plan.pieces.get(index).zip(old.shapes.get(index)) else {
        return Err(Problem::not_found("this piece of the plan"));
    };
    let mut said = terms(case, book);
    for of_the_old_paper in ["old_land_certificate", "old_house_certificate"] {
        said.remove(of_the_old_paper);
    }
    if let Some(holders) = &piece.holders {
        said.insert("holders".to_owned(), json!(holders));
    }
    let mut statement = TitleStatement::read(Value::Object(said))?;
    statement.unit_code = match piece.id {
        None => piece.unit_code.clone(),
        Some(id) => registered_code(connection, id, on).await?,
    };
    let covers_all_houses = book.is_some_and(|book| book.building_ids == standing);
    statement.parcel_ids = vec![parcel];
    statement.building_ids = standing;
    let outline = geometry::from_ewkb(shape)?;
    statement.land_area_m2 = piece
        .registered_area_m2
        .or_else(|| geometry::area_m2(&outline).map(|area| (area * 100.0).round() / 100.0));
    if statement.building_ids.is_empty() {
        statement.leave_the_land();
    } else if !covers_all_houses {
        // What each of the houses measures is said on the new certificate; the old sum is of all of them.
        statement.house_area_m2 = None;
    }
    statement.evidence = Some(Evidence::Both);
    statement.policy_action = case.details.policy_action;
    statement.registration_type = case.details.registration_type;
    statement.accepted_on = case.details.clock.as_ref().map(|clock| clock.accepted_on);
    statement.recorded_on = Some(on);
    statement.issued_on = None;
    statement.valid_from = Some(on);
    statement.content(made.today, Some(made.case.0))
}

async fn registered_code(connection: &mut PgConnection, parcel: Uuid, on: Date) -> Result<Option<String>, Problem> {
    let code = sqlx::query_scalar!(
        "select unit_code from spatial_unit_version
          where object_id = $1 and upper_inf(recorded) and valid @> $2::date",
        parcel,
        on,
    )
    .fetch_optional(connection)
    .await?;
    Ok(code.flatten())
}

/// A title in the land and its buildings goes on where a building is split or merged: the new ones stand in the old one's
/// place.
async fn put_in_place(
    connection: &mut PgConnection,
    case: &mut CaseContent,
    (titles, plan, new_ids): (&[(TitleId, TitleContent)], &Plan, &[Uuid]),
    on: Date,
    made: Made<'_>,
) -> Result<(), Problem> {
    let occasion = made.occasion("登簿");
    for (title, before) in titles {
        let mut statement = TitleStatement::of(before);
        statement
            .building_ids
            .retain(|building| !plan.from_ids.contains(building));
        statement.building_ids.extend(new_ids);
        if Some(title.0) == case.title_id && case.unit_code.is_some() {
            statement.unit_code.clone_from(&case.unit_code);
        }
        statement.policy_action = case.details.policy_action;
        statement.registration_type = case.details.registration_type;
        statement.accepted_on = case.details.clock.as_ref().map(|clock| clock.accepted_on);
        statement.recorded_on = Some(on);
        statement.issued_on = None;
        let content = statement.content(made.today, Some(made.case.0))?;
        let held = held_versions(connection, *title).await?;
        let at = (Action::Change, made.now);
        write_change(connection, *title, &held, (on, content), at, &occasion).await?;
    }
    Ok(())
}
