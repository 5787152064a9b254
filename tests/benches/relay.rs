//! What a relay takes: pushes that are on the disk when they are answered, and what a sync costs among many logs.

mod support;

use bedside_core::transport::RelayClient;
use bedside_protocol::ids::Timestamp;
use bedside_protocol::signing::Signer;
use bedside_protocol::statement::device_id;
use bedside_protocol::wire::{
    Cursor, Prove, SessionAnswer, SessionRequest, SyncAnswer, SyncRequest, challenge_message,
};
use bedside_relay::rules::Relay;
use bedside_relay::server::system_chance;
use bedside_relay::storage::sqlite::SqliteStorage;
use rusqlite::Connection;
use support::measure::{Program, Samples, Table, in_memory, ms, on_disk, progress, time};
use support::people::{relay, root, runtime};
use support::raw::{RawDevice, devices, log, sealed};
use tokio::runtime::Runtime;

const ROUNDS: usize = 7;
const PUSHES: usize = 256;

fn main() {
    let about = "durable pushes, and the cost of a sync among many logs";
    let Some(program) = Program::start("relay", about, &["pushes", "flat"]) else { return };
    if program.wants("pushes") {
        pushes();
    }
    if program.wants("flat") {
        flat();
    }
}

/// One device and where it stands.
struct Client {
    http: RelayClient,
    token: [u8; 32],
    cursor: Cursor,
    number: usize,
    pushed: usize,
}

fn pushes() {
    println!("   databases on the disk; clients, HTTP and relay share these cores");
    let dir = on_disk();
    let runtime = runtime();
    let handle = runtime.block_on(relay(&dir.path().join("relay")));
    let bare = bare(&dir.path().join("bare.db"));
    let mut clients = clients(&runtime, &format!("http://{}", handle.addr), 32);
    let mut rules = Rules::with(&dir.path().join("rules.db"), 32);
    let mut table = Table::default();
    for together in [1, 8, 32] {
        let [mut through, mut grouped, mut raw] = [const { Samples::new() }; 3];
        for _ in 0..ROUNDS {
            let (took, ()) = time(|| push(&runtime, &mut clients[..together], PUSHES / together));
            through.push(PUSHES as f64 / took.as_secs_f64());
            let (took, ()) = time(|| (0..PUSHES / together).for_each(|_| rules.push_together(together)));
            grouped.push(PUSHES as f64 / took.as_secs_f64());
            let (took, ()) = time(|| (0..PUSHES / together).for_each(|_| insert(&bare, together)));
            raw.push(PUSHES as f64 / took.as_secs_f64());
        }
        table.line(&format!("{together} devices at once"), format!("{:.0} /s", through.median()));
        table.line("  rules and storage alone, as many a commit", format!("{:.0} /s", grouped.median()));
        table.line(&format!("  bare SQLite, {together} rows a commit"), format!("{:.0} /s", raw.median()));
        table.aim("  ratio", format!("{:.2}", raw.median() / through.median()), "at most 2");
        table.line("  ratio of rules and storage", format!("{:.2}", raw.median() / grouped.median()));
    }
    runtime.block_on(handle.stop());
    table.print(&format!("pushes of one entry each, median of {ROUNDS} rounds of {PUSHES}"));
}

fn clients(runtime: &Runtime, address: &str, count: usize) -> Vec<Client> {
    runtime.block_on(async {
        let mut clients = Vec::new();
        for (number, device) in devices(count).into_iter().enumerate() {
            let http = RelayClient::new(address, None).expect("an address on loopback");
            let token = device.sign_in(&http).await;
            let request =
                SyncRequest { statements: vec![device.found(log(number)).into()], ..SyncRequest::default() };
            let answer = http.sync(&token, &request).await.expect("signed in");
            assert!(answer.refused_statements.is_empty(), "a nurse may start a plan");
            clients.push(Client { http, token, cursor: answer.cursor, number, pushed: 0 });
        }
        clients
    })
}

fn push(runtime: &Runtime, clients: &mut [Client], each: usize) {
    runtime.block_on(async {
        let mut tasks = Vec::new();
        for client in clients {
            let (http, token, number, from) =
                (client.http.clone(), client.token, client.number, client.pushed);
            let mut cursor = client.cursor;
            client.pushed += each;
            tasks.push(tokio::spawn(async move {
                for n in from..from + each {
                    let entries = vec![sealed(log(number), n).into()];
                    let request = SyncRequest { cursor: Some(cursor), entries, ..SyncRequest::default() };
                    let answer = http.sync(&token, &request).await.expect("the relay is up");
                    assert!(
                        answer.receipts.iter().all(|receipt| receipt.refused.is_none()),
                        "all are stored"
                    );
                    cursor = answer.cursor;
                }
            }));
        }
        for task in tasks {
            task.await.expect("no push fails");
        }
    });
}

