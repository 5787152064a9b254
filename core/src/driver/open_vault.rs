//! An unlocked vault: whose it is, whom it believes, and the plans that were opened lately.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicI64;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bedside_protocol::ids::{IdentityId, LogId, OrganisationId, Principal, StatementId, Timestamp};
use bedside_protocol::signing::Signer;
use bedside_protocol::statement::{Trust, identity_id};

use super::DriverError;
use super::lists::Looks;
use super::own::{Kept, Own};
use crate::crypto::content::ContentKey;
use crate::crypto::keys::{SealingKey, SigningKey};
use crate::crypto::lookup::LookupKey;
use crate::ledger::replica::Replica;
use crate::ledger::write::Pen;
use crate::ports::Entropy;
use crate::store::{StatementKind, Vault, VaultRead};

/// How many plans are kept ready in memory. A round of visits is a dozen.
const REPLICAS_MAX: usize = 24;

/// An unlocked vault.
pub(crate) struct OpenVault {
    pub(crate) vault: Vault,
    pub(crate) keys: Keys,
    books: Mutex<Books>,
    /// The last position of the outbox that the mailbox has a copy of.
    pub(super) posted: AtomicI64,
    pub(super) looks: Mutex<Looks>,
}

/// The keys and the standing of the one who unlocked it.
pub(crate) struct Keys {
    pub(crate) own: Own,
    pub(crate) identity: IdentityId,
    pub(crate) signing: SigningKey,
    pub(crate) sealing: SealingKey,
    pub(crate) standing: Mutex<Option<Standing>>,
}

/// What enrolment gave.
#[derive(Clone)]
pub(crate) struct Standing {
    pub(crate) credential: StatementId,
    pub(crate) organisation: Option<(StatementId, OrganisationId)>,
}

/// What is believed, and the plans opened lately. One lock: whoever writes or takes in a plan holds it.
pub(crate) struct Books {
    pub(crate) trust: Trust,
    /// The credential of the device's person: what they are shown depends on it.
    pub(crate) reader: Option<StatementId>,
    /// Logs of which entries were left with the relay, for want of room.
    passed_over: BTreeSet<LogId>,
    replicas: BTreeMap<LogId, (u64, Replica)>,
    used: u64,
}

/// Names of what is kept in the vault beside plans. What a repair has to find again is kept as a secret.
pub(crate) mod name {
    /// One identity's own, with the next three: see [`super::super::own`].
    pub(crate) const SIGNING: &str = "signing";
    pub(crate) const SEALING: &str = "sealing";
    pub(crate) const CREDENTIAL: &str = "credential";
    /// An administrator's own.
    pub(crate) const ORGANISATION_SIGNING: &str = "organisation.signing";
    /// What all identities of this device belong to: the first that enrols says.
    pub(crate) const BELONGS: &str = "device.belongs";
    pub(crate) const ROOT: &str = "network.root";
    /// The relay's address: a mailbox that is lost has it from here.
    pub(crate) const RELAY: &str = "network.relay";
    pub(crate) const LOOKUP: &str = "network.lookup";
    pub(crate) const ORGANISATION_SEALING: &str = "organisation.sealing.0";
    pub(crate) const ORGANISATION_REQUEST: &str = "organisation.request";
    pub(crate) const INVITE: &str = "invite.";
    /// Set by a repair: own entries may be missing, so nothing is written before the relay has given them back.
    pub(crate) const SYNC_FIRST: &str = "sync.first";
    /// Followed by a log's id: entries of it were left with the relay, for want of room.
    pub(crate) const PASSED_OVER: &str = "passed-over.";
    /// How many rows proved to be nothing at all and were counted, not kept.
    pub(crate) const ONLY_COUNTED: &str = "set-aside.only-counted";

    pub(crate) fn passed_over(log: &bedside_protocol::ids::LogId) -> String {
        format!("{PASSED_OVER}{log}")
    }
}

