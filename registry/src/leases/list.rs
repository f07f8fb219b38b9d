//! `GET /api/v1/leases`: who rents what, until when, at what rent, and what is owed; and the sums of the same.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Query};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use time::Date;
use uuid::Uuid;

use super::{DIRECTIONS, LESSEE_KINDS, STATUSES};
use crate::checks::default_of;
use crate::period::day;
use crate::request::fields::{plain_text, require_word};
use crate::request::{Context, Fault, Listed, Listing, Page, Problem, SortColumn, Times};

/// What the list may be narrowed by.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// The id of the parcel or building.
    asset: Option<Uuid>,
    /// `out` or `in`.
    direction: Option<String>,
    /// One or several of `planned`, `running`, `expired` and `ended`, comma-separated.
    status: Option<String>,
    /// `enterprise`, `self_employed`, `unit` or `person`.
    lessee_kind: Option<String>,
    /// Only what ends within so many days, or has ended and was not handed back.
    expires_within: Option<i32>,
    /// Only what is in arrears (`true`), or is not (`false`).
    arrears: Option<bool>,
    /// Only leases of which rent should have gone to the treasury by now and did not (`true`).
    remittance_late: Option<bool>,
    /// Region code; places below it are included.
    region: Option<String>,
    /// Part of a party's name, a number of contract or approval, or of the asset's name, address or code.
    q: Option<String>,
    /// `ends_on` (the first to end first), `starts_on`, `area`, `rent`, `arrears` or `lessee`; a minus in front turns it
    /// round.
    sort: Option<String>,
    /// Rows a page, 1 to 1000.
    limit: Option<u32>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// Count all rows too.
    #[serde(default)]
    count: bool,
}

/// A row of the list.
#[derive(Debug, Serialize, FromRow, utoipa::ToSchema)]
pub struct LeaseLine {
    /// Its id.
    pub id: Uuid,
    /// The version that is known; its ETag.
    pub version_id: Uuid,
    /// `planned`, `running`, `expired` or `ended`.
    pub status: String,
    /// `out` or `in`.
    pub direction: String,
    /// The parcel or building; none where what is rented in stands in no register.
    pub asset_id: Option<Uuid>,
    /// `parcel` or `building`.
    pub asset_kind: Option<String>,
    /// Its name, else its address or code.
    pub asset_name: Option<String>,
    /// The region it lies in.
    pub region_code: Option<String>,
    /// How many of its rooms.
    pub rooms: i32,
    /// How much of it, m².
    pub area_m2: f64,
    /// Who lets.
    pub lessor_kind: String,
    /// Name.
    pub lessor_name: String,
    /// Who rents.
    pub lessee_kind: String,
    /// How large an enterprise it is.
    pub lessee_size: Option<String>,
    /// Name.
    pub lessee_name: String,
    /// Does the lessee let on?
    pub is_sublet: bool,
    /// The first day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub starts_on: Date,
    /// The last day of the term.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub ends_on: Date,
    /// The first day on which it is handed back.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub handed_back_on: Option<Date>,
    /// How many days are left of the term; negative where it is over.
    pub days_left: i32,
    /// Yuan a month.
    pub monthly_rent: String,
    /// 合同编号
    pub contract_number: Option<String>,
    /// 批准文号
    pub approval_number: Option<String>,
    /// What fell due by the day, yuan.
    pub due: String,
    /// What came in.
    pub paid: String,
    /// What fell due and did not come in.
    pub arrears: String,
    /// What was waived.
    pub waived: String,
    /// What went to the treasury.
    pub remitted: String,
    /// What should have gone there by now and did not.
    pub remittance_late: String,
}

const SORT: [SortColumn; 6] = [
    SortColumn {
        name: "ends_on",
        expression: "v.ends_on::text",
        is_number: false,
    },
    SortColumn {
        name: "starts_on",
        expression: "lower(v.valid)::text",
        is_number: false,
    },
    SortColumn {
        name: "area",
        expression: "v.area_m2::float8",
        is_number: true,
    },
    SortColumn {
        name: "rent",
        expression: "v.monthly_rent::float8",
        is_number: true,
    },
    SortColumn {
        name: "arrears",
        expression: "m.arrears::float8",
        is_number: true,
    },
    SortColumn {
        name: "lessee",
        expression: "v.lessee_name",
        is_number: false,
    },
];

