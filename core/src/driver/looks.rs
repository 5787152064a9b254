//! Who looked: kept at once, signed and sent at the next contact.
//!
//! A look is put in the vault's line without waiting for the disk, so that opening a plan costs nothing. With the next contact,
//! or when the device is locked, the looks at a plan become one entry of its access record. Until then they are in the vault
//! only: a vault that nobody can open any more takes them along.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bedside_protocol::cbor;
use bedside_protocol::entry::{Act, Compartment, Look};
use bedside_protocol::ids::{LogId, Timestamp};
use bedside_protocol::limits::LOOKS_MAX;

use super::DriverError;
use super::commit::{Moment, Rows, Says};
use super::open_vault::OpenVault;
use crate::limits::{LOOKS_RECENT_MAX, SAME_LOOK_MS};
use crate::ports::Entropy;
use crate::store::LookRow;

/// What is known of looks beside the vault, for as long as one identity has it open.
#[derive(Default)]
pub(crate) struct Unsent(Arc<Mutex<Recent>>);

#[derive(Default)]
struct Recent {
    /// When each was last kept: the same again within a minute is the same look.
    kept: BTreeMap<(LogId, Act, Option<String>), Timestamp>,
    /// What the vault could not take: it is offered again with the next.
    unwritten: Vec<LookRow>,
    /// The vault was found to have none that could become an entry.
    none_left: bool,
}

impl Unsent {
    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenVault {
    /// Keeps a look at a plan, soon. The same again within [`SAME_LOOK_MS`] is the same look.
    pub(crate) fn look(&self, plan: LogId, look: Look) -> Result<(), DriverError> {
        let mut recent = self.unsent.recent();
        if !recent.is_new(plan, &look) {
            return Ok(());
        }
        let identity = self.keys.identity;
        recent.unwritten.push(LookRow { identity, log: plan, bytes: cbor::encode(&look) });
        let rows = std::mem::take(&mut recent.unwritten);
        drop(recent);
        let (writing, looks) = (rows.clone(), Arc::clone(&self.unsent.0));
        Ok(self.vault.write_later(
            move |tx| writing.iter().try_for_each(|row| tx.put_look(row)),
            move |written| {
                if let Err(error) = written {
                    tracing::warn!(%error, "a look cannot be kept now; it is tried again with the next");
                    looks.lock().unwrap_or_else(PoisonError::into_inner).unwritten.extend(rows);
                }
            },
        )?)
    }

    /// Keeps a look at a plan, durably.
    pub(crate) fn look_and_wait(&self, plan: LogId, look: &Look) -> Result<(), DriverError> {
        let rows = {
            let mut recent = self.unsent.recent();
            if !recent.is_new(plan, look) {
                return Ok(());
            }
            let mut rows = std::mem::take(&mut recent.unwritten);
            rows.push(LookRow { identity: self.keys.identity, log: plan, bytes: cbor::encode(look) });
            rows
        };
        let writing = rows.clone();
        let written = self.vault.write(move |tx| writing.iter().try_for_each(|row| tx.put_look(row)));
        if written.is_err() {
            let mut recent = self.unsent.recent();
            recent.kept.remove(&(plan, look.act, look.what.clone()));
            // The last one was not looked at then.
            recent.unwritten.extend(rows.into_iter().rev().skip(1).rev());
        }
        Ok(written?)
    }

    /// Makes entries of the looks that the vault holds, one for each plan. True when there were any.
    ///
    /// Looks at a plan whose access record nobody has begun, and this device may not, wait until it is begun.
    pub(crate) fn write_looks(&self, at: Moment, entropy: &dyn Entropy) -> Result<bool, DriverError> {
        if std::mem::replace(&mut self.unsent.recent().none_left, true) {
            return Ok(false);
        }
        let mut any = false;
        // Through the writer, behind whatever is still in its line.
        let identity = self.keys.identity;
        for plan in self.vault.write(move |tx| tx.looked_at(&identity))? {
            match self.write_looks_at(plan, at, entropy) {
                Ok(written) => any |= written,
                Err(DriverError::CannotBegin(_) | DriverError::NoLookupKey | DriverError::Compose(_)) => {}
                Err(error) => {
                    self.unsent.recent().none_left = false;
                    return Err(error);
                }
            }
        }
        Ok(any)
    }

    fn write_looks_at(&self, plan: LogId, at: Moment, entropy: &dyn Entropy) -> Result<bool, DriverError> {
        let rows = self.vault.read(|read| read.looks(&self.keys.identity, &plan, LOOKS_MAX))?;
        if rows.len() == LOOKS_MAX {
            self.unsent.recent().none_left = false;
        }
        let (looks_done, rows): (Vec<i64>, Vec<LookRow>) = rows.into_iter().unzip();
        let looks: Vec<Look> = rows.iter().filter_map(|row| cbor::decode(&row.bytes).ok()).collect();
        if looks.is_empty() {
            return Ok(false);
        }
        let mut first = Rows { looks_done, ..Rows::default() };
        let log = self.compartment(plan, Compartment::AccessRecord, at, entropy, &mut first)?;
        self.commit(log, vec![Says::Looks(looks)], at, first).map(|_| true)
    }

    /// This device's person's looks at a plan that are in no entry yet, oldest first.
    pub(crate) fn pending_looks(&self, plan: LogId) -> Result<Vec<Look>, DriverError> {
        let identity = self.keys.identity;
        let rows = self.vault.write(move |tx| tx.looks(&identity, &plan, LOOKS_MAX))?;
        Ok(rows.iter().filter_map(|(_, row)| cbor::decode(&row.bytes).ok()).collect())
    }
}

impl Recent {
    /// True unless the same was kept a moment ago.
    fn is_new(&mut self, plan: LogId, look: &Look) -> bool {
        let Look { at, act, what, why } = look;
        let same = (plan, *act, what.clone());
        let again = |last: &Timestamp| *last <= *at && at.since(*last) < SAME_LOOK_MS;
        if why.is_none() && self.kept.get(&same).is_some_and(again) {
            return false;
        }
        if self.kept.len() >= LOOKS_RECENT_MAX {
            self.kept.retain(|_, last| again(last));
        }
        self.kept.insert(same, *at);
        self.none_left = false;
        true
    }
}
