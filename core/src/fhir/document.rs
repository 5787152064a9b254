//! A plan as a document: what is said in it, who said it, and on what basis.

use std::collections::{BTreeMap, BTreeSet};

use bedside_protocol::entry::Compartment;
use bedside_protocol::signing::hash;
use serde_json::{Value, json};

use super::answer::{Type, clean, coding, element};
use super::narrative::section_text;
use super::place::{extend, put};
use super::resources::{
    FIELD, Object, base, finish, no_disclosure, object, put_any, question, skeleton, why_absent,
};
use super::table::{self, Home, OBSERVATION, PERSON, PLAN, PRACTICE, Unit};
use crate::plan::codes::{self, Set};
use crate::plan::kept::{self, mark};
use crate::plan::schema::{self, Section};
use crate::plan::view::{By, ConsentView, DecisionView, FieldView, ItemView, ListView, PlanView, ValueView};

/// Which consent an entry rests on: entry to entry, in hexadecimal.
pub type Bases = BTreeMap<String, String>;

/// Builds the Bundle. The same view gives the same Bundle, byte for byte.
pub(super) fn bundle(plan: &str, view: &PlanView, bases: &Bases) -> Value {
    let mut writer = Writer::new(plan, bases);
    for section in Section::ALL {
        writer.section(section, view);
    }
    writer.deceased(view);
    writer.relations();
    writer.care_plan_status(view);
    writer.derived_alerts(view);
    view.consents.iter().for_each(|consent| writer.consent(consent));
    let now = view.as_of.now.clone().unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned());
    let composition = writer.composition(view, &now);
    let mut entries = vec![entry(&writer.url("composition", "", ""), composition)];
    entries.extend(writer.resources());
    let content = hash(json!(entries).to_string().as_bytes());
    let mut bundle = json!({
        "resourceType": "Bundle",
        "identifier": { "system": "urn:ietf:rfc:3986", "value": format!("urn:uuid:{}", uuid(&content)) },
        "type": "document",
        "timestamp": now,
        "entry": entries,
    });
    if kept::count(view) > 0 {
        bundle["meta"]["security"] = json!([no_disclosure()]);
    }
    bundle
}

/// A group of answers: unit or Observation's name, item, decision.
type Key = (&'static str, String, String);

struct Place<'v> {
    unit: &'static Unit,
    item: Option<&'v ItemView>,
    resource: Object,
}

struct Writer<'v> {
    plan: &'v str,
    bases: &'v Bases,
    order: Vec<Key>,
    places: BTreeMap<Key, Place<'v>>,
    /// Resources that stand for no answers, by their URL.
    others: BTreeMap<String, Object>,
    /// The resources of each section, by their URL.
    sections: BTreeMap<u8, Vec<String>>,
    written: BTreeMap<String, Written>,
}

/// What one entry wrote.
struct Written {
    by: By,
    endorses: bool,
    targets: BTreeSet<String>,
}

impl<'v> Writer<'v> {
    fn new(plan: &'v str, bases: &'v Bases) -> Self {
        let mut writer = Self {
            plan,
            bases,
            order: Vec::new(),
            places: BTreeMap::new(),
            others: BTreeMap::new(),
            sections: BTreeMap::new(),
            written: BTreeMap::new(),
        };
        writer.place(&PERSON, PERSON.name, None, "");
        let plan = writer.place(&PLAN, PLAN.name, None, "");
        plan.extend(object(json!({ "intent": "plan", "title": "Care plan", "status": "unknown" })));
        let category = codes::find(Set::Document, "plan").map(coding);
        plan.insert("category".to_owned(), json!([{ "coding": [category] }]));
        writer.sections.insert(Section::Control.number(), vec![writer.url(PLAN.name, "", "")]);
        writer
    }

    fn section(&mut self, section: Section, view: &'v PlanView) {
        let shown = view.section(section);
        self.answers(section, &shown.fields, &shown.lists, None);
        for decision in &shown.decisions {
            self.answers(section, &decision.fields, &decision.lists, Some(decision));
        }
    }

    fn answers(
        &mut self,
        section: Section,
        fields: &'v [FieldView],
        lists: &'v [ListView],
        decision: Option<&'v DecisionView>,
    ) {
        for field in fields {
            self.field(section, field, None, decision);
        }
        for item in lists.iter().flat_map(|list| &list.items) {
            for field in &item.fields {
                self.field(section, field, Some(item), decision);
            }
        }
    }

