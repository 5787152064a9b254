//! Signed facts that the relay may read: COSE_Sign1 (RFC 9052) with EdDSA over deterministic CBOR.
//!
//! The chain is network root -> organisation -> identity; a person's own credential is issued by the clinician who
//! verified them. Every statement can be checked offline against one 32-byte root key. A statement is known by the
//! SHA-256 of its bytes, so naming one pins exactly what was signed.

use std::collections::BTreeMap;

use coset::{CborSerializable, CoseSign1, CoseSign1Builder, HeaderBuilder, iana};
use minicbor::{Decode, Encode};

use crate::cbor::{self, CborError};
use crate::ids::{
    DeviceId, IdentityId, InviteId, KeyId, LogId, OrganisationId, Principal, SealedId, StatementId, Timestamp,
};
use crate::limits::{ACKNOWLEDGE_MAX, NAME_BYTES_MAX, STATEMENT_BYTES_MAX};
use crate::signing::{Signer, hash, sha256, verify};

/// Length of an X-Wing public key (draft-connolly-cfrg-xwing-kem): 1,184 bytes ML-KEM-768 and 32 bytes X25519.
pub const SEALING_KEY_BYTES: usize = 1_216;

/// An organisation of the network. Signed by the network root.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Organisation {
    /// SHA-256 of the organisation's first signing key; stays when keys change.
    #[n(0)]
    pub id: OrganisationId,
    /// As people know it.
    #[n(1)]
    pub name: String,
    /// ODS code.
    #[n(2)]
    pub ods_code: String,
    /// Ed25519 public key that signs credentials.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub signing_key: [u8; 32],
    /// X-Wing public key that plan keys are sealed to.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub sealing_key: Vec<u8>,
    /// Counts the organisation's sealing keys, from 0.
    #[n(5)]
    pub epoch: u32,
    /// Valid from.
    #[n(6)]
    pub valid_from: Timestamp,
    /// Valid until.
    #[n(7)]
    pub valid_until: Timestamp,
}

/// What a person may do and be, on one device.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Credential {
    /// The statement whose key signs this: an organisation, or the credential of the clinician who verified the person.
    #[n(0)]
    pub issuer: StatementId,
    /// Name of the person, as colleagues know them.
    #[n(1)]
    pub name: String,
    /// What they are to the plans they write in.
    #[n(2)]
    pub role: Role,
    /// NMC, GMC or other registration, if any.
    #[n(3)]
    pub professional_number: Option<String>,
    /// Ed25519 public key that signs their entries.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub signing_key: [u8; 32],
    /// X-Wing public key that keys are sealed to for them alone.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub sealing_key: Vec<u8>,
    /// Ed25519 public key by which their device signs in to the relay.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub transport_key: [u8; 32],
    /// What they may do.
    #[n(7)]
    pub capabilities: Capabilities,
    /// The one plan that a person's or proxy's credential is for.
    #[n(8)]
    pub plan: Option<LogId>,
    /// How many hours the device may go without the relay before it asks for a full sign-in.
    #[n(9)]
    pub lease_hours: u32,
    /// Valid from.
    #[n(10)]
    pub valid_from: Timestamp,
    /// Valid until.
    #[n(11)]
    pub valid_until: Timestamp,
    /// [`prove_possession`] by the signing key: nobody gets a credential for a key that another holds, on a device of their
    /// own.
    #[cbor(n(12), with = "minicbor::bytes")]
    pub possession: [u8; 64],
}

/// What somebody is to a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// The one the plan is about.
    #[n(0)]
    Person,
    /// Somebody who speaks for the person.
    #[n(1)]
    Proxy,
    /// Doctor.
    #[n(2)]
    Doctor,
    /// Registered nurse.
    #[n(3)]
    Nurse,
    /// Allied health professional or paramedic.
    #[n(4)]
    AlliedHealth,
    /// Carer or care-home staff.
    #[n(5)]
    Carer,
    /// Social worker.
    #[n(6)]
    SocialWorker,
    /// Reads in an emergency.
    #[n(7)]
    UrgentCare,
    /// Runs an organisation's devices; sees no plan by that alone.
    #[n(8)]
    Administrator,
}

impl Role {
    /// Every role, in the order of their codes.
    pub const ALL: [Self; 9] = [
        Self::Person,
        Self::Proxy,
        Self::Doctor,
        Self::Nurse,
        Self::AlliedHealth,
        Self::Carer,
        Self::SocialWorker,
        Self::UrgentCare,
        Self::Administrator,
    ];

