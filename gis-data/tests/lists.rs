//! Lists: rows without shapes, their keys, and the words of their columns.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says where by itself"
)]

use std::path::{Path, PathBuf};

use gis_data::{
    Candidate, Checked, DuplicateKeys, Layer, MappingRefused, Pipeline, PipelineOptions, PipelineRefused, Quarantine,
    ReadOptions, Source, Unreadable, WarningCode,
};
use serde_json::{Value, json};
use tempfile::TempDir;

fn file(name: &str, text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn open(path: &Path) -> Source {
    Source::open(path, &ReadOptions::default()).unwrap()
}

/// What is accepted and what is quarantined of a file.
fn check(
    layer: Layer,
    (name, text): (&str, &str),
    change: impl FnOnce(&mut PipelineOptions),
) -> (Vec<Candidate>, Vec<Quarantine>) {
    let (_folder, path) = file(name, text);
    let mut source = open(&path);
    let mut options = PipelineOptions::new(layer);
    change(&mut options);
    let pipeline = Pipeline::new(&source, options).unwrap();
    let (mut accepted, mut quarantined) = (Vec::new(), Vec::new());
    for row in source.rows() {
        match pipeline.check(row.unwrap()) {
            Checked::Accepted(candidate) => accepted.push(candidate),
            Checked::Quarantined(quarantine) => quarantined.push(quarantine),
        }
    }
    (accepted, quarantined)
}

fn keys(rows: &[Candidate]) -> Vec<&str> {
    rows.iter().map(|row| row.source_key.as_str()).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(target, source)| ((*target).to_owned(), (*source).to_owned()))
        .collect()
}

#[test]
fn a_list_of_json_objects_is_a_table() {
    let text = "\u{feff}[\n {\"a\": 1, \"b\": {\"c\": [2]}},\n {\"a\": \"x]}\"} , 3, {\"a\": }]\n";
    let (_folder, path) = file("list.json", text);
    let mut source = open(&path);
    assert_eq!(source.format().as_str(), "json_list");
    assert!(source.is_without_shapes());
    let rows: Vec<_> = source.rows().map(Result::unwrap).collect();
    assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(
        Value::Object(rows[0].properties.clone()),
        json!({"a": 1, "b": {"c": [2]}})
    );
    assert_eq!(rows[1].properties["a"], "x]}");
    // What is no object spoils nothing but itself.
    for row in &rows[2..] {
        assert!(matches!(row.geometry, Err(Unreadable::Record { .. })), "{row:?}");
    }
    for cut in [
        "[{\"a\": 1}",
        "[{\"a\": 1},",
        "[{\"a\": 1}] x",
        "[{\"a\": 1} {}]",
        "[{\"a\": 1},]",
    ] {
        let (_folder, path) = file("cut.json", cut);
        let broken = match Source::open(&path, &ReadOptions::default()) {
            Ok(mut source) => source.rows().any(|row| row.is_err()),
            Err(_) => true,
        };
        assert!(broken, "{cut}");
    }
}

#[test]
fn the_key_of_a_room_is_its_place_and_of_a_right_its_number_in_the_asset() {
    let rooms = "楼栋编号,楼层,房间号\nF1,1,101\nF1,2,101\nF2,1,101\nF1,1,101\n";
    let (accepted, quarantined) = check(Layer::Rooms, ("rooms.csv", rooms), |_| ());
    assert_eq!(keys(&accepted), ["F1/1/101", "F1/2/101", "F2/1/101"]);
    assert_eq!(quarantined[0].reason.code(), "duplicate_key");

    let rights = "ML,Owner,ID\n7,甲,1\n7,甲,2\n8,乙,3\n7,甲,4\n";
    let by_column = check(Layer::Titles, ("rights.csv", rights), |_| ()).0;
    assert_eq!(keys(&by_column), ["1", "2", "3", "4"]);
    let numbered = check(Layer::Titles, ("rights.csv", rights), |options| {
        options.map = pairs(&[("key", "")])
    })
    .0;
    assert_eq!(keys(&numbered), ["7#1", "7#2", "8#1", "7#3"]);
    assert_eq!(numbered[0].fields["holder"], "甲");
    // The column that is left without a field is kept.
    assert_eq!(numbered[3].attributes["ID"].to_string().trim_matches('"'), "4");
}

#[test]
fn coordinates_of_a_list_are_no_shapes_and_ask_for_no_system() {
    let feature = json!({"type": "Feature", "properties": {"code": "A", "name": "甲"},
        "geometry": {"type": "Point", "coordinates": [40_512_345.0, 3_512_345.0]}});
    let text = json!({"type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "nowhere"}},
        "features": [feature]});
    let (accepted, quarantined) = check(Layer::Units, ("units.geojson", &text.to_string()), |_| ());
    assert_eq!((accepted.len(), quarantined.len()), (1, 0));
    assert_eq!(accepted[0].geometry, None);
    assert_eq!(accepted[0].warnings[0].code, WarningCode::ShapeLeftOut);
}

