//! Forms of stocktakings, as a unit fills them in and brings them. Today is 21 November 2026.

use axum::http::StatusCode;
use calamine::{Data, Reader};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::tests::{APPROVER, AUDITOR, CONTACT, MANAGER, Office, refusal};
use crate::spatial_units::tests::ask;
use crate::versioned::tests::{entries, prove};

/// The cells of the first sheet from A1 on.
fn cells(workbook: &[u8]) -> Vec<Vec<Data>> {
    let mut book = calamine::Xlsx::new(std::io::Cursor::new(workbook)).unwrap();
    let name = book.sheet_names()[0].clone();
    let range = book.worksheet_range(&name).unwrap();
    let (rows, columns) = range.end().unwrap();
    (0..=rows)
        .map(|row| {
            (0..=columns)
                .map(|column| range.get_value((row, column)).cloned().unwrap_or(Data::Empty))
                .collect()
        })
        .collect()
}

/// Cells as a spreadsheet saves them.
fn saved(cells: &[Vec<Data>]) -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let page = book.add_worksheet();
    for (row, line) in (0..).zip(cells) {
        for (column, cell) in (0..).zip(line) {
            match cell {
                Data::Empty => {}
                Data::Float(number) => {
                    page.write_number(row, column, *number).unwrap();
                }
                other => {
                    page.write_string(row, column, other.to_string()).unwrap();
                }
            }
        }
    }
    book.save_to_buffer().unwrap()
}

/// A form that was downloaded.
struct Form(Vec<Vec<Data>>);

impl Form {
    async fn of(office: &Office, who: &str, at: &str) -> Self {
        let (status, workbook) = office.file(who, &format!("{at}/form.xlsx")).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&workbook));
        Self(cells(&workbook))
    }

    fn column(&self, name: &str) -> usize {
        let is_it = |cell: &Data| cell.to_string().lines().last() == Some(name);
        self.0[1].iter().position(is_it).unwrap()
    }

    /// The row of what is called so, from 0.
    fn row(&self, name: &str) -> usize {
        let is_it = |row: &Vec<Data>| row.iter().any(|cell| *cell == Data::String(name.to_owned()));
        self.0.iter().position(is_it).unwrap()
    }

    fn told(&self, name: &str, column: &str) -> String {
        self.0[self.row(name)][self.column(column)].to_string()
    }

    fn fill(&mut self, name: &str, said: &[(&str, &str)]) {
        let row = self.row(name);
        for (column, text) in said {
            let column = self.column(column);
            self.0[row][column] = Data::String((*text).to_owned());
        }
    }

    fn file(&self) -> Vec<u8> {
        saved(&self.0)
    }
}

async fn bring(office: &Office, who: &str, at: &str, file: &[u8], preview: bool) -> Value {
    let uri = format!("{at}/figures?preview={preview}");
    let (status, body) = office.bring(who, &uri, "填报表.xlsx", file).await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body["is_preview"], preview);
    body
}

/// One of several units of the same name.
async fn namesake(office: &Office, code: &str) -> String {
    let body = json!({"code": code, "name": "同名局", "level": "city", "kind": "government_organ", "region_code": "320404",
                      "valid_from": "2010-01-01"});
    let made = ask(
        &office.app,
        "POST",
        "/api/v1/units",
        &[("Idempotency-Key", code)],
        Some(body),
    )
    .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    made.body["id"].as_str().unwrap().to_owned()
}

/// Answered, differing, unchanged, empty, refused.
fn counts(told: &Value) -> [u64; 5] {
    ["answered", "differing", "unchanged", "empty", "refused"].map(|name| told[name].as_u64().unwrap())
}

