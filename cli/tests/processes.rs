//! The built program as a process, on a device with a plan: killed in the middle of a sync, again and again, by a wire that
//! counts bytes; where no file may grow; and where something is kept from the person.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use bedside_relay::config::{Config, Rate, Transport};
use bedside_relay::server;
use serde_json::Value;

const PIN: &str = "271828";
const JANE: &str = "9000000009";
const ROUNDS: u64 = 24;
const SIGKILL: i32 = 9;

/// Bytes in both directions until the client is to be killed, and who is to do it.
type Fuse = Option<(usize, Sender<Event>)>;

enum Event {
    Burnt,
    Ended,
}

/// Stands between the client and its relay.
#[derive(Clone, Default)]
struct Wire {
    relay: Arc<Mutex<Option<SocketAddr>>>,
    fuse: Arc<Mutex<Fuse>>,
    /// Connections that were stopped stay open: the client is killed, and not told.
    stopped: Arc<Mutex<Vec<TcpStream>>>,
}

impl Wire {
    fn open(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let wire = self.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Some(relay) = *wire.relay.lock().unwrap() else { continue };
                let Ok(relay) = TcpStream::connect(relay) else { continue };
                for (from, to) in [(&client, &relay), (&relay, &client)] {
                    let (wire, from, to) = (wire.clone(), from.try_clone().unwrap(), to.try_clone().unwrap());
                    thread::spawn(move || wire.carry(from, to));
                }
            }
        });
        address
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = [0; 16 << 10];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let through = self.burn(count);
            if to.write_all(&buffer[..through]).is_err() {
                break;
            }
            if through < count {
                self.stopped.lock().unwrap().extend([from, to]);
                return;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Both);
    }

    /// How many of these bytes go through.
    fn burn(&self, count: usize) -> usize {
        let mut fuse = self.fuse.lock().unwrap();
        let Some((left, told)) = fuse.as_mut() else { return count };
        let through = count.min(*left);
        *left -= through;
        if *left == 0 {
            let _ = told.send(Event::Burnt);
        }
        through
    }
}

struct World {
    home: tempfile::TempDir,
    wire: Wire,
    runtime: tokio::runtime::Runtime,
    relay: Option<server::Handle>,
}

impl World {
    /// A trust with two nurses, and a plan that both have.
    fn with_plan() -> Self {
        let wire = Wire::default();
        let address = wire.open();
        let home = tempfile::tempdir().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut world = Self { home, wire, runtime, relay: None };
        let made = world.run(
            "operator",
            &["network", "create", "--file", "network.key", "--relay", &format!("http://{address}")],
        );
        world.start_relay(made["root"].as_str().unwrap());
        world.make("office");
        world.run(
            "office",
            &["organisation", "request", "--name", "Riverside", "--ods", "RX9", "--out", "request"],
        );
        world.run(
            "operator",
            &["network", "sign", "--file", "network.key", "--request", "request", "--out", "charter"],
        );
        world.run("office", &["organisation", "accept", "--charter", "charter", "--name", "Grace Hill"]);
        world.run("office", &["sync"]);
        world.enrol("amira", "Amira Khan");
        world.enrol("ben", "Ben Ode");
        let consent = "in person, at home";
        world.run("amira", &["plan", "new", "--nhs", JANE, "--consent", consent, "--share", consent]);
        world.in_step();
        world
    }

    fn start_relay(&mut self, root: &str) {
        let byte = |at: usize| u8::from_str_radix(&root[2 * at..2 * at + 2], 16).unwrap();
        let rate = Rate { per_second: 100_000, burst: 100_000 };
        let config = Config {
            data: self.home.path().join("relay"),
            listen: "127.0.0.1:0".parse().unwrap(),
            network_root: std::array::from_fn(byte),
            transport: Transport::PlainHttp,
            behind_proxy: false,
            device_rate: rate,
            address_rate: rate,
        };
        let relay = self.runtime.block_on(server::start(config)).unwrap();
        *self.wire.relay.lock().unwrap() = Some(relay.addr);
        self.relay = Some(relay);
    }

    fn command(&self, device: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bedside"));
        command.args(["--profile", device, "--json"]).args(arguments);
        self.at_home(&mut command).stdout(Stdio::piped());
        command
    }

