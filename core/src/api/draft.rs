//! What somebody is about to write into a plan. Nothing of it is in the plan before [`Draft::commit`] returns.

use std::collections::BTreeMap;
use std::ops::Deref;

use bedside_protocol::entry::{Body, Compartment, Decision};
use bedside_protocol::ids::EntryId;
use serde::Serialize;

use super::plans::PlanId;
use super::{ApiError, App};
use crate::crdt::{Document, Edit};
use crate::driver::DriverError;
use crate::driver::commit::{Rows, Says};
use crate::limits::DRAFT_EDITS_MAX;
use crate::plan::check::{Given, check_decision, check_edit, decode_decision, encode_decision};
use crate::plan::codes::{self, Set};
use crate::plan::leaf::{Answer, Leaf, Source};
use crate::plan::locale::{Arg, Message};
use crate::plan::page::Audience;
use crate::plan::schema::{self, Section, TEXTS};

/// A draft of changes to one plan. It holds the app by reference, or shares it.
pub struct Draft<A> {
    app: A,
    plan: PlanId,
    /// By the part of the plan that they are kept in.
    edits: BTreeMap<Compartment, Vec<Edit>>,
    decisions: BTreeMap<Compartment, Vec<Decision>>,
    kept_in: Compartment,
    /// The decisions that stood when the draft was begun: what its author saw.
    seen: BTreeMap<u8, Seen>,
}

/// The decisions that stood on a section.
#[derive(Clone, Default)]
struct Seen {
    /// As they were shown: more than one are in conflict.
    standing: Vec<(Compartment, EntryId)>,
    /// In the shared plan, those included that a professional one replaces for those who hold it.
    shared: Vec<EntryId>,
    professional: Vec<EntryId>,
}

/// A commit: durable on this device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Saved {
    /// How many entries were written.
    pub entries: usize,
}

impl Saved {
    pub(super) const fn of(entries: &[EntryId]) -> Self {
        Self { entries: entries.len() }
    }
}

impl App {
    /// Begins a draft.
    pub fn draft(&self, plan: PlanId) -> Result<Draft<&Self>, ApiError> {
        Draft::begin(self, plan)
    }

    /// The decisions that stand, by section.
    fn standing_decisions(&self, plan: PlanId) -> Result<BTreeMap<u8, Seen>, ApiError> {
        self.with_family(plan, |family| {
            let both = family.both();
            let seen = |section| Seen {
                standing: both
                    .decisions(section)
                    .into_iter()
                    .map(|(replica, standing)| (replica.ledger().compartment(), standing.entry))
                    .collect(),
                shared: both.standing_in(Compartment::Shared, section),
                professional: both.standing_in(Compartment::Professional, section),
            };
            Ok(both.decided_sections().into_iter().map(|section| (section, seen(section))).collect())
        })
    }
}

impl<A: Deref<Target = App>> Draft<A> {
    /// Begins a draft that keeps the app open for as long as it lives.
    pub fn begin(app: A, plan: PlanId) -> Result<Self, ApiError> {
        let seen = app.standing_decisions(plan)?;
        let (edits, decisions, kept_in) = (BTreeMap::new(), BTreeMap::new(), Compartment::Shared);
        Ok(Self { app, plan, edits, decisions, kept_in, seen })
    }

    /// Keeps what is written from here on in a part of the plan that the person's device does not hold.
    ///
    /// [`Compartment::Professional`]: what they must not see yet or at all, such as a prognosis that nobody has talked about with
    /// them, what somebody else said in confidence, or a contact who is not to be named to them. Any field and any decision but a
    /// death. [`Compartment::Restricted`]: an alert, such as one about safeguarding. How to get into a home is always restricted,
    /// whatever was said here.
    ///
    /// Errors: [`ApiError::NotAllowed`] for the person and whoever speaks for them.
    pub fn keep_in(&mut self, compartment: Compartment) -> Result<(), ApiError> {
        if compartment == Compartment::AccessRecord {
            return Err(ApiError::invalid("compartment", "who looked is recorded by the core itself"));
        }
        if compartment != Compartment::Shared && self.app.usual_audience() == Audience::Person {
            return Err(DriverError::KeptFromPerson.into());
        }
        self.kept_in = compartment;
        Ok(())
    }

