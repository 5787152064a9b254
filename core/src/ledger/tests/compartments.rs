//! The logs beside a plan's main one: judged by what their authors knew of it, in whatever order it all comes.

use bedside_protocol::entry::{Act, Compartment, Look, Review};
use bedside_protocol::statement::{Capabilities, Trust};
use proptest::prelude::*;

use super::super::By;
use super::super::family::Both;
use super::*;
use crate::plan::approval::urgent;

const SAFE: &str = "home.key_safe";
const RESTRICTED: LogId = LogId::new([8; 32]);
const RECORD: LogId = LogId::new([9; 32]);
const PROFESSIONAL: LogId = LogId::new([10; 32]);

/// Somebody's copies of all logs of a plan that they may hold.
struct Copies {
    main: Member,
    restricted: Member,
    record: Member,
    professional: Member,
}

impl Copies {
    fn of(main: Member) -> Self {
        let restricted = main.beside(RESTRICTED, Compartment::Restricted);
        let record = main.beside(RECORD, Compartment::AccessRecord);
        let professional = main.beside(PROFESSIONAL, Compartment::Professional);
        Self { main, restricted, record, professional }
    }

    /// The log, and what it is judged by.
    fn log<'a>(&'a mut self, log: &LogId, trust: &'a Trust) -> (&'a mut Member, By<'a>) {
        let plan = match *log {
            LOG => return (&mut self.main, trust.into()),
            _ => self.main.replica.ledger(),
        };
        let member = match *log {
            RESTRICTED => &mut self.restricted,
            PROFESSIONAL => &mut self.professional,
            _ => &mut self.record,
        };
        (member, By { trust, plan: Some(plan) })
    }

    fn say(&mut self, log: &LogId, trust: &Trust, body: Body) -> Option<EntryId> {
        let (member, by) = self.log(log, trust);
        member.say(by, body).ok()
    }

    fn both(&self) -> Both<'_> {
        Both { main: &self.main.replica, professional: Some(&self.professional.replica) }
    }

    /// Decides about resuscitation in place of all that stands: shared, or kept from the person.
    fn decide(&mut self, trust: &Trust, log: &LogId, said: &str) -> Option<EntryId> {
        let both = self.both();
        let mut supersedes = both.standing_in(Compartment::Shared, CPR);
        if *log == PROFESSIONAL {
            supersedes.extend(both.standing_in(Compartment::Professional, CPR));
        }
        supersedes.sort();
        let Body::Decision(decided) = decide(self.main.replica.ledger(), CPR, said) else { return None };
        self.say(log, trust, Body::Decision(Decision { supersedes, ..decided }))
    }

    /// Takes back what is kept from the person on resuscitation.
    fn take_back(&mut self, trust: &Trust) -> Option<EntryId> {
        let supersedes = self.both().standing_in(Compartment::Professional, CPR);
        let content = encode_decision(&BTreeMap::new());
        let decision = Decision { section: CPR, supersedes, content, endorses: None };
        self.say(&PROFESSIONAL, trust, Body::Decision(decision))
    }

    /// What stands on resuscitation for whoever holds both logs.
    fn standing(&mut self, trust: &Trust) -> Vec<EntryId> {
        let (member, by) = self.log(&PROFESSIONAL, trust);
        member.replica.keep_up(by);
        self.both().decisions(CPR).into_iter().map(|(_, standing)| standing.entry).collect()
    }

    /// The plan as whoever holds both logs is shown it.
    fn shown(&self, trust: &Trust, show: impl FnOnce(&Material<'_>) -> PlanView) -> PlanView {
        let as_of = AsOf { now: Timestamp(1_000_000), last_contact: None };
        let beside = [&self.professional.replica];
        let backlog = crate::ledger::replica::Backlog::default();
        self.main.replica.material_with(&beside, trust, as_of, backlog, show)
    }

    /// Approves everything that stands in both logs.
    fn approve(&mut self, trust: &Trust) {
        let in_main = super::approval::approve(&self.main);
        self.say(&LOG, trust, in_main);
        let kept = super::approval::approve(&self.professional);
        self.say(&PROFESSIONAL, trust, kept);
    }

    fn code(&mut self, trust: &Trust, code: &str) -> Option<EntryId> {
        let (member, by) = self.log(&RESTRICTED, trust);
        member.edit(by, &[put(SAFE, code)]).ok()
    }

    fn look(&mut self, trust: &Trust) -> Option<EntryId> {
        let at = Timestamp(self.record.held.len() as u64);
        let look = Look { at, act: Act::View, what: None, why: None };
        self.say(&RECORD, trust, Body::Looks(vec![look]))
    }

    fn receive(&mut self, trust: &Trust, log: &LogId, signed: &SignedEntry) -> bool {
        let (member, by) = self.log(log, trust);
        member.receive(by, signed)
    }

    fn held(&self) -> Vec<(LogId, SignedEntry)> {
        let of = |log: LogId, member: &Member| {
            member.held.iter().map(move |signed| (log, signed.clone())).collect::<Vec<_>>()
        };
        let beside = [of(RESTRICTED, &self.restricted), of(RECORD, &self.record)].concat();
        [of(LOG, &self.main), beside, of(PROFESSIONAL, &self.professional)].concat()
    }

    /// Takes in all that another holds, as often as it needs.
    fn catch_up(&mut self, trust: &Trust, other: &Self) {
        let all = other.held();
        for _ in 0..2 {
            for (log, signed) in &all {
                self.receive(trust, log, signed);
            }
        }
    }

    fn verdict(&mut self, trust: &Trust, log: &LogId, id: &EntryId) -> Verdict {
        let (member, by) = self.log(log, trust);
        member.replica.keep_up(by);
        super::verdict(member, id)
    }

    /// What is believed of the whole family, in a form that can be compared.
    fn belief(&mut self, trust: &Trust) -> String {
        let mut out = String::new();
        for log in [LOG, RESTRICTED, RECORD, PROFESSIONAL] {
            let (member, by) = self.log(&log, trust);
            member.replica.keep_up(by);
            for (id, _, verdict) in member.replica.ledger().in_order() {
                out += &format!("{id} {verdict:?}\n");
            }
            for held in member.replica.ledger().held_entries() {
                out += &format!("{} {:?} {}\n", held.entry, held.ruling, held.is_part);
            }
            let document = member.replica.document();
            for key in document.keys() {
                let values: Vec<_> =
                    document.values(&key).into_iter().map(|value| (value.change, value.bytes)).collect();
                out += &format!("{key} {values:?}\n");
            }
        }
        for show in [view, urgent] {
            let shown = self.shown(trust, show);
            out += &serde_json::to_string(&(&shown.sections, &shown.alerts, &shown.version)).unwrap();
        }
        out
    }
}

