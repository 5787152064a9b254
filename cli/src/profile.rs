//! Where a device lives, and unlocking it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bedside_core::api::{ApiError, App, Host, Language, Repair, Slot, Timestamp, desktop_host};

use crate::error::CliError;
use crate::out::in_time;

/// The name of the profile when none is given.
const USUAL: &str = "default";
/// Beside the vault: which program has it open.
const HOLDER: &str = "in-use-by";

/// A device's folder, and where its secrets are.
pub(crate) struct Profile {
    pub(crate) dir: PathBuf,
    keys: PathBuf,
    keys_are_elsewhere: bool,
    identity: Option<String>,
    pin_stdin: bool,
    language: Arc<Language>,
    command: &'static str,
}

/// An open device. While it is unlocked its folder says which program holds it, for the next one to name.
pub(crate) struct Open {
    pub(crate) app: App,
    holder: Option<PathBuf>,
}

impl Profile {
    /// Finds the folder of a profile by name or path.
    pub(crate) fn find(
        named: Option<&str>,
        identity: Option<String>,
        pin_stdin: bool,
        language: Arc<Language>,
        command: &'static str,
    ) -> Result<Self, CliError> {
        let named = named.unwrap_or(USUAL);
        if named.is_empty() {
            return Err(CliError::usage(
                "the profile's name is empty; leave --profile away for the usual one",
            ));
        }
        let dir = if is_path(named) {
            PathBuf::from(named)
        } else {
            data_dir(|name| env::var_os(name))?.join(named)
        };
        let elsewhere = env::var_os("BEDSIDE_KEYS").filter(|keys| !keys.is_empty());
        let keys_are_elsewhere = elsewhere.is_some();
        let keys = elsewhere.map_or_else(|| dir.join("keys"), PathBuf::from);
        Ok(Self { dir, keys, keys_are_elsewhere, identity, pin_stdin, language, command })
    }

    pub(crate) fn host(&self) -> Host {
        Host { language: Arc::clone(&self.language), ..desktop_host(&self.keys) }
    }

    /// Makes a device, unlocked.
    pub(crate) fn create(&self) -> Result<Open, CliError> {
        if self.dir.join("vault.keys").exists() {
            let advice = "to make another device, name another profile with --profile";
            return Err(CliError::Exists { path: self.dir.clone(), advice });
        }
        let others = |entries: fs::ReadDir| {
            entries.flatten().any(|e| e.path().extension().is_some_and(|x| x == "key"))
        };
        if self.keys_are_elsewhere && fs::read_dir(&self.keys).is_ok_and(others) {
            let advice = "BEDSIDE_KEYS holds the keys of another device; name an empty folder";
            return Err(CliError::Exists { path: self.keys.clone(), advice });
        }
        let pin = new_pin("BEDSIDE_PIN", self.pin_stdin)?;
        self.make_dir()?;
        let app = self.told(App::create(&self.dir, self.host(), &pin))?;
        Ok(Open { app, holder: self.hold() })
    }

