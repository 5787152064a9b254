//! Plans told step by step: who said what, when, and from whom it was heard. And those that pages are shown of.

use std::collections::{BTreeMap, BTreeSet};

use bedside_protocol::entry::{Act, Compartment, Look, Outcome, Reason, Scope, Why};
use bedside_protocol::ids::{EntryId, Timestamp};
use bedside_protocol::statement::Role;

use super::plans::{self, Fullness, NOW};
use crate::crdt::{Actor, ChangeHash, Document, Edit, inspect};
use crate::plan::approval::urgent;
use crate::plan::check::{Given, check_decision, check_edit, encode_decision, read_answer};
use crate::plan::kept::{Kept, KeptDigests};
use crate::plan::leaf::{Answer, Leaf, Source};
use crate::plan::locale::{Locale, Message};
use crate::plan::looks::Looked;
use crate::plan::page::{Audience, Page};
use crate::plan::schema::{FIELDS, Kind, Section, TEXTS, field};
use crate::plan::view::{
    AsOf, Course, Material, PlanView, Provenance, StandingApproval, StandingConsent, StandingDecision, past,
    view,
};
use crate::plan::withheld::locked;

const DAY: u64 = 86_400_000;

/// A plan as it is being told.
pub struct Told {
    /// What stands outside decisions.
    pub document: Document,
    /// Of that, what professionals keep among themselves.
    pub professional: Document,
    /// What an approval of that would sign.
    pub kept_digests: KeptDigests,
    /// Who made each change.
    pub authors: BTreeMap<ChangeHash, Provenance>,
    /// Decisions that stand.
    pub decisions: Vec<StandingDecision>,
    /// Consents that stand.
    pub consents: Vec<StandingConsent>,
    /// Approvals that stand.
    pub approvals: Vec<StandingApproval>,
    /// What an approval would sign.
    pub digests: BTreeMap<Section, [u8; 32]>,
    /// When it was begun.
    pub created: Timestamp,
    /// When it was last compared with the relay.
    pub last_contact: Option<Timestamp>,
    /// How many entries are held.
    pub held: usize,
    /// How many wait to be sent.
    pub waiting: usize,
    entries: u8,
}

/// So many days before [`NOW`].
#[must_use]
pub fn days_ago(days: u64) -> Timestamp {
    Timestamp(NOW.0 - days * DAY)
}

impl Default for Told {
    fn default() -> Self {
        Self::new()
    }
}

