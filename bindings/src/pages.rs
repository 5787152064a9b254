//! A plan as a page for one kind of reader, ready to be shown or printed.

use bedside_core::api::{Audience, PlanId};

use crate::{ApiError, Device};

/// Who reads a page.
#[uniffi::remote(Enum)]
pub enum Audience {
    /// Whom the plan is about, in plain words.
    Person,
    /// Everybody who cares for them: everything that stands.
    CareTeam,
    /// A crew: what counts in the first ten seconds, then the rest.
    Urgent,
    /// Whoever has one sheet of paper.
    Summary,
}

#[uniffi::export]
impl Device {
    /// The page as text at eighty columns; without an audience, as this device's person reads it.
    pub fn page_text(&self, plan: PlanId, audience: Option<Audience>) -> Result<String, ApiError> {
        Ok(self.app.page(plan, audience)?.text())
    }

    /// The page as one HTML document with nothing outside it and no script, to be shown.
    pub fn page_html(&self, plan: PlanId, audience: Option<Audience>) -> Result<String, ApiError> {
        Ok(self.app.page(plan, audience)?.html())
    }

    /// The same, to be printed: that it was printed is recorded before it is. What professionals keep among themselves is on it only
    /// `with_professional`, and never on a page for the person.
    #[uniffi::method(default(with_professional = false))]
    pub fn print(
        &self,
        plan: PlanId,
        audience: Option<Audience>,
        with_professional: bool,
    ) -> Result<String, ApiError> {
        Ok(self.app.print(plan, audience, with_professional)?)
    }
}
