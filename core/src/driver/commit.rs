//! The way of an edit on the device that makes it: shape and authority, change, signature, seal, and one transaction that
//! writes entry, document, summary, search index and the outgoing copy.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use bedside_protocol::cbor;
use bedside_protocol::entry::{
    Approval, ApprovedSection, Body, Compartment, Consent, Decision, Entry, Grant, Look, Mark, Review,
    entry_id,
};
use bedside_protocol::ids::{EntryId, LogId, SealedId, Timestamp};

use super::DriverError;
use super::lists::list_rows;
use super::open_vault::{Books, Family, OpenVault, Place};
use super::post::BATCH;
use crate::crdt::Edit;
use crate::crypto::content::ContentKey;
use crate::ledger::replica::{Offered, Replica, SignedEntry};
use crate::ledger::write::Pen;
use crate::ledger::{By, Ledger, Verdict};
use crate::limits::ENTRY_BYTES_MAX;
use crate::plan::approval::version;
use crate::plan::locale::Locale;
use crate::plan::schema::Section;
use crate::plan::summary::{First, summary};
use crate::store::{
    ContentKeyRow, DocumentRow, EntryRow, ListRow, LogRow, OutgoingRow, PlanRow, StatementRow, StoreError,
    Vault, VaultTx,
};

/// What an entry is to say, before it has its place.
pub(crate) enum Says {
    Consent(Consent),
    Edits(Vec<Edit>),
    Decision(Decision),
    Grant(Grant),
    Approval(Approval),
    Review(Review),
    Mark(Mark),
    Looks(Vec<Look>),
}

/// An approval of what somebody was shown.
pub(crate) struct Approve {
    /// None: every section in which anything stands.
    pub(crate) sections: Vec<Section>,
    /// The version of the plan that they were shown.
    pub(crate) seen: String,
    pub(crate) review_on: Option<String>,
}

/// What one commit writes. Made first, written then.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) logs: Vec<LogRow>,
    /// Logs of which it is known now where they stand.
    pub(crate) links: Vec<(LogId, Place)>,
    pub(crate) keys: Vec<(LogId, ContentKeyRow)>,
    pub(crate) statements: Vec<StatementRow>,
    pub(crate) entries: Vec<EntryRow>,
    pub(crate) outgoing: Vec<OutgoingRow>,
    pub(crate) documents: Vec<(LogId, DocumentRow)>,
    pub(crate) plans: Vec<PlanRow>,
    pub(crate) lists: Vec<(LogId, Vec<ListRow>)>,
    /// Positions of looks that are in these entries.
    pub(crate) looks_done: Vec<i64>,
    /// Names of secrets that these entries hold now.
    pub(crate) secrets_done: Vec<String>,
}

impl Rows {
    pub(crate) fn write(self, tx: &VaultTx) -> Result<(), StoreError> {
        self.logs.iter().try_for_each(|row| tx.put_log(row))?;
        self.links
            .iter()
            .try_for_each(|(log, place)| tx.link_log(log, &place.main, place.compartment.number()))?;
        self.keys.iter().try_for_each(|(log, row)| tx.put_content_key(log, row))?;
        self.statements.iter().try_for_each(|row| tx.put_statement(row).map(drop))?;
        self.entries.iter().try_for_each(|row| tx.put_entry(row).map(|_| ()))?;
        self.outgoing.iter().try_for_each(|row| tx.put_outgoing(row))?;
        self.documents.iter().try_for_each(|(log, row)| tx.put_document(log, row))?;
        self.plans.iter().try_for_each(|row| tx.put_plan(row))?;
        self.lists.iter().try_for_each(|(log, rows)| tx.put_lists(log, rows))?;
        let news: BTreeSet<LogId> = self.entries.iter().filter(|row| !row.own).map(|row| row.log).collect();
        let plan = |log| tx.log(&log).map(|row| row.and_then(|row| row.main).unwrap_or(log));
        let news = news.into_iter().map(plan).collect::<Result<BTreeSet<LogId>, _>>()?;
        news.iter().try_for_each(|plan| tx.note_news(plan))?;
        self.looks_done.iter().try_for_each(|position| tx.delete_look(*position))?;
        self.secrets_done.iter().try_for_each(|name| tx.delete_secret(name))
    }
}

