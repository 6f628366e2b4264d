//! Calls.

use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, ETAG};
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use domain::{CallId, Caller, ContactId, Version};

use crate::AppState;
use crate::errors::{ApiError, BodyRefusals, ConditionRefusals, ErrorBody, Missing, Refusals, WriteRefusals};
use crate::gate::Authenticated;
use crate::requests::{
    Body, CallListParams, CallPatchSchema, CallRequest, CallRules, PageParams, call_list, idempotency_key, is_known,
    precondition,
};
use crate::responses::{CallPageResponse, CallResponse, Deleted, PageBuilder};
use crate::router::Segment;

/// The response with the JSON of a call and its entity tag.
fn response(status: StatusCode, (json, tag): (Vec<u8>, String)) -> HttpResponse {
    HttpResponse::build(status).insert_header((ETAG, tag)).content_type(ContentType::json()).body(json)
}

/// The version that the call must still have, by `If-Match`; `None` if any will do.
// The port will take the precondition itself: then this goes, and with it the look-up.
async fn expected(
    shared: &AppState,
    caller: Caller,
    call: CallId,
    request: &HttpRequest,
) -> Result<Option<Vec<Version>>, ApiError> {
    let Some(precondition) = precondition(request, shared.links(request)) else { return Ok(None) };
    let call = shared.services.calls.find(caller.account, call).await?;
    if precondition(&call) { Ok(Some(vec![call.version()])) } else { Err(ApiError::Changed) }
}

/// List all the calls in your account
///
/// The newest `called_at` first, ties by `id`.
#[utoipa::path(
    get,
    path = "/api/calls",
    operation_id = "listCalls",
    tag = "calls",
    params(PageParams, CallListParams),
    responses((status = 200, description = "A page of calls", body = CallPageResponse), Refusals),
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
    let query = request.query_string();
    let page = call_list(query, shared.options.compat.page_size())?;
    let calls = shared.services.calls.list(caller.account, of, page).await?;
    let links = shared.links(request);
    let builder = PageBuilder::new(request.path(), query, &links, page.number, page.size);
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(builder.calls_as_json(&calls)?))
}

/// Create a call
#[utoipa::path(
    post,
    path = "/api/calls",
    operation_id = "createCall",
    tag = "calls",
    params(("Idempotency-Key" = Option<String>, Header, description = "Your own name for this request, 1 to 255 characters: sent again within 24 hours, nothing is recorded twice and the answer is the same; with another body it is 422.")),
    request_body = CallRequest,
    responses(
        (status = 201, description = "The recorded call", body = CallResponse,
            headers(("ETag" = String, description = "Names this state of the call"))),
        Missing, Refusals, WriteRefusals, BodyRefusals
    ),
)]
pub async fn create(
    shared: Data<AppState>,
    Authenticated(caller): Authenticated,
    body: Body<CallRequest>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let rules = CallRules::create(shared.options.compat, shared.services.clock.now());
    let key = idempotency_key(&request, body.fingerprint)?;
    let new = body.request.into_new_call(rules)?;
    let call = shared.services.calls.record(caller.account, new, key).await?;
    Ok(response(StatusCode::CREATED, CallResponse::new(&call, &shared.links(&request)).to_json()?))
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
        (status = 200, description = "The call", body = CallResponse,
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
    let (json, tag) = CallResponse::new(&call, &shared.links(&request)).to_json()?;
    if is_known(&request, &tag) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, tag)).finish());
    }
    Ok(response(StatusCode::OK, (json, tag)))
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
    request_body = CallRequest,
    responses(
        (status = 200, description = "The updated call", body = CallResponse,
            headers(("ETag" = String, description = "Names this state of the call"))),
        ConditionRefusals, Missing, Refusals, WriteRefusals, BodyRefusals
    ),
)]
pub async fn update(
    shared: Data<AppState>,
    known: Authenticated,
    segment: Segment,
    body: Body<CallRequest>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let rules = CallRules::update(shared.options.compat, shared.services.clock.now());
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
    request_body(content = CallPatchSchema, description = "What to change"),
    responses(
        (status = 200, description = "The changed call", body = CallResponse,
            headers(("ETag" = String, description = "Names this state of the call"))),
        ConditionRefusals, Missing, Refusals, WriteRefusals, BodyRefusals
    ),
)]
pub async fn amend(
    shared: Data<AppState>,
    known: Authenticated,
    segment: Segment,
    body: Body<CallRequest>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let rules = CallRules::patch(shared.services.clock.now());
    revise(&shared, known, segment.id(CallId::parse)?, body, rules, &request).await
}

async fn revise(
    shared: &AppState,
    Authenticated(caller): Authenticated,
    call: CallId,
    body: Body<CallRequest>,
    rules: CallRules,
    request: &HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let patch = body.request.into_patch(rules)?;
    let expected = expected(shared, caller, call, request).await?;
    let call = shared.services.calls.revise(caller.account, call, patch, expected).await?;
    Ok(response(StatusCode::OK, CallResponse::new(&call, &shared.links(request)).to_json()?))
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
    let expected = expected(&shared, caller, call, &request).await?;
    shared.services.calls.delete(caller.account, call, expected).await?;
    Ok(Json(Deleted { deleted: true, id: call.get() }))
}
