//! Cases for many assets at once: what could be opened and what stands in the way, and opening those that can be.
//!
//! A clerk looks first and opens then. What can't be opened (somebody is at it already, its title says otherwise, it lies
//! elsewhere) is left out and told with its reason; everything else is opened in one transaction, a case each in its own right.

use std::collections::{HashMap, HashSet};

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::content::{CaseContent, CaseDetails, CaseDocument};
use super::open::{case_documents, competing};
use super::procedure::Definition;
use crate::documents::{Holder, attach_documents};
use crate::ids::TitleCaseId;
use crate::ledger::Action;
use crate::period::{ValidPeriod, revise};
use crate::request::fields::{optional_reason, plain_text};
use crate::request::{Body, Context, Fault, Idempotency, Problem, ProblemKind};
use crate::titles::dictionaries::PolicyAction;
use crate::titles::permission::{TitleAction, require, require_at};
use crate::versioned::{Occasion, VersionWriter, answer};

/// The most cases that are opened at once.
pub(super) const AT_ONCE: usize = 500;

/// For what cases are to be opened, and what all of them say.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TitleCaseBatch)]
pub(super) struct Batch {
    /// Parcels and buildings, by their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    asset_ids: Vec<Uuid>,
    /// Parcels and buildings, by their codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    codes: Vec<String>,
    /// All parcels and buildings of this site, and the buildings on its parcels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    site_id: Option<Uuid>,
    /// What they will be classified as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy_action: Option<PolicyAction>,
    /// The papers that all of them have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    documents: Vec<CaseDocument>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Why no case can be opened for something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = TitleCaseObstacle)]
pub(super) struct Obstacle {
    /// `not_found`, `several_found`, `no_more`, `out_of_scope`, `case_pending`, `titled`, `no_title` or `several_titles`.
    code: &'static str,
    /// In Chinese.
    zh: String,
    /// In English.
    en: String,
}

impl Obstacle {
    fn new(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            code,
            zh: zh.into(),
            en: en.into(),
        }
    }
}

/// One that was asked for.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = TitleCaseBatchLine)]
pub(super) struct BatchLine {
    /// The parcel or building; null where there is none.
    asset_id: Option<Uuid>,
    /// `parcel` or `building`.
    kind: Option<String>,
    /// Its code, or what was asked for.
    code: Option<String>,
    /// Its name.
    name: Option<String>,
    /// The title that the case is about.
    title_id: Option<Uuid>,
    /// 不动产单元号 of that title.
    unit_code: Option<String>,
    /// What stands in the way.
    obstacle: Option<Obstacle>,
    /// The case: that was opened, or that stands in the way.
    case_id: Option<Uuid>,
}

impl BatchLine {
    fn unknown(code: Option<String>, obstacle: Obstacle) -> Self {
        Self {
            asset_id: None,
            kind: None,
            code,
            name: None,
            title_id: None,
            unit_code: None,
            obstacle: Some(obstacle),
            case_id: None,
        }
    }
}

/// What could be opened, or what was.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TitleCaseBatchOutcome)]
pub(super) struct Outcome {
    /// One for each that was asked for, in the order asked for.
    items: Vec<BatchLine>,
    /// So many can be opened, or were.
    opened: usize,
    /// So many can't.
    left_out: usize,
}

impl Outcome {
    fn of(items: Vec<BatchLine>) -> Self {
        let left_out = items.iter().filter(|line| line.obstacle.is_some()).count();
        Self {
            opened: items.len() - left_out,
            left_out,
            items,
        }
    }
}

const NOT_FOUND: (&str, &str) = (
    "没有登记这个宗地或楼栋",
    "no parcel or building is registered under this",
);

/// An asset as it is now.
struct Held {
    kind: String,
    code: Option<String>,
    name: Option<String>,
    is_there: bool,
}

/// A current title of an asset.
struct Current {
    id: Uuid,
    unit_code: Option<String>,
}

/// A pending case.
struct Pending {
    id: Uuid,
    number: i64,
    opened_by: String,
    state: String,
}

