//! What is left lying about: overlong files, skipped tests, unfinished work, one machine's paths.
//!
//! The words looked for are put together by `concat!`, so that this file does not find itself.

use super::rust_text::code_only;
use super::tree::{Tree, extension};
use super::{Fault, Finding};

/// Longest source file, in lines: what a reader can hold in mind.
pub(super) const LINES_MAX: usize = 800;

const SOURCES: &[&str] = &["rs", "kt", "swift"];

/// Marks of work that was put off. Macros only count in Rust.
const MARKS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];
const MACROS: &[&str] = &[concat!("unimpl", "emented!"), concat!("to", "do!")];

/// How a test is skipped, by language.
const SKIPS: &[(&str, &[&str])] = &[
    ("kt", &[concat!("@Ig", "nore"), concat!("@Dis", "abled")]),
    // A trait of a test; of a view it is something else.
    ("swift", &[concat!("XCT", "Skip"), concat!("(.dis", "abled("), concat!(", .dis", "abled(")]),
];

const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk"), concat!("/ro", "ot"), concat!("/ho", "me")];

const REGISTRY_HOSTS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("deb.debian", ".org"),
    concat!("files.pythonhosted", ".org"),
    concat!("plugins.gradle", ".org"),
    concat!("proxy.golang", ".org"),
    concat!("pypi", ".org"),
    concat!("registry.npmjs", ".org"),
    concat!("repo.maven.apache", ".org"),
    concat!("repo1.maven", ".org"),
];

/// Source files that nobody reads to the end.
pub(super) fn long_files(tree: &Tree) -> Vec<Finding> {
    let lines = tree.with_extension(SOURCES).map(|(path, text)| (path, text.lines().count()));
    lines
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(path, lines)| Finding::new(path, 0, Fault::TooLong { lines }))
        .collect()
}

/// Tests that are skipped.
pub(super) fn ignored_tests(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension(&["rs"]) {
        let code = code_only(text);
        for (line, _) in lines(&code).filter(|(_, line)| ignores(line)) {
            findings.push(Finding::new(path, line, Fault::IgnoredTest));
        }
    }
    for (language, marks) in SKIPS {
        for (path, text) in tree.with_extension(&[language]) {
            let skipped = lines(text).filter(|(_, line)| marks.iter().any(|mark| line.contains(mark)));
            findings.extend(skipped.map(|(line, _)| Finding::new(path, line, Fault::IgnoredTest)));
        }
    }
    findings
}

/// An attribute of that name, alone, with a reason, or behind a condition.
fn ignores(line: &str) -> bool {
    let attribute: String = line.chars().filter(|c| !c.is_whitespace()).collect();
    let alone = attribute.contains(concat!("#[ig", "nore]")) || attribute.contains(concat!("#[ig", "nore="));
    alone || (attribute.contains("#[cfg_attr(") && attribute.contains(concat!(",ig", "nore")))
}

/// Work that was put off.
pub(super) fn unfinished(tree: &Tree) -> Vec<Finding> {
    let written = ["rs", "kt", "kts", "swift", "toml", "md", "sql", "sh", "py", "yml", "yaml"];
    let mut findings = Vec::new();
    for (path, text) in tree.texts() {
        let extension = extension(path);
        if !extension.is_none_or(|extension| written.contains(&extension)) {
            continue;
        }
        for (line, content) in lines(text) {
            let marks = MARKS.iter().filter(|word| has_word(content, word));
            let macros = MACROS.iter().filter(|word| extension == Some("rs") && has_word(content, word));
            findings
                .extend(marks.chain(macros).map(|word| Finding::new(path, line, Fault::Unfinished { word })));
        }
    }
    findings
}

/// Paths that exist on one machine only.
pub(super) fn machine_paths(tree: &Tree) -> Vec<Finding> {
    let hit = |line: &str, path: &str| starts(line, path).any(|at| is_absolute(line, at, path.len()));
    in_text(tree, MACHINE_PATHS, hit, |path| Fault::MachinePath { path })
}

/// Names of package registries' hosts: a mirror has another.
pub(super) fn registry_hosts(tree: &Tree) -> Vec<Finding> {
    let hit = |line: &str, host: &str| line.contains(host);
    in_text(tree, REGISTRY_HOSTS, hit, |host| Fault::RegistryHost { host })
}

/// A changelog without a place for what is new.
pub(super) fn changelog(tree: &Tree) -> Vec<Finding> {
    let path = "CHANGELOG.md";
    let heading = |line: &str| line.starts_with('#') && line.contains("Unreleased");
    match tree.text(path) {
        Some(text) if !text.lines().any(heading) => vec![Finding::new(path, 0, Fault::NoUnreleased)],
        _ => Vec::new(),
    }
}

