//! What people and the world do, drawn from the seed.

use std::collections::{BTreeMap, BTreeSet};

use bedside_core::api::{
    Answer, ApiError, App, Compartment, Draft, Leaf, Outcome, Reader, Scope, Section, Source,
};
use bedside_core::engine::Input;
use bedside_core::plan::check::encode_decision;
use bedside_protocol::entry::Decision;
use bedside_protocol::ids::{EntryId, LogId};
use bedside_protocol::problem::ProblemKind;

use crate::base::{
    ADMIN, ALICE, BOB, CARER, EVERYBODY, PAT, RIVERSIDE, WILLOW_CODE, consent, log_of, new_plan, plan_of,
};
use crate::relay::Mode;
use crate::world::{Faults, World, log};

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// Somebody adds words to a text.
    Write { seat: usize, plan: usize, field: usize, at: u64, word: u64 },
    /// Somebody answers a field.
    Put { seat: usize, plan: usize, field: usize, word: u64 },
    /// Somebody adds a contact.
    AddItem { seat: usize, plan: usize, word: u64 },
    /// Somebody decides about resuscitation or escalation.
    Decide { seat: usize, plan: usize, section: usize, word: u64, resolve: bool },
    /// Both nurses decide about the same, and neither knows of the other.
    DecideTwice { plan: usize, section: usize, word: u64 },
    /// Somebody endorses the decision that stands.
    Endorse { seat: usize, plan: usize },
    /// Somebody records a consent, or its withdrawal.
    Consent { seat: usize, plan: usize, scope: usize, given: bool },
    /// A nurse starts a plan.
    Start { seat: usize, number: usize, share: bool },
    /// Both nurses start the same plan while offline.
    StartTwice { number: usize },
    /// Somebody shares a plan with the carer's organisation.
    Share { seat: usize, plan: usize },
    /// A carer with altered software decides about resuscitation.
    Forge { plan: usize },
    /// Somebody writes down how to get into the home.
    Code { seat: usize, plan: usize, word: u64 },
    /// Somebody opens a plan, and reads how to get in.
    Look { seat: usize, plan: usize },
    /// Somebody writes down what the person is not to see.
    Keep { seat: usize, plan: usize, field: usize, word: u64 },
    /// A nurse decides what the person is not to know yet.
    Confide { seat: usize, plan: usize, section: usize, word: u64, resolve: bool },
    /// A nurse has talked about it with the person.
    Disclose { seat: usize, plan: usize },
    /// The network comes or goes, and the host says so.
    Online { seat: usize, online: bool },
    /// The network comes or goes, and nobody says so.
    Cut { seat: usize, cut: bool },
    /// A device is locked, or unlocked.
    Lock { seat: usize, lock: bool },
    /// A device's process is killed.
    Kill { seat: usize },
    /// A device is lost for good.
    Lose { seat: usize },
    /// A clock jumps.
    Clock { seat: usize, ahead: i64 },
    /// The relay changes its behaviour.
    Relay { mode: Mode },
    /// A backup of the relay is made.
    BackUp,
    /// The relay is restored from one.
    Restore { backup: u64, new_epoch: bool },
    /// Nothing for a while.
    Wait { ms: u64 },
}

const TEXTS: [&str; 4] = ["wishes.about_me", "wishes.most_value", "wishes.daily_life", "preferences.notes"];
const LINES: [&str; 4] = [
    "preferences.place_of_death_1_where",
    "wishes.organ_donation",
    "identity.preferred_name",
    "home.medicines_kept",
];
const DECIDED: [(Section, &str); 2] =
    [(Section::Cpr, "cpr.decision"), (Section::Escalation, "escalation.other")];
const HOUR_MS: i64 = 3_600_000;
const YEAR_MS: i64 = 365 * 24 * HOUR_MS;
const WRITERS: [usize; 4] = [ALICE, BOB, CARER, PAT];

