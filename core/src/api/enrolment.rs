//! How devices and organisations join.

use std::time::Duration;

use bedside_protocol::limits::{INVITE_HOURS_MAX, NAME_BYTES_MAX};
use bedside_protocol::problem::ProblemKind;
use bedside_protocol::statement::{Capabilities, Role};
use bedside_protocol::wire::EnrolAnswer;

use super::plans::PlanId;
use super::{ApiError, App, Cancel};
use crate::driver::DriverError;
use crate::driver::enrol::{Invitation, InviteFor};
use crate::engine::Failure;
use crate::engine::backoff::Backoff;
use crate::transport::RelayClient;

/// Whom an invitation is for.
#[derive(Clone, Debug)]
pub struct InviteSpec {
    /// Their name, as colleagues know them.
    pub name: String,
    /// What they will be.
    pub role: Role,
    /// NMC, GMC or other registration.
    pub professional_number: Option<String>,
    /// What they may do; none: what is usual for the role.
    pub capabilities: Option<Capabilities>,
    /// The plan, for the person it is about; none for colleagues.
    pub plan: Option<PlanId>,
    /// For how long it is good, in hours: 1 to 168.
    pub hours: u64,
}

/// How far an enrolment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrolStep {
    /// The relay has the request; whoever invited has to be online once.
    Waiting,
    /// The credential is here.
    Done,
    /// The relay cannot be reached; it is tried again.
    Unreachable,
}

impl App {
    /// Asks the operator to sign a new organisation into the network. The same request again gives the same bytes.
    pub fn request_organisation(&self, name: &str, ods_code: &str) -> Result<Vec<u8>, ApiError> {
        check_name(name)?;
        let plausible =
            (3..=8).contains(&ods_code.len()) && ods_code.chars().all(|c| c.is_ascii_alphanumeric());
        if !plausible {
            return Err(ApiError::invalid(
                "ODS code",
                "it has 3 to 8 letters and digits, such as RX1 or VLX01",
            ));
        }
        Ok(self.vault()?.request_organisation(name, ods_code, &*self.device.host().entropy)?)
    }

    /// Takes the operator's charter: this device's person becomes the organisation's administrator.
    pub fn accept_charter(&self, charter: &[u8], name: &str) -> Result<(), ApiError> {
        check_name(name)?;
        let at = self.device.moment()?;
        let (transport, entropy) = (self.device.transport_key(), &*self.device.host().entropy);
        let relay = self.vault()?.accept_charter(charter, name, transport, at, entropy)?;
        self.device.set_relay(&relay)?;
        Ok(self.post()?)
    }

    /// Makes an invitation: the text of a QR code, to be shown to one person, once. The relay has to hear of it before
    /// it can be used: sync.
    pub fn invite(&self, spec: InviteSpec) -> Result<String, ApiError> {
        check_name(&spec.name)?;
        if !(1..=INVITE_HOURS_MAX).contains(&spec.hours) {
            let why = format!("an invitation is good for 1 to {INVITE_HOURS_MAX} hours");
            return Err(ApiError::invalid("hours", why));
        }
        let personal = matches!(spec.role, Role::Person | Role::Proxy);
        if personal != spec.plan.is_some() {
            let why = "a person or proxy is invited to one plan, everybody else to the organisation";
            return Err(ApiError::invalid("invitation", why));
        }
        let beyond = |granted: Capabilities| !spec.role.usual_capabilities().has(granted.0);
        if personal && spec.capabilities.is_some_and(beyond) {
            let why = "a person or proxy proposes in their own words, and is given nothing more";
            return Err(ApiError::invalid("capabilities", why));
        }
        let state = self.device.mailbox.state().map_err(DriverError::Store)?;
        let relay = state.relay_url.ok_or(ApiError::NotEnrolled)?;
        let who = InviteFor {
            name: spec.name,
            role: spec.role,
            professional_number: spec.professional_number,
            capabilities: spec.capabilities.unwrap_or(spec.role.usual_capabilities()),
            plan: spec.plan.map(|plan| plan.0),
        };
        let (at, entropy) = (self.device.moment()?, &*self.device.host().entropy);
        let invitation = self.vault()?.invite(who, relay, spec.hours, at, entropy)?;
        self.post()?;
        Ok(invitation.encode())
    }

    /// Answers an invitation and waits, until cancelled, for whoever made it. Blocks; `progress` is called at each step.
    ///
    /// Errors: [`ApiError::Invalid`] when the invitation is unreadable or has run out, [`ApiError::Refused`] when it was
    /// answered by another device too (both are stopped; ask for a new one), [`ApiError::Cancelled`]: call again with the
    /// same invitation to go on.
    pub fn enrol(
        &self,
        invitation: &str,
        progress: &mut dyn FnMut(EnrolStep),
        cancel: &Cancel,
    ) -> Result<(), ApiError> {
        let invitation = Invitation::decode(invitation)?;
        let open = self.vault()?;
        self.device.begin_enrolment(&invitation)?;
        let request = open.enrol_request(&invitation, self.device.transport_key())?;
        let client = {
            let _runtime = self.runtime.enter();
            RelayClient::new(&invitation.relay, None).map_err(DriverError::Address)?
        };
        let mut backoff = Backoff::new();
        let answer = self.runtime.block_on(async {
            loop {
                let answer = tokio::select! {
                    answer = client.enrol(&request) => answer,
                    () = cancel.cancelled() => return Err(DriverError::Cancelled),
                };
                match answer {
                    Ok(EnrolAnswer::Issued(answer)) => return Ok(answer),
                    Ok(EnrolAnswer::Waiting) => progress(EnrolStep::Waiting),
                    Err(Failure::Unreachable) => progress(EnrolStep::Unreachable),
                    Err(failure) => return Err(refused(failure)),
                }
                let wait = Duration::from_millis(backoff.next_ms(self.device.chance()).min(2_000));
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = cancel.cancelled() => return Err(DriverError::Cancelled),
                }
            }
        })?;
        self.device.finish_enrolment(&invitation, &answer)?;
        progress(EnrolStep::Done);
        Ok(())
    }
}

fn refused(failure: Failure) -> DriverError {
    let Failure::Refused(problem) = &failure else { return DriverError::Relay(failure) };
    match problem.kind {
        ProblemKind::InviteContested => DriverError::Invitation(
            "it was used by two devices, so both were stopped; ask for a new one and tell whoever made it",
        ),
        ProblemKind::InviteExpired => DriverError::Invitation("it has run out; ask for a new one"),
        ProblemKind::NotFound => DriverError::Invitation(
            "the relay does not know it yet; whoever made it has to sync, then try again",
        ),
        _ => DriverError::Relay(failure),
    }
}

fn check_name(name: &str) -> Result<(), ApiError> {
    if name.trim().is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(ApiError::invalid("name", format!("a name has 1 to {NAME_BYTES_MAX} bytes")));
    }
    Ok(())
}
