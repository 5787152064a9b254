//! The logs beside a plan's main one: judged by what their authors knew of it, in whatever order it all comes.

use bedside_protocol::entry::{Act, Compartment, Look, Review};
use bedside_protocol::statement::{Capabilities, Trust};
use proptest::prelude::*;

use super::super::By;
use super::*;

const SAFE: &str = "home.key_safe";
const RESTRICTED: LogId = LogId::new([8; 32]);
const RECORD: LogId = LogId::new([9; 32]);

/// Somebody's copies of all logs of a plan that they may hold.
struct Copies {
    main: Member,
    restricted: Member,
    record: Member,
}

impl Copies {
    fn of(main: Member) -> Self {
        let restricted = main.beside(RESTRICTED, Compartment::Restricted);
        let record = main.beside(RECORD, Compartment::AccessRecord);
        Self { main, restricted, record }
    }

    /// The log, and what it is judged by.
    fn log<'a>(&'a mut self, log: &LogId, trust: &'a Trust) -> (&'a mut Member, By<'a>) {
        let plan = match *log {
            LOG => return (&mut self.main, trust.into()),
            _ => self.main.replica.ledger(),
        };
        let member = if *log == RESTRICTED { &mut self.restricted } else { &mut self.record };
        (member, By { trust, plan: Some(plan) })
    }

    fn say(&mut self, log: &LogId, trust: &Trust, body: Body) -> Option<EntryId> {
        let (member, by) = self.log(log, trust);
        member.say(by, body).ok()
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
        [of(LOG, &self.main), of(RESTRICTED, &self.restricted), of(RECORD, &self.record)].concat()
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
        for log in [LOG, RESTRICTED, RECORD] {
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

#[derive(Clone, Debug)]
enum Step {
    Consent(usize, bool, bool),
    Die(usize, bool),
    Code(usize, u8),
    Misplaced(usize),
    Look(usize),
    Review(usize, bool),
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
            let held = all[who].restricted.replica.ledger().held_entries();
            if let Some(entry) = held.first().map(|held| held.entry) {
                let review = Review { entry, adopt, note: String::new() };
                all[who].say(&RESTRICTED, trust, Body::Review(review));
            }
        }
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
        for (member, compartment) in
            [(&stranger.restricted, Compartment::Restricted), (&stranger.record, Compartment::AccessRecord)]
        {
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
}
