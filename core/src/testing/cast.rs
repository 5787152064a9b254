//! Invented people with real keys: an organisation, its staff, and the person a plan is about.

use bedside_protocol::entry::{Body, Compartment, Consent, Entry, Outcome, Scope, entry_id};
use bedside_protocol::ids::{EntryId, LogId, StatementId, Timestamp};
use bedside_protocol::signing::Signer;
use bedside_protocol::statement::{
    Capabilities, Credential, Organisation, Role, SEALING_KEY_BYTES, Statement, Trust, organisation_id,
    prove_possession, sign,
};

use super::SeededEntropy;
use crate::crdt::Edit;
use crate::crypto::content::sign_entry;
use crate::crypto::keys::SigningKey;
use crate::ledger::By;
use crate::ledger::replica::{Offered, Replica, SignedEntry};
use crate::ledger::write::{Pen, WriteError};

/// A network with one organisation, or more.
pub struct Cast {
    /// Everybody believes this.
    pub trust: Trust,
    entropy: SeededEntropy,
    root: SigningKey,
    organisation: (StatementId, SigningKey),
}

/// Somebody with a device, and what their device holds of one log.
pub struct Member {
    /// Their keys.
    pub signing: SigningKey,
    /// Their credential.
    pub credential: StatementId,
    /// Their copy of the log.
    pub replica: Replica,
    /// What they wrote and received, in order of arrival.
    pub held: Vec<SignedEntry>,
    log: LogId,
    clock: u64,
}

/// Every credential here is good from the beginning of time until this moment.
pub const FOREVER: Timestamp = Timestamp(4_000_000_000_000);

impl Cast {
    /// A network whose keys follow from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let entropy = SeededEntropy::new(seed);
        let root = SigningKey::generate(&entropy);
        let mut trust = Trust::new(root.public_key());
        let organisation = found(&mut trust, &entropy, &root, "Riverside Community Trust", "RX9");
        Self { trust, entropy, root, organisation }
    }

    /// From here on staff are of another, new organisation.
    pub fn another_organisation(&mut self, name: &str, ods_code: &str) {
        self.organisation = found(&mut self.trust, &self.entropy, &self.root, name, ods_code);
    }

    /// Somebody on the staff.
    pub fn staff(&mut self, log: LogId, name: &str, role: Role) -> Member {
        self.staff_who_may(log, name, role, role.usual_capabilities())
    }

    /// Somebody on the staff, with the capabilities that their organisation gave them.
    pub fn staff_who_may(&mut self, log: LogId, name: &str, role: Role, may: Capabilities) -> Member {
        let signing = SigningKey::generate(&self.entropy);
        let credential = self.credential(&signing, name, role, self.organisation.0, None);
        let credential = Credential { capabilities: may, ..credential };
        let bytes = sign(&Statement::Credential(credential), &self.organisation.1);
        self.member(log, signing, &bytes)
    }

    /// The person the plan is about, with a credential issued by a clinician.
    pub fn person(&mut self, log: LogId, name: &str, issuer: &Member) -> Member {
        let signing = SigningKey::generate(&self.entropy);
        let credential = self.credential(&signing, name, Role::Person, issuer.credential, Some(log));
        let bytes = sign(&Statement::Credential(credential), &issuer.signing);
        self.member(log, signing, &bytes)
    }

    fn credential(
        &self,
        keys: &SigningKey,
        name: &str,
        role: Role,
        issuer: StatementId,
        plan: Option<LogId>,
    ) -> Credential {
        Credential {
            issuer,
            name: name.into(),
            role,
            professional_number: None,
            signing_key: keys.public_key(),
            sealing_key: vec![0; SEALING_KEY_BYTES],
            transport_key: keys.public_key(),
            capabilities: role.usual_capabilities(),
            plan,
            lease_hours: 72,
            valid_from: Timestamp(0),
            valid_until: FOREVER,
            possession: prove_possession(keys, &[0; SEALING_KEY_BYTES], &keys.public_key()),
        }
    }

    fn member(&mut self, log: LogId, signing: SigningKey, credential: &[u8]) -> Member {
        let (credential, _) = self.trust.accept(credential).expect("signed by its issuer");
        Member { signing, credential, replica: Replica::new(log), held: Vec::new(), log, clock: 1_000 }
    }
}

