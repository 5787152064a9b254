//! After locking, this process's memory holds neither a key nor the PIN. A program of its own: nothing else may hold them.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![expect(unreachable_pub, reason = "the parts of one test program")]

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::{Arc, Mutex};

use bedside_core::api::{Host, InviteSpec, Role};
use bedside_core::crypto::PinCost;
use bedside_core::ports::Entropy;
use bedside_core::testing::{HeldClock, SeededEntropy};

use world::{MORNING, World, invitation, jane};

#[path = "../e2e/gate.rs"]
#[expect(dead_code, reason = "the wire is whole here")]
mod gate;
#[path = "../e2e/world.rs"]
#[expect(dead_code, reason = "one device is enough here")]
mod world;

/// How often each pattern stands in this process's writable memory. Patterns come inverted, so that looking for them does
/// not find the looker.
fn occurrences(inverted: &[&[u8]]) -> Vec<usize> {
    let mut beginning = vec![Vec::new(); 256];
    for (number, pattern) in inverted.iter().enumerate() {
        beginning[usize::from(!pattern[0])].push(number);
    }
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut memory = fs::File::open("/proc/self/mem").unwrap();
    let (mut counts, mut bytes) = (vec![0; inverted.len()], Vec::new());
    for line in maps.lines().filter(|line| line.contains(" rw") && !line.contains("[v")) {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let (from, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        bytes.resize(usize::try_from(to - from).unwrap(), 0);
        // A region that another thread gives back meanwhile cannot be read.
        if memory.seek(SeekFrom::Start(from)).and_then(|_| memory.read_exact(&mut bytes)).is_ok() {
            for (at, byte) in bytes.iter().enumerate() {
                for number in &beginning[usize::from(*byte)] {
                    let here = bytes[at..].iter().zip(inverted[*number]);
                    let whole = bytes.len() - at >= inverted[*number].len();
                    counts[*number] +=
                        usize::from(whole && here.into_iter().all(|(byte, not)| *byte == !not));
                }
            }
        }
        bytes.fill(0);
    }
    counts
}

/// Remembers, inverted, everything that is long enough to be a key.
struct Remembering {
    chance: SeededEntropy,
    drawn: Mutex<Vec<Vec<u8>>>,
}

impl Entropy for Remembering {
    fn fill(&self, out: &mut [u8]) {
        self.chance.fill(out);
        if (32..=64).contains(&out.len()) {
            self.drawn.lock().unwrap().push(out.iter().map(|byte| !byte).collect());
        }
    }
}

/// Inverted letters that stand nowhere else.
fn letters(count: usize, number: u64) -> Vec<u8> {
    let mut drawn = vec![0; count];
    SeededEntropy::new(u64::from(std::process::id()) << 8 | number).fill(&mut drawn);
    drawn.iter().map(|byte| !(b'a' + byte % 26)).collect()
}

/// What is typed, put together where it is used, from bytes that are its inverse.
fn typed(inverted: &[u8]) -> zeroize::Zeroizing<String> {
    let mut text = zeroize::Zeroizing::new(String::with_capacity(inverted.len()));
    inverted.iter().for_each(|byte| text.push(char::from(!byte)));
    text
}

#[test]
fn after_locking_neither_keys_nor_the_pin_are_left_in_memory() {
    let chance = SeededEntropy::new(u64::from(std::process::id()) << 8);
    let entropy = Arc::new(Remembering { chance, drawn: Mutex::default() });
    let pin = letters(24, 1);
    let world = World::new();
    let admin = world.organisation("Riverside", "RX1");
    let clock = Arc::new(HeldClock::at(MORNING));
    let host = Host {
        clock: clock.clone(),
        entropy: entropy.clone(),
        pin_cost: PinCost::FOR_TESTS,
        // Secrets in files: the key store that tests mostly have is memory itself.
        ..Host::desktop(&world.path("keys"))
    };
    let nurse = world.device_of("Amira Khan", host, clock, &typed(&pin));
    nurse.enrol_by(&admin, InviteSpec { name: "Amira Khan".into(), role: Role::Nurse, ..invitation() });
    let plan = nurse.start_plan(jane()).unwrap().plan;
    nurse.in_step();
    nurse.lock().unwrap();
    nurse.unlock(&typed(&pin)).unwrap();
    nurse.write(plan, "wishes.about_me", "Her cat is called Biscuit").unwrap();
    nurse.in_step();
    assert!(nurse.shown(plan).contains("Biscuit"));
    let drawn = entropy.drawn.lock().unwrap().clone();
    let mut needles: Vec<&[u8]> = drawn.iter().map(|drawn| &drawn[8..32]).collect();
    needles.push(&pin);
    let before = occurrences(&needles);
    let found = before[..drawn.len()].iter().filter(|count| **count > 0).count();
    assert!(found >= 3, "the search finds what is there: {before:?}");
    nurse.lock().unwrap();
    let after = occurrences(&needles);
    // The first is the transport key's seed: a locked device goes on syncing with it. The last is the PIN.
    assert!(after[0] > 0 && after[1..].iter().all(|count| *count == 0), "{before:?}\n{after:?}");
}
