//! A ledger and its document, kept together: what one device believes about one log.

use std::collections::{BTreeMap, BTreeSet};

use bedside_protocol::entry::{Body, Compartment, Entry, EntryError, entry_id};
use bedside_protocol::ids::{EntryId, LogId, StatementId};
use bedside_protocol::signing::Signer;
use bedside_protocol::statement::{Credential, Trust};

use super::approval::Approved;
use super::family::Both;
use super::{Admission, By, Ledger, Missing, Standing};
use crate::crdt::{CrdtError, Document};
use crate::crypto::content::{sign_entry, verify_entry};
use crate::limits::UNSAVED_CHANGES_MAX;
use crate::plan::check::decode_decision;
use crate::plan::kept::Kept;
use crate::plan::schema::TEXTS;
use crate::plan::view::{
    AsOf, Course, Material, Provenance, StandingApproval, StandingConsent, StandingDecision,
};

/// One log: its entries judged, and the standing changes applied.
pub struct Replica {
    ledger: Ledger,
    document: Document,
    /// How many changes the document has taken in since it was last saved.
    unsaved: usize,
    left_out: BTreeSet<EntryId>,
    postponed: Postponed,
}

/// What was admitted and is not in the document yet.
#[derive(Default)]
struct Postponed {
    new: Vec<EntryId>,
    /// The held entries that were part of the plan before; none while nothing is postponed.
    adopted: Option<BTreeSet<EntryId>>,
    /// Verdicts given before have changed: what is in the document may have to come out.
    redraw: bool,
}

/// What of a log is not where it should be yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backlog {
    /// Own entries that the relay has not confirmed.
    pub unsent: usize,
    /// Entries that have come and cannot be taken in yet.
    pub waiting: usize,
    /// More of these were left with the relay, for want of room.
    pub passed_over: bool,
}

/// An entry as its author signed it.
#[derive(Clone)]
pub struct SignedEntry {
    /// The canonical bytes.
    pub bytes: Vec<u8>,
    /// Ed25519 over the entry's id.
    pub signature: [u8; 64],
}

/// Why a signed entry is refused outright: it proves nothing about who wrote it.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Its bytes are not an entry.
    #[error("the entry cannot be read")]
    Entry(#[from] EntryError),
    /// The signature is not by the author that it names.
    #[error("the entry is not signed by the author it names")]
    Signature,
}

/// What came of offering a signed entry.
#[derive(Debug)]
pub enum Offered {
    /// It is part of the ledger now, or was before.
    Admitted(EntryId),
    /// It cannot be judged before these come.
    Waiting(EntryId, Missing),
}

impl Replica {
    /// A plan's main log of which nothing is held.
    #[must_use]
    pub fn new(log: LogId) -> Self {
        Self::of(log, Compartment::Shared)
    }

    /// Any log of a plan of which nothing is held.
    #[must_use]
    pub fn of(log: LogId, compartment: Compartment) -> Self {
        let (ledger, document) = (Ledger::new(log, compartment, TEXTS), Document::new(TEXTS));
        Self { ledger, document, unsaved: 0, left_out: BTreeSet::new(), postponed: Postponed::default() }
    }

    /// A plan's main log, from what was stored of it: see [`Self::rebuild_of`].
    pub fn rebuild(
        log: LogId,
        entries: impl IntoIterator<Item = Vec<u8>>,
        document: Option<&[u8]>,
        trust: &Trust,
    ) -> Self {
        Self::rebuild_of(log, Compartment::Shared, entries, document, trust.into())
    }