impl OpenVault {
    /// Writes entries by this device's person into a log, all of them or none, durably.
    ///
    /// `first` holds what has to be there before, in the same transaction: a new log's row, key and access.
    pub(crate) fn commit(
        &self,
        log: LogId,
        says: Vec<Says>,
        at: Moment,
        first: Rows,
    ) -> Result<Vec<EntryId>, DriverError> {
        self.commit_all(vec![(log, says)], at, first)
    }

    /// The same into several logs of a plan.
    pub(crate) fn commit_all(
        &self,
        says: Vec<(LogId, Vec<Says>)>,
        at: Moment,
        first: Rows,
    ) -> Result<Vec<EntryId>, DriverError> {
        let pen = self.pen(at.now, at.relay_time)?;
        self.commit_under(&mut self.books(), says, &pen, at, first)
    }

    /// Approves what somebody was shown of a plan: the main log and, where anything is there, the professional one.
    pub(crate) fn approve(
        &self,
        plan: LogId,
        approve: &Approve,
        at: Moment,
    ) -> Result<Vec<EntryId>, DriverError> {
        let pen = self.pen(at.now, at.relay_time)?;
        let mut books = self.books();
        let says = approvals(&books.family(&self.vault, plan)?, approve)?;
        self.commit_under(&mut books, says, &pen, at, Rows::default())
    }

    fn commit_under(
        &self,
        books: &mut Books,
        says: Vec<(LogId, Vec<Says>)>,
        pen: &Pen,
        at: Moment,
        mut first: Rows,
    ) -> Result<Vec<EntryId>, DriverError> {
        self.check_in_step(books)?;
        let logs: BTreeSet<LogId> = says.iter().map(|(log, _)| *log).collect();
        let begun = first.logs.iter().map(|row| row.id).chain(first.links.iter().map(|(log, _)| *log));
        let touched: BTreeSet<LogId> = logs.iter().copied().chain(begun).collect();
        let written = self.write_down(books, says, pen, &mut first);
        let ids = written.and_then(|ids| {
            describe(books, &self.vault, &logs, at, &mut first)?;
            self.write_rows(first)?;
            Ok(ids)
        });
        if ids.is_err() {
            touched.iter().for_each(|log| books.evict(log));
        }
        ids
    }

    /// Writes what is to be sent with everything around it, and keeps at hand what of it is to be posted: read where it was just
    /// written, so that the outbox is not read again to be copied.
    pub(crate) fn write_rows(&self, rows: Rows) -> Result<(), DriverError> {
        let posted = self.posted.load(Ordering::SeqCst);
        let to_post = self.vault.write(move |tx| {
            rows.write(tx)?;
            tx.outgoing_after(posted, BATCH)
        })?;
        self.to_post.lock().unwrap_or_else(PoisonError::into_inner).extend(to_post);
        Ok(())
    }

    fn write_down(
        &self,
        books: &mut Books,
        says: Vec<(LogId, Vec<Says>)>,
        pen: &Pen,
        rows: &mut Rows,
    ) -> Result<Vec<EntryId>, DriverError> {
        let mut ids = Vec::new();
        for (log, says) in says {
            let key = match rows.keys.iter().find(|(of, _)| *of == log) {
                Some((_, row)) => ContentKey::from_bytes(&row.key).map_err(DriverError::Crypto)?,
                None => self.key_to_write(books, log)?,
            };
            ids.extend(write_all(books, self, log, says, pen, &key, rows)?);
        }
        Ok(ids)
    }
}

/// When something is written, and what the relay last said of the time.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: Timestamp,
    pub(crate) relay_time: Option<Timestamp>,
}

