//! Who a plan is about: the first thing on every screen and every sheet of paper.

use bedside_protocol::ids::Timestamp;
use serde::Serialize;

use super::dates::{self, Partial};
use super::leaf::Source;
use super::locale::Locale;
use super::nhs_number::NhsNumber;
use super::phrases;
use super::schema::Section;
use super::view::{DecisionView, SectionView, ValueView};

/// Who a plan is about. What is missing is said to be missing.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Banner {
    /// In upper case.
    pub family: Option<String>,
    /// Given names.
    pub given: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// `DD-Mmm-YYYY`.
    pub born: Option<String>,
    /// ISO 8601.
    pub born_date: Option<String>,
    /// Completed years, today or at death.
    pub age_years: Option<i16>,
    /// In words.
    pub gender: Option<String>,
    /// `943 476 5919`.
    pub nhs_number: Option<String>,
    /// It is recorded with a digit wrong, and shown as it is recorded.
    pub nhs_number_wrong: bool,
    /// The person has died: recorded here by a clinician, and not taken back.
    pub deceased: bool,
    /// `DD-Mmm-YYYY`; recorded here by a clinician.
    pub died: Option<String>,
    /// The demographics service reports a death: its date, or that none is given.
    pub death_notice: Option<String>,
    /// Of such a report, the date, `DD-Mmm-YYYY`.
    pub death_notice_date: Option<String>,
    /// The parts of the banner's line, none of which is ever broken or shortened.
    pub parts: Vec<String>,
}

pub(super) fn banner(sections: &[SectionView], now: Timestamp) -> Banner {
    let identity = &sections[usize::from(Section::Identity.number())];
    let words = |key: &str| best(identity, key).map(|value| value.text.clone());
    let born_date = best(identity, "identity.born").and_then(|value| value.date.clone());
    let born = born_date.as_deref().and_then(Partial::parse);
    let died = death(sections);
    let until = died.or_else(|| dates::day(now));
    let age_years = born.zip(until).and_then(|(born, until)| born.age_on(until));
    let number = words("identity.nhs_number").map(|text| NhsNumber::parse(&text).map_err(|_| text));
    let nhs_number_wrong = matches!(number, Some(Err(_)));
    let nhs_number = number.map(|number| number.map_or_else(|text| text, |number| number.to_string()));
    let banner = Banner {
        family: words("identity.family").map(|family| family.to_uppercase()),
        given: words("identity.given"),
        title: words("identity.title"),
        born: born.map(Partial::show),
        born_date,
        age_years,
        gender: words("identity.gender"),
        nhs_number,
        nhs_number_wrong,
        deceased: died.is_some(),
        died: died.map(Partial::show),
        death_notice: best(identity, "identity.death_notice_status").map(|_| String::new()),
        death_notice_date: words("identity.death_notice"),
        parts: Vec::new(),
    };
    banner.in_language(Locale::british_english())
}

impl Banner {
    /// The same in a language.
    pub(super) fn in_language(mut self, locale: &Locale) -> Self {
        if self.death_notice.is_some() || self.death_notice_date.is_some() {
            let not_given = || locale.say("banner-date-not-given", &[]);
            self.death_notice = Some(self.death_notice_date.clone().unwrap_or_else(not_given));
        }
        self.gender = self.gender.is_some().then(|| phrases::gender(locale, &self));
        self.parts = phrases::banner(locale, &self);
        self
    }
}

/// Of answers that stand beside each other, the record's; the alerts say that there are others.
fn best<'a>(section: &'a SectionView, key: &str) -> Option<&'a ValueView> {
    let answered = |value: &&ValueView| matches!(value.answer, "coded" | "text" | "date" | "number");
    let values = || section.field(key).into_iter().flat_map(|field| field.values.iter()).filter(answered);
    let record = values().find(|value| value.heard_from == Some(Source::Record.name()));
    record.or_else(|| values().find(|value| !value.correction)).or_else(|| values().next())
}

fn death(sections: &[SectionView]) -> Option<Partial> {
    let decisions = &sections[usize::from(Section::AfterDeath.number())].decisions;
    let taken_back = |decision: &DecisionView| decision.field("death.in_error").is_some();
    let date = |decision: &DecisionView| {
        if taken_back(decision) {
            return None;
        }
        Partial::parse(decision.field("death.date")?.values.first()?.date.as_deref()?)
    };
    decisions.iter().find_map(date)
}
