//! Why a use case or a repository fails.

use std::error::Error as StdError;
use std::sync::Arc;

use domain::{Archived, TooManyFields};

/// The cause of a failure, for the log and never for the client. Several failures can share one cause.
pub type Cause = Arc<dyn StdError + Send + Sync>;

/// Why a use case or a repository failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The account has no such call, contact, contact field or token, or there is no such account.
    #[error("not found")]
    NotFound,
    /// The contact is archived, so its calls and single contact fields cannot be written.
    #[error("the contact is archived")]
    Archived,
    /// The phone number that names the contact belongs to several contacts.
    #[error("several contacts have the phone number")]
    SeveralContacts,
    /// The call or the contact does not satisfy the precondition of the request.
    #[error("the precondition failed")]
    PreconditionFailed,
    /// The contact would have too many contact fields.
    #[error(transparent)]
    TooManyFields(#[from] TooManyFields),
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// Another call of the account has the external id.
    #[error("another call has the external id")]
    ExternalIdTaken,
    /// The store cannot be reached, is full, or is overloaded. Nothing was changed, unless the connection broke or the
    /// time ran out while the store was executing the request.
    #[error("the store is not available: {0}")]
    Unavailable(#[source] Cause),
    /// An internal error.
    #[error("internal error: {0}")]
    Internal(#[source] Cause),
}

impl Error {
    /// Returns an error for a store that cannot be used now.
    pub fn unavailable(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unavailable(cause.into().into())
    }

    /// Returns an internal error.
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(cause.into().into())
    }
}

impl From<Archived> for Error {
    fn from(_: Archived) -> Self {
        Self::Archived
    }
}

/// The result of a port.
pub type Result<T> = std::result::Result<T, Error>;
