//! Starting, listing and reading plans; consent and sharing.

use std::path::Path;

use bedside_core::api::{
    Answer, ApiError, App, Clock as _, ConsentSpec, Demographics, Found, HistoryRow, Leaf, NewPlan, Outcome,
    PlanId, PlanListRow, Reader, Scope, Source, SystemClock, Timestamp, read_patient,
};
use bedside_core::plan::dates;
use serde_json::json;

use super::{Context, find};
use crate::args::{NewPlan as NewPlanArgs, PlanArg, ReaderArg};
use crate::error::CliError;
use crate::files;
use crate::out::{many, wrap};

/// Largest FHIR file that is looked at.
const FHIR_BYTES_MAX: u64 = 1 << 20;

pub(super) fn start(context: &Context, new: NewPlanArgs) -> Result<(), CliError> {
    let demographics = new.fhir.as_deref().map(|path| demographics(path, new.seen_alive)).transpose()?;
    let typed = typed_identity(&new)?;
    let (record, share) = bases(&new);
    let nhs_number = match (&demographics, &new.nhs) {
        (Some(demographics), _) => demographics.nhs_number.digits().to_owned(),
        (None, Some(number)) => number.clone(),
        (None, None) => return Err(CliError::usage("give --fhir or --nhs")),
    };
    let open = context.profile.unlocked()?;
    if open.app.identity().is_none() {
        return Err(ApiError::NotEnrolled.into());
    }
    let started = open.app.start_plan(NewPlan {
        nhs_number,
        demographics,
        record,
        share,
        seen_alive: new.seen_alive,
    })?;
    if !typed.is_empty() {
        let mut draft = open.app.draft(started.plan)?;
        typed.iter().try_for_each(|(key, leaf)| draft.set(key, leaf))?;
        draft.commit()?;
    }
    let id = started.plan.to_string();
    context.out.answer(&json!({ "plan": id, "saved": started.saved.entries }), || {
        format!(
            "The plan is started.\nId  {id}\nNext: `bedside plan edit`, `bedside plan share`, `bedside sync`."
        )
    })
}

fn demographics(path: &Path, seen_alive: bool) -> Result<Demographics, CliError> {
    let bytes = files::read(path, FHIR_BYTES_MAX)?;
    let content = |why| CliError::Content { path: path.to_owned(), why };
    let read = read_patient(&bytes, SystemClock.now()).map_err(|error| match error {
        ApiError::Invalid { why, .. } => content(why.in_english()),
        error => error.into(),
    })?;
    match &read.death_notice {
        Some(date) if !seen_alive => Err(content(format!(
            "it carries a death notice ({date}); if you have seen the person alive, add --seen-alive"
        ))),
        _ => Ok(read),
    }
}

/// What the command line says of the person, checked before anything is written.
fn typed_identity(new: &NewPlanArgs) -> Result<Vec<(&'static str, Leaf)>, CliError> {
    let wrong = |option: &str, error: &dyn std::error::Error| CliError::usage(format!("--{option}: {error}"));
    let mut leaves = Vec::new();
    for (option, key, said) in
        [("family", "identity.family", &new.family), ("given", "identity.given", &new.given)]
    {
        if let Some(said) = said {
            leaves.push((key, Answer::text(said).map_err(|error| wrong(option, &error))?));
        }
    }
    if let Some(born) = &new.born {
        leaves.push(("identity.born", Answer::date(born).map_err(|error| wrong("born", &error))?));
    }
    Ok(leaves.into_iter().map(|(key, answer)| (key, Leaf::new(answer, Source::Person))).collect())
}

fn bases(new: &NewPlanArgs) -> (ConsentSpec, Option<ConsentSpec>) {
    let outcome = new.basis.map_or(Outcome::Given, Outcome::from);
    let note = new.consent.as_ref().or(new.note.as_ref()).cloned().unwrap_or_default();
    let spec = |note| ConsentSpec { outcome, note, grounds: new.grounds.grounds() };
    (spec(note), new.share.clone().map(spec))
}

