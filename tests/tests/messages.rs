//! The messages that pages are written in: each exists, each is used, and the person's are easy to read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use bedside_core::plan::codes::CODES;
use bedside_core::plan::locale::Locale;
use bedside_core::plan::schema::{FIELDS, Section};
use bedside_protocol::statement::Role;
use fluent_syntax::ast::{Entry, Expression, InlineExpression, Message, Pattern, PatternElement};
use fluent_syntax::parser;

/// Highest grade (Flesch and Kincaid) that the person's sentences may have together. Grade 5 is read at ten to eleven.
const GRADE_MAX: f64 = 4.0;
/// And each of them alone.
const GRADE_OF_ONE_MAX: f64 = 8.5;
/// Longest sentence for the person, in words.
const SENTENCE_WORDS_MAX: usize = 17;

fn core() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../core")
}

struct Messages {
    /// By name, with the names of what each is told.
    all: BTreeMap<String, BTreeSet<String>>,
    /// Every variant of every message, without what is filled in.
    texts: Vec<(String, String)>,
}

fn messages(folder: &str, file: Option<&str>) -> Messages {
    let mut found = Messages { all: BTreeMap::new(), texts: Vec::new() };
    let files = fs::read_dir(core().join("locales").join(folder)).expect("the folder of a language");
    for path in files.map(|entry| entry.expect("a readable folder").path()) {
        if file.is_some_and(|file| !path.ends_with(file)) {
            continue;
        }
        let source = fs::read_to_string(&path).expect("a text file");
        let resource =
            parser::parse(source).unwrap_or_else(|(_, errors)| panic!("{}: {errors:?}", path.display()));
        for entry in &resource.body {
            match entry {
                Entry::Message(message) => found.add(message),
                Entry::Comment(_) | Entry::GroupComment(_) | Entry::ResourceComment(_) => {}
                _ => panic!("only messages and comments stand in {}", path.display()),
            }
        }
    }
    found
}

impl Messages {
    fn add(&mut self, message: &Message<String>) {
        let mut told = BTreeSet::new();
        let patterns =
            message.value.iter().chain(message.attributes.iter().map(|attribute| &attribute.value));
        for pattern in patterns {
            let texts = variants(pattern, &mut told);
            self.texts.extend(texts.into_iter().map(|text| (message.id.name.clone(), text)));
        }
        assert!(self.all.insert(message.id.name.clone(), told).is_none(), "{} twice", message.id.name);
    }
}

/// The words of each variant of a pattern, and what the pattern is told.
fn variants(pattern: &Pattern<String>, told: &mut BTreeSet<String>) -> Vec<String> {
    let mut texts = vec![String::new()];
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => texts.iter_mut().for_each(|text| *text += value),
            PatternElement::Placeable { expression: Expression::Inline(inline) } => name(inline, told),
            PatternElement::Placeable { expression: Expression::Select { selector, variants: all } } => {
                name(selector, told);
                let each: Vec<String> =
                    all.iter().flat_map(|variant| variants(&variant.value, told)).collect();
                texts = texts
                    .iter()
                    .flat_map(|text| each.iter().map(move |one| format!("{text}{one}")))
                    .collect();
            }
        }
    }
    texts
}

fn name(inline: &InlineExpression<String>, told: &mut BTreeSet<String>) {
    match inline {
        InlineExpression::VariableReference { id } => {
            told.insert(id.name.clone());
        }
        other => panic!("a message is told something by name, and nothing else: {other:?}"),
    }
}

/// The source of everything that says something of a plan, without its tests.
fn source() -> String {
    fn read(folder: &Path, into: &mut String) {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() && !path.ends_with("tests") {
                read(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a text file");
                *into += text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            }
        }
    }
    let mut text = String::new();
    for part in ["src/plan", "src/ledger", "src/api"] {
        read(&core().join(part), &mut text);
    }
    text
}

/// Names that are made of a table's: a label that a language overrides, and the person's own.
fn made_of_tables() -> BTreeSet<String> {
    let field = |key: &str| format!("field-{}", key.replace("/*/", "-").replace('.', "-"));
    let mut names: BTreeSet<String> = FIELDS.iter().map(|known| field(known.key)).collect();
    names.extend(Section::ALL.map(|section| format!("section-{}", section.name())));
    names.extend(Role::ALL.map(|role| format!("role-{}", role.name())));
    for code in CODES {
        let kebab = format!("{:?}", code.set).chars().fold(String::new(), |mut name, c| {
            if c.is_ascii_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(c.to_ascii_lowercase());
            name
        });
        names.insert(format!("code-{kebab}-{}", code.token));
    }
    for kind in
        ["asked-none", "declined", "unable-to-express", "taken-back", "unknown", "damaged", "withheld"]
    {
        names.insert(format!("answer-{kind}"));
    }
    names
}

