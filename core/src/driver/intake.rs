//! From the mailbox into the vault: open, verify, judge, apply, store.
//!
//! What is to be written is computed first and written then, in one transaction; only after that does the mailbox forget
//! what it held. A crash in between means that the same items are taken in again, which changes nothing. One bad item
//! never blocks another.

use std::collections::{BTreeMap, BTreeSet};

use bedside_protocol::cbor;
use bedside_protocol::entry::{Compartment, Entry, EntryError};
use bedside_protocol::ids::{EntryId, InviteId, LogId, Principal, SealedId, StatementId, Timestamp};
use bedside_protocol::sealed::SealedEntry;
use bedside_protocol::statement::{Access, Acknowledgement, Statement, StatementError, sign};
use bedside_protocol::wire::{EnrolRequest, Item};

use super::DriverError;
use super::commit::{Moment, Rows, describe, entry_row};
use super::compartments::Placed;
use super::open_vault::{Books, OpenVault};
use super::room::{Aside, Came, Room};
use crate::crypto::content::{ContentKey, open_content_key};
use crate::ledger::Missing;
use crate::ledger::replica::{Offered, SignedEntry};
use crate::limits::WAITING_MAX;
use crate::ports::Entropy;
use crate::store::{
    ContentKeyRow, IncomingRow, LogRow, QuarantineRow, ReceiptKind, ReceiptRow, StatementKind, StatementRow,
    StoreError, VaultTx, WaitReason, WaitingRow,
};

/// What one batch of items comes to.
#[derive(Default)]
pub(crate) struct Taken {
    rows: Rows,
    waiting: BTreeMap<SealedId, WaitingRow>,
    /// Those that waited before and were looked at again.
    waited: BTreeMap<SealedId, LogId>,
    receipts: Vec<ReceiptRow>,
    quarantine: Vec<QuarantineRow>,
    changed: BTreeSet<LogId>,
    /// Logs known before to which the relay says that there is access. For want of this statement it may have passed over
    /// a wish to follow them and refused their entries: both are sent again, and change nothing where it had not.
    heard_of: BTreeSet<LogId>,
    to_acknowledge: BTreeMap<LogId, Vec<SealedId>>,
    /// Positions in the mailbox of items that wait for a statement.
    kept: BTreeSet<i64>,
    /// Statements that items name and that are not here.
    pub(crate) wanted: BTreeSet<StatementId>,
    /// Enrolments to be answered, and invitations that two devices answered.
    pub(crate) enrolments: Vec<EnrolRequest>,
    pub(crate) contested: Vec<InviteId>,
}

/// What observers hear of a batch.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) plans: BTreeSet<LogId>,
    pub(crate) new_plans: BTreeSet<LogId>,
    pub(crate) done: Vec<i64>,
}

impl OpenVault {
    /// Takes in a batch. Returns what changed and which items the mailbox may forget.
    pub(crate) fn take_in(
        &self,
        batch: &[IncomingRow],
        at: Moment,
        entropy: &dyn Entropy,
    ) -> Result<(Taken, News), DriverError> {
        let mut books = self.books();
        let mut taken = Taken::default();
        let mut entries = Vec::new();
        for row in batch {
            match cbor::decode::<Item>(&row.bytes) {
                Ok(Item::Entry(bytes)) => entries.push(bytes),
                Ok(Item::Statement(bytes)) => {
                    self.statement(&mut books, &bytes, row.position, at, &mut taken)?
                }
                Ok(Item::Enrolment(request)) if self.is_anothers_invitation(&request.invite)? => {
                    taken.kept.insert(row.position);
                }
                Ok(Item::Enrolment(request)) => taken.enrolments.push(request),
                Ok(Item::InviteContested(id)) => taken.contested.push(id),
                Err(error) => taken.set_aside("item", row.bytes.clone(), error.to_string(), at.now),
            }
        }
        let result = self
            .entries(&mut books, entries, at, &mut taken)
            .and_then(|()| self.finish(&mut books, at, entropy, taken));
        if result.is_err() {
            // What memory holds may differ from what was stored.
            books.evict_all();
        }
        result.map(|(mut taken, mut news)| {
            news.done = batch.iter().map(|row| row.position).filter(|p| !taken.kept.contains(p)).collect();
            taken.kept.clear();
            (taken, news)
        })
    }

