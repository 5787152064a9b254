//! The key of the vault, the key of one identity's own secrets in it, and the wrapping of both by a PIN.
//!
//! Several people may share a device: one vault, a PIN and an own key for each. The vault's key opens the plans; what only
//! one of them may use, such as the key that signs as them, is sealed once more under their own.
//!
//! A PIN has too few digits to keep anything shut by itself. Stretching it takes a second input, the device secret, which
//! the platform's key store keeps: whoever steals the file without the key store cannot begin to guess, and whoever has
//! the device guesses through the app, which counts.

use bedside_protocol::cbor;
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use crate::crypto::primitives::{AEAD_TAG_BYTES, NONCE_BYTES, Secret, aead_open, aead_seal, hmac, random};
use crate::crypto::stretch::stretch;
use crate::crypto::{CryptoError, PinCost};
use crate::ports::Entropy;

const KEY_BYTES: usize = 32;
const SALT_BYTES: usize = 16;

/// What SQLCipher opens the vault with: a 32-byte raw key, then the file's 16-byte salt.
pub struct VaultKey(Secret<{ VaultKey::LEN }>);

impl VaultKey {
    /// Length in bytes of key and salt.
    pub const LEN: usize = KEY_BYTES + SALT_BYTES;

    /// A new key and salt, for a new vault.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(Secret::random(entropy))
    }

    /// Reads what [`Self::as_bytes`] gave; [`CryptoError::BadKey`] for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        Ok(Self(Secret::from_slice(bytes, "vault key")?))
    }

    /// Key, then salt, for the platform's key store. Whoever copies it overwrites the copy.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        self.0.expose()
    }

    /// What stands in `PRAGMA key`, without the outer quotes: `x'`, 96 hexadecimal digits, `'`.
    #[must_use]
    pub fn sqlcipher_literal(&self) -> Zeroizing<String> {
        let mut literal = Zeroizing::new(String::with_capacity(2 * Self::LEN + 3));
        literal.push_str("x'");
        for digit in self.as_bytes().iter().flat_map(|byte| [byte >> 4, byte & 15]) {
            literal.push(char::from_digit(u32::from(digit), 16).expect("four bits are one digit"));
        }
        literal.push('\'');
        literal
    }

    /// Kept beside the vault, it tells a wrong key from a damaged file. It says nothing about the key.
    #[must_use]
    pub fn check_value(&self) -> [u8; 32] {
        let (key, salt) = self.as_bytes().split_first_chunk::<KEY_BYTES>().expect("48 bytes begin with 32");
        hmac(key, &[b"bedside vault check", salt])
    }
}

/// What keeps one identity's secrets from the others who share the vault.
#[derive(Clone)]
pub struct OwnKey(Secret<{ OwnKey::LEN }>);

impl OwnKey {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// A new key, for a new identity.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(Secret::random(entropy))
    }

    /// Reads what [`Self::as_bytes`] gave; [`CryptoError::BadKey`] for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        Ok(Self(Secret::from_slice(bytes, "own key")?))
    }

    /// The key itself, for the platform's key store. Whoever copies it overwrites the copy.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        self.0.expose()
    }

    /// Seals a secret under the name that it is kept by: AES-256-GCM, a random nonce before the ciphertext.
    #[must_use]
    pub fn seal(&self, name: &str, secret: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
        let nonce = random(entropy);
        let mut text = Vec::with_capacity(secret.len() + AEAD_TAG_BYTES);
        text.extend_from_slice(secret);
        aead_seal(self.as_bytes(), nonce, &Self::aad(name), &mut text);
        [nonce.as_slice(), &text].concat()
    }

    /// Opens what [`Self::seal`] made under this name; [`CryptoError::BadKey`] for anything else.
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let opened = sealed
            .split_first_chunk::<NONCE_BYTES>()
            .and_then(|(nonce, text)| aead_open(self.as_bytes(), *nonce, &Self::aad(name), text));
        opened.ok_or(CryptoError::BadKey("own secret"))
    }

    fn aad(name: &str) -> Vec<u8> {
        [b"bedside own secret".as_slice(), name.as_bytes()].concat()
    }
}

/// What a PIN opens.
pub struct Unlocked {
    /// The key that everybody on this device shares.
    pub vault: VaultKey,
    /// The key of who typed the PIN.
    pub own: OwnKey,
}

