//! Calls.

use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, ETAG};
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use domain::{Call, CallId, ContactId};

use crate::AppState;
use crate::body::Body;
use crate::conditions;
use crate::errors::{ApiError, BodyRefusals, ConditionRefusals, ErrorBody, Missing, Refusals, WriteRefusals};
use crate::forms::{CallForm, CallPatchInput, Rules};
use crate::gate::Authenticated;
use crate::pages::{CallPageBody, Place};
use crate::query::{CallSorting, Paging, Query};
use crate::resources::{CALL_BYTES, CallBody, CallResource, Deleted, to_json};
use crate::router::Segment;

/// The call as it is shown, with the tag of its state.
fn shown(status: StatusCode, call: &Call, shared: &AppState, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    let body = CallBody { data: CallResource::new(call, None, &shared.links(request)) };
    let mut answer = HttpResponse::build(status);
    answer.insert_header((ETAG, conditions::etag(call))).content_type(ContentType::json());
    Ok(answer.body(to_json(&body, CALL_BYTES)?))
}

/// List all the calls in your account
///
/// The newest `called_at` first, ties by `id`.
#[utoipa::path(
    get,
    path = "/api/calls",
    operation_id = "listCalls",
    tag = "calls",
    params(Paging, CallSorting),
    responses((status = 200, description = "A page of calls", body = CallPageBody), Refusals),
)]
pub async fn list(
    shared: Data<AppState>,
    known: Authenticated,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    list_of(&shared, known, &request, None).await
}

/// A page of the account's calls, or of one contact's.
pub async fn list_of(
    shared: &AppState,
    Authenticated(caller): Authenticated,
    request: &HttpRequest,
    of: Option<ContactId>,
) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string());
    let page = query.page_request(query.call_order(), shared.options.compat.page_size())?;
    let calls = shared.services.calls.list(caller.account, of, page).await?;
    let links = shared.links(request);
    let place = Place::new(request.path(), &query, &links, page.number, page.size);
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(place.calls_as_json(&calls)?))
}

/// Create a call
#[utoipa::path(
    post,
    path = "/api/calls",
    operation_id = "createCall",
    tag = "calls",
    params(("Idempotency-Key" = Option<String>, Header, description = "Your own name for this request, 1 to 255 characters: sent again within 24 hours, nothing is recorded twice and the answer is the same; with another body it is 422.")),
    request_body = CallForm,
    responses(
        (status = 201, description = "The recorded call", body = CallBody,
            headers(("ETag" = String, description = "Names this state of the call"))),
        Missing, Refusals, WriteRefusals, BodyRefusals
    ),
)]
pub async fn create(
    shared: Data<AppState>,
    Authenticated(caller): Authenticated,
    Body(members): Body,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let rules = Rules::create(shared.options.compat, shared.services.clock.now());
    let once = conditions::once(&request, &members)?;
    let new = CallForm::take(members).into_new_call(rules)?;
    let call = shared.services.calls.record(caller.account, new, once).await?;
    shown(StatusCode::CREATED, &call, &shared, &request)
}

/// Get a specific call
#[utoipa::path(
    get,
    path = "/api/calls/{id}",
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
        Missing, Refusals
    ),
)]
pub async fn show(
    shared: Data<AppState>,
    Authenticated(caller): Authenticated,
    segment: Segment,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let call = shared.services.calls.find(caller.account, segment.id(CallId::parse)?).await?;
    if conditions::is_known(&request, &call) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, conditions::etag(&call))).finish());
    }
    shown(StatusCode::OK, &call, &shared, &request)
}

/// Update a call
///
/// All three fields are required; `contact_id` may name another contact: the call moves.
#[utoipa::path(
    put,
    path = "/api/calls/{id}",
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
        ConditionRefusals, Missing, Refusals, WriteRefusals, BodyRefusals
    ),
)]
pub async fn update(
    shared: Data<AppState>,
    known: Authenticated,
    segment: Segment,
    body: Body,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let rules = Rules::replace(shared.options.compat, shared.services.clock.now());
    revise(&shared, known, segment.id(CallId::parse)?, body, rules, &request).await
}

/// Change parts of a call
///
/// What is absent keeps its value.
#[utoipa::path(
    patch,
    path = "/api/calls/{id}",
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
        ConditionRefusals, Missing, Refusals, WriteRefusals, BodyRefusals
    ),
)]
pub async fn amend(
    shared: Data<AppState>,
    known: Authenticated,
    segment: Segment,
    body: Body,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let rules = Rules::change(shared.services.clock.now());
    revise(&shared, known, segment.id(CallId::parse)?, body, rules, &request).await
}

async fn revise(
    shared: &AppState,
    Authenticated(caller): Authenticated,
    call: CallId,
    Body(members): Body,
    rules: Rules,
    request: &HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let change = CallForm::take(members).into_change(rules)?;
    let expected = conditions::expected(request);
    let call = shared.services.calls.revise(caller.account, call, change, expected).await?;
    shown(StatusCode::OK, &call, shared, request)
}

/// Delete a call
#[utoipa::path(
    delete,
    path = "/api/calls/{id}",
    operation_id = "deleteCall",
    tag = "calls",
    params(
        ("id" = i64, Path, description = "The call's id", minimum = 1, example = 31),
        ("If-Match" = Option<String>, Header, description = "An ETag: 412 when the call is no longer in that state."),
    ),
    responses(
        (status = 200, description = "The id that was just deleted", body = Deleted),
        (status = 422, description = "The call's contact is archived (code 32)", body = ErrorBody),
        ConditionRefusals, Missing, Refusals, WriteRefusals
    ),
)]
pub async fn delete(
    shared: Data<AppState>,
    Authenticated(caller): Authenticated,
    segment: Segment,
    request: HttpRequest,
) -> Result<Json<Deleted>, ApiError> {
    let call = segment.id(CallId::parse)?;
    shared.services.calls.delete(caller.account, call, conditions::expected(&request)).await?;
    Ok(Json(Deleted { deleted: true, id: call.get() }))
}
