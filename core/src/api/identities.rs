//! Several people on one device: each has a PIN, signs as themself, and reads the same plans.

use std::path::Path;

use serde::Serialize;

use super::{ApiError, App};
use crate::driver::device::Host;
use crate::driver::keyring::{Keyring, Listed};
use crate::driver::repair::{Repair, repair};

pub use crate::driver::keyring::Slot;

/// Somebody who has a PIN on this device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdentityRow {
    /// Which one, in hexadecimal; means nothing outside this device.
    pub id: String,
    /// What they are called here; empty for the first one until they are given a name. It is kept in clear, because it is
    /// shown on the locked screen: initials or a first name.
    pub label: String,
    /// False when their keys on this device were destroyed after too many wrong PINs.
    pub can_unlock: bool,
    /// The device is unlocked as them.
    pub here: bool,
}

impl App {
    /// Everybody who has a PIN on this device, in the order in which they came. Needs no PIN.
    #[must_use]
    pub fn identities(&self) -> Vec<IdentityRow> {
        let here = self.device.unlocked_as();
        self.device.identities().into_iter().map(|listed| row(listed, here)).collect()
    }

    /// The same of a device that is not open, for whoever repairs it.
    pub fn identities_in(dir: &Path) -> Result<Vec<IdentityRow>, ApiError> {
        Ok(Keyring::open(dir)?.list().into_iter().map(|listed| row(listed, None)).collect())
    }

    /// Unlocks as one of several, or hands over from one to another: who was here before leaves memory. Needs no network.
    ///
    /// Errors: those of [`App::unlock`]. The tries of one PIN are nobody else's.
    pub fn unlock_as(&self, identity: Slot, pin: &str) -> Result<(), ApiError> {
        if self.device.unlocked_as() != Some(identity) {
            self.tell_engine_locked();
        }
        self.device.unlock(identity, pin)?;
        self.tell_unlocked();
        Ok(())
    }

    /// Lets somebody else use this device. Whoever `host` is lets them in by their own PIN; the new one chooses a label and a
    /// PIN, unlocks as themself, and enrols by an invitation of their own.
    ///
    /// Errors: [`ApiError::Invalid`] for a label that is taken or too long and for a short PIN, [`ApiError::WrongPin`] for the
    /// host's, [`ApiError::NotAllowed`] when the device is full.
    pub fn add_identity(
        &self,
        host: Slot,
        hosts_pin: &str,
        label: &str,
        pin: &str,
    ) -> Result<Slot, ApiError> {
        Ok(self.device.add_identity(host, hosts_pin, label, pin)?)
    }

    /// Calls somebody something else on this device.
    pub fn rename_identity(&self, identity: Slot, label: &str) -> Result<(), ApiError> {
        self.vault()?;
        Ok(self.device.rename_identity(identity, label)?)
    }

    /// Takes somebody off this device: their keys go, what they wrote stays, and what was not sent is sent. Whoever unlocked
    /// the device may do it; their credential ends by their organisation's word, not by this.
    ///
    /// Errors: [`ApiError::NotAllowed`] when nobody would be left who can unlock.
    pub fn remove_identity(&self, identity: Slot) -> Result<(), ApiError> {
        self.vault()?;
        self.device.remove_identity(identity)?;
        if !self.device.is_unlocked() {
            self.tell_engine_locked();
        }
        Ok(())
    }

    /// [`App::repair`] on a device of several people: by the PIN of one of them.
    pub fn repair_as(dir: &Path, host: &Host, identity: Slot, pin: &str) -> Result<Repair, ApiError> {
        Ok(repair(dir, host, Some(identity), pin)?)
    }

    /// Who a PIN without a name belongs to: whoever unlocked the device, or the only one who can.
    pub(super) fn whoever(&self) -> Result<Slot, ApiError> {
        let only = || self.device.only_identity();
        self.device.unlocked_as().or_else(only).ok_or_else(|| {
            ApiError::invalid("identity", "several people share this device; say whose PIN it is")
        })
    }
}

fn row(listed: Listed, here: Option<Slot>) -> IdentityRow {
    IdentityRow {
        id: listed.slot.to_hex(),
        label: listed.label,
        can_unlock: listed.can_unlock,
        here: here == Some(listed.slot),
    }
}
