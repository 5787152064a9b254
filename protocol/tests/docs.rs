//! `docs/protocol.md` says what the source does: its tables, its CDDL, its links.

mod common;

use std::collections::BTreeSet;

use bedside_protocol::limits;
use bedside_protocol::problem::ProblemKind;
use bedside_protocol::statement::{Capabilities, Role};

use common::cddl::Cddl;
use common::{entries, path, read, statements, unhex, wire};

fn document() -> String {
    read("docs/protocol.md")
}

/// The rows of the table with this heading, without it and the line under it.
fn table<'a>(document: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let after = document.split_once(heading).unwrap_or_else(|| panic!("no table begins with {heading}")).1;
    let rows = after.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect())
        .collect()
}

#[test]
fn the_table_of_problems_is_complete_and_right() {
    let document = document();
    let documented: Vec<_> = table(&document, "| code | slug | status | meaning |")
        .into_iter()
        .map(|row| (row[0].to_owned(), row[1].to_owned(), row[2].to_owned()))
        .collect();
    let code = |kind: &ProblemKind| bedside_protocol::cbor::encode(kind)[0].to_string();
    let kinds = ProblemKind::ALL.iter();
    let real: Vec<_> =
        kinds.map(|kind| (code(kind), kind.slug().to_owned(), kind.status().to_string())).collect();
    assert_eq!(documented, real);
    let last = format!("problem-code = 0..{}\n", real.len() - 1);
    assert!(document.contains(&last), "the CDDL of problem codes does not end at the table's last row");
}

#[test]
fn the_table_of_limits_is_complete_and_right() {
    macro_rules! limits {
        ($($name:ident),+) => { vec![$((stringify!($name).to_owned(), u64::try_from(limits::$name).unwrap())),+] };
    }
    let real = limits![
        ENTRY_BYTES_MAX,
        BODY_BYTES_MAX,
        PAGE_BYTES_MAX,
        PUSH_BYTES_MAX,
        PUSH_ENTRIES_MAX,
        STATEMENTS_MAX,
        STATEMENT_BYTES_MAX,
        SUBSCRIBE_MAX,
        ENROLMENTS_MAX,
        PARENTS_MAX,
        LOOKS_MAX,
        LOOK_TEXT_BYTES_MAX,
        ACKNOWLEDGE_MAX,
        RANGES_MAX,
        RANGE_LIST_MAX,
        NAME_BYTES_MAX,
        INVITE_HOURS_MAX
    ];
    let names: BTreeSet<_> = real.iter().map(|(name, _)| name.as_str()).collect();
    let source = read("protocol/src/limits.rs");
    let constants = source.lines().filter_map(|line| line.strip_prefix("pub const ")?.split(':').next());
    assert_eq!(constants.collect::<BTreeSet<_>>(), names, "this test names the constants of limits.rs");

    let document = document();
    let documented: Vec<_> = table(&document, "| limit | value | of what |")
        .into_iter()
        .map(|row| (row[0].to_owned(), row[1].parse::<u64>().unwrap()))
        .collect();
    assert_eq!(documented, real);
}

#[test]
fn the_table_of_roles_is_complete_and_right() {
    let document = document();
    let bits: Vec<_> = table(&document, "| capability | bit | gives the right to |")
        .into_iter()
        .map(|row| (row[0].to_owned(), 1_u32 << row[1].parse::<u32>().unwrap()))
        .collect();
    assert_eq!(bits, Capabilities::ALL.map(|(name, bit)| (name.to_owned(), bit)));

    let roles = table(&document, "| role | code | usual capabilities |");
    assert_eq!(roles.len(), Role::ALL.len());
    for (row, role) in roles.into_iter().zip(Role::ALL) {
        let named = |name: &str| bits.iter().find(|(other, _)| other == name).map_or(0, |(_, bit)| *bit);
        let usual = row[2].split(", ").map(named).fold(0, |all, bit| all | bit);
        let code = bedside_protocol::cbor::encode(&role)[0].to_string();
        assert_eq!((row[0], row[1].to_owned(), usual), (role.name(), code, role.usual_capabilities().0));
    }
}

