//! One resource for each group of answers: what it has besides them.

use serde_json::{Map, Value, json};

use super::answer::{absent, coding};
use super::place::{Element, extend, put};
use super::table::Unit;
use crate::plan::codes::{self, Set};
use crate::plan::schema::Field;
use crate::plan::view::{ItemView, ValueView};

pub(super) type Object = Map<String, Value>;

/// Which group of answers a resource stands for.
pub(super) const UNIT: &str = "urn:bedside:unit";
/// Which item of a list.
pub(super) const ITEM: &str = "urn:bedside:item";
/// Which decision, by its entry.
pub(super) const DECISION: &str = "urn:bedside:decision";
/// Which question an Observation or a component answers.
pub(super) const FIELD: &str = "urn:bedside:field";
/// HL7's acts, refrain policies among them.
const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const NO_DISCLOSURE: &str = "NOPAT";
pub(super) const DATA_ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/// A resource of a unit, without any answer yet.
pub(super) fn skeleton(unit: &Unit, id: &str, item: &str, decision: &str, person: &str) -> Object {
    let tags = [(UNIT, unit.name), (ITEM, item), (DECISION, decision)];
    let tags = tags.into_iter().filter(|(_, code)| !code.is_empty());
    let tags: Vec<Value> = tags.map(|(system, code)| json!({ "system": system, "code": code })).collect();
    let mut resource = base(unit.resource, id);
    resource["meta"]["tag"] = tags.into();
    if let Some(name) = subject(unit.resource) {
        resource.insert(name.to_owned(), json!({ "reference": person }));
    }
    resource
}

/// A resource with its type, its id and the UK Core profile it follows.
pub(super) fn base(resource: &str, id: &str) -> Object {
    let profile = format!("https://fhir.hl7.org.uk/StructureDefinition/UKCore-{resource}");
    object(json!({ "resourceType": resource, "id": id, "meta": { "profile": [profile] } }))
}

/// The security label of what professionals keep among themselves.
pub(super) fn no_disclosure() -> Value {
    let display = "no disclosure to patient, family or caregivers without attending provider's authorization";
    json!({ "system": ACT_CODE, "code": NO_DISCLOSURE, "display": display })
}

/// True for a resource with that label.
pub(super) fn is_not_to_be_disclosed(resource: &Value) -> bool {
    let labels = resource["meta"]["security"].as_array();
    labels.is_some_and(|labels| {
        labels.iter().any(|label| label["system"] == ACT_CODE && label["code"] == NO_DISCLOSURE)
    })
}

pub(super) fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

fn subject(resource: &str) -> Option<&'static str> {
    match resource {
        "Observation" | "Condition" | "Flag" | "CarePlan" | "MedicationStatement" | "DocumentReference" => {
            Some("subject")
        }
        "AllergyIntolerance" | "Device" | "RelatedPerson" => Some("patient"),
        _ => None,
    }
}

/// Puts `value[x]`, or why there is none, into an Observation, a component or an extension.
pub(super) fn put_any(holder: &mut Object, element: Element, why_absent: Option<Value>) {
    let Element { value, extension } = element;
    match (value, why_absent) {
        (Some(any), _) => {
            for (name, value) in object(any) {
                put(holder, &name, Element { value: Some(value), extension: extension.clone() });
            }
        }
        (None, Some(concept)) => {
            let extension =
                extension.into_iter().filter(|extension| extension["url"] != DATA_ABSENT).collect();
            put(holder, "dataAbsentReason", Element { value: Some(concept), extension });
        }
        (None, None) => put(holder, "valueString", Element { value: None, extension }),
    }
}

/// Which question an Observation or a component answers.
pub(super) fn question(field: &Field) -> Value {
    let mut codings = vec![json!({ "system": FIELD, "code": field.key, "display": field.label })];
    if field.key.ends_with("/akps") {
        codings.extend(codes::of(Set::Akps).map(coding));
    }
    json!({ "coding": codings, "text": field.label })
}

