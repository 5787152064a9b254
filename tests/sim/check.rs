//! What must be true once everything is healed and settled.

use std::collections::{BTreeMap, BTreeSet};

use bedside_core::api::Compartment;
use bedside_core::store::{ReceiptKind, WaitReason};
use bedside_core::testing::look::HeldEntry;
use bedside_protocol::ids::{EntryId, LogId};
use bedside_relay::storage::Storage;

use crate::base::{CARER, EVERYBODY, OUTSIDER, PAT, RIVERSIDE, plan_of};
use crate::ops::IN_CONFIDENCE;
use crate::relay::Mode;
use crate::world::{Faults, World, log};

const MINUTE_MS: u64 = 60_000;

impl World {
    /// Heals everything and lets the devices settle by themselves.
    pub(crate) fn quiesce(&mut self) {
        self.faults = Faults::default();
        self.kill = None;
        self.relay.mode = Mode::Honest;
        for seat in EVERYBODY.into_iter().filter(|seat| !self.seats[*seat].lost).collect::<Vec<_>>() {
            self.seats[seat].cut = false;
            self.seats[seat].online = true;
            if self.seats[seat].device.is_up() {
                self.unlock(seat);
                self.set_online(seat, true);
            } else {
                self.reopen(seat, true);
            }
        }
        // What comes late is at most 20 minutes late; then everybody looks again at least three times.
        self.run(70 * MINUTE_MS);
    }

    fn present(&self) -> Vec<usize> {
        EVERYBODY.into_iter().filter(|seat| !self.seats[*seat].lost).collect()
    }

    /// Every entry that has to be there: all that was saved, less what was lost with a device before anybody had it.
    fn required(&self) -> BTreeMap<LogId, BTreeSet<EntryId>> {
        let mut required: BTreeMap<LogId, BTreeSet<EntryId>> = BTreeMap::new();
        for seat in EVERYBODY {
            let there = &self.seats[seat];
            for (log, id) in &there.saved {
                let held = there.entries.get(log).and_then(|entries| entries.get(id));
                let stored = |held: &HeldEntry| self.relay.stores(&held.sealed) && !self.may_have_orphans();
                let survives = |held: &HeldEntry| stored(held) || self.somebody_holds(log, id);
                if !there.lost || held.is_some_and(survives) {
                    required.entry(*log).or_default().insert(*id);
                }
            }
        }
        required
    }

    fn somebody_holds(&self, log: &LogId, id: &EntryId) -> bool {
        self.present().into_iter().any(|seat| self.seats[seat].holds(log, id))
    }

    /// The relay forgot what a device had pushed, took what that device wrote next, and then the device was lost: what is
    /// left of its entries builds on something that is nowhere.
    fn may_have_orphans(&self) -> bool {
        self.truth.relay_forgot && EVERYBODY.into_iter().any(|seat| self.seats[seat].lost)
    }

    /// Settles, and checks everything.
    pub(crate) fn settle_and_check(&mut self) {
        let required = self.required();
        self.quiesce();
        log!(self, "== settled");
        for seat in self.present() {
            self.look(seat);
            self.check_settled(seat);
        }
        for (log, entries) in &required {
            self.check_complete(log, entries);
        }
        self.check_relay();
        self.truth.relay_forgot = false;
        for seat in self.present() {
            self.check_claims(seat);
        }
        self.check_beliefs();
        self.check_plans();
        self.check_outsider();
        self.check_person();
        for seat in self.present() {
            self.check_reopened(seat);
        }
    }

    fn check_settled(&self, seat: usize) {
        let there = &self.seats[seat];
        let status = there.device.app().status().expect("an open device has a status");
        assert!(there.device.is_settled(), "{} is not settled", there.name);
        assert_eq!(status.unsent, 0, "{} has something to send", there.name);
        assert_eq!(status.unopened, 0, "{} has something to open", there.name);
        assert_eq!(status.refused, Some(0), "{} was refused something", there.name);
        let waiting = there.device.waiting().expect("an open vault can be read");
        let orphan = |reason| reason == WaitReason::Parent && self.may_have_orphans();
        assert!(waiting.iter().all(|(_, reason)| orphan(*reason)), "{} waits: {waiting:?}", there.name);
    }

    fn check_complete(&self, log: &LogId, required: &BTreeSet<EntryId>) {
        for seat in self.present().into_iter().filter(|seat| self.may_hold(*seat, log)) {
            if seat == CARER && self.is_unshared(log) || self.lacks_the_key(seat, log) {
                continue;
            }
            for id in required {
                let there = &self.seats[seat];
                let holders = || EVERYBODY.into_iter().filter(|seat| self.seats[*seat].holds(log, id));
                let others: Vec<_> = holders().map(|seat| self.seats[seat].name).collect();
                assert!(there.holds(log, id), "{} lacks {id} of {log}; {others:?} held it", there.name);
            }
        }
    }

