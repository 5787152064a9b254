//! Bytes from outside, in the ordinary run: the fuzz targets over random bytes, over damaged messages, and over the
//! corpus with every crasher that the fuzzer ever found.

#[path = "../../fuzz/targets.rs"]
pub mod targets;

use std::fs;
use std::path::{Path, PathBuf};

use bedside_protocol::cbor::encode;
use bedside_protocol::entry::{
    Act, Approval, ApprovedSection, Body, Compartment, Consent, Decision, Entry, Grant, Grounds, Look, Mark,
    Outcome, Prev, Reason, Review, Scope, Stage, Why,
};
use bedside_protocol::ids::{
    DeviceId, EntryId, IdentityId, InviteId, KeyId, LogId, OrganisationId, Principal, RelayEpoch, SealedId,
    StatementId, Tag, Timestamp,
};
use bedside_protocol::problem::ProblemKind;
use bedside_protocol::sealed::{Header, SealedEntry};
use bedside_protocol::signing::Signer;
use bedside_protocol::statement::{
    self, Access, Acknowledgement, Capabilities, Credential, Invite, Organisation, Role, SEALING_KEY_BYTES,
    Statement, organisation_id,
};
use bedside_protocol::wire::{
    CompareAnswer, CompareRequest, Cursor, EnrolAnswer, EnrolRequest, EnrolmentAnswer, Hello, Item,
    LiveEvent, Prove, Range, RangeList, Receipt, RefusedStatement, Session, SessionAnswer, SessionRequest,
    SyncAnswer, SyncRequest,
};
use proptest::prelude::*;
use targets::{ALL, Target};

/// A message, the target it belongs to, and the name of its file in the corpus.
struct Sample {
    target: &'static str,
    name: &'static str,
    bytes: Vec<u8>,
}

fn samples() -> Vec<Sample> {
    let sample = |target, name, bytes| Sample { target, name, bytes };
    let mut samples = vec![
        sample("sealed", "one", sealed()),
        sample("session_request", "hello", encode(&hello())),
        sample("session_request", "prove", encode(&prove())),
        sample("session_answer", "challenge", encode(&SessionAnswer::Challenge([5; 32]))),
        sample("session_answer", "session", encode(&session())),
        sample("sync_request", "first", encode(&SyncRequest::default())),
        sample("sync_request", "full", encode(&sync_request())),
        sample("sync_answer", "full", encode(&sync_answer())),
        sample("live_event", "one", encode(&LiveEvent { cursor: cursor(), items: items(), time: moment() })),
        sample("compare_request", "first", encode(&CompareRequest { ranges: vec![sum(Range::ALL)] })),
        sample("compare_request", "split", encode(&CompareRequest { ranges: parts() })),
        sample("compare_answer", "both", encode(&compare_answer())),
        sample("enrol_request", "one", encode(&enrol_request())),
        sample("enrol_answer", "waiting", encode(&EnrolAnswer::Waiting)),
        sample("enrol_answer", "issued", encode(&EnrolAnswer::Issued(vec![1, 2, 3]))),
        sample("problem", "slow-down", {
            let problem = ProblemKind::SlowDown.because("100 requests in 1 s");
            encode(&bedside_protocol::problem::Problem { retry_after_ms: Some(1_000), ..problem })
        }),
        sample("cbor_check", "array", encode(&(u64::MAX, -1_i64, "text", true, Option::<u8>::None))),
        sample("cbor_check", "map", encode(&sync_answer())),
    ];
    samples.extend(entries().map(|(name, entry)| sample("entry", name, entry.to_bytes())));
    samples.extend(statements().map(|(name, it)| sample("statement", name, statement::sign(&it, &NoSecret))));
    samples
}

/// Signatures are not what these tests are about.
struct NoSecret;

impl Signer for NoSecret {
    fn public_key(&self) -> [u8; 32] {
        [1; 32]
    }
    fn sign(&self, _: &[u8]) -> [u8; 64] {
        [2; 64]
    }
}

const fn moment() -> Timestamp {
    Timestamp(1_794_000_000_000)
}

fn log() -> LogId {
    LogId::new([3; 32])
}

