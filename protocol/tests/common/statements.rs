//! A small network: one organisation, its administrator, a nurse, a carer, and the person a plan is about.

use std::sync::OnceLock;

use bedside_protocol::cbor::encode;
use bedside_protocol::ids::{
    IdentityId, InviteId, KeyId, LogId, Principal, SealedId, StatementId, Timestamp,
};
use bedside_protocol::signing::Signer as _;
use bedside_protocol::statement::{
    Access, Acknowledgement, Capabilities, Credential, Invite, Organisation, Role, SEALING_KEY_BYTES,
    Statement, Trust, identity_id, organisation_id, prove_possession, sign, statement_id,
};
use coset::{CborSerializable, CoseSign1, CoseSign1Builder, HeaderBuilder, TaggedCborSerializable, iana};

use super::{Fields, Key, counted, diagnostic, hex, json, key};

/// Seeds of the signing keys: each is one byte, 32 times.
pub(crate) const ROOT: u8 = 1;
pub(crate) const ORGANISATION: u8 = 2;
pub(crate) const ADMIN: u8 = 3;
pub(crate) const NURSE: u8 = 4;
pub(crate) const CARER: u8 = 5;
pub(crate) const PERSON: u8 = 6;
/// In nobody's credential.
pub(crate) const OUTSIDER: u8 = 7;

const HOUR_MS: u64 = 3_600_000;
pub(crate) const BEGIN: Timestamp = Timestamp(0x1a2_29f1_2800);

/// What X-Wing keys look like from outside.
pub(crate) fn sealing_key(first: u8) -> Vec<u8> {
    counted::<SEALING_KEY_BYTES>(first).to_vec()
}

pub(crate) fn public(seed: u8) -> [u8; 32] {
    key(seed).public_key()
}

pub(crate) fn log() -> LogId {
    LogId::new(counted(0x40))
}

pub(crate) fn organisation() -> Organisation {
    let signing_key = public(ORGANISATION);
    Organisation {
        id: organisation_id(&signing_key),
        name: "St Example’s Hospice".to_owned(),
        ods_code: "X9X99".to_owned(),
        signing_key,
        sealing_key: sealing_key(0x10),
        epoch: 0,
        valid_from: BEGIN,
        valid_until: BEGIN.plus_ms(5 * 365 * 24 * HOUR_MS),
    }
}

/// A credential as its role usually has it.
pub(crate) fn credential(issuer: StatementId, seed: u8, name: &str, role: Role) -> Credential {
    let for_plan = matches!(role, Role::Person | Role::Proxy);
    Credential {
        issuer,
        name: name.to_owned(),
        role,
        professional_number: None,
        signing_key: public(seed),
        sealing_key: sealing_key(seed),
        transport_key: public(seed + 0x10),
        capabilities: role.usual_capabilities(),
        plan: for_plan.then(log),
        lease_hours: 72,
        valid_from: BEGIN,
        valid_until: BEGIN.plus_ms(365 * 24 * HOUR_MS),
        possession: prove_possession(&key(seed), &sealing_key(seed), &public(seed + 0x10)),
    }
}

pub(crate) fn access(granter: StatementId, reader: Principal, founding: bool) -> Access {
    Access {
        granter,
        log: log(),
        reader,
        append: true,
        founding,
        key: KeyId::new(counted(0x90)),
        sealed_key: counted::<1_168>(0x30).to_vec(),
        time: BEGIN.plus_ms(HOUR_MS),
    }
}

pub(crate) fn acknowledgement(reader: StatementId) -> Acknowledgement {
    let entries = vec![SealedId::new(counted(0x50)), SealedId::new(counted(0x70))];
    Acknowledgement { reader, log: log(), entries, time: BEGIN.plus_ms(2 * HOUR_MS) }
}

pub(crate) fn invite(issuer: StatementId) -> Invite {
    let time = BEGIN.plus_ms(HOUR_MS);
    Invite { issuer, id: InviteId::new(counted(0xb0)), time, valid_until: time.plus_ms(24 * HOUR_MS) }
}

pub(crate) struct Vector {
    pub(crate) shows: &'static str,
    pub(crate) signer: u8,
    pub(crate) statement: Statement,
    pub(crate) bytes: Vec<u8>,
    pub(crate) id: StatementId,
}

