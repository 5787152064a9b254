//! Whose plan it is: the organisations of those who began it, and the person.

use std::collections::BTreeSet;

use bedside_protocol::entry::{Body, Outcome, Scope};
use bedside_protocol::ids::{EntryId, Principal, StatementId};
use bedside_protocol::statement::{Role, Trust};

use super::{Ledger, Node};

impl Ledger {
    /// True when consent is withdrawn and the holder of this credential is neither the person nor of an organisation that
    /// began the plan.
    #[must_use]
    pub fn is_locked_for(&self, reader: &StatementId, trust: &Trust) -> bool {
        self.is_locked_among(reader, &self.landmarks(), trust)
    }

    pub(super) fn is_locked_among(
        &self,
        reader: &StatementId,
        landmarks: &BTreeSet<EntryId>,
        trust: &Trust,
    ) -> bool {
        let withdrawn = [Scope::Record, Scope::Share]
            .into_iter()
            .flat_map(|scope| self.newest_consents(landmarks, scope))
            .any(|(_, consent)| consent.outcome == Outcome::Withdrawn);
        withdrawn && !self.owns(reader, landmarks, trust)
    }

    fn owns(&self, reader: &StatementId, landmarks: &BTreeSet<EntryId>, trust: &Trust) -> bool {
        let Some(credential) = trust.credential(reader) else { return false };
        let organisation = trust.organisation_of(reader).map(|organisation| organisation.id);
        let began = |node: &Node| {
            let theirs = trust.organisation_of(&node.entry.credential).map(|organisation| organisation.id);
            node.author == credential.identity() || (theirs.is_some() && theirs == organisation)
        };
        credential.role == Role::Person || self.roots(landmarks).any(began)
    }

    /// Who began the plan: the organisations of those who did, and a person themself.
    #[must_use]
    pub fn owners(&self, trust: &Trust) -> BTreeSet<Principal> {
        let of_root = |node: &Node| match trust.organisation_of(&node.entry.credential) {
            Some(organisation) => Principal::Organisation(organisation.id),
            None => Principal::Identity(node.author),
        };
        let landmarks = self.landmarks();
        self.roots(&landmarks).map(of_root).collect()
    }

    /// The consents that a plan began with: one, or several when it was begun on several devices apart.
    pub(super) fn roots<'a>(&'a self, landmarks: &'a BTreeSet<EntryId>) -> impl Iterator<Item = &'a Node> {
        let nodes = landmarks.iter().filter_map(|id| self.nodes.get(id));
        nodes.filter(|node| node.entry.parents.is_empty() && matches!(node.entry.body, Body::Consent(_)))
    }

    /// True when nobody but the person, or who speaks for them, began the plan, and no clinician has approved it yet.
    pub(super) fn is_the_persons_own(&self, landmarks: &BTreeSet<EntryId>, trust: &Trust) -> bool {
        let by_person = |node: &Node| {
            let role = trust.credential(&node.entry.credential).map(|credential| credential.role);
            matches!(role, Some(Role::Person | Role::Proxy))
        };
        let approved = landmarks
            .iter()
            .any(|id| self.nodes.get(id).is_some_and(|node| matches!(node.entry.body, Body::Approval(_))));
        let mut roots = self.roots(landmarks).peekable();
        !approved && roots.peek().is_some() && roots.all(by_person)
    }

    /// True when the person began the plan and no clinician has taken it up.
    #[must_use]
    pub fn started_by_person(&self, trust: &Trust) -> bool {
        self.is_the_persons_own(&self.landmarks(), trust)
    }
}
