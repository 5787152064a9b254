//! The demonstration, benchmarks, fuzzing and the audit: thin, because the work is cargo's.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ci::need_cargo_deny;
use crate::command::{Error, cargo, metadata, read, run, succeeds};

/// Asks the advisory database about everything the project depends on.
pub(crate) fn audit(root: &Path) -> Result<(), Error> {
    need_cargo_deny(root)?;
    run(cargo(root).args(["deny", "--locked", "--all-features", "check", "advisories"]))
}

/// Builds what ships and shows it at work; `bedside demo` finds the relay through `BEDSIDE_RELAY`.
pub(crate) fn demo(root: &Path, arguments: &[String]) -> Result<(), Error> {
    run(cargo(root).args(["build", "--locked", "--release", "-p", "bedside-cli", "-p", "bedside-relay"]))?;
    let program = |name: &str| -> Result<PathBuf, Error> {
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        Ok(target_directory(&metadata(root)?)?.join("release").join(file))
    };
    run(Command::new(program("bedside")?)
        .arg("demo")
        .args(arguments)
        .env("BEDSIDE_RELAY", program("bedside-relay")?))
}

pub(crate) fn target_directory(metadata: &serde_json::Value) -> Result<PathBuf, Error> {
    let missing = || Error::Metadata("no target_directory".to_owned());
    metadata["target_directory"].as_str().map(PathBuf::from).ok_or_else(missing)
}

/// Writes docs/api, as the test that holds it to the library does.
pub(crate) fn apidoc(root: &Path) -> Result<(), Error> {
    let test = ["test", "--locked", "-p", "bedside-bindings", "--all-features", "--test", "reference"];
    run(cargo(root).args(test).env("UPDATE_EXPECT", "1"))
}

/// Runs the benchmarks whose name holds `filter`.
pub(crate) fn bench(root: &Path, filter: Option<&str>) -> Result<(), Error> {
    let mut command = cargo(root);
    command.args(["bench", "--locked", "-p", "bedside-tests", "--benches"]);
    if let Some(filter) = filter {
        command.args(["--", filter]);
    }
    let boundary = |filter: &str| "boundary".contains(filter);
    if filter.is_none_or(|filter| filter != "boundary") {
        run(&mut command)?;
    }
    if filter.is_none_or(boundary) { crate::bindings::bench(root) } else { Ok(()) }
}

/// Runs one fuzz target, or all of them in turn, for so many seconds each.
///
/// What the fuzzer finds on the way goes to `fuzz/found`, which is not committed; `fuzz/corpus` holds the seeds.
pub(crate) fn fuzz(root: &Path, target: Option<&str>, seconds: u32) -> Result<(), Error> {
    let known = fuzz_targets(&root.join("fuzz/Cargo.toml"))?;
    let targets = match target {
        None => known,
        Some(target) if known.iter().any(|name| name == target) => vec![target.to_owned()],
        Some(target) => {
            return Err(Error::NoSuchFuzzTarget { target: target.to_owned(), known: known.join(", ") });
        }
    };
    need_for_fuzzing(
        nightly(root, &["--version"]),
        "a nightly compiler",
        "rustup toolchain install nightly",
    )?;
    need_for_fuzzing(
        nightly(root, &["fuzz", "--version"]),
        "cargo-fuzz",
        "cargo install --locked cargo-fuzz",
    )?;
    for target in targets {
        println!("\n== {target}, {seconds} s");
        let found = root.join("fuzz/found").join(&target);
        std::fs::create_dir_all(&found).map_err(|source| Error::Read { path: found.clone(), source })?;
        let corpus = root.join("fuzz/corpus").join(&target);
        run(nightly(root, &["fuzz", "run", &target])
            .args([&found, &corpus])
            .args(["--", &format!("-max_total_time={seconds}")]))?;
    }
    Ok(())
}

fn need_for_fuzzing(mut probe: Command, tool: &'static str, install: &'static str) -> Result<(), Error> {
    if succeeds(&mut probe) { Ok(()) } else { Err(Error::MissingTool { tool, install }) }
}

/// Not the cargo that runs this command: rustup's, which knows other toolchains.
fn nightly(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root).arg("+nightly").args(args);
    command
}

fn fuzz_targets(manifest: &Path) -> Result<Vec<String>, Error> {
    let parsed: toml::Table = read(manifest)?
        .parse()
        .map_err(|e: toml::de::Error| Error::Manifest { path: manifest.to_path_buf(), why: e.to_string() })?;
    let bins = parsed.get("bin").and_then(toml::Value::as_array).into_iter().flatten();
    Ok(bins.filter_map(|bin| bin.get("name")?.as_str().map(str::to_owned)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_looked_for_where_cargo_says_and_nowhere_else() {
        let told = serde_json::json!({ "target_directory": "elsewhere/build" });
        assert_eq!(target_directory(&told).unwrap(), Path::new("elsewhere/build"));
        assert!(matches!(target_directory(&serde_json::json!({})), Err(Error::Metadata(_))));
    }

    #[test]
    fn a_fuzz_target_that_does_not_exist_is_answered_with_those_that_do() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let error = fuzz(&root, Some("nonesuch"), 1).unwrap_err().to_string();
        assert!(error.contains("nonesuch") && error.contains("cbor_check"), "{error}");
    }
}