fn entries() -> impl Iterator<Item = (&'static str, Entry)> {
    let first = Entry {
        version: Entry::VERSION,
        credential: StatementId::new([4; 32]),
        author_seq: 1,
        prev: None,
        parents: vec![],
        plan_heads: None,
        device_time: moment(),
        relay_time: None,
        basis: None,
        body: Body::Consent(Consent {
            scope: Scope::Record,
            outcome: Outcome::Given,
            note: "in person".into(),
            grounds: None,
        }),
        compartment: None,
    };
    let ids = [EntryId::new([1; 32]), EntryId::new([2; 32])];
    let later = Entry {
        author_seq: 2,
        prev: Some(Prev::Parent(1)),
        parents: ids.to_vec(),
        plan_heads: Some(vec![ids[0]]),
        relay_time: Some(moment()),
        basis: Some(ids[0]),
        body: Body::Change(vec![0x85, 0x6f, 0x4a, 0x83]),
        ..first.clone()
    };
    let decision = Decision {
        section: 7,
        supersedes: vec![ids[0]],
        content: vec![0xa1, 0x00, 0x61, 0x78],
        endorses: Some(ids[1]),
    };
    let grant =
        Grant { reader: Principal::Identity(IdentityId::new([6; 32])), statement: StatementId::new([7; 32]) };
    let far = Some(Prev::Entry(EntryId::new([9; 32])));
    let approval = Approval {
        sections: vec![ApprovedSection { section: 14, digest: [5; 32] }],
        review_on: Some("2026-12-24".into()),
    };
    let review = Review { entry: ids[0], adopt: true, note: "seen".into() };
    let mark = Mark { stage: Stage::UnderReview, note: "after the visit".into() };
    let grounds = Consent {
        scope: Scope::Share,
        outcome: Outcome::BestInterests,
        note: "at home".into(),
        grounds: Some(Grounds {
            by: "Dr Bell".into(),
            consulted: vec!["her son".into()],
            rationale: "crews have to know".into(),
            capacity: Some(ids[1]),
        }),
    };
    let look = Look {
        at: moment(),
        act: Act::BreakGlass,
        what: Some("home.key_safe".into()),
        why: Some(Why { reason: Reason::Safeguarding, text: "a child is there".into() }),
    };
    let in_record = Some(Compartment::AccessRecord);
    [
        ("looks", Entry { body: Body::Looks(vec![look]), compartment: in_record, ..later.clone() }),
        ("approval", Entry { body: Body::Approval(approval), ..later.clone() }),
        ("review", Entry { body: Body::Review(review), ..later.clone() }),
        ("mark", Entry { body: Body::Mark(mark), ..later.clone() }),
        ("grounds", Entry { body: Body::Consent(grounds), ..later.clone() }),
        ("grant", Entry { prev: far, body: Body::Grant(grant), ..later.clone() }),
        ("decision", Entry { body: Body::Decision(decision), ..later.clone() }),
        ("change", later),
        ("consent", first),
    ]
    .into_iter()
}

fn sealed() -> Vec<u8> {
    let header = Header { log: log(), key: KeyId::new([8; 8]), tag: Tag::new([9; 16]) };
    let bytes = [&header.to_bytes()[..], &[0; 48]].concat();
    SealedEntry::from_bytes(bytes).expect("a header and a tag are enough").into_bytes()
}

fn statements() -> impl Iterator<Item = (&'static str, Statement)> {
    let signing_key = [1; 32];
    let organisation = Organisation {
        id: organisation_id(&signing_key),
        name: "Riverside Hospice".into(),
        ods_code: "X26".into(),
        signing_key,
        sealing_key: vec![2; SEALING_KEY_BYTES],
        epoch: 0,
        valid_from: moment(),
        valid_until: moment().plus_ms(1),
    };
    let credential = Credential {
        issuer: StatementId::new([3; 32]),
        name: "Ann Nurse".into(),
        role: Role::Nurse,
        professional_number: Some("12A3456E".into()),
        signing_key,
        sealing_key: vec![2; SEALING_KEY_BYTES],
        transport_key: [4; 32],
        capabilities: Capabilities(Capabilities::WRITE | Capabilities::DECIDE),
        plan: Some(log()),
        lease_hours: 72,
        valid_from: moment(),
        valid_until: moment().plus_ms(1),
        possession: [9; 64],
    };
    let access = Access {
        granter: StatementId::new([5; 32]),
        log: log(),
        reader: Principal::Organisation(OrganisationId::new([6; 32])),
        append: true,
        founding: false,
        key: KeyId::new([7; 8]),
        sealed_key: vec![8; 40],
        time: moment(),
    };
    let acknowledgement = Acknowledgement {
        reader: StatementId::new([5; 32]),
        log: log(),
        entries: vec![SealedId::new([9; 32])],
        time: moment(),
    };
    let invite = Invite {
        issuer: StatementId::new([5; 32]),
        id: InviteId::new([6; 32]),
        time: moment(),
        valid_until: moment().plus_ms(1),
    };
    [
        ("organisation", Statement::Organisation(organisation)),
        ("credential", Statement::Credential(credential)),
        ("access", Statement::Access(access)),
        ("acknowledgement", Statement::Acknowledgement(acknowledgement)),
        ("invite", Statement::Invite(invite)),
    ]
    .into_iter()
}

