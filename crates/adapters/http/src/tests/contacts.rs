//! Contacts and the user.

use super::*;

#[actix_web::test]
async fn lists_finds_creates_updates_and_deletes_contacts() {
    let mut fixture = Fixture::new();
    let (id, search) = (ContactId::new(3).unwrap(), ContactSearch::parse("les").unwrap());
    let page = PageRequest::numbered(1, PageSize::new(10).unwrap());
    let query = ContactQuery { search, ..ContactQuery::oldest_first(page) };
    let list = fixture.contacts.expect_list();
    list.with(eq(account()), eq(query)).return_once(|_, _| Ok(Page::new(vec![contact()], 1)));
    fixture.contacts.expect_find().with(eq(account()), eq(id)).return_once(|_, _| Ok(contact()));
    fixture.contacts.expect_create().with(eq(account()), always()).return_once(|_, _| Ok(contact()));
    let change = ContactPatch { first_name: Name::parse("Ann").ok(), nickname: Some(None), ..Default::default() };
    fixture
        .contacts
        .expect_update()
        .withf(move |of, found, patch, condition| {
            *of == account() && *found == id && *patch == change && condition.is_none()
        })
        .return_once(|_, _, _, _| Ok(contact()));
    fixture
        .contacts
        .expect_delete()
        .withf(move |of, found, condition| *of == account() && *found == id && condition.is_none())
        .return_once(|_, _, _| Ok(()));
    let responses = fixture
        .send_all([
            get("/api/contacts?query=les"),
            get("/api/contacts/3"),
            request(Method::POST, "/api/contacts").set_json(json!({"first_name": "Leslie"})),
            request(Method::PUT, "/api/contacts/3").set_json(json!({"first_name": "Ann", "nickname": null})),
            request(Method::DELETE, "/api/contacts/3"),
        ])
        .await;
    let statuses: Vec<_> = responses.iter().map(|response| response.status).collect();
    assert_eq!(statuses, [200, 200, 201, 200, 200]);
    let contact = &responses[1].json()["data"];
    assert_eq!(contact["last_called"], "2018-05-05T00:00:00Z");
    assert_eq!(contact["statistics"]["number_of_calls"], 7);
    assert_eq!(contact["information"]["dates"]["birthdate"]["date"], Value::Null);
    assert_eq!(responses[4].json(), json!({"deleted": true, "id": 3}));
}

#[actix_web::test]
async fn finds_contacts_by_phone_number() {
    let mut fixture = Fixture::new();
    let phone = || Some(PhoneSearch::new(PhoneNumber::parse("+41 31 000 00 00").unwrap()));
    let list = fixture.contacts.expect_list();
    let expected = list.withf(move |_, query| query.phone == phone() && query.search.matches_all()).times(1);
    expected.return_once(|_, _| Ok(Page::new(vec![contact()], 1)));
    let list = fixture.contacts.expect_list();
    let expected = list.withf(move |_, query| query.phone.is_none() && query.search.phone == phone()).times(1);
    expected.return_once(|_, _| Ok(Page::new(vec![contact()], 1)));
    let long = format!("/api/contacts?phone={}", "1".repeat(65));
    let paths = ["/api/contacts?phone=%2B41+31+000+00+00", "/api/contacts?query=phone:%2B41+31+000+00+00", &long];
    let responses = fixture.send_all(paths.map(get)).await;
    assert_eq!(
        responses[0].json()["links"]["first"],
        "http://app.monicahq.com/api/contacts?phone=%2B41+31+000+00+00&page=1"
    );
    assert_eq!(responses[1].status, 200);
    let error = &responses[2].json()["error"];
    assert_eq!((&error["error_code"], &error["message"]), (&json!(41), &json!("Invalid parameters: phone.")));
}

