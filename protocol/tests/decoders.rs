//! Whatever a peer sends, reading it ends in an answer.

mod common;

use bedside_protocol::cbor::{CborError, check, decode, encode};
use bedside_protocol::entry::{Body, Entry};
use bedside_protocol::ids::{EntryId, InviteId, KeyId, LogId, RelayEpoch, SealedId, StatementId, Tag};
use bedside_protocol::problem::{Problem, ProblemKind};
use bedside_protocol::sealed::SealedEntry;
use bedside_protocol::statement::{Statement, Trust, parse};
use bedside_protocol::wire::{
    CompareAnswer, CompareRequest, Cursor, EnrolAnswer, EnrolRequest, EnrolmentAnswer, Item, LiveEvent,
    SessionAnswer, SessionRequest, SyncAnswer, SyncRequest,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use common::{entries, statements, unhex, wire};

/// Feeds bytes to every decoder; what decodes must encode to something that decodes to the same.
fn read_as_everything(bytes: &[u8], trust: &mut Trust) {
    macro_rules! messages {
        ($($message:ty),+) => { $(
            if let Ok(read) = decode::<$message>(bytes) {
                assert!(decode::<$message>(&encode(&read)).is_ok_and(|again| again == read));
            }
        )+ };
    }
    messages!(
        CompareAnswer,
        CompareRequest,
        Cursor,
        EnrolAnswer,
        EnrolRequest,
        EnrolmentAnswer,
        Item,
        LiveEvent,
        Problem,
        SessionAnswer,
        SessionRequest,
        SyncAnswer,
        SyncRequest,
        Statement,
        Entry,
        Body
    );
    if let Ok(entry) = Entry::from_bytes(bytes) {
        assert!(Entry::from_bytes(&entry.to_bytes()).is_ok_and(|again| again == entry));
        let _ = entry.prev_id();
    }
    if let Ok(sealed) = SealedEntry::from_bytes(bytes.to_vec()) {
        assert_eq!(sealed.as_bytes().len(), sealed.header().to_bytes().len() + sealed.ciphertext().len());
    }
    let _ = parse(bytes).map(|read| read.is_signed_by(&[0; 32]));
    assert!(trust.accept(bytes).is_err(), "nobody signed this");
    let text = String::from_utf8_lossy(bytes);
    let _ =
        (LogId::from_hex(&text), KeyId::from_hex(&text), Tag::from_hex(&text), RelayEpoch::from_hex(&text));
    let _ = (EntryId::from_slice(bytes), SealedId::from_slice(bytes), StatementId::from_slice(bytes));
    let _ = InviteId::from_slice(bytes);
}

/// CBOR in deterministic form or nearly, of the shapes that messages have.
fn item() -> impl Strategy<Value = Vec<u8>> {
    let head = |major: u8, argument: usize| {
        let mut head = encode(&(argument as u64));
        head[0] |= major << 5;
        head
    };
    let bytes = prop_oneof![Just(0_usize), Just(16), Just(32), Just(64), 0..40_usize];
    let leaf = prop_oneof![
        (0..12_u64).prop_map(|number| encode(&number)),
        any::<u64>().prop_map(|number| encode(&number)),
        any::<i64>().prop_map(|number| encode(&number)),
        (bytes, any::<u8>()).prop_map(move |(length, byte)| [head(2, length), vec![byte; length]].concat()),
        ".{0,8}".prop_map(|text| encode(&text)),
        prop_oneof![Just(vec![0xf4]), Just(vec![0xf5]), Just(vec![0xf6])],
    ];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(move |items| [head(4, items.len()), items.concat()].concat()),
            (0..5_u8, vec(inner.clone(), 0..2)).prop_map(|(variant, fields)| {
                [vec![0x82, variant, 0x80 | fields.len() as u8], fields.concat()].concat()
            }),
            vec(inner, 0..10).prop_map(move |values| {
                let pairs =
                    values.iter().enumerate().flat_map(|(key, value)| [vec![key as u8], value.clone()]);
                [head(5, values.len()), pairs.collect::<Vec<_>>().concat()].concat()
            }),
        ]
    })
}

fn known() -> Vec<Vec<u8>> {
    let entries = entries::vectors().into_iter().map(|vector| vector.bytes);
    let statements = statements::vectors().into_iter().map(|vector| encode(&vector.statement));
    let messages = wire::vectors().into_iter().map(|vector| vector.bytes);
    entries.chain(statements).chain(messages).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..300)) {
        read_as_everything(&bytes, &mut Trust::new([1; 32]));
    }

    #[test]
    fn any_deterministic_item_is_read_without_panic(bytes in item()) {
        prop_assert_eq!(check(&bytes), Ok(()));
        read_as_everything(&bytes, &mut Trust::new([1; 32]));
    }

    #[test]
    fn a_real_message_with_a_piece_replaced_is_read_without_panic(
        which: Index, from: Index, to: Index, piece in item(),
    ) {
        let known = known();
        let bytes = &known[which.index(known.len())];
        let (a, b) = (from.index(bytes.len() + 1), to.index(bytes.len() + 1));
        let spliced = [&bytes[..a.min(b)], &piece, &bytes[a.max(b)..]].concat();
        read_as_everything(&spliced, &mut Trust::new([1; 32]));
    }

    #[test]
    fn form_is_judged_alike_whatever_follows(bytes in item(), more in vec(any::<u8>(), 1..9)) {
        let longer = [bytes, more.clone()].concat();
        prop_assert_eq!(check(&longer), Err(CborError::Trailing { count: more.len() }));
    }

    #[test]
    fn an_item_cut_short_says_so(bytes in item(), at: Index) {
        prop_assert_eq!(check(&bytes[..at.index(bytes.len())]), Err(CborError::Truncated));
    }
}

/// Section 2 of `docs/protocol.md`.
#[test]
fn a_reader_skips_what_a_later_version_may_add_and_nothing_else() {
    let item = |text: &str| decode::<Item>(&unhex(text));
    assert_eq!(item("82018141aa"), Ok(Item::Statement(vec![0xaa])));
    assert_eq!(item("82018241aa05"), Ok(Item::Statement(vec![0xaa])), "an item after those of the variant");
    assert!(item("82048141aa").is_err(), "an unknown variant");
    assert!(item("83018141aa00").is_err(), "a third item in a choice");
    assert!(item("820180").is_err(), "an item of the variant is missing");

    let problem = |text: &str| decode::<Problem>(&unhex(text));
    let plain = ProblemKind::NotFound.because("x");
    assert_eq!(problem("a20003016178"), Ok(plain.clone()));
    assert_eq!(problem("a300030161780aa100f6"), Ok(plain.clone()), "an unknown key");
    assert_eq!(problem("a300030161782041ff"), Ok(plain.clone()), "an unknown negative key");
    assert_eq!(problem("a3000301617802f6"), Ok(plain), "null for absent");
    assert!(problem("a200f6016178").is_err(), "null for what may not be absent");
    assert!(problem("a2000d016178").is_err(), "an unknown row of the table");
    assert!(problem("a10003").is_err(), "a field is missing");

    let answer = |text: &str| decode::<EnrolAnswer>(&unhex(text));
    assert_eq!(answer("820080"), Ok(EnrolAnswer::Waiting));
    assert_eq!(answer("8200a0"), Ok(EnrolAnswer::Waiting), "the second item of a variant without fields");
}