fn hello() -> SessionRequest {
    SessionRequest::Hello(Hello { version: bedside_protocol::VERSION, transport_key: [1; 32] })
}

fn prove() -> SessionRequest {
    SessionRequest::Prove(Prove {
        transport_key: [1; 32],
        challenge: [2; 32],
        signature: [3; 64],
        statements: vec![vec![4, 5].into()],
    })
}

fn session() -> SessionAnswer {
    SessionAnswer::Session(Session {
        token: [1; 32],
        relay_epoch: RelayEpoch::new([2; 16]),
        time: moment(),
        valid_until: moment().plus_ms(1),
    })
}

fn cursor() -> Cursor {
    Cursor { epoch: RelayEpoch::new([1; 16]), at: 300, check: u64::MAX }
}

fn sync_request() -> SyncRequest {
    SyncRequest {
        cursor: Some(cursor()),
        statements: vec![vec![1].into()],
        entries: vec![sealed().into()],
        subscribe: vec![log()],
        unsubscribe: vec![log()],
        want_statements: vec![StatementId::new([1; 32])],
        want_entries: vec![SealedId::new([2; 32])],
        enrolments: vec![EnrolmentAnswer { invite: InviteId::new([3; 32]), answer: vec![4] }],
        follow: vec![log()],
    }
}

fn sync_answer() -> SyncAnswer {
    let refused = ProblemKind::Forbidden.because("revoked");
    SyncAnswer {
        time: moment(),
        cursor: cursor(),
        receipts: vec![
            Receipt { entry: SealedId::new([1; 32]), refused: None },
            Receipt { entry: SealedId::new([2; 32]), refused: Some(refused.clone()) },
        ],
        refused_statements: vec![RefusedStatement { statement: StatementId::new([3; 32]), problem: refused }],
        items: items(),
        statements: vec![vec![4].into()],
        more: true,
        reset: false,
        session_until: moment(),
    }
}

fn items() -> Vec<Item> {
    vec![
        Item::Entry(sealed()),
        Item::Statement(vec![1]),
        Item::Enrolment(enrol_request()),
        Item::InviteContested(InviteId::new([2; 32])),
    ]
}

fn enrol_request() -> EnrolRequest {
    EnrolRequest {
        invite: InviteId::new([1; 32]),
        request: DeviceId::new([2; 32]).as_bytes().to_vec(),
        proof: [3; 32],
    }
}

fn sum(range: Range) -> bedside_protocol::wire::RangeSum {
    range.sum(&[SealedId::new([0x11; 32]), SealedId::new([0xee; 32])])
}

fn parts() -> Vec<bedside_protocol::wire::RangeSum> {
    let parts = Range::ALL.split().expect("all ids can be split");
    let deepest = Range { prefix: u64::MAX << 4, bits: 60 };
    [parts[2], parts[29], deepest].into_iter().map(sum).collect()
}

fn compare_answer() -> CompareAnswer {
    let listed = RangeList { range: Range::ALL, entries: vec![SealedId::new([1; 32])] };
    CompareAnswer { listed: vec![listed], split: parts() }
}

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn target(name: &str) -> Target {
    ALL.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no target {name}")).1
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("listed once, listed again").path()).collect();
    files.sort();
    files
}

