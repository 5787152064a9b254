//! Writing the vault: everything of one closure, or nothing.

use std::cell::Cell;
use std::ops::Deref;

use bedside_protocol::ids::{EntryId, LogId, SealedId, StatementId, Timestamp};
use rusqlite::{Connection, params};

use super::columns::{first, run, stored};
use super::error::StoreError;
use super::read::VaultRead;
use super::rows::{
    ContentKeyRow, DocumentRow, EntryRow, LogRow, LookRow, MailReceipt, OutgoingRow, PlanRow, QuarantineRow,
    ReceiptKind, ReceiptRow, StatementRow, ViewRow, WaitingRow,
};
use super::search;
use super::worklists::DERIVED_MISSING;

/// A transaction of the vault. It reads what it has written.
pub struct VaultTx<'c> {
    read: VaultRead<'c>,
    /// Something else is written than entries and what follows from them.
    pub(super) beside_entries: Cell<bool>,
}

impl<'c> Deref for VaultTx<'c> {
    type Target = VaultRead<'c>;

    fn deref(&self) -> &Self::Target {
        &self.read
    }
}

impl<'c> VaultTx<'c> {
    pub(super) const fn new(connection: &'c Connection) -> Self {
        Self { read: VaultRead { connection }, beside_entries: Cell::new(false) }
    }

    pub(super) fn run(
        &self,
        step: &'static str,
        sql: &str,
        params: impl rusqlite::Params,
    ) -> Result<usize, StoreError> {
        run(self.connection, step, sql, params)
    }

    /// Keeps a value by name, replacing one of the same name.
    pub fn put_meta(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        self.beside_entries.set(true);
        let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.run("keep a setting", sql, params![name, value]).map(drop)
    }

    /// Forgets a value; no error when there is none.
    pub fn delete_meta(&self, name: &str) -> Result<(), StoreError> {
        self.beside_entries.set(true);
        self.run("forget a setting", "DELETE FROM meta WHERE name = ?1", [name]).map(drop)
    }

    /// Keeps a secret by name, replacing one of the same name.
    pub fn put_secret(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let sql = "INSERT INTO secret (name, value) VALUES (?1, ?2) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.run("keep a secret", sql, params![name, value]).map(drop)
    }

    /// Forgets a secret; no error when there is none.
    pub fn delete_secret(&self, name: &str) -> Result<(), StoreError> {
        self.run("forget a secret", "DELETE FROM secret WHERE name = ?1", [name]).map(drop)
    }

    /// Keeps a verified statement; false when it is here already.
    pub fn put_statement(&self, row: &StatementRow) -> Result<bool, StoreError> {
        self.beside_entries.set(true);
        let log = row.log.as_ref().map(|log| self.log_number(log)).transpose()?;
        let sql = "INSERT INTO statement (id, kind, log, bytes, sent) VALUES (?1, ?2, ?3, ?4, ?5) \
                   ON CONFLICT (id) DO NOTHING";
        let values = params![row.id.as_bytes(), row.kind.code(), log, row.bytes, row.sent];
        self.run("keep a statement", sql, values).map(|changed| changed == 1)
    }

    /// The relay has these statements.
    pub fn mark_statements_sent(&self, ids: &[StatementId]) -> Result<(), StoreError> {
        ids.iter().try_for_each(|id| {
            let sql = "UPDATE statement SET sent = 1 WHERE id = ?1 AND sent = 0";
            self.run("mark a statement as sent", sql, [id.as_bytes()]).map(drop)
        })
    }

    /// The relay lost what it had: every statement is to be sent again.
    pub fn mark_statements_unsent(&self) -> Result<(), StoreError> {
        self.beside_entries.set(true);
        self.run("mark statements as unsent", "UPDATE statement SET sent = 0 WHERE sent = 1", []).map(drop)
    }