    /// As it is written in commands and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Proxy => "proxy",
            Self::Doctor => "doctor",
            Self::Nurse => "nurse",
            Self::AlliedHealth => "allied-health",
            Self::Carer => "carer",
            Self::SocialWorker => "social-worker",
            Self::UrgentCare => "urgent-care",
            Self::Administrator => "administrator",
        }
    }

    /// Reads what [`Self::name`] writes.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// What a credential of this role may do unless its organisation says otherwise.
    #[must_use]
    pub const fn usual_capabilities(self) -> Capabilities {
        let bits = match self {
            Self::Person | Self::Proxy => Capabilities::PROPOSE,
            Self::Doctor => {
                Capabilities::WRITE
                    | Capabilities::CREATE
                    | Capabilities::DECIDE
                    | Capabilities::SHARE
                    | Capabilities::APPROVE
                    | Capabilities::ENDORSE
                    | Capabilities::INVITE_PERSON
            }
            Self::Nurse => {
                Capabilities::WRITE
                    | Capabilities::CREATE
                    | Capabilities::DECIDE
                    | Capabilities::SHARE
                    | Capabilities::INVITE_PERSON
            }
            Self::AlliedHealth | Self::SocialWorker => Capabilities::WRITE | Capabilities::CREATE,
            Self::Carer => Capabilities::WRITE,
            Self::UrgentCare => 0,
            Self::Administrator => Capabilities::ADMINISTER,
        };
        Capabilities(bits)
    }
}

/// A set of permissions. Unknown bits are kept and mean nothing here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Capabilities(#[n(0)] pub u32);

impl Capabilities {
    /// Write class S and, on the person's behalf, class P.
    pub const WRITE: u32 = 1;
    /// Start plans.
    pub const CREATE: u32 = 1 << 1;
    /// Record class C decisions and class L facts.
    pub const DECIDE: u32 = 1 << 2;
    /// Give others access to a plan.
    pub const SHARE: u32 = 1 << 3;
    /// Approve.
    pub const APPROVE: u32 = 1 << 4;
    /// Endorse resuscitation and escalation decisions.
    pub const ENDORSE: u32 = 1 << 5;
    /// Issue a credential to the person a plan is about.
    pub const INVITE_PERSON: u32 = 1 << 6;
    /// Issue and revoke credentials of the organisation.
    pub const ADMINISTER: u32 = 1 << 7;
    /// Propose in class P only.
    pub const PROPOSE: u32 = 1 << 8;
    /// Oversee who looks at the plans of the organisation: a privacy officer.
    pub const OVERSEE: u32 = 1 << 9;

    /// Every permission, as it is written in commands, in the order of their bits.
    pub const ALL: [(&'static str, u32); 10] = [
        ("write", Self::WRITE),
        ("create", Self::CREATE),
        ("decide", Self::DECIDE),
        ("share", Self::SHARE),
        ("approve", Self::APPROVE),
        ("endorse", Self::ENDORSE),
        ("invite-person", Self::INVITE_PERSON),
        ("administer", Self::ADMINISTER),
        ("propose", Self::PROPOSE),
        ("oversee", Self::OVERSEE),
    ];

    /// These permissions and more.
    #[must_use]
    pub const fn with(self, more: u32) -> Self {
        Self(self.0 | more)
    }

    /// True when every bit of `wanted` is there.
    #[must_use]
    pub const fn has(self, wanted: u32) -> bool {
        self.0 & wanted == wanted
    }
}

/// Who may fetch a log and add to it, with the log's key sealed to them. Signed by a member's identity.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Access {
    /// The signer's credential.
    #[n(0)]
    pub granter: StatementId,
    /// The log.
    #[n(1)]
    pub log: LogId,
    /// Who gets access.
    #[n(2)]
    pub reader: Principal,
    /// May add entries, not only fetch them.
    #[n(3)]
    pub append: bool,
    /// Begins the log; the reader is then the granter or the granter's organisation.
    #[n(4)]
    pub founding: bool,
    /// Which content key is sealed.
    #[n(5)]
    pub key: KeyId,
    /// HPKE (RFC 9180, base mode, X-Wing, HKDF-SHA-256, AES-256-GCM): encapsulated key, then ciphertext.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub sealed_key: Vec<u8>,
    /// The granter's clock.
    #[n(7)]
    pub time: Timestamp,
}

