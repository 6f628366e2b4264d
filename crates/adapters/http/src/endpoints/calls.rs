//! The endpoints of calls.

use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, ETAG};
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};
use domain::{Call, CallId, ContactId};

use crate::AppState;
use crate::body::Body;
use crate::conditions;
use crate::forms::{CallForm, CallPatchInput, Rules};
use crate::middleware::authenticate::Authenticated;
use crate::openapi::{ArchivedErrors, BodyErrors, CommonErrors, LookupErrors, PreconditionErrors, WriteErrors};
use crate::pages::{CallPageBody, Place};
use crate::query::{CallSorting, Paging, Query};
use crate::resources::{CALL_BYTES, CallBody, CallResource, Deleted, to_json};
use crate::responses::error::{ApiError, ApiResult};

/// List all the calls in your account
///
/// The newest `called_at` first, ties by `id`.
#[utoipa::path(
    operation_id = "listCalls",
    tag = "calls",
    params(Paging, CallSorting),
    responses((status = 200, description = "A page of calls", body = CallPageBody), CommonErrors),
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
    tag = "calls",
    params(
        ("id" = i64, Path, description = "The contact's id", minimum = 1, example = 3),
        Paging,
        CallSorting,
    ),
    responses((status = 200, description = "A page of the contact's calls", body = CallPageBody), LookupErrors, CommonErrors),
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

/// Create a call
#[utoipa::path(
    operation_id = "createCall",
    tag = "calls",
    params(("Idempotency-Key" = Option<String>, Header, description = "Your own name for this request, 1 to 255 characters: sent again within 24 hours, nothing is recorded twice and the answer is the same; with another body it is 422.")),
    request_body = CallForm,
    responses(
        (status = 201, description = "The recorded call", body = CallBody,
            headers(("ETag" = String, description = "Names this state of the call"))),
        LookupErrors, CommonErrors, WriteErrors, BodyErrors
    ),
)]
#[post("/calls")]
pub async fn create(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    Body(members): Body,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let rules = Rules::create(state.options.compat, state.services.clock.now());
    let key = conditions::once(&request, &members)?;
    let new = CallForm::take(members).into_new_call(rules)?;
    let call = state.services.calls.record(caller.account, new, key).await?;
    respond_with_call(StatusCode::CREATED, &call, &state, &request)
}

/// Get a specific call
#[utoipa::path(
    operation_id = "getCall",
    tag = "calls",
    params(
        ("id" = i64, Path, description = "The call's id", minimum = 1, example = 5),
        ("If-None-Match" = Option<String>, Header, description = "An ETag: 304 without a body when the call is still in that state."),
    ),
    responses(
        (status = 200, description = "The call", body = CallBody,
            headers(("ETag" = String, description = "Names this state of the call"))),
        (status = 304, description = "The call is still in the state that If-None-Match names"),
        LookupErrors, CommonErrors
    ),
)]
#[get("/calls/{id}")]
pub async fn show(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    id: Path<String>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let id = CallId::parse(&id).ok_or(ApiError::NotFound)?;
    let call = state.services.calls.find(caller.account, id).await?;
    if conditions::is_known(&request, &call) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, conditions::etag(&call))).finish());
    }
    respond_with_call(StatusCode::OK, &call, &state, &request)
}

/// Update a call
///
/// All three fields are required; `contact_id` may name another contact: the call moves.
#[utoipa::path(
    operation_id = "updateCall",
    tag = "calls",
    params(
        ("id" = i64, Path, description = "The call's id", minimum = 1, example = 5),
        ("If-Match" = Option<String>, Header, description = "An ETag: 412 when the call is no longer in that state."),
    ),
    request_body = CallForm,
    responses(
        (status = 200, description = "The updated call", body = CallBody,
            headers(("ETag" = String, description = "Names this state of the call"))),
        PreconditionErrors, LookupErrors, CommonErrors, WriteErrors, BodyErrors
    ),
)]
#[put("/calls/{id}")]
pub async fn update(
    state: Data<AppState>,
    caller: Authenticated,
    id: Path<String>,
    body: Body,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let rules = Rules::replace(state.options.compat, state.services.clock.now());
    apply_patch(&state, caller, &id, body, rules, &request).await
}

/// Change parts of a call
///
/// What is absent keeps its value.
#[utoipa::path(
    operation_id = "changeCall",
    tag = "calls",
    params(
        ("id" = i64, Path, description = "The call's id", minimum = 1, example = 5),
        ("If-Match" = Option<String>, Header, description = "An ETag: 412 when the call is no longer in that state."),
    ),
    request_body(content = CallPatchInput, description = "What to change"),
    responses(
        (status = 200, description = "The changed call", body = CallBody,
            headers(("ETag" = String, description = "Names this state of the call"))),
        PreconditionErrors, LookupErrors, CommonErrors, WriteErrors, BodyErrors
    ),
)]
#[patch("/calls/{id}")]
pub async fn patch(
    state: Data<AppState>,
    caller: Authenticated,
    id: Path<String>,
    body: Body,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let rules = Rules::change(state.services.clock.now());
    apply_patch(&state, caller, &id, body, rules, &request).await
}

/// Delete a call
#[utoipa::path(
    operation_id = "deleteCall",
    tag = "calls",
    params(
        ("id" = i64, Path, description = "The call's id", minimum = 1, example = 31),
        ("If-Match" = Option<String>, Header, description = "An ETag: 412 when the call is no longer in that state."),
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
    state.services.calls.delete(caller.account, id, conditions::expected(&request)).await?;
    Ok(Json(Deleted { deleted: true, id: id.get() }))
}

/// Responds with a page of the account's calls, or of one contact's.
async fn respond_with_page(
    state: &AppState,
    Authenticated(caller): Authenticated,
    request: &HttpRequest,
    contact: Option<ContactId>,
) -> ApiResult<HttpResponse> {
    let query = Query::parse(request.query_string());
    let page = query.page_request(query.call_order(), state.options.compat.page_size())?;
    let calls = state.services.calls.list(caller.account, contact, page).await?;
    let links = state.links(request);
    let place = Place::new(request.path(), &query, &links, page.number, page.size);
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(place.calls_as_json(&calls)?))
}

/// Responds with a call and its `ETag`.
fn respond_with_call(
    status: StatusCode,
    call: &Call,
    state: &AppState,
    request: &HttpRequest,
) -> ApiResult<HttpResponse> {
    let body = CallBody { data: CallResource::new(call, None, &state.links(request)) };
    let mut response = HttpResponse::build(status);
    response.insert_header((ETAG, conditions::etag(call))).content_type(ContentType::json());
    Ok(response.body(to_json(&body, CALL_BYTES)?))
}

/// Changes a call as the body says; the rules tell a PUT from a PATCH.
async fn apply_patch(
    state: &AppState,
    Authenticated(caller): Authenticated,
    id: &str,
    Body(members): Body,
    rules: Rules,
    request: &HttpRequest,
) -> ApiResult<HttpResponse> {
    let id = CallId::parse(id).ok_or(ApiError::NotFound)?;
    let changes = CallForm::take(members).into_change(rules)?;
    let expected = conditions::expected(request);
    let call = state.services.calls.revise(caller.account, id, changes, expected).await?;
    respond_with_call(StatusCode::OK, &call, state, request)
}
