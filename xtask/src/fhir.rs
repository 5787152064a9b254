//! Documents of invented plans, judged by somebody else: HAPI's validator with HL7's definitions of FHIR R4.

use std::path::Path;
use std::process::Command;

use crate::command::{Error, cargo, metadata, need, run as run_command};
use crate::tasks::target_directory;

/// Writes the documents, builds the judge in `tests/fhir` (Maven fetches what it needs, once), and has them judged.
pub(crate) fn run(root: &Path) -> Result<(), Error> {
    need("javac", "--version", "apt-get install openjdk-17-jdk-headless")?;
    need("mvn", "--version", "apt-get install maven")?;
    let target = target_directory(&metadata(root)?)?;
    let documents = target.join("fhir/documents");
    if documents.exists() {
        std::fs::remove_dir_all(&documents)
            .map_err(|source| Error::Read { path: documents.clone(), source })?;
    }
    // With the features and the profile of the tests, so that `ci` builds nothing twice.
    let build = ["build", "--quiet", "--locked", "--workspace", "--all-features", "--examples"];
    run_command(cargo(root).env("CARGO_INCREMENTAL", "0").args(build))?;
    let program = format!("debug/examples/fhir_samples{}", std::env::consts::EXE_SUFFIX);
    run_command(Command::new(target.join(program)).arg(&documents))?;
    run_command(&mut judge(root, &target, &documents))
}

fn judge(root: &Path, target: &Path, documents: &Path) -> Command {
    let mut maven = Command::new("mvn");
    maven.current_dir(root).args(["--quiet", "--batch-mode", "--file", "tests/fhir/pom.xml"]);
    maven.arg(format!("-Djudge.build={}", target.join("fhir/judge").display()));
    maven.args(["compile", "exec:java"]);
    maven.arg(format!("-Dexec.arguments={}", documents.display()));
    maven
}