#[test]
fn every_target_has_a_program_for_the_fuzzer_and_a_corpus_and_nothing_else_does() {
    let expected: Vec<_> = ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    let stems = |folder: &str| -> Vec<String> {
        let stem = |path: &PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
        files_in(&fuzz_folder().join(folder)).iter().map(stem).collect()
    };
    assert_eq!(stems("fuzz_targets"), expected);
    assert_eq!(stems("corpus"), expected);
    let manifest = fs::read_to_string(fuzz_folder().join("Cargo.toml")).unwrap();
    for name in expected {
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
            "{name} is not in Cargo.toml"
        );
    }
}

/// With `UPDATE_EXPECT=1` in the environment the files are written instead.
#[test]
fn the_seeds_in_the_corpus_are_the_messages_that_this_build_writes() {
    for Sample { target: name, name: seed, bytes } in samples() {
        assert!(target(name)(&bytes), "{name} refuses its own sample {seed}");
        let folder = fuzz_folder().join("corpus").join(name);
        let file = folder.join(format!("seed-{seed}"));
        if std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1") {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&file, &bytes).unwrap();
        }
        let stored = fs::read(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        assert!(stored == bytes, "{} differs: did the wire format change?", file.display());
    }
}

#[test]
fn every_file_in_the_corpus_is_read_without_panic() {
    for (name, target) in ALL {
        let files = files_in(&fuzz_folder().join("corpus").join(name));
        assert!(!files.is_empty(), "{name} has no corpus");
        let accepted = files.iter().filter(|file| target(&fs::read(file).unwrap())).count();
        assert!(accepted > 0, "{name} accepts nothing of its corpus: it is not exercised");
    }
}

#[test]
fn no_message_is_accepted_when_it_is_cut_short() {
    for Sample { target: name, name: seed, bytes } in samples() {
        // What is sealed has no end that anybody but its readers can see.
        for length in (0..bytes.len()).filter(|_| name != "sealed") {
            assert!(!target(name)(&bytes[..length]), "{name} {seed}, cut to {length} bytes");
        }
    }
}

/// One kind of damage; places are taken modulo the length.
#[derive(Clone, Debug)]
enum Damage {
    Flip { at: usize, bit: u8 },
    Set { at: usize, byte: u8 },
    Insert { at: usize, byte: u8 },
    Remove { at: usize, length: usize },
    Repeat { at: usize, length: usize },
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let size = bytes.len();
        let stretch = |at: usize, length: usize| at % size..(at % size + length).min(size);
        match *self {
            _ if size == 0 => {}
            Self::Flip { at, bit } => bytes[at % size] ^= 1 << bit,
            Self::Set { at, byte } => bytes[at % size] = byte,
            Self::Insert { at, byte } => bytes.insert(at % size, byte),
            Self::Remove { at, length } => drop(bytes.drain(stretch(at, length))),
            Self::Repeat { at, length } => {
                let again = bytes[stretch(at, length)].to_vec();
                bytes.splice(at % size..at % size, again);
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    // Bytes that mean something in CBOR: lengths at their borders, empty and huge containers, null, break.
    let telling = prop::sample::select(vec![
        0x00, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x3b, 0x40, 0x5b, 0x5f, 0x60, 0x7b, 0x80, 0x81, 0x9b, 0xa0, 0xa1,
        0xbb, 0xf4, 0xf5, 0xf6, 0xff,
    ]);
    let byte = || prop_oneof![telling.clone(), any::<u8>()];
    let at = || any::<usize>();
    prop_oneof![
        (at(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip { at, bit }),
        (at(), byte()).prop_map(|(at, byte)| Damage::Set { at, byte }),
        (at(), byte()).prop_map(|(at, byte)| Damage::Insert { at, byte }),
        (at(), 1..40_usize).prop_map(|(at, length)| Damage::Remove { at, length }),
        (at(), 1..40_usize).prop_map(|(at, length)| Damage::Repeat { at, length }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn random_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for (_, target) in ALL {
            target(&bytes);
        }
    }

    #[test]
    fn damaged_messages_are_read_without_panic(
        sample in prop::sample::select(samples().into_iter().map(|s| s.bytes).collect::<Vec<_>>()),
        damages in prop::collection::vec(damage(), 1..6),
    ) {
        let mut bytes = sample;
        damages.iter().for_each(|damage| damage.apply(&mut bytes));
        for (_, target) in ALL {
            target(&bytes);
        }
    }
}