impl World {
    /// The next thing to happen.
    pub(crate) fn draw(&mut self) -> Op {
        let roll = self.below(1_000);
        let seat = WRITERS[self.below(4) as usize];
        let nurse = [ALICE, BOB][self.below(2) as usize];
        let anybody = EVERYBODY[self.below(6) as usize];
        let (plan, word, field) = (self.below(3) as usize, self.below(10_000), self.below(4) as usize);
        let yes = self.often(500);
        match roll {
            0..180 => Op::Write { seat, plan, field, at: self.below(100), word },
            180..280 => Op::Put { seat, plan, field, word },
            280..340 => Op::AddItem { seat, plan, word },
            340..365 => Op::DecideTwice { plan, section: self.below(2) as usize, word },
            365..440 => Op::Decide {
                seat: nurse,
                plan,
                section: self.below(2) as usize,
                word,
                resolve: self.often(300),
            },
            440..470 => Op::Endorse { seat: ALICE, plan },
            470..510 => Op::Consent { seat, plan, scope: self.below(2) as usize, given: self.often(650) },
            510..545 => Op::Start { seat: nurse, number: plan, share: yes },
            545..570 => Op::StartTwice { number: plan },
            570..625 => Op::Share { seat: nurse, plan },
            625..640 => Op::Forge { plan },
            640..720 => Op::Online { seat: anybody, online: yes },
            720..760 => Op::Cut { seat: anybody, cut: yes },
            760..820 => Op::Lock { seat: anybody, lock: yes },
            820..850 => Op::Kill { seat: anybody },
            850..853 => Op::Lose { seat },
            853..873 => Op::Clock { seat: anybody, ahead: self.draw_clock() },
            873..900 => Op::Relay { mode: self.draw_mode() },
            900..920 => Op::BackUp,
            920..945 => Op::Restore { backup: self.below(1_000), new_epoch: yes },
            945..963 => Op::Code { seat, plan, word },
            963..973 => Op::Look { seat, plan },
            973..979 => Op::Keep { seat, plan, field, word },
            979..989 => Op::Confide {
                seat: nurse,
                plan,
                section: self.below(2) as usize,
                word,
                resolve: self.often(500),
            },
            989..997 => Op::Disclose { seat: nurse, plan },
            _ => Op::Wait { ms: self.below(1_200_000) },
        }
    }

    fn draw_clock(&mut self) -> i64 {
        match self.below(4) {
            0 => 10 * YEAR_MS,
            1 => -HOUR_MS,
            2 => 0,
            _ => self.below(240_000) as i64 - 120_000,
        }
    }

    fn draw_mode(&mut self) -> Mode {
        let kinds =
            [ProblemKind::Unavailable, ProblemKind::SlowDown, ProblemKind::Internal, ProblemKind::OverQuota];
        match self.below(8) {
            0 => Mode::Down,
            1 => Mode::Refusing(kinds[self.below(4) as usize]),
            2 => Mode::Garbage,
            3 => Mode::Adding,
            _ => Mode::Honest,
        }
    }

    /// How bad the day is.
    pub(crate) fn draw_faults(&mut self) -> Faults {
        let bad = self.below(4);
        Faults {
            lost_request: 25 * bad,
            lost_answer: 35 * bad,
            twice: 30 * bad,
            late: 15 * bad,
            crash: 15 * bad,
            broken_stream: 20 * bad,
        }
    }

