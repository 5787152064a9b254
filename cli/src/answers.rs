//! What is typed, as answers to the plan's fields.

use std::collections::BTreeMap;

use bedside_core::api::{Answer, ApiError, App, Draft, FIELDS, Field, Kind, Leaf, Section, Source};
use bedside_core::plan::check::read_answer;
use bedside_core::plan::codes;
use bedside_core::plan::schema::{self, Class};

use crate::error::CliError;

/// One change as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    Set { key: String, value: String, code: Option<String> },
    Text { key: String, text: String },
    Add { list: String, fields: Vec<String> },
    Decide { section: String, fields: Vec<String>, resolve: bool },
    Disclose { what: String, fields: Vec<String> },
    Endorse { section: String },
}

impl Typed {
    /// Reads one line: a command, then a key and the rest of the line, or `field=value` words.
    pub(crate) fn line(line: &str) -> Result<Self, CliError> {
        let (command, rest) = split(line);
        match command {
            "set" | "text" => {
                let (key, said) = split(rest);
                if key.is_empty() || said.is_empty() {
                    return Err(CliError::usage(format!("write: {command} KEY VALUE")));
                }
                let (key, said) = (key.to_owned(), said.to_owned());
                Ok(if command == "set" {
                    Self::Set { key, value: said, code: None }
                } else {
                    Self::Text { key, text: said }
                })
            }
            "add" | "decide" => {
                let mut words = words(rest)?;
                if words.len() < 2 {
                    let what = if command == "add" { "LIST" } else { "SECTION" };
                    return Err(CliError::usage(format!("write: {command} {what} FIELD=VALUE ...")));
                }
                let name = words.remove(0);
                Ok(if command == "add" {
                    Self::Add { list: name, fields: words }
                } else {
                    Self::Decide { section: name, fields: words, resolve: false }
                })
            }
            _ => Err(CliError::usage("each line begins with set, text, add or decide")),
        }
    }

    /// Puts it into a draft.
    pub(crate) fn apply(&self, draft: &mut Draft<&App>, heard_from: Option<Source>) -> Result<(), CliError> {
        match self {
            Self::Set { key, value, code } => set(draft, key, value, code.as_deref(), heard_from),
            Self::Text { key, text } => {
                field_of(key)?;
                Ok(draft.set_text(key, text)?)
            }
            Self::Add { list, fields } => add(draft, list, fields, heard_from),
            Self::Decide { section, fields, resolve } => {
                let section = section_of(section)?;
                let leaves = decision(draft, section, fields, heard_from)?;
                Ok(draft.decide(section, &leaves, *resolve)?)
            }
            Self::Disclose { what, fields } => match (Section::from_name(what), fields.as_slice()) {
                (Some(section), _) if section.is_decision() => {
                    let changed = decision(draft, section, fields, heard_from)?;
                    Ok(draft.disclose(section, &changed)?)
                }
                (Some(section), _) => Err(CliError::usage(format!(
                    "{} is not decided as a whole; name the field, or LIST/ITEM",
                    section.name()
                ))),
                (None, []) => Ok(draft.disclose_answers(what)?),
                (None, _) => {
                    Err(CliError::usage("fields are changed of a decision only; disclose it, then set them"))
                }
            },
            Self::Endorse { section } => Ok(draft.endorse(section_of(section)?)?),
        }
    }

    /// The fields with choices of which none was named: what was said is kept in its own words.
    pub(crate) fn in_own_words(&self) -> Vec<&'static Field> {
        let in_words = |field: Option<&'static Field>, said: &str| {
            let field =
                field.filter(|field| matches!(field.kind, Kind::One(_)) && unanswered(said).is_none())?;
            matches!(read(field, said), Ok(Answer::Coded(coded)) if coded.code.is_none()).then_some(field)
        };
        let all = |fields: &[String], find: &dyn Fn(&str) -> Option<&'static Field>| {
            let pairs = fields.iter().filter_map(|typed| pair(typed).ok());
            pairs.filter_map(|(name, said)| in_words(find(name), said)).collect()
        };
        match self {
            Self::Set { key, value, code: None } => in_words(field_of(key).ok(), value).into_iter().collect(),
            Self::Add { list, fields } => {
                let named = |field: &Field, name: &str| field.key.rsplit('/').next() == Some(name);
                let of_list = || FIELDS.iter().filter(|field| field.list() == Some(list));
                all(fields, &|name| of_list().find(|field| named(field, name)))
            }
            Self::Decide { section, fields, .. } | Self::Disclose { what: section, fields } => {
                all(fields, &|name| decided_field(section_of(section).ok()?, name).ok())
            }
            _ => Vec::new(),
        }
    }
}

fn set(
    draft: &mut Draft<&App>,
    key: &str,
    value: &str,
    code: Option<&str>,
    heard_from: Option<Source>,
) -> Result<(), CliError> {
    let field = field_of(key)?;
    match (unanswered(value), field.kind) {
        (None, Kind::Text) if !key.ends_with(".answer") => Ok(draft.set_text(key, value)?),
        (Some(_), Kind::Text) if !key.ends_with(".answer") => {
            Ok(draft.set(&format!("{key}.answer"), &leaf(field, value, code, heard_from)?)?)
        }
        _ => Ok(draft.set(key, &leaf(field, value, code, heard_from)?)?),
    }
}

