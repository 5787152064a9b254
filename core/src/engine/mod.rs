//! Keeping step with the relay, without I/O.
//!
//! An input goes in with the time and a source of chance; effects come out. There is no clock, socket, file or task in
//! here, and nothing that a peer sends can make it fail. The driver turns effects into SQLite and HTTP calls; the
//! simulator turns them into whatever a bad day looks like.
//!
//! The engine works on sealed things only, so it runs the same while the vault is locked:
//!
//! ```text
//!            Collect            Send(Sync)           Store            Open
//!   Idle ------------> Collecting ------> Syncing ----------> Storing ------> Idle   (one round trip)
//!     ^                                     |                   |
//!     |  WakeAt                             | failed            | more: again at once
//!     +---------- Waiting <-----------------+                   | reset: compare, then again
//! ```
//! A page is durable in the mailbox, in one transaction with the cursor, before the engine moves on; so a crash at any
//! effect repeats a request at worst, and every request may be repeated.

pub mod backoff;
pub mod compare;
#[cfg(test)]
mod tests;

use bedside_protocol::ids::Timestamp;
use bedside_protocol::problem::{Problem, ProblemKind};
use bedside_protocol::wire::{
    CompareAnswer, CompareRequest, Cursor, LiveEvent, RangeSum, Receipt, Session, SyncAnswer, SyncRequest,
};

use backoff::Backoff;

/// What happens to the engine.
#[derive(Debug)]
pub enum Input {
    /// The network came or went, as far as the host knows.
    Online(bool),
    /// There is something to push, or somebody wants to be in step now.
    Wake,
    /// The vault was opened or closed.
    Unlocked(bool),
    /// The moment asked for by [`Effect::WakeAt`] has come.
    Due,
    /// The answer to [`Effect::Collect`].
    Collected {
        /// What is to be sent.
        request: Box<SyncRequest>,
        /// There is more to be sent than one request can carry.
        rest: bool,
    },
    /// The answer to [`Request::SignIn`].
    SignedIn(Session),
    /// The answer to [`Request::Sync`].
    Synced(Box<SyncAnswer>),
    /// The answer to [`Effect::Sums`].
    Sums(Vec<RangeSum>),
    /// The answer to [`Request::Compare`].
    Compared(CompareAnswer),
    /// A request failed.
    Failed(Failure),
    /// The answer to [`Effect::Store`], [`Effect::StoreLive`], [`Effect::Republish`] or [`Effect::Settle`]: durable.
    Stored,
    /// The device could not store, or not read what it had stored.
    StoreFailed(StoreFailure),
    /// An event of the live stream.
    Live(Box<LiveEvent>),
    /// The live stream ended, after so many milliseconds to be left alone.
    LiveEnded(Option<u64>),
}

/// What the driver must do. Each of them may be done twice with the same result.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Read what is to be pushed from the mailbox; answer with [`Input::Collected`].
    Collect,
    /// Send a request; answer with its result or [`Input::Failed`].
    Send(Request),
    /// Keep a session's token.
    KeepSession(Session),
    /// Forget the session's token.
    DropSession,
    /// Make an answer durable in the mailbox, cursor and receipts included; answer with [`Input::Stored`].
    Store(Box<SyncAnswer>),
    /// Make a live event durable likewise.
    StoreLive(Box<LiveEvent>),
    /// Open what the mailbox holds, if the vault is open.
    Open,
    /// Queue every statement held, and every log to be followed, for pushing; answer with [`Input::Stored`].
    Republish,
    /// Sum up these ranges of what the vault holds; answer with [`Input::Sums`].
    Sums(Vec<bedside_protocol::wire::Range>),
    /// Queue what the relay lacks for pushing and ask for what the device lacks; answer with [`Input::Stored`].
    Settle(compare::Differences),
    /// Remember whether a comparison is still to be done, durably.
    Recovering(bool),
    /// Open the live stream from this cursor.
    OpenLive(Cursor),
    /// Close the live stream.
    CloseLive,
    /// Give [`Input::Due`] at this moment; replaces an earlier one.
    WakeAt(Timestamp),
    /// Tell observers.
    Status(Status),
}

/// A request to the relay.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// Get a challenge, sign it with the transport key, get a session.
    SignIn,
    /// Push and pull.
    Sync(Box<SyncRequest>),
    /// One step of a comparison.
    Compare(CompareRequest),
}

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No connection, or it broke, or it took too long.
    Unreachable,
    /// Something answered that does not speak the protocol.
    Garbage,
    /// The relay refused.
    Refused(Problem),
}

/// Why a device could not store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreFailure {
    /// Its disk is full.
    DiskFull,
    /// Anything else: what could not be done, and why. No personal data.
    Other(String),
}

