//! Every request and answer.

use bedside_protocol::cbor::{decode, encode};
use bedside_protocol::ids::{InviteId, LogId, RelayEpoch, SealedId, StatementId, Timestamp};
use bedside_protocol::problem::{Problem, ProblemKind};
use bedside_protocol::signing::Signer as _;
use bedside_protocol::statement::prove_possession;
use bedside_protocol::wire::{
    CompareAnswer, CompareRequest, Cursor, EnrolAnswer, EnrolRequest, EnrolmentAnswer, Hello, Item,
    LiveEvent, Prove, Range, RangeList, RangeSum, Receipt, RefusedStatement, Session, SessionAnswer,
    SessionRequest, SyncAnswer, SyncRequest, challenge_message,
};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use ring::{hkdf, hmac};

use super::statements::{OUTSIDER, public, sealing_key};
use super::{Fields, counted, diagnostic, hex, json, key};

/// Says something about bytes.
type Judge = Box<dyn Fn(&[u8]) -> bool>;

pub(crate) struct Vector {
    /// The rule in `docs/protocol.md`.
    pub(crate) rule: &'static str,
    pub(crate) shows: &'static str,
    pub(crate) bytes: Vec<u8>,
    /// True when bytes decode to the very value that these bytes were made from.
    pub(crate) means_the_same: Judge,
    /// True when bytes decode to any message of this type.
    pub(crate) decodes: Judge,
}

fn vector<T>(rule: &'static str, shows: &'static str, value: T) -> Vector
where
    T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq + 'static,
{
    let bytes = encode(&value);
    let means_the_same = Box::new(move |bytes: &[u8]| decode::<T>(bytes).is_ok_and(|read| read == value));
    let decodes = Box::new(|bytes: &[u8]| decode::<T>(bytes).is_ok());
    Vector { rule, shows, bytes, means_the_same, decodes }
}

fn some(bytes: &[u8]) -> ByteVec {
    ByteVec::from(bytes.to_vec())
}

fn cursor() -> Cursor {
    Cursor { epoch: RelayEpoch::new(counted(0x70)), at: 4_711, check: 0x0123_4567_89ab_cdef }
}

/// What a new device sends to its issuer.
#[derive(Encode)]
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

/// What the issuer sends back: `issued` and its proof.
#[derive(Encode)]
#[cbor(map)]
struct IssuerAnswer {
    #[cbor(n(0), with = "minicbor::bytes")]
    issued: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    proof: [u8; 32],
}

#[derive(Encode)]
#[cbor(map)]
struct Issued {
    #[n(0)]
    statements: Vec<ByteVec>,
    #[cbor(n(1), with = "minicbor::bytes")]
    sealed: Vec<u8>,
}

/// Derived from the invitation's secret, which is the bytes 00 to 1f.
fn from_secret(info: &[u8]) -> [u8; 32] {
    let mut derived = [0; 32];
    let key = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(&counted::<32>(0));
    key.expand(&[info], hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut derived)).expect("32 bytes are few");
    derived
}

fn proof(info: &[u8], message: &[u8]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &from_secret(info));
    hmac::sign(&key, message).as_ref().try_into().expect("an HMAC has 32 bytes")
}

fn invite() -> InviteId {
    InviteId::new(from_secret(b"bedside invite id v1"))
}

fn enrolment() -> EnrolRequest {
    let keys = NewKeys {
        signing_key: public(OUTSIDER),
        sealing_key: sealing_key(OUTSIDER),
        transport_key: public(OUTSIDER + 0x10),
        possession: prove_possession(&key(OUTSIDER), &sealing_key(OUTSIDER), &public(OUTSIDER + 0x10)),
    };
    let request = encode(&keys);
    EnrolRequest { invite: invite(), proof: proof(b"bedside invite request v1", &request), request }
}

fn issuer_answer() -> Vec<u8> {
    let issued = encode(&Issued { statements: vec![some(&[1]), some(&[2])], sealed: vec![3] });
    encode(&IssuerAnswer { proof: proof(b"bedside invite answer v1", &issued), issued })
}

fn slow_down() -> Problem {
    Problem { retry_after_ms: Some(2_500), ..ProblemKind::SlowDown.because("too many requests") }
}

fn sessions() -> Vec<Vector> {
    let transport = key(0x14);
    let (transport_key, challenge) = (transport.public_key(), counted(0xd0));
    let signature = transport.sign(&challenge_message(&challenge, &transport_key));
    let statements = vec![some(&[1]), some(&[2])];
    let prove = Prove { transport_key, challenge, signature, statements };
    let session = Session {
        token: counted(0xe0),
        relay_epoch: RelayEpoch::new(counted(0x70)),
        time: Timestamp(0x1a2_29f1_2800),
        valid_until: Timestamp(0x1a2_4dfe_0400),
    };
    vec![
        vector("session-request", "first step", SessionRequest::Hello(Hello { version: 1, transport_key })),
        vector("session-answer", "the challenge", SessionAnswer::Challenge(challenge)),
        vector(
            "session-request",
            "second step; the transport key has the seed 14 (hexadecimal) 32 times",
            SessionRequest::Prove(prove),
        ),
        vector("session-answer", "signed in", SessionAnswer::Session(session)),
    ]
}

