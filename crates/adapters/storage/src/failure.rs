//! What can go wrong in a job.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use domain::TooManyFields;
use ports::Error;

/// Why a job failed: a refusal that the port's law asks for, or the database's error.
#[derive(Debug)]
pub enum Failure {
    /// The port's own answer.
    Refused(Error),
    /// What the database said.
    Database(DieselError),
    /// What was said, or not, when the connection broke.
    Disconnected(DieselError),
    /// Another request changed meanwhile what this one had read; nothing was written, a second try may do.
    Conflict,
    /// These cannot be done by one statement; each of them alone can.
    Apart,
}

/// What a job answers.
pub type Outcome<T> = Result<T, Failure>;

impl From<DieselError> for Failure {
    fn from(error: DieselError) -> Self {
        Self::Database(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<TooManyFields> for Failure {
    fn from(error: TooManyFields) -> Self {
        Self::Refused(error.into())
    }
}

impl Failure {
    /// The connection is gone and must not be used again.
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

    /// The store's own trouble, which every request meets.
    pub fn is_of_the_store(&self) -> bool {
        self.is_disconnect() || self.is_outage() || matches!(self, Self::Refused(Error::Unavailable(_)))
    }

    /// The store's operator must act: it is full, read-only, locked by another, or cannot be opened.
    pub fn is_outage(&self) -> bool {
        // SQLite's sentences for FULL, READONLY, IOERR, BUSY, CANTOPEN, and PostgreSQL's for a full disk and a statement
        // that took too long; Diesel gives no code for them.
        const SENTENCES: [&str; 8] = [
            "disk is full",
            "readonly database",
            "disk I/O error",
            "database is locked",
            "unable to open database file",
            "No space left on device",
            "could not extend file",
            "due to statement timeout",
        ];
        match self {
            Self::Database(DieselError::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _)) => true,
            Self::Database(DieselError::DatabaseError(_, info)) => {
                SENTENCES.iter().any(|sentence| info.message().contains(sentence))
            }
            _ => false,
        }
    }

    /// The deadlock or conflict that a second try cures; the first was rolled back.
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Conflict | Self::Database(DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => {
                true
            }
            Self::Database(DieselError::DatabaseError(_, info)) => info.message().starts_with("deadlock detected"),
            _ => false,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let unavailable = failure.is_disconnect() || failure.is_outage();
        match failure {
            Failure::Refused(error) => error,
            Failure::Database(DieselError::NotFound) => Self::NotFound,
            Failure::Conflict => Self::unavailable("other requests kept changing the same rows"),
            Failure::Apart => Self::fault("what cannot share a statement was not done alone"),
            Failure::Database(error) | Failure::Disconnected(error) if unavailable => Self::unavailable(error),
            Failure::Database(error) | Failure::Disconnected(error) => Self::fault(error),
        }
    }
}
