//! Seeded people, devices and entries for tests.

use std::collections::BTreeSet;

use bedside_protocol::ids::{DeviceId, KeyId, LogId, Principal, SealedId, StatementId, Tag, Timestamp};
use bedside_protocol::sealed::Header;
use bedside_protocol::signing::{Signer, hash};
use bedside_protocol::statement::{
    Access, Acknowledgement, Credential, Organisation, Role, SEALING_KEY_BYTES, Statement, device_id,
    identity_id, organisation_id, parse, prove_possession, sign, statement_id,
};
use bedside_protocol::wire::{
    Cursor, Hello, Item, Prove, Session, SessionAnswer, SessionRequest, SyncAnswer, SyncRequest,
    challenge_message,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng};
use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::rules::{Relay, Wake};
use crate::storage::sqlite::SqliteStorage;

pub(crate) const DAY: u64 = 24 * 60 * 60 * 1_000;
pub(crate) const START: Timestamp = Timestamp(1_795_000_000_000);
const FAR: Timestamp = Timestamp(START.0 + 3_650 * DAY);

pub(crate) struct Keys(Ed25519KeyPair);

pub(crate) fn keys(seed: &str) -> Keys {
    Keys(Ed25519KeyPair::from_seed_unchecked(&hash(seed.as_bytes())).expect("32 bytes are a seed"))
}

impl Signer for Keys {
    fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().unwrap()
    }
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).as_ref().try_into().unwrap()
    }
}

pub(crate) fn root() -> [u8; 32] {
    keys("network root").public_key()
}

pub(crate) struct Org {
    pub(crate) keys: Keys,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn organisation(name: &str) -> Org {
    organisation_until(name, FAR)
}

pub(crate) fn organisation_until(name: &str, until: Timestamp) -> Org {
    let keys = keys(name);
    let statement = Statement::Organisation(Organisation {
        id: organisation_id(&keys.public_key()),
        name: name.to_owned(),
        ods_code: "X26".to_owned(),
        signing_key: keys.public_key(),
        sealing_key: vec![0; SEALING_KEY_BYTES],
        epoch: 0,
        valid_from: Timestamp(0),
        valid_until: until,
    });
    Org { bytes: sign(&statement, &self::keys("network root")), keys }
}

impl Org {
    pub(crate) fn principal(&self) -> Principal {
        Principal::Organisation(organisation_id(&self.keys.public_key()))
    }
}

/// One person on one device, and what the device remembers.
pub(crate) struct Device {
    pub(crate) signing: Keys,
    pub(crate) transport: Keys,
    pub(crate) organisation: Vec<u8>,
    pub(crate) credential: Vec<u8>,
    pub(crate) cursor: Option<Cursor>,
    pub(crate) held: BTreeSet<SealedId>,
    /// Access and acknowledgements that came.
    pub(crate) statements: BTreeSet<StatementId>,
    /// Organisations that it heard of.
    pub(crate) organisations: BTreeSet<StatementId>,
    pub(crate) others: Vec<Item>,
}

pub(crate) fn device(name: &str, role: Role, organisation: &Org) -> Device {
    device_until(name, role, organisation, FAR)
}

pub(crate) fn device_until(name: &str, role: Role, organisation: &Org, until: Timestamp) -> Device {
    let issuer = (&organisation.bytes[..], &organisation.keys);
    let mut device = issued(name, role, issuer, None, until);
    device.organisation.clone_from(&organisation.bytes);
    device
}

/// A person's device, admitted by a clinician.
pub(crate) fn person(name: &str, by: &Device, plan: LogId) -> Device {
    let mut device = issued(name, Role::Person, (&by.credential, &by.signing), Some(plan), FAR);
    device.organisation.clone_from(&by.organisation);
    device
}

fn issued(name: &str, role: Role, issuer: (&[u8], &Keys), plan: Option<LogId>, until: Timestamp) -> Device {
    let signing = keys(&format!("{name} signs"));
    let transport = keys(&format!("{name} transports"));
    let credential = Statement::Credential(Credential {
        issuer: statement_id(issuer.0),
        name: name.to_owned(),
        role,
        professional_number: None,
        signing_key: signing.public_key(),
        sealing_key: vec![0; SEALING_KEY_BYTES],
        transport_key: transport.public_key(),
        capabilities: role.usual_capabilities(),
        plan,
        lease_hours: 72,
        valid_from: Timestamp(START.0 - DAY),
        valid_until: until,
        possession: prove_possession(&signing, &[0; SEALING_KEY_BYTES], &transport.public_key()),
    });
    Device {
        credential: sign(&credential, issuer.1),
        organisation: Vec::new(),
        signing,
        transport,
        cursor: None,
        held: BTreeSet::new(),
        statements: BTreeSet::new(),
        organisations: BTreeSet::new(),
        others: Vec::new(),
    }
}

impl Device {
    pub(crate) fn id(&self) -> DeviceId {
        device_id(&self.transport.public_key())
    }

    pub(crate) fn principal(&self) -> Principal {
        Principal::Identity(identity_id(&self.signing.public_key()))
    }

