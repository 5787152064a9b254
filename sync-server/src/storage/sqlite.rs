//! The rules' storage on SQLite: write-ahead log, one writer, every commit synced to disk.
//!
//! The database holds ciphertext and signed statements only, so it is not encrypted again: `PRAGMA key` is never used.

use std::path::Path;

use bedside_protocol::ids::{
    DeviceId, InviteId, LogId, Principal, RelayEpoch, SealedId, StatementId, Timestamp,
};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, ToSql, params};

use super::{
    DeviceRow, EntryInfo, EntryRow, FeedObject, FeedRow, Gives, InviteRow, InviteState, LogRow, Meta,
    Position, PrincipalRow, Rights, Standing, StatementKind, StatementRow, Storage, StorageError, Stored,
    Totals,
};

/// Landed migrations are never edited: a new one is added below.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_init.sql"),
    include_str!("../../migrations/0002_read.sql"),
    include_str!("../../migrations/0003_stopped.sql"),
];

/// The version of the database that this build writes, as `PRAGMA user_version`.
pub const SCHEMA_VERSION: usize = MIGRATIONS.len();

/// Marks the file as a relay's database ("Beds" in ASCII), as `PRAGMA application_id`.
pub const APPLICATION_ID: i64 = 0x4265_6473;

/// A relay's database.
pub struct SqliteStorage {
    db: Connection,
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be opened as a database.
    #[error("cannot open the database {path}; is the data directory right and writable?")]
    Open {
        /// Which file.
        path: String,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// Some other program's file.
    #[error("{path} is not a relay's database; give the data directory of a relay")]
    NotOurs {
        /// Which file.
        path: String,
    },
    /// Written by a newer relay.
    #[error(
        "the database has version {found}, this program knows versions up to {SCHEMA_VERSION}; update it"
    )]
    Newer {
        /// Its version.
        found: usize,
    },
    /// A migration failed; the database is as it was.
    #[error("cannot migrate the database from version {from} to {to}")]
    Migrate {
        /// The version before.
        from: usize,
        /// The version after.
        to: usize,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The database was begun for another network.
    #[error("this data directory belongs to the network root {found}; give that root, or another directory")]
    OtherNetwork {
        /// Hexadecimal.
        found: String,
    },
    /// There is no such database yet.
    #[error("there is no relay database at {path}; `bedside-relay serve` makes one")]
    Missing {
        /// Which file.
        path: String,
    },
    /// It opened, and then could not be read.
    #[error("the database cannot be read")]
    Read(#[from] StorageError),
}

/// What a new database is begun with.
pub struct Birth {
    /// The network root's public key.
    pub root: [u8; 32],
    /// Random.
    pub epoch: RelayEpoch,
    /// Random.
    pub secret: [u8; 32],
}

impl SqliteStorage {
    /// Opens a database for writing, making or migrating it first.
    pub fn open(path: &Path, birth: &Birth) -> Result<Self, OpenError> {
        let storage = Self::connect(path, OpenFlags::default())?;
        storage.prepare(&path.display().to_string(), birth)?;
        Ok(storage)
    }

    /// A database that lives as long as this value.
    pub fn open_in_memory(birth: &Birth) -> Result<Self, OpenError> {
        let path = ":memory:".to_owned();
        let db =
            Connection::open_in_memory().map_err(|source| OpenError::Open { path: path.clone(), source })?;
        let storage = Self { db };
        storage.prepare(&path, birth)?;
        Ok(storage)
    }

    /// Opens an existing database beside the one that writes, for reading only.
    pub fn open_reader(path: &Path) -> Result<Self, OpenError> {
        let shown = path.display().to_string();
        if !path.exists() {
            return Err(OpenError::Missing { path: shown });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let storage = Self::connect(path, flags)?;
        let version = storage.version(&shown)?;
        if version == 0 {
            return Err(OpenError::NotOurs { path: shown });
        }
        Ok(storage)
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Self, OpenError> {
        let open = |source| OpenError::Open { path: path.display().to_string(), source };
        let db = Connection::open_with_flags(path, flags).map_err(open)?;
        db.busy_timeout(std::time::Duration::from_secs(5)).map_err(open)?;
        db.set_prepared_statement_cache_capacity(128);
        Ok(Self { db })
    }

    fn version(&self, path: &str) -> Result<usize, OpenError> {
        let open = |source| OpenError::Open { path: path.to_owned(), source };
        let id: i64 = self.db.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(open)?;
        let version: i64 =
            self.db.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(open)?;
        let version = usize::try_from(version).unwrap_or(usize::MAX);
        let tables: i64 =
            self.db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(open)?;
        if id != APPLICATION_ID && (id != 0 || version != 0 || tables != 0) {
            return Err(OpenError::NotOurs { path: path.to_owned() });
        }
        if version > SCHEMA_VERSION {
            return Err(OpenError::Newer { found: version });
        }
        Ok(version)
    }

    fn prepare(&self, path: &str, birth: &Birth) -> Result<(), OpenError> {
        let from = self.version(path)?;
        self.db
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                 PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768;",
            )
            .map_err(|source| OpenError::Open { path: path.to_owned(), source })?;
        let to = SCHEMA_VERSION;
        self.migrate(from, birth).map_err(|source| OpenError::Migrate { from, to, source })?;
        let root = self.meta()?.root;
        if root != birth.root {
            return Err(OpenError::OtherNetwork { found: hex(&root) });
        }
        Ok(())
    }

    fn migrate(&self, from: usize, birth: &Birth) -> rusqlite::Result<()> {
        if from == SCHEMA_VERSION {
            return Ok(());
        }
        let transaction = self.db.unchecked_transaction()?;
        for migration in &MIGRATIONS[from..] {
            transaction.execute_batch(migration)?;
        }
        if from == 0 {
            transaction.execute(
                "INSERT INTO meta (one, network_root, epoch, cursor_secret, seq) VALUES (1, ?, ?, ?, 0)",
                params![birth.root, birth.epoch.as_bytes(), birth.secret],
            )?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", i64::try_from(SCHEMA_VERSION).unwrap_or(i64::MAX))?;
        transaction.commit()
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.db
    }

    fn run(&self, step: &'static str, sql: &str, parameters: impl rusqlite::Params) -> Stored<usize> {
        self.db
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(parameters))
            .map_err(|source| StorageError { step, source })
    }

    fn one<T>(
        &self,
        step: &'static str,
        sql: &str,
        parameters: impl rusqlite::Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Stored<Option<T>> {
        self.db
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(parameters, read).optional())
            .map_err(|source| StorageError { step, source })
    }

    fn must<T: FromSql>(
        &self,
        step: &'static str,
        sql: &str,
        parameters: impl rusqlite::Params,
    ) -> Stored<T> {
        self.one(step, sql, parameters, |row| row.get(0))?
            .ok_or(StorageError { step, source: rusqlite::Error::QueryReturnedNoRows })
    }

    fn all<T>(
        &self,
        step: &'static str,
        sql: &str,
        parameters: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Stored<Vec<T>> {
        self.db
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_map(parameters, read)?.collect())
            .map_err(|source| StorageError { step, source })
    }
}

/// SQLite's integers are signed; these are stored bit for bit.
fn bits(value: u64) -> i64 {
    value.cast_signed()
}

/// Later than every timestamp that fits in SQLite means "the end of time".
fn moment(time: Timestamp) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

fn timestamp(value: i64) -> Timestamp {
    Timestamp(u64::try_from(value).unwrap_or(0))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn principal_parts(principal: &Principal) -> (i64, &[u8]) {
    match principal {
        Principal::Identity(id) => (0, id.as_bytes()),
        Principal::Organisation(id) => (1, id.as_bytes()),
    }
}

fn kind_code(kind: StatementKind) -> i64 {
    match kind {
        StatementKind::Organisation => 0,
        StatementKind::Credential => 1,
        StatementKind::Access => 2,
        StatementKind::Acknowledgement => 3,
        StatementKind::Invite => 4,
    }
}

fn object_parts(object: FeedObject) -> (i64, i64) {
    match object {
        FeedObject::Entry(row) => (0, row.0),
        FeedObject::Access(row) => (1, row.0),
        FeedObject::Acknowledgement(row) => (2, row.0),
        FeedObject::Enrolment(row) => (3, row.0),
        FeedObject::Contested(row) => (4, row.0),
        FeedObject::Nothing => (5, 0),
        FeedObject::Organisation(row) => (6, row.0),
    }
}

fn read_feed_row(row: &Row<'_>) -> rusqlite::Result<FeedRow> {
    let position = Position { at: timestamp(row.get(0)?).0, check: row.get::<_, i64>(1)?.cast_unsigned() };
    let object = row.get(3)?;
    let object = match row.get::<_, i64>(2)? {
        0 => FeedObject::Entry(EntryRow(object)),
        1 => FeedObject::Access(StatementRow(object)),
        2 => FeedObject::Acknowledgement(StatementRow(object)),
        3 => FeedObject::Enrolment(InviteRow(object)),
        4 => FeedObject::Contested(InviteRow(object)),
        6 => FeedObject::Organisation(StatementRow(object)),
        _ => FeedObject::Nothing,
    };
    Ok(FeedRow { position, object })
}

fn read_rights(row: &Row<'_>) -> rusqlite::Result<Rights> {
    Ok(Rights { read: row.get(0)?, append: row.get(1)?, share: row.get(2)? })
}

const INVITE_COLUMNS: &str = "row, id, issuer, valid_until, request, proof, contested, answer, admitted";

fn read_invite(row: &Row<'_>) -> rusqlite::Result<InviteState> {
    let request: Option<Vec<u8>> = row.get(4)?;
    let proof: Option<[u8; 32]> = row.get(5)?;
    Ok(InviteState {
        row: row.get(0)?,
        id: InviteId::new(row.get(1)?),
        issuer: row.get(2)?,
        valid_until: timestamp(row.get(3)?),
        request: request.zip(proof),
        contested: row.get(6)?,
        answer: row.get(7)?,
        admitted: row.get::<_, Option<[u8; 32]>>(8)?.map(StatementId::new),
    })
}

macro_rules! sql_rows {
    ($($name:ident)*) => {
        $(impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.0.into())
            }
        }
        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                match value {
                    ValueRef::Integer(row) => Ok(Self(row)),
                    _ => Err(FromSqlError::InvalidType),
                }
            }
        })*
    };
}
sql_rows!(DeviceRow LogRow EntryRow StatementRow PrincipalRow InviteRow);

