//! One flow with the client that progenitor generates: create, list pages, update, delete, an error.

use std::fmt::Debug;
use std::num::NonZeroU64;

use callbook_client::types::{CallInput, ContactInput};
use callbook_client::{Client, Error, ResponseValue, types};
use reqwest::header::{AUTHORIZATION, ETAG, HeaderMap};

/// Returns the code of an error response.
fn error_code<T: Debug>(result: Result<ResponseValue<T>, Error<types::Error>>) -> i32 {
    match result.unwrap_err() {
        Error::ErrorResponse(response) => response.into_inner().error.error_code,
        error => panic!("{error}"),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error<types::Error>> {
    let [_, base, token] = std::env::args().collect::<Vec<_>>().try_into().expect("BASE TOKEN");
    let headers = HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse().unwrap())]);
    let http = reqwest::Client::builder().default_headers(headers).build()?;
    let client = Client::new_with_client(&base, http);

    let leslie: ContactInput = serde_json::from_str(r#"{"first_name": "Leslie"}"#).unwrap();
    let contact_id = client.create_contact(&leslie).await?.into_inner().data.id;
    let call = |called_at: &str, content: &str| CallInput {
        called_at: called_at.to_owned(),
        contact: None,
        contact_called: None,
        contact_id,
        content: content.parse().unwrap(),
        emotions: None,
    };
    let mut ids = Vec::new();
    for day in ["2018-02-02", "2018-02-03", "2018-02-04"] {
        ids.push(client.create_call(None, &call(day, "He called")).await?.into_inner().data.id);
    }

    let mut listed = Vec::new();
    for page in 1.. {
        let page = client.list_contact_calls(contact_id, Some(2), NonZeroU64::new(page), None).await?.into_inner();
        listed.extend(page.data.iter().map(|call| call.id));
        if page.links.next.is_none() {
            break;
        }
    }
    assert_eq!(listed, [ids[2], ids[1], ids[0]]);

    let found = client.get_call(ids[0], None).await?;
    let etag = Some(found.headers()[ETAG].to_str().unwrap());
    let changed = call("2018-02-02", "We talked");
    let updated = client.update_call(ids[0], etag, &changed).await?.into_inner();
    assert_eq!(updated.data.content.as_deref(), Some("We talked"));
    assert_eq!(error_code(client.update_call(ids[0], etag, &changed).await), 48);

    let deleted = client.delete_call(ids[0], None).await?.into_inner();
    assert!(deleted.deleted && deleted.id == ids[0]);
    assert_eq!(error_code(client.get_call(ids[0], None).await), 31);
    println!("Rust: ok");
    Ok(())
}
