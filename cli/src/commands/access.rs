//! Who looked, what is shown only when it is asked for, and the person's notebook.

use bedside_core::api::{AccessRow, Clock as _, Kind, NotebookRow, OversightRow, SystemClock, Timestamp};
use bedside_core::plan::dates;
use serde_json::json;

use super::plans::grouped;
use super::{Context, find};
use crate::answers::{field_of, leaf, unanswered};
use crate::args::{Looking, Notebook};
use crate::error::CliError;
use crate::out::{many, wrap};
use crate::stop::Stop;

const DAY_MS: u64 = 86_400_000;

pub(super) fn look(context: &Context, looking: Looking) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    match looking {
        Looking::Reveal { plan, key } => {
            let values = open.app.reveal(find(&open.app, &plan)?, &key)?;
            let words = || values.iter().map(|value| value.text.clone()).collect::<Vec<_>>().join("\n");
            context.out.answer(&values, words)
        }
        Looking::Access { plan } => {
            let rows = open.app.access_record(find(&open.app, &plan)?)?;
            context.out.answer(&rows, || match rows.as_slice() {
                [] => "No look is recorded on this device yet.".into(),
                rows => rows.iter().map(looked).collect::<Vec<_>>().join("\n"),
            })
        }
        Looking::BreakGlass { plan, reason, text } => {
            open.app.break_glass(find(&open.app, &plan)?, reason.into(), &text)?;
            context.out.answer(&json!({ "opened": true }), || {
                "The plan is open for you for an hour. That you opened it is recorded, and is the first\n\
                 thing sent: `bedside sync` now."
                    .into()
            })
        }
    }
}

pub(super) fn oversee(context: &Context, days: u64) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let since = Timestamp(SystemClock.now().0.saturating_sub(days * DAY_MS));
    let found = open.app.oversight(since, &Stop::listen(None)?.cancel)?;
    context.out.answer(&found, || {
        let contact = found.last_contact.map(|at| dates::show_minute(Timestamp(at)));
        let known = match contact {
            Some(when) => format!("As known here at {when}"),
            None => "As known here, before any contact with the relay".to_owned(),
        };
        let of =
            format!("{known}: {}, {}.", many(found.plans as u64, "plan", "plans"), many(days, "day", "days"));
        let mut lines = vec![of];
        if found.rows.is_empty() {
            lines.push("Nothing out of the ordinary is recorded.".to_owned());
        }
        lines.extend(found.rows.iter().map(overseen));
        if found.more > 0 {
            lines.push(format!("{} more; ask for fewer days with --days.", found.more));
        }
        lines.join("\n")
    })
}

fn overseen(row: &OversightRow) -> String {
    let why = row.why_text.to_uppercase();
    let of = row.look.organisation.as_ref().map(|name| format!(", {name}")).unwrap_or_default();
    let when = dates::show_minute(Timestamp(row.look.at));
    let name = [row.family.as_str(), row.given.as_str()];
    let name = name.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
    let look = &row.look;
    let text = format!(
        "{when}  {why}\n  {} ({}{of})\n  {}\n  {} {name}",
        look.author,
        look.role,
        look.text,
        grouped(&row.nhs_number)
    );
    wrap(&text, 2)
}

fn looked(row: &AccessRow) -> String {
    let of = row.organisation.as_ref().map(|name| format!(", {name}")).unwrap_or_default();
    let waiting = if row.waiting { "\n  not sent yet" } else { "" };
    let held = row.held.as_ref().map(|why| format!("\n  NOT VALID: {why}")).unwrap_or_default();
    let when = dates::show_minute(Timestamp(row.at));
    wrap(&format!("{when}  {} ({}{of})\n  {}{waiting}{held}", row.author, row.role, row.text), 2)
}

pub(super) fn notebook(context: &Context, notebook: Notebook) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    match notebook {
        Notebook::Show => {
            let rows = open.app.notebook()?;
            context.out.answer(&rows, || match rows.as_slice() {
                [] => "Nothing is noted yet.".into(),
                rows => rows.iter().map(noted).collect::<Vec<_>>().join("\n"),
            })
        }
        Notebook::Set { key, value } => {
            let field = field_of(&key)?;
            match (unanswered(&value), field.kind) {
                (None, Kind::Text) => open.app.note_text(&key, &value)?,
                (Some(_), Kind::Text) => {
                    open.app.note(&format!("{key}.answer"), &leaf(field, &value, None, None)?)?
                }
                _ => open.app.note(&key, &leaf(field, &value, None, None)?)?,
            }
            context.out.answer(&json!({ "noted": key }), || "Noted on this device, for you alone.".into())
        }
        Notebook::Forget { key } => {
            open.app.forget_note(&key)?;
            context.out.answer(&json!({ "forgotten": key }), || "Taken out.".into())
        }
        Notebook::HandOver { plan, replace } => {
            let done = open.app.hand_over(find(&open.app, &plan)?, replace)?;
            context.out.answer(&done, || {
                let saved = many(done.saved.entries as u64, "entry", "entries");
                let left: String = done.left.iter().map(|row| format!("\n{}", noted(row))).collect();
                match done.left.len() {
                    0 => format!("Saved: {saved}. The notebook is empty."),
                    _ => format!(
                        "Saved: {saved}. The plan says something else here; --replace writes it:{left}"
                    ),
                }
            })
        }
    }
}

fn noted(row: &NotebookRow) -> String {
    wrap(&format!("{}: {}", row.label, row.text), 2)
}
