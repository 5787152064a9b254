//! Connections that only read, so that a comparison or a live stream never waits for the writer, nor the writer for it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bedside_protocol::problem::{Problem, ProblemKind};
use tokio::sync::Semaphore;

use crate::limits::READERS_MAX;
use crate::storage::Storage;
use crate::storage::sqlite::SqliteStorage;

pub(super) struct Readers {
    path: PathBuf,
    idle: Arc<Mutex<Vec<SqliteStorage>>>,
    short: Arc<Semaphore>,
    long: Arc<Semaphore>,
}

/// How long a reading may take.
#[derive(Clone, Copy)]
pub(super) enum Reading {
    /// A few rows.
    Short,
    /// Everything that a device may read.
    Long,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        let slots = || Arc::new(Semaphore::new(READERS_MAX / 2));
        Self { path, idle: Arc::default(), short: slots(), long: slots() }
    }

    /// Reads from one snapshot.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        reading: Reading,
        run: impl FnOnce(&SqliteStorage) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let slots = match reading {
            Reading::Short => &self.short,
            Reading::Long => &self.long,
        };
        let slot = slots.clone().acquire_owned().await.expect("the semaphore is never closed");
        let (path, idle) = (self.path.clone(), self.idle.clone());
        let work = move || {
            let _slot = slot;
            let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let storage = match kept {
                Some(storage) => storage,
                None => SqliteStorage::open_reader(&path).map_err(|error| {
                    tracing::error!(%error, "a reader could not be opened");
                    ProblemKind::Unavailable.because("the relay cannot read at the moment")
                })?,
            };
            storage.savepoint()?;
            let outcome = run(&storage);
            storage.roll_back()?;
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(storage);
            outcome
        };
        let failed = |_| ProblemKind::Internal.because("a reading could not be finished");
        tokio::task::spawn_blocking(work).await.map_err(failed)?
    }
}
