//! How an organisation joins a network: it asks, the operator signs, and the device that asked is its administrator's.

use bedside_protocol::cbor;
use bedside_protocol::ids::Timestamp;
use bedside_protocol::signing::{Signer, verify};
use bedside_protocol::statement::{
    Credential, Organisation, Role, SEALING_KEY_BYTES, Statement, Trust, organisation_id, sign,
};
use minicbor::{Decode, Encode};

use super::DriverError;
use super::commit::Moment;
use super::enrol::{CLOCKS_DIFFER_MS, CREDENTIAL_MS, LEASE_HOURS};
use super::open_vault::{OpenVault, name};
use crate::crypto::keys::{SealingKey, SigningKey, seal_to};
use crate::ports::Entropy;
use crate::store::{StatementKind, StatementRow};

const CHARTER_INFO: &[u8] = b"bedside charter v1";

/// An organisation asks the operator to sign it into the network.
#[derive(Encode, Decode)]
#[cbor(map)]
pub(crate) struct OrganisationRequest {
    #[n(0)]
    pub(crate) name: String,
    #[n(1)]
    pub(crate) ods_code: String,
    #[cbor(n(2), with = "minicbor::bytes")]
    pub(crate) signing_key: [u8; 32],
    #[cbor(n(3), with = "minicbor::bytes")]
    pub(crate) sealing_key: Vec<u8>,
    #[cbor(n(4), with = "minicbor::bytes")]
    signature: [u8; 64],
}

/// The operator's answer.
#[derive(Encode, Decode)]
#[cbor(map)]
pub(crate) struct Charter {
    #[cbor(n(0), with = "minicbor::bytes")]
    root: [u8; 32],
    #[n(1)]
    relay: String,
    #[cbor(n(2), with = "minicbor::bytes")]
    organisation: Vec<u8>,
    #[cbor(n(3), with = "minicbor::bytes")]
    sealed_lookup: Vec<u8>,
}

