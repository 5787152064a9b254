//! What is said of a plan as a whole, in a language: the same words in a view, on a page and in a list.

use bedside_protocol::ids::Timestamp;

use super::banner::Banner;
use super::codes::{self, Code, Set};
use super::dates;
use super::locale::code_of;
use super::locale::{Arg, Locale, Message};
use super::schema;
use super::view::{AsOfView, By, ConsentView, FieldView, ReviewView, ValueView};

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
    Some(
        banner.death_notice_date.as_ref().map_or(Arg::from(Message::new("banner-date-not-given")), Arg::from),
    )
}

pub(super) fn gender(locale: &Locale, banner: &Banner) -> String {
    let Some(gender) = &banner.gender else { return locale.say("banner-gender-missing", &[]) };
    match codes::find(Set::Gender, gender) {
        Some(code) => locale.code(code),
        None => gender.clone(),
    }
}

pub(super) fn nhs_number(locale: &Locale, banner: &Banner) -> String {
    let number: Arg = match &banner.nhs_number {
        Some(number) if banner.nhs_number_wrong => {
            Message::new("banner-nhs-number-wrong").with("number", number).into()
        }
        Some(number) => number.into(),
        None => return locale.say("banner-nhs-number-missing", &[]),
    };
    locale.say("banner-nhs-number", &[("number", number)])
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

/// How old a view is, in a sentence.
pub(super) fn as_of_view(locale: &Locale, kind: &str, as_of: &AsOfView) -> String {
    let time = |text: &Option<String>| text.as_deref().and_then(dates::from_rfc3339);
    let (message, when) = self::as_of(kind, time(&as_of.now), time(&as_of.last_contact));
    locale.say(message, &when)
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

/// Who approved something, their organisation's ODS code included.
pub(super) fn signed(locale: &Locale, by: &By) -> String {
    let (Some(organisation), Some(ods)) = (&by.organisation, &by.ods) else { return self::by(locale, by) };
    let role = role(locale, by.role).into();
    let told = [("author", (&by.author).into()), ("role", role), ("day", (&by.day).into())];
    let of = [("organisation", organisation.into()), ("ods", ods.into())];
    locale.say("by-of-ods", &[&told[..], &of].concat())
}

/// The label of a question.
pub(super) fn label(locale: &Locale, field: &FieldView) -> String {
    schema::field(&field.key).map_or_else(|| field.label.clone(), |(known, _)| locale.field(known))
}

/// How a coded answer is put into words.
pub(super) enum Coded<'a> {
    /// As the code is.
    Code(&'static Code),
    /// As the code is, with words of somebody's own.
    With(&'static Code, &'a str),
    /// In words alone.
    Words(&'a str),
}

/// Reads a coded answer to a field.
pub(super) fn coded<'a>(key: &str, code: Option<&str>, text: &'a str) -> Coded<'a> {
    let found = schema::field(key).and_then(|(field, _)| code_of(field, code?));
    let Some(code) = found else { return Coded::Words(text) };
    match text.strip_prefix(code.display).map(|rest| (rest, rest.strip_prefix(": "))) {
        Some(("", _)) => Coded::Code(code),
        Some((_, Some(words))) => Coded::With(code, words),
        _ => Coded::Words(text),
    }
}

/// A coded answer to a field.
pub(super) fn coded_value(locale: &Locale, key: &str, code: Option<&str>, text: &str) -> String {
    match coded(key, code, text) {
        Coded::Code(code) => locale.code(code),
        Coded::With(code, words) => {
            let told = [("answer", locale.code(code).into()), ("words", words.into())];
            locale.say("answer-with-words", &told)
        }
        Coded::Words(words) => words.to_owned(),
    }
}

/// An answer to a field.
pub(super) fn value(locale: &Locale, key: &str, value: &ValueView) -> String {
    match value.answer {
        "text" | "date" | "number" => value.text.clone(),
        "coded" => coded_value(locale, key, value.code.as_deref(), &value.text),
        kind => locale.say(&format!("answer-{kind}"), &[]),
    }
}

/// Until when glass is broken.
pub(super) fn glass(locale: &Locale, until: &Option<String>) -> String {
    let until = until.as_deref().and_then(dates::from_rfc3339).map_or_else(String::new, dates::show_minute);
    locale.say("glass-open", &[("until", until.into())])
}

/// What somebody is to the plan.
pub(super) fn role(locale: &Locale, role: &str) -> String {
    locale.label([format!("role-{role}").as_str()], role)
}
