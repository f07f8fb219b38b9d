//! What is registered: in every region, of every level, and moved; and everybody who asks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use calamine::Reader;

use super::*;

pub(super) async fn made(app: &Router, path: &str, body: Value) -> String {
    let key = Uuid::now_v7().to_string();
    let answer = ask(app, "POST", path, &[("Idempotency-Key", &key)], Some(body)).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.body);
    let location = answer.location.unwrap_or_default();
    answer.body["id"]
        .as_str()
        .map_or_else(|| location.rsplit('/').next().unwrap().to_owned(), ToOwned::to_owned)
}

/// What somebody reads in an answer: of a workbook all its cells, of a proof the entry that it is of.
fn text_of(bytes: &[u8]) -> String {
    if !bytes.starts_with(b"PK") {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        let answer: Option<Value> = serde_json::from_slice(bytes).ok();
        let canonical = answer.as_ref().and_then(|answer| answer["proof"]["canonical"].as_str());
        if let Some(canonical) = canonical {
            text.push_str(&String::from_utf8_lossy(&BASE64.decode(canonical).unwrap()));
        }
        return text;
    }
    let mut book = calamine::Xlsx::new(std::io::Cursor::new(bytes.to_vec())).unwrap();
    let mut text = String::new();
    for (_, sheet) in book.worksheets() {
        for row in sheet.rows() {
            for cell in row {
                text.push_str(&cell.to_string());
                text.push('\n');
            }
        }
    }
    text
}

/// A parcel that became two in 2024, in the place of another asset: all three.
async fn divided(app: &Router, state: &AppState, like: &Asset, index: usize, units: &[String]) -> [Asset; 3] {
    state.clock.advance(time::Duration::minutes(1));
    let (x, y) = (111.6 + 0.002 * index as f64, 26.41);
    let square = |west: f64, east: f64| {
        json!({"type": "Polygon", "coordinates":
            [[[x + west, y], [x + east, y], [x + east, y + 0.001], [x + west, y + 0.001], [x + west, y]]]})
    };
    let asset = |code: String, id: String, lay: i32, ends: Option<i32>| Asset {
        layer: "parcels",
        secrets: vec![code.clone(), id.clone()],
        id,
        code,
        lay: vec![(lay, like.lay[0].1)],
        level: like.level,
        unit: like.unit,
        ends,
        hangs: Vec::new(),
        told: Vec::new(),
    };
    let code = |part: &str| format!("ZZ{index}{part}QQ");
    let old = code("undivided");
    let body = json!({"valid_from": "2020-01-01", "code": old, "name": format!("{old}之名"), "region_code": like.lay[0].1,
        "admin_level": like.level, "secrecy": if index.is_multiple_of(2) { "internal" } else { "public" },
        "unit_id": like.unit.map(|unit| units[unit].clone()), "geometry": square(0.0, 0.001)});
    let id = made(app, "/api/v1/parcels", body).await;
    let mut old = asset(old, id, 2020, Some(2024));
    let version = ask(app, "GET", &format!("/api/v1/parcels/{}", old.id), &[], None)
        .await
        .body["version_id"]
        .clone();
    let pieces = [("west", 0.0, 0.0005), ("east", 0.0005, 0.001)].map(|(part, west, east)| {
        json!({"geometry": square(west, east), "code": code(part), "name": format!("{}之名", code(part))})
    });
    let survey = format!("SS{index}SURVEY");
    let body = json!({"on": "2024-01-01", "from": [{"id": old.id, "version_id": version}], "pieces": pieces,
        "survey": survey, "consent": "函", "reason": "分割"});
    state.clock.advance(time::Duration::minutes(1));
    let key = Uuid::now_v7().to_string();
    let answer = ask(
        app,
        "POST",
        "/api/v1/successions",
        &[("Idempotency-Key", &key)],
        Some(body),
    )
    .await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let succession = text(&answer.body["id"]);
    old.secrets.extend([survey, succession.clone()]);
    old.told.push(("successions", succession));
    let [west, east] = [(0, "west"), (1, "east")]
        .map(|(place, part)| asset(code(part), text(&answer.body["to_ids"][place]), 2024, None));
    [old, west, east]
}

