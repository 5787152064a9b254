//! Finding out what two sides lack when a cursor means nothing any more: range-based set reconciliation
//! (Meyer, "Range-Based Set Reconciliation", 2022), 32 ways at a time, over sealed ids.

use std::collections::BTreeSet;

use bedside_protocol::ids::SealedId;
use bedside_protocol::limits::RANGES_MAX;
use bedside_protocol::wire::{Range, RangeList, RangeSum};

/// The ranges in which the relay has said everything it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    listed: Vec<RangeList>,
}

/// What each side lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Held here and not by the relay: to be pushed.
    pub there: Vec<SealedId>,
    /// Held by the relay and not here: to be asked for.
    pub here: Vec<SealedId>,
}

impl Differences {
    /// These and more.
    #[must_use]
    pub fn with(mut self, listed: Vec<RangeList>) -> Self {
        self.listed.extend(listed);
        self
    }

    /// The ranges to be compared id by id.
    pub fn ranges(&self) -> impl Iterator<Item = Range> {
        self.listed.iter().map(|list| list.range)
    }

    /// Compares id by id with what is held here: `held` gives the sealed ids that lie in a range.
    pub fn against<E>(&self, mut held: impl FnMut(Range) -> Result<Vec<SealedId>, E>) -> Result<Missing, E> {
        let mut missing = Missing::default();
        for list in &self.listed {
            let here: BTreeSet<SealedId> = held(list.range)?.into_iter().collect();
            let there: BTreeSet<SealedId> = list.entries.iter().copied().collect();
            missing.there.extend(here.difference(&there));
            missing.here.extend(there.difference(&here));
        }
        Ok(missing)
    }
}

/// Of this device's sums those that differ from the relay's; all of them as long as the relay has said nothing.
///
/// No more than [`RANGES_MAX`], in order: what is left out is found by the next comparison.
#[must_use]
pub fn differing(sums: Vec<RangeSum>, relay: Option<&[RangeSum]>) -> Vec<RangeSum> {
    let same = |sum: &RangeSum| relay.is_some_and(|relay| relay.contains(sum));
    sums.into_iter().filter(|sum| !same(sum)).take(RANGES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use bedside_protocol::limits::RANGE_LIST_MAX;
    use proptest::prelude::*;

    use super::*;

    /// The relay's side of a step, as `docs/protocol.md` states it.
    fn relay_step(held: &BTreeSet<SealedId>, ask: &[RangeSum]) -> (Vec<RangeList>, Vec<RangeSum>) {
        let (mut listed, mut split) = (Vec::new(), Vec::new());
        for sum in ask.iter().filter(|sum| **sum != sum.range.sum(held)) {
            let inside: Vec<SealedId> = held.iter().filter(|id| sum.range.contains(id)).copied().collect();
            match sum.range.split() {
                Some(parts) if inside.len() as u64 > RANGE_LIST_MAX => {
                    split.extend(parts.map(|part| part.sum(held)))
                }
                _ => listed.push(RangeList { range: sum.range, entries: inside }),
            }
        }
        (listed, split)
    }

    fn compare(here: &BTreeSet<SealedId>, there: &BTreeSet<SealedId>) -> (Missing, usize) {
        let mut found = Differences::default();
        let mut ask = vec![Range::ALL.sum(here)];
        let mut rounds = 0;
        while !ask.is_empty() {
            rounds += 1;
            let (listed, split) = relay_step(there, &ask);
            found = found.with(listed);
            let sums = split.iter().map(|sum| sum.range.sum(here)).collect();
            ask = differing(sums, Some(&split));
        }
        let missing = found
            .against(|range| {
                Ok::<_, std::convert::Infallible>(
                    here.iter().filter(|id| range.contains(id)).copied().collect(),
                )
            })
            .expect("infallible");
        (missing, rounds)
    }

    fn ids(seeds: &[u64]) -> BTreeSet<SealedId> {
        seeds.iter().map(|seed| SealedId::new(bedside_protocol::signing::hash(&seed.to_be_bytes()))).collect()
    }

    proptest! {
        #[test]
        fn both_sides_learn_exactly_what_they_lack(
            both in proptest::collection::vec(any::<u64>(), 0..400),
            only_here in proptest::collection::vec(any::<u64>(), 0..20),
            only_there in proptest::collection::vec(any::<u64>(), 0..20),
        ) {
            let (both, only_here, only_there) = (ids(&both), ids(&only_here), ids(&only_there));
            let here: BTreeSet<_> = both.union(&only_here).copied().collect();
            let there: BTreeSet<_> = both.union(&only_there).copied().collect();
            let (missing, rounds) = compare(&here, &there);
            let pushed: BTreeSet<_> = missing.there.into_iter().collect();
            let wanted: BTreeSet<_> = missing.here.into_iter().collect();
            prop_assert_eq!(pushed, here.difference(&there).copied().collect());
            prop_assert_eq!(wanted, there.difference(&here).copied().collect());
            prop_assert!(rounds <= 4);
        }
    }
}
