//! One answer as a FHIR element, and back.
//!
//! An element holds the answer itself where FHIR has a type for it, so that anybody can read it, and an extension
//! ([`ANSWER`]) with what FHIR has no place for: who it was heard from, when it was confirmed, and where it comes from.
//! Where answers stand beside each other, or one does not fit the element's type, the extension holds the answers and the
//! element at most says that there is more than one. Whether an answer fits is not a list of cases: it fits when reading
//! what was written gives the answer back.

use serde_json::{Map, Value, json};

use super::place::Element;
use crate::plan::codes::{self, Code, Set};
use crate::plan::dates;
use crate::plan::leaf::{Answer, Coded, Leaf, Source};
use crate::plan::nhs_number::NhsNumber;
use crate::plan::schema::{Field, Kind};
use crate::plan::view::ValueView;

/// The extension that says what FHIR has no place for.
pub(super) const ANSWER: &str = "urn:bedside:fhir:answer";
/// HL7's extension for an element without a value.
const DATA_ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
const DATA_ABSENT_SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
const NUMBER_STATUS: &str = "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatus";
const DEATH_NOTICE: &str = "https://fhir.hl7.org.uk/CodeSystem/UKCore-DeathNotificationStatus";
const ANSWERS: &str = "urn:bedside:answer";

/// The FHIR type of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// A string.
    Words,
    /// A `CodeableConcept`.
    Concept,
    /// A `date` or `dateTime`, to the day, month or year.
    Date,
    /// `administrative-gender`.
    Gender,
    /// A boolean: an interpreter is needed or not.
    Interpreter,
    /// Ten digits.
    NhsNumber,
    /// A `code`: words with single spaces between them.
    Code,
    /// `value[x]`, of the type that fits the answer.
    Any,
}

/// An answer read from an element.
#[derive(Clone, PartialEq, Eq)]
pub struct Said {
    /// The answer. Of a field that merges as text, words are its whole text.
    pub leaf: Leaf,
    /// Said instead of a fact from elsewhere.
    pub correction: bool,
    /// It stands in a resource that is not to be disclosed to the person.
    pub kept: bool,
    /// The Provenance resource that says who wrote it and when.
    pub(super) provenance: Option<String>,
}

/// Finds the Provenance resource of an answer, given its entry in hexadecimal.
pub(super) type Origin<'a> = dyn Fn(&ValueView) -> Option<String> + 'a;

/// The element for a field's answers. There is at least one.
pub(super) fn element(field: &Field, kind: Type, values: &[ValueView], origin: &Origin<'_>) -> Element {
    if let [value] = values
        && !value.correction
    {
        if let Some(reason) = absent(value.answer) {
            let absent = json!({ "url": DATA_ABSENT, "valueCode": reason });
            return Element {
                value: empty(kind),
                extension: vec![absent, extension(field, value, false, origin)],
            };
        }
        let answer = answer(field, value);
        let native = answer.as_ref().and_then(|answer| native(field, kind, answer));
        if let (Some(native), Some(answer)) = (native, answer)
            && (kind == Type::NhsNumber || read_native(field, kind, &native) == Some(answer))
        {
            return Element { value: Some(native), extension: vec![extension(field, value, false, origin)] };
        }
    }
    let extension = values.iter().map(|value| extension(field, value, true, origin)).collect();
    let words: Vec<String> = values.iter().map(|value| clean(&value.text)).collect();
    let words = match words.as_slice() {
        [one] => one.clone(),
        several => format!("MORE THAN ONE ANSWER: {}", several.join(" / ")),
    };
    let value = match kind {
        Type::Words => Some(Value::from(words)),
        Type::Concept => Some(json!({ "text": words })),
        Type::Any => Some(json!({ "valueString": words })),
        Type::Date | Type::Gender | Type::Interpreter | Type::NhsNumber | Type::Code => empty(kind),
    };
    Element { value, extension }
}

/// What stands where there is no answer of the type: a complex element is still an object, and FHIR wants a gender's code.
fn empty(kind: Type) -> Option<Value> {
    match kind {
        Type::Concept => Some(json!({})),
        Type::Gender => Some("unknown".into()),
        _ => None,
    }
}

