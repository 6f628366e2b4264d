//! Callbook: the Calls API of Monica, served by one binary.
//!
//! This crate implements the use cases, reads the settings and the command line, and wires the adapters to the ports.

mod archive;
mod cli;
mod clock;
mod commands;
mod demo;
mod error;
mod healthcheck;
mod log;
mod made_up;
mod monica;
mod opened;
mod output;
mod progress;
mod serve;
mod settings;
mod store;
mod use_cases;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match actix_web::rt::System::new().block_on(commands::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // libpq tells some things in several lines.
            let line = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
            eprintln!("callbook: {line}");
            error.exit_code()
        }
    }
}
