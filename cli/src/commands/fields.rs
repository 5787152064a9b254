//! The fields of a plan, for whoever writes in it from the terminal.

use bedside_core::api::{FIELDS, Field, Kind, Section};
use bedside_core::plan::codes;
use bedside_core::plan::schema::Class;
use serde_json::{Value, json};

use crate::answers::{section_of, takes};
use crate::error::CliError;
use crate::out::{Out, table};

pub(super) fn list(out: Out, section: Option<&str>) -> Result<(), CliError> {
    let only = section.map(section_of).transpose()?;
    let sections: Vec<Section> =
        Section::ALL.into_iter().filter(|section| only.is_none_or(|only| only == *section)).collect();
    let values: Vec<Value> =
        sections.iter().flat_map(|section| fields_of(*section)).map(for_programs).collect();
    out.answer(&values, || sections.iter().map(|section| in_words(*section)).collect::<Vec<_>>().join("\n\n"))
}

fn fields_of(section: Section) -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().filter(move |field| field.section == section)
}

fn for_programs(field: &Field) -> Value {
    let choices = match field.kind {
        Kind::One(set) => codes::of(set)
            .map(|code| {
                json!({ "token": code.token, "code": code.code, "system": code.system.uri(), "words": code.display })
            })
            .collect(),
        _ => Vec::new(),
    };
    let kind = match field.kind {
        Kind::Text => "text",
        Kind::Line => "words",
        Kind::One(_) => "choice",
        Kind::Date => "date",
        Kind::Number { .. } => "number",
    };
    json!({
        "section": field.section.name(),
        "key": field.key,
        "label": field.label,
        "kind": kind,
        "takes": takes(field),
        "command": command(field),
        "choices": choices,
    })
}

/// With which command a field is written; none for what the plan fills in itself.
fn command(field: &Field) -> Option<&'static str> {
    match (field.class, field.kind) {
        (Class::A, _) => None,
        _ if field.section.is_decision() => Some("decide"),
        _ if field.list().is_some() => Some("add"),
        (_, Kind::Text) => Some("text"),
        _ => Some("set"),
    }
}

fn in_words(section: Section) -> String {
    let how = if section == Section::Control {
        "Filled in by the plan itself".to_owned()
    } else if section.is_decision() {
        format!("Written as a whole: decide {}", section.name())
    } else {
        "Written one by one: set, text, add".to_owned()
    };
    let rows: Vec<Vec<String>> =
        fields_of(section).map(|field| vec![field.key.to_owned(), takes(field)]).collect();
    format!("{} ({})\n{how}\n{}", section.title(), section.name(), table(&["Key", "Takes"], &rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_fits_eighty_columns_and_says_how_it_is_written() {
        for section in Section::ALL {
            let text = in_words(section);
            assert!(text.lines().all(|line| line.chars().count() <= crate::out::COLUMNS), "{text}");
            for field in fields_of(section) {
                assert_eq!(command(field).is_none(), section == Section::Control, "{}", field.key);
            }
        }
    }
}
