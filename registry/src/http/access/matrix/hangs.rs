//! What hangs on places beside what is registered of them: who sits and lives there, what stands idle, cases and their papers,
//! readings, stocktakings and inspections, and what units filed.

use super::world::made;
use super::*;
use crate::documents::tests::bring;

/// The office that registers it. What one puts forward another answers.
struct Office<'a> {
    app: &'a Router,
    state: &'a AppState,
    second: String,
}

impl Office<'_> {
    fn time_passes(&self) {
        self.state.clock.advance(time::Duration::seconds(1));
    }

    async fn made(&self, path: &str, body: Value) -> String {
        self.time_passes();
        made(self.app, path, body).await
    }

    /// Sends something to what is there, by its tag.
    async fn sent(&self, who: Option<&str>, (method, at, to): (&str, &str, &str), body: Value) -> Value {
        self.time_passes();
        let tag = ask(self.app, "GET", at, &[], None).await.etag.unwrap();
        let (uri, headers) = (format!("{at}{to}"), [("If-Match", tag.as_str())]);
        let answer = match who {
            None => ask(self.app, method, &uri, &headers, Some(body)).await,
            who => ask_as(self.app, who, method, &uri, &headers, Some(body)).await,
        };
        assert!(answer.status.is_success(), "{method} {uri}: {}", answer.body);
        answer.body
    }

    async fn read(&self, uri: &str) -> Value {
        let answer = ask(self.app, "GET", uri, &[], None).await;
        assert_eq!(answer.status, 200, "{uri}: {}", answer.body);
        answer.body
    }
}

/// Hangs all of it on the assets; answered is what lies in a place without being of one asset.
pub(super) async fn hung(
    pool: &PgPool,
    (app, state): (&Router, &AppState),
    assets: &mut [Asset],
    units: &[String],
) -> Vec<Asset> {
    let office = Office {
        app,
        state,
        second: person_with(pool, "second", Role::ALL, "all").await,
    };
    for place in assets.chunks_mut(3) {
        let [parcel, building, _] = place else { unreachable!() };
        let index = parcel.code[2..3].to_owned();
        hang_on(pool, &office, (&index, building), units).await;
    }
    let mut others = stocktakings(&office, assets).await;
    others.extend(inspections(&office, assets).await);
    others.extend(filings(&office).await);
    others
}

/// Something of a place, known by its words.
fn other(layer: &'static str, id: String, words: &str, lay: &[&'static str], unit: Option<usize>) -> Asset {
    Asset {
        layer,
        // A finding names its inspection by the id, whoever sees the finding.
        secrets: match layer {
            "inspections" => vec![words.to_owned()],
            _ => vec![id.clone(), words.to_owned()],
        },
        hangs: vec![(layer, id.clone())],
        id,
        code: words.to_owned(),
        lay: lay.iter().map(|region| (2020, *region)).collect(),
        level: "county",
        unit,
        ends: None,
        told: Vec::new(),
    }
}