    /// Does it.
    pub(crate) fn perform(&mut self, op: &Op) {
        log!(self, "-- {op:?}");
        match *op {
            Op::Write { seat, plan, field, at, word } => {
                let Some(log) = self.plan(seat, plan) else { return };
                let text = self.seats[seat].device.text(&log, TEXTS[field]).expect("the plan is there");
                let at = text
                    .char_indices()
                    .map(|(i, _)| i)
                    .nth(at as usize % (text.len() + 1))
                    .unwrap_or(text.len());
                let text = format!("{}w{word} {}", &text[..at], &text[at..]);
                self.edit(seat, log, |draft| draft.set_text(TEXTS[field], &text));
            }
            Op::Put { seat, plan, field, word } => {
                let Some(log) = self.plan(seat, plan) else { return };
                self.edit(seat, log, |draft| draft.set(LINES[field], &leaf(word)));
            }
            Op::AddItem { seat, plan, word } => {
                let Some(log) = self.plan(seat, plan) else { return };
                self.edit(seat, log, |draft| {
                    let item = draft.new_item();
                    draft.set(&format!("contact/{item}/name"), &leaf(word))?;
                    draft.set(&format!("contact/{item}/relationship"), &leaf(word + 1))
                });
            }
            Op::Decide { seat, plan, section, word, resolve } => {
                let Some(log) = self.plan(seat, plan) else { return };
                self.decide(seat, log, section, word, resolve);
            }
            Op::DecideTwice { plan, section, word } => {
                for (seat, word) in [(ALICE, word), (BOB, word + 1)] {
                    let Some(log) = self.plan(seat, plan) else { continue };
                    self.decide(seat, log, section, word, false);
                }
            }
            Op::Endorse { seat, plan } => {
                let Some(log) = self.plan(seat, plan) else { return };
                self.edit(seat, log, |draft| draft.endorse(Section::Cpr));
            }
            Op::Consent { seat, plan, scope, given } => {
                let Some(log) = self.plan(seat, plan) else { return };
                let outcome = if given { Outcome::Given } else { Outcome::Withdrawn };
                let scope = [Scope::Record, Scope::Share][scope];
                self.save(seat, |app| {
                    Ok(Some(app.record_consent(plan_of(&log), scope, consent(outcome))?.entries))
                });
            }
            Op::Start { seat, number, share } => self.start_plan(seat, number, share),
            Op::StartTwice { number } => {
                for seat in [ALICE, BOB] {
                    self.set_online(seat, false);
                    self.start_plan(seat, number, true);
                }
            }
            Op::Share { seat, plan } => self.share(seat, plan),
            Op::Forge { plan } => self.forge(plan),
            Op::Code { seat, plan, word } => {
                let Some(log) = self.plan(seat, plan) else { return };
                if self.edit(seat, log, |draft| draft.set("home.key_safe", &leaf(word))) {
                    self.marks.hit("how to get in is written down");
                }
            }
            Op::Look { seat, plan } => {
                let Some(log) = self.plan(seat, plan) else { return };
                self.set_clock(seat);
                let app = self.seats[seat].device.app();
                app.plan(plan_of(&log)).expect("the plan is there");
                if app.reveal(plan_of(&log), "home.key_safe").is_ok() {
                    self.marks.hit("how to get in is revealed");
                }
            }
            Op::Keep { seat, plan, field, word } => {
                let Some(log) = self.plan(seat, plan) else { return };
                let kept = self.edit(seat, log, |draft| {
                    draft.keep_in(Compartment::Professional)?;
                    draft.set(LINES[field], &in_confidence(word))
                });
                assert!(!kept || seat != PAT, "the person wrote where they must not read");
                if kept {
                    self.marks.hit("something is kept from the person");
                }
            }
            Op::Confide { seat, plan, section, word, resolve } => {
                let Some(log) = self.plan(seat, plan) else { return };
                let (section, key) = DECIDED[section];
                let fields = BTreeMap::from([(key.to_owned(), decision_in_confidence(section, word))]);
                if self.edit(seat, log, |draft| {
                    draft.keep_in(Compartment::Professional)?;
                    draft.decide(section, &fields, resolve)
                }) {
                    self.marks.hit("a decision is kept from the person");
                }
            }
            Op::Disclose { seat, plan } => {
                for (section, key) in DECIDED {
                    let Some(log) = self.plan(seat, plan) else { return };
                    let changed = BTreeMap::from([(key.to_owned(), decision(section, 0))]);
                    if self.edit(seat, log, |draft| draft.disclose(section, &changed)) {
                        self.marks.hit("a decision that was kept from the person is disclosed");
                    }
                }
            }
            _ => self.world_changes(op),
        }
    }

    fn world_changes(&mut self, op: &Op) {
        match *op {
            Op::Online { seat, online } => self.set_online(seat, online),
            Op::Cut { seat, cut } => self.seats[seat].cut = cut,
            Op::Lock { seat, lock } => match (self.seats[seat].device.is_up(), lock) {
                (true, true) => self.lock(seat),
                (true, false) => self.unlock(seat),
                (false, _) => {}
            },
            Op::Kill { seat } => self.crash(seat),
            Op::Lose { seat } => self.lose(seat),
            Op::Clock { seat, ahead } => {
                self.seats[seat].ahead = ahead;
                self.marks.hit(if ahead > YEAR_MS { "a clock ten years ahead" } else { "a clock is moved" });
            }
            Op::Relay { mode } => {
                self.relay.mode = mode;
                if mode == Mode::Down {
                    self.break_streams();
                }
            }
            Op::BackUp => drop(self.relay.back_up()),
            Op::Restore { backup, new_epoch } => {
                self.restore(backup, new_epoch);
                if self.faults.crash > 0 {
                    let doomed = WRITERS[self.below(4) as usize];
                    self.kill = Some((doomed, self.below(20)));
                }
            }
            Op::Wait { ms } => self.run(ms),
            _ => unreachable!("perform() does the others"),
        }
    }

