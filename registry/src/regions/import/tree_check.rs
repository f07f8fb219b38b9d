//! Rows find their parents by the day the file speaks of, but what they say may hold for longer: the branches of later
//! days are looked at when everything is written.

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::imports::ImportFailed;
use crate::request::Problem;

/// Versions written since an instant: their parents are there throughout, and nothing stands below itself. What stands
/// below regions that were ended or changed since then is looked at too.
///
/// # Errors
/// [`ImportFailed::Refused`] naming the regions, or the database's.
pub(super) async fn require_tree(connection: &mut PgConnection, since: OffsetDateTime) -> Result<(), ImportFailed> {
    let orphan: Option<(String, String, Option<String>)> = sqlx::query_as(
        "with written as (select distinct object_id from region_version
                           where lower(recorded) >= $1 or upper(recorded) >= $1)
         select v.code, v.name, (select p.code from region_version p
                                  where p.object_id = v.parent_id and upper_inf(p.recorded)
                                  order by lower(p.valid) desc limit 1)
           from region_version v
          where upper_inf(v.recorded) and v.parent_id is not null
            and (v.object_id in (select object_id from written) or v.parent_id in (select object_id from written))
            and not (select coalesce(range_agg(p.valid) @> v.valid, false) from region_version p
                      where p.object_id = v.parent_id and upper_inf(p.recorded))
          order by v.code limit 1",
    )
    .bind(since)
    .fetch_optional(&mut *connection)
    .await?;
    if let Some((code, name, above)) = orphan {
        let above = above.unwrap_or_default();
        let detail = format!(
            "{code} {name} would stand below {above} on days on which {above} is not registered; nothing was written"
        );
        return Err(Problem::invalid("parent_code", detail)
            .code("parent_ends")
            .remedy(
                "import the file for a day on which the region above is registered without end, or register it first",
            )
            .into());
    }
    // Below itself is who is reached from its own parent while both branches hold.
    let circle: Option<(String, String)> = sqlx::query_as(
        "with recursive above (start, id, valid) as (
             select object_id, parent_id, valid from region_version
              where lower(recorded) >= $1 and upper_inf(recorded) and parent_id is not null
             union
             select a.start, v.parent_id, v.valid * a.valid from above a
               join region_version v on v.object_id = a.id and upper_inf(v.recorded) and v.valid && a.valid
              where v.parent_id is not null and a.id <> a.start)
         select v.code, v.name from above a
           join region_version v on v.object_id = a.start and upper_inf(v.recorded) and v.valid && a.valid
          where a.id = a.start
          order by v.code limit 1",
    )
    .bind(since)
    .fetch_optional(connection)
    .await?;
    match circle {
        None => Ok(()),
        Some((code, name)) => Err(Problem::invalid(
            "parent_code",
            format!("by what is known of other days, {code} {name} would stand below itself; nothing was written"),
        )
        .code("circle")
        .remedy("correct the parents of these regions first, or import the file for a later day")
        .into()),
    }
}
