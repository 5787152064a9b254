//! Stories about the rules, told through an in-memory relay.

use bedside_protocol::ids::{InviteId, StatementId, Timestamp};
use bedside_protocol::limits::PAGE_BYTES_MAX;
use bedside_protocol::problem::ProblemKind;
use bedside_protocol::statement::{Invite, Role, Statement, sign, statement_id};
use bedside_protocol::wire::{EnrolAnswer, EnrolRequest, EnrolmentAnswer, Item, SessionRequest, SyncRequest};

use crate::limits::{CHALLENGE_MS, TOKEN_MS};
use crate::testkit::{
    DAY, Device, START, World, device, device_until, id_of, keys, log, organisation, sealed, sealed_of,
};

mod any_bytes;
mod authority;
mod ranges;
mod restored;

/// A hospice with two nurses; the first has begun a plan for both, and both follow it.
fn two_nurses() -> (World, Device, Device) {
    let hospice = organisation("hospice");
    let mut world = World::new();
    let (mut ann, mut ben) = (device("ann", Role::Nurse, &hospice), device("ben", Role::Nurse, &hospice));
    world.sign_in(&ann);
    world.sign_in(&ben);
    let founding = ann.access(log("plan"), hospice.principal(), true, true);
    let subscribe = vec![log("plan")];
    world.sync(
        &mut ann,
        SyncRequest { statements: vec![founding.into()], subscribe: subscribe.clone(), ..Default::default() },
    );
    world.sync(&mut ben, SyncRequest { subscribe, ..Default::default() });
    (world, ann, ben)
}

fn push(entry: &[u8]) -> SyncRequest {
    SyncRequest { entries: vec![entry.to_vec().into()], ..Default::default() }
}

#[test]
fn two_nurses_push_and_both_hold_both_entries() {
    let (mut world, mut ann, mut ben) = two_nurses();
    let (a, b) = (sealed(log("plan"), "a"), sealed(log("plan"), "b"));
    assert_eq!(world.sync(&mut ann, push(&a)).receipts[0].refused, None);
    assert!(world.woken.contains(&ben.id()) && !world.woken.contains(&ann.id()));
    let answer = world.sync(&mut ben, push(&b));
    assert_eq!(answer.items, [Item::Entry(a.clone())], "ann's entry comes, his own does not");
    world.pull(&mut ann);
    assert_eq!(ann.held, [id_of(&b)].into());
    assert!(world.send(&ann, SyncRequest::default()).items.is_empty());
}

#[test]
fn an_entry_pushed_twice_or_by_two_devices_is_stored_once() {
    let (mut world, mut ann, mut ben) = two_nurses();
    let entry = sealed(log("plan"), "a");
    for _ in 0..2 {
        assert_eq!(world.sync(&mut ann, push(&entry)).receipts[0].refused, None);
        assert_eq!(world.sync(&mut ben, push(&entry)).receipts[0].refused, None);
    }
    let tally = world.relay.take_tally();
    assert_eq!((tally.entries_stored, tally.entries_repeated), (1, 3));
    assert_eq!(ben.held.len(), 1);
    assert!(ann.held.is_empty());
}

#[test]
fn an_answer_that_was_lost_is_given_again() {
    let (mut world, mut ann, ben) = two_nurses();
    world.sync(&mut ann, push(&sealed(log("plan"), "a")));
    let lost = world.send(&ben, SyncRequest::default());
    let again = world.send(&ben, SyncRequest::default());
    assert_eq!(lost.items.len(), 1);
    assert_eq!((lost.items, lost.cursor), (again.items, again.cursor));
}

#[test]
fn a_stranger_may_neither_push_nor_fetch_and_is_told_so() {
    let (mut world, mut ann, _) = two_nurses();
    let entry = sealed(log("plan"), "a");
    world.sync(&mut ann, push(&entry));
    let mut stranger = device("stranger", Role::Nurse, &organisation("elsewhere"));
    world.sign_in(&stranger);
    let theirs = sealed(log("plan"), "theirs");
    let request = SyncRequest {
        entries: vec![theirs.into()],
        subscribe: vec![log("plan")],
        want_entries: vec![id_of(&entry)],
        ..Default::default()
    };
    let answer = world.sync(&mut stranger, request);
    let refused = answer.receipts[0].refused.as_ref().unwrap();
    assert_eq!(refused.kind, ProblemKind::Forbidden);
    assert!(stranger.held.is_empty() && stranger.statements.is_empty());
    assert_eq!(world.relay.take_tally().subscriptions_ignored, 1);
}

