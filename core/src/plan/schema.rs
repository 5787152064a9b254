//! Sections and fields: one line for each field.
//!
//! A field's key is `section.field`, or `list/*/field` for the items of a list, where an item's id (sixteen lower-case
//! hexadecimal digits) stands in place of `*`. Fields of decision sections live in a decision and nowhere else; the
//! others live in the log's document.
//!
//! Two endings may follow a key. A text merges as text and has no room for "declined": `.answer` holds such an answer
//! and who it was heard from. A fact from elsewhere (class X) is replaced by the newest from there: `.correction` holds
//! what somebody here says instead, and both are shown.

use bedside_protocol::entry::Compartment;

use super::codes::Set;

/// One heading of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[expect(missing_docs, reason = "each has a title")]
pub enum Section {
    Control = 0,
    Identity = 1,
    CareTeam = 2,
    Contacts = 3,
    Communication = 4,
    Home = 5,
    WhatMatters = 6,
    Preferences = 7,
    Diagnoses = 8,
    Prognosis = 9,
    Function = 10,
    Medicines = 11,
    Symptoms = 12,
    Escalation = 13,
    Cpr = 14,
    Legal = 15,
    Capacity = 16,
    Alerts = 17,
    Attachments = 18,
    AfterDeath = 19,
}

/// Who has a say in a field, and what becomes of edits made at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The person's own words: person, proxy, or staff on their behalf. Merges; single values keep every concurrent one.
    P,
    /// Shared by staff. Merges like P.
    S,
    /// Clinical decision. Stands or falls as a whole, or, in a list that all staff add to, is changed by clinicians only.
    C,
    /// Legal fact, recorded by a clinician who saw the document. Stands or falls as a whole.
    L,
    /// Fact from the demographics service or the GP's record. The newest from there, beside a correction from here.
    X,
    /// Derived by the core, never typed.
    A,
}

/// What an answer looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Words that merge as text.
    Text,
    /// Words that stand or fall as one value: a name, a number to call.
    Line,
    /// One of a set, or words where none fits.
    One(Set),
    /// ISO 8601, to the day, month or year.
    Date,
    /// A whole number between two bounds, both included, in steps from the lower.
    Number {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
        /// Distance between two allowed numbers.
        step: i64,
    },
}

/// One question of the plan.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// `section.field` or `list/*/field`.
    pub key: &'static str,
    /// The heading it stands under.
    pub section: Section,
    /// Who has a say.
    pub class: Class,
    /// What the answer looks like.
    pub kind: Kind,
    /// As people read it.
    pub label: &'static str,
}

/// Which part of a field a key names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The answer.
    Main,
    /// That a text was declined, has no answer, or could not be expressed, and who it was heard from.
    Answer,
    /// What somebody here says instead of a fact from elsewhere.
    Correction,
}

const fn f(key: &'static str, section: Section, class: Class, kind: Kind, label: &'static str) -> Field {
    Field { key, section, class, kind, label }
}

const fn number(min: i64, max: i64) -> Kind {
    Kind::Number { min, max, step: 1 }
}

use Class::{A, C, L, P, S, X};
use Kind::{Date, Line, One, Text};
use Section::{
    AfterDeath, Alerts, Attachments, Capacity, CareTeam, Communication, Contacts, Control, Cpr, Diagnoses,
    Escalation, Function, Home, Identity, Legal, Medicines, Preferences, Prognosis, Symptoms, WhatMatters,
};
use Set::YesNo;

