//! A document that Bedside wrote, read again. What others wrote is counted and left alone.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::{Said, Type, read};
use super::place::{Element, get};
use super::resources::{DECISION, FIELD, ITEM, UNIT, is_not_to_be_disclosed};
use super::table::{self, Home, OBSERVATION};
use super::{FhirError, named, resource_type};
use crate::limits::FHIR_PLAN_BYTES_MAX;
use crate::plan::check::{Given, check_edit};
use crate::plan::leaf::{Answer, Leaf};
use crate::plan::nhs_number::NhsNumber;
use crate::plan::schema::{Class, FIELDS, Field, Kind, Section};

/// What a document says of a person's plan. Nothing of it is in any plan.
#[derive(Clone, PartialEq, Eq)]
pub struct PlanRead {
    /// Whose plan it is.
    pub nhs_number: NhsNumber,
    /// When the document was made, RFC 3339.
    pub as_of: Option<String>,
    /// What stands outside decisions, by key. Several where answers stand beside each other.
    pub answers: BTreeMap<String, Vec<Said>>,
    /// Each decision as a whole.
    pub decisions: Vec<DecisionRead>,
    /// Standing consents, in words.
    pub consents: Vec<String>,
    /// What somebody importing this should know.
    pub notes: Vec<String>,
    authors: BTreeMap<String, String>,
}

/// A decision in a document.
#[derive(Clone, PartialEq, Eq)]
pub struct DecisionRead {
    /// What it is about.
    pub section: Section,
    /// Its fields.
    pub fields: BTreeMap<String, Leaf>,
    /// It is not to be disclosed to the person.
    pub kept: bool,
    /// Who recorded it, and when.
    pub by: Option<String>,
}

impl PlanRead {
    /// Who wrote an answer, and when, as the document says.
    #[must_use]
    pub fn author(&self, said: &Said) -> Option<&str> {
        self.authors.get(said.provenance.as_ref()?).map(String::as_str)
    }
}

/// Reads a document.
pub(super) fn read_plan(json: &[u8]) -> Result<PlanRead, FhirError> {
    if json.len() > FHIR_PLAN_BYTES_MAX {
        return Err(FhirError::PlanTooLarge(json.len()));
    }
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let bundle: Value = serde_json::from_slice(json)
        .map_err(|error| FhirError::NotJson { line: error.line(), column: error.column() })?;
    if resource_type(&bundle) != Some("Bundle") || bundle["type"] != "document" {
        return Err(FhirError::NotADocument { found: found(&bundle) });
    }
    let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut reader = Reader::default();
    for entry in entries {
        reader.resource(&entry["resource"], entry["fullUrl"].as_str());
    }
    reader.finish(bundle["timestamp"].as_str())
}

fn found(value: &Value) -> String {
    match value["type"].as_str() {
        Some(_) if resource_type(value) == Some("Bundle") => "another kind of Bundle".to_owned(),
        _ => named(value),
    }
}

#[derive(Default)]
struct Reader {
    numbers: Vec<String>,
    patients: usize,
    answers: BTreeMap<String, Vec<Said>>,
    decisions: BTreeMap<String, BTreeMap<String, Vec<Said>>>,
    consents: Vec<String>,
    authors: BTreeMap<String, String>,
    recorders: BTreeMap<String, String>,
    foreign: usize,
    notes: Vec<String>,
}

impl Reader {
    fn resource(&mut self, resource: &Value, url: Option<&str>) {
        match resource_type(resource) {
            Some("Patient") => self.patient(resource),
            Some("Provenance") => return self.provenance(resource, url),
            Some("Consent") => {
                self.consents.extend(resource["policyRule"]["text"].as_str().map(str::to_owned))
            }
            Some("Composition") => return,
            _ => {}
        }
        match tag(resource, UNIT) {
            Some(unit) => self.unit(unit, resource),
            // Authors, organisations and the alerts that follow from the plan are made anew wherever it is shown.
            None if matches!(
                resource_type(resource),
                Some("Consent" | "Practitioner" | "Organization" | "RelatedPerson" | "Flag")
            ) => {}
            None => self.foreign += 1,
        }
    }

    fn patient(&mut self, patient: &Value) {
        self.patients += 1;
        let path = "identifier[system=https://fhir.nhs.uk/Id/nhs-number].value";
        self.numbers.extend(get(patient, path).and_then(|e| e.value?.as_str().map(str::to_owned)));
    }

    fn provenance(&mut self, provenance: &Value, url: Option<&str>) {
        let agent = &provenance["agent"][0];
        let name = agent["who"]["display"].as_str().unwrap_or("somebody");
        let role = agent["role"][0]["text"].as_str().map(|role| format!(" ({role})")).unwrap_or_default();
        let day = provenance["recorded"].as_str().and_then(|time| time.get(..10)).unwrap_or("day not known");
        let words = format!("{name}{role}, {day}");
        if let Some(entry) = tag(provenance, "urn:bedside:entry") {
            self.recorders.insert(entry.to_owned(), words.clone());
        }
        if let Some(url) = url {
            self.authors.insert(url.to_owned(), words);
        }
    }

    fn unit(&mut self, unit: &str, resource: &Value) {
        let item = tag(resource, ITEM);
        let observed = observed(resource);
        let kept = is_not_to_be_disclosed(resource);
        for field in FIELDS {
            let Some(element) = element(field, unit, observed, resource) else { continue };
            let kind = match table::home(field) {
                Home::Element(_, _, kind) => kind,
                _ => Type::Any,
            };
            let key = match (field.list(), item) {
                (Some(_), Some(item)) => field.key_for(item),
                (None, None) => field.key.to_owned(),
                _ => continue,
            };
            let said = read(field, kind, &element).into_iter().map(|said| Said { kept, ..said });
            let answers = match tag(resource, DECISION) {
                Some(decision) => self.decisions.entry(decision.to_owned()).or_default(),
                None => &mut self.answers,
            };
            answers.entry(key).or_default().extend(said);
        }
    }

