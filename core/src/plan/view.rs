//! A plan as it is shown: everything that stands, with where each answer comes from. Nothing that stands is left out,
//! and nothing is chosen between answers that stand beside each other.

use std::collections::{BTreeMap, BTreeSet};

use bedside_protocol::entry::{Compartment, Grounds, Outcome, Scope, Stage};
use bedside_protocol::ids::{EntryId, Timestamp};
use bedside_protocol::statement::Role;
use serde::Serialize;

use super::banner::{self, Banner};
use super::control::{self, ControlView};
use super::kept::{self, Kept, mark};
use super::leaf::{Answer, Leaf, Source};
use super::locale::{Arg, Locale};
use super::schema::{self, Class, FIELDS, Field, Kind, Part, Section};
use super::withheld::{restricted, withheld, withhold};
use super::{alerts, approval, dates, phrases, words};
use crate::crdt::{ChangeHash, Document};

/// Where something that stands comes from.
#[derive(Clone, PartialEq, Eq)]
pub struct Provenance {
    /// Name of the author.
    pub author: String,
    /// What they are to the plan.
    pub role: Role,
    /// Their organisation; none for a person or proxy.
    pub organisation: Option<String>,
    /// Its ODS code.
    pub ods_code: Option<String>,
    /// Their device's clock.
    pub time: Timestamp,
    /// The last time a relay had told their device.
    pub relay_time: Option<Timestamp>,
    /// The entry.
    pub entry: EntryId,
}

/// A decision that no other supersedes.
#[derive(Clone, PartialEq, Eq)]
pub struct StandingDecision {
    /// Its entry.
    pub entry: EntryId,
    /// Section number.
    pub section: u8,
    /// Its fields, by key.
    pub fields: BTreeMap<String, Leaf>,
    /// The log that holds it: the shared one, or the professional one.
    pub kept_in: Compartment,
    /// Who recorded it.
    pub by: Provenance,
    /// Who endorsed it.
    pub endorsed_by: Vec<Provenance>,
}

/// A consent, or another basis, that no later one of the same scope replaces.
#[derive(Clone, PartialEq, Eq)]
pub struct StandingConsent {
    /// Its entry.
    pub entry: EntryId,
    /// To record or to share.
    pub scope: Scope,
    /// What was said.
    pub outcome: Outcome,
    /// In words; may be empty.
    pub note: String,
    /// Who decided when it was not the person, and why.
    pub grounds: Option<Grounds>,
    /// Who recorded it.
    pub by: Provenance,
}

/// An approval that stands.
#[derive(Clone)]
pub struct StandingApproval {
    /// Section numbers, each with the digest of what was approved.
    pub signed: BTreeMap<u8, [u8; 32]>,
    /// When the plan is to be looked at again, ISO 8601; none for the longest that is allowed.
    pub review_on: Option<String>,
    /// The sections for which no later approval stands.
    pub newest_of: Vec<Section>,
    /// Of the decided ones among these: what was approved.
    pub decisions: BTreeMap<Section, Vec<StandingDecision>>,
    /// In the professional log: decisions of the main one that what was approved replaces.
    pub replaced: BTreeSet<EntryId>,
    /// Who approved.
    pub by: Provenance,
}

/// How a plan has come to where it is.
#[derive(Clone, Default)]
pub struct Course {
    /// When it was begun; none while nothing is there.
    pub created: Option<Timestamp>,
    /// When its content last changed.
    pub amended: Option<Timestamp>,
    /// The person began it, and no clinician has taken it up.
    pub by_person: bool,
    /// The mark that counts, why it was set, and by whom.
    pub mark: Option<(Stage, String, Provenance)>,
}

/// When a view is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsOf {
    /// Now, by the device's clock.
    pub now: Timestamp,
    /// When this plan was last compared with the relay; none when it never was.
    pub last_contact: Option<Timestamp>,
}

