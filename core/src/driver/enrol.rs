//! Both sides of an enrolment, and how an organisation begins.
//!
//! ```text
//! issuer                                relay                         new device
//! invite: secret, address, root  ---- QR code, never through the relay ---->
//! Invite statement  ------------------>
//!                                         <---- keys, proof by the secret
//!         <------------------------------ (the relay cannot check the proof)
//! checks the proof, issues the credential
//! credential, sealed keys, proof  ------>
//!                                         ---------------------------------> checks proof, chain and own keys
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bedside_protocol::cbor;
use bedside_protocol::ids::{InviteId, LogId, Principal, StatementId, Timestamp};
use bedside_protocol::signing::{Signer, hash, verify};
use bedside_protocol::statement::{
    Access, Capabilities, Credential, Invite, Organisation, Role, SEALING_KEY_BYTES, Statement, Trust,
    device_id, organisation_id, prove_possession, sign, statement_id,
};
use bedside_protocol::wire::{EnrolRequest, EnrolmentAnswer};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::DriverError;
use super::commit::{Moment, Says};
use super::open_vault::{OpenVault, Standing, name};
use crate::crypto::content::{ContentKey, seal_content_key};
use crate::crypto::invite::InviteSecret;
use crate::crypto::keys::{SealingKey, SigningKey, seal_to};
use crate::ports::Entropy;
use crate::store::{StatementKind, StatementRow, Wish};

const INFO: &[u8] = b"bedside enrolment v1";
const CHARTER_INFO: &[u8] = b"bedside charter v1";
const HOUR_MS: u64 = 3_600_000;
/// A credential is good for a year; then it is issued anew.
const CREDENTIAL_MS: u64 = 365 * 24 * HOUR_MS;
/// Clocks of issuer and relay may differ by this much.
const CLOCKS_DIFFER_MS: u64 = 10 * 60 * 1_000;
/// Days without the relay, unless the organisation says otherwise.
const LEASE_HOURS: u32 = 72;

/// What a new device reads from the QR code.
#[derive(Encode, Decode)]
#[cbor(map)]
pub struct Invitation {
    /// The relay's address.
    #[n(0)]
    pub relay: String,
    /// The network root's public key.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub root: [u8; 32],
    #[cbor(n(2), with = "minicbor::bytes")]
    secret: [u8; 32],
    /// When it runs out.
    #[n(3)]
    pub until: Timestamp,
}

/// Whom an invitation is for.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct InviteFor {
    /// Their name.
    #[n(0)]
    pub name: String,
    /// What they will be.
    #[n(1)]
    pub role: Role,
    /// Their registration, if any.
    #[n(2)]
    pub professional_number: Option<String>,
    /// What they may do.
    #[n(3)]
    pub capabilities: Capabilities,
    /// The plan, for the person it is about.
    #[n(4)]
    pub plan: Option<LogId>,
}