fn in_text(
    tree: &Tree,
    words: &[&'static str],
    hit: impl Fn(&str, &str) -> bool,
    fault: impl Fn(&'static str) -> Fault,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| !is_lock_file(path)) {
        for (line, content) in lines(text) {
            let words = words.iter().filter(|word| hit(content, word));
            findings.extend(words.map(|word| Finding::new(path, line, fault(word))));
        }
    }
    findings
}

/// Written by a package client, which names its registry in it.
fn is_lock_file(path: &str) -> bool {
    matches!(extension(path), Some("lock" | "lockfile"))
        || path.ends_with("package-lock.json")
        || path.ends_with("Package.resolved")
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

fn starts<'a>(line: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    line.match_indices(word).map(|(at, _)| at)
}

fn has_word(line: &str, word: &str) -> bool {
    starts(line, word)
        .any(|at| !continues(line[..at].chars().next_back()) && !continues(after(line, at, word)))
}

fn after(line: &str, at: usize, word: &str) -> Option<char> {
    line[at + word.len()..].chars().next().filter(|_| !word.ends_with('!'))
}

fn continues(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_alphanumeric() || c == '_')
}

/// At the start of a word and at the end of a folder's name: not `example.org/x`, not `../x`, not `/xy`.
fn is_absolute(line: &str, at: usize, length: usize) -> bool {
    let before = line[..at].chars().next_back();
    let after = line[at + length..].chars().next();
    !before.is_some_and(|c| c.is_alphanumeric() || "_-./}*>".contains(c))
        && !after.is_some_and(|c| c.is_alphanumeric() || "_-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(check: fn(&Tree) -> Vec<Finding>, path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn a_file_of_one_line_too_many_is_found() {
        assert_eq!(found(long_files, "a.rs", &"x\n".repeat(LINES_MAX)), 0);
        assert_eq!(found(long_files, "a.kt", &"x\n".repeat(LINES_MAX + 1)), 1);
        assert_eq!(found(long_files, "a.json", &"x\n".repeat(LINES_MAX + 1)), 0);
    }

    #[test]
    fn a_skipped_test_is_found_in_every_language() {
        let skip = concat!("ig", "nore");
        for attribute in [format!("#[{skip}]"), format!("#[{skip} = \"slow\"]"), format!("# [ {skip} ]")] {
            assert_eq!(found(ignored_tests, "a.rs", &format!("#[test]\n{attribute}\nfn f() {{}}")), 1);
        }
        assert_eq!(found(ignored_tests, "a.rs", &format!("#[cfg_attr(miri, {skip})]")), 1);
        assert_eq!(found(ignored_tests, "a.rs", &format!("// never #[{skip}]\nfn {skip}() {{}}")), 0);
        assert_eq!(found(ignored_tests, "a.kt", SKIPS[0].1[0]), 1);
        assert_eq!(found(ignored_tests, "a.swift", SKIPS[1].1[0]), 1);
    }

    #[test]
    fn unfinished_work_is_found_and_its_namesakes_are_not() {
        for mark in MARKS {
            assert_eq!(found(unfinished, "docs/a.md", &format!("- {mark}: the rest")), 1, "{mark}");
            assert_eq!(found(unfinished, ".ci/run", &format!("# {mark}")), 1, "{mark}");
            assert_eq!(found(unfinished, "a.rs", &format!("{mark}S {}", mark.to_lowercase())), 0, "{mark}");
            assert_eq!(found(unfinished, "data.json", mark), 0, "{mark}");
        }
        for mark in MACROS {
            assert_eq!(found(unfinished, "a.rs", &format!("fn f() {{ {mark}(\"later\") }}")), 1, "{mark}");
            assert_eq!(found(unfinished, "a.md", mark), 0, "{mark}");
        }
    }

    #[test]
    fn a_path_of_one_machine_is_found_and_its_namesakes_are_not() {
        for path in MACHINE_PATHS {
            for text in [format!("cd {path}/x"), format!("`{path}`"), format!("DIR={path}/x")] {
                assert_eq!(found(machine_paths, "a.md", &text), 1, "{text}");
            }
            for text in [format!("example.org{path}/x"), format!("..{path}"), format!("{path}-book")] {
                assert_eq!(found(machine_paths, "a.md", &text), 0, "{text}");
            }
            assert_eq!(found(machine_paths, "Cargo.lock", path), 0);
        }
    }

    #[test]
    fn a_registry_s_host_is_found_outside_lock_files() {
        for host in REGISTRY_HOSTS {
            assert_eq!(found(registry_hosts, ".ci/run", &format!("curl https://{host}/x")), 1);
            assert_eq!(found(registry_hosts, "Cargo.lock", host), 0);
        }
    }

    #[test]
    fn a_changelog_without_a_place_for_the_new_is_found() {
        assert_eq!(found(changelog, "CHANGELOG.md", "# Changes\n\n## 0.1.0\n"), 1);
        assert_eq!(found(changelog, "CHANGELOG.md", "# Changes\n\n## [Unreleased]\n"), 0);
        assert_eq!(found(changelog, "README.md", "# None\n"), 0);
    }
}
