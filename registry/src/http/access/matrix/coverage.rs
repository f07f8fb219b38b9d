//! That nothing is forgotten: every route either tells the one who sees all of something that is registered here, so that the
//! other tests mean something when it tells the others nothing; or it is asked to write something here; or it stands in a list
//! with the reason why not.

use super::questions::{QUERIES, noun_of, told};
use super::*;

/// Reads that tell of nothing that lies in a place, or whose answer is judged otherwise.
const TELL_OF_NO_PLACE: &[(&str, &[&str])] = &[
    (
        "places and units are a directory that is open to whoever reads",
        &[
            "/api/v1/regions",
            "/api/v1/regions/{id}",
            "/api/v1/regions/{id}/versions",
            "/api/v1/regions/export",
            "/api/v1/units",
            "/api/v1/units/{id}",
            "/api/v1/units/{id}/versions",
            "/api/v1/units/export",
        ],
    ),
    (
        "what is settled, counted by rules or named holds for everybody",
        &[
            "/api/v1/space-standard",
            "/api/v1/dictionaries",
            "/api/v1/rules",
            "/api/v1/checks",
            "/api/v1/checks/{id}",
            "/api/v1/relief-policies",
            "/api/v1/relief-policies/{id}",
            "/api/v1/approval-thresholds",
            "/api/v1/approval-thresholds/examples",
            "/api/v1/approval-thresholds/{id}",
            "/api/v1/calendar-notices",
            "/api/v1/calendar-notices/{id}",
            "/api/v1/rule-parameters",
            "/api/v1/rule-parameters/{id}",
            "/api/v1/inspection-schemes",
            "/api/v1/inspection-schemes/in-force",
            "/api/v1/inspection-schemes/{id}",
        ],
    ),
    (
        "the procedures hold for everybody",
        &[
            "/api/v1/workflows/title_case",
            "/api/v1/workflows/idle_disposal",
            "/api/v1/workflows/repair",
            "/api/v1/workflows/reassign",
            "/api/v1/workflows/swap_premises",
            "/api/v1/workflows/rent_in",
            "/api/v1/workflows/build",
            "/api/v1/workflows/leader_office",
            "/api/v1/workflows/hand_down",
            "/api/v1/workflows/turnover_housing",
            "/api/v1/workflows/inspection",
            "/api/v1/workflows/stocktaking",
        ],
    ),
    (
        "figures name nothing: held against the oracle in reads.rs, or told to whoever reads all of it",
        &[
            "/api/v1/totals",
            "/api/v1/title-totals",
            "/api/v1/lease-totals",
            "/api/v1/map",
            "/api/v1/regions/{id}/occupancy",
            "/api/v1/regions/{id}/utilisation",
            "/api/v1/utilisation",
            "/api/v1/tasks/summary",
            "/api/v1/inspections/{id}/indicators",
            "/api/v1/ledger/head",
        ],
    ),
    (
        "it names units, which everybody sees, and of them those whose filings the reader keeps: tasks/tests.rs",
        &["/api/v1/owed-filings"],
    ),
    (
        "it is there once a case has vacated rooms: policy_cases/tests/housing/movables.rs",
        &["/api/v1/policy-cases/{id}/movables.xlsx"],
    ),
    (
        "a workbook, packed: stocktakings/figures_tests.rs reads what is in it; what isn't seen is asked in silence.rs",
        &["/api/v1/stocktakings/{id}/form.xlsx"],
    ),
    (
        "it is there once an agreement was certified: use_agreements/tests.rs; what isn't seen is asked in silence.rs",
        &["/api/v1/use-agreements/{id}/certificate"],
    ),
    (
        "rights come by imports alone; both have tests of their own",
        &[
            "/api/v1/{layer}/{id}/rights",
            "/api/v1/rights/export",
            "/api/v1/imports",
            "/api/v1/imports/{id}",
            "/api/v1/imports/{id}/rows",
            "/api/v1/imports/{id}/report.csv",
            "/api/v1/imports/{id}/marked.xlsx",
            "/api/v1/imports/templates/{file}",
            "/api/v1/import-mappings/{layer}",
            "/api/v1/import-mappings/{layer}/{name}",
        ],
    ),
    (
        "tiles carry shapes by scope in a layer of their own, which has a test of its own",
        &[
            "/tiles/{layers}",
            "/tiles/{layers}/{z}/{x}/{y}",
            "/styles/{name}",
            "/ogc/tileMatrixSets",
            "/ogc/tileMatrixSets/{set}",
            "/ogc/collections/{collection}/tiles",
            "/ogc/collections/{collection}/tiles/{set}",
            "/ogc/collections/{collection}/tiles/{set}/{matrix}/{row}/{column}",
        ],
    ),
    (
        "how the collections are read; their items are told",
        &[
            "/ogc",
            "/ogc/",
            "/ogc/conformance",
            "/ogc/api",
            "/ogc/collections",
            "/ogc/collections/{collection}",
            "/ogc/collections/{collection}/queryables",
            "/ogc/collections/{collection}/schema",
        ],
    ),
];

