//! The network operator's part: the root key, and signing organisations into the network. Offline; no relay, no vault.

use bedside_protocol::cbor;
use bedside_protocol::ids::Timestamp;
use bedside_protocol::signing::Signer;
use minicbor::{Decode, Encode};

use super::ApiError;
use crate::crypto::keys::SigningKey;
use crate::crypto::lookup::LookupKey;
use crate::crypto::passphrase::{open_file, seal_file};
use crate::driver::device::Host;
use crate::driver::organisation::{Charter, OrganisationRequest};

/// An operator's secrets: the network root and the lookup key.
pub struct Network {
    root: SigningKey,
    lookup: LookupKey,
    relay: String,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Kept {
    #[cbor(n(0), with = "minicbor::bytes")]
    root: [u8; 32],
    #[cbor(n(1), with = "minicbor::bytes")]
    lookup: [u8; 32],
    #[n(2)]
    relay: String,
}

impl Network {
    /// Makes a new network whose relay is at this address.
    #[must_use]
    pub fn create(host: &Host, relay: &str) -> Self {
        let entropy = &*host.entropy;
        Self {
            root: SigningKey::generate(entropy),
            lookup: LookupKey::generate(entropy),
            relay: relay.to_owned(),
        }
    }

    /// The file that holds it, sealed under a passphrase.
    pub fn to_file(&self, host: &Host, passphrase: &str) -> Result<Vec<u8>, ApiError> {
        if passphrase.chars().count() < 12 {
            return Err(ApiError::invalid(
                "passphrase",
                "the network's passphrase needs at least 12 characters",
            ));
        }
        let kept =
            Kept { root: *self.root.seed(), lookup: *self.lookup.as_bytes(), relay: self.relay.clone() };
        let plain = zeroize::Zeroizing::new(cbor::encode(&kept));
        seal_file(passphrase, &plain, host.pin_cost, &*host.entropy)
            .map_err(|error| ApiError::bug("sealing the network file", error))
    }

    /// Opens the file that [`Self::to_file`] made.
    pub fn from_file(file: &[u8], passphrase: &str) -> Result<Self, ApiError> {
        let plain = open_file(passphrase, file)
            .map_err(|error| ApiError::invalid("network file", error.to_string()))?;
        let kept: Kept =
            cbor::decode(&plain).map_err(|error| ApiError::invalid("network file", error.to_string()))?;
        let lookup =
            LookupKey::from_bytes(&kept.lookup).map_err(|error| ApiError::bug("reading a key", error))?;
        Ok(Self { root: SigningKey::from_seed(&kept.root), lookup, relay: kept.relay })
    }

    /// The root's public key: what relays and devices are told to trust.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        self.root.public_key()
    }

    /// Signs an organisation into the network. Returns its charter, for the device that made the request.
    pub fn sign_organisation(
        &self,
        host: &Host,
        request: &[u8],
        now: Timestamp,
    ) -> Result<Vec<u8>, ApiError> {
        let request = OrganisationRequest::from_bytes(request).ok_or_else(|| {
            ApiError::invalid(
                "request",
                "it is not a request made by 'organisation request', or it was altered",
            )
        })?;
        let charter =
            Charter::sign(&request, &self.root, self.lookup.as_bytes(), &self.relay, now, &*host.entropy)?;
        Ok(charter)
    }

    /// Name and ODS code in a request, for the operator to compare with what they were told.
    #[must_use]
    pub fn read_request(request: &[u8]) -> Option<(String, String)> {
        OrganisationRequest::from_bytes(request).map(|request| (request.name, request.ods_code))
    }
}
