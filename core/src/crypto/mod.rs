//! Keys and seals: the only module that names ring, hpke and argon2.
//!
//! | module | what | made of |
//! |---|---|---|
//! | [`content`] | entries sealed under a log's content key; the content key sealed to a reader | HMAC, HKDF, AES-256-GCM |
//! | [`keys`] | what a person, a device or an organisation signs with and is sealed to | Ed25519; HPKE with X-Wing |
//! | [`lookup`] | from an NHS number to its logs | HMAC |
//! | [`invite`] | the one-time secret of an enrolment | HKDF, HMAC |
//! | [`vault_key`] | the key of the vault, and its wrapping by a PIN | Argon2id, AES-256-GCM |
//! | [`passphrase`] | a file that one passphrase opens | Argon2id, AES-256-GCM |
//! | [`secret_box`] | small things kept under a key of one's own | AES-256-GCM |
//! | [`entropy`] | the operating system's randomness | ring |
//!
//! Standards: HMAC RFC 2104, HKDF RFC 5869, Ed25519 RFC 8032, HPKE RFC 9180, X-Wing draft-connolly-cfrg-xwing-kem-10,
//! Argon2id RFC 9106, AES-256-GCM NIST SP 800-38D. The hash is SHA-256 throughout.
//!
//! Every kind of object has a label of its own in what is authenticated with it and in what its key is derived from, so
//! that nothing made for one purpose is accepted for another.
//!
//! Secrets live in one place on the heap, which is overwritten when they are dropped. They can be neither printed nor
//! serialised:
//!
//! ```
//! use bedside_core::crypto::content::ContentKey;
//! let key = ContentKey::from_bytes(&[7; 32]).expect("32 bytes");
//! println!("{:?}", key.id());
//! ```
//! ```compile_fail,E0277
//! use bedside_core::crypto::content::ContentKey;
//! let key = ContentKey::from_bytes(&[7; 32]).expect("32 bytes");
//! println!("{:?}", key);
//! ```

pub mod content;
pub mod entropy;
pub mod invite;
pub mod keys;
pub mod lookup;
pub mod passphrase;
pub mod secret_box;
pub mod vault_key;

mod primitives;
mod stretch;

pub use stretch::PinCost;

use bedside_protocol::ids::KeyId;

