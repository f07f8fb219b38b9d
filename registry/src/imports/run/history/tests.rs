//! Files of versions: day by day against a table, over a real PostGIS, and with a whole town.

use std::collections::BTreeSet;

use gis_data::{Layer, ReadOptions, Source};
use proptest::prelude::*;
use serde_json::json;
use sqlx::PgPool;
use time::macros::{date, datetime};

use super::*;
use crate::imports::ImportOrder;
use crate::imports::tests::{File, counts, held, import, square, test_data};
use crate::spatial_units::tests::{app, ask};
use crate::versioned::tests::prove;

const FIRST: Date = date!(2024 - 01 - 01);

fn periods(lengths: &[(u8, u8)], is_open: bool) -> Vec<ValidPeriod> {
    let mut day = FIRST;
    let mut periods: Vec<ValidPeriod> = lengths
        .iter()
        .map(|(gap, length)| {
            let from = day + Duration::days(i64::from(*gap));
            day = from + Duration::days(i64::from(*length));
            ValidPeriod { from, to: Some(day) }
        })
        .collect();
    if is_open && let Some(last) = periods.last_mut() {
        last.to = None;
    }
    periods
}

proptest! {
    /// Against a table with a line for each day.
    #[test]
    fn a_life_is_what_its_rows_say_day_by_day(
        before in prop::collection::vec((0u8..4, 1u8..6), 0..5),
        rows in prop::collection::vec((0u8..4, 1u8..6), 1..5),
        are_open: (bool, bool),
        is_whole: bool,
        keeps: bool,
    ) {
        let now = datetime!(2024-06-01 0:00 UTC);
        let held: Vec<Held<String>> = periods(&before, are_open.0).into_iter().enumerate().map(|(index, valid)| Held {
            version_id: VersionId::fresh(), valid, recorded_from: now, content: format!("held {index}"),
        }).collect();
        let spoken_of = periods(&rows, are_open.1);
        let mut kept = HashSet::new();
        let mut said = Vec::new();
        let mut expected: BTreeMap<Date, String> = BTreeMap::new();
        let days = || (0..80).map(|day| FIRST + Duration::days(day));
        for day in days() {
            let at = |valid: &ValidPeriod| valid.contains(day);
            if let Some(held) = held.iter().find(|held| at(&held.valid)) && !is_whole {
                expected.insert(day, held.content.clone());
            }
        }
        for (index, period) in spoken_of.iter().enumerate() {
            let same = held.iter().find(|held| held.valid == *period).filter(|_| keeps);
            let content = same.map_or_else(|| format!("row {index}"), |same| same.content.clone());
            match same {
                Some(same) => { kept.insert(same.version_id); }
                None => said.push((*period, content.clone())),
            }
            for day in days().filter(|day| period.contains(*day)) {
                expected.insert(day, content.clone());
            }
        }
        let revision = revise_life(&held, &kept, &spoken_of, said, is_whole, now);
        prop_assert!(kept.iter().all(|kept| !revision.close.contains(kept)));
        prop_assert!(revision.close.is_empty() || revision.at > now);
        let stays = held.iter().filter(|held| !revision.close.contains(&held.version_id));
        let after: Vec<(ValidPeriod, String)> = stays.map(|held| (held.valid, held.content.clone()))
            .chain(revision.write).collect();
        for day in days() {
            let said: Vec<&String> = after.iter().filter(|(valid, _)| valid.contains(day)).map(|(_, said)| said).collect();
            prop_assert!(said.len() <= 1, "{day}: {said:?}");
            prop_assert_eq!(said.first().copied(), expected.get(&day), "{}", day);
        }
    }
}

/// A row of a history: its key, its days, its name.
fn row(key: &str, from: &str, to: Option<&str>, name: &str) -> Value {
    json!({"type": "Feature", "properties": {"key": key, "begin": from, "end": to, "name": name}, "geometry": square(1)})
}

fn order(path: std::path::PathBuf) -> ImportOrder {
    let map = [("valid_from", "begin"), ("valid_to", "end")];
    ImportOrder {
        map: map
            .map(|(target, field)| (target.to_owned(), field.to_owned()))
            .to_vec(),
        ..ImportOrder::new(Layer::Parcels, path, "lives")
    }
}

