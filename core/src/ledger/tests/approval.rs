//! Approval: of what was on the screen, and what urgent care sees of it.

use bedside_protocol::entry::{Approval, ApprovedSection, Body, Mark, Stage};
use bedside_protocol::statement::{Capabilities, Role};

use super::*;
use crate::plan::approval::urgent;
use crate::testing::cast::Member;

/// An approval of every section in which this member sees anything.
pub(super) fn approve(member: &Member) -> Body {
    let ledger = member.replica.ledger();
    let digests = ledger.digests(member.replica.document());
    let filled = digests
        .into_iter()
        .filter(|(section, digest)| *section != Section::Control && *digest != ledger.empty_digest(*section));
    let mut sections: Vec<ApprovedSection> =
        filled.map(|(section, digest)| ApprovedSection { section: section.number(), digest }).collect();
    if sections.is_empty() {
        let digest = ledger.empty_digest(Section::Cpr);
        sections.push(ApprovedSection { section: CPR, digest });
    }
    Body::Approval(Approval { sections, review_on: None })
}

fn approves(story: &mut Story) -> EntryId {
    let body = approve(&story.bob);
    story.bob.say(&story.cast.trust, body).unwrap()
}

#[test]
fn a_plan_is_a_draft_then_awaits_approval_then_is_approved_then_has_changed() {
    let mut story = Story::begin();
    let status = |story: &Story| plan(&story.carer, story).control.status;
    assert_eq!(status(&story), "draft");
    story.alice.edit(&story.cast.trust, &[put(PLACE, "home")]).unwrap();
    let ask = Body::Mark(Mark { stage: Stage::AwaitingApproval, note: "after the visit".into() });
    story.alice.say(&story.cast.trust, ask).unwrap();
    story.everybody_meets();
    assert_eq!(status(&story), "awaiting-approval");
    assert!(alerts(&plan(&story.carer, &story)).contains(&"not-approved"));
    approves(&mut story);
    story.everybody_meets();
    let control = plan(&story.carer, &story).control;
    assert_eq!(control.status, "approved");
    let approver = control.latest_approver.unwrap();
    assert_eq!((approver.author.as_str(), approver.ods.as_deref()), ("Bob Brandt", Some("RX9")));
    assert_eq!(control.review_date.as_deref(), Some("1970-04-01"), "three months ahead");
    story.alice.edit(&story.cast.trust, &[put(PLACE, "hospice")]).unwrap();
    story.everybody_meets();
    let changed = plan(&story.carer, &story);
    assert_eq!(changed.control.status, "approved-changed");
    assert_eq!(changed.section(Section::Preferences).review.state, "changed");
    assert!(alerts(&changed).contains(&"changed-since-approval"));
}

#[test]
fn an_approval_covers_what_its_author_had_seen_and_nothing_that_crossed_it() {
    let mut story = Story::begin();
    story.alice.edit(&story.cast.trust, &[put(PLACE, "home")]).unwrap();
    story.everybody_meets();
    approves(&mut story);
    story.alice.edit(&story.cast.trust, &[put(PLACE, "hospice")]).unwrap();
    story.everybody_meets();
    for member in [&story.alice, &story.bob, &story.person] {
        let seen = plan(member, &story);
        assert_eq!(seen.section(Section::Preferences).review.state, "changed");
        assert_eq!(seen.control.status, "approved-changed");
    }
}

#[test]
fn only_who_may_approve_approves() {
    let mut story = Story::begin();
    story.alice.edit(&story.cast.trust, &[put(PLACE, "home")]).unwrap();
    story.everybody_meets();
    for who in 0..3 {
        let Story { cast, alice, carer, person, .. } = &mut story;
        let member = [alice, carer, person].into_iter().nth(who).unwrap();
        let body = approve(member);
        let id = member.say(&cast.trust, body).unwrap();
        assert!(matches!(held(member, &id), HeldReason::NotAllowed(_)));
        assert!(member.replica.ledger().approvals(None).is_empty());
    }
}

