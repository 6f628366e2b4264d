//! One flow with the client that progenitor generates: create, list pages, update, delete, an error.

use reqwest::header::{AUTHORIZATION, HeaderMap};

progenitor::generate_api!("../openapi-3.0.json");

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (base, token) = (arguments.next().unwrap(), arguments.next().unwrap());
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    let http = reqwest::Client::builder().default_headers(headers).build().unwrap();
    let client = Client::new_with_client(&base, http);

    let contact: types::ContactInput = serde_json::from_value(serde_json::json!({"first_name": "Leslie"})).unwrap();
    let contact = client.create_contact(&contact).await.unwrap().data.id;
    let body = |content: &str, day: &str| -> types::CallInput {
        let body = serde_json::json!({"content": content, "contact_id": contact, "called_at": day});
        serde_json::from_value(body).unwrap()
    };
    let mut ids = Vec::new();
    for day in ["2018-02-02", "2018-02-03", "2018-02-04"] {
        ids.push(client.create_call(None, &body("He called", day)).await.unwrap().data.id);
    }
    let contact = std::num::NonZeroU64::new(contact.try_into().unwrap()).unwrap();
    let page = client.list_contact_calls(contact, Some(2), std::num::NonZeroU64::new(2), None).await.unwrap();
    assert_eq!((page.data.len(), page.meta.total), (1, 3));

    let id = std::num::NonZeroU64::new(ids[0].try_into().unwrap()).unwrap();
    let found = client.get_call(id, None).await.unwrap();
    let etag = found.headers()["etag"].to_str().unwrap().to_owned();
    let updated = client.update_call(id, Some(&etag), &body("We talked", "2018-02-02")).await.unwrap();
    assert_eq!(updated.data.content.as_deref(), Some("We talked"));
    let outdated = client.update_call(id, Some(&etag), &body("We talked", "2018-02-02")).await.unwrap_err();
    assert_eq!(outdated.status().unwrap(), 412);

    assert!(client.delete_call(id, None).await.unwrap().deleted);
    assert_eq!(client.get_call(id, None).await.unwrap_err().status().unwrap(), 404);
    println!("Rust: ok");
}
