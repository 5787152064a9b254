//! Who may still say what: authority ends, and a signature's date is only what its signer wrote.

use bedside_protocol::problem::Problem;

use super::*;
use crate::testkit::{organisation_until, person};

fn bring(world: &mut World, by: &Device, statements: &[&[u8]]) -> Vec<Problem> {
    let statements = statements.iter().map(|bytes| bytes.to_vec().into()).collect();
    let answer = world.send(by, SyncRequest { statements, ..Default::default() });
    answer.refused_statements.into_iter().map(|refused| refused.problem).collect()
}

/// Ann, whose credential runs out after a day, has begun a plan; Ben's lasts.
fn a_leaver_and_a_colleague() -> (World, Device, Device) {
    let hospice = organisation("hospice");
    let mut world = World::new();
    let ann = device_until("ann", Role::Nurse, &hospice, START.plus_ms(DAY));
    let ben = device("ben", Role::Nurse, &hospice);
    world.sign_in(&ann);
    world.sign_in(&ben);
    let founding = ann.access(log("plan"), hospice.principal(), true, true);
    assert_eq!(bring(&mut world, &ann, &[&founding]), []);
    (world, ann, ben)
}

#[test]
fn whose_credential_has_run_out_admits_nobody() {
    let (mut world, ann, ben) = a_leaver_and_a_colleague();
    world.now = START.plus_ms(2 * DAY);
    let fresh = person("fresh", &ann, log("plan"));
    let challenge = world.session(fresh.hello()).unwrap();
    assert_eq!(world.session(fresh.prove(&challenge)).unwrap_err().kind, ProblemKind::Forbidden);
    let refused = bring(&mut world, &ben, &[&fresh.credential]);
    assert!(refused[0].detail.contains("not valid now"), "{}", refused[0].detail);
    assert!(world.relay.trust().credential(&statement_id(&fresh.credential)).is_none());
    world.sign_in(&person("joan", &ben, log("plan")));
}

#[test]
fn a_person_acts_no_longer_than_the_clinician_who_admitted_them() {
    let (mut world, ann, _) = a_leaver_and_a_colleague();
    let joan = person("joan", &ann, log("plan"));
    let session = world.sign_in(&joan);
    assert!(world.relay.authenticate(world.now, &session.token).is_ok());
    let problem = world.relay.authenticate(START.plus_ms(2 * DAY), &session.token).unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Forbidden);
}

#[test]
fn staff_and_their_patients_act_no_longer_than_their_organisation() {
    let mut world = World::new();
    let closing = organisation_until("closing", START.plus_ms(DAY));
    let ann = device("ann", Role::Nurse, &closing);
    world.sign_in(&ann);
    let joan = person("joan", &ann, log("plan"));
    let tokens = [world.sign_in(&ann).token, world.sign_in(&joan).token];
    for token in tokens {
        assert!(world.relay.authenticate(world.now, &token).is_ok());
        let problem = world.relay.authenticate(START.plus_ms(2 * DAY), &token).unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Forbidden);
    }
    world.now = START.plus_ms(2 * DAY);
    let late = device("late", Role::Nurse, &closing);
    let challenge = world.session(late.hello()).unwrap();
    assert_eq!(world.session(late.prove(&challenge)).unwrap_err().kind, ProblemKind::Forbidden);
}

#[test]
fn a_leaver_gives_nobody_access_to_an_old_log_and_begins_none() {
    let (mut world, ann, _) = a_leaver_and_a_colleague();
    let elsewhere = organisation("elsewhere");
    let stranger = device("stranger", Role::Nurse, &elsewhere);
    world.sign_in(&stranger);
    let grant = ann.access(log("plan"), elsewhere.principal(), true, false);
    let founding = ann.access(log("new"), ann.principal(), true, true);
    world.now = START.plus_ms(2 * DAY);
    assert_eq!(bring(&mut world, &stranger, &[&grant, &founding]).len(), 2);
    assert_eq!(
        world.send(&stranger, push(&sealed(log("plan"), "a"))).receipts[0].refused.as_ref().unwrap().kind,
        ProblemKind::Forbidden
    );
    world.now = START;
    assert_eq!(bring(&mut world, &stranger, &[&grant]), [], "while ann's credential lasts it holds");
}

#[test]
fn what_a_leaver_gave_is_brought_again_by_a_colleague_after_the_relay_lost_it() {
    let (mut world, ann, ben) = a_leaver_and_a_colleague();
    let elsewhere = organisation("elsewhere");
    world.sign_in(&device("ed", Role::Nurse, &elsewhere));
    world.now = START.plus_ms(2 * DAY);
    let again = ann.access(log("plan"), elsewhere.principal(), true, false);
    let founding = ann.access(log("plan"), ann.principal(), true, true);
    assert_eq!(bring(&mut world, &ben, &[&again, &founding]), []);
}

