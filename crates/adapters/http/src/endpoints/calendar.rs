//! The endpoint that streams calls as a calendar.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use domain::{CallQuery, PageRequest};

use super::export::CallExport;
use crate::AppState;
use crate::middleware::authenticate::Authenticated;
use crate::responses::calendar::CalendarBuilder;
use crate::responses::error::ApiResult;

/// Responds with all calls of the account as a calendar, the newest call first. The middleware has read the token.
#[get("/{token}.ics")]
pub async fn feed(state: Data<AppState>, Authenticated(caller): Authenticated) -> ApiResult<HttpResponse> {
    let permit = state.page_permits.acquire_export().await?;
    let query = CallQuery::newest_first(PageRequest::SMALLEST);
    let export = CallExport::begin(state, caller.account, query, permit).await?;
    let events = export.into_stream(CalendarBuilder::head(), CalendarBuilder::events, CalendarBuilder::tail());
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/calendar; charset=utf-8")).streaming(events))
}
