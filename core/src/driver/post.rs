//! From the vault into the mailbox: what is to go out, and what the relay is to be asked for.
//!
//! All of it follows from what the vault holds, so after a crash it is simply done again. How far the outbox has been copied is
//! kept in memory only: after an unlock everything in it is copied once more, which changes nothing where it was there.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use bedside_protocol::cbor;
use bedside_protocol::ids::LogId;
use bedside_protocol::problem::{Problem, ProblemKind};

use super::DriverError;
use super::enrol::StoredInvite;
use super::open_vault::{NEVER, OpenVault, name};
use crate::store::{
    MailReceipt, MailRow, Mailbox, ReceiptKind, ReceiptRow, StatementRow, StoreError, VaultTx, Wish,
};

/// How many rows are moved at a time.
pub(super) const BATCH: usize = 500;

impl OpenVault {
    /// Copies what is to go out into the mailbox. True when there was anything.
    ///
    /// After a save the vault is not asked: the save has said what it put into the outbox, and the vault counts what else the
    /// relay may have to hear of.
    pub(crate) fn post(&self, mailbox: &Mailbox) -> Result<bool, DriverError> {
        let saved = std::mem::take(&mut *self.to_post.lock().unwrap_or_else(PoisonError::into_inner));
        let changes = self.vault.changes_beside_entries();
        // Until it is through, and after a failure, the vault is asked.
        let before = self.posted_changes.swap(NEVER, Ordering::SeqCst);
        if before != changes || saved.len() >= BATCH {
            return self.post_all(mailbox);
        }
        let posted = self.posted.load(Ordering::SeqCst);
        let saved = saved.into_iter().filter(|(position, _)| *position > posted).collect();
        let any = self.post_entries(mailbox, saved)?;
        self.posted_changes.store(changes, Ordering::SeqCst);
        Ok(any)
    }

    fn post_all(&self, mailbox: &Mailbox) -> Result<bool, DriverError> {
        let mut any = false;
        loop {
            let posted = self.posted.load(Ordering::SeqCst);
            let changes = self.vault.changes_beside_entries();
            let (entries, statements, logs, invites) = self.vault.read(|read| {
                let (entries, statements) =
                    (read.outgoing_after(posted, BATCH)?, read.statements_unsent(BATCH)?);
                Ok((entries, statements, read.logs_unsubscribed()?, read.meta_with_prefix(name::INVITE)?))
            })?;
            let more = entries.len() == BATCH || statements.len() == BATCH;
            any |= self.post_entries(mailbox, entries)?;
            any |= self.post_statements(mailbox, statements)?;
            if more {
                continue;
            }
            // Every log is followed anew and compared; whatever is not followed then is asked for afterwards.
            let not_yet = !logs.is_empty() && mailbox.state()?.recovering;
            let logs = logs.into_iter().filter(|_| !not_yet).map(|log| log.id).collect();
            any |= self.post_wishes(mailbox, logs, invites)?;
            if !not_yet {
                self.posted_changes.store(changes, Ordering::SeqCst);
            }
            return Ok(any);
        }
    }

    fn post_entries(&self, mailbox: &Mailbox, rows: Vec<(i64, MailRow)>) -> Result<bool, DriverError> {
        let Some((last, _)) = rows.last() else { return Ok(false) };
        let last = *last;
        mailbox.add(&rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>())?;
        self.posted.fetch_max(last, Ordering::SeqCst);
        Ok(true)
    }

    /// Puts what waits to be sent of a log before everything else in the mailbox.
    pub(crate) fn post_first(&self, log: &LogId, mailbox: &Mailbox) -> Result<(), DriverError> {
        let rows = self.vault.read(|read| read.outgoing(Some(log)))?;
        // Each is put before the one that was put there before it.
        let mail = rows.into_iter().rev().map(|row| MailRow { sealed_id: row.sealed_id, bytes: row.bytes });
        Ok(mailbox.add_first(&mail.collect::<Vec<_>>())?)
    }

    fn post_statements(&self, mailbox: &Mailbox, rows: Vec<StatementRow>) -> Result<bool, DriverError> {
        if rows.is_empty() {
            return Ok(false);
        }
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        mailbox.add_statements(&rows.into_iter().map(|row| (row.id, row.bytes)).collect::<Vec<_>>())?;
        self.vault.write(move |tx| tx.mark_statements_sent(&ids))?;
        Ok(true)
    }