/// What must stand in a resource whatever was answered, and what follows from the answers.
pub(super) fn finish(resource: &mut Object, unit: &Unit, item: Option<&ItemView>) {
    let (ended, in_error) = item.map_or((false, false), |item| (item.ended, item.in_error));
    match unit.resource {
        "Observation" => set(resource, "status", if in_error { "entered-in-error" } else { "final" }),
        "AllergyIntolerance" => allergy(resource, in_error),
        "MedicationStatement" => medicine(resource, item, ended, in_error),
        "Flag" => flag(resource, ended, in_error),
        "RelatedPerson" | "PractitionerRole" => {
            resource.insert("active".to_owned(), (!ended && !in_error).into());
        }
        "DocumentReference" => document(resource),
        "Patient" => textphone(resource),
        // An organisation has a name or an identifier (constraint org-1).
        "Organization" if !resource.contains_key("identifier") && !resource.contains_key("_name") => {
            resource.entry("_name").or_insert_with(unknown);
        }
        "Condition" => {
            resource.insert("category".to_owned(), json!([problem()]));
        }
        _ => {}
    }
}

fn set(resource: &mut Object, name: &str, value: &str) {
    resource.insert(name.to_owned(), value.into());
}

fn problem() -> Value {
    let system = "http://terminology.hl7.org/CodeSystem/condition-category";
    json!({ "coding": [{ "system": system, "code": "problem-list-item", "display": "Problem List Item" }] })
}

/// An allergy in error has no clinical status (constraint ait-2).
fn allergy(resource: &mut Object, in_error: bool) {
    let status = |system: &str, code: &str| {
        let system = format!("http://terminology.hl7.org/CodeSystem/allergyintolerance-{system}");
        json!({ "coding": [{ "system": system, "code": code }] })
    };
    if in_error {
        resource.insert("verificationStatus".to_owned(), status("verification", "entered-in-error"));
    } else {
        resource.insert("clinicalStatus".to_owned(), status("clinical", "active"));
    }
}

/// The whole dosage in words, as everybody reads it; each part stands on its own beside it.
fn medicine(resource: &mut Object, item: Option<&ItemView>, ended: bool, in_error: bool) {
    let status = match (in_error, ended) {
        (true, _) => "entered-in-error",
        (false, true) => "stopped",
        (false, false) => "active",
    };
    set(resource, "status", status);
    let said = |name: &str| {
        let field = item?.fields.iter().find(|field| field.key.ends_with(name))?;
        let words: Vec<&str> = field.values.iter().map(|value| value.text.as_str()).collect();
        Some(words.join(" OR "))
    };
    let parts = ["/dose", "/route", "/frequency"].into_iter().filter_map(said).collect::<Vec<_>>();
    if !parts.is_empty() {
        put(
            resource,
            "dosage[].text",
            Element { value: Some(super::answer::clean(&parts.join(", ")).into()), ..Element::default() },
        );
    }
    resource.entry("medicationCodeableConcept").or_insert_with(unknown);
}

fn flag(resource: &mut Object, ended: bool, in_error: bool) {
    let status = match (in_error, ended) {
        (true, _) => "entered-in-error",
        (false, true) => "inactive",
        (false, false) => "active",
    };
    set(resource, "status", status);
    resource.entry("code").or_insert_with(unknown);
}

/// A document has content, if only to say that it is elsewhere: on paper, or on the device that captured it.
fn document(resource: &mut Object) {
    set(resource, "status", "current");
    resource.entry("content").or_insert_with(|| json!([{ "attachment": unknown() }]));
}

/// What must stand somewhere and is not known. It says so, and no reader takes it for an answer.
fn unknown() -> Value {
    json!({ "extension": [{ "url": DATA_ABSENT, "valueCode": "unknown" }] })
}

fn textphone(patient: &mut Object) {
    let other = |telecom: &&mut Value| telecom["system"] == "other";
    let found = patient.get_mut("telecom").and_then(Value::as_array_mut);
    if let Some(Value::Object(telecom)) = found.and_then(|list| list.iter_mut().find(other)) {
        let system = "https://fhir.hl7.org.uk/CodeSystem/UKCore-OtherContactSystem";
        let url = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-OtherContactSystem";
        let textphone = json!({ "system": system, "code": "textphone", "display": "Textphone" });
        extend(telecom, vec![json!({ "url": url, "valueCoding": textphone })]);
    }
}

/// Why an Observation has no value; none when it has one, or several.
pub(super) fn why_absent(values: &[ValueView]) -> Option<Value> {
    match values {
        [value] if absent(value.answer).is_some() && !value.correction => {
            super::answer::absent_concept(value)
        }
        _ => None,
    }
}