    /// Answers a field that holds one value. The key is `section.field`, or `list/item/field`.
    pub fn set(&mut self, key: &str, leaf: &Leaf) -> Result<(), ApiError> {
        let compartment = self.check(key, Given::Leaf(leaf))?;
        if compartment == Compartment::Shared && hides(key, leaf) {
            return Err(ApiError::unfit(key, Message::new("refused-hidden-contact")));
        }
        self.push(compartment, Edit::Put { key: key.to_owned(), value: leaf.to_bytes() })
    }

    /// Gives the whole new text of a field that merges as text.
    pub fn set_text(&mut self, key: &str, text: &str) -> Result<(), ApiError> {
        let compartment = self.check(key, Given::Text(text))?;
        self.push(compartment, Edit::Text { key: key.to_owned(), text: text.to_owned() })
    }

    /// The part of the plan that an edit goes into.
    fn check(&self, key: &str, given: Given<'_>) -> Result<Compartment, ApiError> {
        let field = check_edit(key, given).map_err(|error| ApiError::unfit(key, error.message()))?;
        if field.may_be_in(self.kept_in) {
            return Ok(self.kept_in);
        }
        match field.compartment() {
            Compartment::Shared => {
                Err(ApiError::invalid(key, "it cannot be restricted; only access to the home and alerts can"))
            }
            own => Ok(own),
        }
    }

    /// The id for a new item of a list.
    #[must_use]
    pub fn new_item(&self) -> String {
        format!("{:016x}", self.app.device.chance())
    }

    /// Writes a decision on a section as a whole. It replaces the one that stood when the draft was begun, wherever that is kept.
    ///
    /// Of decisions in conflict it replaces all, and only when `resolve` says that whoever decides has looked at them. So it does
    /// when one that is kept from the person is to be replaced by a shared one: what they may not see yet must not end unnoticed.
    pub fn decide(
        &mut self,
        section: Section,
        fields: &BTreeMap<String, Leaf>,
        resolve: bool,
    ) -> Result<(), ApiError> {
        let content = encode_decision(fields);
        check_decision(section.number(), &content).map_err(|error| self.unfit(section, error.message()))?;
        match self.kept_in {
            Compartment::Shared => {}
            Compartment::Professional if section == Section::AfterDeath => {
                return Err(self.unfit(section, Message::new("malformed-death")));
            }
            Compartment::Professional => {}
            Compartment::Restricted | Compartment::AccessRecord => {
                return Err(self.unfit(section, Message::new("refused-decision-restricted")));
            }
        }
        let seen = self.seen(section);
        if seen.standing.len() > 1 && !resolve {
            return Err(not_allowed("refused-conflict-unseen"));
        }
        if self.kept_in == Compartment::Shared && !seen.professional.is_empty() && !resolve {
            return Err(not_allowed("refused-kept-unseen"));
        }
        self.replace(section, content, seen);
        Ok(())
    }

    fn unfit(&self, section: Section, why: Message) -> ApiError {
        ApiError::unfit(self.app.locale().section(section), why)
    }

    fn seen(&self, section: Section) -> Seen {
        self.seen.get(&section.number()).cloned().unwrap_or_default()
    }

    /// A decision in place of those that were seen. A shared one names none that is kept from the person: these are taken back
    /// where they are kept.
    fn replace(&mut self, section: Section, content: Vec<u8>, seen: Seen) {
        let decision =
            |supersedes, content| Decision { section: section.number(), supersedes, content, endorses: None };
        let Seen { standing, shared, professional } = seen;
        if self.kept_in == Compartment::Professional {
            let mut replaced: Vec<EntryId> = standing.into_iter().map(|(_, entry)| entry).collect();
            replaced.sort_unstable();
            self.say(Compartment::Professional, decision(replaced, content));
            return;
        }
        self.say(Compartment::Shared, decision(shared, content));
        if !professional.is_empty() {
            let taken_back = decision(professional, encode_decision(&BTreeMap::new()));
            self.say(Compartment::Professional, taken_back);
        }
    }

    fn say(&mut self, compartment: Compartment, decision: Decision) {
        self.decisions.entry(compartment).or_default().push(decision);
    }

    /// Endorses the decision that stands on a section, unchanged.
    pub fn endorse(&mut self, section: Section) -> Result<(), ApiError> {
        let seen = self.seen(section);
        let [(compartment, decision)] = seen.standing.as_slice() else {
            return Err(not_allowed(match seen.standing.as_slice() {
                [] => "refused-nothing-to-endorse",
                _ => "refused-conflict-to-endorse",
            }));
        };
        let endorsement = Decision {
            section: section.number(),
            supersedes: Vec::new(),
            content: encode_decision(&BTreeMap::new()),
            endorses: Some(*decision),
        };
        self.say(*compartment, endorsement);
        Ok(())
    }

