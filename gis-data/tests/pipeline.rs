//! Fields, keys, values, and what becomes of a row.

mod support;

use gis_data::{FieldMapping, FieldName, Layer, MappingRefused, PipelineOptions, Target};
use serde_json::{Value, json};
use support::*;

fn fields(names: &[&str]) -> Vec<FieldName> {
    names
        .iter()
        .map(|name| FieldName {
            name: (*name).to_owned(),
            examples: Vec::new(),
        })
        .collect()
}

fn guessed(layer: Layer, names: &[&str]) -> Vec<(&'static str, String)> {
    FieldMapping::guess(layer, &fields(names))
        .into_iter()
        .map(|guess| (guess.target.as_str(), guess.source))
        .collect()
}

fn pairs(expected: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    expected
        .iter()
        .map(|(target, source)| (*target, (*source).to_owned()))
        .collect()
}

fn with_map(layer: Layer, map: &[(&str, &str)]) -> PipelineOptions {
    PipelineOptions {
        map: map.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
        ..PipelineOptions::new(layer)
    }
}

/// A feature with these properties on the plot of its number.
fn row(number: usize, properties: &Value) -> String {
    format!(
        r#"{{"type":"Feature","properties":{properties},"geometry":{}}}"#,
        polygon_json(&[plot(number)])
    )
}

fn import_rows(options: PipelineOptions, rows: &[Value]) -> Result<Outcome, String> {
    let folder = Folder::new();
    let features: Vec<String> = rows
        .iter()
        .enumerate()
        .map(|(number, properties)| row(number, properties))
        .collect();
    import(&folder.write("rows.geojson", collection(&features)), options)
}

