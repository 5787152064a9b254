//! What is done with bytes from outside, once for each decoder.
//!
//! The fuzzer runs these functions (`fuzz_targets/`), and so does the ordinary test run (`tests/tests/decoders.rs`).
//! Each answers whether the bytes were accepted, and panics when a promise about accepted bytes is broken.

use bedside_protocol::entry::Entry;
use bedside_protocol::ids::LogId;
use bedside_protocol::problem::Problem;
use bedside_protocol::sealed::{AEAD_TAG_BYTES, HEADER_BYTES, SealedEntry};
use bedside_protocol::statement::{self, Trust};
use bedside_protocol::wire::{
    CompareAnswer, CompareRequest, EnrolAnswer, EnrolRequest, LiveEvent, Range, SessionAnswer,
    SessionRequest, SyncAnswer, SyncRequest,
};
use bedside_protocol::{cbor, entry, signing};

/// One decoder: true when it accepted the bytes.
pub type Target = fn(&[u8]) -> bool;

/// Every target by the name of its file and of its corpus.
pub const ALL: &[(&str, Target)] = &[
    ("cbor_check", cbor_check),
    ("compare_answer", compare_answer),
    ("compare_request", compare_request),
    ("enrol_answer", enrol_answer),
    ("enrol_request", enrol_request),
    ("entry", entry),
    ("live_event", live_event),
    ("problem", problem),
    ("sealed", sealed),
    ("session_answer", session_answer),
    ("session_request", session_request),
    ("statement", statement),
    ("sync_answer", sync_answer),
    ("sync_request", sync_request),
];

/// Text in deterministic form is exactly one item: neither cut short nor lengthened is it still accepted.
pub fn cbor_check(bytes: &[u8]) -> bool {
    if cbor::check(bytes).is_err() {
        return false;
    }
    let longer = [bytes, &[0]].concat();
    assert_eq!(cbor::check(&longer), Err(cbor::CborError::Trailing { count: 1 }));
    assert!(cbor::check(&bytes[..bytes.len() - 1]).is_err(), "cut short and still accepted");
    true
}

/// An accepted entry is written back as an entry that means the same, and names its previous one in one way only.
pub fn entry(bytes: &[u8]) -> bool {
    let Ok(read) = Entry::from_bytes(bytes) else { return false };
    let written = read.to_bytes();
    assert!(Entry::from_bytes(&written).as_ref() == Ok(&read), "written back, it means something else");
    assert_eq!(Entry::prev_of(read.prev_id(), &read.parents), read.prev);
    let log = LogId::new([7; 32]);
    assert_eq!(entry::entry_id(&log, bytes) == entry::entry_id(&log, &written), bytes == written);
    true
}

/// An accepted sealed entry is its header and its ciphertext, and nothing else.
pub fn sealed(bytes: &[u8]) -> bool {
    let Ok(read) = SealedEntry::from_bytes(bytes.to_vec()) else { return false };
    assert!(read.ciphertext().len() >= AEAD_TAG_BYTES);
    assert_eq!(&[&read.header().to_bytes(), read.ciphertext()].concat(), bytes);
    assert_eq!(read.header().to_bytes().len(), HEADER_BYTES);
    assert_eq!(read.id().as_bytes(), &signing::hash(bytes));
    true
}

/// A well-formed statement is known by its bytes, and believed by nobody who did not sign it.
pub fn statement(bytes: &[u8]) -> bool {
    let Ok(read) = statement::parse(bytes) else { return false };
    assert!(read.id == statement::statement_id(bytes));
    let stranger = Trust::new(signing::hash(b"the root of another network"));
    assert!(stranger.verify(bytes).is_err(), "believed without a signature");
    true
}

/// Beside what holds for every message: a range that can be split is split into parts that cover it.
pub fn compare_request(bytes: &[u8]) -> bool {
    let Ok(read) = cbor::decode::<CompareRequest>(bytes) else { return false };
    for sum in &read.ranges {
        let range = sum.range;
        let (low, high) = range.bounds();
        assert!(range.contains(&low) && range.contains(&high) && low <= high);
        assert_eq!(range.sum([&low, &high]).count, 2);
        if let Some(parts) = range.split() {
            assert!(parts.iter().all(Range::is_valid));
            assert_eq!((parts[0].bounds().0, parts[31].bounds().1), (low, high));
            assert!(parts.is_sorted_by(|a, b| a.bounds().1 < b.bounds().0));
        }
    }
    compare_request_message(bytes)
}

/// An accepted message is written back as a message that means the same and is no longer.
macro_rules! messages {
    ($($name:ident: $message:ty;)*) => {
        $(
            /// Reads this message, writes it, and reads it again.
            pub fn $name(bytes: &[u8]) -> bool {
                let Ok(read) = cbor::decode::<$message>(bytes) else { return false };
                let written = cbor::encode(&read);
                assert!(cbor::decode::<$message>(&written).as_ref() == Ok(&read), "it means something else");
                assert!(written.len() <= bytes.len(), "it grew");
                true
            }
        )*
    };
}

messages! {
    compare_answer: CompareAnswer;
    compare_request_message: CompareRequest;
    enrol_answer: EnrolAnswer;
    enrol_request: EnrolRequest;
    live_event: LiveEvent;
    problem: Problem;
    session_answer: SessionAnswer;
    session_request: SessionRequest;
    sync_answer: SyncAnswer;
    sync_request: SyncRequest;
}