    fn finish(mut self, as_of: Option<&str>) -> Result<PlanRead, FhirError> {
        if self.patients > 1 {
            return Err(FhirError::SeveralPatients(self.patients));
        }
        let number = self.numbers.pop().ok_or(FhirError::NoNhsNumber)?;
        let nhs_number = NhsNumber::parse(&number).map_err(FhirError::InvalidNhsNumber)?;
        let mut answers = BTreeMap::new();
        for (key, said) in std::mem::take(&mut self.answers) {
            let fits: Vec<Said> = said.into_iter().filter(|said| self.fits(&key, said)).collect();
            if !fits.is_empty() {
                answers.insert(key, fits);
            }
        }
        let decisions = std::mem::take(&mut self.decisions);
        let decisions =
            decisions.into_iter().filter_map(|(entry, fields)| self.decision(&entry, fields)).collect();
        if self.foreign > 0 {
            self.notes
                .push(format!("{} resources that Bedside did not write were left alone.", self.foreign));
        }
        Ok(PlanRead {
            nhs_number,
            as_of: as_of.map(str::to_owned),
            answers,
            decisions,
            consents: self.consents,
            notes: self.notes,
            authors: self.authors,
        })
    }

    fn fits(&mut self, key: &str, said: &Said) -> bool {
        let Some((field, _)) = crate::plan::schema::field(key) else { return false };
        // What the core derives it derives again from what is read.
        if field.class == Class::A {
            return false;
        }
        let fits = match (&said.leaf.answer, field.kind) {
            (Answer::Text(text), Kind::Text) => check_edit(key, Given::Text(text)).is_ok(),
            (_, Kind::Text) => check_edit(&format!("{key}.answer"), Given::Leaf(&said.leaf)).is_ok(),
            _ => check_edit(key, Given::Leaf(&said.leaf)).is_ok(),
        };
        if !fits {
            self.notes.push(format!("The answer for {key} cannot be used and was left out."));
        }
        fits
    }

    /// A decision of one section; what belongs to another, or says two things at once, makes it none.
    fn decision(&mut self, entry: &str, said: BTreeMap<String, Vec<Said>>) -> Option<DecisionRead> {
        let section =
            said.keys().find_map(|key| crate::plan::schema::field(key).map(|(field, _)| field.section))?;
        let kept = said.values().flatten().any(|said| said.kept);
        let mut fields = BTreeMap::new();
        for (key, said) in said {
            let fits = crate::plan::schema::field(&key).is_some_and(|(field, _)| field.section == section);
            match <[Said; 1]>::try_from(said) {
                Ok([said]) if fits => fields.insert(key, said.leaf),
                _ => {
                    self.notes.push(format!(
                        "A decision on {} cannot be read as a whole and was left out.",
                        section.title()
                    ));
                    return None;
                }
            };
        }
        let content = crate::plan::check::encode_decision(&fields);
        if crate::plan::check::check_decision(section.number(), &content).is_err() {
            self.notes
                .push(format!("A decision on {} does not fit the plan and was left out.", section.title()));
            return None;
        }
        Some(DecisionRead { section, fields, kept, by: self.recorders.get(entry).cloned() })
    }
}

fn tag<'a>(resource: &'a Value, system: &str) -> Option<&'a str> {
    let tags = resource["meta"]["tag"].as_array()?;
    tags.iter().find(|tag| tag["system"] == system)?["code"].as_str()
}

/// The question of an Observation or a component.
fn observed(holder: &Value) -> Option<&str> {
    let codings = holder["code"]["coding"].as_array()?;
    codings.iter().find(|coding| coding["system"] == FIELD)?["code"].as_str()
}

/// A field's element in a resource of a unit.
fn element(field: &'static Field, unit: &str, observed_: Option<&str>, resource: &Value) -> Option<Element> {
    let of_observation = || unit == OBSERVATION.name && observed_ == Some(table::observation(field));
    match table::home(field) {
        Home::Element(home, path, _) if *home == OBSERVATION => {
            of_observation().then(|| get(resource, path))?
        }
        Home::Element(home, path, _) => (unit == home.name).then(|| get(resource, path))?,
        Home::Extension(home) => {
            let url = table::extension_url(field);
            let extensions = (unit == home.name).then(|| resource["extension"].as_array())??;
            any(extensions.iter().find(|extension| extension["url"] == url)?)
        }
        Home::Value(_) => of_observation().then(|| any(resource))?,
        Home::Component(_) => {
            let components = of_observation().then(|| resource["component"].as_array())??;
            any(components.iter().find(|component| observed(component) == Some(field.key))?)
        }
    }
}

/// `value[x]`, or why there is none.
fn any(holder: &Value) -> Option<Element> {
    let named = |name: &&String| name.trim_start_matches('_').starts_with("value");
    let name = holder.as_object()?.keys().find(named).map(|name| name.trim_start_matches('_'));
    let Some(name) = name else {
        return get(holder, "dataAbsentReason").map(|element| Element { value: None, ..element });
    };
    let found = get(holder, name)?;
    Some(Element { value: found.value.map(|value| json!({ name: value })), extension: found.extension })
}