impl Storage for SqliteStorage {
    fn begin(&self) -> Stored<()> {
        self.run("begin a transaction", "BEGIN IMMEDIATE", []).map(drop)
    }

    fn commit(&self) -> Stored<()> {
        self.run("store", "COMMIT", []).map(drop)
    }

    fn abandon(&self) -> Stored<()> {
        if self.db.is_autocommit() {
            return Ok(());
        }
        self.run("take back a transaction", "ROLLBACK", []).map(drop)
    }

    fn savepoint(&self) -> Stored<()> {
        self.run("begin a request", "SAVEPOINT request", []).map(drop)
    }

    fn release(&self) -> Stored<()> {
        self.run("store", "RELEASE request", []).map(drop)
    }

    fn roll_back(&self) -> Stored<()> {
        if self.db.is_autocommit() {
            return Ok(());
        }
        self.run("take back a request", "ROLLBACK TO request", [])?;
        self.run("take back a request", "RELEASE request", []).map(drop)
    }

    fn meta(&self) -> Stored<Meta> {
        let step = "read what database this is";
        self.one(step, "SELECT network_root, epoch, cursor_secret, seq FROM meta", [], |row| {
            Ok(Meta {
                root: row.get(0)?,
                epoch: RelayEpoch::new(row.get(1)?),
                secret: row.get(2)?,
                seq: timestamp(row.get(3)?).0,
            })
        })?
        .ok_or(StorageError { step, source: rusqlite::Error::QueryReturnedNoRows })
    }