impl World {
    pub(super) async fn new(pool: &PgPool) -> Self {
        let (app, state) = app(pool).await;
        let mut regions = BTreeMap::new();
        for (code, level) in [
            ("43", "province"),
            ("44", "province"),
            ("4311", "city"),
            ("4312", "city"),
            ("431102", "county"),
            ("431103", "county"),
            ("431202", "county"),
            ("431102001", "township"),
        ] {
            let body = json!({"code": code, "name": format!("区划{code}"), "level": level, "valid_from": "2019-01-01"});
            regions.insert(code, made(&app, "/api/v1/regions", body).await);
        }
        let mut units = Vec::new();
        for code in ["U0", "U1"] {
            let body = json!({"code": code, "name": format!("单位{code}"), "level": "city", "kind": "government_organ", "valid_from": "2019-01-01"});
            units.push(made(&app, "/api/v1/units", body).await);
        }
        let body = json!({"name": "免租", "document": "政发〔2026〕1号", "months_from": "2026-02-01",
            "months_to": "2026-06-30", "months": 1, "sizes": ["small"], "self_employed": false});
        let relief_policy = made(&app, "/api/v1/relief-policies", body).await;
        let mut assets = Vec::new();
        let lay: [Lay; 10] = [
            (&[(2020, "43")], "province", None),
            (&[(2020, "4311")], "city", None),
            (&[(2020, "431102")], "county", None),
            (&[(2020, "431102")], "city", Some(1)),
            (&[(2020, "431102001")], "county", None),
            (&[(2020, "431103")], "county", Some(0)),
            (&[(2020, "431103")], "county", None),
            (&[(2020, "431202")], "county", Some(0)),
            // Moved from one county into the other.
            (&[(2020, "431102"), (2024, "431103")], "county", None),
            (&[(2020, "44")], "province", None),
        ];
        for (index, (lay, level, unit)) in lay.into_iter().enumerate() {
            state.clock.advance(time::Duration::minutes(1));
            for (layer, row) in [("parcels", 0.0), ("buildings", 1.0), ("sites", 2.0)] {
                let code = format!("ZZ{index}{layer}QQ");
                let (x, y) = (111.6 + 0.002 * index as f64, 26.4 + 0.002 * row);
                let square = json!({"type": "Polygon", "coordinates":
                    [[[x, y], [x + 0.001, y], [x + 0.001, y + 0.001], [x, y + 0.001], [x, y]]]});
                let body = json!({"valid_from": "2020-01-01", "code": code, "name": format!("{code}之名"), "region_code": lay[0].1,
                    "admin_level": level, "secrecy": if index % 2 == 0 { "internal" } else { "public" },
                    "unit_id": unit.map(|unit| units[unit].clone()), "usage": "administrative_office", "geometry": square});
                let id = made(&app, &format!("/api/v1/{layer}"), body).await;
                let asset = Asset {
                    layer,
                    id: id.clone(),
                    secrets: vec![code.clone(), id],
                    code,
                    lay: lay.to_vec(),
                    level,
                    unit,
                    ends: None,
                    hangs: Vec::new(),
                    told: Vec::new(),
                };
                for (year, region) in &lay[1..] {
                    state.clock.advance(time::Duration::minutes(1));
                    let path = format!("/api/v1/{layer}/{}", asset.id);
                    let tag = ask(&app, "GET", &path, &[], None).await.etag.unwrap();
                    let body = json!({"valid_from": format!("{year}-01-01"), "region_code": region});
                    let moved = ask(&app, "PATCH", &path, &[("If-Match", &tag)], Some(body)).await;
                    assert_eq!(moved.status, 200, "{}", moved.body);
                }
                assets.push(asset);
            }
            let [.., parcel, building, site] = &mut assets[..] else {
                unreachable!()
            };
            for other in [&*parcel, building] {
                let body = json!({"related_id": other.id, "valid_from": "2020-02-01"});
                made(&app, &format!("/api/v1/sites/{}/relations", site.id), body).await;
            }
            let number = format!("RR{index}ROOM");
            let body = json!({"building_id": building.id, "floor": 1, "number": number, "valid_from": "2020-01-01",
                "use_area_m2": 20, "building_area_m2": 30, "unit_id": units[1], "room_type": "office"});
            let room = made(&app, "/api/v1/rooms", body).await;
            building.secrets.extend([number, room.clone()]);
            building.hangs.push(("rooms", room.clone()));
            let purpose = format!("AA{index}PURPOSE");
            let body = json!({"unit_id": units[1], "room_ids": [room], "purpose": purpose, "starts_on": "2026-01-01"});
            let agreement = made(&app, "/api/v1/use-agreements", body).await;
            building.secrets.extend([purpose, agreement.clone()]);
            building.hangs.push(("use-agreements", agreement));
            let lessee = format!("LL{index}LESSEE");
            let body = crate::leases::tests::shop(&building.id, json!({"area_m2": 1, "lessee_name": lessee}));
            let lease = made(&app, "/api/v1/leases", body).await;
            let visit = format!("VV{index}VISIT");
            let body = json!({"applications": [{"lease_id": lease, "evidence": visit}]});
            let path = format!("/api/v1/relief-policies/{relief_policy}/reliefs");
            let applied = ask(&app, "POST", &path, &[("Idempotency-Key", &visit)], Some(body)).await;
            assert_eq!(applied.status, 201, "{}", applied.body);
            let relief = applied.body["ids"][0].as_str().unwrap().to_owned();
            building.secrets.extend([lessee, visit, lease.clone(), relief.clone()]);
            building.hangs.push(("leases", lease));
            building.told.push(("reliefs", relief));
            let certificate = format!("湘(2021)冷水滩区不动产权第77{index:05}号");
            let body = crate::titles::tests::with(
                crate::titles::tests::certificate(
                    parcel.id.parse().unwrap(),
                    &format!("431103001002GB{:05}F00010001", index + 1),
                    1,
                ),
                json!({"cert_no": certificate, "holders": [{"name": format!("HH{index}HOLDER"), "kind": "bureau"}]}),
            );
            let title = made(&app, "/api/v1/titles", body).await;
            let body = json!({"kind": "dispute", "holder": format!("EE{index}CLAIMS"), "document": "案号", "valid_from": "2021-06-01"});
            let encumbrance = made(&app, &format!("/api/v1/titles/{title}/encumbrances"), body).await;
            parcel.secrets.extend([
                certificate,
                title.clone(),
                format!("HH{index}HOLDER"),
                format!("EE{index}CLAIMS"),
            ]);
            parcel.hangs.push(("titles", title));
            parcel.told.push(("encumbrances", encumbrance));
            let case = made(&app, "/api/v1/title-cases", json!({"asset_id": building.id})).await;
            building.secrets.push(case.clone());
            building.hangs.push(("title-cases", case));
            let finding = Uuid::now_v7();
            sqlx::query(
                "insert into finding (id, rule, object_kind, object_id, at_id, evidence, state, first_seen)
                 values ($1, 'GEO-13', 'parcel', $2, $2, $3, 'new', '2026-01-01')",
            )
            .bind(finding)
            .bind(parcel.id.parse::<Uuid>().unwrap())
            .bind(json!({"code": parcel.code}))
            .execute(pool)
            .await
            .unwrap();
            parcel.secrets.push(finding.to_string());
            parcel.hangs.push(("findings", finding.to_string()));
        }
        let others = hangs::hung(pool, (&app, &state), &mut assets, &units).await;
        for index in [2, 6, 9] {
            assets.extend(divided(&app, &state, &assets[3 * index], index, &units).await);
        }
        // What follows a title happens at its instant; what is asked is asked later.
        state.clock.advance(time::Duration::minutes(1));
        crate::versioned::tests::prove(pool).await.unwrap();
        crate::map_layers::load(&state.database, &state.clock, &state.map, 1 << 20)
            .await
            .unwrap();
        let mut tokens = BTreeMap::new();
        for part in &PARTS {
            for role in Role::ALL {
                let name = format!("{}-{}", part.name, role.as_str());
                let token = person_with(pool, &name, &[*role], part.region).await;
                sqlx::query(
                    "update person_grant set level = $2, unit_id = $3 where person_id = (select id from person where username = $1)",
                )
                .bind(&name)
                .bind(part.level)
                .bind(part.unit.map(|unit| units[unit].parse::<Uuid>().unwrap()))
                .execute(pool)
                .await
                .unwrap();
                tokens.insert(name, token);
            }
        }
        Self {
            app,
            state,
            assets,
            others,
            units,
            regions,
            relief_policy,
            tokens,
        }
    }

    pub(super) async fn get(&self, part: &Part, role: Role, uri: &str) -> (u16, String) {
        let token = &self.tokens[&format!("{}-{}", part.name, role.as_str())];
        let request = Request::builder()
            .uri(uri)
            .header(header::HOST, "127.0.0.1")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::empty())
            .unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, text_of(&bytes))
    }

    pub(super) async fn read(&self, part: &Part, uri: &str) -> Value {
        // The one role that may read, export and see imports everywhere it is granted.
        let (status, text) = self.get(part, Role::AssetManager, uri).await;
        assert_eq!(status, 200, "{}: {uri}: {text}", part.name);
        serde_json::from_str(&text).unwrap()
    }

    pub(super) fn seen<'a>(&'a self, part: &'a Part, layer: &'a str, year: i32) -> impl Iterator<Item = &'a Asset> {
        self.assets
            .iter()
            .filter(move |asset| asset.layer == layer && part.reads_in(asset, year))
    }
}
