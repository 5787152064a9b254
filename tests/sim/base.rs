//! Who is in every run. They are enrolled through the relay once for each process; each run begins with copies.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use bedside_core::api::network::Network;
use bedside_core::api::{App, Capabilities, ConsentSpec, InviteSpec, NewPlan, Outcome, PlanId, Role};
use bedside_core::engine::Input;
use bedside_core::store::OpenOptions;
use bedside_core::testing::sim::SimDevice;
use bedside_protocol::ids::{LogId, StatementId, Timestamp};
use tempfile::TempDir;

use crate::relay::RelayHost;
use crate::world::{Seat, World};

/// Runs the Riverside trust's devices.
pub(crate) const ADMIN: usize = 0;
/// A nurse of Riverside who may endorse.
pub(crate) const ALICE: usize = 1;
/// A nurse of Riverside.
pub(crate) const BOB: usize = 2;
/// A carer of the Willow home.
pub(crate) const CARER: usize = 3;
/// The person whom the first plan is about.
pub(crate) const PAT: usize = 4;
/// Of the Hilltop trust, with which nobody shares anything.
pub(crate) const OUTSIDER: usize = 5;
/// Runs the Willow home's devices; takes no part after enrolling the carer.
const WILLOW: usize = 6;

/// Everybody who takes part.
pub(crate) const EVERYBODY: [usize; 6] = [ADMIN, ALICE, BOB, CARER, PAT, OUTSIDER];
/// Whoever is in Riverside.
pub(crate) const RIVERSIDE: [usize; 3] = [ADMIN, ALICE, BOB];
/// The ODS code of the carer's organisation.
pub(crate) const WILLOW_CODE: &str = "VLX01";

/// The NHS number of a plan; the first is there from the beginning.
pub(crate) fn number(plan: usize) -> String {
    let digits =
        |nine: u64| (0..9).map(move |place| (nine / 10_u64.pow(8 - place) % 10, 10 - u64::from(place)));
    let check = |nine: u64| (11 - digits(nine).map(|(digit, weight)| digit * weight).sum::<u64>() % 11) % 11;
    let valid = (999_000_001..).filter(|nine| check(*nine) != 10);
    valid.map(|nine| format!("{nine}{}", check(nine))).nth(plan).expect("there are enough")
}

const START: u64 = 1_795_000_000_000;

/// The log of a plan.
pub(crate) fn log_of(plan: PlanId) -> LogId {
    LogId::from_hex(&plan.to_string()).expect("a plan is shown as the digits of its log")
}

/// The plan of a log.
pub(crate) fn plan_of(log: &LogId) -> PlanId {
    PlanId::parse(&log.to_string()).expect("a log is shown as the digits of its plan")
}

/// A consent as it is recorded here.
pub(crate) fn consent(outcome: Outcome) -> ConsentSpec {
    ConsentSpec { outcome, note: "said so".to_owned(), grounds: None }
}

/// A plan to be started.
pub(crate) fn new_plan(plan: usize, share: bool) -> NewPlan {
    NewPlan {
        nhs_number: number(plan),
        demographics: None,
        record: consent(Outcome::Given),
        share: share.then(|| consent(Outcome::Given)),
        seen_alive: false,
    }
}

/// A directory in memory, where there is one.
pub(crate) fn fast_dir() -> TempDir {
    let shm = Path::new("/dev/shm");
    let dir = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() };
    dir.or_else(|_| tempfile::tempdir()).expect("a temporary directory can be made")
}

