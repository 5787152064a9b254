use std::collections::BTreeMap;

use bedside_protocol::entry::{Body, Decision, Entry, Outcome, Scope, entry_id};
use bedside_protocol::ids::{EntryId, LogId};
use bedside_protocol::statement::Role;
use proptest::prelude::*;

use super::replica::{Offered, Refused, Replica, SignedEntry};
use super::{HeldReason, Missing, Verdict};
use crate::crdt::Edit;
use crate::plan::check::encode_decision;
use crate::plan::leaf::{Answer, Leaf, Source};
use crate::testing::cast::{Cast, Member};

const LOG: LogId = LogId::new([7; 32]);
const MATTERS: &str = "wishes.about_me";
const PLACE: &str = "preferences.place_of_death_1";
const CPR: u8 = 14;

fn leaf(text: &str) -> Leaf {
    Leaf { answer: Answer::Text(text.into()), heard_from: Source::Person, confirmed: None }
}

fn put(key: &str, text: &str) -> Edit {
    Edit::Put { key: key.into(), value: leaf(text).to_bytes() }
}

fn decide(ledger: &super::Ledger, section: u8, text: &str) -> Body {
    let fields = BTreeMap::from([("cpr.decision".to_owned(), leaf(text))]);
    let supersedes = ledger.decisions(section).iter().map(|standing| standing.entry).collect();
    Body::Decision(Decision { section, supersedes, content: encode_decision(&fields), endorses: None })
}

struct Story {
    cast: Cast,
    alice: Member,
    bob: Member,
    carer: Member,
    person: Member,
}

impl Story {
    fn begin() -> Self {
        let mut cast = Cast::new(1);
        let mut alice = cast.staff(LOG, "Alice Ademola", Role::Nurse);
        let mut bob = cast.staff(LOG, "Bob Brandt", Role::Doctor);
        let mut carer = cast.staff(LOG, "Carol Carver", Role::Carer);
        let mut person = cast.person(LOG, "Jane Smith", &alice);
        alice.consent(&cast.trust, Scope::Record, Outcome::Given);
        alice.consent(&cast.trust, Scope::Share, Outcome::Given);
        for member in [&mut bob, &mut carer, &mut person] {
            member.catch_up(&cast.trust, &alice);
        }
        Self { cast, alice, bob, carer, person }
    }

    fn everybody_meets(&mut self) {
        for _ in 0..2 {
            let all = [&self.alice, &self.bob, &self.carer, &self.person];
            let held: Vec<SignedEntry> = all.iter().flat_map(|member| member.held.clone()).collect();
            for member in [&mut self.alice, &mut self.bob, &mut self.carer, &mut self.person] {
                held.iter().for_each(|signed| {
                    member.receive(&self.cast.trust, signed);
                });
            }
        }
    }
}

fn verdict(member: &Member, id: &EntryId) -> Verdict {
    member.replica.ledger().verdict(id).cloned().expect("admitted")
}

fn held(member: &Member, id: &EntryId) -> HeldReason {
    match verdict(member, id) {
        Verdict::Held(reason) => reason,
        Verdict::Standing => panic!("it stands"),
    }
}

#[test]
fn two_clinicians_offline_decide_cpr_differently_and_neither_is_lost() {
    let mut story = Story::begin();
    let alices = decide(story.alice.replica.ledger(), CPR, "not recommended");
    let bobs = decide(story.bob.replica.ledger(), CPR, "recommended");
    story.alice.say(&story.cast.trust, alices).unwrap();
    story.bob.say(&story.cast.trust, bobs).unwrap();
    story.everybody_meets();
    for member in [&story.alice, &story.bob, &story.carer, &story.person] {
        assert_eq!(member.replica.ledger().decisions(CPR).len(), 2, "both stand, in conflict");
    }
    let resolving = decide(story.bob.replica.ledger(), CPR, "not recommended");
    let id = story.bob.say(&story.cast.trust, resolving).unwrap();
    story.everybody_meets();
    let standing: Vec<EntryId> =
        story.carer.replica.ledger().decisions(CPR).iter().map(|s| s.entry).collect();
    assert_eq!(standing, [id], "a later decision that saw both resolves them");
}

#[test]
fn a_carer_cannot_decide_cpr_and_what_she_wrote_is_kept_with_the_reason() {
    let mut story = Story::begin();
    let body = decide(story.carer.replica.ledger(), CPR, "recommended");
    let id = story.carer.say(&story.cast.trust, body).unwrap();
    assert!(matches!(held(&story.carer, &id), HeldReason::NotAllowed(_)));
    assert!(story.carer.replica.ledger().decisions(CPR).is_empty());
    assert_eq!(story.carer.replica.ledger().held(), 1, "kept");
}

