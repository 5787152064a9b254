//! What must be seen first. Each is derived from what stands; none can be typed away.

use std::collections::BTreeMap;

use super::dates::{self, Partial};
use super::legal;
use super::schema::Section;
use super::view::{Alert, DecisionView, ItemView, Material, PlanView, SectionView};
use crate::limits::DUE_SOON_DAYS;

/// Alerts as they are found.
#[derive(Default)]
pub(super) struct Alerts(Vec<Alert>);

impl Alerts {
    fn add(&mut self, severity: &'static str, kind: &'static str, text: String, action: &str) {
        self.0.push(Alert { kind, severity, text, action: action.to_owned() });
    }

    /// Somebody may come to harm before anything else is read.
    pub(super) fn danger(&mut self, kind: &'static str, text: String, action: &str) {
        self.add("danger", kind, text, action);
    }

    /// Something is wrong or missing that a decision at the bedside may rest on.
    pub(super) fn warn(&mut self, kind: &'static str, text: String, action: &str) {
        self.add("warning", kind, text, action);
    }

    /// Worth knowing.
    pub(super) fn note(&mut self, kind: &'static str, text: String, action: &str) {
        self.add("note", kind, text, action);
    }
}

/// Dangers first, then warnings, then notes.
pub(super) fn alerts(view: &PlanView, material: &Material<'_>) -> Vec<Alert> {
    let today = dates::day(material.as_of.now);
    let mut alerts = Alerts::default();
    whose(&mut alerts, view);
    consent(&mut alerts, view);
    conflicts(&mut alerts, view);
    if !view.banner.deceased {
        cpr(&mut alerts, view, material);
        reviews(&mut alerts, view, today);
        anticipatory(&mut alerts, view, today);
        capacity(&mut alerts, material, today);
        if view.section(Section::Preferences).field("preferences.place_of_death_1").is_none() {
            alerts.warn(
                "no-place-of-death",
                "No preferred place of death recorded".to_owned(),
                "Ask, and record the answer, or that it was declined",
            );
        }
        approval(&mut alerts, view);
    }
    legal::check(&mut alerts, view, material);
    duplicates(&mut alerts, view);
    unseen(&mut alerts, view, material);
    let rank = |alert: &Alert| ["danger", "warning", "note"].iter().position(|s| *s == alert.severity);
    alerts.0.sort_by_key(rank);
    alerts.0
}

fn whose(alerts: &mut Alerts, view: &PlanView) {
    if let Some(died) = &view.banner.died {
        let text = format!("DECEASED: died {died}");
        alerts.danger("deceased", text, "Stop visits and orders; only what concerns the death is recorded");
    } else if let Some(notice) = &view.banner.death_notice {
        let text = format!("The demographics service records a death ({notice}); confirm before acting");
        alerts.danger("death-notice", text, "Confirm whether the person is alive before acting");
    }
    if view.control.status == "entered-in-error" {
        let text = "This plan was ENTERED IN ERROR".to_owned();
        alerts.danger("entered-in-error", text, "Do not act on it; see the reason");
    }
    for field in view.section(Section::Identity).fields.iter().filter(|field| field.values.len() > 1) {
        let text = format!("More than one answer for {}: check who this is", field.label);
        alerts.danger("identity-differs", text, "Ask the person or see a document before acting on the plan");
    }
}

fn consent(alerts: &mut Alerts, view: &PlanView) {
    for consent in view.consents.iter().filter(|consent| consent.outcome == "withdrawn") {
        let action = match consent.scope {
            "record" => "Write nothing in this plan; ask whether it may be kept",
            _ => "Do not pass it on; other organisations no longer see it",
        };
        alerts.danger("consent-withdrawn", consent.text.clone(), action);
    }
}

fn conflicts(alerts: &mut Alerts, view: &PlanView) {
    for section in view.sections.iter().filter(|section| section.in_conflict) {
        let count = section.decisions.len();
        let text = format!("IN CONFLICT: {}: {count} decisions stand; see both", section.title);
        alerts.danger(
            "in-conflict",
            text,
            "A clinician looks at all of them and records one that replaces them",
        );
    }
}

