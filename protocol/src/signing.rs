//! Ed25519 (RFC 8032) and SHA-256, as both the core and the relay need them. Signing itself needs a secret and is a
//! trait: the core's `crypto` implements it, tests bring a seeded one.

use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, UnparsedPublicKey};

/// Something that can sign: it keeps its secret to itself.
pub trait Signer {
    /// The public key, 32 bytes (RFC 8032 section 5.1.5).
    fn public_key(&self) -> [u8; 32];
    /// Signs a message; 64 bytes.
    fn sign(&self, message: &[u8]) -> [u8; 64];
}

/// True when `signature` over `message` was made with the secret of `public_key`.
#[must_use]
pub fn verify(public_key: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public_key).verify(message, signature).is_ok()
}

/// SHA-256 over the parts, one after the other.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = ring::digest::Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// SHA-256 of one byte string.
#[must_use]
pub fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}
