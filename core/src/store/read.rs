//! Reading the vault: one consistent moment of it per closure.

use bedside_protocol::ids::{EntryId, IdentityId, KeyId, LogId, SealedId, StatementId};
use rusqlite::{Connection, params};
use zeroize::Zeroizing;

use super::columns::{Columns, all, first, limit};
use super::error::StoreError;
use super::rows::{
    ContentKeyRow, Counts, DocumentRow, EntryRow, LogRow, LookRow, MailRow, OutgoingRow, PlanRow,
    QuarantineRow, ReceiptKind, ReceiptRow, StatementKind, StatementRow, ViewRow, WaitReason, WaitingRow,
};
use crate::limits::PAGE_ITEMS_MAX;

/// The vault as it stood when the closure began.
pub struct VaultRead<'c> {
    pub(super) connection: &'c Connection,
}

/// What [`plan`] reads, in its order.
macro_rules! plan_columns {
    () => {
        "l.id, p.nhs_number, p.family, p.given, p.born, p.place, p.cpr, p.alerts, p.in_conflict, p.held, \
         p.changed_at, l.opened_at, p.summary"
    };
}
pub(super) use plan_columns;

macro_rules! select {
    (statement $($rest:literal)?) => {
        concat!(
            "SELECT s.id, s.kind, l.id, s.bytes, s.sent FROM statement s LEFT JOIN log l ON l.number = s.log "
            $(, $rest)?
        )
    };
    (log $($rest:literal)?) => {
        concat!(
            "SELECT l.id, m.id, l.compartment, l.subscribed, l.opened_at \
             FROM log l LEFT JOIN log m ON m.number = l.main "
            $(, $rest)?
        )
    };
    (entry $($rest:literal)?) => {
        concat!(
            "SELECT l.id, e.entry_id, e.sealed_id, e.credential, e.author_seq, e.bytes, e.signature, \
             e.received_at, e.own FROM entry e JOIN log l ON l.number = e.log "
            $(, $rest)?
        )
    };
    (waiting $($rest:literal)?) => {
        concat!(
            "SELECT w.sealed_id, l.id, w.bytes, w.reason, w.needs, w.received_at \
             FROM waiting w JOIN log l ON l.number = w.log "
            $(, $rest)?
        )
    };
    (plan $($rest:literal)?) => {
        concat!(
            "SELECT ", plan_columns!(), " FROM plan p JOIN log l ON l.number = p.log "
            $(, $rest)?
        )
    };
    (outgoing $($rest:literal)?) => {
        concat!(
            "SELECT o.sealed_id, o.entry_id, l.id, o.bytes \
             FROM outgoing o JOIN log l ON l.number = o.log "
            $(, $rest)?
        )
    };
}

