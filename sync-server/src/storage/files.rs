//! Copies of the database as files: backup while running, restore, integrity.

use std::path::{Path, PathBuf};

use bedside_protocol::ids::SealedId;
use bedside_protocol::signing::hash;
use bedside_protocol::statement::{Trust, statement_id};
use rusqlite::{Connection, params};

use super::sqlite::SqliteStorage;
use super::{Storage, StorageError, Stored};

impl SqliteStorage {
    /// Writes a consistent, compacted copy to a new file and syncs it to disk. Others may write meanwhile.
    pub fn back_up(&self, to: &Path) -> Stored<()> {
        let step = "write the backup";
        let path = to.to_string_lossy();
        self.connection()
            .execute("VACUUM INTO ?", params![path])
            .map_err(|source| StorageError { step, source })?;
        sync_file(to)
            .map_err(|e| StorageError { step, source: rusqlite::Error::ToSqlConversionFailure(e.into()) })
    }

    /// Everything that is wrong with the database, in words; empty when it is sound.
    ///
    /// Beside SQLite's own checks: ids follow from contents, and statements verify down from the network root.
    pub fn faults(&self) -> Stored<Vec<String>> {
        let check =
            |step: &'static str, run: &dyn Fn(&Connection, &mut Vec<String>) -> rusqlite::Result<()>| {
                let mut faults = Vec::new();
                run(self.connection(), &mut faults).map_err(|source| StorageError { step, source })?;
                Ok(faults)
            };
        let mut faults = check("check the pages", &page_faults)?;
        faults.extend(check("check the references", &reference_faults)?);
        faults.extend(check("check the entries", &entry_faults)?);
        let root = self.meta()?.root;
        faults.extend(check("check the statements", &|db, faults| statement_faults(db, root, faults))?);
        Ok(faults)
    }

    /// Moves everything from the write-ahead log into the database file.
    pub fn checkpoint(&self) -> Stored<()> {
        self.connection()
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(|source| StorageError { step: "checkpoint", source })
    }
}

const FAULTS_MAX: usize = 100;

fn page_faults(db: &Connection, faults: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut statement = db.prepare("PRAGMA integrity_check(100)")?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
    for line in lines {
        let line = line?;
        if line != "ok" {
            faults.push(line);
        }
    }
    Ok(())
}

fn reference_faults(db: &Connection, faults: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut statement = db.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (table, row): (String, Option<i64>) = (row.get(0)?, row.get(1)?);
        if faults.len() < FAULTS_MAX {
            faults.push(format!("{table} row {}: what it names is missing", row.unwrap_or_default()));
        }
    }
    let sql = "SELECT count(*) FROM feed WHERE
               (kind = 0 AND NOT EXISTS (SELECT 1 FROM entry WHERE row = object)) OR
               (kind IN (1, 2) AND NOT EXISTS (SELECT 1 FROM statement WHERE row = object))";
    let dangling: i64 = db.query_row(sql, [], |row| row.get(0))?;
    if dangling > 0 {
        faults.push(format!("{dangling} rows of feeds name what is not there"));
    }
    Ok(())
}

fn entry_faults(db: &Connection, faults: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut statement = db.prepare("SELECT row, id, bytes FROM entry")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
        if SealedId::new(hash(bytes)) != SealedId::new(row.get(1)?) && faults.len() < FAULTS_MAX {
            faults.push(format!("entry row {}: its bytes have changed", row.get::<_, i64>(0)?));
        }
    }
    Ok(())
}

fn statement_faults(db: &Connection, root: [u8; 32], faults: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut trust = Trust::new(root);
    let mut statement = db.prepare("SELECT row, id, bytes FROM statement ORDER BY row")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let at: i64 = row.get(0)?;
        let bytes = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
        let changed = statement_id(bytes).as_bytes() != &row.get::<_, [u8; 32]>(1)?;
        let fault = match trust.accept(bytes) {
            _ if changed => Some(format!("statement row {at}: its bytes have changed")),
            Err(error) => Some(format!("statement row {at}: {error}")),
            Ok(_) => None,
        };
        faults.extend(fault.filter(|_| faults.len() < FAULTS_MAX));
    }
    Ok(())
}

/// The files that SQLite may keep beside a database.
pub(crate) fn companions(path: &Path) -> [PathBuf; 2] {
    ["-wal", "-shm"].map(|suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        name.into()
    })
}

/// Syncs a file and the folder that names it.
pub(crate) fn sync_file(path: &Path) -> std::io::Result<()> {
    std::fs::File::open(path)?.sync_all()?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
