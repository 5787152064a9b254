//! A device without threads, sockets or tasks: the real engine, vault and mailbox, with effects performed one at a time
//! and requests handed to whoever simulates the network.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bedside_protocol::entry::Compartment;
use bedside_protocol::ids::{EntryId, LogId, Timestamp};
use bedside_protocol::signing::Signer;
use bedside_protocol::wire::{
    CompareRequest, Cursor, Hello, Prove, SessionRequest, SyncRequest, challenge_message,
};
use minicbor::bytes::ByteVec;

use super::look::HeldEntry;
use super::{HeldClock, MemoryKeyStore, SeededEntropy};
use crate::api::{ApiError, App};
use crate::crypto::PinCost;
use crate::driver::device::Host;
use crate::driver::work::{self, Sent};
use crate::engine::{Effect, Engine, Failure, Input, Request, Start, Status};
use crate::store::OpenOptions;

/// The PIN of every simulated device.
pub const PIN: &str = "271828";

/// One simulated device.
pub struct SimDevice {
    dir: PathBuf,
    host: Host,
    key_store: Arc<MemoryKeyStore>,
    /// Its clock, to be set by the simulation.
    pub clock: Arc<HeldClock>,
    app: Option<App>,
    engine: Engine,
    sent: Sent,
    /// When the engine wants to be woken.
    pub due: Option<Timestamp>,
    /// The cursor of the live stream, while it is open.
    pub live: Option<Cursor>,
    /// How many live streams were opened: tells one from the next.
    pub streams: u64,
    /// The last status the engine told.
    pub status: Option<Status>,
    /// Effects performed since the device was made or reopened.
    pub effects: u64,
    /// The effect that the last crash came before.
    pub crashed_before: Option<&'static str>,
    /// What its vault held when it crashed; absent when it was locked.
    pub held_at_crash: Option<BTreeMap<LogId, BTreeMap<EntryId, HeldEntry>>>,
    /// Where its logs beside main ones stood when it crashed.
    pub places_at_crash: BTreeMap<LogId, (LogId, Compartment)>,
}

/// What a device sends to the relay.
#[derive(Clone, Debug)]
pub enum Outbound {
    /// Both steps of signing in; [`SimDevice::prove`] makes the second.
    SignIn(SessionRequest),
    /// With its token.
    Sync([u8; 32], Box<SyncRequest>),
    /// With its token.
    Compare([u8; 32], CompareRequest),
}

/// How [`SimDevice::feed`] ended.
pub enum Fed {
    /// Everything was performed; these requests are on their way.
    Done(Vec<Outbound>),
    /// The device crashed after as many effects as it was given; requests sent before are on their way.
    Crashed(Vec<Outbound>),
}

impl SimDevice {
    /// A new device, unlocked.
    pub fn create(dir: &Path, seed: u64, now: Timestamp, files: OpenOptions) -> Result<Self, ApiError> {
        let mut device = Self::down(dir, MemoryKeyStore::default(), seed, now, files);
        device.app = Some(App::create(dir, device.host.clone(), PIN)?);
        Ok(device)
    }

    /// Another device with the same secrets whose files are copies of this one's, as a backup would bring it back: down,
    /// as this one was when it was copied. Its chance comes from another seed.
    #[must_use]
    pub fn copied_to(&self, dir: &Path, seed: u64, now: Timestamp) -> Self {
        Self::down(dir, self.key_store.copy(), seed, now, self.host.files.clone())
    }

    /// The same device over other files: a file system that fails. For one that is down.
    #[must_use]
    pub fn over(mut self, files: OpenOptions) -> Self {
        self.host.files = files;
        self
    }

    /// From its next start on the device's mailbox takes no more than this from a relay.
    pub fn limit_mailbox(&mut self, bytes: u64) {
        self.host.files.mailbox_bytes_max = Some(bytes);
    }

