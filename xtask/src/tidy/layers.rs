//! Which module may name which crate or module. `ARCHITECTURE.md` gives the reasons in full.

use super::rust_text::{Name, code_only, names};
use super::tree::{Tree, is_within};
use super::{Fault, Finding};

/// What a rule's files must not name.
enum Forbidden {
    /// A crate or module, and everything in it.
    Path(&'static str),
    /// A word, wherever it stands in a path.
    Word(&'static str),
}
use Forbidden::{Path, Word};

/// Where a rule holds.
enum Scope {
    /// In these modules.
    In(&'static [&'static str]),
    /// Everywhere in what ships, but not in these modules.
    NotIn(&'static [&'static str]),
}
use Scope::{In, NotIn};

struct Rule {
    scope: Scope,
    forbidden: &'static [Forbidden],
    why: &'static str,
}

/// Folders whose code does not ship.
const NOT_SHIPPED: &[&str] = &["tests", "fuzz", "xtask"];

const RULES: &[Rule] = &[
    Rule {
        scope: In(&["core/src/plan", "core/src/ledger", "core/src/engine", "sync-server/src/rules"]),
        forbidden: &[
            Path("rusqlite"),
            Path("reqwest"),
            Path("tokio"),
            Path("std::fs"),
            Path("std::net"),
            Word("SystemTime"),
            Word("Instant"),
            Word("HashMap"),
            Word("HashSet"),
        ],
        why: "plan, ledger, engine and the relay's rules are pure: no I/O, no clock, one iteration order",
    },
    Rule {
        scope: In(&["core/src/plan", "core/src/ledger", "core/src/engine"]),
        forbidden: &[
            Path("crate::store"),
            Path("crate::transport"),
            Path("crate::driver"),
            Path("crate::api"),
        ],
        why: "plan, ledger and engine know nothing of storage, network or the app",
    },
    Rule {
        scope: In(&["core/src/crdt", "core/src/crypto", "core/src/store", "core/src/transport"]),
        forbidden: &[Path("crate::driver"), Path("crate::api")],
        why: "dependencies point inwards: api -> driver -> everything else",
    },
    Rule {
        scope: NotIn(&["core/src/crdt"]),
        forbidden: &[Path("automerge")],
        why: "only core/src/crdt names automerge",
    },
    Rule {
        scope: NotIn(&["core/src/store", "core/src/testing/vfs", "sync-server/src/storage"]),
        forbidden: &[Path("rusqlite")],
        why: "only the store modules name rusqlite",
    },
    Rule {
        scope: NotIn(&["core/src/store/search"]),
        forbidden: &[Path("levenshtein_automata")],
        why: "only core/src/store/search.rs names levenshtein_automata",
    },
    Rule {
        scope: NotIn(&["core/src/crypto", "protocol/src/signing", "protocol/tests", "sync-server"]),
        forbidden: &[Path("ring"), Path("hpke"), Path("argon2")],
        why: "only core/src/crypto and protocol/src/signing.rs name cryptographic libraries",
    },
    Rule {
        scope: In(&["sync-server"]),
        forbidden: &[Path("hpke"), Path("argon2")],
        why: "the relay cannot link keys, documents or plans",
    },
    Rule {
        scope: NotIn(&["core/src/transport"]),
        forbidden: &[Path("reqwest")],
        why: "only core/src/transport names reqwest",
    },
    Rule {
        scope: NotIn(&["core/src/plan/locale", "core/src/plan/tests"]),
        forbidden: &[Path("fluent_bundle"), Path("fluent_syntax")],
        why: "only core/src/plan/locale.rs names Fluent",
    },
];

/// Every place that names what its layer must not know of.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = rules_about_nothing(tree);
    for (path, text) in tree.with_extension(&["rs"]) {
        let named = names(&code_only(text));
        for rule in RULES.iter().filter(|rule| rule.holds_in(path)) {
            findings.extend(named.iter().filter(|name| rule.forbids(name)).map(|name| {
                Finding::new(path, name.line, Fault::Names { name: name.path.clone(), why: rule.why })
            }));
        }
    }
    findings
}

fn rules_about_nothing(tree: &Tree) -> Vec<Finding> {
    let subjects = RULES.iter().flat_map(|rule| match rule.scope {
        In(modules) => modules,
        NotIn(_) => &[],
    });
    let gone = |module: &&&str| !tree.has(module) && !tree.has(&format!("{module}.rs"));
    subjects
        .filter(gone)
        .map(|module| Finding::new("xtask", 0, Fault::RuleAboutNothing { subject: (*module).to_owned() }))
        .collect()
}