/// How things are between this device and the relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// The host says there is no network, or the app stays offline for now.
    Offline,
    /// A request is under way.
    Syncing,
    /// In step, with a live stream or not.
    InStep {
        /// Changes arrive by themselves.
        live: bool,
    },
    /// It failed and will be tried again.
    Retrying {
        /// When.
        at: Timestamp,
        /// Why.
        why: Failure,
    },
    /// The device's own disk is full.
    DiskFull {
        /// When it is tried again.
        at: Timestamp,
    },
    /// The device's own storage fails in another way.
    StorageFailed {
        /// When it is tried again.
        at: Timestamp,
        /// What could not be done, and why.
        what: String,
    },
    /// The relay does not know this device's credentials, or no longer.
    NotAdmitted,
    /// This software is too old for the relay.
    UpdateNeeded,
}

/// False when a pushed entry has to stay in line: the relay cannot take it now, or has lost what it would judge it by.
#[must_use]
pub fn is_final(receipt: &Receipt, reset: bool) -> bool {
    use ProblemKind::{Internal, OverQuota, SlowDown, Unavailable};
    match receipt.refused.as_ref().map(|problem| problem.kind) {
        None => true,
        Some(SlowDown | Unavailable | Internal | OverQuota) => false,
        Some(_) => !reset,
    }
}

/// The state machine of one device.
pub struct Engine {
    phase: Phase,
    online: bool,
    unlocked: bool,
    session: bool,
    /// The session is new, and no request has been answered in it.
    untried: bool,
    live_wanted: bool,
    live: bool,
    again: bool,
    recovering: bool,
    republished: bool,
    /// How many answers in a row said that the cursor means nothing.
    resets: u8,
    /// How many steps the comparison under way has taken.
    steps: u8,
    cursor: Option<Cursor>,
    backoff: Backoff,
    last_status: Option<Status>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Waiting,
    SigningIn,
    Collecting,
    Syncing { rest: bool },
    Storing { more: bool, reset: bool },
    StoringLive { sync: bool },
    Recovering(Recovery),
    Stopped,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Recovery {
    Republishing,
    Summing { relay: Option<Vec<RangeSum>>, found: compare::Differences },
    Comparing { sums: Vec<RangeSum>, found: compare::Differences },
    Settling,
}

/// What the engine starts from: all of it is in the mailbox.
#[derive(Clone, Copy, Debug, Default)]
pub struct Start {
    /// Where the device stands.
    pub cursor: Option<Cursor>,
    /// There is a token that may still be good.
    pub session: bool,
    /// A comparison was begun and not finished.
    pub recovering: bool,
    /// Keep a live stream open while online.
    pub live: bool,
}

/// How long a device without a live stream waits before it looks again.
const POLL_MS: u64 = 15 * 60 * 1_000;

/// No relay is left alone for longer, whatever it asks for.
const ALONE_MS_MAX: u64 = 60 * 60 * 1_000;
/// A relay that resets so often in a row is not making progress.
const RESETS_MAX: u8 = 3;
/// Steps of one comparison: the ranges end after 13, and large ones may be put off.
const COMPARE_STEPS_MAX: u8 = 64;

impl Engine {
    /// An engine that does nothing until it is told that it is online.
    #[must_use]
    pub const fn new(start: Start) -> Self {
        Self {
            phase: Phase::Idle,
            online: false,
            unlocked: false,
            session: start.session,
            untried: false,
            live_wanted: start.live,
            live: false,
            again: false,
            recovering: start.recovering,
            republished: false,
            resets: 0,
            steps: 0,
            cursor: start.cursor,
            backoff: Backoff::new(),
            last_status: None,
        }
    }

    /// Feeds one input and returns what the driver must do, in order. Never blocks and never fails.
    ///
    /// `chance` is a fresh random number; it spreads retries so that a city's devices do not return all at once.
    pub fn handle(&mut self, now: Timestamp, chance: u64, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Online(online) => self.set_online(online, &mut effects),
            Input::Unlocked(unlocked) => {
                self.unlocked = unlocked;
                if unlocked {
                    effects.push(Effect::Open);
                    if self.recovering {
                        self.wake(&mut effects);
                    }
                }
            }
            Input::Wake => self.wake(&mut effects),
            Input::Due if matches!(self.phase, Phase::Waiting | Phase::Idle) => {
                self.phase = Phase::Idle;
                self.begin(&mut effects);
            }
            Input::Due => {}
            Input::Live(event) => self.live_event(event, &mut effects),
            Input::LiveEnded(alone) => {
                self.live = false;
                if self.online && matches!(self.phase, Phase::Idle) {
                    let alone = alone.unwrap_or_else(|| self.backoff.next_ms(chance)).min(ALONE_MS_MAX);
                    let at = now.plus_ms(alone);
                    self.phase = Phase::Waiting;
                    effects.push(Effect::WakeAt(at));
                }
            }
            Input::Failed(failure) => self.failed(now, chance, failure, &mut effects),
            Input::StoreFailed(failure) => {
                let at = now.plus_ms(self.backoff.next_ms(chance));
                let status = match failure {
                    StoreFailure::DiskFull => Status::DiskFull { at },
                    StoreFailure::Other(what) => Status::StorageFailed { at, what },
                };
                self.wait(at, status, &mut effects);
            }
            answer => self.answer(now, chance, answer, &mut effects),
        }
        if !self.online && self.phase == Phase::Idle {
            self.status(Status::Offline, &mut effects);
        }
        effects
    }