/// What a view is made of.
pub struct Material<'a> {
    /// The main log's document.
    pub document: &'a Document,
    /// What is restricted, where the reader holds it: shown as recorded, and read by [`super::withheld::reveal`].
    pub restricted: Option<&'a Document>,
    /// What professionals keep among themselves, where the reader holds it.
    pub professional: Option<Kept<'a>>,
    /// Every standing decision.
    pub decisions: &'a [StandingDecision],
    /// Every standing consent.
    pub consents: &'a [StandingConsent],
    /// Where a change comes from; none when its entry is not at hand.
    pub provenance: &'a dyn Fn(&ChangeHash) -> Option<Provenance>,
    /// Every standing approval, oldest first.
    pub approvals: &'a [StandingApproval],
    /// SHA-256 of what stands in each section, as an approval signs it.
    pub digests: &'a BTreeMap<Section, [u8; 32]>,
    /// How the plan has come to where it is.
    pub course: Course,
    /// How many entries are held for a reviewer.
    pub held: usize,
    /// How many entries are on this device and cannot be read by this version, those that build on them included.
    pub left_out: usize,
    /// How many entries this device has not sent yet.
    pub waiting: usize,
    /// How many entries have come that lack something to be taken in.
    pub to_come: usize,
    /// More of these are at the relay than this device keeps.
    pub passed_over: bool,
    /// When.
    pub as_of: AsOf,
}

/// A plan as it is shown. Its JSON names are stable: fields are added, never renamed.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct PlanView {
    /// `full`; `urgent`: of decisions what was approved, and what was reduced since; `locked`: consent is withdrawn and
    /// nothing is shown but that; `past`: how it stood once.
    pub kind: &'static str,
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
    pub held: usize,
    /// Entries not sent yet.
    pub waiting: usize,
    /// Answers that have no place in this version of the plan.
    pub unreadable: usize,
    /// Entries that this version cannot read, those that build on them included.
    pub left_out: usize,
    /// It is made of what the person's device may hold, and of nothing that professionals keep among themselves.
    pub shared_only: bool,
}

/// Broken glass: somebody reads a plan without consent, and said why.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct GlassView {
    /// `emergency-treatment`, `safeguarding` or `legal-duty`.
    pub reason: &'static str,
    /// In their own words.
    pub why: String,
    /// RFC 3339, UTC.
    pub until: Option<String>,
    /// That it was opened without consent, and until when, for people.
    pub text: String,
}

/// How old a view is.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct AsOfView {
    /// RFC 3339, UTC.
    pub now: Option<String>,
    /// RFC 3339, UTC; none when this plan was never compared with the relay.
    pub last_contact: Option<String>,
    /// For people, in the time of the United Kingdom.
    pub text: String,
}

/// What must be seen first.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// Stable name of its kind.
    pub kind: &'static str,
    /// `danger`, `warning` or `note`.
    pub severity: &'static str,
    /// For people.
    pub text: String,
    /// What to do about it.
    pub action: String,
    /// What its message is told, in any language.
    #[serde(skip)]
    pub(super) args: Vec<(&'static str, Arg)>,
}

/// A standing consent.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct ConsentView {
    /// `record` or `share`.
    pub scope: &'static str,
    /// `given`, `withdrawn`, `best-interests`, `attorney` or `representative`.
    pub outcome: &'static str,
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
#[derive(Clone, PartialEq, Eq, Serialize)]
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
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct SectionView {
    /// 0..19.
    pub number: u8,
    /// Stable name.
    pub name: &'static str,
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
    pub unapproved: usize,
    /// Whether what stands was approved.
    pub review: ReviewView,
}

/// Whether what stands in a section was approved.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct ReviewView {
    /// `empty`, `not-reviewed`, `approved`, or `changed` since it was approved.
    pub state: &'static str,
    /// For people; none when there is nothing to say.
    pub text: Option<String>,
    /// Who last approved it.
    pub approved_by: Option<By>,
}

