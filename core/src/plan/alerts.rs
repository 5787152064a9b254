//! What must be seen first. Each is derived from what stands; none can be typed away.

use std::collections::BTreeMap;

use super::dates::{self, Partial};
use super::legal;
use super::locale::{Arg, Locale, Message};
use super::phrases;
use super::schema::{self, Section};
use super::view::{Alert, DecisionView, ItemView, Material, PlanView, SectionView};
use crate::limits::DUE_SOON_DAYS;

/// Alerts as they are found. What an alert says, and what to do about it, is the message `alert-` and its kind.
#[derive(Default)]
pub(super) struct Alerts(Vec<Alert>);

/// What an alert's message is told.
pub(super) type Told = Vec<(&'static str, Arg)>;

impl Alerts {
    fn add(&mut self, severity: &'static str, kind: &'static str, args: Told) {
        self.0.push(Alert::new(severity, kind, args));
    }

    /// Somebody may come to harm before anything else is read.
    pub(super) fn danger(&mut self, kind: &'static str, args: Told) {
        self.add("danger", kind, args);
    }

    /// Something is wrong or missing that a decision at the bedside may rest on.
    pub(super) fn warn(&mut self, kind: &'static str, args: Told) {
        self.add("warning", kind, args);
    }

    /// Worth knowing.
    pub(super) fn note(&mut self, kind: &'static str, args: Told) {
        self.add("note", kind, args);
    }
}

impl Alert {
    pub(super) fn new(severity: &'static str, kind: &'static str, args: Told) -> Self {
        let alert = Self { kind, severity, text: String::new(), action: String::new(), args };
        alert.in_language(Locale::british_english())
    }

    /// The message that says it.
    pub(super) fn message(&self) -> String {
        format!("alert-{}", self.kind)
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
            alerts.warn("no-place-of-death", vec![]);
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
        alerts.danger("deceased", vec![("died", died.into())]);
    } else if let Some(notice) = phrases::death_notice(&view.banner) {
        alerts.danger("death-notice", vec![("notice", notice)]);
    }
    if view.control.status == "entered-in-error" {
        alerts.danger("entered-in-error", vec![]);
    }
    for field in view.section(Section::Identity).fields.iter().filter(|field| field.values.len() > 1) {
        let label = schema::field(&field.key).map_or_else(|| (&field.label).into(), |(f, _)| Arg::Field(f));
        alerts.danger("identity-differs", vec![("field", label)]);
    }
}

fn consent(alerts: &mut Alerts, view: &PlanView) {
    for consent in view.consents.iter().filter(|consent| consent.outcome == "withdrawn") {
        alerts.danger("consent-withdrawn", vec![("scope", consent.scope.into())]);
    }
}

fn conflicts(alerts: &mut Alerts, view: &PlanView) {
    for section in view.sections.iter().filter(|section| section.in_conflict) {
        let of = Section::from_number(section.number).into_iter().collect();
        let count = section.decisions.len().into();
        alerts.danger("in-conflict", vec![("section", Arg::Sections(of)), ("count", count)]);
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
        return alerts.warn("cpr-not-documented", vec![]);
    }
    if has("cpr.decision", "not-discussed") {
        alerts.warn("cpr-not-discussed", vec![("what", "at-all".into())]);
    } else if lacks("cpr.discussed_person", &["yes"]) {
        alerts.warn("cpr-not-discussed", vec![("what", "with-person".into())]);
    }
    if decisions.iter().any(|decision| !decision.endorsed) {
        alerts.warn("cpr-not-endorsed", vec![]);
    }
    if lacks("cpr.capacity", &["has", "lacks", "fluctuating"]) {
        alerts.warn("cpr-capacity-missing", vec![]);
    }
    let in_best_interests = material.decisions.iter().any(|d| {
        d.section == Section::Capacity.number() && d.fields.keys().any(|k| k.starts_with("best_interests/"))
    });
    if has("cpr.capacity", "lacks") && !in_best_interests {
        alerts.warn("no-best-interests", vec![]);
    }
}

/// Decisions with a day of review: section, key, and what it is a review of.
const REVIEWS: [(Section, &str, &str); 2] =
    [(Section::Cpr, "cpr.review_date", "cpr"), (Section::Escalation, "escalation.review_date", "escalation")];

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
        let told = |day: Partial| vec![("what", what.into()), ("day", day.show().into())];
        match due(of(Some(section)), today) {
            Some((Due::Past, day)) => alerts.warn("review-overdue", told(day)),
            Some((Due::Soon, day)) => alerts.note("review-due-soon", told(day)),
            None => {}
        }
    }
    match due(of(None), today) {
        Some((Due::Past, day)) => alerts.warn("plan-review-overdue", vec![("day", day.show().into())]),
        Some((Due::Soon, day)) => alerts.note("plan-review-due-soon", vec![("day", day.show().into())]),
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
        Some((Due::Past, day)) => alerts.danger("anticipatory-expired", vec![("day", day.show().into())]),
        Some((Due::Soon, day)) => alerts.warn("anticipatory-expiring", vec![("day", day.show().into())]),
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
                let about =
                    about.map_or(Arg::from(Message::new("some-decision")), |leaf| leaf.answer.words().into());
                alerts.note("capacity-out-of-date", vec![("decision", about)]);
            }
        }
    }
}

fn approval(alerts: &mut Alerts, view: &PlanView) {
    match view.control.status {
        "not-started" => {}
        _ if view.control.latest_approver.is_none() => alerts.note("not-approved", vec![]),
        _ => {
            let changed =
                view.sections.iter().filter(|s| matches!(s.review.state, "changed" | "not-reviewed"));
            let sections: Vec<Section> = changed.filter_map(|s| Section::from_number(s.number)).collect();
            if !sections.is_empty() {
                alerts.note("changed-since-approval", vec![("sections", Arg::Sections(sections))]);
            }
        }
    }
}

/// Likely duplicates are pointed out and never merged.
fn duplicates(alerts: &mut Alerts, view: &PlanView) {
    for name in twice(view.section(Section::Medicines), "medicine", "name") {
        alerts.warn("duplicate-medicine", vec![("name", name.into())]);
    }
    for name in twice(view.section(Section::Contacts), "contact", "name") {
        alerts.note("duplicate-contact", vec![("name", name.into())]);
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
    for (kind, count) in [("held", view.held), ("unreadable", view.unreadable), ("left-out", view.left_out)] {
        if count > 0 {
            alerts.warn(kind, vec![("count", count.into())]);
        }
    }
    if material.passed_over {
        alerts.warn("passed-over", vec![]);
    } else if material.to_come > 0 {
        alerts.note("to-come", vec![("count", material.to_come.into())]);
    }
}