#[test]
fn the_person_writes_what_matters_to_them_and_not_their_medicines() {
    let mut story = Story::begin();
    let trust = &story.cast.trust;
    let text = Edit::Text { key: MATTERS.into(), text: "My dog".into() };
    let words = story.person.edit(trust, &[text]).unwrap();
    assert_eq!(verdict(&story.person, &words), Verdict::Standing);
    let medicine = format!("medicines/{}/name", "0123456789abcdef");
    let medicine = story.person.edit(trust, &[put(&medicine, "morphine")]).unwrap();
    assert!(matches!(held(&story.person, &medicine), HeldReason::NotAllowed(_)));
    assert_eq!(story.person.replica.document().text(MATTERS), "My dog");
}

#[test]
fn nothing_is_written_without_consent() {
    let mut cast = Cast::new(2);
    let mut alice = cast.staff(LOG, "Alice Ademola", Role::Nurse);
    assert!(alice.edit(&cast.trust, &[put(PLACE, "home")]).is_err(), "refused before it is signed");
    let record = alice.consent(&cast.trust, Scope::Record, Outcome::Given);
    let entry = alice.edit(&cast.trust, &[put(PLACE, "home")]).unwrap();
    assert_eq!(verdict(&alice, &entry), Verdict::Standing);
    let forged = Entry { basis: Some(entry), ..next_entry(&mut alice, Body::Change(vec![])) };
    let forged = alice.keep(&cast.trust, &forged);
    assert_eq!(held(&alice, &forged), HeldReason::NoBasis, "a basis has to be a consent: {record:?}");
}

fn next_entry(member: &mut Member, body: Body) -> Entry {
    let pen = member.pen();
    member.replica.ledger().compose(&pen, body).unwrap()
}

#[test]
fn after_a_withdrawal_nothing_more_is_written_and_what_crossed_it_is_kept() {
    let mut story = Story::begin();
    let withdrawn = story.alice.consent(&story.cast.trust, Scope::Record, Outcome::Withdrawn);
    let crossed = story.bob.edit(&story.cast.trust, &[put(PLACE, "hospice")]).unwrap();
    story.everybody_meets();
    assert_eq!(verdict(&story.carer, &withdrawn), Verdict::Standing);
    assert_eq!(verdict(&story.carer, &crossed), Verdict::Standing, "written without knowing");
    assert!(story.carer.edit(&story.cast.trust, &[put(PLACE, "home")]).is_err());
    let stale = story.bob.replica.ledger().entry(&crossed).unwrap().basis;
    let entry = Entry {
        basis: stale,
        ..next_entry_on(&mut story.bob, Scope::Record, |change| Body::Change(change.to_vec()))
    };
    let late = story.bob.keep(&story.cast.trust, &entry);
    assert_eq!(held(&story.bob, &late), HeldReason::ConsentWithdrawn);
}

/// An entry composed past the check for a basis, as a device with other software would.
fn next_entry_on(member: &mut Member, scope: Scope, body: impl FnOnce(&[u8]) -> Body) -> Entry {
    let pen = member.pen();
    let consent = bedside_protocol::entry::Consent { scope, outcome: Outcome::Given, note: String::new() };
    let mut entry = member.replica.ledger().compose(&pen, Body::Consent(consent)).unwrap();
    entry.body = body(&[1, 2, 3]);
    entry
}

#[test]
fn texts_merge_and_single_values_keep_both() {
    let mut story = Story::begin();
    let text = |text: &str| Edit::Text { key: MATTERS.into(), text: text.into() };
    story.alice.edit(&story.cast.trust, &[text("I like tea.")]).unwrap();
    story.everybody_meets();
    story.alice.edit(&story.cast.trust, &[text("I like strong tea."), put(PLACE, "home")]).unwrap();
    story.bob.edit(&story.cast.trust, &[text("I like tea. And my dog."), put(PLACE, "hospice")]).unwrap();
    story.everybody_meets();
    for member in [&story.alice, &story.bob, &story.person] {
        assert_eq!(member.replica.document().text(MATTERS), "I like strong tea. And my dog.");
        assert_eq!(member.replica.document().values(PLACE).len(), 2);
    }
}

#[test]
fn an_entry_signed_by_another_than_it_names_is_refused() {
    let story = Story::begin();
    let mut signed = story.alice.held[0].clone();
    signed.signature = story.alice.held[1].signature;
    let mut fresh = Replica::new(LOG);
    assert!(matches!(fresh.offer(&signed, &story.cast.trust), Err(Refused::Signature)));
    let mut other_log = Replica::new(LogId::new([8; 32]));
    let moved = other_log.offer(&story.alice.held[0], &story.cast.trust);
    assert!(matches!(moved, Err(Refused::Signature)), "an entry cannot be moved to another person's plan");
}

