//! From a set of entries to what is believed about a log: a pure function.
//!
//! The order in which entries arrive, and how often, changes nothing. An entry is *admitted* once everything it builds on
//! is here, and is then either *standing* or *held*. Held entries are kept with the reason and take no part in the state;
//! nothing that was signed is ever dropped. What builds on something that has not come yet is *waiting*.
//!
//! | module | what |
//! |---|---|
//! | this one | the graph of entries and how one is admitted |
//! | [`judge`] | whether an admitted entry stands |
//! | [`review`] | what becomes of a held one |
//! | [`approval`] | what was approved, and where the plan stands on its way there |
//! | [`family`] | what stands in the main log and in the professional one together |
//! | [`owners`] | whose plan it is, and who may read it after consent to share is withdrawn |
//! | [`replica`] | a ledger and its document, kept together |
//! | [`mod@write`] | a new entry by this device's author |
//!
//! A plan is a family of logs: the main one, and one for each compartment that is written in. A log beside the main one is a
//! ledger of its own whose entries are judged by the main one's past ([`By`]); what is believed of the family is a function of
//! the family's entries.

pub mod approval;
pub mod family;
mod judge;
mod owners;
pub mod replica;
pub mod review;
#[cfg(test)]
mod tests;
pub mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bedside_protocol::entry::{Body, Compartment, Consent, Decision, Entry, Grant, Outcome, Scope};
use bedside_protocol::ids::{EntryId, IdentityId, LogId, StatementId, Timestamp};
use bedside_protocol::statement::Trust;

use crate::crdt::{ChangeHash, Document};
use crate::plan::locale::{Message, said_in_english};
use crate::plan::schema::Section;

/// Everything known of one log, without the document.
pub struct Ledger {
    log: LogId,
    compartment: Compartment,
    texts: &'static [&'static str],
    /// The document before any change: what every change may build on.
    first: Document,
    nodes: BTreeMap<EntryId, Node>,
    heads: BTreeSet<EntryId>,
    /// Which entry brought a change; held ones among them.
    changes: BTreeMap<ChangeHash, EntryId>,
    /// Decisions by section; held ones among them.
    decisions: BTreeMap<u8, BTreeSet<EntryId>>,
    /// Standing reviews by what they are about.
    reviews: BTreeMap<EntryId, BTreeSet<EntryId>>,
    /// Held entries that are part of the plan after all.
    adopted: BTreeSet<EntryId>,
    authors: BTreeMap<IdentityId, BTreeMap<u64, BTreeSet<EntryId>>>,
    /// There is an author with two entries in one place; `losers` are those that do not stand for it.
    forked: bool,
    losers: BTreeSet<EntryId>,
    /// Changes that do not fit the document they build on.
    broken: BTreeSet<EntryId>,
    /// How often everything was judged again, and how often the plan's main log had been when this one last was.
    rejudged: u32,
    judged_by: u32,
}

/// What entries are judged by, beside their own past.
#[derive(Clone, Copy)]
pub struct By<'a> {
    /// Whose word counts.
    pub trust: &'a Trust,
    /// For a log beside the plan's main one: the main one.
    pub plan: Option<&'a Ledger>,
}

impl<'a> From<&'a Trust> for By<'a> {
    fn from(trust: &'a Trust) -> Self {
        Self { trust, plan: None }
    }
}

/// One admitted entry.
struct Node {
    entry: Entry,
    author: IdentityId,
    verdict: Verdict,
    /// Longest way back to the beginning; an ancestor's is always less.
    depth: u32,
    /// What later entries are judged by: every standing consent, review and approval in its past, every decision there on
    /// section 19 and, if it is one of these, itself.
    landmarks: Arc<BTreeSet<EntryId>>,
    /// The change it brings; none when it is malformed.
    change: Option<Brought>,
    /// Where its author's changes go on from here.
    line: Line,
}

