//! Running other programs, and what can go wrong with it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// Why a command of the project did not succeed. Variants name the step that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("start this with `cargo xtask`, which tells it where the workspace is")]
    NoWorkspace,
    #[error("`{program}` cannot be started; is it installed and in the PATH?")]
    Start {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("`{line}` failed ({status})")]
    Failed { line: String, status: ExitStatus },
    #[error("{tool} is not installed; install it with `{install}` and try again")]
    MissingTool { tool: &'static str, install: &'static str },
    #[error("to build for phones, get first:\n{0}")]
    MissingForPhones(String),
    #[error("cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`cargo metadata` answered something unexpected: {0}")]
    Metadata(String),
    #[error("cannot understand {path}: {why}")]
    Manifest { path: PathBuf, why: String },
    #[error("there is no fuzz target `{target}`; there are: {known}")]
    NoSuchFuzzTarget { target: String, known: String },
    #[error("the library has {bytes} bytes, over its budget of {budget}; what is large is listed above")]
    TooLarge { bytes: u64, budget: u64 },
    #[error("tidy: {0} places need work, listed above")]
    Untidy(usize),
}

/// The folder that holds the workspace's Cargo.toml.
pub(crate) fn workspace_root() -> Result<PathBuf, Error> {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").ok_or(Error::NoWorkspace)?;
    Path::new(&manifest).parent().map(Path::to_path_buf).ok_or(Error::NoWorkspace)
}

/// The cargo that runs this command, so that every step uses the same toolchain.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(root);
    command
}

/// Runs a command, its output going straight to the terminal.
pub(crate) fn run(command: &mut Command) -> Result<(), Error> {
    let status = command.status().map_err(|source| Error::Start { program: program(command), source })?;
    if status.success() { Ok(()) } else { Err(Error::Failed { line: line(command), status }) }
}

/// Runs a command and returns what it printed; its complaints go to the terminal.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>, Error> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| Error::Start { program: program(command), source })?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(Error::Failed { line: line(command), status: output.status })
    }
}

/// True when the command starts and succeeds; says nothing either way.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Reads a text file.
pub(crate) fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_path_buf(), source })
}

/// What `cargo metadata` says of this workspace, with every feature on.
pub(crate) fn metadata(root: &Path) -> Result<serde_json::Value, Error> {
    let args = ["metadata", "--format-version", "1", "--all-features", "--locked"];
    let json = output(cargo(root).args(args))?;
    serde_json::from_slice(&json).map_err(|e| Error::Metadata(e.to_string()))
}

/// The command as a person would type it.
pub(crate) fn line(command: &Command) -> String {
    let mut line = program(command);
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

fn program(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    name.to_string_lossy().into_owned()
}

/// Refuses when a tool is missing, and says how to install it.
pub(crate) fn need(tool: &'static str, asked: &str, install: &'static str) -> Result<(), Error> {
    if succeeds(Command::new(tool).arg(asked)) { Ok(()) } else { Err(Error::MissingTool { tool, install }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_is_a_failure_that_says_what_to_install() {
        let error = need("nonesuch-tool", "--version", "apt-get install nonesuch").unwrap_err().to_string();
        assert_eq!(
            error,
            "nonesuch-tool is not installed; install it with `apt-get install nonesuch` and try again"
        );
    }
}