#[test]
fn every_device_hears_of_every_organisation_once() {
    let (mut world, mut ann, _) = two_nurses();
    let before = ann.organisations.len();
    let clinic = device("ed", Role::Nurse, &organisation("clinic"));
    world.sign_in(&clinic);
    world.pull(&mut ann);
    assert_eq!(ann.organisations.len(), before + 1);
    let mut new = device("fay", Role::Nurse, &organisation("hospice"));
    world.sign_in(&new);
    world.pull(&mut new);
    assert!(new.organisations.is_superset(&ann.organisations));
    assert!(world.sync(&mut new, SyncRequest::default()).items.is_empty());
}

#[test]
fn a_reader_without_append_fetches_and_may_not_push() {
    let (mut world, mut ann, _) = two_nurses();
    let crew = organisation("ambulance");
    let mut kim = device("kim", Role::UrgentCare, &crew);
    world.sign_in(&kim);
    world.pull(&mut kim);
    let grant = ann.access(log("plan"), crew.principal(), false, false);
    let entry = sealed(log("plan"), "a");
    let request = SyncRequest { statements: vec![grant.clone().into()], ..push(&entry) };
    assert!(world.sync(&mut ann, request).refused_statements.is_empty());
    assert!(world.woken.contains(&kim.id()));
    let request = SyncRequest { subscribe: vec![log("plan")], ..push(&sealed(log("plan"), "kim")) };
    let answer = world.sync(&mut kim, request);
    assert_eq!(answer.receipts[0].refused.as_ref().unwrap().kind, ProblemKind::Forbidden);
    assert_eq!(kim.statements, [statement_id(&grant)].into());
    assert_eq!(kim.held, [id_of(&entry)].into());
}

#[test]
fn somebody_without_append_cannot_give_access() {
    let (mut world, ann, _) = two_nurses();
    let elsewhere = organisation("elsewhere");
    let stranger = device("stranger", Role::Nurse, &elsewhere);
    world.sign_in(&stranger);
    let grant = stranger.access(log("plan"), elsewhere.principal(), true, false);
    let good = ann.access(log("plan"), elsewhere.principal(), true, false);
    let mut broken = good.clone();
    *broken.last_mut().unwrap() ^= 1;
    let request = SyncRequest {
        statements: vec![grant.clone().into(), broken.clone().into(), vec![1, 2, 3].into()],
        ..Default::default()
    };
    let answer = world.send(&stranger, request);
    let named: Vec<_> = answer.refused_statements.iter().map(|r| (r.statement, r.problem.kind)).collect();
    let expected = [&grant[..], &broken[..], &[1, 2, 3]];
    assert_eq!(named, expected.map(|b| (statement_id(b), ProblemKind::StatementRefused)));
}

#[test]
fn a_statement_whose_signer_is_unknown_says_who_is_missing() {
    let (mut world, mut ann, _) = two_nurses();
    let unknown = device("unknown", Role::Nurse, &organisation("far away"));
    let request = SyncRequest { statements: vec![unknown.credential.clone().into()], ..Default::default() };
    let answer = world.sync(&mut ann, request);
    let missing = statement_id(&unknown.organisation).to_string();
    assert!(answer.refused_statements[0].problem.detail.contains(&missing));
    let both = vec![unknown.organisation.clone().into(), unknown.credential.clone().into()];
    let answer = world.sync(&mut ann, SyncRequest { statements: both, ..Default::default() });
    assert!(answer.refused_statements.is_empty());
    let wanted = vec![statement_id(&unknown.credential), StatementId::new([0; 32])];
    let answer = world.sync(&mut ann, SyncRequest { want_statements: wanted, ..Default::default() });
    assert_eq!(answer.statements, [unknown.credential.into()]);
}

#[test]
fn subscribing_brings_the_whole_log_and_following_only_what_comes() {
    let (mut world, mut ann, mut ben) = two_nurses();
    for text in ["a", "b", "c"] {
        world.sync(&mut ann, push(&sealed(log("plan"), text)));
    }
    world.pull(&mut ben);
    let mut again = device("ann", Role::Nurse, &organisation("hospice"));
    world.sync(&mut again, SyncRequest { subscribe: vec![log("plan")], ..Default::default() });
    assert_eq!(again.held.len(), 3, "a rebuilt device gets its own entries back");
    let mut follower = device("fay", Role::Nurse, &organisation("hospice"));
    world.sign_in(&follower);
    world.sync(&mut follower, SyncRequest { follow: vec![log("plan")], ..Default::default() });
    assert_eq!((follower.held.len(), follower.statements.len()), (0, 1));
    world.sync(&mut ben, push(&sealed(log("plan"), "d")));
    world.pull(&mut follower);
    assert_eq!(follower.held.len(), 1);
}

