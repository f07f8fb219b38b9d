//! What is written lies in one's own part.

use super::*;

#[sqlx::test(migrations = "../migrations")]
async fn only_what_lies_in_ones_own_part_and_level_is_written(pool: PgPool) {
    let world = World::new(&pool).await;
    let ask_part = async |part: &Part, role: Role, method: &str, uri: &str, tag: &str, body: Value| {
        let token = &world.tokens[&format!("{}-{}", part.name, role.as_str())];
        let key = Uuid::now_v7().to_string();
        let headers = [("If-Match", tag), ("Idempotency-Key", key.as_str())];
        ask_as(&world.app, Some(token), method, uri, &headers, Some(body)).await
    };
    for part in &PARTS {
        for asset in &world.assets {
            let wanted = |edits: bool| match (part.reads_in(asset, 2026), edits) {
                (false, _) => (404, ""),
                (true, true) => (200, ""),
                (true, false) => (403, "out_of_scope"),
            };
            let expect = |answer: &crate::spatial_units::tests::Answer, (status, code): (u16, &str), what: &str| {
                assert!(
                    answer.status.as_u16() == status && (code.is_empty() || answer.body["code"] == code),
                    "{}: {what} of {asset:?}: {} {}, wanted {status}",
                    part.name,
                    answer.status,
                    answer.body
                );
            };
            let path = format!("/api/v1/{}/{}", asset.layer, asset.id);
            if asset.ends.is_some() {
                continue;
            }
            let tag = ask(&world.app, "GET", &path, &[], None).await.etag.unwrap();
            // A moved one is not all in anybody's part but from now on; it is asked about in the tests of its own.
            if asset.lay.len() == 1 {
                let same = json!({"name": format!("{}之名", asset.code)});
                let answer = ask_part(part, Role::AssetManager, "PATCH", &path, &tag, same).await;
                expect(&answer, wanted(part.edits(asset)), "a change");
                let refused = ask_part(part, Role::Viewer, "PATCH", &path, &tag, json!({"name": "x"})).await;
                expect(&refused, (403, "not_granted"), "a viewer's change");
                if !part.edits(asset) {
                    let end = json!({"valid_to": "2026-11-21", "reason": "试"});
                    let answer =
                        ask_part(part, Role::AssetManager, "POST", &format!("{path}/closures"), &tag, end).await;
                    expect(&answer, wanted(false), "an end");
                }
                for (noun, id) in &asset.hangs {
                    let path = format!("/api/v1/{noun}/{id}");
                    // Who sits in a room goes with it, and is seen from where its building was before.
                    if *noun == "occupants" && asset.lay.len() > 1 {
                        continue;
                    }
                    // What is written at an instant is read after it.
                    world.state.clock.advance(time::Duration::seconds(1));
                    let tag = ask(&world.app, "GET", &path, &[], None).await.etag.unwrap_or_default();
                    let (role, body) = match *noun {
                        "rooms" => (Role::AssetManager, json!({"floor": 1})),
                        "titles" => (
                            Role::TitleClerk,
                            json!({"reason": "试", "location": "冷水滩区湘江西路1号"}),
                        ),
                        "title-cases" => (Role::TitleClerk, json!({"consents": []})),
                        "leases" => (Role::AssetManager, json!({"purpose": "餐饮", "reason": "试"})),
                        "occupants" => (Role::AssetManager, json!({"staff_number": part.name, "reason": "试"})),
                        "housing-tenancies" => (
                            Role::AssetManager,
                            json!({"eligibility_document": format!("申请表 {}", part.name)}),
                        ),
                        "findings" => (Role::TitleReviewer, json!({"owner": "某人"})),
                        // No change but by steps, which are asked for below.
                        _ => continue,
                    };
                    if *noun == "findings" && part.edits(asset) {
                        continue;
                    }
                    let answer = ask_part(part, role, "PATCH", &path, &tag, body).await;
                    expect(&answer, wanted(part.edits(asset)), noun);
                }
                // What is done by a step of its own, and not by a change: as far as it may be, and no further.
                let id_of = |noun: &str| asset.hangs.iter().find(|(at, _)| *at == noun).map(|(_, id)| id.clone());
                if let (Some(lease), Some(agreement)) = (id_of("leases"), id_of("use-agreements")) {
                    let path = format!("/api/v1/use-agreements/{agreement}");
                    let tag = ask(&world.app, "GET", &path, &[], None).await.etag.unwrap();
                    // A draft can't be renewed: each who may is told so by its state and not by the place.
                    let body = json!({"step": "renew", "certificate_no": "用证1", "ends_on": "2031-01-01"});
                    let answer = ask_part(part, Role::AssetManager, "POST", &format!("{path}/steps"), &tag, body).await;
                    match wanted(part.edits(asset)) {
                        (200, _) => expect(&answer, (409, "step_not_from_here"), "a step of an agreement"),
                        refused => expect(&answer, refused, "a step of an agreement"),
                    }
                    let body = json!({"kind": "payment", "amount": "0.01", "on": "2026-11-01", "document": "票"});
                    let path = format!("/api/v1/leases/{lease}/movements");
                    let answer = ask_part(part, Role::FinanceReviewer, "POST", &path, "", body).await;
                    match wanted(part.edits(asset)) {
                        (200, _) => expect(&answer, (201, ""), "a payment"),
                        refused => expect(&answer, refused, "a payment"),
                    }
                    let path = format!("/api/v1/relief-policies/{}/decisions", world.relief_policy);
                    let relief = &asset.told[0].1;
                    let body = json!({"relief_ids": [relief], "decision": "approve", "document": "批"});
                    if !part.edits(asset) {
                        let answer = ask_part(part, Role::Approver, "POST", &path, "", body.clone()).await;
                        assert!(answer.status.is_client_error(), "{}: {}", part.name, answer.body);
                        if !part.reads_in(asset, 2026) {
                            let body = serde_json::from_str(&body.to_string().replace(relief, NOWHERE)).unwrap();
                            let nothing = ask_part(part, Role::Approver, "POST", &path, "", body).await;
                            assert_eq!(
                                answer.body.to_string().replace(relief, NOWHERE),
                                nothing.body.to_string()
                            );
                        }
                        let state: String = sqlx::query_scalar(
                            "select state from rent_relief_version where object_id = $1 and upper_inf(recorded)",
                        )
                        .bind(relief.parse::<Uuid>().unwrap())
                        .fetch_one(&pool)
                        .await
                        .unwrap();
                        assert_eq!(state, "applied", "{}: {}", part.name, answer.body);
                    }
                }
            }
            // A way out of one's part, and into another's.
            if asset.layer == "sites" && part.edits(asset) && asset.lay.len() == 1 && part.region != "all" {
                let away = ask_part(
                    part,
                    Role::AssetManager,
                    "PATCH",
                    &path,
                    &tag,
                    json!({"region_code": "44"}),
                )
                .await;
                expect(&away, (403, "out_of_scope"), "a move away");
                if part.level.is_some() {
                    let other_level = json!({"admin_level": "national"});
                    let answer = ask_part(part, Role::AssetManager, "PATCH", &path, &tag, other_level).await;
                    expect(&answer, (403, "out_of_scope"), "a change of level");
                }
            }
        }
        for region in ["43", "44", "4311", "431102", "431103", "431202"] {
            let level = part.level.unwrap_or("county");
            let body = json!({"name": "新", "region_code": region, "admin_level": level});
            let answer = ask_part(part, Role::AssetManager, "POST", "/api/v1/sites", "", body).await;
            let may = part.holds(region, None);
            assert_eq!(answer.status == 201, may, "{} {region}: {}", part.name, answer.body);
            if !may {
                assert_eq!(answer.body["code"], "out_of_scope");
            }
            // Of another level than one's own somebody looks into affairs, but counts nothing.
            let plan = json!({"name": "盘点", "region_code": region, "admin_level": level});
            let answer = ask_part(part, Role::AssetManager, "POST", "/api/v1/stocktakings", "", plan).await;
            // One that somebody else has opened meanwhile is told.
            let is_let_in = answer.status == 201 || answer.body["code"] == "stocktaking_version_one_open_per_part";
            assert_eq!(is_let_in, may, "{} {region}: {}", part.name, answer.body);
            let plan = json!({"title": "巡检", "region_code": region, "admin_level": "county", "target": "own_level",
                "period_from": "2026-01-01", "period_to": "2026-12-31"});
            let answer = ask_part(part, Role::AssetManager, "POST", "/api/v1/inspections", "", plan).await;
            assert_eq!(answer.status == 201, may, "{} {region}: {}", part.name, answer.body);
        }
        // Something new about what isn't seen is refused as about what isn't there.
        let pieces = [111.7, 111.701].map(|x| {
            json!({"type": "Polygon", "coordinates":
                [[[x, 26.4], [x + 0.001, 26.4], [x + 0.001, 26.401], [x, 26.401], [x, 26.4]]]})
        });
        let unseen = world
            .assets
            .iter()
            .find(|asset| asset.layer == "buildings" && !part.reads(asset));
        if let Some(asset) = unseen {
            for (role, path, body) in [
                (
                    Role::AssetManager,
                    "/api/v1/rooms",
                    json!({"building_id": "ID", "floor": 2, "number": "9", "valid_from": "2021-01-01"}),
                ),
                (Role::TitleClerk, "/api/v1/title-cases", json!({"asset_id": "ID"})),
                (
                    Role::AssetManager,
                    "/api/v1/leases",
                    crate::leases::tests::shop("ID", json!({"area_m2": 1})),
                ),
                (
                    Role::AssetManager,
                    "/api/v1/successions",
                    json!({"on": "2026-11-01", "from": [{"id": "ID", "version_id": NOWHERE}], "survey": "测", "consent": "函", "reason": "分割",
                           "pieces": [{"geometry": pieces[0], "code": "W"}, {"geometry": pieces[1], "code": "E"}]}),
                ),
            ] {
                let with = |id: &str| serde_json::from_str(&body.to_string().replace("ID", id)).unwrap();
                let there = ask_part(part, role, "POST", path, "", with(&asset.id)).await;
                let nothing = ask_part(part, role, "POST", path, "", with(NOWHERE)).await;
                assert!(!there.status.is_success());
                assert_eq!(
                    there.body.to_string().replace(&asset.id, NOWHERE),
                    nothing.body.to_string(),
                    "{}",
                    part.name
                );
            }
        }
    }
}
