//! The yearly filings and publications that wait for somebody (年度备案、内部公示): one by one for a unit's own people, and counted
//! by kind and year for whoever answers for many units.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use time::Date;

use super::owed_filings::{OwedFiling, owed_filings};
use crate::procedures::{Awaited, Waiting, WaitingKind, WaitingObject};
use crate::request::{Caller, Fault, Permission};

/// The filings that wait for a reader: of units whose filings are theirs to keep.
///
/// # Errors
/// The database's.
pub async fn waiting_filings(
    connection: &mut PgConnection,
    caller: &Caller,
    today: Date,
) -> Result<Vec<Waiting>, Fault> {
    let owed = owed_filings(connection, caller, today, None).await?;
    let mut reaches = caller.scope.reaches(Permission::KeepFilings);
    // A unit's own people are granted that unit.
    if reaches.all(|reach| reach.unit.is_some()) {
        return Ok(owed.iter().map(|one| of_one(one, today)).collect());
    }
    let mut years: BTreeMap<(&str, i32), Vec<&OwedFiling>> = BTreeMap::new();
    for one in &owed {
        years.entry((one.kind.as_str(), one.year)).or_default().push(one);
    }
    Ok(years
        .into_values()
        .filter_map(|missing| match missing.as_slice() {
            [] => None,
            [one] => Some(of_one(one, today)),
            [first, ..] => Some(Waiting {
                count: i64::try_from(missing.len()).unwrap_or(i64::MAX),
                procedure: Some(first.kind.as_str().to_owned()),
                about: Some(first.label()),
                link: Some(format!(
                    "/api/v1/owed-filings?kind={}&year={}",
                    first.kind.as_str(),
                    first.year
                )),
                ..Waiting::new(WaitingKind::UseFiling, None, Awaited::File)
                    .due(missing.iter().map(|one| one.due_on).min(), today)
            }),
        })
        .collect())
}

/// That of one unit.
fn of_one(owed: &OwedFiling, today: Date) -> Waiting {
    Waiting {
        procedure: Some(owed.kind.as_str().to_owned()),
        about: Some(owed.label()),
        object: Some(WaitingObject {
            kind: "unit".to_owned(),
            id: Some(owed.unit_id),
            code: Some(owed.unit_code.clone()),
            name: Some(owed.unit_name.clone()),
            ..WaitingObject::default()
        }),
        ..Waiting::new(WaitingKind::UseFiling, Some(owed.unit_id), Awaited::File).due(Some(owed.due_on), today)
    }
}
