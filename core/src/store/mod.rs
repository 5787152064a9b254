//! The only module that names rusqlite.
//!
//! | file | what | who opens it |
//! |---|---|---|
//! | `vault.db` | SQLCipher: entries, keys, documents, the plan list | [`Vault`], after a PIN or biometric |
//! | `mailbox.db` | plain SQLite: ciphertext and statements on their way | [`Mailbox`], also in the background |
//!
//! Everything blocks; nothing here is async. A write is durable when its call returns, and all of it or nothing is
//! there afterwards, whatever fails in between (tests: `store::tests::crash`). Nothing is ever deleted because it cannot
//! be read: see [`quarantine`] and [`salvage()`]. What each table and column means stands in `docs/data-model.md`.

mod columns;
mod error;
mod file;
mod lock;
mod mailbox;
mod read;
mod rows;
mod salvage;
mod search;
#[cfg(test)]
mod tests;
mod vault;
mod worklists;
mod write;

pub use error::{Cause, IoCause, StoreError, is_full};
pub use mailbox::Mailbox;
pub use read::VaultRead;
pub use rows::{
    ContentKeyRow, Counts, DocumentRow, EntryRow, IncomingRow, List, ListCounts, ListRow, LogRow, LookRow,
    MailReceipt, MailRow, OutgoingRow, Page, PageKey, PlanRow, QuarantineRow, ReceiptKind, ReceiptRow,
    StatementKind, StatementRow, SyncState, ViewRow, VisitRow, Visits, WaitReason, WaitingRow, Wish,
};
pub use salvage::{DatabaseFile, SalvageReport, Salvaged, quarantine, salvage};
pub use search::Hit;
pub use vault::Vault;
pub use write::VaultTx;

/// How to open a database other than in the usual way.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// The SQLite VFS to go through, by name; the system's when absent. Tests make it fail on demand.
    pub vfs: Option<String>,
    /// Leaves out that SQLCipher locks its memory and wipes what it frees: half the time of a simulation, whose people are
    /// invented. It counts for the whole process, until a vault is opened without it.
    pub careless_memory: bool,
    /// Another limit than [`crate::limits::MAILBOX_BYTES_MAX`]; tests make it small.
    pub mailbox_bytes_max: Option<u64>,
}
