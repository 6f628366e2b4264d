//! Logging: lines on standard error, written by a thread of their own.

use std::fmt;
use std::io::{self, Write};
use std::time::SystemTime;

use humantime::format_rfc3339_micros;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Config, LogFormat};

/// Lines that may be queued. While standard error stalls, further lines are dropped and counted.
const MAX_QUEUED_LINES: usize = 16 * 1024;

/// Bytes that are written at once.
const BLOCK_SIZE: usize = 64 * 1024;

/// The started log. Dropping it writes the queued lines, for at most about a second.
pub struct Logging {
    dropped: ErrorCounter,
    guard: Option<WorkerGuard>,
}

impl Logging {
    /// Starts logging to standard error. Commands print their results to standard output.
    pub fn start(config: &Config) -> Self {
        let (writer, guard) = NonBlockingBuilder::default()
            .lossy(true)
            .buffered_lines_limit(MAX_QUEUED_LINES)
            .thread_name("log")
            .finish(StandardError::default());
        let dropped = writer.error_counter();
        let registry = tracing_subscriber::registry().with(config.log.clone());
        let layer = tracing_subscriber::fmt::layer().with_timer(Now).with_writer(writer);
        match config.log_format {
            LogFormat::Text => registry.with(layer).init(),
            LogFormat::Json => registry.with(layer.json().flatten_event(true)).init(),
        }
        // The default hook writes to standard error itself, and blocks while that stalls.
        std::panic::set_hook(Box::new(|panic| tracing::error!(panic = panic.to_string(), "panicked")));
        Self { dropped, guard: Some(guard) }
    }

    /// Returns a function that returns the number of lines dropped since the start.
    pub fn dropped_lines(&self) -> impl Fn() -> u64 + Send + Sync + use<> {
        let counter = self.dropped.clone();
        move || counter.dropped_lines() as u64
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        let dropped = self.dropped.dropped_lines();
        if dropped > 0 {
            tracing::warn!(dropped, "log lines were dropped, because standard error stalled");
        }
        if self.dropped.dropped_lines() > dropped {
            // The queue is still full. The guard would time out, and print that to standard output.
            std::mem::forget(self.guard.take());
        }
    }
}

/// The time of a line, in the format of the layer's own timer and four times as fast.
struct Now;

impl FormatTime for Now {
    #[expect(clippy::disallowed_methods, reason = "the time of a log line has no effect on behaviour")]
    fn format_time(&self, line: &mut Writer<'_>) -> fmt::Result {
        write!(line, "{}", format_rfc3339_micros(SystemTime::now()))
    }
}

/// Standard error, written in blocks. Errors are ignored, because there is nowhere to report them.
#[derive(Default)]
struct StandardError {
    block: Vec<u8>,
}

impl Write for StandardError {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.block.extend_from_slice(line);
        if self.block.len() >= BLOCK_SIZE {
            self.flush()?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = io::stderr().write_all(&self.block);
        self.block.clear();
        Ok(())
    }
}
