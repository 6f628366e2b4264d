//! Examples of responses, made by the code that responds.

use std::collections::BTreeMap;

use domain::{
    AccountId, Call, CallDetails, CallDuration, CallId, CallSortKey, Contact, ContactField, ContactFieldId,
    ContactFieldKind, ContactId, ContactSortKey, ContactSummary, Content, Cursor, DeletedObject, Deletion, Emotion,
    Name, NewContactField, Outcome, Page, PageRequest, PageSize, PageStart, PhoneNumber, Profile, RecordedCall,
    StayInTouchFrequency, Timestamp, Uuid,
};
use ports::inbound::CallPage;
use serde::Serialize;
use serde_json::Value;

use super::SERVER;
use crate::Compat;
use crate::requests::ListRequest;
use crate::responses::error::ApiError;
use crate::responses::{
    BatchResponse, CallResponse, ContactFieldResource, ContactFieldResponse, ContactResource, ContactResponse, Deleted,
    Links, PageBuilder, ResponseContext,
};

/// Returns the example of the successful response of each operation that has one.
pub fn responses() -> BTreeMap<&'static str, Value> {
    let mut examples = BTreeMap::new();
    let context = ResponseContext { links: Links::under(SERVER), compat: Compat::Documented };
    let Some(call) = call() else { return examples };
    let Some(contact) = contact(&call) else { return examples };
    let page = PageRequest::numbered(1, PageSize::new(10).unwrap_or(PageSize::SMALLEST));
    let call_response = json(&CallResponse::new(&call, &context));
    for operation in ["getCall", "createCall", "updateCall", "changeCall"] {
        examples.insert(operation, call_response.clone());
    }
    let calls = CallPage { page: Page::new(vec![call.clone()], 1), calls_per_year: vec![(2018, 1)] };
    for (operation, path) in [("listCalls", "/api/calls"), ("listContactCalls", "/api/contacts/1/calls")] {
        let page = PageBuilder::new(&list(path), &context, page).calls_as_json(&calls, CallSortKey::CalledAt);
        examples.extend(page.ok().and_then(|page| serde_json::from_slice(&page).ok()).map(|page| (operation, page)));
    }
    let contact_response = json(&ContactResponse { data: ContactResource::new(&contact, false, &context) });
    for operation in ["getContact", "createContact", "updateContact"] {
        examples.insert(operation, contact_response.clone());
    }
    if let Some(field) = contact_field() {
        let resource = || ContactFieldResource::new(&field, &call.contact, &context);
        for operation in ["getContactField", "createContactField", "updateContactField"] {
            examples.insert(operation, json(&ContactFieldResponse { data: resource() }));
        }
        let field_page = PageBuilder::new(&list("/api/contacts/1/contactfields"), &context, page);
        examples.insert("listContactFields", json(&field_page.slice(std::iter::once(resource()))));
    }
    let contacts = Page::new(vec![contact], 1);
    let contact_page = PageBuilder::new(&list("/api/contacts"), &context, page);
    let contact_page = contact_page.contacts(&contacts, ContactSortKey::CreatedAt, false);
    examples.insert("listContacts", json(&contact_page));
    let deletion = deletion(&call);
    let by_cursor = PageRequest { start: PageStart::Cursor(Cursor::First), ..page };
    let deletions = Page::new(vec![deletion], 1);
    let deletion_page = PageBuilder::new(&list("/api/deleted"), &context, by_cursor).deletions(&deletions);
    examples.insert("listDeleted", json(&deletion_page));
    examples.insert("createCalls", json(&batch(call)));
    for operation in ["deleteCall", "deleteContact", "deleteContactField"] {
        examples.insert(operation, json(&Deleted { deleted: true, id: 1 }));
    }
    examples
}

/// Returns the request for the list at the path without parameters.
fn list(path: &str) -> ListRequest<'_> {
    ListRequest { path, query: "", default_size: PageSize::SMALLEST, now: Timestamp::EPOCH }
}

/// Returns the response to a batch of a new call and a refused one.
fn batch(call: Call) -> BatchResponse {
    let mut response = BatchResponse::new();
    response.push(call.details.external_id.clone(), None);
    response.set(0, Ok(RecordedCall { call, outcome: Outcome::Created }));
    response.push(None, Some(&ApiError::Invalid(vec!["The contact id field is required.".to_owned()])));
    response.counted()
}

/// Returns the deletion of the call.
fn deletion(call: &Call) -> Deletion {
    let external_id = call.details.external_id.clone();
    let (uuid, deleted_at) = (call.uuid, call.updated_at);
    Deletion { number: 1, object: DeletedObject::Call, id: call.id.get(), uuid, external_id, deleted_at }
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
            duration: CallDuration::from_seconds(300),
            answered: Some(true),
            phone_number: PhoneNumber::parse("+1 555 0100").ok(),
            external_id: Name::parse("pbx-1709202030.7").ok(),
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
        stay_in_touch_frequency: StayInTouchFrequency::from_days(30),
        fields: vec![],
        last_called: Some(call.details.called_at),
        calls: 1,
        created_at: created,
        updated_at: created,
    })
}

/// Returns a contact field of the contact.
fn contact_field() -> Option<ContactField> {
    let created = Timestamp::from_unix(1_517_583_000)?;
    Some(ContactField {
        id: ContactFieldId::new(1)?,
        uuid: uuid(3),
        content: NewContactField { kind: ContactFieldKind::PHONE, data: Name::parse("+1 555 0100").ok()? },
        created_at: created,
        updated_at: created,
    })
}

fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(0x5f1d_4c2e_8a67_4b0e_9d3c_0000_0000_0000 + n)
}
