//! When a database is damaged: look, move aside, read what can be read. Nothing is deleted, nothing is recreated over it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use bedside_protocol::entry::entry_id;
use bedside_protocol::ids::{IdentityId, KeyId, LogId, StatementId, Timestamp};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, Params};
use zeroize::Zeroizing;

use super::columns::{Columns, all};
use super::error::{At as _, StoreError};
use super::file::{Database, Kind, MAILBOX, PAGE_BYTES, VAULT, checkpoint, sync_directory, with_suffix};
use super::lock::FileLock;
use super::rows::{ContentKeyRow, EntryRow, LookRow, StatementKind, StatementRow, VisitRow};
use super::{OpenOptions, read};
use crate::limits::SALVAGE_ATTEMPTS_MAX;

/// One of the two databases of a profile directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseFile {
    /// `vault.db`
    Vault,
    /// `mailbox.db`
    Mailbox,
}

/// Something that could be read from a damaged vault.
pub enum Salvaged {
    /// A key, seed or other secret kept by name.
    Secret {
        /// Its name.
        name: String,
        /// The secret.
        value: Zeroizing<Vec<u8>>,
    },
    /// A statement. It has to be verified anew.
    Statement(StatementRow),
    /// A content key.
    ContentKey {
        /// The log it is for.
        log: LogId,
        /// The key.
        row: ContentKeyRow,
    },
    /// An entry. It has to be verified anew.
    Entry(EntryRow),
    /// A plan that somebody has taken on.
    Caseload {
        /// Who.
        identity: IdentityId,
        /// The plan.
        log: LogId,
        /// Since when.
        since: Timestamp,
    },
    /// A visit.
    Visit(VisitRow),
    /// A look that was in no entry yet.
    Look(LookRow),
}

/// What a salvage came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SalvageReport {
    /// How many rows were handed over.
    pub read: u64,
    /// How many places, at most, held a row that could not be read.
    pub lost: u64,
    /// It gave up before it had tried every place: see [`SALVAGE_ATTEMPTS_MAX`].
    pub cut_short: bool,
}

/// Moves a database with all that belongs to it into a new directory `damaged-<n>` beside it, and says which.
///
/// Nothing is written over. The vault must be closed ([`StoreError::InUse`]). When this is interrupted, what is left of
/// the old database is moved before a new one is created.
pub fn quarantine(dir: &Path, file: DatabaseFile) -> Result<PathBuf, StoreError> {
    let (kind, lock) = match file {
        DatabaseFile::Vault => (&VAULT, "vault.lock"),
        DatabaseFile::Mailbox => (&MAILBOX, "mailbox.lock"),
    };
    let _lock = FileLock::try_take(&dir.join(lock))?;
    move_aside(dir, kind)
}

/// The caller holds the lock.
pub(super) fn move_aside(dir: &Path, kind: &Kind) -> Result<PathBuf, StoreError> {
    const STEP: &str = "move a damaged database aside";
    let aside = new_directory(dir)?;
    // The database first: without it, nobody reads a write-ahead log that is left.
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let from = with_suffix(&dir.join(kind.file), suffix);
        if fs::exists(&from).at(STEP)? {
            fs::rename(&from, with_suffix(&aside.join(kind.file), suffix)).at(STEP)?;
        }
    }
    sync_directory(&aside)?;
    sync_directory(dir)?;
    Ok(aside)
}

fn new_directory(dir: &Path) -> Result<PathBuf, StoreError> {
    let mut number = 1_u32;
    loop {
        let path = dir.join(format!("damaged-{number}"));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error).at("make a directory for a damaged database"),
        }
    }
}

/// What is wrong with a database; nothing, for a sound one.
pub(super) fn check(connection: &Connection, encrypted: bool) -> Result<Vec<String>, StoreError> {
    checkpoint(connection)?;
    let mut findings = Vec::new();
    if encrypted {
        findings.extend(findings_of(connection, "PRAGMA cipher_integrity_check")?);
    }
    findings.extend(findings_of(connection, "PRAGMA integrity_check")?);
    findings.extend(findings_of(connection, "PRAGMA foreign_key_check")?);
    Ok(findings)
}

fn findings_of(connection: &Connection, sql: &str) -> Result<Vec<String>, StoreError> {
    const STEP: &str = "check the database";
    let read = || {
        let mut statement = connection.prepare(sql).at(STEP)?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).at(STEP)?;
        rows.map(|row| row.at(STEP)).filter(|row| !matches!(row, Ok(text) if text == "ok")).collect()
    };
    match read() {
        // Damage bad enough to stop the check is a finding like any other.
        Err(error @ StoreError::Damaged { .. }) => Ok(vec![error.to_string()]),
        other => other,
    }
}

