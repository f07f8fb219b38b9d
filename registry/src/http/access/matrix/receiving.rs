//! The one word that somebody writes in a case which isn't of their level: that of the bureau to which an asset is to go.

use super::*;

#[sqlx::test(migrations = "../migrations")]
async fn the_word_of_the_bureau_that_receives_is_taken_from_its_own_people_and_nothing_else_is(pool: PgPool) {
    let world = World::new(&pool).await;
    // The district's house, offered to the city's bureau.
    let house = &world.assets[7];
    assert_eq!(
        (house.layer, house.lay[0].1, house.level),
        ("buildings", "431102", "county")
    );
    let post = async |token: Option<&str>, uri: &str, tag: &str, body: Value| {
        world.state.clock.advance(time::Duration::seconds(1));
        let key = Uuid::now_v7().to_string();
        let headers = [("If-Match", tag), ("Idempotency-Key", key.as_str())];
        match token {
            None => ask(&world.app, "POST", uri, &headers, Some(body)).await,
            token => ask_as(&world.app, token, "POST", uri, &headers, Some(body)).await,
        }
    };
    let unit = json!({"code": "CITY", "name": "市局", "level": "city", "kind": "bureau", "region_code": "4311", "valid_from": "2019-01-01"});
    let unit = post(None, "/api/v1/units", "", unit).await.body["id"].clone();
    let opening = json!({"procedure": "hand_down", "asset_id": house.id});
    let case = post(None, "/api/v1/policy-cases", "", opening).await.body["id"].clone();
    let uri = format!("/api/v1/policy-cases/{}", case.as_str().unwrap());
    let tag = async || ask(&world.app, "GET", &uri, &[], None).await.etag.unwrap();
    let offer = json!({"record": "transfer_proposal", "receiver_id": unit, "why": "上收"});
    let offered = post(None, &format!("{uri}/records"), &tag().await, offer).await;
    assert_eq!(offered.status, 200, "{}", offered.body);

    let word = json!({"record": "acceptance", "accepted": false, "on": "2026-11-01", "note": "不接收"});
    let paper = json!({"record": "document", "kind": "other", "name": "1号"});
    let step = json!({"transition": "withdraw"});
    for part in &PARTS {
        // Who may speak for the city's bureau about a house there: without a look at the server's rules.
        let answers =
            part.holds("4311", None) && part.holds("431102", None) && part.level.is_none_or(|level| level == "city");
        for (role, what, body, may, done) in [
            (Role::AssetManager, "records", &word, answers, 200),
            (Role::TitleClerk, "records", &word, false, 200),
            (Role::Approver, "records", &word, false, 200),
            (Role::AssetManager, "records", &paper, part.edits(house), 200),
            // It wants a reason, which is told to nobody whose step it isn't.
            (Role::AssetManager, "transitions", &step, part.edits(house), 409),
        ] {
            let token = &world.tokens[&format!("{}-{}", part.name, role.as_str())];
            let answer = post(Some(token), &format!("{uri}/{what}"), &tag().await, body.clone()).await;
            let wanted = match (part.reads_in(house, 2026), may) {
                (false, _) => 404,
                (true, true) => done,
                (true, false) => 403,
            };
            assert_eq!(answer.status, wanted, "{} {role:?} {body}: {}", part.name, answer.body);
            if wanted == 403 {
                assert_eq!(answer.body["code"], "not_granted", "{} {role:?} {body}", part.name);
            }
        }
        // It waits for those whose word is wanted, as long as nobody gave it; so do the two readings agree.
        let token = &world.tokens[&format!("{}-{}", part.name, Role::AssetManager.as_str())];
        let read = ask_as(&world.app, Some(token), "GET", &uri, &[], None).await;
        if part.reads_in(house, 2026) {
            assert_eq!(
                read.body["transfer"]["may_answer"], answers,
                "{}: {}",
                part.name, read.body["transfer"]
            );
            assert_eq!(read.body["within_reach"], part.edits(house), "{}", part.name);
        } else {
            assert_eq!(read.status, 404);
        }
    }
}
