//! What an entry changes, in a few words for the history.

use std::collections::BTreeMap;

use bedside_protocol::entry::{
    Act, Approval, Body, Consent, Decision, Look, Mark, Outcome, Reason, Review, Scope, Stage,
};
use bedside_protocol::ids::Principal;

use super::check::decode_decision;
use super::leaf::Leaf;
use super::locale::{Arg, Message};
use super::schema::{self, Field, Section, TEXTS};
use crate::crdt::inspect;

/// What an entry does.
#[must_use]
pub fn entry(body: &Body) -> Message {
    match body {
        Body::Consent(consent) => consented(consent),
        Body::Change(bytes) => change(bytes),
        Body::Decision(body) => decision(body),
        Body::Grant(grant) => match grant.reader {
            Principal::Identity(_) => Message::new("history-access-person"),
            Principal::Organisation(_) => Message::new("history-access-organisation"),
        },
        Body::Approval(approval) => approved(approval),
        Body::Review(Review { adopt: true, .. }) => Message::new("history-adopted"),
        Body::Review(Review { adopt: false, .. }) => Message::new("history-declined"),
        Body::Mark(mark) => marked(mark),
        Body::Looks(looks) => Message::just(looks.iter().map(look).collect::<Vec<_>>()),
    }
}

/// What an entry says, one answer a line; empty for an entry that gives no answers.
#[must_use]
pub fn content(body: &Body) -> Vec<Message> {
    match body {
        Body::Change(bytes) => {
            let Ok(info) = inspect(bytes, TEXTS) else { return vec![Message::new("history-unreadable")] };
            let said = |key: &String| match info.puts.get(key).map(|bytes| Leaf::from_bytes(bytes)) {
                Some(Ok(leaf)) => answer(key, leaf),
                Some(Err(_)) => Message::new("answer-damaged").into(),
                None => Message::new("history-text").into(),
            };
            info.keys.iter().map(|key| line(key, said(key))).collect()
        }
        Body::Decision(decision) => {
            let fields = decode_decision(&decision.content).unwrap_or_default();
            fields.into_iter().map(|(key, leaf)| line(&key, answer(&key, leaf))).collect()
        }
        _ => Vec::new(),
    }
}

fn line(key: &str, answer: Arg) -> Message {
    Message::new("answer-labelled").with("label", label(key)).with("answer", answer)
}

fn answer(key: &str, leaf: Leaf) -> Arg {
    Arg::Answer(field(key), leaf.answer)
}

fn label(key: &str) -> Arg {
    field(key).map_or_else(|| Message::new("history-newer-field").into(), Arg::Field)
}

fn field(key: &str) -> Option<&'static Field> {
    schema::field(key).map(|(field, _)| field)
}

/// What somebody did who looked.
#[must_use]
pub fn look(look: &Look) -> Message {
    let what = look.what.as_deref().unwrap_or_default();
    match (look.act, &look.why) {
        (Act::View, _) => Message::new("look-view"),
        (Act::Reveal, _) => {
            Message::new("look-reveal").with("what", field(what).map_or_else(|| what.into(), Arg::Field))
        }
        (Act::Print, _) => Message::new("look-print"),
        (Act::Export, _) => Message::new("look-export").with("format", what),
        (Act::BreakGlass, None) => Message::new("look-break-glass"),
        (Act::BreakGlass, Some(why)) => {
            Message::new("look-break-glass-why").with("reason", reason(why.reason)).with("why", &why.text)
        }
    }
}

/// As it is written in commands and files.
#[must_use]
pub const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::EmergencyTreatment => "emergency-treatment",
        Reason::Safeguarding => "safeguarding",
        Reason::LegalDuty => "legal-duty",
    }
}

/// A consent, or another basis.
#[must_use]
pub fn consented(consent: &Consent) -> Message {
    let message = match consent.scope {
        Scope::Record => Message::new("history-consent-record"),
        Scope::Share => Message::new("history-consent-share"),
    };
    message.with("outcome", outcome(consent.outcome))
}

/// As it is written in commands and files.
#[must_use]
pub const fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Record => "record",
        Scope::Share => "share",
    }
}

/// As it is written in commands and files.
#[must_use]
pub const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Given => "given",
        Outcome::Withdrawn => "withdrawn",
        Outcome::BestInterests => "best-interests",
        Outcome::Attorney => "attorney",
        Outcome::Representative => "representative",
    }
}

fn approved(approval: &Approval) -> Message {
    let sections = approval.sections.iter().filter_map(|approved| Section::from_number(approved.section));
    Message::new("history-approved").with("sections", Arg::Sections(sections.collect()))
}

fn marked(mark: &Mark) -> Message {
    Message::new(match mark.stage {
        Stage::AwaitingApproval => "history-approval-asked",
        Stage::UnderReview => "history-under-review",
        Stage::EnteredInError => "history-in-error",
        Stage::InUse => "history-in-use",
    })
}

/// The labels of the fields that a change touches.
#[must_use]
pub fn change(change: &[u8]) -> Message {
    let Ok(info) = inspect(change, TEXTS) else { return Message::new("history-unreadable") };
    let labels: BTreeMap<&str, Message> = info
        .keys
        .iter()
        .map(|key| (field(key).map_or("", |field| field.label), Message::just(label(key))))
        .collect();
    Message::just(labels.into_values().collect::<Vec<_>>())
}

/// Which section a decision is about, and whether it is one or endorses one.
#[must_use]
pub fn decision(decision: &Decision) -> Message {
    let section = Section::from_number(decision.section);
    let title = section.map_or_else(|| Message::new("history-newer-section").into(), Arg::from);
    let says_nothing = decode_decision(&decision.content).is_ok_and(|fields| fields.is_empty());
    let message = match (decision.endorses, decision.supersedes.len()) {
        (Some(_), _) => Message::new("history-endorsed"),
        (None, 1..) if says_nothing => Message::new("history-taken-back"),
        (None, 0) => Message::new("history-decided"),
        (None, 1) => Message::new("history-replaced"),
        (None, _) => Message::new("history-resolved"),
    };
    message.with("section", title)
}
