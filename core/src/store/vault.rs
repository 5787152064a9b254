//! One writer, many readers.
//!
//! SQLite allows one writer: one connection writes, apart from those that read, so that a burst of reads cannot delay a nurse's
//! save. Each closure that is given to it is one transaction, run where it was called: to wake another thread and to be woken by
//! it costs more than most saves compute. What nobody waits for has a thread. Readers are a few connections that see the last
//! commit.

use std::any::Any;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, ThreadId};

use rusqlite::Connection;
use zeroize::Zeroizing;

use super::OpenOptions;
use super::error::{At as _, StoreError, or_full};
use super::file::{Database, VAULT, checkpoint};
use super::lock::FileLock;
use super::read::VaultRead;
use super::salvage;
use super::write::VaultTx;
use crate::limits::READERS_MAX;

const LOCK_FILE: &str = "vault.lock";

/// `vault.db`: everything a person may read, encrypted by SQLCipher. One handle per file at a time, in any process.
///
/// Every call blocks until it is done.
pub struct Vault {
    database: Database,
    key: Zeroizing<String>,
    gate: Mutex<Gate>,
    gate_changed: Condvar,
    beside_entries: Arc<AtomicU64>,
}

/// The connections, while the vault is not suspended.
#[derive(Default)]
struct Gate {
    open: Option<Open>,
    readers_out: usize,
    writers_out: usize,
    closing: bool,
}

struct Open {
    writer: Writer,
    readers: Vec<Connection>,
    // Dropped last: whoever takes the lock finds no connection of this process.
    _lock: FileLock,
}

struct Writer {
    one: Arc<One>,
    jobs: Sender<Job>,
    thread: JoinHandle<()>,
}

/// The connection that writes.
struct One {
    connection: Mutex<Connection>,
    /// Who has it.
    taken_by: Mutex<Option<ThreadId>>,
    /// Jobs that were sent and are not done.
    queued: AtomicUsize,
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

impl Vault {
    /// Creates an empty vault and opens it. `key` is the raw key literal `x'<64 hex of key><32 hex of salt>'`.
    ///
    /// Fails with [`StoreError::Exists`] when there is one: a vault is never written over.
    pub fn create(dir: &Path, key: &str) -> Result<Self, StoreError> {
        Self::create_with(dir, key, &OpenOptions::default())
    }

    /// Opens the vault that is there and brings it to the newest schema. `key` as in [`Self::create`].
    pub fn open(dir: &Path, key: &str) -> Result<Self, StoreError> {
        Self::open_with(dir, key, &OpenOptions::default())
    }

    /// [`Self::create`] with options.
    pub fn create_with(dir: &Path, key: &str, options: &OpenOptions) -> Result<Self, StoreError> {
        let database = Database::new(&VAULT, dir, options);
        let lock = FileLock::try_take(&dir.join(LOCK_FILE))?;
        database.create(Some(key))?;
        Self::start(database, key, lock)
    }

    /// [`Self::open`] with options.
    pub fn open_with(dir: &Path, key: &str, options: &OpenOptions) -> Result<Self, StoreError> {
        let database = Database::new(&VAULT, dir, options);
        if !database.exists()? {
            return Err(StoreError::NotFound { file: VAULT.file });
        }
        let lock = FileLock::try_take(&dir.join(LOCK_FILE))?;
        Self::start(database, key, lock)
    }

    fn start(database: Database, key: &str, lock: FileLock) -> Result<Self, StoreError> {
        let key = Zeroizing::new(key.to_owned());
        let open = Open::new(&database, &key, lock)?;
        let gate = Mutex::new(Gate { open: Some(open), ..Gate::default() });
        Ok(Self { database, key, gate, gate_changed: Condvar::new(), beside_entries: Arc::default() })
    }

    /// The schema that this build writes.
    #[must_use]
    pub const fn schema_version() -> u32 {
        VAULT.schema_version()
    }

    /// The profile directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.database.dir()
    }

