//! What the operations of a change refer to.
//!
//! An operation names the values it replaces and the characters it takes away or stands after. Automerge believes it.
//! Authority is judged by the keys of a change, so a change must not reach any other key by naming its operations, and
//! one that names what does not exist would be saved as a document that cannot be loaded again. Each reference therefore
//! has to be an operation on the same key, in the change's own past. That past is the same on every device, and so is
//! the verdict.

use std::collections::{BTreeMap, BTreeSet};

use automerge::legacy::OpId;
use automerge::{ActorId, Automerge, ChangeHash as Hash, ObjId, ROOT, ReadDoc};

use super::change::{self, Judged, Step, Target};
use super::{ChangeHash, CrdtError, damaged_change, genesis_actor};

/// Checks changes whose dependencies are in the document or among them, and none of which is in the document.
pub(super) fn check(document: &Automerge, changes: &[Judged], texts: &[&str]) -> Result<(), CrdtError> {
    let mut book = Book::new(document, changes, texts);
    for (at, past) in pasts(document, changes)?.into_iter().enumerate() {
        let change = &changes[at];
        for (index, step) in change.steps.iter().enumerate() {
            for reference in &step.refers_to {
                if !book.allows(change, index, step, reference, &past)? {
                    return Err(CrdtError::Forbidden(
                        "it refers to what is not in its past or under its key",
                    ));
                }
            }
        }
    }
    Ok(())
}

/// What a change had seen.
#[derive(Clone, Default)]
struct Past {
    /// Of the changes that came with it: each actor's greatest operation.
    with: BTreeMap<ActorId, u64>,
    /// The newest changes of the document.
    document: BTreeSet<Hash>,
}

fn pasts(document: &Automerge, changes: &[Judged]) -> Result<Vec<Past>, CrdtError> {
    let places: BTreeMap<ChangeHash, usize> =
        changes.iter().enumerate().map(|(at, c)| (c.info.hash, at)).collect();
    let mut pasts: Vec<Option<Past>> = vec![None; changes.len()];
    let mut open: Vec<usize> = (0..changes.len()).collect();
    while !open.is_empty() {
        let before = open.len();
        for at in std::mem::take(&mut open) {
            let deps = changes[at].info.deps.iter();
            if deps.filter_map(|dep| places.get(dep)).any(|dep| pasts[*dep].is_none()) {
                open.push(at);
            } else {
                pasts[at] = Some(past(document, changes, at, &places, &pasts)?);
            }
        }
        if open.len() == before {
            return Err(damaged_change("it depends on itself"));
        }
    }
    Ok(pasts.into_iter().flatten().collect())
}

fn past(
    document: &Automerge,
    changes: &[Judged],
    at: usize,
    places: &BTreeMap<ChangeHash, usize>,
    pasts: &[Option<Past>],
) -> Result<Past, CrdtError> {
    let mut past = Past::default();
    let mut newest = 0;
    for dep in &changes[at].info.deps {
        if let Some((dep, theirs)) =
            places.get(dep).and_then(|dep| Some((&changes[*dep], pasts[*dep].as_ref()?)))
        {
            past.document.extend(&theirs.document);
            for (actor, last) in &theirs.with {
                let known = past.with.entry(actor.clone()).or_default();
                *known = (*known).max(*last);
            }
            past.with.insert(dep.actor.clone(), last_op(dep));
            newest = newest.max(last_op(dep));
        } else {
            let dep = Hash(*dep.as_bytes());
            let seen = document
                .get_change_meta_by_hash(&dep)
                .ok_or_else(|| damaged_change("a dependency is missing"))?;
            newest = newest.max(seen.max_op);
            past.document.insert(dep);
        }
    }
    // Operations are numbered right after all that their author had seen: otherwise two could have one number, or nobody
    // could write after the largest number there is.
    if Some(changes[at].start_op) != newest.checked_add(1) {
        Err(damaged_change("its operations are not numbered after its past"))
    } else {
        Ok(past)
    }
}

fn last_op(change: &Judged) -> u64 {
    let steps = u64::try_from(change.steps.len()).expect("a list in memory is countable");
    change.start_op + steps - 1
}

/// Finds operations, and remembers what was slow to find.
struct Book<'a> {
    document: &'a Automerge,
    texts: &'a [&'a str],
    /// Each actor's changes, by their first operation.
    coming: BTreeMap<&'a ActorId, Vec<&'a Judged>>,
    heads: BTreeSet<Hash>,
    /// For a set of the document's changes: each actor's first operation that none of them had seen.
    unseen: BTreeMap<BTreeSet<Hash>, BTreeMap<ActorId, u64>>,
    /// The document's changes that were read again.
    opened: BTreeMap<Hash, Option<Judged>>,
    /// The characters that stand in a text, by its place in the list of texts.
    standing: BTreeMap<usize, BTreeSet<(u64, ActorId)>>,
}

