//! Finding what one side lacks, 32 ways at a time.
//!
//! The answer holds at most [`RANGES_MAX`] sums. A range for which there is no room to split is answered by the relay's own
//! sum of it: it still differs, so the device asks about it again. The first range that differs is always split, so every
//! step gets further. A device that asks about at most 128 large ranges at once is always answered in full.
//!
//! Cost: one pass over the sealed ids, within the span asked about, of the logs that the device may read.

use bedside_protocol::ids::{DeviceId, SealedId, Timestamp};
use bedside_protocol::limits::{RANGE_LIST_MAX, RANGES_MAX};
use bedside_protocol::problem::{Problem, ProblemKind};
use bedside_protocol::wire::{CompareAnswer, CompareRequest, RangeList, RangeSum};

use super::{refuse, too_many};
use crate::limits::COMPARE_LISTED_MAX;
use crate::storage::Storage;

/// One step of comparing what a device holds with what is here for it.
pub fn compare<S: Storage>(
    storage: &S,
    now: Timestamp,
    device: DeviceId,
    request: &CompareRequest,
) -> Result<CompareAnswer, Problem> {
    let asked = in_order(request)?;
    let unknown = || refuse(ProblemKind::Forbidden, "no credential names this device");
    let device = storage.device(&device)?.ok_or_else(unknown)?;
    let (Some(first), Some(last)) = (asked.first(), asked.last()) else {
        return Ok(CompareAnswer { listed: Vec::new(), split: Vec::new() });
    };
    let (low, high) = (first.range.bounds().0, last.range.bounds().1);
    let mut held = storage.readable_ids(device, now, &low, &high)?;
    held.sort_unstable();
    Ok(answer(&asked, &held))
}

/// The ranges asked about, ascending; refused unless they are ranges and lie apart.
fn in_order(request: &CompareRequest) -> Result<Vec<RangeSum>, Problem> {
    too_many("ranges", request.ranges.len(), RANGES_MAX)?;
    let mut asked = request.ranges.clone();
    asked.sort_unstable_by_key(|sum| (sum.range.bounds().0, sum.range.bits));
    let apart = asked.is_sorted_by(|a, b| a.range.bounds().1 < b.range.bounds().0);
    if apart && asked.iter().all(|sum| sum.range.is_valid()) {
        return Ok(asked);
    }
    Err(refuse(ProblemKind::Malformed, "ranges come from splitting and do not overlap"))
}

/// `held` ascends.
fn answer(asked: &[RangeSum], held: &[SealedId]) -> CompareAnswer {
    let differing: Vec<_> = asked
        .iter()
        .map(|theirs| (theirs, within(held, theirs)))
        .map(|(theirs, ids)| (theirs, theirs.range.sum(ids), ids))
        .filter(|(theirs, ours, _)| *theirs != ours)
        .collect();
    let mut answer = CompareAnswer { listed: Vec::new(), split: Vec::new() };
    let mut listed = 0;
    for (done, (_, ours, ids)) in differing.iter().enumerate() {
        let after = differing.len() - done - 1;
        let parts = ours.range.split();
        let small = ours.count <= RANGE_LIST_MAX || parts.is_none();
        if small && (listed + ids.len() <= COMPARE_LISTED_MAX || listed == 0) {
            listed += ids.len();
            answer.listed.push(RangeList { range: ours.range, entries: ids.to_vec() });
            continue;
        }
        match parts {
            Some(parts)
                if !small && (answer.split.is_empty() || answer.split.len() + 32 + after <= RANGES_MAX) =>
            {
                answer.split.extend(parts.into_iter().map(|part| part.sum(ids.iter())));
            }
            _ => answer.split.push(*ours),
        }
    }
    answer
}

fn within<'a>(held: &'a [SealedId], sum: &RangeSum) -> &'a [SealedId] {
    let (low, high) = sum.range.bounds();
    let from = held.partition_point(|id| *id < low);
    let to = held.partition_point(|id| *id <= high);
    &held[from..to]
}
