//! Sentences and labels in the reader's language: messages of [Project Fluent](https://projectfluent.org), one folder of
//! `core/locales` for each language.
//!
//! Fields, sections and codes are labelled in the tables that define them, in British English. A language overrides such a
//! label by a message that is named after it: `field-cpr-decision`, `section-cpr`, `code-cpr-not-recommended`.

use std::fmt;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

use super::codes::{Code, Set};
use super::schema::{Field, Section};

const BRITISH_ENGLISH: [&str; 3] = [
    include_str!("../../locales/en-GB/page.ftl"),
    include_str!("../../locales/en-GB/alerts.ftl"),
    include_str!("../../locales/en-GB/person.ftl"),
];

/// One language's messages. Shared between threads.
pub struct Locale {
    tag: String,
    bundle: FluentBundle<FluentResource>,
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
    /// Other messages.
    Messages(Vec<&'static str>),
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
    pub fn british_english() -> &'static Self {
        static LOCALE: LazyLock<Locale> = LazyLock::new(|| {
            Locale::new("en-GB", &BRITISH_ENGLISH).expect("the messages are read by every test")
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
        self.format(id, None, args).unwrap_or_else(|| self.in_english(id, None, args))
    }

    /// What a message says that is to be done.
    pub(super) fn action(&self, id: &str, args: Args<'_>) -> String {
        self.format(id, Some("action"), args).unwrap_or_else(|| self.in_english(id, Some("action"), args))
    }

    /// The first of some messages that this language has, or words.
    pub(super) fn label<'a>(&self, ids: impl IntoIterator<Item = &'a str>, otherwise: &str) -> String {
        ids.into_iter().find_map(|id| self.format(id, None, &[])).unwrap_or_else(|| otherwise.to_owned())
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

    /// Every message in Greek letters, and every label of the tables too: what is said in others stands outside the messages.
    #[cfg(test)]
    pub(super) fn pseudo() -> Self {
        use super::{codes::CODES, schema::FIELDS};
        use bedside_protocol::statement::Role;
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
        let roles = Role::ALL.map(|role| format!("role-{0} = {0}\n", role.name()));
        let tables: String = labels.chain(titles).chain(codes).chain(roles).collect();
        let english = BRITISH_ENGLISH.map(|source| {
            source.lines().filter(|line| !line.starts_with("role-")).collect::<Vec<_>>().join("\n")
        });
        let mut locale = Self::new("el", &[&tables, &english[0], &english[1], &english[2]]).unwrap();
        locale.bundle.set_transform(Some(greek));
        locale
    }

    fn in_english(&self, id: &str, attribute: Option<&str>, args: Args<'_>) -> String {
        let english = Self::british_english();
        let said = if std::ptr::eq(self, english) { None } else { english.format(id, attribute, args) };
        debug_assert!(said.is_some(), "no message {id}");
        said.unwrap_or_else(|| id.to_owned())
    }

    fn format(&self, id: &str, attribute: Option<&str>, args: Args<'_>) -> Option<String> {
        let message = self.bundle.get_message(id)?;
        let pattern = match attribute {
            None => message.value()?,
            Some(name) => message.get_attribute(name)?.value(),
        };
        let mut values = FluentArgs::with_capacity(args.len());
        for (name, arg) in args {
            values.set(*name, self.value(arg));
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
            Arg::Messages(ids) => {
                ids.iter().map(|id| self.say(id, &[])).collect::<Vec<_>>().join(", ").into()
            }
        }
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

impl From<usize> for Arg {
    fn from(count: usize) -> Self {
        Self::Count(count)
    }
}
