//! Stories and properties of the ledger, by theme.

mod approval;
mod compartments;
mod consent;
mod death;
mod held;
mod orders;
mod rules;

use std::collections::BTreeMap;

use bedside_protocol::entry::{Body, Decision, Entry, Outcome, Scope};
use bedside_protocol::ids::{EntryId, LogId, Timestamp};
use bedside_protocol::statement::Role;

use super::replica::{Offered, Refused, Replica, SignedEntry};
use super::{HeldReason, Missing, Verdict};
use crate::crdt::Edit;
use crate::plan::check::{encode_decision, read_answer};
use crate::plan::leaf::{Answer, Leaf, Source};
use crate::plan::schema::{Section, field};
use crate::plan::view::{AsOf, Material, PlanView, view};
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

/// A decision on a section, in place of those that its author sees.
fn decision(member: &Member, section: Section, said: &[(&str, &str)]) -> Body {
    let fields = said.iter().map(|(key, said)| {
        let answer = read_answer(field(key).unwrap().0, said).unwrap();
        ((*key).to_owned(), Leaf::new(answer, Source::Person))
    });
    let content = encode_decision(&fields.collect());
    let ledger = member.replica.ledger();
    let supersedes = ledger.decisions(section.number()).iter().map(|standing| standing.entry).collect();
    Body::Decision(Decision { section: section.number(), supersedes, content, endorses: None })
}

/// What a member is shown by a function of the plan.
fn shown(member: &Member, story: &Story, show: impl FnOnce(&Material<'_>) -> PlanView) -> PlanView {
    let as_of = AsOf { now: Timestamp(1_000_000), last_contact: None };
    member.replica.material(&story.cast.trust, as_of, crate::ledger::replica::Backlog::default(), show)
}

fn plan(member: &Member, story: &Story) -> PlanView {
    shown(member, story, view)
}

fn alerts(plan: &PlanView) -> Vec<&'static str> {
    plan.alerts.iter().map(|alert| alert.kind).collect()
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
    let consent = bedside_protocol::entry::Consent {
        scope,
        outcome: Outcome::Given,
        note: String::new(),
        grounds: None,
    };
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
    let copy = Entry { device_time: Timestamp(1), ..entry(&story.alice, &relied_on) };
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
    let twin = Entry { device_time: Timestamp(1), ..entry(&story.alice, &relied_on) };
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
