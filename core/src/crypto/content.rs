//! Entries sealed under a log's content key, and that key sealed to its readers.
//!
//! ```text
//! tag        = first 16 bytes of HMAC(content key, "bedside tag" ‖ entry id)
//! entry key  = HKDF(salt = tag, key = content key, info = "bedside entry key v1" ‖ log), 32 bytes
//! plain text = length of the entry's bytes (4 bytes, big-endian) ‖ entry's bytes ‖ signature ‖ zeros, by Padmé
//! sealed     = header ‖ AES-256-GCM(entry key, nonce = 12 zeros, plain text, AAD = "bedside sealed entry" ‖ header)
//! ```
//! Sealing is deterministic, so that a relay stores an entry once however often it is sent, and from whomever. The fixed
//! nonce is safe because an entry key has one plain text: the key follows from the tag, the tag from the entry's id, the
//! id from the entry's bytes, and the signature from the id, for Ed25519 as the core signs has no chance in it. An author
//! who signs one entry twice by other means gives away the difference of the two signatures and lets others forge seals
//! for that one id, which then open to an entry whose id is another, and are refused.
//!
//! Opening checks that the bytes are the very ones that sealing would have made. Whose signature it is, and whether it
//! holds, [`verify_entry`] says; sealing and opening do not look at it.

use bedside_protocol::entry::entry_id;
use bedside_protocol::ids::{EntryId, KeyId, LogId, Tag};
use bedside_protocol::sealed::{AEAD_TAG_BYTES, HEADER_BYTES, Header, SealedEntry, padme};
use bedside_protocol::signing::{Signer, verify};
use zeroize::Zeroizing;

use crate::crypto::CryptoError;
use crate::crypto::keys::{SealingKey, seal_to};
use crate::crypto::primitives::{NONCE_BYTES, Secret, aead_open, aead_seal, hkdf, hmac};
use crate::limits::ENTRY_BYTES_MAX;
use crate::ports::Entropy;

const LENGTH_BYTES: usize = 4;
const SIGNATURE_BYTES: usize = 64;
const CONTENT_KEY_INFO: &[u8] = b"bedside content key v1";

/// The key that every entry of a log is sealed under, through a key of the entry's own.
#[derive(Clone)]
pub struct ContentKey {
    secret: Secret<32>,
    id: KeyId,
}

/// What was in a sealed entry.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenedEntry {
    /// The entry's canonical bytes.
    pub bytes: Vec<u8>,
    /// The author's signature, not yet verified.
    pub signature: [u8; 64],
    /// The id, computed from the bytes and the log.
    pub id: EntryId,
}

/// Shows the id only: the bytes hold personal data.
impl std::fmt::Debug for OpenedEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpenedEntry({:?}, {} bytes)", self.id, self.bytes.len())
    }
}

impl ContentKey {
    /// A new key.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self::new(Secret::random(entropy))
    }

    /// Reads the 32 bytes of [`Self::as_bytes`]; [`CryptoError::BadKey`] for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        Ok(Self::new(Secret::from_slice(bytes, "content key")?))
    }

    /// The key itself, to be kept in the vault. Whoever copies it overwrites the copy.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.secret.expose()
    }

    /// What the key is named by: the first 8 bytes of an HMAC under it.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Seals an entry with its signature. The same input always gives the same bytes.
    ///
    /// [`CryptoError::EntryId`] when the id is not that of the bytes in this log; [`CryptoError::SealedTooLarge`] over
    /// [`ENTRY_BYTES_MAX`].
    pub fn seal_entry(
        &self,
        log: &LogId,
        entry_id: &EntryId,
        entry_bytes: &[u8],
        signature: &[u8; 64],
    ) -> Result<SealedEntry, CryptoError> {
        if entry_bytes.len() > ENTRY_BYTES_MAX {
            return Err(CryptoError::SealedTooLarge(entry_bytes.len()));
        }
        if *entry_id != self::entry_id(log, entry_bytes) {
            return Err(CryptoError::EntryId);
        }
        let header = Header { log: *log, key: self.id, tag: self.tag(entry_id) };
        let mut text = padded(entry_bytes, signature);
        aead_seal(self.entry_key(&header).expose(), [0; NONCE_BYTES], &aad(&header), &mut text);
        let mut sealed = Vec::with_capacity(HEADER_BYTES + text.len());
        sealed.extend_from_slice(&header.to_bytes());
        sealed.append(&mut text);
        SealedEntry::from_bytes(sealed).map_err(|_| CryptoError::SealedTooLarge(entry_bytes.len()))
    }

    /// Opens a sealed entry and checks that it is exactly what sealing makes of that entry.
    ///
    /// [`CryptoError::OtherContentKey`] when the header names another key, [`CryptoError::OpenEntry`] when anything was
    /// altered, [`CryptoError::EntryLayout`] and [`CryptoError::EntryTag`] when somebody with the key sealed it wrongly.
    pub fn open_entry(&self, sealed: &SealedEntry) -> Result<OpenedEntry, CryptoError> {
        let header = sealed.header();
        if header.key != self.id {
            return Err(CryptoError::OtherContentKey(header.key));
        }
        let key = self.entry_key(&header);
        let text = aead_open(key.expose(), [0; NONCE_BYTES], &aad(&header), sealed.ciphertext())
            .ok_or(CryptoError::OpenEntry)?;
        let (bytes, signature) = unpadded(&text)?;
        let id = entry_id(&header.log, bytes);
        if self.tag(&id) != header.tag {
            return Err(CryptoError::EntryTag);
        }
        Ok(OpenedEntry { bytes: bytes.to_vec(), signature, id })
    }

    fn new(secret: Secret<32>) -> Self {
        let mac = hmac(secret.expose(), &[b"bedside key id"]);
        let id = KeyId::from_slice(&mac[..KeyId::LEN]).expect("8 of 32 bytes");
        Self { secret, id }
    }

    fn tag(&self, id: &EntryId) -> Tag {
        let mac = hmac(self.secret.expose(), &[b"bedside tag", id.as_bytes()]);
        Tag::from_slice(&mac[..Tag::LEN]).expect("16 of 32 bytes")
    }

    fn entry_key(&self, header: &Header) -> Secret<32> {
        hkdf(header.tag.as_bytes(), self.secret.expose(), &[b"bedside entry key v1", header.log.as_bytes()])
    }
}