    pub(crate) fn access(&self, log: LogId, reader: Principal, append: bool, founding: bool) -> Vec<u8> {
        let statement = Statement::Access(Access {
            granter: statement_id(&self.credential),
            log,
            reader,
            append,
            founding,
            key: KeyId::new([7; 8]),
            sealed_key: vec![9; 1_168],
            time: START,
        });
        sign(&statement, &self.signing)
    }

    pub(crate) fn acknowledge(&self, log: LogId, entries: &[SealedId]) -> Vec<u8> {
        let reader = statement_id(&self.credential);
        let entries = entries.to_vec();
        let statement = Statement::Acknowledgement(Acknowledgement { reader, log, entries, time: START });
        sign(&statement, &self.signing)
    }

    pub(crate) fn hello(&self) -> SessionRequest {
        let transport_key = self.transport.public_key();
        SessionRequest::Hello(Hello { version: bedside_protocol::VERSION, transport_key })
    }

    pub(crate) fn prove(&self, answer: &SessionAnswer) -> SessionRequest {
        let SessionAnswer::Challenge(challenge) = *answer else { panic!("a challenge was expected") };
        let transport_key = self.transport.public_key();
        SessionRequest::Prove(Prove {
            transport_key,
            challenge,
            signature: self.transport.sign(&challenge_message(&challenge, &transport_key)),
            statements: vec![self.organisation.clone().into(), self.credential.clone().into()],
        })
    }

    /// Stores an answer as a client does.
    pub(crate) fn take(&mut self, answer: &SyncAnswer) {
        self.cursor = Some(answer.cursor);
        self.take_items(&answer.items);
    }

    pub(crate) fn take_items(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Entry(bytes) => {
                    self.held.insert(SealedId::new(hash(bytes)));
                }
                Item::Statement(bytes) => {
                    let known = match parse(bytes).expect("a statement").statement {
                        Statement::Organisation(_) => &mut self.organisations,
                        _ => &mut self.statements,
                    };
                    known.insert(statement_id(bytes));
                }
                other => self.others.push(other.clone()),
            }
        }
    }
}

pub(crate) fn log(name: &str) -> LogId {
    LogId::new(hash(name.as_bytes()))
}

pub(crate) fn sealed(log: LogId, text: &str) -> Vec<u8> {
    sealed_of(log, text, 200)
}

pub(crate) fn sealed_of(log: LogId, text: &str, length: usize) -> Vec<u8> {
    let digest = hash(text.as_bytes());
    let tag = Tag::from_slice(&digest[..16]).unwrap();
    let mut bytes = Header { log, key: KeyId::new([7; 8]), tag }.to_bytes().to_vec();
    bytes.extend(digest.iter().cycle().take(length));
    bytes
}

pub(crate) fn id_of(bytes: &[u8]) -> SealedId {
    SealedId::new(hash(bytes))
}

/// A relay with a clock that stands still and seeded chance.
pub(crate) struct World {
    pub(crate) relay: Relay<SqliteStorage>,
    pub(crate) now: Timestamp,
    chance: ChaCha8Rng,
    pub(crate) woken: Wake,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(1);
        let relay = Relay::open_in_memory(root(), &mut |buffer| chance.fill_bytes(buffer)).unwrap();
        Self { relay, now: START, chance, woken: Wake::new() }
    }

    pub(crate) fn open(path: &std::path::Path, seed: u64) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let relay = Relay::open(path, root(), &mut |buffer| chance.fill_bytes(buffer)).unwrap();
        Self { relay, now: START, chance, woken: Wake::new() }
    }

    pub(crate) fn session(
        &mut self,
        request: SessionRequest,
    ) -> Result<SessionAnswer, bedside_protocol::problem::Problem> {
        self.relay.session(self.now, &mut |buffer| self.chance.fill_bytes(buffer), request)
    }

    pub(crate) fn sign_in(&mut self, device: &Device) -> Session {
        let challenge = self.session(device.hello()).unwrap();
        match self.session(device.prove(&challenge)).unwrap() {
            SessionAnswer::Session(session) => session,
            SessionAnswer::Challenge(_) => panic!("a session was expected"),
        }
    }

    /// Syncs without the device hearing the answer.
    pub(crate) fn send(&mut self, device: &Device, mut request: SyncRequest) -> SyncAnswer {
        request.cursor = device.cursor;
        let chance = &mut self.chance;
        let id = device.id();
        let (answer, wake) =
            self.relay.sync(self.now, &mut |buffer| chance.fill_bytes(buffer), id, request).unwrap();
        self.woken = wake;
        answer
    }

    pub(crate) fn sync(&mut self, device: &mut Device, request: SyncRequest) -> SyncAnswer {
        let answer = self.send(device, request);
        device.take(&answer);
        answer
    }

    /// Syncs until there is no more.
    pub(crate) fn pull(&mut self, device: &mut Device) {
        while self.sync(device, SyncRequest::default()).more {}
    }

    pub(crate) fn enrol(
        &mut self,
        request: &bedside_protocol::wire::EnrolRequest,
    ) -> Result<bedside_protocol::wire::EnrolAnswer, bedside_protocol::problem::Problem> {
        let chance = &mut self.chance;
        let (answer, wake) =
            self.relay.enrol(self.now, &mut |buffer| chance.fill_bytes(buffer), request.clone());
        self.woken = wake;
        answer
    }
}
