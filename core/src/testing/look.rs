//! Looking into a simulated device, past what an app is shown, and making it misbehave.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use bedside_protocol::cbor;
use bedside_protocol::entry::{Body, Compartment, Decision, Entry, Mark, Stage, entry_id};
use bedside_protocol::ids::{DeviceId, EntryId, KeyId, LogId, SealedId, StatementId};
use bedside_protocol::signing::hash;
use bedside_protocol::statement::device_id;
use bedside_protocol::wire::Item;

use super::sim::SimDevice;
use crate::api::ApiError;
use crate::crypto::content::sign_entry;
use crate::driver::DriverError;
use crate::driver::commit::{Rows, entry_row};
use crate::ledger::Verdict;
use crate::ledger::replica::SignedEntry;
use crate::plan::check::decode_decision;
use crate::store::{MailRow, OutgoingRow, ReceiptKind, StoreError, VaultRead, WaitReason};

/// An entry as a device holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldEntry {
    /// What the relay knows it by.
    pub sealed: SealedId,
    /// Written on this device.
    pub own: bool,
}

/// A decision as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenDecision {
    /// Its entry.
    pub entry: EntryId,
    /// The section.
    pub section: u8,
    /// What it says that it replaces.
    pub supersedes: Vec<EntryId>,
    /// It endorses another and decides nothing itself.
    pub endorses: bool,
    /// It takes back what was kept from the person and decides nothing itself.
    pub takes_back: bool,
    /// It is part of the plan.
    pub stands: bool,
}

/// What a device claims of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The log.
    pub log: LogId,
    /// The entry.
    pub entry: EntryId,
    /// Sent, seen or refused.
    pub kind: ReceiptKind,
    /// Whose device has seen it.
    pub by: Option<StatementId>,
}

/// All of these need an unlocked device.
impl SimDevice {
    /// Every entry in the vault.
    pub fn entries(&self) -> Result<BTreeMap<LogId, BTreeMap<EntryId, HeldEntry>>, ApiError> {
        self.read(|read| {
            let mut all = BTreeMap::new();
            for log in read.logs()? {
                let rows = read.entries(&log.id)?.into_iter();
                let held = rows.map(|row| (row.entry_id, HeldEntry { sealed: row.sealed_id, own: row.own }));
                all.insert(log.id, held.collect());
            }
            Ok(all)
        })
    }

    /// The logs beside a plan's main one: the main one's id, and which compartment.
    pub fn places(&self) -> Result<BTreeMap<LogId, (LogId, Compartment)>, ApiError> {
        self.read(|read| {
            let beside = read
                .logs()?
                .into_iter()
                .filter_map(|row| Some((row.id, (row.main?, Compartment::from_number(row.compartment)?))));
            Ok(beside.collect())
        })
    }

    /// What locking begins with: who looked is put into the mailbox.
    pub fn send_looks(&self) {
        self.app().device.send_looks();
    }

    /// How many entries are in the vault.
    pub fn entry_count(&self) -> Result<u64, ApiError> {
        self.read(|read| Ok(read.counts()?.entries))
    }

    /// The content keys of a log.
    pub fn content_keys(&self, log: &LogId) -> Result<BTreeSet<KeyId>, ApiError> {
        self.read(|read| Ok(read.content_keys(log)?.into_iter().map(|row| row.key_id).collect()))
    }

    /// Why entries wait.
    pub fn waiting(&self) -> Result<Vec<(LogId, WaitReason)>, ApiError> {
        self.read(|read| {
            Ok(read
                .waiting(None, crate::limits::WAITING_MAX)?
                .into_iter()
                .map(|row| (row.log, row.reason))
                .collect())
        })
    }

    /// Every receipt.
    pub fn claims(&self) -> Result<Vec<Claim>, ApiError> {
        self.read(|read| {
            let mut claims = Vec::new();
            for log in read.logs()? {
                claims.extend(read.receipts_of(&log.id)?.into_iter().map(|row| Claim {
                    log: log.id,
                    entry: row.entry_id,
                    kind: row.kind,
                    by: StatementId::from_slice(&row.by),
                }));
            }
            Ok(claims)
        })
    }

    /// The logs of the entries that wait in the mailbox, in the order in which they are sent.
    pub fn in_line(&self) -> Result<Vec<LogId>, ApiError> {
        let rows = self.read(|read| read.outgoing(None))?;
        let ids = self.app().device.mailbox.outgoing_ids().map_err(DriverError::Store)?;
        let log = |id| rows.iter().find(|row| row.sealed_id == id).map(|row| row.log);
        Ok(ids.into_iter().filter_map(log).collect())
    }

    /// The credential of the device's person, once enrolled.
    pub fn credential(&self) -> Result<StatementId, ApiError> {
        Ok(self.app().device.vault()?.standing()?.credential)
    }

