//! What has to move while nobody has unlocked the vault: ciphertext and signed statements, nothing else.
//!
//! The background job opens it without any PIN. Entries that go out are copies: the vault's `outgoing` table is the
//! source, because SQLite does not commit across two write-ahead logs at once (docs/data-model.md).

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bedside_protocol::cbor;
use bedside_protocol::ids::{RelayEpoch, SealedId, StatementId};
use bedside_protocol::limits::PAGE_BYTES_MAX;
use bedside_protocol::signing::hash;
use bedside_protocol::wire::Cursor;
use minicbor::Encode;
use minicbor::bytes::ByteSlice;
use rusqlite::{Connection, TransactionBehavior, params};

use super::OpenOptions;
use super::columns::{Budget, Columns, all, first, run, sound, stored};
use super::error::{At as _, StoreError, or_full};
use super::file::{Database, MAILBOX, PAGE_BYTES, checkpoint};
use super::lock::FileLock;
use super::rows::{IncomingRow, MailReceipt, MailRow, SyncState, Wish};
use super::salvage;
use crate::limits::MAILBOX_BYTES_MAX;

/// A statement that was refused so often will not be accepted.
const STATEMENT_REFUSALS_MAX: u32 = 8;
const LOCK_FILE: &str = "mailbox.lock";

/// `mailbox.db`: a plain SQLite file. Several processes may have it open; a write waits for another.
///
/// Every call blocks until it is done, and is one transaction. Plain SQLite authenticates nothing, so every row is
/// checked against a hash when it is read, and passed over when it does not fit: damage to one never blocks another.
pub struct Mailbox {
    database: Database,
    connection: Mutex<Option<Connection>>,
    bytes_max: u64,
}