/// Every field, in the order in which it is shown.
#[rustfmt::skip]
pub const FIELDS: &[Field] = &[
    f("control.status", Control, A, One(Set::PlanStatus), "Status"),
    f("control.created", Control, A, Date, "Created"),
    f("control.amended", Control, A, Date, "Last amended"),
    f("control.review_date", Control, A, Date, "Planned review"),
    f("control.reviewer", Control, A, Line, "Reviewer"),
    f("control.first_approver", Control, A, Line, "First approved by"),
    f("control.latest_approver", Control, A, Line, "Latest approved by"),

    f("identity.family", Identity, X, Line, "Family name"),
    f("identity.given", Identity, X, Line, "Given names"),
    f("identity.title", Identity, X, Line, "Title"),
    f("identity.preferred_name", Identity, P, Line, "Likes to be called"),
    f("identity.born", Identity, X, Date, "Born"),
    f("identity.gender", Identity, X, One(Set::Gender), "Gender"),
    f("identity.nhs_number", Identity, X, Line, "NHS number"),
    f("identity.nhs_number_status", Identity, X, One(Set::NumberStatus), "NHS number status"),
    f("identity.death_notice", Identity, X, Date, "Death notice"),
    f("identity.death_notice_status", Identity, X, One(Set::DeathNotice), "Death notice status"),
    f("identity.address", Identity, X, Line, "Address"),
    f("identity.postcode", Identity, X, Line, "Postcode"),
    f("identity.temporary_address", Identity, X, Line, "Temporary address"),
    f("identity.temporary_postcode", Identity, X, Line, "Temporary postcode"),
    f("identity.home_phone", Identity, X, Line, "Home phone"),
    f("identity.mobile_phone", Identity, X, Line, "Mobile phone"),
    f("identity.work_phone", Identity, X, Line, "Work phone"),
    f("identity.textphone", Identity, X, Line, "Textphone"),
    f("identity.email", Identity, X, Line, "Email"),
    f("identity.language", Identity, X, Line, "Spoken language"),
    f("identity.interpreter", Identity, X, One(Set::Interpreter), "Interpreter"),
    f("identity.ethnicity", Identity, X, Line, "Ethnicity"),
    f("identity.religion", Identity, P, Line, "Religion"),

    f("gp.ods_code", CareTeam, X, Line, "GP practice code"),
    f("gp.practice", CareTeam, X, Line, "GP practice"),
    f("gp.address", CareTeam, X, Line, "GP practice address"),
    f("gp.phone", CareTeam, X, Line, "GP practice phone"),
    f("gp.usual", CareTeam, S, Line, "Usual GP"),
    f("team.key_worker", CareTeam, S, Line, "Key worker"),
    f("professional/*/name", CareTeam, S, Line, "Name"),
    f("professional/*/group", CareTeam, S, One(Set::CareGroup), "Profession"),
    f("professional/*/organisation", CareTeam, S, Line, "Organisation"),
    f("professional/*/phone", CareTeam, S, Line, "Phone in hours"),
    f("professional/*/phone_out_of_hours", CareTeam, S, Line, "Phone out of hours"),
    f("professional/*/knows_of_plan", CareTeam, S, One(YesNo), "Knows of the plan"),
    f("professional/*/ended", CareTeam, S, Date, "No longer involved since"),
    f("professional/*/in_error", CareTeam, S, Line, "Entered in error"),

    f("carer.main", Contacts, S, One(Set::MainCarer), "Main carer"),
    f("contact/*/name", Contacts, P, Line, "Name"),
    f("contact/*/relationship", Contacts, P, Line, "Relationship"),
    f("contact/*/next_of_kin", Contacts, P, One(YesNo), "Next of kin"),
    f("contact/*/main_carer", Contacts, P, One(YesNo), "Main carer"),
    f("contact/*/emergency", Contacts, P, One(YesNo), "Emergency contact"),
    f("contact/*/to_be_consulted", Contacts, P, One(YesNo), "To be consulted"),
    f("contact/*/attorney", Contacts, P, One(YesNo), "Attorney"),
    f("contact/*/phone_1", Contacts, P, Line, "Phone, first"),
    f("contact/*/phone_2", Contacts, P, Line, "Phone, second"),
    f("contact/*/phone_3", Contacts, P, Line, "Phone, third"),
    f("contact/*/address", Contacts, P, Line, "Address"),
    f("contact/*/aware_of_plan", Contacts, S, One(YesNo), "Knows of the plan"),
    f("contact/*/aware_of_prognosis", Contacts, S, One(YesNo), "Knows the prognosis"),
    f("contact/*/show_to_person", Contacts, S, One(YesNo), "May be shown to the person"),
    f("contact/*/notes", Contacts, P, Line, "Notes"),
    f("contact/*/ended", Contacts, P, Date, "No longer a contact since"),
    f("contact/*/in_error", Contacts, S, Line, "Entered in error"),

    f("communication.interpreter", Communication, S, One(Set::Interpreter), "Interpreter for care"),
    f("communication.mode", Communication, S, Line, "Best way to communicate"),
    f("communication.needs", Communication, S, Text, "Information needs"),
    f("communication.adjustments", Communication, S, Text, "Reasonable adjustments"),
    f("disability/*/kind", Communication, S, One(Set::Disability), "Disability"),
    f("disability/*/notes", Communication, S, Line, "Notes"),
    f("disability/*/in_error", Communication, S, Line, "Entered in error"),

    f("home.dwelling", Home, S, One(Set::Dwelling), "Dwelling"),
    f("home.lives_alone", Home, S, One(YesNo), "Lives alone"),
    f("home.key_safe", Home, S, Line, "Key-safe code"),
    f("home.access", Home, S, Text, "Access notes"),
    f("home.hazards", Home, S, Text, "Pets and hazards for crews"),
    f("home.equipment", Home, S, Text, "Equipment"),
    f("home.medicines_kept", Home, S, Line, "Medicines are kept"),
    f("home.documents_kept", Home, S, Line, "Documents are kept"),

    f("wishes.about_me", WhatMatters, P, Text, "About me"),
    f("wishes.most_value", WhatMatters, P, Text, "What I most value"),
    f("wishes.most_fear", WhatMatters, P, Text, "What I most fear or wish to avoid"),
    f("wishes.wishes", WhatMatters, P, Text, "My wishes"),
    f("wishes.priority", WhatMatters, P, number(1, 100), "Priority (1 sustain life, 100 comfort)"),
    f("wishes.spiritual", WhatMatters, P, Text, "Spiritual and cultural needs"),
    f("wishes.organ_donation", WhatMatters, P, Line, "Organ donation"),
    f("wishes.daily_life", WhatMatters, P, Text, "Daily life"),
    f("wishes.after_death", WhatMatters, P, Text, "After my death"),

    f("preferences.place_of_care_1", Preferences, P, One(Set::Place), "Place of care, first"),
    f("preferences.place_of_care_1_where", Preferences, P, Line, "Where that is"),
    f("preferences.place_of_care_2", Preferences, P, One(Set::Place), "Place of care, second"),
    f("preferences.place_of_care_2_where", Preferences, P, Line, "Where that is"),
    f("preferences.place_of_death_1", Preferences, P, One(Set::Place), "Place of death, first"),
    f("preferences.place_of_death_1_where", Preferences, P, Line, "Where that is"),
    f("preferences.place_of_death_2", Preferences, P, One(Set::Place), "Place of death, second"),
    f("preferences.place_of_death_2_where", Preferences, P, Line, "Where that is"),
    f("preferences.notes", Preferences, P, Text, "About these preferences"),

    f("diagnoses.primary", Diagnoses, C, Line, "Main diagnosis"),
    f("diagnoses.history", Diagnoses, C, Line, "Significant history"),
    f("diagnoses.person_aware", Diagnoses, C, One(YesNo), "Person knows the diagnosis"),
    f("diagnoses.family_aware", Diagnoses, C, One(YesNo), "Family knows the diagnosis"),
    f("diagnosis/*/name", Diagnoses, C, Line, "Other diagnosis"),
    f("diagnosis/*/since", Diagnoses, C, Date, "Since"),
    f("device/*/name", Diagnoses, C, Line, "Implanted device"),
    f("device/*/deactivation_agreed", Diagnoses, C, One(YesNo), "Deactivation agreed"),
    f("device/*/deactivated", Diagnoses, C, Date, "Deactivated"),

    f("prognosis.estimate", Prognosis, C, One(Set::Prognosis), "Prognosis"),
    f("prognosis.surprise_question", Prognosis, C, One(Set::SurpriseQuestion), "Surprise question"),
    f("prognosis.gold_standard", Prognosis, C, One(Set::GoldStandard), "Gold Standards stage"),
    f("prognosis.date", Prognosis, C, Date, "Estimated on"),
    f("prognosis.by", Prognosis, C, Line, "Estimated by"),
    f("prognosis.person_aware", Prognosis, C, One(YesNo), "Person knows the prognosis"),
    f("prognosis.family_aware", Prognosis, C, One(YesNo), "Family knows the prognosis"),

    f("function/*/date", Function, S, Date, "Observed on"),
    f("function/*/akps", Function, S, Kind::Number { min: 0, max: 100, step: 10 }, "AKPS"),
    f("function/*/ecog", Function, S, One(Set::Ecog), "ECOG"),
    f("function/*/frailty", Function, S, One(Set::Frailty), "Clinical Frailty Scale"),
    f("function/*/notes", Function, S, Line, "Notes"),
    f("function/*/in_error", Function, S, Line, "Entered in error"),

    f("allergies.status", Medicines, S, One(Set::AllergyStatus), "Allergies"),
    f("allergy/*/substance", Medicines, S, Line, "Allergic to"),
    f("allergy/*/reaction", Medicines, S, Line, "Reaction"),
    f("allergy/*/since", Medicines, S, Date, "Since"),
    f("allergy/*/in_error", Medicines, C, Line, "Entered in error"),
    f("medicine/*/name", Medicines, S, Line, "Medicine"),
    f("medicine/*/code", Medicines, S, Line, "dm+d code"),
    f("medicine/*/brand", Medicines, S, Line, "Brand"),
    f("medicine/*/strength", Medicines, S, Line, "Strength"),
    f("medicine/*/form", Medicines, S, Line, "Form"),
    f("medicine/*/dose", Medicines, S, Line, "Dose"),
    f("medicine/*/route", Medicines, S, Line, "Route"),
    f("medicine/*/frequency", Medicines, S, Line, "Frequency"),
    f("medicine/*/indication", Medicines, S, Line, "For"),
    f("medicine/*/started", Medicines, S, Date, "Started"),
    f("medicine/*/high_risk", Medicines, S, One(Set::HighRisk), "High risk"),
    f("medicine/*/anticipatory", Medicines, S, One(YesNo), "Anticipatory"),
    f("medicine/*/stopped", Medicines, C, Date, "Stopped"),
    f("medicine/*/stopped_reason", Medicines, C, Line, "Stopped because"),
    f("medicine/*/in_error", Medicines, C, Line, "Entered in error"),
    f("anticipatory.status", Medicines, S, One(Set::Anticipatory), "Anticipatory medicines"),
    f("anticipatory.where_kept", Medicines, S, Line, "Where they are kept"),
    f("anticipatory.chart_in_place", Medicines, S, One(YesNo), "Administration chart in place"),
    f("anticipatory.stock_checked", Medicines, S, Date, "Stock checked"),
    f("anticipatory.expires", Medicines, S, Date, "Stock expires"),

    f("problem/*/name", Symptoms, C, Line, "Problem"),
    f("problem/*/looks_like", Symptoms, C, Line, "What it looks like"),
    f("problem/*/first_action", Symptoms, C, Line, "First do"),
    f("problem/*/if_no_better", Symptoms, C, Line, "If no better"),
    f("problem/*/call_in_hours", Symptoms, C, Line, "Call in hours"),
    f("problem/*/call_out_of_hours", Symptoms, C, Line, "Call out of hours"),
    f("problem/*/medicines", Symptoms, C, Line, "Medicines"),
    f("problem/*/where", Symptoms, C, One(Set::Treat), "Where to treat"),

    f("escalation.focus", Escalation, C, One(Set::Focus), "Focus of care"),
    f("escalation.ceiling", Escalation, C, Line, "Ceiling of treatment"),
    f("escalation.hospital", Escalation, C, One(Set::Recommendation), "Transfer to hospital"),
    f("escalation.icu", Escalation, C, One(Set::Recommendation), "Intensive care"),
    f("escalation.niv", Escalation, C, One(Set::Recommendation), "Non-invasive ventilation"),
    f("escalation.ventilation", Escalation, C, One(Set::Recommendation), "Ventilation"),
    f("escalation.antibiotics_oral", Escalation, C, One(Set::Recommendation), "Antibiotics by mouth"),
    f("escalation.antibiotics_iv", Escalation, C, One(Set::Recommendation), "Antibiotics by vein"),
    f("escalation.fluids_iv", Escalation, C, One(Set::Recommendation), "Fluids by vein"),
    f("escalation.fluids_sc", Escalation, C, One(Set::Recommendation), "Fluids under the skin"),
    f("escalation.nutrition", Escalation, C, One(Set::Recommendation), "Artificial nutrition"),
    f("escalation.dialysis", Escalation, C, One(Set::Recommendation), "Dialysis"),
    f("escalation.blood", Escalation, C, One(Set::Recommendation), "Blood products"),
    f("escalation.other", Escalation, C, Line, "Other treatments"),
    f("escalation.rationale", Escalation, C, Line, "Reason"),
    f("escalation.date", Escalation, C, Date, "Decided on"),
    f("escalation.review_date", Escalation, C, Date, "Review on"),

    f("cpr.decision", Cpr, C, One(Set::Cpr), "CPR"),
    f("cpr.reason", Cpr, C, Line, "Reason"),
    f("cpr.date", Cpr, C, Date, "Decided on"),
    f("cpr.review_date", Cpr, C, Date, "Review on"),
    f("cpr.capacity", Cpr, C, One(Set::Capacity), "Capacity for this decision"),
    f("cpr.discussed_person", Cpr, C, One(YesNo), "Discussed with the person"),
    f("cpr.discussed_person_details", Cpr, C, Line, "When and by whom, or why not"),
    f("cpr.discussed_family", Cpr, C, One(YesNo), "Discussed with the family"),
    f("cpr.discussed_family_details", Cpr, C, Line, "When and by whom, or why not"),
    f("cpr.made_aware", Cpr, C, Line, "Who was made aware"),
    f("cpr.form_location", Cpr, C, Line, "Where the original form is"),

    f("document/*/kind", Legal, L, One(Set::Legal), "Document"),
    f("document/*/about", Legal, L, Line, "What it says"),
    f("document/*/made", Legal, L, Date, "Made on"),
    f("document/*/valid", Legal, L, One(YesNo), "Seen to be valid"),
    f("document/*/refuses_life_sustaining", Legal, L, One(YesNo), "Refuses life-sustaining treatment"),
    f("document/*/even_if_life_at_risk", Legal, L, One(YesNo), "Says \"even if life is at risk\""),
    f("document/*/in_writing", Legal, L, One(YesNo), "In writing"),
    f("document/*/signed", Legal, L, One(YesNo), "Signed"),
    f("document/*/witnessed", Legal, L, One(YesNo), "Witnessed"),
    f("document/*/capacity_when_made", Legal, L, One(YesNo), "Had capacity when it was made"),
    f("document/*/holder", Legal, L, Line, "Attorney or deputy"),
    f("document/*/holder_phone", Legal, L, Line, "Their phone"),
    f("document/*/registered", Legal, L, Date, "Registered on"),
    f("document/*/location", Legal, L, Line, "Where the original is"),
    f("document/*/copies", Legal, L, Line, "Who has copies"),
    f("document/*/seen_by", Legal, L, Line, "Seen by"),

    f("capacity/*/decision", Capacity, C, Line, "Decision"),
    f("capacity/*/outcome", Capacity, C, One(Set::Capacity), "Capacity"),
    f("capacity/*/how", Capacity, C, Line, "How it was assessed"),
    f("capacity/*/by", Capacity, C, Line, "Assessed by"),
    f("capacity/*/from", Capacity, C, Date, "Valid from"),
    f("capacity/*/to", Capacity, C, Date, "Valid to"),
    f("best_interests/*/decision", Capacity, C, Line, "Best-interests decision"),
    f("best_interests/*/consulted", Capacity, C, Line, "People consulted"),
    f("best_interests/*/rationale", Capacity, C, Line, "Reason"),
    f("best_interests/*/date", Capacity, C, Date, "Decided on"),
    f("capacity.involvement", Capacity, C, One(Set::Involvement), "ReSPECT involvement"),
    f("capacity.involvement_reason", Capacity, C, Line, "Reason"),

    f("alert/*/kind", Alerts, S, One(Set::Alert), "Alert"),
    f("alert/*/details", Alerts, S, Line, "Details"),
    f("alert/*/ended", Alerts, S, Date, "Ended"),
    f("alert/*/in_error", Alerts, S, Line, "Entered in error"),

    f("attachment/*/kind", Attachments, L, One(Set::AttachmentKind), "Scanned form (copy, check original)"),
    f("attachment/*/title", Attachments, L, Line, "Title"),
    f("attachment/*/pages", Attachments, L, number(1, 1_000), "Pages"),
    f("attachment/*/captured", Attachments, L, Date, "Captured on"),
    f("attachment/*/captured_by", Attachments, L, Line, "Captured by"),
    f("attachment/*/hash", Attachments, L, Line, "SHA-256"),

    f("death.date", AfterDeath, C, Date, "Died on"),
    f("death.place", AfterDeath, C, One(Set::ActualPlace), "Place of death"),
    f("death.achieved", AfterDeath, C, One(Set::Achieved), "Preferred place achieved"),
    f("death.variance", AfterDeath, C, Line, "Why it differed"),
    f("death.told", AfterDeath, C, Line, "Who was told"),
    f("death.in_error", AfterDeath, C, Line, "Recorded in error"),
];

