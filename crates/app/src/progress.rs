//! Progress of long commands, shown on a terminal only.

use indicatif::{ProgressBar, ProgressStyle};

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
    bar.with_message(message)
}
