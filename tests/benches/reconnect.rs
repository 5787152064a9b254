//! Coming back online: what crosses the wire, and how long it takes until everything is here and there.
//!
//! The device has been offline while a colleague wrote in thirty plans and its own person in ten others. Its session is
//! still good; its connection has to be made anew.

mod support;

use std::collections::BTreeSet;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use bedside_core::api::{Cancel, Event, Status};
use support::measure::{Program, Samples, Table, kb, ms, now};
use support::people::{PATIENCE, Person, World, edit, in_step, listen, start_plans};
use support::wire::Exchange;

const ELSEWHERE: usize = 30;
const HERE: usize = 10;
const RUNS: usize = 7;

fn main() {
    let about = "30 plans changed elsewhere, 10 here, from online to in step";
    let Some(program) = Program::start("reconnect", about, &["1000", "10000"]) else { return };
    println!("   databases in memory; HTTP without TLS; bytes are TCP's payload with HTTP's headers");
    for plans in [1_000, 10_000] {
        if program.wants(&plans.to_string()) {
            reconnect(plans);
        }
    }
}

fn reconnect(count: usize) {
    let world = World::in_memory();
    let (here, elsewhere) = (world.nurse("Nia"), world.nurse("Bea"));
    world.without_administrator();
    let plans = start_plans(&here, count);
    in_step(&here, count);
    in_step(&elsewhere, count);
    in_step(&here, count);
    let mut visit = 0;
    for round_trip in [0, 100] {
        let mut seen = Measured::default();
        for _ in 0..RUNS {
            visit += 1;
            for n in 0..ELSEWHERE + HERE {
                let writer = if n < ELSEWHERE { &elsewhere } else { &here };
                edit(writer, plans[(n * 23 + visit) % count], visit);
            }
            sync(&elsewhere);
            world.wire.set_round_trip(Duration::from_millis(round_trip));
            world.wire.take();
            one_reconnect(&here, &mut seen);
            seen.exchanges(world.wire.take());
            world.wire.set_round_trip(Duration::ZERO);
            // The colleague's acknowledgements came while this device was online, as they usually do.
            sync(&elsewhere);
            sync(&here);
        }
        seen.print(count, round_trip);
    }
}

fn sync(person: &Person) {
    person.app.sync(&Cancel::new()).expect("the relay is up");
}

#[derive(Default)]
struct Measured {
    in_step: Samples,
    with_acknowledgements: Samples,
    first: [Samples; 2],
    then: [Samples; 2],
    live: [Samples; 2],
    round_trips: Samples,
}

fn one_reconnect(here: &Person, measured: &mut Measured) {
    let (heard, subscription) = listen(here);
    let began = now();
    here.app.go_online().expect("the device knows its relay");
    measured.in_step.push_time(in_step_at(&heard, ELSEWHERE) - began);
    // The acknowledgements go out in a request of their own.
    measured.with_acknowledgements.push_time(in_step_at(&heard, 0) - began);
    drop(subscription);
    here.app.go_offline();
}

/// When the device said that it is in step and so many plans had changed, whichever came last.
fn in_step_at(heard: &Receiver<(Instant, Event)>, plans: usize) -> Instant {
    let mut changed: BTreeSet<String> = BTreeSet::new();
    let mut said = None;
    loop {
        let (at, event) = heard.recv_timeout(PATIENCE).expect("the relay is up and everything comes");
        match event {
            Event::Plan(log) => drop(changed.insert(log.to_string())),
            Event::Sync(Status::InStep { .. }) => said = Some(at),
            Event::Sync(status @ (Status::Retrying { .. } | Status::NotAdmitted)) => {
                panic!("the relay did not answer: {status:?}")
            }
            _ => {}
        }
        if said.is_some() && changed.len() >= plans {
            return at;
        }
    }
}

impl Measured {
    fn exchanges(&mut self, all: Vec<Exchange>) {
        let note = |[up, down]: &mut [Samples; 2], exchange: &Exchange| {
            up.push(exchange.up as f64);
            down.push(exchange.down as f64);
        };
        let mut syncs = all.iter().filter(|exchange| exchange.request == "POST /v1/sync");
        let before_live = all.iter().take_while(|exchange| exchange.request != "GET /v1/live").count();
        self.round_trips.push(before_live as f64);
        note(&mut self.first, syncs.next().expect("it syncs first"));
        note(&mut self.then, syncs.next().expect("it acknowledges then"));
        let live = all.iter().find(|exchange| exchange.request == "GET /v1/live");
        note(&mut self.live, live.expect("it asks for a live stream"));
    }

    fn print(&self, plans: usize, round_trip: u64) {
        let mut table = Table::default();
        let both = |[up, down]: &[Samples; 2]| format!("{} / {}", kb(up.median()), kb(down.median()));
        let sum = |[up, down]: &[Samples; 2]| kb(up.median() + down.median());
        table.aim("round trips until in step", format!("{}", self.round_trips.median()), "1");
        table.line("  up / down", both(&self.first));
        table.aim("  both ways together", sum(&self.first), "under 20 KB");
        table.line("opening the live stream, up / down", both(&self.live));
        table.line("acknowledgements (a second request), up / down", both(&self.then));
        table.line("everything together", {
            kb([&self.first, &self.live, &self.then].into_iter().flatten().map(Samples::median).sum())
        });
        table.line("time until in step", ms(self.in_step.median()));
        table.line("time until acknowledged too", ms(self.with_acknowledgements.median()));
        let trip = if round_trip == 0 {
            "no delay".to_owned()
        } else {
            format!("{round_trip} ms round trip, TCP's handshake takes one")
        };
        table.print(&format!("{plans} plans, {trip}, median of {RUNS}"));
    }
}
