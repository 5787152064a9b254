//! What apps see. A difference here is a difference for every app: `UPDATE_EXPECT=1 cargo test -p bedside-bindings` writes it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use expect_test::expect_file;
use uniffi::TargetLanguage;

fn generated(language: TargetLanguage, file: &str) -> String {
    without_comments(&common::generated(language, file))
}

fn without_comments(text: &str) -> String {
    let text = text.replace("*/ fun ", "*/\nfun ");
    let mut kept = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("/**") {
        kept.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept.replace('`', "").replace("kotlin.", "")
}

/// What apps write themselves, or write against, and nothing of what carries it across.
fn signatures(text: &str, heads: &[&str], parts: &[&str]) -> String {
    const CARRIERS: &[&str] =
        &["niffi", "Ffi", "RustBuffer", "RustCall", "ForeignBytes", "NoHandle", "_UInt", " = this."];
    let mut out = String::new();
    let (mut inside, mut in_enum) = (false, false);
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        let part = line.trim();
        let begins = |words: &[&str]| words.iter().any(|word| part.starts_with(word));
        let carrier = CARRIERS.iter().any(|word| part.contains(word));
        // A brace or parenthesis at the margin closes a body of generated code; a word there begins something else.
        let margin = !line.starts_with("  ") && part.starts_with(|c: char| c.is_alphabetic() || c == '@');
        if margin {
            inside = begins(heads) && !carrier;
            in_enum = part.contains("enum ");
        }
        let member = begins(parts) || (in_enum && is_case_or_value(part));
        if inside && !carrier && (margin || member) {
            let indent = if margin { "" } else { "    " };
            out.push_str(indent);
            out.push_str(part.trim_end_matches(['{', '(', ' ', ',', ';']));
            out.push('\n');
        }
    }
    out
}

/// `NURSE,` of a Kotlin enum, or `status: SyncStatus` of a Swift one.
fn is_case_or_value(part: &str) -> bool {
    let word = part.trim_end_matches([',', ';']);
    let upper = |c: char| c.is_ascii_uppercase() || c == '_';
    let name = part.split(':').next().unwrap_or_default();
    let value = part.contains(": ") && name.chars().all(|c| c.is_ascii_alphanumeric());
    value || (!word.is_empty() && word.chars().all(upper))
}

#[test]
fn kotlin_is_what_the_golden_file_says() {
    let heads = [
        "data class ",
        "enum class ",
        "sealed class ",
        "public interface ",
        "open class ",
        "public typealias ",
        "fun ",
        "@Throws(",
    ];
    let parts = ["val ", "fun ", "@Throws(ApiException::class) fun ", "data class ", "class ", "object "];
    let text = signatures(&generated(TargetLanguage::Kotlin, "org/bedside/bedside.kt"), &heads, &parts);
    expect_file!["../golden/kotlin.txt"].assert_eq(&text);
}

#[test]
fn swift_is_what_the_golden_file_says() {
    let heads = [
        "public struct ",
        "public enum ",
        "enum ",
        "public protocol ",
        "open class ",
        "public typealias ",
        "public func ",
    ];
    let parts = ["public let ", "func ", "case ", "public static func ", "public convenience init"];
    let text = signatures(&generated(TargetLanguage::Swift, "Bedside.swift"), &heads, &parts);
    expect_file!["../golden/swift.txt"].assert_eq(&text);
}