/// A line of one author's changes. One that is held begins a new line: it is not in the document that its author's next change is
/// made in, and one document cannot hold two changes in one place of one line should it be adopted.
#[derive(Clone, Copy, Default)]
struct Line {
    /// `author_seq` of the held change that began it; 0 for the first.
    since: u64,
    /// How many changes it has.
    changes: u64,
}

/// A well-formed change.
#[derive(Clone)]
struct Brought {
    hash: ChangeHash,
    deps: Vec<ChangeHash>,
}

/// What becomes of an admitted entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is part of the plan.
    Standing,
    /// It is kept but not shown as part of the plan until somebody decides.
    Held(HeldReason),
}

/// Why an entry is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeldReason {
    /// It names no consent that stood when it was written.
    NoBasis,
    /// Consent had been withdrawn.
    ConsentWithdrawn,
    /// It names a basis other than the person's word, and not who decided and why.
    NoGrounds,
    /// The person had died.
    AfterDeath,
    /// The author's role does not allow it: what it does not allow.
    NotAllowed(Message),
    /// The author's credential was not valid then, or is for another plan.
    CredentialInvalid,
    /// It builds on an entry that is itself held.
    BuildsOnHeld,
    /// The author's history splits here: a device was copied or restored.
    Forked,
    /// It breaks a rule that this software always keeps: which.
    Malformed(Message),
}

said_in_english!(HeldReason);

impl HeldReason {
    /// For people.
    #[must_use]
    pub fn message(&self) -> Message {
        match self {
            Self::NoBasis => Message::new("held-no-basis"),
            Self::ConsentWithdrawn => Message::new("held-consent-withdrawn"),
            Self::NoGrounds => Message::new("held-no-grounds"),
            Self::AfterDeath => Message::new("held-after-death"),
            Self::NotAllowed(why) => why.clone(),
            Self::CredentialInvalid => Message::new("held-credential"),
            Self::BuildsOnHeld => Message::new("held-builds-on-held"),
            Self::Forked => Message::new("held-forked"),
            Self::Malformed(why) => Message::new("held-malformed").with("why", why.clone()),
        }
    }
}

/// What came of handing an entry to the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It was here already.
    Known,
    /// Admitted.
    Admitted,
    /// Admitted, and some author's history splits: verdicts given before may have to change.
    Rejudge,
    /// Not taken: these have to come first.
    Waiting(Missing),
}

/// What an entry waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Entries it builds on.
    Entries(Vec<EntryId>),
    /// The credential it was written under.
    Credential(StatementId),
}

/// A decision that nothing has superseded.
pub struct Standing<'a> {
    /// Its entry.
    pub entry: EntryId,
    /// What it says.
    pub decision: &'a Decision,
    /// Entries that endorse it.
    pub endorsed_by: Vec<EntryId>,
}

