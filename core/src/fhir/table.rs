//! Which field stands in which element: one line for each field that FHIR has a place for.
//!
//! A field without a line is an Observation of its own, or, in a decision or a list, a component of the Observation that
//! stands for the decision or the item. `docs/fhir.md` shows the whole mapping; a test holds the two together.

use super::answer::Type;
use crate::plan::schema::{Field, Section};

/// What kind of resource a group of fields becomes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// As it stands in the resource's tag; never changes.
    pub(super) name: &'static str,
    /// The resource.
    pub(super) resource: &'static str,
}

/// Where one field stands.
#[derive(Debug)]
struct Row {
    key: &'static str,
    unit: &'static Unit,
    path: &'static str,
    kind: Type,
}

/// Where a field's answers go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// An element of a resource.
    Element(&'static Unit, &'static str, Type),
    /// An extension of a resource that has no element for it.
    Extension(&'static Unit),
    /// The value of the Observation of this name.
    Value(&'static str),
    /// A component of the Observation of this name.
    Component(&'static str),
}

const fn unit(name: &'static str, resource: &'static str) -> Unit {
    Unit { name, resource }
}

pub(super) static PERSON: Unit = unit("person", "Patient");
pub(super) static PRACTICE: Unit = unit("practice", "Organization");
pub(super) static USUAL_GP: Unit = unit("usual-gp", "Practitioner");
pub(super) static KEY_WORKER: Unit = unit("key-worker", "Practitioner");
static PROFESSIONAL: Unit = unit("professional", "PractitionerRole");
static CONTACT: Unit = unit("contact", "RelatedPerson");
static MAIN_DIAGNOSIS: Unit = unit("main-diagnosis", "Condition");
static DIAGNOSIS: Unit = unit("diagnosis", "Condition");
static DEVICE: Unit = unit("device", "Device");
static ALLERGY: Unit = unit("allergy", "AllergyIntolerance");
static MEDICINE: Unit = unit("medicine", "MedicationStatement");
static PROBLEM: Unit = unit("problem", "Condition");
static DOCUMENT: Unit = unit("document", "DocumentReference");
static ATTACHMENT: Unit = unit("attachment", "DocumentReference");
static ALERT: Unit = unit("alert", "Flag");
pub(super) static PLAN: Unit = unit("plan", "CarePlan");
pub(super) static OBSERVATION: Unit = unit("observation", "Observation");

const fn row(key: &'static str, unit: &'static Unit, path: &'static str, kind: Type) -> Row {
    Row { key, unit, path, kind }
}

/// An extension named after the field.
const EXTENSION: &str = "";

use Type::{Any, Code, Concept, Date, Gender, Interpreter, NhsNumber, Words};

#[rustfmt::skip]
static ROWS: &[Row] = &[
    row("control.status", &PLAN, EXTENSION, Any),
    row("control.created", &PLAN, "created", Date),
    row("control.amended", &PLAN, EXTENSION, Any),
    row("control.review_date", &PLAN, EXTENSION, Any),
    row("control.reviewer", &PLAN, EXTENSION, Any),
    row("control.first_approver", &PLAN, EXTENSION, Any),
    row("control.latest_approver", &PLAN, EXTENSION, Any),

    row("identity.family", &PERSON, "name[use=usual].family", Words),
    row("identity.given", &PERSON, "name[use=usual].given[]", Words),
    row("identity.title", &PERSON, "name[use=usual].prefix[]", Words),
    row("identity.preferred_name", &PERSON, "name[use=nickname].given[]", Words),
    row("identity.born", &PERSON, "birthDate", Date),
    row("identity.gender", &PERSON, "gender", Gender),
    row("identity.nhs_number", &PERSON, "identifier[system=https://fhir.nhs.uk/Id/nhs-number].value", NhsNumber),
    row("identity.nhs_number_status", &PERSON, "identifier[system=https://fhir.nhs.uk/Id/nhs-number].extension[url=https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus].valueCodeableConcept", Concept),
    row("identity.death_notice", &PERSON, EXTENSION, Any),
    row("identity.death_notice_status", &PERSON, "extension[url=https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeathNotificationStatus].extension[url=deathNotificationStatus].valueCodeableConcept", Concept),
    row("identity.address", &PERSON, "address[use=home].text", Words),
    row("identity.postcode", &PERSON, "address[use=home].postalCode", Words),
    row("identity.temporary_address", &PERSON, "address[use=temp].text", Words),
    row("identity.temporary_postcode", &PERSON, "address[use=temp].postalCode", Words),
    row("identity.home_phone", &PERSON, "telecom[system=phone,use=home].value", Words),
    row("identity.mobile_phone", &PERSON, "telecom[system=phone,use=mobile].value", Words),
    row("identity.work_phone", &PERSON, "telecom[system=phone,use=work].value", Words),
    row("identity.textphone", &PERSON, "telecom[system=other].value", Words),
    row("identity.email", &PERSON, "telecom[system=email].value", Words),
    row("identity.language", &PERSON, "extension[url=https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSCommunication].extension[url=language].valueCodeableConcept", Concept),
    row("identity.interpreter", &PERSON, "extension[url=https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSCommunication].extension[url=interpreterRequired].valueBoolean", Interpreter),
    row("identity.ethnicity", &PERSON, "extension[url=https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-EthnicCategory].valueCodeableConcept", Concept),
    row("identity.religion", &PERSON, "extension[url=http://hl7.org/fhir/StructureDefinition/patient-religion].valueCodeableConcept", Concept),

    row("gp.ods_code", &PRACTICE, "identifier[system=https://fhir.nhs.uk/Id/ods-organization-code].value", Words),
    row("gp.practice", &PRACTICE, "name", Words),
    row("gp.address", &PRACTICE, "address[use=work].text", Words),
    row("gp.phone", &PRACTICE, "telecom[system=phone].value", Words),
    row("gp.usual", &USUAL_GP, "name[use=usual].text", Words),
    row("team.key_worker", &KEY_WORKER, "name[use=usual].text", Words),
    row("professional/*/name", &PROFESSIONAL, "practitioner.display", Words),
    row("professional/*/group", &PROFESSIONAL, "code[]", Concept),
    row("professional/*/organisation", &PROFESSIONAL, "organization.display", Words),
    row("professional/*/phone", &PROFESSIONAL, "telecom[system=phone,rank=1].value", Words),
    row("professional/*/phone_out_of_hours", &PROFESSIONAL, "telecom[system=phone,rank=2].value", Words),
    row("professional/*/knows_of_plan", &PROFESSIONAL, EXTENSION, Any),
    row("professional/*/ended", &PROFESSIONAL, "period.end", Date),
    row("professional/*/in_error", &PROFESSIONAL, EXTENSION, Any),

    row("contact/*/name", &CONTACT, "name[use=usual].text", Words),
    row("contact/*/relationship", &CONTACT, "relationship[]", Concept),
    row("contact/*/next_of_kin", &CONTACT, EXTENSION, Any),
    row("contact/*/main_carer", &CONTACT, EXTENSION, Any),
    row("contact/*/emergency", &CONTACT, EXTENSION, Any),
    row("contact/*/to_be_consulted", &CONTACT, EXTENSION, Any),
    row("contact/*/attorney", &CONTACT, EXTENSION, Any),
    row("contact/*/phone_1", &CONTACT, "telecom[system=phone,rank=1].value", Words),
    row("contact/*/phone_2", &CONTACT, "telecom[system=phone,rank=2].value", Words),
    row("contact/*/phone_3", &CONTACT, "telecom[system=phone,rank=3].value", Words),
    row("contact/*/address", &CONTACT, "address[use=home].text", Words),
    row("contact/*/aware_of_plan", &CONTACT, EXTENSION, Any),
    row("contact/*/aware_of_prognosis", &CONTACT, EXTENSION, Any),
    row("contact/*/show_to_person", &CONTACT, EXTENSION, Any),
    row("contact/*/notes", &CONTACT, EXTENSION, Any),
    row("contact/*/ended", &CONTACT, "period.end", Date),
    row("contact/*/in_error", &CONTACT, EXTENSION, Any),

    row("diagnoses.primary", &MAIN_DIAGNOSIS, "code", Concept),
    row("diagnosis/*/name", &DIAGNOSIS, "code", Concept),
    row("diagnosis/*/since", &DIAGNOSIS, "onsetDateTime", Date),
    row("device/*/name", &DEVICE, "type", Concept),
    row("device/*/deactivation_agreed", &DEVICE, EXTENSION, Any),
    row("device/*/deactivated", &DEVICE, EXTENSION, Any),
    row("prognosis.date", &OBSERVATION, "effectiveDateTime", Date),
    row("function/*/date", &OBSERVATION, "effectiveDateTime", Date),

    row("allergy/*/substance", &ALLERGY, "code", Concept),
    row("allergy/*/reaction", &ALLERGY, "reaction[].manifestation[]", Concept),
    row("allergy/*/since", &ALLERGY, "onsetDateTime", Date),
    row("allergy/*/in_error", &ALLERGY, EXTENSION, Any),
    row("medicine/*/name", &MEDICINE, "medicationCodeableConcept.text", Words),
    row("medicine/*/code", &MEDICINE, "medicationCodeableConcept.coding[system=https://dmd.nhs.uk].code", Code),
    row("medicine/*/brand", &MEDICINE, EXTENSION, Any),
    row("medicine/*/strength", &MEDICINE, EXTENSION, Any),
    row("medicine/*/form", &MEDICINE, EXTENSION, Any),
    row("medicine/*/dose", &MEDICINE, EXTENSION, Any),
    row("medicine/*/route", &MEDICINE, "dosage[].route", Concept),
    row("medicine/*/frequency", &MEDICINE, "dosage[].timing.code", Concept),
    row("medicine/*/indication", &MEDICINE, "reasonCode[]", Concept),
    row("medicine/*/started", &MEDICINE, "effectivePeriod.start", Date),
    row("medicine/*/high_risk", &MEDICINE, EXTENSION, Any),
    row("medicine/*/anticipatory", &MEDICINE, EXTENSION, Any),
    row("medicine/*/stopped", &MEDICINE, "effectivePeriod.end", Date),
    row("medicine/*/stopped_reason", &MEDICINE, "statusReason[]", Concept),
    row("medicine/*/in_error", &MEDICINE, EXTENSION, Any),

    row("problem/*/name", &PROBLEM, "code", Concept),
    row("problem/*/looks_like", &PROBLEM, EXTENSION, Any),
    row("problem/*/first_action", &PROBLEM, EXTENSION, Any),
    row("problem/*/if_no_better", &PROBLEM, EXTENSION, Any),
    row("problem/*/call_in_hours", &PROBLEM, EXTENSION, Any),
    row("problem/*/call_out_of_hours", &PROBLEM, EXTENSION, Any),
    row("problem/*/medicines", &PROBLEM, EXTENSION, Any),
    row("problem/*/where", &PROBLEM, EXTENSION, Any),

    row("escalation.date", &OBSERVATION, "effectiveDateTime", Date),
    row("cpr.date", &OBSERVATION, "effectiveDateTime", Date),
    row("best_interests/*/date", &OBSERVATION, "effectiveDateTime", Date),

    row("document/*/kind", &DOCUMENT, "type", Concept),
    row("document/*/about", &DOCUMENT, "description", Words),
    row("document/*/made", &DOCUMENT, "content[].attachment.creation", Date),
    row("document/*/valid", &DOCUMENT, EXTENSION, Any),
    row("document/*/refuses_life_sustaining", &DOCUMENT, EXTENSION, Any),
    row("document/*/even_if_life_at_risk", &DOCUMENT, EXTENSION, Any),
    row("document/*/in_writing", &DOCUMENT, EXTENSION, Any),
    row("document/*/signed", &DOCUMENT, EXTENSION, Any),
    row("document/*/witnessed", &DOCUMENT, EXTENSION, Any),
    row("document/*/capacity_when_made", &DOCUMENT, EXTENSION, Any),
    row("document/*/holder", &DOCUMENT, EXTENSION, Any),
    row("document/*/holder_phone", &DOCUMENT, EXTENSION, Any),
    row("document/*/registered", &DOCUMENT, EXTENSION, Any),
    row("document/*/location", &DOCUMENT, EXTENSION, Any),
    row("document/*/copies", &DOCUMENT, EXTENSION, Any),
    row("document/*/seen_by", &DOCUMENT, EXTENSION, Any),
    row("attachment/*/kind", &ATTACHMENT, "type", Concept),
    row("attachment/*/title", &ATTACHMENT, "content[].attachment.title", Words),
    row("attachment/*/pages", &ATTACHMENT, EXTENSION, Any),
    row("attachment/*/captured", &ATTACHMENT, "content[].attachment.creation", Date),
    row("attachment/*/captured_by", &ATTACHMENT, EXTENSION, Any),
    row("attachment/*/hash", &ATTACHMENT, EXTENSION, Any),

    row("alert/*/kind", &ALERT, "code", Concept),
    row("alert/*/details", &ALERT, EXTENSION, Any),
    row("alert/*/ended", &ALERT, "period.end", Date),
    row("alert/*/in_error", &ALERT, EXTENSION, Any),
];

/// The answer that an Observation of several answers is about; the others are its components.
const VALUES: &[&str] = &[
    "disability/*/kind",
    "prognosis.estimate",
    "anticipatory.status",
    "escalation.focus",
    "cpr.decision",
    "capacity/*/outcome",
    "best_interests/*/decision",
    "capacity.involvement",
    "death.place",
];

/// Answers that are a component of another field's Observation.
const BESIDE: [&str; 2] = ["_where", "anticipatory."];

/// Where a field's answers go.
pub(super) fn home(field: &'static Field) -> Home {
    if let Some(row) = ROWS.iter().find(|row| row.key == field.key) {
        return match row.path {
            EXTENSION => Home::Extension(row.unit),
            path => Home::Element(row.unit, path, row.kind),
        };
    }
    let name = observation(field);
    let alone = field.list().is_none() && !field.section.is_decision() && name == field.key;
    if alone || VALUES.contains(&field.key) { Home::Value(name) } else { Home::Component(name) }
}

/// The Observation that a field belongs to: named by its list, its decision's section, or a field.
pub(super) fn observation(field: &'static Field) -> &'static str {
    match field.list() {
        Some(list) => list,
        None if field.section.is_decision() => field.section.name(),
        None if field.key.starts_with(BESIDE[1]) => "anticipatory.status",
        None => field.key.strip_suffix(BESIDE[0]).unwrap_or(field.key),
    }
}

/// The URL of the extension for a field that FHIR has no element for.
pub(super) fn extension_url(field: &Field) -> String {
    format!("urn:bedside:fhir:field:{}", field.key.replace("/*/", "."))
}

/// The title of an Observation.
pub(super) fn title(name: &str) -> &'static str {
    let field = crate::plan::schema::FIELDS.iter().find(|field| field.key == name);
    let of_list = || match name {
        "disability" => "Disability",
        "function" => "Function",
        "capacity" => "Capacity",
        "best_interests" => "Best-interests decision",
        _ => Section::from_name(name).map_or("Observation", Section::title),
    };
    field.map_or_else(of_list, |field| field.label)
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    use super::*;
    use crate::plan::schema::FIELDS;

    fn place(field: &'static Field) -> String {
        match home(field) {
            Home::Element(unit, path, _) => format!("{}.{path}", unit.resource),
            Home::Extension(unit) => format!("{}.extension[url={}]", unit.resource, extension_url(field)),
            Home::Value(name) => format!("Observation({name}).value[x]"),
            Home::Component(name) => format!("Observation({name}).component.value[x]"),
        }
    }

    #[test]
    fn the_documentation_has_every_field_where_it_stands() {
        let mut page = "# Every field, and where it stands in FHIR\n\n\
            Written by a test from the table in the code; [fhir.md](fhir.md) explains it.\n"
            .to_owned();
        for section in Section::ALL {
            page +=
                &format!("\n## {} {}\n\n| field | element |\n|---|---|\n", section.number(), section.title());
            for field in FIELDS.iter().filter(|field| field.section == section) {
                page += &format!("| `{}` | `{}` |\n", field.key, place(field));
            }
        }
        expect_file!["../../../docs/fhir-fields.md"].assert_eq(&page);
    }

    #[test]
    fn every_line_is_about_a_field_and_no_two_fields_share_an_element() {
        let known = |key: &str| FIELDS.iter().any(|field| field.key == key);
        assert_eq!(
            ROWS.iter().map(|row| row.key).chain(VALUES.iter().copied()).find(|key| !known(key)),
            None
        );
        let element = |field: &'static Field| match home(field) {
            Home::Element(unit, path, _) if *unit == OBSERVATION => format!("{} {path}", observation(field)),
            Home::Element(unit, path, _) => format!("{} {path}", unit.name),
            Home::Extension(_) | Home::Component(_) => field.key.to_owned(),
            // The decision on capacity and the items of its list are resources of their own.
            Home::Value(name) => format!("{name} {:?}", field.list()),
        };
        let mut seen = std::collections::BTreeSet::new();
        assert!(FIELDS.iter().all(|field| seen.insert(element(field))));
    }
}
