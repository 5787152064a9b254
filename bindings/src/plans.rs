//! Plans: lists, search, starting one, consent, sharing.

use bedside_core::api::{self, EntryId, Outcome, PageKey, PlanId, Scope};

use crate::cross::Cross;
use crate::view::PlanView;
use crate::{ApiError, Device};

/// What a consent covers.
#[uniffi::remote(Enum)]
pub enum Scope {
    /// Keeping a plan at all.
    Record,
    /// Letting others than the author's organisation read it.
    Share,
}

/// What was said about a scope.
#[uniffi::remote(Enum)]
pub enum Outcome {
    /// Consent given by the person (SNOMED CT 882921000000109).
    Given,
    /// Consent withdrawn (882941000000102).
    Withdrawn,
    /// A best-interests decision (882961000000101).
    BestInterests,
    /// Consent given by an attorney for health and welfare (883001000000106).
    Attorney,
    /// Consent given by a legitimate representative (882981000000105).
    Representative,
}

/// A plan to be started.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct NewPlan {
    /// Ten digits; spaces and hyphens may stand between them.
    pub nhs_number: String,
    /// What the demographics service says, if it was asked: a FHIR R4 Patient as JSON.
    #[uniffi(default = None)]
    pub patient: Option<Vec<u8>>,
    /// Consent, or another basis, to record. Without it there is no plan.
    pub record: ConsentSpec,
    /// Consent, or another basis, to share; absent when not asked yet.
    #[uniffi(default = None)]
    pub share: Option<ConsentSpec>,
    /// The demographics carry a death notice, and whoever starts the plan has seen the person alive.
    #[uniffi(default = false)]
    pub seen_alive: bool,
}

/// A consent, or another lawful basis, as it is recorded.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct ConsentSpec {
    /// Given, withdrawn, or on another basis.
    pub outcome: Outcome,
    /// How and by whom, in words.
    pub note: String,
    /// Who decided, whom they asked, and why: needed for every basis but the person's own word.
    #[uniffi(default = None)]
    pub grounds: Option<Grounds>,
}

/// What a basis other than the person's own word rests on.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct Grounds {
    /// The attorney, the representative, or who made the best-interests decision.
    pub by: String,
    /// The people who were consulted.
    pub consulted: Vec<String>,
    /// Why.
    pub rationale: String,
    /// The decision on capacity that it rests on.
    pub capacity: Option<EntryId>,
}

/// Something was saved: it is durable on this device.
#[derive(Debug, uniffi::Record)]
pub struct Saved {
    /// How many entries were written.
    pub entries: u32,
}

/// A plan was started.
#[derive(Debug, uniffi::Record)]
pub struct Started {
    /// The plan.
    pub plan: PlanId,
    /// What was saved.
    pub saved: Saved,
}

/// A page of plans.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct PlanList {
    /// Ordered by family name, then given names.
    pub rows: Vec<PlanRow>,
    /// Where the next page begins; none after the last.
    pub next: Option<PageKey>,
}

/// One plan in a list.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct PlanRow {
    /// The plan.
    pub plan: PlanId,
    /// Family name in upper case; empty when not recorded.
    pub family: String,
    /// Given names; empty when not recorded.
    pub given: String,
    /// Date of birth, DD-Mmm-YYYY; empty when not recorded.
    pub born: String,
    /// Ten digits.
    pub nhs_number: String,
    /// Where the person lives, in a few words.
    pub place: String,
    /// The CPR answer in one line, with who and when.
    pub cpr: String,
    /// How many alerts.
    pub alerts: u32,
    /// Decisions contradict each other.
    pub in_conflict: bool,
    /// How many entries are held.
    pub held: u32,
    /// When it last changed on this device.
    pub changed_at: i64,
    /// How the plan as a whole stands: a token of the set of statuses.
    pub status: String,
    /// DD-Mmm-YYYY, when the person has died.
    pub died: Option<String>,
    /// Consent is withdrawn, and this device does not show the plan.
    pub locked: bool,
}

/// A plan that a search found.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct Found {
    /// The plan.
    pub plan: PlanRow,
    /// It does not begin as it was typed: show that, and have name, date of birth and NHS number compared before it is opened.
    pub similar: bool,
}