impl VaultRead<'_> {
    /// A value kept by name; `None` when there is none.
    pub fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT value FROM meta WHERE name = ?1";
        first(self.connection, "read a setting", sql, [name], |row| row.bytes(0))
    }

    /// A secret kept by name; `None` when there is none.
    pub fn secret(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let sql = "SELECT value FROM secret WHERE name = ?1";
        first(self.connection, "read a secret", sql, [name], |row| row.bytes(0).map(Zeroizing::new))
    }

    /// The names of all secrets, ascending.
    pub fn secret_names(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT name FROM secret ORDER BY name";
        all(self.connection, "list the secrets", sql, [], |row| row.text(0))
    }

    /// Every statement of a kind, in order of arrival: each after those that vouch for it.
    pub fn statements(&self, kind: StatementKind) -> Result<Vec<StatementRow>, StoreError> {
        let sql = select!(statement "WHERE s.kind = ?1 ORDER BY s.position");
        all(self.connection, "read statements", sql, [kind.code()], statement)
    }

    /// The access and acknowledgement statements about a log, in order of arrival.
    pub fn statements_of(&self, log: &LogId) -> Result<Vec<StatementRow>, StoreError> {
        let sql =
            select!(statement "WHERE s.log = (SELECT number FROM log WHERE id = ?1) ORDER BY s.position");
        all(self.connection, "read a log's statements", sql, [log.as_bytes()], statement)
    }

    /// The statements that the relay may lack, in order of arrival.
    pub fn statements_unsent(&self, count: usize) -> Result<Vec<StatementRow>, StoreError> {
        let sql = select!(statement "WHERE s.sent = 0 ORDER BY s.position LIMIT ?1");
        all(self.connection, "read unsent statements", sql, [limit(count)], statement)
    }

    /// One statement; `None` when it is not here.
    pub fn statement(&self, id: &StatementId) -> Result<Option<StatementRow>, StoreError> {
        let sql = select!(statement "WHERE s.id = ?1");
        first(self.connection, "read a statement", sql, [id.as_bytes()], statement)
    }

    /// Every log this device has to do with, in the order it first met them.
    pub fn logs(&self) -> Result<Vec<LogRow>, StoreError> {
        all(self.connection, "read the logs", select!(log "ORDER BY l.number"), [], log)
    }

    /// The logs that the relay has not been asked for yet, in the order this device first met them.
    pub fn logs_unsubscribed(&self) -> Result<Vec<LogRow>, StoreError> {
        let sql = select!(log "WHERE l.subscribed = 0 ORDER BY l.number");
        all(self.connection, "read the logs to subscribe to", sql, [], log)
    }

    /// One log; `None` when this device has nothing to do with it.
    pub fn log(&self, id: &LogId) -> Result<Option<LogRow>, StoreError> {
        first(self.connection, "read a log", select!(log "WHERE l.id = ?1"), [id.as_bytes()], log)
    }

    /// The logs of a plan's other compartments.
    pub fn compartments(&self, main: &LogId) -> Result<Vec<LogRow>, StoreError> {
        let sql = select!(log "WHERE l.main = (SELECT number FROM log WHERE id = ?1) ORDER BY l.compartment");
        all(self.connection, "read a plan's compartments", sql, [main.as_bytes()], log)
    }

    /// Every content key of a log; the current one last.
    pub fn content_keys(&self, log: &LogId) -> Result<Vec<ContentKeyRow>, StoreError> {
        let sql = "SELECT key_id, key, current FROM content_key \
                   WHERE log = (SELECT number FROM log WHERE id = ?1) ORDER BY current, key_id";
        all(self.connection, "read content keys", sql, [log.as_bytes()], |row| {
            Ok(ContentKeyRow {
                key_id: row.id(0, KeyId::from_slice)?,
                key: row.bytes(1).map(Zeroizing::new)?,
                current: row.flag(2)?,
            })
        })
    }

    /// A log's entries, in order of arrival.
    pub fn entries(&self, log: &LogId) -> Result<Vec<EntryRow>, StoreError> {
        let sql = select!(entry "WHERE e.log = (SELECT number FROM log WHERE id = ?1) ORDER BY e.position");
        all(self.connection, "read a log's entries", sql, [log.as_bytes()], entry)
    }

    /// One entry; `None` when it is not here.
    pub fn entry(&self, id: &EntryId) -> Result<Option<EntryRow>, StoreError> {
        let sql = select!(entry "WHERE e.entry_id = ?1");
        first(self.connection, "read an entry", sql, [id.as_bytes()], entry)
    }

    /// The entry that the relay knows by this id; `None` when it is not here or still waits.
    pub fn entry_of(&self, id: &SealedId) -> Result<Option<EntryId>, StoreError> {
        let sql = "SELECT entry_id FROM entry WHERE sealed_id = ?1 UNION ALL SELECT e.entry_id FROM also_sealed a \
                   JOIN entry e ON e.position = a.position WHERE a.sealed_id = ?1";
        first(self.connection, "find an entry", sql, [id.as_bytes()], |row| row.id(0, EntryId::from_slice))
    }

    /// True when the sealed entry is here, taken in or waiting.
    pub fn has_sealed(&self, id: &SealedId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 WHERE EXISTS (SELECT 1 FROM entry WHERE sealed_id = ?1) \
                   OR EXISTS (SELECT 1 FROM also_sealed WHERE sealed_id = ?1) \
                   OR EXISTS (SELECT 1 FROM waiting WHERE sealed_id = ?1)";
        first(self.connection, "look for a sealed entry", sql, [id.as_bytes()], |_| Ok(()))
            .map(|found| found.is_some())
    }

    /// Every sealed id from `low` to `high`, both included, that is here, taken in or waiting; ascending.
    pub fn sealed_ids_in(&self, low: &SealedId, high: &SealedId) -> Result<Vec<SealedId>, StoreError> {
        let sql = "SELECT sealed_id FROM entry WHERE sealed_id BETWEEN ?1 AND ?2 \
                   UNION SELECT sealed_id FROM also_sealed WHERE sealed_id BETWEEN ?1 AND ?2 \
                   UNION SELECT sealed_id FROM waiting WHERE sealed_id BETWEEN ?1 AND ?2 ORDER BY 1";
        let range = params![low.as_bytes(), high.as_bytes()];
        all(self.connection, "list sealed entries", sql, range, |row| row.id(0, SealedId::from_slice))
    }

    /// Entries that wait, of one log or of all, in order of arrival.
    pub fn waiting(&self, log: Option<&LogId>, count: usize) -> Result<Vec<WaitingRow>, StoreError> {
        const STEP: &str = "read waiting entries";
        match log {
            Some(log) => {
                let sql = select!(waiting "WHERE w.log = (SELECT number FROM log WHERE id = ?1) \
                                           ORDER BY w.position LIMIT ?2");
                all(self.connection, STEP, sql, params![log.as_bytes(), limit(count)], waiting)
            }
            None => {
                let sql = select!(waiting "ORDER BY w.position LIMIT ?1");
                all(self.connection, STEP, sql, [limit(count)], waiting)
            }
        }
    }

    /// Logs with entries that wait for another, of which it is not known yet beside which main log they stand.
    pub fn logs_without_place(&self) -> Result<Vec<LogId>, StoreError> {
        let sql = "SELECT DISTINCT l.id FROM waiting w JOIN log l ON l.number = w.log \
                   WHERE w.reason = ?1 AND l.main IS NULL AND NOT EXISTS (SELECT 1 FROM entry WHERE log = l.number)";
        let reason = [WaitReason::Parent.code()];
        all(self.connection, "find logs without a place", sql, reason, |row| row.id(0, LogId::from_slice))
    }

    /// Every log of which an entry waits for this id, of a key, an entry or a credential.
    pub fn logs_waiting_for(&self, needs: &[u8]) -> Result<Vec<LogId>, StoreError> {
        let sql = "SELECT DISTINCT l.id FROM waiting w JOIN log l ON l.number = w.log WHERE w.needs = ?1";
        all(self.connection, "find who waits", sql, [needs], |row| row.id(0, LogId::from_slice))
    }

    /// A log's document; `None` when it has to be rebuilt.
    pub fn document(&self, log: &LogId) -> Result<Option<DocumentRow>, StoreError> {
        let sql = "SELECT bytes, state FROM document WHERE log = (SELECT number FROM log WHERE id = ?1)";
        first(self.connection, "read a document", sql, [log.as_bytes()], |row| {
            Ok(DocumentRow { bytes: row.bytes(0)?, state: row.bytes(1)? })
        })
    }

    /// The plan with this main log.
    pub fn plan(&self, log: &LogId) -> Result<Option<PlanRow>, StoreError> {
        first(self.connection, "read a plan", select!(plan "WHERE l.id = ?1"), [log.as_bytes()], plan)
    }

    /// The plan of the person with this NHS number, ten digits.
    pub fn plan_by_nhs(&self, nhs_number: &str) -> Result<Option<PlanRow>, StoreError> {
        let sql = select!(plan "WHERE p.nhs_number = ?1 ORDER BY p.log");
        first(self.connection, "find a plan by NHS number", sql, [nhs_number], plan)
    }

    /// The plans that were opened last on this device, newest first, at most [`PAGE_ITEMS_MAX`].
    pub fn plans_opened(&self, count: usize) -> Result<Vec<PlanRow>, StoreError> {
        let sql =
            select!(plan "WHERE l.opened_at IS NOT NULL ORDER BY l.opened_at DESC, l.number DESC LIMIT ?1");
        all(self.connection, "read opened plans", sql, [limit(count.min(PAGE_ITEMS_MAX))], plan)
    }

    /// A stored view; `None` when it has to be rendered.
    pub fn view(&self, log: &LogId, kind: u8) -> Result<Option<ViewRow>, StoreError> {
        let sql =
            "SELECT at, bytes FROM view WHERE log = (SELECT number FROM log WHERE id = ?1) AND kind = ?2";
        first(self.connection, "read a view", sql, params![log.as_bytes(), kind], |row| {
            Ok(ViewRow { at: row.time(0)?, bytes: row.bytes(1)? })
        })
    }

    /// Entries of the outbox after a position, with their positions, first written first. Positions are never used again.
    pub fn outgoing_after(&self, position: i64, count: usize) -> Result<Vec<(i64, MailRow)>, StoreError> {
        let sql = "SELECT position, sealed_id, bytes FROM outgoing WHERE position > ?1 \
                   ORDER BY position LIMIT ?2";
        all(self.connection, "read the outbox", sql, params![position, limit(count)], |row| {
            Ok((
                row.number(0)?,
                MailRow { sealed_id: row.id(1, SealedId::from_slice)?, bytes: row.bytes(2)? },
            ))
        })
    }

    /// Own entries that the relay has not confirmed, of one log or of all, in the order they were written.
    pub fn outgoing(&self, log: Option<&LogId>) -> Result<Vec<OutgoingRow>, StoreError> {
        const STEP: &str = "read the outbox";
        match log {
            Some(log) => {
                let sql = select!(outgoing "WHERE l.id = ?1 ORDER BY o.position");
                all(self.connection, STEP, sql, [log.as_bytes()], outgoing)
            }
            None => all(self.connection, STEP, select!(outgoing "ORDER BY o.position"), [], outgoing),
        }
    }

    /// The receipts of one entry.
    pub fn receipts(&self, entry: &EntryId) -> Result<Vec<ReceiptRow>, StoreError> {
        let sql = "SELECT entry_id, kind, by, at, detail FROM receipt WHERE entry_id = ?1 ORDER BY kind, by";
        all(self.connection, "read receipts", sql, [entry.as_bytes()], receipt)
    }

    /// The receipts of every entry of a log.
    pub fn receipts_of(&self, log: &LogId) -> Result<Vec<ReceiptRow>, StoreError> {
        let sql = "SELECT r.entry_id, r.kind, r.by, r.at, r.detail FROM entry e \
                   JOIN receipt r ON r.entry_id = e.entry_id \
                   WHERE e.log = (SELECT number FROM log WHERE id = ?1) ORDER BY e.position, r.kind, r.by";
        all(self.connection, "read a log's receipts", sql, [log.as_bytes()], receipt)
    }

    /// The plans that somebody looked at whose looks are in no entry yet.
    pub fn looked_at(&self, identity: &IdentityId) -> Result<Vec<LogId>, StoreError> {
        let sql = "SELECT id FROM log WHERE number IN (SELECT DISTINCT log FROM look WHERE identity = ?1) \
                   ORDER BY number";
        let step = "list the plans looked at";
        all(self.connection, step, sql, [identity.as_bytes()], |row| row.id(0, LogId::from_slice))
    }

    /// Somebody's looks at a plan that are in no entry yet, oldest first, with their positions, which are never used again.
    pub fn looks(
        &self,
        identity: &IdentityId,
        log: &LogId,
        count: usize,
    ) -> Result<Vec<(i64, LookRow)>, StoreError> {
        let sql = "SELECT position, bytes FROM look WHERE log = (SELECT number FROM log WHERE id = ?1) \
                   AND identity = ?2 ORDER BY position LIMIT ?3";
        let values = params![log.as_bytes(), identity.as_bytes(), limit(count)];
        all(self.connection, "read looks", sql, values, |row| {
            Ok((row.number(0)?, LookRow { identity: *identity, log: *log, bytes: row.bytes(1)? }))
        })
    }

    /// What could not be read and was kept, oldest first.
    pub fn quarantined(&self, count: usize) -> Result<Vec<QuarantineRow>, StoreError> {
        let sql = "SELECT table_name, bytes, reason, at FROM quarantine ORDER BY number LIMIT ?1";
        all(self.connection, "read the quarantine", sql, [limit(count)], |row| {
            Ok(QuarantineRow {
                table_name: row.text(0)?,
                bytes: row.bytes(1)?,
                reason: row.text(2)?,
                at: row.time(3)?,
            })
        })
    }

    /// Values whose names begin alike, by name.
    pub fn meta_with_prefix(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let sql = "SELECT name, value FROM meta WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name";
        all(self.connection, "read values", sql, [prefix], |row| Ok((row.text(0)?, row.bytes(1)?)))
    }

    /// How many entries of a log wait for something.
    pub fn waiting_count(&self, log: &LogId) -> Result<usize, StoreError> {
        let sql = "SELECT count(*) FROM waiting WHERE log = (SELECT number FROM log WHERE id = ?1)";
        let count =
            first(self.connection, "count waiting entries", sql, [log.as_bytes()], |row| row.number(0))?;
        Ok(count.unwrap_or_default())
    }

    /// How many own entries of a log the relay has not confirmed.
    pub fn unsent_count(&self, log: &LogId) -> Result<usize, StoreError> {
        let sql = "SELECT count(*) FROM outgoing WHERE log = (SELECT number FROM log WHERE id = ?1)";
        let count =
            first(self.connection, "count what is to be sent", sql, [log.as_bytes()], |row| row.number(0))?;
        Ok(count.unwrap_or_default())
    }

    /// How many entries wait in logs of which there is no key, and how many bytes they are.
    pub fn waiting_without_key(&self) -> Result<(usize, usize), StoreError> {
        let sql = "SELECT count(*), coalesce(sum(length(bytes)), 0) FROM waiting w \
                   WHERE NOT EXISTS (SELECT 1 FROM content_key k WHERE k.log = w.log)";
        let size = first(self.connection, "measure what waits", sql, [], |row| {
            Ok((row.number(0)?, row.number(1)?))
        })?;
        Ok(size.unwrap_or_default())
    }

    /// How many rows are set aside, and how many bytes they are.
    pub fn quarantine_size(&self) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT count(*), coalesce(sum(length(bytes)), 0) FROM quarantine";
        let size = first(self.connection, "measure what is set aside", sql, [], |row| {
            Ok((row.number(0)?, row.number(1)?))
        })?;
        Ok(size.unwrap_or_default())
    }

    /// The entry that the relay knows by this id.
    pub fn entry_by_sealed(&self, id: &SealedId) -> Result<Option<EntryRow>, StoreError> {
        match self.entry_of(id)? {
            Some(entry) => self.entry(&entry),
            None => Ok(None),
        }
    }

    /// How much there is. Walks the tables: for a status page, not for every keystroke.
    pub fn counts(&self) -> Result<Counts, StoreError> {
        let sql = "SELECT (SELECT count(*) FROM plan), (SELECT count(*) FROM entry), \
                   (SELECT count(*) FROM waiting), (SELECT count(*) FROM outgoing), \
                   (SELECT count(*) FROM receipt r WHERE r.kind = 2 AND NOT EXISTS \
                   (SELECT 1 FROM receipt s WHERE s.entry_id = r.entry_id AND s.kind = 0)), \
                   (SELECT count(*) FROM quarantine)";
        first(self.connection, "count", sql, [], |row| {
            Ok(Counts {
                plans: row.number(0)?,
                entries: row.number(1)?,
                waiting: row.number(2)?,
                outgoing: row.number(3)?,
                refused: row.number(4)?,
                quarantined: row.number(5)?,
            })
        })
        .map(Option::unwrap_or_default)
    }
}