/// The keys of the shared document that merge as text. **Append only**: a document's first changes follow from this
/// list, so what stands here can never be moved, renamed or taken away.
pub const TEXTS: &[&str] = &[
    "communication.needs",
    "communication.adjustments",
    "home.access",
    "home.hazards",
    "home.equipment",
    "wishes.about_me",
    "wishes.most_value",
    "wishes.most_fear",
    "wishes.wishes",
    "wishes.spiritual",
    "wishes.daily_life",
    "wishes.after_death",
    "preferences.notes",
];

const ANSWER: &str = ".answer";
const CORRECTION: &str = ".correction";

/// The field that a document's or a decision's key belongs to; `None` for a key that this version does not know.
#[must_use]
pub fn field(key: &str) -> Option<(&'static Field, Part)> {
    if let Some(field) = by_key(key) {
        return Some((field, Part::Main));
    }
    if let Some(field) = key.strip_suffix(ANSWER).and_then(by_key).filter(|field| field.kind == Kind::Text) {
        return Some((field, Part::Answer));
    }
    let corrected = key.strip_suffix(CORRECTION).and_then(by_key);
    corrected.filter(|field| field.class == Class::X).map(|field| (field, Part::Correction))
}

fn by_key(key: &str) -> Option<&'static Field> {
    let mut parts = key.split('/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(list), Some(item), Some(name), None) if is_item(item) => {
            let of_list = |field: &&Field| {
                field.key.strip_prefix(list).and_then(|k| k.strip_prefix("/*/")) == Some(name)
            };
            FIELDS.iter().find(of_list)
        }
        (Some(_), None, ..) => FIELDS.iter().find(|field| field.key == key),
        _ => None,
    }
}

