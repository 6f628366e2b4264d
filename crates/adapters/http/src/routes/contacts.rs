//! Contacts, and the calls of one contact.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use domain::{Contact, ContactId};

use super::calls::list_of;
use crate::AppState;
use crate::errors::{ApiError, BodyRefusals, Missing, Refusals, WriteRefusals};
use crate::gate::Authenticated;
use crate::requests::{
    Body, CallListParams, ContactListParams, ContactParams, ContactRequest, PageParams, contact_list,
    with_contact_fields,
};
use crate::responses::{CallPageResponse, ContactPageResponse, ContactResource, ContactResponse, Deleted, PageBuilder};
use crate::router::Segment;

/// The response with a contact.
fn response(status: StatusCode, contact: &Contact, shared: &AppState, request: &HttpRequest) -> HttpResponse {
    let with_fields = with_contact_fields(request.query_string());
    let body = ContactResponse { data: ContactResource::new(contact, with_fields, &shared.links(request)) };
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
    params(PageParams, ContactListParams, ContactParams),
    responses((status = 200, description = "A page of contacts", body = ContactPageResponse), Refusals),
)]
pub async fn list(
    shared: Data<AppState>,
    Authenticated(caller): Authenticated,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = request.query_string();
    let (search, page) = contact_list(query, shared.options.compat.page_size())?;
    let contacts = shared.services.contacts.list(caller.account, search, page).await?;
    let links = shared.links(&request);
    let builder = PageBuilder::new(request.path(), query, &links, page.number, page.size);
    Ok(HttpResponse::Ok().json(builder.contacts(&contacts, with_contact_fields(query))))
}

/// Create a contact
#[utoipa::path(
    post,
    path = "/api/contacts",
    operation_id = "createContact",
    tag = "contacts",
    request_body = ContactRequest,
    responses(
        (status = 201, description = "The new contact", body = ContactResponse),
        Refusals, WriteRefusals, BodyRefusals
    ),
)]
pub async fn create(
    shared: Data<AppState>,
    Authenticated(caller): Authenticated,
    body: Body<ContactRequest>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let new = body.request.into_new_contact(shared.services.clock.now())?;
    let contact = shared.services.contacts.add(caller.account, new).await?;
    Ok(response(StatusCode::CREATED, &contact, &shared, &request))
}

/// Get a specific contact
#[utoipa::path(
    get,
    path = "/api/contacts/{id}",
    operation_id = "getContact",
    tag = "contacts",
    params(
        ("id" = i64, Path, description = "The contact's id", minimum = 1, example = 3),
        ContactParams,
    ),
    responses((status = 200, description = "The contact", body = ContactResponse), Missing, Refusals),
)]
pub async fn show(
    shared: Data<AppState>,
    Authenticated(caller): Authenticated,
    segment: Segment,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let contact = shared.services.contacts.find(caller.account, segment.id(ContactId::parse)?).await?;
    Ok(response(StatusCode::OK, &contact, &shared, &request))
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
    request_body = ContactRequest,
    responses(
        (status = 200, description = "The updated contact", body = ContactResponse),
        Missing, Refusals, WriteRefusals, BodyRefusals
    ),
)]
pub async fn update(
    shared: Data<AppState>,
    Authenticated(caller): Authenticated,
    segment: Segment,
    body: Body<ContactRequest>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let id = segment.id(ContactId::parse)?;
    let patch = body.request.into_patch(shared.services.clock.now())?;
    let contact = shared.services.contacts.revise(caller.account, id, patch).await?;
    Ok(response(StatusCode::OK, &contact, &shared, &request))
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
        PageParams,
        CallListParams,
    ),
    responses((status = 200, description = "A page of the contact's calls", body = CallPageResponse), Missing, Refusals),
)]
pub async fn calls(
    shared: Data<AppState>,
    known: Authenticated,
    segment: Segment,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    list_of(&shared, known, &request, Some(segment.id(ContactId::parse)?)).await
}
