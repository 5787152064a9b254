//! How long to leave a failing relay alone: exponential with full jitter.

/// The first wait is at most this long.
const FIRST_MS: u64 = 500;
/// No wait is longer, so that a device is never more than this behind a relay that came back.
const LONGEST_MS: u64 = 60_000;

/// Counts failures.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// No failure yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { failures: 0 }
    }

    /// The relay answered.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// Milliseconds to wait after one more failure: between half and the whole of a limit that doubles each time.
    pub fn next_ms(&mut self, chance: u64) -> u64 {
        let limit = FIRST_MS.saturating_mul(1 << self.failures.min(16)).min(LONGEST_MS);
        self.failures = self.failures.saturating_add(1);
        limit / 2 + chance % (limit / 2 + 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_wait_is_never_longer_than_the_longest_and_never_nothing(chances in proptest::collection::vec(any::<u64>(), 1..100)) {
            let mut backoff = Backoff::new();
            for chance in chances {
                let wait = backoff.next_ms(chance);
                prop_assert!((FIRST_MS / 2..=LONGEST_MS).contains(&wait));
            }
            backoff.reset();
            prop_assert!(backoff.next_ms(u64::MAX) <= FIRST_MS);
        }
    }
}
