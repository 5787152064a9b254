//! What somebody signs with, and what others seal to them.
//!
//! Signing is Ed25519 (RFC 8032). Sealing is HPKE (RFC 9180) in base mode with X-Wing (X25519 and ML-KEM-768 together),
//! HKDF-SHA-256 and AES-256-GCM, one message per encapsulated key: what is sealed today stays closed as long as either
//! of the two stays unbroken. Who sealed something is not said by the seal; the signed statement around it says that.

use std::convert::Infallible;

use bedside_protocol::signing::Signer;
use bedside_protocol::statement::SEALING_KEY_BYTES;
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open, single_shot_seal_with_rng,
};
use ring::signature::{Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

use crate::crypto::CryptoError;
use crate::crypto::primitives::{AEAD_TAG_BYTES, Secret};
use crate::ports::Entropy;

/// Length of what X-Wing sends to the reader, at the beginning of everything that is sealed to a key.
pub const ENCAPSULATED_BYTES: usize = 1_120;

/// How many bytes longer than its plain text something is that was sealed to a key.
pub const SEALED_TO_OVERHEAD: usize = ENCAPSULATED_BYTES + AEAD_TAG_BYTES;

/// An Ed25519 secret key.
///
/// Only the seed is kept: ring does not overwrite its own form of the key, so that form lives no longer than one
/// signature takes.
pub struct SigningKey {
    seed: Secret<32>,
    public: [u8; 32],
}

impl SigningKey {
    /// A new key.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self::new(Secret::random(entropy))
    }

    /// The key of this seed (RFC 8032 section 5.1.5).
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self::new(Secret::filled_by(|bytes| bytes.copy_from_slice(seed)))
    }

    /// What the key can be made from again.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(*self.seed.expose())
    }

    fn new(seed: Secret<32>) -> Self {
        let mut public = [0; 32];
        public.copy_from_slice(key_pair(&seed).public_key().as_ref());
        Self { seed, public }
    }
}

impl Signer for SigningKey {
    fn public_key(&self) -> [u8; 32] {
        self.public
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(key_pair(&self.seed).sign(message).as_ref());
        signature
    }
}

fn key_pair(seed: &Secret<32>) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(seed.expose()).expect("every 32 bytes are an Ed25519 seed")
}

/// An X-Wing secret key: opens what was sealed to its public key.
pub struct SealingKey(Box<<XWing as Kem>::PrivateKey>);

impl SealingKey {
    /// Length in bytes of what [`Self::to_bytes`] gives: the seed that both halves follow from.
    pub const LEN: usize = 32;

    /// A new key.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(Box::new(XWing::gen_keypair_with_rng(&mut Draw(entropy)).0))
    }

    /// Reads what [`Self::to_bytes`] wrote; [`CryptoError::BadKey`] for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        let key = <XWing as Kem>::PrivateKey::from_bytes(bytes)
            .map_err(|_| CryptoError::BadKey("secret sealing key"))?;
        Ok(Self(Box::new(key)))
    }

    /// What the key can be made from again, [`Self::LEN`] bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(vec![0; Self::LEN]);
        self.0.write_exact(&mut bytes);
        bytes
    }

    /// What others seal to, [`SEALING_KEY_BYTES`] bytes.
    #[must_use]
    pub fn public_key(&self) -> Vec<u8> {
        let mut bytes = vec![0; SEALING_KEY_BYTES];
        XWing::sk_to_pk(&self.0).write_exact(&mut bytes);
        bytes
    }

    /// Opens what [`seal_to`] made for this key with the same `info` and `aad`.
    ///
    /// [`CryptoError::OpenKey`] when it was sealed to another key, with other `info` or `aad`, or altered.
    pub fn open(&self, info: &[u8], aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let (encapsulated, ciphertext) =
            sealed.split_at_checked(ENCAPSULATED_BYTES).ok_or(CryptoError::OpenKey { source: None })?;
        <XWing as Kem>::EncappedKey::from_bytes(encapsulated)
            .and_then(|encapsulated| {
                single_shot_open::<AesGcm256, HkdfSha256, XWing>(
                    &OpModeR::Base,
                    &self.0,
                    &encapsulated,
                    info,
                    ciphertext,
                    aad,
                )
            })
            .map(Zeroizing::new)
            .map_err(|source| CryptoError::OpenKey { source: Some(source) })
    }
}

