//! The lists of work that a plan is on by what it says, and why, in words.

use bedside_protocol::ids::Timestamp;
use minicbor::{Decode, Encode};

use super::alerts::review_days;
use super::dates::{self, Partial};
use super::locale::{Arg, Message};
use super::schema::Section;
use super::view::{By, PlanView};
use crate::limits::DUE_SOON_DAYS;

/// A list of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Somebody asked for approval, or what was approved has changed. Those who asked come first, then the oldest.
    Approval,
    /// The next day of review; by day.
    Review,
    /// Decisions contradict each other. The longest in conflict first.
    Conflict,
    /// Entries are held. The longest held first.
    Held,
    /// It names a key worker. Its place is who that is, as [`as_named`] makes it.
    KeyWorker,
}

/// A plan's place in a list.
#[derive(Clone, PartialEq, Eq)]
pub struct Listing {
    /// Which list.
    pub work: Work,
    /// Where in it: a list is in the order of this text. Of reviews, the day (ISO 8601).
    pub sort: String,
    /// Why.
    pub why: Why,
}

/// Why a plan is in a list. Days are ISO 8601.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub enum Why {
    /// Somebody asked for approval.
    #[n(0)]
    Asked {
        /// Who.
        #[n(0)]
        by: String,
        /// When, as it is shown.
        #[n(1)]
        on: String,
        /// What they said; may be empty.
        #[n(2)]
        note: String,
    },
    /// What was approved has changed since.
    #[n(1)]
    ChangedSinceApproval {
        /// Who approved it.
        #[n(0)]
        by: String,
        /// When, as it is shown.
        #[n(1)]
        on: String,
    },
    /// A review has its day.
    #[n(2)]
    Review {
        /// The section whose decision is reviewed; none for the plan.
        #[n(0)]
        section: Option<u8>,
        /// The day.
        #[n(1)]
        day: String,
    },
    /// Decisions contradict each other.
    #[n(3)]
    Conflict {
        /// In these sections.
        #[n(0)]
        sections: Vec<u8>,
    },
    /// Entries are held.
    #[n(4)]
    Held {
        /// How many.
        #[n(0)]
        count: u64,
        /// Since when the oldest is, as it is shown.
        #[n(1)]
        since: String,
    },
    /// It names whoever reads this as key worker.
    #[n(5)]
    KeyWorker,
}

/// Every list that a plan is on, for what its reader is shown. A plan on which nobody can work any more is on none.
///
/// `held_since` is when the first of the entries was written that are held still.
#[must_use]
pub fn listings(view: &PlanView, held_since: Option<Timestamp>) -> Vec<Listing> {
    if view.kind == "locked"
        || matches!(view.control.status, "withdrawn" | "entered-in-error" | "not-started")
    {
        return Vec::new();
    }
    let living = !view.banner.deceased;
    let all = [
        approval(view).filter(|_| living),
        review(view).filter(|_| living),
        conflict(view),
        held(view, held_since),
    ];
    all.into_iter().flatten().chain(key_workers(view)).collect()
}

fn approval(view: &PlanView) -> Option<Listing> {
    let control = &view.control;
    let time = |by: &By| by.time.clone().unwrap_or_default();
    let (sort, why) = match (control.status, &control.marked_by, &control.latest_approver) {
        ("awaiting-approval", Some(by), _) => {
            let note = control.reason.clone().unwrap_or_default();
            let why = Why::Asked { by: by.author.clone(), on: by.day.clone(), note };
            (format!("1 {}", time(by)), why)
        }
        ("approved-changed", _, Some(by)) => {
            let why = Why::ChangedSinceApproval { by: by.author.clone(), on: by.day.clone() };
            (format!("2 {}", time(by)), why)
        }
        _ => return None,
    };
    Some(Listing { work: Work::Approval, sort, why })
}

