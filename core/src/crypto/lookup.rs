//! From an NHS number to the logs of that person's plan.
//!
//! Two nurses who start a plan for the same person while both are offline get the same log ids, so that their plans meet.
//! There are only 10^9 NHS numbers: without the lookup key, which every enrolled device of the network has and the relay
//! has not, trying them all says nothing.

use bedside_protocol::entry::Compartment;
use bedside_protocol::ids::LogId;

use crate::crypto::CryptoError;
use crate::crypto::primitives::{Secret, hmac};
use crate::ports::Entropy;

/// The network's lookup key.
pub struct LookupKey(Secret<32>);

impl LookupKey {
    /// A new key, for a new network.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(Secret::random(entropy))
    }

    /// Reads the 32 bytes of [`Self::as_bytes`]; [`CryptoError::BadKey`] for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        Ok(Self(Secret::from_slice(bytes, "lookup key")?))
    }

    /// The key itself, to be kept in the vault. Whoever copies it overwrites the copy.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// The log of this compartment in the plan of the person with this NHS number: ten digits, without spaces.
    #[must_use]
    pub fn log_id(&self, compartment: Compartment, nhs_number_digits: &str) -> LogId {
        let parts: [&[u8]; 3] = [b"bedside log", &[compartment.number()], nhs_number_digits.as_bytes()];
        LogId::new(hmac(self.0.expose(), &parts))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_log_id_is_what_another_implementation_computes() {
        let key = LookupKey::from_bytes(&[0x44; 32]).unwrap();
        let id = key.log_id(Compartment::AccessRecord, "9434765919");
        assert_eq!(id.to_string(), "51c6d4241a48bb109b7783f4dd800a1ca5d59148faaa73e1ae4d7cf28ade9702");
    }

    #[test]
    fn every_compartment_person_and_network_has_logs_of_its_own() {
        let networks = [[1; 32], [2; 32]].map(|bytes| LookupKey::from_bytes(&bytes).unwrap());
        let mut seen = BTreeSet::new();
        for network in &networks {
            for compartment in Compartment::ALL {
                for person in ["9434765919", "9434765870"] {
                    assert!(seen.insert(network.log_id(compartment, person)));
                    assert!(!seen.insert(network.log_id(compartment, person)), "and always the same");
                }
            }
        }
        assert_eq!(seen.len(), 16);
    }

    #[test]
    fn compartments_keep_their_numbers() {
        assert_eq!(Compartment::ALL.map(Compartment::number), [0, 1, 2, 3]);
    }
}