    fn down(dir: &Path, key_store: MemoryKeyStore, seed: u64, now: Timestamp, files: OpenOptions) -> Self {
        let (clock, key_store) = (Arc::new(HeldClock::at(now)), Arc::new(key_store));
        let host = Host {
            clock: clock.clone(),
            entropy: Arc::new(SeededEntropy::new(seed)),
            key_store: key_store.clone(),
            pin_cost: PinCost::FOR_TESTS,
            language: Arc::default(),
            files,
        };
        Self {
            dir: dir.to_owned(),
            host,
            key_store,
            clock,
            app: None,
            engine: Engine::new(Start { live: true, ..Start::default() }),
            sent: Sent::default(),
            due: None,
            live: None,
            streams: 0,
            status: None,
            effects: 0,
            crashed_before: None,
            held_at_crash: None,
            places_at_crash: BTreeMap::new(),
        }
    }

    /// What the device's app gave the core.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// What an app would hold.
    ///
    /// # Panics
    /// While the device is down.
    #[must_use]
    pub fn app(&self) -> &App {
        self.app.as_ref().expect("the device is up")
    }

    /// True unless it crashed and was not reopened.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        self.app.is_some()
    }

    /// True when the engine waits for nothing but its timer.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.engine.is_settled()
    }

    /// The process ends here and now: nothing is closed or flushed beyond what SQLite has done.
    pub fn crash(&mut self) {
        self.held_at_crash = None;
        if self.is_unlocked() {
            self.held_at_crash = self.entries().ok();
            self.places_at_crash = self.places().unwrap_or_default();
        }
        self.app = None;
        (self.due, self.live) = (None, None);
    }

    /// Starts again after a crash; locked unless `unlock`.
    pub fn reopen(&mut self, unlock: bool) -> Result<Vec<Outbound>, ApiError> {
        let app = App::open(&self.dir, self.host.clone())?;
        if unlock {
            app.unlock(PIN)?;
        }
        let state = app.device.mailbox.state().map_err(crate::driver::DriverError::Store)?;
        self.engine = Engine::new(Start {
            cursor: state.cursor,
            session: state.token.is_some(),
            recovering: state.recovering,
            live: true,
        });
        self.app = Some(app);
        self.effects = 0;
        match self.feed(Input::Unlocked(unlock), u64::MAX) {
            Fed::Done(sent) | Fed::Crashed(sent) => Ok(sent),
        }
    }

    /// Unlocks a locked device.
    pub fn unlock(&mut self) -> Result<Vec<Outbound>, ApiError> {
        self.app().unlock(PIN)?;
        match self.feed(Input::Unlocked(true), u64::MAX) {
            Fed::Done(sent) | Fed::Crashed(sent) => Ok(sent),
        }
    }

    /// Gives the engine an input and performs what it asks for, at most `budget` effects, then crashes.
    pub fn feed(&mut self, input: Input, budget: u64) -> Fed {
        let mut inputs = VecDeque::from([input]);
        let mut out = Vec::new();
        let mut left = budget;
        while let Some(input) = inputs.pop_front() {
            let (now, chance) = (self.app().device.now(), self.app().device.chance());
            for effect in self.engine.handle(now, chance, input) {
                if left == 0 {
                    self.crashed_before = Some(name_of(&effect));
                    self.crash();
                    return Fed::Crashed(out);
                }
                left -= 1;
                self.effects += 1;
                inputs.extend(self.perform(effect, &mut out));
            }
        }
        Fed::Done(out)
    }

    fn perform(&mut self, effect: Effect, out: &mut Vec<Outbound>) -> Option<Input> {
        let device = &self.app.as_ref().expect("feed() is called on a device that is up").device;
        let failed = |error: crate::driver::DriverError| Input::StoreFailed(error.as_store_failure());
        let stored = |result: Result<(), _>| result.map_or_else(failed, |()| Input::Stored);
        match effect {
            Effect::Collect => match work::collect(device) {
                Ok((request, sent, rest)) => {
                    self.sent = sent;
                    Some(Input::Collected { request: Box::new(request), rest })
                }
                Err(error) => Some(failed(error)),
            },
            Effect::Send(request) => self.send(request, out),
            Effect::KeepSession(session) => work::keep_session(device, &session).err().map(failed),
            Effect::DropSession => work::drop_session(device).err().map(failed),
            Effect::Store(answer) => {
                Some(stored(work::store_answer(device, *answer, &std::mem::take(&mut self.sent))))
            }
            Effect::StoreLive(event) => Some(stored(work::store_live(device, &event))),
            Effect::Open => match device.open_mail() {
                Ok(true) => Some(Input::Wake),
                Ok(false) | Err(_) => None,
            },
            Effect::Republish => {
                Some(stored(device.vault().and_then(|open| open.republish(&device.mailbox))))
            }
            Effect::Sums(ranges) => {
                let sums = device.vault().and_then(|open| open.sums(&ranges));
                Some(sums.map_or_else(failed, Input::Sums))
            }
            Effect::Settle(found) => {
                Some(stored(device.vault().and_then(|open| open.settle(&found, &device.mailbox))))
            }
            Effect::Recovering(recovering) => work::set_recovering(device, recovering).err().map(failed),
            Effect::OpenLive(cursor) => {
                self.live = Some(cursor);
                self.streams += 1;
                None
            }
            Effect::CloseLive => {
                self.live = None;
                None
            }
            Effect::WakeAt(at) => {
                self.due = Some(at);
                None
            }
            Effect::Status(status) => {
                self.status = Some(status);
                None
            }
        }
    }

    fn send(&self, request: Request, out: &mut Vec<Outbound>) -> Option<Input> {
        let device = &self.app().device;
        let token = || device.mailbox.state().ok().and_then(|state| state.token);
        match request {
            Request::SignIn => {
                let hello =
                    Hello { version: bedside_protocol::VERSION, transport_key: device.transport_key() };
                out.push(Outbound::SignIn(SessionRequest::Hello(hello)));
            }
            Request::Sync(request) => match token() {
                Some(token) => out.push(Outbound::Sync(token, request)),
                None => return Some(Input::Failed(Failure::Unreachable)),
            },
            Request::Compare(request) => match token() {
                Some(token) => out.push(Outbound::Compare(token, request)),
                None => return Some(Input::Failed(Failure::Unreachable)),
            },
        }
        None
    }

    /// The second step of signing in.
    #[must_use]
    pub fn prove(&self, challenge: [u8; 32]) -> SessionRequest {
        let device = &self.app().device;
        let transport_key = device.transport_key();
        let signature = device.transport().sign(&challenge_message(&challenge, &transport_key));
        let statements = work::own_statements(device).unwrap_or_default();
        let statements = statements.into_iter().map(ByteVec::from).collect();
        SessionRequest::Prove(Prove { transport_key, challenge, signature, statements })
    }

    /// Both sides of an enrolment through the relay, given what the relay says to the request: `None` to ask again.
    pub fn enrol(
        &mut self,
        invitation: &str,
        ask: &mut dyn FnMut(&bedside_protocol::wire::EnrolRequest) -> Option<Vec<u8>>,
    ) -> Result<bool, ApiError> {
        let device = &self.app().device;
        let invitation = crate::driver::enrol::Invitation::decode(invitation)?;
        device.begin_enrolment(&invitation)?;
        let open = device.vault()?;
        let request = open.enrol_request(&invitation, device.transport_key())?;
        let Some(answer) = ask(&request) else { return Ok(false) };
        device.finish_enrolment(&invitation, &answer)?;
        Ok(true)
    }
}

const fn name_of(effect: &Effect) -> &'static str {
    match effect {
        Effect::Collect => "Collect",
        Effect::Send(_) => "Send",
        Effect::KeepSession(_) => "KeepSession",
        Effect::DropSession => "DropSession",
        Effect::Store(_) => "Store",
        Effect::StoreLive(_) => "StoreLive",
        Effect::Open => "Open",
        Effect::Republish => "Republish",
        Effect::Sums(_) => "Sums",
        Effect::Settle(_) => "Settle",
        Effect::Recovering(_) => "Recovering",
        Effect::OpenLive(_) => "OpenLive",
        Effect::CloseLive => "CloseLive",
        Effect::WakeAt(_) => "WakeAt",
        Effect::Status(_) => "Status",
    }
}
