//! Sentences and labels in the reader's language: messages of [Project Fluent](https://projectfluent.org), one folder of
//! `core/locales` for each language.
//!
//! Fields, sections and codes are labelled in the tables that define them, in British English. A language overrides such a
//! label by a message that is named after it: `field-cpr-decision`, `section-cpr`, `code-cpr-not-recommended`.

use std::fmt;
use std::sync::{Arc, LazyLock};

use bedside_protocol::statement::Role;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

use super::codes::{self, Code, Set};
use super::dates::Partial;
use super::leaf::{Answer, Coded};
use super::schema::{Field, Kind, Section};

const BRITISH_ENGLISH: [&str; 6] = [
    include_str!("../../locales/en-GB/page.ftl"),
    include_str!("../../locales/en-GB/alerts.ftl"),
    include_str!("../../locales/en-GB/person.ftl"),
    include_str!("../../locales/en-GB/history.ftl"),
    include_str!("../../locales/en-GB/lists.ftl"),
    include_str!("../../locales/en-GB/rules.ftl"),
];

/// One language's messages. Shared between threads.
pub struct Locale {
    tag: String,
    bundle: FluentBundle<FluentResource>,
}

/// A sentence before it is said: the name of a message, and what the message is told. Kept like this wherever it is kept, and
/// said when it is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    id: &'static str,
    args: Vec<(&'static str, Arg)>,
}

