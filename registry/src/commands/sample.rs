//! The sample that `yice serve --demo` opens on, until somebody brings data of their own.

use gis_data::{Sample, SampleImport, SampleRegion};
use rust_embed::RustEmbed;
use time::Date;
use time::format_description::well_known::Iso8601;

use crate::clock::Clock;
use crate::database::Database;
use crate::ids::{ImportId, RegionId};
use crate::imports::{CompareAttributes, ImportFailed, ImportOrder, ImportProgress, run_import};
use crate::ledger::Action;
use crate::period::{ValidPeriod, revise};
use crate::regions::RegionContent;
use crate::request::{Actor, Fault};
use crate::versioned::{Occasion, write_revision};

#[derive(RustEmbed)]
#[folder = "../gis-data/samples/cambridge"]
struct Files;

/// Why the sample could not be loaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum SampleFailed {
    #[error("the sample built into this program can't be used: {words}")]
    Broken { words: String },
    #[error("a temporary file could not be written")]
    Temporary {
        #[from]
        source: std::io::Error,
    },
    #[error(transparent)]
    Import {
        #[from]
        source: ImportFailed,
    },
    #[error(transparent)]
    Fault {
        #[from]
        source: Fault,
    },
}

impl From<sqlx::Error> for SampleFailed {
    fn from(source: sqlx::Error) -> Self {
        Self::Fault { source: source.into() }
    }
}

fn broken(error: impl std::fmt::Display) -> SampleFailed {
    SampleFailed::Broken {
        words: error.to_string(),
    }
}

fn sample() -> Result<Sample, SampleFailed> {
    let manifest = Files::get(Sample::MANIFEST).ok_or_else(|| broken("it has no manifest"))?;
    let manifest = str::from_utf8(&manifest.data).map_err(broken)?;
    Sample::parse(manifest).map_err(broken)
}

/// The data sets that the sample consists of.
pub(super) fn datasets() -> Result<Vec<String>, SampleFailed> {
    Ok(sample()?.imports.into_iter().map(|import| import.dataset).collect())
}

/// Loads the sample where nothing but the sample is registered; one that was interrupted is completed.
pub(super) async fn load_if_empty(database: &Database, clock: &Clock) -> Result<(), SampleFailed> {
    let sample = sample()?;
    let datasets: Vec<String> = sample.imports.iter().map(|import| import.dataset.clone()).collect();
    let others = sqlx::query_scalar!(
        r#"select exists (select from spatial_unit where dataset is null or dataset <> all ($1)) as "others!""#,
        &datasets
    )
    .fetch_one(database.pool())
    .await?;
    if others {
        tracing::info!("the sample is left out: the registry holds other data");
        return Ok(());
    }
    let actor = Actor("system:sample".to_owned());
    for import in &sample.imports {
        let valid_from = Date::parse(&import.valid_from, &Iso8601::DATE).map_err(broken)?;
        let done = sqlx::query_scalar!(
            r#"select exists (select from import
                              where dataset = $1 and valid_from = $2 and state = 'done' and not dry_run) as "done!""#,
            import.dataset,
            valid_from,
        )
        .fetch_one(database.pool())
        .await?;
        if done {
            continue;
        }
        require_region(database, clock, &sample.region, valid_from, &actor).await?;
        take(database, clock, &sample, import, valid_from, &actor).await?;
    }
    Ok(())
}

/// The region everything in the sample lies in.
async fn require_region(
    database: &Database,
    clock: &Clock,
    region: &SampleRegion,
    valid_from: Date,
    actor: &Actor,
) -> Result<(), SampleFailed> {
    let mut transaction = database.begin().await?;
    let known = sqlx::query_scalar!(
        r#"select exists (select from region_version where code = $1 and upper_inf(recorded)) as "known!""#,
        region.code
    )
    .fetch_one(&mut *transaction)
    .await?;
    if known {
        return Ok(());
    }
    let content = RegionContent {
        scheme: region.scheme.clone(),
        code: region.code.clone(),
        name: region.name_zh.clone(),
        name_en: Some(region.name_en.clone()),
        level: region.level.clone(),
        ..RegionContent::default()
    };
    let revision = revise(&[], ValidPeriod::since(valid_from), Some(content), clock.now());
    let occasion = Occasion {
        actor: actor.clone(),
        reason: None,
        import_id: None,
    };
    let id = RegionId::fresh().0;
    write_revision(&mut transaction, id, Action::Create, &revision, None, &occasion).await?;
    transaction.commit().await?;
    Ok(())
}

async fn take(
    database: &Database,
    clock: &Clock,
    sample: &Sample,
    import: &SampleImport,
    valid_from: Date,
    actor: &Actor,
) -> Result<(), SampleFailed> {
    let file = Files::get(&import.file).ok_or_else(|| broken(format!("it has no {}", import.file)))?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join(&import.file);
    tokio::fs::write(&path, &file.data).await?;
    let order = ImportOrder {
        crs: import.crs.clone(),
        map: import.map.clone().into_iter().collect(),
        valid_from: Some(valid_from),
        region: Some(sample.region.code.clone()),
        duplicate_keys: import.duplicate_keys,
        close_missing: import.close_missing,
        same_shape: import.same_shape,
        compare_attributes: if import.mapped_attributes_only {
            CompareAttributes::Mapped
        } else {
            CompareAttributes::All
        },
        actor: actor.clone(),
        ..ImportOrder::new(import.layer, path, &import.dataset)
    };
    let report = run_import(database, clock, ImportId::fresh(), &order, &ImportProgress::default()).await?;
    sqlx::query!(
        "update dataset set title = $2, licence = $3, credit = $4 where name = $1",
        import.dataset,
        format!("{} / {}", sample.name_zh, sample.name_en),
        sample.licence,
        sample.credit,
    )
    .execute(database.pool())
    .await?;
    tracing::info!(
        rows = report.counts.read,
        quarantined = report.counts.quarantined,
        "the sample file {} is loaded in {:.1} s",
        import.file,
        report.seconds
    );
    Ok(())
}