fn add(
    draft: &mut Draft<&App>,
    list: &str,
    fields: &[String],
    heard_from: Option<Source>,
) -> Result<(), CliError> {
    let of_list: Vec<&Field> = FIELDS.iter().filter(|field| field.list() == Some(list)).collect();
    if of_list.is_empty() {
        let lists: Vec<&str> = Section::ALL
            .into_iter()
            .filter(|section| !section.is_decision())
            .flat_map(schema::lists)
            .collect();
        return Err(CliError::usage(format!("there is no list {list}; the lists are {}", lists.join(", "))));
    }
    let item = draft.new_item();
    for typed in fields {
        let (name, value) = pair(typed)?;
        let found = of_list.iter().find(|field| field.key.rsplit('/').next() == Some(name));
        let Some(field) = found else {
            let names: Vec<&str> = of_list.iter().filter_map(|field| field.key.rsplit('/').next()).collect();
            let names = names.join(", ");
            return Err(CliError::usage(format!("an item of {list} has no {name}; it has {names}")));
        };
        draft.set(&field.key_for(&item), &leaf(field, value, None, heard_from)?)?;
    }
    Ok(())
}

/// A decision's fields. In a list, any word may stand for an item; each different word is an item of its own.
fn decision(
    draft: &Draft<&App>,
    section: Section,
    fields: &[String],
    heard_from: Option<Source>,
) -> Result<BTreeMap<String, Leaf>, CliError> {
    let mut items: BTreeMap<String, String> = BTreeMap::new();
    let mut leaves = BTreeMap::new();
    for typed in fields {
        let (name, value) = pair(typed)?;
        let field = decided_field(section, name)?;
        let key = match name.split('/').nth(1) {
            Some(label) => {
                let item = items.entry(label.to_owned()).or_insert_with(|| draft.new_item());
                field.key_for(item)
            }
            None => field.key.to_owned(),
        };
        if leaves.insert(key, leaf(field, value, None, heard_from)?).is_some() {
            return Err(CliError::usage(format!("{name} is given twice")));
        }
    }
    Ok(leaves)
}

/// `decision`, `cpr.decision` or `problem/1/name`.
fn decided_field(section: Section, name: &str) -> Result<&'static Field, CliError> {
    let starred = match name.split('/').collect::<Vec<_>>().as_slice() {
        [list, _, field] => format!("{list}/*/{field}"),
        _ => name.to_owned(),
    };
    let short = |field: &Field| field.key.split_once('.').map(|(_, name)| name) == Some(name);
    let mut of_section = FIELDS.iter().filter(|field| field.section == section);
    of_section.find(|field| field.key == starred || short(field)).ok_or_else(|| {
        let section = section.name();
        CliError::usage(format!("{section} has no {name}; `bedside plan fields {section}` lists its fields"))
    })
}

pub(crate) fn leaf(
    field: &Field,
    said: &str,
    code: Option<&str>,
    heard_from: Option<Source>,
) -> Result<Leaf, CliError> {
    let answer = match (unanswered(said), code) {
        (Some(answer), None) => answer,
        (Some(_), Some(_)) => return Err(CliError::usage(format!("{said} has no code; leave --code away"))),
        (None, None) => read(field, said)?,
        (None, Some(code)) => with_code(field, said, code)?,
    };
    Ok(Leaf::new(answer, heard_from.unwrap_or(usual_source(field))))
}

fn read(field: &Field, said: &str) -> Result<Answer, CliError> {
    read_answer(field, said).map_err(|error| {
        CliError::Api(ApiError::Invalid { what: field.key.to_owned(), why: error.message() })
    })
}

/// The choice that the code names, in the words that were typed.
fn with_code(field: &Field, said: &str, code: &str) -> Result<Answer, CliError> {
    let Kind::One(set) = field.kind else {
        return Err(CliError::usage(format!("{} takes no code", field.key)));
    };
    let Some(found) = codes::find(set, code) else {
        let choices: Vec<String> =
            codes::of(set).map(|code| format!("{} ({})", code.token, code.code)).collect();
        let choices = choices.join(", ");
        return Err(CliError::usage(format!("{} has no choice {code}; choose one of {choices}", field.key)));
    };
    match Answer::from(found) {
        Answer::Coded(coded)
            if !said.eq_ignore_ascii_case(&coded.text) && !said.eq_ignore_ascii_case(found.token) =>
        {
            read(field, &format!("{}: {said}", found.token))
        }
        answer => Ok(answer),
    }
}

/// What can be said of any field instead of an answer.
pub(crate) fn unanswered(said: &str) -> Option<Answer> {
    let unanswered = [Answer::AskedNone, Answer::Declined, Answer::UnableToExpress];
    unanswered.into_iter().find(|answer| answer.kind() == said.trim())
}

/// The person's own words were heard from the person; everything else was seen by whoever writes it.
fn usual_source(field: &Field) -> Source {
    if field.class == Class::P { Source::Person } else { Source::Observed }
}