#[test]
fn a_review_is_planned_three_months_ahead_at_most() {
    let mut story = Story::begin();
    story.bob.edit(&story.cast.trust, &[put(PLACE, "home")]).unwrap();
    let on = |story: &mut Story, day: &str| {
        let Body::Approval(approval) = approve(&story.bob) else { unreachable!() };
        let body = Body::Approval(Approval { review_on: Some(day.into()), ..approval });
        story.bob.say(&story.cast.trust, body).unwrap()
    };
    let too_far = on(&mut story, "1970-04-02");
    assert!(matches!(held(&story.bob, &too_far), HeldReason::NotAllowed(_)));
    let no_day = on(&mut story, "1970-02");
    assert!(matches!(held(&story.bob, &no_day), HeldReason::NotAllowed(_)));
    let fine = on(&mut story, "1970-02-14");
    assert_eq!(verdict(&story.bob, &fine), Verdict::Standing);
    assert_eq!(plan(&story.bob, &story).control.review_date.as_deref(), Some("1970-02-14"));
}

#[test]
fn an_approval_of_something_else_than_stood_there_counts_for_nothing() {
    let mut story = Story::begin();
    let body = decision(&story.bob, Section::Cpr, &[("cpr.decision", "recommended")]);
    story.bob.say(&story.cast.trust, body).unwrap();
    let sections = vec![ApprovedSection { section: CPR, digest: [7; 32] }];
    let body = Body::Approval(Approval { sections, review_on: None });
    story.bob.say(&story.cast.trust, body).unwrap();
    let seen = shown(&story.bob, &story, urgent);
    assert_eq!(seen.section(Section::Cpr).review.state, "changed");
    assert!(seen.section(Section::Cpr).decisions.is_empty());
}

fn decides(story: &mut Story, section: Section, said: &[(&str, &str)]) -> String {
    let body = decision(&story.alice, section, said);
    let id = story.alice.say(&story.cast.trust, body).unwrap();
    story.everybody_meets();
    id.to_string()
}

fn urgent_cpr(story: &Story) -> Vec<(String, bool, bool)> {
    let plan = shown(&story.carer, story, urgent);
    let decisions = &plan.section(Section::Cpr).decisions;
    decisions.iter().map(|d| (d.entry.clone(), d.approved, d.current)).collect()
}

#[test]
fn urgent_care_sees_the_approved_decision_and_a_mark_where_it_changed() {
    let mut story = Story::begin();
    let approved = decides(&mut story, Section::Cpr, &[("cpr.decision", "not-recommended")]);
    approves(&mut story);
    decides(&mut story, Section::Cpr, &[("cpr.decision", "recommended")]);
    assert_eq!(urgent_cpr(&story), [(approved, true, false)], "more treatment waits for the approval");
    let plan = shown(&story.carer, &story, urgent);
    assert_eq!((plan.kind, plan.section(Section::Cpr).review.state), ("urgent", "changed"));
}

#[test]
fn a_newer_decision_for_less_treatment_is_never_hidden_behind_the_approval() {
    let mut story = Story::begin();
    let approved = decides(&mut story, Section::Cpr, &[("cpr.decision", "recommended")]);
    approves(&mut story);
    let less = decides(&mut story, Section::Cpr, &[("cpr.decision", "not-recommended")]);
    assert_eq!(urgent_cpr(&story), [(approved, true, false), (less, false, true)]);
    let words = decides(&mut story, Section::Cpr, &[("cpr.decision", "only if witnessed")]);
    assert_eq!(urgent_cpr(&story)[1].0, words, "what has no code cannot be compared, and is shown");
}

#[test]
fn a_lower_ceiling_and_a_new_refusal_are_shown_before_they_are_approved() {
    let mut story = Story::begin();
    let first = [("escalation.hospital", "recommended"), ("escalation.focus", "balance")];
    decides(&mut story, Section::Escalation, &first);
    decides(&mut story, Section::Legal, &[("document/00000000000000aa/kind", "advance-statement")]);
    approves(&mut story);
    let shown_of = |story: &Story, section| {
        let plan = shown(&story.carer, story, urgent);
        plan.section(section).decisions.iter().filter(|d| d.current).count()
    };
    let more = [("escalation.hospital", "recommended"), ("escalation.focus", "extend-life")];
    decides(&mut story, Section::Escalation, &more);
    assert_eq!(shown_of(&story, Section::Escalation), 0, "more treatment waits");
    let less = [("escalation.hospital", "conditional: only for a fall"), ("escalation.focus", "balance")];
    decides(&mut story, Section::Escalation, &less);
    assert_eq!(shown_of(&story, Section::Escalation), 1);
    decides(&mut story, Section::Legal, &[("document/00000000000000bb/kind", "adrt")]);
    assert_eq!(shown_of(&story, Section::Legal), 1);
}