async fn hang_on(pool: &PgPool, office: &Office<'_>, (index, building): (&str, &mut Asset), units: &[String]) {
    // A reading of each of its times: before the move of the moved one and after.
    for (year, word) in [(2022, "BEFORE"), (2026, "NOW")] {
        let source = format!("MM{index}{word}METER");
        let body = json!({"source": source, "readings": [{"building_id": building.id, "utility": "electricity",
            "from": format!("{year}-03-01"), "to": format!("{year}-03-31"), "quantity": "7"}]});
        office.made("/api/v1/meter-readings", body).await;
    }
    let readings = office
        .read(&format!("/api/v1/meter-readings?building={}", building.id))
        .await;
    for reading in readings.as_array().unwrap() {
        let [meter, source] = ["meter_id", "source"].map(|field| reading[field].as_str().unwrap().to_owned());
        building.secrets.extend([meter.clone(), source]);
        building.told.push(("meter-readings", meter));
    }

    let body = json!({"kind": "payment", "amount": "0.01", "on": "2026-11-01", "document": format!("BB{index}PAID")});
    let at = format!("/api/v1/leases/{}/movements", id_in(&building.hangs, "leases"));
    let movement = office.made(&at, body).await;
    building.secrets.extend([format!("BB{index}PAID"), movement.clone()]);
    building.told.push(("movements", movement));

    let sitter = format!("PP{index}PERSON");
    let body = json!({"room_id": building.hangs[0].1, "person": sitter, "rank": "副局(处)级", "unit_id": units[1],
        "valid_from": "2026-01-01"});
    let occupant = office.made("/api/v1/occupants", body).await;
    building.secrets.extend([sitter, occupant.clone()]);
    building.hangs.push(("occupants", occupant));

    let mut rooms = Vec::new();
    for (number, kind) in [("HOME", "turnover_housing"), ("IDLE", "office")] {
        let number = format!("KK{index}{number}");
        let body = json!({"building_id": building.id, "floor": 2, "number": number, "valid_from": "2020-01-01",
            "room_type": kind, "use_area_m2": 1, "building_area_m2": 1});
        let room = office.made("/api/v1/rooms", body).await;
        building.secrets.extend([number, room.clone()]);
        building.told.push(("rooms", room.clone()));
        rooms.push(room);
    }
    let evidence = format!("FF{index}EVIDENCE");
    let body = json!({"asset_id": building.id, "room_ids": [rooms[1]], "idle_since": "2025-01-01", "cause": "surplus",
        "evidence": evidence});
    let idle = office.made("/api/v1/idle-records", body).await;
    building.secrets.extend([evidence, idle.clone()]);
    building.hangs.push(("idle-records", idle));

    let body = json!({"procedure": "turnover_housing", "asset_id": building.id});
    let case = office.made("/api/v1/policy-cases", body).await;
    let tenant = format!("钱{index}守正");
    let body = json!({"room_id": rooms[0], "tenant_name": tenant, "unit_id": units[1], "eligibility": "交流干部",
        "eligibility_document": "申请表", "starts_on": "2026-01-01", "ends_on": "2027-12-31", "monthly_rent": "612.50",
        "rent_ground": "收入两成"});
    let tenancy = in_use(pool, &case, &rooms[0], office.made("/api/v1/housing-tenancies", body)).await;
    let lease = office.read(&format!("/api/v1/housing-tenancies/{tenancy}")).await["lease_id"]
        .as_str()
        .unwrap()
        .to_owned();
    building
        .secrets
        .extend([case.clone(), tenant, tenancy.clone(), lease.clone()]);
    building
        .hangs
        .extend([("policy-cases", case), ("housing-tenancies", tenancy)]);
    building.told.extend([("leases", lease), ("homes", rooms.remove(0))]);

    let paper = format!("DD{index}PAPER");
    let brought = bring(
        office.app,
        Some(&office.second),
        &format!("{paper}.pdf"),
        format!("%PDF-1.7\n% {paper}\n%%EOF\n").as_bytes(),
    )
    .await
    .json();
    let document = brought["id"].as_str().unwrap().to_owned();
    let case = id_in(&building.hangs, "title-cases");
    let papers = json!({"documents": [{"kind": "application", "name": "申请书", "file": document}]});
    let at = format!("/api/v1/title-cases/{case}");
    office.sent(Some(&office.second), ("PATCH", &at, ""), papers).await;
    building.secrets.extend([paper, document.clone()]);
    building.hangs.push(("documents", document));
}

