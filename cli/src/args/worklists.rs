//! Lists of work, the caseload and visits.

use std::str::FromStr;

use bedside_core::api::{Clock as _, SystemClock, VisitId, Worklist};
use bedside_core::plan::dates::{self, Partial};
use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};

use super::PlanArg;

#[derive(Args)]
pub(crate) struct WorklistArgs {
    /// Which list; without a name, how long each is
    #[arg(value_enum)]
    pub(crate) list: Option<ListArg>,
    /// How many plans at most
    #[arg(long, default_value_t = 50, requires = "list")]
    pub(crate) limit: usize,
}

/// A list by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListArg(pub(crate) Worklist);

impl ValueEnum for ListArg {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [ListArg; 8] = {
            let mut all = [ListArg(Worklist::All); 8];
            let mut place = 0;
            while place < all.len() {
                all[place] = ListArg(Worklist::ALL[place]);
                place += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()).help(self.0.title()))
    }
}

#[derive(Subcommand)]
pub(crate) enum Caseload {
    /// Take a plan on
    #[command(after_help = "Examples:\n  bedside caseload add 9000000009")]
    Add {
        /// NHS number, or the plan's id
        plan: PlanArg,
    },
    /// Hand a plan back
    #[command(after_help = "Examples:\n  bedside caseload remove 9000000009")]
    Remove {
        /// NHS number, or the plan's id
        plan: PlanArg,
    },
    /// List the plans that you have taken on, and those that name you as key worker
    #[command(after_help = "Examples:\n  bedside caseload list")]
    List,
}

#[derive(Subcommand)]
pub(crate) enum Visit {
    /// Plan a visit
    #[command(after_help = "Examples:\n  \
        bedside visit add 9000000009\n  \
        bedside visit add 9000000009 --day tomorrow --time 10:30 --note 'dressing'\n  \
        bedside visit add '900 000 0009' --day 2026-11-26")]
    Add {
        /// NHS number, or the plan's id
        plan: PlanArg,
        /// today, tomorrow, or a day such as 2026-11-26
        #[arg(long, default_value = "today")]
        day: Day,
        /// In 24 hours, such as 14:30
        #[arg(long, value_name = "HH:MM")]
        time: Option<String>,
        /// What for; it stays on this device
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Mark a visit as done
    #[command(after_help = "Examples:\n  bedside visit done 3\n  bedside visit done 3 --undo")]
    Done {
        /// Its number, as `bedside visit list` shows it
        #[arg(value_parser = visit)]
        visit: VisitId,
        /// It is not done after all
        #[arg(long)]
        undo: bool,
    },
    /// Take a visit out, as if it had never been planned
    #[command(after_help = "Examples:\n  bedside visit cancel 3")]
    Cancel {
        /// Its number, as `bedside visit list` shows it
        #[arg(value_parser = visit)]
        visit: VisitId,
    },
    /// List every visit that is not done, or all of one day
    #[command(after_help = "Examples:\n  \
        bedside visit list\n  \
        bedside visit list --day today\n  \
        bedside visit list --day 2026-11-26")]
    List {
        /// Of this day, done or not: today, tomorrow, or such as 2026-11-26
        #[arg(long)]
        day: Option<Day>,
    },
}

fn visit(text: &str) -> Result<VisitId, String> {
    VisitId::parse(text).ok_or_else(|| "give the number that `bedside visit list` shows".to_owned())
}

/// A day in the United Kingdom, as YYYY-MM-DD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Day(pub(crate) String);

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let today = dates::day(SystemClock.now());
        let day = match text.trim() {
            "today" => today,
            "tomorrow" => today.and_then(|today| today.plus_days(1)),
            day => Partial::parse(day).filter(|day| day.is_a_day()),
        };
        let why = "give today, tomorrow, or a day such as 2026-11-26";
        day.map(|day| Self(day.iso())).ok_or_else(|| why.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_named_by_its_date_or_from_today() {
        assert_eq!("2026-11-26".parse(), Ok(Day("2026-11-26".into())));
        let (today, tomorrow) = ("today".parse::<Day>().unwrap(), "tomorrow".parse::<Day>().unwrap());
        assert!(today.0 < tomorrow.0);
        for wrong in ["", "26-11-2026", "2026-11", "2026-02-30", "monday"] {
            assert!(wrong.parse::<Day>().is_err(), "{wrong}");
        }
    }
}
