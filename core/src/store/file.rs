//! One database file: where it is, how it is created, opened, and brought to the newest schema.
//!
//! A file is created under another name, migrated, checkpointed and then renamed, so that a crash leaves either no
//! database or a whole one. The first 24 bytes are the same in every file and, in the vault, not authenticated by
//! SQLCipher: they are compared before SQLite believes them.

use std::fs;
use std::io::Read as _;
use std::os::raw::c_int;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, ffi};

use super::OpenOptions;
use super::error::{At as _, Cause, IoCause, StoreError};
use super::salvage::move_aside;
use crate::limits::{DATABASE_BUSY_MS, DATABASE_CACHE_KIB, STATEMENTS_CACHED_MAX};

/// Marks a file as one of ours: "BEDS".
const APPLICATION_ID: i32 = 0x4245_4453;
pub(super) const PAGE_BYTES: u64 = 4096;

/// A kind of database: its file name, its migrations, and the bytes SQLCipher reserves on each page.
pub(super) struct Kind {
    pub(super) file: &'static str,
    pub(super) migrations: &'static [&'static str],
    reserved: u8,
}

pub(super) const VAULT: Kind = Kind {
    file: "vault.db",
    migrations: &[
        include_str!("../../migrations/vault/0001_init.sql"),
        include_str!("../../migrations/vault/0002_worklists.sql"),
        include_str!("../../migrations/vault/0003_look.sql"),
        include_str!("../../migrations/vault/0004_outgoing_by_log.sql"),
        include_str!("../../migrations/vault/0005_no_order_of_change.sql"),
    ],
    reserved: 80,
};

pub(super) const MAILBOX: Kind = Kind {
    file: "mailbox.db",
    migrations: &[include_str!("../../migrations/mailbox/0001_init.sql")],
    reserved: 0,
};

/// Everything needed to open a database again and again.
pub(super) struct Database {
    kind: &'static Kind,
    dir: PathBuf,
    vfs: Option<String>,
    careless_memory: bool,
}

impl Kind {
    pub(super) const fn schema_version(&self) -> u32 {
        self.migrations.len() as u32
    }

    /// The first bytes of every file: SQLite's file format, section 1.3. Magic, page size, write-ahead log for writing
    /// and reading, reserved bytes, payload fractions.
    pub(super) fn header(&self) -> [u8; 24] {
        let mut header = *b"SQLite format 3\0\x10\0\x02\x02\0\x40\x20\x20";
        header[20] = self.reserved;
        header
    }
}

#[cfg(test)]
impl Kind {
    /// The same kind of file as a later version would have it.
    pub(super) const fn followed_by(&self, migrations: &'static [&'static str]) -> Self {
        Self { file: self.file, migrations, reserved: self.reserved }
    }
}

impl Database {
    pub(super) fn new(kind: &'static Kind, dir: &Path, options: &OpenOptions) -> Self {
        let OpenOptions { vfs, careless_memory, .. } = options.clone();
        Self { kind, dir: dir.to_owned(), vfs, careless_memory }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.join(self.kind.file)
    }

    pub(super) fn exists(&self) -> Result<bool, StoreError> {
        fs::exists(self.path()).at("look for the database")
    }

    /// Creates the file whole or not at all. The caller holds a lock that keeps others from doing the same.
    pub(super) fn create(&self, key: Option<&str>) -> Result<(), StoreError> {
        if self.exists()? {
            return Err(StoreError::Exists { file: self.kind.file });
        }
        // What an interrupted quarantine left must not be taken for the new database's write-ahead log.
        if fs::exists(with_suffix(&self.path(), "-wal")).at("look for the database")? {
            move_aside(&self.dir, self.kind)?;
        }
        let new = self.dir.join(format!("{}.new", self.kind.file));
        for suffix in ["", "-wal", "-shm", "-journal"] {
            remove_if_there(&with_suffix(&new, suffix))?;
        }
        let mut connection = self.connect(&new, key, OpenFlags::SQLITE_OPEN_CREATE)?;
        settle(&connection)?;
        const STEP: &str = "create the database";
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).at(STEP)?;
        connection.pragma_update(None, "application_id", APPLICATION_ID).at(STEP)?;
        migrate(&mut connection, self.kind.migrations)?;
        checkpoint(&connection)?;
        connection.close().map_err(|(_, error)| error).at(STEP)?;
        // SQLite does not always say that it could not change to a write-ahead log.
        self.check_header(&new).map_err(|_| {
            let source = IoCause::Database(Cause { code: ffi::SQLITE_IOERR });
            StoreError::Io { step: STEP, source }
        })?;
        fs::rename(&new, self.path()).at(STEP)?;
        sync_directory(&self.dir)
    }

    /// Opens the file that is there, checks that it is what it should be, and brings it to the newest schema.
    pub(super) fn open(&self, key: Option<&str>) -> Result<Connection, StoreError> {
        if !self.exists()? {
            return Err(StoreError::NotFound { file: self.kind.file });
        }
        self.check_header(&self.path())?;
        let mut connection = self.connect(&self.path(), key, OpenFlags::empty())?;
        first_page(&connection, key.is_some())?;
        settle(&connection)?;
        migrate(&mut connection, self.kind.migrations)?;
        Ok(connection)
    }

    /// One more connection to a database that is open already.
    pub(super) fn another(&self, key: Option<&str>) -> Result<Connection, StoreError> {
        let connection = self.connect(&self.path(), key, OpenFlags::empty())?;
        settle(&connection)?;
        Ok(connection)
    }

    fn connect(&self, path: &Path, key: Option<&str>, more: OpenFlags) -> Result<Connection, StoreError> {
        const STEP: &str = "open the database";
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
        let connection = match &self.vfs {
            Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs.as_str()),
            None => Connection::open_with_flags(path, flags),
        }
        .at(STEP)?;
        if let Some(key) = key {
            unlock(&connection, key, self.careless_memory).at(STEP)?;
        }
        connection.busy_timeout(std::time::Duration::from_millis(DATABASE_BUSY_MS)).at(STEP)?;
        Ok(connection)
    }

    fn check_header(&self, path: &Path) -> Result<(), StoreError> {
        const STEP: &str = "read the database's header";
        let mut header = [0; 32];
        let mut file = fs::File::open(path).at(STEP)?;
        let length = file.metadata().at(STEP)?.len();
        if length < PAGE_BYTES {
            return Err(StoreError::row(STEP));
        }
        file.read_exact(&mut header).at(STEP)?;
        if header[..24] != self.kind.header() {
            return Err(StoreError::row(STEP));
        }
        // Without a write-ahead log, the header counts every page of the file.
        let counted = u64::from(u32::from_be_bytes([header[28], header[29], header[30], header[31]]));
        let log = fs::metadata(with_suffix(path, "-wal")).map_or(0, |log| log.len());
        if log == 0 && counted * PAGE_BYTES != length {
            return Err(StoreError::row(STEP));
        }
        Ok(())
    }
}

