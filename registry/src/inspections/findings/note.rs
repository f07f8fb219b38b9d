//! `POST /api/v1/inspections/{id}/findings`: registers what was found, by rule and object, or takes over what the checks found.

use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::content::{FindingContent, FindingDetails};
use crate::documents::Holder;
use crate::ids::{DocumentId, InspectionFindingId};
use crate::inspections::content::{InspectionContent, held_inspection};
use crate::inspections::permission::{Inspected, require_role};
use crate::inspections::read::{WHAT, parse_id};
use crate::inspections::record::{require_taken, take_up};
use crate::ledger::Action;
use crate::period::{ValidPeriod, revise};
use crate::request::fields::plain_text;
use crate::request::{Body, Context, Fault, Idempotency, Problem};
use crate::versioned::{Created, Occasion, answer_created, write_revision};

/// The most papers that show one thing.
pub(super) const MOST_PAPERS: usize = 50;

/// What was found.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InspectionFindingNote {
    /// The rule that is broken; of what is taken over it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// The parcel, building, site, room or unit that breaks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object_id: Option<Uuid>,
    /// What the checks found, to be taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    finding_id: Option<Uuid>,
    /// Whose it is to put right; the inspected unit, else the object's, unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit_id: Option<Uuid>,
    /// What was found, in words; what the rule says of it unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    says: Option<String>,
    /// 整改期限: so many working days from the notice.
    days: i32,
    /// The papers that show it, by their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    papers: Vec<DocumentId>,
}

/// What a finding is about.
struct Thing {
    kind: String,
    id: Uuid,
    at_id: Option<Uuid>,
    region_code: Option<String>,
    unit_id: Option<Uuid>,
}

async fn thing(connection: &mut PgConnection, id: Uuid) -> Result<Option<Thing>, Fault> {
    Ok(sqlx::query_as!(
        Thing,
        r#"select kind as "kind!", id as "id!", at_id, region_code, unit_id
             from (select 1 as place, v.kind, v.object_id as id, v.object_id as at_id, v.region_code, v.unit_id, lower(v.valid) as since
                     from spatial_unit_version v
                    where v.object_id = $1 and upper_inf(v.recorded)
                   union all
                   select 2, 'room', r.object_id, r.building_id, b.region_code, coalesce(r.unit_id, b.unit_id), lower(r.valid)
                     from room_version r
                     join spatial_unit_version b on b.object_id = r.building_id and upper_inf(b.recorded) and upper_inf(b.valid)
                    where r.object_id = $1 and upper_inf(r.recorded)
                   union all
                   select 3, 'unit', u.object_id, null, u.region_code, u.object_id, lower(u.valid)
                     from unit_version u
                    where u.object_id = $1 and upper_inf(u.recorded)) things
            order by place, since desc
            limit 1"#,
        id,
    )
    .fetch_optional(connection)
    .await?)
}

/// What the checks found, with the words of its rule.
async fn found_by_checks(
    connection: &mut PgConnection,
    id: Uuid,
) -> Result<(String, Uuid, Option<Uuid>, String), Problem> {
    let row = sqlx::query!(
        "select rule, object_id, at_id, evidence from finding where id = $1 and state <> 'resolved'",
        id
    )
    .fetch_optional(connection)
    .await?
    .ok_or_else(|| {
        Problem::invalid(
            "finding_id",
            "没有这个问题，或已整改 / there is no such finding, or it is put right",
        )
        .code("finding_unknown")
        .remedy("take over a finding that is open")
    })?;
    let words = crate::checks::catalogue()
        .map_err(Fault::from)?
        .rules
        .get(&row.rule)
        .map(|rule| rule.says(&row.evidence).zh)
        .unwrap_or_default();
    Ok((row.rule, row.object_id, row.at_id, words))
}

fn require_rule(rule: &str) -> Result<(), Problem> {
    if crate::checks::catalogue()
        .map_err(Fault::from)?
        .rules
        .contains_key(rule)
    {
        return Ok(());
    }
    Err(
        Problem::invalid("rule", format!("没有规则 {rule} / no rule is called {rule}"))
            .code("unknown_rule")
            .remedy("choose one of /api/v1/rules"),
    )
}

/// The papers, each once.
pub(super) fn papers(given: &[DocumentId]) -> Result<Vec<DocumentId>, Problem> {
    if given.len() > MOST_PAPERS {
        return Err(
            Problem::invalid("papers", format!("more than {MOST_PAPERS} papers")).remedy("name the ones that matter")
        );
    }
    let mut papers = given.to_vec();
    papers.sort_unstable();
    papers.dedup();
    Ok(papers)
}