/// Hands over every secret, statement, content key, entry and look that can still be read from a damaged vault.
///
/// `dir` holds the `vault.db`, usually as [`quarantine`] left it; it is not changed. `key` is the literal it was opened
/// with. SQLCipher authenticates every page, so what is read is what was written, though perhaps not the newest.
/// Fails with [`StoreError::CannotDecrypt`] when no page opens.
pub fn salvage(dir: &Path, key: &str, mut found: impl FnMut(Salvaged)) -> Result<SalvageReport, StoreError> {
    let source = Source::open(dir, key)?;
    let mut walk = Walk { source: &source, connection: None, report: SalvageReport::default() };
    walk.secrets(&mut found)?;
    let logs = walk.logs()?;
    walk.statements(&logs, &mut found)?;
    walk.content_keys(&logs, &mut found)?;
    walk.entries(&logs, &mut found)?;
    walk.caseload(&logs, &mut found)?;
    walk.visits(&logs, &mut found)?;
    walk.looks(&logs, &mut found)?;
    Ok(walk.report)
}

/// The damaged file, or a copy of it whose first page was mended.
struct Source<'k> {
    database: Database,
    key: &'k str,
    length: u64,
    copy: Option<PathBuf>,
}

impl<'k> Source<'k> {
    fn open(dir: &Path, key: &'k str) -> Result<Self, StoreError> {
        const STEP: &str = "read a damaged vault";
        let path = dir.join(VAULT.file);
        let length = fs::metadata(&path).at(STEP)?.len();
        let at = |dir: &Path| Database::new(&VAULT, dir, &OpenOptions::default());
        let mut source = Self { database: at(dir), key, length, copy: None };
        if source.opens()? {
            return Ok(source);
        }
        let copy = with_suffix(&path, "-salvage");
        fs::create_dir_all(&copy).at(STEP)?;
        source.copy = Some(copy.clone());
        for suffix in ["", "-wal"] {
            let from = with_suffix(&path, suffix);
            if fs::exists(&from).at(STEP)? {
                fs::copy(from, with_suffix(&copy.join(VAULT.file), suffix)).at(STEP)?;
            }
        }
        source.database = at(&copy);
        mend_header(&copy.join(VAULT.file), length)?;
        if source.opens()? {
            return Ok(source);
        }
        graft_schema(&copy, key, length)?;
        if source.opens()? && source.has_readable_pages()? {
            Ok(source)
        } else {
            Err(StoreError::CannotDecrypt)
        }
    }

    /// The schema of a copy now opens with any key; with the right one, some page of the damaged vault does as well.
    fn has_readable_pages(&self) -> Result<bool, StoreError> {
        let connection = self.connect()?;
        let schema = schema_pages(&connection)?.len() as u64;
        let bad = findings_of(&connection, "PRAGMA cipher_integrity_check")?.len() as u64;
        Ok(self.length / PAGE_BYTES > schema + bad)
    }

    fn opens(&self) -> Result<bool, StoreError> {
        match self.connect().and_then(|connection| table_names(&connection)) {
            Ok(names) => Ok(names.iter().any(|name| name == "entry")),
            Err(StoreError::Damaged { .. } | StoreError::CannotDecrypt) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// True when the page that leads to all others of a table is damaged: then there is no use in trying them.
    fn root_is_bad(&self, table: &str) -> Result<bool, StoreError> {
        if fs::metadata(with_suffix(&self.database.path(), "-wal")).is_ok_and(|log| log.len() > 0) {
            // A sound version of the page may stand there.
            return Ok(false);
        }
        const STEP: &str = "find the root of a table";
        let connection = self.connect()?;
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
        let root: i64 = connection.query_row(sql, [table], |row| row.get(0)).at(STEP)?;
        let bad = findings_of(&connection, "PRAGMA cipher_integrity_check")?;
        Ok(bad.iter().any(|finding| finding.ends_with(&format!(" page {root}"))))
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        const STEP: &str = "open a damaged vault";
        let connection = self.database.another(Some(self.key))?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).at(STEP)?;
        connection.pragma_update(None, "query_only", true).at(STEP)?;
        Ok(connection)
    }
}

impl Drop for Source<'_> {
    fn drop(&mut self) {
        if let Some(copy) = &self.copy {
            // A copy that stays costs space and nothing else.
            let _ = fs::remove_dir_all(copy);
        }
    }
}

