//! A file that one passphrase opens: how the operator keeps the network root.
//!
//! ```text
//! offset  length  what
//!      0       8  "bedsidef"
//!      8       1  version, 1
//!      9      12  cost: memory in KiB, passes, lanes; 4 bytes each, big-endian
//!     21      16  salt
//!     37      12  nonce
//!     49       n  AES-256-GCM ciphertext and its 16-byte tag, everything before being authenticated too
//! ```

use zeroize::Zeroizing;

use crate::crypto::primitives::{AEAD_TAG_BYTES, NONCE_BYTES, aead_open, aead_seal, random};
use crate::crypto::stretch::stretch;
use crate::crypto::{CryptoError, PinCost};
use crate::ports::Entropy;

const MAGIC: &[u8; 9] = b"bedsidef\x01";
const HEADER_BYTES: usize = MAGIC.len() + 12 + 16 + NONCE_BYTES;

/// Seals a file's content under a passphrase, taken byte for byte as it was typed.
///
/// [`CryptoError::Cost`] when Argon2 cannot work with these parameters, [`CryptoError::OutOfMemory`].
pub fn seal_file(
    passphrase: &str,
    plain: &[u8],
    params: PinCost,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, CryptoError> {
    let (salt, nonce): ([u8; 16], [u8; NONCE_BYTES]) = (random(entropy), random(entropy));
    let header = [MAGIC.as_slice(), &params.to_bytes(), &salt, &nonce].concat();
    let key = stretch(passphrase, &salt, None, params)?;
    let mut text = Vec::with_capacity(plain.len() + AEAD_TAG_BYTES);
    text.extend_from_slice(plain);
    aead_seal(key.expose(), nonce, &header, &mut text);
    Ok([header, text].concat())
}

/// Opens what [`seal_file`] made.
///
/// [`CryptoError::Format`] when it is no such file, [`CryptoError::WrongPassphrase`] when it does not open.
pub fn open_file(passphrase: &str, file: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let format = || CryptoError::Format("file under a passphrase");
    let (header, text) = file.split_at_checked(HEADER_BYTES).ok_or_else(format)?;
    let rest = header.strip_prefix(MAGIC.as_slice()).ok_or_else(format)?;
    let (cost, rest) = rest.split_first_chunk().ok_or_else(format)?;
    let (salt, rest) = rest.split_first_chunk().ok_or_else(format)?;
    let nonce = rest.try_into().map_err(|_| format())?;
    let key = stretch(passphrase, salt, None, PinCost::from_bytes(*cost))?;
    aead_open(key.expose(), nonce, header, text).ok_or(CryptoError::WrongPassphrase)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::tests::{Seeded, unhex};

    fn file() -> Vec<u8> {
        seal_file("correct horse battery", b"root seed", PinCost::FOR_TESTS, &Seeded::new(1)).unwrap()
    }

    #[test]
    fn a_file_that_another_implementation_sealed_opens() {
        let file = unhex(
            "626564736964656601000000080000000100000001aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbbbbb6506e687b31a98e6a9687cfbca68613f1ed3a72d0fce5c0379",
        );
        assert_eq!(open_file("correct horse battery", &file).unwrap().as_slice(), b"root seed");
    }

    #[test]
    fn the_passphrase_opens_the_file_and_another_does_not() {
        assert_eq!(open_file("correct horse battery", &file()).unwrap().as_slice(), b"root seed");
        let refused = open_file("correct horse batterY", &file());
        assert!(matches!(refused, Err(CryptoError::WrongPassphrase)));
    }

    #[test]
    fn something_that_is_no_such_file_is_told_from_a_wrong_passphrase() {
        let mut newer = file();
        newer[8] = 2;
        for other in [
            &b""[..],
            b"-----BEGIN PRIVATE KEY-----  and so on, long enough to be a header",
            &newer,
            &file()[..48],
        ] {
            assert!(matches!(open_file("correct horse battery", other), Err(CryptoError::Format(_))));
        }
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let good = file();
        for bit in 0..good.len() * 8 {
            // The two high bytes of the memory cost ask for 64 MiB or more: slow, and the limit is tested elsewhere.
            if (9 * 8..11 * 8).contains(&bit) {
                continue;
            }
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(open_file("correct horse battery", &bad).is_err(), "bit {bit} made no difference");
        }
    }

    proptest! {
        #[test]
        fn anything_survives(plain in proptest::collection::vec(any::<u8>(), 0..300), passphrase in "\\PC{0,40}") {
            let file = seal_file(&passphrase, &plain, PinCost::FOR_TESTS, &Seeded::new(2)).unwrap();
            prop_assert_eq!(file.len(), 49 + plain.len() + 16);
            let opened = open_file(&passphrase, &file).unwrap();
            prop_assert_eq!(opened.as_slice(), &plain[..]);
        }

        #[test]
        fn any_bytes_are_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(open_file("x", &bytes).is_err());
        }
    }
}
