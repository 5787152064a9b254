//! The facade has no branches: what happens in which case is decided in the core, where it is tested for every language at once.

use super::rust_text::code_only;
use super::tree::{Tree, is_within};
use super::{Fault, Finding};

/// Where only records, enums, objects and conversions are.
const FACADE: &str = "bindings/src";

const BRANCHES: &[&str] = &["if", "else", "while", "loop"];

/// Every place in the facade that decides something. `match` is for conversions: it stands in a function named `from`.
pub(super) fn branches(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !tree.has(FACADE) {
        findings.push(Finding::new("xtask", 0, Fault::RuleAboutNothing { subject: FACADE.to_owned() }));
    }
    for (path, text) in tree.with_extension(&["rs"]).filter(|(path, _)| is_within(path, FACADE)) {
        let mut function = String::new();
        for (number, line) in code_only(text).lines().enumerate() {
            let words: Vec<&str> = line
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .filter(|word| !word.is_empty())
                .collect();
            if let Some(at) = words.iter().position(|word| *word == "fn") {
                function = words.get(at + 1).copied().unwrap_or_default().to_owned();
            }
            let loops = words.first() == Some(&"for") && words.contains(&"in");
            let branch = words.iter().find(|word| {
                BRANCHES.contains(word)
                    || (**word == "match" && function != "from")
                    || (**word == "for" && loops)
            });
            if let Some(word) = branch {
                findings.push(Finding::new(path, number + 1, Fault::Branch { word: (*word).to_owned() }));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(code: &str) -> Vec<usize> {
        let tree =
            Tree::of(&[("bindings/src/device.rs", code), ("core/src/lib.rs", "fn f() { if true {} }")]);
        branches(&tree).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_decision_in_the_facade_is_found() {
        assert_eq!(lines("fn f() {\n    if x { y }\n}"), [2]);
        assert_eq!(lines("fn f() {\n    match x { _ => y }\n}"), [2]);
        assert_eq!(lines("fn f() {\n    for x in y {}\n    while z {}\n}"), [2, 3]);
        assert_eq!(lines("fn f() {\n    let Some(x) = y else { return };\n}"), [2]);
    }

    #[test]
    fn conversions_and_words_that_only_look_like_decisions_are_left_alone() {
        assert_eq!(lines("fn from(x: X) -> Self {\n    match x { X::A => Self::A }\n}"), [0; 0]);
        assert_eq!(lines("impl Cross<A> for B {\n    // if you like\n    fn cross(self) -> A {}\n}"), [0; 0]);
    }

    #[test]
    fn a_rule_about_a_facade_that_is_gone_is_found() {
        assert_eq!(branches(&Tree::of(&[("core/src/lib.rs", "")])).len(), 1);
    }
}
