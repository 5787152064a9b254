//! Push, pull and subscribe, in one request.
//!
//! The order is fixed: the device says where it stands, statements give rights, subscriptions use them, entries come
//! last, so that a device is not sent back what it pushes. In an answer that says "reset", subscriptions and wishes
//! were passed over: the device asks again from its new position.

use std::collections::{BTreeMap, BTreeSet};

use bedside_protocol::ids::{DeviceId, LogId, SealedId, StatementId};
use bedside_protocol::limits::{
    ENROLMENTS_MAX, PAGE_BYTES_MAX, PUSH_ENTRIES_MAX, STATEMENTS_MAX, SUBSCRIBE_MAX,
};
use bedside_protocol::problem::{Problem, ProblemKind};
use bedside_protocol::sealed::{SealedEntry, SealedError};
use bedside_protocol::signing::hash;
use bedside_protocol::statement::statement_id;
use bedside_protocol::wire::{Receipt, RefusedStatement, SyncAnswer, SyncRequest};
use minicbor::bytes::ByteVec;

use super::feed::{Page, cursor_at, page};
use super::{Work, refuse, too_many};
use crate::limits::{ANSWER_STATEMENT_BYTES_MAX, TOKEN_MS, TOKEN_RENEW_MS, WANT_ENTRIES_MAX};
use crate::storage::{DeviceRow, FeedObject, LogRow, Storage, Stored};

pub(super) fn check_limits(request: &SyncRequest) -> Result<(), Problem> {
    too_many("statements", request.statements.len(), STATEMENTS_MAX)?;
    too_many("entries", request.entries.len(), PUSH_ENTRIES_MAX)?;
    too_many("logs to subscribe to", request.subscribe.len(), SUBSCRIBE_MAX)?;
    too_many("logs to follow", request.follow.len(), SUBSCRIBE_MAX)?;
    too_many("logs to unsubscribe from", request.unsubscribe.len(), SUBSCRIBE_MAX)?;
    too_many("statements asked for", request.want_statements.len(), STATEMENTS_MAX)?;
    too_many("entries asked for", request.want_entries.len(), WANT_ENTRIES_MAX)?;
    too_many("answers to enrolments", request.enrolments.len(), ENROLMENTS_MAX)
}

/// A log that the device may add to, or why not.
type MayAppend = BTreeMap<LogId, Option<LogRow>>;

impl<S: Storage> Work<'_, '_, S> {
    pub(super) fn sync(&mut self, id: &DeviceId, request: SyncRequest) -> Result<SyncAnswer, Problem> {
        let unknown = || refuse(ProblemKind::Forbidden, "no credential names this device");
        let device = self.storage().device(id)?.ok_or_else(unknown)?;
        let place = self.place(device, request.cursor)?;
        let stored_before = self.stored_so_far();
        let refused_statements = self.take_statements(device, &request.statements)?;
        if !place.reset {
            self.change_subscriptions(device, &request)?;
        }
        let receipts = self.push(device, request.entries)?;
        if !place.reset {
            self.fetch(device, &request.want_entries)?;
        }
        for answer in request.enrolments {
            self.answer_enrolment(device, answer)?;
        }
        if self.stored_so_far() != stored_before && !place.reset {
            // What is stored for a device moves its cursor, so that a copy made before knows that it has lost something.
            self.enqueue(device, FeedObject::Nothing)?;
        }
        let page = if place.reset {
            Page { items: Vec::new(), end: place.from, more: false, bytes: 0 }
        } else {
            page(self.storage(), device, place.from, PAGE_BYTES_MAX)?
        };
        let statements = self.look_up_statements(&request.want_statements)?;
        let session_until = self.renew(device)?;
        // The answer itself tells this device.
        self.woken.remove(&device);
        Ok(SyncAnswer {
            time: self.now,
            cursor: cursor_at(&self.relay.meta, page.end),
            receipts,
            refused_statements,
            items: page.items,
            statements,
            more: page.more,
            reset: place.reset,
            session_until,
        })
    }

    fn stored_so_far(&self) -> u64 {
        self.relay.tally.entries_stored + self.relay.tally.statements_stored
    }

    fn take_statements(
        &mut self,
        device: DeviceRow,
        statements: &[ByteVec],
    ) -> Stored<Vec<RefusedStatement>> {
        let mut refused = Vec::new();
        for bytes in statements {
            if let Err(problem) = self.statement(Some(device), bytes)? {
                refused.push(RefusedStatement { statement: statement_id(bytes), problem });
            }
        }
        Ok(refused)
    }

