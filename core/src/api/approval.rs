//! Approving a plan, saying how it stands, and deciding on held entries.

use bedside_protocol::entry::{Mark, Review, Stage};
use bedside_protocol::ids::{EntryId, LogId};
use bedside_protocol::statement::Trust;
use serde::Serialize;

use super::plans::PlanId;
use super::{ApiError, App, Saved};
use crate::driver::commit::{Approve, Rows, Says};
use crate::ledger::replica::Replica;
use crate::ledger::review::{Held, Ruling};
use crate::plan::kept::mark;
use crate::plan::locale::Locale;
use crate::plan::schema::Section;
use crate::plan::{dates, words};

/// An entry that is kept and was not part of the plan when it came.
#[derive(Clone, Debug, Serialize)]
pub struct HeldRow {
    /// The entry, in hexadecimal.
    pub entry: String,
    /// The author's device clock, in milliseconds since 1970.
    pub at: u64,
    /// The author.
    pub author: String,
    /// Their role.
    pub role: String,
    /// Their organisation.
    pub organisation: Option<String>,
    /// What the entry does, in words.
    pub what: String,
    /// What it says, one answer a line.
    pub says: Vec<String>,
    /// `professional` or `restricted`: kept where the person's device does not hold it. None for what is shared with them.
    pub kept_in: Option<&'static str>,
    /// Why it is held.
    pub reason: String,
    /// What became of it.
    pub state: HeldState,
}

/// What became of a held entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldState {
    /// `open`, `adopted`, `declined`, or `disputed`: reviewers who did not know of each other said both.
    pub ruling: &'static str,
    /// It is part of the plan now.
    pub in_plan: bool,
    /// What the reviewers said.
    pub reviews: Vec<ReviewRow>,
}

/// A reviewer's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReviewRow {
    /// The reviewer.
    pub by: String,
    /// Their role.
    pub role: &'static str,
    /// They adopted it.
    pub adopted: bool,
    /// Why.
    pub note: String,
    /// `DD-Mmm-YYYY`.
    pub day: String,
}

impl HeldState {
    pub(super) fn of(held: &Held<'_>, replica: &Replica, trust: &Trust) -> Self {
        let reviews = held.reviews.iter().filter_map(|(id, review)| {
            let by = replica.provenance(id, trust)?;
            Some(ReviewRow {
                by: by.author,
                role: by.role.name(),
                adopted: review.adopt,
                note: review.note.clone(),
                day: dates::show_day(by.time),
            })
        });
        let ruling = match held.ruling {
            Ruling::Open => "open",
            Ruling::Adopted => "adopted",
            Ruling::Declined => "declined",
            Ruling::Disputed => "disputed",
        };
        Self { ruling, in_plan: held.is_part, reviews: reviews.collect() }
    }
}

impl App {
    /// Approves sections exactly as they were shown; of no section, every one in which anything stands.
    ///
    /// `seen` is the version of the view on the screen. `review_on` is the day of the next review (ISO 8601), three months
    /// ahead at most and by default.
    ///
    /// Errors: [`ApiError::NotAllowed`] when the plan has changed since, when decisions are in conflict, and without the
    /// right to approve.
    pub fn approve(
        &self,
        plan: PlanId,
        sections: &[Section],
        seen: &str,
        review_on: Option<&str>,
    ) -> Result<Saved, ApiError> {
        let approve = Approve {
            sections: sections.to_vec(),
            seen: seen.to_owned(),
            review_on: review_on.map(str::to_owned),
        };
        self.with_replica(plan, |_, _| Ok(()))?;
        let entries = self.vault()?.approve(plan.0, &approve, self.device.moment()?)?;
        self.saved_something(plan.0)?;
        Ok(Saved::of(&entries))
    }

    /// Asks a clinician to approve the plan.
    pub fn request_approval(&self, plan: PlanId, note: &str) -> Result<Saved, ApiError> {
        self.mark(plan, Stage::AwaitingApproval, note)
    }

    /// Says how the plan as a whole stands.
    pub fn mark(&self, plan: PlanId, stage: Stage, note: &str) -> Result<Saved, ApiError> {
        self.say(plan, plan.0, Says::Mark(Mark { stage, note: note.trim().to_owned() }))
    }

    /// Every entry that is or was held, oldest first, with the reason and what became of it: those among them that are kept
    /// from the person, for whoever may read them.
    pub fn held(&self, plan: PlanId) -> Result<Vec<HeldRow>, ApiError> {
        let locale = self.locale();
        self.with_family(plan, |family| {
            let mut rows: Vec<HeldRow> =
                family.logs().flat_map(|replica| held_in(replica, family.trust, &locale)).collect();
            if !family.beside.is_empty() {
                rows.sort_by_key(|row| row.at);
            }
            Ok(rows)
        })
    }

    /// Adopts or declines a held entry; its author sees which, and the note.
    ///
    /// Errors: [`ApiError::NotAllowed`] with the rule: a reviewer adopts only what they might have written, and nothing of
    /// their own.
    pub fn review_held(
        &self,
        plan: PlanId,
        entry: EntryId,
        adopt: bool,
        note: &str,
    ) -> Result<Saved, ApiError> {
        let (log, about_death) = self.with_family(plan, |family| {
            let holds = |replica: &&Replica| replica.ledger().entry(&entry).is_some();
            let ledger = family.logs().find(holds).unwrap_or(family.main).ledger();
            Ok((ledger.log(), ledger.is_about_death(&entry)))
        })?;
        let review = Says::Review(Review { entry, adopt, note: note.trim().to_owned() });
        let saved = self.say(plan, log, review)?;
        if about_death {
            self.send_first(plan);
        }
        Ok(saved)
    }

    fn say(&self, plan: PlanId, log: LogId, says: Says) -> Result<Saved, ApiError> {
        self.with_replica(plan, |_, _| Ok(()))?;
        let open = self.vault()?;
        let entries = open.commit(log, vec![says], self.device.moment()?, Rows::default())?;
        self.saved_something(plan.0)?;
        Ok(Saved::of(&entries))
    }
}

fn held_in(replica: &Replica, trust: &Trust, locale: &Locale) -> Vec<HeldRow> {
    let ledger = replica.ledger();
    let rows = ledger.held_entries().into_iter().filter_map(|held| {
        let entry = ledger.entry(&held.entry)?;
        let by = replica.provenance(&held.entry, trust)?;
        Some(HeldRow {
            entry: held.entry.to_string(),
            at: entry.device_time.0,
            author: by.author,
            role: by.role.name().to_owned(),
            organisation: by.organisation,
            what: words::entry(&entry.body).say(locale),
            says: words::content(&entry.body).iter().map(|line| line.say(locale)).collect(),
            kept_in: mark(ledger.compartment()),
            reason: held.reason.message().say(locale),
            state: HeldState::of(&held, replica, trust),
        })
    });
    rows.collect()
}