    /// Restores the relay from one of its backups, if there is any.
    pub(crate) fn restore(&mut self, backup: u64, new_epoch: bool) {
        let backups = self.relay.backups() as u64;
        if backups == 0 {
            return;
        }
        self.relay.restore((backup % backups) as usize, new_epoch);
        self.truth.relay_forgot = true;
        self.marks.hit(if new_epoch {
            "an old copy with a new epoch"
        } else {
            "an old copy that nobody declared"
        });
        self.break_streams();
    }

    fn lose(&mut self, seat: usize) {
        if self.seats.iter().filter(|there| there.lost).count() < 2
            && !(seat == BOB && self.seats[ALICE].lost)
        {
            self.crash(seat);
            self.seats[seat].lost = true;
            self.marks.hit("a device is lost");
        }
    }

    /// A plan that the device's person has in front of them: the device is up and unlocked.
    fn plan(&self, seat: usize, number: usize) -> Option<LogId> {
        let there = &self.seats[seat];
        if !there.device.is_unlocked() {
            return None;
        }
        let logs = self.plans_of(seat);
        (!logs.is_empty()).then(|| logs[number % logs.len()])
    }

    /// Edits a plan, and has it saved.
    pub(crate) fn edit(
        &mut self,
        seat: usize,
        log: LogId,
        edit: impl FnOnce(&mut Draft<&App>) -> Result<(), ApiError>,
    ) -> bool {
        self.save(seat, |app| {
            let mut draft = app.draft(plan_of(&log))?;
            edit(&mut draft)?;
            Ok(Some(draft.commit()?.entries))
        })
    }

    /// Decides; what it replaces was in front of whoever decides, and a conflict is never resolved in passing.
    pub(crate) fn decide(
        &mut self,
        seat: usize,
        log: LogId,
        section: usize,
        word: u64,
        resolve: bool,
    ) -> bool {
        let (section, key) = DECIDED[section];
        let shown = self.seats[seat].device.shown(&log, section.number()).expect("the plan is there");
        if shown.len() > 1 {
            self.marks.hit("a conflict");
        }
        let fields = BTreeMap::from([(key.to_owned(), decision(section, word))]);
        let decided = self.edit(seat, log, |draft| draft.decide(section, &fields, resolve));
        assert!(
            !decided || shown.len() < 2 || resolve,
            "a conflict was resolved by somebody who had not looked at it"
        );
        if !self.seats[seat].device.is_unlocked() {
            return decided;
        }
        let now = self.seats[seat].device.shown(&log, section.number()).expect("the plan is there");
        assert!(
            !decided || now.len() == 1 && now.is_disjoint(&shown),
            "a decision replaces what its author saw"
        );
        assert!(decided || now == shown, "a decision that was refused changed something");
        decided
    }

    /// Starts a plan.
    pub(crate) fn start_plan(&mut self, seat: usize, number: usize, share: bool) {
        let mut started = None;
        self.save(seat, |app| {
            let plan = app.start_plan(new_plan(number, share))?;
            started = Some(log_of(plan.plan));
            Ok(Some(plan.saved.entries))
        });
        if let Some(log) = started {
            let readers = self.truth.readers.entry(log).or_default();
            if readers.is_superset(&RIVERSIDE.into()) {
                self.marks.hit("a plan is started twice");
            }
            readers.extend(RIVERSIDE);
        }
    }

    /// Shares a plan with the carer's organisation.
    pub(crate) fn share(&mut self, seat: usize, plan: usize) {
        let Some(log) = self.plan(seat, plan) else { return };
        let reader = Reader::Organisation(WILLOW_CODE.to_owned());
        if self.save(seat, |app| app.share(plan_of(&log), &reader).map(|()| None)) {
            self.truth.readers.entry(log).or_default().insert(CARER);
            self.truth.sharers.entry(log).or_default().insert(seat);
            self.marks.hit("a plan is shared");
        }
    }

