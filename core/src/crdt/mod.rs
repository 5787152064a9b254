//! Documents that merge: the only module that names automerge, and the place where its panics end.
//!
//! A log's document is flat. Its root map holds, under a field's key as text (`section.field`, or
//! `list/<16 hexadecimal digits>/field`), either a value (opaque bytes) or a text. Concurrent values are all kept;
//! texts merge. Nothing is ever deleted: the only change besides a new value is a splice in a text.
//!
//! The n-th text of the schema is made by the n-th change of an actor whose sixteen bytes are zero, at time 0. These
//! changes are the same on every device, so documents that were begun apart share their texts, and a later version
//! of the schema adds texts by appending to the list.
//!
//! Changes travel as they are, never deflated: what a reader unpacks is then never larger than what it received.
//! A bundle compresses many changes together, which saves more. Measured 2026-11-22 (`one_answer_is_a_small_change`):
//! a new value of 60 bytes is a change of 204 bytes.

mod change;
mod references;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, Automerge, ObjId, ObjType, ROOT, ReadDoc, ScalarValue};
use bedside_protocol::ids::Timestamp;

pub use change::{ChangeInfo, inspect};

/// A document of one log.
#[derive(Clone)]
pub struct Document {
    inner: Automerge,
    texts: Vec<String>,
    /// What stands, by key, read from `inner` at the first question. An edit reads anew only what it touches, so that to show
    /// a plan after each costs what shows and not what was ever written.
    standing: OnceLock<BTreeMap<String, Standing>>,
}

/// What stands under a key.
#[derive(Clone)]
enum Standing {
    /// Every concurrent value, ordered by the hash of its change.
    Values(Vec<Value>),
    /// A text that is not empty, and once somebody asked, the changes that wrote it.
    Text(String, OnceLock<BTreeSet<ChangeHash>>),
}

/// Who makes changes: one per author and log, and never shared by two devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Actor([u8; 16]);

/// A change: SHA-256 of its bytes without the header.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeHash([u8; 32]);

/// One thing to change.
#[derive(Clone, PartialEq, Eq)]
pub enum Edit {
    /// A new value, in place of every value that this document holds under the key.
    Put {
        /// Root key.
        key: String,
        /// Opaque here; an encoded leaf.
        value: Vec<u8>,
    },
    /// The whole new text; only what differs is recorded.
    Text {
        /// One of the document's text keys.
        key: String,
        /// All of it.
        text: String,
    },
}

/// One of the concurrent values of a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    /// As it was put.
    pub bytes: Vec<u8>,
    /// The change that put it.
    pub change: ChangeHash,
}

/// What went wrong with a document or a change. No variant holds content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CrdtError {
    /// Not a document or a change, or one that contradicts itself.
    #[error("the {what} is damaged: {why}")]
    Damaged {
        /// A document or a change.
        what: &'static str,
        /// What the decoder says.
        why: String,
    },
    /// A well-formed change that does what no change here may do.
    #[error("the change is not allowed: {0}")]
    Forbidden(&'static str),
    /// Changes that this one builds on are not here.
    #[error("{} changes have to come first", .0.len())]
    MissingDeps(BTreeSet<ChangeHash>),
    /// Another change has the same actor and number: two devices wrote as one author.
    #[error("two different changes claim the same place in their author's history")]
    Fork,
    /// The edit changes nothing.
    #[error("there is nothing to change")]
    Nothing,
    /// The key is a text and was given a value, or the other way round, or is empty.
    #[error("the key {0} does not hold this kind of value")]
    WrongKey(String),
    /// The actor of the shared first changes may not write.
    #[error("this actor may not write")]
    ReservedActor,
}

impl Edit {
    fn key(&self) -> &str {
        match self {
            Self::Put { key, .. } | Self::Text { key, .. } => key,
        }
    }
}

impl Document {
    /// An empty document with these texts. The list must begin with the list of every earlier version.
    #[must_use]
    pub fn new(texts: &[&str]) -> Self {
        // Nearly every document of a process has the same texts, and copying is twenty times faster than making them.
        static EMPTY: OnceLock<Document> = OnceLock::new();
        let make = || {
            let (inner, standing) = (Automerge::new(), OnceLock::new());
            let mut document = Self { inner, texts: Vec::new(), standing };
            document.extend(texts);
            document
        };
        let empty = EMPTY.get_or_init(make);
        if empty.texts == texts { empty.clone() } else { make() }
    }

