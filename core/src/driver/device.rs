//! A profile directory: one device's vault, mailbox and keys, locked or unlocked.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bedside_protocol::ids::Timestamp;
use bedside_protocol::signing::Signer;

use super::commit::Moment;
use super::enrol::Invitation;
use super::keyring::{Keyring, KeyringError, Listed, Slot};
use super::observe::{Event, Observers};
use super::open_vault::{OpenVault, name};
use super::own::Own;
use super::{DriverError, intake::News};
use crate::crypto::PinCost;
use crate::crypto::keys::SigningKey;
use crate::crypto::vault_key::{OwnKey, Unlocked, VaultKey};
use crate::limits::OPEN_BATCH_MAX;
use crate::ports::{Clock, Entropy, KeyStore, Language};
use crate::store::{Mailbox, OpenOptions, StoreError, SyncState, Vault};

/// What the host gives.
#[derive(Clone)]
pub struct Host {
    /// The device's clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Where the platform keeps secrets.
    pub key_store: Arc<dyn KeyStore>,
    /// What one guess at a PIN costs.
    pub pin_cost: PinCost,
    /// The language that everything is said in.
    pub language: Arc<Language>,
    /// How the databases are opened; tests name a file system that fails here.
    pub files: OpenOptions,
}

/// One device.
pub struct Device {
    dir: PathBuf,
    host: Host,
    pub(crate) mailbox: Mailbox,
    keyring: Mutex<Keyring>,
    open: RwLock<Option<Arc<OpenVault>>>,
    pub(crate) observers: Arc<Observers>,
    transport: SigningKey,
    /// The last item of the mailbox that was looked at.
    looked_at: AtomicI64,
}

impl Drop for Device {
    fn drop(&mut self) {
        self.note_looks();
    }
}

/// Name of the transport key in the platform's key store.
const TRANSPORT: &str = "transport-key";
/// Name of the remembered keys in the platform's key store: until when, whose, own key, vault key.
const REMEMBERED: &str = "remembered-vault-key";

impl Device {
    /// Makes a new device in an empty directory, unlocked.
    pub fn create(dir: &Path, host: Host, pin: &str) -> Result<Self, DriverError> {
        super::keyring::private_directory(dir)
            .map_err(|source| DriverError::Directory { step: "made", source })?;
        if dir.join(super::keyring::FILE).exists() || dir.join("vault.db").exists() {
            return Err(DriverError::Store(StoreError::Exists { file: "vault.db" }));
        }
        let entropy = &*host.entropy;
        let transport = SigningKey::generate(entropy);
        host.key_store.save(TRANSPORT, transport.seed().as_slice())?;
        let (keyring, slot, keys) = Keyring::create(dir, pin, host.pin_cost, &*host.key_store, entropy)?;
        let made = Self::make_vault(dir, &host, slot, keys)
            .and_then(|open| Self::assemble(dir, host, keyring, transport, Some(Arc::new(open))));
        if made.is_err() {
            // There was no device here before, and nothing is in the files: the next try begins anew.
            for file in [super::keyring::FILE, "vault.db", "vault.db-wal", "vault.db-shm"] {
                let _ = std::fs::remove_file(dir.join(file));
            }
        }
        made
    }

    fn make_vault(dir: &Path, host: &Host, slot: Slot, keys: Unlocked) -> Result<OpenVault, DriverError> {
        let (own, key) = Own::new(slot, keys);
        let vault = Vault::create_with(dir, &key.sqlcipher_literal(), &host.files)?;
        OpenVault::new(vault, own, &*host.entropy)
    }

    /// Opens a device, locked. The mailbox works without any PIN.
    pub fn open(dir: &Path, host: Host) -> Result<Self, DriverError> {
        let keyring = Keyring::open(dir)?;
        let seed = host.key_store.load(TRANSPORT)?;
        let seed = seed.as_ref().and_then(|seed| <&[u8; 32]>::try_from(seed.as_slice()).ok());
        let transport = SigningKey::from_seed(seed.ok_or(KeyringError::DeviceSecretLost)?);
        Self::assemble(dir, host, keyring, transport, None)
    }

    fn assemble(
        dir: &Path,
        host: Host,
        keyring: Keyring,
        transport: SigningKey,
        open: Option<Arc<OpenVault>>,
    ) -> Result<Self, DriverError> {
        let mailbox = Mailbox::open_with(dir, &host.files)?;
        Ok(Self {
            dir: dir.to_owned(),
            host,
            mailbox,
            keyring: Mutex::new(keyring),
            open: RwLock::new(open),
            observers: Observers::start(),
            transport,
            looked_at: AtomicI64::new(i64::MIN),
        })
    }

