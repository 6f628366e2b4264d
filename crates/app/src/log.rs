//! The log: lines on standard error. They are gathered for a moment, so that a busy server writes many at once.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use humantime::format_rfc3339_micros;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::settings::{LogFormat, Settings};

/// How long a line waits for others.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// When this many bytes wait, whoever logs waits too: lines are late then, never lost.
const LIMIT: usize = 1024 * 1024;

/// The started log; dropping it writes what still waits.
pub struct Log {
    lines: Arc<Lines>,
    writer: Option<JoinHandle<()>>,
}

impl Log {
    /// Starts the log that the settings want. Standard output is left to what a command answers.
    pub fn start(settings: &Settings) -> io::Result<Self> {
        let lines = Arc::new(Lines::default());
        let writer = std::thread::Builder::new().name("log".into()).spawn({
            let lines = lines.clone();
            move || lines.write_to(&mut io::stderr())
        })?;
        let registry = tracing_subscriber::registry().with(settings.log.clone());
        let waiting = lines.clone();
        let layer = tracing_subscriber::fmt::layer().with_timer(Now).with_writer(move || Line(waiting.clone()));
        match settings.log_format {
            LogFormat::Text => registry.with(layer).init(),
            LogFormat::Json => registry.with(layer.json().flatten_event(true)).init(),
        }
        Ok(Self { lines, writer: Some(writer) })
    }
}

/// The time of a line, in the form of the layer's own timer, which takes four times as long to write it.
struct Now;

impl FormatTime for Now {
    #[expect(clippy::disallowed_methods, reason = "a line tells when it was written: no rule hangs on it")]
    fn format_time(&self, line: &mut Writer<'_>) -> fmt::Result {
        write!(line, "{}", format_rfc3339_micros(SystemTime::now()))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.lines.lock().has_ended = true;
        self.lines.changed.notify_all();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// Lines that wait to be written.
#[derive(Default)]
struct Lines {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    has_ended: bool,
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while(&self, condition: impl Fn(&Waiting) -> bool) -> MutexGuard<'_, Waiting> {
        self.changed.wait_while(self.lock(), |waiting| condition(waiting)).unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: &[u8]) {
        let mut waiting = self.wait_while(|waiting| waiting.bytes.len() > LIMIT && !waiting.has_ended);
        let is_first = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line);
        drop(waiting);
        if is_first {
            self.changed.notify_all();
        }
    }

    /// Writes what comes, until the end.
    fn write_to(&self, out: &mut impl Write) {
        let mut bytes = Vec::new();
        loop {
            let first = self.wait_while(|waiting| waiting.bytes.is_empty() && !waiting.has_ended);
            let gathered = self.changed.wait_timeout_while(first, RETRY_INTERVAL, |waiting| !waiting.has_ended);
            let (mut waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut waiting.bytes, &mut bytes);
            let has_ended = waiting.has_ended;
            drop(waiting);
            self.changed.notify_all();
            // There is nobody left to tell when standard error is gone.
            let _ = out.write_all(&bytes);
            bytes.clear();
            if has_ended {
                return;
            }
        }
    }
}

/// Where one line is written to.
struct Line(Arc<Lines>);

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_written_whole_and_in_the_order_of_its_thread() {
        let lines = Arc::new(Lines::default());
        let writer = std::thread::spawn({
            let lines = lines.clone();
            move || {
                let mut out = Vec::new();
                lines.write_to(&mut out);
                String::from_utf8(out).unwrap()
            }
        });
        // More than may wait at once.
        let filler = "x".repeat(1000);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let mut line = Line(lines.clone());
                let filler = &filler;
                scope.spawn(move || {
                    for n in 0..600 {
                        line.write_all(format!("{thread} {n} {filler}\n").as_bytes()).unwrap();
                    }
                });
            }
        });
        lines.lock().has_ended = true;
        lines.changed.notify_all();
        let out = writer.join().unwrap();
        for thread in 0..4 {
            let own = out.lines().filter(|line| line.starts_with(&format!("{thread} ")));
            let numbers: Vec<_> = own.map(|line| line.split(' ').nth(1).unwrap().parse::<u32>().unwrap()).collect();
            assert_eq!(numbers, (0..600).collect::<Vec<_>>());
        }
        assert_eq!(out.lines().count(), 2400);
    }
}
