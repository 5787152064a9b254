//! How devices and organisations join.

use bedside_core::api::{self, Capabilities, PlanId, Role};

use crate::cross::Cross;
use crate::sync::Cancel;
use crate::{ApiError, Device};

/// Whom an invitation is for.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct InviteSpec {
    /// Their name, as colleagues know them.
    pub name: String,
    /// What they will be.
    pub role: Role,
    /// NMC, GMC or other registration.
    #[uniffi(default = None)]
    pub professional_number: Option<String>,
    /// What they may do; none: what is usual for the role.
    #[uniffi(default = None)]
    pub capabilities: Option<Vec<Capability>>,
    /// The plan, for the person it is about; none for colleagues.
    #[uniffi(default = None)]
    pub plan: Option<PlanId>,
    /// For how long it is good, in hours: 1 to 168.
    pub hours: u64,
}

/// Something that a credential allows.
#[derive(Clone, Copy, Debug, uniffi::Enum)]
pub enum Capability {
    /// Write what all staff write and, on the person's behalf, their words.
    Write,
    /// Start plans.
    Create,
    /// Record clinical decisions and legal facts.
    Decide,
    /// Give others access to a plan.
    Share,
    /// Approve.
    Approve,
    /// Endorse resuscitation and escalation decisions.
    Endorse,
    /// Invite the person a plan is about.
    InvitePerson,
    /// Issue and revoke credentials of the organisation.
    Administer,
    /// Propose in the person's own words only.
    Propose,
    /// See who looked at all plans: a privacy officer.
    Oversee,
}

/// How far an enrolment is.
#[derive(Clone, Copy, Debug, uniffi::Enum)]
pub enum EnrolStep {
    /// The relay has the request; whoever invited has to be online once.
    Waiting,
    /// The credential is here.
    Done,
    /// The relay cannot be reached; it is tried again.
    Unreachable,
}

/// An organisation that a plan can be shared with.
#[derive(Debug, uniffi::Record)]
pub struct Organisation {
    /// Its name.
    pub name: String,
    /// Its ODS code.
    pub ods_code: String,
}

/// Is told how far an enrolment is, from the thread that enrols.
#[uniffi::export(callback_interface)]
pub trait EnrolProgress: Send + Sync {
    /// A step was reached. What it throws is dropped.
    fn reached(&self, step: EnrolStep) -> Result<(), ObserverError>;
}

/// An observer failed. Nobody hears of it: it is the app's own.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum ObserverError {
    /// It threw something.
    #[error("an observer failed")]
    Failed,
}

withheld!(InviteSpec);
crosses!(InviteSpec => api::InviteSpec { name, role, professional_number, capabilities, plan, hours });

impl From<uniffi::UnexpectedUniFFICallbackError> for ObserverError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed
    }
}

impl From<Capability> for u32 {
    fn from(capability: Capability) -> Self {
        match capability {
            Capability::Write => Capabilities::WRITE,
            Capability::Create => Capabilities::CREATE,
            Capability::Decide => Capabilities::DECIDE,
            Capability::Share => Capabilities::SHARE,
            Capability::Approve => Capabilities::APPROVE,
            Capability::Endorse => Capabilities::ENDORSE,
            Capability::InvitePerson => Capabilities::INVITE_PERSON,
            Capability::Administer => Capabilities::ADMINISTER,
            Capability::Propose => Capabilities::PROPOSE,
            Capability::Oversee => Capabilities::OVERSEE,
        }
    }
}

impl Cross<Capabilities> for Vec<Capability> {
    fn cross(self) -> Capabilities {
        Capabilities(self.into_iter().map(u32::from).fold(0, std::ops::BitOr::bitor))
    }
}

impl From<api::EnrolStep> for EnrolStep {
    fn from(step: api::EnrolStep) -> Self {
        match step {
            api::EnrolStep::Waiting => Self::Waiting,
            api::EnrolStep::Done => Self::Done,
            api::EnrolStep::Unreachable => Self::Unreachable,
        }
    }
}

#[uniffi::export]
impl Device {
    /// Asks the network's operator to sign a new organisation. The same request again gives the same bytes.
    pub fn request_organisation(&self, name: String, ods_code: String) -> Result<Vec<u8>, ApiError> {
        Ok(self.app.request_organisation(&name, &ods_code)?)
    }

    /// Takes the operator's charter: this device's person becomes the organisation's administrator.
    pub fn accept_charter(&self, charter: Vec<u8>, name: String) -> Result<(), ApiError> {
        Ok(self.app.accept_charter(&charter, &name)?)
    }

    /// Makes an invitation: the text of a QR code, to be shown to one person, once. The relay has to hear of it before it can
    /// be used: sync. It is a secret.
    pub fn invite(&self, spec: InviteSpec) -> Result<String, ApiError> {
        Ok(self.app.invite(spec.cross())?)
    }

    /// Answers an invitation and waits, until cancelled, for whoever made it. Blocks on the network.
    ///
    /// Errors: `Invalid` when the invitation is unreadable or has run out; `Refused` when it was answered by another device
    /// too (both are stopped; ask for a new one); `Cancelled`: call again with the same invitation to go on.
    pub fn enrol(
        &self,
        invitation: String,
        progress: Box<dyn EnrolProgress>,
        cancel: &Cancel,
    ) -> Result<(), ApiError> {
        let mut reached = |step: api::EnrolStep| drop(progress.reached(step.into()));
        Ok(self.app.enrol(&invitation, &mut reached, &cancel.inner)?)
    }

    /// The organisations that a plan can be shared with.
    pub fn organisations(&self) -> Result<Vec<Organisation>, ApiError> {
        let known = self.app.organisations()?.into_iter();
        Ok(known.map(|(name, ods_code)| Organisation { name, ods_code }).collect())
    }
}