    /// Unlocks the vault by an identity's PIN. Nothing happens when it is unlocked as that one; when it is as another, that
    /// one's keys leave memory first.
    pub fn unlock(&self, slot: Slot, pin: &str) -> Result<(), DriverError> {
        if self.unlocked_as() == Some(slot) {
            return Ok(());
        }
        let keys = self.try_pin(slot, pin)?;
        self.forget()?;
        self.lock()?;
        self.open_with(slot, keys)
    }

    /// After the last wrong PIN nothing is left that opens the vault as that identity.
    fn try_pin(&self, slot: Slot, pin: &str) -> Result<Unlocked, DriverError> {
        let tried = self.keyring().unlock(slot, pin, self.now(), &*self.host.key_store);
        if matches!(tried, Err(KeyringError::Destroyed)) {
            self.forget()?;
        }
        Ok(tried?)
    }

    /// Every identity of this device. Needs no PIN.
    #[must_use]
    pub fn identities(&self) -> Vec<Listed> {
        self.keyring().list()
    }

    /// The identity that the vault is unlocked as.
    #[must_use]
    pub fn unlocked_as(&self) -> Option<Slot> {
        self.vault().ok().map(|open| open.keys.own.slot)
    }

    /// The only identity that can unlock this device; none when there are several to choose from.
    #[must_use]
    pub fn only_identity(&self) -> Option<Slot> {
        let all = self.identities();
        let mut able = all.iter().filter(|listed| listed.can_unlock);
        match (able.next(), able.next()) {
            (Some(only), None) => Some(only.slot),
            // Its keys were destroyed, and unlocking says so.
            (None, _) => all.first().map(|listed| listed.slot),
            (Some(_), Some(_)) => None,
        }
    }

    /// Makes room for another identity. Whoever is here already lets them in by their own PIN.
    pub fn add_identity(
        &self,
        host: Slot,
        hosts_pin: &str,
        label: &str,
        pin: &str,
    ) -> Result<Slot, DriverError> {
        let Unlocked { vault, .. } = self.try_pin(host, hosts_pin)?;
        let Host { key_store, entropy, pin_cost, .. } = &self.host;
        Ok(self.keyring().add(label, pin, vault, *pin_cost, &**key_store, &**entropy)?.0)
    }

    /// Calls an identity something else.
    pub fn rename_identity(&self, slot: Slot, label: &str) -> Result<(), DriverError> {
        Ok(self.keyring().rename(slot, label)?)
    }

    /// Takes an identity off this device: its own secrets go, what it wrote stays. Needs an open vault.
    pub fn remove_identity(&self, slot: Slot) -> Result<(), DriverError> {
        let open = self.vault()?;
        self.keyring().remove(slot)?;
        open.vault.write(move |tx| {
            let prefix = Own::prefix(slot);
            let own = tx.secret_names()?.into_iter().filter(|name| name.starts_with(&prefix));
            own.collect::<Vec<_>>().iter().try_for_each(|name| tx.delete_secret(name))
        })?;
        if open.keys.own.slot == slot {
            self.forget()?;
            drop(open);
            self.lock()?;
        }
        Ok(())
    }

    /// Unlocks the vault by the key that [`Self::remember`] left, until the moment given there. False when there is none.
    pub fn unlock_remembered(&self) -> Result<bool, DriverError> {
        let Some(kept) = self.host.key_store.load(REMEMBERED)? else { return Ok(false) };
        let Some((until, key)) = kept.split_first_chunk::<8>() else { return Ok(false) };
        let Some((slot, keys)) = key.split_first_chunk::<{ Slot::LEN }>() else { return Ok(false) };
        let Some((own, key)) = keys.split_first_chunk::<{ OwnKey::LEN }>() else { return Ok(false) };
        let until = Timestamp(u64::from_be_bytes(*until));
        // A clock set back must not stretch the time: no session is longer than a day.
        let latest = self.now().max(self.mailbox.state()?.relay_time.unwrap_or_default());
        if until <= latest || until.since(self.now()) > 24 * 3_600_000 {
            self.forget()?;
            return Ok(false);
        }
        let keys = VaultKey::from_bytes(key)
            .and_then(|vault| Ok(Unlocked { vault, own: OwnKey::from_bytes(own)? }))
            .map_err(DriverError::Crypto)?;
        self.lock()?;
        self.open_with(Slot(*slot), keys).map(|()| true)
    }

