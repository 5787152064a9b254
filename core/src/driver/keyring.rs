//! `vault.keys`: the vault key, wrapped by the PIN of each identity on this device, and how often each PIN was wrong.
//!
//! A wrap needs the PIN and the device secret that the platform's key store keeps, so a copy of this file alone cannot be
//! guessed at. A try is counted, durably, before it is made: pulling the battery gains nothing. After
//! [`PIN_FREE_ATTEMPTS`] wrong PINs every further one has to wait, and after the last wait that identity's wrap is destroyed.
//! The tries of one identity are nobody else's: a forgotten PIN locks no colleague out.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bedside_protocol::cbor;
use bedside_protocol::ids::Timestamp;
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use crate::crypto::vault_key::{OwnKey, PinWrap, Unlocked, VaultKey};
use crate::crypto::{CryptoError, PinCost};
use crate::limits::{
    IDENTITIES_MAX, LABEL_CHARS_MAX, PIN_DELAYS_MS, PIN_FREE_ATTEMPTS, PIN_LENGTH_MAX, PIN_LENGTH_MIN,
};
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

/// Names an identity on this device, before and after enrolment, to nobody but this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct Slot(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; Slot::LEN]);

/// One identity of the device, as it is known while the device is locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Which one.
    pub slot: Slot,
    /// What it is called on this device; empty for the first one until it is named. Kept in clear.
    pub label: String,
    /// False when its keys were destroyed after too many wrong PINs.
    pub can_unlock: bool,
}

#[derive(Clone, Encode, Decode)]
#[cbor(map)]
struct Content {
    #[n(0)]
    version: u8,
    #[cbor(n(1), with = "minicbor::bytes")]
    check: [u8; 32],
    #[n(2)]
    holders: Vec<Holder>,
}

/// Who has a PIN here.
#[derive(Clone, Encode, Decode)]
#[cbor(map)]
struct Holder {
    #[n(0)]
    slot: Slot,
    #[n(1)]
    label: String,
    /// None once destroyed.
    #[n(2)]
    wrap: Option<PinWrap>,
    #[n(3)]
    wrong: u32,
    #[n(4)]
    not_before: Timestamp,
}

impl Slot {
    /// Length in bytes.
    pub const LEN: usize = 8;

