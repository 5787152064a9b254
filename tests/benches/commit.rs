//! What it costs to save one edit of one field: everything included, against the least that a database can do.

mod support;

use bedside_core::api::Cancel;
use rusqlite::Connection;
use support::measure::{Program, Samples, Table, ms, time};
use support::people::{World, edit, fill, in_step, start_plans};

const PLANS: usize = 8;
const ENTRIES: usize = 40;
const ROUNDS: usize = 240;

fn main() {
    let about = "one edit of one field, durable, against a bare SQLCipher commit";
    let Some(program) = Program::start("commit", about, &["durable", "computed", "texts"]) else { return };
    if program.wants("durable") {
        durable();
    }
    if program.wants("computed") {
        computed();
    }
    if program.wants("texts") {
        texts();
    }
}

fn durable() {
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

/// How fast a disk syncs is no merit of ours: this is what is left when it takes no time at all.
fn computed() {
    let world = World::in_memory();
    let nurse = world.nurse("Nia");
    world.without_administrator();
    let plans = start_plans(&nurse, PLANS);
    fill(&nurse, &plans, ENTRIES);
    let mut api = Samples::new();
    (0..20).for_each(|round| edit(&nurse, plans[round % PLANS], round));
    (20..ROUNDS + 20).for_each(|round| api.push_time(time(|| edit(&nurse, plans[round % PLANS], round)).0));
    let mut table = Table::default();
    table.line("one edit through the API, median", ms(api.median()));
    table.line("  the fastest of twenty", ms(api.quantile(0.05)));
    table.print(&format!("{ROUNDS} rounds, {PLANS} plans of {ENTRIES} entries and growing, in memory"));
}

/// Texts that a nurse writes.
const TEXTS: [&str; 6] = [
    "wishes.about_me",
    "wishes.most_value",
    "wishes.most_fear",
    "wishes.wishes",
    "wishes.spiritual",
    "wishes.daily_life",
];

/// A plan in which every text is as long as it may be, and two of them written anew at once, as much as one entry holds.
fn texts() {
    let world = World::in_memory();
    let (nurse, other) = (world.nurse("Nia"), world.nurse("Bea"));
    world.without_administrator();
    let plan = start_plans(&nurse, 1)[0];
    let long = |seed: usize| -> String {
        (0..6_000_usize).map(|n| format!("{:09} ", (n * 7_919 + seed * 104_729) % 1_000_000_007)).collect()
    };
    let write = |keys: &[&str], seed: usize| {
        let mut draft = nurse.app.draft(plan).expect("the plan is here");
        keys.iter().for_each(|key| draft.set_text(key, &long(seed)).expect("a text of 60 KB fits"));
        draft.commit().expect("a nurse may write");
    };
    for (seed, key) in TEXTS.iter().enumerate() {
        write(&[key], seed);
    }
    // Half of one text written in small pieces, as people do.
    for n in 0..60 {
        let text = format!("{}{}", &long(0)[..n * 500], &long(3)[n * 500..]);
        let mut draft = nurse.app.draft(plan).expect("the plan is here");
        draft.set_text(TEXTS[0], &text).expect("a text of 60 KB fits");
        drop(draft.commit());
    }
    in_step(&nurse, 1);
    in_step(&other, 1);
    other.app.plan(plan).expect("it has come");
    let (saved, ()) = time(|| write(&TEXTS[..2], 100));
    nurse.app.sync(&Cancel::new()).expect("the relay is up");
    let (taken, _) = time(|| other.app.sync(&Cancel::new()).expect("the relay is up"));
    let (shown, _) = time(|| other.app.plan(plan).expect("it has come"));
    let mut table = Table::default();
    table.line("120 KB of two texts written anew, saved", ms(saved.as_secs_f64() * 1_000.0));
    table.line("  fetched and taken in by a colleague", ms(taken.as_secs_f64() * 1_000.0));
    table.line("  shown", ms(shown.as_secs_f64() * 1_000.0));
    table.print(&format!("once, a plan with {} texts of 60 KB, in memory", TEXTS.len()));
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