#[actix_web::test]
async fn honours_etags_of_contacts() {
    let tag = etag(&contact());
    let is_met = |condition: &Option<Precondition<Contact>>| condition.as_ref().unwrap()(&contact());
    let mut fixture = Fixture::new();
    fixture.contacts.expect_find().returning(|_, _| Ok(contact()));
    fixture.contacts.expect_create().returning(|_, _| Ok(contact()));
    fixture
        .contacts
        .expect_update()
        .withf(move |_, _, _, condition| is_met(condition))
        .returning(|_, _, _, _| Ok(contact()));
    fixture
        .contacts
        .expect_delete()
        .withf(move |_, _, condition| !is_met(condition))
        .returning(|_, _, _| Err(Error::PreconditionFailed));
    let body = json!({"first_name": "Leslie"});
    let responses = fixture
        .send_all([
            get("/api/contacts/3"),
            get("/api/contacts/3").insert_header(("if-none-match", tag.clone())),
            request(Method::POST, "/api/contacts").set_json(&body),
            request(Method::PUT, "/api/contacts/3").insert_header(("if-match", tag.clone())).set_json(&body),
            request(Method::DELETE, "/api/contacts/3").insert_header(("if-match", "\"old\"")),
        ])
        .await;
    let results: Vec<_> = responses.iter().map(|response| (response.status, response.header("etag"))).collect();
    let tag = Some(tag.as_str());
    assert_eq!(results, [(200, tag), (304, tag), (201, tag), (200, tag), (412, None)]);
    let message = json!({"error": {"message": "The contact has changed meanwhile.", "error_code": 48}});
    assert_eq!(responses[4].json(), message);
}

#[actix_web::test]
async fn includes_contact_fields_on_request() {
    let mut fixture = Fixture::new();
    fixture.contacts.expect_find().returning(|_, _| Ok(Contact { fields: vec![field()], ..contact() }));
    let responses = fixture.send_all([get("/api/contacts/3"), get("/api/contacts/3?with=contactfields")]).await;
    assert_eq!(responses[0].json()["data"].get("contactFields"), None);
    let contact = responses[1].json()["data"].clone();
    assert_eq!(contact["notes"], json!([]));
    let field = &contact["contactFields"][0];
    assert_eq!(
        (&field["id"], &field["object"], &field["content"]),
        (&json!(9), &json!("contactfield"), &json!("+1 555 0100"))
    );
    assert_eq!((&field["contact_field_type"]["type"], &field["contact"]["id"]), (&json!("phone"), &json!(3)));
}

#[actix_web::test]
async fn shows_the_middle_name_and_when_to_call() {
    let mut fixture = Fixture::new();
    fixture.contacts.expect_find().return_once(|_, _| {
        let mut found = contact();
        found.summary.profile.middle_name = Name::parse("Barbara").ok();
        found.stay_in_touch_frequency = domain::StayInTouchFrequency::from_days(30);
        Ok(found)
    });
    fixture.contacts.expect_list().return_once(|_, _| Ok(Page::new(vec![contact()], 1)));
    let responses = fixture.send_all([get("/api/contacts/3"), get("/api/contacts?due=false")]).await;
    let shown = &responses[0].json()["data"];
    assert_eq!((&shown["middle_name"], &shown["stay_in_touch_frequency"]), (&json!("Barbara"), &json!(30)));
    assert_eq!(shown["stay_in_touch_trigger_date"], "2018-06-04T00:00:00Z");
    let shown = &responses[1].json()["data"][0];
    for member in ["middle_name", "stay_in_touch_frequency", "stay_in_touch_trigger_date"] {
        assert_eq!(shown.get(member), Some(&Value::Null), "{member}");
    }
}

#[actix_web::test]
async fn returns_the_user_and_the_welcome() {
    let mut fixture = Fixture::new();
    fixture
        .auth
        .expect_account()
        .with(eq(account()))
        .return_once(|id| Ok(Account { id, name: Name::parse("Home").unwrap(), created_at: timestamp("2024-01-01") }));
    let me = fixture.send(get("/api/me")).await.json();
    assert_eq!((&me["data"]["object"], &me["data"]["name"]), (&json!("user"), &json!("Home")));
    assert_eq!(me["data"]["account"], json!({"id": ACCOUNT}));
    let welcome = Fixture::new().send(get("/api/")).await.json();
    assert_eq!(welcome["links"]["calls_url"], "http://app.monicahq.com/api/calls");
}
