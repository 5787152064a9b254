//! Which package may depend on which, through everything between. Tests' own dependencies do not count.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::{Fault, Finding};
use crate::command::Error;

struct Rule {
    package: &'static str,
    never: &'static [&'static str],
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        package: "bedside-relay",
        never: &["bedside-core", "automerge", "hpke"],
        why: "the relay cannot link keys, documents or plans",
    },
    Rule {
        package: "bedside-protocol",
        never: &["bedside-core", "bedside-relay", "tokio", "rusqlite", "automerge"],
        why: "the protocol is types and rules, shared by everybody",
    },
    Rule { package: "bedside-core", never: &["bedside-relay", "axum"], why: "a device carries no server" },
];

/// Packages and what each is built with, by cargo's package ids.
pub(super) struct Graph {
    names: BTreeMap<String, String>,
    dependencies: BTreeMap<String, Vec<String>>,
}

impl Graph {
    /// Reads what `cargo metadata` printed. Dependencies for tests alone are left out.
    pub(super) fn from_metadata(metadata: &Value) -> Result<Self, Error> {
        let missing = |what: &str| Error::Metadata(format!("no {what}"));
        let text =
            |value: &Value, key: &str| value[key].as_str().map(str::to_owned).ok_or_else(|| missing(key));
        let list = |value: &Value, key: &str| value[key].as_array().cloned().ok_or_else(|| missing(key));
        let mut graph = Self { names: BTreeMap::new(), dependencies: BTreeMap::new() };
        for package in list(metadata, "packages")? {
            graph.names.insert(text(&package, "id")?, text(&package, "name")?);
        }
        for node in list(&metadata["resolve"], "nodes")? {
            let mut built_with = Vec::new();
            for dependency in list(&node, "deps")? {
                if list(&dependency, "dep_kinds")?.iter().any(|kind| kind["kind"] != "dev") {
                    built_with.push(text(&dependency, "pkg")?);
                }
            }
            graph.dependencies.insert(text(&node, "id")?, built_with);
        }
        Ok(graph)
    }

    /// The shortest way from one package to another, both by name.
    fn chain(&self, from: &str, to: &str) -> Option<Vec<String>> {
        let mut came_from: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        let mut queue = VecDeque::new();
        for (id, _) in self.names.iter().filter(|(_, name)| *name == from) {
            came_from.insert(id, None);
            queue.push_back(id.as_str());
        }
        while let Some(id) = queue.pop_front() {
            if self.names.get(id).is_some_and(|name| name == to) {
                let back = std::iter::successors(Some(id), |id| came_from.get(id).copied().flatten());
                let mut chain: Vec<_> = back.filter_map(|id| self.names.get(id).cloned()).collect();
                chain.reverse();
                return Some(chain);
            }
            for next in self.dependencies.get(id).into_iter().flatten() {
                if !came_from.contains_key(next.as_str()) {
                    came_from.insert(next, Some(id));
                    queue.push_back(next);
                }
            }
        }
        None
    }
}

/// Every forbidden dependency, with the way it comes in.
pub(super) fn check(graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in RULES {
        let finding = |fault| Finding::new(rule.package, 0, fault);
        if !graph.names.values().any(|name| name == rule.package) {
            findings.push(finding(Fault::RuleAboutNothing { subject: rule.package.to_owned() }));
        }
        let chains = rule.never.iter().filter_map(|never| graph.chain(rule.package, never));
        findings.extend(chains.map(|chain| finding(Fault::Reaches { chain, why: rule.why })));
    }
    findings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PACKAGES: &[&str] =
        &["bedside-core", "bedside-protocol", "bedside-relay", "automerge", "hpke", "tokio", "between"];

    fn graph(edges: &[(&str, &str, Value)]) -> Graph {
        let nodes: Vec<_> = PACKAGES
            .iter()
            .map(|id| {
                let deps = edges.iter().filter(|(from, ..)| from == id);
                let deps: Vec<_> =
                    deps.map(|(_, to, kind)| json!({ "pkg": to, "dep_kinds": [{ "kind": kind }] })).collect();
                json!({ "id": id, "deps": deps })
            })
            .collect();
        let packages: Vec<_> = PACKAGES.iter().map(|name| json!({ "id": name, "name": name })).collect();
        Graph::from_metadata(&json!({ "packages": packages, "resolve": { "nodes": nodes } })).unwrap()
    }

    #[test]
    fn a_relay_that_could_link_documents_is_found_with_the_way_they_come_in() {
        let graph = graph(&[
            ("bedside-relay", "between", Value::Null),
            ("between", "automerge", json!("build")),
            ("automerge", "between", Value::Null),
        ]);
        let chain = ["bedside-relay", "between", "automerge"].map(str::to_owned).to_vec();
        let why = RULES[0].why;
        assert_eq!(check(&graph), [Finding::new("bedside-relay", 0, Fault::Reaches { chain, why })]);
    }

    #[test]
    fn what_only_tests_need_is_not_linked() {
        assert_eq!(check(&graph(&[("bedside-protocol", "tokio", json!("dev"))])), []);
        assert_eq!(check(&graph(&[("bedside-protocol", "tokio", Value::Null)])).len(), 1);
    }

    #[test]
    fn a_rule_about_a_package_that_is_gone_is_found() {
        let graph = Graph { names: BTreeMap::new(), dependencies: BTreeMap::new() };
        assert_eq!(check(&graph).len(), RULES.len());
    }

    #[test]
    fn metadata_of_another_shape_is_an_error_and_not_a_pass() {
        assert!(matches!(Graph::from_metadata(&json!({})), Err(Error::Metadata(_))));
    }
}
