//! How a plan came to be what it is.

use bedside_core::api::{self, EntryId, PlanId};

use crate::cross::Cross;
use crate::plans::Saved;
use crate::review::HeldState;
use crate::view::PlanView;
use crate::{ApiError, Device};

/// One entry of a plan's history.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct HistoryRow {
    /// The entry.
    pub entry: String,
    /// The author's device clock.
    pub at: i64,
    /// The last time that a relay had told the author's device; none when it had never met one.
    pub relay_at: Option<i64>,
    /// The author.
    pub author: String,
    /// Their role.
    pub role: String,
    /// Their organisation.
    pub organisation: Option<String>,
    /// What the entry does, in words.
    pub what: String,
    /// Why it is held; absent when it stands, or was adopted.
    pub held: Option<String>,
    /// What became of it, when it was held and somebody decided.
    pub review: Option<HeldState>,
    /// Saved, sent, seen.
    pub receipts: ReceiptState,
    /// `professional` or `restricted`: kept where the person's device does not hold it. None for what is shared with them.
    #[uniffi(default = None)]
    pub kept_in: Option<String>,
}

/// How far an entry has got.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct ReceiptState {
    /// The relay has it, durably. Always so for what came from others.
    pub sent: bool,
    /// Names of the readers whose devices hold it.
    pub seen_by: Vec<String>,
    /// Why the relay refused it.
    pub refused: Option<String>,
}

/// One time that a field was written.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct FieldHistoryRow {
    /// The entry.
    pub entry: String,
    /// The author's device clock.
    pub at: i64,
    /// The author.
    pub author: String,
    /// Their role.
    pub role: String,
    /// Their organisation.
    pub organisation: Option<String>,
    /// The consent or other basis on which it was written.
    pub basis: Option<String>,
    /// Who it was heard from; none for a text.
    pub heard_from: Option<String>,
    /// What stood before; empty when nothing was recorded.
    pub before: Vec<String>,
    /// What stood after; several when answers stood beside each other.
    pub after: Vec<String>,
    /// Why it is held; absent when it is part of the plan.
    pub held: Option<String>,
    /// `professional` or `restricted`: kept where the person's device does not hold it. None for what is shared with them.
    #[uniffi(default = None)]
    pub kept_in: Option<String>,
}

/// One thing that differs between two moments.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct Difference {
    /// The section's title.
    pub section: String,
    /// The field's key; of decisions that came or went, the section's name.
    pub key: String,
    /// The field's label.
    pub label: String,
    /// What stood before; several when they stood beside each other.
    pub before: Vec<String>,
    /// What stands after.
    pub after: Vec<String>,
    /// For people.
    pub text: String,
}

/// A moment of a plan's past.
#[derive(Debug, uniffi::Enum)]
pub enum At {
    /// After an entry, as its author knew the plan.
    Entry {
        /// The entry.
        entry: EntryId,
    },
    /// By the clocks of the authors' devices.
    Time {
        /// When.
        at: i64,
    },
}

withheld!(HistoryRow, ReceiptState, FieldHistoryRow, Difference);
crosses!(api::HistoryRow => HistoryRow {
    entry, at, relay_at, author, role, organisation, what, held, review, receipts, kept_in,
});
crosses!(api::ReceiptState => ReceiptState { sent, seen_by, refused });
crosses!(api::FieldHistoryRow => FieldHistoryRow {
    entry, at, author, role, organisation, basis, heard_from, before, after, held, kept_in,
});
crosses!(api::Difference => Difference { section, key, label, before, after, text });

impl From<At> for api::At {
    fn from(at: At) -> Self {
        match at {
            At::Entry { entry } => Self::Entry(entry),
            At::Time { at } => Self::Time(at.cross()),
        }
    }
}

#[uniffi::export]
impl Device {
    /// Every entry of a plan, oldest first.
    pub fn history(&self, plan: PlanId) -> Result<Vec<HistoryRow>, ApiError> {
        Ok(self.app.history(plan)?.cross())
    }

    /// Every time that a field was written, oldest first, held ones included.
    pub fn field_history(&self, plan: PlanId, key: String) -> Result<Vec<FieldHistoryRow>, ApiError> {
        Ok(self.app.field_history(plan, &key)?.cross())
    }

    /// The plan as it stood at a moment of its past.
    pub fn plan_at(&self, plan: PlanId, at: At) -> Result<PlanView, ApiError> {
        Ok(self.app.plan_at(plan, at.into())?.cross())
    }

    /// What changed from one moment to another, or to now, in words.
    pub fn differences(&self, plan: PlanId, from: At, to: Option<At>) -> Result<Vec<Difference>, ApiError> {
        Ok(self.app.differences(plan, from.into(), to.map(At::into))?.cross())
    }

    /// Takes back the last change that this device's person made to the plan's fields, by a new change. Undoing that does the
    /// change again.
    ///
    /// Errors: `NotAllowed` when somebody has changed the same field since.
    pub fn undo(&self, plan: PlanId) -> Result<Saved, ApiError> {
        Ok(self.app.undo(plan)?.cross())
    }
}