    fn change_subscriptions(&mut self, device: DeviceRow, request: &SyncRequest) -> Stored<()> {
        for id in &request.unsubscribe {
            if let Some(log) = self.storage().log(id)? {
                self.storage().unsubscribe(device, log)?;
            }
        }
        for id in &request.subscribe {
            if let Some(log) = self.subscribe(device, id)? {
                for entry in self.storage().entries_of(log)? {
                    self.enqueue(device, FeedObject::Entry(entry))?;
                }
            }
        }
        for id in &request.follow {
            self.subscribe(device, id)?;
        }
        Ok(())
    }

    /// The log, if the device may read it and was not subscribed yet. Who may add to a log and not read it is subscribed
    /// all the same: what is there comes once somebody gives them access.
    fn subscribe(&mut self, device: DeviceRow, id: &LogId) -> Stored<Option<LogRow>> {
        if let Some(log) = self.storage().log(id)? {
            let rights = self.storage().device_rights(log, device, self.now)?;
            if rights.read || rights.append {
                let fresh = self.storage().subscribe(device, log)?;
                return Ok((fresh && rights.read).then_some(log));
            }
        }
        self.relay.tally.subscriptions_ignored += 1;
        Ok(None)
    }

    fn push(&mut self, device: DeviceRow, entries: Vec<ByteVec>) -> Stored<Vec<Receipt>> {
        let mut rights = MayAppend::new();
        let mut receipts = Vec::with_capacity(entries.len());
        for bytes in entries {
            let bytes = Vec::from(bytes);
            let entry = SealedId::new(hash(&bytes));
            let refused = match SealedEntry::from_bytes(bytes) {
                Ok(sealed) => self.store_entry(device, &entry, &sealed, &mut rights)?.err(),
                Err(error @ SealedError::TooLarge(_)) => {
                    Some(refuse(ProblemKind::TooLarge, error.to_string()))
                }
                Err(error) => Some(refuse(ProblemKind::Malformed, error.to_string())),
            };
            self.relay.tally.entries_refused += u64::from(refused.is_some());
            receipts.push(Receipt { entry, refused });
        }
        Ok(receipts)
    }

    fn store_entry(
        &mut self,
        device: DeviceRow,
        id: &SealedId,
        sealed: &SealedEntry,
        rights: &mut MayAppend,
    ) -> Stored<Result<(), Problem>> {
        let Some(log) = self.appendable(device, &sealed.header().log, rights)? else {
            let why = "this device may not add to this log; send the access statement first";
            return Ok(Err(refuse(ProblemKind::Forbidden, why)));
        };
        if self.storage().entry(id)?.is_some() {
            self.relay.tally.entries_repeated += 1;
            return Ok(Ok(()));
        }
        let entry = self.storage().add_entry(id, log, device, self.now, sealed.as_bytes())?;
        self.relay.tally.entries_stored += 1;
        for reader in self.storage().subscribers(log)? {
            if reader != device {
                self.enqueue(reader, FeedObject::Entry(entry))?;
            }
        }
        Ok(Ok(()))
    }

    fn appendable(&self, device: DeviceRow, id: &LogId, known: &mut MayAppend) -> Stored<Option<LogRow>> {
        if let Some(log) = known.get(id) {
            return Ok(*log);
        }
        let log = match self.storage().log(id)? {
            Some(log) if self.storage().device_rights(log, device, self.now)?.append => Some(log),
            _ => None,
        };
        known.insert(*id, log);
        Ok(log)
    }

    /// Puts entries that the device asks for into its feed, once.
    fn fetch(&mut self, device: DeviceRow, wanted: &[SealedId]) -> Stored<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        let mut waiting: BTreeSet<_> = self.storage().waiting_entries(device)?.into_iter().collect();
        let mut readable = BTreeMap::new();
        for id in wanted {
            let Some(entry) = self.storage().entry(id)? else { continue };
            let read = match readable.get(&entry.log) {
                Some(read) => *read,
                None => self.storage().device_rights(entry.log, device, self.now)?.read,
            };
            readable.insert(entry.log, read);
            if read && waiting.insert(entry.row) {
                self.enqueue(device, FeedObject::Entry(entry.row))?;
            }
        }
        Ok(())
    }

    fn look_up_statements(&self, wanted: &[StatementId]) -> Stored<Vec<ByteVec>> {
        let mut bytes = 0;
        let mut found = Vec::new();
        for id in wanted {
            if let Some(statement) = self.storage().vouching_statement(id)? {
                bytes += statement.len();
                if bytes > ANSWER_STATEMENT_BYTES_MAX {
                    break;
                }
                found.push(statement.into());
            }
        }
        Ok(found)
    }

    fn renew(&self, device: DeviceRow) -> Stored<bedside_protocol::ids::Timestamp> {
        let now = self.now;
        let (renew_before, until) = (now.plus_ms(TOKEN_RENEW_MS), now.plus_ms(TOKEN_MS));
        Ok(self.storage().renew_tokens(device, now, renew_before, until)?.unwrap_or(now))
    }
}
