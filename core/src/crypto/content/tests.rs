use bedside_protocol::entry::Entry;
use proptest::prelude::*;

use super::*;
use crate::crypto::keys::SigningKey;
use crate::crypto::tests::{Seeded, hex, unhex};

const LOG: LogId = LogId::new([0x11; 32]);

fn key() -> ContentKey {
    ContentKey::from_bytes(&[0x22; 32]).unwrap()
}

fn seal(key: &ContentKey, bytes: &[u8]) -> SealedEntry {
    key.seal_entry(&LOG, &entry_id(&LOG, bytes), bytes, &[0x33; 64]).unwrap()
}

/// What somebody can make who has the key but not this software: any text under any tag.
fn seal_raw(key: &ContentKey, tag: Tag, mut text: Vec<u8>) -> SealedEntry {
    let header = Header { log: LOG, key: key.id(), tag };
    aead_seal(key.entry_key(&header).expose(), [0; NONCE_BYTES], &aad(&header), &mut text);
    SealedEntry::from_bytes([&header.to_bytes()[..], &text].concat()).unwrap()
}

fn vector() -> serde_json::Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/vectors/sealed-entry.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn field(vector: &serde_json::Value, name: &str) -> Vec<u8> {
    unhex(vector[name].as_str().unwrap_or_else(|| panic!("no {name} in the vector")))
}

#[test]
fn the_golden_entry_is_sealed_and_opened_byte_for_byte() {
    let vector = vector();
    let get = |name| field(&vector, name);
    let author = SigningKey::from_seed(get("author_seed").as_slice().try_into().unwrap());
    let key = ContentKey::from_bytes(&get("content_key")).unwrap();
    let log = LogId::from_slice(&get("log")).unwrap();
    let bytes = get("entry_bytes");

    let id = entry_id(&log, &bytes);
    let signature = sign_entry(&author, &id);
    let sealed = key.seal_entry(&log, &id, &bytes, &signature).unwrap();

    assert_eq!(Entry::from_bytes(&bytes).unwrap().to_bytes(), bytes, "the vector holds a real entry");
    assert_eq!(hex(&author.public_key()), hex(&get("author_public_key")));
    assert_eq!(hex(key.id().as_bytes()), hex(&get("key_id")));
    assert_eq!(hex(id.as_bytes()), hex(&get("entry_id")));
    assert_eq!(hex(&signature), hex(&get("signature")));
    assert_eq!(hex(sealed.header().tag.as_bytes()), hex(&get("tag")));
    assert_eq!(hex(key.entry_key(&sealed.header()).expose()), hex(&get("entry_key")));
    assert_eq!(hex(sealed.as_bytes()), hex(&get("sealed")));
    assert_eq!(hex(sealed.id().as_bytes()), hex(&get("sealed_id")));
    assert_eq!(key.open_entry(&sealed).unwrap(), OpenedEntry { bytes, signature, id });
    assert!(verify_entry(&author.public_key(), &id, &signature));
}

#[test]
fn a_content_key_that_another_implementation_sealed_opens() {
    let vector = vector();
    let get = |name| field(&vector, name);
    let reader = SealingKey::from_bytes(&get("reader_secret_key")).unwrap();
    assert_eq!(hex(&reader.public_key()), hex(&get("reader_public_key")));
    let log = LogId::from_slice(&get("log")).unwrap();
    let id = KeyId::from_slice(&get("key_id")).unwrap();
    let key = open_content_key(&reader, &log, &id, &get("sealed_content_key")).unwrap();
    assert_eq!(hex(key.as_bytes()), hex(&get("content_key")));
}

#[test]
fn every_flipped_bit_of_a_sealed_entry_is_refused() {
    let key = key();
    let good = seal(&key, b"an entry of some length").into_bytes();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let opened = SealedEntry::from_bytes(bad).ok().map(|sealed| key.open_entry(&sealed));
        assert!(!matches!(opened, Some(Ok(_))), "bit {bit} made no difference");
    }
}

