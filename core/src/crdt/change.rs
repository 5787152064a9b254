//! What one change does, judged without the document it belongs to.

use std::collections::{BTreeMap, BTreeSet};

use automerge::legacy::{Key, ObjectId, Op, OpId, OpType};
use automerge::{ActorId, Change, ScalarValue};

use super::{Actor, ChangeHash, CrdtError, contained, damaged_change, genesis_actor};
use crate::limits::CHANGE_OPS_MAX;

/// What a change says about itself.
#[derive(Clone, PartialEq, Eq)]
pub struct ChangeInfo {
    /// Its hash.
    pub hash: ChangeHash,
    /// Who made it.
    pub actor: Actor,
    /// Counts the actor's changes, from 1 without gaps.
    pub seq: u64,
    /// The changes it builds on.
    pub deps: Vec<ChangeHash>,
    /// The root keys whose value or text it changes.
    pub keys: BTreeSet<String>,
    /// The value it leaves under each key that it puts.
    pub puts: BTreeMap<String, Vec<u8>>,
}

/// Reads one change and refuses whatever is not a put of bytes under a root key or a splice in one of `texts`.
///
/// Whether it reaches only operations of the same keys shows when it is applied: that needs its past.
pub fn inspect(change: &[u8], texts: &[&str]) -> Result<ChangeInfo, CrdtError> {
    judge(&parse(change)?, texts).map(|judged| judged.info)
}

/// A change that is allowed by itself.
pub(super) struct Judged {
    pub(super) info: ChangeInfo,
    pub(super) actor: ActorId,
    pub(super) start_op: u64,
    pub(super) steps: Vec<Step>,
}

/// One operation, as far as others may refer to it.
pub(super) struct Step {
    pub(super) target: Target,
    /// A character that came, not one that went.
    pub(super) inserts: bool,
    /// The operations it replaces, takes away, or stands after.
    pub(super) refers_to: Vec<OpId>,
}

/// What an operation changes.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Target {
    Value(String),
    /// By place in the list of texts.
    Text(usize),
}

pub(super) fn parse(bytes: &[u8]) -> Result<Change, CrdtError> {
    columns::check(bytes).ok_or_else(|| damaged_change("its columns are not in order"))?;
    let change = contained(|| Change::try_from(bytes))
        .map_err(|()| damaged_change("reading it panics"))?
        .map_err(damaged_change)?;
    if bytes.get(4..8) != change.hash().0.get(..4) || change.raw_bytes() != bytes {
        return Err(damaged_change("its checksum is wrong"));
    }
    Ok(change)
}

pub(super) fn judge(change: &Change, texts: &[&str]) -> Result<Judged, CrdtError> {
    let actor: [u8; 16] = change
        .actor_id()
        .to_bytes()
        .try_into()
        .map_err(|_| CrdtError::Forbidden("an actor has sixteen bytes"))?;
    if actor == [0; 16] {
        return Err(CrdtError::ReservedActor);
    }
    if change.message().is_some() || !change.extra_bytes().is_empty() {
        return Err(CrdtError::Forbidden("a change carries nothing beside its operations"));
    }
    if change.is_empty() {
        return Err(CrdtError::Forbidden("a change changes something"));
    }
    let operations = contained(|| change.decode().operations)
        .map_err(|()| damaged_change("its operations are unknown"))?;
    let mut info = ChangeInfo {
        hash: ChangeHash(change.hash().0),
        actor: Actor(actor),
        seq: change.seq(),
        deps: change.deps().iter().map(|dep| ChangeHash(dep.0)).collect(),
        keys: BTreeSet::new(),
        puts: BTreeMap::new(),
    };
    let mut steps = Vec::with_capacity(operations.len());
    for operation in operations {
        let (step, put) = step(operation, texts)?;
        match &step.target {
            Target::Value(key) => {
                info.keys.insert(key.clone());
                info.puts.extend(put.map(|bytes| (key.clone(), bytes)));
            }
            Target::Text(index) if !info.keys.contains(texts[*index]) => {
                info.keys.insert(texts[*index].to_owned());
            }
            Target::Text(_) => {}
        }
        steps.push(step);
    }
    Ok(Judged { info, actor: change.actor_id().clone(), start_op: change.start_op().get(), steps })
}

