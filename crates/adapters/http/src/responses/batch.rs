//! The JSON of the response to a batch.

use domain::{Name, Outcome, RecordedCall};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::{ApiError, ApiResult, ErrorDetail};

/// The results of a batch.
#[derive(Serialize, ToSchema)]
#[schema(as = CallBatchBody)]
pub struct BatchResponse {
    /// The result of each call, in the order in which the calls were sent.
    data: Vec<BatchItem>,
    meta: BatchMeta,
}

/// The result of a call of a batch.
#[derive(Serialize, ToSchema)]
#[schema(as = CallBatchItem)]
struct BatchItem {
    /// 201 if the call was created, 200 if the call with its external id was changed or was like that already, 404 or
    /// 422 if it was refused.
    #[schema(example = 201)]
    status: u16,
    /// The id of the call. Null if it was refused.
    #[schema(example = 5)]
    id: Option<i64>,
    /// The external id as it was sent, if it is valid.
    external_id: Option<String>,
    /// Why the call was refused. Absent if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ErrorDetail)]
    error: Option<ErrorDetail>,
}

/// The numbers of calls by their results.
#[derive(Serialize, ToSchema, Default)]
#[schema(as = CallBatchMeta)]
struct BatchMeta {
    created: usize,
    updated: usize,
    unchanged: usize,
    refused: usize,
}

impl BatchItem {
    fn refused(external_id: Option<String>, error: &ApiError) -> Self {
        Self { status: error.status(), id: None, external_id, error: Some(error.detail()) }
    }
}

impl BatchResponse {
    /// Returns a response without results.
    pub fn new() -> Self {
        Self { data: Vec::new(), meta: BatchMeta::default() }
    }

    /// Adds a call, which is refused if there is an error.
    pub fn push(&mut self, external_id: Option<Name>, error: Option<&ApiError>) {
        let external_id = external_id.map(Into::into);
        self.data.push(match error {
            Some(error) => BatchItem::refused(external_id, error),
            None => BatchItem { status: 0, id: None, external_id, error: None },
        });
    }

    /// Sets the result of the call at this place.
    pub fn set(&mut self, place: usize, result: ApiResult<RecordedCall>) {
        let Some(item) = self.data.get_mut(place) else { return };
        match result {
            Ok(RecordedCall { call, outcome }) => {
                let (status, count) = match outcome {
                    Outcome::Created => (201, &mut self.meta.created),
                    Outcome::Updated => (200, &mut self.meta.updated),
                    Outcome::Unchanged => (200, &mut self.meta.unchanged),
                };
                *count += 1;
                (item.status, item.id) = (status, Some(call.id.get()));
            }
            Err(error) => *item = BatchItem::refused(item.external_id.take(), &error),
        }
    }

    /// Counts the refused calls.
    pub fn counted(mut self) -> Self {
        self.meta.refused = self.data.iter().filter(|item| item.error.is_some()).count();
        self
    }
}
