//! One Patient, element by element.

use serde_json::Value;

use super::{Demographics, FhirError};
use crate::plan::check::{Given, check_edit};
use crate::plan::codes::{self, Code, Set, System};
use crate::plan::dates::Partial;
use crate::plan::leaf::{Answer, Coded, Leaf, Source};
use crate::plan::nhs_number::NhsNumber;

const NHS_NUMBER: &str = "https://fhir.nhs.uk/Id/nhs-number";
const ODS_CODE: &str = "https://fhir.nhs.uk/Id/ods-organization-code";
const VERIFICATION: &str = "NHSNumberVerificationStatus";
const DEATH: &str = "DeathNotificationStatus";
const COMMUNICATION: &str = "NHSCommunication";
const OTHER_CONTACT: &str = "OtherContactSystem";

pub(super) fn read(patient: &Value, today: Partial) -> Result<Demographics, FhirError> {
    let identifier = identifier(patient).ok_or(FhirError::NoNhsNumber)?;
    let value = text(identifier, "value").or_else(|| text(patient, "id")).ok_or(FhirError::NoNhsNumber)?;
    let nhs_number = NhsNumber::parse(value).map_err(FhirError::InvalidNhsNumber)?;
    let mut reader = Reader { edits: Vec::new(), notes: Vec::new(), today };
    reader.words("identity.nhs_number", &nhs_number.to_string());
    reader.verification(identifier);
    reader.name(patient);
    reader.date("identity.born", text(patient, "birthDate"), "The date of birth");
    reader.gender(patient);
    reader.address(patient);
    reader.telecom(patient);
    reader.language(patient);
    reader.practice(patient);
    let death_notice = reader.death(patient);
    let sensitive = sensitive(patient);
    if sensitive {
        reader.notes.push("The record is restricted: address, phone and practice are not given.".to_owned());
    }
    Ok(Demographics { nhs_number, edits: reader.edits, sensitive, death_notice, notes: reader.notes })
}

struct Reader {
    edits: Vec<(String, Leaf)>,
    notes: Vec<String>,
    today: Partial,
}

impl Reader {
    /// Keeps an answer that fits its field; says so when it does not.
    fn keep(&mut self, key: &str, answer: Answer) {
        let leaf = Leaf::new(answer, Source::Record);
        match check_edit(key, Given::Leaf(&leaf)) {
            Ok(_) => self.edits.push((key.to_owned(), leaf)),
            Err(_) => {
                self.notes.push(format!("The record's answer for {key} cannot be used and was left out."))
            }
        }
    }

    fn words(&mut self, key: &str, words: &str) {
        if let Ok(answer) = Answer::text(words) {
            self.keep(key, answer);
        }
    }

    fn code(&mut self, key: &str, code: Option<&'static Code>) {
        if let Some(code) = code {
            self.keep(key, Answer::from(code));
        }
    }

    /// A date, or the day of a time.
    fn date(&mut self, key: &str, iso: Option<&str>, what: &str) -> Option<String> {
        let iso = iso?;
        let day = iso.split('T').next().unwrap_or_default();
        match Answer::date(day) {
            Ok(answer) => {
                self.keep(key, answer);
                Some(day.to_owned())
            }
            Err(_) => {
                self.notes.push(format!("{what} is not a date and was left out."));
                None
            }
        }
    }

    fn verification(&mut self, identifier: &Value) {
        let status = extension(identifier, VERIFICATION).and_then(|e| coding(&e["valueCodeableConcept"]));
        let code = status.and_then(|status| codes::find(Set::NumberStatus, text(status, "code")?));
        self.code("identity.nhs_number_status", code);
    }

    fn name(&mut self, patient: &Value) {
        let Some(name) = self.current(patient, "name", &["usual", "official"], "name") else {
            return;
        };
        for (key, part) in
            [("identity.family", "family"), ("identity.given", "given"), ("identity.title", "prefix")]
        {
            self.words(key, &joined(&name[part], " "));
        }
        let nickname = elements(patient, "name").find(|name| text(name, "use") == Some("nickname"));
        if let Some(nickname) = nickname {
            self.words("identity.preferred_name", &joined(&nickname["given"], " "));
        }
    }

