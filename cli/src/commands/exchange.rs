//! Plans out of this device to a file, and from a file back.

use std::path::Path;

use bedside_core::api::{ApiError, Import, Proposal, Proposed};
use bedside_core::limits::FHIR_PLAN_BYTES_MAX;
use serde_json::json;

use super::{Context, find};
use crate::args::{Format, PlanArg, ReaderArg};
use crate::error::CliError;
use crate::files;
use crate::out::{line, many, wrap};

pub(super) fn export(
    context: &Context,
    plan: &PlanArg,
    format: Format,
    output: Option<&Path>,
    force: bool,
) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let text = open.app.export(find(&open.app, plan)?, format.into())?;
    let Some(path) = output else { return line(text.trim_end_matches(['\r', '\n'])) };
    files::write(path, text.as_bytes(), force)?;
    context.out.answer(&json!({ "file": path, "bytes": text.len() }), || {
        format!("Written to {}. It is not encrypted: keep it as safe as the plan.", path.display())
    })
}

pub(super) fn print(
    context: &Context,
    plan: &PlanArg,
    reader: Option<ReaderArg>,
    output: Option<&Path>,
    force: bool,
) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let html = open.app.print(find(&open.app, plan)?, reader.map(Into::into))?;
    let Some(path) = output else { return line(html.trim_end()) };
    files::write(path, html.as_bytes(), force)?;
    context.out.answer(&json!({ "file": path, "bytes": html.len() }), || {
        format!("Written to {}. It is not encrypted: keep it as safe as the plan.", path.display())
    })
}

pub(super) fn import(
    context: &Context,
    plan: &PlanArg,
    file: &Path,
    apply: bool,
    replace: bool,
) -> Result<(), CliError> {
    let bytes = files::read(file, FHIR_PLAN_BYTES_MAX as u64)?;
    let open = context.profile.unlocked()?;
    let plan = find(&open.app, plan)?;
    let import = open.app.read_import(plan, &bytes).map_err(|error| match error {
        ApiError::Invalid { why, .. } => CliError::Content { path: file.to_owned(), why: why.in_english() },
        error => error.into(),
    })?;
    let chosen = import.edits.iter().filter(|edit| replace || edit.here.is_none()).count();
    let written = if apply && chosen > 0 {
        open.app.take_import(plan, &import, replace)?;
        chosen
    } else {
        0
    };
    let answer = json!({ "written": written, "import": import });
    context.out.answer(&answer, || in_words(&import, apply.then_some(written)))
}

fn in_words(import: &Import, written: Option<usize>) -> String {
    let mut lines = Vec::new();
    let mut part = |title: String, items: Vec<String>| {
        if !items.is_empty() {
            lines.push(title);
            lines.extend(items.iter().map(|item| wrap(&format!("  {item}"), 2)));
        }
    };
    let new = import.edits.iter().filter(|edit| edit.here.is_none()).map(|edit| said(&edit.what)).collect();
    let other = import.edits.iter().filter_map(|edit| {
        let here = edit.here.as_ref()?;
        Some(format!("{}\nhere: {here}", said(&edit.what)))
    });
    part("New:".into(), new);
    part("Different here:".into(), other.collect());
    part("More than one answer, write by hand:".into(), import.undecided.iter().map(said).collect());
    part("From elsewhere, ask the source:".into(), import.elsewhere.iter().map(said).collect());
    for proposal in &import.proposals {
        part(proposed(proposal), proposal.fields.iter().map(said).collect());
    }
    part("Consents in the file, to be asked for anew:".into(), import.consents.clone());
    part("Notes:".into(), import.notes.clone());
    lines.push(format!("{} already here.", many(import.same as u64, "answer is", "answers are")));
    lines.push(match written {
        Some(written) => format!("Saved: {}.", many(written as u64, "answer", "answers")),
        None => "Nothing was written. Look at it, then add --apply.".into(),
    });
    lines.join("\n")
}

fn proposed(proposal: &Proposal) -> String {
    let by = proposal.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    wrap(&format!("{}{by}, for a clinician to decide ({}):", proposal.title, proposal.section), 2)
}

fn said(proposed: &Proposed) -> String {
    let by = proposed.by.as_ref().map(|by| format!(" ({by})")).unwrap_or_default();
    format!("{} [{}]: {}{by}", proposed.label, proposed.key, proposed.said.join(" / "))
}