/// Two nurses with a plan and an entry in it, and a stranger whose organisation begins the same log.
fn a_log_begun_twice() -> (World, Device, Device, Vec<u8>) {
    let (mut world, mut ann, _) = two_nurses();
    let secret = sealed(log("plan"), "ann's");
    world.sync(&mut ann, push(&secret));
    let mut ed = device("ed", Role::Nurse, &organisation("clinic"));
    world.sign_in(&ed);
    world.pull(&mut ed);
    let founding = ed.access(log("plan"), organisation("clinic").principal(), true, true);
    assert_eq!(bring(&mut world, &ed, &[&founding]), []);
    (world, ann, ed, secret)
}

#[test]
fn who_begins_a_log_that_is_there_adds_to_it_and_reads_nothing_of_others() {
    let (mut world, mut ann, mut ed, secret) = a_log_begun_twice();
    let own = sealed(log("plan"), "ed's");
    let want_entries = vec![id_of(&secret)];
    let request = SyncRequest { subscribe: vec![log("plan")], want_entries, ..push(&own) };
    assert_eq!(world.sync(&mut ed, request).receipts[0].refused, None);
    world.sync(&mut ann, push(&sealed(log("plan"), "later")));
    world.pull(&mut ed);
    assert!(ed.held.is_empty());
    assert_eq!(restored::lists(&world, &ed), 0);
    world.pull(&mut ann);
    assert!(ann.held.contains(&id_of(&own)), "those who read the log get what he adds");
}

#[test]
fn who_began_a_log_again_reads_it_once_a_member_gives_access() {
    let (mut world, ann, mut ed, secret) = a_log_begun_twice();
    world.sync(&mut ed, SyncRequest { subscribe: vec![log("plan")], ..Default::default() });
    let grant = ann.access(log("plan"), organisation("clinic").principal(), true, false);
    assert_eq!(bring(&mut world, &ann, &[&grant]), []);
    assert!(world.woken.contains(&ed.id()));
    world.pull(&mut ed);
    assert_eq!(ed.held, [id_of(&secret)].into(), "without asking again");
    let later = sealed(log("plan"), "later");
    world.send(&ann, push(&later));
    world.pull(&mut ed);
    assert!(ed.held.contains(&id_of(&later)));
    assert_eq!(restored::lists(&world, &ed), 2);
}

#[test]
fn who_began_a_log_again_gives_access_to_nobody_least_of_all_to_themselves() {
    let (mut world, ann, mut ed, _) = a_log_begun_twice();
    let clinic = organisation("clinic").principal();
    let (grant, again) =
        (ed.access(log("plan"), clinic, true, false), ed.access(log("plan"), ed.principal(), true, true));
    assert_eq!(bring(&mut world, &ed, &[&grant, &again]).len(), 1);
    let mut reading = ann.access(log("plan"), clinic, false, false);
    assert_eq!(bring(&mut world, &ann, &[&reading]), []);
    reading = ed.access(log("plan"), organisation("another").principal(), true, false);
    assert_eq!(bring(&mut world, &ed, &[&reading]).len(), 1, "reading was given, sharing was not");
    world.sync(&mut ed, SyncRequest { subscribe: vec![log("plan")], ..Default::default() });
    assert_eq!(ed.held.len(), 1);
}

#[test]
fn an_organisation_that_begins_its_own_log_twice_goes_on_as_before() {
    let (mut world, ann, mut ben) = two_nurses();
    let founding = ben.access(log("plan"), organisation("hospice").principal(), true, true);
    assert_eq!(bring(&mut world, &ben, &[&founding]), []);
    let entry = sealed(log("plan"), "a");
    world.send(&ann, push(&entry));
    world.pull(&mut ben);
    assert_eq!(ben.held, [id_of(&entry)].into());
}

#[test]
fn an_acknowledgement_that_names_an_entry_of_another_log_is_refused_whole() {
    let (mut world, mut ann, ben) = two_nurses();
    let other = ann.access(log("other"), ann.principal(), true, true);
    assert_eq!(bring(&mut world, &ann, &[&other]), []);
    let (here, there) = (sealed(log("plan"), "here"), sealed(log("other"), "there"));
    world.sync(&mut ann, push(&here));
    world.sync(&mut ann, push(&there));
    let mixed = ben.acknowledge(log("plan"), &[id_of(&here), id_of(&there)]);
    assert_eq!(bring(&mut world, &ben, &[&mixed])[0].kind, ProblemKind::StatementRefused);
    assert!(world.send(&ann, SyncRequest::default()).items.is_empty());
    let unknown = ben.acknowledge(log("plan"), &[id_of(&here), id_of(b"never stored")]);
    assert_eq!(bring(&mut world, &ben, &[&unknown]), []);
    assert_eq!(world.send(&ann, SyncRequest::default()).items.len(), 1);
}

