//! What was approved, and where the plan stands on its way to approval.

use std::collections::{BTreeMap, BTreeSet};

use bedside_protocol::cbor;
use bedside_protocol::entry::{Approval, Body, Mark, Stage};
use bedside_protocol::ids::{EntryId, LogId};
use bedside_protocol::signing::sha256;
use minicbor::bytes::ByteVec;

use super::{Ledger, Standing, moment};
use crate::crdt::Document;
use crate::plan::schema::{self, Section, TEXTS};

/// SHA-256 of what stands in each section.
pub type Digests = BTreeMap<Section, [u8; 32]>;

/// An approval that stands.
pub struct Approved<'a> {
    /// Its entry.
    pub entry: EntryId,
    /// What it says.
    pub approval: &'a Approval,
    /// The sections for which no later approval stands.
    pub newest_of: Vec<Section>,
    /// Of the decided sections among these: what stood when it was given. A section is missing when what was signed is not
    /// what stood then.
    pub decisions: BTreeMap<Section, Vec<Standing<'a>>>,
    /// In the professional log: the decisions of the main one that had been replaced there when it was given.
    pub replaced: BTreeSet<EntryId>,
}

impl Ledger {
    /// Every standing approval, oldest first. `plan` is the plan's main log, where this one stands beside it.
    #[must_use]
    pub fn approvals(&self, plan: Option<&Self>) -> Vec<Approved<'_>> {
        let mut all: Vec<_> = self.standing(approval).collect();
        all.sort_by_key(|(id, _, node)| (node.depth, moment(&node.entry), *id));
        let names = |approval: &Approval, section: Section| {
            approval.sections.iter().find(|approved| approved.section == section.number()).copied()
        };
        let mut found = Vec::with_capacity(all.len());
        for (id, approval, node) in &all {
            let sections = approval.sections.iter().filter_map(|s| Section::from_number(s.section));
            let later = |section| {
                all.iter()
                    .any(|(other, theirs, _)| names(theirs, section).is_some() && self.follows(other, id))
            };
            let newest_of: Vec<Section> = sections.filter(|section| !later(*section)).collect();
            let decided: Vec<Section> =
                newest_of.iter().copied().filter(|section| section.is_decision()).collect();
            let past = if decided.is_empty() { BTreeSet::new() } else { self.past_of(&node.entry.parents) };
            let before = |id: &EntryId| past.contains(id) && self.was_part(id, &node.landmarks);
            let (mut decisions, mut replaced) = (BTreeMap::new(), BTreeSet::new());
            for section in decided {
                let stood = self.decisions_among(section.number(), before);
                let signed = names(approval, section).map(|approved| approved.digest);
                if signed == Some(digest(&self.log, section, Vec::new(), Vec::new(), &stood)) {
                    decisions.insert(section, stood);
                    replaced.extend(
                        plan.into_iter().flat_map(|plan| self.replaces_in(plan, section.number(), before)),
                    );
                }
            }
            found.push(Approved { entry: *id, approval, newest_of, decisions, replaced });
        }
        found
    }

    /// The newest mark that counts: one that no other mark and, unless it says that the plan was entered in error, no
    /// approval follows. Of several made apart, the gravest.
    #[must_use]
    pub fn mark(&self) -> Option<(EntryId, &Mark)> {
        let marks: Vec<_> = self.standing(mark).collect();
        let ends = |mark: &Mark, body: &Body| match body {
            Body::Mark(_) => true,
            Body::Approval(_) => mark.stage != Stage::EnteredInError,
            _ => false,
        };
        let enders: Vec<_> =
            self.standing(|body| matches!(body, Body::Mark(_) | Body::Approval(_)).then_some(body)).collect();
        let ended = |id: &EntryId, mark: &Mark| {
            let mut later = enders.iter().filter(|(other, body, _)| other != id && ends(mark, body));
            later.any(|(_, _, node)| self.precedes(id, &node.entry.parents))
        };
        let open = marks.into_iter().filter(|(id, mark, _)| !ended(id, mark));
        open.max_by_key(|(id, mark, _)| (gravity(mark.stage), *id)).map(|(id, mark, _)| (id, mark))
    }

    /// What stands in each section now, as an approval signs it.
    #[must_use]
    pub fn digests(&self, document: &Document) -> Digests {
        let mut values: BTreeMap<Section, Vec<Answers>> = BTreeMap::new();
        let mut texts: BTreeMap<Section, Vec<(String, String)>> = BTreeMap::new();
        for key in document.keys() {
            let Some((field, _)) = schema::field(&key) else { continue };
            if field.section.is_decision() {
                continue;
            }
            if TEXTS.contains(&key.as_str()) {
                let text = document.text(&key);
                texts.entry(field.section).or_default().push((key, text));
            } else {
                let mut all: Vec<ByteVec> =
                    document.values(&key).into_iter().map(|value| value.bytes.into()).collect();
                all.sort();
                values.entry(field.section).or_default().push((key, all));
            }
        }
        let decided = self.decided_sections();
        let of = |section: Section| {
            let (values, texts) = (values.remove(&section), texts.remove(&section));
            let number = section.number();
            let decisions = if decided.contains(&number) { self.decisions(number) } else { Vec::new() };
            let digest =
                digest(&self.log, section, values.unwrap_or_default(), texts.unwrap_or_default(), &decisions);
            (section, digest)
        };
        Section::ALL.into_iter().map(of).collect()
    }

    /// The digest of a section in which nothing stands.
    #[must_use]
    pub fn empty_digest(&self, section: Section) -> [u8; 32] {
        digest(&self.log, section, Vec::new(), Vec::new(), &[])
    }
}

const fn approval(body: &Body) -> Option<&Approval> {
    match body {
        Body::Approval(approval) => Some(approval),
        _ => None,
    }
}

const fn mark(body: &Body) -> Option<&Mark> {
    match body {
        Body::Mark(mark) => Some(mark),
        _ => None,
    }
}

/// A key with every value that stands under it.
type Answers = (String, Vec<ByteVec>);

fn digest(
    log: &LogId,
    section: Section,
    values: Vec<Answers>,
    texts: Vec<(String, String)>,
    decisions: &[Standing<'_>],
) -> [u8; 32] {
    let mut decisions: Vec<(EntryId, Vec<EntryId>)> = decisions
        .iter()
        .map(|standing| {
            let mut endorsed_by = standing.endorsed_by.clone();
            endorsed_by.sort();
            (standing.entry, endorsed_by)
        })
        .collect();
    decisions.sort();
    let content = cbor::encode(&(section.number(), values, texts, decisions));
    sha256(&[b"bedside section", log.as_bytes(), &content])
}

const fn gravity(stage: Stage) -> u8 {
    match stage {
        Stage::EnteredInError => 3,
        Stage::UnderReview => 2,
        Stage::AwaitingApproval => 1,
        Stage::InUse => 0,
    }
}
