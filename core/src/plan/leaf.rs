//! One answer: what was said, who it was heard from, when it was last confirmed.
//!
//! That nothing was recorded is the absence of a leaf. That somebody was asked and there is none, that they declined to
//! talk about it, and that they cannot express it are three answers, and none of them is "no".

use std::fmt;

use bedside_protocol::cbor::{self, CborError};
use bedside_protocol::ids::Timestamp;
use minicbor::data::Type;
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

use super::codes::{self, System};
use super::dates;
use super::locale::{Locale, Message, said_in_english};
use crate::limits::TEXT_BYTES_MAX;

/// One answer with where it comes from. Who wrote it and when is the entry's to say.
#[derive(Clone, PartialEq, Eq)]
pub struct Leaf {
    /// What was answered.
    pub answer: Answer,
    /// Who it was heard from.
    pub heard_from: Source,
    /// When it was last asked again and found to be still so.
    pub confirmed: Option<Timestamp>,
}

/// What was answered.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// One of a value set, or words where the set does not fit.
    Coded(Coded),
    /// Words.
    Text(String),
    /// ISO 8601: `YYYY-MM-DD`, `YYYY-MM` or `YYYY`.
    Date(String),
    /// A whole number in the unit that the field names.
    Number(i64),
    /// Asked, and there is none.
    AskedNone,
    /// Declined to talk about it (SNOMED CT 766391000000108).
    Declined,
    /// Unable to express it (SNOMED CT 517111000000103).
    UnableToExpress,
    /// Its author took it back, and nothing stood there before: shown as not recorded.
    TakenBack,
    /// Written by a newer version: its encoded bytes, kept as they came.
    Unknown(Vec<u8>),
}

/// A coded answer. [`Coded::text`] alone says everything a reader must know.
#[derive(Clone, PartialEq, Eq)]
pub struct Coded {
    /// The code, when there is one.
    pub code: Option<String>,
    /// The code system's URI.
    pub system: Option<String>,
    /// The code's own words, when they are not the text.
    pub display: Option<String>,
    /// The answer in words; never empty.
    pub text: String,
}

/// Who an answer was heard from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The person.
    Person,
    /// Somebody who speaks for the person.
    Proxy,
    /// Nobody: it was seen.
    Observed,
    /// Another record.
    Record,
    /// A source that a newer version knows.
    Unknown(u8),
}

/// Why something is not a leaf. No variant holds content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// Not CBOR in the one allowed form.
    Cbor(#[from] CborError),
    /// An answer without words.
    Empty,
    /// Over [`TEXT_BYTES_MAX`].
    TooLong(usize),
    /// Not a date of the calendar.
    NotADate,
}

said_in_english!(LeafError);

impl LeafError {
    /// For people.
    #[must_use]
    pub fn message(&self) -> Message {
        match self {
            Self::Cbor(_) => Message::new("leaf-unreadable"),
            Self::Empty => Message::new("leaf-empty"),
            Self::TooLong(bytes) => {
                Message::new("leaf-too-long").with("bytes", *bytes).with("most", TEXT_BYTES_MAX)
            }
            Self::NotADate => Message::new("leaf-not-a-date"),
        }
    }
}

impl Leaf {
    /// An answer that nobody has confirmed since.
    #[must_use]
    pub const fn new(answer: Answer, heard_from: Source) -> Self {
        Self { answer, heard_from, confirmed: None }
    }

    /// The one encoding of this leaf.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads a leaf. Answers and sources of newer versions are kept as unknown.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LeafError> {
        let leaf: Self = cbor::decode(bytes)?;
        leaf.answer.check()?;
        Ok(leaf)
    }
}

impl Answer {
    /// Words, without spaces around them.
    pub fn text(text: &str) -> Result<Self, LeafError> {
        Ok(Self::Text(words(text)?))
    }

    /// Words in place of a code.
    pub fn uncoded(text: &str) -> Result<Self, LeafError> {
        Ok(Self::Coded(Coded { code: None, system: None, display: None, text: words(text)? }))
    }

    /// A date: ISO 8601, to the day, month or year.
    pub fn date(iso: &str) -> Result<Self, LeafError> {
        let iso = iso.trim();
        dates::Partial::parse(iso).map(|_| Self::Date(iso.to_owned())).ok_or(LeafError::NotADate)
    }

