//! `callbook check-config`.

use clap::ArgMatches;

use crate::config::Config;
use crate::error::Error;
use crate::output::{outln, printable};

/// Prints every setting with its source. The store may be missing.
pub fn run(config: &Config, matches: &ArgMatches) -> Result<(), Error> {
    for [name, value, source] in config.report(matches) {
        outln!("{name:<31}  {:<39}  {}", printable(&value), printable(&source))?;
    }
    Ok(())
}
