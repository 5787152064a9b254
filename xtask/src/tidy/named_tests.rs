//! A document that claims something names the test behind it; that test must exist.
//!
//! In every table with a column headed "Test", each piece of code in that column is `where::test_name`: the last part
//! is a test function, and every part before it a folder, file, package or module around it.

use std::collections::{BTreeMap, BTreeSet};

use super::markdown::{code_spans, prose};
use super::rust_text::code_only;
use super::tree::Tree;
use super::{Fault, Finding};

/// Test functions by name, each with everything that may stand before it.
type Tests = BTreeMap<String, Vec<BTreeSet<String>>>;

/// Every test that a document names and the sources do not have.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let tests = tests(tree);
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension(&["md"]) {
        for (line, named) in in_tables(text) {
            let fault = match named.rsplit_once("::") {
                None => Some(Fault::VagueTest { named }),
                Some((place, name)) if exists(&tests, place, name) => None,
                Some(_) => Some(Fault::NoSuchTest { named }),
            };
            findings.extend(fault.map(|fault| Finding::new(path, line, fault)));
        }
    }
    findings
}

fn exists(tests: &Tests, place: &str, name: &str) -> bool {
    let parts: Vec<&str> = place.split("::").flat_map(|part| part.split('/')).collect();
    let around = |places: &BTreeSet<String>| parts.iter().all(|part| places.contains(*part));
    tests.get(name).is_some_and(|all| all.iter().any(around))
}

/// What stands as code in "Test" columns, with its line.
fn in_tables(text: &str) -> Vec<(usize, String)> {
    let mut named = Vec::new();
    let mut column: Option<usize> = None;
    let mut previous: Vec<String> = Vec::new();
    for (line, content) in prose(text) {
        let row = cells(&content);
        if row.is_empty() {
            column = None;
        } else if row.iter().all(|cell| is_rule(cell)) {
            column = previous.iter().position(|cell| matches!(cell.as_str(), "Test" | "Tests"));
        } else if let Some(cell) = column.and_then(|column| row.get(column)) {
            named.extend(code_spans(cell).into_iter().map(|code| (line, code.to_owned())));
        }
        previous = row;
    }
    named
}

fn is_rule(cell: &str) -> bool {
    cell.contains('-') && cell.chars().all(|c| matches!(c, '-' | ':'))
}

fn cells(line: &str) -> Vec<String> {
    let Some(inside) = line.trim().strip_prefix('|') else { return Vec::new() };
    let inside = inside.strip_suffix('|').unwrap_or(inside).replace("\\|", "\u{0}");
    inside.split('|').map(|cell| cell.replace('\u{0}', "|").trim().to_owned()).collect()
}

fn tests(tree: &Tree) -> Tests {
    let packages = packages(tree);
    let mut tests = Tests::new();
    for (path, text) in tree.with_extension(&["rs", "kt", "swift"]) {
        let code = code_only(text);
        let mut places: BTreeSet<String> = path.split('/').map(str::to_owned).collect();
        places.extend(path.rsplit('/').next().and_then(|file| file.split('.').next()).map(str::to_owned));
        places.extend(after_keyword(&code, "mod").map(|(_, name)| name.to_owned()));
        let around = packages.iter().filter(|(folder, _)| path.starts_with(folder.as_str()));
        places.extend(around.flat_map(|(_, name)| [name.clone(), name.replace('-', "_")]));
        for keyword in ["fn", "fun", "func"] {
            // XCTest goes by the name, everything else by an attribute.
            let by_name = |name: &str| keyword == "func" && name.starts_with("test");
            let marked =
                after_keyword(&code, keyword).filter(|(at, name)| by_name(name) || is_test(&code[..*at]));
            for (_, name) in marked {
                tests.entry(name.to_owned()).or_default().push(places.clone());
            }
        }
    }
    tests
}

/// Each package's folder, with a slash at its end, and its name.
fn packages(tree: &Tree) -> Vec<(String, String)> {
    let manifests = tree.with_extension(&["toml"]).filter_map(|(path, text)| {
        let folder = path.strip_suffix("Cargo.toml")?;
        let parsed: toml::Table = text.parse().ok()?;
        Some((folder.to_owned(), parsed.get("package")?.get("name")?.as_str()?.to_owned()))
    });
    manifests.collect()
}

/// Each word that follows a keyword, with the keyword's place.
fn after_keyword<'a>(code: &'a str, keyword: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(keyword).filter_map(move |(at, _)| {
        let rest = &code[at + keyword.len()..];
        let name = rest.trim_start();
        let stands_alone = !code[..at].ends_with(is_word) && rest.starts_with(char::is_whitespace);
        let name = &name[..name.find(|c| !is_word(c)).unwrap_or(name.len())];
        (stands_alone && !name.is_empty()).then_some((at, name))
    })
}

/// True when the attributes before a function make it a test.
fn is_test(before: &str) -> bool {
    let start = before.rfind(['{', '}', ';']).map_or(0, |at| at + 1);
    let attributes: String = before[start..].chars().filter(|c| !c.is_whitespace()).collect();
    let attributes = attributes.replace("cfg(test)", "");
    ["test]", "test(", "@Test"].iter().any(|mark| attributes.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(document: &str) -> Vec<Fault> {
        let sources = "
            #[cfg(test)] fn helper() {}
            mod suspend {
                #[test]
                fn releases_all_locks() {}
                #[tokio::test(flavor = \"x\")]
                async fn is_quick() {}
                // #[test] fn only_in_a_comment() {}
            }";
        let tree = Tree::of(&[
            ("docs/a.md", document),
            ("tests/Cargo.toml", "[package]\nname = \"bedside-tests\"\n"),
            ("tests/crash/main.rs", sources),
        ]);
        check(&tree).into_iter().map(|finding| finding.fault).collect()
    }

    fn table(cell: &str) -> String {
        format!("| promise | Test |\n|---|:--|\n| `a \\| b` | {cell} |\n")
    }

    #[test]
    fn a_test_is_found_by_its_folder_file_package_or_module() {
        for place in
            ["crash", "tests/crash", "bedside_tests::suspend", "bedside-tests", "crash::main::suspend"]
        {
            assert_eq!(faults(&table(&format!("`{place}::releases_all_locks`"))), [], "{place}");
        }
        assert_eq!(faults(&table("`crash::releases_all_locks`, `crash::is_quick`")), []);
    }

    #[test]
    fn a_test_that_does_not_exist_is_found() {
        for named in ["crash::gone", "sim::releases_all_locks", "crash::helper", "crash::only_in_a_comment"] {
            let fault = Fault::NoSuchTest { named: named.to_owned() };
            assert_eq!(faults(&table(&format!("`{named}`"))), [fault]);
        }
        let fault = Fault::VagueTest { named: "gone".to_owned() };
        assert_eq!(faults(&table("`crash::is_quick` and `gone`")), [fault]);
    }

    #[test]
    fn only_test_columns_are_read() {
        assert_eq!(faults("| what | how |\n|---|---|\n| `a::b` | `c::d` |\n\n`e::f`\n"), []);
        assert_eq!(faults(&format!("{}\n| x | y |\n|---|---|\n| a | `c::d` |\n", table("none"))), []);
    }
}
