//! Errors of jobs on a database connection.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use domain::{Archived, TooManyFields};
use ports::Error;

/// Why a job on a connection failed.
#[derive(Debug)]
pub enum StoreError {
    /// An error of the ports, passed on to the client.
    Port(Error),
    /// An error of the database.
    Database(DieselError),
    /// An error of the database on a connection that is broken.
    Disconnected(DieselError),
    /// Another request changed the rows that the job had read. Nothing was written; the job may be retried.
    Conflict,
}

/// The result of a job on a connection.
pub type StoreResult<T> = Result<T, StoreError>;

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        Self::Database(error)
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Self::Port(error)
    }
}

impl From<Archived> for StoreError {
    fn from(error: Archived) -> Self {
        Self::Port(error.into())
    }
}

impl From<TooManyFields> for StoreError {
    fn from(error: TooManyFields) -> Self {
        Self::Port(error.into())
    }
}

impl StoreError {
    /// The connection is broken and must not be used again.
    pub fn is_disconnect(&self) -> bool {
        matches!(
            self,
            Self::Disconnected(_)
                | Self::Database(
                    DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, _)
                        | DieselError::BrokenTransactionManager
                )
        )
    }

    /// The store is unavailable: the error does not depend on the request.
    pub fn is_unavailable(&self) -> bool {
        self.is_disconnect() || self.is_outage() || matches!(self, Self::Port(Error::Unavailable(_)))
    }

    /// The store is full, read-only, locked by another process or cannot be opened.
    fn is_outage(&self) -> bool {
        // Diesel has no kinds for these. SQLite: FULL, READONLY, IOERR, BUSY, CANTOPEN. PostgreSQL: a full disk, a
        // statement or lock timeout, an operator's `pg_cancel_backend`.
        const MESSAGES: [&str; 8] = [
            "disk is full",
            "readonly database",
            "disk I/O error",
            "database is locked",
            "unable to open database file",
            "No space left on device",
            "could not extend file",
            "canceling statement due to",
        ];
        match self {
            Self::Database(DieselError::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _)) => true,
            Self::Database(DieselError::DatabaseError(_, info)) => {
                MESSAGES.iter().any(|message| info.message().contains(message))
            }
            _ => false,
        }
    }

    /// A conflict with another request or a deadlock. The database rolled back; the job may be retried.
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Conflict | Self::Database(DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => {
                true
            }
            // The second one is that of Citus.
            Self::Database(DieselError::DatabaseError(_, info)) => {
                ["deadlock detected", "canceling the transaction since it was involved in a distributed deadlock"]
                    .iter()
                    .any(|message| info.message().starts_with(message))
            }
            _ => false,
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let is_unavailable = error.is_unavailable();
        match error {
            StoreError::Port(error) => error,
            StoreError::Conflict => Self::unavailable("other requests kept changing the same rows"),
            StoreError::Database(error) | StoreError::Disconnected(error) if is_unavailable => Self::unavailable(error),
            StoreError::Database(error) | StoreError::Disconnected(error) => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database_error(message: &str) -> Error {
        let error = DieselError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned()));
        StoreError::from(error).into()
    }

    #[test]
    fn a_missing_row_is_not_found_only_where_the_adapter_says_so() {
        assert!(matches!(StoreError::from(DieselError::NotFound).into(), Error::Internal(_)));
        assert!(matches!(StoreError::from(Error::NotFound).into(), Error::NotFound));
    }

    #[test]
    fn a_statement_that_is_cancelled_is_an_unavailable_store() {
        for reason in ["statement timeout", "lock timeout", "user request"] {
            let message = format!("canceling statement due to {reason}");
            assert!(matches!(database_error(&message), Error::Unavailable(_)), "{message}");
        }
        assert!(matches!(database_error("permission denied for table calls"), Error::Internal(_)));
    }
}