fn syncs() -> Vec<Vector> {
    let log = |first| LogId::new(counted(first));
    let full = SyncRequest {
        cursor: Some(cursor()),
        statements: vec![some(&[1])],
        entries: vec![some(&[2]), some(&[3; 30])],
        subscribe: vec![log(1)],
        unsubscribe: vec![log(2)],
        want_statements: vec![StatementId::new(counted(3))],
        want_entries: vec![SealedId::new(counted(4))],
        enrolments: vec![EnrolmentAnswer { invite: invite(), answer: issuer_answer() }],
        follow: vec![log(6), log(7)],
    };
    let stored = Receipt { entry: SealedId::new(counted(4)), refused: None };
    let refused = ProblemKind::Forbidden.because("this device may not add to this log");
    let refused_statement = RefusedStatement {
        statement: StatementId::new(counted(3)),
        problem: ProblemKind::StatementRefused.because("a statement's signature is wrong"),
    };
    let items = vec![
        Item::Entry(vec![2]),
        Item::Statement(vec![1]),
        Item::Enrolment(enrolment()),
        Item::InviteContested(invite()),
    ];
    let answer = SyncAnswer {
        time: Timestamp(0x1a2_29f1_2800),
        cursor: cursor(),
        receipts: vec![stored, Receipt { entry: SealedId::new(counted(5)), refused: Some(refused) }],
        refused_statements: vec![refused_statement],
        items: items.clone(),
        statements: vec![some(&[9])],
        more: true,
        reset: false,
        session_until: Timestamp(0x1a2_4dfe_0400),
    };
    let empty = SyncAnswer {
        receipts: vec![],
        refused_statements: vec![],
        items: vec![],
        statements: vec![],
        more: false,
        reset: true,
        ..answer.clone()
    };
    let time = answer.time;
    vec![
        vector("sync-request", "a first sync with nothing to push", SyncRequest::default()),
        vector("sync-request", "everything at once; the byte strings stand in for real ones", full),
        vector("sync-answer", "everything at once", answer),
        vector("sync-answer", "the cursor meant nothing: compare", empty),
        vector("cursor", "as it stands, in hexadecimal, in the query of GET /v1/live", cursor()),
        vector("live-event", "two items", LiveEvent { cursor: cursor(), items: items[..2].to_vec(), time }),
        vector(
            "live-event",
            "too large to ride along: sync",
            LiveEvent { cursor: cursor(), items: vec![], time },
        ),
    ]
}

fn others() -> Vec<Vector> {
    let part = Range { prefix: 0x0800_0000_0000_0000, bits: 5 };
    let sum = |range, count| RangeSum { range, count, xor: counted(0xa0) };
    let entries = vec![SealedId::new(counted(8)), SealedId::new(counted(9))];
    let answer =
        CompareAnswer { listed: vec![RangeList { range: part, entries }], split: vec![sum(part, 33)] };
    let enrolments = EnrolmentAnswer { invite: invite(), answer: issuer_answer() };
    vec![
        vector("compare-request", "the first step", CompareRequest { ranges: vec![sum(Range::ALL, 1_000)] }),
        vector("compare-request", "a later step", CompareRequest { ranges: vec![sum(part, 34)] }),
        vector("compare-answer", "one range listed, one split", answer),
        vector("compare-answer", "nothing differs", CompareAnswer { listed: vec![], split: vec![] }),
        vector("enrol-request", "a new device; the invitation's secret is the bytes 00 to 1f", enrolment()),
        vector("enrol-answer", "not yet", EnrolAnswer::Waiting),
        vector("enrol-answer", "issued", EnrolAnswer::Issued(issuer_answer())),
        vector("enrolment-answer", "as it stands in a sync request", enrolments),
        vector("problem", "a refusal", ProblemKind::NotFound.because("there is no such invitation")),
        vector("problem", "a refusal that says when to come back", slow_down()),
    ]
}

pub(crate) fn vectors() -> Vec<Vector> {
    sessions().into_iter().chain(syncs()).chain(others()).collect()
}

pub(crate) fn file() -> String {
    let vector = |v: &Vector| -> Fields {
        vec![
            ("rule", v.rule.to_owned()),
            ("shows", v.shows.to_owned()),
            ("bytes", hex(&v.bytes)),
            ("diagnostic", diagnostic(&v.bytes)),
        ]
    };
    json(
        &[
            "Every request and answer of docs/protocol.md. 'rule' is its CDDL rule there.",
            "All values are hexadecimal; 'diagnostic' is RFC 8949 section 8, for people.",
            "Entries, statements and what is sealed are stand-ins of a few bytes; real ones are in the other files.",
        ],
        &Vec::new(),
        &[("messages", vectors().iter().map(vector).collect())],
    )
}
