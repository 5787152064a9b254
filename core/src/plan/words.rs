//! What an entry changes, in a few words for the history.

use std::collections::BTreeSet;

use bedside_protocol::entry::{
    Act, Approval, Body, Consent, Decision, Look, Mark, Outcome, Reason, Review, Scope, Stage,
};
use bedside_protocol::ids::Principal;

use super::check::decode_decision;
use super::leaf::Leaf;
use super::schema::{self, Section, TEXTS};
use crate::crdt::inspect;

/// What an entry does.
#[must_use]
pub fn entry(body: &Body) -> String {
    match body {
        Body::Consent(consent) => consented(consent),
        Body::Change(bytes) => change(bytes),
        Body::Decision(body) => decision(body),
        Body::Grant(grant) => match grant.reader {
            Principal::Identity(_) => "access given to a person".to_owned(),
            Principal::Organisation(_) => "access given to an organisation".to_owned(),
        },
        Body::Approval(approval) => approved(approval),
        Body::Review(Review { adopt: true, .. }) => "a held entry adopted".to_owned(),
        Body::Review(Review { adopt: false, .. }) => "a held entry declined".to_owned(),
        Body::Mark(mark) => marked(mark),
        Body::Looks(looks) => looks.iter().map(look).collect::<Vec<_>>().join("; "),
    }
}

/// What an entry says, one answer a line; empty for an entry that gives no answers.
#[must_use]
pub fn content(body: &Body) -> Vec<String> {
    let line = |key: &str, words: String| {
        let label = schema::field(key).map_or("A field of a newer version", |(field, _)| field.label);
        format!("{label}: {words}")
    };
    match body {
        Body::Change(bytes) => {
            let Ok(info) = inspect(bytes, TEXTS) else {
                return vec!["A change that cannot be read".to_owned()];
            };
            let words = |key: &String| match info.puts.get(key).map(|bytes| Leaf::from_bytes(bytes)) {
                Some(Ok(leaf)) => leaf.answer.words(),
                Some(Err(_)) => "Recorded, but damaged".to_owned(),
                None => "the text is changed".to_owned(),
            };
            info.keys.iter().map(|key| line(key, words(key))).collect()
        }
        Body::Decision(decision) => {
            let fields = decode_decision(&decision.content).unwrap_or_default();
            fields.into_iter().map(|(key, leaf)| line(&key, leaf.answer.words())).collect()
        }
        _ => Vec::new(),
    }
}

/// What somebody did who looked.
#[must_use]
pub fn look(look: &Look) -> String {
    let field = |key: &str| schema::field(key).map_or(key, |(field, _)| field.label).to_owned();
    let of = |what: &Option<String>| what.as_deref().map(field).unwrap_or_default();
    match look.act {
        Act::View => "looked at the plan".to_owned(),
        Act::Reveal => format!("had revealed: {}", of(&look.what)),
        Act::Print => "printed the plan".to_owned(),
        Act::Export => format!("exported the plan as {}", of(&look.what)),
        Act::BreakGlass => {
            let why = look.why.as_ref().map(|why| (why.reason, why.text.as_str()));
            let reason = match why.map(|(reason, _)| reason) {
                Some(Reason::EmergencyTreatment) => "emergency treatment",
                Some(Reason::Safeguarding) => "safeguarding",
                Some(Reason::LegalDuty) => "a legal duty",
                None => "no reason given",
            };
            let words = why.map(|(_, text)| format!(": {text}")).unwrap_or_default();
            format!("opened the plan without consent, for {reason}{words}")
        }
    }
}

/// A consent, or another basis.
#[must_use]
pub fn consented(consent: &Consent) -> String {
    let scope = match consent.scope {
        Scope::Record => "record",
        Scope::Share => "share",
    };
    match consent.outcome {
        Outcome::Given => format!("consent to {scope} given"),
        Outcome::Withdrawn => format!("consent to {scope} withdrawn"),
        Outcome::BestInterests => format!("best-interests decision to {scope}"),
        Outcome::Attorney => format!("consent to {scope} by an attorney"),
        Outcome::Representative => format!("consent to {scope} by a legitimate representative"),
    }
}

fn approved(approval: &Approval) -> String {
    let sections = approval.sections.iter().filter_map(|approved| Section::from_number(approved.section));
    format!("approved: {}", sections.map(Section::title).collect::<Vec<_>>().join("; "))
}

fn marked(mark: &Mark) -> String {
    match mark.stage {
        Stage::AwaitingApproval => "approval asked for",
        Stage::UnderReview => "put under review",
        Stage::EnteredInError => "said to be entered in error",
        Stage::InUse => "said to be in use again",
    }
    .to_owned()
}

/// The labels of the fields that a change touches.
#[must_use]
pub fn change(change: &[u8]) -> String {
    let Ok(info) = inspect(change, TEXTS) else { return "a change that cannot be read".to_owned() };
    let labels: BTreeSet<&str> = info
        .keys
        .iter()
        .map(|key| schema::field(key).map_or("a field of a newer version", |(field, _)| field.label))
        .collect();
    labels.into_iter().collect::<Vec<_>>().join(", ")
}

/// Which section a decision is about, and whether it is one or endorses one.
#[must_use]
pub fn decision(decision: &Decision) -> String {
    let title = Section::from_number(decision.section).map_or("a section of a newer version", Section::title);
    match (decision.endorses, decision.supersedes.len()) {
        (Some(_), _) => format!("{title}: decision endorsed"),
        (None, 0) => format!("{title}: decision recorded"),
        (None, 1) => format!("{title}: decision replaced"),
        (None, _) => format!("{title}: decisions in conflict resolved"),
    }
}