    /// True when nothing is under way and nothing is wanted: what was to be done is done, or must wait.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::Idle | Phase::Waiting | Phase::Stopped) && !self.again
    }

    fn set_online(&mut self, online: bool, effects: &mut Vec<Effect>) {
        self.online = online;
        if online {
            self.backoff.reset();
            if matches!(self.phase, Phase::Waiting | Phase::Stopped) {
                self.phase = Phase::Idle;
            }
            self.wake(effects);
        } else if self.live {
            self.live = false;
            effects.push(Effect::CloseLive);
        }
    }

    fn wake(&mut self, effects: &mut Vec<Effect>) {
        match self.phase {
            Phase::Idle if self.online => self.begin(effects),
            // A wait ends early only when the network comes back, or is due: a failing relay is not hammered by edits.
            Phase::Idle | Phase::Waiting | Phase::Stopped => {}
            _ => self.again = true,
        }
    }

    fn begin(&mut self, effects: &mut Vec<Effect>) {
        if !self.online {
            return;
        }
        self.again = false;
        self.status(Status::Syncing, effects);
        if self.session {
            self.phase = Phase::Collecting;
            effects.push(Effect::Collect);
        } else {
            self.phase = Phase::SigningIn;
            effects.push(Effect::Send(Request::SignIn));
        }
    }

    fn answer(&mut self, now: Timestamp, chance: u64, input: Input, effects: &mut Vec<Effect>) {
        match (std::mem::replace(&mut self.phase, Phase::Idle), input) {
            (Phase::SigningIn, Input::SignedIn(session)) => {
                (self.session, self.untried) = (true, true);
                effects.push(Effect::KeepSession(session));
                self.phase = Phase::Collecting;
                effects.push(Effect::Collect);
            }
            (Phase::Collecting, Input::Collected { request, rest }) => {
                self.phase = Phase::Syncing { rest };
                effects.push(Effect::Send(Request::Sync(request)));
            }
            (Phase::Syncing { .. }, Input::Synced(answer)) if self.leads_nowhere(&answer) => {
                self.failed(now, chance, Failure::Garbage, effects);
            }
            (Phase::Syncing { rest }, Input::Synced(answer)) => {
                self.untried = false;
                self.resets = if answer.reset { self.resets + 1 } else { 0 };
                // Only when something left the line: a relay that can take nothing now is not asked again at once.
                let left = |receipt| is_final(receipt, answer.reset);
                self.again |= rest && (answer.receipts.is_empty() || answer.receipts.iter().any(left));
                self.phase = Phase::Storing { more: answer.more, reset: answer.reset };
                self.cursor = Some(answer.cursor);
                effects.push(Effect::Store(answer));
            }
            (Phase::Storing { more, reset }, Input::Stored) => self.page_stored(now, more, reset, effects),
            (Phase::StoringLive { sync }, Input::Stored) => {
                effects.push(Effect::Open);
                if sync || self.again {
                    self.begin(effects);
                } else {
                    self.status(Status::InStep { live: self.live }, effects);
                }
            }
            (Phase::Recovering(step), input) => self.recover(step, input, effects),
            // An answer to something that is no longer asked: the phase stays.
            (phase, _) => self.phase = phase,
        }
    }

    /// True for an answer that would keep this device asking for ever.
    fn leads_nowhere(&self, answer: &SyncAnswer) -> bool {
        let says_nothing =
            answer.items.is_empty() && answer.receipts.is_empty() && answer.statements.is_empty();
        (answer.more && says_nothing) || (answer.reset && self.resets >= RESETS_MAX)
    }

    fn page_stored(&mut self, now: Timestamp, more: bool, reset: bool, effects: &mut Vec<Effect>) {
        self.backoff.reset();
        if reset {
            self.republished = false;
            self.recovering = true;
            effects.push(Effect::Recovering(true));
        }
        effects.push(Effect::Open);
        if self.recovering && self.unlocked && !self.republished {
            self.phase = Phase::Recovering(Recovery::Republishing);
            effects.push(Effect::Republish);
        } else if more || self.again {
            self.begin(effects);
        } else if self.recovering && self.unlocked {
            let step = Recovery::Summing { relay: None, found: compare::Differences::default() };
            self.phase = Phase::Recovering(step);
            effects.push(Effect::Sums(vec![bedside_protocol::wire::Range::ALL]));
        } else {
            self.rest(now, effects);
        }
    }

    fn rest(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if self.live_wanted
            && !self.live
            && let Some(cursor) = self.cursor
        {
            self.live = true;
            effects.push(Effect::OpenLive(cursor));
        }
        effects.push(Effect::WakeAt(now.plus_ms(POLL_MS)));
        self.status(Status::InStep { live: self.live }, effects);
    }

    fn recover(&mut self, step: Recovery, input: Input, effects: &mut Vec<Effect>) {
        match (step, input) {
            (Recovery::Republishing, Input::Stored) => {
                self.republished = true;
                self.begin(effects);
            }
            (Recovery::Summing { relay, found }, Input::Sums(sums)) => {
                let sums = compare::differing(sums, relay.as_deref());
                self.steps += 1;
                if sums.is_empty() || self.steps > COMPARE_STEPS_MAX {
                    self.steps = 0;
                    self.settle(found, effects);
                } else {
                    effects.push(Effect::Send(Request::Compare(CompareRequest { ranges: sums.clone() })));
                    self.phase = Phase::Recovering(Recovery::Comparing { sums, found });
                }
            }
            (Recovery::Comparing { found, .. }, Input::Compared(answer)) => {
                let ranges = answer.split.iter().map(|sum| sum.range).collect::<Vec<_>>();
                let found = found.with(answer.listed);
                if ranges.is_empty() {
                    self.settle(found, effects);
                } else {
                    effects.push(Effect::Sums(ranges));
                    let step = Recovery::Summing { relay: Some(answer.split), found };
                    self.phase = Phase::Recovering(step);
                }
            }
            (Recovery::Settling, Input::Stored) => {
                self.recovering = false;
                effects.push(Effect::Recovering(false));
                self.begin(effects);
            }
            (step, _) => self.phase = Phase::Recovering(step),
        }
    }

    fn settle(&mut self, found: compare::Differences, effects: &mut Vec<Effect>) {
        self.phase = Phase::Recovering(Recovery::Settling);
        effects.push(Effect::Settle(found));
    }

    fn live_event(&mut self, event: Box<LiveEvent>, effects: &mut Vec<Effect>) {
        // A page is on its way and brings the same items; or the stream belongs to an earlier session.
        if self.phase != Phase::Idle || !self.live {
            self.again = true;
            return;
        }
        if event.items.is_empty() {
            self.begin(effects);
            return;
        }
        self.cursor = Some(event.cursor);
        self.phase = Phase::StoringLive { sync: false };
        effects.push(Effect::StoreLive(event));
    }

    fn failed(&mut self, now: Timestamp, chance: u64, failure: Failure, effects: &mut Vec<Effect>) {
        if let Failure::Refused(problem) = &failure {
            match problem.kind {
                ProblemKind::SignInNeeded if self.session => {
                    self.session = false;
                    effects.push(Effect::DropSession);
                    // A relay that refuses what it has just given would be asked for ever.
                    if !std::mem::take(&mut self.untried) {
                        self.phase = Phase::Idle;
                        self.begin(effects);
                        return;
                    }
                }
                ProblemKind::UpdateNeeded => {
                    self.phase = Phase::Stopped;
                    self.status(Status::UpdateNeeded, effects);
                    return;
                }
                ProblemKind::Forbidden if self.phase == Phase::SigningIn => {
                    let at = now.plus_ms(self.backoff.next_ms(chance).max(60_000));
                    self.wait(at, Status::NotAdmitted, effects);
                    return;
                }
                _ => {}
            }
        }
        let asked = match &failure {
            Failure::Refused(problem) => problem.retry_after_ms,
            Failure::Unreachable | Failure::Garbage => None,
        };
        let at = now.plus_ms(asked.unwrap_or_default().min(ALONE_MS_MAX).max(self.backoff.next_ms(chance)));
        self.wait(at, Status::Retrying { at, why: failure }, effects);
    }

    fn wait(&mut self, at: Timestamp, status: Status, effects: &mut Vec<Effect>) {
        self.phase = Phase::Waiting;
        self.again = false;
        if std::mem::take(&mut self.live) {
            effects.push(Effect::CloseLive);
        }
        effects.push(Effect::WakeAt(at));
        self.status(status, effects);
    }

    fn status(&mut self, status: Status, effects: &mut Vec<Effect>) {
        if self.last_status.as_ref() != Some(&status) {
            self.last_status = Some(status.clone());
            effects.push(Effect::Status(status));
        }
    }
}