    fn gender(&mut self, patient: &Value) {
        let token = match text(patient, "gender") {
            Some(gender @ ("male" | "female")) => gender,
            Some("other") => "indeterminate",
            _ => return,
        };
        self.code("identity.gender", codes::find(Set::Gender, token));
    }

    fn address(&mut self, patient: &Value) {
        let kinds = [
            (&["home", "billing"][..], "identity.address", "identity.postcode", "usual address"),
            (&["temp"][..], "identity.temporary_address", "identity.temporary_postcode", "temporary address"),
        ];
        for (uses, address_key, postcode_key, what) in kinds {
            let noted = self.notes.len();
            let Some(address) = self.current(patient, "address", uses, what) else {
                continue;
            };
            if uses == ["temp"] && self.notes.len() > noted {
                // Nobody is looked for where they stayed last year.
                self.notes.truncate(noted);
                self.notes.push("A temporary address that is not in force was left out.".to_owned());
                continue;
            }
            let lines = joined(&address["line"], ", ");
            let whole = match (text(address, "text"), lines.is_empty()) {
                (Some(named), false) => format!("{named}: {lines}"),
                (Some(named), true) => named.to_owned(),
                (None, _) => lines,
            };
            self.words(address_key, &whole);
            self.words(postcode_key, text(address, "postalCode").unwrap_or_default());
        }
    }

    fn telecom(&mut self, patient: &Value) {
        let kinds = [
            ("phone", "home", "identity.home_phone", "home phone"),
            ("phone", "mobile", "identity.mobile_phone", "mobile phone"),
            ("phone", "work", "identity.work_phone", "work phone"),
            ("email", "", "identity.email", "email"),
            ("other", "", "identity.textphone", "textphone"),
        ];
        for (system, usage, key, what) in kinds {
            let fits = |telecom: &&Value| {
                let textphone = || {
                    let kind =
                        extension(telecom, OTHER_CONTACT).and_then(|e| text(&e["valueCoding"], "code"));
                    kind.is_some_and(|kind| matches!(kind, "textphone" | "minicom"))
                };
                text(telecom, "system") == Some(system)
                    && (usage.is_empty() || text(telecom, "use") == Some(usage))
                    && (system != "other" || textphone())
            };
            let found: Vec<&Value> = elements(patient, "telecom").filter(fits).collect();
            if let Some(telecom) = self.newest(found, what) {
                self.words(key, text(telecom, "value").unwrap_or_default());
            }
        }
    }

    fn language(&mut self, patient: &Value) {
        let Some(communication) = extension(patient, COMMUNICATION) else {
            return;
        };
        let part = |name: &str| elements(communication, "extension").find(|e| text(e, "url") == Some(name));
        if let Some(language) = part("language").and_then(|e| coding(&e["valueCodeableConcept"])) {
            let code = text(language, "code");
            let words = text(language, "display").or(code).unwrap_or_default().to_owned();
            let system = code.map(|_| System::Language.uri().to_owned());
            let coded = Coded { code: code.map(str::to_owned), system, display: None, text: words };
            self.keep("identity.language", Answer::Coded(coded));
        }
        let token = match part("interpreterRequired").and_then(|e| e["valueBoolean"].as_bool()) {
            Some(true) => "needed",
            Some(false) => "not-needed",
            None => return,
        };
        self.code("identity.interpreter", codes::find(Set::Interpreter, token));
    }

    fn practice(&mut self, patient: &Value) {
        let of_ods = |gp: &&Value| {
            text(&gp["identifier"], "system") == Some(ODS_CODE) && text(&gp["identifier"], "value").is_some()
        };
        let found: Vec<&Value> = elements(patient, "generalPractitioner").filter(of_ods).collect();
        if let Some(practice) = self.newest_by(found, "GP practice", |gp| &gp["identifier"]["period"]) {
            self.words("gp.ods_code", text(&practice["identifier"], "value").unwrap_or_default());
            self.words("gp.practice", text(practice, "display").unwrap_or_default());
        }
    }