/// Something that looks like a statement and must be refused by whoever has accepted all vectors.
pub(crate) struct Refused {
    pub(crate) why: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// The ids of the vectors that others refer to.
pub(crate) struct Ids {
    pub(crate) organisation: StatementId,
    pub(crate) admin: StatementId,
    pub(crate) nurse: StatementId,
    pub(crate) carer: StatementId,
    pub(crate) person: StatementId,
}

fn vector(shows: &'static str, signer: u8, statement: Statement) -> Vector {
    let bytes = sign(&statement, &key(signer));
    Vector { shows, signer, statement, id: statement_id(&bytes), bytes }
}

/// Every kind of statement, each after those that vouch for it.
pub(crate) fn vectors() -> Vec<Vector> {
    vectors_and_ids().0
}

pub(crate) fn vectors_and_ids() -> (Vec<Vector>, Ids) {
    let organisation =
        vector("an organisation, signed by the root", ROOT, Statement::Organisation(organisation()));
    let by_organisation = |shows, seed, name, role| {
        vector(shows, ORGANISATION, Statement::Credential(credential(organisation.id, seed, name, role)))
    };
    let admin = by_organisation("an administrator", ADMIN, "Ada Min", Role::Administrator);
    let carer = by_organisation("a carer", CARER, "Cara Rer", Role::Carer);
    let nurse = Credential {
        professional_number: Some("00A0000E".to_owned()),
        ..credential(organisation.id, NURSE, "Nora Urse", Role::Nurse)
    };
    let nurse = vector("a nurse, with a professional number", ORGANISATION, Statement::Credential(nurse));
    let person = vector(
        "the person the plan is about, signed by the nurse who verified them",
        NURSE,
        Statement::Credential(credential(nurse.id, PERSON, "Pat Erson", Role::Person)),
    );
    let ids = Ids {
        organisation: organisation.id,
        admin: admin.id,
        nurse: nurse.id,
        carer: carer.id,
        person: person.id,
    };
    let own = Principal::Organisation(organisation_id(&public(ORGANISATION)));
    let founding = access(ids.nurse, own, true);
    let shared = Access {
        append: false,
        ..access(ids.nurse, Principal::Identity(identity_id(&public(PERSON))), false)
    };
    let rest = [
        vector("a log begins: access for the founder's organisation", NURSE, Statement::Access(founding)),
        vector("access for the person, to read only", NURSE, Statement::Access(shared)),
        vector(
            "the person's device holds two entries",
            PERSON,
            Statement::Acknowledgement(acknowledgement(ids.person)),
        ),
        vector("the administrator expects somebody", ADMIN, Statement::Invite(invite(ids.admin))),
    ];
    let vectors = [organisation, admin, carer, nurse, person].into_iter().chain(rest).collect();
    (vectors, ids)
}

/// A party that accepted every vector.
pub(crate) fn trust() -> Trust {
    static TRUST: OnceLock<Trust> = OnceLock::new();
    let accepted = || {
        let mut trust = Trust::new(public(ROOT));
        for vector in vectors() {
            trust.accept(&vector.bytes).unwrap_or_else(|error| panic!("{}: {error}", vector.shows));
        }
        trust
    };
    TRUST.get_or_init(accepted).clone()
}

fn cose(statement: &Statement, signer: &Key, domain: &[u8], header: HeaderBuilder) -> CoseSign1 {
    CoseSign1Builder::new()
        .protected(header.build())
        .payload(encode(statement))
        .create_signature(domain, |message| signer.sign(message).to_vec())
        .build()
}

pub(crate) fn refused() -> Vec<Refused> {
    const DOMAIN: &[u8] = b"bedside statement v1";
    let ids = vectors_and_ids().1;
    let eddsa = || HeaderBuilder::new().algorithm(iana::Algorithm::EdDSA);
    let admin = key(ADMIN);
    let invitation = Statement::Invite(invite(ids.admin));
    let plain = cose(&invitation, &admin, DOMAIN, eddsa());
    let cose_bytes = |why, cose: CoseSign1| Refused { why, bytes: cose.to_vec().expect("it can be encoded") };
    let said = |why, signer: u8, statement: Statement| Refused { why, bytes: sign(&statement, &key(signer)) };
    let critical = eddsa().add_critical_label(coset::RegisteredLabelWithPrivate::Text("x".to_owned()));
    let mut unprotected = plain.clone();
    unprotected.unprotected.key_id = vec![1];
    let mut detached = plain.clone();
    detached.payload = None;
    let mut stale = plain.clone();
    stale.payload =
        Some(encode(&Statement::Invite(Invite { id: InviteId::new([0; 32]), ..invite(ids.admin) })));
    let foreign = Principal::Identity(IdentityId::new([9; 32]));
    let person = credential(ids.nurse, OUTSIDER, "Mal Lory", Role::Person);
    let mut refused = vec![
        cose_bytes("signed without the external AAD", cose(&invitation, &admin, b"", eddsa())),
        cose_bytes(
            "a protected header with a key id",
            cose(&invitation, &admin, DOMAIN, eddsa().key_id(vec![1])),
        ),
        cose_bytes("a protected header with crit", cose(&invitation, &admin, DOMAIN, critical)),
        cose_bytes("no algorithm", cose(&invitation, &admin, DOMAIN, HeaderBuilder::new())),
        cose_bytes(
            "another algorithm",
            cose(&invitation, &admin, DOMAIN, HeaderBuilder::new().algorithm(iana::Algorithm::ES256)),
        ),
        cose_bytes("something in the unprotected header", unprotected),
        cose_bytes("no payload", detached),
        cose_bytes("another payload than was signed", stale),
        Refused {
            why: "tagged as COSE_Sign1",
            bytes: plain.clone().to_tagged_vec().expect("it can be encoded"),
        },
        said("an invitation, not signed by its issuer", NURSE, invitation.clone()),
        said("an invitation by somebody who may not invite", CARER, Statement::Invite(invite(ids.carer))),
        said(
            "an invitation by somebody unknown",
            ADMIN,
            Statement::Invite(invite(StatementId::new([0; 32]))),
        ),
        said(
            "an organisation's key signs no invitation",
            ORGANISATION,
            Statement::Invite(invite(ids.organisation)),
        ),
        said(
            "access by somebody who may not share",
            CARER,
            Statement::Access(access(ids.carer, foreign, false)),
        ),
        said(
            "a log that begins with access for another",
            NURSE,
            Statement::Access(access(ids.nurse, foreign, true)),
        ),
        said(
            "an acknowledgement of nothing",
            PERSON,
            Statement::Acknowledgement(Acknowledgement { entries: vec![], ..acknowledgement(ids.person) }),
        ),
        said(
            "a person's credential that may write",
            NURSE,
            Statement::Credential(Credential {
                capabilities: Capabilities(Capabilities::PROPOSE | Capabilities::WRITE),
                ..person.clone()
            }),
        ),
        said(
            "a person's credential for no plan",
            NURSE,
            Statement::Credential(Credential { plan: None, ..person.clone() }),
        ),
        said(
            "a person's credential by a carer",
            CARER,
            Statement::Credential(Credential { issuer: ids.carer, ..person.clone() }),
        ),
        said(
            "a person's credential by an organisation",
            ORGANISATION,
            Statement::Credential(Credential { issuer: ids.organisation, ..person.clone() }),
        ),
        said(
            "a nurse's credential by a nurse",
            NURSE,
            Statement::Credential(credential(ids.nurse, OUTSIDER, "Mal Lory", Role::Nurse)),
        ),
        said(
            "a nurse's credential for one plan",
            ORGANISATION,
            Statement::Credential(Credential {
                plan: Some(log()),
                ..credential(ids.organisation, OUTSIDER, "Mal Lory", Role::Nurse)
            }),
        ),
        said(
            "a sealing key of another length",
            ORGANISATION,
            Statement::Credential(Credential {
                sealing_key: vec![0; 32],
                ..credential(ids.organisation, OUTSIDER, "Mal Lory", Role::Carer)
            }),
        ),
        said(
            "a colleague's signing key on a device of one's own",
            ORGANISATION,
            Statement::Credential(Credential {
                transport_key: public(OUTSIDER),
                ..credential(ids.organisation, CARER, "Cara Rer", Role::Carer)
            }),
        ),
        said(
            "a credential without a name",
            ORGANISATION,
            Statement::Credential(credential(ids.organisation, OUTSIDER, "", Role::Carer)),
        ),
        said(
            "a name of 257 bytes",
            ORGANISATION,
            Statement::Credential(credential(ids.organisation, OUTSIDER, &"n".repeat(257), Role::Carer)),
        ),
        said(
            "an organisation that the root did not sign",
            ORGANISATION,
            Statement::Organisation(organisation()),
        ),
        said(
            "an organisation whose id does not follow from its first key",
            ROOT,
            Statement::Organisation(Organisation { signing_key: public(OUTSIDER), ..organisation() }),
        ),
    ];
    let mut padded = plain.to_vec().expect("it can be encoded");
    padded.push(0);
    refused.push(Refused { why: "a byte after the statement", bytes: padded });
    refused
}

pub(crate) fn file() -> String {
    let vector = |v: &Vector| -> Fields {
        vec![
            ("shows", v.shows.to_owned()),
            ("signer_seed", hex(&[v.signer; 32])),
            ("bytes", hex(&v.bytes)),
            ("payload_diagnostic", diagnostic(&encode(&v.statement))),
            ("id", v.id.to_string()),
        ]
    };
    let refused_one = |r: &Refused| -> Fields { vec![("why", r.why.to_owned()), ("bytes", hex(&r.bytes))] };
    json(
        &[
            "Signed statements as docs/protocol.md describes them, each after those that vouch for it.",
            "All values are hexadecimal; 'payload_diagnostic' is RFC 8949 section 8, for people. Seeds are for tests and nothing else.",
            "Sealing keys and sealed keys are counted-up bytes of the right length: nothing can be sealed to them.",
            "'refused' must be refused by a party that has this root and has accepted all of 'statements'.",
            "Never edit a vector: a build that does not reproduce it no longer reads what was written before it.",
        ],
        &vec![("root_public_key", hex(&public(ROOT)))],
        &[
            ("statements", vectors().iter().map(vector).collect()),
            ("refused", refused().iter().map(refused_one).collect()),
        ],
    )
}
