//! The endpoints that stream calls as CSV.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use domain::ContactId;

use super::export::CallExport;
use crate::AppState;
use crate::middleware::authenticate::Authenticated;
use crate::openapi::{CommonErrors, LookupErrors};
use crate::requests::{CallListParams, ContactFilterParams};
use crate::responses::csv::CsvBuilder;
use crate::responses::error::{ApiError, ApiResult};

const CSV: &str = "text/csv; charset=utf-8; header=present";

/// Export calls as CSV
///
/// All calls that the filters find, in the order of the sort, in one response. `direction` is `incoming` if the contact
/// called, `outgoing` if not, and empty if unknown. A cell that a spreadsheet would take for a formula begins with an
/// apostrophe.
#[utoipa::path(
    operation_id = "exportCalls",
    tag = "Calls",
    params(ContactFilterParams, CallListParams),
    responses((status = 200, description = "The calls", content_type = "text/csv", body = String), CommonErrors),
)]
#[get("/calls.csv")]
pub async fn export_all(state: Data<AppState>, caller: Authenticated, request: HttpRequest) -> ApiResult<HttpResponse> {
    export(state, caller, &request, None).await
}

/// Export the calls of a contact as CSV
///
/// As the export of all calls.
#[utoipa::path(
    operation_id = "exportContactCalls",
    tag = "Calls",
    params(
        ("id" = i64, Path, description = "The contact's id", minimum = 1, example = 1),
        CallListParams,
    ),
    responses(
        (status = 200, description = "The calls", content_type = "text/csv", body = String),
        LookupErrors, CommonErrors
    ),
)]
#[get("/contacts/{id}/calls.csv")]
pub async fn export_of_contact(
    state: Data<AppState>,
    caller: Authenticated,
    id: Path<String>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let contact = ContactId::parse(&id).ok_or(ApiError::NotFound)?;
    export(state, caller, &request, Some(contact)).await
}

async fn export(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    request: &HttpRequest,
    contact: Option<ContactId>,
) -> ApiResult<HttpResponse> {
    let query = state.list_request(request).calls(contact)?;
    // A request that fails gets a response that says so; later errors close the connection.
    let permit = state.page_permits.acquire_export().await?;
    let export = CallExport::begin(state, caller.account, query, permit).await.map_err(|error| match contact {
        Some(contact) => ApiError::of_contact(error, contact),
        None => error.into(),
    })?;
    let rows = export.into_stream(CsvBuilder::header(), CsvBuilder::rows, Vec::new());
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, CSV)).streaming(rows))
}
