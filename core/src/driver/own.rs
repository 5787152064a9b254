//! What only one of the identities on a device may use, in the vault that all of them open: each value is sealed once more
//! under a key that is behind that identity's PIN.

use zeroize::Zeroizing;

use super::DriverError;
use super::keyring::Slot;
use crate::crypto::vault_key::{OwnKey, Unlocked, VaultKey};
use crate::ports::Entropy;
use crate::store::VaultRead;

/// How the names of all identities' secrets begin.
const PREFIX: &str = "identity.";

/// The secrets of the identity that unlocked the vault.
#[derive(Clone)]
pub(crate) struct Own {
    pub(crate) slot: Slot,
    key: OwnKey,
}

/// A secret as it is kept: its name and its sealed value.
pub(crate) type Kept = (String, Vec<u8>);

impl Own {
    /// The identity's secrets, and the key of the vault that they lie in.
    pub(crate) fn new(slot: Slot, unlocked: Unlocked) -> (Self, VaultKey) {
        (Self { slot, key: unlocked.own }, unlocked.vault)
    }

    pub(crate) const fn key(&self) -> &OwnKey {
        &self.key
    }

    /// How the names of an identity's secrets begin.
    pub(crate) fn prefix(slot: Slot) -> String {
        format!("{PREFIX}{}.", slot.to_hex())
    }

    pub(crate) fn name(&self, what: &str) -> String {
        Self::prefix(self.slot) + what
    }

    pub(crate) fn get(
        &self,
        read: &VaultRead,
        what: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, DriverError> {
        let name = self.name(what);
        let sealed = read.secret(&name)?;
        sealed.map(|sealed| self.key.open(&name, &sealed).map_err(DriverError::Crypto)).transpose()
    }

    pub(crate) fn seal(&self, what: &str, secret: &[u8], entropy: &dyn Entropy) -> Kept {
        let name = self.name(what);
        let sealed = self.key.seal(&name, secret, entropy);
        (name, sealed)
    }
}