impl OpenVault {
    /// Reads who unlocked this vault and whom it believes. An identity that has no keys yet gets them here.
    pub(crate) fn new(vault: Vault, own: Own, entropy: &dyn Entropy) -> Result<Self, DriverError> {
        if !vault.read(|read| Ok(has_keys(read, &own)))?? {
            let kept = new_keys(&own, entropy);
            vault.write(move |tx| kept.iter().try_for_each(|(name, sealed)| tx.put_secret(name, sealed)))?;
        }
        let (keys, trust, marks) = vault.read(|read| {
            Ok((load_keys(read, own), load_trust(read)?, read.meta_with_prefix(name::PASSED_OVER)?))
        })?;
        let passed_over =
            marks.iter().filter_map(|(key, _)| LogId::from_hex(&key[name::PASSED_OVER.len()..]));
        let passed_over = passed_over.collect();
        let mut keys = keys?;
        let standing = keys.standing.get_mut().unwrap_or_else(PoisonError::into_inner);
        let reader = standing.as_ref().map(|standing| standing.credential);
        let books = Books { trust, reader, passed_over, replicas: BTreeMap::new(), used: 0 };
        Ok(Self {
            vault,
            keys,
            books: Mutex::new(books),
            posted: AtomicI64::new(i64::MIN),
            looks: Mutex::default(),
        })
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        // A panic while it was held may have left a replica half changed: drop them all, the vault has the truth.
        self.books.lock().unwrap_or_else(|poisoned: PoisonError<_>| {
            let mut books = poisoned.into_inner();
            books.replicas.clear();
            self.books.clear_poison();
            books
        })
    }

    /// Who the device's person is, once enrolled.
    pub(crate) fn standing(&self) -> Result<Standing, DriverError> {
        let standing = self.keys.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.clone().ok_or(DriverError::NotEnrolled)
    }

    /// Reads the standing again after enrolment changed it.
    pub(crate) fn refresh(&self) -> Result<(), DriverError> {
        let (standing, trust) =
            self.vault.read(|read| Ok((load_standing(read, &self.keys.own), load_trust(read)?)))?;
        let standing = standing?;
        let reader = standing.as_ref().map(|standing| standing.credential);
        *self.keys.standing.lock().unwrap_or_else(PoisonError::into_inner) = standing;
        let mut books = self.books();
        (books.trust, books.reader) = (trust, reader);
        Ok(())
    }

    pub(crate) fn pen(&self, now: Timestamp, relay_time: Option<Timestamp>) -> Result<Pen, DriverError> {
        let standing = self.standing()?;
        // A relay whose clock is years off must not keep anybody from writing.
        let books = self.books();
        let own = books.trust.credential(&standing.credential);
        let relay_time =
            relay_time.filter(|time| own.is_none_or(|c| (c.valid_from..=c.valid_until).contains(time)));
        Ok(Pen { author: self.keys.identity, credential: standing.credential, now, relay_time })
    }

    /// The principals that this device's person reads as.
    pub(crate) fn principals(&self) -> Vec<Principal> {
        let mut all = vec![Principal::Identity(self.keys.identity)];
        if let Ok(Standing { organisation: Some((_, id)), .. }) = self.standing() {
            all.push(Principal::Organisation(id));
        }
        all
    }

    pub(crate) fn lookup_key(&self) -> Result<LookupKey, DriverError> {
        let bytes = self.vault.read(|read| read.secret(name::LOOKUP))?.ok_or(DriverError::NoLookupKey)?;
        LookupKey::from_bytes(&bytes).map_err(DriverError::Crypto)
    }

    /// The organisation's sealing key, if this device's person is a member of one.
    pub(crate) fn organisation_sealing_key(&self) -> Result<Option<SealingKey>, DriverError> {
        let bytes = self.vault.read(|read| read.secret(name::ORGANISATION_SEALING))?;
        bytes.map(|bytes| SealingKey::from_bytes(&bytes).map_err(DriverError::Crypto)).transpose()
    }

    /// The key that new entries of a log are sealed under.
    pub(crate) fn current_key(&self, log: &LogId) -> Result<ContentKey, DriverError> {
        let rows = self.vault.read(|read| read.content_keys(log))?;
        let row =
            rows.iter().find(|row| row.current).or_else(|| rows.first()).ok_or(DriverError::NoContentKey)?;
        ContentKey::from_bytes(&row.key).map_err(DriverError::Crypto)
    }
}

impl Books {
    /// The replica of a log, from memory or from the vault.
    pub(crate) fn replica(&mut self, vault: &Vault, log: LogId) -> Result<&mut Replica, DriverError> {
        self.used += 1;
        if !self.replicas.contains_key(&log) {
            let (entries, document) = vault.read(|read| Ok((read.entries(&log)?, read.document(&log)?)))?;
            let entries = entries.into_iter().map(|row| row.bytes);
            let document = document.as_ref().map(|row| row.bytes.as_slice());
            let replica = Replica::rebuild(log, entries, document, &self.trust);
            if !replica.left_out().is_empty() {
                tracing::warn!(
                    count = replica.left_out().len(),
                    "stored entries cannot be read and are left out"
                );
            }
            self.make_room();
            self.replicas.insert(log, (self.used, replica));
        }
        let (used, replica) = self.replicas.get_mut(&log).expect("it was put there if it was missing");
        *used = self.used;
        Ok(replica)
    }