fn review(view: &PlanView) -> Option<Listing> {
    let (section, day) = review_days(view).into_iter().min_by_key(|(_, day)| *day)?;
    let (section, day) = (section.map(Section::number), day.iso());
    Some(Listing { work: Work::Review, sort: day.clone(), why: Why::Review { section, day } })
}

fn conflict(view: &PlanView) -> Option<Listing> {
    let counts = |number: u8| !view.banner.deceased || number == Section::AfterDeath.number();
    let sections = || view.sections.iter().filter(|section| section.in_conflict && counts(section.number));
    // A conflict begins with the second decision.
    let began = |times: Vec<String>| times.into_iter().nth(1).unwrap_or_default();
    let since = sections().map(|section| {
        let mut times: Vec<String> = section.decisions.iter().filter_map(|d| d.by.time.clone()).collect();
        times.sort();
        began(times)
    });
    let sort = since.min()?;
    let sections = sections().map(|section| section.number).collect();
    Some(Listing { work: Work::Conflict, sort, why: Why::Conflict { sections } })
}

fn held(view: &PlanView, since: Option<Timestamp>) -> Option<Listing> {
    let since = since.filter(|_| view.held > 0)?;
    let sort = dates::rfc3339(since).unwrap_or_default();
    let why = Why::Held { count: view.held as u64, since: dates::show_day(since) };
    Some(Listing { work: Work::Held, sort, why })
}

fn key_workers(view: &PlanView) -> Vec<Listing> {
    let field = view.section(Section::CareTeam).field("team.key_worker");
    let values = field.into_iter().flat_map(|field| &field.values);
    let named = values.filter(|value| matches!(value.answer, "text" | "coded"));
    let names = named.map(|value| as_named(&value.text)).filter(|name| !name.trim().is_empty());
    names.map(|sort| Listing { work: Work::KeyWorker, sort, why: Why::KeyWorker }).collect()
}

/// A name as it is looked for among other words: ` amira khan ` is in what "Amira Khan, district nurse" makes.
#[must_use]
pub fn as_named(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '\'' | '\u{2019}'));
    let words: Vec<String> = words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    format!(" {} ", words.join(" "))
}

/// The last day, from today on, on which a review is said to be due.
#[must_use]
pub fn due_by(today: Partial) -> Option<Partial> {
    today.plus_days(DUE_SOON_DAYS)
}

impl Why {
    /// For people.
    #[must_use]
    pub fn message(&self, today: Partial) -> Message {
        let titles = |numbers: &[u8]| {
            Arg::Sections(numbers.iter().filter_map(|number| Section::from_number(*number)).collect())
        };
        match self {
            Self::Asked { by, on, note } if note.is_empty() => {
                Message::new("why-asked").with("by", by).with("day", on)
            }
            Self::Asked { by, on, note } => {
                Message::new("why-asked-note").with("by", by).with("day", on).with("note", note)
            }
            Self::ChangedSinceApproval { by, on } => {
                Message::new("why-changed-since-approval").with("by", by).with("day", on)
            }
            Self::Review { section, day } => {
                let day = Partial::parse(day);
                let due = match (day, section) {
                    (Some(day), Some(_)) if day < today => "why-review-overdue",
                    (Some(day), Some(_)) if day == today => "why-review-today",
                    (_, Some(_)) => "why-review-due",
                    (Some(day), None) if day < today => "why-plan-review-overdue",
                    (Some(day), None) if day == today => "why-plan-review-today",
                    (_, None) => "why-plan-review-due",
                };
                Message::new(due)
                    .with("section", titles(section.as_slice()))
                    .with("day", day.map(Partial::show).unwrap_or_default())
            }
            Self::Conflict { sections } => Message::new("why-conflict").with("sections", titles(sections)),
            Self::Held { count, since } => Message::new("why-held")
                .with("count", usize::try_from(*count).unwrap_or(usize::MAX))
                .with("since", since),
            Self::KeyWorker => Message::new("why-key-worker"),
        }
    }
}
