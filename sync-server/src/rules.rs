//! The relay's rules: who may sign in, push, fetch and enrol, and what waits for whom.
//!
//! Pure over a [`Storage`]: time and chance are arguments, there is no clock, socket, file or task here, so a simulation
//! drives exactly what a relay runs. Every request is one savepoint: it happens as a whole or not at all, and may be
//! repeated. Nothing a client sends makes a rule panic.
//!
//! | module | what |
//! |---|---|
//! | [`session`] | signing in by transport key and credentials |
//! | [`statements`] | what signed facts change |
//! | [`sync`] | push, pull, subscribe |
//! | [`feed`] | cursors, and what waits for a device |
//! | [`compare`] | finding what one side lacks |
//! | [`enrol`] | passing a new device's request to its issuer |

use std::collections::BTreeSet;
use std::path::Path;

use bedside_protocol::ids::{DeviceId, RelayEpoch, Timestamp};
use bedside_protocol::problem::{Problem, ProblemKind};
use bedside_protocol::statement::Trust;
use bedside_protocol::wire::{
    CompareAnswer, CompareRequest, Cursor, EnrolAnswer, EnrolRequest, LiveEvent, SessionAnswer,
    SessionRequest, SyncAnswer, SyncRequest,
};
use ring::hmac;

use crate::limits::DETAIL_BYTES_MAX;
use crate::storage::sqlite::{Birth, OpenError, SqliteStorage};
use crate::storage::{DeviceRow, Meta, Storage, Stored};

pub mod compare;
pub mod enrol;
pub mod feed;
pub mod session;
pub mod statements;
pub mod sync;
#[cfg(test)]
mod tests;

/// Fills a buffer with random bytes.
pub type Rng<'a> = dyn FnMut(&mut [u8]) + 'a;

/// Devices that now have something new.
pub type Wake = BTreeSet<DeviceId>;

/// The relay's rules over a database.
pub struct Relay<S: Storage> {
    storage: S,
    trust: Trust,
    meta: Meta,
    key: hmac::Key,
    /// The cached fields may differ from the database, because something was taken back.
    stale: bool,
    tally: Tally,
}

/// What happened since it was last taken; names nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Entries stored for the first time.
    pub entries_stored: u64,
    /// Entries that were there already.
    pub entries_repeated: u64,
    /// Entries refused.
    pub entries_refused: u64,
    /// Statements stored for the first time.
    pub statements_stored: u64,
    /// Statements refused.
    pub statements_refused: u64,
    /// Subscriptions to logs that the device may not read, which are passed over.
    pub subscriptions_ignored: u64,
    /// Answers to enrolments from devices that did not invite, or too late, which are passed over.
    pub enrolments_ignored: u64,
    /// Cursors that meant nothing.
    pub resets: u64,
    /// New epochs because this database turned out to be an old copy.
    pub epochs_drawn: u64,
}

impl Relay<SqliteStorage> {
    /// Opens a relay's database file, making it first if need be.
    pub fn open(path: &Path, root: [u8; 32], rng: &mut Rng<'_>) -> Result<Self, OpenError> {
        Ok(Self::new(SqliteStorage::open(path, &birth(root, rng))?)?)
    }

    /// A relay that lives as long as this value.
    pub fn open_in_memory(root: [u8; 32], rng: &mut Rng<'_>) -> Result<Self, OpenError> {
        Ok(Self::new(SqliteStorage::open_in_memory(&birth(root, rng))?)?)
    }
}

fn birth(root: [u8; 32], rng: &mut Rng<'_>) -> Birth {
    let (mut epoch, mut secret) = ([0; 16], [0; 32]);
    rng(&mut epoch);
    rng(&mut secret);
    Birth { root, epoch: RelayEpoch::new(epoch), secret }
}