struct Family {
    trust: Trust,
    nurse: Copies,
    doctor: Copies,
    carer: Copies,
}

impl Family {
    fn begin() -> Self {
        let mut cast = Cast::new(3);
        let mut nurse = Copies::of(cast.staff(LOG, "Alice Ademola", Role::Nurse));
        let mut doctor = Copies::of(cast.staff(LOG, "Bob Brandt", Role::Doctor));
        cast.another_organisation("Willow House", "VLX01");
        let mut carer = Copies::of(cast.staff(LOG, "Carol Carver", Role::Carer));
        nurse.main.consent(&cast.trust, Scope::Record, Outcome::Given);
        nurse.main.consent(&cast.trust, Scope::Share, Outcome::Given);
        doctor.catch_up(&cast.trust, &nurse);
        carer.catch_up(&cast.trust, &nurse);
        Self { trust: cast.trust, nurse, doctor, carer }
    }

    fn all(&mut self) -> [&mut Copies; 3] {
        [&mut self.nurse, &mut self.doctor, &mut self.carer]
    }

    fn everybody_meets(&mut self) {
        let held: Vec<_> = self.all().iter().flat_map(|copies| copies.held()).collect();
        let trust = self.trust.clone();
        for copies in self.all() {
            for _ in 0..3 {
                for (log, signed) in &held {
                    copies.receive(&trust, log, signed);
                }
            }
        }
    }
}

