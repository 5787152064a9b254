//! An unlocked vault: whose it is, whom it believes, and the plans that were opened lately.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bedside_protocol::entry::Compartment;
use bedside_protocol::ids::{IdentityId, LogId, OrganisationId, Principal, StatementId, Timestamp};
use bedside_protocol::signing::Signer;
use bedside_protocol::statement::{Role, Trust, identity_id};

use super::DriverError;
use super::lists::Looks;
use super::looks::Unsent;
use super::own::{Kept, Own};

use crate::crypto::content::ContentKey;
use crate::crypto::keys::{SealingKey, SigningKey};
use crate::crypto::lookup::LookupKey;
use crate::ledger::By;
use crate::ledger::family::Both;
use crate::ledger::replica::Replica;
use crate::ledger::write::Pen;
use crate::ports::Entropy;
use crate::store::{ContentKeyRow, MailRow, StatementKind, Vault, VaultRead};

/// In place of a count of the vault's changes: before all of them.
pub(super) const NEVER: u64 = u64::MAX;

/// How many plans are kept ready in memory between two uses, and how many of their compartments. A round of visits is a dozen.
/// What one batch from the relay touches is in memory until it is written: `OPEN_BATCH_MAX` at most.
const REPLICAS_MAX: usize = 24;

/// An unlocked vault.
pub(crate) struct OpenVault {
    pub(crate) vault: Vault,
    pub(crate) keys: Keys,
    books: Mutex<Books>,
    /// The last position of the outbox that the mailbox has a copy of.
    pub(super) posted: AtomicI64,
    /// What commits wrote after that position. The mailbox gets it next.
    pub(super) to_post: Mutex<Vec<(i64, MailRow)>>,
    /// Up to which of the vault's changes for the relay the mailbox has what they wrote.
    pub(super) posted_changes: AtomicU64,
    pub(super) looks: Mutex<Looks>,
    /// Looks that the vault is to make entries of.
    pub(super) unsent: Unsent,
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
    /// Main logs.
    replicas: BTreeMap<LogId, (u64, Replica)>,
    beside: BTreeMap<LogId, (u64, Replica)>,
    /// The logs known to stand beside a main one: beside which, and as what. None for a log that is not known to.
    places: BTreeMap<LogId, Option<Place>>,
    /// Every log beside a main one, by compartment, for the main logs of which that was asked.
    families: BTreeMap<LogId, Vec<(Compartment, LogId)>>,
    used: u64,
    to_write: ToWrite,
}

/// What a save needs of the vault, as it was after so many of the vault's changes beside entries.
struct ToWrite {
    as_of: u64,
    sync_first: bool,
    /// The keys that new entries are sealed under.
    keys: BTreeMap<LogId, ContentKey>,
}

/// Where a log stands that is beside a plan's main one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) main: LogId,
    pub(crate) compartment: Compartment,
}

/// The logs of one plan that this device holds, to be shown: not the access record, which is no part of the plan.
pub(crate) struct Family<'a> {
    pub(crate) main: &'a Replica,
    pub(crate) beside: Vec<&'a Replica>,
    pub(crate) trust: &'a Trust,
}