#[sqlx::test(migrations = "../migrations")]
async fn every_address_that_is_read_tells_somebody_of_what_is_here_or_says_why_not(pool: PgPool) {
    let world = World::new(&pool).await;
    let whole = &PARTS[0];
    let silent: Vec<&str> = TELL_OF_NO_PLACE
        .iter()
        .flat_map(|(_, paths)| paths.iter().copied())
        .collect();
    let everything: Vec<&Asset> = world.everything().collect();
    let last: i64 = sqlx::query_scalar("select max(seq) from ledger_leaf")
        .fetch_one(&pool)
        .await
        .unwrap();
    let (mut forgotten, mut known) = (Vec::new(), BTreeSet::new());
    for (method, path, need) in ROUTES {
        if *method != "GET" || !matches!(need, May(_)) {
            continue;
        }
        known.insert(*path);
        if silent.contains(path) {
            continue;
        }
        let mut tells = false;
        let about = world.about(path, &everything);
        // One of each layer, and the last: something that is asked about in vain is asked about otherwise.
        'asking: for target in about.iter().take(3).chain(about.last()) {
            for query in QUERIES {
                let uri = world
                    .uri(path, target)
                    .replace("{seq}", &last.to_string())
                    .replace(['{', '}'], "1");
                let uri = format!("{uri}{}", world.query(query, target));
                let (status, text) = world.get(whole, Role::AssetManager, &uri).await;
                tells = status == 200 && everything.iter().any(|asset| told(&text, &uri, asset).is_some());
                // A history of mere states tells that there is one.
                if let (200, false, Some(id)) = (status, tells, id_in(path, target)) {
                    let (nothing, _) = world.get(whole, Role::AssetManager, &uri.replace(id, NOWHERE)).await;
                    tells = nothing == 404;
                }
                if tells {
                    break 'asking;
                }
            }
        }
        if !tells {
            forgotten.push(*path);
        }
    }
    assert!(
        forgotten.is_empty(),
        "nothing is registered here that these tell of: hang it on the assets, or say why not: {forgotten:#?}"
    );
    let gone: Vec<_> = silent.iter().filter(|path| !known.contains(*path)).collect();
    assert!(gone.is_empty(), "no routes any more: {gone:?}");
}

/// The id that stands in the address of something.
fn id_in<'a>(path: &str, target: &'a Asset) -> Option<&'a str> {
    if path.contains("{line}") {
        return target.id_of("stocktaking-lines");
    }
    let is_of_one = path.contains("{id}") || path.contains("{asset}");
    is_of_one.then(|| target.id_of(noun_of(path)).unwrap_or(&target.id))
}

/// What is written: of what (the noun whose id it is about, `ID` in its words), by whom, and the words.
type Write = (&'static str, &'static str, &'static str, Role, &'static str);

/// Another id that nothing has, and a tag that is of no version.
const ELSEWHERE: &str = "018f0000-0000-7000-8000-00000000beef";

const AM: Role = Role::AssetManager;
const END: &str = r#"{"valid_to": "2026-11-01", "reason": "试"}"#;

