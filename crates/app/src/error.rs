//! Why a command failed.

use std::process::ExitCode;

use crate::settings::SettingError;

/// Why a command failed, in one line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting cannot be read.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The store refused.
    #[error(transparent)]
    Port(#[from] ports::Error),
    /// The machine refused.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The machine's answer.
        source: std::io::Error,
    },
    /// What was asked for does not exist, or cannot be.
    #[error("{0}")]
    Refused(String),
    /// The command line cannot be understood.
    #[error("{0}")]
    Usage(String),
}

impl Error {
    /// The machine refused what was tried.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// 2 for wrong usage, 1 for a failure.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Setting(_) | Self::Usage(_) => ExitCode::from(2),
            Self::Port(_) | Self::Io { .. } | Self::Refused(_) => ExitCode::from(1),
        }
    }
}