#[test]
fn an_entry_in_a_compartment_waits_for_what_its_author_knew_of_the_plan() {
    let mut family = Family::begin();
    let Family { trust, nurse, doctor, .. } = &mut family;
    let more = nurse.main.edit(&*trust, &[put(PLACE, "home")]).unwrap();
    let code = nurse.code(trust, "1234").unwrap();
    let signed = nurse.restricted.held[0].clone();
    let (member, by) = doctor.log(&RESTRICTED, trust);
    let waits = member.replica.offer(&signed, by);
    assert!(matches!(waits, Ok(Offered::Waiting(_, Missing::Entries(heads))) if heads == [more]));
    doctor.catch_up(trust, nurse);
    assert_eq!(doctor.verdict(trust, &RESTRICTED, &code), Verdict::Standing);
    assert_eq!(doctor.restricted.replica.document().values(SAFE).len(), 1);
    assert!(doctor.main.replica.document().values(SAFE).is_empty(), "it is in no other log");
}

#[test]
fn a_withdrawal_closes_the_compartments_and_what_crossed_it_stands() {
    let mut family = Family::begin();
    let Family { trust, nurse, doctor, carer } = &mut family;
    nurse.main.consent(&*trust, Scope::Share, Outcome::Withdrawn);
    let crossed = carer.code(trust, "1234").unwrap();
    nurse.catch_up(trust, carer);
    carer.catch_up(trust, nurse);
    assert_eq!(nurse.verdict(trust, &RESTRICTED, &crossed), Verdict::Standing, "written without knowing");
    let late = carer.code(trust, "5678").unwrap();
    let reason = Verdict::Held(HeldReason::ConsentWithdrawn);
    assert_eq!(carer.verdict(trust, &RESTRICTED, &late), reason, "another organisation's");
    let own = nurse.code(trust, "9999").unwrap();
    assert_eq!(nurse.verdict(trust, &RESTRICTED, &own), Verdict::Standing, "who began the plan goes on");
    doctor.catch_up(trust, nurse);
    let withdrawn = nurse.main.consent(&*trust, Scope::Record, Outcome::Withdrawn);
    assert!(nurse.code(trust, "0000").is_none(), "there is nothing to rest on: {withdrawn}");
}

#[test]
fn who_looked_is_recorded_after_a_withdrawal_and_after_a_death() {
    let mut family = Family::begin();
    let Family { trust, nurse, carer, .. } = &mut family;
    let death = decision(&nurse.main, Section::AfterDeath, &[("death.date", "1970-01-01")]);
    nurse.main.say(&*trust, death).unwrap();
    nurse.main.consent(&*trust, Scope::Record, Outcome::Withdrawn);
    carer.catch_up(trust, nurse);
    let looked = carer.look(trust).unwrap();
    assert_eq!(carer.verdict(trust, &RECORD, &looked), Verdict::Standing);
    let mut sly = carer.record.replica.ledger().entry(&looked).unwrap().clone();
    sly.basis = Some(looked);
    let (member, by) = carer.log(&RECORD, trust);
    let sly = member.keep(by, &sly);
    assert_eq!(held(member, &sly), HeldReason::NoBasis, "not without a consent to name");
}