fn statement(row: &Columns<'_>) -> Result<StatementRow, StoreError> {
    Ok(StatementRow {
        id: row.id(0, StatementId::from_slice)?,
        kind: row.code(1, StatementKind::from_code)?,
        log: row.optional_id(2, LogId::from_slice)?,
        bytes: row.bytes(3)?,
        sent: row.flag(4)?,
    })
}

fn log(row: &Columns<'_>) -> Result<LogRow, StoreError> {
    Ok(LogRow {
        id: row.id(0, LogId::from_slice)?,
        main: row.optional_id(1, LogId::from_slice)?,
        compartment: row.number(2)?,
        subscribed: row.flag(3)?,
        opened_at: row.optional_time(4)?,
    })
}

fn entry(row: &Columns<'_>) -> Result<EntryRow, StoreError> {
    entry_after(row, row.id(0, LogId::from_slice)?)
}

/// An entry whose columns follow the first one.
pub(super) fn entry_after(row: &Columns<'_>, log: LogId) -> Result<EntryRow, StoreError> {
    Ok(EntryRow {
        log,
        entry_id: row.id(1, EntryId::from_slice)?,
        sealed_id: row.id(2, SealedId::from_slice)?,
        credential: row.id(3, StatementId::from_slice)?,
        author_seq: row.number::<i64>(4)?.cast_unsigned(),
        bytes: row.bytes(5)?,
        signature: row.bytes(6)?,
        received_at: row.time(7)?,
        own: row.flag(8)?,
    })
}

