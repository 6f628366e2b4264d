//! Responses: the JSON of each, with the members of the published document and of Monica v4.1.2.

mod batch;
pub mod calendar;
mod call;
mod contact;
mod contact_field;
pub mod csv;
mod deletion;
pub mod error;
mod etag;
mod links;
mod lookup;
mod page;
mod short_contact;

pub use batch::BatchResponse;
pub use call::{CallResource, CallResponse};
pub use contact::{ContactResource, ContactResponse};
pub use contact_field::{ContactFieldResource, ContactFieldResponse};
pub use deletion::DeletionResource;
use domain::{AccountId, Timestamp};
pub use etag::etag;
pub use links::Links;
pub use lookup::{ContactFieldTypeResource, EmotionResource, GenderResource, GenderResponse};
pub use page::{
    CallPageResponse, ContactFieldPageResponse, ContactFieldTypePageResponse, ContactPageResponse,
    DeletionPageResponse, EmotionPageResponse, GenderPageResponse, PageBuilder, PageResponse,
};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use self::error::{ApiError, ApiResult};
use crate::Compat;

/// What a response depends on besides its content.
#[derive(Clone, Debug)]
pub struct ResponseContext {
    /// The base of its links.
    pub links: Links,
    /// The compatibility mode.
    pub compat: Compat,
}

/// Serialises the body. `capacity` is its expected size in bytes: a buffer that grows is copied repeatedly.
pub fn to_json(body: &impl Serialize, capacity: usize) -> ApiResult<Vec<u8>> {
    let mut json = Vec::with_capacity(capacity);
    serde_json::to_writer(&mut json, body).map_err(|error| ApiError::Internal(ports::Error::internal(error)))?;
    Ok(json)
}

/// A timestamp as `YYYY-MM-DDTHH:MM:SSZ`.
#[derive(Clone, Copy)]
pub struct Iso8601(pub Timestamp);

impl Serialize for Iso8601 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The account that owns a resource.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountRef)]
pub struct AccountRef {
    #[schema(example = 5)]
    id: i64,
}

impl From<AccountId> for AccountRef {
    fn from(id: AccountId) -> Self {
        Self { id: id.get() }
    }
}

/// The result of a deletion.
#[derive(Serialize, ToSchema)]
pub struct Deleted {
    /// Always true.
    pub deleted: bool,
    /// The id that was just deleted; it is never used again.
    #[schema(minimum = 1, example = 31)]
    pub id: i64,
}
