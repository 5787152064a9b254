//! What this device's person is shown of a plan: all of it, what urgent care is shown, or that consent was withdrawn.

use bedside_protocol::entry::Compartment;
use bedside_protocol::ids::LogId;
use bedside_protocol::statement::Role;

use super::DriverError;
use super::commit::Moment;
use super::open_vault::Books;
use crate::ledger::replica::Backlog;
use crate::plan::approval::urgent;
use crate::plan::for_person::for_person;
use crate::plan::view::{AsOf, PlanView, view};
use crate::plan::withheld::locked;
use crate::store::Vault;

/// What of a plan a view is made of, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    /// As urgent care is shown it, whoever the device's person is.
    pub(crate) as_urgent: bool,
    /// With what professionals keep among themselves.
    pub(crate) with_professional: bool,
}

impl Made {
    /// As the device's person is shown it.
    pub(crate) const FOR_READER: Self = Self { as_urgent: false, with_professional: true };
}

impl Books {
    pub(crate) fn shown(
        &mut self,
        vault: &Vault,
        log: LogId,
        at: Moment,
        made: Made,
    ) -> Result<PlanView, DriverError> {
        let plan = self.unlocked(vault, log, at, made)?;
        Ok(if self.is_locked(vault, log)? { locked(plan) } else { plan })
    }

    /// What lists tell of a plan. What is on its way is no part of that.
    pub(super) fn listed(&mut self, vault: &Vault, log: LogId, at: Moment) -> Result<PlanView, DriverError> {
        let backlog = Backlog { passed_over: self.has_passed_over(&log), ..Backlog::default() };
        let plan = self.drawn(vault, log, at, Made::FOR_READER, backlog)?;
        Ok(if self.is_locked(vault, log)? { locked(plan) } else { plan })
    }

    /// The same as if nothing were withdrawn.
    pub(crate) fn unlocked(
        &mut self,
        vault: &Vault,
        log: LogId,
        at: Moment,
        made: Made,
    ) -> Result<PlanView, DriverError> {
        let backlog = self.backlog(vault, log)?;
        self.drawn(vault, log, at, made, backlog)
    }

    fn drawn(
        &mut self,
        vault: &Vault,
        log: LogId,
        at: Moment,
        made: Made,
        backlog: Backlog,
    ) -> Result<PlanView, DriverError> {
        let role = self.role();
        let shown = if made.as_urgent || role == Some(Role::UrgentCare) { urgent } else { view };
        let as_of = AsOf { now: at.now, last_contact: at.relay_time };
        let mut family = self.family(vault, log)?;
        if !made.with_professional {
            family.leave_out(Compartment::Professional);
        }
        let plan = family.main.material_with(&family.beside, family.trust, as_of, backlog, shown);
        Ok(match role {
            Some(Role::Person | Role::Proxy) => for_person(plan),
            _ => PlanView { shared_only: !made.with_professional, ..plan },
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

    /// What of a plan is not where it should be yet: who looked is no part of it.
    pub(crate) fn backlog(&mut self, vault: &Vault, plan: LogId) -> Result<Backlog, DriverError> {
        let beside = self.shown_beside(vault, plan)?.into_iter().map(|(_, log)| log);
        let logs: Vec<LogId> = [plan].into_iter().chain(beside).collect();
        let counted = vault.read(|read| {
            logs.iter().map(|log| Ok((read.unsent_count(log)?, read.waiting_count(log)?))).collect()
        });
        let counted: Vec<(usize, usize)> = counted?;
        Ok(Backlog {
            unsent: counted.iter().map(|(unsent, _)| unsent).sum(),
            waiting: counted.iter().map(|(_, waiting)| waiting).sum(),
            passed_over: logs.iter().any(|log| self.has_passed_over(log)),
        })
    }

    /// True when consent is withdrawn and the plan is not this person's, nor their organisation's.
    pub(crate) fn is_locked(&mut self, vault: &Vault, log: LogId) -> Result<bool, DriverError> {
        let reader = self.reader;
        let (replica, trust) = self.replica_and_trust(vault, log)?;
        Ok(reader.is_some_and(|reader| replica.ledger().is_locked_for(&reader, trust)))
    }
}
