//! What a view says is there and does not say; how it is revealed; and the mark of broken glass.

use bedside_protocol::ids::Timestamp;

use super::dates;
use super::locale::Locale;
use super::phrases;
use super::schema::{self, Field, Part};
use super::view::{Alert, Answers, GlassView, Material, PlanView, ValueView, leaves, values};

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
    for key in document.keys() {
        let (main, values) = match schema::field(&key) {
            Some((field, Part::Main)) => (key.clone(), values(material, document, field, &key)),
            Some((field, _)) => (field.key.to_owned(), leaves(material, document, &key)),
            None => (key.clone(), leaves(material, document, &key)),
        };
        found.entry(main).or_default().extend(values.into_iter().map(withhold));
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