/// An answered field.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct FieldView {
    /// Key in the document or decision.
    pub key: String,
    /// For people.
    pub label: String,
    /// One answer, or all that stand beside each other.
    pub values: Vec<ValueView>,
}

/// One answer that stands.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct ValueView {
    /// In words.
    pub text: String,
    /// `coded`, `text`, `date`, `number`, `asked-none`, `declined`, `unable-to-express`, `unknown`, `damaged` or
    /// `withheld`.
    pub answer: &'static str,
    /// The code, if any.
    pub code: Option<String>,
    /// The code's system.
    pub system: Option<String>,
    /// Of a date, ISO 8601.
    pub date: Option<String>,
    /// `person`, `proxy`, `observed`, `record` or `unknown`; none for a text, whose authors speak for it.
    pub heard_from: Option<&'static str>,
    /// When last confirmed, RFC 3339, UTC.
    pub confirmed: Option<String>,
    /// Said here instead of a fact from elsewhere.
    pub correction: bool,
    /// `professional` or `restricted`: kept where the person's device does not hold it. None for what is shared with them; in a
    /// decision, none: the decision says.
    pub kept_in: Option<&'static str>,
    /// Who wrote it; in a decision, none: the decision says. Of a text with several authors, the last.
    pub by: Option<By>,
    /// The other authors of a text.
    pub with: Vec<String>,
}

/// Who wrote something.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct By {
    /// Name.
    pub author: String,
    /// Role.
    pub role: &'static str,
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
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct ListView {
    /// Name in keys.
    pub list: &'static str,
    /// Its items, those that ended or were entered in error last.
    pub items: Vec<ItemView>,
}

/// One item of a list.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct ItemView {
    /// Id in keys.
    pub id: String,
    /// Stopped, ended, or no longer involved.
    pub ended: bool,
    /// Entered in error.
    pub in_error: bool,
    /// Likewise, when any of its answers is.
    pub kept_in: Option<&'static str>,
    /// Its answered fields.
    pub fields: Vec<FieldView>,
}

/// A decision that stands.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct DecisionView {
    /// Its entry, in hexadecimal.
    pub entry: String,
    /// Its fields.
    pub fields: Vec<FieldView>,
    /// Its lists.
    pub lists: Vec<ListView>,
    /// `professional`: kept from the person. None for what is shared with them.
    pub kept_in: Option<&'static str>,
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
}

pub(super) type Answers = BTreeMap<String, Vec<ValueView>>;

/// Builds the view.
#[must_use]
pub fn view(material: &Material<'_>) -> PlanView {
    let mut answers = answers(material);
    // A decision's field in the document is not a decision: it is counted and not shown.
    let decided = |key: &String| schema::field(key).is_some_and(|(field, _)| field.section.is_decision());
    let misplaced = answers.extract_if(.., |key, _| decided(key)).count();
    let mut sections: Vec<SectionView> = Section::ALL
        .into_iter()
        .map(|section| SectionView {
            number: section.number(),
            name: section.name(),
            title: section.title().to_owned(),
            fields: Vec::new(),
            lists: Vec::new(),
            decisions: decisions(material, section),
            in_conflict: false,
            unapproved: 0,
            review: ReviewView::new("empty", None),
        })
        .collect();
    for section in &mut sections {
        section.in_conflict = section.decisions.len() > 1;
        (section.fields, section.lists) = arrange(section.number, &mut answers);
        section.review = approval::review(material, section);
    }
    let as_of = as_of("full", material.as_of);
    let consents = material.consents.iter().map(consent).collect();
    let banner = banner::banner(&sections, material.as_of.now);
    let control = control::control(material, &sections, &banner);
    sections[0].fields = control::fields(&control, Locale::british_english());
    let mut view = PlanView {
        kind: "full",
        version: approval::version(material.digests, material.professional.map(|kept| kept.digests)),
        banner,
        glass: None,
        as_of,
        control,
        alerts: Vec::new(),
        consents,
        sections,
        held: material.held,
        waiting: material.waiting,
        unreadable: answers.len() + misplaced,
        left_out: material.left_out,
        shared_only: false,
    };
    view.alerts = alerts::alerts(&view, material);
    view
}