impl Batch {
    /// Everything that was asked for, each once: an id, or a line of what is none.
    async fn asked(&self, connection: &mut PgConnection) -> Result<Vec<Result<Uuid, BatchLine>>, Problem> {
        let mut asked: Vec<Result<Uuid, BatchLine>> = self.asset_ids.iter().copied().map(Ok).collect();
        if let Some(site) = self.site_id {
            let of_site = of_site(connection, site).await?;
            if of_site.is_empty() {
                return Err(Problem::invalid(
                    "site_id",
                    "该院落没有宗地和楼栋 / this site has no parcels and buildings",
                )
                .code("site_empty")
                .remedy("send the id of a site whose parcels and buildings are registered"));
            }
            asked.extend(of_site.into_iter().map(Ok));
        }
        let mut codes = Vec::with_capacity(self.codes.len().min(AT_ONCE));
        for (index, code) in self.codes.iter().enumerate() {
            codes.push(plain_text(&format!("codes[{index}]"), code, 200)?);
        }
        codes.retain(|code| !code.is_empty());
        if codes.len() > AT_ONCE || asked.len() > AT_ONCE {
            return Err(too_many());
        }
        let found = by_code(connection, &codes).await?;
        for code in codes {
            asked.push(match found.get(&code).map(Vec::as_slice) {
                None | Some([]) => Err(BatchLine::unknown(
                    Some(code),
                    Obstacle::new("not_found", NOT_FOUND.0, NOT_FOUND.1),
                )),
                Some([id]) => Ok(*id),
                Some(several) => Err(BatchLine::unknown(
                    Some(code),
                    Obstacle::new(
                        "several_found",
                        format!("有 {} 处资产用这个编码，请按标识选择", several.len()),
                        format!("{} assets have this code: choose by id", several.len()),
                    ),
                )),
            });
        }
        let mut known = HashSet::new();
        asked.retain(|one| one.as_ref().map_or(true, |id| known.insert(*id)));
        if asked.is_empty() {
            return Err(
                Problem::invalid("asset_ids", "请选择宗地或楼栋 / name parcels or buildings")
                    .remedy("send asset_ids, codes or a site_id"),
            );
        }
        if asked.len() > AT_ONCE {
            return Err(too_many());
        }
        Ok(asked)
    }

    /// What can be opened, and what stands in the way of the rest.
    async fn judged(&self, connection: &mut PgConnection, context: &Context) -> Result<Vec<BatchLine>, Problem> {
        let asked = self.asked(&mut *connection).await?;
        let ids: Vec<Uuid> = asked.iter().filter_map(|one| one.as_ref().ok().copied()).collect();
        let held = held(connection, &ids, context).await?;
        let mut titles = titles(connection, &ids, context).await?;
        let codes: Vec<String> = titles
            .values()
            .flatten()
            .filter_map(|title| title.unit_code.clone())
            .collect();
        let (of_assets, of_units) = pending(connection, &ids, &codes).await?;
        let mut units = HashSet::new();
        let mut lines = Vec::with_capacity(asked.len());
        for one in asked {
            let id = match one {
                Ok(id) => id,
                Err(line) => {
                    lines.push(line);
                    continue;
                }
            };
            let Some(asset) = held.get(&id) else {
                let obstacle = Obstacle::new("not_found", NOT_FOUND.0, NOT_FOUND.1);
                lines.push(BatchLine {
                    asset_id: Some(id),
                    ..BatchLine::unknown(None, obstacle)
                });
                continue;
            };
            let titles = titles.remove(&id).unwrap_or_default();
            let mut line = BatchLine {
                asset_id: Some(id),
                kind: Some(asset.kind.clone()),
                code: asset.code.clone(),
                name: asset.name.clone(),
                title_id: None,
                unit_code: None,
                obstacle: None,
                case_id: None,
            };
            if let [title] = titles.as_slice() {
                line.title_id = Some(title.id);
                line.unit_code.clone_from(&title.unit_code);
            }
            let standing = of_assets
                .get(&id)
                .or_else(|| of_units.get(line.unit_code.as_deref()?))
                .filter(|_| !self.is_entry());
            line.obstacle = match require_at(connection, context, TitleAction::WorkOnCase, &[id]).await {
                Ok(()) => self.obstacle(asset, &titles, standing)?,
                Err(problem) if problem.code.as_deref() == Some("out_of_scope") => Some(Obstacle::new(
                    "out_of_scope",
                    "不在您的办理范围",
                    "it lies outside of your part of the registry",
                )),
                Err(problem) => return Err(problem),
            };
            // Two assets of one title are one case.
            if line.obstacle.is_none()
                && !self.is_entry()
                && line.unit_code.as_ref().is_some_and(|code| !units.insert(code.clone()))
            {
                line.obstacle = Some(Obstacle::new(
                    "case_pending",
                    "同一产权的另一处资产已在本次清单中立案",
                    "another asset of the same title is in this list: one case is opened for both",
                ));
            }
            if line
                .obstacle
                .as_ref()
                .is_some_and(|obstacle| obstacle.code == "case_pending")
            {
                line.case_id = standing.map(|case| case.id);
            }
            lines.push(line);
        }
        Ok(lines)
    }

