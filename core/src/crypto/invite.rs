//! The one-time secret of an enrolment. It is shown as a QR code or read out, and never sent.
//!
//! Whoever was invited proves to have it by an HMAC over their request; whoever invited proves the same over the answer,
//! so that a relay can put words in neither mouth. Each use has a key of its own, derived by HKDF.

use bedside_protocol::ids::InviteId;
use zeroize::Zeroizing;

use crate::crypto::CryptoError;
use crate::crypto::primitives::{Secret, hkdf, hmac, hmac_fits};
use crate::ports::Entropy;

/// Symbols in a code, not counting hyphens: 52 for 256 bits, 2 for the checksum.
pub const CODE_SYMBOLS: usize = 54;

const GROUP_SYMBOLS: usize = 6;
/// Crockford's base 32: no I, L, O or U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// A prime below 32² to which 32 is a primitive root: one wrong symbol and any two swapped ones are always noticed.
const MODULUS: u32 = 1_019;

/// The secret that one invitation carries.
pub struct InviteSecret(Secret<32>);

impl InviteSecret {
    /// A new secret.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(Secret::random(entropy))
    }

    /// Reads the 32 bytes of [`Self::as_bytes`]; [`CryptoError::BadKey`] for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        Ok(Self(Secret::from_slice(bytes, "invitation secret")?))
    }

    /// The secret itself, to be kept in the vault of the one who invites. Whoever copies it overwrites the copy.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// What the relay knows the invitation by.
    #[must_use]
    pub fn id(&self) -> InviteId {
        InviteId::new(*self.derive(b"bedside invite id v1").expose())
    }

    /// The new device's proof, over its request.
    #[must_use]
    pub fn prove(&self, request: &[u8]) -> [u8; 32] {
        hmac(self.request_key().expose(), &[request])
    }

    /// True when the proof over this request was made with this secret. Takes the same time whatever the proof.
    #[must_use]
    pub fn check(&self, request: &[u8], proof: &[u8; 32]) -> bool {
        hmac_fits(self.request_key().expose(), request, proof)
    }

    /// The inviting device's proof, over its answer.
    #[must_use]
    pub fn prove_answer(&self, answer: &[u8]) -> [u8; 32] {
        hmac(self.answer_key().expose(), &[answer])
    }

    /// True when the proof over this answer was made with this secret. Takes the same time whatever the proof.
    #[must_use]
    pub fn check_answer(&self, answer: &[u8], proof: &[u8; 32]) -> bool {
        hmac_fits(self.answer_key().expose(), answer, proof)
    }

    /// The secret as a code for a QR or for typing: nine groups of six symbols of Crockford's base 32, the last two
    /// symbols being a checksum.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<String> {
        let symbols = with_checksum(&to_symbols(self.0.expose()));
        let mut code = Zeroizing::new(String::with_capacity(CODE_SYMBOLS + CODE_SYMBOLS / GROUP_SYMBOLS));
        for (i, symbol) in symbols.iter().enumerate() {
            if i > 0 && i.is_multiple_of(GROUP_SYMBOLS) {
                code.push('-');
            }
            code.push(char::from(ALPHABET[usize::from(*symbol)]));
        }
        code
    }

    /// Reads a code as people type it: in either case, with or without hyphens and spaces, I and L for 1, O for 0.
    ///
    /// [`CryptoError::CodeLength`], [`CryptoError::CodeSymbol`] or [`CryptoError::CodeChecksum`] say what is wrong.
    pub fn decode(code: &str) -> Result<Self, CryptoError> {
        let typed = || code.chars().filter(|c| *c != '-' && !c.is_whitespace());
        let mut symbols = Zeroizing::new([0_u8; CODE_SYMBOLS]);
        for (i, c) in typed().enumerate() {
            let symbol = symbol(c).ok_or(CryptoError::CodeSymbol { symbol: c, position: i + 1 })?;
            if let Some(place) = symbols.get_mut(i) {
                *place = symbol;
            }
        }
        let found = typed().count();
        if found != CODE_SYMBOLS {
            return Err(CryptoError::CodeLength { found });
        }
        // The last of the 52 has one bit of the secret, and four that are zero.
        if remainder(&symbols[..]) != 1 || symbols[CODE_SYMBOLS - 3] & 0x0f != 0 {
            return Err(CryptoError::CodeChecksum);
        }
        Ok(Self(Secret::filled_by(|bytes| from_symbols(&symbols[..CODE_SYMBOLS - 2], bytes))))
    }

    fn derive(&self, info: &[u8]) -> Secret<32> {
        hkdf(&[], self.0.expose(), &[info])
    }

    fn request_key(&self) -> Secret<32> {
        self.derive(b"bedside invite request v1")
    }

    fn answer_key(&self) -> Secret<32> {
        self.derive(b"bedside invite answer v1")
    }
}

fn symbol(c: char) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        c => c,
    };
    ALPHABET.iter().position(|a| char::from(*a) == c).and_then(|i| u8::try_from(i).ok())
}

fn to_symbols(bytes: &[u8; 32]) -> Zeroizing<[u8; CODE_SYMBOLS - 2]> {
    let bit = |i: usize| bytes.get(i / 8).map_or(0, |byte| byte >> (7 - i % 8) & 1);
    let mut symbols = Zeroizing::new([0; CODE_SYMBOLS - 2]);
    for (i, symbol) in symbols.iter_mut().enumerate() {
        *symbol = (0..5).fold(0, |value, j| value << 1 | bit(5 * i + j));
    }
    symbols
}