fn cpr(alerts: &mut Alerts, view: &PlanView, material: &Material<'_>) {
    let decisions = &view.section(Section::Cpr).decisions;
    let code = |decision: &DecisionView, key| decision.field(key)?.values.first()?.code.clone();
    let has = |key, wanted: &str| decisions.iter().any(|d| code(d, key).as_deref() == Some(wanted));
    let lacks = |key, wanted: &[&str]| {
        decisions.iter().any(|d| code(d, key).is_none_or(|code| !wanted.contains(&code.as_str())))
    };
    if decisions.is_empty() {
        let action = "Until it is, CPR is started; talk about it and record the decision";
        return alerts.warn("cpr-not-documented", "CPR not documented".to_owned(), action);
    }
    if has("cpr.decision", "not-discussed") {
        let text = "CPR has not been discussed".to_owned();
        alerts.warn("cpr-not-discussed", text, "Until it is, CPR is started; talk about it");
    } else if lacks("cpr.discussed_person", &["yes"]) {
        let text = "The CPR decision is not recorded as discussed with the person".to_owned();
        alerts.warn("cpr-not-discussed", text, "Talk about it, or record why that was not possible");
    }
    if decisions.iter().any(|decision| !decision.endorsed) {
        let text = "The CPR decision has not been endorsed by a senior clinician".to_owned();
        alerts.warn("cpr-not-endorsed", text, "Ask the senior responsible clinician to endorse it");
    }
    if lacks("cpr.capacity", &["has", "lacks", "fluctuating"]) {
        let text = "Whether the person had capacity for the CPR decision is not recorded".to_owned();
        alerts.warn("cpr-capacity-missing", text, "Assess capacity for this decision and record it");
    }
    let in_best_interests = material.decisions.iter().any(|d| {
        d.section == Section::Capacity.number() && d.fields.keys().any(|k| k.starts_with("best_interests/"))
    });
    if has("cpr.capacity", "lacks") && !in_best_interests {
        let text =
            "The person lacks capacity for the CPR decision, and no best-interests decision is recorded";
        alerts.warn("no-best-interests", text.to_owned(), "Record who was consulted, and why it was decided");
    }
}

/// Decisions with a day of review: section, key, and what it is a review of.
const REVIEWS: [(Section, &str, &str); 2] =
    [(Section::Cpr, "cpr.review_date", "CPR"), (Section::Escalation, "escalation.review_date", "escalation")];

/// The days on which the decisions of a plan, and then the plan itself, are looked at again.
pub(super) fn review_days(view: &PlanView) -> Vec<(Option<Section>, Partial)> {
    let decided = REVIEWS.into_iter().filter_map(|(section, key, _)| {
        let decisions = view.section(section).decisions.iter();
        let earliest = decisions.filter_map(|d| day(&d.field(key)?.values.first()?.date)).min()?;
        Some((Some(section), earliest))
    });
    decided.chain(day(&view.control.review_date).map(|day| (None, day))).collect()
}

fn reviews(alerts: &mut Alerts, view: &PlanView, today: Option<Partial>) {
    let days = review_days(view);
    let of = |section| days.iter().find(|(of, _)| *of == section).map(|(_, day)| *day);
    for (section, _, what) in REVIEWS {
        match due(of(Some(section)), today) {
            Some((Due::Past, day)) => {
                let text = format!("The {what} decision was due for review on {}", day.show());
                alerts.warn("review-overdue", text, "Review the decision; it stands until it is replaced");
            }
            Some((Due::Soon, day)) => {
                let text = format!("The {what} decision is due for review on {}", day.show());
                alerts.note("review-due-soon", text, "Plan the review");
            }
            None => {}
        }
    }
    match due(of(None), today) {
        Some((Due::Past, day)) => {
            let text = format!("The plan was due for review on {}", day.show());
            alerts.warn("plan-review-overdue", text, "Go through the plan and have it approved again");
        }
        Some((Due::Soon, day)) => {
            let text = format!("The plan is due for review on {}", day.show());
            alerts.note("plan-review-due-soon", text, "Plan the review");
        }
        None => {}
    }
}

enum Due {
    Past,
    Soon,
}

fn day(iso: &Option<String>) -> Option<Partial> {
    Partial::parse(iso.as_deref()?).filter(|day| day.is_a_day())
}

fn due(day: Option<Partial>, today: Option<Partial>) -> Option<(Due, Partial)> {
    let (day, today) = (day?, today?);
    match today.plus_days(DUE_SOON_DAYS) {
        _ if day < today => Some((Due::Past, day)),
        Some(soon) if day <= soon => Some((Due::Soon, day)),
        _ => None,
    }
}

fn anticipatory(alerts: &mut Alerts, view: &PlanView, today: Option<Partial>) {
    let field = view.section(Section::Medicines).field("anticipatory.expires");
    let earliest = field.and_then(|field| field.values.iter().filter_map(|value| day(&value.date)).min());
    match due(earliest, today) {
        Some((Due::Past, day)) => {
            let text = format!("The anticipatory medicines expired on {}", day.show());
            alerts.danger("anticipatory-expired", text, "Do not use them; have them replaced today");
        }
        Some((Due::Soon, day)) => {
            let text = format!("The anticipatory medicines expire on {}", day.show());
            alerts.warn("anticipatory-expiring", text, "Order new ones");
        }
        None => {}
    }
}

