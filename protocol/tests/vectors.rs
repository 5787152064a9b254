//! The golden vectors of `tests/data/vectors`: what is written stays readable, and nothing near it passes for it.
//!
//! `BEDSIDE_BLESS=1 cargo test -p bedside-protocol --test vectors` writes the files anew.

mod common;

use bedside_protocol::cbor::{self, encode};
use bedside_protocol::entry::{Entry, EntryError, entry_id};
use bedside_protocol::sealed::SealedEntry;
use bedside_protocol::signing::{Signer as _, verify};
use bedside_protocol::statement::{Statement, Trust, parse};

use common::{damaged, entries, golden, hex, refused_cbor, statements, unhex, wire};

#[test]
fn the_files_are_what_this_build_encodes() {
    golden("entry.json", &entries::file());
    golden("statements.json", &statements::file());
    golden("wire.json", &wire::file());
    golden("cbor-refused.json", &refused_cbor::file());
}

#[test]
fn entries_are_read_back_and_verify() {
    for vector in entries::vectors() {
        let read = Entry::from_bytes(&vector.bytes).unwrap();
        assert!(read == vector.entry, "{}", vector.shows);
        let signer = vector.author.key();
        let signature = signer.sign(&entries::message(&vector.id));
        assert!(verify(&signer.public_key(), &entries::message(&vector.id), &signature), "{}", vector.shows);
    }
}

#[test]
fn statements_are_read_back_and_believed() {
    let mut trust = Trust::new(statements::public(statements::ROOT));
    for vector in statements::vectors() {
        let (id, statement) = trust.accept(&vector.bytes).unwrap();
        assert!(id == vector.id && statement == vector.statement, "{}", vector.shows);
        assert!(parse(&vector.bytes).unwrap().is_signed_by(&statements::public(vector.signer)));
    }
}

#[test]
fn messages_are_read_back() {
    for vector in wire::vectors() {
        assert!((vector.means_the_same)(&vector.bytes), "{}: {}", vector.rule, vector.shows);
    }
}

#[test]
fn what_is_not_deterministic_is_refused_for_the_reason_given() {
    for vector in refused_cbor::refused() {
        assert_eq!(cbor::check(&vector.bytes), Err(vector.error), "{}: {}", hex(&vector.bytes), vector.why);
    }
    for (bytes, what) in refused_cbor::accepted() {
        assert_eq!(cbor::check(&bytes), Ok(()), "{what}");
    }
}

#[test]
fn entries_that_contradict_themselves_are_refused() {
    for vector in entries::refused() {
        assert!(Entry::from_bytes(&vector.bytes).is_err(), "{}", vector.why);
    }
    let later = &entries::refused()[0];
    assert!(matches!(Entry::from_bytes(&later.bytes), Err(EntryError::Version(2))), "{}", later.why);
}

#[test]
fn statements_that_break_a_rule_are_refused() {
    let trust = statements::trust();
    for vector in statements::refused() {
        assert!(trust.verify(&vector.bytes).is_err(), "{}", vector.why);
    }
}

#[test]
fn a_damaged_entry_is_another_entry_and_its_signature_does_not_hold() {
    for vector in entries::vectors() {
        let signer = vector.author.key();
        let (public, signature) = (signer.public_key(), signer.sign(&entries::message(&vector.id)));
        for bytes in damaged(&vector.bytes) {
            let read = Entry::from_bytes(&bytes);
            assert!(bytes.len() == vector.bytes.len() || read.is_err(), "{}, cut short", vector.shows);
            let id = entry_id(&entries::log(), &bytes);
            assert!(!verify(&public, &entries::message(&id), &signature), "{}", vector.shows);
        }
    }
}

#[test]
fn a_damaged_statement_is_never_believed() {
    let trust = statements::trust();
    for vector in statements::vectors() {
        for bytes in damaged(&vector.bytes) {
            assert!(trust.verify(&bytes).is_err(), "{}: {}", vector.shows, hex(&bytes));
        }
    }
}

#[test]
fn a_payload_without_its_signature_is_no_statement() {
    let trust = statements::trust();
    for vector in statements::vectors() {
        let payload = encode(&vector.statement);
        assert!(cbor::decode::<Statement>(&payload).is_ok_and(|read| read == vector.statement));
        assert!(trust.verify(&payload).is_err(), "{}", vector.shows);
    }
}

#[test]
fn a_damaged_message_means_something_else_or_nothing() {
    for vector in wire::vectors() {
        for bytes in damaged(&vector.bytes) {
            let cut = bytes.len() < vector.bytes.len();
            assert!(!cut || !(vector.decodes)(&bytes), "{}: {}, cut short", vector.rule, vector.shows);
            // A variant without fields says everything by its number: what follows is skipped.
            let skipped = vector.bytes == [0x82, 0x00, 0x80] && bytes.starts_with(&[0x82, 0x00]);
            assert!(
                skipped || !(vector.means_the_same)(&bytes),
                "{}: {}: {}",
                vector.rule,
                vector.shows,
                hex(&bytes)
            );
        }
    }
}

#[test]
fn damaged_bytes_that_were_refused_cause_no_panic() {
    for vector in refused_cbor::refused() {
        for bytes in damaged(&vector.bytes) {
            let _ = cbor::check(&bytes);
        }
    }
}

/// `sealed-entry.json` was computed by another implementation; the core's tests open it.
#[test]
fn the_sealed_entry_s_header_and_ids_are_what_the_document_says() {
    let file = common::read("tests/data/vectors/sealed-entry.json");
    let field = |name: &str| {
        let from = file.split_once(&format!("\"{name}\": \"")).unwrap_or_else(|| panic!("{name}")).1;
        from.split_once('"').unwrap().0.to_owned()
    };
    let first = &entries::vectors()[0];
    assert_eq!(field("entry_bytes"), hex(&first.bytes));
    assert_eq!(field("entry_id"), first.id.to_string());
    assert_eq!(field("signature"), hex(&first.author.key().sign(&entries::message(&first.id))));

    let sealed = SealedEntry::from_bytes(unhex(&field("sealed"))).unwrap();
    assert_eq!(sealed.id().to_string(), field("sealed_id"));
    assert_eq!(sealed.header().log.to_string(), field("log"));
    assert_eq!(sealed.header().key.to_string(), field("key_id"));
    assert_eq!(sealed.header().tag.to_string(), field("tag"));
    for bytes in damaged(sealed.as_bytes()) {
        assert!(SealedEntry::from_bytes(bytes).map_or(true, |read| read.id() != sealed.id()));
    }
}

/// The same values as in the core's tests of invitations, which another implementation computed.
#[test]
fn an_invitation_s_id_follows_from_its_secret() {
    let enrolment = wire::vectors().into_iter().find(|vector| vector.rule == "enrol-request").unwrap();
    let id = "07d2ac48e26f88c3ff074a541e5ad0d8f2458fed3628c46e392a31627e24921b";
    assert!(hex(&enrolment.bytes).starts_with(&format!("a3005820{id}")));
}
