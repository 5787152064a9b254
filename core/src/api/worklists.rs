//! Lists of work: what this device's person has taken on, and what waits for somebody like them.
//!
//! Caseload, visits and what was looked at are the person's own and stay on this device.

use std::fmt;
use std::sync::Arc;

use bedside_protocol::cbor;
use bedside_protocol::ids::Timestamp;
use serde::{Serialize, Serializer};

use super::plans::{PlanId, PlanListRow};
use super::{ApiError, App};
use crate::driver::DriverError;
use crate::driver::open_vault::OpenVault;
use crate::limits::{CASELOAD_MAX, PAGE_ITEMS_MAX, VISIT_NOTE_BYTES_MAX, VISITS_TO_DO_MAX};
use crate::plan::authority::{Refusal, Target, may_write};
use crate::plan::dates::{self, Partial};
use crate::plan::locale::{Locale, Message};
use crate::plan::worklist::{Why, as_named, due_by};
use crate::store::{List, Page, PageKey, PlanRow, VisitRow, Visits};

/// A list of plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worklist {
    /// Plans that this device's person has taken on, and those that name them as key worker; by name.
    Caseload,
    /// Visits to do today, and those of earlier days that were not done; by day and time.
    Visits,
    /// Somebody asked for approval, or what was approved has changed; who asked comes first, then the oldest.
    Approval,
    /// Reviews that are overdue or due within two weeks; by day.
    Reviews,
    /// Decisions contradict each other; the longest in conflict first.
    InConflict,
    /// Entries are held; the longest held first.
    Held,
    /// Others wrote in them since this device's person looked; newest first. Plans that they have never opened and not
    /// taken on are not in it.
    Changed,
    /// Every plan on this device; by name.
    All,
}

/// A page of a list.
pub struct WorklistPage {
    /// The rows.
    pub rows: Vec<WorklistRow>,
    /// Where the next page begins; none after the last.
    pub next: Option<PageKey>,
}

/// A plan in a list, and why it is there.
#[derive(Clone, Debug, Serialize)]
pub struct WorklistRow {
    /// The plan.
    #[serde(flatten)]
    pub plan: PlanListRow,
    /// Why it is in the list, for people; empty in the list of all.
    pub why: String,
    /// The visit, in a list of visits.
    pub visit: Option<Visit>,
}

/// How long the lists are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WorklistCounts {
    /// Plans taken on.
    pub caseload: u64,
    /// Visits to do today, and those of earlier days that were not done.
    pub visits: u64,
    /// Plans that wait for approval; none for somebody who may not approve.
    pub approval: Option<u64>,
    /// Reviews that are due.
    pub reviews: u64,
    /// Of these: overdue.
    pub reviews_overdue: u64,
    /// Plans in conflict.
    pub in_conflict: u64,
    /// Plans with held entries; none for somebody who may not decide on them.
    pub held: Option<u64>,
    /// Plans that changed since somebody looked.
    pub changed: u64,
    /// Plans on this device.
    pub all: u64,
}

/// A visit, by its number on this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VisitId(i64);

/// A visit that this device's person plans for themself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Visit {
    /// Which.
    pub id: VisitId,
    /// To whom.
    pub plan: PlanId,
    /// YYYY-MM-DD, in the United Kingdom.
    pub day: String,
    /// HH:MM; none for some time that day.
    pub time: Option<String>,
    /// What for; may be empty.
    pub note: String,
    /// When it was marked as done, in milliseconds since 1970.
    pub done_at: Option<u64>,
}

/// A visit to be planned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewVisit {
    /// YYYY-MM-DD.
    pub day: String,
    /// HH:MM, in 24 hours; none for some time that day.
    pub time: Option<String>,
    /// What for; may be empty.
    pub note: String,
}

impl Worklist {
    /// Every list, in the order of a home screen.
    pub const ALL: [Self; 8] = [
        Self::Visits,
        Self::Caseload,
        Self::Changed,
        Self::Approval,
        Self::InConflict,
        Self::Held,
        Self::Reviews,
        Self::All,
    ];

    /// For programs and command lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caseload => "caseload",
            Self::Visits => "visits",
            Self::Approval => "approval",
            Self::Reviews => "reviews",
            Self::InConflict => "in-conflict",
            Self::Held => "held",
            Self::Changed => "changed",
            Self::All => "all",
        }
    }

    /// For people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Caseload => "My caseload",
            Self::Visits => "Today's visits",
            Self::Approval => "Awaiting my approval",
            Self::Reviews => "Reviews due",
            Self::InConflict => "In conflict",
            Self::Held => "Held entries",
            Self::Changed => "Changed since I looked",
            Self::All => "All plans",
        }
    }
}