    /// The replica and the trust it is judged by, together.
    pub(crate) fn replica_and_trust(
        &mut self,
        vault: &Vault,
        log: LogId,
    ) -> Result<(&mut Replica, &Trust), DriverError> {
        self.replica(vault, log)?;
        let (_, replica) = self.replicas.get_mut(&log).expect("replica() put it there");
        Ok((replica, &self.trust))
    }

    /// The name of the device's person; empty before enrolment.
    pub(crate) fn reader_name(&self) -> String {
        let credential = self.reader.and_then(|reader| self.trust.credential(&reader));
        credential.map(|credential| credential.name.clone()).unwrap_or_default()
    }

    /// True when entries of the log were left with the relay, for want of room.
    pub(crate) fn has_passed_over(&self, log: &LogId) -> bool {
        self.passed_over.contains(log)
    }

    pub(super) fn passed_over(&self) -> BTreeSet<LogId> {
        self.passed_over.clone()
    }

    pub(super) fn note_passed_over(&mut self, logs: &BTreeSet<LogId>) {
        self.passed_over.extend(logs);
    }

    pub(super) fn note_asked_again(&mut self, log: &LogId) {
        self.passed_over.remove(log);
    }

    /// Forgets what may differ from the vault.
    pub(crate) fn evict(&mut self, log: &LogId) {
        self.replicas.remove(log);
    }

    /// Forgets everything that may differ from the vault.
    pub(crate) fn evict_all(&mut self) {
        self.replicas.clear();
    }

    fn make_room(&mut self) {
        while self.replicas.len() >= REPLICAS_MAX {
            let oldest = self.replicas.iter().min_by_key(|(_, (used, _))| *used).map(|(log, _)| *log);
            match oldest {
                Some(log) => self.replicas.remove(&log),
                None => break,
            };
        }
    }
}

fn has_keys(read: &VaultRead, own: &Own) -> Result<bool, DriverError> {
    Ok(own.get(read, name::SIGNING)?.is_some() && own.get(read, name::SEALING)?.is_some())
}

fn new_keys(own: &Own, entropy: &dyn Entropy) -> [Kept; 2] {
    let (signing, sealing) = (SigningKey::generate(entropy), SealingKey::generate(entropy));
    [
        own.seal(name::SIGNING, signing.seed().as_slice(), entropy),
        own.seal(name::SEALING, &sealing.to_bytes(), entropy),
    ]
}

fn load_keys(read: &VaultRead, own: Own) -> Result<Keys, DriverError> {
    let secret = |name| own.get(read, name)?.ok_or(DriverError::NoIdentity);
    let seed = secret(name::SIGNING)?;
    let seed: &[u8; 32] = seed.as_slice().try_into().map_err(|_| DriverError::NoIdentity)?;
    let signing = SigningKey::from_seed(seed);
    let sealing = SealingKey::from_bytes(&secret(name::SEALING)?).map_err(DriverError::Crypto)?;
    let standing = load_standing(read, &own)?;
    Ok(Keys {
        own,
        identity: identity_id(&signing.public_key()),
        signing,
        sealing,
        standing: Mutex::new(standing),
    })
}

fn load_standing(read: &VaultRead, own: &Own) -> Result<Option<Standing>, DriverError> {
    let Some(credential) = own.get(read, name::CREDENTIAL)?.and_then(|bytes| StatementId::from_slice(&bytes))
    else {
        return Ok(None);
    };
    let trust = load_trust(read)?;
    let Some(stated) = trust.credential(&credential) else { return Ok(None) };
    let organisation = trust.organisation_of(&credential).map(|o| (stated.issuer, o.id));
    Ok(Some(Standing { credential, organisation }))
}

fn load_trust(read: &VaultRead) -> Result<Trust, crate::store::StoreError> {
    let root = read.secret(name::ROOT)?.and_then(|bytes| bytes.as_slice().try_into().ok()).unwrap_or([0; 32]);
    let mut trust = Trust::new(root);
    for kind in [StatementKind::Organisation, StatementKind::Credential] {
        for row in read.statements(kind)? {
            if let Err(error) = trust.restore(&row.bytes) {
                tracing::warn!(%error, "a stored statement cannot be read");
            }
        }
    }
    Ok(trust)
}
