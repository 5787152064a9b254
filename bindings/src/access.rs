//! Who looked at a plan, what is shown on request only, and looking without consent.

use bedside_core::api::{self, PlanId, Reason};

use crate::cross::Cross;
use crate::view::ValueView;
use crate::{ApiError, Device};

/// One look at a plan.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct AccessRow {
    /// The clock of the device.
    pub at: i64,
    /// Who.
    pub author: String,
    /// Their role.
    pub role: String,
    /// Their organisation.
    pub organisation: Option<String>,
    /// `view`, `reveal`, `print`, `export` or `break-glass`.
    pub act: String,
    /// Of what: a field's key or an export's format; none for the plan as a whole.
    pub what: Option<String>,
    /// `emergency-treatment`, `safeguarding` or `legal-duty`, where a reason was asked for.
    pub reason: Option<String>,
    /// The reason in words.
    pub why: Option<String>,
    /// In words, for people.
    pub text: String,
    /// It is this device's, and in no signed entry yet.
    pub waiting: bool,
    /// Why it does not count: its author's credential was not valid for it, or it does not fit the plan.
    pub held: Option<String>,
}

/// On what ground somebody looks without consent.
#[uniffi::remote(Enum)]
pub enum Reason {
    /// Treatment that cannot wait.
    EmergencyTreatment,
    /// Somebody is in danger.
    Safeguarding,
    /// A court or a law requires it.
    LegalDuty,
}

withheld!(AccessRow);
crosses!(api::AccessRow => AccessRow {
    at, author, role, organisation, act, what, reason, why, text, waiting, held,
});

#[uniffi::export]
impl Device {
    /// Who looked at the plan, the newest first; at most 1,000 looks. The person may read it, and so may their care team.
    pub fn access_record(&self, plan: PlanId) -> Result<Vec<AccessRow>, ApiError> {
        Ok(self.app.access_record(plan)?.cross())
    }

    /// What views withhold, such as the key-safe code. That it was revealed is recorded before it is.
    ///
    /// Errors: `Invalid` for a field that is not withheld.
    pub fn reveal(&self, plan: PlanId, key: String) -> Result<Vec<ValueView>, ApiError> {
        Ok(self.app.reveal(plan, &key)?.cross())
    }

    /// Opens a plan that is locked because consent was withdrawn, for this device's person and an hour. It is recorded before
    /// anything is shown, every view says so, and the person can read it.
    ///
    /// Errors: `NotAllowed` for roles that may not, and for a plan that is not locked; `Invalid` without a reason in words.
    pub fn break_glass(&self, plan: PlanId, reason: Reason, text: String) -> Result<(), ApiError> {
        Ok(self.app.break_glass(plan, reason, &text)?)
    }
}