async fn content(
    connection: &mut PgConnection,
    context: &Context,
    (inspection_id, inspection): (Uuid, &InspectionContent),
    note: &InspectionFindingNote,
) -> Result<FindingContent, Problem> {
    let missing = |field: &str| Problem::invalid(field, "必填 / it is missing").remedy(format!("send {field}"));
    let (rule, object_id, at_id, words) = match note.finding_id {
        Some(id) => {
            let (rule, object_id, at_id, words) = found_by_checks(connection, id).await?;
            (rule, object_id, at_id, Some(words))
        }
        None => (
            note.rule.clone().ok_or_else(|| missing("rule"))?,
            note.object_id.ok_or_else(|| missing("object_id"))?,
            None,
            None,
        ),
    };
    require_rule(&rule)?;
    let says = plain_text(
        "says",
        note.says.as_deref().or(words.as_deref()).unwrap_or_default(),
        2_000,
    )?;
    if says.is_empty() {
        return Err(missing("says"));
    }
    if !(1..=250).contains(&note.days) {
        return Err(
            Problem::invalid("days", "整改期限为 1–250 个工作日 / 1 to 250 working days").remedy("send 1 to 250"),
        );
    }
    let elsewhere = || {
        Problem::invalid(
            "object_id",
            "被检查范围内没有这个对象 / nothing of what is inspected has this id",
        )
        .code("object_elsewhere")
        .remedy("name a parcel, building, site, room or unit of the region that is inspected")
    };
    let thing = thing(connection, object_id).await?.ok_or_else(elsewhere)?;
    let region_code = thing
        .region_code
        .filter(|code| code.starts_with(crate::regions::subtree(&inspection.region_code)))
        .ok_or_else(elsewhere)?;
    Ok(FindingContent {
        inspection_id,
        rule,
        object_kind: thing.kind,
        thing_id: thing.id,
        at_id: at_id.or(thing.at_id),
        region_code,
        unit_id: note.unit_id.or(inspection.unit_id).or(thing.unit_id),
        finding_id: note.finding_id,
        says,
        state: "open".to_owned(),
        days: note.days,
        issued_on: None,
        due_on: None,
        found_by: context.actor.0.clone(),
        rectified_by: None,
        rechecked_by: None,
        deferred_until: None,
        deferred_by: None,
        details: FindingDetails {
            evidence: papers(&note.papers)?,
            steps: Vec::new(),
        },
    })
}

/// Registers what was found.
#[utoipa::path(post, path = "/api/v1/inspections/{id}/findings", operation_id = "note_inspection_finding", tag = "inspections",
    params(("id" = Uuid, Path), ("Idempotency-Key" = String, Header)), request_body = InspectionFindingNote,
    responses((status = 201, body = Created), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub(super) async fn note_inspection_finding(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(note): Body<InspectionFindingNote>,
) -> Result<Response, Problem> {
    let inspection_id = parse_id(&id)?;
    let idempotency = Idempotency::read(&headers, &("inspection-findings", &id, &note))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    // Held, so that no step is taken past what is found just now.
    let held = held_inspection(&mut transaction, inspection_id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    let definition = crate::inspections::definition_of(&mut transaction, &held.content).await?;
    require_role(&context.caller, "inspector", Inspected::from(&held.content))?;
    require_taken(&definition, &held.content, "finding")?;
    let content = content(&mut transaction, &context, (inspection_id.0, &held.content), &note).await?;
    let (now, today) = (context.clock.now(), context.clock.today());
    let finding = InspectionFindingId::fresh();
    let evidence = content.details.evidence.clone();
    let revision = revise(&[], ValidPeriod::since(today), Some(content), now);
    let occasion = Occasion::by(&context.actor, None);
    let version = write_revision(&mut transaction, finding.0, Action::Create, &revision, None, &occasion).await?;
    take_up(
        &mut transaction,
        &context,
        (Holder::InspectionFinding, finding.0),
        &evidence,
    )
    .await?;
    let location = format!("/api/v1/inspection-findings/{finding}");
    let created = answer_created(
        &mut transaction,
        &context,
        &idempotency,
        now,
        &location,
        finding.0,
        version,
    )
    .await?;
    transaction.commit().await?;
    Ok(created)
}