pub(super) fn list(context: &Context, limit: usize, search: Option<&str>) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    if let Some(text) = search {
        let found: Vec<Found> = open.app.search(text)?.into_iter().take(limit).collect();
        return context.out.answer(&found, || found_in_words(&found));
    }
    let rows = pages(&open.app, limit)?;
    context.out.answer(&rows, || list_in_words(&rows))
}

/// What is only similar is under a heading of its own.
fn found_in_words(found: &[Found]) -> String {
    let of = |similar: bool| -> Vec<String> {
        found.iter().filter(|row| row.similar == similar).map(|row| row_in_words(&row.plan, "")).collect()
    };
    let (exact, similar) = (of(false), of(true));
    let mut parts = Vec::new();
    if exact.is_empty() {
        parts.push("No plans.".to_owned());
    }
    parts.extend(exact);
    if !similar.is_empty() {
        let many = if similar.len() == 1 { "One is" } else { "These are" };
        parts.push(format!("\n{many} SIMILAR to what you typed; compare name, birth and number:"));
        parts.extend(similar);
    }
    parts.join("\n")
}

fn pages(app: &App, limit: usize) -> Result<Vec<PlanListRow>, CliError> {
    let mut rows: Vec<PlanListRow> = Vec::new();
    let mut after = None;
    while rows.len() < limit {
        let page = app.plans(after.as_ref(), limit - rows.len())?;
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    rows.truncate(limit);
    Ok(rows)
}

fn list_in_words(rows: &[PlanListRow]) -> String {
    if rows.is_empty() {
        return "No plans.".into();
    }
    rows.iter().map(|row| row_in_words(row, "")).collect::<Vec<_>>().join("\n")
}

/// Who it is about comes before the CPR answer, on a line of its own; then why the plan is in the list, if that is said.
pub(super) fn row_in_words(row: &PlanListRow, why: &str) -> String {
    let name: Vec<&str> =
        [row.family.as_str(), row.given.as_str()].into_iter().filter(|s| !s.is_empty()).collect();
    let name = if name.is_empty() { "Name not recorded".to_owned() } else { name.join(", ") };
    let born = if row.born.is_empty() { "not recorded" } else { &row.born };
    let mut marks = vec![row.cpr.clone()];
    marks.extend(row.in_conflict.then(|| "DECISIONS IN CONFLICT".to_owned()));
    marks.extend((row.alerts > 0).then(|| many(row.alerts.into(), "alert", "alerts")));
    marks.extend((row.held > 0).then(|| format!("{} held", row.held)));
    let mut text = format!("{}  {name}; born {born}", grouped(&row.nhs_number));
    for line in [why.to_owned(), marks.join("; "), row.place.clone()] {
        if !line.is_empty() {
            text.push('\n');
            text.push_str(&wrap(&format!("    {line}"), 0));
        }
    }
    text
}

pub(super) fn grouped(number: &str) -> String {
    match (number.get(..3), number.get(3..6), number.get(6..)) {
        (Some(a), Some(b), Some(c)) if !c.is_empty() => format!("{a} {b} {c}"),
        _ => number.to_owned(),
    }
}

pub(super) fn show(context: &Context, plan: &PlanArg, reader: Option<ReaderArg>) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let plan = find(&open.app, plan)?;
    if context.out.json && reader.is_none() {
        return context.out.answer(&open.app.plan(plan)?, String::new);
    }
    let page = open.app.page(plan, reader.map(Into::into))?;
    context.out.answer(&page, || page.text())
}

pub(super) fn history(context: &Context, plan: &PlanArg) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let rows = open.app.history(find(&open.app, plan)?)?;
    context.out.answer(&rows, || rows.iter().map(in_words).collect::<Vec<_>>().join("\n"))
}

fn in_words(row: &HistoryRow) -> String {
    let of = row.organisation.as_ref().map(|name| format!(", {name}")).unwrap_or_default();
    let how_far = match (&row.receipts.refused, row.receipts.sent, row.receipts.seen_by.as_slice()) {
        (Some(why), ..) => format!("not taken: {why}"),
        (None, false, _) => "saved here".to_owned(),
        (None, true, []) => "sent".to_owned(),
        (None, true, names) => format!("seen by {}", names.join(", ")),
    };
    let held =
        row.held.as_ref().map(|why| format!("\n  HELD, not part of the plan: {why}")).unwrap_or_default();
    let reviewed = row.review.as_ref().map(super::rules::reviewed).unwrap_or_default();
    let kept = super::rules::kept(row.kept_in);
    wrap(
        &format!(
            "{}  {} ({}{of})\n  {}{kept}{held}{reviewed}\n  {how_far}",
            dates::show_minute(Timestamp(row.at)),
            row.author,
            row.role,
            row.what
        ),
        2,
    )
}

