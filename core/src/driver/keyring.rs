//! `vault.keys`: the vault key, wrapped by each person's PIN, and how often the PIN was wrong.
//!
//! A wrap needs the PIN and the device secret that the platform's key store keeps, so a copy of this file alone cannot be
//! guessed at. A try is counted, durably, before it is made: pulling the battery gains nothing. After
//! [`PIN_FREE_ATTEMPTS`] wrong PINs every further one has to wait, and after the last wait the wraps are destroyed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bedside_protocol::cbor;
use bedside_protocol::ids::Timestamp;
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use crate::crypto::vault_key::{PinWrap, VaultKey};
use crate::crypto::{CryptoError, PinCost};
use crate::limits::{PIN_DELAYS_MS, PIN_FREE_ATTEMPTS, PIN_LENGTH_MAX, PIN_LENGTH_MIN};
use crate::ports::{Entropy, KeyStore, KeyStoreError};

/// Name of the file in a profile's directory.
pub const FILE: &str = "vault.keys";
/// Name of the device secret in the platform's key store.
const DEVICE_SECRET: &str = "device-secret";

/// The wraps of one device.
pub struct Keyring {
    path: PathBuf,
    content: Content,
}

#[derive(Clone, Encode, Decode)]
#[cbor(map)]
struct Content {
    #[n(0)]
    version: u8,
    #[cbor(n(1), with = "minicbor::bytes")]
    check: [u8; 32],
    #[n(2)]
    wraps: Vec<PinWrap>,
    #[n(3)]
    wrong: u32,
    #[n(4)]
    not_before: Timestamp,
}

