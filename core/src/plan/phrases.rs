//! What is said of a plan as a whole, in a language: the same words in a view, on a page and in a list.

use bedside_protocol::ids::Timestamp;

use super::banner::Banner;
use super::codes::{self, Set};
use super::dates;
use super::locale::{Arg, Locale, code_id};
use super::view::{By, ConsentView, ReviewView};

/// A view that was compared with the relay less than this long ago is as good as checked now.
const FRESH_MS: u64 = 60_000;

/// The parts of the banner's line: name, birth, death, gender, NHS number.
pub(super) fn banner(locale: &Locale, banner: &Banner) -> Vec<String> {
    let mut parts = vec![name(locale, banner), born(locale, banner)];
    parts.extend(died(locale, banner));
    parts.push(gender(locale, banner));
    parts.push(nhs_number(locale, banner));
    parts
}

pub(super) fn name(locale: &Locale, banner: &Banner) -> String {
    let or_missing = |name: &Option<String>, id| name.clone().unwrap_or_else(|| locale.say(id, &[]));
    let family = ("family", or_missing(&banner.family, "banner-family-missing").into());
    let given = ("given", or_missing(&banner.given, "banner-given-missing").into());
    match &banner.title {
        Some(title) => locale.say("banner-name-titled", &[family, given, ("title", title.into())]),
        None => locale.say("banner-name", &[family, given]),
    }
}

pub(super) fn born(locale: &Locale, banner: &Banner) -> String {
    match (&banner.born, banner.age_years) {
        (Some(born), Some(years)) => {
            let years = years.to_string().into();
            locale.say("banner-born-aged", &[("born", born.into()), ("years", years)])
        }
        (Some(born), None) => locale.say("banner-born", &[("born", born.into())]),
        (None, _) => locale.say("banner-born-missing", &[]),
    }
}

/// What is said of a death; none while the person is alive, as far as is known.
pub(super) fn died(locale: &Locale, banner: &Banner) -> Option<String> {
    match &banner.died {
        Some(died) => Some(locale.say("banner-died", &[("died", died.into())])),
        None => Some(locale.say("banner-death-reported", &[("notice", death_notice(banner)?)])),
    }
}

/// The day of a death notice, or that none is given.
pub(super) fn death_notice(banner: &Banner) -> Option<Arg> {
    banner.death_notice.as_ref()?;
    Some(banner.death_notice_date.as_ref().map_or(Arg::Messages(vec!["banner-date-not-given"]), Arg::from))
}

pub(super) fn gender(locale: &Locale, banner: &Banner) -> String {
    let Some(gender) = &banner.gender else { return locale.say("banner-gender-missing", &[]) };
    match codes::find(Set::Gender, gender) {
        Some(code) => locale.label([code_id(code).as_str()], code.display),
        None => gender.clone(),
    }
}

pub(super) fn nhs_number(locale: &Locale, banner: &Banner) -> String {
    match &banner.nhs_number {
        Some(number) => locale.say("banner-nhs-number", &[("number", number.into())]),
        None => locale.say("banner-nhs-number-missing", &[]),
    }
}

/// How old a view is: the message that says so, and what it is told.
pub(super) fn as_of(
    kind: &str,
    now: Option<Timestamp>,
    contact: Option<Timestamp>,
) -> (&'static str, [(&'static str, Arg); 1]) {
    let (id, when) = match (contact, now) {
        _ if kind == "past" => ("as-of-past", now),
        (None, _) => ("as-of-never", None),
        (Some(contact), Some(now)) if now.since(contact) < FRESH_MS => ("as-of-fresh", Some(contact)),
        (contact, _) => ("as-of-stale", contact),
    };
    (id, [("when", when.map_or_else(String::new, dates::show_minute).into())])
}

/// A consent, or another basis.
pub(super) fn consent(locale: &Locale, consent: &ConsentView) -> String {
    let outcome = [("outcome", consent.outcome.into())];
    locale.say(if consent.scope == "record" { "consent-record" } else { "consent-share" }, &outcome)
}

/// Whether a section was approved; none when there is nothing to say.
pub(super) fn review(locale: &Locale, review: &ReviewView) -> Option<String> {
    let by = |by: &By| [("author", Arg::from(&by.author)), ("day", Arg::from(&by.day))];
    match (review.state, &review.approved_by) {
        ("not-reviewed", _) => Some(locale.say("review-not-reviewed", &[])),
        ("approved", Some(approver)) => Some(locale.say("review-approved", &by(approver))),
        ("changed", Some(approver)) => Some(locale.say("review-changed", &by(approver))),
        _ => None,
    }
}

/// Who wrote something, and when.
pub(super) fn by(locale: &Locale, by: &By) -> String {
    let author = ("author", (&by.author).into());
    let (role, day) = (("role", role(locale, by.role).into()), ("day", (&by.day).into()));
    match &by.organisation {
        Some(name) => locale.say("by-of", &[author, role, day, ("organisation", name.into())]),
        None => locale.say("by", &[author, role, day]),
    }
}

/// What somebody is to the plan.
pub(super) fn role(locale: &Locale, role: &str) -> String {
    locale.label([format!("role-{role}").as_str()], role)
}
