//! Real processes: the relay, and this same program once for each thing a device does.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::error::CliError;

/// The PIN of every device of the demonstration.
pub(super) const PIN: &str = "271828";
/// The passphrase of its network.
pub(super) const PASSPHRASE: &str = "correct horse battery";
/// How long the relay may take to start.
const RELAY_START: Duration = Duration::from_secs(20);

/// Where everything is.
pub(super) struct World {
    pub(super) dir: PathBuf,
    program: PathBuf,
}

/// One device: a profile directory of its own, used by processes of its own.
#[derive(Clone, Copy)]
pub(super) struct Device<'a> {
    world: &'a World,
    pub(super) name: &'static str,
}

/// The relay's process; killed if the story ends early.
pub(super) struct Relay {
    child: Child,
    pub(super) address: String,
}

pub(super) fn failed(what: impl Into<String>) -> CliError {
    CliError::Demo(what.into())
}

impl World {
    /// Makes the folder. One that is not empty is left alone.
    pub(super) fn make(dir: Option<PathBuf>) -> Result<Self, CliError> {
        let program =
            std::env::current_exe().map_err(|error| failed(format!("cannot find this program: {error}")))?;
        let dir = match dir {
            Some(dir) => {
                make_private(&dir)?;
                dir
            }
            None => new_in_temp()?,
        };
        if fs::read_dir(&dir).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(CliError::Exists { path: dir, advice: "name a new or an empty folder with --dir" });
        }
        let dir =
            fs::canonicalize(&dir).map_err(|source| CliError::File { path: dir, step: "found", source })?;
        Ok(Self { dir, program })
    }

    pub(super) const fn device(&self, name: &'static str) -> Device<'_> {
        Device { world: self, name }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(&self.program);
        let ours = std::env::vars_os().map(|(name, _)| name);
        for variable in ours.filter(|name| name.to_string_lossy().starts_with("BEDSIDE_")) {
            command.env_remove(variable);
        }
        command.args(["--profile".as_ref(), self.path(name).as_os_str()]);
        command.env("BEDSIDE_PIN", PIN).env("BEDSIDE_PASSPHRASE", PASSPHRASE).stdin(Stdio::null());
        command
    }
}

fn make_private(dir: &Path) -> Result<(), CliError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|source| CliError::File { path: dir.to_owned(), step: "made", source })
}

fn new_in_temp() -> Result<PathBuf, CliError> {
    for number in 1..1_000 {
        let dir = std::env::temp_dir().join(format!("bedside-demo-{number}"));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(CliError::File { path: dir, step: "made", source }),
        }
    }
    Err(failed(
        "there are many old demonstrations in the folder for temporary files; name a folder with --dir",
    ))
}

/// The first file under a folder that holds one of the words.
pub(super) fn find_in_files<'w>(
    dir: &Path,
    words: &[&'w str],
) -> Result<Option<(PathBuf, &'w str)>, CliError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| CliError::File { path, step: "searched", source }
    };
    for entry in fs::read_dir(dir).map_err(failed(dir))? {
        let path = entry.map_err(failed(dir))?.path();
        if path.is_dir() {
            if let Some(found) = find_in_files(&path, words)? {
                return Ok(Some(found));
            }
            continue;
        }
        let bytes = fs::read(&path).map_err(failed(&path))?;
        let holds = |word: &&&str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
        if let Some(word) = words.iter().find(holds) {
            return Ok(Some((path, word)));
        }
    }
    Ok(None)
}