impl WorklistCounts {
    /// How long a list is; none for one that this device's person can do nothing about.
    #[must_use]
    pub const fn of(&self, list: Worklist) -> Option<u64> {
        match list {
            Worklist::Caseload => Some(self.caseload),
            Worklist::Visits => Some(self.visits),
            Worklist::Approval => self.approval,
            Worklist::Reviews => Some(self.reviews),
            Worklist::InConflict => Some(self.in_conflict),
            Worklist::Held => self.held,
            Worklist::Changed => Some(self.changed),
            Worklist::All => Some(self.all),
        }
    }
}

impl VisitId {
    /// Reads what `Display` writes: a number from 1.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.trim().parse().ok().filter(|number| *number > 0).map(Self)
    }
}

impl fmt::Display for VisitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for VisitId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

impl App {
    /// A page of at most `limit` rows (200 at most) of a list, as it stands at this moment of the device's clock.
    ///
    /// Errors: [`ApiError::NotAllowed`] for a list of what somebody else has to do.
    pub fn worklist(
        &self,
        list: Worklist,
        after: Option<&PageKey>,
        limit: usize,
    ) -> Result<WorklistPage, ApiError> {
        let open = self.reading()?;
        if let Some(target) = work_of(list) {
            may(&open, target)?.map_err(|refusal| ApiError::not_allowed(refusal.message()))?;
        }
        let today = self.today()?;
        let limit = limit.clamp(1, PAGE_ITEMS_MAX);
        let say = Speaker { locale: self.locale(), today };
        self.device.note_looks();
        match list {
            Worklist::Approval => listed(&open, List::Approval, &say, None, after, limit),
            Worklist::Reviews => {
                let until = due_by(today).unwrap_or(today).iso();
                listed(&open, List::Review, &say, Some(&until), after, limit)
            }
            Worklist::InConflict => listed(&open, List::Conflict, &say, None, after, limit),
            Worklist::Held => listed(&open, List::Held, &say, None, after, limit),
            Worklist::All => {
                let page =
                    open.vault.read(|read| read.plans_page(after, limit)).map_err(DriverError::Store)?;
                Ok(say.rows(page, |plan| (plan, None, None)))
            }
            Worklist::Caseload => {
                let page =
                    open.vault.read(|read| read.caseload(&open.keys.identity, &named(&open), after, limit));
                Ok(say.rows(page.map_err(DriverError::Store)?, |(plan, since)| {
                    (plan, Some(taken_on(since, today)), None)
                }))
            }
            Worklist::Changed => {
                let page =
                    open.vault.read(|read| read.changed_since_looked(&open.keys.identity, after, limit));
                Ok(say.rows(page.map_err(DriverError::Store)?, |(plan, at)| {
                    let why = match plan.opened_at {
                        None => Message::new("why-never-opened"),
                        Some(_) => Message::new("why-others-wrote"),
                    };
                    (plan, Some(why.with("when", dates::show_minute(at))), None)
                }))
            }
            Worklist::Visits => visits(&open, Visits::ToDoBy(&today.iso()), &say, after, limit),
        }
    }

    /// How long every list is, for a home screen.
    pub fn worklist_counts(&self) -> Result<WorklistCounts, ApiError> {
        let open = self.reading()?;
        let today = self.today()?;
        let due = due_by(today).unwrap_or(today).iso();
        let approves = may(&open, Target::Approval)?.is_ok();
        let reviews = may(&open, Target::Review)?.is_ok();
        let named = named(&open);
        self.device.note_looks();
        let counts = open
            .vault
            .read(|read| read.list_counts(&open.keys.identity, &named, &today.iso(), &due))
            .map_err(DriverError::Store)?;
        Ok(WorklistCounts {
            caseload: counts.caseload,
            visits: counts.visits,
            approval: approves.then_some(counts.approval),
            reviews: counts.reviews,
            reviews_overdue: counts.overdue,
            in_conflict: counts.in_conflict,
            held: reviews.then_some(counts.held),
            changed: counts.changed,
            all: counts.all,
        })
    }

