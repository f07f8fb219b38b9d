//! Templates that come back filled in, and copies with their faults marked.

#![expect(clippy::unwrap_used, reason = "a broken fixture should stop the test")]

mod support;

use std::path::{Path, PathBuf};

use calamine::{Data, Reader, Xlsx};
use gis_data::workbook::{Fault, MarkRefused, mark, template};
use gis_data::{Layer, PipelineOptions, ReadOptions, Source, Target, Words};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use support::{Folder, import};

/// The cells of a sheet, from the first row on.
fn cells(path: &Path, sheet: &str) -> Vec<Vec<Data>> {
    let mut book: Xlsx<_> = calamine::open_workbook(path).unwrap();
    let range = book.worksheet_range(sheet).unwrap();
    let (rows, columns) = range.end().unwrap();
    (0..=rows)
        .map(|row| {
            (0..=columns)
                .map(|column| range.get_value((row, column)).cloned().unwrap_or(Data::Empty))
                .collect()
        })
        .collect()
}

fn sheets(path: &Path) -> Vec<String> {
    let book: Xlsx<_> = calamine::open_workbook(path).unwrap();
    book.sheet_names()
}

fn part(path: &Path, name: &str) -> String {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut zip.by_name(name).unwrap(), &mut text).unwrap();
    text
}

/// A copy of the template with rows of its own below the example, as a spreadsheet would save it.
fn filled(folder: &Folder, layer: Layer, rows: &[&dyn Fn(&str) -> String]) -> PathBuf {
    let given = folder.write("template.xlsx", template(layer).unwrap());
    let sheet = sheets(&given).remove(0);
    let cells = cells(&given, &sheet);
    let mut book = Workbook::new();
    let copy = book.add_worksheet();
    copy.set_name(&sheet).unwrap();
    let groups: Vec<usize> = (0..cells[1].len())
        .filter(|column| cells[1][*column] != Data::Empty)
        .collect();
    for (position, first) in groups.iter().enumerate() {
        let last = groups.get(position + 1).map_or(cells[1].len(), |next| *next) - 1;
        if last > *first {
            let words = cells[1][*first].to_string();
            copy.merge_range(1, *first as u16, 1, last as u16, &words, &Format::new())
                .unwrap();
        }
    }
    for (row, line) in cells.iter().enumerate() {
        for (column, cell) in line.iter().enumerate() {
            if *cell != Data::Empty {
                copy.write_string(row as u32, column as u16, cell.to_string()).unwrap();
            }
        }
    }
    for (row, values) in (4..).zip(rows) {
        for (column, header) in cells[2].iter().enumerate() {
            let header = header.to_string();
            let value = values(header.lines().last().unwrap());
            if !value.is_empty() {
                copy.write_string(row, column as u16, value).unwrap();
            }
        }
    }
    // What stands beside the table.
    let about = book.add_worksheet();
    about.set_name("填写说明").unwrap();
    about.write_string(0, 0, "一").unwrap();
    about.write_string(1, 0, "二").unwrap();
    let path = folder.path().join("filled.xlsx");
    book.save(&path).unwrap();
    path
}

const PLOT: &str = "POLYGON ((119.95 31.78, 119.951 31.78, 119.951 31.781, 119.95 31.781, 119.95 31.78))";

/// The code stands for the key, and a template is no history.
const LEFT_OUT: [Target; 3] = [Target::Key, Target::ValidFrom, Target::ValidTo];

#[test]
fn a_template_filled_in_is_imported_without_any_mapping() {
    for layer in Layer::ALL {
        let folder = Folder::new();
        let value = |name: &str| match name {
            "code" => "0007".to_owned(),
            "wkt" => PLOT.to_owned(),
            "longitude" => "119.95".to_owned(),
            "latitude" => "31.78".to_owned(),
            // Only the code is written for the second row, and the shape: most cells of a real sheet are empty.
            other => match Target::parse(other) {
                Some(Target::RegisteredAreaM2 | Target::UseAreaM2) => "12.5".to_owned(),
                Some(Target::IdleSince) => "2024-06-30".to_owned(),
                Some(Target::YearBuilt) => "1998".to_owned(),
                Some(Target::FloorsAbove | Target::FloorsBelow | Target::Floor) => "1".to_owned(),
                Some(Target::TitleStatus | Target::Usage) => "其他".to_owned(),
                Some(Target::Occupancy) => "闲置".to_owned(),
                Some(Target::AdminLevel) => "市级".to_owned(),
                Some(Target::Secrecy) => "内部".to_owned(),
                _ => "某".to_owned(),
            },
        };
        let sparse = |name: &str| match name {
            "code" | "asset_code" => "0008".to_owned(),
            "wkt" => PLOT.replace("119.", "118."),
            "name" => "二".to_owned(),
            _ => String::new(),
        };
        let path = filled(&folder, layer, &[&value, &sparse]);
        let source = Source::open(&path, &ReadOptions::default()).unwrap();
        let names = source.fields().into_iter().map(|field| field.name).collect::<Vec<_>>();
        let outcome = import(&path, PipelineOptions::new(layer)).unwrap();
        assert_eq!(outcome.quarantined.len(), 0, "{layer:?} {names:?}");
        assert_eq!(outcome.accepted.len(), 2, "{layer:?}: the example is left out");
        let full = &outcome.accepted[0];
        // A room is known in its building and on its floor, a right in its asset.
        let (first, second) = match layer {
            Layer::Rooms => ("某/1/0007", None),
            Layer::Titles => ("某#1", Some("0008#1")),
            _ => ("0007", Some("0008")),
        };
        assert_eq!((full.row, full.source_key.as_str()), (5, first), "{layer:?}");
        for target in Target::of_layer(layer) {
            if !LEFT_OUT.contains(target) {
                assert!(
                    full.fields.contains_key(target.as_str()),
                    "{layer:?}: {target:?} in {names:?}"
                );
            }
        }
        assert!(full.warnings.is_empty(), "{layer:?}: {:?}", full.warnings);
        if let Some(second) = second {
            assert_eq!(outcome.accepted[1].source_key, second, "{layer:?}");
        }
        assert_eq!(
            full.geometry.is_some(),
            !matches!(layer, Layer::Units | Layer::Rooms | Layer::Titles),
            "{layer:?}"
        );
    }
}