    /// Runs `f` in one transaction. Durable when this returns `Ok`; when `f` fails or panics, nothing is left of it.
    ///
    /// Must not be called from inside a transaction ([`StoreError::Nested`]).
    pub fn write<R: Send + 'static>(
        &self,
        f: impl FnOnce(&VaultTx<'_>) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        let beside_entries = Arc::clone(&self.beside_entries);
        self.on_writer(move |connection| transact(connection, &beside_entries, f))
    }

    /// Runs `f` in one transaction of its own, before whatever is written after it, without waiting for it. `done` hears on
    /// another thread what came of it: nobody else does.
    pub fn write_later(
        &self,
        f: impl FnOnce(&VaultTx<'_>) -> Result<(), StoreError> + Send + 'static,
        done: impl FnOnce(Result<(), StoreError>) + Send + 'static,
    ) -> Result<(), StoreError> {
        let beside_entries = Arc::clone(&self.beside_entries);
        let job: Job = Box::new(move |connection| {
            let result = catch_unwind(AssertUnwindSafe(|| transact(connection, &beside_entries, f)));
            done(result.unwrap_or_else(panicked));
        });
        let (one, jobs) = self.writer()?;
        one.send(&jobs, job)
    }

    /// Grows with every commit that wrote something else than entries and what follows from them: statements, keys, logs to
    /// follow, what is kept by name. Whoever saw the same number twice need not read these again.
    pub fn changes_beside_entries(&self) -> u64 {
        self.beside_entries.load(Ordering::SeqCst)
    }

    fn on_writer<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Connection) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        let (one, jobs) = self.writer()?;
        let f = move |connection: &mut Connection| {
            catch_unwind(AssertUnwindSafe(|| f(connection))).unwrap_or_else(panicked)
        };
        if one.queued.load(Ordering::SeqCst) == 0 {
            return one.with(f);
        }
        let (answer, answered) = mpsc::sync_channel(1);
        // The one who asked may have given up waiting; the work is done all the same.
        one.send(&jobs, Box::new(move |connection| drop(answer.send(f(connection)))))?;
        answered.recv().unwrap_or(Err(StoreError::Panicked))
    }

    fn writer(&self) -> Result<(WriterOut<'_>, Sender<Job>), StoreError> {
        let mut gate = self.gate();
        let writer = &gate.open.as_ref().ok_or(StoreError::Suspended)?.writer;
        if writer.one.is_mine() {
            return Err(StoreError::Nested);
        }
        let (one, jobs) = (Some(Arc::clone(&writer.one)), writer.jobs.clone());
        gate.writers_out += 1;
        Ok((WriterOut { vault: self, one }, jobs))
    }

    /// Runs `f` over one consistent moment of the vault: the last commit, or a later one.
    ///
    /// Must not be called from inside another `read` of the same thread: with every reader taken it would wait for itself.
    pub fn read<R>(&self, f: impl FnOnce(&VaultRead<'_>) -> Result<R, StoreError>) -> Result<R, StoreError> {
        let mut reader = self.reader()?;
        let result = read_with(reader.connection(), f);
        // After one bad page SQLCipher refuses every other one over the same connection.
        if let Err(StoreError::Damaged { .. } | StoreError::Io { .. }) = result {
            reader.connection = None;
        }
        result
    }

    fn reader(&self) -> Result<Reader<'_>, StoreError> {
        let mut gate = self.gate();
        loop {
            let out = gate.readers_out;
            let open = gate.open.as_mut().ok_or(StoreError::Suspended)?;
            if let Some(connection) = open.readers.pop() {
                gate.readers_out += 1;
                return Ok(Reader { vault: self, connection: Some(connection) });
            }
            if out < READERS_MAX {
                gate.readers_out += 1;
                break;
            }
            gate = self.wait(gate);
        }
        drop(gate);
        // From here on the reader counts as out, whatever becomes of it.
        let mut reader = Reader { vault: self, connection: None };
        reader.connection = Some(open_reader(&self.database, &self.key)?);
        Ok(reader)
    }

    /// Ends what is under way, moves everything into the database file, closes every connection and gives up the lock.
    ///
    /// iOS kills a process that sleeps while it holds a file lock. Waits for reads and writes that have begun; later
    /// ones get [`StoreError::Suspended`]. Suspending twice is no error. When the checkpoint fails the connections are
    /// closed all the same and nothing is lost: the write-ahead log is read at the next opening.
    pub fn suspend(&self) -> Result<(), StoreError> {
        let mut gate = self.gate();
        if gate.open.as_ref().is_some_and(|open| open.writer.one.is_mine()) {
            return Err(StoreError::Nested);
        }
        gate = self.while_closing(gate);
        let Some(open) = gate.open.take() else { return Ok(()) };
        gate.closing = true;
        while gate.readers_out > 0 || gate.writers_out > 0 {
            gate = self.wait(gate);
        }
        // Whoever still has a job in the queue may look at the gate; nobody gets through it.
        drop(gate);
        let result = open.close();
        self.gate().closing = false;
        self.gate_changed.notify_all();
        result
    }

    /// Opens the vault again after [`Self::suspend`]. Resuming what is not suspended is no error.
    pub fn resume(&self) -> Result<(), StoreError> {
        let mut gate = self.while_closing(self.gate());
        if gate.open.is_none() {
            let lock = FileLock::try_take(&self.database.dir().join(LOCK_FILE))?;
            gate.open = Some(Open::new(&self.database, &self.key, lock)?);
        }
        Ok(())
    }

    /// [`Self::suspend`] for good. Dropping does the same, but cannot say what went wrong.
    pub fn close(self) -> Result<(), StoreError> {
        self.suspend()
    }

    /// Reads the whole file and says what is wrong with it; nothing, for a sound one. Takes seconds on a large vault.
    ///
    /// Everything is first moved out of the write-ahead log: judged before, a sound vault may look damaged.
    pub fn check(&self) -> Result<Vec<String>, StoreError> {
        self.on_writer(|connection| salvage::check(connection, true))
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'g>(&self, gate: MutexGuard<'g, Gate>) -> MutexGuard<'g, Gate> {
        self.gate_changed.wait(gate).unwrap_or_else(PoisonError::into_inner)
    }

    fn while_closing<'g>(&self, mut gate: MutexGuard<'g, Gate>) -> MutexGuard<'g, Gate> {
        while gate.closing {
            gate = self.wait(gate);
        }
        gate
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        // Nobody is left to tell; the write-ahead log keeps what the checkpoint did not move.
        let _ = self.suspend();
    }
}

