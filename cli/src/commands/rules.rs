//! Approving plans, deciding on held entries, and looking into the past.

use bedside_core::api::{
    App, Audience, Difference, EntryId, FieldHistoryRow, HeldRow, HeldState, PlanId, Stage, Timestamp,
};
use bedside_core::plan::dates;
use serde_json::json;

use super::{Context, find};
use crate::answers::section_of;
use crate::args::{Approve, Deciding, PlanArg, ReaderArg, When};
use crate::error::CliError;
use crate::out::wrap;

pub(super) fn approve(context: &Context, approve: &Approve) -> Result<(), CliError> {
    let sections = approve.sections.iter().map(|name| section_of(name)).collect::<Result<Vec<_>, _>>()?;
    let open = context.profile.unlocked()?;
    let plan = find(&open.app, &approve.plan)?;
    let Some(seen) = &approve.seen else {
        if context.out.json {
            return context.out.answer(&open.app.plan(plan)?, String::new);
        }
        let page = open.app.page(plan, Some(Audience::CareTeam))?;
        return context.out.answer(&page, || {
            format!("{}\nTo approve it as shown here: --seen {}", page.text().trim_end(), page.version)
        });
    };
    let saved = open.app.approve(plan, &sections, seen, approve.review_on.as_deref())?;
    context.out.answer(&json!({ "saved": saved.entries }), || "Approved as it was shown.".into())
}

pub(super) fn mark(context: &Context, plan: &PlanArg, stage: Stage, note: &str) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let saved = open.app.mark(find(&open.app, plan)?, stage, note)?;
    context.out.answer(&json!({ "saved": saved.entries }), || "Saved.".into())
}

pub(super) fn held(context: &Context, plan: &PlanArg) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let rows = open.app.held(find(&open.app, plan)?)?;
    context.out.answer(&rows, || match rows.as_slice() {
        [] => "Nothing is held.".into(),
        rows => rows.iter().map(held_in_words).collect::<Vec<_>>().join("\n"),
    })
}

fn held_in_words(row: &HeldRow) -> String {
    let of = row.organisation.as_ref().map(|name| format!(", {name}")).unwrap_or_default();
    let says: String = row.says.iter().map(|line| format!("\n    {line}")).collect();
    let text = format!(
        "{}  {}  {} ({}{of})\n  {}{says}{}\n  Held: {}{}",
        row.entry.get(..12).unwrap_or(&row.entry),
        dates::show_minute(Timestamp(row.at)),
        row.author,
        row.role,
        row.what,
        kept(row.kept_in),
        row.reason,
        reviewed(&row.state)
    );
    wrap(&text, 2)
}

/// In which part of the plan an entry is kept, on a line of its own.
pub(super) fn kept(part: Option<&str>) -> String {
    match part {
        Some("professional") => "\n  KEPT FROM THE PERSON".to_owned(),
        Some(part) => format!("\n  Kept in the {part} part"),
        None => String::new(),
    }
}

/// What became of a held entry, on lines of their own.
pub(super) fn reviewed(state: &HeldState) -> String {
    let said = state.reviews.iter().map(|review| {
        let did = if review.adopted { "Adopted" } else { "Declined" };
        let why = if review.note.is_empty() { String::new() } else { format!(": {}", review.note) };
        format!("\n  {did} by {} ({}), {}{why}", review.by, review.role, review.day)
    });
    let dispute = if state.ruling == "disputed" { "\n  REVIEWERS DISAGREE: decide again" } else { "" };
    format!("{}{dispute}", said.collect::<String>())
}

pub(super) fn decide(context: &Context, deciding: &Deciding, adopt: bool) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let plan = find(&open.app, &deciding.plan)?;
    let entry = held_entry(&open.app, plan, &deciding.entry.trim().to_lowercase())?;
    let saved = open.app.review_held(plan, entry, adopt, &deciding.note)?;
    context.out.answer(&json!({ "saved": saved.entries }), || {
        if adopt { "It is part of the plan now." } else { "It stays out of the plan, and is kept." }.into()
    })
}

fn held_entry(app: &App, plan: PlanId, digits: &str) -> Result<EntryId, CliError> {
    let rows = app.held(plan)?;
    let mut found = rows.iter().filter(|row| !digits.is_empty() && row.entry.starts_with(digits));
    match (found.next().and_then(|row| EntryId::from_hex(&row.entry)), found.next()) {
        (Some(entry), None) => Ok(entry),
        (Some(_), Some(_)) => Err(CliError::usage(format!("more than one held entry begins with {digits}"))),
        (None, _) => Err(CliError::usage(format!("no held entry begins with {digits}; see `plan held`"))),
    }
}

pub(super) fn undo(context: &Context, plan: &PlanArg) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let saved = open.app.undo(find(&open.app, plan)?)?;
    context.out.answer(&json!({ "saved": saved.entries }), || "Your last change is taken back.".into())
}

pub(super) fn field_history(context: &Context, plan: &PlanArg, key: &str) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let rows = open.app.field_history(find(&open.app, plan)?, key)?;
    context.out.answer(&rows, || match rows.as_slice() {
        [] => "Nobody has written this yet.".into(),
        rows => rows.iter().map(field_in_words).collect::<Vec<_>>().join("\n"),
    })
}

fn field_in_words(row: &FieldHistoryRow) -> String {
    let said = |values: &[String]| match values {
        [] => "not recorded".to_owned(),
        values => values.join(" / "),
    };
    let heard = row.heard_from.map(|source| format!("; heard from {source}")).unwrap_or_default();
    let basis = row.basis.as_ref().map(|basis| format!("; basis: {basis}")).unwrap_or_default();
    let held = row.held.as_ref().map(|why| format!("\n  HELD: {why}")).unwrap_or_default();
    let kept = kept(row.kept_in);
    let text = format!(
        "{}  {} ({})\n  {} -> {}{heard}{basis}{kept}{held}",
        dates::show_minute(Timestamp(row.at)),
        row.author,
        row.role,
        said(&row.before),
        said(&row.after)
    );
    wrap(&text, 2)
}

pub(super) fn at(
    context: &Context,
    plan: &PlanArg,
    when: When,
    reader: Option<ReaderArg>,
) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let plan = find(&open.app, plan)?;
    if context.out.json && reader.is_none() {
        return context.out.answer(&open.app.plan_at(plan, when.0)?, String::new);
    }
    let page = open.app.page_at(plan, when.0, reader.map(Into::into))?;
    context.out.answer(&page, || page.text())
}

pub(super) fn differences(
    context: &Context,
    plan: &PlanArg,
    from: When,
    to: Option<When>,
) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let found = open.app.differences(find(&open.app, plan)?, from.0, to.map(|to| to.0))?;
    context.out.answer(&found, || match found.as_slice() {
        [] => "Nothing differs.".into(),
        found => found.iter().map(difference_in_words).collect::<Vec<_>>().join("\n"),
    })
}

fn difference_in_words(difference: &Difference) -> String {
    wrap(&difference.text, 2)
}