/// A plan as it stood at a moment, made of what there was then.
#[must_use]
pub fn past(material: &Material<'_>) -> PlanView {
    PlanView { kind: "past", as_of: as_of("past", material.as_of), ..view(material) }
}

/// What stands in the document, by main key.
fn answers(material: &Material<'_>) -> Answers {
    let mut found = Answers::new();
    let keys: BTreeSet<String> = material.document.keys().into_iter().collect();
    for key in &keys {
        match schema::field(key) {
            Some((field, Part::Main)) => {
                let values = values(material, material.document, field, key);
                let shown = if withheld(field) { values.into_iter().map(withhold).collect() } else { values };
                found.entry(key.clone()).or_default().splice(0..0, shown);
            }
            Some((field, part)) => {
                let mut values = leaves(material, material.document, key);
                values.iter_mut().for_each(|value| value.correction = part == Part::Correction);
                found.entry(field.key.to_owned()).or_default().extend(values);
            }
            None => {
                let values = leaves(material, material.document, key);
                found.entry(key.clone()).or_default().extend(values);
            }
        }
    }
    kept::professional(material, &mut found);
    restricted(material, &mut found);
    found
}

pub(super) fn values(
    material: &Material<'_>,
    document: &Document,
    field: &Field,
    key: &str,
) -> Vec<ValueView> {
    match field.kind {
        Kind::Text => text(material, document, key).into_iter().collect(),
        _ if field.class == Class::X => newest_record(leaves(material, document, key)),
        _ => leaves(material, document, key),
    }
}

fn text(material: &Material<'_>, document: &Document, key: &str) -> Option<ValueView> {
    let text = document.text(key);
    if text.trim().is_empty() {
        return None;
    }
    let changes = document.text_changes(key);
    let mut authors: Vec<Provenance> = changes.iter().filter_map(material.provenance).collect();
    authors.sort_by_key(|author| (author.time, author.entry));
    let last = authors.pop();
    let mut with: Vec<String> = authors.into_iter().map(|author| author.author).collect();
    with.sort();
    with.dedup();
    with.retain(|name| last.as_ref().is_none_or(|last| last.author != *name));
    Some(ValueView { by: last.as_ref().map(by), with, ..ValueView::derived("text", text) })
}

/// What was taken back is not recorded: it is left out.
pub(super) fn leaves(material: &Material<'_>, document: &Document, key: &str) -> Vec<ValueView> {
    let found = document.values(key).into_iter();
    found
        .filter_map(|value| {
            let author = (material.provenance)(&value.change);
            match Leaf::from_bytes(&value.bytes) {
                Ok(leaf) if leaf.answer == Answer::TakenBack => None,
                Ok(leaf) => Some(shown(&leaf, author.as_ref().map(by))),
                Err(_) => Some(unreadable(author.as_ref().map(by))),
            }
        })
        .collect()
}

fn shown(leaf: &Leaf, by: Option<By>) -> ValueView {
    let (code, system) = match &leaf.answer {
        Answer::Coded(coded) => (coded.code.clone(), coded.system.clone()),
        _ => (None, None),
    };
    ValueView {
        text: leaf.answer.words(),
        answer: leaf.answer.kind(),
        code,
        system,
        date: match &leaf.answer {
            Answer::Date(iso) => Some(iso.clone()),
            _ => None,
        },
        heard_from: Some(leaf.heard_from.name()),
        confirmed: leaf.confirmed.and_then(dates::rfc3339),
        correction: false,
        kept_in: None,
        by,
        with: Vec::new(),
    }
}