    fn at_home<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env_clear().env("BEDSIDE_HOME", self.home.path()).env("BEDSIDE_PIN", PIN);
        command.env("BEDSIDE_PASSPHRASE", "correct horse battery").current_dir(self.home.path());
        command.stdin(Stdio::null()).stderr(Stdio::piped())
    }

    fn run(&self, device: &str, arguments: &[&str]) -> Value {
        let output = self.command(device, arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// A device that stays unlocked, so that a PIN costs its time once.
    fn make(&self, device: &str) {
        self.run(device, &["init"]);
        self.run(device, &["unlock", "--minutes", "60"]);
    }

    fn enrol(&self, device: &str, name: &str) {
        self.make(device);
        let invited = self.run("office", &["invite", "--name", name, "--role", "nurse"]);
        let invitation = invited["invitation"].as_str().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_bedside"));
        command.args(["--profile", device, "enrol", invitation, "--wait", "60"]);
        self.at_home(&mut command).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        for line in said.lines().map_while(Result::ok) {
            if line.contains("Waiting for whoever invited you") {
                self.run("office", &["sync"]);
            }
        }
        assert!(child.wait().unwrap().success());
    }

    /// The same where no file may grow beyond so many blocks of 512 bytes. The signal that comes with it is ignored, as in every
    /// process of a service or a shell that says so.
    fn run_within(&self, blocks: u64, device: &str, arguments: &[&str]) -> Result<(), String> {
        let plain = self.command(device, arguments);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\""), "sh"]);
        command.arg(plain.get_program()).args(plain.get_args()).env_clear();
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(self.home.path()).stdin(Stdio::null());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(said) }
    }

    /// How many entries of the plan a device has.
    fn entries(&self, device: &str) -> usize {
        self.run(device, &["plan", "history", JANE]).as_array().map_or(0, Vec::len)
    }

    fn in_step(&self) {
        for device in ["amira", "ben", "amira", "ben"] {
            assert_eq!(self.run(device, &["sync"])["unsent"], 0);
        }
    }

    fn write(&self, device: &str, key: &str, text: &str) {
        self.run(device, &["plan", "edit", JANE, "set", key, text]);
    }

    /// Syncs with a fuse of so many bytes. True when the process was killed.
    fn sync_until_killed(&self, device: &str, bytes: usize) -> bool {
        let (told, events) = channel();
        *self.wire.fuse.lock().unwrap() = Some((bytes, told.clone()));
        let mut child: Child = self.command(device, &["sync"]).spawn().unwrap();
        let mut answer = child.stdout.take().unwrap();
        let reader = thread::spawn(move || {
            let _ = answer.read_to_end(&mut Vec::new());
            let _ = told.send(Event::Ended);
        });
        if let Event::Burnt = events.recv().unwrap() {
            child.kill().unwrap();
        }
        let status = child.wait().unwrap();
        reader.join().unwrap();
        *self.wire.fuse.lock().unwrap() = None;
        self.wire.stopped.lock().unwrap().clear();
        status.signal() == Some(SIGKILL)
    }

    /// What a device shows of the plan, but for when it looked.
    fn shown(&self, device: &str) -> Value {
        let mut view = self.run(device, &["plan", "show", JANE]);
        view.as_object_mut().unwrap().retain(|name, _| name != "as_of");
        view
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(relay) = self.relay.take() {
            self.runtime.block_on(relay.stop());
        }
    }
}