/// Key, first day, end and name of what is known now.
async fn known(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "select concat_ws(' ', u.source_key, lower(v.valid), upper(v.valid), v.name)
           from spatial_unit u join spatial_unit_version v on v.object_id = u.id
          where upper_inf(v.recorded) order by 1",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn rows_of_one_key_become_the_versions_of_one_object(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let file = File::new();
    // In no order; one ends before it begins, one on its first day, one begins on no day, one lies over another.
    let rows = [
        row("A", "2015-03-01T00:00:00", None, "三"),
        row("B", "2001-01-01", Some("2011-01-01"), "旧"),
        row("A", "1990/01/01", Some("2001-07-01"), "一"),
        row("A", "2001-07-01", Some("2015-03-01"), "二"),
        row("A", "2009-01-01", Some("2008-01-01"), "逆"),
        row("B", "2010-12-31", None, "叠"),
        row("C", "2010-01-01", Some("2010-01-01"), "空"),
        row("C", "someday", None, "无"),
    ];
    let first = order(file.write(&rows));
    let (id, report) = import(&state, &first).await.unwrap();
    assert_eq!(report.counts, counts(8, 2, 0, 2, 4));
    let reasons = [("invalid_period".to_owned(), 3), ("overlapping_period".to_owned(), 1)];
    assert_eq!(report.reasons, reasons.into());
    let expected = [
        "A 1990-01-01 2001-07-01 一",
        "A 2001-07-01 2015-03-01 二",
        "A 2015-03-01 三",
        "B 2001-01-01 2011-01-01 旧",
    ];
    assert_eq!(known(&pool).await, expected);
    // What became of each row is told in the order of the file.
    let told = ask(&app, "GET", &format!("/api/v1/imports/{id}/rows"), &[], None).await;
    let outcomes: Vec<&str> = told.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["outcome"].as_str().unwrap())
        .collect();
    let (new, next, aside) = ("inserted", "new_version", "quarantined");
    assert_eq!(outcomes, [next, new, new, next, aside, aside, aside, aside]);
    let overlapping = &told.body["items"][5]["reason"]["zh"];
    assert!(overlapping.as_str().unwrap().contains("第 2 行"), "{overlapping}");

    // The same again is the same.
    let before = held(&pool).await;
    let (_, again) = import(&state, &first).await.unwrap();
    assert_eq!(again.counts, counts(8, 0, 4, 0, 4));
    assert_eq!(held(&pool).await[..2], before[..2]);
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_later_history_corrects_an_earlier_one_and_both_stay_known(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let file = File::new();
    let first = [
        row("A", "2000-01-01", Some("2010-01-01"), "一"),
        row("A", "2010-01-01", None, "二"),
    ];
    import(&state, &order(file.write(&first))).await.unwrap();
    let then = state.clock.now();
    // It ended in 2018, and the change was a year earlier.
    let later = [
        row("A", "2000-01-01", Some("2009-01-01"), "一"),
        row("A", "2009-01-01", Some("2018-01-01"), "二"),
    ];
    let (_, report) = import(&state, &order(file.write(&later))).await.unwrap();
    assert_eq!(report.counts, counts(2, 0, 0, 2, 0));
    assert_eq!(
        known(&pool).await,
        ["A 2000-01-01 2009-01-01 一", "A 2009-01-01 2018-01-01 二"]
    );
    let name = async |as_of: &str, known_at: Option<OffsetDateTime>| {
        let known_at = known_at.map_or_else(String::new, |at| {
            format!(
                "&known_at={}",
                at.format(&time::format_description::well_known::Rfc3339).unwrap()
            )
        });
        let list = ask(
            &app,
            "GET",
            &format!("/api/v1/parcels?as_of={as_of}{known_at}"),
            &[],
            None,
        )
        .await;
        assert_eq!(list.status, 200, "{}", list.body);
        list.body["items"][0]["name"].as_str().map(str::to_owned)
    };
    assert_eq!(name("2009-06-01", None).await.as_deref(), Some("二"));
    assert_eq!(name("2009-06-01", Some(then)).await.as_deref(), Some("一"));
    assert_eq!(name("2020-01-01", None).await, None);
    assert_eq!(name("2020-01-01", Some(then)).await.as_deref(), Some("二"));

    // The last version goes: what is left is what the file says, and the row that stayed says so.
    let (_, report) = import(&state, &order(file.write(&later[..1]))).await.unwrap();
    assert_eq!(
        (report.counts, report.warnings["days_taken_back"]),
        (counts(1, 0, 0, 1, 0), 1)
    );
    assert_eq!(known(&pool).await, ["A 2000-01-01 2009-01-01 一"]);

    // Where a row was set aside nobody knows what it would have said: the days around it stay as they are.
    import(&state, &order(file.write(&later))).await.unwrap();
    let spoilt = [
        row("A", "2000-01-01", Some("2005-01-01"), "初"),
        row("A", "2009-01-01", Some("2009-01-01"), "二"),
    ];
    import(&state, &order(file.write(&spoilt))).await.unwrap();
    let expected = [
        "A 2000-01-01 2005-01-01 初",
        "A 2005-01-01 2009-01-01 一",
        "A 2009-01-01 2018-01-01 二",
    ];
    assert_eq!(known(&pool).await, expected);
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn without_ends_a_version_ends_where_the_next_begins(pool: PgPool) {
    let (_, state) = app(&pool).await;
    let file = File::new();
    let rows = [
        row("A", "2010-01-01", None, "二"),
        row("A", "2000-01-01", None, "一"),
        row("A", "2020-01-01", None, "三"),
        row("A", "2010-01-01", None, "又"),
    ];
    let mut beginnings = order(file.write(&rows));
    beginnings.map.pop();
    let (_, report) = import(&state, &beginnings).await.unwrap();
    assert_eq!(report.counts, counts(4, 1, 0, 2, 1));
    let expected = [
        "A 2000-01-01 2010-01-01 一",
        "A 2010-01-01 2020-01-01 二",
        "A 2020-01-01 三",
    ];
    assert_eq!(known(&pool).await, expected);

    let mut ends = order(file.write(&rows));
    ends.map.remove(0);
    let refused = import(&state, &ends).await.unwrap_err().problem();
    assert_eq!(refused.code.as_deref(), Some("mapping"), "{refused:?}");
    assert!(refused.detail.contains("valid_from"), "{refused:?}");
    let mut dry = order(file.write(&[row("Z", "2000-01-01", None, "一")]));
    dry.dry_run = true;
    let before = held(&pool).await;
    assert_eq!(import(&state, &dry).await.unwrap().1.counts, counts(1, 1, 0, 0, 0));
    assert_eq!(held(&pool).await[..4], before[..4]);
}

/// Doesburg: 13 098 versions of 7 797 buildings. 22 of them were corrected on the day they began and held on no day; one
/// building is a sliver of 1.4 cm² in its three versions: no area.
#[sqlx::test(migrations = "../migrations")]
async fn a_town_of_buildings_with_its_history(pool: PgPool) {
    let Some(folder) = test_data("doesburg-bag-buildings") else {
        return;
    };
    let path = folder.join("pand_rd28992.fgb.gz");
    let (app, state) = app(&pool).await;
    let before = state.clock.now();
    let map = [
        ("key", "identificatie"),
        ("valid_from", "beginGeldigheid"),
        ("valid_to", "eindGeldigheid"),
    ];
    let order = ImportOrder {
        map: map
            .map(|(target, field)| (target.to_owned(), field.to_owned()))
            .to_vec(),
        ..ImportOrder::new(Layer::Buildings, path.clone(), "doesburg")
    };
    let (_, report) = import(&state, &order).await.unwrap();
    assert_eq!(
        report.counts,
        counts(13_098, 7_796, 0, 13_098 - 7_796 - 25, 25),
        "{:?}",
        report.reasons
    );
    let reasons = [("invalid_geometry".to_owned(), 3), ("invalid_period".to_owned(), 22)];
    assert_eq!(report.reasons, reasons.into());

    // The file's own rows, read and counted without the importer.
    let mut source = Source::open(&path, &ReadOptions::default()).unwrap();
    let rows: Vec<(String, i64, String, Option<String>)> = source
        .rows()
        .map(|row| {
            let fields = row.unwrap().properties;
            let day = |name: &str| fields[name].as_str().map(|text| text[..10].replace('/', "-"));
            let number = fields["voorkomenIdentificatie"].as_i64().unwrap();
            let key = fields["identificatie"].as_str().unwrap().to_owned();
            (key, number, day("beginGeldigheid").unwrap(), day("eindGeldigheid"))
        })
        .collect();
    let without_area = "NL.IMBAG.Pand.0221100000316357";
    assert_eq!(rows.iter().filter(|row| row.0 == without_area).count(), 3);
    for (as_of, count) in [
        ("1929-10-07", 0),
        ("1990-01-01", 3_129),
        ("2005-01-01", 4_203),
        ("2011-01-01", 7_229),
        ("2015-06-30", 7_375),
        ("2020-09-15", 7_796),
    ] {
        let held_then = |row: &&(String, i64, String, Option<String>)| {
            row.0 != without_area && row.2.as_str() <= as_of && row.3.as_deref().is_none_or(|end| as_of < end)
        };
        let expected: BTreeSet<(String, i64)> = rows
            .iter()
            .filter(held_then)
            .map(|row| (row.0.clone(), row.1))
            .collect();
        assert_eq!(expected.len(), count, "{as_of}");
        let found: Vec<(String, i64)> = sqlx::query_as(
            "select u.source_key, (v.source_attributes->>'voorkomenIdentificatie')::int8
               from spatial_unit u join spatial_unit_version v on v.object_id = u.id
              where v.valid @> $1::date and upper_inf(v.recorded)",
        )
        .bind(Date::parse(as_of, &Iso8601::DATE).unwrap())
        .fetch_all(&pool)
        .await
        .unwrap();
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected, "{as_of}");
        let total = async |more: &str| {
            let address = format!("/api/v1/buildings?count=true&limit=1&as_of={as_of}{more}");
            ask(&app, "GET", &address, &[], None).await.body["total"].clone()
        };
        assert_eq!(total("").await, count, "{as_of}");
        // The registry learnt of all of it today.
        let earlier = before.format(&time::format_description::well_known::Rfc3339).unwrap();
        assert_eq!(total(&format!("&known_at={earlier}")).await, 0, "{as_of}");
    }
    let (_, again) = import(&state, &order).await.unwrap();
    assert_eq!((again.counts, again.missing), (counts(13_098, 0, 13_073, 0, 25), 0));
    prove(&pool).await.unwrap();
}