fn from_symbols(symbols: &[u8], bytes: &mut [u8; 32]) {
    let bit = |i: usize| symbols[i / 5] >> (4 - i % 5) & 1;
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = (0..8).fold(0, |value, j| value << 1 | bit(8 * i + j));
    }
}

/// The whole code, read as a number, leaves 1 when divided by the modulus.
fn with_checksum(data: &[u8; CODE_SYMBOLS - 2]) -> Zeroizing<[u8; CODE_SYMBOLS]> {
    let mut symbols = Zeroizing::new([0; CODE_SYMBOLS]);
    symbols[..CODE_SYMBOLS - 2].copy_from_slice(data);
    let check = (MODULUS + 1 - remainder(&symbols[..])) % MODULUS;
    symbols[CODE_SYMBOLS - 2] = (check >> 5) as u8;
    symbols[CODE_SYMBOLS - 1] = (check & 31) as u8;
    symbols
}

fn remainder(symbols: &[u8]) -> u32 {
    symbols.iter().fold(0, |value, symbol| (value << 5 | u32::from(*symbol)) % MODULUS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::tests::{Seeded, hex};

    fn secret() -> InviteSecret {
        InviteSecret::from_bytes(&std::array::from_fn::<u8, 32, _>(|i| i as u8)).unwrap()
    }

    #[test]
    fn id_proofs_and_code_are_what_another_implementation_computes() {
        assert_eq!(
            secret().id().to_string(),
            "07d2ac48e26f88c3ff074a541e5ad0d8f2458fed3628c46e392a31627e24921b"
        );
        assert_eq!(
            hex(&secret().prove(b"request")),
            "1abc12ec508e72fff12c0fdb53d547f397ecfbd0014d747ff4fa30260517ede6"
        );
        assert_eq!(
            hex(&secret().prove_answer(b"answer")),
            "1cdda03137bf3b003fd475758a94384e303e141fa6013901872ecfd5782f4923"
        );
        assert_eq!(*secret().encode(), "000G40-R40M30-E20918-5GR38E-1W8124-GK2GAH-C5RR34-D1P70X-3RFGV2");
    }

    #[test]
    fn a_proof_holds_for_one_secret_one_message_and_one_direction() {
        let other = InviteSecret::generate(&Seeded::new(1));
        let proof = secret().prove(b"message");
        assert!(secret().check(b"message", &proof));
        assert!(!secret().check(b"massage", &proof));
        assert!(!other.check(b"message", &proof));
        assert!(!secret().check_answer(b"message", &proof));
        let proof = secret().prove_answer(b"message");
        assert!(secret().check_answer(b"message", &proof));
        assert!(!secret().check(b"message", &proof));
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = secret().encode();
        for typed in [
            code.to_lowercase(),
            code.replace('-', ""),
            code.replace('-', " "),
            code.replace('0', "o").replace('1', "l"),
            format!(" {}\n", code.replace('1', "I")),
        ] {
            assert_eq!(InviteSecret::decode(&typed).ok().unwrap().as_bytes(), secret().as_bytes(), "{typed}");
        }
    }

    #[test]
    fn a_code_that_cannot_be_one_says_why() {
        let code = secret().encode();
        let error = |typed: &str| InviteSecret::decode(typed).err().unwrap();
        assert!(matches!(error(&code[1..]), CryptoError::CodeLength { found: 53 }));
        assert!(matches!(error(&format!("{}0", *code)), CryptoError::CodeLength { found: 55 }));
        assert!(matches!(error(""), CryptoError::CodeLength { found: 0 }));
        let wrong = format!("U{}", &code[1..]);
        assert!(matches!(error(&wrong), CryptoError::CodeSymbol { symbol: 'U', position: 1 }));
        assert!(matches!(error(&"0".repeat(54)), CryptoError::CodeChecksum));
    }

    #[test]
    fn the_four_bits_after_the_secret_are_zero() {
        let mut data = *to_symbols(secret().as_bytes());
        *data.last_mut().unwrap() |= 1;
        let code: String =
            with_checksum(&data).iter().map(|s| char::from(ALPHABET[usize::from(*s)])).collect();
        assert!(matches!(InviteSecret::decode(&code), Err(CryptoError::CodeChecksum)));
    }

    proptest! {
        #[test]
        fn any_secret_survives_its_code(bytes: [u8; 32]) {
            let secret = InviteSecret::from_bytes(&bytes).unwrap();
            let again = InviteSecret::decode(&secret.encode()).ok().unwrap();
            prop_assert_eq!(again.as_bytes(), &bytes);
        }

        #[test]
        fn one_wrong_symbol_and_two_swapped_ones_are_always_noticed(
            bytes: [u8; 32], i in 0..CODE_SYMBOLS, j in 0..CODE_SYMBOLS, other in 0..32_usize,
        ) {
            let code = InviteSecret::from_bytes(&bytes).unwrap().encode().replace('-', "").into_bytes();
            let read = |typed: Vec<u8>| InviteSecret::decode(&String::from_utf8(typed).unwrap());
            let mut wrong = code.clone();
            wrong[i] = ALPHABET[other];
            prop_assert!(wrong == code || matches!(read(wrong), Err(CryptoError::CodeChecksum)));
            let mut swapped = code.clone();
            swapped.swap(i, j);
            prop_assert!(swapped == code || matches!(read(swapped), Err(CryptoError::CodeChecksum)));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,80}") {
            let _ = InviteSecret::decode(&text);
        }
    }
}