/// A number between 0 and `below`, another for each round and the same in every run.
fn drawn(round: u64, below: u64) -> usize {
    let mixed = (round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from((mixed >> 20) % below).unwrap()
}

#[test]
fn a_client_killed_at_any_byte_of_a_sync_loses_nothing_that_it_said_was_saved() {
    let world = World::with_plan();
    let before = world.entries("amira");
    let mut killed = 0;
    for round in 0..ROUNDS {
        world.write("amira", "team.key_worker", &format!("round {round} by Amira"));
        world.write("ben", "gp.usual", &format!("round {round} by Ben"));
        if round % 2 == 0 {
            world.run("ben", &["sync"]);
        }
        killed += u64::from(world.sync_until_killed("amira", drawn(round, 2_500)));
    }
    assert!(killed > ROUNDS / 2, "the fuse is short enough to matter: {killed} of {ROUNDS}");
    world.in_step();
    assert_eq!(world.shown("amira"), world.shown("ben"));
    for device in ["amira", "ben"] {
        let status = world.run(device, &["status"]);
        for nothing in ["unsent", "unopened", "waiting", "refused", "set_aside"] {
            assert_eq!(status[nothing], 0, "{device}: {nothing}");
        }
        assert_eq!(world.entries(device), before + 2 * usize::try_from(ROUNDS).unwrap());
    }
}

#[test]
fn where_no_file_may_grow_the_disk_is_said_to_be_full_and_what_was_saved_stays() {
    const STEP: u64 = 16;
    let world = World::with_plan();
    let before = world.entries("amira");
    let mut refused = 0_u64;
    let edit = ["plan", "edit", JANE, "set", "team.key_worker", "Grace Hill"];
    while let Err(said) = world.run_within((refused + 1) * STEP, "amira", &edit) {
        assert!(said.contains("the disk is full; free some space and try again"), "{refused}: {said}");
        assert_eq!(world.entries("amira"), before, "all of an edit or nothing");
        refused += 1;
        assert!(refused < 200, "there is room for it now");
    }
    assert!(refused > 1, "the limit is felt");
    assert_eq!(world.entries("amira"), before + 1);
    world.in_step();
    assert_eq!(world.shown("amira"), world.shown("ben"));
}

#[test]
fn what_is_kept_from_the_person_is_marked_left_out_of_files_and_disclosed_by_command() {
    let world = World::with_plan();
    let edit = |more: &[&str]| world.run("amira", &[&["plan", "edit", JANE], more].concat());
    edit(&["--keep-in", "professional", "decide", "cpr", "decision=not-recommended", "reason=frail lungs"]);
    edit(&["--keep-in", "professional", "set", "communication.mode", "not before her son"]);
    world.in_step();
    let view = world.run("ben", &["plan", "show", JANE]);
    assert_eq!(view["sections"][14]["decisions"][0]["kept_in"], "professional");
    let export = |to: &str, more: &[&str]| {
        let wanted = ["plan", "export", JANE, "--format", "fhir", "--output", to];
        let answer = world.run("ben", &[&wanted, more].concat());
        (answer["left_out"].clone(), std::fs::read_to_string(world.home.path().join(to)).unwrap())
    };
    let (left_out, copy) = export("without.json", &[]);
    assert!(left_out == 2 && !copy.contains("frail lungs") && !copy.contains("her son"));
    let (left_out, copy) = export("with.json", &["--with-professional"]);
    assert!(left_out == 0 && copy.contains("frail lungs") && copy.contains("NOPAT"));
    let aside = world.command("ben", &["plan", "print", JANE, "--as", "urgent"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&aside.stdout).contains("frail lungs"));
    edit(&["disclose", "cpr", "discussed_person=yes"]);
    edit(&["disclose", "communication.mode"]);
    world.in_step();
    let (left_out, copy) = export("disclosed.json", &[]);
    assert!(left_out == 0 && copy.contains("frail lungs") && copy.contains("her son"));
    let history = world.run("ben", &["plan", "history", JANE]);
    let kept = history.as_array().unwrap().iter().filter(|row| row["kept_in"] == "professional").count();
    assert_eq!(kept, 4, "two that were kept, and both taken back");
    edit(&["--keep-in", "professional", "add", "contact", "name=Aunt Ida"]);
    let view = world.run("amira", &["plan", "show", JANE]);
    let contacts = view["sections"][3]["lists"][0]["items"].as_array().unwrap();
    let name = |item: &serde_json::Value| item["fields"][0]["values"][0].clone();
    let ida = contacts.iter().map(name).find(|name| name["text"] == "Aunt Ida").unwrap();
    assert_eq!(ida["heard_from"], "observed", "not from the person, from whom it is kept");
}

#[test]
fn what_is_none_of_the_choices_is_kept_in_words_and_said_to_be() {
    let world = World::with_plan();
    let own =
        |more: &[&str]| world.run("amira", &[&["plan", "edit", JANE], more].concat())["in_own_words"].clone();
    let place = "preferences.place_of_death_1";
    assert_eq!(own(&["set", place, "home"]), serde_json::json!([]));
    assert_eq!(own(&["set", place, "hmoe"]), serde_json::json!([place]));
    assert_eq!(own(&["set", place, "declined"]), serde_json::json!([]));
    let decided = own(&["decide", "cpr", "decision=no shocks", "reason=frail lungs"]);
    assert_eq!(decided, serde_json::json!(["cpr.decision"]));
    let added = own(&["add", "professional", "name=Jo", "group=nursey"]);
    assert_eq!(added, serde_json::json!(["professional/*/group"]));
}