#[test]
fn a_person_acknowledges_in_the_one_plan_their_credential_is_for() {
    let (mut world, mut ann, _) = two_nurses();
    let joan = person("joan", &ann, log("plan"));
    world.sign_in(&joan);
    let founding = ann.access(log("other"), ann.principal(), true, true);
    let grants = [log("plan"), log("other")].map(|log| ann.access(log, joan.principal(), false, false));
    assert_eq!(bring(&mut world, &ann, &[&founding, &grants[0], &grants[1]]), []);
    for (name, taken) in [("plan", true), ("other", false)] {
        let entry = sealed(log(name), name);
        world.sync(&mut ann, push(&entry));
        let seen = joan.acknowledge(log(name), &[id_of(&entry)]);
        assert_eq!(bring(&mut world, &joan, &[&seen]).is_empty(), taken);
    }
}

/// As in section 12 of the protocol: `{0: bstr .cbor {0: [credential], 1: sealed keys}, 1: proof}`.
fn issuing(invite: InviteId, credential: &[u8]) -> SyncRequest {
    let mut issued = minicbor::Encoder::new(Vec::new());
    issued.map(2).unwrap().u8(0).unwrap().array(1).unwrap().bytes(credential).unwrap();
    issued.u8(1).unwrap().bytes(b"sealed keys").unwrap();
    let mut answer = minicbor::Encoder::new(Vec::new());
    answer.map(2).unwrap().u8(0).unwrap().bytes(&issued.into_writer()).unwrap();
    answer.u8(1).unwrap().bytes(&[0; 32]).unwrap();
    let enrolments = vec![EnrolmentAnswer { invite, answer: answer.into_writer() }];
    SyncRequest { enrolments, ..Default::default() }
}

#[test]
fn a_device_that_was_admitted_is_stopped_when_another_answers_the_same_invitation() {
    let (mut world, mut ann, _) = two_nurses();
    let id = InviteId::new([3; 32]);
    let invitation = invite(&ann, id, START.plus_ms(DAY));
    world.sync(&mut ann, invitation);
    assert_eq!(world.enrol(&enrolment(id, "thief")), Ok(EnrolAnswer::Waiting));
    let mut thief = device("thief", Role::Nurse, &organisation("hospice"));
    world.sync(&mut ann, issuing(id, &thief.credential));
    let session = world.sign_in(&thief);
    world.sync(&mut thief, SyncRequest { subscribe: vec![log("plan")], ..Default::default() });
    world.send(&ann, push(&sealed(log("plan"), "a")));
    assert!(world.relay.authenticate(world.now, &session.token).is_ok());
    assert_eq!(
        world.relay.live_page(world.now, thief.id(), thief.cursor.unwrap()).unwrap().unwrap().items.len(),
        1
    );

    assert_eq!(world.enrol(&enrolment(id, "joan")).unwrap_err().kind, ProblemKind::InviteContested);
    let problem = world.relay.authenticate(world.now, &session.token).unwrap_err();
    assert_eq!(problem.kind, ProblemKind::SignInNeeded);
    let challenge = world.session(thief.hello()).unwrap();
    let problem = world.session(thief.prove(&challenge)).unwrap_err();
    assert!(problem.detail.contains("two devices answered"), "{}", problem.detail);
    let event = world.relay.live_page(world.now, thief.id(), thief.cursor.unwrap()).unwrap();
    assert!(event.is_none_or(|event| event.items.is_empty()), "nothing waits on an open stream");
    let grant = thief.access(log("plan"), thief.principal(), true, false);
    let ed = device("ed", Role::Nurse, &organisation("clinic"));
    world.sign_in(&ed);
    assert_eq!(bring(&mut world, &ed, &[&grant]).len(), 1, "nor does it give access through others");
}

#[test]
fn an_issuer_cannot_stop_a_colleague_with_a_made_up_answer() {
    let (mut world, mut ann, ben) = two_nurses();
    let session = world.sign_in(&ben);
    let id = InviteId::new([3; 32]);
    let invitation = invite(&ann, id, START.plus_ms(DAY));
    world.sync(&mut ann, invitation);
    assert_eq!(world.enrol(&enrolment(id, "first")), Ok(EnrolAnswer::Waiting));
    world.sync(&mut ann, issuing(id, &ben.credential));
    assert_eq!(world.enrol(&enrolment(id, "second")).unwrap_err().kind, ProblemKind::InviteContested);
    assert!(world.relay.authenticate(world.now, &session.token).is_ok());
    world.sign_in(&ben);
}