    /// Who shared the plan was lost before the relay had heard of it, or before it could be told again after it forgot.
    fn is_unshared(&self, log: &LogId) -> bool {
        let sharers = self.truth.sharers.get(log);
        let lost = sharers.is_some_and(|sharers| sharers.iter().all(|seat| self.seats[*seat].lost));
        let keys = || self.seats[CARER].device.content_keys(log).expect("an open vault can be read");
        lost && keys().is_empty()
    }

    /// A compartment whose key was not given: consent to share does not stand, or who might have given it was lost.
    fn lacks_the_key(&self, seat: usize, log: &LogId) -> bool {
        let Some((main, _)) = self.truth.beside.get(log) else { return false };
        let lost = EVERYBODY.into_iter().any(|seat| self.seats[seat].lost);
        let keys = || self.seats[seat].device.content_keys(log).expect("an open vault can be read");
        (lost || !self.is_open_to_others(main)) && keys().is_empty()
    }

    /// Consent to share the plan stands, as those know it who have begun it.
    fn is_open_to_others(&self, main: &LogId) -> bool {
        let member = RIVERSIDE.into_iter().find(|seat| !self.seats[*seat].lost).expect("not all are lost");
        let belief = self.seats[member].device.belief(main).expect("the plan is there");
        let mut share = belief.lines().filter(|line| line.starts_with("consent") && line.contains(" Share "));
        let withdrawn = share.clone().any(|line| line.contains("Withdrawn"));
        share.next().is_some() && !withdrawn
    }

    /// The relay stores everything that anybody holds, once.
    fn check_relay(&self) {
        let mut all = BTreeSet::new();
        for seat in self.present() {
            for (id, held) in self.seats[seat].entries.values().flatten() {
                assert!(
                    self.relay.stores(&held.sealed),
                    "the relay lacks {id}, which {} holds",
                    self.seats[seat].name
                );
                all.insert(*id);
            }
        }
        let totals = self.relay.rules().storage().totals().expect("the database can be read");
        let exact = totals.entries == all.len() as u64 || self.may_have_orphans();
        assert!(exact, "the relay stores an entry twice, or one that nobody holds");
    }

    /// The same entries, the same belief; what nobody may write is held; no decision is gone without another's word.
    fn check_beliefs(&mut self) {
        let logs: Vec<LogId> = self.truth.readers.keys().chain(self.truth.beside.keys()).copied().collect();
        for log in logs {
            let mut first: Option<(&str, String)> = None;
            let readers: Vec<usize> =
                self.present().into_iter().filter(|seat| self.may_hold(*seat, &log)).collect();
            for seat in readers {
                let there = &self.seats[seat];
                if there.entries.get(&log).is_none_or(BTreeMap::is_empty) {
                    continue;
                }
                let belief = there.device.belief(&log).expect("the plan is there");
                self.check_decisions(seat, &log);
                if seat != CARER && self.truth.forged.iter().any(|(of, id)| *of == log && there.holds(of, id))
                {
                    self.marks.hit("an entry is held on the devices of others");
                }
                match &first {
                    None => first = Some((there.name, belief)),
                    Some((other, theirs)) => {
                        assert_eq!(theirs, &belief, "{other} and {} believe different things", there.name);
                    }
                }
            }
            if let Some((_, belief)) = first {
                log!(self, "{log}: {belief}");
            }
        }
        for seat in self.present() {
            let conflicts = self.seats[seat].entries.keys().any(|log| {
                let shown =
                    |section| self.seats[seat].device.shown(log, section).expect("the plan is there").len();
                (0..20).any(|section| shown(section) > 1)
            });
            if conflicts {
                self.marks.hit("a conflict in the end");
            }
        }
    }

