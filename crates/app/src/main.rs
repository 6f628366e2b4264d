//! Callbook: the Calls API of Monica, served by one binary.
//!
//! This crate implements the use cases, reads the configuration and the command line, and wires the adapters to the
//! ports.

mod cli;
mod clock;
mod config;
mod context;
mod error;
mod logging;
mod output;
mod progress;
mod sample_data;
mod services;
mod store;
mod transfer;

use std::process::ExitCode;

fn main() -> ExitCode {
    let (cli, matches) = cli::parse(std::env::args_os()).unwrap_or_else(|error| cli::exit(&error));
    match actix_web::rt::System::new().block_on(cli::run(cli, &matches)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Errors of libpq have several lines.
            let line = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
            output::last_message(line);
            error.exit_code()
        }
    }
}