    /// Checks the PIN and leaves the keys in the platform's key store, so that for some time no PIN is asked.
    pub fn remember(&self, slot: Slot, pin: &str, until: Timestamp) -> Result<(), DriverError> {
        let keys = self.try_pin(slot, pin)?;
        let mut kept =
            zeroize::Zeroizing::new(Vec::with_capacity(8 + Slot::LEN + OwnKey::LEN + VaultKey::LEN));
        kept.extend_from_slice(&until.0.to_be_bytes());
        kept.extend_from_slice(&slot.0);
        kept.extend_from_slice(keys.own.as_bytes());
        kept.extend_from_slice(keys.vault.as_bytes());
        self.host.key_store.save(REMEMBERED, &kept)?;
        if self.unlocked_as() == Some(slot) {
            return Ok(());
        }
        self.lock()?;
        self.open_with(slot, keys)
    }

    /// Takes the remembered vault key away.
    pub fn forget(&self) -> Result<(), DriverError> {
        Ok(self.host.key_store.delete(REMEMBERED)?)
    }

    fn open_with(&self, slot: Slot, keys: Unlocked) -> Result<(), DriverError> {
        let (own, key) = Own::new(slot, keys);
        let vault = Vault::open_with(&self.dir, &key.sqlcipher_literal(), &self.host.files)?;
        let open = Arc::new(OpenVault::new(vault, own, &*self.host.entropy)?);
        if open.vault.read(|read| read.lacks_derived())? {
            open.describe_missing(self.moment()?)?;
        }
        if let Err(error) = self.refill_mailbox(&open) {
            // Plans can be read all the same; whatever needs the mailbox says what is wrong with it.
            tracing::warn!(%error, "the mailbox cannot be filled");
        }
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = Some(open);
        Ok(())
    }

    /// A mailbox without the relay's address is a new one: the old one was lost, with everything that waited in it.
    fn refill_mailbox(&self, open: &OpenVault) -> Result<(), DriverError> {
        if self.mailbox.state()?.relay_url.is_some() {
            return Ok(());
        }
        let relay = open.vault.read(|read| read.secret(name::RELAY))?;
        let relay = relay.and_then(|relay| String::from_utf8(relay.to_vec()).ok());
        let Some(relay) = relay.filter(|_| open.standing().is_ok()) else { return Ok(()) };
        open.post_again()?;
        self.set_relay(&relay)
    }

    /// Puts who looked into the mailbox, while the vault is open. What fails here is tried again at the next contact.
    pub(crate) fn send_looks(&self) {
        let sent = || -> Result<(), DriverError> {
            let open = self.vault()?;
            if open.write_looks(self.moment()?, &*self.host.entropy)? {
                open.post(&self.mailbox)?;
            }
            Ok(())
        };
        match sent() {
            Ok(()) | Err(DriverError::Locked | DriverError::NotEnrolled | DriverError::SyncFirst) => {}
            Err(error) => tracing::warn!(%error, "who looked cannot be sent now; it is kept"),
        }
    }

    /// Closes the vault: its key and everything read from it leave memory. Who looked goes out without it.
    pub fn lock(&self) -> Result<(), DriverError> {
        self.send_looks();
        self.note_looks();
        let open = self.open.write().unwrap_or_else(PoisonError::into_inner).take();
        match open.map(Arc::try_unwrap) {
            Some(Ok(open)) => Ok(open.vault.close()?),
            Some(Err(shared)) => Ok(shared.vault.suspend()?),
            None => Ok(()),
        }
    }

    /// Changes an identity's PIN.
    pub fn change_pin(&self, slot: Slot, old: &str, new: &str) -> Result<(), DriverError> {
        let keys = self.try_pin(slot, old)?;
        let Host { key_store, entropy, pin_cost, .. } = &self.host;
        Ok(self.keyring().change_pin(slot, new, &keys, *pin_cost, &**key_store, &**entropy)?)
    }

    /// Releases every file and lock, as iOS asks before a suspension.
    pub fn suspend(&self) -> Result<(), DriverError> {
        self.note_looks();
        if let Ok(open) = self.vault() {
            open.vault.suspend()?;
        }
        Ok(self.mailbox.suspend()?)
    }

    /// Notes in the vault which plans were looked at. What fails here costs no more than a second look at a plan.
    pub(crate) fn note_looks(&self) {
        if let Ok(open) = self.vault()
            && let Err(error) = open.note_looks()
        {
            tracing::warn!(%error, "what was looked at is not noted");
        }
    }

    /// Takes files and locks again.
    pub fn resume(&self) -> Result<(), DriverError> {
        if let Ok(open) = self.vault() {
            open.vault.resume()?;
        }
        Ok(self.mailbox.resume()?)
    }