    /// As the relay knows the device.
    #[must_use]
    pub fn id(&self) -> DeviceId {
        device_id(&self.app().device.transport_key())
    }

    /// Everything the device believes about a log, one fact a line, the same text for the same belief.
    pub fn belief(&self, log: &LogId) -> Result<String, ApiError> {
        let open = self.app().device.vault()?;
        let mut books = open.books();
        let replica = books.replica(&open.vault, *log)?;
        let mut text = String::new();
        let mut line =
            |fact: std::fmt::Arguments<'_>| writeln!(text, "{fact}").expect("a String takes all text");
        for (id, _, verdict) in replica.ledger().in_order() {
            line(format_args!("entry {id} {verdict:?}"));
        }
        for held in replica.ledger().held_entries() {
            line(format_args!("held {} {:?} {}", held.entry, held.ruling, held.is_part));
        }
        for approved in replica.ledger().approvals(None) {
            line(format_args!("approved {} {:?}", approved.entry, approved.newest_of));
        }
        line(format_args!("mark {:?}", replica.ledger().mark().map(|(id, mark)| (id, mark.stage))));
        for (id, consent) in replica.ledger().consents() {
            line(format_args!("consent {id} {:?} {:?}", consent.scope, consent.outcome));
        }
        for (id, grant) in replica.ledger().grants() {
            line(format_args!("grant {id} {:?}", grant.reader));
        }
        for section in replica.ledger().decided_sections() {
            for standing in replica.ledger().decisions(section) {
                line(format_args!(
                    "decision {section} {} endorsed by {:?}",
                    standing.entry, standing.endorsed_by
                ));
            }
        }
        let document = replica.document();
        for key in document.keys() {
            let values = document.values(&key);
            let mut values: Vec<String> =
                values.iter().map(|v| format!("{:?} {:?}", hash(&v.bytes), v.change)).collect();
            values.sort();
            line(format_args!("value {key} {values:?} {:?}", hash(document.text(&key).as_bytes())));
        }
        Ok(text)
    }

    /// Every decision in a log, with what it says that it replaces.
    pub fn decisions(&self, log: &LogId) -> Result<Vec<WrittenDecision>, ApiError> {
        let open = self.app().device.vault()?;
        let mut books = open.books();
        let replica = books.replica(&open.vault, *log)?;
        let kept = replica.ledger().compartment() == Compartment::Professional;
        let is_empty = |content| decode_decision(content).is_ok_and(|fields| fields.is_empty());
        let all = replica.ledger().in_order().into_iter();
        let decisions = all.filter_map(|(id, entry, verdict)| match &entry.body {
            Body::Decision(decision) => Some(WrittenDecision {
                entry: id,
                section: decision.section,
                supersedes: decision.supersedes.clone(),
                endorses: decision.endorses.is_some(),
                takes_back: kept && decision.endorses.is_none() && is_empty(&decision.content),
                stands: *verdict == Verdict::Standing,
            }),
            _ => None,
        });
        Ok(decisions.collect())
    }

    /// The decisions on a section that the device shows.
    pub fn shown(&self, log: &LogId, section: u8) -> Result<BTreeSet<EntryId>, ApiError> {
        let open = self.app().device.vault()?;
        let mut books = open.books();
        let replica = books.replica(&open.vault, *log)?;
        Ok(replica.ledger().decisions(section).iter().map(|standing| standing.entry).collect())
    }

    /// The text under a key.
    pub fn text(&self, log: &LogId, key: &str) -> Result<String, ApiError> {
        let open = self.app().device.vault()?;
        let mut books = open.books();
        Ok(books.replica(&open.vault, *log)?.document().text(key))
    }

    /// Drops everything in the vault that can be computed again; it is, at the next unlocking.
    pub fn drop_derived(&self) -> Result<(), ApiError> {
        let open = self.app().device.vault()?;
        open.books().evict_all();
        Ok(open.vault.write(|tx| tx.delete_derived()).map_err(DriverError::Store)?)
    }

    /// True while the vault is open.
    #[must_use]
    pub fn is_unlocked(&self) -> bool {
        self.is_up() && self.app().device.is_unlocked()
    }

    /// Which entries are held.
    pub fn held(&self, log: &LogId) -> Result<BTreeSet<EntryId>, ApiError> {
        let open = self.app().device.vault()?;
        let mut books = open.books();
        let replica = books.replica(&open.vault, *log)?;
        let all = replica.ledger().in_order().into_iter();
        Ok(all.filter(|(_, _, verdict)| **verdict != Verdict::Standing).map(|(id, ..)| id).collect())
    }