    fn field(
        &mut self,
        section: Section,
        shown: &'v FieldView,
        item: Option<&'v ItemView>,
        decision: Option<&'v DecisionView>,
    ) {
        // A field of a newer version is shown by its key; it has no place here.
        let Some((field, _)) = schema::field(&shown.key) else { return };
        if shown.values.is_empty() {
            return;
        }
        let home = table::home(field);
        let (unit, name) = match home {
            Home::Element(unit, ..) | Home::Extension(unit) if *unit != OBSERVATION => (unit, unit.name),
            Home::Element(..) | Home::Extension(_) => (&OBSERVATION, table::observation(field)),
            Home::Value(name) | Home::Component(name) => (&OBSERVATION, name),
        };
        let entry = decision.map_or("", |decision| &decision.entry);
        let url = self.url(name, item.map_or("", |item| &item.id), entry);
        self.authors(&url, &shown.values, decision);
        let urls = self.sections.entry(section.number()).or_default();
        if !urls.contains(&url) {
            urls.push(url);
        }
        if *unit == OBSERVATION
            && let Some(by) = decision.map(|decision| &decision.by).or(shown.values[0].by.as_ref())
        {
            self.observed(name, item, entry, by);
        }
        let plan = self.plan;
        let origin = |value: &ValueView| value.by.as_ref().map(|by| reference(plan, "provenance", &by.entry));
        let any = |kind| element(field, kind, &shown.values, &origin);
        let kept = |kept_in: Option<&str>| kept_in == mark(Compartment::Professional);
        let is_kept = decision.is_some_and(|decision| kept(decision.kept_in))
            || shown.values.iter().any(|value| kept(value.kept_in));
        let resource = self.place(unit, name, item, entry);
        if is_kept {
            resource["meta"]["security"] = json!([no_disclosure()]);
        }
        match home {
            Home::Element(_, path, kind) => put(resource, path, any(kind)),
            Home::Extension(_) => {
                let mut extension = object(json!({ "url": table::extension_url(field) }));
                put_any(&mut extension, any(Type::Any), None);
                extend(resource, vec![Value::Object(extension)]);
            }
            Home::Value(_) => put_any(resource, any(Type::Any), why_absent(&shown.values)),
            Home::Component(_) => {
                let mut component = object(json!({ "code": question(field) }));
                put_any(&mut component, any(Type::Any), why_absent(&shown.values));
                let list = resource.entry("component").or_insert_with(|| json!([]));
                list.as_array_mut().expect("made as a list").push(Value::Object(component));
            }
        }
    }

    /// Who made an observation, and when; of several, the first.
    fn observed(&mut self, name: &'static str, item: Option<&'v ItemView>, entry: &str, by: &By) {
        let who = self.who(by);
        let observation = self.place(&OBSERVATION, name, item, entry);
        observation.entry("performer").or_insert_with(|| json!([who]));
        if let Some(time) = &by.time {
            observation.entry("issued").or_insert_with(|| time.as_str().into());
        }
    }

    /// Remembers whose work a resource is.
    fn authors(&mut self, url: &str, values: &[ValueView], decision: Option<&DecisionView>) {
        let of_values = values.iter().filter_map(|value| value.by.as_ref()).map(|by| (by, false));
        let recorded = decision.map(|decision| (&decision.by, false));
        let endorsed = decision.into_iter().flat_map(|decision| &decision.endorsed_by).map(|by| (by, true));
        for (by, endorses) in of_values.chain(recorded).chain(endorsed) {
            let written = self.written.entry(by.entry.clone());
            let written =
                written.or_insert_with(|| Written { by: by.clone(), endorses, targets: BTreeSet::new() });
            written.targets.insert(url.to_owned());
        }
    }

    fn place(
        &mut self,
        unit: &'static Unit,
        name: &'static str,
        item: Option<&'v ItemView>,
        decision: &str,
    ) -> &mut Object {
        let key: Key = (name, item.map(|item| item.id.clone()).unwrap_or_default(), decision.to_owned());
        let person = self.url(PERSON.name, "", "");
        let id = self.id(name, &key.1, decision);
        let order = &mut self.order;
        let place = self.places.entry(key.clone()).or_insert_with(|| {
            order.push(key.clone());
            let mut resource = skeleton(unit, &id, &key.1, decision, &person);
            if *unit == OBSERVATION {
                let code = json!({ "system": FIELD, "code": name, "display": table::title(name) });
                resource.insert("code".to_owned(), json!({ "coding": [code], "text": table::title(name) }));
            }
            Place { unit, item, resource }
        });
        &mut place.resource
    }