fn table_names(connection: &Connection) -> Result<Vec<String>, StoreError> {
    const STEP: &str = "read a damaged vault's schema";
    let mut statement = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").at(STEP)?;
    statement.query_map([], |row| row.get(0)).at(STEP)?.map(|name| name.at(STEP)).collect()
}

/// Puts back the bytes that are the same in every vault, and counts the pages.
fn mend_header(file: &Path, length: u64) -> Result<(), StoreError> {
    const STEP: &str = "mend the header of a copy";
    let pages = u32::try_from(length / PAGE_BYTES).unwrap_or(u32::MAX);
    let mut file = fs::OpenOptions::new().write(true).open(file).at(STEP)?;
    file.write_all(&VAULT.header()).at(STEP)?;
    file.seek(SeekFrom::Start(28)).at(STEP)?;
    file.write_all(&pages.to_be_bytes()).at(STEP)
}

/// Takes the pages of an empty vault's schema, the first page among them: they say where each table begins, and every
/// vault begins with the same tables in the same places.
fn graft_schema(copy: &Path, key: &str, length: u64) -> Result<(), StoreError> {
    const STEP: &str = "mend the schema of a copy";
    let empty = copy.join("empty");
    fs::create_dir_all(&empty).at(STEP)?;
    let database = Database::new(&VAULT, &empty, &OpenOptions::default());
    database.create(Some(key))?;
    let pages = schema_pages(&database.another(Some(key))?)?;
    let mut from = fs::File::open(database.path()).at(STEP)?;
    let mut to = fs::OpenOptions::new().write(true).open(copy.join(VAULT.file)).at(STEP)?;
    let mut page = vec![0; PAGE_BYTES as usize];
    for number in pages {
        let offset = SeekFrom::Start((number - 1) * PAGE_BYTES);
        from.seek(offset).and_then(|_| from.read_exact(&mut page)).at(STEP)?;
        to.seek(offset).and_then(|_| to.write_all(&page)).at(STEP)?;
    }
    mend_header(&copy.join(VAULT.file), length)
}

fn schema_pages(connection: &Connection) -> Result<Vec<u64>, StoreError> {
    let sql = "SELECT pageno FROM dbstat WHERE name = 'sqlite_schema'";
    all(connection, "find the schema's pages", sql, [], |row| row.number(0))
}

/// Reads tables in ranges of their numbers, splitting around what cannot be read.
struct Walk<'s> {
    source: &'s Source<'s>,
    connection: Option<Connection>,
    report: SalvageReport,
}

