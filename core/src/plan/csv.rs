//! Every answer that somebody entered as a row of a table (RFC 4180), for spreadsheets and audits.

use super::schema::{self, Kind};
use super::view::{By, DecisionView, FieldView, ItemView, ListView, PlanView, SectionView, ValueView};

const HEADINGS: [&str; 19] = [
    "section",
    "field",
    "key",
    "item",
    "answer",
    "kind",
    "code",
    "system",
    "standing",
    "heard_from",
    "author",
    "role",
    "organisation",
    "recorded",
    "relay_time",
    "confirmed",
    "endorsed_by",
    "entry",
    "kept_in",
];

/// The whole plan: a heading, then one row for each answer and each consent, in the order of the sections.
#[must_use]
pub fn render_csv(view: &PlanView) -> String {
    let mut table = Table::default();
    table.row(HEADINGS.map(str::to_owned));
    view.sections.iter().for_each(|section| table.section(section));
    for consent in &view.consents {
        let mut row = Row { section: "consent", kind: "coded", standing: "stands", ..Row::default() };
        (row.field, row.answer) = (&consent.text, &consent.note);
        row.code = consent.outcome;
        row.by = Some(&consent.by);
        table.add(&row);
    }
    table.0
}

#[derive(Default)]
struct Table(String);

/// One answer with everything around it.
#[derive(Default, Clone, Copy)]
struct Row<'a> {
    section: &'a str,
    field: &'a str,
    key: &'a str,
    item: &'a str,
    answer: &'a str,
    kind: &'a str,
    code: &'a str,
    system: &'a str,
    standing: &'a str,
    heard_from: &'a str,
    by: Option<&'a By>,
    with: &'a [String],
    confirmed: &'a str,
    endorsed_by: &'a [By],
    kept_in: Option<&'a str>,
}

impl Table {
    fn section(&mut self, section: &SectionView) {
        let row = Row { section: section.name, standing: "stands", ..Row::default() };
        self.fields(row, &section.fields);
        section.lists.iter().for_each(|list| self.list(row, list));
        for decision in &section.decisions {
            self.decision(row, decision, section.in_conflict);
        }
    }

    fn decision(&mut self, row: Row<'_>, decision: &DecisionView, in_conflict: bool) {
        let standing = if in_conflict { "in conflict" } else { row.standing };
        let (endorsed_by, kept_in) = (decision.endorsed_by.as_slice(), decision.kept_in);
        let row = Row { standing, by: Some(&decision.by), endorsed_by, kept_in, ..row };
        self.fields(row, &decision.fields);
        decision.lists.iter().for_each(|list| self.list(row, list));
    }

    fn list(&mut self, row: Row<'_>, list: &ListView) {
        for item in &list.items {
            self.fields(Row { item: &item.id, standing: standing(item, row.standing), ..row }, &item.fields);
        }
    }

    fn fields(&mut self, row: Row<'_>, fields: &[FieldView]) {
        for field in fields {
            let standing = if field.values.len() > 1 { "one of several" } else { row.standing };
            for value in &field.values {
                self.value(Row { field: &field.label, key: &field.key, standing, ..row }, value);
            }
        }
    }

    fn value(&mut self, row: Row<'_>, value: &ValueView) {
        // A text that merges is its authors' own.
        let merges = schema::field(row.key).is_some_and(|(field, _)| field.kind == Kind::Text);
        self.add(&Row {
            answer: &value.text,
            kind: value.answer,
            code: value.code.as_deref().unwrap_or_default(),
            system: value.system.as_deref().unwrap_or_default(),
            standing: if value.correction { "correction" } else { row.standing },
            heard_from: value.heard_from.unwrap_or(if merges { "authors" } else { "" }),
            by: value.by.as_ref().or(row.by),
            with: &value.with,
            confirmed: value.confirmed.as_deref().unwrap_or_default(),
            kept_in: value.kept_in.or(row.kept_in),
            ..row
        });
    }

