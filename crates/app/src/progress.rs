//! Progress of long commands, shown on a terminal only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often a bar is drawn.
const DRAW_INTERVAL: Duration = Duration::from_millis(200);

/// Returns a bar with this number of steps, or a spinner if the number is unknown. It is cleared at the end, and hidden
/// unless standard error is a terminal.
pub fn bar(message: &'static str, steps: Option<u64>) -> ProgressBar {
    let bar = steps.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let template = match steps {
        Some(_) => "{msg} [{bar:40}] {percent}%, {eta} left",
        None => "{msg} {spinner}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    if !bar.is_hidden() {
        // Draws on a thread of its own: a terminal that stalls must not stop a transaction.
        bar.enable_steady_tick(DRAW_INTERVAL);
    }
    bar.with_message(message)
}