#[test]
fn what_waits_of_an_unsubscribed_log_is_not_sent_and_old_cursors_still_count() {
    let (mut world, mut ann, ben) = two_nurses();
    for text in ["a", "b"] {
        world.sync(&mut ann, push(&sealed(log("plan"), text)));
    }
    let page = world.send(&ben, SyncRequest::default());
    assert_eq!(page.items.len(), 2);
    let answer = world.send(&ben, SyncRequest { unsubscribe: vec![log("plan")], ..Default::default() });
    assert!(answer.items.is_empty());
    let mut ben = ben;
    ben.cursor = Some(page.cursor);
    let answer = world.send(&ben, SyncRequest::default());
    assert!(!answer.reset && answer.items.is_empty());
    world.sync(&mut ann, push(&sealed(log("plan"), "c")));
    assert!(!world.woken.contains(&ben.id()));
}

#[test]
fn a_page_is_cut_by_bytes_and_says_that_there_is_more() {
    let (mut world, mut ann, mut ben) = two_nurses();
    for n in 0..9 {
        world.sync(&mut ann, push(&sealed_of(log("plan"), &n.to_string(), 200 << 10)));
    }
    let first = world.sync(&mut ben, SyncRequest::default());
    let bytes: usize = first.items.iter().map(|i| if let Item::Entry(b) = i { b.len() } else { 0 }).sum();
    assert!(first.more && bytes <= PAGE_BYTES_MAX && bytes > PAGE_BYTES_MAX / 2);
    let second = world.sync(&mut ben, SyncRequest::default());
    assert!(!second.more);
    assert_eq!(ben.held.len(), 9);
}

#[test]
fn wanted_entries_come_once_and_only_to_readers() {
    let (mut world, mut ann, ben) = two_nurses();
    let entry = sealed(log("plan"), "a");
    world.sync(&mut ann, push(&entry));
    let wanted = SyncRequest { want_entries: vec![id_of(&entry); 3], ..Default::default() };
    assert_eq!(world.send(&ben, wanted.clone()).items.len(), 1, "it waited already");
    assert_eq!(world.sync(&mut ann, wanted).items, [Item::Entry(entry)]);
}

#[test]
fn an_acknowledgement_reaches_the_device_that_pushed_once() {
    let (mut world, mut ann, mut ben) = two_nurses();
    let entry = sealed(log("plan"), "a");
    world.sync(&mut ann, push(&entry));
    world.pull(&mut ben);
    let seen = ben.acknowledge(log("plan"), &[id_of(&entry)]);
    for _ in 0..2 {
        world.sync(&mut ben, SyncRequest { statements: vec![seen.clone().into()], ..Default::default() });
    }
    let answer = world.sync(&mut ann, SyncRequest::default());
    assert_eq!(answer.items, [Item::Statement(seen.clone())]);
    let stranger = device("stranger", Role::Nurse, &organisation("elsewhere"));
    world.sign_in(&stranger);
    let forged = stranger.acknowledge(log("plan"), &[id_of(&entry)]);
    let request = SyncRequest { statements: vec![forged.into()], ..Default::default() };
    assert_eq!(world.send(&stranger, request).refused_statements.len(), 1);
}

#[test]
fn an_acknowledgement_that_came_too_early_counts_when_it_is_repeated() {
    let (mut world, mut ann, mut ben) = two_nurses();
    let entry = sealed(log("plan"), "a");
    let seen = ben.acknowledge(log("plan"), &[id_of(&entry)]);
    let request = SyncRequest { statements: vec![seen.clone().into()], ..Default::default() };
    world.sync(&mut ben, request.clone());
    world.sync(&mut ann, push(&entry));
    world.sync(&mut ben, request);
    assert_eq!(world.sync(&mut ann, SyncRequest::default()).items, [Item::Statement(seen)]);
}

#[test]
fn a_device_that_gains_an_organisation_gets_its_keys() {
    let (mut world, ann, _) = two_nurses();
    let clinic = organisation("clinic");
    let mut ed = device("ed", Role::Nurse, &clinic);
    world.sign_in(&ed);
    world.pull(&mut ed);
    assert!(ed.statements.is_empty());
    let second = device("ed", Role::Nurse, &organisation("hospice"));
    let request = SyncRequest { statements: vec![second.credential.into()], ..Default::default() };
    world.send(&ann, request);
    assert!(world.woken.contains(&ed.id()));
    world.pull(&mut ed);
    assert_eq!(ed.statements.len(), 1);
}

