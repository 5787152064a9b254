//! Shape: is this key one of the plan's, and is this an answer to it? Who may give it is [`super::authority`]'s matter.

use std::collections::BTreeMap;

use bedside_protocol::cbor::{self, CborError};
use minicbor::{Decoder, Encoder};

use super::codes;
use super::dates::Partial;
use super::leaf::{Answer, Coded, Leaf, LeafError};
use super::locale::{Message, said_in_english};
use super::nhs_number::{NhsNumber, NhsNumberError};
use super::schema::{self, Field, Kind, Part, Section};
use crate::limits::{DRAFT_EDITS_MAX, TEXT_BYTES_MAX};

/// What somebody wants to write under a key.
#[derive(Clone, Copy)]
pub enum Given<'a> {
    /// A value.
    Leaf(&'a Leaf),
    /// The whole new text of a field that merges as text.
    Text(&'a str),
}

/// Why an edit or a decision does not fit the plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// No field has this key.
    UnknownField(String),
    /// The field is written with its section's decision, or the other way round.
    WrongPlace {
        /// The key.
        key: String,
        /// True when it belongs in a decision and was edited alone.
        decided: bool,
    },
    /// A text where a value belongs, or the other way round.
    WrongKind {
        /// The key.
        key: String,
        /// What fits.
        wanted: Wanted,
    },
    /// A code that is not in the field's set.
    NotInSet {
        /// The key.
        key: String,
        /// The field's set.
        set: codes::Set,
    },
    /// Over [`TEXT_BYTES_MAX`].
    TooLong(usize),
    /// An empty answer, or a date that does not exist.
    Leaf {
        /// The key.
        key: String,
        /// What is wrong with it.
        #[source]
        source: LeafError,
    },
    /// The NHS number is wrong.
    NhsNumber(#[from] NhsNumberError),
    /// No such section, or one that is not decided.
    NotADecision(u8),
    /// A decision that does not say what it is about: the field that says it.
    Incomplete(&'static str),
    /// A decision that says nothing.
    Empty,
    /// Too many fields at once.
    TooMany(usize),
    /// The content of a decision cannot be read.
    Content(#[from] CborError),
}

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// What its kind is.
    Kind(Kind),
    /// One value.
    Value,
    /// That it was asked, declined, or could not be expressed.
    Exception,
    /// An answer of a kind that this version knows.
    Known,
}

said_in_english!(ShapeError);

impl ShapeError {
    /// For people.
    #[must_use]
    pub fn message(&self) -> Message {
        match self {
            Self::UnknownField(key) => Message::new("shape-unknown-field").with("key", key),
            Self::WrongPlace { key, decided: true } => {
                Message::new("shape-part-of-decision").with("key", key)
            }
            Self::WrongPlace { key, decided: false } => {
                Message::new("shape-not-of-decision").with("key", key)
            }
            Self::WrongKind { key, wanted } => wanted.message().with("key", key),
            Self::NotInSet { key, set } => {
                Message::new("shape-not-in-set").with("key", key).with("choices", choices(*set))
            }
            Self::TooLong(bytes) => {
                Message::new("shape-text-too-long").with("bytes", *bytes).with("most", TEXT_BYTES_MAX)
            }
            Self::Leaf { key, source } => {
                Message::new("shape-answer").with("key", key).with("why", source.message())
            }
            Self::NhsNumber(source) => source.message(),
            Self::NotADecision(number) => {
                Message::new("shape-not-a-decision").with("number", usize::from(*number))
            }
            Self::Incomplete(key) => Message::new("shape-incomplete").with("key", *key),
            Self::Empty => Message::new("shape-empty"),
            Self::TooMany(count) => {
                Message::new("shape-too-many").with("count", *count).with("most", DRAFT_EDITS_MAX)
            }
            Self::Content(_) => Message::new("shape-content"),
        }
    }
}

impl Wanted {
    fn message(self) -> Message {
        match self {
            Self::Value => Message::new("shape-wants-value"),
            Self::Exception => Message::new("shape-wants-exception"),
            Self::Known => Message::new("shape-wants-known"),
            Self::Kind(Kind::Text) => Message::new("shape-wants-text"),
            Self::Kind(Kind::Line) => Message::new("shape-wants-words"),
            Self::Kind(Kind::One(set)) => Message::new("shape-wants-choice").with("choices", choices(set)),
            Self::Kind(Kind::Date) => Message::new("shape-wants-date"),
            Self::Kind(Kind::Number { min, max, step }) => {
                let message = match step {
                    1 => Message::new("shape-wants-whole"),
                    _ => Message::new("shape-wants-step").with("step", step.to_string()),
                };
                message.with("min", min.to_string()).with("max", max.to_string())
            }
        }
    }
}

/// The tokens of a set.
fn choices(set: codes::Set) -> String {
    codes::of(set).map(|code| code.token).collect::<Vec<_>>().join(", ")
}

/// Checks one edit of the log's document.
pub fn check_edit(key: &str, given: Given<'_>) -> Result<&'static Field, ShapeError> {
    let (field, part) = schema::field(key).ok_or_else(|| ShapeError::UnknownField(key.to_owned()))?;
    if field.section.is_decision() {
        return Err(ShapeError::WrongPlace { key: key.to_owned(), decided: true });
    }
    match (given, part, field.kind) {
        (Given::Text(text), Part::Main, Kind::Text) if text.len() > TEXT_BYTES_MAX => {
            Err(ShapeError::TooLong(text.len()))
        }
        (Given::Text(_), Part::Main, Kind::Text) => Ok(field),
        (Given::Leaf(leaf), Part::Answer, _) => match leaf.answer {
            Answer::AskedNone | Answer::Declined | Answer::UnableToExpress | Answer::TakenBack => Ok(field),
            _ => Err(wrong_kind(key, Wanted::Exception)),
        },
        (Given::Leaf(_), _, Kind::Text) => Err(wrong_kind(key, Wanted::Kind(Kind::Text))),
        (Given::Text(_), ..) => Err(wrong_kind(key, Wanted::Value)),
        (Given::Leaf(leaf), ..) => check_leaf(key, field, leaf).map(|()| field),
    }
}

fn check_leaf(key: &str, field: &Field, leaf: &Leaf) -> Result<(), ShapeError> {
    leaf.answer.check().map_err(|source| ShapeError::Leaf { key: key.to_owned(), source })?;
    match (&leaf.answer, field.kind) {
        (Answer::AskedNone | Answer::Declined | Answer::UnableToExpress | Answer::TakenBack, _) => Ok(()),
        (Answer::Unknown(_), _) => Err(wrong_kind(key, Wanted::Known)),
        (Answer::Text(text), Kind::Line | Kind::Text) if field.key == "identity.nhs_number" => {
            NhsNumber::parse(text).map(|_| ()).map_err(ShapeError::from)
        }
        (Answer::Text(_) | Answer::Coded(_), Kind::Line | Kind::Text) | (Answer::Date(_), Kind::Date) => {
            Ok(())
        }
        (Answer::Coded(coded), Kind::One(set)) => check_code(key, set, coded),
        (Answer::Number(number), Kind::Number { min, max, step }) => {
            if (min..=max).contains(number) && (number - min) % step == 0 {
                Ok(())
            } else {
                Err(wrong_kind(key, Wanted::Kind(field.kind)))
            }
        }
        _ => Err(wrong_kind(key, Wanted::Kind(field.kind))),
    }
}

fn check_code(key: &str, set: codes::Set, coded: &Coded) -> Result<(), ShapeError> {
    let known = |code: &codes::Code| {
        Some(code.code) == coded.code.as_deref() && Some(code.system.uri()) == coded.system.as_deref()
    };
    if coded.code.is_none() && coded.system.is_none() || codes::of(set).any(known) {
        return Ok(());
    }
    Err(ShapeError::NotInSet { key: key.to_owned(), set })
}

fn wrong_kind(key: &str, wanted: Wanted) -> ShapeError {
    ShapeError::WrongKind { key: key.to_owned(), wanted }
}

/// Reads what a person typed or chose as an answer to a field: a choice by its token, code or words; a date; a number;
/// else words.
pub fn read_answer(field: &Field, said: &str) -> Result<Answer, ShapeError> {
    let key = || field.key.to_owned();
    let leaf = |source| ShapeError::Leaf { key: key(), source };
    match field.kind {
        Kind::One(set) => match codes::find(set, said) {
            Some(code) => Ok(Answer::from(code)),
            None => choice_in_words(set, said).map_err(leaf),
        },
        Kind::Date => Answer::date(said).map_err(leaf),
        Kind::Number { .. } => said
            .trim()
            .parse()
            .map(Answer::Number)
            .map_err(|_| wrong_kind(field.key, Wanted::Kind(field.kind))),
        Kind::Line | Kind::Text => Answer::text(said).map_err(leaf),
    }
}

/// `token: words` is the choice with words of its own, such as a condition; anything else is words alone.
fn choice_in_words(set: codes::Set, said: &str) -> Result<Answer, LeafError> {
    let split =
        said.split_once(':').and_then(|(token, words)| Some((codes::find(set, token)?, words.trim())));
    match split {
        Some((code, words)) if !words.is_empty() => Ok(Answer::Coded(Coded {
            code: Some(code.code.to_owned()),
            system: Some(code.system.uri().to_owned()),
            display: Some(code.display.to_owned()),
            text: words.to_owned(),
        })),
        _ => Answer::uncoded(said),
    }
}

/// Checks a decision that is about to be written: every field belongs to the section, and what it is about is there.
/// A decision that only endorses another has no content to check.
pub fn check_decision(section: u8, content: &[u8]) -> Result<BTreeMap<String, Leaf>, ShapeError> {
    let section_ = Section::from_number(section).filter(|section| section.is_decision());
    let section = section_.ok_or(ShapeError::NotADecision(section))?;
    let fields = decode_decision(content)?;
    if fields.len() > DRAFT_EDITS_MAX {
        return Err(ShapeError::TooMany(fields.len()));
    }
    for (key, leaf) in &fields {
        let (field, part) = schema::field(key).ok_or_else(|| ShapeError::UnknownField(key.clone()))?;
        if field.section != section || part != Part::Main {
            return Err(ShapeError::WrongPlace { key: key.clone(), decided: false });
        }
        if leaf.answer == Answer::TakenBack {
            return Err(wrong_kind(key, Wanted::Kind(field.kind)));
        }
        check_leaf(key, field, leaf)?;
    }
    let needed = match section {
        Section::Cpr => Some("cpr.decision"),
        Section::AfterDeath if !fields.contains_key("death.in_error") => Some("death.date"),
        _ => None,
    };
    match needed.filter(|key| !fields.contains_key(*key)) {
        Some(key) => Err(ShapeError::Incomplete(key)),
        None if fields.is_empty() => Err(ShapeError::Empty),
        None => Ok(fields),
    }
}

/// The day of death that a decision on section 19 records; `None` when it takes an earlier record back.
#[must_use]
pub fn death_of(content: &[u8]) -> Option<Partial> {
    let fields = decode_decision(content).ok()?;
    match fields.get("death.date").map(|leaf| &leaf.answer) {
        Some(Answer::Date(iso)) if !fields.contains_key("death.in_error") => Partial::parse(iso),
        _ => None,
    }
}

/// The one encoding of a decision's fields.
#[must_use]
pub fn encode_decision(fields: &BTreeMap<String, Leaf>) -> Vec<u8> {
    let mut pairs: Vec<(Vec<u8>, &Leaf)> =
        fields.iter().map(|(key, leaf)| (cbor::encode(key), leaf)).collect();
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut content = Vec::new();
    let count = u64::try_from(pairs.len()).expect("a map in memory is countable");
    Encoder::new(&mut content).map(count).expect("writing into a Vec has no way to fail");
    for (key, leaf) in pairs {
        content.extend_from_slice(&key);
        content.extend_from_slice(&leaf.to_bytes());
    }
    content
}

/// Reads a decision's fields, those of newer versions included. An empty content has none.
pub fn decode_decision(content: &[u8]) -> Result<BTreeMap<String, Leaf>, ShapeError> {
    if content.is_empty() {
        return Ok(BTreeMap::new());
    }
    cbor::check(content)?;
    let shape = |error: minicbor::decode::Error| CborError::Shape(error.to_string());
    let mut decoder = Decoder::new(content);
    let count = decoder.map().map_err(shape)?.unwrap_or(0);
    let mut fields = BTreeMap::new();
    for _ in 0..count {
        let key = decoder.str().map_err(shape)?.to_owned();
        let start = decoder.position();
        decoder.skip().map_err(shape)?;
        let leaf = Leaf::from_bytes(&content[start..decoder.position()]);
        let leaf = leaf.map_err(|source| ShapeError::Leaf { key: key.clone(), source })?;
        fields.insert(key, leaf);
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::leaf::Source;
    use super::*;

    fn leaf(answer: Answer) -> Leaf {
        Leaf::new(answer, Source::Person)
    }

    fn checked(key: &str, said: &str) -> Result<&'static Field, ShapeError> {
        let (field, _) = schema::field(key).ok_or_else(|| ShapeError::UnknownField(key.into()))?;
        check_edit(key, Given::Leaf(&leaf(read_answer(field, said)?)))
    }

    #[test]
    fn an_answer_fits_its_question() {
        assert!(checked("preferences.place_of_death_1", "home").is_ok());
        assert!(
            checked("preferences.place_of_death_1", "my sister's garden").is_ok(),
            "words in place of a code"
        );
        assert!(checked("identity.born", "1940-01-01").is_ok());
        assert!(checked("function/00000000000000aa/akps", "40").is_ok());
        assert!(check_edit("wishes.about_me", Given::Text("")).is_ok());
        assert!(check_edit("wishes.about_me.answer", Given::Leaf(&leaf(Answer::Declined))).is_ok());
        assert!(check_edit("identity.born", Given::Leaf(&leaf(Answer::AskedNone))).is_ok());
    }

    #[test]
    fn an_answer_that_does_not_fit_is_refused_with_what_would() {
        let refused = |key, said| checked(key, said).unwrap_err().to_string();
        expect_test::expect!["there is no field wishes.colour; list the fields with `bedside plan fields`"]
            .assert_eq(&refused("wishes.colour", "red"));
        expect_test::expect!["function/00000000000000aa/akps takes a number from 0 to 100 in steps of 10"]
            .assert_eq(&refused("function/00000000000000aa/akps", "45"));
        expect_test::expect!["identity.born: not a date; write 2026-11-22, 2026-11 or 2026"]
            .assert_eq(&refused("identity.born", "1 May 1940"));
        expect_test::expect!["cpr.decision is part of a decision; record the whole decision"]
            .assert_eq(&refused("cpr.decision", "recommended"));
        expect_test::expect!["wishes.about_me takes text"].assert_eq(&refused("wishes.about_me", "Jo"));
        expect_test::expect![
            "this is not a valid NHS number: its last digit does not fit the others; check each digit"
        ]
        .assert_eq(&refused("identity.nhs_number", "9111111124"));
        let foreign = leaf(Answer::from(codes::find(codes::Set::Cpr, "recommended").unwrap()));
        let error = check_edit("identity.gender", Given::Leaf(&foreign)).unwrap_err().to_string();
        expect_test::expect![
            "identity.gender has no choice with this code; choose one of male, female, indeterminate, or write it in words"
        ]
        .assert_eq(&error);
        let long = "x".repeat(TEXT_BYTES_MAX + 1);
        assert_eq!(
            check_edit("wishes.about_me", Given::Text(&long)).err(),
            Some(ShapeError::TooLong(long.len()))
        );
    }

    #[test]
    fn a_choice_is_found_by_its_token_with_spaces_too() {
        let (field, _) = schema::field("cpr.decision").unwrap();
        for said in ["not-recommended", "not recommended", " Not  Recommended ", "CPR not recommended"] {
            let answer = read_answer(field, said).unwrap();
            assert!(matches!(answer, Answer::Coded(Coded { code: Some(_), .. })), "{said}");
        }
        let words = read_answer(field, "not recommended after Friday").unwrap();
        assert!(matches!(words, Answer::Coded(Coded { code: None, .. })), "words stay words");
    }

    #[test]
    fn a_choice_may_carry_its_condition() {
        let (field, _) = schema::field("escalation.hospital").unwrap();
        let answer = read_answer(field, "conditional: only for a broken hip").unwrap();
        assert_eq!(answer.words(), "Conditional: only for a broken hip");
        let content = encode_decision(&BTreeMap::from([("escalation.hospital".to_owned(), leaf(answer))]));
        assert!(check_decision(Section::Escalation.number(), &content).is_ok());
    }

    #[test]
    fn a_decision_is_whole_and_of_one_section() {
        let choice = |set, token| leaf(Answer::from(codes::find(set, token).unwrap()));
        let cpr = ("cpr.decision".to_owned(), choice(codes::Set::Cpr, "not-recommended"));
        let reason = ("cpr.reason".to_owned(), leaf(Answer::text("Would not work").unwrap()));
        let focus = ("escalation.focus".to_owned(), choice(codes::Set::Focus, "comfort"));
        let check = |section: Section, fields: &[&(String, Leaf)]| {
            let fields = fields.iter().map(|&field| field.clone()).collect();
            check_decision(section.number(), &encode_decision(&fields)).map(|fields| fields.len())
        };
        assert_eq!(check(Section::Cpr, &[&cpr, &reason]), Ok(2));
        assert_eq!(check(Section::Cpr, &[&reason]), Err(ShapeError::Incomplete("cpr.decision")));
        assert_eq!(check(Section::Prognosis, &[]), Err(ShapeError::Empty));
        assert!(matches!(
            check(Section::Cpr, &[&cpr, &focus]),
            Err(ShapeError::WrongPlace { decided: false, .. })
        ));
        assert_eq!(check(Section::Contacts, &[]), Err(ShapeError::NotADecision(3)));
        assert!(matches!(check_decision(20, &[0xa0]), Err(ShapeError::NotADecision(20))));
    }

    #[test]
    fn a_decision_of_a_newer_version_can_be_shown_but_not_written() {
        let fields = BTreeMap::from([
            ("cpr.decision".to_owned(), leaf(Answer::from(codes::find(codes::Set::Cpr, "unknown").unwrap()))),
            ("cpr.new_field".to_owned(), leaf(Answer::Unknown(vec![0xf5]))),
        ]);
        let content = encode_decision(&fields);
        assert!(decode_decision(&content).is_ok_and(|read| read == fields));
        assert!(matches!(check_decision(14, &content), Err(ShapeError::UnknownField(_))));
    }

    proptest! {
        #[test]
        fn a_decision_is_read_as_it_was_written(keys in proptest::collection::btree_set("[a-z./]{1,40}", 0..30)) {
            let fields: BTreeMap<String, Leaf> =
                keys.into_iter().map(|key| (key.clone(), leaf(Answer::Text(key)))).collect();
            let content = encode_decision(&fields);
            prop_assert!(cbor::check(&content).is_ok());
            prop_assert!(decode_decision(&content).unwrap() == fields);
        }

        #[test]
        fn any_content_is_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = check_decision(14, &bytes);
        }
    }
}
