//! Legal checks that can be computed. They warn, and say why; they do not decide.

use std::collections::BTreeSet;

use bedside_protocol::entry::Outcome;

use super::alerts::Alerts;
use super::approval::token;
use super::codes::Set;
use super::dates::{self, Partial};
use super::leaf::Answer;
use super::locale::{Arg, Message};
use super::schema::Section;
use super::view::{Material, PlanView, StandingDecision};

/// One legal document of a standing decision.
struct Document<'a> {
    decision: &'a StandingDecision,
    item: String,
    kind: &'static str,
}

pub(super) fn check(alerts: &mut Alerts, view: &PlanView, material: &Material<'_>) {
    let documents = documents(material);
    let born = view.banner.born_date.as_deref().and_then(Partial::parse);
    for document in documents.iter().filter(|document| document.is_refusal()) {
        refusal(alerts, document, born);
        for attorney in documents.iter().filter(|other| other.is_attorney()) {
            against_attorney(alerts, document, attorney);
        }
    }
    by_attorney(alerts, material, &documents);
}

fn documents<'a>(material: &Material<'a>) -> Vec<Document<'a>> {
    let legal = material.decisions.iter().filter(|decision| decision.section == Section::Legal.number());
    legal
        .flat_map(|decision| {
            let items: BTreeSet<&str> =
                decision.fields.keys().filter_map(|key| Some(key.rsplit_once('/')?.0)).collect();
            items.into_iter().filter_map(move |item| {
                let kind = token(decision, Set::Legal, &format!("{item}/kind"))?;
                Some(Document { decision, item: item.to_owned(), kind })
            })
        })
        .collect()
}

impl Document<'_> {
    fn is_refusal(&self) -> bool {
        matches!(self.kind, "adrt" | "adrt-life-sustaining")
    }

    fn is_attorney(&self) -> bool {
        matches!(self.kind, "attorney" | "attorney-life-sustaining")
    }

    fn answer(&self, name: &str) -> Option<&Answer> {
        self.decision.fields.get(&format!("{}/{name}", self.item)).map(|leaf| &leaf.answer)
    }

    fn says(&self, name: &str, wanted: &str) -> bool {
        token(self.decision, Set::YesNo, &format!("{}/{name}", self.item)) == Some(wanted)
    }

    fn day(&self, name: &str) -> Option<Partial> {
        match self.answer(name)? {
            Answer::Date(iso) => Partial::parse(iso),
            _ => None,
        }
    }
}

fn refusal(alerts: &mut Alerts, document: &Document<'_>, born: Option<Partial>) {
    match (born, document.day("made")) {
        (Some(born), Some(made)) => match born.age_on(made) {
            Some(age) if age < 18 => alerts.warn("adrt-under-18", vec![("age", age.to_string().into())]),
            Some(_) => {}
            None => alerts.note("adrt-age-unknown", vec![("missing", "days".into())]),
        },
        _ => alerts.note("adrt-age-unknown", vec![("missing", "made".into())]),
    }
    if document.says("capacity_when_made", "no") {
        alerts.warn("adrt-without-capacity", vec![]);
    } else if !document.says("capacity_when_made", "yes") {
        alerts.note("adrt-capacity-unknown", vec![]);
    }
    let vital = document.kind == "adrt-life-sustaining" || document.says("refuses_life_sustaining", "yes");
    let needed = [
        ("in_writing", "adrt-in-writing"),
        ("signed", "adrt-signed"),
        ("witnessed", "adrt-witnessed"),
        ("even_if_life_at_risk", "adrt-even-if-life-at-risk"),
    ];
    let lacking = needed.into_iter().filter(|(name, _)| !document.says(name, "yes"));
    let missing: Vec<Message> = lacking.map(|(_, id)| Message::new(id)).collect();
    if vital && !missing.is_empty() {
        alerts.warn("adrt-incomplete", vec![("missing", Arg::Messages(missing))]);
    }
}

fn against_attorney(alerts: &mut Alerts, refusal: &Document<'_>, attorney: &Document<'_>) {
    let both = refusal.day("made").zip(attorney.day("made").or_else(|| attorney.day("registered")));
    let later = match both {
        Some((refused, appointed)) if appointed > refused => "attorney",
        Some((refused, appointed)) if refused > appointed => "decision",
        _ => "unknown",
    };
    alerts.warn("adrt-and-attorney", vec![("later", later.into())]);
    if refusal.kind == "adrt-life-sustaining" && attorney.kind == "attorney" {
        alerts.warn("attorney-not-life-sustaining", vec![]);
    }
}

/// An attorney consents only once capacity is lost, and only if a document says that there is one.
fn by_attorney(alerts: &mut Alerts, material: &Material<'_>, documents: &[Document<'_>]) {
    if !material.consents.iter().any(|consent| consent.outcome == Outcome::Attorney) {
        return;
    }
    if !documents.iter().any(Document::is_attorney) {
        alerts.warn("attorney-undocumented", vec![]);
    }
    let today = dates::day(material.as_of.now);
    let lacks =
        material.decisions.iter().filter(|d| d.section == Section::Capacity.number()).any(|decision| {
            decision.fields.keys().filter(|key| key.ends_with("/outcome")).any(|key| {
                let item = key.trim_end_matches("/outcome");
                token(decision, Set::Capacity, key) == Some("lacks") && in_force(decision, item, today)
            })
        });
    if !lacks {
        alerts.warn("attorney-before-capacity-lost", vec![]);
    }
}

/// True when an assessment of capacity holds today. One without dates holds.
pub(super) fn in_force(decision: &StandingDecision, item: &str, today: Option<Partial>) -> bool {
    let day = |name: &str| match decision.fields.get(&format!("{item}/{name}")).map(|leaf| &leaf.answer) {
        Some(Answer::Date(iso)) => Partial::parse(iso),
        _ => None,
    };
    let Some(today) = today else { return false };
    day("from").is_none_or(|from| from <= today) && day("to").is_none_or(|to| today <= to)
}
