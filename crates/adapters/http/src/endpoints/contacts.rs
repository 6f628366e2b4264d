//! The endpoints of contacts. Those of a contact's calls are in `calls.rs`.

use actix_web::http::StatusCode;
use actix_web::http::header::ETAG;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put};
use domain::{Contact, ContactId};

use crate::AppState;
use crate::middleware::authenticate::Authenticated;
use crate::openapi::{BodyErrors, CommonErrors, LookupErrors, PreconditionErrors, WriteErrors};
use crate::requests::{
    Body, ContactListParams, ContactParams, ContactRequest, CursorParams, LimitParams, PageParams,
    matches_if_none_match, precondition, with_contact_fields,
};
use crate::responses::error::{ApiError, ApiResult};
use crate::responses::{ContactPageResponse, ContactResource, ContactResponse, Deleted, PageBuilder, etag};

/// List all the contacts in your account
///
/// The oldest contact first.
#[utoipa::path(
    operation_id = "listContacts",
    tag = "Contacts",
    params(LimitParams, PageParams, CursorParams, ContactListParams, ContactParams),
    responses((status = 200, description = "A page of contacts", body = ContactPageResponse), CommonErrors),
)]
#[get("/contacts")]
pub async fn list(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let list_request = state.list_request(&request);
    let query = list_request.contacts()?;
    let (page, key) = (query.page, query.sort.key);
    let _permit = state.page_permits.acquire(page.size).await?;
    let contacts = state.services.contacts.list(caller.account, query).await?;
    let context = state.response_context(&request);
    let builder = PageBuilder::new(&list_request, &context, page);
    Ok(HttpResponse::Ok().json(builder.contacts(&contacts, key, with_contact_fields(list_request.query))))
}

/// Create a contact
///
/// `first_name` is required.
#[utoipa::path(
    operation_id = "createContact",
    tag = "Contacts",
    request_body = ContactRequest,
    responses(
        (status = 201, description = "The new contact", body = ContactResponse,
            headers(("ETag" = String, description = "The state of the contact"))),
        CommonErrors, WriteErrors, BodyErrors
    ),
)]
#[post("/contacts")]
pub async fn create(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    body: Body<ContactRequest>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let new = body.request.into_new_contact(state.services.clock.now())?;
    let contact = state.services.contacts.create(caller.account, new).await?;
    Ok(respond(StatusCode::CREATED, &contact, etag(&contact), &state, &request))
}

/// Get a specific contact
///
/// The contact with the number of its calls and the newest one.
#[utoipa::path(
    operation_id = "getContact",
    tag = "Contacts",
    params(
        ("id" = i64, Path, description = "The contact's id", minimum = 1, example = 1),
        ContactParams,
        ("If-None-Match" = Option<String>, Header, description = "An ETag. 304 without a body if the contact is still in that state."),
    ),
    responses(
        (status = 200, description = "The contact", body = ContactResponse,
            headers(("ETag" = String, description = "The state of the contact"))),
        (status = 304, description = "The contact is still in the state that If-None-Match names"),
        LookupErrors, CommonErrors
    ),
)]
#[get("/contacts/{id}")]
pub async fn find(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    id: Path<String>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let id = ContactId::parse(&id).ok_or(ApiError::NotFound)?;
    let contact = state.services.contacts.find(caller.account, id).await;
    let contact = contact.map_err(|error| ApiError::of_contact(error, id))?;
    let etag = etag(&contact);
    if matches_if_none_match(&request, &etag) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, etag)).finish());
    }
    Ok(respond(StatusCode::OK, &contact, etag, &state, &request))
}

/// Update a contact
///
/// `first_name` is required. Absent members keep their values, null removes a value.
#[utoipa::path(
    operation_id = "updateContact",
    tag = "Contacts",
    params(
        ("id" = i64, Path, description = "The contact's id", minimum = 1),
        ("If-Match" = Option<String>, Header, description = "An ETag. 412 if the contact is no longer in that state."),
    ),
    request_body = ContactRequest,
    responses(
        (status = 200, description = "The updated contact", body = ContactResponse,
            headers(("ETag" = String, description = "The state of the contact"))),
        PreconditionErrors, LookupErrors, CommonErrors, WriteErrors, BodyErrors
    ),
)]
#[put("/contacts/{id}")]
pub async fn update(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    id: Path<String>,
    body: Body<ContactRequest>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let id = ContactId::parse(&id).ok_or(ApiError::NotFound)?;
    let patch = body.request.into_patch(state.services.clock.now())?;
    let contact = state.services.contacts.update(caller.account, id, patch, precondition(&request)).await;
    let contact = contact.map_err(|error| ApiError::of_contact(error, id))?;
    Ok(respond(StatusCode::OK, &contact, etag(&contact), &state, &request))
}

/// Delete a contact and all its calls
///
/// Both are deleted together. The ids are never used again.
#[utoipa::path(
    operation_id = "deleteContact",
    tag = "Contacts",
    params(
        ("id" = i64, Path, description = "The contact's id", minimum = 1),
        ("If-Match" = Option<String>, Header, description = "An ETag. 412 if the contact is no longer in that state."),
    ),
    responses(
        (status = 200, description = "The id that was just deleted", body = Deleted),
        PreconditionErrors, LookupErrors, CommonErrors, WriteErrors
    ),
)]
#[delete("/contacts/{id}")]
pub async fn delete(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    id: Path<String>,
    request: HttpRequest,
) -> ApiResult<Json<Deleted>> {
    let id = ContactId::parse(&id).ok_or(ApiError::NotFound)?;
    let deleted = state.services.contacts.delete(caller.account, id, precondition(&request)).await;
    deleted.map_err(|error| ApiError::of_contact(error, id))?;
    Ok(Json(Deleted { deleted: true, id: id.get() }))
}

/// Responds with a contact and its `ETag`, with its contact fields if the query string says so.
fn respond(
    status: StatusCode,
    contact: &Contact,
    etag: String,
    state: &AppState,
    request: &HttpRequest,
) -> HttpResponse {
    let with_fields = with_contact_fields(request.query_string());
    let body = ContactResponse { data: ContactResource::new(contact, with_fields, &state.response_context(request)) };
    HttpResponse::build(status).insert_header((ETAG, etag)).json(body)
}