#[test]
fn the_same_entry_is_sealed_to_the_same_bytes_and_another_key_gives_others() {
    let other = ContentKey::from_bytes(&[0x23; 32]).unwrap();
    assert_eq!(seal(&key(), b"entry"), seal(&key(), b"entry"));
    assert_ne!(seal(&key(), b"entry").ciphertext(), seal(&key(), b"Entry").ciphertext());
    assert_ne!(seal(&key(), b"entry").header().tag, seal(&other, b"entry").header().tag);
}

#[test]
fn an_entry_sealed_under_another_key_says_which() {
    let other = ContentKey::from_bytes(&[0x23; 32]).unwrap();
    let refused = other.open_entry(&seal(&key(), b"entry"));
    assert!(matches!(refused, Err(CryptoError::OtherContentKey(id)) if id == key().id()));
}

#[test]
fn an_entry_moved_to_another_log_does_not_open() {
    let mut bytes = seal(&key(), b"entry").into_bytes();
    bytes[1..33].copy_from_slice(&[0x12; 32]);
    let refused = key().open_entry(&SealedEntry::from_bytes(bytes).unwrap());
    assert!(matches!(refused, Err(CryptoError::OpenEntry)));
}

#[test]
fn entries_of_similar_length_look_alike() {
    let lengths: std::collections::BTreeSet<usize> =
        (400..=440).map(|length| seal(&key(), &vec![7; length]).as_bytes().len()).collect();
    assert!(lengths.len() <= 4, "41 lengths show as {lengths:?}");
}

#[test]
fn the_largest_entry_fits_and_the_next_is_refused() {
    let largest = vec![7; ENTRY_BYTES_MAX];
    assert_eq!(key().open_entry(&seal(&key(), &largest)).unwrap().bytes, largest);
    let over = vec![7; ENTRY_BYTES_MAX + 1];
    let refused = key().seal_entry(&LOG, &entry_id(&LOG, &over), &over, &[0; 64]);
    assert!(matches!(refused, Err(CryptoError::SealedTooLarge(length)) if length == over.len()));
}

#[test]
fn an_entry_is_not_sealed_under_an_id_that_is_not_its_own() {
    let refused = key().seal_entry(&LOG, &entry_id(&LOG, b"another"), b"entry", &[0; 64]);
    assert!(matches!(refused, Err(CryptoError::EntryId)));
}

#[test]
fn a_member_who_seals_by_other_rules_is_refused() {
    let key = key();
    let tag = key.tag(&entry_id(&LOG, b"entry"));
    let good = padded(b"entry", &[0x33; 64]);
    assert!(key.open_entry(&seal_raw(&key, tag, good.clone())).is_ok(), "the rules themselves");

    let layout = |text: Vec<u8>| match key.open_entry(&seal_raw(&key, tag, text)) {
        Err(CryptoError::EntryLayout(why)) => why,
        other => panic!("{other:?}"),
    };
    let mut hidden = good.clone();
    *hidden.last_mut().unwrap() = 1;
    assert_eq!(layout(hidden), "its padding is not zero");
    let mut long = good.clone();
    long.push(0);
    assert_eq!(layout(long), "its padding has the wrong length");
    assert_eq!(layout(good[..4 + 5 + 64].to_vec()), "its padding has the wrong length");
    assert_eq!(layout(good[..60].to_vec()), "it is shorter than it says");
    assert_eq!(layout(vec![]), "it is shorter than it says");
    assert_eq!(layout(vec![0xff; 80]), "it is shorter than it says");

    let elsewhere = key.tag(&entry_id(&LOG, b"another"));
    assert!(matches!(key.open_entry(&seal_raw(&key, elsewhere, good)), Err(CryptoError::EntryTag)));
}

#[test]
fn a_signature_holds_for_one_entry_and_one_author() {
    let entropy = Seeded::new(1);
    let (alice, bob) = (SigningKey::generate(&entropy), SigningKey::generate(&entropy));
    let id = entry_id(&LOG, b"entry");
    let signature = sign_entry(&alice, &id);
    assert!(verify_entry(&alice.public_key(), &id, &signature));
    assert!(!verify_entry(&bob.public_key(), &id, &signature));
    assert!(!verify_entry(&alice.public_key(), &entry_id(&LOG, b"Entry"), &signature));
    assert!(!verify_entry(&alice.public_key(), &id, &alice.sign(id.as_bytes())), "the label counts");
}