fn is_item(id: &str) -> bool {
    id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// The key of one item's field.
#[must_use]
pub fn item_key(list: &str, item: [u8; 8], name: &str) -> String {
    let digits: String = item.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{list}/{digits}/{name}")
}

/// Every list of a section, in the order of the table.
#[must_use]
pub fn lists(section: Section) -> Vec<&'static str> {
    let mut lists: Vec<&str> =
        FIELDS.iter().filter(|field| field.section == section).filter_map(Field::list).collect();
    lists.dedup();
    lists
}

impl Field {
    /// The list whose items have this field; `None` for a field of its own.
    #[must_use]
    pub fn list(&self) -> Option<&'static str> {
        self.key.split_once("/*/").map(|(list, _)| list)
    }

    /// The key of this field, for one item where it belongs to a list.
    #[must_use]
    pub fn key_for(&self, item: &str) -> String {
        self.key.replacen('*', item, 1)
    }

    /// The key under which a text is declined, has no answer, or could not be expressed; `None` for other kinds, which
    /// hold such answers themselves.
    #[must_use]
    pub fn answer_key(&self) -> Option<String> {
        (self.kind == Kind::Text).then(|| format!("{}{ANSWER}", self.key))
    }

    /// The key under which somebody here corrects a fact from elsewhere; `None` for fields of other classes.
    #[must_use]
    pub fn correction_key(&self) -> Option<String> {
        (self.class == Class::X).then(|| format!("{}{CORRECTION}", self.key))
    }

    /// Which log it belongs in, unless whoever writes it says otherwise.
    #[must_use]
    pub fn compartment(&self) -> Compartment {
        match self.key {
            "home.key_safe" | "home.access" => Compartment::Restricted,
            _ => Compartment::Shared,
        }
    }

    /// True when it may be kept in a compartment. How to get into a home is always restricted; an alert may be.
    #[must_use]
    pub fn may_be_in(&self, compartment: Compartment) -> bool {
        match compartment {
            Compartment::Shared | Compartment::Professional => self.compartment() == Compartment::Shared,
            Compartment::Restricted => {
                self.compartment() == Compartment::Restricted || self.section == Section::Alerts
            }
            Compartment::AccessRecord => false,
        }
    }
}

