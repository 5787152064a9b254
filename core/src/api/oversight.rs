//! What a privacy officer looks into: looks at all plans that are out of the ordinary.

use bedside_protocol::ids::Timestamp;
use bedside_protocol::statement::Capabilities;
use serde::Serialize;

use super::access::AccessRow;
use super::plans::PlanId;
use super::{ApiError, App, Cancel};
use crate::driver::DriverError;
use crate::limits::{OVERSIGHT_ROWS_MAX, PAGE_ITEMS_MAX};
use crate::plan::locale::Message;
use crate::plan::looks;
use crate::store::PlanRow;

/// What is out of the ordinary among the looks that this device knows of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Oversight {
    /// What was opened without consent, then everything else, the newest first; at most 1,000 rows.
    pub rows: Vec<OversightRow>,
    /// How many rows there are beyond these.
    pub more: usize,
    /// How many plans were gone through.
    pub plans: usize,
    /// The relay's clock at the last contact, in milliseconds since 1970: newer looks may not be here yet.
    pub last_contact: Option<u64>,
}

/// A look that is out of the ordinary, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OversightRow {
    /// `break-glass`; `not-valid`: its author's credential was not; `copy`: the plan was taken out as a file; `many-plans`:
    /// more than forty on one day, and the row has the newest look of that day.
    pub why: &'static str,
    /// For people.
    pub why_text: String,
    /// The plan.
    pub plan: PlanId,
    /// Family name in upper case; empty when not recorded.
    pub family: String,
    /// Given names; empty when not recorded.
    pub given: String,
    /// Ten digits.
    pub nhs_number: String,
    /// The look.
    pub look: AccessRow,
}

/// Whom a plan is about.
#[derive(Clone, Copy)]
struct About(usize);

impl App {
    /// What is out of the ordinary among the looks at all plans since a moment: without consent, by somebody whose
    /// credential was not valid, plans taken out as files, and more plans in a day than anybody visits.
    ///
    /// For a privacy officer: see [`Capabilities::OVERSEE`]. Goes through every plan that this device holds, which takes
    /// milliseconds for each.
    ///
    /// Errors: [`ApiError::NotAllowed`] for everybody else, [`ApiError::Cancelled`].
    pub fn oversight(&self, since: Timestamp, cancel: &Cancel) -> Result<Oversight, ApiError> {
        let open = self.vault()?;
        if !open.books().may(Capabilities::OVERSEE) {
            return Err(ApiError::not_allowed(Message::new("refused-oversight")));
        }
        let mut plans: Vec<PlanRow> = Vec::new();
        let mut oversight = looks::Oversight::default();
        let mut after = None;
        loop {
            let page = open.vault.read(|read| read.plans_page(after.as_ref(), PAGE_ITEMS_MAX));
            let page = page.map_err(DriverError::Store)?;
            for row in page.rows {
                if cancel.is_cancelled() {
                    return Err(ApiError::Cancelled);
                }
                let mut looks = self.looks_at(PlanId(row.log))?;
                looks.retain(|looked| looked.look.at >= since);
                oversight.add(About(plans.len()), &looks);
                plans.push(row);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let locale = self.locale();
        let mut found = oversight.finish();
        let more = found.len().saturating_sub(OVERSIGHT_ROWS_MAX);
        found.truncate(OVERSIGHT_ROWS_MAX);
        let rows = found.into_iter().map(|notable| {
            let row = &plans[notable.plan.0];
            OversightRow {
                why: notable.why.name(),
                why_text: notable.why.message().say(&locale),
                plan: PlanId(row.log),
                family: row.family.clone(),
                given: row.given.clone(),
                nhs_number: row.nhs_number.clone(),
                look: AccessRow::of(notable.looked, &locale),
            }
        });
        Ok(Oversight {
            rows: rows.collect(),
            more,
            plans: plans.len(),
            last_contact: self.device.moment()?.relay_time.map(|time| time.0),
        })
    }
}