const WRITES: &[Write] = &[
    (
        "POST",
        "/api/v1/rooms",
        "buildings",
        AM,
        r#"{"building_id": "ID", "floor": 2, "number": "9", "valid_from": "2021-01-01"}"#,
    ),
    ("PATCH", "/api/v1/rooms/{id}", "rooms", AM, r#"{"floor": 1}"#),
    ("POST", "/api/v1/rooms/{id}/closures", "rooms", AM, END),
    (
        "POST",
        "/api/v1/occupants",
        "rooms",
        AM,
        r#"{"room_id": "ID", "person": "某", "rank": "副局(处)级"}"#,
    ),
    (
        "PATCH",
        "/api/v1/occupants/{id}",
        "occupants",
        AM,
        r#"{"staff_number": "8"}"#,
    ),
    ("POST", "/api/v1/occupants/{id}/closures", "occupants", AM, END),
    ("PATCH", "/api/v1/{layer}/{id}", "buildings", AM, r#"{"name": "某"}"#),
    ("POST", "/api/v1/{layer}/{id}/closures", "buildings", AM, END),
    (
        "POST",
        "/api/v1/{layer}/{id}/relations",
        "sites",
        AM,
        r#"{"related_id": "RELATED", "valid_from": "2021-01-01"}"#,
    ),
    (
        "POST",
        "/api/v1/{layer}/{id}/relations/closures",
        "sites",
        AM,
        r#"{"related_id": "RELATED", "valid_to": "2026-01-01", "reason": "试"}"#,
    ),
    (
        "POST",
        "/api/v1/successions",
        "parcels",
        AM,
        r#"{"on": "2026-11-01", "from": [{"id": "ID", "version_id": "ELSEWHERE"}], "survey": "测", "consent": "函", "reason": "分割",
            "pieces": [{"geometry": WEST, "code": "W"}, {"geometry": EAST, "code": "E"}]}"#,
    ),
    (
        "POST",
        "/api/v1/idle-records",
        "buildings",
        AM,
        r#"{"asset_id": "ID", "idle_since": "2026-01-01", "cause": "surplus", "evidence": "巡查"}"#,
    ),
    (
        "POST",
        "/api/v1/idle-records/{id}/closures",
        "idle-records",
        AM,
        r#"{"valid_to": "2026-11-01", "occupancy": "in_use", "reason": "试"}"#,
    ),
    (
        "POST",
        "/api/v1/leases",
        "buildings",
        AM,
        r#"{"asset_id": "ID", "direction": "out", "area_m2": 100, "lessor_kind": "bureau", "lessor_name": "局",
            "lessee_kind": "enterprise", "lessee_size": "small", "lessee_sector": "services", "lessee_name": "某",
            "purpose": "餐饮", "starts_on": "2026-01-01", "ends_on": "2026-12-31", "rent": "9387.00", "price_basis": "public_letting",
            "exchange": "中心", "exchange_record": "1", "contract_number": "1", "approval_number": "1"}"#,
    ),
    (
        "PATCH",
        "/api/v1/leases/{id}",
        "leases",
        AM,
        r#"{"purpose": "餐饮", "reason": "试"}"#,
    ),
    ("POST", "/api/v1/leases/{id}/closures", "leases", AM, END),
    (
        "POST",
        "/api/v1/leases/{id}/movements",
        "leases",
        Role::FinanceReviewer,
        r#"{"kind": "payment", "amount": "0.01", "on": "2026-11-01", "document": "票"}"#,
    ),
    (
        "POST",
        "/api/v1/leases/{id}/movements/{movement}/reversals",
        "leases",
        Role::FinanceReviewer,
        r#"{"document": "冲", "reason": "错"}"#,
    ),
    (
        "POST",
        "/api/v1/housing-tenancies",
        "homes",
        AM,
        r#"{"room_id": "ID", "tenant_name": "钱", "unit_id": "UNIT", "eligibility": "交流", "eligibility_document": "表",
            "starts_on": "2026-01-01", "ends_on": "2027-12-31", "monthly_rent": "612.50", "rent_ground": "收入"}"#,
    ),
    (
        "PATCH",
        "/api/v1/housing-tenancies/{id}",
        "housing-tenancies",
        AM,
        r#"{"eligibility": "引进"}"#,
    ),
    (
        "POST",
        "/api/v1/housing-tenancies/{id}/exits",
        "housing-tenancies",
        AM,
        r#"{"on": "2026-11-01", "reason": "退租"}"#,
    ),
    (
        "POST",
        "/api/v1/relief-policies/{id}/reliefs",
        "leases",
        AM,
        r#"{"applications": [{"lease_id": "ID", "evidence": "申请"}]}"#,
    ),
    (
        "POST",
        "/api/v1/relief-policies/{id}/decisions",
        "reliefs",
        Role::Approver,
        r#"{"relief_ids": ["ID"], "decision": "approve", "document": "批"}"#,
    ),
    (
        "POST",
        "/api/v1/titles",
        "parcels",
        Role::TitleClerk,
        r#"{"evidence": "both", "unit_code": "431103001002GB00099F00010001", "cert_no": "湘(2021)冷水滩区不动产权第0000099号",
            "print_serial": "J01234567899", "holders": [{"name": "局", "kind": "bureau"}], "co_ownership": "0",
            "location": "某路1号", "right_type": "4", "right_nature_land": "101", "right_nature_house": "其它",
            "land_use_scheme": "GB21010-2017", "land_use_code": "0801", "house_use": "60", "land_area_m2": 10000.5,
            "house_area_m2": 141.28, "registry": "登记中心", "accepted_on": "2021-03-01", "recorded_on": "2021-03-10",
            "issued_on": "2021-03-12", "policy_action": "re_register", "registration_type": "200", "parcel_ids": ["ID"],
            "building_ids": []}"#,
    ),
    (
        "PATCH",
        "/api/v1/titles/{id}",
        "titles",
        Role::TitleClerk,
        r#"{"reason": "试", "location": "某路2号"}"#,
    ),
    ("POST", "/api/v1/titles/{id}/closures", "titles", Role::TitleClerk, END),
    (
        "POST",
        "/api/v1/titles/{id}/encumbrances",
        "titles",
        Role::TitleClerk,
        r#"{"kind": "dispute", "holder": "某", "document": "案号", "valid_from": "2021-06-01"}"#,
    ),
    (
        "POST",
        "/api/v1/encumbrances/{id}/closures",
        "encumbrances",
        Role::TitleClerk,
        END,
    ),
    (
        "POST",
        "/api/v1/title-cases",
        "buildings",
        Role::TitleClerk,
        r#"{"asset_id": "ID"}"#,
    ),
    (
        "POST",
        "/api/v1/title-case-previews",
        "buildings",
        Role::TitleClerk,
        r#"{"asset_ids": ["ID"]}"#,
    ),
    (
        "POST",
        "/api/v1/title-case-batches",
        "buildings",
        Role::TitleClerk,
        r#"{"asset_ids": ["ID"]}"#,
    ),
    (
        "PATCH",
        "/api/v1/title-cases/{id}",
        "title-cases",
        Role::TitleClerk,
        r#"{"consents": []}"#,
    ),
    (
        "POST",
        "/api/v1/title-cases/{id}/transitions",
        "title-cases",
        Role::TitleClerk,
        r#"{"transition": "survey"}"#,
    ),
    (
        "POST",
        "/api/v1/policy-cases",
        "buildings",
        AM,
        r#"{"procedure": "turnover_housing", "asset_id": "ID"}"#,
    ),
    (
        "POST",
        "/api/v1/policy-cases/{id}/records",
        "policy-cases",
        AM,
        r#"{"record": "housing_choice", "source": "idle_compound", "place": "某处", "surroundings": "学校", "demand": "周转"}"#,
    ),
    (
        "POST",
        "/api/v1/policy-cases/{id}/transitions",
        "policy-cases",
        AM,
        r#"{"transition": "select"}"#,
    ),
    (
        "POST",
        "/api/v1/inspections/{id}/samples",
        "inspections",
        AM,
        r#"{"number": 1}"#,
    ),
    (
        "POST",
        "/api/v1/inspections/{id}/records",
        "inspections",
        AM,
        r#"{"record": "self_check", "statement": "无", "problems": 0}"#,
    ),
    (
        "POST",
        "/api/v1/inspections/{id}/transitions",
        "inspections",
        AM,
        r#"{"transition": "plan"}"#,
    ),
    (
        "POST",
        "/api/v1/inspections/{id}/findings",
        "inspections",
        AM,
        r#"{"rule": "USE-01", "object_id": "ELSEWHERE", "says": "某", "days": 10}"#,
    ),
    (
        "POST",
        "/api/v1/inspection-findings/{id}/steps",
        "inspection-findings",
        AM,
        r#"{"step": "rectify", "text": "已签"}"#,
    ),
    (
        "POST",
        "/api/v1/use-agreements",
        "rooms",
        AM,
        r#"{"unit_id": "UNIT", "room_ids": ["ID"], "purpose": "办公", "starts_on": "2026-01-01"}"#,
    ),
    (
        "POST",
        "/api/v1/use-agreements/{id}/steps",
        "use-agreements",
        AM,
        r#"{"step": "renew", "certificate_no": "用证1", "ends_on": "2031-01-01"}"#,
    ),
    (
        "POST",
        "/api/v1/meter-readings",
        "buildings",
        AM,
        r#"{"source": "账单", "readings": [{"building_id": "ID", "utility": "water", "from": "2026-01-01", "to": "2026-01-31", "quantity": "1"}]}"#,
    ),
    (
        "POST",
        "/api/v1/stocktakings/{id}/transitions",
        "stocktakings",
        AM,
        r#"{"transition": "check"}"#,
    ),
    (
        "POST",
        "/api/v1/stocktakings/{id}/papers",
        "stocktakings",
        AM,
        r#"{"kind": "plan", "name": "方案"}"#,
    ),
    (
        "POST",
        "/api/v1/stocktakings/{id}/lines",
        "buildings",
        AM,
        r#"{"kind": "building", "name": "账外楼", "near_id": "ID"}"#,
    ),
    (
        "POST",
        "/api/v1/stocktakings/{id}/lines/{line}/records",
        "stocktaking-lines",
        AM,
        r#"{"record": "answer", "found": "in_place"}"#,
    ),
    (
        "POST",
        "/api/v1/stocktakings/{id}/confirmations",
        "stocktaking-lines",
        AM,
        r#"{"line_ids": ["ID"]}"#,
    ),
    (
        "PATCH",
        "/api/v1/use-filings/{id}",
        "use-filings",
        AM,
        r#"{"note": "某", "reason": "试"}"#,
    ),
    (
        "POST",
        "/api/v1/use-filings/{id}/withdrawals",
        "use-filings",
        AM,
        r#"{"reason": "试"}"#,
    ),
    (
        "PATCH",
        "/api/v1/findings/{id}",
        "findings",
        Role::TitleReviewer,
        r#"{"owner": "某人"}"#,
    ),
];