    /// Writes a decision whatever the rules say, as software that somebody altered would, and sends it.
    pub fn decide_regardless(&self, log: LogId, decision: Decision) -> Result<EntryId, ApiError> {
        let app = self.app();
        let open = app.device.vault()?;
        let at = app.device.moment()?;
        let pen = open.pen(at.now, at.relay_time)?;
        let key = open.current_key(&log)?;
        let mut books = open.books();
        let (replica, by) = books.replica_and_by(&open.vault, log)?;
        let ledger = replica.ledger();
        let composed = ledger.compose_in(by.plan.unwrap_or(ledger), &pen, Body::Decision(decision));
        let entry = composed.map_err(DriverError::Compose)?;
        let bytes = entry.to_bytes();
        let id = entry_id(&log, &bytes);
        let signed = SignedEntry { signature: sign_entry(&open.keys.signing, &id), bytes };
        replica.offer(&signed, by).map_err(DriverError::OwnEntry)?;
        let sealed =
            key.seal_entry(&log, &id, &signed.bytes, &signed.signature).map_err(DriverError::Crypto)?;
        let sealed_id = sealed.id();
        let rows = Rows {
            outgoing: vec![OutgoingRow { sealed_id, entry_id: id, log, bytes: sealed.into_bytes() }],
            entries: vec![entry_row(log, id, sealed_id, &entry, signed, at.now, true)],
            ..Rows::default()
        };
        open.write_rows(rows)?;
        drop(books);
        open.post(&app.device.mailbox)?;
        Ok(id)
    }

    /// Sends entries that all build on one that is kept back, as software that somebody altered would; what is kept back.
    pub fn build_on_what_is_kept_back(&self, log: LogId, count: u64) -> Result<MailRow, ApiError> {
        let app = self.app();
        let open = app.device.vault()?;
        let at = app.device.moment()?;
        let pen = open.pen(at.now, at.relay_time)?;
        let key = open.current_key(&log)?;
        let mut books = open.books();
        let replica = books.replica(&open.vault, log)?;
        let mark = Body::Mark(Mark { stage: Stage::UnderReview, note: String::new() });
        let first = replica.ledger().compose(&pen, mark).map_err(DriverError::Compose)?;
        let seal = |entry: &Entry| {
            let bytes = entry.to_bytes();
            let id = entry_id(&log, &bytes);
            let signature = sign_entry(&open.keys.signing, &id);
            let sealed = key.seal_entry(&log, &id, &bytes, &signature).map_err(DriverError::Crypto)?;
            Ok::<_, DriverError>((id, MailRow { sealed_id: sealed.id(), bytes: sealed.into_bytes() }))
        };
        let (id, kept_back) = seal(&first)?;
        let parents = vec![id];
        let mut rows = Vec::new();
        for n in 1..=count {
            let author_seq = first.author_seq + n;
            let prev = Entry::prev_of(Some(id), &parents);
            let entry = Entry { author_seq, prev, parents: parents.clone(), ..first.clone() };
            rows.push(seal(&entry)?.1);
        }
        app.device.mailbox.add(&rows).map_err(DriverError::Store)?;
        Ok(kept_back)
    }

    /// Puts entries in line to be sent, whatever they are.
    pub fn send_as_it_is(&self, rows: &[MailRow]) -> Result<(), ApiError> {
        Ok(self.app().device.mailbox.add(rows).map_err(DriverError::Store)?)
    }

    /// Leaves in the mailbox what a relay sent that lies: so many items that are nothing at all.
    pub fn receive_rubbish(&self, count: u64) -> Result<(), ApiError> {
        let mailbox = &self.app().device.mailbox;
        let items: Vec<Vec<u8>> =
            (0..count).map(|n| cbor::encode(&Item::Entry(n.to_be_bytes().to_vec()))).collect();
        let state = mailbox.state().map_err(DriverError::Store)?;
        Ok(mailbox.store(&items, &[], &[], &[], &[], &state).map_err(DriverError::Store)?)
    }

    /// How many rows are set aside.
    pub fn set_aside(&self) -> Result<u64, ApiError> {
        self.read(|read| Ok(read.quarantine_size()?.0))
    }

    /// Stores an entry as a later version of this software would have left it; `own`: this device's person wrote it.
    pub fn keep_newer_entry(&self, log: LogId, own: bool) -> Result<(), ApiError> {
        let open = self.app().device.vault()?;
        let mut books = open.books();
        let rows = open.vault.read(|read| read.entries(&log)).map_err(DriverError::Store)?;
        let mut row = rows.into_iter().next().ok_or(DriverError::NoContentKey)?;
        // A map, its first key, and the version under it.
        row.bytes[2] = 9;
        (row.entry_id, row.own) = (entry_id(&log, &row.bytes), own);
        row.sealed_id = SealedId::new(hash(&row.bytes));
        open.vault.write(move |tx| tx.put_entry(&row).map(drop)).map_err(DriverError::Store)?;
        books.evict(&log);
        Ok(())
    }

    fn read<R>(&self, f: impl FnOnce(&VaultRead<'_>) -> Result<R, StoreError>) -> Result<R, ApiError> {
        Ok(self.app().device.vault()?.vault.read(f).map_err(DriverError::Store)?)
    }
}