    /// Reads what [`Self::save`] wrote. Call [`Self::extend`] when an older version may have written it.
    pub fn load(bytes: &[u8]) -> Result<Self, CrdtError> {
        if bytes.is_empty() {
            return Err(damaged_document("no bytes"));
        }
        let inner = contained(|| Automerge::load(bytes))
            .map_err(|_| damaged_document("reading it panics"))?
            .map_err(damaged_document)?;
        let texts = genesis_texts(&inner);
        Ok(Self { inner, texts, standing: OnceLock::new() })
    }

    /// Adds the texts that a newer version of the schema has. Does nothing when they are all there.
    pub fn extend(&mut self, texts: &[&str]) {
        let Some(added @ [_, ..]) = texts.get(self.texts.len()..) else {
            return;
        };
        let present = self.texts.iter().map(String::as_str);
        let first = genesis(&present.chain(added.iter().copied()).collect::<Vec<_>>());
        self.inner.apply_changes(first).expect("changes that depend on nothing but each other always apply");
        self.texts.extend(added.iter().map(|&key| key.to_owned()));
        self.standing = OnceLock::new();
    }

    /// The whole document. Two documents of the same changes may be saved as different bytes.
    #[must_use]
    pub fn save(&mut self) -> Vec<u8> {
        self.inner.save()
    }

    /// Makes one change of all edits, and returns its bytes. `time` is advisory and may be zero.
    ///
    /// [`CrdtError::Nothing`] when every value and text is already as wished; the document stays as it is after any
    /// error.
    pub fn edit(&mut self, actor: &Actor, time: Timestamp, edits: &[Edit]) -> Result<Vec<u8>, CrdtError> {
        if actor.0 == [0; 16] {
            return Err(CrdtError::ReservedActor);
        }
        for edit in edits {
            self.check_key(edit)?;
        }
        let mut next = self.inner.clone();
        next.set_actor(ActorId::from(actor.0));
        let bytes = contained(|| commit(&mut next, time, edits))
            .map_err(|_| damaged_document("editing it panics"))?
            .map_err(damaged_document)?
            .ok_or(CrdtError::Nothing)?;
        self.inner = next;
        self.look_again(edits.iter().map(Edit::key));
        Ok(bytes)
    }

    fn check_key(&self, edit: &Edit) -> Result<(), CrdtError> {
        let key = edit.key();
        let fits = match edit {
            Edit::Put { .. } => !key.is_empty() && !self.is_text(key),
            Edit::Text { .. } => self.is_text(key),
        };
        if fits { Ok(()) } else { Err(CrdtError::WrongKey(key.to_owned())) }
    }

    /// Takes in changes of others, in any order, each any number of times. The document stays as it is after any error.
    pub fn apply(&mut self, changes: &[&[u8]]) -> Result<(), CrdtError> {
        let changes = changes.iter().map(|bytes| change::parse(bytes)).collect::<Result<Vec<_>, _>>()?;
        let coming: BTreeSet<_> = changes.iter().map(automerge::Change::hash).collect();
        let missing: BTreeSet<ChangeHash> = changes
            .iter()
            .flat_map(automerge::Change::deps)
            .filter(|dep| !coming.contains(dep) && self.inner.get_change_meta_by_hash(dep).is_none())
            .map(|dep| ChangeHash(dep.0))
            .collect();
        if !missing.is_empty() {
            return Err(CrdtError::MissingDeps(missing));
        }
        let texts: Vec<&str> = self.texts.iter().map(String::as_str).collect();
        let fresh: Vec<automerge::Change> = changes
            .into_iter()
            .filter(|change| self.inner.get_change_meta_by_hash(&change.hash()).is_none())
            .collect();
        if fresh.is_empty() {
            return Ok(());
        }
        let judged =
            fresh.iter().map(|change| change::judge(change, &texts)).collect::<Result<Vec<_>, _>>()?;
        references::check(&self.inner, &judged, &texts)?;
        let mut next = self.inner.clone();
        contained(|| next.apply_changes(fresh)).map_err(|_| damaged_change("applying it panics"))?.map_err(
            |error| match error {
                automerge::AutomergeError::DuplicateSeqNumber(..) => CrdtError::Fork,
                other => damaged_change(other),
            },
        )?;
        self.inner = next;
        self.look_again(judged.iter().flat_map(|change| &change.info.keys).map(String::as_str));
        Ok(())
    }

    /// True when the change was made or applied here.
    #[must_use]
    pub fn has(&self, change: &ChangeHash) -> bool {
        self.inner.get_change_meta_by_hash(&automerge::ChangeHash(change.0)).is_some()
    }

