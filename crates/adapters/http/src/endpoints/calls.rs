//! The endpoints of calls.

use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, ETAG};
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};
use domain::{CallId, ContactId, Outcome, RecordedCall};

use crate::AppState;
use crate::middleware::authenticate::Authenticated;
use crate::middleware::limits::too_many_responses;
use crate::openapi::{ArchivedErrors, BodyErrors, CommonErrors, LookupErrors, PreconditionErrors, WriteErrors};
use crate::requests::{
    Body, CallListParams, CallPatchSchema, CallRequest, CallRules, ContactFilterParams, CursorParams, LimitParams,
    PageParams, idempotency_key, matches_if_none_match, precondition,
};
use crate::responses::error::{ApiError, ApiResult};
use crate::responses::{CallPageResponse, CallResponse, Deleted, PageBuilder, etag};

/// List all the calls in your account
///
/// The newest `called_at` first, ties by `id`. Filters combine: `?query=wedding&called_after=-30+days&answered=true` finds
/// the answered calls of the last 30 days about a wedding. `?cursor=` requests the first page by cursor, which `links.next`
/// continues while other calls are written.
#[utoipa::path(
    operation_id = "listCalls",
    tag = "Calls",
    params(LimitParams, PageParams, CursorParams, ContactFilterParams, CallListParams),
    responses((status = 200, description = "A page of calls", body = CallPageResponse), CommonErrors),
)]
#[get("/calls")]
pub async fn list(state: Data<AppState>, caller: Authenticated, request: HttpRequest) -> ApiResult<HttpResponse> {
    respond_with_page(&state, caller, &request, None).await
}

/// List all the calls of a specific contact
///
/// The newest `called_at` first, ties by `id`.
#[utoipa::path(
    operation_id = "listContactCalls",
    tag = "Calls",
    params(
        ("id" = i64, Path, description = "The contact's id", minimum = 1, example = 1),
        LimitParams,
        PageParams,
        CursorParams,
        CallListParams,
    ),
    responses((status = 200, description = "A page of the contact's calls", body = CallPageResponse), LookupErrors, CommonErrors),
)]
#[get("/contacts/{id}/calls")]
pub async fn list_of_contact(
    state: Data<AppState>,
    caller: Authenticated,
    id: Path<String>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let contact = ContactId::parse(&id).ok_or(ApiError::NotFound)?;
    respond_with_page(&state, caller, &request, Some(contact)).await
}

/// Record a call
///
/// The contact must exist. Without `contact_id`, the call is recorded with the one contact that has the `phone_number`.
/// `called_at` may be in the past or the future. If a call of the account has the `external_id`, that call is changed as by
/// PATCH.
#[utoipa::path(
    operation_id = "createCall",
    tag = "Calls",
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of 1 to 255 characters that marks repetitions of this request. Within 24 hours, a repetition records nothing and returns the call as it is now, or 404 if it was deleted; with another body it fails with 422.")),
    request_body = CallRequest,
    responses(
        (status = 201, description = "The recorded call", body = CallResponse,
            headers(("ETag" = String, description = "The state of the call"))),
        (status = 200, description = "The call that has the external id, as it is now", body = CallResponse,
            headers(("ETag" = String, description = "The state of the call"))),
        LookupErrors, CommonErrors, WriteErrors, BodyErrors
    ),
)]
#[post("/calls")]
pub async fn create(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    body: Body<CallRequest>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let rules = CallRules::create(state.options.compat, state.services.clock.now());
    let key = idempotency_key(&request, body.fingerprint)?;
    let new = body.request.into_upsert(rules)?;
    let (contact, is_keyed) = (new.contact.clone(), key.is_some());
    let recorded = state.services.calls.create(caller.account, new, key).await.map_err(|error| {
        // With a key, it can also be the call of the first request.
        if is_keyed { error.into() } else { ApiError::of_new_call(error, &contact) }
    })?;
    let RecordedCall { call, outcome } = recorded;
    let status = if outcome == Outcome::Created { StatusCode::CREATED } else { StatusCode::OK };
    respond(status, etag(&call), &CallResponse::written(&call, &state.response_context(&request)))
}

/// Get a specific call
///
/// The call with its contact.
#[utoipa::path(
    operation_id = "getCall",
    tag = "Calls",
    params(
        ("id" = i64, Path, description = "The call's id", minimum = 1, example = 1),
        ("If-None-Match" = Option<String>, Header, description = "An ETag. 304 without a body if the call is still in that state."),
    ),
    responses(
        (status = 200, description = "The call", body = CallResponse,
            headers(("ETag" = String, description = "The state of the call"))),
        (status = 304, description = "The call is still in the state that If-None-Match names"),
        LookupErrors, CommonErrors
    ),
)]
#[get("/calls/{id}")]
pub async fn find(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    id: Path<String>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let id = CallId::parse(&id).ok_or(ApiError::NotFound)?;
    let call = state.services.calls.find(caller.account, id).await;
    let call = call.map_err(|error| ApiError::of_call(error, format_args!("call {id}")))?;
    let etag = etag(&call);
    if matches_if_none_match(&request, &etag) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, etag)).finish());
    }
    respond(StatusCode::OK, etag, &CallResponse::new(&call, &state.response_context(&request)))
}

