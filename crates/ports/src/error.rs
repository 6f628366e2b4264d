//! Why a request was refused.

use std::error::Error as StdError;
use std::sync::Arc;

use domain::TooManyFields;

/// The cause behind a fault, for the log and never for the client. One cause may be behind many refusals.
pub type Cause = Arc<dyn StdError + Send + Sync>;

/// Why a use case or a repository did not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// No such call, contact, account or token in this account; a foreign one is no different.
    #[error("not found")]
    NotFound,
    /// The contact is archived and takes no change of its calls.
    #[error("the contact is archived")]
    Archived,
    /// The call is not in a state that was expected.
    #[error("the call has changed")]
    Changed,
    /// The contact would have too many contact fields.
    #[error(transparent)]
    TooManyFields(#[from] TooManyFields),
    /// The key of a request was used for another one.
    #[error("the key was used for another request")]
    KeyReused,
    /// The store cannot be reached, is full, or has more to do than it can take. Nothing was changed
    /// unless the connection broke, or the store was silent for too long, while it was answering.
    #[error("the store is not available: {0}")]
    Unavailable(#[source] Cause),
    /// Our own mistake.
    #[error("fault: {0}")]
    Fault(#[source] Cause),
}

impl Error {
    /// The store cannot be reached, for this reason.
    pub fn unavailable(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unavailable(cause.into().into())
    }

    /// A mistake of ours, for this reason.
    pub fn fault(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Fault(cause.into().into())
    }
}

/// What a port answers.
pub type Result<T> = std::result::Result<T, Error>;