impl Told {
    /// A plan with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            document: Document::new(TEXTS),
            professional: Document::new(TEXTS),
            kept_digests: KeptDigests::default(),
            authors: BTreeMap::new(),
            decisions: Vec::new(),
            consents: Vec::new(),
            approvals: Vec::new(),
            digests: BTreeMap::new(),
            created: days_ago(40),
            last_contact: Some(NOW),
            held: 0,
            waiting: 0,
            entries: 0,
        }
    }

    /// An entry of somebody's; staff are of Meadow Hospice.
    pub fn by(&mut self, author: &str, role: Role, days: u64) -> Provenance {
        self.entries += 1;
        let organisation = (role > Role::Proxy).then(|| "Meadow Hospice".to_owned());
        let entry = EntryId::new([self.entries; 32]);
        Provenance {
            author: author.into(),
            role,
            ods_code: organisation.as_ref().map(|_| "RX9".to_owned()),
            organisation,
            time: days_ago(days),
            relay_time: None,
            entry,
        }
    }

    /// Edits a copy of the document; the change is somebody's.
    pub fn edit_in(
        &mut self,
        document: &mut Document,
        by: Provenance,
        source: Source,
        edits: &[(&str, &str)],
    ) -> Vec<u8> {
        let edits: Vec<Edit> = edits.iter().map(|(key, said)| edit(key, said, source)).collect();
        let actor = Actor::new([by.author.as_bytes()[0]; 16]);
        let change = document.edit(&actor, Timestamp(0), &edits).expect("the edits change something");
        self.authors.insert(inspect(&change, TEXTS).expect("a change").hash, by);
        change
    }

    /// Somebody edits the plan.
    pub fn edit(&mut self, author: &str, role: Role, days: u64, source: Source, edits: &[(&str, &str)]) {
        let by = self.by(author, role, days);
        let mut document = self.document.clone();
        self.edit_in(&mut document, by, source, edits);
        self.document = document;
    }

    /// Somebody writes what professionals keep among themselves.
    pub fn keep(&mut self, author: &str, role: Role, days: u64, edits: &[(&str, &str)]) {
        let by = self.by(author, role, days);
        let mut document = self.professional.clone();
        self.edit_in(&mut document, by, Source::Observed, edits);
        self.professional = document;
    }

    /// A doctor decides what is kept from the person.
    pub fn keep_decision(&mut self, section: Section, author: &str, days: u64, said: &[(&str, &str)]) {
        self.decide(section, author, days, None, said);
        self.decisions.last_mut().expect("just decided").kept_in = Compartment::Professional;
    }

    /// Two authors who do not see each other's edit.
    pub fn apart(&mut self, one: (&str, Role, &[(&str, &str)]), two: (&str, Role, &[(&str, &str)])) {
        let (mut left, mut right) = (self.document.clone(), self.document.clone());
        let by = self.by(one.0, one.1, 3);
        self.edit_in(&mut left, by, Source::Person, one.2);
        let by = self.by(two.0, two.1, 2);
        let change = self.edit_in(&mut right, by, Source::Proxy, two.2);
        left.apply(&[&change]).expect("a change that was just made");
        self.document = left;
    }

    /// A doctor decides, and another endorses it a day later.
    pub fn decide(
        &mut self,
        section: Section,
        author: &str,
        days: u64,
        endorsed: Option<&str>,
        said: &[(&str, &str)],
    ) {
        let fields = said.iter().map(|(key, said)| {
            let (field, _) = field(key).expect("a field of the table");
            let answer = read_answer(field, said).expect("an answer that fits its field");
            ((*key).to_owned(), Leaf::new(answer, Source::Person))
        });
        let fields = check_decision(section.number(), &encode_decision(&fields.collect()))
            .expect("a decision that fits its section");
        let by = self.by(author, Role::Doctor, days);
        let endorsed_by = endorsed.map(|name| self.by(name, Role::Doctor, days - 1)).into_iter().collect();
        self.decisions.push(StandingDecision {
            entry: by.entry,
            section: section.number(),
            fields,
            kept_in: Compartment::Shared,
            by,
            endorsed_by,
        });
    }

    /// A nurse records a consent.
    pub fn consent(&mut self, scope: Scope, outcome: Outcome, note: &str) {
        let by = self.by("Jo Nurse", Role::Nurse, 10);
        let note = note.to_owned();
        self.consents.push(StandingConsent { entry: by.entry, scope, outcome, note, grounds: None, by });
    }

    /// A doctor approves everything that stands.
    pub fn approve(&mut self, author: &str, days: u64) {
        let by = self.by(author, Role::Doctor, days);
        let view = self.view();
        let recorded = Section::ALL.into_iter().filter(|section| !view.section(*section).is_empty());
        self.digests = recorded.map(|section| (section, [section.number(); 32])).collect();
        let mut decisions: BTreeMap<Section, Vec<StandingDecision>> = BTreeMap::new();
        for decision in &self.decisions {
            let section = Section::from_number(decision.section).expect("a section of this version");
            decisions.entry(section).or_default().push(decision.clone());
        }
        self.approvals = vec![StandingApproval {
            signed: self.digests.iter().map(|(section, digest)| (section.number(), *digest)).collect(),
            review_on: None,
            newest_of: Section::ALL.to_vec(),
            decisions,
            replaced: BTreeSet::new(),
            by,
        }];
    }

    /// A section changes after it was approved.
    pub fn change(&mut self, section: Section) {
        self.digests.insert(section, [0xff; 32]);
    }

    /// What a view is made of.
    pub fn material<'a>(&'a self, provenance: &'a dyn Fn(&ChangeHash) -> Option<Provenance>) -> Material<'a> {
        Material {
            document: &self.document,
            restricted: None,
            professional: Some(Kept {
                document: &self.professional,
                approvals: &[],
                digests: &self.kept_digests,
            }),
            decisions: &self.decisions,
            consents: &self.consents,
            provenance,
            approvals: &self.approvals,
            digests: &self.digests,
            course: Course { created: Some(self.created), ..Course::default() },
            held: self.held,
            left_out: 0,
            waiting: self.waiting,
            to_come: 0,
            passed_over: false,
            as_of: AsOf { now: NOW, last_contact: self.last_contact },
        }
    }

    /// The plan as it stands.
    #[must_use]
    pub fn view(&self) -> PlanView {
        self.shown(view)
    }

    /// The plan as one kind of view.
    pub fn shown(&self, view: impl FnOnce(&Material<'_>) -> PlanView) -> PlanView {
        view(&self.material(&|hash| self.authors.get(hash).cloned()))
    }
}