#[test]
fn what_belongs_in_another_compartment_is_held() {
    let mut family = Family::begin();
    let Family { trust, nurse, .. } = &mut family;
    let malformed = |verdict| matches!(verdict, Verdict::Held(HeldReason::Malformed(_)));
    let in_main = nurse.main.edit(&*trust, &[put(SAFE, "1234")]).unwrap();
    assert!(malformed(nurse.verdict(trust, &LOG, &in_main)), "a key-safe code where all could read it");
    let (member, by) = nurse.log(&RESTRICTED, trust);
    let words = member.edit(by, &[put(PLACE, "home")]).unwrap();
    assert!(
        malformed(nurse.verdict(trust, &RESTRICTED, &words)),
        "a wish where the person could not read it"
    );
    let look = Look { at: Timestamp(1), act: Act::View, what: None, why: None };
    let in_main = nurse.say(&LOG, trust, Body::Looks(vec![look])).unwrap();
    assert!(malformed(nurse.verdict(trust, &LOG, &in_main)));
    let decided = decide(nurse.main.replica.ledger(), CPR, "recommended");
    let in_record = nurse.say(&RECORD, trust, decided).unwrap();
    assert!(malformed(nurse.verdict(trust, &RECORD, &in_record)));
    let alert = "alert/00000000000000aa/kind";
    let (member, by) = nurse.log(&RESTRICTED, trust);
    let alert = member.edit(by, &[put(alert, "safeguarding")]).unwrap();
    assert_eq!(nurse.verdict(trust, &RESTRICTED, &alert), Verdict::Standing, "an alert may be restricted");
}

#[test]
fn who_may_not_write_in_a_plan_writes_in_none_of_its_compartments() {
    let mut cast = Cast::new(4);
    let mut nurse = Copies::of(cast.staff(LOG, "Alice Ademola", Role::Nurse));
    let crew = cast.staff_who_may(LOG, "Urgent Crew", Role::UrgentCare, Capabilities(u32::MAX));
    let mut crew = Copies::of(crew);
    nurse.main.consent(&cast.trust, Scope::Record, Outcome::Given);
    crew.catch_up(&cast.trust, &nurse);
    let code = crew.code(&cast.trust, "0000").unwrap();
    let verdict = crew.verdict(&cast.trust, &RESTRICTED, &code);
    assert!(matches!(verdict, Verdict::Held(HeldReason::NotAllowed(_))));
    let looked = crew.look(&cast.trust).unwrap();
    assert_eq!(crew.verdict(&cast.trust, &RECORD, &looked), Verdict::Standing, "but looks are recorded");
}

fn entries_of(decisions: &[crate::plan::view::DecisionView]) -> Vec<String> {
    decisions.iter().map(|decision| decision.entry.clone()).collect()
}

#[test]
fn a_newer_decision_that_is_kept_from_the_person_replaces_the_shared_one_for_those_who_hold_it() {
    let mut family = Family::begin();
    let Family { trust, nurse, doctor, .. } = &mut family;
    let shared = nurse.decide(trust, &LOG, "recommended").unwrap();
    doctor.catch_up(trust, nurse);
    let kept = doctor.decide(trust, &PROFESSIONAL, "not recommended").unwrap();
    assert_eq!(doctor.standing(trust), [kept]);
    let alone = doctor.main.replica.ledger().decisions(CPR);
    assert_eq!(alone.iter().map(|s| s.entry).collect::<Vec<_>>(), [shared], "for the person nothing changed");
    assert_eq!(nurse.standing(trust), [shared], "and for whoever has not got it yet");
    nurse.catch_up(trust, doctor);
    assert_eq!(nurse.standing(trust), [kept]);
}