    /// A decision's date stands in the resource; a death in the Patient, whoever reports it.
    fn deceased(&mut self, view: &PlanView) {
        let date = |fields: &[FieldView], key: &str| {
            fields.iter().find(|field| field.key == key)?.values.iter().find_map(|value| value.date.clone())
        };
        let decisions = &view.section(Section::AfterDeath).decisions;
        let recorded = decisions.iter().find_map(|decision| date(&decision.fields, "death.date"));
        let notice = || date(&view.section(Section::Identity).fields, "identity.death_notice");
        let (name, value) = match (recorded.or_else(notice), &view.banner.death_notice) {
            (Some(date), _) => ("deceasedDateTime", Value::from(date)),
            (None, Some(_)) => ("deceasedBoolean", Value::from(true)),
            (None, None) => return,
        };
        self.place(&PERSON, PERSON.name, None, "").insert(name.to_owned(), value);
    }

    /// Who the Patient's and the plan's people are.
    fn relations(&mut self) {
        let there = |writer: &Self, unit: &Unit| {
            writer.places.keys().any(|(name, ..)| *name == unit.name).then(|| writer.url(unit.name, "", ""))
        };
        let link = |url: &String| json!({ "reference": url });
        let doctors: Vec<Value> = [&PRACTICE, &table::USUAL_GP]
            .into_iter()
            .filter_map(|unit| there(self, unit))
            .map(|url| link(&url))
            .collect();
        if !doctors.is_empty() {
            self.place(&PERSON, PERSON.name, None, "")
                .insert("generalPractitioner".to_owned(), doctors.into());
        }
        let of = |writer: &Self, resource: &str| -> Vec<Value> {
            let keys = writer.order.iter().filter(|key| writer.places[*key].unit.resource == resource);
            keys.map(|(name, item, decision)| link(&writer.url(name, item, decision))).collect()
        };
        let (conditions, observations) = (of(self, "Condition"), of(self, "Observation"));
        let key_worker = there(self, &table::KEY_WORKER).map(|url| vec![link(&url)]).unwrap_or_default();
        let plan = self.place(&PLAN, PLAN.name, None, "");
        for (name, links) in
            [("addresses", conditions), ("supportingInfo", observations), ("contributor", key_worker)]
        {
            if !links.is_empty() {
                plan.insert(name.to_owned(), links.into());
            }
        }
    }

    fn care_plan_status(&mut self, view: &PlanView) {
        let control = view.section(Section::Control);
        let code = control.field("control.status").and_then(|field| field.values.first()?.code.clone());
        let status = match code.as_deref() {
            _ if view.banner.died.is_some() => "completed",
            Some("not-started" | "started-by-person" | "draft" | "awaiting-approval") => "draft",
            Some("approved" | "approved-changed" | "under-review") => "active",
            Some("withdrawn") => "revoked",
            Some("deceased") => "completed",
            Some("entered-in-error") => "entered-in-error",
            _ => "unknown",
        };
        self.place(&PLAN, PLAN.name, None, "").insert("status".to_owned(), status.into());
    }

    /// What must be seen first, as Flags that say so to every system.
    fn derived_alerts(&mut self, view: &PlanView) {
        let person = self.url(PERSON.name, "", "");
        for alert in &view.alerts {
            let url = self.url("derived-alert", alert.kind, &alert.text);
            let mut flag = base("Flag", &self.id("derived-alert", alert.kind, &alert.text));
            let code = json!({ "system": "urn:bedside:alert", "code": alert.kind });
            flag.extend(object(json!({
                "status": "active",
                "subject": { "reference": person },
                "code": { "coding": [code], "text": clean(&alert.text) },
            })));
            // It may follow from what is kept from the person, and name it.
            if kept::count(view) > 0 {
                flag["meta"]["security"] = json!([no_disclosure()]);
            }
            self.others.insert(url.clone(), flag);
            self.sections.entry(Section::Control.number()).or_default().push(url);
        }
    }