fn found(
    trust: &mut Trust,
    entropy: &SeededEntropy,
    root: &SigningKey,
    name: &str,
    ods_code: &str,
) -> (StatementId, SigningKey) {
    let signing = SigningKey::generate(entropy);
    let organisation = Organisation {
        id: organisation_id(&signing.public_key()),
        name: name.into(),
        ods_code: ods_code.into(),
        signing_key: signing.public_key(),
        sealing_key: vec![0; SEALING_KEY_BYTES],
        epoch: 0,
        valid_from: Timestamp(0),
        valid_until: FOREVER,
    };
    let bytes = sign(&Statement::Organisation(organisation), root);
    let (id, _) = trust.accept(&bytes).expect("signed by the root");
    (id, signing)
}

impl Member {
    /// The same person's copy of a log beside the plan's main one.
    #[must_use]
    pub fn beside(&self, log: LogId, compartment: Compartment) -> Self {
        let signing = SigningKey::from_seed(&self.signing.seed());
        let replica = Replica::of(log, compartment);
        Self { signing, credential: self.credential, replica, held: Vec::new(), log, clock: self.clock }
    }

    /// Writes an entry and keeps it, whatever its verdict. Returns its id.
    pub fn say<'a>(&mut self, by: impl Into<By<'a>>, body: Body) -> Result<EntryId, WriteError> {
        let (by, pen) = (by.into(), self.pen());
        let ledger = self.replica.ledger();
        let entry = ledger.compose_in(by.plan.unwrap_or(ledger), &pen, body)?;
        Ok(self.keep(by, &entry))
    }

    /// Who they are and what their clock says; it goes on by a second each time.
    pub fn pen(&mut self) -> Pen {
        self.clock += 1_000;
        let author = bedside_protocol::statement::identity_id(&self.signing.public_key());
        Pen { author, credential: self.credential, now: Timestamp(self.clock), relay_time: None }
    }

    /// Signs an entry as it is and takes it in.
    pub fn keep<'a>(&mut self, by: impl Into<By<'a>>, entry: &Entry) -> EntryId {
        let bytes = entry.to_bytes();
        let id = entry_id(&self.log, &bytes);
        let signed = SignedEntry { signature: sign_entry(&self.signing, &id), bytes };
        self.receive(by, &signed);
        id
    }

    /// Records consent to record or share.
    pub fn consent(&mut self, trust: &Trust, scope: Scope, outcome: Outcome) -> EntryId {
        let consent = Consent { scope, outcome, note: "said so".into(), grounds: None };
        self.say(trust, Body::Consent(consent)).expect("a consent needs no basis")
    }

    /// Writes values and texts.
    pub fn edit<'a>(&mut self, by: impl Into<By<'a>>, edits: &[Edit]) -> Result<EntryId, WriteError> {
        let pen = self.pen();
        let actor = self.replica.ledger().actor(&pen.author);
        let mut copy = self.replica.document().clone();
        let change = copy.edit(&actor, pen.now, edits).expect("the edits change something");
        self.say(by, Body::Change(change))
    }

    /// Takes in what somebody else wrote; true when it is in.
    pub fn receive<'a>(&mut self, by: impl Into<By<'a>>, signed: &SignedEntry) -> bool {
        let admitted = matches!(self.replica.offer(signed, by), Ok(Offered::Admitted(_)));
        if admitted && !self.held.iter().any(|held| held.bytes == signed.bytes) {
            self.held.push(signed.clone());
        }
        admitted
    }

    /// Takes in everything that another holds.
    pub fn catch_up(&mut self, trust: &Trust, other: &Self) {
        for signed in other.held.clone() {
            self.receive(trust, &signed);
        }
    }
}
