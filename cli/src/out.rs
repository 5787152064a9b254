//! Words for people, JSON for programs.

use std::io::{self, Write};

use serde::Serialize;

use crate::error::CliError;

/// How wide text for people may be.
pub(crate) const COLUMNS: usize = 80;

/// Where answers go.
#[derive(Clone, Copy)]
pub(crate) struct Out {
    pub(crate) json: bool,
}

impl Out {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Answers on standard output: JSON in one line, or words.
    pub(crate) fn answer(
        self,
        value: &impl Serialize,
        words: impl FnOnce() -> String,
    ) -> Result<(), CliError> {
        if self.json { line(&to_json(value)?) } else { line(words().trim_end()) }
    }

    /// Tells how it goes, on standard error and to people only.
    pub(crate) fn note(self, text: &str) {
        if !self.json {
            // Nobody is left to tell when standard error is gone.
            let _ = writeln!(io::stderr(), "{}", wrap(text, 0));
        }
    }

    /// Tells what went wrong, on standard error.
    pub(crate) fn error(self, error: &CliError) {
        let text = if self.json {
            let message = error.to_string();
            serde_json::json!({ "error": { "code": error.code(), "message": message } }).to_string()
        } else {
            format!("bedside: {error}")
        };
        let _ = writeln!(io::stderr(), "{text}");
    }
}

/// A value as one line of JSON.
pub(crate) fn to_json(value: &impl Serialize) -> Result<String, CliError> {
    serde_json::to_string(value)
        .map_err(|source| CliError::Stream { what: "writing JSON", source: source.into() })
}

/// Writes one line to standard output at once. A reader that went away ends the program quietly, as is the custom.
pub(crate) fn line(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(source) if source.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        written => written.map_err(|source| CliError::Stream { what: "standard output", source }),
    }
}

/// Breaks text between words at [`COLUMNS`], each further line indented.
pub(crate) fn wrap(text: &str, indent: usize) -> String {
    let mut wrapped = String::new();
    for (number, paragraph) in text.split('\n').enumerate() {
        if number > 0 {
            wrapped.push('\n');
        }
        if paragraph.chars().count() <= COLUMNS {
            wrapped.push_str(paragraph);
            continue;
        }
        let lead = paragraph.len() - paragraph.trim_start().len();
        wrapped.push_str(&paragraph[..lead]);
        let mut column = lead;
        for (number, word) in paragraph.split_whitespace().enumerate() {
            let width = word.chars().count();
            if number > 0 && column + 1 + width > COLUMNS {
                wrapped.push('\n');
                wrapped.push_str(&" ".repeat(lead + indent));
                column = lead + indent;
            } else if number > 0 {
                wrapped.push(' ');
                column += 1;
            }
            wrapped.push_str(word);
            column += width;
        }
    }
    wrapped
}

/// Columns under headings, as wide as they need to be; the last one is broken at [`COLUMNS`].
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([headings[column].chars().count()]).max().unwrap_or(0)
    };
    let last = headings.len() - 1;
    let line = |cells: &[String]| {
        let mut text = String::new();
        for (column, cell) in cells.iter().enumerate().take(last) {
            let pad = width(column).saturating_sub(cell.chars().count()) + 2;
            text.push_str(cell);
            text.push_str(&" ".repeat(pad));
        }
        let indent = text.chars().count();
        let room = COLUMNS.saturating_sub(indent).max(20);
        let cell = cells.get(last).map(String::as_str).unwrap_or_default();
        for (number, part) in fold(cell, room).iter().enumerate() {
            if number > 0 {
                text.push('\n');
                text.push_str(&" ".repeat(indent));
            }
            text.push_str(part);
        }
        text.trim_end().to_owned()
    };
    let heading: Vec<String> = headings.iter().map(|&heading| heading.to_owned()).collect();
    std::iter::once(line(&heading)).chain(rows.iter().map(|row| line(row))).collect::<Vec<_>>().join("\n")
}

fn fold(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let full = lines
            .last()
            .is_some_and(|line| !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room);
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// A number of bytes as people read it.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{}.{} KB", count / 1_000, count % 1_000 / 100),
        _ => format!("{}.{} MB", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}

/// A count with its noun.
pub(crate) fn many(count: u64, one: &str, more: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {more}") }
}

/// How long until something, in words.
pub(crate) fn in_time(ms: u64) -> String {
    match ms.div_ceil(1_000) {
        seconds @ 0..100 => format!("in {}", many(seconds, "second", "seconds")),
        seconds => format!("in {}", many(seconds.div_ceil(60), "minute", "minutes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_between_words_at_eighty_columns() {
        let wrapped = wrap(&format!("  {}", "sixteen letters ".repeat(20)), 2);
        assert!(wrapped.lines().all(|line| line.chars().count() <= COLUMNS), "{wrapped}");
        assert!(wrapped.lines().skip(1).all(|line| line.starts_with("    ")), "{wrapped}");
        assert_eq!(wrapped.split_whitespace().count(), 40);
        assert_eq!(wrap("one\nand  two", 0), "one\nand  two", "what fits is left as it is");
    }

    #[test]
    fn a_long_last_column_stays_under_its_heading() {
        let text = table(&["key", "choices"], &[vec!["cpr.decision".into(), "a-long-word ".repeat(12)]]);
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
        assert!(
            text.lines().nth(2).is_some_and(|line| line.starts_with("              a-long-word")),
            "{text}"
        );
    }

    #[test]
    fn numbers_are_written_as_people_read_them() {
        assert_eq!(
            [0, 999, 1_000, 20_480, 3_450_000].map(bytes),
            ["0 B", "999 B", "1.0 KB", "20.4 KB", "3.4 MB"]
        );
        assert_eq!(in_time(1), "in 1 second");
        assert_eq!(in_time(30_000), "in 30 seconds");
        assert_eq!(in_time(301_000), "in 6 minutes");
    }
}