/// What is compared with earlier files, and hashed, is text: it must not depend on where a column stands.
#[test]
fn the_order_of_columns_makes_no_difference() {
    let folder = Folder::new();
    let read = |name: &str, properties: &str| {
        let rows = [
            format!(
                r#"{{"type":"Feature","properties":{properties},"geometry":{}}}"#,
                polygon_json(&[plot(1)])
            ),
            format!(r#"{{"type":"Feature","properties":{properties},"geometry":null}}"#),
        ];
        let outcome = import(
            &folder.write(name, collection(&rows)),
            PipelineOptions::new(Layer::Sites),
        )
        .unwrap();
        let rows: Vec<(String, String)> = outcome
            .accepted
            .iter()
            .map(|row| {
                (
                    row.source_key.clone(),
                    Value::Object(row.attributes.clone()).to_string(),
                )
            })
            .collect();
        assert_eq!(rows.len(), 2);
        rows
    };
    assert_eq!(
        read(
            "one.geojson",
            r#"{"name":"一","zoning":"B","owner":"市","zz":{"a":[{"b":1,"c":2}],"d":3}}"#
        ),
        read(
            "other.geojson",
            r#"{"zz":{"d":3,"a":[{"c":2,"b":1}]},"owner":"市","zoning":"B","name":"一"}"#
        )
    );
}

#[test]
fn chinese_and_english_headers_are_guessed() {
    assert_eq!(
        guessed(
            Layer::Parcels,
            &[
                "宗地代码",
                "宗地名称",
                "坐落",
                "宗地面积(㎡)",
                "权属登记情况",
                "使用性质",
                "使用状态",
                "使用单位",
                "行政区划",
                "备注"
            ]
        ),
        pairs(&[
            ("code", "宗地代码"),
            ("name", "宗地名称"),
            ("address", "坐落"),
            ("registered_area_m2", "宗地面积(㎡)"),
            ("title_status", "权属登记情况"),
            ("usage", "使用性质"),
            ("occupancy", "使用状态"),
            ("unit_code", "使用单位"),
            ("region_code", "行政区划"),
        ])
    );
    assert_eq!(
        guessed(
            Layer::Buildings,
            &[
                "Code",
                "NAME",
                "Address",
                "Year_Built",
                "floors_above",
                "建筑面积",
                "parent-code"
            ]
        ),
        pairs(&[
            ("code", "Code"),
            ("name", "NAME"),
            ("address", "Address"),
            ("registered_area_m2", "建筑面积"),
            ("parent_code", "parent-code"),
            ("year_built", "Year_Built"),
            ("floors_above", "floors_above"),
        ])
    );
    assert_eq!(
        guessed(Layer::Units, &["单位代码", "单位名称", "上级单位代码", "单位级别"]),
        pairs(&[
            ("code", "单位代码"),
            ("name", "单位名称"),
            ("parent_code", "上级单位代码"),
            ("level", "单位级别")
        ])
    );
    // Our own names always find themselves, but for those that make a file a history.
    let is_never_guessed = |target: &Target| matches!(target, Target::Key | Target::ValidFrom | Target::ValidTo);
    for layer in Layer::ALL {
        for target in Target::of_layer(layer)
            .iter()
            .filter(|target| !is_never_guessed(target))
        {
            assert_eq!(
                guessed(layer, &[target.as_str()]),
                pairs(&[(target.as_str(), target.as_str())]),
                "{layer:?}"
            );
        }
    }
    assert_eq!(guessed(Layer::Parcels, &["valid_from", "valid_to"]), pairs(&[]));
    // The better header wins, wherever it stands; nothing is made of what means nothing.
    assert_eq!(
        guessed(Layer::Parcels, &["编号", "不动产单元号"]),
        pairs(&[("code", "不动产单元号")])
    );
    assert_eq!(guessed(Layer::Parcels, &["foo", "备注", ""]), pairs(&[]));
    // A parcel isn't its user, nor is its area the building's.
    assert_eq!(guessed(Layer::Parcels, &["单位代码", "建筑面积"]), pairs(&[]));
    assert_eq!(guessed(Layer::Buildings, &["土地面积"]), pairs(&[]));
}

#[test]
fn examples_that_contradict_a_header_spoil_the_guess() {
    let field = |name: &str, examples: &[&str]| FieldName {
        name: name.to_owned(),
        examples: examples.iter().map(|text| (*text).to_owned()).collect(),
    };
    let guess = |field: FieldName| FieldMapping::guess(Layer::Parcels, &[field]).len();
    assert_eq!(guess(field("使用状态", &["闲置", "在用"])), 1);
    assert_eq!(guess(field("使用状态", &["良好", "一般"])), 0);
    assert_eq!(guess(field("area", &["12.5"])), 1);
    assert_eq!(guess(field("area", &["North"])), 0);
}

#[test]
fn an_explicit_mapping_wins_over_the_guess() {
    let rows = [json!({"code": "A", "other": "B", "name": "甲", "title": "乙"})];
    let options = with_map(Layer::Parcels, &[("code", "other"), ("name", "")]);
    let outcome = import_rows(options, &rows).unwrap();
    let candidate = &outcome.accepted[0];
    assert_eq!(Value::Object(candidate.fields.clone()), json!({"code": "B"}));
    assert_eq!(
        Value::Object(candidate.attributes.clone()),
        json!({"code": "A", "name": "甲", "title": "乙"})
    );
    assert_eq!(candidate.source_key, "B");
}

#[test]
fn names_nobody_has_are_refused_with_what_there_is() {
    let map = |target: &str, field: &str| [(target.to_owned(), field.to_owned())];
    let resolve = |map: &[(String, String)], is_complete| {
        FieldMapping::resolve(Layer::Parcels, &fields(&["宗地代码", "坐落"]), is_complete, map)
    };
    let refused = resolve(&map("code", "宗地代号"), true).unwrap_err();
    assert!(matches!(refused, MappingRefused::UnknownField { .. }));
    assert_eq!(refused.words().zh, "数据里没有字段 宗地代号；现有：宗地代码、坐落");
    assert_eq!(
        refused.words().en,
        "the source has no field 宗地代号; it has: 宗地代码, 坐落"
    );
    assert!(refused.remedy().zh.contains("code=宗地代码"));
    for target in ["colour", "floor", ""] {
        let refused = resolve(&map(target, "坐落"), true).unwrap_err();
        assert_eq!(refused.code(), "mapping_unknown_target");
        assert!(refused.words().zh.contains("registered_area_m2"), "{refused}");
    }
    // Only the first rows were looked at: the field may come later.
    assert!(resolve(&map("code", "later"), false).is_ok());
    let rows = [json!({"code": "A"})];
    assert_eq!(
        import_rows(with_map(Layer::Parcels, &[("code", "kode")]), &rows).unwrap_err(),
        "mapping_unknown_field"
    );
    let folder = Folder::new();
    let path = folder.write_shapefile("plots", &plots_shapefile(2, encoding_rs::UTF_8, 0));
    let options = with_map(Layer::Parcels, &[("key", "CODE")]);
    assert_eq!(
        import(&path, options).unwrap_err(),
        "mapping_unknown_field",
        "names are exact"
    );
}

#[test]
fn areas_are_taken_in_their_unit() {
    for (header, value, area) in [
        ("宗地面积", json!(1000.5), 1000.5),
        ("宗地面积(亩)", json!(1.5), 1000.0),
        ("用地面积_公顷", json!("2"), 20_000.0),
        ("面积（平方米）", json!("1,234.5"), 1234.5),
        ("area_ha", json!(0.25), 2500.0),
        ("土地面积(万㎡)", json!(3), 30_000.0),
    ] {
        let outcome = import_rows(parcels(), &[json!({"code": "A", header: value})]).unwrap();
        let found = outcome.accepted[0].fields["registered_area_m2"].as_f64().unwrap();
        assert!((found - area).abs() < 1e-9, "{header}: {found}");
    }
    let options = with_map(Layer::Parcels, &[("registered_area_m2", "LandArea@sqft")]);
    let outcome = import_rows(options, &[json!({"code": "A", "LandArea": 1000})]).unwrap();
    assert_eq!(outcome.accepted[0].fields["registered_area_m2"], 92.90304);
    // What was converted stays as it was beside it.
    assert_eq!(outcome.accepted[0].attributes["LandArea"], 1000);
}

#[test]
fn values_get_their_types_or_a_warning() {
    let map = [
        ("usage", "u"),
        ("occupancy", "o"),
        ("title_status", "t"),
        ("idle_since", "d"),
        ("year_built", "y"),
        ("registered_area_m2", "a"),
    ];
    let value = |field: &str, value: Value| {
        let all = ["u", "o", "t", "d", "y", "a"];
        let mut properties: serde_json::Map<String, Value> =
            all.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
        properties.insert("code".to_owned(), json!("A"));
        properties.insert(field.to_owned(), value);
        let outcome = import_rows(with_map(Layer::Buildings, &map), &[Value::Object(properties)]).unwrap();
        let target = map.iter().find(|(_, source)| *source == field).unwrap().0;
        let candidate = &outcome.accepted[0];
        assert_eq!(
            candidate.fields.len(),
            1 + usize::from(candidate.fields.contains_key(target))
        );
        let warning = candidate.warnings.first().map(|warning| warning.code.as_str());
        (candidate.fields.get(target).cloned(), warning)
    };
    for (field, given, expected) in [
        ("u", json!("行政办公"), json!("administrative_office")),
        ("u", json!(" commercial "), json!("commercial")),
        ("o", json!("在用（自用）"), json!("in_use")),
        ("o", json!("腾退 中"), json!("vacating")),
        (
            "t",
            json!("登记在各部门或其他单位名下，未移交权属资料"),
            json!("other_not_handed"),
        ),
        ("d", json!("2024-02-29"), json!("2024-02-29")),
        ("d", json!("2024年2月9日"), json!("2024-02-09")),
        ("d", json!("20240209"), json!("2024-02-09")),
        ("d", json!("2/9/2024 0:00:00"), json!("2024-02-09")),
        ("y", json!(1998.0), json!(1998)),
        ("y", json!("1998"), json!(1998)),
        ("a", json!("12,345.6"), json!(12345.6)),
    ] {
        assert_eq!(value(field, given.clone()), (Some(expected), None), "{field} {given}");
    }
    for (field, given, warning) in [
        ("u", json!("养猪"), "unknown_value"),
        ("d", json!("2023-02-29"), "unreadable_value"),
        ("d", json!("去年"), "unreadable_value"),
        ("y", json!("九八年"), "unreadable_value"),
        ("y", json!(1998.5), "unreadable_value"),
        ("a", json!("NaN"), "unreadable_value"),
        ("a", json!([1]), "unreadable_value"),
    ] {
        assert_eq!(value(field, given.clone()), (None, Some(warning)), "{field} {given}");
    }
    assert_eq!(value("u", json!("  ")), (None, None), "an empty value is no mistake");
}

#[test]
fn keys_come_from_the_best_place_there_is() {
    let folder = Folder::new();
    let with_id = row(0, &json!({"code": "A", "fid": 7})).replacen("\"type\"", "\"id\":\"parcel.1\",\"type\"", 1);
    let path = folder.write("id.geojson", collection(&[with_id]));
    assert_eq!(import(&path, parcels()).unwrap().keys(), ["parcel.1"]);
    assert_eq!(
        import(&path, with_map(Layer::Parcels, &[("key", "fid")]))
            .unwrap()
            .keys(),
        ["7"]
    );
    let rows = [
        json!({"code": "A", "fid": 1}),
        json!({"code": " ", "fid": 2}),
        json!({"code": null, "fid": 3.0}),
        json!({"fid": null}),
    ];
    let outcome = import_rows(parcels(), &rows).unwrap();
    assert_eq!(outcome.keys()[..3], ["A", "2", "3"]);
    assert!(outcome.keys()[3].starts_with("geom:"));
    assert_eq!(outcome.warnings(), [("no_source_key", 1)].into());
    // An explicit key goes before the code, and stays a key of its own.
    let outcome = import_rows(with_map(Layer::Parcels, &[("key", "fid")]), &rows[..2]).unwrap();
    assert_eq!(outcome.keys(), ["1", "2"]);
    assert_eq!(outcome.accepted[0].fields["code"], "A");
}

#[test]
fn each_layer_takes_its_shapes_and_misses_its_fields() {
    let folder = Folder::new();
    let shapes = [
        r#"{"type":"Point","coordinates":[119.95,31.78]}"#.to_owned(),
        polygon_json(&[plot(1)]),
        "null".to_owned(),
        r#"{"type":"LineString","coordinates":[[119.95,31.78],[119.96,31.78]]}"#.to_owned(),
    ];
    let features: Vec<String> = shapes
        .iter()
        .enumerate()
        .map(|(n, shape)| feature(&format!("A{n}"), shape))
        .collect();
    let path = folder.write("mixed.geojson", collection(&features));
    for (layer, accepted) in [
        (Layer::Parcels, &["A1"][..]),
        (Layer::Buildings, &["A1"]),
        (Layer::Sites, &["A0", "A1", "A2"]),
        // Lists leave shapes out, whatever they are.
        (Layer::Units, &["A0", "A1", "A2", "A3"]),
        (Layer::Regions, &["A1", "A2"]),
    ] {
        let outcome = import(&path, PipelineOptions::new(layer)).unwrap();
        assert_eq!(outcome.keys(), accepted, "{layer:?}");
        assert_eq!(outcome.rows, 4);
        let areas = outcome
            .accepted
            .iter()
            .filter(|candidate| candidate.area_m2.is_some())
            .count();
        let expected = usize::from(!layer.is_list());
        assert_eq!(areas, expected, "{layer:?}: only polygons have an area");
    }
    for (layer, field) in [(Layer::Regions, "code"), (Layer::Units, "name")] {
        let outcome = import_rows(
            PipelineOptions::new(layer),
            &[json!({"level": "city"}), json!({"code": "1", "name": "甲"})],
        )
        .unwrap();
        assert_eq!(outcome.accepted.len(), 1);
        let words = outcome.quarantined[0].reason.words().en;
        assert!(words.contains(field), "{words}");
        assert_eq!(outcome.reasons(), [("missing_field", 1)].into());
    }
}

#[test]
fn attributes_are_kept_as_they_came() {
    let properties = json!({
        "code": "A1", "备注": "无", "empty": "", "nothing": null, "list": [1, {"a": 2}], "big": 12345678901234_u64,
        "text number": "007", "nested": {"深": "度"}
    });
    let outcome = import_rows(parcels(), std::slice::from_ref(&properties)).unwrap();
    let candidate = &outcome.accepted[0];
    let mut expected = properties.as_object().unwrap().clone();
    expected.remove("code");
    assert_eq!(
        candidate.attributes, expected,
        "and the code, which was taken over word for word, isn't there twice"
    );
    let outcome = import_rows(with_map(Layer::Parcels, &[]), &[properties.clone(), properties.clone()]).unwrap();
    assert_eq!(Value::Object(outcome.quarantined[0].raw.clone()), properties);
}

#[test]
fn progress_ends_at_the_total() {
    let folder = Folder::new();
    let document = collection(&plots(2_000));
    for path in [
        folder.write("a.geojson", &document),
        folder.write("a.ndjson", plots(2_000).join("\n")),
        folder.write("a.geojson.gz", gzip(document.as_bytes())),
        folder.write_shapefile("a", &plots_shapefile(2_000, encoding_rs::UTF_8, 0)),
    ] {
        let mut source = open(&path);
        let progress = source.progress();
        assert_eq!(progress.bytes_read(), 0);
        assert_eq!(source.rows().count(), 2_000);
        let (read, total) = (progress.bytes_read(), progress.bytes_total());
        assert!(
            read <= total && read * 100 >= total * 99,
            "{read} of {total}: {}",
            path.display()
        );
        assert_eq!(source.estimated_rows(), Some(2_000), "{}", path.display());
    }
}

#[test]
fn reports_speak_both_languages_in_json() {
    let outcome = import_text(&collection(&[feature("A", "null"), feature("A", "null")]));
    let reason = serde_json::to_value(&outcome.quarantined[0].reason).unwrap();
    assert_eq!(
        reason,
        json!({"code": "no_geometry", "field": "geometry", "zh": "没有图形", "en": "no geometry"})
    );
    let outcome = import_text(&collection(&[
        feature("A", &polygon_json(&[plot(1)])),
        feature("A", &polygon_json(&[plot(2)])),
    ]));
    let reason = serde_json::to_value(&outcome.quarantined[0].reason).unwrap();
    assert_eq!(reason["code"], "duplicate_key");
}