    /// Keeps what this device has to do with a log, replacing what it knew.
    pub fn put_log(&self, row: &LogRow) -> Result<(), StoreError> {
        self.beside_entries.set(true);
        let main = row.main.as_ref().map(|main| self.log_number(main)).transpose()?;
        let sql = "INSERT INTO log (id, main, compartment, subscribed, opened_at) VALUES (?1, ?2, ?3, ?4, ?5) \
                   ON CONFLICT (id) DO UPDATE SET main = excluded.main, compartment = excluded.compartment, \
                   subscribed = excluded.subscribed, opened_at = excluded.opened_at";
        let opened_at = row.opened_at.map(stored);
        let values = params![row.id.as_bytes(), main, row.compartment, row.subscribed, opened_at];
        self.run("keep a log", sql, values).map(drop)
    }

    /// It is known now beside which main log a log stands. What was taken for a plan of its own is none.
    pub fn link_log(&self, log: &LogId, main: &LogId, compartment: u8) -> Result<(), StoreError> {
        const STEP: &str = "link a log to its plan";
        let (number, main) = (self.log_number(log)?, self.log_number(main)?);
        let sql = "UPDATE log SET main = ?2, compartment = ?3 WHERE number = ?1";
        self.run(STEP, sql, params![number, main, compartment])?;
        [
            "DELETE FROM view WHERE log = ?1",
            "DELETE FROM plan_search WHERE rowid = ?1 AND EXISTS (SELECT 1 FROM plan WHERE log = ?1)",
            "DELETE FROM plan WHERE log = ?1",
        ]
        .into_iter()
        .try_for_each(|sql| self.run(STEP, sql, [number]).map(drop))
    }

    /// Whether the relay is asked to keep this device up to date with a log.
    pub fn set_subscribed(&self, log: &LogId, subscribed: bool) -> Result<(), StoreError> {
        self.beside_entries.set(true);
        let number = self.log_number(log)?;
        let sql = "UPDATE log SET subscribed = ?2 WHERE number = ?1";
        self.run("subscribe a log", sql, params![number, subscribed]).map(drop)
    }

    /// Somebody opened the plan on this device.
    pub fn set_opened(&self, log: &LogId, at: Timestamp) -> Result<(), StoreError> {
        let number = self.log_number(log)?;
        let sql = "UPDATE log SET opened_at = ?2 WHERE number = ?1";
        self.run("note that a plan was opened", sql, params![number, stored(at)]).map(drop)
    }

    /// Keeps a content key; the newest `current` one is the only one.
    pub fn put_content_key(&self, log: &LogId, row: &ContentKeyRow) -> Result<(), StoreError> {
        const STEP: &str = "keep a content key";
        self.beside_entries.set(true);
        let number = self.log_number(log)?;
        if row.current {
            let sql = "UPDATE content_key SET current = 0 WHERE log = ?1 AND current = 1";
            self.run(STEP, sql, [number])?;
        }
        let sql = "INSERT INTO content_key (log, key_id, key, current) VALUES (?1, ?2, ?3, ?4) \
                   ON CONFLICT (log, key_id) DO UPDATE SET current = max(current, excluded.current)";
        self.run(STEP, sql, params![number, row.key_id.as_bytes(), row.key.as_slice(), row.current]).map(drop)
    }

    /// Takes an entry in; false when it is here already. It waits no longer.
    ///
    /// The same entry may come sealed under several keys: each sealed id is remembered, so that a comparison with the
    /// relay does not ask for it again and again.
    pub fn put_entry(&self, row: &EntryRow) -> Result<bool, StoreError> {
        const STEP: &str = "keep an entry";
        self.delete_waiting(&row.sealed_id)?;
        let sql = "SELECT position, sealed_id FROM entry WHERE entry_id = ?1";
        let here = first(self.connection, STEP, sql, [row.entry_id.as_bytes()], |found| {
            Ok((found.number::<i64>(0)?, found.id(1, SealedId::from_slice)?))
        })?;
        match here {
            Some((_, sealed_id)) if sealed_id == row.sealed_id => Ok(false),
            Some((position, _)) => {
                let sql =
                    "INSERT INTO also_sealed (sealed_id, position) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
                self.run(STEP, sql, params![row.sealed_id.as_bytes(), position]).map(|_| false)
            }
            None => self.insert_entry(STEP, row).map(|()| true),
        }
    }