#[test]
fn every_message_is_used() {
    let (source, tables) = (source(), made_of_tables());
    let quoted = |name: &str| source.contains(&format!("\"{name}\""));
    let used =
        |name: &str| quoted(name) || tables.contains(name) || name.strip_prefix("alert-").is_some_and(quoted);
    let unused: Vec<String> = messages("en-GB", None)
        .all
        .into_keys()
        .filter(|name| !used(name) && !name.strip_prefix("person-").is_some_and(used))
        .collect();
    assert!(unused.is_empty(), "no page says {unused:?}");
}

#[test]
fn every_message_that_is_said_exists() {
    let (source, all) = (source(), messages("en-GB", None).all);
    let mut said = BTreeSet::new();
    for before in [
        ".say(\"",
        ".mark(\"",
        "Message::new(\"",
        "refused(\"",
        "malformed(\"",
        "alerts.danger(\"",
        "alerts.warn(\"",
        "alerts.note(\"",
    ] {
        for (at, _) in source.match_indices(before) {
            let name = source[at + before.len()..].split('"').next().unwrap();
            match before {
                ".mark(\"" => continue,
                _ if before.starts_with("alerts.") => said.insert(format!("alert-{name}")),
                _ => said.insert(name.to_owned()),
            };
        }
    }
    assert!(said.len() > 160, "the source is not written as this test reads it: {said:?}");
    let missing: Vec<&String> = said.iter().filter(|name| !all.contains_key(*name)).collect();
    assert!(missing.is_empty(), "no message {missing:?}");
}

#[test]
fn what_the_person_is_told_instead_needs_nothing_that_the_other_message_is_not_told() {
    let all = messages("en-GB", None).all;
    for (name, told) in &all {
        if let Some(usual) = name.strip_prefix("person-").and_then(|usual| all.get(usual)) {
            assert!(told.is_subset(usual), "{name} is told {usual:?}");
        }
    }
}

#[test]
fn every_other_language_has_no_message_that_english_lacks_and_is_told_the_same() {
    let english = messages("en-GB", None).all;
    for entry in fs::read_dir(core().join("locales")).unwrap() {
        let folder = entry.unwrap().file_name().into_string().unwrap();
        for (name, told) in messages(&folder, None).all {
            let usual = english.get(&name).unwrap_or_else(|| panic!("{folder}: nothing is called {name}"));
            assert!(told.is_subset(usual), "{folder}: {name} is told {usual:?}");
        }
        assert!(Locale::new(&folder, &[]).is_ok(), "{folder} is not a language tag");
    }
}

#[test]
fn the_persons_sentences_are_read_at_nine_to_eleven() {
    let (mut words, mut sentences, mut syllables) = (0, 0, 0);
    for (name, text) in messages("en-GB", Some("person.ftl")).texts {
        for sentence in text.split_inclusive(['.', '?']).map(str::trim).filter(|s| s.ends_with(['.', '?'])) {
            let said: Vec<&str> =
                sentence.split(|c: char| !c.is_alphabetic() && c != '\'').filter(|w| !w.is_empty()).collect();
            let count: usize = said.iter().map(|word| syllables_of(word)).sum();
            assert!(said.len() <= SENTENCE_WORDS_MAX, "{name}: {} words: {sentence}", said.len());
            let alone = grade(said.len(), 1, count);
            assert!(alone <= GRADE_OF_ONE_MAX, "{name}: grade {alone:.1}: {sentence}");
            (words, sentences, syllables) = (words + said.len(), sentences + 1, syllables + count);
        }
    }
    assert!(sentences > 30, "{sentences}");
    let together = grade(words, sentences, syllables);
    assert!(together <= GRADE_MAX, "grade {together:.1}");
}

/// Flesch and Kincaid's grade (1975): years of school in the United States.
fn grade(words: usize, sentences: usize, syllables: usize) -> f64 {
    let (words, sentences, syllables) = (words as f64, sentences as f64, syllables as f64);
    0.39 * words / sentences + 11.8 * syllables / words - 15.59
}

/// Groups of vowels, without a silent e.
fn syllables_of(word: &str) -> usize {
    let word = word.to_lowercase();
    let vowel = |c: char| "aeiouy".contains(c);
    let groups = word
        .chars()
        .fold((0, false), |(count, before), c| (count + usize::from(vowel(c) && !before), vowel(c)))
        .0;
    let silent = word.ends_with('e') && !word.ends_with("le") && groups > 1;
    (groups - usize::from(silent)).max(1)
}

#[test]
fn the_measure_of_reading_tells_easy_from_hard() {
    assert_eq!(["care", "you", "hospital", "able", "comfortable"].map(syllables_of), [1, 1, 3, 2, 4]);
    let easy = grade(6, 1, 7);
    let hard = grade(19, 1, 41);
    assert!(easy < 2.0 && hard > 15.0, "{easy} {hard}");
}