impl Walk<'_> {
    fn secrets(&mut self, found: &mut impl FnMut(Salvaged)) -> Result<(), StoreError> {
        let mut seen = BTreeMap::new();
        for sql in [
            "SELECT name, value FROM secret ORDER BY name",
            "SELECT name, value FROM secret ORDER BY name DESC",
        ] {
            self.read(sql, [], &mut |row| {
                seen.insert(row.text(0)?, Zeroizing::new(row.bytes(1)?));
                Ok(())
            })?;
        }
        self.report.read += seen.len() as u64;
        seen.into_iter().for_each(|(name, value)| found(Salvaged::Secret { name, value }));
        Ok(())
    }

    /// Logs by their number, from the table and from its index: either may be damaged.
    fn logs(&mut self) -> Result<BTreeMap<i64, LogId>, StoreError> {
        let mut logs = BTreeMap::new();
        for sql in [
            "SELECT number, id FROM log ORDER BY number",
            "SELECT number, id FROM log ORDER BY number DESC",
            "SELECT number, id FROM log INDEXED BY sqlite_autoindex_log_1 ORDER BY id",
            "SELECT number, id FROM log INDEXED BY sqlite_autoindex_log_1 ORDER BY id DESC",
        ] {
            self.read(sql, [], &mut |row| {
                logs.insert(row.number(0)?, row.id(1, LogId::from_slice)?);
                Ok(())
            })?;
        }
        Ok(logs)
    }

    fn statements(
        &mut self,
        logs: &BTreeMap<i64, LogId>,
        found: &mut impl FnMut(Salvaged),
    ) -> Result<(), StoreError> {
        let largest = self.largest(&[
            "SELECT max(position) FROM statement",
            "SELECT position FROM statement INDEXED BY sqlite_autoindex_statement_1 ORDER BY id",
        ])?;
        let sql = "SELECT position, id, kind, log, bytes, sent FROM statement \
                   WHERE position BETWEEN ?1 AND ?2 ORDER BY position";
        self.walk("statement", sql, largest, &mut |row| {
            let log = row.optional_number(3)?.and_then(|number| logs.get(&number).copied());
            found(Salvaged::Statement(StatementRow {
                id: row.id(1, StatementId::from_slice)?,
                kind: row.code(2, StatementKind::from_code)?,
                log,
                bytes: row.bytes(4)?,
                sent: row.flag(5)?,
            }));
            Ok(())
        })
    }

    fn content_keys(
        &mut self,
        logs: &BTreeMap<i64, LogId>,
        found: &mut impl FnMut(Salvaged),
    ) -> Result<(), StoreError> {
        let largest = logs.last_key_value().map_or(0, |(number, _)| *number);
        let sql =
            "SELECT log, key_id, key, current FROM content_key WHERE log BETWEEN ?1 AND ?2 ORDER BY log";
        self.walk("content_key", sql, largest, &mut |row| {
            let Some(log) = logs.get(&row.number(0)?).copied() else {
                return Err(StoreError::row("find the log of a content key"));
            };
            let key = row.bytes(2).map(Zeroizing::new)?;
            let row = ContentKeyRow { key_id: row.id(1, KeyId::from_slice)?, key, current: row.flag(3)? };
            found(Salvaged::ContentKey { log, row });
            Ok(())
        })
    }

    fn entries(
        &mut self,
        logs: &BTreeMap<i64, LogId>,
        found: &mut impl FnMut(Salvaged),
    ) -> Result<(), StoreError> {
        let largest = self.largest(&[
            "SELECT max(position) FROM entry",
            "SELECT position FROM entry INDEXED BY entry_by_log ORDER BY log",
            "SELECT position FROM entry INDEXED BY sqlite_autoindex_entry_1 ORDER BY entry_id",
            "SELECT position FROM entry INDEXED BY sqlite_autoindex_entry_2 ORDER BY sealed_id",
        ])?;
        let sql = "SELECT position, entry_id, sealed_id, credential, author_seq, bytes, signature, received_at, \
                   own, log FROM entry WHERE position BETWEEN ?1 AND ?2 ORDER BY position";
        self.walk("entry", sql, largest, &mut |row| {
            let entry = read::entry_after(row, LogId::new([0; 32]))?;
            let known = logs.get(&row.number(9)?).copied();
            let log = known
                .or_else(|| logs.values().copied().find(|log| entry_id(log, &entry.bytes) == entry.entry_id));
            let log = log.ok_or(StoreError::row("find the log of an entry"))?;
            found(Salvaged::Entry(EntryRow { log, ..entry }));
            Ok(())
        })
    }

    /// From both ends: what lies between two damaged pages is lost.
    fn caseload(
        &mut self,
        logs: &BTreeMap<i64, LogId>,
        found: &mut impl FnMut(Salvaged),
    ) -> Result<(), StoreError> {
        let mut seen = BTreeMap::new();
        for sql in [
            "SELECT identity, log, since FROM caseload ORDER BY identity, log",
            "SELECT identity, log, since FROM caseload ORDER BY identity DESC, log DESC",
        ] {
            self.read(sql, [], &mut |row| {
                let identity = row.id(0, IdentityId::from_slice)?;
                if let Some(log) = logs.get(&row.number(1)?) {
                    seen.insert((identity, *log), row.time(2)?);
                }
                Ok(())
            })?;
        }
        self.report.read += seen.len() as u64;
        seen.into_iter()
            .for_each(|((identity, log), since)| found(Salvaged::Caseload { identity, log, since }));
        Ok(())
    }

    fn visits(
        &mut self,
        logs: &BTreeMap<i64, LogId>,
        found: &mut impl FnMut(Salvaged),
    ) -> Result<(), StoreError> {
        let largest = self.largest(&[
            "SELECT max(number) FROM visit",
            "SELECT number FROM visit INDEXED BY visit_by_log ORDER BY log",
        ])?;
        let sql = "SELECT number, identity, log, day, time, note, done_at FROM visit \
                   WHERE number BETWEEN ?1 AND ?2 ORDER BY number";
        self.walk("visit", sql, largest, &mut |row| {
            let Some(log) = logs.get(&row.number(2)?).copied() else {
                return Err(StoreError::row("find the log of a visit"));
            };
            found(Salvaged::Visit(VisitRow {
                number: row.number(0)?,
                identity: row.id(1, IdentityId::from_slice)?,
                log,
                day: row.text(3)?,
                time: row.optional_text(4)?,
                note: row.text(5)?,
                done_at: row.optional_time(6)?,
            }));
            Ok(())
        })
    }

    fn looks(
        &mut self,
        logs: &BTreeMap<i64, LogId>,
        found: &mut impl FnMut(Salvaged),
    ) -> Result<(), StoreError> {
        let there = |names: Vec<String>| names.iter().any(|name| name == "look");
        if !self.source.connect().and_then(|connection| table_names(&connection)).is_ok_and(there) {
            // The vault was made by an earlier version.
            return Ok(());
        }
        let largest = self.largest(&[
            "SELECT max(position) FROM look",
            "SELECT position FROM look INDEXED BY look_by_log ORDER BY log",
        ])?;
        let sql = "SELECT position, log, bytes, identity FROM look \
                   WHERE position BETWEEN ?1 AND ?2 ORDER BY position";
        self.walk("look", sql, largest, &mut |row| {
            let log = logs.get(&row.number(1)?).copied().ok_or(StoreError::row("find the log of a look"))?;
            let (identity, bytes) = (row.id(3, IdentityId::from_slice)?, row.bytes(2)?);
            found(Salvaged::Look(LookRow { identity, log, bytes }));
            Ok(())
        })
    }

    /// The largest number in a table, from the first of these queries that answers more than nothing; or else more rows
    /// than the file could hold.
    fn largest(&mut self, queries: &[&str]) -> Result<i64, StoreError> {
        let (exact, others) = queries.split_first().expect("every table has a query");
        let mut largest = None;
        if self.read(exact, [], &mut |row| {
            largest = row.optional_number::<i64>(0)?;
            Ok(())
        })? {
            return Ok(largest.unwrap_or(0));
        }
        for sql in others {
            self.read(sql, [], &mut |row| {
                largest = largest.max(Some(row.number(0)?));
                Ok(())
            })?;
        }
        Ok(largest.unwrap_or_else(|| i64::try_from(self.source.length / 64).unwrap_or(i64::MAX)))
    }

    /// Reads the rows numbered from 1 to `largest`; their number is in the first column.
    fn walk(
        &mut self,
        table: &str,
        sql: &str,
        largest: i64,
        take: &mut dyn FnMut(&Columns<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if self.source.root_is_bad(table)? {
            self.report.lost += largest.cast_unsigned();
            return Ok(());
        }
        let mut attempts = 0;
        let mut ranges = vec![(1, largest)];
        while let Some((low, high)) = ranges.pop() {
            if low > high {
                continue;
            }
            let (mut last, mut read, mut lost) = (None, 0, 0);
            let whole = self.read(sql, [low, high], &mut |row| {
                last = Some(row.number::<i64>(0)?);
                match take(row) {
                    Ok(()) => read += 1,
                    Err(_) => lost += 1,
                }
                Ok(())
            })?;
            self.report.read += read;
            self.report.lost += lost;
            if whole {
                continue;
            }
            attempts += 1;
            if attempts > SALVAGE_ATTEMPTS_MAX {
                self.report.cut_short = true;
                return Ok(());
            }
            match last {
                Some(last) => ranges.push((last + 1, high)),
                None if low == high => self.report.lost += 1,
                None => {
                    let middle = low + (high - low) / 2;
                    ranges.extend([(middle + 1, high), (low, middle)]);
                }
            }
        }
        Ok(())
    }

    /// Runs a query until it ends or meets damage; true when it ended.
    fn read(
        &mut self,
        sql: &str,
        params: impl Params,
        take: &mut dyn FnMut(&Columns<'_>) -> Result<(), StoreError>,
    ) -> Result<bool, StoreError> {
        const STEP: &str = "read a damaged vault";
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.source.connect()?,
        };
        let result = (|| {
            let mut statement = connection.prepare_cached(sql).at(STEP)?;
            let mut rows = statement.query(params).at(STEP)?;
            while let Some(row) = rows.next().at(STEP)? {
                take(&Columns::new(row, STEP))?;
            }
            Ok(())
        })();
        match result {
            Ok(()) => {
                self.connection = Some(connection);
                Ok(true)
            }
            // The connection is of no more use: SQLCipher refuses every page after a bad one.
            Err(StoreError::Damaged { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