    /// Is something entered on a title beside whatever else is under way?
    fn is_entry(&self) -> bool {
        matches!(
            self.policy_action,
            Some(PolicyAction::Objection | PolicyAction::PreNotice | PolicyAction::Seizure)
        )
    }

    fn obstacle(
        &self,
        asset: &Held,
        titles: &[Current],
        standing: Option<&Pending>,
    ) -> Result<Option<Obstacle>, Fault> {
        if !asset.is_there {
            return Ok(Some(Obstacle::new(
                "no_more",
                "该资产已经终止",
                "this asset is no more",
            )));
        }
        if let Some(case) = standing {
            let state = super::definition()?.state(&case.state);
            return Ok(Some(Obstacle::new(
                "case_pending",
                format!(
                    "{}立案的第 {} 号案件正在办理（{}）",
                    case.opened_by,
                    case.number,
                    state.map_or(case.state.as_str(), |state| &state.zh)
                ),
                format!(
                    "case {} of {} is pending ({})",
                    case.number,
                    case.opened_by,
                    state.map_or(case.state.as_str(), |state| &state.en)
                ),
            )));
        }
        let needs_title = self.is_entry()
            || matches!(
                self.policy_action,
                Some(PolicyAction::Change | PolicyAction::Correct | PolicyAction::Cancel)
            );
        Ok(match titles {
            [] if needs_title => Some(Obstacle::new(
                "no_title",
                "没有现势产权，无从办理这一业务",
                "there is no current title to do this with",
            )),
            [_, ..] if self.policy_action == Some(PolicyAction::FirstRegister) => Some(Obstacle::new(
                "titled",
                "已有现势产权，不需要补办登记",
                "it has a current title: nothing is to be registered for the first time",
            )),
            [_, _, ..] => Some(Obstacle::new(
                "several_titles",
                "有多份现势产权，请逐份立案",
                "it has several current titles: open a case of each by itself",
            )),
            _ => None,
        })
    }

    fn content(&self, line: &BatchLine, asset: Uuid, context: &Context, definition: &Definition) -> CaseContent {
        CaseContent {
            asset_id: asset,
            unit_code: line.unit_code.clone(),
            title_id: line.title_id,
            state: definition.initial.clone(),
            opened_by: context.actor.0.clone(),
            submitted_by: None,
            reviewed_by: None,
            due_on: None,
            review_on: None,
            disposal_frozen: false,
            details: CaseDetails {
                policy_action: self.policy_action,
                documents: self.documents.clone(),
                ..CaseDetails::default()
            },
            definition: Some(definition.digest()),
        }
    }
}

fn too_many() -> Problem {
    Problem::invalid(
        "asset_ids",
        format!("一次最多 {AT_ONCE} 处 / {AT_ONCE} parcels and buildings at once, at most"),
    )
    .code("too_many")
    .remedy("open them in several goes")
}

/// The parcels and buildings of a site today, and the buildings on its parcels.
async fn of_site(connection: &mut PgConnection, site: Uuid) -> Result<Vec<Uuid>, Fault> {
    Ok(sqlx::query_scalar!(
        r#"with own as (
           select r.lower_id, r.kind from spatial_unit_relation r
            where r.upper_id = $1 and r.kind in ('site_parcel', 'site_building')
              and upper_inf(r.recorded) and upper_inf(r.valid)),
           every as (
           select lower_id as id from own
            union
           select r.lower_id from spatial_unit_relation r
             join own on own.lower_id = r.upper_id and own.kind = 'site_parcel'
            where r.kind = 'parcel_building' and upper_inf(r.recorded) and upper_inf(r.valid))
           select every.id as "id!" from every
             join spatial_unit_version v on v.object_id = every.id and upper_inf(v.recorded) and upper_inf(v.valid)
            where exists (select from spatial_unit_version s where s.object_id = $1 and s.kind = 'site')
            order by v.kind desc, coalesce(v.name, v.code, ''), every.id"#,
        site,
    )
    .fetch_all(connection)
    .await?)
}