/// Reads every answer of an element.
pub(super) fn read(field: &Field, kind: Type, element: &Element) -> Vec<Said> {
    let answers: Vec<&Value> = element.extension.iter().filter(|e| e["url"] == ANSWER).collect();
    let native = || read_native(field, kind, element.value.as_ref()?);
    match answers.as_slice() {
        [] => native().map(|answer| said(answer, &Value::Null)).into_iter().collect(),
        [one] if part(one, "kind").is_none() && value_part(one).is_none() => {
            native().map(|answer| said(answer, one)).into_iter().collect()
        }
        several => several.iter().filter_map(|one| Some(said(extended(field, one)?, one))).collect(),
    }
}

/// Why there is no answer, in HL7's words; none for an answer.
pub(super) fn absent(answer: &str) -> Option<&'static str> {
    match answer {
        "declined" => Some("asked-declined"),
        "unable-to-express" => Some("asked-unknown"),
        // Nothing of HL7's says "asked, and there is none". The coding beside it does.
        "asked-none" => Some("not-applicable"),
        "withheld" => Some("masked"),
        "unknown" => Some("unsupported"),
        "damaged" => Some("error"),
        _ => None,
    }
}

/// `Observation.dataAbsentReason`: HL7's code, and the exact one beside it.
pub(super) fn absent_concept(value: &ValueView) -> Option<Value> {
    let reason = absent(value.answer)?;
    let mut codings = vec![json!({ "system": DATA_ABSENT_SYSTEM, "code": reason })];
    codings.push(match codes::find(Set::Exception, value.answer) {
        Some(code) => coding(code),
        None => json!({ "system": ANSWERS, "code": value.answer, "display": value.text }),
    });
    Some(json!({ "coding": codings, "text": value.text }))
}

fn extension(field: &Field, value: &ValueView, whole: bool, origin: &Origin<'_>) -> Value {
    let mut parts = Vec::new();
    let mut add = |name: &str, kind: &str, value: Value| parts.push(json!({ "url": name, kind: value }));
    if absent(value.answer).is_some() {
        add("kind", "valueCode", value.answer.into());
    } else if whole {
        let any = answer(field, value).and_then(|answer| native(field, Type::Any, &answer));
        let any = any.unwrap_or_else(|| json!({ "valueString": clean(&value.text) }));
        for (kind, value) in any.as_object().into_iter().flatten() {
            add("value", kind, value.clone());
        }
    }
    if let Some(source) = value.heard_from {
        add("heardFrom", "valueCode", source.into());
    }
    if let Some(confirmed) = &value.confirmed {
        add("confirmed", "valueDateTime", confirmed.as_str().into());
    }
    if value.correction {
        add("correction", "valueBoolean", true.into());
    }
    for name in &value.with {
        add("with", "valueString", clean(name).into());
    }
    if let Some(origin) = origin(value) {
        add("provenance", "valueReference", json!({ "reference": origin }));
    }
    if parts.is_empty() {
        parts.push(json!({ "url": "field", "valueString": field.label }));
    }
    json!({ "url": ANSWER, "extension": parts })
}

fn part<'a>(extension: &'a Value, name: &str) -> Option<&'a Value> {
    let mut parts = extension["extension"].as_array()?.iter();
    parts.find(|part| part["url"] == name)
}

fn value_part(extension: &Value) -> Option<&Value> {
    part(extension, "value")
}

/// The answer that an extension holds whole.
fn extended(field: &Field, extension: &Value) -> Option<Answer> {
    if let Some(kind) = part(extension, "kind") {
        let kind = kind["valueCode"].as_str()?;
        let unanswered = [Answer::AskedNone, Answer::Declined, Answer::UnableToExpress];
        return unanswered.into_iter().find(|answer| answer.kind() == kind);
    }
    read_native(field, Type::Any, value_part(extension)?)
}

fn said(answer: Answer, extension: &Value) -> Said {
    let code = |name: &str| part(extension, name).and_then(|part| part["valueCode"].as_str());
    let heard_from = code("heardFrom").and_then(Source::from_name).unwrap_or(Source::Record);
    let confirmed = part(extension, "confirmed").and_then(|part| part["valueDateTime"].as_str());
    let provenance = part(extension, "provenance").and_then(|p| p["valueReference"]["reference"].as_str());
    Said {
        leaf: Leaf { answer, heard_from, confirmed: confirmed.and_then(dates::from_rfc3339) },
        correction: part(extension, "correction").is_some(),
        kept: false,
        provenance: provenance.map(str::to_owned),
    }
}