impl Open {
    fn new(database: &Database, key: &str, lock: FileLock) -> Result<Self, StoreError> {
        let connection = database.open(Some(key))?;
        Ok(Self { writer: Writer::start(connection)?, readers: Vec::new(), _lock: lock })
    }

    fn close(self) -> Result<(), StoreError> {
        let Self { writer, readers, _lock } = self;
        drop(readers);
        writer.finish()
    }
}

impl Writer {
    fn start(connection: Connection) -> Result<Self, StoreError> {
        let (jobs, waiting) = mpsc::channel::<Job>();
        let connection = Mutex::new(connection);
        let one = Arc::new(One { connection, taken_by: Mutex::default(), queued: AtomicUsize::default() });
        let of_thread = Arc::clone(&one);
        let work = move || {
            waiting.into_iter().for_each(|job| {
                of_thread.with(job);
                of_thread.queued.fetch_sub(1, Ordering::SeqCst);
            });
        };
        let thread = thread::Builder::new().name("vault writer".into()).spawn(work);
        Ok(Self { one, jobs, thread: thread.at("start the vault's writer")? })
    }

    /// Waits for every job that was sent, checkpoints, and closes the connection.
    fn finish(self) -> Result<(), StoreError> {
        let (answer, answered) = mpsc::sync_channel(1);
        let last: Job = Box::new(move |connection| drop(answer.send(checkpoint(connection))));
        let sent = self.one.send(&self.jobs, last);
        drop(self.jobs);
        let ended = self.thread.join();
        match (sent, ended) {
            (Ok(()), Ok(())) => answered.recv().unwrap_or(Err(StoreError::Panicked)),
            _ => Err(StoreError::Panicked),
        }
    }
}

impl One {
    fn with<R>(&self, f: impl FnOnce(&mut Connection) -> R) -> R {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        self.taken(Some(thread::current().id()));
        let result = f(&mut connection);
        self.taken(None);
        result
    }

