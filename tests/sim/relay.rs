//! The relay's real rules behind a process that can be stopped, restored from a backup, or taken over.

use std::fs;
use std::path::{Path, PathBuf};

use bedside_core::engine::Failure;
use bedside_core::testing::sim::Outbound;
use bedside_protocol::ids::{DeviceId, SealedId, Timestamp};
use bedside_protocol::problem::{Problem, ProblemKind};
use bedside_protocol::wire::{
    CompareAnswer, EnrolAnswer, EnrolRequest, Item, LiveEvent, Session, SessionAnswer, SessionRequest,
    SyncAnswer,
};
use bedside_relay::rules::feed::{LiveFrom, live_page};
use bedside_relay::rules::{Relay, Wake};
use bedside_relay::storage::Storage;
use bedside_relay::storage::sqlite::SqliteStorage;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// What comes back over the network.
pub(crate) enum Answer {
    /// To be signed.
    Challenge([u8; 32]),
    /// Signed in.
    Session(Session),
    /// To a sync.
    Synced(Box<SyncAnswer>),
    /// To a comparison.
    Compared(CompareAnswer),
    /// Nothing useful.
    Failed(Failure),
}

/// How the relay behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As it should.
    Honest,
    /// Not at all.
    Down,
    /// It refuses everything.
    Refusing(ProblemKind),
    /// Something else answers at its address; requests still reach it.
    Garbage,
    /// It adds things to its answers that are no entries.
    Adding,
}

/// The relay.
pub(crate) struct RelayHost {
    relay: Option<Relay<SqliteStorage>>,
    dir: PathBuf,
    root: [u8; 32],
    chance: ChaCha8Rng,
    backups: usize,
    /// How it behaves.
    pub(crate) mode: Mode,
}

const FILES: [&str; 2] = ["relay.db", "relay.db-wal"];

impl RelayHost {
    /// Opens the relay in a directory.
    pub(crate) fn open(dir: &Path, root: [u8; 32], seed: u64) -> Self {
        fs::create_dir_all(dir).expect("the directory can be made");
        let mut host = Self {
            relay: None,
            dir: dir.to_owned(),
            root,
            chance: ChaCha8Rng::seed_from_u64(seed ^ 0x0072_656c_6179),
            backups: 0,
            mode: Mode::Honest,
        };
        host.start();
        host
    }

    fn start(&mut self) {
        let chance = &mut self.chance;
        let opened = Relay::open(&self.dir.join(FILES[0]), self.root, &mut |out| chance.fill_bytes(out));
        self.relay = Some(opened.expect("the relay opens its database"));
    }

    /// The files of the relay, copied.
    pub(crate) fn copy_to(&self, dir: &Path) {
        fs::create_dir_all(dir).expect("the directory can be made");
        for file in FILES {
            let (from, to) = (self.dir.join(file), dir.join(file));
            let _ = fs::remove_file(&to);
            if from.exists() {
                fs::copy(from, to).expect("a file can be copied");
            }
        }
    }

    /// Makes a backup and says which.
    pub(crate) fn back_up(&mut self) -> usize {
        self.copy_to(&self.dir.join(format!("backup-{}", self.backups)));
        self.backups += 1;
        self.backups - 1
    }

    /// How many backups there are.
    pub(crate) const fn backups(&self) -> usize {
        self.backups
    }

    /// Puts a backup in place of what is there.
    pub(crate) fn restore(&mut self, backup: usize, new_epoch: bool) {
        self.relay = None;
        for file in ["relay.db", "relay.db-wal", "relay.db-shm"] {
            let _ = fs::remove_file(self.dir.join(file));
        }
        let from = self.dir.join(format!("backup-{backup}"));
        for file in FILES.into_iter().filter(|file| from.join(file).exists()) {
            fs::copy(from.join(file), self.dir.join(file)).expect("a file can be copied");
        }
        self.start();
        if new_epoch {
            let (relay, chance) = self.parts();
            relay.draw_epoch(&mut |out| chance.fill_bytes(out)).expect("the epoch can be written");
        }
    }

    /// Stops it and lets its files be copied.
    pub(crate) fn stop(&mut self) {
        self.relay = None;
    }

    fn parts(&mut self) -> (&mut Relay<SqliteStorage>, &mut ChaCha8Rng) {
        (self.relay.as_mut().expect("the relay runs"), &mut self.chance)
    }

    /// The public key of the network.
    pub(crate) const fn root(&self) -> [u8; 32] {
        self.root
    }

    /// The rules, to look into.
    pub(crate) fn rules(&self) -> &Relay<SqliteStorage> {
        self.relay.as_ref().expect("the relay runs")
    }

    /// True when the relay stores the entry.
    pub(crate) fn stores(&self, sealed: &SealedId) -> bool {
        self.rules().storage().entry(sealed).expect("the database can be read").is_some()
    }

