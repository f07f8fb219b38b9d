//! That a difference is corrected: by a normal change, which it names from then on, or in the unit's own ledger.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::content::StocktakingContent;
use super::line::{BookLine, Decision, Difference, LineContent, areas_differ, same_number};
use super::record::{SettlementSent, area, optional};
use crate::request::{Context, Problem, ProblemKind};

fn not_yet(zh: &str, en: &str, code: &str, remedy: &str) -> Problem {
    Problem::new(ProblemKind::Conflict, format!("{zh} / {en}"))
        .code(code)
        .rule("ACC-02", "行政事业性国有资产管理条例 art. 39")
        .remedy(remedy)
}

/// What the ledger says of an object now.
struct Now {
    object_id: Uuid,
    version_id: Uuid,
    recorded_from: OffsetDateTime,
    kind: String,
    holds_today: bool,
    unit_id: Option<Uuid>,
    area_m2: Option<Decimal>,
    usage: Option<String>,
}

async fn asset_now(connection: &mut PgConnection, context: &Context, asset: Uuid) -> Result<Option<Now>, Problem> {
    let today = context.clock.today();
    Ok(sqlx::query_as!(
        Now,
        r#"select object_id as "object_id!", version_id as "version_id!", recorded_from as "recorded_from!",
                  kind as "kind!", holds_today as "holds_today!", unit_id, area_m2, usage
             from (select object_id, version_id, lower(recorded) as recorded_from, kind, valid @> $2::date as holds_today,
                          unit_id, registered_area_m2 as area_m2, usage, lower(valid) as since
                     from spatial_unit_version where object_id = $1 and upper_inf(recorded)
                    union all
                   select object_id, version_id, lower(recorded), 'room', valid @> $2::date,
                          unit_id, coalesce(use_area_m2, building_area_m2), room_type, lower(valid)
                     from room_version where object_id = $1 and upper_inf(recorded)) known
            order by holds_today desc, since desc limit 1"#,
        asset,
        today,
    )
    .fetch_optional(connection)
    .await?)
}

