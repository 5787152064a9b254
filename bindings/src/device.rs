//! A device: its profile directory, locked or unlocked, and the life of the app that has it open.

use std::sync::Arc;

use bedside_core::api::{self, App, Role};

use crate::ApiError;
use crate::cross::{Alive, Cross};
use crate::host::{KeyStore, host};

/// One device: a profile directory with its vault and mailbox. May be used from any thread.
#[derive(uniffi::Object)]
pub struct Device {
    pub(crate) app: Arc<App>,
    _alive: Alive,
}

/// What somebody is to the plans they write in.
#[uniffi::remote(Enum)]
pub enum Role {
    /// The one the plan is about.
    Person,
    /// Somebody who speaks for the person.
    Proxy,
    /// Doctor.
    Doctor,
    /// Registered nurse.
    Nurse,
    /// Allied health professional or paramedic.
    AlliedHealth,
    /// Carer or care-home staff.
    Carer,
    /// Social worker.
    SocialWorker,
    /// Reads in an emergency.
    UrgentCare,
    /// Runs an organisation's devices; sees no plan by that alone.
    Administrator,
}

/// Who this device's person is.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct Identity {
    /// As colleagues know them.
    pub name: String,
    /// What they are to the plans they write in.
    pub role: Role,
    /// Their organisation; none for a person with their own plan.
    pub organisation: Option<String>,
}

/// How things are on this device.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct DeviceStatus {
    /// The vault is open.
    pub unlocked: bool,
    /// Who the device's person is; absent while locked or before enrolment.
    pub identity: Option<Identity>,
    /// The relay's address.
    pub relay: Option<String>,
    /// The relay's clock at the last contact.
    pub last_contact: Option<i64>,
    /// How far this device's clock is from the relay's, in milliseconds; positive when it is ahead. Warn from two minutes on.
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

/// What a repair did.
#[derive(Debug, uniffi::Record)]
pub struct Repair {
    /// Where the damaged files were put; empty when nothing was damaged.
    pub moved_to: Vec<String>,
    /// Entries that were read and are whole.
    pub entries: u64,
    /// Rows, at most, that could not be read. Those that the relay has come back with the next sync.
    pub lost: u64,
    /// The device's identity could not be read: it has to be enrolled again.
    pub enrol_again: bool,
}

withheld!(Identity, DeviceStatus);
crosses!(api::Identity => Identity { name, role, organisation });
crosses!(api::DeviceStatus => DeviceStatus {
    unlocked, identity, relay, last_contact, clock_ahead_ms, unsent, unopened, plans, waiting, refused, set_aside,
});
crosses!(api::Repair => Repair { moved_to, entries, lost, enrol_again });

impl Cross<String> for std::path::PathBuf {
    fn cross(self) -> String {
        self.display().to_string()
    }
}

impl Device {
    fn of(app: App) -> Arc<Self> {
        Arc::new(Self { app: Arc::new(app), _alive: Alive::counted() })
    }
}

/// Checks a device that is not open, and makes anew what is damaged: the damaged file is moved aside, what can be read is kept,
/// and the rest comes back from the relay with the next sync. Blocks, on a large vault for seconds.
#[uniffi::export]
pub fn repair(directory: String, key_store: Arc<dyn KeyStore>, pin: String) -> Result<Repair, ApiError> {
    Ok(App::repair(directory.as_ref(), &host(key_store), &pin)?.cross())
}

#[uniffi::export]
impl Device {
    /// Makes a new device in a directory without one. It is unlocked. Takes the time of a PIN.
    ///
    /// Errors: `AlreadyThere`; `Invalid` for a short PIN; `FreeSpace`; `KeyStore`.
    #[uniffi::constructor]
    pub fn create(
        directory: String,
        key_store: Arc<dyn KeyStore>,
        pin: String,
    ) -> Result<Arc<Self>, ApiError> {
        Ok(Self::of(App::create(directory.as_ref(), host(key_store), &pin)?))
    }

    /// Opens a device, locked.
    ///
    /// Errors: `NotFound` when the directory holds none; `InUse`; `Damaged`; `KeyStore`.
    #[uniffi::constructor]
    pub fn open(directory: String, key_store: Arc<dyn KeyStore>) -> Result<Arc<Self>, ApiError> {
        Ok(Self::of(App::open(directory.as_ref(), host(key_store))?))
    }

    /// Unlocks by the person's PIN. Takes the time of a PIN.
    ///
    /// Errors: `WrongPin`, `Wait`, `KeysDestroyed`, `Damaged`, `KeyStore`.
    pub fn unlock(&self, pin: String) -> Result<(), ApiError> {
        Ok(self.app.unlock(&pin)?)
    }

    /// Unlocks without a PIN if `remember` allows it still; false when it does not.
    pub fn unlock_remembered(&self) -> Result<bool, ApiError> {
        Ok(self.app.unlock_remembered()?)
    }

    /// Unlocks, and lets the platform's key store unlock until a moment at most a day away. Takes the time of a PIN.
    pub fn remember(&self, pin: String, until: i64) -> Result<(), ApiError> {
        Ok(self.app.remember(&pin, until.cross())?)
    }

    /// Locks: keys and plans leave memory, and nothing is remembered.
    pub fn lock(&self) -> Result<(), ApiError> {
        Ok(self.app.lock()?)
    }

    /// Changes the PIN. Takes the time of two PINs.
    pub fn change_pin(&self, old: String, new: String) -> Result<(), ApiError> {
        Ok(self.app.change_pin(&old, &new)?)
    }

    /// The app is on the screen: files are taken again if they were released, and changes arrive by themselves.
    pub fn foreground(&self) -> Result<(), ApiError> {
        Ok(self.app.foreground()?)
    }

    /// The app is off the screen: changes no longer arrive by themselves. `sync` still works.
    pub fn background(&self) {
        self.app.background();
    }

    /// Releases every file and lock; syncing pauses. For when the platform suspends the app. Before another process opens the
    /// same directory, lock as well: what is in memory would not know what it wrote.
    pub fn suspend(&self) -> Result<(), ApiError> {
        Ok(self.app.suspend()?)
    }

    /// Takes files and locks again after `suspend`.
    pub fn resume(&self) -> Result<(), ApiError> {
        Ok(self.app.resume()?)
    }

    /// What the platform says of the network: a hint. When it comes back, the relay is tried at once.
    pub fn network(&self, available: bool) {
        self.app.network(available);
    }

    /// How things are.
    pub fn status(&self) -> Result<DeviceStatus, ApiError> {
        Ok(self.app.status()?.cross())
    }

    /// Who this device's person is; none while locked or before enrolment.
    pub fn identity(&self) -> Option<Identity> {
        self.app.identity().cross()
    }
}