/// One answer; `DECLINED` and `NONE` are such answers.
#[must_use]
pub fn edit(key: &str, said: &str, source: Source) -> Edit {
    let (known, _) = field(key).expect("a field of the table");
    if TEXTS.contains(&key) {
        check_edit(key, Given::Text(said)).expect("words");
        return Edit::Text { key: key.into(), text: said.into() };
    }
    let answer = match said {
        "DECLINED" => Answer::Declined,
        "NONE" => Answer::AskedNone,
        _ => read_answer(known, said).expect("an answer that fits its field"),
    };
    let leaf = Leaf::new(answer, source);
    check_edit(key, Given::Leaf(&leaf)).expect("an answer that fits its field");
    Edit::Put { key: key.into(), value: leaf.to_bytes() }
}

/// Who Margaret is, from the demographics service.
#[must_use]
pub fn margaret() -> Told {
    let mut plan = Told::new();
    plan.edit(
        "Ada Import",
        Role::Nurse,
        30,
        Source::Record,
        &[
            ("identity.family", "Okafor"),
            ("identity.given", "Margaret Rose"),
            ("identity.title", "Mrs"),
            ("identity.born", "1940-01-01"),
            ("identity.gender", "female"),
            ("identity.nhs_number", "943 476 5919"),
            ("identity.address", "1 Trevelyan Square, Boar Lane, Leeds"),
            ("identity.postcode", "LS1 6AE"),
        ],
    );
    plan
}

/// Margaret's whole plan, approved ten days ago; what matters to her has changed since.
#[must_use]
pub fn whole() -> Told {
    let mut plan = margaret();
    plan.last_contact = Some(days_ago(2));
    plan.edit("Jo Nurse", Role::Nurse, 20, Source::Person, HER_WORDS);
    plan.edit("Jo Nurse", Role::Nurse, 18, Source::Observed, SEEN);
    plan.edit("Jo Nurse", Role::Nurse, 15, Source::Observed, MEDICINES);
    plan.decide(Section::Cpr, "Dr Amy Bell", 14, Some("Dr Carl Dent"), CPR);
    plan.decide(Section::Escalation, "Dr Amy Bell", 14, Some("Dr Carl Dent"), ESCALATION);
    plan.decide(Section::Legal, "Dr Amy Bell", 14, None, LEGAL);
    plan.decide(Section::Diagnoses, "Dr Amy Bell", 14, None, DIAGNOSES);
    plan.decide(Section::Prognosis, "Dr Amy Bell", 14, None, PROGNOSIS);
    plan.decide(Section::Symptoms, "Dr Amy Bell", 14, None, SYMPTOMS);
    plan.consent(Scope::Record, Outcome::Given, "She said yes at her kitchen table");
    plan.consent(Scope::Share, Outcome::Given, "With the ambulance service and Meadow Hospice");
    plan.approve("Dr Carl Dent", 10);
    plan.change(Section::WhatMatters);
    plan.waiting = 1;
    plan
}

