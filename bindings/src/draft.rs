//! What somebody is about to write into a plan. Nothing of it is in the plan before [`Draft::commit`] returns.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bedside_core::api::{self, App, Compartment, PlanId, Section};

use crate::cross::{Alive, Cross};
use crate::plans::Saved;
use crate::{ApiError, Device};

/// A draft of changes to one plan. Begin it when its author begins to write: a decision replaces those that stood then.
#[derive(uniffi::Object)]
pub struct Draft {
    inner: Mutex<api::Draft<Arc<App>>>,
    _alive: Alive,
}

/// One answer with where it comes from.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct Leaf {
    /// What was answered.
    pub answer: Answer,
    /// Who it was heard from.
    pub heard_from: Source,
    /// When it was last asked again and found to be still so.
    #[uniffi(default = None)]
    pub confirmed: Option<i64>,
}

/// What was answered. That nothing is recorded is the absence of an answer, never "no".
#[derive(uniffi::Enum)]
#[uniffi::export(Debug)]
pub enum Answer {
    /// One of a value set, or words where the set does not fit.
    Coded {
        /// The code, when there is one.
        code: Option<String>,
        /// The code system's URI.
        system: Option<String>,
        /// The code's own words, when they are not the text.
        display: Option<String>,
        /// The answer in words; never empty.
        text: String,
    },
    /// Words.
    Text {
        /// The words; never empty.
        text: String,
    },
    /// A date.
    Date {
        /// ISO 8601: `YYYY-MM-DD`, `YYYY-MM` or `YYYY`.
        iso: String,
    },
    /// A whole number in the unit that the field names.
    Number {
        /// The number.
        number: i64,
    },
    /// Asked, and there is none.
    AskedNone,
    /// Declined to talk about it (SNOMED CT 766391000000108).
    Declined,
    /// Unable to express it (SNOMED CT 517111000000103).
    UnableToExpress,
}

/// Who an answer was heard from.
#[derive(Clone, Copy, Debug, uniffi::Enum)]
pub enum Source {
    /// The person.
    Person,
    /// Somebody who speaks for the person.
    Proxy,
    /// Nobody: it was seen.
    Observed,
    /// Another record.
    Record,
}

/// One field of a decision.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct Decided {
    /// The field's key. Of two with the same key the later counts.
    pub key: String,
    /// Its answer.
    pub leaf: Leaf,
}

/// One part of a plan. What somebody must not read their device does not hold.
#[uniffi::remote(Enum)]
pub enum Compartment {
    /// What everybody with access to the plan reads.
    Shared,
    /// What the person must not see yet, or at all.
    Professional,
    /// How to get into the home, and safeguarding. Shown on demand.
    Restricted,
    /// Who looked. The core writes it.
    AccessRecord,
}

withheld!(Leaf, Answer, Decided);
crosses!(Leaf => api::Leaf { answer, heard_from, confirmed });

impl Cross<api::Source> for Source {
    fn cross(self) -> api::Source {
        self.into()
    }
}

impl From<Source> for api::Source {
    fn from(source: Source) -> Self {
        match source {
            Source::Person => Self::Person,
            Source::Proxy => Self::Proxy,
            Source::Observed => Self::Observed,
            Source::Record => Self::Record,
        }
    }
}

impl Cross<api::Answer> for Answer {
    fn cross(self) -> api::Answer {
        self.into()
    }
}

impl From<Answer> for api::Answer {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Coded { code, system, display, text } => {
                Self::Coded(api::Coded { code, system, display, text })
            }
            Answer::Text { text } => Self::Text(text),
            Answer::Date { iso } => Self::Date(iso),
            Answer::Number { number } => Self::Number(number),
            Answer::AskedNone => Self::AskedNone,
            Answer::Declined => Self::Declined,
            Answer::UnableToExpress => Self::UnableToExpress,
        }
    }
}

impl Draft {
    fn inner(&self) -> MutexGuard<'_, api::Draft<Arc<App>>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[uniffi::export]
impl Draft {
    /// Answers a field that holds one value. The key is `section.field`, or `list/item/field`.
    pub fn set(&self, key: String, leaf: Leaf) -> Result<(), ApiError> {
        Ok(self.inner().set(&key, &leaf.cross())?)
    }

    /// Gives the whole new text of a field that merges as text.
    pub fn set_text(&self, key: String, text: String) -> Result<(), ApiError> {
        Ok(self.inner().set_text(&key, &text)?)
    }

    /// The id for a new item of a list.
    pub fn new_item(&self) -> String {
        self.inner().new_item()
    }

    /// Writes a decision on a section as a whole. It replaces the one that stood when the draft was begun. Of decisions in
    /// conflict it replaces all, and only when `resolve` says that whoever decides has looked at them; so it does with a shared
    /// decision in place of one that is kept from the person.
    pub fn decide(&self, section: Section, fields: Vec<Decided>, resolve: bool) -> Result<(), ApiError> {
        let fields: BTreeMap<_, _> =
            fields.into_iter().map(|Decided { key, leaf }| (key, leaf.cross())).collect();
        Ok(self.inner().decide(section, &fields, resolve)?)
    }

    /// Keeps what is written from here on in another part of the plan: among professionals what the person must not see yet or at
    /// all, restricted an alert about safeguarding. How to get into a home is always restricted.
    ///
    /// Errors: `NotAllowed` for the person and whoever speaks for them.
    pub fn keep_in(&self, compartment: Compartment) -> Result<(), ApiError> {
        Ok(self.inner().keep_in(compartment)?)
    }

    /// It was talked about with the person: the decision on a section that was kept from them becomes a shared one, with these
    /// fields changed. It is a new decision by whoever discloses it, and is endorsed and approved anew.
    ///
    /// Errors: `NotAllowed` when none is kept from the person, when decisions are in conflict, and for a diagnosis or prognosis that
    /// does not say that the person knows it.
    pub fn disclose(&self, section: Section, changed: Vec<Decided>) -> Result<(), ApiError> {
        let changed: BTreeMap<_, _> =
            changed.into_iter().map(|Decided { key, leaf }| (key, leaf.cross())).collect();
        Ok(self.inner().disclose(section, &changed)?)
    }

    /// The same for answers outside decisions: a field's key, or `list/item` for all that is kept of an item.
    ///
    /// Errors: `NotFound` when no such answer is kept from the person; `NotAllowed` where several stand beside each other, or where
    /// the shared plan has a text of its own.
    pub fn disclose_answers(&self, key: String) -> Result<(), ApiError> {
        Ok(self.inner().disclose_answers(&key)?)
    }

    /// Endorses the decision that stands on a section, unchanged.
    pub fn endorse(&self, section: Section) -> Result<(), ApiError> {
        Ok(self.inner().endorse(section)?)
    }

    /// Signs and writes everything, durably, all or nothing. The draft is empty then. After an error nothing was changed, and
    /// the draft holds what it held.
    ///
    /// Errors: `NotAllowed` with the rule that forbids it; `Invalid` when there is nothing to change or too much for one
    /// entry; `FreeSpace`.
    pub fn commit(&self) -> Result<Saved, ApiError> {
        Ok(self.inner().commit()?.cross())
    }
}

#[uniffi::export]
impl Device {
    /// Begins a draft.
    pub fn draft(&self, plan: PlanId) -> Result<Arc<Draft>, ApiError> {
        let inner = Mutex::new(api::Draft::begin(Arc::clone(&self.app), plan)?);
        Ok(Arc::new(Draft { inner, _alive: Alive::counted() }))
    }
}
