//! Several people on one device: each has a PIN, signs as themself, and reads the same plans.

use std::sync::Arc;

use bedside_core::api::{self, App, Slot};

use crate::cross::Cross;
use crate::device::Repair;
use crate::host::{KeyStore, host};
use crate::{ApiError, Device};

/// Somebody who has a PIN on this device.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct IdentityRow {
    /// Which one; means nothing outside this device.
    pub id: String,
    /// What they are called here; empty for the first one until they are given a name. It is kept in clear, because it is
    /// shown on the locked screen: initials or a first name.
    pub label: String,
    /// False when their keys on this device were destroyed after too many wrong PINs.
    pub can_unlock: bool,
    /// The device is unlocked as them.
    pub here: bool,
}

withheld!(IdentityRow);
crosses!(api::IdentityRow => IdentityRow { id, label, can_unlock, here });

/// Everybody who has a PIN on a device that is not open.
#[uniffi::export]
pub fn identities_in(directory: String) -> Result<Vec<IdentityRow>, ApiError> {
    Ok(App::identities_in(directory.as_ref())?.cross())
}

/// `repair` on a device of several people: by the PIN of one of them.
#[uniffi::export]
pub fn repair_as(
    directory: String,
    key_store: Arc<dyn KeyStore>,
    identity: Slot,
    pin: String,
) -> Result<Repair, ApiError> {
    Ok(App::repair_as(directory.as_ref(), &host(key_store), identity, &pin)?.cross())
}

#[uniffi::export]
impl Device {
    /// Everybody who has a PIN on this device, in the order in which they came. Needs no PIN.
    pub fn identities(&self) -> Vec<IdentityRow> {
        self.app.identities().cross()
    }

    /// Unlocks as one of several, or hands over from one to another: who was here before leaves memory. Takes the time of a
    /// PIN.
    pub fn unlock_as(&self, identity: Slot, pin: String) -> Result<(), ApiError> {
        Ok(self.app.unlock_as(identity, &pin)?)
    }

    /// Lets somebody else use this device. Whoever `host` is lets them in by their own PIN; the new one chooses a label and a
    /// PIN, unlocks as themself, and enrols by an invitation of their own. Takes the time of two PINs.
    ///
    /// Errors: `Invalid` for a label that is taken or too long and for a short PIN; `WrongPin` for the host's; `NotAllowed`
    /// when the device is full.
    pub fn add_identity(
        &self,
        host: Slot,
        hosts_pin: String,
        label: String,
        pin: String,
    ) -> Result<Slot, ApiError> {
        Ok(self.app.add_identity(host, &hosts_pin, &label, &pin)?)
    }

    /// Calls somebody something else on this device.
    pub fn rename_identity(&self, identity: Slot, label: String) -> Result<(), ApiError> {
        Ok(self.app.rename_identity(identity, &label)?)
    }

    /// Takes somebody off this device: their keys go, what they wrote stays, and what was not sent is sent.
    ///
    /// Errors: `NotAllowed` when nobody would be left who can unlock.
    pub fn remove_identity(&self, identity: Slot) -> Result<(), ApiError> {
        Ok(self.app.remove_identity(identity)?)
    }
}
