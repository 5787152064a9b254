//! What a view says is there and does not say; how it is revealed; what is left of a plan that is locked; and the mark of broken
//! glass.

use bedside_protocol::entry::Compartment;
use bedside_protocol::ids::Timestamp;

use super::dates;
use super::kept::{answers_beside, mark};
use super::locale::Locale;
use super::phrases;
use super::schema::{self, Field, Part};
use super::view::{Alert, Answers, GlassView, Material, PlanView, ReviewView, ValueView, leaves, values};

/// What is shown to whoever may not read the plan since consent was withdrawn: who it is about, and that.
#[must_use]
pub fn locked(mut plan: PlanView) -> PlanView {
    plan.kind = "locked";
    plan.consents.retain(|consent| consent.outcome == "withdrawn");
    plan.alerts.retain(|alert| matches!(alert.kind, "consent-withdrawn" | "deceased"));
    for section in &mut plan.sections {
        (section.fields, section.lists, section.decisions) = Default::default();
        section.in_conflict = false;
        section.review = ReviewView::new("empty", None);
    }
    (plan.held, plan.unreadable) = (0, 0);
    plan.control = plan.control.without_people();
    plan
}

/// Puts the mark of broken glass on a view, before every other alert.
#[must_use]
pub fn opened(mut plan: PlanView, glass: GlassView) -> PlanView {
    let until =
        glass.until.as_deref().and_then(dates::from_rfc3339).map_or_else(String::new, dates::show_minute);
    let told = vec![("until", until.into()), ("why", (&glass.why).into())];
    plan.alerts.insert(0, Alert::new("danger", "break-glass", told));
    plan.glass = Some(glass);
    plan
}

impl GlassView {
    /// Broken on a ground, in somebody's words, until a moment.
    #[must_use]
    pub fn new(reason: &'static str, why: String, until: Timestamp) -> Self {
        let until = dates::rfc3339(until);
        Self { reason, why, text: phrases::glass(Locale::british_english(), &until), until }
    }
}

/// Reads a field that views withhold, such as the key-safe code. The caller records that it was revealed.
#[must_use]
pub fn reveal(material: &Material<'_>, key: &str) -> Vec<ValueView> {
    let (Some((field, part)), Some(restricted)) = (schema::field(key), material.restricted) else {
        return Vec::new();
    };
    match part {
        Part::Main => values(material, restricted, field, key),
        Part::Answer | Part::Correction => leaves(material, restricted, key),
    }
}

/// Of what is restricted a view shows that it is there.
pub(super) fn restricted(material: &Material<'_>, found: &mut Answers) {
    let Some(document) = material.restricted else { return };
    let kept_in = mark(Compartment::Restricted);
    for (key, values) in answers_beside(material, document) {
        let values = values.into_iter().map(|value| ValueView { kept_in, ..withhold(value) });
        found.entry(key).or_default().extend(values);
    }
}

pub(super) fn withheld(field: &Field) -> bool {
    field.key == "home.key_safe"
}

pub(super) fn withhold(value: ValueView) -> ValueView {
    ValueView {
        text: Locale::british_english().say("answer-withheld", &[]),
        answer: "withheld",
        code: None,
        system: None,
        date: None,
        ..value
    }
}