#[test]
fn an_entry_waits_for_what_it_builds_on() {
    let mut story = Story::begin();
    story.alice.edit(&story.cast.trust, &[put(PLACE, "home")]).unwrap();
    let last = story.alice.held.last().unwrap();
    let mut fresh = Replica::new(LOG);
    assert!(matches!(
        fresh.offer(last, &story.cast.trust),
        Ok(Offered::Waiting(_, Missing::Entries(parents))) if parents.len() == 1
    ));
}

#[test]
fn a_copied_device_splits_a_history_and_what_others_relied_on_stands() {
    let mut story = Story::begin();
    let relied_on = story.alice.edit(&story.cast.trust, &[put(PLACE, "home")]).unwrap();
    let copy = Entry { device_time: bedside_protocol::ids::Timestamp(1), ..entry(&story.alice, &relied_on) };
    story.bob.catch_up(&story.cast.trust, &story.alice);
    story.bob.edit(&story.cast.trust, &[put("preferences.place_of_care_1", "home")]).unwrap();
    let twin = story.alice.keep(&story.cast.trust, &copy);
    story.everybody_meets();
    for member in [&story.alice, &story.bob, &story.carer] {
        assert_eq!(verdict(member, &relied_on), Verdict::Standing);
        assert_eq!(held(member, &twin), HeldReason::Forked);
        assert_eq!(member.replica.document().values(PLACE).len(), 1);
    }
}

#[test]
fn made_up_persons_are_no_witnesses_for_a_second_history() {
    let mut story = Story::begin();
    let relied_on = story.alice.edit(&story.cast.trust, &[put(PLACE, "home")]).unwrap();
    let twin = Entry { device_time: bedside_protocol::ids::Timestamp(1), ..entry(&story.alice, &relied_on) };
    story.bob.catch_up(&story.cast.trust, &story.alice);
    story.bob.edit(&story.cast.trust, &[put("preferences.place_of_care_1", "home")]).unwrap();
    let mut liar = story.cast.person(LOG, "Nobody", &story.alice);
    for signed in story.alice.held.iter().take(2).cloned().collect::<Vec<_>>() {
        liar.receive(&story.cast.trust, &signed);
    }
    let twin = story.alice.keep(&story.cast.trust, &twin);
    let twin_signed = story.alice.held.last().cloned().unwrap();
    liar.receive(&story.cast.trust, &twin_signed);
    liar.edit(&story.cast.trust, &[Edit::Text { key: MATTERS.into(), text: "I saw it".into() }]).unwrap();
    for signed in liar.held.clone() {
        story.carer.receive(&story.cast.trust, &signed);
    }
    story.everybody_meets();
    for member in [&story.bob, &story.carer] {
        assert_eq!(verdict(member, &relied_on), Verdict::Standing, "a colleague relied on it");
        assert_eq!(held(member, &twin), HeldReason::Forked);
    }
}

#[test]
fn an_endorsement_replaces_no_decision() {
    let mut story = Story::begin();
    let body = decide(story.bob.replica.ledger(), CPR, "cpr-not-recommended");
    let decision = story.bob.say(&story.cast.trust, body).unwrap();
    let content = encode_decision(&BTreeMap::new());
    let sly = Decision { section: CPR, supersedes: vec![decision], content, endorses: Some(decision) };
    let sly = story.bob.say(&story.cast.trust, Body::Decision(sly)).unwrap();
    assert!(matches!(held(&story.bob, &sly), HeldReason::Malformed(_)));
    assert_eq!(story.bob.replica.ledger().decisions(CPR).len(), 1);
}

fn entry(member: &Member, id: &EntryId) -> Entry {
    member.replica.ledger().entry(id).unwrap().clone()
}

/// What a replica believes, in a form that can be compared.
fn belief(replica: &Replica) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    for (id, _, verdict) in replica.ledger().in_order() {
        writeln!(out, "{id} {verdict:?}").unwrap();
    }
    for key in replica.document().keys() {
        let values: Vec<_> =
            replica.document().values(&key).into_iter().map(|v| (v.change, v.bytes)).collect();
        writeln!(out, "{key} {values:?} {}", replica.document().text(&key)).unwrap();
    }
    for section in 0..20 {
        let standing: Vec<_> =
            replica.ledger().decisions(section).into_iter().map(|s| (s.entry, s.endorsed_by)).collect();
        writeln!(out, "{section} {standing:?}").unwrap();
    }
    let consents: Vec<_> =
        replica.ledger().consents().into_iter().map(|(id, c)| (id, c.scope, c.outcome)).collect();
    writeln!(out, "{consents:?} {:?}", replica.ledger().heads().collect::<Vec<_>>()).unwrap();
    out
}