/// Seals a log's content key to one reader, as an access statement carries it.
pub fn seal_content_key(
    key: &ContentKey,
    log: &LogId,
    reader_public: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, CryptoError> {
    seal_to(reader_public, CONTENT_KEY_INFO, &content_key_aad(log, &key.id), key.as_bytes(), entropy)
}

/// Opens a log's content key. `expected` is the key id in the statement that carried it.
///
/// [`CryptoError::OpenKey`] when it was sealed to another key, or for another log or key id;
/// [`CryptoError::ContentKeyId`] when the sealer put another key inside.
pub fn open_content_key(
    reader: &SealingKey,
    log: &LogId,
    expected: &KeyId,
    sealed: &[u8],
) -> Result<ContentKey, CryptoError> {
    let bytes = reader.open(CONTENT_KEY_INFO, &content_key_aad(log, expected), sealed)?;
    let key = ContentKey::from_bytes(&bytes)?;
    if key.id != *expected {
        return Err(CryptoError::ContentKeyId(*expected));
    }
    Ok(key)
}

/// Signs an entry by its id.
#[must_use]
pub fn sign_entry(signer: &dyn Signer, id: &EntryId) -> [u8; 64] {
    signer.sign(&entry_message(id))
}

/// True when the signature over this entry was made with the secret of `public_key`.
#[must_use]
pub fn verify_entry(public_key: &[u8; 32], id: &EntryId, signature: &[u8; 64]) -> bool {
    verify(public_key, &entry_message(id), signature)
}

fn entry_message(id: &EntryId) -> Vec<u8> {
    [b"bedside entry signature".as_slice(), id.as_bytes()].concat()
}

fn content_key_aad(log: &LogId, key: &KeyId) -> Vec<u8> {
    [log.as_bytes().as_slice(), key.as_bytes()].concat()
}

fn aad(header: &Header) -> Vec<u8> {
    [b"bedside sealed entry".as_slice(), &header.to_bytes()].concat()
}

/// The plain text, in a buffer that has room for the authentication tag: it is never copied, so never left behind.
fn padded(entry: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> Vec<u8> {
    let length = padme(LENGTH_BYTES + entry.len() + SIGNATURE_BYTES);
    let mut text = Vec::with_capacity(length + AEAD_TAG_BYTES);
    let count = u32::try_from(entry.len()).expect("at most ENTRY_BYTES_MAX, which fits 32 bits");
    text.extend_from_slice(&count.to_be_bytes());
    text.extend_from_slice(entry);
    text.extend_from_slice(signature);
    text.resize(length, 0);
    text
}

fn unpadded(text: &Zeroizing<Vec<u8>>) -> Result<(&[u8], [u8; SIGNATURE_BYTES]), CryptoError> {
    let short = || CryptoError::EntryLayout("it is shorter than it says");
    let (count, rest) = text.split_first_chunk::<LENGTH_BYTES>().ok_or_else(short)?;
    let count = usize::try_from(u32::from_be_bytes(*count)).map_err(|_| short())?;
    let (entry, rest) = rest.split_at_checked(count).ok_or_else(short)?;
    let (signature, padding) = rest.split_first_chunk::<SIGNATURE_BYTES>().ok_or_else(short)?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(CryptoError::EntryLayout("its padding is not zero"));
    }
    if text.len() != padme(text.len() - padding.len()) {
        return Err(CryptoError::EntryLayout("its padding has the wrong length"));
    }
    Ok((entry, *signature))
}

#[cfg(test)]
mod tests;
