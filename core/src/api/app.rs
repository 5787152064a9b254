//! One device, as an app holds it.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use bedside_protocol::cbor;
use bedside_protocol::ids::Timestamp;
use bedside_protocol::statement::Role;
use serde::Serialize;

use super::ApiError;
use crate::driver::DriverError;
use crate::driver::device::{Device, Host};
use crate::driver::observe::{Event, Subscription};
use crate::driver::open_vault::{OpenVault, name};
use crate::driver::repair::{Repair, repair};
use crate::driver::run::Running;
use crate::engine::Status;
use crate::plan::locale::Locale;
use crate::plan::view::PlanView;
use crate::store::Counts;

/// One device: a profile directory with its vault and mailbox.
///
/// May be shared between threads; every method takes `&self`.
pub struct App {
    pub(crate) device: Arc<Device>,
    pub(super) runtime: tokio::runtime::Runtime,
    pub(super) running: Mutex<Option<Running>>,
    /// The platform has a network, as far as it said.
    pub(super) network: AtomicBool,
}

/// Who this device's person is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// As colleagues know them.
    pub name: String,
    /// What they are to the plans they write in.
    #[serde(serialize_with = "role_name")]
    pub role: Role,
    /// Their organisation; none for a person with their own plan.
    pub organisation: Option<String>,
}

/// How things are on this device.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceStatus {
    /// The vault is open.
    pub unlocked: bool,
    /// Who the device's person is; absent while locked or before enrolment.
    pub identity: Option<Identity>,
    /// The relay's address.
    pub relay: Option<String>,
    /// The relay's clock at the last contact, in milliseconds since 1970.
    pub last_contact: Option<u64>,
    /// How far this device's clock is from the relay's, in milliseconds; positive when it is ahead. Measured at the
    /// last contact.
    pub clock_ahead_ms: Option<i64>,
    /// Entries that wait to be sent.
    pub unsent: u64,
    /// Items that came and are not opened yet.
    pub unopened: u64,
    /// Plans; absent while locked.
    pub plans: Option<u64>,
    /// Entries that wait for something that has not come; absent while locked.
    pub waiting: Option<u64>,
    /// Entries that the relay refused; absent while locked.
    pub refused: Option<u64>,
    /// Things that could not be read and were put aside; absent while locked.
    pub set_aside: Option<u64>,
}

/// The device's clock against the relay's.
pub struct Clocks;

impl Clocks {
    /// A clock that is wrong by more than this is worth a warning: two minutes.
    pub const TOLERATED_MS: i64 = 120_000;
}

impl App {
    /// Makes a new device in a directory without one. It is unlocked.
    ///
    /// Errors: [`ApiError::AlreadyThere`], [`ApiError::Invalid`] for a short PIN, [`ApiError::FreeSpace`].
    pub fn create(dir: &Path, host: Host, pin: &str) -> Result<Self, ApiError> {
        Self::with(Device::create(dir, host, pin)?)
    }

    /// Opens a device, locked.
    ///
    /// Errors: [`ApiError::NotFound`] when the directory holds none, [`ApiError::InUse`], [`ApiError::Damaged`].
    pub fn open(dir: &Path, host: Host) -> Result<Self, ApiError> {
        Self::with(Device::open(dir, host)?)
    }

    /// Checks a device that is not open, and makes anew what is damaged: the damaged file is moved aside, what can be read
    /// is kept, and the rest comes back from the relay with the next sync.
    pub fn repair(dir: &Path, host: &Host, pin: &str) -> Result<Repair, ApiError> {
        Ok(repair(dir, host, None, pin)?)
    }