    fn insert_entry(&self, step: &'static str, row: &EntryRow) -> Result<(), StoreError> {
        let log = self.log_number(&row.log)?;
        let sql = "INSERT INTO entry (log, entry_id, sealed_id, credential, author_seq, received_at, own, \
                   signature, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let values = params![
            log,
            row.entry_id.as_bytes(),
            row.sealed_id.as_bytes(),
            row.credential.as_bytes(),
            row.author_seq.cast_signed(),
            stored(row.received_at),
            row.own,
            row.signature,
            row.bytes,
        ];
        self.run(step, sql, values).map(drop)
    }

    /// Keeps an entry that cannot be taken in yet, or says anew what it waits for.
    pub fn put_waiting(&self, row: &WaitingRow) -> Result<(), StoreError> {
        let log = self.log_number(&row.log)?;
        let sql = "INSERT INTO waiting (sealed_id, log, reason, needs, received_at, bytes) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                   ON CONFLICT (sealed_id) DO UPDATE SET reason = excluded.reason, needs = excluded.needs";
        let values = params![
            row.sealed_id.as_bytes(),
            log,
            row.reason.code(),
            row.needs,
            stored(row.received_at),
            row.bytes,
        ];
        self.run("keep a waiting entry", sql, values).map(drop)
    }

    /// An entry waits no longer; no error when it did not.
    pub fn delete_waiting(&self, id: &SealedId) -> Result<(), StoreError> {
        let sql = "DELETE FROM waiting WHERE sealed_id = ?1";
        self.run("release a waiting entry", sql, [id.as_bytes()]).map(drop)
    }

    /// Keeps a log's document.
    pub fn put_document(&self, log: &LogId, row: &DocumentRow) -> Result<(), StoreError> {
        let number = self.log_number(log)?;
        let sql = "INSERT INTO document (log, bytes, state) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (log) DO UPDATE SET bytes = excluded.bytes, state = excluded.state";
        self.run("keep a document", sql, params![number, row.bytes, row.state]).map(drop)
    }

    /// Keeps a plan's row in lists and search.
    pub fn put_plan(&self, row: &PlanRow) -> Result<(), StoreError> {
        let number = self.log_number(&row.log)?;
        let sql = "SELECT family, given, nhs_number, place FROM plan WHERE log = ?1";
        let before = first(self.connection, "read a plan", sql, [number], |found| {
            Ok([found.text(0)?, found.text(1)?, found.text(2)?, found.text(3)?])
        })?;
        let same = [&row.family, &row.given, &row.nhs_number, &row.place];
        // Most edits change nothing that is searched or sorted by: leave those indexes alone.
        if before.is_some_and(|before| before.iter().eq(same)) {
            self.update_plan(number, row)
        } else {
            self.replace_plan(number, row)
        }
    }

    fn update_plan(&self, number: i64, row: &PlanRow) -> Result<(), StoreError> {
        let sql = "UPDATE plan SET born = ?2, cpr = ?3, alerts = ?4, in_conflict = ?5, held = ?6, \
                   changed_at = ?7, summary = ?8 WHERE log = ?1";
        let values = params![
            number,
            row.born,
            row.cpr,
            row.alerts,
            row.in_conflict,
            row.held,
            stored(row.changed_at),
            row.summary
        ];
        self.run("keep a plan's summary", sql, values).map(drop)
    }

    fn replace_plan(&self, number: i64, row: &PlanRow) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO plan (log, sort, nhs_number, family, given, born, place, cpr, alerts, \
                   in_conflict, held, changed_at, summary) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        let values = params![
            number,
            search::sort_key(&row.family, &row.given),
            row.nhs_number,
            row.family,
            row.given,
            row.born,
            row.place,
            row.cpr,
            row.alerts,
            row.in_conflict,
            row.held,
            stored(row.changed_at),
            row.summary
        ];
        self.run("keep a plan's summary", sql, values)?;
        let sql = "INSERT OR REPLACE INTO plan_search (rowid, family, given, nhs_number, place) \
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        let [family, given, place] = [&row.family, &row.given, &row.place].map(|text| search::indexed(text));
        let values = params![number, family, given, row.nhs_number, place];
        self.run("keep a plan in the search index", sql, values).map(drop)
    }

    /// Keeps a rendered view.
    pub fn put_view(&self, log: &LogId, kind: u8, row: &ViewRow) -> Result<(), StoreError> {
        let number = self.log_number(log)?;
        let sql = "INSERT INTO view (log, kind, at, bytes) VALUES (?1, ?2, ?3, ?4) \
                   ON CONFLICT (log, kind) DO UPDATE SET at = excluded.at, bytes = excluded.bytes";
        self.run("keep a view", sql, params![number, kind, stored(row.at), row.bytes]).map(drop)
    }

    /// Forgets a log's rendered views.
    pub fn delete_views(&self, log: &LogId) -> Result<(), StoreError> {
        let sql = "DELETE FROM view WHERE log = (SELECT number FROM log WHERE id = ?1)";
        self.run("forget views", sql, [log.as_bytes()]).map(drop)
    }

    /// Keeps an own entry until the relay confirms it. One that is there already goes to the end of the line.
    pub fn put_outgoing(&self, row: &OutgoingRow) -> Result<(), StoreError> {
        const STEP: &str = "put an entry in the outbox";
        let log = self.log_number(&row.log)?;
        // In two steps: to replace in one, SQLite copies every page that it may have to take back.
        self.run(STEP, "DELETE FROM outgoing WHERE sealed_id = ?1", [row.sealed_id.as_bytes()])?;
        let sql = "INSERT INTO outgoing (sealed_id, entry_id, log, bytes) VALUES (?1, ?2, ?3, ?4)";
        let values = params![row.sealed_id.as_bytes(), row.entry_id.as_bytes(), log, row.bytes];
        self.run(STEP, sql, values).map(drop)
    }

    /// Notes what the relay said of an own entry and takes it out of the outbox; which entry it was.
    ///
    /// `None` for an entry that is not in the outbox: the receipt came twice. A refused entry stays in its log.
    pub fn settle(&self, receipt: &MailReceipt) -> Result<Option<EntryId>, StoreError> {
        const STEP: &str = "settle an outgoing entry";
        let sql = "SELECT entry_id FROM outgoing WHERE sealed_id = ?1";
        let sealed_id = receipt.sealed_id.as_bytes();
        let entry_id = first(self.connection, STEP, sql, [sealed_id], |row| row.id(0, EntryId::from_slice))?;
        let Some(entry_id) = entry_id else { return Ok(None) };
        let kind = if receipt.refused.is_some() { ReceiptKind::Refused } else { ReceiptKind::Sent };
        self.put_receipt(&ReceiptRow {
            entry_id,
            kind,
            by: Vec::new(),
            at: receipt.at,
            detail: receipt.refused.clone(),
        })?;
        self.run(STEP, "DELETE FROM outgoing WHERE sealed_id = ?1", [sealed_id])?;
        Ok(Some(entry_id))
    }

    /// Keeps a receipt; a newer one of the same kind by the same reader replaces it.
    pub fn put_receipt(&self, row: &ReceiptRow) -> Result<(), StoreError> {
        let sql = "INSERT INTO receipt (entry_id, kind, by, at, detail) VALUES (?1, ?2, ?3, ?4, ?5) \
                   ON CONFLICT (entry_id, kind, by) DO UPDATE SET at = excluded.at, detail = excluded.detail";
        let values = params![row.entry_id.as_bytes(), row.kind.code(), row.by, stored(row.at), row.detail];
        self.run("keep a receipt", sql, values).map(drop)
    }

    /// Forgets an entry's receipts of a kind: it is being sent again.
    pub fn delete_receipts(&self, entry: &EntryId, kind: ReceiptKind) -> Result<(), StoreError> {
        let sql = "DELETE FROM receipt WHERE entry_id = ?1 AND kind = ?2";
        self.run("forget receipts", sql, params![entry.as_bytes(), kind.code()]).map(drop)
    }

    /// Keeps a look until it is in an entry.
    pub fn put_look(&self, row: &LookRow) -> Result<(), StoreError> {
        let log = self.log_number(&row.log)?;
        let sql = "INSERT INTO look (identity, log, bytes) VALUES (?1, ?2, ?3)";
        self.run("keep a look", sql, params![row.identity.as_bytes(), log, row.bytes]).map(drop)
    }

    /// A look is in an entry now.
    pub fn delete_look(&self, position: i64) -> Result<(), StoreError> {
        self.run("forget a look", "DELETE FROM look WHERE position = ?1", [position]).map(drop)
    }

    /// Sets something aside that could not be read.
    pub fn put_quarantine(&self, row: &QuarantineRow) -> Result<(), StoreError> {
        let sql = "INSERT INTO quarantine (table_name, bytes, reason, at) VALUES (?1, ?2, ?3, ?4)";
        let values = params![row.table_name, row.bytes, row.reason, stored(row.at)];
        self.run("set a row aside", sql, values).map(drop)
    }

    /// Drops everything that can be computed again from entries, statements and keys. It is, at the next unlocking.
    pub fn delete_derived(&self) -> Result<(), StoreError> {
        self.put_meta(DERIVED_MISSING, &[])?;
        [
            "DELETE FROM view",
            "DELETE FROM document",
            "DELETE FROM worklist",
            "UPDATE looked SET news_at = NULL",
            "DELETE FROM plan",
            "INSERT INTO plan_search (plan_search) VALUES ('delete-all')",
        ]
        .into_iter()
        .try_for_each(|sql| self.run("drop what is derived", sql, []).map(drop))
    }

    /// Removes this device's copy of a log, its keys included: the person was discharged, or a role ended.
    ///
    /// Fails with [`StoreError::GivenUp`] while the outbox has an entry of it, or there are looks at it that are in no entry
    /// yet: they would be lost.
    pub fn purge_log(&self, log: &LogId) -> Result<(), StoreError> {
        const STEP: &str = "remove a log from this device";
        self.beside_entries.set(true);
        let number = self.log_number(log)?;
        let sql = "SELECT 1 FROM outgoing WHERE log = ?1 UNION ALL SELECT 1 FROM look WHERE log = ?1";
        if first(self.connection, STEP, sql, [number], |_| Ok(()))?.is_some() {
            return Err(StoreError::GivenUp { step: STEP });
        }
        [
            "DELETE FROM caseload WHERE log = ?1",
            "DELETE FROM visit WHERE log = ?1",
            "DELETE FROM looked WHERE log = ?1",
            "DELETE FROM worklist WHERE log = ?1",
            "DELETE FROM view WHERE log = ?1",
            "DELETE FROM plan_search WHERE rowid = ?1 AND EXISTS (SELECT 1 FROM plan WHERE log = ?1)",
            "DELETE FROM plan WHERE log = ?1",
            "DELETE FROM document WHERE log = ?1",
            "DELETE FROM waiting WHERE log = ?1",
            "DELETE FROM receipt WHERE entry_id IN (SELECT entry_id FROM entry WHERE log = ?1)",
            "DELETE FROM also_sealed WHERE position IN (SELECT position FROM entry WHERE log = ?1)",
            "DELETE FROM entry WHERE log = ?1",
            "DELETE FROM content_key WHERE log = ?1",
            "DELETE FROM statement WHERE log = ?1",
            "UPDATE log SET subscribed = 0, opened_at = NULL WHERE number = ?1",
        ]
        .into_iter()
        .try_for_each(|sql| self.run(STEP, sql, [number]).map(drop))
    }

    /// The short number of a log, given to it when it is first met.
    pub(super) fn log_number(&self, id: &LogId) -> Result<i64, StoreError> {
        const STEP: &str = "number a log";
        let sql = "SELECT number FROM log WHERE id = ?1";
        match first(self.connection, STEP, sql, [id.as_bytes()], |row| row.number(0))? {
            Some(number) => Ok(number),
            None => {
                self.beside_entries.set(true);
                self.run(STEP, "INSERT INTO log (id) VALUES (?1)", [id.as_bytes()])?;
                Ok(self.connection.last_insert_rowid())
            }
        }
    }
}
