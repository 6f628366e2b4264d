//! Responses that stream all calls that a query finds.

use actix_web::Error;
use actix_web::web::{Bytes, Data};
use domain::{AccountId, Call, CallId, CallQuery, ItemKey};
use futures_util::stream::{Stream, StreamExt, once, try_unfold};
use tokio::sync::OwnedSemaphorePermit;

use crate::AppState;
use crate::responses::error::ApiResult;

/// The number of calls whose places are read at once. A search is executed once for so many calls.
const KEYS: u32 = 50_000;

/// The number of calls that are in memory at once.
const CALLS: usize = 25;

/// An export in progress.
pub struct CallExport {
    state: Data<AppState>,
    account: AccountId,
    query: CallQuery,
    /// The places of the next calls.
    keys: std::vec::IntoIter<ItemKey>,
    /// The last place that was read. `None` before the first and after the last one.
    last: Option<ItemKey>,
    _permit: OwnedSemaphorePermit,
}

impl CallExport {
    /// Begins an export of the account's calls that the query finds. Its page is ignored.
    pub async fn begin(
        state: Data<AppState>,
        account: AccountId,
        query: CallQuery,
        permit: OwnedSemaphorePermit,
    ) -> ports::Result<Self> {
        let mut export = Self { state, account, query, keys: Vec::new().into_iter(), last: None, _permit: permit };
        export.read_keys().await?;
        Ok(export)
    }

    /// Returns the body of the response: a head, what `write` returns for all calls, a few at a time, and a tail.
    pub fn into_stream(
        self,
        head: Vec<u8>,
        write: fn(&[Call]) -> ApiResult<Vec<u8>>,
        tail: Vec<u8>,
    ) -> impl Stream<Item = Result<Bytes, Error>> {
        let calls = try_unfold(self, move |mut export| async move {
            let calls = export.next_calls().await?;
            let written = calls.map(|calls| write(&calls)).transpose()?;
            Ok(written.map(|bytes| (Bytes::from(bytes), export)))
        });
        let part = |bytes: Vec<u8>| once(async { Ok(Bytes::from(bytes)) });
        part(head).chain(calls).chain(part(tail))
    }

    /// Reads the places of the next calls.
    async fn read_keys(&mut self) -> ports::Result<()> {
        let keys = self.state.services.calls.keys(self.account, self.query.clone(), self.last, KEYS).await?;
        self.last = keys.last().copied().filter(|_| keys.len() == KEYS as usize);
        self.keys = keys.into_iter();
        Ok(())
    }

    /// Returns the next calls. `None` at the end. Calls that were deleted meanwhile are left out.
    async fn next_calls(&mut self) -> ApiResult<Option<Vec<Call>>> {
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
                return Ok(Some(calls));
            }
        }
    }
}