impl Mailbox {
    /// Opens the mailbox, creating it when there is none.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_with(dir, &OpenOptions::default())
    }

    /// [`Self::open`] with options.
    pub fn open_with(dir: &Path, options: &OpenOptions) -> Result<Self, StoreError> {
        let database = Database::new(&MAILBOX, dir, options);
        if !database.exists()? {
            // Two processes may find it missing: the second one waits, and finds it there.
            let _lock = FileLock::take(&dir.join(LOCK_FILE))?;
            match database.create(None) {
                Ok(()) | Err(StoreError::Exists { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let connection = database.open(None)?;
        let bytes_max = options.mailbox_bytes_max.unwrap_or(MAILBOX_BYTES_MAX);
        Ok(Self { database, connection: Mutex::new(Some(connection)), bytes_max })
    }

    /// The schema that this build writes.
    #[must_use]
    pub const fn schema_version() -> u32 {
        MAILBOX.schema_version()
    }

    /// Puts sealed entries in line to be sent; one that is in line keeps its place, and is mended if it was damaged.
    ///
    /// Does not wait for the disk: these are copies, durable in the vault, and after a power cut the next unlock makes them anew.
    /// The next write that waits takes them along.
    pub fn add(&self, rows: &[MailRow]) -> Result<(), StoreError> {
        self.put(
            rows,
            "INSERT INTO outgoing (sealed_id, bytes) VALUES (?1, ?2) \
             ON CONFLICT (sealed_id) DO UPDATE SET bytes = excluded.bytes WHERE bytes <> excluded.bytes",
        )
    }

    /// [`Self::add`], before everything that is in line.
    pub fn add_first(&self, rows: &[MailRow]) -> Result<(), StoreError> {
        self.put(
            rows,
            "INSERT INTO outgoing (position, sealed_id, bytes) \
             VALUES ((SELECT coalesce(min(position), 1) - 1 FROM outgoing), ?1, ?2) \
             ON CONFLICT (sealed_id) DO UPDATE SET bytes = excluded.bytes, \
             position = (SELECT min(position) - 1 FROM outgoing)",
        )
    }

    fn put(&self, rows: &[MailRow], sql: &str) -> Result<(), StoreError> {
        const STEP: &str = "put entries in the mailbox";
        let wait = |connection: &Connection, wait: &str| {
            connection.pragma_update(None, "synchronous", wait).at("set how to write")
        };
        self.with(|connection| {
            wait(connection, "NORMAL")?;
            let added = transact(connection, STEP, |connection| {
                rows.iter().try_for_each(|row| {
                    run(connection, STEP, sql, params![row.sealed_id.as_bytes(), row.bytes]).map(drop)
                })
            });
            wait(connection, "FULL")?;
            added
        })
    }

    /// The entries that are first in line: at most so many, of at most so many bytes together, but at least one.
    pub fn batch(&self, bytes_max: usize, count_max: usize) -> Result<Vec<MailRow>, StoreError> {
        const STEP: &str = "read the next entries to send";
        let budget = Budget { rows: count_max, bytes: bytes_max };
        let size = |row: &MailRow| row.bytes.len();
        self.read(|connection| sound(connection, STEP, SELECT_OUTGOING, [], budget, size, mail))
    }

    /// Which entries are in line.
    pub fn outgoing_ids(&self) -> Result<Vec<SealedId>, StoreError> {
        let sql = "SELECT sealed_id FROM outgoing ORDER BY position";
        self.read(|connection| {
            all(connection, "list the entries to send", sql, [], |row| row.id(0, SealedId::from_slice))
        })
    }

    /// Takes entries out of line that the relay answered, and keeps its answers for the vault.
    pub fn settle(&self, receipts: &[MailReceipt]) -> Result<(), StoreError> {
        self.write("keep receipts", |connection| settle(connection, receipts))
    }

    /// The relay's answers that the vault has not been told, at most so many.
    pub fn receipts(&self, count: usize) -> Result<Vec<MailReceipt>, StoreError> {
        const STEP: &str = "read receipts";
        let budget = Budget::rows(count);
        self.read(|connection| sound(connection, STEP, SELECT_RECEIPTS, [], budget, |_| 0, receipt))
    }

    /// The vault has taken these answers over. An answer that has changed since is kept.
    pub fn remove_receipts(&self, receipts: &[MailReceipt]) -> Result<(), StoreError> {
        const STEP: &str = "remove receipts";
        let sql = "DELETE FROM receipt WHERE sealed_id = ?1 AND at = ?2 AND refused IS ?3";
        self.write(STEP, |connection| {
            receipts.iter().try_for_each(|receipt| {
                let values = params![receipt.sealed_id.as_bytes(), stored(receipt.at), receipt.refused];
                run(connection, STEP, sql, values).map(drop)
            })
        })
    }

    /// Puts a statement in line to be sent; one that is in line keeps its place.
    pub fn add_statements(&self, statements: &[(StatementId, Vec<u8>)]) -> Result<(), StoreError> {
        const STEP: &str = "put statements in the mailbox";
        let sql = "INSERT INTO outgoing_statement (statement_id, bytes) VALUES (?1, ?2) \
                   ON CONFLICT (statement_id) DO NOTHING";
        self.write(STEP, |connection| {
            statements.iter().try_for_each(|(id, bytes)| {
                run(connection, STEP, sql, params![id.as_bytes(), bytes]).map(drop)
            })
        })
    }

    /// The statements that are first in line, at most so many.
    pub fn statements(&self, count: usize) -> Result<Vec<(StatementId, Vec<u8>)>, StoreError> {
        const STEP: &str = "read the next statements to send";
        let budget = Budget::rows(count);
        self.read(|connection| sound(connection, STEP, SELECT_STATEMENTS, [], budget, |_| 0, statement))
    }

    /// The relay has answered these statements.
    pub fn remove_statements(&self, ids: &[StatementId]) -> Result<(), StoreError> {
        const STEP: &str = "remove statements";
        let sql = "DELETE FROM outgoing_statement WHERE statement_id = ?1";
        self.write(STEP, |connection| {
            ids.iter().try_for_each(|id| run(connection, STEP, sql, [id.as_bytes()]).map(drop))
        })
    }

    /// Puts wishes in line for the next request; one that is in line keeps its place. True when any is new.
    pub fn wish(&self, wishes: &[Wish]) -> Result<bool, StoreError> {
        const STEP: &str = "put wishes in the mailbox";
        let sql = "INSERT INTO wish (id, bytes) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING";
        let mut any = false;
        self.write(STEP, |connection| {
            wishes.iter().try_for_each(|wish| {
                let bytes = cbor::encode(wish);
                any |= run(connection, STEP, sql, params![hash(&bytes), bytes])? > 0;
                Ok(())
            })
        })?;
        Ok(any)
    }

    /// The wishes that are first in line with their positions, at most so many.
    pub fn wishes(&self, count: usize) -> Result<Vec<(i64, Wish)>, StoreError> {
        self.read(|connection| {
            sound(connection, "read the next wishes", SELECT_WISHES, [], Budget::rows(count), |_| 0, wish)
        })
    }

    /// How many entries wait to go out, and how many items that came wait to be opened.
    pub fn counts(&self) -> Result<(u64, u64), StoreError> {
        const STEP: &str = "count what is in the mailbox";
        let sql = "SELECT (SELECT count(*) FROM outgoing), (SELECT count(*) FROM incoming)";
        self.read(|connection| {
            let counts = first(connection, STEP, sql, [], |row| Ok((row.number(0)?, row.number(1)?)))?;
            Ok(counts.unwrap_or_default())
        })
    }

    /// Keeps a page of what the relay sent, the receipts that came with it, and where syncing then stands, and
    /// crosses off the statements and wishes that were answered: all or nothing. A statement that was refused may lack
    /// another that is still on its way: it goes to the end of the line. An item that is here is kept once.
    pub fn store(
        &self,
        page: &[Vec<u8>],
        receipts: &[MailReceipt],
        statements: &[StatementId],
        refused_statements: &[StatementId],
        wishes: &[i64],
        state: &SyncState,
    ) -> Result<(), StoreError> {
        const STEP: &str = "keep what the relay sent";
        let sql = "INSERT INTO incoming (id, bytes) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING";
        self.write(STEP, |connection| {
            page.iter()
                .try_for_each(|item| run(connection, STEP, sql, params![hash(item), item]).map(drop))?;
            settle(connection, receipts)?;
            let sent = "DELETE FROM outgoing_statement WHERE statement_id = ?1";
            statements.iter().try_for_each(|id| run(connection, STEP, sent, [id.as_bytes()]).map(drop))?;
            let later = "UPDATE outgoing_statement SET refusals = refusals + 1, \
                         position = (SELECT max(position) + 1 FROM outgoing_statement) WHERE statement_id = ?1";
            refused_statements.iter().try_for_each(|id| run(connection, STEP, later, [id.as_bytes()]).map(drop))?;
            let never = "DELETE FROM outgoing_statement WHERE refusals >= ?1";
            run(connection, STEP, never, [STATEMENT_REFUSALS_MAX])?;
            let asked = "DELETE FROM wish WHERE position = ?1";
            wishes.iter().try_for_each(|position| run(connection, STEP, asked, [position]).map(drop))?;
            set_state(connection, state)
        })
    }

    /// True when what waits to be opened leaves no room for more of it. What goes out has room in any case.
    pub fn is_full(&self) -> Result<bool, StoreError> {
        const STEP: &str = "measure the mailbox";
        let count = |connection: &Connection, what: &str| {
            connection.pragma_query_value(None, what, |row| row.get::<_, i64>(0)).at(STEP)
        };
        self.read(|connection| {
            let used = count(connection, "page_count")? - count(connection, "freelist_count")?;
            Ok(u64::try_from(used).unwrap_or_default() * PAGE_BYTES > self.bytes_max)
        })
    }

    /// The items after a position that are still here, in the order in which they came: at most so many, of at most [`PAGE_BYTES_MAX`] bytes together, but
    /// at least one.
    pub fn take(&self, after: i64, count: usize) -> Result<Vec<IncomingRow>, StoreError> {
        const STEP: &str = "read what the relay sent";
        let budget = Budget { rows: count, bytes: PAGE_BYTES_MAX };
        let size = |row: &IncomingRow| row.bytes.len();
        self.read(|connection| sound(connection, STEP, SELECT_INCOMING, [after], budget, size, incoming))
    }

    /// The vault has taken these items in.
    pub fn remove(&self, positions: &[i64]) -> Result<(), StoreError> {
        const STEP: &str = "remove what was taken in";
        self.write(STEP, |connection| {
            positions.iter().try_for_each(|position| {
                run(connection, STEP, "DELETE FROM incoming WHERE position = ?1", [position]).map(drop)
            })
        })
    }

    /// Where syncing stands. After [`StoreError::Damaged`], [`Self::set_state`] begins anew: compare with the relay.
    pub fn state(&self) -> Result<SyncState, StoreError> {
        const STEP: &str = "read where syncing stands";
        self.read(|connection| first(connection, STEP, SELECT_STATE, [], state)?.ok_or(StoreError::row(STEP)))
    }

    /// Keeps where syncing stands.
    pub fn set_state(&self, state: &SyncState) -> Result<(), StoreError> {
        self.write("keep where syncing stands", |connection| set_state(connection, state))
    }

    /// Waits for what is under way, moves everything into the database file, and closes it. Later calls get
    /// [`StoreError::Suspended`]. When the checkpoint fails the file is closed all the same and nothing is lost.
    pub fn suspend(&self) -> Result<(), StoreError> {
        match self.connection().take() {
            // Another process that reads at this moment keeps the checkpoint from finishing; it will do it.
            Some(connection) => match checkpoint(&connection) {
                Err(StoreError::Busy { .. }) => Ok(()),
                other => other,
            },
            None => Ok(()),
        }
    }

    /// Opens the mailbox again after [`Self::suspend`]. Resuming what is not suspended is no error.
    pub fn resume(&self) -> Result<(), StoreError> {
        let mut connection = self.connection();
        if connection.is_none() {
            *connection = Some(self.database.open(None)?);
        }
        Ok(())
    }

    /// [`Self::suspend`] for good. Dropping closes as well, but cannot say what went wrong.
    pub fn close(self) -> Result<(), StoreError> {
        self.suspend()
    }

    /// Reads the whole file and says what is wrong with it; nothing, for a sound one.
    pub fn check(&self) -> Result<Vec<String>, StoreError> {
        self.read(|connection| {
            let mut findings = salvage::check(connection, false)?;
            findings.extend(unsound(connection)?);
            Ok(findings)
        })
    }

    fn connection(&self) -> MutexGuard<'_, Option<Connection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<R>(&self, f: impl FnOnce(&Connection) -> Result<R, StoreError>) -> Result<R, StoreError> {
        f(self.connection().as_ref().ok_or(StoreError::Suspended)?)
    }

    fn write(
        &self,
        step: &'static str,
        f: impl FnOnce(&Connection) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.with(|connection| transact(connection, step, f))
    }

    fn with<R>(&self, f: impl FnOnce(&mut Connection) -> Result<R, StoreError>) -> Result<R, StoreError> {
        let mut held = self.connection();
        let connection = held.as_mut().ok_or(StoreError::Suspended)?;
        f(connection).map_err(|error| or_full(connection, error))
    }
}

fn transact(
    connection: &mut Connection,
    step: &'static str,
    f: impl FnOnce(&Connection) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).at(step)?;
    f(&transaction)?;
    transaction.commit().at(step)
}

const SELECT_OUTGOING: &str = "SELECT sealed_id, bytes FROM outgoing ORDER BY position";
const SELECT_STATEMENTS: &str = "SELECT statement_id, bytes FROM outgoing_statement ORDER BY position";
const SELECT_INCOMING: &str =
    "SELECT id, position, bytes FROM incoming WHERE position > ?1 ORDER BY position";
const SELECT_WISHES: &str = "SELECT id, position, bytes FROM wish ORDER BY position";
const SELECT_RECEIPTS: &str = "SELECT sealed_id, at, refused, sum FROM receipt ORDER BY sealed_id";
const SELECT_STATE: &str = "SELECT cursor, token, token_until, relay_epoch, relay_time, device_time, relay_url, sum, recovering FROM state";

fn settle(connection: &Connection, receipts: &[MailReceipt]) -> Result<(), StoreError> {
    const STEP: &str = "keep receipts";
    receipts.iter().try_for_each(|receipt| {
        let id = receipt.sealed_id.as_bytes();
        let sql = "INSERT OR REPLACE INTO receipt (sealed_id, at, refused, sum) VALUES (?1, ?2, ?3, ?4)";
        let sum = sum_of_receipt(receipt);
        run(connection, STEP, sql, params![id, stored(receipt.at), receipt.refused, sum])?;
        run(connection, STEP, "DELETE FROM outgoing WHERE sealed_id = ?1", [id]).map(drop)
    })
}

fn set_state(connection: &Connection, state: &SyncState) -> Result<(), StoreError> {
    let sql = "UPDATE state SET cursor = ?1, token = ?2, token_until = ?3, relay_epoch = ?4, relay_time = ?5, \
               device_time = ?6, relay_url = ?7, recovering = ?8, sum = ?9";
    let values = params![
        state.cursor.as_ref().map(cbor::encode),
        state.token,
        state.token_until.map(stored),
        state.relay_epoch.as_ref().map(RelayEpoch::as_bytes),
        state.relay_time.map(stored),
        state.device_time.map(stored),
        state.relay_url,
        state.recovering,
        sum_of_state(state),
    ];
    run(connection, "keep where syncing stands", sql, values).map(drop)
}

fn mail(row: &Columns<'_>) -> Result<MailRow, StoreError> {
    let (sealed_id, bytes) = (row.id(0, SealedId::from_slice)?, row.bytes(1)?);
    row.expect(hash(&bytes) == *sealed_id.as_bytes())?;
    Ok(MailRow { sealed_id, bytes })
}

fn statement(row: &Columns<'_>) -> Result<(StatementId, Vec<u8>), StoreError> {
    let (id, bytes) = (row.id(0, StatementId::from_slice)?, row.bytes(1)?);
    row.expect(hash(&bytes) == *id.as_bytes())?;
    Ok((id, bytes))
}

fn incoming(row: &Columns<'_>) -> Result<IncomingRow, StoreError> {
    let (id, bytes) = (row.bytes(0)?, row.bytes(2)?);
    row.expect(hash(&bytes) == *id)?;
    Ok(IncomingRow { position: row.number(1)?, bytes })
}

fn wish(row: &Columns<'_>) -> Result<(i64, Wish), StoreError> {
    let (id, bytes) = (row.bytes(0)?, row.bytes(2)?);
    row.expect(hash(&bytes) == *id)?;
    Ok((row.number(1)?, row.id(2, |bytes| cbor::decode::<Wish>(bytes).ok())?))
}

fn receipt(row: &Columns<'_>) -> Result<MailReceipt, StoreError> {
    let sealed_id = row.id(0, SealedId::from_slice)?;
    let receipt = MailReceipt { sealed_id, at: row.time(1)?, refused: row.optional_bytes(2)? };
    row.expect(sum_of_receipt(&receipt) == *row.bytes(3)?)?;
    Ok(receipt)
}

fn state(row: &Columns<'_>) -> Result<SyncState, StoreError> {
    let state = SyncState {
        cursor: row.optional_id(0, |bytes| cbor::decode::<Cursor>(bytes).ok())?,
        token: row.optional_id(1, |bytes| bytes.try_into().ok())?,
        token_until: row.optional_time(2)?,
        relay_epoch: row.optional_id(3, RelayEpoch::from_slice)?,
        relay_time: row.optional_time(4)?,
        device_time: row.optional_time(5)?,
        relay_url: row.optional_text(6)?,
        recovering: row.flag(8)?,
    };
    match row.optional_bytes(7)? {
        None => row.expect(state == SyncState::default())?,
        Some(sum) => row.expect(sum_of_state(&state) == *sum)?,
    }
    Ok(state)
}

fn sum_of_receipt(receipt: &MailReceipt) -> [u8; 8] {
    sum(&(receipt.sealed_id, stored(receipt.at), receipt.refused.as_deref().map(<&ByteSlice>::from)))
}

fn sum_of_state(state: &SyncState) -> [u8; 8] {
    let times = [state.token_until, state.relay_time, state.device_time].map(|time| time.map(stored));
    let token = state.token.as_ref().map(|token| <&ByteSlice>::from(token.as_slice()));
    sum(&(state.cursor, token, state.relay_epoch, times, &state.relay_url, state.recovering))
}

fn sum<T: Encode<()>>(row: &T) -> [u8; 8] {
    let mut sum = [0; 8];
    sum.copy_from_slice(&hash(&cbor::encode(row))[..8]);
    sum
}

/// How many rows of each table do not fit their hash.
fn unsound(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let tables = [
        ("outgoing", SELECT_OUTGOING, (|row| mail(row).map(drop)) as fn(&Columns<'_>) -> _),
        ("outgoing_statement", SELECT_STATEMENTS, |row| statement(row).map(drop)),
        ("incoming", "SELECT id, position, bytes FROM incoming", |row| incoming(row).map(drop)),
        ("wish", SELECT_WISHES, |row| wish(row).map(drop)),
        ("receipt", SELECT_RECEIPTS, |row| receipt(row).map(drop)),
        ("state", SELECT_STATE, |row| state(row).map(drop)),
    ];
    let mut findings = Vec::new();
    for (table, sql, read) in tables {
        let rows = all(connection, "check the mailbox", sql, [], |row| Ok(read(row).is_err()));
        match rows.map(|rows| rows.into_iter().filter(|unsound| *unsound).count()) {
            Ok(0) => {}
            Ok(count) => findings.push(format!("{count} damaged rows in {table}")),
            Err(error @ StoreError::Damaged { .. }) => findings.push(format!("{table}: {error}")),
            Err(error) => return Err(error),
        }
    }
    Ok(findings)
}