fn waiting(row: &Columns<'_>) -> Result<WaitingRow, StoreError> {
    Ok(WaitingRow {
        sealed_id: row.id(0, SealedId::from_slice)?,
        log: row.id(1, LogId::from_slice)?,
        bytes: row.bytes(2)?,
        reason: row.code(3, WaitReason::from_code)?,
        needs: row.bytes(4)?,
        received_at: row.time(5)?,
    })
}

/// A plan whose columns come first.
pub(super) fn plan(row: &Columns<'_>) -> Result<PlanRow, StoreError> {
    Ok(PlanRow {
        log: row.id(0, LogId::from_slice)?,
        nhs_number: row.text(1)?,
        family: row.text(2)?,
        given: row.text(3)?,
        born: row.text(4)?,
        place: row.text(5)?,
        cpr: row.text(6)?,
        alerts: row.number(7)?,
        in_conflict: row.flag(8)?,
        held: row.number(9)?,
        changed_at: row.time(10)?,
        opened_at: row.optional_time(11)?,
        summary: row.bytes(12)?,
    })
}

fn outgoing(row: &Columns<'_>) -> Result<OutgoingRow, StoreError> {
    Ok(OutgoingRow {
        sealed_id: row.id(0, SealedId::from_slice)?,
        entry_id: row.id(1, EntryId::from_slice)?,
        log: row.id(2, LogId::from_slice)?,
        bytes: row.bytes(3)?,
    })
}

fn receipt(row: &Columns<'_>) -> Result<ReceiptRow, StoreError> {
    Ok(ReceiptRow {
        entry_id: row.id(0, EntryId::from_slice)?,
        kind: row.code(1, ReceiptKind::from_code)?,
        by: row.bytes(2)?,
        at: row.time(3)?,
        detail: row.optional_bytes(4)?,
    })
}
