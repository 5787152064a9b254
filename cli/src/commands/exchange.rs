//! Plans out of this device to a file, and from a file back.

use std::path::Path;

use bedside_core::api::{ApiError, Import, ImportEdit, Proposal, Proposed};
use bedside_core::limits::FHIR_PLAN_BYTES_MAX;
use serde_json::json;

use super::{Context, find};
use crate::args::{Format, PlanArg, ReaderArg};
use crate::error::CliError;
use crate::files;
use crate::out::{line, many, wrap};

/// Where a copy of a plan goes, and what of it.
#[derive(Clone, Copy)]
pub(super) struct To<'a> {
    pub(super) output: Option<&'a Path>,
    pub(super) force: bool,
    pub(super) with_professional: bool,
}

pub(super) fn export(context: &Context, plan: &PlanArg, format: Format, to: To<'_>) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let plan = find(&open.app, plan)?;
    let text = open.app.export(plan, format.into(), to.with_professional)?;
    let left_out = if to.with_professional { 0 } else { open.app.kept_from_person(plan)? };
    written(context, text.trim_end_matches(['\r', '\n']), &text, to, left_out)
}

pub(super) fn print(
    context: &Context,
    plan: &PlanArg,
    reader: Option<ReaderArg>,
    to: To<'_>,
) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let plan = find(&open.app, plan)?;
    let html = open.app.print(plan, reader.map(Into::into), to.with_professional)?;
    let whole = to.with_professional || matches!(reader, Some(ReaderArg::Person));
    let left_out = if whole { 0 } else { open.app.kept_from_person(plan)? };
    written(context, html.trim_end(), &html, to, left_out)
}

/// Standard output has the document and nothing else: what was left out is said beside it.
fn written(context: &Context, shown: &str, text: &str, to: To<'_>, left_out: usize) -> Result<(), CliError> {
    let note = (left_out > 0).then(|| {
        let what = many(left_out as u64, "answer or decision", "answers and decisions");
        format!("Left out: {what} kept from the person. With --with-professional they are in it.")
    });
    let Some(path) = to.output else {
        if let Some(note) = note {
            context.out.note(&note);
        }
        return line(shown);
    };
    files::write(path, text.as_bytes(), to.force)?;
    let answer = json!({ "file": path, "bytes": text.len(), "left_out": left_out });
    context.out.answer(&answer, || {
        let written =
            format!("Written to {}. It is not encrypted: keep it as safe as the plan.", path.display());
        [Some(written), note].into_iter().flatten().collect::<Vec<_>>().join("\n")
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
    let kept = |edit: &ImportEdit| if edit.kept_in.is_some() { " KEPT FROM THE PERSON" } else { "" };
    let words = |edit: &ImportEdit| format!("{}{}", said(&edit.what), kept(edit));
    let new = import.edits.iter().filter(|edit| edit.here.is_none()).map(words).collect();
    let other = import.edits.iter().filter_map(|edit| {
        let here = edit.here.as_ref()?;
        Some(format!("{}\nhere: {here}", words(edit)))
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
    let kept = if proposal.kept_in.is_some() { ", NOT TO BE DISCLOSED TO THE PERSON" } else { "" };
    wrap(&format!("{}{by}{kept}, for a clinician to decide ({}):", proposal.title, proposal.section), 2)
}

fn said(proposed: &Proposed) -> String {
    let by = proposed.by.as_ref().map(|by| format!(" ({by})")).unwrap_or_default();
    format!("{} [{}]: {}{by}", proposed.label, proposed.key, proposed.said.join(" / "))
}
