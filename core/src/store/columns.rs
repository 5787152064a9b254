//! Columns into types and back. A column that holds what was never written is damage, not a panic.

use bedside_protocol::ids::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Params, Row};

use super::error::{At as _, StoreError};

/// A row, and what it is read for.
pub(super) struct Columns<'r> {
    row: &'r Row<'r>,
    step: &'static str,
}

impl<'r> Columns<'r> {
    pub(super) const fn new(row: &'r Row<'r>, step: &'static str) -> Self {
        Self { row, step }
    }

    fn value(&self, column: usize) -> Result<ValueRef<'_>, StoreError> {
        self.row.get_ref(column).at(self.step)
    }

    /// Damage unless the row is as it should be.
    pub(super) fn expect(&self, sound: bool) -> Result<(), StoreError> {
        if sound { Ok(()) } else { Err(self.wrong()) }
    }

    fn wrong(&self) -> StoreError {
        StoreError::row(self.step)
    }

    /// A blob that `read` understands: an id, mostly.
    pub(super) fn id<T>(&self, column: usize, read: fn(&[u8]) -> Option<T>) -> Result<T, StoreError> {
        self.value(column)?.as_blob().ok().and_then(read).ok_or_else(|| self.wrong())
    }

    pub(super) fn optional_id<T>(
        &self,
        column: usize,
        read: fn(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        match self.value(column)? {
            ValueRef::Null => Ok(None),
            _ => self.id(column, read).map(Some),
        }
    }

    pub(super) fn bytes(&self, column: usize) -> Result<Vec<u8>, StoreError> {
        self.value(column)?.as_blob().map(<[u8]>::to_vec).map_err(|_| self.wrong())
    }

    pub(super) fn optional_bytes(&self, column: usize) -> Result<Option<Vec<u8>>, StoreError> {
        match self.value(column)? {
            ValueRef::Null => Ok(None),
            _ => self.bytes(column).map(Some),
        }
    }

    /// A text, where it lies.
    pub(super) fn str(&self, column: usize) -> Result<&str, StoreError> {
        self.value(column)?.as_str().map_err(|_| self.wrong())
    }

    pub(super) fn text(&self, column: usize) -> Result<String, StoreError> {
        self.value(column)?.as_str().map(str::to_owned).map_err(|_| self.wrong())
    }

    pub(super) fn optional_text(&self, column: usize) -> Result<Option<String>, StoreError> {
        match self.value(column)? {
            ValueRef::Null => Ok(None),
            _ => self.text(column).map(Some),
        }
    }

    /// A number that fits the wanted type.
    pub(super) fn number<T: TryFrom<i64>>(&self, column: usize) -> Result<T, StoreError> {
        let number = self.value(column)?.as_i64().map_err(|_| self.wrong())?;
        T::try_from(number).map_err(|_| self.wrong())
    }

    pub(super) fn optional_number<T: TryFrom<i64>>(&self, column: usize) -> Result<Option<T>, StoreError> {
        match self.value(column)? {
            ValueRef::Null => Ok(None),
            _ => self.number(column).map(Some),
        }
    }

    /// A number that stands for one of a few things.
    pub(super) fn code<T>(&self, column: usize, read: fn(u8) -> Option<T>) -> Result<T, StoreError> {
        read(self.number(column)?).ok_or_else(|| self.wrong())
    }

    pub(super) fn flag(&self, column: usize) -> Result<bool, StoreError> {
        Ok(self.number::<i64>(column)? != 0)
    }

    pub(super) fn time(&self, column: usize) -> Result<Timestamp, StoreError> {
        self.number(column).map(Timestamp)
    }

    pub(super) fn optional_time(&self, column: usize) -> Result<Option<Timestamp>, StoreError> {
        match self.value(column)? {
            ValueRef::Null => Ok(None),
            _ => self.time(column).map(Some),
        }
    }
}

/// A moment as it is stored. The end of time is the largest number SQLite holds.
pub(super) fn stored(time: Timestamp) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

/// A count as it is stored.
pub(super) fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Every row of a query.
pub(super) fn all<T>(
    connection: &Connection,
    step: &'static str,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Columns<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql).at(step)?;
    let mut rows = statement.query(params).at(step)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next().at(step)? {
        out.push(read(&Columns::new(row, step))?);
    }
    Ok(out)
}

/// How much one call reads at most; one row in any case.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    pub(super) rows: usize,
    pub(super) bytes: usize,
}

impl Budget {
    pub(super) const fn rows(rows: usize) -> Self {
        Self { rows, bytes: usize::MAX }
    }
}

/// The first rows of a query that are sound, as far as the budget goes; the others are passed over.
pub(super) fn sound<T>(
    connection: &Connection,
    step: &'static str,
    sql: &str,
    values: impl Params,
    budget: Budget,
    size: fn(&T) -> usize,
    read: impl Fn(&Columns<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql).at(step)?;
    let mut rows = statement.query(values).at(step)?;
    let (mut out, mut left) = (Vec::new(), budget.bytes);
    while out.len() < budget.rows
        && let Some(row) = rows.next().at(step)?
    {
        let row = match read(&Columns::new(row, step)) {
            Ok(row) => row,
            Err(StoreError::Damaged { .. }) => continue,
            Err(error) => return Err(error),
        };
        match left.checked_sub(size(&row)) {
            Some(rest) => left = rest,
            None if out.is_empty() => left = 0,
            None => break,
        }
        out.push(row);
    }
    Ok(out)
}

/// The first row of a query.
pub(super) fn first<T>(
    connection: &Connection,
    step: &'static str,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Columns<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql).at(step)?;
    let mut rows = statement.query(params).at(step)?;
    match rows.next().at(step)? {
        Some(row) => read(&Columns::new(row, step)).map(Some),
        None => Ok(None),
    }
}

/// Runs a statement that answers no rows; how many rows it changed.
pub(super) fn run(
    connection: &Connection,
    step: &'static str,
    sql: &str,
    params: impl Params,
) -> Result<usize, StoreError> {
    connection.prepare_cached(sql).at(step)?.execute(params).at(step)
}