fn write_all(
    books: &mut Books,
    open: &OpenVault,
    log: LogId,
    says: Vec<Says>,
    pen: &Pen,
    key: &ContentKey,
    rows: &mut Rows,
) -> Result<Vec<EntryId>, DriverError> {
    let (replica, by) = books.replica_and_by(&open.vault, log)?;
    for id in replica.left_out() {
        if open.vault.read(|read| read.entry(id))?.is_some_and(|row| row.own) {
            return Err(DriverError::StoredEntry);
        }
    }
    let mut ids = Vec::with_capacity(says.len());
    for says in says {
        let body = match says {
            Says::Consent(consent) => Body::Consent(consent),
            Says::Decision(decision) => Body::Decision(decision),
            Says::Grant(grant) => Body::Grant(grant),
            Says::Approval(approval) => Body::Approval(approval),
            Says::Review(review) => Body::Review(review),
            Says::Mark(mark) => Body::Mark(mark),
            Says::Looks(looks) => Body::Looks(looks),
            Says::Edits(edits) => {
                let actor = replica.ledger().actor(&pen.author);
                let change = replica.document_mut().edit(&actor, pen.now, &edits);
                Body::Change(change.map_err(DriverError::Change)?)
            }
        };
        let ledger = replica.ledger();
        let entry = ledger.compose_in(by.plan.unwrap_or(ledger), pen, body).map_err(DriverError::Compose)?;
        ids.push(write_one(replica, by, open, log, &entry, key, pen.now, rows)?);
    }
    Ok(ids)
}

/// Signs what was on the screen, and nothing else: in each log what stands there.
fn approvals(family: &Family<'_>, approve: &Approve) -> Result<Vec<(LogId, Vec<Says>)>, DriverError> {
    let both = family.both();
    let (shared, kept) = both.digests();
    if version(&shared, Some(&kept)) != approve.seen {
        return Err(DriverError::Changed);
    }
    let wanted = |section: &Section| approve.sections.is_empty() || approve.sections.contains(section);
    let mut says = Vec::new();
    for replica in [Some(both.main), both.professional].into_iter().flatten() {
        let sections = approved_in(replica, approve);
        if !sections.is_empty() {
            let approval = Approval { sections, review_on: approve.review_on.clone() };
            says.push((replica.ledger().log(), vec![Says::Approval(approval)]));
        }
    }
    let conflict = Section::ALL
        .into_iter()
        .find(|section| wanted(section) && both.decisions(section.number()).len() > 1);
    match conflict {
        Some(section) => Err(DriverError::InConflict(section)),
        None => Ok(says),
    }
}

/// The sections to approve in one log: the chosen ones, or those in which anything stands. One that was approved and is empty
/// now is approved as empty.
fn approved_in(replica: &Replica, approve: &Approve) -> Vec<ApprovedSection> {
    let ledger = replica.ledger();
    let approved: BTreeSet<u8> = ledger
        .approvals(None)
        .iter()
        .flat_map(|approved| approved.approval.sections.iter().map(|section| section.section))
        .collect();
    let shared = ledger.compartment() == Compartment::Shared;
    let is_chosen = |section: &Section, digest: &[u8; 32]| {
        let filled = *digest != ledger.empty_digest(*section) || approved.contains(&section.number());
        let named = approve.sections.contains(section);
        *section != Section::Control
            && if approve.sections.is_empty() { filled } else { named && (filled || shared) }
    };
    let digests = ledger.digests(replica.document()).into_iter();
    digests
        .filter(|(section, digest)| is_chosen(section, digest))
        .map(|(section, digest)| ApprovedSection { section: section.number(), digest })
        .collect()
}