/// Who is given access to a plan.
#[derive(Debug, uniffi::Enum)]
pub enum Reader {
    /// Everybody in an organisation.
    Organisation {
        /// Its ODS code.
        ods_code: String,
    },
}

/// How far a plan's own entries have got.
#[derive(Debug, uniffi::Record)]
pub struct Receipts {
    /// Entries written on this device: durable here.
    pub saved: u32,
    /// Of these: durable on the relay.
    pub sent: u32,
    /// Of these: held by another named reader's device.
    pub seen: u32,
}

withheld!(NewPlan, ConsentSpec, Grounds, PlanList, PlanRow, Found);
crosses!(ConsentSpec => api::ConsentSpec { outcome, note, grounds });
crosses!(Grounds => api::Grounds { by, consulted, rationale, capacity });
crosses!(api::Saved => Saved { entries });
crosses!(api::Started => Started { plan, saved });
crosses!(api::PlanList => PlanList { rows, next });
crosses!(api::PlanListRow => PlanRow {
    plan, family, given, born, nhs_number, place, cpr, alerts, in_conflict, held, changed_at, status, died, locked,
});
crosses!(api::Found => Found { plan, similar });
crosses!(api::Receipts => Receipts { saved, sent, seen });

impl From<Reader> for api::Reader {
    fn from(reader: Reader) -> Self {
        match reader {
            Reader::Organisation { ods_code } => Self::Organisation(ods_code),
        }
    }
}

#[uniffi::export]
impl Device {
    /// Starts a plan. Durable when it returns.
    ///
    /// Errors: `AlreadyThere` when this device holds one for the NHS number; `Invalid` for a wrong number, a file that is no
    /// Patient, or a death notice; `NotAllowed` without the right to start plans.
    pub fn start_plan(&self, new: NewPlan) -> Result<Started, ApiError> {
        let NewPlan { nhs_number, patient, record, share, seen_alive } = new;
        let demographics = patient.map(|json| self.app.read_patient(&json)).transpose()?;
        let (record, share) = (record.cross(), share.cross());
        let new = api::NewPlan { nhs_number, demographics, record, share, seen_alive };
        Ok(self.app.start_plan(new)?.cross())
    }

    /// The id of the plan for an NHS number on this device.
    pub fn plan_id(&self, nhs_number: String) -> Result<PlanId, ApiError> {
        Ok(self.app.plan_id(&nhs_number)?)
    }

    /// A page of at most `limit` plans (200 at most), by name; after none: the first.
    pub fn plans(&self, after: Option<PageKey>, limit: u32) -> Result<PlanList, ApiError> {
        Ok(self.app.plans(after.as_ref(), limit.cross())?.cross())
    }

    /// Plans whose name, NHS number or place begins with each of the words; then those whose name is similar, at most 20 and
    /// marked. At most 50. Fast enough to ask as somebody types.
    pub fn search(&self, text: String) -> Result<Vec<Found>, ApiError> {
        Ok(self.app.search(&text)?.cross())
    }

    /// The plan as this device's person is shown it. Show its banner first, always.
    pub fn plan(&self, plan: PlanId) -> Result<PlanView, ApiError> {
        Ok(self.app.plan(plan)?.cross())
    }

    /// The plan as urgent care is shown it.
    pub fn plan_for_urgent_care(&self, plan: PlanId) -> Result<PlanView, ApiError> {
        Ok(self.app.plan_for_urgent_care(plan)?.cross())
    }

    /// Records a consent or another basis, or its withdrawal.
    pub fn record_consent(
        &self,
        plan: PlanId,
        scope: Scope,
        consent: ConsentSpec,
    ) -> Result<Saved, ApiError> {
        Ok(self.app.record_consent(plan, scope, consent.cross())?.cross())
    }

    /// Gives a reader access to a plan, history included. Needs consent to share.
    pub fn share(&self, plan: PlanId, reader: Reader) -> Result<(), ApiError> {
        Ok(self.app.share(plan, &reader.into())?)
    }

    /// How far this device's own entries of a plan have got: saved, sent, seen.
    pub fn receipts(&self, plan: PlanId) -> Result<Receipts, ApiError> {
        Ok(self.app.receipts(plan)?.cross())
    }
}