    /// True while the vault is open.
    #[must_use]
    pub fn is_unlocked(&self) -> bool {
        self.open.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The profile's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn vault(&self) -> Result<Arc<OpenVault>, DriverError> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(DriverError::Locked)
    }

    fn keyring(&self) -> std::sync::MutexGuard<'_, Keyring> {
        self.keyring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.host.clock.now()
    }

    pub(crate) fn moment(&self) -> Result<Moment, DriverError> {
        Ok(Moment { now: self.now(), relay_time: self.mailbox.state()?.relay_time })
    }

    pub(crate) fn transport(&self) -> &SigningKey {
        &self.transport
    }

    pub(crate) fn transport_key(&self) -> [u8; 32] {
        self.transport.public_key()
    }

    pub(crate) fn chance(&self) -> u64 {
        let mut bytes = [0; 8];
        self.host.entropy.fill(&mut bytes);
        u64::from_be_bytes(bytes)
    }

    /// Keeps the relay's address.
    pub(crate) fn set_relay(&self, address: &str) -> Result<(), DriverError> {
        crate::transport::RelayClient::new(address, None)?;
        let state = SyncState { relay_url: Some(address.to_owned()), ..self.mailbox.state()? };
        Ok(self.mailbox.set_state(&state)?)
    }

    /// Takes in what the mailbox holds and posts what follows from it. True when there is something to send.
    pub(crate) fn open_mail(&self) -> Result<bool, DriverError> {
        let Ok(open) = self.vault() else { return Ok(false) };
        if open.take_receipts(&self.mailbox)? {
            self.observers.tell(Event::Receipts);
        }
        let mut after = i64::MIN;
        let mut more_to_ask = false;
        loop {
            let batch = self.mailbox.take(after, OPEN_BATCH_MAX)?;
            let Some(last) = batch.last() else { break };
            after = last.position;
            let at = self.moment()?;
            let (taken, news) = open.take_in(&batch, at, &*self.host.entropy)?;
            for request in &taken.enrolments {
                match open.answer(request, at, &*self.host.entropy) {
                    Ok(true) => self.observers.tell(Event::Enrolled),
                    Ok(false) => {}
                    // One enrolment that fails must not keep everything else from being opened.
                    Err(error) => tracing::warn!(%error, "an enrolment cannot be answered"),
                }
            }
            for id in &taken.contested {
                open.contest(id)?;
                self.observers.tell(Event::InviteContested);
            }
            if !taken.wanted.is_empty() {
                let wishes: Vec<_> =
                    taken.wanted.iter().map(|id| crate::store::Wish::Statement(*id)).collect();
                // What was asked for before, and has not come, is asked for again with the next request but wakes nobody.
                let fresh = self.looked_at.fetch_max(after, Ordering::SeqCst) < after;
                more_to_ask |= self.mailbox.wish(&wishes)? && fresh;
            }
            self.mailbox.remove(&news.done)?;
            self.announce(&news);
        }
        Ok(open.post(&self.mailbox)? | more_to_ask)
    }

    /// The device is in step with the relay: whatever a repair could not read is back.
    pub(crate) fn in_step(&self) -> Result<(), DriverError> {
        let Ok(open) = self.vault() else { return Ok(()) };
        if open.vault.read(|read| read.meta(name::SYNC_FIRST))?.is_some() {
            open.vault.write(|tx| tx.delete_meta(name::SYNC_FIRST))?;
        }
        Ok(())
    }

    fn announce(&self, news: &News) {
        if !news.new_plans.is_empty() {
            self.observers.tell(Event::Plans);
        }
        news.plans.iter().for_each(|log| self.observers.tell(Event::Plan(*log)));
    }

    /// Checks that this device may answer an invitation.
    pub(crate) fn begin_enrolment(&self, invitation: &Invitation) -> Result<(), DriverError> {
        if self.vault()?.standing().is_ok() {
            return Err(DriverError::Invitation(
                "this device is enrolled already; use another profile or device",
            ));
        }
        if invitation.until < self.mailbox.state()?.relay_time.unwrap_or_default() {
            return Err(DriverError::Invitation("it has run out; ask for a new one"));
        }
        Ok(())
    }

    /// Takes the issuer's answer, and only then the relay's address.
    pub(crate) fn finish_enrolment(&self, invitation: &Invitation, answer: &[u8]) -> Result<(), DriverError> {
        self.vault()?.accept_enrolment(invitation, answer, self.transport_key(), &*self.host.entropy)?;
        self.set_relay(&invitation.relay)
    }
}
