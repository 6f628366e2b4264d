//! The endpoint of deletions.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};

use crate::AppState;
use crate::middleware::authenticate::Authenticated;
use crate::openapi::{CommonErrors, GoneErrors};
use crate::requests::{CursorParams, DeletionListParams, LimitParams};
use crate::responses::error::{ApiError, ApiResult};
use crate::responses::{DeletionPageResponse, PageBuilder};

/// List what was deleted
///
/// Calls and contacts that were deleted at a time or later, the oldest deletion first. Deleting a contact deletes its
/// calls, which are listed too. Deletions are kept for 180 days. Pages are by cursor.
#[utoipa::path(
    operation_id = "listDeleted",
    tag = "Calls",
    params(DeletionListParams, LimitParams, CursorParams),
    responses((status = 200, description = "A page of deletions", body = DeletionPageResponse), GoneErrors, CommonErrors),
)]
#[get("/deleted")]
pub async fn list(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let list_request = state.list_request(&request);
    let query = list_request.deletions()?;
    let deletions = state.services.deletions.list(caller.account, query).await?.ok_or(ApiError::Forgotten)?;
    let context = state.response_context(&request);
    Ok(HttpResponse::Ok().json(PageBuilder::new(&list_request, &context, query.page()).deletions(&deletions)))
}