    /// A new device asks to be enrolled.
    pub(crate) fn enrol(&mut self, now: u64, request: &EnrolRequest) -> Option<Vec<u8>> {
        let (relay, chance) = self.parts();
        match relay.enrol(Timestamp(now), &mut |out| chance.fill_bytes(out), request.clone()).0 {
            Ok(EnrolAnswer::Issued(answer)) => Some(answer),
            Ok(EnrolAnswer::Waiting) => None,
            Err(problem) => panic!("the relay refuses the enrolment: {problem}"),
        }
    }

    /// What a live stream that stands at `from` sends next.
    pub(crate) fn live(&self, now: u64, device: DeviceId, from: LiveFrom) -> Option<LiveEvent> {
        live_page(self.rules().storage(), Timestamp(now), device, from).unwrap_or_default()
    }

    /// Works on one request.
    pub(crate) fn handle(&mut self, now: u64, message: Outbound) -> (Answer, Wake) {
        if let Mode::Refusing(kind) = self.mode {
            let problem = Problem { retry_after_ms: Some(2_000), ..kind.because("a bad day") };
            return (Answer::Failed(Failure::Refused(problem)), Wake::new());
        }
        let (mut answer, wake) = self
            .work(Timestamp(now), message)
            .unwrap_or_else(|problem| (Answer::Failed(Failure::Refused(problem)), Wake::new()));
        match (&mut answer, self.mode) {
            (answer, Mode::Garbage) => *answer = Answer::Failed(Failure::Garbage),
            (Answer::Synced(page), Mode::Adding) => self.add_garbage(&mut page.items),
            _ => {}
        }
        (answer, wake)
    }

    fn add_garbage(&mut self, items: &mut Vec<Item>) {
        let mut noise = [0; 120];
        self.chance.fill_bytes(&mut noise);
        // No version of a sealed entry.
        noise[0] |= 2;
        items.insert(0, Item::Entry(noise.to_vec()));
        items.push(Item::Statement(noise[..60].to_vec()));
        let first = items.iter().find_map(|item| match item {
            Item::Entry(bytes) if bytes.len() > 150 => Some(bytes.clone()),
            _ => None,
        });
        if let Some(mut bytes) = first {
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            items.insert(0, Item::Entry(bytes));
        }
    }

    fn work(&mut self, now: Timestamp, message: Outbound) -> Result<(Answer, Wake), Problem> {
        let (relay, chance) = self.parts();
        let fill = &mut |out: &mut [u8]| chance.fill_bytes(out);
        match message {
            Outbound::SignIn(request) => Ok((session(relay.session(now, fill, request)?), Wake::new())),
            Outbound::Sync(token, request) => {
                let device = relay.authenticate(now, &token)?;
                let (answer, wake) = relay.sync(now, fill, device, *request)?;
                Ok((Answer::Synced(Box::new(answer)), wake))
            }
            Outbound::Compare(token, request) => {
                let device = relay.authenticate(now, &token)?;
                Ok((Answer::Compared(relay.compare(now, device, &request)?), Wake::new()))
            }
        }
    }
}

fn session(answer: SessionAnswer) -> Answer {
    match answer {
        SessionAnswer::Challenge(challenge) => Answer::Challenge(challenge),
        SessionAnswer::Session(session) => Answer::Session(session),
    }
}

/// What a message is, in a few words for the log.
pub(crate) fn describe(message: &Outbound) -> String {
    match message {
        Outbound::SignIn(SessionRequest::Hello(_)) => "hello".to_owned(),
        Outbound::SignIn(SessionRequest::Prove(prove)) => {
            format!("prove with {} statements", prove.statements.len())
        }
        Outbound::Sync(_, sync) => format!(
            "sync from {:?}: {} entries, {} statements, subscribe {} follow {}, want {} statements {} entries",
            sync.cursor.map(|cursor| cursor.at),
            sync.entries.len(),
            sync.statements.len(),
            sync.subscribe.len(),
            sync.follow.len(),
            sync.want_statements.len(),
            sync.want_entries.len()
        ),
        Outbound::Compare(_, compare) => format!("compare {} ranges", compare.ranges.len()),
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Challenge(_) => f.write_str("challenge"),
            Self::Session(_) => f.write_str("session"),
            Self::Synced(page) => write!(
                f,
                "to {}: {} receipts ({} refused), {} statements refused, {} items, {} statements{}{}",
                page.cursor.at,
                page.receipts.len(),
                page.receipts.iter().filter(|receipt| receipt.refused.is_some()).count(),
                page.refused_statements.len(),
                page.items.len(),
                page.statements.len(),
                if page.more { ", more" } else { "" },
                if page.reset { ", reset" } else { "" }
            ),
            Self::Compared(answer) => {
                write!(f, "compared: {} listed, {} split", answer.listed.len(), answer.split.len())
            }
            Self::Failed(failure) => write!(f, "failed: {failure:?}"),
        }
    }
}
