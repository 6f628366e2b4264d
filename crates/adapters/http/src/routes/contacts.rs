//! Contacts, and the calls of one contact.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use domain::{Contact, ContactId};

use super::calls::list_of;
use crate::AppState;
use crate::body::Body;
use crate::errors::{ApiError, BodyRefusals, Missing, Refusals, WriteRefusals};
use crate::forms::ContactForm;
use crate::gate::Authenticated;
use crate::pages::{CallPageBody, ContactPageBody, Place};
use crate::query::{CallSorting, Paging, Query};
use crate::resources::{ContactBody, ContactResource, Deleted};
use crate::router::Segment;

/// The contact as it is shown, with what the query asks for.
fn shown(status: StatusCode, contact: &Contact, shared: &AppState, request: &HttpRequest) -> HttpResponse {
    let with_fields = Query::parse(request.query_string()).wants_contact_fields();
    let body = ContactBody { data: ContactResource::new(contact, with_fields, &shared.links(request)) };
    HttpResponse::build(status).json(body)
}

/// List all the contacts in your account
///
/// The oldest contact first.
#[utoipa::path(
    get,
    path = "/api/contacts",
    operation_id = "listContacts",
    tag = "contacts",
    params(
        Paging,
        ("query" = Option<String>, Query, description = "Words that are all found in names, nickname, description, job, company or contact fields, whatever their case and accents; a phone number, however it is spaced; or `field:value`, such as `phone:+1 555 0100`. At most 255 characters and 32 words.", example = "leslie"),
        ("with" = Option<String>, Query, description = "`contactfields` adds how the contact is reached.", example = "contactfields"),
        ("sort" = Option<String>, Query, pattern = "^-?(created|updated)_at$", description = "`created_at` or `updated_at`; with a leading `-` downward.", example = "-updated_at"),
    ),
    responses((status = 200, description = "A page of contacts", body = ContactPageBody), Refusals),
)]
pub async fn list(
    shared: Data<AppState>,
    Authenticated(caller): Authenticated,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string());
    let page = query.page_request(query.contact_order(), shared.options.compat.page_size())?;
    let contacts = shared.services.contacts.list(caller.account, query.contact_search()?, page).await?;
    let links = shared.links(&request);
    let place = Place::new(request.path(), &query, &links, page.number, page.size);
    Ok(HttpResponse::Ok().json(place.contacts(&contacts)))
}

/// Create a contact
#[utoipa::path(
    post,
    path = "/api/contacts",
    operation_id = "createContact",
    tag = "contacts",
    request_body = ContactForm,
    responses(
        (status = 201, description = "The new contact", body = ContactBody),
        Refusals, WriteRefusals, BodyRefusals
    ),
)]
pub async fn create(
    shared: Data<AppState>,
    Authenticated(caller): Authenticated,
    Body(members): Body,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let new = ContactForm::take(members).into_new_contact(shared.services.clock.now())?;
    let contact = shared.services.contacts.add(caller.account, new).await?;
    Ok(shown(StatusCode::CREATED, &contact, &shared, &request))
}

/// Get a specific contact
#[utoipa::path(
    get,
    path = "/api/contacts/{id}",
    operation_id = "getContact",
    tag = "contacts",
    params(
        ("id" = i64, Path, description = "The contact's id", minimum = 1, example = 3),
        ("with" = Option<String>, Query, description = "`contactfields` adds how the contact is reached.", example = "contactfields"),
    ),
    responses((status = 200, description = "The contact", body = ContactBody), Missing, Refusals),
)]
pub async fn show(
    shared: Data<AppState>,
    Authenticated(caller): Authenticated,
    segment: Segment,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let contact = shared.services.contacts.find(caller.account, segment.id(ContactId::parse)?).await?;
    Ok(shown(StatusCode::OK, &contact, &shared, &request))
}

/// Update a contact
///
/// `first_name` is required; what is absent keeps its value, what is null is taken away.
#[utoipa::path(
    put,
    path = "/api/contacts/{id}",
    operation_id = "updateContact",
    tag = "contacts",
    params(("id" = i64, Path, description = "The contact's id", minimum = 1, example = 3)),
    request_body = ContactForm,
    responses(
        (status = 200, description = "The updated contact", body = ContactBody),
        Missing, Refusals, WriteRefusals, BodyRefusals
    ),
)]
pub async fn update(
    shared: Data<AppState>,
    Authenticated(caller): Authenticated,
    segment: Segment,
    Body(members): Body,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let id = segment.id(ContactId::parse)?;
    let change = ContactForm::take(members).into_change(shared.services.clock.now())?;
    let contact = shared.services.contacts.revise(caller.account, id, change).await?;
    Ok(shown(StatusCode::OK, &contact, &shared, &request))
}

/// Delete a contact and all its calls
#[utoipa::path(
    delete,
    path = "/api/contacts/{id}",
    operation_id = "deleteContact",
    tag = "contacts",
    params(("id" = i64, Path, description = "The contact's id", minimum = 1, example = 3)),
    responses(
        (status = 200, description = "The id that was just deleted", body = Deleted),
        Missing, Refusals, WriteRefusals
    ),
)]
pub async fn delete(
    shared: Data<AppState>,
    Authenticated(caller): Authenticated,
    segment: Segment,
) -> Result<Json<Deleted>, ApiError> {
    let contact = segment.id(ContactId::parse)?;
    shared.services.contacts.delete(caller.account, contact).await?;
    Ok(Json(Deleted { deleted: true, id: contact.get() }))
}

/// List all the calls of a specific contact
///
/// The newest `called_at` first, ties by `id`.
#[utoipa::path(
    get,
    path = "/api/contacts/{id}/calls",
    operation_id = "listContactCalls",
    tag = "calls",
    params(
        ("id" = i64, Path, description = "The contact's id", minimum = 1, example = 3),
        Paging,
        CallSorting,
    ),
    responses((status = 200, description = "A page of the contact's calls", body = CallPageBody), Missing, Refusals),
)]
pub async fn calls(
    shared: Data<AppState>,
    known: Authenticated,
    segment: Segment,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    list_of(&shared, known, &request, Some(segment.id(ContactId::parse)?)).await
}
