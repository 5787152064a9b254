//! Who has looked, at the end of the person's page. What was done without their consent comes first.

use bedside_protocol::entry::{Act, Look};

use super::write::Writer;
use super::{Block, Item, Mark, Part};
use crate::limits::PAGE_LOOKS_MAX;
use crate::plan::dates;
use crate::plan::locale::field_id;
use crate::plan::looks::{Looked, Often, broken_glass, by_day};
use crate::plan::schema;
use crate::plan::words;

/// `looks` stand with the newest first.
pub(super) fn part(write: &Writer<'_>, looks: &[Looked]) -> Part {
    let (glass, days) = (broken_glass(looks), by_day(looks));
    let marks: Vec<Mark> = glass.iter().take(PAGE_LOOKS_MAX).map(|looked| opened(write, looked)).collect();
    let items: Vec<Item> = days.iter().take(PAGE_LOOKS_MAX).map(|often| item(write, often)).collect();
    let more = (glass.len() + days.len()).saturating_sub(marks.len() + items.len());
    let mut part = Part::new("looks", write.locale.say("person-heading-looks", &[]));
    part.blocks.push(Block::text(known(write, looks.is_empty())));
    if !marks.is_empty() {
        part.blocks.push(Block::Marks { marks });
    }
    if !items.is_empty() {
        part.blocks.push(Block::List { list: "look", items });
    }
    if more > 0 {
        part.blocks.push(Block::text(write.locale.say("person-looks-more", &[("count", more.into())])));
    }
    part.blocks.push(Block::text(write.locale.say("person-looks-own", &[])));
    part
}

/// Up to when this device knows: it may be the last to hear.
fn known(write: &Writer<'_>, none: bool) -> String {
    let contact = write.view.as_of.last_contact.as_deref().and_then(dates::from_rfc3339);
    let message = match (none, contact) {
        (false, Some(_)) => "person-looks-known",
        (false, None) => "person-looks-known-never",
        (true, Some(_)) => "person-looks-none",
        (true, None) => "person-looks-none-never",
    };
    write.locale.say(message, &[("when", contact.map_or_else(String::new, dates::show_minute).into())])
}

fn opened(write: &Writer<'_>, looked: &Looked) -> Mark {
    let (reason, why) = match &looked.look.why {
        Some(why) => (words::reason(why.reason), why.text.as_str()),
        None => ("none", ""),
    };
    let told = [
        ("who", who(write, looked).into()),
        ("when", dates::show_minute(looked.look.at).into()),
        ("reason", reason.into()),
        ("why", why.into()),
    ];
    Mark {
        action: doubt(write, looked),
        ..write.mark("danger", "break-glass", write.locale.say("person-looked-glass", &told))
    }
}

fn item(write: &Writer<'_>, often: &Often<'_>) -> Item {
    let Looked { look: Look { at, act, what, .. }, .. } = often.last;
    let message = match act {
        Act::View | Act::BreakGlass => "person-looked-view",
        Act::Reveal => "person-looked-reveal",
        Act::Print => "person-looked-print",
        Act::Export => "person-looked-export",
    };
    let what = what.as_deref().unwrap_or_default();
    let what = schema::field(what)
        .map_or_else(|| what.to_owned(), |(field, _)| write.label(&field_id(field), field.label));
    let told = [("who", who(write, often.last).into()), ("count", often.count.into()), ("what", what.into())];
    let when = [("when", dates::show_minute(*at).into()), ("count", often.count.into())];
    let note = [Some(write.locale.say("person-looked-when", &when)), doubt(write, often.last)];
    Item {
        title: write.locale.say(message, &told),
        state: None,
        kept: None,
        facts: Vec::new(),
        note: Some(note.into_iter().flatten().collect::<Vec<_>>().join("; ")),
    }
}

fn who(write: &Writer<'_>, looked: &Looked) -> String {
    let name = looked.role.name();
    let role = write.label(&format!("role-{name}"), name);
    let told = [("author", (&looked.author).into()), ("role", role.into())];
    match &looked.organisation {
        Some(organisation) => write
            .locale
            .say("person-looked-who-of", &[&told[..], &[("organisation", organisation.into())]].concat()),
        None => write.locale.say("person-looked-who", &told),
    }
}

fn doubt(write: &Writer<'_>, looked: &Looked) -> Option<String> {
    looked.held.is_some().then(|| write.locale.say("person-looked-doubtful", &[]))
}