    fn statement(
        &self,
        books: &mut Books,
        bytes: &[u8],
        position: i64,
        at: Moment,
        taken: &mut Taken,
    ) -> Result<(), DriverError> {
        let (id, statement) = match books.trust.accept(bytes) {
            Ok(accepted) => accepted,
            Err(StatementError::MissingIssuer(issuer)) => {
                taken.kept.insert(position);
                taken.wanted.insert(issuer);
                return Ok(());
            }
            Err(error) => {
                taken.set_aside("statement", bytes.to_vec(), error.to_string(), at.now);
                return Ok(());
            }
        };
        let (kind, log) = match &statement {
            Statement::Organisation(_) => (StatementKind::Organisation, None),
            Statement::Credential(_) => (StatementKind::Credential, None),
            Statement::Access(access) => {
                self.access(access, taken)?;
                (StatementKind::Access, Some(access.log))
            }
            Statement::Acknowledgement(seen) => {
                self.acknowledged(seen, taken)?;
                return Ok(());
            }
            Statement::Invite(_) => return Ok(()),
        };
        taken.rows.statements.push(StatementRow { id, kind, log, bytes: bytes.to_vec(), sent: true });
        Ok(())
    }

    fn access(&self, access: &Access, taken: &mut Taken) -> Result<(), DriverError> {
        let opened = match access.reader {
            Principal::Identity(id) if id == self.keys.identity => {
                open_content_key(&self.keys.sealing, &access.log, &access.key, &access.sealed_key)
            }
            Principal::Organisation(_) if self.principals().contains(&access.reader) => {
                let Some(key) = self.organisation_sealing_key()? else { return Ok(()) };
                open_content_key(&key, &access.log, &access.key, &access.sealed_key)
            }
            Principal::Identity(_) | Principal::Organisation(_) => return Ok(()),
        };
        let key = match opened {
            Ok(key) => key,
            Err(error) => {
                tracing::warn!(%error, "a content key that was sealed to this device does not open");
                return Ok(());
            }
        };
        let (known, keys) =
            self.vault.read(|read| Ok((read.log(&access.log)?, read.content_keys(&access.log)?)))?;
        match known {
            Some(_) => drop(taken.heard_of.insert(access.log)),
            None => taken.rows.logs.push(LogRow {
                id: access.log,
                main: None,
                compartment: 0,
                subscribed: false,
                opened_at: None,
            }),
        }
        if keys.iter().any(|row| row.key_id == access.key) {
            return Ok(());
        }
        let first = keys.is_empty() && !taken.rows.keys.iter().any(|(log, _)| *log == access.log);
        let row = ContentKeyRow { key_id: access.key, key: key.as_bytes().to_vec().into(), current: first };
        taken.rows.keys.push((access.log, row));
        taken.changed.insert(access.log);
        Ok(())
    }

    fn acknowledged(&self, seen: &Acknowledgement, taken: &mut Taken) -> Result<(), DriverError> {
        for sealed in &seen.entries {
            let entry = self.vault.read(|read| read.entry_by_sealed(sealed))?;
            if let Some(entry_id) = entry.filter(|row| row.log == seen.log).map(|row| row.entry_id) {
                taken.receipts.push(ReceiptRow {
                    entry_id,
                    kind: ReceiptKind::Seen,
                    by: seen.reader.as_bytes().to_vec(),
                    at: seen.time,
                    detail: None,
                });
            }
        }
        Ok(())
    }

    /// Opens the new entries, and again those that waited in the logs they touch, until nothing more can be taken in.
    fn entries(
        &self,
        books: &mut Books,
        new: Vec<Vec<u8>>,
        at: Moment,
        taken: &mut Taken,
    ) -> Result<(), DriverError> {
        let mut pending: BTreeMap<LogId, Vec<SealedEntry>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for bytes in new {
            match SealedEntry::from_bytes(bytes.clone()) {
                Ok(sealed) if !seen.insert(sealed.id()) => {}
                Ok(sealed) => pending.entry(sealed.header().log).or_default().push(sealed),
                Err(error) => taken.set_aside("sealed entry", bytes, error.to_string(), at.now),
            }
        }
        let mut touched: BTreeSet<LogId> = pending.keys().chain(&taken.changed).copied().collect();
        let credentials = taken.rows.statements.iter().filter(|row| row.kind == StatementKind::Credential);
        touched.extend(
            self.vault
                .read(|read| {
                    let waiting =
                        credentials.map(|credential| read.logs_waiting_for(credential.id.as_bytes()));
                    waiting.collect::<Result<Vec<_>, _>>()
                })?
                .into_iter()
                .flatten(),
        );
        // An entry beside a main log may wait for one of the main log, and for it to be known which that is.
        for log in touched.clone() {
            touched.extend(books.beside(&self.vault, log)?.into_iter().map(|(_, log)| log));
        }
        let waited = self.vault.read(|read| {
            touched.extend(read.logs_without_place()?);
            touched.iter().map(|log| read.waiting(Some(log), WAITING_MAX)).collect::<Result<Vec<_>, _>>()
        })?;
        for row in waited.into_iter().flatten() {
            taken.waited.insert(row.sealed_id, row.log);
            if let Ok(sealed) = SealedEntry::from_bytes(row.bytes)
                && seen.insert(sealed.id())
            {
                pending.entry(row.log).or_default().push(sealed);
            }
        }
        loop {
            let before: usize = pending.values().map(Vec::len).sum();
            for (log, sealed) in &mut pending {
                loop {
                    let tried = sealed.len();
                    let mut left = Vec::new();
                    for one in std::mem::take(sealed) {
                        if !self.one_entry(books, *log, &one, at, taken)? {
                            left.push(one);
                        }
                    }
                    *sealed = left;
                    if sealed.is_empty() || sealed.len() == tried {
                        break;
                    }
                }
                let (replica, by) = books.replica_and_by(&self.vault, *log)?;
                replica.settle(by);
            }
            // What is beside a main log may have waited for what came in it after.
            pending.retain(|_, sealed| !sealed.is_empty());
            if pending.is_empty() || pending.values().map(Vec::len).sum::<usize>() == before {
                return Ok(());
            }
        }
    }

