//! `yice bench export`: the registry's export beside `ogr2ogr`, from the same database with the same columns.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gis_data::Layer;
use gis_data::write::{TargetCrs, WriteFormat};

use super::{BenchArguments, CommandFailed, Store, bad, fill, gdal_address, median, resident_bytes, say};
use crate::clock::Clock;
use crate::exports::{ExportOrder, ExportProgress, Filter, Labels, run_export};
use crate::request::Times;

/// What the peer reads: the same rows and columns as the registry's own statement, of the same day and instant.
const PEER_STATEMENT: &str = "
    select v.object_id::text as id, v.code, v.name, v.address, v.region_code, r.name as region_name,
           w.code as unit_code, w.name as unit_name, v.title_status, v.usage, v.occupancy, v.idle_since, v.area_m2,
           v.registered_area_m2::float8 as registered_area_m2, v.unit_code as real_estate_unit_code, v.land_use_scheme,
           v.land_use_code, lower(v.valid) as valid_from, upper(v.valid) as valid_to, u.dataset, u.source_key,
           v.geometry
      from spatial_unit u
      join spatial_unit_version v on v.object_id = u.id
      left join unit_version w on w.object_id = v.unit_id and w.valid @> {day} and w.recorded @> {instant}
      left join region_version r on r.code = v.region_code and r.valid @> {day} and r.recorded @> {instant}
     where v.kind = 'parcel' and v.valid @> {day} and v.recorded @> {instant}";

pub(super) async fn measure(store: &Store, arguments: &BenchArguments) -> Result<(), CommandFailed> {
    fill(store, arguments).await?;
    let folder = tempfile::tempdir().map_err(|error| CommandFailed::system(&error))?;
    for (format, driver) in [
        (WriteFormat::GeoPackage, "GPKG"),
        (WriteFormat::FlatGeobuf, "FlatGeobuf"),
        (WriteFormat::GeoJson, "GeoJSON"),
        (WriteFormat::Shapefile, ""),
        (WriteFormat::Csv, ""),
        (WriteFormat::Xlsx, ""),
    ] {
        let (mut ours, mut peers) = (Vec::new(), Vec::new());
        let path = folder.path().join(format!("ours.{}", format.as_str()));
        let peer_path = folder.path().join(format!("peer.{}", format.as_str()));
        let (mut rows, mut bytes) = (0, [0.0, 0.0]);
        for _ in 0..arguments.rounds {
            let times = Times::now(&Clock::System);
            let order = ExportOrder {
                layer: Layer::Parcels,
                format,
                crs: TargetCrs::CGCS2000,
                labels: Labels::Codes,
                times,
                filter: Filter::of_pairs(Layer::Parcels, &[]).map_err(|problem| bad(problem.detail))?,
            };
            let begun = Instant::now();
            let exported = run_export(
                &store.database.unscoped(),
                &Clock::System,
                &order,
                &path,
                &ExportProgress::default(),
            )
            .await
            .map_err(|failed| CommandFailed::system(&failed))?;
            ours.push(begun.elapsed());
            rows = exported.written.rows;
            bytes[0] = size(&path);
            if !driver.is_empty()
                && let Some(spent) = ogr2ogr(store, driver, &peer_path, times)?
            {
                peers.push(spent);
                bytes[1] = size(&peer_path);
                if bytes[1] < bytes[0] / 3.0 {
                    return Err(bad(format!("ogr2ogr wrote {:.1} MB only: not the same rows", bytes[1])));
                }
            }
        }
        let count = usize::try_from(rows).unwrap_or(usize::MAX);
        say(
            &format!("yice export, {} ({:.1} MB)", format.as_str(), bytes[0]),
            &mut ours,
            count,
        );
        if !peers.is_empty() {
            say(
                &format!("ogr2ogr -f {driver} from PostGIS ({:.1} MB)", bytes[1]),
                &mut peers,
                count,
            );
            println!(
                "ratio yice / ogr2ogr, {}: {:.2}",
                format.as_str(),
                median(&ours) / median(&peers)
            );
        }
    }
    println!("resident memory at the end: {:.0} MB", resident_bytes() as f64 / 1e6);
    Ok(())
}

fn size(path: &Path) -> f64 {
    std::fs::metadata(path).map_or(0.0, |file| file.len() as f64 / 1e6)
}

fn ogr2ogr(store: &Store, driver: &str, path: &Path, times: Times) -> Result<Option<Duration>, CommandFailed> {
    let _ = std::fs::remove_file(path);
    let instant = times.known_at.unix_timestamp_nanos() as f64 / 1e9;
    let statement = PEER_STATEMENT
        .replace("{day}", &format!("date '{}'", times.as_of))
        .replace("{instant}", &format!("to_timestamp({instant})"));
    let begun = Instant::now();
    let status = Command::new("ogr2ogr")
        .args(["-f", driver])
        .arg(path)
        .arg(gdal_address(store))
        .args(["-sql", &statement, "-nln", "parcels"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => Ok(Some(begun.elapsed())),
        Ok(status) => Err(bad(format!("ogr2ogr ended with {status}"))),
        Err(_) => {
            println!("ogr2ogr is not installed (Debian: gdal-bin); measuring alone");
            Ok(None)
        }
    }
}