/// The same, with what she is not to see.
#[must_use]
pub fn confided() -> Told {
    let mut plan = whole();
    plan.keep(
        "Jo Nurse",
        Role::Nurse,
        4,
        &[
            ("communication.mode", "Not about her illness before her son"),
            ("contact/00000000000000cc/name", "Eric Okafor"),
            ("contact/00000000000000cc/relationship", "Brother; they have not spoken for years"),
            ("contact/00000000000000cc/show_to_person", "no"),
        ],
    );
    plan.decisions.retain(|decision| decision.section != Section::Prognosis.number());
    let prognosis = [("prognosis.estimate", "last-weeks"), ("prognosis.person_aware", "no")];
    plan.keep_decision(Section::Prognosis, "Dr Amy Bell", 3, &prognosis);
    plan
}

const HER_WORDS: &[(&str, &str)] = &[
    ("identity.preferred_name", "Maggie"),
    ("wishes.about_me", "I was a midwife for forty years.\nI like the window open, even in winter."),
    ("wishes.most_value", "My garden, and my grandchildren coming on Sundays."),
    ("wishes.most_fear", "Being in pain, and being a burden to Daniel."),
    ("wishes.priority", "80"),
    ("wishes.organ_donation", "NONE"),
    ("preferences.place_of_care_1", "home"),
    ("preferences.place_of_death_1", "home"),
    ("preferences.place_of_death_2", "hospice"),
    ("preferences.place_of_death_2_where", "Meadow Hospice, the garden room if it is free"),
    ("contact/00000000000000aa/name", "Daniel Okafor"),
    ("contact/00000000000000aa/relationship", "Son"),
    ("contact/00000000000000aa/emergency", "yes"),
    ("contact/00000000000000aa/attorney", "yes"),
    ("contact/00000000000000aa/phone_1", "07700 900123"),
    ("contact/00000000000000aa/phone_2", "01632 960001"),
    ("contact/00000000000000bb/name", "Ruth Okafor"),
    ("contact/00000000000000bb/relationship", "Daughter, abroad"),
    ("contact/00000000000000bb/show_to_person", "no"),
    ("contact/00000000000000bb/notes", "Asks not to be named to her mother"),
];

const SEEN: &[(&str, &str)] = &[
    ("gp.practice", "Boar Lane Surgery"),
    ("gp.phone", "01632 960100"),
    ("team.key_worker", "Jo Nurse"),
    ("professional/00000000000000aa/name", "Jo Nurse"),
    ("professional/00000000000000aa/group", "palliative-nurse"),
    ("professional/00000000000000aa/phone", "01632 960200"),
    ("professional/00000000000000aa/phone_out_of_hours", "01632 960299"),
    ("home.dwelling", "house"),
    ("home.lives_alone", "yes"),
    ("home.key_safe", "C1066Z"),
    ("home.hazards", "A small dog, friendly."),
    ("home.medicines_kept", "Kitchen, top left cupboard"),
    ("home.documents_kept", "Blue folder by the bed"),
    ("communication.mode", "Speak slowly, on her left side"),
    ("disability/00000000000000aa/kind", "hearing-loss"),
    ("alert/00000000000000aa/kind", "oxygen"),
    ("function/00000000000000aa/date", "2026-11-01"),
    ("function/00000000000000aa/akps", "40"),
];

const MEDICINES: &[(&str, &str)] = &[
    ("allergies.status", "known"),
    ("allergy/00000000000000aa/substance", "penicillin"),
    ("allergy/00000000000000aa/reaction", "rash and swollen face"),
    ("medicine/00000000000000aa/name", "morphine sulfate"),
    ("medicine/00000000000000aa/brand", "Oramorph"),
    ("medicine/00000000000000aa/strength", "10 mg/5 ml"),
    ("medicine/00000000000000aa/form", "oral solution"),
    ("medicine/00000000000000aa/dose", "5 mg"),
    ("medicine/00000000000000aa/route", "oral"),
    ("medicine/00000000000000aa/frequency", "every 4 hours when needed"),
    ("medicine/00000000000000aa/indication", "pain or breathlessness"),
    ("medicine/00000000000000aa/high_risk", "opioid"),
    ("medicine/00000000000000bb/name", "amlodipine"),
    ("medicine/00000000000000bb/stopped", "2026-10"),
    ("anticipatory.status", "box-issued"),
    ("anticipatory.where_kept", "Fridge door, in a white box"),
    ("anticipatory.expires", "2027-06-30"),
];