    pub(super) fn check(&self) -> Result<(), LeafError> {
        let sized = |text: &str| match text.len() {
            0 => Err(LeafError::Empty),
            _ if text.trim().is_empty() => Err(LeafError::Empty),
            length if length > TEXT_BYTES_MAX => Err(LeafError::TooLong(length)),
            _ => Ok(()),
        };
        match self {
            Self::Coded(coded) => {
                let parts = [&coded.code, &coded.system, &coded.display];
                parts.into_iter().flatten().try_for_each(|part| sized(part))?;
                sized(&coded.text)
            }
            Self::Text(text) => sized(text),
            Self::Date(iso) => dates::Partial::parse(iso).map(|_| ()).ok_or(LeafError::NotADate),
            Self::Number(_)
            | Self::AskedNone
            | Self::Declined
            | Self::UnableToExpress
            | Self::TakenBack
            | Self::Unknown(_) => Ok(()),
        }
    }

    /// The answer's kind as it stands in machine-readable views.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Coded(_) => "coded",
            Self::Text(_) => "text",
            Self::Date(_) => "date",
            Self::Number(_) => "number",
            Self::AskedNone => "asked-none",
            Self::Declined => "declined",
            Self::UnableToExpress => "unable-to-express",
            Self::TakenBack => "taken-back",
            Self::Unknown(_) => "unknown",
        }
    }

    /// The answer in British English. A missing leaf is not recorded, which is none of them.
    #[must_use]
    pub fn words(&self) -> String {
        Locale::british_english().answer(None, self)
    }
}

impl Source {
    /// As it is written in commands and views.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Proxy => "proxy",
            Self::Observed => "observed",
            Self::Record => "record",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Reads what [`Self::name`] writes of a known source.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Person, Self::Proxy, Self::Observed, Self::Record]
            .into_iter()
            .find(|source| source.name() == name)
    }

    const fn number(self) -> u8 {
        match self {
            Self::Person => 0,
            Self::Proxy => 1,
            Self::Observed => 2,
            Self::Record => 3,
            Self::Unknown(number) => number,
        }
    }

    const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Person,
            1 => Self::Proxy,
            2 => Self::Observed,
            3 => Self::Record,
            other => Self::Unknown(other),
        }
    }
}

fn words(text: &str) -> Result<String, LeafError> {
    let text = text.trim();
    match text.len() {
        0 => Err(LeafError::Empty),
        length if length > TEXT_BYTES_MAX => Err(LeafError::TooLong(length)),
        _ => Ok(text.to_owned()),
    }
}

/// `Debug` says what kind of answer it is, and nothing of it.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

/// `Debug` says what kind of answer it is and who gave it.
impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Leaf").field(&self.answer).field(&self.heard_from).finish()
    }
}

/// `[answer, source]` or `[answer, source, confirmed]`.
impl<C> Encode<C> for Leaf {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, c: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.array(if self.confirmed.is_some() { 3 } else { 2 })?;
        e.encode_with(&self.answer, c)?.u8(self.heard_from.number())?;
        if let Some(confirmed) = &self.confirmed {
            e.encode_with(confirmed, c)?;
        }
        e.ok()
    }
}

impl<'b, C> Decode<'b, C> for Leaf {
    fn decode(d: &mut Decoder<'b>, c: &mut C) -> Result<Self, decode::Error> {
        let parts = length(d)?;
        if parts < 2 {
            return Err(decode::Error::message("a leaf has an answer and a source"));
        }
        let answer = d.decode_with(c)?;
        let heard_from = Source::from_number(d.u8()?);
        let confirmed = if parts > 2 { Some(d.decode_with(c)?) } else { None };
        for _ in 3..parts {
            d.skip()?;
        }
        Ok(Self { answer, heard_from, confirmed })
    }
}

/// Text is CBOR text, a number an integer; the others are `[kind, ...]`.
impl<C> Encode<C> for Answer {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        match self {
            Self::Text(text) => {
                e.str(text)?;
            }
            Self::Number(number) => {
                e.i64(*number)?;
            }
            Self::Coded(coded) => encode_coded(coded, e)?,
            Self::Date(iso) => {
                e.array(2)?.u8(1)?.str(iso)?;
            }
            Self::AskedNone => {
                e.array(1)?.u8(2)?;
            }
            Self::Declined => {
                e.array(1)?.u8(3)?;
            }
            Self::UnableToExpress => {
                e.array(1)?.u8(4)?;
            }
            Self::TakenBack => {
                e.array(1)?.u8(5)?;
            }
            Self::Unknown(bytes) => e.writer_mut().write_all(bytes).map_err(encode::Error::write)?,
        }
        e.ok()
    }
}

