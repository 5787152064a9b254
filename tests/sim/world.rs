//! Devices, a relay, the network between them, and time. One thread, one seed, no surprise.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bedside_core::api::Compartment;
use bedside_core::engine::{Failure, Input};
use bedside_core::store::ReceiptKind;
use bedside_core::testing::look::HeldEntry;
use bedside_core::testing::sim::{Fed, Outbound, SimDevice};
use bedside_protocol::ids::{DeviceId, EntryId, LogId, Principal, StatementId, Timestamp};
use bedside_protocol::sealed::SealedEntry;
use bedside_protocol::signing::sha256;
use bedside_protocol::statement::{Statement, parse};
use bedside_protocol::wire::{Item, LiveEvent};
use bedside_relay::rules::feed::LiveFrom;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use tempfile::TempDir;

use crate::base::PAT;
use crate::relay::{Answer, Mode, RelayHost, describe};

/// Everything there is.
pub(crate) struct World {
    /// Milliseconds since 1970, as they are.
    pub(crate) now: u64,
    /// The devices.
    pub(crate) seats: Vec<Seat>,
    /// The relay.
    pub(crate) relay: RelayHost,
    /// How bad the day is.
    pub(crate) faults: Faults,
    /// What happened.
    pub(crate) log: Log,
    /// What was reached.
    pub(crate) marks: Marks,
    /// What the devices have to agree with.
    pub(crate) truth: Truth,
    /// Chance, for the workload too.
    pub(crate) chance: ChaCha8Rng,
    /// Where the files of all of it are.
    pub(crate) dir: TempDir,
    /// Kill this device before it has performed so many more effects.
    pub(crate) kill: Option<(usize, u64)>,
    /// How many requests were sent.
    pub(crate) requests: u64,
    queue: BTreeMap<(u64, u64), Event>,
    next: u64,
}

/// A device and who is around it.
pub(crate) struct Seat {
    /// Whose it is.
    pub(crate) name: &'static str,
    /// It.
    pub(crate) device: SimDevice,
    /// As the relay knows it.
    pub(crate) id: DeviceId,
    /// Its person's credential.
    pub(crate) credential: StatementId,
    /// The host says there is a network.
    pub(crate) online: bool,
    /// There is none, whatever the host says.
    pub(crate) cut: bool,
    /// It is gone for good, or takes no part.
    pub(crate) lost: bool,
    /// How far its clock is ahead, in milliseconds.
    pub(crate) ahead: i64,
    /// Every entry that its vault was seen to hold.
    pub(crate) entries: BTreeMap<LogId, BTreeMap<EntryId, HeldEntry>>,
    /// Every entry that it was told is saved.
    pub(crate) saved: BTreeSet<(LogId, EntryId)>,
    count: u64,
    life: u64,
    asked: Option<u64>,
    timer: u64,
    stream: Option<Stream>,
}

struct Stream {
    number: u64,
    from: LiveFrom,
    last: u64,
}

/// How often what goes wrong, of a thousand.
#[derive(Clone, Copy, Default)]
pub(crate) struct Faults {
    /// A request is lost.
    pub(crate) lost_request: u64,
    /// Its answer is lost.
    pub(crate) lost_answer: u64,
    /// It comes twice.
    pub(crate) twice: u64,
    /// It comes when nobody waits for it any more.
    pub(crate) late: u64,
    /// The device crashes at an effect.
    pub(crate) crash: u64,
    /// A live stream breaks.
    pub(crate) broken_stream: u64,
}

/// What the devices have to agree with.
#[derive(Clone, Default)]
pub(crate) struct Truth {
    /// Who may read each plan: numbers of seats.
    pub(crate) readers: BTreeMap<LogId, BTreeSet<usize>>,
    /// Who shared each plan with the carer's organisation.
    pub(crate) sharers: BTreeMap<LogId, BTreeSet<usize>>,
    /// The logs beside main ones, as their devices know them.
    pub(crate) beside: BTreeMap<LogId, (LogId, Compartment)>,
    /// Decisions that nobody was allowed to make.
    pub(crate) forged: BTreeSet<(LogId, EntryId)>,
    /// The relay was restored and may lack what it had said to store.
    pub(crate) relay_forgot: bool,
}

