//! A view in another language than British English: the same, every text of it said anew.

use super::control;
use super::locale::Locale;
use super::phrases;
use super::schema::Section;
use super::view::{
    Alert, DecisionView, FieldView, GlassView, ListView, PlanView, ReviewView, SectionView, ValueView,
};

impl PlanView {
    /// The same in a language. What somebody wrote stays as they wrote it.
    #[must_use]
    pub fn in_language(mut self, locale: &Locale) -> Self {
        self.banner = self.banner.in_language(locale);
        if let Some(GlassView { text, until, .. }) = &mut self.glass {
            *text = phrases::glass(locale, until);
        }
        self.as_of.text = phrases::as_of_view(locale, self.kind, &self.as_of);
        self.control.status_text = control::status_text(locale, self.control.status);
        self.alerts = self.alerts.into_iter().map(|alert| alert.in_language(locale)).collect();
        for consent in &mut self.consents {
            consent.text = phrases::consent(locale, consent);
        }
        self.sections.iter_mut().for_each(|section| say_section(section, locale));
        if let Some(control) = self.sections.first_mut().filter(|control| !control.fields.is_empty()) {
            control.fields = control::fields(&self.control, locale);
        }
        self
    }
}

fn say_section(section: &mut SectionView, locale: &Locale) {
    if let Some(known) = Section::from_number(section.number) {
        section.title = locale.section(known);
    }
    section.fields.iter_mut().for_each(|field| say_field(field, locale));
    section.lists.iter_mut().for_each(|list| say_list(list, locale));
    for DecisionView { fields, lists, .. } in &mut section.decisions {
        fields.iter_mut().for_each(|field| say_field(field, locale));
        lists.iter_mut().for_each(|list| say_list(list, locale));
    }
    section.review = ReviewView { text: phrases::review(locale, &section.review), ..section.review.clone() };
}

fn say_list(list: &mut ListView, locale: &Locale) {
    let fields = list.items.iter_mut().flat_map(|item| &mut item.fields);
    fields.for_each(|field| say_field(field, locale));
}

fn say_field(field: &mut FieldView, locale: &Locale) {
    field.label = phrases::label(locale, field);
    for value in &mut field.values {
        value.text = phrases::value(locale, &field.key, value);
    }
}

impl ValueView {
    /// An answer to a field in a language.
    #[must_use]
    pub fn in_language(self, key: &str, locale: &Locale) -> Self {
        Self { text: phrases::value(locale, key, &self), ..self }
    }
}

impl Alert {
    pub(super) fn in_language(self, locale: &Locale) -> Self {
        let id = self.message();
        let (text, action) = (locale.say(&id, &self.args), locale.action(&id, &self.args));
        Self { text, action, ..self }
    }
}
