//! The person's own words before they have a plan: a notebook on their device, shared with nobody.

use bedside_core::api::{self, PlanId};

use crate::cross::Cross;
use crate::draft::Leaf;
use crate::plans::Saved;
use crate::{ApiError, Device};

/// One answer in the notebook.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct NotebookRow {
    /// The field's key, as in a plan.
    pub key: String,
    /// As people read it.
    pub label: String,
    /// What it says, in words.
    pub text: String,
    /// When it was written.
    pub at: i64,
}

/// What came of handing a notebook over.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct HandedOver {
    /// What was saved in the plan.
    pub saved: Saved,
    /// What stays in the notebook: the plan says something else there.
    pub left: Vec<NotebookRow>,
}

withheld!(NotebookRow, HandedOver);
crosses!(api::NotebookRow => NotebookRow { key, label, text, at });
crosses!(api::HandedOver => HandedOver { saved, left });

#[uniffi::export]
impl Device {
    /// Everything in the notebook, by key.
    pub fn notebook(&self) -> Result<Vec<NotebookRow>, ApiError> {
        Ok(self.app.notebook()?.cross())
    }

    /// Notes the answer to a field of the person's own, in place of what was noted there.
    ///
    /// Errors: `Invalid` as for a plan; `NotAllowed` for a field that is not the person's, and on a care team's device.
    pub fn note(&self, key: String, leaf: Leaf) -> Result<(), ApiError> {
        Ok(self.app.note(&key, &leaf.cross())?)
    }

    /// Notes the whole text of a field that merges as text.
    pub fn note_text(&self, key: String, text: String) -> Result<(), ApiError> {
        Ok(self.app.note_text(&key, &text)?)
    }

    /// Takes an answer out of the notebook.
    pub fn forget_note(&self, key: String) -> Result<(), ApiError> {
        Ok(self.app.forget_note(&key)?)
    }

    /// Writes the notebook into the person's plan, as their own words, and empties it: all of that or nothing.
    ///
    /// A text is put after what the plan says already. Of a field that holds one value and says something else in the plan,
    /// the note is written only with `replace`; else it stays, and is named.
    ///
    /// Errors: `NotFound` when there is no such plan or nothing to hand over; `NotAllowed`.
    pub fn hand_over(&self, plan: PlanId, replace: bool) -> Result<HandedOver, ApiError> {
        Ok(self.app.hand_over(plan, replace)?.cross())
    }
}