    /// From entries that were verified when they were stored, in any order. One that cannot be read (a newer version wrote
    /// it) is left out with everything that builds on it, and the rest stands: see [`Self::left_out`]. With the stored document,
    /// if it fits, only the changes since then have to be applied.
    pub fn rebuild_of(
        log: LogId,
        compartment: Compartment,
        entries: impl IntoIterator<Item = Vec<u8>>,
        document: Option<&[u8]>,
        by: By<'_>,
    ) -> Self {
        let mut pending = Vec::new();
        let mut left_out = BTreeSet::new();
        for bytes in entries {
            let id = entry_id(&log, &bytes);
            match Entry::from_bytes(&bytes) {
                Ok(entry) => pending.push((id, entry)),
                Err(_) => drop(left_out.insert(id)),
            }
        }
        let mut empty = Ledger::new(log, compartment, TEXTS);
        empty.judged_by = by.plan.map_or(0, |plan| plan.rejudged);
        let (ledger, waiting, rejudged) = admit_all(empty, pending, by);
        left_out.extend(waiting);
        let stored = document.and_then(|bytes| Document::load(bytes).ok());
        let mut replica = Self { ledger, left_out, ..Self::of(log, compartment) };
        // It was written together with entries, so it can hold too much only after a judgement took something out again, or
        // when an entry cannot be read any more.
        let fits = |_: &Document| !rejudged && replica.left_out.is_empty();
        let caught_up = stored.filter(fits).is_some_and(|stored| replica.catch_up(stored).is_ok());
        if !caught_up {
            replica.redraw(by);
        }
        replica
    }

    /// Judges everything again if the plan's main log was, since this log was judged by it.
    pub fn keep_up(&mut self, by: By<'_>) {
        if self.ledger.is_stale(by) {
            self.rejudge(by);
        }
    }

    fn rejudge(&mut self, by: By<'_>) {
        self.postponed = Postponed::default();
        self.ledger.rejudge(by);
        self.redraw(by);
    }

    /// Stored entries that are not in the ledger: what cannot be read, and what builds on it.
    #[must_use]
    pub const fn left_out(&self) -> &BTreeSet<EntryId> {
        &self.left_out
    }

    /// Takes a stored document and applies the changes of the plan that it lacks; an error when it holds one too many.
    fn catch_up(&mut self, mut stored: Document) -> Result<(), CrdtError> {
        stored.extend(TEXTS);
        let mut missing = Vec::new();
        for (id, node) in self.ledger.in_order_of_depth() {
            let Some(change) = node.change.as_ref() else { continue };
            match (stored.has(&change.hash), change_of_the_plan(&self.ledger, id)) {
                (false, Some(bytes)) => missing.push(bytes),
                (true, None) => return Err(CrdtError::Nothing),
                (true, Some(_)) | (false, None) => {}
            }
        }
        stored.apply(&missing)?;
        self.unsaved = missing.len();
        self.document = stored;
        Ok(())
    }