/// Update a call
///
/// All three fields are required. Another `contact_id` moves the call to that contact.
#[utoipa::path(
    operation_id = "updateCall",
    tag = "Calls",
    params(
        ("id" = i64, Path, description = "The call's id", minimum = 1),
        ("If-Match" = Option<String>, Header, description = "An ETag. 412 if the call is no longer in that state."),
    ),
    request_body = CallRequest,
    responses(
        (status = 200, description = "The updated call", body = CallResponse,
            headers(("ETag" = String, description = "The state of the call"))),
        PreconditionErrors, LookupErrors, CommonErrors, WriteErrors, BodyErrors
    ),
)]
#[put("/calls/{id}")]
pub async fn update(
    state: Data<AppState>,
    caller: Authenticated,
    id: Path<String>,
    body: Body<CallRequest>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let rules = CallRules::update(state.options.compat, state.services.clock.now());
    apply_patch(&state, caller, &id, body, rules, &request).await
}

/// Change parts of a call
///
/// Absent members keep their values.
#[utoipa::path(
    operation_id = "changeCall",
    tag = "Calls",
    params(
        ("id" = i64, Path, description = "The call's id", minimum = 1),
        ("If-Match" = Option<String>, Header, description = "An ETag. 412 if the call is no longer in that state."),
    ),
    request_body(content = CallPatchSchema, description = "The changes"),
    responses(
        (status = 200, description = "The changed call", body = CallResponse,
            headers(("ETag" = String, description = "The state of the call"))),
        PreconditionErrors, LookupErrors, CommonErrors, WriteErrors, BodyErrors
    ),
)]
#[patch("/calls/{id}")]
pub async fn patch(
    state: Data<AppState>,
    caller: Authenticated,
    id: Path<String>,
    body: Body<CallRequest>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let rules = CallRules::patch(state.services.clock.now());
    apply_patch(&state, caller, &id, body, rules, &request).await
}

/// Delete a call
///
/// The id is never used again.
#[utoipa::path(
    operation_id = "deleteCall",
    tag = "Calls",
    params(
        ("id" = i64, Path, description = "The call's id", minimum = 1),
        ("If-Match" = Option<String>, Header, description = "An ETag. 412 if the call is no longer in that state."),
    ),
    responses(
        (status = 200, description = "The id that was just deleted", body = Deleted),
        ArchivedErrors, PreconditionErrors, LookupErrors, CommonErrors, WriteErrors
    ),
)]
#[delete("/calls/{id}")]
pub async fn delete(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    id: Path<String>,
    request: HttpRequest,
) -> ApiResult<Json<Deleted>> {
    let id = CallId::parse(&id).ok_or(ApiError::NotFound)?;
    let precondition = precondition(&request);
    let deleted = state.services.calls.delete(caller.account, id, precondition).await;
    deleted.map_err(|error| ApiError::of_call(error, format_args!("call {id}")))?;
    Ok(Json(Deleted { deleted: true, id: id.get() }))
}

/// Responds with a page of the account's calls, or of one contact's.
async fn respond_with_page(
    state: &AppState,
    Authenticated(caller): Authenticated,
    request: &HttpRequest,
    contact: Option<ContactId>,
) -> ApiResult<HttpResponse> {
    let list_request = state.list_request(request);
    let query = list_request.calls(contact)?;
    let (page, key) = (query.page, query.sort.key);
    let _permit = state.page_permits.acquire(query.page.size).await?;
    let calls = state.services.calls.list(caller.account, query).await.map_err(|error| match contact {
        Some(contact) => ApiError::of_contact(error, contact),
        None => error.into(),
    })?;
    let _reservation = state.budget.reserve(PageBuilder::expected_bytes(&calls)).ok_or_else(too_many_responses)?;
    let context = state.response_context(request);
    let json = PageBuilder::new(&list_request, &context, page).calls_as_json(&calls, key)?;
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(json))
}

/// Changes the call as the body says. The rules distinguish PUT from PATCH.
async fn apply_patch(
    state: &AppState,
    Authenticated(caller): Authenticated,
    id: &str,
    body: Body<CallRequest>,
    rules: CallRules,
    request: &HttpRequest,
) -> ApiResult<HttpResponse> {
    let id = CallId::parse(id).ok_or(ApiError::NotFound)?;
    let changes = body.request.into_patch(rules)?;
    let precondition = precondition(request);
    let contact = changes.contact;
    let updated = state.services.calls.update(caller.account, id, changes, precondition).await;
    let call = updated.map_err(|error| match contact {
        Some(contact) => ApiError::of_call(error, format_args!("call {id} or the contact {contact}")),
        None => ApiError::of_call(error, format_args!("call {id}")),
    })?;
    respond(StatusCode::OK, etag(&call), &CallResponse::written(&call, &state.response_context(request)))
}

/// Responds with a call and its `ETag`.
fn respond(status: StatusCode, etag: String, call: &CallResponse) -> ApiResult<HttpResponse> {
    let json = call.to_json()?;
    Ok(HttpResponse::build(status).insert_header((ETAG, etag)).content_type(ContentType::json()).body(json))
}