const CPR: &[(&str, &str)] = &[
    ("cpr.decision", "not-recommended"),
    ("cpr.reason", "Her heart would not start again; agreed with Margaret and Daniel at home"),
    ("cpr.date", "2026-11-08"),
    ("cpr.review_date", "2027-02-08"),
    ("cpr.capacity", "has"),
    ("cpr.discussed_person", "yes"),
    ("cpr.discussed_person_details", "08-Nov-2026, Dr Bell, at home"),
    ("cpr.discussed_family", "yes"),
    ("cpr.form_location", "Blue folder by the bed"),
];

const ESCALATION: &[(&str, &str)] = &[
    ("escalation.focus", "comfort"),
    ("escalation.hospital", "conditional: only for a broken bone, or if she asks"),
    ("escalation.icu", "not-recommended"),
    ("escalation.antibiotics_oral", "recommended"),
    ("escalation.rationale", "She wants to stay at home"),
];

const LEGAL: &[(&str, &str)] = &[
    ("document/00000000000000aa/kind", "advance-statement"),
    ("document/00000000000000aa/location", "Blue folder by the bed"),
    ("document/00000000000000bb/kind", "adrt"),
    ("document/00000000000000bb/about", "No feeding by tube"),
    ("document/00000000000000bb/made", "2025-03-04"),
    ("document/00000000000000bb/capacity_when_made", "yes"),
    ("document/00000000000000bb/location", "Blue folder by the bed"),
    ("document/00000000000000cc/kind", "attorney"),
    ("document/00000000000000cc/holder", "Daniel Okafor"),
    ("document/00000000000000cc/holder_phone", "07700 900123"),
    ("document/00000000000000cc/made", "2024-01-09"),
];

const DIAGNOSES: &[(&str, &str)] = &[
    ("diagnoses.primary", "Chronic obstructive pulmonary disease"),
    ("diagnoses.person_aware", "yes"),
    ("diagnosis/00000000000000aa/name", "Heart failure"),
];

const PROGNOSIS: &[(&str, &str)] = &[
    ("prognosis.estimate", "last-months"),
    ("prognosis.surprise_question", "not-surprised"),
    ("prognosis.person_aware", "unknown"),
];

const SYMPTOMS: &[(&str, &str)] = &[
    ("problem/00000000000000aa/name", "Breathless"),
    ("problem/00000000000000aa/first_action", "Sit her up, open the window, use the fan"),
    ("problem/00000000000000aa/if_no_better", "Oramorph 2.5 mg, wait 30 minutes"),
    ("problem/00000000000000aa/call_out_of_hours", "Hospice line 01632 960299"),
    ("problem/00000000000000aa/where", "not-hospital"),
];

/// The plans that pages are shown of, by name, as they stand and as urgent care is shown them.
#[must_use]
pub fn samples() -> Vec<(&'static str, PlanView, PlanView)> {
    let both = |name, plan: &Told| (name, plan.view(), plan.shown(urgent));
    let mut empty = Told::new();
    empty.last_contact = None;
    let mut deceased = whole();
    let death = [("death.date", "2026-11-19"), ("death.place", "home"), ("death.achieved", "first")];
    deceased.decide(Section::AfterDeath, "Dr Amy Bell", 2, None, &death);
    let mut conflict = whole();
    let recommended = [
        ("cpr.decision", "recommended"),
        ("cpr.reason", "She has asked for it again"),
        ("cpr.discussed_person", "yes"),
    ];
    conflict.decide(Section::Cpr, "Dr Bo Lin", 3, None, &recommended);
    conflict.change(Section::Cpr);
    conflict.held = 2;
    conflict.apart(
        ("Jo Nurse", Role::Nurse, &[("preferences.place_of_death_1", "hospice")]),
        ("Daniel", Role::Proxy, &[("preferences.place_of_death_1", "hospital")]),
    );
    let mut withdrawn = whole();
    withdrawn.consents.pop();
    withdrawn.consent(Scope::Share, Outcome::Withdrawn, "By telephone");
    let shut = || locked(withdrawn.view());
    let then = || whole().shown(past);
    vec![
        both("whole", &whole()),
        both("empty", &empty),
        both("deceased", &deceased),
        both("conflict", &conflict),
        both("confided", &confided()),
        ("locked", shut(), shut()),
        ("past", then(), then()),
    ]
}