#[test]
fn a_token_lives_seven_days_and_syncing_prolongs_it() {
    let (mut world, mut ann, _) = two_nurses();
    let session = world.sign_in(&ann);
    assert_eq!(session.valid_until, world.now.plus_ms(TOKEN_MS));
    assert_eq!(world.relay.authenticate(world.now, &session.token), Ok(ann.id()));
    world.now = START.plus_ms(6 * DAY);
    let answer = world.sync(&mut ann, SyncRequest::default());
    assert_eq!(answer.session_until, world.now.plus_ms(TOKEN_MS));
    world.now = START.plus_ms(12 * DAY);
    assert!(world.relay.authenticate(world.now, &session.token).is_ok());
    world.now = START.plus_ms(13 * DAY);
    let problem = world.relay.authenticate(world.now, &session.token).unwrap_err();
    assert_eq!(problem.kind, ProblemKind::SignInNeeded);
    assert_eq!(world.relay.authenticate(world.now, b"short").unwrap_err().kind, ProblemKind::SignInNeeded);
}

#[test]
fn a_credential_that_has_ended_signs_nobody_in_and_ends_sessions() {
    let mut world = World::new();
    let leaver = device_until("leaver", Role::Nurse, &organisation("hospice"), START.plus_ms(DAY));
    let session = world.sign_in(&leaver);
    world.now = START.plus_ms(2 * DAY);
    let problem = world.relay.authenticate(world.now, &session.token).unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Forbidden);
    let challenge = world.session(leaver.hello()).unwrap();
    assert_eq!(world.session(leaver.prove(&challenge)).unwrap_err().kind, ProblemKind::Forbidden);
}

#[test]
fn signing_in_needs_the_key_a_fresh_challenge_and_a_credential() {
    let mut world = World::new();
    let ann = device("ann", Role::Nurse, &organisation("hospice"));
    let challenge = world.session(ann.hello()).unwrap();
    let with = |change: &dyn Fn(&mut bedside_protocol::wire::Prove)| {
        let SessionRequest::Prove(mut prove) = ann.prove(&challenge) else { panic!("prove") };
        change(&mut prove);
        SessionRequest::Prove(prove)
    };
    let kind = |answer: Result<_, bedside_protocol::problem::Problem>| answer.err().map(|p| p.kind);
    assert_eq!(kind(world.session(with(&|p| p.signature[0] ^= 1))), Some(ProblemKind::Forbidden));
    assert_eq!(kind(world.session(with(&|p| p.challenge[9] ^= 1))), Some(ProblemKind::SignInNeeded));
    assert_eq!(kind(world.session(with(&|p| p.statements.clear()))), Some(ProblemKind::Forbidden));
    let other = keys("other");
    let stolen = with(&|p| p.transport_key = bedside_protocol::signing::Signer::public_key(&other));
    assert_eq!(kind(world.session(stolen)), Some(ProblemKind::SignInNeeded));
    world.now = START.plus_ms(CHALLENGE_MS + 1);
    assert_eq!(kind(world.session(with(&|_| ()))), Some(ProblemKind::SignInNeeded));
    world.now = START;
    assert_eq!(kind(world.session(with(&|_| ()))), None);
    assert_eq!(kind(world.session(with(&|_| ()))), None, "a repeated request is answered again");
}

fn invite(issuer: &Device, id: InviteId, valid_until: Timestamp) -> SyncRequest {
    let issued_by = statement_id(&issuer.credential);
    let statement = Statement::Invite(Invite { issuer: issued_by, id, time: START, valid_until });
    SyncRequest { statements: vec![sign(&statement, &issuer.signing).into()], ..Default::default() }
}

fn enrolment(invite: InviteId, keys: &str) -> EnrolRequest {
    EnrolRequest { invite, request: keys.as_bytes().to_vec(), proof: [5; 32] }
}

