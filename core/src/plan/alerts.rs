//! What must be seen first. Each is derived from what stands; none can be typed away.

use bedside_protocol::ids::Timestamp;

use super::dates::{self, Partial};
use super::schema::Section;
use super::view::{Alert, PlanView, SectionView};

pub(super) fn alerts(view: &PlanView, now: Timestamp) -> Vec<Alert> {
    let mut alerts = Vec::new();
    let mut add = |kind, text: String| alerts.push(Alert { kind, text });
    if let Some(died) = &view.banner.died {
        add("deceased", format!("DECEASED: died {died}"));
    } else if let Some(notice) = &view.banner.death_notice {
        add(
            "death-notice",
            format!("The demographics service records a death ({notice}); confirm before acting"),
        );
    }
    for consent in view.consents.iter().filter(|consent| consent.outcome == "withdrawn") {
        add("consent-withdrawn", consent.text.clone());
    }
    for section in view.sections.iter().filter(|section| section.in_conflict) {
        let count = section.decisions.len();
        add("in-conflict", format!("IN CONFLICT: {}: {count} decisions stand; see both", section.title));
    }
    let cpr = view.section(Section::Cpr);
    if cpr.decisions.is_empty() {
        add("cpr-not-documented", "CPR not documented".to_owned());
    } else if cpr.decisions.iter().any(|decision| !decision.endorsed) {
        add("cpr-not-endorsed", "The CPR decision has not been endorsed by a senior clinician".to_owned());
    }
    for (section, key, what) in REVIEWS {
        if let Some(due) = overdue(view.section(section), key, now) {
            add("review-overdue", format!("The {what} decision was due for review on {due}"));
        }
    }
    if view.section(Section::Preferences).field("preferences.place_of_death_1").is_none() {
        add("no-place-of-death", "No preferred place of death recorded".to_owned());
    }
    let identity = view.section(Section::Identity).fields.iter().filter(|field| field.values.len() > 1);
    for field in identity {
        add("identity-differs", format!("More than one answer for {}: check who this is", field.label));
    }
    if view.held > 0 {
        add("held", counted(view.held, "entry is", "entries are", "held for a reviewer and not shown here"));
    }
    if view.unreadable > 0 {
        let how = "recorded by another version of this software and not shown here; update to read them";
        add("unreadable", counted(view.unreadable, "answer was", "answers were", how));
    }
    if view.left_out > 0 {
        let how =
            "in this plan that this version cannot read: what you see is not all of it; update to see it";
        add("left-out", counted(view.left_out, "entry is", "entries are", how));
    }
    alerts
}

const REVIEWS: [(Section, &str, &str); 2] =
    [(Section::Cpr, "cpr.review_date", "CPR"), (Section::Escalation, "escalation.review_date", "escalation")];

fn overdue(section: &SectionView, key: &str, now: Timestamp) -> Option<String> {
    let today = dates::day(now)?;
    let due = |decision: &super::view::DecisionView| {
        let due = Partial::parse(decision.field(key)?.values.first()?.date.as_deref()?)?;
        (due.is_a_day() && due < today).then(|| due.show())
    };
    section.decisions.iter().find_map(due)
}

fn counted(count: usize, one: &str, many: &str, rest: &str) -> String {
    format!("{count} {} {rest}", if count == 1 { one } else { many })
}
