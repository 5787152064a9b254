//! What the rest of this module is made of, each with one way to use it.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::{hkdf, hmac};
use zeroize::{Zeroize, Zeroizing};

use crate::crypto::CryptoError;
use crate::ports::Entropy;

pub(super) const NONCE_BYTES: usize = 12;
pub(super) const AEAD_TAG_BYTES: usize = bedside_protocol::sealed::AEAD_TAG_BYTES;

/// Secret bytes that stay where they are: moving the owner moves a pointer, and leaves no copy behind on a stack.
pub(super) struct Secret<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Secret<N> {
    pub(super) fn filled_by(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = Self(Box::new([0; N]));
        fill(&mut secret.0);
        secret
    }

    pub(super) fn random(entropy: &dyn Entropy) -> Self {
        Self::filled_by(|bytes| entropy.fill(bytes))
    }

    pub(super) fn from_slice(bytes: &[u8], what: &'static str) -> Result<Self, CryptoError> {
        if bytes.len() != N {
            return Err(CryptoError::BadKey(what));
        }
        Ok(Self::filled_by(|secret| secret.copy_from_slice(bytes)))
    }

    pub(super) const fn expose(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> Clone for Secret<N> {
    fn clone(&self) -> Self {
        Self::filled_by(|bytes| bytes.copy_from_slice(self.expose()))
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Public random bytes: salts and nonces.
pub(super) fn random<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

/// HMAC-SHA-256 over the parts, one after the other.
pub(super) fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.sign().as_ref());
    out
}

/// Compares in constant time.
pub(super) fn hmac_fits(key: &[u8; 32], message: &[u8], mac: &[u8]) -> bool {
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key), message, mac).is_ok()
}

/// HKDF-SHA-256, both steps, 32 bytes out.
pub(super) fn hkdf(salt: &[u8], key: &[u8; 32], info: &[&[u8]]) -> Secret<32> {
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(key);
    Secret::filled_by(|out| {
        prk.expand(info, hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(out))
            .expect("32 bytes are far below the 8,160 that HKDF-SHA-256 gives");
    })
}

fn aes_256_gcm(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("32 bytes by type"))
}

/// AES-256-GCM in place; the tag is appended. The caller answers for the nonce.
pub(super) fn aead_seal(key: &[u8; 32], nonce: [u8; NONCE_BYTES], aad: &[u8], text: &mut Vec<u8>) {
    text.reserve_exact(AEAD_TAG_BYTES);
    aes_256_gcm(key)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), text)
        .expect("nothing in memory reaches the 64 GiB that one seal may hold");
}

/// Opens what [`aead_seal`] made; `None` when it was altered or made otherwise.
pub(super) fn aead_open(
    key: &[u8; 32],
    nonce: [u8; NONCE_BYTES],
    aad: &[u8],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(sealed.to_vec());
    let length = aes_256_gcm(key)
        .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut text)
        .ok()?
        .len();
    text.truncate(length);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::tests::{hex, unhex};

    #[test]
    fn hmac_gives_what_another_implementation_gives() {
        // Here and below: Python's hmac and hashlib, and its cryptography package.
        let key: [u8; 32] = std::array::from_fn(|i| i as u8);
        let mac = hmac(&key, &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(hex(&mac), "099805f4ac310786968565c098db515cc50862b420ae31e20238312344bed36a");
        assert!(hmac_fits(&key, b"what do ya want for nothing?", &mac));
        assert!(!hmac_fits(&key, b"what do ya want for nothing!", &mac));
        assert!(!hmac_fits(&key, b"what do ya want for nothing?", &mac[..31]), "a cut MAC is no MAC");
    }

    #[test]
    fn hkdf_gives_what_another_implementation_gives() {
        let key: [u8; 32] = std::array::from_fn(|i| i as u8);
        let derived = hkdf(b"salt", &key, &[b"in", b"fo"]);
        assert_eq!(hex(derived.expose()), "64cc2a23b7a1da4310420350405fdf5d632cb9bda3700d753e96cbcfeb81d449");
    }

    #[test]
    fn aes_gcm_gives_what_another_implementation_gives() {
        let key: [u8; 32] = std::array::from_fn(|i| i as u8);
        let mut text = b"plain text".to_vec();
        aead_seal(&key, [1; 12], b"aad", &mut text);
        assert_eq!(text, unhex("07af845c06a51c03ac20a0f5901fb8ac658418b6adef187d81d2"));
        assert_eq!(aead_open(&key, [1; 12], b"aad", &text).unwrap().as_slice(), b"plain text");
        assert!(aead_open(&key, [1; 12], b"AAD", &text).is_none());
        assert!(aead_open(&key, [2; 12], b"aad", &text).is_none());
        assert!(aead_open(&key, [1; 12], b"aad", &[]).is_none());
    }
}
