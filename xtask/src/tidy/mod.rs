//! What no compiler checks: layers, documents that lie, work left unfinished.
//!
//! | module | check |
//! |---|---|
//! | [`packages`] | which package may depend on which, through everything between |
//! | [`layers`] | which module may name which crate or module |
//! | [`facade`] | `bindings/` decides nothing |
//! | [`apps`] | what the apps' Kotlin and Swift may import |
//! | [`leftovers`] | file length, ignored tests, unfinished work, machine paths, registry hosts, the changelog |
//! | [`sentences`] | what is said of a plan is a message that can be translated |
//! | [`markdown`] | links and anchors lead somewhere |
//! | [`named_tests`] | a test that a document names exists |
//!
//! Every check is a function from the files' text to a list of [`Finding`]s, so that a test can show it fail.

mod apps;
mod facade;
mod layers;
mod leftovers;
mod markdown;
mod named_tests;
mod packages;
mod rust_text;
mod sentences;
mod tree;

use std::fmt;
use std::path::Path;

use crate::command::{Error, metadata};
use tree::Tree;

/// A place that needs work.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    /// Counted from 1; 0 when the finding is about the file as a whole.
    line: usize,
    fault: Fault,
}

/// What is wrong with a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// A package reaches another that it must not be able to link.
    Reaches {
        chain: Vec<String>,
        why: &'static str,
    },
    /// A module names what it must not know of.
    Names {
        name: String,
        why: &'static str,
    },
    /// A decision in the facade.
    Branch {
        word: String,
    },
    /// A sentence that cannot be translated.
    Sentence {
        text: String,
    },
    /// A rule of these checks is about something that is no longer there, and so checks nothing.
    RuleAboutNothing {
        subject: String,
    },
    TooLong {
        lines: usize,
    },
    IgnoredTest,
    Unfinished {
        word: &'static str,
    },
    MachinePath {
        path: &'static str,
    },
    RegistryHost {
        host: &'static str,
    },
    NoUnreleased,
    DeadLink {
        target: String,
    },
    DeadAnchor {
        target: String,
    },
    /// Something in a "Test" column that is not of the form `where::test_name`.
    VagueTest {
        named: String,
    },
    NoSuchTest {
        named: String,
    },
}

/// Runs every check and lists what each found.
pub(crate) fn run(root: &Path) -> Result<(), Error> {
    let tree = Tree::load(root)?;
    let graph = packages::Graph::from_metadata(&metadata(root)?)?;
    let checks = [
        ("package dependencies", packages::check(&graph)),
        ("layers", layers::check(&tree)),
        ("facade", facade::branches(&tree)),
        ("apps", apps::check(&tree)),
        ("sentences", sentences::past_the_messages(&tree)),
        ("file length", leftovers::long_files(&tree)),
        ("ignored tests", leftovers::ignored_tests(&tree)),
        ("unfinished work", leftovers::unfinished(&tree)),
        ("machine paths", leftovers::machine_paths(&tree)),
        ("registry hosts", leftovers::registry_hosts(&tree)),
        ("changelog", leftovers::changelog(&tree)),
        ("links", markdown::dead_links(&tree)),
        ("named tests", named_tests::check(&tree)),
    ];
    let mut total = 0;
    for (name, findings) in checks {
        println!("tidy: {name}: {}", if findings.is_empty() { "ok" } else { "needs work" });
        findings.iter().for_each(|finding| println!("  {finding}"));
        total += findings.len();
    }
    if total == 0 { Ok(()) } else { Err(Error::Untidy(total)) }
}

impl Finding {
    fn new(path: &str, line: usize, fault: Fault) -> Self {
        Self { path: path.to_owned(), line, fault }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.fault),
            line => write!(f, "{}:{line}: {}", self.path, self.fault),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reaches { chain, why } => write!(f, "depends on {}: {why}", chain.join(" -> ")),
            Self::Names { name, why } => write!(f, "names `{name}`: {why}"),
            Self::Branch { word } => {
                write!(f, "`{word}` in the facade: decide it in core/src/api, where every language has it")
            }
            Self::Sentence { text } => {
                write!(f, "\"{text}\": make it a message of core/locales/en-GB, and say that")
            }
            Self::RuleAboutNothing { subject } => {
                write!(f, "a rule is about `{subject}`, which is not there: correct the rule")
            }
            Self::TooLong { lines } => {
                write!(f, "{lines} lines, over {}: split it by subject", leftovers::LINES_MAX)
            }
            Self::IgnoredTest => f.write_str("a test that is skipped: make it run, or remove it"),
            Self::Unfinished { word } => write!(f, "`{word}`: finish it, or file it as an issue"),
            Self::MachinePath { path } => {
                write!(f, "`{path}/...` exists on one machine: use a relative path")
            }
            Self::RegistryHost { host } => {
                write!(f, "`{host}` is a registry's host: name the package, its client knows the host")
            }
            Self::NoUnreleased => f.write_str("no `Unreleased` heading: readers look there for what is new"),
            Self::DeadLink { target } => write!(f, "link to `{target}`: no such file"),
            Self::DeadAnchor { target } => write!(f, "link to `{target}`: no such heading"),
            Self::VagueTest { named } => {
                write!(f, "`{named}` in a Test column: write it as `where::test_name`")
            }
            Self::NoSuchTest { named } => write!(f, "`{named}`: no such test"),
        }
    }
}