impl Rule {
    fn holds_in(&self, path: &str) -> bool {
        let within = |modules: &[&str]| modules.iter().any(|module| is_within(path, module));
        match self.scope {
            In(modules) => within(modules),
            NotIn(modules) => !within(modules) && !within(NOT_SHIPPED),
        }
    }

    fn forbids(&self, name: &Name) -> bool {
        self.forbidden.iter().any(|forbidden| match forbidden {
            Path(path) => name.path.strip_prefix(path).is_some_and(|rest| {
                rest.starts_with("::") || (rest.is_empty() && (name.imported || path.contains("::")))
            }),
            Word(word) => name.path.split("::").any(|part| part == *word),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYERS: &[&str] = &["plan", "ledger", "engine", "crdt", "crypto", "store", "transport"];

    fn faults(path: &str, code: &str) -> Vec<String> {
        let modules: Vec<_> = LAYERS.iter().map(|name| format!("core/src/{name}/mod.rs")).collect();
        let mut files: Vec<_> = modules.iter().map(|path| (path.as_str(), "")).collect();
        files.extend([("sync-server/src/lib.rs", ""), ("sync-server/src/rules.rs", ""), (path, code)]);
        let name = |finding: Finding| match finding.fault {
            Fault::Names { name, .. } => name,
            other => other.to_string(),
        };
        check(&Tree::of(&files)).into_iter().map(name).collect()
    }

    #[test]
    fn a_plan_that_reads_a_file_is_found_however_it_is_written() {
        assert_eq!(faults("core/src/plan/view.rs", "use std::{fmt, fs};"), ["std::fs"]);
        assert_eq!(faults("core/src/plan/view.rs", "fn f() { ::std::fs::read(p); }"), ["std::fs::read"]);
        assert_eq!(faults("core/src/plan.rs", "#[tokio::test] async fn f() {}"), ["tokio::test"]);
        assert_eq!(
            faults("core/src/engine/mod.rs", "use std::collections as c; type M = c::HashMap<u8, u8>;"),
            ["c::HashMap"]
        );
    }

    #[test]
    fn a_ledger_that_knows_the_store_is_found() {
        assert_eq!(
            faults("core/src/ledger/mod.rs", "use crate::{plan, store::Vault};"),
            ["crate::store::Vault"]
        );
        assert_eq!(faults("core/src/store/mod.rs", "use crate::api::App;"), ["crate::api::App"]);
    }

    #[test]
    fn a_foreign_crate_outside_its_module_is_found() {
        for (crate_name, home) in [
            ("automerge", "core/src/crdt/merge.rs"),
            ("rusqlite", "core/src/store/vault.rs"),
            ("ring", "core/src/crypto/seal.rs"),
            ("reqwest", "core/src/transport/http.rs"),
        ] {
            let code = format!("use {crate_name}::Thing;");
            assert_eq!(faults(home, &code), [""; 0], "{crate_name} at home");
            assert_eq!(faults("core/src/fhir/mod.rs", &code), [format!("{crate_name}::Thing")]);
            assert_eq!(faults("bindings/src/lib.rs", &code), [format!("{crate_name}::Thing")]);
            assert_eq!(
                faults("tests/benches/peers.rs", &code),
                [""; 0],
                "benchmarks compare with the bare crate"
            );
        }
        assert_eq!(faults("core/src/testing/vfs.rs", "use rusqlite::ffi;"), [""; 0]);
        assert_eq!(faults("sync-server/src/storage/mod.rs", "use rusqlite::Connection;"), [""; 0]);
        assert_eq!(faults("sync-server/src/main.rs", "use rusqlite::Connection;"), ["rusqlite::Connection"]);
        assert_eq!(faults("sync-server/src/main.rs", "use hpke::Kem;"), ["hpke::Kem"]);
    }

    #[test]
    fn words_that_only_look_like_a_crate_are_left_alone() {
        assert_eq!(faults("core/src/fhir/mod.rs", "let ring = phone.ring; // rusqlite::Error\n"), [""; 0]);
        assert_eq!(faults("core/src/fhir/mod.rs", "rustls::crypto::ring::default_provider()"), [""; 0]);
        assert_eq!(faults("core/src/plan/mod.rs", "use std::collections::BTreeMap; ringing::x();"), [""; 0]);
    }

    #[test]
    fn a_rule_about_a_module_that_is_gone_is_found() {
        let findings = check(&Tree::of(&[("core/src/lib.rs", "")]));
        assert!(findings.iter().any(|finding| {
            finding.fault == Fault::RuleAboutNothing { subject: "core/src/plan".to_owned() }
        }));
    }
}