    /// Puts a plan into the caseload of this device's person. No change when it is there.
    pub fn take_on(&self, plan: PlanId) -> Result<(), ApiError> {
        self.is_here(plan)?;
        let open = self.reading()?;
        let (identity, since) = (open.keys.identity, self.device.moment()?.now);
        let taken = open.vault.read(|read| read.taken_on(&identity)).map_err(DriverError::Store)?;
        if taken >= CASELOAD_MAX {
            let why = format!("it holds {CASELOAD_MAX} plans; hand some back first");
            return Err(ApiError::invalid("caseload", why));
        }
        Ok(open.vault.write(move |tx| tx.take_on(&identity, &plan.0, since)).map_err(DriverError::Store)?)
    }

    /// Takes a plan out of the caseload of this device's person.
    ///
    /// Errors: [`ApiError::NotFound`] when it is not there, [`ApiError::NotAllowed`] when it is there because the plan
    /// names them as key worker.
    pub fn hand_back(&self, plan: PlanId) -> Result<(), ApiError> {
        let open = self.reading()?;
        let identity = open.keys.identity;
        let gone =
            open.vault.write(move |tx| tx.hand_back(&identity, &plan.0)).map_err(DriverError::Store)?;
        if open.vault.read(|read| read.is_key_worker(&plan.0, &named(&open))).map_err(DriverError::Store)? {
            return Err(ApiError::not_allowed(Message::new("refused-key-worker")));
        }
        if gone { Ok(()) } else { Err(ApiError::NotFound { what: "such plan in the caseload".into() }) }
    }

    /// Plans a visit.
    ///
    /// Errors: [`ApiError::Invalid`] for a day or time that there is not, and for a note of more than 1,000 bytes.
    pub fn plan_visit(&self, plan: PlanId, new: NewVisit) -> Result<VisitId, ApiError> {
        self.is_here(plan)?;
        let open = self.reading()?;
        let day = Partial::parse(new.day.trim()).filter(|day| day.is_a_day());
        let day = day.ok_or_else(|| ApiError::invalid("day", "give it as YYYY-MM-DD, such as 2026-11-26"))?;
        let time = new.time.as_deref().map(clock_time).transpose()?;
        let note = new.note.trim().to_owned();
        if note.len() > VISIT_NOTE_BYTES_MAX {
            let why =
                format!("more than {VISIT_NOTE_BYTES_MAX} bytes; what belongs in the plan is written there");
            return Err(ApiError::invalid("note", why));
        }
        let identity = open.keys.identity;
        let to_do = open.vault.read(|read| read.visits_to_do(&identity)).map_err(DriverError::Store)?;
        if to_do >= VISITS_TO_DO_MAX {
            let why = format!("{VISITS_TO_DO_MAX} are planned; mark some as done, or cancel them, first");
            return Err(ApiError::invalid("visits", why));
        }
        let row = VisitRow { number: 0, identity, log: plan.0, day: day.iso(), time, note, done_at: None };
        Ok(VisitId(open.vault.write(move |tx| tx.put_visit(&row)).map_err(DriverError::Store)?))
    }

    /// Marks a visit as done now, or as not done after all.
    pub fn mark_visit(&self, visit: VisitId, done: bool) -> Result<(), ApiError> {
        let open = self.reading()?;
        let (identity, now) = (open.keys.identity, self.device.moment()?.now);
        let done_at = done.then_some(now);
        let found = open.vault.write(move |tx| tx.set_visit_done(&identity, visit.0, done_at));
        there_was(found.map_err(DriverError::Store)?, visit)
    }

    /// Takes a visit out, as if it had never been planned.
    pub fn cancel_visit(&self, visit: VisitId) -> Result<(), ApiError> {
        let open = self.reading()?;
        let identity = open.keys.identity;
        let found = open.vault.write(move |tx| tx.delete_visit(&identity, visit.0));
        there_was(found.map_err(DriverError::Store)?, visit)
    }

    /// A page of visits by day and time: all of one day (YYYY-MM-DD), or of every day those that are not done.
    pub fn visits(
        &self,
        day: Option<&str>,
        after: Option<&PageKey>,
        limit: usize,
    ) -> Result<WorklistPage, ApiError> {
        let open = self.reading()?;
        let limit = limit.clamp(1, PAGE_ITEMS_MAX);
        let which = day.map_or(Visits::ToDo, Visits::Of);
        let say = Speaker { locale: self.locale(), today: self.today()? };
        visits(&open, which, &say, after, limit)
    }

    fn today(&self) -> Result<Partial, ApiError> {
        let now = self.device.moment()?.now;
        dates::day(now).ok_or_else(|| ApiError::invalid("clock", "it shows no date; set the device's clock"))
    }
}

/// What somebody must be allowed to do for a list to be theirs.
const fn work_of(list: Worklist) -> Option<Target> {
    match list {
        Worklist::Approval => Some(Target::Approval),
        Worklist::Held => Some(Target::Review),
        _ => None,
    }
}

