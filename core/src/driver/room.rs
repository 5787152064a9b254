//! How much of what cannot be taken in a peer can make this device keep.
//!
//! What waits beyond the limit is left with the relay, which has it: its plan says that it is not whole, and the log is asked for
//! from its beginning once half of what waits is taken in, or when a key or a credential comes that may be what was lacking. So
//! somebody who writes what nobody can read fills a fixed room and keeps nobody else's entries out.

use std::collections::{BTreeMap, BTreeSet};

use bedside_protocol::cbor;
use bedside_protocol::ids::{LogId, SealedId};

use super::DriverError;
use super::open_vault::name;
use crate::limits::{SET_ASIDE_BYTES_MAX, SET_ASIDE_MAX, WAITING_BYTES_MAX, WAITING_MAX};
use crate::store::{QuarantineRow, StoreError, Vault, VaultTx, WaitingRow};

/// What waits after a batch.
#[derive(Default)]
pub(super) struct Room {
    kept: Vec<WaitingRow>,
    /// Logs of which something is left with the relay.
    pub(super) passed_over: BTreeSet<LogId>,
    /// Logs of which something was left with the relay before, and that are asked for again.
    roomy: BTreeSet<LogId>,
}

/// What came with a batch that entries may have waited for, and what was left with the relay before it.
pub(super) struct Came {
    pub(super) credentials: bool,
    pub(super) keys: BTreeSet<LogId>,
    pub(super) marked: BTreeSet<LogId>,
}

#[derive(Default)]
struct Used {
    rows: usize,
    bytes: usize,
}

impl Used {
    fn take(&mut self, bytes: usize) -> bool {
        let fits = self.rows < WAITING_MAX && self.bytes + bytes <= WAITING_BYTES_MAX;
        if fits {
            self.rows += 1;
            self.bytes += bytes;
        }
        fits
    }
}

impl Room {
    /// `waited` is what waited before in every log that the batch touches, and `waiting` what does so now.
    pub(super) fn new(
        vault: &Vault,
        waiting: BTreeMap<SealedId, WaitingRow>,
        waited: &BTreeMap<SealedId, LogId>,
        came: &Came,
    ) -> Result<Self, DriverError> {
        let mut room = Self::default();
        let touched: BTreeSet<LogId> =
            waited.values().copied().chain(waiting.values().map(|row| row.log)).collect();
        if touched.is_empty() && !came.credentials && came.keys.is_empty() {
            return Ok(room);
        }
        let (with_key, mut strange) = vault.read(|read| {
            let mut with_key = came.keys.clone();
            for log in &touched {
                if !read.content_keys(log)?.is_empty() {
                    with_key.insert(*log);
                }
            }
            let (rows, bytes) = read.waiting_without_key()?;
            Ok((with_key, Used { rows, bytes }))
        })?;
        let mut used: BTreeMap<LogId, Used> = BTreeMap::new();
        // What waited before keeps its place.
        let (old, new): (Vec<_>, Vec<_>) =
            waiting.into_values().partition(|row| waited.contains_key(&row.sealed_id));
        let old_ones = old.len();
        for (at, row) in old.into_iter().chain(new).enumerate() {
            let (log, bytes) = (row.log, row.bytes.len());
            let known = with_key.contains(&log);
            let fits = match known {
                true => used.entry(log).or_default().take(bytes),
                false => at < old_ones || strange.take(bytes),
            };
            if fits {
                room.kept.push(row);
            } else if known {
                // Of a log without a key nothing needs to be noted: whoever is given one asks for all of it.
                room.passed_over.insert(log);
            }
        }
        let has_room = |log: &LogId| {
            let used = used.get(log).is_none_or(|used| used.rows <= WAITING_MAX / 2);
            used && touched.contains(log) && !room.passed_over.contains(log)
        };
        // What was lacking may have come for what is with the relay as well.
        let may_fit = |log: &LogId| came.credentials || came.keys.contains(log) || has_room(log);
        room.roomy = came.marked.iter().copied().filter(may_fit).collect();
        Ok(room)
    }

    pub(super) fn write(&self, tx: &VaultTx<'_>) -> Result<(), StoreError> {
        self.kept.iter().try_for_each(|row| tx.put_waiting(row))?;
        self.passed_over.iter().try_for_each(|log| tx.put_meta(&name::passed_over(log), &[]))?;
        // The mark stays until the relay is asked: see `post`.
        self.roomy.iter().try_for_each(|log| tx.set_subscribed(log, false))
    }
}

/// What of a batch proved to be nothing at all.
#[derive(Default)]
pub(super) struct Aside {
    kept: Vec<QuarantineRow>,
    /// How many rows were counted and not kept, those of earlier batches included.
    only_counted: Option<u64>,
}

impl Aside {
    pub(super) fn new(vault: &Vault, rows: Vec<QuarantineRow>) -> Result<Self, DriverError> {
        if rows.is_empty() {
            return Ok(Self::default());
        }
        let ((mut count, mut bytes), counted) =
            vault.read(|read| Ok((read.quarantine_size()?, read.meta(name::ONLY_COUNTED)?)))?;
        let coming = rows.len();
        let mut fits = |row: &QuarantineRow| {
            let size = row.bytes.len() as u64;
            let fits = count < SET_ASIDE_MAX && bytes + size <= SET_ASIDE_BYTES_MAX;
            if fits {
                (count, bytes) = (count + 1, bytes + size);
            }
            fits
        };
        let kept: Vec<QuarantineRow> = rows.into_iter().filter(|row| fits(row)).collect();
        let beyond = (coming - kept.len()) as u64;
        let before = counted.and_then(|bytes| cbor::decode::<u64>(&bytes).ok()).unwrap_or_default();
        Ok(Self { kept, only_counted: (beyond > 0).then_some(before.saturating_add(beyond)) })
    }

    pub(super) fn write(&self, tx: &VaultTx<'_>) -> Result<(), StoreError> {
        self.kept.iter().try_for_each(|row| tx.put_quarantine(row))?;
        self.only_counted.iter().try_for_each(|count| tx.put_meta(name::ONLY_COUNTED, &cbor::encode(count)))
    }
}