/// Row, column and code of what is refused.
fn refused(told: &Value) -> Vec<(u64, &str, &str)> {
    told["refusals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["row"].as_u64().unwrap(),
                row["field"].as_str().unwrap_or_default(),
                row["code"].as_str().unwrap_or_default(),
            )
        })
        .collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_unit_s_own_figures_come_by_a_form_are_shown_first_and_taken_over_once(pool: PgPool) {
    let office = Office::open(&pool).await;
    let unit = office.unit("财政局").await;
    let other = office.unit("民政局").await;
    let hall = office.building("市政大楼", &unit, 1000.0).await;
    let room = office.room(&hall, "101", &unit).await;
    office.room(&hall, "0102", &unit).await;
    let shed = office.building("老车库", &unit, 80.0).await;
    let annex = office.building("附楼", &unit, 300.0).await;
    let at = office.frozen(json!({})).await;

    let mut form = Form::of(&office, CONTACT, &at).await;
    assert_eq!(form.0.len(), 2 + 5, "a title, the headers, and a row for each line");
    assert_eq!(form.told("市政大楼", "area_m2"), "1000");
    assert_eq!(form.told("市政大楼", "usage"), "行政办公");
    assert_eq!(form.told("市政大楼", "unit"), "财政局");
    // What begins with a zero keeps it.
    assert_eq!(form.told("0102", "address"), "市政大楼");
    for column in ["found", "found_area_m2", "own_area_m2", "own_title_number", "note"] {
        assert_eq!(form.told("市政大楼", column), "", "{column} is to be filled in");
    }
    let headers: Vec<String> = form.0[1].iter().map(ToString::to_string).collect();
    assert!(headers.contains(&"盘点情况*\nfound".to_owned()), "{headers:?}");

    form.fill("市政大楼", &[("found", "在位相符"), ("own_area_m2", "1,000.00 ㎡")]);
    let altered = [
        ("found", "变动"),
        ("found_usage", "服务用房"),
        ("found_unit", "民政局"),
        ("note", "改作会议室"),
    ];
    form.fill("101", &altered);
    form.fill("老车库", &[("found", "missing")]);
    form.fill(
        "附楼",
        &[
            ("found", "In place"),
            ("own_area_m2", "310"),
            ("own_title_number", "无"),
        ],
    );
    let file = form.file();
    let before = entries(&pool).await;
    let preview = bring(&office, CONTACT, &at, &file, true).await;
    assert_eq!(counts(&preview), [4, 3, 0, 1, 0], "{preview}");
    assert_eq!(entries(&pool).await, before, "a preview writes nothing");
    assert_eq!(office.read(&at).await["progress"]["answered"], 0);

    let taken = bring(&office, CONTACT, &at, &file, false).await;
    assert_eq!(counts(&taken), [4, 3, 0, 1, 0], "{taken}");
    assert_eq!(
        entries(&pool).await,
        before + 4,
        "an entry for each line, as of one that is typed"
    );
    let line = office.read(&office.line(&at, &room).await).await;
    assert_eq!(
        (
            &line["found"],
            &line["found_usage"],
            &line["found_unit_id"],
            &line["differs"]
        ),
        (
            &json!("altered"),
            &json!("service"),
            &json!(other),
            &json!(["usage", "unit"])
        )
    );
    assert_eq!(
        (&line["details"]["note"], &line["answered_by"]),
        (&json!("改作会议室"), &json!(CONTACT))
    );
    let line = office.read(&office.line(&at, &hall).await).await;
    assert_eq!(
        (&line["own_area_m2"], &line["difference"]),
        (&json!(1000.0), &Value::Null)
    );
    let line = office.read(&office.line(&at, &shed).await).await;
    assert_eq!(line["difference"], "shortfall");
    let annex_line = office.line(&at, &annex).await;
    assert_eq!(
        office.read(&annex_line).await["differs"],
        json!(["own_area", "own_title"])
    );
    let history = office.read(&format!("{annex_line}/versions")).await;
    assert_eq!(
        (&history["items"][0]["actor"], &history["items"][0]["reason"]),
        (&json!(CONTACT), &json!("单位确认"))
    );

    // The same file again: nothing is another, though every line has changed since the form was made.
    let before = entries(&pool).await;
    let again = bring(&office, CONTACT, &at, &file, false).await;
    assert_eq!(counts(&again), [0, 0, 4, 1, 0], "{again}");
    assert_eq!(entries(&pool).await, before);
    // A form that is made now holds what was answered, and says it again as it stands.
    let mut form = Form::of(&office, CONTACT, &at).await;
    assert_eq!(form.told("101", "found_usage"), "服务用房");
    assert_eq!(form.told("101", "found_unit"), "民政局");
    assert_eq!(form.told("附楼", "own_area_m2"), "310");
    let same = bring(&office, CONTACT, &at, &form.file(), false).await;
    assert_eq!(counts(&same), [0, 0, 4, 1, 0], "{same}");
    form.fill("附楼", &[("own_area_m2", "300")]);
    let changed = bring(&office, CONTACT, &at, &form.file(), false).await;
    assert_eq!(counts(&changed), [1, 1, 3, 1, 0], "{changed}");
    assert_eq!(office.read(&annex_line).await["differs"], json!(["own_title"]));
    // In English, and narrowed as the list is.
    let (status, english) = office
        .file(CONTACT, &format!("{at}/form.xlsx?labels=en&left=unanswered"))
        .await;
    assert_eq!(status, StatusCode::OK);
    let mut english = Form(cells(&english));
    assert_eq!(english.0.len(), 2 + 1);
    assert_eq!(english.0[1][english.column("found")].to_string(), "Found*\nfound");
    english.fill("0102", &[("found", "in place")]);
    let last = bring(&office, CONTACT, &at, &english.file(), false).await;
    assert_eq!(counts(&last), [1, 0, 0, 0, 0], "{last}");
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_row_may_not_say_is_refused_with_its_column_and_the_rest_is_taken_over(pool: PgPool) {
    let office = Office::open(&pool).await;
    let unit = office.unit("财政局").await;
    let twin = namesake(&office, "T2").await;
    namesake(&office, "T3").await;
    let names = [
        "甲楼", "乙楼", "丙楼", "丁楼", "戊楼", "己楼", "庚楼", "辛楼", "壬楼", "癸楼", "子楼", "丑楼", "寅楼", "卯楼",
    ];
    let mut buildings = Vec::new();
    for name in names {
        buildings.push(office.building(name, &unit, 100.0).await);
    }
    let at = office.frozen(json!({})).await;
    let mut form = Form::of(&office, CONTACT, &at).await;
    // While the form lies on somebody's desk one line is answered, another reported missing.
    let line = office.line(&at, &buildings[0]).await;
    office
        .record(
            CONTACT,
            &line,
            json!({"record": "answer", "found": "altered", "area_m2": 90}),
        )
        .await;
    let line = office.line(&at, &buildings[1]).await;
    office
        .record(CONTACT, &line, json!({"record": "answer", "found": "missing"}))
        .await;
    let fresh = Form::of(&office, CONTACT, &at).await;
    form.fill("乙楼", &[("tag", &fresh.told("乙楼", "tag"))]);

    for (name, said) in [
        ("甲楼", &[("found", "在位相符")][..]),
        ("乙楼", &[("found", "在位相符")]),
        ("丙楼", &[("found", "不在了")]),
        ("丁楼", &[("found", "变动"), ("found_area_m2", "大约九十")]),
        ("戊楼", &[("found", "变动"), ("found_area_m2", "-5")]),
        ("己楼", &[("found", "移位")]),
        ("庚楼", &[("own_area_m2", "100")]),
        ("辛楼", &[("found", "变动"), ("found_usage", "办公室")]),
        ("壬楼", &[("found", "变动"), ("found_unit", "不存在局")]),
        ("癸楼", &[("found", "变动"), ("found_unit", "同名局")]),
        ("子楼", &[("found", "账外")]),
        (
            "丑楼",
            &[("found", "变动"), ("found_unit", "T2"), ("found_usage", "公共服务")],
        ),
        ("寅楼", &[("found", "在位"), ("id", "7")]),
        ("卯楼", &[("found", "在位")]),
    ] {
        form.fill(name, said);
    }
    // The last line once more.
    let mut twice = form.0[form.row("卯楼")].clone();
    twice[form.column("found")] = Data::String("未找到".to_owned());
    form.0.push(twice);
    let row = |name: &str| form.row(name) as u64 + 1;
    let expected = [
        (row("甲楼"), "tag", "line_changed"),
        (row("乙楼"), "", "missing_stands"),
        (row("丙楼"), "found", "no_choice"),
        (row("丁楼"), "found_area_m2", "no_number"),
        (row("戊楼"), "found_area_m2", ""),
        (row("己楼"), "place", "alteration_missing"),
        (row("庚楼"), "found", "found_missing"),
        (row("辛楼"), "found_usage", "no_choice"),
        (row("壬楼"), "found_unit", "unit_unknown"),
        (row("癸楼"), "found_unit", "unit_ambiguous"),
        (row("子楼"), "found", "found_of_another_line"),
        (row("寅楼"), "id", "line_unknown"),
        (form.0.len() as u64, "id", "said_twice"),
    ];
    let file = form.file();
    let preview = bring(&office, CONTACT, &at, &file, true).await;
    assert_eq!(counts(&preview), [2, 1, 0, 0, 13], "{preview:#}");
    let mut wanted = expected.to_vec();
    wanted.sort_unstable();
    assert_eq!(refused(&preview), wanted);
    for refusal in preview["refusals"].as_array().unwrap() {
        let detail = refusal["detail"].as_str().unwrap();
        let (zh, en) = detail.split_once(" / ").unwrap();
        assert!(
            zh.chars().any(|letter| letter > '\u{4E00}') && !en.is_empty(),
            "{detail}"
        );
        assert!(!refusal["remedy"].as_str().unwrap_or_default().is_empty(), "{refusal}");
    }
    let choices = &preview["refusals"].as_array().unwrap();
    let usage = choices.iter().find(|row| row["field"] == "found_usage").unwrap();
    assert!(usage["remedy"].as_str().unwrap().contains("行政办公"), "{usage}");
    assert!(!usage["remedy"].as_str().unwrap().contains("设备用房"), "{usage}");

    // The same workbook with each of them marked in its cell, and read again as it is.
    assert_eq!(preview["can_be_marked"], true);
    let (status, marked) = office
        .bring(CONTACT, &format!("{at}/figures/marked"), "填报表.xlsx", &file)
        .await;
    assert_eq!(status, StatusCode::OK);
    let mut book = calamine::Xlsx::new(std::io::Cursor::new(marked.clone())).unwrap();
    let list = book.worksheet_range("错误清单").unwrap();
    assert_eq!(list.rows().count(), 1 + 13);
    let places: Vec<String> = list.rows().skip(1).map(|row| row[1].to_string()).collect();
    let number = rust_xlsxwriter::utility::column_number_to_name(form.column("found_area_m2") as u16);
    assert!(places.contains(&format!("{number}{}", row("丁楼"))), "{places:?}");
    let again = bring(&office, CONTACT, &at, &marked, true).await;
    assert_eq!((counts(&again), refused(&again)), (counts(&preview), wanted));

    let before = entries(&pool).await;
    let taken = bring(&office, CONTACT, &at, &file, false).await;
    assert_eq!(counts(&taken), [2, 1, 0, 0, 13]);
    assert_eq!(entries(&pool).await, before + 2);
    let line = office.read(&office.line(&at, &buildings[11]).await).await;
    assert_eq!(
        (&line["found_unit_id"], &line["found_usage"]),
        (&json!(twin), &json!("public_service"))
    );
    // What somebody else said since stands.
    let line = office.read(&office.line(&at, &buildings[0]).await).await;
    assert_eq!(
        (&line["found"], &line["found_area_m2"]),
        (&json!("altered"), &json!(90.0))
    );
    // A form that is all right has nothing to be marked.
    let good = Form::of(&office, CONTACT, &at).await.file();
    let (status, body) = office
        .bring(CONTACT, &format!("{at}/figures/marked"), "填报表.xlsx", &good)
        .await;
    assert_eq!(status, StatusCode::CONFLICT, "{}", String::from_utf8_lossy(&body));
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_table_of_an_old_spreadsheet_in_gb18030_is_read_as_well(pool: PgPool) {
    let office = Office::open(&pool).await;
    let unit = office.unit("财政局").await;
    let (shed, annex) = (
        office.building("老车库", &unit, 80.0).await,
        office.building("附楼", &unit, 300.0).await,
    );
    let idle = office.building("档案楼", &unit, 500.0).await;
    let at = office.frozen(json!({})).await;
    let mut ids = Vec::new();
    for building in [&shed, &annex, &idle] {
        let line = office.read(&office.line(&at, building).await).await;
        ids.push(line["id"].as_str().unwrap().to_owned());
    }
    // 标识,版本,盘点情况,分台账面积（㎡）,备注
    let mut table = b"\xB1\xEA\xCA\xB6,\xB0\xE6\xB1\xBE,\xC5\xCC\xB5\xE3\xC7\xE9\xBF\xF6,\xB7\xD6\xCC\xA8\xD5\xCB\xC3\xE6\xBB\xFD\xA3\xA8\xA9O\xA3\xA9,\xB1\xB8\xD7\xA2\r\n".to_vec();
    let mut row = |id: &str, rest: &[u8]| {
        table.extend_from_slice(format!("{id},{id},").as_bytes());
        table.extend_from_slice(rest);
        table.extend_from_slice(b"\r\n");
    };
    // 未找到,,现场查无此房，已拆除
    row(
        &ids[0],
        b"\xCE\xB4\xD5\xD2\xB5\xBD,,\xCF\xD6\xB3\xA1\xB2\xE9\xCE\xDE\xB4\xCB\xB7\xBF\xA3\xAC\xD2\xD1\xB2\xF0\xB3\xFD",
    );
    // 移位,310.5,整体搬至新城大楼三层: where to stands in no column of this table.
    row(
        &ids[1],
        b"\xD2\xC6\xCE\xBB,310.5,\xD5\xFB\xCC\xE5\xB0\xE1\xD6\xC1\xD0\xC2\xB3\xC7\xB4\xF3\xC2\xA5\xC8\xFD\xB2\xE3",
    );
    row(&ids[2], b",,");
    let uri = format!("{at}/figures");
    let (status, body) = office.bring(CONTACT, &uri, "分台账.csv", &table).await;
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, StatusCode::OK, "{told}");
    assert_eq!(counts(&told), [1, 1, 0, 1, 1], "{told}");
    assert_eq!(refused(&told), [(3, "place", "alteration_missing")]);
    assert_eq!(
        (&told["is_preview"], &told["can_be_marked"]),
        (&json!(false), &json!(false))
    );
    let line = office.read(&office.line(&at, &shed).await).await;
    assert_eq!(
        (&line["found"], &line["details"]["note"]),
        (&json!("missing"), &json!("现场查无此房，已拆除"))
    );
    let (status, body) = office
        .bring(CONTACT, &format!("{at}/figures/marked"), "分台账.csv", &table)
        .await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::CONFLICT, &json!("nothing_to_mark"))
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_form_reaches_the_lines_of_whoever_brings_it_and_tells_nothing_of_others(pool: PgPool) {
    let mut office = Office::open(&pool).await;
    let (one, two) = (office.unit("财政局").await, office.unit("民政局").await);
    let hall = office.building("市政大楼", &one, 1000.0).await;
    let their_room = office.room(&hall, "201", &two).await;
    let villa = office.building("民政楼", &two, 300.0).await;
    office.contact_of("two", &two).await;
    let empty = office.unit("空局").await;
    office.contact_of("three", &empty).await;
    let at = office.frozen(json!({})).await;
    let own = Form::of(&office, "two", &at).await;
    assert_eq!(own.0.len(), 2 + 2, "their room and their building");
    // The whole list, as the bureau has it, brought by the contact of one unit.
    let mut all = Form::of(&office, MANAGER, &at).await;
    assert_eq!(all.0.len(), 2 + 3);
    for name in ["市政大楼", "201", "民政楼"] {
        all.fill(name, &[("found", "在位")]);
    }
    let mut unknown = all.0[2].clone();
    unknown[all.column("id")] = Data::String(Uuid::now_v7().to_string());
    all.0.push(unknown);
    let hall_row = all.row("市政大楼") as u64 + 1;
    let told = bring(&office, "two", &at, &all.file(), true).await;
    assert_eq!(counts(&told), [2, 0, 0, 0, 2], "{told}");
    assert_eq!(
        refused(&told),
        [(hall_row, "id", "line_unknown"), (6, "id", "line_unknown")]
    );
    let refusals = told["refusals"].as_array().unwrap();
    // Of what is another's the same is said as of what isn't there.
    assert_eq!(refusals[0]["detail"], refusals[1]["detail"]);
    assert!(!refusals[0].to_string().contains("市政大楼"));
    let taken = bring(&office, "two", &at, &all.file(), false).await;
    assert_eq!(counts(&taken), [2, 0, 0, 0, 2]);
    assert_eq!(office.read(&office.line(&at, &hall).await).await["found"], Value::Null);
    assert_eq!(
        office.read(&office.line(&at, &their_room).await).await["answered_by"],
        "two"
    );
    // Lines of another list are none of this one.
    let other = office
        .made(
            MANAGER,
            "stocktakings",
            json!({"name": "别处", "region_code": "320402"}),
        )
        .await;
    let other = format!("stocktakings/{other}");
    let closed = office.file(MANAGER, &format!("{other}/form.xlsx")).await;
    assert_eq!(closed.0, StatusCode::CONFLICT, "nothing is frozen there");

    // Whoever approves answers for nothing; whose part is elsewhere sees nothing of it; others aren't let in.
    for (who, status, code) in [
        (APPROVER, 409, "no_lines"),
        ("three", 404, ""),
        (AUDITOR, 403, "not_granted"),
    ] {
        let (answered, body) = office.file(who, &format!("{at}/form.xlsx")).await;
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(answered.as_u16(), status, "{who}: {body}");
        assert_eq!(body["code"].as_str().unwrap_or_default(), code, "{who}");
        for uri in ["figures", "figures/marked"] {
            let (answered, body) = office.bring(who, &format!("{at}/{uri}"), "a.xlsx", &all.file()).await;
            match status {
                409 if uri == "figures" => {
                    let told: Value = serde_json::from_slice(&body).unwrap();
                    assert_eq!(counts(&told), [0, 0, 0, 0, 4], "{told}");
                }
                409 => assert_eq!(answered, StatusCode::OK),
                _ => assert_eq!(answered.as_u16(), status, "{who} {uri}"),
            }
        }
    }

    // What was looked at on the site isn't answered again, and after its state nothing is.
    let line = office.line(&at, &villa).await;
    office
        .record(
            "two",
            &line,
            json!({"record": "answer", "found": "altered", "area_m2": 290}),
        )
        .await;
    office.step(MANAGER, &at, "begin_check").await;
    let photo = office.photo("checker").await;
    let check = json!({"record": "check", "found": "altered", "area_m2": 280, "position": [119.95, 31.78], "documents": [photo]});
    office.record("checker", &line, check).await;
    let mut form = Form::of(&office, "two", &at).await;
    assert_eq!(form.told("民政楼", "found_area_m2"), "280");
    let same = bring(&office, "two", &at, &form.file(), false).await;
    assert_eq!(counts(&same), [0, 0, 2, 0, 0], "{same}");
    form.fill("民政楼", &[("found_area_m2", "300")]);
    let checked = bring(&office, "two", &at, &form.file(), false).await;
    assert_eq!(
        refused(&checked),
        [(form.row("民政楼") as u64 + 1, "", "checked_already")]
    );
    office.rest_in_place(MANAGER, &at).await;
    office.step(MANAGER, &at, "end_check").await;
    let before = entries(&pool).await;
    let (status, body) = office
        .bring("two", &format!("{at}/figures"), "a.xlsx", &form.file())
        .await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status.as_u16(), &body["code"]), (409, &json!("record_closed")));
    let late = office.ask("two", "GET", &format!("{at}/form.xlsx"), &[], None).await;
    assert_eq!(refusal(&late), (409, "record_closed".to_owned()));
    assert_eq!(entries(&pool).await, before);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_no_form_is_refused_as_a_whole(pool: PgPool) {
    let office = Office::open(&pool).await;
    let unit = office.unit("财政局").await;
    let hall = office.building("市政大楼", &unit, 1000.0).await;
    let at = office.frozen(json!({})).await;
    let before = entries(&pool).await;
    let uri = format!("{at}/figures");
    let geojson = br#"{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"id": "1", "tag": "1", "found": "x"}, "geometry": null}]}"#;
    for (name, file, code) in [
        (
            "填报表.xlsx",
            &b"%PDF-1.7\n1 0 obj <</Type /Catalog>> endobj\n%%EOF\n"[..],
            "",
        ),
        ("填报表.xlsx", b"PK\x03\x04 and no more than that", ""),
        ("填报表.xlsx", b"", ""),
        ("填报表.csv", b"\x00\x01\x02\x03", ""),
        ("填报表.csv", "名称,面积\n市政大楼,1000\n".as_bytes(), "no_form"),
        ("填报表.csv", "标识,盘点情况\n1,在位\n".as_bytes(), "no_form"),
        (
            "填报表.csv",
            "标识,版本,盘点情况,found\n1,1,在位,在位\n".as_bytes(),
            "column_twice",
        ),
        ("填报表.geojson", geojson, "no_table"),
        (
            "填报表.gml",
            b"<?xml version='1.0'?><gml:FeatureCollection xmlns:gml='http://www.opengis.net/gml'/>",
            "",
        ),
        ("../../填报表.csv", "标识\n".as_bytes(), "no_form"),
    ] {
        let (status, body) = office.bring(CONTACT, &uri, name, file).await;
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{name}: {body}");
        assert_eq!(body["field"], "file", "{body}");
        assert!(body["remedy"].is_string(), "{body}");
        if !code.is_empty() {
            assert_eq!(body["code"], code, "{body}");
        }
    }
    let large = vec![b'a'; super::figures::MOST_FORM_BYTES + 1];
    let (status, body) = office.bring(CONTACT, &uri, "填报表.csv", &large).await;
    assert_eq!(
        status,
        StatusCode::PAYLOAD_TOO_LARGE,
        "{}",
        String::from_utf8_lossy(&body)
    );
    let asked = office.ask(CONTACT, "POST", &uri, &[], Some(json!({"rows": []}))).await;
    assert_eq!(asked.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{}", asked.body);
    let form = Form::of(&office, CONTACT, &at).await.file();
    let nowhere = format!("stocktakings/{}/figures", Uuid::now_v7());
    let (status, _) = office.bring(CONTACT, &nowhere, "填报表.xlsx", &form).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    for question in ["labels=fr", "left=right", "limit=x"] {
        let refused = office
            .ask(CONTACT, "GET", &format!("{at}/form.xlsx?{question}"), &[], None)
            .await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{question}");
    }
    assert_eq!(entries(&pool).await, before, "nothing was written");

    // Who takes away what is internal (内部) is kept.
    sqlx::query("update spatial_unit_version set secrecy = 'internal' where object_id = $1::uuid")
        .bind(&hall)
        .execute(&pool)
        .await
        .unwrap();
    let kept = async || {
        sqlx::query_scalar::<_, i64>("select count(*) from restricted_read where $1::uuid = any(object_ids)")
            .bind(&hall)
            .fetch_one(&pool)
            .await
            .unwrap()
    };
    let before = kept().await;
    Form::of(&office, CONTACT, &at).await;
    assert_eq!(kept().await, before + 1);
}