impl Ledger {
    /// An empty log. `texts` are the document's keys that merge as text.
    #[must_use]
    pub fn new(log: LogId, compartment: Compartment, texts: &'static [&'static str]) -> Self {
        Self {
            log,
            compartment,
            texts,
            first: Document::new(texts),
            nodes: BTreeMap::new(),
            heads: BTreeSet::new(),
            changes: BTreeMap::new(),
            decisions: BTreeMap::new(),
            reviews: BTreeMap::new(),
            adopted: BTreeSet::new(),
            authors: BTreeMap::new(),
            forked: false,
            losers: BTreeSet::new(),
            broken: BTreeSet::new(),
            rejudged: 0,
            judged_by: 0,
        }
    }

    /// Takes an entry whose signature has been verified against its credential.
    pub fn admit<'a>(&mut self, id: EntryId, entry: Entry, by: impl Into<By<'a>>) -> Admission {
        let by = by.into();
        if self.nodes.contains_key(&id) {
            return Admission::Known;
        }
        if let Some(missing) = self.missing(&entry, by) {
            return Admission::Waiting(missing);
        }
        self.insert(id, entry, by);
        if self.forked { Admission::Rejudge } else { Admission::Admitted }
    }

    fn missing(&self, entry: &Entry, by: By<'_>) -> Option<Missing> {
        let parents = entry.parents.iter().filter(|parent| !self.nodes.contains_key(parent));
        let (_, heads) = entry.place();
        let judged_by = heads.iter().filter(|_| self.compartment != Compartment::Shared);
        let of_plan = judged_by.filter(|head| by.plan.is_none_or(|plan| !plan.nodes.contains_key(head)));
        let absent: Vec<EntryId> = parents.chain(of_plan).copied().collect();
        if !absent.is_empty() {
            return Some(Missing::Entries(absent));
        }
        by.trust.credential(&entry.credential).is_none().then_some(Missing::Credential(entry.credential))
    }

    fn insert(&mut self, id: EntryId, entry: Entry, by: By<'_>) {
        let credential = by.trust.credential(&entry.credential).expect("missing() found it");
        let author = credential.identity();
        let place = self.authors.entry(author).or_default().entry(entry.author_seq).or_default();
        place.insert(id);
        self.forked |= place.len() > 1;
        let depth = self.parents_of(&entry).map(|node| node.depth + 1).max().unwrap_or_default();
        let (verdict, change) = judge::judge(self, &id, &entry, credential, by);
        let mut landmarks = self.landmarks_before(&entry);
        if is_landmark(&entry.body, &verdict) {
            Arc::make_mut(&mut landmarks).insert(id);
        }
        for parent in &entry.parents {
            self.heads.remove(parent);
        }
        self.heads.insert(id);
        if let Some(change) = &change {
            self.changes.entry(change.hash).or_insert(id);
        }
        if let Body::Decision(decision) = &entry.body {
            self.decisions.entry(decision.section).or_default().insert(id);
        }
        if let (Body::Review(review), Verdict::Standing) = (&entry.body, &verdict) {
            self.reviews.entry(review.entry).or_default().insert(id);
        }
        let line = self.line_after(&entry, &verdict);
        let may_settle = matches!(entry.body, Body::Review(_) | Body::Change(_));
        self.nodes.insert(id, Node { entry, author, verdict, depth, landmarks, change, line });
        if may_settle && !self.reviews.is_empty() {
            self.adopted = self.settle();
        }
    }

    fn line_before(&self, entry: &Entry) -> Line {
        entry.prev_id().and_then(|prev| self.nodes.get(&prev)).map(|node| node.line).unwrap_or_default()
    }

    fn line_after(&self, entry: &Entry, verdict: &Verdict) -> Line {
        let line = self.line_before(entry);
        match (&entry.body, verdict) {
            (Body::Change(_), Verdict::Standing) => Line { changes: line.changes + 1, ..line },
            (Body::Change(_), Verdict::Held(_)) => Line { since: entry.author_seq, changes: 0 },
            _ => line,
        }
    }

    fn parents_of<'a>(&'a self, entry: &'a Entry) -> impl Iterator<Item = &'a Node> {
        entry.parents.iter().filter_map(|parent| self.nodes.get(parent))
    }

    fn landmarks_before(&self, entry: &Entry) -> Arc<BTreeSet<EntryId>> {
        self.landmarks_at(&entry.parents)
    }

    /// Every landmark for somebody who had these entries and their past.
    fn landmarks_at(&self, heads: &[EntryId]) -> Arc<BTreeSet<EntryId>> {
        let mut sets = heads.iter().filter_map(|head| self.nodes.get(head)).map(|node| &node.landmarks);
        let Some(first) = sets.next() else { return Arc::default() };
        let mut union = Arc::clone(first);
        for set in sets.filter(|set| !Arc::ptr_eq(set, first)) {
            if !set.is_subset(&union) {
                union = Arc::new(union.union(set).copied().collect());
            }
        }
        union
    }

    /// Every landmark there is.
    fn landmarks(&self) -> BTreeSet<EntryId> {
        let heads = self.heads.iter().filter_map(|head| self.nodes.get(head));
        heads.flat_map(|node| node.landmarks.iter().copied()).collect()
    }

    /// True when `ancestor` is in the past of an entry with these parents.
    fn precedes(&self, ancestor: &EntryId, parents: &[EntryId]) -> bool {
        let Some(target) = self.nodes.get(ancestor) else { return false };
        let mut seen = BTreeSet::new();
        let mut open: Vec<&EntryId> = parents.iter().collect();
        while let Some(id) = open.pop() {
            if id == ancestor {
                return true;
            }
            let Some(node) = self.nodes.get(id) else { continue };
            if node.depth > target.depth && seen.insert(id) {
                open.extend(&node.entry.parents);
            }
        }
        false
    }

    /// These entries and everything in their past.
    #[must_use]
    pub fn past_of(&self, of: &[EntryId]) -> BTreeSet<EntryId> {
        let mut past = BTreeSet::new();
        let mut open: Vec<EntryId> = of.to_vec();
        while let Some(id) = open.pop() {
            if let Some(node) = self.nodes.get(&id)
                && past.insert(id)
            {
                open.extend(&node.entry.parents);
            }
        }
        past
    }

    /// True when one landmark has another in its past.
    fn follows(&self, later: &EntryId, earlier: &EntryId) -> bool {
        later != earlier && self.nodes.get(later).is_some_and(|node| node.landmarks.contains(earlier))
    }

    /// The newest consents of a scope among landmarks: those that no other of the same scope follows.
    fn newest_consents(&self, landmarks: &BTreeSet<EntryId>, scope: Scope) -> Vec<(EntryId, &Consent)> {
        let of_scope: Vec<_> = landmarks
            .iter()
            .filter_map(|id| Some((*id, self.consent(id)?)))
            .filter(|(_, c)| c.scope == scope)
            .collect();
        let followed = |id: &EntryId| of_scope.iter().any(|(other, _)| self.follows(other, id));
        of_scope.iter().filter(|(id, _)| !followed(id)).copied().collect()
    }

    fn consent(&self, id: &EntryId) -> Option<&Consent> {
        match &self.nodes.get(id)?.entry.body {
            Body::Consent(consent) => Some(consent),
            _ => None,
        }
    }

    /// The log this is about.
    #[must_use]
    pub const fn log(&self) -> LogId {
        self.log
    }

    /// Which part of the plan it holds.
    #[must_use]
    pub const fn compartment(&self) -> Compartment {
        self.compartment
    }

    /// True when the plan's main log was judged again since this one was judged by it.
    fn is_stale(&self, by: By<'_>) -> bool {
        by.plan.is_some_and(|plan| plan.rejudged != self.judged_by)
    }

    /// True when nothing was admitted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The newest entries: those that nothing admitted builds on.
    pub fn heads(&self) -> impl Iterator<Item = &EntryId> {
        self.heads.iter()
    }

    /// The verdict on an admitted entry.
    #[must_use]
    pub fn verdict(&self, id: &EntryId) -> Option<&Verdict> {
        self.nodes.get(id).map(|node| &node.verdict)
    }

    /// An admitted entry.
    #[must_use]
    pub fn entry(&self, id: &EntryId) -> Option<&Entry> {
        self.nodes.get(id).map(|node| &node.entry)
    }

    /// Every admitted entry with its verdict, ancestors first, and in the same order on every device.
    #[must_use]
    pub fn in_order(&self) -> Vec<(EntryId, &Entry, &Verdict)> {
        let all = self.in_order_of_depth().into_iter();
        all.map(|(id, node)| (*id, &node.entry, &node.verdict)).collect()
    }

    fn in_order_of_depth(&self) -> Vec<(&EntryId, &Node)> {
        let mut all: Vec<_> = self.nodes.iter().collect();
        all.sort_by_key(|(id, node)| (node.depth, moment(&node.entry), **id));
        all
    }

    /// The entry that brought a document change.
    #[must_use]
    pub fn entry_of(&self, change: &ChangeHash) -> Option<EntryId> {
        self.changes.get(change).copied()
    }

    /// True when an entry is part of the plan: it stands, or was held and adopted.
    #[must_use]
    pub fn is_part(&self, id: &EntryId) -> bool {
        self.verdict(id) == Some(&Verdict::Standing) || self.adopted.contains(id)
    }

    /// The consents that apply now, newest of each scope; several when they were recorded at the same time.
    #[must_use]
    pub fn consents(&self) -> Vec<(EntryId, &Consent)> {
        let all = self.landmarks();
        [Scope::Record, Scope::Share]
            .into_iter()
            .flat_map(|scope| self.newest_consents(&all, scope))
            .collect()
    }

    /// The basis that an entry written now would name; `None` when there is no consent of the scope, or one of the
    /// newest withdraws it.
    #[must_use]
    pub fn basis(&self, scope: Scope) -> Option<EntryId> {
        let newest: Vec<_> = self.consents().into_iter().filter(|(_, c)| c.scope == scope).collect();
        if newest.iter().any(|(_, c)| c.outcome == Outcome::Withdrawn) {
            return None;
        }
        newest.first().map(|(id, _)| *id)
    }

    /// The decisions on a section that stand and that nothing supersedes. More than one: in conflict.
    #[must_use]
    pub fn decisions(&self, section: u8) -> Vec<Standing<'_>> {
        self.decisions_among(section, |id| self.is_part(id))
    }

    /// The same of only some entries: what somebody had before them at another time.
    fn decisions_among(&self, section: u8, among: impl Fn(&EntryId) -> bool) -> Vec<Standing<'_>> {
        let ids = self.decisions.get(&section).into_iter().flatten();
        let of_section: Vec<_> = ids.filter(|id| among(id)).filter_map(|id| self.decision(id)).collect();
        let superseded: BTreeSet<EntryId> = of_section
            .iter()
            .flat_map(|(_, decision, node)| {
                decision.supersedes.iter().filter(|old| self.precedes(old, &node.entry.parents))
            })
            .copied()
            .collect();
        let endorsing = |id: &EntryId| {
            of_section
                .iter()
                .filter(|(_, d, _)| d.endorses == Some(*id))
                .map(|(by, _, _)| *by)
                .collect::<Vec<_>>()
        };
        let says = |decision: &Decision| {
            self.compartment != Compartment::Professional || !family::takes_back(&decision.content)
        };
        of_section
            .iter()
            .filter(|(id, decision, _)| {
                decision.endorses.is_none() && !superseded.contains(id) && says(decision)
            })
            .map(|(id, decision, _)| Standing { entry: *id, decision, endorsed_by: endorsing(id) })
            .collect()
    }

    /// The sections on which any decision stands.
    #[must_use]
    pub fn decided_sections(&self) -> BTreeSet<u8> {
        let any = |ids: &BTreeSet<EntryId>| ids.iter().any(|id| self.is_part(id));
        self.decisions.iter().filter(|(_, ids)| any(ids)).map(|(section, _)| *section).collect()
    }

    fn decision(&self, id: &EntryId) -> Option<(EntryId, &Decision, &Node)> {
        let node = self.nodes.get(id)?;
        match &node.entry.body {
            Body::Decision(decision) => Some((*id, decision, node)),
            _ => None,
        }
    }

    /// Standing entries of one kind.
    fn standing<'a, T: 'a>(
        &'a self,
        kind: impl Fn(&'a Body) -> Option<&'a T>,
    ) -> impl Iterator<Item = (EntryId, &'a T, &'a Node)> {
        let standing = self.nodes.iter().filter(|(_, node)| node.verdict == Verdict::Standing);
        standing.filter_map(move |(id, node)| Some((*id, kind(&node.entry.body)?, node)))
    }

    /// Everybody to whom the log was opened, as the log itself records it.
    #[must_use]
    pub fn grants(&self) -> Vec<(EntryId, Grant)> {
        fn grant(body: &Body) -> Option<&Grant> {
            match body {
                Body::Grant(grant) => Some(grant),
                _ => None,
            }
        }
        self.standing(grant).map(|(id, grant, _)| (id, *grant)).collect()
    }

    /// The author's place in this log: how many entries they wrote and the last one.
    #[must_use]
    pub fn last_of(&self, author: &IdentityId) -> Option<(u64, EntryId)> {
        let (seq, twins) = self.authors.get(author)?.last_key_value()?;
        let id = twins.iter().find(|id| !self.losers.contains(id)).or_else(|| twins.first())?;
        Some((*seq, *id))
    }

    /// Judges everything again, knowing every fork. Needed after [`Admission::Rejudge`].
    ///
    /// Of two entries that one author wrote in one place, the one stands that most colleagues built on without knowing the
    /// other, so that nobody alone can unsettle later what others have relied on; at a tie, the one with the smaller id.
    pub fn rejudge<'a>(&mut self, by: impl Into<By<'a>>) {
        let by = by.into();
        self.rejudged += 1;
        self.judged_by = by.plan.map_or(0, |plan| plan.rejudged);
        self.losers = self.find_losers(by.trust);
        let mut again: Vec<(u32, EntryId, Entry)> = std::mem::take(&mut self.nodes)
            .into_iter()
            .map(|(id, node)| (node.depth, id, node.entry))
            .collect();
        again.sort_by_key(|(depth, id, _)| (*depth, *id));
        self.heads.clear();
        self.changes.clear();
        self.decisions.clear();
        self.reviews.clear();
        self.adopted.clear();
        self.authors.clear();
        for (_, id, entry) in again {
            self.insert(id, entry, by);
        }
    }

    fn find_losers(&self, trust: &Trust) -> BTreeSet<EntryId> {
        let mut losers = BTreeSet::new();
        for (author, places) in &self.authors {
            for twins in places.values() {
                let after_loser = |id: &EntryId| {
                    self.entry(id).and_then(Entry::prev_id).is_some_and(|prev| losers.contains(&prev))
                };
                let (lost, candidates): (Vec<EntryId>, Vec<EntryId>) =
                    twins.iter().partition(|id| after_loser(id));
                losers.extend(lost);
                if candidates.len() > 1 {
                    let stands = self.relied_on(author, &candidates, trust);
                    losers.extend(candidates.into_iter().filter(|id| Some(*id) != stands));
                }
            }
        }
        losers
    }

    /// Who counts as a colleague has a credential by an organisation: a clinician can make up persons, not colleagues.
    fn relied_on(&self, author: &IdentityId, twins: &[EntryId], trust: &Trust) -> Option<EntryId> {
        let witnesses = |twin: &EntryId| -> BTreeSet<IdentityId> {
            let colleagues = self.nodes.values().filter(|node| {
                node.author != *author && trust.organisation_of(&node.entry.credential).is_some()
            });
            let relying = colleagues.filter(|node| {
                let knows = |id: &EntryId| self.precedes(id, &node.entry.parents);
                knows(twin) && !twins.iter().any(|other| other != twin && knows(other))
            });
            relying.map(|node| node.author).collect()
        };
        twins.iter().max_by_key(|twin| (witnesses(twin).len(), std::cmp::Reverse(**twin))).copied()
    }
}

/// The moment by which an entry is judged: what a relay last told its author's device, else that device's own clock.
#[must_use]
pub fn moment(entry: &Entry) -> Timestamp {
    entry.relay_time.unwrap_or(entry.device_time)
}

/// True for what later entries are judged by.
fn is_landmark(body: &Body, verdict: &Verdict) -> bool {
    match body {
        Body::Consent(_) | Body::Review(_) | Body::Approval(_) => *verdict == Verdict::Standing,
        Body::Decision(decision) => decision.section == Section::AfterDeath.number(),
        Body::Change(_) | Body::Grant(_) | Body::Mark(_) | Body::Looks(_) => false,
    }
}