/// Why the vault key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// There is no `vault.keys` here.
    #[error("there is no vault here")]
    NotFound,
    /// The PIN is too short or too long.
    #[error("a PIN has {PIN_LENGTH_MIN} to {PIN_LENGTH_MAX} characters")]
    PinLength,
    /// The PIN is wrong.
    #[error("the PIN is wrong; {left} more tries")]
    WrongPin {
        /// Tries left before the wraps are destroyed.
        left: u32,
        /// When the next try is looked at.
        not_before: Option<Timestamp>,
    },
    /// Too early for another try.
    #[error("too early for another PIN")]
    TooEarly {
        /// When.
        until: Timestamp,
    },
    /// There are no wraps any more.
    #[error("the vault's keys were destroyed after too many wrong PINs")]
    Destroyed,
    /// The platform's key store has lost the device secret: no PIN opens the vault.
    #[error("the platform's key store has lost this device's secret")]
    DeviceSecretLost,
    /// The file cannot be read.
    #[error("the key file is damaged")]
    Damaged,
    /// The file was written by a newer version.
    #[error("the key file was written by a newer version")]
    Newer,
    /// The platform's key store failed.
    #[error("the platform's key store failed")]
    KeyStore(#[from] KeyStoreError),
    /// The key cannot be derived.
    #[error("the PIN cannot be tried")]
    Crypto(#[source] CryptoError),
    /// The file cannot be written.
    #[error("the key file cannot be {step}")]
    Io {
        /// Read, written or moved.
        step: &'static str,
        /// The operating system's word.
        #[source]
        source: io::Error,
    },
}

impl Keyring {
    /// Makes a vault key and wraps it by a PIN.
    pub fn create(
        dir: &Path,
        pin: &str,
        cost: PinCost,
        key_store: &dyn KeyStore,
        entropy: &dyn Entropy,
    ) -> Result<(Self, VaultKey), KeyringError> {
        check_length(pin)?;
        let mut secret = Zeroizing::new([0; 32]);
        entropy.fill(secret.as_mut_slice());
        key_store.save(DEVICE_SECRET, secret.as_slice())?;
        let key = VaultKey::generate(entropy);
        let wrap = PinWrap::seal(pin, &secret, &key, cost, entropy).map_err(KeyringError::Crypto)?;
        let content = Content {
            version: 1,
            check: key.check_value(),
            wraps: vec![wrap],
            wrong: 0,
            not_before: Timestamp(0),
        };
        let keyring = Self { path: dir.join(FILE), content };
        keyring.save()?;
        Ok((keyring, key))
    }

    /// Reads the file.
    pub fn open(dir: &Path) -> Result<Self, KeyringError> {
        let path = dir.join(FILE);
        let bytes = fs::read(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => KeyringError::NotFound,
            _ => KeyringError::Io { step: "read", source },
        })?;
        let content: Content = cbor::decode(&bytes).map_err(|_| KeyringError::Damaged)?;
        if content.version != 1 {
            return Err(KeyringError::Newer);
        }
        Ok(Self { path, content })
    }

    /// Tries a PIN.
    pub fn unlock(
        &mut self,
        pin: &str,
        now: Timestamp,
        key_store: &dyn KeyStore,
    ) -> Result<VaultKey, KeyringError> {
        if self.content.wraps.is_empty() {
            return Err(KeyringError::Destroyed);
        }
        if self.content.wrong >= tries_max() {
            // The battery was pulled at the last try, after it was counted: that try was made.
            return Err(self.destroy(key_store)?);
        }
        if now < self.content.not_before {
            // A clock that was set back must not lock its owner out for longer than the longest delay.
            let longest = PIN_DELAYS_MS[PIN_DELAYS_MS.len() - 1];
            if self.content.not_before.since(now) <= longest {
                return Err(KeyringError::TooEarly { until: self.content.not_before });
            }
        }
        let secret = key_store.load(DEVICE_SECRET)?.ok_or(KeyringError::DeviceSecretLost)?;
        let secret: &[u8; 32] = secret.as_slice().try_into().map_err(|_| KeyringError::DeviceSecretLost)?;
        let before = (self.content.wrong, self.content.not_before);
        self.count_wrong(now)?;
        for wrap in self.content.wraps.clone() {
            match wrap.open(pin, secret) {
                Ok(key) => {
                    self.content.wrong = 0;
                    self.content.not_before = Timestamp(0);
                    self.save()?;
                    return Ok(key);
                }
                Err(CryptoError::WrongPin) => {}
                Err(other) => {
                    (self.content.wrong, self.content.not_before) = before;
                    self.save()?;
                    return Err(KeyringError::Crypto(other));
                }
            }
        }
        let left = tries_max().saturating_sub(self.content.wrong);
        if left == 0 {
            return Err(self.destroy(key_store)?);
        }
        let not_before = (self.content.not_before > now).then_some(self.content.not_before);
        Err(KeyringError::WrongPin { left, not_before })
    }

    fn destroy(&mut self, key_store: &dyn KeyStore) -> Result<KeyringError, KeyringError> {
        self.content.wraps.clear();
        self.save()?;
        key_store.delete(DEVICE_SECRET)?;
        Ok(KeyringError::Destroyed)
    }

    fn count_wrong(&mut self, now: Timestamp) -> Result<(), KeyringError> {
        self.content.wrong += 1;
        let delay = self.content.wrong.checked_sub(PIN_FREE_ATTEMPTS).map_or(0, |late| {
            PIN_DELAYS_MS.get(late as usize).copied().unwrap_or(PIN_DELAYS_MS[PIN_DELAYS_MS.len() - 1])
        });
        self.content.not_before = if delay == 0 { Timestamp(0) } else { now.plus_ms(delay) };
        self.save()
    }

    /// Wraps the vault key by another PIN instead. When that cannot be kept, the old PIN stays.
    pub fn change_pin(
        &mut self,
        pin: &str,
        key: &VaultKey,
        cost: PinCost,
        key_store: &dyn KeyStore,
        entropy: &dyn Entropy,
    ) -> Result<(), KeyringError> {
        check_length(pin)?;
        let secret = key_store.load(DEVICE_SECRET)?.ok_or(KeyringError::DeviceSecretLost)?;
        let secret: &[u8; 32] = secret.as_slice().try_into().map_err(|_| KeyringError::DeviceSecretLost)?;
        let wrap = PinWrap::seal(pin, secret, key, cost, entropy).map_err(KeyringError::Crypto)?;
        let before = std::mem::replace(&mut self.content.wraps, vec![wrap]);
        self.save().inspect_err(|_| self.content.wraps = before)
    }

    /// True when this is the vault's key; tells a wrong key from a damaged file.
    #[must_use]
    pub fn fits(&self, key: &VaultKey) -> bool {
        self.content.check == key.check_value()
    }

    fn save(&self) -> Result<(), KeyringError> {
        write_atomically(&self.path, &cbor::encode(&self.content))
            .map_err(|source| KeyringError::Io { step: "written", source })
    }
}

const fn tries_max() -> u32 {
    PIN_FREE_ATTEMPTS + PIN_DELAYS_MS.len() as u32
}

fn check_length(pin: &str) -> Result<(), KeyringError> {
    if (PIN_LENGTH_MIN..=PIN_LENGTH_MAX).contains(&pin.chars().count()) {
        Ok(())
    } else {
        Err(KeyringError::PinLength)
    }
}

/// Replaces a file so that after a crash it is the old one or the new one, whole.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    if let Some(dir) = path.parent() {
        File::open(dir)?.sync_all()?;
    }
    Ok(())
}

