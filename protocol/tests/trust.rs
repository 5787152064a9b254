//! Nobody is believed beyond what the chain from the network root gives them.

mod common;

use bedside_protocol::ids::{IdentityId, LogId, OrganisationId, Principal, StatementId};
use bedside_protocol::statement::{
    Capabilities, Credential, Organisation, Role, Statement, StatementError, Trust, identity_id,
    organisation_id, sign, statement_id,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use common::statements::{
    ADMIN, CARER, NURSE, ORGANISATION, OUTSIDER, PERSON, ROOT, access, acknowledgement, credential, invite,
    organisation, public, sealing_key, trust, vectors_and_ids,
};
use common::{counted, key};

/// One attempt: which kind of statement, and a choice for every field and for the key that signs.
#[derive(Clone, Debug)]
struct Attempt {
    kind: u8,
    issuer: Index,
    /// Name a credential whose key is stolen, if there is one; otherwise any statement.
    own: bool,
    signer: Index,
    role: Role,
    capabilities: u32,
    plan: Option<u8>,
    named: u8,
    reader: Index,
    founding: bool,
    epoch: u32,
}

/// Sets of capabilities: empty, one, one beside proposing, all, and anything.
fn capabilities() -> impl Strategy<Value = u32> {
    let one = (0..10_u32).prop_map(|bit| 1 << bit);
    let beside = (0..10_u32).prop_map(|bit| 1 << bit | Capabilities::PROPOSE);
    prop_oneof![Just(0), Just(Capabilities::PROPOSE), one, beside, Just(0x1ff), any::<u32>()]
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let named = select(&[ROOT, ORGANISATION, ADMIN, NURSE, CARER, PERSON, OUTSIDER][..]);
    let role = prop_oneof![select(&Role::ALL[..]), select(&[Role::Person, Role::Proxy][..])];
    let who = (0..5_u8, any::<Index>(), any::<bool>(), any::<Index>());
    let fields =
        (role, capabilities(), prop::option::of(any::<u8>()), named, any::<Index>(), any::<bool>(), 0..3_u32);
    (who, fields).prop_map(|((kind, issuer, own, signer), fields)| {
        let (role, capabilities, plan, named, reader, founding, epoch) = fields;
        Attempt { kind, issuer, own, signer, role, capabilities, plan, named, reader, founding, epoch }
    })
}

/// Keys that somebody may have got hold of: never the root's or the organisation's.
fn stolen() -> impl Strategy<Value = Vec<u8>> {
    select(vec![
        vec![OUTSIDER],
        vec![PERSON, OUTSIDER],
        vec![CARER, OUTSIDER],
        vec![NURSE, OUTSIDER],
        vec![ADMIN, OUTSIDER],
    ])
}

fn readers() -> Vec<Principal> {
    let identities =
        [ADMIN, NURSE, CARER, PERSON, OUTSIDER].map(|seed| Principal::Identity(identity_id(&public(seed))));
    let organisations = [organisation_id(&public(ORGANISATION)), OrganisationId::new([9; 32])];
    identities.into_iter().chain(organisations.map(Principal::Organisation)).collect()
}

impl Attempt {
    fn statement(&self, known: &[StatementId], held: &[StatementId]) -> Statement {
        let from = if self.own && !held.is_empty() { held } else { known };
        let issuer = from[self.issuer.index(from.len())];
        let readers = readers();
        let reader = readers[self.reader.index(readers.len())];
        match self.kind {
            0 => {
                let signing_key = public(self.named);
                let id = if self.epoch == 0 { organisation_id(&signing_key) } else { organisation().id };
                Statement::Organisation(Organisation { id, signing_key, epoch: self.epoch, ..organisation() })
            }
            1 => Statement::Credential(Credential {
                capabilities: Capabilities(self.capabilities),
                plan: self.plan.map(|first| LogId::new(counted(first))),
                sealing_key: sealing_key(self.named),
                ..credential(issuer, self.named, "Mal Lory", self.role)
            }),
            2 => Statement::Access(access(issuer, reader, self.founding)),
            3 => Statement::Acknowledgement(acknowledgement(issuer)),
            _ => Statement::Invite(invite(issuer)),
        }
    }
}

/// What was accepted must follow from a credential that is believed and whose key the thief has.
fn follows(trust: &Trust, stolen: &[u8], statement: &Statement) -> bool {
    let held = |id: &StatementId| {
        trust.credential(id).filter(|c| stolen.iter().any(|seed| public(*seed) == c.signing_key))
    };
    match statement {
        Statement::Organisation(_) => false,
        Statement::Credential(c) => {
            matches!(c.role, Role::Person | Role::Proxy)
                && c.plan.is_some()
                && c.capabilities.0 | Capabilities::PROPOSE == Capabilities::PROPOSE
                && held(&c.issuer).is_some_and(|by| by.capabilities.has(Capabilities::INVITE_PERSON))
        }
        Statement::Access(a) => held(&a.granter).is_some_and(|by| {
            let own = a.reader == Principal::Identity(by.identity())
                || trust.organisation(&by.issuer).is_some_and(|o| a.reader == Principal::Organisation(o.id));
            if a.founding {
                own && by.capabilities.has(Capabilities::CREATE)
            } else {
                by.capabilities.has(Capabilities::SHARE)
            }
        }),
        Statement::Acknowledgement(a) => held(&a.reader).is_some(),
        Statement::Invite(i) => held(&i.issuer).is_some_and(|by| {
            by.capabilities.has(Capabilities::ADMINISTER) || by.capabilities.has(Capabilities::INVITE_PERSON)
        }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn with_stolen_keys_nothing_is_believed_that_their_owners_may_not_say(
        stolen in stolen(), attempts in vec(attempt(), 1..12),
    ) {
        let mut trust = trust();
        let mut known: Vec<StatementId> =
            trust.credentials().map(|(id, _)| *id).chain(trust.organisations().map(|(id, _)| *id)).collect();
        let organisations = trust.organisations().count();
        for attempt in &attempts {
            let held: Vec<StatementId> = trust
                .credentials()
                .filter(|(_, c)| stolen.iter().any(|seed| public(*seed) == c.signing_key))
                .map(|(id, _)| *id)
                .collect();
            let statement = attempt.statement(&known, &held);
            let bytes = sign(&statement, &key(stolen[attempt.signer.index(stolen.len())]));
            known.push(statement_id(&bytes));
            if trust.accept(&bytes).is_ok() {
                prop_assert!(follows(&trust, &stolen, &statement), "{:?}", attempt);
                prop_assert_ne!(&stolen, &[OUTSIDER]);
            }
        }
        prop_assert_eq!(trust.organisations().count(), organisations);
    }

    #[test]
    fn a_signature_holds_for_the_statement_that_was_signed_alone(genuine: Index, attempt in attempt()) {
        let (vectors, _) = vectors_and_ids();
        let genuine = &vectors[genuine.index(vectors.len())];
        let known: Vec<_> = vectors.iter().map(|vector| vector.id).collect();
        let other = attempt.statement(&known, &[]);
        prop_assume!(other != genuine.statement);
        let mut cose = <coset::CoseSign1 as coset::CborSerializable>::from_slice(&genuine.bytes).unwrap();
        cose.payload = Some(bedside_protocol::cbor::encode(&other));
        let bytes = coset::CborSerializable::to_vec(cose).unwrap();
        prop_assert!(trust().verify(&bytes).is_err());
    }

    #[test]
    fn a_person_s_credential_never_exceeds_proposing(
        capabilities in capabilities(),
        role in select(&[Role::Person, Role::Proxy][..]),
    ) {
        let (_, ids) = vectors_and_ids();
        let asked = Credential {
            capabilities: Capabilities(capabilities),
            ..credential(ids.nurse, OUTSIDER, "Pat Erson", role)
        };
        let said = trust().verify(&sign(&Statement::Credential(asked), &key(NURSE)));
        if capabilities == 0 || capabilities == Capabilities::PROPOSE {
            prop_assert!(said.is_ok());
        } else {
            prop_assert!(matches!(said, Err(StatementError::Authority(_))));
        }
    }

    #[test]
    fn a_log_begins_only_by_somebody_who_may_create_and_for_themselves(
        capabilities in capabilities(), reader: Index, founding: bool,
    ) {
        let (_, ids) = vectors_and_ids();
        let mut trust = trust();
        let colleague = Credential {
            capabilities: Capabilities(capabilities),
            ..credential(ids.organisation, OUTSIDER, "Col League", Role::AlliedHealth)
        };
        let (granter, _) = trust.accept(&sign(&Statement::Credential(colleague), &key(ORGANISATION))).unwrap();
        let readers = readers();
        let reader = readers[reader.index(readers.len())];
        let own = [Principal::Identity(identity_id(&public(OUTSIDER))), Principal::Organisation(organisation().id)];
        let (needed, any_reader) = if founding { (Capabilities::CREATE, false) } else { (Capabilities::SHARE, true) };
        let allowed = capabilities & needed != 0 && (any_reader || own.contains(&reader));
        let said = trust.verify(&sign(&Statement::Access(access(granter, reader, founding)), &key(OUTSIDER)));
        prop_assert_eq!(said.is_ok(), allowed);
    }

    #[test]
    fn statements_are_believed_in_any_order_that_puts_issuers_first(order in Just(()).prop_perturb(|(), mut rng| {
        let mut order: Vec<usize> = (0..vectors_and_ids().0.len()).collect();
        (1..order.len()).rev().for_each(|i| order.swap(i, (rng.random::<u32>() as usize) % (i + 1)));
        order
    })) {
        let (vectors, _) = vectors_and_ids();
        let mut trust = Trust::new(public(ROOT));
        let mut left = order;
        while !left.is_empty() {
            let before = left.len();
            left.retain(|i| match trust.accept(&vectors[*i].bytes) {
                Ok(_) => false,
                Err(error) => {
                    assert!(matches!(error, StatementError::MissingIssuer(_)), "{error}");
                    true
                }
            });
            prop_assert!(left.len() < before);
        }
    }
}

#[test]
fn each_stolen_key_is_good_for_what_its_owner_may_do_and_the_attempts_above_reach_it() {
    let (_, ids) = vectors_and_ids();
    let trust = trust();
    let says = |seed: u8, statement: Statement| trust.verify(&sign(&statement, &key(seed))).is_ok();
    let stranger = Principal::Identity(IdentityId::new([9; 32]));
    let nurse = Principal::Identity(identity_id(&public(NURSE)));
    let patient = |issuer| Statement::Credential(credential(issuer, OUTSIDER, "Pat Erson", Role::Person));

    assert!(says(NURSE, Statement::Access(access(ids.nurse, stranger, false))));
    assert!(says(NURSE, Statement::Access(access(ids.nurse, nurse, true))));
    assert!(says(NURSE, Statement::Invite(invite(ids.nurse))));
    assert!(says(NURSE, patient(ids.nurse)));
    assert!(says(ADMIN, Statement::Invite(invite(ids.admin))));
    assert!(!says(ADMIN, patient(ids.admin)));
    assert!(!says(ADMIN, Statement::Access(access(ids.admin, stranger, false))));
    assert!(says(CARER, Statement::Acknowledgement(acknowledgement(ids.carer))));
    assert!(!says(CARER, Statement::Access(access(ids.carer, stranger, false))));
    assert!(says(PERSON, Statement::Acknowledgement(acknowledgement(ids.person))));
    assert!(!says(PERSON, patient(ids.person)));
    assert!(!says(PERSON, Statement::Invite(invite(ids.person))));
}

#[test]
fn under_another_root_nothing_is_believed() {
    let mut trust = Trust::new(public(OUTSIDER));
    for vector in vectors_and_ids().0 {
        assert!(trust.accept(&vector.bytes).is_err(), "{}", vector.shows);
    }
}
