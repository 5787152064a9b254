//! An organisation, its staff with their devices, a relay, and invented plans, all made through what an app calls.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bedside_core::api::network::Network;
use bedside_core::api::{
    Answer, App, Cancel, ConsentSpec, Event, Host, InviteSpec, Leaf, NewPlan, Outcome, PlanId, Role, Source,
    Subscription, SystemClock, read_patient,
};
use bedside_core::crypto::PinCost;
use bedside_core::crypto::entropy::SystemEntropy;
use bedside_core::crypto::keys::SigningKey;
use bedside_core::ports::Clock;
use bedside_core::store::OpenOptions;
use bedside_core::testing::{MemoryKeyStore, SeededEntropy};
use bedside_protocol::signing::Signer;
use bedside_relay::config::{Config, Rate, Transport};
use bedside_relay::server;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::measure::{in_memory, on_disk, progress, time};
use super::wire::Wire;

pub(crate) const PIN: &str = "271828";
const ROOT_SEED: u64 = 7;

/// Nothing takes so long unless something is wrong.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody with a device.
pub(crate) struct Person {
    pub(crate) app: App,
    pub(crate) host: Host,
}

/// A host whose PINs cost nothing to try, so that everything else shows.
pub(crate) fn host() -> Host {
    Host {
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy::new()),
        key_store: Arc::new(MemoryKeyStore::default()),
        pin_cost: PinCost::FOR_TESTS,
        language: Arc::default(),
        files: OpenOptions::default(),
    }
}

impl Person {
    fn new(dir: &Path) -> Self {
        let host = host();
        let app = App::create(dir, host.clone(), PIN).expect("the directory is new");
        Self { app, host }
    }
}

/// A network root that benchmarks can sign with, too.
pub(crate) fn root() -> SigningKey {
    SigningKey::generate(&SeededEntropy::new(ROOT_SEED))
}

/// An organisation's administrator with a charter, who has not been online.
fn administrator(dir: &Path, relay: &str) -> Person {
    let seeded = Host { entropy: Arc::new(SeededEntropy::new(ROOT_SEED)), ..host() };
    let network = Network::create(&seeded, relay);
    assert_eq!(network.root(), root().public_key(), "the root is made first");
    let admin = Person::new(dir);
    let request = admin.app.request_organisation("Riverside Community Trust", "RX9").expect("a fair request");
    let charter = network.sign_organisation(&admin.host, &request, SystemClock.now()).expect("as requested");
    admin.app.accept_charter(&charter, "Ada Administrator").expect("it was signed for this device");
    admin
}

/// A relay on this machine behind a wire that counts and delays, and an organisation.
pub(crate) struct World {
    pub(crate) wire: Wire,
    pub(crate) runtime: Runtime,
    pub(crate) direct: SocketAddr,
    pub(crate) dir: TempDir,
    relay: server::Handle,
    admin: Person,
}

impl World {
    /// Databases in memory: for what is not about the disk.
    pub(crate) fn in_memory() -> Self {
        Self::within(in_memory())
    }

    /// Databases on the disk.
    pub(crate) fn on_disk() -> Self {
        Self::within(on_disk())
    }

    fn within(dir: TempDir) -> Self {
        let runtime = runtime();
        let wire = runtime.block_on(Wire::open());
        let relay = runtime.block_on(relay(&dir.path().join("relay")));
        wire.connect(relay.addr);
        let admin = administrator(&dir.path().join("admin"), &format!("http://{}", wire.address));
        admin.app.go_online().expect("the charter names the relay");
        let direct = relay.addr;
        Self { wire, runtime, direct, dir, relay, admin }
    }

    /// Somebody new, enrolled by the administrator, in step and offline.
    pub(crate) fn nurse(&self, name: &str) -> Person {
        let person = Person::new(&self.dir.path().join(name));
        let spec = InviteSpec {
            name: name.to_owned(),
            role: Role::Nurse,
            professional_number: None,
            capabilities: None,
            plan: None,
            hours: 1,
        };
        let invitation = self.admin.app.invite(spec).expect("an administrator invites");
        self.admin.app.sync(&Cancel::new()).expect("the relay hears of the invitation");
        person.app.enrol(&invitation, &mut |_| {}, &Cancel::new()).expect("the administrator is online");
        person
    }

    /// The administrator's device has nothing to do with what is measured.
    pub(crate) fn without_administrator(&self) {
        self.admin.app.go_offline();
    }

    pub(crate) fn live_streams(&self) -> usize {
        self.relay.live_streams()
    }
}

/// Runs relay, wire and clients that are not apps.
pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the system has threads")
}

/// A relay without limits on rates.
pub(crate) async fn relay(data: &Path) -> server::Handle {
    let free = Rate { per_second: 1_000_000, burst: 1_000_000 };
    let config = Config {
        data: data.to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        network_root: root().public_key(),
        transport: Transport::PlainHttp,
        behind_proxy: false,
        device_rate: free,
        address_rate: free,
    };
    server::start(config).await.expect("the directory is new and the port free")
}