/// The keys that one PIN opens on one device.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PinWrap {
    /// Format version, [`PinWrap::VERSION`].
    #[n(0)]
    version: u8,
    #[cbor(n(1), with = "minicbor::bytes")]
    salt: [u8; 16],
    #[n(2)]
    m_kib: u32,
    #[n(3)]
    t: u32,
    #[n(4)]
    p: u32,
    #[cbor(n(5), with = "minicbor::bytes")]
    nonce: [u8; NONCE_BYTES],
    #[cbor(n(6), with = "minicbor::bytes")]
    ciphertext: Vec<u8>,
}

impl PinWrap {
    /// The format version that this build writes.
    pub const VERSION: u8 = 1;

    /// Wraps both keys by a PIN, taken byte for byte as it was typed.
    ///
    /// [`CryptoError::Cost`] when Argon2 cannot work with these parameters, [`CryptoError::OutOfMemory`].
    pub fn seal(
        pin: &str,
        device_secret: &[u8; 32],
        keys: &Unlocked,
        params: PinCost,
        entropy: &dyn Entropy,
    ) -> Result<Self, CryptoError> {
        let PinCost { m_kib, t, p } = params;
        let mut wrap = Self {
            version: Self::VERSION,
            salt: random(entropy),
            m_kib,
            t,
            p,
            nonce: random(entropy),
            ciphertext: Vec::new(),
        };
        let pin_key = stretch(pin, &wrap.salt, Some(device_secret), params)?;
        let mut text = Vec::with_capacity(VaultKey::LEN + OwnKey::LEN + AEAD_TAG_BYTES);
        text.extend_from_slice(keys.vault.as_bytes());
        text.extend_from_slice(keys.own.as_bytes());
        aead_seal(pin_key.expose(), wrap.nonce, &wrap.aad(), &mut text);
        wrap.ciphertext = text;
        Ok(wrap)
    }

    /// Opens both keys.
    ///
    /// [`CryptoError::WrongPin`] for another PIN, on another device, or when the wrap was altered;
    /// [`CryptoError::Cost`] and [`CryptoError::OutOfMemory`] say that the PIN was not tried at all.
    pub fn open(&self, pin: &str, device_secret: &[u8; 32]) -> Result<Unlocked, CryptoError> {
        let pin_key = stretch(pin, &self.salt, Some(device_secret), self.cost())?;
        let text = aead_open(pin_key.expose(), self.nonce, &self.aad(), &self.ciphertext)
            .ok_or(CryptoError::WrongPin)?;
        let (vault, own) = text.split_at_checked(VaultKey::LEN).ok_or(CryptoError::BadKey("vault key"))?;
        Ok(Unlocked { vault: VaultKey::from_bytes(vault)?, own: OwnKey::from_bytes(own)? })
    }

    /// What a guess at the PIN costs.
    #[must_use]
    pub const fn cost(&self) -> PinCost {
        PinCost { m_kib: self.m_kib, t: self.t, p: self.p }
    }