/// The answer that a view shows; none for what is withheld, damaged, or of a newer version.
pub(super) fn answer(field: &Field, value: &ValueView) -> Option<Answer> {
    Some(match value.answer {
        "coded" => Answer::Coded(coded(field, value.code.clone(), value.system.clone(), &value.text)),
        "text" => Answer::Text(value.text.clone()),
        "date" => Answer::Date(value.date.clone()?),
        "number" => Answer::Number(value.text.parse().ok()?),
        "asked-none" => Answer::AskedNone,
        "declined" => Answer::Declined,
        "unable-to-express" => Answer::UnableToExpress,
        _ => return None,
    })
}

/// `display: text` is a code with words of its own, when the display is the code's.
fn coded(field: &Field, code: Option<String>, system: Option<String>, words: &str) -> Coded {
    let own = known(field, code.as_deref(), system.as_deref()).and_then(|known| {
        let text = words.strip_prefix(known.display)?.strip_prefix(": ")?;
        (!text.trim().is_empty()).then(|| (known.display.to_owned(), text.to_owned()))
    });
    match own {
        Some((display, text)) => Coded { code, system, display: Some(display), text },
        None => Coded { code, system, display: None, text: words.to_owned() },
    }
}

/// A code of the field's own set: the same word stands for other things in other sets.
fn known(field: &Field, code: Option<&str>, system: Option<&str>) -> Option<&'static Code> {
    let Kind::One(set) = field.kind else { return None };
    codes::of(set).find(|known| Some(known.code) == code && Some(known.system.uri()) == system)
}

/// The value of an element of a type. Of [`Type::Any`], an object with the one `value[x]`.
fn native(field: &Field, kind: Type, answer: &Answer) -> Option<Value> {
    Some(match (kind, answer) {
        (Type::Words, Answer::Text(text)) => clean(text).into(),
        (Type::Code, Answer::Text(text)) => single_spaced(text).then_some(text.as_str())?.into(),
        (Type::Date, Answer::Date(iso)) => iso.as_str().into(),
        (Type::NhsNumber, Answer::Text(text)) => NhsNumber::parse(text).ok()?.digits().into(),
        (Type::Gender, Answer::Coded(coded)) => gender(coded)?.into(),
        (Type::Interpreter, Answer::Coded(coded)) => {
            Value::from(codes::find(Set::Interpreter, coded.code.as_deref()?)?.token == "needed")
        }
        (Type::Concept, Answer::Coded(_) | Answer::Text(_)) => concept(field, answer),
        (Type::Any, Answer::Coded(_)) => json!({ "valueCodeableConcept": concept(field, answer) }),
        (Type::Any, Answer::Text(text)) => json!({ "valueString": clean(text) }),
        (Type::Any, Answer::Date(iso)) => json!({ "valueDateTime": iso }),
        (Type::Any, Answer::Number(number)) => json!({ "valueInteger": i32::try_from(*number).ok()? }),
        _ => return None,
    })
}

fn read_native(field: &Field, kind: Type, value: &Value) -> Option<Answer> {
    let text = |value: &Value| {
        let words = value.as_str().filter(|words| !words.trim().is_empty())?;
        Some(Answer::Text(words.to_owned()))
    };
    match kind {
        Type::Words | Type::Code => text(value),
        Type::Date => Answer::date(value.as_str()?).ok(),
        Type::NhsNumber => Answer::text(&NhsNumber::parse(value.as_str()?).ok()?.to_string()).ok(),
        Type::Gender => {
            let token = if value.as_str()? == "other" { "indeterminate" } else { value.as_str()? };
            codes::find(Set::Gender, token).map(Answer::from)
        }
        Type::Interpreter => {
            let token = if value.as_bool()? { "needed" } else { "not-needed" };
            codes::find(Set::Interpreter, token).map(Answer::from)
        }
        Type::Concept => read_concept(field, value),
        Type::Any => {
            let any = value.as_object()?;
            let get = |name: &str| any.get(name);
            if let Some(concept) = get("valueCodeableConcept") {
                read_concept(field, concept)
            } else if let Some(words) = get("valueString") {
                text(words)
            } else if let Some(date) = get("valueDateTime") {
                Answer::date(date.as_str()?).ok()
            } else {
                get("valueInteger")?.as_i64().map(Answer::Number)
            }
        }
    }
}

