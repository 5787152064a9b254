//! Small things kept under a 32-byte key of one's own: AES-256-GCM under a random nonce.
//!
//! The nonce has 96 random bits, so one key is good for 2^32 boxes (NIST SP 800-38D section 8.3).

use zeroize::Zeroizing;

use crate::crypto::CryptoError;
use crate::crypto::primitives::{AEAD_TAG_BYTES, NONCE_BYTES, aead_open, aead_seal, random};
use crate::ports::Entropy;

/// How many bytes longer than its content a box is.
pub const BOX_OVERHEAD: usize = NONCE_BYTES + AEAD_TAG_BYTES;

/// Seals under `key`. `purpose` says what the box is and where it belongs; only the same purpose opens it.
#[must_use]
pub fn seal_box(key: &[u8; 32], purpose: &[u8], plain: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
    let nonce: [u8; NONCE_BYTES] = random(entropy);
    let mut text = Vec::with_capacity(plain.len() + AEAD_TAG_BYTES);
    text.extend_from_slice(plain);
    aead_seal(key, nonce, &aad(purpose), &mut text);
    [nonce.as_slice(), &text].concat()
}

/// Opens what [`seal_box`] made under this key for this purpose; [`CryptoError::OpenBox`] for anything else.
pub fn open_box(key: &[u8; 32], purpose: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let (nonce, text) = sealed.split_first_chunk().ok_or(CryptoError::OpenBox)?;
    aead_open(key, *nonce, &aad(purpose), text).ok_or(CryptoError::OpenBox)
}

fn aad(purpose: &[u8]) -> Vec<u8> {
    [b"bedside box v1".as_slice(), purpose].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::tests::Seeded;

    proptest! {
        #[test]
        fn a_box_opens_with_its_key_for_its_purpose_and_unaltered_only(
            plain in proptest::collection::vec(any::<u8>(), 0..200), seed: u64, at: prop::sample::Index, bit in 0..8_u8,
        ) {
            let entropy = Seeded::new(seed);
            let mut sealed = seal_box(&[1; 32], b"purpose", &plain, &entropy);
            prop_assert_eq!(sealed.len(), plain.len() + BOX_OVERHEAD);
            let opened = open_box(&[1; 32], b"purpose", &sealed).unwrap();
            prop_assert_eq!(opened.as_slice(), &plain[..]);
            prop_assert!(open_box(&[2; 32], b"purpose", &sealed).is_err());
            prop_assert!(open_box(&[1; 32], b"another", &sealed).is_err());
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(matches!(open_box(&[1; 32], b"purpose", &sealed), Err(CryptoError::OpenBox)));
        }
    }

    #[test]
    fn two_boxes_of_the_same_thing_differ_and_a_stump_is_refused() {
        let entropy = Seeded::new(1);
        let seal = || seal_box(&[1; 32], b"purpose", b"plain", &entropy);
        assert_ne!(seal(), seal());
        assert!(matches!(open_box(&[1; 32], b"purpose", &seal()[..11]), Err(CryptoError::OpenBox)));
    }
}