#[test]
fn a_template_offers_the_words_of_every_closed_list_and_explains_each_column() {
    let folder = Folder::new();
    let path = folder.write("template.xlsx", template(Layer::Buildings).unwrap());
    assert_eq!(sheets(&path), ["楼栋", "填写说明", "选项"]);
    let table = cells(&path, "楼栋");
    let names: Vec<String> = table[2]
        .iter()
        .map(|cell| cell.to_string().lines().last().unwrap_or_default().to_owned())
        .collect();
    let columns = Target::of_layer(Layer::Buildings);
    for target in columns.iter().filter(|target| !LEFT_OUT.contains(target)) {
        assert!(names.iter().any(|name| name == target.as_str()), "{target:?}");
    }
    assert!(table[0][0].to_string().contains("导入模板"));
    assert!(table[3][0].to_string().starts_with("（示例，导入时忽略）"));
    let sheet = part(&path, "xl/worksheets/sheet1.xml");
    assert_eq!(sheet.matches("type=\"list\"").count(), 5, "{sheet}");
    assert!(sheet.contains("type=\"date\"") && sheet.contains("type=\"whole\"") && sheet.contains("type=\"decimal\""));
    let words: Vec<String> = cells(&path, "选项").iter().map(|row| row[0].to_string()).collect();
    assert_eq!(words[0], "已统一登记到机关事务管理部门名下");
    assert!(part(&path, "xl/workbook.xml").contains("state=\"hidden\""));
    assert!(part(&path, "xl/comments1.xml").contains("平方米"));
    let about: Vec<String> = cells(&path, "填写说明")
        .concat()
        .iter()
        .map(ToString::to_string)
        .collect();
    for words in ["从哪一天起闲置", "平方米", "2024-06-30", "行政办公；住房保障"] {
        assert!(about.iter().any(|cell| cell.contains(words)), "{words}");
    }
    // Untouched, it holds no row.
    let mut source = Source::open(&path, &ReadOptions::default()).unwrap();
    assert_eq!(source.rows().count(), 0);
}

/// A sheet with a title, a code shown with zeros, a day, and faults in rows 4 and 5.
fn faulty(folder: &Folder) -> PathBuf {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.set_name("台账 2024").unwrap();
    sheet.merge_range(0, 0, 0, 3, "某某局房屋台账", &Format::new()).unwrap();
    for (column, words) in (0..).zip(["编号", "使用状态", "闲置起始日期", "wkt"]) {
        sheet.write_string(1, column, words).unwrap();
    }
    let code = Format::new().set_num_format("00000");
    let day = Format::new().set_num_format("yyyy/m/d");
    for (row, state) in (2..).zip(["闲置", "空关", "在用"]) {
        sheet.write_number_with_format(row, 0, f64::from(row), &code).unwrap();
        sheet.write_string(row, 1, state).unwrap();
        if row == 2 {
            let since = ExcelDateTime::from_ymd(2024, 6, 30).unwrap();
            sheet.write_datetime_with_format(row, 2, &since, &day).unwrap();
        }
        if row != 4 {
            sheet
                .write_string(row, 3, PLOT.replace("119.9", &format!("11{row}.9")))
                .unwrap();
        }
    }
    let path = folder.path().join("faulty.xlsx");
    book.save(&path).unwrap();
    path
}

