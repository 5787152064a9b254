//! A network for one test: a real relay on a real socket, and devices in folders of their own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bedside_core::api::network::Network;
use bedside_core::api::{
    Answer, ApiError, App, Cancel, ConsentSpec, EnrolStep, Event, Host, InviteSpec, Leaf, NewPlan, Outcome,
    PlanId, Reader, Role, Source, Subscription, SyncReport, Timestamp,
};
use bedside_core::crypto::PinCost;
use bedside_core::store::OpenOptions;
use bedside_core::testing::{HeldClock, MemoryKeyStore, SeededEntropy};
use bedside_relay::config::{Config, Rate, Transport};
use bedside_relay::server::{self, Handle};
use tempfile::TempDir;

use crate::gate::{Gate, Wire};

pub const PIN: &str = "271828";
pub const JANE: &str = "9000000009";
/// The 22nd of November 2026, in the morning.
pub const MORNING: Timestamp = Timestamp(1_795_334_400_000);
/// Whatever is waited for has come by then, or never comes.
pub const LONG: Duration = Duration::from_secs(20);

/// Who belongs to it: the operator, the relay, and the wire between the relay and everybody.
pub struct World {
    folder: TempDir,
    runtime: tokio::runtime::Runtime,
    network: Network,
    host: Host,
    pub clock: Arc<HeldClock>,
    relay: Option<Handle>,
    pub gate: Gate,
    made: std::cell::Cell<u64>,
}

/// A device, as long as a process lives that has it open.
pub struct Device {
    app: Option<App>,
    pub dir: PathBuf,
    pub host: Host,
    pub clock: Arc<HeldClock>,
}

impl World {
    /// A network with a relay and nobody in it.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let clock = Arc::new(HeldClock::at(MORNING));
        let (host, _) = host(0, MORNING);
        // Nobody is there before the relay has its root.
        let gate = runtime.block_on(Gate::open("127.0.0.1:1".parse().unwrap()));
        let network = Network::create(&host, &format!("http://{}", gate.address));
        let mut world =
            Self { folder, runtime, network, host, clock, relay: None, gate, made: std::cell::Cell::new(0) };
        world.start_relay();
        world
    }

    pub fn relay_data(&self) -> PathBuf {
        self.folder.path().join("relay")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn start_relay(&mut self) {
        let data = self.relay_data();
        self.start_relay_with(data, self.network.root());
    }

    pub fn start_relay_with(&mut self, data: PathBuf, network_root: [u8; 32]) {
        let rate = Rate { per_second: 100_000, burst: 100_000 };
        let config = Config {
            data,
            listen: "127.0.0.1:0".parse().unwrap(),
            network_root,
            transport: Transport::PlainHttp,
            behind_proxy: false,
            device_rate: rate,
            address_rate: rate,
        };
        let clock = Arc::clone(&self.clock);
        let now = Arc::new(move || bedside_core::api::Clock::now(&*clock));
        let relay = self.runtime.block_on(server::start_at(config, now)).unwrap();
        self.gate.point_to(relay.addr);
        self.relay = Some(relay);
    }

    pub fn stop_relay(&mut self) {
        // Open connections end first: a live stream would hold the relay up for seconds.
        self.gate.point_to("127.0.0.1:1".parse().unwrap());
        if let Some(relay) = self.relay.take() {
            self.runtime.block_on(relay.stop());
        }
    }

    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// A device that belongs to nobody yet.
    pub fn device(&self, name: &str) -> Device {
        self.made.set(self.made.get() + 1);
        let (host, clock) = host(self.made.get(), MORNING);
        self.device_of(name, host, clock, PIN)
    }

    /// The same with a host and a PIN of its own.
    pub fn device_of(&self, name: &str, host: Host, clock: Arc<HeldClock>, pin: &str) -> Device {
        let dir = self.path(name);
        let app = App::create(&dir, host.clone(), pin).unwrap();
        Device { app: Some(app), dir, host, clock }
    }

    /// An organisation that has joined, and its administrator's device.
    pub fn organisation(&self, name: &str, ods: &str) -> Device {
        let device = self.device(&format!("admin-{ods}"));
        let request = device.request_organisation(name, ods).unwrap();
        let charter = self.network.sign_organisation(&self.host, &request, MORNING).unwrap();
        device.accept_charter(&charter, &format!("Admin of {name}")).unwrap();
        device.in_step();
        device
    }

    /// A colleague with a device.
    pub fn colleague(&self, admin: &Device, name: &str, role: Role) -> Device {
        let device = self.device(name);
        device.enrol_by(admin, InviteSpec { name: name.to_owned(), role, ..invitation() });
        device
    }

    /// Riverside with one nurse.
    pub fn with_nurse() -> (Self, Device) {
        let world = Self::new();
        let admin = world.organisation("Riverside", "RX1");
        let nurse = world.colleague(&admin, "Amira Khan", Role::Nurse);
        nurse.in_step();
        (world, nurse)
    }

    /// Riverside with a nurse who has started a plan that reached the relay, and a doctor who has it too.
    pub fn with_plan() -> (Self, Device, Device, PlanId) {
        let world = Self::new();
        let admin = world.organisation("Riverside", "RX1");
        let nurse = world.colleague(&admin, "Amira Khan", Role::Nurse);
        let doctor = world.colleague(&admin, "Ben Ode", Role::Doctor);
        let plan = nurse.start_plan(jane()).unwrap().plan;
        converge(&[&nurse, &doctor]);
        doctor.plan(plan).unwrap();
        (world, nurse, doctor, plan)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop_relay();
    }
}

