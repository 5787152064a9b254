//! What the host gives: time, chance, a place for secrets, and a language. Everything else the core does itself.

use std::sync::{Arc, PoisonError, RwLock};

use bedside_protocol::ids::Timestamp;
use zeroize::Zeroizing;

use crate::plan::locale::Locale;

/// The device's clock. It may be wrong; nothing is decided by it alone.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Cryptographically secure randomness.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, out: &mut [u8]);
}

/// Where a platform keeps secrets: Android Keystore, iOS Keychain, a file on a desktop.
pub trait KeyStore: Send + Sync {
    /// The secret of this name; `None` when there is none.
    fn load(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyStoreError>;
    /// Keeps a secret durably, replacing one of the same name.
    fn save(&self, name: &str, secret: &[u8]) -> Result<(), KeyStoreError>;
    /// Forgets a secret; no error when there is none.
    fn delete(&self, name: &str) -> Result<(), KeyStoreError>;
}

/// The language that everything is said in: British English until the host speaks another. A platform's language changes while
/// an app runs, and so may this.
pub struct Language(RwLock<Arc<Locale>>);

impl Language {
    /// From now on everything is said in this language.
    pub fn speak(&self, locale: Arc<Locale>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = locale;
    }

    /// The language that is spoken now.
    #[must_use]
    pub fn locale(&self) -> Arc<Locale> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for Language {
    fn default() -> Self {
        Self(RwLock::new(Arc::clone(Locale::british_english())))
    }
}

/// The platform's key store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("the platform's key store failed: {0}")]
pub struct KeyStoreError(pub String);

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}
