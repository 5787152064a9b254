//! Lists of plans, page by page, and what a person keeps for themself: caseload, visits, and what they have looked at.
//!
//! Each list is read along an index in its own order, so a page costs what it holds and not what the vault holds.

use bedside_protocol::ids::{IdentityId, LogId, Timestamp};
use rusqlite::params;

use super::columns::{Columns, all, first, limit, stored};
use super::error::StoreError;
use super::read::{VaultRead, plan, plan_columns};
use super::rows::{List, ListCounts, ListRow, Page, PageKey, PlanRow, VisitRow, Visits};
use super::write::VaultTx;
use crate::limits::PAGE_ITEMS_MAX;

/// Set while lists lack rows of plans that are here.
pub(super) const DERIVED_MISSING: &str = "derived.missing";

/// Columns of a plan, then the two that its list is ordered by, then more.
macro_rules! listed {
    ($order:literal $($rest:literal)+) => {
        concat!("SELECT ", plan_columns!(), ", ", $order $(, $rest)+)
    };
}

const SORT: usize = 13;
const NUMBER: usize = 14;
const MORE: usize = 15;

impl VaultRead<'_> {
    /// A page of plans by family and given name, at most [`PAGE_ITEMS_MAX`].
    pub fn plans_page(&self, after: Option<&PageKey>, count: usize) -> Result<Page<PlanRow>, StoreError> {
        let sql = listed!("p.sort, p.log" " FROM plan p JOIN log l ON l.number = p.log \
                           WHERE (p.sort, p.log) > (?1, ?2) ORDER BY p.sort, p.log LIMIT ?3");
        self.page("read a page of plans", sql, after, count, &[], plan)
    }

    /// A page of the plans that somebody has taken on, or that name them as key worker, by name; with the moment when they
    /// were taken on. `named` is how plans name them.
    pub fn caseload(
        &self,
        identity: &IdentityId,
        named: &str,
        after: Option<&PageKey>,
        count: usize,
    ) -> Result<Page<(PlanRow, Option<Timestamp>)>, StoreError> {
        let sql = listed!("p.sort, p.log" ", c.since FROM plan p JOIN log l ON l.number = p.log \
                           LEFT JOIN caseload c ON c.identity = ?4 AND c.log = p.log \
                           WHERE p.log IN (SELECT log FROM caseload WHERE identity = ?4 \
                           UNION SELECT log FROM worklist WHERE list = 4 AND instr(sort, ?5) > 0) \
                           AND (p.sort, p.log) > (?1, ?2) ORDER BY p.sort, p.log LIMIT ?3");
        self.page("read a caseload", sql, after, count, &[identity.as_bytes(), &named], |row| {
            Ok((plan(row)?, row.optional_time(MORE)?))
        })
    }

    /// A page of visits by day and time, those without a time after the others of their day.
    pub fn visits(
        &self,
        identity: &IdentityId,
        which: Visits<'_>,
        after: Option<&PageKey>,
        count: usize,
    ) -> Result<Page<(PlanRow, VisitRow)>, StoreError> {
        const STEP: &str = "read visits";
        macro_rules! visits {
            ($where:literal) => {
                listed!("v.day || coalesce(v.time, '24:00'), v.number" ", v.day, v.time, v.note, v.done_at \
                         FROM visit v JOIN plan p ON p.log = v.log JOIN log l ON l.number = p.log \
                         WHERE v.identity = ?4 AND " $where " \
                         AND (v.day || coalesce(v.time, '24:00'), v.number) > (?1, ?2) ORDER BY 14, 15 LIMIT ?3")
            };
        }
        let read = |row: &Columns<'_>| Ok((plan(row)?, visit(row, *identity)?));
        let whose = identity.as_bytes();
        match which {
            Visits::ToDo => self.page(STEP, visits!("v.done_at IS NULL"), after, count, &[whose], read),
            Visits::ToDoBy(day) => {
                let sql = visits!("v.done_at IS NULL AND v.day <= ?5");
                self.page(STEP, sql, after, count, &[whose, &day], read)
            }
            Visits::Of(day) => self.page(STEP, visits!("v.day = ?5"), after, count, &[whose, &day], read),
        }
    }

    /// A page of a list that plans are on by what they say, up to a place in it; with why each is there.
    pub fn listed(
        &self,
        list: List,
        until: Option<&str>,
        after: Option<&PageKey>,
        count: usize,
    ) -> Result<Page<(PlanRow, Vec<u8>)>, StoreError> {
        let sql = listed!("w.sort, w.log" ", w.why FROM worklist w CROSS JOIN plan p ON p.log = w.log \
                           JOIN log l ON l.number = p.log WHERE w.list = ?4 AND w.sort <= ?5 \
                           AND (w.sort, w.log) > (?1, ?2) ORDER BY w.sort, w.log LIMIT ?3");
        let until = until.unwrap_or("~");
        self.page("read a list of plans", sql, after, count, &[&list.code(), &until], |row| {
            Ok((plan(row)?, row.bytes(MORE)?))
        })
    }

    /// A page of the plans in which others wrote since somebody looked, newest first; with when that came.
    pub fn changed_since_looked(
        &self,
        identity: &IdentityId,
        after: Option<&PageKey>,
        count: usize,
    ) -> Result<Page<(PlanRow, Timestamp)>, StoreError> {
        // Newest first is the order of what is left until the end of time.
        let sql = listed!("printf('%020d', 9223372036854775807 - k.news_at), k.log" ", k.news_at \
                           FROM looked k CROSS JOIN plan p ON p.log = k.log JOIN log l ON l.number = p.log \
                           WHERE k.identity = ?4 AND k.news_at IS NOT NULL \
                           AND k.news_at <= 9223372036854775807 - CAST(?1 AS INTEGER) \
                           AND (9223372036854775807 - k.news_at, k.log) > (CAST(?1 AS INTEGER), ?2) \
                           ORDER BY k.news_at DESC, k.log LIMIT ?3");
        self.page("read changed plans", sql, after, count, &[identity.as_bytes()], |row| {
            Ok((plan(row)?, row.time(MORE)?))
        })
    }

    /// Runs a query whose first three parameters are the place that the last page ended with and how many rows.
    fn page<T>(
        &self,
        step: &'static str,
        sql: &str,
        after: Option<&PageKey>,
        count: usize,
        more: &[&dyn rusqlite::ToSql],
        read: impl Fn(&Columns<'_>) -> Result<T, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let count = count.min(PAGE_ITEMS_MAX);
        let (sort, number) = after.map_or(("", i64::MIN), |key| (key.sort.as_str(), key.number));
        let rows = limit(count);
        let mut values: Vec<&dyn rusqlite::ToSql> = vec![&sort, &number, &rows];
        values.extend(more);
        let found = all(self.connection, step, sql, values.as_slice(), |row| {
            Ok((read(row)?, PageKey { sort: row.text(SORT)?, number: row.number(NUMBER)? }))
        })?;
        let full = found.len() == count;
        let next = found.last().filter(|_| full).map(|(_, key)| key.clone());
        Ok(Page { rows: found.into_iter().map(|(row, _)| row).collect(), next })
    }

    /// How long every list is, on this day and with reviews due by another; days as YYYY-MM-DD.
    pub fn list_counts(
        &self,
        identity: &IdentityId,
        named: &str,
        today: &str,
        due_by: &str,
    ) -> Result<ListCounts, StoreError> {
        let sql = "SELECT (SELECT count(*) FROM plan), \
                   (SELECT count(*) FROM (SELECT log FROM caseload WHERE identity = ?1 \
                   UNION SELECT log FROM worklist WHERE list = 4 AND instr(sort, ?4) > 0) c JOIN plan p ON p.log = c.log), \
                   (SELECT count(*) FROM visit v JOIN plan p ON p.log = v.log \
                   WHERE v.identity = ?1 AND v.done_at IS NULL AND v.day <= ?2), \
                   (SELECT count(*) FROM worklist WHERE list = 0), \
                   (SELECT count(*) FROM worklist WHERE list = 1 AND sort <= ?3), \
                   (SELECT count(*) FROM worklist WHERE list = 1 AND sort < ?2), \
                   (SELECT count(*) FROM worklist WHERE list = 2), \
                   (SELECT count(*) FROM worklist WHERE list = 3), \
                   (SELECT count(*) FROM looked k JOIN plan p ON p.log = k.log \
                   WHERE k.identity = ?1 AND k.news_at IS NOT NULL)";
        let values = params![identity.as_bytes(), today, due_by, named];
        let counted = first(self.connection, "count the lists", sql, values, |row| {
            Ok(ListCounts {
                all: row.number(0)?,
                caseload: row.number(1)?,
                visits: row.number(2)?,
                approval: row.number(3)?,
                reviews: row.number(4)?,
                overdue: row.number(5)?,
                in_conflict: row.number(6)?,
                held: row.number(7)?,
                changed: row.number(8)?,
            })
        })?;
        Ok(counted.unwrap_or_default())
    }

    /// How many plans somebody has taken on, those included whose entries are not here.
    pub fn taken_on(&self, identity: &IdentityId) -> Result<usize, StoreError> {
        let sql = "SELECT count(*) FROM caseload WHERE identity = ?1";
        let count =
            first(self.connection, "count a caseload", sql, [identity.as_bytes()], |row| row.number(0))?;
        Ok(count.unwrap_or_default())
    }

    /// How many visits somebody has to do.
    pub fn visits_to_do(&self, identity: &IdentityId) -> Result<usize, StoreError> {
        let sql = "SELECT count(*) FROM visit WHERE identity = ?1 AND done_at IS NULL";
        let count = first(self.connection, "count visits", sql, [identity.as_bytes()], |row| row.number(0))?;
        Ok(count.unwrap_or_default())
    }

    /// True when a plan names somebody as key worker; `named` is how.
    pub fn is_key_worker(&self, log: &LogId, named: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM worklist WHERE list = 4 AND instr(sort, ?2) > 0 \
                   AND log = (SELECT number FROM log WHERE id = ?1)";
        let found =
            first(self.connection, "look for a key worker", sql, params![log.as_bytes(), named], |_| Ok(()));
        found.map(|row| row.is_some())
    }

    /// The position of the last entry of a plan, its compartments included; 0 when there is none.
    pub fn last_position(&self, log: &LogId) -> Result<i64, StoreError> {
        let sql = "SELECT max((SELECT max(e.position) FROM entry e WHERE e.log = l.number)) FROM log m \
                   JOIN log l ON l.number = m.number OR l.main = m.number WHERE m.id = ?1";
        let last = first(self.connection, "find the last entry", sql, [log.as_bytes()], |row| {
            row.optional_number(0)
        })?;
        Ok(last.flatten().unwrap_or_default())
    }

    /// True when lists lack rows of plans that are here: after an update of the schema.
    pub fn lacks_derived(&self) -> Result<bool, StoreError> {
        self.meta(DERIVED_MISSING).map(|flag| flag.is_some())
    }

    /// The plans with entries that lists have no row of.
    pub fn logs_without_plan(&self) -> Result<Vec<LogId>, StoreError> {
        let sql = "SELECT l.id FROM log l WHERE l.main IS NULL AND EXISTS (SELECT 1 FROM entry WHERE log = l.number) \
                   AND NOT EXISTS (SELECT 1 FROM plan WHERE log = l.number) ORDER BY l.number";
        all(self.connection, "find plans that lists lack", sql, [], |row| row.id(0, LogId::from_slice))
    }
}