    /// Deterministic CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads what [`Self::to_bytes`] wrote; [`CryptoError::Format`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        let wrap: Self = cbor::decode(bytes).map_err(|_| CryptoError::Format("PIN wrap"))?;
        if wrap.version != Self::VERSION {
            return Err(CryptoError::Format("PIN wrap"));
        }
        Ok(wrap)
    }

    fn aad(&self) -> Vec<u8> {
        [b"bedside pin wrap".as_slice(), &[self.version], &self.cost().to_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::tests::{Seeded, hex};

    const DEVICE: [u8; 32] = [0x55; 32];

    fn key() -> VaultKey {
        VaultKey::from_bytes(&std::array::from_fn::<u8, 48, _>(|i| i as u8)).unwrap()
    }

    fn keys() -> Unlocked {
        Unlocked { vault: key(), own: OwnKey::from_bytes(&[7; 32]).unwrap() }
    }

    fn wrap(pin: &str) -> PinWrap {
        PinWrap::seal(pin, &DEVICE, &keys(), PinCost::FOR_TESTS, &Seeded::new(1)).unwrap()
    }

    #[test]
    fn an_own_secret_opens_with_its_key_under_its_name_alone() {
        let own = OwnKey::generate(&Seeded::new(5));
        let sealed = own.seal("signing", b"secret", &Seeded::new(6));
        assert_eq!(*own.open("signing", &sealed).unwrap(), b"secret");
        assert!(own.open("sealing", &sealed).is_err());
        assert!(OwnKey::generate(&Seeded::new(7)).open("signing", &sealed).is_err());
        for bit in 0..sealed.len() * 8 {
            let mut bad = sealed.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(own.open("signing", &bad).is_err(), "bit {bit} made no difference");
        }
        for short in 0..sealed.len() {
            assert!(own.open("signing", &sealed[..short]).is_err());
        }
    }

    #[test]
    fn sqlcipher_gets_key_and_salt_as_one_blob_literal() {
        assert_eq!(
            *key().sqlcipher_literal(),
            "x'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f'"
        );
    }

    #[test]
    fn the_check_value_is_what_another_implementation_computes() {
        assert_eq!(
            hex(&key().check_value()),
            "de76d59689835c419a74f25b4b7082ef3f020b5497dfbc4ac7053a15c66ddda1"
        );
        assert_ne!(VaultKey::generate(&Seeded::new(1)).check_value(), key().check_value());
    }

    #[test]
    fn the_right_pin_on_the_right_device_opens() {
        let opened = wrap("246810").open("246810", &DEVICE).ok().unwrap();
        assert_eq!(opened.vault.as_bytes(), key().as_bytes());
        assert_eq!(opened.own.as_bytes(), &[7; 32]);
    }

    #[test]
    fn a_wrong_pin_and_another_device_do_not() {
        let wrap = wrap("246810");
        for (pin, device) in [("246811", DEVICE), ("246810 ", DEVICE), ("", DEVICE), ("246810", [0x56; 32])] {
            assert!(matches!(wrap.open(pin, &device), Err(CryptoError::WrongPin)), "{pin}");
        }
    }

    #[test]
    fn two_wraps_of_the_same_pin_have_nothing_in_common() {
        let entropy = Seeded::new(2);
        let seal = || PinWrap::seal("246810", &DEVICE, &keys(), PinCost::FOR_TESTS, &entropy).unwrap();
        let (a, b) = (seal(), seal());
        assert_ne!(a.salt, b.salt);
        assert_ne!(a.nonce, b.nonce);
        assert_ne!(a.ciphertext, b.ciphertext);
    }

    #[test]
    fn a_wrap_made_cheaper_to_guess_does_not_open() {
        let mut cheaper =
            PinWrap::seal("246810", &DEVICE, &keys(), PinCost { m_kib: 16, t: 2, p: 1 }, &Seeded::new(3))
                .unwrap();
        assert!(cheaper.open("246810", &DEVICE).is_ok());
        cheaper.t = 1;
        assert!(matches!(cheaper.open("246810", &DEVICE), Err(CryptoError::WrongPin)));
    }

    #[test]
    fn a_wrap_that_asks_for_all_memory_is_refused_without_trying_the_pin() {
        let mut huge = wrap("246810");
        huge.m_kib = u32::MAX;
        assert!(matches!(huge.open("246810", &DEVICE), Err(CryptoError::Cost { .. })));
    }

    #[test]
    fn a_wrap_survives_being_kept_and_every_flipped_bit_is_refused() {
        let wrap = wrap("246810");
        let bytes = wrap.to_bytes();
        assert!(PinWrap::from_bytes(&bytes).unwrap() == wrap);
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let Ok(altered) = PinWrap::from_bytes(&bad) else { continue };
            // Large memory would make the test slow, and is covered above.
            if altered.m_kib > 1 << 14 {
                continue;
            }
            assert!(altered.open("246810", &DEVICE).is_err(), "bit {bit} made no difference");
        }
    }

    proptest! {
        #[test]
        fn any_pin_opens_what_it_closed_and_no_other_does(pin in "\\PC{0,20}", other in "\\PC{0,20}", device: [u8; 32]) {
            let wrap = PinWrap::seal(&pin, &device, &keys(), PinCost::FOR_TESTS, &Seeded::new(4)).unwrap();
            prop_assert!(wrap.open(&pin, &device).is_ok());
            prop_assert!(pin == other || wrap.open(&other, &device).is_err());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            prop_assert!(PinWrap::from_bytes(&bytes).is_err());
        }
    }
}
