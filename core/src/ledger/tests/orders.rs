//! In any order, any number of times: the same plan. Nothing is lost, and nobody gains a right by the order of things.

use std::collections::BTreeMap;

use bedside_protocol::entry::{Body, Decision, Entry, Mark, Outcome, Review, Scope, Stage, entry_id};
use bedside_protocol::ids::{EntryId, Timestamp};
use bedside_protocol::statement::Trust;
use proptest::prelude::*;

use super::super::Verdict;
use super::super::replica::{Replica, SignedEntry};
use super::{CPR, LOG, MATTERS, PLACE, Story, decision, put};
use crate::crdt::{Edit, inspect};
use crate::plan::authority::{Target, may_write};
use crate::plan::check::encode_decision;
use crate::plan::schema::{Section, TEXTS, field};
use crate::plan::view::{AsOf, view};

/// Fields of every class that a device may try to write, whoever it belongs to.
const KEYS: [&str; 5] = [
    PLACE,
    "carer.main",
    "medicine/00000000000000aa/stopped_reason",
    "identity.family",
    "preferences.place_of_care_1",
];

/// What a replica believes, in a form that can be compared.
fn belief(replica: &Replica, trust: &Trust) -> String {
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
    for held in replica.ledger().held_entries() {
        writeln!(out, "{} {:?} {:?} {}", held.entry, held.reason, held.ruling, held.is_part).unwrap();
    }
    let as_of = AsOf { now: Timestamp(1_000_000), last_contact: None };
    let plan = replica.material(trust, as_of, crate::ledger::replica::Backlog::default(), view);
    writeln!(out, "{}", serde_json::to_string(&plan).unwrap()).unwrap();
    out
}