impl Family<'_> {
    /// The main log and the professional one.
    pub(crate) fn both(&self) -> Both<'_> {
        Both::of(self.main, &self.beside)
    }

    /// Each log, the main one first.
    pub(crate) fn logs(&self) -> impl Iterator<Item = &Replica> {
        [self.main].into_iter().chain(self.beside.iter().copied())
    }

    pub(crate) fn leave_out(&mut self, compartment: Compartment) {
        self.beside.retain(|replica| replica.ledger().compartment() != compartment);
    }
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
    /// One identity's own, before the key of a field: what they noted before they had a plan.
    pub(crate) const NOTEBOOK: &str = "notebook.";
    /// Before the ids of an identity and a plan: until when it may be read although consent was withdrawn, and why.
    pub(crate) const GLASS: &str = "glass.";
    /// Set by a repair: own entries may be missing, so nothing is written before the relay has given them back.
    pub(crate) const SYNC_FIRST: &str = "sync.first";
    /// Followed by a log's id: entries of it were left with the relay, for want of room.
    pub(crate) const PASSED_OVER: &str = "passed-over.";
    /// Entries of a log without a key were left with the relay, for want of room.
    pub(crate) const UNREAD_LEFT: &str = "unread-left";
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
        let (replicas, beside, places, families) = Default::default();
        let to_write = ToWrite { as_of: NEVER, sync_first: true, keys: BTreeMap::new() };
        let books =
            Books { trust, reader, passed_over, replicas, beside, places, families, used: 0, to_write };
        Ok(Self {
            vault,
            keys,
            books: Mutex::new(books),
            posted: AtomicI64::new(i64::MIN),
            to_post: Mutex::default(),
            posted_changes: AtomicU64::new(NEVER),
            looks: Mutex::default(),
            unsent: Unsent::default(),
        })
    }

    /// Room is made here and nowhere else: a replica may hold what its holder has not written yet, and whoever loaded it anew
    /// from the vault would miss that.
    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        // A panic while it was held may have left a replica half changed: drop them all, the vault has the truth.
        let mut books = self.books.lock().unwrap_or_else(|poisoned: PoisonError<_>| {
            let mut books = poisoned.into_inner();
            books.evict_all();
            self.books.clear_poison();
            books
        });
        make_room(&mut books.replicas);
        make_room(&mut books.beside);
        books
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
        current(&self.vault.read(|read| read.content_keys(log))?)
    }

    /// Nobody writes before a repaired vault has its own entries back.
    pub(crate) fn check_in_step(&self, books: &mut Books) -> Result<(), DriverError> {
        if self.to_write(books)?.sync_first { Err(DriverError::SyncFirst) } else { Ok(()) }
    }

    /// [`Self::current_key`], of which the vault is not asked at every save.
    pub(crate) fn key_to_write(&self, books: &mut Books, log: LogId) -> Result<ContentKey, DriverError> {
        let known = &mut self.to_write(books)?.keys;
        if let Some(key) = known.get(&log) {
            return Ok(key.clone());
        }
        let key = self.current_key(&log)?;
        known.insert(log, key.clone());
        Ok(key)
    }

    fn to_write<'b>(&self, books: &'b mut Books) -> Result<&'b mut ToWrite, DriverError> {
        let as_of = self.vault.changes_beside_entries();
        if books.to_write.as_of != as_of {
            let sync_first = self.vault.read(|read| read.meta(name::SYNC_FIRST))?.is_some();
            books.to_write = ToWrite { as_of, sync_first, keys: BTreeMap::new() };
        }
        Ok(&mut books.to_write)
    }
}

fn current(keys: &[ContentKeyRow]) -> Result<ContentKey, DriverError> {
    let row =
        keys.iter().find(|row| row.current).or_else(|| keys.first()).ok_or(DriverError::NoContentKey)?;
    ContentKey::from_bytes(&row.key).map_err(DriverError::Crypto)
}

impl Books {
    /// True when a plan is in memory: it is in the vault then.
    pub(crate) fn has_ready(&self, plan: &LogId) -> bool {
        self.replicas.get(plan).is_some_and(|(_, replica)| !replica.ledger().is_empty())
    }

    /// The replica of a log, from memory or from the vault.
    pub(crate) fn replica(&mut self, vault: &Vault, log: LogId) -> Result<&mut Replica, DriverError> {
        self.replica_and_by(vault, log).map(|(replica, _)| replica)
    }

    /// The replica and the trust it is judged by, together.
    pub(crate) fn replica_and_trust(
        &mut self,
        vault: &Vault,
        log: LogId,
    ) -> Result<(&mut Replica, &Trust), DriverError> {
        self.replica_and_by(vault, log).map(|(replica, by)| (replica, by.trust))
    }

    /// The replica and everything it is judged by, together.
    pub(crate) fn replica_and_by(
        &mut self,
        vault: &Vault,
        log: LogId,
    ) -> Result<(&mut Replica, By<'_>), DriverError> {
        let Some(place) = self.place(vault, log)? else {
            self.load(vault, log)?;
            let (_, replica) = self.replicas.get_mut(&log).expect("load() put it there");
            return Ok((replica, By { trust: &self.trust, plan: None }));
        };
        self.load(vault, place.main)?;
        self.load_beside(vault, log, place)?;
        let (_, main) = self.replicas.get(&place.main).expect("load() put it there");
        let by = By { trust: &self.trust, plan: Some(main.ledger()) };
        let (_, beside) = self.beside.get_mut(&log).expect("load_beside() put it there");
        beside.keep_up(by);
        Ok((beside, by))
    }

    /// Where a log stands; none for a main log, and for one of which that is not known yet.
    pub(crate) fn place(&mut self, vault: &Vault, log: LogId) -> Result<Option<Place>, DriverError> {
        if let Some(place) = self.places.get(&log) {
            return Ok(*place);
        }
        let Some(row) = vault.read(|read| read.log(&log))? else { return Ok(None) };
        let place = row.main.zip(Compartment::from_number(row.compartment));
        let place = place.map(|(main, compartment)| Place { main, compartment });
        self.places.insert(log, place);
        Ok(place)
    }

    /// The plan that a log is part of: its main log.
    pub(crate) fn plan_of(&mut self, vault: &Vault, log: LogId) -> Result<LogId, DriverError> {
        Ok(self.place(vault, log)?.map_or(log, |place| place.main))
    }

