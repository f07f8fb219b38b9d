//! Whole sets are read to their last row, with every value as it was written.

use geo_types::Geometry;

use crate::support::*;
use crate::test_data;

#[test]
fn offices_of_a_country_as_workbook_and_as_text() {
    let Some(folder) = test_data("gsa-federal-buildings") else {
        return;
    };
    for (workbook, text, count) in [
        (
            "2025-6-20-iolp-buildings.xlsx",
            "iolp_buildings_2025-06-20.csv.gz",
            8_645,
        ),
        ("2025-6-20-iolp-leases.xlsx", "iolp_leases_2025-06-20.csv.gz", 7_512),
    ] {
        let (cells, texts) = (read(&folder.join(workbook)).unwrap(), read(&folder.join(text)).unwrap());
        assert_eq!((cells.len(), texts.len()), (count, count));
        let mut with_leading_zero = 0;
        for (cell, text) in cells.iter().zip(&texts) {
            assert_eq!(cell.row, text.row);
            assert_eq!(cell.geometry, text.geometry, "{workbook} row {}", cell.row);
            assert!(matches!(cell.geometry, Ok(Some(Geometry::Point(_)))));
            for name in ["Location Code", "Zip Code", "City"] {
                assert_eq!(
                    cell.properties[name], text.properties[name],
                    "{workbook} row {}",
                    cell.row
                );
            }
            with_leading_zero += usize::from(cell.properties["Zip Code"].as_str().unwrap().starts_with('0'));
        }
        assert!(with_leading_zero > 100, "{with_leading_zero}");
        if workbook.contains("leases") {
            let starts = cells
                .iter()
                .filter_map(|row| row.properties["Lease Effective Date"].as_str());
            assert!(starts.clone().count() > 7_000 && starts.clone().all(|day| day.len() == 10));
        } else {
            let of = |name: &str, value: &str| cells.iter().filter(|row| row.properties[name] == value).count();
            assert_eq!(of("Owned or Leased", "F"), 1_803);
            assert_eq!(of("Owned or Leased", "L"), 6_842);
            assert_eq!(of("Building Status", "Active"), 8_581);
            assert_eq!(of("Real Property Asset Type", "LAND"), 50);
        }
    }
}

#[test]
fn tax_tables_are_read_as_tables() {
    let Some(folder) = test_data("cambridge-parcels") else {
        return;
    };
    for (name, count) in [("tax_fy2013.csv.gz", 27_424), ("tax_fy2014.csv.gz", 27_528)] {
        let rows = read(&folder.join(name)).unwrap();
        assert_eq!(rows.len(), count, "{name}");
        assert!(rows.iter().all(|row| row.geometry == Ok(None)), "{name}");
        assert!(rows.iter().all(|row| row.properties.contains_key("ML")), "{name}");
    }
    for (name, count) in [("parcels_fy2013.fgb.gz", 13_159), ("parcels_fy2014.fgb.gz", 13_115)] {
        let rows = read(&folder.join(name)).unwrap();
        assert_eq!(rows.len(), count, "{name}");
        assert!(rows.iter().all(|row| matches!(row.geometry, Ok(Some(_)))), "{name}");
    }
}

#[test]
fn buildings_with_their_history_are_read_completely() {
    let Some(folder) = test_data("doesburg-bag-buildings") else {
        return;
    };
    let mut source = open(&folder.join("pand_rd28992.fgb.gz"));
    assert_eq!(source.crs().label().as_deref(), Some("EPSG:28992"));
    let rows: Vec<_> = source.rows().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 13_098);
    let current = rows
        .iter()
        .filter(|row| row.properties["eindGeldigheid"].is_null())
        .count();
    assert_eq!(current, 7_797);
    assert!(rows.iter().all(|row| matches!(row.geometry, Ok(Some(_)))));
    assert_eq!(refusal(&folder.join("0221PND15092020_bag_xml.zip")), "unknown_format");
}

#[test]
fn a_federal_estate_is_read_completely() {
    let Some(folder) = test_data("swiss-federal-estate") else {
        return;
    };
    for (name, count) in [
        ("buildings.geojson", 21),
        ("landcovers.geojson", 12),
        ("parcels.geojson", 20),
    ] {
        let rows = read(&folder.join(name)).unwrap();
        assert_eq!(rows.len(), count, "{name}");
        assert!(rows.iter().all(|row| matches!(row.geometry, Ok(Some(_)))), "{name}");
    }
}
