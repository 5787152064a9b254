//! The built program, as a person or a script meets it. Nothing here needs a network.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const PIN: &str = "271828";
const JANE: &str = "9000000009";

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with_device() -> Self {
        let home = Self::new();
        assert!(succeeded(&home.run(&["init"])));
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bedside"));
        command.env_clear().env("BEDSIDE_HOME", self.0.path()).env("BEDSIDE_PIN", PIN).args(arguments);
        command.stdin(Stdio::null()).current_dir(self.0.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn run_with_pin(&self, pin: &str, arguments: &[&str]) -> Output {
        self.command(arguments).env("BEDSIDE_PIN", pin).output().unwrap()
    }

    fn fails(&self, arguments: &[&str]) -> String {
        failure(&self.run(arguments))
    }
}

fn succeeded(output: &Output) -> bool {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    true
}

/// What a failed command said, in one line.
fn failure(output: &Output) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty(), "a failure answers nothing");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    said.trim_end().trim_start_matches("bedside: ").to_owned()
}

fn json(output: &Output) -> Value {
    assert!(succeeded(output));
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1, "one line of JSON");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_new_device_is_made_once_and_says_how_it_is() {
    let home = Home::with_device();
    let again = home.fails(&["init"]);
    assert!(again.contains("is there already; to make another device, name another profile"), "{again}");
    let status = json(&home.run(&["--json", "status"]));
    assert_eq!(
        (&status["unlocked"], &status["identity"], &status["plans"]),
        (&true.into(), &Value::Null, &0.into())
    );
    let words = String::from_utf8(home.run(&["status"]).stdout).unwrap();
    assert!(words.contains("not enrolled; ask for an invitation"), "{words}");
}

#[test]
fn a_right_that_there_is_not_is_refused_with_those_that_there_are() {
    let invite = ["invite", "--name", "Ola West", "--role", "administrator", "--may", "everything"];
    let said = Home::with_device().run(&invite);
    let words = String::from_utf8(said.stderr).unwrap();
    assert_eq!(said.status.code(), Some(2));
    assert!(words.contains("oversee") && words.contains("invite-person"), "{words}");
}

#[test]
fn what_is_said_of_a_plan_is_said_in_the_language_of_a_folder() {
    let home = Home::with_device();
    assert!(succeeded(&home.run(&["notebook", "set", "preferences.place_of_death_1", "home"])));
    let folder = home.path("art");
    std::fs::create_dir(&folder).unwrap();
    let why = home.fails(&["--language", "art", "notebook", "show"]);
    assert!(why.starts_with("art: no message files (.ftl) are in it"), "{why}");
    let messages = "field-preferences-place_of_death_1 = Lo mo\ncode-place-home = duko\n";
    std::fs::write(folder.join("labels.ftl"), messages).unwrap();
    let said = home.run(&["--language", "art", "notebook", "show"]);
    assert!(succeeded(&said));
    assert_eq!(String::from_utf8(said.stdout).unwrap(), "Lo mo: duko\n");
    std::fs::write(folder.join("labels.ftl"), "= nothing").unwrap();
    assert!(home.fails(&["--language", "art", "notebook", "show"]).contains("cannot be read"));
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_a_devices_folder() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::with_device();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home.path("default")), 0o700);
    assert_eq!(mode(&home.path("default/keys")), 0o700);
}

#[test]
fn a_profile_without_a_device_says_how_to_make_one() {
    let said = Home::new().fails(&["--profile", "ward", "status"]);
    assert!(
        said.starts_with("there is no device in ") && said.contains("ward; make one with `bedside init`"),
        "{said}"
    );
}

#[test]
fn a_wrong_pin_says_how_many_tries_are_left() {
    let home = Home::with_device();
    for left in [9, 8] {
        let said = failure(&home.run_with_pin("000000", &["plan", "list"]));
        assert_eq!(said, format!("wrong PIN; {left} more before this device's keys are destroyed"));
    }
    assert!(succeeded(&home.run(&["plan", "list"])));
}

#[test]
fn too_many_wrong_pins_say_how_long_to_wait() {
    let home = Home::with_device();
    for _ in 0..4 {
        failure(&home.run_with_pin("000000", &["plan", "list"]));
    }
    let said = failure(&home.run_with_pin("000000", &["plan", "list"]));
    assert!(said.contains("the next try counts in 30 seconds"), "{said}");
    let said = home.fails(&["plan", "list"]);
    assert!(said.starts_with("too many wrong PINs; the next try counts in "), "{said}");
}

#[test]
fn a_short_pin_is_refused_with_what_would_be_right() {
    let home = Home::new();
    let said = failure(&home.run_with_pin("12", &["init"]));
    assert!(said.contains("a PIN has 6 to 128 characters"), "{said}");
    assert!(succeeded(&home.run(&["init"])), "the failed try left nothing behind");
}

