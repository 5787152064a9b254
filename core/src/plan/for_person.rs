//! What of a plan the person is not shown. Everything that is made for them goes through here.

use super::kept::without_professional;
use super::schema::Section;
use super::view::{FieldView, PlanView, ReviewView};

/// Without what the person must not see: what professionals keep among themselves, people who are not to be shown to them, and an illness or an outlook that they
/// are not known to be aware of. What says how to treat them stays: whoever stands at the bedside may act by it.
#[must_use]
pub fn for_person(plan: PlanView) -> PlanView {
    let mut plan = PlanView { shared_only: true, ..without_professional(plan) };
    let yes = |fields: &[FieldView], key: &str| says(fields, key, |code| code == Some("yes"));
    for (section, aware) in
        [(Section::Diagnoses, "diagnoses.person_aware"), (Section::Prognosis, "prognosis.person_aware")]
    {
        let shown = &mut plan.sections[usize::from(section.number())];
        if !shown.decisions.iter().all(|decision| yes(&decision.fields, aware)) {
            shown.decisions.clear();
            (shown.in_conflict, shown.review) = (false, ReviewView::new("empty", None));
        }
    }
    for list in &mut plan.sections[usize::from(Section::Contacts.number())].lists {
        list.items.retain(|item| {
            let key = format!("contact/{}/show_to_person", item.id);
            item.fields.iter().all(|field| field.key != key) || yes(&item.fields, &key)
        });
    }
    plan.alerts.retain(|alert| alert.kind != "duplicate-contact");
    plan
}

/// True when a field is answered and every answer's code is one of these.
fn says(fields: &[FieldView], key: &str, wanted: impl Fn(Option<&str>) -> bool) -> bool {
    let field = fields.iter().find(|field| field.key == key);
    field.is_some_and(|field| field.values.iter().all(|value| wanted(value.code.as_deref())))
}
