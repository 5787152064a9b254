//! A plan as it is shown. Records of the same names and fields as the core's, so that a program reads the same in each language
//! and in the JSON of `export`. The words of closed sets are listed with each field; a newer core may add to them.

use bedside_core::api::view;

use crate::cross::Cross;

/// A plan as it is shown. Its JSON names are stable: fields are added, never renamed.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct PlanView {
    /// `full`; `urgent`: of decisions what was approved, and what was reduced since; `locked`: consent is withdrawn and
    /// nothing is shown but that; `past`: how it stood once.
    pub kind: String,
    /// Names exactly what is shown. An approval of it is refused once the plan has changed.
    pub version: String,
    /// Who it is about. Shown before everything else, always.
    pub banner: Banner,
    /// Why it is shown although it is locked; none for any other plan.
    pub glass: Option<GlassView>,
    /// How old this is.
    pub as_of: AsOfView,
    /// How the plan as a whole stands.
    pub control: ControlView,
    /// What must be seen first.
    pub alerts: Vec<Alert>,
    /// Standing consents.
    pub consents: Vec<ConsentView>,
    /// Every section, in order, those without content included.
    pub sections: Vec<SectionView>,
    /// Entries held for a reviewer.
    pub held: u32,
    /// Entries not sent yet.
    pub waiting: u32,
    /// Answers that have no place in this version of the plan.
    pub unreadable: u32,
    /// Entries that this version cannot read, those that build on them included.
    pub left_out: u32,
    /// It is made of what the person's device may hold, and of nothing that professionals keep among themselves.
    #[uniffi(default = false)]
    pub shared_only: bool,
}

/// Broken glass: somebody reads a plan without consent, and said why.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct GlassView {
    /// `emergency-treatment`, `safeguarding` or `legal-duty`.
    pub reason: String,
    /// In their own words.
    pub why: String,
    /// RFC 3339, UTC.
    pub until: Option<String>,
    /// That it was opened without consent, and until when, for people.
    pub text: String,
}

/// Who a plan is about. What is missing is said to be missing.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct Banner {
    /// In upper case.
    pub family: Option<String>,
    /// Given names.
    pub given: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// `DD-Mmm-YYYY`.
    pub born: Option<String>,
    /// ISO 8601.
    pub born_date: Option<String>,
    /// Completed years, today or at death.
    pub age_years: Option<i16>,
    /// In words.
    pub gender: Option<String>,
    /// `943 476 5919`.
    pub nhs_number: Option<String>,
    /// It is recorded with a digit wrong, and shown as it is recorded.
    pub nhs_number_wrong: bool,
    /// The person has died: recorded here by a clinician, and not taken back.
    pub deceased: bool,
    /// `DD-Mmm-YYYY`; recorded here by a clinician.
    pub died: Option<String>,
    /// The demographics service reports a death: its date, or that none is given.
    pub death_notice: Option<String>,
    /// Of such a report, the date, `DD-Mmm-YYYY`.
    pub death_notice_date: Option<String>,
    /// The parts of the banner's line, none of which is ever broken or shortened.
    pub parts: Vec<String>,
}

/// How old a view is.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct AsOfView {
    /// RFC 3339, UTC.
    pub now: Option<String>,
    /// RFC 3339, UTC; none when this plan was never compared with the relay.
    pub last_contact: Option<String>,
    /// For people, in the time of the United Kingdom.
    pub text: String,
}

/// How a plan as a whole stands.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct ControlView {
    /// Token of the set of statuses.
    pub status: String,
    /// For people.
    pub status_text: String,
    /// Why, when somebody asked for approval or review or said that the plan was entered in error.
    pub reason: Option<String>,
    /// Who did.
    pub marked_by: Option<By>,
    /// ISO 8601, the day in the United Kingdom.
    pub created: Option<String>,
    /// ISO 8601, the day in the United Kingdom.
    pub amended: Option<String>,
    /// ISO 8601: the plan is looked at again on this day at the latest.
    pub review_date: Option<String>,
    /// Who looks at it: the latest approver.
    pub reviewer: Option<String>,
    /// Who first approved any of it.
    pub first_approver: Option<By>,
    /// Who last did.
    pub latest_approver: Option<By>,
}

/// What must be seen first.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct Alert {
    /// Stable name of its kind.
    pub kind: String,
    /// `danger`, `warning` or `note`.
    pub severity: String,
    /// For people.
    pub text: String,
    /// What to do about it.
    pub action: String,
}

/// A standing consent.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct ConsentView {
    /// `record` or `share`.
    pub scope: String,
    /// `given`, `withdrawn`, `best-interests`, `attorney` or `representative`.
    pub outcome: String,
    /// For people.
    pub text: String,
    /// How it was given.
    pub note: String,
    /// Who decided when it was not the person, and why.
    pub grounds: Option<GroundsView>,
    /// Who recorded it.
    pub by: By,
}

/// What a basis other than the person's own word rests on.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct GroundsView {
    /// The attorney, the representative, or who decided.
    pub by: String,
    /// Who was consulted.
    pub consulted: Vec<String>,
    /// Why.
    pub rationale: String,
    /// The decision on capacity that it rests on, in hexadecimal.
    pub capacity: Option<String>,
}

/// One heading.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct SectionView {
    /// 0..19.
    pub number: u8,
    /// Stable name.
    pub name: String,
    /// For people.
    pub title: String,
    /// Answered fields, in the order of the table.
    pub fields: Vec<FieldView>,
    /// Lists with items.
    pub lists: Vec<ListView>,
    /// Standing decisions.
    pub decisions: Vec<DecisionView>,
    /// More than one decision stands.
    pub in_conflict: bool,
    /// How many decisions stand that urgent care is not shown, because nobody has approved them.
    pub unapproved: u32,
    /// Whether what stands was approved.
    pub review: ReviewView,
}

