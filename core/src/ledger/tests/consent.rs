//! Consent: to record and to share apart, on which basis, and what its withdrawal does.

use bedside_protocol::entry::{Consent, Grounds};
use bedside_protocol::statement::Role;

use super::*;
use crate::plan::locale::Locale;
use crate::plan::withheld::locked;

fn grounds() -> Grounds {
    Grounds {
        by: "Dr Bell".into(),
        consulted: vec!["her son".into()],
        rationale: "crews have to know".into(),
        capacity: None,
    }
}

fn consent(outcome: Outcome, grounds: Option<Grounds>) -> Body {
    Body::Consent(Consent { scope: Scope::Record, outcome, note: "at home".into(), grounds })
}

#[test]
fn a_basis_that_is_not_the_persons_word_says_who_decided_and_why() {
    let mut story = Story::begin();
    for outcome in [Outcome::BestInterests, Outcome::Attorney, Outcome::Representative] {
        let bare = story.alice.say(&story.cast.trust, consent(outcome, None)).unwrap();
        assert_eq!(held(&story.alice, &bare), HeldReason::NoGrounds);
        let stated = story.alice.say(&story.cast.trust, consent(outcome, Some(grounds()))).unwrap();
        assert_eq!(verdict(&story.alice, &stated), Verdict::Standing);
    }
    let silent = Grounds { rationale: " ".into(), ..grounds() };
    let silent = story.alice.say(&story.cast.trust, consent(Outcome::BestInterests, Some(silent))).unwrap();
    assert_eq!(held(&story.alice, &silent), HeldReason::NoGrounds);
    let shown = plan(&story.alice, &story);
    let by = shown.consents.iter().find_map(|c| c.grounds.as_ref()).unwrap();
    assert_eq!((by.by.as_str(), by.consulted.join(", ").as_str()), ("Dr Bell", "her son"));
}

#[test]
fn an_attorney_without_a_document_or_before_capacity_is_lost_is_a_warning_and_no_refusal() {
    let mut story = Story::begin();
    story.alice.say(&story.cast.trust, consent(Outcome::Attorney, Some(grounds()))).unwrap();
    let seen = alerts(&plan(&story.alice, &story));
    assert!(seen.contains(&"attorney-undocumented") && seen.contains(&"attorney-before-capacity-lost"));
    let legal = [("document/00000000000000aa/kind", "attorney")];
    let body = decision(&story.alice, Section::Legal, &legal);
    story.alice.say(&story.cast.trust, body).unwrap();
    let assessed = [
        ("capacity/00000000000000aa/decision", "sharing this plan"),
        ("capacity/00000000000000aa/outcome", "lacks"),
        ("capacity/00000000000000aa/from", "1970-01-01"),
    ];
    let body = decision(&story.alice, Section::Capacity, &assessed);
    story.alice.say(&story.cast.trust, body).unwrap();
    let seen = alerts(&plan(&story.alice, &story));
    assert!(!seen.contains(&"attorney-undocumented") && !seen.contains(&"attorney-before-capacity-lost"));
}

#[test]
fn withdrawing_consent_to_share_locks_the_plan_for_other_organisations() {
    let mut story = Story::begin();
    story.cast.another_organisation("Willow House", "VL900");
    let mut willow = story.cast.staff(LOG, "Wendy Wu", Role::Nurse);
    willow.catch_up(&story.cast.trust, &story.alice);
    let trust = &story.cast.trust;
    let is_locked = |member: &Member| member.replica.ledger().is_locked_for(&member.credential, trust);
    assert!(!is_locked(&willow));
    story.alice.consent(trust, Scope::Share, Outcome::Withdrawn);
    for member in [&mut willow, &mut story.bob, &mut story.person] {
        member.catch_up(trust, &story.alice);
    }
    assert!(is_locked(&willow), "another organisation");
    assert!(!is_locked(&story.bob) && !is_locked(&story.alice), "the organisation that began it");
    assert!(!is_locked(&story.person), "and the person");
    let late = willow.edit(trust, &[put(PLACE, "hospice")]).unwrap();
    assert_eq!(held(&willow, &late), HeldReason::ConsentWithdrawn);
    let ours = story.bob.edit(trust, &[put(PLACE, "home")]).unwrap();
    assert_eq!(verdict(&story.bob, &ours), Verdict::Standing, "its own work goes on");
    let again = willow.consent(trust, Scope::Share, Outcome::Given);
    assert_eq!(verdict(&willow, &again), Verdict::Standing, "consent can be given anywhere");
    assert!(!is_locked(&willow));
}

#[test]
fn a_locked_plan_shows_who_it_is_about_and_the_withdrawal_and_nothing_else() {
    let mut story = Story::begin();
    story.alice.edit(&story.cast.trust, &[put(PLACE, "home"), put("identity.family", "Smith")]).unwrap();
    let body = decision(&story.alice, Section::Cpr, &[("cpr.decision", "recommended")]);
    story.alice.say(&story.cast.trust, body).unwrap();
    story.alice.consent(&story.cast.trust, Scope::Share, Outcome::Withdrawn);
    let shown = locked(plan(&story.alice, &story));
    assert_eq!((shown.kind, shown.banner.family.as_deref()), ("locked", Some("SMITH")));
    assert!(shown.sections.iter().all(|section| section.is_empty()));
    assert_eq!(shown.consents.iter().map(|c| c.outcome).collect::<Vec<_>>(), ["withdrawn"]);
    assert_eq!(alerts(&shown), ["consent-withdrawn"]);
    let row = crate::plan::summary::summary(&shown);
    assert_eq!(
        (row.locked, row.first.say(Locale::british_english()).as_str()),
        (true, "LOCKED: consent is withdrawn")
    );
}

#[test]
fn a_plan_begun_by_two_organisations_apart_belongs_to_both() {
    let mut cast = Cast::new(4);
    let mut alice = cast.staff(LOG, "Alice Ademola", Role::Nurse);
    cast.another_organisation("Willow House", "VL900");
    let mut willow = cast.staff(LOG, "Wendy Wu", Role::Nurse);
    for member in [&mut alice, &mut willow] {
        member.consent(&cast.trust, Scope::Record, Outcome::Given);
    }
    alice.catch_up(&cast.trust, &willow);
    alice.consent(&cast.trust, Scope::Share, Outcome::Withdrawn);
    willow.catch_up(&cast.trust, &alice);
    for member in [&alice, &willow] {
        assert!(!member.replica.ledger().is_locked_for(&member.credential, &cast.trust));
    }
}

#[test]
fn withdrawing_consent_to_record_ends_the_sharing_as_well() {
    let mut story = Story::begin();
    story.alice.consent(&story.cast.trust, Scope::Record, Outcome::Withdrawn);
    assert_eq!(plan(&story.alice, &story).control.status, "withdrawn");
    let grant = bedside_protocol::entry::Grant {
        reader: bedside_protocol::ids::Principal::Organisation(bedside_protocol::ids::OrganisationId::new(
            [1; 32],
        )),
        statement: bedside_protocol::ids::StatementId::new([2; 32]),
    };
    let id = story.alice.say(&story.cast.trust, Body::Grant(grant)).unwrap();
    assert_eq!(held(&story.alice, &id), HeldReason::ConsentWithdrawn);
}
