//! Enough of Rust's grammar to know what a file names: comments and literals out, `use` trees spelt out.

/// The text without comments and without what literals hold; lines stay where they were.
pub(super) fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let hidden = comment(rest).or_else(|| literal(rest)).or_else(|| character(rest));
        let shown = if first.is_alphanumeric() || first == '_' { word(rest) } else { first.len_utf8() };
        if let Some(length) = hidden {
            code.push(' ');
            code.extend(rest[..length].chars().filter(|c| *c == '\n'));
        } else {
            code.push_str(&rest[..shown]);
        }
        rest = &rest[hidden.unwrap_or(shown)..];
    }
    code
}

/// A text that the code holds.
pub(super) struct Literal<'a> {
    pub(super) line: usize,
    pub(super) text: &'a str,
    /// Bytes, which nobody reads.
    pub(super) bytes: bool,
    /// The code before it, since the statement began.
    pub(super) before: String,
}

/// Every text that the code holds, comments and characters left out.
pub(super) fn literals(text: &str) -> Vec<Literal<'_>> {
    let (mut found, mut before, mut line, mut rest) = (Vec::new(), String::new(), 1, text);
    while let Some(first) = rest.chars().next() {
        let string = literal(rest).filter(|_| comment(rest).is_none());
        let hidden = string.or_else(|| comment(rest)).or_else(|| character(rest));
        let shown = if first.is_alphanumeric() || first == '_' { word(rest) } else { first.len_utf8() };
        if let Some(length) = string {
            let quoted = &rest[..length];
            let begins = quoted.find('"').map_or(0, |at| at + 1);
            let text = quoted[begins..].trim_end_matches(['"', '#']);
            found.push(Literal { line, text, bytes: quoted.starts_with('b'), before: before.clone() });
        } else if matches!(first, ';' | '{' | '}') {
            before.clear();
        }
        if hidden.is_none() {
            before.push_str(&rest[..shown]);
        }
        let length = hidden.unwrap_or(shown);
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    found
}

fn word(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
}

fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let (mut at, mut depth) = (2, 1);
    while depth > 0 {
        let rest = &text[at..];
        let (open, close) = (rest.find("/*").unwrap_or(usize::MAX), rest.find("*/").unwrap_or(usize::MAX));
        match open.min(close) {
            usize::MAX => return Some(text.len()),
            next => at += next + 2,
        }
        if open < close { depth += 1 } else { depth -= 1 }
    }
    Some(at)
}

fn literal(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "r", "b", "c", ""].into_iter().find(|prefix| {
        let rest = text.strip_prefix(prefix).unwrap_or_default();
        rest.starts_with('"') || (prefix.ends_with('r') && rest.trim_start_matches('#').starts_with('"'))
    })?;
    let body = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = body.find('"')?;
        let end = format!("\"{}", &body[..hashes]);
        let start = prefix.len() + hashes + 1;
        return Some(text[start..].find(&end).map_or(text.len(), |at| start + at + end.len()));
    }
    let mut escaped = false;
    for (at, c) in body.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(prefix.len() + at + 1),
            _ => {}
        }
    }
    Some(text.len())
}

/// A character literal; a lifetime is not one.
fn character(text: &str) -> Option<usize> {
    let body = text.strip_prefix('\'')?;
    let first = body.chars().next()?;
    let after = if first == '\\' { 2 } else { first.len_utf8() };
    let close = body.get(after..)?.find('\'')?;
    (first == '\\' || close == 0).then_some(1 + after + close + 1)
}

/// A path as code names it, `std::fs::File`, with the line it stands on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) line: usize,
    pub(super) path: String,
    /// In a `use`, where a single word is a crate too.
    pub(super) imported: bool,
}

/// Every path that the code names. `use a::{b, c::d}` names `a::b` and `a::c::d`.
pub(super) fn names(code: &str) -> Vec<Name> {
    let tokens = tokens(code);
    let mut names = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at = match token.text {
            "use" => use_tree(&tokens, at + 1, "", &mut names),
            text if is_word(text) => path(&tokens, at, &mut names),
            _ => at + 1,
        };
    }
    names
}

struct Token<'a> {
    line: usize,
    text: &'a str,
}

fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = match word(rest) {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                length => length,
            };
            tokens.push(Token { line: index + 1, text: &rest[..length] });
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn path(tokens: &[Token<'_>], start: usize, names: &mut Vec<Name>) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let mut path = text(start).to_owned();
    let mut at = start + 1;
    while text(at) == "::" && is_word(text(at + 1)) {
        path.push_str("::");
        path.push_str(text(at + 1));
        at += 2;
    }
    names.push(Name { line: tokens[start].line, path, imported: false });
    at
}

/// Reads one branch of a `use` tree and returns where it ends.
fn use_tree(tokens: &[Token<'_>], start: usize, prefix: &str, names: &mut Vec<Name>) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let mut path = prefix.to_owned();
    let mut at = start;
    loop {
        match text(at) {
            "{" => {
                at += 1;
                while !matches!(text(at), "}" | "") {
                    at = use_tree(tokens, at, &path, names);
                    at += usize::from(text(at) == ",");
                }
                return at + 1;
            }
            "::" => at += 1,
            word if is_word(word) && word != "as" => {
                if !path.is_empty() {
                    path.push_str("::");
                }
                path.push_str(word);
                at += 1;
            }
            _ => break,
        }
    }
    let line = tokens.get(start).map_or(0, |token| token.line);
    names.push(Name { line, path, imported: true });
    while !matches!(text(at), "," | "}" | ";" | "") {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(code: &str) -> Vec<String> {
        names(&code_only(code)).into_iter().map(|name| name.path).collect()
    }

    #[test]
    fn comments_and_literals_name_nothing() {
        let code = r###"
            //! the only module that names rusqlite
            /* rusqlite /* nested */ rusqlite */
            let a = "rusqlite \" rusqlite"; let b = r#"rusqlite " rusqlite"#; let c = b"rusqlite";
            let quote = '"'; let escaped = '\''; fn f<'rusqlite>() {}
        "###;
        let words = paths(code);
        assert_eq!(words.iter().filter(|word| *word == "rusqlite").count(), 1, "the lifetime: {words:?}");
        assert!(words.contains(&"f".to_owned()), "code after the literals is still seen");
    }

    #[test]
    fn a_use_tree_is_spelt_out() {
        let code = "use std::{collections::{BTreeMap, HashMap as Map}, fs, net::*};\nfs::read();";
        assert_eq!(
            paths(code),
            ["std::collections::BTreeMap", "std::collections::HashMap", "std::fs", "std::net", "fs::read"]
        );
    }

    #[test]
    fn lines_stay_where_they_were() {
        let code = "/*\n\n*/ \"a\nb\" x::y";
        let name = &names(&code_only(code))[0];
        assert_eq!((name.line, name.path.as_str()), (4, "x::y"));
    }

    #[test]
    fn a_text_is_found_with_the_code_before_it() {
        let code = "fn f() {\n    x.expect(\"one\"); // \"no\"\n    g('\"', r#\"two \"2\"#)\n}";
        let found = literals(code);
        let shown: Vec<_> = found.iter().map(|l| (l.line, l.text, l.before.trim())).collect();
        assert_eq!(shown, [(2, "one", "{\n    x.expect("), (3, "two \"2", "; \n    g(,")]);
    }

    #[test]
    fn code_that_breaks_off_is_read_to_its_end() {
        for code in ["use a::{b", "/* open", "\"open", "r#\"open", "'", "use", "'\\"] {
            let _ = paths(code);
        }
    }
}