fn capacity(alerts: &mut Alerts, material: &Material<'_>, today: Option<Partial>) {
    let of_section = material.decisions.iter().filter(|d| d.section == Section::Capacity.number());
    for decision in of_section {
        for key in
            decision.fields.keys().filter(|key| key.starts_with("capacity/") && key.ends_with("/outcome"))
        {
            let item = key.trim_end_matches("/outcome");
            if !legal::in_force(decision, item, today) {
                let about = decision.fields.get(&format!("{item}/decision"));
                let about = about.map_or_else(|| "a decision".to_owned(), |leaf| leaf.answer.words());
                let text = format!("The assessment of capacity for {about} is not in force today");
                alerts.note("capacity-out-of-date", text, "Assess capacity again before you rely on it");
            }
        }
    }
}

fn approval(alerts: &mut Alerts, view: &PlanView) {
    match view.control.status {
        "not-started" => {}
        _ if view.control.latest_approver.is_none() => alerts.note(
            "not-approved",
            "Nobody has approved this plan".to_owned(),
            "Ask a clinician who may approve to go through it",
        ),
        _ => {
            let changed =
                view.sections.iter().filter(|s| matches!(s.review.state, "changed" | "not-reviewed"));
            let titles: Vec<&str> = changed.map(|section| section.title).collect();
            if !titles.is_empty() {
                let text = format!("Not yet approved as it stands: {}", titles.join("; "));
                alerts.note("changed-since-approval", text, "Look at what changed, and have it approved");
            }
        }
    }
}

/// Likely duplicates are pointed out and never merged.
fn duplicates(alerts: &mut Alerts, view: &PlanView) {
    for name in twice(view.section(Section::Medicines), "medicine", "name") {
        let text = format!("{name} is in the list of medicines more than once");
        alerts.warn("duplicate-medicine", text, "Check whether both are taken; stop the one that is not");
    }
    for name in twice(view.section(Section::Contacts), "contact", "name") {
        let text = format!("{name} is among the contacts more than once");
        alerts.note("duplicate-contact", text, "Mark one as entered in error if they are the same person");
    }
}

fn twice(section: &SectionView, list: &str, name: &str) -> Vec<String> {
    let items = section.lists.iter().filter(|view| view.list == list).flat_map(|view| &view.items);
    let mut seen: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for item in items.filter(|item| !item.ended && !item.in_error) {
        let Some(words) = answer(item, name) else { continue };
        let normal: String = words.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        seen.entry(normal).or_insert((0, words)).0 += 1;
    }
    seen.into_values().filter(|(count, _)| *count > 1).map(|(_, words)| words).collect()
}

fn answer(item: &ItemView, name: &str) -> Option<String> {
    let ending = format!("/{name}");
    let value = item.fields.iter().find(|field| field.key.ends_with(&ending))?.values.first()?;
    matches!(value.answer, "text" | "coded").then(|| value.text.clone())
}

fn unseen(alerts: &mut Alerts, view: &PlanView, material: &Material<'_>) {
    if view.held > 0 {
        let text = counted(view.held, "entry is", "entries are", "held for a reviewer and not shown here");
        alerts.warn("held", text, "See why, and adopt or decline it, or ask a clinician to");
    }
    if view.unreadable > 0 {
        let how = "recorded by another version of this software and not shown here; update to read them";
        let text = counted(view.unreadable, "answer was", "answers were", how);
        alerts.warn("unreadable", text, "Update this software");
    }
    if view.left_out > 0 {
        let how = "in this plan that this version cannot read: what you see is not all of it";
        let text = counted(view.left_out, "entry is", "entries are", how);
        alerts.warn("left-out", text, "Update this software");
    }
    if material.passed_over {
        let text =
            "So much of this plan cannot be read that not all of it is fetched: what you see is not all";
        alerts.warn(
            "passed-over",
            text.to_owned(),
            "Tell your administrator: somebody may be flooding the plan",
        );
    } else if material.to_come > 0 {
        let how = "come for this plan and lack something to be read: what you see is not all of it";
        let text = counted(material.to_come, "entry has", "entries have", how);
        alerts.note("to-come", text, "Sync; if it stays, update this software and ask your administrator");
    }
}

fn counted(count: usize, one: &str, many: &str, rest: &str) -> String {
    format!("{count} {} {rest}", if count == 1 { one } else { many })
}