    fn consent(&mut self, consent: &ConsentView) {
        let url = self.url("consent", &consent.by.entry, "");
        let withdrawn = consent.outcome == "withdrawn";
        let outcome = codes::find(Set::Consent, consent.outcome).map(coding);
        let scope = json!({ "system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy" });
        let kind = if consent.scope == "record" { "To keep this plan" } else { "To share this plan" };
        let mut resource = base("Consent", &self.id("consent", &consent.by.entry, ""));
        resource.extend(object(json!({
            "status": if withdrawn { "inactive" } else { "active" },
            "scope": { "coding": [scope], "text": kind },
            "category": [
                { "coding": [outcome], "text": consent.text },
                { "coding": [{ "system": "urn:bedside:consent-scope", "code": consent.scope, "display": kind }] },
            ],
            "patient": { "reference": self.url(PERSON.name, "", "") },
            "policyRule": { "text": consent.text },
            "provision": { "type": if withdrawn { "deny" } else { "permit" } },
        })));
        if let Some(time) = &consent.by.time {
            resource.insert("dateTime".to_owned(), time.as_str().into());
        }
        if !consent.note.trim().is_empty() {
            let note = json!([{ "url": "urn:bedside:fhir:note", "valueString": clean(&consent.note) }]);
            resource.insert("extension".to_owned(), note);
        }
        self.others.insert(url.clone(), resource);
        self.sections.entry(Section::Capacity.number()).or_default().push(url.clone());
        let written = Written { by: consent.by.clone(), endorses: false, targets: BTreeSet::from([url]) };
        self.written.insert(consent.by.entry.clone(), written);
    }

    /// Whose words a resource is, as a reference. Makes the resource of somebody met for the first time.
    fn who(&mut self, by: &By) -> Value {
        let organisation = by.organisation.clone().unwrap_or_default();
        let (resource, name) = match by.role {
            "person" => {
                return json!({ "reference": self.url(PERSON.name, "", ""), "display": clean(&by.author) });
            }
            "proxy" => ("RelatedPerson", "author"),
            _ => ("Practitioner", "author"),
        };
        let known = format!("{}|{}|{organisation}", by.author, by.role);
        let url = self.url(name, &known, "");
        let person = self.url(PERSON.name, "", "");
        let id = self.id(name, &known, "");
        self.others.entry(url.clone()).or_insert_with(|| {
            let mut author = base(resource, &id);
            author.insert("name".to_owned(), json!([{ "text": clean(&by.author) }]));
            if resource == "RelatedPerson" {
                author.insert("patient".to_owned(), json!({ "reference": person }));
            }
            author
        });
        json!({ "reference": url, "display": clean(&by.author) })
    }

    fn organisation(&mut self, by: &By) -> Option<Value> {
        let name = by.organisation.as_ref()?;
        let url = self.url("organisation", name, "");
        let id = self.id("organisation", name, "");
        self.others.entry(url.clone()).or_insert_with(|| {
            let mut organisation = base("Organization", &id);
            organisation.insert("name".to_owned(), clean(name).into());
            organisation
        });
        Some(json!({ "reference": url, "display": clean(name) }))
    }

    fn provenances(&mut self) -> Vec<Value> {
        let written = std::mem::take(&mut self.written);
        written.into_iter().map(|(entry_, written)| self.provenance(&entry_, &written)).collect()
    }