    /// It was talked about with the person: the decision on a section that was kept from them becomes a shared one, with these
    /// fields changed. It is a new decision by whoever discloses it, and is endorsed and approved anew.
    ///
    /// Errors: [`ApiError::NotAllowed`] when none is kept from the person, when decisions are in conflict, and for a diagnosis or
    /// prognosis that does not say that the person knows it.
    pub fn disclose(&mut self, section: Section, changed: &BTreeMap<String, Leaf>) -> Result<(), ApiError> {
        let seen = self.seen(section);
        let decision = match seen.standing.as_slice() {
            [(Compartment::Professional, decision)] => *decision,
            [] | [_] => return Err(not_allowed("refused-nothing-kept")),
            _ => return Err(not_allowed("refused-conflict-to-disclose")),
        };
        let mut fields = self.app.with_family(self.plan, |family| {
            let professional = family.both().professional;
            let entry = professional.and_then(|replica| replica.ledger().entry(&decision));
            let Some(Body::Decision(Decision { content, .. })) = entry.map(|entry| &entry.body) else {
                return Err(ApiError::NotFound { what: "decision".into() });
            };
            decode_decision(content).map_err(|error| self.unfit(section, error.message()))
        })?;
        fields.extend(changed.iter().map(|(key, leaf)| (key.clone(), leaf.clone())));
        if let Some(key) = awareness(section).filter(|key| !fields.get(*key).is_some_and(says_yes)) {
            return Err(ApiError::not_allowed(Message::new("refused-not-aware").with("what", label(key))));
        }
        let content = encode_decision(&fields);
        check_decision(section.number(), &content).map_err(|error| self.unfit(section, error.message()))?;
        let kept_in = std::mem::replace(&mut self.kept_in, Compartment::Shared);
        self.replace(section, content, seen);
        self.kept_in = kept_in;
        Ok(())
    }

    /// The same for answers outside decisions: a field's key, or `list/item` for all that is kept of an item.
    ///
    /// Errors: [`ApiError::NotFound`] when no such answer is kept from the person; [`ApiError::NotAllowed`] where several stand
    /// beside each other, or where the shared plan has a text of its own.
    pub fn disclose_answers(&mut self, key: &str) -> Result<(), ApiError> {
        let edits = self.app.with_family(self.plan, |family| {
            let Some(professional) = family.both().professional else { return Ok(Vec::new()) };
            disclosed(family.main.document(), professional.document(), key)
        })?;
        if edits.is_empty() {
            return Err(ApiError::NotFound {
                what: format!("answer for {key} that is kept from the person"),
            });
        }
        edits.into_iter().try_for_each(|(compartment, edit)| self.push(compartment, edit))
    }

    fn push(&mut self, compartment: Compartment, edit: Edit) -> Result<(), ApiError> {
        if self.edits.values().map(Vec::len).sum::<usize>() >= DRAFT_EDITS_MAX {
            let why = format!("more than {DRAFT_EDITS_MAX} changes at once; save some of them first");
            return Err(ApiError::invalid("draft", why));
        }
        self.edits.entry(compartment).or_default().push(edit);
        Ok(())
    }

    /// Signs and writes everything, durably, all or nothing. The draft is empty then, and what it wrote counts as seen.
    ///
    /// Errors: [`ApiError::NotAllowed`] with the rule that forbids it, [`ApiError::Invalid`] when there is nothing to
    /// change or too much for one entry, [`ApiError::FreeSpace`]. A death is the first thing sent at the next contact. After an error nothing was changed, and the draft holds what
    /// it held.
    pub fn commit(&mut self) -> Result<Saved, ApiError> {
        self.commit_with(Rows::default())
    }

