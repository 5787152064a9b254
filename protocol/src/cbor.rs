//! Deterministic CBOR: RFC 8949 section 4.2.1 (core deterministic encoding), without floats, tags and indefinite lengths.
//!
//! Encoding goes through `minicbor`, which writes shortest forms; every map here has its keys in ascending order.
//! Decoding first checks the whole text with [`check`], so that nothing can be written in two ways. What a reader skips,
//! unknown keys and fields, is the one exception: ids and signatures are over bytes as they came, never written anew.

use minicbor::{Decode, Encode};

/// Why bytes were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// The input ends in the middle of an item.
    #[error("the data ends too early")]
    Truncated,
    /// Well-formed CBOR, or nearly, but not in the one form that is allowed.
    #[error("not in deterministic form at byte {at}")]
    NotDeterministic {
        /// Offset of the offending item.
        at: usize,
    },
    /// Deeper than any message here is.
    #[error("nested too deeply")]
    TooDeep,
    /// Bytes follow the item.
    #[error("{count} bytes too many")]
    Trailing {
        /// How many.
        count: usize,
    },
    /// In the right form, but not the expected message.
    #[error("not the expected message: {0}")]
    Shape(String),
}

const DEPTH_MAX: u8 = 16;

/// Encodes a message. Cannot fail: everything that is encoded fits in memory.
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("encoding into a Vec has no way to fail")
}

/// Checks the form and decodes exactly one message.
///
/// Unknown map keys are skipped, so that an older reader understands what a newer writer adds.
pub fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, CborError> {
    check(bytes)?;
    minicbor::decode(bytes).map_err(|e| CborError::Shape(e.to_string()))
}

/// Checks that `bytes` are exactly one item in deterministic form.
pub fn check(bytes: &[u8]) -> Result<(), CborError> {
    let end = item(bytes, 0, 0)?;
    match bytes.len() - end {
        0 => Ok(()),
        count => Err(CborError::Trailing { count }),
    }
}

fn item(bytes: &[u8], at: usize, depth: u8) -> Result<usize, CborError> {
    if depth > DEPTH_MAX {
        return Err(CborError::TooDeep);
    }
    let initial = *bytes.get(at).ok_or(CborError::Truncated)?;
    let (major, info) = (initial >> 5, initial & 0x1f);
    if major == 7 {
        // false, true, null
        return if (20..=22).contains(&info) { Ok(at + 1) } else { Err(CborError::NotDeterministic { at }) };
    }
    let (argument, mut next) = argument(bytes, at, info)?;
    match major {
        0 | 1 => Ok(next),
        2 | 3 => {
            let length = usize::try_from(argument).map_err(|_| CborError::Truncated)?;
            let end = next.checked_add(length).ok_or(CborError::Truncated)?;
            let content = bytes.get(next..end).ok_or(CborError::Truncated)?;
            if major == 3 && std::str::from_utf8(content).is_err() {
                return Err(CborError::NotDeterministic { at });
            }
            Ok(end)
        }
        4 => {
            for _ in 0..argument {
                next = item(bytes, next, depth + 1)?;
            }
            Ok(next)
        }
        5 => {
            let mut previous: Option<&[u8]> = None;
            for _ in 0..argument {
                let value = item(bytes, next, depth + 1)?;
                let key = &bytes[next..value];
                if previous.is_some_and(|p| p >= key) {
                    return Err(CborError::NotDeterministic { at: next });
                }
                previous = Some(key);
                next = item(bytes, value, depth + 1)?;
            }
            Ok(next)
        }
        _ => Err(CborError::NotDeterministic { at }),
    }
}

fn argument(bytes: &[u8], at: usize, info: u8) -> Result<(u64, usize), CborError> {
    let width = match info {
        0..=23 => return Ok((u64::from(info), at + 1)),
        24..=27 => 1_usize << (info - 24),
        _ => return Err(CborError::NotDeterministic { at }),
    };
    let digits = bytes.get(at + 1..at + 1 + width).ok_or(CborError::Truncated)?;
    let value = digits.iter().fold(0_u64, |value, digit| value << 8 | u64::from(*digit));
    let smallest = match width {
        1 => 24,
        2 => 1 << 8,
        4 => 1 << 16,
        _ => 1 << 32,
    };
    if value < smallest {
        return Err(CborError::NotDeterministic { at });
    }
    Ok((value, at + 1 + width))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_shortest_form_is_the_only_one() {
        assert_eq!(check(&[0x17]), Ok(()));
        assert_eq!(check(&[0x18, 0x17]), Err(CborError::NotDeterministic { at: 0 }));
        assert_eq!(check(&[0x18, 0x18]), Ok(()));
        assert_eq!(check(&[0x19, 0x00, 0xff]), Err(CborError::NotDeterministic { at: 0 }));
        assert_eq!(check(&[0x5f, 0xff]), Err(CborError::NotDeterministic { at: 0 }), "indefinite length");
        assert_eq!(check(&[0xfa, 0, 0, 0, 0]), Err(CborError::NotDeterministic { at: 0 }), "float");
    }

    #[test]
    fn map_keys_ascend_and_never_repeat() {
        assert_eq!(check(&[0xa2, 0x00, 0x01, 0x01, 0x01]), Ok(()));
        assert_eq!(check(&[0xa2, 0x01, 0x01, 0x00, 0x01]), Err(CborError::NotDeterministic { at: 3 }));
        assert_eq!(check(&[0xa2, 0x01, 0x01, 0x01, 0x01]), Err(CborError::NotDeterministic { at: 3 }));
    }

    #[test]
    fn a_short_message_that_claims_to_be_huge_is_refused_at_once() {
        assert_eq!(check(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Err(CborError::Truncated));
        assert_eq!(check(&[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Err(CborError::Truncated));
        assert_eq!(check(&[0x81; 100]), Err(CborError::TooDeep));
    }

    proptest! {
        #[test]
        fn any_bytes_are_checked_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = check(&bytes);
        }

        #[test]
        fn what_minicbor_writes_passes(numbers in proptest::collection::vec(any::<i64>(), 0..40), text in ".{0,40}") {
            let bytes = encode(&(numbers.clone(), text.clone()));
            prop_assert_eq!(decode::<(Vec<i64>, String)>(&bytes), Ok((numbers, text)));
        }
    }
}