impl OpenVault {
    /// Makes an organisation's keys and what the operator is asked to sign.
    pub(crate) fn request_organisation(
        &self,
        name: &str,
        ods_code: &str,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, DriverError> {
        let (made, belongs) = self
            .vault
            .read(|read| Ok((read.meta(name::ORGANISATION_REQUEST)?, read.meta(name::BELONGS)?.is_some())))?;
        if self.own_secret(name::ORGANISATION_SIGNING)?.is_some()
            && let Some(made) = made
        {
            return Ok(made);
        }
        if made.is_some() || belongs {
            return Err(DriverError::Invitation(
                "this device belongs to an organisation, or somebody else on it has asked for one; use another profile or device",
            ));
        }
        let (signing, sealing) = (SigningKey::generate(entropy), SealingKey::generate(entropy));
        let mut request = OrganisationRequest {
            name: name.to_owned(),
            ods_code: ods_code.to_owned(),
            signing_key: signing.public_key(),
            sealing_key: sealing.public_key(),
            signature: [0; 64],
        };
        request.signature = signing.sign(&request.message());
        let bytes = cbor::encode(&request);
        let made = bytes.clone();
        let (own_name, sealed) =
            self.keys.own.seal(name::ORGANISATION_SIGNING, signing.seed().as_slice(), entropy);
        self.vault.write(move |tx| {
            tx.put_secret(&own_name, &sealed)?;
            tx.put_secret(name::ORGANISATION_SEALING, &sealing.to_bytes())?;
            tx.put_meta(name::ORGANISATION_REQUEST, &bytes)
        })?;
        Ok(made)
    }

    /// Takes the operator's answer: the organisation is part of the network, this device's person its administrator.
    pub(crate) fn accept_charter(
        &self,
        charter: &[u8],
        person: &str,
        transport_key: [u8; 32],
        at: Moment,
        entropy: &dyn Entropy,
    ) -> Result<String, DriverError> {
        let unreadable = DriverError::Invitation("the charter cannot be read");
        let Ok(charter) = cbor::decode::<Charter>(charter) else { return Err(unreadable) };
        let sealing = self
            .organisation_sealing_key()?
            .ok_or(DriverError::Invitation("this device asked for no charter"))?;
        let mut trust = Trust::new(charter.root);
        let (id, statement) = trust.accept(&charter.organisation).map_err(DriverError::Statement)?;
        let Statement::Organisation(organisation) = statement else { return Err(unreadable) };
        if organisation.sealing_key != sealing.public_key() {
            return Err(DriverError::Invitation("the charter is for another device's organisation"));
        }
        let lookup = sealing
            .open(CHARTER_INFO, organisation.id.as_bytes(), &charter.sealed_lookup)
            .map_err(DriverError::Crypto)?;
        let keys = self.new_keys(transport_key);
        let seed = self.own_secret(name::ORGANISATION_SIGNING)?.ok_or(DriverError::NoIdentity)?;
        let seed: &[u8; 32] = seed.as_slice().try_into().map_err(|_| DriverError::NoIdentity)?;
        let role = Role::Administrator;
        let credential = Credential {
            issuer: id,
            name: person.to_owned(),
            role,
            professional_number: None,
            signing_key: keys.signing_key,
            sealing_key: keys.sealing_key,
            transport_key: keys.transport_key,
            capabilities: role.usual_capabilities(),
            plan: None,
            lease_hours: LEASE_HOURS,
            valid_from: Timestamp(organisation.valid_from.0.min(at.now.0)),
            valid_until: at.now.plus_ms(CREDENTIAL_MS),
            possession: keys.possession,
        };
        let credential = sign(&Statement::Credential(credential), &SigningKey::from_seed(seed));
        let (credential_id, _) = trust.accept(&credential).map_err(DriverError::Statement)?;
        let rows = [
            StatementRow {
                id,
                kind: StatementKind::Organisation,
                log: None,
                bytes: charter.organisation,
                sent: false,
            },
            StatementRow {
                id: credential_id,
                kind: StatementKind::Credential,
                log: None,
                bytes: credential,
                sent: false,
            },
        ];
        let (root, relay) = (charter.root, charter.relay.clone());
        let belongs = self.belongs_with(&trust, &credential_id)?;
        let (own_name, sealed) = self.keys.own.seal(name::CREDENTIAL, credential_id.as_bytes(), entropy);
        self.vault.write(move |tx| {
            rows.iter().try_for_each(|row| tx.put_statement(row).map(|_| ()))?;
            tx.put_meta(name::BELONGS, &belongs)?;
            tx.put_secret(name::LOOKUP, &lookup)?;
            tx.put_secret(name::RELAY, relay.as_bytes())?;
            tx.put_secret(name::ROOT, &root)?;
            tx.put_secret(&own_name, &sealed)
        })?;
        self.refresh()?;
        Ok(charter.relay)
    }
}

impl OrganisationRequest {
    fn message(&self) -> Vec<u8> {
        let label = b"bedside organisation request v1".as_slice();
        [
            label,
            self.name.as_bytes(),
            b"\0",
            self.ods_code.as_bytes(),
            b"\0",
            &self.signing_key,
            &self.sealing_key,
        ]
        .concat()
    }

    /// Reads a request and checks that it was made by the holder of its key.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let request: Self = cbor::decode(bytes).ok()?;
        let made = verify(&request.signing_key, &request.message(), &request.signature);
        (made && request.sealing_key.len() == SEALING_KEY_BYTES).then_some(request)
    }
}

impl Charter {
    /// Signs an organisation into the network.
    pub(crate) fn sign(
        request: &OrganisationRequest,
        root: &SigningKey,
        lookup: &[u8; 32],
        relay: &str,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, DriverError> {
        let id = organisation_id(&request.signing_key);
        let organisation = Organisation {
            id,
            name: request.name.clone(),
            ods_code: request.ods_code.clone(),
            signing_key: request.signing_key,
            sealing_key: request.sealing_key.clone(),
            epoch: 0,
            valid_from: Timestamp(now.0.saturating_sub(CLOCKS_DIFFER_MS)),
            valid_until: now.plus_ms(5 * CREDENTIAL_MS),
        };
        let sealed_lookup = seal_to(&request.sealing_key, CHARTER_INFO, id.as_bytes(), lookup, entropy)
            .map_err(DriverError::Crypto)?;
        Ok(cbor::encode(&Self {
            root: root.public_key(),
            relay: relay.to_owned(),
            organisation: sign(&Statement::Organisation(organisation), root),
            sealed_lookup,
        }))
    }
}
