//! `libbedside` in other languages: what is generated from it, and its tests on the JVM and in Python.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::need;
use crate::command::{Error, cargo, metadata, run as run_command};
use crate::tasks::target_directory;

/// Where cargo put the library, the generator, the client and the relay.
pub(crate) struct Built {
    pub(crate) target: PathBuf,
    profile: &'static str,
}

impl Built {
    /// With the features and the profile of the tests, so that `ci` builds nothing twice.
    pub(crate) fn for_tests(root: &Path) -> Result<Self, Error> {
        let build = ["build", "--quiet", "--locked", "--workspace", "--all-features"];
        run_command(cargo(root).env("CARGO_INCREMENTAL", "0").args(build))?;
        Ok(Self { target: target_directory(&metadata(root)?)?, profile: "debug" })
    }

    pub(crate) fn programs(&self) -> PathBuf {
        self.target.join(self.profile)
    }

    pub(crate) fn library(&self) -> PathBuf {
        let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
        self.programs().join(format!("{prefix}bedside{suffix}"))
    }

    /// Writes the other side of the library in these languages.
    pub(crate) fn generate(&self, root: &Path, languages: &[&str], out: &Path) -> Result<(), Error> {
        let generator = self.programs().join(format!("bedside-generate{}", std::env::consts::EXE_SUFFIX));
        run_command(Command::new(generator).current_dir(root).arg(self.library()).arg(out).args(languages))
    }
}

/// Writes Kotlin, Swift and Python into a folder, for an app's own build.
pub(crate) fn generate(root: &Path, languages: &[String], out: &Path) -> Result<(), Error> {
    let languages: Vec<&str> = languages.iter().map(String::as_str).collect();
    Built::for_tests(root)?.generate(root, &languages, out)
}

/// Compiles the Kotlin that needs no Android and tests it on the JVM against the library, a relay and real files.
pub(crate) fn kotlin(root: &Path) -> Result<(), Error> {
    need_java()?;
    let built = Built::for_tests(root)?;
    let folder = built.target.join("kotlin");
    built.generate(root, &["kotlin"], &folder.join("generated"))?;
    run_command(maven(root, &built, &folder).arg("test"))
}

pub(crate) fn need_java() -> Result<(), Error> {
    need("javac", "--version", "apt-get install openjdk-17-jdk-headless")?;
    need("mvn", "--version", "apt-get install maven")
}

/// What a call costs over the C ABI and over JNA; lists, live updates and memory on the JVM. With the library as it ships.
pub(crate) fn bench(root: &Path) -> Result<(), Error> {
    need_java()?;
    let built = Built::for_tests(root)?;
    let library = crate::sizes::library_with_symbols(root)?;
    let program = built.target.join("dist/boundary");
    let source = root.join("bindings/benches/boundary.c");
    run_command(Command::new("cc").arg("-O2").arg("-o").arg(&program).arg(source).arg("-ldl"))?;
    run_command(Command::new(&program).arg(&library))?;

    let folder = built.target.join("kotlin");
    built.generate(root, &["kotlin"], &folder.join("generated"))?;
    let from = format!("-Djna.library.path={}", library.parent().unwrap_or(root).display());
    let programs = format!("-Dbedside.programs={}", built.programs().display());
    let java = format!("-Dexec.args={from} {programs} -classpath %classpath org.bedside.BenchKt");
    run_command(maven(root, &built, &folder).args(["--quiet", "test-compile", "exec:exec"]).arg(java))
}

fn maven(root: &Path, built: &Built, folder: &Path) -> Command {
    let mut maven = Command::new("mvn");
    maven.current_dir(root).args(["--batch-mode", "--no-transfer-progress", "--file", "android/jvm/pom.xml"]);
    let property = |name: &str, path: &Path| format!("-Dbedside.{name}={}", path.display());
    maven.arg(property("build", folder)).arg(property("generated", &folder.join("generated")));
    maven.arg(property("programs", &built.programs()));
    maven
}

/// Builds the wheel, installs it into a clean environment, and calls everything that it exports.
pub(crate) fn python(root: &Path) -> Result<(), Error> {
    need("python3", "--version", "apt-get install python3 python3-venv")?;
    let built = Built::for_tests(root)?;
    let folder = built.target.join("python");
    let package = folder.join("package");
    let wheels = folder.join("wheels");
    for old in [&package, &wheels] {
        remove(old)?;
    }
    copy(&root.join("bindings/python"), &package)?;
    let sources = package.join("src/bedside");
    built.generate(root, &["python"], &sources)?;
    rename(&sources.join("bedside.py"), &sources.join("_generated.py"))?;
    copy_file(&built.library(), &sources.join(built.library().file_name().unwrap_or_default()))?;

    let tools = venv(&folder.join("tools"))?;
    let quiet = ["-m", "pip", "--quiet", "--disable-pip-version-check"];
    run_command(
        Command::new(&tools)
            .args(quiet)
            .args(["wheel", "--no-deps", "--wheel-dir"])
            .arg(&wheels)
            .arg(&package),
    )?;
    let clean = venv(&folder.join("clean"))?;
    run_command(
        Command::new(&clean)
            .args(quiet)
            .args(["install", "--force-reinstall", "--no-index", "--find-links"])
            .arg(&wheels)
            .arg("bedside"),
    )?;
    let tests = root.join("bindings/python/tests");
    run_command(
        Command::new(&clean).arg(tests.join("contract.py")).env("BEDSIDE_PROGRAMS", built.programs()),
    )?;
    run_command(Command::new(&clean).arg(tests.join("leaks.py")))
}

/// A new Python environment; returns its interpreter.
fn venv(folder: &Path) -> Result<PathBuf, Error> {
    run_command(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    let bin = if cfg!(windows) { "Scripts" } else { "bin" };
    Ok(folder.join(bin).join(format!("python{}", std::env::consts::EXE_SUFFIX)))
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Error + '_ {
    |source| Error::Read { path: path.to_path_buf(), source }
}

fn remove(folder: &Path) -> Result<(), Error> {
    if folder.exists() { std::fs::remove_dir_all(folder).map_err(failed(folder)) } else { Ok(()) }
}

pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::rename(from, to).map_err(failed(from))
}

pub(crate) fn copy_file(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::copy(from, to).map(drop).map_err(failed(from))
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(to).map_err(failed(to))?;
    for entry in std::fs::read_dir(from).map_err(failed(from))? {
        let path = entry.map_err(failed(from))?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() { copy(&path, &target)? } else { copy_file(&path, &target)? }
    }
    Ok(())
}
