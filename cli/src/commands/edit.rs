//! Changing a plan: every command and every line is durable before it is answered.

use std::io::{self, BufRead};

use bedside_core::api::{App, Compartment, PlanId, Source};
use serde_json::json;

use super::{Context, find};
use crate::answers::Typed;
use crate::args::{Change, Edit};
use crate::error::CliError;
use crate::out::{line, many};

/// Longest line of `--stdin`: the longest text with its key.
const LINE_BYTES_MAX: usize = 80 << 10;

/// How a change is to be taken.
#[derive(Clone, Copy)]
struct How {
    heard_from: Option<Source>,
    keep_in: Option<Compartment>,
}

pub(super) fn edit(context: &Context, edit: Edit) -> Result<(), CliError> {
    let keep_in = edit.keep_in.map(Compartment::from);
    // What is kept from the person was not heard from them, unless somebody says so.
    let unsaid = keep_in.filter(|part| *part == Compartment::Professional).map(|_| Source::Observed);
    let how = How { heard_from: edit.heard_from.map(Source::from).or(unsaid), keep_in };
    match (edit.change, edit.stdin) {
        (Some(change), false) => {
            let open = context.profile.unlocked()?;
            let plan = find(&open.app, &edit.plan)?;
            let typed = typed(change);
            let entries = save(&open.app, plan, &typed, how)?;
            let own = typed.in_own_words();
            let keys: Vec<&str> = own.iter().map(|field| field.key).collect();
            context.out.answer(&json!({ "saved": entries, "in_own_words": keys }), || {
                format!("Saved: {}.", many(entries as u64, "entry", "entries"))
            })?;
            for field in own {
                context.out.note(&format!(
                    "{}: none of its choices, so it is kept in your words; `bedside plan fields {}` lists them.",
                    field.label,
                    field.section.name()
                ));
            }
            Ok(())
        }
        (None, true) => {
            let open = context.profile.unlocked()?;
            let plan = find(&open.app, &edit.plan)?;
            stream(context, &open.app, plan, how)
        }
        (Some(_), true) => Err(CliError::usage("give one change, or --stdin, not both")),
        (None, false) => Err(CliError::usage(
            "say what to change: set, text, add, decide, disclose or endorse; or --stdin for many",
        )),
    }
}

fn typed(change: Change) -> Typed {
    match change {
        Change::Set { key, value, code } => Typed::Set { key, value, code },
        Change::Text { key, text } => Typed::Text { key, text },
        Change::Add { list, fields } => Typed::Add { list, fields },
        Change::Decide { section, fields, resolve } => Typed::Decide { section, fields, resolve },
        Change::Disclose { what, fields } => Typed::Disclose { what, fields },
        Change::Endorse { section } => Typed::Endorse { section },
    }
}

fn save(app: &App, plan: PlanId, typed: &Typed, how: How) -> Result<usize, CliError> {
    let mut draft = app.draft(plan)?;
    if let Some(compartment) = how.keep_in {
        draft.keep_in(compartment)?;
    }
    typed.apply(&mut draft, how.heard_from)?;
    Ok(draft.commit()?.entries)
}

/// One change from each line, one answer to each. What was answered by `saved` survives whatever comes next.
fn stream(context: &Context, app: &App, plan: PlanId, how: How) -> Result<(), CliError> {
    let (mut lines, mut saved) = (0, 0);
    while let Some(text) = next_line()? {
        if text.trim().is_empty() || text.trim_start().starts_with('#') {
            continue;
        }
        lines += 1;
        let done = Typed::line(&text).and_then(|typed| save(app, plan, &typed, how));
        saved += usize::from(done.is_ok());
        line(&match (done, context.out.json) {
            (Ok(_), false) => format!("saved {saved}"),
            (Ok(entries), true) => json!({ "saved": saved, "entries": entries }).to_string(),
            (Err(error), false) => format!("refused: {error}"),
            (Err(error), true) => {
                json!({ "refused": { "code": error.code(), "message": error.to_string() } }).to_string()
            }
        })?;
    }
    if saved == lines { Ok(()) } else { Err(CliError::LinesRefused { refused: lines - saved, lines }) }
}

fn next_line() -> Result<Option<String>, CliError> {
    let failed = |source| CliError::Stream { what: "standard input", source };
    let mut bytes = Vec::new();
    let limit = LINE_BYTES_MAX as u64 + 1;
    io::Read::take(io::stdin().lock(), limit).read_until(b'\n', &mut bytes).map_err(failed)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.len() > LINE_BYTES_MAX {
        let why = format!("a line has more than {LINE_BYTES_MAX} bytes");
        return Err(failed(io::Error::new(io::ErrorKind::InvalidData, why)));
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    Ok(Some(text))
}