#[test]
fn decisions_that_do_not_know_of_each_other_are_in_conflict_across_the_logs() {
    let mut family = Family::begin();
    let Family { trust, nurse, doctor, .. } = &mut family;
    let old = nurse.decide(trust, &LOG, "recommended").unwrap();
    doctor.catch_up(trust, nurse);
    let kept = doctor.decide(trust, &PROFESSIONAL, "not recommended").unwrap();
    let shared = nurse.decide(trust, &LOG, "still recommended").unwrap();
    nurse.catch_up(trust, doctor);
    let mut standing = nurse.standing(trust);
    standing.sort();
    let mut both = [kept, shared];
    both.sort();
    assert_eq!(standing, both, "neither named the other, and {old} is gone");
    let plan = nurse.shown(trust, view);
    assert!(plan.section(Section::Cpr).in_conflict && alerts(&plan).contains(&"in-conflict"));
    let crew = nurse.shown(trust, urgent);
    assert_eq!(crew.section(Section::Cpr).decisions.len(), 2, "a crew sees both");
    let resolved = nurse.decide(trust, &PROFESSIONAL, "agreed").unwrap();
    assert_eq!(nurse.standing(trust), [resolved], "it named both");
}

#[test]
fn what_was_talked_about_is_shared_and_taken_back_where_it_was_kept() {
    let mut family = Family::begin();
    let Family { trust, nurse, doctor, .. } = &mut family;
    nurse.decide(trust, &LOG, "recommended").unwrap();
    let kept = nurse.decide(trust, &PROFESSIONAL, "not recommended").unwrap();
    let shared = nurse.decide(trust, &LOG, "not recommended").unwrap();
    doctor.catch_up(trust, nurse);
    let mut both = [kept, shared];
    both.sort();
    let mut standing = doctor.standing(trust);
    standing.sort();
    assert_eq!(standing, both, "the shared one alone hides nothing");
    let back = nurse.take_back(trust).unwrap();
    assert_eq!(nurse.verdict(trust, &PROFESSIONAL, &back), Verdict::Standing);
    doctor.catch_up(trust, nurse);
    assert_eq!(doctor.standing(trust), [shared]);
}

#[test]
fn nothing_is_taken_back_before_the_shared_plan_says_what_holds_instead() {
    let mut family = Family::begin();
    let Family { trust, nurse, .. } = &mut family;
    let kept = nurse.decide(trust, &PROFESSIONAL, "not recommended").unwrap();
    let back = nurse.take_back(trust).unwrap();
    let malformed = |verdict| matches!(verdict, Verdict::Held(HeldReason::Malformed(_)));
    assert!(malformed(nurse.verdict(trust, &PROFESSIONAL, &back)));
    assert_eq!(nurse.standing(trust), [kept]);
    nurse.decide(trust, &LOG, "recommended").unwrap();
    let kept = nurse.decide(trust, &PROFESSIONAL, "not recommended").unwrap();
    let back = nurse.take_back(trust).unwrap();
    assert!(malformed(nurse.verdict(trust, &PROFESSIONAL, &back)), "the shared one has been replaced");
    assert_eq!(nurse.standing(trust), [kept]);
}

#[test]
fn what_a_carer_took_back_is_adopted_only_once_the_shared_plan_says_what_holds_instead() {
    let mut family = Family::begin();
    let trust = family.trust.clone();
    let kept = family.nurse.decide(&trust, &PROFESSIONAL, "not recommended").unwrap();
    family.everybody_meets();
    // Neither half of it counts: a carer decides nothing.
    let shared = family.carer.decide(&trust, &LOG, "recommended").unwrap();
    let taken_back = family.carer.take_back(&trust).unwrap();
    family.everybody_meets();
    let adopt = |entry| Body::Review(Review { entry, adopt: true, note: String::new() });
    family.doctor.say(&PROFESSIONAL, &trust, adopt(taken_back));
    assert_eq!(family.doctor.standing(&trust), [kept], "nothing would stand in its place");
    family.doctor.say(&LOG, &trust, adopt(shared)).unwrap();
    family.doctor.say(&PROFESSIONAL, &trust, adopt(taken_back)).unwrap();
    family.everybody_meets();
    for copies in family.all() {
        assert_eq!(copies.standing(&trust), [shared]);
    }
}