/// What a message is told: by the name that it has in the message.
pub type Args<'a> = &'a [(&'static str, Arg)];

/// One thing that a message is told.
#[derive(Clone, PartialEq, Eq)]
pub enum Arg {
    /// Words as they are: somebody's, or a token that the message chooses by.
    Words(String),
    /// How many.
    Count(usize),
    /// Titles of sections.
    Sections(Vec<Section>),
    /// The label of a field.
    Field(&'static Field),
    /// What somebody is to a plan.
    Role(Role),
    /// An answer, and the field that it is an answer to, where that is known.
    Answer(Option<&'static Field>, Answer),
    /// Other messages.
    Messages(Vec<Message>),
}

/// Why messages cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocaleError {
    /// Not a language tag (BCP 47).
    #[error("{0} is not a language tag")]
    Tag(String),
    /// Not Fluent's syntax.
    #[error("the messages of {0} cannot be read: {1}")]
    Syntax(String, String),
    /// A message is there twice.
    #[error("the messages of {0}: {1}")]
    Twice(String, String),
}

impl Locale {
    /// The language that is always there.
    #[must_use]
    pub fn british_english() -> &'static Arc<Self> {
        static LOCALE: LazyLock<Arc<Locale>> = LazyLock::new(|| {
            Arc::new(Locale::new("en-GB", &BRITISH_ENGLISH).expect("the messages are read by every test"))
        });
        &LOCALE
    }

    /// A language of these messages; what they lack is said in British English.
    pub fn new(tag: &str, sources: &[&str]) -> Result<Self, LocaleError> {
        let id = tag.parse().map_err(|_| LocaleError::Tag(tag.to_owned()))?;
        let mut bundle = FluentBundle::new_concurrent(vec![id]);
        // The marks that keep directions apart would be copied and searched with the words.
        bundle.set_use_isolating(false);
        for source in sources {
            let resource = FluentResource::try_new((*source).to_owned())
                .map_err(|(_, errors)| LocaleError::Syntax(tag.to_owned(), format!("{errors:?}")))?;
            bundle
                .add_resource(resource)
                .map_err(|errors| LocaleError::Twice(tag.to_owned(), format!("{errors:?}")))?;
        }
        Ok(Self { tag: tag.to_owned(), bundle })
    }

    /// The language tag (BCP 47).
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// True when it can say a message.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.bundle.has_message(id) || Self::british_english().bundle.has_message(id)
    }

    /// A message.
    #[must_use]
    pub fn say(&self, id: &str, args: Args<'_>) -> String {
        self.format(id, None, args, self).unwrap_or_else(|| self.in_english(id, None, args))
    }

    /// What a message says that is to be done.
    pub(super) fn action(&self, id: &str, args: Args<'_>) -> String {
        self.format(id, Some("action"), args, self)
            .unwrap_or_else(|| self.in_english(id, Some("action"), args))
    }

    /// The first of some messages that this language has, or words.
    pub(super) fn label<'a>(&self, ids: impl IntoIterator<Item = &'a str>, otherwise: &str) -> String {
        ids.into_iter()
            .find_map(|id| self.format(id, None, &[], self))
            .unwrap_or_else(|| otherwise.to_owned())
    }

    /// The title of a section.
    #[must_use]
    pub fn section(&self, section: Section) -> String {
        self.label([section_id(section).as_str()], section.title())
    }

    /// The label of a field.
    #[must_use]
    pub fn field(&self, field: &Field) -> String {
        self.label([field_id(field).as_str()], field.label)
    }

    /// What somebody is to a plan.
    #[must_use]
    pub fn role(&self, role: Role) -> String {
        let name = role.name();
        self.label([format!("role-{name}").as_str()], name)
    }

    /// The words of a code.
    #[must_use]
    pub fn code(&self, code: &Code) -> String {
        self.label([code_id(code).as_str()], code.display)
    }

    /// An answer to a field in words.
    #[must_use]
    pub fn answer(&self, field: Option<&Field>, answer: &Answer) -> String {
        match answer {
            Answer::Coded(coded) => self.coded(field, coded),
            Answer::Text(text) => text.clone(),
            Answer::Date(iso) => Partial::parse(iso).map_or_else(|| iso.clone(), Partial::show),
            Answer::Number(number) => number.to_string(),
            Answer::AskedNone
            | Answer::Declined
            | Answer::UnableToExpress
            | Answer::TakenBack
            | Answer::Unknown(_) => self.say(&format!("answer-{}", answer.kind()), &[]),
        }
    }

    fn coded(&self, field: Option<&Field>, coded: &Coded) -> String {
        let known = field.and_then(|field| code_of(field, coded.code.as_deref()?));
        let words = |display: &str| known.map_or_else(|| display.to_owned(), |code| self.code(code));
        match (&coded.display, known) {
            (Some(display), _) => {
                let told = [("answer", words(display).into()), ("words", (&coded.text).into())];
                self.say("answer-with-words", &told)
            }
            (None, Some(code)) if code.display == coded.text => self.code(code),
            (None, _) => coded.text.clone(),
        }
    }

    /// Every message in Greek letters, and every label of the tables too: what is said in others stands outside the messages.
    #[cfg(test)]
    pub(super) fn pseudo() -> Self {
        use super::{codes::CODES, schema::FIELDS};
        use std::borrow::Cow;

        fn greek(text: &str) -> Cow<'_, str> {
            let greek = |c: char| match c {
                'a'..='z' | 'A'..='Z' => char::from_u32(c.to_ascii_lowercase() as u32 + 0x350).unwrap_or(c),
                c => c,
            };
            text.chars().map(greek).collect::<String>().into()
        }
        let labels = FIELDS.iter().map(|field| format!("{} = {}\n", field_id(field), field.label));
        let titles = Section::ALL.map(|section| format!("{} = {}\n", section_id(section), section.title()));
        let codes = CODES.iter().map(|code| format!("{} = {}\n", code_id(code), code.display));
        let roles = Role::ALL.map(|role| format!("{}{} = {}\n", "role-", role.name(), role.name()));
        let tables: String = labels.chain(titles).chain(codes).chain(roles).collect();
        let english = BRITISH_ENGLISH.map(|source| {
            source.lines().filter(|line| !line.starts_with("role-")).collect::<Vec<_>>().join("\n")
        });
        let sources: Vec<&str> =
            [tables.as_str()].into_iter().chain(english.iter().map(String::as_str)).collect();
        let mut locale = Self::new("el", &sources).unwrap();
        locale.bundle.set_transform(Some(greek));
        locale
    }

    /// The sentence in English, its labels and answers in this language.
    fn in_english(&self, id: &str, attribute: Option<&str>, args: Args<'_>) -> String {
        let english = &**Self::british_english();
        let said = if std::ptr::eq(self, english) { None } else { english.format(id, attribute, args, self) };
        debug_assert!(said.is_some(), "no message {id}");
        said.unwrap_or_else(|| id.to_owned())
    }

    fn format(&self, id: &str, attribute: Option<&str>, args: Args<'_>, speaker: &Self) -> Option<String> {
        let message = self.bundle.get_message(id)?;
        let pattern = match attribute {
            None => message.value()?,
            Some(name) => message.get_attribute(name)?.value(),
        };
        let mut values = FluentArgs::with_capacity(args.len());
        for (name, arg) in args {
            values.set(*name, speaker.value(arg));
        }
        let mut errors = Vec::new();
        let said = self.bundle.format_pattern(pattern, Some(&values), &mut errors).into_owned();
        debug_assert!(errors.is_empty(), "{id}: {errors:?}");
        Some(said)
    }

    fn value<'a>(&self, arg: &'a Arg) -> FluentValue<'a> {
        match arg {
            Arg::Words(words) => words.as_str().into(),
            Arg::Count(count) => (*count).into(),
            Arg::Sections(sections) => {
                let titles: Vec<String> = sections.iter().map(|section| self.section(*section)).collect();
                titles.join("; ").into()
            }
            Arg::Field(field) => self.field(field).into(),
            Arg::Role(role) => self.role(*role).into(),
            Arg::Answer(field, answer) => self.answer(*field, answer).into(),
            Arg::Messages(messages) => {
                messages.iter().map(|message| message.say(self)).collect::<Vec<_>>().join(", ").into()
            }
        }
    }
}