#[test]
fn a_new_device_enrols_and_the_answer_can_be_asked_for_again() {
    let (mut world, mut ann, mut ben) = two_nurses();
    let id = InviteId::new([3; 32]);
    let request = enrolment(id, "new keys");
    assert_eq!(world.enrol(&request).unwrap_err().kind, ProblemKind::NotFound);
    let invitation = invite(&ann, id, START.plus_ms(DAY));
    world.sync(&mut ann, invitation);
    for _ in 0..2 {
        assert_eq!(world.enrol(&request), Ok(EnrolAnswer::Waiting));
    }
    world.pull(&mut ann);
    assert_eq!(ann.others, [Item::Enrolment(request.clone())]);
    let answer = EnrolmentAnswer { invite: id, answer: b"credential".to_vec() };
    let enrolments = SyncRequest { enrolments: vec![answer.clone()], ..Default::default() };
    world.sync(&mut ben, enrolments.clone());
    assert_eq!(world.enrol(&request), Ok(EnrolAnswer::Waiting), "ben did not invite");
    world.sync(&mut ann, enrolments);
    for day in [0, 2] {
        world.now = START.plus_ms(day * DAY);
        assert_eq!(world.enrol(&request), Ok(EnrolAnswer::Issued(answer.answer.clone())));
    }
}

#[test]
fn an_invitation_that_has_run_out_is_refused() {
    let (mut world, mut ann, _) = two_nurses();
    let id = InviteId::new([3; 32]);
    let invitation = invite(&ann, id, START.plus_ms(3_650 * DAY));
    world.sync(&mut ann, invitation);
    world.now = START.plus_ms(7 * DAY + 1);
    assert_eq!(world.enrol(&enrolment(id, "keys")).unwrap_err().kind, ProblemKind::InviteExpired);
}

#[test]
fn a_photographed_invitation_used_twice_stops_both() {
    let (mut world, mut ann, _) = two_nurses();
    let id = InviteId::new([3; 32]);
    let invitation = invite(&ann, id, START.plus_ms(DAY));
    world.sync(&mut ann, invitation);
    let (first, second) = (enrolment(id, "first"), enrolment(id, "second"));
    assert_eq!(world.enrol(&first), Ok(EnrolAnswer::Waiting));
    let answer = EnrolmentAnswer { invite: id, answer: b"credential".to_vec() };
    world.sync(&mut ann, SyncRequest { enrolments: vec![answer.clone()], ..Default::default() });
    assert_eq!(world.enrol(&second).unwrap_err().kind, ProblemKind::InviteContested);
    assert!(world.woken.contains(&ann.id()));
    assert_eq!(world.enrol(&first).unwrap_err().kind, ProblemKind::InviteContested);
    world.sync(&mut ann, SyncRequest { enrolments: vec![answer], ..Default::default() });
    assert_eq!(world.enrol(&first).unwrap_err().kind, ProblemKind::InviteContested);
    assert_eq!(ann.others.last(), Some(&Item::InviteContested(id)));
}

#[test]
fn a_carer_may_not_invite() {
    let mut world = World::new();
    let mut cat = device("cat", Role::Carer, &organisation("home"));
    world.sign_in(&cat);
    let request = invite(&cat, InviteId::new([3; 32]), START.plus_ms(DAY));
    assert_eq!(world.sync(&mut cat, request).refused_statements.len(), 1);
}

#[test]
fn a_request_over_a_limit_is_refused_whole() {
    let (mut world, ann, _) = two_nurses();
    let entries = vec![Vec::new().into(); 1_001];
    let request = SyncRequest { cursor: ann.cursor, entries, ..Default::default() };
    let answer = world.relay.sync(world.now, &mut |_| (), ann.id(), request);
    assert_eq!(answer.unwrap_err().kind, ProblemKind::TooLarge);
}

#[test]
fn a_live_stream_carries_small_items_and_asks_for_a_sync_when_they_are_large() {
    let (mut world, mut ann, mut ben) = two_nurses();
    world.pull(&mut ben);
    let cursor = ben.cursor.unwrap();
    assert_eq!(world.relay.live_page(world.now, ben.id(), cursor), Ok(None));
    let small = sealed(log("plan"), "small");
    world.sync(&mut ann, push(&small));
    let event = world.relay.live_page(world.now, ben.id(), cursor).unwrap().unwrap();
    assert_eq!(event.items, [Item::Entry(small)]);
    assert_eq!(world.relay.live_page(world.now, ben.id(), event.cursor), Ok(None));
    world.sync(&mut ann, push(&sealed_of(log("plan"), "large", 100 << 10)));
    let hint = world.relay.live_page(world.now, ben.id(), event.cursor).unwrap().unwrap();
    assert_eq!((hint.items.len(), hint.cursor), (0, event.cursor));
    world.pull(&mut ben);
    assert_eq!(ben.held.len(), 2, "the stream had acknowledged nothing");
}