    /// Every concurrent value of a key, ordered by the hash of its change. Empty for a text.
    #[must_use]
    pub fn values(&self, key: &str) -> Vec<Value> {
        match self.standing().get(key) {
            Some(Standing::Values(values)) => values.clone(),
            Some(Standing::Text(..)) | None => Vec::new(),
        }
    }

    /// A text; empty when nothing was written or the key is not a text.
    #[must_use]
    pub fn text(&self, key: &str) -> String {
        match self.standing().get(key) {
            Some(Standing::Text(text, _)) => text.clone(),
            Some(Standing::Values(_)) | None => String::new(),
        }
    }

    /// The changes that wrote what can be read of a text now, ascending. A change that only took something away is not
    /// among them.
    #[must_use]
    pub fn text_changes(&self, key: &str) -> BTreeSet<ChangeHash> {
        match self.standing().get(key) {
            Some(Standing::Text(_, changes)) => {
                changes.get_or_init(|| text_changes(&self.inner, key)).clone()
            }
            Some(Standing::Values(_)) | None => BTreeSet::new(),
        }
    }

    /// Every key that holds a value or a text that is not empty, ascending.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.standing().keys().cloned().collect()
    }

    /// The ids of a list's items: what stands between the first two slashes of its keys.
    #[must_use]
    pub fn items(&self, list: &str) -> BTreeSet<String> {
        let (from, to) = (format!("{list}/"), format!("{list}0"));
        let keys = self.standing().range(from..to);
        keys.filter_map(|(key, _)| Some(key.split('/').nth(1)?.to_owned())).collect()
    }

    fn standing(&self) -> &BTreeMap<String, Standing> {
        self.standing.get_or_init(|| {
            let keys = self.inner.keys(ROOT);
            keys.filter_map(|key| {
                let standing = standing(&self.inner, &key, self.is_text(&key))?;
                Some((key, standing))
            })
            .collect()
        })
    }

    /// What stands under these keys may have changed.
    fn look_again<'k>(&mut self, keys: impl Iterator<Item = &'k str>) {
        let Self { inner, texts, standing: known } = self;
        let Some(known) = known.get_mut() else { return };
        for key in keys {
            match standing(inner, key, texts.iter().any(|text| text == key)) {
                Some(standing) => drop(known.insert(key.to_owned(), standing)),
                None => drop(known.remove(key)),
            }
        }
    }

    fn is_text(&self, key: &str) -> bool {
        self.texts.iter().any(|text| text == key)
    }
}

/// What stands under a key; none for a text in which nothing is written.
fn standing(document: &Automerge, key: &str, is_text: bool) -> Option<Standing> {
    if is_text {
        let text =
            text_object(document, key).and_then(|object| document.text(object).ok()).unwrap_or_default();
        return (!text.is_empty()).then(|| Standing::Text(text, OnceLock::new()));
    }
    let found = document.get_all(ROOT, key).unwrap_or_default().into_iter();
    let mut values: Vec<Value> = found
        .filter_map(|(value, id)| {
            let bytes = value.as_bytes()?.to_vec();
            Some(Value { bytes, change: ChangeHash(document.hash_for_opid(&id)?.0) })
        })
        .collect();
    values.sort_by_key(|value| value.change);
    Some(Standing::Values(values))
}

fn text_object(document: &Automerge, key: &str) -> Option<ObjId> {
    let (value, id) = document.get(ROOT, key).ok()??;
    value.is_object().then_some(id)
}

fn text_changes(document: &Automerge, key: &str) -> BTreeSet<ChangeHash> {
    let mut found = BTreeSet::new();
    let Some(object) = text_object(document, key) else { return found };
    // Looking up a change is slow, and neighbouring characters mostly come from the same one.
    let mut last: Option<(ActorId, std::ops::RangeInclusive<u64>)> = None;
    for item in document.list_range(object, ..) {
        let ObjId::Id(counter, actor, _) = item.id() else { continue };
        if last.as_ref().is_some_and(|(a, counters)| *a == actor && counters.contains(&counter)) {
            continue;
        }
        let Some(hash) = document.hash_for_opid(&item.id()) else { continue };
        found.insert(ChangeHash(hash.0));
        last = document.get_change_meta_by_hash(&hash).map(|meta| (actor, meta.start_op..=meta.max_op));
    }
    found
}