#[test]
fn a_content_key_opens_for_its_reader_for_its_log_and_under_its_name_alone() {
    let entropy = Seeded::new(2);
    let key = ContentKey::generate(&entropy);
    let (reader, other) = (SealingKey::generate(&entropy), SealingKey::generate(&entropy));
    let sealed = seal_content_key(&key, &LOG, &reader.public_key(), &entropy).unwrap();

    let opened = open_content_key(&reader, &LOG, &key.id(), &sealed).unwrap();
    assert_eq!(opened.as_bytes(), key.as_bytes());
    assert_eq!(opened.clone().id(), key.id());
    for refused in [
        open_content_key(&other, &LOG, &key.id(), &sealed),
        open_content_key(&reader, &LogId::new([0x12; 32]), &key.id(), &sealed),
        open_content_key(&reader, &LOG, &KeyId::new([0; 8]), &sealed),
    ] {
        assert!(matches!(refused, Err(CryptoError::OpenKey { .. })));
    }
}

#[test]
fn a_sealer_who_names_one_key_and_seals_another_is_found_out() {
    let entropy = Seeded::new(3);
    let reader = SealingKey::generate(&entropy);
    let (named, inside) = (ContentKey::generate(&entropy), ContentKey::generate(&entropy));
    let aad = content_key_aad(&LOG, &named.id());
    let seal = |plain: &[u8]| seal_to(&reader.public_key(), CONTENT_KEY_INFO, &aad, plain, &entropy).unwrap();
    let refused = open_content_key(&reader, &LOG, &named.id(), &seal(inside.as_bytes()));
    assert!(matches!(refused, Err(CryptoError::ContentKeyId(id)) if id == named.id()));
    let refused = open_content_key(&reader, &LOG, &named.id(), &seal(b"too short"));
    assert!(matches!(refused, Err(CryptoError::BadKey("content key"))));
}

#[test]
fn an_opened_entry_does_not_show_what_it_says() {
    let opened = key().open_entry(&seal(&key(), b"Mrs Example")).unwrap();
    let shown = format!("{opened:?}");
    assert!(shown.starts_with("OpenedEntry(EntryId(") && shown.ends_with("11 bytes)"), "{shown}");
}

proptest! {
    #[test]
    fn anything_sealed_opens_to_itself(
        bytes in proptest::collection::vec(any::<u8>(), 0..2_000), secret: [u8; 32], log: [u8; 32], half: [u8; 32],
    ) {
        let (key, log) = (ContentKey::from_bytes(&secret).unwrap(), LogId::new(log));
        let id = entry_id(&log, &bytes);
        let mut signature = [7; 64];
        signature[..32].copy_from_slice(&half);
        let sealed = key.seal_entry(&log, &id, &bytes, &signature).unwrap();
        prop_assert_eq!(sealed.header().log, log);
        prop_assert_eq!(sealed.as_bytes().len(), HEADER_BYTES + padme(4 + bytes.len() + 64) + AEAD_TAG_BYTES);
        prop_assert_eq!(key.open_entry(&sealed).unwrap(), OpenedEntry { bytes, signature, id });
    }

    #[test]
    fn any_bytes_are_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 73..300)) {
        let header = Header { log: LOG, key: key().id(), tag: Tag::new([0; 16]) };
        let forged = [&header.to_bytes()[..], &bytes].concat();
        let refused = key().open_entry(&SealedEntry::from_bytes(forged).unwrap());
        prop_assert!(matches!(refused, Err(CryptoError::OpenEntry)));
    }

    #[test]
    fn any_text_that_a_member_seals_is_read_without_panic(text in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(key().open_entry(&seal_raw(&key(), Tag::new([0; 16]), text)).is_err());
    }
}
