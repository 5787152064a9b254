//! What is typed to approve a plan, to decide on held entries, and to look into the past.

use std::str::FromStr;

use bedside_core::api::{At, EntryId, Grounds, Stage};
use clap::{Args, ValueEnum};

use super::PlanArg;

#[derive(Args)]
pub(crate) struct Approve {
    /// NHS number, or the plan's id
    pub(crate) plan: PlanArg,
    /// The version that was shown
    #[arg(long, value_name = "VERSION")]
    pub(crate) seen: Option<String>,
    /// Only this section, such as cpr; may be repeated
    #[arg(long = "section", value_name = "SECTION")]
    pub(crate) sections: Vec<String>,
    /// When to look at the plan again, three months ahead at most
    #[arg(long, value_name = "DATE")]
    pub(crate) review_on: Option<String>,
}

#[derive(Args)]
pub(crate) struct Deciding {
    /// NHS number, or the plan's id
    pub(crate) plan: PlanArg,
    /// The entry, as `plan held` shows it; its first digits will do
    pub(crate) entry: String,
    /// Why, for whoever wrote it
    #[arg(long, default_value = "")]
    pub(crate) note: String,
}

/// Who decided when it was not the person, whom they asked, and why.
#[derive(Args)]
pub(crate) struct GroundsArgs {
    /// The attorney, the representative, or who decided
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Somebody who was consulted; may be repeated
    #[arg(long, requires = "by", value_name = "WHO")]
    consulted: Vec<String>,
    /// Why it was decided
    #[arg(long, requires = "by", value_name = "REASON")]
    why: Option<String>,
    /// The decision on capacity that it rests on: its entry
    #[arg(long, requires = "by", value_name = "ENTRY", value_parser = entry)]
    capacity: Option<EntryId>,
}

impl GroundsArgs {
    pub(crate) fn grounds(&self) -> Option<Grounds> {
        Some(Grounds {
            by: self.by.clone()?,
            consulted: self.consulted.clone(),
            rationale: self.why.clone().unwrap_or_default(),
            capacity: self.capacity,
        })
    }
}

fn entry(text: &str) -> Result<EntryId, String> {
    EntryId::from_hex(text).ok_or_else(|| "give the entry's id (64 hexadecimal digits)".to_owned())
}

/// A moment of a plan's past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct When(pub(crate) At);

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let why = "give an entry's id, a time such as 2026-11-22T09:14:00Z, or a day such as 2026-11-22";
        At::parse(text).map(Self).ok_or_else(|| why.to_owned())
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum StageArg {
    /// A clinician is looking at it again
    UnderReview,
    /// There should be no such plan
    EnteredInError,
    /// Neither: an earlier mark is taken back
    InUse,
}

impl From<StageArg> for Stage {
    fn from(stage: StageArg) -> Self {
        match stage {
            StageArg::UnderReview => Self::UnderReview,
            StageArg::EnteredInError => Self::EnteredInError,
            StageArg::InUse => Self::InUse,
        }
    }
}