    fn make_dir(&self) -> Result<(), CliError> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let failed = |source| CliError::File { path: self.dir.clone(), step: "made", source };
        builder.create(&self.dir).map_err(failed)
    }

    /// Says how to make a device when there is none.
    pub(crate) fn expect_device(&self) -> Result<(), CliError> {
        if self.dir.join("vault.keys").exists() { Ok(()) } else { Err(CliError::NoDevice(self.dir.clone())) }
    }

    /// Opens the device, locked.
    pub(crate) fn open(&self) -> Result<Open, CliError> {
        self.expect_device()?;
        let app = self.told(App::open(&self.dir, self.host()))?;
        Ok(Open { app, holder: None })
    }

    /// Opens the device and unlocks it: by what is remembered, else by the PIN.
    pub(crate) fn unlocked(&self) -> Result<Open, CliError> {
        let mut open = self.open()?;
        if !self.remembered(&open.app)? {
            self.whose_pin()?;
            let pin = pin(self.pin_stdin)?;
            self.unlock(&open.app, &pin)?;
        }
        open.holder = self.hold();
        Ok(open)
    }

    /// True when what is remembered unlocks the device as whoever was named.
    fn remembered(&self, app: &App) -> Result<bool, CliError> {
        let whoever = self.told(app.unlock_remembered())?;
        let here = || app.identities().into_iter().find(|row| row.here);
        Ok(match &self.identity {
            Some(label) => whoever && here().is_some_and(|row| is_called(&row.label, &row.id, label)),
            None => whoever,
        })
    }

    /// Unlocks by a PIN, as whoever was named or the only one there is.
    pub(crate) fn unlock(&self, app: &App, pin: &str) -> Result<(), CliError> {
        let slot = self.whose_pin()?;
        self.told(app.unlock_as(slot, pin))
    }

    /// Whose PIN is asked for.
    pub(crate) fn whose_pin(&self) -> Result<Slot, CliError> {
        if let Some(label) = &self.identity {
            return self.called(label);
        }
        let rows = self.told(App::identities_in(&self.dir))?;
        let mut able = rows.iter().filter(|row| row.can_unlock);
        match (able.next().or_else(|| rows.first()), able.next()) {
            (Some(only), None) => slot_of(&only.id),
            _ => Err(CliError::usage(format!(
                "several people share this device; say whose PIN it is with --identity: {}",
                names(&rows)
            ))),
        }
    }

    /// Somebody by what they are called on this device, or by their id.
    pub(crate) fn called(&self, label: &str) -> Result<Slot, CliError> {
        let rows = self.told(App::identities_in(&self.dir))?;
        match rows.iter().find(|row| is_called(&row.label, &row.id, label)) {
            Some(row) => slot_of(&row.id),
            None => Err(CliError::usage(format!(
                "nobody on this device is called {label}; there are: {}",
                names(&rows)
            ))),
        }
    }

    pub(crate) fn repair(&self) -> Result<Repair, CliError> {
        self.expect_device()?;
        let slot = self.whose_pin()?;
        let pin = pin(self.pin_stdin)?;
        self.told(App::repair_as(&self.dir, &self.host(), slot, &pin))
    }

    /// Opens the device, and unlocks it if that needs no question.
    pub(crate) fn unlocked_unasked(&self) -> Result<Open, CliError> {
        let mut open = self.open()?;
        let mut unlocked = self.remembered(&open.app)?;
        if !unlocked && (self.pin_stdin || env::var_os("BEDSIDE_PIN").is_some()) {
            let pin = pin(self.pin_stdin)?;
            self.unlock(&open.app, &pin)?;
            unlocked = true;
        }
        open.holder = if unlocked { self.hold() } else { None };
        Ok(open)
    }

    pub(crate) fn pin(&self) -> Result<String, CliError> {
        pin(self.pin_stdin)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.host().clock.now()
    }

    /// Adds to the core's answer what only the terminal knows: which program, and how long to wait.
    pub(crate) fn told<T>(&self, result: Result<T, ApiError>) -> Result<T, CliError> {
        let wait = |until: Timestamp| in_time(until.since(self.now()));
        result.map_err(|error| match error {
            ApiError::InUse => CliError::InUse { holder: self.holder() },
            ApiError::Wait { until } => CliError::Wait(wait(until)),
            ApiError::WrongPin { attempts_left: left, retry_at: Some(until) } => {
                CliError::WrongPinWait { left, wait: wait(until) }
            }
            error => error.into(),
        })
    }

    /// The device has keys of its own; a copy of the program that is still running is named.
    fn holder(&self) -> String {
        let told = fs::read_to_string(self.dir.join(HOLDER)).unwrap_or_default();
        let known = told.trim().split_once(' ').filter(|(process, _)| still_runs(process));
        match known {
            Some((process, command)) => format!("`{command}` (process {process})"),
            None => "another program".into(),
        }
    }

    /// Only a help for the next program's error message: without it that message is less exact.
    fn hold(&self) -> Option<PathBuf> {
        let holder = self.dir.join(HOLDER);
        let text = format!("{} bedside {}\n", std::process::id(), self.command);
        fs::write(&holder, text).ok().map(|()| holder)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(holder) = &self.holder {
            // The next one to hold it writes it anew.
            let _ = fs::remove_file(holder);
        }
    }
}

fn is_called(label: &str, id: &str, named: &str) -> bool {
    id == named || (!label.is_empty() && label.to_lowercase() == named.trim().to_lowercase())
}

fn slot_of(id: &str) -> Result<Slot, CliError> {
    Slot::from_hex(id).ok_or_else(|| CliError::usage("this identity has no id"))
}