fn step(operation: Op, texts: &[&str]) -> Result<(Step, Option<Vec<u8>>), CrdtError> {
    let replaced: Vec<OpId> = operation.pred.iter().cloned().collect();
    match (operation.obj, operation.key, operation.action) {
        (ObjectId::Root, Key::Map(key), OpType::Put(ScalarValue::Bytes(bytes))) => {
            if key.is_empty() || operation.insert {
                return Err(CrdtError::Forbidden("a value has a key"));
            }
            if texts.contains(&key.as_str()) {
                return Err(CrdtError::Forbidden("a text is never replaced by a value"));
            }
            let target = Target::Value(key.to_string());
            Ok((Step { target, inserts: false, refers_to: replaced }, Some(bytes)))
        }
        (ObjectId::Root, _, OpType::Put(_)) => Err(CrdtError::Forbidden("values are bytes")),
        (ObjectId::Root, _, OpType::Delete) => Err(CrdtError::Forbidden("nothing is ever deleted")),
        (ObjectId::Id(id), Key::Seq(element), action) => {
            let index = usize::try_from(id.counter()).ok().and_then(|counter| counter.checked_sub(1));
            let index = index.filter(|index| *index < texts.len() && *id.actor() == genesis_actor());
            let index = index.ok_or(CrdtError::Forbidden("it changes an object that is not a text"))?;
            let refers_to: Vec<OpId> = element.as_opid().cloned().into_iter().collect();
            let inserts = match action {
                OpType::Put(ScalarValue::Str(_)) if operation.insert && replaced.is_empty() => true,
                OpType::Delete if !operation.insert && replaced == refers_to && !replaced.is_empty() => false,
                _ => return Err(CrdtError::Forbidden("a text is made of characters")),
            };
            Ok((Step { target: Target::Text(index), inserts, refers_to }, None))
        }
        _ => Err(CrdtError::Forbidden("only values and texts exist")),
    }
}

/// Run-length encoding lets a change of thirty bytes claim a billion operations, and automerge would walk them all.
/// This counts them first. The layout is described at <https://automerge.org/automerge-binary-format-spec/>.
mod columns {
    use super::CHANGE_OPS_MAX;

    const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
    const CHANGE_CHUNK: u8 = 1;

    pub(super) fn check(bytes: &[u8]) -> Option<()> {
        let mut input = Input(bytes);
        let header = input.take(9)?;
        if header[..4] != MAGIC || header[8] != CHANGE_CHUNK || input.length()? != input.0.len() {
            return None;
        }
        let deps = input.length()?;
        input.take(deps.checked_mul(32)?)?;
        input.skip_prefixed()?;
        for _ in 0..3 {
            input.number()?;
        }
        input.skip_prefixed()?;
        for _ in 0..input.length()? {
            input.skip_prefixed()?;
        }
        let count = input.length()?;
        let mut columns = Vec::new();
        for _ in 0..count {
            columns.push((input.number()?, input.length()?));
        }
        columns.into_iter().try_for_each(|(specification, length)| {
            let rows = rows(specification, Input(input.take(length)?))?;
            (rows <= CHANGE_OPS_MAX).then_some(())
        })
    }

    fn rows(specification: u64, mut column: Input<'_>) -> Option<u64> {
        let kind = specification & 0b1111;
        let mut rows = 0_u64;
        while !column.0.is_empty() && rows <= CHANGE_OPS_MAX {
            rows = rows.checked_add(match kind {
                // Raw bytes of values: as many as there are.
                7 => u64::try_from(std::mem::take(&mut column.0).len()).ok()?,
                4 => column.number()?,
                0..=6 => run(kind, &mut column)?,
                _ => return None,
            })?;
        }
        Some(rows)
    }

    fn run(kind: u64, column: &mut Input<'_>) -> Option<u64> {
        let length = column.signed()?;
        let (rows, values) = match length {
            0 => return column.number(),
            1.. => (length.unsigned_abs(), 1),
            _ => (length.unsigned_abs(), length.unsigned_abs()),
        };
        for _ in 0..values.min(CHANGE_OPS_MAX + 1) {
            if kind == 5 { column.skip_prefixed()? } else { column.number().map(|_| ())? }
        }
        Some(rows)
    }

    struct Input<'a>(&'a [u8]);

    impl<'a> Input<'a> {
        fn take(&mut self, count: usize) -> Option<&'a [u8]> {
            let (taken, rest) = self.0.split_at_checked(count)?;
            self.0 = rest;
            Some(taken)
        }

        fn skip_prefixed(&mut self) -> Option<()> {
            let length = self.length()?;
            self.take(length).map(|_| ())
        }

        fn length(&mut self) -> Option<usize> {
            usize::try_from(self.number()?).ok()
        }

        /// LEB128; what a signed one means does not matter where only its end is sought.
        fn number(&mut self) -> Option<u64> {
            self.leb128().map(|(value, _)| value)
        }

        fn signed(&mut self) -> Option<i64> {
            let (value, bits) = self.leb128()?;
            let unused = 64_u32.saturating_sub(bits);
            Some((value << unused).cast_signed() >> unused)
        }

        fn leb128(&mut self) -> Option<(u64, u32)> {
            let (mut value, mut bits) = (0_u64, 0);
            loop {
                let byte = self.take(1)?[0];
                if bits >= 70 {
                    return None;
                }
                if bits < 64 {
                    value |= u64::from(byte & 0x7f) << bits;
                }
                bits += 7;
                if byte & 0x80 == 0 {
                    return Some((value, bits));
                }
            }
        }
    }
}