    fn provenance(&mut self, entry_: &str, written: &Written) -> Value {
        let by = &written.by;
        let participant = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
        let kind = if written.endorses { "attester" } else { "author" };
        let mut agent = object(json!({
            "type": { "coding": [{ "system": participant, "code": kind }] },
            "role": [{ "text": by.role }],
            "who": self.who(by),
        }));
        agent.extend(self.organisation(by).map(|organisation| ("onBehalfOf".to_owned(), organisation)));
        let targets: Vec<Value> = written.targets.iter().map(|url| json!({ "reference": url })).collect();
        let mut provenance = base("Provenance", &self.id("provenance", entry_, ""));
        provenance["meta"]["tag"] = json!([{ "system": "urn:bedside:entry", "code": entry_ }]);
        provenance.extend(object(json!({ "target": targets, "agent": [agent] })));
        match &by.time {
            Some(time) => provenance.insert("recorded".to_owned(), time.as_str().into()),
            None => {
                let unknown = json!({ "url": super::resources::DATA_ABSENT, "valueCode": "unknown" });
                provenance.insert("_recorded".to_owned(), json!({ "extension": [unknown] }))
            }
        };
        if let Some(relay) = &by.relay_time {
            let known = json!([{ "url": "urn:bedside:fhir:relay-time", "valueInstant": relay }]);
            provenance.insert("extension".to_owned(), known);
        }
        if let Some(basis) = self.bases.get(entry_) {
            let url = self.url("consent", basis, "");
            // A basis that another has replaced is not in the document; its entry still names it.
            let what = if self.others.contains_key(&url) {
                json!({ "reference": url })
            } else {
                json!({ "identifier": { "system": "urn:bedside:entry", "value": basis }, "display": "An earlier consent or basis" })
            };
            provenance.insert("entity".to_owned(), json!([{ "role": "source", "what": what }]));
        }
        entry(&self.url("provenance", entry_, ""), provenance)
    }

    fn composition(&mut self, view: &PlanView, now: &str) -> Object {
        let writers: Vec<By> = self.written.values().map(|written| written.by.clone()).collect();
        let mut authors: Vec<Value> = Vec::new();
        for by in &writers {
            let who = self.who(by);
            if !authors.contains(&who) {
                authors.push(who);
            }
        }
        if authors.is_empty() {
            authors.push(json!({ "display": "Bedside" }));
        }
        let kind = codes::find(Set::Document, "summary");
        let approved = view.section(Section::Control).field("control.status");
        let approved = approved.and_then(|field| field.values.first()?.code.as_deref()) == Some("approved");
        let mut composition = base("Composition", &self.id("composition", "", ""));
        if kept::count(view) > 0 {
            composition["meta"]["security"] = json!([no_disclosure()]);
        }
        composition.extend(object(json!({
            "status": if approved { "final" } else { "preliminary" },
            "type": { "coding": [kind.map(coding)], "text": kind.map(|code| code.display) },
            "subject": { "reference": self.url(PERSON.name, "", "") },
            "date": now,
            "author": authors,
            "title": "Care plan",
            "section": Section::ALL.map(|section| self.composed(section, view)),
        })));
        composition
    }

    fn composed(&self, section: Section, view: &PlanView) -> Value {
        let shown = view.section(section);
        let code =
            json!({ "system": "urn:bedside:section", "code": section.name(), "display": section.title() });
        let mut composed = object(json!({
            "title": section.title(),
            "code": { "coding": [code] },
            "text": { "status": "generated", "div": section_text(section, shown, view) },
        }));
        if let Some(urls) = self.sections.get(&section.number()) {
            let links: Vec<Value> = urls.iter().map(|url| json!({ "reference": url })).collect();
            composed.insert("entry".to_owned(), links.into());
        }
        Value::Object(composed)
    }

    /// Every resource but the Composition, in the order in which it is met.
    fn resources(mut self) -> Vec<Value> {
        let provenances = self.provenances();
        let mut entries = Vec::new();
        for key in &self.order {
            let url = self.url(key.0, &key.1, &key.2);
            if let Some(mut place) = self.places.remove(key) {
                finish(&mut place.resource, place.unit, place.item);
                entries.push(entry(&url, place.resource));
            }
        }
        entries.extend(
            std::mem::take(&mut self.others).into_iter().map(|(url, resource)| entry(&url, resource)),
        );
        entries.extend(provenances);
        entries
    }

    fn id(&self, name: &str, item: &str, decision: &str) -> String {
        id(self.plan, name, item, decision)
    }

    fn url(&self, name: &str, item: &str, decision: &str) -> String {
        format!("urn:uuid:{}", self.id(name, item, decision))
    }
}

fn entry(url: &str, resource: Object) -> Value {
    json!({ "fullUrl": url, "resource": resource })
}

fn reference(plan: &str, name: &str, item: &str) -> String {
    format!("urn:uuid:{}", id(plan, name, item, ""))
}

/// The same for the same plan and entry, on every device.
fn id(plan: &str, name: &str, item: &str, decision: &str) -> String {
    uuid(&hash(json!([plan, name, item, decision]).to_string().as_bytes()))
}

/// RFC 9562, version 8: a UUID by a rule of one's own.
fn uuid(hash: &[u8; 32]) -> String {
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&hash[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
