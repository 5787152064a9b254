//! What lists show of a plan, kept with it; and what this device's person keeps for themself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use bedside_protocol::cbor;
use bedside_protocol::ids::{LogId, Timestamp};

use super::DriverError;
use super::commit::{Moment, Rows, describe};
use super::open_vault::OpenVault;
use crate::plan::view::PlanView;
use crate::plan::worklist::{Work, listings};
use crate::store::{List, ListRow};

/// How many plans are described in one transaction.
const DESCRIBED_TOGETHER: usize = 50;

/// Plans that were looked at, each up to which entry and when, and not noted in the vault yet.
///
/// A look is no reason to wait for the disk: it is noted when a list is read, when the device is locked or suspended, and
/// when it is closed. A crash in between shows a plan as changed once more than needed.
pub(crate) type Looks = BTreeMap<LogId, (i64, Timestamp)>;

/// The lists that a plan is on, as they are stored.
pub(crate) fn list_rows(view: &PlanView, held_since: Option<Timestamp>) -> Vec<ListRow> {
    let row = |listing: crate::plan::worklist::Listing| ListRow {
        list: match listing.work {
            Work::Approval => List::Approval,
            Work::Review => List::Review,
            Work::Conflict => List::Conflict,
            Work::Held => List::Held,
            Work::KeyWorker => List::KeyWorker,
        },
        sort: listing.sort,
        why: cbor::encode(&listing.why),
    };
    listings(view, held_since).into_iter().map(row).collect()
}

impl OpenVault {
    /// Makes the rows of every plan that lists lack, as after an update of the schema. Can be interrupted: it goes on with
    /// those that are lacking then.
    pub(crate) fn describe_missing(&self, at: Moment) -> Result<(), DriverError> {
        let missing = self.vault.read(|read| read.logs_without_plan())?;
        for some in missing.chunks(DESCRIBED_TOGETHER) {
            let mut rows = Rows::default();
            for log in some {
                let plan = BTreeSet::from([*log]);
                describe(&mut self.books(), &self.vault, &plan, at, &mut rows)?;
            }
            let some = some.to_vec();
            self.vault.write(move |tx| {
                rows.write(tx)?;
                some.iter().try_for_each(|log| tx.note_news(log))
            })?;
        }
        Ok(self.vault.write(|tx| tx.derived_is_whole())?)
    }

    /// This device's person has a plan on the screen that shows the entry at a position, and those before it.
    pub(crate) fn looked(&self, log: LogId, position: i64, at: Timestamp) {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner).insert(log, (position, at));
    }

    /// Notes in the vault what was looked at.
    pub(crate) fn note_looks(&self) -> Result<(), DriverError> {
        let looks = std::mem::take(&mut *self.looks.lock().unwrap_or_else(PoisonError::into_inner));
        if looks.is_empty() {
            return Ok(());
        }
        let identity = self.keys.identity;
        Ok(self.vault.write(move |tx| {
            looks.iter().try_for_each(|(log, (position, at))| tx.set_looked(&identity, log, *position, *at))
        })?)
    }
}
