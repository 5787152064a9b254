//! Who looked, what is shown only when it is asked for, and the person's notebook.

use bedside_core::api::Reason;
use clap::{Subcommand, ValueEnum};

use super::PlanArg;

#[derive(Subcommand)]
pub(crate) enum Looking {
    /// Show a field that views withhold, such as the key-safe code; it is recorded
    #[command(after_help = "Examples:\n  \
        bedside plan reveal 9000000009 home.key_safe\n  \
        bedside --json plan reveal 9000000009 home.access\n\n\
        Everybody who reads the plan, the person among them, sees who had it shown.")]
    Reveal {
        /// NHS number, or the plan's id
        plan: PlanArg,
        /// The field
        key: String,
    },
    /// Who looked at a plan, the newest first
    #[command(after_help = "Examples:\n  bedside plan access 9000000009")]
    Access {
        /// NHS number, or the plan's id
        plan: PlanArg,
    },
    /// Open a plan for an hour although consent to share it was withdrawn
    #[command(after_help = "Examples:\n  \
        bedside plan break-glass 9000000009 --reason emergency-treatment \\\n    \
        --text 'found unconscious at home'\n\n\
        For clinicians and urgent care. It is recorded before anything is shown, and the\n\
        person and the privacy officer see who did it and why.")]
    BreakGlass {
        /// NHS number, or the plan's id
        plan: PlanArg,
        /// On what ground
        #[arg(long, value_enum)]
        reason: ReasonArg,
        /// Why, in words that the person will read
        #[arg(long)]
        text: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ReasonArg {
    /// Treatment that cannot wait
    EmergencyTreatment,
    /// Somebody is in danger
    Safeguarding,
    /// A court or a law requires it
    LegalDuty,
}

impl From<ReasonArg> for Reason {
    fn from(reason: ReasonArg) -> Self {
        match reason {
            ReasonArg::EmergencyTreatment => Self::EmergencyTreatment,
            ReasonArg::Safeguarding => Self::Safeguarding,
            ReasonArg::LegalDuty => Self::LegalDuty,
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum Notebook {
    /// Show what is noted
    #[command(after_help = "Examples:\n  bedside notebook show\n  bedside --json notebook show")]
    Show,
    /// Note the answer to a field of your own
    #[command(after_help = "Examples:\n  \
        bedside notebook set preferences.place_of_death_1 home\n  \
        bedside notebook set wishes.about_me 'I taught music.'")]
    Set {
        /// The field: `bedside plan fields what-matters` lists some
        key: String,
        /// A choice, a date, a number or words
        value: String,
    },
    /// Take a note out
    #[command(after_help = "Examples:\n  bedside notebook forget wishes.about_me")]
    Forget {
        /// The field
        key: String,
    },
    /// Write the notes into your plan, as your own words
    #[command(after_help = "Examples:\n  \
        bedside notebook hand-over 9000000009\n  \
        bedside notebook hand-over 9000000009 --replace")]
    HandOver {
        /// NHS number, or the plan's id
        plan: PlanArg,
        /// Also where the plan says something else
        #[arg(long)]
        replace: bool,
    },
}
