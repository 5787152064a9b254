//! The whole in one thread: real engines, vaults and mailboxes, the relay's real rules, and a network that does what
//! networks do.
//!
//! `BEDSIDE_SEEDS=n` runs n seeds, `BEDSIDE_SEED=n` runs one and prints what happens.

mod base;
mod check;
mod compartments;
mod ops;
mod relay;
mod rules;
mod stories;
mod worklists;
mod world;

use world::{Marks, World};

/// How many seeds are run, twice each, when nobody says otherwise: a minute on two slow cores.
const SEEDS: u64 = 60;

/// What a run of that many seeds has to reach, or it shows nothing.
const REACHED: [&str; 37] = [
    "a clock is moved",
    "a clock ten years ahead",
    "a comparison",
    "a conflict",
    "a conflict in the end",
    "a crash",
    "a crash after a page is stored, before it is opened",
    "a crash before a live event is stored",
    "a crash before a page is stored",
    "a crash during a comparison",
    "a cursor means nothing",
    "a decision is kept from the person",
    "a decision that was kept from the person is disclosed",
    "a device is lost",
    "a live event",
    "a live stream breaks",
    "a plan is shared",
    "a plan is started twice",
    "a relay that adds what is no entry",
    "a relay that is down",
    "a relay that refuses",
    "a request comes twice",
    "a request comes when nobody waits for it any more",
    "a request is lost",
    "a save is refused",
    "an answer is lost",
    "an answer that is none",
    "an entry is held on the devices of others",
    "an entry waits",
    "an old copy that nobody declared",
    "an old copy with a new epoch",
    "how to get in is revealed",
    "how to get in is written down",
    "reopened locked",
    "seen is claimed",
    "sent is claimed",
    "something is kept from the person",
];

/// Runs a seed: a bad day, a quiet hour, and then everything must be in order.
fn run(seed: u64, print: bool) -> World {
    let mut world = base::begin(seed, print);
    world.faults = world.draw_faults();
    let count = 20 + world.below(80);
    for _ in 0..count {
        let op = world.draw();
        world.perform(&op);
        let pause = if world.often(100) { world.below(600_000) } else { world.below(8_000) };
        world.run(pause);
    }
    world.settle_and_check();
    world
}

/// Runs a seed twice; it comes out the same.
fn twice(seed: u64) -> Marks {
    let again = std::thread::spawn(move || run(seed, false).log.hash);
    let once = run(seed, false);
    let again = again.join().expect("the first run did not panic");
    assert_eq!(once.log.hash, again, "seed {seed} does not come out the same twice");
    once.marks
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}

#[test]
fn every_seed_keeps_every_promise_and_comes_out_the_same_twice() {
    if let Some(seed) = number("BEDSIDE_SEED") {
        run(seed, true);
        return;
    }
    let first = number("BEDSIDE_FIRST_SEED").unwrap_or(0);
    let count = number("BEDSIDE_SEEDS").unwrap_or(SEEDS);
    let mut marks = Marks::default();
    let mut failed = Vec::new();
    for seed in first..first + count {
        let outcome = std::panic::catch_unwind(|| twice(seed));
        match outcome {
            Ok(reached) => {
                reached.0.into_iter().for_each(|(mark, count)| *marks.0.entry(mark).or_default() += count)
            }
            Err(_) => {
                eprintln!("^^^ seed {seed}");
                failed.push(seed);
            }
        }
    }
    for (mark, count) in &marks.0 {
        println!("{count:>8} {mark}");
    }
    assert!(failed.is_empty(), "these seeds failed: {failed:?}; run one with BEDSIDE_SEED=n");
    let missed: Vec<_> = REACHED.iter().filter(|mark| !marks.0.contains_key(*mark)).collect();
    assert!(
        count < SEEDS || missed.is_empty(),
        "no seed reached {missed:?}: the workload shows less than it says"
    );
}

#[test]
fn seed_10371_what_builds_on_an_entry_that_is_lost_everywhere_waits_and_harms_nothing() {
    twice(10_371);
}

#[test]
fn seed_10525_who_followed_a_plan_before_the_relay_knew_that_they_may_follows_it_afterwards() {
    twice(10_525);
}

#[test]
fn seed_17_what_waits_beside_a_plan_is_taken_in_with_the_credential_that_the_plan_waited_for() {
    twice(17);
}