#[test]
fn an_approval_covers_both_logs_and_a_crew_sees_what_was_last_approved_in_either() {
    let mut family = Family::begin();
    let Family { trust, nurse, doctor, .. } = &mut family;
    nurse.decide(trust, &LOG, "recommended").unwrap();
    let kept = nurse.decide(trust, &PROFESSIONAL, "attempt once").unwrap();
    doctor.catch_up(trust, nurse);
    doctor.approve(trust);
    let crew = doctor.shown(trust, urgent);
    let cpr = crew.section(Section::Cpr);
    assert_eq!(entries_of(&cpr.decisions), [kept.to_string()], "not the shared one that it replaces");
    assert!(cpr.decisions[0].approved && cpr.decisions[0].current);
    assert_eq!((cpr.review.state, crew.control.status), ("approved", "approved"));
    let newer = doctor.decide(trust, &PROFESSIONAL, "attempt twice").unwrap();
    let crew = doctor.shown(trust, urgent);
    let cpr = crew.section(Section::Cpr);
    assert_eq!(
        entries_of(&cpr.decisions),
        [kept, newer].map(|id| id.to_string()),
        "in words, so it may be less"
    );
    assert!(!cpr.decisions[0].current && cpr.review.state == "changed");
    let (member, by) = doctor.log(&PROFESSIONAL, trust);
    member.edit(by, &[put(PLACE, "hospice")]).unwrap();
    let state = |copies: &Copies| copies.shown(trust, view).section(Section::Preferences).review.state;
    assert_eq!(state(doctor), "not-reviewed");
    doctor.approve(trust);
    assert_eq!(state(doctor), "approved");
    let without = doctor.main.replica.material(
        trust,
        AsOf { now: Timestamp(1_000_000), last_contact: None },
        crate::ledger::replica::Backlog::default(),
        view,
    );
    assert_eq!(without.section(Section::Preferences).review.state, "empty");
}

#[test]
fn what_is_kept_from_the_person_is_written_by_nobody_who_must_not_read_it() {
    let mut cast = Cast::new(6);
    let mut nurse = Copies::of(cast.staff(LOG, "Alice Ademola", Role::Nurse));
    let mut person = Copies::of(cast.person(LOG, "Jane Smith", &nurse.main));
    let mut carer = Copies::of(cast.staff(LOG, "Carol Carver", Role::Carer));
    nurse.main.consent(&cast.trust, Scope::Record, Outcome::Given);
    person.catch_up(&cast.trust, &nurse);
    carer.catch_up(&cast.trust, &nurse);
    let not_allowed = |verdict| matches!(verdict, Verdict::Held(HeldReason::NotAllowed(_)));
    for log in [PROFESSIONAL, RESTRICTED] {
        let (member, by) = person.log(&log, &cast.trust);
        let own_words = member.edit(by, &[put(PLACE, "home")]).unwrap();
        assert!(not_allowed(person.verdict(&cast.trust, &log, &own_words)), "although a wish is theirs");
    }
    let decided = carer.decide(&cast.trust, &PROFESSIONAL, "recommended").unwrap();
    assert!(not_allowed(carer.verdict(&cast.trust, &PROFESSIONAL, &decided)), "a carer decides nowhere");
    let (member, by) = carer.log(&PROFESSIONAL, &cast.trust);
    let observed = member.edit(by, &[put("contact/00000000000000aa/notes", "owes money")]).unwrap();
    assert_eq!(
        carer.verdict(&cast.trust, &PROFESSIONAL, &observed),
        Verdict::Standing,
        "and notes what she sees"
    );
    let death = decision(&nurse.main, Section::AfterDeath, &[("death.date", "1970-01-01")]);
    let death = nurse.say(&PROFESSIONAL, &cast.trust, death).unwrap();
    assert!(matches!(
        nurse.verdict(&cast.trust, &PROFESSIONAL, &death),
        Verdict::Held(HeldReason::Malformed(_))
    ));
}