/// The register of leases at a date: planned, running, past their term, handed back.
#[utoipa::path(get, path = "/api/v1/leases", operation_id = "list_leases", tag = "leases",
    params(ListQuery, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Page<LeaseLine>), (status = 400, body = Problem)))]
pub(super) async fn list_leases(
    context: Context,
    times: Times,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Page<LeaseLine>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let listing = Listing::new(&uri, &SORT, query.sort.as_deref(), query.limit, query.cursor.as_deref())?;
    let mut select = lines(times);
    select.push(",");
    listing.push_columns(&mut select);
    push_from(&mut select, times)?;
    narrow(&mut select, times, &query)?;
    listing.push_page(&mut select);
    let mut transaction = context.database.begin_snapshot().await?;
    let rows: Vec<Listed<LeaseLine>> = select.build_query_as().fetch_all(&mut *transaction).await?;
    let total = if query.count {
        let mut count = QueryBuilder::new("select count(*)");
        push_from(&mut count, times)?;
        narrow(&mut count, times, &query)?;
        Some(count.build_query_scalar().fetch_one(&mut *transaction).await?)
    } else {
        None
    };
    transaction.commit().await?;
    let page = listing.page(rows, total);
    let assets: Vec<Uuid> = page.items.iter().filter_map(|row| row.asset_id).collect();
    context.note_read_of(&assets).await?;
    Ok(Json(page))
}

/// Every row that is asked for, the first to end first.
pub(super) async fn all_lines(
    connection: &mut PgConnection,
    times: Times,
    query: &ListQuery,
) -> Result<Vec<LeaseLine>, Problem> {
    let mut select = lines(times);
    push_from(&mut select, times)?;
    narrow(&mut select, times, query)?;
    select.push(" order by v.ends_on, v.object_id");
    Ok(select.build_query_as().fetch_all(connection).await?)
}

/// The sums of the register.
#[derive(Debug, Serialize, FromRow, utoipa::ToSchema)]
pub(super) struct LeaseTotals {
    /// How many leases.
    pub count: i64,
    /// How many that have not begun.
    pub planned: i64,
    /// How many in their term.
    pub running: i64,
    /// How many past it and not handed back.
    pub expired: i64,
    /// How many handed back.
    pub ended: i64,
    /// How many of those running end soon: within the days of which the rules warn (`lease_warn_days`) where they lie.
    pub expiring: i64,
    /// How many are in arrears.
    pub in_arrears: i64,
    /// What is let or rented in on the day, m².
    pub area_m2: f64,
    /// The monthly rent of that, yuan.
    pub monthly_rent: String,
    /// What fell due by the day.
    pub due: String,
    /// What came in.
    pub paid: String,
    /// What fell due and did not come in.
    pub arrears: String,
    /// What was waived.
    pub waived: String,
    /// What went to the treasury.
    pub remitted: String,
    /// What should have gone there by now and did not.
    pub remittance_late: String,
}

/// The sums of the leases that the same question to the list would give.
#[utoipa::path(get, path = "/api/v1/lease-totals", operation_id = "lease_totals", tag = "leases",
    params(ListQuery, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = LeaseTotals), (status = 400, body = Problem)))]
