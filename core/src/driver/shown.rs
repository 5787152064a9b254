//! What this device's person is shown of a plan: all of it, what urgent care is shown, or that consent was withdrawn.

use bedside_protocol::ids::LogId;
use bedside_protocol::statement::Role;

use super::DriverError;
use super::commit::Moment;
use super::open_vault::Books;
use crate::ledger::replica::Backlog;
use crate::plan::approval::urgent;
use crate::plan::for_person::for_person;
use crate::plan::view::{AsOf, PlanView, locked, view};
use crate::store::Vault;

impl Books {
    /// With `as_urgent`, what urgent care is shown, whoever the device's person is.
    pub(crate) fn shown(
        &mut self,
        vault: &Vault,
        log: LogId,
        at: Moment,
        as_urgent: bool,
    ) -> Result<PlanView, DriverError> {
        let plan = self.unlocked(vault, log, at, as_urgent)?;
        Ok(if self.is_locked(vault, log)? { locked(plan) } else { plan })
    }

    /// What lists tell of a plan. What is on its way is no part of that.
    pub(super) fn listed(&mut self, vault: &Vault, log: LogId, at: Moment) -> Result<PlanView, DriverError> {
        let backlog = Backlog { passed_over: self.has_passed_over(&log), ..Backlog::default() };
        let plan = self.drawn(vault, log, at, false, backlog)?;
        Ok(if self.is_locked(vault, log)? { locked(plan) } else { plan })
    }

    /// The same as if nothing were withdrawn.
    pub(crate) fn unlocked(
        &mut self,
        vault: &Vault,
        log: LogId,
        at: Moment,
        as_urgent: bool,
    ) -> Result<PlanView, DriverError> {
        let backlog = self.backlog(vault, &log)?;
        self.drawn(vault, log, at, as_urgent, backlog)
    }

    fn drawn(
        &mut self,
        vault: &Vault,
        log: LogId,
        at: Moment,
        as_urgent: bool,
        backlog: Backlog,
    ) -> Result<PlanView, DriverError> {
        let role = self.role();
        let shown = if as_urgent || role == Some(Role::UrgentCare) { urgent } else { view };
        let as_of = AsOf { now: at.now, last_contact: at.relay_time };
        let family = self.family(vault, log)?;
        let plan = family.main.material_with(&family.beside, family.trust, as_of, backlog, shown);
        Ok(match role {
            Some(Role::Person | Role::Proxy) => for_person(plan),
            _ => plan,
        })
    }

    /// What the device's person is to plans.
    pub(crate) fn role(&self) -> Option<Role> {
        self.trust.credential(&self.reader?).map(|credential| credential.role)
    }

    /// True when the device's person has a capability.
    pub(crate) fn may(&self, what: u32) -> bool {
        let own = self.reader.and_then(|reader| self.trust.credential(&reader));
        own.is_some_and(|own| own.capabilities.has(what))
    }

    /// What of a log is not where it should be yet.
    fn backlog(&self, vault: &Vault, log: &LogId) -> Result<Backlog, DriverError> {
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