/// Makes a directory that only its owner looks into.
pub(crate) fn private_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{MemoryKeyStore, SeededEntropy};

    const PIN: &str = "271828";

    fn keyring() -> (tempfile::TempDir, MemoryKeyStore, Keyring) {
        let dir = tempfile::tempdir().unwrap();
        let key_store = MemoryKeyStore::default();
        let (keyring, _) =
            Keyring::create(dir.path(), PIN, PinCost::FOR_TESTS, &key_store, &SeededEntropy::new(1)).unwrap();
        (dir, key_store, keyring)
    }

    #[test]
    fn the_right_pin_opens_and_forgives_the_wrong_ones_before_it() {
        let (dir, key_store, mut keyring) = keyring();
        for left in [9, 8, 7, 6] {
            let wrong = keyring.unlock("000000", Timestamp(1), &key_store);
            assert!(matches!(wrong, Err(KeyringError::WrongPin { left: l, not_before: None }) if l == left));
        }
        let key = keyring.unlock(PIN, Timestamp(1), &key_store).unwrap();
        assert!(Keyring::open(dir.path()).unwrap().fits(&key));
        assert!(matches!(
            keyring.unlock("000000", Timestamp(1), &key_store),
            Err(KeyringError::WrongPin { left: 9, .. })
        ));
    }

    #[test]
    fn after_five_wrong_pins_each_waits_longer_and_after_ten_the_keys_are_gone() {
        let (dir, key_store, mut keyring) = keyring();
        let mut now = Timestamp(1_000);
        for _ in 0..4 {
            assert!(keyring.unlock("000000", now, &key_store).is_err());
        }
        for delay in PIN_DELAYS_MS {
            let wrong = keyring.unlock("000000", now, &key_store);
            assert!(
                matches!(wrong, Err(KeyringError::WrongPin { not_before: Some(at), .. }) if at == now.plus_ms(delay))
            );
            let early = Keyring::open(dir.path()).unwrap().unlock(PIN, now.plus_ms(delay - 1), &key_store);
            assert!(
                matches!(early, Err(KeyringError::TooEarly { .. })),
                "a restart does not shorten the wait"
            );
            now = now.plus_ms(delay);
        }
        assert!(matches!(keyring.unlock("000000", now, &key_store), Err(KeyringError::Destroyed)));
        assert!(matches!(
            Keyring::open(dir.path()).unwrap().unlock(PIN, now, &key_store),
            Err(KeyringError::Destroyed)
        ));
        assert!(key_store.load(DEVICE_SECRET).unwrap().is_none());
    }

    #[test]
    fn a_battery_pulled_at_the_last_try_gains_nothing() {
        let (dir, key_store, mut keyring) = keyring();
        keyring.content.wrong = tries_max();
        keyring.save().unwrap();
        let again = Keyring::open(dir.path()).unwrap().unlock(PIN, Timestamp(1), &key_store);
        assert!(matches!(again, Err(KeyringError::Destroyed)));
        assert!(key_store.load(DEVICE_SECRET).unwrap().is_none());
    }

    #[test]
    fn the_file_alone_without_the_key_store_opens_with_no_pin() {
        let (_dir, _, mut keyring) = keyring();
        let other = MemoryKeyStore::default();
        assert!(matches!(keyring.unlock(PIN, Timestamp(1), &other), Err(KeyringError::DeviceSecretLost)));
        other.save(DEVICE_SECRET, &[9; 32]).unwrap();
        assert!(matches!(keyring.unlock(PIN, Timestamp(1), &other), Err(KeyringError::WrongPin { .. })));
    }

    #[test]
    fn a_new_pin_that_cannot_be_kept_leaves_the_old_one() {
        let (dir, key_store, mut keyring) = keyring();
        let key = keyring.unlock(PIN, Timestamp(1), &key_store).unwrap();
        // Nothing can be written where the new file would be.
        let beside = dir.path().join(FILE).with_extension("new");
        fs::create_dir(&beside).unwrap();
        let change = |keyring: &mut Keyring| {
            keyring.change_pin("314159", &key, PinCost::FOR_TESTS, &key_store, &SeededEntropy::new(2))
        };
        assert!(matches!(change(&mut keyring), Err(KeyringError::Io { .. })));
        fs::remove_dir(&beside).unwrap();
        keyring.unlock(PIN, Timestamp(1), &key_store).unwrap();
        Keyring::open(dir.path()).unwrap().unlock(PIN, Timestamp(1), &key_store).unwrap();
        change(&mut keyring).unwrap();
        assert!(matches!(
            Keyring::open(dir.path()).unwrap().unlock(PIN, Timestamp(1), &key_store),
            Err(KeyringError::WrongPin { .. })
        ));
    }

    #[test]
    fn a_short_pin_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let made = Keyring::create(
            dir.path(),
            "12345",
            PinCost::FOR_TESTS,
            &MemoryKeyStore::default(),
            &SeededEntropy::new(1),
        );
        assert!(matches!(made, Err(KeyringError::PinLength)));
    }
}
