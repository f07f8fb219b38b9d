//! Writes what is kept of the demo city in the tree: `cargo run -p gis-data --example demo_city`

use std::path::Path;

use gis_data::demo_city::{DemoCity, SEED};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let city = DemoCity::generate(SEED)?;
    let samples = root.join("samples/demo_city");
    std::fs::write(samples.join("faults.csv"), city.faults_csv())?;
    std::fs::write(samples.join("leases.csv"), city.leases_csv())?;
    std::fs::write(root.join("../web/public/basemap/demo-city.geojson"), &city.ground)?;
    Ok(())
}
