//! Who looked at a plan, what is shown on request only, and looking without consent.

use bedside_core::api::{self, PlanId, Reason};

use crate::cross::Cross;
use crate::sync::Cancel;
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

/// What is out of the ordinary among the looks that this device knows of.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct Oversight {
    /// What was opened without consent, then everything else, the newest first; at most 1,000 rows.
    pub rows: Vec<OversightRow>,
    /// How many rows there are beyond these.
    pub more: u32,
    /// How many plans were gone through.
    pub plans: u32,
    /// The relay's clock at the last contact: newer looks may not be here yet.
    pub last_contact: Option<i64>,
}

/// A look that is out of the ordinary, and why.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct OversightRow {
    /// `break-glass`; `not-valid`: its author's credential was not; `copy`: the plan was taken out as a file; `many-plans`:
    /// more than forty on one day, and the row has the newest look of that day.
    pub why: String,
    /// In words, for people.
    pub why_text: String,
    /// The plan.
    pub plan: PlanId,
    /// Family name in upper case; empty when not recorded.
    pub family: String,
    /// Given names; empty when not recorded.
    pub given: String,
    /// Ten digits.
    pub nhs_number: String,
    /// The look.
    pub look: AccessRow,
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

withheld!(AccessRow, Oversight, OversightRow);
crosses!(api::Oversight => Oversight { rows, more, plans, last_contact });
crosses!(api::OversightRow => OversightRow { why, why_text, plan, family, given, nhs_number, look });
crosses!(api::AccessRow => AccessRow {
    at, author, role, organisation, act, what, reason, why, text, waiting, held,
});

#[uniffi::export]
impl Device {
    /// Who looked at the plan, the newest first; at most 1,000 looks. The person may read it, and so may their care team.
    pub fn access_record(&self, plan: PlanId) -> Result<Vec<AccessRow>, ApiError> {
        Ok(self.app.access_record(plan)?.cross())
    }

    /// What is out of the ordinary among the looks at all plans since a moment, for a privacy officer. Goes through every plan
    /// that this device holds, which takes milliseconds for each.
    ///
    /// Errors: `NotAllowed` for everybody else; `Cancelled`.
    pub fn oversight(&self, since: i64, cancel: &Cancel) -> Result<Oversight, ApiError> {
        Ok(self.app.oversight(since.cross(), &cancel.inner)?.cross())
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