impl<S: Storage> Relay<S> {
    /// Takes over a database that was opened and migrated.
    pub fn new(storage: S) -> Stored<Self> {
        let meta = storage.meta()?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &meta.secret);
        let trust = Trust::new(meta.root);
        let mut relay = Self { storage, trust, meta, key, stale: false, tally: Tally::default() };
        relay.reload()?;
        Ok(relay)
    }

    /// Signs a device in: first a challenge, then a session.
    pub fn session(
        &mut self,
        now: Timestamp,
        rng: &mut Rng<'_>,
        request: SessionRequest,
    ) -> Result<SessionAnswer, Problem> {
        match request {
            SessionRequest::Hello(hello) => self.hello(now, rng, &hello),
            SessionRequest::Prove(prove) => {
                self.check_proof(now, &prove)?;
                self.within(now, rng, |work| work.sign_in(&prove))?.0
            }
        }
    }

    /// The device that a token stands for.
    pub fn authenticate(&self, now: Timestamp, token: &[u8]) -> Result<DeviceId, Problem> {
        session::authenticate(&self.storage, now, token)
    }

    /// Takes what a device has and gives what it lacks. The answer may be sent once the surrounding transaction, if any,
    /// is committed.
    pub fn sync(
        &mut self,
        now: Timestamp,
        rng: &mut Rng<'_>,
        device: DeviceId,
        request: SyncRequest,
    ) -> Result<(SyncAnswer, Wake), Problem> {
        sync::check_limits(&request)?;
        self.within(now, rng, |work| work.sync(&device, request))
    }

    /// One step of comparing what a device holds with what is here for it. Changes nothing.
    pub fn compare(
        &self,
        now: Timestamp,
        device: DeviceId,
        request: &CompareRequest,
    ) -> Result<CompareAnswer, Problem> {
        compare::compare(&self.storage, now, device, request)
    }

    /// What a live stream that stands at `cursor` sends next; `None` when there is nothing. Changes nothing.
    pub fn live_page(
        &self,
        now: Timestamp,
        device: DeviceId,
        cursor: Cursor,
    ) -> Result<Option<LiveEvent>, Problem> {
        feed::live_page(&self.storage, now, device, feed::LiveFrom::Claimed(cursor))
    }

    /// A new device answers an invitation, or asks how far things are.
    pub fn enrol(
        &mut self,
        now: Timestamp,
        rng: &mut Rng<'_>,
        request: EnrolRequest,
    ) -> (Result<EnrolAnswer, Problem>, Wake) {
        if let Err(problem) = enrol::check_limits(&request) {
            return (Err(problem), Wake::new());
        }
        self.within(now, rng, |work| work.enrol(request))
            .unwrap_or_else(|problem| (Err(problem), Wake::new()))
    }

    /// This life of the database.
    pub fn epoch(&self) -> RelayEpoch {
        self.meta.epoch
    }

    /// Begins a new life: after this every device compares.
    pub fn draw_epoch(&mut self, rng: &mut Rng<'_>) -> Stored<()> {
        let mut epoch = [0; 16];
        rng(&mut epoch);
        let epoch = RelayEpoch::new(epoch);
        self.storage.set_epoch(&epoch)?;
        self.meta.epoch = epoch;
        Ok(())
    }

    /// What happened since this was last called.
    pub fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    /// The database.
    pub fn storage(&self) -> &S {
        &self.storage
    }

    /// The statements that are believed.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Begins a transaction that several requests share.
    pub fn begin(&mut self) -> Result<(), Problem> {
        Ok(self.storage.begin()?)
    }

    /// Makes them all durable, or none.
    pub fn commit(&mut self) -> Result<(), Problem> {
        let committed = self.storage.commit();
        if committed.is_err() {
            self.abandon();
        }
        Ok(committed?)
    }

    /// Takes back everything since [`Self::begin`].
    pub fn abandon(&mut self) {
        self.stale = true;
        if let Err(error) = self.storage.abandon() {
            tracing::error!(step = error.step, cause = %error.source, "the database refused");
        }
    }

    /// Takes back a request that ended by a panic.
    pub fn clear_up(&mut self) {
        self.stale = true;
        // There is nothing to take back when the request had not begun.
        let _ = self.storage.roll_back();
    }

    fn reload(&mut self) -> Stored<()> {
        self.meta = self.storage.meta()?;
        let mut trust = Trust::new(self.meta.root);
        let mut doubtful = 0_u32;
        self.storage.each_vouching(&mut |bytes| doubtful += u32::from(trust.accept(bytes).is_err()))?;
        if doubtful > 0 {
            tracing::error!(doubtful, "stored statements do not verify; run `bedside-relay check`");
        }
        self.trust = trust;
        self.stale = false;
        Ok(())
    }

    /// Runs one request: all of it is kept, or nothing.
    fn within<T>(
        &mut self,
        now: Timestamp,
        rng: &mut Rng<'_>,
        run: impl FnOnce(&mut Work<'_, '_, S>) -> Result<T, Problem>,
    ) -> Result<(T, Wake), Problem> {
        if self.stale {
            self.reload()?;
        }
        self.storage.savepoint()?;
        // Until the end is reached, even by a panic, the cached fields are not to be believed.
        self.stale = true;
        let (seq, epoch) = (self.meta.seq, self.meta.epoch);
        let mut work = Work { relay: self, now, rng, nonce: None, woken: BTreeSet::new(), vouched: false };
        let outcome = run(&mut work).and_then(|value| Ok((value, work.wake()?)));
        let vouched = work.vouched;
        let kept = outcome.and_then(|value| {
            if self.meta.seq != seq {
                self.storage.set_seq(self.meta.seq)?;
            }
            self.storage.release()?;
            Ok(value)
        });
        if kept.is_ok() {
            self.stale = false;
            return kept;
        }
        let taken_back = self.storage.roll_back();
        self.meta.seq = seq;
        self.meta.epoch = epoch;
        self.stale = vouched || taken_back.is_err();
        kept
    }
}

/// One request while it is worked on.
struct Work<'r, 'g, S: Storage> {
    relay: &'r mut Relay<S>,
    now: Timestamp,
    rng: &'r mut Rng<'g>,
    nonce: Option<u32>,
    woken: BTreeSet<DeviceRow>,
    vouched: bool,
}

impl<S: Storage> Work<'_, '_, S> {
    fn storage(&self) -> &S {
        &self.relay.storage
    }

    fn wake(&self) -> Stored<Wake> {
        self.woken.iter().map(|device| self.storage().device_id(*device)).collect()
    }
}

/// A problem whose text has a bounded length.
fn refuse(kind: ProblemKind, detail: impl Into<String>) -> Problem {
    let mut detail = detail.into();
    if detail.len() > DETAIL_BYTES_MAX {
        let end = (0..=DETAIL_BYTES_MAX).rev().find(|end| detail.is_char_boundary(*end)).unwrap_or(0);
        detail.truncate(end);
    }
    kind.because(detail)
}

fn too_many(what: &str, count: usize, most: usize) -> Result<(), Problem> {
    if count <= most {
        return Ok(());
    }
    Err(refuse(ProblemKind::TooLarge, format!("{count} {what}; send at most {most} at once")))
}