    fn set_epoch(&self, epoch: &RelayEpoch) -> Stored<()> {
        self.run("begin a new epoch", "UPDATE meta SET epoch = ?", params![epoch.as_bytes()]).map(drop)
    }

    fn set_seq(&self, seq: u64) -> Stored<()> {
        self.run("number the feed", "UPDATE meta SET seq = ?", params![bits(seq)]).map(drop)
    }

    fn each_vouching(&self, visit: &mut dyn FnMut(&[u8])) -> Stored<()> {
        let mut read = || {
            let sql = "SELECT bytes FROM statement WHERE kind IN (0, 1) ORDER BY row";
            let mut statement = self.db.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let bytes = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
                visit(bytes);
            }
            Ok(())
        };
        read().map_err(|source| StorageError { step: "read the statements", source })
    }

    fn has_statement(&self, id: &StatementId) -> Stored<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM statement WHERE id = ?)";
        self.must("look up a statement", sql, params![id.as_bytes()])
    }

    fn add_statement(&self, id: &StatementId, kind: StatementKind, bytes: &[u8]) -> Stored<StatementRow> {
        let sql = "INSERT INTO statement (id, kind, bytes) VALUES (?, ?, ?)";
        self.run("store a statement", sql, params![id.as_bytes(), kind_code(kind), bytes])?;
        Ok(StatementRow(self.db.last_insert_rowid()))
    }

    fn statement(&self, row: StatementRow) -> Stored<Vec<u8>> {
        self.must("read a statement", "SELECT bytes FROM statement WHERE row = ?", [row])
    }

    fn vouching_statement(&self, id: &StatementId) -> Stored<Option<Vec<u8>>> {
        let sql = "SELECT bytes FROM statement WHERE id = ? AND kind IN (0, 1)";
        self.one("read a statement", sql, params![id.as_bytes()], |row| row.get(0))
    }

    fn device(&self, id: &DeviceId) -> Stored<Option<DeviceRow>> {
        let sql = "SELECT row FROM device WHERE id = ?";
        self.one("look up a device", sql, params![id.as_bytes()], |row| row.get(0))
    }

    fn ensure_device(&self, id: &DeviceId) -> Stored<DeviceRow> {
        if let Some(row) = self.device(id)? {
            return Ok(row);
        }
        self.run("store a device", "INSERT INTO device (id) VALUES (?)", params![id.as_bytes()])?;
        Ok(DeviceRow(self.db.last_insert_rowid()))
    }

    fn device_id(&self, row: DeviceRow) -> Stored<DeviceId> {
        self.must("read a device", "SELECT id FROM device WHERE row = ?", [row]).map(DeviceId::new)
    }

    fn standing(&self, device: DeviceRow) -> Stored<Option<Standing>> {
        let sql = "SELECT ack_at, ack_check, reset_at, reset_check FROM device WHERE row = ?";
        let standing = self.one("read where a device stands", sql, [device], |row| {
            let position = |at: usize| -> rusqlite::Result<Option<Position>> {
                let (at, check): (Option<i64>, Option<i64>) = (row.get(at)?, row.get(at + 1)?);
                let pair = at.zip(check);
                Ok(pair.map(|(at, check)| Position { at: timestamp(at).0, check: check.cast_unsigned() }))
            };
            Ok(position(0)?.map(|ack| (ack, position(2))))
        })?;
        let Some((ack, reset)) = standing.flatten() else { return Ok(None) };
        let reset = reset.map_err(|source| StorageError { step: "read where a device stands", source })?;
        Ok(Some(Standing { ack, reset }))
    }

    fn set_standing(&self, device: DeviceRow, standing: Standing) -> Stored<()> {
        let sql = "UPDATE device SET ack_at = ?, ack_check = ?, reset_at = ?, reset_check = ? WHERE row = ?";
        let (ack, reset) = (standing.ack, standing.reset);
        let values = params![
            bits(ack.at),
            bits(ack.check),
            reset.map(|p| bits(p.at)),
            reset.map(|p| bits(p.check)),
            device
        ];
        self.run("store where a device stands", sql, values).map(drop)
    }

    fn ensure_principal(&self, principal: &Principal) -> Stored<PrincipalRow> {
        let (kind, id) = principal_parts(principal);
        let sql = "SELECT row FROM principal WHERE kind = ? AND id = ?";
        if let Some(row) = self.one("look up a principal", sql, params![kind, id], |row| row.get(0))? {
            return Ok(row);
        }
        let sql = "INSERT INTO principal (kind, id) VALUES (?, ?)";
        self.run("store a principal", sql, params![kind, id])?;
        Ok(PrincipalRow(self.db.last_insert_rowid()))
    }

    fn add_device_principal(
        &self,
        device: DeviceRow,
        principal: PrincipalRow,
        from: Timestamp,
        until: Timestamp,
    ) -> Stored<bool> {
        let step = "store whom a device acts for";
        let sql =
            "UPDATE device_principal SET valid_from = min(valid_from, ?), valid_until = max(valid_until, ?)
                   WHERE device = ? AND principal = ?";
        if self.run(step, sql, params![moment(from), moment(until), device, principal])? == 1 {
            return Ok(false);
        }
        let sql =
            "INSERT INTO device_principal (device, principal, valid_from, valid_until) VALUES (?, ?, ?, ?)";
        self.run(step, sql, params![device, principal, moment(from), moment(until)])?;
        Ok(true)
    }

    fn is_valid(&self, device: DeviceRow, at: Timestamp) -> Stored<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM device_principal
                   WHERE device = ?1 AND valid_from <= ?2 AND valid_until >= ?2)";
        self.must("check a device's credentials", sql, params![device, moment(at)])
    }

    fn principals_of(&self, device: DeviceRow) -> Stored<Vec<PrincipalRow>> {
        let sql = "SELECT principal FROM device_principal WHERE device = ?";
        self.all("read whom a device acts for", sql, [device], |row| row.get(0))
    }

    fn organisations(&self) -> Stored<Vec<StatementRow>> {
        let sql = "SELECT row FROM statement WHERE kind = 0 ORDER BY row";
        self.all("list the organisations", sql, [], |row| row.get(0))
    }

    fn devices(&self) -> Stored<Vec<DeviceRow>> {
        let sql = "SELECT row FROM device WHERE ack_at IS NOT NULL ORDER BY row";
        self.all("list the devices", sql, [], |row| row.get(0))
    }

    fn devices_of(&self, principal: PrincipalRow) -> Stored<Vec<DeviceRow>> {
        let sql =
            "SELECT device.row FROM device_principal JOIN device ON device.row = device_principal.device
                   WHERE principal = ? AND ack_at IS NOT NULL";
        self.all("read who acts for a principal", sql, [principal], |row| row.get(0))
    }

    fn stop_credential(&self, id: &StatementId) -> Stored<()> {
        let sql = "INSERT OR IGNORE INTO stopped (credential) VALUES (?)";
        self.run("stop a credential", sql, params![id.as_bytes()]).map(drop)
    }

    fn is_stopped(&self, id: &StatementId) -> Stored<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM stopped WHERE credential = ?)";
        self.must("look up a credential", sql, params![id.as_bytes()])
    }

    fn forget_authority(&self, device: DeviceRow) -> Stored<()> {
        self.run("stop a device", "DELETE FROM device_principal WHERE device = ?", [device])?;
        self.run("stop a device", "DELETE FROM token WHERE device = ?", [device]).map(drop)
    }

    fn add_token(&self, hash: &[u8; 32], device: DeviceRow, until: Timestamp, keep: usize) -> Stored<()> {
        let step = "store a session";
        let sql = "DELETE FROM token WHERE hash IN
                   (SELECT hash FROM token WHERE device = ? ORDER BY valid_until DESC, hash LIMIT -1 OFFSET ?)";
        let others = i64::try_from(keep.saturating_sub(1)).unwrap_or(i64::MAX);
        self.run(step, sql, params![device, others])?;
        let sql = "INSERT INTO token (hash, device, valid_until) VALUES (?, ?, ?)";
        self.run(step, sql, params![hash, device, moment(until)]).map(drop)
    }

    fn token(&self, hash: &[u8; 32]) -> Stored<Option<(DeviceRow, Timestamp)>> {
        let sql = "SELECT device, valid_until FROM token WHERE hash = ?";
        self.one("look up a session", sql, params![hash], |row| Ok((row.get(0)?, timestamp(row.get(1)?))))
    }

    fn renew_tokens(
        &self,
        device: DeviceRow,
        now: Timestamp,
        renew_before: Timestamp,
        until: Timestamp,
    ) -> Stored<Option<Timestamp>> {
        let sql = "SELECT min(valid_until) FROM token WHERE device = ? AND valid_until > ?";
        let first = || -> Stored<Option<i64>> {
            self.must("read when a session ends", sql, params![device, moment(now)])
        };
        match first()? {
            Some(end) if end < moment(renew_before) => {
                let sql = "UPDATE token SET valid_until = ? WHERE device = ? AND valid_until > ? AND valid_until < ?";
                let values = params![moment(until), device, moment(now), moment(renew_before)];
                self.run("prolong a session", sql, values)?;
                Ok(first()?.map(timestamp))
            }
            end => Ok(end.map(timestamp)),
        }
    }

    fn forget_ended(&self, tokens_before: Timestamp, invites_before: Timestamp) -> Stored<()> {
        let sql = "DELETE FROM token WHERE hash IN (SELECT hash FROM token WHERE valid_until < ? LIMIT 100)";
        self.run("forget old sessions", sql, [moment(tokens_before)])?;
        let sql = "DELETE FROM invite WHERE row IN (SELECT row FROM invite WHERE valid_until < ? LIMIT 100)";
        self.run("forget old invitations", sql, [moment(invites_before)]).map(drop)
    }

    fn log(&self, id: &LogId) -> Stored<Option<LogRow>> {
        let sql = "SELECT row FROM log WHERE id = ?";
        self.one("look up a log", sql, params![id.as_bytes()], |row| row.get(0))
    }

    fn ensure_log(&self, id: &LogId) -> Stored<LogRow> {
        if let Some(row) = self.log(id)? {
            return Ok(row);
        }
        self.run("store a log", "INSERT INTO log (id) VALUES (?)", params![id.as_bytes()])?;
        Ok(LogRow(self.db.last_insert_rowid()))
    }

    fn add_access(
        &self,
        log: LogRow,
        principal: PrincipalRow,
        statement: StatementRow,
        gives: Gives,
    ) -> Stored<()> {
        let sql = "INSERT INTO log_access (log, principal, statement, read, append) VALUES (?, ?, ?, ?, ?)";
        let values = params![log, principal, statement, gives.read, gives.append];
        self.run("store access", sql, values).map(drop)
    }

    fn principal_rights(&self, log: LogRow, principal: PrincipalRow) -> Stored<Rights> {
        let sql = "SELECT max(read) IS 1, max(append) IS 1, max(read AND append) IS 1
                   FROM log_access WHERE log = ? AND principal = ?";
        Ok(self.one("check access", sql, params![log, principal], read_rights)?.unwrap_or_default())
    }

    fn device_rights(&self, log: LogRow, device: DeviceRow, at: Timestamp) -> Stored<Rights> {
        let sql = "SELECT max(a.read) IS 1, max(a.append) IS 1, max(a.read AND a.append) IS 1
                   FROM device_principal p CROSS JOIN log_access a ON a.log = ?1 AND a.principal = p.principal
                   WHERE p.device = ?2 AND p.valid_from <= ?3 AND p.valid_until >= ?3";
        let values = params![log, device, moment(at)];
        Ok(self.one("check access", sql, values, read_rights)?.unwrap_or_default())
    }

    fn access_of(&self, principal: PrincipalRow) -> Stored<Vec<StatementRow>> {
        let sql = "SELECT statement FROM log_access WHERE principal = ? ORDER BY statement";
        self.all("read access", sql, [principal], |row| row.get(0))
    }

    fn entry(&self, id: &SealedId) -> Stored<Option<EntryInfo>> {
        let sql = "SELECT row, log, pushed_by FROM entry WHERE id = ?";
        self.one("look up an entry", sql, params![id.as_bytes()], |row| {
            Ok(EntryInfo { row: row.get(0)?, log: row.get(1)?, pushed_by: row.get(2)? })
        })
    }

    fn add_entry(
        &self,
        id: &SealedId,
        log: LogRow,
        pushed_by: DeviceRow,
        received: Timestamp,
        bytes: &[u8],
    ) -> Stored<EntryRow> {
        let sql = "INSERT INTO entry (id, log, pushed_by, received, bytes) VALUES (?, ?, ?, ?, ?)";
        let values = params![id.as_bytes(), log, pushed_by, moment(received), bytes];
        self.run("store an entry", sql, values)?;
        Ok(EntryRow(self.db.last_insert_rowid()))
    }

    fn entry_bytes(&self, row: EntryRow) -> Stored<Vec<u8>> {
        self.must("read an entry", "SELECT bytes FROM entry WHERE row = ?", [row])
    }

    fn entries_of(&self, log: LogRow) -> Stored<Vec<EntryRow>> {
        let sql = "SELECT row FROM entry WHERE log = ? ORDER BY row";
        self.all("read a log", sql, [log], |row| row.get(0))
    }

    fn readable_ids(
        &self,
        device: DeviceRow,
        at: Timestamp,
        low: &SealedId,
        high: &SealedId,
    ) -> Stored<Vec<SealedId>> {
        let sql = "SELECT e.id FROM (
                       SELECT DISTINCT a.log FROM device_principal p
                       CROSS JOIN log_access a ON a.principal = p.principal
                       WHERE p.device = ?1 AND p.valid_from <= ?2 AND p.valid_until >= ?2 AND a.read
                   ) l CROSS JOIN entry e INDEXED BY entry_by_log ON e.log = l.log AND e.id BETWEEN ?3 AND ?4";
        let values = params![device, moment(at), low.as_bytes(), high.as_bytes()];
        self.all("read the ids of entries", sql, values, |row| row.get(0).map(SealedId::new))
    }

    fn subscribe(&self, device: DeviceRow, log: LogRow) -> Stored<bool> {
        let sql = "INSERT OR IGNORE INTO subscription (device, log) VALUES (?, ?)";
        Ok(self.run("subscribe", sql, params![device, log])? == 1)
    }

    fn is_subscribed(&self, device: DeviceRow, log: LogRow) -> Stored<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM subscription WHERE device = ? AND log = ?)";
        self.must("read who is subscribed", sql, params![device, log])
    }

    fn unsubscribe(&self, device: DeviceRow, log: LogRow) -> Stored<()> {
        let sql = "DELETE FROM subscription WHERE device = ? AND log = ?";
        self.run("unsubscribe", sql, params![device, log])?;
        let sql = "UPDATE feed SET kind = 5, object = 0 WHERE device = ? AND kind = 0
                   AND (SELECT log FROM entry WHERE entry.row = feed.object) = ?";
        self.run("unsubscribe", sql, params![device, log]).map(drop)
    }

    fn unsubscribe_all(&self, device: DeviceRow) -> Stored<()> {
        self.run("unsubscribe", "DELETE FROM subscription WHERE device = ?", [device]).map(drop)
    }

    fn subscribers(&self, log: LogRow) -> Stored<Vec<DeviceRow>> {
        let sql = "SELECT s.device FROM subscription s WHERE s.log = ? AND EXISTS (
                       SELECT 1 FROM device_principal p
                       CROSS JOIN log_access a ON a.log = s.log AND a.principal = p.principal
                       WHERE p.device = s.device AND a.read)";
        self.all("read who is subscribed", sql, [log], |row| row.get(0))
    }

    fn add_feed(&self, device: DeviceRow, row: FeedRow) -> Stored<()> {
        let (kind, object) = object_parts(row.object);
        let sql = "INSERT INTO feed (device, seq, chk, kind, object) VALUES (?, ?, ?, ?, ?)";
        let values = params![device, bits(row.position.at), bits(row.position.check), kind, object];
        self.run("write to a feed", sql, values).map(drop)
    }

    fn feed_row(&self, device: DeviceRow, at: u64) -> Stored<Option<FeedRow>> {
        let sql = "SELECT seq, chk, kind, object FROM feed WHERE device = ? AND seq = ?";
        self.one("read a feed", sql, params![device, moment(Timestamp(at))], read_feed_row)
    }

    fn feed_after(&self, device: DeviceRow, at: u64, count: usize) -> Stored<Vec<FeedRow>> {
        let sql = "SELECT seq, chk, kind, object FROM feed WHERE device = ? AND seq > ? ORDER BY seq LIMIT ?";
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.all("read a feed", sql, params![device, moment(Timestamp(at)), count], read_feed_row)
    }

    fn drop_feed(&self, device: DeviceRow, to: u64) -> Stored<()> {
        let sql = "DELETE FROM feed WHERE device = ? AND seq <= ?";
        self.run("shorten a feed", sql, params![device, moment(Timestamp(to))]).map(drop)
    }

    fn waiting_entries(&self, device: DeviceRow) -> Stored<Vec<EntryRow>> {
        let sql = "SELECT object FROM feed WHERE device = ? AND kind = 0";
        self.all("read a feed", sql, [device], |row| row.get(0))
    }

    fn invite(&self, id: &InviteId) -> Stored<Option<InviteState>> {
        let sql = format!("SELECT {INVITE_COLUMNS} FROM invite WHERE id = ?");
        self.one("look up an invitation", &sql, params![id.as_bytes()], read_invite)
    }

    fn invite_at(&self, row: InviteRow) -> Stored<Option<InviteState>> {
        let sql = format!("SELECT {INVITE_COLUMNS} FROM invite WHERE row = ?");
        self.one("read an invitation", &sql, [row], read_invite)
    }

    fn add_invite(&self, id: &InviteId, issuer: DeviceRow, until: Timestamp) -> Stored<InviteRow> {
        let sql = "INSERT INTO invite (id, issuer, valid_until, contested) VALUES (?, ?, ?, 0)";
        self.run("store an invitation", sql, params![id.as_bytes(), issuer, moment(until)])?;
        Ok(InviteRow(self.db.last_insert_rowid()))
    }

    fn update_invite(&self, invite: &InviteState) -> Stored<()> {
        let sql =
            "UPDATE invite SET request = ?, proof = ?, contested = ?, answer = ?, admitted = ? WHERE row = ?";
        let (request, proof) = invite.request.as_ref().map(|(r, p)| (r, p)).unzip();
        let admitted = invite.admitted.as_ref().map(StatementId::as_bytes);
        let values = params![request, proof, invite.contested, invite.answer, admitted, invite.row];
        self.run("store an enrolment", sql, values).map(drop)
    }

    fn requested_invites(&self, issuer: DeviceRow) -> Stored<Vec<InviteState>> {
        let sql = format!(
            "SELECT {INVITE_COLUMNS} FROM invite WHERE issuer = ? AND request IS NOT NULL ORDER BY row"
        );
        self.all("read invitations", &sql, [issuer], read_invite)
    }

    fn totals(&self) -> Stored<Totals> {
        let count = |sql: &str| -> Stored<u64> { self.must::<i64>("count", sql, []).map(|n| timestamp(n).0) };
        Ok(Totals {
            devices: count("SELECT count(*) FROM device")?,
            logs: count("SELECT count(*) FROM log")?,
            entries: count("SELECT count(*) FROM entry")?,
            entry_bytes: count("SELECT coalesce(sum(length(bytes)), 0) FROM entry")?,
            statements: count("SELECT count(*) FROM statement")?,
            subscriptions: count("SELECT count(*) FROM subscription")?,
            feed_rows: count("SELECT count(*) FROM feed WHERE kind <> 5")?,
            invites: count("SELECT count(*) FROM invite")?,
            database_bytes: count("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")?,
        })
    }
}