impl Section {
    /// Every section, by number.
    pub const ALL: [Self; 20] = [
        Control,
        Identity,
        CareTeam,
        Contacts,
        Communication,
        Home,
        WhatMatters,
        Preferences,
        Diagnoses,
        Prognosis,
        Function,
        Medicines,
        Symptoms,
        Escalation,
        Cpr,
        Legal,
        Capacity,
        Alerts,
        Attachments,
        AfterDeath,
    ];

    /// 0..19, as it stands in decisions.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The section of a number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// As it is written in commands.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Control => "control",
            Identity => "identity",
            CareTeam => "care-team",
            Contacts => "contacts",
            Communication => "communication",
            Home => "home",
            WhatMatters => "what-matters",
            Preferences => "preferences",
            Diagnoses => "diagnoses",
            Prognosis => "prognosis",
            Function => "function",
            Medicines => "medicines",
            Symptoms => "symptoms",
            Escalation => "escalation",
            Cpr => "cpr",
            Legal => "legal",
            Capacity => "capacity",
            Alerts => "alerts",
            Attachments => "attachments",
            AfterDeath => "after-death",
        }
    }

    /// The section of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.name() == name)
    }

    /// As people read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Control => "Plan",
            Identity => "Identity",
            CareTeam => "GP and care team",
            Contacts => "Contacts",
            Communication => "Communication, adjustments, disability",
            Home => "Home and access",
            WhatMatters => "What matters to me",
            Preferences => "Preferred places",
            Diagnoses => "Diagnoses",
            Prognosis => "Prognosis",
            Function => "Function",
            Medicines => "Allergies and medicines",
            Symptoms => "Symptoms and what to do",
            Escalation => "Escalation of treatment",
            Cpr => "Resuscitation (CPR)",
            Legal => "Legal documents",
            Capacity => "Capacity",
            Alerts => "Alerts",
            Attachments => "Attachments (copies, check original)",
            AfterDeath => "After death",
        }
    }

    /// True when the section is written as decisions, each of which stands or falls as a whole.
    #[must_use]
    pub const fn is_decision(self) -> bool {
        matches!(
            self,
            Diagnoses | Prognosis | Symptoms | Escalation | Cpr | Legal | Capacity | Attachments | AfterDeath
        )
    }

    /// True when a senior clinician endorses its decisions.
    #[must_use]
    pub const fn is_endorsed(self) -> bool {
        matches!(self, Cpr | Escalation)
    }

    /// The class of a decision section: L for legal facts and attachments, C for the others.
    #[must_use]
    pub const fn decision_class(self) -> Option<Class> {
        match self {
            Legal | Attachments => Some(Class::L),
            _ if self.is_decision() => Some(Class::C),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_field_is_found_by_its_key_and_by_no_other() {
        let mut seen = BTreeSet::new();
        for known in FIELDS {
            assert!(seen.insert(known.key), "{} twice", known.key);
            let key = known.key_for("00000000000000aa");
            assert!(field(&key) == Some((known, Part::Main)), "{key}");
            assert!(field(&format!("{key}x")).is_none());
        }
        for wrong in
            ["", "contact/*/name", "contact/00aa/name", "contact/00000000000000AA/name", "contact", "a/b/c/d"]
        {
            assert!(field(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn every_text_is_in_the_list_and_nothing_else() {
        let texts: BTreeSet<&str> = FIELDS.iter().filter(|f| f.kind == Kind::Text).map(|f| f.key).collect();
        assert_eq!(texts, TEXTS.iter().copied().collect());
    }

    #[test]
    fn the_first_changes_of_every_plan_never_change() {
        let mut document = crate::crdt::Document::new(TEXTS);
        let actor = crate::crdt::Actor::new([1; 16]);
        let edit = crate::crdt::Edit::Put { key: "a.b".into(), value: vec![1] };
        let change = document.edit(&actor, Default::default(), &[edit]).unwrap();
        let deps = crate::crdt::inspect(&change, TEXTS).unwrap().deps;
        let deps: Vec<String> = deps.iter().map(ToString::to_string).collect();
        expect_test::expect!["563d45a8aea8b2cff599d01cfcb669a269b9f8097f23f2574748c0b75d9a624b"]
            .assert_eq(&deps.join("\n"));
    }

    #[test]
    fn fields_of_decision_sections_are_decided_and_others_are_not() {
        for field in FIELDS {
            let decided = matches!(field.class, Class::C | Class::L);
            // Medicines and allergies are added by all staff and struck out by clinicians, item by item.
            assert!(
                field.section.is_decision() == decided || field.section == Section::Medicines,
                "{}",
                field.key
            );
            assert!(field.section.decision_class().is_none_or(|class| class == field.class), "{}", field.key);
            assert!(!field.section.is_decision() || field.kind != Kind::Text, "{} cannot merge", field.key);
        }
    }

    #[test]
    fn sections_are_known_by_number_and_name() {
        for (number, section) in Section::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(section.number()), number);
            assert_eq!(Section::from_name(section.name()), Some(section));
        }
        assert_eq!(Section::from_number(20), None);
    }

    #[test]
    fn endings_belong_to_texts_and_to_facts_from_elsewhere() {
        let part = |key| field(key).map(|(_, part)| part);
        assert_eq!(part("wishes.about_me.answer"), Some(Part::Answer));
        assert_eq!(part("identity.family.correction"), Some(Part::Correction));
        assert_eq!(part("identity.family.answer"), None);
        assert_eq!(part("wishes.about_me.correction"), None);
    }

    #[test]
    fn the_key_safe_code_is_in_a_compartment_of_its_own() {
        let compartment = |key| field(key).map(|(field, _)| field.compartment());
        assert_eq!(compartment("home.key_safe"), Some(Compartment::Restricted));
        assert_eq!(compartment("home.dwelling"), Some(Compartment::Shared));
    }
}