fn commit(
    document: &mut Automerge,
    time: Timestamp,
    edits: &[Edit],
) -> Result<Option<Vec<u8>>, automerge::AutomergeError> {
    let mut transaction = document.transaction();
    for edit in edits {
        match edit {
            Edit::Put { key, value } => {
                let present = transaction.get_all(ROOT, key.as_str())?;
                let holds_it = present.iter().any(|(old, _)| old.as_bytes() == Some(value.as_slice()));
                if holds_it && present.len() == 1 {
                    continue;
                }
                if holds_it {
                    // Automerge would settle on that value by deleting the others, and nobody would have put it.
                    let mut other = Vec::new();
                    while present.iter().any(|(old, _)| old.as_bytes() == Some(other.as_slice())) {
                        other.push(0);
                    }
                    transaction.put(ROOT, key.as_str(), ScalarValue::Bytes(other))?;
                }
                transaction.put(ROOT, key.as_str(), ScalarValue::Bytes(value.clone()))?;
            }
            Edit::Text { key, text } => {
                let (_, object) =
                    transaction.get(ROOT, key.as_str())?.ok_or(automerge::AutomergeError::NotAnObject)?;
                replace_text(&mut transaction, &object, text)?;
            }
        }
    }
    if transaction.pending_ops() == 0 {
        transaction.rollback();
        return Ok(None);
    }
    let time = i64::try_from(time.0).unwrap_or(i64::MAX);
    let (hash, _) = transaction.commit_with(CommitOptions::default().with_time(time));
    let change = hash.and_then(|hash| document.get_change_by_hash(&hash));
    Ok(change.map(|change| change.raw_bytes().to_vec()))
}

/// Where both sides of a rewritten stretch are longer than this, it is replaced whole: finding the smallest
/// difference takes time that grows with the product of their lengths.
const DIFF_CHARS_MAX: usize = 2_000;

fn replace_text(
    transaction: &mut automerge::transaction::Transaction<'_>,
    object: &ObjId,
    new: &str,
) -> Result<(), automerge::AutomergeError> {
    let old: Vec<char> = transaction.text(object)?.chars().collect();
    let wanted: Vec<char> = new.chars().collect();
    let same = |(a, b): &(&char, &char)| a == b;
    let prefix = old.iter().zip(&wanted).take_while(same).count();
    let suffix = old[prefix..].iter().rev().zip(wanted[prefix..].iter().rev()).take_while(same).count();
    let (gone, come) = (old.len() - prefix - suffix, wanted.len() - prefix - suffix);
    if gone.min(come) <= DIFF_CHARS_MAX && gone.max(come) <= 8 * DIFF_CHARS_MAX {
        return transaction.update_text(object, new);
    }
    let inserted: String = wanted[prefix..prefix + come].iter().collect();
    let gone = isize::try_from(gone).expect("a text in memory is shorter than isize::MAX");
    transaction.splice_text(object, prefix, gone, &inserted)
}

/// The first changes of every document. They are made apart, so that each builds on the one before and nothing else.
fn genesis(texts: &[&str]) -> Vec<automerge::Change> {
    let mut document = Automerge::new().with_actor(genesis_actor());
    for &key in texts {
        let mut transaction = document.transaction();
        transaction.put_object(ROOT, key, ObjType::Text).expect("the root takes any key that is not empty");
        transaction.commit_with(CommitOptions::default().with_time(0));
    }
    document.get_changes(&[])
}

fn genesis_actor() -> ActorId {
    ActorId::from([0; 16])
}

fn genesis_texts(document: &Automerge) -> Vec<String> {
    let mut texts: Vec<(u64, String)> = document
        .map_range(ROOT, ..)
        .filter_map(|item| match item.id() {
            ObjId::Id(counter, actor, _) if actor == genesis_actor() => {
                Some((counter, item.key.clone().into_owned()))
            }
            _ => None,
        })
        .collect();
    texts.sort();
    texts.into_iter().map(|(_, key)| key).collect()
}

/// Automerge asserts much of what it reads. Whatever it was given is thrown away when it panics.
fn contained<T>(work: impl FnOnce() -> T) -> Result<T, ()> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| ())
}

fn damaged_document(why: impl fmt::Display) -> CrdtError {
    CrdtError::Damaged { what: "document", why: why.to_string() }
}

fn damaged_change(why: impl fmt::Display) -> CrdtError {
    CrdtError::Damaged { what: "change", why: why.to_string() }
}

impl Actor {
    /// Sixteen bytes that nobody else writes as; not all zero.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl ChangeHash {
    /// Wraps bytes that are known to be a change's hash.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ChangeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ChangeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChangeHash(")?;
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("..)")
    }
}

#[cfg(test)]
mod tests;
