//! Commands that print generated text and need no configuration: `openapi`, `completions`, `man`.

use clap::{CommandFactory, Subcommand};

use super::Cli;
use crate::error::Error;
use crate::output::{outln, print};

#[derive(Subcommand)]
pub enum GenerateCommand {
    /// Print the OpenAPI document
    Openapi {
        /// Version of OpenAPI
        #[arg(long, default_value = "3.1")]
        format: OpenApiVersion,
    },
    /// Print the completions of a shell
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
    /// Print the manual, one page for each command
    Man,
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub enum OpenApiVersion {
    #[value(name = "3.1")]
    V31,
    /// For generators that do not read 3.1
    #[value(name = "3.0")]
    V30,
}

/// Prints the text.
pub fn run(command: &GenerateCommand) -> Result<(), Error> {
    match command {
        GenerateCommand::Openapi { format } => {
            let document = http_adapter::document();
            let text = match format {
                OpenApiVersion::V31 => document.to_pretty_json(),
                OpenApiVersion::V30 => http_adapter::as_version_3_0(&document).map(|document| format!("{document:#}")),
            };
            outln!("{}", text.map_err(ports::Error::internal)?)
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
