//! How a plan as a whole stands: section 0, derived and never typed.

use bedside_protocol::entry::{Outcome, Scope, Stage};
use serde::Serialize;

use super::approval::first_and_latest;
use super::banner::Banner;
use super::codes::{self, Set};
use super::dates::{self, Partial};
use super::locale::Locale;
use super::phrases;
use super::view::{By, FieldView, Material, SectionView, ValueView, by};
use crate::limits::REVIEW_MONTHS_MAX;
use crate::plan::schema;

/// How a plan as a whole stands.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct ControlView {
    /// Token of the set of statuses.
    pub status: &'static str,
    /// For people.
    pub status_text: String,
    /// Why, when somebody asked for approval or review or said that the plan was entered in error.
    pub reason: Option<String>,
    /// Who did.
    pub marked_by: Option<By>,
    /// ISO 8601, the day in the United Kingdom.
    pub created: Option<String>,
    /// ISO 8601, the day in the United Kingdom.
    pub amended: Option<String>,
    /// ISO 8601: the plan is looked at again on this day at the latest.
    pub review_date: Option<String>,
    /// Who looks at it: the latest approver.
    pub reviewer: Option<String>,
    /// Who first approved any of it.
    pub first_approver: Option<By>,
    /// Who last did.
    pub latest_approver: Option<By>,
}

pub(super) fn control(material: &Material<'_>, sections: &[SectionView], banner: &Banner) -> ControlView {
    let status = status(material, sections, banner);
    let mark = material.course.mark.as_ref().filter(|(stage, ..)| *stage != Stage::InUse);
    let iso = |time| dates::day(time).map(Partial::iso);
    let (first, latest) = first_and_latest(material);
    ControlView {
        status,
        status_text: status_text(Locale::british_english(), status),
        reason: mark.map(|(_, note, _)| note.clone()).filter(|note| !note.is_empty()),
        marked_by: mark.map(|(_, _, provenance)| by(provenance)),
        created: material.course.created.and_then(iso),
        amended: material.course.amended.and_then(iso),
        review_date: review_date(material).map(Partial::iso),
        reviewer: latest.map(|approval| approval.by.author.clone()),
        first_approver: first.map(|approval| by(&approval.by)),
        latest_approver: latest.map(|approval| by(&approval.by)),
    }
}

fn status(material: &Material<'_>, sections: &[SectionView], banner: &Banner) -> &'static str {
    let stage = material.course.mark.as_ref().map(|(stage, ..)| *stage);
    let withdrawn = |scope, outcome| scope == Scope::Record && outcome == Outcome::Withdrawn;
    let states = || sections.iter().skip(1).map(|section| section.review.state);
    if banner.deceased {
        return "deceased";
    }
    match stage {
        Some(Stage::EnteredInError) => return "entered-in-error",
        _ if material.consents.iter().any(|c| withdrawn(c.scope, c.outcome)) => return "withdrawn",
        Some(Stage::UnderReview) => return "under-review",
        Some(Stage::AwaitingApproval) => return "awaiting-approval",
        Some(Stage::InUse) | None => {}
    }
    match (material.approvals.is_empty(), material.course.created) {
        (false, _) if states().all(|state| matches!(state, "approved" | "empty")) => "approved",
        (false, _) => "approved-changed",
        (true, None) => "not-started",
        (true, Some(_)) if material.course.by_person => "started-by-person",
        (true, Some(_)) => "draft",
    }
}

fn review_date(material: &Material<'_>) -> Option<Partial> {
    let (_, latest) = first_and_latest(material);
    let chosen = latest.and_then(|approval| Partial::parse(approval.review_on.as_deref()?));
    let from = latest.map(|approval| approval.by.time).or(material.course.created)?;
    chosen.or_else(|| dates::day(from)?.plus_months(REVIEW_MONTHS_MAX))
}

/// A status in words.
pub(super) fn status_text(locale: &Locale, status: &str) -> String {
    codes::find(Set::PlanStatus, status).map_or_else(String::new, |code| locale.code(code))
}

/// Section 0 as fields, for whoever shows every section alike.
pub(super) fn fields(control: &ControlView, locale: &Locale) -> Vec<FieldView> {
    let signed = |by: &By| phrases::signed(locale, by);
    let day = |key, iso: &Option<String>| {
        let iso = iso.clone()?;
        let text = Partial::parse(&iso).map(Partial::show)?;
        Some((key, ValueView { date: Some(iso), ..ValueView::derived("date", text) }))
    };
    let words = |key, text: Option<String>| Some((key, ValueView::derived("text", text?)));
    let status = codes::find(Set::PlanStatus, control.status).map(|code| ValueView {
        code: Some(code.code.to_owned()),
        system: Some(code.system.uri().to_owned()),
        ..ValueView::derived("coded", locale.code(code))
    });
    // Of a plan that was not begun nothing is known, not even that it is a plan.
    let status = status.filter(|_| control.status != "not-started");
    let all = [
        status.map(|value| ("control.status", value)),
        day("control.created", &control.created),
        day("control.amended", &control.amended),
        day("control.review_date", &control.review_date),
        words("control.reviewer", control.reviewer.clone()),
        words("control.first_approver", control.first_approver.as_ref().map(signed)),
        words("control.latest_approver", control.latest_approver.as_ref().map(signed)),
    ];
    all.into_iter()
        .flatten()
        .map(|(key, value)| {
            let label = schema::field(key).map(|(field, _)| locale.field(field)).unwrap_or_default();
            FieldView { key: key.to_owned(), label, values: vec![value] }
        })
        .collect()
}

impl ControlView {
    /// The status alone.
    pub(super) fn without_people(self) -> Self {
        Self {
            reason: None,
            marked_by: None,
            reviewer: None,
            first_approver: None,
            latest_approver: None,
            ..self
        }
    }
}