fn unreadable(by: Option<By>) -> ValueView {
    ValueView { by, ..ValueView::derived("damaged", Locale::british_english().say("answer-damaged", &[])) }
}

/// Of facts from elsewhere that stand beside each other, the newest; what was said here stays beside it.
fn newest_record(mut values: Vec<ValueView>) -> Vec<ValueView> {
    let from_record = |value: &ValueView| value.heard_from == Some(Source::Record.name());
    let written = |value: &ValueView| value.by.as_ref().map(|by| (by.time.clone(), by.entry.clone()));
    let newest = values.iter().filter(|value| from_record(value)).map(written).max();
    values.retain(|value| !from_record(value) || Some(written(value)) == newest);
    values
}

fn decisions(material: &Material<'_>, section: Section) -> Vec<DecisionView> {
    let approved = approval::approved(material, section);
    let mut of_section: Vec<&StandingDecision> =
        material.decisions.iter().filter(|decision| decision.section == section.number()).collect();
    of_section.sort_by_key(|decision| (decision.by.time, decision.entry));
    of_section
        .into_iter()
        .map(|decision| {
            let same = |other: &&StandingDecision| other.entry == decision.entry;
            show_decision(decision, section, approved.iter().any(same), true)
        })
        .collect()
}

pub(super) fn show_decision(
    decision: &StandingDecision,
    section: Section,
    approved: bool,
    current: bool,
) -> DecisionView {
    let mut answers: Answers =
        decision.fields.iter().map(|(key, leaf)| (key.clone(), vec![shown(leaf, None)])).collect();
    let (mut fields, lists) = arrange(section.number(), &mut answers);
    let rest = answers.into_iter().map(|(key, values)| FieldView { label: key.clone(), key, values });
    fields.extend(rest);
    DecisionView {
        entry: decision.entry.to_string(),
        fields,
        lists,
        kept_in: mark(decision.kept_in),
        by: by(&decision.by),
        endorsed: !decision.endorsed_by.is_empty(),
        endorsed_by: decision.endorsed_by.iter().map(by).collect(),
        approved,
        current,
    }
}

/// Takes a section's answers out and puts them in the order of the table.
fn arrange(section: u8, answers: &mut Answers) -> (Vec<FieldView>, Vec<ListView>) {
    let of_section = || FIELDS.iter().filter(|field| field.section.number() == section);
    let mut take = |field: &Field, key: String| {
        let values = answers.remove(&key).filter(|values| !values.is_empty())?;
        Some(FieldView { key, label: field.label.to_owned(), values })
    };
    let fields = of_section()
        .filter(|field| field.list().is_none())
        .filter_map(|f| take(f, f.key.to_owned()))
        .collect();
    let mut lists = Vec::new();
    for list in of_section().filter_map(Field::list).collect::<BTreeSet<_>>() {
        let prefix = format!("{list}/");
        let ids: BTreeSet<String> = answers
            .range(prefix.clone()..)
            .take_while(|(key, _)| key.starts_with(&prefix))
            .filter_map(|(key, _)| key.split('/').nth(1).map(str::to_owned))
            .collect();
        let mut items: Vec<ItemView> = ids.into_iter().filter_map(|id| item(list, id, answers)).collect();
        items.sort_by_key(|item| (item.in_error, item.ended, rank(item)));
        if !items.is_empty() {
            lists.push(ListView { list, items });
        }
    }
    lists.sort_by_key(|list| FIELDS.iter().position(|field| field.list() == Some(list.list)));
    (fields, lists)
}

fn item(list: &str, id: String, answers: &mut Answers) -> Option<ItemView> {
    let fields: Vec<FieldView> = FIELDS
        .iter()
        .filter(|field| field.list() == Some(list))
        .filter_map(|field| {
            let key = field.key_for(&id);
            let values = answers.remove(&key).filter(|values| !values.is_empty())?;
            Some(FieldView { key, label: field.label.to_owned(), values })
        })
        .collect();
    (!fields.is_empty()).then(|| ItemView::of(id, fields))
}

