//! What stands in a plan's main log and in its professional one together.
//!
//! A decision in the professional log may replace decisions of the main log that its author knew. The main log names no entry
//! of another: the person's copy does not even say that there is one. So a decision in one log is hidden by one in the other
//! only where that one names it, and two that do not know of each other are in conflict for whoever holds both.

use std::collections::{BTreeMap, BTreeSet};

use bedside_protocol::entry::Compartment;
use bedside_protocol::ids::EntryId;

use super::approval::Digests;
use super::replica::Replica;
use super::{Ledger, Standing};
use crate::plan::check::decode_decision;
use crate::plan::kept::KeptDigests;
use crate::plan::schema::Section;

/// A plan's main log, and its professional one where it is here.
#[derive(Clone, Copy)]
pub struct Both<'a> {
    /// The main log.
    pub main: &'a Replica,
    /// What professionals keep among themselves.
    pub professional: Option<&'a Replica>,
}

impl<'a> Both<'a> {
    /// Of a main log and some of those beside it.
    #[must_use]
    pub fn of(main: &'a Replica, beside: &[&'a Replica]) -> Self {
        let of = |wanted| beside.iter().find(|replica| replica.ledger().compartment() == wanted).copied();
        Self { main, professional: of(Compartment::Professional) }
    }

    /// The sections on which anything was decided.
    #[must_use]
    pub fn decided_sections(self) -> BTreeSet<u8> {
        self.logs().flat_map(|replica| replica.ledger().decided_sections()).collect()
    }

    /// The decisions on a section that stand and that nothing supersedes, each with the log that holds it. More than one: in
    /// conflict.
    #[must_use]
    pub fn decisions(self, section: u8) -> Vec<(&'a Replica, Standing<'a>)> {
        let replaced = self.professional.map(|professional| {
            let ledger = professional.ledger();
            ledger.replaces_in(self.main.ledger(), section, |id| ledger.is_part(id))
        });
        let is_replaced = |id: &EntryId| replaced.as_ref().is_some_and(|replaced| replaced.contains(id));
        let all = self.logs().flat_map(|replica| {
            replica.ledger().decisions(section).into_iter().map(move |standing| (replica, standing))
        });
        all.filter(|(_, standing)| !is_replaced(&standing.entry)).collect()
    }

    /// The decisions on a section that stand in one of the logs, those included that the other replaces.
    #[must_use]
    pub fn standing_in(self, compartment: Compartment, section: u8) -> Vec<EntryId> {
        let of = self.logs().filter(|replica| replica.ledger().compartment() == compartment);
        of.flat_map(|replica| replica.ledger().decisions(section)).map(|standing| standing.entry).collect()
    }

    /// What stands in each section of either log, as an approval signs it.
    #[must_use]
    pub fn digests(self) -> (Digests, KeptDigests) {
        let of = |replica: &Replica| replica.ledger().digests(replica.document());
        let kept = |replica: &Replica| {
            let all = of(replica);
            let is_filled = |(section, digest): (&Section, &[u8; 32])| {
                (*digest != replica.ledger().empty_digest(*section)).then_some(*section)
            };
            KeptDigests { filled: all.iter().filter_map(is_filled).collect(), all }
        };
        (of(self.main), self.professional.map(kept).unwrap_or_default())
    }

    fn logs(self) -> impl Iterator<Item = &'a Replica> {
        [self.main].into_iter().chain(self.professional)
    }
}

impl Ledger {
    /// The decisions of the main log that decisions of this, the professional one, replace, as far as their authors knew them.
    pub(super) fn replaces_in(
        &self,
        plan: &Self,
        section: u8,
        among: impl Fn(&EntryId) -> bool,
    ) -> BTreeSet<EntryId> {
        let ids = self.decisions.get(&section).into_iter().flatten();
        let of_section = ids.filter(|id| among(id)).filter_map(|id| self.decision(id));
        let known = of_section.flat_map(|(_, decision, node)| {
            let (_, heads) = node.entry.place();
            decision.supersedes.iter().filter(|old| plan.precedes(old, heads))
        });
        known.copied().collect()
    }
}

/// True for what takes decisions back that were kept from the person: it says nothing itself, because a decision of the main
/// log stands in their place.
pub(super) fn takes_back(content: &[u8]) -> bool {
    decode_decision(content).is_ok_and(|fields: BTreeMap<_, _>| fields.is_empty())
}
