//! Held entries: kept, looked at, adopted or declined, and never dropped.

use bedside_protocol::entry::{Body, Review};
use bedside_protocol::statement::{Capabilities, Role};

use super::super::review::Ruling;
use super::*;

const STOPPED: &str = "medicine/00000000000000aa/stopped";

/// The carer says that a medicine was stopped, which is for clinicians to say.
fn stops(story: &mut Story) -> EntryId {
    let leaf = Leaf::new(Answer::date("2026-11-20").unwrap(), Source::Observed);
    let edit = Edit::Put { key: STOPPED.into(), value: leaf.to_bytes() };
    let id = story.carer.edit(&story.cast.trust, &[edit]).unwrap();
    assert!(matches!(held(&story.carer, &id), HeldReason::NotAllowed(_)));
    story.everybody_meets();
    id
}

fn review(entry: EntryId, adopt: bool) -> Body {
    Body::Review(Review { entry, adopt, note: "seen at home".into() })
}

fn in_document(member: &Member) -> bool {
    !member.replica.document().values(STOPPED).is_empty()
}

fn ruling(member: &Member, id: &EntryId) -> Ruling {
    member.replica.ledger().held_entry(id).unwrap().ruling
}

#[test]
fn a_held_entry_that_a_reviewer_adopts_is_part_of_the_plan_everywhere() {
    let mut story = Story::begin();
    let entry = stops(&mut story);
    assert!(!in_document(&story.alice));
    assert_eq!(plan(&story.alice, &story).held, 1);
    story.alice.say(&story.cast.trust, review(entry, true)).unwrap();
    story.everybody_meets();
    for member in [&story.alice, &story.bob, &story.carer, &story.person] {
        assert!(in_document(member) && member.replica.ledger().is_part(&entry));
        assert_eq!(plan(member, &story).held, 0);
    }
    let held = story.carer.replica.ledger().held_entry(&entry).unwrap();
    assert_eq!((held.ruling, held.reviews[0].1.note.as_str()), (Ruling::Adopted, "seen at home"));
    story.carer.edit(&story.cast.trust, &[put(PLACE, "home")]).unwrap();
    story.everybody_meets();
    assert_eq!(story.bob.replica.document().values(PLACE).len(), 1, "what builds on it stands");
}

#[test]
fn a_held_entry_that_a_reviewer_declines_stays_out_and_its_author_sees_why() {
    let mut story = Story::begin();
    let entry = stops(&mut story);
    story.alice.say(&story.cast.trust, review(entry, false)).unwrap();
    story.everybody_meets();
    assert!(!in_document(&story.carer));
    assert_eq!(plan(&story.carer, &story).held, 0, "nobody has to look at it any more");
    let held = story.carer.replica.ledger().held_entry(&entry).unwrap();
    assert_eq!((held.ruling, held.is_part), (Ruling::Declined, false));
    story.bob.say(&story.cast.trust, review(entry, true)).unwrap();
    assert!(in_document(&story.bob), "somebody who has seen that may decide otherwise");
}

#[test]
fn two_contrary_reviews_leave_an_entry_held_and_say_so() {
    let mut story = Story::begin();
    let entry = stops(&mut story);
    story.alice.say(&story.cast.trust, review(entry, true)).unwrap();
    story.bob.say(&story.cast.trust, review(entry, false)).unwrap();
    assert!(in_document(&story.alice));
    story.everybody_meets();
    for member in [&story.alice, &story.bob, &story.carer] {
        assert_eq!(ruling(member, &entry), Ruling::Disputed);
        assert!(!in_document(member));
        assert_eq!(plan(member, &story).held, 1);
    }
    story.bob.say(&story.cast.trust, review(entry, true)).unwrap();
    story.everybody_meets();
    assert!(in_document(&story.alice), "who has seen both settles it");
}

#[test]
fn what_others_have_built_on_stays_although_a_reviewer_disagrees() {
    let mut story = Story::begin();
    let entry = stops(&mut story);
    story.alice.say(&story.cast.trust, review(entry, true)).unwrap();
    let words = story.alice.edit(&story.cast.trust, &[put(PLACE, "home")]).unwrap();
    story.bob.say(&story.cast.trust, review(entry, false)).unwrap();
    story.everybody_meets();
    for member in [&story.alice, &story.bob, &story.carer, &story.person] {
        assert_eq!(verdict(member, &words), Verdict::Standing);
        assert_eq!(member.replica.document().values(PLACE).len(), 1);
        assert!(in_document(member));
        assert_eq!(ruling(member, &entry), Ruling::Disputed, "and a reviewer is still asked");
    }
}

#[test]
fn nobody_adopts_what_they_might_not_have_written_nor_anything_of_their_own() {
    let mut story = Story::begin();
    let body = decision(&story.carer, Section::Prognosis, &[("prognosis.estimate", "last-days")]);
    let entry = story.carer.say(&story.cast.trust, body).unwrap();
    story.everybody_meets();
    let nurses = story.alice.say(&story.cast.trust, review(entry, true)).unwrap();
    assert!(matches!(held(&story.alice, &nurses), HeldReason::NotAllowed(_)), "a nurse gives no prognosis");
    let own = story.carer.say(&story.cast.trust, review(entry, true)).unwrap();
    assert!(matches!(held(&story.carer, &own), HeldReason::NotAllowed(_)));
    story.bob.say(&story.cast.trust, review(entry, true)).unwrap();
    story.everybody_meets();
    let decisions = story.carer.replica.ledger().decisions(Section::Prognosis.number());
    assert_eq!(decisions.iter().map(|d| d.entry).collect::<Vec<_>>(), [entry]);
}

#[test]
fn only_changes_and_decisions_can_be_adopted_and_nothing_that_stands() {
    let mut story = Story::begin();
    let body = super::approval::approve(&story.carer);
    let approval = story.carer.say(&story.cast.trust, body).unwrap();
    let words = story.alice.edit(&story.cast.trust, &[put(PLACE, "home")]).unwrap();
    story.everybody_meets();
    let adopted = story.bob.say(&story.cast.trust, review(approval, true)).unwrap();
    assert!(matches!(held(&story.bob, &adopted), HeldReason::NotAllowed(_)));
    let needless = story.bob.say(&story.cast.trust, review(words, false)).unwrap();
    assert!(matches!(held(&story.bob, &needless), HeldReason::Malformed(_)));
    assert!(story.bob.replica.ledger().is_part(&words));
}

#[test]
fn a_chain_of_held_changes_is_adopted_from_its_beginning() {
    let mut story = Story::begin();
    let may = Capabilities(0);
    let mut guest = story.cast.staff_who_may(LOG, "Gil Guest", Role::Nurse, may);
    guest.catch_up(&story.cast.trust, &story.alice);
    let trust = &story.cast.trust;
    let (first, second) = {
        let mut copy = guest.replica.document().clone();
        let mut write = |key: &str| {
            let pen = guest.pen();
            let actor = guest.replica.ledger().actor(&pen.author);
            let change = copy.edit(&actor, pen.now, &[put(key, "home")]).unwrap();
            guest.say(trust, Body::Change(change)).unwrap()
        };
        (write(PLACE), write("preferences.place_of_care_1"))
    };
    story.alice.catch_up(trust, &guest);
    let early = story.alice.say(trust, review(second, true)).unwrap();
    assert!(matches!(held(&story.alice, &early), HeldReason::NotAllowed(_)), "the first one first");
    story.alice.say(trust, review(first, true)).unwrap();
    story.alice.say(trust, review(second, true)).unwrap();
    assert_eq!(story.alice.replica.document().values("preferences.place_of_care_1").len(), 1);
}
