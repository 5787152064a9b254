//! docs/data-model.md says what is in the databases; here it is held to that.

use std::collections::BTreeSet;

use super::file::{Database, MAILBOX, VAULT};
use super::*;

const DOCUMENT: &str = include_str!("../../../../docs/data-model.md");

/// `database.table.column` for every row of the document's tables; a heading names the table: "### vault.entry".
fn documented() -> BTreeSet<String> {
    let mut table = None;
    let mut columns = BTreeSet::new();
    for line in DOCUMENT.lines() {
        if let Some(heading) = line.strip_prefix('#') {
            table =
                heading.trim_start_matches('#').trim().split(' ').next().filter(|name| name.contains('.'));
        } else if let (Some(table), Some(row)) = (table, line.strip_prefix("| `")) {
            let (column, meaning) = row.split_once("` |").expect("a row begins with a column's name");
            assert!(meaning.trim_end_matches('|').trim().len() > 5, "{table}.{column} has no meaning");
            assert!(columns.insert(format!("{table}.{column}")), "{table}.{column} stands there twice");
        }
    }
    columns
}

fn existing(database: &str, connection: &rusqlite::Connection) -> BTreeSet<String> {
    let sql = "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c \
               WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE 'plan_search_%'";
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.query_map([], |row| {
        Ok(format!("{database}.{}.{}", row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    });
    columns.unwrap().map(Result::unwrap).collect()
}

#[test]
fn the_data_model_names_every_table_and_column_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let mut found = BTreeSet::new();
    for (name, kind, key) in [("vault", &VAULT, Some(KEY)), ("mailbox", &MAILBOX, None)] {
        let database = Database::new(kind, dir.path(), &OpenOptions::default());
        database.create(key).unwrap();
        found.extend(existing(name, &database.open(key).unwrap()));
    }
    let documented = documented();
    let difference: Vec<_> = documented.symmetric_difference(&found).collect();
    assert!(difference.is_empty(), "documented or existing, but not both: {difference:#?}");
    assert!(found.len() > 60);
}

#[test]
fn the_data_model_gives_the_numbers_that_are_stored() {
    for kind in (0..=u8::MAX).filter_map(StatementKind::from_code) {
        assert!(
            DOCUMENT.contains(&format!("{} {}", kind.code(), format!("{kind:?}").to_lowercase())),
            "{kind:?}"
        );
    }
    for reason in (0..=u8::MAX).filter_map(WaitReason::from_code) {
        assert!(
            DOCUMENT.contains(&format!("{} {}", reason.code(), format!("{reason:?}").to_lowercase())),
            "{reason:?}"
        );
    }
    for kind in (0..=u8::MAX).filter_map(ReceiptKind::from_code) {
        assert!(
            DOCUMENT.contains(&format!("{} {}", kind.code(), format!("{kind:?}").to_lowercase())),
            "{kind:?}"
        );
    }
    for list in (0..=u8::MAX).filter_map(List::from_code) {
        assert!(
            DOCUMENT.contains(&format!("{} {}", list.code(), format!("{list:?}").to_lowercase())),
            "{list:?}"
        );
    }
}