    fn post_wishes(
        &self,
        mailbox: &Mailbox,
        logs: Vec<LogId>,
        invites: Vec<(String, Vec<u8>)>,
    ) -> Result<bool, DriverError> {
        let mut wishes = Vec::new();
        let mut again = Vec::new();
        for log in &logs {
            // From its beginning once more: a relay gives that only to who is not subscribed.
            if self.books().has_passed_over(log) {
                wishes.push(Wish::Unsubscribe(*log));
                again.push(*log);
            }
            wishes.push(Wish::Subscribe(*log));
        }
        let mut answered = Vec::new();
        for (key, bytes) in invites {
            if let Some((wish, stored)) = StoredInvite::from_bytes(&bytes).and_then(StoredInvite::posting) {
                wishes.push(wish);
                answered.push((key, stored.to_bytes()));
            }
        }
        if wishes.is_empty() {
            return Ok(false);
        }
        let fresh = mailbox.wish(&wishes)?;
        let asked = again.clone();
        self.vault.write(move |tx| {
            logs.iter().try_for_each(|log| tx.set_subscribed(log, true))?;
            asked.iter().try_for_each(|log| tx.delete_meta(&name::passed_over(log)))?;
            answered.iter().try_for_each(|(key, bytes)| tx.put_meta(key, bytes))
        })?;
        again.iter().for_each(|log| self.books().note_asked_again(log));
        Ok(fresh)
    }

    /// Moves receipts from the mailbox into the vault. True when there were any.
    pub(crate) fn take_receipts(&self, mailbox: &Mailbox) -> Result<bool, DriverError> {
        let mut any = false;
        loop {
            let receipts = mailbox.receipts(BATCH)?;
            if receipts.is_empty() {
                return Ok(any);
            }
            any = true;
            let answers = receipts.clone();
            self.vault.write(move |tx| answers.iter().try_for_each(|receipt| settle(tx, receipt)))?;
            mailbox.remove_receipts(&receipts)?;
        }
    }

    /// The mailbox is a new one: whatever the old one may have held is to be copied into it, and the relay is asked for
    /// everything from the beginning.
    pub(crate) fn post_again(&self) -> Result<(), DriverError> {
        self.posted.store(i64::MIN, Ordering::SeqCst);
        self.posted_changes.store(NEVER, Ordering::SeqCst);
        Ok(self.vault.write(|tx| {
            tx.mark_statements_unsent()?;
            tx.logs()?.iter().try_for_each(|log| tx.set_subscribed(&log.id, false))?;
            for (key, bytes) in tx.meta_with_prefix(name::INVITE)? {
                if let Some(invite) = StoredInvite::from_bytes(&bytes).and_then(StoredInvite::unposted) {
                    tx.put_meta(&key, &invite.to_bytes())?;
                }
            }
            Ok(())
        })?)
    }

    /// Queues every statement held for pushing: the relay may have lost them.
    pub(crate) fn republish(&self, mailbox: &Mailbox) -> Result<(), DriverError> {
        self.vault.write(|tx| tx.mark_statements_unsent())?;
        self.post(mailbox)?;
        let logs = self.vault.read(|read| read.logs())?;
        mailbox.wish(&logs.iter().map(|log| Wish::Follow(log.id)).collect::<Vec<_>>())?;
        Ok(())
    }
}

/// Keeps a receipt. A relay that lost its place and is given an entry again says "stored" of one that it had answered.
fn settle(tx: &VaultTx, receipt: &MailReceipt) -> Result<(), StoreError> {
    let entry_id = tx.entry_of(&receipt.sealed_id)?;
    if let (Some(entry_id), Some(detail)) = (entry_id, &receipt.refused)
        && may_change(detail)
    {
        let (kind, detail) = (ReceiptKind::Refused, Some(detail.clone()));
        return tx.put_receipt(&ReceiptRow { entry_id, kind, by: Vec::new(), at: receipt.at, detail });
    }
    let answered_before = tx.settle(receipt)?.is_none();
    let stored = receipt.refused.is_none();
    match entry_id {
        Some(entry_id) if stored => {
            tx.delete_receipts(&entry_id, ReceiptKind::Refused)?;
            if !answered_before {
                return Ok(());
            }
            let kind = ReceiptKind::Sent;
            tx.put_receipt(&ReceiptRow { entry_id, kind, by: Vec::new(), at: receipt.at, detail: None })
        }
        _ => Ok(()),
    }
}

/// True when what the relay forbids now it may allow later: access that it has not heard of yet, or has lost. Such an entry
/// leaves the mailbox, so that it holds up no other, and stays in the outbox, from which the next unlock sends it again.
fn may_change(refusal: &[u8]) -> bool {
    cbor::decode::<Problem>(refusal).is_ok_and(|problem| problem.kind == ProblemKind::Forbidden)
}
