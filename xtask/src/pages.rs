//! Pages of invented plans, looked at in a real browser: axe-core's rules, phones, and A4.

use std::path::Path;
use std::process::Command;

use crate::command::{Error, cargo, metadata, need, run as run_command};
use crate::tasks::target_directory;

/// Writes the pages, fetches what looks at them (npm, by its lock file, once), and has them looked at.
pub(crate) fn run(root: &Path) -> Result<(), Error> {
    need("node", "--version", "apt-get install nodejs")?;
    need("npm", "--version", "apt-get install npm")?;
    need("chromium", "--version", "apt-get install chromium")?;
    need("pdftotext", "-v", "apt-get install poppler-utils")?;
    let target = target_directory(&metadata(root)?)?;
    let folder = target.join("pages");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|source| Error::Read { path: folder.clone(), source })?;
    }
    // With the features and the profile of the tests, so that `ci` builds nothing twice.
    let build = ["build", "--quiet", "--locked", "--workspace", "--all-features", "--examples"];
    run_command(cargo(root).env("CARGO_INCREMENTAL", "0").args(build))?;
    let program = format!("debug/examples/page_samples{}", std::env::consts::EXE_SUFFIX);
    run_command(Command::new(target.join(program)).arg(&folder))?;
    let checker = root.join("tests/pages");
    let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"];
    run_command(Command::new("npm").current_dir(&checker).args(install))?;
    run_command(Command::new("node").current_dir(&checker).arg("check.mjs").arg(&folder))
}