    fn death(&mut self, patient: &Value) -> Option<String> {
        let notice = extension(patient, DEATH);
        let status = notice.and_then(|notice| {
            let part =
                elements(notice, "extension").find(|e| text(e, "url") == Some("deathNotificationStatus"))?;
            text(coding(&part["valueCodeableConcept"])?, "code")
        });
        // 1 informal, 2 formal, U removed (UKCore-DeathNotificationStatus).
        let token = match status {
            Some("1") => Some("informal"),
            Some("2") => Some("formal"),
            _ => None,
        };
        let deceased = text(patient, "deceasedDateTime");
        if token.is_none() && deceased.is_none() && patient["deceasedBoolean"].as_bool() != Some(true) {
            return None;
        }
        self.code("identity.death_notice_status", codes::find(Set::DeathNotice, token.unwrap_or("reported")));
        let date = self.date("identity.death_notice", deceased, "The date of death");
        self.notes
            .push("The demographics service records a death. Confirm before acting on this plan.".to_owned());
        Some(date.unwrap_or_default())
    }

    fn current<'a>(
        &mut self,
        patient: &'a Value,
        element: &str,
        uses: &[&str],
        what: &str,
    ) -> Option<&'a Value> {
        let found = uses.iter().map(|usage| {
            let of_use = |value: &&Value| text(value, "use").unwrap_or(uses[0]) == *usage;
            elements(patient, element).filter(of_use).collect::<Vec<_>>()
        });
        let found = found.into_iter().find(|found| !found.is_empty())?;
        self.newest(found, what)
    }

    fn newest<'a>(&mut self, found: Vec<&'a Value>, what: &str) -> Option<&'a Value> {
        self.newest_by(found, what, |value| &value["period"])
    }

    /// The one in force that began last; else the one that ended last, with a note; else the one that begins first.
    fn newest_by<'a>(
        &mut self,
        found: Vec<&'a Value>,
        what: &str,
        period: impl Fn(&'a Value) -> &'a Value,
    ) -> Option<&'a Value> {
        let day = |value: &'a Value, end: &str| {
            Partial::parse(text(period(value), end)?.split('T').next().unwrap_or_default())
        };
        let over = |value: &&'a Value| day(value, "end").is_some_and(|end| end < self.today);
        let ahead = |value: &&'a Value| day(value, "start").is_some_and(|start| start > self.today);
        let in_force =
            found.iter().copied().filter(|v| !over(v) && !ahead(v)).max_by_key(|v| day(v, "start"));
        if in_force.is_some() {
            return in_force;
        }
        if let Some(ended) = found.iter().copied().filter(over).max_by_key(|v| day(v, "end")) {
            let end = day(ended, "end").map(Partial::show).unwrap_or_default();
            self.notes.push(format!(
                "The {what} ended on {end} and nothing newer is recorded; ask whether it still holds."
            ));
            return Some(ended);
        }
        let next = found.into_iter().min_by_key(|v| day(v, "start"))?;
        self.notes
            .push(format!("The {what} is recorded for a later date only; ask whether it holds already."));
        Some(next)
    }
}

fn identifier(patient: &Value) -> Option<&Value> {
    elements(patient, "identifier").find(|identifier| text(identifier, "system") == Some(NHS_NUMBER))
}

/// HL7 v3 Confidentiality: R restricted, V very restricted.
fn sensitive(patient: &Value) -> bool {
    elements(&patient["meta"], "security")
        .any(|label| matches!(text(label, "code"), Some("R" | "V" | "REDACTED")))
}

fn extension<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    elements(value, "extension")
        .find(|extension| text(extension, "url").is_some_and(|url| url.ends_with(name)))
}

fn coding(concept: &Value) -> Option<&Value> {
    elements(concept, "coding").next()
}

fn elements<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value[name].as_str().map(str::trim).filter(|text| !text.is_empty())
}

fn joined(parts: &Value, between: &str) -> String {
    let words =
        |part: &Value| part.as_str().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty());
    match parts {
        Value::Array(parts) => parts.iter().filter_map(words).collect::<Vec<_>>().join(between),
        one => words(one).unwrap_or_default(),
    }
}
