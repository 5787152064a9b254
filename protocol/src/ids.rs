//! Typed identifiers. An id is a value, not text: hexadecimal is only how it is shown.

use std::fmt;

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// Wraps bytes that are known to be this kind of id.
            pub const fn new(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// Reads exactly [`Self::LEN`] bytes; `None` for any other length.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// Reads lower-case or upper-case hexadecimal; `None` for anything else.
            pub fn from_hex(text: &str) -> Option<Self> {
                let mut bytes = [0; $len];
                if text.len() != 2 * $len {
                    return None;
                }
                for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
                    *byte = pair.iter().try_fold(0, |value, c| Some(value << 4 | nibble(*c)?))?;
                }
                Some(Self(bytes))
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "("))?;
                self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str("..)")
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: encode::Write>(
                &self,
                e: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
                Self::from_slice(d.bytes()?)
                    .ok_or_else(|| decode::Error::message(concat!(stringify!($name), ": wrong length")))
            }
        }
    };
}

id!(
    /// A log: `HMAC-SHA-256(network lookup key, "bedside log" ‖ compartment ‖ NHS number)`. Without the lookup key an NHS
    /// number cannot be guessed from it.
    LogId,
    32
);
id!(
    /// An entry: `SHA-256("bedside entry" ‖ log ‖ canonical bytes)`.
    EntryId,
    32
);
id!(
    /// A sealed entry: SHA-256 of its bytes. What the relay knows an entry by.
    SealedId,
    32
);
id!(
    /// A signed statement: SHA-256 of its bytes.
    StatementId,
    32
);
id!(
    /// One named person on one device: `SHA-256("bedside identity" ‖ public signing key)`.
    IdentityId,
    32
);
id!(
    /// An organisation: `SHA-256("bedside organisation" ‖ its first public signing key)`.
    OrganisationId,
    32
);
id!(
    /// A device: `SHA-256("bedside device" ‖ public transport key)`.
    DeviceId,
    32
);
id!(
    /// An invitation: derived from its one-time secret, which is never sent.
    InviteId,
    32
);
id!(
    /// A content key: the first bytes of an HMAC under it, so that naming a key says nothing about it.
    KeyId,
    8
);
id!(
    /// What a sealed entry's key is derived from: an HMAC of the entry's id under the content key.
    Tag,
    16
);
id!(
    /// One life of a relay's database. A relay that was restored or replaced has another.
    RelayEpoch,
    16
);

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Timestamp(#[n(0)] pub u64);

impl Timestamp {
    /// This moment and so many milliseconds more; stays at the end of time.
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; zero when it is not earlier.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Who a key is sealed to and who a relay may serve: a person's identity, or everybody in an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Principal {
    /// One identity.
    #[n(0)]
    Identity(#[n(0)] IdentityId),
    /// Every member of an organisation.
    #[n(1)]
    Organisation(#[n(0)] OrganisationId),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read_in_either_case_and_nothing_else_is() {
        let id = KeyId::new([0x0f, 0xa0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(KeyId::from_hex("0fa0010203040506"), Some(id));
        assert_eq!(KeyId::from_hex("0FA0010203040506"), Some(id));
        for wrong in [
            "",
            "0fa001020304050",
            "0fa00102030405060",
            "+fa0010203040506",
            "0fa001020304050g",
            "\u{fc}fa00102030405",
        ] {
            assert_eq!(KeyId::from_hex(wrong), None, "{wrong}");
        }
    }
}