pub(super) async fn lease_totals(
    context: Context,
    times: Times,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<LeaseTotals>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let mut select = QueryBuilder::new("select count(*) as count");
    for status in STATUSES {
        select.push(", count(*) filter (where ");
        push_status(&mut select, times);
        select.push(" = ").push_bind(status).push(") as ").push(status);
    }
    select
        .push(", count(*) filter (where v.valid @> ")
        .push_bind(times.as_of);
    select.push(" and v.ends_on >= ").push_bind(times.as_of);
    select
        .push(" and v.ends_on < ")
        .push_bind(times.as_of)
        .push("::date + ");
    push_days(&mut select, "lease_warn_days", times)?;
    select.push(
        ") as expiring, count(*) filter (where m.arrears > 0) as in_arrears,
           coalesce(sum(v.area_m2) filter (where v.valid @> ",
    );
    select.push_bind(times.as_of);
    select.push("), 0)::float8 as area_m2, coalesce(sum(v.monthly_rent) filter (where v.valid @> ");
    select.push_bind(times.as_of);
    select.push("), 0)::numeric(18, 2)::text as monthly_rent");
    for sum in ["due", "paid", "arrears", "waived", "remitted", "remittance_late"] {
        select
            .push(", coalesce(sum(m.")
            .push(sum)
            .push("), 0)::numeric(18, 2)::text as ")
            .push(sum);
    }
    push_from(&mut select, times)?;
    narrow(&mut select, times, &query)?;
    let mut transaction = context.database.begin_snapshot().await?;
    let totals = select.build_query_as().fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(Json(totals))
}

fn push_status(select: &mut QueryBuilder<Postgres>, times: Times) {
    select.push("case when lower(v.valid) > ").push_bind(times.as_of);
    select
        .push(" then 'planned' when upper(v.valid) <= ")
        .push_bind(times.as_of);
    select.push(" then 'ended' when v.ends_on < ").push_bind(times.as_of);
    select.push(" then 'expired' else 'running' end");
}

fn lines(times: Times) -> QueryBuilder<Postgres> {
    let mut select = QueryBuilder::new("select v.object_id as id, v.version_id, ");
    push_status(&mut select, times);
    select.push(
        " as status, v.direction, v.asset_id, a.kind as asset_kind, coalesce(a.name, a.address, a.code, v.address) as asset_name,
          a.region_code, cardinality(v.room_ids) as rooms, v.area_m2::float8 as area_m2, v.lessor_kind, v.lessor_name,
          v.lessee_kind, v.lessee_size, v.lessee_name, v.is_sublet, lower(v.valid) as starts_on, v.ends_on,
          upper(v.valid) as handed_back_on, v.ends_on - ",
    );
    select.push_bind(times.as_of).push(
        " as days_left, v.monthly_rent::text as monthly_rent, v.contract_number, v.approval_number,
          m.due::text as due, m.paid::text as paid, m.arrears::text as arrears, m.waived::text as waived,
          m.remitted::text as remitted, m.remittance_late::text as remittance_late",
    );
    select
}

/// The days that a rule compares with where the lease's asset lies.
fn push_days(select: &mut QueryBuilder<Postgres>, parameter: &'static str, times: Times) -> Result<(), Fault> {
    select.push("rule_parameter_at(").push_bind(parameter);
    select.push(", a.region_code, ").push_bind(times.as_of);
    select.push(", ").push_bind(times.known_at);
    select.push(", ").push_bind(default_of(parameter)?).push(")::int");
    Ok(())
}

pub(super) fn push_from(select: &mut QueryBuilder<Postgres>, times: Times) -> Result<(), Fault> {
    select.push(
        " from lease_version v
          left join lateral (
               select kind, name, address, code, region_code, admin_level, unit_id
                 from spatial_unit_version s
                where s.object_id = v.asset_id and s.recorded @> ",
    );
    select.push_bind(times.known_at).push(" order by s.valid @> ");
    select.push_bind(times.as_of).push(
        " desc, lower(s.valid) desc limit 1) found on true
          left join lateral (
               select region_code, level from unit_version u
                where u.object_id = v.unit_id and v.asset_id is null and u.recorded @> ",
    );
    select.push_bind(times.known_at).push(" order by u.valid @> ");
    select.push_bind(times.as_of).push(
        " desc, lower(u.valid) desc limit 1) renting on true
          cross join lateral (
               select found.kind, found.name, found.address, found.code,
                      coalesce(found.region_code, renting.region_code) as region_code,
                      coalesce(found.admin_level, renting.level) as admin_level,
                      coalesce(found.unit_id, v.unit_id) as unit_id) a
          left join lateral (
               select coalesce(sum(i.amount_due) filter (where i.due_on < ",
    );
    select.push_bind(times.as_of).push(
        "), 0)::numeric(16, 2) as due, coalesce(sum(i.amount - i.amount_due), 0)::numeric(16, 2) as waived
                 from rent_instalment_version i
                where i.object_id = v.object_id and i.recorded @> ",
    );
    select.push_bind(times.known_at).push(
        ") owed on true
          left join lateral (
               select coalesce(sum(p.amount) filter (where p.kind = 'payment'), 0)::numeric(16, 2) as paid,
                      coalesce(sum(p.amount) filter (where p.kind = 'remittance'), 0)::numeric(16, 2) as remitted,
                      coalesce(sum(p.amount) filter (where p.kind = 'payment' and lower(p.valid) + ",
    );
    push_days(select, "remit_days", times)?;
    select.push(" < ");
    select.push_bind(times.as_of).push(
        "), 0)::numeric(16, 2) as to_remit
                 from rent_movement_version p
                where p.object_id = v.object_id and p.kind <> 'reversal' and p.recorded @> ",
    );
    select
        .push_bind(times.known_at)
        .push(" and lower(p.valid) <= ")
        .push_bind(times.as_of);
    select.push(
        " and not exists (select from rent_movement_version r
                           where r.reverses_id = p.version_id and r.recorded @> ",
    );
    select
        .push_bind(times.known_at)
        .push(" and lower(r.valid) <= ")
        .push_bind(times.as_of);
    select.push(
        ")) moved on true
          cross join lateral (
               select owed.due, owed.waived, moved.paid, moved.remitted, greatest(owed.due - moved.paid, 0.00) as arrears,
                      case when v.direction = 'out' and v.lessor_kind in ('bureau', 'using_unit')
                           then greatest(moved.to_remit - moved.remitted, 0.00) else 0.00 end
                          as remittance_late) m",
    );
    Ok(())
}

fn narrow(select: &mut QueryBuilder<Postgres>, times: Times, query: &ListQuery) -> Result<(), Problem> {
    let given = |field: &str, value: &Option<String>| match value.as_deref() {
        None | Some("") => Ok(None),
        Some(value) => plain_text(field, value, 400).map(Some),
    };
    select.push(" where v.recorded @> ").push_bind(times.known_at);
    if let Some(asset) = query.asset {
        select.push(" and (v.asset_id = ").push_bind(asset);
        // On an earlier day its rooms may have been in a building that was split or merged since.
        select
            .push(" or exists (select from room_version r where r.object_id = any(v.room_ids) and r.building_id = ")
            .push_bind(asset)
            .push(" and r.valid @> ")
            .push_bind(times.as_of)
            .push(" and r.recorded @> ")
            .push_bind(times.known_at)
            .push("))");
    }
    for (column, list, value) in [
        ("direction", &DIRECTIONS[..], &query.direction),
        ("lessee_kind", &LESSEE_KINDS[..], &query.lessee_kind),
    ] {
        if let Some(word) = given(column, value)? {
            require_word(column, &word, list).map_err(|problem| Problem::bad(column, problem.detail))?;
            select.push(" and v.").push(column).push(" = ").push_bind(word);
        }
    }
    if let Some(statuses) = given("status", &query.status)? {
        let statuses: Vec<String> = statuses.split(',').map(|status| status.trim().to_owned()).collect();
        for status in &statuses {
            require_word("status", status, &STATUSES).map_err(|problem| Problem::bad("status", problem.detail))?;
        }
        select.push(" and ");
        push_status(select, times);
        select.push(" = any(").push_bind(statuses).push(")");
    }
    if let Some(days) = query.expires_within {
        if !(0..=36_600).contains(&days) {
            return Err(Problem::bad("expires_within", "a number of days, 0 to 36600"));
        }
        select.push(" and v.valid @> ").push_bind(times.as_of);
        select
            .push(" and v.ends_on < ")
            .push_bind(times.as_of)
            .push("::date + ")
            .push_bind(days);
    }
    if let Some(arrears) = query.arrears {
        select.push(if arrears {
            " and m.arrears > 0"
        } else {
            " and m.arrears = 0"
        });
    }
    if let Some(late) = query.remittance_late {
        select.push(if late {
            " and m.remittance_late > 0"
        } else {
            " and m.remittance_late = 0"
        });
    }
    if let Some(region) = given("region", &query.region)? {
        // The region and everything below it: codes grow to the right.
        select
            .push(" and starts_with(a.region_code, ")
            .push_bind(crate::regions::subtree(&region).to_owned())
            .push(")");
    }
    if let Some(q) = given("q", &query.q)? {
        let pattern = crate::request::contains_pattern(&q);
        for (index, column) in [
            "v.lessee_name",
            "v.lessor_name",
            "v.contract_number",
            "v.approval_number",
            "a.name",
            "a.address",
            "a.code",
            "v.address",
        ]
        .iter()
        .enumerate()
        {
            select.push(if index == 0 { " and (" } else { " or " });
            select.push(*column).push(" ilike ").push_bind(pattern.clone());
        }
        select.push(")");
    }
    Ok(())
}
