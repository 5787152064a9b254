//! The questions of a plan, for forms.

use bedside_core::api::{self, Class, Code, FIELDS, Section};

use crate::cross::Cross;
use crate::draft::Answer;

/// One heading of the plan.
#[uniffi::remote(Enum)]
pub enum Section {
    /// The plan itself: status, dates, who approved.
    Control,
    /// Identity.
    Identity,
    /// GP and care team.
    CareTeam,
    /// Contacts.
    Contacts,
    /// Communication, adjustments, disability.
    Communication,
    /// Home and access.
    Home,
    /// What matters to the person.
    WhatMatters,
    /// Preferred places.
    Preferences,
    /// Diagnoses.
    Diagnoses,
    /// Prognosis.
    Prognosis,
    /// Function.
    Function,
    /// Allergies and medicines.
    Medicines,
    /// Symptoms and what to do.
    Symptoms,
    /// Escalation of treatment.
    Escalation,
    /// Resuscitation.
    Cpr,
    /// Legal documents.
    Legal,
    /// Capacity.
    Capacity,
    /// Alerts.
    Alerts,
    /// Attachments.
    Attachments,
    /// After death.
    AfterDeath,
}

/// A heading, for people and for forms.
#[derive(Debug, uniffi::Record)]
pub struct SectionInfo {
    /// Which.
    pub section: Section,
    /// Its name in views.
    pub name: String,
    /// As people read it.
    pub title: String,
    /// It is written as decisions, each of which stands or falls as a whole.
    pub decided: bool,
    /// A senior clinician endorses its decisions.
    pub endorsed: bool,
}

/// One question of the plan.
#[derive(uniffi::Record)]
pub struct FieldInfo {
    /// `section.field`; of the items of a list `list/item/field`, with a star in place of the item: put its id there.
    pub key: String,
    /// The heading it stands under.
    pub section: Section,
    /// Who has a say in it.
    pub class: FieldClass,
    /// What the answer looks like.
    pub kind: FieldKind,
    /// As people read it.
    pub label: String,
    /// The list whose items have this field.
    pub list: Option<String>,
    /// For a text: the key under which it is declined, has no answer, or could not be expressed.
    pub answer_key: Option<String>,
    /// For a fact from elsewhere: the key under which somebody here corrects it.
    pub correction_key: Option<String>,
}

/// Who has a say in a field.
#[derive(Clone, Copy, Debug, uniffi::Enum)]
pub enum FieldClass {
    /// The person's own words.
    Person,
    /// Shared by staff.
    Shared,
    /// A clinical decision.
    Clinical,
    /// A legal fact, recorded by a clinician who saw the document.
    Legal,
    /// A fact from the demographics service or the GP's record.
    Elsewhere,
    /// Derived, never typed.
    Derived,
}

/// What an answer looks like.
#[derive(uniffi::Enum)]
pub enum FieldKind {
    /// Words that merge as text: written by `set_text`.
    Text,
    /// Words that stand or fall as one value: a name, a number to call.
    Line,
    /// One of a set, or words where none fits.
    One {
        /// The set, in the order in which it is offered.
        choices: Vec<Choice>,
    },
    /// ISO 8601, to the day, month or year.
    Date,
    /// A whole number between two bounds, both included, in steps from the lower.
    Number {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
        /// Distance between two allowed numbers.
        step: i64,
    },
}

/// One of a set.
#[derive(uniffi::Record)]
pub struct Choice {
    /// A short English name that never changes.
    pub token: String,
    /// As people read it.
    pub words: String,
    /// What is written when it is chosen.
    pub answer: Answer,
}

impl From<Section> for SectionInfo {
    fn from(section: Section) -> Self {
        Self {
            section,
            name: section.name().to_owned(),
            title: section.title().to_owned(),
            decided: section.is_decision(),
            endorsed: section.is_endorsed(),
        }
    }
}

impl From<&'static api::Field> for FieldInfo {
    fn from(field: &'static api::Field) -> Self {
        Self {
            key: field.key.to_owned(),
            section: field.section,
            class: field.class.into(),
            kind: field.kind.into(),
            label: field.label.to_owned(),
            list: field.list().cross(),
            answer_key: field.answer_key(),
            correction_key: field.correction_key(),
        }
    }
}

impl From<Class> for FieldClass {
    fn from(class: Class) -> Self {
        match class {
            Class::P => Self::Person,
            Class::S => Self::Shared,
            Class::C => Self::Clinical,
            Class::L => Self::Legal,
            Class::X => Self::Elsewhere,
            Class::A => Self::Derived,
        }
    }
}

impl From<api::Kind> for FieldKind {
    fn from(kind: api::Kind) -> Self {
        match kind {
            api::Kind::Text => Self::Text,
            api::Kind::Line => Self::Line,
            api::Kind::One(set) => Self::One { choices: api::choices(set).map(Choice::from).collect() },
            api::Kind::Date => Self::Date,
            api::Kind::Number { min, max, step } => Self::Number { min, max, step },
        }
    }
}

impl From<&'static Code> for Choice {
    fn from(code: &'static Code) -> Self {
        Self {
            token: code.token.to_owned(),
            words: code.display.to_owned(),
            answer: Answer::Coded {
                code: Some(code.code.to_owned()),
                system: Some(code.system.uri().to_owned()),
                display: None,
                text: code.display.to_owned(),
            },
        }
    }
}

/// Every heading, in the order in which they are shown.
#[uniffi::export]
pub fn sections() -> Vec<SectionInfo> {
    Section::ALL.into_iter().map(SectionInfo::from).collect()
}

/// Every question of the plan, in the order in which they are shown. The same for every plan: ask once.
#[uniffi::export]
pub fn fields() -> Vec<FieldInfo> {
    FIELDS.iter().map(FieldInfo::from).collect()
}