/// Whether what stands in a section was approved.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct ReviewView {
    /// `empty`, `not-reviewed`, `approved`, or `changed` since it was approved.
    pub state: String,
    /// For people; none when there is nothing to say.
    pub text: Option<String>,
    /// Who last approved it.
    pub approved_by: Option<By>,
}

/// An answered field.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct FieldView {
    /// Key in the document or decision.
    pub key: String,
    /// For people.
    pub label: String,
    /// One answer, or all that stand beside each other.
    pub values: Vec<ValueView>,
}

/// One answer that stands.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct ValueView {
    /// In words.
    pub text: String,
    /// `coded`, `text`, `date`, `number`, `asked-none`, `declined`, `unable-to-express`, `unknown` or `withheld`.
    pub answer: String,
    /// The code, if any.
    pub code: Option<String>,
    /// The code's system.
    pub system: Option<String>,
    /// Of a date, ISO 8601.
    pub date: Option<String>,
    /// `person`, `proxy`, `observed`, `record` or `unknown`; none for a text, whose authors speak for it.
    pub heard_from: Option<String>,
    /// When last confirmed, RFC 3339, UTC.
    pub confirmed: Option<String>,
    /// Said here instead of a fact from elsewhere.
    pub correction: bool,
    /// Who wrote it; in a decision, none: the decision says. Of a text with several authors, the last.
    pub by: Option<By>,
    /// The other authors of a text.
    pub with: Vec<String>,
    /// `professional` or `restricted`: kept where the person's device does not hold it. None for what is shared with them.
    #[uniffi(default = None)]
    pub kept_in: Option<String>,
}

/// Who wrote something.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct By {
    /// Name.
    pub author: String,
    /// Role.
    pub role: String,
    /// Organisation.
    pub organisation: Option<String>,
    /// Its ODS code.
    pub ods: Option<String>,
    /// Their device's clock, RFC 3339, UTC.
    pub time: Option<String>,
    /// The last time a relay had told their device, RFC 3339, UTC.
    pub relay_time: Option<String>,
    /// `DD-Mmm-YYYY` in the United Kingdom.
    pub day: String,
    /// The entry, in hexadecimal.
    pub entry: String,
}

/// A list.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct ListView {
    /// Name in keys.
    pub list: String,
    /// Its items, those that ended or were entered in error last.
    pub items: Vec<ItemView>,
}

/// One item of a list.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct ItemView {
    /// Id in keys.
    pub id: String,
    /// Stopped, ended, or no longer involved.
    pub ended: bool,
    /// Entered in error.
    pub in_error: bool,
    /// Its answered fields.
    pub fields: Vec<FieldView>,
    /// `professional` or `restricted`: kept where the person's device does not hold it. None for what is shared with them.
    #[uniffi(default = None)]
    pub kept_in: Option<String>,
}

/// A decision that stands.
#[derive(uniffi::Record)]
#[uniffi::export(Debug)]
pub struct DecisionView {
    /// Its entry, in hexadecimal.
    pub entry: String,
    /// Its fields.
    pub fields: Vec<FieldView>,
    /// Its lists.
    pub lists: Vec<ListView>,
    /// Who recorded it.
    pub by: By,
    /// Somebody endorsed it.
    pub endorsed: bool,
    /// Who did.
    pub endorsed_by: Vec<By>,
    /// It is as it was last approved.
    pub approved: bool,
    /// No later decision replaces it.
    pub current: bool,
    /// `professional` or `restricted`: kept where the person's device does not hold it. None for what is shared with them.
    #[uniffi(default = None)]
    pub kept_in: Option<String>,
}

withheld!(
    PlanView,
    GlassView,
    Banner,
    AsOfView,
    ControlView,
    Alert,
    ConsentView,
    GroundsView,
    SectionView,
    ReviewView,
    FieldView,
    ValueView,
    By,
    ListView,
    ItemView,
    DecisionView
);
crosses!(view::PlanView => PlanView { kind, version, banner, glass, as_of, control, alerts, consents, sections, held, waiting, unreadable, left_out, shared_only });
crosses!(view::GlassView => GlassView { reason, why, until, text });
crosses!(view::Banner => Banner { family, given, title, born, born_date, age_years, gender, nhs_number, nhs_number_wrong, deceased, died, death_notice, death_notice_date, parts });
crosses!(view::AsOfView => AsOfView { now, last_contact, text });
crosses!(view::ControlView => ControlView { status, status_text, reason, marked_by, created, amended, review_date, reviewer, first_approver, latest_approver });
crosses!(view::ConsentView => ConsentView { scope, outcome, text, note, grounds, by });
crosses!(view::GroundsView => GroundsView { by, consulted, rationale, capacity });
crosses!(view::SectionView => SectionView { number, name, title, fields, lists, decisions, in_conflict, unapproved, review });
crosses!(view::ReviewView => ReviewView { state, text, approved_by });
crosses!(view::FieldView => FieldView { key, label, values });
crosses!(view::ValueView => ValueView { text, answer, code, system, date, heard_from, confirmed, correction, by, with, kept_in });
crosses!(view::By => By { author, role, organisation, ods, time, relay_time, day, entry });
crosses!(view::ListView => ListView { list, items });
crosses!(view::ItemView => ItemView { id, ended, in_error, fields, kept_in });
crosses!(view::DecisionView => DecisionView { entry, fields, lists, by, endorsed, endorsed_by, approved, current, kept_in });

/// What the core tells an alert's message stays with the core.
impl Cross<Alert> for view::Alert {
    fn cross(self) -> Alert {
        let view::Alert { kind, severity, text, action, .. } = self;
        Alert { kind: kind.cross(), severity: severity.cross(), text, action }
    }
}