#[test]
fn decisions_in_conflict_are_shown_to_urgent_care_side_by_side() {
    let mut story = Story::begin();
    decides(&mut story, Section::Cpr, &[("cpr.decision", "not-recommended")]);
    approves(&mut story);
    let one = decision(&story.alice, Section::Cpr, &[("cpr.decision", "recommended")]);
    let other = decision(&story.bob, Section::Cpr, &[("cpr.decision", "modified")]);
    story.alice.say(&story.cast.trust, one).unwrap();
    story.bob.say(&story.cast.trust, other).unwrap();
    story.everybody_meets();
    let plan = shown(&story.carer, &story, urgent);
    assert!(plan.section(Section::Cpr).in_conflict);
    assert_eq!(plan.section(Section::Cpr).decisions.iter().filter(|d| d.current).count(), 2);
}

#[test]
fn words_and_lists_are_shown_to_urgent_care_as_they_stand_and_labelled() {
    let mut story = Story::begin();
    story.alice.edit(&story.cast.trust, &[put(PLACE, "home")]).unwrap();
    story.everybody_meets();
    let plan = shown(&story.carer, &story, urgent);
    let preferences = plan.section(Section::Preferences);
    assert_eq!(preferences.field(PLACE).unwrap().values[0].text, "home");
    assert_eq!(preferences.review.text.as_deref(), Some("Not yet reviewed"));
}

#[test]
fn a_plan_that_the_person_started_is_shared_only_after_a_clinician_approved_it() {
    let mut cast = Cast::new(3);
    let issuer = cast.staff(LOG, "Alice Ademola", Role::Nurse);
    let mut person = cast.person(LOG, "Jane Smith", &issuer);
    let mut doctor = cast.staff(LOG, "Bob Brandt", Role::Doctor);
    person.consent(&cast.trust, Scope::Record, Outcome::Given);
    person.consent(&cast.trust, Scope::Share, Outcome::Given);
    person.edit(&cast.trust, &[put(PLACE, "home")]).unwrap();
    doctor.catch_up(&cast.trust, &person);
    assert!(doctor.replica.ledger().started_by_person(&cast.trust));
    let grant = || {
        Body::Grant(bedside_protocol::entry::Grant {
            reader: bedside_protocol::ids::Principal::Organisation(
                bedside_protocol::ids::OrganisationId::new([1; 32]),
            ),
            statement: bedside_protocol::ids::StatementId::new([2; 32]),
        })
    };
    let early = doctor.say(&cast.trust, grant()).unwrap();
    assert!(matches!(held(&doctor, &early), HeldReason::NotAllowed(_)));
    let body = approve(&doctor);
    doctor.say(&cast.trust, body).unwrap();
    assert!(!doctor.replica.ledger().started_by_person(&cast.trust), "taken up");
    let later = doctor.say(&cast.trust, grant()).unwrap();
    assert_eq!(verdict(&doctor, &later), Verdict::Standing);
}

#[test]
fn a_mark_of_error_stays_until_it_is_taken_back_and_no_approval_hides_it() {
    let mut story = Story::begin();
    let mark = |stage| Body::Mark(Mark { stage, note: "another Jane Smith".into() });
    story.alice.say(&story.cast.trust, mark(Stage::EnteredInError)).unwrap();
    story.everybody_meets();
    approves(&mut story);
    story.everybody_meets();
    let seen = plan(&story.carer, &story);
    assert_eq!(seen.control.status, "entered-in-error");
    assert_eq!(seen.alerts[0].kind, "entered-in-error");
    story.bob.say(&story.cast.trust, mark(Stage::InUse)).unwrap();
    assert_ne!(plan(&story.bob, &story).control.status, "entered-in-error");
    let carers = story.carer.say(&story.cast.trust, mark(Stage::EnteredInError)).unwrap();
    assert!(matches!(held(&story.carer, &carers), HeldReason::NotAllowed(_)));
}

#[test]
fn a_nurse_approves_when_her_organisation_says_so() {
    let mut story = Story::begin();
    let may = Capabilities(Role::Nurse.usual_capabilities().0 | Capabilities::APPROVE);
    let mut senior = story.cast.staff_who_may(LOG, "Nadia Noor", Role::Nurse, may);
    senior.catch_up(&story.cast.trust, &story.alice);
    senior.edit(&story.cast.trust, &[put(PLACE, "home")]).unwrap();
    let body = approve(&senior);
    let id = senior.say(&story.cast.trust, body).unwrap();
    assert_eq!(verdict(&senior, &id), Verdict::Standing);
}