/// A host whose secrets live in memory.
pub fn host(seed: u64, now: Timestamp) -> (Host, Arc<HeldClock>) {
    let clock = Arc::new(HeldClock::at(now));
    let host = Host {
        clock: clock.clone(),
        entropy: Arc::new(SeededEntropy::new(seed)),
        key_store: Arc::new(MemoryKeyStore::default()),
        pin_cost: PinCost::FOR_TESTS,
        language: Arc::default(),
        files: OpenOptions::default(),
    };
    (host, clock)
}

pub fn invitation() -> InviteSpec {
    InviteSpec {
        name: String::new(),
        role: Role::Nurse,
        professional_number: None,
        capabilities: None,
        plan: None,
        hours: 24,
    }
}

/// A plan that nobody was asked about beforehand, with consent to record and share.
pub fn jane() -> NewPlan {
    plan_for(JANE)
}

pub fn plan_for(nhs_number: &str) -> NewPlan {
    let said = |note: &str| ConsentSpec { outcome: Outcome::Given, note: note.to_owned(), grounds: None };
    NewPlan {
        nhs_number: nhs_number.to_owned(),
        demographics: None,
        record: said("She said yes"),
        share: Some(said("With whoever comes to the house")),
        seen_alive: false,
    }
}

/// Numbers that are never issued.
pub fn nhs_numbers() -> impl Iterator<Item = String> {
    (0..1_000_000_u32).filter_map(|serial| {
        let nine = format!("999{serial:06}");
        let weighed: u32 =
            nine.bytes().zip((2..=10).rev()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
        match 11 - weighed % 11 {
            11 => Some(format!("{nine}0")),
            10 => None,
            check => Some(format!("{nine}{check}")),
        }
    })
}

pub fn words(text: &str) -> Leaf {
    Leaf::new(Answer::text(text).unwrap(), Source::Observed)
}

impl std::ops::Deref for Device {
    type Target = App;

    fn deref(&self) -> &App {
        self.app.as_ref().expect("the device is open")
    }
}

impl Device {
    /// Syncs until nothing is left to be sent.
    pub fn in_step(&self) -> SyncReport {
        let report = self.try_sync().unwrap();
        assert_eq!(report.unsent, 0, "one sync sends everything");
        report
    }

    pub fn try_sync(&self) -> Result<SyncReport, ApiError> {
        self.sync(&Cancel::new())
    }

    /// Closes the device, as when its process ends.
    pub fn close(&mut self) {
        self.app = None;
    }

    /// Opens it again, locked.
    pub fn open_locked(&mut self) -> Result<(), ApiError> {
        self.app = None;
        self.app = Some(App::open(&self.dir, self.host.clone())?);
        Ok(())
    }

    /// Opens it again and unlocks it.
    pub fn reopen(&mut self) -> Result<(), ApiError> {
        self.open_locked()?;
        self.unlock(PIN)
    }

    /// Enrols this device by an invitation from another.
    pub fn enrol_by(&self, issuer: &Device, spec: InviteSpec) {
        let invitation = issuer.invite(spec).unwrap();
        issuer.in_step();
        let (sender, waiting) = channel();
        std::thread::scope(|scope| {
            let enrolling = scope.spawn(|| {
                let mut progress = |step| {
                    if step == EnrolStep::Waiting {
                        // The issuer is asked once and may have gone on.
                        let _ = sender.send(());
                    }
                };
                self.enrol(&invitation, &mut progress, &Cancel::new())
            });
            waiting.recv_timeout(LONG).unwrap();
            issuer.in_step();
            enrolling.join().unwrap().unwrap();
        });
    }

    pub fn set(&self, plan: PlanId, key: &str, text: &str) -> Result<(), ApiError> {
        let mut draft = self.draft(plan)?;
        draft.set(key, &words(text))?;
        draft.commit().map(drop)
    }

    pub fn write(&self, plan: PlanId, key: &str, text: &str) -> Result<(), ApiError> {
        let mut draft = self.draft(plan)?;
        draft.set_text(key, text)?;
        draft.commit().map(drop)
    }

    pub fn now(&self) -> Timestamp {
        bedside_core::api::Clock::now(&*self.clock)
    }

    /// Everything that a plan says, without when it was looked at and by whom.
    pub fn shown(&self, plan: PlanId) -> String {
        let mut view = serde_json::to_value(self.plan(plan).unwrap()).unwrap();
        for name in ["as_of", "waiting", "shared_only"] {
            view.as_object_mut().unwrap().remove(name);
        }
        view.to_string()
    }

    /// The ids of a plan's entries.
    pub fn entries(&self, plan: PlanId) -> Vec<String> {
        let mut entries: Vec<_> = self.history(plan).unwrap().into_iter().map(|row| row.entry).collect();
        entries.sort();
        entries
    }

    /// Hears events as they come.
    pub fn listen(&self) -> (Subscription, Receiver<Event>) {
        let (sender, heard) = channel();
        (self.subscribe(move |event| drop(sender.send(event.clone()))), heard)
    }
}

pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Waits for an event for which `wanted` holds.
pub fn hear(heard: &Receiver<Event>, mut wanted: impl FnMut(&Event) -> bool) {
    while !wanted(&heard.recv_timeout(LONG).expect("it happens, and soon")) {}
}

/// Two rounds: what the first to sync lacks may be what the last one has.
pub fn converge(devices: &[&Device]) {
    for _ in 0..2 {
        for device in devices {
            device.in_step();
        }
    }
}

/// Asserts that all show the same plan, none with anything held, waiting or in two places.
pub fn same_everywhere(devices: &[&Device], plan: PlanId) {
    let first = devices[0];
    for device in devices {
        assert_eq!(device.entries(plan), first.entries(plan));
        assert_eq!(device.shown(plan), first.shown(plan));
        assert!(device.history(plan).unwrap().iter().all(|row| row.held.is_none()), "nothing is held");
        assert_eq!(device.status().unwrap().waiting, Some(0));
    }
}

/// Text that does not compress.
pub fn noise(bytes: usize) -> String {
    let mut state = 1_u64;
    let letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + ((state >> 33) % 90) as u8)
    };
    std::iter::repeat_with(letter).take(bytes).collect()
}

pub fn closed(world: &World) {
    world.gate.set(Wire::Closed);
}

pub fn whole(world: &World) {
    world.gate.set(Wire::Whole);
}

/// The code of an error; panics when there is none.
pub fn code<T>(result: Result<T, ApiError>) -> &'static str {
    match result {
        Ok(_) => panic!("it should have failed"),
        Err(error) => error.code(),
    }
}

pub fn share_with(device: &Device, plan: PlanId, ods: &str) {
    device.share(plan, &Reader::Organisation(ods.to_owned())).unwrap();
}
