//! What becomes of held entries: reviewers adopt or decline them, and nothing is dropped.

use std::collections::BTreeSet;

use bedside_protocol::entry::{Body, Review};
use bedside_protocol::ids::{EntryId, Timestamp};

use super::{HeldReason, Ledger, Node, Verdict, moment};

/// What reviewers have said of a held entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ruling {
    /// Nothing yet.
    Open,
    /// It is part of the plan.
    Adopted,
    /// It stays out.
    Declined,
    /// Two reviewers who did not know of each other said both.
    Disputed,
}

/// A held entry.
pub struct Held<'a> {
    /// The entry.
    pub entry: EntryId,
    /// Why it is held.
    pub reason: &'a HeldReason,
    /// What reviewers have said.
    pub ruling: Ruling,
    /// It is part of the plan: adopted, or kept because others have built on it since it was.
    pub is_part: bool,
    /// The newest reviews of it.
    pub reviews: Vec<(EntryId, &'a Review)>,
}

impl Ledger {
    /// Every entry that is or was held, ancestors first.
    #[must_use]
    pub fn held_entries(&self) -> Vec<Held<'_>> {
        let all = self.in_order().into_iter();
        all.filter_map(|(id, _, _)| self.held_entry(&id)).collect()
    }

    /// One entry, if it is or was held.
    #[must_use]
    pub fn held_entry(&self, id: &EntryId) -> Option<Held<'_>> {
        let Verdict::Held(reason) = self.verdict(id)? else { return None };
        Some(Held {
            entry: *id,
            reason,
            ruling: self.ruling(id, None),
            is_part: self.adopted.contains(id),
            reviews: self.newest_reviews(id, None),
        })
    }

    /// How many held entries a reviewer still has to look at.
    #[must_use]
    pub fn held(&self) -> usize {
        self.to_review().count()
    }

    /// When the first of these was written, by what it is judged by.
    #[must_use]
    pub fn held_since(&self) -> Option<Timestamp> {
        self.to_review().map(|node| moment(&node.entry)).min()
    }

    fn to_review(&self) -> impl Iterator<Item = &Node> {
        let held = self.nodes.iter().filter(|(_, node)| node.verdict != Verdict::Standing);
        held.filter(|(id, _)| matches!(self.ruling(id, None), Ruling::Open | Ruling::Disputed))
            .map(|(_, node)| node)
    }

    /// What the reviews say, all of them or those among some landmarks.
    pub(super) fn ruling(&self, id: &EntryId, among: Option<&BTreeSet<EntryId>>) -> Ruling {
        let newest = self.newest_reviews(id, among);
        let adopting = newest.iter().filter(|(_, review)| review.adopt).count();
        match (newest.len(), adopting) {
            (0, _) => Ruling::Open,
            (all, some) if all == some => Ruling::Adopted,
            (_, 0) => Ruling::Declined,
            _ => Ruling::Disputed,
        }
    }

    fn newest_reviews(&self, id: &EntryId, among: Option<&BTreeSet<EntryId>>) -> Vec<(EntryId, &Review)> {
        let Some(reviews) = self.reviews.get(id) else { return Vec::new() };
        let seen: Vec<&EntryId> =
            reviews.iter().filter(|review| among.is_none_or(|among| among.contains(review))).collect();
        let newest = seen.iter().filter(|id| !seen.iter().any(|other| self.follows(other, id)));
        newest.filter_map(|id| Some((**id, self.review(id)?))).collect()
    }

    fn review(&self, id: &EntryId) -> Option<&Review> {
        match &self.nodes.get(id)?.entry.body {
            Body::Review(review) => Some(review),
            _ => None,
        }
    }

    /// True when an entry was part of the plan for somebody who had seen these landmarks.
    pub(super) fn was_part(&self, id: &EntryId, landmarks: &BTreeSet<EntryId>) -> bool {
        self.verdict(id).is_some_and(|verdict| {
            *verdict == Verdict::Standing || self.ruling(id, Some(landmarks)) == Ruling::Adopted
        })
    }

    /// The held entries that are part of the plan. What the newest reviews adopt is; and what a change of the plan builds
    /// on stays, although reviewers disagree about it now: taking it out would take out what others wrote in good faith.
    pub(super) fn settle(&self) -> BTreeSet<EntryId> {
        let held = |id: &EntryId| self.nodes.get(id).filter(|node| node.verdict != Verdict::Standing);
        let reviewed: Vec<EntryId> = self.reviews.keys().filter(|id| held(id).is_some()).copied().collect();
        let mut adopted: BTreeSet<EntryId> =
            reviewed.iter().filter(|id| self.ruling(id, None) == Ruling::Adopted).copied().collect();
        if adopted.len() == reviewed.len() {
            return adopted;
        }
        let standing = self.nodes.values().filter(|node| node.verdict == Verdict::Standing);
        let mut open: Vec<&Node> =
            standing.chain(adopted.iter().filter_map(|id| self.nodes.get(id))).collect();
        while let Some(node) = open.pop() {
            let deps = node.change.iter().flat_map(|change| &change.deps);
            for id in deps.filter_map(|dep| self.changes.get(dep)) {
                if let Some(node) = held(id)
                    && adopted.insert(*id)
                {
                    open.push(node);
                }
            }
        }
        adopted
    }
}
