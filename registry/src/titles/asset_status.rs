//! The registration status of an asset (权属登记情况) follows the book. The asset itself keeps it; nothing here has a copy.

use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::content::TitleContent;
use super::dictionaries::BookState;
use super::encumbrances::lift_all;
use super::holder::{Holder, Unification};
use crate::ids::TitleId;
use crate::ledger::Action;
use crate::period::{ValidPeriod, revise};
use crate::request::{Fault, Problem};
use crate::versioned::Occasion;

/// What an asset may be once no title is left in it: nothing of the national list that speaks of a registration.
const WITHOUT_TITLE: [&str; 3] = ["none_handed", "none_not_handed", "other"];

/// What the national list calls an asset whose title is held so. Whoever registers a title has its papers.
#[must_use]
pub fn status_of(holders: &[Holder]) -> &'static str {
    match Unification::of(holders) {
        Unification::UnifiedBureau | Unification::UnifiedGovernment => "unified",
        Unification::PlatformCompany | Unification::NotUnified => "other_handed",
    }
}

/// The status that is said to hold once a title has ended.
///
/// # Errors
/// A problem for one that speaks of a registration.
pub fn status_without_title(said: Option<&str>) -> Result<&'static str, Problem> {
    let said = said.unwrap_or(WITHOUT_TITLE[0]);
    WITHOUT_TITLE.into_iter().find(|status| *status == said).ok_or_else(|| {
        Problem::invalid(
            "asset_status",
            format!("{said:?} is no status of an asset without a title"),
        )
        .remedy(format!("choose one of {}", WITHOUT_TITLE.join(", ")))
    })
}

/// What is to be said of assets from a day on.
#[derive(Debug, Clone, Copy)]
pub struct AssetChange<'a> {
    /// 权属登记情况
    pub title_status: &'a str,
    /// The usage category, where it changes with the title.
    pub usage: Option<&'a str>,
}

/// The parcels and buildings of a title.
#[must_use]
pub fn assets_of(title: &TitleContent) -> Vec<Uuid> {
    title.parcel_ids.iter().chain(&title.building_ids).copied().collect()
}

/// Says so of assets from a day on. What says so already stays as it is.
///
/// # Errors
/// The database's.
pub async fn change_assets(
    connection: &mut PgConnection,
    mut assets: Vec<Uuid>,
    on: Date,
    change: AssetChange<'_>,
    (now, occasion): (OffsetDateTime, &Occasion),
) -> Result<(), Problem> {
    assets.sort_unstable();
    assets.dedup();
    let held = crate::spatial_units::held_versions(connection, &assets).await?;
    for asset in assets {
        let Some(unit) = held.get(&asset) else { continue };
        for before in &unit.versions {
            if before.valid.to.is_some_and(|to| to <= on) {
                continue;
            }
            let mut content = before.content.clone();
            content.title_status = Some(change.title_status.to_owned());
            if let Some(usage) = change.usage {
                content.usage = Some(usage.to_owned());
            }
            if content.changed_fields(&before.content).is_empty() {
                continue;
            }
            content.source_row = None;
            content.import_id = None;
            let kind = content.kind;
            let period = ValidPeriod {
                from: before.valid.from.max(on),
                to: before.valid.to,
            };
            let revision = revise(&unit.versions, period, Some(content), now);
            crate::spatial_units::write_revision(
                connection,
                unit.id,
                kind,
                Action::Change,
                revision,
                Some(&before.content),
                &crate::spatial_units::Occasion {
                    actor: occasion.actor.clone(),
                    reason: occasion.reason.clone(),
                    import_id: None,
                },
            )
            .await?;
        }
    }
    Ok(())
}

/// The assets of a current title that was taken over or corrected: they say so from the days of what is known of them
/// today, for what they were before is not told by a certificate that turns up later.
///
/// # Errors
/// The database's.
pub(super) async fn follow_title(
    connection: &mut PgConnection,
    title: &TitleContent,
    from: Date,
    (today, now): (Date, OffsetDateTime),
    occasion: &Occasion,
) -> Result<(), Problem> {
    if title.book_state != BookState::Current {
        return Ok(());
    }
    for asset in assets_of(title) {
        let since = sqlx::query_scalar!(
            r#"select lower(valid) as "since!" from spatial_unit_version
                where object_id = $1 and upper_inf(recorded) and valid @> $2::date"#,
            asset,
            today,
        )
        .fetch_optional(&mut *connection)
        .await?;
        let Some(since) = since else { continue };
        let change = AssetChange {
            title_status: status_of(&title.holders),
            usage: None,
        };
        change_assets(connection, vec![asset], from.max(since), change, (now, occasion)).await?;
    }
    Ok(())
}

/// What follows the end of a title: nothing lies on it any longer, and its assets have the status that another current
/// title in them gives, else the one that was said.
///
/// # Errors
/// The database's.
pub async fn follow_end(
    connection: &mut PgConnection,
    (id, title): (TitleId, &TitleContent),
    on: Date,
    otherwise: &'static str,
    (now, occasion): (OffsetDateTime, &Occasion),
) -> Result<(), Problem> {
    lift_all(connection, id, on, now, occasion).await?;
    if title.book_state != BookState::Current {
        return Ok(());
    }
    for asset in assets_of(title) {
        let other = sqlx::query_scalar!(
            r#"select holders::text as "holders!" from title_version
                where (parcel_ids @> array[$1::uuid] or building_ids @> array[$1::uuid]) and object_id <> $2
                  and book_state = '1' and upper_inf(recorded) and valid @> $3::date
                order by lower(valid) desc
                limit 1"#,
            asset,
            id.0,
            on,
        )
        .fetch_optional(&mut *connection)
        .await?;
        let other: Option<Vec<Holder>> = other
            .map(|holders| serde_json::from_str(&holders))
            .transpose()
            .map_err(|error| Fault::Impossible {
                what: format!("holders of a title in {asset}: {error}"),
            })?;
        let change = AssetChange {
            title_status: other.as_deref().map_or(otherwise, status_of),
            usage: None,
        };
        change_assets(connection, vec![asset], on, change, (now, occasion)).await?;
    }
    Ok(())
}
