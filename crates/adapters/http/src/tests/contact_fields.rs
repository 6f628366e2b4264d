//! Contact fields.

use super::*;

fn of_leslie() -> FieldOfContact {
    FieldOfContact { contact: leslie(), field: field() }
}

#[actix_web::test]
async fn finds_creates_updates_and_deletes_a_contact_field() {
    let (id, contact) = (ContactFieldId::new(9).unwrap(), ContactId::new(3).unwrap());
    let mut fixture = Fixture::new();
    let fields = &mut fixture.contact_fields;
    fields.expect_find().with(eq(account()), eq(id)).return_once(|_, _| Ok(of_leslie()));
    let content = field().content;
    let create = fields.expect_create().with(eq(account()), eq(contact), eq(content.clone()));
    create.return_once(|_, _, _| Ok(of_leslie()));
    let update = fields.expect_update().with(eq(account()), eq(id), eq(contact), eq(content));
    update.return_once(|_, _, _, _| Ok(of_leslie()));
    fields.expect_delete().with(eq(account()), eq(id)).return_once(|_, _| Ok(()));
    let body = json!({"contact_id": 3, "contact_field_type_id": 2, "data": "+1 555 0100"});
    let responses = fixture
        .send_all([
            get("/api/contactfields/9"),
            request(Method::POST, "/api/contactfields").set_json(&body),
            request(Method::PUT, "/api/contactfields/9").set_json(&body),
            request(Method::DELETE, "/api/contactfields/9"),
        ])
        .await;
    let statuses: Vec<_> = responses.iter().map(|response| response.status).collect();
    assert_eq!(statuses, [200, 201, 200, 200]);
    let shown = &responses[0].json()["data"];
    assert_eq!((&shown["id"], &shown["object"]), (&json!(9), &json!("contactfield")));
    assert_eq!((&shown["uuid"], &shown["content"]), (&json!(Uuid::from_u128(9)), &json!("+1 555 0100")));
    assert_eq!((&shown["contact"]["id"], &shown["account"]["id"]), (&json!(3), &json!(ACCOUNT)));
    let times = (&shown["created_at"], &shown["updated_at"]);
    assert_eq!(times, (&json!("2018-01-01T00:00:00Z"), &json!("2018-01-02T00:00:00Z")));
    assert_eq!(responses[3].json(), json!({"deleted": true, "id": 9}));
}

#[actix_web::test]
async fn lists_the_contact_fields_of_a_contact_in_pages() {
    let mut fixture = Fixture::new();
    let numbered = |id| ContactField { id: ContactFieldId::new(id).unwrap(), ..field() };
    let contact = Contact { fields: (1..=3).map(numbered).collect(), ..contact() };
    fixture.contacts.expect_find().returning(move |_, _| Ok(contact.clone()));
    let page = fixture.send(get("/api/contacts/3/contactfields?limit=2&page=2")).await.json();
    assert_eq!((&page["data"][0]["id"], &page["data"][1]), (&json!(3), &Value::Null));
    assert_eq!((&page["meta"]["total"], &page["meta"]["last_page"]), (&json!(3), &json!(2)));
    let previous = "http://app.monicahq.com/api/contacts/3/contactfields?limit=2&page=1";
    assert_eq!((&page["links"]["prev"], &page["links"]["next"]), (&json!(previous), &Value::Null));
}

#[actix_web::test]
async fn reports_what_is_missing_archived_or_full() {
    let mut fixture = Fixture::new();
    fixture.contacts.expect_find().returning(|_, _| Err(Error::NotFound));
    fixture.contact_fields.expect_find().returning(|_, _| Err(Error::NotFound));
    fixture.contact_fields.expect_create().returning(|_, _, _| Err(Error::TooManyFields(domain::TooManyFields)));
    fixture.contact_fields.expect_update().returning(|_, _, _, _| Err(Error::NotFound));
    fixture.contact_fields.expect_delete().returning(|_, _| Err(Error::Archived));
    let body = json!({"contact_id": 3, "contact_field_type_id": 2, "data": "+1 555 0100"});
    let responses = fixture
        .send_all([
            get("/api/contacts/3/contactfields"),
            get("/api/contactfields/9"),
            request(Method::POST, "/api/contactfields").set_json(&body),
            request(Method::PUT, "/api/contactfields/9").set_json(&body),
            request(Method::DELETE, "/api/contactfields/9"),
            request(Method::PUT, "/api/contactfields/x").set_json(json!({})),
            request(Method::PUT, "/api/contactfields/x").set_json(&body),
            get("/api/contacts/3/contactfields?limit=101"),
        ])
        .await;
    let errors: Vec<_> = responses
        .iter()
        .map(|response| (response.status, response.json()["error"]["error_code"].as_i64().unwrap()))
        .collect();
    let not_found = (404, 31);
    let expected = [not_found, not_found, (422, 32), not_found, (422, 32), (422, 32), not_found, (400, 30)];
    assert_eq!(errors, expected);
    let message = json!(["The contact fields may not have more than 100 items."]);
    assert_eq!(responses[2].json()["error"]["message"], message);
    let detail = "The contact field 9 or the contact 3 has not been found.";
    assert_eq!(responses[3].json()["error"]["detail"], detail);
    let archived = json!(["Archived contact can’t be edited, please unarchive it first."]);
    assert_eq!(responses[4].json()["error"]["message"], archived);
}