pub(super) fn consent(
    context: &Context,
    plan: &PlanArg,
    scope: Scope,
    spec: ConsentSpec,
) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let plan = find(&open.app, plan)?;
    let outcome = spec.outcome;
    let saved = open.app.record_consent(plan, scope, spec)?;
    context.out.answer(&json!({ "saved": saved.entries }), || match outcome {
        Outcome::Withdrawn => "Saved. It is the first thing sent: `bedside sync` now.".into(),
        _ => "Saved.".into(),
    })
}

pub(super) fn share(context: &Context, plan: &PlanArg, ods: String) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let plan: PlanId = find(&open.app, plan)?;
    open.app.share(plan, &Reader::Organisation(ods.clone()))?;
    context.out.answer(&json!({ "shared": true, "ods": ods }), || {
        format!("{ods} may read this plan and write in it. They get it when you have synced.")
    })
}

pub(super) fn receipts(context: &Context, plan: &PlanArg) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let receipts = open.app.receipts(find(&open.app, plan)?)?;
    context.out.answer(&receipts, || {
        format!(
            "Saved on this device  {}\nSent to the relay     {}\nSeen by others        {}",
            receipts.saved, receipts.sent, receipts.seen
        )
    })
}

#[cfg(test)]
mod tests {
    use bedside_core::api::ReceiptState;

    use super::*;

    #[test]
    fn an_nhs_number_is_read_in_three_groups() {
        assert_eq!(grouped("9000000009"), "900 000 0009");
        assert_eq!(grouped("12"), "12");
    }

    #[test]
    fn a_plan_in_a_list_says_who_before_it_says_cpr() {
        let mut row = PlanListRow {
            plan: PlanId::parse(&"00".repeat(32)).unwrap(),
            family: "SMITH".into(),
            given: "Jane".into(),
            born: "22-Oct-1950".into(),
            nhs_number: "9000000009".into(),
            place: "1 Trevelyan Square".into(),
            cpr: "CPR not recommended".into(),
            alerts: 1,
            in_conflict: true,
            held: 2,
            changed_at: 0,
            status: "draft".into(),
            died: None,
            locked: false,
        };
        assert_eq!(
            row_in_words(&row, ""),
            "900 000 0009  SMITH, Jane; born 22-Oct-1950\n    CPR not recommended; DECISIONS IN CONFLICT; 1 alert; \
             2 held\n    1 Trevelyan Square"
        );
        let found = |similar| Found { plan: row.clone(), similar };
        let words = found_in_words(&[found(false), found(true)]);
        assert!(
            words.contains("\n\nOne is SIMILAR to what you typed; compare name, birth and number:\n900"),
            "{words}"
        );
        assert!(found_in_words(&[found(true)]).starts_with("No plans.\n\nOne is"));
        (row.family, row.given, row.born) = Default::default();
        assert!(row_in_words(&row, "").starts_with("900 000 0009  Name not recorded; born not recorded\n"));
    }

    #[test]
    fn a_line_of_history_says_who_what_and_how_far() {
        let row = HistoryRow {
            entry: "00".into(),
            at: 0,
            relay_at: None,
            author: "Amira Khan".into(),
            role: "nurse".into(),
            organisation: Some("Riverside".into()),
            what: "About me: changed".into(),
            kept_in: None,
            held: None,
            review: None,
            receipts: ReceiptState { sent: true, seen_by: vec!["Jane Smith".into()], refused: None },
        };
        assert_eq!(
            in_words(&row),
            "01-Jan-1970 00:00  Amira Khan (nurse, Riverside)\n  About me: changed\n  seen by Jane Smith"
        );
    }
}