/// A sample as a reader reads it; on the person's page with invented looks, of an empty plan with none.
#[must_use]
pub fn page(name: &str, view: &PlanView, audience: Audience) -> Page {
    let page = Page::of(view, audience);
    let looks = if name == "empty" { Vec::new() } else { looks() };
    match (audience, view.kind) {
        (Audience::Person, "full") => page.with_looks(view, &looks, Locale::british_english()),
        _ => page,
    }
}

/// Who looked at a sample.
#[must_use]
pub fn looks() -> Vec<Looked> {
    let looked = |author: &str, role, organisation: Option<&str>, hours: u64, act| Looked {
        author: author.to_owned(),
        role,
        organisation: organisation.map(str::to_owned),
        look: Look { at: Timestamp(NOW.0 - hours * 3_600_000), act, what: None, why: None },
        waiting: false,
        held: None,
    };
    let riverside = Some("Riverside");
    let mut looks = vec![
        looked("Jo Nurse", Role::Nurse, riverside, 1, Act::View),
        looked("Jo Nurse", Role::Nurse, riverside, 2, Act::View),
        looked("Jo Nurse", Role::Nurse, riverside, 3, Act::Print),
        looked("Jo Nurse", Role::Nurse, riverside, 30, Act::View),
        looked("Daniel Okafor", Role::Proxy, None, 50, Act::View),
        looked("Crew Seven", Role::UrgentCare, Some("Ambulance"), 80, Act::BreakGlass),
        looked("Cathy Lunn", Role::Carer, Some("Willow House"), 90, Act::Reveal),
        looked("Cathy Lunn", Role::Carer, Some("Willow House"), 95, Act::Export),
    ];
    let text = "found unconscious <in> the kitchen".to_owned();
    looks[5].look.why = Some(Why { reason: Reason::EmergencyTreatment, text });
    looks[6].look.what = Some("home.key_safe".to_owned());
    looks[7].look.what = Some("fhir".to_owned());
    looks[7].held = Some(Message::new("held-credential"));
    looks
}

/// Plans that hold more than a page does, or stranger words than people write.
#[must_use]
pub fn crowded() -> Vec<(&'static str, PlanView, PlanView)> {
    let mut long = whole();
    let words = "Sitting up in the chair by the window with two pillows eases it. ".repeat(20);
    let texts: Vec<(&str, &str)> = TEXTS.iter().map(|key| (*key, words.as_str())).collect();
    long.edit("Jo Nurse", Role::Nurse, 1, Source::Person, &texts);
    let items = ["a", "b", "c", "d", "e", "f"].map(|id| id.repeat(16));
    for field in FIELDS.iter().filter(|field| !field.section.is_decision() && field.kind == Kind::Line) {
        let fits = ["medicine", "contact", "professional", "allergy"].map(Some).contains(&field.list());
        if fits && !field.key.ends_with("/in_error") && !field.key.ends_with("/stopped_reason") {
            let keys: Vec<String> = items.iter().map(|item| field.key_for(item)).collect();
            let said: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), words[..90].trim())).collect();
            long.edit("Jo Nurse", Role::Nurse, 1, Source::Person, &said);
        }
    }
    let everything = || plans::sample(1, Fullness::Everything).view;
    vec![("long", long.view(), long.shown(urgent)), ("everything", everything(), everything())]
}
