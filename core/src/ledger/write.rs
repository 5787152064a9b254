//! A new entry by this device's author, in its place after everything the device holds.

use bedside_protocol::entry::{Body, Compartment, Entry, Scope};
use bedside_protocol::ids::{EntryId, IdentityId, LogId, StatementId, Timestamp};
use bedside_protocol::limits::PARENTS_MAX;
use bedside_protocol::signing::sha256;

use super::{Ledger, Line};
use crate::crdt::Actor;

/// Who writes, and when.
#[derive(Clone, Copy, Debug)]
pub struct Pen {
    /// The author.
    pub author: IdentityId,
    /// The credential they write under.
    pub credential: StatementId,
    /// Their device's clock.
    pub now: Timestamp,
    /// The last time a relay told the device.
    pub relay_time: Option<Timestamp>,
}

/// Why nothing can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// No consent of this scope stands.
    #[error("there is no consent, or other lawful basis, to {}", match .0 { Scope::Record => "record", Scope::Share => "share" })]
    NoBasis(Scope),
}

impl Ledger {
    /// The entry that this author would write now into a plan's main log. It is not part of the ledger until it is signed and
    /// admitted.
    pub fn compose(&self, pen: &Pen, body: Body) -> Result<Entry, WriteError> {
        self.compose_in(self, pen, body)
    }

    /// The same into any log of a plan, whose main one is `plan`.
    pub fn compose_in(&self, plan: &Self, pen: &Pen, body: Body) -> Result<Entry, WriteError> {
        let basis_of = |scope| match &body {
            Body::Looks(_) => plan.consents().first().map(|(id, _)| *id),
            _ => plan.basis(scope),
        };
        let scope = if matches!(body, Body::Grant(_)) { Scope::Share } else { Scope::Record };
        let basis = match &body {
            Body::Consent(_) => None,
            _ => Some(basis_of(scope).ok_or(WriteError::NoBasis(scope))?),
        };
        let compartment = Some(self.compartment).filter(|own| *own != Compartment::Shared);
        let last = self.last_of(&pen.author);
        let parents = self.parents_for(last.map(|(_, id)| id));
        Ok(Entry {
            version: Entry::VERSION,
            credential: pen.credential,
            author_seq: last.map_or(1, |(seq, _)| seq.saturating_add(1)),
            prev: Entry::prev_of(last.map(|(_, id)| id), &parents),
            parents,
            plan_heads: compartment.map(|_| plan.parents_for(None)),
            device_time: pen.now,
            relay_time: pen.relay_time,
            basis,
            body,
            compartment,
        })
    }

    /// The automerge actor of the change that this author would make now.
    #[must_use]
    pub fn actor(&self, author: &IdentityId) -> Actor {
        let last = self.last_of(author).and_then(|(_, id)| self.nodes.get(&id));
        actor(author, &self.log, last.map(|node| node.line).unwrap_or_default())
    }

    /// All heads; of more than [`PARENTS_MAX`] the deepest, and always one that the author's own last entry precedes.
    fn parents_for(&self, own: Option<EntryId>) -> Vec<EntryId> {
        let mut heads: Vec<EntryId> = self.heads.iter().copied().collect();
        if heads.len() > PARENTS_MAX {
            let after_own = |id: &EntryId| own.is_some_and(|own| self.precedes(&own, &[*id]));
            heads.sort_by_key(|id| (!after_own(id), std::cmp::Reverse(self.nodes.get(id).map(|n| n.depth))));
            heads.truncate(PARENTS_MAX);
            heads.sort();
        }
        heads
    }
}

/// The automerge actor of a line of an author's changes in a log: nobody can write under another's.
pub(super) fn actor(author: &IdentityId, log: &LogId, line: Line) -> Actor {
    let since = line.since.to_be_bytes();
    let digest = sha256(&[b"bedside actor", author.as_bytes(), log.as_bytes(), &since]);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Actor::new(bytes)
}
