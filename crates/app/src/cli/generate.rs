//! Commands that print generated text and need no configuration: `openapi`, `completions`, `man`.

use clap::{CommandFactory, Subcommand};

use super::Cli;
use crate::error::Error;
use crate::output::{outln, print};

#[derive(Subcommand)]
pub enum GenerateCommand {
    /// Print the OpenAPI document
    Openapi,
    /// Print the completions of a shell
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
    /// Print the manual, one page for each command
    Man,
}

/// Prints the text.
pub fn run(command: &GenerateCommand) -> Result<(), Error> {
    match command {
        GenerateCommand::Openapi => {
            outln!("{}", http_adapter::document().to_pretty_json().map_err(ports::Error::internal)?)
        }
        GenerateCommand::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut super::command(), "callbook", &mut script);
            print(format_args!("{}", String::from_utf8_lossy(&script)))
        }
        GenerateCommand::Man => {
            // Without the settings on the pages of the subcommands: the first page has them.
            let mut command = Cli::command().disable_help_subcommand(true);
            command.build();
            let mut pages = Vec::new();
            manual(command, &mut pages).map_err(Error::io("the manual page"))?;
            print(format_args!("{}", String::from_utf8_lossy(&pages)))
        }
    }
}

/// Renders the page of the command and those of its subcommands.
fn manual(command: clap::Command, pages: &mut Vec<u8>) -> std::io::Result<()> {
    let subcommands: Vec<_> = command.get_subcommands().cloned().collect();
    clap_mangen::Man::new(command).render(pages)?;
    subcommands.into_iter().try_for_each(|command| manual(command, pages))
}
