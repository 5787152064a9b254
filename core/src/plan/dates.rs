//! Dates and times as people in the United Kingdom read them, whatever the device's locale.

use bedside_protocol::ids::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Greenwich time with European summer time, as a POSIX rule, so that no time zone database is needed.
const UNITED_KINGDOM: &str = "GMT0BST,M3.5.0/1,M10.5.0";

/// A date known to the day, the month or the year.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Partial {
    year: i16,
    month: Option<i8>,
    day: Option<i8>,
}

impl Partial {
    /// Reads `YYYY`, `YYYY-MM` or `YYYY-MM-DD`; `None` for anything else and for days that do not exist.
    #[must_use]
    pub fn parse(iso: &str) -> Option<Self> {
        if !iso.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
            return None;
        }
        let number = |from: usize, to: usize| iso.get(from..to)?.parse::<i16>().ok().filter(|n| *n > 0);
        let small = |from, to| number(from, to).and_then(|n| i8::try_from(n).ok());
        let dash = |at: usize| iso.as_bytes().get(at) == Some(&b'-');
        let date = match iso.len() {
            4 => Self { year: number(0, 4)?, month: None, day: None },
            7 if dash(4) => Self { year: number(0, 4)?, month: Some(small(5, 7)?), day: None },
            10 if dash(4) && dash(7) => {
                Self { year: number(0, 4)?, month: Some(small(5, 7)?), day: Some(small(8, 10)?) }
            }
            _ => return None,
        };
        Date::new(date.year, date.month.unwrap_or(1), date.day.unwrap_or(1)).ok().map(|_| date)
    }

    /// `DD-Mmm-YYYY`, `Mmm-YYYY` or `YYYY`.
    #[must_use]
    pub fn show(self) -> String {
        let month = self.month.and_then(|month| MONTHS.get(usize::try_from(month).ok()?.checked_sub(1)?));
        match (self.day, month) {
            (Some(day), Some(month)) => format!("{day:02}-{month}-{:04}", self.year),
            (None, Some(month)) => format!("{month}-{:04}", self.year),
            _ => format!("{:04}", self.year),
        }
    }

    /// So many months later; the last day of that month where the day does not exist. `None` unless known to the day.
    #[must_use]
    pub fn plus_months(self, months: i8) -> Option<Self> {
        self.plus(jiff::Span::new().try_months(months).ok()?)
    }

    /// So many days later. `None` unless known to the day.
    #[must_use]
    pub fn plus_days(self, days: i16) -> Option<Self> {
        self.plus(jiff::Span::new().try_days(days).ok()?)
    }

    fn plus(self, span: jiff::Span) -> Option<Self> {
        let date = Date::new(self.year, self.month?, self.day?).ok()?.checked_add(span).ok()?;
        Some(Self { year: date.year(), month: Some(date.month()), day: Some(date.day()) })
    }

    /// `YYYY-MM-DD`, `YYYY-MM` or `YYYY`.
    #[must_use]
    pub fn iso(self) -> String {
        let part = |part: Option<i8>| part.map(|part| format!("-{part:02}")).unwrap_or_default();
        format!("{:04}{}{}", self.year, part(self.month), part(self.day))
    }

    /// True when it is known to the day.
    #[must_use]
    pub const fn is_a_day(self) -> bool {
        self.day.is_some()
    }

    /// Completed years on a day; `None` unless both are known to the day and in order.
    #[must_use]
    pub fn age_on(self, on: Self) -> Option<i16> {
        let (birth, now) = ((self.month?, self.day?), (on.month?, on.day?));
        let years = on.year - self.year - i16::from(now < birth);
        (years >= 0).then_some(years)
    }
}

/// The day in the United Kingdom.
#[must_use]
pub fn day(time: Timestamp) -> Option<Partial> {
    let date = civil(time)?.date();
    Some(Partial { year: date.year(), month: Some(date.month()), day: Some(date.day()) })
}

/// `DD-Mmm-YYYY` in the United Kingdom; `?` for a time beyond the calendar.
#[must_use]
pub fn show_day(time: Timestamp) -> String {
    day(time).map_or_else(|| "?".to_owned(), Partial::show)
}

/// `DD-Mmm-YYYY HH:MM` in the United Kingdom; `?` for a time beyond the calendar.
#[must_use]
pub fn show_minute(time: Timestamp) -> String {
    let Some(civil) = civil(time) else {
        return "?".to_owned();
    };
    format!("{} {:02}:{:02}", show_day(time), civil.hour(), civil.minute())
}

