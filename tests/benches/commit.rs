//! What it costs to save one edit of one field: everything included, against the least that a database can do.

mod support;

use rusqlite::Connection;
use support::measure::{Program, Samples, Table, ms, time};
use support::people::{World, edit, fill, start_plans};

const PLANS: usize = 8;
const ENTRIES: usize = 40;
const ROUNDS: usize = 240;

fn main() {
    let about = "one edit of one field, durable, against a bare SQLCipher commit";
    let Some(_program) = Program::start("commit", about, &["durable"]) else { return };
    let world = World::on_disk();
    let nurse = world.nurse("Nia");
    world.without_administrator();
    let plans = start_plans(&nurse, PLANS);
    fill(&nurse, &plans, ENTRIES);
    let bare = bare(&world.dir.path().join("bare.db"));
    let unsynced = bare_unsynced(&world.dir.path().join("unsynced.db"));
    let [mut api, mut one, mut none] = [const { Samples::new() }; 3];
    for round in 0..ROUNDS + 20 {
        let (saved, ()) = time(|| edit(&nurse, plans[round % PLANS], round));
        let (synced, ()) = time(|| insert(&bare));
        let (unsynced, ()) = time(|| insert(&unsynced));
        // The first rounds fill caches.
        if round >= 20 {
            api.push_time(saved);
            one.push_time(synced);
            none.push_time(unsynced);
        }
    }
    let mut table = Table::default();
    table.line("one edit through the API, median", ms(api.median()));
    table.line("  the slowest of a hundred", ms(api.quantile(0.99)));
    table.line("bare SQLCipher commit of one row, median", ms(one.median()));
    table.line("  the slowest of a hundred", ms(one.quantile(0.99)));
    table.line("the same without waiting for the disk", ms(none.median()));
    table.aim("ratio of the medians", format!("{:.2}", api.median() / one.median()), "at most 3");
    table.print(&format!("{ROUNDS} rounds, {PLANS} plans of {ENTRIES} entries and growing, on the disk"));
}

/// The settings of a vault.
const SETTINGS: &str = "PRAGMA cipher_plaintext_header_size = 32; PRAGMA cipher_memory_security = ON;
    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
    PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 4194304;
    PRAGMA cache_size = -2048;
    CREATE TABLE row (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;";

fn bare(path: &std::path::Path) -> Connection {
    let connection = Connection::open(path).expect("the directory is new");
    let key = format!("PRAGMA key = \"x'{}{}'\";", "07".repeat(32), "08".repeat(16));
    connection.execute_batch(&key).expect("SQLCipher is linked");
    connection.execute_batch(SETTINGS).expect("the settings are a vault's");
    connection
}

fn insert(connection: &Connection) {
    let sql = "INSERT INTO row (bytes) VALUES (zeroblob(600))";
    connection.prepare_cached(sql).and_then(|mut row| row.execute([])).expect("there is space");
}

fn bare_unsynced(path: &std::path::Path) -> Connection {
    let connection = bare(path);
    connection.execute_batch("PRAGMA synchronous = OFF").expect("a setting");
    connection
}
