//! Examples of responses, made by the code that responds.

use std::collections::BTreeMap;

use domain::{
    AccountId, Call, CallDetails, CallId, Contact, ContactId, ContactSummary, Content, Emotion, Name, Page,
    PageRequest, PageSize, Profile, Timestamp, Uuid,
};
use ports::inbound::CallPage;
use serde::Serialize;
use serde_json::Value;

use super::SERVER;
use crate::Compat;
use crate::responses::{CallResponse, ContactResource, ContactResponse, Deleted, Links, PageBuilder, ResponseContext};

/// Returns the example of the successful response of each operation that has one.
pub fn responses() -> BTreeMap<&'static str, Value> {
    let mut examples = BTreeMap::new();
    let context = ResponseContext { links: Links::under(SERVER), compat: Compat::Documented };
    let Some(call) = call() else { return examples };
    let Some(contact) = contact(&call) else { return examples };
    let page = PageRequest { number: 1, size: PageSize::new(10).unwrap_or(PageSize::SMALLEST) };
    let call_response = json(&CallResponse::new(&call, &context));
    for operation in ["getCall", "createCall", "updateCall", "changeCall"] {
        examples.insert(operation, call_response.clone());
    }
    let calls = CallPage { page: Page { items: vec![call], total: 1 }, calls_per_year: vec![(2018, 1)] };
    for (operation, path) in [("listCalls", "/api/calls"), ("listContactCalls", "/api/contacts/1/calls")] {
        let page = PageBuilder::new(path, "", &context, page).calls_as_json(&calls);
        examples.extend(page.ok().and_then(|page| serde_json::from_slice(&page).ok()).map(|page| (operation, page)));
    }
    let contact_response = json(&ContactResponse { data: ContactResource::new(&contact, false, &context) });
    for operation in ["getContact", "createContact", "updateContact"] {
        examples.insert(operation, contact_response.clone());
    }
    let contacts = Page { items: vec![contact], total: 1 };
    let contact_page = PageBuilder::new("/api/contacts", "", &context, page).contacts(&contacts, false);
    examples.insert("listContacts", json(&contact_page));
    for operation in ["deleteCall", "deleteContact"] {
        examples.insert(operation, json(&Deleted { deleted: true, id: 1 }));
    }
    examples
}

fn json(response: &impl Serialize) -> Value {
    serde_json::to_value(response).unwrap_or_default()
}

/// Returns a call with the content of the request's example.
fn call() -> Option<Call> {
    let profile = Profile { last_name: Name::parse("Knope").ok(), ..Profile::new(Name::parse("Leslie").ok()?) };
    let account = AccountId::new(1)?;
    let contact = ContactSummary { id: ContactId::new(1)?, uuid: uuid(1), account, profile };
    let recorded = Timestamp::from_unix(1_517_583_600)?;
    Some(Call {
        id: CallId::new(1)?,
        uuid: uuid(2),
        account,
        contact,
        details: CallDetails {
            content: Content::parse("He called, we had fun.").ok(),
            contact_called: Some(true),
            emotions: Emotion::all().take(1).collect(),
            ..CallDetails::at(Timestamp::from_unix(1_517_529_600)?)
        },
        created_at: recorded,
        updated_at: recorded,
    })
}

/// Returns the contact of the call.
fn contact(call: &Call) -> Option<Contact> {
    let created = Timestamp::from_unix(1_517_583_000)?;
    Some(Contact {
        summary: call.contact.clone(),
        description: None,
        job: Name::parse("Deputy Director").ok(),
        company: Name::parse("City of Pawnee").ok(),
        fields: vec![],
        last_called: Some(call.details.called_at),
        calls: 1,
        created_at: created,
        updated_at: created,
    })
}

fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(0x5f1d_4c2e_8a67_4b0e_9d3c_0000_0000_0000 + n)
}