fn names(rows: &[bedside_core::api::IdentityRow]) -> String {
    let name = |row: &bedside_core::api::IdentityRow| {
        if row.label.is_empty() { row.id.clone() } else { row.label.clone() }
    };
    rows.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// Where the operating system tells about processes, a process that is gone holds nothing.
fn still_runs(process: &str) -> bool {
    let processes = Path::new("/proc/self");
    process.parse::<u32>().is_ok() && (!processes.exists() || Path::new("/proc").join(process).exists())
}

fn is_path(named: &str) -> bool {
    named.contains(['/', '\\']) || named.starts_with('.')
}

/// `BEDSIDE_HOME`, else where the desktop keeps programs' data.
fn data_dir(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, CliError> {
    let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("BEDSIDE_HOME")
        .or_else(|| set("XDG_DATA_HOME").filter(|dir| dir.is_absolute()).map(|dir| dir.join("bedside")))
        .or_else(|| set("HOME").map(|dir| dir.join(".local/share/bedside")))
        .ok_or_else(|| {
            CliError::usage("there is no home folder; set BEDSIDE_HOME or name a folder with --profile")
        })
}

fn pin(from_stdin: bool) -> Result<String, CliError> {
    match given("BEDSIDE_PIN", from_stdin)? {
        Some(pin) => Ok(pin),
        None => ask("PIN: "),
    }
}

/// A PIN to be set: given, or asked for twice.
pub(crate) fn new_pin(variable: &str, from_stdin: bool) -> Result<String, CliError> {
    if let Some(pin) = given(variable, from_stdin)? {
        return Ok(pin);
    }
    let pin = ask("New PIN (6 characters or more): ")?;
    if ask("The same again: ")? == pin {
        Ok(pin)
    } else {
        Err(CliError::usage("the two PINs differ; try again"))
    }
}

/// The network's passphrase: given, or asked for, twice when it is new.
pub(crate) fn passphrase(new: bool) -> Result<String, CliError> {
    if let Some(passphrase) = given("BEDSIDE_PASSPHRASE", false)? {
        return Ok(passphrase);
    }
    let asked = "the passphrase is asked for in a terminal only; set BEDSIDE_PASSPHRASE";
    let passphrase = prompt("Passphrase: ", asked)?;
    if new && prompt("The same again: ", asked)? != passphrase {
        return Err(CliError::usage("the two passphrases differ; try again"));
    }
    Ok(passphrase)
}

fn given(variable: &str, from_stdin: bool) -> Result<Option<String>, CliError> {
    if from_stdin {
        let mut line = String::new();
        let failed = |source| CliError::Stream { what: "standard input", source };
        io::stdin().lock().read_line(&mut line).map_err(failed)?;
        return Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()));
    }
    Ok(env::var(variable).ok().filter(|value| !value.is_empty()))
}

fn ask(question: &str) -> Result<String, CliError> {
    prompt(question, "the PIN is asked for in a terminal only; set BEDSIDE_PIN, or give it with --pin-stdin")
}

fn prompt(question: &str, elsewhere: &str) -> Result<String, CliError> {
    if !io::stdin().is_terminal() {
        return Err(CliError::usage(elsewhere));
    }
    let failed = |source| CliError::Stream { what: "asking", source };
    rpassword::prompt_password(question).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_a_path() {
        assert!(!is_path("nurse"));
        assert!(["./nurse", "/media/stick", "..", "a/b"].into_iter().all(is_path));
    }

    #[test]
    fn data_is_where_the_person_says_or_the_desktop_keeps_it() {
        let of = |set: &[(&str, &str)]| {
            let found =
                |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value));
            data_dir(found).ok().map(|dir| dir.display().to_string())
        };
        let home = ("HOME", "/srv/amira");
        assert_eq!(of(&[home]).as_deref(), Some("/srv/amira/.local/share/bedside"));
        assert_eq!(of(&[home, ("XDG_DATA_HOME", "/data")]).as_deref(), Some("/data/bedside"));
        assert_eq!(of(&[home, ("BEDSIDE_HOME", "/b"), ("XDG_DATA_HOME", "/data")]).as_deref(), Some("/b"));
        assert_eq!(of(&[home, ("BEDSIDE_HOME", "")]).as_deref(), Some("/srv/amira/.local/share/bedside"));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn a_process_that_is_gone_is_not_named() {
        assert!(still_runs(&std::process::id().to_string()));
        assert!(!still_runs("not a number"));
    }
}