    /// It is known now where a log stands.
    pub(crate) fn put_place(&mut self, log: LogId, place: Place) {
        self.replicas.remove(&log);
        self.beside.remove(&log);
        self.places.insert(log, Some(place));
        self.families.remove(&place.main);
    }

    /// The logs beside a main one, by compartment.
    pub(crate) fn beside(
        &mut self,
        vault: &Vault,
        main: LogId,
    ) -> Result<Vec<(Compartment, LogId)>, DriverError> {
        if let Some(known) = self.families.get(&main) {
            return Ok(known.clone());
        }
        for row in vault.read(|read| read.compartments(&main))? {
            self.place(vault, row.id)?;
        }
        let mut all: Vec<_> = self.members(main).map(|(log, place)| (place.compartment, log)).collect();
        all.sort_unstable();
        self.families.insert(main, all.clone());
        Ok(all)
    }

    /// The logs of a plan beside its main one that this device's person may be shown: the access record is no part of the plan, and
    /// what is kept from the person is for nobody who is the person or speaks for them.
    pub(crate) fn shown_beside(
        &mut self,
        vault: &Vault,
        main: LogId,
    ) -> Result<Vec<(Compartment, LogId)>, DriverError> {
        let personal = matches!(self.role(), Some(Role::Person | Role::Proxy));
        let mut shown = self.beside(vault, main)?;
        shown.retain(|(compartment, _)| *compartment != Compartment::AccessRecord && !personal);
        Ok(shown)
    }

    /// What of a plan is here to be shown.
    pub(crate) fn family(&mut self, vault: &Vault, main: LogId) -> Result<Family<'_>, DriverError> {
        let shown = self.shown_beside(vault, main)?;
        self.load(vault, main)?;
        for (_, log) in &shown {
            self.replica_and_by(vault, *log)?;
        }
        let beside = shown.iter().filter_map(|(_, log)| self.beside.get(log));
        let (_, main) = self.replicas.get(&main).expect("load() put it there");
        Ok(Family { main, beside: beside.map(|(_, beside)| beside).collect(), trust: &self.trust })
    }

    fn load(&mut self, vault: &Vault, log: LogId) -> Result<(), DriverError> {
        self.used += 1;
        if !self.replicas.contains_key(&log) {
            let replica = stored(vault, log, Compartment::Shared, By::from(&self.trust))?;
            self.replicas.insert(log, (self.used, replica));
        }
        let (used, _) = self.replicas.get_mut(&log).expect("it was put there if it was missing");
        *used = self.used;
        Ok(())
    }

    fn load_beside(&mut self, vault: &Vault, log: LogId, place: Place) -> Result<(), DriverError> {
        if !self.beside.contains_key(&log) {
            let (_, main) = self.replicas.get(&place.main).expect("it was loaded before");
            let by = By { trust: &self.trust, plan: Some(main.ledger()) };
            let replica = stored(vault, log, place.compartment, by)?;
            self.beside.insert(log, (self.used, replica));
        }
        let (used, _) = self.beside.get_mut(&log).expect("it was put there if it was missing");
        *used = self.used;
        Ok(())
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
        self.beside.remove(log);
        // What was judged by it, and whatever was not stored with it.
        let of_plan: Vec<LogId> = self.members(*log).map(|(log, _)| log).collect();
        for log in of_plan {
            self.beside.remove(&log);
            self.places.remove(&log);
        }
        let main = self.places.remove(log).flatten().map_or(*log, |place| place.main);
        self.families.remove(&main);
    }

    fn members(&self, main: LogId) -> impl Iterator<Item = (LogId, Place)> {
        let placed = self.places.iter().filter_map(|(log, place)| Some((*log, (*place)?)));
        placed.filter(move |(_, place)| place.main == main)
    }

    /// Forgets everything that may differ from the vault.
    pub(crate) fn evict_all(&mut self) {
        self.replicas.clear();
        self.beside.clear();
        self.places.clear();
        self.families.clear();
    }
}

fn stored(vault: &Vault, log: LogId, compartment: Compartment, by: By<'_>) -> Result<Replica, DriverError> {
    let (entries, document) = vault.read(|read| Ok((read.entries(&log)?, read.document(&log)?)))?;
    let entries = entries.into_iter().map(|row| row.bytes);
    let document = document.as_ref().map(|row| row.bytes.as_slice());
    let replica = Replica::rebuild_of(log, compartment, entries, document, by);
    if !replica.left_out().is_empty() {
        let count = replica.left_out().len();
        tracing::warn!(count, "stored entries cannot be read and are left out");
    }
    Ok(replica)
}

fn make_room(kept: &mut BTreeMap<LogId, (u64, Replica)>) {
    while kept.len() > REPLICAS_MAX {
        let oldest = kept.iter().min_by_key(|(_, (used, _))| *used).map(|(log, _)| *log);
        let Some(oldest) = oldest else { break };
        kept.remove(&oldest);
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