/// Why something was not sealed, opened or read. No variant holds anything secret.
#[derive(Debug, thiserror::Error)]
pub enum CryptoError {
    /// A key that was kept or sent has the wrong length, or is not a key of its kind.
    #[error("the {0} cannot be read: it is damaged, or something else")]
    BadKey(&'static str),
    /// The entry is too large to be sealed; its length in bytes.
    #[error("an entry of {0} bytes is over the limit of {max}: say it in several entries", max = crate::limits::ENTRY_BYTES_MAX)]
    SealedTooLarge(usize),
    /// The id given for an entry is not the id of its bytes in this log.
    #[error("the id given for an entry does not follow from its log and bytes")]
    EntryId,
    /// The entry was sealed under another content key; which one.
    #[error("the entry is sealed under content key {0}: open it with that key")]
    OtherContentKey(KeyId),
    /// The entry was altered, or sealed by somebody without the content key.
    #[error("a sealed entry does not open: it was altered on its way, or is a forgery")]
    OpenEntry,
    /// The entry opens, but its inside is not laid out as sealing lays it out.
    #[error("a sealed entry opens to something malformed: {0}")]
    EntryLayout(&'static str),
    /// The entry opens, but its tag is that of another entry.
    #[error("a sealed entry carries the tag of another entry")]
    EntryTag,
    /// Sealing to a public key failed.
    #[error("cannot seal to a reader's key")]
    SealToKey {
        /// What HPKE says.
        #[source]
        source: hpke::HpkeError,
    },
    /// Opening with a private key failed: sealed to another key, for another purpose, or altered.
    #[error("cannot open what was sealed to this key: it was sealed to another key, or altered")]
    OpenKey {
        /// What HPKE says; absent when there are too few bytes to try.
        #[source]
        source: Option<hpke::HpkeError>,
    },
    /// A content key was opened, and is not the one it was said to be.
    #[error("the content key that was sealed is not {0}, as its statement says")]
    ContentKeyId(KeyId),
    /// The PIN is wrong, or the wrap was made on another device or altered: these cannot be told apart.
    #[error("the PIN is wrong")]
    WrongPin,
    /// The passphrase is wrong, or the file was altered: these cannot be told apart.
    #[error("the passphrase is wrong, or the file was altered")]
    WrongPassphrase,
    /// What was kept under a box's key was altered, belongs elsewhere, or was sealed under another key.
    #[error("what was kept under this key was altered, or belongs elsewhere")]
    OpenBox,
    /// The bytes of a wrap or file are not in its format.
    #[error("the {0} cannot be read: it is damaged, or was written by a newer version")]
    Format(&'static str),
    /// The cost of guessing that is asked for, or written in a file, is outside what this software accepts.
    #[error("a password cost of {m_kib} KiB, {t} passes, {p} lanes is outside the limits")]
    Cost {
        /// Memory in KiB.
        m_kib: u32,
        /// Passes.
        t: u32,
        /// Lanes.
        p: u32,
    },
    /// There is not enough memory to check a PIN or passphrase; how much it takes, in KiB.
    #[error(
        "checking a PIN or passphrase takes {0} KiB of memory, which is not there: close other apps and try again"
    )]
    OutOfMemory(u32),
    /// Argon2id refused its input.
    #[error("a PIN or passphrase cannot be stretched")]
    Stretch {
        /// What Argon2 says.
        #[source]
        source: argon2::Error,
    },
    /// An invitation code that was typed or scanned has the wrong number of symbols.
    #[error("an invitation code has {expected} symbols, this one {found}: check for missing or doubled ones", expected = invite::CODE_SYMBOLS)]
    CodeLength {
        /// How many there are, not counting spaces and hyphens.
        found: usize,
    },
    /// An invitation code has a symbol that is in no code.
    #[error("there is no symbol {symbol:?} in an invitation code (symbol {position})")]
    CodeSymbol {
        /// Which.
        symbol: char,
        /// Its place, from 1, not counting spaces and hyphens.
        position: usize,
    },
    /// An invitation code has its length but not its checksum.
    #[error("the invitation code was mistyped: compare it with the original")]
    CodeChecksum,
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng, SeedableRng};

    use crate::ports::Entropy;

    /// The same "randomness" for the same seed.
    pub(super) struct Seeded(Mutex<ChaCha20Rng>);

    impl Seeded {
        pub(super) fn new(seed: u64) -> Self {
            Self(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))
        }
    }

    impl Entropy for Seeded {
        fn fill(&self, out: &mut [u8]) {
            self.0.lock().expect("no test panics while it draws").fill_bytes(out);
        }
    }

    /// Lower-case hexadecimal.
    pub(super) fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads hexadecimal.
    pub(super) fn unhex(text: &str) -> Vec<u8> {
        assert!(text.len().is_multiple_of(2), "hexadecimal comes in pairs");
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("a pair")).collect()
    }

    /// Does not compile when the type implements the trait: both impls of `Either` would then apply.
    macro_rules! never {
        ($type:ty: $($tr:path),+) => { $(
            const _: fn() = || {
                trait Either<A> { fn which() {} }
                impl<T: ?Sized> Either<()> for T {}
                struct Implements;
                impl<T: ?Sized + $tr> Either<Implements> for T {}
                let _ = <$type as Either<_>>::which;
            };
        )+ };
    }

    use super::{content, invite, keys, lookup, vault_key};
    never!(content::ContentKey: std::fmt::Debug, std::fmt::Display, serde::Serialize, minicbor::Encode<()>);
    never!(keys::SigningKey: std::fmt::Debug, std::fmt::Display, serde::Serialize, minicbor::Encode<()>, Clone);
    never!(keys::SealingKey: std::fmt::Debug, std::fmt::Display, serde::Serialize, minicbor::Encode<()>, Clone);
    never!(lookup::LookupKey: std::fmt::Debug, std::fmt::Display, serde::Serialize, minicbor::Encode<()>, Clone);
    never!(invite::InviteSecret: std::fmt::Debug, std::fmt::Display, serde::Serialize, minicbor::Encode<()>, Clone);
    never!(vault_key::VaultKey: std::fmt::Debug, std::fmt::Display, serde::Serialize, minicbor::Encode<()>, Clone);
}