pub(crate) fn field_of(key: &str) -> Result<&'static Field, CliError> {
    let unknown = || format!("there is no field {key}; `bedside plan fields` lists them");
    schema::field(key).map(|(field, _)| field).ok_or_else(|| CliError::usage(unknown()))
}

pub(crate) fn section_of(name: &str) -> Result<Section, CliError> {
    Section::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = Section::ALL.into_iter().map(Section::name).collect();
        CliError::usage(format!("there is no section {name}; the sections are {}", names.join(", ")))
    })
}

/// What a field takes, in a few words.
pub(crate) fn takes(field: &Field) -> String {
    match field.kind {
        Kind::Text => "text".into(),
        Kind::Line => "words".into(),
        Kind::Date => "date".into(),
        Kind::Number { min, max, step: 1 } => format!("{min} to {max}"),
        Kind::Number { min, max, step } => format!("{min} to {max} by {step}"),
        Kind::One(set) => codes::of(set).map(|code| code.token).collect::<Vec<_>>().join(", "),
    }
}

fn pair(typed: &str) -> Result<(&str, &str), CliError> {
    let wrong = || {
        CliError::usage(format!(
            "{typed}: write FIELD=VALUE, with quotes around a value that has spaces in it"
        ))
    };
    typed
        .split_once('=')
        .filter(|(name, value)| !name.is_empty() && !value.trim().is_empty())
        .ok_or_else(wrong)
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(first, rest)| (first, rest.trim_start()))
}

/// The words of a line, as a shell would part them: quotes keep spaces, a backslash keeps what follows.
pub(crate) fn words(line: &str) -> Result<Vec<String>, CliError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(characters.next()),
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err(CliError::usage("a quote is not closed"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parted_as_in_a_shell() {
        let parted = words(r#"contact name="Anna Smith" phone='01632 960001' notes=don\'t"#).unwrap();
        assert_eq!(parted, ["contact", "name=Anna Smith", "phone=01632 960001", "notes=don't"]);
        assert_eq!(words("  a   b ").unwrap(), ["a", "b"]);
        assert_eq!(words(r#"x="""#).unwrap(), ["x="]);
        assert!(words("a \"b").is_err());
    }

    #[test]
    fn a_line_is_a_change() {
        let line = |text| Typed::line(text).unwrap();
        assert_eq!(
            line("text wishes.about_me I said \"no\"  twice"),
            Typed::Text { key: "wishes.about_me".into(), text: "I said \"no\"  twice".into() }
        );
        assert_eq!(
            line("set identity.born 1940-01-01"),
            Typed::Set { key: "identity.born".into(), value: "1940-01-01".into(), code: None }
        );
        assert_eq!(
            line("add contact name='Anna Smith'"),
            Typed::Add { list: "contact".into(), fields: vec!["name=Anna Smith".into()] }
        );
        for wrong in ["", "set", "set identity.born", "add contact", "decide cpr", "delete everything"] {
            assert!(Typed::line(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_value_that_is_missing_is_asked_for() {
        assert!(pair("name=Anna").is_ok());
        for wrong in ["Smith", "=Anna", "name=", "name= "] {
            assert!(pair(wrong).unwrap_err().to_string().contains("FIELD=VALUE"), "{wrong}");
        }
    }

    #[test]
    fn a_decided_field_is_found_by_its_short_and_its_full_name() {
        let key = |name| decided_field(Section::Cpr, name).map(|field| field.key).ok();
        assert_eq!(key("decision"), Some("cpr.decision"));
        assert_eq!(key("cpr.decision"), Some("cpr.decision"));
        assert_eq!(key("escalation.focus"), None);
        let problem = decided_field(Section::Symptoms, "problem/1/name").unwrap();
        assert_eq!(problem.key, "problem/*/name");
    }

    #[test]
    fn asked_and_not_answered_is_neither_a_no_nor_words() {
        let field = field_of("preferences.place_of_death_1").unwrap();
        let leaf = |said| leaf(field, said, None, None).unwrap().answer;
        assert!(leaf("declined") == Answer::Declined);
        assert!(leaf("asked-none") == Answer::AskedNone);
        assert!(matches!(leaf("home"), Answer::Coded(_)));
        assert!(matches!(leaf("in the garden"), Answer::Coded(coded) if coded.code.is_none()));
    }

    #[test]
    fn a_code_may_carry_words_of_ones_own() {
        let field = field_of("preferences.place_of_death_1").unwrap();
        let said = leaf(field, "her sister's house", Some("other-private-residence"), None).unwrap().answer;
        assert_eq!(said.words(), "Other private residence: her sister's house");
        let error = leaf(field, "x", Some("12345"), None).unwrap_err().to_string();
        assert!(error.contains("choose one of home (home)"), "{error}");
    }

    #[test]
    fn the_persons_words_are_heard_from_the_person_and_the_rest_is_seen() {
        assert_eq!(usual_source(field_of("wishes.priority").unwrap()), Source::Person);
        assert_eq!(usual_source(field_of("allergies.status").unwrap()), Source::Observed);
    }
}