#[derive(Clone, Debug)]
enum Step {
    Consent(usize, bool, bool),
    Die(usize, bool),
    Code(usize, u8),
    Misplaced(usize),
    Look(usize),
    Review(usize, bool),
    Decide(usize, bool),
    Keep(usize),
    Disclose(usize),
    Approve(usize),
    Copy(usize),
    Meet(usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0..3_usize;
    let step = prop_oneof![
        2 => (who.clone(), any::<bool>(), any::<bool>()).prop_map(|(w, r, g)| Step::Consent(w, r, g)),
        1 => (who.clone(), any::<bool>()).prop_map(|(w, real)| Step::Die(w, real)),
        6 => (who.clone(), any::<u8>()).prop_map(|(w, c)| Step::Code(w, c)),
        1 => who.clone().prop_map(Step::Misplaced),
        3 => who.clone().prop_map(Step::Look),
        4 => (who.clone(), any::<bool>()).prop_map(|(w, a)| Step::Review(w, a)),
        4 => (who.clone(), any::<bool>()).prop_map(|(w, kept)| Step::Decide(w, kept)),
        2 => who.clone().prop_map(Step::Keep),
        2 => who.clone().prop_map(Step::Disclose),
        2 => who.clone().prop_map(Step::Approve),
        2 => who.clone().prop_map(Step::Copy),
        4 => (who.clone(), who).prop_map(|(a, b)| Step::Meet(a, b)),
    ];
    proptest::collection::vec(step, 1..24)
}

fn act(family: &mut Family, step: &Step) {
    let Family { trust, nurse, doctor, carer } = family;
    let all = [nurse, doctor, carer];
    match *step {
        Step::Consent(who, record, given) => {
            let outcome = if given { Outcome::Given } else { Outcome::Withdrawn };
            let scope = if record { Scope::Record } else { Scope::Share };
            all[who].main.consent(&*trust, scope, outcome);
        }
        Step::Die(who, real) => {
            let said = if real { ("death.date", "1970-01-01") } else { ("death.in_error", "alive") };
            let body = decision(&all[who].main, Section::AfterDeath, &[said]);
            all[who].say(&LOG, trust, body);
        }
        // Never the same twice: that would be no change.
        Step::Code(who, code) => {
            let code = format!("{code} by {who}, {}", all[who].restricted.held.len());
            let _ = all[who].code(trust, &code);
        }
        Step::Misplaced(who) => {
            let (member, by) = all[who].log(&RESTRICTED, trust);
            let place = format!("home, {}", member.held.len());
            let _ = member.edit(by, &[put(PLACE, &place)]);
        }
        Step::Look(who) => drop(all[who].look(trust)),
        Step::Review(who, adopt) => {
            for log in [RESTRICTED, PROFESSIONAL] {
                let (member, _) = all[who].log(&log, trust);
                let first = member.replica.ledger().held_entries().first().map(|held| held.entry);
                if let Some(entry) = first {
                    let review = Review { entry, adopt, note: String::new() };
                    all[who].say(&log, trust, Body::Review(review));
                }
            }
        }
        Step::Decide(who, kept) => {
            let said = format!("decision by {who}, {}", all[who].main.held.len());
            all[who].decide(trust, if kept { &PROFESSIONAL } else { &LOG }, &said);
        }
        Step::Keep(who) => {
            let (member, by) = all[who].log(&PROFESSIONAL, trust);
            let place = format!("in confidence, {}", member.held.len());
            let _ = member.edit(by, &[put(PLACE, &place)]);
        }
        Step::Disclose(who) => {
            all[who].decide(trust, &LOG, "talked about");
            all[who].take_back(trust);
        }
        Step::Approve(who) => all[who].approve(trust),
        // A device is copied: two entries in one place of the main log, and what was judged by it may change.
        Step::Copy(who) => {
            let Some(signed) = all[who].main.held.last().cloned() else { return };
            let Ok(mut entry) = Entry::from_bytes(&signed.bytes) else { return };
            if entry.credential == all[who].main.credential {
                entry.device_time = entry.device_time.plus_ms(1);
                all[who].main.keep(&*trust, &entry);
            }
        }
        Step::Meet(a, b) => {
            for (log, signed) in all[b].held() {
                all[a].receive(trust, &log, &signed);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_the_entries_of_all_logs_gives_the_same_plan(steps in steps(), shuffle in any::<u64>()) {
        let mut family = Family::begin();
        steps.iter().for_each(|step| act(&mut family, step));
        family.everybody_meets();
        family.everybody_meets();
        let trust = family.trust.clone();
        let expected = family.nurse.belief(&trust);
        for copies in [&mut family.doctor, &mut family.carer] {
            prop_assert_eq!(&copies.belief(&trust), &expected);
        }
        let mut shuffled = family.nurse.held();
        shuffled.sort_by_key(|(_, signed)| {
            bedside_protocol::signing::sha256(&[&shuffle.to_be_bytes(), &signed.bytes])
        });
        let mut stranger = Copies::of(family.nurse.main.beside(LOG, Compartment::Shared));
        for _ in 0..=shuffled.len() {
            for (log, signed) in &shuffled {
                stranger.receive(&trust, log, signed);
            }
        }
        prop_assert_eq!(&stranger.belief(&trust), &expected, "one at a time, shuffled, of all logs");
        let plan = stranger.main.replica.ledger();
        for (member, compartment) in [
            (&stranger.restricted, Compartment::Restricted),
            (&stranger.record, Compartment::AccessRecord),
            (&stranger.professional, Compartment::Professional),
        ] {
            let by = By { trust: &trust, plan: Some(plan) };
            let entries = shuffled.iter().map(|(_, signed)| signed.bytes.clone());
            let of_log = entries.filter(|bytes| {
                let id = bedside_protocol::entry::entry_id(&member.replica.ledger().log(), bytes);
                member.replica.ledger().entry(&id).is_some()
            });
            let log = member.replica.ledger().log();
            let saved = member.replica.document().clone().save();
            let rebuilt = Replica::rebuild_of(log, compartment, of_log, Some(&saved), by);
            let verdicts = |replica: &Replica| {
                let all = replica.ledger().in_order().into_iter();
                all.map(|(id, _, verdict)| format!("{id} {verdict:?}")).collect::<Vec<_>>()
            };
            prop_assert_eq!(verdicts(&rebuilt), verdicts(&member.replica), "rebuilt with a stored document");
        }
    }

    #[test]
    fn a_decision_in_one_log_is_never_hidden_by_one_in_another_that_has_not_named_it(steps in steps()) {
        let mut family = Family::begin();
        steps.iter().for_each(|step| act(&mut family, step));
        family.everybody_meets();
        family.everybody_meets();
        let trust = family.trust.clone();
        let standing = family.nurse.standing(&trust);
        let logs = [&family.nurse.main, &family.nurse.professional].map(|member| member.replica.ledger());
        let all = || logs.into_iter().flat_map(|ledger| {
            let entries = ledger.in_order().into_iter();
            entries.filter_map(move |(id, entry, _)| match &entry.body {
                Body::Decision(decision) if decision.section == CPR && ledger.is_part(&id) => Some((id, decision)),
                _ => None,
            })
        });
        let named: Vec<EntryId> = all().flat_map(|(_, decision)| decision.supersedes.clone()).collect();
        let empty = |decision: &Decision| {
            crate::plan::check::decode_decision(&decision.content).unwrap().is_empty()
        };
        for (id, decision) in all() {
            prop_assert!(standing.contains(&id) || named.contains(&id) || empty(decision), "{} is hidden", id);
        }
        prop_assert!(standing.len() >= usize::from(all().next().is_some()), "something stands");
        for (_, decision) in all().filter(|(id, _)| logs[0].entry(id).is_some()) {
            for id in &decision.supersedes {
                prop_assert!(logs[1].entry(id).is_none(), "the main log names an entry of another");
            }
        }
    }
}
