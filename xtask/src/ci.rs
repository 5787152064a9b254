//! Everything that must pass before a change lands, cheapest first.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::command::{Error, cargo, line, run as run_command, succeeds};
use crate::{bindings, fhir, pages, phones, tidy};

/// How one step of the run is done.
enum Step {
    Cargo {
        name: &'static str,
        args: &'static [&'static str],
        env: &'static [(&'static str, &'static str)],
    },
    Deny,
    /// A command of the project's own.
    Own {
        name: &'static str,
        command: &'static str,
        run: fn(&Path) -> Result<(), Error>,
    },
}

const STEPS: &[Step] = &[
    Step::Cargo { name: "format", args: &["fmt", "--all", "--check"], env: &[] },
    Step::Own { name: "tidy", command: "cargo xtask tidy", run: tidy::run },
    Step::Cargo {
        name: "lints",
        args: &[
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--",
            "-D",
            "warnings",
        ],
        env: &[],
    },
    Step::Deny,
    Step::Cargo {
        name: "tests",
        args: &["test", "--locked", "--workspace", "--all-features", "--no-fail-fast"],
        env: &[],
    },
    Step::Own { name: "FHIR documents", command: "cargo xtask fhir", run: fhir::run },
    Step::Own { name: "pages", command: "cargo xtask pages", run: pages::run },
    Step::Own { name: "Kotlin", command: "cargo xtask kotlin", run: bindings::kotlin },
    Step::Own { name: "Android", command: "cargo xtask android-check", run: phones::android_check },
    Step::Own { name: "Python", command: "cargo xtask python", run: bindings::python },
    Step::Cargo {
        name: "documentation",
        args: &["doc", "--locked", "--workspace", "--all-features", "--no-deps", "--document-private-items"],
        env: &[("RUSTDOCFLAGS", "-D warnings")],
    },
];

/// Runs the steps in order and stops at the first that fails.
pub(crate) fn run(root: &Path) -> Result<(), Error> {
    let mut times = Vec::new();
    for (index, step) in STEPS.iter().enumerate() {
        println!("\n== {}/{} {}: {}", index + 1, STEPS.len(), step.name(), step.line(root));
        let (result, took) = timed(|| step.run(root));
        let verdict = if result.is_ok() { "passed" } else { "FAILED" };
        println!("== {} {verdict} in {:.1} s", step.name(), took.as_secs_f64());
        result?;
        times.push((step.name(), took));
    }
    println!("\nEverything passed.");
    for (name, took) in times {
        println!("  {name:<14}{:>8.1} s", took.as_secs_f64());
    }
    Ok(())
}

impl Step {
    const fn name(&self) -> &'static str {
        match self {
            Self::Cargo { name, .. } | Self::Own { name, .. } => name,
            Self::Deny => "dependencies",
        }
    }

    fn line(&self, root: &Path) -> String {
        match self {
            Self::Own { command, .. } => (*command).to_owned(),
            Self::Cargo { .. } | Self::Deny => self.command(root).map(|c| line(&c)).unwrap_or_default(),
        }
    }

    fn run(&self, root: &Path) -> Result<(), Error> {
        match self {
            Self::Own { run, .. } => return run(root),
            Self::Deny => need_cargo_deny(root)?,
            Self::Cargo { .. } => {}
        }
        self.command(root).map_or(Ok(()), |mut command| run_command(&mut command))
    }

    /// The cargo command behind a step; none for those that run in this process.
    fn command(&self, root: &Path) -> Option<Command> {
        let mut command = cargo(root);
        // Incremental files are written for a next build that CI never makes.
        command.env("CARGO_INCREMENTAL", "0");
        match self {
            Self::Cargo { args, env, .. } => command.args(*args).envs(env.iter().copied()),
            Self::Deny => {
                command.args(["deny", "--locked", "--all-features", "check", "licenses", "bans", "sources"])
            }
            Self::Own { .. } => return None,
        };
        Some(command)
    }
}

/// Says how to install cargo-deny when it is missing.
pub(crate) fn need_cargo_deny(root: &Path) -> Result<(), Error> {
    if succeeds(cargo(root).args(["deny", "--version"])) {
        return Ok(());
    }
    Err(Error::MissingTool { tool: "cargo-deny", install: "cargo install --locked cargo-deny" })
}

#[expect(clippy::disallowed_methods, reason = "tells a person how long a step took; decides nothing")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (work(), start.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_build_in_ci_refuses_a_stale_lock_file_and_writes_no_incremental_files() {
        for command in STEPS.iter().filter_map(|step| step.command(Path::new("."))) {
            let args: Vec<_> = command.get_args().collect();
            assert!(args[0] == "fmt" || args.iter().any(|a| *a == "--locked"), "{}", line(&command));
            assert!(command.get_envs().any(|(key, value)| {
                key == "CARGO_INCREMENTAL" && value.is_some_and(|value| value == "0")
            }));
        }
    }
}