    fn send(&self, jobs: &Sender<Job>, job: Job) -> Result<(), StoreError> {
        self.queued.fetch_add(1, Ordering::SeqCst);
        jobs.send(job).map_err(|_| StoreError::Suspended)
    }

    fn taken(&self, by: Option<ThreadId>) {
        *self.taken_by.lock().unwrap_or_else(PoisonError::into_inner) = by;
    }

    /// True for whoever is inside a transaction.
    fn is_mine(&self) -> bool {
        *self.taken_by.lock().unwrap_or_else(PoisonError::into_inner) == Some(thread::current().id())
    }
}

/// The writer on loan: no suspending meanwhile.
struct WriterOut<'v> {
    vault: &'v Vault,
    one: Option<Arc<One>>,
}

impl Deref for WriterOut<'_> {
    type Target = One;

    fn deref(&self) -> &One {
        self.one.as_ref().expect("there until this is dropped")
    }
}

impl Drop for WriterOut<'_> {
    fn drop(&mut self) {
        let mut gate = self.vault.gate();
        gate.writers_out -= 1;
        // Whoever waits to suspend closes the connection, and is not to find it in use here.
        self.one = None;
        self.vault.gate_changed.notify_all();
    }
}

/// A connection on loan; it goes back when this is dropped, also by a panic.
struct Reader<'v> {
    vault: &'v Vault,
    connection: Option<Connection>,
}

impl Reader<'_> {
    fn connection(&self) -> &Connection {
        self.connection.as_ref().expect("set before the reader is handed out")
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut gate = self.vault.gate();
        gate.readers_out -= 1;
        match (&mut gate.open, self.connection.take()) {
            (Some(open), Some(connection)) => open.readers.push(connection),
            // Suspending: close it before whoever waits is woken.
            (_, connection) => drop(connection),
        }
        self.vault.gate_changed.notify_all();
    }
}

fn open_reader(database: &Database, key: &str) -> Result<Connection, StoreError> {
    let connection = database.another(Some(key))?;
    connection.pragma_update(None, "query_only", true).at("open a reader")?;
    Ok(connection)
}

fn read_with<R>(
    connection: &Connection,
    f: impl FnOnce(&VaultRead<'_>) -> Result<R, StoreError>,
) -> Result<R, StoreError> {
    let _transaction = Transaction::begin(connection, "BEGIN").at("begin to read")?;
    f(&VaultRead { connection })
}

fn transact<R>(
    connection: &Connection,
    beside_entries: &AtomicU64,
    f: impl FnOnce(&VaultTx<'_>) -> Result<R, StoreError>,
) -> Result<R, StoreError> {
    let work = || {
        let transaction = Transaction::begin(connection, "BEGIN IMMEDIATE").at("begin a transaction")?;
        let tx = VaultTx::new(connection);
        let result = f(&tx)?;
        transaction.commit().at("commit a transaction")?;
        // After the commit: whoever sees a new number can read what it counts.
        beside_entries.fetch_add(u64::from(tx.beside_entries.get()), Ordering::SeqCst);
        Ok(result)
    };
    work().map_err(|error| or_full(connection, error))
}

/// One transaction; taken back when it is dropped. Unlike rusqlite's, its statements are prepared once: a save begins half a
/// dozen.
struct Transaction<'c>(&'c Connection);

impl<'c> Transaction<'c> {
    fn begin(connection: &'c Connection, how: &str) -> rusqlite::Result<Self> {
        connection.prepare_cached(how)?.execute([])?;
        Ok(Self(connection))
    }

    fn commit(self) -> rusqlite::Result<()> {
        self.0.prepare_cached("COMMIT")?.execute([]).map(drop)
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // After a commit, and after an error for which SQLite has taken it back itself, there is none.
        if !self.0.is_autocommit() {
            let _ = self.0.prepare_cached("ROLLBACK").and_then(|mut statement| statement.execute([]));
        }
    }
}

fn panicked<R>(_: Box<dyn Any + Send>) -> Result<R, StoreError> {
    Err(StoreError::Panicked)
}