    fn forge(&mut self, plan: usize) {
        let Some(log) = self.plan(CARER, plan) else { return };
        self.set_clock(CARER);
        let content =
            encode_decision(&BTreeMap::from([("cpr.decision".to_owned(), decision(Section::Cpr, 1))]));
        let supersedes =
            self.seats[CARER].device.shown(&log, Section::Cpr.number()).expect("the plan is there");
        let section = Section::Cpr.number();
        let decision =
            Decision { section, supersedes: supersedes.into_iter().collect(), content, endorses: None };
        if let Ok(entry) = self.seats[CARER].device.decide_regardless(log, decision) {
            self.truth.forged.insert((log, entry));
            self.marks.hit("an entry that nobody may write");
        }
        self.look(CARER);
        self.feed(CARER, Input::Wake);
    }

    /// Lets somebody save something: what the app was told is saved is on the device, and after an error nothing is.
    pub(crate) fn save(
        &mut self,
        seat: usize,
        what: impl FnOnce(&App) -> Result<Option<usize>, ApiError>,
    ) -> bool {
        if !self.seats[seat].device.is_unlocked() {
            return false;
        }
        self.set_clock(seat);
        self.look(seat);
        let before = self.own(seat);
        let outcome = what(self.seats[seat].device.app());
        self.grant_unknown(seat);
        self.look(seat);
        let new: BTreeSet<(LogId, EntryId)> = self.own(seat).difference(&before).copied().collect();
        let name = self.seats[seat].name;
        match &outcome {
            Ok(count) => {
                log!(self, "{name} saves {new:?}");
                assert!(
                    count.is_none_or(|count| count == new.len()),
                    "{name} saved {count:?} entries: {new:?}"
                );
                self.seats[seat].saved.extend(new);
            }
            Err(error) => {
                log!(self, "{name} cannot: {}", error.code());
                let fair = ["not-allowed", "invalid", "already-there", "not-found"].contains(&error.code());
                assert!(fair, "{name} cannot save: {error:?}");
                assert!(new.is_empty(), "{name} could not save and did: {new:?}");
                self.marks.hit("a save is refused");
            }
        }
        if outcome.is_ok() {
            match self.below(20) {
                0 if self.faults.crash > 0 => self.crash(seat),
                1 => {}
                _ => self.feed(seat, Input::Wake),
            }
        }
        outcome.is_ok()
    }

    /// A plan that nobody knew is its founder's organisation's from the moment it is saved.
    fn grant_unknown(&mut self, seat: usize) {
        let entries = self.seats[seat].device.entries().expect("an open vault can be read");
        let beside = self.seats[seat].device.places().expect("an open vault can be read");
        let plans = entries.into_iter().filter(|(log, held)| !held.is_empty() && !beside.contains_key(log));
        let plans = plans.map(|(log, _)| log);
        for log in plans.filter(|_| [ADMIN, ALICE, BOB].contains(&seat)) {
            self.truth.readers.entry(log).or_insert_with(|| RIVERSIDE.into());
        }
    }

    fn own(&self, seat: usize) -> BTreeSet<(LogId, EntryId)> {
        let entries = self.seats[seat].entries.iter();
        entries
            .flat_map(|(log, held)| held.iter().filter(|(_, held)| held.own).map(|(id, _)| (*log, *id)))
            .collect()
    }
}

/// Some words.
pub(crate) fn leaf(word: u64) -> Leaf {
    Leaf::new(Answer::text(&format!("words {word}")).expect("it is not empty"), Source::Person)
}

/// Words that the person must never see.
pub(crate) const IN_CONFIDENCE: &str = "in confidence";

fn in_confidence(word: u64) -> Leaf {
    let words = format!("{IN_CONFIDENCE} {word}");
    Leaf::new(Answer::text(&words).expect("it is not empty"), Source::Observed)
}

fn decision_in_confidence(section: Section, word: u64) -> Leaf {
    decided(section, &format!("{IN_CONFIDENCE} {word}"))
}

fn decision(section: Section, word: u64) -> Leaf {
    decided(section, &format!("decision {word}"))
}

fn decided(section: Section, words: &str) -> Leaf {
    let answer = if section == Section::Cpr { Answer::uncoded(words) } else { Answer::text(words) };
    Leaf::new(answer.expect("it is not empty"), Source::Observed)
}