    /// Reads what [`Self::to_hex`] writes.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.len() == 2 * Self::LEN && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = digits.then(|| u64::from_str_radix(text, 16).ok()).flatten()?;
        Some(Self(number.to_be_bytes()))
    }

    /// As it is written in commands and in the names of secrets: 16 hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
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
    /// The label is empty, too long, or somebody else's on this device.
    #[error("an identity is called by 1 to {LABEL_CHARS_MAX} characters that no other on this device has")]
    Label,
    /// There is no such identity on this device.
    #[error("there is no such identity on this device")]
    NoSuchIdentity,
    /// There are as many identities on this device as it may have.
    #[error("a device has at most {IDENTITIES_MAX} identities")]
    Full,
    /// Nobody would be left who can unlock.
    #[error("nobody would be left who can unlock this device")]
    TheLast,
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
    /// There is no wrap any more.
    #[error("the keys were destroyed after too many wrong PINs")]
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
    /// Makes a vault key and a first identity, and wraps their keys by a PIN.
    pub fn create(
        dir: &Path,
        pin: &str,
        cost: PinCost,
        key_store: &dyn KeyStore,
        entropy: &dyn Entropy,
    ) -> Result<(Self, Slot, Unlocked), KeyringError> {
        check_length(pin)?;
        let mut secret = Zeroizing::new([0; 32]);
        entropy.fill(secret.as_mut_slice());
        key_store.save(DEVICE_SECRET, secret.as_slice())?;
        let keys = Unlocked { vault: VaultKey::generate(entropy), own: OwnKey::generate(entropy) };
        let holder = Holder::new(String::new(), pin, &secret, &keys, cost, entropy)?;
        let slot = holder.slot;
        let content = Content { version: 1, check: keys.vault.check_value(), holders: vec![holder] };
        let keyring = Self { path: dir.join(FILE), content };
        keyring.save()?;
        Ok((keyring, slot, keys))
    }

    /// Another identity on this device, with keys of its own to the same vault. It has no secrets there yet.
    pub fn add(
        &mut self,
        label: &str,
        pin: &str,
        vault: VaultKey,
        cost: PinCost,
        key_store: &dyn KeyStore,
        entropy: &dyn Entropy,
    ) -> Result<(Slot, Unlocked), KeyringError> {
        check_length(pin)?;
        self.check_label(label, None)?;
        if self.content.holders.len() >= IDENTITIES_MAX {
            return Err(KeyringError::Full);
        }
        let secret = device_secret(key_store)?;
        let keys = Unlocked { vault, own: OwnKey::generate(entropy) };
        let holder = Holder::new(label.trim().to_owned(), pin, &secret, &keys, cost, entropy)?;
        let slot = holder.slot;
        self.change(|holders| holders.push(holder))?;
        Ok((slot, keys))
    }

    /// Calls an identity something else.
    pub fn rename(&mut self, slot: Slot, label: &str) -> Result<(), KeyringError> {
        self.check_label(label, Some(slot))?;
        let place = self.place(slot)?;
        self.change(|holders| label.trim().clone_into(&mut holders[place].label))
    }

    /// Takes an identity's wrap away, and its label: no PIN opens the vault as this identity again.
    pub fn remove(&mut self, slot: Slot) -> Result<(), KeyringError> {
        let place = self.place(slot)?;
        let others = self.content.holders.iter().filter(|holder| holder.slot != slot);
        if others.filter(|holder| holder.wrap.is_some()).count() == 0 {
            return Err(KeyringError::TheLast);
        }
        self.change(|holders| drop(holders.remove(place)))
    }

    /// Every identity of this device, in the order in which they came.
    #[must_use]
    pub fn list(&self) -> Vec<Listed> {
        let listed = |holder: &Holder| Listed {
            slot: holder.slot,
            label: holder.label.clone(),
            can_unlock: holder.wrap.is_some(),
        };
        self.content.holders.iter().map(listed).collect()
    }

    fn place(&self, slot: Slot) -> Result<usize, KeyringError> {
        let place = self.content.holders.iter().position(|holder| holder.slot == slot);
        place.ok_or(KeyringError::NoSuchIdentity)
    }

    fn check_label(&self, label: &str, but: Option<Slot>) -> Result<(), KeyringError> {
        let label = label.trim();
        let same =
            |holder: &Holder| Some(holder.slot) != but && holder.label.to_lowercase() == label.to_lowercase();
        let fits =
            (1..=LABEL_CHARS_MAX).contains(&label.chars().count()) && !label.chars().any(char::is_control);
        if fits && !self.content.holders.iter().any(same) { Ok(()) } else { Err(KeyringError::Label) }
    }

    /// Changes the file and, only when that is kept, what is believed of it.
    fn change(&mut self, change: impl FnOnce(&mut Vec<Holder>)) -> Result<(), KeyringError> {
        let before = self.content.holders.clone();
        change(&mut self.content.holders);
        self.save().inspect_err(|_| self.content.holders = before)
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

    /// Tries an identity's PIN.
    pub fn unlock(
        &mut self,
        slot: Slot,
        pin: &str,
        now: Timestamp,
        key_store: &dyn KeyStore,
    ) -> Result<Unlocked, KeyringError> {
        let place = self.place(slot)?;
        let holder = self.content.holders[place].clone();
        let Some(wrap) = &holder.wrap else { return Err(KeyringError::Destroyed) };
        if holder.wrong >= tries_max() {
            // The battery was pulled at the last try, after it was counted: that try was made.
            return Err(self.destroy(place, key_store)?);
        }
        if now < holder.not_before {
            // A clock that was set back must not lock its owner out for longer than the longest delay.
            let longest = PIN_DELAYS_MS[PIN_DELAYS_MS.len() - 1];
            if holder.not_before.since(now) <= longest {
                return Err(KeyringError::TooEarly { until: holder.not_before });
            }
        }
        let secret = device_secret(key_store)?;
        let wrong = holder.wrong + 1;
        let delay = wrong.checked_sub(PIN_FREE_ATTEMPTS).map_or(0, |late| {
            PIN_DELAYS_MS.get(late as usize).copied().unwrap_or(PIN_DELAYS_MS[PIN_DELAYS_MS.len() - 1])
        });
        let not_before = if delay == 0 { Timestamp(0) } else { now.plus_ms(delay) };
        self.count(place, wrong, not_before)?;
        match wrap.open(pin, &secret) {
            Ok(keys) => {
                self.count(place, 0, Timestamp(0))?;
                Ok(keys)
            }
            Err(CryptoError::WrongPin) if wrong >= tries_max() => Err(self.destroy(place, key_store)?),
            Err(CryptoError::WrongPin) => Err(KeyringError::WrongPin {
                left: tries_max() - wrong,
                not_before: (not_before > now).then_some(not_before),
            }),
            Err(other) => {
                self.count(place, holder.wrong, holder.not_before)?;
                Err(KeyringError::Crypto(other))
            }
        }
    }

    fn count(&mut self, place: usize, wrong: u32, not_before: Timestamp) -> Result<(), KeyringError> {
        let holder = &mut self.content.holders[place];
        (holder.wrong, holder.not_before) = (wrong, not_before);
        self.save()
    }

    /// With the last wrap the device secret goes too.
    fn destroy(&mut self, place: usize, key_store: &dyn KeyStore) -> Result<KeyringError, KeyringError> {
        self.content.holders[place].wrap = None;
        self.save()?;
        if self.content.holders.iter().all(|holder| holder.wrap.is_none()) {
            key_store.delete(DEVICE_SECRET)?;
        }
        Ok(KeyringError::Destroyed)
    }

    /// Wraps an identity's keys by another PIN instead. When that cannot be kept, the old PIN stays.
    pub fn change_pin(
        &mut self,
        slot: Slot,
        pin: &str,
        keys: &Unlocked,
        cost: PinCost,
        key_store: &dyn KeyStore,
        entropy: &dyn Entropy,
    ) -> Result<(), KeyringError> {
        check_length(pin)?;
        let place = self.place(slot)?;
        let secret = device_secret(key_store)?;
        let wrap = PinWrap::seal(pin, &secret, keys, cost, entropy).map_err(KeyringError::Crypto)?;
        self.change(|holders| holders[place].wrap = Some(wrap))
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

impl Holder {
    fn new(
        label: String,
        pin: &str,
        device_secret: &[u8; 32],
        keys: &Unlocked,
        cost: PinCost,
        entropy: &dyn Entropy,
    ) -> Result<Self, KeyringError> {
        let mut slot = [0; Slot::LEN];
        entropy.fill(&mut slot);
        let wrap = PinWrap::seal(pin, device_secret, keys, cost, entropy).map_err(KeyringError::Crypto)?;
        Ok(Self { slot: Slot(slot), label, wrap: Some(wrap), wrong: 0, not_before: Timestamp(0) })
    }
}

fn device_secret(key_store: &dyn KeyStore) -> Result<Zeroizing<[u8; 32]>, KeyringError> {
    let secret = key_store.load(DEVICE_SECRET)?.ok_or(KeyringError::DeviceSecretLost)?;
    let secret: &[u8; 32] = secret.as_slice().try_into().map_err(|_| KeyringError::DeviceSecretLost)?;
    Ok(Zeroizing::new(*secret))
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
        let (keyring, ..) =
            Keyring::create(dir.path(), PIN, PinCost::FOR_TESTS, &key_store, &SeededEntropy::new(1)).unwrap();
        (dir, key_store, keyring)
    }

    impl Keyring {
        fn first(&self) -> Slot {
            self.content.holders[0].slot
        }

        fn try_first(
            &mut self,
            pin: &str,
            now: Timestamp,
            key_store: &MemoryKeyStore,
        ) -> Result<Unlocked, KeyringError> {
            self.unlock(self.first(), pin, now, key_store)
        }
    }

    /// Another identity beside the first.
    fn with_ben(keyring: &mut Keyring, key_store: &MemoryKeyStore) -> Slot {
        let keys = keyring.try_first(PIN, Timestamp(1), key_store).unwrap();
        let (cost, entropy) = (PinCost::FOR_TESTS, SeededEntropy::new(7));
        keyring.add("Ben", "314159", keys.vault, cost, key_store, &entropy).unwrap().0
    }

    #[test]
    fn each_identity_has_a_pin_and_a_key_of_its_own_to_the_same_vault() {
        let (dir, key_store, mut keyring) = keyring();
        let ben = with_ben(&mut keyring, &key_store);
        let mut keyring = Keyring::open(dir.path()).unwrap();
        let first = keyring.try_first(PIN, Timestamp(1), &key_store).unwrap();
        let bens = keyring.unlock(ben, "314159", Timestamp(1), &key_store).unwrap();
        assert_eq!(first.vault.as_bytes(), bens.vault.as_bytes());
        assert_ne!(first.own.as_bytes(), bens.own.as_bytes());
        assert!(matches!(
            keyring.unlock(ben, PIN, Timestamp(1), &key_store),
            Err(KeyringError::WrongPin { .. })
        ));
        let labels: Vec<_> = keyring.list().into_iter().map(|listed| listed.label).collect();
        assert_eq!(labels, ["", "Ben"]);
    }

    #[test]
    fn wrong_pins_of_one_identity_destroy_its_own_wrap_and_lock_nobody_else_out() {
        let (dir, key_store, mut keyring) = keyring();
        let ben = with_ben(&mut keyring, &key_store);
        let mut now = Timestamp(1);
        while !matches!(keyring.unlock(ben, "000000", now, &key_store), Err(KeyringError::Destroyed)) {
            now = now.plus_ms(3_600_000);
        }
        let mut keyring = Keyring::open(dir.path()).unwrap();
        keyring.try_first(PIN, Timestamp(1), &key_store).unwrap();
        assert_eq!(keyring.list().iter().map(|l| l.can_unlock).collect::<Vec<_>>(), [true, false]);
        assert!(matches!(keyring.remove(keyring.first()), Err(KeyringError::TheLast)));
        keyring.remove(ben).unwrap();
        assert_eq!(keyring.list().len(), 1);
    }

    #[test]
    fn a_label_is_short_and_nobody_elses() {
        let (_dir, key_store, mut keyring) = keyring();
        let ben = with_ben(&mut keyring, &key_store);
        let first = keyring.first();
        for bad in ["", "  ", "ben", " BEN ", "a\nb", &"x".repeat(LABEL_CHARS_MAX + 1)] {
            assert!(matches!(keyring.rename(first, bad), Err(KeyringError::Label)), "{bad:?}");
        }
        keyring.rename(ben, "BEN").unwrap();
        keyring.rename(first, " Amira ").unwrap();
        assert_eq!(keyring.list()[0].label, "Amira");
        assert!(matches!(keyring.rename(Slot([0; 8]), "Cy"), Err(KeyringError::NoSuchIdentity)));
    }

    #[test]
    fn a_device_has_room_for_so_many_identities_and_no_more() {
        let (_dir, key_store, mut keyring) = keyring();
        let cost = PinCost::FOR_TESTS;
        let mut add = |number: usize| {
            let vault = keyring.try_first(PIN, Timestamp(1), &key_store).unwrap().vault;
            keyring.add(&number.to_string(), PIN, vault, cost, &key_store, &SeededEntropy::new(number as u64))
        };
        for number in 1..IDENTITIES_MAX {
            add(number).unwrap();
        }
        assert!(matches!(add(IDENTITIES_MAX), Err(KeyringError::Full)));
    }

    #[test]
    fn a_slot_is_read_as_it_is_written() {
        let slot = Slot([1, 2, 3, 4, 5, 6, 7, 0xab]);
        assert_eq!(slot.to_hex(), "01020304050607ab");
        assert_eq!(Slot::from_hex(&slot.to_hex()), Some(slot));
        for wrong in ["", "01020304050607a", "01020304050607abc", "+1020304050607ab", "é020304050607ab"] {
            assert_eq!(Slot::from_hex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_right_pin_opens_and_forgives_the_wrong_ones_before_it() {
        let (dir, key_store, mut keyring) = keyring();
        for left in [9, 8, 7, 6] {
            let wrong = keyring.try_first("000000", Timestamp(1), &key_store);
            assert!(matches!(wrong, Err(KeyringError::WrongPin { left: l, not_before: None }) if l == left));
        }
        let key = keyring.try_first(PIN, Timestamp(1), &key_store).unwrap();
        assert!(Keyring::open(dir.path()).unwrap().fits(&key.vault));
        assert!(matches!(
            keyring.try_first("000000", Timestamp(1), &key_store),
            Err(KeyringError::WrongPin { left: 9, .. })
        ));
    }

    #[test]
    fn after_five_wrong_pins_each_waits_longer_and_after_ten_the_keys_are_gone() {
        let (dir, key_store, mut keyring) = keyring();
        let mut now = Timestamp(1_000);
        for _ in 0..4 {
            assert!(keyring.try_first("000000", now, &key_store).is_err());
        }
        for delay in PIN_DELAYS_MS {
            let wrong = keyring.try_first("000000", now, &key_store);
            assert!(
                matches!(wrong, Err(KeyringError::WrongPin { not_before: Some(at), .. }) if at == now.plus_ms(delay))
            );
            let early = Keyring::open(dir.path()).unwrap().try_first(PIN, now.plus_ms(delay - 1), &key_store);
            assert!(
                matches!(early, Err(KeyringError::TooEarly { .. })),
                "a restart does not shorten the wait"
            );
            now = now.plus_ms(delay);
        }
        assert!(matches!(keyring.try_first("000000", now, &key_store), Err(KeyringError::Destroyed)));
        assert!(matches!(
            Keyring::open(dir.path()).unwrap().try_first(PIN, now, &key_store),
            Err(KeyringError::Destroyed)
        ));
        assert!(key_store.load(DEVICE_SECRET).unwrap().is_none());
    }

    #[test]
    fn a_battery_pulled_at_the_last_try_gains_nothing() {
        let (dir, key_store, mut keyring) = keyring();
        keyring.content.holders[0].wrong = tries_max();
        keyring.save().unwrap();
        let again = Keyring::open(dir.path()).unwrap().try_first(PIN, Timestamp(1), &key_store);
        assert!(matches!(again, Err(KeyringError::Destroyed)));
        assert!(key_store.load(DEVICE_SECRET).unwrap().is_none());
    }

    #[test]
    fn the_file_alone_without_the_key_store_opens_with_no_pin() {
        let (_dir, _, mut keyring) = keyring();
        let other = MemoryKeyStore::default();
        assert!(matches!(keyring.try_first(PIN, Timestamp(1), &other), Err(KeyringError::DeviceSecretLost)));
        other.save(DEVICE_SECRET, &[9; 32]).unwrap();
        assert!(matches!(keyring.try_first(PIN, Timestamp(1), &other), Err(KeyringError::WrongPin { .. })));
    }

    #[test]
    fn a_new_pin_that_cannot_be_kept_leaves_the_old_one() {
        let (dir, key_store, mut keyring) = keyring();
        let key = keyring.try_first(PIN, Timestamp(1), &key_store).unwrap();
        // Nothing can be written where the new file would be.
        let beside = dir.path().join(FILE).with_extension("new");
        fs::create_dir(&beside).unwrap();
        let change = |keyring: &mut Keyring| {
            keyring.change_pin(
                keyring.first(),
                "314159",
                &key,
                PinCost::FOR_TESTS,
                &key_store,
                &SeededEntropy::new(2),
            )
        };
        assert!(matches!(change(&mut keyring), Err(KeyringError::Io { .. })));
        fs::remove_dir(&beside).unwrap();
        keyring.try_first(PIN, Timestamp(1), &key_store).unwrap();
        Keyring::open(dir.path()).unwrap().try_first(PIN, Timestamp(1), &key_store).unwrap();
        change(&mut keyring).unwrap();
        assert!(matches!(
            Keyring::open(dir.path()).unwrap().try_first(PIN, Timestamp(1), &key_store),
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
