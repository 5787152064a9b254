//! Lists of work, the caseload and visits.

use bedside_core::api::{App, NewVisit, PageKey, Worklist, WorklistCounts, WorklistPage, WorklistRow};
use serde_json::json;

use super::plans::row_in_words;
use super::{Context, find};
use crate::args::{Caseload, Day, PlanArg, Visit, WorklistArgs};
use crate::error::CliError;
use crate::out::{many, table};

pub(super) fn worklist(context: &Context, args: &WorklistArgs) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    let Some(list) = args.list else {
        let counts = open.app.worklist_counts()?;
        return context.out.answer(&counts, || counts_in_words(&counts));
    };
    show(context, args.limit, |after, limit| Ok(open.app.worklist(list.0, after, limit)?))
}

pub(super) fn caseload(context: &Context, command: Caseload) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    match command {
        Caseload::Add { plan } => {
            open.app.take_on(find(&open.app, &plan)?)?;
            context.out.answer(&json!({ "taken_on": true }), || "It is in your caseload.".to_owned())
        }
        Caseload::Remove { plan } => {
            open.app.hand_back(find(&open.app, &plan)?)?;
            context
                .out
                .answer(&json!({ "taken_on": false }), || "It is not in your caseload any more.".to_owned())
        }
        Caseload::List => show(context, usize::MAX, |after, limit| {
            Ok(open.app.worklist(Worklist::Caseload, after, limit)?)
        }),
    }
}

pub(super) fn visit(context: &Context, command: Visit) -> Result<(), CliError> {
    let open = context.profile.unlocked()?;
    match command {
        Visit::Add { plan, day, time, note } => add(context, &open.app, &plan, day, time, note),
        Visit::Done { visit, undo } => {
            open.app.mark_visit(visit, !undo)?;
            context.out.answer(&json!({ "visit": visit, "done": !undo }), || match undo {
                true => format!("Visit {visit} is to do again."),
                false => format!("Visit {visit} is done."),
            })
        }
        Visit::Cancel { visit } => {
            open.app.cancel_visit(visit)?;
            context.out.answer(&json!({ "visit": visit, "cancelled": true }), || {
                format!("Visit {visit} is cancelled.")
            })
        }
        Visit::List { day } => show(context, usize::MAX, |after, limit| {
            Ok(open.app.visits(day.as_ref().map(|day| day.0.as_str()), after, limit)?)
        }),
    }
}

fn add(
    context: &Context,
    app: &App,
    plan: &PlanArg,
    Day(day): Day,
    time: Option<String>,
    note: String,
) -> Result<(), CliError> {
    let visit = app.plan_visit(find(app, plan)?, NewVisit { day, time, note })?;
    context.out.answer(&json!({ "visit": visit }), || {
        format!("Visit {visit} is planned. It is on this device alone.")
    })
}

/// Reads pages until there are no more, or as many rows as wanted.
fn show(
    context: &Context,
    limit: usize,
    page: impl Fn(Option<&PageKey>, usize) -> Result<WorklistPage, CliError>,
) -> Result<(), CliError> {
    let mut rows: Vec<WorklistRow> = Vec::new();
    let mut after: Option<PageKey> = None;
    loop {
        let found = page(after.as_ref(), limit - rows.len())?;
        rows.extend(found.rows);
        after = found.next;
        if after.is_none() || rows.len() >= limit {
            break;
        }
    }
    if after.is_some() {
        context.out.note("There may be more: give a larger --limit.");
    }
    context.out.answer(&rows, || in_words(&rows))
}

fn in_words(rows: &[WorklistRow]) -> String {
    if rows.is_empty() {
        return "Nothing.".to_owned();
    }
    let row = |row: &WorklistRow| match &row.visit {
        Some(visit) => row_in_words(&row.plan, &format!("Visit {}. {}", visit.id, row.why)),
        None => row_in_words(&row.plan, &row.why),
    };
    rows.iter().map(row).collect::<Vec<_>>().join("\n")
}

fn counts_in_words(counts: &WorklistCounts) -> String {
    let row = |list: Worklist| {
        let count = counts.of(list)?;
        let mut length = many(count, "plan", "plans");
        if list == Worklist::Visits {
            length = many(count, "visit", "visits");
        }
        if list == Worklist::Reviews && counts.reviews_overdue > 0 {
            length = format!("{length}, {} overdue", counts.reviews_overdue);
        }
        Some(vec![list.title().to_owned(), length, format!("bedside worklist {}", list.name())])
    };
    let rows: Vec<Vec<String>> = Worklist::ALL.into_iter().filter_map(row).collect();
    table(&["list", "length", "show it"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_screen_says_how_long_the_lists_are_that_one_can_work_on() {
        let counts = WorklistCounts {
            visits: 1,
            caseload: 12,
            reviews: 3,
            reviews_overdue: 2,
            held: Some(0),
            approval: None,
            all: 10_000,
            ..WorklistCounts::default()
        };
        let wanted = "\
list                    length              show it
Today's visits          1 visit             bedside worklist visits
My caseload             12 plans            bedside worklist caseload
Changed since I looked  0 plans             bedside worklist changed
In conflict             0 plans             bedside worklist in-conflict
Held entries            0 plans             bedside worklist held
Reviews due             3 plans, 2 overdue  bedside worklist reviews
All plans               10000 plans         bedside worklist all";
        assert_eq!(counts_in_words(&counts), wanted);
    }
}
