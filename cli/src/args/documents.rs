//! What a plan is written as, for whom, and where it is kept.

use bedside_core::api::{Audience, Compartment, ExportFormat};
use clap::ValueEnum;

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// Everything that is shown, for programs
    Json,
    /// For people and paper
    Text,
    /// A FHIR R4 document, for other systems
    Fhir,
    /// A table of answers, for spreadsheets
    Csv,
}

/// Who reads a page.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ReaderArg {
    /// Whom the plan is about, in plain words
    Person,
    /// Everybody who cares for them: everything that stands
    CareTeam,
    /// A crew: what counts first, then the rest
    Urgent,
    /// One sheet of paper
    Summary,
}

/// A part of a plan that the person's device does not hold.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum KeepInArg {
    /// What they must not see yet or at all: a prognosis not talked about, what was said in confidence
    Professional,
    /// An alert about safeguarding, shown on demand
    Restricted,
}

impl From<KeepInArg> for Compartment {
    fn from(part: KeepInArg) -> Self {
        match part {
            KeepInArg::Professional => Self::Professional,
            KeepInArg::Restricted => Self::Restricted,
        }
    }
}

impl From<ReaderArg> for Audience {
    fn from(reader: ReaderArg) -> Self {
        match reader {
            ReaderArg::Person => Self::Person,
            ReaderArg::CareTeam => Self::CareTeam,
            ReaderArg::Urgent => Self::Urgent,
            ReaderArg::Summary => Self::Summary,
        }
    }
}

impl From<Format> for ExportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Json => Self::Json,
            Format::Text => Self::Text,
            Format::Fhir => Self::Fhir,
            Format::Csv => Self::Csv,
        }
    }
}