/// A named reader's device holds these entries. Signed by that reader's identity.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Acknowledgement {
    /// The signer's credential.
    #[n(0)]
    pub reader: StatementId,
    /// The log.
    #[n(1)]
    pub log: LogId,
    /// What was opened and verified.
    #[n(2)]
    pub entries: Vec<SealedId>,
    /// The reader's clock.
    #[n(3)]
    pub time: Timestamp,
}

/// Somebody is expected to enrol. Signed by the administrator or clinician who will issue the credential.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Invite {
    /// The signer's credential.
    #[n(0)]
    pub issuer: StatementId,
    /// Derived from the one-time secret.
    #[n(1)]
    pub id: InviteId,
    /// When the invitation was made.
    #[n(2)]
    pub time: Timestamp,
    /// After this the relay refuses it.
    #[n(3)]
    pub valid_until: Timestamp,
}

/// One statement of any kind.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub enum Statement {
    /// Signed by the network root.
    #[n(0)]
    Organisation(#[n(0)] Organisation),
    /// Signed by an organisation, or by a clinician for a person.
    #[n(1)]
    Credential(#[n(0)] Credential),
    /// Signed by an identity.
    #[n(2)]
    Access(#[n(0)] Access),
    /// Signed by an identity.
    #[n(3)]
    Acknowledgement(#[n(0)] Acknowledgement),
    /// Signed by an identity.
    #[n(4)]
    Invite(#[n(0)] Invite),
}

/// Why a statement is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Over [`STATEMENT_BYTES_MAX`].
    #[error("a statement of {0} bytes is over the limit of {STATEMENT_BYTES_MAX}")]
    TooLarge(usize),
    /// Not COSE_Sign1.
    #[error("a statement is not COSE_Sign1: {0}")]
    Cose(String),
    /// The payload is not a statement.
    #[error("a statement's payload cannot be read")]
    Payload(#[from] CborError),
    /// Its fields contradict each other.
    #[error("a statement is malformed: {0}")]
    Malformed(&'static str),
    /// The statement of its signer is not here (yet).
    #[error("the statement of its signer is missing")]
    MissingIssuer(StatementId),
    /// The signature does not fit the signer's key.
    #[error("a statement's signature is wrong")]
    Signature,
    /// The signer may not say this.
    #[error("the signer of a statement lacks the authority: {0}")]
    Authority(&'static str),
}

/// The id of a statement.
#[must_use]
pub fn statement_id(bytes: &[u8]) -> StatementId {
    StatementId::new(hash(bytes))
}

/// The id of an identity.
#[must_use]
pub fn identity_id(signing_key: &[u8; 32]) -> IdentityId {
    IdentityId::new(sha256(&[b"bedside identity", signing_key]))
}

/// The id of a device.
#[must_use]
pub fn device_id(transport_key: &[u8; 32]) -> DeviceId {
    DeviceId::new(sha256(&[b"bedside device", transport_key]))
}

/// The id of an organisation from its first signing key.
#[must_use]
pub fn organisation_id(signing_key: &[u8; 32]) -> OrganisationId {
    OrganisationId::new(sha256(&[b"bedside organisation", signing_key]))
}

/// Shows that whoever asks for a credential holds its signing key, and means these other two keys to go with it.
#[must_use]
pub fn prove_possession(signer: &dyn Signer, sealing_key: &[u8], transport_key: &[u8; 32]) -> [u8; 64] {
    signer.sign(&possession_message(&signer.public_key(), sealing_key, transport_key))
}

fn possession_message(signing_key: &[u8; 32], sealing_key: &[u8], transport_key: &[u8; 32]) -> [u8; 32] {
    sha256(&[b"bedside possession v1", signing_key, transport_key, sealing_key])
}

impl Credential {
    fn is_possessed(&self) -> bool {
        let message = possession_message(&self.signing_key, &self.sealing_key, &self.transport_key);
        verify(&self.signing_key, &message, &self.possession)
    }

    /// Who it names.
    #[must_use]
    pub fn identity(&self) -> IdentityId {
        identity_id(&self.signing_key)
    }

    /// The device it is for.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        device_id(&self.transport_key)
    }
}

const DOMAIN: &[u8] = b"bedside statement v1";
/// The map `{1: -8}`: the algorithm is EdDSA. Anything more, such as `crit`, asks for what nobody here does.
const PROTECTED: &[u8] = &[0xa1, 0x01, 0x27];

/// Signs a statement. The result is what is stored, sent, and hashed.
#[must_use]
pub fn sign(statement: &Statement, signer: &dyn Signer) -> Vec<u8> {
    let protected = HeaderBuilder::new().algorithm(iana::Algorithm::EdDSA).build();
    CoseSign1Builder::new()
        .protected(protected)
        .payload(cbor::encode(statement))
        .create_signature(DOMAIN, |message| signer.sign(message).to_vec())
        .build()
        .to_vec()
        .expect("a COSE_Sign1 of byte strings can always be encoded")
}

/// A statement whose bytes are well-formed; nothing is known yet about who signed it.
pub struct Unverified {
    cose: CoseSign1,
    /// What it claims.
    pub statement: Statement,
    /// SHA-256 of its bytes.
    pub id: StatementId,
}

/// Reads a statement's bytes without believing them.
pub fn parse(bytes: &[u8]) -> Result<Unverified, StatementError> {
    if bytes.len() > STATEMENT_BYTES_MAX {
        return Err(StatementError::TooLarge(bytes.len()));
    }
    cbor::check(bytes)?;
    let cose = CoseSign1::from_slice(bytes).map_err(|e| StatementError::Cose(e.to_string()))?;
    if cose.protected.original_data.as_deref() != Some(PROTECTED) || !cose.unprotected.is_empty() {
        return Err(StatementError::Malformed(
            "the protected header says EdDSA and no more, the other is empty",
        ));
    }
    let payload = cose.payload.as_deref().ok_or(StatementError::Malformed("no payload"))?;
    let statement: Statement = cbor::decode(payload)?;
    shape(&statement)?;
    Ok(Unverified { statement, id: statement_id(bytes), cose })
}

impl Unverified {
    /// True when the signature was made by this key.
    #[must_use]
    pub fn is_signed_by(&self, public_key: &[u8; 32]) -> bool {
        self.cose.verify_signature(DOMAIN, |signature, message| {
            if verify(public_key, message, signature) { Ok(()) } else { Err(()) }
        }) == Ok(())
    }
}

fn shape(statement: &Statement) -> Result<(), StatementError> {
    let malformed = |why| Err(StatementError::Malformed(why));
    match statement {
        Statement::Organisation(o) if o.sealing_key.len() != SEALING_KEY_BYTES => {
            malformed("sealing key length")
        }
        Statement::Organisation(o) if o.name.is_empty() || o.name.len() > NAME_BYTES_MAX => malformed("name"),
        Statement::Organisation(o) if o.epoch == 0 && o.id != organisation_id(&o.signing_key) => {
            malformed("the id does not follow from the key")
        }
        Statement::Credential(c) if c.sealing_key.len() != SEALING_KEY_BYTES => {
            malformed("sealing key length")
        }
        Statement::Credential(c) if c.name.is_empty() || c.name.len() > NAME_BYTES_MAX => malformed("name"),
        Statement::Acknowledgement(a) if a.entries.is_empty() || a.entries.len() > ACKNOWLEDGE_MAX => {
            malformed("number of entries")
        }
        _ => Ok(()),
    }
}

/// The statements that one party believes: each was verified, with its whole chain, against one network root.
///
/// Validity in time is not judged here: whoever asks knows which moment matters.
#[derive(Clone)]
pub struct Trust {
    root: [u8; 32],
    organisations: BTreeMap<StatementId, Organisation>,
    credentials: BTreeMap<StatementId, Credential>,
}

impl Trust {
    /// Believes nothing but the network root's key.
    #[must_use]
    pub const fn new(root: [u8; 32]) -> Self {
        Self { root, organisations: BTreeMap::new(), credentials: BTreeMap::new() }
    }

    /// The network root's public key.
    #[must_use]
    pub const fn root(&self) -> &[u8; 32] {
        &self.root
    }

    /// Verifies a statement. Organisations and credentials are kept and can then vouch for others.
    ///
    /// [`StatementError::MissingIssuer`] says whose statement has to come first.
    pub fn accept(&mut self, bytes: &[u8]) -> Result<(StatementId, Statement), StatementError> {
        let (id, statement) = self.verify(bytes)?;
        self.keep(id, &statement);
        Ok((id, statement))
    }

    /// Keeps an organisation or credential that [`Trust::accept`] verified before, read back from storage that nobody
    /// else can write to.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<StatementId, StatementError> {
        let Unverified { id, statement, .. } = parse(bytes)?;
        self.keep(id, &statement);
        Ok(id)
    }

    fn keep(&mut self, id: StatementId, statement: &Statement) {
        match statement {
            Statement::Organisation(o) => {
                self.organisations.insert(id, o.clone());
            }
            Statement::Credential(c) => {
                self.credentials.insert(id, c.clone());
            }
            Statement::Access(_) | Statement::Acknowledgement(_) | Statement::Invite(_) => {}
        }
    }

    /// Verifies a statement without keeping anything.
    pub fn verify(&self, bytes: &[u8]) -> Result<(StatementId, Statement), StatementError> {
        let unverified = parse(bytes)?;
        let key = self.signing_key_for(&unverified.statement)?;
        if !unverified.is_signed_by(&key) {
            return Err(StatementError::Signature);
        }
        Ok((unverified.id, unverified.statement))
    }

    fn signing_key_for(&self, statement: &Statement) -> Result<[u8; 32], StatementError> {
        match statement {
            Statement::Organisation(_) => Ok(self.root),
            Statement::Credential(c) => self.issuer_key(c),
            Statement::Access(a) => {
                let granter = self.issuing_credential(&a.granter)?;
                let own = a.reader == Principal::Identity(granter.identity())
                    || self
                        .organisation_of(&a.granter)
                        .is_some_and(|o| a.reader == Principal::Organisation(o.id));
                let (needed, why) = if a.founding {
                    (Capabilities::CREATE, "to start a plan")
                } else {
                    (Capabilities::SHARE, "to share a plan")
                };
                if !granter.capabilities.has(needed) {
                    return Err(StatementError::Authority(why));
                }
                if a.founding && !own {
                    return Err(StatementError::Authority("a log begins with its founder's own access"));
                }
                Ok(granter.signing_key)
            }
            Statement::Acknowledgement(a) => Ok(self.issuing_credential(&a.reader)?.signing_key),
            Statement::Invite(i) => {
                let issuer = self.issuing_credential(&i.issuer)?;
                if issuer.capabilities.has(Capabilities::ADMINISTER)
                    || issuer.capabilities.has(Capabilities::INVITE_PERSON)
                {
                    Ok(issuer.signing_key)
                } else {
                    Err(StatementError::Authority("to invite"))
                }
            }
        }
    }

    fn issuer_key(&self, credential: &Credential) -> Result<[u8; 32], StatementError> {
        let for_plan = matches!(credential.role, Role::Person | Role::Proxy);
        if !credential.is_possessed() {
            return Err(StatementError::Authority("the holder does not have the signing key"));
        }
        if for_plan != credential.plan.is_some() {
            return Err(StatementError::Malformed("a person's credential, and no other, is for one plan"));
        }
        if for_plan {
            let issuer = self.issuing_credential(&credential.issuer)?;
            if !issuer.capabilities.has(Capabilities::INVITE_PERSON) {
                return Err(StatementError::Authority("to issue a person's credential"));
            }
            if credential.capabilities.0 & !Capabilities::PROPOSE != 0 {
                return Err(StatementError::Authority("a person's credential can only propose"));
            }
            return Ok(issuer.signing_key);
        }
        self.organisations
            .get(&credential.issuer)
            .map(|o| o.signing_key)
            .ok_or(StatementError::MissingIssuer(credential.issuer))
    }

    fn issuing_credential(&self, id: &StatementId) -> Result<&Credential, StatementError> {
        self.credentials.get(id).ok_or(StatementError::MissingIssuer(*id))
    }

    /// A credential that was accepted.
    #[must_use]
    pub fn credential(&self, id: &StatementId) -> Option<&Credential> {
        self.credentials.get(id)
    }

    /// An organisation statement that was accepted.
    #[must_use]
    pub fn organisation(&self, id: &StatementId) -> Option<&Organisation> {
        self.organisations.get(id)
    }

    /// The organisation that a credential belongs to: its issuer; none for a person's credential.
    #[must_use]
    pub fn organisation_of(&self, credential: &StatementId) -> Option<&Organisation> {
        self.organisations.get(&self.credentials.get(credential)?.issuer)
    }

    /// Every accepted organisation, by statement id.
    pub fn organisations(&self) -> impl Iterator<Item = (&StatementId, &Organisation)> {
        self.organisations.iter()
    }

    /// Every accepted credential, by statement id.
    pub fn credentials(&self) -> impl Iterator<Item = (&StatementId, &Credential)> {
        self.credentials.iter()
    }
}
