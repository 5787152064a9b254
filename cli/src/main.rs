//! Bedside in the terminal: a real client, the operator's helper, the demonstration.
//!
//! | module | what |
//! |---|---|
//! | `args` | the commands and their help |
//! | `commands` | what each command does |
//! | `answers` | what is typed, as answers to the plan's fields |
//! | `language` | message files of another language |
//! | `profile` | where a device lives, and unlocking it |
//! | `out` | words for people, JSON for programs |
//! | `demo` | the whole story in real processes |

mod answers;
mod args;
mod commands;
mod demo;
mod error;
mod files;
mod language;
mod out;
mod profile;
mod stop;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::args::Cli;
use crate::error::CliError;
use crate::out::Out;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misused(&error),
    };
    let out = Out::new(cli.json);
    match commands::run(cli, out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            out.error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

/// Help and version are answers; anything else is a wrong command line, told in JSON where that was asked for.
fn misused(error: &clap::Error) -> ExitCode {
    let answer = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let json = std::env::args_os().any(|argument| argument == "--json");
    if !answer && json {
        let text = error.to_string();
        let message = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").trim();
        Out::new(true).error(&CliError::usage(message));
    } else if error.print().is_err() {
        return ExitCode::from(1);
    }
    ExitCode::from(if answer { 0 } else { 2 })
}
