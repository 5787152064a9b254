//! What this device's person is shown of a plan: all of it, what urgent care is shown, or that consent was withdrawn.

use bedside_protocol::ids::LogId;
use bedside_protocol::statement::Role;

use super::DriverError;
use super::commit::Moment;
use super::open_vault::Books;
use crate::ledger::replica::Backlog;
use crate::plan::approval::urgent;
use crate::plan::view::{AsOf, PlanView, locked, view};
use crate::store::Vault;

impl Books {
    pub(crate) fn shown(&mut self, vault: &Vault, log: LogId, at: Moment) -> Result<PlanView, DriverError> {
        let backlog = self.backlog(vault, &log)?;
        let is_locked = self.is_locked(vault, log)?;
        let reader = self.reader;
        let (replica, trust) = self.replica_and_trust(vault, log)?;
        let role = reader.and_then(|reader| trust.credential(&reader)).map(|credential| credential.role);
        let as_of = AsOf { now: at.now, last_contact: at.relay_time };
        let shown = if role == Some(Role::UrgentCare) { urgent } else { view };
        let plan = replica.material(trust, as_of, backlog, shown);
        Ok(if is_locked { locked(plan) } else { plan })
    }

    /// What of a log is not where it should be yet.
    pub(crate) fn backlog(&self, vault: &Vault, log: &LogId) -> Result<Backlog, DriverError> {
        let (unsent, waiting) = vault.read(|read| Ok((read.unsent_count(log)?, read.waiting_count(log)?)))?;
        Ok(Backlog { unsent, waiting, passed_over: self.has_passed_over(log) })
    }

    /// True when consent is withdrawn and the plan is not this person's, nor their organisation's.
    pub(crate) fn is_locked(&mut self, vault: &Vault, log: LogId) -> Result<bool, DriverError> {
        let reader = self.reader;
        let (replica, trust) = self.replica_and_trust(vault, log)?;
        Ok(reader.is_some_and(|reader| replica.ledger().is_locked_for(&reader, trust)))
    }
}