async fn by_code(connection: &mut PgConnection, codes: &[String]) -> Result<HashMap<String, Vec<Uuid>>, Fault> {
    let rows = sqlx::query!(
        r#"select distinct v.code as "code!", v.object_id from spatial_unit_version v
            where v.code = any($1) and v.kind in ('parcel', 'building') and upper_inf(v.recorded) and upper_inf(v.valid)"#,
        codes,
    )
    .fetch_all(connection)
    .await?;
    let mut found: HashMap<String, Vec<Uuid>> = HashMap::new();
    for row in rows {
        found.entry(row.code).or_default().push(row.object_id);
    }
    Ok(found)
}

async fn held(connection: &mut PgConnection, ids: &[Uuid], context: &Context) -> Result<HashMap<Uuid, Held>, Fault> {
    let rows = sqlx::query!(
        r#"select distinct on (v.object_id) v.object_id, v.kind, v.code, v.name,
                  coalesce(upper(v.valid) > $2::date, true) as "is_there!"
             from spatial_unit_version v
            where v.object_id = any($1) and v.kind in ('parcel', 'building') and upper_inf(v.recorded)
            order by v.object_id, lower(v.valid) desc"#,
        ids,
        context.clock.today(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            (
                row.object_id,
                Held {
                    kind: row.kind,
                    code: row.code,
                    name: row.name,
                    is_there: row.is_there,
                },
            )
        })
        .collect())
}

async fn titles(
    connection: &mut PgConnection,
    ids: &[Uuid],
    context: &Context,
) -> Result<HashMap<Uuid, Vec<Current>>, Fault> {
    let rows = sqlx::query!(
        r#"select asset.id as "asset_id!", t.object_id, t.unit_code
             from title_version t
            cross join lateral unnest(t.parcel_ids || t.building_ids) as asset (id)
            where t.book_state = '1' and upper_inf(t.recorded) and t.valid @> $2::date
              and (t.parcel_ids && $1::uuid[] or t.building_ids && $1::uuid[]) and asset.id = any($1)
            order by t.object_id"#,
        ids,
        context.clock.today(),
    )
    .fetch_all(connection)
    .await?;
    let mut titles: HashMap<Uuid, Vec<Current>> = HashMap::new();
    for row in rows {
        titles.entry(row.asset_id).or_default().push(Current {
            id: row.object_id,
            unit_code: row.unit_code,
        });
    }
    Ok(titles)
}

/// Pending cases that hold assets and units, by both.
async fn pending(
    connection: &mut PgConnection,
    ids: &[Uuid],
    codes: &[String],
) -> Result<(HashMap<Uuid, Pending>, HashMap<String, Pending>), Fault> {
    let rows = sqlx::query!(
        r#"select v.object_id, v.asset_id, v.opened_by, v.state, c.number,
                  array(select code from unnest($2::text[]) code where title_firm_code(code) = v.firm_code) as "codes!"
             from title_case_version v
             join title_case c on c.id = v.object_id
            where upper_inf(v.recorded) and v.state <> 'archived'
              and coalesce(v.details ->> 'policy_action', '') not in ('objection', 'pre_notice', 'seizure')
              and (v.asset_id = any($1) or v.firm_code = any(array(select title_firm_code(code) from unnest($2::text[]) code)))"#,
        ids,
        codes,
    )
    .fetch_all(connection)
    .await?;
    let (mut of_assets, mut of_units) = (HashMap::new(), HashMap::new());
    for row in rows {
        let case = || Pending {
            id: row.object_id,
            number: row.number,
            opened_by: row.opened_by.clone(),
            state: row.state.clone(),
        };
        of_assets.insert(row.asset_id, case());
        for code in &row.codes {
            of_units.insert(code.clone(), case());
        }
    }
    Ok((of_assets, of_units))
}