impl Device<'_> {
    /// Runs one command to its end and reads its answer.
    pub(super) fn run(self, arguments: &[&str]) -> Result<Value, CliError> {
        let output = self.world.command(self.name).arg("--json").args(arguments).output();
        self.answer(arguments, output.map_err(|error| failed(format!("cannot start this program: {error}")))?)
    }

    /// Runs one command and gives what it prints for people.
    pub(super) fn text(self, arguments: &[&str]) -> Result<String, CliError> {
        let output = self.world.command(self.name).args(arguments).output();
        let output = output.map_err(|error| failed(format!("cannot start this program: {error}")))?;
        if !output.status.success() {
            return Err(self.went_wrong(arguments, &output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn answer(self, arguments: &[&str], output: Output) -> Result<Value, CliError> {
        if !output.status.success() {
            return Err(self.went_wrong(arguments, &output.stderr));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| {
            failed(format!("{}: `{}` answered no JSON: {error}", self.name, arguments.join(" ")))
        })
    }

    fn went_wrong(self, arguments: &[&str], stderr: &[u8]) -> CliError {
        let said = String::from_utf8_lossy(stderr);
        failed(format!("{}: `bedside {}` failed and said:\n{}", self.name, arguments.join(" "), said.trim()))
    }

    /// Makes the device and unlocks it for the time of the demonstration.
    pub(super) fn make(self) -> Result<(), CliError> {
        self.run(&["init"])?;
        self.run(&["unlock", "--minutes", "30"]).map(drop)
    }

    /// Answers an invitation; as soon as the relay has the answer, `meanwhile` is done.
    pub(super) fn enrol(
        self,
        invitation: &str,
        mut meanwhile: impl FnMut() -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let arguments = ["enrol", "-", "--wait", "60"];
        let mut command = self.world.command(self.name);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child =
            command.spawn().map_err(|error| failed(format!("cannot start this program: {error}")))?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(invitation.as_bytes()).map_err(|error| failed(format!("enrol: {error}")))?;
        }
        let mut said = String::new();
        if let Some(stderr) = child.stderr.take() {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if line.contains("Waiting for whoever invited you") {
                    meanwhile()?;
                }
                said.push_str(&line);
                said.push('\n');
            }
        }
        let status = child.wait().map_err(|error| failed(format!("enrol: {error}")))?;
        if status.success() { Ok(()) } else { Err(self.went_wrong(&arguments, said.as_bytes())) }
    }

    /// Types lines into `plan edit --stdin`; after so many confirmations the process is killed, with no chance to
    /// finish anything. Answers how many lines were confirmed before it died.
    pub(super) fn edit_until_killed(
        self,
        plan: &str,
        lines: &[String],
        confirmations: usize,
    ) -> Result<usize, CliError> {
        let (mut child, writer) = self.editor(plan, lines)?;
        let mut confirmed = 0;
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                confirmed += usize::from(line.starts_with("saved "));
                if confirmed == confirmations {
                    child.kill().map_err(|error| failed(format!("cannot kill the editor: {error}")))?;
                }
            }
        }
        let status = child.wait().map_err(|error| failed(format!("cannot wait for the editor: {error}")))?;
        // The pipe broke under it when the process was killed.
        let _ = writer.join();
        if status.success() {
            return Err(failed("the editor ended before it was killed"));
        }
        Ok(confirmed)
    }

    /// Types lines into `plan edit --stdin`; every one has to be confirmed.
    pub(super) fn edit(self, plan: &str, lines: &[String]) -> Result<(), CliError> {
        let (mut child, writer) = self.editor(plan, lines)?;
        let mut answers = String::new();
        if let Some(mut stdout) = child.stdout.take() {
            stdout
                .read_to_string(&mut answers)
                .map_err(|error| failed(format!("the editor's answers: {error}")))?;
        }
        let output = child.wait_with_output().map_err(|error| failed(format!("the editor: {error}")))?;
        let _ = writer.join();
        let refused: Vec<&str> = answers.lines().filter(|line| !line.starts_with("saved ")).collect();
        if output.status.success() && answers.lines().count() == lines.len() {
            return Ok(());
        }
        let said = format!("{}\n{}", refused.join("\n"), String::from_utf8_lossy(&output.stderr));
        Err(self.went_wrong(&["plan", "edit", plan, "--stdin"], said.as_bytes()))
    }

    fn editor(self, plan: &str, lines: &[String]) -> Result<(Child, thread::JoinHandle<()>), CliError> {
        let mut command = self.world.command(self.name);
        command.args(["plan", "edit", plan, "--stdin"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().map_err(|error| failed(format!("cannot start this program: {error}")))?;
        let stdin = child.stdin.take();
        let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        Ok((child, thread::spawn(move || type_in(stdin, &text))))
    }
}

fn type_in(stdin: Option<ChildStdin>, text: &str) {
    if let Some(mut stdin) = stdin {
        // A broken pipe is seen by whoever reads the answers.
        let _ = stdin.write_all(text.as_bytes());
    }
}

impl Relay {
    /// An address on this machine that nobody uses now.
    pub(super) fn free_address() -> Result<String, CliError> {
        let free = || failed("there is no free port on this machine");
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|_| free())?;
        listener.local_addr().map(|address| address.to_string()).map_err(|_| free())
    }

    /// The relay's program: as named, else beside this one.
    pub(super) fn find(named: Option<PathBuf>) -> Result<PathBuf, CliError> {
        if let Some(named) = named {
            let advice = "name the relay's program with --relay-binary or BEDSIDE_RELAY";
            let missing = || failed(format!("{}: there is no program here; {advice}", named.display()));
            return if named.is_file() { Ok(named) } else { Err(missing()) };
        }
        let file = format!("bedside-relay{}", std::env::consts::EXE_SUFFIX);
        let beside = std::env::current_exe().ok().map(|program| program.with_file_name(file));
        beside.filter(|path| path.is_file()).ok_or_else(|| {
            failed(
                "there is no bedside-relay beside this program; build it (`cargo build -p bedside-relay`), or name it \
                 with --relay-binary",
            )
        })
    }

    /// The relay's command line.
    pub(super) fn arguments(world: &World, address: &str, root: &str) -> Vec<String> {
        let data = world.path("relay").display().to_string();
        ["serve", "--data", &data, "--listen", address, "--plain-http", "--network-root", root]
            .map(str::to_owned)
            .to_vec()
    }

    /// Starts it and waits until it says where it listens.
    pub(super) fn start(world: &World, program: &Path, address: &str, root: &str) -> Result<Self, CliError> {
        let log = world.path("relay.log");
        let failed_file = |source| CliError::File { path: log.clone(), step: "made", source };
        let log_file = File::create(&log).map_err(failed_file)?;
        let mut command = Command::new(program);
        command.args(Self::arguments(world, address, root));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log_file);
        let spawned = command.spawn();
        let mut child = spawned.map_err(|error| failed(format!("{}: {error}", program.display())))?;
        let (sender, ready) = channel();
        if let Some(stdout) = child.stdout.take() {
            // Reads on to the end, so that the relay never waits for a reader.
            thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if line.starts_with("listening on ") {
                        let _ = sender.send(());
                    }
                }
            });
        }
        let relay = Self { child, address: address.to_owned() };
        ready.recv_timeout(RELAY_START).map_err(|_| {
            let said = fs::read_to_string(&log).unwrap_or_default();
            failed(format!("the relay did not start and said:\n{}", said.trim()))
        })?;
        Ok(relay)
    }

    /// Asks it to end, and waits until it has.
    pub(super) fn stop(mut self) -> Result<(), CliError> {
        let process = self.child.id().to_string();
        let asked = Command::new("sh").args(["-c", "kill -TERM \"$1\"", "sh", &process]).status();
        if !asked.is_ok_and(|status| status.success()) {
            return Err(failed(format!("the relay (process {process}) cannot be stopped")));
        }
        let status = self.child.wait().map_err(|error| failed(format!("the relay: {error}")))?;
        if status.success() { Ok(()) } else { Err(failed(format!("the relay ended badly: {status}"))) }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // After `stop` there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_in_any_file_below() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("log"), b"\x00\x01Dying on a trolley\xff").unwrap();
        let found = |word| find_in_files(dir.path(), &["elsewhere", word]).unwrap().map(|(path, _)| path);
        assert_eq!(found("on a trolley"), Some(inner.join("log")));
        assert_eq!(found("on a bed"), None);
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("mine"), "").unwrap();
        let refused = World::make(Some(dir.path().to_owned())).err().unwrap().to_string();
        assert!(refused.ends_with("name a new or an empty folder with --dir"), "{refused}");
        assert!(World::make(Some(dir.path().join("new"))).is_ok());
    }

    #[test]
    fn a_relay_that_is_not_there_says_how_to_name_it() {
        let said = Relay::find(Some("no/such/program".into())).err().unwrap().to_string();
        assert!(said.contains("--relay-binary or BEDSIDE_RELAY"), "{said}");
    }
}