    /// The same, with what else goes into the transaction.
    pub(super) fn commit_with(&mut self, mut rows: Rows) -> Result<Saved, ApiError> {
        let edits = self.edits.iter();
        let mut says: BTreeMap<Compartment, Vec<Says>> =
            edits.map(|(part, edits)| (*part, vec![Says::Edits(edits.clone())])).collect();
        for (part, decisions) in &self.decisions {
            let decisions = decisions.iter().cloned().map(Says::Decision);
            says.entry(*part).or_default().extend(decisions);
        }
        if says.is_empty() {
            return Err(ApiError::invalid("draft", "there is nothing to save"));
        }
        let (open, at) = (self.app.vault()?, self.app.device.moment()?);
        let mut all = Vec::with_capacity(says.len());
        for (compartment, says) in says {
            let log = match compartment {
                Compartment::Shared => self.plan.0,
                beside => {
                    let entropy = &*self.app.device.host().entropy;
                    open.compartment(self.plan.0, beside, at, entropy, &mut rows)?
                }
            };
            all.push((log, says));
        }
        let entries = open.commit_all(all, at, rows)?;
        self.edits.clear();
        let decisions = std::mem::take(&mut self.decisions);
        self.app.saved_something(self.plan.0)?;
        if decisions.values().flatten().any(|decision| decision.section == Section::AfterDeath.number()) {
            self.app.send_first(self.plan);
        }
        // What was seen before stays when this fails: the next decision is then in conflict, never silently on top.
        if let Ok(seen) = self.app.standing_decisions(self.plan) {
            self.seen = seen;
        }
        Ok(Saved::of(&entries))
    }
}

/// True for what says that a contact is not to be shown to the person, or does not say that they may be.
pub(super) fn hides(key: &str, leaf: &Leaf) -> bool {
    let is_flag = schema::field(key).is_some_and(|(field, _)| field.key == SHOW_TO_PERSON);
    is_flag && leaf.answer != Answer::TakenBack && !says_yes(leaf)
}

const SHOW_TO_PERSON: &str = "contact/*/show_to_person";

fn says_yes(leaf: &Leaf) -> bool {
    let yes = codes::find(Set::YesNo, "yes").map(|code| code.code);
    matches!(&leaf.answer, Answer::Coded(coded) if coded.code.as_deref() == yes)
}

/// The field that says whether the person knows what was decided, where they are shown it only then.
const fn awareness(section: Section) -> Option<&'static str> {
    match section {
        Section::Diagnoses => Some("diagnoses.person_aware"),
        Section::Prognosis => Some("prognosis.person_aware"),
        _ => None,
    }
}

/// What moves answers from what professionals keep into the shared plan. Whether the person may see a contact is not said any
/// more of one whom they see.
fn disclosed(shared: &Document, kept: &Document, key: &str) -> Result<Vec<(Compartment, Edit)>, ApiError> {
    let (part, item) = (format!("{key}."), format!("{key}/"));
    let keys = kept.keys().into_iter().filter(|k| k == key || k.starts_with(&part) || k.starts_with(&item));
    let mut edits = Vec::new();
    for key in keys {
        if TEXTS.contains(&key.as_str()) {
            let (text, there) = (kept.text(&key), shared.text(&key));
            if text.trim().is_empty() {
                continue;
            }
            if !there.trim().is_empty() && there != text {
                let why = Message::new("refused-text-beside").with("what", label(&key));
                return Err(ApiError::not_allowed(why));
            }
            if there != text {
                edits.push((Compartment::Shared, Edit::Text { key: key.clone(), text }));
            }
            edits.push((Compartment::Professional, Edit::Text { key, text: String::new() }));
            continue;
        }
        let leaves = kept.values(&key).into_iter().map(|value| Leaf::from_bytes(&value.bytes));
        let leaves: Vec<Leaf> = leaves
            .filter(|leaf| !matches!(leaf, Ok(Leaf { answer: Answer::TakenBack, .. })))
            .collect::<Result<_, _>>()
            .map_err(|error| ApiError::invalid(&key, error.to_string()))?;
        match leaves.as_slice() {
            [] => continue,
            [leaf] if !hides(&key, leaf) => {
                edits.push((Compartment::Shared, Edit::Put { key: key.clone(), value: leaf.to_bytes() }));
            }
            [_] => {}
            _ => {
                let why = Message::new("refused-answers-beside").with("what", label(&key));
                return Err(ApiError::not_allowed(why));
            }
        }
        let value = Leaf::new(Answer::TakenBack, Source::Observed).to_bytes();
        edits.push((Compartment::Professional, Edit::Put { key, value }));
    }
    Ok(edits)
}

fn label(key: &str) -> Arg {
    schema::field(key).map_or_else(|| key.into(), |(field, _)| field.into())
}

const fn not_allowed(reason: &'static str) -> ApiError {
    ApiError::not_allowed(Message::new(reason))
}