#[test]
fn without_a_terminal_no_pin_is_asked_for() {
    let home = Home::with_device();
    let output = home.command(&["plan", "list"]).env_remove("BEDSIDE_PIN").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("set BEDSIDE_PIN, or give it with --pin-stdin"), "{said}");
}

#[test]
fn the_pin_may_come_from_standard_input() {
    let home = Home::with_device();
    let mut command = home.command(&["--pin-stdin", "plan", "list"]);
    let mut child =
        command.env_remove("BEDSIDE_PIN").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{PIN}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(succeeded(&output));
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), "No plans.");
}

#[test]
fn unlocked_for_some_minutes_no_pin_is_needed_until_it_is_locked() {
    let home = Home::with_device();
    let without = |arguments: &[&str]| home.command(arguments).env_remove("BEDSIDE_PIN").output().unwrap();
    assert!(succeeded(&home.run(&["unlock", "--minutes", "5"])));
    assert!(succeeded(&without(&["plan", "list"])));
    assert!(succeeded(&without(&["lock"])));
    assert_eq!(without(&["plan", "list"]).status.code(), Some(2));
}

#[test]
fn a_changed_pin_is_the_only_one_that_opens() {
    let home = Home::with_device();
    assert!(succeeded(&home.command(&["pin", "change"]).env("BEDSIDE_NEW_PIN", "314159").output().unwrap()));
    assert!(failure(&home.run(&["plan", "list"])).starts_with("wrong PIN"));
    assert!(succeeded(&home.run_with_pin("314159", &["plan", "list"])));
}

#[test]
fn a_plan_needs_an_enrolled_device_and_says_so() {
    let home = Home::with_device();
    let said = home.fails(&["plan", "new", "--nhs", JANE, "--consent", "in person"]);
    assert_eq!(said, "this device is not enrolled; ask for an invitation");
    let said = home.fails(&["sync"]);
    assert_eq!(said, "this device is not enrolled; ask for an invitation");
}

#[test]
fn a_plan_needs_consent_or_another_basis() {
    let output = Home::new().run(&["plan", "new", "--nhs", JANE]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--consent"));
}

#[test]
fn a_sound_device_needs_no_repair() {
    let home = Home::with_device();
    let repair = json(&home.run(&["--json", "repair"]));
    assert_eq!(repair["moved_to"], Value::Array(Vec::new()));
    assert!(succeeded(&home.run(&["plan", "list"])));
}

#[test]
fn a_wrong_file_says_what_is_wrong_with_it() {
    let home = Home::with_device();
    let new = |file: &str| home.fails(&["plan", "new", "--fhir", file, "--consent", "in person"]);
    assert!(new("none.json").starts_with("none.json: cannot be read: "));
    assert_eq!(new("."), ".: this is a folder; name a file");
    std::fs::write(home.path("wrong.json"), "{\"resourceType\":").unwrap();
    assert!(new("wrong.json").starts_with("wrong.json: "));
    std::fs::write(home.path("other.json"), "{\"resourceType\":\"Medication\"}").unwrap();
    assert!(new("other.json").starts_with("other.json: "));
}

#[test]
fn a_plan_that_cannot_be_exported_or_imported_leaves_no_file_and_says_why() {
    let home = Home::with_device();
    let export = ["plan", "export", JANE, "--format", "fhir", "--output", "jane.json"];
    assert_eq!(home.fails(&export), "there is no plan for this NHS number on this device");
    assert!(!home.path("jane.json").exists());
    let forced = home.run(&["plan", "export", JANE, "--force"]);
    assert_eq!(forced.status.code(), Some(2), "there is nothing to replace on standard output");
    let said = home.fails(&["plan", "import", JANE, "none.json"]);
    assert!(said.starts_with("none.json: cannot be read: "), "{said}");
    std::fs::write(home.path("wrong.json"), "{").unwrap();
    assert_eq!(
        home.fails(&["plan", "import", JANE, "wrong.json"]),
        "there is no plan for this NHS number on this device"
    );
    let replace = home.run(&["plan", "import", JANE, "wrong.json", "--replace"]);
    assert_eq!(replace.status.code(), Some(2), "replacing without applying makes no sense");
}

#[test]
fn a_page_that_cannot_be_made_leaves_no_file_and_readers_are_named() {
    let home = Home::with_device();
    let print = ["plan", "print", JANE, "--as", "summary", "--output", "jane.html"];
    assert_eq!(home.fails(&print), "there is no plan for this NHS number on this device");
    assert!(!home.path("jane.html").exists());
    let unknown = home.run(&["plan", "show", JANE, "--as", "everybody"]);
    assert_eq!(unknown.status.code(), Some(2));
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert!(said.contains("person, care-team, urgent, summary"), "{said}");
}

#[test]
fn errors_for_programs_are_json_on_standard_error() {
    let home = Home::with_device();
    let wrong = home.run_with_pin("000000", &["--json", "plan", "list"]);
    assert_eq!(wrong.status.code(), Some(1));
    let error: Value = serde_json::from_slice(&wrong.stderr).unwrap();
    assert_eq!(error["error"]["code"], "wrong-pin");
    assert!(error["error"]["message"].as_str().unwrap().contains("9 more"));
    let misused = home.run(&["--json", "plan", "show", "Smith"]);
    assert_eq!(misused.status.code(), Some(2));
    let error: Value = serde_json::from_slice(&misused.stderr).unwrap();
    assert_eq!(error["error"]["code"], "usage");
    assert!(error["error"]["message"].as_str().unwrap().contains("NHS number (ten digits)"));
}

#[test]
fn a_second_program_is_told_which_one_to_close() {
    let home = Home::with_device();
    // It waits for the invitation on its standard input.
    let mut first = home.command(&["enrol", "-"]);
    let mut first = first.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&home.path("default/in-use-by"));
    let said = home.fails(&["plan", "list"]);
    let process = first.id();
    assert_eq!(
        said,
        format!("`bedside enrol` (process {process}) is using this device's data; close it first")
    );
    drop(first.stdin.take());
    let mut ended = String::new();
    BufReader::new(first.stderr.take().unwrap()).read_line(&mut ended).unwrap();
    assert!(ended.contains("copy all of it"), "{ended}");
    first.wait().unwrap();
    assert!(succeeded(&home.run(&["plan", "list"])));
}