/// Writes that are about nothing that is there already, with where they are asked.
const WRITTEN_ELSEWHERE: &[(&str, &str, &str)] = &[
    (
        "POST",
        "/api/v1/{layer}",
        "a new one lies where it is put: writes.rs asks region by region",
    ),
    ("POST", "/api/v1/stocktakings", "likewise"),
    ("POST", "/api/v1/inspections", "likewise"),
    (
        "POST",
        "/api/v1/use-filings",
        "of a unit, which everybody sees: use_filings/tests.rs",
    ),
    (
        "POST",
        "/api/v1/documents",
        "a paper lies nowhere until something takes it up: documents/tests.rs",
    ),
    (
        "POST",
        "/api/v1/space-calculations",
        "is told everything that it reckons with",
    ),
    (
        "POST",
        "/api/v1/succession-previews",
        "writes nothing; what is not seen is asked in successions/room_tests.rs",
    ),
    (
        "POST",
        "/api/v1/imports",
        "what a file holds lies where its rows say: imports/tests",
    ),
    (
        "POST",
        "/api/v1/stocktakings/{id}/figures",
        "a file, whose rows lie where their lines do: stocktakings/figures_tests.rs",
    ),
    ("POST", "/api/v1/stocktakings/{id}/figures/marked", "likewise"),
    (
        "DELETE",
        "/api/v1/imports/{id}",
        "an import is its person's: imports/tests",
    ),
];