impl<'b, C> Decode<'b, C> for Answer {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let start = d.position();
        let known = match d.datatype()? {
            Type::String => Some(Self::Text(d.str()?.to_owned())),
            Type::Array => known(d)?,
            kind if is_integer(kind) => d.probe().i64().ok().map(Self::Number),
            _ => None,
        };
        match known {
            Some(answer @ Self::Number(_)) => {
                d.skip()?;
                Ok(answer)
            }
            Some(answer) => Ok(answer),
            None => {
                d.set_position(start);
                d.skip()?;
                Ok(Self::Unknown(d.input()[start..d.position()].to_vec()))
            }
        }
    }
}

fn known(d: &mut Decoder<'_>) -> Result<Option<Answer>, decode::Error> {
    let parts = length(d)?;
    if parts == 0 || !is_integer(d.datatype()?) {
        return Ok(None);
    }
    let Ok(kind) = d.u8() else {
        return Ok(None);
    };
    Ok(match (kind, parts) {
        (0, 4 | 5) => {
            let text = d.str()?.to_owned();
            let code = maybe(d)?;
            let system = match d.datatype()? {
                Type::U8 => match System::from_number(d.u8()?) {
                    Some(system) => Some(system.uri().to_owned()),
                    None => return Ok(None),
                },
                _ => maybe(d)?.map(other_system).transpose()?,
            };
            let display = if parts == 5 { Some(d.str()?.to_owned()) } else { None };
            Some(Answer::Coded(Coded { code, system, display, text }))
        }
        (1, 2) => Some(Answer::Date(d.str()?.to_owned())),
        (2, 1) => Some(Answer::AskedNone),
        (3, 1) => Some(Answer::Declined),
        (4, 1) => Some(Answer::UnableToExpress),
        (5, 1) => Some(Answer::TakenBack),
        _ => None,
    })
}

/// A system that has a number is never written out: one answer has one encoding.
fn other_system(uri: String) -> Result<String, decode::Error> {
    match System::from_uri(&uri) {
        Some(_) => Err(decode::Error::message("a known code system written out")),
        None => Ok(uri),
    }
}

const fn is_integer(kind: Type) -> bool {
    use Type::{I8, I16, I32, I64, Int, U8, U16, U32, U64};
    matches!(kind, U8 | U16 | U32 | U64 | I8 | I16 | I32 | I64 | Int)
}

fn length(d: &mut Decoder<'_>) -> Result<u64, decode::Error> {
    d.array()?.ok_or_else(|| decode::Error::message("indefinite length"))
}

fn encode_coded<W: encode::Write>(coded: &Coded, e: &mut Encoder<W>) -> Result<(), encode::Error<W::Error>> {
    e.array(if coded.display.is_some() { 5 } else { 4 })?.u8(0)?.str(&coded.text)?;
    optional(e, coded.code.as_deref())?;
    match coded.system.as_deref().map(|uri| System::from_uri(uri).ok_or(uri)) {
        None => e.null()?,
        Some(Ok(system)) => e.u8(system.number())?,
        Some(Err(uri)) => e.str(uri)?,
    };
    coded.display.iter().try_for_each(|display| e.str(display)?.ok())
}

fn optional<W: encode::Write>(e: &mut Encoder<W>, text: Option<&str>) -> Result<(), encode::Error<W::Error>> {
    match text {
        Some(text) => e.str(text)?.ok(),
        None => e.null()?.ok(),
    }
}

fn maybe(d: &mut Decoder<'_>) -> Result<Option<String>, decode::Error> {
    if d.datatype()? == Type::Null {
        d.null()?;
        return Ok(None);
    }
    d.str().map(|text| Some(text.to_owned()))
}

