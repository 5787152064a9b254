//! What the tests of the protocol share: keys of fixed seeds, a small network, and the golden vectors.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod cddl;
pub(crate) mod entries;
pub(crate) mod refused_cbor;
pub(crate) mod statements;
pub(crate) mod wire;

use std::fmt::Write as _;
use std::path::PathBuf;

use bedside_protocol::signing::Signer;
pub(crate) use cddl::diagnostic;
use ring::signature::{Ed25519KeyPair, KeyPair};

/// An Ed25519 key of a fixed seed: for tests, and for nothing else.
pub(crate) struct Key(Ed25519KeyPair);

/// The key whose seed is this byte 32 times.
pub(crate) fn key(seed: u8) -> Key {
    seeded(&[seed; 32])
}

/// The key of this seed.
pub(crate) fn seeded(seed: &[u8]) -> Key {
    Key(Ed25519KeyPair::from_seed_unchecked(seed).expect("32 bytes are a seed"))
}

impl Signer for Key {
    fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().expect("its length is fixed")
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).as_ref().try_into().expect("its length is fixed")
    }
}

/// So many bytes, counting up from the first one.
pub(crate) fn counted<const N: usize>(first: u8) -> [u8; N] {
    std::array::from_fn(|i| first.wrapping_add(i as u8))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}

/// Reads hexadecimal.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "hexadecimal comes in pairs");
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("hexadecimal"))
        .collect()
}

/// A file of this repository.
pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// What a file of this repository holds.
pub(crate) fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Everything that lies one step from these bytes: every byte altered in three ways, and every shorter length.
pub(crate) fn damaged(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let flipped = (0..bytes.len()).flat_map(move |at| {
        [0x01, 0x80, 0xff].into_iter().map(move |mask| {
            let mut copy = bytes.to_vec();
            copy[at] ^= mask;
            copy
        })
    });
    flipped.chain((0..bytes.len()).map(|length| bytes[..length].to_vec()))
}

/// One object of a vector file: its fields, in order.
pub(crate) type Fields = Vec<(&'static str, String)>;

/// A vector file: notes, fields, and lists of objects. Only hexadecimal and plain text stand in it.
pub(crate) fn json(note: &[&str], fields: &Fields, lists: &[(&str, Vec<Fields>)]) -> String {
    let mut text = String::from("{\n \"note\": [\n");
    let notes: Vec<_> = note.iter().map(|line| format!("  {}", quoted(line))).collect();
    text += &(notes.join(",\n") + "\n ]");
    for (name, value) in fields {
        write!(text, ",\n {}: {}", quoted(name), quoted(value)).expect("a String takes everything");
    }
    for (name, objects) in lists {
        let object = |fields: &Fields| {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| format!("   {}: {}", quoted(name), quoted(value)))
                .collect();
            format!("  {{\n{}\n  }}", fields.join(",\n"))
        };
        let objects: Vec<_> = objects.iter().map(object).collect();
        write!(text, ",\n {}: [\n{}\n ]", quoted(name), objects.join(",\n"))
            .expect("a String takes everything");
    }
    text + "\n}\n"
}

fn quoted(text: &str) -> String {
    assert!(!text.chars().any(char::is_control), "{text:?}");
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Compares a vector file with what this build makes, or writes it when `BEDSIDE_BLESS=1`.
pub(crate) fn golden(name: &str, made: &str) {
    let name = format!("tests/data/vectors/{name}");
    if std::env::var_os("BEDSIDE_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(path(&name), made).expect("the repository can be written to");
    }
    let kept = read(&name);
    let differs = kept.lines().zip(made.lines()).position(|(kept, made)| kept != made);
    assert!(
        kept == made,
        "{name} is not what this build encodes, from line {} on: other implementations would not understand it. \
         If the format is meant to change, raise its version; if only vectors were added, run with BEDSIDE_BLESS=1.",
        differs.unwrap_or_default() + 1,
    );
}
