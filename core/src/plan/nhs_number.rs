//! NHS numbers: ten digits of which the last checks the others.

use std::fmt;
use std::str::FromStr;

use nhs_number::{NHSNumber, testable::TESTABLE_RANGE_INCLUSIVE};

use super::locale::{Message, said_in_english};

/// A valid NHS number. Its `Debug` shows nothing: it names a person.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NhsNumber(NHSNumber);

/// Why text is not an NHS number. Neither variant holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NhsNumberError {
    /// Not ten digits.
    NotTenDigits,
    /// A digit is wrong, or two are swapped.
    CheckDigit,
}

said_in_english!(NhsNumberError);

impl NhsNumberError {
    /// For people.
    #[must_use]
    pub const fn message(&self) -> Message {
        match self {
            Self::NotTenDigits => Message::new("nhs-number-length"),
            Self::CheckDigit => Message::new("nhs-number-check-digit"),
        }
    }
}

/// Published test numbers outside the range that is never issued.
const PUBLISHED_TEST_NUMBERS: [&str; 4] = ["9000000009", "9000000017", "9000000025", "9000000033"];

impl NhsNumber {
    /// Reads ten digits with spaces and dashes anywhere, and checks the last.
    pub fn parse(text: &str) -> Result<Self, NhsNumberError> {
        let separator = |c: char| c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}');
        // Ten digits and a separator beside each; anything longer is not a number that somebody mistyped.
        let digits: String = text.chars().take(64).filter(|c| !separator(*c)).collect();
        let number = NHSNumber::from_str(&digits).map_err(|_| NhsNumberError::NotTenDigits)?;
        if text.chars().count() > 64 {
            return Err(NhsNumberError::NotTenDigits);
        }
        if number.validate_check_digit() { Ok(Self(number)) } else { Err(NhsNumberError::CheckDigit) }
    }

    /// Ten digits.
    #[must_use]
    pub fn digits(&self) -> String {
        self.0.digits.iter().map(ToString::to_string).collect()
    }

    /// True for numbers that no person has: 999 000 0000 and above, and four that are published for tests.
    #[must_use]
    pub fn is_test_number(&self) -> bool {
        TESTABLE_RANGE_INCLUSIVE.contains(&self.0) || PUBLISHED_TEST_NUMBERS.contains(&self.digits().as_str())
    }
}

/// As people read it: `943 476 5919`.
impl fmt::Display for NhsNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for NhsNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NhsNumber(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for text in ["9434765919", "943 476 5919", "943-476-5919", " 943\u{a0}476\u{2011}5919\n"] {
            assert_eq!(NhsNumber::parse(text).unwrap().to_string(), "943 476 5919");
        }
        for text in ["", "943476591", "94347659199", "943476591X", "９４３４７６５９１９"] {
            assert_eq!(NhsNumber::parse(text), Err(NhsNumberError::NotTenDigits), "{text}");
        }
    }

    #[test]
    fn numbers_that_circulate_as_valid_are_not() {
        for text in ["9111111124", "9222222228", "9000000015"] {
            assert_eq!(NhsNumber::parse(text), Err(NhsNumberError::CheckDigit), "{text}");
        }
    }

    #[test]
    fn published_test_numbers_are_known() {
        for text in PUBLISHED_TEST_NUMBERS.into_iter().chain(["9990000018"]) {
            assert!(NhsNumber::parse(text).unwrap().is_test_number(), "{text}");
        }
        assert!(!NhsNumber::parse("9434765919").unwrap().is_test_number());
    }

    proptest! {
        #[test]
        fn the_last_digit_is_eleven_less_the_weighted_sum(first in 0_u64..1_000_000_000, last in 0_u64..10) {
            let digits = format!("{first:09}{last}");
            let sum: u64 = digits.bytes().take(9).zip((2..=10).rev()).map(|(d, w)| u64::from(d - b'0') * w).sum();
            let check = match 11 - sum % 11 { 11 => Some(0), 10 => None, digit => Some(digit) };
            prop_assert_eq!(NhsNumber::parse(&digits).is_ok(), check == Some(last));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,80}") {
            let _ = NhsNumber::parse(&text);
        }

        #[test]
        fn one_wrong_digit_is_always_found(first in 0_u64..1_000_000_000, last in 0_u64..10, at in 0_usize..10, add in 1_u8..10) {
            let digits = format!("{first:09}{last}");
            if NhsNumber::parse(&digits).is_ok() {
                let mut wrong = digits.into_bytes();
                wrong[at] = b'0' + (wrong[at] - b'0' + add) % 10;
                prop_assert_eq!(NhsNumber::parse(std::str::from_utf8(&wrong).unwrap()), Err(NhsNumberError::CheckDigit));
            }
        }
    }
}
