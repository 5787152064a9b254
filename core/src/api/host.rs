//! A desktop as the host: the operating system's clock and randomness, secrets in a directory only its owner reads.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::crypto::PinCost;
use crate::crypto::entropy::SystemEntropy;
use crate::driver::device::Host;
use crate::driver::keyring::{private_directory, write_atomically};
use crate::ports::{KeyStore, KeyStoreError, SystemClock};
use crate::store::OpenOptions;

/// Secrets as files of mode 0600 in a directory of mode 0700.
///
/// Weaker than a phone's key store: whoever reads the owner's files reads these, and is then left with guessing the PIN.
pub struct FileKeyStore {
    dir: PathBuf,
}

/// The host of a program on a desktop; `keys` is the directory of its [`FileKeyStore`].
#[must_use]
pub fn desktop_host(keys: &Path) -> Host {
    Host::with_key_store(Arc::new(FileKeyStore::new(keys)))
}

impl Host {
    /// The operating system's clock and randomness, and the platform's key store.
    #[must_use]
    pub fn with_key_store(key_store: Arc<dyn KeyStore>) -> Self {
        Self {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy::new()),
            key_store,
            pin_cost: PinCost::STANDARD,
            language: Arc::default(),
            files: OpenOptions::default(),
        }
    }

    /// [`desktop_host`].
    #[must_use]
    pub fn desktop(keys: &Path) -> Self {
        desktop_host(keys)
    }
}

impl FileKeyStore {
    /// Secrets in this directory, which is made with the first of them.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.key"))
    }
}

impl KeyStore for FileKeyStore {
    fn load(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyStoreError> {
        match fs::read(self.path(name)) {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(KeyStoreError(error.to_string())),
        }
    }

    fn save(&self, name: &str, secret: &[u8]) -> Result<(), KeyStoreError> {
        let saved = private_directory(&self.dir).and_then(|()| write_atomically(&self.path(name), secret));
        saved.map_err(|error| KeyStoreError(error.to_string()))
    }

    fn delete(&self, name: &str) -> Result<(), KeyStoreError> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(KeyStoreError(error.to_string())),
            _ => Ok(()),
        }
    }
}