fn may(open: &OpenVault, target: Target) -> Result<Result<(), Refusal>, ApiError> {
    let standing = open.standing()?;
    let books = open.books();
    let credential = books.trust.credential(&standing.credential).ok_or(ApiError::NotEnrolled)?;
    Ok(may_write(credential.role, credential.capabilities, target))
}

/// How plans name this device's person.
fn named(open: &OpenVault) -> String {
    as_named(&open.books().reader_name())
}

fn listed(
    open: &OpenVault,
    list: List,
    say: &Speaker,
    until: Option<&str>,
    after: Option<&PageKey>,
    limit: usize,
) -> Result<WorklistPage, ApiError> {
    let page = open.vault.read(|read| read.listed(list, until, after, limit)).map_err(DriverError::Store)?;
    let why = |bytes: &[u8]| cbor::decode::<Why>(bytes).ok().map(|why| why.message(say.today));
    Ok(say.rows(page, |(plan, bytes)| (plan, why(&bytes), None)))
}

fn visits(
    open: &OpenVault,
    which: Visits<'_>,
    say: &Speaker,
    after: Option<&PageKey>,
    limit: usize,
) -> Result<WorklistPage, ApiError> {
    let identity = open.keys.identity;
    let page = open.vault.read(|read| read.visits(&identity, which, after, limit));
    Ok(say.rows(page.map_err(DriverError::Store)?, |(plan, visit)| {
        let why = when(&visit, say.today);
        (plan, Some(why), Some(visit.into()))
    }))
}

/// Says why a plan is in a list.
struct Speaker {
    locale: Arc<Locale>,
    today: Partial,
}

impl Speaker {
    fn rows<T>(
        &self,
        page: Page<T>,
        read: impl Fn(T) -> (PlanRow, Option<Message>, Option<Visit>),
    ) -> WorklistPage {
        let row = |found| {
            let (plan, why, visit) = read(found);
            let why = why.map(|why| why.say(&self.locale)).unwrap_or_default();
            WorklistRow { plan: PlanListRow::of(plan, &self.locale), why, visit }
        };
        WorklistPage { rows: page.rows.into_iter().map(row).collect(), next: page.next }
    }
}

fn taken_on(since: Option<Timestamp>, today: Partial) -> Message {
    match since {
        Some(since) => Message::new("why-taken-on").with("day", dates::show_day(since)),
        None => Why::KeyWorker.message(today),
    }
}

fn when(visit: &VisitRow, today: Partial) -> Message {
    let day = Partial::parse(&visit.day);
    let planned: Vec<String> = day.map(Partial::show).into_iter().chain(visit.time.clone()).collect();
    let planned = planned.join(" ");
    let when = match (visit.done_at, day, &visit.time) {
        (Some(at), ..) => {
            Message::new("visit-done").with("done", dates::show_minute(at)).with("when", planned)
        }
        (None, Some(day), _) if day < today => Message::new("visit-missed").with("when", planned),
        (None, Some(day), None) if day == today => Message::new("visit-today"),
        (None, Some(day), Some(time)) if day == today => Message::new("visit-today-at").with("time", time),
        (None, ..) => Message::new("visit-planned").with("when", planned),
    };
    match visit.note.as_str() {
        "" => when,
        note => Message::new("visit-noted").with("visit", when).with("note", note),
    }
}

fn clock_time(text: &str) -> Result<String, ApiError> {
    let parts = text.trim().split_once(':').filter(|(hour, minute)| hour.len() <= 2 && minute.len() == 2);
    let number = |text: &str, below: u8| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u8>().ok().filter(|number| digits && *number < below)
    };
    let time = parts.and_then(|(hour, minute)| Some((number(hour, 24)?, number(minute, 60)?)));
    let (hour, minute) =
        time.ok_or_else(|| ApiError::invalid("time", "give it as HH:MM in 24 hours, such as 14:30"))?;
    Ok(format!("{hour:02}:{minute:02}"))
}

fn there_was(found: bool, visit: VisitId) -> Result<(), ApiError> {
    if found { Ok(()) } else { Err(ApiError::NotFound { what: format!("visit {visit}") }) }
}

impl From<VisitRow> for Visit {
    fn from(row: VisitRow) -> Self {
        Self {
            id: VisitId(row.number),
            plan: PlanId(row.log),
            day: row.day,
            time: row.time,
            note: row.note,
            done_at: row.done_at.map(|at| at.0),
        }
    }
}
