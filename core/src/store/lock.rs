//! A file lock: one process at a time, released by the system when the process ends.
//!
//! By `fs4` and not by `std::fs::File::lock`, which on Android is unsupported.

use std::fs::{File, OpenOptions};
use std::path::Path;

use fs4::{FileExt, TryLockError};

use super::error::{At as _, StoreError};

const STEP: &str = "lock the profile directory";

/// Held until dropped. The file itself stays.
pub(super) struct FileLock {
    file: File,
}

impl FileLock {
    /// Takes the lock, or says at once that somebody has it.
    pub(super) fn try_take(path: &Path) -> Result<Self, StoreError> {
        let file = open(path)?;
        match FileExt::try_lock(&file) {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse),
            Err(TryLockError::Error(error)) => Err(error).at(STEP),
        }
    }

    /// Takes the lock, waiting for whoever has it.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let file = open(path)?;
        FileExt::lock(&file).at(STEP)?;
        Ok(Self { file })
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing the file releases the lock as well.
        let _ = FileExt::unlock(&self.file);
    }
}

fn open(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).at(STEP)
}
