//! Both sides of an enrolment.
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
use bedside_protocol::entry::{Compartment, Grant, Scope};
use bedside_protocol::ids::{InviteId, LogId, OrganisationId, Principal, StatementId, Timestamp};
use bedside_protocol::signing::{Signer, hash};
use bedside_protocol::statement::{
    Access, Capabilities, Credential, Invite, Role, SEALING_KEY_BYTES, Statement, Trust, device_id,
    prove_possession, sign, statement_id,
};
use bedside_protocol::wire::{EnrolRequest, EnrolmentAnswer};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::DriverError;
use super::commit::{Moment, Says};
use super::keyring::Slot;
use super::open_vault::{OpenVault, Standing, name};
use crate::crypto::content::{ContentKey, seal_content_key};
use crate::crypto::invite::InviteSecret;
use crate::crypto::keys::{SigningKey, seal_to};
use crate::ports::Entropy;
use crate::store::{StatementKind, StatementRow, Wish};

const INFO: &[u8] = b"bedside enrolment v1";
const HOUR_MS: u64 = 3_600_000;
/// A credential is good for a year; then it is issued anew.
pub(super) const CREDENTIAL_MS: u64 = 365 * 24 * HOUR_MS;
/// Clocks of issuer and relay may differ by this much.
pub(super) const CLOCKS_DIFFER_MS: u64 = 10 * 60 * 1_000;
/// Days without the relay, unless the organisation says otherwise.
pub(super) const LEASE_HOURS: u32 = 72;

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
    /// Which identity of this device made it: nobody else here can answer.
    #[n(7)]
    by: Slot,
}

/// What all identities of one device have in common: who reads as them, and whether they are shown what urgent care is.
#[derive(PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Belongs {
    #[n(0)]
    organisation: Option<OrganisationId>,
    #[n(1)]
    plan: Option<LogId>,
    #[n(2)]
    urgent_care: bool,
}

#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct NewKeys {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(super) signing_key: [u8; 32],
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(super) sealing_key: Vec<u8>,
    #[cbor(n(2), with = "minicbor::bytes")]
    pub(super) transport_key: [u8; 32],
    #[cbor(n(3), with = "minicbor::bytes")]
    pub(super) possession: [u8; 64],
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
        let signs = self.own_secret(name::ORGANISATION_SIGNING)?.is_some();
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
            by: self.keys.own.slot,
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
        let organisation_key = self.own_secret(name::ORGANISATION_SIGNING)?;
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

    /// Seals every key of a plan to a reader, with the compartments that they may hold, and records the grant in the main log
    /// where consent to share stands. The access record is begun, so that what the reader looks at can be recorded.
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
            let (books, signing) = (self.books(), &self.keys.signing);
            rows.statements.push(access_row(
                &standing,
                &books.trust,
                signing,
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
        match self.compartment(log, Compartment::AccessRecord, at, entropy, &mut rows) {
            Ok(_) | Err(DriverError::CannotBegin(_) | DriverError::NoLookupKey) => {}
            Err(error) => return Err(error),
        }
        let mut books = self.books();
        for (_, beside) in books.beside(&self.vault, log)? {
            self.give_keys(&mut books, beside, at, entropy, &mut rows)?;
        }
        let shared = books.replica(&self.vault, log)?.ledger().basis(Scope::Share).is_some();
        drop(books);
        let says = if shared { vec![Says::Grant(Grant { reader, statement })] } else { vec![] };
        self.commit(log, says, at, rows).map(|_| ())
    }

    pub(super) fn new_keys(&self, transport_key: [u8; 32]) -> NewKeys {
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
        entropy: &dyn Entropy,
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
        let belongs = self.belongs_with(&trust, &own)?;
        let (own_name, sealed) = self.keys.own.seal(name::CREDENTIAL, own.as_bytes(), entropy);
        self.vault.write(move |tx| {
            rows.iter().try_for_each(|row| tx.put_statement(row).map(|_| ()))?;
            tx.put_meta(name::BELONGS, &belongs)?;
            if let Some(lookup) = &shared.lookup {
                tx.put_secret(name::LOOKUP, lookup)?;
            }
            if let Some(sealing) = &shared.organisation_sealing {
                tx.put_secret(name::ORGANISATION_SEALING, sealing)?;
            }
            tx.put_secret(name::RELAY, relay.as_bytes())?;
            tx.put_secret(name::ROOT, &root)?;
            tx.put_secret(&own_name, &sealed)
        })?;
        self.refresh()
    }

    pub(super) fn own_secret(&self, what: &str) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, DriverError> {
        self.vault.read(|read| Ok(self.keys.own.get(read, what)))?
    }

    /// True when somebody has enrolled on this device.
    pub(crate) fn belongs(&self) -> Result<bool, DriverError> {
        Ok(self.vault.read(|read| read.meta(name::BELONGS))?.is_some())
    }

    /// What this device belongs to, with a new credential on it. Plans, lists and the organisation's keys are there for every
    /// identity of a device, so all of them read as the same.
    pub(super) fn belongs_with(
        &self,
        trust: &Trust,
        credential: &StatementId,
    ) -> Result<Vec<u8>, DriverError> {
        let plan = trust.credential(credential).and_then(|credential| credential.plan);
        let belongs = Belongs {
            organisation: trust.organisation_of(credential).map(|o| o.id).filter(|_| plan.is_none()),
            plan,
            urgent_care: trust.credential(credential).is_some_and(|c| c.role == Role::UrgentCare),
        };
        let bytes = cbor::encode(&belongs);
        match self.vault.read(|read| read.meta(name::BELONGS))? {
            Some(before) if before != bytes => Err(DriverError::Invitation(
                "the others on this device belong to something else; use another profile or device",
            )),
            _ => Ok(bytes),
        }
    }

    /// True when an identity of this device made an invitation, and it is not the one who is here.
    pub(crate) fn is_anothers_invitation(&self, id: &InviteId) -> Result<bool, DriverError> {
        let stored = self.vault.read(|read| read.meta(&invite_name(id)))?;
        let stored = stored.and_then(|bytes| StoredInvite::from_bytes(&bytes));
        Ok(stored.is_some_and(|stored| stored.by != self.keys.own.slot))
    }
}

/// The row of a new access statement.
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

const fn in_general(role: Role) -> &'static str {
    if matches!(role, Role::Proxy) { "A proxy" } else { "The person" }
}

fn invite_name(id: &InviteId) -> String {
    format!("{}{id}", name::INVITE)
}