/// The path of a file that SQLite keeps beside a database.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Moves everything from the write-ahead log into the database.
pub(super) fn checkpoint(connection: &Connection) -> Result<(), StoreError> {
    const STEP: &str = "checkpoint";
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).at(STEP)?;
    if busy == 0 { Ok(()) } else { Err(StoreError::Busy { step: STEP }) }
}

/// Makes the directory's entries durable.
pub(super) fn sync_directory(dir: &Path) -> Result<(), StoreError> {
    // Windows has no such thing and needs none.
    if cfg!(unix) {
        fs::File::open(dir).and_then(|dir| dir.sync_all()).at("make a new file durable")?;
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.at("remove an unfinished database"),
    }
}

/// Hands the raw key to SQLCipher. Not by `PRAGMA key`: the text of a statement is copied and never wiped.
#[expect(unsafe_code, reason = "rusqlite has no call for SQLCipher's sqlite3_key")]
fn unlock(connection: &Connection, key: &str, careless_memory: bool) -> rusqlite::Result<()> {
    let length = c_int::try_from(key.len()).expect("a key literal has 99 characters");
    // SAFETY: the handle is open and used by this thread alone; SQLCipher copies `length` bytes before it returns.
    let code = unsafe { ffi::sqlite3_key(connection.handle(), key.as_ptr().cast(), length) };
    if code != ffi::SQLITE_OK {
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
    }
    // iOS recognises a database in a shared container by its plain header.
    connection.execute_batch("PRAGMA cipher_plaintext_header_size = 32; PRAGMA cipher_log_level = NONE;")?;
    if careless_memory {
        return Ok(());
    }
    // Memory that SQLite frees is wiped: that doubles the time of a bulk import, and without it secrets outlive the
    // vault's closing (test: store::tests::memory).
    connection.execute_batch("PRAGMA cipher_memory_security = ON;")
}

/// Everything that needs the file's first page to be readable.
fn settle(connection: &Connection) -> Result<(), StoreError> {
    const STEP: &str = "set up the database";
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).at(STEP)?;
    // A file that somebody changed must not bring code of its own.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).at(STEP)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false).at(STEP)?;
    // Without it SQLite plans a cached statement anew whenever another number is bound to its LIMIT.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).at(STEP)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED_MAX);
    // Apple's fsync does not reach the disk; fullfsync does, and means nothing elsewhere.
    let pragmas = format!(
        "PRAGMA temp_store = MEMORY;
         PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA mmap_size = 0;
         PRAGMA secure_delete = ON;
         PRAGMA journal_size_limit = 4194304;
         PRAGMA cache_size = -{DATABASE_CACHE_KIB};"
    );
    connection.execute_batch(&pragmas).at(STEP)
}

fn first_page(connection: &Connection, encrypted: bool) -> Result<(), StoreError> {
    const STEP: &str = "read the database's first page";
    let id = connection.query_row("PRAGMA application_id", [], |row| row.get::<_, i32>(0)).at(STEP);
    match id {
        Ok(APPLICATION_ID) => Ok(()),
        Err(StoreError::Damaged { .. }) if encrypted => Err(StoreError::CannotDecrypt),
        Ok(_) => Err(StoreError::row(STEP)),
        Err(error) => Err(error),
    }
}

fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), StoreError> {
    const STEP: &str = "read the schema's version";
    let known = migrations.len() as u32;
    let found: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).at(STEP)?;
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    if found == known {
        return Ok(());
    }
    let failed = |to, error| match error {
        StoreError::DiskFull { .. } | StoreError::Busy { .. } => error,
        other => StoreError::Migrate { from: found, to, source: Box::new(other) },
    };
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .at("begin the migration")
        .map_err(|error| failed(known, error))?;
    for (number, sql) in (1..=known).zip(migrations).skip(found as usize) {
        transaction.execute_batch(sql).at("run the migration").map_err(|error| failed(number, error))?;
    }
    transaction.pragma_update(None, "user_version", known).at(STEP).map_err(|error| failed(known, error))?;
    transaction.commit().at("commit the migration").map_err(|error| failed(known, error))
}
