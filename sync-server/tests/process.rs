//! The program as an operator meets it: processes, signals, files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const ROOT: &str = "0101010101010101010101010101010101010101010101010101010101010101";

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_bedside-relay"))
}

fn run(arguments: &[&str], data: &Path) -> Output {
    program().args(arguments).arg("--data").arg(data).output().unwrap()
}

struct Relay {
    process: Child,
    address: String,
}

impl Drop for Relay {
    fn drop(&mut self) {
        // Fails when the test has stopped it already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn serve(data: &Path) -> Relay {
    let mut process = program()
        .args(["serve", "--plain-http", "--listen", "127.0.0.1:0", "--network-root", ROOT, "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").expect(&line).to_owned();
    Relay { process, address }
}

fn healthz(relay: &Relay) -> String {
    let mut stream = std::net::TcpStream::connect(&relay.address).unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: relay\r\nconnection: close\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat()
}

#[test]
fn a_relay_serves_is_backed_up_stops_on_sigterm_and_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy.db"));
    let copy = copy.to_str().unwrap();
    let mut relay = serve(&data);
    assert!(healthz(&relay).starts_with("HTTP/1.1 200"));

    let second = run(&["serve", "--plain-http", "--network-root", ROOT, "--listen", "127.0.0.1:0"], &data);
    assert!(
        !second.status.success() && said(&second).contains("another relay is using"),
        "{}",
        said(&second)
    );
    let early = run(&["restore", "--from", copy], &data);
    assert!(!early.status.success(), "not under a running relay");
    assert!(run(&["backup", "--to", copy], &data).status.success());
    assert!(said(&run(&["check"], &data)).starts_with("sound:"));

    let pid = relay.process.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(relay.process.wait().unwrap().success());

    let restored = run(&["restore", "--from", copy], &data);
    assert!(restored.status.success() && said(&restored).contains("is kept as"), "{}", said(&restored));
    let relay = serve(&data);
    assert!(healthz(&relay).starts_with("HTTP/1.1 200"));
    let stats: serde_json::Value = serde_json::from_slice(&run(&["stats", "--json"], &data).stdout).unwrap();
    assert_eq!(stats["entries"], 0);
}

#[test]
fn a_killed_relay_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let mut relay = serve(folder.path());
        assert!(healthz(&relay).starts_with("HTTP/1.1 200"));
        relay.process.kill().unwrap();
        relay.process.wait().unwrap();
    }
    assert!(said(&run(&["check"], folder.path())).starts_with("sound:"));
}

#[test]
fn plain_http_has_to_be_said() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["serve", "--network-root", ROOT], folder.path());
    assert!(!output.status.success() && said(&output).contains("--plain-http"));
}

#[test]
fn settings_come_from_a_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relay.toml");
    std::fs::write(&file, "plain_http = true\nnetwork_rot = 'x'").unwrap();
    let output = program().args(["serve", "--config"]).arg(&file).output().unwrap();
    assert!(said(&output).contains("network_rot"), "{}", said(&output));
}