/// The certificate's version that holds now.
async fn title_now(
    connection: &mut PgConnection,
    context: &Context,
    asset: Uuid,
) -> Result<Option<(Uuid, Uuid, OffsetDateTime, Option<String>)>, Problem> {
    let title = sqlx::query!(
        r#"select object_id, version_id, lower(recorded) as "recorded_from!", cert_no
             from title_version
            where book_state = '1' and upper_inf(recorded) and valid @> $2::date
              and (parcel_ids @> array[$1::uuid] or building_ids @> array[$1::uuid])
            order by lower(valid) desc limit 1"#,
        asset,
        context.clock.today(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(title.map(|title| (title.object_id, title.version_id, title.recorded_from, title.cert_no)))
}

/// Where the change stands that corrected something.
struct Change {
    object_id: Uuid,
    version_id: Uuid,
    recorded_from: OffsetDateTime,
}

/// Says that the correction is made, where it is.
pub(super) async fn settle(
    connection: &mut PgConnection,
    context: &Context,
    stocktaking: &StocktakingContent,
    (book, held): (&BookLine, &LineContent),
    sent: &SettlementSent,
) -> Result<LineContent, Problem> {
    let mut line = held.clone();
    line.details.settlement_note = optional("note", sent.note.as_deref(), 1_000)?;
    match held.decision {
        Some(Decision::CorrectOwn) => corrected_own(connection, context, book, sent, &mut line).await?,
        Some(Decision::CorrectBook) => {
            let frozen_at = stocktaking.details.frozen_at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
            let change = corrected_book(connection, context, (book, held), sent).await?;
            if change.recorded_from <= frozen_at {
                return Err(not_yet(
                    "台账在冻结之后没有变更",
                    "the ledger wasn't changed since the list was frozen",
                    "not_corrected",
                    "change the ledger by the normal way first; the stocktaking never does it itself",
                ));
            }
            line.details.settled_entry_id = sqlx::query_scalar!(
                "select id from ledger_entry where object_id = $1 and recorded_at = $2 order by id desc limit 1",
                change.object_id,
                change.recorded_from,
            )
            .fetch_optional(connection)
            .await?;
            line.settled_object_id = Some(change.object_id);
            line.settled_version_id = Some(change.version_id);
        }
        _ => {
            return Err(not_yet(
                "该条没有需要更正的差异",
                "nothing of this line is to be corrected",
                "nothing_to_settle",
                "choose a difference of which a correction was decided",
            ));
        }
    }
    line.settled_on = Some(context.clock.today());
    Ok(line)
}

async fn corrected_own(
    connection: &mut PgConnection,
    context: &Context,
    book: &BookLine,
    sent: &SettlementSent,
    line: &mut LineContent,
) -> Result<(), Problem> {
    let asset = book.asset_id.unwrap_or_default();
    if line.own_area_m2.is_some() {
        line.own_area_m2 = area("own_area_m2", sent.own_area_m2)?.or(line.own_area_m2);
        let now = asset_now(connection, context, asset).await?;
        if areas_differ(line.own_area_m2, now.and_then(|now| now.area_m2)) {
            return Err(own_differs("own_area_m2"));
        }
    }
    if line.own_title_number.is_some() {
        let sent = optional("own_title_number", sent.own_title_number.as_deref(), 100)?;
        line.own_title_number = sent.or(line.own_title_number.take());
        let title = title_now(connection, context, asset).await?;
        let number = title.and_then(|(_, _, _, number)| number);
        if !same_number(line.own_title_number.as_deref(), number.as_deref()) {
            return Err(own_differs("own_title_number"));
        }
    }
    Ok(())
}

fn own_differs(field: &str) -> Problem {
    Problem::invalid(
        field,
        "分台账更正后仍与台账不一致 / the unit's own ledger still says something else than the ledger",
    )
    .code("own_ledger_differs")
    .rule("TTL-09", "党政机关办公用房管理办法 art. 6")
    .remedy("send what the unit's own ledger says after its correction")
}

async fn corrected_book(
    connection: &mut PgConnection,
    context: &Context,
    (book, held): (&BookLine, &LineContent),
    sent: &SettlementSent,
) -> Result<Change, Problem> {
    if held.difference == Some(Difference::Surplus) {
        return registered(connection, context, (book, held), sent).await;
    }
    let asset = book.asset_id.unwrap_or_default();
    let now = asset_now(connection, context, asset).await?.ok_or_else(|| {
        not_yet(
            "台账中找不到该资产",
            "the ledger doesn't know it any more",
            "not_corrected",
            "read the asset",
        )
    })?;
    if held.difference == Some(Difference::Shortfall) {
        if now.holds_today {
            return Err(not_yet(
                "该资产仍在台账中",
                "the ledger still holds it",
                "not_corrected",
                "write it off by the normal way (its closure, or a disposal case) first",
            ));
        }
        return Ok(Change {
            object_id: now.object_id,
            version_id: now.version_id,
            recorded_from: now.recorded_from,
        });
    }
    let title = title_now(connection, context, asset).await?;
    let still = |name: &str| -> bool {
        match name {
            "area" => areas_differ(held.found_area_m2, now.area_m2),
            "usage" => held.found_usage != now.usage,
            "unit" => held.found_unit_id.map(|unit| unit.0) != now.unit_id,
            // What was found on the site is right where the two differ in it.
            "own_area" => held.found_area_m2.is_none() && areas_differ(held.own_area_m2, now.area_m2),
            "own_title" => {
                let number = title.as_ref().and_then(|(_, _, _, number)| number.as_deref());
                !same_number(held.own_title_number.as_deref(), number)
            }
            _ => false,
        }
    };
    if let Some(name) = held.differs.iter().find(|name| still(name)) {
        return Err(not_yet(
            "台账尚未按核准的结果更正",
            &format!("the ledger doesn't say what was found yet ({name})"),
            "not_corrected",
            "change the ledger by the normal way first; the stocktaking never does it itself",
        ));
    }
    // A certificate's number alone is put right in the title.
    if let Some((object_id, version_id, recorded_from, _)) = title.filter(|_| held.differs == ["own_title"]) {
        return Ok(Change {
            object_id,
            version_id,
            recorded_from,
        });
    }
    Ok(Change {
        object_id: now.object_id,
        version_id: now.version_id,
        recorded_from: now.recorded_from,
    })
}

/// The surplus is registered: as something of its kind that was no line of the list.
async fn registered(
    connection: &mut PgConnection,
    context: &Context,
    (book, held): (&BookLine, &LineContent),
    sent: &SettlementSent,
) -> Result<Change, Problem> {
    let wrong = |zh: &str, en: &str| {
        Problem::invalid("object_id", format!("{zh} / {en}"))
            .code("not_registered")
            .rule("ACC-03", "行政事业性国有资产管理条例 art. 30")
            .remedy("register it by the normal way first and send the id it got")
    };
    let object = sent
        .object_id
        .ok_or_else(|| wrong("请选择登记后的资产", "say as what it is registered now"))?;
    let now = asset_now(connection, context, object)
        .await?
        .filter(|now| now.holds_today && now.kind == book.kind)
        .ok_or_else(|| wrong("没有登记这样的资产", "nothing of this kind is registered under this id"))?;
    let is_listed = sqlx::query_scalar!(
        r#"select exists (select from stocktaking_line where stocktaking_id = $1 and asset_id = $2)
                  or exists (select from stocktaking_line_version
                              where stocktaking_id = $1 and settled_object_id = $2 and upper_inf(recorded)) as "is_listed!""#,
        held.stocktaking_id.0,
        object,
    )
    .fetch_one(connection)
    .await?;
    if is_listed {
        return Err(wrong(
            "该资产原在清单中，或已用于另一条盘盈",
            "it was on the list already, or settles another surplus",
        ));
    }
    Ok(Change {
        object_id: now.object_id,
        version_id: now.version_id,
        recorded_from: now.recorded_from,
    })
}