#[test]
fn every_rule_that_is_used_is_defined_and_every_rule_is_used() {
    let document = document();
    let cddl = Cddl::of_markdown(&document);
    let uses = cddl.uses();
    let prelude = "any uint nint int bstr bytes tstr text tdate time number biguint bignint bigint integer unsigned \
                   decfrac bigfloat eb64url eb64legacy eb16 encoded-cbor uri b64url b64legacy regexp mime-message \
                   cbor-any float16 float32 float64 float16-32 float32-64 float false true bool nil null undefined";
    for name in prelude.split_whitespace() {
        assert!(!cddl.is_defined(name), "{name} is defined by RFC 8610 itself");
    }
    for (rule, name) in &uses {
        assert!(cddl.is_defined(name), "{rule} uses {name}, which is not defined");
    }
    // Those that begin a message are named in the text; what stands inside one is used by another rule.
    for name in cddl.names() {
        let used = uses.iter().any(|(_, other)| other == name);
        let begins =
            ["entry", "to-be-signed", "invitation", "organisation-request", "charter", "shared-keys"];
        let named = document.contains(&format!("`{name}`"));
        assert!(used || named || begins.contains(&name.as_str()), "nothing uses {name}");
    }
}

#[test]
fn the_vectors_are_what_their_rules_describe() {
    let cddl = Cddl::of_markdown(&document());
    for vector in entries::vectors() {
        assert!(cddl.describes("entry", &vector.bytes), "{}", vector.shows);
    }
    for vector in statements::vectors() {
        assert!(cddl.describes("signed-statement", &vector.bytes), "{}", vector.shows);
    }
    for vector in wire::vectors() {
        assert!(cddl.describes(vector.rule, &vector.bytes), "{}: {}", vector.rule, vector.shows);
    }
}

#[test]
fn every_message_has_a_vector() {
    let shown: BTreeSet<_> = wire::vectors().iter().map(|vector| vector.rule).collect();
    let document = document();
    for row in table(&document, "| request | body | answer | signed in |") {
        for cell in [row[1], row[2]] {
            let rule = cell.rsplit('`').next().unwrap().trim();
            assert!(rule == "none" || shown.contains(rule), "wire.json shows no {rule}");
        }
    }
}

#[test]
fn what_the_document_links_to_exists() {
    let document = document();
    let headings: BTreeSet<_> = document
        .lines()
        .filter_map(|line| line.strip_prefix("## ").or_else(|| line.strip_prefix("### ")))
        .map(|heading| {
            let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -".contains(*c));
            kept.collect::<String>().to_lowercase().replace(' ', "-")
        })
        .collect();
    for link in document.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        match link.strip_prefix('#') {
            Some(heading) => assert!(headings.contains(heading), "there is no heading {link}"),
            None => assert!(path("docs").join(link).exists(), "{link} does not exist"),
        }
    }
}

#[test]
fn what_a_rule_describes_and_what_not() {
    let cddl = Cddl::of_markdown(
        "```cddl\na = { 0: uint, ? 1: b } ; comment\nb = [0, [bstr .size 2]] / [1, [*2 tstr]]\nc = bstr .cbor a\n```",
    );
    assert!(cddl.is_defined("b") && cddl.names().count() == 3);
    assert_eq!(cddl.uses(), [("a".into(), "b".into()), ("c".into(), "a".into())]);
    for (rule, bytes, describes) in [
        ("a", "a10000", true),
        ("a", "a10020", false),
        ("a", "a0", false),
        ("a", "a200000200", false),
        ("a", "a200000182008142ffff", true),
        ("a", "a200000182008141ff", false),
        ("b", "820180", true),
        ("b", "820182606161", true),
        ("b", "820183606060", false),
        ("b", "820280", false),
        ("c", "43a10000", true),
        ("c", "41a0", false),
    ] {
        assert_eq!(cddl.describes(rule, &unhex(bytes)), describes, "{rule} {bytes}");
    }
}