/// Everybody, enrolled and down, and all their files: in memory, because nothing is cleared away after a process.
struct Base {
    world: World,
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Base {
    fn new() -> Self {
        let mut world = enrol_everybody();
        let (mut files, mut folders) = (Vec::new(), vec![world.dir.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for found in fs::read_dir(folder).expect("a directory can be read") {
                let path = found.expect("a directory can be read").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(world.dir.path()).expect("it was found there").to_owned();
                    files.push((name, fs::read(path).expect("a file can be read")));
                }
            }
        }
        drop(std::mem::replace(&mut world.dir, fast_dir()).close());
        fs::remove_dir(world.dir.path()).expect("an empty directory can be removed");
        Self { world, files }
    }

    fn copy_to(&self, dir: &Path) {
        for (name, bytes) in &self.files {
            let path = dir.join(name);
            fs::create_dir_all(path.parent().expect("it lies in the directory"))
                .expect("a directory can be made");
            fs::write(path, bytes).expect("a file can be written");
        }
    }
}

/// A world in which everybody is enrolled, up, unlocked and online, and the first plan is on Riverside's devices and the
/// person's.
pub(crate) fn begin(seed: u64, print: bool) -> World {
    static BASE: OnceLock<Mutex<Base>> = OnceLock::new();
    let made = BASE.get_or_init(|| Mutex::new(Base::new())).lock().unwrap_or_else(PoisonError::into_inner);
    let dir = fast_dir();
    made.copy_to(dir.path());
    let base = &made.world;
    let relay = RelayHost::open(&dir.path().join("relay"), base.relay.root(), seed);
    let mut world = World::new(dir, seed, base.now, relay, print);
    for (number, there) in base.seats.iter().enumerate() {
        let chance = seed.wrapping_mul(1_000).wrapping_add(number as u64);
        let device = there.device.copied_to(&world.dir.path().join(there.name), chance, Timestamp(base.now));
        world.seats.push(Seat::new(there.name, device, there.id, there.credential));
    }
    world.truth = base.truth.clone();
    drop(made);
    world.seats[WILLOW].lost = true;
    for seat in EVERYBODY {
        world.seats[seat].online = true;
        world.reopen(seat, true);
    }
    world.run(10_000);
    world
}

fn enrol_everybody() -> World {
    let dir = fast_dir();
    let files = OpenOptions { careless_memory: true, ..OpenOptions::default() };
    let device = |name: &str, seed: u64| {
        let path = dir.path().join(name);
        fs::create_dir_all(&path).expect("a directory can be made");
        SimDevice::create(&path, seed, Timestamp(START), files.clone()).expect("a device can be made")
    };
    let mut seed = 0;
    let devices = ["admin", "alice", "bob", "carer", "pat", "outsider", "willow"].map(|name| {
        seed += 1;
        (name, device(name, seed))
    });
    let network = Network::create(devices[ADMIN].1.host(), "https://relay.example");
    let relay = RelayHost::open(&dir.path().join("relay"), network.root(), 1);
    let mut world = World::new(dir, 1, START, relay, false);
    for (name, device) in devices {
        let id = device.id();
        world.seats.push(Seat::new(name, device, id, StatementId::new([0; 32])));
    }
    charter(&mut world, &network, ADMIN, "Riverside Community Trust", "RX901");
    charter(&mut world, &network, WILLOW, "Willow House", WILLOW_CODE);
    charter(&mut world, &network, OUTSIDER, "Hilltop Trust", "RH801");
    enrol(&mut world, ADMIN, ALICE, "Alice Okafor", Role::Nurse, None);
    enrol(&mut world, ADMIN, BOB, "Bob Marsh", Role::Nurse, None);
    enrol(&mut world, WILLOW, CARER, "Cathy Lunn", Role::Carer, None);
    let started =
        world.seats[ALICE].device.app().start_plan(new_plan(0, true)).expect("a nurse can start a plan");
    let log = log_of(started.plan);
    world.truth.readers.insert(log, RIVERSIDE.into_iter().chain([PAT]).collect());
    world.feed(ALICE, Input::Wake);
    world.run(10_000);
    enrol(&mut world, ALICE, PAT, "Pat Hill", Role::Person, Some(started.plan));
    world.run(60_000);
    for there in &mut world.seats {
        there.device.crash();
    }
    world.relay.stop();
    world
}

fn charter(world: &mut World, network: &Network, seat: usize, name: &str, code: &str) {
    let device = &world.seats[seat].device;
    let request = device.app().request_organisation(name, code).expect("an organisation can ask");
    let charter =
        network.sign_organisation(device.host(), &request, Timestamp(world.now)).expect("it is a request");
    device.app().accept_charter(&charter, &format!("Administrator of {name}")).expect("it is its charter");
    join(world, seat);
}

fn enrol(world: &mut World, issuer: usize, new: usize, name: &str, role: Role, plan: Option<PlanId>) {
    let mut capabilities = role.usual_capabilities();
    if new == ALICE {
        capabilities.0 |= Capabilities::ENDORSE;
    }
    if new == BOB {
        capabilities.0 |= Capabilities::APPROVE;
    }
    let spec = InviteSpec {
        name: name.to_owned(),
        role,
        professional_number: None,
        capabilities: Some(capabilities),
        plan,
        hours: 24,
    };
    let invite = |app: &App| app.invite(spec).expect("who may invite can");
    let invitation = invite(world.seats[issuer].device.app());
    world.feed(issuer, Input::Wake);
    world.run(10_000);
    for step in 0.. {
        let World { relay, seats, now, .. } = world;
        let done = seats[new].device.enrol(&invitation, &mut |request| relay.enrol(*now, request));
        if done.expect("the invitation is good") {
            break;
        }
        assert!(step < 3, "the issuer is online and answers");
        world.feed(issuer, Input::Wake);
        world.run(10_000);
    }
    join(world, new);
}

fn join(world: &mut World, seat: usize) {
    world.seats[seat].credential = world.seats[seat].device.credential().expect("it was enrolled");
    world.feed(seat, Input::Unlocked(true));
    world.set_online(seat, true);
    world.run(10_000);
}