/// An invitation as its issuer remembers it.
#[derive(Encode, Decode)]
#[cbor(map)]
pub(crate) struct StoredInvite {
    #[cbor(n(0), with = "minicbor::bytes")]
    secret: [u8; 32],
    #[n(1)]
    who: InviteFor,
    #[n(2)]
    until: Timestamp,
    /// Hash of the request that was answered.
    #[n(3)]
    answered: Option<ByteVec>,
    #[n(4)]
    answer: Option<ByteVec>,
    #[n(5)]
    posted: bool,
    #[n(6)]
    contested: bool,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct NewKeys {
    #[cbor(n(0), with = "minicbor::bytes")]
    signing_key: [u8; 32],
    #[cbor(n(1), with = "minicbor::bytes")]
    sealing_key: Vec<u8>,
    #[cbor(n(2), with = "minicbor::bytes")]
    transport_key: [u8; 32],
    #[cbor(n(3), with = "minicbor::bytes")]
    possession: [u8; 64],
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Answer {
    #[cbor(n(0), with = "minicbor::bytes")]
    body: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    proof: [u8; 32],
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct AnswerBody {
    #[n(0)]
    statements: Vec<ByteVec>,
    #[cbor(n(1), with = "minicbor::bytes")]
    sealed: Vec<u8>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct SharedKeys {
    #[n(0)]
    lookup: Option<ByteVec>,
    #[n(1)]
    organisation_sealing: Option<ByteVec>,
}

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

impl Invitation {
    const PREFIX: &'static str = "bedside:";

    /// As it stands in the QR code.
    #[must_use]
    pub fn encode(&self) -> String {
        format!("{}{}", Self::PREFIX, URL_SAFE_NO_PAD.encode(cbor::encode(self)))
    }

    /// Reads what [`Self::encode`] writes.
    pub fn decode(text: &str) -> Result<Self, DriverError> {
        let unreadable =
            DriverError::Invitation("it is not complete; copy all of it, from 'bedside:' to the end");
        let Some(code) = text.trim().strip_prefix(Self::PREFIX) else { return Err(unreadable) };
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(code) else { return Err(unreadable) };
        cbor::decode(&bytes).map_err(|_| unreadable)
    }

    fn secret(&self) -> Result<InviteSecret, DriverError> {
        InviteSecret::from_bytes(&self.secret).map_err(DriverError::Crypto)
    }
}

impl StoredInvite {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        cbor::decode(bytes).ok()
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// As it was before its answer was on its way; none when there is no answer.
    pub(crate) fn unposted(self) -> Option<Self> {
        self.answer.is_some().then_some(Self { posted: false, ..self })
    }

    /// The answer to be sent, and the invitation as it is once that is on its way.
    pub(crate) fn posting(self) -> Option<(Wish, Self)> {
        if self.posted || self.contested {
            return None;
        }
        let id = InviteSecret::from_bytes(&self.secret).ok()?.id();
        let answer = self.answer.clone()?;
        Some((
            Wish::Enrolment(EnrolmentAnswer { invite: id, answer: answer.into() }),
            Self { posted: true, ..self },
        ))
    }
}

impl OpenVault {
    /// Makes an invitation and tells the relay to expect somebody.
    pub(crate) fn invite(
        &self,
        who: InviteFor,
        relay: String,
        hours: u64,
        at: Moment,
        entropy: &dyn Entropy,
    ) -> Result<Invitation, DriverError> {
        let standing = self.standing()?;
        let signs = self.vault.read(|read| read.secret(name::ORGANISATION_SIGNING))?.is_some();
        if who.plan.is_none() && !signs {
            return Err(DriverError::Invitation("only an administrator invites colleagues"));
        }
        let root = *self.books().trust.root();
        let secret = InviteSecret::generate(entropy);
        let time = at.relay_time.unwrap_or(at.now);
        let until = time.plus_ms(hours * HOUR_MS);
        let statement = Invite { issuer: standing.credential, id: secret.id(), time, valid_until: until };
        let bytes = sign(&Statement::Invite(statement), &self.keys.signing);
        self.books().trust.verify(&bytes).map_err(DriverError::Statement)?;
        let stored = StoredInvite {
            secret: *secret.as_bytes(),
            who,
            until,
            answered: None,
            answer: None,
            posted: false,
            contested: false,
        };
        let key = invite_name(&secret.id());
        let row = StatementRow {
            id: statement_id(&bytes),
            kind: StatementKind::Invite,
            log: None,
            bytes,
            sent: false,
        };
        self.vault.write(move |tx| {
            tx.put_meta(&key, &stored.to_bytes())?;
            tx.put_statement(&row).map(|_| ())
        })?;
        Ok(Invitation { relay, root, secret: *secret.as_bytes(), until })
    }

    /// Answers a new device, if its proof is right and nobody was answered before. True when a credential was issued.
    pub(crate) fn answer(
        &self,
        request: &EnrolRequest,
        at: Moment,
        entropy: &dyn Entropy,
    ) -> Result<bool, DriverError> {
        let key = invite_name(&request.invite);
        let stored =
            self.vault.read(|read| read.meta(&key))?.and_then(|bytes| StoredInvite::from_bytes(&bytes));
        let Some(mut stored) = stored else { return Ok(false) };
        let asked_before =
            Some(hash(&request.request).as_slice()) == stored.answered.as_ref().map(|hash| hash.as_slice());
        if asked_before && stored.posted && !stored.contested {
            // The relay asks again: it has lost the answer.
            stored.posted = false;
            self.vault.write(move |tx| tx.put_meta(&key, &stored.to_bytes()))?;
            return Ok(false);
        }
        let secret = InviteSecret::from_bytes(&stored.secret).map_err(DriverError::Crypto)?;
        let expired = at.relay_time.unwrap_or(at.now) > stored.until;
        if expired
            || stored.contested
            || stored.answered.is_some()
            || !secret.check(&request.request, &request.proof)
        {
            return Ok(false);
        }
        let Ok(keys) = cbor::decode::<NewKeys>(&request.request) else { return Ok(false) };
        if keys.sealing_key.len() != SEALING_KEY_BYTES {
            return Ok(false);
        }
        let (credential, chain) = self.issue(&stored.who, &keys, at)?;
        let credential_id = statement_id(&credential);
        self.books().trust.accept(&credential).map_err(DriverError::Statement)?;
        let shared = self.shared_keys(&stored.who)?;
        let sealed =
            seal_to(&keys.sealing_key, INFO, request.invite.as_bytes(), &cbor::encode(&shared), entropy)
                .map_err(DriverError::Crypto)?;
        let statements = chain.into_iter().chain([credential.clone()]).map(ByteVec::from).collect();
        let body = cbor::encode(&AnswerBody { statements, sealed });
        let proof = secret.prove_answer(&body);
        stored.answered = Some(hash(&request.request).to_vec().into());
        stored.answer = Some(cbor::encode(&Answer { body, proof }).into());
        let row = StatementRow {
            id: credential_id,
            kind: StatementKind::Credential,
            log: None,
            bytes: credential,
            sent: false,
        };
        let bytes = stored.to_bytes();
        self.vault.write(move |tx| {
            tx.put_statement(&row)?;
            tx.put_meta(&key, &bytes)
        })?;
        if let Some(plan) = stored.who.plan {
            let reader = Principal::Identity(bedside_protocol::statement::identity_id(&keys.signing_key));
            self.give_access(plan, reader, &keys.sealing_key, true, at, entropy)?;
        }
        Ok(true)
    }

    /// Remembers that an invitation was answered by two devices.
    pub(crate) fn contest(&self, id: &InviteId) -> Result<(), DriverError> {
        let key = invite_name(id);
        let Some(bytes) = self.vault.read(|read| read.meta(&key))? else { return Ok(()) };
        let Some(stored) = StoredInvite::from_bytes(&bytes) else { return Ok(()) };
        let bytes = StoredInvite { contested: true, answer: None, ..stored }.to_bytes();
        Ok(self.vault.write(move |tx| tx.put_meta(&key, &bytes))?)
    }

    fn issue(
        &self,
        who: &InviteFor,
        keys: &NewKeys,
        at: Moment,
    ) -> Result<(Vec<u8>, Vec<Vec<u8>>), DriverError> {
        let standing = self.standing()?;
        let time = at.relay_time.unwrap_or(at.now);
        let for_plan = who.plan.is_some();
        let organisation_key = self.vault.read(|read| read.secret(name::ORGANISATION_SIGNING))?;
        let (issuer, signer) = match (for_plan, organisation_key, standing.organisation) {
            (true, _, _) => (standing.credential, SigningKey::from_seed(&self.keys.signing.seed())),
            (false, Some(seed), Some((statement, _))) => {
                let seed: &[u8; 32] = seed.as_slice().try_into().map_err(|_| DriverError::NoIdentity)?;
                (statement, SigningKey::from_seed(seed))
            }
            (false, ..) => return Err(DriverError::Invitation("only an administrator invites colleagues")),
        };
        let credential = Credential {
            issuer,
            // The relay can read credentials: a person is not named in one.
            name: if for_plan { in_general(who.role).to_owned() } else { who.name.clone() },
            role: who.role,
            professional_number: who.professional_number.clone(),
            signing_key: keys.signing_key,
            sealing_key: keys.sealing_key.clone(),
            transport_key: keys.transport_key,
            capabilities: who.capabilities,
            plan: who.plan,
            lease_hours: LEASE_HOURS,
            valid_from: Timestamp(time.0.saturating_sub(CLOCKS_DIFFER_MS)),
            valid_until: time.plus_ms(CREDENTIAL_MS),
            possession: keys.possession,
        };
        Ok((sign(&Statement::Credential(credential), &signer), self.chain(issuer)?))
    }

    /// The statements that vouch for one, and it, in the order in which they are accepted.
    pub(crate) fn chain(&self, last: StatementId) -> Result<Vec<Vec<u8>>, DriverError> {
        let mut chain = Vec::new();
        let mut next = Some(last);
        while let Some(id) = next {
            let Some(row) = self.vault.read(|read| read.statement(&id))? else { break };
            next = self.books().trust.credential(&id).map(|credential| credential.issuer);
            chain.push(row.bytes);
        }
        chain.reverse();
        Ok(chain)
    }

    fn shared_keys(&self, who: &InviteFor) -> Result<SharedKeys, DriverError> {
        if who.plan.is_some() {
            return Ok(SharedKeys { lookup: None, organisation_sealing: None });
        }
        let (lookup, sealing) = self
            .vault
            .read(|read| Ok((read.secret(name::LOOKUP)?, read.secret(name::ORGANISATION_SEALING)?)))?;
        let bytes =
            |secret: Option<zeroize::Zeroizing<Vec<u8>>>| secret.map(|secret| ByteVec::from(secret.to_vec()));
        Ok(SharedKeys { lookup: bytes(lookup), organisation_sealing: bytes(sealing) })
    }

    /// Seals every key of a log to a reader, and records the grant in the log where consent to share stands.
    pub(crate) fn give_access(
        &self,
        log: LogId,
        reader: Principal,
        sealing_key: &[u8],
        append: bool,
        at: Moment,
        entropy: &dyn Entropy,
    ) -> Result<(), DriverError> {
        let standing = self.standing()?;
        let mut rows = super::commit::Rows::default();
        for row in self.vault.read(|read| read.content_keys(&log))? {
            let key = ContentKey::from_bytes(&row.key).map_err(DriverError::Crypto)?;
            rows.statements.push(access(
                &standing,
                self,
                log,
                reader,
                append,
                false,
                &key,
                sealing_key,
                at,
                entropy,
            )?);
        }
        let statement = rows.statements.first().map(|row| row.id).ok_or(DriverError::NoContentKey)?;
        let shared = self
            .books()
            .replica(&self.vault, log)?
            .ledger()
            .basis(bedside_protocol::entry::Scope::Share)
            .is_some();
        let says = if shared {
            vec![Says::Grant(bedside_protocol::entry::Grant { reader, statement })]
        } else {
            vec![]
        };
        self.commit(log, says, at, rows).map(|_| ())
    }

    /// Makes an organisation's keys and what the operator is asked to sign.
    pub(crate) fn request_organisation(
        &self,
        name: &str,
        ods_code: &str,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, DriverError> {
        if let Some(made) = self.vault.read(|read| read.meta(name::ORGANISATION_REQUEST))? {
            return Ok(made);
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
        self.vault.write(move |tx| {
            tx.put_secret(name::ORGANISATION_SIGNING, signing.seed().as_slice())?;
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
        let seed = self
            .vault
            .read(|read| read.secret(name::ORGANISATION_SIGNING))?
            .ok_or(DriverError::NoIdentity)?;
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
        self.vault.write(move |tx| {
            rows.iter().try_for_each(|row| tx.put_statement(row).map(|_| ()))?;
            tx.put_secret(name::LOOKUP, &lookup)?;
            tx.put_secret(name::RELAY, relay.as_bytes())?;
            tx.put_secret(name::ROOT, &root)?;
            tx.put_secret(name::CREDENTIAL, credential_id.as_bytes())
        })?;
        self.refresh()?;
        Ok(charter.relay)
    }

    fn new_keys(&self, transport_key: [u8; 32]) -> NewKeys {
        let sealing_key = self.keys.sealing.public_key();
        let possession = prove_possession(&self.keys.signing, &sealing_key, &transport_key);
        NewKeys { signing_key: self.keys.signing.public_key(), sealing_key, transport_key, possession }
    }

    /// What a new device sends to answer an invitation.
    pub(crate) fn enrol_request(
        &self,
        invitation: &Invitation,
        transport_key: [u8; 32],
    ) -> Result<EnrolRequest, DriverError> {
        let secret = invitation.secret()?;
        let keys = self.new_keys(transport_key);
        let request = cbor::encode(&keys);
        Ok(EnrolRequest { invite: secret.id(), proof: secret.prove(&request), request })
    }

    /// Takes the issuer's answer: checks that it comes from whoever made the invitation, that the chain ends at the
    /// network root of the invitation, and that the credential is for this device's own keys.
    pub(crate) fn accept_enrolment(
        &self,
        invitation: &Invitation,
        answer: &[u8],
        transport_key: [u8; 32],
    ) -> Result<(), DriverError> {
        let secret = invitation.secret()?;
        let unreadable = DriverError::Invitation("the answer cannot be read");
        let Ok(answer) = cbor::decode::<Answer>(answer) else { return Err(unreadable) };
        if !secret.check_answer(&answer.body, &answer.proof) {
            return Err(DriverError::Invitation("the answer does not come from whoever made the invitation"));
        }
        let Ok(body) = cbor::decode::<AnswerBody>(&answer.body) else { return Err(unreadable) };
        let mut trust = Trust::new(invitation.root);
        let mut rows = Vec::new();
        for bytes in body.statements {
            let bytes = Vec::from(bytes);
            let (id, statement) = trust.accept(&bytes).map_err(DriverError::Statement)?;
            let kind = match statement {
                Statement::Organisation(_) => StatementKind::Organisation,
                Statement::Credential(_) => StatementKind::Credential,
                Statement::Access(_) | Statement::Acknowledgement(_) | Statement::Invite(_) => continue,
            };
            rows.push(StatementRow { id, kind, log: None, bytes, sent: true });
        }
        let own =
            rows.last().and_then(|row| Some((row.id, trust.credential(&row.id)?))).filter(|(_, own)| {
                own.identity() == self.keys.identity && own.device() == device_id(&transport_key)
            });
        let Some((own, _)) = own else {
            return Err(DriverError::Invitation("the credential is for another device"));
        };
        let shared = self
            .keys
            .sealing
            .open(INFO, secret.id().as_bytes(), &body.sealed)
            .map_err(DriverError::Crypto)?;
        let Ok(shared) = cbor::decode::<SharedKeys>(&shared) else { return Err(unreadable) };
        let (root, relay) = (invitation.root, invitation.relay.clone());
        self.vault.write(move |tx| {
            rows.iter().try_for_each(|row| tx.put_statement(row).map(|_| ()))?;
            if let Some(lookup) = &shared.lookup {
                tx.put_secret(name::LOOKUP, lookup)?;
            }
            if let Some(sealing) = &shared.organisation_sealing {
                tx.put_secret(name::ORGANISATION_SEALING, sealing)?;
            }
            tx.put_secret(name::RELAY, relay.as_bytes())?;
            tx.put_secret(name::ROOT, &root)?;
            tx.put_secret(name::CREDENTIAL, own.as_bytes())
        })?;
        self.refresh()
    }
}

/// The row of a new access statement.
#[expect(clippy::too_many_arguments, reason = "an access statement has that many fields")]
pub(crate) fn access(
    standing: &Standing,
    open: &OpenVault,
    log: LogId,
    reader: Principal,
    append: bool,
    founding: bool,
    key: &ContentKey,
    sealing_key: &[u8],
    at: Moment,
    entropy: &dyn Entropy,
) -> Result<StatementRow, DriverError> {
    let (books, signing) = (open.books(), &open.keys.signing);
    access_row(standing, &books.trust, signing, log, reader, append, founding, key, sealing_key, at, entropy)
}

/// [`access`] for who holds the books.
#[expect(clippy::too_many_arguments, reason = "an access statement has that many fields")]
pub(crate) fn access_row(
    standing: &Standing,
    trust: &Trust,
    signing: &SigningKey,
    log: LogId,
    reader: Principal,
    append: bool,
    founding: bool,
    key: &ContentKey,
    sealing_key: &[u8],
    at: Moment,
    entropy: &dyn Entropy,
) -> Result<StatementRow, DriverError> {
    let sealed_key = seal_content_key(key, &log, sealing_key, entropy).map_err(DriverError::Crypto)?;
    let access = Access {
        granter: standing.credential,
        log,
        reader,
        append,
        founding,
        key: key.id(),
        sealed_key,
        time: at.now,
    };
    let bytes = sign(&Statement::Access(access), signing);
    trust.verify(&bytes).map_err(DriverError::Statement)?;
    Ok(StatementRow {
        id: statement_id(&bytes),
        kind: StatementKind::Access,
        log: Some(log),
        bytes,
        sent: false,
    })
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

const fn in_general(role: Role) -> &'static str {
    if matches!(role, Role::Proxy) { "A proxy" } else { "The person" }
}

fn invite_name(id: &InviteId) -> String {
    format!("{}{id}", name::INVITE)
}