    fn with(device: Device) -> Result<Self, ApiError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("bedside")
            .enable_all()
            .build()
            .map_err(DriverError::Runtime)?;
        Ok(Self {
            device: Arc::new(device),
            runtime,
            running: Mutex::new(None),
            network: AtomicBool::new(true),
        })
    }

    /// Unlocks by the person's PIN. On a device that several people share, see [`Self::unlock_as`].
    ///
    /// Errors: [`ApiError::WrongPin`], [`ApiError::Wait`], [`ApiError::KeysDestroyed`], [`ApiError::Damaged`].
    pub fn unlock(&self, pin: &str) -> Result<(), ApiError> {
        self.unlock_as(self.whoever()?, pin)
    }

    /// Unlocks without a PIN if [`Self::remember`] allows it still.
    pub fn unlock_remembered(&self) -> Result<bool, ApiError> {
        let unlocked = self.device.unlock_remembered()?;
        if unlocked {
            self.tell_unlocked();
        }
        Ok(unlocked)
    }

    /// Unlocks, and lets the platform's key store unlock until a moment at most a day away.
    pub fn remember(&self, pin: &str, until: Timestamp) -> Result<(), ApiError> {
        self.device.remember(self.whoever()?, pin, until)?;
        self.tell_unlocked();
        Ok(())
    }

    /// Locks: keys and plans leave memory, and nothing is remembered.
    pub fn lock(&self) -> Result<(), ApiError> {
        self.device.forget()?;
        self.tell_engine_locked();
        Ok(self.device.lock()?)
    }

    /// Changes the PIN of whoever unlocked the device, or of the only one on it.
    pub fn change_pin(&self, old: &str, new: &str) -> Result<(), ApiError> {
        Ok(self.device.change_pin(self.whoever()?, old, new)?)
    }

    /// How things are.
    pub fn status(&self) -> Result<DeviceStatus, ApiError> {
        let state = self.device.mailbox.state().map_err(DriverError::Store)?;
        let (unsent, unopened) = self.device.mailbox.counts().map_err(DriverError::Store)?;
        let (counts, only_counted): (Option<Counts>, u64) = match self.device.vault() {
            Ok(open) => {
                let read = open.vault.read(|read| Ok((read.counts()?, read.meta(name::ONLY_COUNTED)?)));
                let (counts, only_counted) = read.map_err(DriverError::Store)?;
                let only_counted = only_counted.and_then(|bytes| cbor::decode(&bytes).ok());
                (Some(counts), only_counted.unwrap_or_default())
            }
            Err(_) => (None, 0),
        };
        let clock_ahead_ms = state.device_time.zip(state.relay_time).map(|(device, relay)| {
            i64::try_from(device.0)
                .unwrap_or(i64::MAX)
                .saturating_sub(i64::try_from(relay.0).unwrap_or(i64::MAX))
        });
        Ok(DeviceStatus {
            unlocked: self.device.is_unlocked(),
            identity: self.identity(),
            relay: state.relay_url,
            last_contact: state.relay_time.map(|time| time.0),
            clock_ahead_ms,
            unsent: counts.map_or(unsent, |counts| counts.outgoing),
            unopened,
            plans: counts.map(|counts| counts.plans),
            waiting: counts.map(|counts| counts.waiting),
            refused: counts.map(|counts| counts.refused),
            set_aside: counts.map(|counts| counts.quarantined.saturating_add(only_counted)),
        })
    }

    /// Who this device's person is; none while locked or before enrolment.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        let open = self.device.vault().ok()?;
        let standing = open.standing().ok()?;
        let books = open.books();
        let credential = books.trust.credential(&standing.credential)?;
        let organisation = books.trust.organisation_of(&standing.credential).map(|o| o.name.clone());
        Some(Identity { name: credential.name.clone(), role: credential.role, organisation })
    }

    /// How things are between this device and the relay, as far as was told.
    #[must_use]
    pub fn sync_status(&self) -> Option<Status> {
        self.device.observers.status()
    }

    /// Calls back with the current sync status at once and with every event from then on, from one thread, until the
    /// subscription is dropped.
    #[must_use]
    pub fn subscribe(&self, callback: impl FnMut(&Event) + Send + 'static) -> Subscription {
        self.device.observers.subscribe(callback)
    }

    /// The language that everything is said in: see [`Language`](crate::ports::Language).
    #[must_use]
    pub fn locale(&self) -> Arc<Locale> {
        self.device.host().language.locale()
    }

    /// A view as it is said here.
    pub(super) fn said(&self, view: PlanView) -> PlanView {
        let locale = self.locale();
        if Arc::ptr_eq(&locale, Locale::british_english()) { view } else { view.in_language(&locale) }
    }

    pub(super) fn vault(&self) -> Result<Arc<OpenVault>, ApiError> {
        Ok(self.device.vault()?)
    }

    /// The vault, for reading plans in it: on a shared device the plans are there before everybody is enrolled.
    pub(super) fn reading(&self) -> Result<Arc<OpenVault>, ApiError> {
        let open = self.device.vault()?;
        if open.standing().is_err() && open.belongs()? {
            return Err(ApiError::NotEnrolled);
        }
        Ok(open)
    }

    pub(super) fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn role_name<S: serde::Serializer>(role: &Role, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(role.name())
}