/// Reads a moment: RFC 3339, or a day (`YYYY-MM-DD`), which means its end in the United Kingdom.
#[must_use]
pub fn parse_time(text: &str) -> Option<Timestamp> {
    let time = match text.parse::<jiff::Timestamp>() {
        Ok(time) => time,
        Err(_) => {
            let next = Partial::parse(text)?.plus_days(1)?;
            let midnight = Date::new(next.year, next.month?, next.day?).ok()?.at(0, 0, 0, 0);
            let zone = TimeZone::posix(UNITED_KINGDOM).expect("the rule above is one that jiff reads");
            zone.to_timestamp(midnight).ok()?.checked_sub(jiff::Span::new().milliseconds(1)).ok()?
        }
    };
    u64::try_from(time.as_millisecond()).ok().map(Timestamp)
}

/// RFC 3339 in UTC, to the second; `None` for a time beyond the calendar.
#[must_use]
pub fn rfc3339(time: Timestamp) -> Option<String> {
    let seconds = i64::try_from(time.0 / 1_000).ok()?;
    jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}

/// Reads RFC 3339, whatever its offset; `None` for anything else and for times before 1970.
#[must_use]
pub fn from_rfc3339(text: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(time.as_millisecond()).ok().map(Timestamp)
}

fn civil(time: Timestamp) -> Option<jiff::civil::DateTime> {
    let time = jiff::Timestamp::from_millisecond(i64::try_from(time.0).ok()?).ok()?;
    let zone = TimeZone::posix(UNITED_KINGDOM).expect("the rule above is one that jiff reads");
    Some(zone.to_datetime(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(iso: &str) -> Option<String> {
        Partial::parse(iso).map(Partial::show)
    }

    #[test]
    fn dates_are_shown_with_the_month_in_letters() {
        assert_eq!(show("1940-01-01").as_deref(), Some("01-Jan-1940"));
        assert_eq!(show("1940-12").as_deref(), Some("Dec-1940"));
        assert_eq!(show("1940").as_deref(), Some("1940"));
        for wrong in [
            "",
            "1940-1-1",
            "1940-13-01",
            "2023-02-29",
            "0000-01-01",
            "+940-01-01",
            "19400101",
            "1940-01-01T",
        ] {
            assert_eq!(show(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_age_is_completed_years() {
        let age = |born: &str, on: &str| Partial::parse(born).unwrap().age_on(Partial::parse(on).unwrap());
        assert_eq!(age("1940-01-01", "2026-11-22"), Some(86));
        assert_eq!(age("1940-11-23", "2026-11-22"), Some(85));
        assert_eq!(age("2024-02-29", "2025-02-28"), Some(0));
        assert_eq!(age("2024-02-29", "2025-03-01"), Some(1));
        assert_eq!(age("2030-01-01", "2026-01-01"), None);
        assert_eq!(age("1940", "2026-11-22"), None);
    }

    #[test]
    fn months_later_is_a_day_that_exists() {
        let later = |iso: &str| Partial::parse(iso).unwrap().plus_months(3).map(Partial::iso);
        assert_eq!(later("2026-11-22").as_deref(), Some("2027-02-22"));
        assert_eq!(later("2026-11-30").as_deref(), Some("2027-02-28"));
        assert_eq!(later("2026-11"), None);
        assert_eq!(
            Partial::parse("2026-12-25").unwrap().plus_days(14).map(Partial::iso).as_deref(),
            Some("2027-01-08")
        );
    }

    #[test]
    fn times_are_those_of_the_united_kingdom() {
        assert_eq!(show_minute(Timestamp(1_795_338_840_000)), "22-Nov-2026 09:14");
        assert_eq!(show_minute(Timestamp(1_782_860_400_000)), "01-Jul-2026 00:00", "summer time");
        assert_eq!(rfc3339(Timestamp(1_782_860_400_000)).as_deref(), Some("2026-06-30T23:00:00Z"));
        assert_eq!(show_minute(Timestamp(u64::MAX)), "?");
        assert_eq!(parse_time("2026-11-22T09:14:00Z"), Some(Timestamp(1_795_338_840_000)));
        assert_eq!(parse_time("2026-06-30"), Some(Timestamp(1_782_860_400_000 - 1)), "summer time");
        assert_eq!(parse_time("yesterday"), None);
        assert_eq!(from_rfc3339("2026-07-01T00:00:00+01:00"), Some(Timestamp(1_782_860_400_000)));
        assert_eq!(from_rfc3339("yesterday"), None);
    }
}