    /// Whoever holds the same logs of a plan is shown the same, whichever of them a decision stands in.
    fn check_plans(&self) {
        let plans = self.truth.readers.keys().copied();
        for plan in plans.collect::<Vec<_>>() {
            let mut shown: BTreeMap<Vec<EntryId>, (&str, String)> = BTreeMap::new();
            let holders =
                self.present().into_iter().filter(|seat| *seat != PAT && self.may_hold(*seat, &plan));
            for seat in holders {
                let there = &self.seats[seat];
                let of_plan = |log: &LogId| {
                    let place = self.truth.beside.get(log);
                    *log == plan
                        || place
                            .is_some_and(|(main, part)| *main == plan && *part != Compartment::AccessRecord)
                };
                let held = there.entries.iter().filter(|(log, _)| of_plan(log));
                let held: Vec<EntryId> = held.flat_map(|(_, entries)| entries.keys().copied()).collect();
                if held.is_empty() {
                    continue;
                }
                let view = there.device.app().plan(plan_of(&plan)).expect("the plan is there");
                if view.kind == "locked" {
                    continue;
                }
                // Devices speak different languages: what stands is compared, and not how it is said.
                let mut seen = view.version;
                for decision in view.sections.iter().flat_map(|section| &section.decisions) {
                    let [entry, kept_in] = [decision.entry.as_str(), decision.kept_in.unwrap_or_default()];
                    seen += &format!(" {entry} {kept_in} {}", decision.approved);
                }
                let (other, theirs) = shown.entry(held).or_insert_with(|| (there.name, seen.clone()));
                assert_eq!(*theirs, seen, "{other} and {} are shown different plans", there.name);
            }
        }
    }

    fn check_decisions(&self, seat: usize, log: &LogId) {
        let there = &self.seats[seat];
        let written = there.device.decisions(log).expect("the plan is there");
        let held = there.device.held(log).expect("the plan is there");
        for (_, id) in self.truth.forged.iter().filter(|(of, _)| of == log) {
            assert!(
                !there.holds(log, id) || held.contains(id),
                "{} believes a decision nobody may make",
                there.name
            );
        }
        let standing = || written.iter().filter(|decision| decision.stands);
        let replaced: BTreeSet<EntryId> =
            standing().flat_map(|decision| decision.supersedes.iter().copied()).collect();
        let sections: BTreeSet<u8> = written.iter().map(|decision| decision.section).collect();
        for section in sections {
            let expected: BTreeSet<EntryId> = standing()
                .filter(|decision| decision.section == section && !decision.endorses && !decision.takes_back)
                .map(|decision| decision.entry)
                .filter(|id| !replaced.contains(id))
                .collect();
            let shown = there.device.shown(log, section).expect("the plan is there");
            assert_eq!(shown, expected, "{} shows other decisions than stand", there.name);
        }
    }

    fn check_outsider(&self) {
        let there = &self.seats[OUTSIDER];
        assert!(there.entries.values().all(BTreeMap::is_empty), "the outsider holds entries");
        for log in self.truth.readers.keys().chain(self.truth.beside.keys()) {
            let keys = there.device.content_keys(log).expect("an open vault can be read");
            assert!(keys.is_empty(), "the outsider holds a key");
        }
        assert!(there.device.claims().expect("an open vault can be read").is_empty());
    }

    /// What the person must not see they do not hold, and the relay gives it to nobody who is not to have it.
    fn check_person(&self) {
        for log in self.truth.beside.keys().filter(|log| !self.may_hold(PAT, log)) {
            if !self.seats[PAT].lost {
                let there = &self.seats[PAT];
                let keys = there.device.content_keys(log).expect("an open vault can be read");
                assert!(keys.is_empty() && there.entries.get(log).is_none_or(BTreeMap::is_empty));
            }
        }
        if self.seats[PAT].lost {
            return;
        }
        let app = self.seats[PAT].device.app();
        for plan in self.plans_of(PAT) {
            let view = serde_json::to_string(&app.plan(plan_of(&plan)).expect("the plan is there"));
            assert!(!view.expect("a view is JSON").contains(IN_CONFIDENCE), "the person reads it");
        }
    }

    /// What the files say is what was in memory.
    fn check_reopened(&mut self, seat: usize) {
        let logs: Vec<LogId> = self.seats[seat].entries.keys().copied().collect();
        let beliefs = |world: &Self| -> Vec<String> {
            logs.iter().map(|log| world.seats[seat].device.belief(log).expect("the plan is there")).collect()
        };
        let before = beliefs(self);
        self.seats[seat].device.crash();
        self.set_clock(seat);
        self.seats[seat].device.reopen(true).expect("a device that crashed opens again");
        assert_eq!(
            before,
            beliefs(self),
            "{} believes something else after a restart",
            self.seats[seat].name
        );
    }

    /// What is held by rule is seen to be held, and what is claimed is claimed.
    pub(crate) fn claims_of(&self, seat: usize, kind: ReceiptKind) -> usize {
        let claims = self.seats[seat].device.claims().expect("an open vault can be read");
        claims.iter().filter(|claim| claim.kind == kind).count()
    }
}
