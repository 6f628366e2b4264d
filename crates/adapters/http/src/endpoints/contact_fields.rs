//! The endpoints of contact fields.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put};
use domain::{ContactFieldId, ContactId, FieldOfContact};
use ports::Error;

use crate::AppState;
use crate::middleware::authenticate::Authenticated;
use crate::openapi::{ArchivedErrors, BodyErrors, CommonErrors, LookupErrors, WriteErrors};
use crate::requests::{Body, ContactFieldRequest, LimitParams, PageParams};
use crate::responses::error::{ApiError, ApiResult};
use crate::responses::{ContactFieldPageResponse, ContactFieldResource, ContactFieldResponse, Deleted, PageBuilder};

/// List all the contact fields of a contact
///
/// In the order in which they were added.
#[utoipa::path(
    operation_id = "listContactFields",
    tag = "Contacts",
    params(("id" = i64, Path, description = "The contact's id", minimum = 1, example = 1), LimitParams, PageParams),
    responses(
        (status = 200, description = "A page of contact fields", body = ContactFieldPageResponse),
        LookupErrors, CommonErrors
    ),
)]
#[get("/contacts/{id}/contactfields")]
pub async fn list_of_contact(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    id: Path<String>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let list_request = state.list_request(&request);
    let page = list_request.numbered_page()?;
    let id = ContactId::parse(&id).ok_or(ApiError::NotFound)?;
    let contact = state.services.contacts.find(caller.account, id).await;
    let contact = contact.map_err(|error| ApiError::of_contact(error, id))?;
    let context = state.response_context(&request);
    let resource = |field| ContactFieldResource::new(field, &contact.summary, &context);
    let builder = PageBuilder::new(&list_request, &context, page);
    Ok(HttpResponse::Ok().json(builder.slice(contact.fields.iter().map(resource))))
}

/// Get a specific contact field
///
/// The contact field with its contact.
#[utoipa::path(
    operation_id = "getContactField",
    tag = "Contacts",
    params(("id" = i64, Path, description = "The contact field's id", minimum = 1, example = 1)),
    responses((status = 200, description = "The contact field", body = ContactFieldResponse), LookupErrors, CommonErrors),
)]
#[get("/contactfields/{id}")]
pub async fn find(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    id: Path<String>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let id = ContactFieldId::parse(&id).ok_or(ApiError::NotFound)?;
    let found = state.services.contact_fields.find(caller.account, id).await;
    let found = found.map_err(|error| of_field(error, id))?;
    Ok(HttpResponse::Ok().json(response(&found, &state, &request)))
}

/// Create a contact field
///
/// A contact has at most 100 of them.
#[utoipa::path(
    operation_id = "createContactField",
    tag = "Contacts",
    request_body = ContactFieldRequest,
    responses(
        (status = 201, description = "The new contact field", body = ContactFieldResponse),
        LookupErrors, CommonErrors, WriteErrors, BodyErrors
    ),
)]
#[post("/contactfields")]
pub async fn create(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    body: Body<ContactFieldRequest>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let (contact, field) = body.request.into_field()?;
    let created = state.services.contact_fields.create(caller.account, contact, field).await;
    let created = created.map_err(|error| ApiError::of_contact(error, contact))?;
    Ok(HttpResponse::Created().json(response(&created, &state, &request)))
}

/// Update a contact field
///
/// All three fields are required. Another `contact_id` moves the contact field to that contact.
#[utoipa::path(
    operation_id = "updateContactField",
    tag = "Contacts",
    params(("id" = i64, Path, description = "The contact field's id", minimum = 1)),
    request_body = ContactFieldRequest,
    responses(
        (status = 200, description = "The updated contact field", body = ContactFieldResponse),
        LookupErrors, CommonErrors, WriteErrors, BodyErrors
    ),
)]
#[put("/contactfields/{id}")]
pub async fn update(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    id: Path<String>,
    body: Body<ContactFieldRequest>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let (contact, field) = body.request.into_field()?;
    let id = ContactFieldId::parse(&id).ok_or(ApiError::NotFound)?;
    let updated = state.services.contact_fields.update(caller.account, id, contact, field).await;
    let what = format_args!("contact field {id} or the contact {contact}");
    let updated = updated.map_err(|error| ApiError::of_call(error, what))?;
    Ok(HttpResponse::Ok().json(response(&updated, &state, &request)))
}

/// Delete a contact field
///
/// The id is never used again.
#[utoipa::path(
    operation_id = "deleteContactField",
    tag = "Contacts",
    params(("id" = i64, Path, description = "The contact field's id", minimum = 1)),
    responses(
        (status = 200, description = "The id that was just deleted", body = Deleted),
        ArchivedErrors, LookupErrors, CommonErrors, WriteErrors
    ),
)]
#[delete("/contactfields/{id}")]
pub async fn delete(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    id: Path<String>,
) -> ApiResult<Json<Deleted>> {
    let id = ContactFieldId::parse(&id).ok_or(ApiError::NotFound)?;
    let deleted = state.services.contact_fields.delete(caller.account, id).await;
    deleted.map_err(|error| of_field(error, id))?;
    Ok(Json(Deleted { deleted: true, id: id.get() }))
}

fn of_field(error: Error, id: ContactFieldId) -> ApiError {
    ApiError::of_call(error, format_args!("contact field {id}"))
}

/// Returns the body of a response with the field.
fn response<'f>(found: &'f FieldOfContact, state: &AppState, request: &HttpRequest) -> ContactFieldResponse<'f> {
    let context = state.response_context(request);
    ContactFieldResponse { data: ContactFieldResource::new(&found.field, &found.contact, &context) }
}