impl From<&'static codes::Code> for Answer {
    /// The code with its own words.
    fn from(code: &'static codes::Code) -> Self {
        Self::Coded(Coded {
            code: Some(code.code.to_owned()),
            system: Some(code.system.uri().to_owned()),
            display: None,
            text: code.display.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answers() -> impl Strategy<Value = Answer> {
        let part = || proptest::option::of("[a-z0-9:/.]{1,20}");
        prop_oneof![
            "\\PC{0,20}[a-z]".prop_map(Answer::Text),
            (
                part(),
                prop_oneof![part(), Just(Some(System::Snomed.uri().to_owned()))],
                part(),
                "[a-z ]{0,9}[a-z]"
            )
                .prop_map(|(code, system, display, text)| Answer::Coded(Coded {
                    code,
                    system,
                    display,
                    text
                })),
            any::<i64>().prop_map(Answer::Number),
            (1_i16..=9999, 1_u8..=12, 1_u8..=28)
                .prop_map(|(y, m, d)| Answer::Date(format!("{y:04}-{m:02}-{d:02}"))),
            Just(Answer::AskedNone),
            Just(Answer::Declined),
            Just(Answer::UnableToExpress),
            Just(Answer::TakenBack),
        ]
    }

    fn leaves() -> impl Strategy<Value = Leaf> {
        (answers(), any::<u8>(), proptest::option::of(any::<u64>().prop_map(Timestamp))).prop_map(
            |(answer, source, confirmed)| Leaf { answer, heard_from: Source::from_number(source), confirmed },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(leaf in leaves()) {
            prop_assert!(Leaf::from_bytes(&leaf.to_bytes()).unwrap() == leaf);
        }

        #[test]
        fn what_is_read_is_written_again_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(leaf) = Leaf::from_bytes(&bytes) {
                prop_assert!(Leaf::from_bytes(&leaf.to_bytes()).unwrap() == leaf);
            }
        }

        #[test]
        fn two_different_answers_never_read_the_same(
            one in prop::sample::select(vec![Answer::AskedNone, Answer::Declined, Answer::UnableToExpress]),
            two in prop::sample::select(vec![Answer::AskedNone, Answer::Declined, Answer::UnableToExpress]),
        ) {
            prop_assert_eq!(one == two, one.words() == two.words());
            prop_assert!(one.words() != Locale::british_english().say("not-recorded", &[]));
            let words = one.words().to_lowercase();
            prop_assert!(words != "no" && words != "none" && !words.starts_with("no ") && !words.contains("not recorded"));
        }
    }

    #[test]
    fn an_answer_of_the_future_survives() {
        for future in
            [vec![0x82, 0x18, 0x63, 0x01], vec![0xa1, 0x00, 0x01], vec![0xf5], vec![0x86, 0, 1, 2, 3, 4, 5]]
        {
            let mut bytes = vec![0x82];
            bytes.extend_from_slice(&future);
            bytes.push(0x00);
            let leaf = Leaf::from_bytes(&bytes).unwrap();
            assert!(leaf.answer == Answer::Unknown(future));
            assert_eq!(leaf.to_bytes(), bytes);
        }
    }

    #[test]
    fn a_number_beyond_this_version_is_kept_and_not_changed() {
        let bytes = [0x82, 0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00];
        let leaf = Leaf::from_bytes(&bytes).unwrap();
        assert!(matches!(leaf.answer, Answer::Unknown(_)));
        assert_eq!(leaf.to_bytes(), bytes);
    }

    #[test]
    fn words_are_never_empty() {
        assert_eq!(Answer::text(" \n ").err(), Some(LeafError::Empty));
        assert_eq!(Answer::uncoded("").err(), Some(LeafError::Empty));
        assert_eq!(
            Answer::text(&"x".repeat(TEXT_BYTES_MAX + 1)).err(),
            Some(LeafError::TooLong(TEXT_BYTES_MAX + 1))
        );
        let blank = Leaf::new(Answer::Text("  ".into()), Source::Person).to_bytes();
        assert_eq!(Leaf::from_bytes(&blank).err(), Some(LeafError::Empty));
        assert_eq!(Answer::date("2026-02-30").err(), Some(LeafError::NotADate));
    }

    #[test]
    fn a_coded_answer_is_short() {
        let home = Answer::from(codes::find(codes::Set::Place, "home").unwrap());
        assert!(Leaf::new(home, Source::Person).to_bytes().len() < 32);
    }

    #[test]
    fn logging_a_leaf_says_nothing_of_it() {
        let leaf = Leaf::new(Answer::text("secret").unwrap(), Source::Proxy);
        assert_eq!(format!("{leaf:?}"), "Leaf(text, Proxy)");
    }
}