/// What the relay's settings are, and one row of the size of an entry.
fn bare(path: &std::path::Path) -> Connection {
    let connection = Connection::open(path).expect("the directory is new");
    let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
        PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768;
        CREATE TABLE row (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;";
    connection.execute_batch(settings).expect("the settings are a relay's");
    connection
}

fn insert(connection: &Connection, rows: usize) {
    let transaction = connection.unchecked_transaction().expect("there is none yet");
    for _ in 0..rows {
        let sql = "INSERT INTO row (bytes) VALUES (zeroblob(560))";
        transaction.prepare_cached(sql).and_then(|mut row| row.execute([])).expect("there is space");
    }
    transaction.commit().expect("there is space");
}

const NOW: Timestamp = Timestamp(1_795_000_000_000);

/// A relay's rules without HTTP, with two devices of which the second reads every log of the first.
struct Rules {
    relay: Relay<SqliteStorage>,
    devices: Vec<RawDevice>,
    cursors: [Option<Cursor>; 2],
    pushed: usize,
}

fn flat() {
    println!("   rules and storage alone, no HTTP, databases in memory");
    let mut table = Table::default();
    let mut medians = Vec::new();
    for logs in [1_000, 100_000] {
        let dir = in_memory();
        let mut rules = Rules::with(&dir.path().join("relay.db"), logs);
        let [mut nothing, mut push, mut pull] = [const { Samples::new() }; 3];
        for round in 0..501 {
            nothing.push_time(time(|| rules.sync(1, SyncRequest::default())).0);
            let entry = sealed(log(round * 97 % logs), logs + rules.pushed);
            rules.pushed += 1;
            let request = SyncRequest { entries: vec![entry.into()], ..SyncRequest::default() };
            push.push_time(time(|| rules.sync(0, request)).0);
            let (took, answer) = time(|| rules.sync(1, SyncRequest::default()));
            assert_eq!(answer.items.len(), 1, "what one pushed the other pulls");
            pull.push_time(took);
        }
        for (what, samples) in [
            ("a sync that brings nothing", &nothing),
            ("a push of one entry", &push),
            ("a pull of one entry", &pull),
        ] {
            table.line(&format!("{logs} logs: {what}"), ms(samples.median()));
            medians.push(samples.median());
        }
    }
    for (n, what) in ["nothing", "push", "pull"].into_iter().enumerate() {
        table.aim(&format!("ratio, {what}"), format!("{:.2}", medians[n + 3] / medians[n]), "about 1");
    }
    table.print("both devices subscribed to every log, median of 501");
}

impl Rules {
    fn with(path: &std::path::Path, logs: usize) -> Self {
        let relay = Relay::open(path, root().public_key(), &mut system_chance).expect("the directory is new");
        let mut rules = Self { relay, devices: devices(2), cursors: [None, None], pushed: 0 };
        let (took, ()) = time(|| rules.fill(logs));
        progress(&format!("{logs} logs after {:.1} s", took.as_secs_f64()));
        rules
    }

    fn fill(&mut self, logs: usize) {
        (0..2).for_each(|device| self.sign_in(device));
        (0..2).for_each(|device| drop(self.sync(device, SyncRequest::default())));
        let all: Vec<usize> = (0..logs).collect();
        for part in all.chunks(500) {
            self.relay.begin().expect("there is no transaction yet");
            let statements = part
                .iter()
                .flat_map(|n| self.devices[0].share(log(*n), &self.devices[1]))
                .map(Into::into)
                .collect();
            let entries = part.iter().map(|n| sealed(log(*n), *n).into()).collect();
            let ids: Vec<_> = part.iter().map(|n| log(*n)).collect();
            let request = SyncRequest { statements, subscribe: ids.clone(), ..SyncRequest::default() };
            let answer = self.sync(0, request);
            assert!(answer.refused_statements.is_empty(), "a nurse may start and share plans");
            let answer = self.sync(0, SyncRequest { entries, ..SyncRequest::default() });
            assert!(answer.receipts.iter().all(|receipt| receipt.refused.is_none()), "all are stored");
            self.sync(1, SyncRequest { subscribe: ids, ..SyncRequest::default() });
            self.relay.commit().expect("there is space");
        }
        while self.sync(1, SyncRequest::default()).more {}
        while self.sync(0, SyncRequest::default()).more {}
    }

    /// Pushes of one entry each, in one commit: what a relay does with requests that wait together.
    fn push_together(&mut self, count: usize) {
        let entries: Vec<Vec<u8>> = (0..count).map(|n| sealed(log(n), self.pushed + n + 1_000_000)).collect();
        self.pushed += count;
        self.relay.begin().expect("there is no transaction yet");
        for entry in entries {
            let answer = self.sync(0, SyncRequest { entries: vec![entry.into()], ..SyncRequest::default() });
            assert!(answer.receipts.iter().all(|receipt| receipt.refused.is_none()), "all are stored");
        }
        self.relay.commit().expect("there is space");
    }

    fn sign_in(&mut self, device: usize) {
        let device = &self.devices[device];
        let transport_key = device.transport.public_key();
        let hello = bedside_protocol::wire::Hello { version: bedside_protocol::VERSION, transport_key };
        let answer = self.relay.session(NOW, &mut system_chance, SessionRequest::Hello(hello));
        let Ok(SessionAnswer::Challenge(challenge)) = answer else { panic!("a challenge comes first") };
        let signature = device.transport.sign(&challenge_message(&challenge, &transport_key));
        let statements = device.statements.iter().cloned().map(Into::into).collect();
        let prove = Prove { transport_key, challenge, signature, statements };
        self.relay
            .session(NOW, &mut system_chance, SessionRequest::Prove(prove))
            .expect("the credential is good");
    }

    fn sync(&mut self, device: usize, mut request: SyncRequest) -> SyncAnswer {
        request.cursor = self.cursors[device];
        let id = device_id(&self.devices[device].transport.public_key());
        let (answer, _) = self.relay.sync(NOW, &mut system_chance, id, request).expect("within the limits");
        self.cursors[device] = Some(answer.cursor);
        answer
    }
}
