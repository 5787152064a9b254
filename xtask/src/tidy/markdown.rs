//! Links in documents lead somewhere: to a file that is tracked, and to a heading in it.

use std::collections::BTreeMap;

use super::tree::{Tree, extension};
use super::{Fault, Finding};

/// Every relative link without its file or heading.
pub(super) fn dead_links(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension(&["md"]) {
        for (line, content) in prose(text) {
            for target in links(&without_code(&content)) {
                if let Some(fault) = fault_of(tree, path, text, &target) {
                    findings.push(Finding::new(path, line, fault));
                }
            }
        }
    }
    findings
}

fn fault_of(tree: &Tree, from: &str, text: &str, target: &str) -> Option<Fault> {
    let is_elsewhere = target.contains("://") || target.starts_with("mailto:");
    if is_elsewhere {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let dead_link = Some(Fault::DeadLink { target: target.to_owned() });
    let dead_anchor = Some(Fault::DeadAnchor { target: target.to_owned() });
    let Some(path) = resolve(from, file) else { return dead_link };
    if !tree.has(&path) {
        return dead_link;
    }
    if anchor.is_empty() {
        return None;
    }
    let there = if file.is_empty() { Some(text) } else { tree.text(&path) };
    let is_there = there.is_some_and(|there| match extension(&path) {
        Some("md") => anchors(there).iter().any(|known| known == anchor),
        _ => has_line(there, anchor),
    });
    if is_there { None } else { dead_anchor }
}

/// `#L10` and `#L10-L20` in a source file.
fn has_line(text: &str, anchor: &str) -> bool {
    let count = text.lines().count();
    anchor.split('-').all(|part| {
        part.strip_prefix('L')
            .and_then(|line| line.parse().ok())
            .is_some_and(|line| (1..=count).contains(&line))
    })
}

/// A link's path from the root; none when it leads out of the project.
fn resolve(from: &str, target: &str) -> Option<String> {
    if target.is_empty() {
        return Some(from.to_owned());
    }
    let target = target.replace("%20", " ");
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    if target.starts_with('/') {
        parts.clear();
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The lines of a document that are not in a code block, with their numbers.
pub(super) fn prose(text: &str) -> Vec<(usize, String)> {
    let mut fence: Option<&str> = None;
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| trimmed.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) => lines.push((index + 1, line.to_owned())),
            _ => {}
        }
    }
    lines
}

/// What stands between backticks in a line.
pub(super) fn code_spans(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

fn without_code(line: &str) -> String {
    let closed = line.matches('`').count() / 2 * 2;
    let shown = line.split('`').enumerate();
    shown.filter(|(index, _)| index % 2 == 0 || *index > closed).map(|(_, part)| part).collect()
}

fn links(line: &str) -> Vec<String> {
    let mut links = Vec::new();
    for (at, _) in line.match_indices("](") {
        links.push(inside_parentheses(&line[at + 2..]));
    }
    for mark in ["href=\"", "src=\""] {
        let after = line.match_indices(mark).map(|(at, _)| &line[at + mark.len()..]);
        links.extend(after.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
    }
    // A reference's definition: `[name]: target`.
    let definition = line.trim_start().strip_prefix('[').and_then(|rest| rest.split_once("]:"));
    links.extend(definition.map(|(_, rest)| rest.trim().to_owned()));
    let bare = |link: &String| {
        let target = link.split_whitespace().next().unwrap_or_default();
        target.trim_start_matches('<').trim_end_matches('>').to_owned()
    };
    links.iter().map(bare).filter(|target| !target.is_empty()).collect()
}

fn inside_parentheses(text: &str) -> String {
    let mut depth = 1;
    let inside = text.chars().take_while(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        depth > 0
    });
    inside.collect()
}

/// Every place in a document that a link can lead to.
fn anchors(text: &str) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut anchors = Vec::new();
    for (_, line) in prose(text) {
        for mark in ["id=\"", "name=\""] {
            let after = line.match_indices(mark).map(|(at, _)| &line[at + mark.len()..]);
            anchors.extend(after.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        }
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        if !(1..=6).contains(&level) || !line[level..].starts_with(' ') {
            continue;
        }
        let slug = slug(&line[level..]);
        let earlier = seen.entry(slug.clone()).or_default();
        anchors.push(if *earlier == 0 { slug } else { format!("{slug}-{earlier}") });
        *earlier += 1;
    }
    anchors
}

/// A heading's anchor, by the rule that code hosts share: lower case, no punctuation, hyphens for spaces.
fn slug(heading: &str) -> String {
    let mut text = heading.trim().trim_end_matches('#').trim().to_lowercase();
    // Of a link in a heading, only its text counts.
    while let Some((before, after)) = text.split_once("](") {
        let rest = &after[inside_parentheses(after).len()..];
        text = format!("{before}{}", rest.strip_prefix(')').unwrap_or(rest));
    }
    text.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead(text: &str) -> Vec<String> {
        let tree = Tree::of(&[
            ("docs/here.md", text),
            (
                "docs/there.md",
                "# There it is\n## `x`: a [link](y.md), 2\n## `x`: a link, 2\n<a id=\"mark\"></a>\n",
            ),
            ("core/src/lib.rs", "one\ntwo\n"),
            ("README.md", "# Top\n"),
        ]);
        let here = |finding: &Finding| finding.path == "docs/here.md";
        let targets = dead_links(&tree).into_iter().filter(here).map(|finding| match finding.fault {
            Fault::DeadLink { target } | Fault::DeadAnchor { target } => target,
            other => other.to_string(),
        });
        targets.collect()
    }

    #[test]
    fn links_to_files_folders_headings_and_lines_are_followed() {
        for alive in [
            "[a](there.md) ![b](../README.md#top) [c](/core/src) [d](.)",
            "[a](there.md#there-it-is) [b](there.md#x-a-link-2) [c](there.md#x-a-link-2-1) [d](there.md#mark)",
            "[a](../core/src/lib.rs#L2) [b](there.md \"title\") [c](<there.md>)",
            "# Here\n[a](#here)\n[ref]: there.md\n<img src=\"../README.md\">",
        ] {
            assert_eq!(dead(alive), [""; 0], "{alive}");
        }
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        for (text, target) in [
            ("[a](gone.md)", "gone.md"),
            ("[a](../../outside.md)", "../../outside.md"),
            ("see [a](there.md#gone)", "there.md#gone"),
            ("[a](#gone)", "#gone"),
            ("[a](../core/src/lib.rs#L3)", "../core/src/lib.rs#L3"),
            ("[ref]: gone.md", "gone.md"),
            ("<a href=\"gone.md\">", "gone.md"),
        ] {
            assert_eq!(dead(text), [target]);
        }
    }

    #[test]
    fn code_and_other_sites_are_not_followed() {
        let text = "`[a](gone.md)` [x](https://example.org/gone) <mailto:a@b>\n```\n[a](gone.md)\n```\n";
        assert_eq!(dead(text), [""; 0]);
        assert_eq!(dead("one ` alone [a](gone.md)"), ["gone.md"]);
    }
}