    /// What somebody believed of a log who held only some of its entries: those that `keep` says, as far as their past is kept too.
    #[must_use]
    pub fn at<'a>(&self, keep: impl Fn(&EntryId, &Entry) -> bool, by: impl Into<By<'a>>) -> Self {
        let by = by.into();
        let all = self.ledger.in_order().into_iter();
        let kept = all.filter(|(id, entry, _)| keep(id, entry));
        let kept = kept.map(|(id, entry, _)| (id, entry.clone())).collect();
        let mut empty = Ledger::new(self.ledger.log, self.ledger.compartment, TEXTS);
        empty.judged_by = by.plan.map_or(0, |plan| plan.rejudged);
        let (ledger, _, _) = admit_all(empty, kept, by);
        let mut replica = Self { ledger, ..Self::of(self.ledger.log, self.ledger.compartment) };
        replica.redraw(by);
        replica
    }

    /// Verifies and admits one entry.
    pub fn offer<'a>(&mut self, signed: &SignedEntry, by: impl Into<By<'a>>) -> Result<Offered, Refused> {
        let by = by.into();
        let offered = self.take(signed, by);
        self.settle(by);
        offered
    }

    /// Signs an entry of one's own and admits it. Refused when the credential that it names is not the signer's.
    pub fn sign<'a>(
        &mut self,
        bytes: Vec<u8>,
        signer: &dyn Signer,
        by: impl Into<By<'a>>,
    ) -> Result<(SignedEntry, Offered), Refused> {
        let by = by.into();
        let entry = Entry::from_bytes(&bytes)?;
        let id = entry_id(&self.ledger.log, &bytes);
        let offered = match by.trust.credential(&entry.credential) {
            None => Offered::Waiting(id, Missing::Credential(entry.credential)),
            Some(own) if own.signing_key != signer.public_key() => return Err(Refused::Signature),
            Some(_) => self.admit(id, entry, by),
        };
        self.settle(by);
        Ok((SignedEntry { signature: sign_entry(signer, &id), bytes }, offered))
    }

    /// [`Self::offer`] for one of many: the document is as it was until [`Self::settle`], which takes them in together.
    pub fn take<'a>(&mut self, signed: &SignedEntry, by: impl Into<By<'a>>) -> Result<Offered, Refused> {
        let by = by.into();
        let entry = Entry::from_bytes(&signed.bytes)?;
        let id = entry_id(&self.ledger.log, &signed.bytes);
        let Some(credential) = by.trust.credential(&entry.credential) else {
            return Ok(Offered::Waiting(id, Missing::Credential(entry.credential)));
        };
        if !verify_entry(&credential.signing_key, &id, &signed.signature) {
            return Err(Refused::Signature);
        }
        Ok(self.admit(id, entry, by))
    }

    fn admit(&mut self, id: EntryId, entry: Entry, by: By<'_>) -> Offered {
        if self.postponed.adopted.is_none() {
            self.postponed.adopted = Some(self.ledger.adopted.clone());
        }
        if self.ledger.is_stale(by) {
            self.ledger.rejudge(by);
            self.postponed.redraw = true;
        }
        match self.ledger.admit(id, entry, by) {
            Admission::Waiting(missing) => return Offered::Waiting(id, missing),
            Admission::Known => {}
            Admission::Admitted => self.postponed.new.push(id),
            Admission::Rejudge => {
                self.ledger.rejudge(by);
                self.postponed.redraw = true;
            }
        }
        Offered::Admitted(id)
    }

    /// Takes into the document what [`Self::take`] admitted. A change that does not fit is found here.
    pub fn settle<'a>(&mut self, by: impl Into<By<'a>>) {
        let Postponed { new, adopted, redraw } = std::mem::take(&mut self.postponed);
        if redraw || self.follow(new, &adopted.unwrap_or_default()).is_err() {
            self.redraw(by.into());
        }
    }

    /// Applies what became part of the plan by new entries; an error when something has to come out of the document.
    fn follow(&mut self, new: Vec<EntryId>, before: &BTreeSet<EntryId>) -> Result<(), CrdtError> {
        if new.is_empty() {
            return Ok(());
        }
        if !before.is_subset(&self.ledger.adopted) {
            return Err(CrdtError::Nothing);
        }
        let adopted = self.ledger.adopted.difference(before).copied();
        let mut ids: Vec<EntryId> = adopted.chain(new).collect();
        ids.sort_by_key(|id| (self.ledger.nodes.get(id).map(|node| node.depth), *id));
        ids.dedup();
        let changes: Vec<&[u8]> = ids.iter().filter_map(|id| change_of_the_plan(&self.ledger, id)).collect();
        self.unsaved += changes.len();
        self.document.apply(&changes)
    }

    /// Applies every change of the plan to an empty document. One that does not fit what it builds on is held after all, and
    /// everything is judged again; that depends on the change's own past alone, so every device holds the same ones.
    fn redraw(&mut self, by: By<'_>) {
        loop {
            let mut document = Document::new(TEXTS);
            let all = self.ledger.in_order().into_iter();
            let changes: Vec<(EntryId, &[u8])> =
                all.filter_map(|(id, ..)| Some((id, change_of_the_plan(&self.ledger, &id)?))).collect();
            let broken = apply_what_fits(&mut document, &changes);
            self.document = document;
            self.unsaved = UNSAVED_CHANGES_MAX;
            if broken.is_empty() {
                break;
            }
            self.ledger.broken.extend(broken);
            self.ledger.rejudge(by);
        }
    }

    /// The judged entries.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The document that the standing changes make.
    #[must_use]
    pub const fn document(&self) -> &Document {
        &self.document
    }

    /// The document's bytes, once it has taken in so many changes that applying them again would be felt.
    pub fn save_in_time(&mut self) -> Option<Vec<u8>> {
        if self.unsaved < UNSAVED_CHANGES_MAX {
            return None;
        }
        self.unsaved = 0;
        Some(self.document.save())
    }

    /// The document, to draft a change in it.
    pub const fn document_mut(&mut self) -> &mut Document {
        &mut self.document
    }

    /// Who wrote an entry, in words, and when.
    #[must_use]
    pub fn provenance(&self, id: &EntryId, trust: &Trust) -> Option<Provenance> {
        let entry = self.ledger.entry(id)?;
        let credential: &Credential = trust.credential(&entry.credential)?;
        Some(Provenance {
            author: credential.name.clone(),
            role: credential.role,
            organisation: trust.organisation_of(&entry.credential).map(|o| o.name.clone()),
            ods_code: trust.organisation_of(&entry.credential).map(|o| o.ods_code.clone()),
            time: entry.device_time,
            relay_time: entry.relay_time,
            entry: *id,
        })
    }

    /// Hands the plan's view everything it is made of, as far as it is in the main log.
    pub fn material<R>(
        &self,
        trust: &Trust,
        as_of: AsOf,
        backlog: Backlog,
        use_it: impl FnOnce(&Material<'_>) -> R,
    ) -> R {
        self.material_with(&[], trust, as_of, backlog, use_it)
    }

    /// The same with the logs beside the main one that the reader holds.
    pub fn material_with<R>(
        &self,
        beside: &[&Self],
        trust: &Trust,
        as_of: AsOf,
        backlog: Backlog,
        use_it: impl FnOnce(&Material<'_>) -> R,
    ) -> R {
        let ledger = &self.ledger;
        let logs = || [self].into_iter().chain(beside.iter().copied());
        let restricted = logs().find(|replica| replica.ledger.compartment == Compartment::Restricted);
        let both = Both::of(self, beside);
        let from =
            |change: &_| logs().flat_map(|replica| Some((replica, replica.ledger.entry_of(change)?))).next();
        let decisions: Vec<StandingDecision> = both
            .decided_sections()
            .into_iter()
            .flat_map(|section| both.decisions(section))
            .filter_map(|(replica, standing)| replica.decision(&standing, trust))
            .collect();
        let consents: Vec<StandingConsent> = self
            .ledger
            .consents()
            .into_iter()
            .filter_map(|(id, consent)| {
                Some(StandingConsent {
                    entry: id,
                    scope: consent.scope,
                    outcome: consent.outcome,
                    note: consent.note.clone(),
                    grounds: consent.grounds.clone(),
                    by: self.provenance(&id, trust)?,
                })
            })
            .collect();
        let approved = |replica: &Self, plan| -> Vec<StandingApproval> {
            let approvals = replica.ledger.approvals(plan);
            approvals.iter().filter_map(|approved| replica.approval(approved, trust)).collect()
        };
        let approvals = approved(self, None);
        let (digests, kept_digests) = both.digests();
        let kept_approvals = both.professional.map(|replica| approved(replica, Some(ledger)));
        let professional = both.professional.zip(kept_approvals.as_ref()).map(|(replica, approvals)| Kept {
            document: &replica.document,
            approvals,
            digests: &kept_digests,
        });
        use_it(&Material {
            document: &self.document,
            decisions: &decisions,
            consents: &consents,
            restricted: restricted.map(Self::document),
            professional,
            provenance: &|change| from(change).and_then(|(replica, id)| replica.provenance(&id, trust)),
            approvals: &approvals,
            digests: &digests,
            course: self.course(both.professional, trust),
            held: logs().map(|replica| replica.ledger.held()).sum(),
            left_out: logs().map(|replica| replica.left_out.len()).sum(),
            waiting: backlog.unsent,
            to_come: backlog.waiting,
            passed_over: backlog.passed_over,
            as_of,
        })
    }

    fn decision(&self, standing: &Standing<'_>, trust: &Trust) -> Option<StandingDecision> {
        let by = |id: &EntryId| self.provenance(id, trust);
        Some(StandingDecision {
            entry: standing.entry,
            section: standing.decision.section,
            fields: decode_decision(&standing.decision.content).ok()?,
            kept_in: self.ledger.compartment,
            by: by(&standing.entry)?,
            endorsed_by: standing.endorsed_by.iter().filter_map(by).collect(),
        })
    }

    fn approval(&self, approved: &Approved<'_>, trust: &Trust) -> Option<StandingApproval> {
        let decisions = approved.decisions.iter().map(|(section, stood)| {
            (*section, stood.iter().filter_map(|standing| self.decision(standing, trust)).collect())
        });
        Some(StandingApproval {
            signed: approved.approval.sections.iter().map(|s| (s.section, s.digest)).collect(),
            review_on: approved.approval.review_on.clone(),
            newest_of: approved.newest_of.clone(),
            decisions: decisions.collect(),
            replaced: approved.replaced.clone(),
            by: self.provenance(&approved.entry, trust)?,
        })
    }

    fn course(&self, professional: Option<&Self>, trust: &Trust) -> Course {
        let ledger = &self.ledger;
        let content = |entry: &Entry| matches!(entry.body, Body::Change(_) | Body::Decision(_));
        let amended = |replica: &Self| {
            let ledger = &replica.ledger;
            let parts = ledger.nodes.iter().filter(|(id, node)| content(&node.entry) && ledger.is_part(id));
            parts.map(|(_, node)| node.entry.device_time).max()
        };
        Course {
            created: ledger.nodes.values().map(|node| node.entry.device_time).min(),
            amended: amended(self).max(professional.and_then(amended)),
            by_person: ledger.started_by_person(trust),
            mark: ledger
                .mark()
                .and_then(|(id, mark)| Some((mark.stage, mark.note.clone(), self.provenance(&id, trust)?))),
        }
    }

    /// How many entries each credential wrote, standing or held.
    #[must_use]
    pub fn entries_by_credential(&self) -> BTreeMap<StatementId, usize> {
        let mut counts = BTreeMap::new();
        for entry in self.ledger.nodes.values().map(|node| &node.entry) {
            *counts.entry(entry.credential).or_default() += 1;
        }
        counts
    }
}

/// Admits what can be admitted; what waits for something else; whether anything was judged anew.
fn admit_all(
    mut ledger: Ledger,
    mut pending: Vec<(EntryId, Entry)>,
    by: By<'_>,
) -> (Ledger, Vec<EntryId>, bool) {
    let mut rejudge = false;
    loop {
        let before = pending.len();
        pending.retain(|(id, entry)| match ledger.admit(*id, entry.clone(), by) {
            Admission::Waiting(_) => true,
            Admission::Rejudge => {
                rejudge = true;
                false
            }
            Admission::Known | Admission::Admitted => false,
        });
        if pending.is_empty() || pending.len() == before {
            break;
        }
    }
    if rejudge {
        ledger.rejudge(by);
    }
    (ledger, pending.into_iter().map(|(id, _)| id).collect(), rejudge)
}

/// Applies changes that stand in an order in which each comes after those it builds on; those that do not fit are left out
/// and named. All at once, and in halves around what does not fit: a document takes many changes as fast as one.
fn apply_what_fits(document: &mut Document, changes: &[(EntryId, &[u8])]) -> Vec<EntryId> {
    let all: Vec<&[u8]> = changes.iter().map(|(_, change)| *change).collect();
    match (document.apply(&all), changes) {
        (Ok(()), _) => Vec::new(),
        (Err(_), [(id, _)]) => vec![*id],
        (Err(_), _) => {
            let (first, rest) = changes.split_at(changes.len() / 2);
            let mut broken = apply_what_fits(document, first);
            broken.extend(apply_what_fits(document, rest));
            broken
        }
    }
}

fn change_of_the_plan<'a>(ledger: &'a Ledger, id: &EntryId) -> Option<&'a [u8]> {
    let node = ledger.nodes.get(id).filter(|_| ledger.is_part(id))?;
    match (&node.entry.body, &node.change) {
        (Body::Change(change), Some(_)) => Some(change),
        _ => None,
    }
}