/// The first NHS numbers of the range that is nobody's.
fn nhs_numbers() -> impl Iterator<Item = String> {
    (0..1_000_000_u32).filter_map(|serial| {
        let nine = format!("999{serial:06}");
        let weighed =
            nine.bytes().zip((2..=10).rev()).map(|(digit, weight)| u32::from(digit - b'0') * weight);
        match 11 - weighed.sum::<u32>() % 11 {
            11 => Some(format!("{nine}0")),
            10 => None,
            check => Some(format!("{nine}{check}")),
        }
    })
}

const FAMILIES: [&str; 12] = [
    "Abara", "Brown", "Chaudhry", "Davies", "Evans", "Fofanah", "Green", "Hughes", "Iqbal", "Jones",
    "Kowalska", "Lewis",
];
const GIVEN: [&str; 8] = ["Amina", "Ben", "Carys", "Dewi", "Efua", "Farah", "George", "Hana"];
const TOWNS: [&str; 5] = ["Leeds", "Bath", "York", "Truro", "Wigan"];

const SYLLABLES: [&str; 30] = [
    "ba", "ren", "mi", "tova", "sel", "ko", "dan", "li", "pur", "ga", "wen", "so", "rik", "ha", "nel", "vo",
    "tas", "me", "lor", "fi", "jun", "ra", "cot", "by", "zel", "na", "wick", "pe", "mur", "ko",
];

/// A family name that nobody else of ten thousand has.
pub(crate) fn family(n: usize) -> String {
    let (stem, place) = (FAMILIES[n % FAMILIES.len()], n / FAMILIES.len());
    let [first, second] = [place % SYLLABLES.len(), place / SYLLABLES.len() % SYLLABLES.len()];
    format!("{stem}{}{}", SYLLABLES[first], SYLLABLES[second])
}

/// Starts plans for invented people. Each has three entries: two consents, and what a demographics service says.
pub(crate) fn start_plans(person: &Person, count: usize) -> Vec<PlanId> {
    let start =
        || nhs_numbers().take(count).enumerate().map(|(n, number)| start_plan(person, n, number)).collect();
    let (took, plans) = time(start);
    progress(&format!("{count} plans started in {:.1} s", took.as_secs_f64()));
    plans
}

fn start_plan(person: &Person, n: usize, number: String) -> PlanId {
    let consent = |to: &str| ConsentSpec {
        outcome: Outcome::Given,
        note: format!("agreed at home to {to}"),
        grounds: None,
    };
    let given = GIVEN[n / 12 % GIVEN.len()];
    let patient = serde_json::json!({
        "resourceType": "Patient",
        "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": number}],
        "name": [{"use": "usual", "family": family(n), "given": [given]}],
        "birthDate": format!("19{:02}-{:02}-11", 20 + n % 60, 1 + n % 12),
        "gender": if n.is_multiple_of(2) { "female" } else { "male" },
        "address": [{"use": "home", "line": [format!("{n} High Street"), TOWNS[n % TOWNS.len()]], "postalCode": "LS1 6AE"}],
    });
    let json = patient.to_string();
    let demographics = read_patient(json.as_bytes(), SystemClock.now()).expect("a fair patient");
    let new = NewPlan {
        nhs_number: number,
        demographics: Some(demographics),
        record: consent("record"),
        share: Some(consent("share")),
        seen_alive: false,
    };
    person.app.start_plan(new).expect("the number is new and the nurse may").plan
}

const FIELDS: [&str; 6] = [
    "preferences.place_of_care_1_where",
    "team.key_worker",
    "gp.usual",
    "home.medicines_kept",
    "home.documents_kept",
    "communication.mode",
];

/// One edit of one field; another text for each `n`.
pub(crate) fn edit(person: &Person, plan: PlanId, n: usize) {
    let words =
        Answer::text(&format!("as told on visit {n}, on the left by the door")).expect("a short text");
    let mut draft = person.app.draft(plan).expect("the plan is here");
    draft.set(FIELDS[n % FIELDS.len()], &Leaf::new(words, Source::Person)).expect("a line of text fits");
    draft.commit().expect("a nurse may write");
}

/// Gives each plan so many entries in all.
pub(crate) fn fill(person: &Person, plans: &[PlanId], entries: usize) {
    let begun = 3;
    let (took, ()) = time(|| {
        for plan in plans {
            (begun..entries).for_each(|n| edit(person, *plan, n));
        }
    });
    progress(&format!("{} plans of {entries} entries after {:.1} s more", plans.len(), took.as_secs_f64()));
}

/// Syncs until everything that others know is here and everything that is known here is there.
pub(crate) fn in_step(person: &Person, plans: usize) {
    let (took, ()) = time(|| {
        loop {
            person.app.sync(&Cancel::new()).expect("the relay is up");
            let status = person.app.status().expect("unlocked");
            if status.unsent == 0 && status.unopened == 0 && status.plans == Some(plans as u64) {
                break;
            }
        }
    });
    progress(&format!("in step with {plans} plans after {:.1} s", took.as_secs_f64()));
}

/// Everything that an app is told from now on.
pub(crate) fn listen(person: &Person) -> (Receiver<(std::time::Instant, Event)>, Subscription) {
    let (sender, heard) = channel();
    let subscription =
        person.app.subscribe(move |event| drop(sender.send((super::measure::now(), event.clone()))));
    (heard, subscription)
}