fn visit(row: &Columns<'_>, identity: IdentityId) -> Result<VisitRow, StoreError> {
    Ok(VisitRow {
        number: row.number(NUMBER)?,
        identity,
        log: row.id(0, LogId::from_slice)?,
        day: row.text(MORE)?,
        time: row.optional_text(MORE + 1)?,
        note: row.text(MORE + 2)?,
        done_at: row.optional_time(MORE + 3)?,
    })
}

impl VaultTx<'_> {
    /// Puts a plan into the lists that it is on by what it says, and takes it out of all others.
    pub fn put_lists(&self, log: &LogId, rows: &[ListRow]) -> Result<(), StoreError> {
        const STEP: &str = "keep a plan in lists";
        let number = self.log_number(log)?;
        let sql = "SELECT list, sort, why FROM worklist WHERE log = ?1";
        let before = all(self.connection, STEP, sql, [number], |row| {
            Ok(ListRow { list: row.code(0, List::from_code)?, sort: row.text(1)?, why: row.bytes(2)? })
        })?;
        for gone in before.iter().filter(|row| !rows.contains(row)) {
            let sql = "DELETE FROM worklist WHERE list = ?1 AND sort = ?2 AND log = ?3";
            self.run(STEP, sql, params![gone.list.code(), gone.sort, number])?;
        }
        for new in rows.iter().filter(|row| !before.contains(row)) {
            let sql = "INSERT OR REPLACE INTO worklist (list, sort, log, why) VALUES (?1, ?2, ?3, ?4)";
            self.run(STEP, sql, params![new.list.code(), new.sort, number, new.why])?;
        }
        Ok(())
    }

    /// Takes a plan on; from then on somebody hears what others write in it. No change when they had.
    pub fn take_on(&self, identity: &IdentityId, log: &LogId, since: Timestamp) -> Result<(), StoreError> {
        const STEP: &str = "take a plan on";
        let number = self.log_number(log)?;
        let sql = "INSERT INTO caseload (identity, log, since) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        self.run(STEP, sql, params![identity.as_bytes(), number, stored(since)])?;
        let sql = "INSERT INTO looked (identity, log, position) VALUES (?1, ?2, 0) ON CONFLICT DO NOTHING";
        self.run(STEP, sql, params![identity.as_bytes(), number])?;
        self.note_news(log)
    }

    /// Hands a plan back; false when it was not taken on.
    pub fn hand_back(&self, identity: &IdentityId, log: &LogId) -> Result<bool, StoreError> {
        let number = self.log_number(log)?;
        let sql = "DELETE FROM caseload WHERE identity = ?1 AND log = ?2";
        self.run("hand a plan back", sql, params![identity.as_bytes(), number]).map(|gone| gone > 0)
    }

    /// Keeps a visit and numbers it; of a visit with a number, that one.
    pub fn put_visit(&self, row: &VisitRow) -> Result<i64, StoreError> {
        let log = self.log_number(&row.log)?;
        let sql = "INSERT INTO visit (number, identity, log, day, time, note, done_at) \
                   VALUES (nullif(?1, 0), ?2, ?3, ?4, ?5, ?6, ?7)";
        let done_at = row.done_at.map(stored);
        let values = params![row.number, row.identity.as_bytes(), log, row.day, row.time, row.note, done_at];
        self.run("keep a visit", sql, values)?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Marks a visit as done, or as not done after all; false when there is no such visit.
    pub fn set_visit_done(
        &self,
        identity: &IdentityId,
        number: i64,
        done_at: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE visit SET done_at = ?3 WHERE identity = ?1 AND number = ?2";
        let values = params![identity.as_bytes(), number, done_at.map(stored)];
        self.run("mark a visit", sql, values).map(|changed| changed > 0)
    }

    /// Takes a visit out; false when there is no such visit.
    pub fn delete_visit(&self, identity: &IdentityId, number: i64) -> Result<bool, StoreError> {
        let sql = "DELETE FROM visit WHERE identity = ?1 AND number = ?2";
        self.run("cancel a visit", sql, params![identity.as_bytes(), number]).map(|gone| gone > 0)
    }

    /// Somebody has seen a plan up to the entry at this position.
    pub fn set_looked(
        &self,
        identity: &IdentityId,
        log: &LogId,
        position: i64,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let number = self.log_number(log)?;
        let sql = "INSERT INTO looked (identity, log, position) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (identity, log) DO UPDATE SET position = max(position, excluded.position)";
        self.run("note that a plan was seen", sql, params![identity.as_bytes(), number, position])?;
        self.set_opened(log, at)?;
        self.note_news(log)
    }

    /// Works out anew, for everybody who has looked at a plan, when others last wrote in it since.
    ///
    /// Who else looked at it (compartment 3) is no news.
    pub fn note_news(&self, log: &LogId) -> Result<(), StoreError> {
        let number = self.log_number(log)?;
        let sql = "WITH news (identity, at) AS (SELECT k.identity, (SELECT max(e.received_at) FROM entry e \
                   WHERE e.log IN (SELECT ?1 UNION ALL SELECT number FROM log WHERE main = ?1 AND compartment <> 3) \
                   AND e.own = 0 AND e.position > k.position) \
                   FROM looked k WHERE k.log = ?1) \
                   UPDATE looked SET news_at = news.at FROM news \
                   WHERE looked.identity = news.identity AND looked.log = ?1 AND looked.news_at IS NOT news.at";
        self.run("note what is new in a plan", sql, [number]).map(drop)
    }

    /// Every plan that is here has its row.
    pub fn derived_is_whole(&self) -> Result<(), StoreError> {
        self.delete_meta(DERIVED_MISSING)
    }
}
