//! The pages under `docs/api`: every name of the library in Kotlin and Swift with what it says of itself.
//! `cargo xtask apidoc` writes them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::fmt::Write as _;

use expect_test::expect_file;
use uniffi::TargetLanguage;

/// A language of apps, and what its generated source looks like.
struct Language {
    name: &'static str,
    title: &'static str,
    /// Below the generator's output folder.
    source: &'static str,
    /// How a declaration begins.
    heads: &'static [&'static str],
    /// How a part of one begins.
    parts: &'static [&'static str],
}

const KOTLIN: Language = Language {
    name: "kotlin",
    title: "Kotlin",
    source: "org/bedside/bedside.kt",
    heads: &["public interface ", "data class ", "enum class ", "sealed class ", "public typealias ", "fun "],
    parts: &["val ", "fun ", "data class ", "class ", "object "],
};

const SWIFT: Language = Language {
    name: "swift",
    title: "Swift",
    source: "Bedside.swift",
    heads: &["public protocol ", "public struct ", "public enum ", "public typealias ", "public func "],
    parts: &["public let ", "func ", "case ", "public static func "],
};

/// What carries calls across and no app writes.
const CARRIERS: &[&str] = &[
    "niffi",
    "Ffi",
    "RustBuffer",
    "RustCall",
    "ForeignBytes",
    "NoHandle",
    "_UInt",
    "callCounter",
    "Disposable",
];

fn page(language: &Language, source: &str) -> String {
    let mut out = format!(
        "# {} names\n\nWritten by `cargo xtask apidoc` from the library itself. [phones.md](../phones.md) says how to begin on a phone.\n",
        language.title
    );
    let mut doc = String::new();
    let mut inside = false;
    // Some comments are followed by what they are about on the same line.
    let apart = source.replace("public \nenum", "public enum").replace("*/ fun ", "*/\nfun ");
    let apart = apart.replace("*/", "*/\n    ").replace("*/\n    \n", "*/\n");
    let plain = apart.replace('`', "").replace("kotlin.", "").replace("org.bedside.", "");
    let mut lines = plain.lines();
    while let Some(line) = lines.next() {
        let code = line.trim();
        if code.starts_with("/**") {
            doc = documentation(code, &mut lines);
            continue;
        }
        if code.is_empty() {
            continue;
        }
        let begins = |words: &[&str]| words.iter().any(|word| code.starts_with(word));
        let ours = !CARRIERS.iter().any(|carrier| code.contains(carrier));
        let top = !line.starts_with(' ');
        if top && code.starts_with(|c: char| c.is_alphabetic() || c == '@') {
            inside = ours && begins(language.heads);
            if inside {
                let _ = write!(out, "\n## {}\n\n```{}\n{}\n```\n", name(code), language.name, bare(code));
                paragraph(&mut out, "", &doc);
            }
        } else if inside && !top && ours && (begins(language.parts) || is_value(code)) {
            let _ = write!(out, "\n- `{}`", bare(code));
            paragraph(&mut out, ": ", &doc);
        }
        doc.clear();
    }
    out
}

/// `NURSE,` of a Kotlin enum, or `status: SyncStatus` of a Swift one.
fn is_value(code: &str) -> bool {
    let word = code.trim_end_matches([',', ';']);
    let constant = !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    let labelled = word.split_once(": ").is_some_and(|(name, kind)| {
        name.chars().all(char::is_alphanumeric) && kind.starts_with(|c: char| c.is_uppercase() || c == '[')
    });
    constant || labelled
}

/// The text of a comment, its lines joined; its paragraphs stay apart.
fn documentation<'a>(first: &str, lines: &mut impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    let mut line = Some(first);
    while let Some(part) = line {
        let words =
            part.trim().trim_start_matches("/**").trim_end_matches("*/").trim_start_matches('*').trim();
        match (words.is_empty(), text.is_empty() || text.ends_with('\n')) {
            (true, true) => {}
            (true, false) => text.push('\n'),
            (false, true) => text.push_str(words),
            (false, false) => text.extend([" ", words]),
        }
        if part.trim_end().ends_with("*/") {
            break;
        }
        line = lines.next();
    }
    text
}

fn paragraph(out: &mut String, before: &str, doc: &str) {
    let text = doc.trim().replace('\n', " ");
    if !text.is_empty() {
        let gap = if before.is_empty() { "\n" } else { before };
        let _ = write!(out, "{gap}{text}");
    }
    out.push('\n');
}

fn bare(code: &str) -> &str {
    code.trim_end_matches(['{', '(', ' ', ',', ';'])
}

/// The name that a declaration gives.
fn name(code: &str) -> &str {
    const WORDS: &[&str] = &[
        "public",
        "interface",
        "data",
        "enum",
        "sealed",
        "class",
        "typealias",
        "fun",
        "protocol",
        "struct",
        "func",
    ];
    let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    words.find(|word| !WORDS.contains(word)).unwrap_or(code)
}

#[test]
fn the_kotlin_page_says_what_the_library_says() {
    let source = common::generated(TargetLanguage::Kotlin, KOTLIN.source);
    expect_file!["../../docs/api/kotlin.md"].assert_eq(&page(&KOTLIN, &source));
}

#[test]
fn the_swift_page_says_what_the_library_says() {
    let source = common::generated(TargetLanguage::Swift, SWIFT.source);
    expect_file!["../../docs/api/swift.md"].assert_eq(&page(&SWIFT, &source));
}

#[test]
fn a_record_is_a_heading_its_fields_and_what_they_say() {
    let kotlin = "\n/**\n * What must be seen first.\n */\ndata class Alert (\n    /**\n     * For people.\n     */\n    \
                  val `text`: kotlin.String\n    ,\n) {\n    companion object\n}\ninternal class UniffiThing {\n    val x: Int\n}\n";
    let page = page(&KOTLIN, kotlin);
    let (_, body) = page.split_once("## ").unwrap();
    assert_eq!(
        body,
        "Alert\n\n```kotlin\ndata class Alert\n```\n\nWhat must be seen first.\n\n- `val text: String`: For people.\n"
    );
}

#[test]
fn a_swift_enum_shows_its_cases_and_their_values() {
    let swift = "/**\n * A moment.\n *\n * In the past.\n */\n\npublic enum At: Equatable {\n    /**\n     * After an entry.\n     */\n    \
                 case entry(\n        /**\n         * The entry.\n         */entry: EntryId\n    )\n}\n";
    let page = page(&SWIFT, swift);
    let (_, body) = page.split_once("## ").unwrap();
    assert_eq!(
        body,
        "At\n\n```swift\npublic enum At: Equatable\n```\n\nA moment. In the past.\n\n- `case entry`: After an entry.\n\n\
         - `entry: EntryId`: The entry.\n"
    );
}
