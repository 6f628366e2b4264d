//! The endpoints that stream calls as CSV.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{Error, HttpRequest, HttpResponse, get};
use domain::{AccountId, CallId, CallQuery, ContactId, ItemKey};
use futures_util::stream::try_unfold;
use tokio::sync::OwnedSemaphorePermit;

use crate::AppState;
use crate::middleware::authenticate::Authenticated;
use crate::openapi::{CommonErrors, LookupErrors};
use crate::requests::{CallListParams, ContactFilterParams};
use crate::responses::csv::CsvBuilder;
use crate::responses::error::{ApiError, ApiResult};

const CSV: &str = "text/csv; charset=utf-8; header=present";

/// The number of calls whose places are read at once. A search is executed once for so many calls.
const KEYS: u32 = 50_000;

/// The number of calls that are in memory at once.
const CALLS: usize = 25;

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
    let permit = state.page_permits.acquire_export().await?;
    let mut export =
        Export { state, account: caller.account, query, keys: Vec::new().into_iter(), last: None, _permit: permit };
    // A request that fails gets a response that says so; later errors close the connection.
    export.read_keys().await.map_err(|error| match contact {
        Some(contact) => ApiError::of_contact(error, contact),
        None => error.into(),
    })?;
    let rows = try_unfold((Some(CsvBuilder::header()), export), |(header, mut export)| async move {
        let rows = match header {
            Some(header) => Some(header),
            None => export.next_rows().await?,
        };
        Ok::<_, Error>(rows.map(|rows| (Bytes::from(rows), (None, export))))
    });
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, CSV)).streaming(rows))
}

/// An export in progress.
struct Export {
    state: Data<AppState>,
    account: AccountId,
    query: CallQuery,
    /// The places of the next calls.
    keys: std::vec::IntoIter<ItemKey>,
    /// The last place that was read. `None` before the first and after the last one.
    last: Option<ItemKey>,
    _permit: OwnedSemaphorePermit,
}

impl Export {
    /// Reads the places of the next calls.
    async fn read_keys(&mut self) -> ports::Result<()> {
        let keys = self.state.services.calls.keys(self.account, self.query.clone(), self.last, KEYS).await?;
        self.last = keys.last().copied().filter(|_| keys.len() == KEYS as usize);
        self.keys = keys.into_iter();
        Ok(())
    }

    /// Returns the next rows. `None` at the end. Calls that were deleted meanwhile are left out.
    async fn next_rows(&mut self) -> ApiResult<Option<Vec<u8>>> {
        loop {
            if self.keys.len() == 0 && self.last.is_some() {
                self.read_keys().await?;
            }
            let ids: Vec<CallId> = self.keys.by_ref().take(CALLS).filter_map(|key| CallId::new(key.id)).collect();
            if ids.is_empty() {
                return Ok(None);
            }
            let calls = self.state.services.calls.find_many(self.account, ids).await?;
            if !calls.is_empty() {
                return CsvBuilder::rows(&calls).map(Some);
            }
        }
    }
}
