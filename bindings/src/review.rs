//! Approving a plan, saying how it stands, and deciding on held entries.

use bedside_core::api::{self, EntryId, PlanId, Section, Stage};

use crate::cross::Cross;
use crate::plans::Saved;
use crate::{ApiError, Device};

/// How a plan as a whole stands, as somebody says.
#[uniffi::remote(Enum)]
pub enum Stage {
    /// A clinician is asked to approve it.
    AwaitingApproval,
    /// A clinician is looking at it again.
    UnderReview,
    /// There should be no such plan.
    EnteredInError,
    /// None of these: an earlier mark is taken back.
    InUse,
}

/// An entry that is kept and was not part of the plan when it came.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct HeldRow {
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
    /// What the entry does, in words.
    pub what: String,
    /// What it says, one answer a line.
    pub says: Vec<String>,
    /// Why it is held.
    pub reason: String,
    /// What became of it.
    pub state: HeldState,
    /// `professional` or `restricted`: kept where the person's device does not hold it. None for what is shared with them.
    #[uniffi(default = None)]
    pub kept_in: Option<String>,
}

/// What became of a held entry.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct HeldState {
    /// `open`, `adopted`, `declined`, or `disputed`: reviewers who did not know of each other said both.
    pub ruling: String,
    /// It is part of the plan now.
    pub in_plan: bool,
    /// What the reviewers said.
    pub reviews: Vec<ReviewRow>,
}

/// A reviewer's word.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct ReviewRow {
    /// The reviewer.
    pub by: String,
    /// Their role.
    pub role: String,
    /// They adopted it.
    pub adopted: bool,
    /// Why.
    pub note: String,
    /// `DD-Mmm-YYYY`.
    pub day: String,
}

withheld!(HeldRow, HeldState, ReviewRow);
crosses!(api::HeldRow => HeldRow { entry, at, author, role, organisation, what, says, reason, state, kept_in });
crosses!(api::HeldState => HeldState { ruling, in_plan, reviews });
crosses!(api::ReviewRow => ReviewRow { by, role, adopted, note, day });

#[uniffi::export]
impl Device {
    /// Approves sections exactly as they were shown; of no section, every one in which anything stands.
    ///
    /// `seen` is the version of the view on the screen. `review_on` is the day of the next review (ISO 8601), three months
    /// ahead at most and by default.
    ///
    /// Errors: `NotAllowed` when the plan has changed since, when decisions are in conflict, and without the right to approve.
    pub fn approve(
        &self,
        plan: PlanId,
        sections: Vec<Section>,
        seen: String,
        review_on: Option<String>,
    ) -> Result<Saved, ApiError> {
        Ok(self.app.approve(plan, &sections, &seen, review_on.as_deref())?.cross())
    }

    /// Asks a clinician to approve the plan.
    pub fn request_approval(&self, plan: PlanId, note: String) -> Result<Saved, ApiError> {
        Ok(self.app.request_approval(plan, &note)?.cross())
    }

    /// Says how the plan as a whole stands.
    pub fn mark(&self, plan: PlanId, stage: Stage, note: String) -> Result<Saved, ApiError> {
        Ok(self.app.mark(plan, stage, &note)?.cross())
    }

    /// Every entry that is or was held, oldest first, with the reason and what became of it.
    pub fn held(&self, plan: PlanId) -> Result<Vec<HeldRow>, ApiError> {
        Ok(self.app.held(plan)?.cross())
    }

    /// Adopts or declines a held entry; its author sees which, and the note.
    ///
    /// Errors: `NotAllowed` with the rule: a reviewer adopts only what they might have written, and nothing of their own.
    pub fn review_held(
        &self,
        plan: PlanId,
        entry: EntryId,
        adopt: bool,
        note: String,
    ) -> Result<Saved, ApiError> {
        Ok(self.app.review_held(plan, entry, adopt, &note)?.cross())
    }
}
