//! What the core says of a plan is a message of `core/locales`: a sentence in the code could not be translated.

use super::rust_text::literals;
use super::tree::{Tree, is_within};
use super::{Fault, Finding};

/// Where sentences are said.
const SAYS: &[&str] = &["core/src/plan", "core/src/ledger"];

/// What may be written in words there, and why.
const ELSEWHERE: &[&str] = &[
    // Labels, titles and codes: tables, which a language overrides by messages that are named after their rows.
    "core/src/plan/schema.rs",
    "core/src/plan/codes.rs",
    // Names for programs.
    "core/src/plan/csv.rs",
    // CSS and HTML.
    "core/src/plan/page/html.rs",
];

/// What stands right before a text for whoever mends the program.
const FOR_PROGRAMMERS: &[&str] = &["expect(", "#[error(", "reason =", "Error::message("];

/// Every sentence that stands past the messages.
pub(super) fn past_the_messages(tree: &Tree) -> Vec<Finding> {
    let gone = SAYS.iter().chain(ELSEWHERE).filter(|path| !tree.has(path));
    let mut findings: Vec<Finding> = gone
        .map(|path| Finding::new("xtask", 0, Fault::RuleAboutNothing { subject: (*path).to_owned() }))
        .collect();
    let said = tree.with_extension(&["rs"]).filter(|(path, _)| {
        let says = SAYS.iter().any(|module| is_within(path, module));
        says && !path.contains("/tests") && !ELSEWHERE.contains(path)
    });
    for (path, text) in said {
        let shipped = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let sentences = literals(shipped).into_iter().filter(|literal| {
            let before = literal.before.trim_end();
            let programmers = FOR_PROGRAMMERS.iter().any(|end| before.ends_with(end));
            is_sentence(literal.text) && !literal.bytes && !programmers && !literal.before.contains("assert")
        });
        findings.extend(sentences.map(|literal| {
            Finding::new(path, literal.line, Fault::Sentence { text: literal.text.to_owned() })
        }));
    }
    findings
}

/// True for two words, and for a word beside something that is filled in.
fn is_sentence(text: &str) -> bool {
    let (mut plain, mut filled, mut depth) = (String::new(), 0, 0_u32);
    for c in text.chars() {
        match c {
            '{' => (depth, filled) = (depth + 1, filled + 1),
            '}' => depth = depth.saturating_sub(1),
            c if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    let words = plain.split(|c: char| !c.is_alphabetic()).filter(|word| word.chars().count() > 1).count();
    plain.contains(' ') && words > 0 && words + filled > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(code: &str) -> Vec<usize> {
        let mut files: Vec<(&str, &str)> = ELSEWHERE.iter().map(|path| (*path, "")).collect();
        files.extend([("core/src/plan/words.rs", code), ("core/src/ledger/mod.rs", "")]);
        past_the_messages(&Tree::of(&files)).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_sentence_in_the_code_is_found() {
        assert_eq!(lines("fn f() {\n    \"nobody looked\".to_owned()\n}"), [2]);
        assert_eq!(lines("fn f() {\n    format!(\"{title}: endorsed by {author}\")\n}"), [2]);
        assert_eq!(lines("fn f() {\n    format!(\"died {day}\")\n}"), [2]);
    }

    #[test]
    fn names_of_messages_and_texts_for_programmers_are_left_alone() {
        for code in [
            "fn f() { locale.say(\"look-view\", &[]) }",
            "fn f() { format!(\"{list}/{name}\") }",
            "fn f() { format!(\"answer-{kind}\") }",
            "fn f() { x.expect(\"writing into a Vec has no way to fail\") }",
            "#[error(\"{0} is not a language tag\")]\nstruct E;",
            "fn f() { debug_assert!(x, \"no message {id}\"); }",
            "#[cfg(test)]\nmod tests {\n    fn f() { \"nobody looked\" }\n}",
            "fn f() { sha256(b\"bedside plan version\") }",
            "// \"nobody looked\"",
        ] {
            assert_eq!(lines(code), [0; 0], "{code}");
        }
    }

    #[test]
    fn a_rule_about_a_module_that_is_gone_is_found() {
        assert!(!past_the_messages(&Tree::of(&[("core/src/lib.rs", "")])).is_empty());
    }
}
