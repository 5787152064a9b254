//! From one device to another through the relay, while both are online.

mod support;

use std::sync::Arc;

use bedside_core::api::{Event, Status};
use bedside_core::transport::RelayClient;
use bedside_protocol::wire::SyncRequest;
use support::measure::{Program, Samples, Table, ms, now, progress};
use support::people::{PATIENCE, World, edit, in_step, listen, start_plans};
use support::raw::devices;

const EDITS: usize = 200;
const OTHERS: usize = 1_000;

fn main() {
    let about = "from a commit on one device to its arrival on another";
    let Some(program) = Program::start("live", about, &["alone", "crowd"]) else { return };
    println!("   the relay's and both devices' databases on the disk");
    for (case, others) in [("alone", 0), ("crowd", OTHERS)] {
        if program.wants(case) {
            live(others);
        }
    }
}

fn live(others: usize) {
    let world = World::on_disk();
    let (writer, reader) = (world.nurse("Nia"), world.nurse("Bea"));
    world.without_administrator();
    let plans = start_plans(&writer, 8);
    in_step(&writer, 8);
    in_step(&reader, 8);
    crowd(&world, others);
    let (heard, _subscription) = listen(&reader);
    writer.app.go_online().expect("the device knows its relay");
    reader.app.go_online().expect("the device knows its relay");
    let in_step = |event: &Event| matches!(event, Event::Sync(Status::InStep { live: true }));
    while !in_step(&heard.recv_timeout(PATIENCE).expect("the relay is up").1) {}
    let [mut arrived, mut saved] = [const { Samples::new() }; 2];
    for n in 0..EDITS + 10 {
        let began = now();
        edit(&writer, plans[n % plans.len()], n);
        let durable = began.elapsed();
        let at = loop {
            let (at, event) = heard.recv_timeout(PATIENCE).expect("the edit arrives");
            if matches!(event, Event::Plan(_)) {
                break at;
            }
        };
        if n >= 10 {
            saved.push_time(durable);
            arrived.push_time(at - began);
        }
    }
    let mut table = Table::default();
    table.line("saved on the writer's disk, median", ms(saved.median()));
    table.line("arrived, median", ms(arrived.median()));
    table.aim("arrived, 99 of 100", ms(arrived.quantile(0.99)), "50 ms");
    table.print(&format!("{EDITS} edits, {} live streams open at the relay", world.live_streams()));
}

/// Signs so many other devices in and leaves a live stream of each open.
fn crowd(world: &World, count: usize) {
    let client = RelayClient::new(&format!("http://{}", world.direct), None).expect("an address on loopback");
    let devices = Arc::new(devices(count));
    let joined = world.runtime.block_on(async {
        let mut joined = 0;
        for device in devices.iter() {
            let token = device.sign_in(&client).await;
            let answer = client.sync(&token, &SyncRequest::default()).await.expect("signed in");
            let mut stream = client.live(&token, &answer.cursor).await.expect("there is room");
            tokio::spawn(async move { while let Ok(Some(_)) = stream.next().await {} });
            joined += 1;
        }
        joined
    });
    if joined > 0 {
        progress(&format!("{joined} other devices are connected"));
    }
}
