//! What somebody is about to write into a plan. Nothing of it is in the plan before [`Draft::commit`] returns.

use std::collections::BTreeMap;
use std::ops::Deref;

use bedside_protocol::entry::{Compartment, Decision};
use bedside_protocol::ids::EntryId;
use serde::Serialize;

use super::plans::PlanId;
use super::{ApiError, App};
use crate::crdt::Edit;
use crate::driver::commit::{Rows, Says};
use crate::limits::DRAFT_EDITS_MAX;
use crate::plan::check::{Given, check_decision, check_edit, encode_decision};
use crate::plan::leaf::Leaf;
use crate::plan::locale::Message;
use crate::plan::schema::Section;

/// A draft of changes to one plan. It holds the app by reference, or shares it.
pub struct Draft<A> {
    app: A,
    plan: PlanId,
    /// By the part of the plan that they are kept in.
    edits: BTreeMap<Compartment, Vec<Edit>>,
    kept_in: Compartment,
    decisions: Vec<Decision>,
    /// The decisions that stood when the draft was begun: what its author saw.
    seen: BTreeMap<u8, Vec<EntryId>>,
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
    fn standing_decisions(&self, plan: PlanId) -> Result<BTreeMap<u8, Vec<EntryId>>, ApiError> {
        self.with_replica(plan, |replica, _| {
            let ledger = replica.ledger();
            let heads = |section| ledger.decisions(section).iter().map(|standing| standing.entry).collect();
            Ok(ledger.decided_sections().into_iter().map(|section| (section, heads(section))).collect())
        })
    }
}

impl<A: Deref<Target = App>> Draft<A> {
    /// Begins a draft that keeps the app open for as long as it lives.
    pub fn begin(app: A, plan: PlanId) -> Result<Self, ApiError> {
        let seen = app.standing_decisions(plan)?;
        let (edits, decisions, kept_in) = (BTreeMap::new(), Vec::new(), Compartment::Shared);
        Ok(Self { app, plan, edits, kept_in, decisions, seen })
    }

    /// Keeps what is written from here on in a part of the plan that fewer hold: an alert about safeguarding, say, in the
    /// restricted one. How to get into a home is always restricted, whatever was said here.
    pub fn keep_in(&mut self, compartment: Compartment) -> Result<(), ApiError> {
        if matches!(compartment, Compartment::Shared | Compartment::Restricted) {
            self.kept_in = compartment;
            return Ok(());
        }
        Err(ApiError::invalid("compartment", "this version writes in the shared and the restricted one"))
    }

    /// Answers a field that holds one value. The key is `section.field`, or `list/item/field`.
    pub fn set(&mut self, key: &str, leaf: &Leaf) -> Result<(), ApiError> {
        let compartment = self.check(key, Given::Leaf(leaf))?;
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

    /// Writes a decision on a section as a whole. It replaces the one that stood when the draft was begun.
    ///
    /// Of decisions in conflict it replaces all, and only when `resolve` says that whoever decides has looked at them.
    pub fn decide(
        &mut self,
        section: Section,
        fields: &BTreeMap<String, Leaf>,
        resolve: bool,
    ) -> Result<(), ApiError> {
        let content = encode_decision(fields);
        check_decision(section.number(), &content)
            .map_err(|error| ApiError::unfit(self.app.locale().section(section), error.message()))?;
        let supersedes = self.seen.get(&section.number()).cloned().unwrap_or_default();
        if supersedes.len() > 1 && !resolve {
            return Err(ApiError::not_allowed(Message::new("refused-conflict-unseen")));
        }
        self.decisions.push(Decision { section: section.number(), supersedes, content, endorses: None });
        Ok(())
    }

    /// Endorses the decision that stands on a section, unchanged.
    pub fn endorse(&mut self, section: Section) -> Result<(), ApiError> {
        let standing = self.seen.get(&section.number()).map(Vec::as_slice).unwrap_or_default();
        let [decision] = standing else {
            let reason = match standing {
                [] => Message::new("refused-nothing-to-endorse"),
                _ => Message::new("refused-conflict-to-endorse"),
            };
            return Err(ApiError::not_allowed(reason));
        };
        self.decisions.push(Decision {
            section: section.number(),
            supersedes: Vec::new(),
            content: encode_decision(&BTreeMap::new()),
            endorses: Some(*decision),
        });
        Ok(())
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
        if !self.decisions.is_empty() {
            let decisions = self.decisions.iter().cloned().map(Says::Decision);
            says.entry(Compartment::Shared).or_default().extend(decisions);
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
        if decisions.iter().any(|decision| decision.section == Section::AfterDeath.number()) {
            self.app.send_first(self.plan);
        }
        // What was seen before stays when this fails: the next decision is then in conflict, never silently on top.
        if let Ok(seen) = self.app.standing_decisions(self.plan) {
            self.seen = seen;
        }
        Ok(Saved::of(&entries))
    }
}