#[expect(clippy::too_many_arguments, reason = "one step of write_all, which has them all")]
fn write_one(
    replica: &mut Replica,
    by: By<'_>,
    open: &OpenVault,
    log: LogId,
    entry: &Entry,
    key: &ContentKey,
    now: Timestamp,
    rows: &mut Rows,
) -> Result<EntryId, DriverError> {
    let bytes = entry.to_bytes();
    if bytes.len() > ENTRY_BYTES_MAX {
        return Err(DriverError::TooLarge { bytes: bytes.len() });
    }
    let id = entry_id(&log, &bytes);
    let (signed, offered) = replica.sign(bytes, &open.keys.signing, by).map_err(DriverError::OwnEntry)?;
    match offered {
        Offered::Admitted(_) => {}
        Offered::Waiting(..) => return Err(DriverError::NotEnrolled),
    }
    if let Some(Verdict::Held(reason)) = replica.ledger().verdict(&id) {
        return Err(DriverError::NotAllowed(reason.clone()));
    }
    let sealed = key.seal_entry(&log, &id, &signed.bytes, &signed.signature).map_err(DriverError::Crypto)?;
    let sealed_id = sealed.id();
    rows.outgoing.push(OutgoingRow { sealed_id, entry_id: id, log, bytes: sealed.into_bytes() });
    rows.entries.push(entry_row(log, id, sealed_id, entry, signed, now, true));
    Ok(id)
}

/// The row of an entry that has been verified.
pub(crate) fn entry_row(
    log: LogId,
    entry_id: EntryId,
    sealed_id: SealedId,
    entry: &Entry,
    signed: SignedEntry,
    received_at: Timestamp,
    own: bool,
) -> EntryRow {
    EntryRow {
        log,
        entry_id,
        sealed_id,
        credential: entry.credential,
        author_seq: entry.author_seq,
        bytes: signed.bytes,
        signature: signed.signature.to_vec(),
        received_at,
        own,
    }
}

/// What a list shows of a plan beyond the columns of its row.
#[derive(Clone, Default, minicbor::Encode, minicbor::Decode)]
#[cbor(map)]
pub(crate) struct Listed {
    #[n(0)]
    pub(crate) status: String,
    #[n(1)]
    pub(crate) died: Option<String>,
    #[n(2)]
    pub(crate) locked: bool,
    /// None in rows of versions that kept it in English only.
    #[n(3)]
    pub(crate) first: Option<First>,
}

/// Adds what is derived from these logs: their documents, and the rows in lists of the plans that they are part of.
pub(crate) fn describe(
    books: &mut Books,
    vault: &Vault,
    logs: &BTreeSet<LogId>,
    at: Moment,
    rows: &mut Rows,
) -> Result<(), DriverError> {
    let mut plans = BTreeSet::new();
    for log in logs {
        let place = books.place(vault, *log)?;
        if place.is_some_and(|place| place.compartment == Compartment::AccessRecord) {
            continue;
        }
        plans.insert(place.map_or(*log, |place| place.main));
        let saved = books.replica(vault, *log)?.save_in_time();
        rows.documents.extend(saved.map(|bytes| (*log, DocumentRow { bytes, state: Vec::new() })));
    }
    plans.into_iter().try_for_each(|plan| list(books, vault, plan, at, rows))
}

fn list(
    books: &mut Books,
    vault: &Vault,
    log: LogId,
    at: Moment,
    rows: &mut Rows,
) -> Result<(), DriverError> {
    let plan = books.listed(vault, log, at)?;
    let summary = summary(&plan);
    let family = books.family(vault, log)?;
    let ledgers = || family.logs().map(Replica::ledger);
    let held: usize = ledgers().map(Ledger::held).sum();
    rows.lists.push((log, list_rows(&plan, ledgers().filter_map(Ledger::held_since).min())));
    let cpr = summary.first.say(Locale::british_english());
    let more = Listed {
        status: summary.status.to_owned(),
        died: summary.died,
        locked: summary.locked,
        first: Some(summary.first),
    };
    rows.plans.push(PlanRow {
        log,
        nhs_number: summary.nhs_number.replace(' ', ""),
        family: summary.family,
        given: summary.given,
        born: summary.born,
        place: summary.place.unwrap_or_default(),
        cpr,
        alerts: summary.alerts,
        in_conflict: summary.in_conflict,
        held: u32::try_from(held).unwrap_or(u32::MAX),
        changed_at: at.now,
        opened_at: None,
        summary: cbor::encode(&more),
    });
    Ok(())
}
