//! From what a person can remember to a key: Argon2id (RFC 9106), version 0x13.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

use crate::crypto::CryptoError;
use crate::crypto::primitives::Secret;

/// What one guess at a PIN or passphrase costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinCost {
    /// Memory, in KiB.
    pub m_kib: u32,
    /// Passes over it.
    pub t: u32,
    /// Lanes.
    pub p: u32,
}

impl PinCost {
    /// The first choice of OWASP's password storage cheat sheet: 46 MiB, one pass, one lane.
    pub const STANDARD: Self = Self { m_kib: 47_104, t: 1, p: 1 };

    /// As little as Argon2 allows. Protects nothing.
    pub const FOR_TESTS: Self = Self { m_kib: 8, t: 1, p: 1 };

    /// A file that somebody else wrote cannot make a phone run out of memory, or keep it busy for minutes.
    const M_KIB_MAX: u32 = 1 << 20;
    const T_MAX: u32 = 16;
    const P_MAX: u32 = 16;

    /// As authenticated with what the key seals.
    pub(super) fn to_bytes(self) -> [u8; 12] {
        let mut out = [0; 12];
        out[..4].copy_from_slice(&self.m_kib.to_be_bytes());
        out[4..8].copy_from_slice(&self.t.to_be_bytes());
        out[8..].copy_from_slice(&self.p.to_be_bytes());
        out
    }

    pub(super) fn from_bytes(bytes: [u8; 12]) -> Self {
        let [m_kib, t, p] = std::array::from_fn(|i| {
            u32::from_be_bytes(bytes[4 * i..4 * i + 4].try_into().expect("4 of 12 bytes"))
        });
        Self { m_kib, t, p }
    }

    fn params(self) -> Result<Params, CryptoError> {
        let Self { m_kib, t, p } = self;
        let within = m_kib <= Self::M_KIB_MAX && t <= Self::T_MAX && p <= Self::P_MAX;
        let params = Params::new(m_kib, t, p, Some(32)).ok().filter(|_| within);
        params.ok_or(CryptoError::Cost { m_kib, t, p })
    }
}

/// Stretches a password. With `pepper`, only who has it can guess at all.
pub(super) fn stretch(
    password: &str,
    salt: &[u8; 16],
    pepper: Option<&[u8; 32]>,
    cost: PinCost,
) -> Result<Secret<32>, CryptoError> {
    let params = cost.params()?;
    // Argon2 leaves its memory as it is, and the key follows from the last block.
    let mut memory = Zeroizing::new(Vec::new());
    let blocks = params.block_count();
    memory.try_reserve_exact(blocks).map_err(|_| CryptoError::OutOfMemory(cost.m_kib))?;
    memory.resize(blocks, Block::new());
    let wrong = |source| CryptoError::Stretch { source };
    let pepper = pepper.map_or(&[][..], |pepper| pepper);
    let argon2 =
        Argon2::new_with_secret(pepper, Algorithm::Argon2id, Version::V0x13, params).map_err(wrong)?;
    let mut result = Ok(());
    let key = Secret::filled_by(|out| {
        result = argon2.hash_password_into_with_memory(password.as_bytes(), salt, out, &mut memory[..]);
    });
    result.map_err(wrong)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::tests::hex;

    #[test]
    fn stretching_gives_what_openssl_gives() {
        // OpenSSL's ARGON2ID, through Python's cryptography.
        let cost = PinCost { m_kib: 64, t: 3, p: 4 };
        let bare = stretch("correct horse", &[7; 16], None, cost).unwrap();
        assert_eq!(hex(bare.expose()), "c771005403680f6a24386821187fc2b66701b852e16da2f8fa0df029ba1fdbac");
        let peppered = stretch("correct horse", &[7; 16], Some(&[9; 32]), cost).unwrap();
        assert_eq!(
            hex(peppered.expose()),
            "c0b8fb454123b6b0fe83cf17345477459c211bd0c5d2c0360ab77a707fc731e1"
        );
    }

    #[test]
    fn the_standard_cost_is_46_mebibytes_and_works() {
        assert_eq!(PinCost::STANDARD, PinCost { m_kib: 46 * 1024, t: 1, p: 1 });
        let key = stretch("123456", &[7; 16], Some(&[9; 32]), PinCost::STANDARD).unwrap();
        assert_eq!(hex(key.expose()), "b2f87b22fe815dc19fb7bd526af0fa212bfb3a91128d528cbd5496a6054d863a");
    }

    #[test]
    fn a_cost_that_would_exhaust_a_phone_is_refused_before_it_does() {
        for (m_kib, t, p) in
            [(u32::MAX, 1, 1), (8, u32::MAX, 1), (1 << 20, 1, 17), (7, 1, 1), (8, 0, 1), (8, 1, 0)]
        {
            let refused = stretch("123456", &[7; 16], None, PinCost { m_kib, t, p });
            assert!(matches!(refused, Err(CryptoError::Cost { .. })), "{m_kib} {t} {p}");
        }
    }

    #[test]
    fn a_cost_reads_back_as_it_was_written() {
        let cost = PinCost { m_kib: 1, t: 2, p: 3 };
        assert_eq!(cost.to_bytes(), [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]);
        assert_eq!(PinCost::from_bytes(cost.to_bytes()), cost);
    }
}