/// Legal documents stand in the order of their set: advance decisions come before advance statements.
fn rank(item: &ItemView) -> usize {
    let kind =
        item.fields.iter().find(|field| field.key.starts_with("document/") && field.key.ends_with("/kind"));
    let code = kind.and_then(|field| field.values.first()?.code.clone());
    let mut order = super::codes::of(super::codes::Set::Legal);
    code.and_then(|code| order.position(|known| known.code == code)).unwrap_or(usize::MAX)
}

pub(super) fn by(provenance: &Provenance) -> By {
    By {
        author: provenance.author.clone(),
        role: provenance.role.name(),
        organisation: provenance.organisation.clone(),
        ods: provenance.ods_code.clone(),
        time: dates::rfc3339(provenance.time),
        relay_time: provenance.relay_time.and_then(dates::rfc3339),
        day: dates::show_day(provenance.time),
        entry: provenance.entry.to_string(),
    }
}

fn consent(standing: &StandingConsent) -> ConsentView {
    let scope = words::scope(standing.scope);
    let outcome = words::outcome(standing.outcome);
    let grounds = standing.grounds.as_ref().map(|grounds| GroundsView {
        by: grounds.by.clone(),
        consulted: grounds.consulted.clone(),
        rationale: grounds.rationale.clone(),
        capacity: grounds.capacity.map(|entry| entry.to_string()),
    });
    let (note, by) = (standing.note.clone(), by(&standing.by));
    let consent = ConsentView { scope, outcome, text: String::new(), note, grounds, by };
    ConsentView { text: phrases::consent(Locale::british_english(), &consent), ..consent }
}

fn as_of(kind: &str, as_of: AsOf) -> AsOfView {
    let (message, when) = phrases::as_of(kind, Some(as_of.now), as_of.last_contact);
    AsOfView {
        now: dates::rfc3339(as_of.now),
        last_contact: as_of.last_contact.and_then(dates::rfc3339),
        text: Locale::british_english().say(message, &when),
    }
}

impl StandingDecision {
    /// The code of a coded answer.
    #[must_use]
    pub fn code(&self, key: &str) -> Option<&str> {
        match &self.fields.get(key)?.answer {
            Answer::Coded(coded) => coded.code.as_deref(),
            _ => None,
        }
    }
}

impl ReviewView {
    pub(super) fn new(state: &'static str, approved_by: Option<By>) -> Self {
        let review = Self { state, text: None, approved_by };
        Self { text: phrases::review(Locale::british_english(), &review), ..review }
    }
}

impl PlanView {
    /// One section.
    #[must_use]
    pub fn section(&self, section: Section) -> &SectionView {
        &self.sections[usize::from(section.number())]
    }
}

impl SectionView {
    /// True when nothing stands in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.lists.is_empty() && self.decisions.is_empty()
    }

    /// An answered field of the document, by key.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&FieldView> {
        self.fields.iter().find(|field| field.key == key)
    }
}

impl ItemView {
    pub(super) fn of(id: String, fields: Vec<FieldView>) -> Self {
        let has = |name: &str| fields.iter().any(|field| field.key.ends_with(name));
        let (ended, in_error) = (has("/ended") || has("/stopped"), has("/in_error"));
        let kept_in = fields.iter().flat_map(|field| &field.values).find_map(|value| value.kept_in);
        Self { id, ended, in_error, kept_in, fields }
    }
}

impl DecisionView {
    /// An answered field, by key.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&FieldView> {
        self.fields.iter().find(|field| field.key == key)
    }
}

impl ValueView {
    /// What the core derived: from nobody.
    pub(super) fn derived(answer: &'static str, text: String) -> Self {
        Self {
            text,
            answer,
            code: None,
            system: None,
            date: None,
            heard_from: None,
            confirmed: None,
            correction: false,
            kept_in: None,
            by: None,
            with: Vec::new(),
        }
    }
}
