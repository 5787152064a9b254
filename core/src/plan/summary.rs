//! A plan in one line of a list.

use super::schema::Section;
use super::view::{DecisionView, PlanView, SectionView};

/// One line of a list of plans.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// In upper case; empty when not recorded.
    pub family: String,
    /// Given names; empty when not recorded.
    pub given: String,
    /// `943 476 5919`; empty when not recorded.
    pub nhs_number: String,
    /// `DD-Mmm-YYYY`; empty when not recorded.
    pub born: String,
    /// Where the person lives, in one line.
    pub place: Option<String>,
    /// The CPR answer in one line, with who and when.
    pub cpr: String,
    /// Decisions of some section contradict each other.
    pub in_conflict: bool,
    /// How many alerts, those that only note something left out.
    pub alerts: u32,
    /// Status, as the set of statuses names it.
    pub status: &'static str,
    /// `DD-Mmm-YYYY`, when the person has died.
    pub died: Option<String>,
    /// Consent is withdrawn, and this device does not show the plan.
    pub locked: bool,
}

/// What a list shows of a plan.
#[must_use]
pub fn summary(view: &PlanView) -> Summary {
    let banner = &view.banner;
    let alerts = view.alerts.iter().filter(|alert| alert.severity != "note").count();
    let cpr = match (&banner.died, view.kind) {
        (Some(died), _) => format!("DECEASED: died {died}"),
        (None, "locked") => "LOCKED: consent is withdrawn".to_owned(),
        (None, _) => cpr(view.section(Section::Cpr)),
    };
    Summary {
        family: banner.family.clone().unwrap_or_default(),
        given: banner.given.clone().unwrap_or_default(),
        nhs_number: banner.nhs_number.clone().unwrap_or_default(),
        born: banner.born.clone().unwrap_or_default(),
        place: place(view.section(Section::Identity)),
        cpr,
        in_conflict: view.sections.iter().any(|section| section.in_conflict),
        alerts: u32::try_from(alerts).unwrap_or(u32::MAX),
        status: view.control.status,
        died: banner.died.clone(),
        locked: view.kind == "locked",
    }
}

fn place(identity: &SectionView) -> Option<String> {
    let words = |key| Some(identity.field(key)?.values.first()?.text.clone());
    let of = |address, postcode| {
        let parts: Vec<String> = [words(address), words(postcode)].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    };
    of("identity.temporary_address", "identity.temporary_postcode")
        .or_else(|| of("identity.address", "identity.postcode"))
}

fn cpr(section: &SectionView) -> String {
    match section.decisions.as_slice() {
        [] => "CPR not documented".to_owned(),
        [one] => {
            let endorsed = if one.endorsed { "endorsed" } else { "not endorsed" };
            format!("{} ({}, {}, {endorsed})", answer(one), one.by.author, one.by.day)
        }
        several => {
            let answers: Vec<String> = several.iter().map(answer).collect();
            format!("CPR IN CONFLICT: {}", answers.join(" / "))
        }
    }
}

fn answer(decision: &DecisionView) -> String {
    let words = |key| Some(decision.field(key)?.values.first()?.text.clone());
    words("cpr.decision").unwrap_or_else(|| "CPR decision without an answer".to_owned())
}