#[test]
fn buildings_without_outlines_are_taken_where_that_is_asked_for() {
    let text = json!({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"code": "A"}, "geometry": {"type": "Point", "coordinates": [119.9, 31.7]}},
        {"type": "Feature", "properties": {"code": "B"}, "geometry": null},
    ]})
    .to_string();
    let (accepted, quarantined) = check(Layer::Buildings, ("b.geojson", &text), |_| ());
    let reasons: Vec<_> = quarantined.iter().map(|row| row.reason.code()).collect();
    assert_eq!(
        (accepted.len(), reasons),
        (0, vec!["unsupported_geometry", "no_geometry"])
    );
    let (accepted, _) = check(Layer::Buildings, ("b.geojson", &text), |options| {
        options.shapes_optional = true
    });
    assert_eq!(keys(&accepted), ["A", "B"]);
    assert_eq!(accepted[0].warnings[0].code, WarningCode::ShapeLeftOut);
    assert!(accepted[1].warnings.is_empty());
}

#[test]
fn words_of_a_source_stand_for_our_values() {
    let text = "ML,UseDescription\n1,Vacant City\n2,VACANT  CITY\n3,Church\n";
    let mapped = |options: &mut PipelineOptions| {
        options.map = pairs(&[("usage", "UseDescription"), ("stated_use", "UseDescription")]);
        options.values = vec![("usage".to_owned(), "Vacant City".to_owned(), "idle_land".to_owned())];
    };
    let (accepted, _) = check(Layer::Titles, ("tax.csv", text), mapped);
    let usages: Vec<_> = accepted.iter().map(|row| row.fields.get("usage").cloned()).collect();
    assert_eq!(usages, [Some(json!("idle_land")), Some(json!("idle_land")), None]);
    // The source's own words are kept, and one that stands for nothing is warned about.
    assert_eq!(accepted[0].fields["stated_use"], "Vacant City");
    assert_eq!(accepted[2].warnings[0].code, WarningCode::UnknownValue);

    let (_folder, path) = file("tax.csv", text);
    let source = open(&path);
    let refused = |map: &[(&str, &str)], (target, code): (&str, &str)| {
        let mut options = PipelineOptions::new(Layer::Titles);
        options.map = pairs(map);
        options.values = vec![(target.to_owned(), "Church".to_owned(), code.to_owned())];
        match Pipeline::new(&source, options) {
            Err(PipelineRefused::Mapping(refused)) => refused,
            other => panic!("not refused: {other:?}"),
        }
    };
    let palace = refused(&[("usage", "UseDescription")], ("usage", "palace"));
    assert!(matches!(palace, MappingRefused::UnknownValue { .. }), "{palace:?}");
    for target in ["usage", "nothing"] {
        let idle = refused(&[], (target, "other"));
        assert!(matches!(idle, MappingRefused::IdleValues { .. }), "{idle:?}");
        assert!(!idle.words().zh.is_empty() && !idle.remedy().zh.is_empty());
    }
}

#[test]
fn headers_of_rooms_and_units_mean_what_they_say() {
    let guessed = |layer: Layer, header: &str, row: &str| {
        let (_folder, path) = file("list.csv", &format!("{header}\n{row}\n"));
        let source = open(&path);
        let mut options = PipelineOptions::new(layer);
        options.duplicate_keys = DuplicateKeys::Number;
        let pipeline = Pipeline::new(&source, options).unwrap();
        let mut entries: Vec<_> = pipeline
            .mapping()
            .entries()
            .into_iter()
            .map(|(target, field)| format!("{}={field}", target.as_str()))
            .collect();
        entries.sort();
        entries
    };
    assert_eq!(
        guessed(
            Layer::Rooms,
            "楼栋编号,楼层,房间号,使用面积(㎡),建筑面积(㎡),使用单位",
            "F1,1,101,20,30,甲局"
        ),
        [
            "code=房间号",
            "floor=楼层",
            "parent_code=楼栋编号",
            "registered_area_m2=建筑面积(㎡)",
            "unit_code=使用单位",
            "use_area_m2=使用面积(㎡)",
        ]
    );
    assert_eq!(
        guessed(
            Layer::Units,
            "统一社会信用代码,单位名称,单位级别,单位性质,行政区划代码,上级单位",
            "A,甲局,市级,政府机关,320400,"
        ),
        [
            "code=统一社会信用代码",
            "kind=单位性质",
            "level=单位级别",
            "name=单位名称",
            "parent_code=上级单位",
            "region_code=行政区划代码",
        ]
    );
    // The same words beside land mean other things.
    let parcels = guessed(Layer::Parcels, "宗地代码,使用单位,行政区划代码", "Z1,甲局,320400");
    assert_eq!(
        parcels,
        ["code=宗地代码", "region_code=行政区划代码", "unit_code=使用单位"]
    );
}
