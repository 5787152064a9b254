//! A plan out of Bedside, and in again.

use std::sync::Arc;

use bedside_core::api::{self, ExportFormat, PlanId};

use crate::cross::{Alive, Cross};
use crate::plans::Saved;
use crate::{ApiError, Device};

/// What a plan is written as.
#[uniffi::remote(Enum)]
pub enum ExportFormat {
    /// A FHIR R4 document Bundle.
    Fhir,
    /// A table of answers (RFC 4180).
    Csv,
    /// For people and paper.
    Text,
    /// The view, with its stable names.
    Json,
}

/// What the demographics service says of a person.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct Demographics {
    /// Whose record it is.
    pub nhs_number: String,
    /// The record is restricted: that it has no address and no phone is deliberate.
    pub sensitive: bool,
    /// The service records a death: the date, ISO 8601, or empty when it gives none.
    pub death_notice: Option<String>,
    /// What somebody importing this should know, for people.
    pub notes: Vec<String>,
}

/// A document read, beside the plan that this device holds. Nothing of it is in the plan.
#[derive(uniffi::Object)]
pub struct Import {
    inner: api::Import,
    _alive: Alive,
}

/// What a document would change.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct ImportFound {
    /// When the document was made, RFC 3339.
    pub as_of: Option<String>,
    /// What can be written.
    pub edits: Vec<ImportEdit>,
    /// Decisions, and medicines or allergies that a clinician stopped or struck out: to look at and to record anew.
    pub proposals: Vec<Proposal>,
    /// Answers given apart, of which nobody has chosen: to look at and to write by hand.
    pub undecided: Vec<Proposed>,
    /// Facts from the demographics service or the GP's record that differ from those here: to be asked of the source.
    pub elsewhere: Vec<Proposed>,
    /// Consents in the document, in words. They were given to whoever recorded them, and are asked for anew.
    pub consents: Vec<String>,
    /// How many answers are here already.
    pub same: u32,
    /// What somebody importing this should know.
    pub notes: Vec<String>,
}

/// One answer that can be written.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct ImportEdit {
    /// Where it goes, in words.
    pub what: Proposed,
    /// What is here now, in words; none when nothing is recorded.
    pub here: Option<String>,
    /// `professional` or `restricted`: kept where the person's device does not hold it. None for what is shared with them.
    #[uniffi(default = None)]
    pub kept_in: Option<String>,
}

/// An answer in a document, for people.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct Proposed {
    /// The field.
    pub key: String,
    /// As people read it.
    pub label: String,
    /// What is said; several where answers stand beside each other.
    pub said: Vec<String>,
    /// Who wrote it, and when, as the document says.
    pub by: Option<String>,
}

/// A decision, or an item that is a clinician's, as it stands in a document.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct Proposal {
    /// The section's name.
    pub section: String,
    /// As people read it.
    pub title: String,
    /// Every answer.
    pub fields: Vec<Proposed>,
    /// Who recorded it, and when, as the document says.
    pub by: Option<String>,
    /// `professional` or `restricted`: kept where the person's device does not hold it. None for what is shared with them.
    #[uniffi(default = None)]
    pub kept_in: Option<String>,
}

withheld!(Demographics, ImportFound, ImportEdit, Proposed, Proposal);
crosses!(api::Import => ImportFound {
    as_of, edits, proposals, undecided, elsewhere, consents, same, notes,
});
crosses!(api::Proposed => Proposed { key, label, said, by });
crosses!(api::Proposal => Proposal { section, title, fields, by, kept_in });

impl Cross<ImportEdit> for api::ImportEdit {
    fn cross(self) -> ImportEdit {
        ImportEdit { what: self.what.cross(), here: self.here, kept_in: self.kept_in.cross() }
    }
}

impl From<api::Demographics> for Demographics {
    fn from(read: api::Demographics) -> Self {
        Self {
            nhs_number: read.nhs_number.to_string(),
            sensitive: read.sensitive,
            death_notice: read.death_notice,
            notes: read.notes,
        }
    }
}

#[uniffi::export]
impl Import {
    /// What the document would change, to be looked at before anything is taken.
    pub fn found(&self) -> ImportFound {
        self.inner.clone().cross()
    }
}

#[uniffi::export]
impl Device {
    /// Reads what the demographics service says of a person: a FHIR R4 Patient, or a Bundle with one.
    ///
    /// Errors: `Invalid` with what is wrong with the file and what would be right.
    pub fn read_patient(&self, json: Vec<u8>) -> Result<Demographics, ApiError> {
        Ok(self.app.read_patient(&json)?.into())
    }

    /// Writes a plan as it stands on this device. What is written is not encrypted: it is as secret as the plan. What professionals
    /// keep among themselves is in it only `with_professional`, marked as such.
    #[uniffi::method(default(with_professional = false))]
    pub fn export(
        &self,
        plan: PlanId,
        format: ExportFormat,
        with_professional: bool,
    ) -> Result<String, ApiError> {
        Ok(self.app.export(plan, format, with_professional)?)
    }

    /// How many answers and decisions of a plan are kept from the person, as far as this device's person may read them: what exports
    /// and prints leave out unless they are told otherwise.
    pub fn kept_from_person(&self, plan: PlanId) -> Result<u32, ApiError> {
        Ok(self.app.kept_from_person(plan)?.cross())
    }

    /// Reads a document of a plan and says what it would change here. Writes nothing.
    ///
    /// Errors: `Invalid` when it is no such document, or another person's.
    pub fn read_import(&self, plan: PlanId, json: Vec<u8>) -> Result<Arc<Import>, ApiError> {
        let inner = self.app.read_import(plan, &json)?;
        Ok(Arc::new(Import { inner, _alive: Alive::counted() }))
    }

    /// Writes what an import found: all of it, or with `replace` false only where nothing is recorded here. All or nothing.
    pub fn take_import(&self, plan: PlanId, import: &Import, replace: bool) -> Result<Saved, ApiError> {
        Ok(self.app.take_import(plan, &import.inner, replace)?.cross())
    }
}
