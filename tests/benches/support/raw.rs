//! Devices without an app: keys, a credential and a session, for where a thousand apps would be in each other's way.

use bedside_core::crypto::keys::SigningKey;
use bedside_core::testing::SeededEntropy;
use bedside_core::transport::RelayClient;
use bedside_protocol::ids::{KeyId, LogId, Principal, Tag, Timestamp};
use bedside_protocol::sealed::Header;
use bedside_protocol::signing::{Signer, hash};
use bedside_protocol::statement::{
    Access, Credential, Organisation, Role, SEALING_KEY_BYTES, Statement, identity_id, organisation_id,
    prove_possession, sign, statement_id,
};

use super::people::root;

const FAR: Timestamp = Timestamp(4_000_000_000_000);

/// One person's device.
pub(crate) struct RawDevice {
    pub(crate) signing: SigningKey,
    pub(crate) transport: SigningKey,
    /// The organisation's statement and this person's credential.
    pub(crate) statements: [Vec<u8>; 2],
}

/// So many devices of one organisation in the benchmarks' network.
pub(crate) fn devices(count: usize) -> Vec<RawDevice> {
    let entropy = SeededEntropy::new(99);
    let keys = SigningKey::generate(&entropy);
    let organisation = Statement::Organisation(Organisation {
        id: organisation_id(&keys.public_key()),
        name: "Fenland Hospice".to_owned(),
        ods_code: "RX8".to_owned(),
        signing_key: keys.public_key(),
        sealing_key: vec![0; SEALING_KEY_BYTES],
        epoch: 0,
        valid_from: Timestamp(0),
        valid_until: FAR,
    });
    let organisation = sign(&organisation, &root());
    let device = |n: usize| {
        let (signing, transport) = (SigningKey::generate(&entropy), SigningKey::generate(&entropy));
        let credential = Statement::Credential(Credential {
            issuer: statement_id(&organisation),
            name: format!("Nurse {n}"),
            role: Role::Nurse,
            professional_number: None,
            signing_key: signing.public_key(),
            sealing_key: vec![0; SEALING_KEY_BYTES],
            transport_key: transport.public_key(),
            possession: prove_possession(&signing, &[0; SEALING_KEY_BYTES], &transport.public_key()),
            capabilities: Role::Nurse.usual_capabilities(),
            plan: None,
            lease_hours: 72,
            valid_from: Timestamp(0),
            valid_until: FAR,
        });
        RawDevice { signing, transport, statements: [organisation.clone(), sign(&credential, &keys)] }
    };
    (0..count).map(device).collect()
}

impl RawDevice {
    /// Founds a log for this person alone.
    pub(crate) fn found(&self, log: LogId) -> Vec<u8> {
        self.access(log, self, true)
    }

    /// Founds a log and gives another person access.
    pub(crate) fn share(&self, log: LogId, other: &Self) -> [Vec<u8>; 2] {
        [self.found(log), self.access(log, other, false)]
    }

    fn access(&self, log: LogId, reader: &Self, founding: bool) -> Vec<u8> {
        let statement = Statement::Access(Access {
            granter: statement_id(&self.statements[1]),
            log,
            reader: Principal::Identity(identity_id(&reader.signing.public_key())),
            append: true,
            founding,
            key: KeyId::new([7; 8]),
            sealed_key: vec![9; 1_168],
            time: Timestamp(0),
        });
        sign(&statement, &self.signing)
    }

    /// Signs in; the session's token.
    pub(crate) async fn sign_in(&self, client: &RelayClient) -> [u8; 32] {
        let session = client.sign_in(&self.transport, self.statements.to_vec()).await;
        session.expect("the credential is good").token
    }
}

/// The n-th log.
pub(crate) fn log(n: usize) -> LogId {
    LogId::new(hash(format!("log {n}").as_bytes()))
}

/// Bytes that pass for a sealed entry of a usual edit's size; others for each `n`.
pub(crate) fn sealed(log: LogId, n: usize) -> Vec<u8> {
    let digest = hash(format!("entry {n}").as_bytes());
    let tag = Tag::from_slice(&digest[..16]).expect("16 bytes are a tag");
    let mut bytes = Header { log, key: KeyId::new([7; 8]), tag }.to_bytes().to_vec();
    bytes.extend(digest.iter().cycle().take(500));
    bytes
}
