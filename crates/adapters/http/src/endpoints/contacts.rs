//! The endpoints of contacts. Those of a contact's calls are in `calls.rs`.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put};
use domain::{Contact, ContactId};

use crate::AppState;
use crate::body::Body;
use crate::forms::ContactForm;
use crate::middleware::authenticate::Authenticated;
use crate::openapi::{BodyErrors, CommonErrors, LookupErrors, WriteErrors};
use crate::pages::{ContactPageBody, Place};
use crate::query::{Paging, Query};
use crate::resources::{ContactBody, ContactResource, Deleted};
use crate::responses::error::{ApiError, ApiResult};

/// List all the contacts in your account
///
/// The oldest contact first.
#[utoipa::path(
    operation_id = "listContacts",
    tag = "contacts",
    params(
        Paging,
        ("query" = Option<String>, Query, description = "Words that are all found in names, nickname, description, job, company or contact fields, whatever their case and accents; a phone number, however it is spaced; or `field:value`, such as `phone:+1 555 0100`. At most 255 characters and 32 words.", example = "leslie"),
        ("with" = Option<String>, Query, description = "`contactfields` adds how the contact is reached.", example = "contactfields"),
        ("sort" = Option<String>, Query, pattern = "^-?(created|updated)_at$", description = "`created_at` or `updated_at`; with a leading `-` downward.", example = "-updated_at"),
    ),
    responses((status = 200, description = "A page of contacts", body = ContactPageBody), CommonErrors),
)]
#[get("/contacts")]
pub async fn list(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let query = Query::parse(request.query_string());
    let page = query.page_request(query.contact_order(), state.options.compat.page_size())?;
    let contacts = state.services.contacts.list(caller.account, query.contact_search()?, page).await?;
    let links = state.links(&request);
    let place = Place::new(request.path(), &query, &links, page.number, page.size);
    Ok(HttpResponse::Ok().json(place.contacts(&contacts)))
}

/// Create a contact
#[utoipa::path(
    operation_id = "createContact",
    tag = "contacts",
    request_body = ContactForm,
    responses(
        (status = 201, description = "The new contact", body = ContactBody),
        CommonErrors, WriteErrors, BodyErrors
    ),
)]
#[post("/contacts")]
pub async fn create(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    Body(members): Body,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let new = ContactForm::take(members).into_new_contact(state.services.clock.now())?;
    let contact = state.services.contacts.add(caller.account, new).await?;
    Ok(respond_with_contact(StatusCode::CREATED, &contact, &state, &request))
}

/// Get a specific contact
#[utoipa::path(
    operation_id = "getContact",
    tag = "contacts",
    params(
        ("id" = i64, Path, description = "The contact's id", minimum = 1, example = 3),
        ("with" = Option<String>, Query, description = "`contactfields` adds how the contact is reached.", example = "contactfields"),
    ),
    responses((status = 200, description = "The contact", body = ContactBody), LookupErrors, CommonErrors),
)]
#[get("/contacts/{id}")]
pub async fn show(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    id: Path<String>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let id = ContactId::parse(&id).ok_or(ApiError::NotFound)?;
    let contact = state.services.contacts.find(caller.account, id).await?;
    Ok(respond_with_contact(StatusCode::OK, &contact, &state, &request))
}

/// Update a contact
///
/// `first_name` is required; what is absent keeps its value, what is null is taken away.
#[utoipa::path(
    operation_id = "updateContact",
    tag = "contacts",
    params(("id" = i64, Path, description = "The contact's id", minimum = 1, example = 3)),
    request_body = ContactForm,
    responses(
        (status = 200, description = "The updated contact", body = ContactBody),
        LookupErrors, CommonErrors, WriteErrors, BodyErrors
    ),
)]
#[put("/contacts/{id}")]
pub async fn update(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    id: Path<String>,
    Body(members): Body,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let id = ContactId::parse(&id).ok_or(ApiError::NotFound)?;
    let patch = ContactForm::take(members).into_change(state.services.clock.now())?;
    let contact = state.services.contacts.revise(caller.account, id, patch).await?;
    Ok(respond_with_contact(StatusCode::OK, &contact, &state, &request))
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

/// Responds with a contact, and with its contact fields when the query names them.
fn respond_with_contact(
    status: StatusCode,
    contact: &Contact,
    state: &AppState,
    request: &HttpRequest,
) -> HttpResponse {
    let with_fields = Query::parse(request.query_string()).wants_contact_fields();
    let body = ContactBody { data: ContactResource::new(contact, with_fields, &state.links(request)) };
    HttpResponse::build(status).json(body)
}