/// What cases for many assets would come to: which can be opened, and why the others can't. Nothing is written.
#[utoipa::path(post, path = "/api/v1/title-case-previews", operation_id = "preview_title_cases", tag = "title cases",
    request_body = Batch, responses((status = 200, body = Outcome), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn preview_title_cases(context: Context, Body(batch): Body<Batch>) -> Result<Json<Outcome>, Problem> {
    require(&context.caller, TitleAction::WorkOnCase)?;
    let definition = super::definition()?;
    case_documents(&batch.documents, definition, context.clock.today())?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let items = batch.judged(&mut snapshot, &context).await?;
    drop(snapshot);
    note(&context, &items).await?;
    Ok(Json(Outcome::of(items)))
}

/// Opens a case for each of many assets that can have one; the others are told with what stands in the way.
#[utoipa::path(post, path = "/api/v1/title-case-batches", operation_id = "open_title_cases", tag = "title cases",
    params(("Idempotency-Key" = String, Header)), request_body = Batch,
    responses((status = 201, body = Outcome), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn open_title_cases(
    context: Context,
    headers: HeaderMap,
    Body(batch): Body<Batch>,
) -> Result<Response, Problem> {
    require(&context.caller, TitleAction::WorkOnCase)?;
    let idempotency = Idempotency::read(&headers, &("title-case-batches", &batch))?;
    let (now, today) = (context.clock.now(), context.clock.today());
    let definition = super::definition()?;
    let batch = Batch {
        documents: case_documents(&batch.documents, definition, today)?,
        ..batch
    };
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let mut items = batch.judged(&mut transaction, &context).await?;
    crate::procedures::keep(&mut transaction, definition, now).await?;
    let occasion = Occasion::by(&context.actor, optional_reason(batch.reason.as_deref())?);
    let mut writer = VersionWriter::default();
    for line in items.iter_mut().filter(|line| line.obstacle.is_none()) {
        let Some(asset) = line.asset_id else { continue };
        let case = TitleCaseId::fresh();
        let content = batch.content(line, asset, &context, definition);
        writer.register(case.0, now);
        let revision = revise(&[], ValidPeriod::since(today), Some(content), now);
        writer.revise(case.0, Action::Create, &revision, None, &occasion)?;
        line.case_id = Some(case.0);
    }
    let outcome = Outcome::of(items);
    if outcome.opened == 0 {
        let why = outcome.items.iter().find_map(|line| line.obstacle.as_ref());
        let (zh, en) = why.map_or(("", ""), |why| (why.zh.as_str(), why.en.as_str()));
        return Err(Problem::new(
            ProblemKind::Conflict,
            format!("没有一处可以立案：{zh} / none of these can have a case: {en}"),
        )
        .code("nothing_to_open")
        .remedy("ask POST /api/v1/title-case-previews what stands in the way of each"));
    }
    // Somebody may have opened one in this moment: what is received first is dealt with first, and nothing is opened here.
    if let Err(fault) = writer.flush(&mut transaction).await {
        transaction.rollback().await?;
        let opened = outcome.items.iter().filter(|line| line.obstacle.is_none());
        return Err(overtaken(&context, opened, fault.into()).await);
    }
    let files: Vec<_> = batch.documents.iter().filter_map(|document| document.file).collect();
    for case in outcome.items.iter().filter(|line| line.obstacle.is_none()) {
        let Some(case) = case.case_id.filter(|_| !files.is_empty()) else {
            continue;
        };
        let unknown = attach_documents(&mut transaction, &context, Holder::TitleCase, case, &files).await?;
        if let Some(unknown) = unknown {
            let index = batch
                .documents
                .iter()
                .position(|document| document.file == Some(unknown));
            return Err(Problem::invalid(
                &format!("documents[{}].file", index.unwrap_or_default()),
                format!("{unknown} is no paper that you brought or may read"),
            )
            .code("file_unknown")
            .remedy("bring it first: POST /api/v1/documents"));
        }
    }
    let location = "/api/v1/title-cases";
    let body = serde_json::json!(outcome);
    idempotency
        .keep(&mut transaction, &context.actor, now, location, "", &body)
        .await?;
    transaction.commit().await?;
    note(&context, &outcome.items).await?;
    Ok(answer(StatusCode::CREATED, Some(location), None, Json(body)))
}

async fn note(context: &Context, items: &[BatchLine]) -> Result<(), Problem> {
    let told: Vec<Uuid> = items.iter().filter_map(|line| line.asset_id).collect();
    context.note_read_of(&told).await
}

/// Whose case was first, where one of these is held by now.
async fn overtaken<'a>(context: &Context, opened: impl Iterator<Item = &'a BatchLine>, problem: Problem) -> Problem {
    for line in opened {
        let Some(asset) = line.asset_id else { continue };
        let named = competing(context, asset, line.unit_code.as_deref(), problem.clone()).await;
        if named.detail != problem.detail {
            return named;
        }
    }
    problem
}
