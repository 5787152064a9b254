//! Lists of work. Caseload, visits and what was looked at are the person's own and stay on this device.

use bedside_core::api::{self, PageKey, PlanId, VisitId, Worklist};

use crate::cross::Cross;
use crate::plans::PlanRow;
use crate::{ApiError, Device};

/// A list of plans.
#[uniffi::remote(Enum)]
pub enum Worklist {
    /// Plans that this device's person has taken on, and those that name them as key worker; by name.
    Caseload,
    /// Visits to do today, and those of earlier days that were not done; by day and time.
    Visits,
    /// Somebody asked for approval, or what was approved has changed; who asked comes first, then the oldest.
    Approval,
    /// Reviews that are overdue or due within two weeks; by day.
    Reviews,
    /// Decisions contradict each other; the longest in conflict first.
    InConflict,
    /// Entries are held; the longest held first.
    Held,
    /// Others wrote in them since this device's person looked; newest first.
    Changed,
    /// Every plan on this device; by name.
    All,
}

/// A page of a list.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct WorklistPage {
    /// The rows.
    pub rows: Vec<WorklistRow>,
    /// Where the next page begins; none after the last.
    pub next: Option<PageKey>,
}

/// A plan in a list, and why it is there.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct WorklistRow {
    /// The plan.
    pub plan: PlanRow,
    /// Why it is in the list, for people; empty in the list of all.
    pub why: String,
    /// The visit, in a list of visits.
    pub visit: Option<Visit>,
}

/// How long the lists are.
#[derive(Debug, uniffi::Record)]
pub struct WorklistCounts {
    /// Plans taken on.
    pub caseload: u64,
    /// Visits to do today, and those of earlier days that were not done.
    pub visits: u64,
    /// Plans that wait for approval; none for somebody who may not approve.
    pub approval: Option<u64>,
    /// Reviews that are due.
    pub reviews: u64,
    /// Of these: overdue.
    pub reviews_overdue: u64,
    /// Plans in conflict.
    pub in_conflict: u64,
    /// Plans with held entries; none for somebody who may not decide on them.
    pub held: Option<u64>,
    /// Plans that changed since somebody looked.
    pub changed: u64,
    /// Plans on this device.
    pub all: u64,
}

/// A visit that this device's person plans for themself.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct Visit {
    /// Which.
    pub id: VisitId,
    /// To whom.
    pub plan: PlanId,
    /// YYYY-MM-DD, in the United Kingdom.
    pub day: String,
    /// HH:MM; none for some time that day.
    pub time: Option<String>,
    /// What for; may be empty.
    pub note: String,
    /// When it was marked as done.
    pub done_at: Option<i64>,
}

/// A visit to be planned.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct NewVisit {
    /// YYYY-MM-DD.
    pub day: String,
    /// HH:MM, in 24 hours; none for some time that day.
    pub time: Option<String>,
    /// What for; may be empty.
    pub note: String,
}

withheld!(WorklistPage, WorklistRow, Visit, NewVisit);
crosses!(api::WorklistPage => WorklistPage { rows, next });
crosses!(api::WorklistRow => WorklistRow { plan, why, visit });
crosses!(api::WorklistCounts => WorklistCounts {
    caseload, visits, approval, reviews, reviews_overdue, in_conflict, held, changed, all,
});
crosses!(api::Visit => Visit { id, plan, day, time, note, done_at });
crosses!(NewVisit => api::NewVisit { day, time, note });

#[uniffi::export]
impl Device {
    /// A page of at most `limit` rows (200 at most) of a list; after none: the first.
    ///
    /// Errors: `NotAllowed` for a list of what somebody else has to do.
    pub fn worklist(
        &self,
        list: Worklist,
        after: Option<PageKey>,
        limit: u32,
    ) -> Result<WorklistPage, ApiError> {
        Ok(self.app.worklist(list, after.as_ref(), limit.cross())?.cross())
    }

    /// How long every list is, for a home screen.
    pub fn worklist_counts(&self) -> Result<WorklistCounts, ApiError> {
        Ok(self.app.worklist_counts()?.cross())
    }

    /// Takes a plan on: it is in the caseload from now on.
    pub fn take_on(&self, plan: PlanId) -> Result<(), ApiError> {
        Ok(self.app.take_on(plan)?)
    }

    /// Hands a plan back: it is in the caseload no longer.
    ///
    /// Errors: `NotAllowed` when the plan names this device's person as key worker.
    pub fn hand_back(&self, plan: PlanId) -> Result<(), ApiError> {
        Ok(self.app.hand_back(plan)?)
    }

    /// Plans a visit.
    pub fn plan_visit(&self, plan: PlanId, visit: NewVisit) -> Result<VisitId, ApiError> {
        Ok(self.app.plan_visit(plan, visit.cross())?)
    }

    /// Marks a visit as done, or as not done after all.
    pub fn mark_visit(&self, visit: VisitId, done: bool) -> Result<(), ApiError> {
        Ok(self.app.mark_visit(visit, done)?)
    }

    /// Takes a visit off the list.
    pub fn cancel_visit(&self, visit: VisitId) -> Result<(), ApiError> {
        Ok(self.app.cancel_visit(visit)?)
    }

    /// A page of the visits of a day (YYYY-MM-DD), done ones included; of no day: all that are not done.
    pub fn visits(
        &self,
        day: Option<String>,
        after: Option<PageKey>,
        limit: u32,
    ) -> Result<WorklistPage, ApiError> {
        Ok(self.app.visits(day.as_deref(), after.as_ref(), limit.cross())?.cross())
    }
}