impl Message {
    /// A message that is told nothing.
    #[must_use]
    pub const fn new(id: &'static str) -> Self {
        Self { id, args: Vec::new() }
    }

    /// The same, told something more.
    #[must_use]
    pub fn with(mut self, name: &'static str, arg: impl Into<Arg>) -> Self {
        self.args.push((name, arg.into()));
        self
    }

    /// Words, a label or an answer as they are, without a sentence around them.
    #[must_use]
    pub fn just(what: impl Into<Arg>) -> Self {
        Self::new("just").with("what", what)
    }

    /// In a language.
    #[must_use]
    pub fn say(&self, locale: &Locale) -> String {
        locale.say(self.id, &self.args)
    }

    /// In British English, for errors and logs.
    #[must_use]
    pub fn in_english(&self) -> String {
        self.say(Locale::british_english())
    }
}

/// `Debug` names the message, and nothing of what it is told.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({})", self.id)
    }
}

/// `Display` of what has a message: in British English, for errors and logs.
macro_rules! said_in_english {
    ($type:ty) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.message().in_english())
            }
        }
    };
}

pub(crate) use said_in_english;

/// The known answer that a field's set has under a code.
pub(super) fn code_of(field: &Field, code: &str) -> Option<&'static Code> {
    match field.kind {
        Kind::One(set) => codes::of(set).find(|known| known.code == code),
        _ => None,
    }
}

/// The message that overrides a field's label.
pub(super) fn field_id(field: &Field) -> String {
    format!("field-{}", field.key.replace("/*/", "-").replace('.', "-"))
}

/// The message that overrides a section's title.
pub(super) fn section_id(section: Section) -> String {
    format!("section-{}", section.name())
}

/// The message that overrides an answer's words.
pub(super) fn code_id(code: &Code) -> String {
    format!("code-{}-{}", set_name(code.set), code.token)
}

/// `AllergyStatus` is `allergy-status`.
fn set_name(set: Set) -> String {
    let mut name = String::new();
    for letter in format!("{set:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

impl fmt::Debug for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Locale({})", self.tag)
    }
}

impl From<&str> for Arg {
    fn from(words: &str) -> Self {
        Self::Words(words.to_owned())
    }
}

impl From<String> for Arg {
    fn from(words: String) -> Self {
        Self::Words(words)
    }
}

impl From<&String> for Arg {
    fn from(words: &String) -> Self {
        Self::Words(words.clone())
    }
}

impl From<Section> for Arg {
    fn from(section: Section) -> Self {
        Self::Sections(vec![section])
    }
}

impl From<&'static Field> for Arg {
    fn from(field: &'static Field) -> Self {
        Self::Field(field)
    }
}

impl From<Role> for Arg {
    fn from(role: Role) -> Self {
        Self::Role(role)
    }
}

impl From<Message> for Arg {
    fn from(message: Message) -> Self {
        Self::Messages(vec![message])
    }
}

impl From<Vec<Message>> for Arg {
    fn from(messages: Vec<Message>) -> Self {
        Self::Messages(messages)
    }
}

impl From<usize> for Arg {
    fn from(count: usize) -> Self {
        Self::Count(count)
    }
}