/// What was reached, and how often.
#[derive(Clone, Default)]
pub(crate) struct Marks(pub(crate) BTreeMap<&'static str, u64>);

impl Marks {
    /// Reached.
    pub(crate) fn hit(&mut self, mark: &'static str) {
        *self.0.entry(mark).or_default() += 1;
    }
}

/// Everything that happened, as a hash; printed as it happens when asked for.
pub(crate) struct Log {
    /// The hash of all lines.
    pub(crate) hash: [u8; 32],
    /// Print.
    pub(crate) print: bool,
}

impl Log {
    /// Adds a line.
    pub(crate) fn line(&mut self, now: u64, text: fmt::Arguments<'_>) {
        let line = format!("{:>9}.{:03} {text}", now / 1_000 % 1_000_000_000, now % 1_000);
        self.hash = sha256(&[&self.hash, line.as_bytes()]);
        if self.print {
            println!("{line}");
        }
    }
}

macro_rules! log {
    ($world:expr, $($text:tt)*) => { $world.log.line($world.now, format_args!($($text)*)) };
}
pub(crate) use log;

enum Event {
    AtRelay { seat: usize, life: u64, ask: Option<u64>, message: Outbound },
    AtDevice { seat: usize, life: u64, ask: u64, answer: Answer },
    Due { seat: usize, timer: u64 },
    Reopen { seat: usize, life: u64, unlock: bool },
    Pump { seat: usize, stream: u64 },
    Live { seat: usize, stream: u64, event: Option<LiveEvent> },
}

/// Nobody waits longer for an answer.
const PATIENCE_MS: u64 = 30_000;

impl Seat {
    /// A device that is down, or up and offline.
    pub(crate) fn new(name: &'static str, device: SimDevice, id: DeviceId, credential: StatementId) -> Self {
        Self {
            name,
            device,
            id,
            credential,
            online: false,
            cut: false,
            lost: false,
            ahead: 0,
            entries: BTreeMap::new(),
            saved: BTreeSet::new(),
            count: 0,
            life: 0,
            asked: None,
            timer: 0,
            stream: None,
        }
    }

    /// True when its vault was seen to hold the entry.
    pub(crate) fn holds(&self, log: &LogId, entry: &EntryId) -> bool {
        self.entries.get(log).is_some_and(|entries| entries.contains_key(entry))
    }
}

impl World {
    /// A world with a relay and no devices.
    pub(crate) fn new(dir: TempDir, seed: u64, now: u64, relay: RelayHost, print: bool) -> Self {
        Self {
            now,
            seats: Vec::new(),
            relay,
            faults: Faults::default(),
            log: Log { hash: [0; 32], print },
            marks: Marks::default(),
            truth: Truth::default(),
            chance: ChaCha8Rng::seed_from_u64(seed),
            dir,
            kill: None,
            requests: 0,
            queue: BTreeMap::new(),
            next: 0,
        }
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.chance.next_u64() % limit
    }

    /// True so often of a thousand.
    pub(crate) fn often(&mut self, of_thousand: u64) -> bool {
        of_thousand > 0 && self.below(1_000) < of_thousand
    }

    fn at(&mut self, time: u64, event: Event) {
        self.next += 1;
        self.queue.insert((time, self.next), event);
    }

    /// Lets time go on, and everything happen that is due.
    ///
    /// # Panics
    /// When more happens than a settled world could want.
    pub(crate) fn run(&mut self, ms: u64) {
        let end = self.now + ms;
        let mut steps = 0;
        while let Some((&(time, number), _)) = self.queue.first_key_value() {
            if time > end {
                break;
            }
            steps += 1;
            assert!(steps < 20_000, "{ms} ms are not enough to settle: something goes round in circles");
            let event = self.queue.remove(&(time, number)).expect("it was there");
            self.now = self.now.max(time);
            self.happen(event);
        }
        self.now = end;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::AtRelay { seat, life, ask, message } => self.at_relay(seat, life, ask, message),
            Event::AtDevice { seat, life, ask, answer } => self.at_device(seat, life, ask, answer),
            Event::Due { seat, timer } => {
                if self.seats[seat].timer == timer {
                    self.feed(seat, Input::Due);
                }
            }
            Event::Reopen { seat, life, unlock } => {
                if self.seats[seat].life == life && !self.seats[seat].device.is_up() {
                    self.reopen(seat, unlock);
                }
            }
            Event::Pump { seat, stream } => self.pump(seat, stream),
            Event::Live { seat, stream, event } => self.live(seat, stream, event),
        }
    }

    /// Gives a device an input; it may crash while it works on it.
    pub(crate) fn feed(&mut self, seat: usize, input: Input) {
        if !self.seats[seat].device.is_up() {
            return;
        }
        let doomed = self.kill.filter(|(doomed, _)| *doomed == seat);
        let budget = match doomed {
            Some((_, left)) => left,
            None if self.often(self.faults.crash) => self.below(6),
            None => u64::MAX,
        };
        let before = self.seats[seat].device.effects;
        self.feed_until(seat, input, budget);
        match &mut self.kill {
            Some((doomed, _)) if *doomed == seat && !self.seats[seat].device.is_up() => self.kill = None,
            Some((doomed, left)) if *doomed == seat => *left -= self.seats[seat].device.effects - before,
            _ => {}
        }
    }

    /// Gives a device an input; it crashes after so many effects.
    fn feed_until(&mut self, seat: usize, input: Input, budget: u64) {
        self.set_clock(seat);
        log!(self, "{} {}", self.seats[seat].name, name_of(&input));
        match self.seats[seat].device.feed(input, budget) {
            Fed::Done(out) => self.send_all(seat, out),
            Fed::Crashed(out) => {
                let before = self.seats[seat].device.crashed_before.unwrap_or_default();
                log!(self, "{} crashes before {before}", self.seats[seat].name);
                self.marks.hit("a crash");
                match before {
                    "Store" => self.marks.hit("a crash before a page is stored"),
                    "StoreLive" => self.marks.hit("a crash before a live event is stored"),
                    "Open" => self.marks.hit("a crash after a page is stored, before it is opened"),
                    "Recovering" | "Republish" | "Sums" | "Settle" => {
                        self.marks.hit("a crash during a comparison")
                    }
                    _ => {}
                }
                self.send_all(seat, out);
                self.down(seat);
            }
        }
        self.after(seat);
    }

    /// The device's process ends here and now; it comes back by itself.
    pub(crate) fn crash(&mut self, seat: usize) {
        if self.seats[seat].device.is_up() {
            log!(self, "{} is killed", self.seats[seat].name);
            self.seats[seat].device.crash();
            self.look(seat);
            self.down(seat);
        }
    }

    fn down(&mut self, seat: usize) {
        let there = &mut self.seats[seat];
        there.life += 1;
        there.timer += 1;
        (there.asked, there.stream) = (None, None);
        let life = there.life;
        let (after, unlock) = (500 + self.below(60_000), self.often(700));
        self.at(self.now + after, Event::Reopen { seat, life, unlock });
    }

    /// Starts a device again.
    pub(crate) fn reopen(&mut self, seat: usize, unlock: bool) {
        if self.seats[seat].lost {
            return;
        }
        self.set_clock(seat);
        log!(self, "{} starts, {}", self.seats[seat].name, if unlock { "unlocked" } else { "locked" });
        self.marks.hit(if unlock { "reopened unlocked" } else { "reopened locked" });
        let out = self.seats[seat].device.reopen(unlock).expect("a device that crashed opens again");
        self.send_all(seat, out);
        self.after(seat);
        let online = self.seats[seat].online;
        self.feed(seat, Input::Online(online));
    }

    /// Unlocks a device that is up.
    pub(crate) fn unlock(&mut self, seat: usize) {
        self.set_clock(seat);
        log!(self, "{} is unlocked", self.seats[seat].name);
        let out = self.seats[seat].device.unlock().expect("the PIN is right");
        self.send_all(seat, out);
        self.after(seat);
    }

    /// Locks a device that is up.
    pub(crate) fn lock(&mut self, seat: usize) {
        self.set_clock(seat);
        log!(self, "{} is locked", self.seats[seat].name);
        if self.seats[seat].device.is_unlocked() {
            self.seats[seat].device.send_looks();
            self.register(seat);
        }
        self.seats[seat].device.app().lock().expect("a device can be locked");
        self.feed(seat, Input::Unlocked(false));
    }

    /// The host says that the network came or went.
    pub(crate) fn set_online(&mut self, seat: usize, online: bool) {
        self.seats[seat].online = online;
        self.feed(seat, Input::Online(online));
    }

    /// Shows the device what its clock shows.
    pub(crate) fn set_clock(&mut self, seat: usize) {
        let there = &self.seats[seat];
        there.device.clock.set(Timestamp(self.now.saturating_add_signed(there.ahead)));
    }

    /// What follows from what a device did.
    pub(crate) fn after(&mut self, seat: usize) {
        let now = self.now;
        let there = &mut self.seats[seat];
        if let Some(at) = there.device.due.take() {
            there.timer += 1;
            let (shown, timer) = (Timestamp(now.saturating_add_signed(there.ahead)), there.timer);
            self.at(now + at.since(shown), Event::Due { seat, timer });
        }
        let there = &mut self.seats[seat];
        match there.device.live {
            Some(cursor) if there.stream.as_ref().is_none_or(|s| s.number != there.device.streams) => {
                let number = there.device.streams;
                there.stream = Some(Stream { number, from: LiveFrom::Claimed(cursor), last: now });
                let after = self.latency();
                self.at(now + after, Event::Pump { seat, stream: number });
            }
            Some(_) => {}
            None => there.stream = None,
        }
        self.look(seat);
    }

    fn latency(&mut self) -> u64 {
        20 + self.below(400)
    }

    fn reachable(&self, seat: usize) -> bool {
        let there = &self.seats[seat];
        there.online && !there.cut && self.relay.mode != Mode::Down
    }

    fn send_all(&mut self, seat: usize, out: Vec<Outbound>) {
        for message in out {
            self.send(seat, message);
        }
    }

    fn send(&mut self, seat: usize, message: Outbound) {
        self.next += 1;
        let (ask, life) = (self.next, self.seats[seat].life);
        self.seats[seat].asked = Some(ask);
        self.requests += 1;
        log!(self, "{} sends {}", self.seats[seat].name, describe(&message));
        let failed = || Answer::Failed(Failure::Unreachable);
        if !self.reachable(seat) {
            let after = self.latency();
            return self.at(self.now + after, Event::AtDevice { seat, life, ask, answer: failed() });
        }
        self.at(self.now + PATIENCE_MS, Event::AtDevice { seat, life, ask, answer: failed() });
        if self.often(self.faults.lost_request) {
            return self.marks.hit("a request is lost");
        }
        let mut arrives = self.now + self.latency();
        if self.often(self.faults.late) {
            arrives += PATIENCE_MS + self.below(1_200_000);
            self.marks.hit("a request comes when nobody waits for it any more");
        }
        if self.often(self.faults.twice) {
            let again = arrives + self.below(90_000);
            self.at(again, Event::AtRelay { seat, life, ask: None, message: message.clone() });
            self.marks.hit("a request comes twice");
        }
        let answered = !self.often(self.faults.lost_answer);
        if !answered {
            self.marks.hit("an answer is lost");
        }
        self.at(arrives, Event::AtRelay { seat, life, ask: answered.then_some(ask), message });
    }

    fn at_relay(&mut self, seat: usize, life: u64, ask: Option<u64>, message: Outbound) {
        if self.relay.mode == Mode::Down {
            return self.marks.hit("a relay that is down");
        }
        let compares = matches!(message, Outbound::Compare(..));
        match self.relay.mode {
            Mode::Refusing(_) => self.marks.hit("a relay that refuses"),
            Mode::Garbage => self.marks.hit("an answer that is none"),
            Mode::Adding => self.marks.hit("a relay that adds what is no entry"),
            Mode::Honest | Mode::Down => {}
        }
        let (answer, wake) = self.relay.handle(self.now, message);
        log!(
            self,
            "relay to {}{}: {answer}",
            self.seats[seat].name,
            if ask.is_none() { " (unheard)" } else { "" }
        );
        if let Answer::Synced(page) = &answer {
            self.check_served(seat, &page.items);
            if page.reset {
                self.marks.hit("a cursor means nothing");
            }
            if page.more {
                self.marks.hit("a page that says more");
            }
        }
        if compares {
            self.marks.hit("a comparison");
        }
        for device in wake {
            let Some(woken) = self.seats.iter().position(|there| there.id == device) else { continue };
            if let Some(stream) = self.seats[woken].stream.as_ref().map(|stream| stream.number) {
                let after = self.latency();
                self.at(self.now + after, Event::Pump { seat: woken, stream });
            }
        }
        if let Some(ask) = ask {
            let after = self.latency();
            self.at(self.now + after, Event::AtDevice { seat, life, ask, answer });
        }
    }

    fn at_device(&mut self, seat: usize, life: u64, ask: u64, answer: Answer) {
        let there = &self.seats[seat];
        if there.life != life || there.asked != Some(ask) {
            return;
        }
        let answer = match answer {
            Answer::Failed(failure) => Answer::Failed(failure),
            answer if self.reachable(seat) => answer,
            _ => return,
        };
        self.seats[seat].asked = None;
        let input = match answer {
            Answer::Challenge(challenge) => {
                let prove = self.seats[seat].device.prove(challenge);
                return self.send(seat, Outbound::SignIn(prove));
            }
            Answer::Session(session) => Input::SignedIn(session),
            Answer::Synced(page) => Input::Synced(page),
            Answer::Compared(compared) => Input::Compared(compared),
            Answer::Failed(failure) => Input::Failed(failure),
        };
        self.feed(seat, input);
        self.check_claims(seat);
    }

    fn pump(&mut self, seat: usize, number: u64) {
        let reachable = self.reachable(seat) && matches!(self.relay.mode, Mode::Honest | Mode::Adding);
        let now = self.now;
        let Some(stream) = self.seats[seat].stream.as_ref().filter(|stream| stream.number == number) else {
            return;
        };
        let (from, last) = (stream.from, stream.last);
        if !reachable || self.often(self.faults.broken_stream) {
            let at = now.max(last) + self.latency();
            return self.at(at, Event::Live { seat, stream: number, event: None });
        }
        let Some(event) = self.relay.live(now, self.seats[seat].id, from) else { return };
        self.check_served(seat, &event.items);
        let at = now.max(last) + 5 + self.below(300);
        if let Some(stream) = &mut self.seats[seat].stream {
            (stream.from, stream.last) = (LiveFrom::Sent(event.cursor), at);
        }
        let more = !event.items.is_empty();
        self.at(at, Event::Live { seat, stream: number, event: Some(event) });
        if more {
            self.at(now + 1, Event::Pump { seat, stream: number });
        }
    }

    fn live(&mut self, seat: usize, number: u64, event: Option<LiveEvent>) {
        if self.seats[seat].stream.as_ref().is_none_or(|stream| stream.number != number) {
            return;
        }
        match event.filter(|_| self.reachable(seat)) {
            Some(event) => {
                self.marks.hit("a live event");
                self.feed(seat, Input::Live(Box::new(event)));
            }
            None => {
                self.marks.hit("a live stream breaks");
                self.seats[seat].stream = None;
                self.seats[seat].device.live = None;
                self.feed(seat, Input::LiveEnded(None));
            }
        }
    }

    /// Every live stream ends: the relay restarts.
    pub(crate) fn break_streams(&mut self) {
        for seat in 0..self.seats.len() {
            if let Some(stream) = self.seats[seat].stream.as_ref().map(|stream| stream.number) {
                self.at(self.now + 1, Event::Live { seat, stream, event: None });
            }
        }
    }

    /// Where the logs stand that a device knows.
    fn register(&mut self, seat: usize) {
        let device = &self.seats[seat].device;
        let known = match device.is_unlocked() {
            true => device.places().expect("an open vault can be read"),
            false => device.places_at_crash.clone(),
        };
        self.truth.beside.extend(known);
    }

    /// True when somebody gave the device's person access to a log. How to get into a home is kept from the person.
    pub(crate) fn may_hold(&self, seat: usize, log: &LogId) -> bool {
        let (main, part) = self.truth.beside.get(log).copied().unwrap_or((*log, Compartment::Shared));
        let readers = self.truth.readers.get(&main);
        let kept_from_person = matches!(part, Compartment::Professional | Compartment::Restricted);
        readers.is_some_and(|readers| readers.contains(&seat)) && !(seat == PAT && kept_from_person)
    }

    /// The plans that a device holds anything of.
    pub(crate) fn plans_of(&self, seat: usize) -> Vec<LogId> {
        let logs = self.seats[seat].entries.iter().filter(|(_, held)| !held.is_empty());
        logs.map(|(log, _)| *log).filter(|log| !self.truth.beside.contains_key(log)).collect()
    }

    /// Remembers what a device holds. Nothing that it held is ever gone.
    pub(crate) fn look(&mut self, seat: usize) {
        self.register(seat);
        let there = &mut self.seats[seat];
        let (entries, count) = match (there.device.is_unlocked(), there.device.held_at_crash.take()) {
            (true, _) => {
                let count = there.device.entry_count().expect("an open vault can be read");
                if count == there.count {
                    return;
                }
                (there.device.entries().expect("an open vault can be read"), count)
            }
            (false, Some(entries)) => (entries, 0),
            (false, None) => return,
        };
        for (log, known) in &there.entries {
            for id in known.keys() {
                let held = entries.get(log).is_some_and(|entries| entries.contains_key(id));
                assert!(held, "{} no longer holds {id}", there.name);
            }
        }
        for (log, id) in &there.saved {
            let held = entries.get(log).is_some_and(|entries| entries.contains_key(id));
            assert!(held, "{} was told that {id} is saved, and it is not", there.name);
        }
        (there.entries, there.count) = (entries, count);
        if there.device.is_unlocked()
            && !there.device.waiting().expect("an open vault can be read").is_empty()
        {
            self.marks.hit("an entry waits");
        }
        for (log, entries) in &self.seats[seat].entries {
            assert!(
                entries.is_empty() || self.may_hold(seat, log),
                "{} holds entries of a plan nobody shared",
                self.seats[seat].name
            );
        }
    }

    /// "Sent" is said only of what the relay stores, "seen" only of what the named device holds.
    pub(crate) fn check_claims(&mut self, seat: usize) {
        if !self.seats[seat].device.is_unlocked() {
            return;
        }
        for claim in self.seats[seat].device.claims().expect("an open vault can be read") {
            let there = &self.seats[seat];
            let entry = there.entries.get(&claim.log).and_then(|entries| entries.get(&claim.entry));
            let Some(entry) = entry else {
                panic!("{} has a receipt for {}, which it lacks", there.name, claim.entry)
            };
            match claim.kind {
                ReceiptKind::Sent => {
                    self.marks.hit("sent is claimed");
                    let stored = self.truth.relay_forgot || self.relay.stores(&entry.sealed);
                    assert!(stored, "{} claims that {} was sent", self.seats[seat].name, claim.entry);
                }
                ReceiptKind::Seen => {
                    self.marks.hit("seen is claimed");
                    let reader = self.seats.iter().find(|other| Some(other.credential) == claim.by);
                    let seen = reader.is_some_and(|reader| reader.holds(&claim.log, &claim.entry));
                    let (name, by) = (self.seats[seat].name, reader.map(|reader| reader.name));
                    assert!(seen, "{name} claims that {by:?} has seen {}", claim.entry);
                }
                ReceiptKind::Refused => self.marks.hit("a refusal is claimed"),
            }
        }
    }

    /// The relay gives nothing to whom nobody gave access.
    fn check_served(&mut self, seat: usize, items: &[Item]) {
        for item in items {
            match item {
                Item::Entry(bytes) => {
                    let Ok(sealed) = SealedEntry::from_bytes(bytes.clone()) else { continue };
                    let log = sealed.header().log;
                    assert!(
                        self.may_hold(seat, &log),
                        "the relay serves {} an entry of a plan nobody shared",
                        self.seats[seat].name
                    );
                }
                Item::Statement(bytes) => {
                    let Ok(Statement::Access(access)) = parse(bytes).map(|read| read.statement) else {
                        continue;
                    };
                    let granted = self.may_hold(seat, &access.log);
                    let whose = matches!(access.reader, Principal::Identity(_) | Principal::Organisation(_));
                    assert!(
                        granted && whose,
                        "the relay serves {} a key nobody gave them, to {}",
                        self.seats[seat].name,
                        access.log
                    );
                }
                Item::Enrolment(_) | Item::InviteContested(_) => {}
            }
        }
    }
}

fn name_of(input: &Input) -> String {
    match input {
        Input::Synced(_) => "gets a page".to_owned(),
        Input::SignedIn(_) => "is signed in".to_owned(),
        Input::Compared(_) => "gets a comparison".to_owned(),
        Input::Live(event) => format!("gets a live event with {} items", event.items.len()),
        other => format!("{other:?}"),
    }
}
