//! `callbook check-config`.

use clap::ArgMatches;

use crate::config::{self, Config};
use crate::error::Error;
use crate::output::outln;

/// Prints every setting with its source, and warns of unknown variables.
pub fn run(config: &Config, matches: &ArgMatches) -> Result<(), Error> {
    for [name, value, source] in config.report(matches) {
        outln!("{name:<32} {value:<40} {source}")?;
    }
    for name in config::unknown_variables() {
        eprintln!("callbook: {name} is not a setting of Callbook");
    }
    Ok(())
}
