//! The laws that a comparison of two sides rests on.

use bedside_protocol::ids::SealedId;
use bedside_protocol::wire::{Range, RangeSum};
use proptest::collection::vec;
use proptest::prelude::*;

/// Any range that splitting can give.
fn range() -> impl Strategy<Value = Range> {
    (any::<u64>(), 0..=12_u8).prop_map(|(prefix, steps)| {
        let bits = steps * Range::STEP_BITS;
        let mask = if bits == 0 { 0 } else { u64::MAX << (64 - bits) };
        Range { prefix: prefix & mask, bits }
    })
}

/// Ids, most of them in a range or right beside it.
fn ids(range: Range) -> impl Strategy<Value = Vec<SealedId>> {
    let id = (any::<[u8; 32]>(), 0..6_u8).prop_map(move |(mut bytes, how)| {
        let low = range.bounds().0;
        let (prefix, random) = (first(&low), first(&SealedId::new(bytes)));
        let rest = u64::MAX.checked_shr(u32::from(range.bits)).unwrap_or(0);
        let begin = match how {
            0 => random,
            1 => prefix.wrapping_sub(1),
            2 => (prefix | rest).wrapping_add(1),
            _ => prefix | (random & rest),
        };
        bytes[..8].copy_from_slice(&begin.to_be_bytes());
        SealedId::new(bytes)
    });
    vec(id, 0..60)
}

fn range_and_ids() -> impl Strategy<Value = (Range, Vec<SealedId>)> {
    range().prop_flat_map(|range| (Just(range), ids(range)))
}

fn first(id: &SealedId) -> u64 {
    Range::key(id)
}

/// Adds sums up: counts add, ids are XORed.
fn together(range: Range, parts: &[RangeSum]) -> RangeSum {
    let mut whole = RangeSum { range, count: 0, xor: [0; 32] };
    for part in parts {
        whole.count += part.count;
        whole.xor.iter_mut().zip(part.xor).for_each(|(a, b)| *a ^= b);
    }
    whole
}

proptest! {
    #[test]
    fn an_id_lies_in_a_range_exactly_when_it_lies_between_its_bounds((range, ids) in range_and_ids()) {
        let (low, high) = range.bounds();
        prop_assert!(range.is_valid() && range.contains(&low) && range.contains(&high) && low < high);
        for id in ids {
            prop_assert_eq!(range.contains(&id), (low..=high).contains(&id));
        }
    }

    #[test]
    fn the_parts_of_a_range_partition_it((range, ids) in range_and_ids()) {
        let Some(parts) = range.split() else {
            prop_assert_eq!(range.bits, 60);
            return Ok(());
        };
        prop_assert_eq!(parts[0].bounds().0, range.bounds().0);
        prop_assert_eq!(parts[31].bounds().1, range.bounds().1);
        for pair in parts.windows(2) {
            let (end, begin) = (pair[0].bounds().1, pair[1].bounds().0);
            prop_assert_eq!(first(&end).checked_add(1), Some(first(&begin)));
            prop_assert!(end.as_bytes()[8..] == [0xff; 24] && begin.as_bytes()[8..] == [0; 24]);
        }
        for part in parts {
            prop_assert!(part.is_valid());
            prop_assert_eq!(part.bits, range.bits + Range::STEP_BITS);
        }
        for id in ids {
            let inside = parts.iter().filter(|part| part.contains(&id)).count();
            prop_assert_eq!(inside, usize::from(range.contains(&id)));
        }
    }

    #[test]
    fn the_sums_of_the_parts_are_the_sum_of_the_whole((range, ids) in range_and_ids()) {
        if let Some(parts) = range.split() {
            prop_assert_eq!(together(range, &parts.map(|part| part.sum(&ids))), range.sum(&ids));
        }
    }

    #[test]
    fn a_sum_is_over_what_lies_inside_in_any_order((range, ids) in range_and_ids()) {
        let inside: Vec<_> = ids.iter().filter(|id| range.contains(id)).copied().collect();
        let backwards: Vec<_> = ids.iter().rev().copied().collect();
        let sum = range.sum(&ids);
        prop_assert_eq!(sum, range.sum(&inside));
        prop_assert_eq!(sum, range.sum(&backwards));
        prop_assert_eq!(sum.count, inside.len() as u64);
        prop_assert_eq!(sum.range, range);
    }

    #[test]
    fn one_id_more_or_less_changes_the_sum((range, ids) in range_and_ids()) {
        let inside: Vec<_> = ids.into_iter().filter(|id| range.contains(id)).collect();
        for left_out in 0..inside.len() {
            let others = inside.iter().enumerate().filter(|(i, _)| *i != left_out).map(|(_, id)| id);
            prop_assert_ne!(range.sum(others), range.sum(&inside));
        }
    }

    #[test]
    fn what_is_no_range_is_not_split_and_harms_nothing(prefix: u64, bits: u8, id: [u8; 32]) {
        let range = Range { prefix, bits };
        let id = SealedId::new(id);
        let (low, high) = range.bounds();
        prop_assert!(low <= high);
        prop_assert_eq!(range.contains(&id), (low..=high).contains(&id));
        prop_assert!(range.is_valid() || range.split().is_none());
        let aligned = bits <= 60 && bits % 5 == 0 && prefix.checked_shl(u32::from(bits)).unwrap_or(0) == 0;
        prop_assert_eq!(range.is_valid(), aligned);
    }
}

#[test]
fn every_range_is_reached_by_splitting_and_twelve_steps_are_all() {
    let mut range = Range::ALL;
    for step in 1..=12 {
        range = range.split().unwrap()[(step * 7) % 32];
    }
    assert_eq!(range.bits, 60);
    assert_eq!(range.split(), None);
}
