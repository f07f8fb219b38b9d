//! Trees whose branches hold for a time: regions under regions, units under units.

use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::period::ValidPeriod;
use crate::request::{Fault, Problem};

/// A tree of the registry.
#[derive(Debug, Clone, Copy)]
pub enum Tree {
    /// 行政区划
    Regions,
    /// 单位
    Units,
}

struct Statements {
    covers: &'static str,
    is_below: &'static str,
    children: &'static str,
    orphan: &'static str,
    circle: &'static str,
}

macro_rules! statements {
    ($versions:literal) => {
        Statements {
            covers: concat!(
                "select coalesce(range_agg(valid) @> $2::daterange, false) from ",
                $versions,
                " where object_id = $1 and upper_inf(recorded)"
            ),
            is_below: concat!(
                "with recursive above (id, valid) as (select $2::uuid, $3::daterange union ",
                "select v.parent_id, v.valid * above.valid from above join ",
                $versions,
                " v on v.object_id = above.id and upper_inf(v.recorded) and v.valid && above.valid ",
                "where v.parent_id is not null and above.id <> $1) ",
                "select exists (select from above where id = $1)"
            ),
            children: concat!(
                "select count(distinct object_id) from ",
                $versions,
                " where parent_id = $1 and upper_inf(recorded) and valid && daterange($2, null)"
            ),
            orphan: concat!(
                "with written as (select distinct object_id from ",
                $versions,
                " where lower(recorded) >= $1 or upper(recorded) >= $1) ",
                "select v.code, v.name, (select p.code from ",
                $versions,
                " p where p.object_id = v.parent_id and upper_inf(p.recorded) order by lower(p.valid) desc limit 1) from ",
                $versions,
                " v where upper_inf(v.recorded) and v.parent_id is not null ",
                "and (v.object_id in (select object_id from written) or v.parent_id in (select object_id from written)) ",
                "and not (select coalesce(range_agg(p.valid) @> v.valid, false) from ",
                $versions,
                " p where p.object_id = v.parent_id and upper_inf(p.recorded)) order by v.code limit 1"
            ),
            // Below itself is who is reached from its own parent while both branches hold.
            circle: concat!(
                "with recursive above (start, id, valid) as (select object_id, parent_id, valid from ",
                $versions,
                " where lower(recorded) >= $1 and upper_inf(recorded) and parent_id is not null union ",
                "select a.start, v.parent_id, v.valid * a.valid from above a join ",
                $versions,
                " v on v.object_id = a.id and upper_inf(v.recorded) and v.valid && a.valid ",
                "where v.parent_id is not null and a.id <> a.start) ",
                "select v.code, v.name from above a join ",
                $versions,
                " v on v.object_id = a.start and upper_inf(v.recorded) and v.valid && a.valid ",
                "where a.id = a.start order by v.code limit 1"
            ),
        }
    };
}

impl Tree {
    fn statements(self) -> Statements {
        match self {
            Self::Regions => statements!("region_version"),
            Self::Units => statements!("unit_version"),
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Regions => "region",
            Self::Units => "unit",
        }
    }

    /// Lets nobody else change the shape of this tree until the transaction ends: a circle can be closed by two changes
    /// of which neither sees the other. Taken before any row is locked.
    ///
    /// # Errors
    /// The database's.
    pub async fn lock(self, connection: &mut PgConnection) -> Result<(), Fault> {
        sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 17))", self.noun())
            .execute(connection)
            .await?;
        Ok(())
    }

    /// May `parent_id` stand above `id` (which may not be registered yet) throughout a period?
    ///
    /// # Errors
    /// A problem on `parent_id` where it isn't registered for the whole period or stands below `id` itself.
    pub async fn require_parent(
        self,
        connection: &mut PgConnection,
        id: Uuid,
        parent_id: Uuid,
        period: ValidPeriod,
    ) -> Result<(), Problem> {
        let noun = self.noun();
        let until = period
            .to
            .map_or_else(|| "without end".to_owned(), |to| format!("until {to}"));
        let range = PgRange::<Date>::from(period);
        let covers: bool = sqlx::query_scalar(self.statements().covers)
            .bind(parent_id)
            .bind(range)
            .fetch_one(&mut *connection)
            .await?;
        if !covers {
            return Err(Problem::invalid(
                "parent_id",
                format!("no {noun} {parent_id} is registered from {} {until}", period.from),
            )
            .remedy(format!(
                "register that {noun} for these days first, choose another parent or a later valid_from"
            )));
        }
        let is_below: bool = sqlx::query_scalar(self.statements().is_below)
            .bind(id)
            .bind(parent_id)
            .bind(range)
            .fetch_one(connection)
            .await?;
        if is_below {
            return Err(Problem::invalid(
                "parent_id",
                format!("{parent_id} is this {noun} itself or stands below it in these days"),
            )
            .code("circle")
            .remedy(format!("choose a {noun} that does not stand below this one")));
        }
        Ok(())
    }

    /// Stands nothing below `id` from a day on?
    ///
    /// # Errors
    /// A problem on `valid_to` that says how many do.
    pub async fn require_no_children(self, connection: &mut PgConnection, id: Uuid, from: Date) -> Result<(), Problem> {
        let below: i64 = sqlx::query_scalar(self.statements().children)
            .bind(id)
            .bind(from)
            .fetch_one(connection)
            .await?;
        if below == 0 {
            return Ok(());
        }
        let noun = self.noun();
        Err(Problem::invalid(
            "valid_to",
            format!("{below} {noun}s still stand below it on or after {from}"),
        )
        .code("has_children")
        .remedy("move them under another parent from that day on, or close them first"))
    }

    /// Is the tree whole on every day, for what was written since an instant? Parents are there throughout, and nothing
    /// stands below itself; what stands below objects that were ended or changed since then is looked at too. An import
    /// finds the parents of its rows by one day, but what it says may hold for longer.
    ///
    /// # Errors
    /// A problem on `parent_code` that names the objects, or the database's.
    pub async fn require_whole(self, connection: &mut PgConnection, since: OffsetDateTime) -> Result<(), Problem> {
        let noun = self.noun();
        let orphan: Option<(String, String, Option<String>)> = sqlx::query_as(self.statements().orphan)
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
                .remedy(format!(
                    "import the file for a day on which the {noun} above is registered without end, or register it first"
                )));
        }
        let circle: Option<(String, String)> = sqlx::query_as(self.statements().circle)
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
            .remedy(format!(
                "correct the parents of these {noun}s first, or import the file for a later day"
            ))),
        }
    }
}
