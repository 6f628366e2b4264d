//! The endpoints of contacts. Those of a contact's calls are in `calls.rs`.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put};
use domain::{Contact, ContactId};

use crate::AppState;
use crate::middleware::authenticate::Authenticated;
use crate::openapi::{BodyErrors, CommonErrors, LookupErrors, WriteErrors};
use crate::requests::{
    Body, ContactListParams, ContactParams, ContactRequest, PageParams, contact_query, with_contact_fields,
};
use crate::responses::error::{ApiError, ApiResult};
use crate::responses::{ContactPageResponse, ContactResource, ContactResponse, Deleted, PageBuilder};

/// List all the contacts in your account
///
/// The oldest contact first.
#[utoipa::path(
    operation_id = "listContacts",
    tag = "contacts",
    params(PageParams, ContactListParams, ContactParams),
    responses((status = 200, description = "A page of contacts", body = ContactPageResponse), CommonErrors),
)]
#[get("/contacts")]
pub async fn list(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let text = request.query_string();
    let query = contact_query(text, state.options.compat.page_size())?;
    let page = query.page;
    let _permit = state.page_permits.acquire(page.size).await?;
    let contacts = state.services.contacts.list(caller.account, query).await?;
    let links = state.links(&request);
    let builder = PageBuilder::new(request.path(), text, &links, page);
    Ok(HttpResponse::Ok().json(builder.contacts(&contacts, with_contact_fields(text))))
}

/// Create a contact
#[utoipa::path(
    operation_id = "createContact",
    tag = "contacts",
    request_body = ContactRequest,
    responses(
        (status = 201, description = "The new contact", body = ContactResponse),
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
    Ok(respond(StatusCode::CREATED, &contact, &state, &request))
}

/// Get a specific contact
#[utoipa::path(
    operation_id = "getContact",
    tag = "contacts",
    params(
        ("id" = i64, Path, description = "The contact's id", minimum = 1, example = 3),
        ContactParams,
    ),
    responses((status = 200, description = "The contact", body = ContactResponse), LookupErrors, CommonErrors),
)]
#[get("/contacts/{id}")]
pub async fn find(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    id: Path<String>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let id = ContactId::parse(&id).ok_or(ApiError::NotFound)?;
    let contact = state.services.contacts.find(caller.account, id).await?;
    Ok(respond(StatusCode::OK, &contact, &state, &request))
}

/// Update a contact
///
/// `first_name` is required. Absent members keep their values, null removes a value.
#[utoipa::path(
    operation_id = "updateContact",
    tag = "contacts",
    params(("id" = i64, Path, description = "The contact's id", minimum = 1, example = 3)),
    request_body = ContactRequest,
    responses(
        (status = 200, description = "The updated contact", body = ContactResponse),
        LookupErrors, CommonErrors, WriteErrors, BodyErrors
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
    let contact = state.services.contacts.update(caller.account, id, patch).await?;
    Ok(respond(StatusCode::OK, &contact, &state, &request))
}

/// Delete a contact and all its calls
#[utoipa::path(
    operation_id = "deleteContact",
    tag = "contacts",
    params(("id" = i64, Path, description = "The contact's id", minimum = 1, example = 3)),
    responses(
        (status = 200, description = "The id that was just deleted", body = Deleted),
        LookupErrors, CommonErrors, WriteErrors
    ),
)]
#[delete("/contacts/{id}")]
pub async fn delete(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    id: Path<String>,
) -> ApiResult<Json<Deleted>> {
    let id = ContactId::parse(&id).ok_or(ApiError::NotFound)?;
    state.services.contacts.delete(caller.account, id).await?;
    Ok(Json(Deleted { deleted: true, id: id.get() }))
}

/// Responds with a contact, with its contact fields if the query string says so.
fn respond(status: StatusCode, contact: &Contact, state: &AppState, request: &HttpRequest) -> HttpResponse {
    let with_fields = with_contact_fields(request.query_string());
    let body = ContactResponse { data: ContactResource::new(contact, with_fields, &state.links(request)) };
    HttpResponse::build(status).json(body)
}
