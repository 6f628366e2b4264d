//! The error of a command.

use std::process::ExitCode;

use crate::config::SettingError;

/// The error of a command. Its message is one line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting cannot be read.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] ports::Error),
    /// The operating system failed.
    #[error("{what}: {source}")]
    Io {
        /// The file or the operation.
        what: String,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The command failed for another reason.
    #[error("{0}")]
    Failed(String),
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
}

impl Error {
    /// Names the file or the operation of an I/O error.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// Returns 2 for wrong usage and 1 for a failure.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Setting(_) | Self::Usage(_) => ExitCode::from(2),
            Self::Port(_) | Self::Io { .. } | Self::Failed(_) => ExitCode::from(1),
        }
    }
}