/// Seals to a reader's public key: the encapsulated key ([`ENCAPSULATED_BYTES`]), then the ciphertext with its tag.
///
/// `info` names the purpose, `aad` what it belongs to. [`CryptoError::BadKey`] when `public` is not an X-Wing key.
pub fn seal_to(
    public: &[u8],
    info: &[u8],
    aad: &[u8],
    plain: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, CryptoError> {
    let public = <XWing as Kem>::PublicKey::from_bytes(public)
        .map_err(|_| CryptoError::BadKey("public sealing key"))?;
    let (encapsulated, ciphertext) = single_shot_seal_with_rng::<AesGcm256, HkdfSha256, XWing>(
        &OpModeS::Base,
        &public,
        info,
        plain,
        aad,
        &mut Draw(entropy),
    )
    .map_err(|source| CryptoError::SealToKey { source })?;
    let mut sealed = vec![0; ENCAPSULATED_BYTES];
    encapsulated.write_exact(&mut sealed);
    sealed.extend_from_slice(&ciphertext);
    Ok(sealed)
}

/// The host's randomness, as hpke asks for it.
struct Draw<'a>(&'a dyn Entropy);

impl Draw<'_> {
    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }
}

impl TryRng for Draw<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.bytes()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.bytes()))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(out);
        Ok(())
    }
}

impl TryCryptoRng for Draw<'_> {}

#[cfg(test)]
mod tests {
    use bedside_protocol::signing::verify;
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::tests::{Seeded, hex, unhex};

    #[test]
    fn signing_gives_the_second_test_of_rfc_8032_section_7_1() {
        let seed = unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let key = SigningKey::from_seed(seed.as_slice().try_into().unwrap());
        assert_eq!(
            hex(&key.public_key()),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        );
        assert_eq!(
            hex(&key.sign(&[0x72])),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
        assert_eq!(key.seed().as_slice(), seed);
    }

    #[test]
    fn a_signature_holds_for_its_message_and_its_key_alone() {
        let entropy = Seeded::new(1);
        let (alice, bob) = (SigningKey::generate(&entropy), SigningKey::generate(&entropy));
        let signature = alice.sign(b"message");
        assert!(verify(&alice.public_key(), b"message", &signature));
        assert!(!verify(&alice.public_key(), b"massage", &signature));
        assert!(!verify(&bob.public_key(), b"message", &signature));
    }

    #[test]
    fn what_is_sealed_to_a_reader_opens_for_them_alone() {
        let entropy = Seeded::new(2);
        let (reader, other) = (SealingKey::generate(&entropy), SealingKey::generate(&entropy));
        let sealed = seal_to(&reader.public_key(), b"info", b"aad", b"plain", &entropy).unwrap();

        assert_eq!(reader.public_key().len(), SEALING_KEY_BYTES);
        assert_eq!(sealed.len(), SEALED_TO_OVERHEAD + 5);
        assert_eq!(reader.open(b"info", b"aad", &sealed).unwrap().as_slice(), b"plain");
        for refused in [
            other.open(b"info", b"aad", &sealed),
            reader.open(b"other info", b"aad", &sealed),
            reader.open(b"info", b"other aad", &sealed),
            reader.open(b"info", b"aad", &sealed[1..]),
        ] {
            assert!(matches!(refused, Err(CryptoError::OpenKey { source: Some(_) })));
        }
        assert!(matches!(reader.open(b"info", b"aad", &[0; 9]), Err(CryptoError::OpenKey { source: None })));
    }

    #[test]
    fn sealing_twice_gives_different_bytes() {
        let entropy = Seeded::new(3);
        let public = SealingKey::generate(&entropy).public_key();
        let seal = || seal_to(&public, b"info", b"aad", b"plain", &entropy).unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn a_sealing_key_survives_being_kept() {
        let entropy = Seeded::new(4);
        let key = SealingKey::generate(&entropy);
        let sealed = seal_to(&key.public_key(), b"", b"", b"plain", &entropy).unwrap();
        assert_eq!(key.to_bytes().len(), SealingKey::LEN);
        let again = SealingKey::from_bytes(&key.to_bytes()).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        assert_eq!(again.open(b"", b"", &sealed).unwrap().as_slice(), b"plain");
    }

    #[test]
    fn keys_of_the_wrong_length_or_kind_are_refused() {
        let entropy = Seeded::new(5);
        assert!(matches!(SealingKey::from_bytes(&[1; 31]), Err(CryptoError::BadKey(_))));
        for not_a_key in [vec![], vec![0; 32], vec![0xff; SEALING_KEY_BYTES]] {
            let refused = seal_to(&not_a_key, b"", b"", b"plain", &entropy);
            assert!(matches!(refused, Err(CryptoError::BadKey("public sealing key"))));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn anything_sealed_opens_and_any_flipped_bit_closes_it(
            plain in proptest::collection::vec(any::<u8>(), 0..300), seed: u64, at: prop::sample::Index, bit in 0..8_u8,
        ) {
            let entropy = Seeded::new(seed);
            let key = SealingKey::generate(&entropy);
            let mut sealed = seal_to(&key.public_key(), b"info", b"aad", &plain, &entropy).unwrap();
            let opened = key.open(b"info", b"aad", &sealed).unwrap();
            prop_assert_eq!(opened.as_slice(), &plain[..]);
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(key.open(b"info", b"aad", &sealed).is_err());
        }
    }
}
