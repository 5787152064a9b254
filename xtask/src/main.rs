//! The project's own commands: `cargo xtask <command>`.
//!
//! | module | what |
//! |---|---|
//! | [`ci`] | everything that must pass before a change lands |
//! | [`tidy`] | what no compiler checks: layers, documents that lie, unfinished work |
//! | [`bindings`] | the library in Kotlin, Swift and Python, and its tests there |
//! | [`phones`] | the library for Android and iOS, and what can be checked of the apps here |
//! | [`fhir`] | documents of plans, judged by HAPI's validator |
//! | [`pages`] | pages of plans, looked at in a browser |
//! | [`sizes`] | how large the library is that apps carry |
//! | [`tasks`] | the demonstration, benchmarks, fuzzing, the audit |
//! | [`command`] | running other programs; errors |

mod bindings;
mod ci;
mod command;
mod fhir;
mod pages;
mod phones;
mod sizes;
mod tasks;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::command::{Error, workspace_root};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "The project's own commands",
    after_help = "Examples:
  cargo xtask ci                          everything that must pass before a change lands
  cargo xtask tidy                        the quick checks alone, in a second or two
  cargo xtask fhir                        exported plans against HL7's definitions
  cargo xtask pages                       pages in a browser: accessibility, phones, A4
  cargo xtask kotlin                      the library on the JVM, with a relay
  cargo xtask android                     the library in an Android Studio project
  cargo xtask ios                         the XCFramework, on a Mac
  cargo xtask demo                        two nurses, one relay, on this machine
  cargo xtask bench reconnect             the benchmarks whose name holds \"reconnect\"
  cargo xtask fuzz entry --seconds 600    ten minutes of one fuzz target"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run every check and every test, as CI does; stops at the first that fails.
    Ci,
    /// Check layers, links, named tests and leftovers; names every place that needs work.
    Tidy,
    /// Have FHIR documents of invented plans judged by HAPI's validator (needs Java 17 and Maven).
    Fhir,
    /// Have pages of invented plans looked at in a browser (needs Chromium, Node.js with npm, and poppler-utils).
    Pages,
    /// Write the Kotlin, Swift or Python side of the library.
    #[command(after_help = "Examples:
  cargo xtask bindings kotlin --out app/src/generated
  cargo xtask bindings swift python --out target/generated")]
    Bindings {
        /// Which languages.
        #[arg(required = true, value_parser = ["kotlin", "swift", "python"])]
        languages: Vec<String>,
        /// The folder to write into.
        #[arg(long)]
        out: std::path::PathBuf,
    },
    /// Test the Kotlin that needs no Android on the JVM, against the real library and relay (needs Java 17 and Maven).
    Kotlin,
    /// Build the Python wheel, install it into a clean environment and call all of it (needs Python 3.10 with venv).
    Python,
    /// Build the library for Android's four ABIs and write its Kotlin, for Android Studio to go on with.
    ///
    /// Needs cargo-ndk, the NDK (28 or newer) and Rust's targets; says which are missing and how to get them.
    Android,
    /// Test what of Android's Kotlin needs neither its SDK nor Google's repository (needs Java 17 and Maven).
    AndroidCheck,
    /// Make the XCFramework and its Swift, for Xcode to go on with (needs a Mac with Xcode and Rust's targets).
    #[command(after_help = "Examples:\n  cargo xtask ios\n  cargo xtask ios --linux")]
    Ios {
        /// Put this machine's library and its Swift in place instead, and run `swift test` if Swift is here.
        #[arg(long)]
        linux: bool,
    },
    /// Write the pages of Kotlin and Swift names under docs/api.
    Apidoc,
    /// Build the library as it ships, for this host; print its size and the largest contributors (takes minutes).
    Sizes,
    /// Look for published vulnerabilities in what the project depends on (needs network and cargo-deny).
    Audit,
    /// Build the client and the relay for release and run the demonstration.
    #[command(after_help = "Examples:\n  cargo xtask demo\n  cargo xtask demo --help")]
    Demo {
        /// Passed on to `bedside demo`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run the benchmarks.
    #[command(after_help = "Examples:\n  cargo xtask bench\n  cargo xtask bench reconnect")]
    Bench {
        /// Only benchmarks whose name holds this.
        filter: Option<String>,
    },
    /// Run fuzz targets (needs a nightly compiler and cargo-fuzz).
    #[command(after_help = "Examples:
  cargo xtask fuzz                        every target for a minute
  cargo xtask fuzz statement              one target for a minute
  cargo xtask fuzz entry --seconds 600    one target for ten minutes")]
    Fuzz {
        /// One of the targets in fuzz/Cargo.toml; all of them, one after the other, when left out.
        target: Option<String>,
        /// How long each target runs.
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
        seconds: u32,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Error> {
    let root = workspace_root()?;
    match command {
        Command::Ci => ci::run(&root),
        Command::Tidy => tidy::run(&root),
        Command::Fhir => fhir::run(&root),
        Command::Pages => pages::run(&root),
        Command::Bindings { languages, out } => bindings::generate(&root, &languages, &out),
        Command::Kotlin => bindings::kotlin(&root),
        Command::Python => bindings::python(&root),
        Command::Android => phones::android(&root),
        Command::AndroidCheck => phones::android_check(&root),
        Command::Ios { linux: false } => phones::ios(&root),
        Command::Ios { linux: true } => phones::ios_linux(&root),
        Command::Apidoc => tasks::apidoc(&root),
        Command::Sizes => sizes::run(&root),
        Command::Audit => tasks::audit(&root),
        Command::Demo { arguments } => tasks::demo(&root, &arguments),
        Command::Bench { filter } => tasks::bench(&root, filter.as_deref()),
        Command::Fuzz { target, seconds } => tasks::fuzz(&root, target.as_deref(), seconds),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn what_follows_demo_is_passed_on_even_when_it_looks_like_an_option() {
        let parsed = Arguments::try_parse_from(["cargo xtask", "demo", "--json", "-v"]).unwrap();
        assert!(matches!(parsed.command, Command::Demo { arguments } if arguments == ["--json", "-v"]));
    }
}
