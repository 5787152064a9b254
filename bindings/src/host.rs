//! What the platform gives: a place for secrets. Clock and randomness are the operating system's.

use std::sync::Arc;

use bedside_core::api::{self, FileKeyStore, Host};
use zeroize::Zeroizing;

use crate::language::language;

/// Where a platform keeps secrets. Three names are used: `device-secret` and `remembered-vault-key` are needed to unlock only,
/// and may ask the person to prove who they are; `transport-key` is needed while the screen is locked, to sync.
///
/// Called from the thread that made the call into this library. May be called from several at once.
#[uniffi::export(with_foreign)]
pub trait KeyStore: Send + Sync {
    /// The secret of this name; none when there is none.
    fn load(&self, name: String) -> Result<Option<Vec<u8>>, KeyStoreError>;
    /// Keeps a secret durably, replacing one of the same name.
    fn save(&self, name: String, secret: Vec<u8>) -> Result<(), KeyStoreError>;
    /// Forgets a secret; no error when there is none.
    fn delete(&self, name: String) -> Result<(), KeyStoreError>;
}

/// The platform's key store did not do what it was asked.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum KeyStoreError {
    /// It cannot be used now: the screen is locked, or the person did not prove who they are.
    #[error("{why}")]
    Unavailable {
        /// What the platform says.
        why: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for KeyStoreError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Unavailable { why: error.reason }
    }
}

impl From<KeyStoreError> for api::KeyStoreError {
    fn from(error: KeyStoreError) -> Self {
        Self(error.to_string())
    }
}

impl From<api::KeyStoreError> for KeyStoreError {
    fn from(error: api::KeyStoreError) -> Self {
        Self::Unavailable { why: error.to_string() }
    }
}

/// A key store of a desktop: files that only their owner reads, in a directory. Weaker than a phone's.
#[uniffi::export]
pub fn file_key_store(directory: String) -> Arc<dyn KeyStore> {
    Arc::new(InFiles(FileKeyStore::new(directory.as_ref())))
}

struct InFiles(FileKeyStore);

impl KeyStore for InFiles {
    fn load(&self, name: String) -> Result<Option<Vec<u8>>, KeyStoreError> {
        Ok(api::KeyStore::load(&self.0, &name)?.map(|secret| secret.to_vec()))
    }

    fn save(&self, name: String, secret: Vec<u8>) -> Result<(), KeyStoreError> {
        Ok(api::KeyStore::save(&self.0, &name, &Zeroizing::new(secret))?)
    }

    fn delete(&self, name: String) -> Result<(), KeyStoreError> {
        Ok(api::KeyStore::delete(&self.0, &name)?)
    }
}

struct Platform(Arc<dyn KeyStore>);

impl api::KeyStore for Platform {
    fn load(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, api::KeyStoreError> {
        Ok(self.0.load(name.to_owned())?.map(Zeroizing::new))
    }

    fn save(&self, name: &str, secret: &[u8]) -> Result<(), api::KeyStoreError> {
        Ok(self.0.save(name.to_owned(), secret.to_vec())?)
    }

    fn delete(&self, name: &str) -> Result<(), api::KeyStoreError> {
        Ok(self.0.delete(name.to_owned())?)
    }
}

pub(crate) fn host(key_store: Arc<dyn KeyStore>) -> Host {
    Host { language: Arc::clone(language()), ..Host::with_key_store(Arc::new(Platform(key_store))) }
}