#[sqlx::test(migrations = "../migrations")]
async fn every_address_that_is_written_knows_nothing_of_what_is_not_seen(pool: PgPool) {
    for (method, path, need) in ROUTES {
        let is_asked = WRITES.iter().any(|(asked, at, ..)| asked == method && at == path)
            || WRITTEN_ELSEWHERE
                .iter()
                .any(|(asked, at, _)| asked == method && at == path);
        assert!(
            *method == "GET" || !matches!(need, May(_)) || is_asked,
            "{method} {path} writes, and nobody asks whether it does so to what isn't seen: add it to WRITES"
        );
    }
    let world = World::new(&pool).await;
    let squares = [111.7, 111.701].map(|x| {
        json!({"type": "Polygon", "coordinates":
            [[[x, 26.4], [x + 0.001, 26.4], [x + 0.001, 26.401], [x, 26.401], [x, 26.4]]]})
    });
    let mut faults = Vec::new();
    for (method, path, of, role, words) in WRITES {
        let mut having: Vec<&Asset> = world
            .everything()
            .filter(|asset| asset.layer == *of || asset.id_of(of).is_some())
            .filter(|asset| asset.ends.is_none())
            .collect();
        // What lies in a place by itself is not seen by each of those who see something of it.
        if having.iter().any(|asset| asset.layer == *of) {
            having.retain(|asset| asset.layer == *of);
        }
        let ask_of = async |part: &Part, target: &Asset, id: &str| {
            let is_of_it = noun_of(path) == *of || path.contains("{layer}");
            let movement = target.id_of("movements").unwrap_or(NOWHERE);
            let line = path.replace("{line}", id).replace("{movement}", movement);
            // A site's parcel stands two places before it.
            let place = world.assets.iter().position(|asset| asset.id == target.id);
            let related = place
                .and_then(|place| place.checked_sub(2))
                .map_or(ELSEWHERE, |place| world.assets[place].id.as_str());
            let uri = if is_of_it {
                line.replace("{layer}", target.layer).replace("{id}", id)
            } else {
                world.uri(&line, target)
            };
            let body = words
                .replace("ELSEWHERE", ELSEWHERE)
                .replace("RELATED", related)
                .replace("WEST", &squares[0].to_string())
                .replace("EAST", &squares[1].to_string())
                .replace("\"UNIT\"", &json!(world.units[1]).to_string())
                .replace("\"ID\"", &json!(id).to_string());
            let (key, tag) = (Uuid::now_v7().to_string(), format!("\"{ELSEWHERE}\""));
            let headers = [("Idempotency-Key", key.as_str()), ("If-Match", tag.as_str())];
            let token = &world.tokens[&format!("{}-{}", part.name, role.as_str())];
            let body = serde_json::from_str(&body).unwrap();
            let answer = ask_as(&world.app, Some(token), method, &uri, &headers, Some(body)).await;
            (
                answer.status.as_u16(),
                answer.body.to_string().replace(id, NOWHERE),
                answer.body["code"].as_str().unwrap_or_default().to_owned(),
            )
        };
        let own = |target: &Asset| target.id_of(of).unwrap_or(&target.id).to_owned();
        for part in &PARTS[1..] {
            let unseen: Vec<&&Asset> = having.iter().filter(|asset| !part.reads(asset)).collect();
            for target in unseen.iter().take(2) {
                let there = ask_of(part, target, &own(target)).await;
                let nothing = ask_of(part, target, NOWHERE).await;
                // A preview tells that it isn't there, and what is confirmed by lines is counted.
                let tells_so = ["previews", "confirmations"].iter().any(|end| path.ends_with(end));
                if there != nothing || (there.0 < 400 && !tells_so) {
                    faults.push(format!("{}: {method} {path}: {there:?}, not {nothing:?}", part.name));
                }
            }
        }
        // Whoever sees it is answered otherwise: the question was a good one.
        let is_there = |asset: &&&Asset| !world.uri(path, asset).contains(NOWHERE);
        let target = having.iter().find(is_there).copied().unwrap_or(having[0]);
        let (there, nothing) = (
            ask_of(&PARTS[0], target, &own(target)).await,
            ask_of(&PARTS[0], target, NOWHERE).await,
        );
        if there == nothing || there.2 == "not_granted" {
            faults.push(format!(
                "whole: {method} {path}: {there:?} alike, whether it is there or not"
            ));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
