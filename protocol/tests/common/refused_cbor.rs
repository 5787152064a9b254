//! Byte strings in and out of deterministic form.

use bedside_protocol::cbor::CborError;

use super::{Fields, hex, json, unhex};

pub(crate) struct Refused {
    pub(crate) bytes: Vec<u8>,
    pub(crate) error: CborError,
    pub(crate) why: &'static str,
}

pub(crate) fn refused() -> Vec<Refused> {
    use CborError::{TooDeep, Trailing, Truncated};
    let not = |at| CborError::NotDeterministic { at };
    let deep = "81".repeat(17) + "00";
    [
        ("", Truncated, "nothing"),
        ("18", Truncated, "an argument is missing"),
        ("1b00000001000000", Truncated, "an argument is cut short"),
        ("4100ff", Trailing { count: 1 }, "a byte after the item"),
        ("0000", Trailing { count: 1 }, "two items"),
        ("42ff", Truncated, "a byte string is cut short"),
        ("62c3", Truncated, "a text string is cut short"),
        ("8201", Truncated, "an array is cut short"),
        ("a101", Truncated, "a map is cut short"),
        ("5bffffffffffffffff", Truncated, "a byte string of 2^64 - 1 bytes that are not there"),
        ("9bffffffffffffffff", Truncated, "an array of 2^64 - 1 items that are not there"),
        ("bbffffffffffffffff", Truncated, "a map of 2^64 - 1 pairs that are not there"),
        ("1817", not(0), "23 in two bytes"),
        ("1900ff", not(0), "255 in three bytes"),
        ("1a0000ffff", not(0), "65,535 in five bytes"),
        ("1b00000000ffffffff", not(0), "4,294,967,295 in nine bytes"),
        ("3817", not(0), "-24 in two bytes"),
        ("580100", not(0), "a length in two bytes that fits in one"),
        ("98020000", not(0), "a number of items in two bytes that fits in one"),
        ("b8010000", not(0), "a number of pairs in two bytes that fits in one"),
        ("82018200", Truncated, "cut short inside"),
        ("82011800", not(2), "not the shortest form, inside"),
        ("1c", not(0), "reserved additional information 28"),
        ("5f4100ff", not(0), "a byte string of indefinite length"),
        ("7f6161ff", not(0), "a text string of indefinite length"),
        ("9f00ff", not(0), "an array of indefinite length"),
        ("bf0000ff", not(0), "a map of indefinite length"),
        ("ff", not(0), "a break by itself"),
        ("61ff", not(0), "text that is not UTF-8"),
        ("62c080", not(0), "text in overlong UTF-8"),
        ("63eda080", not(0), "text with half a surrogate pair"),
        ("c000", not(0), "a tag"),
        ("c24101", not(0), "a big number"),
        ("f93c00", not(0), "a float of 16 bits"),
        ("fa3f800000", not(0), "a float of 32 bits"),
        ("fb3ff0000000000000", not(0), "a float of 64 bits"),
        ("f7", not(0), "undefined"),
        ("e0", not(0), "an unassigned simple value"),
        ("f818", not(0), "a simple value in two bytes"),
        ("a201000000", not(3), "map keys that do not ascend"),
        ("a200000001", not(3), "a map key twice"),
        ("a220000000", not(3), "a negative key before a positive one: order is that of the encoded bytes"),
        ("a24100000000", not(4), "a byte string as key before a number"),
        (&deep, TooDeep, "an item inside 17 arrays"),
    ]
    .into_iter()
    .map(|(text, error, why)| Refused { bytes: unhex(text), error, why })
    .collect()
}

pub(crate) fn accepted() -> Vec<(Vec<u8>, &'static str)> {
    let deep = "81".repeat(16) + "00";
    [
        ("00", "0"),
        ("17", "23"),
        ("1818", "24"),
        ("1bffffffffffffffff", "2^64 - 1"),
        ("3bffffffffffffffff", "-2^64"),
        ("40", "no bytes"),
        ("60", "no text"),
        ("62c3bc", "text in UTF-8"),
        ("80", "no items"),
        ("a0", "no pairs"),
        ("f4", "false"),
        ("f5", "true"),
        ("f6", "null"),
        ("a4000018180020004000", "keys ascend by their encoded bytes: 0, 24, -1, empty bytes"),
        (&deep, "an item inside 16 arrays"),
    ]
    .into_iter()
    .map(|(text, what)| (unhex(text), what))
    .collect()
}

/// The word for an error in the file.
fn word(error: &CborError) -> &'static str {
    match error {
        CborError::Truncated => "truncated",
        CborError::NotDeterministic { .. } => "not deterministic",
        CborError::TooDeep => "too deep",
        CborError::Trailing { .. } => "trailing",
        CborError::Shape(_) => unreachable!("the form is checked, not the shape"),
    }
}

pub(crate) fn file() -> String {
    let refused_one = |r: &Refused| -> Fields {
        vec![("why", r.why.to_owned()), ("bytes", hex(&r.bytes)), ("error", word(&r.error).to_owned())]
    };
    let accepted_one = |(bytes, what): &(Vec<u8>, &str)| -> Fields {
        vec![("what", (*what).to_owned()), ("bytes", hex(bytes))]
    };
    json(
        &[
            "Byte strings that are not one item in the deterministic form of docs/protocol.md section 2, and some that are.",
            "Every byte string under 'refused' must be refused. 'error' is what this project's reader says; another may say another.",
        ],
        &Vec::new(),
        &[
            ("refused", refused().iter().map(refused_one).collect()),
            ("accepted", accepted().iter().map(accepted_one).collect()),
        ],
    )
}