fn single_spaced(text: &str) -> bool {
    text.split_whitespace().collect::<Vec<_>>().join(" ") == text
}

fn gender(coded: &Coded) -> Option<&'static str> {
    match codes::find(Set::Gender, coded.code.as_deref()?)?.token {
        "male" => Some("male"),
        "female" => Some("female"),
        _ => Some("other"),
    }
}

fn concept(field: &Field, answer: &Answer) -> Value {
    let mut concept = Map::from_iter([("text".to_owned(), Value::from(clean(&answer.words())))]);
    if let Answer::Coded(Coded { code: Some(code), system, .. }) = answer
        && single_spaced(code)
    {
        let known = known(field, Some(code), system.as_deref());
        let codings = known.map_or_else(|| vec![foreign(code, system.as_deref())], codings);
        concept.insert("coding".to_owned(), codings.into());
    }
    Value::Object(concept)
}

fn foreign(code: &str, system: Option<&str>) -> Value {
    let mut coding = Map::from_iter([("code".to_owned(), Value::from(code))]);
    coding.extend(system.map(|system| ("system".to_owned(), Value::from(system))));
    Value::Object(coding)
}

/// A code of the table as others know it: UK Core has names of its own for two of the sets.
fn codings(code: &Code) -> Vec<Value> {
    let of = |system: &str, code_: &str| json!({ "system": system, "code": code_, "display": code.display });
    match (code.set, code.token) {
        (Set::NumberStatus, number) => vec![of(NUMBER_STATUS, number)],
        (Set::DeathNotice, "informal") => vec![coding(code), of(DEATH_NOTICE, "1")],
        (Set::DeathNotice, "formal") => vec![coding(code), of(DEATH_NOTICE, "2")],
        _ => vec![coding(code)],
    }
}

/// A code of the table.
pub(super) fn coding(code: &Code) -> Value {
    json!({ "system": code.system.uri(), "code": code.code, "display": code.display })
}

fn read_concept(field: &Field, concept: &Value) -> Option<Answer> {
    let codings = concept["coding"].as_array().map(Vec::as_slice).unwrap_or_default();
    let first = codings.iter().find_map(|coding| Some((coding["code"].as_str()?, coding)));
    let words = concept["text"]
        .as_str()
        .or_else(|| first.and_then(|(code, coding)| coding["display"].as_str().or(Some(code))))?;
    if words.trim().is_empty() {
        return None;
    }
    let system = |coding: &Value| coding["system"].as_str().map(str::to_owned);
    let answer = match (first, field.kind) {
        (None, Kind::One(_)) => Answer::Coded(coded(field, None, None, words)),
        (None, _) => Answer::Text(words.to_owned()),
        (Some((code, first)), Kind::One(set)) => {
            let known = codings.iter().find_map(|coding| in_set(set, coding));
            let code_ = known.map_or(code, |known| known.code).to_owned();
            let system = known.map_or_else(|| system(first), |known| Some(known.system.uri().to_owned()));
            Answer::Coded(coded(field, Some(code_), system, words))
        }
        (Some((code, first)), _) => Answer::Coded(coded(field, Some(code.to_owned()), system(first), words)),
    };
    Some(answer)
}

fn in_set(set: Set, coding: &Value) -> Option<&'static Code> {
    let system = coding["system"].as_str().unwrap_or_default();
    let known = |code: &&Code| {
        coding["code"] == code.code
            && (system == code.system.uri() || set == Set::NumberStatus && system == NUMBER_STATUS)
    };
    codes::of(set).find(known)
}

/// What a FHIR string may hold: no control characters but tab and line ends.
pub(super) fn clean(text: &str) -> String {
    let replace = |c: char| if c.is_control() && !matches!(c, '\t' | '\n' | '\r') { '\u{fffd}' } else { c };
    text.chars().map(replace).collect()
}
