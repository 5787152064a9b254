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
    /// Something of a log without a key is left with the relay.
    unread_left: bool,
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
        let (with_key, mut strange, unread_left) = vault.read(|read| {
            let mut with_key = came.keys.clone();
            for log in &touched {
                if !read.content_keys(log)?.is_empty() {
                    with_key.insert(*log);
                }
            }
            let (rows, bytes) = read.waiting_without_key()?;
            Ok((with_key, Used { rows, bytes }, read.meta(name::UNREAD_LEFT)?.is_some()))
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
                room.passed_over.insert(log);
            } else {
                room.unread_left = true;
            }
        }
        let has_room = |log: &LogId| {
            let used = used.get(log).is_none_or(|used| used.rows <= WAITING_MAX / 2);
            used && touched.contains(log) && !room.passed_over.contains(log)
        };
        // What was lacking may have come for what is with the relay as well.
        let may_fit = |log: &LogId| came.credentials || came.keys.contains(log) || has_room(log);
        room.roomy = came.marked.iter().copied().filter(may_fit).collect();
        // A list of all logs without a key would have no limit: that something of one was left is one mark for all of them, and
        // each that is given a key is asked for from its beginning.
        if unread_left || room.unread_left {
            room.passed_over.extend(&came.keys);
            room.roomy.extend(&came.keys);
        }
        Ok(room)
    }

    pub(super) fn write(&self, tx: &VaultTx<'_>) -> Result<(), StoreError> {
        self.kept.iter().try_for_each(|row| tx.put_waiting(row))?;
        self.passed_over.iter().try_for_each(|log| tx.put_meta(&name::passed_over(log), &[]))?;
        if self.unread_left {
            tx.put_meta(name::UNREAD_LEFT, &[])?;
        }
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

#[cfg(test)]
mod tests {
    use bedside_protocol::ids::Timestamp;

    use super::*;
    use crate::store::WaitReason;

    const LITERAL: &str = "x'00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\
                           0f1e2d3c4b5a69788796a5b4c3d2e1f0'";

    fn waiting(log: LogId, numbers: std::ops::Range<usize>) -> BTreeMap<SealedId, WaitingRow> {
        let row = |number: usize| {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&number.to_be_bytes());
            let sealed_id = SealedId::new(id);
            let reason = WaitReason::Key;
            let row = WaitingRow {
                sealed_id,
                log,
                reason,
                needs: vec![],
                received_at: Timestamp(1),
                bytes: vec![1],
            };
            (sealed_id, row)
        };
        numbers.map(row).collect()
    }

    fn came(keys: &[LogId]) -> Came {
        Came { credentials: false, keys: keys.iter().copied().collect(), marked: BTreeSet::new() }
    }

    fn batch(vault: &Vault, rows: BTreeMap<SealedId, WaitingRow>, came: &Came) -> Room {
        let room = Room::new(vault, rows, &BTreeMap::new(), came).unwrap();
        let written = Room { kept: room.kept, roomy: BTreeSet::new(), ..room };
        vault
            .write(move |tx| {
                for row in &written.kept {
                    tx.put_log(&crate::store::LogRow {
                        id: row.log,
                        main: None,
                        compartment: 0,
                        subscribed: true,
                        opened_at: None,
                    })?;
                }
                written.write(tx).map(|()| written)
            })
            .unwrap()
    }

    #[test]
    fn a_log_whose_key_comes_after_the_room_was_full_is_asked_for_from_its_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::create(dir.path(), LITERAL).unwrap();
        let (flood, plan) = (LogId::new([1; 32]), LogId::new([2; 32]));
        let early = Room::new(&vault, BTreeMap::new(), &BTreeMap::new(), &came(&[plan])).unwrap();
        assert!(early.roomy.is_empty(), "nothing was left with the relay yet");
        assert_eq!(batch(&vault, waiting(flood, 0..WAITING_MAX), &came(&[])).kept.len(), WAITING_MAX);
        let beyond = batch(&vault, waiting(plan, WAITING_MAX..WAITING_MAX + 1), &came(&[]));
        assert!(beyond.kept.is_empty());
        let given = Room::new(&vault, BTreeMap::new(), &BTreeMap::new(), &came(&[plan])).unwrap();
        assert_eq!((&given.roomy, &given.passed_over), (&BTreeSet::from([plan]), &BTreeSet::from([plan])));
    }
}