    fn add(&mut self, row: &Row<'_>) {
        let by = |part: fn(&By) -> Option<&str>| row.by.and_then(part).unwrap_or_default().to_owned();
        let author = by(|by| Some(&by.author));
        let authors = std::iter::once(author).chain(row.with.iter().cloned()).collect::<Vec<_>>();
        let endorsed: Vec<&str> = row.endorsed_by.iter().map(|by| by.author.as_str()).collect();
        self.row([
            row.section.to_owned(),
            row.field.to_owned(),
            row.key.to_owned(),
            row.item.to_owned(),
            row.answer.to_owned(),
            row.kind.to_owned(),
            row.code.to_owned(),
            row.system.to_owned(),
            row.standing.to_owned(),
            row.heard_from.to_owned(),
            authors.join("; "),
            by(|by| Some(by.role)),
            by(|by| by.organisation.as_deref()),
            by(|by| by.time.as_deref()),
            by(|by| by.relay_time.as_deref()),
            row.confirmed.to_owned(),
            endorsed.join("; "),
            by(|by| Some(&by.entry)),
            row.kept_in.unwrap_or_default().to_owned(),
        ]);
    }

    fn row(&mut self, cells: [String; HEADINGS.len()]) {
        self.0 += &cells.map(|cell| quoted(&cell)).join(",");
        self.0 += "\r\n";
    }
}

fn standing<'a>(item: &ItemView, otherwise: &'a str) -> &'a str {
    match (item.in_error, item.ended) {
        (true, _) => "entered in error",
        (false, true) => "ended",
        (false, false) => otherwise,
    }
}

/// A cell as text and nothing else. Spreadsheets take a cell for a formula by its first character, whatever the quotes say:
/// an apostrophe before it says that it is text.
fn quoted(cell: &str) -> String {
    let formula = cell.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
        || cell.starts_with(['\t', '\r', '\n']);
    let mark = if formula { "'" } else { "" };
    format!("\"{mark}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::plans::{Fullness, sample};

    /// RFC 4180, read independently of how it is written.
    fn parse(text: &str) -> Vec<Vec<String>> {
        let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match (quoted, c) {
                (true, '"') if rest.peek() == Some(&'"') => cell.extend(rest.next()),
                (_, '"') => quoted = !quoted,
                (false, ',') => row.push(std::mem::take(&mut cell)),
                (false, '\r') => {}
                (false, '\n') => {
                    row.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut row));
                }
                _ => cell.push(c),
            }
        }
        assert!(!quoted && cell.is_empty() && row.is_empty(), "the last row ends like the others");
        rows
    }

    #[test]
    fn a_cell_is_never_a_formula() {
        assert_eq!(quoted("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        for cell in ["+44 1632 960001", "-1", "@x", "  =1", "\t=1", "\u{ff1d}1", "\r=1"] {
            assert!(quoted(cell).starts_with("\"'"), "{cell:?}");
        }
        assert_eq!(quoted("2.5 mg, twice"), "\"2.5 mg, twice\"");
    }

    #[test]
    fn every_answer_is_one_row_with_who_when_and_heard_from() {
        let everything = sample(5, Fullness::Everything);
        let rows = parse(&render_csv(&everything.view));
        let decided: usize = everything.decisions.iter().map(|(_, fields)| fields.len()).sum();
        assert_eq!(rows.len(), 1 + everything.answers.len() + decided + everything.view.consents.len());
        let column = |name: &str| HEADINGS.iter().position(|heading| *heading == name).unwrap();
        for row in &rows[1..] {
            for name in ["section", "field", "author", "role", "recorded", "entry"] {
                assert!(!row[column(name)].is_empty(), "{name} of {row:?}");
            }
            assert!(row[0] == "consent" || !row[column("heard_from")].is_empty(), "{row:?}");
        }
    }

    #[test]
    fn the_headings_are_stable() {
        expect!["section,field,key,item,answer,kind,code,system,standing,heard_from,author,role,organisation,recorded,relay_time,confirmed,endorsed_by,entry,kept_in"]
            .assert_eq(&HEADINGS.join(","));
    }

    proptest! {
        #[test]
        fn any_table_has_as_many_cells_in_every_row(seed in any::<u64>()) {
            let rows = parse(&render_csv(&sample(seed, Fullness::Chance).view));
            prop_assert!(rows.iter().all(|row| row.len() == HEADINGS.len()));
            for cell in rows.iter().flatten() {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{}", cell);
            }
        }
    }
}