/// So many changes are read again one by one. Each costs more the longer the document is, so where an edit refers to more
/// of them, a text is looked through once instead.
const OPENED_MAX: usize = 4;

impl<'a> Book<'a> {
    fn new(document: &'a Automerge, changes: &'a [Judged], texts: &'a [&'a str]) -> Self {
        let mut coming: BTreeMap<&ActorId, Vec<&Judged>> = BTreeMap::new();
        for change in changes {
            coming.entry(&change.actor).or_default().push(change);
        }
        coming.values_mut().for_each(|changes| changes.sort_by_key(|change| change.start_op));
        let heads = document.get_heads().into_iter().collect();
        Self {
            document,
            texts,
            coming,
            heads,
            unseen: BTreeMap::new(),
            opened: BTreeMap::new(),
            standing: BTreeMap::new(),
        }
    }

    fn allows(
        &mut self,
        change: &Judged,
        index: usize,
        step: &Step,
        reference: &OpId,
        past: &Past,
    ) -> Result<bool, CrdtError> {
        let (counter, actor) = (reference.counter(), reference.actor());
        if *actor == change.actor && counter >= change.start_op {
            let earlier = usize::try_from(counter - change.start_op).ok().filter(|earlier| *earlier < index);
            return Ok(earlier.is_some_and(|earlier| is_of(&change.steps[earlier], step)));
        }
        if past.with.get(actor).is_some_and(|last| counter <= *last)
            && let Some(found) = self.coming.get(actor).and_then(|changes| op_among(changes, counter))
        {
            return Ok(is_of(found, step));
        }
        Ok(self.is_past(past, counter, actor) && self.is_of_document(step, reference)?)
    }

    fn is_past(&mut self, past: &Past, counter: u64, actor: &ActorId) -> bool {
        if past.document == self.heads {
            return true;
        }
        let document = self.document;
        let unseen = self.unseen.entry(past.document.clone()).or_insert_with(|| {
            let seen: Vec<Hash> = past.document.iter().copied().collect();
            let mut first = BTreeMap::new();
            for change in document.get_changes_meta(&seen) {
                let known = first.entry(change.actor.into_owned()).or_insert(change.start_op);
                *known = (*known).min(change.start_op);
            }
            first
        });
        unseen.get(actor).is_none_or(|first| counter < *first)
    }

    fn is_of_document(&mut self, step: &Step, reference: &OpId) -> Result<bool, CrdtError> {
        let id = ObjId::Id(reference.counter(), reference.actor().clone(), 0);
        match &step.target {
            Target::Value(key) => {
                let standing = self.document.get_all(ROOT, key.as_str()).map_err(damaged_change)?;
                if standing.iter().any(|(_, standing)| *standing == id) {
                    return Ok(true);
                }
            }
            Target::Text(index) if self.opened.len() >= OPENED_MAX => {
                if self.stands_in(*index, reference)? {
                    return Ok(true);
                }
            }
            Target::Text(_) => {}
        }
        if *reference.actor() == genesis_actor() {
            return Ok(false);
        }
        let Some(hash) = self.document.hash_for_opid(&id) else {
            return Ok(false);
        };
        let (document, texts) = (self.document, self.texts);
        let opened = self.opened.entry(hash).or_insert_with(|| {
            document.get_change_by_hash(&hash).and_then(|change| change::judge(&change, texts).ok())
        });
        Ok(opened
            .as_ref()
            .and_then(|change| op(change, reference.counter()))
            .is_some_and(|found| is_of(found, step)))
    }

    fn stands_in(&mut self, index: usize, reference: &OpId) -> Result<bool, CrdtError> {
        if !self.standing.contains_key(&index) {
            let text = self.texts.get(index).ok_or_else(|| damaged_change("there is no such text"))?;
            let object = self.document.get(ROOT, *text).map_err(damaged_change)?;
            let (_, object) = object.ok_or_else(|| damaged_change("there is no such text"))?;
            let characters = self.document.list_range(object, ..);
            let ids = characters.filter_map(|character| match character.id() {
                ObjId::Id(counter, actor, _) => Some((counter, actor)),
                ObjId::Root => None,
            });
            self.standing.insert(index, ids.collect());
        }
        let id = (reference.counter(), reference.actor().clone());
        Ok(self.standing.get(&index).is_some_and(|standing| standing.contains(&id)))
    }
}

/// The operation with a number among changes of one actor, which are in order.
fn op_among<'a>(changes: &[&'a Judged], counter: u64) -> Option<&'a Step> {
    let after = changes.partition_point(|change| change.start_op <= counter);
    op(changes[..after].last()?, counter)
}

fn op(change: &Judged, counter: u64) -> Option<&Step> {
    change.steps.get(usize::try_from(counter.checked_sub(change.start_op)?).ok()?)
}

/// A value replaces values of its key; a splice refers to characters of its text.
fn is_of(found: &Step, step: &Step) -> bool {
    found.target == step.target && (found.inserts || matches!(step.target, Target::Value(_)))
}
