//! An entry as everybody but its readers sees it: a short header and ciphertext.
//!
//! ```text
//! offset  length  what
//!      0       1  version, 1
//!      1      32  log
//!     33       8  key id
//!     41      16  tag: from which the entry's own key is derived
//!     57       n  AES-256-GCM ciphertext and its 16-byte tag, the header being authenticated too
//! ```
//! Sealing the same entry under the same content key always gives the same bytes, so a relay stores it once however
//! often it is sent. Plain text is padded by Padmé (Nikitin et al., PETS 2019, algorithm 1): lengths tell an observer at
//! most O(log log n) bits.

use crate::ids::{KeyId, LogId, SealedId, Tag};
use crate::limits::ENTRY_BYTES_MAX;
use crate::signing::hash;

/// Bytes before the ciphertext.
pub const HEADER_BYTES: usize = 1 + LogId::LEN + KeyId::LEN + Tag::LEN;
/// Bytes that AES-GCM adds.
pub const AEAD_TAG_BYTES: usize = 16;

/// What anybody can read of a sealed entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The log it belongs to.
    pub log: LogId,
    /// The content key it was sealed under.
    pub key: KeyId,
    /// From which, with the content key, the entry's own key is derived.
    pub tag: Tag,
}

/// A sealed entry of valid length with a readable header. Whether it opens is for its readers to find out.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedEntry(Vec<u8>);

/// Why bytes are not a sealed entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealedError {
    /// Shorter than a header and an authentication tag.
    #[error("a sealed entry is cut short")]
    Truncated,
    /// Over [`ENTRY_BYTES_MAX`].
    #[error("a sealed entry of {0} bytes is over the limit of {ENTRY_BYTES_MAX}")]
    TooLarge(usize),
    /// Not version 1.
    #[error("a sealed entry has version {0}, which this software does not know")]
    Version(u8),
}

impl Header {
    /// The header's bytes, which the seal authenticates.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[0] = 1;
        out[1..33].copy_from_slice(self.log.as_bytes());
        out[33..41].copy_from_slice(self.key.as_bytes());
        out[41..57].copy_from_slice(self.tag.as_bytes());
        out
    }
}

impl SealedEntry {
    /// Checks length and version.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, SealedError> {
        if bytes.len() < HEADER_BYTES + AEAD_TAG_BYTES {
            return Err(SealedError::Truncated);
        }
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(SealedError::TooLarge(bytes.len()));
        }
        if bytes[0] != 1 {
            return Err(SealedError::Version(bytes[0]));
        }
        Ok(Self(bytes))
    }

    /// All of it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// All of it, owned.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// What the relay knows it by.
    #[must_use]
    pub fn id(&self) -> SealedId {
        SealedId::new(hash(&self.0))
    }

    /// What anybody can read of it.
    #[must_use]
    pub fn header(&self) -> Header {
        let part = |from: usize, to: usize| &self.0[from..to];
        Header {
            log: LogId::from_slice(part(1, 33)).expect("32 bytes by the layout"),
            key: KeyId::from_slice(part(33, 41)).expect("8 bytes by the layout"),
            tag: Tag::from_slice(part(41, 57)).expect("16 bytes by the layout"),
        }
    }

    /// The ciphertext with its authentication tag.
    #[must_use]
    pub fn ciphertext(&self) -> &[u8] {
        &self.0[HEADER_BYTES..]
    }
}

impl std::fmt::Debug for SealedEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedEntry({} bytes, {:?})", self.0.len(), self.header())
    }
}

/// The length that Padmé pads `length` to; never less, at most 12 % more.
#[must_use]
pub fn padme(length: usize) -> usize {
    if length < 2 {
        return length;
    }
    let exponent = length.ilog2();
    let mantissa_bits = exponent.ilog2() + 1;
    let mask = (1_usize << exponent.saturating_sub(mantissa_bits)) - 1;
    (length + mask) & !mask
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn padme_gives_the_paper_s_examples() {
        // Nikitin et al., section 4: the length 9 stays 10 or less in steps of its own exponent.
        assert_eq!(padme(9), 10);
        assert_eq!(padme(256), 256);
        assert_eq!(padme(345), 352);
    }

    proptest! {
        #[test]
        fn padding_never_shrinks_and_costs_at_most_an_eighth(length in 0_usize..10_000_000) {
            let padded = padme(length);
            prop_assert!(padded >= length);
            prop_assert!(padded - length <= length / 8 + 1);
            prop_assert_eq!(padme(padded), padded);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(sealed) = SealedEntry::from_bytes(bytes.clone()) {
                prop_assert_eq!(&sealed.header().to_bytes()[..], &bytes[..HEADER_BYTES]);
            }
        }
    }
}