    /// True when the entry needs no second try: it is in, or is no entry.
    fn one_entry(
        &self,
        books: &mut Books,
        log: LogId,
        sealed: &SealedEntry,
        at: Moment,
        taken: &mut Taken,
    ) -> Result<bool, DriverError> {
        let sealed_id = sealed.id();
        taken.waiting.remove(&sealed_id);
        // One that waits is offered again: what it waited for may have come.
        if self.vault.read(|read| read.entry_of(&sealed_id))?.is_some() {
            return Ok(true);
        }
        let Some(key) = self.content_key(log, sealed, taken)? else {
            let needs = sealed.header().key.as_bytes().to_vec();
            taken.wait(sealed, WaitReason::Key, needs, at.now);
            return Ok(false);
        };
        let opened = match key.open_entry(sealed) {
            Ok(opened) => opened,
            Err(error) => {
                taken.set_aside("sealed entry", sealed.as_bytes().to_vec(), error.to_string(), at.now);
                return Ok(true);
            }
        };
        let entry = match Entry::from_bytes(&opened.bytes) {
            Ok(entry) => entry,
            Err(EntryError::Version(_)) => {
                taken.wait(sealed, WaitReason::Version, Vec::new(), at.now);
                return Ok(true);
            }
            Err(error) => {
                taken.set_aside("entry", sealed.as_bytes().to_vec(), error.to_string(), at.now);
                return Ok(true);
            }
        };
        match self.placed(books, log, &entry, &mut taken.rows)? {
            Placed::Known => {}
            Placed::After(main) => {
                taken.wait(sealed, WaitReason::Parent, main.as_bytes().to_vec(), at.now);
                return Ok(false);
            }
            Placed::Nowhere => {
                let why = "it names a plan that its log is no part of".to_owned();
                taken.set_aside("entry", sealed.as_bytes().to_vec(), why, at.now);
                return Ok(true);
            }
        }
        let signed = SignedEntry { bytes: opened.bytes, signature: opened.signature };
        let (replica, by) = books.replica_and_by(&self.vault, log)?;
        match replica.take(&signed, by) {
            Ok(Offered::Admitted(id)) => {
                self.admitted(log, id, sealed_id, &entry, signed, at, taken);
                Ok(true)
            }
            Ok(Offered::Waiting(_, Missing::Entries(parents))) => {
                let needs = parents.first().map(|id| id.as_bytes().to_vec()).unwrap_or_default();
                taken.wait(sealed, WaitReason::Parent, needs, at.now);
                Ok(false)
            }
            Ok(Offered::Waiting(_, Missing::Credential(credential))) => {
                taken.wanted.insert(credential);
                taken.wait(sealed, WaitReason::Credential, credential.as_bytes().to_vec(), at.now);
                Ok(false)
            }
            Err(error) => {
                taken.set_aside("entry", sealed.as_bytes().to_vec(), error.to_string(), at.now);
                Ok(true)
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one step of one_entry, which has them all")]
    fn admitted(
        &self,
        log: LogId,
        id: EntryId,
        sealed_id: SealedId,
        entry: &Entry,
        signed: SignedEntry,
        at: Moment,
        taken: &mut Taken,
    ) {
        let own = self.standing().is_ok_and(|standing| standing.credential == entry.credential);
        // Nobody waits to hear that a record of looks was seen.
        if !own && entry.place().0 != Compartment::AccessRecord {
            taken.to_acknowledge.entry(log).or_default().push(sealed_id);
        }
        taken.changed.insert(log);
        taken.rows.entries.push(entry_row(log, id, sealed_id, entry, signed, at.now, own));
    }

    fn content_key(
        &self,
        log: LogId,
        sealed: &SealedEntry,
        taken: &Taken,
    ) -> Result<Option<ContentKey>, DriverError> {
        let wanted = sealed.header().key;
        let fresh =
            taken.rows.keys.iter().find(|(of, row)| *of == log && row.key_id == wanted).map(|(_, row)| row);
        let bytes = match fresh {
            Some(row) => Some(row.key.clone()),
            None => {
                let rows = self.vault.read(|read| read.content_keys(&log))?;
                rows.into_iter().find(|row| row.key_id == wanted).map(|row| row.key)
            }
        };
        bytes.map(|bytes| ContentKey::from_bytes(&bytes).map_err(DriverError::Crypto)).transpose()
    }

    fn finish(
        &self,
        books: &mut Books,
        at: Moment,
        entropy: &dyn Entropy,
        mut taken: Taken,
    ) -> Result<(Taken, News), DriverError> {
        let changed: BTreeSet<LogId> = taken.rows.entries.iter().map(|row| row.log).collect();
        describe(books, &self.vault, &changed, at, &mut taken.rows)?;
        let mut touched = changed.clone();
        touched.extend(taken.rows.keys.iter().map(|(log, _)| *log));
        for log in touched.clone() {
            touched.extend(books.beside(&self.vault, log)?.into_iter().map(|(_, beside)| beside));
        }
        for log in touched {
            self.give_keys(books, log, at, entropy, &mut taken.rows)?;
        }
        for log in &taken.heard_of {
            taken.rows.outgoing.extend(self.refused_of(log)?);
        }
        self.acknowledge(at.now, &mut taken);
        let news = News {
            new_plans: taken.rows.logs.iter().map(|row| row.id).collect(),
            plans: changed.iter().map(|log| books.plan_of(&self.vault, *log)).collect::<Result<_, _>>()?,
            done: Vec::new(),
        };
        let Taken { rows, waiting, waited, receipts, quarantine, heard_of, .. } = &mut taken;
        let heard_of = std::mem::take(heard_of);
        let rows = std::mem::take(rows);
        let (waited, receipts) = (std::mem::take(waited), std::mem::take(receipts));
        let came = Came {
            credentials: rows.statements.iter().any(|row| row.kind == StatementKind::Credential),
            keys: rows.keys.iter().map(|(log, _)| *log).collect(),
            marked: books.passed_over(),
        };
        let room = Room::new(&self.vault, std::mem::take(waiting), &waited, &came)?;
        let aside = Aside::new(&self.vault, std::mem::take(quarantine))?;
        let passed_over = room.passed_over.clone();
        let written = self.vault.write(move |tx: &VaultTx| -> Result<(), StoreError> {
            rows.write(tx)?;
            heard_of.iter().try_for_each(|log| tx.set_subscribed(log, false))?;
            waited.keys().try_for_each(|id| tx.delete_waiting(id))?;
            room.write(tx)?;
            receipts.iter().try_for_each(|row| tx.put_receipt(row))?;
            aside.write(tx)
        });
        if let Err(error) = written {
            changed.iter().for_each(|log| books.evict(log));
            return Err(error.into());
        }
        books.note_passed_over(&passed_over);
        Ok((taken, news))
    }

    fn acknowledge(&self, now: Timestamp, taken: &mut Taken) {
        let Ok(standing) = self.standing() else { return };
        for (log, entries) in std::mem::take(&mut taken.to_acknowledge) {
            for part in entries.chunks(bedside_protocol::limits::ACKNOWLEDGE_MAX) {
                let seen =
                    Acknowledgement { reader: standing.credential, log, entries: part.to_vec(), time: now };
                let bytes = sign(&Statement::Acknowledgement(seen), &self.keys.signing);
                taken.rows.statements.push(StatementRow {
                    id: bedside_protocol::statement::statement_id(&bytes),
                    kind: StatementKind::Acknowledgement,
                    log: Some(log),
                    bytes,
                    sent: false,
                });
            }
        }
    }
}

impl Taken {
    fn wait(&mut self, sealed: &SealedEntry, reason: WaitReason, needs: Vec<u8>, now: Timestamp) {
        let row = WaitingRow {
            sealed_id: sealed.id(),
            log: sealed.header().log,
            bytes: sealed.as_bytes().to_vec(),
            reason,
            needs,
            received_at: now,
        };
        self.waiting.insert(row.sealed_id, row);
    }

    fn set_aside(&mut self, what: &str, bytes: Vec<u8>, reason: String, at: Timestamp) {
        tracing::warn!(what, reason, "set aside");
        self.quarantine.push(QuarantineRow { table_name: what.to_owned(), bytes, reason, at });
    }
}
