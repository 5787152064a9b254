//! The data directory: one database, one lock.

use std::fs::File;
use std::path::{Path, PathBuf};

use bedside_protocol::ids::Timestamp;
use fs4::TryLockError;

use crate::rules::{Relay, Rng};
use crate::storage::sqlite::{OpenError, SqliteStorage};
use crate::storage::{Storage, StorageError, companions, sync_file};

/// A data directory.
#[derive(Clone, Debug)]
pub struct DataDir(PathBuf);

/// Held while a process may write in the directory.
pub struct DataLock {
    _file: File,
}

/// What went wrong with the directory or a copy of its database.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The directory cannot be made or used.
    #[error("cannot use the data directory {path}")]
    Directory {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Another process has the lock.
    #[error("another relay is using the data directory {path}; stop it first, or give another directory")]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// The target of a backup is there.
    #[error("{path} is there already; give a new file name")]
    Exists {
        /// Which file.
        path: PathBuf,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database refused.
    #[error("the database refused")]
    Storage(#[from] StorageError),
    /// The copy is damaged.
    #[error("{path} is damaged and was not restored: {first}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// The first of its faults.
        first: String,
    },
    /// Files could not be moved.
    #[error("cannot put the restored database in place")]
    Place(#[source] std::io::Error),
}

impl DataDir {
    /// Names a directory.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The database file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.0.join("relay.db")
    }

    /// Makes the directory if need be and takes its lock.
    pub fn lock(&self) -> Result<DataLock, DataError> {
        let directory = |source| DataError::Directory { path: self.0.clone(), source };
        private_directory(&self.0).map_err(directory)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.0.join("relay.lock"))
            .map_err(directory)?;
        match fs4::FileExt::try_lock(&file) {
            Ok(()) => Ok(DataLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(DataError::InUse { path: self.0.clone() }),
            Err(TryLockError::Error(source)) => Err(directory(source)),
        }
    }

    /// Opens the database for reading, beside a running relay.
    pub fn reader(&self) -> Result<SqliteStorage, DataError> {
        Ok(SqliteStorage::open_reader(&self.database())?)
    }

    /// Writes a consistent copy to a new file, beside a running relay.
    pub fn back_up(&self, to: &Path) -> Result<(), DataError> {
        if to.exists() {
            return Err(DataError::Exists { path: to.to_owned() });
        }
        Ok(self.reader()?.back_up(to)?)
    }

    /// Puts a copy in place of the database and begins a new epoch. What was there is moved aside and named in the answer.
    pub fn restore(
        &self,
        from: &Path,
        now: Timestamp,
        rng: &mut Rng<'_>,
    ) -> Result<Option<PathBuf>, DataError> {
        let _lock = self.lock()?;
        let copy = SqliteStorage::open_reader(from)?;
        if let Some(first) = copy.faults()?.into_iter().next() {
            return Err(DataError::Damaged { path: from.to_owned(), first });
        }
        let fresh = self.0.join("relay.db.restoring");
        for path in companions(&fresh).iter().chain([&fresh]) {
            remove_if_there(path).map_err(DataError::Place)?;
        }
        copy.back_up(&fresh)?;
        let root = copy.meta()?.root;
        let mut relay = Relay::open(&fresh, root, rng)?;
        relay.draw_epoch(rng)?;
        relay.storage().checkpoint()?;
        drop(relay);
        sync_file(&fresh).map_err(DataError::Place)?;
        let aside = self.move_aside(now).map_err(DataError::Place)?;
        std::fs::rename(&fresh, self.database()).map_err(DataError::Place)?;
        sync_file(&self.database()).map_err(DataError::Place)?;
        Ok(aside)
    }

    fn move_aside(&self, now: Timestamp) -> std::io::Result<Option<PathBuf>> {
        let database = self.database();
        if !database.exists() {
            return Ok(None);
        }
        let aside = self.0.join(format!("relay.db.replaced-{}", now.0));
        for (from, to) in companions(&database).iter().zip(&companions(&aside)) {
            if from.exists() {
                std::fs::rename(from, to)?;
            }
        }
        std::fs::rename(&database, &aside)?;
        Ok(Some(aside))
    }
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Only the account that runs the relay looks inside: what is there is sealed, and who is enrolled is not.
fn private_directory(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use bedside_protocol::wire::SyncRequest;

    use super::*;
    use crate::testkit::{World, device, log, organisation, root, sealed};

    fn rng(seed: u8) -> impl FnMut(&mut [u8]) {
        move |buffer| buffer.fill(seed)
    }

    #[test]
    fn a_second_process_is_told_that_the_directory_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path().join("new"));
        let held = data.lock().unwrap();
        assert!(matches!(data.lock(), Err(DataError::InUse { .. })));
        drop(held);
        assert!(data.lock().is_ok());
    }

    #[test]
    fn a_backup_taken_while_running_is_restored_under_a_new_epoch() {
        let folder = tempfile::tempdir().unwrap();
        let (data, copy) = (DataDir::new(folder.path()), folder.path().join("copy.db"));
        let hospice = organisation("hospice");
        let mut ann = device("ann", bedside_protocol::statement::Role::Nurse, &hospice);
        let mut world = World::open(&data.database(), 1);
        world.sign_in(&ann);
        let founding = ann.access(log("plan"), hospice.principal(), true, true);
        let entries = vec![sealed(log("plan"), "a").into()];
        let request = SyncRequest { statements: vec![founding.into()], entries, ..Default::default() };
        world.sync(&mut ann, request);
        data.back_up(&copy).unwrap();
        assert!(matches!(data.back_up(&copy), Err(DataError::Exists { .. })));
        world.sync(
            &mut ann,
            SyncRequest { entries: vec![sealed(log("plan"), "b").into()], ..Default::default() },
        );
        let epoch = world.relay.epoch();
        drop(world);
        let aside = data.restore(&copy, Timestamp(5), &mut rng(7)).unwrap().unwrap();
        assert_eq!(SqliteStorage::open_reader(&aside).unwrap().totals().unwrap().entries, 2);
        let mut world = World::open(&data.database(), 1);
        assert_eq!(world.relay.storage().totals().unwrap().entries, 1);
        assert_ne!(world.relay.epoch(), epoch);
        assert!(world.sync(&mut ann, SyncRequest::default()).reset);
    }

    #[test]
    fn damage_is_found_and_not_restored() {
        let folder = tempfile::tempdir().unwrap();
        let (data, copy) = (DataDir::new(folder.path()), folder.path().join("copy.db"));
        let hospice = organisation("hospice");
        let ann = device("ann", bedside_protocol::statement::Role::Nurse, &hospice);
        let mut world = World::open(&data.database(), 1);
        world.sign_in(&ann);
        assert_eq!(world.relay.storage().faults().unwrap(), Vec::<String>::new());
        data.back_up(&copy).unwrap();
        let raw = std::fs::read(&copy).unwrap();
        let name = raw.windows(7).rposition(|w| w == b"hospice").unwrap();
        let mut raw = raw;
        raw[name] ^= 1;
        std::fs::write(&copy, raw).unwrap();
        drop(world);
        let refused = data.restore(&copy, Timestamp(5), &mut rng(7));
        assert!(matches!(refused, Err(DataError::Damaged { .. })));
        assert!(Relay::open(&data.database(), root(), &mut rng(1)).is_ok(), "what was there is still there");
    }

    #[test]
    fn other_peoples_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        assert!(matches!(data.reader(), Err(DataError::Open(OpenError::Missing { .. }))));
        std::fs::write(data.database(), b"a letter to my aunt, long enough to be a file of its own").unwrap();
        assert!(Relay::open(&data.database(), root(), &mut rng(1)).is_err());
        std::fs::remove_file(data.database()).unwrap();
        drop(Relay::open(&data.database(), root(), &mut rng(1)).unwrap());
        let other = Relay::open(&data.database(), [9; 32], &mut rng(1));
        assert!(matches!(other, Err(OpenError::OtherNetwork { .. })));
    }
}