fn faults() -> Vec<Fault> {
    let fault = |row, field: Option<&str>, is_refused| Fault {
        row,
        field: field.map(ToOwned::to_owned),
        words: Words::new(format!("第 {row} 行有误"), format!("row {row} is wrong")),
        is_refused,
    };
    vec![
        fault(4, Some("occupancy"), false),
        fault(5, Some("geometry"), true),
        fault(5, None, true),
    ]
}

fn mapping() -> Vec<(String, String)> {
    [("code", "编号"), ("occupancy", "使用状态")]
        .map(|(field, header)| (field.to_owned(), header.to_owned()))
        .to_vec()
}

#[test]
fn a_marked_copy_keeps_the_sheet_and_says_in_each_cell_what_is_wrong() {
    let folder = Folder::new();
    let path = faulty(&folder);
    let to = folder.path().join("marked.xlsx");
    mark(&path, &ReadOptions::default(), &mapping(), &faults(), &to).unwrap();
    assert_eq!(sheets(&to), ["台账 2024", "错误清单", "选项"]);
    assert_eq!(cells(&path, "台账 2024"), cells(&to, "台账 2024"));
    let notes = part(&to, "xl/comments1.xml");
    for (cell, words) in [
        ("B4", "提醒：第 4 行有误"),
        ("D5", "未导入：第 5 行有误"),
        ("A5", "Not imported: row 5 is wrong"),
    ] {
        let from = notes
            .find(&format!("ref=\"{cell}\""))
            .unwrap_or_else(|| panic!("{cell}: {notes}"));
        let note = notes[from..].split("</comment>").next().unwrap();
        assert!(note.contains(words), "{cell}: {note}");
    }
    assert_eq!(notes.matches("<comment ").count(), 3);
    let sheet = part(&to, "xl/worksheets/sheet1.xml");
    assert!(
        sheet.contains("<mergeCell ref=\"A1:D1\"/>") && sheet.contains("type=\"list\""),
        "{sheet}"
    );
    // The marked cells have a fill, and so another style than their neighbours.
    let style = |cell: &str| {
        let from = sheet.find(&format!("r=\"{cell}\" s=\"")).unwrap() + cell.len() + 8;
        sheet[from..].split('"').next().unwrap().to_owned()
    };
    assert_ne!(style("B4"), style("B3"));
    assert_ne!(style("D5"), style("B4"));
    let listed = cells(&to, "错误清单");
    assert_eq!(listed.len(), 4);
    let line: Vec<String> = listed[1].iter().map(ToString::to_string).collect();
    assert_eq!(line[..5], ["4", "B4", "使用状态", "提醒", "第 4 行有误"]);
    // The copy is read as the sheet itself was.
    let rows = |path: &Path| -> Vec<_> {
        let mut source = Source::open(path, &ReadOptions::default()).unwrap();
        source.rows().map(Result::unwrap).collect()
    };
    assert_eq!(rows(&path), rows(&to));
}

#[test]
fn a_workbook_that_contradicts_itself_is_refused_and_none_is_copied() {
    let folder = Folder::new();
    let whole = std::fs::read(faulty(&folder)).unwrap();
    let to = folder.path().join("marked.xlsx");
    for at in (0..whole.len()).step_by(61) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x5A;
        let path = folder.write("bent.xlsx", &bytes);
        // Some are read all the same: what counts is that nothing panics, and that a refusal is one of a source.
        if let Err(refused) = mark(&path, &ReadOptions::default(), &mapping(), &faults(), &to) {
            assert!(matches!(refused, MarkRefused::Source(_)), "{at}: {refused}");
        }
    }
    // Rows where no sheet has any, and a text that is said very often.
    let bent = |from: &str, to: &str| {
        let mut parts = zip::ZipArchive::new(std::io::Cursor::new(&whole)).unwrap();
        let mut packed = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for index in 0..parts.len() {
            let mut part = parts.by_index(index).unwrap();
            let name = part.name().unwrap().to_string();
            let mut text = String::new();
            std::io::Read::read_to_string(&mut part, &mut text).unwrap();
            packed
                .start_file(name, zip::write::SimpleFileOptions::default())
                .unwrap();
            std::io::Write::write_all(&mut packed, text.replace(from, to).as_bytes()).unwrap();
        }
        folder.write("bent.xlsx", packed.finish().unwrap().into_inner())
    };
    let far = bent("A5\"", "A2000005\"");
    let mut faults = faults();
    faults.push(Fault {
        row: 2_000_005,
        ..faults[0].clone()
    });
    match mark(&far, &ReadOptions::default(), &mapping(), &faults, &to) {
        Ok(()) | Err(MarkRefused::Source(_)) => {}
        Err(refused) => panic!("{refused}"),
    }
    let long = bent("空关", &"空".repeat(40_000));
    mark(&long, &ReadOptions::default(), &mapping(), &faults, &to).unwrap();
    let cut = folder.write("cut.xlsx", &whole[..whole.len() / 2]);
    assert!(mark(&cut, &ReadOptions::default(), &mapping(), &faults, &to).is_err());
}
