//! A plan in one line of a list.

use minicbor::{Decode, Encode};

use super::locale::Locale;
use super::phrases;
use super::schema::Section;
use super::view::{DecisionView, PlanView, SectionView};

const CPR: &str = "cpr.decision";

/// One line of a list of plans.
#[derive(Clone, PartialEq, Eq)]
pub struct Summary {
    /// In upper case; empty when not recorded.
    pub family: String,
    /// Given names; empty when not recorded.
    pub given: String,
    /// `943 476 5919`; empty when not recorded.
    pub nhs_number: String,
    /// `DD-Mmm-YYYY`; empty when not recorded.
    pub born: String,
    /// Where the person lives, in one line.
    pub place: Option<String>,
    /// What is to be known first: that the person has died, that the plan is locked, or what stands about CPR.
    pub first: First,
    /// Decisions of some section contradict each other.
    pub in_conflict: bool,
    /// How many alerts, those that only note something left out.
    pub alerts: u32,
    /// Status, as the set of statuses names it.
    pub status: &'static str,
    /// `DD-Mmm-YYYY`, when the person has died.
    pub died: Option<String>,
    /// Consent is withdrawn, and this device does not show the plan.
    pub locked: bool,
}

/// What a list says of a plan before everything else. Kept, and said when it is shown.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub enum First {
    /// The person has died.
    #[n(0)]
    Deceased {
        /// `DD-Mmm-YYYY`.
        #[n(0)]
        died: String,
    },
    /// Consent is withdrawn, and this device does not show the plan.
    #[n(1)]
    Locked,
    /// No decision about CPR stands.
    #[n(2)]
    CprNone,
    /// One does.
    #[n(3)]
    Cpr {
        /// What it says.
        #[n(0)]
        answer: Option<Cpr>,
        /// Who recorded it.
        #[n(1)]
        by: String,
        /// When, `DD-Mmm-YYYY`.
        #[n(2)]
        day: String,
        /// Somebody endorsed it.
        #[n(3)]
        endorsed: bool,
        /// It is kept from the person.
        #[cbor(n(4), default)]
        kept: bool,
    },
    /// Decisions contradict each other.
    #[n(4)]
    CprInConflict {
        /// What they say.
        #[n(0)]
        answers: Vec<Option<Cpr>>,
    },
}

/// An answer about CPR.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct Cpr {
    /// Its code, if it has one.
    #[n(0)]
    code: Option<String>,
    /// In British English.
    #[n(1)]
    text: String,
}

/// What a list shows of a plan.
#[must_use]
pub fn summary(view: &PlanView) -> Summary {
    let banner = &view.banner;
    let alerts = view.alerts.iter().filter(|alert| alert.severity != "note").count();
    let first = match (&banner.died, view.kind) {
        (Some(died), _) => First::Deceased { died: died.clone() },
        (None, "locked") => First::Locked,
        (None, _) => cpr(view.section(Section::Cpr)),
    };
    Summary {
        family: banner.family.clone().unwrap_or_default(),
        given: banner.given.clone().unwrap_or_default(),
        nhs_number: banner.nhs_number.clone().unwrap_or_default(),
        born: banner.born.clone().unwrap_or_default(),
        place: place(view.section(Section::Identity)),
        first,
        in_conflict: view.sections.iter().any(|section| section.in_conflict),
        alerts: u32::try_from(alerts).unwrap_or(u32::MAX),
        status: view.control.status,
        died: banner.died.clone(),
        locked: view.kind == "locked",
    }
}

fn place(identity: &SectionView) -> Option<String> {
    let words = |key| Some(identity.field(key)?.values.first()?.text.clone());
    let of = |address, postcode| {
        let parts: Vec<String> = [words(address), words(postcode)].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    };
    of("identity.temporary_address", "identity.temporary_postcode")
        .or_else(|| of("identity.address", "identity.postcode"))
}

fn cpr(section: &SectionView) -> First {
    match section.decisions.as_slice() {
        [] => First::CprNone,
        [one] => First::Cpr {
            answer: answer(one),
            by: one.by.author.clone(),
            day: one.by.day.clone(),
            endorsed: one.endorsed,
            kept: one.kept_in.is_some(),
        },
        several => First::CprInConflict { answers: several.iter().map(answer).collect() },
    }
}

fn answer(decision: &DecisionView) -> Option<Cpr> {
    let value = decision.field(CPR)?.values.first()?;
    Some(Cpr { code: value.code.clone(), text: value.text.clone() })
}

impl First {
    /// For people.
    #[must_use]
    pub fn say(&self, locale: &Locale) -> String {
        let answer = |cpr: &Option<Cpr>| match cpr {
            Some(Cpr { code, text }) => phrases::coded_value(locale, CPR, code.as_deref(), text),
            None => locale.say("list-cpr-unanswered", &[]),
        };
        match self {
            Self::Deceased { died } => locale.say("list-deceased", &[("died", died.into())]),
            Self::Locked => locale.say("list-locked", &[]),
            Self::CprNone => locale.say("list-cpr-none", &[]),
            Self::Cpr { answer: said, by, day, endorsed, kept } => {
                let endorsed = if *endorsed { "yes" } else { "no" };
                let told = [
                    ("answer", answer(said).into()),
                    ("author", by.into()),
                    ("day", day.into()),
                    ("endorsed", endorsed.into()),
                ];
                let line = locale.say("list-cpr", &told);
                if *kept { locale.say("list-cpr-kept", &[("line", line.into())]) } else { line }
            }
            Self::CprInConflict { answers } => {
                let answers: Vec<String> = answers.iter().map(answer).collect();
                locale.say("list-cpr-in-conflict", &[("answers", answers.join(" / ").into())])
            }
        }
    }
}
