//! What can go wrong with a database, by what the caller does next.

use std::io;

use rusqlite::ffi;
use rusqlite::{Connection, ErrorCode};

/// Why the store did not do what it was asked. Nothing was deleted, whatever it says, and a failed write left nothing.
///
/// No variant carries text from a database: only fixed words, numbers, and file names chosen here.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such file: enrol, or create it.
    #[error("there is no {file} in the profile directory")]
    NotFound {
        /// Which file.
        file: &'static str,
    },
    /// A vault is there already; it is never written over.
    #[error("there is a {file} already; open it, or move it aside first")]
    Exists {
        /// Which file.
        file: &'static str,
    },
    /// Another process, or another handle of this one, has the vault open.
    #[error("the vault is in use by another process; close it there first")]
    InUse,
    /// The file has a header, and its first page does not open with this key: the wrong key, or damage to that very
    /// page. The caller tells them apart by its key-check value.
    #[error("the vault does not open with this key")]
    CannotDecrypt,
    /// The file does not hold what was written to it. Check it, move it aside, rebuild.
    #[error("cannot {step}: the database is damaged")]
    Damaged {
        /// What was being done.
        step: &'static str,
        /// SQLite's reason; none when a row was read but holds what was never written.
        #[source]
        source: Option<Cause>,
    },
    /// Written by a newer version: update the app.
    #[error("the database has schema {found}, this software knows up to {known}; update the app")]
    NewerSchema {
        /// Of the file.
        found: u32,
        /// Of this build.
        known: u32,
    },
    /// A migration failed; the file is as it was before.
    #[error("cannot bring the database from schema {from} to {to}")]
    Migrate {
        /// Schema of the file.
        from: u32,
        /// The schema that was not reached.
        to: u32,
        /// Why.
        #[source]
        source: Box<StoreError>,
    },
    /// There is no room. Free space and try again; the store stays usable.
    #[error("cannot {step}: the disk is full; free some space and try again")]
    DiskFull {
        /// What was being done.
        step: &'static str,
    },
    /// Somebody else is writing, for longer than the busy timeout. Try again.
    #[error("cannot {step}: the database is busy; try again")]
    Busy {
        /// What was being done.
        step: &'static str,
    },
    /// The file system failed.
    #[error("cannot {step}")]
    Io {
        /// What was being done.
        step: &'static str,
        /// Why.
        #[source]
        source: IoCause,
    },
    /// Suspended: resume first.
    #[error("the database is suspended; resume it first")]
    Suspended,
    /// A row contradicts rows that are there. A defect of the caller.
    #[error("cannot {step}: it contradicts what is stored")]
    Conflict {
        /// What was being done.
        step: &'static str,
    },
    /// The closure panicked. Its transaction was rolled back and the vault stays usable. A defect.
    #[error("a transaction panicked and was rolled back")]
    Panicked,
    /// The vault was written, suspended or resumed from inside one of its own transactions. A defect.
    #[error("the vault was called from inside one of its transactions")]
    Nested,
    /// What a closure that writes returned to undo its own transaction.
    #[error("cannot {step}: the transaction was given up")]
    GivenUp {
        /// What was being done.
        step: &'static str,
    },
    /// SQLite refused a statement. A defect.
    #[error("cannot {step}: a defect")]
    Defect {
        /// What was being done.
        step: &'static str,
        /// SQLite's reason.
        #[source]
        source: Cause,
    },
}

/// SQLite's result code. Its messages may quote what was typed, so they are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("SQLite code {code}: {}", ffi::code_to_str(*code))]
pub struct Cause {
    /// Extended result code.
    pub code: i32,
}

/// What the file system said.
#[derive(Debug, thiserror::Error)]
pub enum IoCause {
    /// Through SQLite.
    #[error(transparent)]
    Database(Cause),
    /// Directly.
    #[error(transparent)]
    File(io::Error),
}

impl StoreError {
    /// A row was read and holds what was never written.
    pub(super) const fn row(step: &'static str) -> Self {
        Self::Damaged { step, source: None }
    }
}

/// Turns a cause into a [`StoreError`] by naming the step.
pub(super) trait At<T> {
    /// Names the step, in words that follow "cannot".
    fn at(self, step: &'static str) -> Result<T, StoreError>;
}

impl<T> At<T> for rusqlite::Result<T> {
    fn at(self, step: &'static str) -> Result<T, StoreError> {
        self.map_err(|error| classify(step, &error))
    }
}

impl<T> At<T> for io::Result<T> {
    fn at(self, step: &'static str) -> Result<T, StoreError> {
        self.map_err(|error| match is_full(&error) {
            true => StoreError::DiskFull { step },
            false => StoreError::Io { step, source: IoCause::File(error) },
        })
    }
}

/// True when there is no room: on the disk, in a quota, or by the system's limit on a file's size.
#[must_use]
pub fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// SQLite says "full" only of a disk. A quota and a limit on a file's size are failed writes to it, and the system knows more.
pub(super) fn or_full(connection: &Connection, error: StoreError) -> StoreError {
    let StoreError::Io { step, source: IoCause::Database(_) } = error else { return error };
    if is_full(&io::Error::from_raw_os_error(system_errno(connection))) {
        return StoreError::DiskFull { step };
    }
    error
}

#[expect(unsafe_code, reason = "rusqlite has no call for sqlite3_system_errno")]
fn system_errno(connection: &Connection) -> i32 {
    // SAFETY: the handle is open, and used by whoever holds the connection.
    unsafe { ffi::sqlite3_system_errno(connection.handle()) }
}

fn classify(step: &'static str, error: &rusqlite::Error) -> StoreError {
    use rusqlite::Error as E;
    match error {
        E::SqliteFailure(error, _) | E::SqlInputError { error, .. } => by_code(step, *error),
        E::QueryReturnedNoRows
        | E::FromSqlConversionFailure(..)
        | E::IntegralValueOutOfRange(..)
        | E::Utf8Error(..)
        | E::InvalidColumnType(..) => StoreError::row(step),
        _ => StoreError::Defect { step, source: Cause { code: ffi::SQLITE_MISUSE } },
    }
}

fn by_code(step: &'static str, error: ffi::Error) -> StoreError {
    let source = Cause { code: error.extended_code };
    match error.code {
        // SQLCipher answers SQLITE_ERROR for a page whose authentication code is wrong.
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown => {
            StoreError::Damaged { step, source: Some(source) }
        }
        ErrorCode::DiskFull => StoreError::DiskFull { step },
        // The index of the write-ahead log grows only when there is room.
        ErrorCode::SystemIoFailure if error.extended_code == ffi::SQLITE_IOERR_SHMSIZE => {
            StoreError::DiskFull { step }
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy { step },
        ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::PermissionDenied
        | ErrorCode::ReadOnly
        | ErrorCode::OutOfMemory
        | ErrorCode::NoLargeFileSupport
        | ErrorCode::FileLockingProtocolFailed => StoreError::Io { step, source: IoCause::Database(source) },
        ErrorCode::ConstraintViolation => StoreError::Conflict { step },
        _ => StoreError::Defect { step, source },
    }
}
