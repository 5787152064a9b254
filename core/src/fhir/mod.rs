//! FHIR R4 in and out.
//!
//! In: a Patient of the national demographics service becomes the identity of a plan. Profile: UK Core Patient as the
//! Personal Demographics Service API answers it
//! (<https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir>). What is read is listed in
//! `patient.rs`; everything else in a record is left alone.
//!
//! Out and in again: a whole plan as a document Bundle. `docs/fhir.md` says what stands where.
//!
//! | module | what |
//! |---|---|
//! | `patient` | a Patient of the demographics service |
//! | `table` | which field stands in which element |
//! | `place` | elements of a resource by their path |
//! | `answer` | one answer as an element, and back |
//! | `resources` | what a resource has besides its answers |
//! | `document` | a plan as a Bundle; `narrative` as XHTML |
//! | `read` | a Bundle as the answers of a plan |

mod answer;
mod document;
mod narrative;
mod patient;
mod place;
mod read;
mod resources;
mod table;

pub use answer::Said;
pub use document::Bases;
pub use read::{DecisionRead, PlanRead};

use serde_json::Value;

use crate::limits::{FHIR_BYTES_MAX, FHIR_PLAN_BYTES_MAX};
use crate::plan::dates::Partial;
use crate::plan::leaf::Leaf;
use crate::plan::nhs_number::{NhsNumber, NhsNumberError};
use crate::plan::view::PlanView;

/// What a Patient says, as edits to a plan.
#[derive(Clone, PartialEq, Eq)]
pub struct Demographics {
    /// Whose record it is.
    pub nhs_number: NhsNumber,
    /// Keys and answers, each heard from a record and fit for its field.
    pub edits: Vec<(String, Leaf)>,
    /// The record is restricted: that it has no address and no phone is deliberate.
    pub sensitive: bool,
    /// The service records a death: the date, ISO 8601, or empty when it gives none.
    pub death_notice: Option<String>,
    /// What somebody importing this should know, for people.
    pub notes: Vec<String>,
}

/// Why a file was not read. No variant holds what the file says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FhirError {
    /// Over [`FHIR_BYTES_MAX`].
    #[error("the file has {0} bytes, more than {FHIR_BYTES_MAX}; export one person's Patient record")]
    TooLarge(usize),
    /// A document over [`FHIR_PLAN_BYTES_MAX`].
    #[error("the file has {0} bytes, more than {FHIR_PLAN_BYTES_MAX}; export one person's plan")]
    PlanTooLarge(usize),
    /// Not a document Bundle.
    #[error("the file holds {found}, not a plan; export the plan with `bedside plan export --format fhir`")]
    NotADocument {
        /// A resource type, or what is there instead.
        found: String,
    },
    /// Not JSON.
    #[error("the file is not JSON (line {line}, column {column}); export the record as FHIR JSON")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1; 0 for the end of the line before.
        column: usize,
    },
    /// Some other resource.
    #[error("the file holds {found}, not a Patient; export a FHIR R4 Patient, or a search result with one")]
    NotAPatient {
        /// A resource type, or what is there instead.
        found: String,
    },
    /// A search that found several people.
    #[error("the file holds {0} people; search for one NHS number and export that record")]
    SeveralPatients(usize),
    /// A Patient without one.
    #[error("the record has no NHS number; trace the person first, then export the record again")]
    NoNhsNumber,
    /// A Patient with a wrong one.
    #[error("the record cannot be trusted: {0}")]
    InvalidNhsNumber(#[source] NhsNumberError),
}

/// Reads a Patient, or a searchset Bundle with exactly one. `today` decides which of several names and addresses is
/// in force.
pub fn read_patient(json: &[u8], today: Partial) -> Result<Demographics, FhirError> {
    if json.len() > FHIR_BYTES_MAX {
        return Err(FhirError::TooLarge(json.len()));
    }
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let value: Value = serde_json::from_slice(json)
        .map_err(|error| FhirError::NotJson { line: error.line(), column: error.column() })?;
    patient::read(find_patient(&value)?, today)
}

/// A whole plan as a FHIR R4 document Bundle. `plan` names the plan and makes the ids of its resources; `bases` says on
/// which consent each entry rests. The same arguments give the same text, byte for byte.
#[must_use]
pub fn write_plan(plan: &str, view: &PlanView, bases: &Bases) -> String {
    format!("{:#}\n", document::bundle(plan, view, bases))
}

/// Reads a document that [`write_plan`] wrote. Nothing is written into any plan.
pub fn read_plan(json: &[u8]) -> Result<PlanRead, FhirError> {
    read::read_plan(json)
}

fn find_patient(value: &Value) -> Result<&Value, FhirError> {
    match resource_type(value) {
        Some("Patient") => Ok(value),
        Some("Bundle") => {
            let entries = value["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
            let resources = || entries.iter().map(|entry| &entry["resource"]);
            let patients: Vec<&Value> = resources().filter(|r| resource_type(r) == Some("Patient")).collect();
            match (patients.as_slice(), resources().next()) {
                ([patient], _) => Ok(patient),
                ([], None) => Err(not_a_patient("a search result without anybody".to_owned())),
                ([], Some(other)) => Err(not_a_patient(format!("a Bundle of {}", named(other)))),
                (several, _) => Err(FhirError::SeveralPatients(several.len())),
            }
        }
        _ => Err(not_a_patient(named(value))),
    }
}

fn resource_type(value: &Value) -> Option<&str> {
    value["resourceType"].as_str()
}

fn not_a_patient(found: String) -> FhirError {
    FhirError::NotAPatient { found }
}

/// A resource's type, as long as it looks like one: it ends up in a message.
fn named(value: &Value) -> String {
    match resource_type(value) {
        Some(name) if name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            name.to_owned()
        }
        _ => "JSON that is not FHIR".to_owned(),
    }
}

#[cfg(test)]
mod document_tests;
#[cfg(test)]
mod tests;
