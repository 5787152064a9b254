//! What tests hold in their hands: a clock, chance, a key store.

pub mod cast;
pub mod look;
pub mod pages;
pub mod plans;
pub mod sim;
#[cfg(unix)]
pub mod vfs;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use bedside_protocol::ids::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use zeroize::Zeroizing;

use crate::ports::{Clock, Entropy, KeyStore, KeyStoreError};

/// The same chance for the same seed.
pub struct SeededEntropy(Mutex<ChaCha20Rng>);

impl SeededEntropy {
    /// Chance from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, out: &mut [u8]) {
        self.0.lock().expect("no thread panics while it holds this").fill_bytes(out);
    }
}

/// A clock that stands until it is moved.
#[derive(Debug, Default)]
pub struct HeldClock(AtomicU64);

impl HeldClock {
    /// A clock that shows this moment.
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self(AtomicU64::new(now.0))
    }

    /// Shows another moment, earlier or later.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::SeqCst);
    }

    /// Goes on by so many milliseconds.
    pub fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for HeldClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// A key store that is gone when it is dropped.
#[derive(Default)]
pub struct MemoryKeyStore(Mutex<BTreeMap<String, Zeroizing<Vec<u8>>>>);

impl MemoryKeyStore {
    /// Another one with the same secrets.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(Mutex::new(self.0.lock().expect("no thread panics while it holds this").clone()))
    }
}

impl KeyStore for MemoryKeyStore {
    fn load(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyStoreError> {
        Ok(self.0.lock().expect("no thread panics while it holds this").get(name).cloned())
    }

    fn save(&self, name: &str, secret: &[u8]) -> Result<(), KeyStoreError> {
        let secret = Zeroizing::new(secret.to_vec());
        self.0.lock().expect("no thread panics while it holds this").insert(name.to_owned(), secret);
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), KeyStoreError> {
        self.0.lock().expect("no thread panics while it holds this").remove(name);
        Ok(())
    }
}