/// Opens a file as soon as it is there. The device it belongs to was locked by its program just before.
fn wait_for(path: &Path) {
    while std::fs::read_to_string(path).map_or(true, |text| !text.ends_with('\n')) {
        std::thread::yield_now();
    }
}

#[test]
fn an_operator_signs_an_organisation_in_and_no_file_is_overwritten() {
    let home = Home::with_device();
    let secret = |arguments: &[&str]| {
        home.command(arguments).env("BEDSIDE_PASSPHRASE", "correct horse battery").output().unwrap()
    };
    let create = ["--json", "network", "create", "--file", "network.key", "--relay", "http://127.0.0.1:9"];
    let made = json(&secret(&create));
    assert_eq!(made["root"].as_str().unwrap().len(), 64);
    assert!(failure_json(&secret(&create)).contains("never overwritten"));
    let shown = json(&secret(&["--json", "network", "show", "--file", "network.key"]));
    assert_eq!(shown["root"], made["root"]);
    let mut wrong = home.command(&["network", "show", "--file", "network.key"]);
    assert!(
        failure(&wrong.env("BEDSIDE_PASSPHRASE", "wrong horse battery").output().unwrap())
            .contains("network.key: ")
    );

    let request =
        ["organisation", "request", "--name", "Willow House", "--ods", "VL900", "--out", "willow.req"];
    assert!(succeeded(&home.run(&request)));
    assert!(home.fails(&request).contains("willow.req is there already"));
    let sign = [
        "--json",
        "network",
        "sign",
        "--file",
        "network.key",
        "--request",
        "willow.req",
        "--out",
        "willow.charter",
    ];
    assert_eq!(json(&secret(&sign))["name"], "Willow House");
    let accept = ["--json", "organisation", "accept", "--charter", "willow.charter", "--name", "Pat Green"];
    let accepted = json(&home.run(&accept));
    assert_eq!((&accepted["organisation"], &accepted["synced"]), (&"Willow House".into(), &false.into()));
    let status = json(&home.run(&["--json", "status"]));
    assert_eq!(status["identity"]["role"], "administrator");
}

fn failure_json(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    error["error"]["message"].as_str().unwrap().to_owned()
}

#[test]
fn the_fields_of_a_section_are_listed_for_people_and_programs() {
    let home = Home::new();
    let rows = json(&home.run(&["--json", "plan", "fields", "cpr"]));
    let decision = &rows[0];
    assert_eq!((&decision["key"], &decision["command"]), (&"cpr.decision".into(), &"decide".into()));
    assert!(decision["choices"].as_array().unwrap().iter().any(|choice| choice["code"] == "450476008"));
    let unknown = home.run(&["plan", "fields", "colour"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("the sections are control, identity"));
}

#[test]
fn help_has_examples_and_is_no_failure() {
    let home = Home::new();
    for arguments in [&["--help"][..], &["plan", "edit", "--help"], &["help", "plan", "new"]] {
        let output = home.run(arguments);
        assert!(succeeded(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("Examples:\n"), "{text}");
    }
}