#[derive(Clone, Debug)]
enum Step {
    Text(usize, String),
    Put(usize, u8),
    Decide(usize, bool),
    Endorse(usize),
    Consent(usize, bool, bool),
    Approve(usize),
    Review(usize, u8, bool),
    Mark(usize, u8),
    Die(usize, bool),
    Copy(usize),
    Meet(usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0..4_usize;
    let step = prop_oneof![
        3 => (who.clone(), "[a-z ]{0,12}").prop_map(|(w, t)| Step::Text(w, t)),
        6 => (who.clone(), any::<u8>()).prop_map(|(w, v)| Step::Put(w, v)),
        4 => (who.clone(), any::<bool>()).prop_map(|(w, v)| Step::Decide(w, v)),
        1 => who.clone().prop_map(Step::Endorse),
        1 => (who.clone(), any::<bool>(), prop::bool::weighted(0.9))
            .prop_map(|(w, record, given)| Step::Consent(w, record, given)),
        2 => who.clone().prop_map(Step::Approve),
        8 => (who.clone(), any::<u8>(), prop::bool::weighted(0.7)).prop_map(|(w, n, a)| Step::Review(w, n, a)),
        1 => (who.clone(), 0..4_u8).prop_map(|(w, s)| Step::Mark(w, s)),
        1 => (who.clone(), any::<bool>()).prop_map(|(w, real)| Step::Die(w, real)),
        1 => who.clone().prop_map(Step::Copy),
        5 => (who.clone(), who).prop_map(|(a, b)| Step::Meet(a, b)),
    ];
    proptest::collection::vec(step, 1..32)
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
            let key = KEYS[usize::from(*value) % KEYS.len()];
            let _ = all[*who].edit(trust, &[put(key, &format!("said {value} {}", all[*who].held.len()))]);
        }
        Step::Decide(who, recommended) => {
            let body = match recommended {
                true => decision(all[*who], Section::Cpr, &[("cpr.decision", "recommended")]),
                false => decision(all[*who], Section::Prognosis, &[("prognosis.estimate", "last-weeks")]),
            };
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
        Step::Consent(who, record, given) => {
            let outcome = if *given { Outcome::Given } else { Outcome::Withdrawn };
            all[*who].consent(trust, if *record { Scope::Record } else { Scope::Share }, outcome);
        }
        Step::Approve(who) => {
            let body = super::approval::approve(all[*who]);
            let _ = all[*who].say(trust, body);
        }
        Step::Review(who, which, adopt) => {
            // Whoever reviews has met those whose entries wait, two at a time: the others review without knowing of it.
            for other in [(*who + 1) % all.len(), (*who + 2) % all.len()] {
                let theirs = all[other].held.clone();
                theirs.iter().for_each(|signed| {
                    all[*who].receive(trust, signed);
                });
            }
            let held: Vec<EntryId> =
                all[*who].replica.ledger().held_entries().iter().map(|held| held.entry).collect();
            if let Some(entry) = held.get(usize::from(*which) % held.len().max(1)) {
                let review = Review { entry: *entry, adopt: *adopt, note: String::new() };
                let _ = all[*who].say(trust, Body::Review(review));
            }
        }
        Step::Mark(who, stage) => {
            let stages = [Stage::AwaitingApproval, Stage::UnderReview, Stage::EnteredInError, Stage::InUse];
            let mark = Mark { stage: stages[usize::from(*stage)], note: String::new() };
            let _ = all[*who].say(trust, Body::Mark(mark));
        }
        Step::Die(who, real) => {
            let said = if *real { ("death.date", "1970-01-01") } else { ("death.in_error", "alive") };
            let body = decision(all[*who], Section::AfterDeath, &[said]);
            let _ = all[*who].say(trust, body);
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

/// Every value and every decision that anybody wrote is there, or was replaced by somebody who had seen it, or is held.
fn nothing_is_lost(replica: &Replica) {
    let ledger = replica.ledger();
    let parts: Vec<_> = ledger.in_order().into_iter().filter(|(id, _, _)| ledger.is_part(id)).collect();
    for (id, entry, _) in &parts {
        let seen_by = |later: &Entry| ledger.past_of(&later.parents).contains(id);
        match &entry.body {
            Body::Change(change) => {
                let info = inspect(change, TEXTS).unwrap();
                for key in info.puts.keys() {
                    let there = replica.document().values(key).iter().any(|value| value.change == info.hash);
                    let replaced = || {
                        parts.iter().any(|(_, later, _)| match &later.body {
                            Body::Change(change) => {
                                inspect(change, TEXTS).unwrap().puts.contains_key(key) && seen_by(later)
                            }
                            _ => false,
                        })
                    };
                    assert!(there || replaced(), "{id} wrote {key}, and nobody who saw it replaced it");
                }
            }
            Body::Decision(decision) if decision.endorses.is_none() => {
                let stands = ledger.decisions(decision.section).iter().any(|standing| standing.entry == *id);
                let replaced = || {
                    parts.iter().any(|(_, later, _)| match &later.body {
                        Body::Decision(new) => new.supersedes.contains(id) && seen_by(later),
                        _ => false,
                    })
                };
                assert!(stands || replaced(), "{id} decided, and nobody who saw it replaced it");
            }
            _ => {}
        }
    }
    assert_eq!(
        parts.len() + ledger.held_entries().iter().filter(|h| !h.is_part).count(),
        ledger.in_order().len()
    );
}

/// Whatever is part of the plan was written, or adopted, by somebody who may write it.
fn nobody_wrote_beyond_their_role(replica: &Replica, trust: &Trust) {
    let ledger = replica.ledger();
    let may = |id: &EntryId, target: Target| {
        let credential = trust.credential(&ledger.entry(id).unwrap().credential).unwrap();
        may_write(credential.role, credential.capabilities, target).is_ok()
    };
    for (id, entry, _) in ledger.in_order().into_iter().filter(|(id, _, _)| ledger.is_part(id)) {
        let targets: Vec<Target> = match &entry.body {
            Body::Change(change) => {
                let keys = inspect(change, TEXTS).unwrap().keys;
                keys.iter().map(|key| Target::Field(field(key).unwrap().0)).collect()
            }
            Body::Decision(decision) => {
                let section = Section::from_number(decision.section).unwrap();
                vec![decision.endorses.map_or(Target::Decision(section), |_| Target::Endorsement(section))]
            }
            Body::Approval(_) => vec![Target::Approval],
            Body::Review(_) => vec![Target::Review],
            Body::Mark(mark) => vec![Target::Mark(mark.stage)],
            Body::Consent(_) | Body::Grant(_) | Body::Looks(_) => vec![],
        };
        let reviewers: Vec<EntryId> = ledger
            .in_order()
            .into_iter()
            .filter(|(_, _, verdict)| **verdict == Verdict::Standing)
            .filter(|(_, e, _)| matches!(&e.body, Body::Review(r) if r.entry == id && r.adopt))
            .map(|(review, _, _)| review)
            .collect();
        for target in targets {
            let adopted = reviewers.iter().any(|review| may(review, target));
            assert!(may(&id, target) || adopted, "{id} wrote {target:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_operation_loses_a_value_and_no_role_writes_beyond_its_own(steps in steps()) {
        let mut story = Story::begin();
        for step in &steps {
            act(&mut story, step);
            for member in [&story.alice, &story.bob, &story.carer, &story.person] {
                nothing_is_lost(&member.replica);
                nobody_wrote_beyond_their_role(&member.replica, &story.cast.trust);
            }
        }
        story.everybody_meets();
        nothing_is_lost(&story.person.replica);
        nobody_wrote_beyond_their_role(&story.person.replica, &story.cast.trust);
    }

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
        let expected = belief(&story.alice.replica, &story.cast.trust);
        for member in [&story.bob, &story.carer, &story.person] {
            prop_assert_eq!(&belief(&member.replica, &story.cast.trust), &expected);
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
        prop_assert_eq!(&belief(&stranger, &story.cast.trust), &expected, "one at a time, shuffled, many times");

        let mut in_groups = Replica::new(LOG);
        for _ in 0..shuffled.len() {
            for group in shuffled.chunks(5) {
                for signed in group {
                    let _ = in_groups.take(signed, &story.cast.trust);
                }
                in_groups.settle(&story.cast.trust);
            }
        }
        prop_assert_eq!(&belief(&in_groups, &story.cast.trust), &expected, "in groups, shuffled");

        let bytes = shuffled.iter().map(|s| s.bytes.clone());
        let rebuilt = Replica::rebuild(LOG, bytes, None, &story.cast.trust);
        prop_assert_eq!(&belief(&rebuilt, &story.cast.trust), &expected, "rebuilt from nothing");

        for so_far in [stranger, half_way] {
            let saved = so_far.document().clone().save();
            let bytes = shuffled.iter().rev().map(|s| s.bytes.clone());
            let resumed = Replica::rebuild(LOG, bytes, Some(&saved), &story.cast.trust);
            prop_assert_eq!(&belief(&resumed, &story.cast.trust), &expected, "rebuilt with a stored document");
        }
    }
}