fn id_in(hangs: &[(&'static str, String)], noun: &str) -> String {
    hangs.iter().find(|(at, _)| *at == noun).unwrap().1.clone()
}

/// A house becomes homes by a long procedure, which has tests of its own. For the moment in which somebody moves in, its case
/// stands where that would end.
async fn in_use(pool: &PgPool, case: &str, home: &str, moving_in: impl Future<Output = String>) -> String {
    let case: Uuid = case.parse().unwrap();
    let (state, details): (String, String) = sqlx::query_as(
        "select state, details::text from policy_case_version where object_id = $1 and upper_inf(recorded)",
    )
    .bind(case)
    .fetch_one(pool)
    .await
    .unwrap();
    let set = async |state: &str, details: &str| {
        sqlx::query(
            "update policy_case_version set state = $2, details = $3::json where object_id = $1 and upper_inf(recorded)",
        )
        .bind(case)
        .bind(state)
        .bind(details)
        .execute(pool)
        .await
        .unwrap();
    };
    let mut done: Value = serde_json::from_str(&details).unwrap();
    done["room_ids"] = json!([home]);
    set("in_use", &done.to_string()).await;
    let tenancy = moving_in.await;
    set(&state, &details).await;
    tenancy
}

/// Three that count everything below a region, frozen; what lies in the province itself is in none.
async fn stocktakings(office: &Office<'_>, assets: &mut [Asset]) -> Vec<Asset> {
    let mut opened = Vec::new();
    // Whoever sees a line sees of which stocktaking it is: the second holds one of the first unit's.
    for (region, lay, unit) in [
        ("4311", &["4311", "431102", "431103", "431102001"][..], Some(0)),
        ("4312", &["4312", "431202"], Some(0)),
        ("44", &["44"], None),
    ] {
        let name = format!("SS{region}TAKING");
        let body = json!({"name": name, "region_code": region});
        let id = office.made("/api/v1/stocktakings", body).await;
        let at = format!("/api/v1/stocktakings/{id}");
        let plan = json!({"kind": "plan", "name": "方案"});
        office.sent(None, ("POST", &at, "/papers"), plan).await;
        let freeze = json!({"transition": "freeze", "decision_no": "1号", "reason": "照办"});
        office.sent(None, ("POST", &at, "/transitions"), freeze).await;
        for asset in assets.iter_mut().filter(|asset| asset.layer != "sites") {
            let lines = office
                .read(&format!("{at}/lines?limit=1000&building={}", asset.id))
                .await;
            let lines = lines["items"].as_array().unwrap();
            if !lines.is_empty() {
                asset.told.push(("stocktakings", id.clone()));
            }
            for line in lines {
                let line_id = line["id"].as_str().unwrap().to_owned();
                asset.secrets.push(line_id.clone());
                // A room that another unit uses is that unit's to answer for.
                let is_others = line["kind"] == "room" && line["book_unit_id"].is_string();
                let noun = if is_others {
                    "stocktaking-lines-of-others"
                } else {
                    "stocktaking-lines"
                };
                asset.told.push((noun, line_id));
            }
        }
        opened.push(other("stocktakings", id, &name, lay, unit));
    }
    opened
}

/// Five bureaus look at their own, each up to what it finds in every building.
async fn inspections(office: &Office<'_>, assets: &mut [Asset]) -> Vec<Asset> {
    let mut opened = Vec::new();
    for (region, level) in [
        ("431102", "county"),
        ("431103", "county"),
        ("431202", "county"),
        ("4311", "city"),
        ("44", "province"),
    ] {
        let title = format!("II{region}INSPECTS");
        let body = json!({"title": title, "region_code": region, "admin_level": level, "target": "own_level",
            "period_from": "2026-01-01", "period_to": "2026-12-31"});
        let id = office.made("/api/v1/inspections", body).await;
        let at = format!("/api/v1/inspections/{id}");
        let second = Some(office.second.as_str());
        let paper = |kind: &str| json!({"record": "document", "kind": kind, "name": kind});
        let go = |transition: &str| json!({"transition": transition, "decision_no": "1号"});
        for (who, to, body) in [
            (None, "/records", paper("inspection_plan")),
            (None, "/transitions", go("plan")),
            (None, "/samples", json!({"share": "100"})),
            (None, "/transitions", go("sample")),
            (
                second,
                "/records",
                json!({"record": "self_check", "statement": "无", "problems": 0}),
            ),
            (second, "/records", paper("self_check_report")),
            (second, "/transitions", go("self_check")),
            (None, "/records", paper("on_site_record")),
        ] {
            office.sent(who, ("POST", &at, to), body).await;
        }
        let sampled = ids(&json!({"items": office.read(&at).await["sampled"]}), "id");
        assert!(!sampled.is_empty(), "{region}");
        for building in &sampled {
            let visit =
                json!({"record": "visit", "asset_id": building, "on": "2026-11-21", "people": "王", "summary": "看"});
            office.sent(None, ("POST", &at, "/records"), visit).await;
        }
        office.sent(None, ("POST", &at, "/transitions"), go("visit")).await;
        for asset in assets.iter_mut().filter(|asset| sampled.contains(&asset.id)) {
            let says = format!("GG{}FOUND", asset.code);
            let body = json!({"rule": "USE-01", "object_id": asset.id, "says": says, "days": 10});
            let finding = office.made(&format!("{at}/findings"), body).await;
            asset.secrets.extend([says, finding.clone()]);
            asset.hangs.push(("inspection-findings", finding));
            asset.told.push(("inspections", id.clone()));
        }
        opened.push(other("inspections", id, &title, &[region], None));
    }
    opened
}

/// What a unit of each county filed.
async fn filings(office: &Office<'_>) -> Vec<Asset> {
    let mut filed = Vec::new();
    for (number, region) in [(2, "431102"), (3, "431103")] {
        let code = format!("U{number}");
        let body = json!({"code": code, "name": format!("单位{code}"), "level": "county", "kind": "government_organ",
            "region_code": region, "valid_from": "2019-01-01"});
        let unit = office.made("/api/v1/units", body).await;
        let words = format!("WW{region}FILED");
        let body = json!({"unit_id": unit, "kind": "leader_offices", "year": 2021, "filed_on": "2022-01-20", "document": words});
        let id = office.made("/api/v1/use-filings", body).await;
        let mut filing = other("use-filings", id, &words, &[region], Some(number));
        filing.told.push(("filed-by", unit));
        filed.push(filing);
    }
    filed
}
