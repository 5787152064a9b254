//! A new device, enrolled and empty: how long until it can be worked with.

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use bedside_core::api::{App, Cancel, Event};
use bedside_core::crypto::content::{sign_entry, verify_entry};
use bedside_core::crypto::keys::SigningKey;
use bedside_core::testing::SeededEntropy;
use bedside_protocol::ids::EntryId;
use bedside_protocol::signing::{Signer, hash};
use support::measure::{Program, Samples, Table, kb, ms, now, time};
use support::people::{World, fill, in_step, listen, start_plans};

const PLANS: usize = 1_000;
const ENTRIES: usize = 10;
const RUNS: usize = 3;

fn main() {
    let about = "a new device with 1,000 plans of 10 entries";
    let Some(_program) = Program::start("cold", about, &["1000"]) else { return };
    println!("   databases in memory; HTTP without TLS, no delay");
    let world = World::in_memory();
    let nurse = world.nurse("Nia");
    let others: Vec<_> = (0..RUNS).map(|run| world.nurse(&format!("Bea {run}"))).collect();
    world.without_administrator();
    let plans = start_plans(&nurse, PLANS);
    fill(&nurse, &plans, ENTRIES);
    in_step(&nurse, PLANS);
    let [mut first, mut last, mut settled, mut verified] = [const { Samples::new() }; 4];
    let [mut trips, mut up, mut down] = [const { Samples::new() }; 3];
    for other in &others {
        verified.push_time(verify(PLANS * ENTRIES));
        let (heard, subscription) = listen(other);
        world.wire.take();
        let began = now();
        other.app.sync(&Cancel::new()).expect("the relay is up");
        settled.push_time(began.elapsed());
        drop(subscription);
        let mut changes = BTreeMap::new();
        for (at, event) in heard {
            if let Event::Plan(log) = event {
                changes.entry(log.to_string()).or_insert((at, at)).1 = at;
            }
        }
        assert_eq!(changes.len(), PLANS, "every plan has come");
        let status = other.app.status().expect("unlocked");
        assert_eq!((status.unopened, status.waiting), (0, Some(0)), "all of it is opened");
        assert_eq!(entries(&other.app), PLANS * ENTRIES, "and all of it has come");
        let earliest = changes.values().map(|(first, _)| *first).min().expect("there are plans");
        let latest = changes.values().map(|(_, last)| *last).max().expect("there are plans");
        first.push_time(earliest - began);
        last.push_time(latest - began);
        let exchanges = world.wire.take();
        trips.push(exchanges.len() as f64);
        up.push(exchanges.iter().map(|exchange| exchange.up as f64).sum());
        down.push(exchanges.iter().map(|exchange| exchange.down as f64).sum());
    }
    let mut table = Table::default();
    table.aim("the first plan can be read", ms(first.median()), "300 ms");
    table.line("all are here", ms(last.median()));
    table.line("  and acknowledged", ms(settled.median()));
    table.line("verifying as many signatures", ms(verified.median()));
    table.aim("ratio", format!("{:.2}", last.median() / verified.median()), "at most 1.30");
    table.line("requests", format!("{}", trips.median()));
    table.line("up / down", format!("{} / {}", kb(up.median()), kb(down.median())));
    table.print(&format!("median of {RUNS} new devices"));
}

/// How many entries the device's plans have.
fn entries(app: &App) -> usize {
    let mut after = None;
    let mut found = 0;
    loop {
        let page = app.plans(after.as_ref(), 200).expect("unlocked");
        found += page.rows.iter().map(|row| app.history(row.plan).expect("it has come").len()).sum::<usize>();
        match page.next {
            Some(next) => after = Some(next),
            None => break found,
        }
    }
}

/// How long it takes one core to verify so many signatures of entries, with nothing else to do.
fn verify(count: usize) -> Duration {
    let keys = SigningKey::generate(&SeededEntropy::new(5));
    let signed: Vec<_> = (0..count)
        .map(|n| {
            let id = EntryId::new(hash(&n.to_be_bytes()));
            (id, sign_entry(&keys, &id))
        })
        .collect();
    let public = keys.public_key();
    let (took, good) =
        time(|| signed.iter().filter(|(id, signature)| verify_entry(&public, id, signature)).count());
    assert_eq!(good, count, "all were signed");
    took
}