#[derive(Clone, Debug)]
enum Step {
    Text(usize, String),
    Put(usize, u8),
    Decide(usize, bool),
    Endorse(usize),
    Consent(usize, bool),
    Copy(usize),
    Meet(usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0..4_usize;
    let step = prop_oneof![
        3 => (who.clone(), "[a-z ]{0,12}").prop_map(|(w, t)| Step::Text(w, t)),
        4 => (who.clone(), any::<u8>()).prop_map(|(w, v)| Step::Put(w, v)),
        2 => (who.clone(), any::<bool>()).prop_map(|(w, v)| Step::Decide(w, v)),
        1 => who.clone().prop_map(Step::Endorse),
        1 => (who.clone(), any::<bool>()).prop_map(|(w, v)| Step::Consent(w, v)),
        1 => who.clone().prop_map(Step::Copy),
        4 => (who.clone(), who).prop_map(|(a, b)| Step::Meet(a, b)),
    ];
    proptest::collection::vec(step, 1..24)
}

fn act(story: &mut Story, step: &Step) {
    let Story { cast, alice, bob, carer, person } = story;
    let trust = &cast.trust;
    let mut all = [alice, bob, carer, person];
    match step {
        Step::Text(who, text) if all[*who].replica.document().text(MATTERS) != *text => {
            let _ = all[*who].edit(trust, &[Edit::Text { key: MATTERS.into(), text: text.clone() }]);
        }
        Step::Put(who, value) => {
            let _ = all[*who].edit(trust, &[put(PLACE, &format!("place {value} {}", all[*who].held.len()))]);
        }
        Step::Decide(who, recommended) => {
            let text = if *recommended { "recommended" } else { "not recommended" };
            let body = decide(all[*who].replica.ledger(), CPR, text);
            let _ = all[*who].say(trust, body);
        }
        Step::Endorse(who) => {
            let endorses = all[*who].replica.ledger().decisions(CPR).first().map(|standing| standing.entry);
            let content = encode_decision(&BTreeMap::new());
            let body = Decision { section: CPR, supersedes: vec![], content, endorses };
            if endorses.is_some() {
                let _ = all[*who].say(trust, Body::Decision(body));
            }
        }
        Step::Consent(who, given) => {
            let outcome = if *given { Outcome::Given } else { Outcome::Withdrawn };
            all[*who].consent(trust, Scope::Record, outcome);
        }
        Step::Copy(who) => {
            let Some(signed) = all[*who].held.last().cloned() else { return };
            let Ok(mut entry) = Entry::from_bytes(&signed.bytes) else { return };
            if entry.credential == all[*who].credential {
                entry.device_time = entry.device_time.plus_ms(1);
                all[*who].keep(trust, &entry);
            }
        }
        Step::Meet(a, b) if a != b => {
            let held = all[*b].held.clone();
            held.iter().for_each(|signed| {
                all[*a].receive(trust, signed);
            });
        }
        Step::Text(..) | Step::Meet(..) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_any_entries_gives_the_same_plan(steps in steps(), shuffle in any::<u64>()) {
        let mut story = Story::begin();
        steps.iter().for_each(|step| act(&mut story, step));
        let all: Vec<SignedEntry> = {
            let members = [&story.alice, &story.bob, &story.carer, &story.person];
            let unique: BTreeMap<EntryId, SignedEntry> = members
                .iter()
                .flat_map(|member| member.held.iter().map(|s| (entry_id(&LOG, &s.bytes), s.clone())))
                .collect();
            unique.into_values().collect()
        };
        story.everybody_meets();
        story.everybody_meets();
        let expected = belief(&story.alice.replica);
        for member in [&story.bob, &story.carer, &story.person] {
            prop_assert_eq!(&belief(&member.replica), &expected);
        }

        let mut shuffled = all.clone();
        shuffled.sort_by_key(|s| bedside_protocol::signing::sha256(&[&shuffle.to_be_bytes(), &s.bytes]));
        let (mut stranger, mut half_way) = (Replica::new(LOG), Replica::new(LOG));
        for _ in 0..shuffled.len() {
            for (n, signed) in shuffled.iter().enumerate() {
                let _ = stranger.offer(signed, &story.cast.trust);
                if n % 2 == 0 {
                    let _ = half_way.offer(signed, &story.cast.trust);
                }
            }
        }
        prop_assert_eq!(&belief(&stranger), &expected, "one at a time, shuffled, many times");

        let bytes = shuffled.iter().map(|s| s.bytes.clone());
        let rebuilt = Replica::rebuild(LOG, bytes, None, &story.cast.trust);
        prop_assert_eq!(&belief(&rebuilt), &expected, "rebuilt from nothing");

        for so_far in [stranger, half_way] {
            let saved = so_far.document().clone().save();
            let bytes = shuffled.iter().rev().map(|s| s.bytes.clone());
            let resumed = Replica::rebuild(LOG, bytes, Some(&saved), &story.cast.trust);
            prop_assert_eq!(&belief(&resumed), &expected, "rebuilt with a stored document");
        }
    }
}
